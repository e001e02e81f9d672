//! `doctor`: findings on a clean server, and on servers with real clients that behave badly.

mod accepted;
mod ending;

use super::common::{Cluster, Outcome, PgBouncer, Pgconn, Session, binaries, wait_until, with, with_files};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, UdpSocket};
use std::thread;
use std::time::Duration;

fn doctor(cluster: &Cluster, arguments: &[&str]) -> Pgconn {
    Pgconn::new(&[&["doctor", "--json"], arguments].concat()).on(cluster)
}

fn finding<'a>(document: &'a Value, rule: &str) -> &'a Value {
    let findings = document["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["rule"] == rule).unwrap_or_else(|| panic!("{rule}: {document:#}"))
}

/// The rules that did not pass, with how they ended.
fn troubles(document: &Value) -> BTreeMap<&str, &str> {
    let findings = document["findings"].as_array().unwrap().iter();
    let word = |finding: &'_ Value, key: &str| finding[key].as_str().unwrap().to_owned();
    findings
        .filter(|finding| word(finding, "status") != "pass")
        .map(|finding| (finding["rule"].as_str().unwrap(), finding["status"].as_str().unwrap()))
        .collect()
}

/// Does `step` again and again until the program has ended.
fn meanwhile(watching: Pgconn, mut step: impl FnMut()) -> Outcome {
    let running = watching.spawn();
    let end = thread::spawn(move || running.finish());
    while !end.is_finished() {
        step();
    }
    end.join().unwrap()
}

/// A server as it should be, with a role that monitors and one for an application.
fn well_kept() -> Cluster {
    let minutes = ("idle_in_transaction_session_timeout", "5min");
    let mut settings = vec![("max_connections", "60"), ("statement_timeout", "30s"), minutes];
    let version = with(&[]).major();
    if version >= 16 {
        settings.push(("reserved_connections", "2"));
    }
    let server = with(&settings);
    server.query("create role app login connection limit 40");
    server.query("create role monitor login connection limit 3 in role pg_monitor");
    if version >= 16 {
        server.query("grant pg_use_reserved_connections to monitor");
    }
    server
}

#[test]
fn a_clean_server_at_work_passes_every_rule() {
    let server = well_kept();
    let api = [("user", "app"), ("application_name", "api")];
    let mut pool: Vec<Session> = (0..12).map(|_| server.connect(&api).unwrap()).collect();
    let psql = server.connect(&[("application_name", "psql")]).unwrap();
    let outcome = meanwhile(doctor(&server, &["-U", "monitor", "--for", "1500ms", "--exit-code"]), || {
        pool.iter_mut().take(6).for_each(|session| session.send("select pg_sleep(0.02)"));
        pool.iter_mut().take(6).for_each(|session| assert!(session.finish().is_ok()));
    })
    .success();
    let document = outcome.json();
    assert_eq!(troubles(&document), BTreeMap::new(), "{outcome}");
    assert!(document["findings"].as_array().unwrap().len() >= 17);
    assert!(document["sampled_seconds"].as_f64().unwrap() >= 1.5);
    drop(psql);
}

#[test]
fn the_demo_has_exactly_the_problems_it_is_said_to_have() {
    let version = with(&[]).major();
    let programs = binaries();
    let demo =
        Pgconn::new(&["demo", "--", "doctor", "--json"]).env("PGCONN_PG_BINDIR", programs.to_str().unwrap());
    let seen = demo.run().success();
    let document = seen.json();
    let mut expected = BTreeMap::from([
        ("pooling", "warn"),
        ("pool-growth", "warn"),
        ("connection-limits", "warn"),
        ("idle-in-transaction", "warn"),
        ("prepared-xact", "warn"),
        ("statement-timeout", "warn"),
        ("idle-in-transaction-timeout", "warn"),
        ("superuser", "warn"),
    ]);
    if version >= 16 {
        expected.insert("reserved-slots", "warn");
    }
    let mut found = troubles(&document);
    if version < 14 && finding(&document, "pooling")["status"] == "unknown" {
        // The server counts no sessions: how many are seen of those that live some milliseconds depends on the machine.
        found.insert("pooling", "warn");
    }
    assert_eq!(found, expected, "{seen}");
    let evidence = |rule: &str| finding(&document, rule)["evidence"].as_str().unwrap().to_owned();
    assert!(
        evidence("pooling").contains(" seen, most of thumbnails.php (role web) from 127.0.0.1"),
        "{seen}"
    );
    assert!(evidence("pool-growth").starts_with("orders-api (role web) grew from "), "{seen}");
    assert!(evidence("prepared-xact").starts_with("\"invoice-4711\" of role worker"), "{seen}");
    assert!(
        evidence("statement-timeout").starts_with("no statement_timeout for 6 of 6 login roles: "),
        "{seen}"
    );
    assert!(
        evidence("superuser").contains("migrate") && evidence("superuser").contains("untracked"),
        "{seen}"
    );
}

#[test]
fn a_connection_per_request_is_found_with_its_source() {
    let server = with(&[("max_connections", "60")]);
    server.query("create role app login connection limit 50");
    server.query("alter role app set statement_timeout = '30s'");
    let named = [("user", "app"), ("application_name", "per request")];
    let outcome = meanwhile(doctor(&server, &["--for", "3s"]), || {
        server.connect(&named).unwrap().query("select pg_sleep(0.005)");
        thread::sleep(Duration::from_millis(20));
    });
    let document = outcome.success().json();
    let pooling = finding(&document, "pooling");
    assert_ne!(pooling["status"], "pass", "{document:#}");
    let evidence = pooling["evidence"].as_str().unwrap();
    let (before, whose) = evidence.split_once(" of them seen, ").unwrap();
    assert!(whose.starts_with("most of per request (role app) from local"), "{pooling}");
    // They live a few milliseconds each: how many are met depends on how busy the machine is.
    let caught: u32 = before.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(caught >= 1, "{pooling}");
    assert_eq!(pooling["next_command"], "pgconn ls --app 'per request'");
    assert_eq!(finding(&document, "pool-growth")["status"], "pass", "{document:#}");
    assert_eq!(finding(&document, "statement-timeout")["status"], "pass", "{document:#}");
    assert_eq!(finding(&document, "idle-in-transaction-timeout")["status"], "warn", "{document:#}");
    assert_eq!(finding(&document, "connection-limits")["status"], "pass", "{document:#}");
}

#[test]
fn a_leaking_pool_is_found_with_its_source() {
    let server = with(&[("max_connections", "60")]);
    server.query("create role app login");
    let mut leaked: Vec<Session> = Vec::new();
    let outcome = meanwhile(doctor(&server, &["--for", "2s"]), || {
        if leaked.len() < 50 {
            leaked.push(server.connect(&[("user", "app"), ("application_name", "leaking")]).unwrap());
        }
        thread::sleep(Duration::from_millis(60));
    });
    let document = outcome.success().json();
    let growth = finding(&document, "pool-growth");
    assert_eq!(growth["status"], "warn", "{document:#}");
    assert!(growth["evidence"].as_str().unwrap().starts_with("leaking (role app) grew from "), "{growth}");
    assert_eq!(finding(&document, "pooling")["status"], "pass", "{document:#}");
}

#[test]
fn what_goes_through_a_transaction_pooler_is_told_from_what_does_not() {
    let server = with(&[("max_connections", "60")]);
    server.query("create role app login");
    let settings = [("pool_mode", "transaction"), ("default_pool_size", "1")];
    let pooler = PgBouncer::start(&server, &["app"], &settings);
    let by = |name: &str| pooler.connect(&[("user", "app"), ("application_name", name)]).unwrap();
    let (mut function, mut migration) = (by("vercel-checkout"), by("flyway"));
    // Longer than from one look to the next, so that both are seen on the one session that they share.
    let outcome = meanwhile(doctor(&server, &["--for", "4s"]), || {
        function.query("select pg_sleep(0.4)");
        migration.query("select pg_sleep(0.4)");
    });
    let document = outcome.success().json();
    assert_eq!(finding(&document, "serverless")["status"], "pass", "{document:#}");
    let long = finding(&document, "long-work");
    assert_eq!(
        (long["status"].as_str(), long["next_command"].as_str()),
        (Some("warn"), Some("pgconn ls --app flyway"))
    );
    drop((function, migration));
    let direct = [("user", "app"), ("application_name", "vercel-checkout")];
    let outcome = meanwhile(doctor(&server, &["--for", "2s"]), || {
        server.connect(&direct).unwrap().query("select pg_sleep(0.05)");
    });
    let document = outcome.success().json();
    let serverless = finding(&document, "serverless");
    assert_eq!(serverless["status"], "warn", "{document:#}");
    assert!(
        serverless["evidence"]
            .as_str()
            .unwrap()
            .starts_with("vercel-checkout (role app) opens sessions of its own")
    );
    // The pooler still holds a session of the migration, which others with its role and address could share.
    assert_eq!(finding(&document, "long-work")["status"], "unknown", "{document:#}");
}

/// An address of this machine that is not the loopback's, as a client elsewhere would have; nothing is sent for it.
fn outer_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("198.51.100.1:9").ok()?;
    Some(socket.local_addr().unwrap().ip()).filter(|address| !address.is_loopback())
}

