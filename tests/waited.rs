//! What sessions wait for, in the listings that do not ask who waits for whom.

use super::common::server::standby_held_up;
use super::common::{Cluster, Outcome, Pgconn, Session, wait_until, with};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

fn app(name: &str) -> [(&str, &str); 1] {
    [("application_name", name)]
}

fn listed(cluster: &Cluster, line: &[&str]) -> Value {
    Pgconn::new(&[line, &["--json"]].concat()).on(cluster).run().success().json()
}

fn of(document: &Value, pid: i32) -> &Value {
    let sessions = document["sessions"].as_array().unwrap();
    sessions.iter().find(|row| row["pid"] == pid).unwrap_or_else(|| panic!("{pid}: {document:#}"))
}

fn lock(document: &Value, pid: i32) -> [Value; 4] {
    let lock = &of(document, pid)["lock"];
    ["type", "mode", "relation", "key"].map(|key| lock[key].clone())
}

/// The line of a session.
fn line(text: &str, pid: i32) -> &str {
    let pid = pid.to_string();
    let is_its = |line: &&str| line.trim_start_matches(['*', ' ']).split(' ').next() == Some(&pid);
    text.lines().find(is_its).unwrap_or_else(|| panic!("{pid}: {text}"))
}

/// Sessions that wait: for a table, for a row and for their turn at it, for an advisory lock, for nobody's row, for another
/// database's table.
struct Waiting {
    table: Session,
    row: Session,
    turn: Session,
    key: Session,
    unique: Session,
    elsewhere: Session,
    _holders: Vec<Session>,
}

fn waiting(cluster: &Cluster) -> Waiting {
    cluster.query("create table orders (id int primary key, n int); insert into orders values (1, 0)");
    cluster.query("create table stock (id int primary key, n int); insert into stock values (1, 0)");
    cluster.query("create database other");
    let other = [("database", "other"), ("application_name", "elsewhere")];
    cluster.connect(&other).unwrap().query("create table orders (n int)");
    let hold = |what: &str| cluster.idle_in_transaction(&app("holder"), what);
    let holders = vec![
        hold("lock table orders in access share mode"),
        hold("update stock set n = 1"),
        hold("insert into stock values (2, 0)"),
        hold("select pg_advisory_xact_lock(4711)"),
        cluster.idle_in_transaction(&other, "lock table orders"),
    ];
    let wait = |sql: &str| cluster.waiting(&app("waiter"), sql);
    Waiting {
        table: wait("begin; lock table orders"),
        row: wait("begin; update stock set n = 2 where id = 1"),
        turn: wait("begin; update stock set n = 3 where id = 1"),
        key: wait("select pg_advisory_lock(4711)"),
        unique: wait("insert into stock values (2, 1)"),
        elsewhere: cluster.waiting(&other, "select from orders"),
        _holders: holders,
    }
}

#[test]
fn ls_and_long_tell_the_lock_that_is_waited_for_as_blockers_does() {
    let cluster = with(&[]);
    let all = waiting(&cluster);
    let blockers = listed(&cluster, &["blockers"]);
    for command in [&["ls"][..], &["long", "--over", "1us"]] {
        let document = listed(&cluster, command);
        assert_eq!(
            lock(&document, all.table.pid),
            [json!("relation"), json!("AccessExclusiveLock"), json!("public.orders"), Value::Null]
        );
        let [kind, _, relation, _] = lock(&document, all.row.pid);
        assert_eq!((kind, relation), (json!("transactionid"), json!("public.stock")));
        let [kind, _, relation, key] = lock(&document, all.turn.pid);
        assert_eq!((kind, relation, key), (json!("tuple"), json!("public.stock"), json!("(0,1)")));
        assert_eq!(
            lock(&document, all.key.pid),
            [json!("advisory"), json!("ExclusiveLock"), Value::Null, json!("4711")]
        );
        let [kind, _, relation, _] = lock(&document, all.unique.pid);
        assert_eq!((kind, relation), (json!("transactionid"), Value::Null));
        let [_, _, relation, _] = lock(&document, all.elsewhere.pid);
        let relation = relation.as_str().unwrap().to_owned();
        assert!(relation.starts_with("relation ") && relation.ends_with(" of database other"), "{relation}");
        for row in document["sessions"].as_array().unwrap() {
            let waits = row["wait_event_type"] == "Lock";
            assert_eq!(row["lock"].is_object(), waits, "{row:#}");
            if waits {
                let pid = i32::try_from(row["pid"].as_i64().unwrap()).unwrap();
                assert_eq!(row["lock"], of(&blockers, pid)["lock"], "{command:?}");
            }
        }
    }
    // in a row of a table, and of a script
    let told = Pgconn::new(&["ls"]).on(&cluster).run().success().stdout;
    assert!(line(&told, all.table.pid).contains("  Lock public.orders AccessExclusive  "), "{told}");
    assert!(line(&told, all.row.pid).contains("  Lock public.stock row  "), "{told}");
    assert!(line(&told, all.key.pid).contains("  Lock advisory key 4711 Exclusive  "), "{told}");
    assert!(line(&told, all.unique.pid).contains("  Lock:transactionid  "), "{told}");
    let tsv = Pgconn::new(&["ls", "-F", "tsv"]).on(&cluster).run().success().stdout;
    let fields = "\tLock\trelation\trelation\tAccessExclusiveLock\tpublic.orders\t\t";
    let is_its = |row: &str| row.starts_with(&format!("{}\t", all.table.pid)) && row.contains(fields);
    assert!(tsv.lines().any(is_its), "{tsv}");
    // of one session
    let show = |pid: i32| listed(&cluster, &["show", &pid.to_string()]);
    assert_eq!(show(all.table.pid)["lock"], of(&blockers, all.table.pid)["lock"]);
    assert_eq!(show(all._holders[0].pid)["lock"], Value::Null);
}

