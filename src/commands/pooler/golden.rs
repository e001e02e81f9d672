//! `pooler` and its views at every width.

use super::report::{PoolerReport, View};
use crate::analyze::pooler::PoolerSelection;
use crate::commands::golden::{assert_as_written, part, reported, sessions};
use crate::model::pooler::{Database, Link, Pool, PoolerFacts, PoolerSettings, Product, ServerConnection};
use crate::model::pooler_client::Client;

fn product() -> Product {
    Product { name: "PgBouncer".into(), version: "1.18.0".into() }
}

#[test]
fn pools_of_a_shop() {
    let pool = |database: &str, user: &str, waiting: i64, active: i64| Pool {
        database: database.into(),
        user: user.into(),
        pool_mode: Some("transaction".into()),
        pool_size: Some(20),
        reserve_pool_size: Some(5),
        clients_active: Some(active + 40),
        clients_waiting: Some(waiting),
        servers_active: Some(active),
        servers_idle: Some(25 - active),
        servers_used: Some(0),
        servers_tested: Some(0),
        servers_login: Some(0),
        servers_canceling: Some(0),
        max_wait_seconds: Some(if waiting > 0 { 4.25 } else { 0.0 }),
    };
    let facts = PoolerFacts {
        product: product(),
        pools: vec![pool("shop", "web", 12, 25), pool("mart", "report", 0, 3)],
        databases: vec![Database {
            name: "shop".into(),
            host: Some("10.0.1.5".into()),
            port: Some(5432),
            pool_size: Some(20),
            paused: Some(false),
            disabled: Some(false),
            ..Database::default()
        }],
        settings: PoolerSettings {
            max_client_conn: Some(500),
            default_pool_size: Some(20),
            ..PoolerSettings::default()
        },
        clients: Some(108),
        tells_user_limits: true,
        ..PoolerFacts::default()
    };
    assert_as_written("pooler", |width| {
        reported(&PoolerReport::of_pools(facts.clone(), &PoolerSelection::default()), width)
    });
}

fn links() -> Vec<Link> {
    let link = |(at, session): (usize, crate::model::session::Session)| Link {
        database: "shop".into(),
        user: "web".into(),
        client: Some(Client {
            addr: Some(format!("203.0.113.{}", 107 + at)),
            port: Some(51_514),
            application_name: Some(session.application_name.clone()),
            state: "active".into(),
            wait_seconds: (at == 0).then_some(4.25),
            ..Client::default()
        }),
        server: Some(ServerConnection {
            pid: Some(session.pid),
            state: "active".into(),
            addr: Some("10.0.1.5".into()),
            port: Some(5432),
            ..ServerConnection::default()
        }),
        backend: Some(session),
        locks_held: Some(2),
    };
    sessions().into_iter().enumerate().map(link).collect()
}

#[test]
fn clients_servers_and_both_of_a_shop() {
    for (name, view) in
        [("pooler_clients", View::Clients), ("pooler_servers", View::Servers), ("pooler_join", View::Join)]
    {
        assert_as_written(name, |width| {
            let report =
                PoolerReport { part: part(width), ..PoolerReport::of_links(view, product(), links()) };
            reported(&report, width)
        });
    }
}
