//! What a live screen is given by the command that opens it.

use std::io::Write;

use crate::act::SignalLog;
use crate::analyze::plan::Plan;
use crate::model::act::{ActFacts, Wanted};
use crate::model::server::Target;

/// The log of one act.
pub(crate) trait ActLog: SignalLog {
    /// This log as an act takes it, which notes its signals there.
    fn as_signal_log(&mut self) -> &mut dyn SignalLog;

    /// Notes what became of every signal that has no outcome yet.
    ///
    /// # Errors
    /// When an outcome could not be written, now or before.
    fn finish(self: Box<Self>, plan: &Plan) -> Result<(), String>;
}

/// Opens the log for an act at this server, about what is wanted: none where no log is wanted.
pub(crate) type OpenLog<'a> = &'a dyn Fn(&Target, &Wanted) -> Result<Option<Box<dyn ActLog>>, String>;

/// What a live screen is given.
#[derive(Clone, Copy)]
pub(crate) struct Services<'a> {
    /// What is to be known of a plan before it is carried out.
    pub(crate) warnings: &'a dyn Fn(&Plan, &ActFacts) -> Vec<String>,
    /// Opens the log of an act.
    pub(crate) open_log: OpenLog<'a>,
    /// Writes a text to a file that only its owner reads; its path.
    pub(crate) write_file: &'a dyn Fn(&str) -> Result<String, String>,
    /// The terminal.
    pub(crate) out: &'a dyn Fn() -> Box<dyn Write + 'a>,
}

impl std::fmt::Debug for Services<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Services")
    }
}
