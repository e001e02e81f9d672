//! What a live screen looks like: from its state to a buffer of cells. Asks nobody, and changes nothing.

mod dialog;
mod header;
mod pages;
mod pen;
mod pools;
mod rows;
mod servers;

use std::borrow::Cow;

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;

use super::line::Line;
use super::state::{HEADER, LEAST_SIZE, SORTS, State};
use crate::render::table::Mark;
pub(super) use dialog::record;
use pen::{Pen, bold, dim, reversed};
pub(super) use servers::draw as draw_servers;

/// The keys while a line is typed, and while it is chosen by what to sort.
const KEYS_OF_LINE: [(&str, &str); 2] = [("Enter", "keeps it"), ("Esc", "takes it back")];
const KEYS_OF_PICKER: [(&str, &str); 3] = [("j k", "choose"), ("Enter", "sorts"), ("Esc", "back")];

/// How a screen may look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Colours may be used.
    pub(crate) color: bool,
}

/// Draws everything; returns where the terminal's cursor is to be, where something is typed.
pub(crate) fn draw(state: &State, look: Look, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let mut pen = Pen { buffer, color: look.color };
    let (width, height) = pen.size();
    if width < LEAST_SIZE.0 || height < LEAST_SIZE.1 {
        let line = format!("needs {} columns and {} lines", LEAST_SIZE.0, LEAST_SIZE.1);
        pen.write((0, 0), &line, pen.style(Mark::Warn), width);
        return None;
    }
    header::draw(state, &mut pen);
    views(state, &mut pen, HEADER);
    let list = Rect { x: 0, y: HEADER + 1, width, height: height - HEADER - 3 };
    match state.pages.last() {
        Some((page, scroll)) => pages::draw(state, page, *scroll, list, &mut pen),
        None => rows::draw(state, list, &mut pen),
    }
    let cursor = message(state, &mut pen, height - 2);
    keys(&keys_now(state), &mut pen, height - 1);
    if let Some(at) = state.picker {
        pages::picker(SORTS.iter().map(|sort| sort.word), at, list, &mut pen);
    }
    if let Some(dialog) = &state.dialog {
        dialog::draw(state, dialog, list, &mut pen);
    }
    cursor
}

/// The views by number, and what the list is limited to.
fn views(state: &State, pen: &mut Pen<'_>, y: u16) {
    let (width, _) = pen.size();
    let mut x = 0;
    for (number, view) in state.views().iter().enumerate() {
        let label = format!(" {} {} ", number + 1, view.word());
        let style = if *view == state.view { reversed() } else { dim() };
        x = pen.write((x, y), &label, style, width - x);
    }
    let filter = (state.setup.write_filter)(&state.filter);
    let mut about: Vec<Cow<'_, str>> = Vec::new();
    if state.list.is_held() {
        about.push("held".into());
    }
    if !state.list.tags().is_empty() {
        about.push(format!("{} tagged", state.list.tags().len()).into());
    }
    if let Some(chain) = &state.chain {
        about.push(format!("chain of {}", chain.pid).into());
    }
    if !filter.is_empty() {
        about.push(format!("/{filter}").into());
    }
    if let Some(sort) = state.sort {
        about.push(format!("by {}{}", sort.word, if state.inverted { ", inverted" } else { "" }).into());
    } else if state.inverted {
        about.push("inverted".into());
    }
    if state.view.lists_sessions() && state.seen.is_some() {
        about.push(match state.overview.undecidable {
            0 => format!("{} match", state.overview.matched).into(),
            hidden => format!("{} match, {hidden} may", state.overview.matched).into(),
        });
    }
    let room = width.saturating_sub(x + 1);
    let about = about.join(" · ");
    let about = crate::render::text::visible(&about);
    // What changes what a key does comes first.
    let cut = crate::render::text::cut(&about, room.into()).into_owned();
    pen.write_right(width, y, &cut, bold());
}

/// The line that is typed, or what is said for a while.
fn message(state: &State, pen: &mut Pen<'_>, y: u16) -> Option<(u16, u16)> {
    let (width, _) = pen.size();
    if let Some(line) = &state.line {
        return Some(typed(line, pen, y));
    }
    if state.choosing_all {
        let line =
            format!("all {} that match: C cancels, K terminates; anything else: no", state.overview.matched);
        pen.write((0, y), &line, pen.style(Mark::Warn), width);
    } else if let Some(message) = &state.message {
        pen.write((0, y), &message.text, pen.style(message.mark), width);
    }
    None
}

/// A line that is typed; returns where its cursor is.
fn typed(line: &Line, pen: &mut Pen<'_>, y: u16) -> (u16, u16) {
    let (width, _) = pen.size();
    let (before, after) = line.parts();
    let style = bold();
    let x = pen.write((0, y), "/", style, width);
    // What is typed last is seen.
    let room = usize::from(width.saturating_sub(x + 1));
    let before: String = {
        let skipped = before.chars().count().saturating_sub(room * 2 / 3);
        before.chars().skip(skipped).collect()
    };
    let x = pen.write((x, y), &before, style, width - x);
    let end = pen.write((x, y), after, style, width.saturating_sub(x));
    if let Some(wrong) = &line.wrong {
        pen.write((end + 2, y), wrong, pen.style(Mark::Bad), width.saturating_sub(end + 2));
    }
    (x.min(width - 1), y)
}

/// Writes the keys that work now, as far as there is room.
fn keys(keys: &[(&str, &str)], pen: &mut Pen<'_>, y: u16) {
    let (width, _) = pen.size();
    let mut x = 0;
    for (key, what) in keys {
        let label = format!(" {what}  ");
        let needed = crate::render::text::width(key) + crate::render::text::width(&label);
        if usize::from(x) + needed > usize::from(width) + 2 {
            break;
        }
        x = pen.write((x, y), key, bold(), width.saturating_sub(x));
        x = pen.write((x, y), &label, dim(), width.saturating_sub(x));
    }
}

/// The keys that work now, the most wanted first.
fn keys_now(state: &State) -> Vec<(&'static str, &'static str)> {
    if state.dialog.is_some() {
        return dialog::keys(state);
    }
    if state.line.is_some() {
        return KEYS_OF_LINE.to_vec();
    }
    if state.choosing_all {
        return vec![("C", "cancel"), ("K", "terminate"), ("Esc", "no")];
    }
    if state.picker.is_some() {
        return KEYS_OF_PICKER.to_vec();
    }
    let mut keys = vec![("?", "help")];
    let acts = [("C", "cancel"), ("K", "terminate")];
    if !state.pages.is_empty() {
        keys.extend([("Esc", "back"), ("j k", "scroll"), ("y", "copy id"), ("b", "chain")]);
        if state.may_act() && state.subject().is_some() {
            keys.extend(acts);
        }
        return keys;
    }
    keys.extend([("j k", "move"), ("Enter", "detail"), ("/", "filter")]);
    if state.may_act() {
        keys.extend(acts);
    }
    keys.extend([
        ("Space", "tag"),
        ("b", "chain"),
        ("s", "sort"),
        ("p", "hold"),
        ("Tab", "view"),
        if state.setup.in_list { ("Esc", "servers") } else { ("q", "quit") },
    ]);
    keys
}
