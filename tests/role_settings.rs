//! What a role or a database sets for its sessions (isolation, read only, another role to act as) neither stops an act nor makes
//! it mean something else.

use super::common::server::standby_of;
use super::common::{Cluster, Outcome, Pgconn, Session, with};
use super::kill::racing::long_statement;
use super::kill::{app, is_there, pids};

const SERIALIZABLE: &str = "set default_transaction_isolation = 'serializable'";
const DEFERRABLE: &str = "set default_transaction_deferrable = on";
const READ_ONLY: &str = "set default_transaction_read_only = on";

/// A run that may take three seconds where a statement that waits would take for ever.
fn run(cluster: &Cluster, arguments: &[&str]) -> Outcome {
    Pgconn::new(&[arguments, &["-t", "3s"]].concat()).on(cluster).run()
}

fn alter(cluster: &Cluster, what: &str, settings: &[&str]) {
    for setting in settings {
        cluster.query(&format!("alter {what} {setting}"));
    }
}

/// Somebody writes under serializable isolation: whoever reads only, is serializable, too, and does not want to be deferred has
/// to wait until it has ended.
fn serializable_writer(cluster: &Cluster) -> Session {
    cluster.query("create table written (n int)");
    let mut writer = cluster.connect(&[("user", "postgres"), ("database", "postgres")]).unwrap();
    writer.query("begin isolation level serializable");
    writer.query("insert into written values (1)");
    writer
}

#[test]
fn every_statement_says_itself_how_it_is_isolated_and_whether_it_writes() {
    for whose in ["role ops", "database work"] {
        let cluster = with(&[]);
        cluster.query("create role ops login superuser; create role web login");
        cluster.query("create database work");
        cluster.query("create database shop");
        cluster.query("create database spare");
        let mut idle = cluster.connect(&app("meant")).unwrap();
        let mut busy = cluster.active(&app("meant"));
        let _writer = serializable_writer(&cluster);
        alter(&cluster, whose, &[SERIALIZABLE, DEFERRABLE, READ_ONLY]);
        // A session of that role or database waits, as long as it says nothing else.
        let mut unguarded = cluster.connect(&[("user", "ops"), ("database", "work")]).unwrap();
        unguarded.send("select 1");
        cluster.wait_until(&format!(
            "exists (select from pg_stat_activity where pid = {} and wait_event = 'SafeSnapshot')",
            unguarded.pid
        ));
        let ops = |arguments: &[&str]| run(&cluster, &[&["-U", "ops", "-d", "work"], arguments].concat());
        let outcome = ops(&["cancel", "--app", "meant", "--json"]).success();
        assert_eq!(pids(&outcome, "cancelled"), [busy.pid], "{whose}\n{outcome}");
        assert_eq!(busy.finish().unwrap_err().sqlstate, "57014");
        let outcome = ops(&["kill", "--app", "meant", "--json"]).success();
        assert_eq!(pids(&outcome, "terminated").len(), 2, "{whose}\n{outcome}");
        assert!(idle.is_ended() && busy.is_ended());
        for lane in [&[][..], &["--emergency", "always"]] {
            let other = cluster.connect(&app("other")).unwrap();
            let outcome = ops(&[&["kill", "--app", "other", "--json"], lane].concat()).success();
            assert_eq!(pids(&outcome, "terminated"), [other.pid], "{whose}\n{outcome}");
        }
        for arguments in [
            &["ping"][..],
            &["stats"],
            &["check"],
            &["metrics"],
            &["timeout"],
            &["blockers"],
            &["doctor", "--for", "50ms"],
            &["timeout", "set", "1h", "--role", "web"],
            &["timeout", "reset", "--role", "web"],
            &["timeout", "set", "1h", "--system", "--yes"],
            &["timeout", "reset", "--system", "--yes"],
            &["drain", "--db", "shop", "--for", "1ms"],
            &["drain", "--db", "spare", "--for", "1ms", "--fence", "revoke"],
            &["drain", "--db", "spare", "--for", "1ms", "--fence", "hard"],
            &["ping", "-d", "dbname=work target_session_attrs=primary"],
        ] {
            let _ = ops(arguments).success();
        }
        assert_eq!(
            cluster.value("select string_agg(concat_ws(' ', datname, datconnlimit, datallowconn, datacl::text), '; ' order by 1) \
                           from pg_database where datname in ('shop', 'spare')"),
            "shop -1 t; spare -1 t"
        );
    }
}

