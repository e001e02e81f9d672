//! What a look hands on to be shown.

use crate::exit::Exit;
use crate::render::{Head, Report};

/// A result, ready to be shown, and how the run ends when it is the only one.
pub(crate) struct Shown {
    /// The result.
    pub(crate) report: Box<dyn Report>,
    /// What stands around it.
    pub(crate) head: Head,
    /// What to do next.
    pub(crate) hints: Vec<String>,
    /// How a run without `--watch` ends.
    pub(crate) exit: Exit,
    /// Good news that nobody wants to hear: nothing is written.
    pub(crate) silent: bool,
}

impl Shown {
    /// A result with nothing more to say, whose run ends well.
    pub(crate) fn new(report: impl Report + 'static, head: Head) -> Self {
        Self { report: Box::new(report), head, hints: Vec::new(), exit: Exit::Done, silent: false }
    }
}
