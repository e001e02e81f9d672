//! `show` at every width.

use super::found::Shows;
use crate::commands::golden::{assert_as_written, facts, reported, sessions};
use crate::model::lock::Lock;
use crate::model::one_session::{Neighbour, OneSession, SessionLock};
use crate::model::suggestion::Lead;

#[test]
fn show_of_who_waits_and_holds() {
    let session = sessions().swap_remove(3);
    let lock = |mode: &str, granted| SessionLock {
        lock: Lock {
            kind: "relation".into(),
            mode: mode.into(),
            relation: Some("public.orders".into()),
            ..Lock::default()
        },
        granted,
        wait_seconds: (!granted).then_some(29.5),
        waiting: i64::from(granted),
    };
    let neighbour = |pid: i32, direct| Neighbour {
        pid: Some(pid),
        session_id: Some(format!("692ac1f0.{pid:x}")),
        gid: None,
        database: Some("shop".into()),
        role: Some("web".into()),
        application_name: Some("checkout".into()),
        client: Some("10.0.4.31".into()),
        backend_type: Some("client backend".into()),
        state: Some("active".into()),
        wait_seconds: Some(12.0),
        direct,
    };
    let one = || OneSession {
        facts: facts(vec![session.clone()]),
        locks: vec![lock("AccessExclusiveLock", false), lock("ShareRowExclusiveLock", true)],
        locks_total: 2,
        neighbours: vec![neighbour(21_877, true), neighbour(22_060, true)],
        ..OneSession::default()
    };
    assert_as_written("show", |width| {
        let mut shows = Shows::new(one(), &Lead::default());
        shows.blocked_by = vec![neighbour(21_877, true)];
        shows.blocks = vec![neighbour(22_060, true), neighbour(22_061, false)];
        reported(&shows, width)
    });
}
