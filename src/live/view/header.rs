//! The header: which server, how old the data is, how its slots are used, what lasts.

use std::time::{Duration, Instant};

use ratatui_core::style::{Modifier, Style};

use super::pen::{Part, Pen, bold, dim, reversed};
use crate::live::state::{HISTORY, OLD, State};
use crate::model::usage::{LimitUse, Owner};
use crate::render::table::Mark;
use crate::render::text;

/// The columns of the bar, and of the line of slots in use.
const BAR: usize = 20;
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// From these shares of the slots on that is worth a look, and wrong.
const NEAR: (f64, f64) = (0.8, 0.95);

pub(super) fn draw(state: &State, pen: &mut Pen<'_>) {
    server(state, pen);
    slots(state, pen);
    states(state, pen);
    lasting(state, pen);
}

/// The server, and the age of the data.
fn server(state: &State, pen: &mut Pen<'_>) {
    let (width, _) = pen.size();
    let target = &state.setup.target;
    let mut parts: Vec<Part<'_>> = Vec::new();
    if state.setup.production {
        let style = pen.style(Mark::Bad).patch(reversed()).add_modifier(Modifier::BOLD);
        parts.push((style, " PRODUCTION ".into()));
        parts.push((Style::new(), " ".into()));
    }
    parts.push((bold(), target.place().into()));
    if let Some(down) = &state.link {
        let since = state.now.saturating_duration_since(down.since).as_secs();
        let again = down.again.saturating_duration_since(state.now).as_secs();
        let x = pen.parts((0, 0), &parts, width);
        let (before, after) = (format!("  ! down {since}s: "), format!("; again in {again}s"));
        let room = usize::from(width).saturating_sub(usize::from(x) + before.len() + after.len());
        let because = text::sanitize(&down.because);
        let because = text::cut(&because, room.max(1));
        let style = pen.style(Mark::Bad).add_modifier(Modifier::BOLD);
        pen.write((x, 0), &format!("{before}{because}{after}"), style, width.saturating_sub(x));
        return;
    }
    let age = age(state, pen);
    let x = pen.write_right(width, 0, &age.1, age.0);
    let end = x.saturating_sub(1);
    if let Some(name) = target.name.as_ref().or(target.service.as_ref()) {
        parts.push((bold(), format!(" ({name})").into()));
    }
    if let Some(context) = &state.context {
        let server = &context.server;
        let standing = if server.server.in_recovery { "standby" } else { "primary" };
        parts.push((Style::new(), format!("  {standing} {}", server.server.version).into()));
        parts.push((Style::new(), format!("  as {}", server.rights.role).into()));
    } else {
        parts.push((Style::new(), format!("  as {}", target.user).into()));
    }
    if state.setup.read_only {
        parts.push((bold(), "  read-only".into()));
    }
    pen.parts((0, 0), &parts, end);
}

/// How old the data is, or since when and why there is none.
fn age(state: &State, pen: &Pen<'_>) -> (Style, String) {
    let pace = &state.pace;
    let every = if pace.interval > pace.wanted {
        format!("every {} (looks are slow)", seconds(pace.interval))
    } else {
        format!("every {}", seconds(pace.interval))
    };
    let Some(age) = state.age() else { return (dim(), format!("no data yet  {every}")) };
    let held = if state.paused.is_some() { "HELD (p)  " } else { "" };
    let shown = format!("{held}data {}s old  {every}", age.as_secs());
    if age > OLD {
        (pen.style(Mark::Bad).add_modifier(Modifier::DIM), format!("! {shown}"))
    } else if age > state.stale_after() {
        (pen.style(Mark::Warn), format!("! {shown}"))
    } else if state.paused.is_some() {
        (pen.style(Mark::Warn), shown)
    } else {
        (dim(), shown)
    }
}

/// `2s`, `0.5s`.
fn seconds(time: Duration) -> String {
    let millis = time.as_millis();
    if millis.is_multiple_of(1_000) {
        format!("{}s", millis / 1_000)
    } else {
        format!("{}.{}s", millis / 1_000, millis % 1_000 / 100)
    }
}

/// What is used of the slots, the nearest limit, and how it was before.
fn slots(state: &State, pen: &mut Pen<'_>) {
    let (width, _) = pen.size();
    let Some(context) = &state.context else { return };
    let usable = context.server.limits.usable();
    let (used, hidden) = (state.overview.used, state.overview.hidden);
    let mark = mark_of(used + hidden, usable);
    let (full, maybe) = (filled(used, usable), filled(used + hidden, usable));
    let bar = format!("{}{}{}", "█".repeat(full), "▒".repeat(maybe - full), "░".repeat(BAR - maybe));
    let free = (usable - used - hidden).max(0);
    let mut parts: Vec<Part<'_>> = vec![
        (Style::new(), "slots ".into()),
        (pen.style(mark), bar.into()),
        (bold(), format!(" {used}").into()),
        (Style::new(), format!(" of {usable} usable").into()),
    ];
    parts.push(match hidden {
        0 => (Style::new(), format!(", {free} free").into()),
        hidden => (pen.style(Mark::Warn), format!(", {hidden} more hidden, at least {free} free").into()),
    });
    if let Some(limit) = &context.nearest_limit {
        let mark = match mark_of(limit.used + limit.hidden, limit.limit) {
            Mark::Good => Mark::Plain,
            mark => mark,
        };
        parts.push((pen.style(mark), format!("  {}", limit_line(limit)).into()));
    }
    let x = pen.parts((0, 1), &parts, width);
    let room = usize::from(width.saturating_sub(x + 2));
    if room >= 8 {
        let sparks = sparks(state, usable, room.min(60).saturating_sub(3));
        pen.write_right(width, 1, &format!("{sparks} 5m"), dim());
    }
}