#[test]
fn plaintext_from_another_address_is_found_and_tls_is_not() {
    // A machine without a network has no such client.
    let Some(address) = outer_address() else { return };
    let pair = Pgconn::of(
        "openssl",
        &[
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=db", "-days", "2", "-keyout", "-",
            "-out", "-",
        ],
    );
    let pair = pair.run().success().stdout;
    let (key, certificate) = pair.split_at(pair.find("-----BEGIN CERTIFICATE").unwrap());
    let server = with_files(
        &[("listen_addresses", &format!("127.0.0.1,{address}")), ("ssl", "on")],
        &[
            ("server.key", key),
            ("server.crt", certificate),
            ("pg_hba.conf", &format!("local all all trust\nhost all all {address}/32 trust\n")),
        ],
    );
    server.query("create role app login");
    let client = |mode: &str| {
        let run = Pgconn::new(&["ls", "--json", "--watch=1h"]).on(&server).env("PGHOST", address.to_string());
        let running = run.env("PGUSER", "app").env("PGAPPNAME", mode).env("PGSSLMODE", mode).spawn();
        wait_until("the client is there", || !running.stdout().is_empty());
        running
    };
    let audit = || doctor(&server, &["--for", "100ms"]).run().success().json();
    let encrypted = client("require");
    let document = audit();
    assert_eq!(finding(&document, "tls")["status"], "pass", "{document:#}");
    let plain = client("disable");
    let document = audit();
    let tls = finding(&document, "tls");
    assert_eq!(tls["status"], "warn", "{document:#}");
    assert_eq!(tls["evidence"], "1 session from other machines without TLS, most of disable", "{tls}");
    for running in [encrypted, plain] {
        running.signal(Signal::SIGINT);
        let _ended = running.finish().success();
    }
}

