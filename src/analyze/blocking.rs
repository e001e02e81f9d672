//! Who holds up whom: from edges between waiting sessions and those they wait for to counts and a tree. Ends on any
//! graph: a deadlock is one until the server has noticed it, and a session can end between two looks.

use std::collections::{HashMap, HashSet};

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
}

/// Returns for each pid that is waited for how many sessions wait for it, directly or behind others.
pub(crate) fn held_up(waits: &[Wait]) -> HashMap<i32, i64> {
    let behind = behind(waits);
    behind
        .keys()
        .map(|pid| (*pid, i64::try_from(reach([*pid], &behind).len() - 1).unwrap_or(i64::MAX)))
        .collect()
}

/// Returns the pids that are in a tree with one of `chosen`: those it waits for and those that wait for it.
pub(crate) fn relatives(waits: &[Wait], chosen: &[i32]) -> HashSet<i32> {
    let mut kept = reach(chosen.iter().copied(), &ahead(waits));
    kept.extend(reach(chosen.iter().copied(), &behind(waits)));
    kept
}

/// Returns the forest in display order: roots with the most sessions behind them first, each waiter under the nearest
/// session ahead of it (one that nobody else it waits for is itself behind). Every pid comes once.
pub(crate) fn tree(waits: &[Wait]) -> Vec<Line> {
    let (ahead, behind, held) = (ahead(waits), behind(waits), held_up(waits));
    let mut pids: Vec<i32> = waits.iter().map(|wait| wait.pid).chain(behind.keys().copied()).collect();
    let rank = |pid: &i32| (std::cmp::Reverse(held.get(pid).copied().unwrap_or(0)), *pid);
    pids.sort_unstable_by_key(rank);
    pids.dedup();
    let mut under: HashMap<i32, Vec<i32>> = HashMap::new();
    for pid in &pids {
        if let Some(parent) = nearest(*pid, &ahead) {
            under.entry(parent).or_default().push(*pid);
        }
    }
    let waits_itself = |pid: &i32| ahead.contains_key(pid);
    let mut lines = Vec::new();
    let mut shown = HashSet::new();
    // Whoever is left after the true roots waits in a circle, or behind one.
    for cycle in [false, true] {
        for root in pids.iter().filter(|pid| waits_itself(pid) == cycle) {
            let mut open = vec![(*root, 0)];
            while let Some((pid, depth)) = open.pop() {
                if shown.insert(pid) {
                    lines.push(Line { pid, depth, cycle: cycle && depth == 0 });
                    let children = under.get(&pid).into_iter().flatten().rev();
                    open.extend(children.map(|child| (*child, depth + 1)));
                }
            }
        }
    }
    lines
}

/// The session directly ahead: of those waited for, one that is behind most of the others.
fn nearest(pid: i32, ahead: &HashMap<i32, Vec<i32>>) -> Option<i32> {
    let blockers = ahead.get(&pid)?;
    let queue = |blocker: i32| {
        let before = ahead.get(&blocker).map(Vec::as_slice).unwrap_or_default();
        blockers.iter().filter(|other| before.contains(other)).count()
    };
    blockers.iter().copied().max_by_key(|blocker| (queue(*blocker), std::cmp::Reverse(*blocker)))
}

fn ahead(waits: &[Wait]) -> HashMap<i32, Vec<i32>> {
    let mut ahead: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, blocker) in edges(waits) {
        ahead.entry(pid).or_default().push(blocker);
    }
    ahead
}

fn behind(waits: &[Wait]) -> HashMap<i32, Vec<i32>> {
    let mut behind: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, blocker) in edges(waits) {
        behind.entry(blocker).or_default().push(pid);
    }
    behind
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
        tree(waits).iter().map(|line| (line.pid, line.depth)).collect()
    }

    #[test]
    fn those_behind_others_are_held_up_too() {
        let held = held_up(&waits(&[(2, &[1]), (3, &[2, 2]), (4, &[3, 4])]));
        assert_eq!((held[&1], held[&2], held[&3]), (3, 2, 1));
        assert!(!held.contains_key(&4));
    }

    #[test]
    fn a_queue_is_a_chain() {
        let queue = waits(&[(2, &[1]), (3, &[1, 2]), (4, &[1, 2, 3])]);
        assert_eq!(shape(&queue), [(1, 0), (2, 1), (3, 2), (4, 3)]);
    }

    #[test]
    fn the_root_that_holds_up_most_comes_first() {
        let two = waits(&[(2, &[1]), (11, &[10]), (12, &[10])]);
        assert_eq!(shape(&two), [(10, 0), (11, 1), (12, 1), (1, 0), (2, 1)]);
        assert_eq!(relatives(&two, &[11]), HashSet::from([10, 11]));
        assert_eq!(relatives(&two, &[10]), HashSet::from([10, 11, 12]));
    }

    #[test]
    fn a_circle_is_shown_as_one() {
        let circle = waits(&[(1, &[2]), (2, &[1]), (3, &[2])]);
        let held = held_up(&circle);
        assert_eq!((held[&1], held[&2]), (2, 2));
        let lines = tree(&circle);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].cycle && lines[0].depth == 0);
    }

    proptest! {
        #[test]
        fn every_session_comes_once_in_any_graph(
            edges in prop::collection::vec((0i32..30, prop::collection::vec(0i32..30, 0..6)), 0..40)
        ) {
            let waits: Vec<Wait> = edges.into_iter().map(|(pid, blocked_by)| Wait { pid, blocked_by }).collect();
            let lines = tree(&waits);
            let pids: HashSet<i32> = lines.iter().map(|line| line.pid).collect();
            prop_assert_eq!(pids.len(), lines.len());
            let everybody: HashSet<i32> =
                waits.iter().flat_map(|wait| wait.blocked_by.iter().chain([&wait.pid])).copied().collect();
            prop_assert_eq!(pids, everybody);
        }
    }
}
