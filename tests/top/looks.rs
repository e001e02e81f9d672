//! What a look tells, held against what the commands tell of the same moment.

use super::*;

/// What the header calls the longest wait, in seconds, and whether that is only the most it can be.
fn longest_wait(live: &Live) -> Option<(f64, bool)> {
    let line = live.line("longest wait")?;
    let (_, rest) = line.split_once("longest wait ")?;
    let told = rest.split("  ").next()?.trim();
    let (told, at_most) = told.strip_prefix("≤ ").map_or((told, false), |told| (told, true));
    let seconds = match told.strip_suffix("ms") {
        Some(millis) => millis.parse::<f64>().ok()? / 1e3,
        None => told.strip_suffix('s')?.parse().ok()?,
    };
    Some((seconds, at_most))
}

/// Its statement began three seconds before it came to wait.
#[test]
fn the_longest_wait_is_since_the_wait_began_and_not_the_statement() {
    let cluster = with(&[]);
    cluster.query("create table t (a int)");
    let _root = cluster.idle_in_transaction(&[], "lock table t");
    let _waiter = cluster.waiting(&[], "do $$ begin perform pg_sleep(3); lock table t; end $$");
    let live = Live::on(&cluster, &["--interval", "500ms"]);
    live.wait_until("the wait", |_| longest_wait(&live).is_some());
    let (header, at_most) = longest_wait(&live).unwrap();
    let blockers = Pgconn::new(&["blockers", "--json"]).on(&cluster).run().success().json();
    let waited = blockers["sessions"].as_array().unwrap().iter().find_map(|s| s["wait_seconds"].as_f64());
    assert!(header <= waited.unwrap() + 0.1, "{header} {waited:?}");
    let says_when = cluster.major() >= 14;
    assert_eq!(at_most, !says_when, "{}", live.shown());
    let _ = live.quit();
}

#[test]
fn who_is_hidden_waits_all_the_same() {
    let cluster = with(&[]);
    cluster.query("create table t (a int); create role nobody login");
    let _root = cluster.idle_in_transaction(&[], "lock table t");
    let _waiter = cluster.waiting(&[], "select * from t");
    let live = Live::on(&cluster, &["-U", "nobody"]);
    live.wait_for("1 waiting");
    let says_when = cluster.major() >= 14;
    let line = live.line("longest wait").unwrap();
    assert_eq!(longest_wait(&live).is_some(), says_when, "{line}");
    assert!(says_when || line.contains("longest wait ?"), "{line}");
    let _ = live.quit();
}

/// Names are not asked with every look, but no session is shown without them.
#[test]
fn roles_and_databases_that_are_new_have_their_names() {
    let cluster = with(&[]);
    let live = Live::start(top(&cluster, &["--interval", "500ms"]), (200, 50));
    live.wait_for("no session matches");
    cluster.query("create role newcomer login");
    cluster.query("create database newly");
    let session = cluster.connect(&[("user", "newcomer"), ("database", "newly")]).unwrap();
    let pid = format!(" {} ", session.pid);
    live.wait_for(&pid);
    live.wait_for("newcomer");
    for (shown, _) in live.terminal.frames() {
        for line in shown.lines().filter(|line| line.contains(&pid)) {
            assert!(line.contains("newcomer") && line.contains("newly"), "{shown}");
        }
    }
    let _ = live.quit();
}
