//! Orders to the pooler about one database: pause, resume, reconnect, and waiting until old connections are closed.

mod paused;
pub(super) mod report;

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::{PoolerReport, View, head};
use crate::act::{self as acts, Ended, WhileHeld, run_held};
use crate::analyze::consent::{Consent, Reach};
use crate::args;
use crate::commands::Context;
use crate::commands::act::{self, hold_status};
use crate::db;
use crate::db::console::{self, Console, ConsoleOrder};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::pooler::{Link, PoolerFacts};
use crate::model::quote;
use crate::model::suggestion::Command;
use crate::render::{Head, text};
use paused::{Paused, Resumed};
use report::{PoolerAct, PoolerAction};

/// How often is looked whether it is done.
const PAUSE: Duration = Duration::from_millis(100);

/// Which database, and how carefully.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The database, by the pooler's exact name of it
    #[arg(value_name = "DB")]
    database: String,
    /// Show what would be done, and stop there
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Do it without asking
    #[arg(short, long)]
    yes: bool,
}

/// Arguments of `pooler pause`.
#[derive(Debug, clap::Args)]
pub(super) struct PauseArgs {
    #[command(flatten)]
    order: Args,
    /// How long its transactions (in session mode its sessions) may take to end; after that it is resumed
    #[arg(long, value_name = "DUR", default_value = "30s", value_parser = args::duration)]
    verify: Duration,
    /// Command to run while it is paused; it is resumed afterwards in every case. stdout is the command's alone, and PGHOST,
    /// PGPORT, PGUSER and PGDATABASE lead it to the console
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
async fn survey(action: PoolerAction, name: &str, context: &Context) -> Result<Survey> {
    if context.flags.watch.is_some() {
        return Err(Failure::usage("an order is given once")
            .hinted("--watch is for the views: pgconn pooler --watch")
            .into());
    }
    let observer = context.console_observer()?;
    let console = context.console_session(observer).await?;
    let facts = console.facts().await?;
    let mut links = console.links().await?;
    links.retain(|link| link.database == name);
    // The list of databases leaves out those that a pattern let in and that nothing is connected to.
    let database = facts.databases.iter().find(|database| database.name == name);
    let is_known = database.is_some() || facts.pools.iter().any(|pool| pool.database == name);
    if !is_known && action != PoolerAction::Resume {
        console.close().await;
        return Err(unknown(name, &facts).into());
    }
    let act = PoolerAct::new(action, name, database.and_then(|database| database.paused), &links);
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
    failure.hinted(match args::nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => {
            let known = if known.is_empty() { "no database".to_owned() } else { known.join(", ") };
            format!("it knows {known} now; what its patterns let in is known once a client has connected")
        }
    })
}

/// The command for another order about this database, whole, so that it can be pasted anywhere.
fn by_hand(order: &'static str, database: &str, head: &Head, context: &Context) -> String {
    let lead = head.target.as_ref().map(|target| context.again(target)).unwrap_or_default();
    Command::pgconn("pooler").word(order).word(database).shown(&lead)
}

/// Asks, when somebody is to be asked.
async fn confirm(consent: Consent, verb: &str, survey: &Survey, context: &Context) -> Result<()> {
    if consent != Consent::Ask {
        return Ok(());
    }
    let (name, place) = (quote::shown(&survey.act.database), survey.console.target().place());
    act::confirm(&format!("{verb} database {name} on {place}?"), context).await
}

/// `pooler pause`: plans, asks, pauses, runs the command and resumes.
pub(super) async fn pause(args: PauseArgs, context: &mut Context) -> Result<Exit> {
    let consent = act::consent(Reach::Filtered, args.order.yes, args.order.dry_run, context)?;
    if let Some(program) = args.command.first() {
        run_held::exists(program)?;
    }
    let survey = survey(PoolerAction::Pause, &args.order.database, context).await?;
    let plan = act::plan_channel(consent, context);
    plan.status(&survey.act.plan(&survey.facts));
    if !args.command.is_empty() {
        let name = quote::shown(&survey.act.database);
        let led_to = run_held::led_to(&survey.console.way_back());
        plan.status(&format!("{led_to}; what it asks of {name} there waits until it is resumed"));
    }
    if args.order.dry_run {
        return dry_run(survey, context).await;
    }
    if survey.act.paused == Some(true) {
        if args.command.is_empty() {
            return unchanged(survey, context).await;
        }
        survey.console.close().await;
        let refused = Failure::refused(format!(
            "database \"{}\" is paused already, and would not be afterwards; nothing was done",
            survey.act.database
        ));
        return Err(refused
            .hinted(format!(
                "leave the command out, or resume it first: {}",
                by_hand("resume", &survey.act.database, &survey.head, context)
            ))
            .into());
    }
    confirm(consent, "Pause", &survey, context).await?;
    // Never held back: whoever reads it can resume it when nothing else can.
    context.ui.always(&format!(
        "to resume it by hand: {} on the console {}, or {}",
        ConsoleOrder::Resume.words(&survey.act.database),
        survey.console.target().place(),
        by_hand("resume", &survey.act.database, &survey.head, context)
    ));
    hold_status::not_interrupted(context)?;
    let Survey { console, facts, head, mut act, .. } = survey;
    let mut paused =
        Paused::new(context, context.endpoint()?, console.until_done(), act.database.clone(), args.verify);
    let while_held = match args.command.split_first() {
        None => WhileHeld::Nothing,
        Some((program, arguments)) => {
            WhileHeld::Command { program, arguments, environment: paused.way_back().variables() }
        }
    };
    let outcome = acts::hold(&mut paused, while_held, hold_status::signals(context)).await?;
    paused.end().await;
    act.set(&outcome);
    let answer = PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, facts.product) };
    finish(context, &answer, &head, outcome.ended, outcome.reopened.as_ref(), args.command.is_empty())
}

