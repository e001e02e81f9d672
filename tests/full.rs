//! A server without a free slot: everybody gets in, or is told which limit it is and whose.

use crate::common::{Cluster, PgBouncer, Pgconn, Session, wait_for, with};
use std::fs;

/// What became of a login: `in`, `emergency` (a walsender's slot), or whose limit it was.
fn fate(cluster: &Cluster, role: &str, database: &str, more: &[&str]) -> String {
    let arguments = [&["stats", "--json", "-U", role, "-d", database], more].concat();
    let outcome = Pgconn::new(&arguments).on(cluster).settling(cluster).run();
    if outcome.code == 0 {
        let warnings = outcome.json()["warnings"].clone();
        let emergency = |warning: &serde_json::Value| warning["code"] == "emergency_connection";
        let emergency = warnings.as_array().unwrap().iter().any(emergency);
        return if emergency { "emergency" } else { "in" }.to_owned();
    }
    let outcome = outcome.fails_with(3);
    assert_eq!(outcome.stdout, "");
    let error = serde_json::from_str::<serde_json::Value>(&outcome.stderr).unwrap()["error"].clone();
    assert_eq!(error["code"], "too_many_connections", "{outcome}");
    assert_eq!(error["sqlstate"], "53300", "{outcome}");
    assert!(error["hint"].is_string(), "{outcome}");
    error["scope"].as_str().unwrap().to_owned()
}

fn hint(cluster: &Cluster, role: &str, database: &str) -> String {
    let run = Pgconn::new(&["stats", "-U", role, "-d", database]).on(cluster).settling(cluster);
    run.run().fails_with(3).stderr
}

/// Takes every slot that a role can get.
fn fill(cluster: &Cluster, role: &str) -> Vec<Session> {
    let held: Vec<Session> = std::iter::from_fn(|| cluster.connect(&[("user", role)]).ok()).collect();
    assert!(!held.is_empty(), "{role} got no slot");
    held
}

#[test]
fn everybody_gets_in_or_is_told_whose_limit_it_is() {
    let probe = with(&[]);
    let has_reserved_slots = probe.major() >= 16;
    drop(probe);
    let mut parameters =
        vec![("max_connections", "7"), ("superuser_reserved_connections", "1"), ("max_wal_senders", "3")];
    if has_reserved_slots {
        parameters.push(("reserved_connections", "1"));
    }
    let cluster = with(&parameters);
    cluster.query(
        "create role app login; create role limited login connection limit 0; \
         create role repl login replication; create role keen login",
    );
    if has_reserved_slots {
        cluster.query("grant pg_use_reserved_connections to keen");
    }
    cluster.query("create database small connection limit 0");
    let fates = |cases: &[(&str, &str)]| -> Vec<String> {
        cases.iter().map(|(role, database)| fate(&cluster, role, database, &[])).collect()
    };

    // room for everybody: the limits of roles and databases hold for those without SUPERUSER
    let everybody = [
        ("app", "postgres"),
        ("limited", "postgres"),
        ("app", "small"),
        ("keen", "postgres"),
        ("postgres", "small"),
        ("repl", "postgres"),
    ];
    assert_eq!(fates(&everybody), ["in", "role", "database", "in", "in", "in"]);
    assert!(hint(&cluster, "limited", "postgres").contains("ALTER ROLE \"limited\" CONNECTION LIMIT"));
    assert!(hint(&cluster, "app", "small").contains("ALTER DATABASE \"small\" CONNECTION LIMIT"));

    // only reserved slots are left
    let mut held = fill(&cluster, "app");
    let keen = if has_reserved_slots { "in" } else { "reserved" };
    assert_eq!(fates(&everybody), ["reserved", "role", "reserved", keen, "in", "emergency"]);
    let reserved = hint(&cluster, "app", "postgres");
    assert!(reserved.contains("pg_use_reserved_connections"), "{reserved}");
    assert_eq!(fate(&cluster, "repl", "postgres", &["--emergency", "never"]), "reserved");

    // membership that is not inherited is of no use, and what the hint proposes is
    if has_reserved_slots {
        cluster.query("create role shy login noinherit in role pg_use_reserved_connections");
        let refusal = hint(&cluster, "shy", "postgres");
        let (_, grant) = refusal.split_once("for next time ").unwrap();
        cluster.query(grant);
        assert_eq!(fate(&cluster, "shy", "postgres", &[]), "in");
    }

    // only those of superusers
    if has_reserved_slots {
        held.extend(fill(&cluster, "keen"));
        assert_eq!(fates(&everybody), ["reserved", "role", "reserved", "reserved", "in", "emergency"]);
        let reserved = hint(&cluster, "keen", "postgres");
        assert!(reserved.contains("only the slots of superusers are left"), "{reserved}");
    }

    // none at all: limits of roles and databases are no longer looked at by the server
    held.extend(fill(&cluster, "postgres"));
    assert_eq!(fates(&everybody), ["server", "server", "server", "server", "emergency", "emergency"]);
    assert_eq!(fate(&cluster, "postgres", "postgres", &["--emergency", "never"]), "server");
    let full = hint(&cluster, "app", "postgres");
    assert!(full.contains("every slot is taken"), "{full}");

    // acting works there, too, and says so; the first refusal is shown when that way is taken as well
    let walsender = || cluster.connect(&[("replication", "database"), ("user", "repl")]).ok();
    let walsenders = [(); 3].map(|()| wait_for("a walsender's slot", walsender));
    assert_eq!(fates(&[("postgres", "postgres"), ("repl", "postgres")]), ["server", "server"]);
    drop(walsenders);
    let pid = held[0].pid.to_string();
    let killed = Pgconn::new(&["kill", "--json", &pid]).on(&cluster).run().success().json();
    assert_eq!((killed["emergency"].as_bool(), killed["succeeded"].as_i64()), (Some(true), Some(1)));
}

