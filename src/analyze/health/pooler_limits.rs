//! The rule `connections` at a pooler: every limit that its console tells, and what it leaves untold.

use std::cmp::Ordering;

use super::bounds::{Bounds, Judged, Thresholds};
use super::rule::Rule;
use super::slots::{MEASURED_LIMITS, free_of, judged_limit};
use super::verdict::Verdict;
use crate::analyze::pooler::{PoolerLimit, usage};
use crate::model::health::{Measure, MeasureUnit, Status};
use crate::model::order;
use crate::model::pooler::PoolerFacts;

/// What the rule found.
#[derive(Clone, Debug)]
pub(crate) struct LimitsFound {
    /// The verdict; unknown when all that is told is well, and something is not told.
    pub(crate) verdict: Verdict,
    /// The limit that decided; none when no limit is told.
    pub(crate) limit: Option<PoolerLimit>,
    /// Figures without which a limit cannot be judged, each with the list that should have it: `max_client_conn (SHOW
    /// CONFIG)`.
    pub(crate) missing: Vec<String>,
}

/// A limit, held against the thresholds.
#[derive(Debug)]
struct One {
    judged: Judged,
    measure: Measure,
    limit: PoolerLimit,
}

impl One {
    fn new(thresholds: &Thresholds, limit: PoolerLimit) -> Self {
        // What its reserve still takes in is no end.
        let critical = thresholds.critical.filter(|_| !limit.reserve_has_room);
        let thresholds = Thresholds { critical, ..*thresholds };
        let (judged, measure) = judged_limit(&thresholds, limit.used, 0, limit.limit, label(&limit));
        Self { judged, measure, limit }
    }

    /// How much it says: the worst first; of equally bad ones the one that more clients feel, then the fullest.
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |one: &Self| (one.judged.status.severity(), reach(&one.limit));
        rank(self).cmp(&rank(other)).then(self.limit.used_ratio.total_cmp(&other.limit.used_ratio))
    }
}

/// How many clients a limit concerns: all of the pooler, those who would be refused, those of a pool that has not even a
/// reserve left, those who would wait.
fn reach(limit: &PoolerLimit) -> u8 {
    match limit.name {
        _ if limit.is_of_all() => 3,
        _ if limit.is_of_clients() => 2,
        "reserve_pool_size" => 1,
        _ => 0,
    }
}

/// `pool_size shop/app`.
fn label(limit: &PoolerLimit) -> String {
    let owner: Vec<&str> = [&limit.database, &limit.user].into_iter().flatten().map(String::as_str).collect();
    format!("{} {}", limit.name, owner.join("/")).trim_end().to_owned()
}

/// Judges each limit by itself; the worst counts.
pub(crate) fn judge(thresholds: &Thresholds, facts: &PoolerFacts) -> LimitsFound {
    let limits = usage(facts, |_| true).limits.into_iter();
    let mut all: Vec<One> = limits.map(|limit| One::new(thresholds, limit)).collect();
    order::sort_by(&mut all, |one, other| other.cmp(one));
    let missing = missing(facts);
    let of_some = all.iter().filter(|one| !one.limit.is_of_all()).take(MEASURED_LIMITS);
    let measures: Vec<Measure> =
        std::iter::once(whole(thresholds, facts)).chain(of_some.map(|one| one.measure.clone())).collect();
    let worst = all.into_iter().next();
    let status = worst.as_ref().map_or(Status::Ok, |worst| worst.judged.status);
    let status = if status == Status::Ok && !missing.is_empty() { Status::Unknown } else { status };
    let measure = match &worst {
        Some(worst) if status != Status::Unknown => worst.measure.clone(),
        _ => Measure { value: None, ..whole(thresholds, facts) },
    };
    let open = status == Status::Unknown;
    let judged = Judged { status, crossed: worst.as_ref().and_then(|worst| worst.judged.crossed), open };
    let verdict = Verdict { measures, ..Verdict::new(Rule::Connections, judged, measure) };
    LimitsFound { verdict, limit: worst.map(|worst| worst.limit), missing }
}

/// Judges how many clients the pooler as a whole still lets in.
pub(crate) fn free(thresholds: &Thresholds, facts: &PoolerFacts) -> Verdict {
    match facts.settings.max_client_conn.zip(facts.clients) {
        Some((most, clients)) => free_of(thresholds, most, clients, 0),
        None => Verdict::unknown(Rule::Free),
    }
}

/// The clients of the pooler as a whole, which are measured whether or not they are told.
#[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
fn whole(thresholds: &Thresholds, facts: &PoolerFacts) -> Measure {
    let most = facts.settings.max_client_conn;
    let bounds = match most {
        Some(most) => Bounds::of_count(thresholds, most),
        None => Bounds { warning: None, critical: None },
    };
    let clients = facts.clients.map(|clients| clients as f64);
    bounds.measure("max_client_conn".into(), clients, MeasureUnit::Count, most.map(|most| most as f64))
}

/// What is missing, of each kind the first. Limits that a version does not have are missing nowhere.
fn missing(facts: &PoolerFacts) -> Vec<String> {
    let lacks = |list: &str| facts.missing_lists.contains(&list);
    let database = facts
        .databases
        .iter()
        .find(|database| database.max_db_client_connections.is_some() && database.clients.is_none());
    let user =
        facts.users.iter().find(|user| user.max_user_client_connections.is_some() && user.clients.is_none());
    let pool = facts.pools.iter().find(|pool| pool.servers_active.is_none());
    let missing = [
        facts.settings.max_client_conn.is_none().then(|| "max_client_conn (SHOW CONFIG)".to_owned()),
        facts.clients.is_none().then(|| "how many clients there are (SHOW LISTS)".to_owned()),
        lacks("DATABASES").then(|| "limits of databases (SHOW DATABASES)".to_owned()),
        lacks("USERS").then(|| "limits of users (SHOW USERS)".to_owned()),
        pool.map(|pool| format!("connections at work of {}/{} (SHOW POOLS)", pool.database, pool.user)),
        database.map(|database| format!("clients of database {} (SHOW DATABASES)", database.name)),
        user.map(|user| format!("clients of user {} (SHOW USERS)", user.name)),
    ];
    missing.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
