//! `kill`: what ending a session would release, worst first, and who is spared.

use super::{app, kill, pids, row};
use crate::common::{Outcome, Pgconn, shared, with};
use serde_json::{Value, json};

#[test]
fn a_dry_run_only_shows() {
    let cluster = shared();
    let mut session = cluster.connect(&app("kill-dry")).unwrap();
    let outcome = kill(cluster, &["--app", "kill-dry", "-n"]).run().success();
    assert_eq!(pids(&outcome, "would_terminate"), [session.pid]);
    assert_eq!(outcome.json()["dry_run"], true);
    let outcome = kill(cluster, &["--all", "-n"]).run().success();
    assert!(pids(&outcome, "would_terminate").contains(&session.pid));
    let outcome = Pgconn::new(&["cancel", "--app", "kill-dry", "--dry-run"]).on(cluster).run().success();
    assert!(outcome.stdout.contains("no effect: it runs nothing; kill ends the session"), "{outcome}");
    session.query("select 1");
}

#[test]
fn the_plan_shows_what_ending_a_session_releases_worst_first() {
    let cluster = with(&[]);
    cluster.query("create table t ()");
    let idle = cluster.connect(&app("plan")).unwrap();
    let reader = cluster.idle_in_transaction(&app("plan"), "select 1");
    let holder = cluster.idle_in_transaction(&app("plan"), "lock table t");
    let _first = cluster.waiting(&[], "begin; lock table t");
    let _second = cluster.waiting(&[], "select from t");
    let outcome = kill(&cluster, &["--app", "plan", "-n"]).run().success();
    let document = outcome.json();
    let results = document["results"].as_array().unwrap();
    let order: Vec<_> = results.iter().map(|row| row["pid"].as_i64().unwrap() as i32).collect();
    assert_eq!(order, [holder.pid, reader.pid, idle.pid]);
    assert_eq!(results[0]["sessions_waiting"], 2);
    assert_eq!(results[0]["locks_held"], 1);
    assert!(results[0]["xact_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(results[1]["sessions_waiting"], 0);
    assert_eq!((&results[2]["locks_held"], &results[2]["xact_seconds"]), (&json!(0), &Value::Null));
    assert_eq!(results[0]["permitted"], true);
}

#[test]
fn other_backends_and_other_pgconns_are_spared() {
    let cluster = with(&[]);
    let mut sender = cluster.walsender();
    let mut other = cluster.connect(&app("pgconn")).unwrap();
    let plain = cluster.connect(&[]).unwrap();
    let outcome = kill(&cluster, &["--role", "postgres"]).run().success();
    assert_eq!(pids(&outcome, "terminated"), [plain.pid]);
    assert_eq!(pids(&outcome, "protected"), [other.pid]);
    assert_eq!(outcome.json()["other_backends"], 1);
    let checkpointer: i32 = cluster
        .value("select pid from pg_stat_activity where backend_type = 'checkpointer'")
        .parse()
        .unwrap();
    let named = kill(&cluster, &[&sender.pid.to_string(), &checkpointer.to_string()]).run().success();
    let mut spared = [sender.pid, checkpointer];
    spared.sort_unstable();
    assert_eq!(pids(&named, "not_a_client"), spared);
    assert!(row(&named, sender.pid)["error"].as_str().unwrap().contains("--all-backends"), "{named}");
    let named =
        kill(&cluster, &[&sender.pid.to_string(), &other.pid.to_string(), "--all-backends"]).run().success();
    assert_eq!(pids(&named, "terminated").len(), 2, "{named}");
    assert_eq!(named.json()["other_backends"], 0, "{named}");
    assert!(sender.is_ended() && other.is_ended());
}

#[test]
fn a_parallel_worker_stands_for_its_leader() {
    let cluster = with(&[("max_parallel_workers_per_gather", "2"), ("min_parallel_table_scan_size", "0")]);
    cluster.query("create table t as select generate_series(1, 100) as n");
    cluster.query(
        "create function slow(n int) returns bool language sql parallel safe as 'select pg_sleep(n) is null'",
    );
    let mut leader = cluster.connect(&app("parallel")).unwrap();
    leader.query(
        "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set parallel_leader_participation = off",
    );
    leader.send("select count(*) from t where slow(3600)");
    // The table has one page, so that one worker gets all of it and the other one ends.
    let worker =
        "select pid from pg_stat_activity where backend_type = 'parallel worker' and wait_event = 'PgSleep'";
    cluster.wait_until(&format!("exists ({worker})"));
    let worker = cluster.value(worker);
    let outcome = Pgconn::new(&["cancel", "--json", &worker]).on(&cluster).run().success();
    assert_eq!(pids(&outcome, "cancelled"), [leader.pid]);
    assert_eq!(leader.finish().unwrap_err().sqlstate, "57014");
}

/// A worker that keeps the server from running out of transaction ids, for real: it is slow, and there is much to do.
#[test]
fn an_autovacuum_that_prevents_wraparound_is_only_ended_by_name_and_with_a_loud_warning() {
    // What must be done is done even where nothing else is.
    let cluster = with(&[
        ("autovacuum", "off"),
        ("autovacuum_freeze_max_age", "100000"),
        ("autovacuum_vacuum_cost_delay", "100ms"),
        ("autovacuum_vacuum_cost_limit", "1"),
    ]);
    let mut spender = cluster.session();
    spender.send("do $$ begin for i in 1..131200 loop perform txid_current(); commit; end loop; end $$");
    let worker = "select pid from pg_stat_activity where backend_type = 'autovacuum worker' \
                  and query like '%(to prevent wraparound)' limit 1";
    cluster.wait_until(&format!("exists ({worker})"));
    spender.finish().unwrap();
    let pid = cluster.value(worker);
    let spared = kill(&cluster, &[&pid]).run().success();
    assert_eq!((pids(&spared, "not_a_client").len(), &spared.json()["warnings"]), (1, &json!([])));
    let by_filter = kill(&cluster, &["--db", "*", "--yes"]).run().success();
    assert!(!by_filter.json()["results"].to_string().contains(&pid), "{by_filter}");
    // What is acted on is not spared, whether it goes on or starts again.
    let cancel = Pgconn::new(&["cancel", &pid, "--all-backends"]).on(&cluster).run();
    assert!(!cancel.stdout.contains("spared"), "{cancel}");
    cluster.wait_until(&format!("exists ({worker})"));
    let pid = cluster.value(worker);
    let planned = kill(&cluster, &[&pid, "--all-backends", "-n"]).run().success();
    assert_eq!(planned.json()["other_backends"], 0, "{planned}");
    assert_eq!(planned.json()["warnings"][0]["code"], "prevents_wraparound");
    for command in ["cancel", "kill"] {
        let outcome = Pgconn::new(&[command, &pid, "--all-backends", "-n"]).on(&cluster).run().success();
        assert!(
            outcome.stderr.starts_with(&format!("warning: DANGER: pid {pid} is an autovacuum")),
            "{outcome}"
        );
    }
    let outcome = Pgconn::new(&["kill", &pid, "--all-backends"]).on(&cluster).run().success();
    let (warning, plan) = outcome.stderr.split_once("PID ").unwrap();
    assert!(
        warning.contains("prevents transaction id wraparound") && plan.contains("would terminate"),
        "{outcome}"
    );
    assert!(outcome.stdout.ends_with("1 terminated\n"), "{outcome}");
}

/// Whether anybody is free is looked at, not thought.
#[test]
fn who_waited_is_counted_before_and_after() {
    let cluster = with(&[]);
    cluster.query("create table t (); create table u ()");
    let waiting = |outcome: &Outcome| {
        let document = outcome.json();
        (document["waiting_before"].clone(), document["waiting_after"].clone())
    };
    let holder = cluster.idle_in_transaction(&app("first"), "lock table t");
    let mut other = cluster.idle_in_transaction(&app("second"), "lock table u");
    let mut reader = cluster.waiting(&[], "select from t");
    // Behind the reader's lock there is another one.
    let both = cluster.waiting(&[], "begin; lock table t; lock table u");
    let dry = kill(&cluster, &["--app", "first", "-n"]).run().success();
    assert_eq!(waiting(&dry), (json!(2), Value::Null));
    let ended = Pgconn::new(&["kill", &holder.pid.to_string()]).on(&cluster).run().success();
    assert!(ended.stdout.contains("\nwaiting for a lock: 2 before, 1 now\n"), "{ended}");
    reader.finish().unwrap();
    let ended = kill(&cluster, &["--app", "second"]).run().success();
    assert_eq!(waiting(&ended), (json!(1), json!(0)));
    assert!(other.is_ended());
    drop(both);
    let nobody = kill(&cluster, &["--app", "first", "--settle", "0"]).run().success();
    assert_eq!(waiting(&nobody), (json!(0), json!(0)));
    // A query that is cancelled gives its locks back as well.
    let mut busy = cluster.connect(&app("busy")).unwrap();
    busy.send("lock table u; select pg_sleep(3600)");
    cluster.wait_until(&format!(
        "(select wait_event = 'PgSleep' from pg_stat_activity where pid = {})",
        busy.pid
    ));
    let _behind = cluster.waiting(&[], "select from u");
    let cancelled = Pgconn::new(&["cancel", "--app", "busy"]).on(&cluster).run().success();
    assert!(cancelled.stdout.contains("\nwaiting for a lock: 1 before, 0 now\n"), "{cancelled}");
    let _ = busy.finish().unwrap_err();
}

/// What a serializable transaction has read is watched after its commit, too, and keeps nobody waiting.
#[test]
fn locks_that_block_nobody_are_not_counted() {
    let cluster = with(&[]);
    cluster.query("create table t ()");
    let mut overlapping = cluster.connect(&app("serializable")).unwrap();
    let mut committed = cluster.connect(&app("serializable")).unwrap();
    for session in [&mut overlapping, &mut committed] {
        session.query("begin isolation level serializable; select from t");
    }
    committed.query("commit");
    let watched = "select count(*) from pg_locks where mode = 'SIReadLock' and pid = ";
    assert_eq!(cluster.value(&format!("{watched}{}", committed.pid)), "1");
    let outcome = kill(&cluster, &["--app", "serializable", "-n"]).run().success();
    assert_eq!(row(&outcome, committed.pid)["locks_held"], 0, "{outcome}");
    // The lock on the table, without the one that only watches.
    assert_eq!(row(&outcome, overlapping.pid)["locks_held"], 1, "{outcome}");
}
