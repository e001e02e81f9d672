//! What `cancel` and `kill` have in common: from targets and filters to a plan, its consent, the act and its report.

pub(super) mod audit;
#[cfg(test)]
mod golden;
pub(super) mod hold_status;
pub(super) mod pooled;
pub(super) mod report;
mod settle;
pub(super) mod warnings;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::ValueHint;

use super::Context;
use super::did_you_mean::did_you_mean;
use super::head::head;
use super::screen_room::Part;
use crate::act::{Act, Done, OutcomeChange, SignalLog};
use crate::analyze::consent::{self, Circumstances, Consent, Reach};
use crate::analyze::plan::{self, Plan};
use crate::args::{self, Filters};
use crate::db::{self, Db};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::act::{Action, Fate, KnownSession, Wanted};
use crate::model::filter::Name;
use crate::model::quote;
use crate::model::server::ServerContext;
use crate::model::session::Named;
use crate::model::suggestion::{Command, Hint};
use crate::render::table::Block;
use crate::render::{Format, Head, Warning, text};
use crate::ui::Ui;
use audit::LogFile;
use report::{ActReport, Aftermath};

/// Which sessions, and how carefully.
#[derive(Debug, clap::Args)]
pub(crate) struct Targets {
    /// These sessions; with filters, those that match
    ///
    /// A session is named by its process id or its session id.
    #[arg(value_name = "PID|SESSION_ID", value_parser = args::named)]
    named: Vec<Named>,
    /// All client sessions of the server
    #[arg(long)]
    all: bool,
    /// Show what would be done, and stop there
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    yes: args::Yes,
    /// Do nothing when more sessions match
    #[arg(long, value_name = "N")]
    max: Option<u32>,
    /// How long to watch for completion
    #[arg(long, value_name = "DUR", default_value = "5s", value_parser = args::duration)]
    verify: Duration,
    /// Append a JSON line for each signal to this file
    ///
    /// It is on disk before the signal is sent; one with its outcome follows.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    log: Option<PathBuf>,
    #[command(flatten)]
    filters: Filters,
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Job {
    /// The signal.
    pub(super) action: Action,
    /// To whom.
    pub(super) targets: Targets,
    /// How long a cancelled query may take to end before its session is ended.
    pub(super) grace: Option<Duration>,
    /// How long to watch afterwards whether the ended ones come back.
    pub(super) settle: Duration,
}

/// Plans, asks, acts and reports.
pub(super) async fn run(job: Job, context: &mut Context) -> Result<Exit> {
    let (wanted, reach) = wanted(job.action, &job.targets, context)?;
    let consent = consent(reach, &job.targets.yes, job.targets.dry_run, context)?;
    let log = log_file(&job.targets, context)?;
    let mut db = context.connect().await?;
    let Prepared { mut server_context, mut plan, mut waiting, mut head } =
        prepare(&job, &wanted, &db, context).await?;
    if job.targets.dry_run {
        let remaining = Some(db.remaining(&wanted, &known(&plan)).await?);
        let emergency = db.is_emergency();
        db.close().await;
        let after =
            Aftermath { remaining, waiting_before: number(waiting.as_deref()), ..Aftermath::default() };
        let hints = hints(context, &server_context, &plan, &wanted, Aftermath::default());
        let part = Part::of(context, &head, &hints);
        emit(&ActReport::new(&plan, true, after, emergency).on_screen(part), &head, context)?;
        hints.iter().for_each(|hint| context.ui.hint(hint));
        return Ok(Exit::Done);
    }
    while plan.targets().count() > 0 {
        let screen = plan_channel(consent, context).screen();
        present(&report::preview(&plan, screen, &head), &mut head, consent, context);
        if consent != Consent::Ask {
            break;
        }
        ask(job.action, plan.targets().count(), &db, context).await?;
        if db.answers().await {
            break;
        }
        // The server or somebody between ends sessions that say nothing for a while.
        db = context.connect().await?;
        let again = prepare(&job, &wanted, &db, context).await?;
        let agreed = again.plan.is_as(&plan);
        (server_context, plan, waiting) = (again.server_context, again.plan, again.waiting);
        if agreed {
            break;
        }
        head = again.head;
        context
            .ui
            .asking()
            .status("the session ended while the question was open, and it is about others now:");
    }
    let planned = report::Planned::of(&plan, is_shown_above(consent, context));
    let emergency = db.is_emergency();
    let origins = settle::origins(&db, &plan, job.settle).await;
    hold_status::not_interrupted(context)?;
    let db = db.until_done();
    let mut audit = log.map(|log| log.of(db.target(), &wanted));
    let log = audit.as_mut().map(|audit| audit as &mut dyn SignalLog);
    let mut act = Act::new(plan, &wanted, job.grace, job.targets.verify).logged(log);
    act.run(&db, &context.stop, |changes| tell(changes, context)).await;
    let Done { plan, unverified } = act.end();
    let logged = audit.map_or(Ok(()), |audit| audit.finish(&plan));
    head.warnings.extend(unverified.as_ref().map(not_verified));
    let returned = settle::returned(&db, &plan, origins, job.settle, context).await;
    let after = aftermath(&db, &wanted, &plan, waiting.as_deref(), returned, &mut head).await;
    db.close().await;
    let exit = exit(&plan, context);
    let told = emit(&ActReport::new(&plan, false, after, emergency).besides(&planned), &head, context);
    hints(context, &server_context, &plan, &wanted, after).iter().for_each(|hint| context.ui.hint(hint));
    logged?;
    told?;
    Ok(exit)
}

/// Whether only results, warnings and errors are wanted, by people: what a job prints is mailed. That nobody was meant, perhaps for
/// want of such a session just now, is neither.
fn wants_no_news(context: &Context) -> bool {
    context.flags.quiet && context.format() == Format::Table
}

/// Writes the report.
fn emit(report: &ActReport, head: &Head, context: &Context) -> Result<()> {
    if report.is_empty() && wants_no_news(context) {
        head.warnings.iter().for_each(|warning| context.ui.warning(warning));
        return Ok(());
    }
    Ok(context.emit(report, head)?)
}

/// What is known before anything is done.
struct Prepared {
    server_context: ServerContext,
    plan: Plan,
    /// Who waits for those that are acted on.
    waiting: Option<Vec<i32>>,
    head: Head,
}

/// Looks who is meant, and what that would come to.
async fn prepare(job: &Job, wanted: &Wanted, db: &Db, context: &Context) -> Result<Prepared> {
    let (server_context, facts) = db.facts(wanted).await?;
    refuse_other_products(&server_context)?;
    let plan = plan::plan(job.action, wanted, &facts);
    let waiting = plan::waiting(&plan, &facts);
    let counts = plan.counts();
    if let Some(max) = job.targets.max.filter(|max| counts.matched > i64::from(*max)) {
        let message = format!("{} match, more than --max {max}; nothing was done", sessions(counts.matched));
        return Err(Failure::refused(message).hinted("see them with --dry-run").into());
    }
    let mut head = head(db, &server_context, 0);
    head.warnings.extend(warnings::about(&plan, &facts, &context.lead()));
    if plan.steps.is_empty() && !wants_no_news(context) {
        head.warnings.extend(did_you_mean(db, &wanted.filter).await?);
    }
    Ok(Prepared { server_context, plan, waiting, head })
}

/// The log, opened, where one is wanted and something may be done.
fn log_file(targets: &Targets, context: &Context) -> Result<Option<LogFile>, Failure> {
    let log = if targets.dry_run { None } else { targets.log.as_deref() };
    log.map(|path| LogFile::open(path, &context.stop)).transpose()
}

/// What is left after the act, as far as it can be seen: how many `returned`, and whether those who waited still do.
async fn aftermath(
    db: &Db,
    wanted: &Wanted,
    plan: &Plan,
    waiting: Option<&[i32]>,
    returned: Result<Option<i64>, db::Error>,
    head: &mut Head,
) -> Aftermath {
    let waiting_after = match waiting {
        Some(pids) => db.still_waiting(pids).await.map(Some),
        None => Ok(None),
    };
    let remaining = db.remaining(wanted, &known(plan)).await;
    let failed = [returned.as_ref().err(), waiting_after.as_ref().err(), remaining.as_ref().err()];
    head.warnings.extend(failed.into_iter().flatten().next().map(|error| Warning {
        code: "not_counted",
        message: format!("what matches now could not be counted: {error}"),
        hint: None,
    }));
    Aftermath {
        remaining: remaining.ok(),
        returned: returned.ok().flatten(),
        waiting_before: number(waiting),
        waiting_after: waiting_after.ok().flatten(),
    }
}

fn number(pids: Option<&[i32]>) -> Option<i64> {
    i64::try_from(pids?.len()).ok()
}

/// Says what became of sessions as it is seen, to whoever wants to know everything.
fn tell(changes: &[OutcomeChange], context: &Context) {
    for OutcomeChange { pid, result } in changes {
        context.ui.detail(&format!("pid {pid}: {}", result.word().replace('_', " ")));
    }
}

/// What is to be known where it could not be seen what the signals came to.
pub(super) fn not_verified(error: &db::Error) -> Warning {
    Warning {
        code: "not_verified",
        message: format!("what became of the signalled sessions could not be seen: {error}"),
        hint: None,
    }
}

/// What is asked for, checked for sense, and how far it reaches.
fn wanted(action: Action, targets: &Targets, context: &Context) -> Result<(Wanted, Reach), Failure> {
    let filter = targets.filters.filter();
    let named = !targets.named.is_empty();
    let refused = |message: &str, hint: &str| Err(Failure::refused(message).hinted(hint));
    if targets.all && (named || !filter.is_empty()) {
        return refused("--all means every session", "leave out --all, or the other targets and filters");
    }
    if targets.filters.all_backends && !named {
        return refused(
            "server processes, walsenders and workers are only acted on by pid",
            "find the pid with: pgconn ls --all-backends",
        );
    }
    if !targets.all && !named && filter.is_empty() {
        let hint = match &context.connection.dbname {
            Some(_) => "-d says where to connect; --db NAME selects the sessions of a database",
            None => "give pids, session ids or filters such as --db NAME; --all for every session",
        };
        let word = if action == Action::Cancel { "cancel" } else { "kill" };
        return refused(&format!("{word}: which sessions?"), hint);
    }
    let reach = match () {
        () if named => Reach::Named,
        () if filter.can_match_everything() => Reach::Everything,
        () => Reach::Filtered,
    };
    let named = targets.named.clone();
    Ok((Wanted { named, filter, all_backends: targets.filters.all_backends, ..Wanted::default() }, reach))
}

/// Whether the act may go ahead, by the flags, `PGCONN_CONFIRM` and the terminal. A dry run needs no consent.
///
/// # Errors
/// When it may not.
pub(super) fn consent(
    reach: Reach,
    yes: &args::Yes,
    dry_run: bool,
    context: &Context,
) -> Result<Consent, Failure> {
    protect(yes, dry_run, context)?;
    let always = match std::env::var("PGCONN_CONFIRM").unwrap_or_default().as_str() {
        "" => context.defaults().confirms_always().then_some("confirm in config.toml demands --yes"),
        "always" => Some("PGCONN_CONFIRM=always demands --yes"),
        other => {
            let message = format!("PGCONN_CONFIRM is \"{other}\"; nothing was done");
            return Err(Failure::usage(message).hinted("its one value is always: demand --yes everywhere"));
        }
    };
    match consent::consent(
        reach,
        Circumstances { yes: yes.is_given(), always, terminal: context.ui.is_terminal() },
    ) {
        Consent::Missing(why) if !dry_run => Err(Failure::refused(format!("{why}; nothing was done"))
            .hinted("look first with --dry-run, then add --yes")),
        consent => Ok(consent),
    }
}

/// Where a plan is shown: whoever is then asked has to see it.
pub(super) fn plan_channel(consent: Consent, context: &Context) -> Ui {
    if matches!(consent, Consent::Ask) { context.ui.asking() } else { context.ui }
}

/// Shows what is about to be done, with its warnings: to whoever is then asked in every format and however quiet the run
/// is. What has been said is not said again, unless the result itself carries it.
pub(super) fn present(blocks: &[Block], head: &mut Head, consent: Consent, context: &Context) {
    let ui = plan_channel(consent, context);
    for warning in &head.warnings {
        ui.warning(warning);
    }
    ui.show(blocks);
    if !context.format().is_document(false) {
        head.warnings.clear();
    }
}

/// Whether the plan stands above the result, on the same screen: what went as planned is not told again.
pub(super) fn is_shown_above(consent: Consent, context: &Context) -> bool {
    let shown = consent == Consent::Ask || !context.flags.quiet;
    let seen = plan_channel(consent, context).screen().is_some();
    shown && seen && context.output.borrow().look().width.is_some() && context.format() == Format::Table
}

/// Refuses to act on a server that a list calls protected without its name.
fn protect(yes: &args::Yes, dry_run: bool, context: &Context) -> Result<(), Failure> {
    let spec = context.spec.as_ref();
    let name = spec.map(|spec| spec.name.as_str());
    if let Some(target) = yes.target()
        && Some(target) != name
    {
        let asked = name.map_or("no server of a list".to_owned(), |name| format!("\"{name}\""));
        let failure =
            Failure::usage(format!("--yes={target} is for another server: this run is about {asked}"));
        return Err(failure.hinted("--yes takes a value for a protected server of --targets alone"));
    }
    match spec {
        Some(spec) if spec.protected && !dry_run && yes.target().is_none() => {
            Err(Failure::refused(format!("\"{}\" is protected; nothing was done", spec.name))
                .hinted(format!("look first with --dry-run, then add --yes={}", quote::shell(&spec.name))))
        }
        _ => Ok(()),
    }
}

/// Asks at the terminal; an answer that is not yes ends the run, and so does a signal.
async fn ask(action: Action, targets: usize, db: &Db, context: &Context) -> Result<()> {
    let these = if targets == 1 { "this session".into() } else { format!("these {targets} sessions") };
    let what = match action {
        Action::Terminate => format!("Terminate {these}"),
        Action::Cancel => format!("Cancel what {these} {}", if targets == 1 { "runs" } else { "run" }),
    };
    confirm(&format!("{what} on {}?", db.target().place()), context).await
}

/// Asks `question` and ends the run unless the answer is yes.
pub(super) async fn confirm(question: &str, context: &Context) -> Result<()> {
    let alarm = context.production().map(|name| format!("{name} is production."));
    let yes = tokio::select! {
        answer = context.ui.ask(alarm.as_deref(), question) => answer?,
        signal = context.stop.pulled() => {
            let interrupted = Failure::failed("interrupted; nothing was done");
            return Err(Failure { code: "interrupted", exit: signal.exit(), ..interrupted }.into());
        }
    };
    if yes { Ok(()) } else { Err(Failure::failed("not confirmed; nothing was done").into()) }
}

/// Signals are only sent to what is known to be PostgreSQL.
pub(super) fn refuse_other_products(server_context: &ServerContext) -> Result<(), Failure> {
    match server_context.other_product() {
        None => Ok(()),
        Some(product) => Err(Failure::refused(format!("this server is {product}; nothing was done"))
            .hinted("sessions are only signalled on PostgreSQL 12 and later; use that product's own means")),
    }
}

/// Every session of the plan, as it can be recognised.
fn known(plan: &Plan) -> Vec<KnownSession> {
    let present = plan.steps.iter().filter(|step| step.outcome.permitted.is_some());
    let known = present.map(|step| KnownSession {
        pid: step.outcome.pid,
        backend_start: step.outcome.backend_start.clone(),
        acted_on: step.identity.is_some(),
    });
    known.collect()
}

fn exit(plan: &Plan, context: &Context) -> Exit {
    let counts = plan.counts();
    match (context.stop.signal(), counts.failed, counts.succeeded) {
        (Some(signal), ..) => signal.exit(),
        (None, 0, _) => Exit::Done,
        (None, _, 0) => Exit::Failed,
        (None, ..) => Exit::Partly,
    }
}

/// What to do next, as far as the outcome tells.
fn hints(
    context: &Context,
    server_context: &ServerContext,
    plan: &Plan,
    wanted: &Wanted,
    after: Aftermath,
) -> Vec<String> {
    let mut hints = Vec::new();
    let roles = plan.missing_roles();
    if !roles.is_empty() {
        let role = quote::shown(&server_context.rights.role);
        hints.push(format!("GRANT {} TO {role}", roles.join(", ")));
    }
    let is_new = wanted.named.is_empty() && after.remaining.is_some_and(|remaining| remaining.new > 0);
    let is_back = after.returned.is_some_and(|returned| returned > 0);
    if plan.action == Action::Terminate && (is_new || is_back) {
        let database = match wanted.filter.databases.as_slice() {
            [term] if !term.exclude => match &term.value {
                Name::Exact(name) => name,
                Name::Glob(_) => "NAME",
            },
            _ => only_database(plan).unwrap_or("NAME"),
        };
        let hint = Hint::from("clients connect again as fast as they are ended; to keep them out: ");
        let drain = Command::pgconn("drain").with("--db", database);
        hints.push(hint.call(drain).shown(&context.lead()));
    }
    hints
}

/// The one database that all ended sessions were in.
fn only_database(plan: &Plan) -> Option<&str> {
    let ended = || plan.steps.iter().filter(|step| step.outcome.result == Fate::Terminated);
    let first = ended().next()?.outcome.database.as_deref()?;
    ended().all(|step| step.outcome.database.as_deref() == Some(first)).then_some(first)
}

fn sessions(number: i64) -> String {
    text::count(number, "session")
}
