//! `drain`: what it says of who is inside is what it saw, as long as it holds the database.

use super::{closable, drain, make, server};
use crate::common::{Cluster, HeldBack, Pgconn, Session, psql, wait_until, with};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

fn as_boss(cluster: &Cluster) -> Session {
    cluster.connect(&[("database", "shop"), ("user", "boss"), ("application_name", "pool")]).unwrap()
}

fn pids(document: &Value) -> Vec<i64> {
    document["inside"].as_array().unwrap().iter().map(|row| row["pid"].as_i64().unwrap()).collect()
}

/// Waits until the drain knows what a look saw that began when this session was there: it has begun the next one, or more.
fn wait_for_a_look_after(cluster: &Cluster, pid: i32) {
    for _ in 0..2 {
        let now = cluster.value("select clock_timestamp()");
        cluster.wait_until(&format!(
            "exists (select from pg_stat_activity s, pg_stat_activity d where s.pid = {pid} \
             and d.application_name = 'pgconn' and d.query_start > '{now}' and d.state = 'idle')"
        ));
    }
}

/// The owner passes the fence `revoke`, superusers that and `limit`.
#[test]
fn who_comes_in_during_the_hold_is_named_and_it_is_not_called_empty() {
    let cluster = server();
    let before = closable(&cluster);
    for (fence, who) in [("revoke", "boss"), ("revoke", "postgres"), ("limit", "postgres")] {
        let run = drain(&cluster, &["--fence", fence, "--for", "1h", "--json"]).spawn();
        wait_until("it is held", || run.stderr().contains("closed and empty"));
        let pool = [("database", "shop"), ("user", who), ("application_name", "pool")];
        let comes_back = cluster.connect(&pool).unwrap();
        wait_for_a_look_after(&cluster, comes_back.pid);
        // Who has gone again was in all the same.
        let gone = cluster.connect(&pool).unwrap();
        wait_for_a_look_after(&cluster, gone.pid);
        let gone_pid = i64::from(gone.pid);
        drop(gone);
        run.signal(Signal::SIGINT);
        let outcome = run.finish().fails_with(130);
        let document = outcome.json();
        assert_eq!(document["empty_throughout"], false, "{outcome}");
        assert_eq!(pids(&document), [i64::from(comes_back.pid), gone_pid], "{outcome}");
        let row = &document["inside"][0];
        assert_eq!(
            (&row["role"], &row["application_name"], &row["client"], &row["backend_type"]),
            (&json!(who), &json!("pool"), &json!("local"), &json!("client backend"))
        );
        assert!(document["restored"] == true && closable(&cluster) == before, "{outcome}");
    }
}

