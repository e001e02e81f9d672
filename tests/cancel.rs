//! `cancel`: the statement that was seen, and what no cancel can do.

use super::common::{Cluster, Pgconn, Session, shared, with};
use super::kill::{app, is_there, kill, pids, row};

#[test]
fn a_cancel_is_for_the_statement_that_was_seen() {
    let cluster = shared();
    let mut session = cluster.active(&app("cancel-next"));
    let mut terminal = Pgconn::new(&["cancel", "--app", "cancel-next"]).on(cluster).on_terminal();
    terminal.wait_for("Cancel what this session runs on");
    cluster.query(&format!("select pg_cancel_backend({})", session.pid));
    assert_eq!(session.finish().unwrap_err().sqlstate, "57014");
    session.send("select pg_sleep(3600)");
    cluster.wait_for_state(session.pid, "active");
    terminal.type_keys("y\n");
    let outcome = terminal.finish().success();
    assert!(outcome.stdout.contains("changed: it changed before it could be signalled"), "{outcome}");
    assert!(is_there(cluster, session.pid));
    cluster.wait_for_state(session.pid, "active");
    let outcome = Pgconn::new(&["cancel", "--json", &session.pid.to_string()]).on(cluster).run().success();
    assert_eq!(pids(&outcome, "cancelled"), [session.pid]);
    assert_eq!(session.finish().unwrap_err().sqlstate, "57014");
    session.query("select 1");
}

#[test]
fn a_cancel_that_cannot_work_is_said() {
    let cluster = shared();
    let idle = cluster.connect(&app("cancel-idle")).unwrap();
    let open = cluster.idle_in_transaction(&app("cancel-idle"), "select 1");
    let mut deaf = cluster.connect(&app("cancel-deaf")).unwrap();
    deaf.send("select repeat('x', 1000000) from generate_series(1, 100)");
    cluster.wait_until(&format!(
        "exists (select from pg_stat_activity where pid = {} and wait_event = 'ClientWrite')",
        deaf.pid
    ));
    let cancel =
        |name: &str| Pgconn::new(&["cancel", "--json", "--app", name, "--verify", "200ms"]).on(cluster).run();
    let outcome = cancel("cancel-idle").success();
    let mut both = [idle.pid, open.pid];
    both.sort_unstable();
    assert_eq!(pids(&outcome, "no_effect"), both);
    assert_eq!(outcome.json()["skipped"], 2);
    let outcome = cancel("cancel-deaf").fails_with(1);
    assert_eq!(pids(&outcome, "signalled"), [deaf.pid]);
    assert!(row(&outcome, deaf.pid)["error"].as_str().unwrap().contains("does not read"), "{outcome}");
    let outcome = kill(cluster, &["--app", "cancel-deaf"]).run().success();
    assert_eq!(pids(&outcome, "terminated"), [deaf.pid]);
    deaf.vanish();
}

