//! Families while they are made: a bound on how many series a name can make, and what it left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::metric::{Family, MetricType, Sample};
use crate::model::order;

/// Families under construction, and what did not get in.
pub(super) struct Families {
    most: usize,
    made: Vec<Family>,
    omitted_series: Vec<Sample>,
    omitted_sessions: Vec<Sample>,
}

impl Families {
    /// With what is said of every look: whether there was an answer, after so many `seconds`.
    pub(super) fn begun(most: usize, seconds: Option<f64>) -> Self {
        let mut families =
            Self { most, made: Vec::new(), omitted_series: Vec::new(), omitted_sessions: Vec::new() };
        families.gauge(
            "pgconn_up",
            "Whether the server let pgconn in and answered (1) or not (0).",
            Some(f64::from(u8::from(seconds.is_some()))),
        );
        families.add(
            MetricType::Gauge,
            "pgconn_build_info",
            "Always 1; the version of pgconn that looked.",
            vec![sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0)],
        );
        families.gauge(
            "pgconn_scrape_duration_seconds",
            "Time that connecting, logging in and looking took.",
            seconds,
        );
        families
    }

    /// All of them, with what did not get in; each sample is labelled with the server's `place`.
    pub(super) fn finished(mut self, place: Option<&str>) -> Vec<Family> {
        let (series, sessions) =
            (std::mem::take(&mut self.omitted_series), std::mem::take(&mut self.omitted_sessions));
        self.add(
            MetricType::Gauge,
            "pgconn_omitted_series",
            "Series of a family that --max-series left out.",
            series,
        );
        self.add(
            MetricType::Gauge,
            "pgconn_omitted_sessions",
            "Sessions in the series of a family that --max-series left out.",
            sessions,
        );
        labelled(self.made, place)
    }

    pub(super) fn gauge(&mut self, name: &'static str, help: &'static str, value: Option<f64>) {
        let samples = value.map(|value| sample(&[], value)).into_iter().collect();
        self.add(MetricType::Gauge, name, help, samples);
    }

    pub(super) fn add(
        &mut self,
        kind: MetricType,
        name: &'static str,
        help: &'static str,
        samples: Vec<Sample>,
    ) {
        if !samples.is_empty() {
            self.made.push(Family { name, kind, help, samples });
        }
    }

    /// Keeps the first series, as many as there may be, and counts the others.
    pub(super) fn bounded(
        &mut self,
        kind: MetricType,
        name: &'static str,
        help: &'static str,
        mut samples: Vec<Sample>,
    ) {
        let left_out = samples.split_off(self.most.min(samples.len()));
        self.omit(name, left_out.len());
        self.add(kind, name, help, samples);
    }

    /// Sessions by the values of one label and their state: whole values, those with most sessions first.
    pub(super) fn by(
        &mut self,
        name: &'static str,
        help: &'static str,
        label: &'static str,
        groups: ByState<'_>,
    ) {
        let mut groups: Vec<(&str, BTreeMap<&str, f64>)> = groups.into_iter().collect();
        order::sort_by(&mut groups, |(left_name, left), (right_name, right)| {
            let sum = |states: &BTreeMap<&str, f64>| states.values().sum::<f64>();
            sum(right).total_cmp(&sum(left)).then_with(|| left_name.cmp(right_name))
        });
        let (mut samples, mut left_out, mut sessions) = (Vec::new(), 0, 0.0);
        let mut words: BTreeMap<&str, Arc<str>> = BTreeMap::new();
        for (value, states) in groups {
            if samples.len() + states.len() > self.most || left_out > 0 {
                left_out += states.len();
                sessions += states.values().sum::<f64>();
                continue;
            }
            let value: Arc<str> = value.into();
            for (state, count) in states {
                let state = words.entry(state).or_insert_with(|| state.into());
                let labels = [(label, Arc::clone(&value)), ("state", Arc::clone(state))].into();
                samples.push(Sample { labels, value: Some(count) });
            }
        }
        self.omit(name, left_out);
        self.omitted_sessions.push(sample(&[("family", name)], sessions));
        self.add(MetricType::Gauge, name, help, samples);
    }

    fn omit(&mut self, family: &'static str, series: usize) {
        self.omitted_series.push(sample(&[("family", family)], number(series)));
    }
}

/// Sessions by name and state. Names that only differed in bytes that are not UTF-8 are one here, and their sum is right.
pub(super) type ByState<'a> = BTreeMap<&'a str, BTreeMap<&'a str, f64>>;

/// The samples without those whose labels an earlier one has: names can differ in bytes that are not UTF-8.
pub(super) fn distinct(samples: impl Iterator<Item = Sample>) -> Vec<Sample> {
    let mut seen = std::collections::BTreeSet::new();
    samples.filter(|sample| seen.insert(sample.labels.clone())).collect()
}

pub(super) fn sample(labels: &[(&'static str, &str)], value: f64) -> Sample {
    Sample { labels: labels.iter().copied().collect(), value: Some(value) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of series are far below 2^52")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}

/// The families with the server's place in each sample, so that several servers' files can lie side by side.
pub(super) fn labelled(mut families: Vec<Family>, place: Option<&str>) -> Vec<Family> {
    if let Some(place) = place {
        let place: Arc<str> = place.into();
        for sample in families.iter_mut().flat_map(|family| &mut family.samples) {
            sample.labels.insert("server", Arc::clone(&place));
        }
    }
    families
}
