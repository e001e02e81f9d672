//! The clients that filters select, and what would become of each.

use std::net::IpAddr;

use anyhow::Result;
use tokio::time::Instant;

use crate::analyze::plan::{self, Step};
use crate::analyze::pooler::{End, PoolerSelection, leads_to};
use crate::commands::act::refuse_other_products;
use crate::db::Db;
use crate::db::console::Console;
use crate::model::act::{Action, Fate, Identity, OWN_APPLICATION, Outcome, StillIn, Through, Wanted};
use crate::model::pooler::{Database, Link};
use crate::model::server;
use crate::model::session::Named;

/// Who ends a client.
pub(super) enum Means {
    /// The pooler.
    Pooler,
    /// The server, by ending the session that serves it.
    Server(Box<Db>),
}

/// A client that was selected, and what is done with it.
pub(super) struct SelectedClient {
    pub(super) link: Link,
    pub(super) step: Step,
}

/// The clients that are selected, each with what would become of it.
pub(super) async fn find(
    console: &Console,
    means: &Means,
    selection: &PoolerSelection,
) -> Result<Vec<SelectedClient>> {
    let asked = Instant::now();
    let mut links = console.links().await?;
    links.retain(|link| link.client.is_some() && selection.has_link(link, false));
    match means {
        Means::Pooler => Ok(links.into_iter().map(by_the_pooler).collect()),
        Means::Server(db) => by_the_server(db, links, &console.databases().await?, asked).await,
    }
}

fn by_the_pooler(link: Link) -> SelectedClient {
    let spared = spared(&link);
    let is_numbered = link.client.as_ref().is_some_and(|client| client.id.is_some());
    let (fate, why) = match spared {
        Some(why) => (Fate::Protected, Some(why)),
        None if is_numbered => (Fate::WouldTerminate, None),
        None => (Fate::WouldFail, Some("the pooler does not say its number")),
    };
    let step = step(outcome(&link, Through::Pooler, fate, why));
    SelectedClient { link, step }
}

/// Other sessions of pgconn are spared from filters, as on the server.
fn spared(link: &Link) -> Option<&'static str> {
    let application = link.client.as_ref().and_then(|client| client.application_name.as_deref());
    (application == Some(OWN_APPLICATION)).then_some("another session of pgconn")
}

async fn by_the_server(
    db: &Db,
    links: Vec<Link>,
    databases: &[Database],
    asked: Instant,
) -> Result<Vec<SelectedClient>> {
    let pids = links.iter().filter_map(|link| link.server.as_ref()?.pid);
    let wanted =
        Wanted { named: pids.map(|pid| Named { pid, started: None }).collect(), ..Wanted::default() };
    if wanted.named.is_empty() {
        return Ok(links.into_iter().map(|link| without_session(link, db.target())).collect());
    }
    let (server_context, facts) = db.facts(&wanted).await?;
    refuse_other_products(&server_context)?;
    let age = asked.elapsed().as_secs_f64();
    let plan = plan::plan(Action::Terminate, &wanted, &facts);
    let selected = |link: Link| {
        let candidate = facts.candidates.iter().find(|candidate| {
            let session = &candidate.session;
            let since = session.xact_seconds.or(session.state_seconds);
            // A connection changes hands between transactions only: this one was open when the pooler was asked.
            leads_to(&link, databases, &End::from(session)) && since.is_some_and(|since| since >= age)
        });
        let step = candidate
            .and_then(|candidate| plan.steps.iter().find(|step| step.outcome.pid == candidate.session.pid));
        let (Some(candidate), Some(step)) = (candidate, step) else {
            return without_session(link, db.target());
        };
        let session = &candidate.session;
        let still_in = match (&session.xact_start, &session.state_change) {
            (Some(began), _) => Some(StillIn::Transaction(began.clone())),
            (None, Some(began)) => Some(StillIn::State(began.clone())),
            (None, None) => None,
        };
        let mut step = step.clone();
        step.identity = step
            .identity
            .zip(still_in)
            .map(|(identity, still_in)| Identity { still_in: Some(still_in), ..identity });
        let client = outcome(&link, Through::Server, step.outcome.result, None);
        step.outcome = Outcome {
            application_name: client.application_name,
            client: client.client,
            client_port: client.client_port,
            pooled: true,
            through: Through::Server,
            ..step.outcome
        };
        step.named = false;
        if let Some(why) = spared(&link) {
            step.identity = None;
            (step.outcome.result, step.outcome.error) = (Fate::Protected, Some(why.into()));
        }
        SelectedClient { link, step }
    };
    Ok(links.into_iter().map(selected).collect())
}

/// A client that has no session on the server, so that nothing there can end it.
fn without_session(link: Link, asked: &server::Target) -> SelectedClient {
    let why = elsewhere(&link, asked).unwrap_or_else(|| {
        "no session on the server serves it just now, and this pooler cannot end clients".to_owned()
    });
    let step = step(outcome(&link, Through::Server, Fate::WouldFail, Some(&why)));
    SelectedClient { link, step }
}

/// Says so when the pooler's server for it is not the one that was asked. Of a name and an address, the ports tell.
fn elsewhere(link: &Link, asked: &server::Target) -> Option<String> {
    let server = link.server.as_ref()?;
    let (addr, port) = (server.addr.as_deref()?, server.port?);
    let address = |text: &str| text.parse::<IpAddr>().ok();
    let differs = address(addr).zip(address(&asked.host)).is_some_and(|(one, other)| one != other);
    (differs || port != i64::from(asked.port)).then(|| {
        let place =
            if addr == "local" { format!("the socket of port {port}") } else { server::place(addr, port) };
        format!("the pooler's server for it is {place}, not {}: name that with -d", asked.place())
    })
}

pub(super) fn outcome(link: &Link, through: Through, result: Fate, why: Option<&str>) -> Outcome {
    let client = link.client.as_ref();
    Outcome {
        pid: link.server.as_ref().and_then(|server| server.pid).unwrap_or(0),
        session_id: None,
        backend_start: None,
        database: Some(link.database.clone()),
        role: Some(link.user.clone()),
        application_name: client.and_then(|client| client.application_name.clone()),
        client: client.and_then(|client| client.addr.clone()),
        client_port: client.and_then(|client| client.port),
        pooled: true,
        through,
        state: client.map(|client| client.state.clone()),
        state_seconds: client.and_then(|client| client.wait_seconds),
        xact_seconds: None,
        locks_held: None,
        sessions_waiting: None,
        leaves_behind: None,
        permitted: None,
        result,
        unseen: false,
        error: why.map(str::to_owned),
    }
}

pub(super) const fn step(outcome: Outcome) -> Step {
    Step {
        outcome,
        identity: None,
        named: false,
        selected: Some(true),
        running: false,
        prevents_wraparound: false,
        missing_roles: &[],
    }
}
