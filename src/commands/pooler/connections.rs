//! Clients, connections to servers, and the two joined with the server's sessions, as tables and tab-separated values.

use crate::commands::blockers::words::Words;
use crate::commands::listing::{STATE_LEAST, origin, wait};
use crate::commands::screen_room::Part;
use crate::model::order;
use crate::model::pooler::{Link, ServerConnection};
use crate::model::pooler_client::Client;
use crate::model::server::place;
use crate::model::session::Session;
use crate::model::short_words;
use crate::render::columns::{Column, Value};
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
    order::sort_by(&mut links, |left, right| {
        let by_rank = rank(left).cmp(&rank(right));
        by_rank.then(wait(right).total_cmp(&wait(left))).then(xact(right).total_cmp(&xact(left)))
    });
    links
}

/// As many of these links as `part` has room for, each a `noun`, and how many there are.
fn counted<'a>(
    links: &[&'a Link],
    part: Part,
    noun: &str,
    table: impl Fn(&[&'a Link]) -> Table<'a>,
) -> Vec<Block<'a>> {
    let of = |rows: usize| table(links.get(..rows).unwrap_or(links));
    let (table, rest) = part.table(links.len(), noun, of);
    let table = (!table.is_empty()).then_some(Block::Table(table));
    let number = i64::try_from(links.len()).unwrap_or(i64::MAX);
    table.into_iter().chain(rest).chain([Block::marked(Mark::Dim, text::count(number, noun))]).collect()
}

/// One line per client.
pub(super) fn clients(links: &[Link], part: Part) -> Vec<Block<'_>> {
    let mark = |link: &Link| match link.client.as_ref().map(|client| client.state.as_str()) {
        Some("idle") => Mark::Dim,
        _ if waited(link).is_some() => Mark::Bad,
        _ => Mark::Plain,
    };
    let links: Vec<&Link> = links.iter().filter(|link| link.client.is_some()).collect();
    counted(&links, part, "client", |links| {
        Table::of(CLIENTS, links.to_vec(), mark)
            .sparing(&["SERVER-STATE", "SERVER-PID"])
            .keeping(&["CLIENT"], LEAST)
    })
}

/// One line per connection to a server.
pub(super) fn servers(links: &[Link], part: Part) -> Vec<Block<'_>> {
    let mark = |link: &Link| if link.client.is_some() { Mark::Plain } else { Mark::Dim };
    let links: Vec<&Link> = links.iter().filter(|link| link.server.is_some()).collect();
    counted(&links, part, "connection", |links| {
        Table::of(SERVERS, links.to_vec(), mark).sparing(&["SERVER"]).keeping(&["SERVER", "CLIENT"], LEAST)
    })
}

/// One line per connection to the server, or client that waits for one. Who the client is is what it is looked at for:
/// that stays whole on a narrow terminal, and what it does and waits for stands in one place.
pub(super) fn join(links: &[Link], part: Part) -> Vec<Block<'_>> {
    let mark = |link: &Link| {
        let session = link.backend.as_ref().filter(|session| !session.hidden);
        let waits_for_lock = session.is_some_and(Session::waits_for_lock);
        let state = session.and_then(|session| session.state.as_deref()).unwrap_or_default();
        match () {
            () if waited(link).is_some() || waits_for_lock => Mark::Bad,
            () if state.starts_with("idle in transaction") => Mark::Warn,
            () if link.client.is_none() && is_idle(link) => Mark::Dim,
            () => Mark::Plain,
        }
    };
    let links: Vec<&Link> = links.iter().collect();
    counted(&links, part, "connection", |links| {
        Table::of(JOIN, links.to_vec(), mark)
            .sparing(&["POOLED", "LOCKS", "XACT", "QUERY", "FOR"])
            .keeping(&["CLIENT"], JOIN_LEAST)
    })
}

/// One row per connection, with what of client, server and backend there is.
pub(super) fn tsv<'a>(links: impl Iterator<Item = &'a Link>) -> tsv::Rows<'a> {
    tsv::Rows::of(COLUMNS, links)
}

/// What scripts are told of each connection.
const COLUMNS: &[Column<Link>] = &[
    DATABASE,
    USER,
    Column::script("client_addr", |link| of_client(link, |client| client.addr.as_ref())),
    Column::script("client_port", |link| of_client(link, |client| client.port)),
    APPLICATION,
    CLIENT_STATE,
    WAIT,
    Column::script("client_connected_at", |link| of_client(link, |client| client.connected_at.as_ref())),
    PID,
    SERVER_STATE,
    Column::script("server_addr", |link| of_server(link, |server| server.addr.as_ref())),
    Column::script("server_port", |link| of_server(link, |server| server.port)),
    Column::script("server_connected_at", |link| of_server(link, |server| server.connected_at.as_ref())),
    Column::script("session_id", |link| of_backend(link, |session| session.session_id.as_ref())),
    BACKEND_STATE,
    FOR,
    XACT,
    LOCKS,
    Column::script("wait_event_type", |link| of_backend(link, |session| session.wait_event_type.as_ref())),
    Column::script("wait_event", |link| of_backend(link, |session| session.wait_event.as_ref())),
    QUERY,
];

/// What people read of each client.
const CLIENTS: &[Column<Link>] = &[
    CLIENT,
    APPLICATION,
    DATABASE,
    USER,
    CLIENT_STATE,
    WAIT,
    PID.titled("SERVER-PID"),
    SERVER_STATE.titled("SERVER-STATE"),
];

