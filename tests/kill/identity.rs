//! `kill`: the session that was seen, and no other one.

use super::{app, kill, pids, row, session_id};
use crate::common::{Cluster, Namespace, Outcome, Pgconn, Session, prepared, shared};
use nix::sys::signal::Signal;

#[test]
fn a_session_id_spares_a_recycled_pid() {
    let cluster = shared();
    let mut session = cluster.connect(&app("kill-recycled")).unwrap();
    let other = session_id(cluster, session.pid, -7);
    let outcome = kill(cluster, &[&other]).run().fails_with(1);
    assert_eq!(pids(&outcome, "gone"), [session.pid]);
    assert_eq!(row(&outcome, session.pid)["session_id"], other.as_str());
    session.query("select 1");
    let outcome = kill(cluster, &[&session_id(cluster, session.pid, 0)]).run().success();
    assert_eq!(pids(&outcome, "terminated"), [session.pid]);
    assert!(session.is_ended());
}

#[test]
fn sessions_that_change_or_go_at_the_prompt_are_not_hit() {
    let cluster = shared();
    let name = app("kill-changing");
    let mut stays = cluster.connect(&name).unwrap();
    let mut changes = cluster.connect(&name).unwrap();
    let goes = cluster.connect(&name).unwrap();
    let arguments = ["kill", "--json", "--app", "kill-changing", "--state", "idle"];
    let mut terminal = Pgconn::new(&arguments).on(cluster).on_terminal();
    terminal.wait_for("Terminate these 3 sessions");
    changes.query("begin");
    let gone = goes.pid;
    drop(goes);
    terminal.type_keys("y\n");
    let outcome = terminal.finish().success();
    let outcome = document(&outcome);
    assert_eq!(pids(&outcome, "terminated"), [stays.pid]);
    assert_eq!(pids(&outcome, "changed"), [changes.pid]);
    assert_eq!(pids(&outcome, "gone"), [gone]);
    assert!(stays.is_ended());
    changes.query("select 1");
}

/// The JSON document at the end of what a terminal shows.
fn document(outcome: &Outcome) -> Outcome {
    let json = &outcome.stdout[outcome.stdout.find("{\r\n").unwrap()..];
    Outcome { stdout: json.to_owned(), ..outcome.clone() }
}

/// The same pid, role, database, application and state: only the moment at which it started tells the heir apart.
#[test]
fn a_pid_that_is_really_used_a_second_time_is_spared() {
    let Some(mut namespace) = Namespace::start(prepared(&[("autovacuum", "off")], &[])) else { return };
    let name = app("recycled");
    for command in ["kill", "cancel"] {
        let victim = start(&namespace.cluster, command);
        let pid = victim.pid;
        let arguments = [command, "--json", "--app", "recycled"];
        let mut terminal = Pgconn::new(&arguments).on(&namespace.cluster).on_terminal();
        terminal.wait_for("[y/N] ");
        end(&namespace.cluster, victim);
        let mut heir = namespace.connect_as(pid, &name);
        if command == "cancel" {
            heir.send("select pg_sleep(3600)");
            namespace.cluster.wait_for_state(pid, "active");
        }
        terminal.type_keys("y\n");
        let outcome = document(&terminal.finish().success());
        assert_eq!(pids(&outcome, "gone"), [pid]);
        // Their session ids can be the same when both started within a second; their starts are not.
        let successor_start = starts(&namespace.cluster, pid);
        let gone = row(&outcome, pid);
        let why = gone["error"].as_str().unwrap();
        let start = gone["backend_start"].as_str().unwrap();
        let meant = format!("the session that was meant started at {start};");
        let other = format!("belongs to another one now, started at {successor_start}, which was left alone");
        assert!(why.contains(&meant) && why.ends_with(&other) && start != successor_start, "{why}");
        let state = if command == "cancel" { "active" } else { "idle" };
        namespace.cluster.wait_for_state(pid, state);
        // A session id is of one session, too; the pid alone means whoever has it.
        let earlier = session_id(&namespace.cluster, pid, -60);
        let outcome = kill(&namespace.cluster, &[&earlier]).run().fails_with(1);
        assert_eq!(pids(&outcome, "gone"), [pid]);
        let outcome = kill(&namespace.cluster, &[&pid.to_string()]).run().success();
        assert_eq!(pids(&outcome, "terminated"), [pid]);
        assert!(heir.is_ended());
    }
}

/// When the session with this pid started, as pgconn says it.
fn starts(cluster: &Cluster, pid: i32) -> String {
    let listed = Pgconn::new(&["ls", "--json", "--app", "recycled"]).on(cluster).run().success().json();
    let sessions = listed["sessions"].as_array().unwrap();
    let session = sessions.iter().find(|session| session["pid"] == pid).unwrap();
    session["backend_start"].as_str().unwrap().to_owned()
}

fn start(cluster: &Cluster, command: &str) -> Session {
    if command == "cancel" {
        cluster.active(&app("recycled"))
    } else {
        cluster.connect(&app("recycled")).unwrap()
    }
}

/// Its client goes, and its backend with it, whatever it is doing.
fn end(cluster: &Cluster, mut session: Session) {
    cluster.query(&format!("select pg_terminate_backend({})", session.pid));
    assert!(session.is_ended());
}

/// In the time of grace the filters do not count any more: all the more the session itself has to.
#[test]
fn a_pid_that_is_used_again_in_the_time_of_grace_is_spared() {
    let Some(mut namespace) = Namespace::start(prepared(&[("autovacuum", "off")], &[])) else { return };
    let mut other = namespace.cluster.active(&app("grace-other"));
    let mut victim = namespace.cluster.active(&app("grace"));
    let pid = victim.pid;
    // The other one goes on after its cancel, so that the grace lasts.
    let arguments = ["--app", "grace", "--app", "grace-other", "--grace", "1h"];
    let run = kill(&namespace.cluster, &arguments).spawn();
    assert_eq!(victim.finish().unwrap_err().sqlstate, "57014");
    assert_eq!(other.finish().unwrap_err().sqlstate, "57014");
    // It looks again when the heir is there, not before.
    run.signal(Signal::SIGSTOP);
    drop(victim);
    let mut heir = namespace.connect_as(pid, &app("grace"));
    run.signal(Signal::SIGCONT);
    let other_pid = other.pid;
    drop(other);
    let outcome = run.finish().success();
    let mut both = [pid, other_pid];
    both.sort_unstable();
    assert_eq!(pids(&outcome, "terminated"), both);
    assert_eq!(
        (&outcome.json()["remaining_matching"], &outcome.json()["reconnected"]),
        (&1.into(), &1.into())
    );
    heir.query("select 1");
}

#[test]
fn a_session_that_changes_its_name_at_the_prompt_is_not_hit() {
    let cluster = shared();
    let mut changes = cluster.connect(&app("renamed")).unwrap();
    let mut terminal = Pgconn::new(&["kill", "--app", "renamed"]).on(cluster).on_terminal();
    terminal.wait_for("Terminate this session");
    changes.query("set application_name = 'innocent'");
    terminal.type_keys("y\n");
    let outcome = terminal.finish().success();
    assert!(outcome.stdout.contains("changed: it changed before it could be signalled"), "{outcome}");
    changes.query("select 1");
}
