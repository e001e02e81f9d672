//! What `stats`, `ls` and `long` say equals what the server says at the same moment, with sessions in every state.

use super::common::{Cluster, Pgconn, Session, wait_until, with};
use serde_json::Value;
use std::collections::BTreeMap;

/// A server with sessions in every state, some dozens of each that can be had in dozens.
struct Populated {
    cluster: Cluster,
    _sessions: Vec<Session>,
}

/// Opens a session with these startup parameters.
type Open<'a> = &'a mut dyn FnMut(&[(&str, &str)]) -> Session;

/// Sessions of each of the plentiful states.
const EACH: usize = 50;

fn populated() -> Populated {
    let cluster = with(&[
        ("max_connections", "500"),
        ("max_parallel_workers_per_gather", "2"),
        ("autovacuum_naptime", "1s"),
    ]);
    let mut admin = cluster.session();
    for sql in [
        "create role app login connection limit 200",
        "create role worker login",
        "create database shop connection limit 300",
        "create table busy as select generate_series(1, 2000) as id",
        "create table churned (id int) with (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, \
         autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)",
        "insert into churned select generate_series(1, 200000)",
        "delete from churned",
    ] {
        admin.query(sql);
    }
    let mut sessions = Vec::new();
    let mut many = |label: &'static str, role: &'static str, open: Open<'_>| {
        for number in 0..EACH {
            let database = if number % 3 == 0 { "shop" } else { "postgres" };
            sessions.push(open(&[("user", role), ("database", database), ("application_name", label)]));
        }
    };
    let begun = |with: &[(&str, &str)], then: &[&str]| {
        let mut session = cluster.connect(with).unwrap();
        for sql in then {
            let _ = session.run(sql);
        }
        session
    };
    let sent = |with: &[(&str, &str)], sql: &str| {
        let mut session = cluster.connect(with).unwrap();
        session.send(sql);
        session
    };
    let sleep: u32 = admin.query("select 'pg_sleep'::regproc::oid")[0][0].as_ref().unwrap().parse().unwrap();
    many("web", "app", &mut |with| begun(with, &["select 1"]));
    many("report", "app", &mut |with| sent(with, "select pg_sleep(3600)"));
    many("leak", "app", &mut |with| begun(with, &["begin", "select 1"]));
    many("broken", "worker", &mut |with| begun(with, &["begin", "select 1/0"]));
    many("silent", "postgres", &mut |with| begun(with, &["set track_activities = off"]));
    many("fast", "worker", &mut |with| {
        let mut session = cluster.connect(with).unwrap();
        session.call_function(sleep, "3600");
        session
    });
    let mut holder = cluster.connect(&[("application_name", "holder")]).unwrap();
    holder.query("begin");
    holder.query("select pg_advisory_lock(1)");
    sessions.push(holder);
    for _ in 0..EACH {
        sessions.push(sent(&[("application_name", "queue")], "select pg_advisory_lock(1)"));
    }
    let mut leader = cluster.connect(&[("application_name", "parallel")]).unwrap();
    for sql in
        ["set parallel_setup_cost = 0", "set parallel_tuple_cost = 0", "set min_parallel_table_scan_size = 0"]
    {
        leader.query(sql);
    }
    leader.send("select count(*) from busy where pg_sleep(3600) is null");
    sessions.push(leader);
    sessions.push(cluster.walsender());
    for (condition, count) in [
        ("state = 'active' and application_name = 'report'", EACH),
        ("state = 'fastpath function call'", EACH),
        ("wait_event_type = 'Lock'", EACH),
        ("state = 'idle in transaction (aborted)'", EACH),
        ("backend_type = 'parallel worker'", 2),
        ("backend_type = 'walsender' and state = 'active'", 1),
        ("backend_type = 'autovacuum worker'", 1),
    ] {
        cluster.wait_until(&format!("(select count(*) from pg_stat_activity where {condition}) >= {count}"));
    }
    Populated { cluster, _sessions: sessions }
}

/// Rows of a query as name → number.
fn numbers(cluster: &Cluster, sql: &str) -> BTreeMap<String, i64> {
    let rows = cluster.query(sql);
    rows.into_iter()
        .map(|row| (row[0].clone().unwrap_or_default(), row[1].as_ref().unwrap().parse().unwrap()))
        .collect()
}

fn listed(list: &Value, name: &str, number: &str) -> BTreeMap<String, i64> {
    let groups = list.as_array().unwrap().iter();
    groups
        .map(|group| (group[name].as_str().unwrap_or_default().into(), group[number].as_i64().unwrap_or(-1)))
        .collect()
}

/// The sessions that `stats` counts, but for the one that asks.
const CLIENTS: &str =
    "from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()";

