//! `pgconn cancel`: cancel running queries; the sessions stay.

use std::time::Duration;

use anyhow::Result;

use super::Context;
use super::act::{self, Job, Targets};
use super::manual::{Group, Manual};
use crate::exit::Exit;
use crate::model::act::Action;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Act,
    &[
        ("Cancel one session's query, by its PID", "pgconn cancel 4711"),
        ("Which queries would be canceled?", "pgconn cancel --query-for 15m --dry-run"),
        (
            "Cancel the long queries of one application, without asking",
            "pgconn cancel --app report --query-for 15m --yes",
        ),
    ],
)
.variables(&[("PGCONN_CONFIRM", "`always` demands --yes everywhere")]);

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
}

/// Cancels queries.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let job = Job { action: Action::Cancel, targets: args.targets, grace: None, settle: Duration::ZERO };
    act::run(job, context).await
}
