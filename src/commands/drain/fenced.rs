//! The database that is drained, behind its fence: closed once, emptied, and opened again in every case.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep, timeout};

use super::admit;
use super::occupants::Seen;
use super::session::SameServer;
use crate::act::{Act, Hold};
use crate::analyze::fence::{Fence, Statements};
use crate::analyze::plan::{self, Plan};
use crate::commands::Context;
use crate::commands::act::hold_status::{self, PATIENCE};
use crate::conninfo::ConnInfo;
use crate::db::{DatabaseKey, Error, ErrorKind, ExpectedDatabase, Uninterrupted};
use crate::error::Failure;
use crate::model::act::{Action, Fate, Wanted};
use crate::model::database::DatabaseAccess;
use crate::model::quote::shown;
use crate::model::rights::Rights;
use crate::model::server::ServerContext;
use crate::observe::{Observer, Patience};
use crate::stop::Stop;

/// How long to watch the sessions of one round; those that connect meanwhile are the next round's.
const ROUND: Duration = Duration::from_secs(2);
/// The pause before looking again at backends on their way in.
const PAUSE: Duration = Duration::from_millis(20);

/// For what it is closed.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// For a command, whose sessions have this application_name.
    Command(String),
    /// For a time, or until a signal arrives.
    Time(Option<Duration>),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct DrainRequest {
    /// How it is closed.
    pub(super) fence: Fence,
    /// Whether that fence was asked for by its name.
    pub(super) is_named: bool,
    /// What the role may that closes it.
    pub(super) rights: Rights,
    /// Its sessions.
    pub(super) wanted: Wanted,
    /// How long ending them may take.
    pub(super) verify: Duration,
    /// What for.
    pub(super) purpose: Purpose,
}

/// A database that this run closes and opens.
pub(super) struct Fenced<'a> {
    context: &'a Context,
    observer: Observer<SameServer>,
    database: DatabaseAccess,
    request: DrainRequest,
    close: Vec<String>,
    ended: i64,
    seen: Seen,
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

impl<'a> Fenced<'a> {
    /// A database that is still open. `db` is connected to another one of its server.
    pub(super) fn new(
        context: &'a Context,
        source: SameServer,
        db: Uninterrupted,
        database: DatabaseAccess,
        request: DrainRequest,
    ) -> Self {
        let observer = Observer::with(source, Stop::never(), db);
        Self { context, observer, database, request, close: Vec::new(), ended: 0, seen: Seen::default() }
    }

    /// Keeps other drains away from here on, whichever database they are connected to, and looks once more at who may enter: what is
    /// found now is what comes back. A session that is `pooled` can keep nobody away.
    ///
    /// # Errors
    /// When somebody was faster, and when it cannot be closed any more.
    pub(super) async fn take(&mut self, server_context: &ServerContext, pooled: bool) -> Result<Statements> {
        let named = self.request.is_named.then_some(self.request.fence);
        let db = self.observer.log_in(Patience::NONE).await?;
        let is_locked = !pooled && db.lock_for_drain(self.database.oid).await?;
        let database = admit::admitted(db, server_context, &self.database.name, named).await?;
        if !pooled && !is_locked {
            return Err(Failure::refused("another drain of it has only just ended; nothing was done").into());
        }
        if is_locked {
            self.observer.source().lock().is_taken();
        }
        self.database = database;
        let statements = admit::statements(self.request.fence, &self.database, &self.request.rights)?;
        self.close.clone_from(&statements.close);
        Ok(statements)
    }

    /// The settings that lead to another database of its server.
    pub(super) fn way_back(&self) -> &ConnInfo {
        self.observer.source().endpoint().info()
    }

    /// The database as it was before.
    pub(super) const fn database(&self) -> &DatabaseAccess {
        &self.database
    }

    /// How many sessions were ended, and who was seen inside after that.
    pub(super) fn end(self) -> (i64, Seen) {
        (self.ended, self.seen)
    }

