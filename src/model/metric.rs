//! Metrics as monitoring systems take them, and the counters of databases that some of them come from.

use std::sync::Arc;

use serde::{Serialize, Serializer};

/// What a metric does over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Kind"))]
#[serde(rename_all = "lowercase")]
pub(crate) enum MetricType {
    /// Goes up and down.
    Gauge,
    /// Only goes up, until it is reset.
    Counter,
    /// Not said: as the exporter whose name it has does.
    Untyped,
}

impl MetricType {
    /// The word of the exposition format.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Untyped => "untyped",
        }
    }
}

/// Metrics of one name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Family {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does over time.
    #[serde(rename = "type")]
    pub(crate) kind: MetricType,
    /// What it counts, in one line.
    pub(crate) help: &'static str,
    /// One per combination of labels.
    pub(crate) samples: Vec<Sample>,
}

/// A number with its labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Sample {
    /// What tells it from its siblings.
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<&'static str, String>"))]
    pub(crate) labels: Labels,
    /// The number; none when it is not known.
    pub(crate) value: Option<f64>,
}

/// Labels by name, each once. They are few, and samples many: a list takes less than a tree, and a value that many of them have
/// stands there once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Labels(Vec<(&'static str, Arc<str>)>);

impl Labels {
    /// Sets a label, whether it is there or not.
    pub(crate) fn insert(&mut self, name: &'static str, value: impl Into<Arc<str>>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.insert(self.0.partition_point(|(known, _)| *known < name), (name, value)),
        }
    }

    /// Names and values, in the order of the names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, &**value))
    }

    /// The value of a label.
    #[cfg(test)]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<Arc<str>>> FromIterator<(&'static str, T)> for Labels {
    fn from_iter<I: IntoIterator<Item = (&'static str, T)>>(labels: I) -> Self {
        let labels = labels.into_iter();
        // One more is the server's.
        let mut all = Self(Vec::with_capacity(labels.size_hint().0 + 1));
        for (name, value) in labels {
            all.insert(name, value);
        }
        all
    }
}

impl<T: Into<Arc<str>>, const N: usize> From<[(&'static str, T); N]> for Labels {
    fn from(labels: [(&'static str, T); N]) -> Self {
        labels.into_iter().collect()
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// What the server counts per database since its statistics were last reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DatabaseCounters {
    /// Its name.
    pub(crate) database: String,
    /// Sessions established; none before 14, here and below.
    pub(crate) sessions: Option<f64>,
    /// Sessions whose client vanished.
    pub(crate) abandoned: Option<f64>,
    /// Sessions ended by a fatal error, timeouts included.
    pub(crate) fatal: Option<f64>,
    /// Sessions ended by an administrator.
    pub(crate) killed: Option<f64>,
    /// Time in sessions, added when a session reports: at the end of a statement and at its own end.
    pub(crate) session_seconds: Option<f64>,
    /// Of it running statements.
    pub(crate) active_seconds: Option<f64>,
    /// Of it idle in a transaction.
    pub(crate) idle_in_transaction_seconds: Option<f64>,
}

/// What Prometheus' postgres_exporter reads, for those of its metrics that are about connections.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Exporter {
    /// Per database and state.
    pub(crate) activity: Vec<ExporterActivity>,
    /// Per database.
    pub(crate) databases: Vec<ExporterDatabase>,
    /// Per database and lock mode.
    pub(crate) locks: Vec<ExporterLocks>,
    /// Settings by name, in the unit in which the server keeps them.
    pub(crate) settings: Vec<(String, f64)>,
    /// When the server started, in seconds since 1970.
    pub(crate) start_time_seconds: f64,
}

impl Exporter {
    /// Sessions whose state this role may not see.
    #[expect(clippy::cast_possible_truncation, reason = "counts of sessions are far below 2^63")]
    pub(crate) fn hidden(&self) -> i64 {
        self.activity.iter().filter(|row| row.state == HIDDEN).map(|row| row.count as i64).sum()
    }
}

/// The state of sessions that this role may not look at; PostgreSQL has no such word.
pub(crate) const HIDDEN: &str = "hidden";

/// Sessions of one database in one state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExporterActivity {
    /// Its name.
    pub(crate) database: String,
    /// PostgreSQL's word, or [`HIDDEN`].
    pub(crate) state: String,
    /// Sessions.
    pub(crate) count: f64,
    /// Age of the oldest transaction among them.
    pub(crate) max_tx_seconds: f64,
}

/// The row of one database in pg_stat_database.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExporterDatabase {
    /// Its oid; 0 for what belongs to no database.
    pub(crate) datid: String,
    /// Its name; empty for that.
    pub(crate) database: String,
    /// Its numbers by column, as far as this version has the column; none where it is null.
    pub(crate) columns: Vec<(String, Option<f64>)>,
}

/// Locks held or awaited in one database.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExporterLocks {
    /// Its name.
    pub(crate) database: String,
    /// Lock mode in lower case.
    pub(crate) mode: String,
    /// Locks.
    pub(crate) count: f64,
}
