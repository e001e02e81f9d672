//! The rule `pooler-waiting`: clients that wait at a pooler for a connection to the server.

use super::bounds::{Bounds, Judged, Thresholds, count};
use super::range::{Crossed, Range};
use super::rule::Rule;
use super::slots::MEASURED_LIMITS;
use super::verdict::Verdict;
use crate::model::health::{Measure, MeasureUnit, Status};
use crate::model::order;
use crate::model::pooler::{Pool, PoolerFacts};

/// Who waits, over all pools.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct WaitingClients {
    /// How many; none when the console does not tell.
    pub(crate) clients: Option<f64>,
    /// How long the one that has waited longest has waited.
    pub(crate) seconds: Option<f64>,
}

impl WaitingClients {
    /// Adds the pools up.
    pub(crate) fn of(facts: &PoolerFacts) -> Self {
        let clients: Option<i64> = facts.pools.iter().map(|pool| pool.clients_waiting).sum();
        let mut seconds = facts.pools.iter().map(|pool| pool.max_wait_seconds);
        #[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
        let clients = clients.map(|clients| clients as f64);
        Self { clients, seconds: seconds.try_fold(0.0, |longest, wait| Some(f64::max(longest, wait?))) }
    }
}

/// Who waits in each pool in which anybody does, the longest wait first: as many as limits are measured.
pub(crate) fn by_pool(facts: &PoolerFacts) -> Vec<Measure> {
    let mut pools: Vec<&Pool> = facts.pools.iter().filter(|pool| pool.clients_waiting > Some(0)).collect();
    let waited = |pool: &Pool| pool.max_wait_seconds.unwrap_or(0.0);
    order::sort_by(&mut pools, |one, other| waited(other).total_cmp(&waited(one)));
    let measure = |pool: &Pool| {
        let label = format!("{} {}/{}", Rule::PoolerWaiting.name(), pool.database, pool.user);
        Bounds::default().measure(label, pool.clients_waiting.map(count), MeasureUnit::Count, None)
    };
    pools.into_iter().take(MEASURED_LIMITS).map(measure).collect()
}

/// Judges the clients against ranges of plain numbers, the longest wait against ranges of durations; the worse counts.
pub(crate) fn judge(thresholds: &Thresholds, waiting: WaitingClients) -> Verdict {
    let part = |time: bool| thresholds.only(|range: &Range| range.is_time() == time);
    let (by_number, by_time) = (part(false), part(true));
    let clients = Bounds::of_count(&by_number, 0);
    let seconds = Bounds::of_numbers(&by_time);
    let (number, time) = (decide(clients, waiting.clients), decide(seconds, waiting.seconds));
    let (has_number, has_time) =
        (by_number.warning.or(by_number.critical).is_some(), by_time.warning.or(by_time.critical).is_some());
    // Where nothing is known of either, the range of durations is shown: no default is one.
    let unknown = (number.status, time.status) == (Status::Unknown, Status::Unknown);
    let timed = has_time && (!has_number || unknown || time.status.severity() > number.status.severity());
    let name = Rule::PoolerWaiting.name();
    let measures: Vec<Measure> = vec![
        clients.measure(name.into(), waiting.clients, MeasureUnit::Count, None),
        seconds.measure(format!("{name}_longest"), waiting.seconds, MeasureUnit::Seconds, None),
    ];
    let judged = if timed { time } else { number };
    let measure = measures[usize::from(timed)].clone();
    let measure = Measure { label: name.into(), ..measure };
    Verdict { open: false, measures, ..Verdict::new(Rule::PoolerWaiting, judged, measure) }
}

/// A value that is not known can be on either side of every range.
fn decide(bounds: Bounds, value: Option<f64>) -> Judged {
    let crossed: Option<Crossed> = None;
    match value {
        Some(value) => bounds.judge(value, value),
        None if bounds.warning.or(bounds.critical).is_none() => {
            Judged { status: Status::Ok, crossed, open: false }
        }
        None => Judged { status: Status::Unknown, crossed, open: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::health::range::parse;

    fn thresholds(warning: &str, critical: &str) -> Thresholds {
        let read = |text: &str| {
            let seconds = |text: &str| {
                let number = text.strip_suffix('s').and_then(|number| number.parse().ok());
                number.map(std::time::Duration::from_secs).ok_or_else(|| "no duration".to_owned())
            };
            Some(parse(text, Rule::PoolerWaiting.scale(), seconds).unwrap())
        };
        Thresholds { warning: read(warning), critical: read(critical) }
    }

    #[test]
    fn a_bare_number_is_clients_and_a_duration_the_longest_wait() {
        let seen =
            |clients: f64, seconds: f64| WaitingClients { clients: Some(clients), seconds: Some(seconds) };
        for (warning, critical, waiting, status, unit) in [
            ("1", "10", seen(0.0, 0.0), Status::Ok, MeasureUnit::Count),
            ("1", "10", seen(1.0, 900.0), Status::Ok, MeasureUnit::Count),
            ("1", "10", seen(2.0, 0.1), Status::Warning, MeasureUnit::Count),
            ("1", "10", seen(11.0, 0.1), Status::Critical, MeasureUnit::Count),
            ("1s", "30s", seen(99.0, 0.5), Status::Ok, MeasureUnit::Seconds),
            ("1s", "30s", seen(1.0, 31.0), Status::Critical, MeasureUnit::Seconds),
            ("1", "30s", seen(2.0, 31.0), Status::Critical, MeasureUnit::Seconds),
            ("1", "30s", seen(2.0, 3.0), Status::Warning, MeasureUnit::Count),
            ("1", "10", WaitingClients::default(), Status::Unknown, MeasureUnit::Count),
            ("5s", "10", WaitingClients::default(), Status::Unknown, MeasureUnit::Seconds),
        ] {
            let verdict = judge(&thresholds(warning, critical), waiting);
            assert_eq!(
                (verdict.status, verdict.measure.unit),
                (status, unit),
                "{warning} {critical} {waiting:?}"
            );
        }
    }

    #[test]
    fn pools_are_added_up_and_what_one_hides_is_not_known() {
        let pool = |waiting, seconds| Pool {
            clients_waiting: waiting,
            max_wait_seconds: seconds,
            ..Pool::default()
        };
        let facts = |pools| PoolerFacts { pools, ..PoolerFacts::default() };
        let two = facts(vec![pool(Some(2), Some(1.5)), pool(Some(1), Some(7.0))]);
        assert_eq!(WaitingClients::of(&two), WaitingClients { clients: Some(3.0), seconds: Some(7.0) });
        assert_eq!(
            WaitingClients::of(&facts(vec![pool(Some(2), Some(1.5)), pool(None, None)])),
            WaitingClients::default()
        );
        assert_eq!(
            WaitingClients::of(&facts(vec![])),
            WaitingClients { clients: Some(0.0), seconds: Some(0.0) }
        );
    }
}
