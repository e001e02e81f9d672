//! What a series of looks says about the load, and how many connections it needs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::queueing::Load;
use crate::model::load::{Busy, Counters};
use crate::model::order;
use crate::model::quote;

/// What was seen while looking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observations {
    /// The sessions of each look, in order.
    pub(crate) looks: Vec<Vec<Busy>>,
    /// Seconds from the first look to the last.
    pub(crate) seconds: f64,
    /// How many of them were not seen, because the server was away.
    pub(crate) gap_seconds: f64,
    /// The first and the last reading of the counters, without what they counted in gaps.
    pub(crate) counters: Option<(Counters, Counters)>,
    /// What is taken off further readings.
    in_gaps: Option<Counters>,
    /// The next reading is the first after a gap.
    resumes: bool,
    /// Whether it was ended before its time.
    pub(crate) ended_early: bool,
}

impl Observations {
    /// Adds a look, and what was read of the counters with it; with how long nothing was seen before it, where the server was away.
    pub(crate) fn add(&mut self, mut busy: Vec<Busy>, counters: Option<Counters>, gap_seconds: Option<f64>) {
        self.gap_seconds += gap_seconds.unwrap_or_default();
        self.resumes |= gap_seconds.is_some();
        for busy in &mut busy {
            busy.at_seconds -= self.gap_seconds;
            // What began while nobody looked is not of the time that was seen.
            busy.began = if gap_seconds.is_some() { 0 } else { busy.began };
        }
        self.looks.push(busy);
        let Some(counters) = counters else { return };
        if let (true, Some((_, last))) = (std::mem::take(&mut self.resumes), self.counters) {
            self.in_gaps = Some(counters.less(last));
        }
        let counters = self.in_gaps.map_or(counters, |in_gaps| counters.less(in_gaps));
        self.counters = Some((self.counters.map_or(counters, |(first, _)| first), counters));
    }

    /// Whether the counters are to be read with the next look, whenever they were read last.
    pub(crate) const fn wants_counters(&self) -> bool {
        self.resumes
    }
}

/// How many connections were busy at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Concurrency {
    /// Sessions, on average.
    pub(crate) mean_sessions: f64,
    /// Running a statement, on average; null when that is hidden of one of them, here and below.
    pub(crate) mean_active: Option<f64>,
    /// Running a statement, in 95 of 100 looks at most.
    pub(crate) p95_active: Option<i64>,
    /// Holding their connection (a statement or an open transaction), on average.
    pub(crate) mean_occupied: Option<f64>,
    /// Holding their connection, in 95 of 100 looks at most.
    pub(crate) p95_occupied: Option<i64>,
}

/// The concurrency of one application.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ApplicationLoad {
    /// Its application_name; empty for those that set none.
    pub(crate) application_name: String,
    /// How busy it was.
    #[serde(flatten)]
    pub(crate) concurrency: Concurrency,
}

/// How many connections the measured load needs, all pools together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Needed {
    /// The fewest with which the queue does not grow for ever (Little's law).
    pub(crate) stable_connections: u64,
    /// At 80 % mean utilisation.
    pub(crate) eighty_percent_connections: u64,
    /// The fewest with which the mean wait for a connection stays within the target (Erlang C).
    pub(crate) target_wait_connections: Option<u64>,
    /// Mean wait with the formula's optimal connections; null when the queue would grow for ever.
    pub(crate) wait_at_optimal_seconds: Option<f64>,
}

/// A measured load and what follows from it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Sample"))]
pub(crate) struct LoadSample {
    /// How long was looked.
    pub(crate) seconds: f64,
    /// How often.
    pub(crate) looks: usize,
    /// Whether it was ended before its time.
    pub(crate) ended_early: bool,
    /// All applications together.
    #[serde(flatten)]
    pub(crate) concurrency: Concurrency,
    /// Each application, the busiest first.
    pub(crate) applications: Vec<ApplicationLoad>,
    /// Transactions that ended per second, in all databases; where the server's counters lag, statements seen to begin
    /// (at least so many); null when it could not be measured.
    pub(crate) transactions_per_second: Option<f64>,
    /// How long a transaction holds its connection, on average.
    pub(crate) held_seconds: Option<f64>,
    /// Statements running on average by the server's own clock (14 and later).
    pub(crate) mean_active_by_statistics: Option<f64>,
    /// Share of session time that a connection is held (14 and later).
    pub(crate) busy_ratio: Option<f64>,
    /// The mean wait for a connection that is wanted.
    pub(crate) target_wait_seconds: f64,
    /// How many connections it needs; null when the load could not be measured.
    pub(crate) needed: Option<Needed>,
    /// What could not be known, and why.
    pub(crate) unknown: Vec<String>,
}

