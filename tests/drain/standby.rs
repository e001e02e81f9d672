//! `drain` where every commit waits for a synchronous standby that is away: what is done already is not done over again.

use super::{closable, closed, drain, make};
use crate::common::{Cluster, Running, wait_until, with};
use crate::kill::Stopped;
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// From now on no commit of an ordinary session returns.
fn lose_the_standby(cluster: &Cluster) {
    let mut session = cluster.session();
    session.query("set synchronous_commit = off");
    session.query("alter system set synchronous_standby_names = 'away'");
    session.query("select pg_reload_conf()");
    cluster.wait_until("current_setting('synchronous_standby_names') = 'away'");
    // The process that has commits wait learns of it last.
    for turn in 0.. {
        let mut probe = cluster.session();
        let (pid, role) = (probe.pid, format!("probe{turn}"));
        probe.send_bytes(format!("create role {role}").as_bytes());
        let waits =
            format!("exists (select from pg_stat_activity where pid = {pid} and wait_event = 'SyncRep')");
        let done = format!("exists (select from pg_roles where rolname = '{role}')");
        cluster.wait_until(&format!("({waits} or {done})"));
        if cluster.value(&format!("select ({waits})::text")) == "true" {
            cluster.query(&format!("select pg_terminate_backend({pid})"));
            return;
        }
    }
}

fn server() -> Cluster {
    let cluster = with(&[("synchronous_commit", "on")]);
    make(&cluster);
    cluster
}

fn ends(run: Running, code: i32, within: Duration) -> crate::common::Outcome {
    let began = Instant::now();
    let outcome = run.finish().fails_with(code);
    assert!(began.elapsed() < within, "{:?} {outcome}", began.elapsed());
    outcome
}

#[test]
fn opening_it_waits_for_the_standby_once_and_ends_as_the_signal_says() {
    for (fence, signal, code) in
        [("limit", Signal::SIGTERM, 143), ("revoke", Signal::SIGINT, 130), ("hard", Signal::SIGTERM, 143)]
    {
        let cluster = server();
        let before = closable(&cluster);
        let run = drain(&cluster, &["--fence", fence, "--for", "1h", "-t", "1s"]).spawn();
        wait_until("it is held", || run.stderr().contains("closed and empty"));
        lose_the_standby(&cluster);
        run.signal(signal);
        let outcome = ends(run, code, Duration::from_secs(20));
        assert!(outcome.stdout.contains("open as before"), "{outcome}");
        assert_eq!(closable(&cluster), before, "{fence} {outcome}");
    }
}

/// Where closing it waits, it is open again and nothing else is to be waited for.
#[test]
fn a_signal_while_closing_waits_for_the_standby_is_the_end() {
    let cluster = server();
    let before = closable(&cluster);
    lose_the_standby(&cluster);
    let run = drain(&cluster, &["--fence", "limit", "--for", "1h", "-t", "1s"]).spawn();
    cluster.wait_until(
        "exists (select from pg_stat_activity where application_name = 'pgconn' and wait_event = 'SyncRep')",
    );
    run.signal(Signal::SIGTERM);
    let outcome = ends(run, 143, Duration::from_secs(20));
    assert!(outcome.stderr.contains("it is open as before"), "{outcome}");
    assert!(!closed(&cluster) && closable(&cluster) == before, "{outcome}");
}

/// A session that was lost can still be about to show what it has committed: until it is gone, what is seen is not what stays.
#[test]
fn what_a_lost_session_is_about_to_show_is_not_taken_for_what_was_before() {
    let cluster = server();
    let before = closable(&cluster);
    lose_the_standby(&cluster);
    let run = drain(&cluster, &["--fence", "limit", "--for", "1h", "-t", "2s"]).spawn();
    let waiting =
        "select pid from pg_stat_activity where application_name = 'pgconn' and wait_event = 'SyncRep'";
    cluster.wait_until(&format!("exists ({waiting})"));
    let pid: i32 = cluster.value(waiting).parse().unwrap();
    let stopped = Stopped::new(pid);
    // Another session has taken its place, and what it is about to do waits for the first one.
    cluster.wait_until(
        "exists (select from pg_stat_activity where application_name = 'pgconn' and wait_event_type = 'Lock')",
    );
    drop(stopped);
    let outcome = ends(run, 1, Duration::from_secs(25));
    assert!(outcome.stderr.contains("it is open as before"), "{outcome}");
    cluster.wait_until(&format!("not exists (select from pg_stat_activity where pid = {pid})"));
    assert_eq!(closable(&cluster), before, "{outcome}");
}
