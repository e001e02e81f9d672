//! `pgconn kill`: end sessions, and verify that they are gone.

use std::time::Duration;

use anyhow::Result;

use super::Context;
use super::act::{self, Job, Targets};
use crate::args;
use crate::exit::Exit;
use crate::model::act::Action;

/// Arguments of `kill`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    targets: Targets,
    /// Cancel running queries first, and wait this long before ending what is still there
    #[arg(long, value_name = "DUR", value_parser = args::duration)]
    grace: Option<Duration>,
}

/// Ends sessions.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    act::run(Job { action: Action::Terminate, targets: args.targets, grace: args.grace }, context).await
}
