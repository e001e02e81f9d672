//! The commands: one file each, with its arguments, its run and its report. This file runs what was asked for, on one server or over
//! a list of them.

mod absent;
mod act;
mod blockers;
mod bounded;
mod cancel;
mod check;
mod closed;
mod command;
pub(crate) mod complete;
pub(crate) mod completions;
mod conninfo;
mod context;
mod defaults;
mod demo;
mod did_you_mean;
mod doctor;
mod drain;
#[cfg(test)]
mod golden;
mod head;
mod kill;
mod listing;
mod long;
mod ls;
pub(crate) mod man;
pub(crate) mod manual;
mod metrics;
mod ping;
pub(crate) mod pooler;
pub(crate) mod schema;
mod screen_room;
mod serve;
mod show;
mod shown;
mod size;
mod stats;
mod targets;
pub(crate) mod timeout;
mod top;
mod watch;
mod watch_output;

use anyhow::Result;

use crate::act::AfterPanic;
use crate::error::Failure;
use crate::exit::Exit;
use command::run_here;
pub(crate) use command::{COMMANDS, Command, Entry};
pub(crate) use context::Context;
pub(crate) use defaults::Config;

/// Runs `command`.
///
/// # Errors
/// With everything that kept it from ending well.
pub(crate) async fn run(command: Command, context: &mut Context) -> Result<Exit> {
    let Some(after_panic) = AfterPanic::of_process() else { return run_asked(command, context).await };
    after_panic.wait_for_command(act::hold_status::signals(context)).await;
    match run_asked(command, context).await? {
        Exit::Done => Err(after_panic.failure().into()),
        exit => Ok(exit),
    }
}

async fn run_asked(mut command: Command, context: &mut Context) -> Result<Exit> {
    command.admit(context.flags.watch, context.format())?;
    if let Command::Doctor(args) = &mut command {
        args.take_rules(&mut context.connection.many.only);
    }
    if context.connection.is_list() && !matches!(command, Command::Serve(_)) {
        return Box::pin(targets::run(command, context)).await;
    }
    let is_list = context.connection.is_list();
    if let Some(only) = context.connection.many.only.first().filter(|_| !is_list) {
        if matches!(command, Command::Doctor(_)) {
            return Err(doctor::Args::no_rule(only).into());
        }
        return Err(Failure::usage(format!("--only {only} is for a list of servers, and there is none"))
            .hinted("name the list: --targets FILE, --targets-command CMD, or -S with a pattern")
            .into());
    }
    run_here(command, context).await
}
