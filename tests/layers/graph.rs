//! Circles in a graph of files.

use std::collections::{BTreeMap, BTreeSet};

/// Whom each file uses, with a place where it does.
pub(super) type Graph = BTreeMap<String, BTreeMap<String, usize>>;

/// The sets of files of which each reaches each other (Tarjan's strongly connected components), those of one file left out.
pub(super) fn circles(graph: &Graph) -> BTreeSet<Vec<String>> {
    let mut search = Search { graph, index: BTreeMap::new(), stack: Vec::new(), found: BTreeSet::new() };
    for file in graph.keys() {
        if !search.index.contains_key(file.as_str()) {
            search.visit(file);
        }
    }
    search.found
}

struct Search<'a> {
    graph: &'a Graph,
    index: BTreeMap<&'a str, usize>,
    stack: Vec<&'a str>,
    found: BTreeSet<Vec<String>>,
}

impl<'a> Search<'a> {
    fn visit(&mut self, file: &'a str) -> usize {
        let at = self.index.len();
        self.index.insert(file, at);
        self.stack.push(file);
        let mut lowest = at;
        for next in self.graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            let reached = match self.index.get(next.as_str()) {
                None => self.visit(next),
                Some(index) if self.stack.contains(&next.as_str()) => *index,
                Some(_) => continue,
            };
            lowest = lowest.min(reached);
        }
        if lowest == at {
            let from = self.stack.iter().position(|other| *other == file).unwrap_or_default();
            let mut circle: Vec<String> = self.stack.drain(from..).map(str::to_owned).collect();
            circle.sort();
            if circle.len() > 1 {
                self.found.insert(circle);
            }
        }
        lowest
    }
}
