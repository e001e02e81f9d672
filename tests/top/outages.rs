//! A server that freezes, and one that is started again.

use super::super::common::with;
use super::{Live, top};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

/// The slowest of some keys, from the keyboard to the screen.
fn slowest(live: &mut Live) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        for (key, is_there) in [("?", true), ("q", false)] {
            let began = Instant::now();
            live.keys(key);
            super::wait_until("the key is answered", || live.shown().contains("whole query") == is_there);
            slowest = slowest.max(began.elapsed());
        }
    }
    slowest
}

#[test]
fn keys_answer_while_the_server_is_frozen_and_the_age_of_the_data_is_seen() {
    let cluster = with(&[]);
    let session = cluster.connect(&[("application_name", "chosen")]).unwrap();
    let mut live = Live::on(&cluster, &["--interval", "500ms"]);
    live.wait_for("chosen");
    let own = "select pid from pg_stat_activity where application_name = 'pgconn'";
    let backend: i32 = cluster.value(own).parse().unwrap();
    kill(Pid::from_raw(backend), Signal::SIGSTOP).unwrap();
    let slowest = slowest(&mut live);
    println!("the slowest key with a frozen server: {slowest:?}");
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    live.wait_for("! data 2s old");
    live.choose(session.pid);
    live.wait_for("! data 1");
    live.keys("K");
    live.wait_for("the server does not answer now");
    let began = Instant::now();
    live.keys("q");
    let outcome = live.terminal.finish().success();
    println!("quit with a frozen server: {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_millis(500), "{outcome}");
    kill(Pid::from_raw(backend), Signal::SIGCONT).unwrap();
    cluster.wait_until("not exists (select from pg_stat_activity where application_name = 'pgconn')");
}

#[test]
fn it_is_back_when_the_server_is() {
    let mut cluster = with(&[]);
    let mut live = Live::start(top(&cluster, &["--interval", "500ms"]), (120, 40));
    cluster.stop();
    live.wait_for("! down");
    live.keys("jK");
    assert!(!live.shown().contains("Terminate"));
    cluster.launch(&|| true).unwrap();
    let began = Instant::now();
    live.wait_for_no("! down");
    println!("back after a restart: {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(3));
    live.wait_for("data 0s old");
    assert_eq!(cluster.value("select count(*) from pg_stat_activity where application_name = 'pgconn'"), "1");
    let _ = live.quit();
}

#[test]
fn no_lock_on_a_table_holds_the_screen_up() {
    let cluster = with(&[]);
    cluster.query("create table t (a int)");
    let _holder = cluster.idle_in_transaction(&[("application_name", "holder")], "lock table t");
    let live = Live::on(&cluster, &["--interval", "500ms"]);
    live.wait_for("holder");
    live.wait_for("data 0s old");
    let _ = live.quit();
}
