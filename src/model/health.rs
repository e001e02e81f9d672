//! What `check` looks at, and what it says about it: the facts of one look, the verdict of each rule.

use serde::Serialize;

use super::database::ClosedDatabase;
use super::usage::{Connections, LimitUse};

/// How bad it is. Worst wins: critical, warning, unknown, ok.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// Within the thresholds.
    Ok,
    /// Cannot be told: hidden from this role, or not answered.
    Unknown,
    /// Beyond the first threshold.
    Warning,
    /// Beyond the second threshold, or no connection at all.
    Critical,
}

impl Status {
    /// The exit code that monitoring systems read.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The word that monitoring systems read.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The place in the order in which the worst wins.
    pub(crate) const fn severity(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Unknown => 1,
            Self::Warning => 2,
            Self::Critical => 3,
        }
    }
}

/// What a measured number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Unit"))]
#[serde(rename_all = "lowercase")]
pub(crate) enum MeasureUnit {
    /// Connections, sessions.
    Count,
    /// Time.
    Seconds,
}

/// A number with the ranges it was held against: one item of performance data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Measure {
    /// What was measured: the rule, or the limit it belongs to.
    pub(crate) label: String,
    /// In `unit`; none when it is hidden.
    pub(crate) value: Option<f64>,
    /// Of all numbers here.
    pub(crate) unit: MeasureUnit,
    /// Range outside which it warns, in monitoring plugins' grammar.
    pub(crate) warning: Option<String>,
    /// Range outside which it is critical.
    pub(crate) critical: Option<String>,
    /// The most there can be.
    pub(crate) max: Option<f64>,
}

/// The verdict of one rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Check {
    /// Its name.
    pub(crate) rule: &'static str,
    /// How bad it is.
    pub(crate) status: Status,
    /// What was measured, in `unit`; none when it is hidden or was not reached.
    pub(crate) value: Option<f64>,
    /// What `value` counts.
    pub(crate) unit: MeasureUnit,
    /// Range outside which it warns, in `unit`.
    pub(crate) warning: Option<String>,
    /// Range outside which it is critical, in `unit`.
    pub(crate) critical: Option<String>,
    /// One line with the culprit's name.
    pub(crate) message: String,
    /// What to do next, when it is not ok.
    pub(crate) hint: Option<String>,
    /// Everything that was measured for it.
    pub(crate) measures: Vec<Measure>,
}

/// What one look tells about the health of a server's connections.
#[derive(Clone, Debug)]
pub(crate) struct HealthFacts {
    /// Slots of the whole server.
    pub(crate) connections: Connections,
    /// Use of each CONNECTION LIMIT there is.
    pub(crate) limits: Vec<LimitUse>,
    /// Sessions of which it is hidden whether the filters select them, or what they do.
    pub(crate) undecidable: i64,
    /// Sessions with `track_activities` off: what they do is shown to nobody.
    pub(crate) untracked: i64,
    /// Sessions in a transaction in which nothing happens, by time since the last statement ended.
    pub(crate) idle_xact: Longest,
    /// Running statements.
    pub(crate) long_query: Longest,
    /// Open transactions.
    pub(crate) long_xact: Longest,
    /// Sessions that wait for others.
    pub(crate) waits: LockWaiters,
    /// Prepared transactions.
    pub(crate) prepared: PreparedXacts,
    /// Databases that let nobody in.
    pub(crate) closed: Vec<ClosedDatabase>,
}

/// The sessions in some state, and the one that has been longest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Longest {
    /// How many there are.
    pub(crate) count: i64,
    /// How long the longest has been; none when there is none.
    pub(crate) seconds: Option<f64>,
    /// The longest.
    pub(crate) culprit: Option<Culprit>,
}

/// A session as an alert names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Culprit {
    /// Process id.
    pub(crate) pid: i32,
    /// Database.
    pub(crate) database: Option<String>,
    /// Login role.
    pub(crate) role: Option<String>,
    /// What it is where it is no client's session: `autovacuum worker`, `walsender`, …; none for clients, and when hidden.
    pub(crate) backend_type: Option<String>,
    /// As the client set it.
    pub(crate) application_name: String,
    /// Address or `local`; none when hidden.
    pub(crate) client: Option<String>,
    /// Its state; none when hidden.
    pub(crate) state: Option<String>,
}

/// Who waits for locks and for whatever else `blockers` shows, of every kind of process.
#[derive(Clone, Debug, Default)]
pub(crate) struct LockWaiters {
    /// Waiting sessions that the filters select.
    pub(crate) waiting: i64,
    /// Waiting sessions of which it is hidden whether the filters select them.
    pub(crate) undecidable: i64,
    /// The selected ones that have waited longest, longest first, and whoever they wait for.
    pub(crate) sessions: Vec<Waiter>,
}

/// A session in a queue for a lock, or at its head.
#[derive(Clone, Debug)]
pub(crate) struct Waiter {
    /// Who; its pid is 0 for a prepared transaction.
    pub(crate) who: Culprit,
    /// True when it waits and the filters select it.
    pub(crate) selected: bool,
    /// How long it has waited; none when it does not wait or this is hidden.
    pub(crate) seconds: Option<f64>,
    /// True when `seconds` is only the most it can be: servers before 14 do not say when a wait began, and none does of waits
    /// that are not for locks.
    pub(crate) at_most: bool,
    /// What it waits for: `Lock`, or the event that PostgreSQL names; none when it does not wait.
    pub(crate) waits_for: Option<String>,
    /// The pids it waits for.
    pub(crate) blocked_by: Vec<i32>,
}

/// Prepared transactions.
#[derive(Clone, Debug, Default)]
pub(crate) struct PreparedXacts {
    /// How many there are.
    pub(crate) count: i64,
    /// The oldest.
    pub(crate) oldest: Option<PreparedXact>,
}

/// A prepared transaction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PreparedXact {
    /// Its global identifier.
    pub(crate) gid: String,
    /// Who prepared it.
    pub(crate) owner: String,
    /// The database in which it can be ended.
    pub(crate) database: String,
    /// Its age.
    pub(crate) seconds: f64,
}
