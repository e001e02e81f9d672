//! Servers that are full, away or silent.

use super::super::common::{Pgconn, Session, with};
use super::{check, counted, rule};
use serde_json::Value;
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[test]
fn a_full_server_is_critical_with_the_reason() {
    let server = with(&[("max_connections", "5"), ("superuser_reserved_connections", "1")]);
    server.query("create role app login");
    let sessions: Vec<Session> = (0..4).map(|_| server.connect(&[("user", "app")]).unwrap()).collect();
    let seen = counted(&server, &["-U", "app", "--json"]).fails_with(2);
    let document = seen.json();
    assert_eq!((document["status"].as_str(), document["exit_code"].as_u64()), (Some("critical"), Some(2)));
    assert!(rule(&document, "reachable")["message"].as_str().unwrap().contains("remaining connection slots"));
    assert_eq!(rule(&document, "idle-xact")["status"], "unknown");
    assert_eq!(document["latency_seconds"], Value::Null);
    assert_eq!(seen.stderr, "", "{seen}");
    // Whatever rule was asked for.
    let nagios = counted(&server, &["-U", "app", "idle-xact", "-F", "nagios"]).fails_with(2);
    assert!(nagios.stdout.starts_with("PGCONN CRITICAL: reachable: "), "{nagios}");
    // A superuser still gets in, and says so.
    let inside = counted(&server, &["connections"]).fails_with(2);
    assert!(inside.stdout.contains("5 of 4 usable connections in use (125%)"), "{inside}");
    drop(sessions);
}

#[test]
fn a_server_that_is_down_or_hangs_is_critical_within_the_limit() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let began = Instant::now();
    let seen = Pgconn::new(&[
        "check",
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-U",
        "x",
        "-d",
        "x",
        "-t",
        "300ms",
        "-F",
        "nagios",
    ])
    .run();
    let seen = seen.fails_with(2);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(seen.stdout.starts_with("PGCONN CRITICAL: reachable: "), "{seen}");
    drop(silent);
    let down = Pgconn::new(&["check", "-h", "127.0.0.1", "-p", &port, "-U", "x", "-d", "x", "--json"]).run();
    let document = down.fails_with(2).json();
    assert_eq!(document["kind"], "check");
    assert_eq!(document["target"]["host"], "127.0.0.1");
    assert_eq!(document["status"], "critical");
    // A login that waits for a lock: connected, but never answered.
    let server = with(&[("max_connections", "10")]);
    let _holder = server.idle_in_transaction(&[], "lock table pg_catalog.pg_authid in access exclusive mode");
    let seen = check(&server, &["-t", "300ms"]).fails_with(2);
    assert!(seen.stdout.starts_with("PGCONN CRITICAL: reachable: "), "{seen}");
}

#[test]
fn the_emergency_lane_is_refused_and_a_full_server_says_what_is_taken() {
    const FULL: &str = "sorry, too many clients already (every slot of the server is taken: max_connections, reserved ones included)";
    let server = with(&[("max_connections", "5"), ("superuser_reserved_connections", "0")]);
    let outcome = Pgconn::new(&["check", "--emergency", "always"]).on(&server).run().fails_with(3);
    assert!(outcome.stderr.starts_with("error: check takes no emergency lane"), "{outcome}");
    let _sessions: Vec<_> = std::iter::from_fn(|| server.connect(&[]).ok()).collect();
    let line = Pgconn::new(&["check", "-F", "nagios"]).on(&server).run().fails_with(2);
    assert!(line.stdout.contains(FULL), "{line}");
    let waited = ["check", "--connect-wait", "30s", "-t", "2s", "-F", "nagios"];
    let line = Pgconn::new(&waited).on(&server).run().fails_with(2);
    assert!(
        line.stdout.contains("reachable: still refused after 2s: ") && line.stdout.contains(FULL),
        "{line}"
    );
}
