//! The rule `states`: how many sessions are in a state, each state with a threshold of its own.

use super::aged;
use super::bounds::{Bounds, Thresholds, count};
use super::rule::Rule;
use super::verdict::Verdict;
use crate::model::health::{HealthFacts, Longest, MeasureUnit};

/// PostgreSQL's words for the states that a word of this rule means; none for those that wait for a lock, which are in any state.
fn words(part: &str) -> &'static [&'static str] {
    match part {
        "active" => &["active"],
        "idle" => &["idle"],
        "idle-in-transaction" => &["idle in transaction", "idle in transaction (aborted)"],
        "aborted" => &["idle in transaction (aborted)"],
        "fastpath" => &["fastpath function call"],
        "disabled" => &["disabled"],
        "starting" => &["starting"],
        _ => &[],
    }
}

/// The sessions in a state, with who has been longest in it.
struct Found {
    sessions: Longest,
    /// Of how many it is hidden whether they are in it.
    hidden: i64,
    /// Of how many it is hidden whether, or since when; those of which it is hidden since when are counted among the sessions.
    ageless: i64,
}

fn of_state(part: &str, facts: &HealthFacts, ages: &[f64]) -> Found {
    if part == "waiting" {
        let (sessions, ageless) = aged::of_waits(&facts.waits, ages.iter().copied());
        return Found { sessions, hidden: facts.waits.undecidable, ageless };
    }
    let mut sum = Longest { older: ages.iter().map(|age| (*age, 0)).collect(), ..Longest::default() };
    for (_, found) in facts.states.iter().filter(|(state, _)| words(part).contains(&state.as_str())) {
        sum.count += found.count;
        sum.older.iter_mut().for_each(|(age, number)| *number += found.older_than(*age));
        if found.seconds > sum.seconds {
            (sum.seconds, sum.culprit) = (found.seconds, found.culprit.clone());
        }
    }
    Found { sessions: sum, hidden: facts.undecidable, ageless: facts.undecidable }
}

/// Judges each state that has a threshold; counts all of them.
pub(super) fn judge(parts: &[(&'static str, Thresholds)], facts: &HealthFacts) -> Verdict {
    let mut worst: Option<Verdict> = None;
    let others = Rule::States.parts().iter().copied();
    let others = others.filter(|part| parts.iter().all(|(named, _)| named != part));
    let others = others.map(|part| (part, Thresholds::default()));
    for (part, thresholds) in parts.iter().copied().chain(others) {
        let ages: Vec<f64> = thresholds.singly().filter_map(|(range, _)| range.older()).collect();
        let Found { sessions: found, hidden, ageless } = of_state(part, facts, &ages);
        let label = format!("{} {part}", Rule::States.name());
        let bounds = Bounds::of_count(&thresholds.only(|range| range.older().is_none()), 0);
        let judged = bounds.judge(count(found.count), count(found.count + hidden));
        let value = (hidden == 0).then_some(count(found.count));
        let measure = bounds.measure(label.clone(), value, MeasureUnit::Count, None);
        let verdict = Verdict::new(Rule::States, judged, measure);
        let counted = aged::older(Rule::States, &label, &thresholds, &found, ageless);
        let verdict = counted.into_iter().fold(verdict, Verdict::worse);
        let verdict = Verdict { part: Some((part, found)), ..verdict };
        worst = Some(match worst {
            Some(worst) => worst.worse(verdict),
            None => verdict,
        });
    }
    worst.unwrap_or_else(|| Verdict::unknown(Rule::States))
}
