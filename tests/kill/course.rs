//! `kill`: how it goes on once it has begun: grace, watching, Ctrl-C.

use super::{Stopped, app, kill, pids, row};
use crate::common::{Cluster, Pgconn, Session, Stopping, shared, wait_until, with};
use nix::sys::signal::Signal;
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn grace_cancels_first_and_then_ends_what_is_left() {
    let cluster = shared();
    let mut busy = cluster.active(&app("grace"));
    let mut idle = cluster.connect(&app("grace")).unwrap();
    let outcome = kill(cluster, &["--app", "grace", "--grace", "2s"]).run().success();
    assert_eq!(pids(&outcome, "terminated").len(), 2);
    assert_eq!(busy.finish().unwrap_err().sqlstate, "57014", "cancelled before it was ended");
    assert!(busy.is_ended() && idle.is_ended());
    // A client that leaves on its cancelled query is not waited for any longer.
    let mut leaving = cluster.active(&app("grace"));
    let run = kill(cluster, &["--app", "grace", "--grace", "1h"]).spawn();
    leaving.finish().unwrap_err();
    let pid = leaving.pid;
    drop(leaving);
    assert_eq!(pids(&run.finish().success(), "terminated"), [pid]);
}

#[test]
fn an_interrupted_grace_ends_nothing() {
    let cluster = shared();
    let mut busy = cluster.active(&app("grace-interrupted"));
    let mut idle = cluster.connect(&app("grace-interrupted")).unwrap();
    let run = kill(cluster, &["--app", "grace-interrupted", "--grace", "1h"]).spawn();
    assert_eq!(busy.finish().unwrap_err().sqlstate, "57014");
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    assert_eq!(pids(&outcome, "failed").len(), 2);
    assert!(row(&outcome, busy.pid)["error"].as_str().unwrap().starts_with("its query was cancelled"));
    busy.query("select 1");
    idle.query("select 1");
}

/// The session of pgconn itself.
fn its_own_pid(cluster: &Cluster) -> i32 {
    cluster.value("select pid from pg_stat_activity where application_name = 'pgconn'").parse().unwrap()
}

#[test]
fn a_server_that_does_not_answer_cuts_no_grace_short() {
    const GRACE: Duration = Duration::from_secs(6);
    let cluster = with(&[]);
    let mut busy = cluster.active(&app("grace-late"));
    let began = Instant::now();
    let run = kill(&cluster, &["--app", "grace-late", "--grace", "6s", "-t", "1s"]).spawn();
    assert_eq!(busy.finish().unwrap_err().sqlstate, "57014");
    let stopped = Stopped::new(its_own_pid(&cluster));
    // Three looks at least get no answer.
    std::thread::sleep((GRACE - Duration::from_secs(2)).saturating_sub(began.elapsed()));
    drop(stopped);
    assert!(busy.is_ended());
    assert!(began.elapsed() >= GRACE, "{:?}", began.elapsed());
    assert_eq!(pids(&run.finish().success(), "terminated"), [busy.pid]);
}

/// What could not be seen for a while, in the time of grace or after it, is no news any more once it has been seen.
#[test]
fn a_server_that_hangs_for_a_while_leaves_no_doubt_about_what_is_seen_gone_after_that() {
    let cluster = with(&[("log_min_messages", "debug2")]);
    for (grace, seen) in [("1h", "signalled"), ("1ms", "terminated")] {
        let [mut busy, mut last] = [(), ()].map(|()| cluster.active(&app("grace-hangs")));
        // Where it has something locked that everybody needs, nobody gets any further.
        cluster.wait_until(&format!(
            "(select wait_event = 'PgSleep' from pg_stat_activity where pid = {})",
            last.pid
        ));
        let stuck = Stopped::new(last.pid);
        let line = ["--app", "grace-hangs", "--grace", grace, "--verify", "1h", "-t", "1s", "-v"];
        let run = kill(&cluster, &line).spawn();
        wait_until("it is under way", || run.stderr().contains(&format!("pid {}: {seen}\n", busy.pid)));
        let own = its_own_pid(&cluster);
        let frozen = Stopped::new(own);
        // Whoever gives up waiting for an answer cancels the question.
        let given_up = format!("sending SIGINT to process {own}");
        let log = || fs::read_to_string(cluster.dir.join("log")).unwrap();
        wait_until("two questions got no answer", || log().matches(&given_up).count() >= 2);
        drop((frozen, stuck));
        // Their clients leave when they hear of it.
        for victim in [&mut busy, &mut last] {
            victim.finish().unwrap_err();
        }
        let mut pids = [busy.pid, last.pid];
        pids.sort_unstable();
        drop((busy, last));
        let outcome = run.finish().success();
        assert_eq!(super::pids(&outcome, "terminated"), pids, "{outcome}");
        assert!(!outcome.stdout.contains("not_verified"), "{outcome}");
    }
}

