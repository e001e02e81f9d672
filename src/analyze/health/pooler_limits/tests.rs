use super::*;
use crate::model::pooler::{Pool, PoolerSettings, User};
use proptest::prelude::*;

fn pool(user: &str, size: i64, reserve: i64, active: i64) -> Pool {
    Pool {
        database: "shop".into(),
        user: user.into(),
        pool_size: Some(size).filter(|size| *size > 0),
        reserve_pool_size: Some(reserve),
        servers_active: Some(active),
        ..Pool::default()
    }
}

fn facts(pools: Vec<Pool>, clients: i64) -> PoolerFacts {
    let settings = PoolerSettings { max_client_conn: Some(100), ..PoolerSettings::default() };
    PoolerFacts { pools, settings, clients: Some(clients), ..PoolerFacts::default() }
}

fn found(facts: &PoolerFacts) -> LimitsFound {
    judge(&Rule::Connections.defaults(), facts)
}

fn decided(facts: &PoolerFacts) -> (Status, &'static str) {
    let found = found(facts);
    (found.verdict.status, found.limit.unwrap().name)
}

#[test]
fn each_limit_is_held_against_its_own_share() {
    for (active, clients, expected) in [
        (16, 80, (Status::Ok, "max_client_conn")),
        (17, 80, (Status::Warning, "pool_size")),
        (17, 81, (Status::Warning, "max_client_conn")),
        (19, 95, (Status::Warning, "max_client_conn")),
        (20, 95, (Status::Critical, "pool_size")),
        (20, 96, (Status::Critical, "max_client_conn")),
    ] {
        assert_eq!(
            decided(&facts(vec![pool("app", 20, 0, active)], clients)),
            expected,
            "{active} {clients}"
        );
    }
}

#[test]
fn a_reserve_is_the_end_of_its_pool() {
    for (active, expected) in [
        (16, (Status::Ok, "max_client_conn")),
        (17, (Status::Warning, "pool_size")),
        (20, (Status::Warning, "pool_size")),
        (22, (Status::Warning, "pool_size")),
        (23, (Status::Critical, "reserve_pool_size")),
    ] {
        assert_eq!(decided(&facts(vec![pool("app", 20, 3, active)], 1)), expected, "{active}");
    }
}

#[test]
fn a_user_without_a_pool_has_a_limit_on_clients() {
    let web = User {
        name: "web".into(),
        max_user_connections: Some(5),
        max_user_client_connections: Some(2),
        clients: Some(2),
        ..User::default()
    };
    let facts = PoolerFacts { users: vec![web], ..facts(vec![pool("app", 20, 0, 1)], 3) };
    assert_eq!(decided(&facts), (Status::Critical, "max_user_client_connections"));
}

#[test]
fn what_decided_is_among_what_is_measured() {
    let pools = (0..20).map(|at| pool(&at.to_string(), 1, 0, i64::from(at == 7))).collect();
    let LimitsFound { verdict, .. } = found(&facts(pools, 1));
    assert_eq!((verdict.status, verdict.measures.len()), (Status::Critical, 1 + MEASURED_LIMITS));
    assert_eq!(
        (verdict.measures[0].label.as_str(), verdict.measure.label.as_str()),
        ("max_client_conn", "pool_size shop/7")
    );
    assert!(verdict.measures.contains(&verdict.measure), "{verdict:#?}");
}

#[test]
fn clients_are_measured_whatever_their_limit_is() {
    let silent = PoolerFacts { settings: PoolerSettings::default(), ..facts(vec![pool("app", 20, 0, 1)], 7) };
    let LimitsFound { verdict, missing, .. } = found(&silent);
    assert_eq!((verdict.status, verdict.measure.value, missing.len()), (Status::Unknown, None, 1));
    let clients = &verdict.measures[0];
    assert_eq!((clients.value, &clients.critical, clients.max), (Some(7.0), &None, None));
}

proptest! {
    /// Never OK, nor a warning, while something is used up; never worse for a limit that is not there.
    #[test]
    fn what_is_used_up_is_critical(
        pools in proptest::collection::vec((0i64..6, 0i64..3, 0i64..9), 0..6), clients in 0i64..120, told: bool,
    ) {
        let is_full = |(size, reserve, active): &(i64, i64, i64)| *size > 0 && *active >= size + reserve;
        let full = pools.iter().any(is_full) || told && clients >= 100;
        let pools = pools.iter().enumerate();
        let pools = pools.map(|(at, (size, reserve, active))| pool(&at.to_string(), *size, *reserve, *active));
        let mut facts = facts(pools.collect(), clients);
        facts.clients = facts.clients.filter(|_| told);
        let status = found(&facts).verdict.status;
        prop_assert!(!full || status == Status::Critical, "{status:?} {facts:#?}");
        prop_assert!(told || status != Status::Ok, "{facts:#?}");
    }
}
