//! `pgconn stats`: how many connections there are, by state and application (database, role, client), against which limit.

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use super::Context;
use super::manual::{Group, Manual};
use super::watch::{self, Shown};
use crate::analyze::health::{CONNECTIONS_PERCENT, IDLE_XACT_SECONDS};
use crate::analyze::usage;
use crate::args::Filters;
use crate::db::Selection;
use crate::exit::Exit;
use crate::model::server::Surroundings;
use crate::model::suggestion::{Command, Hint};
use crate::model::usage::{Connections, LimitUse, Remainder, Usage};
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Report, text, tsv};

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Look,
    &[
        ("How many connections are there, in which state, of which application?", "pgconn stats"),
        ("Which roles and databases hold them?", "pgconn stats --by role,database"),
        ("Only one application's sessions", "pgconn stats --app api"),
        ("Slots in use, for a script", "pgconn stats --json"),
    ],
);

/// Arguments of `stats`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to count by in the table, instead of state and application (repeat for more)
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    by: Vec<By>,
    /// Groups to list of each; the others are summed
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    filters: Filters,
}

/// What sessions are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// State
    State,
    /// Application name
    Application,
    /// Database
    Database,
    /// Role
    Role,
    /// Client address
    Client,
    /// Backend type
    BackendType,
}

/// Counts and prints.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let selection = Selection { filter: args.filters.filter(), all_backends: args.filters.all_backends };
    let filtered = !selection.filter.is_empty();
    let by = if args.by.is_empty() { vec![By::State, By::Application] } else { args.by };
    let limit = usize::try_from(args.limit)?;
    watch::look(context, async |context, db| {
        let add = |groups: &mut usage::Groups, tally| groups.add(&tally);
        let (surroundings, groups) = db.tallies(&selection, add).await?;
        let usage = groups.into_usage(surroundings.limits, limit);
        let mut head = super::head_of_look(db, &surroundings, usage.connections.hidden);
        head.warnings.extend(super::undecidable(usage.undecidable));
        if usage.matched == 0 && filtered {
            head.warnings.extend(super::did_you_mean(db, &selection.filter).await?);
        }
        let hints = hint(&usage).map(|hint| hint.shown(&context.lead())).into_iter().collect();
        let report = Stats { usage, surroundings, by: by.clone(), filtered };
        Ok(Shown { hints, ..Shown::new(report, head) })
    })
    .await
}

/// What to do about transactions that are left open.
fn hint(usage: &Usage) -> Option<Hint> {
    let forgotten = usage.by_state.iter().any(|group| {
        group.state.as_deref().is_some_and(|state| state.starts_with("idle in transaction"))
            && group.oldest_state_seconds.is_some_and(|seconds| seconds >= IDLE_XACT_SECONDS.0)
    });
    let whose = || Command::pgconn("ls --state idle-in-transaction");
    forgotten.then(|| Hint::from("transactions are left open; see whose: ").call(whose()))
}

/// The answer of `stats`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Stats {
    #[serde(flatten)]
    usage: Usage,
    #[serde(skip)]
    surroundings: Surroundings,
    #[serde(skip)]
    by: Vec<By>,
    #[serde(skip)]
    filtered: bool,
}

