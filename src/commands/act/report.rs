//! The report of `cancel` and `kill`, and the plan as it is shown beforehand.

use serde::Serialize;

use crate::analyze::plan::{Counts, Plan};
use crate::model::act::{Action, Fate, Outcome, Remaining, Through};
use crate::model::server::place;
use crate::render::json::List;
use crate::render::table::{Align, Block, LEAST, Mark, Table};
use crate::render::{self, Head, text, tsv};

/// How many sessions of a plan are shown before it is carried out; the report shows all.
const PREVIEWED: usize = 30;

/// How many pids are listed behind a reason.
const LISTED: usize = 5;

/// The answer of `cancel` and `kill`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct Report {
    /// What was done, or would be.
    action: Action,
    /// True when nothing was done.
    dry_run: bool,
    /// Sessions that were asked for and were there when the plan was made.
    matched: i64,
    /// Of the results: done.
    succeeded: i64,
    /// Not done, though asked for.
    failed: i64,
    /// Nothing was to be done.
    skipped: i64,
    /// Sessions of which it is hidden whether they were asked for.
    undecidable: i64,
    /// Client sessions that targets and filters select, or may select, after the act; none when that is not known.
    remaining_matching: Option<i64>,
    /// Of them such as were not there when the plan was made.
    reconnected: Option<i64>,
    /// Walsenders, autovacuum and other workers that they select.
    other_backends: Option<i64>,
    /// True when the emergency lane was used.
    emergency: bool,
    /// One per session, worst first.
    results: Vec<Outcome>,
}

impl Report {
    /// Tells what became of the plan.
    pub(super) fn new(plan: &Plan, dry_run: bool, remaining: Option<Remaining>, emergency: bool) -> Self {
        let Counts { matched, succeeded, failed, skipped, undecidable } = plan.counts();
        Self {
            action: plan.action,
            dry_run,
            matched,
            succeeded,
            failed,
            skipped,
            undecidable,
            remaining_matching: remaining.map(|remaining| remaining.matching),
            reconnected: remaining.map(|remaining| remaining.new),
            other_backends: remaining.map(|remaining| remaining.other_backends),
            emergency,
            results: plan.steps.iter().map(|step| step.outcome.clone()).collect(),
        }
    }
}

impl render::Report for Report {
    fn kind(&self) -> &'static str {
        match self.action {
            Action::Cancel => "cancel",
            Action::Terminate => "kill",
        }
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("results", &self.results)]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        if self.results.is_empty() {
            return vec![Block::marked(Mark::Dim, "no session matches")];
        }
        let mut blocks = vec![Block::Table(table(self.results.iter()))];
        blocks.extend(reasons(self.results.iter()));
        let mark = if self.failed > 0 { Mark::Bad } else { Mark::Good };
        blocks.push(Block::marked(if self.dry_run { Mark::Dim } else { mark }, summary(&self.results)));
        if let Some(left) = self.remaining_matching.filter(|left| *left > 0 && !self.dry_run) {
            let new = self.reconnected.filter(|new| *new > 0);
            let new = new.map(|new| format!(", {new} of them new")).unwrap_or_default();
            let verb = if left == 1 { "matches" } else { "match" };
            blocks.push(Block::line(format!("{} {verb} now{new}", text::count(left, "session"))));
        }
        if let Some(others) = self.other_backends.filter(|others| *others > 0) {
            let are = if others == 1 { "is" } else { "are" };
            let others = text::count(others, "other backend");
            blocks
                .push(Block::line(format!("{others} (walsenders, workers) {are} selected, too, and spared")));
        }
        blocks
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        let mut rows = tsv::Rows::new(&[
            "pid",
            "session_id",
            "backend_start",
            "database",
            "role",
            "application_name",
            "client",
            "client_port",
            "through",
            "state",
            "state_seconds",
            "xact_seconds",
            "locks_held",
            "sessions_waiting",
            "permitted",
            "result",
            "error",
        ]);
        for outcome in &self.results {
            let through = if outcome.through == Through::Pooler { "pooler" } else { "server" };
            rows.push([
                Some(outcome.pid).filter(|pid| *pid != 0).into(),
                outcome.session_id.as_ref().into(),
                outcome.backend_start.as_ref().into(),
                outcome.database.as_ref().into(),
                outcome.role.as_ref().into(),
                outcome.application_name.as_ref().into(),
                outcome.client.as_ref().into(),
                outcome.client_port.into(),
                through.into(),
                outcome.state.as_ref().into(),
                outcome.state_seconds.into(),
                outcome.xact_seconds.into(),
                outcome.locks_held.into(),
                outcome.sessions_waiting.into(),
                outcome.permitted.into(),
                outcome.result.word().into(),
                outcome.error.as_ref().into(),
            ]);
        }
        rows.into()
    }
}

