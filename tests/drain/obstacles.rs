//! `drain` names what stands in the way of DROP, RENAME and TEMPLATE besides sessions, and PostgreSQL agrees.

use crate::common::{Cluster, Pgconn, with};
use serde_json::{Value, json};
use std::thread;

fn drain(cluster: &Cluster, database: &str, arguments: &[&str]) -> Pgconn {
    Pgconn::new(&[&["drain", "--db", database, "--for", "1ms"], arguments].concat()).on(cluster)
}

/// Runs a statement in a database.
fn run(cluster: &Cluster, database: &'static str, sql: &str) {
    cluster.connect(&[("database", database)]).unwrap().query(sql);
}

/// A server with a database for each thing that can stand in the way. `reader` subscribes to `sending`.
fn server() -> Cluster {
    let cluster = with(&[("wal_level", "logical"), ("max_prepared_transactions", "5")]);
    for name in ["quiet", "sending", "reader", "undecided", "subscribed", "slotted"] {
        cluster.query(&format!("create database {name}"));
    }
    run(&cluster, "slotted", "select pg_create_logical_replication_slot('left', 'pgoutput')");
    let subscribe =
        "create subscription sub connection 'dbname=nowhere' publication p with (connect = false)";
    run(&cluster, "subscribed", subscribe);
    run(&cluster, "sending", "create publication p");
    run(&cluster, "sending", "select pg_create_logical_replication_slot('feed', 'pgoutput')");
    let way = format!("host={} port={} user=postgres dbname=sending", cluster.host(), cluster.port);
    let with = "with (create_slot = false, slot_name = 'feed')";
    run(&cluster, "reader", &format!("create subscription sub2 connection '{way}' publication p {with}"));
    cluster.wait_until("(select active from pg_replication_slots where slot_name = 'feed')");
    // The last: a slot waits for every transaction before it.
    run(&cluster, "undecided", "begin; create table t (); prepare transaction 'it''s'");
    cluster
}

fn rows(document: &Value) -> Vec<(String, Vec<String>)> {
    let words =
        |value: &Value| value.as_array().unwrap().iter().map(|w| w.as_str().unwrap().into()).collect();
    let rows = document["in_the_way"].as_array().unwrap().iter();
    rows.map(|row| (row["kind"].as_str().unwrap().into(), words(&row["stops"]))).collect()
}

#[test]
fn what_stands_in_the_way_is_what_the_server_says_stands_in_the_way() {
    let cluster = server();
    let alone = ["DROP", "RENAME", "TEMPLATE"].map(str::to_owned).to_vec();
    let of = |kind: &str, stops: &[&str]| (kind.to_owned(), stops.iter().map(|w| (*w).to_owned()).collect());
    for (database, expected) in [
        ("quiet", vec![]),
        ("sending", vec![of("replication_slot", &["DROP"]), ("walsender".into(), alone.clone())]),
        ("reader", vec![of("subscription", &["DROP"]), ("worker".into(), alone.clone())]),
        ("undecided", vec![("prepared_transaction".into(), alone)]),
        ("subscribed", vec![of("subscription", &["DROP"])]),
        ("slotted", vec![of("replication_slot", &[])]),
    ] {
        for arguments in [&["--json"][..], &["--json", "--dry-run"]] {
            let document = drain(&cluster, database, arguments).run().success().json();
            assert_eq!(rows(&document), expected, "{database} {document:#}");
        }
    }
    // The server, of each at least one: what is not named as stopped by it is done.
    let attempts = [
        ("sending", "alter database sending rename to x", false),
        ("reader", "create database y template reader", false),
        ("undecided", "drop database undecided", false),
        ("subscribed", "alter database subscribed rename to subscribed", true),
        ("subscribed", "create database z template subscribed", true),
        ("subscribed", "drop database subscribed", false),
        ("slotted", "alter database slotted rename to slotted2", true),
        ("slotted2", "create database s template slotted2", true),
        ("slotted2", "drop database slotted2", true),
        ("quiet", "drop database quiet", true),
    ];
    thread::scope(|scope| {
        for first in ["sending", "reader", "undecided", "subscribed", "slotted", "quiet"] {
            let (cluster, attempts) = (&cluster, &attempts);
            scope.spawn(move || {
                for (database, sql, works) in attempts {
                    if database.starts_with(first) {
                        let done = cluster.session().run(sql);
                        // A database cannot be called what it is called: that, too, is no object in use.
                        let in_use = done.as_ref().err().is_some_and(|error| error.sqlstate == "55006");
                        assert_eq!(in_use, !works, "{sql}: {done:?}");
                    }
                }
            });
        }
    });
    // The slot went with its database, as is said.
    assert_eq!(cluster.value("select count(*) from pg_replication_slots where slot_name = 'left'"), "0");
}

