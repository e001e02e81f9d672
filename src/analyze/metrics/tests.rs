use super::*;
use crate::model::rights::Rights;
use crate::model::server::{ConnectionSlots, Server};
use crate::model::usage::{Connections, LimitUse};
use proptest::prelude::*;

fn server_context() -> ServerContext {
    ServerContext {
        server: Server {
            version: "17.2".into(),
            version_num: 170_002,
            in_recovery: false,
            started_at: "2026-11-10T00:12:09Z".into(),
        },
        product: "PostgreSQL 17.2".into(),
        backend_pid: 1,
        uptime_seconds: 60.0,
        limits: ConnectionSlots { max_connections: 100, superuser_reserved: 3, reserved: 0 },
        rights: Rights { role: "monitor".into(), sees_all: true, ..Rights::default() },
        query_size: 1024,
    }
}

fn facts() -> HealthFacts {
    HealthFacts { connections: Connections::new(server_context().limits, 5, 0), ..HealthFacts::default() }
}

fn tally(application: &str, state: &str, count: i64) -> Tally {
    Tally {
        count,
        application_name: application.into(),
        state: Some(state.into()),
        matches: Some(true),
        ..Tally::default()
    }
}

fn of(tallies: &[Tally], facts: &HealthFacts, most: usize) -> Vec<Family> {
    let server_context = server_context();
    let settings = ServerSettings::default();
    let scrape = Scrape {
        server_context: &server_context,
        facts,
        tallies,
        databases: &[],
        settings: &settings,
        login_roles: &[],
        settings_age_seconds: 3.0,
        seconds: 0.01,
    };
    families(&scrape, "db1:5432", most)
}

fn value(families: &[Family], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let family = families.iter().find(|family| family.name == name)?;
    let has = |sample: &&Sample| labels.iter().all(|(name, value)| sample.labels.get(name) == Some(value));
    family.samples.iter().find(has)?.value
}

#[test]
fn a_state_without_sessions_is_zero_and_every_series_names_its_server() {
    let families = of(&[tally("api", "idle", 3), tally("api", "active", 1)], &facts(), 100);
    assert_eq!(value(&families, "pgconn_sessions", &[("state", "idle")]), Some(3.0));
    assert_eq!(value(&families, "pgconn_sessions", &[("state", "idle in transaction")]), Some(0.0));
    let by = "pgconn_sessions_by_application";
    assert_eq!(value(&families, by, &[("application_name", "api"), ("state", "active")]), Some(1.0));
    let mut samples = families.iter().flat_map(|family| &family.samples);
    assert!(samples.all(|sample| sample.labels.get("server") == Some("db1:5432")));
    let own = Tally { own: true, ..tally("pgconn", "active", 1) };
    assert_eq!(value(&of(&[own], &facts(), 100), "pgconn_sessions", &[("state", "active")]), Some(0.0));
}

#[test]
fn what_is_hidden_is_absent_and_not_zero() {
    let facts = HealthFacts { undecidable: 2, ..facts() };
    let families = of(&[Tally { hidden: true, state: None, ..tally("api", "", 2) }], &facts, 100);
    assert_eq!(value(&families, "pgconn_sessions", &[("state", "hidden")]), Some(2.0));
    assert_eq!(value(&families, "pgconn_oldest_query_seconds", &[]), None);
    assert_eq!(value(&families, "pgconn_prepared_transactions", &[]), Some(0.0));
}

#[test]
fn limits_have_series_of_their_own() {
    let limit = LimitUse { owner: Owner::Role, name: "app".into(), used: 4, hidden: 0, limit: 5 };
    let families = of(&[], &HealthFacts { limits: vec![limit], ..facts() }, 100);
    assert_eq!(value(&families, "pgconn_role_connections_limit", &[("role", "app")]), Some(5.0));
    assert_eq!(value(&families, "pgconn_role_connections_used", &[("role", "app")]), Some(4.0));
}

proptest! {
    /// Whatever the names: no family exceeds the bound, no series is there twice, no session is lost.
    #[test]
    fn series_are_bounded_and_nothing_is_lost(
        groups in prop::collection::vec(("[a-e]{0,2}", prop::sample::select(&["idle", "active"][..]), 1i64..9), 0..40),
        most in 1usize..20,
    ) {
        let tallies: Vec<Tally> = groups.iter().map(|(name, state, count)| tally(name, state, *count)).collect();
        let families = of(&tallies, &facts(), most);
        let by = "pgconn_sessions_by_application";
        let listed: Vec<&Sample> =
            families.iter().filter(|family| family.name == by).flat_map(|family| &family.samples).collect();
        prop_assert!(listed.len() <= most);
        let omitted = value(&families, "pgconn_omitted_sessions", &[("family", by)]).unwrap();
        let sum: f64 = listed.iter().filter_map(|sample| sample.value).sum();
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let all = groups.iter().map(|(_, _, count)| count).sum::<i64>() as f64;
        prop_assert!((sum + omitted - all).abs() < 0.5);
        for family in &families {
            let mut labels: Vec<_> = family.samples.iter().map(|sample| &sample.labels).collect();
            labels.sort();
            prop_assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{}", family.name);
        }
    }
}
