//! What is legal in a pgbouncer.ini and still a bad idea, and whether its pools fit the server.

use std::collections::BTreeSet;

use super::{Ini, Setting, check_setting, digits, integer, positive};
use crate::poolconf::lint::{Against, Findings, Severity};
use crate::poolconf::pgbouncer::{self, Key};

/// PgBouncer's default for `default_pool_size`.
const DEFAULT_POOL_SIZE: u64 = 20;

/// What is legal and still a bad idea.
pub(super) fn settings(ini: &Ini<'_>, against: &Against, findings: &mut Findings) {
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

/// What one database entry may open.
struct Pool {
    line: u64,
    wildcard: bool,
    forced_user: Option<String>,
    pool_size: Option<u64>,
    reserve: Option<u64>,
    cap: Option<u64>,
}

fn read_entry(entry: &Setting<'_>, against: &Against, findings: &mut Findings) -> Pool {
    let mut pool = Pool {
        line: entry.line,
        wildcard: entry.key == "*",
        forced_user: None,
        pool_size: None,
        reserve: None,
        cap: None,
    };
    if entry.key == "pgbouncer" {
        findings.add(
            entry.line,
            Severity::Error,
            "reserved_name",
            "pgbouncer is the name of the console and cannot be a database entry",
            "",
        );
    }
    for (key, value) in &read_pairs(entry, &pgbouncer::ENTRY_KEYS, against, findings) {
        let number = u64::try_from(digits(value)).ok();
        let positive = number.filter(|number| *number > 0);
        match key.as_str() {
            "user" => pool.forced_user = Some(value.clone()),
            "pool_size" => pool.pool_size = positive,
            "reserve_pool" | "reserve_pool_size" => pool.reserve = number,
            "max_db_connections" => pool.cap = positive,
            "password" => findings.add(
                entry.line,
                Severity::Note,
                "password",
                format!("the entry {} holds a password", entry.key),
                "keep the file readable by PgBouncer alone, or use auth_file",
            ),
            _ => {}
        }
    }
    pool
}

/// The pairs of a line whose value is a list of them, held against the keys that there are; none when it is no list.
fn read_pairs(
    entry: &Setting<'_>,
    table: &'static [Key],
    against: &Against,
    findings: &mut Findings,
) -> Vec<(String, String)> {
    let Some(pairs) = pairs(entry.value) else {
        findings.add(
            entry.line,
            Severity::Error,
            "syntax",
            format!("the entry {} is not a list of key=value: PgBouncer does not start", entry.key),
            "values with spaces go into single quotes; a comment needs a line of its own",
        );
        return Vec::new();
    };
    for (key, value) in &pairs {
        check_setting(table, &Setting { line: entry.line, key, value }, against, findings);
    }
    pairs
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

/// The server connections that any one user may have at most, where all are limited: by the global limit, or by the largest
/// that a line in `[users]` gives.
fn user_cap(ini: &Ini<'_>, against: &Against, findings: &mut Findings) -> Option<u64> {
    let global = ini.value("max_user_connections").and_then(positive);
    let own = ini.users.iter().flat_map(|user| read_pairs(user, &pgbouncer::USER_KEYS, against, findings));
    let own = own.filter(|(key, _)| key == "max_user_connections");
    let most = own.filter_map(|(_, value)| u64::try_from(digits(&value)).ok()).max().unwrap_or_default();
    global.map(|cap| cap.max(most))
}

/// What the pools may open at most in one process.
fn worst_case(pools: &[&Pool], ini: &Ini<'_>, user_cap: Option<u64>, users: u64) -> u64 {
    let default = ini.size("default_pool_size", DEFAULT_POOL_SIZE);
    let reserve = ini.size("reserve_pool_size", 0);
    let global_cap = ini.value("max_db_connections").and_then(positive);
    let by_entry = pools.iter().fold(0_u64, |sum, pool| {
        let users = if pool.forced_user.is_some() { 1 } else { users };
        let size = pool.pool_size.unwrap_or(default).saturating_add(pool.reserve.unwrap_or(reserve));
        let open = size.saturating_mul(users);
        sum.saturating_add(pool.cap.or(global_cap).map_or(open, |cap| open.min(cap)))
    });
    let forced: BTreeSet<&str> = pools.iter().filter_map(|pool| pool.forced_user.as_deref()).collect();
    let others = if pools.iter().any(|pool| pool.forced_user.is_none()) { users } else { 0 };
    let all_users = others.saturating_add(u64::try_from(forced.len()).unwrap_or(u64::MAX));
    user_cap.map_or(by_entry, |cap| by_entry.min(cap.saturating_mul(all_users)))
}

/// The pairs of a connection string as PgBouncer reads it, or `None` when it cannot.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return None;
        }
        let after = after.trim_start();
        let (value, left) = if let Some(quoted) = after.strip_prefix('\'') {
            unquote(quoted)?
        } else {
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            let (value, left) = after.split_at(end);
            (value.to_owned(), left)
        };
        if value.is_empty() {
            return None;
        }
        pairs.push((key.to_owned(), value));
        rest = left.trim_start();
    }
    Some(pairs)
}

