//! Every trouble that a server can be in, and what monitoring says about it: the verdict and the exit code of `check`, the
//! metrics, and all of it within the time limit.

use super::common::{Cluster, Outcome, Pgconn, Session, unready, with, with_files};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// The time limit of each run, and how much longer it may take on a busy machine.
const LIMIT: &str = "2s";
const SLACK: Duration = Duration::from_secs(5);

/// What is said when the time is up: that of the one address, or that of the whole run.
const NO_ANSWER: &str = "timeout expired|no answer within 2s";

/// What a monitoring system gets in one situation.
struct Seen {
    /// The line of `check -F nagios`.
    line: String,
    /// The document of `check --json`, as a health endpoint would serve it.
    body: Value,
    /// What `metrics` prints.
    metrics: String,
}

/// Runs the three at `place` and compares their exit codes.
#[track_caller]
fn seen(place: &[(&str, &str)], check: i32, metrics: i32) -> Seen {
    seen_settling(None, place, check, metrics)
}

/// The same where slots are counted: on this server, one run after the other.
#[track_caller]
fn seen_settling(server: Option<&Cluster>, place: &[(&str, &str)], check: i32, metrics: i32) -> Seen {
    let run = |arguments: &[&str], code: i32| -> Outcome {
        let began = Instant::now();
        let run = Pgconn::new(&[arguments, &["-t", LIMIT]].concat());
        let run = if let Some(server) = server { run.settling(server) } else { run };
        let outcome =
            place.iter().fold(run, |run, (name, value)| run.env(name, value)).run().fails_with(code);
        assert!(began.elapsed() < Duration::from_secs(2) + SLACK, "{:?}: {outcome}", began.elapsed());
        outcome
    };
    let line = run(&["check", "-F", "nagios"], check);
    let (text, performance) = line.stdout.lines().next().unwrap().split_once(" | ").unwrap();
    assert!(performance.contains("connections="), "{line}");
    let body = run(&["check", "--json"], check).json();
    assert_eq!(body["exit_code"], check, "{body:#}");
    let metrics = run(&["metrics"], metrics).stdout;
    Seen { line: text.to_owned(), body, metrics }
}

impl Seen {
    /// A server that could not be asked: critical, no number that could be taken for one, and `pgconn_up` 0.
    #[track_caller]
    fn is_unreachable(&self, reason: &str) {
        assert!(self.line.starts_with("PGCONN CRITICAL: reachable: "), "{}", self.line);
        assert!(reason.split('|').any(|reason| self.line.contains(reason)), "{}", self.line);
        assert_eq!(self.body["status"], "critical");
        assert_eq!((&self.body["latency_seconds"], &self.body["waiting"]), (&Value::Null, &Value::Null));
        let samples: Vec<&str> = self.metrics.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(samples.len() == 2 && samples[0].starts_with("pgconn_up{"), "{}", self.metrics);
        assert!(
            samples[0].ends_with(" 0") && samples[1].starts_with("pgconn_build_info{"),
            "{}",
            self.metrics
        );
    }

    #[track_caller]
    fn has(&self, sample: &str, value: f64) {
        let line = self.metrics.lines().find(|line| line.starts_with(&format!("{sample}{{")));
        let found =
            line.and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value.parse::<f64>().unwrap());
        assert_eq!(found, Some(value), "{sample}: {}", self.metrics);
    }
}

fn at<'a>(server: &'a Cluster, port: &'a str, user: &'a str) -> [(&'a str, &'a str); 4] {
    [("PGHOST", server.host()), ("PGPORT", port), ("PGUSER", user), ("PGDATABASE", "postgres")]
}

#[test]
fn a_healthy_server() {
    let server = with(&[("max_connections", "20")]);
    let port = server.port.to_string();
    let seen = seen_settling(Some(&server), &at(&server, &port, "postgres"), 0, 0);
    assert_eq!(seen.line, "PGCONN OK: 1 of 17 usable connections in use (6%)");
    assert_eq!((&seen.body["status"], &seen.body["waiting"]), (&"ok".into(), &0.into()));
    assert!(seen.body["latency_seconds"].as_f64().unwrap() > 0.0);
    seen.has("pgconn_up", 1.0);
}

