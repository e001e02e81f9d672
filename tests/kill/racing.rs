//! `kill`: sessions that go on while others are being signalled.

use super::{app, kill, pids};
use crate::common::{wait_until, with};

/// How many sessions there are; to look at the text of each takes the server some milliseconds.
const SESSIONS: usize = 40;

/// A statement as long as the server keeps it.
pub(crate) fn long_statement() -> String {
    format!("select length('{}') as last_word", "a".repeat(1_000_000))
}

#[test]
fn who_commits_while_others_are_signalled_is_spared() {
    let cluster = with(&[("track_activity_query_size", "1MB")]);
    let open = |_| cluster.idle_in_transaction(&app("racing"), &long_statement());
    let mut sessions: Vec<_> = (0..SESSIONS).map(open).collect();
    let mut watcher = cluster.session();
    let arguments = ["--app", "racing", "--state", "idle-in-transaction", "--query", "last_word$", "--yes"];
    let run = kill(&cluster, &arguments).spawn();
    let count = "select count(*) from pg_stat_activity where application_name = 'racing'";
    wait_until("the first one is ended", || watcher.query(count)[0][0].as_deref() != Some("40"));
    // those whose turn comes last
    let committed: Vec<i32> = sessions
        .iter_mut()
        .rev()
        .take(SESSIONS / 4)
        .filter_map(|session| session.run("commit").is_ok().then_some(session.pid))
        .collect();
    let outcome = run.finish().success();
    assert!(committed.len() >= SESSIONS / 8, "the kill was too quick to be raced: {outcome}");
    for session in sessions.iter_mut().filter(|session| committed.contains(&session.pid)) {
        assert!(session.run("select 1").is_ok(), "{} was ended after its commit\n{outcome}", session.pid);
    }
    let mut changed = committed.clone();
    changed.sort_unstable();
    assert_eq!(pids(&outcome, "changed"), changed);
    assert_eq!(pids(&outcome, "terminated").len(), SESSIONS - changed.len());
}
