//! `pooler pause`, `resume`, `reconnect` and `wait-close`: a database is never left paused behind anybody's back.

use super::common::{Outcome, Pgconn, Running, wait_until};
use super::pooler::{Pooled, pooled};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pgconn");

fn is_paused(pooled: &Pooled) -> bool {
    let document = pooled.run(&["--json"]).success().json();
    let databases = document["databases"].as_array().unwrap().clone();
    databases.iter().any(|database| database["name"] == "postgres" && database["paused"] == true)
}

fn start(pooled: &Pooled, arguments: &[&str]) -> Running {
    let port = pooled.pooler.port.to_string();
    Pgconn::new(&[&["-p", &port, "pooler"], arguments].concat()).on(&pooled.cluster).spawn()
}

fn act(outcome: &Outcome) -> Value {
    outcome.json()["act"].clone()
}

/// A pooler that has served a client, which is still there.
fn busy(mode: &str) -> (Pooled, super::common::Session) {
    let pooled = pooled(mode, &[]);
    let mut client = pooled.client("web");
    client.query("select 1");
    (pooled, client)
}

/// Passes connections on until it is told to cut them.
struct Cable {
    port: u16,
    ends: Arc<Mutex<Vec<TcpStream>>>,
    unplugged: Arc<AtomicBool>,
    /// How many have come while it was unplugged.
    turned_away: Arc<AtomicU32>,
}

