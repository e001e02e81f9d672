//! libpq's table of keywords, and the grammar of `keyword = value` strings.

use super::error::Error;
use crate::model::nearest;

/// What is shown instead of a secret.
pub(super) const MASK: &str = "********";

/// One row of the table.
#[derive(Debug)]
pub(super) struct Keyword {
    /// The name in connection strings.
    pub(super) name: &'static str,
    /// The environment variable that supplies it.
    pub(super) variable: Option<&'static str>,
    /// The value that holds when nobody says anything (those that depend on the machine are not here).
    pub(super) default: Option<&'static str>,
    /// Whether the value must never be shown.
    pub(super) secret: bool,
}

const fn row(
    name: &'static str,
    variable: Option<&'static str>,
    default: Option<&'static str>,
    secret: bool,
) -> Keyword {
    Keyword { name, variable, default, secret }
}

/// Every keyword of libpq 18, in its order (`PQconninfoOptions` in fe-connect.c), and `servicefile`, which later
/// versions have. Defaults that change nothing are left out, so that a listing shows what matters.
pub(super) const KEYWORDS: &[Keyword] = &[
    row("service", Some("PGSERVICE"), None, false),
    row("servicefile", Some("PGSERVICEFILE"), None, false),
    row("user", Some("PGUSER"), None, false),
    row("password", Some("PGPASSWORD"), None, true),
    row("passfile", Some("PGPASSFILE"), None, false),
    row("channel_binding", Some("PGCHANNELBINDING"), Some("prefer"), false),
    row("connect_timeout", Some("PGCONNECT_TIMEOUT"), None, false),
    row("dbname", Some("PGDATABASE"), None, false),
    row("host", Some("PGHOST"), None, false),
    row("hostaddr", Some("PGHOSTADDR"), None, false),
    row("port", Some("PGPORT"), Some("5432"), false),
    row("client_encoding", Some("PGCLIENTENCODING"), None, false),
    row("options", Some("PGOPTIONS"), None, false),
    row("application_name", Some("PGAPPNAME"), None, false),
    row("fallback_application_name", None, None, false),
    row("keepalives", None, None, false),
    row("keepalives_idle", None, None, false),
    row("keepalives_interval", None, None, false),
    row("keepalives_count", None, None, false),
    row("tcp_user_timeout", None, None, false),
    row("sslmode", Some("PGSSLMODE"), Some("prefer"), false),
    row("sslnegotiation", Some("PGSSLNEGOTIATION"), Some("postgres"), false),
    row("sslcompression", Some("PGSSLCOMPRESSION"), None, false),
    row("sslcert", Some("PGSSLCERT"), None, false),
    row("sslkey", Some("PGSSLKEY"), None, false),
    row("sslcertmode", Some("PGSSLCERTMODE"), Some("allow"), false),
    row("sslpassword", None, None, true),
    row("sslrootcert", Some("PGSSLROOTCERT"), None, false),
    row("sslcrl", Some("PGSSLCRL"), None, false),
    row("sslcrldir", Some("PGSSLCRLDIR"), None, false),
    row("sslsni", Some("PGSSLSNI"), Some("1"), false),
    row("requirepeer", Some("PGREQUIREPEER"), None, false),
    row("require_auth", Some("PGREQUIREAUTH"), None, false),
    row("min_protocol_version", Some("PGMINPROTOCOLVERSION"), None, false),
    row("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), None, false),
    row("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION"), Some("TLSv1.2"), false),
    row("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION"), None, false),
    row("gssencmode", Some("PGGSSENCMODE"), Some("disable"), false),
    row("krbsrvname", Some("PGKRBSRVNAME"), None, false),
    row("gsslib", Some("PGGSSLIB"), None, false),
    row("gssdelegation", Some("PGGSSDELEGATION"), None, false),
    row("replication", None, None, false),
    row("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Some("any"), false),
    row("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Some("disable"), false),
    row("scram_client_key", None, None, true),
    row("scram_server_key", None, None, true),
    row("oauth_issuer", None, None, false),
    row("oauth_client_id", None, None, false),
    row("oauth_client_secret", None, None, true),
    row("oauth_scope", None, None, false),
    row("sslkeylogfile", None, None, false),
];

/// The row named `name`.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// The keyword that `typed` most likely meant, if one is near enough.
pub(super) fn nearest(typed: &str) -> Option<&'static str> {
    nearest::nearest(typed, KEYWORDS.iter().map(|keyword| keyword.name))
}

