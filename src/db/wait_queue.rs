//! Who is ahead of whom in the queue for a lock, where the server was not asked.

use std::collections::HashSet;

use crate::model::blocking::Blocked;
use crate::model::order;

/// A lock that a session waits for.
#[derive(Debug)]
pub(super) struct WantedLock {
    /// Its place among the sessions, which come in the order in which they began to wait.
    pub(super) waiter: usize,
    /// The place of its mode among the modes.
    pub(super) mode: usize,
    /// With which modes that conflicts, by place, as `lock_modes.sql` writes it.
    pub(super) conflicts: String,
    /// The places of the modes in which it has the same thing already.
    pub(super) has: Vec<usize>,
}

impl WantedLock {
    fn conflicts_with(&self, mode: usize) -> bool {
        self.conflicts.as_bytes().get(mode.wrapping_sub(1)) == Some(&b'X')
    }
}

/// Has the `unasked` of a queue wait for who has what they wait for, and for who is ahead of them and wants it in a mode that conflicts.
/// Of two of whom the server was asked about one, it has said who is ahead.
pub(super) fn add_blockers(sessions: &mut [Blocked], wanted: Vec<WantedLock>, unasked: &HashSet<i32>) {
    let queue = queue(wanted);
    let is_asked =
        |one: &WantedLock| sessions.get(one.waiter).is_some_and(|session| !unasked.contains(&session.pid));
    let asked: Vec<bool> = queue.iter().map(is_asked).collect();
    for (at, own) in queue.iter().enumerate() {
        let Some(session) = sessions.get(own.waiter).filter(|_| asked.get(at) == Some(&false)) else {
            continue;
        };
        let is_ahead = |place: usize, other: &Blocked| {
            if asked.get(place) == Some(&false) || other.held_by.contains(&session.pid) {
                return place < at;
            }
            other.blocked_by.binary_search(&session.pid).is_err()
        };
        let others = queue.iter().enumerate();
        let others = others.filter(|(_, other)| other.waiter != own.waiter && own.conflicts_with(other.mode));
        let ahead = others.filter_map(|(place, other)| {
            sessions.get(other.waiter).filter(|other| is_ahead(place, other)).map(|other| other.pid)
        });
        let mut blocked_by: Vec<i32> =
            session.blocked_by.iter().chain(&session.held_by).copied().chain(ahead).collect();
        blocked_by.sort_unstable();
        blocked_by.dedup();
        if let Some(session) = sessions.get_mut(own.waiter) {
            session.blocked_by = blocked_by;
        }
    }
}

/// The queue as it has come about (ProcSleep in src/backend/storage/lmgr/proc.c): who comes goes to its end, or in front of the first
/// whom it keeps waiting with what it has already.
fn queue(mut wanted: Vec<WantedLock>) -> Vec<WantedLock> {
    order::sort_by_key(&mut wanted, |wanted| wanted.waiter);
    let mut queue: Vec<WantedLock> = Vec::with_capacity(wanted.len());
    for comes in wanted {
        let waits_for_it = |other: &WantedLock| comes.has.iter().any(|mode| other.conflicts_with(*mode));
        let place = if comes.has.is_empty() { None } else { queue.iter().position(waits_for_it) };
        queue.insert(place.unwrap_or(queue.len()), comes);
    }
    queue
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS_SHARE: (usize, &str) = (1, "-------X");
    const ROW_EXCLUSIVE: (usize, &str) = (3, "----XXXX");
    const ACCESS_EXCLUSIVE: (usize, &str) = (8, "XXXXXXXX");

    fn wanted(waiter: usize, (mode, conflicts): (usize, &str), has: &[usize]) -> WantedLock {
        WantedLock { waiter, mode, conflicts: conflicts.into(), has: has.to_vec() }
    }

    #[test]
    fn who_has_it_in_part_goes_before_who_waits_for_that() {
        let order = |all: Vec<WantedLock>| queue(all).iter().map(|one| one.waiter).collect::<Vec<_>>();
        let first_come = [(0, ACCESS_EXCLUSIVE), (1, ROW_EXCLUSIVE), (2, ACCESS_SHARE)];
        assert_eq!(order(first_come.map(|(at, mode)| wanted(at, mode, &[])).into()), [0, 1, 2]);
        // the second reads already what the first wants to itself
        let reads = [(0, ACCESS_EXCLUSIVE, &[][..]), (1, ROW_EXCLUSIVE, &[1]), (2, ACCESS_SHARE, &[])];
        assert_eq!(order(reads.map(|(at, mode, has)| wanted(at, mode, has)).into()), [1, 0, 2]);
    }
}