/// Whether pg_locks was read.
fn asks_for_locks(line: &[&str], cluster: &Cluster) -> bool {
    let outcome: Outcome = Pgconn::new(&[line, &["-vv"]].concat()).on(cluster).run().success();
    assert!(outcome.stderr.contains("pg_stat_get_activity"), "{outcome}");
    outcome.stderr.contains("pg_lock")
}

#[test]
fn the_server_is_asked_for_locks_only_where_somebody_waits_who_is_shown() {
    let cluster = with(&[]);
    let _idle = cluster.connect(&app("idle")).unwrap();
    assert!(!asks_for_locks(&["ls"], &cluster));
    let holder = cluster.idle_in_transaction(&app("holder"), "select pg_advisory_xact_lock(4711)");
    assert!(!asks_for_locks(&["ls"], &cluster));
    let _waiter = cluster.waiting(&app("waiter"), "select pg_advisory_lock(4711)");
    assert!(asks_for_locks(&["ls"], &cluster));
    assert!(asks_for_locks(&["long", "--over", "1us"], &cluster));
    for line in [
        &["ls", "--app", "!waiter"][..],
        &["ls", "--limit", "1", "--sort", "age", "--app", "idle"],
        &["ls", &holder.pid.to_string()],
        &["long", "--over", "1h"],
    ] {
        assert!(!asks_for_locks(line, &cluster), "{line:?}");
    }
}

#[test]
fn whoever_has_a_table_to_himself_holds_up_nobody_who_asks_what_it_is_called() {
    let cluster = with(&[]);
    cluster.query("create table orders (n int); create view sums as select sum(n) from orders");
    let _holder =
        cluster.idle_in_transaction(&app("holder"), "lock table orders, sums in access exclusive mode");
    let waiter = cluster.waiting(&app("waiter"), "select from orders");
    for line in [&["ls", "-t", "2s"][..], &["long", "-t", "2s", "--over", "1us"]] {
        assert_eq!(of(&listed(&cluster, line), waiter.pid)["lock"]["relation"], "public.orders");
    }
}

