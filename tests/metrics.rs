//! `metrics`: what Prometheus reads, held against the server and against Prometheus' own checker.

mod compat;
mod refused;

use super::common::{Cluster, Outcome, Pgconn, shared, wait_until, with};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

fn metrics(cluster: &Cluster, arguments: &[&str]) -> Outcome {
    Pgconn::new(&[&["metrics"], arguments].concat()).on(cluster).run()
}

/// Series and values, the label of the server taken out.
pub(crate) fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let parsed = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let server =
            name.split("server=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let label = format!("server=\"{server}\"");
        let name = name.replace(&format!("{label},"), "").replace(&format!(",{label}"), "");
        (name.replace(&format!("{{{label}}}"), ""), value.parse::<f64>().unwrap())
    });
    parsed.collect()
}

/// Prometheus' own checker, which fails on what it cannot read and on names against the conventions.
pub(crate) fn promtool(text: &str) {
    let seen = Pgconn::of("promtool", &["check", "metrics"]).input(text).run();
    assert!(seen.code == 0 && seen.stdout.is_empty() && seen.stderr.is_empty(), "{seen}\n{text}");
}

#[test]
fn what_is_measured_is_what_is_there() {
    let server = with(&[("max_connections", "30"), ("max_prepared_transactions", "2")]);
    server.query("create role \"we\\ird\"\"\u{1b}\n\" login connection limit 9");
    server.query("create database shop connection limit 5");
    let _idle = server.connect(&[("application_name", "api")]).unwrap();
    let _weird = server.connect(&[("user", "we\\ird\"\u{1b}\n"), ("database", "shop")]).unwrap();
    server.query("create table t ()");
    let open = server.idle_in_transaction(&[("application_name", "worker")], "lock table t");
    let _waiting = server.waiting(&[("application_name", "worker")], "select from t");
    let mut prepared = server.session();
    prepared.query("begin");
    prepared.query("create table p ()");
    prepared.query("prepare transaction 'x'");
    let seen = metrics(&server, &[]).success();
    promtool(&seen.stdout);
    assert!(!seen.stdout.contains('\u{1b}'), "{seen}");
    let series = series(&seen.stdout);
    for (name, expected) in [
        ("pgconn_up", 1.0),
        ("pgconn_connections_used", 6.0),
        ("pgconn_connections_hidden", 0.0),
        ("pgconn_connections_usable", 27.0),
        ("pgconn_connections_max", 30.0),
        ("pgconn_connections_superuser_reserved", 3.0),
        ("pgconn_sessions{state=\"idle\"}", 3.0),
        ("pgconn_sessions{state=\"active\"}", 1.0),
        ("pgconn_sessions{state=\"idle in transaction\"}", 1.0),
        ("pgconn_sessions{state=\"disabled\"}", 0.0),
        ("pgconn_sessions_by_application{application_name=\"worker\",state=\"active\"}", 1.0),
        ("pgconn_sessions_by_database{database=\"shop\",state=\"idle\"}", 1.0),
        ("pgconn_sessions_by_role{role=\"we\\\\ird\\\"\\\\x1B\\\\x0A\",state=\"idle\"}", 1.0),
        ("pgconn_sessions_by_client{client=\"local\",state=\"idle\"}", 3.0),
        ("pgconn_role_connections_limit{role=\"we\\\\ird\\\"\\\\x1B\\\\x0A\"}", 9.0),
        ("pgconn_database_connections_used{database=\"shop\"}", 1.0),
        ("pgconn_database_connections_limit{database=\"shop\"}", 5.0),
        ("pgconn_sessions_waiting_for_lock", 1.0),
        ("pgconn_sessions_blocking", 1.0),
        ("pgconn_prepared_transactions", 1.0),
        ("pgconn_omitted_series{family=\"pgconn_sessions_by_role\"}", 0.0),
    ] {
        assert_eq!(series.get(name), Some(&expected), "{name}: {seen}");
    }
    for name in [
        "pgconn_oldest_transaction_seconds",
        "pgconn_oldest_query_seconds",
        "pgconn_oldest_idle_in_transaction_seconds",
        "pgconn_longest_lock_wait_seconds",
        "pgconn_oldest_prepared_transaction_seconds",
        "pgconn_scrape_duration_seconds",
    ] {
        assert!(series[name] > 0.0, "{name}: {seen}");
    }
    let counted = series.contains_key("pgconn_sessions_established_total{database=\"postgres\"}");
    assert_eq!(counted, server.major() >= 14, "{seen}");
    drop(open);
    prepared.query("rollback prepared 'x'");
}

