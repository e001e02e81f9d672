//! Prepared transactions: who is said to wait for which of them, and what is said about ending one, on real servers.

use super::common::{Cluster, Pgconn, Session, psql, with};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The modes of a lock on a table, as LOCK TABLE names them.
pub(crate) const MODES: [&str; 8] = [
    "access share",
    "row share",
    "row exclusive",
    "share update exclusive",
    "share",
    "share row exclusive",
    "exclusive",
    "access exclusive",
];

pub(crate) fn blockers(cluster: &Cluster, arguments: &[&str]) -> Value {
    Pgconn::new(&[&["blockers", "--json"], arguments].concat()).on(cluster).run().success().json()
}

fn app(name: &str) -> [(&str, &str); 1] {
    [("application_name", name)]
}

/// A transaction of database `database`, prepared after these statements.
fn prepare(cluster: &Cluster, database: &str, gid: &str, statements: &[&str]) {
    let mut session = cluster.connect(&[("database", database), ("application_name", "preparing")]).unwrap();
    session.query("begin isolation level serializable");
    statements.iter().for_each(|statement| drop(session.query(statement)));
    session.query(&format!("prepare transaction '{}'", gid.replace('\'', "''")));
}

/// The prepared transactions that are listed, each with the applications that are said to wait for it.
fn listed(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let sessions = document["sessions"].as_array().unwrap();
    let application = |pid: &Value| {
        let waiter = sessions.iter().find(|session| session["pid"] == *pid);
        waiter.map_or_else(
            || format!("pid {pid}"),
            |waiter| waiter["application_name"].as_str().unwrap().into(),
        )
    };
    let prepared = document["prepared"].as_array().unwrap().iter();
    let listed = prepared.map(|prepared| {
        let waiting = prepared["waiting_pids"].as_array().unwrap();
        (prepared["gid"].as_str().unwrap().to_owned(), waiting.iter().map(application).collect())
    });
    listed.collect()
}

/// What [`listed`] returns, written down.
fn expected<const N: usize>(all: [(&str, &[&str]); N]) -> BTreeMap<String, BTreeSet<String>> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    all.iter().map(|(gid, names)| ((*gid).to_owned(), owned(names))).collect()
}

#[test]
fn in_every_pair_of_modes_those_wait_of_whom_the_server_says_so() {
    let cluster = with(&[("max_connections", "90"), ("max_prepared_transactions", "8")]);
    let mut waiters = Vec::new();
    for held in MODES {
        cluster.query(&format!("create table \"{held}\" ()"));
        prepare(&cluster, "postgres", held, &[&format!("lock table \"{held}\" in {held} mode")]);
        // Behind this one everybody waits, for the prepared transaction or not.
        let first = format!("begin; lock table \"{held}\"");
        waiters.push(cluster.waiting(&app(&format!("{held} < all")), &first));
        for wanted in MODES {
            let next = format!("begin; lock table \"{held}\" in {wanted} mode");
            waiters.push(cluster.waiting(&app(&format!("{held} < {wanted}")), &next));
        }
    }
    let truth = cluster.query(
        "select split_part(application_name, ' < ', 1), application_name from pg_stat_activity \
         where wait_event_type = 'Lock' and 0 = any (pg_blocking_pids(pid))",
    );
    let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in truth {
        let [held, waiter] = <[Option<String>; 2]>::try_from(row).unwrap().map(Option::unwrap);
        expected.entry(held).or_default().insert(waiter);
    }
    assert_eq!(expected.values().map(BTreeSet::len).sum::<usize>(), 46, "38 pairs, and one for each mode");
    assert_eq!(listed(&blockers(&cluster, &[])), expected);
    drop(waiters);
}

