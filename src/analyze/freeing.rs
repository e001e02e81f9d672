//! What would let waiting sessions go on, as acts that can be carried out: each is planned, by the rules by which it would be carried
//! out, before it is proposed.

use std::collections::HashMap;

use super::blocking::FreeSet;
use super::plan::{self, AUXILIARY, Plan, Step};
use crate::model::act::{ActFacts, Action, Candidate, Wanted};
use crate::model::blocking::{Blocked, FreeingAct, PreparedBlocker};
use crate::model::session::Named;

/// The acts that free sessions, in the order of the `sets`; `prepared_of` knows the prepared transaction that a negative pid stands for.
/// `facts` are of all members.
pub(crate) fn freeing_acts<'a>(
    sets: &[FreeSet],
    sessions: &[Blocked],
    prepared_of: impl Fn(i32) -> Option<&'a PreparedBlocker>,
    facts: &ActFacts,
) -> Vec<FreeingAct> {
    let sessions: HashMap<i32, &Blocked> = sessions.iter().map(|session| (session.pid, session)).collect();
    let planned = |action| plan::plan(action, &wanted(sets), facts);
    let plans = [planned(Action::Cancel), planned(Action::Terminate)];
    sets.iter().map(|set| freeing_act(set, &sessions, &prepared_of, facts, &plans)).collect()
}

/// The members of the sets, as they would be named.
pub(crate) fn wanted(sets: &[FreeSet]) -> Wanted {
    let mut named: Vec<Named> = Vec::new();
    for pid in sets.iter().flat_map(|set| &set.pids).filter(|pid| **pid > 0) {
        let member = Named { pid: *pid, started: None };
        if !named.contains(&member) {
            named.push(member);
        }
    }
    Wanted { named, ..Wanted::default() }
}

fn freeing_act<'a>(
    set: &FreeSet,
    sessions: &HashMap<i32, &Blocked>,
    prepared_of: &impl Fn(i32) -> Option<&'a PreparedBlocker>,
    facts: &ActFacts,
    [cancel, kill]: &[Plan; 2],
) -> FreeingAct {
    let members: Vec<i32> = set.pids.iter().copied().filter(|pid| *pid > 0).collect();
    let prepared = set.pids.iter().filter_map(|pid| prepared_of(*pid)).map(|prepared| prepared.gid.clone());
    let candidate = |pid: &i32| facts.candidates.iter().find(|candidate| candidate.session.pid == *pid);
    // Of those whom somebody waits for next nothing else has been seen.
    let session_id = |pid: &i32| match sessions.get(pid) {
        Some(seen) => seen.session_id.clone(),
        None => candidate(pid)?.session.session_id.clone(),
    };
    let mut act = FreeingAct {
        sessions: members.iter().filter_map(session_id).collect(),
        prepared: prepared.collect(),
        frees: set.frees.clone(),
        then: set.then.map(|(pid, _)| pid),
        then_blocks: set.then.map(|(_, behind)| i64::try_from(behind).unwrap_or(i64::MAX)),
        pids: members,
        others_may_follow: set
            .frees
            .iter()
            .any(|pid| sessions.get(pid).is_some_and(|one| one.others_may_follow)),
        action: None,
        permitted: false,
        why_not: None,
    };
    let keyed = set.frees.iter().any(|pid| sessions.get(pid).is_some_and(|session| waits_for_key(session)));
    let ends_by_cancel =
        |pid: &i32| !keyed && reached(cancel, *pid) && candidate(pid).is_some_and(ends_with_its_statement);
    if act.pids.is_empty() {
        return act;
    }
    act.action = Some(if act.pids.iter().all(ends_by_cancel) { Action::Cancel } else { Action::Terminate });
    act.why_not = act.pids.iter().find_map(|pid| {
        if let Some(who) = candidate(pid).and_then(who_ends_it) {
            return Some(who.to_owned());
        }
        let error = step(kill, *pid).filter(|_| !acts(kill, *pid)).map(|step| step.outcome.error.clone())?;
        Some(error.unwrap_or_else(|| "it is not there any more".into()))
    });
    act.permitted = act.why_not.is_none();
    act
}

fn step(plan: &Plan, pid: i32) -> Option<&Step> {
    plan.steps.iter().find(|step| step.outcome.pid == pid)
}

fn acts(plan: &Plan, pid: i32) -> bool {
    step(plan, pid).is_some_and(|step| step.identity.is_some())
}

