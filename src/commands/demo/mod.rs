//! `pgconn demo`: a throwaway PostgreSQL full of trouble, to try everything on. Starts it, lets pgconn itself look at it (its
//! own executable, as a user would), and leaves nothing behind. Its superusers run programs as the user who started it, so
//! nobody else gets in.

mod population;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::process::Command;
use tokio::task;
use tokio::time;

use self::population::Population;
use super::Context;
use super::act::hold_status;
use super::manual::{Group, Manual};
use crate::act::run_held;
use crate::args;
use crate::cluster::{self, Cluster, PASSWORD_FILE};
use crate::conninfo::{self, CARRIER};
use crate::db;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::suggestion::{self, Hint};
use crate::render::Format;
use crate::stop::Signal;

/// How long the end of a run waits for what was asked to end; everything needs milliseconds.
const END_LIMIT: Duration = Duration::from_secs(5);

/// How soon the end of a server that is kept is noticed.
const NOTICED: Duration = Duration::from_millis(500);

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Utility,
    &[
        ("Look at a troubled PostgreSQL", "pgconn demo"),
        ("One command on it", "pgconn demo -- ls --state idle-in-transaction"),
        ("Hold it until Ctrl-C, to try everything from another terminal", "pgconn demo --keep"),
        ("With every connection slot taken", "pgconn demo --full -- stats"),
    ],
)
.offline()
.variables(&[("PGCONN_PG_BINDIR", "the folder of PostgreSQL's server programs")]);

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Keep the server until Ctrl-C, to try commands on
    ///
    /// From another terminal.
    #[arg(long)]
    keep: bool,
    /// The pgconn command to run on it instead of `stats`
    ///
    /// With its arguments.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// The server with everything that lives in it. The server is dropped first: then no session waits to say goodbye.
struct Demo {
    cluster: Cluster,
    _population: Population,
}

/// Starts the server, runs `stats` or the given command on it, and removes it.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    refuse_other_servers(&context.connection)?;
    if io::stderr().is_terminal() {
        context.ui.status("starting a throwaway PostgreSQL");
    }
    let (full, stop) = (context.flags.full, context.stop.clone());
    let started = task::spawn_blocking(move || start(full, &|| stop.signal().is_none())).await?;
    if let Some(signal) = context.stop.signal() {
        return Ok(signal.exit());
    }
    let demo = started?;
    let ended = look(&demo, &args, context).await;
    let _ = time::timeout(END_LIMIT, task::spawn_blocking(move || drop(demo))).await;
    ended
}

/// A server of one's own is the point; one that was named must not be mistaken for it.
fn refuse_other_servers(connection: &args::Connection) -> Result<(), Failure> {
    let named = [&connection.host, &connection.port, &connection.username, &connection.dbname];
    if named.iter().all(|value| value.is_none()) && connection.service.is_empty() {
        return Ok(());
    }
    Err(Failure::usage("demo starts a server of its own and connects to no other").hinted(
        "for the command that runs on it, write connection flags after it: pgconn demo -- stats -U guest",
    ))
}

fn start(full: bool, wanted: &dyn Fn() -> bool) -> Result<Demo, Failure> {
    let binaries = cluster::find_binaries().map_err(|error| {
        Failure::failed(error.to_string()).hinted(
            "install PostgreSQL's server (apt-get install postgresql, dnf install postgresql-server, brew install \
             postgresql), or name the folder of its programs in PGCONN_PG_BINDIR",
        )
    })?;
    let failed = |step: &str, said: String| Failure::failed(format!("{step} failed")).detailed(said);
    let password = db::new_password().map_err(|said| failed("making a password", said))?;
    let settings = population::settings(&password);
    let cluster = Cluster::start(&binaries, &settings, wanted).map_err(|error| match error {
        cluster::Error::Failed(step, said) => failed(step, said),
        other => Failure::failed(other.to_string()),
    })?;
    let population = Population::move_in(&cluster, password, full)
        .map_err(|error| failed("filling the throwaway server", error.to_string()))?;
    Ok(Demo { cluster, _population: population })
}

