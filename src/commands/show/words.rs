//! What people read of a session: short labelled lines, what to do first.

use super::found::{Shows, WhatIf};
use crate::commands::blockers::words::Words;
use crate::commands::listing::origin;
use crate::model::blocking::waited_for;
use crate::model::one_session::{Neighbour, SessionLock};
use crate::model::server::place;
use crate::model::session::Session;
use crate::model::suggestion::Command;
use crate::render::table::{Block, Mark};
use crate::render::text;

/// How many of its locks, and of those who wait for it, have a line.
const TOLD: usize = 8;
/// What a label takes.
const LABEL: usize = 13;
/// An open transaction that nobody works in is worth a line from here on.
const LEFT_OPEN_SECONDS: f64 = 60.0;

/// How much it asks to be looked at.
pub(super) fn mark(show: &Shows) -> Mark {
    match () {
        () if !show.blocks.is_empty() || !show.blocked_by.is_empty() => Mark::Bad,
        () if idles_in_transaction(&show.session) => Mark::Warn,
        () => Mark::Plain,
    }
}

/// All lines.
pub(super) fn blocks(show: &Shows) -> Vec<Block<'static>> {
    let session = &show.session;
    let mut lines: Vec<(&str, String)> = Vec::new();
    lines.push(("session", named(session)));
    lines.extend(from(session));
    lines.push(("state", state(session)));
    lines.extend(ages(session));
    lines.extend(waits(show));
    for one in show.blocked_by.iter().take(TOLD) {
        lines.push(("blocked by", neighbour(one)));
    }
    more(&mut lines, "blocked by", show.blocked_by.len(), "other");
    if show.blocks_total != Some(0) || !show.blocks.is_empty() {
        lines.push(("blocks", how_many(show)));
    }
    for one in show.blocks.iter().take(TOLD) {
        lines.push(("", neighbour(one)));
    }
    more(&mut lines, "", show.blocks.len(), "other");
    lines.extend(locks(show));
    lines.push(("horizon", horizon(session)));
    lines.push(("cancel", what_if(&show.cancel)));
    lines.push(("kill", what_if(&show.terminate)));
    let first = first(show).map(|first| Block::marked(mark(show), format!("{:<LABEL$}{first}", "do first")));
    let told = lines.into_iter().map(|(label, line)| Block::line(format!("{label:<LABEL$}{line}")));
    first.into_iter().chain(told).chain(query(session)).collect()
}

/// What to do first; nothing where nothing is wrong.
fn first(show: &Shows) -> Option<String> {
    let ends = |why: &str| match (&show.terminate.command, &show.terminate.why_not) {
        (Some(command), _) => format!("{why}: {command}"),
        (None, Some(why_not)) => format!("{why}, and cannot be ended from here: {why_not}"),
        (None, None) => why.to_owned(),
    };
    if let Some(before) = show.blocked_by.first() {
        let others = match show.blocked_by.len() - 1 {
            0 => String::new(),
            others => format!(" and {}", text::count(i64::try_from(others).unwrap_or(i64::MAX), "other")),
        };
        let see = match (before.pid, &before.session_id) {
            (Some(pid), id) => {
                let pid = pid.to_string();
                Command::pgconn("show").word(id.as_ref().unwrap_or(&pid)).shown(&show.lead)
            }
            (None, _) => Command::pgconn("blockers").shown(&show.lead),
        };
        return Some(format!("it waits for {}{others}: {see}", called(before)));
    }
    let waiting = show.blocks_total.unwrap_or(0);
    if waiting > 0 {
        let wait = if waiting == 1 { "waits" } else { "wait" };
        return Some(ends(&format!("{} {wait} for it", text::count(waiting, "session"))));
    }
    let open = show.session.state_seconds.filter(|open| *open >= LEFT_OPEN_SECONDS)?;
    idles_in_transaction(&show.session)
        .then(|| ends(&format!("its transaction has been left open for {}", text::duration(open))))
}

fn idles_in_transaction(session: &Session) -> bool {
    session.state.as_deref().is_some_and(|state| state.starts_with("idle in transaction"))
}

