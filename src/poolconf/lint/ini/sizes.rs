//! Whether the server connections that the file allows fit the slots that there are.

use std::collections::BTreeSet;

use super::entries::read_pairs;
use super::{DEFAULT_POOL_SIZE, Ini, Setting, digits, positive};
use crate::poolconf::lint::{Against, Findings, Severity};
use crate::poolconf::pgbouncer;

/// What one database entry may open.
struct Pool<'a> {
    line: u64,
    name: &'a str,
    forced_user: Option<String>,
    pool_size: Option<u64>,
    reserve: Option<u64>,
    cap: Option<u64>,
}

fn read_entry<'a>(entry: &Setting<'a>, against: &Against, findings: &mut Findings) -> Pool<'a> {
    let mut pool = Pool {
        line: entry.line,
        name: entry.key,
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

/// What `[users]` says of one user.
struct User<'a> {
    name: &'a str,
    pool_size: Option<u64>,
    reserve: Option<u64>,
    cap: Option<u64>,
}

fn read_user<'a>(user: &Setting<'a>, against: &Against, findings: &mut Findings) -> User<'a> {
    let mut read = User { name: user.key, pool_size: None, reserve: None, cap: None };
    for (key, value) in &read_pairs(user, &pgbouncer::USER_KEYS, against, findings) {
        let number = u64::try_from(digits(value)).ok();
        match key.as_str() {
            "pool_size" => read.pool_size = number.filter(|number| *number > 0),
            "reserve_pool_size" => read.reserve = number,
            "max_user_connections" => read.cap = number,
            _ => {}
        }
    }
    read
}

/// The settings of one name of which the last line is in force.
fn in_force<T>(all: &[T], name: impl Fn(&T) -> &str) -> Vec<&T> {
    let later = |at: usize, one: &T| all.iter().skip(at + 1).any(|other| name(other) == name(one));
    all.iter().enumerate().filter(|(at, one)| !later(*at, one)).map(|(_, one)| one).collect()
}

/// What the pools may open at most in one process, with so many `count` users for each entry.
fn worst_case(pools: &[&Pool<'_>], ini: &Ini<'_>, users: &[&User<'_>], count: u64) -> u64 {
    let default = ini.size("default_pool_size", DEFAULT_POOL_SIZE);
    let reserve = ini.size("reserve_pool_size", 0);
    let global_cap = ini.value("max_db_connections").and_then(positive);
    // What a user's line says wins over the entry's, as in PgBouncer's pool_pool_size().
    let open = |pool: &Pool<'_>, user: Option<&&User<'_>>| {
        let size = user.and_then(|user| user.pool_size).or(pool.pool_size).unwrap_or(default);
        size.saturating_add(user.and_then(|user| user.reserve).or(pool.reserve).unwrap_or(reserve))
    };
    let by_entry = pools.iter().fold(0_u64, |sum, pool| {
        let open = if let Some(name) = &pool.forced_user {
            open(pool, users.iter().find(|user| user.name == name))
        } else {
            let mut named: Vec<u64> = users.iter().map(|user| open(pool, Some(user))).collect();
            named.sort_unstable_by(|left, right| right.cmp(left));
            named.truncate(usize::try_from(count).unwrap_or(usize::MAX));
            let others = count.saturating_sub(named.len() as u64);
            named.into_iter().fold(open(pool, None).saturating_mul(others), u64::saturating_add)
        };
        sum.saturating_add(pool.cap.or(global_cap).map_or(open, |cap| open.min(cap)))
    });
    let forced: BTreeSet<&str> = pools.iter().filter_map(|pool| pool.forced_user.as_deref()).collect();
    let others = if pools.iter().any(|pool| pool.forced_user.is_none()) { count } else { 0 };
    // Where every user is limited, any one may have what the global limit says, or the largest that is a user's own.
    let own = users.iter().filter_map(|user| user.cap).max().unwrap_or_default();
    let cap = ini.value("max_user_connections").and_then(positive).map(|cap| cap.max(own));
    let all_users = others.saturating_add(forced.len() as u64);
    cap.map_or(by_entry, |cap| by_entry.min(cap.saturating_mul(all_users)))
}

/// Holds the server connections that the file allows against the slots that there are.
pub(super) fn sizes(ini: &Ini<'_>, against: &Against, findings: &mut Findings) {
    let pools: Vec<Pool<'_>> =
        ini.databases.iter().map(|entry| read_entry(entry, against, findings)).collect();
    let users: Vec<User<'_>> = ini.users.iter().map(|user| read_user(user, against, findings)).collect();
    let (in_force, users) = (in_force(&pools, |pool| pool.name), in_force(&users, |user| user.name));
    for pool in in_force.iter().filter(|pool| pool.name == "*") {
        findings.add(
            pool.line,
            Severity::Note,
            "wildcard",
            "every database that a client names becomes a pool of its own here; one is counted",
            "name the databases",
        );
    }
    let count = against.users.unwrap_or_else(|| (users.len() as u64).max(1));
    let worst = worst_case(&in_force, ini, &users, count).saturating_mul(against.pooler_processes);
    let line = ini.setting("default_pool_size").map(|setting| setting.line);
    let sum = format!(
        "the pools (entries: {}, users of each: {}, PgBouncer processes: {}) open up to {worst} server connections",
        in_force.len(),
        count,
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
    let caps = ini
        .setting("max_db_connections")
        .and_then(|setting| Some((setting.line, positive(setting.value)?)))
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
