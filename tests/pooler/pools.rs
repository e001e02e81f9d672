//! `pooler`: pools, what fills them, and how much work they do.

use super::pooled;
use crate::common::{Pgconn, wait_until};
use serde_json::json;

#[test]
fn pools_show_who_waits_for_what() {
    let pooled = pooled("transaction", &[]);
    let (_one, _two) = (pooled.working("one"), pooled.working("two"));
    let _waiting = pooled.waiting("three");
    let document = pooled.run(&["--json"]).success().json();
    assert_eq!(
        (document["kind"].as_str(), document["product"].as_str()),
        (Some("pooler"), Some("PgBouncer"))
    );
    assert!(document["version"].as_str().unwrap().starts_with("1."), "{document:#}");
    assert_eq!(document["target"]["database"], "pgbouncer", "whatever PGDATABASE says");
    let pools = document["pools"].as_array().unwrap();
    assert!(pools.iter().all(|pool| pool["database"] != "pgbouncer"), "the console is no pool");
    let pool = &pools[0];
    for (key, value) in [
        ("database", json!("postgres")),
        ("user", json!("app")),
        ("pool_mode", json!("transaction")),
        ("pool_size", json!(2)),
        ("clients_active", json!(2)),
        ("clients_waiting", json!(1)),
        ("servers_active", json!(2)),
        ("servers_idle", json!(0)),
        ("servers_used", json!(0)),
        ("used_ratio", json!(1.0)),
        ("paused", json!(false)),
    ] {
        assert_eq!(pool[key], value, "{key} {pool:#}");
    }
    assert!(pool["max_wait_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (&pool["first_limit"]["name"], &pool["first_limit"]["used"]),
        (&json!("pool_size"), &json!(2))
    );
    assert_eq!(document["first_limit"], pool["first_limit"]);
    let clients =
        document["limits"].as_array().unwrap().iter().find(|limit| limit["name"] == "max_client_conn");
    assert_eq!(clients.unwrap()["used"], 4, "three clients and pgconn itself");
    let table = pooled.run(&[]).success();
    for line in [
        "fullest limit  pool_size of postgres/app, 2 of 2  100%",
        "! 1 client of postgres/app waits: pool_size is used up (2 of 2)",
    ] {
        assert!(table.stdout.contains(line), "{table}");
    }
    let port = pooled.pooler.port;
    let hint =
        format!("hint: clients wait; see which: pgconn -p {port} -U postgres pooler clients --state waiting");
    assert!(table.stderr.contains(&hint), "{table}");
    let narrow = Pgconn::new(&["-p", &port.to_string(), "pooler"]).on(&pooled.cluster).on_terminal().finish();
    let narrow = narrow.success();
    for part in ["  WAITING  MAX-WAIT  ", "  FIRST-LIMIT", "  pool_size 2 of 2"] {
        assert!(narrow.stdout.contains(part), "{narrow}");
    }
    let rows = pooled.run(&["-F", "tsv", "--role", "app"]).success();
    assert_eq!(rows.stdout.lines().count(), 2, "{rows}");
    assert!(
        rows.stdout.lines().nth(1).unwrap().starts_with("postgres\tapp\ttransaction\t2\t0\t2\t1\t2\t0\t"),
        "{rows}"
    );
}

/// PgBouncer keeps its clients waiting when the server does not let it in, and says why in its log alone.
#[test]
fn a_pool_with_room_whose_clients_wait_is_refused_by_the_server() {
    let pooled = pooled("transaction", &[("default_pool_size", "3")]);
    pooled.cluster.query("alter role app connection limit 1");
    let _working = pooled.working("one");
    let _waiting = pooled.waiting("two");
    let place = format!("{}:{}", pooled.cluster.host(), pooled.cluster.port);
    // Before 1.23 it may be a limit that the console does not tell.
    let why = match pooled.run(&["--json"]).success().json()["version"].as_str().unwrap() {
        old if old < "1.23" => "the server refuses the pooler; see",
        _ => "the server seems to refuse the pooler; see",
    };
    let start = "! 1 client of postgres/app waits although the pool has room (1 of 3): ";
    let end = format!("{why} pgconn stats on {place}");
    wait_until("the reason is given", || {
        let table = pooled.run(&[]).success().stdout;
        table.lines().any(|line| line.starts_with(start) && line.ends_with(&end))
    });
    let port = pooled.pooler.port.to_string();
    let check = ["check", "-p", &port, "-d", "pgbouncer", "pooler-waiting", "--warning", "pooler-waiting=0"];
    let checked = Pgconn::new(&check).on(&pooled.cluster).run().fails_with(1);
    assert!(checked.stdout.contains(", which has room (1 of 3): "), "{checked}");
    assert!(checked.stdout.contains(why.trim_end_matches("; see")), "{checked}");
}

#[test]
fn a_database_limit_before_the_pools_own_is_named() {
    let pooled = pooled("session", &[("max_db_connections", "1"), ("default_pool_size", "5")]);
    let _working = pooled.working("one");
    let _waiting = pooled.waiting("two");
    let pool = pooled.pool();
    assert_eq!((&pool["pool_mode"], &pool["pool_size"]), (&json!("session"), &json!(5)));
    assert_eq!(
        (&pool["first_limit"]["name"], &pool["first_limit"]["limit"]),
        (&json!("max_db_connections"), &json!(1))
    );
    let table = pooled.run(&[]).success();
    assert!(table.stdout.contains("waits: max_db_connections is used up (1 of 1)"), "{table}");
}

/// The reserve opens for those who have waited long enough; until then the pool's size is what they wait at.
#[test]
fn a_reserve_that_is_not_open_yet_is_no_room() {
    let pooled = pooled("transaction", &[("reserve_pool_size", "1"), ("reserve_pool_timeout", "3600")]);
    let _busy = (pooled.working("one"), pooled.working("two"));
    let _waiting = pooled.waiting("three");
    let table = pooled.run(&[]).success();
    let said = "! 1 client of postgres/app waits: pool_size is used up (2 of 2)\n";
    assert!(table.stdout.contains(said) && table.stdout.contains("reserve_pool_size 0 of 1"), "{table}");
    let port = pooled.pooler.port.to_string();
    let checked = Pgconn::new(&["check", "-p", &port, "-d", "pgbouncer"]).on(&pooled.cluster).run();
    let checked = checked.fails_with(1);
    assert!(checked.stdout.contains("in pool postgres/app: pool_size is used up (2 of 2)"), "{checked}");
}

#[test]
fn in_statement_mode_a_client_waits_for_one_statement() {
    let pooled = pooled("statement", &[]);
    let mut busy = [pooled.client("one"), pooled.client("two")];
    for client in &mut busy {
        client.send("select pg_sleep(3600)");
    }
    pooled
        .cluster
        .wait_until("(select count(*) from pg_stat_activity where state = 'active' and usename = 'app') = 2");
    let _waiting = pooled.waiting("three");
    let pool = pooled.pool();
    assert_eq!((&pool["pool_mode"], &pool["clients_waiting"]), (&json!("statement"), &json!(1)), "{pool:#}");
}

#[test]
fn rates_are_the_work_of_the_time() {
    let pooled = pooled("statement", &[]);
    let mut client = pooled.client("busy");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let busy = std::thread::spawn(move || {
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            client.query("select 1");
        }
    });
    let document = pooled.run(&["--for", "100ms", "--json"]).success().json();
    let table = pooled.run(&["--for", "100ms"]).success();
    drop(stop);
    busy.join().unwrap();
    let rate = &document["rates"][0];
    assert_eq!((&rate["database"], document["rates"].as_array().unwrap().len()), (&json!("postgres"), 1));
    assert!(rate["queries_per_second"].as_f64().unwrap() > 1.0, "{rate}");
    assert_eq!(rate["queries_per_second"], rate["xacts_per_second"], "every statement is a transaction");
    assert!(rate["sampled_seconds"].as_f64().unwrap() >= 0.1, "{rate}");
    assert!(table.stdout.contains("QUERY/S"), "{table}");
    assert!(pooled.run(&["--json"]).success().json()["rates"].is_null());
    assert!(document["totals"][0]["query_total"].as_f64().unwrap() > 0.0);
    let port = pooled.pooler.port.to_string();
    let running = Pgconn::new(&["-p", &port, "pooler", "--for", "1h"]).on(&pooled.cluster).spawn();
    let mut console = pooled.pooler.connect(&[("database", "pgbouncer")]).unwrap();
    wait_until("pgconn is on the console", || {
        let clients = console.query("show clients");
        clients.iter().any(|row| row.iter().flatten().any(|value| value == "pgconn"))
    });
    running.signal(nix::sys::signal::Signal::SIGINT);
    let _interrupted = running.finish().fails_with(130);
}
