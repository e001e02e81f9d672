//! `kill --pooler`: ends clients where they are connected. PgBouncer does that itself from 1.24 on (`KILL_CLIENT`); with
//! an older one, the session on the server that serves the client is ended, on which the pooler lets go of the client.

mod find;

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::audit::Audit;
use super::report::{self, ActReport, Aftermath};
use super::{Targets, confirm, consent, emit, exit, log_file, not_verified, plan_channel, present};
use crate::act::{Act, Done, SignalLog, unlogged};
use crate::analyze::consent::{Consent, Reach};
use crate::analyze::plan::{Plan, Step};
use crate::analyze::pooler::PoolerSelection;
use crate::commands::Context;
use crate::commands::head::about_connection;
use crate::commands::screen_room::Part;
use crate::db::console::Console;
use crate::db::{self, ErrorKind, Uninterrupted};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::act::{Action, Fate, Outcome, Remaining, Through, Wanted};
use crate::model::filter::Filter;
use crate::model::pooler::Link;
use crate::model::session::Named;
use crate::poolconf::pgbouncer::Version;
use crate::render::{Head, Warning, text};
use find::{Means, SelectedClient, find, outcome, step};

/// The pause between two looks at whether they are gone.
const PAUSE: Duration = Duration::from_millis(50);

/// Plans, asks, acts and reports.
pub(in crate::commands) async fn run(
    conninfo: &str,
    targets: &Targets,
    settle: Duration,
    context: &mut Context,
) -> Result<Exit> {
    let (selection, reach) = selection(targets)?;
    let consent = consent(reach, &targets.yes, targets.dry_run, context)?;
    let log = log_file(targets, context)?;
    let console = context.pooler(conninfo).await?;
    let mut head = Head { target: Some(console.target().clone()), ..Head::default() };
    head.warnings.extend(console.notices().iter().map(about_connection));
    let means = means(&console, context).await?;
    let mut emergency = false;
    if let Means::Server(db) = &means {
        head.warnings.extend(db.notices().iter().map(about_connection));
        emergency = db.is_emergency();
    }
    let mut found = find(&console, &means, &selection).await?;
    let matched = found.len();
    if let Some(max) = targets.max.filter(|max| matched > usize::try_from(*max).unwrap_or(usize::MAX)) {
        let clients = text::count(i64::try_from(matched)?, "client");
        let message = format!("{clients} match, more than --max {max}; nothing was done");
        return Err(Failure::refused(message).hinted("see them with --dry-run").into());
    }
    let before: Vec<Link> = found.iter().map(|selected| selected.link.clone()).collect();
    if !targets.dry_run && !found.is_empty() {
        let plan = plan_of(found);
        let screen = plan_channel(consent, context).screen();
        present(&report::preview(&plan, screen, &head), &mut head, consent, context);
        if consent == Consent::Ask && plan.steps.iter().any(acts) {
            let number = plan.steps.iter().filter(|step| acts(step)).count();
            let these = if number == 1 { "this client".into() } else { format!("these {number} clients") };
            confirm(&format!("End {these} of the pooler on {}?", console.target().place()), context).await?;
        }
        // Who serves whom changes with every transaction.
        found = find(&console, &means, &selection).await?;
        found.retain(|selected| before.iter().any(|earlier| is_same(earlier, &selected.link)));
        found.extend(gone(&before, &found));
    }
    if targets.dry_run {
        console.close().await;
        let report = ActReport::new(&plan_of(found), true, Aftermath::default(), emergency);
        emit(&report.on_screen(Part::of(context, &head, &[])), &head, context)?;
        return Ok(Exit::Done);
    }
    for outcome in found.iter_mut().map(|selected| &mut selected.step.outcome) {
        if outcome.result == Fate::WouldFail {
            outcome.result = Fate::Failed;
        }
    }
    let console = console.until_done();
    let earlier = if settle.is_zero() { None } else { console.links().await.ok() };
    let deadline = Instant::now() + targets.verify;
    let wanted = Wanted { filter: targets.filters.filter(), ..Wanted::default() };
    let target = if let Means::Server(db) = &means { db.target() } else { console.target() };
    let mut audit = log.map(|log| log.of(target, &wanted));
    let db = match means {
        Means::Pooler => {
            at_the_pooler(&console, &mut found, audit.as_mut(), context).await;
            None
        }
        Means::Server(db) => {
            let db = db.until_done();
            let unverified = at_the_server(&db, &mut found, audit.as_mut(), targets.verify, context).await;
            head.warnings.extend(unverified);
            Some(db)
        }
    };
    watch(&console, &mut found, audit.as_mut(), deadline, context).await;
    let returned = returned(&console, &found, earlier, settle, context).await;
    let remaining = remaining(&console, &selection, &before).await;
    console.close().await;
    if let Some(db) = db {
        db.close().await;
    }
    let plan = plan_of(found);
    let logged = audit.map_or(Ok(()), |audit| audit.finish(&plan));
    let exit = exit(&plan, context);
    let after = Aftermath { remaining, returned, ..Aftermath::default() };
    emit(&ActReport::new(&plan, false, after, emergency), &head, context)?;
    logged?;
    Ok(exit)
}

