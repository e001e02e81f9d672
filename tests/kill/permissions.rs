//! `kill`: who may end whom; one forbidden session never hides the fate of the others.

use super::{Stopped, app, kill, pids, row};
use crate::common::{Pgconn, wait_until, with};
use serde_json::json;

/// Who may end whom, by role attributes and memberships; one forbidden session never hides the others.
#[test]
fn rights_are_known_beforehand_and_one_refusal_hides_nothing() {
    let cluster = with(&[]);
    cluster.query(
        "create role plain login; create role other login; create role heir login; create role loner login noinherit; \
         create role signaller login; create role monitor login; create role twofold login; \
         grant other to heir; grant other to loner; grant pg_signal_backend to signaller, twofold; \
         grant pg_read_all_stats to monitor, twofold; \
         create role nominal login noinherit; grant pg_signal_backend, pg_read_all_stats, other to nominal",
    );
    // Before 15 bare membership of pg_read_all_stats was enough to see, never to signal.
    let nominally = if cluster.major() >= 15 { "not_visible" } else { "not_permitted" };
    // Rights of each actor over sessions of: itself, other, the superuser.
    for (actor, own, others, superusers) in [
        ("plain", "terminated", "not_visible", "not_visible"),
        ("heir", "terminated", "terminated", "not_visible"),
        ("loner", "terminated", "not_visible", "not_visible"),
        ("signaller", "terminated", "not_visible", "not_visible"),
        ("monitor", "terminated", "not_permitted", "not_permitted"),
        ("twofold", "terminated", "terminated", "not_permitted"),
        ("nominal", "terminated", nominally, nominally),
    ] {
        let open = |user| cluster.connect(&[("user", user), ("application_name", "matrix")]).unwrap();
        let mut sessions =
            [(open("postgres"), superusers), (open("other"), others), (open(actor), own), (open(actor), own)];
        let outcome = kill(&cluster, &["--app", "matrix", "-U", actor]).run();
        let all_done = sessions.iter().all(|(_, result)| *result == "terminated");
        let outcome = outcome.fails_with(if all_done { 0 } else { 4 });
        for (session, result) in &mut sessions {
            let row = row(&outcome, session.pid);
            assert_eq!(row["result"], *result, "{actor}: {outcome}");
            assert_eq!(row["error"].is_null(), *result == "terminated", "{actor}: {outcome}");
            match *result {
                "terminated" => assert!(session.is_ended()),
                _ => drop(session.query("select 1")),
            }
        }
    }
    let hints = |actor| {
        let _target = cluster.connect(&[("user", "other"), ("application_name", "matrix")]).unwrap();
        Pgconn::new(&["kill", "--app", "matrix", "-U", actor]).on(&cluster).run().fails_with(1).stderr
    };
    assert!(hints("monitor").contains("hint: GRANT pg_signal_backend TO \"monitor\""));
    assert!(hints("signaller").contains("hint: GRANT pg_read_all_stats TO \"signaller\""));
    assert!(hints("plain").contains("hint: GRANT pg_read_all_stats, pg_signal_backend TO \"plain\""));
}

#[test]
fn a_refusal_that_only_the_server_knows_hides_nothing() {
    let cluster = with(&[]);
    let signature = if cluster.major() >= 14 { "int, int8" } else { "int" };
    cluster.query(&format!(
        "create role plain login; revoke execute on function pg_terminate_backend({signature}) from public"
    ));
    let mut session = cluster.connect(&[("user", "plain"), ("application_name", "revoked")]).unwrap();
    let mut second = cluster.connect(&[("user", "plain"), ("application_name", "revoked")]).unwrap();
    let outcome = kill(&cluster, &["--app", "revoked", "-U", "plain"]).run().fails_with(1);
    assert_eq!(pids(&outcome, "not_permitted").len(), 2);
    let error = row(&outcome, session.pid)["error"].as_str().unwrap().to_owned();
    assert_eq!(error, "permission denied for function pg_terminate_backend");
    session.query("select 1");
    second.query("select 1");
}

