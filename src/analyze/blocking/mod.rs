//! Who holds up whom: from edges between waiting sessions and those they wait for to counts and a tree. Ends on any
//! graph: a deadlock is one until the server has noticed it, and a session can end between two looks.

mod free_sets;

use std::collections::{HashMap, HashSet};

pub(crate) use free_sets::{FreeSet, free_sets, wait_for_the_row};

use crate::model::act::Wait;

/// A line of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Who.
    pub(crate) pid: i32,
    /// How many are ahead of it up to the root.
    pub(crate) depth: usize,
    /// True for a root that waits itself: the sessions of its tree wait for each other in a circle.
    pub(crate) cycle: bool,
    /// True when nobody else stands under the same one after it.
    pub(crate) last: bool,
}

/// Returns for each pid that is waited for how many sessions wait for it, directly or behind others.
pub(crate) fn blocked_counts(waits: &[Wait]) -> HashMap<i32, i64> {
    let mut waiters_by_blocker = Matrix::new(edges(waits).map(|(pid, blocker)| (blocker, pid)));
    waiters_by_blocker.close();
    let waited_for: HashSet<i32> = edges(waits).map(|(_, blocker)| blocker).collect();
    waited_for.into_iter().map(|pid| (pid, waiters_by_blocker.others(pid))).collect()
}

/// Returns the pids that wait for one of `chosen`, directly or behind others, and are not among them.
pub(crate) fn waiting_for(waits: &[Wait], chosen: &[i32]) -> HashSet<i32> {
    let mut waiting = reach(chosen.iter().copied(), &waiters_by_blocker(waits));
    waiting.retain(|pid| !chosen.contains(pid));
    waiting
}

/// Returns the pids that are in a tree with one of `chosen`: those it waits for and those that wait for it.
pub(crate) fn relatives(waits: &[Wait], chosen: &[i32]) -> HashSet<i32> {
    let mut kept = reach(chosen.iter().copied(), &blockers_by_pid(waits));
    kept.extend(reach(chosen.iter().copied(), &waiters_by_blocker(waits)));
    kept
}

/// Returns the forest in display order: roots with the most sessions behind them first, each waiter under who has what it waits for
/// (`holders`, by waiter), or else under the nearest session ahead of it (one that nobody else it waits for is itself behind). Every
/// pid comes once.
pub(crate) fn tree(waits: &[Wait], holders: &HashMap<i32, Vec<i32>>) -> Vec<Line> {
    let (blockers_by_pid, waiters_by_blocker, blocked) =
        (blockers_by_pid(waits), waiters_by_blocker(waits), blocked_counts(waits));
    let matrix = Matrix::new(edges(waits));
    let mut pids: Vec<i32> =
        waits.iter().map(|wait| wait.pid).chain(waiters_by_blocker.keys().copied()).collect();
    let rank = |pid: &i32| (std::cmp::Reverse(blocked.get(pid).copied().unwrap_or(0)), *pid);
    pids.sort_unstable_by_key(rank);
    pids.dedup();
    let mut under: HashMap<i32, Vec<i32>> = HashMap::new();
    for pid in &pids {
        if let Some(parent) = parent(*pid, &blockers_by_pid, holders, &matrix) {
            under.entry(parent).or_default().push(*pid);
        }
    }
    let waits_itself = |pid: &i32| blockers_by_pid.contains_key(pid);
    let mut lines = Vec::new();
    let mut shown = HashSet::new();
    // Whoever is left after the true roots waits in a circle, or behind one.
    for cycle in [false, true] {
        for root in pids.iter().filter(|pid| waits_itself(pid) == cycle) {
            let mut open = vec![(*root, 0, true)];
            while let Some((pid, depth, last)) = open.pop() {
                if shown.insert(pid) {
                    lines.push(Line { pid, depth, cycle: cycle && depth == 0, last });
                    let children = under.get(&pid).into_iter().flatten().rev().enumerate();
                    open.extend(children.map(|(at, child)| (*child, depth + 1, at == 0)));
                }
            }
        }
    }
    lines
}