/// What of the targets a pooler can decide.
fn selection(targets: &Targets) -> Result<(PoolerSelection, Reach), Failure> {
    let filter = targets.filters.filter();
    let refused = |message: &str, hint: &str| Err(Failure::refused(message).hinted(hint));
    let lasting = !filter.states.is_empty()
        || !filter.queries.is_empty()
        || filter.idle_for.or(filter.xact_for).or(filter.query_for).is_some();
    if !targets.named.is_empty() || targets.all || targets.filters.all_backends || lasting {
        return refused(
            "with --pooler, clients are selected by --client, --app, --role and --db",
            "pids and what a session does belong to the server: leave --pooler out",
        );
    }
    if filter.is_empty() {
        return refused("which clients?", "give --client ADDR; see who there is with pgconn pooler clients");
    }
    let reach = if filter.can_match_everything() { Reach::Everything } else { Reach::Filtered };
    let Filter { databases, roles, applications, clients, .. } = filter;
    Ok((PoolerSelection { databases, roles, applications, clients, states: Vec::new() }, reach))
}

/// Whether this pooler can end clients; says which way is taken.
async fn means(console: &Console, context: &Context) -> Result<Means> {
    let product = console.product();
    let version = Version::parse(&product.version);
    if product.is_pgbouncer() && version.is_some_and(|version| version.at_least(24)) {
        context.ui.status(&format!("{} {} ends clients itself (KILL_CLIENT)", product.name, product.version));
        return Ok(Means::Pooler);
    }
    let db = context.connect().await.map_err(|error| unreached(error, console, context))?;
    context.ui.status(&format!(
        "{} has no KILL_CLIENT{}: the session on {} that serves a client is ended instead",
        format!("{} {}", product.name, product.version).trim(),
        if product.is_pgbouncer() { " (1.24 and later)" } else { "" },
        db.target().place()
    ));
    Ok(Means::Server(Box::new(db)))
}

/// Why the server is not there: perhaps nobody said which one, because nobody knew that it is needed.
fn unreached(error: db::Error, console: &Console, context: &Context) -> Failure {
    let failure = Failure::from(error);
    let given = &context.connection;
    let typed = [&given.host, &given.port, &given.dbname].into_iter().any(Option::is_some);
    let is_named = typed || !given.service.is_empty() || context.spec.is_some();
    if is_named || failure.exit != Exit::NoConnection {
        return failure;
    }
    let product = console.product();
    let message = format!(
        "{} {} has no KILL_CLIENT: the session on the server is ended instead; name that server with -h or -d",
        product.name, product.version
    );
    let detail = Some(failure.message.clone());
    Failure { message, detail, ..failure }
}

fn acts(step: &Step) -> bool {
    step.outcome.result == Fate::WouldTerminate
}

fn plan_of(selected: Vec<SelectedClient>) -> Plan {
    Plan { action: Action::Terminate, steps: selected.into_iter().map(|client| client.step).collect() }
}

/// Whether it is the same client, by its number or, before there were numbers, by all that a connection keeps.
fn is_same(left: &Link, right: &Link) -> bool {
    let (Some(one), Some(other)) = (&left.client, &right.client) else { return false };
    match (one.id, other.id) {
        (Some(one), Some(other)) => one == other,
        _ => {
            (&one.pointer, &one.addr, one.port, one.pid, &one.connected_at)
                == (&other.pointer, &other.addr, other.port, other.pid, &other.connected_at)
                && (&left.database, &left.user) == (&right.database, &right.user)
        }
    }
}

/// Those of `before` that are not in `now`: they went by themselves.
fn gone(before: &[Link], now: &[SelectedClient]) -> Vec<SelectedClient> {
    let left = before.iter().filter(|link| !now.iter().any(|selected| is_same(link, &selected.link)));
    left.map(|link| {
        let why = Some("it ended before it could be signalled");
        let step = step(outcome(link, Through::Pooler, Fate::Gone, why));
        SelectedClient { link: link.clone(), step }
    })
    .collect()
}

async fn at_the_pooler(
    console: &Console,
    found: &mut [SelectedClient],
    mut audit: Option<&mut Audit>,
    context: &Context,
) {
    for selected in found.iter_mut().filter(|selected| acts(&selected.step)) {
        let Some(id) = selected.link.client.as_ref().and_then(|client| client.id) else { continue };
        if context.stop.signal().is_some() {
            interrupted(&mut selected.step.outcome);
            continue;
        }
        let noted = audit.as_deref_mut().map(|audit| audit.sending(Action::Terminate, &[&selected.step]));
        let outcome = &mut selected.step.outcome;
        if let Some(Err(error)) = noted {
            (outcome.result, outcome.error) = (Fate::Failed, Some(unlogged(&error)));
            continue;
        }
        (outcome.result, outcome.error) = match console.kill_client(id).await {
            Ok(true) => (Fate::Signalled, None),
            Ok(false) => (Fate::Gone, Some("it ended before it could be signalled".into())),
            Err(error) if error.kind == ErrorKind::PermissionDenied => {
                (Fate::NotPermitted, Some(error.hint.map_or(error.message, |hint| hint.to_string())))
            }
            Err(error) => (Fate::Failed, Some(error.message)),
        };
    }
}

