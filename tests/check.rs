//! `check`: verdicts, exit codes and forms on real servers in every trouble.

mod backends;
mod counts;
mod horizon;
mod lasting;
mod limits;
mod plugin;
mod seldom;
mod unreachable;

use super::common::{Cluster, Outcome, PgBouncer, Pgconn, Session, shared, wait_until, with, with_files};
use serde_json::Value;
use std::sync::OnceLock;

fn check(cluster: &Cluster, arguments: &[&str]) -> Outcome {
    Pgconn::new(&[&["check"], arguments].concat()).on(cluster).run()
}

/// The same where sessions are counted, on a server of the test's own.
fn counted(cluster: &Cluster, arguments: &[&str]) -> Outcome {
    Pgconn::new(&[&["check"], arguments].concat()).on(cluster).settling(cluster).run()
}

/// Runs it for its exit code alone.
#[track_caller]
fn exits(cluster: &Cluster, arguments: &[&str], code: i32) {
    let _seen = check(cluster, arguments).fails_with(code);
}

/// A server that nobody else uses, with a role that sees nothing of others; tests tell their sessions apart by name.
fn server() -> &'static Cluster {
    static SERVER: OnceLock<Cluster> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = with(&[("max_connections", "60"), ("max_prepared_transactions", "4")]);
        server.query("create role plain login");
        server
    })
}

fn rule<'a>(document: &'a Value, name: &str) -> &'a Value {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["rule"] == name).unwrap()
}

/// An idle transaction, old enough for a threshold of a millisecond.
fn left_open(server: &Cluster, application: &str) -> Session {
    let session = server.idle_in_transaction(&[("application_name", application)], "select 1");
    server.wait_until(&format!(
        "(select clock_timestamp() - state_change > interval '2 ms' from pg_stat_activity where pid = {})",
        session.pid
    ));
    session
}

#[test]
fn a_healthy_server_is_ok_and_quiet_says_nothing() {
    let server = with(&[("max_connections", "20")]);
    let seen = counted(&server, &[]).success();
    assert!(seen.stdout.starts_with("PGCONN OK: 1 of 17 usable connections in use (6%)\n"), "{seen}");
    assert_eq!(seen.stderr, "", "{seen}");
    let quiet = counted(&server, &["-q"]).success();
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let document = counted(&server, &["--json", "-q"]).success().json();
    assert_eq!((document["status"].as_str(), document["exit_code"].as_u64()), (Some("ok"), Some(0)));
    assert_eq!(document["waiting"], 0);
    assert!(document["latency_seconds"].as_f64().unwrap() > 0.0);
    let rules: Vec<&str> =
        document["checks"].as_array().unwrap().iter().map(|c| c["rule"].as_str().unwrap()).collect();
    assert_eq!(
        rules,
        [
            "reachable",
            "connections",
            "idle-xact",
            "long-query",
            "long-xact",
            "blocked",
            "prepared-xact",
            "oldest-xmin",
            "closed"
        ]
    );
    assert_eq!(rule(&document, "idle-xact")["warning"], "300");
    assert_eq!(rule(&document, "connections")["critical"], "16");
    for (format, lines) in [("tsv", 10), ("ndjson", 9), ("nagios", 1)] {
        let seen = counted(&server, &["-F", format]).success();
        assert_eq!(seen.stdout.lines().count(), lines, "{seen}");
    }
}

#[test]
fn an_open_transaction_is_found_and_its_owner_named() {
    let server = server();
    let session = left_open(server, "shop's|worker");
    let pid = session.pid;
    let ours = ["--app", "shop's|worker", "--critical", "idle-xact=1ms"];
    let seen = check(server, &ours).fails_with(2);
    let first = seen.stdout.lines().next().unwrap();
    assert!(first.starts_with("PGCONN CRITICAL: idle-xact: 1 transaction idle for "), "{seen}");
    assert!(
        first.ends_with(&format!(": pid {pid} (shop's|worker, role postgres, local) (over 1ms)")),
        "{seen}"
    );
    assert!(seen.stdout.ends_with(&format!("\nnext: pgconn show {pid}\n")), "{seen}");
    let nagios = check(server, &[&ours[..], &["-F", "nagios"]].concat()).fails_with(2);
    let (text, _) = nagios.stdout.split_once(" | ").unwrap();
    assert!(text.contains("shop's/worker") && nagios.stdout.matches('|').count() == 1, "{nagios}");
    // The backup that is known to take its time is left out, and so is everything that is not ours.
    exits(server, &["--app", "!shop*", "--app", "nobody", "--critical", "idle-xact=1ms"], 0);
    exits(server, &["long-xact", "--app", "shop*", "--warning", "long-xact=1ms"], 1);
    exits(server, &["long-query", "--app", "shop*", "--critical", "long-query=1ms"], 0);
    drop(session);
}

