//! `kill` and `cancel` on a standby, through PgBouncer, and on a server that is full.

use super::{app, kill, pids};
use crate::common::server::standby_of;
use crate::common::{Cluster, PgBouncer, Pgconn, Session, wait_until, with};
use serde_json::json;

fn cancel(cluster: &Cluster, arguments: &[&str]) -> Pgconn {
    Pgconn::new(&[&["cancel", "--json"], arguments].concat()).on(cluster)
}

#[test]
fn a_standby_is_a_server_like_any_other() {
    let primary = with(&[]);
    let standby = standby_of(&primary);
    primary.query("create table here ()");
    standby.wait_until("to_regclass('here') is not null");
    let mut busy = standby.active(&app("standby"));
    let mut idle = standby.connect(&app("standby")).unwrap();
    let mut elsewhere = primary.connect(&app("standby")).unwrap();
    let plan = kill(&standby, &["--app", "standby", "-n"]).run().success();
    assert_eq!(
        (pids(&plan, "would_terminate").len(), &plan.json()["server"]["in_recovery"]),
        (2, &json!(true))
    );
    let outcome = cancel(&standby, &["--app", "standby"]).run().success();
    assert_eq!((pids(&outcome, "cancelled"), pids(&outcome, "no_effect")), (vec![busy.pid], vec![idle.pid]));
    assert_eq!(busy.finish().unwrap_err().sqlstate, "57014");
    let outcome = kill(&standby, &["--app", "standby"]).run().success();
    assert_eq!((pids(&outcome, "terminated").len(), &outcome.json()["remaining_matching"]), (2, &json!(0)));
    assert!(busy.is_ended() && idle.is_ended());
    elsewhere.query("select 1");
    // What replays the primary's changes is no client, and stays.
    let receiver = standby.value("select pid from pg_stat_wal_receiver");
    let outcome = kill(&standby, &[&receiver]).run().success();
    assert_eq!(pids(&outcome, "not_a_client"), [receiver.parse::<i32>().unwrap()]);
    let drained = Pgconn::new(&["drain", "--db", "postgres", "--for", "1ms", "-d", "template1"]).on(&standby);
    assert!(drained.run().fails_with(2).stderr.contains("this is a standby"));
}

/// In transaction mode a connection to the server is shared: what is ended is not a client.
#[test]
fn through_a_pooler_it_says_what_ending_a_server_connection_means() {
    let cluster = with(&[]);
    cluster.query("create role app login");
    let pooler =
        PgBouncer::start(&cluster, &["app"], &[("pool_mode", "transaction"), ("default_pool_size", "3")]);
    let port = pooler.port.to_string();
    let through = |arguments: &[&str]| Pgconn::new(&[&["-p", &port], arguments].concat()).on(&cluster);
    let client = |name: &str| pooler.connect(&[("user", "app"), ("application_name", name)]).unwrap();
    let mut working = client("works");
    working.query("begin");
    let mut resting = client("rests");
    resting.query("select 1");
    let plan = through(&["kill", "--role", "app", "-n", "--json"]).run().success().json();
    assert_eq!((&plan["matched"], &plan["warnings"][0]["code"]), (&json!(2), &json!("pooled_connections")));
    let outcome = through(&["kill", "--role", "app"]).run().success();
    assert!(outcome.stdout.ends_with("2 terminated\n"), "{outcome}");
    let (warning, plan) = outcome.stderr.split_once("PID ").unwrap();
    assert!(
        warning.contains("this run goes through a connection pooler, and 2 sessions of the plan"),
        "{outcome}"
    );
    assert!(warning.contains("the pooler opens another"), "{outcome}");
    assert!(!plan.contains("connection pooler"), "said once, before it is done: {outcome}");
    assert!(working.is_ended(), "its transaction was lost with the connection to the server");
    resting.query("select 1");
    // A cancel reaches the client that the connection serves.
    let mut busy = client("works");
    busy.send("select pg_sleep(3600)");
    cluster.wait_until(
        "exists (select from pg_stat_activity where application_name = 'works' and state = 'active')",
    );
    let outcome = through(&["cancel", "--app", "works"]).run().success();
    assert!(
        outcome.stderr.contains("a cancel reaches whichever client it serves at that moment"),
        "{outcome}"
    );
    assert_eq!(busy.finish().unwrap_err().sqlstate, "57014");
    busy.query("select 1");
    // What does not come from the pooler is nobody else's, and a run that goes directly says nothing.
    let direct = Session::open_tcp(cluster.port, &[("application_name", "direct")]).unwrap();
    let outcome = through(&["kill", "--app", "direct", "--json"]).run().success();
    assert_eq!((pids(&outcome, "terminated"), &outcome.json()["warnings"]), (vec![direct.pid], &json!([])));
    let outcome = kill(&cluster, &["--role", "app"]).run().success();
    assert_eq!((&outcome.json()["matched"], &outcome.json()["warnings"]), (&json!(1), &json!([])));
}

