//! The rules of `doctor`: pure functions from what was watched to findings, words included. One file per subject.

mod evidence;
mod found;
mod identity;
mod pooler;
mod poolers;
mod pools;
mod slots;
mod transactions;
mod words;

use super::accepted::Accepted;
use crate::model::filter::Name;
use crate::model::health::Question;
use crate::model::order;
use crate::model::practice::Grade;
use crate::model::suggestion::Suggestion;
pub(super) use evidence::{Evidence, Pooled};
pub(super) use found::Found;
use found::Rule;

/// What judges by one rule.
type Judge = fn(&Evidence) -> Found;

/// The rules about the server, by their names.
const OF_SERVER: [(&str, Judge); 19] = [
    ("pooling", pools::pooling),
    ("pool-size", pools::pool_size),
    ("pool-growth", pools::pool_growth),
    ("idle-sessions", pools::idle_sessions),
    ("serverless", poolers::serverless),
    ("long-work", poolers::long_work),
    ("slots", slots::slots),
    ("connection-limits", slots::limits),
    ("closed", slots::closed),
    ("idle-in-transaction", transactions::left_open),
    ("vacuum-horizon", transactions::horizon),
    ("prepared-xact", transactions::prepared),
    ("statement-timeout", transactions::statement_timeout),
    ("idle-in-transaction-timeout", transactions::idle_timeout),
    ("application-name", identity::application_name),
    ("superuser", identity::superuser),
    ("tls", identity::tls),
    ("monitoring-role", identity::visibility),
    ("reserved-slots", slots::reserved),
];

/// Those about a pooler, which are judged where its console is named.
const OF_POOLER: [&str; 4] = ["pooler-mode", "pooler-caps", "pooler-auth", "pooler-prepared"];

/// Whether what a rule finds can be told by names: counters and the oldest of each kind stand for all.
pub(super) fn tells_names_apart(rule: &str) -> bool {
    !OF_POOLER.contains(&rule) && !["pooling", "vacuum-horizon"].contains(&rule)
}

/// The names of all rules.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OF_SERVER.iter().map(|(name, _)| *name).chain(OF_POOLER)
}

/// Judges by the rules that are `wanted`; the worst first. What is accepted in all that it finds is no trouble, and what is accepted of
/// it in part does not hide the rest.
pub(super) fn findings(
    evidence: &Evidence,
    pooler: Option<&Pooled>,
    wanted: impl Fn(&str) -> bool,
    accepted: &[&Accepted],
) -> Vec<Found> {
    let of_server = OF_SERVER.iter().filter(|(name, _)| wanted(name));
    let mut findings: Vec<Found> = of_server.map(|(_, judge)| judged(evidence, *judge, accepted)).collect();
    if let Some(pooled) = pooler {
        let of_pooler = pooler::findings(pooled, evidence).into_iter().filter(|found| wanted(found.rule));
        findings.extend(of_pooler.map(|found| match whole(accepted, found.rule) {
            Some(accepted) => found.accepted(accepted),
            None => found,
        }));
    }
    for finding in &mut findings {
        let why = evidence.scraped.facts.why_any_unread(asked_for(finding.rule));
        if let Some(why) = why {
            *finding = Rule::new(finding.rule, finding.title).unknown(why);
        }
    }
    if evidence.scraped.server_context.server.in_recovery {
        findings.iter_mut().for_each(elsewhere);
    }
    order::sort_by_key(&mut findings, |finding| match finding.status {
        Grade::Fail => 0,
        Grade::Warn => 1,
        Grade::Unknown => 2,
        Grade::Accepted => 3,
        Grade::Pass => 4,
    });
    findings
}

/// What a rule finds; accepted when nothing is left without what is.
fn judged(evidence: &Evidence, judge: Judge, accepted: &[&Accepted]) -> Found {
    let found = judge(evidence);
    if !matches!(found.status, Grade::Warn | Grade::Fail) {
        return found;
    }
    if let Some(whole) = whole(accepted, found.rule) {
        return found.accepted(whole);
    }
    let of_rule = accepted.iter().filter(|accepted| accepted.rule == found.rule);
    let names: Vec<(&Accepted, &Name)> =
        of_rule.filter_map(|accepted| Some((*accepted, accepted.name.as_ref()?))).collect();
    if names.is_empty() {
        return found;
    }
    let without = |names: &[(&Accepted, &Name)]| {
        judge(&evidence.without(&names.iter().map(|(_, name)| *name).collect::<Vec<_>>()))
    };
    let rest = without(&names);
    if rest.status != Grade::Pass {
        return rest;
    }
    // The one without which something would be left.
    let decides = (0..names.len()).find(|at| {
        let others = [&names[..*at], &names[*at + 1..]].concat();
        without(&others).status != Grade::Pass
    });
    let (reason, _) = names[decides.unwrap_or(0)];
    found.accepted(reason)
}

/// What accepts all that a rule finds.
fn whole<'a>(accepted: &[&'a Accepted], rule: &str) -> Option<&'a Accepted> {
    accepted.iter().copied().find(|accepted| accepted.rule == rule && accepted.name.is_none())
}

/// What a rule judges, as far as a role can be kept from it: what could not be read is no good news.
fn asked_for(rule: &str) -> &'static [Question] {
    match rule {
        "slots" => &[Question::Slots],
        "closed" => &[Question::Closed],
        "idle-in-transaction" => &[Question::Longest],
        "vacuum-horizon" => &[Question::Horizon, Question::Longest],
        "prepared-xact" => &[Question::Prepared],
        "statement-timeout" | "idle-in-transaction-timeout" => {
            &[Question::Settings, Question::Overrides, Question::LoginRoles]
        }
        "pooling" => &[Question::Counters],
        _ => &[],
    }
}

/// A standby takes no change of what the server stores.
fn elsewhere(finding: &mut Found) {
    if finding.next.as_ref().is_some_and(Suggestion::is_for_primary) {
        finding.advice = finding.advice.take().map(|advice| format!("on the primary: {advice}"));
    }
}

#[cfg(test)]
mod tests;
