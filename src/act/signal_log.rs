//! What an act tells of its signals while it is carried out, so that it is known of them whatever becomes of the run.

use std::fmt;
use std::io;

use crate::analyze::plan::Step;
use crate::model::act::Action;

/// Where signals are noted.
pub(crate) trait SignalLog: fmt::Debug {
    /// Notes that these sessions are about to be signalled; they are only once that is on disk. What has been noted of a session and
    /// has no outcome yet is not noted again.
    ///
    /// # Errors
    /// When it could not be written: then nobody may be signalled.
    fn sending(&mut self, action: Action, steps: &[&Step]) -> io::Result<()>;

    /// Notes what became of a signalled session; of others nothing.
    fn outcome(&mut self, step: &Step);
}

/// Why a session was not signalled that could not be logged.
pub(crate) fn unlogged(error: &io::Error) -> String {
    format!("it could not be logged, and was not signalled: {error}")
}
