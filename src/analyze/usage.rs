//! From counts of sessions that are alike to the lists of `stats`: sums, the largest groups first, the rest summed.

use std::collections::BTreeMap;

use crate::model::order;
use crate::model::server::ConnectionSlots;
use crate::model::usage::{
    ByApplication, ByBackendType, ByClient, ByDatabase, ByRole, ByState, Connections, LimitUse, Owner,
    Remainder, Rest, Tally, Usage,
};

/// The groups that tallies fall into, as they come in by application. A server can have thousands of applications: each is
/// listed or summed as soon as the next begins. Of the other groups there is an entry each; none of a tally.
#[derive(Debug)]
pub(crate) struct Groups {
    /// Groups to list of each kind.
    limit: usize,
    used: i64,
    hidden: i64,
    matched: i64,
    undecidable: i64,
    states: BTreeMap<(Option<String>, bool), ByState>,
    /// The application that tallies come in of.
    application: Option<ByApplication>,
    /// Those before it.
    applications: Largest<ByApplication>,
    databases: Named,
    roles: Named,
    clients: Named,
    backend_types: Named,
    limits: [BTreeMap<String, LimitUse>; 2],
}

/// Count, and CONNECTION LIMIT, of each name.
type Named = BTreeMap<Option<String>, (i64, Option<i64>)>;

/// Folds `tallies`, in whatever order, into lists of at most `limit` groups.
pub(crate) fn fold(limits: ConnectionSlots, tallies: &[Tally], limit: usize) -> Usage {
    let mut groups = Groups::of_at_most(limit);
    let mut by_application: Vec<&Tally> = tallies.iter().collect();
    order::sort_by(&mut by_application, |left, right| left.application_name.cmp(&right.application_name));
    for tally in by_application {
        groups.add(tally);
    }
    groups.into_usage(limits)
}

impl Groups {
    /// None yet; at most `limit` are to be listed of each kind.
    pub(crate) fn of_at_most(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            hidden: 0,
            matched: 0,
            undecidable: 0,
            states: BTreeMap::new(),
            application: None,
            applications: Largest::new(limit, |group| group.count),
            databases: Named::new(),
            roles: Named::new(),
            clients: Named::new(),
            backend_types: Named::new(),
            limits: Default::default(),
        }
    }

    /// Counts one more; those of an application come one after the other. Slot use counts every client backend; the lists count
    /// what the filters select and leave pgconn's own session out.
    pub(crate) fn add(&mut self, tally: &Tally) {
        if is_client(tally) {
            self.used += tally.count;
        } else if tally.may_be_client {
            self.hidden += tally.count;
        }
        self.add_to_limits(tally);
        if tally.own {
            return;
        }
        match tally.matches {
            None => self.undecidable += tally.count,
            Some(false) => {}
            Some(true) => self.add_meant(tally),
        }
    }

    fn add_meant(&mut self, tally: &Tally) {
        self.matched += tally.count;
        let state = self.states.entry((tally.state.clone(), tally.hidden)).or_insert_with(|| ByState {
            state: tally.state.clone(),
            count: 0,
            oldest_state_seconds: None,
            hidden: tally.hidden,
        });
        state.count += tally.count;
        state.oldest_state_seconds = older(state.oldest_state_seconds, tally.oldest_state_seconds);
        let application = match self.application.take() {
            Some(same) if same.application_name == tally.application_name => same,
            before => {
                self.applications.extend(before);
                ByApplication::named(&tally.application_name)
            }
        };
        self.application = Some(application.with(tally));
        for (groups, name, limit) in [
            (&mut self.databases, &tally.database, tally.database_limit),
            (&mut self.roles, &tally.role, tally.role_limit),
            (&mut self.clients, &tally.client, None),
            (&mut self.backend_types, &tally.backend_type, None),
        ] {
            groups.entry(name.clone()).or_insert((0, limit)).0 += tally.count;
        }
    }

    /// What is used of each CONNECTION LIMIT. pgconn's own session counts, too: it holds a slot.
    fn add_to_limits(&mut self, tally: &Tally) {
        let [databases, roles] = &mut self.limits;
        for (found, owner, name, limit) in [
            (databases, Owner::Database, &tally.database, tally.database_limit),
            (roles, Owner::Role, &tally.role, tally.role_limit),
        ] {
            let (Some(name), Some(limit)) = (name, limit) else { continue };
            let start = || LimitUse { owner, name: name.clone(), used: 0, hidden: 0, limit };
            let found = found.entry(name.clone()).or_insert_with(start);
            if is_client(tally) {
                found.used += tally.count;
            } else if tally.may_be_client {
                found.hidden += tally.count;
            }
        }
    }

    /// The lists, each largest first, names in order where counts are equal.
    pub(crate) fn into_usage(mut self, limits: ConnectionSlots) -> Usage {
        let limit = self.limit;
        self.applications.extend(self.application);
        let (by_application, applications) = self.applications.finish();
        let named = |groups: Named, limit| {
            let groups = groups.into_iter().map(|(name, (count, most))| (name, count, most));
            largest(groups, limit, |(_, count, _)| *count)
        };
        let (by_database, databases) = named(self.databases, limit);
        let (by_role, roles) = named(self.roles, limit);
        let (by_client, clients) = named(self.clients, limit);
        let (by_backend_type, _) = named(self.backend_types, usize::MAX);
        let (by_state, _) = largest(self.states.into_values(), usize::MAX, |group| group.count);
        Usage {
            connections: Connections::new(limits, self.used, self.hidden),
            matched: self.matched,
            undecidable: self.undecidable,
            by_state,
            by_application,
            by_database: by_database
                .into_iter()
                .map(|(database, count, connection_limit)| ByDatabase { database, count, connection_limit })
                .collect(),
            by_role: by_role
                .into_iter()
                .map(|(role, count, connection_limit)| ByRole { role, count, connection_limit })
                .collect(),
            by_client: by_client.into_iter().map(|(client, count, _)| ByClient { client, count }).collect(),
            by_backend_type: by_backend_type
                .into_iter()
                .map(|(backend_type, count, _)| ByBackendType { backend_type, count })
                .collect(),
            rest: Rest {
                by_application: applications,
                by_database: databases,
                by_role: roles,
                by_client: clients,
            },
            limits: self.limits.into_iter().flat_map(BTreeMap::into_values).collect(),
        }
    }
}

