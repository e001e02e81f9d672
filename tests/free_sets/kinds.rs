//! `blockers`: what may not, need not or cannot be ended as one would think, kind by kind.

use super::{blockers, carry_out, set_of};
use crate::common::{Cluster, Session, with};
use crate::kill::app;
use serde_json::{Value, json};

fn nobody_waits(cluster: &Cluster) {
    cluster.wait_until("not exists (select from pg_locks where not granted)");
}

#[test]
fn no_cancel_is_proposed_that_would_not_free() {
    let cluster = with(&[]);
    cluster.query("create table t (n int); create table other (n int)");
    let start = |sql: &str| {
        let mut session = cluster.connect(&app("root")).unwrap();
        session.send(sql);
        cluster.wait_until(&format!(
            "exists (select from pg_locks where pid = {} and granted and locktype in ('advisory', 'relation'))",
            session.pid
        ));
        session
    };
    // what runs, what waits for it, and what frees
    let cases = [
        // one statement, which is its transaction
        ("lock", "insert into t select 1 from pg_sleep(3600)", "begin; lock table t", "cancel"),
        // a cancel is only heard when the client sends more
        ("copy", "copy t from stdin", "begin; lock table t", "terminate"),
        // what is locked beyond the transaction stays
        ("key", "select pg_advisory_lock(1), pg_sleep(3600)", "select pg_advisory_lock(1)", "terminate"),
    ];
    for (name, runs, waits, action) in cases {
        let root = start(runs);
        let waiter = cluster.waiting(&app("waiter"), waits);
        let set = set_of(&blockers(&cluster, &[]), root.pid);
        assert_eq!((&set["action"], &set["permitted"]), (&json!(action), &json!(true)), "{name}: {set}");
        carry_out(&cluster, &set);
        nobody_waits(&cluster);
        drop((root, waiter));
        cluster.wait_until(
            "not exists (select from pg_stat_activity where application_name in ('root', 'waiter'))",
        );
    }
    // a savepoint keeps what was locked before it
    let mut root = cluster.idle_in_transaction(&app("root"), "lock table t");
    root.query("savepoint s");
    root.send("select pg_sleep(3600)");
    let _waiter = cluster.waiting(&app("waiter"), "select from t");
    assert_eq!(set_of(&blockers(&cluster, &[]), root.pid)["action"], "terminate");
}

#[test]
fn a_commit_that_waits_for_a_standby_is_left_alone() {
    let cluster = with(&[("synchronous_standby_names", "nobody"), ("synchronous_commit", "off")]);
    cluster.query("create table t (id int primary key, n int); insert into t values (1, 0)");
    let mut root = cluster.connect(&app("root")).unwrap();
    root.query("set synchronous_commit = on");
    root.send("update t set n = 1");
    cluster.wait_until(&format!(
        "exists (select from pg_stat_activity where pid = {} and wait_event = 'SyncRep')",
        root.pid
    ));
    let _waiter = cluster.waiting(&app("waiter"), "update t set n = 2");
    let set = set_of(&blockers(&cluster, &[]), root.pid);
    assert_eq!(set["permitted"], false);
    assert!(set["why_not"].as_str().unwrap().contains("synchronous_standby_names"), "{set}");
}

