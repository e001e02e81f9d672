//! A pooler of several processes, each of which has its own clients, connections and limits.

use std::collections::BTreeMap;

use crate::model::pooler::{Database, Pool, PoolerFacts, Totals, User};

/// The sum of what two processes say: a number that one of them does not tell is not known of both.
pub(crate) fn sum(one: PoolerFacts, other: PoolerFacts) -> PoolerFacts {
    let mut facts = one;
    facts.clients = added(facts.clients, other.clients);
    let (settings, more) = (&mut facts.settings, other.settings);
    settings.max_client_conn = added(settings.max_client_conn, more.max_client_conn);
    settings.max_user_connections = added(settings.max_user_connections, more.max_user_connections);
    let names = |pool: &Pool| (pool.database.clone(), pool.user.clone());
    facts.pools = merged(facts.pools, other.pools, names, add_pool);
    facts.databases =
        merged(facts.databases, other.databases, |database| database.name.clone(), add_database);
    facts.users = merged(facts.users, other.users, |user| user.name.clone(), add_user);
    facts.totals = merged(facts.totals, other.totals, |totals| totals.database.clone(), add_totals);
    facts.missing_lists.extend(other.missing_lists);
    facts.tells_user_limits &= other.tells_user_limits;
    facts
}

fn added(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.zip(other).map(|(one, other)| one + other)
}

/// Those of both, in order of their names; what both have is added.
fn merged<T, K: Ord>(one: Vec<T>, other: Vec<T>, key: impl Fn(&T) -> K, add: fn(&mut T, &T)) -> Vec<T> {
    let mut found: BTreeMap<K, T> = BTreeMap::new();
    for item in one.into_iter().chain(other) {
        match found.get_mut(&key(&item)) {
            Some(known) => add(known, &item),
            None => drop(found.insert(key(&item), item)),
        }
    }
    found.into_values().collect()
}

fn add_pool(known: &mut Pool, more: &Pool) {
    for (sum, part) in [
        (&mut known.pool_size, more.pool_size),
        (&mut known.reserve_pool_size, more.reserve_pool_size),
        (&mut known.clients_active, more.clients_active),
        (&mut known.clients_waiting, more.clients_waiting),
        (&mut known.servers_active, more.servers_active),
        (&mut known.servers_idle, more.servers_idle),
        (&mut known.servers_used, more.servers_used),
        (&mut known.servers_tested, more.servers_tested),
        (&mut known.servers_login, more.servers_login),
        (&mut known.servers_canceling, more.servers_canceling),
    ] {
        *sum = added(*sum, part);
    }
    let longest = known.max_wait_seconds.zip(more.max_wait_seconds);
    known.max_wait_seconds = longest.map(|(one, other)| one.max(other));
}

fn add_database(known: &mut Database, more: &Database) {
    for (sum, part) in [
        (&mut known.pool_size, more.pool_size),
        (&mut known.reserve_pool_size, more.reserve_pool_size),
        (&mut known.max_db_connections, more.max_db_connections),
        (&mut known.servers, more.servers),
        (&mut known.max_db_client_connections, more.max_db_client_connections),
        (&mut known.clients, more.clients),
    ] {
        *sum = added(*sum, part);
    }
    // In one of them is enough to keep somebody out.
    known.paused = known.paused.zip(more.paused).map(|(one, other)| one || other);
    known.disabled = known.disabled.zip(more.disabled).map(|(one, other)| one || other);
}

fn add_user(known: &mut User, more: &User) {
    for (sum, part) in [
        (&mut known.pool_size, more.pool_size),
        (&mut known.reserve_pool_size, more.reserve_pool_size),
        (&mut known.max_user_connections, more.max_user_connections),
        (&mut known.max_user_client_connections, more.max_user_client_connections),
        (&mut known.clients, more.clients),
    ] {
        *sum = added(*sum, part);
    }
}

fn add_totals(known: &mut Totals, more: &Totals) {
    for (sum, part) in [
        (&mut known.xact_total, more.xact_total),
        (&mut known.query_total, more.query_total),
        (&mut known.received_bytes, more.received_bytes),
        (&mut known.sent_bytes, more.sent_bytes),
        (&mut known.xact_seconds, more.xact_seconds),
        (&mut known.query_seconds, more.query_seconds),
        (&mut known.wait_seconds, more.wait_seconds),
    ] {
        *sum = sum.zip(part).map(|(one, other)| one + other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_tell_is_added_and_what_one_hides_is_not_known() {
        let pool = |user: &str, waiting, seconds| Pool {
            database: "shop".into(),
            user: user.into(),
            clients_waiting: waiting,
            max_wait_seconds: Some(seconds),
            ..Pool::default()
        };
        let facts = |pools| PoolerFacts { pools, clients: Some(4), ..PoolerFacts::default() };
        let one = facts(vec![pool("web", Some(2), 1.0), pool("app", Some(1), 0.0)]);
        let other = facts(vec![pool("web", Some(3), 9.0), pool("job", None, 0.0), pool("app", None, 0.0)]);
        let both = sum(one, other);
        let waiting: Vec<_> = both
            .pools
            .iter()
            .map(|pool| (pool.user.as_str(), pool.clients_waiting, pool.max_wait_seconds))
            .collect();
        assert_eq!(
            waiting,
            [("app", None, Some(0.0)), ("job", None, Some(0.0)), ("web", Some(5), Some(9.0))]
        );
        assert_eq!(both.clients, Some(8));
    }
}
