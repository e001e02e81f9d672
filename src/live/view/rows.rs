//! The list: sessions, waits, groups and limits, each under its titles.

use std::borrow::Cow;

use ratatui_core::layout::Rect;
use ratatui_core::style::{Modifier, Style};

use super::pen::{Pen, bold, dim, reversed};
use super::pools;
use crate::live::event::View;
use crate::live::list::{Body, Entry, Id, key_of};
use crate::live::state::State;
use crate::model::blocking::{Blocked, waited_for};
use crate::model::lock::Lock;
use crate::model::screen::{ScreenRow, Trouble};
use crate::model::session::Session;
use crate::render::columns::Value;
use crate::render::table::Mark;
use crate::render::text;

/// The columns before a row: the cursor, a tag.
const MARGIN: u16 = 2;
/// The columns of a screen from which on it is wide, and very wide.
const WIDE: u16 = 110;
const WIDEST: u16 = 160;
/// The columns of a row that show that the cursor is there: to write a whole line once more at each key costs as much as all the rest.
const CURSOR: u16 = 38;

/// A column of sessions: its title, how wide it is on a narrow, a wide and a very wide screen (0 leaves it out), whether it stands to
/// the right, and its value. The query takes what is left.
struct Column {
    title: &'static str,
    widths: [u16; 3],
    is_right: bool,
    value: fn(&ScreenRow) -> Cow<'_, str>,
}

const fn column(
    title: &'static str,
    widths: [u16; 3],
    is_right: bool,
    value: fn(&ScreenRow) -> Cow<'_, str>,
) -> Column {
    Column { title, widths, is_right, value }
}

const PID: Column = column("PID", [7, 7, 7], true, |row| row.session.pid.to_string().into());
const STATE: Column = column("STATE", [7, 7, 7], false, |row| state_word(&row.session));
const FOR: Column = column("FOR", [7, 7, 7], true, |row| age(row.session.state_seconds));
const XACT: Column = column("XACT", [7, 7, 7], true, |row| age(row.session.xact_seconds));
const WAIT: Column = column("WAIT", [10, 14, 20], false, wait);
const APPLICATION: Column =
    column("APPLICATION", [10, 16, 20], false, |row| text::sanitize(&row.session.application_name));
const DATABASE: Column = column("DATABASE", [0, 12, 16], false, |row| name(row.session.database.as_deref()));
const ROLE: Column = column("ROLE", [0, 0, 14], false, |row| name(row.session.role.as_deref()));
const CLIENT: Column = column("CLIENT", [0, 0, 20], false, |row| name(row.session.client.as_deref()));
const SESSIONS: &[Column] = &[PID, STATE, FOR, XACT, WAIT, APPLICATION, DATABASE, ROLE, CLIENT];

/// What wide columns show: less of the query, all of who it is.
const WHOLE: &[Column] = &[
    PID,
    Column {
        widths: [20, 20, 20],
        ..column("SESSION", [0; 3], false, |row| name(row.session.session_id.as_deref()))
    },
    STATE,
    FOR,
    XACT,
    Column { widths: [0, 8, 8], ..column("AGE", [0; 3], true, |row| age(row.session.session_seconds)) },
    Column { widths: [12, 20, 28], ..WAIT },
    Column { widths: [0, 20, 28], ..APPLICATION },
    Column { widths: [0, 14, 20], ..DATABASE },
    Column { widths: [0, 12, 20], ..ROLE },
    Column { widths: [0, 0, 24], ..CLIENT },
];

pub(super) fn draw(state: &State, area: Rect, pen: &mut Pen<'_>) {
    let mut area = area;
    if state.view == View::Pooler {
        pools::status(state, area.y, area.width, pen);
        (area.y, area.height) = (area.y + 1, area.height.saturating_sub(1));
    }
    let height = usize::from(area.height.saturating_sub(1));
    titles(state, area, pen);
    let shown = state.list.shown(height);
    if state.view == View::Pooler {
        if shown.is_empty() && state.pooler_age().is_some() {
            pen.write((MARGIN, area.y + 1), "no pool yet: nobody has come through it", dim(), area.width);
        }
    } else if shown.is_empty() && state.seen.is_some() {
        let line = match state.view {
            View::Trouble => "nothing is wrong with any session that matches",
            _ => "no session matches",
        };
        let line = if state.pace.again || state.pace.looking.is_some() { "…" } else { line };
        pen.write((MARGIN, area.y + 1), line, dim(), area.width);
    }
    for (entry, y) in shown.into_iter().zip(area.y + 1..) {
        row(state, entry, (y, area.width), pen);
    }
}

fn columns(state: &State, width: u16) -> Vec<(&'static Column, u16)> {
    let columns = if state.wide { WHOLE } else { SESSIONS };
    let at = usize::from(width >= WIDE) + usize::from(width >= WIDEST);
    let least = usize::from(width < 80);
    let widths = columns.iter().map(|column| (column, column.widths.get(at).copied().unwrap_or(0)));
    // The narrowest screens spare the age of the transaction.
    widths.filter(|(column, width)| *width > 0 && (least == 0 || column.title != "XACT")).collect()
}

