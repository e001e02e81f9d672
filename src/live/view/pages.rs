//! What lies over the list: the keys, everything about a session, its query, a command line.

use ratatui_core::layout::Rect;
use ratatui_core::style::Style;

use super::pen::{Pen, bold, dim, reversed};
use crate::live::event::{Detail, SessionKey, View};
use crate::live::state::{Page, State};
use crate::model::session::Session;
use crate::model::suggestion::Command;
use crate::render::columns::Value;
use crate::render::table::Mark;
use crate::render::text;

/// The columns of what a line is about.
const LABEL: usize = 18;

/// The keys of the views that there always are.
const VIEWS: &str = "1-5, Tab";

/// What each key does, and whether only who may act sees it.
const KEYS: &[(&str, &str, bool)] = &[
    ("arrows j k PgUp PgDn g G Home End", "move", false),
    ("Enter / Esc", "everything about a session, or the sessions of a group / one level back", false),
    (VIEWS, "sessions, trouble, blockers, groups, limits", false),
    ("/", "filter: app:batch* !db:test role: client: state:aborted xact>5m idle> query> words", false),
    ("s, < >, I", "sort, by the column before or after, the other way round", false),
    ("Space, U", "tag, take all tags off", false),
    ("C, K", "cancel, terminate: the session or the tags; only y does it", true),
    ("A", "all that the filter selects", true),
    ("b", "the chain of waits that this session is in", false),
    ("v, w", "whole query, wide columns", false),
    ("p", "hold the screen; looks go on", false),
    ("+ - r", "less often, more often, now", false),
    ("y, Y", "copy session id, query, where the terminal takes that", false),
    ("e, o", "write this view to a file, show the command line that shows the same", false),
    ("q, Ctrl-C, Ctrl-Z", "quit, quit, suspend", false),
    ("", "", false),
    ("!", "waits for a lock; `blocks N`: so many wait for it", false),
    ("in xact", "idle in transaction", false),
    ("(left)", "the filter does not select it any more", false),
];

/// Draws a page, scrolled by so many lines.
pub(super) fn draw(state: &State, page: &Page, scroll: usize, area: Rect, pen: &mut Pen<'_>) {
    let lines = match page {
        Page::Help => help(state),
        Page::Detail(key) => about(state, key),
        Page::Query(key) => query(state, key, usize::from(area.width)),
        Page::CommandLine => command_lines(state),
    };
    let height = usize::from(area.height);
    let most = lines.len().saturating_sub(height);
    let skipped = scroll.min(most);
    for ((mark, label, line), y) in lines.into_iter().skip(skipped).take(height).zip(area.y..) {
        let x = if label.is_empty() { 0 } else { pen.write((0, y), &label, bold(), area.width) };
        let x = if label.is_empty() { x } else { x.max(u16::try_from(LABEL).unwrap_or(0)) + 1 };
        let style: Style = pen.style(mark);
        pen.write((x, y), &line, style, area.width.saturating_sub(x));
    }
    if most > 0 {
        pen.write_right(area.width, area.y, &format!(" {} more lines ", most - skipped), dim());
    }
}

/// How a line looks, what it is about, and what it says.
type Line = (Mark, String, String);

fn help(state: &State) -> Vec<Line> {
    let width = KEYS.iter().map(|(keys, ..)| text::width(keys)).max().unwrap_or(0);
    let shown = KEYS.iter().filter(|(_, _, acts)| !acts || state.may_act());
    let line = |(keys, what, _): &(&str, &str, bool)| match (*keys, &state.setup.pooler) {
        (VIEWS, Some(_)) => format!("{:<width$}  {what}, pooler", "1-6, Tab"),
        _ => format!("{keys:<width$}  {what}"),
    };
    shown.map(|key| (Mark::Plain, String::new(), line(key))).collect()
}

/// What is known of the session, as `ls --full` tells it, and what holds it or what it holds up.
fn about(state: &State, key: &SessionKey) -> Vec<Line> {
    let Some(detail) = of(state, key) else { return not_there(state, key) };
    let session = &detail.row.session;
    let line = |label: &str, value: String| (Mark::Plain, label.to_owned(), value);
    let word = |value: Option<&str>| {
        value.map_or_else(|| "–".to_owned(), |value| text::sanitize(value).into_owned())
    };
    let age = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), text::duration);
    let client = match (&session.client, session.client_port) {
        (Some(client), Some(port)) => format!("{}:{port}", text::sanitize(client)),
        (client, _) => word(client.as_deref()),
    };
    let mut lines = vec![
        line("pid", format!("{}  (session {})", session.pid, key.session_id)),
        line(
            "database, role",
            format!("{}, {}", word(session.database.as_deref()), word(session.role.as_deref())),
        ),
        line("application", text::sanitize(&session.application_name).into_owned()),
        line("client", client),
        line("backend", word(session.backend_type.as_deref())),
        line("started", format!("{}  ({} ago)", key.backend_start, age(session.session_seconds))),
        line("state", format!("{} for {}", word(session.state.as_deref()), age(session.state_seconds))),
        line("transaction", age(session.xact_seconds)),
        line("statement", age(session.query_seconds)),
        line("waits for", waits(session)),
    ];
    if !detail.blocked_by.is_empty() {
        let pids: Vec<String> = detail
            .blocked_by
            .iter()
            .map(|pid| match pid {
                0 => "a prepared transaction".to_owned(),
                pid => pid.to_string(),
            })
            .collect();
        lines.push((Mark::Bad, "blocked by".into(), pids.join(", ")));
    }
    match detail.waiting.as_deref() {
        Some([]) => {}
        Some(pids) => {
            let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
            lines.push((Mark::Bad, "holds up".into(), pids.join(", ")));
        }
        None => lines.push((Mark::Warn, "holds up".into(), "not known: too many wait".into())),
    }
    let advisory = match detail.advisory_locks {
        0 => String::new(),
        advisory => format!(", {advisory} of them advisory"),
    };
    lines.push(line("locks", format!("{}{advisory}", detail.locks_held)));
    let xids = |xid: Option<u32>| xid.map_or_else(|| "–".to_owned(), |xid| xid.to_string());
    lines.push(line("xid, xmin", format!("{}, {}", xids(session.backend_xid), xids(session.backend_xmin))));
    if let Some(age) = session.xmin_age {
        lines.push(line("holds back", format!("what {age} transaction ids ago could still be seen")));
    }
    if session.parallel_workers > 0 {
        lines.push(line("parallel workers", session.parallel_workers.to_string()));
    }
    if let Some(id) = &session.query_id {
        lines.push(line("query id", id.clone()));
    }
    if let Some(left) = &detail.leaves_behind {
        lines.push((Mark::Warn, "if it is ended".into(), text::sanitize(left).into_owned()));
    }
    if let Some(why) = &detail.why_not {
        lines.push((Mark::Warn, "not signalled".into(), text::sanitize(why).into_owned()));
    }
    lines.push(line("query", String::new()));
    lines.extend(wrapped(session, usize::from(state.size().0)));
    lines
}

