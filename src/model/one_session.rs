//! What is known of one session beyond its row in a listing: its locks, whom it waits for and who waits for it.

use serde::Serialize;

use super::act::ActFacts;
use super::blocking::PreparedBlocker;
use super::lock::Lock;

/// A lock of a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SessionLock {
    #[serde(flatten)]
    pub(crate) lock: Lock,
    /// False for what it waits for.
    pub(crate) granted: bool,
    /// How long it has waited for it; null when it has it, or the server does not say (before 14).
    pub(crate) wait_seconds: Option<f64>,
    /// Sessions that wait for it to let go of this lock.
    pub(crate) waiting: i64,
}

/// Somebody who waits, or is waited for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Neighbour {
    /// Process id of its backend; null for a prepared transaction.
    pub(crate) pid: Option<i32>,
    /// PostgreSQL's `%c`; null when hidden.
    pub(crate) session_id: Option<String>,
    /// The name of a prepared transaction; null for a session.
    pub(crate) gid: Option<String>,
    /// Database it is connected to.
    pub(crate) database: Option<String>,
    /// Role that logged in; the owner of a prepared transaction.
    pub(crate) role: Option<String>,
    /// As the client set it; null for a prepared transaction.
    pub(crate) application_name: Option<String>,
    /// Client address, or `local`.
    pub(crate) client: Option<String>,
    /// `client backend`, `autovacuum worker`, …
    pub(crate) backend_type: Option<String>,
    /// Verbatim as PostgreSQL says it.
    pub(crate) state: Option<String>,
    /// How long it has waited; null when it does not.
    pub(crate) wait_seconds: Option<f64>,
    /// Whether they wait for each other, and not for somebody between them.
    pub(crate) direct: bool,
}

/// Everything that one look tells of a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct OneSession {
    /// Who it is, what it holds up, and what may be done with it.
    pub(crate) facts: ActFacts,
    /// Its locks, the most important first.
    pub(crate) locks: Vec<SessionLock>,
    /// How many locks there are, told or not.
    pub(crate) locks_total: i64,
    /// Whoever waits or is waited for, on the whole server.
    pub(crate) neighbours: Vec<Neighbour>,
    /// The prepared transactions that it waits for.
    pub(crate) prepared: Vec<PreparedBlocker>,
}
