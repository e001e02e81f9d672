//! What became of sessions that an act was about, as every face shows it.

use super::table::Mark;
use crate::model::act::{Fate, Outcome};

/// How much a result asks to be looked at.
pub(crate) const fn mark(fate: Fate) -> Mark {
    match fate {
        Fate::Terminated | Fate::Cancelled => Mark::Good,
        Fate::Signalled | Fate::NotPermitted | Fate::NotVisible | Fate::Failed => Mark::Bad,
        Fate::WouldTerminate | Fate::WouldCancel | Fate::WouldFail => Mark::Warn,
        Fate::Gone | Fate::Changed | Fate::NoEffect | Fate::Protected | Fate::NotAClient => Mark::Dim,
    }
}

/// `3 terminated, 1 not permitted`, in the order in which the results first come.
pub(crate) fn summary(outcomes: &[Outcome]) -> String {
    let mut groups: Vec<(String, i64)> = Vec::new();
    for words in outcomes.iter().map(Outcome::words) {
        match groups.iter_mut().find(|(known, _)| *known == words) {
            Some((_, count)) => *count += 1,
            None => groups.push((words, 1)),
        }
    }
    groups.iter().map(|(words, count)| format!("{count} {words}")).collect::<Vec<_>>().join(", ")
}
