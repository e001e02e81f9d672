//! What every command is given: where to connect and how, and where its result goes.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::{SemaphorePermit, watch};

use super::defaults::{Config, Defaults};
use super::head::{HIDDEN, UNDECIDABLE};
use super::shown::{Gathered, Shown};
use crate::args::{self, Emergency};
use crate::conninfo::{ConnInfo, Environment, Given, TargetSpec, resolve};
use crate::db::{self, Db, Trace};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::server::Target;
use crate::model::suggestion::Lead;
use crate::observe::{self, Endpoint, LanePolicy, Observer, OfServer, Patience, Prompt, State};
use crate::output::Output;
use crate::render::{self, Format, Head, Look, Report, Warning};
use crate::stop::Stop;
use crate::ui::{self, Ui};

/// What a command is given: where to connect, how to speak, where the result goes.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where to connect, as it was typed.
    pub(crate) connection: args::Connection,
    /// How the result is wanted.
    pub(crate) flags: args::OutputArgs,
    /// The channel beside the result.
    pub(crate) ui: Ui,
    /// Where the result goes.
    pub(crate) output: RefCell<Output>,
    /// The signal to end.
    pub(crate) stop: Stop,
    /// Whether this run acts: then what became of it is told in every case.
    acts: Cell<bool>,
    /// Defaults of one's own.
    pub(crate) config: Config,
    /// The server of a list that this run is about.
    pub(super) spec: Option<TargetSpec>,
    /// How many lines beyond those of the screen a watch scrolls over.
    pub(super) scrolled: Cell<usize>,
    /// Who gathers what this run finds, with what others find; none where it is shown at once.
    pub(super) gathered: Option<Gathered>,
    /// Nobody is there to be asked for a password.
    is_unattended: bool,
    /// The whole command line, for documents about it.
    pub(crate) program: fn() -> clap::Command,
    /// Where that leads, once it has been asked for.
    endpoint: OnceCell<Result<Endpoint, db::Error>>,
    /// Every place that was asked for, each of which knows what was typed for it and which logins are under way there.
    endpoints: RefCell<Vec<Endpoint>>,
}

impl Context {
    /// For a run with these flags.
    pub(crate) fn new(
        connection: args::Connection,
        flags: args::OutputArgs,
        ui: Ui,
        output: Output,
        stop: Stop,
        program: fn() -> clap::Command,
    ) -> Self {
        let output = RefCell::new(output);
        let endpoints = RefCell::default();
        let acts = Cell::new(false);
        Self {
            connection,
            flags,
            ui,
            output,
            stop,
            acts,
            config: Config::default(),
            spec: None,
            scrolled: Cell::new(0),
            gathered: None,
            is_unattended: false,
            program,
            endpoint: OnceCell::new(),
            endpoints,
        }
    }

    /// The run of the same command line on this server of a list, whose results are gathered.
    pub(super) fn of_target(&self, spec: TargetSpec, gathered: Gathered) -> Self {
        let output = Output::gathered(self.output.borrow().look());
        let (connection, flags) = (self.connection.clone(), self.flags.clone());
        let ui = self.ui.silenced();
        let context = Self::new(connection, flags, ui, output, self.stop.clone(), self.program);
        Self { config: self.config.clone(), spec: Some(spec), gathered: Some(gathered), ..context }
    }

    /// The run for one server behind an endpoint: the one of a list, or the one that the command line means. Nobody is there to be
    /// asked.
    pub(super) fn unattended(&self, spec: Option<TargetSpec>) -> Self {
        let output = Output::gathered(self.output.borrow().look());
        let (connection, flags) = (self.connection.clone(), self.flags.clone());
        let context = Self::new(connection, flags, self.ui, output, self.stop.clone(), self.program);
        Self { config: self.config.clone(), spec, is_unattended: true, ..context }
    }

    /// How long each statement, or a run that is bounded as a whole, may take.
    pub(super) fn time_limit(&self) -> Duration {
        self.connection.timeout.unwrap_or(observe::LIMIT)
    }

    /// What says where to connect: the command line, or the entry of a list that it means.
    pub(super) fn given(&self) -> Given {
        let typed = self.connection.given();
        self.spec.as_ref().map_or_else(|| typed.clone(), |spec| spec.given(&typed))
    }

    /// The format the result is wanted in.
    pub(crate) fn format(&self) -> Format {
        self.flags.format()
    }

    /// What one's own defaults say of the server that this run is about.
    pub(super) fn defaults(&self) -> Defaults {
        self.config.defaults(|| self.conninfo().ok().and_then(ConnInfo::service))
    }

