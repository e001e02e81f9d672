//! What is known of the console of the pooler in front.

use std::time::Instant;

use super::event::PoolerSeen;
use crate::model::server::Target;
use crate::model::suggestion::Lead;

/// Where the pooler's console is.
#[derive(Clone, Debug)]
pub(crate) struct PoolerSetup {
    /// What it is called.
    pub(crate) target: Target,
    /// The flags that lead there.
    pub(crate) lead: Lead,
}

/// What is known of the console.
#[derive(Debug, Default)]
pub(crate) struct Console {
    /// What was seen last, and when.
    pub(super) seen: Option<(Box<PoolerSeen>, Instant)>,
    /// What was seen last since the screen is held, and when: it is shown when the screen goes on.
    pub(super) later: Option<(Box<PoolerSeen>, Instant)>,
    /// Since when it cannot be asked, and why.
    pub(super) failed: Option<(Instant, String)>,
    /// Since when a look is under way.
    pub(super) looking: Option<Instant>,
    /// When the next one is due; at once while there is none.
    pub(super) next: Option<Instant>,
}

impl Console {
    /// Shows what was seen while the screen was held; whether that was anything.
    pub(super) fn show_later(&mut self) -> bool {
        let later = self.later.take();
        let is_new = later.is_some();
        self.seen = later.or_else(|| self.seen.take());
        is_new
    }
}
