//! The plan of an act: from facts to what is to be done with each session, and whether that needs to be asked for. Dry
//! run, question and act all come from this one value.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::blocking;
use crate::model::act::{
    Action, Candidate, Facts, Fate, Identity, Named, OWN_APPLICATION, Outcome, Tally, Through, Wanted,
};
use crate::model::session::Session;

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
    /// The role whose privileges would permit it.
    pub(crate) missing_role: Option<&'static str>,
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

    /// Counts the sessions by what became of them.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for step in &self.steps {
            match step.outcome.result.tally(step.named) {
                Tally::Succeeded => counts.succeeded += 1,
                Tally::Failed => counts.failed += 1,
                Tally::Skipped => counts.skipped += 1,
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
pub(crate) fn plan(action: Action, wanted: &Wanted, facts: &Facts) -> Plan {
    let held: HashMap<i32, i64> = facts.locks.iter().copied().collect();
    let waiting = blocking::held_up(&facts.waits);
    let mut steps: Vec<Step> = Vec::new();
    for candidate in &facts.candidates {
        let pid = candidate.session.pid;
        let mut step = step(action, wanted, facts, candidate);
        step.outcome.locks_held = Some(held.get(&pid).copied().unwrap_or(0));
        step.outcome.sessions_waiting = (!facts.waits_cut).then(|| waiting.get(&pid).copied().unwrap_or(0));
        steps.push(step);
    }
    for named in &wanted.named {
        if !facts.processes.iter().any(|process| process.pid == named.pid) {
            steps.push(absent(*named));
        }
    }
    steps.sort_by_key(|step| worst_first(&step.outcome));
    Plan { action, steps }
}

/// Held up most sessions, oldest transaction, most locks, longest in its state.
fn worst_first(outcome: &Outcome) -> (Reverse<i64>, Reverse<i64>, Reverse<i64>, Reverse<i64>, i32) {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and only orders")]
    let microseconds = |seconds: Option<f64>| Reverse(seconds.map_or(-1, |seconds| (seconds * 1e6) as i64));
    (
        Reverse(outcome.sessions_waiting.unwrap_or(0)),
        microseconds(outcome.xact_seconds),
        Reverse(outcome.locks_held.unwrap_or(0)),
        microseconds(outcome.state_seconds),
        outcome.pid,
    )
}

fn step(action: Action, wanted: &Wanted, facts: &Facts, candidate: &Candidate) -> Step {
    let session = &candidate.session;
    let named = !wanted.named.is_empty();
    let verdict = judge(action, wanted, facts, candidate);
    let (result, error) = match verdict {
        Verdict::Act if action == Action::Cancel => (Fate::WouldCancel, None),
        Verdict::Act => (Fate::WouldTerminate, None),
        Verdict::Spare(fate, why) => (fate, Some(why)),
    };
    let identity = || {
        session.backend_start.clone().map(|backend_start| Identity {
            pid: session.pid,
            backend_start,
            query_start: session.query_start.clone(),
        })
    };
    let acts = error.is_none();
    Step {
        outcome: outcome(session, result, error.or_else(|| worker(facts, session.pid))),
        identity: acts.then(identity).flatten(),
        named,
        selected: candidate.matches,
        running: runs(session),
        prevents_wraparound: candidate.prevents_wraparound,
        missing_role: missing_role(result, candidate),
    }
}

enum Verdict {
    Act,
    Spare(Fate, String),
}

/// The rules, in the order in which they are looked at.
fn judge(action: Action, wanted: &Wanted, facts: &Facts, candidate: &Candidate) -> Verdict {
    let session = &candidate.session;
    let named = !wanted.named.is_empty();
    let spare = |fate: Fate, why: &str| Verdict::Spare(fate, why.to_owned());
    if facts.processes.iter().any(|process| process.own && process.pid == session.pid) {
        return spare(Fate::Protected, "this is pgconn's own session");
    }
    match candidate.matches {
        None => return spare(Fate::NotVisible, "what decides whether it matches is hidden from this role"),
        Some(false) => return spare(Fate::Changed, "the filters do not select it"),
        Some(true) => {}
    }
    if session.hidden {
        return spare(Fate::NotVisible, "who it is is hidden from this role");
    }
    let client = session.backend_type.as_deref() == Some("client backend");
    if !(client || named && wanted.all_backends) {
        let kind = session.backend_type.as_deref().unwrap_or("another process");
        let how = if named { "; --all-backends permits it" } else { "" };
        return Verdict::Spare(Fate::NotAClient, format!("{kind}{how}"));
    }
    if !named && !wanted.pgconn_too && session.application_name == OWN_APPLICATION {
        return spare(Fate::Protected, "another session of pgconn; only its pid or session id selects it");
    }
    if action == Action::Cancel
        && let Some(why) = nothing_to_cancel(session)
    {
        return spare(Fate::NoEffect, why);
    }
    if !session.can_signal {
        return Verdict::Spare(Fate::NotPermitted, forbidden(candidate));
    }
    Verdict::Act
}

/// Why a cancel would do nothing, or not what is meant.
fn nothing_to_cancel(session: &Session) -> Option<&'static str> {
    if session.wait_event.as_deref() == Some("SyncRep") {
        return Some(
            "it has committed and waits for a standby; a cancel would end that wait, not undo the commit",
        );
    }
    match session.state.as_deref() {
        Some("idle") => Some("it runs nothing; kill ends the session"),
        Some("idle in transaction" | "idle in transaction (aborted)") => {
            Some("it runs nothing and keeps its transaction open; kill ends the session")
        }
        _ => None,
    }
}