fn titles(state: &State, area: Rect, pen: &mut Pen<'_>) {
    let style = bold().add_modifier(Modifier::UNDERLINED);
    if state.view.lists_sessions() {
        let mut x = MARGIN;
        for (column, width) in columns(state, area.width) {
            // Rather a shorter word than half of one.
            let title = if usize::from(width) < column.title.len() { "APP" } else { column.title };
            let title =
                if column.is_right { format!("{title:>0$}", usize::from(width)) } else { title.to_owned() };
            pen.write((x, area.y), &title, style, width);
            x += width + 1;
        }
        pen.write((x, area.y), "QUERY", style, area.width.saturating_sub(x));
        return;
    }
    if state.view == View::Pooler {
        pools::titles((MARGIN, area.y), area.width, pen);
        return;
    }
    let titles = match state.view {
        View::Blockers => "PID          STATE     WAITED  WHAT",
        View::Groups => "COUNT  NAME",
        _ => "",
    };
    pen.write((MARGIN, area.y), titles, style, area.width);
}

fn row(state: &State, entry: &Entry, (y, width): (u16, u16), pen: &mut Pen<'_>) {
    let is_cursor = state.list.cursor() == Some(&entry.id);
    let is_tagged = key_of(&entry.id).is_some_and(|key| state.list.tags().contains(key));
    let mut style = pen.style(mark(entry));
    if entry.gone {
        style = dim();
    }
    if is_tagged {
        style = style.add_modifier(Modifier::BOLD);
    }
    pen.write((0, y), if is_cursor { ">" } else { " " }, bold(), 1);
    pen.write((1, y), if is_tagged { "*" } else { " " }, bold(), 1);
    match &entry.body {
        Body::Session(row) => session(state, entry, row, (y, width), style, pen),
        Body::Blocked(blocked, depth, last, cycle) => {
            let line = tree_line(blocked, *depth, *last, *cycle, entry.gone);
            pen.write((MARGIN, y), &line, style, width.saturating_sub(MARGIN));
        }
        Body::Prepared(what, seconds, waiting) => {
            let line = format!("{what}, {} old, {waiting} wait", text::duration(*seconds));
            pen.write((MARGIN, y), &text::sanitize(&line), style, width.saturating_sub(MARGIN));
        }
        Body::Group(count, more) => {
            let label = match &entry.id {
                Id::Group(_, Some(name)) if name.is_empty() => "(no name)".into(),
                Id::Group(_, Some(name)) => text::sanitize(name),
                _ => "(none)".into(),
            };
            let x = pen.write((MARGIN, y), &format!("{count:>5}  "), style, 10);
            let x = pen.write((x, y), &label, style, (width / 2).saturating_sub(x));
            pen.write((x + 2, y), more, dim(), width.saturating_sub(x + 2));
        }
        Body::Limit(limit) => {
            let hidden =
                if limit.hidden > 0 { format!(" and {} hidden", limit.hidden) } else { String::new() };
            let name = text::sanitize(&limit.name);
            let line = format!("{:<34}{}{hidden} of {}", text::cut(&name, 33), limit.used, limit.limit);
            pen.write((MARGIN, y), &line, style, width.saturating_sub(MARGIN));
        }
        Body::Pool(pool) => pools::row(pool, entry.gone, (MARGIN, y), (width, style), pen),
        Body::Note(_, line) => {
            pen.write((MARGIN, y), &text::visible(line), style, width.saturating_sub(MARGIN));
        }
    }
    if is_cursor {
        pen.restyle(y, CURSOR, reversed());
    }
}

fn mark(entry: &Entry) -> Mark {
    match &entry.body {
        Body::Session(row) => match row.trouble {
            Trouble::Root | Trouble::Aborted | Trouble::Waiting => Mark::Bad,
            Trouble::IdleInTransaction | Trouble::Long => Mark::Warn,
            Trouble::None if row.session.state.as_deref() == Some("idle") => Mark::Dim,
            Trouble::None => Mark::Plain,
        },
        Body::Blocked(blocked, ..) if blocked.waits => Mark::Plain,
        Body::Blocked(..) | Body::Prepared(..) => Mark::Bad,
        Body::Group(..) => Mark::Plain,
        Body::Limit(limit) if limit.used + limit.hidden >= limit.limit => Mark::Bad,
        Body::Limit(limit) if (limit.used + limit.hidden) * 5 >= limit.limit * 4 => Mark::Warn,
        Body::Limit(_) => Mark::Plain,
        Body::Pool(pool) => pools::mark(pool),
        Body::Note(mark, _) => *mark,
    }
}