#[test]
fn undecidable_is_not_no_match() {
    let cluster = with(&[]);
    cluster.query("create role plain login");
    let mut hidden = cluster.connect(&app("undecided")).unwrap();
    let outcome = kill(&cluster, &["--state", "idle", "-U", "plain"]).run().fails_with(1);
    let document = outcome.json();
    assert_eq!((&document["matched"], &document["undecidable"]), (&json!(0), &json!(1)));
    assert_eq!(pids(&outcome, "not_visible"), [hidden.pid]);
    assert_eq!(document["warnings"][0]["code"], "undecidable_sessions");
    let narrowed = kill(&cluster, &["--state", "idle", "--role", "plain", "-U", "plain"]).run().success();
    assert_eq!(narrowed.json()["undecidable"], 0);
    hidden.query("select 1");
}

/// The same rights decide over a cancel, and over sessions that are named one by one.
#[test]
fn a_mixed_cancel_is_partly_done_and_tells_which_part() {
    let cluster = with(&[]);
    cluster.query(
        "create role web login; create role ops login; grant pg_signal_backend, pg_read_all_stats to ops",
    );
    let active = |user| cluster.active(&[("user", user), ("application_name", "mixed")]);
    let (mut own, mut others, superusers) = (active("ops"), active("web"), active("postgres"));
    let idle = cluster.connect(&[("user", "web"), ("application_name", "mixed")]).unwrap();
    let run =
        |arguments: &[&str]| Pgconn::new(&[&["cancel", "-U", "ops"], arguments].concat()).on(&cluster).run();
    let outcome = run(&["--app", "mixed", "--json"]).fails_with(4);
    let mut cancelled = [own.pid, others.pid];
    cancelled.sort_unstable();
    assert_eq!(pids(&outcome, "cancelled"), cancelled);
    assert_eq!(
        (pids(&outcome, "not_permitted"), pids(&outcome, "no_effect")),
        (vec![superusers.pid], vec![idle.pid])
    );
    let document = outcome.json();
    for (key, count) in [("matched", 4), ("succeeded", 2), ("failed", 1), ("skipped", 1)] {
        assert_eq!(document[key], count, "{key}: {outcome}");
    }
    assert_eq!(own.finish().unwrap_err().sqlstate, "57014");
    assert_eq!(others.finish().unwrap_err().sqlstate, "57014");
    cluster.wait_for_state(superusers.pid, "active");
    let outcome = run(&[&superusers.pid.to_string(), &own.pid.to_string(), "999999"]).fails_with(1);
    assert!(
        outcome.stdout.contains("not permitted: only a superuser may signal a superuser's session"),
        "{outcome}"
    );
    assert!(outcome.stdout.contains("gone: no session has this pid (pid 999999)"), "{outcome}");
    let outcome = Pgconn::new(&["kill", "-U", "ops", &superusers.pid.to_string(), &own.pid.to_string()])
        .on(&cluster)
        .run();
    assert!(outcome.fails_with(4).stdout.contains("1 terminated"));
}

/// Whoever may not see a session any more does not know that it is gone.
#[test]
fn what_is_hidden_since_the_signal_is_not_gone() {
    let cluster = with(&[]);
    cluster.query("create role web login; create role ops login; grant pg_signal_backend, pg_monitor to ops");
    for (command, verify, code) in [("kill", "2s", 1), ("kill", "1h", 0), ("cancel", "2s", 1)] {
        cluster.query("grant pg_monitor to ops");
        let mut victim = cluster.active(&[("user", "web"), ("application_name", "concealed")]);
        let stopped = Stopped::new(victim.pid);
        let line = [command, "-U", "ops", "--app", "concealed", "-v", "--verify", verify];
        let run = Pgconn::new(&line).on(&cluster).spawn();
        let signalled = format!("pid {}: signalled\n", victim.pid);
        wait_until("it is signalled", || run.stderr().contains(&signalled));
        cluster.query("revoke pg_monitor from ops");
        if verify == "1h" {
            // Once there is nobody of this process id at all, that can be seen.
            drop(stopped);
            assert!(victim.is_ended());
            let outcome = run.finish().success();
            assert!(outcome.stdout.ends_with("1 terminated\n"), "{outcome}");
            continue;
        }
        let outcome = run.finish().fails_with(code);
        assert!(outcome.stdout.contains("\n1 signalled, unknown\n"), "{outcome}");
        let why = format!(
            "signalled, unknown: who has its process id is hidden from this role since it was signalled, so it may still be \
             there (pid {})",
            victim.pid
        );
        assert!(outcome.stdout.contains(&why), "{outcome}");
    }
}
