//! A line of the tree, column by column.

use std::borrow::Cow;

use super::queues::Queue;
use super::words::{LOCK_LEAST, Words};
use crate::analyze::blocking::Line;
use crate::commands::listing::{NAME_LEAST, STATE_LEAST, origin};
use crate::model::blocking::{Blocked, PreparedBlocker, waited_for};
use crate::model::lock::Lock;
use crate::model::pooler_client::Client;
use crate::render::columns::{Column, Value};
use crate::render::table::{Align, Mark};
use crate::render::text;

/// Up to which depth a line is indented; beyond, the depth is a number.
const DEEPEST: usize = 8;

/// A session, or a prepared transaction, at its place in the tree.
pub(super) struct Row<'a> {
    pub(super) line: Option<Line>,
    pub(super) session: Option<&'a Blocked>,
    /// What is there when it is no session.
    pub(super) prepared: Option<&'a PreparedBlocker>,
    /// The sessions that it stands for, when it is more than one.
    pub(super) more: Option<Queue<'a>>,
    pub(super) is_ascii: bool,
}

impl<'a> Row<'a> {
    pub(super) const COLUMNS: &'a [Column<Self>] = &[
        Column::worded("PID", Align::Left, pid, "pid", |row| row.of(|session| Some(session.pid))),
        Column::new("SESSION-ID", Align::Left, "session_id", |row| {
            row.of(|session| session.session_id.as_ref())
        }),
        Column::script("depth", |row| row.line.and_then(|line| i64::try_from(line.depth).ok()).into()),
        Column::script("blocked_by", |row| row.of(|session| Some(pids(&session.blocked_by)))),
        Column::worded("BLOCKS", Align::Right, blocks, "blocks_total", |row| {
            row.of(|session| Some(session.blocks_total))
        }),
        Column::table("WAIT", Align::Age, |row: &Self| wait(row, text::duration))
            .short(|row| wait(row, text::duration_in_one_unit)),
        Column::table("XACT", Align::Age, |row| match row.session {
            Some(session) => Value::seconds(session.xact_seconds),
            None => Value::seconds(row.prepared.map(|prepared| prepared.prepared_seconds)),
        }),
        Column::new("DATABASE", Align::Left, "database", |row: &Self| match (row.session, row.more) {
            (Some(session), _) => session.database.as_ref().into(),
            (None, Some(more)) => more.database.into(),
            (None, None) => row.prepared.map(|prepared| &prepared.database).into(),
        })
        .folding(),
        Column::new("ROLE", Align::Left, "role", |row: &Self| match (row.session, row.more) {
            (Some(session), _) => session.role.as_ref().into(),
            (None, Some(more)) => more.role.into(),
            (None, None) => row.prepared.map(|prepared| &prepared.owner).into(),
        })
        .folding(),
        Column::worded(
            "APPLICATION",
            Align::Left,
            |row: &Self| match row.more {
                Some(more) if more.applications > 1 => format!("{} applications", more.applications).into(),
                Some(more) => who(more.session).into(),
                None => row.of(|session| Some(who(session))),
            },
            "application_name",
            |row| row.of(|session| Some(&session.application_name)),
        )
        .folding()
        .short_title("APP")
        .least(NAME_LEAST),
        Column::script("client", |row| row.of(|session| session.client.as_ref())),
        Column::if_any(
            |row| row.pooler_client().is_some(),
            Column::table("CLIENT", Align::Left, |row| row.pooler_client().map(origin).into()),
        ),
        Column::worded(
            "STATE",
            Align::Left,
            |row: &Self| state(row, Words::All),
            "state",
            |row| row.of(|session| session.state.as_ref()),
        )
        .short(|row| state(row, Words::Few))
        .distinct(STATE_LEAST),
        Column::script("wait_seconds", |row| row.of(|session| session.wait_seconds)),
        Column::script("xact_seconds", |row| row.of(|session| session.xact_seconds)),
        Column::script("lock_type", |row| row.lock().map(|lock| &lock.kind).into()),
        Column::script("lock_mode", |row| row.lock().map(|lock| &lock.mode).into()),
        Column::script("lock_relation", |row| row.lock().and_then(|lock| lock.relation.as_ref()).into()),
        Column::script("lock_key", |row| row.lock().and_then(|lock| lock.key.as_ref()).into()),
        Column::script("backend_type", |row| row.of(|session| session.backend_type.as_ref())),
        Column::table("LOCK", Align::Left, |row: &Self| locks(row, Words::All))
            .short(|row| locks(row, Words::Few))
            .terse(|row| locks(row, Words::Fewest))
            .distinct(LOCK_LEAST),
        Column::script("pooler_client_addr", |row| {
            row.pooler_client().and_then(|client| client.addr.as_ref()).into()
        }),
        Column::script("pooler_client_port", |row| row.pooler_client().and_then(|client| client.port).into()),
        Column::script("pooler_client_application_name", |row| {
            row.pooler_client().and_then(|client| client.application_name.as_ref()).into()
        }),
        Column::new("QUERY", Align::Left, "query", |row: &Self| match row.session {
            Some(session) => session.query.as_ref().into(),
            None => row.prepared.map(|prepared| &prepared.gid).into(),
        })
        .wide(),
    ];

    /// What there is of its session.
    fn of<T: Into<Value<'a>>>(&self, part: fn(&'a Blocked) -> Option<T>) -> Value<'a> {
        self.session.and_then(part).into()
    }

    fn pooler_client(&self) -> Option<&'a Client> {
        self.session.and_then(|session| session.pooler_client.as_ref())
    }

    fn lock(&self) -> Option<&'a Lock> {
        self.session.or(self.more.map(|more| more.session)).and_then(|session| session.lock.as_ref())
    }

    pub(super) fn mark(&self) -> Mark {
        if self.line.is_some_and(|line| line.depth == 0) { Mark::Bad } else { Mark::Plain }
    }
}

