//! Rules about pools: what is opened, kept and given back.

use super::{Evidence, argument, count, finding, hidden, named};
use crate::model::metric::DatabaseCounters;
use crate::model::practice::{Conduct, Finding, Grade};
use crate::render::text;

/// New sessions per second from which on pools are missing: a pool that fits opens a few per minute.
const CHURN: f64 = 1.0;
/// The same from which on it costs the server more than many queries do.
const HEAVY_CHURN: f64 = 10.0;
/// Sessions by which a source must have grown to be called leaking.
const GROWTH: usize = 3;
/// Sessions from which on a pool's size is worth a word, and the share of them that should be needed at times.
const LARGE_POOL: usize = 10;
const LEAST_BUSY: f64 = 0.2;

#[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^52")]
pub(super) fn pooling(evidence: &Evidence) -> Finding {
    let title = "connections are reused, not opened per request";
    let conducts = &evidence.watched.sources;
    let seen: usize = conducts.values().map(|conduct| conduct.born.len()).sum();
    // Whoever stayed was opened for more than one request.
    let kept: usize = conducts.values().map(stayed).sum();
    let new = counted(evidence).unwrap_or(0.0).max(seen as f64);
    let rate = (new - kept as f64).max(0.0) / evidence.seconds.max(0.1);
    let whose = conducts
        .iter()
        .filter(|(_, conduct)| conduct.born.len() > stayed(conduct))
        .max_by_key(|(_, conduct)| conduct.born.len() - stayed(conduct));
    let by = whose.map(|(source, _)| format!(", most seen of {}", named(source))).unwrap_or_default();
    let text = format!(
        "{} opened and closed within {} ({rate:.1} per second){by}",
        text::count(count((rate * evidence.seconds).round() as usize), "session"),
        text::duration(evidence.seconds)
    );
    let status = if rate >= HEAVY_CHURN {
        Grade::Fail
    } else if rate >= CHURN {
        Grade::Warn
    } else {
        Grade::Pass
    };
    let next = whose.map_or_else(
        || "pgconn stats --by client".to_owned(),
        |(source, _)| format!("pgconn ls --app {}", argument(&source.application_name)),
    );
    finding(
        "pooling",
        title,
        status,
        text,
        "give the application a connection pool, or put PgBouncer in transaction mode in front of it",
        next,
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^52")]
pub(super) fn pool_size(evidence: &Evidence) -> Finding {
    let title = "pools are as large as they are used";
    if let Some(hidden) = hidden(evidence) {
        return finding("pool-size", title, Grade::Unknown, hidden, "", "");
    }
    let idle = evidence.watched.sources.iter().find(|(_, conduct)| {
        conduct.fewest >= LARGE_POOL && (conduct.busiest as f64) < conduct.fewest as f64 * LEAST_BUSY
    });
    match idle {
        Some((source, conduct)) => finding(
            "pool-size",
            title,
            Grade::Warn,
            format!(
                "{} holds {} and had at most {} at work at once",
                named(source),
                text::count(count(conduct.fewest), "session"),
                conduct.busiest
            ),
            "lower the pool's size and let it close what it does not need; watch for longer to be sure (--for)",
            "pgconn size --from-server",
        ),
        None => finding(
            "pool-size",
            title,
            Grade::Pass,
            format!("no source holds {LARGE_POOL} sessions or more that it does not use"),
            "",
            "",
        ),
    }
}

pub(super) fn pool_growth(evidence: &Evidence) -> Finding {
    let title = "connections are given back";
    let growing = evidence
        .watched
        .sources
        .iter()
        .filter(|(_, conduct)| conduct.gone == 0 && conduct.last >= conduct.first + GROWTH)
        .max_by_key(|(_, conduct)| conduct.last - conduct.first);
    match growing {
        Some((source, conduct)) => finding(
            "pool-growth",
            title,
            Grade::Warn,
            format!(
                "{} grew from {} to {} sessions within {}, and none was closed",
                named(source),
                conduct.first,
                conduct.last,
                text::duration(evidence.seconds)
            ),
            "look for connections that are taken from the pool, or opened, and never given back",
            format!("pgconn ls --app {} --sort age", argument(&source.application_name)),
        ),
        None => finding(
            "pool-growth",
            title,
            Grade::Pass,
            "no source only grew while it was watched".into(),
            "",
            "",
        ),
    }
}

/// New sessions that the server counted; none where it does not count them (before 14).
fn counted(evidence: &Evidence) -> Option<f64> {
    let sum = |counters: &[DatabaseCounters]| counters.iter().filter_map(|row| row.sessions).sum::<f64>();
    let after = &evidence.scraped.databases;
    after.iter().any(|row| row.sessions.is_some()).then(|| (sum(after) - sum(&evidence.before)).max(0.0))
}

/// Of the sessions that came, those that cannot have gone: what is more at the end than what was there and is left.
fn stayed(conduct: &Conduct) -> usize {
    let left = conduct.first.saturating_sub(conduct.gone);
    conduct.born.len().min(conduct.last.saturating_sub(left.min(conduct.last)))
}
