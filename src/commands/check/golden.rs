//! `check` at every width.

use std::time::Duration;

use super::report::CheckReport;
use crate::analyze::health::{Policy, Rule};
use crate::commands::golden::{assert_as_written, head, reported, server_context};
use crate::model::health::{Culprit, HealthFacts, Longest};
use crate::model::suggestion::Lead;
use crate::model::usage::{Connections, LimitUse, Owner};

#[test]
fn check_of_a_shop() {
    let who = Culprit {
        pid: 21_877,
        database: Some("shop".into()),
        role: Some("web".into()),
        application_name: "checkout".into(),
        client: Some("10.0.4.32".into()),
        state: Some("idle in transaction".into()),
        ..Culprit::default()
    };
    let longest = |count, seconds| Longest {
        count,
        seconds: Some(seconds),
        culprit: Some(who.clone()),
        older: vec![(seconds, 0), (60.0, 1), (300.0, 1)],
        ..Longest::default()
    };
    let facts = HealthFacts {
        connections: Connections::new(server_context().limits, 82, 0),
        limits: vec![LimitUse { owner: Owner::Role, name: "web".into(), used: 23, hidden: 0, limit: 24 }],
        idle_xact: longest(2, 471.5),
        long_query: longest(3, 41.0),
        long_xact: longest(5, 471.5),
        ..HealthFacts::default()
    };
    let rules =
        [Rule::Reachable, Rule::Connections, Rule::IdleXact, Rule::LongQuery, Rule::LongXact, Rule::Blocked];
    assert_as_written("check", |width| {
        let took = Duration::from_millis(24);
        let policies = rules.map(Policy::of);
        let report = CheckReport::of_server(
            &policies,
            server_context(),
            facts.clone(),
            head(),
            took,
            &Lead::default(),
        );
        reported(&report, width)
    });
}