/// What can be done about it can be done while it is held.
#[test]
fn who_comes_in_is_told_once_and_at_once() {
    let cluster = server();
    let run = drain(&cluster, &["--fence", "revoke", "--for", "1h"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    let pool = as_boss(&cluster);
    let said = format!("warning: pid {} (role \"boss\", pool, local) is inside\n", pool.pid);
    wait_until("it is seen", || run.stderr().contains(&said));
    let next = as_boss(&cluster);
    wait_until("it is seen, too", || run.stderr().contains(&format!("pid {} ", next.pid)));
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    assert_eq!(outcome.stderr.matches(&said).count(), 1, "{outcome}");
    assert!(outcome.stdout.contains("with 2 sessions inside, open as before"), "{outcome}");
}

#[test]
fn the_report_says_what_was_seen_and_no_more() {
    let cluster = server();
    let outcome = drain(&cluster, &["--for", "1ms"]).run().success();
    assert!(outcome.stdout.contains("0 sessions ended, seen empty at 2 looks in "), "{outcome}");
    let quiet = drain(&cluster, &["--for", "1ms", "--json"]).run().success().json();
    assert_eq!((&quiet["empty_throughout"], &quiet["inside"]), (&json!(true), &json!([])));
    let planned = drain(&cluster, &["--for", "1ms", "--json", "-n"]).run().success().json();
    assert_eq!((&planned["empty_throughout"], &planned["inside"]), (&Value::Null, &Value::Null));
    // Asked for a time, it holds it for that time whoever is in, and says so.
    let run = drain(&cluster, &["--fence", "revoke", "--for", "1500ms"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    let pool = as_boss(&cluster);
    let outcome = run.finish().success();
    assert!(outcome.stdout.contains("with 1 session inside, open as before"), "{outcome}");
    assert!(
        outcome.stdout.contains(&format!("inside: pid {} (role \"boss\", pool, local)", pool.pid)),
        "{outcome}"
    );
    assert!(!outcome.stdout.contains("empty"), "{outcome}");
    assert!(outcome.stderr.contains("hint: --fence limit keeps its owner out, too"), "{outcome}");
}

/// Whether it was empty for the command is part of what was asked for.
#[test]
fn a_command_that_was_not_alone_is_a_failure() {
    let cluster = server();
    let before = closable(&cluster);
    let gate = cluster.dir.join("gate");
    let wait = format!("echo ready; until [ -e '{}' ]; do sleep 0.02; done", gate.display());
    let run = drain(&cluster, &["--fence", "revoke", "--", "sh", "-c", &wait]).spawn();
    wait_until("the command runs", || run.stdout().contains("ready"));
    // There at the end, if not before.
    let pool = as_boss(&cluster);
    std::fs::write(&gate, "").unwrap();
    let outcome = run.finish().fails_with(1);
    let said = "error: 1 session was inside while the command ran, which ended well";
    assert!(outcome.stderr.contains(said), "{outcome}");
    assert!(outcome.stderr.contains(&format!("pid {} (role \"boss\", pool, local)", pool.pid)), "{outcome}");
    assert_eq!(closable(&cluster), before);
    drop(pool);
    cluster.wait_until("not exists (select from pg_stat_activity where datname = 'shop')");
    // A command that fails by itself is told first.
    std::fs::remove_file(&gate).unwrap();
    let failing = format!("{wait}; exit 3");
    let run = drain(&cluster, &["--fence", "revoke", "--", "sh", "-c", &failing]).spawn();
    wait_until("the command runs", || run.stdout().contains("ready"));
    let _pool = as_boss(&cluster);
    std::fs::write(&gate, "").unwrap();
    let outcome = run.finish().fails_with(1);
    assert!(outcome.stderr.contains("error: the command failed: exit status: 3"), "{outcome}");
    assert!(outcome.stderr.contains("detail: 1 session was inside"), "{outcome}");
}

/// The command may work inside, where the fence lets it in: its sessions are known by the name that it is given.
#[test]
fn the_commands_own_sessions_are_no_strangers() {
    let cluster = server();
    let psql = psql().unwrap();
    let inside = [
        "--",
        psql.to_str().unwrap(),
        "-d",
        "shop",
        "-AtXc",
        "select pg_sleep(1.2), current_setting('application_name')",
    ];
    let outcome = drain(&cluster, &inside).run().success();
    assert!(outcome.stdout.starts_with("|pgconn-drain-"), "{outcome}");
    assert!(outcome.stderr.contains("seen empty at "), "{outcome}");
    // A name that was given to it stays, and it is known by that.
    let outcome = drain(&cluster, &inside).env("PGAPPNAME", "mine").run().success();
    assert!(outcome.stdout.starts_with("|mine"), "{outcome}");
    // Who takes a name of his own is not.
    let named =
        ["--", psql.to_str().unwrap(), "dbname=shop application_name=own", "-AtXc", "select pg_sleep(1.2)"];
    let outcome = drain(&cluster, &named).run().fails_with(1);
    assert!(outcome.stderr.contains("(role \"postgres\", own, local)"), "{outcome}");
    assert!(outcome.stderr.contains("sessions of the command itself are known by PGAPPNAME"), "{outcome}");
}

/// Whom the fence lets in can be there before the command is.
#[test]
fn a_command_is_not_run_where_somebody_came_in_before_it() {
    let cluster = server();
    let before = closable(&cluster);
    let look = HeldBack::on_the_way_to(cluster.port, "is distinct from 'parallel worker'");
    let (port, mark) = (look.port.to_string(), cluster.dir.join("ran"));
    let arguments =
        ["--fence", "revoke", "-h", "127.0.0.1", "-p", &port, "--", "touch", mark.to_str().unwrap()];
    let run = drain(&cluster, &arguments).spawn();
    look.wait();
    let pool = as_boss(&cluster);
    look.let_go();
    let outcome = run.finish().fails_with(1);
    let said =
        "error: it was not empty for the command, which was not run: 1 session came in; it is open again";
    assert!(outcome.stderr.contains(said), "{outcome}");
    assert!(outcome.stderr.contains(&format!("pid {} (role \"boss\", pool, local)", pool.pid)), "{outcome}");
    assert!(!mark.exists() && closable(&cluster) == before, "{outcome}");
}

/// The role for which the fence `revoke` is made does not see what kind of process it is.
#[test]
fn an_autovacuum_is_nobody_inside_for_whoever_may_not_see_it_either() {
    let cluster = with(&[("autovacuum_naptime", "1s")]);
    make(&cluster);
    let mut work = cluster.connect(&[("database", "shop")]).unwrap();
    work.query("create table t with (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, \
                autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1) as select generate_series(1, 200000)");
    work.query("delete from t");
    drop(work);
    cluster.wait_until(
        "exists (select from pg_stat_activity where backend_type = 'autovacuum worker' and datname = 'shop')",
    );
    let document = drain(&cluster, &["--for", "1ms", "--json", "-U", "boss"]).run().success().json();
    assert_eq!(
        (&document["inside"], &document["empty_throughout"]),
        (&json!([]), &json!(true)),
        "{document:#}"
    );
}

/// Nothing that was not looked at is called empty.
#[test]
fn what_could_not_be_looked_at_is_unknown() {
    let mut cluster = server();
    let before = closable(&cluster);
    let run = drain(&cluster, &["--for", "1h"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    cluster.stop();
    wait_until("it is told", || run.stderr().contains("warning: who is inside cannot be seen: "));
    cluster.launch(&|| true).unwrap();
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    assert!(outcome.stdout.contains(", and who was inside is not known, open as before"), "{outcome}");
    assert_eq!(closable(&cluster), before);
}

/// Walsenders and workers are inside as well, though they end nothing by leaving and no fence is for them.
#[test]
fn a_walsender_of_the_database_is_inside() {
    let cluster = server();
    let sender = cluster
        .connect(&[("database", "shop"), ("replication", "database"), ("application_name", "copy")])
        .unwrap();
    let document = drain(&cluster, &["--for", "1ms", "--json"]).run().success().json();
    assert_eq!(document["empty_throughout"], false, "{document:#}");
    assert_eq!(pids(&document), [i64::from(sender.pid)]);
    let outcome = drain(&cluster, &["--for", "1ms"]).run().success();
    assert!(outcome.stderr.contains("closed, with 1 other process inside; Ctrl-C"), "{outcome}");
    assert!(
        outcome.stderr.contains(&format!("pid {} (walsender, role \"postgres\", copy, local)", sender.pid)),
        "{outcome}"
    );
    // It is none of those that a command was to be protected from.
    let outcome = drain(&cluster, &["--", "true"]).run().success();
    assert!(outcome.stderr.contains("with 1 other process inside"), "{outcome}");
}

#[test]
fn without_a_name_the_fence_is_the_mildest_that_keeps_out_who_is_in() {
    let cluster = with(&[]);
    cluster.query("create role boss login; create role web login");
    cluster.query("create database shop owner boss");
    let fence = |user: &str| {
        let arguments = ["-U", user, "drain", "--db", "shop", "--for", "1s", "-n", "--json"];
        Pgconn::new(&arguments).on(&cluster).run().success().json()["fence"].as_str().unwrap().to_owned()
    };
    let inside = |user: &str| cluster.connect(&[("user", user), ("database", "shop")]).unwrap();
    assert_eq!([fence("postgres"), fence("boss")], ["limit", "revoke"]);
    let mut web = inside("web");
    assert_eq!([fence("postgres"), fence("boss")], ["limit", "revoke"]);
    // A limit keeps its owner out, what is revoked does not.
    let mut boss = inside("boss");
    assert_eq!([fence("postgres"), fence("boss")], ["limit", "limit"]);
    let _superuser = inside("postgres");
    assert_eq!([fence("postgres"), fence("boss")], ["hard", "hard"]);
    web.query("select 1");
    boss.query("select 1");
}
