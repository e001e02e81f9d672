//! Who holds up whom: from edges between waiting sessions and those they wait for to counts and a tree. Ends on any
//! graph: a deadlock is one until the server has noticed it, and a session can end between two looks.

mod free_sets;
mod graph;
mod seen;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

pub(crate) use free_sets::FreeSet;
pub(crate) use graph::{Edges, Graph};
pub(crate) use seen::{edges, free_sets, pid_at, prepared_at};

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

/// The graph of what was seen of waits: who waits, and for whom.
pub(crate) fn graph<'a>(waits: impl IntoIterator<Item = (i32, &'a [i32])>) -> Graph {
    let edges: Vec<Edges<'_>> =
        waits.into_iter().map(|(pid, blocked_by)| (pid, Cow::Borrowed(blocked_by))).collect();
    Graph::of(&edges)
}

/// Who stands behind whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forest {
    /// Everybody, in display order.
    pub(crate) lines: Vec<Line>,
    /// How many wait for each that is waited for, directly or behind others.
    pub(crate) blocked: HashMap<i32, i64>,
}

impl Forest {
    /// The forest of a graph; `holders` as in [`Graph::tree`].
    pub(crate) fn of(graph: &Graph, holders: &HashMap<i32, Vec<i32>>) -> Self {
        let blocked = graph.blocked_counts();
        Self { lines: graph.tree(holders, &blocked), blocked }
    }

    /// Returns who is waited for and waits for nobody, and of those that wait in a circle one: the heads of the queues.
    pub(crate) fn heads(&self) -> impl Iterator<Item = i32> {
        let heads = self.lines.iter().filter(|line| line.depth == 0 && self.blocked.contains_key(&line.pid));
        heads.map(|line| line.pid)
    }

    /// Returns who is at the head of the queue in which `pid` stands; none when it is not there.
    pub(crate) fn head_of(&self, pid: i32) -> Option<i32> {
        let at = self.lines.iter().position(|line| line.pid == pid)?;
        self.lines.iter().take(at + 1).rev().find(|line| line.depth == 0).map(|line| line.pid)
    }
}

impl Graph {
    /// Returns for each pid that is waited for how many sessions wait for it, directly or behind others.
    pub(crate) fn blocked_counts(&self) -> HashMap<i32, i64> {
        let waiters = self.blockers.turned();
        let all = waiters.closed();
        let counts = self.pids().iter().enumerate().filter(|(place, _)| !waiters.is_empty(*place));
        counts.map(|(place, pid)| (*pid, i64::try_from(all.others(place)).unwrap_or(i64::MAX))).collect()
    }

    /// Returns the pids that wait for one of `chosen`, directly or behind others, and are not among them.
    pub(crate) fn waiting_for(&self, chosen: &[i32]) -> HashSet<i32> {
        let mut waiting = self.reach(chosen, &self.blockers.turned());
        waiting.retain(|pid| !chosen.contains(pid));
        waiting
    }

    /// Returns the pids that are in a tree with one of `chosen`: those it waits for and those that wait for it.
    pub(crate) fn relatives(&self, chosen: &[i32]) -> HashSet<i32> {
        let mut kept = self.reach(chosen, &self.blockers);
        kept.extend(self.waiting_for(chosen));
        kept
    }

