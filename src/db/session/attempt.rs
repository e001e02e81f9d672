//! One attempt at one address: how far it is and what became of it, why it failed, and what is tried next.

use super::address::Address;
use super::dial;
use super::transport::Transport;
use crate::conninfo::Host;
use crate::db::error::Error;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// The host of the settings that it belongs to, and its port.
    pub(crate) place: String,
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
    /// Where it asked for one that a command gives: none was known yet, or the server did not take it.
    pub(super) wants_command: Option<Box<(Host, Address)>>,
}

/// What to try after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next address of the same host.
    Address,
    /// The next host.
    Host,
    /// This address again, with the other kind of encryption if the mode has one; then nothing.
    OtherEncryption,
    /// Nothing: the server has given its answer.
    Stop,
}

impl AttemptFailure {
    pub(super) fn new(error: Error, next: Next) -> Self {
        Self { error, next, wants_password: false, wants_command: None }
    }
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// No socket is connected.
    #[default]
    Dialling,
    /// A socket is, and the server does not know yet who wants to log in.
    Connected,
    /// The server has the startup packet: whatever becomes of this side, it goes on with the login.
    LoggingIn,
    /// The server waits for a proof of the password, which takes so many rounds here.
    Proving(u32),
}

/// How far an attempt is, for whoever waits on it: the attempt itself writes, and a clone reads the same.
#[derive(Clone, Debug, Default)]
pub(super) struct AttemptProgress(Arc<Mutex<Reached>>);

#[derive(Debug, Default)]
struct Reached {
    stage: Stage,
    phases: Phases,
    /// Why it failed with the kind of encryption that was tried before.
    earlier: Option<Error>,
    /// The socket, where it is TCP.
    socket: Option<OwnedFd>,
}

impl AttemptProgress {
    fn reached(&self) -> MutexGuard<'_, Reached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stage(&self) -> Stage {
        self.reached().stage
    }

    pub(super) fn phases(&self) -> Phases {
        self.reached().phases
    }

    pub(super) fn earlier(&self) -> Option<Error> {
        self.reached().earlier.clone()
    }

    /// From now on it is at this stage.
    pub(super) fn enter(&self, stage: Stage) {
        self.reached().stage = stage;
    }

    /// Notes how long a phase took.
    pub(super) fn measured(&self, note: impl FnOnce(&mut Phases)) {
        note(&mut self.reached().phases);
    }

    /// A socket is connected.
    pub(super) fn connected(&self, transport: &Transport) {
        let mut reached = self.reached();
        reached.stage = Stage::Connected;
        if let Transport::Tcp(stream) = transport {
            reached.socket = stream.as_fd().try_clone_to_owned().ok();
        }
    }

    /// It begins anew with another kind of encryption, because of `why`.
    pub(super) fn begin_anew(&self, why: Error) {
        *self.reached() = Reached { earlier: Some(why), ..Reached::default() };
    }

    /// A server that has gone without a word is found out within half a minute, so that nobody waits on it for ever.
    pub(super) fn expect_signs_of_life(&self) {
        if let Some(socket) = &self.reached().socket {
            dial::expect_signs_of_life(socket);
        }
    }
}
