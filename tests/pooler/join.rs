//! The client behind a session of the server: the join, and other looks that name it.

use super::{applications, pooled};
use crate::common::{Pgconn, shared};
use serde_json::json;

#[test]
fn the_join_names_the_client_behind_each_session() {
    let pooled = pooled("transaction", &[]);
    pooled.cluster.query("create table stock (n int)");
    pooled.cluster.query("grant all on stock to app");
    let mut holder = pooled.client("holder");
    holder.query("begin; lock table stock");
    let mut blocked = pooled.client("blocked");
    blocked.send("select * from stock");
    pooled.cluster.wait_until("exists (select from pg_stat_activity where wait_event_type = 'Lock')");
    let _queued = pooled.waiting("queued");
    let port = pooled.cluster.port.to_string();
    let server = format!("host={} port={port} user=postgres dbname=postgres", pooled.cluster.host());
    let document = pooled.run(&["--server", &server, "--json"]).success().json();
    assert!(document["server"]["version"].is_string(), "{document:#}");
    assert_eq!(document["warnings"], json!([]));
    let rows = document["join"].as_array().unwrap();
    assert_eq!(applications(&document["join"])[0], "queued");
    assert!(rows[0]["server"].is_null() && rows[0]["backend"].is_null());
    let of = |name: &str| rows.iter().find(|row| row["client"]["application_name"] == name).unwrap();
    let row = of("blocked");
    assert_eq!(row["backend"]["pid"], row["server"]["pid"]);
    assert_eq!(
        (&row["backend"]["wait_event_type"], &row["backend"]["query"]),
        (&json!("Lock"), &json!("select * from stock"))
    );
    let held =
        pooled.cluster.value("select pid from pg_locks where relation = 'stock'::regclass and granted");
    assert_eq!(of("holder")["backend"]["pid"].to_string(), held);
    assert_eq!(of("holder")["backend"]["state"], "idle in transaction");
    assert!(of("holder")["locks_held"].as_i64().unwrap() >= 1, "{document:#}");
    assert!(rows[0]["locks_held"].is_null());
    let table = pooled.run(&["--server", &server]).success();
    let line = table.stdout.lines().find(|line| line.contains("blocked")).unwrap();
    assert!(line.contains("Lock:relation") && line.contains("select * from stock"), "{table}");
    let only = pooled.run(&["--server", &server, "--app", "holder", "--json"]).success().json();
    assert_eq!(applications(&only["join"]), ["holder"]);
    let other = shared();
    let wrong = format!("host={} port={} user=postgres dbname=postgres", other.host(), other.port);
    let wrong = pooled.run(&["--server", &wrong, "--json"]).success().json();
    assert_eq!(wrong["warnings"][0]["code"], "not_joined");
    assert!(wrong["join"].as_array().unwrap().iter().all(|row| row["backend"].is_null()));
}

#[test]
fn blockers_and_long_name_the_client_behind_the_pooler() {
    let pooled = pooled("transaction", &[("application_name_add_host", "0")]);
    pooled.cluster.query("create table stock (n int)");
    pooled.cluster.query("grant all on stock to app");
    let mut holder = pooled.client("holder");
    holder.query("begin; lock table stock");
    let mut blocked = pooled.client("blocked");
    blocked.send("select * from stock");
    pooled.cluster.wait_until("exists (select from pg_stat_activity where wait_event_type = 'Lock')");
    let console = format!("host={} port={} user=postgres", pooled.cluster.host(), pooled.pooler.port);
    let run = |arguments: &[&str]| Pgconn::new(arguments).on(&pooled.cluster).run().success();
    for (command, limit) in [("blockers", "--all-waits"), ("long", "--over=0s")] {
        let document = run(&[command, limit, "--pooler", &console, "--json"]).json();
        let sessions = document["sessions"].as_array().unwrap();
        let mut names: Vec<_> =
            sessions.iter().map(|row| row["pooler_client"]["application_name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!((names, &document["warnings"]), (vec!["blocked", "holder"], &json!([])), "{document:#}");
        assert_eq!(sessions[0]["pooler_client"]["addr"], "local");
        let without = run(&[command, limit, "--json"]).json();
        assert_eq!(without["sessions"][0]["pooler_client"], json!(null));
        let unasked = run(&[command, limit, "--pooler", "host=/nonexistent", "--json"]).json();
        assert_eq!(unasked["warnings"][0]["code"], "pooler_not_asked", "{unasked:#}");
        assert_eq!(unasked["sessions"].as_array().unwrap().len(), 2);
    }
    let tree = run(&["blockers", "--pooler", &console]).stdout;
    assert!(tree.contains("holder (local)") && tree.contains("blocked (local)"), "{tree}");
    let table = run(&["long", "--over=0s", "--pooler", &console]).stdout;
    assert!(table.contains("local (pooled)"), "{table}");
    let other = shared();
    let wrong = format!("host={} port={} user=postgres dbname=postgres", other.host(), other.port);
    let wrong = run(&["long", "--over=0s", "--pooler", &wrong, "--json"]).json();
    assert_eq!(wrong["warnings"][0]["code"], "pooler_not_asked", "a server is no console: {wrong:#}");
}
