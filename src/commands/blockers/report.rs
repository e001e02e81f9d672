//! The answer of `blockers`: the tree, and what would let sessions go on.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::queues::{self, Entry};
use super::rows::Row;
use crate::analyze::blocking::{Forest, FreeSet, Graph, Line, edges, free_sets, pid_at, prepared_at};
use crate::analyze::freeing;
use crate::commands::screen_room::Part;
use crate::model::act::ActFacts;
use crate::model::blocking::{Blocked, FreeingAct, PreparedBlocker, Replay, Waits};
use crate::model::lock;
use crate::model::order;
use crate::render::json::List;
use crate::render::table::{Block, LEAST, Mark, Table};
use crate::render::{Head, Headline, Report, text, tsv};

/// What a narrow screen does without, the first one soonest: what is waited for, how long, and the query stay.
const SPARE: &[&str] = &["ROLE", "DATABASE", "BLOCKS", "APPLICATION", "STATE", "XACT", "QUERY"];
/// What a narrow screen does without, the first one soonest, where the pooler's clients were asked for.
const POOLED_SPARE: &[&str] = &["ROLE", "DATABASE", "QUERY", "XACT", "STATE"];

/// The answer of `blockers`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct Blockers {
    /// Sessions that wait: for locks, and for whatever else is shown here.
    blocked_count: i64,
    /// Sessions that others wait for and that do not wait themselves; of those that wait in a circle, one.
    roots: Vec<i32>,
    /// Those who wait or are waited for, in the order of the tree.
    pub(super) sessions: Vec<Blocked>,
    /// Prepared transactions that some of them wait for; one that only holds some lock on the same object is not in the way.
    pub(super) prepared: Vec<PreparedBlocker>,
    /// What would let some of them go on at once, the fewest that have to end first.
    pub(super) free_sets: Vec<FreeingAct>,
    /// What ends who keeps replay waiting on a standby, and when; null where replay does not wait, and where that is hidden.
    pub(super) replay: Option<Replay>,
    /// Sessions, on a standby the process that replays among them, that are hidden from this role and wait for no lock: whether they
    /// wait for something else is not known.
    hidden: i64,
    /// Sessions that wait, whatever the filters.
    #[serde(skip)]
    waiting: i64,
    #[serde(skip)]
    graph: Graph,
    /// Who is in a tree with one of those that the filters select; none without filters.
    #[serde(skip)]
    kept: Option<HashSet<i32>>,
    #[serde(skip)]
    pub(super) lines: Vec<Line>,
    /// How much of them a screen shows; none where all of it is written.
    #[serde(skip)]
    pub(super) part: Option<Part>,
    /// Whether the tree is drawn in ASCII.
    #[serde(skip)]
    pub(super) is_ascii: bool,
    /// What lets sessions go on, in words.
    #[serde(skip)]
    pub(super) advice: Vec<String>,
}

impl Blockers {
    /// Builds the tree of all; [`Blockers::narrowed`] leaves what the filters select.
    pub(super) fn new(waits: Waits, filtered: bool) -> Self {
        let Waits { sessions, prepared, waiting, unseen, replay } = waits;
        let graph = Graph::of(&edges(&sessions, &prepared));
        let kept = filtered.then(|| {
            let chosen = sessions.iter().filter(|session| session.matches != Some(false));
            graph.relatives(&chosen.map(|session| session.pid).collect::<Vec<_>>())
        });
        let mut report = Self {
            blocked_count: 0,
            roots: Vec::new(),
            sessions,
            prepared,
            free_sets: Vec::new(),
            replay,
            hidden: unseen,
            waiting,
            graph,
            kept,
            lines: Vec::new(),
            part: None,
            is_ascii: false,
            advice: Vec::new(),
        };
        let forest = report.plant();
        for session in &mut report.sessions {
            session.blocks_total = forest.blocked.get(&session.pid).copied().unwrap_or(0);
        }
        for (at, prepared) in report.prepared.iter_mut().enumerate() {
            let behind = pid_at(at).map(|pid| report.graph.waiting_for(&[pid]));
            prepared.blocks = behind.into_iter().flatten().collect();
            prepared.blocks.sort_unstable();
        }
        report.tell_tables_apart();
        report
    }

    /// Marks the tables that have a namesake among those that are told of.
    fn tell_tables_apart(&mut self) {
        let of_sessions = self.sessions.iter_mut().flat_map(|one| one.lock.iter_mut().chain(&mut one.holds));
        let of_prepared = self.prepared.iter_mut().flat_map(|one| &mut one.holds);
        lock::tell_apart(of_sessions.chain(of_prepared));
    }

    /// The answer with nothing but the trees in which a session matches or may match. How many wait for one of them, and what lets
    /// whom go on, is as it is, whoever is shown.
    pub(super) fn narrowed(mut self) -> Self {
        let Some(kept) = self.kept.take() else { return self };
        self.sessions.retain(|session| kept.contains(&session.pid));
        self.replay = self.replay.filter(|replay| kept.contains(&replay.pid));
        self.prepared.retain(|prepared| prepared.waiting_pids.iter().any(|pid| kept.contains(pid)));
        // Only now: a tree knows a prepared transaction by its place among those that are left.
        self.graph = Graph::of(&edges(&self.sessions, &self.prepared));
        self.plant();
        self.tell_tables_apart();
        self
    }

