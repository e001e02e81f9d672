//! What is told of one session, judged: whom it waits for, who waits for it, what ending it would come to.

use serde::Serialize;

use crate::analyze::blocking;
use crate::analyze::plan::{self, Plan};
use crate::model::act::{Action, Fate, Wait, Wanted};
use crate::model::one_session::{Neighbour, OneSession, SessionLock};
use crate::model::session::{Named, Session};
use crate::model::suggestion::{Command, Lead};

/// The answer of `show`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct Shows {
    /// The session, as `ls` lists it, its query whole.
    #[serde(flatten)]
    pub(super) session: Session,
    /// Whom it waits for; a prepared transaction has no pid but a gid.
    pub(super) blocked_by: Vec<Neighbour>,
    /// Who waits for it, those who wait for others that wait for it included, longest first.
    pub(super) blocks: Vec<Neighbour>,
    /// How many those are; null when more sessions wait than were looked at.
    pub(super) blocks_total: Option<i64>,
    /// Locks that it waits for or holds (those on its own transaction ids only where somebody waits for them), the most important
    /// first, 200 at most.
    pub(super) locks: Vec<SessionLock>,
    /// How many more there are.
    pub(super) locks_left_out: i64,
    /// Locks it holds and ending it releases, counted as `kill` counts them.
    pub(super) locks_held: i64,
    /// Cancelling what it runs.
    pub(super) cancel: WhatIf,
    /// Ending it.
    pub(super) terminate: WhatIf,
    /// How to see another session, with the flags that lead to the server.
    #[serde(skip)]
    pub(super) lead: Lead,
}

/// What an act on it would come to.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct WhatIf {
    /// What would become of it: `would_terminate`, `not_permitted`, `no_effect`, …
    pub(super) result: Fate,
    /// Whether this role may do it.
    pub(super) permitted: bool,
    /// Why it would not be done, or would do nothing, or not at once; null when there is nothing to say.
    pub(super) why_not: Option<String>,
    /// What it would leave behind, or what would have to be started over; null when there is nothing of that.
    pub(super) leaves_behind: Option<String>,
    /// The command that does it; null when it would not be done.
    pub(super) command: Option<String>,
}

impl Shows {
    /// What is told of the session in `one`, with commands that lead where `lead` does.
    pub(super) fn new(one: OneSession, lead: &Lead) -> Self {
        let pid = one.facts.candidates.first().map_or(0, |candidate| candidate.session.pid);
        let wanted =
            Wanted { named: vec![Named { pid, started: None }], all_backends: true, ..Wanted::default() };
        let planned = |action| plan::plan(action, &wanted, &one.facts);
        let (cancel, terminate) = (planned(Action::Cancel), planned(Action::Terminate));
        let (blocked_by, blocks) = neighbours(pid, &one);
        let outcome = terminate.steps.first().map(|step| &step.outcome);
        let kind =
            one.facts.candidates.first().and_then(|candidate| candidate.session.backend_type.as_deref());
        let is_client = kind == Some("client backend");
        let told = i64::try_from(one.locks.len()).unwrap_or(i64::MAX);
        let session = one.facts.candidates.into_iter().next().map(|candidate| candidate.session);
        let mut session = session.unwrap_or_default();
        // What has changed since it was looked at is left out, as in listings.
        let is_waited_for =
            |wanted: &&SessionLock| !wanted.granted && session.wait_event.as_ref() == Some(&wanted.lock.kind);
        let wanted = one.locks.iter().find(is_waited_for).filter(|_| session.waits_for_lock());
        session.lock = wanted.map(|wanted| Box::new(wanted.lock.clone()));
        Self {
            blocks_total: outcome.and_then(|outcome| outcome.sessions_waiting),
            locks_held: outcome.and_then(|outcome| outcome.locks_held).unwrap_or(0),
            cancel: what_if(&cancel, is_client, lead),
            terminate: what_if(&terminate, is_client, lead),
            session,
            blocked_by,
            blocks,
            locks_left_out: one.locks_total - told,
            locks: one.locks,
            lead: lead.clone(),
        }
    }
}