#[test]
fn a_reader_is_not_blamed_for_what_a_session_holds_up() {
    let cluster = with(&[("max_prepared_transactions", "2")]);
    cluster.query("create table t (id int)");
    // Its SIReadLock stands beside the lock that it took to read.
    prepare(&cluster, "postgres", "reader", &["select from t"]);
    let root = cluster.idle_in_transaction(&app("root"), "insert into t values (1)");
    let waiter = cluster.waiting(&app("waiter"), "create index on t (id)");
    let document = blockers(&cluster, &[]);
    assert_eq!(document["prepared"], json!([]));
    assert_eq!((&document["roots"], &document["blocked_count"]), (&json!([root.pid]), &json!(1)));
    let table = Pgconn::new(&["blockers"]).on(&cluster).run().success();
    assert!(!table.stdout.contains("prepared") && !table.stdout.contains("PREPARED"), "{table}");
    assert!(table.stdout.contains(&format!("to free 1 session, end {}: pgconn kill ", root.pid)), "{table}");
    drop(waiter);
}

/// Sessions that wait, each for its own kind of lock, for a prepared transaction of the next test, or behind others that do.
fn waiting_for_kinds(cluster: &Cluster) -> Vec<Session> {
    let elsewhere = [("database", "elsewhere"), ("application_name", "elsewhere")];
    let mut waiters = vec![cluster.waiting(&elsewhere, "select from t")];
    for (name, sql) in [
        ("row", "update rows set n = 1 where id = 1"),
        // It waits for the first one, which has the tuple's lock.
        ("row, second", "update rows set n = 1 where id = 1"),
        ("savepoint", "update rows set n = 1 where id = 2"),
        ("key", "select pg_advisory_lock(7)"),
        ("shared key, exclusive", "select pg_advisory_lock(8)"),
        ("shared key, shared", "select pg_advisory_lock_shared(8)"),
        ("queue, share", "begin; lock table queue in share mode"),
        ("queue, behind", "begin; lock table queue in row exclusive mode"),
        ("schema", "drop schema kept cascade"),
        ("index", "create index concurrently on indexed (id)"),
    ] {
        waiters.push(cluster.waiting(&app(name), sql));
    }
    waiters
}

#[test]
fn every_kind_of_lock_leads_to_who_holds_it_also_after_a_restart() {
    let mut cluster = with(&[("max_prepared_transactions", "10")]);
    cluster.query("create table rows (id int primary key, n int); insert into rows values (1, 0), (2, 0)");
    cluster.query("create table queue (); create table indexed (id int); create schema kept");
    cluster.query("create database elsewhere");
    cluster.connect(&[("database", "elsewhere")]).unwrap().query("create table t ()");
    let here = |gid: &str, statements: &[&str]| prepare(&cluster, "postgres", gid, statements);
    let first = "update rows set n = 2 where id = 1";
    here("rows", &[first, "savepoint s", "update rows set n = 2 where id = 2"]);
    here("key", &["select pg_advisory_xact_lock(7)"]);
    here("shared key", &["select pg_advisory_xact_lock_shared(8)"]);
    here("queue, reader", &["lock table queue in access share mode"]);
    here("queue, writer", &["lock table queue in row exclusive mode"]);
    here("schema", &["create table kept.t ()"]);
    here("index", &["insert into indexed values (1)"]);
    prepare(&cluster, "elsewhere", "elsewhere", &["lock table t"]);
    let all = expected([
        ("rows", &["row", "savepoint"]),
        ("key", &["key"]),
        ("shared key", &["shared key, exclusive"]),
        ("queue, writer", &["queue, share"]),
        ("schema", &["schema"]),
        ("index", &["index"]),
        ("elsewhere", &["elsewhere"]),
    ]);
    let waiters = waiting_for_kinds(&cluster);
    let document = blockers(&cluster, &[]);
    assert_eq!(listed(&document), all);
    let database = |gid: &str| {
        let prepared = document["prepared"].as_array().unwrap().iter();
        prepared.clone().find(|prepared| prepared["gid"] == gid).unwrap()["database"].clone()
    };
    assert_eq!([database("elsewhere"), database("rows")], ["elsewhere", "postgres"]);
    // What each has that keeps others waiting, in JSON and on the screen.
    let oid = cluster.connect(&[("database", "elsewhere")]).unwrap().query("select 't'::regclass::oid")[0][0]
        .clone();
    let held = |kind: &str, mode: &str, relation: Option<&str>, key: Option<&str>| json!([{ "type": kind, "mode": mode, "relation": relation, "key": key, "level": key.map(|_| "transaction") }]);
    let other = format!("relation {} of database elsewhere", oid.unwrap());
    let table = Pgconn::new(&["blockers"]).on(&cluster).run().success().stdout;
    for (gid, holds, told) in [
        (
            "rows",
            held("transactionid", "ExclusiveLock", Some("public.rows"), None),
            "holds a row of public.rows",
        ),
        (
            "key",
            held("advisory", "ExclusiveLock", None, Some("7")),
            "holds advisory Exclusive on key 7 (transaction level)",
        ),
        ("shared key", held("advisory", "ShareLock", None, Some("8")), "holds advisory Share on key 8"),
        (
            "queue, writer",
            held("relation", "RowExclusiveLock", Some("public.queue"), None),
            "holds RowExclusive on public.queue",
        ),
        (
            "elsewhere",
            held("relation", "AccessExclusiveLock", Some(&other), None),
            &format!("holds AccessExclusive on {other}"),
        ),
    ] {
        let prepared = document["prepared"].as_array().unwrap().iter().find(|one| one["gid"] == gid);
        assert_eq!(prepared.unwrap()["holds"], holds, "{gid}");
        let row =
            table.lines().find(|line| line.starts_with("prepared") && line.ends_with(&format!("  {gid}")));
        assert!(row.unwrap_or_else(|| panic!("{gid}: {table}")).contains(told), "{gid}: {table}");
    }
    drop(waiters);
    cluster.stop();
    cluster.launch(&|| true).unwrap();
    let waiters = waiting_for_kinds(&cluster);
    assert_eq!(listed(&blockers(&cluster, &[])), all, "after a restart");
    drop(waiters);
}