#[test]
fn a_serializable_default_stops_nobody_on_a_standby() {
    let primary = with(&[]);
    primary.query("create role ops login superuser");
    alter(&primary, "role ops", &[SERIALIZABLE]);
    let standby = standby_of(&primary);
    standby.wait_until("exists (select from pg_db_role_setting)");
    let mut unguarded = standby.connect(&[("user", "ops")]).unwrap();
    assert_eq!(unguarded.run("select 1").unwrap_err().sqlstate, "0A000");
    let ops = |arguments: &[&str]| run(&standby, &[arguments, &["-U", "ops"]].concat());
    let mut busy = standby.active(&app("standby"));
    let outcome = ops(&["cancel", "--app", "standby", "--json"]).success();
    assert_eq!(pids(&outcome, "cancelled"), [busy.pid], "{outcome}");
    let outcome = ops(&["kill", "--app", "standby", "--json"]).success();
    assert_eq!(pids(&outcome, "terminated"), [busy.pid], "{outcome}");
    assert!(busy.is_ended());
    for arguments in [
        &["ping"][..],
        &["stats"],
        &["check"],
        &["timeout", "set", "1h", "--system", "--yes"],
        &["timeout", "reset", "--system", "--yes"],
        &["ping", "-d", "dbname=postgres target_session_attrs=standby"],
    ] {
        let _ = ops(arguments).success();
    }
    let refused = ops(&["drain", "--db", "postgres", "--for", "1ms", "-d", "template1"]).fails_with(2);
    assert!(refused.stderr.contains("this is a standby"), "{refused}");
}

/// `ALTER ROLE … SET role`: the server judges what a session may do by the role that it acts as.
#[test]
fn what_a_role_may_do_is_what_the_role_may_that_it_acts_as() {
    let cluster = with(&[]);
    cluster.query(
        "create role worker; create role boss login superuser; alter role boss set role = worker; \
         create role chief superuser; create role app login in role chief; alter role app set role = chief; \
         create role victim login",
    );
    cluster.query("create database shop owner victim");
    let mut victim = cluster.connect(&[("user", "victim"), ("application_name", "victim")]).unwrap();
    // A superuser who acts as somebody without rights has none, and is told so before anything is done.
    let outcome = run(&cluster, &["kill", &victim.pid.to_string(), "-n", "--json", "-U", "boss"]).success();
    assert_eq!(pids(&outcome, "not_visible"), [victim.pid], "{outcome}");
    let outcome = run(&cluster, &["kill", &victim.pid.to_string(), "-U", "boss"]).fails_with(1);
    assert!(outcome.stderr.contains("GRANT pg_read_all_stats, pg_signal_backend TO \"worker\""), "{outcome}");
    cluster.query("grant pg_read_all_stats to worker");
    let outcome = run(&cluster, &["kill", &victim.pid.to_string(), "-n", "--json", "-U", "boss"]).success();
    assert_eq!(pids(&outcome, "not_permitted"), [victim.pid], "{outcome}");
    let outcome = run(&cluster, &["kill", &victim.pid.to_string(), "-U", "boss"]).fails_with(1);
    assert!(outcome.stderr.contains("GRANT pg_signal_backend TO \"worker\""), "{outcome}");
    let listed = run(&cluster, &["ls", "--app", "victim", "--json", "-U", "boss"]).success().json();
    assert_eq!(listed["sessions"][0]["can_signal"], false, "{listed:#}");
    let refused = run(&cluster, &["drain", "--db", "shop", "--for", "1ms", "-U", "boss"]).fails_with(1);
    assert!(refused.stderr.contains("role \"worker\" may not close"), "{refused}");
    let refused = run(&cluster, &["timeout", "set", "1h", "--role", "victim", "-U", "boss"]).fails_with(1);
    assert!(refused.stderr.contains("role \"worker\" may not change this"), "{refused}");
    let guest = run(&cluster, &["stats", "-U", "boss", "--json"]).success().json();
    assert_eq!(guest["connections"]["hidden"], 0, "worker sees what pg_read_all_stats shows: {guest:#}");
    assert!(is_there(&cluster, victim.pid));
    victim.query("select 1");
    // Somebody without rights who acts as a superuser has all of them, that on sessions of superusers included.
    let mut super_victim = cluster.connect(&app("superuser's")).unwrap();
    let listed = run(&cluster, &["ls", "--app", "superuser's", "--json", "-U", "app"]).success().json();
    assert_eq!(listed["sessions"][0]["can_signal"], true, "{listed:#}");
    let outcome = run(&cluster, &["kill", "--app", "superuser's", "--json", "-U", "app"]).success();
    assert_eq!(pids(&outcome, "terminated"), [super_victim.pid], "{outcome}");
    assert!(super_victim.is_ended());
    // A superuser's fence, and privileges that stay unwritten.
    let drained = run(&cluster, &["drain", "--db", "shop", "--for", "1ms", "--json", "-U", "app"]).success();
    assert_eq!(drained.json()["fence"], "limit", "{drained}");
    let revoked = ["drain", "--db", "shop", "--for", "1ms", "--fence", "revoke", "--json", "-U", "app"];
    let drained = run(&cluster, &revoked).success();
    assert_eq!(drained.json()["warnings"], serde_json::json!([]), "{drained}");
    assert_eq!(
        cluster.value("select (datacl is null)::text from pg_database where datname = 'shop'"),
        "true"
    );
}

