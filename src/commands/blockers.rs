//! `pgconn blockers`: who waits for whom, as a tree, root first, and what would free them.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use serde::Serialize;

use super::listing::origin;
use super::manual::{Group, Manual};
use super::pooler::snapshot::PoolerSnapshot;
use super::screen_room::{Part, ScreenRoom};
use super::shown::Shown;
use super::{Context, watch};
use crate::analyze::blocking::{self, Line};
use crate::analyze::plan;
use crate::analyze::pooler::End;
use crate::args::Filters;
use crate::db::WaitsLookedAt;
use crate::exit::Exit;
use crate::model::act::Wait;
use crate::model::blocking::{Blocked, Lock, PreparedBlocker, Waits};
use crate::model::order;
use crate::model::pooler_client::Client;
use crate::model::quote::finish_prepared;
use crate::model::suggestion::{Command, Lead};
use crate::render::columns::{Column, Value};
use crate::render::json::List;
use crate::render::table::{Align, Block, LEAST, Mark, Table};
use crate::render::{Head, Report, Warning, text, tsv};

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Look,
    &[
        ("Who holds everybody up, and what would free them?", "pgconn blockers"),
        ("Only the queues in which sessions of one application stand", "pgconn blockers --app checkout"),
        ("The sessions that wait longest, for scripts", "pgconn blockers -F tsv"),
        ("Whose are they? Ask the pooler in between", "pgconn blockers --pooler port=6432"),
    ],
);

/// How many waits are looked at: each costs the lock manager a moment of standstill.
const MOST_WAITS: usize = 200;

/// Up to which depth a line is indented; beyond, the depth is a number.
const DEEPEST: usize = 8;

/// How many roots get the command that would free those behind them.
const ADVISED: usize = 3;

/// Arguments of `blockers`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Look at all waits: of hidden sessions, too, for which pg_locks is read, and not only at the 200 longest
    #[arg(long)]
    all_waits: bool,
    /// A pooler's console: name the client that it serves with each session
    #[arg(long, value_name = "CONNINFO")]
    pooler: Option<String>,
    #[command(flatten)]
    filters: Filters,
}

/// Looks, builds the tree and prints it.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let filter = args.filters.filter();
    let reach = if args.all_waits { WaitsLookedAt::All } else { WaitsLookedAt::Longest(MOST_WAITS) };
    let query_bytes = context.query_bytes();
    let room = ScreenRoom::of(context);
    watch::look(context, async |context, db| {
        let mut unasked = Vec::new();
        let pooler_snapshot = PoolerSnapshot::if_asked(args.pooler.as_deref(), context, &mut unasked).await?;
        let (server_context, mut waits) = db.waits(&filter, reach, query_bytes).await?;
        if let Some(pooler_snapshot) = &pooler_snapshot {
            for session in &mut waits.sessions {
                session.pooler_client = pooler_snapshot.client(&end(session), session.xact_seconds);
            }
        }
        let count = |claim: fn(&Blocked) -> bool| {
            i64::try_from(waits.sessions.iter().filter(|session| claim(session)).count()).unwrap_or(i64::MAX)
        };
        let mut head = super::head_of_look(db, &server_context, count(|session| session.hidden));
        head.warnings.extend(unasked);
        if !filter.is_empty() {
            head.warnings.extend(super::undecidable(count(|session| session.matches.is_none())));
        }
        head.warnings.extend(not_seen(&waits, reach));
        let mut report = Blockers::new(waits, !filter.is_empty());
        if report.sessions.is_empty() {
            head.warnings.extend(super::did_you_mean(db, &filter).await?);
        }
        let hints = report.advice(&context.lead());
        if let Some(room) = room {
            report.part = room.part(ScreenRoom::lines(), report.lines.len(), &head, &hints);
        }
        Ok(Shown { hints, ..Shown::new(report, head) })
    })
    .await
}

fn end(session: &Blocked) -> End<'_> {
    End {
        pid: session.pid,
        database: session.database.as_deref(),
        role: session.role.as_deref(),
        client: session.client.as_deref(),
        client_port: None,
    }
}

/// What was left out so that the look costs little, and how to see it.
fn not_seen(waits: &Waits, reach: WaitsLookedAt) -> Vec<Warning> {
    let hint = |what: &str| Some(format!("see {what} with --all-waits"));
    let mut warnings = Vec::new();
    if let WaitsLookedAt::Longest(most) = reach
        && waits.waiting > i64::try_from(most).unwrap_or(i64::MAX)
    {
        warnings.push(Warning {
            code: "waits_cut",
            message: format!("{} wait; only the {most} longest waits were looked at", waits.waiting),
            hint: hint("all of them"),
        });
    }
    if waits.not_looked_at > 0 {
        let hidden = text::count(waits.not_looked_at, "session");
        warnings.push(Warning {
            code: "hidden_waits",
            message: format!("{hidden} hidden from this role may wait, too; that was not looked at"),
            hint: hint("their waits"),
        });
    }
    warnings
}

