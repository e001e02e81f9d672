//! `pgconn size`: how big pools and max_connections should be, with the arithmetic; the same as configuration of pool
//! libraries and PgBouncer; and what is wrong in configuration that exists. Needs no server, and can measure one.

mod answer;
mod args;
mod emit;
mod failure;
#[cfg(test)]
mod golden;
mod input;
pub(super) mod lint;
mod live;
mod plan_file;
pub(super) mod report;
mod request;
mod row;
mod sample;

use std::time::Duration;

use anyhow::Result;

pub(crate) use args::Args;

use super::Context;
use super::head::head_of_look;
use super::manual::{Group, Manual};
use super::screen_room::Part;
use crate::analyze::sizing::sample::Observations;
use crate::analyze::sizing::{self, Clients};
use crate::analyze::usage;
use crate::db::{self, Db, Selection};
use crate::exit::Exit;
use crate::model::server::ConnectionSlots;
use crate::model::usage::{LimitUse, Tally, Usage};
use crate::observe::{LanePolicy, Observer, OfServer, Patience};
use crate::poolconf::emit::find;
use crate::poolconf::{Mode, provider};
use crate::render::Head;
use failure::{judged, refused_today};
use report::SizeReport;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Plan,
    &[
        ("How big should the pools of 8 instances be?", "pgconn size --cores 4 --instances 8"),
        ("Two services, one with more weight", "pgconn size --cores 4 --app api=8x4@3 --app worker=2"),
        ("Do the pools of today fit?", "pgconn size --cores 8 --current web=6:9 --current jobs=4:5"),
        (
            "The pool of that plan for SQLAlchemy",
            "pgconn size --cores 4 --instances 8 --emit sqlalchemy -o engine.py",
        ),
        (
            "The same with transactions, retry, health and metrics around it",
            "pgconn size --cores 4 --instances 8 --emit sqlalchemy --helpers",
        ),
        (
            "PgBouncer in front, with its userlist script",
            "pgconn size --cores 4 --instances 80 --emit pgbouncer -o pooler/",
        ),
        (
            "Against the limits and the use of a live server",
            "pgconn size --cores 8 --instances 12 --from-server -h db1",
        ),
        ("By the load of its busiest minute", "pgconn size --cores 8 --instances 12 --sample 1m -h db1"),
        ("What is wrong with this PgBouncer?", "pgconn size --lint /etc/pgbouncer/pgbouncer.ini"),
    ],
)
.exits(&[
    ("0", "done; also a sample that Ctrl-C ended early"),
    ("1", "the plan is infeasible, the pools of today do not fit, or the linted file has an error"),
    ("2", "usage error"),
    ("3", "could not connect or log in (--from-server, --sample)"),
    ("4", "the connection was lost while sampling: what was seen until then is told"),
]);

