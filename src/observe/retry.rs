//! When it is worth trying again, how long to wait before, and when to give up.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::db::{Error, ErrorKind, may_recover};

/// The first tries after a session was lost follow each other this closely: a server that restarts is back in a second.
const SOON: Duration = Duration::from_millis(250);
/// How many of them there are.
const SOON_TRIES: u32 = 6;
/// The first wait after that, and the first for whoever has never had a session.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(5);

/// The waits between tries: each twice the one before, with jitter, so that many clients do not come back at once.
#[derive(Debug)]
pub(super) struct Backoff {
    soon: u32,
    next: Duration,
}

impl Backoff {
    /// Before the second try; `after_loss` when a session was had, and lost.
    pub(super) const fn new(after_loss: bool) -> Self {
        Self { soon: if after_loss { SOON_TRIES } else { 0 }, next: FIRST }
    }

    /// How long to wait now: between three quarters and the whole of the nominal time.
    pub(super) fn wait(&mut self) -> Duration {
        let nominal = if self.soon > 0 { SOON } else { self.next };
        match self.soon.checked_sub(1) {
            Some(left) => self.soon = left,
            None => self.next = (nominal * 2).min(LONGEST),
        }
        // A fresh hasher has fresh keys: randomness enough, and no further package.
        let random = u32::try_from(RandomState::new().hash_one(0) % 1000).unwrap_or(0);
        nominal * 3 / 4 + nominal / 4 * random / 1000
    }
}

/// How long trying goes on, and after what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// For so long after what may be over a little later: the server was full, away, starting, stopping or slow. Not at all for
    /// no time.
    For(Duration),
    /// Until a signal, after the same.
    Unlimited,
    /// For so long, whatever goes wrong that time may change: what is closed must be opened again.
    Whatever(Duration),
}

impl Patience {
    /// One try.
    pub(crate) const NONE: Self = Self::For(Duration::ZERO);

    /// How much of it is left when `passed` has passed.
    pub(super) const fn left(self, passed: Duration) -> Duration {
        match self {
            Self::For(time) | Self::Whatever(time) => time.saturating_sub(passed),
            Self::Unlimited => Duration::MAX,
        }
    }

    /// Whether `error` is worth another try; `after_loss` when a session was had before.
    pub(super) fn allows(self, error: &Error, after_loss: bool) -> bool {
        match self {
            Self::Whatever(_) => !is_final(error),
            // Who has found the server before only has to wait until its name is known again.
            Self::For(_) | Self::Unlimited => {
                is_transient(error) || after_loss && (error.kind == ErrorKind::Dns || is_late(error))
            }
        }
    }
}

/// Whether the same attempt may succeed a little later.
fn is_transient(error: &Error) -> bool {
    let connection_lost = matches!(error.sqlstate.as_deref(), Some("08000" | "08001" | "08003" | "08006"));
    let pooler_recovers = error.kind == ErrorKind::PoolerLogin && may_recover(&error.message);
    connection_lost
        || pooler_recovers
        || matches!(
            error.kind,
            ErrorKind::TooManyConnections(_)
                | ErrorKind::StartingUp
                | ErrorKind::ShuttingDown
                | ErrorKind::Recovering
                | ErrorKind::Refused
                | ErrorKind::Timeout
                | ErrorKind::ConnectionLost
        )
}

/// Whether a statement ran into its limit: a look can be had again.
const fn is_late(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::StatementTimeout)
}

/// Whether no time changes it.
const fn is_final(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::PermissionDenied | ErrorKind::AnotherServer | ErrorKind::Interrupted(_))
}

#[cfg(test)]
mod tests;
