//! `drain`: at every one of its steps a signal or a lost connection ends in the same way: open again, to the letter.

use super::{closable, closed, drain, inside, server};
use crate::common::{Cluster, HeldBack, Running, Session, wait_for, wait_until};
use crate::kill::Stopped;
use nix::sys::signal::Signal;
use std::fs;
use std::path::PathBuf;

/// How it is disturbed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    CtrlC,
    Term,
    Lost,
}

impl End {
    /// Disturbs a run; returns the exit code that it ends with where it would otherwise have ended with `undisturbed`.
    fn befalls(self, run: &Running, cluster: &Cluster, undisturbed: i32) -> i32 {
        match self {
            Self::CtrlC => run.signal(Signal::SIGINT),
            Self::Term => run.signal(Signal::SIGTERM),
            Self::Lost => lose(cluster),
        }
        match self {
            Self::CtrlC => 130,
            Self::Term => 143,
            Self::Lost => undisturbed,
        }
    }
}

/// Takes every connection of pgconn away.
fn lose(cluster: &Cluster) {
    let lost = cluster.query(
        "select pid, pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgconn'",
    );
    for row in lost {
        let pid = row[0].clone().unwrap();
        cluster.wait_until(&format!("not exists (select from pg_stat_activity where pid = {pid})"));
    }
}

/// Nobody can alter the database until this session ends its transaction.
fn hold_its_row(cluster: &Cluster) -> Session {
    cluster.idle_in_transaction(&[("application_name", "holder")], "alter database shop connection limit 5")
}

/// The session of pgconn that waits for the database's row, another one than `known`.
fn waits_for_the_row(cluster: &Cluster, known: &str) -> String {
    wait_for("pgconn waits for the row", || {
        let waiting =
            "select pid from pg_stat_activity where application_name = 'pgconn' and wait_event_type = 'Lock'";
        let pid = cluster.query(waiting).first()?.first()?.clone()?;
        (pid != known).then_some(pid)
    })
}

/// Lets whoever waits for the row go on; a session that took the place of a lost one has to wait first.
fn let_go(mut holder: Session, cluster: &Cluster, end: End, waited: &str) {
    if end == End::Lost {
        waits_for_the_row(cluster, waited);
    }
    holder.query("rollback");
}

/// A command that runs until its file is taken away.
struct Gate(PathBuf);

impl Gate {
    fn new(cluster: &Cluster) -> Self {
        let file = cluster.dir.join("gate");
        fs::write(&file, "").unwrap();
        Self(file)
    }

    fn command(&self) -> [String; 3] {
        let wait = format!("echo ready; while [ -e '{}' ]; do sleep 0.02; done", self.0.display());
        ["sh".to_owned(), "-c".to_owned(), wait]
    }

    fn open(&self) {
        fs::remove_file(&self.0).unwrap();
    }
}

/// Runs `step` with each fence and each end, and looks whether all is as it was.
fn at_this_step(step: impl Fn(&Cluster, &str, End)) {
    let cluster = server();
    let before = closable(&cluster);
    for (fence, end) in [
        ("limit", End::CtrlC),
        ("limit", End::Term),
        ("limit", End::Lost),
        ("revoke", End::CtrlC),
        ("revoke", End::Lost),
        ("hard", End::Term),
        ("hard", End::Lost),
    ] {
        step(&cluster, fence, end);
        assert_eq!(closable(&cluster), before, "{fence} {end:?}");
    }
}

#[test]
fn while_it_is_closed() {
    at_this_step(|cluster, fence, end| {
        let holder = hold_its_row(cluster);
        let run = drain(cluster, &["--fence", fence, "--for", "1h"]).spawn();
        let pid = waits_for_the_row(cluster, "");
        let code = end.befalls(&run, cluster, 1);
        if end == End::Lost {
            // It has been open all the time, which is seen without waiting for anybody.
            let outcome = run.finish().fails_with(code);
            assert!(outcome.stderr.contains("it is open as before"), "{outcome}");
            return drop(holder);
        }
        let_go(holder, cluster, end, &pid);
        let outcome = run.finish().fails_with(code);
        // A signal is seen when it has been closed, or a moment later.
        let said = outcome.to_string();
        assert!(said.contains("it is open") || said.contains("open as before"), "{outcome}");
    });
}

