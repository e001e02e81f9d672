//! What one step of an act tells.

use tokio::time::Instant;

use crate::model::act::Fate;

/// What became of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutcomeChange {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// What became of it.
    pub(crate) result: Fate,
}

/// What one step of an act brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The sessions whose result is another than before.
    pub(crate) changed: Vec<OutcomeChange>,
    /// When the next step is due; none when the act is over.
    pub(crate) again: Option<Instant>,
}