/// Whether a cancel is sent and comes through.
fn reached(cancel: &Plan, pid: i32) -> bool {
    acts(cancel, pid) && step(cancel, pid).is_some_and(|step| step.outcome.error.is_none())
}

/// Advisory locks can outlive the transaction, and nobody tells which do.
fn waits_for_key(session: &Blocked) -> bool {
    session.lock.as_ref().is_some_and(|lock| lock.kind == "advisory")
}

/// Whether its transaction is the statement that it runs: nothing that it holds stays when that is cancelled, as it would with a
/// savepoint.
fn ends_with_its_statement(candidate: &Candidate) -> bool {
    let session = &candidate.session;
    session.xact_start.is_some() && session.xact_start == session.query_start
}

/// Who can end what is no client session, or that nobody needs to.
fn who_ends_it(candidate: &Candidate) -> Option<&'static str> {
    Some(match candidate.session.backend_type.as_deref()? {
        "client backend" if candidate.superuser && !candidate.session.can_signal => {
            "a superuser's session, which only a superuser can end"
        }
        "client backend" if candidate.session.wait_event.as_deref() == Some("SyncRep") => {
            "it has committed and waits for a synchronous standby: that has to come back, or to be taken out of \
             synchronous_standby_names"
        }
        "client backend" => return None,
        "parallel worker" => "a parallel worker, which its leader's cancel or end ends",
        "autovacuum worker" if candidate.prevents_wraparound => {
            "an autovacuum that keeps the server from running out of transaction ids: let it finish"
        }
        "autovacuum worker" => {
            "an autovacuum, which gives way by itself once somebody has waited for deadlock_timeout"
        }
        "startup" => "the standby repeats what the primary does: the transaction that locks must end there",
        "walsender" => "a replication connection, which its receiver has to end",
        "walreceiver" => {
            "the receiver of the primary's changes, which an empty primary_conninfo ends: pgconn does not"
        }
        "slotsync worker" => "the copier of the primary's slots, which sync_replication_slots = off ends",
        "autovacuum launcher" => "the autovacuum launcher, which is started again at once, whoever ends it",
        "logical replication launcher" => {
            "the launcher of subscriptions' workers, which is started again at once, whoever ends it"
        }
        kind if AUXILIARY.contains(&kind) => {
            "a process of the server's own, which nothing ends but the end of the server: pgconn does not"
        }
        kind if kind.starts_with("logical replication") => {
            "a worker of a subscription, which ALTER SUBSCRIPTION … DISABLE ends"
        }
        kind if kind.starts_with("pg_cron") => {
            "a job of pg_cron, which its schedule starts: cron.unschedule keeps it from coming again"
        }
        _ => "a background worker, which what has started it has to end, such as its extension's scheduler",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::session::Session;

    #[test]
    fn of_every_kind_of_process_it_is_said_what_ends_it_or_that_nothing_does() {
        let of = |kind: &str, superuser: bool| {
            let session =
                Session { backend_type: Some(kind.into()), can_signal: !superuser, ..Session::default() };
            who_ends_it(&Candidate { session, matches: Some(true), superuser, prevents_wraparound: false })
        };
        assert_eq!(of("client backend", false), None);
        assert!(of("client backend", true).unwrap().contains("only a superuser"));
        for (kind, told) in [
            ("archiver", "the end of the server"),
            ("autovacuum launcher", "started again"),
            ("autovacuum worker", "deadlock_timeout"),
            ("background writer", "the end of the server"),
            ("checkpointer", "the end of the server"),
            ("io worker", "the end of the server"),
            ("logical replication apply worker", "ALTER SUBSCRIPTION"),
            ("logical replication launcher", "started again"),
            ("logical replication parallel worker", "ALTER SUBSCRIPTION"),
            ("logical replication tablesync worker", "ALTER SUBSCRIPTION"),
            ("logical replication worker", "ALTER SUBSCRIPTION"),
            ("parallel worker", "its leader"),
            ("pg_cron launcher", "cron.unschedule"),
            ("slotsync worker", "sync_replication_slots"),
            ("startup", "must end there"),
            ("walreceiver", "primary_conninfo"),
            ("walsender", "its receiver"),
            ("walsummarizer", "the end of the server"),
            ("walwriter", "the end of the server"),
            ("TimescaleDB Background Worker Scheduler", "what has started it"),
        ] {
            let why = of(kind, false).unwrap_or_else(|| panic!("{kind}"));
            assert!(why.contains(told), "{kind}: {why}");
        }
    }
}