/// What the user came for: the first look or the given command, and then as much time as wanted.
async fn look(demo: &Demo, args: &Args, context: &mut Context) -> Result<Exit> {
    let uri = uri(&demo.cluster);
    let given = !args.command.is_empty();
    if !given && context.format() == Format::Table && context.flags.output.is_none() {
        context.write(|out| writeln!(out, "{uri}\n"))?;
    } else if args.keep {
        context.ui.status(&uri);
    } else {
        context.ui.detail(&uri);
    }
    let arguments = if given { args.command.clone() } else { first_look(&context.flags) };
    let exit = run_on(demo, &arguments, context).await?;
    if given && !args.keep {
        return Ok(exit);
    }
    if let Some(signal) = context.stop.signal() {
        return Ok(signal.exit());
    }
    if !args.keep {
        context.ui.hint("pgconn demo --keep holds it for you; pgconn demo -- COMMAND runs one command on it");
        return Ok(exit);
    }
    let watch = suggestion::Command::pgconn("blockers --watch").with("-d", &uri);
    let hint = Hint::from("in another terminal: ").call(watch).then("; Ctrl-C here ends the server");
    context.ui.hint(&hint.to_string());
    tokio::select! {
        signal = context.stop.pulled() => Ok(match signal {
            Signal::Interrupt => Exit::Done,
            Signal::Terminate => Exit::Terminated,
        }),
        () = end_of(demo) => Err(Failure::failed("the demo's server has ended").into()),
    }
}

/// The way in from another terminal. The password is in a file that only the user who started the demo can read.
fn uri(cluster: &Cluster) -> String {
    let file = conninfo::encoded(&cluster.dir.join(PASSWORD_FILE));
    format!("postgresql://postgres@127.0.0.1:{}/shop?passfile={file}", cluster.port)
}

/// Waits until the server is gone, which nobody here has told to go.
async fn end_of(demo: &Demo) {
    // The keeper's sign; or its folder is gone.
    while demo.cluster.dir.exists() && !demo.cluster.dir.join("ended").exists() {
        time::sleep(NOTICED).await;
    }
}

/// `stats` with the output flags of the demo.
fn first_look(flags: &args::OutputArgs) -> Vec<OsString> {
    let mut words = vec![OsString::from("stats")];
    if let Some(format) = clap::ValueEnum::to_possible_value(&flags.format()) {
        words.push(format!("--format={}", format.get_name()).into());
    }
    if let Some(when) = clap::ValueEnum::to_possible_value(&flags.color) {
        words.push(format!("--color={}", when.get_name()).into());
    }
    if let Some(file) = &flags.output {
        words.extend([OsString::from("--output"), file.into()]);
    }
    let switches = [
        ("--quiet", flags.quiet),
        ("-v", flags.verbose > 0),
        ("-v", flags.verbose > 1),
        ("--no-query", flags.no_query),
    ];
    words.extend(switches.into_iter().filter(|(_, given)| *given).map(|(word, _)| word.into()));
    words
}

/// Runs this program on the server and returns how it ended. Signals are passed on.
async fn run_on(demo: &Demo, arguments: &[OsString], context: &Context) -> Result<Exit> {
    let mut command = Command::new(env::current_exe().context("finding this program")?);
    command.args(arguments).stdin(Stdio::inherit()).kill_on_drop(true);
    let foreign = |name: &OsStr| {
        let name = name.to_string_lossy();
        name.starts_with("PG") && (name == CARRIER || !name.starts_with("PGCONN_"))
    };
    for (name, _) in env::vars_os().filter(|(name, _)| foreign(name)) {
        command.env_remove(name);
    }
    command.env("PGHOST", &demo.cluster.dir).env("PGPORT", demo.cluster.port.to_string());
    command.env("PGUSER", "postgres").env("PGDATABASE", "shop");
    // for a command that is told to come in through 127.0.0.1
    command.env("PGPASSFILE", demo.cluster.dir.join(PASSWORD_FILE));
    let mut child = command.spawn().context("starting this program again")?;
    let too_late = async {
        context.stop.pulled().await;
        time::sleep(END_LIMIT).await;
    };
    let status = tokio::select! {
        status = run_held::wait(&mut child, hold_status::signals(context)) => status?,
        () = too_late => ExitStatus::from_raw(9),
    };
    Ok(Exit::Code(u8::try_from(run_held::code(status)).unwrap_or(u8::MAX)))
}
