//! The rules of `check`: from the facts of one look to a status per rule. Words for people are made elsewhere.

pub(crate) mod pooler;
pub(crate) mod pooler_limits;
pub(crate) mod range;

use std::borrow::Cow;

use super::blocking::{Edges, Graph};
use crate::model::health::{HealthFacts, LockWaiters, Longest, Measure, MeasureUnit, Status, Waiter};
use crate::model::order;
use crate::model::usage::{LimitUse, Owner};
use range::{Bound, Crossed, NumericRange, Range, Scale};

/// Limits that are measured one by one beside that of the server or pooler as a whole: the fullest.
const MEASURED_LIMITS: usize = 10;

/// From which shares of the slots on `connections` warns and is critical. 80 % leaves time to act and is what published alert
/// rules use.
pub(crate) const CONNECTIONS_PERCENT: (i32, i32) = (80, 95);
/// From which ages of an idle transaction on it warns and is critical: it starts to hold back VACUUM, and a person starts to wonder.
pub(crate) const IDLE_XACT_SECONDS: (f64, f64) = (300.0, 1800.0);
/// From which ages of a prepared transaction on it warns and is critical.
pub(crate) const PREPARED_XACT_SECONDS: (f64, f64) = (300.0, 3600.0);

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Login and one query.
    Reachable,
    /// Use of the server's slots and of every role's and database's CONNECTION LIMIT; at a pooler's console, of each of its
    /// limits.
    Connections,
    /// The longest time since anything happened in an open transaction.
    IdleXact,
    /// The longest running statement.
    LongQuery,
    /// The oldest open transaction.
    LongXact,
    /// The longest wait for a lock.
    Blocked,
    /// The oldest prepared transaction.
    PreparedXact,
    /// Databases that let nobody in.
    Closed,
    /// Clients that wait at a pooler; only where the target is its console.
    PoolerWaiting,
}

impl Rule {
    /// All rules, in the order in which they are reported.
    pub(crate) const ALL: [Self; 9] = [
        Self::Reachable,
        Self::Connections,
        Self::IdleXact,
        Self::LongQuery,
        Self::LongXact,
        Self::Blocked,
        Self::PreparedXact,
        Self::Closed,
        Self::PoolerWaiting,
    ];

    /// Its name on the command line and in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Connections => "connections",
            Self::IdleXact => "idle-xact",
            Self::LongQuery => "long-query",
            Self::LongXact => "long-xact",
            Self::Blocked => "blocked",
            Self::PreparedXact => "prepared-xact",
            Self::Closed => "closed",
            Self::PoolerWaiting => "pooler-waiting",
        }
    }

    /// What its thresholds are made of.
    pub(crate) const fn scale(self) -> Scale {
        match self {
            Self::Connections => Scale::Connections,
            Self::PoolerWaiting => Scale::ClientsOrTime,
            Self::Closed => Scale::Count,
            _ => Scale::Time,
        }
    }

    /// What its value counts.
    pub(crate) const fn unit(self) -> MeasureUnit {
        match self {
            Self::Connections | Self::Closed | Self::PoolerWaiting => MeasureUnit::Count,
            _ => MeasureUnit::Seconds,
        }
    }

    /// The thresholds without any flag; those that other commands go by are constants.
    pub(crate) fn defaults(self) -> Thresholds {
        let seconds = |(warning, critical)| Thresholds {
            warning: Some(Range::over(Bound::Time(warning))),
            critical: Some(Range::over(Bound::Time(critical))),
        };
        match self {
            Self::Reachable => Thresholds { warning: None, critical: None },
            Self::Connections => Thresholds {
                warning: Some(Range::over(Bound::Percent(f64::from(CONNECTIONS_PERCENT.0)))),
                critical: Some(Range::over(Bound::Percent(f64::from(CONNECTIONS_PERCENT.1)))),
            },
            Self::IdleXact => seconds(IDLE_XACT_SECONDS),
            Self::LongQuery => seconds((900.0, 3600.0)),
            Self::LongXact => seconds((1800.0, 7200.0)),
            Self::Blocked => seconds((30.0, 300.0)),
            Self::PreparedXact => seconds(PREPARED_XACT_SECONDS),
            // Whether it is meant so, only people know: it is said, and wakes nobody up.
            Self::Closed => Thresholds { warning: Some(Range::over(Bound::Number(0.0))), critical: None },
            Self::PoolerWaiting => Thresholds {
                warning: Some(Range::over(Bound::Number(1.0))),
                critical: Some(Range::over(Bound::Number(10.0))),
            },
        }
    }
}