/// Whom it waits for, and who waits for it, longest first.
fn neighbours(pid: i32, one: &OneSession) -> (Vec<Neighbour>, Vec<Neighbour>) {
    let waits = &one.facts.waits;
    let before = waits.iter().find(|wait| wait.pid == pid).map_or(&[][..], |wait| &wait.blocked_by);
    let behind = blocking::graph(waits.iter().map(Wait::edges)).waiting_for(&[pid]);
    let is_direct = |other: i32| waits.iter().any(|wait| wait.pid == other && wait.blocked_by.contains(&pid));
    let known = |wanted: &dyn Fn(i32) -> bool| -> Vec<Neighbour> {
        let of = one.neighbours.iter().filter(|one| one.pid.is_some_and(|pid| pid != 0 && wanted(pid)));
        of.cloned().collect()
    };
    let mut blocked_by = known(&|other| before.contains(&other));
    for one in &mut blocked_by {
        one.direct = true;
    }
    blocked_by.extend(one.prepared.iter().map(|prepared| Neighbour {
        pid: None,
        session_id: None,
        gid: Some(prepared.gid.clone()),
        database: Some(prepared.database.clone()),
        role: Some(prepared.owner.clone()),
        application_name: None,
        client: None,
        backend_type: None,
        state: None,
        wait_seconds: None,
        direct: true,
    }));
    let mut blocks = known(&|other| behind.contains(&other));
    for one in &mut blocks {
        one.direct = one.pid.is_some_and(is_direct);
    }
    (blocked_by, blocks)
}

fn what_if(plan: &Plan, is_client: bool, lead: &Lead) -> WhatIf {
    let Some(step) = plan.steps.first() else {
        return WhatIf {
            result: Fate::Gone,
            permitted: false,
            why_not: None,
            leaves_behind: None,
            command: None,
        };
    };
    let outcome = &step.outcome;
    let command = step.identity.as_ref().map(|_| {
        let command = Command::pgconn(match (plan.action, is_client) {
            (Action::Cancel, true) => "cancel",
            (Action::Cancel, false) => "cancel --all-backends",
            (Action::Terminate, true) => "kill",
            (Action::Terminate, false) => "kill --all-backends",
        });
        let pid = outcome.pid.to_string();
        command.word(outcome.session_id.as_ref().unwrap_or(&pid)).shown(lead)
    });
    WhatIf {
        result: outcome.result,
        permitted: outcome.permitted.unwrap_or(false),
        why_not: outcome.error.clone(),
        leaves_behind: outcome.leaves_behind.clone(),
        command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::act::{ActFacts, Candidate};
    use crate::model::lock::Lock;

    #[test]
    fn what_it_waits_for_is_what_it_was_seen_to_wait_for() {
        let lock = |kind: &str, granted: bool| SessionLock {
            lock: Lock { kind: kind.into(), ..Lock::default() },
            granted,
            wait_seconds: None,
            waiting: 0,
        };
        for (kind, event, locks, found) in [
            ("Lock", "tuple", vec![lock("tuple", false)], Some("tuple")),
            ("Lock", "tuple", vec![lock("relation", false), lock("tuple", false)], Some("tuple")),
            ("Lock", "tuple", vec![lock("transactionid", false), lock("tuple", true)], None),
            ("IPC", "ExecuteGather", vec![lock("relation", false)], None),
        ] {
            let session = Session {
                wait_event_type: Some(kind.into()),
                wait_event: Some(event.into()),
                ..Session::default()
            };
            let candidate =
                Candidate { session, matches: Some(true), superuser: false, prevents_wraparound: false };
            let facts = ActFacts { candidates: vec![candidate], ..ActFacts::default() };
            let show = Shows::new(OneSession { facts, locks, ..OneSession::default() }, &Lead::default());
            assert_eq!(show.session.lock.as_ref().map(|lock| lock.kind.as_str()), found, "{event}");
        }
    }
}