#[test]
fn filters_leave_each_prepared_transaction_its_waiters() {
    let cluster = with(&[("max_prepared_transactions", "3")]);
    let mut waiters = Vec::new();
    for name in ["a", "b", "c"] {
        cluster.query(&format!("create table {name} ()"));
        prepare(&cluster, "postgres", &format!("gid of {name}"), &[&format!("lock table {name}")]);
        waiters.push(cluster.waiting(&app(name), &format!("begin; lock table {name}")));
        waiters.push(cluster.waiting(&app(name), &format!("select from {name}")));
    }
    for name in ["b", "c", "a"] {
        let table = Pgconn::new(&["blockers", "--app", name]).on(&cluster).run().success();
        let root = table
            .stdout
            .lines()
            .skip_while(|line| !line.starts_with("PID"))
            .nth(1)
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>();
        assert_eq!((root[0], root[1]), ("prepared", "2"), "{table}");
        assert!(table.stdout.contains(&format!("gid of {name}")), "{table}");
        assert_eq!(table.stdout.matches("to free ").count(), 1, "{table}");
        assert!(table.stdout.contains(&format!("COMMIT PREPARED 'gid of {name}'")), "{table}");
    }
    drop(waiters);
}

#[test]
fn who_waits_softly_counts_behind_but_not_among_those_who_wait_for_it() {
    let cluster = with(&[("max_prepared_transactions", "2")]);
    cluster.query("create table t ()");
    prepare(&cluster, "postgres", "reader", &["lock table t in access share mode"]);
    let first = cluster.waiting(&app("first"), "begin; lock table t");
    let behind = cluster.waiting(&app("behind"), "select from t");
    let document = blockers(&cluster, &[]);
    assert_eq!(document["prepared"][0]["waiting_pids"], json!([first.pid]));
    let mut both = [first.pid, behind.pid];
    both.sort_unstable();
    assert_eq!(document["prepared"][0]["blocks"], json!(both));
    let table = Pgconn::new(&["blockers"]).on(&cluster).run().success();
    let lines: Vec<Vec<&str>> = table
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("PID"))
        .skip(1)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!((lines[0][0], lines[0][1]), ("prepared", "2"), "{table}");
    assert_eq!(lines[1][1], first.pid.to_string(), "{table}");
    assert_eq!(lines[2][1], behind.pid.to_string(), "{table}");
    assert!(table.stdout.contains("to free those behind it, ask the transaction manager"), "{table}");
}