/// Judges what `role` saw. `optimal` is what the hardware can work on at once.
pub(crate) fn judge(seen: &Observations, target_wait_seconds: f64, optimal: u64, role: &str) -> LoadSample {
    let concurrency = concurrency(&seen.looks.iter().map(|look| look.iter().collect()).collect::<Vec<_>>());
    let hidden = most_hidden(&seen.looks);
    let rates = seen.counters.map(|(first, last)| Rates::between(first, last, seen.looks.len()));
    let begun = begun_per_second(&seen.looks);
    // The server counts a transaction late, or not for a while, when it touches no table; then its times are wrong, too.
    let late =
        rates.is_some_and(|rates| rates.transactions_per_second.is_some_and(|counted| counted < begun * 0.8));
    let rates = rates.filter(|_| !late);
    let seen_to_begin = (late && hidden.is_none()).then_some(begun);
    let per_second = rates.and_then(|rates| rates.transactions_per_second).or(seen_to_begin);
    let load = per_second
        .filter(|rate| *rate > 0.0)
        .zip(concurrency.mean_occupied)
        .map(|(per_second, occupied)| Load { per_second, held_seconds: occupied / per_second });
    LoadSample {
        seconds: seen.seconds,
        looks: seen.looks.len(),
        ended_early: seen.ended_early,
        concurrency,
        applications: applications(&seen.looks),
        transactions_per_second: per_second,
        held_seconds: load.map(|load| load.held_seconds),
        mean_active_by_statistics: rates.and_then(|rates| rates.mean_active),
        busy_ratio: rates.and_then(|rates| rates.busy_ratio),
        target_wait_seconds,
        needed: load.map(|load| needed(load, target_wait_seconds, optimal)),
        unknown: unknown(seen, rates, late, hidden.map(|hidden| (hidden, role))),
    }
}

fn needed(load: Load, target_wait_seconds: f64, optimal: u64) -> Needed {
    Needed {
        stable_connections: load.stable_connections(),
        eighty_percent_connections: load.at_eighty_percent(),
        target_wait_connections: load
            .connections_until(|waiting| waiting.mean_seconds <= target_wait_seconds),
        wait_at_optimal_seconds: load.waiting(optimal).map(|waiting| waiting.mean_seconds),
    }
}

/// Averages and percentiles over all looks, each with what was there of the sessions meant.
fn concurrency(looks: &[Vec<&Busy>]) -> Concurrency {
    let series = |count: fn(&Busy) -> i64| -> Vec<i64> {
        looks.iter().map(|look| look.iter().map(|busy| count(busy)).sum()).collect()
    };
    let is_seen = looks.iter().flatten().all(|busy| busy.hidden == 0);
    let active = is_seen.then(|| series(|busy| busy.active));
    let occupied = is_seen.then(|| series(|busy| busy.occupied));
    Concurrency {
        mean_sessions: mean(&series(|busy| busy.sessions)),
        mean_active: active.as_deref().map(mean),
        p95_active: active.map(percentile_95),
        mean_occupied: occupied.as_deref().map(mean),
        p95_occupied: occupied.map(percentile_95),
    }
}

