//! The rules `connections` and `free`: the server's slots, and what there is of them for a role or a database.

use super::bounds::{Bounds, Judged, Thresholds, count};
use super::rule::Rule;
use super::verdict::Verdict;
use crate::model::filter::Filter;
use crate::model::health::{DatabaseUse, HealthFacts, Measure, MeasureUnit, Status};
use crate::model::order;
use crate::model::usage::{LimitUse, Owner};

/// Limits that are measured one by one beside that of the server or pooler as a whole: the fullest; and as many databases without
/// one: those with most sessions.
pub(super) const MEASURED_LIMITS: usize = 10;

/// Judges the server's slots and each limit. Where filters name databases or roles, it is about their limits, and about those databases
/// that have none; how many sessions the server has is then judged by shares alone, for a number is meant of what was named.
pub(super) fn connections(thresholds: &Thresholds, facts: &HealthFacts, named: &Filter) -> Verdict {
    let is_narrow = !named.databases.is_empty() || !named.roles.is_empty();
    let of_server = if is_narrow { thresholds.only(|range| !range.is_number()) } else { *thresholds };
    let slots = &facts.connections;
    let used = slots.used + facts.logging_in;
    let (judged, measure) =
        judged_limit(&of_server, used, slots.hidden, slots.usable, Rule::Connections.name().into());
    let mut worst = Verdict::new(Rule::Connections, judged, measure);
    let is_named = |limit: &&LimitUse| match limit.owner {
        Owner::Database => named.has_database(&limit.name) && named.roles.is_empty(),
        Owner::Role => named.has_role(&limit.name) && named.databases.is_empty(),
    };
    let mut limits: Vec<&LimitUse> =
        facts.limits.iter().filter(|limit| !is_narrow || is_named(limit)).collect();
    order::sort_by(&mut limits, |left, right| fullness(right).total_cmp(&fullness(left)));
    for (at, limit) in limits.into_iter().enumerate() {
        let label = format!("{} {}", limit.owner.word(), limit.name);
        let (judged, measure) = judged_limit(thresholds, limit.used, limit.hidden, limit.limit, label);
        let verdict =
            Verdict { limit: Some(limit.clone()), ..Verdict::new(Rule::Connections, judged, measure) };
        worst = worst.worse(measured(verdict, at < MEASURED_LIMITS));
    }
    let is_meant =
        |database: &&DatabaseUse| !is_narrow || named.roles.is_empty() && named.has_database(&database.name);
    let mut databases: Vec<&DatabaseUse> = facts.databases.iter().filter(is_meant).collect();
    order::sort_by(&mut databases, |left, right| right.used.cmp(&left.used).then(left.name.cmp(&right.name)));
    for (at, database) in databases.into_iter().enumerate() {
        // Without a limit of its own it is the server's slots that it can use up, which nobody but who names it minds.
        let thresholds = if is_narrow { *thresholds } else { Thresholds::default() };
        let label = format!("database {}", database.name);
        let (judged, measure) =
            judged_limit(&thresholds, database.used, database.hidden, slots.usable, label);
        let measure = Measure { max: None, ..measure };
        let limit = LimitUse {
            owner: Owner::Database,
            name: database.name.clone(),
            used: database.used,
            hidden: database.hidden,
            limit: slots.usable,
        };
        let verdict = Verdict {
            limit: Some(limit),
            is_without_limit: true,
            ..Verdict::new(Rule::Connections, judged, measure)
        };
        worst = worst.worse(measured(verdict, at < MEASURED_LIMITS));
    }
    worst
}

/// The verdict, without what was measured when there is enough of that.
fn measured(verdict: Verdict, is_measured: bool) -> Verdict {
    let measures = if is_measured { verdict.measures } else { Vec::new() };
    Verdict { measures, ..verdict }
}

/// Judges the slots that are left for ordinary roles.
pub(super) fn free(thresholds: &Thresholds, facts: &HealthFacts) -> Verdict {
    let slots = &facts.connections;
    free_of(thresholds, slots.usable, slots.used + facts.logging_in, slots.hidden)
}

/// Judges what is left of `whole`.
pub(super) fn free_of(thresholds: &Thresholds, whole: i64, used: i64, hidden: i64) -> Verdict {
    let bounds = Bounds::of_count(thresholds, whole);
    let (least, most) = ((whole - used - hidden).max(0), (whole - used).max(0));
    let judged = bounds.judge(count(least), count(most));
    let known = hidden == 0 || judged.status != Status::Unknown && least == most;
    let measure = bounds.measure(
        Rule::Free.name().into(),
        known.then_some(count(most)),
        MeasureUnit::Count,
        Some(count(whole)),
    );
    Verdict::new(Rule::Free, judged, measure)
}

pub(super) fn judged_limit(
    thresholds: &Thresholds,
    used: i64,
    hidden: i64,
    limit: i64,
    label: String,
) -> (Judged, Measure) {
    let bounds = Bounds::of_count(thresholds, limit);
    let judged = bounds.judge(count(used), count(used + hidden));
    let value = (hidden == 0).then_some(count(used));
    (judged, bounds.measure(label, value, MeasureUnit::Count, Some(count(limit))))
}

fn fullness(limit: &LimitUse) -> f64 {
    count(limit.used) / count(limit.limit.max(1))
}
