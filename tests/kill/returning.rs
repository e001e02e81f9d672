//! `kill --settle`: whether those who were ended come back.

use super::{app, kill, pids};
use crate::common::{Cluster, Pgconn, Stopping, with};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Runs `work` while a pool has `size` sessions, each of which comes back so long after it was ended.
fn with_a_pool(cluster: &Cluster, size: usize, delay: Duration, work: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stopping = Stopping(&stop);
        for _ in 0..size {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(mut session) = cluster.connect(&[("user", "web"), ("application_name", "pool")])
                    {
                        let _ = session.run("select pg_sleep(3600)");
                    }
                    std::thread::sleep(delay);
                }
            });
        }
        cluster.wait_until(&format!(
            "(select count(*) from pg_stat_activity where usename = 'web' and state = 'active') = {size}"
        ));
        work();
        drop(stopping);
        while kill(cluster, &["--app", "pool", "--settle", "0"]).run().success().json()["matched"] != 0 {}
    });
}

#[test]
fn a_pool_that_comes_back_is_seen_and_said() {
    let cluster = with(&[]);
    cluster.query("create role web login; create role other login");
    for delay in [20, 200] {
        with_a_pool(&cluster, 5, Duration::from_millis(delay), || {
            let ended = kill(&cluster, &["--app", "pool"]).run().success();
            let document = ended.json();
            assert_eq!((&document["returned"], &document["succeeded"]), (&json!(5), &json!(5)), "{ended}");
            assert_eq!(
                (&document["remaining_matching"], &document["reconnected"]),
                (&json!(5), &json!(5)),
                "{ended}"
            );
            // Somebody else of that name does not come back, and who is named does.
            let _other = cluster.connect(&[("user", "other"), ("application_name", "pool")]).unwrap();
            let pid = cluster.value("select min(pid) from pg_stat_activity where usename = 'web'");
            let named = Pgconn::new(&["kill", &pid]).on(&cluster).run().success();
            let said = "\n1 terminated; 1 session of the same application and role came back\n";
            assert!(named.stdout.contains(said), "{named}");
            assert!(named.stderr.contains("to keep them out: pgconn drain --db postgres"), "{named}");
        });
    }
}

#[test]
fn who_does_not_come_back_is_waited_for_only_where_that_could_be() {
    let cluster = with(&[]);
    cluster.query("create role web login; create role barred login");
    cluster.query("create database closed");
    let returned = |parameters: &[(&str, &str)], arguments: &[&str]| -> Value {
        let session = cluster.connect(parameters).unwrap();
        let name = parameters[0].1;
        cluster.query("alter role barred nologin; alter database closed connection limit 0");
        let outcome = kill(&cluster, &[&["--app", name], arguments].concat()).run().success();
        assert_eq!(pids(&outcome, "terminated"), [session.pid]);
        outcome.json()["returned"].clone()
    };
    assert_eq!(returned(&app("web"), &[]), json!(0));
    assert_eq!(returned(&app("web"), &["--settle", "10ms"]), json!(0));
    assert_eq!(returned(&app("web"), &["--settle", "0"]), Value::Null);
    assert_eq!(returned(&app("psql"), &["--settle", "1h"]), Value::Null);
    cluster.query("alter role barred login");
    let barred = [("application_name", "barred"), ("user", "barred")];
    assert_eq!(returned(&barred, &["--settle", "1h"]), Value::Null);
    cluster.query("alter database closed connection limit -1");
    let closed = [("application_name", "closed"), ("user", "web"), ("database", "closed")];
    assert_eq!(returned(&closed, &["--settle", "1h"]), Value::Null);
    // A cancelled query has not gone away.
    let _busy = cluster.active(&app("cancelled"));
    let outcome = Pgconn::new(&["cancel", "--app", "cancelled", "--json"]).on(&cluster).run().success();
    assert_eq!(outcome.json()["returned"], Value::Null);
}
