//! What a look hands on to be shown.

use std::fmt;
use std::rc::Rc;

use tokio::sync::{Semaphore, mpsc};

use crate::error::Failure;
use crate::exit::Exit;
use crate::render::{Head, Report};

/// Where the results of one of several runs go.
#[derive(Clone)]
pub(super) struct Gathered {
    /// The place of its server in the list.
    pub(super) place: usize,
    /// Takes what it finds, and why it finds nothing.
    pub(super) to: mpsc::UnboundedSender<(usize, Result<Shown, Failure>)>,
    /// Who may ask.
    pub(super) turns: Rc<Semaphore>,
}

impl Gathered {
    /// Hands on what was found, or why nothing was.
    pub(super) fn found(&self, found: Result<Shown, Failure>) {
        // Nobody takes it any more: the run is over.
        let _ = self.to.send((self.place, found));
    }
}

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathered").field("place", &self.place).finish_non_exhaustive()
    }
}

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
    /// Why the server could not be asked, where that is a result, too.
    pub(crate) unanswered: Option<Failure>,
}

impl Shown {
    /// A result with nothing more to say, whose run ends well.
    pub(crate) fn new(report: impl Report + 'static, head: Head) -> Self {
        Self {
            report: Box::new(report),
            head,
            hints: Vec::new(),
            exit: Exit::Done,
            silent: false,
            unanswered: None,
        }
    }
}