/// Says how it went, worst news first.
fn finish(
    context: &mut Context,
    answer: &PoolerReport,
    head: &Head,
    done: Result<Ended, Failure>,
    resumed: Option<&Resumed>,
    stdout_is_ours: bool,
) -> Result<Exit> {
    let name = answer.act.as_ref().map(|act| act.database.as_str()).unwrap_or_default();
    let by_hand = by_hand("resume", name, head, context);
    if let Some(Resumed::Failed(why)) = resumed {
        let failure = Failure::failed(format!("the database was left paused: {why}"));
        return Err(failure.hinted(format!("resume it by hand: {by_hand}")).into());
    }
    let status = done.map(|ended| ended.status).map_err(|failure| {
        let message = format!("{}; it is resumed", failure.message);
        Failure { message, ..failure }
    });
    let exit = hold_status::conclude(context, answer, head, status, stdout_is_ours)?;
    if resumed.is_none() {
        context.ui.hint(&format!("its clients wait until: {by_hand}"));
    }
    Ok(exit)
}

/// `pooler resume`: the way back asks nobody.
pub(super) async fn resume(args: Args, context: &mut Context) -> Result<Exit> {
    let _ = act::consent(Reach::Named, args.yes, args.dry_run, context)?;
    let survey = survey(PoolerAction::Resume, &args.database, context).await?;
    if args.dry_run {
        context.ui.status(&survey.act.plan(&survey.facts));
        return dry_run(survey, context).await;
    }
    let Survey { console, facts, head, mut act, .. } = survey;
    let console = console.until_done();
    let changed = console.resume(&act.database).await.map_err(|error| match error.kind {
        db::ErrorKind::NoSuchDatabase => unknown(&act.database, &facts),
        _ => error.into(),
    })?;
    let databases = console.databases().await?;
    console.close().await;
    let now = databases.iter().find(|known| known.name == act.database).and_then(|known| known.paused);
    if now == Some(true) {
        return Err(
            Failure::failed("the pooler was told to resume it, and still says that it is paused").into()
        );
    }
    (act.changed, act.paused) = (changed, Some(false));
    let answer = PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, facts.product) };
    context.emit(&answer, &head)?;
    Ok(Exit::Done)
}

/// `pooler reconnect`: nobody waits, nothing can be undone.
pub(super) async fn reconnect(args: Args, context: &mut Context) -> Result<Exit> {
    let consent = act::consent(Reach::Filtered, args.yes, args.dry_run, context)?;
    let survey = survey(PoolerAction::Reconnect, &args.database, context).await?;
    act::plan_channel(consent, context).status(&survey.act.plan(&survey.facts));
    if args.dry_run {
        return dry_run(survey, context).await;
    }
    confirm(consent, "Replace the connections of", &survey, context).await?;
    let Survey { console, facts, head, mut act, .. } = survey;
    let console = console.until_done();
    console.order(ConsoleOrder::Reconnect, &act.database).await?;
    console.close().await;
    act.changed = true;
    let wait = by_hand("wait-close", &act.database, &head, context);
    let busy = act.servers_busy > 0;
    let answer = PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, facts.product) };
    context.emit(&answer, &head)?;
    if busy {
        context.ui.hint(&format!("wait until they are closed: {wait}"));
    }
    Ok(Exit::Done)
}

/// `pooler wait-close`: changes nothing.
pub(super) async fn wait_close(args: WaitArgs, context: &mut Context) -> Result<Exit> {
    let began = Instant::now();
    let Survey { console, facts, head, mut act, mut links } =
        survey(PoolerAction::WaitClose, &args.database, context).await?;
    let mut said = false;
    loop {
        links.retain(|link| link.database == args.database && closes(link));
        if links.is_empty() {
            break;
        }
        if began.elapsed() >= args.verify {
            console.close().await;
            let open = text::count(i64::try_from(links.len())?, "connection");
            let failure = Failure::failed(format!("{open} not closed after {:?}", args.verify));
            return Err(failure.detailed(paused::who(&links)).into());
        }
        if !said {
            context.ui.status(&format!("waiting for {}", paused::who(&links)));
            said = true;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            signal = context.stop.pulled() => {
                console.close().await;
                return Err(db::Error::interrupted(signal).into());
            }
        }
        links = console.links().await?;
    }
    console.close().await;
    act.waited_seconds = Some(began.elapsed().as_secs_f64());
    let answer = PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, facts.product) };
    context.emit(&answer, &head)?;
    Ok(Exit::Done)
}

/// Whether it is a connection to the server that is to be closed.
fn closes(link: &Link) -> bool {
    link.server.as_ref().is_some_and(|server| server.close_needed == Some(true))
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