#[test]
fn a_connection_lost_in_the_time_of_grace_ends_nothing() {
    let cluster = with(&[]);
    let mut busy = cluster.active(&app("grace-lost"));
    let run = kill(&cluster, &["--app", "grace-lost", "--grace", "1h"]).spawn();
    assert_eq!(busy.finish().unwrap_err().sqlstate, "57014");
    cluster.query(&format!("select pg_terminate_backend({})", its_own_pid(&cluster)));
    let outcome = run.finish().fails_with(1);
    let error = row(&outcome, busy.pid)["error"].as_str().unwrap().to_owned();
    assert_eq!(error, "its query was cancelled; the connection was lost before the session was ended");
    assert!(outcome.stdout.contains("not_verified"), "{outcome}");
    busy.query("select 1");
}

#[test]
fn signalled_is_not_gone() {
    let cluster = shared();
    let stuck = cluster.connect(&app("stuck")).unwrap();
    let mut fine = cluster.connect(&app("stuck")).unwrap();
    let stopped = Stopped::new(stuck.pid);
    let outcome = kill(cluster, &["--app", "stuck", "--verify", "2s"]).run().fails_with(4);
    assert_eq!(pids(&outcome, "signalled"), [stuck.pid]);
    assert_eq!(pids(&outcome, "terminated"), [fine.pid]);
    assert_eq!(outcome.json()["remaining_matching"], 1);
    assert!(fine.is_ended());
    drop(stopped);
}

#[test]
fn ctrl_c_in_the_middle_reports_what_was_done() {
    let cluster = shared();
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let stuck = cluster.connect(&app("ctrl-c")).unwrap();
        let mut fine = cluster.connect(&app("ctrl-c")).unwrap();
        let stopped = Stopped::new(stuck.pid);
        let run = kill(cluster, &["--app", "ctrl-c", "--verify", "1h"]).spawn();
        assert!(fine.is_ended());
        run.signal(signal);
        let outcome = run.finish().fails_with(code);
        assert_eq!(pids(&outcome, "signalled"), [stuck.pid]);
        assert_eq!(pids(&outcome, "terminated"), [fine.pid]);
        drop(stopped);
        drop(stuck);
    }
}

/// Nobody has to listen for it to be done whole, and to be in the log.
#[test]
fn a_closed_stdout_does_not_stop_it_half_way() {
    let cluster = shared();
    let program = env!("CARGO_BIN_EXE_pgconn");
    let log = cluster.dir.join("closed.ndjson");
    for (number, closed) in ["| true", "| head -c 1", ">&-", "2>&-", ">&- 2>&-"].into_iter().enumerate() {
        let mut victims: Vec<Session> = (0..3).map(|_| cluster.connect(&app("closed")).unwrap()).collect();
        let command = format!(
            "\"{program}\" kill --app closed --log '{}' {closed}; exit ${{PIPESTATUS[0]}}",
            log.display()
        );
        let outcome = Pgconn::of("bash", &["-c", &command]).on(cluster).run().success();
        assert!(!outcome.stderr.contains("error"), "{closed} {outcome}");
        assert!(victims.iter_mut().all(Session::is_ended));
        assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 6 * (number + 1), "{closed}");
    }
}

#[test]
fn clients_that_come_back_are_counted() {
    let cluster = with(&[]);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stopping = Stopping(&stop);
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                if let Ok(mut session) = cluster.connect(&app("pool")) {
                    let _ = session.run("select pg_sleep(3600)");
                }
            }
        });
        cluster.wait_until(
            "exists (select from pg_stat_activity where application_name = 'pool' and state = 'active')",
        );
        let mut hinted = false;
        // The client needs some milliseconds to come back, so not every run sees it.
        wait_until("a new session is seen", || {
            let outcome =
                Pgconn::new(&["kill", "--db", "postgres", "--app", "pool"]).on(&cluster).run().success();
            hinted = outcome.stderr.contains("pgconn drain --db postgres");
            assert_eq!(outcome.stdout.contains("1 of them new"), hinted, "{outcome}");
            hinted
        });
        drop(stopping);
        while kill(&cluster, &["--app", "pool"]).run().success().json()["matched"] != 0 {}
    });
}