    /// Puts the sessions into the order of their trees.
    fn plant(&mut self) -> Forest {
        let holders = self.sessions.iter().map(|session| (session.pid, session.held_by.clone())).collect();
        let forest = Forest::of(&self.graph, &holders);
        let place: HashMap<i32, usize> =
            forest.lines.iter().enumerate().map(|(at, line)| (line.pid, at)).collect();
        order::sort_by_key(&mut self.sessions, |session| {
            place.get(&session.pid).copied().unwrap_or(usize::MAX)
        });
        let blocked = self.sessions.iter().filter(|session| session.waits).count();
        self.blocked_count = i64::try_from(blocked).unwrap_or(i64::MAX);
        self.roots = forest.heads().filter(|pid| *pid > 0).collect();
        self.lines.clone_from(&forest.lines);
        forest
    }

    /// What has a line of its own on a screen.
    pub(super) fn entries(&self) -> Vec<Entry<'_>> {
        queues::folded(&self.lines, &self.by_pid())
    }

    /// A line of the table.
    fn row<'a>(&'a self, entry: Entry<'a>, sessions: &HashMap<i32, &'a Blocked>) -> Row<'a> {
        let is_ascii = self.is_ascii;
        match entry {
            Entry::One(line) => Row {
                line: Some(line),
                session: sessions.get(&line.pid).copied(),
                prepared: prepared_at(&self.prepared, line.pid),
                more: None,
                is_ascii,
            },
            Entry::More(queue) => {
                Row { line: Some(queue.line), session: None, prepared: None, more: Some(queue), is_ascii }
            }
        }
    }

    fn by_pid(&self) -> HashMap<i32, &Blocked> {
        self.sessions.iter().map(|session| (session.pid, session)).collect()
    }

    /// Who would have to end for somebody to go on who is shown.
    pub(super) fn free_sets(&self) -> Vec<FreeSet> {
        let mut sets = free_sets(&self.graph, &self.sessions, &self.prepared);
        if let Some(kept) = &self.kept {
            sets.retain(|set| set.frees.iter().any(|pid| kept.contains(pid)));
        }
        sets
    }

    /// Plans what would end these `sets`; `facts` are of all of their members.
    pub(super) fn plan(&mut self, sets: &[FreeSet], facts: &ActFacts) {
        let prepared_of = |pid| prepared_at(&self.prepared, pid);
        self.free_sets = freeing::freeing_acts(sets, &self.sessions, prepared_of, facts);
    }
}

impl Report for Blockers {
    fn kind(&self) -> &'static str {
        "blockers"
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![
            List::new("sessions", &self.sessions),
            List::new("prepared", &self.prepared),
            List::new("free_sets", &self.free_sets),
        ]
    }

    fn headline(&self) -> Headline {
        if self.blocked_count == 0 {
            return Headline { mark: Mark::Good, text: "no session waits for a lock".into() };
        }
        let longest = self.sessions.iter().filter_map(|session| session.wait_seconds).reduce(f64::max);
        let longest = longest.map(|seconds| format!(", the longest for {}", text::duration(seconds)));
        let roots: Vec<String> = self.roots.iter().take(3).map(|pid| format!("pid {pid}")).collect();
        let by = if roots.is_empty() { String::new() } else { format!(", for {}", roots.join(", ")) };
        let waiting = text::count(self.blocked_count, "session");
        let text = format!("! {waiting} waiting{}{by}", longest.unwrap_or_default());
        Headline { mark: Mark::Bad, text }
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        if self.blocked_count == 0 {
            return vec![match self.waiting {
                0 if self.hidden > 0 => {
                    let are = if self.hidden == 1 { "is" } else { "are" };
                    Block::line(format!(
                        "no session waits for a lock; {} {are} hidden, which may wait for something else",
                        text::count(self.hidden, "session")
                    ))
                }
                0 => Block::marked(Mark::Good, "no session waits for a lock"),
                1 => Block::line("no session that matches waits for a lock; 1 other does"),
                others => {
                    Block::line(format!("no session that matches waits for a lock; {others} others do"))
                }
            }];
        }
        let is_pooled = self.sessions.iter().any(|session| session.pooler_client.is_some());
        let sessions = self.by_pid();
        let entries = match self.part {
            Some(_) => self.entries(),
            None => self.lines.iter().copied().map(Entry::One).collect(),
        };
        let spare: &[&str] = if is_pooled { POOLED_SPARE } else { SPARE };
        let (table, rest) = self.part.unwrap_or_default().table(entries.len(), "row", |rows| {
            Table::of(
                Row::COLUMNS,
                entries.iter().take(rows).map(|entry| self.row(*entry, &sessions)),
                Row::mark,
            )
            .sparing(spare)
            .keeping(&["CLIENT"], LEAST)
            .only_in_full(&["SESSION-ID"])
        });
        let mut summary = format!("{} blocked", text::count(self.blocked_count, "session"));
        if self.lines.iter().any(|line| line.cycle) {
            summary.push_str("; some wait in a circle, which ends at deadlock_timeout");
        }
        // What is to be done first, where it is seen however long the tree is.
        let advice = self.advice.iter().map(|advice| Block::marked(Mark::Warn, advice));
        std::iter::once(Block::marked(Mark::Warn, summary))
            .chain(advice)
            .chain([Block::Table(table)])
            .chain(rest)
            .collect()
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        // Where a session is in the tree more than once, its first place counts.
        let lines: HashMap<i32, Line> = self.lines.iter().rev().map(|line| (line.pid, *line)).collect();
        let rows = self.sessions.iter().map(|session| Row {
            line: lines.get(&session.pid).copied(),
            session: Some(session),
            prepared: None,
            more: None,
            is_ascii: true,
        });
        tsv::Rows::of(Row::COLUMNS, rows)
    }
}