/// What people read of each connection to a server.
const SERVERS: &[Column<Link>] = &[
    PID,
    DATABASE,
    USER,
    SERVER_STATE.cell(|link| match &link.server {
        Some(server) if server.close_needed == Some(true) => format!("{} (closing)", server.state).into(),
        server => server.as_ref().map(|server| &server.state).into(),
    }),
    Column::table("SERVER", Align::Left, |link: &Link| of_server(link, |server| Some(address(server))))
        .folding(),
    // An idle connection shows the name of the client before.
    CLIENT,
    APPLICATION,
];

/// What people read of clients, connections and sessions that belong together.
const JOIN: &[Column<Link>] = &[
    CLIENT,
    APPLICATION,
    Column::table("POOL", Align::Left, |link: &Link| format!("{}/{}", link.database, link.user).into())
        .folding(),
    Column::table("POOLED", Align::Left, |link| match (&link.server, &link.client) {
        (Some(server), _) => (&server.state).into(),
        (None, client) => client.as_ref().map(|client| &client.state).into(),
    }),
    PID,
    BACKEND_STATE
        .cell(|link| state(link, |state| state, Words::All).into())
        .short(|link| state(link, short_words::state, Words::Few).into())
        .terse(|link| state(link, short_words::state, Words::Fewest).into())
        .terse_first(STATE_LEAST),
    FOR,
    XACT,
    LOCKS,
    QUERY,
];

const DATABASE: Column<Link> =
    Column::new("DATABASE", Align::Left, "database", |link: &Link| (&link.database).into()).folding();
const USER: Column<Link> =
    Column::new("USER", Align::Left, "user", |link: &Link| (&link.user).into()).folding();
const CLIENT: Column<Link> =
    Column::table("CLIENT", Align::Left, |link| of_client(link, |client| Some(origin(client))));
const APPLICATION: Column<Link> = Column::new("APPLICATION", Align::Left, "application_name", |link| {
    of_client(link, |client| client.application_name.as_ref())
})
.short_title("APP")
.distinct(8);
const CLIENT_STATE: Column<Link> =
    Column::new("STATE", Align::Left, "client_state", |link| of_client(link, |client| Some(&client.state)));
const WAIT: Column<Link> =
    Column::new("WAIT", Align::Age, "wait_seconds", |link| Value::seconds(waited(link)));
const PID: Column<Link> =
    Column::new("PID", Align::Right, "pid", |link| of_server(link, |server| server.pid));
const SERVER_STATE: Column<Link> =
    Column::new("STATE", Align::Left, "server_state", |link| of_server(link, |server| Some(&server.state)));
const BACKEND_STATE: Column<Link> =
    Column::new("STATE", Align::Left, "state", |link| of_backend(link, |session| session.state.as_ref()));
const FOR: Column<Link> = Column::worded(
    "FOR",
    Align::Age,
    |link| Value::seconds(waited(link).or_else(|| in_state(link))),
    "state_seconds",
    |link| Value::seconds(in_state(link)),
);
const XACT: Column<Link> = Column::new("XACT", Align::Age, "xact_seconds", |link| {
    Value::seconds(link.backend.as_ref().and_then(|session| session.xact_seconds))
});
const LOCKS: Column<Link> = Column::worded(
    "LOCKS",
    Align::Right,
    |link| link.locks_held.filter(|held| *held > 0).into(),
    "locks_held",
    |link| link.locks_held.into(),
);
const QUERY: Column<Link> = Column::worded(
    "QUERY",
    Align::Left,
    |link: &Link| of_backend(link, |session| session.query.as_ref().filter(|_| !is_idle(link))),
    "query",
    |link| of_backend(link, |session| session.query.as_ref()),
)
.wide();

fn of_client<'a, T: Into<Value<'a>>>(link: &'a Link, part: impl Fn(&'a Client) -> Option<T>) -> Value<'a> {
    link.client.as_ref().and_then(part).into()
}

fn of_server<'a, T: Into<Value<'a>>>(
    link: &'a Link,
    part: impl Fn(&'a ServerConnection) -> Option<T>,
) -> Value<'a> {
    link.server.as_ref().and_then(part).into()
}

fn of_backend<'a, T: Into<Value<'a>>>(link: &'a Link, part: impl Fn(&'a Session) -> Option<T>) -> Value<'a> {
    link.backend.as_ref().and_then(part).into()
}

fn waited(link: &Link) -> Option<f64> {
    link.client.as_ref().and_then(|client| client.wait_seconds)
}

fn in_state(link: &Link) -> Option<f64> {
    link.backend.as_ref().and_then(|session| session.state_seconds)
}

fn is_idle(link: &Link) -> bool {
    link.backend.as_ref().and_then(|session| session.state.as_deref()) == Some("idle")
}

fn address(server: &ServerConnection) -> String {
    match (&server.addr, server.port) {
        (Some(addr), Some(port)) => place(addr, port),
        (addr, _) => addr.clone().unwrap_or_default(),
    }
}

/// What the session does and, unless that is its client, what it waits for: `active (Lock public.stock AccessShare)`.
fn state(link: &Link, told: fn(&str) -> &str, words: Words) -> String {
    match &link.backend {
        _ if waited(link).is_some() => "waiting (pooler)".to_owned(),
        None => String::new(),
        Some(session) if session.hidden => "(hidden)".to_owned(),
        Some(session) => {
            let state = told(session.state.as_deref().unwrap_or_default());
            match wait(session, words) {
                Some(waits_for) => format!("{state} ({waits_for})"),
                None => state.to_owned(),
            }
        }
    }
}