fn waits(session: &Session) -> String {
    match (&session.wait_event_type, &session.wait_event) {
        (Some(kind), Some(event)) => format!("{kind}: {event}"),
        _ => "–".into(),
    }
}

fn query(state: &State, key: &SessionKey, width: usize) -> Vec<Line> {
    match of(state, key) {
        Some(detail) => wrapped(&detail.row.session, width),
        None => not_there(state, key),
    }
}

/// The lines of a query as it was written, each as long as the screen is wide.
fn wrapped(session: &Session, width: usize) -> Vec<Line> {
    let Some(Value::Text(query)) = session.query.as_ref().map(Value::from) else {
        return vec![(Mark::Dim, String::new(), "(not known)".into())];
    };
    let mut lines = Vec::new();
    for line in query.lines() {
        let line = text::visible(&line.replace('\t', "    ")).into_owned();
        let mut part = String::new();
        let mut taken = 0;
        for character in line.chars() {
            let columns = text::width(character.encode_utf8(&mut [0; 4]));
            if taken + columns > width {
                lines.push((Mark::Plain, String::new(), std::mem::take(&mut part)));
                taken = 0;
            }
            part.push(character);
            taken += columns;
        }
        lines.push((Mark::Plain, String::new(), part));
    }
    if session.query_truncated {
        lines.push((Mark::Warn, String::new(), "(cut by the server at track_activity_query_size)".into()));
    }
    lines
}

fn of<'a>(state: &'a State, key: &SessionKey) -> Option<&'a Detail> {
    let detail = state.detail.as_deref()?;
    let session = &detail.row.session;
    let is_it = session.pid == key.pid && session.backend_start.as_ref() == Some(&key.backend_start);
    is_it.then_some(detail)
}

fn not_there(state: &State, key: &SessionKey) -> Vec<Line> {
    let is_asked = state.pace.again || state.pace.looking.is_some();
    let line = if is_asked { "…".to_owned() } else { format!("session {} has ended", key.session_id) };
    vec![(Mark::Dim, String::new(), line)]
}

/// The commands that show what is listed.
fn command_lines(state: &State) -> Vec<Line> {
    let command = match state.view {
        View::Sessions | View::Trouble => "ls",
        View::Blockers => "blockers",
        View::Groups => "stats --by state,application,role,database,client",
        View::Limits => "stats",
        View::Pooler => "pooler",
    };
    let is_of_pooler = state.view == View::Pooler;
    let pooler = state.setup.pooler.as_ref().filter(|_| is_of_pooler);
    let lead = pooler.map_or(&state.setup.lead, |pooler| &pooler.lead);
    let mut line = Command::pgconn(command).shown(lead);
    let filter = state.filter.to_string();
    if !filter.is_empty() && !is_of_pooler {
        line = format!("{line} {filter}");
    }
    if let (Some(sort), true) = (state.sort, state.view.lists_sessions()) {
        line = format!("{line} --sort {}", sort.word);
    }
    if state.setup.all_backends && !is_of_pooler {
        line.push_str(" --all-backends");
    }
    vec![
        (Mark::Plain, String::new(), "The same, once:".into()),
        (Mark::Plain, String::new(), line.clone()),
        (Mark::Plain, String::new(), String::new()),
        (Mark::Plain, String::new(), "Again and again, or for a script:".into()),
        (Mark::Plain, String::new(), format!("{line} --watch")),
        (Mark::Plain, String::new(), format!("{line} --json")),
    ]
}

/// What sessions can be sorted by.
pub(super) fn picker(
    sorts: impl ExactSizeIterator<Item = &'static str>,
    at: usize,
    area: Rect,
    pen: &mut Pen<'_>,
) {
    let width = 30.min(area.width);
    let height = u16::try_from(sorts.len() + 1).unwrap_or(u16::MAX).min(area.height);
    let words = std::iter::once("trouble (the worst first)").chain(sorts);
    let skipped = at.saturating_sub(usize::from(height.saturating_sub(1)));
    let corner = Rect { x: area.width - width, y: area.y, width, height };
    pen.wipe(corner);
    for ((place, word), y) in words.enumerate().skip(skipped).take(height.into()).zip(area.y..) {
        let style = if place == at { reversed() } else { Style::new() };
        let line = format!(" {:<1$}", word, usize::from(width).saturating_sub(1));
        pen.write((corner.x, y), &line, style, width);
    }
}
