//! The pools of the pooler in front: how old what is known of them is, and a row for each.

use std::borrow::Cow;

use ratatui_core::style::{Modifier, Style};

use super::pen::{Pen, bold};
use crate::analyze::pooler::PoolUse;
use crate::live::state::{OLD, State};
use crate::render::table::Mark;
use crate::render::text;

/// A column: its title, how wide it is on a narrow, an ordinary and a wide screen (0 leaves it out), whether it stands to the right, and
/// its value. What is said of a pool takes what is left.
type Column = (&'static str, [u16; 3], bool, fn(&PoolUse) -> Cow<'_, str>);

const COLUMNS: &[Column] = &[
    ("DATABASE", [10, 10, 20], false, |pool| text::sanitize(&pool.pool.database)),
    ("USER", [8, 9, 18], false, |pool| text::sanitize(&pool.pool.user)),
    ("MODE", [0, 11, 11], false, |pool| {
        pool.pool.pool_mode.as_deref().map_or(Cow::Borrowed(""), text::sanitize)
    }),
    ("CLIENTS", [7, 7, 7], true, |pool| number(pool.pool.clients_active)),
    ("WAITING", [7, 7, 7], true, |pool| number(pool.pool.clients_waiting)),
    ("MAX-WAIT", [8, 8, 8], true, |pool| {
        let seconds = pool.pool.max_wait_seconds.filter(|_| waits(pool));
        seconds.map_or(Cow::Borrowed(""), |seconds| text::duration(seconds).into())
    }),
    ("ACTIVE", [6, 6, 6], true, |pool| number(pool.pool.servers_active)),
    ("IDLE", [4, 4, 5], true, |pool| number(pool.pool.servers_idle)),
];

/// The columns of a screen from which on it is an ordinary one, and a wide one.
const ORDINARY: u16 = 80;
const WIDE: u16 = 110;

fn number(number: Option<i64>) -> Cow<'static, str> {
    number.map_or(Cow::Borrowed("–"), |number| number.to_string().into())
}

fn waits(pool: &PoolUse) -> bool {
    pool.pool.clients_waiting.is_some_and(|waiting| waiting > 0)
}

fn columns(width: u16) -> impl Iterator<Item = (&'static Column, u16)> {
    let at = usize::from(width >= ORDINARY) + usize::from(width >= WIDE);
    let widths = COLUMNS.iter().map(move |column| (column, column.1.get(at).copied().unwrap_or(0)));
    widths.filter(|(_, width)| *width > 0)
}

/// Which console it is, and how old what it said is; for how long it has said nothing, and why.
pub(super) fn status(state: &State, y: u16, width: u16, pen: &mut Pen<'_>) {
    let place = state.setup.pooler.as_ref().map(|pooler| pooler.target.place()).unwrap_or_default();
    let known = state.pooler_age();
    let age = known.map_or_else(|| "no data yet".to_owned(), |age| format!("data {}s old", age.as_secs()));
    if let Some(silent) = state.pooler_silent() {
        let because = state.console.failed.as_ref().map(|(_, why)| format!(": {why}")).unwrap_or_default();
        let line = format!("! {place} has not answered for {}s, {age}{because}", silent.as_secs());
        let style = pen.style(Mark::Bad).add_modifier(Modifier::BOLD);
        pen.write((0, y), &line, style, width);
        return;
    }
    let product = state.console.seen.as_ref().map(|(seen, _)| {
        let pools = text::count(i64::try_from(seen.pools.len()).unwrap_or(i64::MAX), "pool");
        format!("{}  {pools}  ", seen.product)
    });
    let filter = if state.filter.is_empty() { "" } else { "  (the filter is about sessions)" };
    let line = format!("console {place}  {}{age}{filter}", product.unwrap_or_default());
    let style = match known {
        Some(age) if age > OLD.max(state.stale_after()) => pen.style(Mark::Bad),
        Some(age) if age > state.stale_after() => pen.style(Mark::Warn),
        _ => Style::new(),
    };
    pen.write((0, y), &line, style, width);
}

pub(super) fn titles((x, y): (u16, u16), width: u16, pen: &mut Pen<'_>) {
    let style = bold().add_modifier(Modifier::UNDERLINED);
    let mut at = x;
    for ((title, _, is_right, _), room) in columns(width) {
        let title = if *is_right { format!("{title:>0$}", usize::from(room)) } else { (*title).to_owned() };
        pen.write((at, y), &title, style, room);
        at += room + 1;
    }
}

pub(super) fn row(
    pool: &PoolUse,
    gone: bool,
    (x, y): (u16, u16),
    (width, style): (u16, Style),
    pen: &mut Pen<'_>,
) {
    let mut at = x;
    for ((_, _, is_right, value), room) in columns(width) {
        let value = value(pool);
        let cells = u16::try_from(text::width(&value)).unwrap_or(u16::MAX).min(room);
        let start = if *is_right { at + room - cells } else { at };
        pen.write((start, y), &value, style, if *is_right { cells } else { room });
        at += room + 1;
    }
    let room = width.saturating_sub(at);
    let said = if gone { ["gone".to_owned(), String::new()] } else { said(pool) };
    // Rather fewer words than half of one.
    if let Some(line) = said.iter().find(|line| text::width(line) <= usize::from(room)) {
        pen.write((at, y), line, style, room);
    }
}

/// What is to be known of a pool beside its numbers: why its clients wait, or which limit it reaches first. In full, and shortly.
fn said(pool: &PoolUse) -> [String; 2] {
    let both = |full: &str, short: &str| [full.to_owned(), short.to_owned()];
    if pool.paused == Some(true) {
        return both("paused", "paused");
    }
    if pool.disabled == Some(true) {
        return both("disabled", "disabled");
    }
    if pool.refused().is_some() {
        return both("has room: the server may refuse it", "refused?");
    }
    let Some(limit) = &pool.first_limit else { return both("", "") };
    let used = format!("{} of {}", limit.used, limit.limit);
    [format!("{used} ({})", limit.name), used]
}

/// How a pool is: clients that wait are wrong; all but used up is worth a look.
pub(super) fn mark(pool: &PoolUse) -> Mark {
    let is_off = pool.paused == Some(true) || pool.disabled == Some(true);
    match pool.used_ratio {
        _ if waits(pool) => Mark::Bad,
        Some(ratio) if ratio >= 0.8 => Mark::Warn,
        _ if is_off => Mark::Warn,
        _ => Mark::Plain,
    }
}