/// When a rule is to alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Thresholds {
    /// Outside this range it warns.
    pub(crate) warning: Option<Range>,
    /// Outside this range it is critical.
    pub(crate) critical: Option<Range>,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// The rule.
    pub(crate) rule: Rule,
    /// How bad it is.
    pub(crate) status: Status,
    /// The measured value that decided, and what it was held against.
    pub(crate) measure: Measure,
    /// The threshold that was crossed.
    pub(crate) crossed: Option<Crossed>,
    /// The limit of a role or database that decided `connections`; none for the server's slots, and at a pooler.
    pub(crate) limit: Option<LimitUse>,
    /// True when hidden sessions could make it worse.
    pub(crate) open: bool,
    /// Everything that was measured, the server's slots, or the pooler's clients, first.
    pub(crate) measures: Vec<Measure>,
}

/// A status for every value that the truth can have.
#[derive(Clone, Copy, Debug)]
struct Judged {
    status: Status,
    crossed: Option<Crossed>,
    open: bool,
}

/// The plain ranges of a rule.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    warning: Option<NumericRange>,
    critical: Option<NumericRange>,
}

impl Bounds {
    fn of_count(thresholds: &Thresholds, whole: i64) -> Self {
        Self {
            warning: thresholds.warning.as_ref().map(|range| range.of_count(whole)),
            critical: thresholds.critical.as_ref().map(|range| range.of_count(whole)),
        }
    }

    fn of_seconds(thresholds: &Thresholds) -> Self {
        Self {
            warning: thresholds.warning.as_ref().map(Range::of_seconds),
            critical: thresholds.critical.as_ref().map(Range::of_seconds),
        }
    }

    fn status(self, value: f64) -> Status {
        let alerts = |limits: Option<NumericRange>| limits.is_some_and(|limits| limits.alerts(value));
        if alerts(self.critical) {
            Status::Critical
        } else if alerts(self.warning) {
            Status::Warning
        } else {
            Status::Ok
        }
    }

    fn crossed(self, status: Status, value: f64) -> Option<Crossed> {
        match status {
            Status::Critical => self.critical?.crossed(value),
            Status::Warning => self.warning?.crossed(value),
            _ => None,
        }
    }

    /// Judges a value of which only the ends are known. What is wrong at every possible value is certain; what is
    /// wrong at some of them only is unknown.
    fn judge(self, least: f64, most: f64) -> Judged {
        let ends = [self.warning, self.critical].into_iter().flatten().flat_map(NumericRange::turning_points);
        let possible: Vec<Status> = ends
            .filter(|point| (least..=most).contains(point))
            .chain([least, most])
            .map(|point| self.status(point))
            .collect();
        let by_severity = |status: &Status| status.severity();
        let best = possible.iter().copied().min_by_key(by_severity).unwrap_or(Status::Unknown);
        let worst = possible.iter().copied().max_by_key(by_severity).unwrap_or(Status::Unknown);
        let status = if best == worst || best != Status::Ok { best } else { Status::Unknown };
        Judged { status, crossed: self.crossed(status, least), open: best != worst }
    }

    fn measure(self, label: String, value: Option<f64>, unit: MeasureUnit, max: Option<f64>) -> Measure {
        let written = |limits: Option<NumericRange>| limits.map(|limits| limits.to_string());
        Measure { label, value, unit, warning: written(self.warning), critical: written(self.critical), max }
    }
}

