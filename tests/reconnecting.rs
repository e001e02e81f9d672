//! Whoever watches and what it watches goes away, hangs or is not there yet: what is seen meanwhile, and how soon it is back.

use super::common::{Cluster, Pgconn, Terminal, prepared, wait_until, with};
use super::kill::Stopped;
use super::pooler::pooled;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

/// What the first frame begins with, and every other one.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l\u{1b}[?2026h";
const HOLD: &str = "\u{1b}[?2026h";

/// The session that a watch holds on a server of its own.
fn watcher(cluster: &Cluster) -> i32 {
    let own = "select pid from pg_stat_activity where application_name = 'pgconn'";
    cluster.wait_until(&format!("exists ({own})"));
    cluster.value(own).parse().unwrap()
}

/// Ends a watch as its user does.
fn interrupt(terminal: Terminal) {
    kill(Pid::from_raw(terminal.pid()), Signal::SIGINT).unwrap();
    let _ = terminal.finish().success();
}

#[test]
fn a_pooler_that_restarts_is_waited_for() {
    let mut pooled = pooled("transaction", &[]);
    let port = pooled.pooler.port.to_string();
    let run = Pgconn::new(&["-p", &port, "pooler", "--json", "--watch=100ms"]).on(&pooled.cluster).spawn();
    wait_until("a document", || run.stdout().contains('\n'));
    pooled.pooler.stop();
    wait_until("it says that it is lost", || {
        let said = run.stderr();
        assert!(!said.contains("\"error\""), "{said}");
        said.contains("; trying again\n")
    });
    let already = run.stdout().len();
    pooled.pooler.launch();
    wait_until("it is back", || run.stderr().contains("connected again, "));
    let _client = pooled.working("afterwards");
    wait_until("the pool of who has come since", || run.stdout()[already..].contains("\"user\":\"app\""));
    run.signal(Signal::SIGINT);
    let outcome = run.finish().success();
    assert_eq!(outcome.stderr.lines().count(), 2, "{outcome}");
}

/// Sets how many files a program may have open, and with that whether it can look a name up.
fn allow_files(pid: i32, number: &str) {
    let limit = [format!("--pid={pid}"), format!("--nofile={number}:")];
    assert!(Command::new("prlimit").args(limit).status().unwrap().success());
}

/// As on a laptop that changes networks. What cannot open a file reads no /etc/hosts, and asks no name server.
#[test]
fn a_name_that_cannot_be_looked_up_for_a_while_is_looked_up_again() {
    let cluster = with(&[]);
    let line = ["stats", "--watch=100ms", "-h", "localhost"];
    let terminal = Pgconn::new(&line).on(&cluster).on_terminal_of(140, 24);
    terminal.wait_for("connections");
    let first = watcher(&cluster);
    allow_files(terminal.pid(), "0");
    cluster.query(&format!("select pg_terminate_backend({first})"));
    let failed = || {
        let frames = terminal.frames();
        assert!(!terminal.screen().contains("error: "), "{}", terminal.screen());
        let failed = "old: could not translate host name \"localhost\" to address: ";
        frames.iter().filter(|(looks, _)| looks.contains(failed)).count()
    };
    wait_until("it cannot be looked up, again and again", || failed() >= 5);
    allow_files(terminal.pid(), "64");
    wait_until("it is back", || terminal.frames().last().is_some_and(|(looks, _)| !looks.contains("old: ")));
    interrupt(terminal);
}

#[test]
fn a_server_that_is_not_up_yet_is_waited_for_in_the_frame() {
    let mut cluster = prepared(&[], &[]);
    let line = ["check", "--watch=100ms", "--connect-wait=1h"];
    let terminal = Pgconn::new(&line).on(&cluster).on_terminal_of(140, 24);
    terminal.wait_for("! no data yet: ");
    let waiting = terminal.frames()[0].clone();
    cluster.launch(&|| true).unwrap();
    terminal.wait_for("answered in ");
    // What is written outside a frame stands in front of the next one.
    assert!(waiting.1.starts_with(ENTER) && waiting.0.contains("; trying again"), "{waiting:?}");
    let frames = terminal.frames();
    assert!(frames[1..].iter().all(|(_, written)| written.starts_with(HOLD)), "{:?}", terminal.screen());
    interrupt(terminal);
}