/// From 17 on.
#[test]
fn a_limit_on_transactions_stops_no_look_and_no_act() {
    let cluster = with(&[("track_activity_query_size", "1MB")]);
    if cluster.major() < 17 {
        return;
    }
    cluster.query("create role ops login superuser");
    // to match their texts takes the server a tenth of a second
    let open = |_| cluster.idle_in_transaction(&app("meant"), &long_statement());
    let mut sessions: Vec<Session> = (0..12).map(open).collect();
    let by_text = ["--app", "meant", "--query", "last_word$"];
    cluster.query("alter role ops set transaction_timeout = '30ms'");
    let ops = |arguments: &[&str]| Pgconn::new(&[&["-U", "ops"], arguments].concat()).on(&cluster).run();
    for lane in [&[][..], &["--emergency", "always"]] {
        ops(&[&["ls"], &by_text[..], lane].concat()).success();
    }
    let shown = ops(&["timeout", "--json"]).success().json();
    let settings = shown["settings"].as_array().unwrap();
    let own = |row: &&serde_json::Value| row["role"] == "ops" && row["name"] == "transaction_timeout";
    let own = settings.iter().find(own).unwrap_or_else(|| panic!("{shown:#}"));
    assert_eq!((&own["value"], &own["set_by"]), (&"30ms".into(), &"role".into()));
    let killed = ops(&[&["kill", "--json", "--yes"], &by_text[..]].concat()).success();
    assert_eq!(pids(&killed, "terminated").len(), sessions.len());
    assert!(sessions.iter_mut().all(Session::is_ended));
    // what changes something waits for longer than that for whoever is at it
    let mut other = cluster.session();
    other.query("begin; lock table pg_db_role_setting in share mode");
    let waits = "exists (select from pg_stat_activity where usename = 'ops' and wait_event_type = 'Lock' \
                 and clock_timestamp() - query_start > '200 ms')";
    let reset = ["-U", "ops", "timeout", "reset", "--role", "ops", "--kind", "transaction"];
    let reset = Pgconn::new(&reset).on(&cluster).spawn();
    cluster.wait_until(waits);
    other.query("commit");
    reset.finish().success();
    assert_eq!(cluster.value("select count(*) from pg_db_role_setting"), "0");
}