/// Judges `rule` over what a look found; `latency` is how long connecting and looking took, in seconds.
pub(crate) fn judge(rule: Rule, thresholds: &Thresholds, facts: &HealthFacts, latency: f64) -> Verdict {
    match rule {
        Rule::Reachable => reachable(thresholds, latency),
        Rule::Connections => connections(thresholds, facts),
        Rule::IdleXact => longest(rule, thresholds, &facts.idle_xact, facts.undecidable),
        Rule::LongQuery => longest(rule, thresholds, &facts.long_query, facts.undecidable),
        Rule::LongXact => longest(rule, thresholds, &facts.long_xact, facts.undecidable),
        Rule::Blocked => blocked(thresholds, &facts.waits),
        Rule::PreparedXact => {
            age(rule, thresholds, facts.prepared.oldest.as_ref().map_or(0.0, |oldest| oldest.seconds), 0)
        }
        Rule::Closed => closed(thresholds, facts.closed.len()),
        Rule::PoolerWaiting => unreached(rule, thresholds, Status::Unknown),
    }
}

/// Judges how long connecting and looking took, in seconds.
pub(crate) fn reachable(thresholds: &Thresholds, latency: f64) -> Verdict {
    age(Rule::Reachable, thresholds, latency, 0)
}

/// What can be said without any facts, when the server was not reached.
pub(crate) fn unreached(rule: Rule, thresholds: &Thresholds, status: Status) -> Verdict {
    let bounds = match rule.scale() {
        // Percentages of a limit that was never told stay out.
        Scale::Connections => Bounds { warning: None, critical: None },
        Scale::Time => Bounds::of_seconds(thresholds),
        Scale::Count => Bounds::of_count(thresholds, 0),
        Scale::ClientsOrTime => {
            return Verdict { status, ..pooler::judge(thresholds, pooler::WaitingClients::default()) };
        }
    };
    let measure = bounds.measure(rule.name().into(), None, rule.unit(), None);
    Verdict {
        rule,
        status,
        crossed: None,
        limit: None,
        open: false,
        measures: vec![measure.clone()],
        measure,
    }
}

/// Judges an age that is at least `seconds`, and exactly that when nothing is `hidden`.
fn age(rule: Rule, thresholds: &Thresholds, seconds: f64, hidden: i64) -> Verdict {
    let bounds = Bounds::of_seconds(thresholds);
    let judged = bounds.judge(seconds, if hidden > 0 { f64::MAX } else { seconds });
    let value = (judged.status != Status::Unknown).then_some(seconds);
    let measure = bounds.measure(rule.name().into(), value, MeasureUnit::Seconds, None);
    Verdict {
        rule,
        status: judged.status,
        crossed: judged.crossed,
        limit: None,
        open: judged.open,
        measures: vec![measure.clone()],
        measure,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of databases are far below 2^52")]
fn closed(thresholds: &Thresholds, number: usize) -> Verdict {
    let (bounds, number) = (Bounds::of_count(thresholds, 0), number as f64);
    let judged = bounds.judge(number, number);
    let measure = bounds.measure(Rule::Closed.name().into(), Some(number), MeasureUnit::Count, None);
    Verdict {
        rule: Rule::Closed,
        status: judged.status,
        crossed: judged.crossed,
        limit: None,
        open: judged.open,
        measures: vec![measure.clone()],
        measure,
    }
}

fn longest(rule: Rule, thresholds: &Thresholds, longest: &Longest, hidden: i64) -> Verdict {
    age(rule, thresholds, longest.seconds.unwrap_or(0.0), hidden)
}

fn blocked(thresholds: &Thresholds, waits: &LockWaiters) -> Verdict {
    let longest = longest_wait(waits);
    // Whose wait's beginning is hidden may have waited for ever.
    let unknown = waits.sessions.iter().filter(|waiter| waiter.selected && waiter.seconds.is_none()).count();
    let hidden = waits.undecidable + i64::try_from(unknown).unwrap_or(i64::MAX);
    age(Rule::Blocked, thresholds, longest.and_then(|waiter| waiter.seconds).unwrap_or(0.0), hidden)
}

/// The selected session that has waited longest.
pub(crate) fn longest_wait(waits: &LockWaiters) -> Option<&Waiter> {
    let waited = |waiter: &&Waiter| waiter.seconds.unwrap_or(-1.0);
    waits
        .sessions
        .iter()
        .filter(|waiter| waiter.selected)
        .max_by(|left, right| waited(left).total_cmp(&waited(right)))
}

/// The one at the head of the queue in which `waiter` stands: who waits for nobody, or somebody else of a circle.
pub(crate) fn head_of_queue<'a>(waits: &'a LockWaiters, waiter: &Waiter) -> Option<&'a Waiter> {
    let head = graph(waits).head_before(waiter.who.pid)?;
    waits.sessions.iter().find(|session| session.who.pid == head)
}