/// The session under which one stands: of those that hold what it waits for, or else of all that are ahead of it, one that is behind
/// most of the others.
fn parent(
    pid: i32,
    blockers_by_pid: &HashMap<i32, Vec<i32>>,
    holders: &HashMap<i32, Vec<i32>>,
    matrix: &Matrix,
) -> Option<i32> {
    let blockers = blockers_by_pid.get(&pid)?;
    let holds = |blocker: &&i32| holders.get(&pid).is_some_and(|holders| holders.contains(blocker));
    let queue = |blocker: &&i32| (matrix.in_common(pid, **blocker), std::cmp::Reverse(**blocker));
    let holder = blockers.iter().filter(holds).max_by_key(queue);
    holder.or_else(|| blockers.iter().max_by_key(queue)).copied()
}

/// Edges as one bit for each pair of pids: a queue of n exclusive waiters has n² / 2 of them, and what is asked of them
/// would otherwise take n⁴ steps.
struct Matrix {
    place: HashMap<i32, usize>,
    rows: Vec<Vec<u64>>,
}

impl Matrix {
    fn new(edges: impl Iterator<Item = (i32, i32)>) -> Self {
        let edges: Vec<(i32, i32)> = edges.collect();
        let mut place = HashMap::new();
        for (from, to) in &edges {
            for pid in [from, to] {
                let next = place.len();
                place.entry(*pid).or_insert(next);
            }
        }
        let mut rows = vec![vec![0_u64; place.len().div_ceil(64)]; place.len()];
        for (from, to) in &edges {
            let (from, to) = (place[from], place[to]);
            rows[from][to / 64] |= 1 << (to % 64);
        }
        Self { place, rows }
    }

    /// Adds an edge to everything that can be reached over others.
    fn close(&mut self) {
        for through in 0..self.rows.len() {
            let further = self.rows[through].clone();
            for row in &mut self.rows {
                if row[through / 64] & (1 << (through % 64)) != 0 {
                    row.iter_mut().zip(&further).for_each(|(word, more)| *word |= more);
                }
            }
        }
    }

    /// How many edges lead from `pid` to others.
    fn others(&self, pid: i32) -> i64 {
        let Some(&place) = self.place.get(&pid) else { return 0 };
        let itself = i64::from(self.rows[place][place / 64] & (1 << (place % 64)) != 0);
        self.rows[place].iter().map(|word| i64::from(word.count_ones())).sum::<i64>() - itself
    }

    /// To how many pids edges lead from both.
    fn in_common(&self, one: i32, other: i32) -> u32 {
        let (Some(&one), Some(&other)) = (self.place.get(&one), self.place.get(&other)) else { return 0 };
        self.rows[one].iter().zip(&self.rows[other]).map(|(a, b)| (a & b).count_ones()).sum()
    }
}

fn blockers_by_pid(waits: &[Wait]) -> HashMap<i32, Vec<i32>> {
    let mut blockers_by_pid: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, blocker) in edges(waits) {
        blockers_by_pid.entry(pid).or_default().push(blocker);
    }
    blockers_by_pid
}

fn waiters_by_blocker(waits: &[Wait]) -> HashMap<i32, Vec<i32>> {
    let mut waiters_by_blocker: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, blocker) in edges(waits) {
        waiters_by_blocker.entry(blocker).or_default().push(pid);
    }
    waiters_by_blocker
}

/// Each edge once, and none from a session to itself: some releases report that for parallel workers.
fn edges(waits: &[Wait]) -> impl Iterator<Item = (i32, i32)> {
    let mut seen = HashSet::new();
    waits
        .iter()
        .flat_map(|wait| wait.blocked_by.iter().map(|blocker| (wait.pid, *blocker)))
        .filter(move |(pid, blocker)| pid != blocker && seen.insert((*pid, *blocker)))
}

