//! The plan of an act: from facts to what is to be done with each session. Dry run, question and act all come from this
//! one value.

mod leftovers;
mod rules;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use super::blocking;
use crate::model::act::{
    ActFacts, Action, Candidate, Fate, FateClass, HeldLocks, Identity, Outcome, Through, Wait, Wanted,
};
use crate::model::order;
use crate::model::session::{Named, Session};
pub(crate) use rules::{AUXILIARY, COMMITTED, out_of_reach};
use rules::{Decision, cancelled_how, judge, missing_roles, runs};

/// What is to be done, worst session first.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What is done to those that have an identity.
    pub(crate) action: Action,
    /// One per session that was named or found.
    pub(crate) steps: Vec<Step>,
}

/// One session of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// What is known of it; its result is what would become of it (`would_terminate`), or why nothing will.
    pub(crate) outcome: Outcome,
    /// Who it is, for those that are acted on and for nobody else.
    pub(crate) identity: Option<Identity>,
    /// True when it was named, not found by a filter.
    pub(crate) named: bool,
    /// Whether it is what was asked for; none when that is hidden.
    pub(crate) selected: Option<bool>,
    /// True when it runs something that a cancel would stop.
    pub(crate) running: bool,
    /// True for an autovacuum worker that keeps the server from running out of transaction ids.
    pub(crate) prevents_wraparound: bool,
    /// The roles whose privileges would permit it.
    pub(crate) missing_roles: &'static [&'static str],
}

/// How a plan's sessions are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Sessions that were asked for and were there when the plan was made.
    pub(crate) matched: i64,
    /// Done.
    pub(crate) succeeded: i64,
    /// Not done, though asked for.
    pub(crate) failed: i64,
    /// Nothing was to be done.
    pub(crate) skipped: i64,
    /// Sessions of which it is hidden whether they were asked for; they count as failed, too.
    pub(crate) undecidable: i64,
}

impl Plan {
    /// The sessions that are acted on.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Identity> {
        self.steps.iter().filter_map(|step| step.identity.as_ref())
    }

    /// Whether the same sessions are acted on as in `other`.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        let targets = |plan: &Self| {
            let mut targets: Vec<(i32, String)> =
                plan.targets().map(|identity| (identity.pid, identity.backend_start.clone())).collect();
            targets.sort_unstable();
            targets
        };
        targets(self) == targets(other)
    }

    /// How many of those that are acted on come from `place`, as [`Outcome::client`] tells it.
    pub(crate) fn targets_from(&self, place: &str) -> usize {
        let from = |step: &&Step| step.identity.is_some() && step.outcome.client.as_deref() == Some(place);
        self.steps.iter().filter(from).count()
    }

    /// The roles whose privileges would permit what is not permitted, each once.
    pub(crate) fn missing_roles(&self) -> Vec<&'static str> {
        let roles: BTreeSet<&str> = self.steps.iter().flat_map(|step| step.missing_roles).copied().collect();
        roles.into_iter().collect()
    }

    /// Counts the sessions by what became of them.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for step in &self.steps {
            match step.outcome.result.class(step.named) {
                FateClass::Succeeded => counts.succeeded += 1,
                FateClass::Failed => counts.failed += 1,
                FateClass::Skipped => counts.skipped += 1,
            }
            match step.selected {
                Some(true) => counts.matched += 1,
                Some(false) => {}
                None => counts.undecidable += 1,
            }
        }
        counts
    }
}

/// Decides what is to be done with each session.
pub(crate) fn plan(action: Action, wanted: &Wanted, facts: &ActFacts) -> Plan {
    let held: HashMap<i32, &HeldLocks> = facts.locks.iter().map(|locks| (locks.pid, locks)).collect();
    let waiting = blocking::graph(facts.waits.iter().map(Wait::edges)).blocked_counts();
    let mut steps: Vec<(Lasting<'_>, Step)> = Vec::new();
    for candidate in &facts.candidates {
        let pid = candidate.session.pid;
        let locks = held.get(&pid).copied();
        let mut step = step(action, wanted, facts, candidate, locks.map_or(0, |locks| locks.advisory));
        if step.identity.is_some() {
            let work = facts.unfinished.iter().find(|work| work.pid == pid);
            step.outcome.leaves_behind =
                leftovers::leftovers(action, candidate, work, locks.map_or(0, |locks| locks.advisory));
        }
        step.outcome.locks_held = Some(locks.map_or(0, |locks| locks.held));
        step.outcome.sessions_waiting = (!facts.waits_cut).then(|| waiting.get(&pid).copied().unwrap_or(0));
        steps.push((Lasting::of(&candidate.session), step));
    }
    for named in &wanted.named {
        if !facts.processes.iter().any(|process| process.pid == named.pid) {
            steps.push((Lasting::default(), absent(*named)));
        }
    }
    order::sort_by_key(&mut steps, |(lasting, step)| worst_first(*lasting, &step.outcome));
    Plan { action, steps: steps.into_iter().map(|(_, step)| step).collect() }
}

/// Who waits for those that `plan` acts on, by pid; none where too many wait to be looked at.
pub(crate) fn waiting(plan: &Plan, facts: &ActFacts) -> Option<Vec<i32>> {
    let targets: Vec<i32> = plan.targets().map(|identity| identity.pid).collect();
    let graph = || blocking::graph(facts.waits.iter().map(Wait::edges));
    (!facts.waits_cut).then(|| graph().waiting_for(&targets).into_iter().collect())
}

/// Since when a session is in its transaction and in its state. The ages are taken one after the other while the rows are found, and
/// those of two sessions cannot be compared where a filter takes its time.
#[derive(Clone, Copy, Default)]
struct Lasting<'a> {
    xact_start: Option<&'a str>,
    state_change: Option<&'a str>,
}

