//! Databases that the pooler refuses, or has disconnected; and a pause of all of them.

use super::super::common::{Pgconn, wait_until};
use super::{Pooled, pooled};
use serde_json::{Value, json};

/// What the console says of database `postgres`.
fn database(pooled: &Pooled) -> Value {
    let document = pooled.run(&["--json"]).success().json();
    let mut databases = document["databases"].as_array().unwrap().iter();
    databases.find(|database| database["name"] == "postgres").unwrap().clone()
}

fn at_console(pooled: &Pooled, arguments: &[&str]) -> Pgconn {
    let port = pooled.pooler.port.to_string();
    Pgconn::new(&[&["-p", &port, "-d", "pgbouncer"], arguments].concat()).on(&pooled.cluster)
}

#[test]
fn a_disabled_database_is_said_wherever_somebody_looks() {
    let pooled = pooled("transaction", &[]);
    let mut client = pooled.client("web");
    client.query("select 1");
    let fine = at_console(&pooled, &["check", "--json"]).run().success();
    assert_eq!(fine.json()["checks"][2]["rule"], "closed");
    let done = pooled.run(&["disable", "postgres", "--json"]).success();
    assert_eq!(
        (&done.json()["act"]["disabled"], &done.json()["act"]["undo"]),
        (&json!(true), &json!("ENABLE \"postgres\""))
    );
    let again = pooled.run(&["disable", "postgres"]).success();
    assert_eq!(again.stdout, "database postgres: was disabled already\n");
    assert_eq!(database(&pooled)["disabled"], true);
    client.query("select 1");
    let table = pooled.run(&[]).success();
    let marked = "! database postgres is disabled, new clients are refused: enable it with pgconn -p ";
    assert!(table.stdout.contains(marked) && table.stdout.contains(" disabled\n"), "{table}");
    let warned = at_console(&pooled, &["check", "--json"]).run().fails_with(1);
    let closed = warned.json()["checks"][2].clone();
    assert_eq!(
        closed["message"],
        "database \"postgres\" is disabled at the pooler: its clients are refused (over 0)"
    );
    let metrics = at_console(&pooled, &["metrics"]).run().success();
    assert!(metrics.stdout.contains("pgconn_pooler_database_disabled{database=\"postgres\","), "{metrics}");
    let port = pooled.pooler.port.to_string();
    let ping = Pgconn::new(&["ping", "-p", &port, "-U", "app", "-d", "postgres", "--json"]);
    let ping = ping.on(&pooled.cluster).run().fails_with(1);
    assert_eq!(ping.json()["status"], "refused", "{ping}");
    let look = Pgconn::new(&["stats", "-p", &port, "-U", "app", "-d", "postgres", "--json"]);
    let refused = look.on(&pooled.cluster).run().fails_with(3);
    assert!(
        refused.stderr.contains("\"no_such_database\"") && refused.stderr.contains("pooler enable postgres"),
        "{refused}"
    );
    // The marked line's own command is the way back.
    let command = table.stdout.lines().find_map(|line| line.split_once("enable it with ")).unwrap().1;
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let enabled = Pgconn::new(&words).on(&pooled.cluster).run().success();
    assert_eq!(enabled.stdout, "database postgres: enabled\n");
    assert_eq!(database(&pooled)["disabled"], false);
    assert_eq!(pooled.run(&["enable", "postgres"]).success().stdout, "database postgres: was not disabled\n");
}

#[test]
fn it_is_disabled_while_a_command_runs_and_enabled_in_every_case() {
    let pooled = pooled("transaction", &[]);
    let mut client = pooled.client("web");
    client.query("select 1");
    let plan = pooled.run(&["disable", "postgres", "-n"]).success();
    assert!(
        plan.stderr.contains("database postgres: 1 client; they stay; new clients are refused"),
        "{plan}"
    );
    assert_eq!(database(&pooled)["disabled"], false);
    let (program, port) = (env!("CARGO_BIN_EXE_pgconn"), pooled.pooler.port);
    let look = format!("exec {program} ping -h {} -p {port} -U app -d postgres", pooled.cluster.host());
    for (script, code) in [(look.as_str(), 1), ("exit 7", 1), ("exit 0", 0)] {
        let seen = pooled.run(&["disable", "postgres", "--", "sh", "-c", script]);
        assert_eq!(seen.code, code, "{seen}");
        assert!(seen.stderr.contains("to enable it by hand: ENABLE \"postgres\" on the console "), "{seen}");
        assert_eq!(database(&pooled)["disabled"], false);
    }
    let refused = pooled.run(&["disable", "postgres", "--", "sh", "-c", &look]).fails_with(1);
    assert!(refused.stdout.contains("database \"postgres\" is disabled"), "{refused}");
    let held = pooled.run(&["disable", "postgres"]).success();
    assert!(held.stderr.contains("new clients are refused until: pgconn "), "{held}");
    let twice = pooled.run(&["disable", "postgres", "--", "true"]).fails_with(2);
    assert!(twice.stderr.contains("is disabled already, and would not be afterwards"), "{twice}");
    assert_eq!(
        pooled.run(&["disable", "postgres"]).success().stdout,
        "database postgres: was disabled already\n"
    );
    let _unknown = pooled.run(&["disable", "nowhere"]).fails_with(1);
    let stranger = pooled.as_user("watcher", &["disable", "postgres", "--", "true"]);
    assert_ne!(stranger.code, 0, "{stranger}");
    client.query("select 1");
}