#[test]
fn the_plan_and_the_result_say_what_to_do_about_it() {
    let cluster = server();
    let pid = cluster.value("select active_pid from pg_replication_slots where slot_name = 'feed'");
    for (database, lines) in [
        (
            "sending",
            vec![
                format!("in the way of DROP: replication slot \"feed\", used by pid {pid}; stop what reads from it, then: SELECT pg_drop_replication_slot('feed')"),
                format!("in the way of DROP, RENAME and TEMPLATE: walsender \"sub2\" pid {pid}; stop what reads from it, or: pgconn kill --all-backends {pid}"),
            ],
        ),
        (
            "undecided",
            vec!["in the way of DROP, RENAME and TEMPLATE: prepared transaction \"it's\"; ask the transaction manager which was decided, then in database \"undecided\": COMMIT PREPARED 'it''s' or ROLLBACK PREPARED 'it''s'".into()],
        ),
        ("slotted", vec!["lost with the database: replication slot \"left\"; DROP DATABASE drops it as well: what reads from it has to begin anew".into()]),
        ("subscribed", vec!["in the way of DROP: subscription \"sub\"; in database \"subscribed\": DROP SUBSCRIPTION \"sub\"".into()]),
        ("reader", vec!["; it is a subscription's: ALTER SUBSCRIPTION … DISABLE, in that database".into()]),
    ] {
        let outcome = drain(&cluster, database, &[]).run().success();
        for line in lines {
            assert!(outcome.stderr.contains(&line), "plan: {line}\n{outcome}");
            assert!(outcome.stdout.contains(&line), "result: {line}\n{outcome}");
        }
    }
    // What is gone by the end is not named any more.
    let finish = cluster.dir.join("finish");
    let psql = crate::common::psql().unwrap();
    std::fs::write(&finish, "rollback prepared 'it''s'").unwrap();
    let arguments =
        ["drain", "--db", "undecided", "--", psql.to_str().unwrap(), "-qX", "-d", "undecided", "-f"];
    let arguments = [&arguments[..], &[finish.to_str().unwrap()]].concat();
    let outcome = Pgconn::new(&arguments).on(&cluster).run().success();
    assert_eq!(outcome.stderr.matches("in the way of").count(), 1, "{outcome}");
    let document = drain(&cluster, "undecided", &["--json"]).run().success().json();
    assert_eq!(document["in_the_way"], json!([]));
}

/// Whoever drains as the owner sees it as well.
#[test]
fn an_owner_is_told_of_what_he_may_see() {
    let cluster = server();
    cluster.query("create role boss login; alter database undecided owner to boss; alter database slotted owner to boss; alter database subscribed owner to boss");
    for (database, kind) in [
        ("undecided", "prepared_transaction"),
        ("slotted", "replication_slot"),
        ("subscribed", "subscription"),
    ] {
        let document = drain(&cluster, database, &["--json", "-n", "-U", "boss"]).run().success().json();
        assert_eq!(document["in_the_way"][0]["kind"], kind, "{document:#}");
    }
}
