//! `pgconn stats`: how many connections there are, by state and application (database, role, client), against which limit.

mod counted;
#[cfg(test)]
mod golden;
mod slots;

use anyhow::Result;
use serde::Serialize;

use super::did_you_mean::did_you_mean;
use super::head::{head_of_look, undecidable};
use super::manual::{Group, Manual};
use super::screen_room::Part;
use super::shown::Shown;
use super::{Context, closed, watch};
use crate::analyze::health::{CONNECTIONS_PERCENT, IDLE_XACT_SECONDS};
use crate::analyze::usage;
use crate::args::Filters;
use crate::db::Selection;
use crate::exit::Exit;
use crate::model::database::ClosedDatabase;
use crate::model::server::ServerContext;
use crate::model::suggestion::{Command, Hint};
use crate::model::usage::{LimitUse, Remainder, Usage};
use crate::render::json::List;
use crate::render::table::{Block, Mark, Table};
use crate::render::{Head, Headline, Report, text, tsv};
use counted::{By, Counted};
use slots::{of_ratio, slots_line};

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
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// What to count by, in the table (repeat for more)
    ///
    /// Without it, by state and application.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    by: Vec<By>,
    /// Groups to list of each; the others are summed
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    filters: Filters,
}

/// Counts and prints.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let selection = Selection { filter: args.filters.filter(), all_backends: args.filters.all_backends };
    let filtered = !selection.filter.is_empty();
    let by = if args.by.is_empty() { vec![By::State, By::Application] } else { args.by };
    let limit = usize::try_from(args.limit)?;
    watch::look(context, async |context, db| {
        let add = |groups: &mut usage::Groups, tally| groups.add(&tally);
        let none = || usage::Groups::of_at_most(limit);
        let (server_context, groups, closed) = db.tallies(&selection, none, add).await?;
        let usage = groups.into_usage(server_context.limits);
        let mut head = head_of_look(db, &server_context, usage.connections.hidden);
        head.warnings.extend(undecidable(usage.undecidable));
        if usage.matched == 0 && filtered {
            head.warnings.extend(did_you_mean(db, &selection.filter).await?);
        }
        let remedy = closed.iter().find(|closed| closed.held_by.is_none()).map(closed::remedy);
        let hints: Vec<String> =
            hint(&usage).into_iter().chain(remedy).map(|hint| hint.shown(&context.lead())).collect();
        let part = Part::of(context, &head, &hints);
        let report = Stats { closed, usage, server_context, by: by.clone(), filtered, part };
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
    /// The databases that let nobody in, by name.
    closed: Vec<ClosedDatabase>,
    #[serde(flatten)]
    usage: Usage,
    #[serde(skip)]
    server_context: ServerContext,
    #[serde(skip)]
    by: Vec<By>,
    #[serde(skip)]
    filtered: bool,
    /// How much of it a screen shows.
    #[serde(skip)]
    part: Part,
}

impl Report for Stats {
    fn kind(&self) -> &'static str {
        "stats"
    }

    fn lists(&self) -> Vec<List<'_>> {
        let usage = &self.usage;
        vec![
            List::new("by_state", &usage.by_state),
            List::new("by_application", &usage.by_application),
            List::new("by_database", &usage.by_database),
            List::new("by_role", &usage.by_role),
            List::new("by_client", &usage.by_client),
            List::new("by_backend_type", &usage.by_backend_type),
            List::new("closed", &self.closed),
        ]
    }

    fn blocks(&self, head: &Head) -> Vec<Block<'_>> {
        let mut blocks = vec![self.server_line(head), slots_line(&self.usage.connections)];
        if self.filtered {
            blocks.push(Block::line(format!(
                "{} selected by the filters",
                text::count(self.usage.matched, "session")
            )));
        }
        let closed = |closed| Block::marked(Mark::Warn, format!("! {}", closed::told(closed)));
        blocks.extend(self.closed.iter().map(closed));
        blocks.extend(self.limit_lines());
        let lists: Vec<(By, Vec<Counted<'_>>)> = self.by.iter().map(|by| (*by, self.groups(*by))).collect();
        let lists: Vec<_> = lists.into_iter().filter(|(_, groups)| !groups.is_empty()).collect();
        let most = self.part.whole().map_or(usize::MAX, |lines| {
            // Each has an empty line before it, its header, and the line that counts what is left out.
            let room = lines.saturating_sub(blocks.len() + 3 * lists.len());
            fair_share(&lists.iter().map(|(_, groups)| groups.len()).collect::<Vec<_>>(), room)
                .max(LEAST_GROUPS)
        });
        for (by, mut groups) in lists {
            let rest = self.rest(by);
            let out = groups.split_off(groups.len().min(most));
            let left_out: i64 = out.iter().map(|group| group.count).sum();
            blocks.push(Block::Gap);
            blocks.push(Block::Table(Table::of(Counted::columns(by), groups, Counted::mark).sparing(SPARE)));
            let (groups, count) =
                (out.len() + usize::try_from(rest.groups).unwrap_or(usize::MAX), left_out + rest.count);
            if groups > 0 {
                let how = if out.is_empty() { "" } else { "; --full" };
                let more = format!("({groups} more, {}{how})", text::count(count, "session"));
                blocks.push(Block::marked(Mark::Dim, more));
            }
        }
        blocks
    }

    fn headline(&self) -> Headline {
        let connections = &self.usage.connections;
        let mut text = format!("{} of {} usable", connections.used, connections.usable);
        if connections.hidden > 0 {
            text.push_str(&format!(", {} hidden", connections.hidden));
        }
        let mut mark = connections.used_ratio.map_or(Mark::Plain, of_ratio);
        let open = self.usage.by_state.iter().filter(|group| {
            group.state.as_deref().is_some_and(|state| state.starts_with("idle in transaction"))
        });
        let longest = open.filter_map(|group| group.oldest_state_seconds).reduce(f64::max);
        if let Some(seconds) = longest.filter(|seconds| *seconds >= IDLE_XACT_SECONDS.0) {
            text.push_str(&format!("  ! idle-xact {}", text::duration(seconds)));
            mark = if seconds >= IDLE_XACT_SECONDS.1 || mark == Mark::Bad { Mark::Bad } else { Mark::Warn };
        }
        if let Some(closed) = self.closed.first() {
            text.push_str(&format!("  ! {}", closed::told(closed)));
            mark = if mark == Mark::Bad { mark } else { Mark::Warn };
        }
        Headline { mark, text }
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        let lists = [By::State, By::Database, By::Role, By::Client, By::BackendType, By::Application];
        tsv::Rows::of(Counted::COLUMNS, lists.into_iter().flat_map(|by| self.groups(by)))
    }
}

