//! `kill` and `cancel`: what is left behind is in the plan, and is so.

use super::{app, kill, row};
use crate::common::{Cluster, Pgconn, Session, with};
use serde_json::Value;

/// What the plan of `command` says is left behind by the session.
fn leaves(cluster: &Cluster, command: &str, pid: i32) -> Value {
    let line = [command, &pid.to_string(), "--all-backends", "--json", "-n"];
    row(&Pgconn::new(&line).on(cluster).run().success(), pid)["leaves_behind"].clone()
}

/// A session that is at `sql` as soon as it is seen by `view` (what there is to be true of the session `p.pid`).
fn at(cluster: &Cluster, sql: &str, view: &str) -> Session {
    let mut session = cluster.connect(&app("unfinished")).unwrap();
    session.query("set vacuum_cost_delay = '100ms'; set vacuum_cost_limit = 1");
    session.send(sql);
    cluster.wait_until(&format!("exists (select from {view} p where p.pid = {})", session.pid));
    session
}

#[test]
fn an_index_that_would_be_left_behind_is_named() {
    let cluster = with(&[]);
    cluster.query("create table \"T\" (n int); create index kept on \"T\" (n)");
    let mut writer = cluster.idle_in_transaction(&[], "insert into \"T\" values (1)");
    let waiting = "(select * from pg_stat_progress_create_index where phase ~ 'waiting for writers' and index_relid <> 0)";
    let create = at(&cluster, "create index concurrently \"My index\" on \"T\" (n)", waiting);
    let said = "leaves the invalid index public.\"My index\" behind, which has to be dropped before it is created again";
    assert_eq!(
        (leaves(&cluster, "kill", create.pid), leaves(&cluster, "cancel", create.pid)),
        (said.into(), said.into())
    );
    // In the plan, and in the result; and it is so.
    let outcome = Pgconn::new(&["kill", &create.pid.to_string()]).on(&cluster).run().success();
    let both = [("would terminate", &outcome.stderr), ("terminated", &outcome.stdout)];
    for (result, text) in both {
        assert!(text.contains(&format!("\n{result}: {said} (pid {})\n", create.pid)), "{outcome}");
    }
    let valid = "select indisvalid from pg_index where indexrelid = 'public.\"My index\"'::regclass";
    assert_eq!(cluster.value(valid), "f");
    // Another database does not know the name.
    let line = ["-d", "template1", "kill", "--app", "unfinished", "-n", "--json"];
    let rebuild = at(&cluster, "reindex index concurrently kept", waiting);
    let elsewhere =
        row(&Pgconn::new(&line).on(&cluster).run().success(), rebuild.pid)["leaves_behind"].clone();
    let tail = "which has to be dropped (its name ends in _ccnew or _ccold); the index itself stays as it is";
    assert_eq!(elsewhere, format!("can leave an invalid index behind, {tail}"));
    let said = format!("leaves the invalid index public.kept_ccnew behind, {tail}");
    assert_eq!(leaves(&cluster, "kill", rebuild.pid), said);
    let cancelled = Pgconn::new(&["cancel", "--json", &rebuild.pid.to_string()]).on(&cluster).run().success();
    assert_eq!(row(&cancelled, rebuild.pid)["leaves_behind"], said);
    assert_eq!(
        cluster.value("select indisvalid from pg_index where indexrelid = 'kept_ccnew'::regclass"),
        "f"
    );
    drop(rebuild);
    let drop_one = at(
        &cluster,
        "/* gone */ drop index  concurrently kept",
        "(select pid from pg_locks where not granted)",
    );
    let said = "can leave the index behind, invalid, until it is dropped again";
    assert_eq!(leaves(&cluster, "kill", drop_one.pid), said);
    if cluster.major() >= 14 {
        cluster.query("create table parts (n int) partition by list (n); create table part partition of parts for values in (1)");
        writer.query("insert into parts values (1)");
        let detach = at(
            &cluster,
            "alter table parts\n detach partition part concurrently",
            "(select pid from pg_locks where not granted)",
        );
        let said = "can leave the partition half detached, until ALTER TABLE … DETACH PARTITION … FINALIZE";
        assert_eq!(leaves(&cluster, "cancel", detach.pid), said);
    }
    // Who waits for nothing of that kind leaves nothing.
    assert_eq!(leaves(&cluster, "kill", writer.pid), Value::Null);
    writer.query("rollback");
}

#[test]
fn work_that_starts_over_or_is_of_no_use_is_said() {
    let cluster = with(&[("autovacuum", "off")]);
    cluster.query(
        "create table t as select generate_series(1, 10000) as n; \
         create function slow(int) returns int language plpgsql immutable as \
           $$ begin if current_setting('app.fast', true) is null then perform pg_sleep(1); end if; return $1; end $$",
    );
    let mut fast = cluster.session();
    fast.query("set app.fast = 'on'");
    fast.query("create index slowly on t (slow(n))");
    let building = "pg_stat_progress_create_index";
    for (sql, view, said) in [
        (
            "vacuum t",
            "pg_stat_progress_vacuum",
            "its work on public.t is not finished, and has to be started over",
        ),
        ("create index on t (slow(n))", building, "the index is not there, and building it starts over"),
        ("reindex index slowly", building, "the index stays as it was, and rebuilding it starts over"),
        (
            "vacuum full t",
            "pg_stat_progress_cluster",
            "public.t stays as it was, and rewriting it starts over",
        ),
    ] {
        let session = at(&cluster, sql, view);
        assert_eq!(leaves(&cluster, "kill", session.pid), said, "{sql}");
        assert_eq!(leaves(&cluster, "cancel", session.pid), said, "{sql}");
        kill(&cluster, &[&session.pid.to_string(), "--settle", "0"]).run().success();
    }
    cluster.query("create database full_of_life");
    let inside = cluster.connect(&[("database", "full_of_life")]).unwrap();
    let dropping = at(
        &cluster,
        "drop database full_of_life",
        "(select pid from pg_stat_activity where state = 'active')",
    );
    let said = "can leave the database behind, invalid, so that only DROP DATABASE can be done with it";
    assert_eq!(leaves(&cluster, "kill", dropping.pid), said);
    drop((dropping, inside));
    let mut backup = cluster.connect(&[("replication", "true")]).unwrap();
    backup.send(if cluster.major() >= 15 {
        "BASE_BACKUP (CHECKPOINT 'fast', MAX_RATE 32)"
    } else {
        "BASE_BACKUP FAST MAX_RATE 32"
    });
    cluster.wait_until("exists (select from pg_stat_replication where state = 'backup')");
    assert_eq!(
        leaves(&cluster, "kill", backup.pid),
        "the copy that it sends stays incomplete and is of no use"
    );
    backup.vanish();
    // A cancel ends no session, nor what is the session's.
    let mut holder = cluster.connect(&app("holder")).unwrap();
    holder.query("select pg_advisory_lock(7)");
    holder.send("select pg_sleep(3600)");
    cluster.wait_for_state(holder.pid, "active");
    let said = "its advisory lock, if it was taken for the session, stays until that ends; kill ends it";
    assert_eq!(
        (leaves(&cluster, "cancel", holder.pid), leaves(&cluster, "kill", holder.pid)),
        (said.into(), Value::Null)
    );
}