/// How many are at the heads of the queues of the longest waits: sessions, and all prepared transactions as one.
pub(crate) fn heads_of_queues(waits: &LockWaiters) -> usize {
    graph(waits).heads().len()
}

fn graph(waits: &LockWaiters) -> Graph {
    let edges = waits.sessions.iter();
    let edges: Vec<Edges<'_>> =
        edges.map(|waiter| (waiter.who.pid, Cow::Borrowed(waiter.blocked_by.as_slice()))).collect();
    Graph::of(&edges)
}

fn connections(thresholds: &Thresholds, facts: &HealthFacts) -> Verdict {
    let slots = &facts.connections;
    let server = judged_limit(thresholds, slots.used, slots.hidden, slots.usable, "connections".into());
    let mut limits: Vec<&LimitUse> = facts.limits.iter().collect();
    order::sort_by(&mut limits, |left, right| fullness(right).total_cmp(&fullness(left)));
    let judged: Vec<(Judged, Measure, &LimitUse)> = limits
        .into_iter()
        .map(|limit| {
            let owner = match limit.owner {
                Owner::Role => "role",
                Owner::Database => "database",
            };
            let label = format!("{owner} {}", limit.name);
            let (judged, measure) = judged_limit(thresholds, limit.used, limit.hidden, limit.limit, label);
            (judged, measure, limit)
        })
        .collect();
    let mut measures = vec![server.1.clone()];
    measures.extend(judged.iter().take(MEASURED_LIMITS).map(|(_, measure, _)| measure.clone()));
    // The fullest of the worst; the server itself when none is worse.
    let worst = judged.into_iter().fold((server.0, server.1, None), |worst, (judged, measure, limit)| {
        if judged.status.severity() > worst.0.status.severity() {
            (judged, measure, Some(limit))
        } else {
            worst
        }
    });
    Verdict {
        rule: Rule::Connections,
        status: worst.0.status,
        measure: worst.1,
        crossed: worst.0.crossed,
        limit: worst.2.cloned(),
        open: worst.0.open,
        measures,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
fn judged_limit(
    thresholds: &Thresholds,
    used: i64,
    hidden: i64,
    limit: i64,
    label: String,
) -> (Judged, Measure) {
    let bounds = Bounds::of_count(thresholds, limit);
    let judged = bounds.judge(used as f64, (used + hidden) as f64);
    let value = (hidden == 0).then_some(used as f64);
    (judged, bounds.measure(label, value, MeasureUnit::Count, Some(limit as f64)))
}

#[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
fn fullness(limit: &LimitUse) -> f64 {
    limit.used as f64 / limit.limit.max(1) as f64
}

/// The worst of several statuses; ok when there is none.
pub(crate) fn worst(statuses: impl Iterator<Item = Status>) -> Status {
    statuses.max_by_key(|status| status.severity()).unwrap_or(Status::Ok)
}

#[cfg(test)]
mod tests;
