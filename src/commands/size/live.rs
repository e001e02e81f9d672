//! How the live server and the measured load are shown beside the plan.

use crate::analyze::sizing::live::Live;
use crate::analyze::sizing::sample::{Concurrency, Needed, Sample};
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{text, tsv};

/// Applications and limits of the live server.
pub(super) fn live_blocks(live: &Live) -> Vec<Block<'static>> {
    let mut applications = Table::new(&[
        ("APPLICATION", Align::Left),
        ("NOW", Align::Right),
        ("ACTIVE", Align::Right),
        ("PLANNED", Align::Right),
        ("HEADROOM", Align::Right),
        ("FIRST-LIMIT", Align::Left),
    ]);
    for app in &live.applications {
        let over =
            app.planned.is_some_and(|planned| i64::try_from(planned).is_ok_and(|p| p < app.sessions_now));
        applications.push(
            if over { Mark::Warn } else { Mark::Plain },
            [
                named(&app.application_name),
                app.sessions_now.to_string(),
                known(app.active_now),
                app.planned.map(|planned| planned.to_string()).unwrap_or_default(),
                app.headroom.to_string(),
                app.headroom_limit.clone(),
            ],
        );
    }
    let mut limits = Table::new(&[
        ("LIMIT", Align::Left),
        ("OF", Align::Left),
        ("ALLOWS", Align::Right),
        ("USED", Align::Right),
        ("LEFT", Align::Right),
    ]);
    for limit in &live.limits {
        let mark = if limit.headroom == 0 {
            Mark::Bad
        } else if limit.below_plan {
            Mark::Warn
        } else {
            Mark::Plain
        };
        limits.push(
            mark,
            [
                limit.scope.to_owned(),
                limit.name.clone().unwrap_or_default(),
                limit.limit.to_string(),
                limit.used.to_string(),
                limit.headroom.to_string(),
            ],
        );
    }
    let mut blocks = Vec::new();
    if !applications.is_empty() {
        blocks.extend([Block::Gap, Block::Table(applications)]);
    }
    if !live.clients.is_empty() {
        blocks.extend([Block::Gap, Block::Table(clients(live))]);
    }
    blocks.extend([Block::Gap, Block::Table(limits)]);
    blocks
}

/// How many clients get a line of their own.
const CLIENTS: usize = 10;

fn clients(live: &Live) -> Table<'static> {
    let mut table = Table::new(&[("CLIENT", Align::Left), ("NOW", Align::Right)]);
    let (shown, rest) = live.clients.split_at(live.clients.len().min(CLIENTS));
    for group in shown {
        let name = group.client.clone().unwrap_or_else(|| "(hidden)".to_owned());
        table.push(Mark::Plain, [name, group.sessions_now.to_string()]);
    }
    if !rest.is_empty() {
        let sessions: i64 = rest.iter().map(|group| group.sessions_now).sum();
        table.push(Mark::Dim, [format!("({} more)", rest.len()), sessions.to_string()]);
    }
    table
}

/// The measured load, and how many connections it needs.
pub(super) fn sample_blocks(sample: &Sample) -> Vec<Block<'static>> {
    let mut table = Table::new(&[
        ("SAMPLED", Align::Left),
        ("SESSIONS", Align::Right),
        ("ACTIVE", Align::Right),
        ("P95", Align::Right),
        ("OCCUPIED", Align::Right),
        ("P95", Align::Right),
    ]);
    let mut row = |name: String, seen: &Concurrency| {
        table.push(
            Mark::Plain,
            [
                name,
                format!("{:.1}", seen.mean_sessions),
                known(seen.mean_active.map(|mean| format!("{mean:.1}"))),
                known(seen.p95_active),
                known(seen.mean_occupied.map(|mean| format!("{mean:.1}"))),
                known(seen.p95_occupied),
            ],
        );
    };
    for app in &sample.applications {
        row(named(&app.application_name), &app.concurrency);
    }
    row("all".to_owned(), &sample.concurrency);
    let early = if sample.ended_early { ", ended early" } else { "" };
    let mut blocks = vec![
        Block::Gap,
        Block::line(format!("{} looks in {}{early}", sample.looks, text::duration(sample.seconds))),
        Block::Table(table),
        Block::Gap,
    ];
    blocks.extend(load_lines(sample).into_iter().map(Block::line));
    blocks.extend(
        sample.unknown.iter().map(|unknown| Block::marked(Mark::Dim, format!("not known: {unknown}"))),
    );
    blocks
}

