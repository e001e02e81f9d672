//! Rules about pools: what is opened, kept and given back.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::found::{Found, Rule};
use super::words::{counted, hidden, listing, named};
use crate::model::metric::DatabaseCounters;
use crate::model::practice::{Conduct, Grade, SampledSession, SessionSource};
use crate::model::suggestion::Command;
use crate::render::text;

/// New sessions per second from which on pools are missing: a pool that fits opens a few per minute.
const CHURN: f64 = 1.0;
/// New sessions per second from which on they cost the server more than many queries do.
const HEAVY_CHURN: f64 = 10.0;
/// Sessions by which a source must have grown to be called leaking.
const GROWTH: usize = 3;
/// Sessions from which on a pool's size is worth a word, and the share of them that should be needed at times.
const LARGE_POOL: usize = 10;
const LEAST_BUSY: f64 = 0.2;
/// Seconds after which a session that did nothing counts as forgotten, and how many of one source are worth a word: pools
/// keep a few for the next rush, and close the others within minutes (HikariCP's idleTimeout and maxLifetime: 10 and 30).
const FORGOTTEN: f64 = 3600.0;
const MANY_FORGOTTEN: usize = 5;

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of sessions are small and not negative"
)]
pub(super) fn pooling(evidence: &Evidence) -> Found {
    let rule = Rule::new("pooling", "connections are reused, not opened per request");
    let conducts = &evidence.watched.sources;
    // Whoever stayed was opened for more than one request.
    let stayed: usize = conducts.values().map(Conduct::stayed).sum();
    let by_database = established(evidence);
    let by_counter =
        by_database.iter().map(|(_, sessions)| sessions).sum::<f64>() - evidence.counted_late as f64;
    let by_counter = ((by_counter - stayed as f64).max(0.0), evidence.counted_seconds.max(0.1));
    let seen = (conducts.values().map(Conduct::passed).sum::<usize>() as f64, evidence.seconds.max(0.1));
    let rate = |(passed, seconds): (f64, f64)| passed / seconds;
    let (passed, seconds) = if rate(by_counter) > rate(seen) { by_counter } else { seen };
    let rate = passed / seconds;
    let whose = conducts
        .iter()
        .filter(|(_, conduct)| conduct.passed() > 0)
        .max_by_key(|(_, conduct)| conduct.passed());
    let by = match whose {
        Some((source, conduct)) => {
            let client = conduct.clients.iter().max_by_key(|(_, born)| **born);
            let from = client.map(|(client, _)| format!(" from {client}")).unwrap_or_default();
            let caught: usize = conducts.values().map(Conduct::passed).sum();
            format!("; {caught} of them seen, most of {}{from}", named(source))
        }
        None if passed < 1.0 => String::new(),
        None => {
            let most = by_database.iter().max_by(|(_, left), (_, right)| left.total_cmp(right));
            let place = most.map(|(name, _)| format!(", most of them in database {name}"));
            format!("; none lived long enough to be seen{}", place.unwrap_or_default())
        }
    };
    let text = format!(
        "{} opened and closed within {} ({rate:.1} per second){by}",
        counted(passed.round() as usize, "session"),
        text::duration(seconds)
    );
    if rate < CHURN && is_counted(evidence) || passed < 1.0 {
        return rule.pass(text);
    }
    if rate < CHURN {
        return rule
            .unknown(format!("at least {text}; before PostgreSQL 14 the server does not count the others"));
    }
    rule.found(
        if rate >= HEAVY_CHURN { Grade::Fail } else { Grade::Warn },
        text,
        "give the application a connection pool, or put PgBouncer in transaction mode in front of it",
        whose.map_or_else(|| Command::pgconn("doctor --for 1m"), |(source, _)| listing(source)),
    )
}

/// Whether the server counts sessions (14 and later).
fn is_counted(evidence: &Evidence) -> bool {
    evidence.before.iter().any(|row| row.sessions.is_some())
}

