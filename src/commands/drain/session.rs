//! The sessions over which a database is closed and opened: always with the same server, and the one that keeps other drains away.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::db::{Db, Error, ErrorKind, SignalOrder, Uninterrupted};
use crate::model::act::{Action, Identity, Wanted};
use crate::observe::{Deadline, Endpoint, Source};
use crate::stop::Stop;

/// Where they come from: the server that was reached first.
pub(super) struct SameServer {
    endpoint: Endpoint,
    system_identifier: Option<String>,
    /// The session that there is, or was last, where it can be known.
    own: RefCell<Option<Identity>>,
    lock: Rc<DrainLock>,
}

/// The lock of a database with which its session keeps other drains away.
pub(super) struct DrainLock {
    /// The database.
    oid: u32,
    /// Whether it is to be held.
    is_wanted: Cell<bool>,
    /// Whether the session holds it.
    is_held: Cell<bool>,
}

impl DrainLock {
    /// Notes that the session holds it, which every later one is to hold as well.
    pub(super) fn is_taken(&self) {
        self.is_wanted.set(true);
        self.is_held.set(true);
    }

    /// Tries for it again, where it was lost with its session. That one may hold it for a moment, and another drain that is about to
    /// see that the database is closed.
    pub(super) async fn take_again(&self, db: &Db) -> Result<(), Error> {
        if self.is_wanted.get() && !self.is_held.get() {
            self.is_held.set(db.lock_for_drain(self.oid).await?);
        }
        Ok(())
    }
}

impl SameServer {
    /// The server at `endpoint`, with this `system_identifier`, where the database `oid` is drained; `own` is the session that there is.
    pub(super) fn new(
        endpoint: Endpoint,
        system_identifier: Option<String>,
        oid: u32,
        own: Option<Identity>,
    ) -> Self {
        let lock = DrainLock { oid, is_wanted: Cell::new(false), is_held: Cell::new(false) };
        Self { endpoint, system_identifier, own: RefCell::new(own), lock: Rc::new(lock) }
    }

    /// Where it is.
    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The number of its cluster, where that may be known.
    pub(super) fn system_identifier(&self) -> Option<&str> {
        self.system_identifier.as_deref()
    }

    /// The lock that its session holds.
    pub(super) fn lock(&self) -> Rc<DrainLock> {
        Rc::clone(&self.lock)
    }

    /// Makes sure that what answers at the same address is the same cluster.
    async fn is_same_server(&self, db: &Db) -> Result<(), Error> {
        let Some(known) = &self.system_identifier else { return Ok(()) };
        let seen = db.system_identifier().await?;
        if seen.as_ref() == Some(known) {
            return Ok(());
        }
        let (place, seen) = (db.target().place(), seen.unwrap_or_else(|| "unknown".into()));
        let message = format!("another server answers at {place} (system identifier {seen}, not {known})");
        Err(Error::new(ErrorKind::AnotherServer, message))
    }

    /// Ends the session before `db`, which the server may not have noticed to be lost: it may not have read our last statement yet,
    /// and must not close the database after it was opened again.
    async fn end_the_one_before(&self, db: &Db) -> Result<(), Error> {
        self.lock.is_held.set(false);
        let lost = self.own.borrow().clone();
        if let Some(lost) = lost {
            let wanted = Wanted { pgconn_too: true, ..Wanted::default() };
            let identities = &[lost];
            let order =
                SignalOrder { action: Action::Terminate, identities, wanted: &wanted, filtered: false };
            // It may be gone already, with its server.
            let _ = db.signal(&order).await;
        }
        let own = db.own_session().await?;
        self.own.replace(own);
        Ok(())
    }
}

impl Source for SameServer {
    type Session = Uninterrupted;

    async fn log_in(&self, deadline: Option<&Deadline>) -> Result<Uninterrupted, Error> {
        let db = self.endpoint.log_in(deadline, &Stop::never()).await?;
        self.is_same_server(&db).await?;
        self.end_the_one_before(&db).await?;
        Ok(db.until_done())
    }
}