fn load_lines(sample: &Sample) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(rate) = sample.transactions_per_second {
        let held = sample
            .held_seconds
            .map(|held| format!(", each holding its connection for {} on average", text::brief(held)));
        lines.push(format!("{rate:.1} transactions a second{}", held.unwrap_or_default()));
    }
    if let Some(ratio) = sample.busy_ratio {
        lines.push(format!("connections are held for {} of the time that they exist", text::percent(ratio)));
    }
    if let Some(needed) = sample.needed {
        lines.extend(needed_lines(&needed, sample.target_wait_seconds));
    }
    lines
}

fn needed_lines(needed: &Needed, target: f64) -> Vec<String> {
    let mut lines = vec![format!(
        "connections this load needs, all pools together: {} to keep up, {} at 80 % use, {} for a mean wait of {} at most",
        needed.stable_connections,
        needed.eighty_percent_connections,
        needed
            .target_wait_connections
            .map_or_else(|| "more than any server has".to_owned(), |value| value.to_string()),
        text::brief(target)
    )];
    lines.push(needed.wait_at_optimal_seconds.map_or_else(
        || "with the formula's optimal connections the queue would grow without end".to_owned(),
        |wait| format!("with the formula's optimal connections the mean wait would be {}", text::brief(wait)),
    ));
    lines
}

/// The rows of both for scripts.
pub(super) fn push_rows(live: Option<&Live>, sample: Option<&Sample>, rows: &mut tsv::Pushed) {
    for app in live.iter().flat_map(|live| &live.applications) {
        let detail = format!("headroom {} ({})", app.headroom, app.headroom_limit);
        rows.push(["live".into(), (&app.application_name).into(), app.sessions_now.into(), (&detail).into()]);
    }
    for client in live.iter().flat_map(|live| &live.clients) {
        let name = client.client.as_deref().unwrap_or("(hidden)");
        rows.push(["clients".into(), name.into(), client.sessions_now.into(), None::<&str>.into()]);
    }
    for limit in live.iter().flat_map(|live| &live.limits) {
        let name = limit.words();
        let detail = format!("used {}, left {}", limit.used, limit.headroom);
        rows.push(["limits".into(), (&name).into(), limit.limit.into(), (&detail).into()]);
    }
    let Some(sample) = sample else { return };
    for (name, value) in [
        ("mean_active", sample.concurrency.mean_active),
        ("mean_occupied", sample.concurrency.mean_occupied),
        ("transactions_per_second", sample.transactions_per_second),
        ("held_seconds", sample.held_seconds),
        ("busy_ratio", sample.busy_ratio),
    ] {
        rows.push(["sample".into(), name.into(), value.into(), None::<&str>.into()]);
    }
    let needed = sample.needed.as_ref();
    for (name, value) in [
        ("p95_active", sample.concurrency.p95_active),
        ("p95_occupied", sample.concurrency.p95_occupied),
        ("stable_connections", needed.and_then(|needed| i64::try_from(needed.stable_connections).ok())),
        (
            "eighty_percent_connections",
            needed.and_then(|needed| i64::try_from(needed.eighty_percent_connections).ok()),
        ),
        (
            "target_wait_connections",
            needed.and_then(|needed| i64::try_from(needed.target_wait_connections?).ok()),
        ),
    ] {
        rows.push(["sample".into(), name.into(), value.into(), None::<&str>.into()]);
    }
}

/// A figure, or `-` where it is hidden.
fn known<T: std::fmt::Display>(figure: Option<T>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| figure.to_string())
}

fn named(application: &str) -> String {
    if application.is_empty() { "(none)".to_owned() } else { application.to_owned() }
}
