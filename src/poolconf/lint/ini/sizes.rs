//! Whether the server connections that the file allows fit the slots that there are.

use std::collections::BTreeSet;

use super::entries::read_pairs;
use super::{DEFAULT_POOL_SIZE, Ini, Setting, digits, positive};
use crate::poolconf::lint::{Against, Findings, Severity};
use crate::poolconf::pgbouncer;

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
