//! What happens while the database is closed and empty: a command runs, or time passes.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::commands::Context;
use crate::error::Failure;
use crate::stop::Signal;

/// How it ended.
#[derive(Debug)]
pub(super) enum Held {
    /// The command ended with this status.
    Command(ExitStatus),
    /// The time is up, or a signal ended it.
    Time,
}

/// Runs the command, hands signals on to it and waits until it has ended.
pub(super) async fn command(program: &str, arguments: &[String], context: &Context) -> Result<Held, Failure> {
    let spawned = Command::new(program).args(arguments).spawn();
    let mut child = spawned
        .map_err(|error| Failure::failed(format!("could not run {program}: {error}; it is open again")))?;
    let pid = child.id();
    let status = tokio::select! {
        status = child.wait() => status,
        signal = context.stop.pulled() => {
            if let Some(pid) = pid {
                forward(signal, pid, context).await;
            }
            child.wait().await
        }
    };
    status
        .map(Held::Command)
        .map_err(|error| Failure::failed(format!("could not wait for {program}: {error}")))
}

/// At a terminal Ctrl-C has reached the command already; everything else is handed on.
async fn forward(signal: Signal, pid: u32, context: &Context) {
    let word = match signal {
        Signal::Interrupt if context.ui.is_terminal() => return,
        Signal::Interrupt => "INT",
        Signal::Terminate => "TERM",
    };
    let mut kill = Command::new("kill");
    kill.args(["-s", word, &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // When it cannot be handed on, the command is still waited for: the door is opened after it, never under it.
    let _ = kill.status().await;
}

/// Waits until the time is up, or without one until a signal.
pub(super) async fn time(time: Option<Duration>, context: &Context) -> Held {
    context.ui.status(match time {
        Some(_) => "closed and empty; Ctrl-C opens it earlier",
        None => "closed and empty; Ctrl-C opens it again",
    });
    tokio::select! {
        () = tokio::time::sleep(time.unwrap_or(Duration::MAX)) => {}
        _ = context.stop.pulled() => {}
    }
    Held::Time
}
