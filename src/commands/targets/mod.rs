//! A run over a list of servers: where the list comes from, which of it is meant, and the one server that an act takes.

mod answers;
mod gather;
mod list;
mod several;

use anyhow::Result;

#[cfg(test)]
pub(super) use answers::{Document, Unanswered};

use super::{Command, Context, metrics, top};
use crate::conninfo::TargetSpec;
use crate::error::Failure;
use crate::exit::Exit;
use crate::render::{Format, Warning};
pub(super) use list::read;

/// Runs `command` on the servers that the command line lists: what looks or monitors on all of them, everything else on one.
///
/// # Errors
/// When the list cannot be had, means none, or means several to something that takes one.
pub(super) async fn run(command: Command, context: &mut Context) -> Result<Exit> {
    let (chosen, warnings) = read(context).await?;
    if let (Command::Top(args), [_, _, ..]) = (&command, chosen.as_slice()) {
        return Box::pin(top::over(args, chosen, &warnings, context)).await;
    }
    match command.again() {
        Some(_) => on_all(&command, chosen, warnings, context).await,
        None => on_one(command, chosen, &warnings, context).await,
    }
}

async fn on_all(
    command: &Command,
    specs: Vec<TargetSpec>,
    warnings: Vec<Warning>,
    context: &mut Context,
) -> Result<Exit> {
    if let Command::Metrics(_) = command {
        metrics::choose_format(context);
    }
    if context.format() == Format::Nagios {
        return Err(Failure::usage("a line of a monitoring plugin is about one server")
            .hinted(
                "define a service for each: --only NAME -F nagios, or -S NAME; for all at once use --json",
            )
            .into());
    }
    if context.connection.password {
        return Err(Failure::usage("-W asks for one password, and there are several servers")
            .hinted("use a password file, or password_command in the list")
            .into());
    }
    gather::run(command, specs, warnings, context).await
}

async fn on_one(
    command: Command,
    specs: Vec<TargetSpec>,
    warnings: &[Warning],
    context: &mut Context,
) -> Result<Exit> {
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    let [_] = names.as_slice() else {
        let several =
            format!("this command takes one server, and {} are meant: {}", names.len(), list::some(&names));
        return Err(Failure::refused(format!("{several}; nothing was done"))
            .hinted("name one: --only NAME")
            .into());
    };
    for warning in warnings {
        context.ui.warning(warning);
    }
    context.spec = specs.into_iter().next();
    super::run_here(command, context).await
}