#[test]
fn everybody_is_disconnected_and_waits_until_it_is_resumed() {
    let pooled = pooled("transaction", &[]);
    let mut working = pooled.working("busy");
    let plan = pooled.run(&["kill", "postgres", "-n"]).success();
    assert!(
        plan.stderr
            .contains("database postgres: 1 client; all of them are disconnected, with 1 connection at work"),
        "{plan}"
    );
    let always = Pgconn::new(&["-p", &pooled.pooler.port.to_string(), "pooler", "kill", "postgres"]);
    let refused = always.on(&pooled.cluster).env("PGCONN_CONFIRM", "always").run().fails_with(2);
    assert!(refused.stderr.contains("nothing was done"), "{refused}");
    let done = pooled.run(&["kill", "postgres"]).success();
    assert_eq!(done.stdout, "database postgres: 1 client disconnected, paused\n");
    assert!(working.is_ended());
    assert_eq!(database(&pooled)["paused"], true);
    let command = done.stderr.lines().find_map(|line| line.split_once("its clients wait until: ")).unwrap().1;
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let resumed = Pgconn::new(&words).on(&pooled.cluster).run().success();
    assert_eq!(resumed.stdout, "database postgres: resumed\n");
    pooled.client("again").query("select 1");
}

#[test]
fn all_databases_are_paused_only_when_that_is_confirmed() {
    let pooled = pooled("transaction", &[]);
    pooled.client("web").query("select 1");
    let refused = pooled.run(&["pause", "--all"]).fails_with(2);
    assert!(refused.stderr.contains("--yes"), "{refused}");
    let _neither = pooled.run(&["pause"]).fails_with(2);
    let _both = pooled.run(&["pause", "postgres", "--all", "--yes"]).fails_with(2);
    let done = pooled.run(&["pause", "--all", "--yes", "--json"]).success();
    let act = done.json()["act"].clone();
    assert_eq!(
        (&act["database"], &act["undo"], &act["changed"]),
        (&Value::Null, &json!("RESUME"), &json!(true))
    );
    assert!(done.stderr.contains("to resume it by hand: RESUME on the console "), "{done}");
    let mut client = pooled.client("waits");
    client.send("select 1");
    pooled.wait_for("waits", "waiting");
    assert_eq!(pooled.run(&["resume", "--all"]).success().stdout, "all databases: resumed\n");
    assert!(client.finish().is_ok());
    assert_eq!(pooled.run(&["resume", "--all"]).success().stdout, "all databases: was not paused\n");
    let held = pooled.run(&["pause", "--all", "--yes", "--", "true"]).success();
    assert!(held.stderr.contains("to resume it by hand: RESUME on the console "), "{held}");
    let mut after = pooled.client("after");
    wait_until("it is resumed", || after.run("select 1").is_ok());
}

/// PgBouncer before 1.23 keeps the limits of users to itself.
#[test]
fn a_limit_that_this_version_does_not_tell_is_named() {
    let pooled = pooled("transaction", &[("[users]\napp", "max_user_connections=1")]);
    let _busy = pooled.working("one");
    let _waiting = pooled.waiting("two");
    let told = || at_console(&pooled, &["check", "pooler-waiting", "--critical", "pooler-waiting=0s"]).run();
    let expected = "a max_user_connections of user app, which PgBouncer 1.";
    let mut seen = String::new();
    wait_until("it has waited longer than a login takes", || {
        seen = told().stdout;
        seen.contains("which has room (1 of 2)") || seen.contains("is used up")
    });
    let table = pooled.run(&[]).success();
    if seen.contains("is used up") {
        // 1.23 and later tell it.
        assert!(seen.contains("max_user_connections is used up (1 of 1)"), "{seen}");
        return;
    }
    for text in [&seen, &table.stdout] {
        assert!(text.contains(expected) && text.contains("does not tell, may be used up"), "{text}");
    }
}
