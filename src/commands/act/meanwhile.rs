//! A command that runs while something is held closed: signals are handed on to it, and it is waited for in every case.

use std::process::{ExitStatus, Stdio};

use tokio::process::Command;

use crate::commands::Context;
use crate::conninfo::CARRIER;
use crate::error::Failure;
use crate::stop::Signal;

/// Runs the command, hands signals on to it and waits until it has ended.
///
/// # Errors
/// When it cannot be run or waited for.
pub(in crate::commands) async fn run(
    program: &str,
    arguments: &[String],
    context: &Context,
) -> Result<ExitStatus, Failure> {
    let spawned = Command::new(program).args(arguments).env_remove(CARRIER).spawn();
    let mut child = spawned.map_err(|error| Failure::failed(format!("could not run {program}: {error}")))?;
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
    status.map_err(|error| Failure::failed(format!("could not wait for {program}: {error}")))
}

/// Its exit code, 128 and the number of the signal that ended it, as a shell says it.
pub(in crate::commands) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
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
    // When it cannot be handed on, the command is still waited for: what is held is let go after it, never under it.
    let _ = kill.status().await;
}
