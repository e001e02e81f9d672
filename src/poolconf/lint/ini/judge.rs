//! What is legal in a pgbouncer.ini and still a bad idea, or does not go together.

use super::entries::read_pairs;
use super::{DEFAULT_POOL_SIZE, Ini, integer};
use crate::poolconf::lint::{Against, Findings, Severity};
use crate::poolconf::pgbouncer;

/// Who gets in, and how safely.
fn access(ini: &Ini<'_>, findings: &mut Findings) {
    let line = |key: &str| ini.setting(key).map(|setting| setting.line);
    let auth = ini.word("auth_type").unwrap_or_else(|| "md5".to_owned());
    if auth == "md5" {
        findings.add(
            line("auth_type"),
            Severity::Warning,
            "auth_md5",
            "with auth_type md5, md5 hashes in the auth_file cannot log in to a server that stores SCRAM secrets (PostgreSQL's default since 14)",
            "use auth_type = scram-sha-256, and SCRAM secrets or plain passwords in the auth_file",
        );
    }
    let listen = ini.value("listen_addr").unwrap_or_default();
    let open = listen.split(',').any(|address| matches!(address.trim(), "*" | "0.0.0.0" | "::"));
    if open && matches!(auth.as_str(), "any" | "trust") {
        findings.add(
            line("auth_type"),
            Severity::Error,
            "open_door",
            format!("auth_type {auth} lets everybody in who reaches {listen}"),
            "use scram-sha-256, or listen on 127.0.0.1",
        );
    }
    tls(ini, &auth, findings);
    if open && ini.word("client_tls_sslmode").is_none_or(|mode| mode == "disable") {
        findings.add(
            line("listen_addr"),
            Severity::Note,
            "no_tls",
            "clients connect over the network without TLS",
            "set client_tls_sslmode and its files, or listen on 127.0.0.1",
        );
    }
    if !matches!(auth.as_str(), "any" | "trust" | "cert" | "hba" | "pam" | "ldap")
        && !ini.includes
        && ["auth_file", "auth_query", "auth_user"].iter().all(|key| ini.value(key).is_none())
    {
        findings.add(
            None,
            Severity::Warning,
            "no_auth_file",
            "without auth_file or auth_query nobody can log in",
            "",
        );
    }
}

/// What is legal and still a bad idea.
pub(super) fn settings(ini: &Ini<'_>, against: &Against, findings: &mut Findings) {
    let line = |key: &str| ini.setting(key).map(|setting| setting.line);
    access(ini, findings);
    mode(ini, against, findings);
    let ignored = ini.value("ignore_startup_parameters").unwrap_or_default();
    if !ignored.split(',').any(|name| name.trim() == "extra_float_digits") {
        findings.add(
            line("ignore_startup_parameters"),
            Severity::Note,
            "extra_float_digits",
            "the JDBC driver and sqlx are refused: they send extra_float_digits",
            "ignore_startup_parameters = extra_float_digits",
        );
    }
    let (least, most) = (ini.size("min_pool_size", 0), ini.size("default_pool_size", DEFAULT_POOL_SIZE));
    if least > most {
        findings.add(
            line("min_pool_size"),
            Severity::Warning,
            "min_above_size",
            format!("min_pool_size {least} is above default_pool_size {most}"),
            "",
        );
    }
}

/// What PgBouncer insists on before it accepts TLS from clients.
fn tls(ini: &Ini<'_>, auth: &str, findings: &mut Findings) {
    let mode = ini.word("client_tls_sslmode").unwrap_or_default();
    let set = |key: &str| ini.value(key).is_some_and(|value| !value.is_empty());
    let files = set("client_tls_key_file") && set("client_tls_cert_file");
    let on = matches!(mode.as_str(), "allow" | "prefer" | "require" | "verify-ca" | "verify-full");
    let missing = if ini.includes {
        return;
    } else if auth == "cert" && mode != "verify-full" {
        "client_tls_sslmode = verify-full"
    } else if on && !files {
        "client_tls_key_file and client_tls_cert_file"
    } else if mode == "verify-full" && !set("client_tls_ca_file") {
        "client_tls_ca_file"
    } else {
        return;
    };
    let key = if auth == "cert" { "auth_type" } else { "client_tls_sslmode" };
    findings.add(
        ini.setting(key).map(|setting| setting.line),
        Severity::Error,
        "client_tls",
        format!("this {key} needs {missing}: PgBouncer does not start"),
        "",
    );
}

fn mode(ini: &Ini<'_>, against: &Against, findings: &mut Findings) {
    let line = |key: &str| ini.setting(key).map(|setting| setting.line);
    match ini.word("pool_mode").as_deref().unwrap_or("session") {
        "statement" => findings.add(
            line("pool_mode"),
            Severity::Warning,
            "statement_mode",
            "in statement mode a transaction of several statements is refused",
            "use transaction mode",
        ),
        "transaction" => {
            let off = ini.value("max_prepared_statements").map_or_else(
                || against.version.is_none_or(|version| !version.at_least(24)),
                |value| integer(value) == Some(0),
            );
            if off {
                findings.add(
                    line("max_prepared_statements").or_else(|| line("pool_mode")),
                    Severity::Note,
                    "prepared_statements",
                    "named prepared statements of clients fail in transaction mode",
                    "max_prepared_statements = 200 (PgBouncer 1.21 or later), or switch them off in the clients",
                );
            }
        }
        _ => {}
    }
}

/// Everything wrong in `[peers]`.
pub(super) fn peers(ini: &Ini<'_>, against: &Against, findings: &mut Findings) {
    for peer in &ini.peers {
        if !peer.key.parse().is_ok_and(|id: u32| (1..=0xFFFF).contains(&id)) {
            findings.add(
                peer.line,
                Severity::Error,
                "invalid_value",
                format!("{} is no id of a peer: PgBouncer does not start", peer.key),
                "a peer's id is a number from 1 to 65535",
            );
        }
        let pairs = read_pairs(peer, &pgbouncer::PEER_KEYS, against, findings);
        if !pairs.is_empty() && !pairs.iter().any(|(key, _)| key == "host") {
            findings.add(
                peer.line,
                Severity::Error,
                "no_host",
                format!("the peer {} has no host: PgBouncer does not start", peer.key),
                "",
            );
        }
    }
}