/// Everything that can be reached, the start included.
fn reach(from: impl IntoIterator<Item = i32>, next: &HashMap<i32, Vec<i32>>) -> HashSet<i32> {
    let mut open: Vec<i32> = from.into_iter().collect();
    let mut seen: HashSet<i32> = open.iter().copied().collect();
    while let Some(pid) = open.pop() {
        open.extend(next.get(&pid).into_iter().flatten().filter(|other| seen.insert(**other)));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn waits(edges: &[(i32, &[i32])]) -> Vec<Wait> {
        edges.iter().map(|(pid, by)| Wait { pid: *pid, blocked_by: by.to_vec() }).collect()
    }

    fn shape(waits: &[Wait]) -> Vec<(i32, usize)> {
        tree(waits, &HashMap::new()).iter().map(|line| (line.pid, line.depth)).collect()
    }

    #[test]
    fn those_behind_others_are_held_up_too() {
        let blocked = blocked_counts(&waits(&[(2, &[1]), (3, &[2, 2]), (4, &[3, 4])]));
        assert_eq!((blocked[&1], blocked[&2], blocked[&3]), (3, 2, 1));
        assert!(!blocked.contains_key(&4));
    }

    #[test]
    fn a_queue_is_a_chain() {
        let queue = waits(&[(2, &[1]), (3, &[1, 2]), (4, &[1, 2, 3])]);
        assert_eq!(shape(&queue), [(1, 0), (2, 1), (3, 2), (4, 3)]);
    }

    #[test]
    fn who_waits_for_what_one_has_stands_under_that_one() {
        let queue = waits(&[(2, &[1]), (3, &[1, 2]), (4, &[1, 2, 3]), (5, &[2, 3, 4])]);
        let holders = HashMap::from([(2, vec![1]), (3, vec![1]), (4, vec![1])]);
        let lines = tree(&queue, &holders);
        let shape: Vec<(i32, usize, bool)> =
            lines.iter().map(|line| (line.pid, line.depth, line.last)).collect();
        assert_eq!(shape, [(1, 0, true), (2, 1, false), (3, 1, false), (4, 1, true), (5, 2, true)]);
    }

    #[test]
    fn the_root_that_holds_up_most_comes_first() {
        let two = waits(&[(2, &[1]), (11, &[10]), (12, &[10])]);
        assert_eq!(shape(&two), [(10, 0), (11, 1), (12, 1), (1, 0), (2, 1)]);
        assert_eq!(relatives(&two, &[11]), HashSet::from([10, 11]));
        assert_eq!(relatives(&two, &[10]), HashSet::from([10, 11, 12]));
    }

    #[test]
    fn a_long_queue_of_exclusive_waiters_is_a_chain_and_costs_little() {
        let queue: Vec<Wait> =
            (1..400).map(|pid| Wait { pid, blocked_by: (0..pid).rev().collect() }).collect();
        let lines = tree(&queue, &HashMap::new());
        assert!(lines.iter().enumerate().all(|(at, line)| line.depth == at && line.pid == at as i32));
        assert_eq!(blocked_counts(&queue)[&0], 399);
    }

    #[test]
    fn a_circle_is_shown_as_one() {
        let circle = waits(&[(1, &[2]), (2, &[1]), (3, &[2])]);
        let blocked = blocked_counts(&circle);
        assert_eq!((blocked[&1], blocked[&2]), (2, 2));
        let lines = tree(&circle, &HashMap::new());
        assert_eq!(lines.len(), 3);
        assert!(lines[0].cycle && lines[0].depth == 0);
    }

    proptest! {
        #[test]
        fn every_session_comes_once_in_any_graph(
            edges in prop::collection::vec((0i32..30, prop::collection::vec(0i32..30, 0..6)), 0..40)
        ) {
            let waits: Vec<Wait> = edges.into_iter().map(|(pid, blocked_by)| Wait { pid, blocked_by }).collect();
            let lines = tree(&waits, &HashMap::new());
            let pids: HashSet<i32> = lines.iter().map(|line| line.pid).collect();
            prop_assert_eq!(pids.len(), lines.len());
            let everybody: HashSet<i32> =
                waits.iter().flat_map(|wait| wait.blocked_by.iter().chain([&wait.pid])).copied().collect();
            prop_assert_eq!(pids, everybody);
        }

        /// What the bits say, found out a second time step by step.
        #[test]
        fn those_held_up_are_those_that_can_be_reached(
            edges in prop::collection::vec((0i32..90, prop::collection::vec(0i32..90, 0..3)), 0..90)
        ) {
            let waits: Vec<Wait> = edges.into_iter().map(|(pid, blocked_by)| Wait { pid, blocked_by }).collect();
            let waiters_by_blocker = waiters_by_blocker(&waits);
            let expected: HashMap<i32, i64> = waiters_by_blocker
                .keys()
                .map(|pid| (*pid, i64::try_from(reach([*pid], &waiters_by_blocker).len() - 1).unwrap()))
                .collect();
            prop_assert_eq!(blocked_counts(&waits), expected);
        }
    }
}