#[test]
fn a_role_that_sees_little_is_told_what_its_own_sessions_wait_for() {
    let cluster = with(&[]);
    cluster.query("create role plain login; create table orders (n int); grant all on orders to public");
    let _holder = cluster.idle_in_transaction(&app("holder"), "lock table orders");
    let hidden = cluster.waiting(&app("hidden"), "select from orders");
    let own = [("user", "plain"), ("application_name", "own")];
    let own = cluster.waiting(&own, "select from orders");
    let document = listed(&cluster, &["ls", "-U", "plain"]);
    assert_eq!(
        lock(&document, own.pid),
        [json!("relation"), json!("AccessShareLock"), json!("public.orders"), Value::Null]
    );
    // That it waits is hidden, and so is for what.
    let row = of(&document, hidden.pid);
    assert_eq!(
        (&row["hidden"], &row["wait_event"], &row["lock"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
}

/// That the locks are kept from it takes nothing from a listing but the lock.
#[test]
fn a_role_that_may_not_read_locks_is_told_so_with_the_listing() {
    let cluster = with(&[]);
    cluster.query("create role monitor login in role pg_monitor; create table orders (n int)");
    let _holder = cluster.idle_in_transaction(&app("holder"), "lock table orders");
    let waiter = cluster.waiting(&app("waiter"), "select from orders");
    cluster.query("revoke select on pg_catalog.pg_locks from public");
    for command in [&["ls"][..], &["long", "--over", "1us"]] {
        let document = listed(&cluster, &[command, &["-U", "monitor"]].concat());
        let row = of(&document, waiter.pid);
        assert_eq!((&row["wait_event"], &row["lock"]), (&json!("relation"), &Value::Null));
        let [warning] = &document["warnings"].as_array().unwrap()[..] else { panic!("{document:#}") };
        assert_eq!(warning["code"], "not_read");
        let message = "the locks that are waited for are not known: permission denied for view pg_locks";
        assert_eq!(warning["message"], message);
        let told = Pgconn::new(command).on(&cluster).env("PGUSER", "monitor").run().success();
        assert!(line(&told.stdout, waiter.pid).contains("  Lock:relation  "), "{told}");
        assert!(told.stderr.contains(message), "{told}");
    }
    // The session is as good as before for what is asked next.
    let run = Pgconn::new(&["ls", "-U", "monitor", "-F", "ndjson", "--watch=100ms"]).on(&cluster).spawn();
    wait_until("several looks", || run.stdout().matches("\"wait_event\":\"relation\"").count() >= 4);
    run.signal(Signal::SIGINT);
    let _ = run.finish().success();
}

#[test]
fn where_reading_locks_takes_too_long_the_listing_stands() {
    let cluster = with(&[]);
    let _holder = cluster.idle_in_transaction(&app("holder"), "select pg_advisory_xact_lock(4711)");
    let waiter = cluster.waiting(&app("waiter"), "select pg_advisory_lock(4711)");
    let mut slower = cluster.session();
    slower.query("set allow_system_table_mods = on");
    slower.query(
        "do $$ begin execute format('create or replace view pg_catalog.pg_locks as %s, pg_sleep(60)', \
         rtrim(pg_get_viewdef('pg_catalog.pg_locks'), ';')); end $$",
    );
    let document = listed(&cluster, &["ls", "-t", "1s"]);
    assert_eq!(of(&document, waiter.pid)["lock"], Value::Null);
    let warning = &document["warnings"][0];
    assert_eq!(warning["code"], "not_read", "{document:#}");
    assert!(warning["message"].as_str().unwrap().contains("canceling statement due to statement timeout"));
    assert_eq!(warning["hint"], "a longer limit can be set with --timeout");
}

/// A session that waits beside a parallel worker of its own, which waits for something else, is told what it waits for itself.
#[test]
fn what_a_session_waits_for_is_not_what_its_workers_wait_for() {
    let cluster = with(&[
        ("parallel_setup_cost", "0"),
        ("parallel_tuple_cost", "0"),
        ("min_parallel_table_scan_size", "0"),
    ]);
    for statement in [
        "create table workers (); create table leaders ()",
        "create table big (n int) with (parallel_workers = 1)",
        "insert into big select generate_series(1, 10000)",
        "analyze big",
        "create function look(n int) returns int language plpgsql parallel safe as $$ begin \
         if (select backend_type = 'parallel worker' from pg_stat_activity where pid = pg_backend_pid()) \
         then perform from workers; else perform from leaders; end if; return n; end $$",
    ] {
        cluster.query(statement);
    }
    let _holder = cluster.idle_in_transaction(&app("holder"), "lock table workers, leaders");
    let leader = cluster.waiting(&app("leader"), "select count(look(n)) from big");
    cluster.wait_until("(select count(*) = 2 from pg_locks where not granted)");
    let shown = listed(&cluster, &["show", &leader.pid.to_string()]);
    assert_eq!(shown["lock"]["relation"], "public.leaders", "{shown:#}");
    let wanted = shown["locks"].as_array().unwrap().iter().filter(|lock| lock["granted"] == false);
    let relations: Vec<&str> = wanted.map(|lock| lock["relation"].as_str().unwrap()).collect();
    assert_eq!(relations, ["public.leaders", "public.workers"], "its own first");
}

#[test]
fn on_a_standby_it_is_told_what_replay_and_who_is_behind_it_wait_for() {
    let (_primary, standby, _reader) = standby_held_up();
    let behind = standby.waiting(&app("behind"), "select from orders");
    let document = listed(&standby, &["ls", "--all-backends"]);
    assert_eq!(of(&document, behind.pid)["lock"]["relation"], "public.orders");
    let rows = document["sessions"].as_array().unwrap();
    let replay = rows.iter().find(|row| row["backend_type"] == "startup").unwrap();
    assert_eq!(
        (&replay["lock"]["mode"], &replay["lock"]["relation"]),
        (&json!("AccessExclusiveLock"), &json!("public.orders"))
    );
}

#[test]
fn a_watch_tells_what_is_waited_for_as_long_as_it_is() {
    let cluster = with(&[]);
    cluster.query("create table orders (n int); create schema archive; create table archive.orders (n int)");
    let mut holder = cluster.idle_in_transaction(&app("crowd"), "lock table orders, archive.orders");
    let waiter = cluster.waiting(&app("crowd"), "select from orders");
    let other = cluster.waiting(&app("crowd"), "select from archive.orders");
    let watch = ["ls", "--app", "crowd", "--watch=100ms"];
    let terminal = Pgconn::new(&watch).on(&cluster).on_terminal_of(80, 24);
    let last = || terminal.frames().pop().map(|frame| frame.0).unwrap_or_default();
    wait_until("the tables are told apart", || {
        let screen = last();
        screen.contains(" public.orders ") && screen.contains(" archive.orders ")
    });
    let screen = last();
    assert!(line(&screen, waiter.pid).contains("public.orders"), "{screen}");
    assert!(line(&screen, other.pid).contains("archive.orders"), "{screen}");
    holder.query("commit");
    wait_until("nobody waits", || !last().contains("orders ") && last().contains("3 sessions"));
    kill(Pid::from_raw(terminal.pid()), Signal::SIGINT).unwrap();
    let _ = terminal.finish().success();
}
