//! `pgconn size`: how big pools and max_connections should be, with the arithmetic; the same as configuration of pool
//! libraries and PgBouncer; and what is wrong in configuration that exists. Needs no server.

mod args;
mod emit;
pub(super) mod lint;
pub(super) mod report;
mod request;

use anyhow::Result;

pub(crate) use args::Args;

use super::Context;
use super::manual::{Group, Manual};
use crate::analyze::sizing::{self, Plan};
use crate::error::Failure;
use crate::exit::Exit;
use crate::poolconf::emit::find;
use crate::poolconf::{Mode, provider};
use crate::render::Head;
use report::Size;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Plan,
    &[
        ("How big should the pools of 8 instances be?", "pgconn size --cores 4 --instances 8"),
        ("Two services, one with more weight", "pgconn size --cores 4 --app api=8x4@3 --app worker=2"),
        (
            "The pool of that plan for SQLAlchemy",
            "pgconn size --cores 4 --instances 8 --emit sqlalchemy -o engine.py",
        ),
        (
            "PgBouncer in front, with its userlist script",
            "pgconn size --cores 4 --instances 80 --emit pgbouncer -o pooler/",
        ),
        ("What is wrong with this PgBouncer?", "pgconn size --lint /etc/pgbouncer/pgbouncer.ini"),
    ],
)
.offline()
.exits(&[
    ("0", "done"),
    ("1", "the plan is infeasible, or the linted file has an error"),
    ("2", "usage error"),
]);

/// Plans and prints.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    if args.plan_example {
        context.output.with(|out| out.write_all(request::EXAMPLE.as_bytes()))?;
        return Ok(Exit::Done);
    }
    let target = match args.configuration.emit.as_deref() {
        Some("list") => return emit::list(context),
        other => other.and_then(find),
    };
    let file = args.plan.as_deref().map(request::read).transpose()?.unwrap_or_default();
    let provider = args.provider.as_deref().and_then(provider::find);
    let head = Head::default();
    if let Some(path) = &args.lint {
        let request = request::for_lint(&args, None, provider)?;
        return lint::run(path, &args, &request, &head, context);
    }
    let request = request::request(&args, &file, None, provider)?;
    let plan = sizing::plan(&request).map_err(request::refused)?;
    if let Some(target) = target {
        return emit::run(target, &args, (&request, &plan), provider, context);
    }
    let failure = (!plan.feasible && !is_pooled(&args, &plan)).then(|| infeasible(&plan));
    context.emit(&Size { plan }, &head)?;
    failure.map_or(Ok(Exit::Done), |failure| Err(failure.into()))
}

/// Whether a transaction pooler is what the plan is for, and fits.
fn is_pooled(args: &Args, plan: &Plan) -> bool {
    args.configuration.mode == Some(Mode::Transaction) && plan.pooler.default_pool_size.is_some()
}

/// Why no pool can have a connection, and what would change that.
fn infeasible(plan: &Plan) -> Failure {
    let advice = plan.advice.iter().find(|advice| advice.code == "infeasible");
    let message = advice.map_or("this plan is infeasible", |advice| advice.message.as_str());
    let (message, hint) = message.split_once("; ").unwrap_or((message, "use fewer pools"));
    Failure::failed(format!("infeasible: {message}")).hinted(hint)
}
