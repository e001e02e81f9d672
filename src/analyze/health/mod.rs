//! The rules of `check`: from the facts of one look to a status per rule. Words for people are made elsewhere.

mod aged;
mod bounds;
pub(crate) mod pooler;
pub(crate) mod pooler_limits;
pub(crate) mod range;
pub(crate) mod rates;
mod rule;
mod slots;
mod states;
mod verdict;

use std::collections::HashMap;

use super::blocking::{Forest, graph};
use crate::model::filter::Filter;
use crate::model::health::{HealthFacts, HorizonHolder, LockWaiters, Longest, MeasureUnit, Status, Waiter};
pub(crate) use aged::hidden_waits;
pub(crate) use bounds::Thresholds;
use bounds::{Bounds, Judged, count};
use range::Range;
pub(crate) use rule::{
    CONNECTIONS_PERCENT, HORIZON_TRANSACTIONS, Honours, IDLE_XACT_SECONDS, PREPARED_XACT_SECONDS, Rule,
};
pub(crate) use verdict::Verdict;

/// A rule as it is to be judged.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// The rule.
    pub(crate) rule: Rule,
    /// Its thresholds.
    pub(crate) thresholds: Thresholds,
    /// Those of its parts, as far as there are any.
    pub(crate) parts: Vec<(&'static str, Thresholds)>,
}

impl Policy {
    /// A rule without any flag.
    pub(crate) fn of(rule: Rule) -> Self {
        Self { rule, thresholds: rule.defaults(), parts: Vec::new() }
    }

    /// Every range in it.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range> {
        let all =
            std::iter::once(&self.thresholds).chain(self.parts.iter().map(|(_, thresholds)| thresholds));
        all.flat_map(|thresholds| [thresholds.warning, thresholds.critical]).flatten()
    }
}

/// Judges a rule over what a look found; `latency` is how long connecting and looking took, in seconds, `named` what the filters
/// are. A rule of which something could not be read is not judged.
pub(crate) fn judge(policy: &Policy, facts: &HealthFacts, named: &Filter, latency: f64) -> Verdict {
    let Policy { rule, thresholds, parts } = policy;
    if facts.why_any_unread(rule.questions()).is_some() {
        return unreached(policy, Status::Unknown);
    }
    let lasting = |longest: &Longest| aged::judge(*rule, rule.name(), thresholds, longest, facts.undecidable);
    match rule {
        Rule::Reachable => reachable(thresholds, latency),
        Rule::Connections => slots::connections(thresholds, facts, named),
        Rule::Free => slots::free(thresholds, facts),
        Rule::States => states::judge(parts, facts),
        Rule::IdleXact => lasting(&facts.idle_xact),
        Rule::LongQuery => lasting(&facts.long_query),
        Rule::LongXact => lasting(&facts.long_xact),
        Rule::Blocked => {
            let ages = thresholds.singly().filter_map(|(range, _)| range.older());
            let (longest, hidden) = aged::of_waits(&facts.waits, ages);
            aged::judge(*rule, rule.name(), thresholds, &longest, hidden)
        }
        Rule::PreparedXact => aged::judge(*rule, rule.name(), thresholds, &facts.prepared.longest(), 0),
        Rule::OldestXmin => horizon(thresholds, facts),
        Rule::Closed => {
            let closed = facts.closed.iter().filter(|closed| named.has_database(&closed.database));
            counted(*rule, thresholds, closed.count())
        }
        Rule::Rates => rates::judge(parts, facts.rates.as_ref()),
        Rule::PoolerWaiting => unreached(policy, Status::Unknown),
    }
}

/// Judges how long connecting and looking took, in seconds.
pub(crate) fn reachable(thresholds: &Thresholds, latency: f64) -> Verdict {
    let took = Longest { seconds: Some(latency), ..Longest::default() };
    aged::judge(Rule::Reachable, Rule::Reachable.name(), thresholds, &took, 0)
}

