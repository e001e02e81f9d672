//! Who waits for whom as one bit for each pair: a queue of n exclusive waiters has n² / 2 edges, and what is asked of them would
//! otherwise take n⁴ steps.

use std::borrow::Cow;
use std::collections::HashSet;

/// A session, and for whom it waits.
pub(crate) type Edges<'a> = (i32, Cow<'a, [i32]>);

/// Sessions with those that they wait for. A session that waits for itself, which some releases report of parallel workers, does not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// In ascending order; where one stands here is its place.
    pids: Vec<i32>,
    /// By place, for whom one waits.
    pub(super) blockers: Bits,
}

impl Graph {
    /// The graph of these waits. Who waits for nobody and is not waited for is in it, too.
    pub(crate) fn of(waits: &[Edges<'_>]) -> Self {
        let mut pids: Vec<i32> = waits.iter().map(|(pid, _)| *pid).collect();
        pids.sort_unstable();
        pids.dedup();
        // Of two million pairs nearly all are of those who wait.
        let edges = waits.iter().flat_map(|(_, blocked_by)| blocked_by.iter().copied());
        let mut others: Vec<i32> = edges.filter(|pid| pids.binary_search(pid).is_err()).collect();
        others.sort_unstable();
        others.dedup();
        pids.extend(others);
        pids.sort_unstable();
        let mut graph = Self { blockers: Bits::new(pids.len()), pids };
        for (pid, blocked_by) in waits {
            let Some(waiter) = graph.place(*pid) else { continue };
            for blocker in blocked_by.iter().filter(|blocker| *blocker != pid) {
                if let Some(blocker) = graph.place(*blocker) {
                    graph.blockers.set(waiter, blocker);
                }
            }
        }
        graph
    }

    /// Everybody.
    pub(super) fn pids(&self) -> &[i32] {
        &self.pids
    }

    /// Where one stands.
    pub(super) fn place(&self, pid: i32) -> Option<usize> {
        self.pids.binary_search(&pid).ok()
    }

    /// Who stands there.
    pub(super) fn pid(&self, place: usize) -> i32 {
        self.pids.get(place).copied().unwrap_or_default()
    }

    /// Everything that can be reached over `edges`, the start included.
    pub(super) fn reach(&self, from: &[i32], edges: &Bits) -> HashSet<i32> {
        let mut open: Vec<usize> = from.iter().filter_map(|pid| self.place(*pid)).collect();
        let mut seen: HashSet<usize> = open.iter().copied().collect();
        while let Some(place) = open.pop() {
            open.extend(edges.row(place).filter(|other| seen.insert(*other)));
        }
        seen.into_iter().map(|place| self.pid(place)).collect()
    }
}

/// A square of bits.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits {
    rows: Vec<Vec<u64>>,
}

impl Bits {
    fn new(size: usize) -> Self {
        Self { rows: vec![vec![0; size.div_ceil(64)]; size] }
    }

    fn set(&mut self, from: usize, to: usize) {
        if let Some(word) = self.rows.get_mut(from).and_then(|row| row.get_mut(to / 64)) {
            *word |= 1 << (to % 64);
        }
    }

    fn words(&self, place: usize) -> &[u64] {
        self.rows.get(place).map_or(&[], Vec::as_slice)
    }

    /// Where the bits of a row are set.
    pub(super) fn row(&self, place: usize) -> impl Iterator<Item = usize> {
        let words = self.words(place).iter().enumerate();
        words.flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }

    /// True when this bit is set.
    pub(super) fn has(&self, from: usize, to: usize) -> bool {
        self.words(from).get(to / 64).is_some_and(|word| word >> (to % 64) & 1 == 1)
    }

    /// True when no bit of a row is set.
    pub(super) fn is_empty(&self, place: usize) -> bool {
        self.words(place).iter().all(|word| *word == 0)
    }

    /// How many bits of a row are set, its own aside.
    pub(super) fn others(&self, place: usize) -> usize {
        let itself = self.has(place, place);
        let all: u32 = self.words(place).iter().map(|word| word.count_ones()).sum();
        all as usize - usize::from(itself)
    }

    /// How many bits two rows have in common.
    pub(super) fn in_common(&self, one: usize, other: usize) -> u32 {
        self.words(one).iter().zip(self.words(other)).map(|(one, other)| (one & other).count_ones()).sum()
    }

    /// Gives a row the bits of another square's.
    pub(super) fn take(&mut self, place: usize, from: &Self) {
        if let Some(row) = self.rows.get_mut(place) {
            row.copy_from_slice(from.words(place));
        }
    }

    /// The edges the other way round.
    pub(super) fn turned(&self) -> Self {
        let mut turned = Self::new(self.rows.len());
        for from in 0..self.rows.len() {
            self.row(from).for_each(|to| turned.set(to, from));
        }
        turned
    }

    /// With an edge to everything that can be reached over others.
    pub(super) fn closed(&self) -> Self {
        let mut rows = self.rows.clone();
        for through in 0..rows.len() {
            let further = std::mem::take(&mut rows[through]);
            for row in &mut rows {
                if row.get(through / 64).is_some_and(|word| word >> (through % 64) & 1 == 1) {
                    row.iter_mut().zip(&further).for_each(|(word, more)| *word |= more);
                }
            }
            rows[through] = further;
        }
        Self { rows }
    }
}