fn interrupted(outcome: &mut Outcome) {
    (outcome.result, outcome.error) = (Fate::Failed, Some("interrupted before the client was ended".into()));
}

/// Signals the sessions one by one, each as long as it is still in the transaction that was seen, then watches them all.
async fn at_the_server(
    db: &Uninterrupted,
    found: &mut [SelectedClient],
    mut audit: Option<&mut Audit>,
    verify: Duration,
    context: &Context,
) -> Option<Warning> {
    for selected in
        found.iter_mut().filter(|selected| acts(&selected.step) && selected.step.identity.is_some())
    {
        if context.stop.signal().is_some() {
            interrupted(&mut selected.step.outcome);
            continue;
        }
        let named = vec![Named { pid: selected.step.outcome.pid, started: None }];
        let wanted = Wanted { named, ..Wanted::default() };
        let plan = Plan { action: Action::Terminate, steps: vec![selected.step.clone()] };
        let log = audit.as_deref_mut().map(|audit| audit as &mut dyn SignalLog);
        let mut act = Act::new(plan, &wanted, None, verify).logged(log);
        act.step(db, false).await;
        if let Some(done) = act.end().plan.steps.into_iter().next() {
            selected.step = done;
        }
    }
    let steps = found.iter().map(|selected| selected.step.clone()).collect();
    let (all, plan) = (Wanted::default(), Plan { action: Action::Terminate, steps });
    let mut act = Act::watching(plan, &all, verify);
    act.run(db, &context.stop, |_| {}).await;
    let Done { plan, unverified, .. } = act.end();
    for (selected, step) in found.iter_mut().zip(plan.steps) {
        selected.step = step;
    }
    unverified.as_ref().map(not_verified)
}

/// Looks again and again until every client that was to end is gone from the pooler, or time is up. What the pooler
/// does not answer any more leaves it open.
async fn watch(
    console: &Console,
    found: &mut [SelectedClient],
    mut audit: Option<&mut Audit>,
    deadline: Instant,
    context: &Context,
) {
    loop {
        let last = context.stop.signal().is_some() || Instant::now() >= deadline;
        let Ok(links) = console.links().await else { return };
        let mut open = false;
        for selected in found.iter_mut() {
            let there = links.iter().any(|link| is_same(link, &selected.link));
            let outcome = &mut selected.step.outcome;
            match outcome.result {
                Fate::Signalled if !there => outcome.result = Fate::Terminated,
                Fate::Terminated if there && last => {
                    outcome.result = Fate::Signalled;
                    outcome.error =
                        Some("its session on the server is gone, and the pooler still shows it".into());
                }
                Fate::Signalled | Fate::Terminated => open |= there,
                _ => {}
            }
            if let Some(audit) = audit.as_deref_mut().filter(|_| !there) {
                audit.outcome(&selected.step);
            }
        }
        if last || !open {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// How many clients came back within `settle`: those that were not there `earlier` and come from where ended ones came from. None when
/// that was not watched, or the pooler does not answer any more.
async fn returned(
    console: &Console,
    found: &[SelectedClient],
    earlier: Option<Vec<Link>>,
    settle: Duration,
    context: &Context,
) -> Option<i64> {
    let earlier = earlier?;
    let ended = || found.iter().filter(|selected| selected.step.outcome.result == Fate::Terminated);
    let all = i64::try_from(ended().count()).ok().filter(|all| *all > 0)?;
    let is_back = |link: &Link| {
        ended().any(|selected| has_same_origin(&selected.link, link))
            && !earlier.iter().any(|known| is_same(known, link))
    };
    let until = Instant::now() + settle;
    loop {
        let last = context.stop.signal().is_some() || Instant::now() >= until;
        let links = console.links().await.ok()?;
        let number = i64::try_from(links.iter().filter(|link| is_back(link)).count()).ok()?;
        if last || number >= all {
            return Some(number);
        }
        sleep(PAUSE).await;
    }
}

/// Whether both are clients of the same database, role, application and address.
fn has_same_origin(one: &Link, other: &Link) -> bool {
    let (Some(left), Some(right)) = (&one.client, &other.client) else { return false };
    (&one.database, &one.user, &left.application_name, &left.addr)
        == (&other.database, &other.user, &right.application_name, &right.addr)
}

/// What the filters select now, if the pooler still answers.
async fn remaining(console: &Console, selection: &PoolerSelection, before: &[Link]) -> Option<Remaining> {
    let mut links = console.links().await.ok()?;
    links.retain(|link| link.client.is_some() && selection.has_link(link, false));
    let new = links.iter().filter(|link| !before.iter().any(|earlier| is_same(earlier, link))).count();
    Some(Remaining {
        matching: i64::try_from(links.len()).ok()?,
        new: i64::try_from(new).ok()?,
        other_backends: 0,
    })
}
