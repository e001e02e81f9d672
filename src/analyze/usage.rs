//! From counts of sessions that are alike to the lists of `stats`: sums, the largest groups first, the rest summed.

use std::collections::BTreeMap;

use crate::model::health::{LimitUse, Owner};
use crate::model::server::Limits;
use crate::model::usage::{
    ByApplication, ByBackendType, ByClient, ByDatabase, ByRole, ByState, Connections, Remainder, Rest, Tally,
    Usage,
};

/// Folds `tallies` into lists of at most `limit` groups, largest first, names in order where counts are equal.
///
/// Slot use counts every client backend; the lists count what the filters select and leave pgconn's own session out.
pub(crate) fn fold(limits: Limits, tallies: &[Tally], limit: usize) -> Usage {
    let others = || tallies.iter().filter(|tally| !tally.own);
    let meant: Vec<&Tally> = others().filter(|tally| tally.matches == Some(true)).collect();
    let used = total(tallies.iter().filter(is_client));
    let hidden = total(tallies.iter().filter(|tally| tally.may_be_client));

    let (by_application, applications) = largest(applications(&meant), limit, |group| group.count);
    let (by_database, databases) = largest(
        grouped(&meant, |tally| tally.database.clone(), |tally| tally.database_limit)
            .map(|(database, count, connection_limit)| ByDatabase { database, count, connection_limit }),
        limit,
        |group| group.count,
    );
    let (by_role, roles) = largest(
        grouped(&meant, |tally| tally.role.clone(), |tally| tally.role_limit)
            .map(|(role, count, connection_limit)| ByRole { role, count, connection_limit }),
        limit,
        |group| group.count,
    );
    let (by_client, clients) = largest(
        grouped(&meant, |tally| tally.client.clone(), |_| ())
            .map(|(client, count, ())| ByClient { client, count }),
        limit,
        |group| group.count,
    );
    let (by_backend_type, _) = largest(
        grouped(&meant, |tally| tally.backend_type.clone(), |_| ())
            .map(|(backend_type, count, ())| ByBackendType { backend_type, count }),
        usize::MAX,
        |group| group.count,
    );
    let (by_state, _) = largest(states(&meant), usize::MAX, |group| group.count);
    Usage {
        connections: Connections::new(limits, used, hidden),
        matched: total(meant.iter().copied()),
        undecidable: total(others().filter(|tally| tally.matches.is_none())),
        by_state,
        by_application,
        by_database,
        by_role,
        by_client,
        by_backend_type,
        rest: Rest {
            by_application: applications,
            by_database: databases,
            by_role: roles,
            by_client: clients,
        },
        limits: limit_uses(tallies),
    }
}

/// What is used of each CONNECTION LIMIT. pgconn's own session counts, too: it holds a slot.
fn limit_uses(tallies: &[Tally]) -> Vec<LimitUse> {
    let mut limits = Vec::new();
    type Of = fn(&Tally) -> (&Option<String>, Option<i64>);
    let owners: [(Owner, Of); 2] = [
        (Owner::Database, |tally| (&tally.database, tally.database_limit)),
        (Owner::Role, |tally| (&tally.role, tally.role_limit)),
    ];
    for (owner, of) in owners {
        let mut found: BTreeMap<&str, LimitUse> = BTreeMap::new();
        for tally in tallies {
            let (Some(name), Some(limit)) = of(tally) else { continue };
            let start = || LimitUse { owner, name: name.clone(), used: 0, hidden: 0, limit };
            let found = found.entry(name).or_insert_with(start);
            if is_client(&tally) {
                found.used += tally.count;
            } else if tally.may_be_client {
                found.hidden += tally.count;
            }
        }
        limits.extend(found.into_values());
    }
    limits
}

fn is_client(tally: &&Tally) -> bool {
    tally.backend_type.as_deref() == Some("client backend")
}

fn total<'a>(tallies: impl Iterator<Item = &'a Tally>) -> i64 {
    tallies.map(|tally| tally.count).sum()
}

/// The first `limit` of `groups` by count, and what the others come to.
fn largest<T>(groups: impl Iterator<Item = T>, limit: usize, count: fn(&T) -> i64) -> (Vec<T>, Remainder) {
    let mut groups: Vec<T> = groups.collect();
    // Stable: groups of the same size stay in the order of their names.
    groups.sort_by_key(|group| std::cmp::Reverse(count(group)));
    let rest = groups.split_off(limit.min(groups.len()));
    let remainder = Remainder {
        groups: i64::try_from(rest.len()).unwrap_or(i64::MAX),
        count: rest.iter().map(count).sum(),
    };
    (groups, remainder)
}

/// Name, count and whatever `fact` says of each group, in the order of names.
fn grouped<K: Ord, F>(
    tallies: &[&Tally],
    name: impl Fn(&Tally) -> K,
    fact: impl Fn(&Tally) -> F,
) -> impl Iterator<Item = (K, i64, F)> {
    let mut groups: BTreeMap<K, (i64, F)> = BTreeMap::new();
    for tally in tallies {
        groups.entry(name(tally)).or_insert_with(|| (0, fact(tally))).0 += tally.count;
    }
    groups.into_iter().map(|(name, (count, fact))| (name, count, fact))
}

