//! From what a look found to rows.

use super::event::{Content, SessionKey};
use super::list::{Body, Entry, GroupBy, Id};
use crate::analyze::blocking::{Forest, Graph, edges, prepared_at};
use crate::model::act::Action;
use crate::model::blocking::{FreeingAct, Waits};
use crate::model::screen::{ScreenContext, ScreenRow};
use crate::model::session::Session;
use crate::model::usage::{LimitUse, Owner, Usage};
use crate::render::table::Mark;
use crate::render::text;

/// How many acts that would free sessions are proposed.
const PROPOSED: usize = 3;

/// The rows of `content`; of waits only the chain that `chain` is in, where there is one.
pub(super) fn of(
    content: Content,
    chain: Option<&SessionKey>,
    context: Option<&ScreenContext>,
) -> Vec<Entry> {
    let mut entries = match content {
        Content::Sessions(rows) => rows.into_iter().map(session).collect(),
        Content::Waits(waits, acts) => blocked(waits, &acts, chain),
        Content::Usage(usage) => match context {
            Some(context) => limits(&usage, &context.server),
            None => Vec::new(),
        },
        Content::Groups(usage) => groups(*usage),
        Content::Elsewhere => Vec::new(),
    };
    let mut notes = 0;
    for entry in &mut entries {
        if let Id::Note(number) = &mut entry.id {
            *number = notes;
            notes += 1;
        }
    }
    entries
}

/// Who a session is; only its process id where the rest is hidden.
fn id(pid: i32, session_id: Option<&String>, backend_start: Option<&String>) -> Id {
    match (session_id, backend_start) {
        (Some(session_id), Some(backend_start)) => Id::Session(SessionKey {
            pid,
            session_id: session_id.clone(),
            backend_start: backend_start.clone(),
        }),
        _ => Id::Hidden(pid),
    }
}

/// Who a session is.
pub(super) fn id_of(session: &Session) -> Id {
    id(session.pid, session.session_id.as_ref(), session.backend_start.as_ref())
}

fn entry(id: Id, body: Body) -> Entry {
    Entry { id, gone: false, body }
}

fn note(mark: Mark, line: impl Into<String>) -> Entry {
    entry(Id::Note(0), Body::Note(mark, line.into()))
}

fn session(row: ScreenRow) -> Entry {
    entry(id_of(&row.session), Body::Session(Box::new(row)))
}

fn blocked(waits: Waits, acts: &[FreeingAct], chain: Option<&SessionKey>) -> Vec<Entry> {
    let Waits { mut sessions, mut prepared, waiting, .. } = waits;
    if let Some(key) = chain {
        let kept = Graph::of(&edges(&sessions, &prepared)).relatives(&[key.pid]);
        sessions.retain(|session| kept.contains(&session.pid));
        prepared.retain(|prepared| prepared.waiting_pids.iter().any(|pid| kept.contains(pid)));
    }
    let graph = Graph::of(&edges(&sessions, &prepared));
    let holders = sessions.iter().map(|session| (session.pid, session.held_by.clone())).collect();
    let Forest { lines, blocked: counts } = Forest::of(&graph, &holders);
    let blocked = sessions.iter().filter(|session| session.waits).count();
    let mut rows = vec![match (blocked, chain) {
        (0, Some(key)) => note(Mark::Good, format!("pid {} neither waits nor is waited for", key.pid)),
        (0, None) => note(Mark::Good, "no session waits for a lock"),
        (blocked, _) => {
            let blocked = i64::try_from(blocked).unwrap_or(i64::MAX);
            let of_all = if blocked < waiting { format!(" of {waiting} that wait") } else { String::new() };
            note(Mark::Warn, format!("{} blocked{of_all}", text::count(blocked, "session")))
        }
    }];
    let is_here = |act: &&FreeingAct| act.frees.iter().any(|pid| sessions.iter().any(|one| one.pid == *pid));
    rows.extend(acts.iter().filter(is_here).take(PROPOSED).map(|act| note(Mark::Warn, proposal(act))));
    let mut left = sessions;
    for line in lines {
        if let Some(prepared) = prepared_at(&prepared, line.pid) {
            let waiting = counts.get(&line.pid).copied().unwrap_or(0);
            let body = Body::Prepared(
                format!("prepared transaction {} of {}", prepared.gid, prepared.owner),
                prepared.prepared_seconds,
                usize::try_from(waiting).unwrap_or(0),
            );
            rows.push(entry(Id::Prepared(prepared.gid.clone()), body));
        } else if let Some(at) = left.iter().position(|session| session.pid == line.pid) {
            let mut session = left.swap_remove(at);
            session.blocks_total = counts.get(&line.pid).copied().unwrap_or(0);
            let id = id(session.pid, session.session_id.as_ref(), session.backend_start.as_ref());
            rows.push(entry(id, Body::Blocked(Box::new(session), line.depth, line.last, line.cycle)));
        }
    }
    rows
}

