//! Whether the server connections that the file allows fit the slots that there are, on each server that it names.

use std::collections::{BTreeMap, BTreeSet};

use super::entries::read_pairs;
use super::numbers::{digits, positive};
use super::settings::{DEFAULT_POOL_SIZE, Ini, Setting};
use crate::poolconf::lint::against::{Against, SAY_WHAT_IT_HAS};
use crate::poolconf::lint::finding::{Findings, Place, Severity};
use crate::poolconf::pgbouncer;

/// The bytes that the name of a database may have.
const LONGEST_NAME: usize = 63;

/// What one database entry may open, and for whom.
pub(super) struct Pool {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) forced_user: Option<String>,
    pub(super) has_password: bool,
    /// Whether it names who asks the server for users.
    pub(super) auth_user: bool,
    /// Whether its server is on this machine and may know who asks without a password.
    pub(super) over_socket: bool,
    /// Where its server is, as HOST:PORT.
    server: String,
    size: Option<u64>,
    reserve: Option<u64>,
    cap: Option<u64>,
}

impl Pool {
    /// Of an entry that says nothing.
    fn new(place: Place, name: &str) -> Self {
        Self {
            place,
            name: name.to_owned(),
            forced_user: None,
            has_password: false,
            auth_user: false,
            over_socket: false,
            server: String::new(),
            size: None,
            reserve: None,
            cap: None,
        }
    }

    /// Of a database whose entry is not to be seen.
    pub(super) fn unnamed(place: Place) -> Self {
        Self::new(place, "its database")
    }
}

/// The database entries that are in force.
pub(super) fn pools(ini: &Ini, against: &Against, findings: &mut Findings) -> Vec<Pool> {
    let pools = ini.databases.iter().map(|entry| read_entry(entry, against, findings)).collect();
    in_force(pools, |pool: &Pool| pool.name.as_str())
}

fn read_entry(entry: &Setting, against: &Against, findings: &mut Findings) -> Pool {
    let mut pool = Pool::new(entry.place, &entry.key);
    if entry.key == "pgbouncer" {
        let message = "pgbouncer is the console: an entry of that name keeps PgBouncer from starting";
        findings.prevent(entry.place, "reserved_name", message, "");
    }
    if entry.key.len() > LONGEST_NAME {
        let message = format!("the name has more than {LONGEST_NAME} bytes: PgBouncer does not start");
        findings.prevent(entry.place, "long_name", message, "take a shorter one, and give dbname=");
    }
    let before = findings.all.len();
    let pairs = read_pairs(entry, &pgbouncer::ENTRY_KEYS, against, findings);
    if entry.key == "*" && findings.all.iter().skip(before).any(|finding| finding.prevents_start) {
        // It is read when a client comes, only.
        findings.all.truncate(before);
        let message =
            "nobody can log in by *: PgBouncer cannot read the entry, which it sees when a client comes";
        findings.add(entry.place, Severity::Error, "nobody_gets_in", message, "");
    }
    let (mut host, mut port) = (String::new(), "5432".to_owned());
    for (key, value) in &pairs {
        let number = u64::try_from(digits(value)).ok();
        let positive = number.filter(|number| *number > 0);
        match key.as_str() {
            "host" => host.clone_from(value),
            "port" => port = digits(value).to_string(),
            "user" => pool.forced_user = Some(value.clone()),
            "auth_user" => pool.auth_user = true,
            "pool_size" => pool.size = positive,
            "reserve_pool" | "reserve_pool_size" => pool.reserve = number,
            "max_db_connections" => pool.cap = positive,
            "password" => pool.has_password = true,
            _ => {}
        }
    }
    if pool.has_password {
        findings.add(
            entry.place,
            Severity::Note,
            "password",
            format!("the entry {} holds a password", entry.key),
            "keep the file readable by PgBouncer alone, or use auth_file",
        );
    }
    pool.over_socket = host.is_empty() || host.starts_with(['/', '@']);
    let here = pool.over_socket || matches!(host.as_str(), "127.0.0.1" | "::1");
    pool.server = format!("{}:{port}", if here { "localhost" } else { &host });
    pool
}

/// What `[users]` says of one user.
struct User {
    name: String,
    size: Option<u64>,
    reserve: Option<u64>,
    cap: Option<u64>,
}

fn read_user(user: &Setting, against: &Against, findings: &mut Findings) -> User {
    let mut read = User { name: user.key.clone(), size: None, reserve: None, cap: None };
    for (key, value) in &read_pairs(user, &pgbouncer::USER_KEYS, against, findings) {
        let number = u64::try_from(digits(value)).ok();
        match key.as_str() {
            "pool_size" => read.size = number.filter(|number| *number > 0),
            "reserve_pool_size" => read.reserve = number,
            "max_user_connections" => read.cap = number,
            _ => {}
        }
    }
    read
}

