//! `blockers`: who waits for several, of whom the server names one at a time, and who is several processes in one.

use super::{blockers, carry_out, set_of};
use crate::common::{Cluster, Pgconn, Session, with};
use crate::kill::app;
use serde_json::{Value, json};

fn row(document: &Value, pid: i32) -> Value {
    let rows = document["sessions"].as_array().unwrap();
    rows.iter().find(|row| row["pid"] == pid).unwrap_or_else(|| panic!("{pid}: {document:#}")).clone()
}

fn shown(cluster: &Cluster) -> String {
    Pgconn::new(&["blockers"]).on(cluster).run().success().stdout
}

#[test]
fn an_index_that_is_built_beside_writers_waits_for_one_after_the_other() {
    let cluster = with(&[("autovacuum", "off")]);
    cluster.query("create table t (n int); create table other (n int)");
    let mut writers: Vec<Session> =
        (0..2).map(|_| cluster.idle_in_transaction(&app("writer"), "insert into t values (1)")).collect();
    for writer in &mut writers {
        writer.query("select pg_advisory_lock(pg_backend_pid())");
    }
    let _elsewhere = cluster.idle_in_transaction(&app("elsewhere"), "insert into other values (1)");
    let _reader = cluster.idle_in_transaction(&app("reader"), "select from t");
    let index = cluster.waiting(&app("index"), "create index concurrently on t (n)");
    let document = blockers(&cluster, &[]);
    let seen = row(&document, index.pid);
    let first = i32::try_from(seen["blocked_by"][0].as_i64().unwrap()).unwrap();
    let other = writers.iter().map(|writer| writer.pid).find(|pid| *pid != first).unwrap();
    assert_eq!(seen["blocked_by"], json!([first]));
    assert_eq!((&seen["others_may_follow"], &seen["waits_next"]), (&json!(true), &json!([other])), "{seen}");
    // The end of the first alone does not free it: it goes on to wait for the other.
    let mut both = [first, other];
    both.sort_unstable();
    let of_index = |set: &&Value| set["frees"].as_array().unwrap().contains(&json!(index.pid));
    let sets: Vec<&Value> = document["free_sets"].as_array().unwrap().iter().filter(of_index).collect();
    assert_eq!(sets.len(), 1, "{document:#}");
    assert_eq!((&sets[0]["pids"], &sets[0]["others_may_follow"]), (&json!(both), &json!(true)));
    assert_eq!(sets[0]["sessions"].as_array().unwrap().len(), 2, "{document:#}");
    let said = format!(
        "to free 1 session, end {}, {} ({} waits for {other} next; then others may follow): pgconn kill ",
        both[0], both[1], index.pid
    );
    assert!(shown(&cluster).contains(&said), "{}", shown(&cluster));
    // Where it frees somebody else, it is said what becomes of the index.
    let behind = cluster.waiting(&app("behind"), &format!("select pg_advisory_lock({first})"));
    let document = blockers(&cluster, &[]);
    let set = set_of(&document, first);
    assert_eq!(set["frees"], json!([behind.pid]), "{document:#}");
    let said =
        format!("to free 1 session, end {first} ({} goes on to wait for {other}): pgconn kill ", index.pid);
    assert!(shown(&cluster).contains(&said), "{}", shown(&cluster));
    carry_out(&cluster, &set);
    cluster.wait_until(&format!("pg_blocking_pids({}) = array[{other}]", index.pid));
    let seen = row(&blockers(&cluster, &[]), index.pid);
    assert_eq!((&seen["others_may_follow"], &seen["waits_next"]), (&json!(true), &json!([])));
    let said = format!("to free 1 session, end {other} (then others may follow): pgconn kill ");
    assert!(shown(&cluster).contains(&said), "{}", shown(&cluster));
}

#[test]
fn a_row_that_several_share_is_waited_for_one_after_the_other() {
    let cluster = with(&[("autovacuum", "off")]);
    cluster.query("create table t (id int primary key, n int); insert into t values (1, 0), (2, 0)");
    let alone = cluster.idle_in_transaction(&app("alone"), "update t set n = 1 where id = 2");
    let waits_for_one = cluster.waiting(&app("waiter"), "update t set n = 2 where id = 2");
    let queues = cluster.waiting(&app("waiter"), "update t set n = 3 where id = 2");
    let document = blockers(&cluster, &[]);
    assert_eq!(row(&document, waits_for_one.pid)["others_may_follow"], false, "{document:#}");
    assert_eq!(row(&document, queues.pid)["others_may_follow"], false);
    assert_eq!(set_of(&document, alone.pid)["others_may_follow"], false);
    let readers: Vec<Session> = (0..2)
        .map(|_| cluster.idle_in_transaction(&app("reader"), "select from t where id = 1 for share"))
        .collect();
    let waiter = cluster.waiting(&app("waiter"), "update t set n = 2 where id = 1");
    let document = blockers(&cluster, &[]);
    let seen = row(&document, waiter.pid);
    let first = i32::try_from(seen["blocked_by"][0].as_i64().unwrap()).unwrap();
    assert_eq!(seen["others_may_follow"], true, "{seen}");
    assert!(shown(&cluster).contains("then others may follow"), "{}", shown(&cluster));
    carry_out(&cluster, &set_of(&document, first));
    let other = readers.iter().map(|reader| reader.pid).find(|pid| *pid != first).unwrap();
    cluster.wait_until(&format!("pg_blocking_pids({}) = array[{other}]", waiter.pid));
}

