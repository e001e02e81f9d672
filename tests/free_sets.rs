//! `blockers`: what it proposes frees whom it says, on a real server.

mod kinds;
mod many;
mod monitoring;
mod one_at_a_time;

use super::common::{Cluster, Outcome, Pgconn, Session, wait_until, with};
use super::kill::app;
use super::kill::model::Dice;
use super::prepared::{MODES, blockers};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn pids(value: &Value) -> BTreeSet<i32> {
    value.as_array().unwrap().iter().map(|pid| i32::try_from(pid.as_i64().unwrap()).unwrap()).collect()
}

/// The set whose only member is this session.
fn set_of(document: &Value, pid: i32) -> Value {
    let sets = document["free_sets"].as_array().unwrap();
    sets.iter()
        .find(|set| set["pids"] == json!([pid]))
        .unwrap_or_else(|| panic!("{pid}: {document:#}"))
        .clone()
}

/// Does what a free set proposes.
fn carry_out(cluster: &Cluster, set: &Value) -> Outcome {
    let command = if set["action"] == "cancel" { "cancel" } else { "kill" };
    let sessions = set["sessions"].as_array().unwrap().iter().map(|id| id.as_str().unwrap());
    let words: Vec<&str> = [command, "--json"].into_iter().chain(sessions).collect();
    Pgconn::new(&words).on(cluster).run().success()
}

