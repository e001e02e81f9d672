//! The rule `rates`: sessions per second that were opened, and that ended otherwise than their clients meant.

use super::bounds::{Bounds, Thresholds};
use super::rule::Rule;
use super::verdict::Verdict;
use crate::model::filter::Filter;
use crate::model::health::{Longest, Measure, MeasureUnit, SessionRates};
use crate::model::metric::DatabaseCounters;

/// Sessions per second between two looks that are `seconds` apart, in the databases that the filters name; none from a server that
/// does not count sessions (before 14). A database whose counters went back was reset in between, and counts from then on.
pub(crate) fn between(
    before: &[DatabaseCounters],
    after: &[DatabaseCounters],
    named: &Filter,
    seconds: f64,
) -> Option<SessionRates> {
    let meant: Vec<&DatabaseCounters> =
        after.iter().filter(|row| named.has_database(&row.database)).collect();
    if after.iter().all(|row| row.sessions.is_none()) {
        return None;
    }
    let rate = |counter: fn(&DatabaseCounters) -> Option<f64>| {
        let done = meant.iter().filter_map(|row| {
            let now = counter(row)?;
            let earlier = before.iter().find(|earlier| earlier.database == row.database).and_then(counter);
            Some(earlier.filter(|earlier| *earlier <= now).map_or(now, |earlier| now - earlier))
        });
        done.fold(0.0, |sum, done| sum + done) / seconds
    };
    Some(SessionRates {
        seconds,
        opened: rate(|row| row.sessions),
        abandoned: rate(|row| row.abandoned),
        killed: rate(|row| row.killed),
        fatal: rate(|row| row.fatal),
    })
}

/// Judges each rate that has a threshold; measures all of them.
pub(super) fn judge(parts: &[(&'static str, Thresholds)], rates: Option<&SessionRates>) -> Verdict {
    let Some(rates) = rates else { return Verdict::unknown(Rule::Rates) };
    let of = |part: &str| match part {
        "opened" => rates.opened,
        "abandoned" => rates.abandoned,
        "killed" => rates.killed,
        _ => rates.fatal,
    };
    let all = Rule::Rates.parts().iter().map(|part| {
        let thresholds = parts.iter().find(|(named, _)| named == part).map(|(_, thresholds)| *thresholds);
        let bounds = Bounds::of_numbers(&thresholds.unwrap_or_default());
        let measure: Measure =
            bounds.measure(format!("rates {part}"), Some(of(part)), MeasureUnit::PerSecond, None);
        let verdict = Verdict::new(Rule::Rates, bounds.judge(of(part), of(part)), measure);
        Verdict { part: Some((*part, Longest::default())), ..verdict }
    });
    all.reduce(Verdict::worse).unwrap_or_else(|| Verdict::unknown(Rule::Rates))
}
