//! What a live screen asks of the server, and does there: by the questions, the judgement and the acts that the commands have.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::event::{
    ActRequest, Acted, Content, Detail, Event, PlanRequest, Planned, PoolerSeen, Request, Seen, SessionKey,
    View,
};
use super::services::Services;
use crate::act::{Act, Done};
use crate::analyze::blocking::{Graph, edges, free_sets, prepared_at};
use crate::analyze::plan;
use crate::analyze::{freeing, pooler, usage};
use crate::db::{Db, Error, ScreenListing, Selection, WaitsLookedAt};
use crate::model::act::{Action, Wait, Wanted};
use crate::model::blocking::{FreeingAct, Waits};
use crate::model::filter::Filter;
use crate::model::screen::ScreenContext;
use crate::model::usage::Usage;
use crate::observe::{Observer, OfConsole, OfServer, Patience, UnderWay};
use crate::stop::Stop;

/// How many waits are looked at: each costs the lock manager a moment of standstill.
const MOST_WAITS: usize = 200;
/// How many groups are listed of each kind.
const MOST_GROUPS: usize = 20;
/// How long it is watched what becomes of who was signalled.
const VERIFY: Duration = Duration::from_secs(5);
/// How long a signal may be due: what was agreed to before is not done any more.
const STILL_MEANT: Duration = Duration::from_secs(2);

/// Looks at what is wanted. What the server is need not be asked again where it is `known`.
///
/// # Errors
/// When the server does not answer, or refuses a value of the filter.
pub(super) async fn look(
    db: &Db,
    request: &Request,
    known: Option<Arc<ScreenContext>>,
) -> Result<Seen, Error> {
    let began = Instant::now();
    let (context, overview, rows) = db.screen(&request.listing, known).await?;
    let Selection { filter, .. } = &request.listing.selection;
    let content = match request.view {
        View::Sessions | View::Trouble => Content::Sessions(rows),
        View::Blockers => {
            let (waits, acts) = waits(db, filter, request.listing.query_bytes).await?;
            Content::Waits(waits, acts)
        }
        View::Groups => {
            Content::Groups(Box::new(counted(db, &request.listing.selection, MOST_GROUPS).await?))
        }
        View::Limits => Content::Usage(Box::new(counted(db, &request.listing.selection, 0).await?)),
        View::Pooler => Content::Elsewhere,
    };
    let detail = match &request.detail {
        Some(key) => detail(db, key, &request.listing, &context).await?.map(Box::new),
        None => None,
    };
    Ok(Seen { about: request.about, context, overview, content, detail, took: began.elapsed() })
}

/// Looks at the pools behind a pooler's console, within its own limit of time.
pub(super) fn look_at_pooler<'a>(
    mut observer: Observer<OfConsole>,
) -> UnderWay<'a, OfConsole, Result<PoolerSeen, Error>> {
    Box::pin(async move {
        let deadline = observer.source().endpoint.deadline();
        let facts = observer.look_within(&deadline, Patience::NONE, async |console| console.facts().await);
        let seen = facts.await.map(|facts| PoolerSeen {
            product: format!("{} {}", facts.product.name, facts.product.version),
            pools: pooler::usage(&facts, |_| true).pools,
        });
        (observer, Ok(seen))
    })
}

async fn waits(
    db: &Db,
    filter: &Filter,
    query_bytes: Option<u32>,
) -> Result<(Waits, Vec<FreeingAct>), Error> {
    let (_, mut waits) = db.waits(filter, WaitsLookedAt::Longest(MOST_WAITS), query_bytes).await?;
    if !filter.is_empty() {
        let chosen = waits.sessions.iter().filter(|session| session.matches != Some(false));
        let chosen: Vec<i32> = chosen.map(|session| session.pid).collect();
        let kept = Graph::of(&edges(&waits.sessions, &waits.prepared)).relatives(&chosen);
        waits.sessions.retain(|session| kept.contains(&session.pid));
        waits.prepared.retain(|prepared| prepared.waiting_pids.iter().any(|pid| kept.contains(pid)));
    }
    let graph = Graph::of(&edges(&waits.sessions, &waits.prepared));
    let sets = free_sets(&graph, &waits.sessions, &waits.prepared);
    if sets.is_empty() {
        return Ok((waits, Vec::new()));
    }
    let facts = db.who_they_are(&freeing::wanted(&sets)).await?;
    let prepared_of = |pid| prepared_at(&waits.prepared, pid);
    let acts = freeing::freeing_acts(&sets, &waits.sessions, prepared_of, &facts);
    Ok((waits, acts))
}

async fn counted(db: &Db, selection: &Selection, most: usize) -> Result<Usage, Error> {
    let add = |groups: &mut usage::Groups, tally| groups.add(&tally);
    let none = || usage::Groups::of_at_most(most);
    let (server, groups, _) = db.tallies(selection, none, add).await?;
    Ok(groups.into_usage(server.limits))
}

