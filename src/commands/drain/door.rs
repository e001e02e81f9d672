//! The door of the database that is drained: closed once, opened again in every case.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::admit;
use crate::analyze::fence::{Fence, Statements};
use crate::analyze::plan;
use crate::commands::Context;
use crate::commands::act::carry_out::Act;
use crate::commands::act::meanwhile;
use crate::conninfo::ConnInfo;
use crate::db::{Db, Error, Kind, Place, SignalOrder, Which};
use crate::error::Failure;
use crate::model::act::{Action, Fate, Identity, Wanted};
use crate::model::database::{Database, Insider};
use crate::model::quote::shown;
use crate::model::server::Surroundings;

/// How long to watch the sessions of one round; those that connect meanwhile are the next round's.
const ROUND: Duration = Duration::from_secs(2);
/// The pause before looking again at backends on their way in.
const PAUSE: Duration = Duration::from_millis(20);

/// A database that this run closes and opens.
pub(super) struct Door<'a> {
    context: &'a Context,
    db: Option<Db>,
    way_back: ConnInfo,
    system_identifier: Option<String>,
    database: Database,
    fence: Fence,
    /// Whether that fence was asked for by its name.
    is_named: bool,
    /// Our session there, where it can be known.
    own: Option<Identity>,
    /// Whether other drains are to be kept away, with a lock that the session holds.
    locks: bool,
    /// Whether it holds that lock.
    is_locked: bool,
    ended: i64,
}

/// How opening it again went.
#[derive(Debug)]
pub(super) enum Restored {
    /// It is as it was.
    Done,
    /// What the fence took is back; somebody else has changed something else about who may enter.
    Changed,
    /// The database is no more: the command dropped it.
    Gone,
    /// It is not.
    Failed {
        /// For this reason.
        why: String,
        /// What opens the database as it was last seen.
        by_hand: Option<String>,
    },
}

impl<'a> Door<'a> {
    /// A door that is still open, for this fence, which was asked for by its name or not. `db`, which is the session `own`, is
    /// connected to another database of the server with this `system_identifier`, and hears no signals.
    pub(super) fn new(
        context: &'a Context,
        db: Db,
        system_identifier: Option<String>,
        database: Database,
        (fence, is_named): (Fence, bool),
        own: Option<Identity>,
    ) -> Self {
        let way_back = db.way_back();
        Self {
            context,
            db: Some(db),
            way_back,
            system_identifier,
            database,
            fence,
            is_named,
            own,
            locks: false,
            is_locked: false,
            ended: 0,
        }
    }

    /// Keeps other drains away from here on, whichever database they are connected to, and looks once more at who may enter: what is
    /// found now is what comes back. A session that is `pooled` can keep nobody away.
    ///
    /// # Errors
    /// When somebody was faster, and when it cannot be closed any more.
    pub(super) async fn take(&mut self, surroundings: &Surroundings, pooled: bool) -> Result<Statements> {
        let name = self.database.name.clone();
        let oid = self.database.oid;
        let named = self.is_named.then_some(self.fence);
        let db = self.connected().await?;
        let is_locked = !pooled && db.lock_for_drain(oid).await?;
        let database = admit::admitted(db, surroundings, &name, named).await?;
        if !pooled && !is_locked {
            return Err(Failure::refused("another drain of it has only just ended; nothing was done").into());
        }
        (self.locks, self.is_locked, self.database) = (is_locked, is_locked, database);
        admit::statements(self.fence, &self.database)
    }

    /// The settings that lead to another database of its server.
    pub(super) const fn way_back(&self) -> &ConnInfo {
        &self.way_back
    }

    /// The database as it was before.
    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// Sessions that were ended.
    pub(super) const fn ended(&self) -> i64 {
        self.ended
    }

    /// Closes it. When it is not known whether that happened, it is opened again at once.
    pub(super) async fn close(&mut self, statements: &[String]) -> Result<(), Failure> {
        self.connected().await?;
        let error = match self.change(&self.database.name, Some(&self.database), statements).await {
            Ok(true) => return Ok(()),
            Ok(false) => {
                return Err(Failure::failed("it has changed since it was looked at; nothing was done"));
            }
            Err(error) if error.is_refusal() => return Err(error.into()),
            Err(error) => error,
        };
        self.db = None;
        Err(Failure::from(error).detailed(match self.restore().await {
            Restored::Failed { why, .. } => format!("it may have been left closed: {why}"),
            Restored::Done | Restored::Changed | Restored::Gone => "it is open as before".into(),
        }))
    }

    /// Alters the database, which has this name now and is in this state, where that matters; false where that is not so.
    async fn change(
        &self,
        name: &str,
        state: Option<&Database>,
        statements: &[String],
    ) -> Result<bool, Error> {
        let system_identifier = self.system_identifier.as_deref();
        let place = Place { system_identifier, oid: self.database.oid, name, state };
        match &self.db {
            Some(db) => db.change_door(&place, statements).await,
            None => Err(lost()),
        }
    }

    /// Ends sessions until none is left and none is on its way in.
    pub(super) async fn empty(&mut self, wanted: &Wanted, time: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + time;
        loop {
            if self.context.stop.signal().is_some() {
                return Err(Failure::failed("interrupted before it was empty; it is open again"));
            }
            let (_, facts) = self.connected().await?.facts(wanted).await?;
            if facts.candidates.is_empty() {
                let oid = self.database.oid;
                let inside = self.connected().await?.inside(oid).await?;
                if inside.sessions == 0 && inside.starting == 0 {
                    return Ok(());
                }
                sleep(PAUSE).await;
            } else {
                self.round(wanted, plan::plan(Action::Terminate, wanted, &facts)).await?;
            }
            if Instant::now() >= deadline {
                return Err(Failure::failed(format!("it was not empty after {time:?}; it is open again"))
                    .hinted(format!("can still enter: {}", self.fence.still_enter(&self.database))));
            }
        }
    }