#[test]
fn a_queue_for_a_lock_names_its_head_to_everybody() {
    let server = server();
    server.query("create table queue ()");
    let holder = server.idle_in_transaction(&[("application_name", "queue head")], "lock table queue");
    let middle = server.waiting(&[("application_name", "queue")], "begin; lock table queue");
    let last = server.waiting(&[("application_name", "queue")], "begin; lock table queue");
    let arguments = ["blocked", "--app", "queue", "--critical", "blocked=1ms", "--json"];
    let mut document = Value::Null;
    wait_until("the wait is over a millisecond", || {
        let seen = check(server, &arguments);
        document = seen.json();
        seen.code == 2
    });
    let message = rule(&document, "blocked")["message"].as_str().unwrap();
    assert!(message.starts_with("2 sessions wait for locks, the longest for "), "{message}");
    assert!(message.contains(&format!("behind pid {} (queue head, ", holder.pid)), "{message}");
    assert_eq!(document["waiting"], 2);
    assert_eq!(rule(&document, "blocked")["hint"], "pgconn blockers");
    // What the activity view hides from it, a role without any rights still learns from pg_locks (14 and later).
    let plain = check(server, &[&arguments[..], &["-U", "plain"]].concat());
    if server.major() >= 14 {
        let document = plain.fails_with(2).json();
        let message = rule(&document, "blocked")["message"].as_str().unwrap();
        assert!(message.contains(&format!("pid {}", holder.pid)), "{message}");
    } else {
        assert_eq!(rule(&plain.fails_with(3).json(), "blocked")["status"], "unknown");
    }
    drop((last, middle, holder));
}

#[test]
fn a_forgotten_prepared_transaction_is_found() {
    let server = server();
    let mut session = server.session();
    session.query("begin");
    session.query("create table prepared ()");
    session.query("prepare transaction 'two''phase'");
    let seen = check(server, &["prepared-xact", "--critical", "prepared-xact=0"]).fails_with(2);
    assert!(seen.stdout.contains("\"two'phase\" of role postgres in database postgres"), "{seen}");
    assert!(seen.stdout.contains("ROLLBACK PREPARED 'two''phase'"), "{seen}");
    session.query("rollback prepared 'two''phase'");
    exits(server, &["prepared-xact", "--critical", "prepared-xact=0"], 0);
}

#[test]
fn the_limit_of_a_role_or_database_counts_before_the_server_is_full() {
    let server = with(&[("max_connections", "40")]);
    server.query("create role app login connection limit 5");
    server.query("create database shop connection limit 2");
    server.query("create role closed login connection limit 0");
    let exits = |arguments: &[&str], code| drop(counted(&server, arguments).fails_with(code));
    let as_app = || server.connect(&[("user", "app")]).unwrap();
    let _four = [as_app(), as_app(), as_app(), as_app()];
    exits(&["connections"], 0);
    let _fifth = as_app();
    let seen = counted(&server, &["connections", "-F", "nagios"]).fails_with(2);
    assert_eq!(
        seen.stdout,
        "PGCONN CRITICAL: connections: role \"app\" uses 5 of its 5 connections (100%) (over 4) | \
         connections=6;29;35;0;37 'role app'=5;4;4;0;5 'database shop'=0;1;1;0;2 'database postgres'=6;;;0 'database template1'=0;;;0\n"
    );
    let document = counted(&server, &["connections", "--json"]).fails_with(2).json();
    assert_eq!(rule(&document, "connections")["hint"], "pgconn stats --role app");
    exits(&["connections", "--critical", "connections=~:"], 1);
    exits(&["connections", "--critical", "connections=~:", "--warning", "connections=100%"], 0);
    exits(&["connections", "--warning", "connections=~:", "--critical", "connections=@3:4"], 0);
    exits(&["connections", "--warning", "connections=~:", "--critical", "connections=@5:6"], 2);
}

