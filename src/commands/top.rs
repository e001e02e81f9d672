//! `pgconn top`: sessions on a live screen. Its arguments, and what has to be so before the terminal is taken.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{ValueEnum, ValueHint};

use super::Context;
use super::act::audit::{Audit, LogFile};
use super::act::warnings;
use super::manual::{Group, Manual};
use super::pooler::console::at;
use crate::act::SignalLog;
use crate::analyze::plan::{Plan, Step};
use crate::args::{self, Filters, filter_line};
use crate::db::{self, Error};
use crate::error::Failure;
use crate::exit::Exit;
use crate::live::{
    self, ActLog, Ended, Failed, INTERVALS, Look, Observers, PoolerSetup, SORTS, Services, Setup,
};
use crate::model::act::{ActFacts, Action, Wanted};
use crate::model::server::Target;
use crate::observe::{Observer, OfConsole, OfServer};
use crate::outlet::Outlet;
use crate::render::Format;
use crate::stop::{self, Signal};

mod servers;

pub(super) use servers::run as over;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Look,
    &[
        ("Sessions, trouble first", "pgconn top"),
        ("What waits for whom, looked at every five seconds", "pgconn top --view blockers --interval 5s"),
        ("One application's sessions, the oldest transaction first", "pgconn top --app 'api*' --sort xact"),
        ("The pools of the pooler in front of it, too", "pgconn top --pooler port=6432"),
        ("Every server of a list, the worst first", "pgconn top --targets fleet.toml"),
        ("To watch and never act", "pgconn top --read-only"),
    ],
)
.variables(&[("PGCONN_READ_ONLY", "`1` is --read-only")]);

/// Arguments of `top`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Time between two looks
    ///
    /// From 500ms to 60s.
    #[arg(long, value_name = "DUR", default_value = "2s", value_parser = interval)]
    interval: Duration,
    /// What is listed first
    #[arg(long, value_enum, value_name = "VIEW", default_value = "sessions")]
    view: View,
    /// Order of the sessions
    ///
    /// Without it the worst are first.
    #[arg(long, value_name = "COLUMN", value_parser = PossibleValuesParser::new(SORTS.iter().map(|sort| sort.word)))]
    sort: Option<String>,
    /// A pooler's console: view 6 lists its pools
    ///
    /// That of the pooler in front of the server.
    #[arg(long, value_name = "CONNINFO")]
    pooler: Option<String>,
    /// Signal nobody
    ///
    /// The keys for that are neither bound nor shown.
    #[arg(long)]
    read_only: bool,
    /// Append a JSON line for each signal to this file
    ///
    /// It is on disk before the signal is sent; one with its outcome follows.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    log: Option<PathBuf>,
    #[command(flatten)]
    filters: Filters,
}

/// What can be listed first.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum View {
    /// Every session
    Sessions,
    /// Those with which something is wrong
    Trouble,
    /// Who waits for whom
    Blockers,
    /// How many there are of what
    Groups,
    /// Limits on connections
    Limits,
    /// The pools of the pooler in front
    Pooler,
}

impl View {
    const fn live(self) -> live::View {
        match self {
            Self::Sessions => live::View::Sessions,
            Self::Trouble => live::View::Trouble,
            Self::Blockers => live::View::Blockers,
            Self::Groups => live::View::Groups,
            Self::Limits => live::View::Limits,
            Self::Pooler => live::View::Pooler,
        }
    }
}

/// Shows the screen until it is left.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    refuse_elsewhere(context)?;
    admit(&args, context)?;
    let opened = log_in(&args, context).await?;
    let ended = screen(&args, opened, context, context, false).await;
    let Ended { signal, record, .. } = match ended {
        Ok(ended) => ended,
        Err(Failed::Server(error)) => return Err(error.into()),
        Err(Failed::Terminal(error)) => return Err(error.into()),
    };
    for line in record {
        context.ui.status(&line);
    }
    Ok(match signal {
        // Ctrl-C is a way to leave it.
        None | Some(Signal::Interrupt) => Exit::Done,
        Some(Signal::Terminate) => Exit::Terminated,
    })
}

/// What cannot be logged is not done, and what the environment says has to be known: both are better known before.
fn admit(args: &Args, context: &Context) -> Result<(), Failure> {
    read_only_by_environment()?;
    if let Some(path) = &args.log {
        drop(LogFile::open(path, &context.stop)?);
    }
    Ok(())
}

/// A session with a server, for its screen.
struct Opened {
    observer: Observer<OfServer>,
    console: Option<Observer<OfConsole>>,
    target: Target,
    notices: Vec<String>,
    /// What ends what the observer waits for.
    inner: (stop::Trigger, stop::Stop),
}

/// Makes a session with the server that this run is about.
async fn log_in(args: &Args, context: &Context) -> Result<Opened, Failure> {
    let console = console(args.pooler.as_deref(), context)?;
    if matches!(args.view, View::Pooler) && console.is_none() {
        return Err(Failure::usage("--view pooler needs a pooler, and none is named")
            .hinted("name its console: --pooler CONNINFO, or pooler in the list"));
    }
    let (trigger, inner) = stop::channel();
    let source = OfServer { endpoint: context.endpoint()?.clone(), stop: inner.clone() };
    let login = Observer::new(source.clone(), context.stop.clone());
    let login = tokio::select! {
        db = context.session(login) => db,
        signal = context.stop.pulled() => Err(Error::interrupted(signal)),
    };
    let db = login?;
    let target = db.target().clone();
    let notices = db.notices().iter().map(|notice| notice.message.clone()).collect();
    let observer = Observer::with(source, inner.clone(), db);
    Ok(Opened { observer, console, target, notices, inner: (trigger, inner) })
}

