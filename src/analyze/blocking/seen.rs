//! From what was seen of waits to a graph: prepared transactions, which the server calls all 0, are told apart by negative pids.

use std::borrow::Cow;
use std::collections::HashSet;

use super::free_sets::FreeSet;
use super::graph::{Edges, Graph};
use crate::model::blocking::{Blocked, PreparedBlocker};

/// The edges of the tree, with prepared transactions told apart: the server calls all of them 0.
pub(crate) fn edges<'a>(sessions: &'a [Blocked], prepared: &[PreparedBlocker]) -> Vec<Edges<'a>> {
    let of = |pid: i32| {
        let waited_for = prepared.iter().enumerate().filter(move |(_, one)| one.waiting_pids.contains(&pid));
        waited_for.filter_map(|(at, _)| pid_at(at))
    };
    let edges = |session: &'a Blocked| {
        if !session.blocked_by.contains(&0) {
            return (session.pid, Cow::Borrowed(session.blocked_by.as_slice()));
        }
        let mut blocked_by: Vec<i32> =
            session.blocked_by.iter().copied().filter(|blocker| *blocker != 0).collect();
        blocked_by.extend(of(session.pid));
        // It waits for one that has ended since.
        if blocked_by.is_empty() {
            blocked_by.push(0);
        }
        (session.pid, Cow::Owned(blocked_by))
    };
    sessions.iter().map(edges).collect()
}

/// The negative pid in the tree that stands for the prepared transaction at this place.
pub(crate) fn pid_at(place: usize) -> Option<i32> {
    i32::try_from(place).ok().map(|place| -1 - place)
}

/// The prepared transaction behind a negative pid of the tree.
pub(crate) fn prepared_at(prepared: &[PreparedBlocker], pid: i32) -> Option<&PreparedBlocker> {
    prepared.get(usize::try_from(-1 - i64::from(pid)).ok()?)
}

/// Who would have to end for somebody to go on. Who surely waits for somebody next goes on only when that one has gone, too.
pub(crate) fn free_sets(graph: &Graph, sessions: &[Blocked], prepared: &[PreparedBlocker]) -> Vec<FreeSet> {
    let queue = row_queue(sessions);
    let next = sessions.iter().filter(|session| !session.waits_next.is_empty());
    let next: Vec<Edges<'_>> =
        next.map(|session| (session.pid, Cow::Borrowed(session.waits_next.as_slice()))).collect();
    if next.is_empty() {
        return graph.free_sets(&queue);
    }
    Graph::of(&[edges(sessions, prepared), next].concat()).free_sets(&queue)
}

/// Who stands in the queue for a row.
fn row_queue(sessions: &[Blocked]) -> HashSet<i32> {
    let queue =
        sessions.iter().filter(|session| session.lock.as_ref().is_some_and(|lock| lock.kind == "tuple"));
    queue.map(|session| session.pid).collect()
}