#[test]
fn a_role_or_database_limit_is_never_passed_by_the_emergency_lane() {
    let cluster = with(&[]);
    cluster.query("create role r login replication connection limit 0");
    cluster.query("create database d connection limit 0");
    cluster.query("create role free login replication");
    assert_eq!(fate(&cluster, "r", "postgres", &[]), "role");
    assert_eq!(fate(&cluster, "free", "d", &[]), "database");
    let outcome = Pgconn::new(&["stats", "-U", "r"]).on(&cluster).run().fails_with(3);
    assert!(outcome.stderr.contains("too many connections for role \"r\""), "{outcome}");
    assert!(!outcome.stderr.contains("replication connection"), "{outcome}");
}

#[test]
fn in_the_emergency_lane_statements_go_one_by_one_and_without_a_leading_comment() {
    let cluster = with(&[("log_statement", "all"), ("log_line_prefix", "%b|"), ("log_min_messages", "log")]);
    let mut victim = cluster.connect(&[("application_name", "victim")]).unwrap();
    for arguments in [
        &["stats", "--emergency", "always"][..],
        &["ls", "--emergency", "always"],
        &["long", "--emergency", "always"],
        &["blockers", "--emergency", "always"],
        &["cancel", "--app", "nosuch", "--emergency", "always"],
        &["kill", "--app", "victim", "--yes", "--emergency", "always"],
    ] {
        let outcome = Pgconn::new(arguments).on(&cluster).run().success();
        assert!(outcome.stderr.contains("this is a replication connection"), "{arguments:?}: {outcome}");
    }
    assert!(victim.is_ended());
    let log = fs::read_to_string(cluster.dir.join("log")).unwrap();
    let mut statements: Vec<String> = Vec::new();
    for line in log.lines() {
        if let Some(statement) = line.strip_prefix("walsender|LOG:  statement: ") {
            statements.push(statement.to_owned());
        } else if let Some(more) = line.strip_prefix('\t') {
            statements.last_mut().unwrap().push_str(&format!("\n{more}"));
        }
    }
    // guards and questions, each alone
    assert!(statements.len() > 20, "{log}");
    let guard = |text: &str| statements.iter().filter(|statement| statement.starts_with(text)).count();
    assert!(guard("set local statement_timeout") >= 6 && guard("begin") >= 6, "{statements:#?}");
    for statement in &statements {
        assert!(!statement.trim_start().starts_with("--"), "{statement}");
        assert!(!statement.contains(';'), "{statement}");
    }
}

#[test]
fn a_refused_statement_in_the_emergency_lane_leaves_the_next_one_its_own_answer() {
    let cluster = with(&[]);
    cluster.query(
        "create role repl login replication; grant pg_signal_backend, pg_monitor to repl; \
         do $$ begin execute (select format('revoke execute on function %s from public', oid::regprocedure) \
         from pg_proc where proname = 'pg_terminate_backend'); end $$",
    );
    let mut spared = cluster.connect(&[("application_name", "spared"), ("user", "repl")]).unwrap();
    let arguments = ["kill", "--app", "spared", "--yes", "--emergency", "always", "-U", "repl", "--json"];
    let document = Pgconn::new(&arguments).on(&cluster).run().fails_with(1).json();
    assert_eq!(document["results"][0]["result"], "not_permitted", "{document}");
    assert_eq!(document["remaining_matching"], 1, "{document}");
    assert!(!spared.is_ended());
}

#[test]
fn a_poolers_own_limits_are_told_apart_from_the_servers() {
    let cluster = with(&[]);
    let error = |pooler: &PgBouncer, exit: i32| {
        let port = pooler.port.to_string();
        let arguments =
            ["stats", "--json", "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", "postgres"];
        let outcome = Pgconn::new(&arguments).run().fails_with(exit);
        let error = serde_json::from_str::<serde_json::Value>(&outcome.stderr).unwrap()["error"].clone();
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        // neither has TLS, so there is nothing to try a second time
        assert!(!text("detail").contains(&text("message")), "{outcome}");
        [text("code"), text("scope"), text("sqlstate"), text("message"), text("hint")]
    };
    let login = [("user", "postgres"), ("database", "postgres")];

    let full = PgBouncer::start(&cluster, &[], &[("max_client_conn", "1")]);
    let held = full.connect(&login).unwrap();
    let [code, scope, sqlstate, message, hint] = error(&full, 3);
    assert_eq!([&code, &scope, &sqlstate].map(String::as_str), ["too_many_connections", "pooler", "08P01"]);
    assert!(message.contains("no more connections allowed (max_client_conn)"), "{message}");
    assert!(hint.contains("max_client_conn"), "{hint}");
    drop(held);

    // the pool is taken by another client, and the question waits longer than it may
    let busy = PgBouncer::start(
        &cluster,
        &[],
        &[("pool_mode", "transaction"), ("default_pool_size", "1"), ("query_wait_timeout", "1")],
    );
    let mut holder = busy.connect(&login).unwrap();
    holder.query("begin");
    let [code, scope, _, message, hint] = error(&busy, 3);
    assert_eq!([&code, &scope].map(String::as_str), ["too_many_connections", "pooler"]);
    assert!(message.contains("query_wait_timeout"), "{message}");
    assert!(hint.contains("no free server connection"), "{hint}");
}
