//! Sessions come and go fifty times a second while somebody chooses, hesitates and agrees: who is ended is who stood in the dialog.
//! `PGCONN_CHURN` says how often (10 unless it says otherwise).

use super::super::common::{Cluster, Stopping, wait_for, with};
use super::super::kill::logging::lines;
use super::Live;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Sessions that begin twenty milliseconds apart, each of which does something and ends a little later.
fn churn(cluster: &Cluster, stopped: &AtomicBool) {
    let mut sessions = Vec::new();
    let mut number = 0_u64;
    while !stopped.load(Ordering::Relaxed) {
        number += 1;
        let name = format!("churn {}", number % 17);
        if let Ok(mut session) = cluster.connect(&[("application_name", name.as_str())]) {
            if number.is_multiple_of(3) {
                let _ = session.run("begin");
            }
            let _ = session.run("select 1");
            sessions.push(session);
        }
        // Most live a second or two.
        while sessions.len() > 60 + usize::try_from(number * 7 % 40).unwrap() {
            drop(sessions.remove(usize::try_from(number * 13).unwrap() % sessions.len()));
        }
        thread::sleep(Duration::from_millis(15));
    }
}

/// The process id in the one row of the dialog.
fn victim(live: &Live) -> Option<i64> {
    let shown = live.shown();
    let mut rows = shown.lines().skip_while(|line| !line.contains("RESULT")).skip(1);
    rows.next()?.split_whitespace().next()?.parse().ok()
}

#[test]
fn who_is_ended_is_who_stood_in_the_dialog() {
    let rounds: usize = std::env::var("PGCONN_CHURN").map_or(10, |rounds| rounds.parse().unwrap());
    let cluster = with(&[
        ("max_connections", "120"),
        ("log_line_prefix", "%c "),
        ("logging_collector", "off"),
        ("log_min_messages", "fatal"),
    ]);
    let log = cluster.dir.join("churn.ndjson");
    let stopped = AtomicBool::new(false);
    let (mut dialogs, mut ended, mut gone) = (Vec::new(), 0, 0);
    thread::scope(|scope| {
        let _stopping = Stopping(&stopped);
        scope.spawn(|| churn(&cluster, &stopped));
        let line = ["--log", log.to_str().unwrap(), "--interval", "500ms", "--app", "churn*"];
        let mut live = Live::on(&cluster, &line);
        let mut round = 0;
        while round < rounds {
            // Somewhere in the list.
            live.escape();
            live.keys(&"j".repeat(1 + round % 9));
            live.keys("K");
            // Nobody was chosen, or who was has ended: somebody else, then.
            let is_opened = |shown: &str| shown.contains("Terminate 1 session");
            let began = Instant::now();
            while !is_opened(&live.shown()) && began.elapsed() < Duration::from_millis(700) {
                thread::sleep(Duration::from_millis(5));
            }
            let Some(pid) = victim(&live).filter(|_| is_opened(&live.shown())) else { continue };
            round += 1;
            // Hesitates for a look or two.
            thread::sleep(Duration::from_millis(350 + 170 * (round as u64 % 6)));
            let before = live.shown();
            live.keys("y");
            let came_to = wait_for("what it came to, or that it was too late", || {
                let shown = live.shown();
                ["1 terminated", "1 gone", "1 changed", "nobody can be acted on"]
                    .into_iter()
                    .find(|word| shown.contains(word))
                    .or_else(|| (!shown.contains("Terminate")).then_some("closed"))
            });
            match came_to {
                "1 terminated" => {
                    ended += 1;
                    dialogs.push(pid);
                    assert_eq!(victim(&live), Some(pid), "{before}\n{}", live.shown());
                }
                _ => gone += 1,
            }
            live.escape();
            live.wait_for_no("Terminate");
        }
        live.terminal.type_keys("\u{3}");
        let _ = live.terminal.finish().success();
    });
    println!("{rounds} rounds: {ended} ended as shown, {gone} had gone before");
    assert!(ended > 0);
    // The log of signals, and the server's own, agree with what stood on the screen.
    let outcomes: Vec<_> = lines(&log).into_iter().filter(|line| line["event"] == "outcome").collect();
    let terminated: Vec<_> = outcomes.iter().filter(|line| line["result"] == "terminated").collect();
    let pids: Vec<i64> = terminated.iter().map(|line| line["pid"].as_i64().unwrap()).collect();
    assert_eq!(pids, dialogs);
    let ids: BTreeSet<String> =
        terminated.iter().map(|line| line["session_id"].as_str().unwrap().to_owned()).collect();
    let told = std::fs::read_to_string(cluster.dir.join("log")).unwrap();
    let by_server: BTreeSet<String> = told
        .lines()
        .filter(|line| line.contains("due to administrator command"))
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    assert_eq!(by_server, ids);
}
