//! How many: of an age, in a state, slots that are left, sessions per second.

use super::super::common::{Cluster, Pgconn, Session, with};
use super::{check, counted, exits, rule};
use serde_json::Value;

/// What is said of a rule.
fn message(document: &Value, name: &str) -> String {
    rule(document, name)["message"].as_str().unwrap().to_owned()
}

/// Transactions that have all been idle for some milliseconds.
fn idle(server: &Cluster, number: usize) -> Vec<Session> {
    let named = [("application_name", "left")];
    let sessions = (0..number).map(|_| server.idle_in_transaction(&named, "select 1")).collect();
    server.wait_until(&format!(
        "(select count(*) = {number} from pg_stat_activity where application_name = 'left' \
         and clock_timestamp() - state_change > interval '5 ms')"
    ));
    sessions
}

#[test]
fn a_number_of_transactions_of_an_age_is_a_threshold() {
    let server = with(&[("max_connections", "30"), ("max_prepared_transactions", "4")]);
    let _idle = idle(&server, 3);
    exits(&server, &["idle-xact", "--critical", "idle-xact=4@1ms"], 0);
    exits(&server, &["idle-xact", "--critical", "idle-xact=3@1h"], 0);
    exits(&server, &["long-xact", "--warning", "long-xact=3@1ms"], 1);
    let seen = check(&server, &["idle-xact", "--critical", "idle-xact=3@1ms", "--json"]).fails_with(2);
    let document = seen.json();
    let found = rule(&document, "idle-xact");
    assert_eq!(
        (&found["value"], &found["unit"], &found["critical"]),
        (&3.0.into(), &"count".into(), &"@3:".into())
    );
    assert!(
        message(&document, "idle-xact").starts_with("3 over 1ms: 3 transactions idle, the longest for "),
        "{seen}"
    );
    let nagios = check(&server, &["idle-xact", "--critical", "idle-xact=4@1ms", "-F", "nagios"]).success();
    assert!(nagios.stdout.contains(" idle-xact_over_0.001s=3;;@4:;0"), "{nagios}");
    // Both at once: each threshold says what it is of.
    exits(&server, &["idle-xact", "--warning", "idle-xact=3@1ms", "--critical", "idle-xact=1h"], 1);
    let mut session = server.session();
    for name in ["a", "b"] {
        session.query("begin");
        session.query(&format!("create table {name} ()"));
        session.query(&format!("prepare transaction '{name}'"));
    }
    exits(&server, &["prepared-xact", "--critical", "prepared-xact=2@0s"], 2);
    exits(&server, &["prepared-xact", "--critical", "prepared-xact=3@0s"], 0);
    // Who sees nothing of them cannot say that they are fewer.
    server.query("create role plain login");
    exits(&server, &["-U", "plain", "idle-xact", "--critical", "idle-xact=3@1ms"], 3);
    // That there are more of them than there are sessions is not hidden.
    let many = ["idle-xact", "--critical", "idle-xact=9@1ms", "--warning", "idle-xact=9@1ms"];
    exits(&server, &[&["-U", "plain"], &many[..]].concat(), 0);
    for name in ["a", "b"] {
        session.query(&format!("rollback prepared '{name}'"));
    }
    for wrong in ["idle-xact=0@1s", "idle-xact=3@", "connections=3@30s"] {
        exits(&server, &["--critical", wrong], 3);
    }
}

/// A fast-path call leaves the start of the statement before it, which would be taken for its own.
#[test]
fn a_fast_path_call_runs_since_it_was_called() {
    let server = with(&[]);
    let [mut first, mut later] = [(), ()].map(|()| server.connect(&[("application_name", "calls")]).unwrap());
    let oid = later.query("select 'pg_sleep'::regproc::oid")[0][0].clone().unwrap().parse().unwrap();
    server.wait_until(&format!(
        "(select clock_timestamp() - query_start > interval '3 seconds' from pg_stat_activity where pid = {})",
        later.pid
    ));
    for session in [&mut first, &mut later] {
        session.call_function(oid, "3600");
        server.wait_for_state(session.pid, "fastpath function call");
    }
    let seen = check(&server, &["long-query", "--critical", "long-query=0s", "--json"]).fails_with(2);
    let said = message(&seen.json(), "long-query");
    assert!(said.starts_with("2 queries running, the longest for "), "{said}");
    let seconds = rule(&seen.json(), "long-query")["value"].as_f64().unwrap();
    assert!(seconds < 3.0, "{seconds}: {said}");
}