/// Everything about one session; none when it is not there any more.
async fn detail(
    db: &Db,
    key: &SessionKey,
    listing: &ScreenListing,
    context: &Arc<ScreenContext>,
) -> Result<Option<Detail>, Error> {
    let one = ScreenListing {
        selection: Selection { all_backends: true, ..Selection::default() },
        limit: 1,
        pins: vec![key.pid],
        query_bytes: listing.query_bytes.filter(|bytes| *bytes == 0),
        ..ScreenListing::default()
    };
    let (_, _, rows) = db.screen(&one, Some(Arc::clone(context))).await?;
    let is_it = |start: Option<&String>| start == Some(&key.backend_start);
    let row =
        rows.into_iter().find(|row| row.session.pid == key.pid && is_it(row.session.backend_start.as_ref()));
    let Some(row) = row else { return Ok(None) };
    let wanted = Wanted { named: vec![key.named()], all_backends: true, ..Wanted::default() };
    let (_, facts) = db.facts(&wanted).await?;
    let plan = plan::plan(Action::Terminate, &wanted, &facts);
    let step = plan.steps.into_iter().find(|step| step.outcome.pid == key.pid);
    let locks = facts.locks.iter().find(|locks| locks.pid == key.pid);
    let blocked_by = facts.waits.iter().filter(|wait| wait.pid == key.pid);
    let waiting = (!facts.waits_cut).then(|| {
        let waiting =
            crate::analyze::blocking::graph(facts.waits.iter().map(Wait::edges)).waiting_for(&[key.pid]);
        let mut waiting: Vec<i32> = waiting.into_iter().collect();
        waiting.sort_unstable();
        waiting
    });
    Ok(Some(Detail {
        row,
        locks_held: locks.map_or(0, |locks| locks.held),
        advisory_locks: locks.map_or(0, |locks| locks.advisory),
        blocked_by: blocked_by.flat_map(|wait| wait.blocked_by.clone()).collect(),
        waiting,
        leaves_behind: step.as_ref().and_then(|step| step.outcome.leaves_behind.clone()),
        why_not: step.filter(|step| step.identity.is_none()).and_then(|step| step.outcome.error),
    }))
}

/// Makes the plan that a dialog wants; says why where there can be none.
///
/// # Errors
/// When the server does not answer.
pub(super) async fn plan(
    db: &Db,
    request: &PlanRequest,
    services: Services<'_>,
) -> Result<Result<Planned, String>, Error> {
    let (server, facts) = db.facts(&request.wanted).await?;
    if let Some(product) = server.other_product() {
        return Ok(Err(format!(
            "this server is {product}: sessions are only signalled on PostgreSQL 12 and later"
        )));
    }
    let plan = plan::plan(request.action, &request.wanted, &facts);
    let waiting = plan::waiting(&plan, &facts);
    let warnings = (services.warnings)(&plan, &facts);
    Ok(Ok(Planned { plan, waiting, warnings }))
}

/// Carries a plan out that was agreed to; `tell` gets to know what becomes of each session.
pub(super) async fn act(
    observer: &mut Observer<OfServer>,
    request: ActRequest,
    services: Services<'_>,
    stop: &Stop,
    tell: &UnboundedSender<Event>,
) -> Result<Acted, String> {
    let ActRequest { dialog, planned, wanted, agreed } = request;
    if agreed.elapsed() > STILL_MEANT {
        return Err("the server did not answer in time, and nobody was signalled".into());
    }
    let Some(db) = observer.take() else { return Err("there is no session with the server".into()) };
    let mut log = match (services.open_log)(db.target(), &wanted) {
        Ok(log) => log,
        Err(why) => {
            observer.keep(db);
            return Err(why);
        }
    };
    let Planned { plan, waiting, .. } = planned;
    let db = db.until_done();
    let mut act = Act::new(plan, &wanted, None, VERIFY).logged(log.as_mut().map(|log| log.as_signal_log()));
    act.run(&db, stop, |changes| {
        if !changes.is_empty() {
            // Who has gone needs no news.
            let _ = tell.send(Event::Progress(dialog, changes.to_vec()));
        }
    })
    .await;
    let Done { plan, unverified } = act.end();
    let mut notes = Vec::new();
    notes.extend(unverified.map(|error| format!("what became of them could not be seen: {error}")));
    notes.extend(log.and_then(|log| log.finish(&plan).err()));
    let waiting = match waiting {
        Some(pids) if !pids.is_empty() => match db.still_waiting(&pids).await {
            Ok(after) => Some((pids.len(), after)),
            Err(error) => {
                notes.push(format!("who waits now could not be counted: {error}"));
                None
            }
        },
        _ => None,
    };
    let roles = plan.missing_roles();
    notes.extend((!roles.is_empty()).then(|| format!("this role needs {}", roles.join(", "))));
    if !db.is_closed() {
        observer.keep(db.interruptible(stop.clone()));
    }
    Ok(Acted { outcomes: plan.steps.into_iter().map(|step| step.outcome).collect(), waiting, notes })
}