/// The answer of `blockers`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Blockers {
    /// Sessions that wait for a lock.
    blocked_count: i64,
    /// Sessions that others wait for and that do not wait themselves; of those that wait in a circle, one.
    roots: Vec<i32>,
    /// Those who wait or are waited for, in the order of the tree.
    sessions: Vec<Blocked>,
    /// Prepared transactions that some of them wait for; one that only holds some lock on the same object is not in the way.
    prepared: Vec<PreparedBlocker>,
    /// Sessions that wait, whatever the filters.
    #[serde(skip)]
    waiting: i64,
    /// True when it is known of every session whether it waits.
    #[serde(skip)]
    complete: bool,
    #[serde(skip)]
    lines: Vec<Line>,
    /// How much of them a screen shows.
    #[serde(skip)]
    part: Part,
}

impl Blockers {
    /// Builds the tree; with filters, only the trees in which a session matches or may match.
    fn new(waits: Waits, filtered: bool) -> Self {
        let Waits { mut sessions, mut prepared, waiting, not_looked_at } = waits;
        if filtered {
            let chosen: Vec<i32> = sessions
                .iter()
                .filter(|session| session.matches != Some(false))
                .map(|session| session.pid)
                .collect();
            let kept = blocking::relatives(&edges(&sessions, &prepared), &chosen);
            sessions.retain(|session| kept.contains(&session.pid));
            prepared.retain(|prepared| prepared.waiting_pids.iter().any(|pid| kept.contains(pid)));
        }
        // Only now: they know a prepared transaction by its place among those that are left.
        let edges = edges(&sessions, &prepared);
        let blocked_counts = blocking::blocked_counts(&edges);
        let lines = blocking::tree(&edges);
        let place: HashMap<i32, usize> = lines.iter().enumerate().map(|(at, line)| (line.pid, at)).collect();
        order::sort_by_key(&mut sessions, |session| place.get(&session.pid).copied().unwrap_or(usize::MAX));
        for session in &mut sessions {
            session.blocks_total = blocked_counts.get(&session.pid).copied().unwrap_or(0);
        }
        for (at, prepared) in prepared.iter_mut().enumerate() {
            prepared.blocks_total = pid_at(at).and_then(|pid| blocked_counts.get(&pid).copied()).unwrap_or(0);
        }
        let waits = |session: &&Blocked| session.lock.is_some() || !session.blocked_by.is_empty();
        let blocked = sessions.iter().filter(waits).count();
        let holds = |line: &&Line| line.depth == 0 && line.pid > 0 && blocked_counts.contains_key(&line.pid);
        let roots = lines.iter().filter(holds).map(|line| line.pid);
        Self {
            blocked_count: i64::try_from(blocked).unwrap_or(i64::MAX),
            roots: roots.collect(),
            sessions,
            prepared,
            waiting,
            complete: not_looked_at == 0,
            lines,
            part: Part::default(),
        }
    }

    /// What frees the sessions behind each of the worst roots, in commands that lead where `lead` does.
    fn advice(&self, lead: &Lead) -> Vec<String> {
        let roots = self.lines.iter().filter(|line| line.depth == 0).take(ADVISED);
        roots.filter_map(|root| self.advice_for(*root, lead)).collect()
    }

    fn advice_for(&self, root: Line, lead: &Lead) -> Option<String> {
        if let Some(prepared) = prepared_at(&self.prepared, root.pid) {
            let end = finish_prepared(&prepared.database, &prepared.gid);
            return Some(format!("to free those behind it, {end}"));
        }
        let session = self.sessions.iter().find(|session| session.pid == root.pid)?;
        let id = session.session_id.as_ref().filter(|_| session.blocks_total > 0)?;
        let act = if plan::cancel_frees(session, &self.sessions) { "cancel" } else { "kill" };
        let act = Command::pgconn(act).word(id);
        let freed = text::count(session.blocks_total, "session");
        Some(format!("to free {freed}: {}", act.shown(lead)))
    }
}

