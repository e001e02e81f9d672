//! `kill --log`: what is on disk before a signal is sent, and after it.

use super::{Stopped, app, kill, pids, row};
use crate::common::{HeldBack, Pgconn, Running, Session, shared, wait_until, with};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The lines of a log; each is whole.
pub(crate) fn lines(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("cut: {text}"))).collect()
}

/// What a log tells of each signal in short: which line, which action, which result.
pub(crate) fn told(log: &Path) -> Vec<(String, String, Value)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    lines(log)
        .iter()
        .map(|line| (word(&line["event"]), word(&line["action"]), line["result"].clone()))
        .collect()
}

pub(crate) fn line(event: &str, action: &str, result: Value) -> (String, String, Value) {
    (event.into(), action.into(), result)
}

/// Ends a run as nobody can hear it.
fn kill_nine(run: Running) {
    run.signal(Signal::SIGKILL);
    drop(run);
}

#[test]
fn every_signal_is_logged_with_its_outcome() {
    let cluster = shared();
    let victims: Vec<Session> = (0..2).map(|_| cluster.connect(&app("logged")).unwrap()).collect();
    let log = cluster.dir.join("audit.ndjson");
    let path = log.to_str().unwrap();
    let dry = kill(cluster, &["--app", "logged", "--log", path, "-n"]).run().success();
    assert_eq!((pids(&dry, "would_terminate").len(), log.exists()), (2, false));
    // Whoever reads the result finds it logged.
    let program = env!("CARGO_BIN_EXE_pgconn");
    let command = format!(
        "\"{program}\" kill --app logged --state idle --log '{path}' | {{ read -r first; wc -l <'{path}'; cat >/dev/null; }}"
    );
    let outcome = Pgconn::of("bash", &["-c", &command]).on(cluster).run().success();
    assert_eq!(outcome.stdout.trim(), "4", "{outcome}");
    let all = lines(&log);
    assert_eq!(
        all.iter().map(|line| &line["event"]).collect::<Vec<_>>(),
        ["signal", "signal", "outcome", "outcome"]
    );
    for line in &all {
        let victim = victims.iter().find(|victim| line["pid"] == victim.pid).unwrap();
        let mut keys: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let known = "action application_name at backend_start client client_port database error event filter named \
                     os_user pid result role session_id target";
        assert_eq!(keys.join(" "), known);
        let id = line["session_id"].as_str().unwrap();
        assert!(id.ends_with(&format!(".{:x}", victim.pid)), "{line}");
        assert!(line["at"].as_str().unwrap().ends_with('Z') && line["backend_start"].is_string(), "{line}");
        for (key, value) in [
            ("action", "terminate"),
            ("filter", "--app logged --state idle"),
            ("database", "postgres"),
            ("role", "postgres"),
            ("application_name", "logged"),
            ("client", "local"),
        ] {
            assert_eq!(line[key], value, "{key}: {line}");
        }
        let result = if line["event"] == "signal" { Value::Null } else { json!("terminated") };
        assert_eq!(line["result"], result, "{line}");
        assert_eq!(
            (&line["target"]["user"], &line["target"]["host"]),
            (&"postgres".into(), &cluster.host().into())
        );
        assert_eq!((&line["error"], &line["named"]), (&Value::Null, &Value::Array(Vec::new())));
        assert!(line["os_user"].is_string(), "{line}");
    }
    // A run that is interrupted logs what it has done, too.
    let mut busy = cluster.active(&app("logged"));
    let run = kill(cluster, &["--app", "logged", "--grace", "1h", "--log", path]).spawn();
    assert_eq!(busy.finish().unwrap_err().sqlstate, "57014");
    run.signal(Signal::SIGINT);
    let _ = run.finish().fails_with(130);
    let all = lines(&log);
    let last = all.last().unwrap();
    assert_eq!(
        (all.len(), &last["pid"], &last["action"], &last["result"]),
        (6, &busy.pid.into(), &"cancel".into(), &"failed".into())
    );
    assert!(last["error"].as_str().unwrap().contains("interrupted before the session was ended"), "{last}");
}