#[test]
fn a_slot_that_is_made_lets_one_transaction_end_after_the_other() {
    let cluster = with(&[("wal_level", "logical"), ("autovacuum", "off")]);
    cluster.query("create table t (n int)");
    let writer = cluster.idle_in_transaction(&app("writer"), "insert into t values (1)");
    let mut slot = cluster.connect(&[("replication", "database"), ("application_name", "slot")]).unwrap();
    slot.send("CREATE_REPLICATION_SLOT made TEMPORARY LOGICAL pgoutput");
    cluster.wait_for_lock_wait(slot.pid);
    let document = blockers(&cluster, &[]);
    let seen = row(&document, slot.pid);
    assert_eq!((&seen["backend_type"], &seen["blocked_by"]), (&json!("walsender"), &json!([writer.pid])));
    let set = set_of(&document, writer.pid);
    assert_eq!((&set["frees"], &set["others_may_follow"]), (&json!([slot.pid]), &json!(true)));
    carry_out(&cluster, &set);
    slot.finish().unwrap();
}

#[test]
fn what_a_parallel_worker_holds_is_its_leaders() {
    let cluster = with(&[
        ("autovacuum", "off"),
        ("parallel_setup_cost", "0"),
        ("parallel_tuple_cost", "0"),
        ("min_parallel_table_scan_size", "0"),
        ("parallel_leader_participation", "off"),
    ]);
    cluster.query("create table big (n int) with (parallel_workers = 2); create table seen (n int)");
    cluster.query("insert into big select generate_series(1, 10000); analyze big");
    cluster.query(
        "create function slow(n int) returns int language plpgsql parallel safe as \
         'begin perform from seen; perform pg_sleep(3600); return n; end'",
    );
    let mut leader = cluster.connect(&app("leader")).unwrap();
    leader.send("select count(slow(n)) from big");
    cluster.wait_until(
        "exists (select from pg_locks l join pg_stat_activity a using (pid) \
         where a.backend_type = 'parallel worker' and l.relation = 'seen'::regclass and a.wait_event = 'PgSleep')",
    );
    let waiter = cluster.waiting(&app("waiter"), "alter table seen add m int");
    let document = blockers(&cluster, &[]);
    assert_eq!(row(&document, waiter.pid)["blocked_by"], json!([leader.pid]));
    let holds = json!([{ "type": "relation", "mode": "AccessShareLock", "relation": "public.seen", "key": null, "level": null }]);
    assert_eq!(row(&document, leader.pid)["holds"], holds, "{document:#}");
    let set = set_of(&document, leader.pid);
    assert_eq!((&set["frees"], &set["action"]), (&json!([waiter.pid]), &json!("cancel")));
    carry_out(&cluster, &set);
    cluster.wait_until("not exists (select from pg_locks where not granted)");
}

#[test]
fn a_query_whose_parallel_workers_wait_is_one_that_waits() {
    let cluster = with(&[
        ("autovacuum", "off"),
        ("max_prepared_transactions", "1"),
        ("parallel_setup_cost", "0"),
        ("parallel_tuple_cost", "0"),
        ("min_parallel_table_scan_size", "0"),
        ("parallel_leader_participation", "off"),
    ]);
    cluster.query("create table big (n int) with (parallel_workers = 2); create table seen (n int)");
    cluster.query("insert into big select generate_series(1, 10000); analyze big");
    cluster.query(
        "create function look(n int) returns int language plpgsql parallel safe as \
         'begin perform from seen; return n; end'",
    );
    let root = cluster.idle_in_transaction(&app("root"), "lock table seen");
    let mut leader = cluster.connect(&app("leader")).unwrap();
    let both_wait = "(select count(*) = 2 from pg_locks l join pg_stat_activity a using (pid) \
                      where a.backend_type = 'parallel worker' and not l.granted)";
    leader.send("select count(look(n)) from big");
    cluster.wait_until(both_wait);
    let document = blockers(&cluster, &[]);
    assert_eq!(
        (&document["blocked_count"], document["sessions"].as_array().unwrap().len()),
        (&json!(1), 2),
        "{document:#}"
    );
    let seen = row(&document, leader.pid);
    assert_eq!((&seen["blocked_by"], &seen["lock"]["relation"]), (&json!([root.pid]), &json!("public.seen")));
    assert_eq!((&seen["wait_event_type"], &seen["wait_event"]), (&json!("Lock"), &json!("relation")));
    assert_eq!(seen["wait_at_most"], cluster.major() < 14);
    assert_eq!(row(&document, root.pid)["blocks_total"], 1);
    assert_eq!(set_of(&document, root.pid)["frees"], json!([leader.pid]));
    let checked = Pgconn::new(&["check", "blocked", "--json", "--app", "leader"]).on(&cluster).run().json();
    assert_eq!(checked["waiting"], 1, "{checked:#}");
    let ended = Pgconn::new(&["kill", "--json", "--app", "root"]).on(&cluster).run().success().json();
    assert_eq!((&ended["waiting_before"], &ended["waiting_after"]), (&json!(1), &json!(0)));
    leader.finish().unwrap();
    let mut preparing = cluster.session();
    for sql in ["begin", "lock table seen", "prepare transaction 'it'"] {
        preparing.query(sql);
    }
    leader.send("select count(look(n)) from big");
    cluster.wait_until(both_wait);
    let prepared = blockers(&cluster, &[])["prepared"][0].clone();
    assert_eq!((&prepared["gid"], &prepared["waiting_pids"]), (&json!("it"), &json!([leader.pid])));
    cluster.query("rollback prepared 'it'");
    leader.finish().unwrap();
}