/// Judges how many of something there are.
pub(crate) fn counted(rule: Rule, thresholds: &Thresholds, number: usize) -> Verdict {
    let bounds = Bounds::of_count(thresholds, 0);
    let number = count(i64::try_from(number).unwrap_or(i64::MAX));
    let measure = bounds.measure(rule.name().into(), Some(number), rule.unit(), None);
    Verdict::new(rule, bounds.judge(number, number), measure)
}

/// What can be said without any facts, when the server was not reached.
pub(crate) fn unreached(policy: &Policy, status: Status) -> Verdict {
    let Policy { rule, thresholds, .. } = policy;
    if *rule == Rule::PoolerWaiting {
        return Verdict { status, ..pooler::judge(thresholds, pooler::WaitingClients::default()) };
    }
    Verdict::unreached(*rule, thresholds, status)
}

/// A limit that turned this very login away is used up, whatever its number.
pub(crate) fn full(thresholds: &Thresholds, status: Status) -> Verdict {
    let shares = thresholds.only(|range| !range.is_number());
    let bounds = Bounds::of_count(&shares, 100);
    let measure =
        bounds.measure(Rule::Connections.name().into(), Some(100.0), MeasureUnit::Percent, Some(100.0));
    Verdict::new(Rule::Connections, Judged { status, crossed: None, open: false }, measure)
}

/// Who holds the horizon back most.
pub(crate) fn oldest_holder(facts: &HealthFacts) -> Option<&HorizonHolder> {
    facts.horizon.iter().max_by_key(|holder| holder.age)
}

fn horizon(thresholds: &Thresholds, facts: &HealthFacts) -> Verdict {
    let bounds = Bounds::of_count(thresholds, 0);
    let age = count(oldest_holder(facts).map_or(0, |holder| holder.age));
    let rule = Rule::OldestXmin;
    let measure = bounds.measure(rule.name().into(), Some(age), rule.unit(), None);
    Verdict::new(rule, bounds.judge(age, age), measure)
}

/// The selected session that has waited longest for a lock.
pub(crate) fn longest_wait(waits: &LockWaiters) -> Option<&Waiter> {
    longest_of(waits, |waiter| !waiter.is_only_bounded())
}

/// The selected session that is to be told of: who has waited longest for a lock; where that decides nothing, or nobody does, who may
/// have waited longest for whatever.
pub(crate) fn told_wait(waits: &LockWaiters, status: Status) -> Option<&Waiter> {
    longest_wait(waits).filter(|_| status != Status::Unknown).or_else(|| longest_of(waits, |_| true))
}

fn longest_of(waits: &LockWaiters, is_meant: impl Fn(&Waiter) -> bool) -> Option<&Waiter> {
    let waited = |waiter: &&Waiter| waiter.seconds.unwrap_or(-1.0);
    let selected = waits.sessions.iter().filter(|waiter| waiter.selected && is_meant(waiter));
    selected.max_by(|left, right| waited(left).total_cmp(&waited(right)))
}

/// The one at the head of the queue in which `waiter` stands: who waits for nobody, or somebody else of a circle.
pub(crate) fn head_of_queue<'a>(waits: &'a LockWaiters, waiter: &Waiter) -> Option<&'a Waiter> {
    let head = graph(waits.sessions.iter().map(Waiter::edges)).head_before(waiter.who.pid)?;
    waits.sessions.iter().find(|session| session.who.pid == head)
}

/// How many are at the heads of the queues of the longest waits: sessions, and all prepared transactions as one.
pub(crate) fn heads_of_queues(waits: &LockWaiters) -> usize {
    Forest::of(&graph(waits.sessions.iter().map(Waiter::edges)), &HashMap::new()).heads().count()
}

/// The worst of several statuses; ok when there is none.
pub(crate) fn worst(statuses: impl Iterator<Item = Status>) -> Status {
    statuses.max_by_key(|status| status.severity()).unwrap_or(Status::Ok)
}

#[cfg(test)]
mod tests;
