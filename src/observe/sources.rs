//! What an observer can have a session with.

use super::deadline::Deadline;
use super::endpoint::Endpoint;
use crate::db::console::Console;
use crate::db::{Db, Error, Uninterrupted};
use crate::stop::Stop;

/// A session that is kept.
pub(crate) trait KeptSession {
    /// Ends it in good order.
    async fn close(self);
}

/// Where sessions come from.
pub(crate) trait Source {
    /// What a login brings.
    type Session: KeptSession;

    /// One try to log in, which is over by `deadline`, where there is one.
    ///
    /// # Errors
    /// When no session can be had.
    async fn log_in(&self, deadline: Option<&Deadline>) -> Result<Self::Session, Error>;
}

/// A server's sessions.
#[derive(Clone, Debug)]
pub(crate) struct OfServer {
    /// Where it is.
    pub(crate) endpoint: Endpoint,
    /// What ends a login, and each question.
    pub(crate) stop: Stop,
}

impl Source for OfServer {
    type Session = Db;

    async fn log_in(&self, deadline: Option<&Deadline>) -> Result<Db, Error> {
        self.endpoint.log_in(deadline, &self.stop).await
    }
}

impl KeptSession for Db {
    async fn close(self) {
        Self::close(self).await;
    }
}

impl KeptSession for Uninterrupted {
    async fn close(self) {
        Self::close(self).await;
    }
}

/// Sessions on a pooler's console.
#[derive(Clone, Debug)]
pub(crate) struct OfConsole {
    /// Where it is.
    pub(crate) endpoint: Endpoint,
    /// What ends a login, and each question.
    pub(crate) stop: Stop,
}

impl Source for OfConsole {
    type Session = Console;

    async fn log_in(&self, deadline: Option<&Deadline>) -> Result<Console, Error> {
        self.endpoint.log_in_to_console(deadline, &self.stop).await
    }
}

impl KeptSession for Console {
    async fn close(self) {
        Self::close(self).await;
    }
}
