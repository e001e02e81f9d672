//! What every command is given: where to connect and how, and where its result goes.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::watch;
use crate::args::{self, Emergency};
use crate::conninfo::{ConnInfo, Environment, resolve, secrets};
use crate::db::{self, Backoff, Db, Lane, Scope};
use crate::exit::Exit;
use crate::model::server::Target;
use crate::model::suggestion::{Command, Hint, Lead};
use crate::output::Output;
use crate::render::{Format, Head, Report};
use crate::stop::Stop;
use crate::ui::{self, Ui};

/// What a command is given: where to connect, how to speak, where the result goes.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where to connect.
    pub(crate) connection: args::Connection,
    /// How the result is wanted.
    pub(crate) flags: args::Output,
    /// The channel beside the result.
    pub(crate) ui: Ui,
    /// Where the result goes.
    pub(crate) output: Output,
    /// The signal to end.
    pub(crate) stop: Stop,
    /// Why the last try to connect failed, while another one is under way.
    pub(crate) refusal: Mutex<Option<db::Error>>,
    /// The whole command line, for documents about it.
    pub(crate) program: fn() -> clap::Command,
}

impl Context {
    /// The format the result is wanted in.
    pub(crate) fn format(&self) -> Format {
        self.flags.format()
    }

    /// How many bytes of each query text are of use: what a terminal can show, everything elsewhere, nothing when query
    /// text is to be kept out.
    pub(crate) fn query_bytes(&self) -> Option<u32> {
        if self.flags.no_query {
            return Some(0);
        }
        let look = self.output.look();
        let columns = look.width.filter(|_| self.format() == Format::Table && !look.full)?;
        // Up to four bytes a column, and white space that will be folded.
        u32::try_from(columns.saturating_mul(8)).ok()
    }

    /// The settings that flags, environment and files come to.
    ///
    /// # Errors
    /// When they are wrong or cannot be honoured.
    pub(crate) fn conninfo(&self) -> Result<ConnInfo, db::Error> {
        Ok(resolve(&self.connection.given(), &Environment::of_process())?)
    }

    /// How to connect, beside what the settings say.
    pub(crate) fn options(&self, lane: Lane) -> db::Options {
        let ask: db::AskPassword = ui::ask_password;
        let ask = self.ui.is_terminal().then_some(ask);
        db::Options { timeout: self.connection.timeout, deadline: None, ask, lane }
    }