/// The text up to the closing quote, with doubled quotes made single, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            value.push(c);
        } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            return Some((value, text.get(at + 1..)?));
        }
    }
    None
}

/// Holds the server connections that the file allows against the slots that there are.
pub(super) fn sizes(ini: &Ini<'_>, against: &Against, findings: &mut Findings) {
    let pools: Vec<Pool> = ini.databases.iter().map(|entry| read_entry(entry, against, findings)).collect();
    let user_cap = user_cap(ini, against, findings);
    let global_cap = ini.value("max_db_connections").and_then(positive);
    // Of entries of one name, the last one is in force.
    let later = |at: usize, key: &str| ini.databases.iter().skip(at + 1).any(|entry| entry.key == key);
    let in_force: Vec<&Pool> = pools
        .iter()
        .zip(ini.databases.iter().enumerate())
        .filter(|(_, (at, entry))| !later(*at, entry.key))
        .map(|(pool, _)| pool)
        .collect();
    for pool in in_force.iter().filter(|pool| pool.wildcard) {
        findings.add(
            pool.line,
            Severity::Note,
            "wildcard",
            "every database that a client names becomes a pool of its own here; one is counted",
            "name the databases",
        );
    }
    let worst = worst_case(&in_force, ini, user_cap, against.users).saturating_mul(against.pooler_processes);
    let line = ini.setting("default_pool_size").map(|setting| setting.line);
    let sum = format!(
        "{} entries with {} users each and {} PgBouncer processes open up to {worst} server connections",
        in_force.len(),
        against.users,
        against.pooler_processes
    );
    if worst > against.usable {
        findings.add(
            line,
            Severity::Error,
            "over_server",
            format!("{sum}; the server has {} for ordinary roles", against.usable),
            "lower default_pool_size and reserve_pool_size, or bound them with max_db_connections or max_user_connections",
        );
    } else if worst > against.budget {
        findings.add(
            line,
            Severity::Warning,
            "over_budget",
            format!("{sum}; {} are left after the reserve", against.budget),
            "lower default_pool_size, or plan with a smaller --reserve",
        );
    }
    let caps = global_cap
        .and_then(|cap| ini.setting("max_db_connections").map(|setting| (setting.line, cap)))
        .into_iter()
        .chain(in_force.iter().filter_map(|pool| pool.cap.map(|cap| (pool.line, cap))));
    for (line, cap) in caps.filter(|(_, cap)| *cap > against.usable) {
        findings.add(
            line,
            Severity::Warning,
            "cap_above_usable",
            format!("max_db_connections {cap} never takes effect: ordinary roles have {}", against.usable),
            format!("at most {}", against.budget),
        );
    }
}