/// What a cancel does not reach is in the plan, before anything is sent, and so is what does.
#[test]
fn the_plan_says_what_a_cancel_does_not_reach() {
    let cluster = with(&[]);
    cluster.query("create table t (n int)");
    let planned = |pid: i32| {
        let outcome =
            Pgconn::new(&["cancel", &pid.to_string(), "--all-backends", "-n"]).on(&cluster).run().success();
        outcome
            .stdout
            .lines()
            .find(|line| line.contains(&format!("(pid {pid})")))
            .unwrap_or_default()
            .to_owned()
    };
    let mut copying = cluster.connect(&app("copying")).unwrap();
    copying.send("copy t from stdin");
    let mut deaf = cluster.connect(&app("deaf")).unwrap();
    deaf.send("select repeat('x', 1000000) from generate_series(1, 100)");
    let mut advisory = cluster.connect(&app("advisory")).unwrap();
    advisory.query("select pg_advisory_lock(1), pg_advisory_lock(2)");
    let one = cluster.idle_in_transaction(&app("advisory"), "select pg_advisory_lock(3)");
    let waits = |pid: i32, event: &str| {
        cluster.wait_until(&format!(
            "(select wait_event = '{event}' and state = 'active' from pg_stat_activity where pid = {pid})"
        ));
    };
    waits(copying.pid, "ClientRead");
    waits(deaf.pid, "ClientWrite");
    let copy = "it waits for its client to send more (COPY FROM STDIN), and a cancel works only once that comes; kill does at once";
    for (pid, said) in [
        (copying.pid, format!("would cancel: {copy}")),
        (deaf.pid, "would cancel: its client does not read the result, and no cancel reaches it there; kill does".into()),
        (
            advisory.pid,
            "no effect: it runs nothing; kill ends the session, and only that frees its 2 advisory locks".into(),
        ),
        (
            one.pid,
            "no effect: it runs nothing and keeps its transaction open; kill ends the session, and only that frees its \
             advisory lock"
                .into(),
        ),
    ] {
        assert_eq!(planned(pid), format!("{said} (pid {pid})"));
    }
    let launcher = "select pid from pg_stat_activity where backend_type = 'autovacuum launcher'";
    let launcher: i32 = cluster.value(launcher).parse().unwrap();
    assert!(planned(launcher).starts_with("no effect: it goes on after a cancel"), "{}", planned(launcher));
    // It is so, and afterwards it is said again.
    let line = ["cancel", "--app", "copying", "--json", "--verify", "200ms"];
    let outcome = Pgconn::new(&line).on(&cluster).run().fails_with(1);
    assert_eq!(row(&outcome, copying.pid)["error"], copy);
    assert_eq!(pids(&kill(&cluster, &["--app", "copying"]).run().success(), "terminated"), [copying.pid]);
    deaf.vanish();
}

/// A server whose commits wait for a standby that never comes, for those that ask to wait.
fn waiting_for_a_standby() -> Cluster {
    let cluster = with(&[("synchronous_standby_names", "nobody")]);
    cluster.query("create table t (n int)");
    cluster
}

fn careful(cluster: &Cluster, name: &str) -> Session {
    let mut session = cluster.connect(&app(name)).unwrap();
    session.query("set synchronous_commit = on");
    session
}

fn wait_for_the_standby(cluster: &Cluster, pid: i32) {
    cluster.wait_until(&format!(
        "exists (select from pg_stat_activity where pid = {pid} and wait_event = 'SyncRep')"
    ));
}

#[test]
fn a_commit_that_waits_for_a_standby_is_left_alone_and_said() {
    let cluster = waiting_for_a_standby();
    let mut session = careful(&cluster, "committing");
    session.send("insert into t values (1)");
    wait_for_the_standby(&cluster, session.pid);
    let pid = session.pid.to_string();
    for target in [&["--app", "committing"][..], &[&pid], &[&pid, "--dry-run"]] {
        let outcome = Pgconn::new(&[&["cancel", "--json"], target].concat()).on(&cluster).run().success();
        assert_eq!(pids(&outcome, "no_effect"), [session.pid]);
        let why = row(&outcome, session.pid)["error"].as_str().unwrap().to_owned();
        assert!(why.contains("has committed and waits for a standby"), "{outcome}");
    }
    wait_for_the_standby(&cluster, session.pid);
    // kill ends the session, and takes nothing back.
    let outcome = kill(&cluster, &["--app", "committing"]).run().success();
    assert_eq!(pids(&outcome, "terminated"), [session.pid]);
    assert!(session.is_ended());
    assert_eq!(cluster.value("select n from t"), "1");
}

/// The statement is the one that was seen, and yet it is too late to cancel it.
#[test]
fn a_statement_that_commits_at_the_prompt_is_not_cancelled() {
    let cluster = waiting_for_a_standby();
    let mut holder = cluster.idle_in_transaction(&[], "lock table t");
    let mut session = careful(&cluster, "committing");
    session.send("insert into t values (1)");
    cluster.wait_for_lock_wait(session.pid);
    let mut terminal = Pgconn::new(&["cancel", "--app", "committing"]).on(&cluster).on_terminal();
    terminal.wait_for("[y/N] ");
    holder.query("rollback");
    wait_for_the_standby(&cluster, session.pid);
    terminal.type_keys("y\n");
    let outcome = terminal.finish().success();
    assert!(outcome.stdout.contains("no effect: it has committed and waits for a standby"), "{outcome}");
    wait_for_the_standby(&cluster, session.pid);
    kill(&cluster, &["--app", "committing"]).run().success();
    assert!(session.is_ended());
}
