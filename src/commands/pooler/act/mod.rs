//! Orders to the pooler about a database, or all of them: what is held (pause, disable) here, the others in a file of their own.

pub(super) mod orders;
mod paused;
pub(super) mod report;

use std::time::Duration;

use anyhow::Result;

use super::console::head;
use super::report::{PoolerReport, View};
use crate::act::{self as acts, Ended, WhileHeld, run_held};
use crate::analyze::consent::{Consent, Reach};
use crate::args;
use crate::commands::Context;
use crate::commands::act::{self, hold_status};
use crate::db::console::{self, Console, ConsoleOrder};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::pooler::{Link, PoolerFacts};
use crate::model::quote;
use crate::model::suggestion::Command;
use crate::render::Head;
use paused::{Paused, Resumed};
use report::{PoolerAct, PoolerAction};

/// Which database, and how carefully.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The database, by the pooler's exact name of it
    #[arg(value_name = "DB")]
    database: String,
    /// Show what would be done, and stop there
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    yes: args::Yes,
}

/// Which database, or all of them, and how carefully.
#[derive(Debug, clap::Args)]
pub(super) struct AllArgs {
    /// The database, by the pooler's exact name of it
    #[arg(value_name = "DB", required_unless_present = "all", conflicts_with = "all")]
    database: Option<String>,
    /// All databases at once
    #[arg(long)]
    all: bool,
    /// Show what would be done, and stop there
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    yes: args::Yes,
}

/// Arguments of `pooler disable`.
#[derive(Debug, clap::Args)]
pub(super) struct DisableArgs {
    #[command(flatten)]
    order: Args,
    /// Command to run while it is disabled
    ///
    /// It is enabled afterwards in every case. Stdout is the command's alone, and PGHOST, PGPORT, PGUSER and PGDATABASE lead it to the
    /// console.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Arguments of `pooler pause`.
#[derive(Debug, clap::Args)]
pub(super) struct PauseArgs {
    #[command(flatten)]
    order: AllArgs,
    /// How long its transactions may take to end
    ///
    /// In session mode, its sessions. After that it is resumed.
    #[arg(long, value_name = "DUR", default_value = "30s", value_parser = args::duration)]
    verify: Duration,
    /// Command to run while it is paused
    ///
    /// It is resumed afterwards in every case. Stdout is the command's alone, and PGHOST, PGPORT, PGUSER and PGDATABASE lead it to the
    /// console.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Arguments of `pooler wait-close`.
#[derive(Debug, clap::Args)]
pub(super) struct WaitArgs {
    /// The database, by the pooler's exact name of it
    #[arg(value_name = "DB")]
    database: String,
    /// How long to wait
    #[arg(long, value_name = "DUR", default_value = "5m", value_parser = args::duration)]
    verify: Duration,
}

/// What was found of the pooler and the database before anything is decided.
struct Survey {
    console: Console,
    facts: PoolerFacts,
    /// The database's connections, with and without clients.
    links: Vec<Link>,
    head: Head,
    act: PoolerAct,
}

impl Survey {
    fn answer(&self, act: PoolerAct) -> PoolerReport {
        PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, self.facts.product.clone()) }
    }
}

/// Looks at the database as it is.
async fn survey(action: PoolerAction, name: Option<&str>, context: &Context) -> Result<Survey> {
    if context.flags.watch.is_some() {
        return Err(Failure::usage("an order is given once")
            .hinted("--watch is for the views: pgconn pooler --watch")
            .into());
    }
    let observer = context.console_observer()?;
    let console = context.console_session(observer).await?;
    let facts = console.facts().await?;
    let mut links = console.links().await?;
    links.retain(|link| name.is_none_or(|name| link.database == name));
    // The list of databases leaves out those that a pattern let in and that nothing is connected to.
    let database = facts.databases.iter().find(|database| Some(database.name.as_str()) == name);
    let mut pools = facts.pools.iter();
    let is_known = database.is_some() || pools.any(|pool| Some(pool.database.as_str()) == name);
    if let Some(name) = name.filter(|_| !is_known && action != PoolerAction::Resume) {
        console.close().await;
        return Err(unknown(name, &facts).into());
    }
    let act = PoolerAct::new(action, name, database, &links);
    let head = head(&console);
    Ok(Survey { console, facts, links, head, act })
}