impl<'a> Lasting<'a> {
    fn of(session: &'a Session) -> Self {
        Self { xact_start: session.xact_start.as_deref(), state_change: session.state_change.as_deref() }
    }
}

/// Held up most sessions, oldest transaction, most locks, longest in its state.
fn worst_first<'a>(lasting: Lasting<'a>, outcome: &Outcome) -> impl Ord + use<'a> {
    let earliest = |start: Option<&'a str>| (start.is_none(), start);
    (
        Reverse(outcome.sessions_waiting.unwrap_or(0)),
        earliest(lasting.xact_start),
        Reverse(outcome.locks_held.unwrap_or(0)),
        earliest(lasting.state_change),
        outcome.pid,
    )
}

fn step(
    action: Action,
    wanted: &Wanted,
    facts: &ActFacts,
    candidate: &Candidate,
    advisory_locks: i64,
) -> Step {
    let session = &candidate.session;
    let named = !wanted.named.is_empty();
    let decision = judge(action, wanted, facts, candidate, advisory_locks);
    let (result, error) = match decision {
        Decision::Act if action == Action::Cancel => (Fate::WouldCancel, None),
        Decision::Act => (Fate::WouldTerminate, None),
        Decision::Spare(fate, why) => (fate, Some(why)),
    };
    let identity = || {
        session.backend_start.clone().map(|backend_start| Identity {
            still_in: None,
            pid: session.pid,
            backend_start,
            query_start: session.query_start.clone(),
        })
    };
    let acts = error.is_none();
    let reach = || cancelled_how(session).filter(|_| action == Action::Cancel).map(str::to_owned);
    Step {
        outcome: outcome(session, result, error.or_else(|| worker(facts, session.pid)).or_else(reach)),
        identity: acts.then(identity).flatten(),
        named,
        selected: candidate.matches,
        running: runs(session),
        prevents_wraparound: candidate.prevents_wraparound,
        missing_roles: missing_roles(result, candidate),
    }
}

/// A worker that was named stands for its leader.
fn worker(facts: &ActFacts, leader: i32) -> Option<String> {
    let worker = facts.processes.iter().find(|process| process.leader == Some(leader))?;
    Some(format!("leader of parallel worker {}", worker.pid))
}

fn absent(named: Named) -> Step {
    let why = if named.started.is_some() { "there is no such session" } else { "no session has this pid" };
    Step {
        outcome: Outcome {
            pid: named.pid,
            session_id: named.started.map(|started| format!("{started:x}.{:x}", named.pid)),
            backend_start: None,
            database: None,
            role: None,
            application_name: None,
            client: None,
            client_port: None,
            pooled: false,
            through: Through::Server,
            state: None,
            state_seconds: None,
            xact_seconds: None,
            locks_held: None,
            sessions_waiting: None,
            leaves_behind: None,
            permitted: None,
            result: Fate::Gone,
            unseen: false,
            error: Some(why.into()),
        },
        identity: None,
        named: true,
        selected: Some(false),
        running: false,
        prevents_wraparound: false,
        missing_roles: &[],
    }
}

fn outcome(session: &Session, result: Fate, error: Option<String>) -> Outcome {
    Outcome {
        pid: session.pid,
        session_id: session.session_id.clone(),
        backend_start: session.backend_start.clone(),
        database: session.database.clone(),
        role: session.role.clone(),
        application_name: Some(session.application_name.clone()),
        client: session.client.clone(),
        client_port: session.client_port.map(i64::from),
        pooled: false,
        through: Through::Server,
        state: session.state.clone(),
        state_seconds: session.state_seconds,
        xact_seconds: session.xact_seconds,
        locks_held: None,
        sessions_waiting: None,
        leaves_behind: None,
        permitted: Some(session.can_signal),
        result,
        unseen: false,
        error,
    }
}

#[cfg(test)]
mod tests;