#[test]
fn a_role_without_rights_is_told_the_same_of_what_it_looks_at() {
    let cluster = with(&[("max_prepared_transactions", "2")]);
    cluster.query("create role plain login; create table t (); grant insert on t to plain");
    prepare(&cluster, "postgres", "reader", &["select from t"]);
    prepare(&cluster, "postgres", "owner", &["lock table t in share mode"]);
    let others = cluster.waiting(&app("waiter"), "insert into t default values");
    let own = cluster.waiting(&[("user", "plain")], "insert into t default values");
    let seen = |arguments: &[&str]| {
        let prepared = blockers(&cluster, arguments)["prepared"].as_array().unwrap().clone();
        let pids = |prepared: &Value| -> BTreeSet<i64> {
            prepared["waiting_pids"].as_array().unwrap().iter().map(|pid| pid.as_i64().unwrap()).collect()
        };
        prepared.iter().map(|one| (one["gid"].as_str().unwrap().to_owned(), pids(one))).collect::<Vec<_>>()
    };
    let both = BTreeSet::from([others.pid, own.pid].map(i64::from));
    assert_eq!(seen(&[]), [("owner".to_owned(), both.clone())]);
    assert_eq!(seen(&["-U", "plain"]), [("owner".to_owned(), both)]);
}

#[test]
fn what_the_bound_on_waits_leaves_out_is_said() {
    let cluster = with(&[("max_connections", "220"), ("max_prepared_transactions", "1")]);
    cluster.query("create table t (); create table held ()");
    let root = cluster.idle_in_transaction(&app("root"), "lock table t");
    let waiters: Vec<Session> = (0..200)
        .map(|_| {
            let mut waiter = cluster.connect(&app("waiter")).unwrap();
            waiter.send("select from t");
            waiter
        })
        .collect();
    cluster.wait_until("(select count(*) = 200 from pg_stat_activity where wait_event_type = 'Lock')");
    prepare(&cluster, "postgres", "held", &["lock table held"]);
    let last = cluster.waiting(&app("last"), "select from held");
    let some = blockers(&cluster, &[]);
    if cluster.major() < 14 {
        assert_eq!((&some["prepared"], &some["warnings"][0]["code"]), (&json!([]), &json!("waits_cut")));
    } else {
        assert_eq!(listed(&some), expected([("held", &["last"])]));
    }
    assert_eq!(listed(&blockers(&cluster, &["--all-waits"])), expected([("held", &["last"])]));
    drop((waiters, last, root));
}

/// The two statements in what is said about ending a prepared transaction.
fn statements(said: &str) -> (String, String) {
    let at = said.find("COMMIT PREPARED ").unwrap_or_else(|| panic!("{said}"));
    let (commit, rollback) =
        said[at..].split_once(" or ROLLBACK PREPARED ").unwrap_or_else(|| panic!("{said}"));
    (commit.to_owned(), format!("ROLLBACK PREPARED {rollback}"))
}

