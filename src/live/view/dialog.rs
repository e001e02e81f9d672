//! The dialog before an act, and what the act came to.

use ratatui_core::layout::Rect;
use ratatui_core::style::Style;

use super::pen::{Part, Pen, bold, dim};
use crate::live::dialog::{Dialog, Stage};
use crate::live::event::{Acted, Planned};
use crate::live::state::State;
use crate::model::act::{Action, FateClass, Outcome};
use crate::render::outcomes::{mark, summary};
use crate::render::table::Mark;
use crate::render::text;

/// Draws it over the list.
pub(super) fn draw(state: &State, dialog: &Dialog, area: Rect, pen: &mut Pen<'_>) {
    pen.wipe(area);
    let (verb, place) = (verb(dialog.action), state.setup.target.place());
    let width = area.width;
    let title_style = bold().patch(pen.style(Mark::Bad));
    let mut y = area.y;
    let line = |pen: &mut Pen<'_>, y: &mut u16, style: Style, line: &str| {
        if *y < area.bottom() {
            pen.write((0, *y), line, style, width);
        }
        *y += 1;
    };
    match &dialog.stage {
        Stage::Planning => line(pen, &mut y, title_style, &format!("{verb} on {place}: asking …")),
        Stage::Asking(planned, made) => {
            let number = planned.plan.targets().count();
            let what = text::count(i64::try_from(number).unwrap_or(i64::MAX), "session");
            let age = state.now.saturating_duration_since(*made).as_secs();
            let title = match number {
                0 => format!("{verb} on {place}: nobody can be acted on"),
                _ => format!("{verb} {what} on {place}?  (planned {age}s ago)"),
            };
            line(pen, &mut y, title_style, &title);
            for warning in &planned.warnings {
                line(pen, &mut y, pen.style(Mark::Warn), &text::sanitize(warning));
            }
            let outcomes: Vec<&Outcome> = planned.plan.steps.iter().map(|step| &step.outcome).collect();
            rows(&outcomes, Rect { y, height: area.bottom().saturating_sub(y + 3), ..area }, pen);
            question(dialog, planned, number, area, pen);
        }
        Stage::Acting(planned) => {
            line(pen, &mut y, title_style, &format!("{verb} on {place}: under way"));
            let outcomes: Vec<&Outcome> = planned.plan.steps.iter().map(|step| &step.outcome).collect();
            rows(&outcomes, Rect { y, height: area.bottom().saturating_sub(y), ..area }, pen);
        }
        Stage::Done(acted) => {
            line(pen, &mut y, bold(), &format!("{verb} on {place}: {}", summary(&acted.outcomes)));
            if let Some((before @ 1.., after)) = acted.waiting {
                let mark = if after > 0 { Mark::Warn } else { Mark::Good };
                line(
                    pen,
                    &mut y,
                    pen.style(mark),
                    &format!("waiting for a lock: {before} before, {after} now"),
                );
            }
            for note in &acted.notes {
                line(pen, &mut y, pen.style(Mark::Warn), &text::sanitize(note));
            }
            let outcomes: Vec<&Outcome> = acted.outcomes.iter().collect();
            rows(&outcomes, Rect { y, height: area.bottom().saturating_sub(y), ..area }, pen);
        }
        Stage::Failed(why) => {
            line(pen, &mut y, title_style, &format!("{verb} on {place}: nothing was done"));
            for part in text::wrapped(&text::sanitize(why), width.into()) {
                line(pen, &mut y, pen.style(Mark::Bad), &part);
            }
        }
    }
}

/// What has to be typed.
fn question(dialog: &Dialog, planned: &Planned, number: usize, area: Rect, pen: &mut Pen<'_>) {
    let y = area.bottom().saturating_sub(2);
    if let Some(remark) = dialog.remark {
        pen.write((0, y), remark, pen.style(Mark::Bad), area.width);
    } else if planned.plan.steps.iter().any(|step| step.prevents_wraparound && step.identity.is_some()) {
        let line = "DANGER: an autovacuum that keeps the server from running out of transaction ids";
        pen.write((0, y), line, pen.style(Mark::Bad), area.width);
    }
    let y = y + 1;
    if number == 0 {
        pen.write((0, y), "any key closes this", dim(), area.width);
        return;
    }
    let required = dialog.required();
    let mut parts: Vec<Part<'_>> = Vec::new();
    if !required.is_empty() {
        let rest = required.strip_prefix(dialog.typed()).unwrap_or(&required).to_owned();
        parts.push((Style::new(), "type ".into()));
        parts.push((bold().patch(pen.style(Mark::Good)), dialog.typed().to_owned().into()));
        parts.push((bold(), rest.into()));
        parts.push((Style::new(), ", then ".into()));
    }
    parts.push((bold(), "y".into()));
    let verb = verb(dialog.action).to_lowercase();
    parts.push((Style::new(), format!(" to {verb}; Esc, Enter, anything else: no").into()));
    pen.parts((0, y), &parts, area.width);
}

