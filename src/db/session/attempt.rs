//! What became of one attempt at one address: how long each phase took, why it failed, and what is tried next.

use crate::db::error::Error;
use std::time::Duration;

/// How long each phase of connecting took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Phases {
    /// Looking the host name up; `None` for a socket.
    pub(crate) dns: Option<Duration>,
    /// Until the socket was connected, and until the server had declined TLS when it was asked.
    pub(crate) tcp: Option<Duration>,
    /// Asking for TLS and the handshake; `None` without.
    pub(crate) tls: Option<Duration>,
    /// From the startup packet until the session was ready.
    pub(crate) auth: Option<Duration>,
}

/// What became of one address.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The address: `10.0.0.1:5432`, a socket's path, or the host and port that have none.
    pub(crate) address: String,
    /// How long each phase took, as far as it came.
    pub(crate) phases: Phases,
    /// Why it failed.
    pub(crate) error: Option<Error>,
}

/// A failure, and what it means for what is tried next.
pub(super) struct AttemptFailure {
    pub(super) error: Error,
    pub(super) next: Next,
    /// The server asked for a password and none was known.
    pub(super) wants_password: bool,
}

/// What to try after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next address of the same host.
    Address,
    /// The next host.
    Host,
    /// The same address, with the other kind of encryption if the mode has one; then nothing.
    OtherEncryption,
    /// Nothing: the server has given its answer.
    Stop,
}

impl AttemptFailure {
    pub(super) fn new(error: Error, next: Next) -> Self {
        Self { error, next, wants_password: false }
    }
}