fn is_client(tally: &Tally) -> bool {
    tally.backend_type.as_deref() == Some("client backend")
}

/// The first `limit` of `groups` by count, and what the others come to.
fn largest<T>(groups: impl Iterator<Item = T>, limit: usize, count: fn(&T) -> i64) -> (Vec<T>, Remainder) {
    let mut largest = Largest::new(limit, count);
    largest.extend(groups);
    largest.finish()
}

/// The first `limit` of what is pushed, by count, and what the others come to. Hardly more than these are held at any time.
#[derive(Debug)]
struct Largest<T> {
    limit: usize,
    count: fn(&T) -> i64,
    kept: Vec<T>,
    rest: Remainder,
}

impl<T> Largest<T> {
    fn new(limit: usize, count: fn(&T) -> i64) -> Self {
        Self { limit, count, kept: Vec::new(), rest: Remainder::default() }
    }

    fn extend(&mut self, groups: impl IntoIterator<Item = T>) {
        for group in groups {
            self.kept.push(group);
            if self.kept.len() / 2 > self.limit {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        // Stable: groups of the same size stay in the order in which they came.
        order::sort_by_key(&mut self.kept, |group| std::cmp::Reverse((self.count)(group)));
        for group in self.kept.drain(self.limit.min(self.kept.len())..) {
            self.rest.groups += 1;
            self.rest.count += (self.count)(&group);
        }
    }

    fn finish(mut self) -> (Vec<T>, Remainder) {
        self.cut();
        (self.kept, self.rest)
    }
}

fn older(left: Option<f64>, right: Option<f64>) -> Option<f64> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.max(right)),
        (one, other) => one.or(other),
    }
}

impl ByApplication {
    fn named(application_name: &str) -> Self {
        Self { application_name: application_name.to_owned(), ..Self::default() }
    }

    fn with(mut self, tally: &Tally) -> Self {
        let of_state = match tally.state.as_deref() {
            _ if tally.hidden => &mut self.hidden,
            Some("active") => &mut self.active,
            Some("idle") => &mut self.idle,
            Some("idle in transaction") => &mut self.idle_in_transaction,
            Some("idle in transaction (aborted)") => &mut self.idle_in_transaction_aborted,
            _ => &mut self.other,
        };
        *of_state += tally.count;
        self.count += tally.count;
        self.oldest_xact_seconds = older(self.oldest_xact_seconds, tally.oldest_xact_seconds);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: ConnectionSlots =
        ConnectionSlots { max_connections: 100, superuser_reserved: 3, reserved: 0 };

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