#[test]
fn while_it_is_emptied() {
    at_this_step(|cluster, fence, end| {
        let client = cluster.connect(&inside(&[])).unwrap();
        let stopped = Stopped::new(client.pid);
        let run = drain(cluster, &["--fence", fence, "--for", "1h"]).spawn();
        wait_until("it is closed", || closed(cluster));
        let code = end.befalls(&run, cluster, 1);
        let _ = run.finish().fails_with(code);
        drop(stopped);
        let pid = client.pid;
        drop(client);
        cluster.wait_until(&format!("not exists (select from pg_stat_activity where pid = {pid})"));
    });
}

#[test]
fn while_it_is_held() {
    at_this_step(|cluster, fence, end| {
        let run = drain(cluster, &["--fence", fence, "--for", "1h"]).spawn();
        wait_until("it is held", || run.stderr().contains("closed and empty"));
        let mut code = end.befalls(&run, cluster, 130);
        if end == End::Lost {
            code = End::CtrlC.befalls(&run, cluster, code);
        }
        let outcome = run.finish().fails_with(code);
        assert!(outcome.stdout.contains("open as before"), "{outcome}");
    });
}

#[test]
fn while_the_command_runs() {
    at_this_step(|cluster, fence, end| {
        let gate = Gate::new(cluster);
        let command = gate.command();
        let [program, flag, script] = &command;
        let run = drain(cluster, &["--fence", fence, "--", program, flag, script]).spawn();
        wait_until("the command runs", || run.stdout().contains("ready"));
        assert!(closed(cluster));
        let code = end.befalls(&run, cluster, 0);
        if end == End::Lost {
            gate.open();
        }
        let outcome = run.finish().fails_with(code);
        assert!(outcome.stderr.contains("open as before"), "{outcome}");
    });
}

#[test]
fn while_it_is_opened_again() {
    at_this_step(|cluster, fence, end| {
        let gate = Gate::new(cluster);
        let command = gate.command();
        let [program, flag, script] = &command;
        let run = drain(cluster, &["--fence", fence, "--", program, flag, script]).spawn();
        wait_until("the command runs", || run.stdout().contains("ready"));
        let holder = hold_its_row(cluster);
        gate.open();
        let pid = waits_for_the_row(cluster, "");
        let code = end.befalls(&run, cluster, 0);
        let_go(holder, cluster, end, &pid);
        let outcome = run.finish().fails_with(code);
        assert!(outcome.stderr.contains("open as before"), "{outcome}");
    });
}

#[test]
fn a_server_that_starts_anew_while_it_is_held_is_opened_again() {
    let mut cluster = server();
    let before = closable(&cluster);
    for fence in ["limit", "revoke", "hard"] {
        let run = drain(&cluster, &["--fence", fence, "--for", "1h"]).spawn();
        wait_until("it is held", || run.stderr().contains("closed and empty"));
        cluster.stop();
        run.signal(Signal::SIGTERM);
        wait_until("it tries", || run.stderr().contains("could not open it again yet"));
        cluster.launch(&|| true).unwrap();
        let outcome = run.finish().fails_with(143);
        assert!(outcome.stdout.contains("open as before"), "{outcome}");
        assert_eq!(closable(&cluster), before, "{fence}");
    }
}

/// A statement that was given up can still be on its way to the server: it must not close what has been opened.
#[test]
fn a_statement_that_arrives_late_does_not_close_it_again() {
    let cluster = server();
    let before = closable(&cluster);
    for (fence, closes) in
        [("limit", "CONNECTION LIMIT 0"), ("revoke", "REVOKE CONNECT"), ("hard", "ALLOW_CONNECTIONS false")]
    {
        let late = HeldBack::on_the_way_to(cluster.port, closes);
        let port = late.port.to_string();
        let arguments = ["--fence", fence, "--for", "1h", "-t", "1s", "-h", "127.0.0.1", "-p", &port];
        let run = drain(&cluster, &arguments).spawn();
        late.wait();
        let pid = cluster.value("select pid from pg_stat_activity where application_name = 'pgconn'");
        let outcome = run.finish().fails_with(1);
        assert!(outcome.stderr.contains("did not answer within 1s"), "{outcome}");
        assert!(outcome.stderr.contains("detail: it is open as before"), "{outcome}");
        assert_eq!(closable(&cluster), before, "{fence}");
        late.let_go();
        cluster.wait_until(&format!("not exists (select from pg_stat_activity where pid = {pid})"));
        assert_eq!(closable(&cluster), before, "{fence}");
    }
}
