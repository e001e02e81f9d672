//! Which rules a command line asks for, with which thresholds; and whether its filters mean something to them.

use super::arguments::Threshold;
use crate::analyze::health::{Honours, Policy, Rule};
use crate::error::Failure;
use crate::model::filter::Filter;

/// The rules that were asked for one by one, if only by a threshold: what is not judged of them is said.
pub(super) fn named(rules: &[Rule], thresholds: &[&Threshold]) -> Vec<Rule> {
    rules.iter().copied().chain(thresholds.iter().map(|threshold| threshold.rule)).collect()
}

/// The rules to judge, each with its thresholds.
pub(super) fn policies(
    rules: &[Rule],
    warning: &[Threshold],
    critical: &[Threshold],
) -> Result<Vec<Policy>, Failure> {
    let all: Vec<&Threshold> = warning.iter().chain(critical).collect();
    let named = named(rules, &all);
    let wanted = |rule: &Rule| match rules.is_empty() {
        true => !rule.is_only_on_demand() || named.contains(rule),
        false => rules.contains(rule),
    };
    let mut policies: Vec<Policy> = Rule::ALL.into_iter().filter(wanted).map(Policy::of).collect();
    let critical = critical.iter().map(|threshold| (threshold, true));
    for (given, is_critical) in warning.iter().map(|threshold| (threshold, false)).chain(critical) {
        let Some(policy) = policies.iter_mut().find(|policy| policy.rule == given.rule) else {
            let name = given.rule.name();
            let failure = Failure::usage(format!("there is a threshold for {name}, which is not judged"));
            return Err(failure.hinted(format!("name the rule, too: pgconn check {name}")));
        };
        let thresholds = match given.part {
            None => &mut policy.thresholds,
            Some(part) => {
                if policy.parts.iter().all(|(known, _)| *known != part) {
                    policy.parts.push((part, Default::default()));
                }
                let parts = policy.parts.iter_mut();
                let found =
                    parts.filter(|(known, _)| *known == part).map(|(_, thresholds)| thresholds).last();
                found.unwrap_or(&mut policy.thresholds)
            }
        };
        *(if is_critical { &mut thresholds.critical } else { &mut thresholds.warning }) = Some(given.range);
    }
    swallowed(&policies, warning).map_or(Ok(policies), Err)
}

/// The refusal of a warning that its critical range leaves nothing.
fn swallowed(policies: &[Policy], warning: &[Threshold]) -> Option<Failure> {
    let found = warning.iter().find(|given| {
        let policy = policies.iter().find(|policy| policy.rule == given.rule);
        let critical = policy.and_then(|policy| match given.part {
            None => policy.thresholds.critical,
            Some(part) => policy.parts.iter().find(|(known, _)| *known == part)?.1.critical,
        });
        critical.is_some_and(|critical| given.range.is_swallowed_by(&critical))
    })?;
    let part = found.part.map(|part| format!(":{part}")).unwrap_or_default();
    let name = format!("{}{part}", found.rule.name());
    let failure =
        Failure::usage(format!("the warning of {name} would never be given: it is critical before"));
    Some(failure.hinted(format!("give a later --critical {name}=RANGE, or an earlier warning")))
}

/// Which of these kinds of filters are given.
fn given(filter: &Filter, all_backends: bool) -> [(&'static str, bool, &'static [Honours]); 3] {
    let Filter {
        named: _,
        databases,
        roles,
        applications,
        clients,
        states,
        queries,
        idle_for,
        xact_for,
        query_for,
    } = filter;
    let of_sessions = !applications.is_empty()
        || !clients.is_empty()
        || !states.is_empty()
        || !queries.is_empty()
        || idle_for.or(*xact_for).or(*query_for).is_some()
        || all_backends;
    [
        ("--db", !databases.is_empty(), &[Honours::Databases, Honours::Owners, Honours::Everything]),
        ("--role", !roles.is_empty(), &[Honours::Owners, Honours::Everything]),
        ("a filter of sessions", of_sessions, &[Honours::Everything]),
    ]
}

/// Refuses a filter that means nothing to any of these rules.
pub(super) fn admit(
    filter: &Filter,
    all_backends: bool,
    judged: impl Iterator<Item = Rule> + Clone,
) -> Result<(), Failure> {
    let is_idle = |(_, is_given, honoured): &(&str, bool, &[Honours])| {
        *is_given && !judged.clone().any(|rule| honoured.contains(&rule.honours()))
    };
    match given(filter, all_backends).into_iter().find(is_idle) {
        None => Ok(()),
        Some((flag, ..)) => {
            let names: Vec<&str> = judged.map(Rule::name).collect();
            let failure = Failure::usage(format!("{flag} means nothing to {}", names.join(", ")));
            Err(failure.hinted("leave it out, or name a rule about sessions, like idle-xact"))
        }
    }
}