    /// Returns the forest in display order: roots with the most sessions behind them first, each waiter under who has what it waits
    /// for (`holders`, by waiter), or else under the nearest session ahead of it (one that nobody else it waits for is itself behind).
    /// Every pid comes once. `blocked` are its [`Graph::blocked_counts`].
    fn tree(&self, holders: &HashMap<i32, Vec<i32>>, blocked: &HashMap<i32, i64>) -> Vec<Line> {
        let mut pids = self.pids().to_vec();
        let rank = |pid: &i32| (std::cmp::Reverse(blocked.get(pid).copied().unwrap_or(0)), *pid);
        pids.sort_unstable_by_key(rank);
        let mut under: HashMap<i32, Vec<i32>> = HashMap::new();
        for pid in &pids {
            if let Some(parent) = self.parent(*pid, holders) {
                under.entry(parent).or_default().push(*pid);
            }
        }
        let mut lines = Vec::new();
        let mut shown = HashSet::new();
        // Whoever is left after the true roots waits in a circle, or behind one.
        for cycle in [false, true] {
            for root in pids.iter().filter(|pid| self.waits(**pid) == cycle) {
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

    /// Returns who is at the head of the queue in which `pid` stands: in a circle, where that is itself, somebody else of it; none
    /// when it waits for nobody.
    pub(crate) fn head_before(&self, pid: i32) -> Option<i32> {
        let head = Forest::of(self, &HashMap::new()).head_of(pid);
        head.filter(|head| *head != pid).or_else(|| self.ahead(pid).first().copied())
    }

    fn waits(&self, pid: i32) -> bool {
        self.place(pid).is_some_and(|place| !self.blockers.is_empty(place))
    }

    /// For whom one waits.
    fn ahead(&self, pid: i32) -> Vec<i32> {
        let ahead = self.place(pid).into_iter().flat_map(|place| self.blockers.row(place));
        ahead.map(|place| self.pid(place)).collect()
    }

    /// The session under which one stands: of those that hold what it waits for, or else of all that are ahead of it, one that is
    /// behind most of the others.
    fn parent(&self, pid: i32, holders: &HashMap<i32, Vec<i32>>) -> Option<i32> {
        let place = self.place(pid)?;
        let queue = |blocker: &usize| {
            (self.blockers.in_common(place, *blocker), std::cmp::Reverse(self.pid(*blocker)))
        };
        let held_by = holders.get(&pid).into_iter().flatten().filter_map(|holder| self.place(*holder));
        let holder = held_by.filter(|holder| self.blockers.has(place, *holder)).max_by_key(queue);
        holder.or_else(|| self.blockers.row(place).max_by_key(queue)).map(|blocker| self.pid(blocker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::act::Wait;
    use proptest::prelude::*;

    fn graph(waits: &[Wait]) -> Graph {
        super::graph(waits.iter().map(Wait::edges))
    }

    fn heads(graph: &Graph) -> Vec<i32> {
        Forest::of(graph, &HashMap::new()).heads().collect()
    }

    fn waits(edges: &[(i32, &[i32])]) -> Vec<Wait> {
        edges.iter().map(|(pid, by)| Wait { pid: *pid, blocked_by: by.to_vec() }).collect()
    }

    fn lines_of(waits: &[Wait], holders: &HashMap<i32, Vec<i32>>) -> Vec<Line> {
        let graph = graph(waits);
        graph.tree(holders, &graph.blocked_counts())
    }

    fn shape(waits: &[Wait]) -> Vec<(i32, usize)> {
        lines_of(waits, &HashMap::new()).iter().map(|line| (line.pid, line.depth)).collect()
    }

    #[test]
    fn those_behind_others_are_held_up_too() {
        let blocked = graph(&waits(&[(2, &[1]), (3, &[2, 2]), (4, &[3, 4])])).blocked_counts();
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
        let lines = lines_of(&queue, &holders);
        let shape: Vec<(i32, usize, bool)> =
            lines.iter().map(|line| (line.pid, line.depth, line.last)).collect();
        assert_eq!(shape, [(1, 0, true), (2, 1, false), (3, 1, false), (4, 1, true), (5, 2, true)]);
    }

    #[test]
    fn the_root_that_holds_up_most_comes_first() {
        let two = waits(&[(2, &[1]), (11, &[10]), (12, &[10])]);
        assert_eq!(shape(&two), [(10, 0), (11, 1), (12, 1), (1, 0), (2, 1)]);
        assert_eq!(graph(&two).relatives(&[11]), HashSet::from([10, 11]));
        assert_eq!(graph(&two).relatives(&[10]), HashSet::from([10, 11, 12]));
    }

    #[test]
    fn a_long_queue_of_exclusive_waiters_is_a_chain_and_costs_little() {
        let queue: Vec<Wait> =
            (1..400).map(|pid| Wait { pid, blocked_by: (0..pid).rev().collect() }).collect();
        let lines = lines_of(&queue, &HashMap::new());
        assert!(lines.iter().enumerate().all(|(at, line)| line.depth == at && line.pid == at as i32));
        assert_eq!(graph(&queue).blocked_counts()[&0], 399);
    }

    #[test]
    fn a_circle_is_shown_as_one() {
        let circle = waits(&[(1, &[2]), (2, &[1]), (3, &[2])]);
        let blocked = graph(&circle).blocked_counts();
        assert_eq!((blocked[&1], blocked[&2]), (2, 2));
        let lines = lines_of(&circle, &HashMap::new());
        assert_eq!(lines.len(), 3);
        assert!(lines[0].cycle && lines[0].depth == 0);
    }

    #[test]
    fn the_head_of_a_queue_is_found_also_in_a_circle() {
        let queue = graph(&waits(&[(3, &[2]), (2, &[1])]));
        assert_eq!(
            (queue.head_before(3), queue.head_before(2), queue.head_before(1)),
            (Some(1), Some(1), None)
        );
        assert_eq!(heads(&queue), [1]);
        let circle = graph(&waits(&[(1, &[2]), (2, &[1])]));
        assert_eq!((circle.head_before(1), circle.head_before(2)), (Some(2), Some(1)));
        assert_eq!(heads(&circle).len(), 1);
    }

    proptest! {
        #[test]
        fn every_session_comes_once_in_any_graph(
            edges in prop::collection::vec((0i32..30, prop::collection::vec(0i32..30, 0..6)), 0..40)
        ) {
            let waits: Vec<Wait> = edges.into_iter().map(|(pid, blocked_by)| Wait { pid, blocked_by }).collect();
            let lines = lines_of(&waits, &HashMap::new());
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
            let graph = graph(&waits);
            let waiters = graph.blockers.turned();
            let waited_for: HashSet<i32> = waits
                .iter()
                .flat_map(|wait| wait.blocked_by.iter().filter(|blocker| **blocker != wait.pid))
                .copied()
                .collect();
            let expected: HashMap<i32, i64> = waited_for
                .into_iter()
                .map(|pid| (pid, i64::try_from(graph.reach(&[pid], &waiters).len() - 1).unwrap()))
                .collect();
            prop_assert_eq!(graph.blocked_counts(), expected);
        }
    }
}
