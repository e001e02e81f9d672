//! Clients, connections to servers, and the two joined with the server's sessions, as tables and tab-separated values.

use crate::commands::listing::origin;
use crate::model::pooler::Link;
use crate::model::server::place;
use crate::model::session::Session;
use crate::render::table::{Align, Block, LEAST, Mark, Table};
use crate::render::{text, tsv};

/// What names and states of the join are cut to before a column is left out.
const JOIN_LEAST: usize = 16;

/// Who waits comes first, the longest first; then who is served; then what serves nobody.
pub(super) fn ordered(mut links: Vec<Link>) -> Vec<Link> {
    let rank = |link: &Link| match (&link.client, &link.server) {
        (Some(client), _) if client.wait_seconds.is_some() => 0,
        (Some(_), Some(_)) => 1,
        (Some(_), None) => 2,
        (None, _) => 3,
    };
    let wait = |link: &Link| link.client.as_ref().and_then(|client| client.wait_seconds).unwrap_or(0.0);
    let xact = |link: &Link| link.backend.as_ref().and_then(|session| session.xact_seconds).unwrap_or(0.0);
    links.sort_by(|left, right| {
        let by_rank = rank(left).cmp(&rank(right));
        by_rank.then(wait(right).total_cmp(&wait(left))).then(xact(right).total_cmp(&xact(left)))
    });
    links
}

fn known(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

fn age(seconds: Option<f64>) -> String {
    seconds.map(text::duration).unwrap_or_default()
}

fn counted(table: Table<'static>, number: usize, noun: &str) -> Vec<Block<'static>> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let mut blocks = Vec::new();
    if !table.is_empty() {
        blocks.push(Block::Table(table));
    }
    blocks.push(Block::marked(Mark::Dim, text::count(number, noun)));
    blocks
}

/// One line per client.
pub(super) fn clients(links: &[Link]) -> Vec<Block<'static>> {
    let mut table = Table::new(&[
        ("CLIENT", Align::Left),
        ("APPLICATION", Align::Left),
        ("DATABASE", Align::Left),
        ("USER", Align::Left),
        ("STATE", Align::Left),
        ("WAIT", Align::Age),
        ("SERVER-PID", Align::Right),
        ("SERVER-STATE", Align::Left),
    ])
    .sparing(&["SERVER-STATE", "SERVER-PID"])
    .keeping(&["CLIENT"], LEAST);
    for link in links {
        let Some(client) = &link.client else { continue };
        let server = link.server.as_ref();
        let mark = match client.state.as_str() {
            "idle" => Mark::Dim,
            _ if client.wait_seconds.is_some() => Mark::Bad,
            _ => Mark::Plain,
        };
        table.push(
            mark,
            [
                origin(client),
                known(client.application_name.as_ref()),
                link.database.clone(),
                link.user.clone(),
                client.state.clone(),
                age(client.wait_seconds),
                server.and_then(|server| server.pid).map(|pid| pid.to_string()).unwrap_or_default(),
                server.map(|server| server.state.clone()).unwrap_or_default(),
            ],
        );
    }
    counted(table, links.len(), "client")
}

/// One line per connection to a server.
pub(super) fn servers(links: &[Link]) -> Vec<Block<'static>> {
    let mut table = Table::new(&[
        ("PID", Align::Right),
        ("DATABASE", Align::Left),
        ("USER", Align::Left),
        ("STATE", Align::Left),
        ("SERVER", Align::Left),
        ("CLIENT", Align::Left),
        ("APPLICATION", Align::Left),
    ])
    .sparing(&["SERVER"])
    .keeping(&["SERVER", "CLIENT"], LEAST);
    for link in links {
        let Some(server) = &link.server else { continue };
        let address = match (&server.addr, server.port) {
            (Some(addr), Some(port)) => place(addr, port),
            (addr, _) => known(addr.as_ref()),
        };
        // An idle connection shows the name of the client before.
        let client = link.client.as_ref();
        let closing = if server.close_needed == Some(true) { " (closing)" } else { "" };
        table.push(
            if client.is_some() { Mark::Plain } else { Mark::Dim },
            [
                server.pid.map(|pid| pid.to_string()).unwrap_or_default(),
                link.database.clone(),
                link.user.clone(),
                format!("{}{closing}", server.state),
                address,
                client.map(origin).unwrap_or_default(),
                client.and_then(|client| client.application_name.clone()).unwrap_or_default(),
            ],
        );
    }
    counted(table, links.len(), "connection")
}

