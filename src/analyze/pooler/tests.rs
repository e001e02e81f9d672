use super::*;
use crate::model::filter::{ClientFilter as Origin, Name, Term};
use crate::model::pooler::{Database, PoolerSettings, ServerConnection, User};
use crate::model::pooler_client::Client;

fn pool(database: &str, user: &str, size: i64, active: i64) -> Pool {
    Pool {
        database: database.into(),
        user: user.into(),
        pool_size: Some(size),
        servers_active: Some(active),
        ..Pool::default()
    }
}

fn name(text: &str) -> Name {
    let pieces: Vec<String> = text.split('*').map(str::to_owned).collect();
    if pieces.len() == 1 { Name::Exact(text.into()) } else { Name::Glob(pieces) }
}

fn term<T>(exclude: bool, value: T) -> Term<T> {
    Term { exclude, value }
}

fn first_limits(facts: &PoolerFacts) -> Vec<(String, &'static str, i64, i64)> {
    let pools = usage(facts, |_| true).pools.into_iter();
    pools
        .filter_map(|pool| {
            let limit = pool.first_limit?;
            Some((pool.pool.user, limit.name, limit.used, limit.limit))
        })
        .collect()
}

#[test]
fn the_limit_with_least_left_is_reached_first() {
    let mut facts = PoolerFacts {
        pools: vec![pool("shop", "app", 10, 4), pool("shop", "batch", 10, 3)],
        databases: vec![Database { name: "shop".into(), ..Database::default() }],
        ..PoolerFacts::default()
    };
    assert_eq!(
        first_limits(&facts),
        [("app".into(), "pool_size", 4, 10), ("batch".into(), "pool_size", 3, 10)]
    );
    facts.databases[0].max_db_connections = Some(8);
    let both = first_limits(&facts);
    assert!(both.iter().all(|limit| (limit.1, limit.2, limit.3) == ("max_db_connections", 7, 8)), "{both:?}");
    facts.users = vec![User { name: "batch".into(), max_user_connections: Some(3), ..User::default() }];
    assert_eq!(first_limits(&facts)[1], ("batch".into(), "max_user_connections", 3, 3));
    facts.settings = PoolerSettings { max_client_conn: Some(100), ..PoolerSettings::default() };
    facts.clients = Some(7);
    let usage = usage(&facts, |_| true);
    assert_eq!(usage.fullest().map(|limit| limit.name), Some("max_user_connections"));
    assert_eq!(
        usage.limits.last().map(|limit| (limit.name, limit.used_ratio)),
        Some(("max_client_conn", 0.07))
    );
}

#[test]
fn the_reserve_comes_after_the_pool() {
    let mut full = pool("shop", "app", 2, 2);
    full.reserve_pool_size = Some(3);
    let facts = PoolerFacts { pools: vec![full.clone()], ..PoolerFacts::default() };
    assert_eq!(first_limits(&facts), [("app".into(), "reserve_pool_size", 0, 3)]);
    full.servers_active = Some(5);
    let facts = PoolerFacts { pools: vec![full], ..PoolerFacts::default() };
    assert_eq!(usage(&facts, |_| true).pools[0].used_ratio, Some(2.5));
    assert_eq!(first_limits(&facts), [("app".into(), "reserve_pool_size", 3, 3)]);
}

#[test]
fn a_pool_without_a_size_has_no_ratio_and_no_limit() {
    let facts = PoolerFacts {
        pools: vec![Pool { pool_size: None, ..pool("a", "b", 0, 9) }],
        ..PoolerFacts::default()
    };
    let usage = usage(&facts, |_| true);
    assert_eq!(
        (usage.pools[0].used_ratio, &usage.pools[0].first_limit, usage.limits.len()),
        (None, &None, 0)
    );
}

#[test]
fn who_waits_longest_comes_first() {
    let mut waiting = pool("a", "waits", 10, 1);
    waiting.max_wait_seconds = Some(0.5);
    let facts = PoolerFacts { pools: vec![pool("a", "full", 2, 2), waiting], ..PoolerFacts::default() };
    let order: Vec<String> = usage(&facts, |_| true).pools.into_iter().map(|pool| pool.pool.user).collect();
    assert_eq!(order, ["waits", "full"]);
}

#[test]
fn rates_are_differences_and_nothing_after_a_restart() {
    let totals = |database: &str, xacts, seconds| Totals {
        database: database.into(),
        xact_total: Some(xacts),
        xact_seconds: Some(seconds),
        ..Totals::default()
    };
    let before = [totals("a", 100.0, 50.0), totals("restarted", 900.0, 1.0)];
    let after = [totals("a", 120.0, 55.0), totals("restarted", 3.0, 0.0), totals("new", 4.0, 0.0)];
    let rates = rates(&before, &after, 2.0);
    assert_eq!((rates[0].xacts_per_second, rates[0].mean_xact_seconds), (Some(10.0), Some(0.25)));
    assert_eq!((rates[1].xacts_per_second, rates[1].mean_xact_seconds), (None, None));
    assert_eq!((rates[2].xacts_per_second, rates[2].queries_per_second), (Some(2.0), None));
}

