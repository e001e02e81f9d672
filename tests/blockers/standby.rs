//! `blockers` on a standby: who holds its replay up.

use super::{app, blockers, session};
use crate::common::server::{standby_held_up, standby_of};
use crate::common::{Pgconn, wait_until, with};
use serde_json::{Value, json};

#[test]
fn a_standby_names_who_holds_its_replay_up() {
    let (_primary, standby, reader) = standby_held_up();
    let behind = standby.waiting(&app("behind"), "select from orders");
    let document = blockers(&standby, &[]);
    let replay =
        document["sessions"].as_array().unwrap().iter().find(|row| row["backend_type"] == "startup").unwrap();
    assert_eq!(replay["blocked_by"], json!([reader.pid]), "{document:#}");
    assert_eq!(replay["lock"]["relation"], "public.orders");
    assert_eq!(session(&document, behind.pid)["blocked_by"], json!([replay["pid"]]));
    let sets = document["free_sets"].as_array().unwrap();
    let of = |pid: &Value| {
        sets.iter().find(|set| set["pids"] == json!([pid])).unwrap_or_else(|| panic!("{document:#}"))
    };
    let ends = of(&json!(reader.pid));
    assert_eq!((&ends["frees"], &ends["permitted"]), (&json!([replay["pid"]]), &json!(true)));
    let nobody = of(&replay["pid"]);
    assert_eq!((&nobody["frees"], &nobody["permitted"]), (&json!([behind.pid]), &json!(false)));
    assert!(nobody["why_not"].as_str().unwrap().contains("must end there"), "{nobody}");
    // when it ends by itself, and when it does not
    let replaying = &document["replay"];
    assert_eq!(
        (&replaying["pid"], &replaying["waits_for"], &replaying["setting"], &replaying["limit_seconds"]),
        (&replay["pid"], &json!([reader.pid]), &json!("max_standby_streaming_delay"), &json!(3600.0))
    );
    let left = replaying["ends_within_seconds"].as_f64().unwrap();
    assert!(standby.major() < 14 && left == 3600.0 || (3400.0..3600.0).contains(&left), "{replaying}");
    assert!(replaying["wait_seconds"].as_f64().is_some());
    let said = |told: &str| {
        let table = Pgconn::new(&["blockers"]).on(&standby).run().success();
        assert!(table.stdout.contains(told), "{table}");
    };
    said(&format!(" for {}: max_standby_streaming_delay = 1h 00m ends them within ", reader.pid));
    standby.query("alter system set max_standby_streaming_delay = -1");
    standby.query("select pg_reload_conf()");
    standby.wait_until("current_setting('max_standby_streaming_delay') = '-1'");
    let replaying = blockers(&standby, &[])["replay"].clone();
    assert_eq!(
        (&replaying["limit_seconds"], &replaying["ends_within_seconds"]),
        (&Value::Null, &Value::Null)
    );
    said("max_standby_streaming_delay = -1 never ends them");
    let id = ends["sessions"][0].as_str().unwrap();
    Pgconn::new(&["kill", id]).on(&standby).run().success();
    standby.wait_until("not exists (select from pg_locks where not granted)");
    assert_eq!(blockers(&standby, &[])["replay"], Value::Null);
}

#[test]
fn a_standby_names_whose_snapshot_is_in_the_way_of_its_replay() {
    let primary = with(&[("wal_level", "replica"), ("max_wal_senders", "3"), ("autovacuum", "off")]);
    primary.query("create role plain login");
    primary.query("create table orders (n int); insert into orders select generate_series(1, 1000)");
    let standby = standby_of(&primary);
    standby.query("alter system set max_standby_streaming_delay = '1h'");
    standby.query("select pg_reload_conf()");
    standby.wait_until("current_setting('max_standby_streaming_delay') = '1h'");
    standby.wait_until("to_regclass('orders') is not null");
    standby.wait_until("(select count(*) = 1000 from orders)");
    let mut reader = standby.connect(&app("reader")).unwrap();
    reader.query("begin isolation level repeatable read");
    reader.query("select count(*) from orders");
    primary.query("delete from orders");
    primary.query("vacuum orders");
    standby.wait_until(
        "exists (select from pg_stat_activity where backend_type = 'startup' and wait_event = 'RecoveryConflictSnapshot')",
    );
    // it sleeps between its looks at what is in its way
    let mut document = Value::Null;
    wait_until("replay is seen to wait", || {
        document = blockers(&standby, &[]);
        document["replay"] != Value::Null
    });
    let replay = &document["replay"];
    assert_eq!(
        (&replay["waits_for"], &replay["oldest_snapshots"], &replay["hot_standby_feedback"]),
        (&json!([]), &json!([reader.pid]), &json!(false)),
        "{document:#}"
    );
    assert_eq!((&replay["ends_within_seconds"], &document["blocked_count"]), (&json!(3600.0), &json!(1)));
    assert!(replay["wait_seconds"].as_f64().unwrap() <= 3600.0);
    wait_until("it is said to people", || {
        let table = Pgconn::new(&["blockers"]).on(&standby).run().success().stdout;
        table.contains("row versions that somebody may still read")
            && table.contains(&format!(
                "the oldest snapshot is that of {}; hot_standby_feedback is off",
                reader.pid
            ))
    });
    let checked = Pgconn::new(&["check", "blocked", "--json"]).on(&standby).run().json();
    assert_eq!(checked["waiting"], 1, "{checked:#}");
    // Who may not see it is told so: the reader, and the process that replays.
    let plain = Pgconn::new(&["blockers", "-U", "plain"]).on(&standby).run().success();
    let told = "no session waits for a lock; 2 sessions are hidden, which may wait for something else\n";
    assert_eq!(plain.stdout, told, "{plain}");
    assert_eq!(blockers(&standby, &["-U", "plain"])["replay"], Value::Null);
}