/// One line per connection to the server, or client that waits for one. Who the client is is what it is looked at for:
/// that stays whole on a narrow terminal, and what it does and waits for stands in one place.
pub(super) fn join(links: &[Link]) -> Vec<Block<'static>> {
    let mut table = Table::new(&[
        ("CLIENT", Align::Left),
        ("APPLICATION", Align::Left),
        ("POOL", Align::Left),
        ("POOLED", Align::Left),
        ("PID", Align::Right),
        ("STATE", Align::Left),
        ("FOR", Align::Age),
        ("XACT", Align::Age),
        ("LOCKS", Align::Right),
        ("QUERY", Align::Left),
    ])
    .sparing(&["POOLED", "LOCKS", "XACT", "QUERY", "FOR"])
    .keeping(&["CLIENT"], JOIN_LEAST);
    for link in links {
        let (client, server, backend) = (link.client.as_ref(), link.server.as_ref(), link.backend.as_ref());
        let waited = client.and_then(|client| client.wait_seconds);
        let state = state(waited.is_some(), backend);
        let is_idle = backend.and_then(|session| session.state.as_deref()) == Some("idle");
        let mark = match () {
            () if waited.is_some() || state.contains("(Lock:") => Mark::Bad,
            () if state.starts_with("idle in transaction") => Mark::Warn,
            () if client.is_none() && is_idle => Mark::Dim,
            () => Mark::Plain,
        };
        let pid = server.and_then(|server| server.pid);
        let query = backend.and_then(|session| session.query.clone()).filter(|_| !is_idle);
        table.push(
            mark,
            [
                client.map(origin).unwrap_or_default(),
                client.and_then(|client| client.application_name.clone()).unwrap_or_default(),
                format!("{}/{}", link.database, link.user),
                server.map_or_else(
                    || client.map(|client| client.state.clone()).unwrap_or_default(),
                    |server| server.state.clone(),
                ),
                pid.map(|pid| pid.to_string()).unwrap_or_default(),
                state,
                age(waited.or_else(|| backend.and_then(|session| session.state_seconds))),
                age(backend.and_then(|session| session.xact_seconds)),
                link.locks_held.filter(|held| *held > 0).map(|held| held.to_string()).unwrap_or_default(),
                query.unwrap_or_default(),
            ],
        );
    }
    counted(table, links.len(), "connection")
}

/// What the session does and, unless that is its client, what it waits for: `active (Lock:relation)`.
fn state(waits_for_pooler: bool, backend: Option<&Session>) -> String {
    match backend {
        _ if waits_for_pooler => "waiting (pooler)".to_owned(),
        None => String::new(),
        Some(session) if session.hidden => "(hidden)".to_owned(),
        Some(session) => {
            let state = known(session.state.as_ref());
            match (session.wait_event_type.as_deref(), &session.wait_event) {
                (Some(kind), Some(event)) if kind != "Client" => format!("{state} ({kind}:{event})"),
                _ => state,
            }
        }
    }
}

/// One row per connection, with what of client, server and backend there is.
pub(super) fn tsv<'a>(links: impl Iterator<Item = &'a Link>) -> tsv::Rows<'static> {
    let mut rows = tsv::Rows::new(&[
        "database",
        "user",
        "client_addr",
        "client_port",
        "application_name",
        "client_state",
        "wait_seconds",
        "client_connected_at",
        "pid",
        "server_state",
        "server_addr",
        "server_port",
        "server_connected_at",
        "session_id",
        "state",
        "state_seconds",
        "xact_seconds",
        "locks_held",
        "wait_event_type",
        "wait_event",
        "query",
    ]);
    for link in links {
        let (client, server, backend) = (link.client.as_ref(), link.server.as_ref(), link.backend.as_ref());
        rows.push([
            (&link.database).into(),
            (&link.user).into(),
            client.and_then(|client| client.addr.as_ref()).into(),
            client.and_then(|client| client.port).into(),
            client.and_then(|client| client.application_name.as_ref()).into(),
            client.map(|client| &client.state).into(),
            client.and_then(|client| client.wait_seconds).into(),
            client.and_then(|client| client.connected_at.as_ref()).into(),
            server.and_then(|server| server.pid).into(),
            server.map(|server| &server.state).into(),
            server.and_then(|server| server.addr.as_ref()).into(),
            server.and_then(|server| server.port).into(),
            server.and_then(|server| server.connected_at.as_ref()).into(),
            backend.and_then(|session| session.session_id.as_ref()).into(),
            backend.and_then(|session| session.state.as_ref()).into(),
            backend.and_then(|session| session.state_seconds).into(),
            backend.and_then(|session| session.xact_seconds).into(),
            link.locks_held.into(),
            backend.and_then(|session| session.wait_event_type.as_ref()).into(),
            backend.and_then(|session| session.wait_event.as_ref()).into(),
            backend.and_then(|session| session.query.as_ref()).into(),
        ]);
    }
    rows.into()
}