    async fn round(&mut self, wanted: &Wanted, plan: plan::Plan) -> Result<(), Failure> {
        self.connected().await?;
        let Some(db) = self.db.take() else { return Ok(()) };
        let mut act = Act::new(db, plan, wanted, self.context.stop.clone());
        act.at_once(ROUND).await;
        let (db, plan, _, _) = act.end();
        self.db = Some(db);
        self.ended += plan.counts().succeeded;
        let forbidden = plan.steps.iter().find(|step| {
            matches!(step.outcome.result, Fate::NotPermitted | Fate::NotVisible | Fate::Protected)
        });
        let Some(step) = forbidden else { return Ok(()) };
        let why = step.outcome.error.as_deref().unwrap_or("not permitted");
        let failure =
            Failure::failed(format!("pid {} cannot be ended: {why}; it is open again", step.outcome.pid));
        Err(match step.missing_role {
            Some(role) => failure.hinted(format!("GRANT {role} TO this role")),
            None => failure,
        })
    }

    /// Who is inside now.
    pub(super) async fn insiders(&mut self) -> Result<Vec<Insider>, Error> {
        let oid = self.database.oid;
        let looked = self.connected().await?.insiders(oid).await;
        if looked.is_err() {
            // Whatever is wrong with it, the next look has a connection of its own.
            self.db = None;
        }
        looked
    }

    /// Opens it exactly as it was, over a new connection when the old one is lost, until that succeeds or hope is lost.
    pub(super) async fn restore(&mut self) -> Restored {
        let context = self.context;
        let restored = meanwhile::let_go("open it again", context, async || {
            let tried = self.try_to_restore().await;
            if tried.is_err() {
                // Whatever is wrong with it, the next attempt has a connection of its own.
                self.db = None;
            }
            tried
        });
        restored.await.unwrap_or_else(|error| Restored::Failed { why: error.to_string(), by_hand: None })
    }

    async fn try_to_restore(&mut self) -> Result<Restored, Error> {
        let (oid, fence, before) = (self.database.oid, self.fence, self.database.clone());
        let db = self.connected().await?;
        // The command can have renamed or dropped it.
        let Some(now) = db.database(Which::Oid(oid)).await? else { return Ok(Restored::Gone) };
        let failed = |why: String, seen: &Database| {
            let statements = fence.statements(&before, seen).ok();
            Restored::Failed { why, by_hand: statements.map(|statements| super::sql(&statements.restore)) }
        };
        if !now.owned && fence.is_undone(&before, &now) {
            return Ok(Restored::Changed);
        }
        if !now.owned {
            let (role, owner) = (&db.target().user, shown(&now.owner));
            return Ok(failed(format!("role \"{role}\" is not its owner any more, {owner} is"), &now));
        }
        let statements = match fence.statements(&before, &now) {
            Ok(statements) => statements,
            Err(why) => return Ok(failed(why, &now)),
        };
        if !self.change(&now.name, None, &statements.restore).await? {
            return Err(Error::new(Kind::Protocol, "what is reached is not the database that was closed"));
        }
        let after = self.connected().await?.database(Which::Oid(oid)).await?;
        let same = |after: &Database| {
            after.connection_limit == before.connection_limit
                && after.allow_connections == before.allow_connections
                && after.grants == before.grants
        };
        Ok(match after {
            None => Restored::Gone,
            Some(after) if same(&after) => Restored::Done,
            Some(after) if fence.is_undone(&before, &after) => Restored::Changed,
            Some(after) => failed("somebody else has closed it meanwhile".into(), &after),
        })
    }

    /// The connection, a new one to the same server when the old one is lost.
    async fn connected(&mut self) -> Result<&Db, Error> {
        if self.db.is_none() {
            let db = self.context.connect_back(&self.way_back).await?;
            self.is_same_server(&db).await?;
            self.succeed(&db).await?;
            self.db = Some(db);
        }
        if let Some(db) = self.db.as_ref().filter(|_| self.locks && !self.is_locked) {
            // The session before may hold it for a moment, and another drain that is about to see that it is closed.
            self.is_locked = db.lock_for_drain(self.database.oid).await?;
        }
        self.db.as_ref().ok_or_else(lost)
    }

    /// Makes `db` our session: the one before, which the server may not have noticed to be lost, may not have read our last
    /// statement yet, and must not close the door after it was opened again.
    async fn succeed(&mut self, db: &Db) -> Result<(), Error> {
        self.is_locked = false;
        if let Some(lost) = self.own.clone() {
            let wanted = Wanted { pgconn_too: true, ..Wanted::default() };
            let identities = &[lost];
            let order =
                SignalOrder { action: Action::Terminate, identities, wanted: &wanted, filtered: false };
            // It may be gone already, with its server.
            let _ = db.signal(&order).await;
        }
        self.own = db.own_session().await?;
        Ok(())
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
        Err(Error::new(Kind::AnotherServer, message))
    }
}

fn lost() -> Error {
    Error::new(Kind::ConnectionLost, "the connection was lost")
}