#[test]
fn each_state_has_a_threshold_of_its_own() {
    let server = with(&[("max_connections", "30")]);
    let named = |name| [("application_name", name)];
    server.query("create table t ()");
    let _idle: Vec<Session> = (0..3).map(|_| server.connect(&named("idle")).unwrap()).collect();
    let _open = server.idle_in_transaction(&named("open"), "lock table t");
    let _aborted = server.aborted(&named("aborted"));
    let _waiting =
        [server.waiting(&named("waits"), "select from t"), server.waiting(&named("waits"), "select from t")];
    for (threshold, code) in [
        ("states:idle=2", 2),
        ("states:idle=3", 0),
        ("states:idle-in-transaction=1", 2),
        ("states:idle-in-transaction=2", 0),
        ("states:aborted=0", 2),
        ("states:waiting=1", 2),
        ("states:waiting=2@1ms", 2),
        ("states:waiting=3@1ms", 0),
        ("states:waiting=2@1h", 0),
        ("states:active=1", 2),
        ("states:active=2:", 0),
        ("states:fastpath=0", 0),
        ("states:disabled=0", 0),
        ("states:starting=0", 0),
    ] {
        let seen = counted(&server, &["states", "--critical", threshold]);
        assert_eq!(seen.code, code, "{threshold}: {seen}");
    }
    let both = ["--warning", "states:idle=2", "--critical", "states:waiting=1", "--json"];
    let seen = counted(&server, &both).fails_with(2);
    let said = message(&seen.json(), "states");
    assert!(
        said.starts_with("2 sessions waiting, the longest for ") && said.ends_with(" (over 1)"),
        "{said}"
    );
    assert!(rule(&seen.json(), "states")["hint"].as_str().unwrap().ends_with("blockers"), "{seen}");
    let narrow =
        counted(&server, &["states", "--app", "idle", "--critical", "states:idle=2", "-F", "nagios"])
            .fails_with(2);
    assert!(
        narrow.stdout.contains(" 'states idle'=3;;2;0 ") && narrow.stdout.contains("'states aborted'=0"),
        "{narrow}"
    );
    server.query("create role plain login");
    exits(&server, &["-U", "plain", "states", "--critical", "states:idle=50"], 0);
    exits(&server, &["-U", "plain", "states", "--critical", "states:idle=2"], 3);
    for (wrong, expected) in [
        ("states=5", "say what of states"),
        ("states:idel=5", "did you mean states:idle?"),
        ("idle-xact:idle=5m", "has one threshold"),
        ("states:idle=5s", "not a number"),
    ] {
        let seen = check(&server, &["--critical", wrong]).fails_with(3);
        assert!(seen.stderr.contains(expected), "{wrong}: {seen}");
    }
}

#[test]
fn slots_that_are_left_are_a_threshold() {
    let server = with(&[("max_connections", "20")]);
    let _sessions: Vec<Session> = (0..4).map(|_| server.session()).collect();
    // 17 are for ordinary roles, and this run has one.
    let fine = counted(&server, &["--critical", "free=12:", "--json"]).success();
    assert_eq!(rule(&fine.json(), "free")["value"], 12.0, "{fine}");
    let few = counted(&server, &["free", "--critical", "free=13:"]).fails_with(2);
    assert!(few.stdout.contains("12 of 17 usable connections are left (under 13)"), "{few}");
    assert_eq!(counted(&server, &["free", "--warning", "free=90%:"]).code, 1);
    let all = counted(&server, &["--json"]).success().json();
    let rules = all["checks"].as_array().unwrap().iter().map(|check| check["rule"].as_str().unwrap());
    assert!(!rules.into_iter().any(|rule| ["free", "states", "rates"].contains(&rule)), "{all:#}");
}

#[test]
fn sessions_per_second_are_counted_while_it_looks() {
    let server = with(&[("max_connections", "20")]);
    server.query("create database shop");
    let flags = ["rates", "--for", "1s", "--critical", "rates:abandoned=0", "--warning", "rates:opened=0.5"];
    if server.major() < 14 {
        let seen = check(&server, &flags).fails_with(3);
        assert!(seen.stdout.contains("does not count sessions"), "{seen}");
        return;
    }
    let run =
        Pgconn::new(&[&["check"], &flags[..], &["--db", "shop", "--json"]].concat()).on(&server).spawn();
    server.wait_until("exists (select from pg_stat_activity where application_name = 'pgconn')");
    let watcher = std::thread::spawn(move || run.finish());
    while !watcher.is_finished() {
        server.connect(&[("database", "shop")]).unwrap().vanish();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let seen = watcher.join().unwrap().fails_with(2);
    let said = message(&seen.json(), "rates");
    assert!(
        said.contains(" abandoned per second; ") && said.contains(" sessions opened per second, "),
        "{said}"
    );
    assert_eq!(rule(&seen.json(), "rates")["unit"], "per_second");
    // Nobody abandons a session of the other databases.
    exits(&server, &["rates", "--for", "300ms", "--db", "template1", "--critical", "rates:abandoned=0"], 0);
    for (arguments, expected) in [
        (&["rates", "--for", "10s"][..], "counting takes 10.0s of it"),
        (&["idle-xact", "--for", "1s"], "they are not judged"),
    ] {
        let seen = check(&server, arguments).fails_with(3);
        assert!(seen.stderr.contains(expected), "{seen}");
    }
}