#[test]
fn what_is_hidden_is_unknown_and_never_ok() {
    let server = server();
    server.query("create role blind login");
    let session = left_open(server, "hidden");
    let seen = check(server, &["-U", "blind", "--app", "hidden"]).fails_with(3);
    let first = seen.stdout.lines().next().unwrap();
    assert_eq!(
        first,
        "PGCONN UNKNOWN: idle-xact: no transaction seen idle; 1 session is hidden; also long-query UNKNOWN, long-xact UNKNOWN"
    );
    assert!(seen.stdout.ends_with("next: GRANT pg_monitor TO \"blind\"\n"), "{seen}");
    let nagios = check(server, &["-U", "blind", "--app", "hidden", "-F", "nagios"]).fails_with(3);
    assert!(nagios.stdout.contains(" idle-xact=U;300;1800"), "{nagios}");
    // Rules that nothing hidden can change, and filters that hidden sessions are known not to match.
    exits(
        server,
        &["-U", "blind", "--app", "hidden", "reachable", "connections", "prepared-xact", "blocked", "-q"],
        0,
    );
    let others = check(server, &["-U", "blind", "--app", "nobody has this", "-q"]).success();
    assert_eq!((others.stdout.as_str(), others.stderr.as_str()), ("", ""));
    server.query("grant pg_monitor to blind");
    exits(server, &["-U", "blind", "--app", "hidden"], 0);
    drop(session);
}

#[test]
fn a_filter_that_names_nobody_is_unknown() {
    let seen = check(shared(), &["--db", "postgers"]).fails_with(3);
    assert!(seen.stdout.contains("there is no database \"postgers\""), "{seen}");
    assert!(seen.stdout.contains("next: did you mean --db postgres?"), "{seen}");
    exits(shared(), &["--db", "postgers", "reachable"], 3);
    let regex = check(shared(), &["--query", "("]).fails_with(3);
    assert!(regex.stdout.is_empty() && regex.stderr.contains("parentheses"), "{regex}");
}

#[test]
fn a_standby_and_a_pooler_are_judged_like_any_server() {
    let standby = with_files(&[("max_connections", "100")], &[("standby.signal", "")]);
    let document = check(&standby, &["--json"]).success().json();
    assert_eq!(document["server"]["in_recovery"], true);
    let server = server();
    let pooler = PgBouncer::start(server, &[], &[("pool_mode", "transaction")]);
    let port = pooler.port.to_string();
    let seen = Pgconn::new(&[
        "check",
        "connections",
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-U",
        "postgres",
        "-d",
        "postgres",
    ]);
    let _ = seen.run().success();
}

#[test]
fn every_alert_has_its_culprit_and_the_next_command_its_server() {
    let server = with(&[("max_connections", "20")]);
    let left = server.idle_in_transaction(&[("application_name", "left")], "select 1");
    let over = ["--warning", "idle-xact=1ms", "--warning", "long-xact=1ms"];
    let place = [
        "-d",
        &format!("postgresql://postgres:s3cret@/postgres?host={}&port={}", server.host(), server.port),
    ];
    let run = |more: &[&str]| {
        Pgconn::new(&[&["check", "idle-xact", "long-xact"], &over[..], &place[..], more].concat()).run()
    };
    let plugin = run(&["-F", "nagios"]).fails_with(1);
    let lines: Vec<&str> = plugin.stdout.lines().collect();
    let culprit = format!("pid {} (left", left.pid);
    assert!(lines[0].starts_with("PGCONN WARNING: idle-xact: ") && lines[0].contains(" | "), "{plugin}");
    assert!(lines[1].starts_with("long-xact WARNING: ") && lines[1].contains(&culprit), "{plugin}");
    assert_eq!(lines.len(), 2, "{plugin}");
    let hint = run(&["--json"]).fails_with(1).json()["checks"][1]["hint"].as_str().unwrap().to_owned();
    let (host, port, pid) = (server.host(), server.port, left.pid);
    let command = format!("pgconn -h {host} -p {port} -U postgres -d postgres show {pid}");
    assert_eq!(hint, command);
    let words: Vec<&str> = hint.split(' ').skip(1).collect();
    let _ = Pgconn::new(&words).run().success();
}