    /// Ends sessions until none is left and none is on its way in.
    async fn empty(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + self.request.verify;
        loop {
            if self.context.stop.signal().is_some() {
                return Err(Failure::failed("interrupted before it was empty"));
            }
            let wanted = self.request.wanted.clone();
            let (_, facts) = self.observer.log_in(Patience::NONE).await?.facts(&wanted).await?;
            if facts.candidates.is_empty() {
                let oid = self.database.oid;
                let occupancy = self.observer.log_in(Patience::NONE).await?.occupancy(oid).await?;
                if occupancy.sessions == 0 && occupancy.starting == 0 {
                    return Ok(());
                }
                sleep(PAUSE).await;
            } else {
                self.round(&wanted, plan::plan(Action::Terminate, &wanted, &facts)).await?;
            }
            if Instant::now() >= deadline {
                let time = self.request.verify;
                let enter = self.request.fence.still_enter(&self.database);
                return Err(Failure::failed(format!("it was not empty after {time:?}"))
                    .hinted(format!("can still enter: {enter}")));
            }
        }
    }

    async fn round(&mut self, wanted: &Wanted, plan: Plan) -> Result<(), Failure> {
        let db = self.observer.log_in(Patience::NONE).await?;
        let mut act = Act::new(plan, wanted, None, ROUND);
        act.run(db, &self.context.stop, |_| {}).await;
        let plan = act.end().plan;
        self.ended += plan.counts().succeeded;
        let forbidden = plan.steps.iter().find(|step| {
            matches!(step.outcome.result, Fate::NotPermitted | Fate::NotVisible | Fate::Protected)
        });
        let Some(step) = forbidden else { return Ok(()) };
        let why = step.outcome.error.as_deref().unwrap_or("not permitted");
        let failure = Failure::failed(format!("pid {} cannot be ended: {why}", step.outcome.pid));
        Err(match step.missing_role {
            Some(role) => failure.hinted(format!("GRANT {role} TO this role")),
            None => failure,
        })
    }

    /// Says that it is closed, and how a hold without a command ends.
    fn tell(&self, time: Option<Duration>) {
        let how = match self.seen.empty_throughout() {
            Some(true) => "closed and empty".into(),
            Some(false) => format!("closed, with {} inside", self.seen.count()),
            None => "closed".into(),
        };
        let opens = if time.is_some() { "opens it earlier" } else { "opens it again" };
        self.context.ui.status(&format!("{how}; Ctrl-C {opens}"));
    }
}