/// How much of a bar is filled: something where anything is used.
fn filled(used: i64, usable: i64) -> usize {
    let bar = i64::try_from(BAR).unwrap_or(0);
    let share = (used.max(0) * bar).checked_div(usable).unwrap_or(bar).clamp(i64::from(used > 0), bar);
    usize::try_from(share).unwrap_or(0)
}

fn mark_of(used: i64, most: i64) -> Mark {
    #[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
    let share = used as f64 / most.max(1) as f64;
    if share >= NEAR.1 {
        Mark::Bad
    } else if share >= NEAR.0 {
        Mark::Warn
    } else {
        Mark::Good
    }
}

/// The most slots that were in use in each part of the time that is shown.
fn sparks(state: &State, usable: i64, columns: usize) -> String {
    let mut most: Vec<Option<i64>> = vec![None; columns];
    let total = u64::try_from(HISTORY.as_millis()).unwrap_or(1).max(1);
    let column = |at: Instant| {
        let ago = u64::try_from(state.now.saturating_duration_since(at).as_millis()).unwrap_or(u64::MAX);
        let back = usize::try_from(ago.saturating_mul(columns as u64) / total).unwrap_or(usize::MAX);
        columns.checked_sub(1 + back)
    };
    for (at, used) in &state.history {
        if let Some(slot) = column(*at).and_then(|column| most.get_mut(column)) {
            *slot = Some(slot.map_or(*used, |known| known.max(*used)));
        }
    }
    let mut last = None;
    let spark = |slot: Option<i64>| {
        // Between two looks it is as it was before.
        last = slot.or(last);
        let Some(used) = last else { return ' ' };
        let step = usize::try_from(used.max(0) * 7 / usable.max(1)).unwrap_or(0).min(7);
        SPARKS.get(step).copied().unwrap_or(' ')
    };
    most.into_iter().map(spark).collect()
}

/// How many sessions do what.
fn states(state: &State, pen: &mut Pen<'_>) {
    let (width, _) = pen.size();
    if state.seen.is_none() {
        return;
    }
    let overview = &state.overview;
    let warn = |count: i64, mark: Mark| if count > 0 { mark } else { Mark::Dim };
    let counts = [
        (overview.active, "active", Mark::Plain),
        (overview.idle, "idle", Mark::Dim),
        (overview.idle_in_transaction, "in transaction", warn(overview.idle_in_transaction, Mark::Warn)),
        (overview.aborted, "aborted", warn(overview.aborted, Mark::Bad)),
        (overview.other, "other", Mark::Dim),
        (overview.waiting, "waiting", warn(overview.waiting, Mark::Bad)),
    ];
    let shown = counts.iter().filter(|(count, word, _)| *count > 0 || *word != "other");
    let mut parts: Vec<Part<'_>> = Vec::new();
    for (count, word, mark) in shown {
        let gap = if parts.is_empty() { "" } else { "  " };
        parts.push((pen.style(*mark), format!("{gap}{count} {word}").into()));
    }
    pen.parts((0, 2), &parts, width);
}

fn limit_line(limit: &LimitUse) -> String {
    let LimitUse { owner, name, used, hidden, limit } = limit;
    let kind = match owner {
        Owner::Role => "role",
        Owner::Database => "database",
    };
    let hidden = if *hidden > 0 { format!("–{}", used + hidden) } else { String::new() };
    format!("{kind} {} {used}{hidden} of {limit}", text::cut(&text::sanitize(name), 24))
}

/// What has lasted longest.
fn lasting(state: &State, pen: &mut Pen<'_>) {
    let (width, _) = pen.size();
    let Some(context) = &state.context else { return };
    let overview = &state.overview;
    let age = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), text::duration);
    let mark = |seconds: Option<f64>, least: f64| {
        if seconds.is_some_and(|seconds| seconds >= least) { Mark::Warn } else { Mark::Plain }
    };
    let longest_wait = match overview.longest_wait_seconds {
        Some(seconds) if overview.wait_at_most => format!("≤ {}", text::duration(seconds)),
        // Somebody does, and it is hidden since when.
        None if overview.waiting > 0 => "?".to_owned(),
        seconds => age(seconds),
    };
    let prepared = match context.oldest_prepared_seconds {
        Some(oldest) => format!("  prepared {} ({})", context.prepared, text::duration(oldest)),
        None => "  prepared 0".to_owned(),
    };
    let horizon = overview.horizon_age.max(context.horizon_age).map_or_else(|| "–".to_owned(), grouped);
    let parts: Vec<Part<'_>> = vec![
        (
            pen.style(mark(overview.oldest_xact_seconds, 300.0)),
            format!("oldest xact {}", age(overview.oldest_xact_seconds)).into(),
        ),
        (
            pen.style(mark(overview.longest_wait_seconds, 30.0)),
            format!("  longest wait {longest_wait}").into(),
        ),
        (pen.style(if context.prepared > 0 { Mark::Warn } else { Mark::Plain }), prepared.into()),
        (Style::new(), format!("  horizon {horizon}").into()),
    ];
    pen.parts((0, 3), &parts, width);
}

/// `1,234,567`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
