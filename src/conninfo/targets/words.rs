//! What lists write in short: addresses, names of labels.

/// A text that is no connection string is not taken for the name of a database, as psql would take it.
pub(super) fn connection_string(text: String) -> String {
    if text.contains('=') || text.contains("://") { text } else { address(&text) }
}

/// The connection string of `host`, `host:port` or `[address]:port`.
fn address(text: &str) -> String {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (!host.contains(':') || host.ends_with(']')) => {
            (host, Some(port))
        }
        _ => (text, None),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let quoted = host.replace('\\', "\\\\").replace('\'', "\\'");
    let is_plain = !host.is_empty() && !host.contains([' ', '\t', '\'', '\\']);
    let host = if is_plain { format!("host={host}") } else { format!("host='{quoted}'") };
    port.map_or_else(|| host.clone(), |port| format!("{host} port={port}"))
}

/// Whether Prometheus takes it for the name of a label.
pub(super) fn is_label(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(word) && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}