#[test]
fn two_readers_before_one_change_of_the_table_are_one_set() {
    let cluster = with(&[]);
    cluster.query("create table orders ()");
    let readers: Vec<Session> =
        (0..2).map(|_| cluster.idle_in_transaction(&app("reader"), "select from orders")).collect();
    let waiter = cluster.waiting(&app("alter"), "alter table orders add n int");
    let document = blockers(&cluster, &[]);
    let both: BTreeSet<i32> = readers.iter().map(|reader| reader.pid).collect();
    let sets = document["free_sets"].as_array().unwrap();
    assert_eq!(sets.len(), 1, "{document:#}");
    assert_eq!((pids(&sets[0]["pids"]), pids(&sets[0]["frees"])), (both, BTreeSet::from([waiter.pid])));
    assert_eq!((&sets[0]["action"], &sets[0]["permitted"]), (&json!("terminate"), &json!(true)));
    let table = Pgconn::new(&["blockers"]).on(&cluster).run().success();
    let ids: Vec<&str> =
        sets[0]["sessions"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let ends = sets[0]["pids"].as_array().unwrap();
    let told = format!("to free 1 session, end {}, {}: pgconn kill {}\n", ends[0], ends[1], ids.join(" "));
    assert!(table.stdout.contains(&told), "{table}");
    carry_out(&cluster, &sets[0]);
    cluster
        .wait_until(&format!("not exists (select from pg_locks where not granted and pid = {})", waiter.pid));
}

#[test]
fn who_waits_in_front_of_many_is_cancelled_and_not_who_is_read_from() {
    let cluster = with(&[]);
    cluster.query("create table orders ()");
    let reader = cluster.idle_in_transaction(&app("reader"), "select from orders");
    let mut change = cluster.waiting(&app("alter"), "alter table orders add n int");
    let queue: Vec<Session> = (0..4).map(|_| cluster.waiting(&app("behind"), "select from orders")).collect();
    let document = blockers(&cluster, &[]);
    let first = &document["free_sets"][0];
    assert_eq!((&first["pids"], &first["action"]), (&json!([change.pid]), &json!("cancel")), "{document:#}");
    assert_eq!(pids(&first["frees"]), queue.iter().map(|session| session.pid).collect());
    let second = &document["free_sets"][1];
    assert_eq!((&second["pids"], &second["frees"]), (&json!([reader.pid]), &json!([change.pid])));
    assert_eq!((&second["then"], &second["then_blocks"]), (&json!(change.pid), &json!(4)));
    carry_out(&cluster, first);
    assert_eq!(change.finish().unwrap_err().sqlstate, "57014");
    cluster.wait_until("not exists (select from pg_locks where not granted)");
}

#[test]
fn what_may_not_be_done_is_not_proposed() {
    let cluster = with(&[]);
    cluster.query("create role plain login; grant pg_read_all_stats, pg_signal_backend to plain");
    cluster.query("create table orders ()");
    let root = cluster.idle_in_transaction(&app("root"), "lock table orders");
    let _waiter = cluster.waiting(&app("waiter"), "select from orders");
    let outcome = Pgconn::new(&["blockers", "-U", "plain"]).on(&cluster).run().success();
    let why =
        format!("1 session waits for {}: a superuser's session, which only a superuser can end\n", root.pid);
    assert!(outcome.stdout.contains(&why) && !outcome.stdout.contains("pgconn kill"), "{outcome}");
    let set = blockers(&cluster, &["-U", "plain"])["free_sets"][0].clone();
    assert_eq!((&set["permitted"], &set["pids"]), (&json!(false), &json!([root.pid])));
    assert!(set["why_not"].as_str().unwrap().contains("only a superuser"), "{set}");
}

/// A statement that takes one more lock; with one in five it is two parallel workers who take it, for a moment or to stay.
fn statement(dice: &mut Dice) -> String {
    if dice.roll(5) == 0 {
        let (table, seconds) = (dice.pick(&["a", "b", "rows"]), dice.pick(&["0", "3600", "3600"]));
        return format!("select count(look_at_{table}(n, {seconds})) from big");
    }
    match dice.roll(4) {
        0 => format!("update rows set n = n where id = {}", dice.roll(3)),
        1 => format!("select pg_advisory_xact_lock({})", dice.roll(2)),
        2 => format!("select pg_advisory_xact_lock_shared({})", dice.roll(2)),
        _ => format!("lock table {} in {} mode", dice.pick(&["a", "b", "rows"]), dice.pick(&MODES)),
    }
}

/// What each session waits for, by pid: the lock, as the server shows it. Who queues for a row waits for the row, and whose workers
/// wait does. And the transaction that is waited for, where an index is built beside others: it may go on to the next one.
fn waits(watcher: &mut Session) -> BTreeMap<i32, (String, Option<String>)> {
    let rows = watcher.query(
        "select coalesce(leader_pid, pid), case when locktype in ('tuple', 'transactionid') then 'row' \
         else format('%s %s %s %s %s', locktype, relation, classid, objid, mode) end, virtualxid \
         from pg_locks join pg_stat_activity using (pid) where not granted",
    );
    rows.into_iter()
        .map(|row| (row[0].as_deref().unwrap().parse().unwrap(), (row[1].clone().unwrap(), row[2].clone())))
        .collect()
}

/// How many histories are made; another number can be wished for by hand.
fn histories() -> u64 {
    std::env::var("PGCONN_HISTORIES").ok().and_then(|number| number.parse().ok()).unwrap_or(25)
}

/// Random histories of locks: the edges are the server's, and carrying out a proposal frees exactly whom it said.
#[test]
fn what_is_proposed_frees_exactly_whom_it_says() {
    let cluster = with(&[
        ("deadlock_timeout", "1h"),
        ("max_prepared_transactions", "5"),
        ("autovacuum", "off"),
        ("max_worker_processes", "40"),
        ("max_parallel_workers", "32"),
        ("parallel_setup_cost", "0"),
        ("parallel_tuple_cost", "0"),
        ("min_parallel_table_scan_size", "0"),
        ("parallel_leader_participation", "off"),
    ]);
    cluster.query("create table big (n int) with (parallel_workers = 2)");
    cluster.query("insert into big select generate_series(1, 10000); analyze big");
    for table in ["a", "b", "rows"] {
        cluster.query(&format!(
            "create function look_at_{table}(n int, seconds int) returns int language plpgsql parallel safe as \
             'begin perform from {table} limit 1; perform pg_sleep(seconds); return n; end'"
        ));
    }
    cluster.query("create table a (); create table b (); create table rows (id int primary key, n int)");
    cluster.query("insert into rows select n, 0 from generate_series(0, 2) n");
    let mut watcher = cluster.session();
    let (mut carried_out, mut moves, mut groups, mut indexes) = (0, 0, 0, 0);
    for history in 0..histories() {
        let mut dice = Dice(history.wrapping_mul(7919).wrapping_add(20_261_129));
        let mut sessions: Vec<Session> = (0..7).map(|_| cluster.connect(&app("history")).unwrap()).collect();
        let mut prepared = Vec::new();
        let (mut waiting, mut building) = (BTreeSet::new(), BTreeSet::new());
        for session in &mut sessions {
            session.query("begin");
        }
        for _ in 0..16 {
            let at = dice.roll(sessions.len());
            let session = &mut sessions[at];
            if waiting.contains(&session.pid) {
                continue;
            }
            if dice.roll(14) == 0 && prepared.len() < 2 {
                let gid = format!("history {history} {}", prepared.len());
                if session.run(&format!("prepare transaction '{gid}'")).is_ok() {
                    prepared.push(gid);
                }
                session.query("begin");
                continue;
            }
            moves += 1;
            let is_index = dice.roll(12) == 0;
            let statement = if is_index {
                // Beside writers, so in no transaction: it waits for theirs, one after the other.
                session.query("rollback");
                format!("create index concurrently on rows (n) /* {moves} */")
            } else {
                format!("{} /* {moves} */", statement(&mut dice))
            };
            session.send(&statement);
            let pid = session.pid;
            let settled = format!(
                "select query = '{statement}' and (wait_event_type = 'Lock' or state <> 'active' or \
                 (select count(*) filter (where wait_event_type = 'Lock' or wait_event = 'PgSleep') = 2 \
                  from pg_stat_activity worker where worker.leader_pid = leader.pid)) \
                 from pg_stat_activity leader where pid = {pid}"
            );
            wait_until("it waits, or has its lock", || watcher.query(&settled)[0][0].as_deref() == Some("t"));
            let sleeps = format!("select from pg_stat_activity where leader_pid = {pid} limit 1");
            let is_group = !watcher.query(&sleeps).is_empty();
            groups += u64::from(is_group);
            if is_group || waits(&mut watcher).contains_key(&pid) {
                building.extend(is_index.then_some(pid));
                waiting.insert(pid);
            } else if is_index {
                let _ = session.finish();
                session.query("begin");
            } else if let Err(error) = session.finish() {
                // The server sees at once what a session that has the lock in another mode would come to.
                assert_eq!(error.sqlstate, "40P01");
                session.query("rollback");
                session.query("begin");
            }
        }
        indexes += building.len() as u64;
        let document = blockers(&cluster, &[]);
        for session in document["sessions"].as_array().unwrap() {
            let truth = watcher.query(&format!(
                "select coalesce(array_to_string(array(select distinct x from pg_stat_activity, unnest(pg_blocking_pids(pid)) x \
                 where {pid} in (pid, leader_pid) and x <> {pid} order by x), ','), '')",
                pid = session["pid"]
            ));
            let told: Vec<String> =
                session["blocked_by"].as_array().unwrap().iter().map(ToString::to_string).collect();
            assert_eq!(truth[0][0].as_deref().unwrap(), told.join(","), "history {history}: {session}");
        }
        let sets = document["free_sets"].as_array().unwrap();
        let permitted: Vec<&Value> =
            sets.iter().filter(|set| set["permitted"] == true && set["prepared"] == json!([])).collect();
        if !permitted.is_empty() {
            let set = dice.pick(&permitted);
            let before = waits(&mut watcher);
            let (ended, frees) = (pids(&set["pids"]), pids(&set["frees"]));
            // Free is who waits for nobody but those who end, now and next.
            for row in document["sessions"].as_array().unwrap() {
                let next = pids(&row["waits_next"]);
                let pid = i32::try_from(row["pid"].as_i64().unwrap()).unwrap();
                assert!(!frees.contains(&pid) || next.is_subset(&ended), "history {history}: {row}");
            }
            carry_out(&cluster, set);
            let of = |waits: &BTreeMap<i32, (String, Option<String>)>, pid: &i32| waits.get(pid).cloned();
            // Whether it still waits for the same, be it for the next one of those that it waits for in turn.
            let is_on = |after: &BTreeMap<i32, (String, Option<String>)>, pid: &i32| {
                of(after, pid).map(|wait| wait.0) != of(&before, pid).map(|wait| wait.0)
            };
            // Two who want the same row may both go on, and one of them be overtaken by the other.
            let overtaken = |watcher: &mut Session, pid: &i32| {
                let ahead = watcher.query(&format!(
                    "select unnest(pg_blocking_pids(pid)) from pg_stat_activity where {pid} in (pid, leader_pid)"
                ));
                let ahead = ahead.iter().map(|row| row[0].as_deref().unwrap().parse::<i32>().unwrap());
                ahead.collect::<BTreeSet<i32>>().is_subset(&frees)
            };
            wait_until(&format!("those who are said to go on do: history {history} {set}"), || {
                let after = waits(&mut watcher);
                frees.iter().all(|pid| of(&after, pid) != of(&before, pid) || overtaken(&mut watcher, pid))
            });
            let after = waits(&mut watcher);
            // An index that is freed is built to its end, and nobody waits for it any more: whoever is behind it may go on, too.
            let mut may_follow: BTreeSet<i32> = frees.intersection(&building).copied().collect();
            let rows = document["sessions"].as_array().unwrap();
            for _ in rows {
                let behind = rows.iter().filter(|row| !pids(&row["blocked_by"]).is_disjoint(&may_follow));
                let behind: Vec<i32> =
                    behind.map(|row| i32::try_from(row["pid"].as_i64().unwrap()).unwrap()).collect();
                may_follow.extend(behind);
            }
            let stays = |pid: &&i32| ![&ended, &frees, &may_follow].iter().any(|those| those.contains(pid));
            for pid in before.keys().filter(stays) {
                assert!(!is_on(&after, pid), "history {history}: {pid} went on, too\n{document:#}\n{set}");
            }
            carried_out += 1;
        }
        // Who waits for a lock does not see that its client has gone.
        watcher.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'history'",
        );
        drop(sessions);
        cluster.wait_until("not exists (select from pg_stat_activity where application_name = 'history')");
        for gid in prepared {
            cluster.query(&format!("rollback prepared '{gid}'"));
        }
        watcher.query(
            "do $$ declare index record; begin for index in select indexrelid::regclass as name from pg_index \
             where indrelid = 'rows'::regclass and not indisprimary loop execute format('drop index %s', index.name); end loop; end $$",
        );
    }
    assert!(carried_out * 2 >= histories(), "{carried_out} were carried out");
    assert!(groups >= histories(), "parallel workers in {groups} moves");
    assert!(indexes * 3 >= histories(), "indexes that wait in {indexes} moves");
}