impl Cable {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let cable = Self {
            port: listener.local_addr().unwrap().port(),
            ends: Arc::default(),
            unplugged: Arc::default(),
            turned_away: Arc::default(),
        };
        let (ends, unplugged) = (Arc::clone(&cable.ends), Arc::clone(&cable.unplugged));
        let turned_away = Arc::clone(&cable.turned_away);
        std::thread::spawn(move || {
            for near in listener.incoming() {
                if unplugged.load(Ordering::Relaxed) {
                    turned_away.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let (near, far) = (near.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let mut part = [0; 4096];
                        while let Ok(length @ 1..) = from.read(&mut part) {
                            if to.write_all(&part[..length]).is_err() {
                                break;
                            }
                        }
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                ends.lock().unwrap().extend([near, far]);
            }
        });
        cable
    }

    fn cut(&self) {
        for end in self.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Cuts them and passes on no more, or again.
    fn unplug(&self, out: bool) {
        self.unplugged.store(out, Ordering::Relaxed);
        if out {
            self.cut();
        }
    }
}

#[test]
fn a_command_runs_while_clients_wait_and_then_they_go_on() {
    let (pooled, mut client) = busy("transaction");
    let (host, port) = (pooled.cluster.host(), pooled.pooler.port.to_string());
    let look = [PROGRAM, "-h", host, "-p", &port, "-U", "postgres", "pooler", "--json"];
    let outcome = pooled.run(&[&["pause", "postgres", "--"], &look[..]].concat()).success();
    let seen = outcome.json();
    assert_eq!(seen["kind"], "pooler", "stdout is the command's alone: {outcome}");
    assert_eq!(
        (&seen["databases"][0]["paused"], &seen["databases"][0]["servers"]),
        (&json!(true), &json!(0)),
        "{seen:#}"
    );
    for said in [
        "1 client; 0 connections at work",
        "(query_wait_timeout)",
        "to resume it by hand: RESUME \"postgres\" on the console",
        "resumed",
    ] {
        assert!(outcome.stderr.contains(said), "{said}\n{outcome}");
    }
    assert!(!is_paused(&pooled));
    client.query("select 1");
    let file = pooled.cluster.dir.join("act.json");
    let file = file.to_str().unwrap();
    let outcome = pooled.run(&["pause", "postgres", "--json", "-o", file, "--", "sh", "-c", "exit 7"]);
    let outcome = outcome.fails_with(1);
    assert!(outcome.stderr.contains("the command failed: exit status: 7"), "{outcome}");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    for (key, value) in [
        ("action", json!("pause")),
        ("database", json!("postgres")),
        ("dry_run", json!(false)),
        ("changed", json!(true)),
        ("clients", json!(1)),
        ("servers_busy", json!(0)),
        ("servers_idle", json!(1)),
        ("paused", json!(false)),
        ("resumed", json!(true)),
        ("command_status", json!(7)),
        ("undo", json!("RESUME \"postgres\"")),
    ] {
        assert_eq!(document["act"][key], value, "{key} {document:#}");
    }
}

#[test]
fn every_end_of_the_command_resumes() {
    let (pooled, mut client) = busy("transaction");
    let outcome = pooled.run(&["pause", "postgres", "--", "/nonexistent/program"]).fails_with(1);
    assert!(
        outcome.stderr.contains("could not run /nonexistent/program") && !is_paused(&pooled),
        "{outcome}"
    );
    for (signal, code) in
        [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGHUP, 143), (Signal::SIGQUIT, 143)]
    {
        let script = "trap 'echo told; exit 0' INT TERM; echo ready; while :; do sleep 0.05; done";
        let run = start(&pooled, &["pause", "postgres", "--", "sh", "-c", script]);
        wait_until("the command runs", || run.stdout().contains("ready"));
        assert!(is_paused(&pooled));
        client.send("select 1");
        run.signal(signal);
        let outcome = run.finish().fails_with(code);
        assert_eq!((outcome.stdout.as_str(), is_paused(&pooled)), ("ready\ntold\n", false), "{outcome}");
        client.finish().unwrap();
    }
    // The connection is lost while the command runs.
    let cable = Cable::to(pooled.pooler.port);
    let port = cable.port.to_string();
    let gate = pooled.cluster.dir.join("gate");
    let hold = format!("echo ready; until [ -e {} ]; do sleep 0.02; done", gate.display());
    let command = ["-h", "127.0.0.1", "-p", &port, "pooler", "pause", "postgres", "--", "sh", "-c", &hold];
    let run = Pgconn::new(&command).on(&pooled.cluster).spawn();
    wait_until("the command runs", || run.stdout().contains("ready"));
    cable.cut();
    assert!(is_paused(&pooled));
    std::fs::write(&gate, "").unwrap();
    let outcome = run.finish().success();
    assert!(!is_paused(&pooled), "{outcome}");
    assert!(outcome.stderr.contains(", resumed\n"), "{outcome}");
}

/// While the console is away clients go on waiting, and that counts.
#[test]
fn the_time_until_it_could_be_resumed_is_time_that_it_was_held() {
    let (pooled, _client) = busy("transaction");
    let cable = Cable::to(pooled.pooler.port);
    let port = cable.port.to_string();
    let file = pooled.cluster.dir.join("held.json");
    let (gate, document) = (pooled.cluster.dir.join("gate"), file.to_str().unwrap());
    let hold = format!("echo ready; until [ -e {} ]; do sleep 0.02; done", gate.display());
    let command = ["-h", "127.0.0.1", "-p", &port, "pooler", "pause", "postgres", "--json", "-o", document];
    let run = Pgconn::new(&[&command, &["--", "sh", "-c", &hold][..]].concat()).on(&pooled.cluster).spawn();
    wait_until("the command runs", || run.stdout().contains("ready"));
    cable.unplug(true);
    let ended = Instant::now();
    std::fs::write(&gate, "").unwrap();
    wait_until("it tries again", || run.stderr().matches("could not resume it yet").count() == 1);
    let away = ended.elapsed();
    assert!(is_paused(&pooled));
    cable.unplug(false);
    let outcome = run.finish().success();
    assert!(!is_paused(&pooled), "{outcome}");
    let held: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let seconds = held["act"]["held_seconds"].as_f64().unwrap();
    assert!(seconds >= away.as_secs_f64() && held["act"]["resumed"] == true, "{away:?} {held:#}");
}

/// The second pooler of the list knows the database, too, and has not paused it.
#[test]
fn with_several_hosts_the_console_that_was_paused_is_resumed() {
    let ((pooled, _client), (other, _others)) = (busy("transaction"), busy("transaction"));
    let cable = Cable::to(pooled.pooler.port);
    let gate = pooled.cluster.dir.join("gate");
    let hold = format!("echo ready; until [ -e {} ]; do sleep 0.02; done", gate.display());
    let ports = format!("{},{}", cable.port, other.pooler.port);
    let place = ["pooler", "-h", "127.0.0.1,127.0.0.1", "-p", &ports, "pause", "postgres"];
    let run = Pgconn::new(&[&place[..], &["--", "sh", "-c", &hold]].concat()).on(&pooled.cluster).spawn();
    wait_until("the command runs", || run.stdout().contains("ready"));
    let by_hand = format!("or pgconn -h 127.0.0.1 -p {} -U postgres pooler resume postgres", cable.port);
    assert!(run.stderr().contains(&by_hand), "{}", run.stderr());
    cable.unplug(true);
    std::fs::write(&gate, "").unwrap();
    wait_until("it tries", || run.stderr().contains("could not resume it yet"));
    cable.turned_away.store(0, Ordering::Relaxed);
    wait_until("it comes back to where it was", || cable.turned_away.load(Ordering::Relaxed) > 0);
    assert!(is_paused(&pooled) && !is_paused(&other));
    cable.unplug(false);
    let outcome = run.finish().success();
    assert!(!is_paused(&pooled), "{outcome}");
}

#[test]
fn killed_it_leaves_the_way_back_on_stderr() {
    let (pooled, mut client) = busy("transaction");
    let gate = pooled.cluster.dir.join("gate");
    let hold = format!("echo ready; until [ -e {} ]; do sleep 0.02; done", gate.display());
    let run = start(&pooled, &["pause", "postgres", "-q", "--json", "--", "sh", "-c", &hold]);
    wait_until("the command runs", || run.stdout().contains("ready"));
    run.signal(Signal::SIGKILL);
    // The command outlives it, and holds its output.
    std::fs::write(&gate, "").unwrap();
    let outcome = run.finish().fails_with(137);
    assert!(is_paused(&pooled));
    let (_, order) = outcome.stderr.split_once("to resume it by hand: ").unwrap();
    let order = order.split(" on the console").next().unwrap();
    pooled.pooler.connect(&[("database", "pgbouncer")]).unwrap().query(order);
    client.query("select 1");
}

#[test]
fn what_cannot_be_paused_in_time_is_resumed() {
    let pooled = pooled("session", &[]);
    let mut client = pooled.working("report");
    let outcome = pooled.run(&["pause", "postgres", "--verify", "10ms"]).fails_with(1);
    assert!(outcome.stderr.contains("each until its client disconnects"), "{outcome}");
    let says = [
        "it was not paused in time; it is resumed",
        "still at work: 1 connection: pid ",
        " for local (report)",
    ];
    assert!(says.iter().all(|says| outcome.stderr.contains(says)), "{outcome}");
    assert!(!is_paused(&pooled));
    let run = start(&pooled, &["pause", "postgres", "--verify", "1h"]);
    wait_until("it waits", || run.stderr().contains("waiting for 1 connection"));
    assert!(is_paused(&pooled));
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    assert!(outcome.stderr.contains("interrupted before it was paused; it is resumed"), "{outcome}");
    client.query("commit");
    assert!(!is_paused(&pooled));
}

#[test]
fn a_pause_lasts_until_it_is_resumed() {
    let (pooled, mut client) = busy("transaction");
    let dry = pooled.run(&["pause", "postgres", "--dry-run", "--json"]).success();
    assert_eq!((&act(&dry)["dry_run"], &act(&dry)["changed"]), (&json!(true), &json!(false)));
    assert!(!is_paused(&pooled));
    let again = format!("pgconn -p {} -U postgres", pooled.pooler.port);
    let paused = pooled.run(&["pause", "postgres"]).success();
    assert!(paused.stdout.starts_with("database postgres: paused after "), "{paused}");
    assert!(
        paused.stderr.contains(&format!("hint: its clients wait until: {again} pooler resume postgres")),
        "{paused}"
    );
    let table = pooled.run(&[]).success().stdout;
    let said = format!(
        "
! database postgres is paused: resume it with {again} pooler resume postgres
"
    );
    assert!(
        table.contains(&said)
            && table.contains(
                "  paused
"
            ),
        "{table}"
    );
    client.send("select 1");
    pooled.wait_for("web", "waiting");
    let twice = pooled.run(&["pause", "postgres"]).success();
    assert!(twice.stdout.contains("was paused already"), "{twice}");
    let refused = pooled.run(&["pause", "postgres", "--", "true"]).fails_with(2);
    assert!(refused.stderr.contains("is paused already, and would not be afterwards"), "{refused}");
    assert!(
        refused.stderr.contains(&format!("resume it first: {again} pooler resume postgres")),
        "{refused}"
    );
    let resumed = pooled.run(&["resume", "postgres", "--json"]).success();
    assert_eq!((&act(&resumed)["changed"], &act(&resumed)["paused"]), (&json!(true), &json!(false)));
    client.finish().unwrap();
    let again = pooled.run(&["resume", "postgres", "-F", "tsv"]).success();
    assert!(again.stdout.contains("resume\tpostgres\tfalse\tfalse\tfalse\t"), "{again}");
    assert!(pooled.run(&["resume", "postgres"]).success().stdout.contains("was not paused"));
}

/// PgBouncer lists no database that its pattern let in and that nothing is connected to, however paused it is.
#[test]
fn a_paused_database_that_nobody_uses_is_resumed_though_no_list_shows_it() {
    let (pooled, client) = busy("transaction");
    drop(client);
    let listed = || pooled.run(&["--json"]).success().json()["databases"].as_array().unwrap().len();
    let gate = pooled.cluster.dir.join("gate");
    let hold = format!("echo ready; until [ -e {} ]; do sleep 0.02; done", gate.display());
    let run = start(&pooled, &["pause", "postgres", "--", "sh", "-c", &hold]);
    wait_until("the command runs", || run.stdout().contains("ready"));
    wait_until("it is in no list any more", || listed() == 0);
    std::fs::write(&gate, "").unwrap();
    let _resumed = run.finish().success();
    pooled.client("web").query("select 1");
    let _paused = pooled.run(&["pause", "postgres"]).success();
    wait_until("its last client is gone", || pooled.clients().is_empty() && listed() == 0);
    let resumed = pooled.run(&["resume", "postgres", "--json"]).success();
    assert_eq!(act(&resumed)["changed"], true, "{resumed}");
    pooled.client("web").query("select 1");
}

#[test]
fn replaced_connections_are_waited_for() {
    let pooled = pooled("transaction", &[]);
    let mut client = pooled.working("web");
    let outcome = pooled.run(&["reconnect", "postgres", "--json"]).success();
    assert_eq!((&act(&outcome)["servers_busy"], &act(&outcome)["undo"]), (&json!(1), &Value::Null));
    let late = pooled.run(&["wait-close", "postgres", "--verify", "10ms"]).fails_with(1);
    assert!(
        late.stderr.contains("1 connection not closed after 10ms") && late.stderr.contains("(web)"),
        "{late}"
    );
    let run = start(&pooled, &["wait-close", "postgres"]);
    wait_until("it waits", || run.stderr().contains("waiting for 1 connection"));
    run.signal(Signal::SIGTERM);
    let _interrupted = run.finish().fails_with(143);
    let run = start(&pooled, &["wait-close", "postgres"]);
    wait_until("it waits", || run.stderr().contains("waiting for 1 connection"));
    client.query("commit");
    let outcome = run.finish().success();
    assert!(outcome.stdout.contains("no connection is left to be closed"), "{outcome}");
    let line = pooled.run(&["reconnect", "postgres", "-F", "ndjson"]).success();
    assert_eq!((line.stdout.lines().count(), &act(&line)["action"]), (1, &json!("reconnect")), "{line}");
    let table = pooled.run(&["reconnect", "postgres"]).success();
    assert!(table.stdout.contains("to be replaced as soon as they are free"), "{table}");
}

#[test]
fn orders_are_refused_for_what_is_not_there_and_who_may_not() {
    let (pooled, _client) = busy("transaction");
    for order in ["pause", "resume", "reconnect", "wait-close"] {
        let outcome = pooled.run(&[order, "postgers"]).fails_with(1);
        assert!(outcome.stderr.contains("the pooler knows no database \"postgers\""), "{outcome}");
        assert!(outcome.stderr.contains("hint: did you mean postgres?"), "{outcome}");
    }
    assert!(pooled.run(&["pause", "pgbouncer"]).fails_with(2).stderr.contains("the console itself"));
    let refused = pooled.as_user("watcher", &["pause", "postgres"]).fails_with(1);
    assert!(
        refused.stderr.contains("admin access needed") && refused.stderr.contains("admin_users"),
        "{refused}"
    );
    let port = pooled.pooler.port.to_string();
    let order =
        |arguments: &[&str]| Pgconn::new(&[&["-p", &port, "pooler"], arguments].concat()).on(&pooled.cluster);
    let outcome = order(&["pause", "postgres"]).env("PGCONN_CONFIRM", "always").run().fails_with(2);
    assert!(outcome.stderr.contains("demands --yes; nothing was done"), "{outcome}");
    let outcome = order(&["pause", "postgres", "--watch"]).run().fails_with(2);
    assert!(outcome.stderr.contains("an order is given once"), "{outcome}");
    assert!(!is_paused(&pooled));
    let mut terminal = order(&["pause", "postgres"]).on_terminal();
    terminal.wait_for("Pause database \"postgres\" on ");
    terminal.type_keys("n\n");
    let outcome = terminal.finish().fails_with(1);
    assert!(outcome.stdout.contains("nothing was done"), "{outcome}");
    let mut terminal = order(&["reconnect", "postgres"]).on_terminal();
    terminal.wait_for("[y/N] ");
    terminal.type_keys("y\n");
    let _done = terminal.finish().success();
    assert!(!is_paused(&pooled));
}
