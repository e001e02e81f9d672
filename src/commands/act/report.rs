//! The report of `cancel` and `kill`, and the plan as it is shown beforehand.

use serde::Serialize;

use crate::analyze::plan::{Counts, Plan};
use crate::commands::listing::{NAME_LEAST, STATE_LEAST};
use crate::commands::screen_room::{Part, height_of_warnings};
use crate::model::act::{Action, Fate, FateClass, Outcome, Remaining, Through};
use crate::model::server::place;
use crate::model::short_words;
use crate::render::columns::{Column, Value};
use crate::render::json::List;
use crate::render::outcomes::{mark, summary};
use crate::render::table::{Align, Block, LEAST, Mark, Table};
use crate::render::{self, Head, text, tsv};

/// How many sessions of a plan are shown before it is carried out; the report shows all.
const PREVIEWED: usize = 30;

/// How many are shown on the smallest screen.
const LEAST_PREVIEWED: usize = 3;

/// The lines around the sessions of a plan: the header, how many more there are, the question, and the line of the command.
const AROUND: usize = 4;

/// How many pids are listed behind a reason.
const LISTED: usize = 5;

/// The answer of `cancel` and `kill`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct ActReport {
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
    /// Sessions of the same application, role, database and client as those that were ended, as far as they came while it was watched
    /// (`--settle`); none where it was not.
    returned: Option<i64>,
    /// Sessions that waited for those that are acted on, directly or behind others, when the plan was made; none when too many wait to
    /// be looked at.
    waiting_before: Option<i64>,
    /// Of them such as wait for a lock after the act; none when that was not looked at.
    waiting_after: Option<i64>,
    /// Walsenders, autovacuum and other workers that they select and that were spared.
    other_backends: Option<i64>,
    /// True when the emergency lane was used.
    emergency: bool,
    /// One per session, worst first.
    results: Vec<Outcome>,
    /// Which of them people have seen already, as they were to become.
    #[serde(skip)]
    seen: Vec<bool>,
    /// How much of them a screen shows.
    #[serde(skip)]
    part: Part,
}

/// What was to become of each session.
pub(super) struct Planned(Vec<Fate>);

impl Planned {
    /// What the plan says, when it `is_shown` above the report.
    pub(super) fn of(plan: &Plan, is_shown: bool) -> Self {
        let steps = plan.steps.iter().filter(|_| is_shown);
        Self(steps.map(|step| step.outcome.result).collect())
    }
}

/// Whether it became what the plan said it would.
fn as_planned(planned: Fate, result: Fate) -> bool {
    match planned {
        Fate::WouldTerminate => result == Fate::Terminated,
        Fate::WouldCancel => result == Fate::Cancelled,
        _ => planned == result,
    }
}

/// What is left after an act, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Aftermath {
    /// What is selected now.
    pub(super) remaining: Option<Remaining>,
    /// How many came back.
    pub(super) returned: Option<i64>,
    /// How many waited for those that are acted on.
    pub(super) waiting_before: Option<i64>,
    /// How many of them wait now.
    pub(super) waiting_after: Option<i64>,
}

impl ActReport {
    /// Tells what became of the plan.
    pub(super) fn new(plan: &Plan, dry_run: bool, after: Aftermath, emergency: bool) -> Self {
        let Aftermath { remaining, returned, waiting_before, waiting_after } = after;
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
            returned,
            waiting_before,
            waiting_after,
            other_backends: remaining.map(|remaining| remaining.other_backends),
            emergency,
            results: plan.steps.iter().map(|step| result(&step.outcome)).collect(),
            seen: Vec::new(),
            part: Part::default(),
        }
    }

    /// Keeps to a screen: what would be done is told again for who asks.
    pub(super) fn on_screen(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// Leaves out, for people, what has become as it was `planned`: they have seen that.
    pub(super) fn besides(mut self, planned: &Planned) -> Self {
        let results = planned.0.iter().zip(&self.results);
        self.seen = results.map(|(planned, outcome)| as_planned(*planned, outcome.result)).collect();
        self
    }

    /// Whether there is nothing to tell of.
    pub(super) const fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    /// Whether it is about a pooler's clients.
    fn is_pooled(&self) -> bool {
        self.results.iter().any(|outcome| outcome.pooled)
    }
}