/// What would let sessions go on.
fn proposal(act: &FreeingAct) -> String {
    let listed = |pids: &[i32]| pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let frees = text::count(i64::try_from(act.frees.len()).unwrap_or(i64::MAX), "session");
    let gids = act.prepared.join(", ");
    let prepared = if gids.is_empty() { String::new() } else { format!(" and prepared {gids}") };
    match (&act.why_not, act.pids.as_slice()) {
        (_, []) => format!("to free {frees}: prepared {gids} has to end, by its transaction manager"),
        (Some(why), pids) => format!("{frees} behind {}: {why}", listed(pids)),
        (None, pids) => {
            let word = if act.action == Some(Action::Cancel) { "cancel (C)" } else { "terminate (K)" };
            format!("to free {frees}: {word} {}{prepared}", listed(pids))
        }
    }
}

fn groups(usage: Usage) -> Vec<Entry> {
    let mut rows = Vec::new();
    let mut list = |by: GroupBy, groups: Vec<(Option<String>, i64, String)>, rest: (i64, i64)| {
        rows.push(note(Mark::Plain, by.title()));
        rows.extend(
            groups
                .into_iter()
                .map(|(name, count, more)| entry(Id::Group(by, name), Body::Group(count, more))),
        );
        if rest.0 > 0 {
            rows.push(note(Mark::Dim, format!("{} more, {}", rest.0, text::count(rest.1, "session"))));
        }
    };
    let of_limit = |limit: Option<i64>| limit.map(|limit| format!("limit {limit}")).unwrap_or_default();
    let states = usage.by_state.into_iter().map(|group| {
        let oldest = group.oldest_state_seconds.map(|seconds| format!("oldest {}", text::duration(seconds)));
        (group.state, group.count, oldest.unwrap_or_default())
    });
    list(GroupBy::State, states.collect(), (0, 0));
    let applications = usage.by_application.into_iter().map(|group| {
        let parts = [
            (group.active, "active"),
            (group.idle, "idle"),
            (group.idle_in_transaction, "in transaction"),
            (group.idle_in_transaction_aborted, "aborted"),
            (group.hidden, "hidden"),
            (group.other, "other"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        (Some(group.application_name), group.count, parts.join(", "))
    });
    let rest = usage.rest;
    list(
        GroupBy::Application,
        applications.collect(),
        (rest.by_application.groups, rest.by_application.count),
    );
    let roles =
        usage.by_role.into_iter().map(|group| (group.role, group.count, of_limit(group.connection_limit)));
    list(GroupBy::Role, roles.collect(), (rest.by_role.groups, rest.by_role.count));
    let databases = usage
        .by_database
        .into_iter()
        .map(|group| (group.database, group.count, of_limit(group.connection_limit)));
    list(GroupBy::Database, databases.collect(), (rest.by_database.groups, rest.by_database.count));
    let clients = usage.by_client.into_iter().map(|group| (group.client, group.count, String::new()));
    list(GroupBy::Client, clients.collect(), (rest.by_client.groups, rest.by_client.count));
    rows
}

fn limits(usage: &Usage, server: &crate::model::server::ServerContext) -> Vec<Entry> {
    let connections = &usage.connections;
    let line = |mark: Mark, label: &str, value: String| note(mark, format!("{label:<34}{value}"));
    let hidden = match connections.hidden {
        0 => String::new(),
        hidden => format!(", {hidden} more are hidden and may be clients"),
    };
    let mut rows = vec![
        note(Mark::Plain, "SERVER"),
        line(Mark::Plain, "slots for ordinary roles", connections.usable.to_string()),
        line(Mark::Plain, "in use", format!("{}{hidden}", connections.used)),
        line(Mark::Plain, "max_connections", server.limits.max_connections.to_string()),
        line(Mark::Plain, "superuser_reserved_connections", server.limits.superuser_reserved.to_string()),
        line(Mark::Plain, "reserved_connections", server.limits.reserved.to_string()),
    ];
    for (owner, title) in [(Owner::Role, "ROLES WITH A LIMIT"), (Owner::Database, "DATABASES WITH A LIMIT")] {
        let mut of_owner: Vec<&LimitUse> = usage.limits.iter().filter(|limit| limit.owner == owner).collect();
        crate::model::order::sort_by_key(&mut of_owner, |limit| {
            std::cmp::Reverse((limit.used + limit.hidden).saturating_mul(1_000) / limit.limit.max(1))
        });
        rows.push(note(Mark::Plain, title));
        if of_owner.is_empty() {
            rows.push(note(Mark::Dim, "none that anybody counts against"));
        }
        rows.extend(
            of_owner
                .into_iter()
                .map(|limit| entry(Id::Limit(owner.word(), limit.name.clone()), Body::Limit(limit.clone()))),
        );
    }
    rows
}