#[test]
fn stats_and_listings_equal_the_server() {
    let populated = populated();
    let cluster = &populated.cluster;
    let stats = Pgconn::new(&["stats", "--json"]).on(cluster).settling(cluster).run().success().json();

    let by = |column: &str| numbers(cluster, &format!("select {column}, count(*) {CLIENTS} group by 1"));
    assert_eq!(listed(&stats["by_state"], "state", "count"), by("state"));
    assert_eq!(listed(&stats["by_application"], "application_name", "count"), by("application_name"));
    assert_eq!(listed(&stats["by_database"], "database", "count"), by("datname"));
    assert_eq!(listed(&stats["by_role"], "role", "count"), by("usename"));
    for (column, state) in [
        ("active", "active"),
        ("idle", "idle"),
        ("idle_in_transaction", "idle in transaction"),
        ("idle_in_transaction_aborted", "idle in transaction (aborted)"),
    ] {
        let sql = format!(
            "select application_name, count(*) filter (where state = '{state}') {CLIENTS} group by 1"
        );
        assert_eq!(listed(&stats["by_application"], "application_name", column), numbers(cluster, &sql));
    }

    let total: i64 = cluster.value(&format!("select count(*) {CLIENTS}")).parse().unwrap();
    let connections = &stats["connections"];
    assert_eq!(stats["matched"], total);
    assert_eq!(connections["used"], total + 1, "pgconn's own connection holds a slot");
    assert_eq!(connections["used_at_most"], total + 1);
    assert_eq!(connections["hidden"], 0);
    for setting in ["max_connections", "superuser_reserved_connections"] {
        assert_eq!(connections[setting].to_string(), cluster.value(&format!("show {setting}")));
    }
    let reserved = "coalesce(current_setting('reserved_connections', true), '0')";
    let usable = format!(
        "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int \
         - {reserved}::int"
    );
    assert_eq!(connections["usable"].to_string(), cluster.value(&usable));
    let limits = listed(&stats["by_role"], "role", "connection_limit");
    assert_eq!((limits["app"], limits["worker"]), (200, -1));
    assert_eq!(listed(&stats["by_database"], "database", "connection_limit")["shop"], 300);

    listings_equal_the_server(cluster, total);
    ages_lie_between_two_looks(cluster);
    parallel_workers_are_folded_into_their_leader(cluster);
}

fn listings_equal_the_server(cluster: &Cluster, total: i64) {
    let ls = Pgconn::new(&["ls", "--json"]).on(cluster).settling(cluster).run().success().json();
    let sessions = ls["sessions"].as_array().unwrap();
    assert_eq!(i64::try_from(sessions.len()).unwrap(), total);
    let rows = cluster.query(&format!(
        "select pid, to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), state, \
         datname, usename, application_name, coalesce(wait_event, ''), query, \
         to_hex(floor(extract(epoch from backend_start))::int8) || '.' || to_hex(pid) {CLIENTS}"
    ));
    for row in rows {
        let row: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
        let session =
            sessions.iter().find(|session| session["pid"] == row[0].parse::<i64>().unwrap()).unwrap();
        let text = |key: &str| session[key].as_str().unwrap_or_default().to_owned();
        let shown = [
            "backend_start",
            "state",
            "database",
            "role",
            "application_name",
            "wait_event",
            "query",
            "session_id",
        ];
        assert_eq!(shown.map(text).to_vec(), row[1..].to_vec());
        assert_eq!(session["can_signal"], true);
    }

    // Autovacuum workers come and go, so it is looked until one is met.
    wait_until("an autovacuum worker in the listing", || {
        let everything = Pgconn::new(&["ls", "--all-backends", "--json"])
            .on(cluster)
            .settling(cluster)
            .run()
            .success()
            .json();
        let sessions = everything["sessions"].as_array().unwrap();
        let kinds = |kind: &str| sessions.iter().filter(|session| session["backend_type"] == kind).count();
        assert_eq!((kinds("parallel worker"), kinds("walsender"), kinds("checkpointer")), (2, 1, 1));
        kinds("autovacuum worker") >= 1
    });
}

/// Ages come from the server's clock, so the server's own answer before and after encloses them.
fn ages_lie_between_two_looks(cluster: &Cluster) {
    let ages = || -> BTreeMap<String, f64> {
        let rows = cluster.query(&format!(
            "select pid, extract(epoch from clock_timestamp() - xact_start)::float8 {CLIENTS} and xact_start is not null"
        ));
        rows.into_iter()
            .map(|row| (row[0].clone().unwrap(), row[1].as_ref().unwrap().parse().unwrap()))
            .collect()
    };
    let before = ages();
    let long = Pgconn::new(&["long", "--over", "1ms", "--json"])
        .on(cluster)
        .settling(cluster)
        .run()
        .success()
        .json();
    let after = ages();
    let sessions = long["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), before.len());
    let mut earliest = String::new();
    for session in sessions {
        let (pid, age) = (session["pid"].to_string(), session["xact_seconds"].as_f64().unwrap());
        assert!(
            before[&pid] <= age && age <= after[&pid],
            "{pid}: {} <= {age} <= {}",
            before[&pid],
            after[&pid]
        );
        // By when they began: the clock goes on from row to row.
        let began = |key: &str| session[key].as_str().unwrap().to_owned();
        let is_call = session["state"] == "fastpath function call";
        let query = session["query_seconds"]
            .is_number()
            .then(|| began(if is_call { "state_change" } else { "query_start" }));
        let start = query.into_iter().fold(began("xact_start"), std::cmp::min);
        assert!(start >= earliest, "longest first");
        earliest = start;
    }
}

fn parallel_workers_are_folded_into_their_leader(cluster: &Cluster) {
    let arguments = ["ls", "--app", "parallel", "--json"];
    let leader = Pgconn::new(&arguments).on(cluster).settling(cluster).run().success().json();
    let sessions = leader["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0]["parallel_workers"], 2);
}

#[test]
fn open_transactions_are_listed_first_then_who_is_longest_in_its_state() {
    let server = with(&[("max_connections", "20")]);
    let idle = |name: &str| {
        let mut session = server.connect(&[("application_name", name)]).unwrap();
        session.query("select 1");
        session
    };
    let _sessions = [
        idle("idle, long"),
        server.aborted(&[("application_name", "aborted")]),
        server.idle_in_transaction(&[("application_name", "open")], "select 1"),
        idle("idle"),
    ];
    let listed = |line: &[&str]| -> Vec<String> {
        let document = Pgconn::new(line).on(&server).run().success().json();
        let name = |session: &Value| session["application_name"].as_str().unwrap().to_owned();
        document["sessions"].as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(listed(&["ls", "--json"]), ["aborted", "open", "idle, long", "idle"]);
    assert_eq!(listed(&["ls", "--json", "--limit", "1"]), ["aborted"]);
}