/// New sessions of each database as the server counted them; nothing where it does not count them (before 14).
fn established(evidence: &Evidence) -> Vec<(&str, f64)> {
    let before = |database: &str| {
        let row: Option<&DatabaseCounters> = evidence.before.iter().find(|row| row.database == database);
        row.and_then(|row| row.sessions).unwrap_or(0.0)
    };
    let after = evidence.scraped.databases.iter();
    after
        .filter_map(|row| Some((row.database.as_str(), (row.sessions? - before(&row.database)).max(0.0))))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^52")]
pub(super) fn pool_size(evidence: &Evidence) -> Found {
    let rule = Rule::new("pool-size", "pools are as large as they are used");
    if let Some(hidden) = hidden(evidence) {
        return rule.unknown(hidden);
    }
    let oversized = |conduct: &Conduct| {
        conduct.fewest >= LARGE_POOL && (conduct.busiest as f64) < conduct.fewest as f64 * LEAST_BUSY
    };
    let found = evidence.watched.sources.iter().filter(|(_, conduct)| oversized(conduct));
    match found.max_by_key(|(_, conduct)| conduct.fewest) {
        Some((source, conduct)) => rule.found(
            Grade::Warn,
            format!(
                "{} holds {} and had at most {} at work at once",
                named(source),
                counted(conduct.fewest, "session"),
                conduct.busiest
            ),
            "lower the pool's size and let it close what it does not need; watch for longer to be sure (--for)",
            listing(source),
        ),
        None => rule.pass(format!("no source holds {LARGE_POOL} sessions or more that it does not use")),
    }
}

pub(super) fn pool_growth(evidence: &Evidence) -> Found {
    let rule = Rule::new("pool-growth", "connections are given back");
    if evidence.watched.interrupted {
        return rule.unknown("the server was away in between, and pools fill anew after that".to_owned());
    }
    // A pool that has just come up fills, and then stays as it is.
    let grown = |conduct: &Conduct| {
        let only_grew = conduct.gone() == 0 && conduct.last > conduct.halfway;
        only_grew && conduct.born >= GROWTH && conduct.last >= conduct.first + GROWTH
    };
    let growing = evidence.watched.sources.iter().filter(|(_, conduct)| grown(conduct));
    match growing.max_by_key(|(_, conduct)| conduct.last - conduct.first) {
        Some((source, conduct)) => rule.found(
            Grade::Warn,
            format!(
                "{} grew from {} to {} sessions within {}, and none was closed",
                named(source),
                conduct.first,
                conduct.last,
                text::duration(evidence.seconds)
            ),
            "look for connections that are taken from the pool, or opened, and never given back",
            listing(source).with("--sort", "age"),
        ),
        None => rule.pass("no source only grew while it was watched"),
    }
}

pub(super) fn idle_sessions(evidence: &Evidence) -> Found {
    let rule = Rule::new("idle-sessions", "sessions that nobody uses are closed");
    let idle = |session: &&SampledSession| session.idle_seconds.is_some_and(|seconds| seconds >= FORGOTTEN);
    let mut forgotten: BTreeMap<&SessionSource, usize> = BTreeMap::new();
    for session in evidence.watched.present.iter().filter(idle) {
        *forgotten.entry(&session.source).or_default() += 1;
    }
    match (forgotten.into_iter().max_by_key(|(_, count)| *count), hidden(evidence)) {
        (Some((source, many)), _) if many >= MANY_FORGOTTEN => rule.found(
            Grade::Warn,
            format!(
                "{} of {} have been idle for over {}",
                counted(many, "session"),
                named(source),
                text::duration(FORGOTTEN)
            ),
            "have the pool close what it does not need, and look for connections that were never given back",
            listing(source).with("--state", "idle").with("--idle-for", "1h"),
        ),
        (_, Some(hidden)) => rule.unknown(hidden),
        _ => rule.pass(format!(
            "no source has {MANY_FORGOTTEN} sessions that have been idle for over {}",
            text::duration(FORGOTTEN)
        )),
    }
}
