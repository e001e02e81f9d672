//! The database or role that is drained, behind its fence: closed once, emptied, and opened again in every case.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::SignalKind;
use tokio::time::{Instant, sleep, timeout};

use super::admit;
use super::kept::Kept;
use super::occupants::Seen;
use super::reopen::{Before, Restored, restore};
use super::session::SameServer;
use crate::act::{Act, Hold, Reopening};
use crate::analyze::closable;
use crate::analyze::fence::{Fence, Statements};
use crate::analyze::plan::{self, Plan};
use crate::commands::Context;
use crate::commands::act::hold_status::{self, PATIENCE};
use crate::conninfo::ConnInfo;
use crate::db::{Error, ExpectedClosable, Inside, Uninterrupted};
use crate::error::Failure;
use crate::model::act::{Action, Fate, Wanted};
use crate::model::closable::{Closable, ClosableKind};
use crate::model::rights::Rights;
use crate::model::server::ServerContext;
use crate::observe::{Observer, Patience};
use crate::render::Warning;
use crate::stop::{Ignored, Stop};

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
    /// The sessions that are to end.
    pub(super) wanted: Wanted,
    /// Whose they are.
    pub(super) inside: Inside,
    /// How long ending them may take.
    pub(super) verify: Duration,
    /// What for.
    pub(super) purpose: Purpose,
}

/// A database or role that this run closes and opens.
pub(super) struct Fenced<'a> {
    context: &'a Context,
    observer: Observer<SameServer>,
    closable: Closable,
    request: DrainRequest,
    close: Vec<String>,
    /// The state file, once there is one.
    kept: Option<Kept>,
    ended: i64,
    seen: Seen,
}

impl<'a> Fenced<'a> {
    /// A database or role that is still open. `db` is connected to a database that stays so.
    pub(super) fn new(
        context: &'a Context,
        source: SameServer,
        db: Uninterrupted,
        closable: Closable,
        request: DrainRequest,
    ) -> Self {
        let observer = Observer::with(source, Stop::never(), db);
        let (close, seen) = (Vec::new(), Seen::default());
        Self { context, observer, closable, request, close, kept: None, ended: 0, seen }
    }

    /// Keeps other drains away from here on, whichever database they are connected to, and looks once more at who may enter: what is
    /// found now is what comes back. A session that is `pooled` can keep nobody away.
    ///
    /// # Errors
    /// When somebody was faster, and when it cannot be closed any more.
    pub(super) async fn take(&mut self, server_context: &ServerContext, pooled: bool) -> Result<Statements> {
        let named = self.request.is_named.then_some(self.request.fence);
        let (kind, oid) = (self.closable.kind(), self.closable.oid());
        let system_identifier = self.observer.source().system_identifier().map(str::to_owned);
        let db = self.observer.log_in(Patience::NONE).await?;
        let is_locked = !pooled && db.lock_for_drain(kind, oid).await?;
        let (of, key) = (system_identifier.as_deref(), (kind, self.closable.name()));
        let closable = admit::admitted(db, server_context, of, key, named, self.context).await?;
        if closable.oid() != oid {
            return Err(Failure::refused("another one has taken its name; nothing was done").into());
        }
        if !pooled && !is_locked {
            return Err(Failure::refused("another drain of it has only just ended; nothing was done").into());
        }
        if is_locked {
            self.observer.source().lock().is_taken();
        }
        self.closable = closable;
        let statements = admit::statements(self.request.fence, &self.closable, &self.request.rights)?;
        self.close.clone_from(&statements.close);
        Ok(statements)
    }

    /// The settings that lead to another database of its server.
    pub(super) fn way_back(&self) -> &ConnInfo {
        self.observer.source().endpoint().info()
    }