impl render::Report for ActReport {
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
        let seen = self.seen.iter().copied().chain(std::iter::repeat(false));
        let news = self.results.iter().zip(seen).filter(|(_, seen)| !seen).map(|(outcome, _)| outcome);
        let mut below = reasons(news.clone());
        let mark = if self.failed > 0 { Mark::Bad } else { Mark::Good };
        let mut summary = summary(&self.results);
        if let Some(returned) = self.returned.filter(|returned| *returned > 0) {
            let sessions = text::count(returned, if self.is_pooled() { "client" } else { "session" });
            summary.push_str(&format!("; {sessions} of the same application and role came back"));
        }
        below.push(Block::marked(if self.dry_run { Mark::Dim } else { mark }, summary));
        if let (Some(before @ 1..), Some(after)) = (self.waiting_before, self.waiting_after) {
            let mark = if after > 0 { Mark::Warn } else { Mark::Good };
            below.push(Block::marked(mark, format!("waiting for a lock: {before} before, {after} now")));
        }
        if let Some(left) = self.remaining_matching.filter(|left| *left > 0 && !self.dry_run) {
            let new = self.reconnected.filter(|new| *new > 0);
            let new = new.map(|new| format!(", {new} of them new")).unwrap_or_default();
            let verb = if left == 1 { "matches" } else { "match" };
            below.push(Block::line(format!("{} {verb} now{new}", text::count(left, "session"))));
        }
        if let Some(others) = self.other_backends.filter(|others| *others > 0) {
            let are = if others == 1 { "is" } else { "are" };
            let others = text::count(others, "other backend");
            below
                .push(Block::line(format!("{others} (walsenders, workers) {are} selected, too, and spared")));
        }
        let texts = below.iter().filter_map(|block| match block {
            Block::Line(_, line) => Some(line.as_str()),
            Block::Table(_) | Block::Text(_) | Block::Rest(..) | Block::Gap => None,
        });
        let part = self.part.beside(texts);
        let (table, rest) =
            part.table(news.clone().count(), "session", |rows| table(news.clone().take(rows)));
        let table = (!table.is_empty()).then_some(Block::Table(table));
        table.into_iter().chain(rest).chain(below).collect()
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(COLUMNS, &self.results)
    }
}

/// What is told of each session.
const COLUMNS: &[Column<Outcome>] = &[
    Column::new("PID", Align::Right, "pid", |outcome| Some(outcome.pid).filter(|pid| *pid != 0).into()),
    Column::new("SESSION-ID", Align::Left, "session_id", |outcome| outcome.session_id.as_ref().into()),
    Column::script("backend_start", |outcome| outcome.backend_start.as_ref().into()),
    Column::new("DATABASE", Align::Left, "database", |outcome: &Outcome| outcome.database.as_ref().into())
        .folding(),
    Column::new("ROLE", Align::Left, "role", |outcome: &Outcome| outcome.role.as_ref().into()).folding(),
    Column::new("APPLICATION", Align::Left, "application_name", |outcome: &Outcome| {
        outcome.application_name.as_ref().into()
    })
    .folding()
    .short_title("APP")
    .least(NAME_LEAST),
    Column::worded(
        "CLIENT",
        Align::Left,
        |outcome: &Outcome| client(outcome).into(),
        "client",
        |outcome| outcome.client.as_ref().into(),
    )
    .folding(),
    Column::script("client_port", |outcome| outcome.client_port.into()),
    Column::script("through", |outcome| match outcome.through {
        Through::Pooler => "pooler".into(),
        Through::Server => "server".into(),
    }),
    Column::new("STATE", Align::Left, "state", |outcome: &Outcome| outcome.state.as_ref().into())
        .short(|outcome| outcome.state.as_deref().map(short_words::state).into())
        .folding()
        .least(STATE_LEAST),
    Column::new("FOR", Align::Right, "state_seconds", |outcome| Value::seconds(outcome.state_seconds)),
    Column::new("XACT", Align::Right, "xact_seconds", |outcome| Value::seconds(outcome.xact_seconds)),
    Column::new("LOCKS", Align::Right, "locks_held", |outcome| outcome.locks_held.into()),
    Column::new("WAITING", Align::Right, "sessions_waiting", |outcome| outcome.sessions_waiting.into()),
    Column::script("leaves_behind", |outcome| outcome.leaves_behind.as_ref().into()),
    Column::script("permitted", |outcome| outcome.permitted.into()),
    Column::worded(
        "RESULT",
        Align::Left,
        |outcome: &Outcome| outcome.words().into(),
        "result",
        |outcome| outcome.result.word().into(),
    )
    .folding(),
    Column::script("error", |outcome| outcome.error.as_ref().into()),
];