/// PgBouncer pauses a database that nobody has ever heard of without a word, when a pattern lets every name in.
fn unknown(name: &str, facts: &PoolerFacts) -> Failure {
    if name == console::DATABASE {
        return Failure::refused("the database pgbouncer is the console itself; nothing was done");
    }
    let databases = facts.databases.iter().map(|database| &database.name);
    let mut known: Vec<&str> =
        databases.chain(facts.pools.iter().map(|pool| &pool.database)).map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    let failure = Failure::failed(format!("the pooler knows no database \"{name}\"; nothing was done"));
    failure.hinted(match crate::model::nearest::nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => {
            let known = if known.is_empty() { "no database".to_owned() } else { known.join(", ") };
            format!("it knows {known} now; what its patterns let in is known once a client has connected")
        }
    })
}

/// The command for another order about this database, or all, whole, so that it can be pasted anywhere.
fn by_hand(order: &'static str, database: Option<&str>, head: &Head, context: &Context) -> String {
    let lead = head.target.as_ref().map(|target| context.again(target)).unwrap_or_default();
    let command = Command::pgconn("pooler").word(order);
    match database {
        Some(name) => command.word(name).shown(&lead),
        None => format!("{} --all", command.shown(&lead)),
    }
}

/// Asks, when somebody is to be asked.
async fn confirm(consent: Consent, verb: &str, survey: &Survey, context: &Context) -> Result<()> {
    if consent != Consent::Ask {
        return Ok(());
    }
    let name = survey
        .act
        .database
        .as_deref()
        .map_or("all databases".to_owned(), |name| format!("database {}", quote::shown(name)));
    act::confirm(&format!("{verb} {name} on {}?", survey.console.target().place()), context).await
}

/// What is held while a command runs, and undone in every case.
struct HeldOrder<'a> {
    action: PoolerAction,
    database: Option<&'a str>,
    yes: &'a args::Yes,
    dry_run: bool,
    verify: Duration,
    command: &'a [String],
}

impl HeldOrder<'_> {
    const fn disables(&self) -> bool {
        matches!(self.action, PoolerAction::Disable)
    }

    /// What it is while it is held, and what undoes that: in words, and as an order.
    const fn words(&self) -> (&'static str, &'static str, ConsoleOrder) {
        match self.disables() {
            true => ("disabled", "enable", ConsoleOrder::Enable),
            false => ("paused", "resume", ConsoleOrder::Resume),
        }
    }
}

/// `pooler pause`.
pub(super) async fn pause(args: PauseArgs, context: &mut Context) -> Result<Exit> {
    let AllArgs { database, yes, dry_run, .. } = args.order;
    let (database, command) = (database.as_deref(), args.command.as_slice());
    let order =
        HeldOrder { action: PoolerAction::Pause, database, yes: &yes, dry_run, verify: args.verify, command };
    hold(&order, context).await
}

/// `pooler disable`.
pub(super) async fn disable(args: DisableArgs, context: &mut Context) -> Result<Exit> {
    let Args { database, yes, dry_run } = args.order;
    let (database, command) = (Some(database.as_str()), args.command.as_slice());
    let verify = Duration::ZERO;
    let order = HeldOrder { action: PoolerAction::Disable, database, yes: &yes, dry_run, verify, command };
    hold(&order, context).await
}