/// The edges of the tree, with prepared transactions told apart: the server calls all of them 0.
fn edges(sessions: &[Blocked], prepared: &[PreparedBlocker]) -> Vec<Wait> {
    let of = |pid: i32| {
        let waited_for = prepared.iter().enumerate().filter(move |(_, one)| one.waiting_pids.contains(&pid));
        waited_for.filter_map(|(at, _)| pid_at(at))
    };
    let edges = |session: &Blocked| {
        let mut blocked_by: Vec<i32> =
            session.blocked_by.iter().copied().filter(|blocker| *blocker != 0).collect();
        blocked_by.extend(of(session.pid));
        // It waits for one that has ended since.
        if blocked_by.is_empty() && session.blocked_by.contains(&0) {
            blocked_by.push(0);
        }
        Wait { pid: session.pid, blocked_by }
    };
    sessions.iter().map(edges).collect()
}

/// The negative pid in the tree that stands for the prepared transaction at this place.
fn pid_at(place: usize) -> Option<i32> {
    i32::try_from(place).ok().map(|place| -1 - place)
}

/// The prepared transaction behind a negative pid of the tree.
fn prepared_at(prepared: &[PreparedBlocker], pid: i32) -> Option<&PreparedBlocker> {
    prepared.get(usize::try_from(-1 - i64::from(pid)).ok()?)
}

impl Report for Blockers {
    fn kind(&self) -> &'static str {
        "blockers"
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("sessions", &self.sessions), List::new("prepared", &self.prepared)]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        if self.blocked_count == 0 {
            return vec![match self.waiting {
                0 if self.complete => Block::marked(Mark::Good, "no session waits for a lock"),
                0 => Block::line("no session whose waits this role can see waits for a lock"),
                1 => Block::line("no session that matches waits for a lock; 1 other does"),
                others => {
                    Block::line(format!("no session that matches waits for a lock; {others} others do"))
                }
            }];
        }
        let is_pooled = self.sessions.iter().any(|session| session.pooler_client.is_some());
        let spare: &[&str] =
            if is_pooled { &["ROLE", "DATABASE", "QUERY", "XACT", "STATE"] } else { &["ROLE", "DATABASE"] };
        let sessions: HashMap<i32, &Blocked> =
            self.sessions.iter().map(|session| (session.pid, session)).collect();
        let shown = self.lines.iter().take(self.part.rows.unwrap_or(usize::MAX));
        let rows = shown.map(|line| Row {
            line: Some(*line),
            session: sessions.get(&line.pid).copied(),
            prepared: prepared_at(&self.prepared, line.pid),
        });
        let table = Table::of(Row::COLUMNS, rows, Row::mark).sparing(spare).keeping(&["CLIENT"], LEAST);
        let waiting: HashSet<i32> =
            self.lines.iter().filter(|line| line.cycle).map(|line| line.pid).collect();
        let mut summary = format!("{} blocked", text::count(self.blocked_count, "session"));
        if !waiting.is_empty() {
            summary.push_str(
                "; some wait for each other in a circle, which the server ends at deadlock_timeout",
            );
        }
        let rest = self.part.rest(self.lines.len(), "row");
        std::iter::once(Block::Table(table)).chain(rest).chain([Block::marked(Mark::Warn, summary)]).collect()
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        // Where a session is in the tree more than once, its first place counts.
        let lines: HashMap<i32, Line> = self.lines.iter().rev().map(|line| (line.pid, *line)).collect();
        let rows = self.sessions.iter().map(|session| Row {
            line: lines.get(&session.pid).copied(),
            session: Some(session),
            prepared: None,
        });
        tsv::Rows::of(Row::COLUMNS, rows)
    }
}

/// A session, or a prepared transaction, at its place in the tree.
struct Row<'a> {
    line: Option<Line>,
    session: Option<&'a Blocked>,
    /// What is there when it is no session.
    prepared: Option<&'a PreparedBlocker>,
}

