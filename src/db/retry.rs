//! When it is worth trying again, and how long to wait before.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::error::{Error, Kind};

/// The first wait.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(5);

/// The waits between attempts: each twice the one before, with jitter, so that many clients do not come back at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    /// Before the second attempt.
    pub(crate) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// How long to wait now: between three quarters and the whole of the nominal time.
    pub(crate) fn wait(&mut self) -> Duration {
        let nominal = self.next;
        self.next = (nominal * 2).min(LONGEST);
        // A fresh hasher has fresh keys: randomness enough, and no further package.
        let random = u32::try_from(RandomState::new().hash_one(0) % 1000).unwrap_or(0);
        nominal * 3 / 4 + nominal / 4 * random / 1000
    }
}

impl Error {
    /// True when the same attempt may succeed a little later: the server was full, away, starting, stopping or slow.
    pub(crate) fn is_transient(&self) -> bool {
        let connection_lost = matches!(self.sqlstate.as_deref(), Some("08000" | "08001" | "08003" | "08006"));
        connection_lost
            || matches!(
                self.kind,
                Kind::TooManyConnections(_)
                    | Kind::StartingUp
                    | Kind::ShuttingDown
                    | Kind::Recovering
                    | Kind::Refused
                    | Kind::Timeout
                    | Kind::ConnectionLost
            )
    }

    /// True when the server has answered that it did nothing; else it may have done what was asked for. The end of a
    /// session (57P01 and its kin) is told with an SQLSTATE, too, and can cross with the answer to a commit.
    pub(crate) fn is_refusal(&self) -> bool {
        self.sqlstate.as_deref().is_some_and(|code| !code.starts_with("57P") && !code.starts_with("08"))
    }

    /// True when a statement ran into its limit: a look can be had again, the same statement need not.
    pub(crate) const fn is_late(&self) -> bool {
        matches!(self.kind, Kind::StatementTimeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_five_seconds_with_jitter() {
        let mut backoff = Backoff::new();
        let waits: Vec<f64> = (0..6).map(|_| backoff.wait().as_secs_f64()).collect();
        for (wait, nominal) in waits.iter().zip([1.0, 2.0, 4.0, 5.0, 5.0, 5.0]) {
            assert!((nominal * 0.75..=nominal).contains(wait), "{waits:?}");
        }
    }

    #[test]
    fn a_wrong_password_is_not_tried_again() {
        assert!(Error::new(Kind::Refused, "").is_transient());
        assert!(Error::new(Kind::StartingUp, "").is_transient());
        let lost = Error { sqlstate: Some("08006".into()), ..Error::new(Kind::Server, "") };
        assert!(lost.is_transient() && !lost.is_refusal());
        let answered = |code: &str| Error { sqlstate: Some(code.into()), ..Error::new(Kind::Server, "") };
        assert!(answered("55P03").is_refusal() && !answered("57P01").is_refusal());
        assert!(!Error::new(Kind::StatementTimeout, "").is_refusal(), "given up by us, not by the server");
        for kind in [
            Kind::AuthFailed,
            Kind::NoSuchDatabase,
            Kind::NoSuchRole,
            Kind::Tls,
            Kind::BadValue,
            Kind::Server,
        ] {
            assert!(!Error::new(kind, "").is_transient(), "{kind:?}");
        }
    }
}
