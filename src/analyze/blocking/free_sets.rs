//! Who must end so that somebody goes on. A session waits until everybody who is ahead of it has gone: of several, the end of one
//! frees nobody.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::graph::{Bits, Graph};
use crate::model::order;

/// Sessions in a set at most: nobody ends more of them by hand to let somebody go on.
const MOST_MEMBERS: usize = 20;
/// Sets that are told of at most.
const MOST_SETS: usize = 20;

/// Sessions whose end lets others go on at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FreeSet {
    /// Who must end, all of them, in ascending order.
    pub(crate) pids: Vec<i32>,
    /// Who goes on then: everybody whom nobody else is ahead of, in ascending order.
    pub(crate) frees: Vec<i32>,
    /// Who of those then holds up most others, and how many.
    pub(crate) then: Option<(i32, usize)>,
}

impl Graph {
    /// Returns the sets that free somebody, the smallest first, of those the one that frees most. A set that has to end more waiting
    /// sessions than it frees is none of them, nor is one that frees nobody whom a smaller one does not, or has to end as many waiting
    /// sessions for it. Those of `in_row_queue` wait for whoever has the row, too: what they wait for now is only their turn to wait
    /// for that.
    pub(crate) fn free_sets(&self, in_row_queue: &HashSet<i32>) -> Vec<FreeSet> {
        let ahead = self.with_row_queue(in_row_queue);
        let waits: HashSet<i32> = self.pids().iter().copied().filter(|pid| self.waits(*pid)).collect();
        let mut blockers: Vec<(i32, Vec<i32>)> = Vec::new();
        for (place, pid) in self.pids().iter().enumerate() {
            if (1..=MOST_MEMBERS).contains(&ahead.others(place)) {
                let mut ahead: Vec<i32> =
                    ahead.row(place).filter(|other| *other != place).map(|other| self.pid(other)).collect();
                ahead.sort_unstable();
                blockers.push((*pid, ahead));
            }
        }
        order::sort_by(&mut blockers, |(left, _), (right, _)| left.cmp(right));
        let mut candidates: Vec<&[i32]> = blockers.iter().map(|(_, ahead)| ahead.as_slice()).collect();
        order::sort_by(&mut candidates, |left, right| {
            left.len().cmp(&right.len()).then_with(|| left.cmp(right))
        });
        candidates.dedup();
        let waiters = self.blockers.turned();
        let mut sets: Vec<FreeSet> = Vec::new();
        for candidate in candidates {
            let goes_on = |(pid, ahead): &&(i32, Vec<i32>)| {
                !candidate.contains(pid) && ahead.iter().all(|pid| candidate.contains(pid))
            };
            let frees: Vec<i32> = blockers.iter().filter(goes_on).map(|(pid, _)| *pid).collect();
            let waiting = candidate.iter().filter(|pid| waits.contains(pid)).count();
            let no_better = |set: &FreeSet| {
                let part = set.pids.iter().all(|pid| candidate.contains(pid));
                let gain = frees.len().saturating_sub(set.frees.len());
                frees.iter().all(|pid| set.frees.contains(pid))
                    || part && waiting > 0 && gain <= candidate.len() - set.pids.len()
            };
            if frees.is_empty() || waiting > frees.len() || sets.iter().any(no_better) {
                continue;
            }
            let then = self.then(candidate, &frees, &waiters);
            sets.push(FreeSet { pids: candidate.to_vec(), frees, then });
        }
        let rank = |set: &FreeSet| {
            let behind = set.then.map(|(_, behind)| behind);
            (set.pids.len(), Reverse(set.frees.len()), Reverse(behind), set.pids.first().copied())
        };
        order::sort_by_key(&mut sets, rank);
        sets.truncate(MOST_SETS);
        sets
    }

    /// For whom each waits when those who queue for a row wait for whoever has it, too.
    fn with_row_queue(&self, in_row_queue: &HashSet<i32>) -> Bits {
        let mut ahead = self.blockers.clone();
        if !in_row_queue.is_empty() {
            let everybody_ahead = self.blockers.closed();
            for place in in_row_queue.iter().filter_map(|pid| self.place(*pid)) {
                ahead.take(place, &everybody_ahead);
            }
        }
        ahead
    }