    /// Writes down what was, before it is closed. Where that cannot be done, who reads stderr is the only one to know.
    ///
    /// # Errors
    /// When another run has written it down meanwhile.
    async fn write_down(&mut self) -> Result<(), Failure> {
        let place = self.observer.log_in(Patience::NONE).await?.target().place();
        let server = (self.observer.source().system_identifier(), place.as_str());
        let kept = Kept::new(server, self.request.fence, &self.closable).and_then(|kept| {
            match kept.write() {
                // Of one that was killed, and opened by hand since: `take` has seen that nothing of it is left to be opened.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    kept.remove()?;
                    kept.write()?;
                }
                written => written?,
            }
            Ok(kept)
        });
        match kept {
            Ok(kept) => self.kept = Some(kept),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Failure::refused("another drain of it has begun; nothing was done"));
            }
            Err(error) => self.context.ui.warning(&Warning {
                code: "no_state_file",
                message: format!("what was before could not be written down: {error}"),
                hint: Some("if this run is killed, only the line above says what opens it".into()),
            }),
        }
        Ok(())
    }

    /// Takes the state file away, when nothing is left to be opened.
    fn strike_out(&mut self) {
        let Some(kept) = self.kept.take() else { return };
        if let Err(error) = kept.remove() {
            self.context.ui.warning(&Warning {
                code: "state_file_left",
                message: format!("{} could not be removed: {error}", kept.file().display()),
                hint: None,
            });
        }
    }

    /// How many sessions were ended, what was closed, and who was seen inside after that.
    pub(super) fn end(self) -> (i64, Closable, Seen) {
        (self.ended, self.closable, self.seen)
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
                let inside = self.request.inside;
                let occupancy = self.observer.log_in(Patience::NONE).await?.occupancy(inside).await?;
                if occupancy.sessions == 0 && occupancy.starting == 0 {
                    return Ok(());
                }
                sleep(PAUSE).await;
            } else {
                self.round(&wanted, plan::plan(Action::Terminate, &wanted, &facts)).await?;
            }
            if Instant::now() >= deadline {
                let time = self.request.verify;
                let enter = closable::still_enter(self.request.fence, &self.closable);
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
        Err(match step.missing_roles {
            [] => failure,
            roles => failure.hinted(format!("GRANT {} TO this role", roles.join(", "))),
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
        // What was started with Ctrl-C ignored, as in the background of a script, does not hear it.
        let is_deaf = Ignored::at_start().contains(SignalKind::interrupt());
        let key = if is_deaf { "SIGTERM" } else { "Ctrl-C" };
        self.context.ui.status(&format!("{how}; {key} {opens}"));
    }
}

impl Hold for Fenced<'_> {
    type Reopened = Restored;

    /// Closes it. When it is not known whether that happened, it is opened again at once.
    async fn close(&mut self) -> Result<(), Failure> {
        self.write_down().await?;
        let (closable, statements) = (self.closable.clone(), self.close.clone());
        let system_identifier = self.observer.source().system_identifier().map(str::to_owned);
        let system_identifier = system_identifier.as_deref();
        let expected = ExpectedClosable { system_identifier, closable: &closable, is_unchanged: true };
        let error =
            match self.observer.log_in(Patience::NONE).await?.change_fence(&expected, &statements).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    self.strike_out();
                    return Err(Failure::failed("it has changed since it was looked at; nothing was done"));
                }
                Err(error) if error.is_refusal() => {
                    self.strike_out();
                    return Err(error.into());
                }
                Err(error) => error,
            };
        self.observer.forget();
        Err(Failure::from(error).detailed(match self.reopen().await {
            Restored::Failed { why, .. } => format!("it may have been left closed: {why}"),
            Restored::Done | Restored::Changed => "it is open as before".into(),
            Restored::Gone | Restored::Invalid => "it is no more".into(),
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
        let (inside, database) = (self.request.inside, matches!(self.closable, Closable::Database(_)));
        let looked = async {
            let lock = self.observer.source().lock();
            let look = async |db: &mut Uninterrupted| {
                lock.take_again(db).await?;
                let occupants = db.occupants(inside).await?;
                let obstacles = match inside.database.filter(|_| database) {
                    Some(oid) => db.obstacles(oid).await?,
                    None => Vec::new(),
                };
                Ok::<_, Error>((occupants, obstacles))
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

    fn reopening(&self) -> Reopening {
        let name = self.closable.name().to_owned();
        let flag = match self.closable.kind() {
            ClosableKind::Database => "--db",
            ClosableKind::Role => "--role",
        };
        let mut words =
            vec!["drain".to_owned(), "--restore".into(), "--yes".into(), format!("{flag}={name}")];
        words.extend(hold_status::format(self.context));
        Reopening { way_back: self.way_back().clone(), words, done: "it is open again" }
    }

    /// Opens it exactly as it was, over a new session when the old one is lost, until that succeeds or hope is lost.
    async fn reopen(&mut self) -> Restored {
        let (states, context) = (self.observer.state(), self.context);
        let Self { observer, closable, request, .. } = self;
        let system_identifier = observer.source().system_identifier().map(str::to_owned);
        let (lock, request, closable) = (observer.source().lock(), &*request, &*closable);
        let restored = observer.look(PATIENCE, async |db: &mut Uninterrupted| {
            let before = Before {
                closable,
                fence: request.fence,
                rights: &request.rights,
                system_identifier: system_identifier.as_deref(),
                is_settled: lock.is_alone(),
            };
            restore(db, before).await
        });
        let restored = hold_status::reopening("open it again", context, states, restored).await;
        let restored =
            restored.unwrap_or_else(|error| Restored::Failed { why: error.to_string(), by_hand: None });
        if restored.is_over() {
            self.strike_out();
        }
        restored
    }
}