/// The ages of its data that a terminal showed up to this one, each with what was said of it, and after how long it was there.
fn ages(terminal: &Terminal, last: u64) -> Vec<(u64, String, Duration)> {
    let mut ages: Vec<(u64, String, Duration)> = Vec::new();
    let (began, mut read) = (Instant::now(), 0);
    wait_until("it is as old as that", || {
        let frames = terminal.frames();
        for (looks, _) in &frames[std::mem::replace(&mut read, frames.len())..] {
            let said = looks.strip_prefix("! data is ").and_then(|looks| looks.lines().next());
            if let Some((age, why)) = said.and_then(|said| said.split_once("s old: ")) {
                ages.push((age.parse().unwrap(), why.to_owned(), began.elapsed()));
            }
        }
        ages.last().is_some_and(|(age, _, _)| *age >= last)
    });
    ages
}

#[test]
fn the_age_of_what_a_frozen_server_has_said_is_seen_soon_and_counts_evenly() {
    let cluster = with(&[]);
    let terminal = Pgconn::new(&["stats", "--watch=1s", "-t", "5s"]).on(&cluster).on_terminal_of(140, 24);
    wait_until("two results", || terminal.frames().len() >= 2);
    let server = fs::read_to_string(cluster.dir.join("data/postmaster.pid")).unwrap();
    let server = server.lines().next().unwrap().parse().unwrap();
    let frozen = [watcher(&cluster), server].map(Stopped::new);
    let ages = ages(&terminal, 8);
    // Two turns are two seconds. A machine that is busy shows something late, and nothing twice.
    assert!((2..=3).contains(&ages[0].0), "{ages:?}");
    for pair in ages.windows(2) {
        let ((age, _, at), (next, why, then)) = (&pair[0], &pair[1]);
        // Each try that fails is told when it does.
        let is_told = next == age && why.ends_with("; trying again");
        let is_late = *next > age + 1 && *then - *at >= Duration::from_millis(1_500);
        assert!(*next == age + 1 || is_told || is_late, "{ages:?}");
    }
    drop(frozen);
    wait_until("it is fresh again", || {
        terminal.frames().last().is_some_and(|(looks, _)| !looks.contains("s old: "))
    });
    interrupt(terminal);
}

/// How long a watch takes to be back after a restart, from when the server accepts connections. Whoever tries meanwhile is heard,
/// and told nothing.
#[test]
fn a_server_that_has_restarted_is_found_at_once() {
    const SOON: Duration = Duration::from_millis(1_200);
    let mut cluster = with(&[]);
    // One connection for each try.
    let run = Pgconn::new(&["stats", "--json", "--watch=100ms", "-h", "127.0.0.1"])
        .on(&cluster)
        .env("PGSSLMODE", "disable")
        .spawn();
    let documents = || run.stdout().matches('\n').count();
    wait_until("a document", || documents() > 0);
    let mut round = || {
        cluster.stop();
        let before = documents();
        let instead = TcpListener::bind(("127.0.0.1", cluster.port)).unwrap();
        instead.set_nonblocking(true).unwrap();
        let mut tries = 0;
        wait_until("four tries", || {
            tries += usize::from(instead.accept().is_ok());
            tries == 4
        });
        drop(instead);
        cluster.launch(&|| true).unwrap();
        let accepts = Instant::now();
        wait_until("it is back", || documents() > before);
        println!("back {:?} after it accepts connections", accepts.elapsed());
        accepts.elapsed() <= SOON
    };
    // Where a busy machine needs seconds to start a server, tries have become rarer by then: once in five times it is fast.
    assert!((0..5).any(|_| round()), "never within {SOON:?}");
    run.signal(Signal::SIGINT);
    let _ = run.finish().success();
}