    /// Who of those that have been freed holds up most others.
    fn then(&self, ended: &[i32], freed: &[i32], waiters: &Bits) -> Option<(i32, usize)> {
        let out: HashSet<i32> = ended.iter().chain(freed).copied().collect();
        let behind = |pid: i32| (pid, self.reach(&[pid], waiters).difference(&out).count());
        freed
            .iter()
            .map(|pid| behind(*pid))
            .filter(|(_, behind)| *behind > 0)
            .max_by_key(|(pid, behind)| (*behind, -pid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::act::Wait;
    use proptest::prelude::*;

    fn waits(edges: &[(i32, &[i32])]) -> Vec<Wait> {
        edges.iter().map(|(pid, by)| Wait { pid: *pid, blocked_by: by.to_vec() }).collect()
    }

    fn graph(waits: &[Wait]) -> Graph {
        crate::analyze::blocking::graph(waits.iter().map(Wait::edges))
    }

    fn sets(edges: &[(i32, &[i32])]) -> Vec<FreeSet> {
        graph(&waits(edges)).free_sets(&HashSet::new())
    }

    fn set(pids: &[i32], frees: &[i32], then: Option<(i32, usize)>) -> FreeSet {
        FreeSet { pids: pids.to_vec(), frees: frees.to_vec(), then }
    }

    #[test]
    fn two_readers_before_one_writer_are_one_set() {
        assert_eq!(sets(&[(3, &[1, 2])]), [set(&[1, 2], &[3], None)]);
    }

    #[test]
    fn of_a_queue_the_first_goes_on_and_then_holds_it() {
        assert_eq!(sets(&[(2, &[1]), (3, &[1, 2]), (4, &[1, 2, 3])]), [set(&[1], &[2], Some((2, 2)))]);
    }

    #[test]
    fn who_waits_in_front_of_many_is_a_set_of_its_own() {
        // a reader 1, a writer 2 that waits for it, and readers behind the writer
        let queue = [(2, &[1][..]), (3, &[2]), (4, &[2]), (5, &[2])];
        assert_eq!(sets(&queue), [set(&[2], &[3, 4, 5], None), set(&[1], &[2], Some((2, 3)))]);
    }

    #[test]
    fn who_queues_for_a_row_waits_for_who_has_it() {
        // 1 has the row, 2 waits for it, 3 for its turn
        let graph = graph(&waits(&[(2, &[1]), (3, &[2])]));
        let as_table = graph.free_sets(&HashSet::new());
        assert_eq!(as_table.len(), 2, "as a queue for a table, the end of 2 would free 3");
        let sets = graph.free_sets(&HashSet::from([3]));
        assert_eq!((sets.len(), &sets[0].pids, &sets[0].frees), (1, &vec![1], &vec![2]));
    }

    #[test]
    fn in_a_circle_one_is_enough() {
        assert_eq!(sets(&[(1, &[2]), (2, &[1])]), [set(&[1], &[2], None), set(&[2], &[1], None)]);
    }

    #[test]
    fn a_long_queue_of_exclusive_waiters_costs_little() {
        let queue: Vec<Wait> =
            (1..400).map(|pid| Wait { pid, blocked_by: (0..pid).rev().collect() }).collect();
        let sets = graph(&queue).free_sets(&HashSet::new());
        assert_eq!((sets.len(), &sets[0].pids, &sets[0].frees), (1, &vec![0], &vec![1]));
    }

    proptest! {
        /// What is said of a set is what taking it out of the graph shows, whoever else there is.
        #[test]
        fn those_go_on_whom_nobody_else_is_ahead_of(
            edges in prop::collection::vec((0i32..12, prop::collection::vec(0i32..12, 1..4)), 1..12)
        ) {
            let waits: Vec<Wait> = edges.into_iter().map(|(pid, blocked_by)| Wait { pid, blocked_by }).collect();
            let graph = graph(&waits);
            for set in graph.free_sets(&HashSet::new()) {
                let goes_on = |pid: &i32| {
                    let ahead = graph.ahead(*pid);
                    !set.pids.contains(pid) && !ahead.is_empty() && ahead.iter().all(|blocker| set.pids.contains(blocker))
                };
                let mut expected: Vec<i32> = graph.pids().iter().copied().filter(|pid| goes_on(pid)).collect();
                expected.sort_unstable();
                prop_assert_eq!(set.frees, expected);
            }
        }
    }
}