    /// Connects as the flags and the environment say; waits for a server that is full or away as long as
    /// `--connect-wait` says, and takes the emergency lane when `--emergency` allows it.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(crate) async fn connect(&self) -> Result<Db, db::Error> {
        self.connect_with(self.connection.emergency.unwrap_or(Emergency::Auto)).await
    }

    /// The same for commands that change what the server stores, which are worth no emergency unless one is declared.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(crate) async fn connect_to_change(&self) -> Result<Db, db::Error> {
        self.connect_with(self.connection.emergency.unwrap_or(Emergency::Never)).await
    }

    /// The same with another rule for the emergency lane: a full server is what monitoring is to find, not to get round.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(crate) async fn connect_with(&self, emergency: Emergency) -> Result<Db, db::Error> {
        self.connect_to(&self.conninfo()?, emergency).await
    }

    /// The same as these settings say.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(crate) async fn connect_to(&self, info: &ConnInfo, emergency: Emergency) -> Result<Db, db::Error> {
        let db = self.patiently(async || self.connect_once(info, emergency).await).await?;
        self.tell_where(&db);
        Ok(db)
    }

    /// The same for a run that is bounded as a whole, to an ordinary slot: the addresses share the time until `deadline`.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(super) async fn connect_before(&self, deadline: Instant) -> Result<Db, db::Error> {
        let info = self.conninfo()?;
        let options = db::Options { deadline: Some(deadline), ..self.options(Lane::Ordinary) };
        let limit = self.connection.timeout();
        let db =
            self.patiently(async || Db::connect(&info, &options, limit, self.stop.clone()).await).await?;
        self.tell_where(&db);
        Ok(db)
    }

    fn tell_where(&self, db: &Db) {
        let target = db.target();
        self.ui.detail(&format!(
            "connected to {} as {}, database {}",
            target.place(),
            target.user,
            target.database
        ));
    }

    /// Tries to connect as long as `--connect-wait` says.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(super) async fn patiently<T>(
        &self,
        connect: impl AsyncFn() -> Result<T, db::Error>,
    ) -> Result<T, db::Error> {
        let began = Instant::now();
        let mut pauses = Backoff::new();
        let mut said = String::new();
        loop {
            let error = match connect().await {
                Ok(connection) => {
                    self.keep_refusal(None);
                    return Ok(connection);
                }
                Err(error) => error,
            };
            let left = self.connection.connect_wait.unwrap_or_default().saturating_sub(began.elapsed());
            let pause = pauses.wait().min(left);
            if left.is_zero() || !error.is_transient() {
                return Err(error);
            }
            self.tell_waiting(&error, &mut said);
            self.keep_refusal(Some(error));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                signal = self.stop.pulled() => return Err(db::Error::interrupted(signal)),
            }
        }
    }

    /// Says why it is tried again, unless that is what was said last.
    pub(super) fn tell_waiting(&self, error: &db::Error, said: &mut String) {
        // With JSON, why it failed stands alone on stderr.
        if *said != error.message && !self.format().is_json() {
            self.ui.status(&format!("waiting to connect: {}", error.message));
            said.clone_from(&error.message);
        }
    }

    fn keep_refusal(&self, refusal: Option<db::Error>) -> Option<db::Error> {
        std::mem::replace(&mut *self.refusal.lock().unwrap_or_else(PoisonError::into_inner), refusal)
    }

    /// Why a run that is bounded as a whole has nothing after `limit`: what refused it until then, or that nothing answered.
    pub(super) fn late(&self, limit: Duration) -> db::Error {
        match self.keep_refusal(None) {
            Some(error) => {
                let message = format!("still refused after {limit:?}: {}", error.message);
                db::Error { message, ..error }
            }
            None => db::Error::new(db::Kind::Timeout, format!("no answer within {limit:?}"))
                .hinted(Hint::from(Command::pgconn("ping")).then(" shows which phase is slow")),
        }
    }

    /// Connects as before, once, to an ordinary slot, and says nothing about it.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(super) async fn connect_again(&self) -> Result<Db, db::Error> {
        self.connect_once(&self.conninfo()?, Emergency::Never).await
    }

    /// One try: an ordinary connection, and the emergency lane when the server as a whole has no slot left. When that
    /// fails too, the first refusal is what counts.
    pub(super) async fn connect_once(&self, info: &ConnInfo, emergency: Emergency) -> Result<Db, db::Error> {
        let open = |lane| {
            let (options, limit, stop) = (self.options(lane), self.connection.timeout(), self.stop.clone());
            async move { Db::connect(info, &options, limit, stop).await }
        };
        let first = match emergency {
            Emergency::Always => return open(Lane::Emergency).await,
            Emergency::Auto | Emergency::Never => open(Lane::Ordinary).await,
        };
        match first {
            Err(refusal)
                if emergency == Emergency::Auto
                    && matches!(
                        refusal.kind,
                        db::Kind::TooManyConnections(Scope::Server | Scope::Reserved)
                    ) =>
            {
                let way_in = open(Lane::Emergency).await;
                way_in.map_err(|error| match error.kind {
                    db::Kind::Interrupted(_) => error,
                    _ => refusal,
                })
            }
            other => other,
        }
    }

    /// Where a connection would go first, for results that exist without one; none when the settings are wrong. What was typed in
    /// the wrong place is no name, and is masked.
    pub(crate) fn aim(&self) -> Option<Target> {
        let info = self.conninfo().ok()?;
        let host = info.hosts().first()?;
        Some(Target {
            host: secrets(host.name()),
            port: host.port,
            database: secrets(info.dbname()),
            user: secrets(info.user()),
            service: info.service().map(secrets),
        })
    }

    /// The flags that lead where this run connects; none when the settings are wrong.
    pub(super) fn lead(&self) -> Lead {
        self.conninfo().map(|info| info.lead()).unwrap_or_default()
    }

    /// Connects once more to where a session was, to an ordinary slot; no signal ends it.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(super) async fn connect_back(&self, way: &ConnInfo) -> Result<Db, db::Error> {
        Db::connect(way, &self.options(Lane::Ordinary), self.connection.timeout(), Stop::never()).await
    }

    /// Connects to another database of the same server, to an ordinary slot, until `stop`.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(super) async fn connect_into(&self, database: &str, stop: Stop) -> Result<Db, db::Error> {
        let info = self.conninfo()?.in_database(database);
        Db::connect(&info, &self.options(Lane::Ordinary), self.connection.timeout(), stop).await
    }

    /// Writes a result with everything that is said beside it; returns how the run ends.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn show<R: Report>(&mut self, shown: &watch::Shown<R>) -> Result<Exit> {
        if shown.silent {
            return Ok(shown.exit);
        }
        self.emit(&shown.report, &shown.head)?;
        for hint in &shown.hints {
            self.ui.hint(hint);
        }
        Ok(shown.exit)
    }

    /// Writes `report` as asked for, its warnings with it or beside it.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn emit(&mut self, report: &impl Report, head: &Head) -> io::Result<()> {
        for warning in &head.warnings {
            self.ui.warning(warning);
        }
        self.output.write(report, head, self.format())
    }
}