/// `4711 (67a1b2c3.4f2a), web in shop, application checkout`
fn named(session: &Session) -> String {
    let id = session.session_id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    let kind = session.backend_type.as_deref().filter(|kind| *kind != "client backend");
    let kind = kind.map(|kind| format!(", {kind}")).unwrap_or_default();
    let role = session.role.as_ref().map(|role| format!(", role {role}")).unwrap_or_default();
    let database = session.database.as_ref().map(|name| format!(", database {name}")).unwrap_or_default();
    let application = match session.application_name.as_str() {
        "" => String::new(),
        name => format!(", application {name}"),
    };
    format!("{}{id}{kind}{role}{database}{application}", session.pid)
}

/// Where it comes from, and whose it is behind a pooler.
fn from(session: &Session) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    match (&session.client, session.client_port) {
        (Some(client), Some(port)) => lines.push(("from", place(client, port))),
        (Some(client), None) => lines.push(("from", client.clone())),
        (None, _) if session.hidden => lines.push(("from", "(hidden)".into())),
        (None, _) => {}
    }
    if let Some(client) = &session.pooler_client {
        let application = client.application_name.as_ref().filter(|name| !name.is_empty());
        let application = application.map(|name| format!(", application {name}")).unwrap_or_default();
        lines.push(("pooler's", format!("{}{application}", origin(client))));
    }
    lines
}

/// `idle in transaction for 7m 13s`
pub(super) fn state(session: &Session) -> String {
    let Some(state) = session.state.as_ref().or(session.backend_type.as_ref()) else {
        return "(hidden)".into();
    };
    let lasts = session.state_seconds.map(|seconds| format!(" for {}", text::duration(seconds)));
    let workers = match session.parallel_workers {
        0 => String::new(),
        workers => format!(", with {}", text::count(workers, "parallel worker")),
    };
    format!("{state}{}{workers}", lasts.unwrap_or_default())
}

fn ages(session: &Session) -> Vec<(&'static str, String)> {
    if session.hidden {
        return vec![("ages", "(hidden)".into())];
    }
    let since = |start: &Option<String>| {
        let second = start.as_deref().and_then(|start| start.split_once('.'));
        second.map(|(second, _)| format!(", since {}Z", second.replace('T', " "))).unwrap_or_default()
    };
    let line = |label, seconds: Option<f64>, start| {
        seconds.map(|seconds| (label, format!("{}{}", text::duration(seconds), since(start))))
    };
    let running = line("running", session.query_seconds, &session.query_start);
    let open = line("transaction", session.xact_seconds, &session.xact_start);
    let connected = line("connected", session.session_seconds, &session.backend_start);
    running.into_iter().chain(open).chain(connected).collect()
}

/// What it waits for: the lock, or the event. That a client says nothing is no wait of its session.
fn waits(show: &Shows) -> Option<(&'static str, String)> {
    let session = &show.session;
    let lasts = |seconds: Option<f64>| {
        seconds.map(|seconds| format!(", for {}", text::duration(seconds))).unwrap_or_default()
    };
    let wanted = show.locks.iter().find(|lock| !lock.granted);
    let told = match (wanted, session.wait_event_type.as_deref(), session.wait_event.as_deref()) {
        (Some(lock), ..) => format!("{}{}", Words::All.lock(&lock.lock), lasts(lock.wait_seconds)),
        (None, Some("Client" | "Activity"), _) | (None, _, None) => return None,
        (None, kind, Some(event)) => match (waited_for(event), kind) {
            (Some(told), _) => told.to_owned(),
            (None, Some(kind)) => format!("{kind}:{event}"),
            (None, None) => event.to_owned(),
        },
    };
    Some(("waits for", told))
}

/// `22041 (checkout)`, `prepared transaction "x"`
fn called(one: &Neighbour) -> String {
    match (one.pid, &one.gid) {
        (Some(pid), _) => match one.application_name.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => format!("{pid} ({name})"),
            None => pid.to_string(),
        },
        (None, gid) => format!("prepared transaction \"{}\"", gid.as_deref().unwrap_or_default()),
    }
}

