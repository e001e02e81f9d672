//! `blockers --all-waits`: more who wait than the server is asked about, with holders and queues of which it was not.

use super::{blockers, carry_out, pids, set_of};
use crate::common::{Session, with};
use crate::kill::app;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A long queue, and behind it in time two short ones.
const LONG: usize = 215;

#[test]
fn whoever_holds_up_only_the_youngest_is_known_and_no_proposal_frees_nobody() {
    let cluster = with(&[("max_connections", "260"), ("deadlock_timeout", "1h")]);
    cluster.query("create table long (); create table upgraded ()");
    let _root = cluster.idle_in_transaction(&app("root"), "lock table long in exclusive mode");
    let mut readers: Vec<Session> =
        (0..2).map(|_| cluster.idle_in_transaction(&app("reader"), "select from long")).collect();
    // Who reads already goes in front of who wants it alone: the queue is not in the order of coming.
    let queue: Vec<Session> = (0..LONG)
        .map(|at| match at {
            150 => cluster.waiting(&app("alone"), "begin; lock table long"),
            180 | 200 => {
                let mut reader = readers.pop().unwrap();
                reader.send("lock table long in exclusive mode");
                cluster.wait_for_lock_wait(reader.pid);
                reader
            }
            _ => cluster.waiting(&app("queue"), "begin; lock table long in exclusive mode"),
        })
        .collect();
    let key = cluster.idle_in_transaction(&app("key"), "select pg_advisory_lock(7)");
    let keyed: Vec<Session> =
        (0..2).map(|_| cluster.waiting(&app("keyed"), "select pg_advisory_lock(7)")).collect();
    let writer = cluster.idle_in_transaction(&app("writer"), "lock table upgraded in row exclusive mode");
    let mut upgrading =
        cluster.idle_in_transaction(&app("upgrading"), "lock table upgraded in row exclusive mode");
    let index = cluster.waiting(&app("index"), "begin; lock table upgraded in share mode");
    upgrading.send("lock table upgraded in share row exclusive mode");
    cluster.wait_for_lock_wait(upgrading.pid);
    let mut serializable = cluster.connect(&app("serializable")).unwrap();
    serializable.query("begin isolation level serializable");
    serializable.query("select pg_current_xact_id()");
    let mut deferrable = cluster.connect(&app("deferrable")).unwrap();
    deferrable.send("begin isolation level serializable read only deferrable; select 1");
    cluster.wait_until(
        "exists (select from pg_stat_activity where wait_event = 'SafeSnapshot' \
         and clock_timestamp() - query_start > interval '1.1 seconds')",
    );
    let document = blockers(&cluster, &["--all-waits"]);
    assert_eq!(document["blocked_count"], LONG + keyed.len() + 3);
    let mut watcher = cluster.session();
    for session in document["sessions"].as_array().unwrap() {
        let function = match session["wait_event"].as_str() {
            Some("SafeSnapshot") => "pg_safe_snapshot_blocking_pids",
            _ => "pg_blocking_pids",
        };
        let of_server = watcher.query(&format!("select unnest({function}({}))", session["pid"]));
        let of_server: BTreeSet<i32> =
            of_server.iter().map(|row| row[0].as_deref().unwrap().parse().unwrap()).collect();
        assert_eq!(pids(&session["blocked_by"]), of_server, "{session}");
        assert_eq!(session["hidden"], false, "{session}");
        assert!(session["session_id"].is_string(), "{session}");
    }
    let roots = pids(&document["roots"]);
    assert!(roots.contains(&key.pid) && roots.contains(&writer.pid), "{roots:?}");
    let holds =
        json!([{ "type": "advisory", "mode": "ExclusiveLock", "relation": null, "key": "7", "level": null }]);
    let of = |pid: i32| {
        let rows: &Vec<Value> = document["sessions"].as_array().unwrap();
        rows.iter().find(|row| row["pid"] == pid).unwrap()
    };
    assert_eq!(of(key.pid)["holds"], holds);
    // who would be freed is who waits for nobody else, as the server has it
    let sets = document["free_sets"].as_array().unwrap();
    for set in sets {
        for freed in pids(&set["frees"]) {
            assert!(pids(&of(freed)["blocked_by"]).is_subset(&pids(&set["pids"])), "{set}");
        }
        assert_ne!(set["frees"], json!([]), "{set}");
    }
    assert_eq!(set_of(&document, writer.pid)["frees"], json!([upgrading.pid]));
    assert_eq!(set_of(&document, serializable.pid)["frees"], json!([deferrable.pid]));
    let set = set_of(&document, key.pid);
    assert_eq!(set["frees"], json!([keyed[0].pid]));
    carry_out(&cluster, &set);
    cluster.wait_until(&format!("cardinality(pg_blocking_pids({})) = 0", keyed[0].pid));
    drop((queue, index));
}
