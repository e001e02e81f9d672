//! `doctor`: findings on a clean server, and on servers with real clients that behave badly.

use super::common::{Cluster, Pgconn, Session, with};
use serde_json::Value;

fn doctor(cluster: &Cluster, arguments: &[&str]) -> Pgconn {
    Pgconn::new(&[&["doctor", "--json"], arguments].concat()).on(cluster)
}

fn finding<'a>(document: &'a Value, rule: &str) -> &'a Value {
    let findings = document["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["rule"] == rule).unwrap_or_else(|| panic!("{rule}: {document:#}"))
}

/// Opens sessions until the program has ended; `keep` says how many of them stay open at a time.
fn clients(server: &Cluster, application: &str, keep: usize, watching: Pgconn) -> Value {
    let running = watching.spawn();
    let mut sessions: Vec<Session> = Vec::new();
    let end = std::thread::spawn(move || running.finish());
    while !end.is_finished() {
        if sessions.len() < 60 {
            sessions.push(server.connect(&[("user", "app"), ("application_name", application)]).unwrap());
        }
        if sessions.len() > keep {
            sessions.remove(0);
        }
        std::thread::sleep(std::time::Duration::from_millis(40));
    }
    end.join().unwrap().json()
}

#[test]
fn a_clean_server_passes_every_rule() {
    let server = with(&[("max_connections", "20")]);
    let outcome = doctor(&server, &["--for", "300ms", "--exit-code"]).run().success();
    let document = outcome.json();
    assert!(document["findings"].as_array().unwrap().iter().all(|f| f["status"] == "pass"), "{outcome}");
    assert!(document["sampled_seconds"].as_f64().unwrap() >= 0.3);
}

#[test]
fn a_connection_per_request_and_a_leaking_pool_are_found_with_their_source() {
    let server = with(&[("max_connections", "100")]);
    server.query("create role app login connection limit 90");
    server.query("alter role app set statement_timeout = '30s'");
    let document = clients(&server, "per request", 8, doctor(&server, &["--for", "3s"]));
    let pooling = finding(&document, "pooling");
    assert_ne!(pooling["status"], "pass", "{document:#}");
    assert!(pooling["evidence"].as_str().unwrap().contains("per request (role app)"), "{pooling}");
    assert_eq!(pooling["next_command"], "pgconn ls --app 'per request'");
    assert_eq!(finding(&document, "pool-growth")["status"], "pass", "{document:#}");
    assert_eq!(finding(&document, "statement-timeout")["status"], "pass", "{document:#}");
    assert_eq!(finding(&document, "idle-in-transaction-timeout")["status"], "warn", "{document:#}");
    assert_eq!(finding(&document, "connection-limits")["status"], "pass", "{document:#}");
    let document = clients(&server, "leaking", usize::MAX, doctor(&server, &["--for", "3s"]));
    let growth = finding(&document, "pool-growth");
    assert_eq!(growth["status"], "warn", "{document:#}");
    assert!(growth["evidence"].as_str().unwrap().starts_with("leaking (role app) grew from "), "{growth}");
    assert_eq!(finding(&document, "pooling")["status"], "pass", "{document:#}");
}

#[test]
fn what_cannot_be_judged_says_why() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role plain login");
    let _other = server.connect(&[("application_name", "")]).unwrap();
    let document = doctor(&server, &["--for", "300ms", "-U", "plain"]).run().success().json();
    assert_eq!(finding(&document, "monitoring-role")["status"], "fail");
    assert_eq!(finding(&document, "monitoring-role")["next_command"], "GRANT pg_monitor TO plain");
    let pool = finding(&document, "pool-size");
    assert_eq!((pool["status"].as_str(), pool["advice"].as_str()), (Some("unknown"), None));
    assert!(pool["evidence"].as_str().unwrap().contains("1 session hidden from role \"plain\""), "{pool}");
    assert_eq!(finding(&document, "application-name")["status"], "warn");
    let _judged = doctor(&server, &["--for", "300ms", "-U", "plain", "--exit-code"]).run().fails_with(2);
    let _down = doctor(&server, &["-p", "1"]).run().fails_with(3);
    let _judged = doctor(&server, &["-p", "1", "--exit-code"]).run().fails_with(2);
}