/// Plans and prints.
pub(crate) async fn run(mut args: Args, context: &mut Context) -> Result<Exit> {
    if args.plan_example {
        context.write(|out| out.write_all(plan_file::EXAMPLE.as_bytes()))?;
        return Ok(Exit::Done);
    }
    let target = match args.configuration.emit.as_deref() {
        Some("list") => return emit::list(context),
        other => other.and_then(find),
    };
    if args.configuration.helpers {
        emit::admit_helpers(target)?;
    }
    let file = args.plan.as_deref().map(plan_file::read).transpose()?.unwrap_or_default();
    file.complete(&mut args);
    let provider = args.provider.as_deref().and_then(provider::find);
    let endpoint = target.map(|target| emit::endpoint(target, context)).transpose()?;
    let mut asked = if args.asks_server() { Some(ask(&args, context).await?) } else { None };
    let head = asked.as_mut().map(|asked| std::mem::take(&mut asked.head)).unwrap_or_default();
    let limits = asked.as_ref().map(|asked| asked.limits);
    let done = if asked.as_ref().is_some_and(|asked| asked.lost) { Exit::Partly } else { Exit::Done };
    if let Some(path) = &args.lint {
        let request = request::for_lint(&args, limits, provider)?;
        return lint::run(path, &args, &request, &head, context);
    }
    let request = request::request(&args, &file, limits, provider)?;
    let mut plan = sizing::plan(&request).map_err(request::refused)?;
    let assumed_mode = match request.clients {
        Clients::Serverless { .. } => Mode::Transaction,
        _ => Mode::Direct,
    };
    plan.inputs.extend(request::further_inputs(&args, assumed_mode));
    if let (Some(target), Some(endpoint)) = (target, endpoint) {
        head.warnings.iter().for_each(|warning| context.ui.asking().warning(warning));
        return emit::run((target, endpoint), (&args, assumed_mode), (&request, &plan), provider, context);
    }
    let mode = args.configuration.mode.unwrap_or(assumed_mode);
    let failure = judged(&plan, mode).err().or_else(|| plan.current.as_ref().and_then(refused_today));
    let live = asked
        .as_ref()
        .map(|asked| sizing::live::compare(&mut plan, &asked.usage, &asked.tallies, &asked.of_names));
    let wait = args.target_wait.unwrap_or(request::TARGET_WAIT).as_secs_f64();
    let seen = asked.and_then(|asked| Some((asked.seen?, asked.role)));
    let sample = seen.map(|(seen, role)| sizing::sample::judge(&seen, wait, plan.optimal_connections, &role));
    let verbose = context.ui.is_verbose();
    context.emit_top(
        &SizeReport { plan, live, sample, mode, verbose },
        &head,
        Part::of(context, &head, &[]).whole(),
    )?;
    failure.map_or(Ok(done), |failure| Err(failure.into()))
}

/// What the live server said.
struct LiveServer {
    limits: ConnectionSlots,
    usage: Usage,
    /// Each CONNECTION LIMIT of a role or database.
    of_names: Vec<LimitUse>,
    /// What it is folded from.
    tallies: Vec<Tally>,
    /// Who asked.
    role: String,
    seen: Option<Observations>,
    /// It was lost while it was sampled.
    lost: bool,
    head: Head,
}

/// Applications, roles and clients to list.
const LISTED: usize = 100;

/// Reads limits and use, and measures the load when that is wanted. The cores are asked for first, because nothing
/// can be planned without them and a sample takes its time.
async fn ask(args: &Args, context: &mut Context) -> Result<LiveServer> {
    let plan_has_cores = args.plan.is_some() || args.lint.is_some();
    if args.cores.is_none() && !plan_has_cores {
        return Err(request::no_cores(true).into());
    }
    let mut observer = context.observer(LanePolicy::WhenFull)?;
    let states = observer.state();
    let asked = context.telling(states, ask_over(&mut observer, args.sample, context)).await;
    observer.close().await;
    asked
}

async fn ask_over(
    observer: &mut Observer<OfServer>,
    sample: Option<Duration>,
    context: &Context,
) -> Result<LiveServer> {
    context.tell_where(observer.log_in(context.patience()).await?);
    let look = async |db: &mut Db| {
        let (server_context, tallies, _) = db.tallies(&Selection::default(), Vec::new, Vec::push).await?;
        let usage = usage::fold(server_context.limits, &tallies, LISTED);
        let of_names = db.limits_in_use().await?;
        let head = head_of_look(db, &server_context, usage.connections.hidden);
        Ok::<_, db::Error>(LiveServer {
            limits: server_context.limits,
            usage,
            tallies,
            of_names,
            role: server_context.rights.role,
            seen: None,
            lost: false,
            head,
        })
    };
    let mut asked = observer.look(Patience::NONE, look).await?;
    if let Some(duration) = sample {
        let sample::Sample { seen, warnings, lost } = sample::take(observer, duration, context).await?;
        asked.head.warnings.extend(warnings);
        (asked.seen, asked.lost) = (Some(seen), lost);
    }
    Ok(asked)
}
