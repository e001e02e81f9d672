//! What happens while the database is closed and empty: a command runs, or time passes.

use std::process::ExitStatus;
use std::time::Duration;

use crate::commands::Context;
use crate::commands::act::meanwhile;
use crate::conninfo::ConnInfo;
use crate::error::Failure;

/// How it ended.
#[derive(Debug)]
pub(super) enum Held {
    /// The command ended with this status.
    Command(ExitStatus),
    /// The time is up, or a signal ended it.
    Time,
}

/// Runs the command to its end, in an environment that leads where `way` does.
pub(super) async fn command(
    program: &str,
    arguments: &[String],
    way: &ConnInfo,
    context: &Context,
) -> Result<Held, Failure> {
    let status = meanwhile::run(program, arguments, way, context).await;
    status.map(Held::Command).map_err(|failure| {
        let message = format!("{}; it is open again", failure.message);
        Failure { message, ..failure }
    })
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