#[test]
fn a_full_server() {
    let server = with(&[("max_connections", "5"), ("superuser_reserved_connections", "1")]);
    server.query("create role app login");
    let port = server.port.to_string();
    let sessions: Vec<Session> = (0..4).map(|_| server.connect(&[("user", "app")]).unwrap()).collect();
    let seen = |user: &str, metrics| seen_settling(Some(&server), &at(&server, &port, user), 2, metrics);
    seen("app", 3).is_unreachable("remaining connection slots are reserved");
    // Whoever may take the last slot measures what there is.
    let inside = seen("postgres", 0);
    assert_eq!(inside.line, "PGCONN CRITICAL: connections: 5 of 4 usable connections in use (125%) (over 3)");
    inside.has("pgconn_up", 1.0);
    inside.has("pgconn_connections_used", 5.0);
    inside.has("pgconn_connections_usable", 4.0);
    let last = server.session();
    seen("postgres", 3).is_unreachable("too many clients already");
    drop((last, sessions));
}

#[test]
fn a_role_and_a_database_at_their_limits() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role app login connection limit 1");
    server.query("create role other login");
    server.query("create database shop connection limit 1");
    let port = server.port.to_string();
    let _session = server.connect(&[("user", "app"), ("database", "shop")]).unwrap();
    seen_settling(Some(&server), &at(&server, &port, "app"), 2, 3)
        .is_unreachable("too many connections for role \"app\"");
    let mut shop = at(&server, &port, "other");
    shop[3].1 = "shop";
    seen_settling(Some(&server), &shop, 2, 3).is_unreachable("too many connections for database \"shop\"");
}

#[test]
fn a_server_that_is_not_yet_up() {
    let waiting = unready(&[("hot_standby", "off")], &[("standby.signal", "")]);
    let port = waiting.port.to_string();
    seen(&at(&waiting, &port, "postgres"), 2, 3).is_unreachable("the database system is ");
}

#[test]
fn a_standby() {
    let standby = with_files(&[("max_connections", "100")], &[("standby.signal", "")]);
    let port = standby.port.to_string();
    let seen = seen(&at(&standby, &port, "postgres"), 0, 0);
    assert_eq!(seen.body["server"]["in_recovery"], true);
    seen.has("pgconn_up", 1.0);
    seen.has("pgconn_server_in_recovery", 1.0);
}

/// A stopped process goes on when this is dropped, so that it can be ended.
struct Stopped(Pid);

impl Drop for Stopped {
    fn drop(&mut self) {
        kill(self.0, Signal::SIGCONT).unwrap();
    }
}

#[test]
fn a_server_that_hangs() {
    let server = with(&[("max_connections", "20")]);
    let port = server.port.to_string();
    let postmaster = fs::read_to_string(server.dir.join("pid")).unwrap();
    let postmaster = Pid::from_raw(postmaster.trim().parse().unwrap());
    kill(postmaster, Signal::SIGSTOP).unwrap();
    let stopped = Stopped(postmaster);
    seen(&at(&server, &port, "postgres"), 2, 3).is_unreachable(NO_ANSWER);
    drop(stopped);
    seen(&at(&server, &port, "postgres"), 0, 0).has("pgconn_up", 1.0);
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let place = [("PGHOST", "127.0.0.1"), ("PGPORT", port.as_str()), ("PGUSER", "x"), ("PGDATABASE", "x")];
    seen(&place, 2, 3).is_unreachable(NO_ANSWER);
    drop(silent);
    seen(&place, 2, 3).is_unreachable("refused");
}

#[test]
fn a_first_question_that_is_not_answered() {
    let server = with(&[("max_connections", "20")]);
    let port = server.port.to_string();
    // A login does not need this view, and what is asked after it does.
    let _lock = server.idle_in_transaction(&[], "lock table pg_catalog.pg_locks");
    seen(&at(&server, &port, "postgres"), 2, 3).is_unreachable(NO_ANSWER);
}

#[test]
fn a_role_without_privileges() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role plain login");
    let port = server.port.to_string();
    let _other = server.idle_in_transaction(&[], "select 1");
    let seen = seen(&at(&server, &port, "plain"), 3, 0);
    assert!(
        seen.line.starts_with("PGCONN UNKNOWN: idle-xact: no transaction seen idle; 1 session is hidden"),
        "{}",
        seen.line
    );
    seen.has("pgconn_connections_hidden", 1.0);
    assert!(!seen.metrics.contains("pgconn_oldest_idle_in_transaction_seconds{"), "{}", seen.metrics);
}