#[test]
fn an_autovacuum_gives_way_by_itself() {
    let cluster = with(&[
        ("autovacuum_naptime", "1s"),
        ("autovacuum_vacuum_cost_delay", "100ms"),
        ("autovacuum_vacuum_cost_limit", "1"),
        ("deadlock_timeout", "1h"),
    ]);
    cluster.query(
        "create table t (n int, filler text) with (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)",
    );
    cluster.query("insert into t select n, repeat('x', 500) from generate_series(1, 20000) n");
    cluster.query("delete from t");
    cluster.wait_until(
        "exists (select from pg_stat_activity a join pg_locks l using (pid) where a.backend_type = 'autovacuum worker' \
         and l.relation = 't'::regclass and l.mode = 'ShareUpdateExclusiveLock' and l.granted)",
    );
    let _waiter = cluster.waiting(&app("waiter"), "alter table t add m int");
    let document = blockers(&cluster, &[]);
    let worker = document["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["backend_type"] == "autovacuum worker");
    let worker =
        i32::try_from(worker.unwrap_or_else(|| panic!("{document:#}"))["pid"].as_i64().unwrap()).unwrap();
    let set = set_of(&document, worker);
    assert_eq!(set["permitted"], false);
    assert!(set["why_not"].as_str().unwrap().contains("deadlock_timeout"), "{set}");
}

#[test]
fn an_autovacuum_against_wraparound_is_to_finish() {
    let cluster = with(&[("autovacuum_naptime", "1s"), ("deadlock_timeout", "1h")]);
    cluster.query(
        "create table t (n int, filler text) with (autovacuum_freeze_max_age = 100000, \
         autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 1000000000, \
         autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)",
    );
    cluster.query("insert into t select n, repeat('x', 500) from generate_series(1, 20000) n");
    let mut session = cluster.session();
    session.query("set synchronous_commit = off");
    session.query("do $$ begin for i in 1..100100 loop perform txid_current(); commit; end loop; end $$");
    cluster.wait_until(
        "exists (select from pg_stat_activity a join pg_locks l using (pid) where a.query like '%to prevent wraparound%' \
         and a.backend_type = 'autovacuum worker' and l.relation = 't'::regclass and l.granted)",
    );
    let _waiter = cluster.waiting(&app("waiter"), "alter table t add m int");
    let document = blockers(&cluster, &[]);
    let rows = document["sessions"].as_array().unwrap();
    let worker = rows.iter().find(|row| row["backend_type"] == "autovacuum worker");
    let worker =
        i32::try_from(worker.unwrap_or_else(|| panic!("{document:#}"))["pid"].as_i64().unwrap()).unwrap();
    let set = set_of(&document, worker);
    assert_eq!(set["permitted"], false);
    assert!(set["why_not"].as_str().unwrap().contains("let it finish"), "{set}");
}

#[test]
fn replication_is_ended_by_whoever_replicates() {
    let publisher = with(&[("wal_level", "logical")]);
    let subscriber = with(&[("wal_level", "logical")]);
    for cluster in [&publisher, &subscriber] {
        cluster.query("create table first (n int primary key); create table second (n int primary key)");
    }
    publisher.query("create publication p for table first, second");
    let place = format!("host={} port={} user=postgres dbname=postgres", publisher.host(), publisher.port);
    subscriber.query(&format!("create subscription s connection '{place}' publication p"));
    subscriber.wait_until("(select bool_and(srsubstate = 'r') from pg_subscription_rel)");
    let holder = subscriber.idle_in_transaction(&app("holder"), "lock table second");
    let mut writer: Session = publisher.session();
    writer.query("begin");
    writer.query("insert into first values (1)");
    writer.query("insert into second values (1)");
    writer.query("commit");
    subscriber.wait_until("exists (select from pg_stat_activity where backend_type like 'logical replication%' and wait_event_type = 'Lock')");
    let _waiter = subscriber.waiting(&app("waiter"), "begin; lock table first");
    let document = blockers(&subscriber, &[]);
    let worker =
        document["sessions"].as_array().unwrap().iter().find(|row| {
            row["backend_type"].as_str().is_some_and(|kind| kind.starts_with("logical replication"))
        });
    let worker =
        i32::try_from(worker.unwrap_or_else(|| panic!("{document:#}"))["pid"].as_i64().unwrap()).unwrap();
    let set = set_of(&document, worker);
    assert_eq!(set["permitted"], false);
    assert!(set["why_not"].as_str().unwrap().contains("ALTER SUBSCRIPTION"), "{set}");
    // monitoring sees it wait, too
    let checked = crate::common::Pgconn::new(&["check", "blocked", "--json"]).on(&subscriber).run().json();
    assert_eq!(checked["waiting"], 2, "{checked:#}");
    assert_eq!(set_of(&document, holder.pid)["frees"], json!([worker]));
    // and who reads the changes, by its connection
    let mut walsender = publisher.connect(&[("replication", "database")]).unwrap();
    walsender.query("begin");
    walsender.query("lock table first in share mode");
    let _waiter = publisher.waiting(&app("waiter"), "insert into first values (2)");
    let set = set_of(&blockers(&publisher, &[]), walsender.pid);
    assert!(set["why_not"].as_str().unwrap().contains("its receiver"), "{set}");
    drop(holder);
    subscriber.query("alter subscription s disable");
    subscriber.query("alter subscription s set (slot_name = none)");
    subscriber.query("drop subscription s");
}

#[test]
fn what_is_waited_for_besides_locks_is_shown_with_who_holds_it_up() {
    let cluster = with(&[
        ("autovacuum", "off"),
        ("synchronous_standby_names", "nobody"),
        ("synchronous_commit", "off"),
    ]);
    cluster.query("create table t (n int); insert into t select generate_series(1, 100)");
    cluster.query("create database gone");
    cluster.query("create role plain login");
    let lasts = |event: &str| {
        cluster.wait_until(&format!(
            "exists (select from pg_stat_activity where '{event}' in (wait_event, wait_event_type) \
             and clock_timestamp() - query_start > interval '1.1 seconds')"
        ));
    };
    let of = |document: &Value, pid: i32| {
        let rows = document["sessions"].as_array().unwrap().iter();
        rows.clone().find(|row| row["pid"] == pid).unwrap_or_else(|| panic!("{document:#}")).clone()
    };
    let table = |told: &str| {
        let shown = crate::common::Pgconn::new(&["blockers"]).on(&cluster).run().success();
        assert!(shown.stdout.contains(told), "{shown}");
    };
    // a reader that wants to be safe waits for the serializable writers that are open
    let mut writer = cluster.connect(&app("writer")).unwrap();
    writer.query("begin isolation level serializable");
    writer.query("insert into t values (0)");
    let mut reader = cluster.connect(&app("reader")).unwrap();
    reader.send("begin isolation level serializable read only deferrable; select 1");
    lasts("SafeSnapshot");
    let document = blockers(&cluster, &[]);
    let seen = of(&document, reader.pid);
    assert_eq!((&seen["blocked_by"], &seen["wait_event"]), (&json!([writer.pid]), &json!("SafeSnapshot")));
    table("a safe snapshot");
    let set = set_of(&document, writer.pid);
    assert_eq!(set["frees"], json!([reader.pid]));
    carry_out(&cluster, &set);
    reader.finish().unwrap();
    drop((writer, reader));
    // a commit waits for a standby
    let mut commit = cluster.connect(&app("commit")).unwrap();
    commit.query("set synchronous_commit = on");
    commit.send("insert into t values (1)");
    lasts("SyncRep");
    let seen = of(&blockers(&cluster, &[]), commit.pid);
    assert_eq!(
        (&seen["blocked_by"], &seen["wait_event"], &seen["lock"]),
        (&json!([]), &json!("SyncRep"), &Value::Null)
    );
    table("a synchronous standby");
    // Who may not see that is not told that nobody waits.
    let plain = crate::common::Pgconn::new(&["blockers", "-U", "plain"]).on(&cluster).run().success();
    let told = "no session waits for a lock; 1 session is hidden, which may wait for something else\n";
    assert_eq!(plain.stdout, told, "{plain}");
    // The number stands in the answer; beside it, from whom that is hidden and what helps.
    assert!(plain.stderr.contains("whether others wait is hidden from role \"plain\""), "{plain}");
    assert!(plain.stderr.contains("GRANT pg_monitor"), "{plain}");
    let document = blockers(&cluster, &["-U", "plain"]);
    assert_eq!((&document["hidden"], &document["blocked_count"]), (&json!(1), &json!(0)));
    assert_eq!(blockers(&cluster, &[])["hidden"], 0);
    cluster.query(&format!("select pg_cancel_backend({})", commit.pid));
    let _ = commit.finish();
    // VACUUM wants a page to itself that a cursor stays on
    let mut cursor = cluster.connect(&app("cursor")).unwrap();
    cursor.query("begin");
    cursor.query("declare c cursor for select n from t");
    cursor.query("fetch 1 from c");
    let mut vacuum = cluster.connect(&app("vacuum")).unwrap();
    vacuum.send("vacuum (freeze) t");
    lasts("BufferPin");
    assert_eq!(of(&blockers(&cluster, &[]), vacuum.pid)["wait_event_type"], "BufferPin");
    table("a page that somebody reads");
    drop(cursor);
    vacuum.finish().unwrap();
    // DROP DATABASE waits until every backend has answered (15 and later)
    if cluster.major() >= 15 {
        let mut silent = cluster.connect(&app("silent")).unwrap();
        let stopped = crate::kill::Stopped::new(silent.pid);
        let mut drop_database = cluster.connect(&app("drop")).unwrap();
        drop_database.send("drop database gone");
        lasts("ProcSignalBarrier");
        assert_eq!(of(&blockers(&cluster, &[]), drop_database.pid)["wait_event"], "ProcSignalBarrier");
        table("every backend to answer");
        drop(stopped);
        drop_database.finish().unwrap();
        silent.query("select 1");
    }
}