/// The screen of one server, on the terminal that `terminal` has.
async fn screen(
    args: &Args,
    opened: Opened,
    context: &Context,
    terminal: &Context,
    in_list: bool,
) -> Result<Ended, Failed> {
    let Opened { observer, console, target, notices, inner } = opened;
    let setup = Setup {
        target,
        lead: context.lead(),
        notices,
        production: context.production().is_some(),
        protected: context.spec.as_ref().filter(|spec| spec.protected).map(|spec| spec.name.clone()),
        pooler: console.as_ref().map(pooler_setup),
        in_list,
        read_only: args.read_only || read_only_by_environment().unwrap_or(true),
        interval: args.interval,
        view: args.view.live(),
        sort: args.sort.as_ref().and_then(|word| SORTS.iter().find(|sort| sort.word == word)).copied(),
        filter: args.filters.filter(),
        all_backends: args.filters.all_backends,
        no_query: context.keeps_queries_out(),
        read_filter: filter_line::read,
        write_filter: filter_line::written,
        size: (80, 24),
    };
    let observers = Observers { server: observer, console };
    show(setup, args.log.as_deref(), observers, inner, (context, terminal)).await
}

/// Whoever has a session on the console that is typed, or that a list names for its server. Nobody can be asked for a password while
/// the screen stands.
fn console(typed: Option<&str>, context: &Context) -> Result<Option<Observer<OfConsole>>, db::Error> {
    let named = context.spec.as_ref().and_then(|spec| spec.pooler.as_deref());
    let Some(conninfo) = typed.or(named) else { return Ok(None) };
    context.unattended(context.spec.clone()).pooler_observer(conninfo).map(Some)
}

fn pooler_setup(console: &Observer<OfConsole>) -> PoolerSetup {
    let target = console.source().endpoint.target().unwrap_or_default();
    let lead = at(&target);
    PoolerSetup { target, lead }
}

/// Opens the screen with all that it is given.
async fn show(
    setup: Setup,
    log: Option<&Path>,
    observers: Observers,
    inner: (stop::Trigger, stop::Stop),
    (context, terminal): (&Context, &Context),
) -> Result<Ended, Failed> {
    let lead = context.lead();
    let warnings = |plan: &Plan, facts: &ActFacts| {
        let warnings = warnings::about(plan, facts, &lead).into_iter();
        warnings.map(|warning| warning.message).collect()
    };
    let open_log = |target: &Target, wanted: &Wanted| -> Result<Option<Box<dyn ActLog>>, String> {
        let Some(path) = log else { return Ok(None) };
        let file = LogFile::open(path, &context.stop).map_err(|failure| failure.message)?;
        Ok(Some(Box::new(LiveLog(file.of(target, wanted)))))
    };
    let place = setup.target.host.rsplit('/').next().unwrap_or_default().to_owned();
    let write_file = |text: &str| write_file(&place, text);
    let stdout = terminal.output.borrow().terminal();
    let out = || -> Box<dyn Write + '_> { Box::new(To(stdout.as_deref())) };
    let services = Services { warnings: &warnings, open_log: &open_log, write_file: &write_file, out: &out };
    let look = Look { color: terminal.output.borrow().look().color };
    let is_ascii = !super::blockers::is_utf8();
    live::run(setup, look, is_ascii, observers, inner, context.stop.clone(), services).await
}

/// Only a terminal can be drawn on, and only there are keys.
fn refuse_elsewhere(context: &Context) -> Result<(), Failure> {
    let hint = "for a screen without keys, or for a script: pgconn ls --watch, pgconn stats --watch";
    let refused = |why: &str| Err(Failure::refused(why).hinted(hint));
    if context.format() != Format::Table || context.flags.output.is_some() {
        return refused("top is a screen, and has no other output");
    }
    if !context.output.borrow().is_screen() {
        return refused("top needs a terminal on stdout that can be drawn on (TERM is set, and not dumb)");
    }
    if !context.ui.is_keyboard() {
        return refused("top needs a terminal on stdin");
    }
    Ok(())
}

fn read_only_by_environment() -> Result<bool, Failure> {
    match std::env::var("PGCONN_READ_ONLY").unwrap_or_default().as_str() {
        "" | "0" => Ok(false),
        "1" => Ok(true),
        other => Err(Failure::usage(format!("PGCONN_READ_ONLY is \"{other}\""))
            .hinted("1 keeps top from signalling anybody, 0 does not")),
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = args::duration(text)?;
    if interval < INTERVALS.0 || interval > INTERVALS.1 {
        return Err("not between 500ms and 60s".into());
    }
    Ok(interval)
}

/// Writes what is seen to a new file in this folder, for its owner alone.
fn write_file(place: &str, text: &str) -> Result<String, String> {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(':', "");
    let place: String = place.chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).collect();
    let path = format!("pgconn-top-{place}-{now}.txt");
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map(|()| path.clone()).map_err(|error| format!("{path}: {error}"))
}

/// The terminal, as far as there is one.
struct To<'a>(Option<&'a Outlet>);

impl Write for To<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(mut outlet) = self.0 else { return Ok(bytes.len()) };
        outlet.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of one act.
#[derive(Debug)]
struct LiveLog(Audit);

impl SignalLog for LiveLog {
    fn sending(&mut self, action: Action, steps: &[&Step]) -> io::Result<()> {
        self.0.sending(action, steps)
    }

    fn outcome(&mut self, step: &Step) {
        self.0.outcome(step);
    }
}

impl ActLog for LiveLog {
    fn as_signal_log(&mut self) -> &mut dyn SignalLog {
        &mut self.0
    }

    fn finish(self: Box<Self>, plan: &Plan) -> Result<(), String> {
        self.0.finish(plan).map_err(|failure| failure.message)
    }
}