fn older(left: Option<f64>, right: Option<f64>) -> Option<f64> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.max(right)),
        (one, other) => one.or(other),
    }
}

fn states(tallies: &[&Tally]) -> impl Iterator<Item = ByState> {
    let mut groups: BTreeMap<(Option<&str>, bool), ByState> = BTreeMap::new();
    for tally in tallies {
        let group = groups.entry((tally.state.as_deref(), tally.hidden)).or_insert_with(|| ByState {
            state: tally.state.clone(),
            count: 0,
            oldest_state_seconds: None,
            hidden: tally.hidden,
        });
        group.count += tally.count;
        group.oldest_state_seconds = older(group.oldest_state_seconds, tally.oldest_state_seconds);
    }
    groups.into_values()
}

fn applications(tallies: &[&Tally]) -> impl Iterator<Item = ByApplication> {
    let mut groups: BTreeMap<&str, ByApplication> = BTreeMap::new();
    for tally in tallies {
        let group = groups.entry(&tally.application_name).or_insert_with(|| ByApplication {
            application_name: tally.application_name.clone(),
            count: 0,
            active: 0,
            idle: 0,
            idle_in_transaction: 0,
            idle_in_transaction_aborted: 0,
            hidden: 0,
            other: 0,
            oldest_xact_seconds: None,
        });
        group.count += tally.count;
        group.oldest_xact_seconds = older(group.oldest_xact_seconds, tally.oldest_xact_seconds);
        *match tally.state.as_deref() {
            _ if tally.hidden => &mut group.hidden,
            Some("active") => &mut group.active,
            Some("idle") => &mut group.idle,
            Some("idle in transaction") => &mut group.idle_in_transaction,
            Some("idle in transaction (aborted)") => &mut group.idle_in_transaction_aborted,
            _ => &mut group.other,
        } += tally.count;
    }
    groups.into_values()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { max_connections: 100, superuser_reserved: 3, reserved: 0 };

    fn tally() -> impl Strategy<Value = Tally> {
        let name = prop::option::of("[a-d]");
        let state = prop::sample::select(vec!["active", "idle", "idle in transaction", "disabled"]);
        (
            1i64..9,
            any::<bool>(),
            any::<bool>(),
            any::<Option<bool>>(),
            state,
            "[a-e]{0,2}",
            name.clone(),
            name,
        )
            .prop_map(|(count, hidden, own, matches, state, application_name, database, role)| {
                Tally {
                    count,
                    hidden,
                    own,
                    matches,
                    backend_type: (!hidden).then(|| "client backend".into()),
                    state: (!hidden).then(|| state.into()),
                    application_name,
                    database,
                    role,
                    ..Tally::default()
                }
            })
    }

    #[test]
    fn limits_count_the_whole_server_whatever_is_selected_and_listed() {
        let tally = |count, matches, hidden, role: &str, role_limit| Tally {
            count,
            matches: Some(matches),
            hidden,
            may_be_client: hidden,
            backend_type: (!hidden).then(|| "client backend".into()),
            role: Some(role.into()),
            role_limit,
            ..Tally::default()
        };
        let tallies = [
            tally(50, true, false, "free", None),
            tally(32, true, false, "web", Some(40)),
            tally(3, false, false, "web", Some(40)),
            tally(2, false, true, "web", Some(40)),
        ];
        let web = LimitUse { owner: Owner::Role, name: "web".into(), used: 35, hidden: 2, limit: 40 };
        assert_eq!(fold(LIMITS, &tallies, 1).limits, [web]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_counted_twice(tallies in prop::collection::vec(tally(), 0..40), limit in 1usize..6) {
            let usage = fold(LIMITS, &tallies, limit);
            let meant: i64 = tallies.iter().filter(|t| !t.own && t.matches == Some(true)).map(|t| t.count).sum();
            prop_assert_eq!(usage.matched, meant);
            let sum = |listed: i64, rest: Remainder| listed + rest.count;
            prop_assert_eq!(sum(usage.by_application.iter().map(|g| g.count).sum(), usage.rest.by_application), meant);
            prop_assert_eq!(sum(usage.by_database.iter().map(|g| g.count).sum(), usage.rest.by_database), meant);
            prop_assert_eq!(sum(usage.by_role.iter().map(|g| g.count).sum(), usage.rest.by_role), meant);
            prop_assert_eq!(sum(usage.by_client.iter().map(|g| g.count).sum(), usage.rest.by_client), meant);
            prop_assert_eq!(usage.by_state.iter().map(|g| g.count).sum::<i64>(), meant);
            prop_assert!(usage.by_application.len() <= limit);
            prop_assert!(usage.by_application.windows(2).all(|pair| pair[0].count >= pair[1].count));
            for group in &usage.by_application {
                let parts = group.active + group.idle + group.idle_in_transaction + group.idle_in_transaction_aborted;
                prop_assert_eq!(parts + group.hidden + group.other, group.count);
            }
            let smallest = usage.by_application.last().map_or(0, |g| g.count);
            prop_assert!(usage.rest.by_application.count <= smallest * usage.rest.by_application.groups);
        }
    }
}
