//! A command that runs while something is held: signals are handed on to it, it is waited for in every case, and then what is
//! held is let go.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use rustix::process::{Pid, Signal as Number, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::commands::Context;
use crate::conninfo::{CARRIER, ConnInfo, Variables};
use crate::db::{self, Backoff, Kind};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::quote;
use crate::render::{Head, Report, text};
use crate::stop::Signal;

/// How long letting go is tried: long enough for a server to restart.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often is said that it does not succeed yet.
const REPEAT: Duration = Duration::from_secs(10);

/// Makes sure that there is a program of that name, before anything is done for it.
///
/// # Errors
/// When there is none; nothing else may have been done by then.
pub(in crate::commands) fn exists(program: &str) -> Result<(), Failure> {
    let runs = |path: &Path| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = if program.contains('/') {
        runs(Path::new(program))
    } else {
        std::env::split_paths(&path).any(|folder| runs(&folder.join(program)))
    };
    if found {
        return Ok(());
    }
    Err(Failure::failed(format!("could not run {program}: there is no such program; nothing was done")))
}

/// Ends a run in which a signal arrived before anything was done.
///
/// # Errors
/// When one has.
pub(in crate::commands) fn not_interrupted(context: &Context) -> Result<(), Failure> {
    let Some(signal) = context.stop.signal() else { return Ok(()) };
    let interrupted = Failure::failed("interrupted; nothing was done");
    Err(Failure { code: "interrupted", exit: signal.exit(), ..interrupted })
}

/// Says where the command is led to by its environment, which is that of the settings `way`.
pub(in crate::commands) fn led_to(way: &ConnInfo) -> String {
    let variables = way.variables();
    let place = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE"].into_iter().filter_map(|name| {
        let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
        Some(format!("{name}={}", quote::shell(&value.as_ref()?.to_string_lossy())))
    });
    let place: Vec<String> = place.collect();
    let password = if way.hands_on_password() { "" } else { ", and no password" };
    format!("the command gets {}{password}", place.join(" "))
}

/// Runs the command with these variables in its environment, hands signals on to it and waits until it has ended.
///
/// # Errors
/// When it cannot be run or waited for.
pub(in crate::commands) async fn run(
    program: &str,
    arguments: &[String],
    environment: Variables,
    context: &Context,
) -> Result<ExitStatus, Failure> {
    let mut command = Command::new(program);
    command.args(arguments).env_remove(CARRIER);
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let spawned = command.spawn();
    let mut child = spawned.map_err(|error| Failure::failed(format!("could not run {program}: {error}")))?;
    let status = wait(&mut child, context).await;
    status.map_err(|error| Failure::failed(format!("could not wait for {program}: {error}")))
}

/// Waits until the child has ended, and hands every signal on to it.
///
/// # Errors
/// When it cannot be waited for.
pub(in crate::commands) async fn wait(child: &mut Child, context: &Context) -> io::Result<ExitStatus> {
    let mut signals = context.stop.signals();
    loop {
        let pid = child.id();
        tokio::select! {
            status = child.wait() => return status,
            signal = signals.next() => forward(signal, pid, context),
        }
    }
}

/// Its exit code, 128 and the number of the signal that ended it, as a shell says it.
pub(in crate::commands) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// At a terminal Ctrl-C has reached the command already; everything else is handed on.
fn forward(signal: Signal, pid: Option<u32>, context: &Context) {
    let number = match signal {
        Signal::Interrupt if context.ui.is_terminal() => return,
        Signal::Interrupt => Number::INT,
        Signal::Terminate => Number::TERM,
    };
    if let Some(pid) = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
        // When it cannot be handed on, the command is still waited for: what is held is let go after it, never under it.
        let _ = kill_process(pid, number);
    }
}

/// Lets go of what is held, `what` in words (`open it again`): tries until that succeeds or hope is lost.
///
/// # Errors
/// With that of the last attempt.
pub(in crate::commands) async fn let_go<T>(
    what: &str,
    context: &Context,
    mut attempt: impl AsyncFnMut() -> Result<T, db::Error>,
) -> Result<T, db::Error> {
    let began = Instant::now();
    let deadline = began + PATIENCE;
    let mut backoff = Backoff::new();
    let mut said: Option<Instant> = None;
    loop {
        let error = match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let is_final = matches!(error.kind, Kind::PermissionDenied | Kind::AnotherServer);
        if Instant::now() >= deadline || is_final {
            return Err(error);
        }
        if said.is_none_or(|at| at.elapsed() >= REPEAT) {
            let passed =
                said.map(|_| format!(" for {}", text::duration(began.elapsed().as_secs_f64().round())));
            let passed = passed.unwrap_or_default();
            context.ui.status(&format!("could not {what} yet: {error}; trying again{passed}"));
            said = Some(Instant::now());
        }
        sleep(backoff.wait()).await;
    }
}

/// Says how it went when all is let go, worst news first. `done` is how the command ended, where there was one; then stdout
/// was its alone.
///
/// # Errors
/// With why nothing was held, or when the command failed.
pub(in crate::commands) fn conclude(
    context: &mut Context,
    report: &impl Report,
    head: &Head,
    done: Result<Option<ExitStatus>, Failure>,
    stdout_is_ours: bool,
) -> Result<Exit> {
    let signal = context.stop.signal();
    let status = done.map_err(|failure| match signal {
        Some(signal) => Failure { code: "interrupted", exit: signal.exit(), ..failure },
        None => failure,
    })?;
    if stdout_is_ours || context.flags.output.is_some() {
        context.emit(report, head)?;
    } else {
        // No document carries them.
        head.warnings.iter().for_each(|warning| context.ui.asking().warning(warning));
        context.ui.show(&report.blocks(head));
    }
    match (signal, status) {
        (Some(signal), _) => Ok(signal.exit()),
        (None, Some(status)) if !status.success() => {
            Err(Failure::failed(format!("the command failed: {status}")).into())
        }
        (None, _) => Ok(Exit::Done),
    }
}