/// Keywords and values in the order in which they were written.
pub(super) type Pairs = Vec<(&'static Keyword, String)>;

/// Adds a value; the last one written for a keyword holds. False when there is no such keyword.
pub(super) fn store(pairs: &mut Pairs, name: &str, value: String) -> bool {
    let (name, value) = match name {
        "requiressl" if value.starts_with('1') => ("sslmode", "require".to_owned()),
        "requiressl" => ("sslmode", "prefer".to_owned()),
        _ => (name, value),
    };
    let Some(keyword) = find(name) else { return false };
    match pairs.iter_mut().find(|(known, _)| known.name == keyword.name) {
        Some(pair) => pair.1 = value,
        None => pairs.push((keyword, value)),
    }
    true
}

/// Reads a `keyword = value` string as libpq's `conninfo_parse` does: blanks around `=`, single quotes, backslash
/// escapes, blanks after `=` skipped even when no value follows.
pub(super) fn parse(text: &str) -> Result<Pairs, Error> {
    let mut pairs = Pairs::new();
    let mut rest = skip_blanks(text);
    let mut after_secret = false;
    while !rest.is_empty() {
        let name_end = rest.find(|c| c == '=' || is_blank(c)).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(name_end);
        // A blank in an unquoted password would make its second half look like a keyword.
        let shown = if after_secret { MASK } else { name };
        let Some(tail) = skip_blanks(tail).strip_prefix('=') else {
            let message = format!("missing \"=\" after \"{shown}\" in connection info string");
            return Err(quoting_hint(Error::new(message), after_secret));
        };
        let (value, tail) = read_value(skip_blanks(tail))?;
        if !store(&mut pairs, name, value) {
            let error = Error::new(format!("invalid connection option \"{shown}\""));
            return Err(match nearest(name).filter(|_| !after_secret) {
                Some(near) => error.hinted(format!("did you mean {near}?")),
                None => quoting_hint(error, after_secret),
            });
        }
        after_secret = find(name).is_some_and(|keyword| keyword.secret);
        rest = skip_blanks(tail);
    }
    Ok(pairs)
}

fn quoting_hint(error: Error, after_secret: bool) -> Error {
    if after_secret { error.hinted("put a password with a blank in it between single quotes") } else { error }
}

/// One value and what follows it.
fn read_value(text: &str) -> Result<(String, &str), Error> {
    let quoted = text.starts_with('\'');
    let mut chars = text.char_indices();
    if quoted {
        chars.next();
    }
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            c if !quoted && is_blank(c) => return Ok((value, text.get(at..).unwrap_or_default())),
            c => value.push(c),
        }
    }
    if quoted {
        return Err(Error::new("unterminated quoted string in connection info string"));
    }
    Ok((value, ""))
}

/// C's `isspace` in the C locale.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches(is_blank)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quoted(value: &str) -> String {
        format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
    }

    #[test]
    fn half_a_password_never_appears_in_a_message() {
        for text in ["password=my secret", "password=my secret=1", "sslpassword=my secret host=x"] {
            let error = parse(text).expect_err(text);
            assert!(!format!("{error:?}").contains("secret\""), "{error:?}");
            assert!(error.hint.is_some(), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn fuzz_keyword_string(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn fuzz_keyword_string_of_likely_text(text in "([a-z='\\\\ \t]|host|port|password|requiressl){0,30}") {
            let _ = parse(&text);
        }

        #[test]
        fn quoted_values_come_back(host in "\\PC*", user in "\\PC*") {
            let pairs = parse(&format!("host = {} user={}", quoted(&host), quoted(&user))).expect("quoted");
            let values: Vec<&str> = pairs.iter().map(|(_, value)| value.as_str()).collect();
            prop_assert_eq!(values, vec![host.as_str(), user.as_str()]);
        }
    }
}