/// How many groups of a kind the smallest screen shows.
const LEAST_GROUPS: usize = 3;
/// What a narrow terminal does without, the first one soonest: what is wrong stays.
const SPARE: &[&str] = &["IDLE", "ACTIVE", "OTHER", "ABORTED", "IDLE-XACT"];

/// How many rows each of some lists may have at most, so that together they have no more than `room`.
fn fair_share(lists: &[usize], room: usize) -> usize {
    let taken = |most: usize| lists.iter().map(|rows| (*rows).min(most)).sum::<usize>();
    (0..=lists.iter().copied().max().unwrap_or(0)).rev().find(|most| taken(*most) <= room).unwrap_or(0)
}

impl Stats {
    fn server_line(&self, head: &Head) -> Block<'static> {
        let place = head.target.as_ref().map(crate::model::server::Target::place).unwrap_or_default();
        let server = &self.server_context.server;
        let standing = if server.in_recovery { "standby" } else { "primary" };
        let uptime = text::duration(self.server_context.uptime_seconds);
        let (mark, place) = head.reminding(Mark::Plain, place);
        Block::marked(mark, format!("{place}  PostgreSQL {}  {standing}  up {uptime}", server.version))
    }

    /// Roles and databases that are near a limit of their own.
    fn limit_lines(&self) -> Vec<Block<'static>> {
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

    fn groups(&self, by: By) -> Vec<Counted<'_>> {
        let usage = &self.usage;
        let group = |name, count| Counted {
            by,
            name,
            unnamed: "",
            count,
            application: None,
            oldest_seconds: None,
            connection_limit: None,
        };
        match by {
            By::State => map(&usage.by_state, |of| Counted {
                unnamed: if of.hidden { "(hidden)" } else { "(none)" },
                oldest_seconds: of.oldest_state_seconds,
                ..group(of.state.as_ref(), of.count)
            }),
            By::Application => map(&usage.by_application, |of| Counted {
                unnamed: "(none)",
                application: Some(of),
                oldest_seconds: of.oldest_xact_seconds,
                ..group(Some(&of.application_name), of.count)
            }),
            By::Database => map(&usage.by_database, |of| Counted {
                connection_limit: of.connection_limit,
                ..group(of.database.as_ref(), of.count)
            }),
            By::Role => map(&usage.by_role, |of| Counted {
                connection_limit: of.connection_limit,
                ..group(of.role.as_ref(), of.count)
            }),
            By::Client => map(&usage.by_client, |of| group(of.client.as_ref(), of.count)),
            By::BackendType => map(&usage.by_backend_type, |of| group(of.backend_type.as_ref(), of.count)),
        }
    }

    /// What the list of groups of one kind leaves out.
    fn rest(&self, by: By) -> Remainder {
        let rest = self.usage.rest;
        match by {
            By::State | By::BackendType => Remainder::default(),
            By::Application => rest.by_application,
            By::Database => rest.by_database,
            By::Role => rest.by_role,
            By::Client => rest.by_client,
        }
    }
}

fn map<'a, T>(found: &'a [T], group: impl Fn(&'a T) -> Counted<'a>) -> Vec<Counted<'a>> {
    found.iter().map(group).collect()
}
