//! `pgconn timeout`: which time limits apply to whom, and changing them with an undo.

mod change;
#[cfg(test)]
mod golden;
mod names;
mod report;
mod show;
mod statement;

use std::ffi::OsString;

use anyhow::Result;
use clap::Subcommand;

use super::Context;
use super::manual::{Group, Manual};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::settings::Setting;

#[cfg(test)]
pub(super) use report::Timeouts;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Act,
    &[
        ("What is set where, and who has no statement_timeout?", "pgconn timeout"),
        ("What does a new session of this role get there?", "pgconn timeout --role app --db shop"),
        ("Look at the change and its undo first", "pgconn timeout set 30s --role app -n"),
        (
            "Limit the waits for locks of one role in one database",
            "pgconn timeout set 5s --kind lock --role app --db shop",
        ),
        ("Take a stored value away", "pgconn timeout reset --role app"),
        ("Which of them would be taken away?", "pgconn timeout reset --kind lock --role app --db shop -n"),
        ("Only for one session: what to write in which library", "pgconn timeout set 30s --session"),
    ],
)
.variables(&[("PGCONN_CONFIRM", "always: no change without --yes")]);

/// Arguments of `timeout`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    show: show::ShowArgs,
    #[command(subcommand)]
    action: Option<TimeoutCommand>,
}

impl Args {
    /// Whether it changes something.
    pub(super) const fn acts(&self) -> bool {
        self.action.is_some()
    }
}

/// What can be done besides showing.
#[derive(Debug, Subcommand)]
enum TimeoutCommand {
    /// Store a time limit for a role, a database, all roles or the server
    Set(change::SetArgs),
    /// Take a stored time limit away
    Reset(change::ResetArgs),
}

/// Shows or changes.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let Some(action) = args.action else {
        return show::run(args.show, context).await;
    };
    if args.show.any() {
        let word = if matches!(action, TimeoutCommand::Set(_)) { "set" } else { "reset" };
        return Err(Failure::usage(format!("--role, --db and --kind come after {word}")).into());
    }
    match action {
        TimeoutCommand::Set(args) => change::set(args, context).await,
        TimeoutCommand::Reset(args) => change::reset(args, context).await,
    }
}

/// The right form of `timeout set statement_timeout 5s`: SQL names the setting first, and so do fingers.
pub(crate) fn misplaced_setting(argv: &[OsString]) -> Option<String> {
    let words: Vec<&str> = argv.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let after = words.iter().position(|word| *word == "timeout")?;
    let [action @ ("set" | "reset"), named, rest @ ..] = words.get(after + 1..)? else { return None };
    let setting = Setting::ALL.iter().find(|setting| setting.name() == *named || setting.word() == *named)?;
    let value = rest.first().filter(|value| *action == "set" && !value.starts_with('-'));
    let value = value.map(|value| format!(" {value}")).unwrap_or_default();
    Some(format!("name the setting with --kind: pgconn timeout {action}{value} --kind {}", setting.word()))
}