/// The plan before it is carried out.
pub(in crate::commands) fn preview(plan: &Plan) -> Vec<Block<'static>> {
    let mut blocks = vec![Block::Table(table(plan.steps.iter().take(PREVIEWED).map(|step| &step.outcome)))];
    blocks.extend(reasons(plan.steps.iter().map(|step| &step.outcome)));
    if let Some(more) = plan.steps.len().checked_sub(PREVIEWED).filter(|more| *more > 0) {
        blocks.push(Block::marked(Mark::Dim, format!("({more} more; all of them: --dry-run)")));
    }
    blocks
}

fn table<'a>(outcomes: impl Iterator<Item = &'a Outcome> + Clone) -> Table<'static> {
    let mut table = Table::new(&[
        ("PID", Align::Right),
        ("DATABASE", Align::Left),
        ("ROLE", Align::Left),
        ("APPLICATION", Align::Left),
        ("CLIENT", Align::Left),
        ("STATE", Align::Left),
        ("FOR", Align::Right),
        ("XACT", Align::Right),
        ("LOCKS", Align::Right),
        ("WAITING", Align::Right),
        ("RESULT", Align::Left),
    ])
    .sparing(&["CLIENT", "ROLE", "DATABASE"]);
    if outcomes.clone().any(|outcome| outcome.pooled) {
        table = table.sparing(&["ROLE", "DATABASE", "XACT", "FOR", "LOCKS"]).keeping(&["CLIENT"], LEAST);
    }
    for outcome in outcomes {
        let known = |text: &Option<String>| text.clone().unwrap_or_default();
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        table.push(
            mark(outcome.result),
            [
                if outcome.pid == 0 { String::new() } else { outcome.pid.to_string() },
                known(&outcome.database),
                known(&outcome.role),
                known(&outcome.application_name),
                client(outcome),
                known(&outcome.state),
                outcome.state_seconds.map(text::duration).unwrap_or_default(),
                outcome.xact_seconds.map(text::duration).unwrap_or_default(),
                number(outcome.locks_held),
                number(outcome.sessions_waiting),
                outcome.result.words(),
            ],
        );
    }
    table
}

/// Where it comes from; at a pooler, where one address has many clients, with the port.
fn client(outcome: &Outcome) -> String {
    let addr = outcome.client.clone().unwrap_or_default();
    match outcome.client_port.filter(|_| outcome.pooled) {
        Some(port) => place(&addr, port),
        None => addr,
    }
}

/// Why, once for all sessions for which it is the same: a table on a narrow terminal has no room for it.
fn reasons<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Vec<Block<'static>> {
    // A pooler's client that no session serves is known by where it comes from.
    let key = |outcome: &Outcome| (outcome.result, outcome.error.clone(), outcome.pid == 0);
    let mut reasons: Vec<Vec<&Outcome>> = Vec::new();
    for outcome in outcomes.filter(|outcome| outcome.error.is_some()) {
        match reasons.iter_mut().find(|same| same.first().is_some_and(|first| key(first) == key(outcome))) {
            Some(same) => same.push(outcome),
            None => reasons.push(vec![outcome]),
        }
    }
    let name = |outcome: &&Outcome| match outcome.pid {
        0 => client(outcome),
        pid => pid.to_string(),
    };
    let line = |same: Vec<&Outcome>| {
        let first = same.first()?;
        let (what, why) = (first.result.words(), first.error.as_deref()?);
        let noun = if first.pid == 0 { "client" } else { "pid" };
        let listed: Vec<String> = same.iter().take(LISTED).map(name).collect();
        let more = same.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let line = format!("{what}: {why} ({noun} {}{more})", listed.join(", "));
        Some(Block::marked(mark(first.result), line))
    };
    reasons.into_iter().filter_map(line).collect()
}

const fn mark(fate: Fate) -> Mark {
    match fate {
        Fate::Terminated | Fate::Cancelled => Mark::Good,
        Fate::Signalled | Fate::NotPermitted | Fate::NotVisible | Fate::Failed => Mark::Bad,
        Fate::WouldTerminate | Fate::WouldCancel | Fate::WouldFail => Mark::Warn,
        Fate::Gone | Fate::Changed | Fate::NoEffect | Fate::Protected | Fate::NotAClient => Mark::Dim,
    }
}

/// `3 terminated, 1 not permitted`, in the order in which the results first come.
fn summary(results: &[Outcome]) -> String {
    let mut groups: Vec<(Fate, i64)> = Vec::new();
    for outcome in results {
        match groups.iter_mut().find(|(known, _)| *known == outcome.result) {
            Some((_, count)) => *count += 1,
            None => groups.push((outcome.result, 1)),
        }
    }
    groups.iter().map(|(fate, count)| format!("{count} {}", fate.words())).collect::<Vec<_>>().join(", ")
}