/// The hidden sessions and all sessions of the look that hid most; none when nothing was hidden.
fn most_hidden(looks: &[Vec<Busy>]) -> Option<(i64, i64)> {
    let counts = looks
        .iter()
        .map(|look| look.iter().fold((0, 0), |sum, busy| (sum.0 + busy.hidden, sum.1 + busy.sessions)));
    counts.max().filter(|(hidden, _)| *hidden > 0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^52")]
fn mean(values: &[i64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<i64>() as f64 / values.len() as f64 }
}

/// The smallest value that 95 of 100 do not exceed (nearest rank).
fn percentile_95(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    let rank = (values.len() * 95).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// Each application over all looks; one that is not there in a look has no session in it.
fn applications(looks: &[Vec<Busy>]) -> Vec<ApplicationLoad> {
    let mut series: BTreeMap<&str, Vec<Vec<&Busy>>> = BTreeMap::new();
    for (at, look) in looks.iter().enumerate() {
        for busy in look {
            let seen = series.entry(&busy.application_name).or_default();
            seen.resize(at, Vec::new());
            seen.push(vec![busy]);
        }
    }
    let mut applications: Vec<ApplicationLoad> = series
        .into_iter()
        .map(|(name, mut seen)| {
            seen.resize(looks.len(), Vec::new());
            ApplicationLoad { application_name: name.to_owned(), concurrency: concurrency(&seen) }
        })
        .collect();
    let weight =
        |load: &ApplicationLoad| load.concurrency.mean_occupied.unwrap_or(load.concurrency.mean_sessions);
    order::sort_by(&mut applications, |left, right| weight(right).total_cmp(&weight(left)));
    applications
}

/// What the counters say happened between two readings.
#[derive(Clone, Copy, Debug)]
struct Rates {
    transactions_per_second: Option<f64>,
    mean_active: Option<f64>,
    busy_ratio: Option<f64>,
}

impl Rates {
    /// Pgconn's own looks are transactions too, and its session is one: both are taken off.
    fn between(first: Counters, last: Counters, looks: usize) -> Self {
        let seconds = last.at_seconds - first.at_seconds;
        if seconds < 1.0 {
            return Self { transactions_per_second: None, mean_active: None, busy_ratio: None };
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 looks")]
        let transactions = last.transactions - first.transactions - looks as f64;
        let difference = |value: fn(&Counters) -> Option<f64>| Some(value(&last)? - value(&first)?);
        let active = difference(|counters| counters.active_seconds);
        let held = difference(|counters| counters.idle_in_transaction_seconds)
            .and_then(|idle| Some(idle + active?))
            .map(|held| held.max(0.0));
        // Sessions report when they end a transaction, so the counters lag by about a second.
        let sessions = difference(|counters| counters.session_seconds).map(|sum| sum - seconds);
        let busy_ratio =
            sessions.filter(|sessions| *sessions > 0.0).and_then(|sum| Some((held? / sum).min(1.0)));
        Self {
            // A reset of the statistics in between makes them fall.
            transactions_per_second: Some(transactions / seconds).filter(|rate| *rate >= 0.0),
            mean_active: active.map(|active| active / seconds).filter(|mean| *mean >= 0.0),
            busy_ratio,
        }
    }
}

/// Statements seen to begin per second: at least so many, because each session counts once a look.
fn begun_per_second(looks: &[Vec<Busy>]) -> f64 {
    let clock = |look: &Vec<Busy>| look.first().map(|busy| busy.at_seconds);
    let clocks: Vec<f64> = looks.iter().filter_map(clock).collect();
    let seconds = clocks.last().zip(clocks.first()).map_or(0.0, |(last, first)| last - first);
    // The first look has none before it.
    let began: i64 = looks.iter().skip(1).flatten().map(|busy| busy.began).sum();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 statements")]
    if seconds >= 1.0 { began as f64 / seconds } else { 0.0 }
}

fn unknown(
    seen: &Observations,
    rates: Option<Rates>,
    late: bool,
    hidden: Option<((i64, i64), &str)>,
) -> Vec<String> {
    let mut unknown = Vec::new();
    if let Some(((hidden, all), role)) = hidden {
        unknown.push(format!(
            "how many connections are busy: {hidden} of {all} sessions are hidden from {role}; GRANT pg_monitor TO {}",
            quote::shown(role)
        ));
    }
    if late && hidden.is_some() {
        unknown.push(
            "the arrival rate and the busy ratio: the server's counters lag (it reports transactions that touch no table \
             late), and the statements of hidden sessions are not seen"
                .to_owned(),
        );
    } else if late {
        unknown.push(
            "the exact arrival rate and the busy ratio: the server's counters lag (it reports transactions that touch no \
             table late), so the rate is that of statements seen to begin"
                .to_owned(),
        );
    } else if rates.is_none_or(|rates| rates.transactions_per_second.is_none()) {
        unknown
            .push("the arrival rate: looked for less than a second, or the statistics were reset".to_owned());
    }
    if seen.counters.is_some_and(|(_, last)| last.session_seconds.is_none()) {
        unknown.push("the busy ratio: session times are counted since PostgreSQL 14".to_owned());
    }
    unknown.push(
        "requests that wait for a pool inside the application: the server does not see them".to_owned(),
    );
    unknown.push("peaks outside these moments: sample at the busiest hour".to_owned());
    unknown
}

#[cfg(test)]
mod tests;