/// The plan before it is carried out, beside the warnings of `head`: the worst last, where it is read first, and no more than a
/// `screen` of so many columns and lines has room for.
pub(in crate::commands) fn preview<'a>(
    plan: &'a Plan,
    screen: Option<(usize, usize)>,
    head: &Head,
) -> Vec<Block<'a>> {
    let outcomes: Vec<&Outcome> = plan.steps.iter().map(|step| &step.outcome).collect();
    let reasons = reasons(outcomes.iter().copied());
    let room = |above: usize| {
        screen.map_or(PREVIEWED, |(columns, lines)| {
            let reasons: usize = reasons.iter().map(|reason| reason.height(columns)).sum();
            let beside = AROUND + above + reasons + height_of_warnings(head, columns);
            lines.saturating_sub(beside).clamp(LEAST_PREVIEWED, PREVIEWED)
        })
    };
    let all = table(outcomes.iter().copied());
    let worst = |rows: usize| {
        let shown: Vec<&Outcome> = outcomes.iter().copied().take(rows).collect();
        table(shown.into_iter().rev()).first_of(Some(&all))
    };
    // Fewer sessions may have more in common, for which a line stands above them.
    let above = |rows| screen.map_or(0, |(columns, _)| worst(rows).lines_above(columns));
    let rows = room(above(room(above(room(0)))));
    let mut blocks = Vec::new();
    if let Some(more) = plan.steps.len().checked_sub(rows).filter(|more| *more > 0) {
        blocks.push(Block::marked(Mark::Dim, format!("({more} more; all of them: --dry-run --full)")));
    }
    blocks.push(Block::Table(worst(rows)));
    blocks.extend(reasons);
    blocks
}

fn table<'a>(outcomes: impl Iterator<Item = &'a Outcome> + Clone) -> Table<'a> {
    let is_pooled = outcomes.clone().any(|outcome| outcome.pooled);
    let table = Table::of(COLUMNS, outcomes, |outcome| mark(outcome.result)).only_in_full(&["SESSION-ID"]);
    if is_pooled {
        table.sparing(&["ROLE", "DATABASE", "XACT", "FOR", "LOCKS"]).keeping(&["CLIENT"], LEAST)
    } else {
        table.sparing(&["CLIENT", "ROLE", "DATABASE", "LOCKS", "FOR", "WAITING", "XACT"])
    }
}

/// The outcome as it is told: of a session that was not touched nothing is left behind.
fn result(outcome: &Outcome) -> Outcome {
    let is_touched = outcome.result.is_open() || outcome.result.class(false) == FateClass::Succeeded;
    let leaves_behind = outcome.leaves_behind.clone().filter(|_| is_touched && outcome.result != Fate::Gone);
    Outcome { leaves_behind, ..outcome.clone() }
}

/// Where it comes from; at a pooler, where one address has many clients, with the port.
fn client(outcome: &Outcome) -> String {
    let addr = outcome.client.clone().unwrap_or_default();
    match outcome.client_port.filter(|_| outcome.pooled) {
        Some(port) => place(&addr, port),
        None => addr,
    }
}

/// Why, and what is left behind, once for all sessions for which it is the same: a table on a narrow terminal has no room for it.
fn reasons<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Vec<Block<'static>> {
    // A pooler's client that no session serves is known by where it comes from.
    let key = |(outcome, why): &(&Outcome, &str)| (outcome.words(), (*why).to_owned(), outcome.pid == 0);
    let said = |outcome: &'a Outcome| {
        let both = [outcome.error.as_deref(), outcome.leaves_behind.as_deref()];
        both.into_iter().flatten().map(move |why| (outcome, why))
    };
    let mut reasons: Vec<Vec<(&Outcome, &str)>> = Vec::new();
    for one in outcomes.flat_map(said) {
        match reasons.iter_mut().find(|same| same.first().is_some_and(|first| key(first) == key(&one))) {
            Some(same) => same.push(one),
            None => reasons.push(vec![one]),
        }
    }
    let name = |(outcome, _): &(&Outcome, &str)| match outcome.pid {
        0 => client(outcome),
        pid => pid.to_string(),
    };
    let line = |same: Vec<(&Outcome, &str)>| {
        let (first, why) = same.first()?;
        let what = first.words();
        let noun = if first.pid == 0 { "client" } else { "pid" };
        let listed: Vec<String> = same.iter().take(LISTED).map(name).collect();
        let more = same.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let line = format!("{what}: {why} ({noun} {}{more})", listed.join(", "));
        Some(Block::marked(mark(first.result), line))
    };
    reasons.into_iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(COLUMNS), [""; 0]);
    }
}
