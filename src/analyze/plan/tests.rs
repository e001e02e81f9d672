//! The rules of a plan, with literals.

use super::*;
use crate::model::act::{HeldLocks, OWN_APPLICATION, Process, Wait};

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
        state: Some(state.into()),
        query_start: Some("2026-01-01T00:00:01.000000Z".into()),
        session_seconds: Some(60.0),
        state_seconds: Some(5.0),
        can_signal: true,
        ..Session::default()
    }
}

fn candidate(session: Session) -> Candidate {
    Candidate { session, matches: Some(true), superuser: false, prevents_wraparound: false }
}

fn facts(candidates: Vec<Candidate>) -> ActFacts {
    let processes = candidates
        .iter()
        .map(|candidate| Process { pid: candidate.session.pid, own: false, leader: None })
        .collect();
    ActFacts { candidates, processes, ..ActFacts::default() }
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
    let writer = Session { backend_type: Some("checkpointer".into()), ..session(7, "idle") };
    assert_eq!(fate(Action::Terminate, &all, candidate(writer)), Fate::NotAClient);
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
    assert_eq!(Fate::Gone.class(false), FateClass::Succeeded);
}

#[test]
fn the_worst_comes_first() {
    let mut facts = facts((1..=5).map(|pid| candidate(session(pid, "idle"))).collect());
    facts.waits = vec![Wait { pid: 9, blocked_by: vec![3] }];
    // The later a row is found, the older it looks.
    for (at, second, age) in [(1, 2, 10.0), (4, 1, 9.0)] {
        let session = &mut facts.candidates[at].session;
        session.xact_start = Some(format!("2026-01-01T00:00:0{second}.000000Z"));
        session.xact_seconds = Some(age);
    }
    facts.locks = vec![HeldLocks { pid: 4, held: 2, advisory: 0 }];
    let order = |facts: &ActFacts| -> Vec<i32> {
        let plan = plan(Action::Terminate, &Wanted::default(), facts);
        plan.steps.iter().map(|step| step.outcome.pid).collect()
    };
    assert_eq!(order(&facts), [3, 5, 2, 4, 1]);
}

mod laws {
    use super::*;
    use proptest::prelude::*;

    /// What a server could show of a session, all of it independent of the rest.
    fn anything() -> impl Strategy<Value = (Candidate, bool)> {
        let states = prop::sample::select(vec![
            None,
            Some("idle"),
            Some("active"),
            Some("idle in transaction"),
            Some("fastpath function call"),
            Some("disabled"),
        ]);
        let kinds = prop::sample::select(vec![
            None,
            Some("client backend"),
            Some("walsender"),
            Some("autovacuum worker"),
        ]);
        let waits = prop::sample::select(vec![None, Some("SyncRep"), Some("ClientRead")]);
        let names = prop::sample::select(vec!["web", OWN_APPLICATION]);
        let flags = prop::collection::vec(any::<bool>(), 5);
        let matches = prop::option::of(any::<bool>());
        (states, kinds, waits, names, flags, matches).prop_map(|(state, kind, wait, name, flags, matches)| {
            let [hidden, can_signal, superuser, prevents_wraparound, own] = flags[..] else { unreachable!() };
            let session = Session {
                state: state.map(str::to_owned),
                backend_type: kind.filter(|_| !hidden).map(str::to_owned),
                backend_start: (!hidden).then(|| "2026-01-01T00:00:00.000000Z".to_owned()),
                wait_event: wait.map(str::to_owned),
                application_name: name.into(),
                hidden,
                can_signal,
                ..session(7, "idle")
            };
            (Candidate { session, matches, superuser, prevents_wraparound }, own)
        })
    }

    proptest! {
        /// Whatever is shown, only what was asked for, is known, is permitted and is not protected is acted on.
        #[test]
        fn nobody_else_is_ever_acted_on(
            population in prop::collection::vec(anything(), 1..20),
            cancel in any::<bool>(),
            is_named in any::<bool>(),
            all_backends in any::<bool>(),
            pgconn_too in any::<bool>(),
        ) {
            let mut facts = ActFacts::default();
            for (number, (mut candidate, own)) in population.into_iter().enumerate() {
                candidate.session.pid = i32::try_from(number).unwrap();
                facts.processes.push(Process { pid: candidate.session.pid, own, leader: None });
                facts.candidates.push(candidate);
            }
            let pids: Vec<i32> = facts.processes.iter().map(|process| process.pid).collect();
            let asked = if is_named { named(&pids) } else { Wanted::default() };
            let wanted = Wanted { all_backends, pgconn_too, ..asked };
            let action = if cancel { Action::Cancel } else { Action::Terminate };
            let plan = plan(action, &wanted, &facts);
            prop_assert_eq!(plan.steps.len(), facts.candidates.len());
            for step in &plan.steps {
                let at = usize::try_from(step.outcome.pid).unwrap();
                let (candidate, own) = (&facts.candidates[at], facts.processes[at].own);
                let session = &candidate.session;
                let client = session.backend_type.as_deref() == Some("client backend");
                let spared = session.application_name == OWN_APPLICATION && !is_named && !pgconn_too;
                let pointless = cancel
                    && (session.wait_event.as_deref() == Some("SyncRep")
                        || session.state.as_deref().is_some_and(|state| state.starts_with("idle")));
                let expected = !own
                    && candidate.matches == Some(true)
                    && !session.hidden
                    && (client || is_named && all_backends)
                    && !spared
                    && !pointless
                    && session.can_signal;
                prop_assert_eq!(step.identity.is_some(), expected, "{:?}", step);
                let acts = matches!(step.outcome.result, Fate::WouldCancel | Fate::WouldTerminate);
                prop_assert_eq!(acts, expected);
                prop_assert!(expected || step.outcome.error.is_some(), "who is spared learns why");
                prop_assert_eq!(step.prevents_wraparound, candidate.prevents_wraparound);
            }
            let counts = plan.counts();
            prop_assert_eq!(
                counts.succeeded + counts.failed + counts.skipped,
                i64::try_from(plan.steps.len()).unwrap()
            );
        }
    }
}