#[test]
fn a_full_server_is_entered_through_the_emergency_lane() {
    let cluster = with(&[("max_connections", "6"), ("superuser_reserved_connections", "1")]);
    cluster.query("create role repl login replication; grant pg_signal_backend, pg_read_all_stats to repl; create role web login");
    let mut busy = cluster.active(&[("user", "web"), ("application_name", "busy")]);
    let mut held: Vec<Session> =
        std::iter::from_fn(|| cluster.connect(&[("user", "web"), ("application_name", "held")]).ok())
            .collect();
    held.extend(std::iter::from_fn(|| cluster.connect(&app("held-by-super")).ok()));
    assert_eq!(held.len(), 5);
    for user in ["postgres", "repl"] {
        let run = |arguments: &[&str]| Pgconn::new(&[arguments, &["-U", user]].concat()).on(&cluster).run();
        let plan = run(&["kill", "--app", "held", "-n", "--json"]).success();
        assert_eq!((&plan.json()["emergency"], pids(&plan, "would_terminate").len()), (&json!(true), 4));
        let outcome = run(&["cancel", "--app", "busy", "--json"]).success();
        let document = outcome.json();
        assert_eq!((&document["emergency"], pids(&outcome, "cancelled")), (&json!(true), vec![busy.pid]));
        assert_eq!(document["warnings"][0]["code"], "emergency_connection");
        assert_eq!(busy.finish().unwrap_err().sqlstate, "57014");
        busy.send("select pg_sleep(3600)");
        cluster_is_busy(&run);
        let outcome = run(&["kill", "--app", "nobody", "--json"]).success();
        assert_eq!((&outcome.json()["emergency"], &outcome.json()["matched"]), (&json!(true), &json!(0)));
        // What changes the server is no emergency, unless one is declared.
        for change in [
            &["timeout", "set", "1h", "--role", "web", "--json"][..],
            &["drain", "--db", "template1", "--for", "1ms", "--json"],
        ] {
            let refused = run(change).fails_with(3);
            assert!(refused.stderr.contains("too_many_connections"), "{refused}");
        }
    }
    let declared = ["timeout", "set", "1h", "--role", "web", "--emergency", "auto", "--json"];
    let outcome = Pgconn::new(&declared).on(&cluster).run().success();
    assert_eq!(outcome.json()["warnings"][0]["code"], "emergency_connection");
    // One at a time: the slot that the first frees lets everybody else in the ordinary way.
    let last = held.iter().find(|session| session.pid != busy.pid).unwrap().pid.to_string();
    let outcome = Pgconn::new(&["kill", &last]).on(&cluster).run().success();
    assert!(outcome.stderr.contains("warning: this is a replication connection"), "{outcome}");
    assert!(outcome.stdout.ends_with("1 terminated\n"), "{outcome}");
    let outcome = kill(&cluster, &["--app", "held", "--app", "busy"]).run().success();
    assert_eq!((&outcome.json()["emergency"], pids(&outcome, "terminated").len()), (&json!(false), 4));
}

/// Waits until the busy session runs again what was cancelled, as a full server shows it.
fn cluster_is_busy(run: &dyn Fn(&[&str]) -> crate::common::Outcome) {
    wait_until("it is busy again", || {
        let seen = run(&["ls", "--app", "busy", "--state", "active", "--json"]).success();
        seen.json()["sessions"].as_array().unwrap().len() == 1
    });
}
