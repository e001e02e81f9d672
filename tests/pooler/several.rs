//! A pooler of several processes behind one port: each console shows its own.

use super::super::common::{PgBouncer, Pgconn, wait_until};
use super::pooled;
use serde_json::{Value, json};

#[test]
fn one_process_of_several_says_so_and_several_are_added() {
    let pooled = pooled("transaction", &[("so_reuseport", "1"), ("max_client_conn", "50")]);
    let other = PgBouncer::start(
        &pooled.cluster,
        &["app"],
        &[("pool_mode", "transaction"), ("default_pool_size", "2"), ("max_client_conn", "50")],
    );
    let _here = [pooled.working("one"), pooled.working("two")];
    let mut there = other.connect(&[("user", "app"), ("application_name", "three")]).unwrap();
    there.query("begin");
    let port = pooled.pooler.port.to_string();
    let at_console = |arguments: &[&str]| {
        Pgconn::new(&[&["-p", &port, "-d", "pgbouncer"], arguments].concat()).on(&pooled.cluster).run()
    };
    for arguments in [&["pooler", "--json"][..], &["check", "connections", "--json"], &["metrics", "--json"]]
    {
        let seen = at_console(arguments);
        assert_eq!(seen.json()["warnings"][0]["code"], "one_of_several", "{seen}");
        assert!(
            seen.json()["warnings"][0]["message"].as_str().unwrap().starts_with("so_reuseport is on: "),
            "{seen}"
        );
    }
    let console = format!("host={} port={} user=postgres", pooled.cluster.host(), other.port);
    let both = pooled.run(&["--console", &console, "--json"]).success().json();
    assert_eq!(both["warnings"], json!([]), "{both:#}");
    let app = |document: &Value| {
        let pools = document["pools"].as_array().unwrap().clone();
        pools.into_iter().find(|pool| pool["user"] == "app").unwrap()
    };
    let pool = app(&both);
    assert_eq!(
        (&pool["clients_active"], &pool["servers_active"], &pool["pool_size"]),
        (&json!(3), &json!(3), &json!(4))
    );
    let limit =
        both["limits"].as_array().unwrap().iter().find(|limit| limit["name"] == "max_client_conn").unwrap();
    assert_eq!(limit["limit"], 100, "{both:#}");
    let table = pooled.run(&["--console", &console]).success();
    assert!(table.stdout.lines().next().unwrap().ends_with("  the sum of 2 processes"), "{table}");
    assert!(!at_console(&["pooler", "clients", "--console", &console]).stderr.is_empty());
    let alone = pooled.run(&["--console", "host=/nonexistent"]);
    assert_eq!(alone.code, 3, "{alone}");
}

#[test]
fn every_pool_that_waits_is_named() {
    let pooled = pooled("transaction", &[("default_pool_size", "1")]);
    pooled.cluster.query("create database shop");
    let to = |database, name| {
        pooled.pooler.connect(&[("user", "app"), ("database", database), ("application_name", name)]).unwrap()
    };
    let mut busy = [to("postgres", "one"), to("shop", "two")];
    busy.iter_mut().for_each(|client| drop(client.query("begin")));
    let mut waiting = [to("postgres", "three"), to("shop", "four"), to("shop", "five")];
    waiting.iter_mut().for_each(|client| client.send("select 1"));
    for name in ["three", "four", "five"] {
        pooled.wait_for(name, "waiting");
    }
    let port = pooled.pooler.port.to_string();
    let check = ["check", "-p", &port, "-d", "pgbouncer", "pooler-waiting", "-F", "nagios"];
    let mut seen = String::new();
    wait_until("all of them are counted", || {
        seen = Pgconn::new(&check).on(&pooled.cluster).run().stdout;
        seen.contains("3 clients wait")
    });
    for part in ["'pooler-waiting postgres/app'=1;;;0", "'pooler-waiting shop/app'=2;;;0"] {
        assert!(seen.contains(part), "{seen}");
    }
    assert!(seen.contains("; 2 in shop/app") || seen.contains("; 1 in postgres/app"), "{seen}");
}
