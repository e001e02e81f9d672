//! Who waits is one judgement: `blockers`, `check`, `metrics` and the plan of `kill` say the same of the same moment, whatever kind of
//! process waits and for whatever.

use super::blockers;
use crate::common::{Cluster, Pgconn, Session, wait_until, with};
use crate::kill::app;
use crate::metrics::series;
use serde_json::{Value, json};

fn check(cluster: &Cluster, arguments: &[&str]) -> Value {
    let words = [&["check", "blocked", "--warning", "blocked=1ms", "--json"], arguments].concat();
    Pgconn::new(&words).on(cluster).run().json()
}

/// How many wait, as each of them counts them.
fn counts(cluster: &Cluster) -> [Value; 3] {
    let metrics = Pgconn::new(&["metrics"]).on(cluster).run().success();
    let counted = series(&metrics.stdout)["pgconn_sessions_waiting_for_lock"];
    [
        blockers(cluster, &[])["blocked_count"].clone(),
        check(cluster, &[])["waiting"].clone(),
        json!(counted.round() as i64),
    ]
}

#[test]
fn everybody_who_waits_is_counted_alike_everywhere() {
    let cluster = with(&[
        ("wal_level", "logical"),
        ("synchronous_standby_names", "nobody"),
        ("synchronous_commit", "off"),
        ("autovacuum", "off"),
    ]);
    cluster.query("create table t (n int); create table queue ()");
    assert_eq!(counts(&cluster), [json!(0), json!(0), json!(0)]);
    // a slot is made once every transaction that was open has ended
    let writer = cluster.idle_in_transaction(&app("writer"), "insert into t values (1)");
    let mut slot = cluster.connect(&[("replication", "database"), ("application_name", "slot")]).unwrap();
    slot.send("CREATE_REPLICATION_SLOT made TEMPORARY LOGICAL pgoutput");
    cluster.wait_for_lock_wait(slot.pid);
    let mut message = String::new();
    wait_until("the wait is over a millisecond", || {
        let document = check(&cluster, &[]);
        message = document["checks"][0]["message"].as_str().unwrap().to_owned();
        document["status"] == "warning"
    });
    assert!(message.starts_with("1 session waits for a lock for "), "{message}");
    assert!(message.contains(&format!("behind pid {} (writer, ", writer.pid)), "{message}");
    // a queue for a table
    let holder = cluster.idle_in_transaction(&app("holder"), "lock table queue");
    let queue: Vec<Session> =
        (0..2).map(|_| cluster.waiting(&app("queue"), "begin; lock table queue")).collect();
    // a commit that waits for a standby, and who waits for what it has changed
    let mut commit = cluster.connect(&app("commit")).unwrap();
    commit.query("set synchronous_commit = on");
    commit.send("insert into t values (1)");
    cluster.wait_until(
        "exists (select from pg_stat_activity where wait_event = 'SyncRep' \
         and clock_timestamp() - query_start > interval '1.1 seconds')",
    );
    assert_eq!(counts(&cluster), [json!(4), json!(4), json!(4)]);
    let document = blockers(&cluster, &[]);
    let metrics = Pgconn::new(&["metrics"]).on(&cluster).run().success();
    let heads = document["roots"].as_array().unwrap();
    assert_eq!(heads.len(), 2, "{document:#}");
    assert_eq!(series(&metrics.stdout)["pgconn_sessions_blocking"], 2.0);
    // what a plan says of each root is what blockers say
    for (name, pid) in [("writer", writer.pid), ("holder", holder.pid)] {
        let plan = Pgconn::new(&["kill", "--json", "-n", "--app", name]).on(&cluster).run().success().json();
        let row = document["sessions"].as_array().unwrap().iter().find(|row| row["pid"] == pid).unwrap();
        assert_eq!(plan["results"][0]["sessions_waiting"], row["blocks_total"], "{name}");
    }
    // filters select among all of them
    let by_app = check(&cluster, &["--app", "commit"]);
    let message = by_app["checks"][0]["message"].as_str().unwrap();
    assert_eq!(by_app["waiting"], 1);
    assert!(message.starts_with("1 session waits for a synchronous standby for at most "), "{message}");
    // Since when nobody knows: it is not judged as if its statement had waited from its start.
    let found = &by_app["checks"][0];
    assert_eq!((&found["status"], &found["value"]), (&json!("unknown"), &Value::Null), "{found}");
    assert_eq!(found["hint"], "pgconn blockers");
    let longer = Pgconn::new(&["check", "blocked", "--app", "commit", "--json"]);
    assert_eq!(longer.on(&cluster).run().success().json()["checks"][0]["status"], "ok");
    cluster.query(&format!("select pg_cancel_backend({})", commit.pid));
    let _ = commit.finish();
    drop((holder, queue));
    cluster.wait_until(
        "not exists (select from pg_stat_activity where application_name in ('holder', 'queue'))",
    );
    // whoever ends the writer sees that who waited for it goes on
    let ended = Pgconn::new(&["kill", "--json", "--app", "writer"]).on(&cluster).run().success().json();
    assert_eq!((&ended["waiting_before"], &ended["waiting_after"]), (&json!(1), &json!(0)));
    slot.finish().unwrap();
}
