//! What a list of servers looks like.

use std::time::Duration;

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Modifier, Style};

use super::Look;
use super::pages;
use super::pen::{Pen, bold, dim, reversed};
use crate::live::servers::{Row, SORTS, Servers};
use crate::live::state::LEAST_SIZE;
use crate::render::table::Mark;
use crate::render::text;

/// The columns: where each begins, how wide it is, whether it stands to the right, and its title.
const COLUMNS: [(u16, u16, bool, &str); 7] = [
    (2, 18, false, "SERVER"),
    (21, 9, false, "HEALTH"),
    (31, 10, true, "SLOTS"),
    (42, 7, true, "WAITING"),
    (50, 7, true, "XACT"),
    (58, 5, true, "AGE"),
    (64, u16::MAX, false, "WORST"),
];

const KEYS: &[&str] = &[
    "j k, arrows, PgUp PgDn, g G    move; the cursor stays on its server, wherever that stands",
    "Enter / Esc                    the sessions of a server / back from there to this list",
    "/                              filter: parts of names, prod-*, label=value, health:down, !word excludes",
    "s, < >, I                      what to sort by, the next, the other way round",
    "p                              holds the screen; looks go on",
    "q, Ctrl-C, Ctrl-Z              quit, quit, suspend",
    "",
    "Each server is looked at on its own, at most eight at once, each within -t; the worst stand first.",
    "Once the cursor was moved the order is held; Esc lets it go, and so do 30 s without a key.",
];

/// Draws everything; returns where the cursor of a line is that is typed.
pub(crate) fn draw(servers: &Servers, look: Look, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let mut pen = Pen { buffer, color: look.color };
    let (width, height) = pen.size();
    if width < LEAST_SIZE.0 || height < LEAST_SIZE.1 {
        let line = format!("needs {} columns and {} lines", LEAST_SIZE.0, LEAST_SIZE.1);
        pen.write((0, 0), &line, pen.style(Mark::Warn), width);
        return None;
    }
    head(servers, &mut pen);
    arrangement(servers, &mut pen);
    if servers.helps {
        for (line, y) in KEYS.iter().zip(2..) {
            pen.write((0, y), line, Style::new(), width);
        }
    } else {
        titles(&mut pen);
        let shown = servers.listed.places.iter().skip(servers.top).take(servers.height());
        for (at, y) in shown.zip(3..) {
            if let Some(row) = servers.rows.get(*at) {
                draw_row(servers, row, servers.cursor == Some(*at), y, &mut pen);
            }
        }
    }
    if let Some(at) = servers.picker {
        let area = Rect { x: 0, y: 3, width, height: height - 5 };
        pages::picker(SORTS.iter().map(|(word, _)| *word), at, area, &mut pen);
    }
    let cursor = message(servers, &mut pen, height - 2);
    super::keys(&keys_now(servers), &mut pen, height - 1);
    cursor
}

fn message(servers: &Servers, pen: &mut Pen<'_>, y: u16) -> Option<(u16, u16)> {
    let (width, _) = pen.size();
    if let Some(line) = &servers.line {
        return Some(super::typed(line, pen, y));
    }
    if let Some((at, since)) = servers.entering {
        let name = servers.rows.get(at).map_or("", |row| &row.listed.name);
        let seconds = servers.now.saturating_duration_since(since).as_secs();
        let line = format!("connecting to {name}, {seconds}s; Esc stays here");
        pen.write((0, y), &line, pen.style(Mark::Warn), width);
    } else if let Some((mark, line)) = &servers.message {
        pen.write((0, y), line, pen.style(*mark), width);
    } else if let Some(found) = servers.chosen().and_then(|row| row.found.as_ref()) {
        // What its row has no room for.
        pen.write((0, y), &text::sanitize(&found.0.summary), Style::new(), width);
    }
    None
}

/// The keys that work now, the most wanted first.
fn keys_now(servers: &Servers) -> Vec<(&'static str, &'static str)> {
    if servers.entering.is_some() {
        return vec![("Esc", "stays here")];
    }
    if servers.helps {
        return vec![("any key", "back")];
    }
    if servers.line.is_some() {
        return super::KEYS_OF_LINE.to_vec();
    }
    if servers.picker.is_some() {
        return super::KEYS_OF_PICKER.to_vec();
    }
    let mut keys = vec![
        ("?", "help"),
        ("j k", "move"),
        ("Enter", "sessions"),
        ("/", "filter"),
        ("s", "sort"),
        ("p", "hold"),
    ];
    if servers.listed.held {
        keys.push(("Esc", "lets go"));
    }
    keys.push(("q", "quit"));
    keys
}