impl Hold for Fenced<'_> {
    type Reopened = Restored;

    /// Closes it. When it is not known whether that happened, it is opened again at once.
    async fn close(&mut self) -> Result<(), Failure> {
        let (database, statements) = (self.database.clone(), self.close.clone());
        let system_identifier = self.observer.source().system_identifier().map(str::to_owned);
        let expected = ExpectedDatabase {
            system_identifier: system_identifier.as_deref(),
            oid: database.oid,
            name: &database.name,
            state: Some(&database),
        };
        let error =
            match self.observer.log_in(Patience::NONE).await?.change_fence(&expected, &statements).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    return Err(Failure::failed("it has changed since it was looked at; nothing was done"));
                }
                Err(error) if error.is_refusal() => return Err(error.into()),
                Err(error) => error,
            };
        self.observer.forget();
        Err(Failure::from(error).detailed(match self.reopen().await {
            Restored::Failed { why, .. } => format!("it may have been left closed: {why}"),
            Restored::Done | Restored::Changed | Restored::Gone => "it is open as before".into(),
        }))
    }

    /// Ends its sessions. A command is not begun where a client came in again.
    async fn settle(&mut self) -> Result<(), Failure> {
        self.empty().await?;
        self.look(None).await;
        match self.request.purpose {
            Purpose::Time(time) => self.tell(time),
            Purpose::Command(_) if self.seen.clients() > 0 => {
                let who = self.seen.count();
                let message = format!("it was not empty for the command, which was not run: {who} came in");
                return Err(Failure::failed(message));
            }
            Purpose::Command(_) => {}
        }
        Ok(())
    }

    async fn look(&mut self, limit: Option<Duration>) {
        let oid = self.database.oid;
        let looked = async {
            let lock = self.observer.source().lock();
            let look = async |db: &mut Uninterrupted| {
                lock.take_again(db).await?;
                db.occupants(oid).await
            };
            self.observer.look(Patience::NONE, look).await
        };
        let looked = match limit {
            None => looked.await.map_err(|error| error.to_string()),
            Some(limit) => match timeout(limit, looked).await {
                Ok(looked) => looked.map_err(|error| error.to_string()),
                Err(_) => Err("the last look was not answered in time".into()),
            },
        };
        if looked.is_err() {
            // Whatever is wrong with it, the next look has a session of its own.
            self.observer.forget();
        }
        let own = match &self.request.purpose {
            Purpose::Command(own) => Some(own.as_str()),
            Purpose::Time(_) => None,
        };
        self.seen.take(looked, own, self.context);
    }

    /// Opens it exactly as it was, over a new session when the old one is lost, until that succeeds or hope is lost.
    async fn reopen(&mut self) -> Restored {
        let (states, context) = (self.observer.state(), self.context);
        let Self { observer, database, request, .. } = self;
        let system_identifier = observer.source().system_identifier().map(str::to_owned);
        let (request, before) = (&*request, &*database);
        let restored = observer.look(PATIENCE, async |db: &mut Uninterrupted| {
            restore(db, system_identifier.as_deref(), request, before).await
        });
        let restored = hold_status::reopening("open it again", context, states, restored).await;
        restored.unwrap_or_else(|error| Restored::Failed { why: error.to_string(), by_hand: None })
    }
}

/// Opens `before` as it was, whatever it is called and whoever has it now.
async fn restore(
    db: &Uninterrupted,
    system_identifier: Option<&str>,
    request: &DrainRequest,
    before: &DatabaseAccess,
) -> Result<Restored, Error> {
    let (oid, fence) = (before.oid, request.fence);
    // The command can have renamed or dropped it.
    let Some(now) = db.database(DatabaseKey::Oid(oid)).await? else { return Ok(Restored::Gone) };
    let failed = |why: String, seen: &DatabaseAccess| {
        let statements = fence.statements(before, seen, &request.rights).ok();
        Restored::Failed { why, by_hand: statements.map(|statements| super::sql(&statements.restore)) }
    };
    if !now.owned && fence.is_undone(before, &now) {
        return Ok(Restored::Changed);
    }
    if !now.owned {
        let (role, owner) = (&db.target().user, shown(&now.owner));
        return Ok(failed(format!("role \"{role}\" is not its owner any more, {owner} is"), &now));
    }
    let statements = match fence.statements(before, &now, &request.rights) {
        Ok(statements) => statements,
        Err(why) => return Ok(failed(why, &now)),
    };
    let expected = ExpectedDatabase { system_identifier, oid, name: &now.name, state: None };
    if !db.change_fence(&expected, &statements.restore).await? {
        return Err(Error::new(ErrorKind::Protocol, "what is reached is not the database that was closed"));
    }
    let after = db.database(DatabaseKey::Oid(oid)).await?;
    let same = |after: &DatabaseAccess| {
        after.connection_limit == before.connection_limit
            && after.allow_connections == before.allow_connections
            && after.grants == before.grants
    };
    Ok(match after {
        None => Restored::Gone,
        Some(after) if same(&after) => Restored::Done,
        Some(after) if fence.is_undone(before, &after) => Restored::Changed,
        Some(after) => failed("somebody else has closed it meanwhile".into(), &after),
    })
}
