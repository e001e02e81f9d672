//! `pgconn cancel`: cancel running queries; the sessions stay.

use anyhow::Result;

use super::Context;
use super::act::{self, Job, Targets};
use crate::exit::Exit;
use crate::model::act::Action;

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
}

/// Cancels queries.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    act::run(Job { action: Action::Cancel, targets: args.targets, grace: None }, context).await
}