fn runs(session: &Session) -> bool {
    matches!(session.state.as_deref(), Some("active" | "fastpath function call"))
}

fn forbidden(candidate: &Candidate) -> String {
    match (&candidate.session.role, candidate.superuser) {
        (_, true) => "only a superuser may signal a superuser's session".into(),
        (Some(role), false) => {
            format!("needs the privileges of pg_signal_backend or of role \"{role}\"")
        }
        (None, false) => "only a superuser may signal it".into(),
    }
}

/// The role that this role would need to be a member of to do it.
fn missing_role(fate: Fate, candidate: &Candidate) -> Option<&'static str> {
    match fate {
        Fate::NotVisible => Some("pg_read_all_stats"),
        Fate::NotPermitted if !candidate.superuser && candidate.session.role.is_some() => {
            Some("pg_signal_backend")
        }
        _ => None,
    }
}

/// A worker that was named stands for its leader.
fn worker(facts: &Facts, leader: i32) -> Option<String> {
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
            through: Through::Server,
            state: None,
            state_seconds: None,
            xact_seconds: None,
            locks_held: None,
            sessions_waiting: None,
            permitted: None,
            result: Fate::Gone,
            error: Some(why.into()),
        },
        identity: None,
        named: true,
        selected: Some(false),
        running: false,
        prevents_wraparound: false,
        missing_role: None,
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
        through: Through::Server,
        state: session.state.clone(),
        state_seconds: session.state_seconds,
        xact_seconds: session.xact_seconds,
        locks_held: None,
        sessions_waiting: None,
        permitted: Some(session.can_signal),
        result,
        error,
    }
}

/// How wide an act reaches, for the question whether it has to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Sessions that were named one by one.
    Named,
    /// What a filter selects.
    Filtered,
    /// Everything, or a filter through which everything can pass.
    Everything,
}

/// Under which circumstances an act is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// `--yes` was given.
    pub(crate) yes: bool,
    /// `PGCONN_CONFIRM=always`.
    pub(crate) always: bool,
    /// Somebody can be asked.
    pub(crate) terminal: bool,
}

/// Whether an act may go ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// It may.
    Given,
    /// Somebody has to be asked.
    Ask,
    /// It may not, for this reason.
    Missing(&'static str),
}