fn pid<'r>(row: &'r Row<'_>) -> Value<'r> {
    let branch = row.line.map(|line| branch(line, row.is_ascii)).unwrap_or_default();
    match (row.session, row.more) {
        (_, Some(more)) => format!("{branch}{} more", more.count).into(),
        (Some(session), None) => format!("{branch}{}", session.pid).into(),
        (None, None) => format!("{branch}prepared").into(),
    }
}

fn blocks<'r>(row: &'r Row<'_>) -> Value<'r> {
    match row.session {
        Some(session) => Some(session.blocks_total).filter(|blocks| *blocks > 0).into(),
        None => row.prepared.and_then(|prepared| i64::try_from(prepared.blocks.len()).ok()).into(),
    }
}

fn pids(pids: &[i32]) -> String {
    pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn wait<'r>(row: &'r Row<'_>, told: fn(f64) -> String) -> Value<'r> {
    let session = row.session.or(row.more.map(|more| more.session));
    let at_most = session.is_some_and(|session| session.wait_at_most);
    match row.more.map_or_else(|| session.and_then(|session| session.wait_seconds), |more| more.longest) {
        Some(seconds) if at_most => {
            format!("{} {}", if row.is_ascii { "<=" } else { "≤" }, told(seconds)).into()
        }
        seconds => Value::seconds(seconds),
    }
}

fn state<'r>(row: &'r Row<'_>, words: Words) -> Value<'r> {
    match row.session {
        None if row.more.is_some() => Value::None,
        None => words.prepared().into(),
        Some(session) => words.state(session).map(Cow::into_owned).into(),
    }
}

/// What it waits for; of who waits for nobody, what keeps others waiting.
fn locks<'r>(row: &'r Row<'_>, words: Words) -> Value<'r> {
    let event = row.session.and_then(|session| session.wait_event.as_deref());
    if let Some(told) = event.and_then(waited_for) {
        return told.into();
    }
    let (lock, held) = (|lock| words.lock(lock), |lock| words.held(lock));
    let holds = row.session.map(|session| &session.holds).or(row.prepared.map(|prepared| &prepared.holds));
    match (row.lock(), holds.map_or(&[][..], Vec::as_slice)) {
        (Some(waits_for), _) => lock(waits_for).into(),
        (None, []) => Value::None,
        (None, [one]) => format!("holds {}", held(one)).into(),
        (None, [one, others @ ..]) => format!("holds {} and {} more", held(one), others.len()).into(),
    }
}

/// The application; behind a pooler it is the client's.
fn who(session: &Blocked) -> &String {
    let client = session.pooler_client.as_ref().and_then(|client| client.application_name.as_ref());
    client.unwrap_or(&session.application_name)
}

/// What stands before a pid, so that its depth shows: blanks would not survive in a cell. Where the locale is not UTF-8, in ASCII.
fn branch(line: Line, is_ascii: bool) -> String {
    let [fork, end, dash, circle] =
        if is_ascii { ["|", "`", "-", "o"] } else { ["\u{251c}", "\u{2514}", "\u{2500}", "\u{21bb}"] };
    let corner = if line.last { end } else { fork };
    match line.depth {
        0 if line.cycle => format!("{circle} "),
        0 => String::new(),
        depth @ 1..=DEEPEST => format!("{corner}{} ", dash.repeat(2 * depth - 1)),
        depth => format!("{corner}{}({depth}){dash} ", dash.repeat(2 * DEEPEST - 1)),
    }
}

/// Whether what reads the output reads UTF-8, as its locale says.
pub(in crate::commands) fn is_utf8() -> bool {
    let mut set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os);
    let locale = set.find(|value| !value.is_empty());
    let locale = locale.map(|value| value.to_string_lossy().to_lowercase()).unwrap_or_default();
    locale.contains("utf-8") || locale.contains("utf8")
}
