//! A command that runs while something is held closed: signals are handed on to it, and it is waited for in every case.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal as Number, kill_process};
use tokio::process::{Child, Command};

use crate::conninfo::{CARRIER, ConnInfo, Variables};
use crate::error::Failure;
use crate::model::quote;
use crate::stop::{Signal, Stop};

/// The process of the command that runs; 0 for none.
static RUNNING: AtomicU32 = AtomicU32::new(0);

/// The process of the command that runs while something is held; 0 for none.
pub(super) fn running() -> u32 {
    RUNNING.load(Ordering::Relaxed)
}

/// Where a command's signals come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignalSource<'a> {
    /// Those that reach this run.
    pub(crate) stop: &'a Stop,
    /// Whether both are at a terminal, whose Ctrl-C reaches the command by itself.
    pub(crate) at_terminal: bool,
}

/// Makes sure that there is a program of that name, before anything is done for it.
///
/// # Errors
/// When there is none; nothing else may have been done by then.
pub(crate) fn exists(program: &str) -> Result<(), Failure> {
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

/// Says where the command is led to by its environment, which is that of the settings `way`.
pub(crate) fn led_to(way: &ConnInfo) -> String {
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
pub(crate) async fn run(
    program: &str,
    arguments: &[String],
    environment: Variables,
    signals: SignalSource<'_>,
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
    RUNNING.store(child.id().unwrap_or(0), Ordering::Relaxed);
    let status = wait(&mut child, signals).await;
    RUNNING.store(0, Ordering::Relaxed);
    status.map_err(|error| Failure::failed(format!("could not wait for {program}: {error}")))
}

/// Waits until the child has ended, and hands every signal on to it.
///
/// # Errors
/// When it cannot be waited for.
pub(crate) async fn wait(child: &mut Child, signals: SignalSource<'_>) -> io::Result<ExitStatus> {
    let mut arriving = signals.stop.signals();
    loop {
        let pid = child.id();
        tokio::select! {
            status = child.wait() => return status,
            signal = arriving.next() => {
                let pid = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
                forward(signal, pid, signals.at_terminal);
            }
        }
    }
}

/// Its exit code, 128 and the number of the signal that ended it, as a shell says it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// At a terminal Ctrl-C has reached the command already; everything else is handed on.
pub(super) fn forward(signal: Signal, pid: Option<Pid>, at_terminal: bool) {
    let number = match signal {
        Signal::Interrupt if at_terminal => return,
        Signal::Interrupt => Number::INT,
        Signal::Terminate => Number::TERM,
    };
    if let Some(pid) = pid {
        // When it cannot be handed on, the command is still waited for: what is held is let go after it, never under it.
        let _ = kill_process(pid, number);
    }
}