#[test]
fn watching_again_and_again_and_its_progress() {
    let server = with(&[("max_connections", "20")]);
    let running = doctor(&server, &["--for", "100ms", "--watch=100ms"]).spawn();
    wait_until("two audits", || running.stdout().lines().count() > 1);
    running.signal(Signal::SIGINT);
    let audits = running.finish().success().ndjson();
    assert!(audits.len() > 1 && audits.iter().all(|audit| audit["kind"] == "doctor"), "{audits:?}");
    let mut terminal = Pgconn::new(&["doctor", "--for", "1h"]).on(&server).on_terminal();
    terminal.wait_for("watching, 1h 00m left");
    terminal.type_keys("\u{3}");
    let _ended = terminal.finish().fails_with(130);
}

#[test]
fn what_cannot_be_judged_says_why() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role plain login");
    let _other = server.connect(&[("application_name", "")]).unwrap();
    let document = doctor(&server, &["--for", "300ms", "-U", "plain"]).run().success().json();
    assert_eq!(finding(&document, "monitoring-role")["status"], "fail");
    assert_eq!(finding(&document, "monitoring-role")["next_command"], "GRANT pg_monitor TO \"plain\"");
    let pool = finding(&document, "pool-size");
    assert_eq!((pool["status"].as_str(), pool["advice"].as_str()), (Some("unknown"), None));
    assert!(pool["evidence"].as_str().unwrap().contains("1 session hidden from role \"plain\""), "{pool}");
    for rule in ["idle-sessions", "idle-in-transaction", "long-work", "serverless", "tls"] {
        let finding = finding(&document, rule);
        assert_eq!(finding["status"], "unknown", "{finding}");
        assert!(!finding["evidence"].as_str().unwrap().is_empty(), "{finding}");
    }
    assert_eq!(finding(&document, "application-name")["status"], "warn");
    let _judged = doctor(&server, &["--for", "300ms", "-U", "plain", "--exit-code"]).run().fails_with(2);
    let _down = doctor(&server, &["-p", "1"]).run().fails_with(3);
    let _judged = doctor(&server, &["-p", "1", "--exit-code"]).run().fails_with(2);
}
