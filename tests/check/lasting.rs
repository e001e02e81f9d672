//! Again and again: it leaves nothing and does not grow.

use super::super::common::{Pgconn, wait_until, with};
use nix::sys::signal::Signal;
use std::fs;

/// Resident memory of a process, in kilobytes.
fn memory(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_thousand_runs_leave_no_trace() {
    let server = with(&[("max_connections", "20")]);
    let folder = std::env::temp_dir().join(format!("pgconn-thousand-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let place = folder.to_str().unwrap();
    let count = "select count(*) from pg_stat_activity where backend_type = 'client backend'";
    let sessions =
        "select coalesce(sum((to_jsonb(d) ->> 'sessions')::int8), 0)::int8 from pg_stat_database d";
    let (before, established) = (server.value(count), server.value(sessions).parse::<i64>().unwrap());
    // xargs ends with 0 only if each of them does.
    let runs = format!("seq 100 | xargs -n 1 -P 4 sh -c 'exec {} check -q'", env!("CARGO_BIN_EXE_pgconn"));
    for _ in 0..10 {
        let run = Pgconn::of("sh", &["-c", &runs]).on(&server).dir(&folder);
        let places = ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"];
        let outcome = places.into_iter().fold(run, |run, name| run.env(name, place)).run().success();
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    }
    // The server lets go of the last one a moment after its client has gone.
    let mut asking = server.session();
    wait_until("no session is left", || asking.query(count)[0][0].as_deref() == Some(&before));
    drop(asking);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::remove_dir(&folder).unwrap();
    if server.major() >= 15 {
        let now = server.value(sessions).parse::<i64>().unwrap();
        // Each had one session, and so had the questions of this test.
        assert!((1000..1010).contains(&(now - established)), "{established}, {now}");
    }
}

#[test]
fn a_watch_does_not_grow() {
    let server = with(&[("max_connections", "20")]);
    let run = Pgconn::new(&["check", "-q", "--json", "--watch=100ms"]).on(&server).spawn();
    let looks = |many: usize| wait_until("more looks", || run.stdout().lines().count() >= many);
    looks(30);
    let early = memory(run.pid());
    looks(130);
    let late = memory(run.pid());
    run.signal(Signal::SIGINT);
    let _ended = run.finish().success();
    assert!(late < early + 512, "{early} kB, then {late} kB");
}