/// Plans, asks, holds, runs the command and lets go.
async fn hold(order: &HeldOrder<'_>, context: &mut Context) -> Result<Exit> {
    let (held, undo, back) = order.words();
    let reach = if order.database.is_none() { Reach::Everything } else { Reach::Filtered };
    let consent = act::consent(reach, order.yes, order.dry_run, context)?;
    if let Some(program) = order.command.first() {
        run_held::exists(program)?;
    }
    let survey = survey(order.action, order.database, context).await?;
    let plan = act::plan_channel(consent, context);
    plan.status(&survey.act.plan(&survey.facts));
    let name = order.database.map_or_else(|| "all databases".to_owned(), quote::shown);
    if !order.command.is_empty() {
        let led_to = run_held::led_to(&survey.console.way_back());
        plan.status(&match order.disables() {
            true => format!("{led_to}; new clients of {name} are refused there until it is enabled"),
            false => format!("{led_to}; what it asks of {name} there waits until it is resumed"),
        });
    }
    if order.dry_run {
        return dry_run(survey, context).await;
    }
    let is_held = if order.disables() { survey.act.disabled } else { survey.act.paused };
    if is_held == Some(true) {
        if order.command.is_empty() {
            return unchanged(survey, context).await;
        }
        survey.console.close().await;
        let message = format!(
            "{} is {held} already, and would not be afterwards; nothing was done",
            survey
                .act
                .database
                .as_deref()
                .map_or_else(|| name.clone(), |name| format!("database \"{name}\""))
        );
        let by_hand = by_hand(undo, order.database, &survey.head, context);
        return Err(Failure::refused(message)
            .hinted(format!("leave the command out, or {undo} it first: {by_hand}"))
            .into());
    }
    confirm(consent, if order.disables() { "Disable" } else { "Pause" }, &survey, context).await?;
    // Never held back: whoever reads it can undo it when nothing else can.
    context.ui.always(&format!(
        "to {undo} it by hand: {} on the console {}, or {}",
        back.words(order.database),
        survey.console.target().place(),
        by_hand(undo, order.database, &survey.head, context)
    ));
    hold_status::not_interrupted(context)?;
    let Survey { console, facts, head, mut act, .. } = survey;
    let what = (act.database.clone(), order.disables());
    let mut paused = Paused::new(context, context.endpoint()?, console.until_done(), what, order.verify);
    let while_held = match order.command.split_first() {
        None => WhileHeld::Nothing,
        Some((program, arguments)) => {
            WhileHeld::Command { program, arguments, environment: paused.way_back().variables() }
        }
    };
    let outcome = acts::hold(&mut paused, while_held, hold_status::signals(context)).await?;
    paused.end().await;
    act.set(&outcome);
    let answer = PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, facts.product) };
    finish(context, order, &answer, &head, outcome.ended, outcome.reopened.as_ref())
}

/// Says how it went, worst news first.
fn finish(
    context: &mut Context,
    order: &HeldOrder<'_>,
    answer: &PoolerReport,
    head: &Head,
    done: Result<Ended, Failure>,
    resumed: Option<&Resumed>,
) -> Result<Exit> {
    let (held, undo, _) = order.words();
    let by_hand = by_hand(undo, order.database, head, context);
    if let Some(Resumed::Failed(why)) = resumed {
        let failure = Failure::failed(format!("the database was left {held}: {why}"));
        return Err(failure.hinted(format!("{undo} it by hand: {by_hand}")).into());
    }
    let status = done.map(|ended| ended.status).map_err(|failure| {
        let message = format!("{}; it is {undo}d", failure.message);
        Failure { message, ..failure }
    });
    let exit = hold_status::conclude(context, answer, head, status, order.command.is_empty())?;
    if resumed.is_none() {
        let whose = if order.disables() { "new clients are refused until" } else { "its clients wait until" };
        context.ui.hint(&format!("{whose}: {by_hand}"));
    }
    Ok(exit)
}

async fn dry_run(mut survey: Survey, context: &mut Context) -> Result<Exit> {
    survey.act.dry_run = true;
    unchanged(survey, context).await
}

/// Shows that nothing was done, or had to be.
async fn unchanged(survey: Survey, context: &mut Context) -> Result<Exit> {
    let answer = survey.answer(survey.act.clone());
    survey.console.close().await;
    context.emit(&answer, &survey.head)?;
    Ok(Exit::Done)
}