impl Report for Stats {
    fn kind(&self) -> &'static str {
        "stats"
    }

    fn lists(&self) -> &'static [&'static str] {
        &["by_state", "by_application", "by_database", "by_role", "by_client", "by_backend_type"]
    }

    fn blocks(&self, head: &Head) -> Vec<Block> {
        let mut blocks = vec![self.server_line(head), slots_line(&self.usage.connections)];
        if self.filtered {
            blocks.push(Block::line(format!(
                "{} selected by the filters",
                text::count(self.usage.matched, "session")
            )));
        }
        blocks.extend(self.limit_lines());
        for by in &self.by {
            let (table, rest) = self.table(*by);
            if table.is_empty() {
                continue;
            }
            blocks.push(Block::Gap);
            blocks.push(Block::Table(table));
            if rest.groups > 0 {
                let more = format!("({} more, {})", rest.groups, text::count(rest.count, "session"));
                blocks.push(Block::marked(Mark::Dim, more));
            }
        }
        blocks
    }

    fn tsv(&self) -> tsv::Rows {
        let mut rows = tsv::Rows::new(&[
            "list",
            "name",
            "count",
            "active",
            "idle",
            "idle_in_transaction",
            "idle_in_transaction_aborted",
            "hidden",
            "other",
            "oldest_seconds",
            "connection_limit",
        ]);
        let mut plain = |list: &str,
                         name: Option<&String>,
                         count: i64,
                         oldest: Option<f64>,
                         limit: Option<i64>| {
            let none = || None::<i64>.into();
            let cells = [none(), none(), none(), none(), none(), none()];
            let [active, idle, open, aborted, hidden, other] = cells;
            let (name, count, oldest, limit) = (name.into(), count.into(), oldest.into(), limit.into());
            rows.push([list.into(), name, count, active, idle, open, aborted, hidden, other, oldest, limit]);
        };
        let usage = &self.usage;
        for group in &usage.by_state {
            plain("by_state", group.state.as_ref(), group.count, group.oldest_state_seconds, None);
        }
        for group in &usage.by_database {
            plain("by_database", group.database.as_ref(), group.count, None, group.connection_limit);
        }
        for group in &usage.by_role {
            plain("by_role", group.role.as_ref(), group.count, None, group.connection_limit);
        }
        for group in &usage.by_client {
            plain("by_client", group.client.as_ref(), group.count, None, None);
        }
        for group in &usage.by_backend_type {
            plain("by_backend_type", group.backend_type.as_ref(), group.count, None, None);
        }
        for group in &usage.by_application {
            rows.push([
                "by_application".into(),
                (&group.application_name).into(),
                group.count.into(),
                group.active.into(),
                group.idle.into(),
                group.idle_in_transaction.into(),
                group.idle_in_transaction_aborted.into(),
                group.hidden.into(),
                group.other.into(),
                group.oldest_xact_seconds.into(),
                None::<i64>.into(),
            ]);
        }
        rows
    }
}

impl Stats {
    fn server_line(&self, head: &Head) -> Block {
        let place = head.target.as_ref().map(crate::model::server::Target::place).unwrap_or_default();
        let server = &self.surroundings.server;
        let standing = if server.in_recovery { "standby" } else { "primary" };
        let uptime = text::duration(self.surroundings.uptime_seconds);
        Block::line(format!("{place}  PostgreSQL {}  {standing}  up {uptime}", server.version))
    }

    /// Roles and databases that are near a limit of their own.
    fn limit_lines(&self) -> Vec<Block> {
        let line = |use_of: &LimitUse| {
            let LimitUse { owner, name, used, hidden, limit } = use_of;
            let count = match hidden {
                0 => used.to_string(),
                hidden => format!("between {used} and {}", used + hidden),
            };
            let mark = if used >= limit { Mark::Bad } else { Mark::Warn };
            let kind = owner.word();
            Block::marked(mark, format!("! {kind} {name} has {count} of the {limit} connections it may have"))
        };
        let near = |use_of: &&LimitUse| {
            let most = use_of.used + use_of.hidden;
            most > 0 && most * 100 >= use_of.limit * i64::from(CONNECTIONS_PERCENT.0)
        };
        self.usage.limits.iter().filter(near).map(line).collect()
    }

    fn table(&self, by: By) -> (Table, Remainder) {
        let usage = &self.usage;
        let rest = usage.rest;
        match by {
            By::State => (self.states(), Remainder::default()),
            By::Application => (self.applications(), rest.by_application),
            By::Database => {
                let groups = usage.by_database.iter();
                (
                    limited(
                        "DATABASE",
                        groups.map(|group| (&group.database, group.count, group.connection_limit)),
                    ),
                    rest.by_database,
                )
            }
            By::Role => {
                let groups = usage.by_role.iter();
                (
                    limited("ROLE", groups.map(|group| (&group.role, group.count, group.connection_limit))),
                    rest.by_role,
                )
            }
            By::Client => (
                counted("CLIENT", usage.by_client.iter().map(|group| (&group.client, group.count))),
                rest.by_client,
            ),
            By::BackendType => {
                let groups = usage.by_backend_type.iter();
                (
                    counted("BACKEND TYPE", groups.map(|group| (&group.backend_type, group.count))),
                    Remainder::default(),
                )
            }
        }
    }

    fn states(&self) -> Table {
        let mut table =
            Table::new(&[("STATE", Align::Left), ("COUNT", Align::Right), ("OLDEST", Align::Age)]);
        for group in &self.usage.by_state {
            let state = match &group.state {
                Some(state) => state.clone(),
                None if group.hidden => "(hidden)".into(),
                None => "(none)".into(),
            };
            let mark = match state.as_str() {
                "idle in transaction" | "idle in transaction (aborted)" => Mark::Warn,
                "idle" => Mark::Dim,
                _ => Mark::Plain,
            };
            table.push(mark, [state, group.count.to_string(), age(group.oldest_state_seconds)]);
        }
        table
    }

