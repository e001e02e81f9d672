//! Who holds up whom: from edges between waiting sessions and those they wait for.

use std::collections::{HashMap, HashSet};

use crate::model::act::Wait;

/// Returns for each pid that is waited for how many sessions wait for it, directly or behind others; ends on any graph.
pub(crate) fn held_up(waits: &[Wait]) -> HashMap<i32, i64> {
    let mut behind: HashMap<i32, Vec<i32>> = HashMap::new();
    for wait in waits {
        for blocker in wait.blocked_by.iter().filter(|blocker| **blocker != wait.pid) {
            behind.entry(*blocker).or_default().push(wait.pid);
        }
    }
    behind.keys().map(|pid| (*pid, reach(*pid, &behind))).collect()
}

fn reach(from: i32, behind: &HashMap<i32, Vec<i32>>) -> i64 {
    let mut seen = HashSet::from([from]);
    let mut open = vec![from];
    while let Some(pid) = open.pop() {
        open.extend(behind.get(&pid).into_iter().flatten().filter(|waiter| seen.insert(**waiter)));
    }
    i64::try_from(seen.len() - 1).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(edges: &[(i32, &[i32])]) -> Vec<Wait> {
        edges.iter().map(|(pid, by)| Wait { pid: *pid, blocked_by: by.to_vec() }).collect()
    }

    #[test]
    fn those_behind_others_are_held_up_too() {
        let held = held_up(&waits(&[(2, &[1]), (3, &[2, 2]), (4, &[3, 4])]));
        assert_eq!((held[&1], held[&2], held[&3]), (3, 2, 1));
        assert!(!held.contains_key(&4));
    }

    #[test]
    fn a_cycle_ends() {
        let held = held_up(&waits(&[(1, &[2]), (2, &[1]), (3, &[2])]));
        assert_eq!((held[&1], held[&2]), (2, 2));
    }
}