#[test]
fn both_ways_out_are_said_side_by_side_and_can_be_pasted() {
    let cluster = with(&[("max_prepared_transactions", "1")]);
    let (database, gid) = ("we \"ird  db", "it's  \"me\" \\ \t\u{1b}[31m\u{202e}ü pgconn 1");
    cluster.query("create database \"we \"\"ird  db\"");
    let inside = |sql: &str| cluster.connect(&[("database", database)]).unwrap().query(sql);
    inside("create table t ()");
    let port = cluster.port.to_string();
    // With flags, which commands that are proposed get, too.
    let run = |arguments: &[&str]| {
        let place = ["-h", cluster.host(), "-p", &port, "-U", "postgres"];
        Pgconn::new(&[arguments, &place].concat()).run()
    };
    for end in ["commit", "rollback"] {
        prepare(&cluster, database, gid, &[&format!("create table by_{end} ()"), "lock table t"]);
        let waiter = cluster.waiting(&[("database", database)], "select from t");
        let checked =
            run(&["check", "prepared-xact", "--critical", "prepared-xact=0", "--json"]).fails_with(2);
        let said = checked.json()["checks"][0]["hint"].as_str().unwrap().to_owned();
        let place =
            "ask the transaction manager which was decided, then in database \"we \"\"ird  db\": COMMIT";
        assert!(said.starts_with(place), "{said}");
        let text = run(&["check", "prepared-xact", "--critical", "prepared-xact=0"]).fails_with(2);
        assert!(text.stdout.ends_with(&format!("\nnext: {said}\n")), "{text}");
        let shown = run(&["blockers"]).success();
        assert_eq!(
            shown.stdout.lines().nth(1),
            Some(&*format!("to free those behind it, {said}")),
            "{shown}"
        );
        let doctor = run(&["doctor", "--for", "100ms", "--json"]).success().json();
        let findings = doctor["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["rule"] == "prepared-xact").unwrap();
        assert!(finding["advice"].as_str().unwrap().starts_with(&said), "{finding}");
        let next = finding["next_command"].as_str().unwrap();
        assert!(next.contains("pg_prepared_xacts") && !next.contains("PREPARED"), "{finding}");
        if let Some(program) = psql() {
            let next = next.replacen("psql", program.to_str().unwrap(), 1);
            let looked = Command::new("sh").args(["-c", &format!("{next} -X -A -t")]).output().unwrap();
            let looked = String::from_utf8_lossy(&looked.stdout).into_owned();
            assert!(looked.contains("it's  \"me\" \\") && looked.contains("|we \"ird  db"), "{looked}");
        }
        let (commit, rollback) = statements(&said);
        inside(if end == "commit" { &commit } else { &rollback });
        drop(waiter);
    }
    let kept = inside(
        "select string_agg(relname, ' ' order by relname) from pg_class where relname like 'by!_%' escape '!'",
    );
    assert_eq!(kept[0][0].as_deref(), Some("by_commit"));
}

#[test]
fn doctor_names_the_one_in_the_way_and_not_the_oldest() {
    let cluster = with(&[("max_prepared_transactions", "2")]);
    cluster.query("create table t ()");
    cluster.query("create database shop");
    cluster.connect(&[("database", "shop")]).unwrap().query("create table t ()");
    prepare(&cluster, "postgres", "oldest", &["lock table t in access share mode"]);
    prepare(&cluster, "shop", "in the way", &["lock table t in row exclusive mode"]);
    let named = [("database", "shop"), ("application_name", "waiter")];
    let waiter = cluster.waiting(&named, "begin; lock table t in share mode");
    let finding = || {
        let seen = Pgconn::new(&["doctor", "--for", "100ms", "--json"]).on(&cluster).run().success().json();
        let findings = seen["findings"].as_array().unwrap().iter();
        findings.clone().find(|finding| finding["rule"] == "prepared-xact").unwrap().clone()
    };
    let seen = finding();
    let evidence = seen["evidence"].as_str().unwrap();
    assert!(evidence.starts_with("\"in the way\" of role postgres has been prepared for "), "{evidence}");
    assert!(evidence.ends_with("; 1 session waiting behind it"), "{evidence}");
    assert!(!seen.to_string().contains("oldest"), "{seen}");
    assert!(seen["next_command"].as_str().unwrap().starts_with("psql -d shop -c "), "{seen}");
    // A session holds up the next one; no prepared transaction does.
    cluster.connect(&[("database", "shop")]).unwrap().query("rollback prepared 'in the way'");
    drop(waiter);
    let root = cluster.idle_in_transaction(&app("root"), "lock table t in row exclusive mode");
    let next = cluster.waiting(&app("next"), "begin; lock table t in share mode");
    assert_eq!(finding()["status"], "pass");
    drop((root, next));
}