    fn applications(&self) -> Table {
        let shows = |count: fn(&crate::model::usage::ByApplication) -> i64| {
            self.usage.by_application.iter().any(|group| count(group) > 0)
        };
        let (hidden, other) = (shows(|group| group.hidden), shows(|group| group.other));
        let mut columns = vec![
            ("APPLICATION", Align::Left),
            ("COUNT", Align::Right),
            ("ACTIVE", Align::Right),
            ("IDLE", Align::Right),
            ("IDLE-XACT", Align::Right),
            ("ABORTED", Align::Right),
        ];
        columns.extend(other.then_some(("OTHER", Align::Right)));
        columns.extend(hidden.then_some(("HIDDEN", Align::Right)));
        columns.push(("OLDEST-XACT", Align::Age));
        let mut table = Table::new(&columns);
        for group in &self.usage.by_application {
            let mut row = vec![
                if group.application_name.is_empty() {
                    "(none)".into()
                } else {
                    group.application_name.clone()
                },
                group.count.to_string(),
                group.active.to_string(),
                group.idle.to_string(),
                group.idle_in_transaction.to_string(),
                group.idle_in_transaction_aborted.to_string(),
            ];
            row.extend(other.then(|| group.other.to_string()));
            row.extend(hidden.then(|| group.hidden.to_string()));
            row.push(age(group.oldest_xact_seconds));
            table.push_cells(Mark::Plain, row);
        }
        table
    }
}

/// `connections  42 of 97 usable  43%  [####------]  (max_connections 100, 3 reserved)`, in 80 columns.
fn slots_line(connections: &Connections) -> Block {
    let Connections { used, used_at_most, usable, used_ratio, max_connections, .. } = *connections;
    let reserved = connections.superuser_reserved_connections + connections.reserved_connections;
    let limits = format!("(max_connections {max_connections}, {reserved} reserved)");
    let Some(ratio) = used_ratio else {
        return Block::line(format!(
            "connections  between {used} and {used_at_most} of {usable} usable  {limits}"
        ));
    };
    let mark = match ratio {
        ratio if ratio * 100.0 >= f64::from(CONNECTIONS_PERCENT.1) => Mark::Bad,
        ratio if ratio * 100.0 >= f64::from(CONNECTIONS_PERCENT.0) => Mark::Warn,
        _ => Mark::Plain,
    };
    let warns = if mark == Mark::Plain { "" } else { "  !" };
    let share = text::percent(ratio);
    let before = format!("connections  {used} of {usable} usable  {share}");
    let bar = bar(ratio, 80_usize.saturating_sub(before.len() + warns.len() + limits.len() + 6));
    Block::marked(mark, format!("{before}{bar}{warns}  {limits}"))
}

/// `  [####------]` with up to 20 marks; nothing where there is no `room` for at least four.
fn bar(ratio: f64, room: usize) -> String {
    let marks = room.min(20);
    if marks < 4 {
        return String::new();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and 20"
    )]
    let filled = (ratio.min(1.0) * marks as f64).round() as usize;
    format!("  [{}{}]", "#".repeat(filled), "-".repeat(marks - filled))
}

fn age(seconds: Option<f64>) -> String {
    seconds.map(text::duration).unwrap_or_default()
}

fn limited<'a>(
    title: &'static str,
    groups: impl Iterator<Item = (&'a Option<String>, i64, Option<i64>)>,
) -> Table {
    let mut table = Table::new(&[(title, Align::Left), ("COUNT", Align::Right), ("LIMIT", Align::Right)]);
    for (name, count, limit) in groups {
        let limit = limit.map(|limit| limit.to_string()).unwrap_or_default();
        table.push(Mark::Plain, [name.clone().unwrap_or_default(), count.to_string(), limit]);
    }
    table
}

fn counted<'a>(title: &'static str, groups: impl Iterator<Item = (&'a Option<String>, i64)>) -> Table {
    let mut table = Table::new(&[(title, Align::Left), ("COUNT", Align::Right)]);
    for (name, count) in groups {
        table.push(Mark::Plain, [name.clone().unwrap_or_default(), count.to_string()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::server::Limits;

    #[test]
    fn the_line_about_slots_fits_a_terminal() {
        for (used, max, has_bar) in
            [(0, 10, true), (51, 80, true), (97, 100, true), (500, 1000, true), (4990, 5000, false)]
        {
            let limits = Limits { max_connections: max, superuser_reserved: 3, reserved: 2 };
            let Block::Line(_, text) = slots_line(&Connections::new(limits, used, 0)) else { panic!() };
            assert!(text.chars().count() <= 80, "{text}");
            assert_eq!(text.contains('['), has_bar, "{text}");
        }
    }
}
