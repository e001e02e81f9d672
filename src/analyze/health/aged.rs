//! Rules about how long something lasts, and about how many have lasted that long (`3@30s`).

use super::bounds::{Bounds, Thresholds, count};
use super::range::Range;
use super::rule::Rule;
use super::verdict::Verdict;
use crate::model::health::{LockWaiters, Longest, MeasureUnit, Status, Waiter};

/// Judges the longest against ranges of durations, and those that are older than an age against ranges of numbers; the worst
/// counts. `hidden` are sessions of which it is not known whether and how long they do it. What has lasted at most so long may not have
/// lasted at all.
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
    let most = longest.at_most.iter().copied().fold(seconds, f64::max);
    let judged = bounds.judge(seconds, if hidden > 0 { f64::MAX } else { most });
    let is_known = judged.status != Status::Unknown && most <= seconds;
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
        let at_most = longest.at_most.iter().filter(|seconds| **seconds > age).count();
        let unknown = hidden + longest.unlisted + number_of(at_most);
        let judged = bounds.judge(count(number), count(number + unknown));
        let value = (unknown == 0).then_some(count(number));
        let measure = bounds.measure(format!("{label}_over_{age}s"), value, MeasureUnit::Count, None);
        Some(Verdict { older: Some((age, number)), ..Verdict::new(rule, judged, measure) })
    };
    thresholds.singly().filter_map(one).collect()
}

/// The waits that the filters select, as what lasts; and how many it is hidden of.
pub(super) fn of_waits(waits: &LockWaiters, ages: impl Iterator<Item = f64>) -> (Longest, i64) {
    let selected = waits.sessions.iter().filter(|waiter| waiter.selected);
    let (bounded, timed): (Vec<&Waiter>, Vec<&Waiter>) =
        selected.partition(|waiter| waiter.is_only_bounded());
    let seconds: Vec<f64> = timed.iter().filter_map(|waiter| waiter.seconds).collect();
    let older = |age: f64| (age, number_of(seconds.iter().filter(|seconds| **seconds > age).count()));
    let longest = Longest {
        count: waits.waiting,
        seconds: seconds.iter().copied().max_by(f64::total_cmp),
        older: ages.map(older).collect(),
        unlisted: (waits.waiting - number_of(bounded.len() + timed.len())).max(0),
        at_most: bounded.iter().map(|waiter| waiter.seconds.unwrap_or(f64::MAX)).collect(),
        ..Longest::default()
    };
    (longest, hidden_waits(waits))
}

/// Waits of which it is hidden whether the filters select them, or since when they last: those may have lasted for ever.
pub(crate) fn hidden_waits(waits: &LockWaiters) -> i64 {
    let is_hidden =
        |waiter: &&Waiter| waiter.selected && waiter.seconds.is_none() && !waiter.is_only_bounded();
    waits.undecidable + number_of(waits.sessions.iter().filter(is_hidden).count())
}

fn number_of(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
