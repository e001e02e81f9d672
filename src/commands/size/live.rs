//! How the live server and the measured load are shown beside the plan.

use std::borrow::Cow;

use super::row::Row;
use crate::analyze::sizing::live::{Live, LiveApplication, LiveLimit};
use crate::analyze::sizing::sample::{Concurrency, LoadSample, Needed};
use crate::render::columns::{Column, Value};
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::text;

/// What people read of each application.
const APPLICATIONS: &[Column<LiveApplication>] = &[
    Column::table("APPLICATION", Align::Left, |app| named(&app.application_name).into()),
    Column::table("NOW", Align::Right, |app| app.sessions_now.into()),
    Column::table("ACTIVE", Align::Right, |app| app.active_now.into()),
    Column::table("PLANNED", Align::Right, |app| app.planned.into()),
    Column::table("HEADROOM", Align::Right, |app| app.headroom.into()),
    Column::table("FIRST-LIMIT", Align::Left, |app| (&app.headroom_limit).into()),
];

/// What people read of each limit.
const LIMITS: &[Column<LiveLimit>] = &[
    Column::table("LIMIT", Align::Left, |limit| limit.scope.into()),
    Column::table("OF", Align::Left, |limit| limit.name.as_ref().into()),
    Column::table("ALLOWS", Align::Right, |limit| limit.limit.into()),
    Column::table("USED", Align::Right, |limit| limit.used.into()),
    Column::table("LEFT", Align::Right, |limit| limit.headroom.into()),
];

/// Applications and limits of the live server.
pub(super) fn live_blocks(live: &Live) -> Vec<Block<'_>> {
    let applications = Table::of(APPLICATIONS, &live.applications, |app| {
        let over =
            app.planned.is_some_and(|planned| i64::try_from(planned).is_ok_and(|p| p < app.sessions_now));
        if over { Mark::Warn } else { Mark::Plain }
    });
    let limits = Table::of(LIMITS, &live.limits, |limit| match limit.headroom {
        0 => Mark::Bad,
        _ if limit.below_plan => Mark::Warn,
        _ => Mark::Plain,
    });
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

/// Sessions of one client, or of all that have no line of their own.
struct Client<'a> {
    name: Cow<'a, str>,
    sessions: i64,
    mark: Mark,
}

impl<'a> Client<'a> {
    const COLUMNS: &'a [Column<Self>] = &[
        Column::table("CLIENT", Align::Left, |client| client.name.as_ref().into()),
        Column::table("NOW", Align::Right, |client| client.sessions.into()),
    ];
}

fn clients(live: &Live) -> Table<'_> {
    let (shown, rest) = live.clients.split_at(live.clients.len().min(CLIENTS));
    let shown = shown.iter().map(|group| Client {
        name: group.client.as_deref().unwrap_or("(hidden)").into(),
        sessions: group.sessions_now,
        mark: Mark::Plain,
    });
    let others = (!rest.is_empty()).then(|| Client {
        name: format!("({} more)", rest.len()).into(),
        sessions: rest.iter().map(|group| group.sessions_now).sum(),
        mark: Mark::Dim,
    });
    Table::of(Client::COLUMNS, shown.chain(others), |client| client.mark)
}

/// What was measured of one application, or of all.
struct Measured<'a> {
    name: &'a str,
    seen: &'a Concurrency,
}

impl<'a> Measured<'a> {
    const COLUMNS: &'a [Column<Self>] = &[
        Column::table("SAMPLED", Align::Left, |row| row.name.into()),
        Column::table("SESSIONS", Align::Right, |row| tenths(row.seen.mean_sessions).into()),
        Column::table("ACTIVE", Align::Right, |row| row.seen.mean_active.map(tenths).into()),
        Column::table("P95", Align::Right, |row| row.seen.p95_active.into()),
        Column::table("OCCUPIED", Align::Right, |row| row.seen.mean_occupied.map(tenths).into()),
        Column::table("P95", Align::Right, |row| row.seen.p95_occupied.into()),
    ];
}

fn tenths(number: f64) -> String {
    format!("{number:.1}")
}

/// The measured load, and how many connections it needs.
pub(super) fn sample_blocks(sample: &LoadSample) -> Vec<Block<'_>> {
    let applications = sample.applications.iter();
    let applications =
        applications.map(|app| Measured { name: named(&app.application_name), seen: &app.concurrency });
    let rows = applications.chain([Measured { name: "all", seen: &sample.concurrency }]);
    let table = Table::of(Measured::COLUMNS, rows, |_| Mark::Plain);
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

fn load_lines(sample: &LoadSample) -> Vec<String> {
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
pub(super) fn rows<'a>(live: Option<&'a Live>, sample: Option<&'a LoadSample>) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for app in live.iter().flat_map(|live| &live.applications) {
        let detail = format!("headroom {} ({})", app.headroom, app.headroom_limit);
        rows.push(Row::new("live", &app.application_name, app.sessions_now, detail));
    }
    for client in live.iter().flat_map(|live| &live.clients) {
        let name = client.client.as_deref().unwrap_or("(hidden)");
        rows.push(Row::new("clients", name, client.sessions_now, Value::None));
    }
    for limit in live.iter().flat_map(|live| &live.limits) {
        let detail = format!("used {}, left {}", limit.used, limit.headroom);
        rows.push(Row::new("limits", limit.words(), limit.limit, detail));
    }
    let Some(sample) = sample else { return rows };
    let (seen, needed) = (&sample.concurrency, sample.needed.as_ref());
    let measured: [(&str, Value<'_>); 10] = [
        ("mean_active", seen.mean_active.into()),
        ("mean_occupied", seen.mean_occupied.into()),
        ("transactions_per_second", sample.transactions_per_second.into()),
        ("held_seconds", sample.held_seconds.into()),
        ("busy_ratio", sample.busy_ratio.into()),
        ("p95_active", seen.p95_active.into()),
        ("p95_occupied", seen.p95_occupied.into()),
        ("stable_connections", needed.map(|needed| needed.stable_connections).into()),
        ("eighty_percent_connections", needed.map(|needed| needed.eighty_percent_connections).into()),
        ("target_wait_connections", needed.and_then(|needed| needed.target_wait_connections).into()),
    ];
    rows.extend(measured.map(|(name, value)| Row::new("sample", name, value, Value::None)));
    rows
}

fn named(application: &str) -> &str {
    if application.is_empty() { "(none)" } else { application }
}