/// What is on its way to the server is on disk already.
#[test]
fn a_signal_is_on_disk_before_it_is_sent() {
    let cluster = shared();
    let mut victim = cluster.connect(&app("log-first")).unwrap();
    let log = cluster.dir.join("first.ndjson");
    // A run before this one was cut off in the middle of a line.
    fs::write(&log, "{\"at\":").unwrap();
    let late = HeldBack::on_the_way_to(cluster.port, "pg_terminate_backend");
    let port = late.port.to_string();
    let line_of = ["--app", "log-first", "--log", log.to_str().unwrap(), "-h", "127.0.0.1", "-p", &port];
    let run = kill(cluster, &line_of).spawn();
    late.wait();
    let text = fs::read_to_string(&log).unwrap();
    let (cut, own) = text.split_once('\n').unwrap();
    let own: Value = serde_json::from_str(own.trim_end()).unwrap();
    assert_eq!((cut, &own["pid"], &own["result"]), ("{\"at\":", &victim.pid.into(), &Value::Null));
    victim.query("select 1");
    late.let_go();
    run.finish().success();
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 3);
}

#[test]
fn a_run_that_is_killed_leaves_what_it_has_signalled() {
    let cluster = shared();
    let stuck = cluster.connect(&app("log-killed")).unwrap();
    let fine = cluster.connect(&app("log-killed")).unwrap();
    let log = cluster.dir.join("killed.ndjson");
    let path = log.to_str().unwrap();
    let stopped = Stopped::new(stuck.pid);
    let run = kill(cluster, &["--app", "log-killed", "--verify", "1h", "--log", path]).spawn();
    wait_until("the one that can go is seen gone", || lines(&log).len() == 3);
    kill_nine(run);
    let terminate = line("signal", "terminate", Value::Null);
    assert_eq!(told(&log), [terminate.clone(), terminate, line("outcome", "terminate", json!("terminated"))]);
    assert_eq!(lines(&log)[2]["pid"], fine.pid);
    drop((stopped, stuck));
    // In the time of grace its cancel is known, and that it was not enough.
    let busy = cluster.active(&app("log-grace"));
    let log = cluster.dir.join("grace.ndjson");
    let path = log.to_str().unwrap();
    let run = kill(cluster, &["--app", "log-grace", "--grace", "1h", "--log", path]).spawn();
    wait_until("it is cancelled", || lines(&log).len() == 1);
    kill_nine(run);
    assert_eq!(told(&log), [line("signal", "cancel", Value::Null)]);
    drop(busy);
    fs::remove_file(&log).unwrap();
    // The other one may take a moment to end.
    let mut busy = cluster.active(&app("log-grace-whole"));
    kill(cluster, &["--app", "log-grace-whole", "--grace", "200ms", "--log", path]).run().success();
    assert!(busy.is_ended());
    let whole = [
        line("signal", "cancel", Value::Null),
        line("outcome", "cancel", json!("signalled")),
        line("signal", "terminate", Value::Null),
        line("outcome", "terminate", json!("terminated")),
    ];
    assert_eq!(told(&log), whole);
}

#[test]
fn what_cannot_be_logged_is_not_signalled() {
    let cluster = with(&[]);
    let mut victim = cluster.connect(&app("unlogged")).unwrap();
    let program = env!("CARGO_BIN_EXE_pgconn");
    let log = cluster.dir.join("full.ndjson");
    // No file may grow, as on a disk that is full.
    let command = format!(
        "trap '' XFSZ; ulimit -f 0; exec \"{program}\" kill --app unlogged --json --log '{}'",
        log.display()
    );
    let outcome = Pgconn::of("bash", &["-c", &command]).on(&cluster).run().fails_with(1);
    assert_eq!(pids(&outcome, "failed"), [victim.pid]);
    let error = row(&outcome, victim.pid)["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("it could not be logged, and was not signalled: File too large"), "{error}");
    assert_eq!(lines(&log), [Value::Null; 0]);
    let full = kill(&cluster, &["--app", "unlogged", "--log", "/dev/full"]).run().fails_with(2);
    assert!(full.stderr.contains("could not open the log /dev/full: No space left on device"), "{full}");
    victim.query("select 1");
}