fn session(
    state: &State,
    entry: &Entry,
    row: &ScreenRow,
    (y, width): (u16, u16),
    style: Style,
    pen: &mut Pen<'_>,
) {
    let mut x = MARGIN;
    for (column, room) in columns(state, width) {
        let value = match column.title {
            "STATE" if entry.gone => "gone".into(),
            "STATE" if row.matches == Some(false) => "(left)".into(),
            _ => (column.value)(row),
        };
        if column.is_right {
            let cells = u16::try_from(text::width(&value)).unwrap_or(u16::MAX).min(room);
            pen.write((x + room - cells, y), &value, style, cells);
        } else {
            pen.write((x, y), &value, style, room);
        }
        x += room + 1;
    }
    let query = query(&row.session, usize::from(width.saturating_sub(x)));
    pen.write((x, y), &query, style, width.saturating_sub(x));
}

/// As much of the query as so many columns show, on one line.
fn query(session: &Session, columns: usize) -> String {
    let Some(query) = &session.query else { return String::new() };
    let Value::Text(query) = Value::from(query) else { return String::new() };
    // What is behind that is never seen: an escape takes more columns than its character.
    let enough = query.char_indices().nth(columns * 2 + 16).map_or(query.len(), |(at, _)| at);
    let line = text::sanitize(query.get(..enough).unwrap_or(&query));
    let workers = match session.parallel_workers {
        0 => String::new(),
        workers => format!("[+{}] ", text::count(workers, "worker")),
    };
    format!("{workers}{line}")
}

fn name(name: Option<&str>) -> Cow<'_, str> {
    name.map_or(Cow::Borrowed(""), text::sanitize)
}

fn age(seconds: Option<f64>) -> Cow<'static, str> {
    seconds.map_or(Cow::Borrowed(""), |seconds| text::duration(seconds).into())
}

/// What a session does, in a word that is short: never the same for two states.
pub(super) fn state_word(session: &Session) -> Cow<'_, str> {
    match session.state.as_deref() {
        Some("idle in transaction") => "in xact".into(),
        Some("idle in transaction (aborted)") => "aborted".into(),
        Some("fastpath function call") => "fastpath".into(),
        Some(state) => text::sanitize(state),
        None if session.hidden => "hidden".into(),
        None => session.backend_type.as_deref().map_or(Cow::Borrowed(""), text::sanitize),
    }
}

/// Whom it holds up, or what it waits for, unless that is its client.
fn wait(row: &ScreenRow) -> Cow<'_, str> {
    let session = &row.session;
    if row.blocks > 0 {
        let waits = if session.waits_for_lock() { "!" } else { "" };
        return format!("{waits}blocks {}", row.blocks).into();
    }
    match (session.wait_event_type.as_deref(), session.wait_event.as_deref()) {
        (Some("Client" | "Activity"), _) | (_, None) => "".into(),
        (Some("Lock"), Some(event)) => format!("!{event}").into(),
        (_, Some(event)) => text::sanitize(event),
    }
}

fn tree_line(blocked: &Blocked, depth: usize, last: bool, cycle: bool, gone: bool) -> String {
    let branch = match depth {
        0 => String::new(),
        depth => format!("{}{}", "  ".repeat((depth - 1).min(6)), if last { "└ " } else { "├ " }),
    };
    let who = format!("{branch}{}", blocked.pid);
    let state = match blocked.state.as_deref() {
        _ if gone => "left",
        Some("idle in transaction") => "in xact",
        Some("idle in transaction (aborted)") => "aborted",
        Some(state) => state,
        None if blocked.hidden => "hidden",
        None => blocked.backend_type.as_deref().unwrap_or(""),
    };
    let waited = match (blocked.wait_seconds, blocked.wait_at_most) {
        (Some(seconds), true) => format!("≤{}", text::duration(seconds)),
        (Some(seconds), false) => text::duration(seconds),
        (None, _) => String::new(),
    };
    let mut what: Vec<String> = Vec::new();
    if cycle {
        what.push("waits in a circle".into());
    }
    if blocked.blocks_total > 0 {
        what.push(format!("blocks {}", blocked.blocks_total));
    }
    if let Some(lock) = &blocked.lock {
        what.push(format!("waits for {}", lock_words(lock)));
    } else if let Some(event) = blocked.wait_event.as_deref().and_then(waited_for) {
        what.push(format!("waits for {event}"));
    }
    if let Some(lock) = blocked.holds.first() {
        what.push(format!("holds {}", lock_words(lock)));
    }
    what.push(text::sanitize(&blocked.application_name).into_owned());
    if let Some(Value::Text(query)) = blocked.query.as_ref().map(Value::from) {
        what.push(text::sanitize(&query).into_owned());
    }
    let what: Vec<String> = what.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{who:<12} {state:<8} {waited:>7}  {}", what.join("  "))
}

fn lock_words(lock: &Lock) -> String {
    let object = match (&lock.relation, &lock.key) {
        (Some(relation), _) => text::sanitize(relation).into_owned(),
        (None, Some(key)) => format!("{} {}", lock.kind, text::sanitize(key)),
        (None, None) => lock.kind.clone(),
    };
    format!("{object} ({})", lock.mode.trim_end_matches("Lock"))
}
