//! `pgconn kill`: end sessions, and verify that they are gone.

use std::time::Duration;

use anyhow::Result;

use super::Context;
use super::act::{self, Job, Targets};
use super::manual::{Group, Manual};
use crate::args;
use crate::exit::Exit;
use crate::model::act::Action;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Act,
    &[
        ("What would be ended, and what that would release?", "pgconn kill --db mydb --dry-run"),
        ("End every session of a database", "pgconn kill --db mydb"),
        (
            "Transactions left open for an hour, without asking",
            "pgconn kill --state idle-in-transaction --idle-for 1h --yes",
        ),
        ("One session, by its PID", "pgconn kill 4711"),
        (
            "Cancel queries first, and end what is still there after ten seconds",
            "pgconn kill --app report --grace 10s",
        ),
        ("The clients from one machine, at the pooler", "pgconn kill --pooler port=6432 --client 10.0.0.7"),
    ],
)
.variables(&[("PGCONN_CONFIRM", "`always` demands --yes everywhere")]);

/// Arguments of `kill`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
    /// Cancel queries first, and end what is left then
    ///
    /// Running queries are cancelled; sessions that are still there after this long are ended.
    #[arg(long, help_heading = None, value_name = "DUR", value_parser = args::duration)]
    grace: Option<Duration>,
    /// How long to watch who comes back; 0 to not watch
    ///
    /// Once the last one is gone: pools open new sessions.
    #[arg(long, help_heading = None, value_name = "DUR", default_value = "1s", value_parser = args::duration_or_zero)]
    settle: Duration,
    /// A pooler's console: end clients there
    ///
    /// They are selected by --client, --app, --role and --db.
    #[arg(long, help_heading = None, value_name = "CONNINFO", conflicts_with = "grace")]
    pooler: Option<String>,
}

/// Ends sessions.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    if let Some(pooler) = &args.pooler {
        return act::pooled::run(pooler, &args.targets, args.settle, context).await;
    }
    let Args { targets, grace, settle, .. } = args;
    act::run(Job { action: Action::Terminate, targets, grace, settle }, context).await
}