/// What is listed, and how: in the line above the titles.
fn arrangement(servers: &Servers, pen: &mut Pen<'_>) {
    let (width, _) = pen.size();
    let listed = &servers.listed;
    let mut about: Vec<String> = Vec::new();
    if listed.held {
        about.push("held".into());
    }
    if !listed.typed.is_empty() {
        about.push(format!("/{}", listed.typed));
    }
    let inverted = if listed.inverted { ", inverted" } else { "" };
    let sort = SORTS.iter().find(|(_, sort)| Some(*sort) == listed.sort);
    match sort {
        Some((word, _)) => about.push(format!("by {word}{inverted}")),
        None if listed.inverted => about.push("inverted".into()),
        None => {}
    }
    if !listed.typed.is_empty() {
        about.push(format!("{} match", listed.places.len()));
    }
    let about = about.join(" · ");
    let about = text::visible(&about);
    pen.write_right(width, 1, &text::cut(&about, width.into()), bold());
}

fn head(servers: &Servers, pen: &mut Pen<'_>) {
    let (width, _) = pen.size();
    let seen = || servers.rows.iter().filter_map(|row| row.found.as_ref().map(|(found, _)| found));
    let down = seen().filter(|found| found.rank == 0).count();
    let wrong = seen().filter(|found| found.rank == 1).count();
    let number = i64::try_from(servers.rows.len()).unwrap_or(i64::MAX);
    let x = pen.write((0, 0), &text::count(number, "server"), bold(), width);
    let mut line = format!("  {down} down  {wrong} unhealthy");
    let unseen = servers.rows.len() - seen().count();
    if unseen > 0 {
        line.push_str(&format!("  {unseen} not looked at yet"));
    }
    let mark = if down + wrong > 0 { Mark::Bad } else { Mark::Plain };
    let x = pen.write((x, 0), &line, pen.style(mark), width.saturating_sub(x));
    if servers.paused.is_some() && x < width {
        pen.write_right(width, 0, "HELD (p)", pen.style(Mark::Warn));
    }
}

fn titles(pen: &mut Pen<'_>) {
    let (width, _) = pen.size();
    let style = bold().add_modifier(Modifier::UNDERLINED);
    for (x, room, is_right, title) in COLUMNS {
        let room = room.min(width.saturating_sub(x));
        let cells = u16::try_from(title.len()).unwrap_or(0).min(room);
        pen.write((if is_right { x + room - cells } else { x }, 2), title, style, cells);
    }
}

fn draw_row(servers: &Servers, row: &Row, is_cursor: bool, y: u16, pen: &mut Pen<'_>) {
    let (width, _) = pen.size();
    let found = row.found.as_ref();
    let mark = match found.map(|(found, _)| found.rank) {
        Some(0 | 1) => Mark::Bad,
        Some(2) => Mark::Warn,
        Some(_) => Mark::Plain,
        None => Mark::Dim,
    };
    let style = pen.style(mark);
    pen.write((0, y), if is_cursor { ">" } else { " " }, bold(), 1);
    if row.listed.production {
        pen.write((1, y), "P", pen.style(Mark::Bad).patch(reversed()), 1);
    }
    let age = found.map(|(_, at)| servers.now.saturating_duration_since(*at));
    let values = values(row, age);
    for ((x, room, is_right, title), value) in COLUMNS.into_iter().zip(&values) {
        let room = room.min(width.saturating_sub(x));
        let cells = u16::try_from(text::width(value)).unwrap_or(u16::MAX).min(room);
        let start = if is_right { x + room - cells } else { x };
        let style = if title == "AGE" { age_style(servers, age, pen) } else { style };
        pen.write((start, y), value, style, if is_right { cells } else { room });
    }
    if is_cursor {
        pen.restyle(y, 20, reversed());
    }
}

fn age_style(servers: &Servers, age: Option<Duration>, pen: &Pen<'_>) -> Style {
    let (old, very_old) = servers.old();
    match age {
        Some(age) if age > very_old => pen.style(Mark::Bad),
        Some(age) if age > old => pen.style(Mark::Warn),
        _ => dim(),
    }
}

fn values(row: &Row, age: Option<Duration>) -> [String; 7] {
    let name = text::sanitize(&row.listed.name).into_owned();
    let Some((found, _)) = &row.found else {
        return [name, "…".into(), String::new(), String::new(), String::new(), String::new(), String::new()];
    };
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let slots = match (found.used, found.usable, found.hidden.unwrap_or(0)) {
        (Some(used), Some(usable), 0) => format!("{used}/{usable}"),
        (Some(used), Some(usable), hidden) => format!("{used}+{hidden}?/{usable}"),
        _ => String::new(),
    };
    [
        name,
        found.health.to_owned(),
        slots,
        number(found.waiting),
        found.oldest_xact_seconds.map(text::duration).unwrap_or_default(),
        age.map(|age| format!("{}s", age.as_secs())).unwrap_or_default(),
        text::sanitize(&found.summary).into_owned(),
    ]
}