    /// Whether query texts are kept out of the result.
    pub(super) fn keeps_queries_out(&self) -> bool {
        self.flags.no_query || self.defaults().keeps_queries_out()
    }

    /// What a server is called of which people are to be reminded that it is production; none for others.
    pub(super) fn production(&self) -> Option<String> {
        match &self.spec {
            Some(spec) if spec.production => Some(spec.name.clone()),
            _ if !self.defaults().is_production() => None,
            _ => {
                let service = self.conninfo().ok().and_then(ConnInfo::service);
                service.map(str::to_owned).or_else(|| Some(self.aim()?.place()))
            }
        }
    }

    /// How many bytes of each query text are of use: what a terminal can show, everything elsewhere, nothing when query
    /// text is to be kept out.
    pub(crate) fn query_bytes(&self) -> Option<u32> {
        if self.keeps_queries_out() {
            return Some(0);
        }
        let look = self.output.borrow().look();
        let columns = look.width.filter(|_| self.format() == Format::Table && !look.full)?;
        // Up to four bytes a column, and white space that will be folded.
        u32::try_from(columns.saturating_mul(8)).ok()
    }

    /// Where flags, environment and files lead: found out once.
    ///
    /// # Errors
    /// When they are wrong or cannot be honoured.
    pub(crate) fn endpoint(&self) -> Result<&Endpoint, db::Error> {
        let found = self.endpoint.get_or_init(|| {
            let info = resolve(&self.given(), &Environment::of_process())?;
            Ok(self.endpoint_of(info))
        });
        found.as_ref().map_err(Clone::clone)
    }

    /// Where these settings lead, asked as the flags say: the same endpoint however often they are resolved.
    pub(super) fn endpoint_of(&self, info: ConnInfo) -> Endpoint {
        let mut endpoints = self.endpoints.borrow_mut();
        if let Some(known) = endpoints.iter().find(|known| *known.info() == info) {
            return known.clone();
        }
        // One question at a time can be answered; while it stands, nobody else's time would pass.
        let asks = self.ui.is_terminal() && self.gathered.is_none() && !self.is_unattended;
        let ask = asks.then_some(ui::ask_password as Prompt);
        let endpoint = Endpoint::new(info, self.connection.timeout, ask, Trace(self.ui.statements()));
        endpoints.push(endpoint.clone());
        endpoint
    }

    /// The settings that flags, environment and files come to.
    ///
    /// # Errors
    /// When they are wrong or cannot be honoured.
    pub(crate) fn conninfo(&self) -> Result<&ConnInfo, db::Error> {
        Ok(self.endpoint()?.info())
    }

    /// How long trying to connect goes on.
    pub(super) fn patience(&self) -> Patience {
        Patience::For(self.connection.connect_wait.unwrap_or_default())
    }

    /// Whoever has a session with the server, through these slots unless `--emergency` says something else.
    ///
    /// # Errors
    /// When the settings are wrong.
    pub(super) fn observer(&self, lanes: LanePolicy) -> Result<Observer<OfServer>, db::Error> {
        let lanes = match self.connection.emergency {
            None => lanes,
            Some(Emergency::Auto) => LanePolicy::WhenFull,
            Some(Emergency::Never) => LanePolicy::Ordinary,
            Some(Emergency::Always) => LanePolicy::Emergency,
        };
        Ok(self.observer_of(self.endpoint()?.through(lanes)))
    }

    /// Whoever has a session with this server.
    pub(super) fn observer_of(&self, endpoint: Endpoint) -> Observer<OfServer> {
        Observer::new(OfServer { endpoint, stop: self.stop.clone() }, self.stop.clone())
    }

