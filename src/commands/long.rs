//! `pgconn long`: the longest queries and transactions first.

use std::time::Duration;

use anyhow::Result;

use super::manual::{Group, Manual};
use super::{Context, ls};
use crate::args::{self, Filters};
use crate::db::{Listing, Selection, SortOrder};
use crate::exit::Exit;
use crate::model::session::Named;
use crate::render::text;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Look,
    &[
        ("Queries and transactions over five seconds, longest first", "pgconn long"),
        ("The ten longest of an hour and more", "pgconn long --over 1h --limit 10"),
        ("The same without query texts, for a ticket", "pgconn long --over 1h --no-query"),
        ("Whose are they? Ask the pooler in between", "pgconn long --pooler port=6432"),
    ],
);

/// Arguments of `long`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these sessions; with filters, those that match
    ///
    /// A session is named by its process id or its session id.
    #[arg(value_name = "PID|SESSION_ID", value_parser = args::named)]
    named: Vec<Named>,
    /// Only queries and transactions at least this old
    #[arg(long, value_name = "DUR", default_value = "5s", value_parser = args::duration)]
    over: Duration,
    /// Rows at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// A pooler's console: tell whose each session is
    ///
    /// The client that the pooler serves with it stands beside the session.
    #[arg(long, value_name = "CONNINFO")]
    pooler: Option<String>,
    #[command(flatten)]
    filters: Filters,
}

/// Lists sessions with a long query or transaction.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let listing = Listing {
        selection: Selection {
            filter: args.filters.among(&args.named),
            all_backends: args.filters.all_backends,
        },
        over: Some(args.over),
        order: SortOrder::Longest,
        limit: args.limit,
        query_bytes: context.query_bytes(),
    };
    let scope = format!(" with a query or transaction over {}", text::duration(args.over.as_secs_f64()));
    ls::list("long", &scope, &listing, args.pooler.as_deref(), context).await
}
