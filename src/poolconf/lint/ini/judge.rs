//! What is legal in a pgbouncer.ini and still a bad idea, or does not go together.

use super::entries::read_pairs;
use super::numbers::{integer, positive};
use super::settings::{DEFAULT_POOL_SIZE, Ini};
use crate::poolconf::lint::against::Against;
use crate::poolconf::lint::finding::{Findings, Severity};
use crate::poolconf::pgbouncer;

/// Startup parameters that decide what a client's statements do or on what; PgBouncer drops those that it ignores.
const DECISIVE: [&str; 13] = [
    "search_path",
    "role",
    "session_authorization",
    "options",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "row_security",
    "session_replication_role",
];

/// What is legal and still a bad idea.
pub(super) fn settings(ini: &Ini, against: &Against, findings: &mut Findings) {
    startup_parameters(ini, findings);
    mode(ini, against, findings);
    protocols(ini, against, findings);
    let (least, most) = (ini.size("min_pool_size", 0), ini.size("default_pool_size", DEFAULT_POOL_SIZE));
    if least > most {
        findings.add(
            ini.place("min_pool_size"),
            Severity::Warning,
            "min_above_size",
            format!("min_pool_size {least} is above default_pool_size {most}"),
            "",
        );
    }
    // Sessions of the server follow clients: more than there may be clients are never needed.
    let clients = ini.value("max_client_conn").and_then(positive);
    if let Some(clients) = clients.filter(|clients| *clients < most) {
        let given = ini.setting("default_pool_size").is_some();
        findings.add(
            ini.place("default_pool_size").or_else(|| ini.place("max_client_conn")),
            if given { Severity::Warning } else { Severity::Note },
            "size_not_reached",
            format!("a pool of {most} is never used up: max_client_conn {clients} lets in fewer clients"),
            "raise max_client_conn, or lower default_pool_size",
        );
    }
}

/// Parameters that clients send when they connect.
fn startup_parameters(ini: &Ini, findings: &mut Findings) {
    let list = |key: &str| {
        let value = ini.value(key).unwrap_or_default();
        value.split(',').map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>()
    };
    let (ignored, tracked) = (list("ignore_startup_parameters"), list("track_extra_parameters"));
    let dropped: Vec<&str> = DECISIVE
        .into_iter()
        .filter(|name| ignored.iter().any(|other| other == name))
        .filter(|name| !tracked.iter().any(|other| other == name))
        .collect();
    if !dropped.is_empty() {
        let harm = if dropped.iter().any(|name| matches!(*name, "search_path" | "role")) {
            ": statements may run on another tenant's tables"
        } else if dropped.contains(&"options") {
            ": a search_path or statement_timeout in it is lost, too"
        } else {
            ""
        };
        findings.add(
            ini.place("ignore_startup_parameters"),
            Severity::Warning,
            "dropped_parameters",
            format!("what clients send as {} is dropped without a word{harm}", dropped.join(", ")),
            "set it with ALTER ROLE … SET, or connect_query in the entry, and refuse it here",
        );
    }
    if !ini.unread && !ignored.iter().any(|name| name == "extra_float_digits") {
        findings.add(
            ini.place("ignore_startup_parameters"),
            Severity::Note,
            "extra_float_digits",
            "the JDBC driver and sqlx are refused: they send extra_float_digits",
            "ignore_startup_parameters = extra_float_digits",
        );
    }
}

/// The names of TLS's versions, which are read when TLS is on.
fn protocols(ini: &Ini, against: &Against, findings: &mut Findings) {
    let known = |word: &str| {
        let word = word.trim_start_matches([' ', '\t']);
        let word = word.strip_prefix('!').unwrap_or(word).to_ascii_lowercase();
        matches!(word.as_str(), "all" | "default" | "secure")
            || word.strip_prefix("tlsv1").is_some_and(|minor| matches!(minor, "" | ".0" | ".1" | ".2" | ".3"))
    };
    // Towards the server it is on by default since 1.20.
    let by_default = against.version.is_none_or(|version| version.at_least(20));
    for (key, mode, by_default) in [
        ("server_tls_protocols", "server_tls_sslmode", by_default),
        ("client_tls_protocols", "client_tls_sslmode", false),
    ] {
        let on = ini.word(mode).map_or(by_default, |mode| mode != "disable");
        let value = ini.value(key).filter(|value| on && !value.is_empty());
        if let Some(wrong) = value.and_then(|value| value.split([',', ':']).find(|word| !known(word))) {
            findings.prevent(
                ini.place(key),
                "invalid_value",
                format!("{key} does not accept \"{}\": PgBouncer does not start", wrong.trim()),
                "it takes all, secure, and tlsv1.0 to tlsv1.3, each with ! to leave it out",
            );
        }
    }
}

fn mode(ini: &Ini, against: &Against, findings: &mut Findings) {
    match ini.word("pool_mode").as_deref().unwrap_or("session") {
        "statement" => findings.add(
            ini.place("pool_mode"),
            Severity::Warning,
            "statement_mode",
            "in statement mode a transaction of several statements is refused",
            "use transaction mode",
        ),
        "transaction" => {
            let given = ini.value("max_prepared_statements");
            let off = given.map_or_else(
                || against.version.is_none_or(|version| !version.at_least(24)),
                |value| integer(value) == Some(0),
            );
            let since =
                if given.is_none() && against.version.is_none() { " before PgBouncer 1.24" } else { "" };
            if off {
                findings.add(
                    ini.place("max_prepared_statements").or_else(|| ini.place("pool_mode")),
                    Severity::Note,
                    "prepared_statements",
                    format!("named prepared statements of clients fail in transaction mode{since}"),
                    "max_prepared_statements = 200 (PgBouncer 1.21 or later), or switch them off in the clients",
                );
            }
        }
        _ => {}
    }
}

/// Everything wrong in `[peers]`.
pub(super) fn peers(ini: &Ini, against: &Against, findings: &mut Findings) {
    for peer in &ini.peers {
        let before = findings.all.len();
        if !peer.key.parse().is_ok_and(|id: u32| (1..=0xFFFF).contains(&id)) {
            findings.prevent(
                peer.place,
                "invalid_value",
                format!("{} is no id of a peer: PgBouncer does not start", peer.key),
                "a peer's id is a number from 1 to 65535",
            );
        }
        let pairs = read_pairs(peer, &pgbouncer::PEER_KEYS, against, findings);
        let readable = findings.all.len() == before;
        if readable && !pairs.iter().any(|(key, _)| key == "host") {
            findings.prevent(
                peer.place,
                "no_host",
                format!("the peer {} has no host: PgBouncer does not start", peer.key),
                "",
            );
        }
    }
}
