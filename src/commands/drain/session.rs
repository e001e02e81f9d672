//! The sessions over which a database or a role is closed and opened: always with the same server, and the one that keeps other drains away.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::db::{Db, Error, ErrorKind, SignalOrder, Uninterrupted};
use crate::model::act::{Action, Identity, Wanted};
use crate::model::closable::ClosableKind;
use crate::observe::{Deadline, Endpoint, Source};
use crate::stop::Stop;

/// How long a session that was lost may take to be gone, after which what it was told last may still happen.
const GONE: Duration = Duration::from_secs(2);
/// The pause before looking again whether it is.
const PAUSE: Duration = Duration::from_millis(20);

/// Where they come from: the server that was reached first.
pub(super) struct SameServer {
    endpoint: Endpoint,
    system_identifier: Option<String>,
    /// The session that there is, or was last, where it can be known.
    own: RefCell<Option<Identity>>,
    lock: Rc<DrainLock>,
}

/// The lock of a database or a role with which its session keeps other drains away.
pub(super) struct DrainLock {
    kind: ClosableKind,
    oid: u32,
    /// Whether it is to be held.
    is_wanted: Cell<bool>,
    /// Whether the session holds it.
    is_held: Cell<bool>,
    /// Whether no session before this one can still do what it was told.
    is_alone: Cell<bool>,
}

impl DrainLock {
    /// Whether what is seen now is what stays: nothing is on its way that a session before this one has sent.
    pub(super) const fn is_alone(&self) -> bool {
        self.is_alone.get()
    }

    /// Notes that the session holds it, which every later one is to hold as well.
    pub(super) fn is_taken(&self) {
        self.is_wanted.set(true);
        self.is_held.set(true);
    }

    /// Tries for it again, where it was lost with its session. That one may hold it for a moment, and another drain that is about to
    /// see that the database is closed.
    pub(super) async fn take_again(&self, db: &Db) -> Result<(), Error> {
        if self.is_wanted.get() && !self.is_held.get() {
            self.is_held.set(db.lock_for_drain(self.kind, self.oid).await?);
        }
        Ok(())
    }
}

impl SameServer {
    /// The server at `endpoint`, with this `system_identifier`, where the database or role `oid` is drained; `own` is the session that there is.
    pub(super) fn new(
        endpoint: Endpoint,
        system_identifier: Option<String>,
        (kind, oid): (ClosableKind, u32),
        own: Option<Identity>,
    ) -> Self {
        let (is_wanted, is_held, is_alone) = (Cell::new(false), Cell::new(false), Cell::new(true));
        let lock = DrainLock { kind, oid, is_wanted, is_held, is_alone };
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
        self.lock.is_alone.set(false);
        let lost = self.own.borrow().clone();
        if let Some(lost) = lost {
            let wanted = Wanted { pgconn_too: true, ..Wanted::default() };
            let identities = &[lost];
            let order =
                SignalOrder { action: Action::Terminate, identities, wanted: &wanted, filtered: false };
            // It may be gone already, with its server.
            let _ = db.signal(&order).await;
            let deadline = Instant::now() + GONE;
            while !self.lock.is_alone() && Instant::now() < deadline {
                self.lock.is_alone.set(db.still_there(identities).await?.is_empty());
                if !self.lock.is_alone() {
                    sleep(PAUSE).await;
                }
            }
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