/// The settings of one name of which the last line is in force.
fn in_force<T>(all: Vec<T>, name: impl Fn(&T) -> &str) -> Vec<T> {
    let last: Vec<bool> = (0..all.len())
        .map(|at| {
            let mut later = all.iter().skip(at + 1);
            all.get(at).is_some_and(|one| !later.any(|other| name(other) == name(one)))
        })
        .collect();
    all.into_iter().zip(last).filter_map(|(one, last)| last.then_some(one)).collect()
}

/// What the pools may open at most in one process, with so many `count` users for each entry.
fn worst_case(pools: &[&Pool], ini: &Ini, users: &[User], count: u64) -> u64 {
    let default = ini.size("default_pool_size", DEFAULT_POOL_SIZE);
    let reserve = ini.size("reserve_pool_size", 0);
    let global_cap = ini.value("max_db_connections").and_then(positive);
    // What a user's line says wins over the entry's, as in PgBouncer's pool_pool_size().
    let open = |pool: &Pool, user: Option<&User>| {
        let size = user.and_then(|user| user.size).or(pool.size).unwrap_or(default);
        size.saturating_add(user.and_then(|user| user.reserve).or(pool.reserve).unwrap_or(reserve))
    };
    let by_entry = pools.iter().fold(0_u64, |sum, pool| {
        let open = if let Some(name) = &pool.forced_user {
            open(pool, users.iter().find(|user| user.name == *name))
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

/// Holds the server connections that the file allows on each server against the slots that there are.
pub(super) fn sizes(ini: &Ini, pools: &[Pool], against: &Against, findings: &mut Findings) {
    let users = ini.users.iter().map(|user| read_user(user, against, findings)).collect();
    let users = in_force(users, |user: &User| user.name.as_str());
    for pool in pools.iter().filter(|pool| pool.name == "*") {
        findings.add(
            pool.place,
            Severity::Note,
            "wildcard",
            "every database that a client names becomes a pool of its own here; one is counted",
            "name the databases",
        );
    }
    let count = against.users.unwrap_or_else(|| (users.len() as u64).max(1));
    let mut servers: BTreeMap<&str, Vec<&Pool>> = BTreeMap::new();
    for pool in pools {
        servers.entry(&pool.server).or_default().push(pool);
    }
    for (server, pools) in &servers {
        let worst = worst_case(pools, ini, &users, count).saturating_mul(against.pooler_processes);
        let which = if servers.len() > 1 { format!(" on {server}") } else { String::new() };
        let sum = format!(
            "the pools (entries: {}, users of each: {count}, PgBouncer processes: {}) open up to {worst} server connections{which}",
            pools.len(),
            against.pooler_processes
        );
        // Where there are several servers the first entry says which of them is meant.
        let first = pools.first().map(|pool| pool.place).filter(|_| servers.len() > 1);
        against.judge(
            worst,
            first.or_else(|| ini.place("default_pool_size")),
            &sum,
            "lower default_pool_size and reserve_pool_size, or bound them with max_db_connections or max_user_connections",
            findings,
        );
    }
    unreachable(ini, pools, against, findings);
}

/// Limits that something else makes meaningless.
fn unreachable(ini: &Ini, pools: &[Pool], against: &Against, findings: &mut Findings) {
    let global = ini.value("max_db_connections").and_then(positive);
    let caps = ini.place("max_db_connections").zip(global);
    let caps = caps.into_iter().chain(pools.iter().filter_map(|pool| Some((pool.place, pool.cap?))));
    for (place, cap) in caps.filter(|(_, cap)| *cap > against.usable) {
        let (usable, budget) = (against.usable, against.budget);
        let message = format!("max_db_connections {cap} never takes effect: ");
        let (severity, message, hint) = match against.assumed {
            Some(assumed) => (
                Severity::Note,
                format!("{message}of an assumed max_connections of {assumed} ordinary roles have {usable}"),
                SAY_WHAT_IT_HAS.to_owned(),
            ),
            None => (
                Severity::Warning,
                format!("{message}ordinary roles have {usable}"),
                format!("at most {budget}"),
            ),
        };
        findings.add(place, severity, "cap_above_usable", message, hint);
    }
    let default = ini.value("default_pool_size").and_then(positive);
    let users = ini.value("max_user_connections").and_then(positive);
    for pool in pools {
        let Some((size, place)) = pool
            .size
            .map(|size| (size, Some(pool.place)))
            .or_else(|| Some((default?, ini.place("default_pool_size"))))
        else {
            continue;
        };
        let of_users = users.map(|cap| (cap, "max_user_connections"));
        let caps = pool.cap.or(global).map(|cap| (cap, "max_db_connections")).into_iter().chain(of_users);
        if let Some((cap, name)) = caps.min().filter(|(cap, _)| *cap < size) {
            findings.add(
                place,
                Severity::Warning,
                "size_not_reached",
                format!("a pool of {size} for {} never gets there: {name} is {cap}", pool.name),
                format!("lower the size, or raise {name}"),
            );
        }
    }
}