/// The rules of consent: what is named is meant; at a terminal there is somebody to ask; without one a filter is the
/// consent, as the name of a database is for `dropdb`, unless it selects everything.
pub(crate) const fn consent(reach: Reach, circumstances: Circumstances) -> Consent {
    match (circumstances, reach) {
        (Circumstances { yes: true, .. }, _) => Consent::Given,
        (Circumstances { always: true, .. }, _) => Consent::Missing("PGCONN_CONFIRM=always demands --yes"),
        (_, Reach::Named) => Consent::Given,
        (Circumstances { terminal: true, .. }, _) => Consent::Ask,
        (_, Reach::Filtered) => Consent::Given,
        (_, Reach::Everything) => {
            Consent::Missing("this can reach everything, and there is no terminal to ask at")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::act::{Process, Wait};

    fn session(pid: i32, state: &str) -> Session {
        Session {
            pid,
            session_id: Some(format!("1.{pid:x}")),
            backend_start: Some("2026-01-01T00:00:00.000000Z".into()),
            backend_type: Some("client backend".into()),
            database: Some("app".into()),
            role: Some("alice".into()),
            application_name: "web".into(),
            client: Some("local".into()),
            client_port: None,
            state: Some(state.into()),
            wait_event_type: None,
            wait_event: None,
            xact_start: None,
            query_start: Some("2026-01-01T00:00:01.000000Z".into()),
            state_change: None,
            session_seconds: Some(60.0),
            xact_seconds: None,
            query_seconds: None,
            state_seconds: Some(5.0),
            query: None,
            query_truncated: false,
            query_id: None,
            parallel_workers: 0,
            hidden: false,
            undecidable: false,
            can_signal: true,
            pooler_client: None,
        }
    }

    fn candidate(session: Session) -> Candidate {
        Candidate { session, matches: Some(true), superuser: false, prevents_wraparound: false }
    }

    fn facts(candidates: Vec<Candidate>) -> Facts {
        let processes = candidates
            .iter()
            .map(|candidate| Process { pid: candidate.session.pid, own: false, leader: None })
            .collect();
        Facts { candidates, processes, ..Facts::default() }
    }

    fn named(pids: &[i32]) -> Wanted {
        let named = pids.iter().map(|pid| Named { pid: *pid, started: None }).collect();
        Wanted { named, ..Wanted::default() }
    }

    fn fate(action: Action, wanted: &Wanted, candidate: Candidate) -> Fate {
        let plan = plan(action, wanted, &facts(vec![candidate]));
        let step = &plan.steps[0];
        let acts = matches!(step.outcome.result, Fate::WouldCancel | Fate::WouldTerminate);
        assert_eq!(acts, step.identity.is_some(), "only those that are acted on have an identity");
        step.outcome.result
    }

    #[test]
    fn protections_hold_unless_a_session_is_named() {
        let filters = Wanted::default();
        let own = || Session { application_name: "pgconn".into(), ..session(7, "idle") };
        assert_eq!(fate(Action::Terminate, &filters, candidate(own())), Fate::Protected);
        assert_eq!(fate(Action::Terminate, &named(&[7]), candidate(own())), Fate::WouldTerminate);
        let sender = || Session { backend_type: Some("walsender".into()), ..session(7, "active") };
        let all = Wanted { all_backends: true, ..named(&[7]) };
        assert_eq!(fate(Action::Terminate, &filters, candidate(sender())), Fate::NotAClient);
        assert_eq!(fate(Action::Terminate, &named(&[7]), candidate(sender())), Fate::NotAClient);
        assert_eq!(fate(Action::Terminate, &all, candidate(sender())), Fate::WouldTerminate);
        let mut myself = facts(vec![candidate(session(7, "active"))]);
        myself.processes[0].own = true;
        let plan = plan(Action::Terminate, &all, &myself);
        assert_eq!(plan.steps[0].outcome.result, Fate::Protected);
    }

    #[test]
    fn what_cannot_be_decided_or_done_is_never_acted_on() {
        let filters = Wanted::default();
        let terminate = |candidate| fate(Action::Terminate, &filters, candidate);
        let idle = || candidate(session(7, "idle"));
        let hidden = Session { hidden: true, backend_start: None, backend_type: None, ..session(7, "idle") };
        assert_eq!(terminate(Candidate { matches: None, ..idle() }), Fate::NotVisible);
        assert_eq!(terminate(Candidate { matches: Some(false), ..idle() }), Fate::Changed);
        assert_eq!(terminate(candidate(hidden)), Fate::NotVisible);
        let forbidden = Session { can_signal: false, ..session(7, "idle") };
        assert_eq!(terminate(candidate(forbidden)), Fate::NotPermitted);
        assert_eq!(fate(Action::Cancel, &filters, idle()), Fate::NoEffect);
        let syncing = Session { wait_event: Some("SyncRep".into()), ..session(7, "active") };
        assert_eq!(fate(Action::Cancel, &filters, candidate(syncing)), Fate::NoEffect);
        assert_eq!(fate(Action::Cancel, &filters, candidate(session(7, "active"))), Fate::WouldCancel);
    }

    #[test]
    fn a_named_session_that_is_not_there_is_a_failure() {
        let plan = plan(Action::Terminate, &named(&[7, 8]), &facts(vec![candidate(session(7, "idle"))]));
        let counts = plan.counts();
        assert_eq!((counts.matched, counts.failed), (1, 1));
        assert_eq!(Fate::Gone.tally(false), Tally::Succeeded);
    }

    #[test]
    fn the_worst_comes_first() {
        let mut facts = facts((1..=4).map(|pid| candidate(session(pid, "idle"))).collect());
        facts.waits = vec![Wait { pid: 9, blocked_by: vec![3] }];
        facts.candidates[1].session.xact_seconds = Some(10.0);
        facts.locks = vec![(4, 2)];
        let order = |facts: &Facts| -> Vec<i32> {
            let plan = plan(Action::Terminate, &Wanted::default(), facts);
            plan.steps.iter().map(|step| step.outcome.pid).collect()
        };
        assert_eq!(order(&facts), [3, 2, 4, 1]);
    }

    #[test]
    fn consent_follows_the_rules() {
        use Consent::{Ask, Given, Missing};
        let at = |yes, always, terminal| Circumstances { yes, always, terminal };
        for reach in [Reach::Named, Reach::Filtered, Reach::Everything] {
            for terminal in [false, true] {
                assert_eq!(consent(reach, at(true, true, terminal)), Given);
                assert!(matches!(consent(reach, at(false, true, terminal)), Missing(_)));
            }
        }
        let plain = |terminal| at(false, false, terminal);
        assert_eq!(consent(Reach::Named, plain(true)), Given);
        assert_eq!(consent(Reach::Named, plain(false)), Given);
        assert_eq!(consent(Reach::Filtered, plain(true)), Ask);
        assert_eq!(consent(Reach::Filtered, plain(false)), Given);
        assert_eq!(consent(Reach::Everything, plain(true)), Ask);
        assert!(matches!(consent(Reach::Everything, plain(false)), Missing(_)));
    }
}