    /// Connects as the flags and the environment say; waits for a server that is full or away as long as
    /// `--connect-wait` says, and takes the emergency lane unless `--emergency` forbids it.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(crate) async fn connect(&self) -> Result<Db, db::Error> {
        self.session(self.observer(LanePolicy::WhenFull)?).await
    }

    /// Connects for what changes what the server stores, which is worth no emergency unless one is declared.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(crate) async fn connect_to_change(&self) -> Result<Db, db::Error> {
        self.session(self.observer(LanePolicy::Ordinary)?).await
    }

    /// The observer's session, for whoever goes on with it alone.
    ///
    /// # Errors
    /// When no connection can be had.
    pub(super) async fn session(&self, observer: Observer<OfServer>) -> Result<Db, db::Error> {
        let states = observer.state();
        let db = self.telling(states, observer.into_session(self.patience())).await?;
        self.tell_where(&db);
        Ok(db)
    }

    /// Says where `db` is to whoever wants to know everything.
    pub(super) fn tell_where(&self, db: &Db) {
        let target = db.target();
        self.ui.detail(&format!(
            "connected to {} as {}, database {}",
            target.place(),
            target.user,
            target.database
        ));
    }

    /// What `work` comes to, which waits for a server: says why, once for each reason.
    pub(super) async fn telling<T>(
        &self,
        states: watch::Receiver<State>,
        work: impl Future<Output = T>,
    ) -> T {
        let mut said = String::new();
        observe::waiting(states, work, |down| {
            // With JSON, why it failed stands alone on stderr.
            if down.because.message != said && !self.format().is_json() {
                self.ui.status(&format!("waiting to connect: {}", down.because.message));
                said.clone_from(&down.because.message);
            }
        })
        .await
    }

    /// Where a connection would go first, for results that exist without one; none when the settings are wrong.
    pub(crate) fn aim(&self) -> Option<Target> {
        self.endpoint().ok()?.target()
    }

    /// The flags that lead where this run connects; none when the settings are wrong.
    pub(super) fn lead(&self) -> Lead {
        self.conninfo().map(ConnInfo::lead).unwrap_or_default()
    }

    /// Waits until this run may ask, where several runs take turns.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        match &self.gathered {
            Some(gathered) => gathered.turns.acquire().await.ok(),
            None => None,
        }
    }

    /// Hands a result to who gathers it; returns it where nobody does.
    pub(super) fn gather(&self, shown: Shown) -> Option<Shown> {
        let Some(gathered) = &self.gathered else { return Some(shown) };
        gathered.found(Ok(shown));
        None
    }

    /// Writes a result with everything that is said beside it, of what people read so many `lines`; returns how the run ends.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn show(&self, shown: Shown, lines: Option<usize>) -> Result<Exit> {
        let exit = shown.exit;
        let Some(shown) = self.gather(shown) else { return Ok(exit) };
        if shown.silent {
            return Ok(shown.exit);
        }
        self.emit_top(&*shown.report, &shown.head, lines)?;
        for hint in &shown.hints {
            self.ui.hint(hint);
        }
        Ok(shown.exit)
    }

    /// Writes `report` as asked for, its warnings with it or beside it.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn emit(&self, report: &dyn Report, head: &Head) -> io::Result<()> {
        self.emit_top(report, head, None)
    }

    /// Writes a report that begins with what matters most; of what people read so many `lines`.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn emit_top(&self, report: &dyn Report, head: &Head, lines: Option<usize>) -> io::Result<()> {
        for warning in &told_once(&head.warnings) {
            self.ui.warning(warning);
        }
        let written = self.output.borrow_mut().write(report, head, self.format(), lines);
        written.map_err(|error| self.not_written(report, head, error))
    }

    /// Opens what the result goes to, before anything is done: what cannot be told is not done.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub(super) fn open_output(&self) -> Result<(), Failure> {
        self.acts.set(true);
        self.output.borrow_mut().open().map_err(|error| {
            let failure = Failure::refused(format!("{error}; nothing was done"));
            match self.stop.signal() {
                Some(signal) => Failure { code: "interrupted", exit: signal.exit(), ..failure },
                None => failure,
            }
        })
    }

    /// What has been done is told on stderr where it could not be told where it was wanted. A reader of stdout who has gone wants
    /// nothing any more; whoever is to read a file does.
    fn not_written(&self, report: &dyn Report, head: &Head, error: io::Error) -> io::Error {
        let is_gone = error.kind() == io::ErrorKind::BrokenPipe;
        if !self.acts.get() || is_gone && self.output.borrow().is_stdout() {
            return error;
        }
        let mut text = Vec::new();
        if render::write(report, head, self.format(), Look::default(), &mut text).is_ok() {
            self.ui.result(&text);
        }
        if is_gone { io::Error::other(error.to_string()) } else { error }
    }

    /// Writes what is no report.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn write(
        &self,
        mut write: impl FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.output.borrow_mut().with(&mut write)
    }
}

/// The warnings without a second number of hidden sessions: where it is said how many of them may match, that says enough.
fn told_once(warnings: &[Warning]) -> Vec<Cow<'_, Warning>> {
    let hidden = warnings.iter().find(|warning| warning.code == HIDDEN);
    let Some(hidden) = hidden.filter(|_| warnings.iter().any(|warning| warning.code == UNDECIDABLE)) else {
        return warnings.iter().map(Cow::Borrowed).collect();
    };
    let told = warnings.iter().filter(|warning| warning.code != HIDDEN);
    told.map(|warning| match warning.code {
        UNDECIDABLE => Cow::Owned(Warning { hint: hidden.hint.clone(), ..warning.clone() }),
        _ => Cow::Borrowed(warning),
    })
    .collect()
}
