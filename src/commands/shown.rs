//! What a look hands on to be shown.

use crate::exit::Exit;
use crate::render::Head;

/// A result, ready to be shown, and how the run ends when it is the only one.
#[derive(Debug)]
pub(crate) struct Shown<R> {
    /// The result.
    pub(crate) report: R,
    /// What stands around it.
    pub(crate) head: Head,
    /// What to do next.
    pub(crate) hints: Vec<String>,
    /// How a run without `--watch` ends.
    pub(crate) exit: Exit,
    /// Good news that nobody wants to hear: nothing is written.
    pub(crate) silent: bool,
}

impl<R> Shown<R> {
    /// A result with nothing more to say, whose run ends well.
    pub(crate) const fn new(report: R, head: Head) -> Self {
        Self { report, head, hints: Vec::new(), exit: Exit::Done, silent: false }
    }
}