#[test]
fn timeouts_are_there_or_known_to_be_missing() {
    let server = with(&[("max_connections", "20"), ("lock_timeout", "1500ms")]);
    server.query("create role api login");
    server.query("create role batch login");
    server.query("create role boss login superuser");
    server.query("create role nobody");
    server.query("alter role api set statement_timeout = '30s'");
    server.query("alter role batch in database postgres set statement_timeout = '30s'");
    let seen = metrics(&server, &[]).success();
    promtool(&seen.stdout);
    let series = series(&seen.stdout);
    let of = |family: &str, name: &str| series.get(&format!("pgconn_{family}{{name=\"{name}\"}}")).copied();
    assert_eq!(of("timeout_seconds", "statement_timeout"), Some(0.0), "{seen}");
    assert_eq!(of("timeout_seconds", "lock_timeout"), Some(1.5), "{seen}");
    assert_eq!(series["pgconn_login_roles"], 2.0, "{seen}");
    let without = "login_roles_without_timeout";
    assert_eq!(of(without, "statement_timeout"), Some(1.0), "{seen}");
    assert_eq!(of(without, "lock_timeout"), Some(0.0), "{seen}");
    assert_eq!(of(without, "idle_in_transaction_session_timeout"), Some(2.0), "{seen}");
    assert_eq!(of("timeout_seconds", "transaction_timeout"), (server.major() >= 17).then_some(0.0), "{seen}");
    // A role with a value of its own cannot tell the server's, and a guess would be a lie.
    let seen = metrics(&server, &["-U", "api"]).success();
    assert!(!seen.stdout.contains("pgconn_timeout_seconds{name=\"statement_timeout\""), "{seen}");
    assert!(!seen.stdout.contains("without_timeout{name=\"statement_timeout\""), "{seen}");
    assert!(seen.stdout.contains("pgconn_timeout_seconds{name=\"lock_timeout\""), "{seen}");
    server.query("alter role all set statement_timeout = '1min'");
    let seen = metrics(&server, &["-U", "api"]).success();
    assert!(seen.stdout.contains("without_timeout{name=\"statement_timeout\",server="), "{seen}");
}

#[test]
fn more_names_than_series_are_counted_apart() {
    let server = with(&[("max_connections", "30")]);
    let names: Vec<String> = (0..9).map(|number| format!("app{number}")).collect();
    let _sessions: Vec<_> = names
        .iter()
        .chain(&names[..1])
        .map(|name| server.connect(&[("application_name", name)]).unwrap())
        .collect();
    let seen = metrics(&server, &["--max-series", "3"]).success();
    promtool(&seen.stdout);
    let series = series(&seen.stdout);
    let listed: Vec<_> =
        series.iter().filter(|(name, _)| name.starts_with("pgconn_sessions_by_application{")).collect();
    assert_eq!(listed.len(), 3, "{seen}");
    assert_eq!(series["pgconn_sessions_by_application{application_name=\"app0\",state=\"idle\"}"], 2.0);
    assert_eq!(series["pgconn_omitted_series{family=\"pgconn_sessions_by_application\"}"], 6.0);
    assert_eq!(series["pgconn_omitted_sessions{family=\"pgconn_sessions_by_application\"}"], 6.0);
}

#[test]
fn what_is_hidden_is_counted_as_hidden() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role plain login");
    let _open = server.idle_in_transaction(&[("application_name", "secret")], "select 1");
    let seen = metrics(&server, &["-U", "plain"]).success();
    promtool(&seen.stdout);
    let series = series(&seen.stdout);
    assert_eq!(series["pgconn_connections_hidden"], 1.0, "{seen}");
    assert_eq!(series["pgconn_sessions{state=\"hidden\"}"], 1.0, "{seen}");
    assert!(!series.contains_key("pgconn_oldest_transaction_seconds"), "{seen}");
    assert!(seen.stderr.contains("hidden from role \"plain\""), "{seen}");
}

