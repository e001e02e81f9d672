//! How to connect, beside what the settings say.

use super::pending::PendingLogins;
use super::session_kind::Lane;
use super::typed_passwords::TypedPasswords;
use crate::conninfo::ConnInfo;
use crate::db::trace::Trace;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Asks for a password with the given prompt; what was typed, in bytes.
pub(crate) type AskPassword = Arc<dyn Fn(&str) -> io::Result<Vec<u8>> + Send + Sync>;

/// How to connect, beside what the settings say.
#[derive(Clone)]
pub(crate) struct Options {
    /// The bound on each address; `None` for the settings' `connect_timeout`, else ten seconds.
    pub(crate) timeout: Option<Duration>,
    /// When all of it must be over, whichever address it is at; `None` where only each address is bounded.
    pub(crate) deadline: Option<Instant>,
    /// Asks for a password; `None` where nobody can be asked.
    pub(crate) ask: Option<AskPassword>,
    /// The passwords that were typed before, and are not asked for again.
    pub(crate) typed: TypedPasswords,
    /// Which kind of slot to ask for.
    pub(crate) lane: Lane,
    /// The logins of the whole run, for which this is one more try.
    pub(crate) logins: PendingLogins,
    /// Who is told each SQL text as it is sent.
    pub(crate) trace: Trace,
}

impl Options {
    /// The bound on an address: the flag's, else the settings', else ten seconds. Where the run as a whole has a deadline, all
    /// that are left to try share the time until then, so that one that is silent does not use up the others'.
    pub(in crate::db) fn limit(&self, info: &ConnInfo, left: usize) -> Duration {
        let set = info.settings().connect_timeout;
        let limit = self.timeout.or(set).unwrap_or(Duration::from_secs(10));
        let Some(deadline) = self.deadline else { return limit };
        let share = deadline.saturating_duration_since(Instant::now())
            / u32::try_from(left.max(1)).unwrap_or(u32::MAX);
        limit.min(share).min(set.unwrap_or(Duration::MAX))
    }
}