fn link(addr: &str, state: &str) -> Link {
    let client = Client {
        addr: Some(addr.into()),
        port: Some(7),
        state: state.into(),
        application_name: Some("web".into()),
        ..Client::default()
    };
    Link {
        database: "shop".into(),
        user: "app".into(),
        client: Some(client),
        server: None,
        backend: None,
        locks_held: None,
    }
}

#[test]
fn connections_are_selected_as_sessions_are() {
    let network = |text: &str, bits| Origin::Network(text.parse().unwrap(), bits);
    let by = |clients: Vec<Term<Origin>>| PoolerSelection { clients, ..PoolerSelection::default() };
    let cases = [
        (by(vec![term(false, network("10.0.0.0", 8))]), "10.1.2.3", true),
        (by(vec![term(false, network("10.0.0.0", 8))]), "11.1.2.3", false),
        (by(vec![term(false, network("10.0.0.0", 8))]), "local", false),
        (by(vec![term(true, network("10.0.0.0", 8))]), "local", true),
        (by(vec![term(false, network("0.0.0.0", 0))]), "::1", false),
        (by(vec![term(false, network("::1", 128))]), "::1", true),
        (by(vec![term(false, Origin::Local)]), "local", true),
        (by(vec![term(false, Origin::Peer("10.1.2.3:7".parse().unwrap()))]), "10.1.2.3", true),
        (by(vec![term(false, Origin::Peer("10.1.2.3:8".parse().unwrap()))]), "10.1.2.3", false),
        (by(vec![term(false, Origin::Peer("10.1.2.4:7".parse().unwrap()))]), "10.1.2.3", false),
        (
            by(vec![term(false, network("10.0.0.0", 8)), term(true, network("10.1.0.0", 16))]),
            "10.1.2.3",
            false,
        ),
    ];
    for (selection, addr, expected) in cases {
        assert_eq!(selection.has_link(&link(addr, "active"), false), expected, "{selection:?} {addr}");
    }
    let states = |exclude, state: &str| PoolerSelection {
        states: vec![term(exclude, state.into())],
        ..PoolerSelection::default()
    };
    assert!(states(false, "waiting").has_link(&link("local", "waiting"), false));
    assert!(!states(true, "waiting").has_link(&link("local", "waiting"), false));
    let app = |text: &str| PoolerSelection {
        applications: vec![term(false, name(text))],
        ..PoolerSelection::default()
    };
    assert!(
        app("w*").has_link(&link("local", "active"), false)
            && !app("x*").has_link(&link("local", "active"), false)
    );
}

#[test]
fn patterns_fit_as_the_server_has_them() {
    for (pattern, text, expected) in [
        ("a*", "abc", true),
        ("*c", "abc", true),
        ("a*c", "ac", true),
        ("a*a", "a", false),
        ("*b*", "abc", true),
        ("a*b*c", "axxbyyc", true),
        ("a*b*c", "acb", false),
        ("*", "", true),
        ("a**c", "abc", true),
        ("abc", "abc", true),
        ("abc", "abcd", false),
    ] {
        assert_eq!(name(pattern).fits(text), expected, "{pattern} {text}");
    }
}

fn session(pid: i32, database: &str, role: &str, client: &str, port: Option<i32>) -> Session {
    Session {
        pid,
        database: Some(database.into()),
        role: Some(role.into()),
        client: Some(client.into()),
        client_port: port,
        can_signal: true,
        ..Session::default()
    }
}

#[test]
fn a_process_id_alone_joins_nothing() {
    let facts = PoolerFacts {
        databases: vec![Database {
            name: "shop".into(),
            database: Some("shop_live".into()),
            force_user: Some("pool".into()),
            ..Database::default()
        }],
        ..PoolerFacts::default()
    };
    let server = ServerConnection {
        pid: Some(7),
        local_addr: Some("10.0.0.1".into()),
        local_port: Some(4000),
        ..ServerConnection::default()
    };
    let joined = |session: Session| {
        let mut links = [Link { server: Some(server.clone()), ..link("local", "active") }];
        join(&mut links, &facts.databases, &[session]);
        links[0].backend.is_some()
    };
    assert!(joined(session(7, "shop_live", "pool", "10.0.0.1", Some(4000))));
    assert!(joined(session(7, "shop_live", "pool", "192.0.2.1", Some(5))), "behind address translation");
    assert!(!joined(session(7, "shop_live", "pool", "10.0.0.1", Some(4001))), "another connection");
    assert!(!joined(session(8, "shop_live", "pool", "10.0.0.1", Some(4000))));
    assert!(!joined(session(7, "shop", "pool", "10.0.0.1", Some(4000))));
    assert!(!joined(session(7, "shop_live", "app", "10.0.0.1", Some(4000))));
}