#[test]
fn a_server_that_is_down_or_silent_is_up_0() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let at = ["-h", "127.0.0.1", "-p", &port, "-U", "x", "-d", "x", "-t", "300ms"];
    let run =
        |arguments: &[&str]| Pgconn::new(&[&["metrics"], &at[..], arguments].concat()).run().fails_with(3);
    let began = Instant::now();
    let seen = run(&[]);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(silent);
    for seen in [seen, run(&[])] {
        promtool(&seen.stdout);
        assert_eq!(series(&seen.stdout)["pgconn_up"], 0.0, "{seen}");
        assert!(seen.stderr.starts_with("warning: "), "{seen}");
    }
    let document = run(&["--json"]).json();
    assert_eq!(document["target"]["host"], "127.0.0.1");
    assert_eq!(document["families"][0]["samples"][0]["labels"]["server"], format!("127.0.0.1:{port}"));
    assert_eq!(document["families"][0]["name"], "pgconn_up");
    assert_eq!(document["families"][0]["samples"][0]["value"], 0.0);
    let compat = run(&["--compat", "postgres_exporter"]);
    let up = format!("\npg_up{{server=\"127.0.0.1:{port}\"}} 0\n");
    assert!(compat.stdout.ends_with(&up), "{compat}");
}

#[test]
fn a_file_for_the_collector_is_whole_and_readable() {
    let folder = std::env::temp_dir().join(format!("pgconn-metrics-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("pgconn.prom");
    let path = file.to_str().unwrap();
    let run = |umask: &str, arguments: &str| {
        let command =
            format!("umask {umask}; exec {} metrics -q -o {path} {arguments}", env!("CARGO_BIN_EXE_pgconn"));
        Pgconn::of("sh", &["-c", &command]).on(shared()).run()
    };
    let seen = run("077", "").success();
    assert_eq!((seen.stdout.as_str(), seen.stderr.as_str()), ("", ""));
    promtool(&fs::read_to_string(&file).unwrap());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    let _down = run("077", "-p 1").fails_with(3);
    assert_eq!(series(&fs::read_to_string(&file).unwrap())["pgconn_up"], 0.0);
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["pgconn.prom"]);
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_watched_file_follows_the_server() {
    let server = with(&[("max_connections", "20")]);
    let folder = std::env::temp_dir().join(format!("pgconn-watched-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("pgconn.prom");
    let run = Pgconn::new(&["metrics", "--watch=100ms", "-o", file.to_str().unwrap()]).on(&server).spawn();
    let idle = || {
        fs::read_to_string(&file).is_ok_and(|text| series(&text)["pgconn_sessions{state=\"idle\"}"] == 1.0)
    };
    wait_until("the first look", || file.exists());
    let _session = server.session();
    wait_until("the session is in the file", idle);
    run.signal(Signal::SIGINT);
    let _seen = run.finish().success();
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_form_has_the_same_numbers() {
    let server = with(&[("max_connections", "20")]);
    let document = metrics(&server, &["--json"]).success().json();
    let count =
        |name: &str| document["families"].as_array().unwrap().iter().filter(|f| f["name"] == name).count();
    assert_eq!(count("pgconn_connections_usable"), 1);
    let rows = metrics(&server, &["-F", "tsv"]).success().stdout;
    assert!(rows.contains("\npgconn_connections_usable\t"), "{rows}");
    let table = metrics(&server, &["-F", "table"]).success().stdout;
    assert!(table.contains("pgconn_connections_usable "), "{table}");
    let refused = metrics(&server, &["-F", "nagios"]).fails_with(2);
    assert!(refused.stderr.contains("only pgconn check has it"), "{refused}");
    let refused = Pgconn::new(&["ls", "-F", "prometheus"]).on(&server).run().fails_with(2);
    assert!(refused.stderr.contains("only pgconn metrics has it"), "{refused}");
}
