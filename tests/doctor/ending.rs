//! How an audit ends: early, and with commands that run.

use super::super::common::{Cluster, Pgconn, binaries, wait_until, with};
use super::{doctor, finding};
use nix::sys::signal::Signal;
use serde_json::Value;

/// It has begun a second look at the sessions, and so has the answer of the first.
fn goes_on(server: &Cluster) {
    for _ in 0..2 {
        let now = server.value("select clock_timestamp()");
        server.wait_until(&format!(
            "exists (select from pg_stat_activity where application_name = 'pgconn' and state = 'idle' \
             and query like '%as idle_seconds%' and query_start > '{now}')"
        ));
    }
}

/// The clients that come back are no churn, and no leak.
#[test]
fn it_goes_on_after_a_restart_and_says_what_it_did_not_see() {
    let mut server = with(&[("max_connections", "60")]);
    server.query("create role app login");
    let clients = |server: &Cluster| -> Vec<_> {
        let parameters = [("user", "app"), ("application_name", "web")];
        (0..12).map(|_| server.connect(&parameters).unwrap()).collect()
    };
    let before = clients(&server);
    let running = doctor(&server, &["--for", "5s", "--connect-wait", "1h"]).spawn();
    goes_on(&server);
    drop(before);
    server.stop();
    server.launch(&|| true).unwrap();
    let _after = clients(&server);
    let seen = running.finish().success();
    let document = seen.json();
    assert_eq!(document["warnings"][0]["code"], "interrupted", "{seen}");
    assert_eq!(finding(&document, "pooling")["status"], "pass", "{seen}");
    assert_eq!(finding(&document, "pool-growth")["status"], "unknown", "{seen}");
}

#[test]
fn what_was_seen_until_the_server_went_is_told() {
    let mut server = with(&[("max_connections", "20")]);
    server.query("create role app login");
    let running = doctor(&server, &["--for", "1h"]).spawn();
    goes_on(&server);
    server.stop();
    let seen = running.finish().fails_with(4);
    let document = seen.json();
    assert_eq!(document["warnings"][0]["code"], "cut_short", "{seen}");
    assert_eq!(finding(&document, "statement-timeout")["status"], "warn", "{seen}");
}

#[test]
fn what_was_seen_until_ctrl_c_is_told() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role app login");
    let _left = server.idle_in_transaction(&[("user", "app"), ("application_name", "left")], "select 1");
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let running = doctor(&server, &["--for", "1h"]).spawn();
        goes_on(&server);
        running.signal(signal);
        let seen = running.finish().fails_with(code);
        let document = seen.json();
        assert_eq!(document["warnings"][0]["code"], "cut_short", "{seen}");
        assert!(document["sampled_seconds"].as_f64().unwrap() < 60.0, "{seen}");
        assert_eq!(finding(&document, "statement-timeout")["status"], "warn", "{seen}");
        server.wait_until("not exists (select from pg_stat_activity where application_name = 'pgconn')");
    }
}

/// Every command that a finding proposes, on the demo: it is pasted as it stands.
#[test]
fn every_proposed_command_runs_as_it_is_printed() {
    let programs = binaries();
    let demo = Pgconn::new(&["demo", "--keep"]).env("PGCONN_PG_BINDIR", programs.to_str().unwrap()).spawn();
    wait_until("the demo holds", || demo.stderr().contains("Ctrl-C"));
    let uri = demo.stdout().lines().next().unwrap().to_owned();
    let audit = Pgconn::new(&["doctor", "--for", "1s", "--json", "-d", &uri]).run().success().json();
    let check = Pgconn::new(&[
        "check",
        "--json",
        "-d",
        &uri,
        "--critical",
        "idle-xact=0s",
        "--critical",
        "long-xact=0s",
        "--critical",
        "long-query=0s",
        "--critical",
        "blocked=0s",
        "--critical",
        "prepared-xact=0s",
        "--critical",
        "oldest-xmin=0",
        "--critical",
        "free=99:",
        "--critical",
        "states:waiting=0",
        "--critical",
        "connections=0",
    ])
    .run()
    .json();
    let text = |list: &Value, key: &str| -> Vec<String> {
        let texts = list.as_array().unwrap().iter().filter_map(|row| row[key].as_str().map(str::to_owned));
        texts.collect()
    };
    let proposed = [text(&audit["findings"], "next_command"), text(&check["checks"], "hint")].concat();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_pgconn")).parent().unwrap().display().to_string();
    let path = format!("{program}:{}", std::env::var("PATH").unwrap());
    let passwords = uri.split_once("passfile=").unwrap().1.replace("%2F", "/");
    let mut tried = 0;
    for line in proposed.iter().map(|line| line.replace(" 1m", " 1s")) {
        // A sentence is no command; SQL is for a session.
        let (command, arguments) = match line.split(' ').next().unwrap() {
            "pgconn" | "psql" => ("bash", vec!["-c".to_owned(), format!("{line} </dev/null")]),
            word if word.chars().all(|letter| letter.is_ascii_uppercase()) => (
                "psql",
                vec![
                    "-X".to_owned(),
                    "-v".to_owned(),
                    "ON_ERROR_STOP=1".to_owned(),
                    "-d".to_owned(),
                    uri.clone(),
                    "-c".to_owned(),
                    line.clone(),
                ],
            ),
            _ => continue,
        };
        tried += 1;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let seen = Pgconn::of(command, &arguments)
            .env("PATH", path.clone())
            .env("PGPASSFILE", passwords.clone())
            .run();
        assert_eq!(seen.code, 0, "{line}\n{seen}");
    }
    assert!(tried > 8, "{proposed:?}");
    demo.signal(Signal::SIGINT);
    let _ended = demo.finish();
}
