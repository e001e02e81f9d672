//! Sessions that are no ordinary clients, or not yet: walsenders, workers, logins under way.

use super::super::common::{Pgconn, Session, with};
use super::{check, rule};

/// Walsenders and apply workers are active as long as they live.
#[test]
fn a_walsender_that_streams_runs_no_query() {
    let server = with(&[("max_connections", "20"), ("wal_level", "logical")]);
    let _streaming = server.walsender();
    server.query("create table t ()");
    server.query("create publication p for table t");
    server.query("select pg_create_logical_replication_slot('s', 'pgoutput')");
    let connect = format!("host={} port={} user=postgres dbname=postgres", server.host(), server.port);
    server.query("create database copy");
    let mut copy = server.connect(&[("database", "copy")]).unwrap();
    copy.query("create table t ()");
    copy.query(&format!(
        "create subscription s connection '{connect}' publication p with (create_slot = false)"
    ));
    server.wait_until(
        "exists (select from pg_stat_activity where backend_type ~ '^logical replication .*worker$' and wait_event_type = 'Activity')",
    );
    server.wait_until(
        "(select count(*) = 2 from pg_stat_activity where backend_type = 'walsender' and state = 'active')",
    );
    let flags = ["long-query", "--all-backends", "--app", "!test", "--critical", "long-query=1ms"];
    let seen = check(&server, &flags).success();
    assert!(seen.stdout.contains("no query running"), "{seen}");
    let long = Pgconn::new(&["long", "--all-backends", "--over", "1ms", "--app", "!test", "--json"]);
    assert_eq!(long.on(&server).run().success().json()["matched"], 0);
    let listed = Pgconn::new(&["ls", "--all-backends"]).on(&server).run().success();
    assert!(listed.stdout.contains("active (walsender)"), "{listed}");
    copy.query("alter subscription s disable");
    copy.query("alter subscription s set (slot_name = none)");
    copy.query("drop subscription s");
}

/// A login event trigger runs for as long as it likes, and the session has no state meanwhile.
#[test]
fn a_login_that_lasts_is_starting_and_has_an_age() {
    let server = with(&[("max_connections", "20")]);
    if server.major() < 17 {
        return;
    }
    server.query("create database shop");
    let mut shop = server.connect(&[("database", "shop")]).unwrap();
    shop.query("create table gate ()");
    shop.query(
        "create function hold() returns event_trigger language plpgsql security definer as $$ begin \
         if session_user = 'app' then lock table gate; end if; end $$",
    );
    shop.query("create event trigger hold on login execute function hold()");
    shop.query("create role app login");
    shop.query("begin");
    shop.query("lock table gate");
    let (host, port) = (server.host().to_owned(), server.port);
    let client = std::thread::spawn(move || {
        let api = [("user", "app"), ("database", "shop"), ("application_name", "api")];
        Session::open(std::path::Path::new(&host), port, &api)
    });
    server.wait_until(
        "exists (select from pg_stat_activity where usename = 'app' and wait_event_type = 'Lock')",
    );
    let listed = Pgconn::new(&["ls", "--role", "app", "--json"]).on(&server).run().success().json();
    assert_eq!(listed["sessions"][0]["state"], "starting", "{listed:#}");
    let flags = ["long-query", "--role", "app", "--critical", "long-query=1ms", "--json"];
    let seen = check(&server, &flags).fails_with(2);
    let message = rule(&seen.json(), "long-query")["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("1 query running for ") && message.contains("(api, role app"), "{message}");
    let by_state = Pgconn::new(&["ls", "--state", "starting", "--json"]).on(&server).run().success().json();
    assert_eq!(by_state["matched"], 1, "{by_state:#}");
    shop.query("rollback");
    drop(client.join().unwrap().unwrap());
}

/// Rounding of numbers is for those who asked for it.
#[test]
fn ages_are_exact_whatever_a_role_has_set() {
    let server = with(&[("max_connections", "20"), ("extra_float_digits", "-15")]);
    let _idle = server.idle_in_transaction(&[], "select 1");
    let rounded = |value: &serde_json::Value| value.as_f64().unwrap().fract() == 0.0;
    let listed = Pgconn::new(&["ls", "--json"]).on(&server).run().success().json();
    let session = &listed["sessions"][0];
    assert!(!rounded(&session["session_seconds"]) || !rounded(&session["xact_seconds"]), "{session:#}");
    let metrics = Pgconn::new(&["metrics"]).on(&server).run().success().stdout;
    let uptime = metrics.lines().find(|line| line.starts_with("pgconn_server_uptime_seconds")).unwrap();
    let (_, seconds) = uptime.rsplit_once(' ').unwrap();
    assert!(seconds.split_once('.').is_some_and(|(_, digits)| digits.len() > 2), "{uptime}");
}

#[test]
fn a_clock_that_was_set_back_makes_no_age_negative() {
    let server = with(&[("max_connections", "20"), ("allow_system_table_mods", "on")]);
    server.query(
        "create or replace function pg_catalog.pg_postmaster_start_time() returns timestamptz language sql \
         as $$ select clock_timestamp() + interval '1 hour' $$",
    );
    let metrics = Pgconn::new(&["metrics"]).on(&server).run().success();
    let uptime =
        metrics.stdout.lines().find(|line| line.starts_with("pgconn_server_uptime_seconds")).unwrap();
    assert!(uptime.ends_with(" 0"), "{uptime}");
}
