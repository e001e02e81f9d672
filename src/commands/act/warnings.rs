//! What is to be known of a plan before it is carried out: what it cannot tell, and what reaches further than it looks.

use crate::analyze::plan::Plan;
use crate::commands::head::undecidable;
use crate::model::act::{ActFacts, Action};
use crate::model::suggestion::{Command, Hint, Lead};
use crate::render::{Warning, text};

/// The warnings about `plan`, which was made from `facts` at the server that `lead` leads to.
pub(in crate::commands) fn about(plan: &Plan, facts: &ActFacts, lead: &Lead) -> Vec<Warning> {
    let mut warnings = Vec::new();
    warnings.extend(undecidable(plan.counts().undecidable));
    warnings.extend(wraparound(plan, lead));
    warnings.extend(facts.pooler.as_deref().and_then(|place| pooled(plan, place, lead)));
    warnings.extend(facts.waits_cut.then(|| Warning {
        code: "waits_cut",
        message: "so many sessions wait for locks that it was not counted who waits for whom".into(),
        hint: None,
    }));
    warnings
}

/// For each autovacuum that must not be stopped.
fn wraparound(plan: &Plan, lead: &Lead) -> impl Iterator<Item = Warning> {
    let steps = plan.steps.iter().filter(|step| step.prevents_wraparound && step.identity.is_some());
    steps.map(|step| Warning {
        code: "prevents_wraparound",
        message: format!(
            "DANGER: pid {} is an autovacuum that prevents transaction id wraparound; ended, it only starts again, and the \
             server comes closer to refusing every write",
            step.outcome.pid
        ),
        hint: Some(Hint::from("let it finish, and see what holds it up: ").call(Command::pgconn("blockers")).shown(lead)),
    })
}

/// What it means to end or cancel connections of the pooler at `place`, through which this run goes.
fn pooled(plan: &Plan, place: &str, lead: &Lead) -> Option<Warning> {
    let number = i64::try_from(plan.targets_from(place)).unwrap_or(i64::MAX);
    if number == 0 {
        return None;
    }
    let (meaning, hint) = match plan.action {
        Action::Terminate => (
            "ending one breaks the connection of the client that it serves at that moment, if any, and the pooler opens \
             another for the next one",
            Hint::from("to end clients of the pooler instead: ")
                .call(Command::pgconn("kill --pooler CONNINFO")),
        ),
        Action::Cancel => (
            "a cancel reaches whichever client it serves at that moment",
            Hint::from("which client each of them serves: ")
                .call(Command::pgconn("pooler --server CONNINFO")),
        ),
    };
    let (sessions, come) = (text::count(number, "session"), if number == 1 { "comes" } else { "come" });
    Some(Warning {
        code: "pooled_connections",
        message: format!(
            "this run goes through a connection pooler, and {sessions} of the plan {come} from where the pooler does, so \
             probably as its server connections, which its clients share; {meaning}"
        ),
        hint: Some(hint.shown(lead)),
    })
}