/// The keys that a dialog hears.
pub(super) fn keys(state: &State) -> Vec<(&'static str, &'static str)> {
    match state.dialog.as_ref().map(|dialog| &dialog.stage) {
        Some(Stage::Asking(planned, _)) if planned.plan.targets().next().is_some() => {
            vec![("y", "do it"), ("Esc", "no")]
        }
        Some(Stage::Acting(_)) => vec![("Ctrl-C", "stops watching, and quits")],
        _ => vec![("Esc", "close")],
    }
}

const fn verb(action: Action) -> &'static str {
    match action {
        Action::Terminate => "Terminate",
        Action::Cancel => "Cancel",
    }
}

/// One line for each session, and why where that is to be said; what there is no room for is counted.
fn rows(outcomes: &[&Outcome], area: Rect, pen: &mut Pen<'_>) {
    let bottom = area.bottom();
    let mut y = area.y;
    let title = title(area.width);
    if y < bottom {
        pen.write((0, y), &title, bold(), area.width);
    }
    y += 1;
    for (at, outcome) in outcomes.iter().enumerate() {
        let left = outcomes.len() - at;
        let room = bottom.saturating_sub(y);
        let why: Vec<&str> =
            [outcome.error.as_deref(), outcome.leaves_behind.as_deref()].into_iter().flatten().collect();
        if room == 0 || room == 1 && left > 1 {
            if room == 1 {
                pen.write((0, y), &format!("… {left} more"), dim(), area.width);
            }
            return;
        }
        let style = pen.style(mark(outcome.result));
        pen.write((0, y), &row(outcome, area.width), style, area.width);
        y += 1;
        for why in why {
            if y < bottom {
                pen.write((9, y), &text::sanitize(why), style, area.width.saturating_sub(9));
                y += 1;
            }
        }
    }
}

/// The columns of application and database, on a screen of so many.
const fn names(width: u16) -> (usize, usize) {
    match width {
        ..80 => (8, 0),
        80..110 => (12, 0),
        110..160 => (18, 14),
        _ => (28, 22),
    }
}

fn title(width: u16) -> String {
    let (application, database) = names(width);
    let database = if database > 0 { format!("{:<database$} ", "DATABASE") } else { String::new() };
    format!(
        "{:>8} {:<application$} {database}{:<7} {:>7} {:>5} {:>7}  RESULT",
        "PID",
        "APPLICATION".get(..application.min(11)).unwrap_or("APP"),
        "STATE",
        "XACT",
        "LOCKS",
        "WAITING"
    )
}

fn row(outcome: &Outcome, width: u16) -> String {
    let (application, database) = names(width);
    let fitted = |name: Option<&String>, room: usize| {
        let name = name.map(|name| text::sanitize(name)).unwrap_or_default();
        let cut = text::cut(&name, room).into_owned();
        let blanks = room.saturating_sub(text::width(&cut));
        format!("{cut}{}", " ".repeat(blanks))
    };
    let database_cell = if database > 0 {
        format!("{} ", fitted(outcome.database.as_ref(), database))
    } else {
        String::new()
    };
    let state = match outcome.state.as_deref() {
        Some("idle in transaction") => "in xact",
        Some("idle in transaction (aborted)") => "aborted",
        Some("fastpath function call") => "fastpath",
        other => other.unwrap_or(""),
    };
    let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
    format!(
        "{:>8} {} {database_cell}{:<7} {:>7} {:>5} {:>7}  {}",
        outcome.pid,
        fitted(outcome.application_name.as_ref(), application),
        text::cut(state, 7),
        outcome.xact_seconds.map(text::duration).unwrap_or_default(),
        number(outcome.locks_held),
        number(outcome.sessions_waiting),
        outcome.words(),
    )
}

/// What an act came to, for when the screen is gone: who could not be ended is named.
pub(in crate::live) fn record(acted: &Acted, place: &str) -> String {
    let failed = acted.outcomes.iter().filter(|outcome| outcome.result.class(true) == FateClass::Failed);
    let failed: Vec<String> =
        failed.take(5).map(|outcome| format!("pid {}: {}", outcome.pid, outcome.words())).collect();
    let pids: Vec<String> = acted.outcomes.iter().take(5).map(|outcome| outcome.pid.to_string()).collect();
    let more = if acted.outcomes.len() > 5 { ", …" } else { "" };
    let failed = if failed.is_empty() { String::new() } else { format!("; {}", failed.join(", ")) };
    format!("{place}: {} (pid {}{more}){failed}", summary(&acted.outcomes), pids.join(", "))
}
