//! What keeps VACUUM from cleaning up, and which open transactions do not.

use super::super::common::server::standby_of;
use super::super::common::{Cluster, Pgconn, wait_until, with};
use super::{check, exits, rule};

/// Gives out so many transaction ids.
fn burn(server: &Cluster, number: u32) {
    let mut session = server.session();
    for _ in 0..number {
        session.query("select txid_current()");
    }
}

#[test]
fn whoever_holds_the_horizon_back_is_named() {
    let server = with(&[
        ("max_connections", "30"),
        ("max_prepared_transactions", "4"),
        ("wal_level", "logical"),
        ("autovacuum", "off"),
    ]);
    server.query("create role plain login");
    let critical = ["oldest-xmin", "--critical", "oldest-xmin=5"];
    exits(&server, &critical, 0);
    let reader = server.idle_in_transaction(&[("application_name", "reader")], "select 1");
    let mut keeper = server.connect(&[("application_name", "keeper")]).unwrap();
    keeper.query("begin isolation level repeatable read");
    keeper.query("select 1");
    burn(&server, 9);
    let seen = check(&server, &[&critical[..], &["--json"]].concat()).fails_with(2);
    let document = seen.json();
    let found = rule(&document, "oldest-xmin");
    let message = found["message"].as_str().unwrap();
    assert!(
        message.contains(&format!(" transactions by pid {} (keeper, role postgres, local)", keeper.pid)),
        "{message}"
    );
    assert_eq!(
        (&found["unit"], found["value"].as_f64().unwrap() >= 9.0),
        (&"transactions".into(), true),
        "{found}"
    );
    // Everybody may see this much.
    exits(&server, &[&critical[..], &["-U", "plain"]].concat(), 2);
    let listed = Pgconn::new(&["ls", "--json", "--sort", "pid"]).on(&server).run().success().json();
    let of = |pid: i32| {
        listed["sessions"].as_array().unwrap().iter().find(|session| session["pid"] == pid).unwrap().clone()
    };
    assert!(of(reader.pid)["xmin_age"].is_null() && of(reader.pid)["backend_xmin"].is_null(), "{listed:#}");
    assert!(
        of(keeper.pid)["xmin_age"].as_i64().unwrap() >= 9 && of(keeper.pid)["backend_xid"].is_null(),
        "{listed:#}"
    );
    let hidden = Pgconn::new(&["ls", "--json", "-U", "plain"]).on(&server).run().success().json();
    let hidden = hidden["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|session| session["pid"] == keeper.pid)
        .unwrap()
        .clone();
    assert_eq!((&hidden["hidden"], &hidden["xmin_age"]), (&true.into(), &serde_json::Value::Null));
    let table = |flags: &[&str]| Pgconn::new(&[&["ls"], flags].concat()).on(&server).run().success().stdout;
    assert!(table(&["--full"]).contains("XMIN-AGE") && !table(&[]).contains("XMIN-AGE"));
    let metrics = || Pgconn::new(&["metrics"]).on(&server).run().success().stdout;
    let age = |holder: &str| -> f64 {
        let text = metrics();
        let start = format!("pgconn_horizon_age_transactions{{holder=\"{holder}\",");
        let line = text.lines().find(|line| line.starts_with(&start)).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    assert!(age("session") >= 9.0);
    assert_eq!((age("prepared"), age("slot"), age("standby")), (0.0, 0.0, 0.0));
    let doctor = Pgconn::new(&["doctor", "--for", "100ms", "--json"]).on(&server).run().success().json();
    let finding = doctor["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == "vacuum-horizon")
        .unwrap();
    let evidence = finding["evidence"].as_str().unwrap();
    for expected in [
        format!("of the transactions left open pid {} hold VACUUM back", keeper.pid),
        format!("pid {} hold nothing back: they only read", reader.pid),
    ] {
        assert!(evidence.contains(&expected), "{evidence}");
    }
    keeper.query("commit");

    let mut session = server.session();
    session.query("begin");
    session.query("create table t ()");
    session.query("prepare transaction 'old'");
    burn(&server, 9);
    let seen = check(&server, &critical).fails_with(2);
    assert!(seen.stdout.contains("by prepared transaction \"old\" in database postgres"), "{seen}");
    assert!(seen.stdout.contains("ROLLBACK PREPARED 'old'"), "{seen}");
    session.query("rollback prepared 'old'");

    server.query("select pg_create_logical_replication_slot('lazy', 'pgoutput')");
    burn(&server, 9);
    let seen = check(&server, &critical).fails_with(2);
    assert!(seen.stdout.contains("by replication slot \"lazy\""), "{seen}");
    server.query("select pg_drop_replication_slot('lazy')");
    exits(&server, &critical, 0);
}

#[test]
fn a_standby_that_gives_feedback_holds_it_back() {
    let server =
        with(&[("max_connections", "20"), ("wal_receiver_status_interval", "1s"), ("autovacuum", "off")]);
    let standby = standby_of(&server);
    standby.query("alter system set hot_standby_feedback = on");
    standby.query("alter system set wal_receiver_status_interval = '1s'");
    standby.query("select pg_reload_conf()");
    let mut reader = standby.session();
    reader.query("begin isolation level repeatable read");
    reader.query("select count(*) from pg_class");
    server.wait_until("exists (select from pg_stat_replication where backend_xmin is not null)");
    burn(&server, 9);
    let mut seen = String::new();
    wait_until("the feedback has an age", || {
        seen = check(&server, &["oldest-xmin", "--critical", "oldest-xmin=5"]).stdout;
        seen.contains("CRITICAL")
    });
    assert!(seen.contains("a standby's queries by hot_standby_feedback, pid "), "{seen}");
}