fn neighbour(one: &Neighbour) -> String {
    let role = one.role.as_ref().map(|role| format!(", role {role}")).unwrap_or_default();
    let kind = one.backend_type.as_deref().filter(|kind| *kind != "client backend");
    let does = one.state.as_deref().filter(|_| kind.is_none()).or(kind);
    let does = does.map(|does| format!(", {does}")).unwrap_or_default();
    let waits =
        one.wait_seconds.map(|seconds| format!(", waits {}", text::duration(seconds))).unwrap_or_default();
    let behind = if one.direct { "" } else { ", behind others" };
    format!("{}{role}{does}{waits}{behind}", called(one))
}

fn how_many(show: &Shows) -> String {
    let direct = show.blocks.iter().filter(|one| one.direct).count();
    match show.blocks_total {
        None => "not known: more sessions wait than were looked at".into(),
        Some(total) if i64::try_from(direct) == Ok(total) => text::count(total, "session"),
        Some(total) => format!("{}, {direct} of them directly", text::count(total, "session")),
    }
}

/// That there are more than have a line.
fn more(lines: &mut Vec<(&str, String)>, label: &'static str, all: usize, noun: &str) {
    if let Some(left) = all.checked_sub(TOLD).filter(|left| *left > 0) {
        lines.push((label, format!("and {}", text::count(i64::try_from(left).unwrap_or(i64::MAX), noun))));
    }
}

fn locks(show: &Shows) -> Vec<(&'static str, String)> {
    let held: Vec<&SessionLock> = show.locks.iter().filter(|lock| lock.granted).collect();
    if held.is_empty() {
        return vec![("locks", "none held".into())];
    }
    let mut lines: Vec<(&'static str, String)> = Vec::new();
    for lock in held.iter().take(TOLD) {
        let wait = if lock.waiting == 1 { "waits" } else { "wait" };
        let waiting = match lock.waiting {
            0 => String::new(),
            waiting => format!(": {} {wait} for it", text::count(waiting, "session")),
        };
        let label = if lines.is_empty() { "holds" } else { "" };
        lines.push((label, format!("{}{waiting}", Words::All.held(&lock.lock))));
    }
    let told = held.len().min(TOLD);
    let left = i64::try_from(held.len() - told).unwrap_or(i64::MAX) + show.locks_left_out;
    if left > 0 {
        lines.push(("", format!("and {}; --json tells them", text::count(left, "other"))));
    }
    lines
}

fn horizon(session: &Session) -> String {
    match session.xmin_age {
        _ if session.hidden => "(hidden)".into(),
        None => "it keeps nothing from VACUUM".into(),
        Some(age) => {
            let given = text::count(age, "transaction id");
            format!("what died since its snapshot stays for VACUUM; {given} given out since")
        }
    }
}

fn what_if(act: &WhatIf) -> String {
    let why = act.why_not.as_ref().or(act.leaves_behind.as_ref());
    match (&act.command, why) {
        (Some(command), None) => command.clone(),
        (Some(command), Some(note)) => format!("{command} ({note})"),
        (None, Some(why)) => format!("{}: {why}", act.result.words()),
        (None, None) => act.result.words(),
    }
}

/// The whole text, in its own lines.
fn query(session: &Session) -> Vec<Block<'static>> {
    let Some(query) = &session.query else {
        return session
            .hidden
            .then(|| Block::line(format!("{:<LABEL$}(hidden)", "query")))
            .into_iter()
            .collect();
    };
    let (text, cut) = match query.read() {
        Ok(text) => (text.into_owned(), session.query_truncated),
        Err(error) => (format!("({error})"), false),
    };
    let label = if session.query_seconds.is_some() { "query" } else { "last query" };
    let title = if cut {
        format!("{label}, as far as the server keeps it (track_activity_query_size)")
    } else {
        label.to_owned()
    };
    let lines = text.trim_end().lines().map(|line| Block::text(format!("  {}", line.replace('\t', "    "))));
    std::iter::once(Block::line(title)).chain(lines).collect()
}