impl<'a> Row<'a> {
    const COLUMNS: &'a [Column<Self>] = &[
        Column::worded("PID", Align::Left, pid, "pid", |row| row.of(|session| Some(session.pid))),
        Column::script("session_id", |row| row.of(|session| session.session_id.as_ref())),
        Column::script("depth", |row| row.line.and_then(|line| i64::try_from(line.depth).ok()).into()),
        Column::script("blocked_by", |row| row.of(|session| Some(pids(&session.blocked_by)))),
        Column::worded("BLOCKS", Align::Right, blocks, "blocks_total", |row| {
            row.of(|session| Some(session.blocks_total))
        }),
        Column::table("WAIT", Align::Age, wait),
        Column::table("XACT", Align::Age, |row| match row.session {
            Some(session) => Value::seconds(session.xact_seconds),
            None => Value::seconds(row.prepared.map(|prepared| prepared.prepared_seconds)),
        }),
        Column::new("DATABASE", Align::Left, "database", |row| match row.session {
            Some(session) => session.database.as_ref().into(),
            None => row.prepared.map(|prepared| &prepared.database).into(),
        }),
        Column::new("ROLE", Align::Left, "role", |row| match row.session {
            Some(session) => session.role.as_ref().into(),
            None => row.prepared.map(|prepared| &prepared.owner).into(),
        }),
        Column::worded(
            "APPLICATION",
            Align::Left,
            |row| row.of(|session| Some(who(session))),
            "application_name",
            |row| row.of(|session| Some(&session.application_name)),
        ),
        Column::script("client", |row| row.of(|session| session.client.as_ref())),
        Column::if_any(
            |row| row.pooler_client().is_some(),
            Column::table("CLIENT", Align::Left, |row| row.pooler_client().map(origin).into()),
        ),
        Column::worded("STATE", Align::Left, state, "state", |row| row.of(|session| session.state.as_ref())),
        Column::script("wait_seconds", |row| row.of(|session| session.wait_seconds)),
        Column::script("xact_seconds", |row| row.of(|session| session.xact_seconds)),
        Column::script("lock_type", |row| row.lock().map(|lock| &lock.kind).into()),
        Column::script("lock_mode", |row| row.lock().map(|lock| &lock.mode).into()),
        Column::script("lock_relation", |row| row.lock().and_then(|lock| lock.relation.as_ref()).into()),
        Column::table("LOCK", Align::Left, |row| row.lock().map(lock).into()),
        Column::script("pooler_client_addr", |row| {
            row.pooler_client().and_then(|client| client.addr.as_ref()).into()
        }),
        Column::script("pooler_client_port", |row| row.pooler_client().and_then(|client| client.port).into()),
        Column::script("pooler_client_application_name", |row| {
            row.pooler_client().and_then(|client| client.application_name.as_ref()).into()
        }),
        Column::new("QUERY", Align::Left, "query", |row| match row.session {
            Some(session) => session.query.as_ref().into(),
            None => row.prepared.map(|prepared| &prepared.gid).into(),
        }),
    ];

    /// What there is of its session.
    fn of<T: Into<Value<'a>>>(&self, part: fn(&'a Blocked) -> Option<T>) -> Value<'a> {
        self.session.and_then(part).into()
    }

    fn pooler_client(&self) -> Option<&'a Client> {
        self.session.and_then(|session| session.pooler_client.as_ref())
    }

    fn lock(&self) -> Option<&'a Lock> {
        self.session.and_then(|session| session.lock.as_ref())
    }

    fn mark(&self) -> Mark {
        if self.line.is_some_and(|line| line.depth == 0) { Mark::Bad } else { Mark::Plain }
    }
}

fn pid<'r>(row: &'r Row<'_>) -> Value<'r> {
    let branch = row.line.map(branch).unwrap_or_default();
    match row.session {
        Some(session) => format!("{branch}{}", session.pid).into(),
        None => format!("{branch}prepared").into(),
    }
}

fn blocks<'r>(row: &'r Row<'_>) -> Value<'r> {
    match row.session {
        Some(session) => Some(session.blocks_total).filter(|blocks| *blocks > 0).into(),
        None => row.prepared.map(|prepared| prepared.blocks_total).into(),
    }
}

fn pids(pids: &[i32]) -> String {
    pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn wait<'r>(row: &'r Row<'_>) -> Value<'r> {
    let at_most = row.session.is_some_and(|session| session.wait_at_most);
    match row.session.and_then(|session| session.wait_seconds) {
        Some(seconds) if at_most => format!("≤ {}", text::duration(seconds)).into(),
        seconds => Value::seconds(seconds),
    }
}

fn state<'r>(row: &'r Row<'_>) -> Value<'r> {
    match row.session {
        None => "prepared transaction".into(),
        Some(session) if session.vanished => "(ended since)".into(),
        Some(session) if session.hidden => "(hidden)".into(),
        Some(session) => session.state.as_ref().into(),
    }
}

fn lock(lock: &Lock) -> String {
    let on = lock.relation.as_ref().map(|relation| format!(" on {relation}")).unwrap_or_default();
    format!("{} {}{on}", lock.kind, lock.mode)
}

/// The application; behind a pooler it is the client's.
fn who(session: &Blocked) -> &String {
    let client = session.pooler_client.as_ref().and_then(|client| client.application_name.as_ref());
    client.unwrap_or(&session.application_name)
}

/// What stands before a pid, so that its depth shows: blanks would not survive in a cell.
fn branch(line: Line) -> String {
    match line.depth {
        0 if line.cycle => "↻ ".into(),
        0 => String::new(),
        depth @ 1..=DEEPEST => format!("└{} ", "─".repeat(2 * depth - 1)),
        depth => format!("└{}({depth})─ ", "─".repeat(2 * DEEPEST - 1)),
    }
}
