//! Rules about how long something lasts, and about how many have lasted that long (`3@30s`).

use super::bounds::{Bounds, Thresholds};
use super::range::Range;
use super::{Rule, Verdict, count};
use crate::model::health::{LockWaiters, Longest, MeasureUnit, Status};

/// Judges the longest against ranges of durations, and those that are older than an age against ranges of numbers; the worst
/// counts. `hidden` are sessions of which it is not known whether and how long they do it.
pub(super) fn judge(
    rule: Rule,
    label: &str,
    thresholds: &Thresholds,
    longest: &Longest,
    hidden: i64,
) -> Verdict {
    let by_time = thresholds.only(|range| range.older().is_none());
    let bounds = Bounds::of_numbers(&by_time);
    let seconds = longest.seconds.unwrap_or(0.0);
    let judged = bounds.judge(seconds, if hidden > 0 { f64::MAX } else { seconds });
    let is_known = judged.status != Status::Unknown;
    let measure = bounds.measure(label.into(), is_known.then_some(seconds), MeasureUnit::Seconds, None);
    let verdict = Verdict::new(rule, judged, measure);
    older(rule, label, thresholds, longest, hidden).into_iter().fold(verdict, Verdict::worse)
}

/// A verdict for each threshold on how many are older than an age.
pub(super) fn older(
    rule: Rule,
    label: &str,
    thresholds: &Thresholds,
    longest: &Longest,
    hidden: i64,
) -> Vec<Verdict> {
    let one = |(range, single): (Range, Thresholds)| {
        let age = range.older()?;
        let number = longest.older_than(age);
        let bounds = Bounds::of_count(&single, 0);
        let unknown = hidden + longest.unlisted;
        let judged = bounds.judge(count(number), count(number + unknown));
        let value = (unknown == 0).then_some(count(number));
        let measure = bounds.measure(format!("{label}_over_{age}s"), value, MeasureUnit::Count, None);
        Some(Verdict { older: Some((age, number)), ..Verdict::new(rule, judged, measure) })
    };
    thresholds.singly().filter_map(one).collect()
}

/// The waits for locks that the filters select, as what lasts; and how many it is hidden of.
pub(super) fn of_waits(waits: &LockWaiters, ages: impl Iterator<Item = f64>) -> (Longest, i64) {
    let seconds: Vec<f64> =
        waits.sessions.iter().filter(|waiter| waiter.selected).filter_map(|waiter| waiter.seconds).collect();
    // Whose wait's beginning is hidden may have waited for ever.
    let unknown = waits.sessions.iter().filter(|waiter| waiter.selected && waiter.seconds.is_none()).count();
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let older = |age: f64| (age, number(seconds.iter().filter(|seconds| **seconds > age).count()));
    let longest = Longest {
        count: waits.waiting,
        seconds: seconds.iter().copied().max_by(f64::total_cmp),
        older: ages.map(older).collect(),
        unlisted: (waits.waiting - number(seconds.len() + unknown)).max(0),
        ..Longest::default()
    };
    (longest, waits.undecidable + number(unknown))
}
