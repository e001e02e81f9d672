//! `size --from-server` and `size --sample`: the plan against a live server and its load.

use super::load::load;
use crate::common::{Cluster, Pgconn, with};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::time::SystemTime;

#[test]
fn the_live_server_gives_limits_use_and_the_first_limit_that_will_be_hit() {
    let cluster = with(&[("max_connections", "40"), ("superuser_reserved_connections", "4")]);
    cluster.query("create role narrow login connection limit 3; create role idle login connection limit 30");
    cluster.query("create database empty connection limit 20");
    let _api: Vec<_> = (0..2)
        .map(|_| cluster.connect(&[("user", "narrow"), ("application_name", "api")]).unwrap())
        .collect();
    let run = |line: &str| {
        let words: Vec<&str> = std::iter::once("size").chain(line.split_whitespace()).collect();
        Pgconn::new(&words).on(&cluster).run()
    };
    let plan = run("--cores 2 --app api=1 --app worker=1 --from-server --json").success().json();
    let input = |name: &str| {
        let inputs = plan["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["name"] == name).unwrap().clone()
    };
    assert_eq!(
        (&input("max_connections")["value"], &input("max_connections")["source"]),
        (&40.into(), &"server".into())
    );
    assert_eq!(
        (&input("reserved_slots")["value"], &input("reserved_slots")["source"]),
        (&4.into(), &"server".into())
    );
    assert_eq!(plan["services"][0]["sessions_now"], 2);
    assert_eq!(plan["services"][1]["sessions_now"], 0);
    assert_eq!(plan["live"]["usable"], 36);
    let limit = &plan["live"]["limits"][0];
    assert_eq!(
        (&limit["scope"], &limit["name"], &limit["headroom"]),
        (&"role".into(), &"narrow".into(), &1.into())
    );
    assert_eq!(limit["below_plan"], true);
    let names = |plan: &serde_json::Value| -> Vec<serde_json::Value> {
        plan["live"]["limits"].as_array().unwrap().iter().map(|limit| limit["name"].clone()).collect()
    };
    let without_sessions = ["empty".into(), "idle".into(), serde_json::Value::Null];
    assert_eq!(names(&plan)[1..], without_sessions, "limits without sessions are limits");
    let advice = plan["advice"].as_array().unwrap();
    assert!(advice.iter().any(|advice| advice["code"] == "first_limit"), "{advice:?}");
    assert!(!advice.iter().any(|advice| advice["code"] == "max_connections_assumed"), "{advice:?}");
    let table = run("--cores 2 --from-server").success();
    assert!(table.stdout.contains("role      narrow"), "{table}");
    let refused = run("--from-server").fails_with(2);
    assert!(refused.stderr.contains("PostgreSQL does not know its cores"), "{refused}");
}

/// What this role may not see is neither idle nor free.
#[test]
fn hidden_sessions_are_unknown_and_not_idle() {
    let cluster = with(&[("max_connections", "40")]);
    cluster.query("create role guest login; create role web login connection limit 5");
    let _busy: Vec<_> = (0..3)
        .map(|_| {
            let mut session = cluster.connect(&[("user", "web"), ("application_name", "checkout")]).unwrap();
            session.send("select pg_sleep(600)");
            session
        })
        .collect();
    cluster.wait_until("count(*) = 3 from pg_stat_activity where state = 'active' and usename = 'web'");
    let run = |role: &str, flags: &str| {
        let words = ["size --cores 8 --app checkout=2 -U", role, flags];
        let words: Vec<&str> = words.iter().flat_map(|part| part.split(' ')).collect();
        Pgconn::new(&words).on(&cluster).run()
    };
    let sampled = run("guest", "--sample 1s --json").success().json();
    for (name, value, source) in [("sample_seconds", 1.0, "given"), ("target_wait_seconds", 0.005, "assumed")]
    {
        let input = serde_json::json!({"name": name, "value": value, "source": source});
        assert!(sampled["inputs"].as_array().unwrap().contains(&input), "{name} in {sampled}");
    }
    let sample = &sampled["sample"];
    let checkout = sample["applications"].as_array().unwrap().iter();
    let checkout = checkout.clone().find(|app| app["application_name"] == "checkout").unwrap();
    assert_eq!(checkout["mean_sessions"], 3.0);
    for (place, key) in
        [(sample, "needed"), (sample, "held_seconds"), (sample, "mean_active"), (checkout, "p95_active")]
    {
        assert!(place[key].is_null(), "{key} in {sampled}");
    }
    let live = &sampled["live"]["applications"][0];
    assert_eq!(
        (&live["active_now"], &live["headroom"], &live["headroom_limit"]),
        (&().into(), &2.into(), &"role web".into())
    );
    let table = run("guest", "--sample 1s").success().stdout;
    assert!(
        table.contains(": 3 of 3 sessions are hidden from guest; GRANT pg_monitor TO \"guest\""),
        "{table}"
    );
    assert!(!table.contains("connections this load needs"), "{table}");
    let seen = run("postgres", "--from-server").success().stdout;
    let row = seen.lines().find(|line| line.starts_with("checkout  ") && line.ends_with("role web"));
    assert!(
        row.is_some_and(|row| row.split_whitespace().collect::<Vec<_>>()[..3] == ["checkout", "3", "3"]),
        "{seen}"
    );
    assert!(seen.contains("CLIENT  NOW\nlocal"), "{seen}");
}

/// Looks at a load of a statement that takes 50 ms, meant to run 100 times a second: what the sample says, and how often it
/// really ran meanwhile.
fn sampled(cluster: &Cluster, statement: &str, lasting: &str) -> (Value, f64) {
    let options = ["-c", "20", "-j", "2", "-R", "100", "-T", "600"];
    let load = load(cluster, cluster.port, statement, &options);
    cluster.wait_until("count(*) > 18 from pg_stat_activity where application_name = 'pgbench'");
    let began = SystemTime::now();
    let sampled = Pgconn::new(&["size", "--cores", "2", "--sample", lasting, "--json"]).on(cluster).run();
    let really = load.per_second(began, SystemTime::now());
    drop(load);
    cluster.wait_until("not exists (select from pg_stat_activity where application_name = 'pgbench')");
    (sampled.success().json()["sample"].clone(), really)
}

/// What holds on a machine of any speed: the figures against pgbench's own, and against each other.
#[test]
fn a_sample_measures_the_concurrency_of_a_known_load() {
    let cluster = with(&[("max_connections", "40")]);
    cluster.query("create table t (); insert into t default values");
    let (sample, really) = sampled(&cluster, "select pg_sleep(0.05) from t", "9s");
    let number = |key: &str| sample[key].as_f64().unwrap_or_else(|| panic!("no {key} in {sample}"));
    let (rate, held) = (number("transactions_per_second"), number("held_seconds"));
    // A session reports its transactions once a second.
    assert!((rate / really - 1.0).abs() < 0.2, "{really} a second in truth: {sample}");
    // It is looked at a hundred moments, so an average is right to a few in a hundred.
    assert!((0.05 * 0.85..0.05 * 3.0).contains(&held), "{sample}");
    for busy in ["mean_active", "mean_occupied"] {
        assert!((number(busy) / (rate * held) - 1.0).abs() < 0.05, "{busy} is rate × time held: {sample}");
    }
    assert!(number("p95_active") >= number("mean_active"), "{sample}");
    let stable = number("mean_occupied").floor() + 1.0;
    assert_eq!(sample["needed"]["stable_connections"].as_f64(), Some(stable), "{sample}");
    assert_eq!(sample["applications"][0]["application_name"], "pgbench");
    // Statements that touch no table are counted late: at least those are known that were seen to begin.
    let (sample, really) = sampled(&cluster, "select pg_sleep(0.05)", "9s");
    let rate = sample["transactions_per_second"].as_f64().unwrap();
    assert!(rate > 0.0 && rate < really * 1.2, "{really} a second in truth: {sample}");
    let early = Pgconn::new(&["size", "--cores", "2", "--sample", "1h", "--json"]).on(&cluster).spawn();
    // It has begun a second look, and so has the answer of the first.
    for _ in 0..2 {
        let now = cluster.value("select clock_timestamp()");
        cluster.wait_until(&format!(
            "exists (select from pg_stat_activity where application_name = 'pgconn' and state = 'idle' \
             and query like '%occupied%' and query_start > '{now}')"
        ));
    }
    early.signal(Signal::SIGINT);
    let early = early.finish().success().json();
    assert_eq!(early["sample"]["ended_early"], true);
}

/// A look of the sample that is under way has been answered, and it goes on.
fn goes_on(cluster: &Cluster) {
    for _ in 0..2 {
        let now = cluster.value("select clock_timestamp()");
        cluster.wait_until(&format!(
            "exists (select from pg_stat_activity where application_name = 'pgconn' and state = 'idle' \
             and query like '%occupied%' and query_start > '{now}')"
        ));
    }
}

#[test]
fn a_sample_goes_on_after_a_restart_and_says_what_it_did_not_see() {
    let mut cluster = with(&[("max_connections", "40")]);
    let line = ["size", "--cores", "2", "--sample", "1h", "--connect-wait", "1h", "--json"];
    let run = Pgconn::new(&line).on(&cluster).spawn();
    goes_on(&cluster);
    cluster.stop();
    cluster.launch(&|| true).unwrap();
    goes_on(&cluster);
    run.signal(Signal::SIGINT);
    let outcome = run.finish().success();
    let document = outcome.json();
    assert_eq!(document["warnings"][0]["code"], "interrupted", "{outcome}");
    assert!(document["sample"]["looks"].as_u64().unwrap() >= 4, "{outcome}");
}

#[test]
fn a_sample_whose_server_does_not_come_back_is_told_as_far_as_it_went() {
    let mut cluster = with(&[("max_connections", "40")]);
    let run = Pgconn::new(&["size", "--cores", "2", "--sample", "1h", "--json"]).on(&cluster).spawn();
    goes_on(&cluster);
    cluster.stop();
    let outcome = run.finish().fails_with(4);
    let document = outcome.json();
    assert_eq!(document["warnings"][0]["code"], "cut_short", "{outcome}");
    assert_eq!(document["sample"]["ended_early"], true, "{outcome}");
    assert!(document["sample"]["looks"].as_u64().unwrap() >= 2, "{outcome}");
}
