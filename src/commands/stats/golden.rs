//! `stats` at every width.

use super::*;
use crate::analyze::usage::Groups;
use crate::commands::golden::{assert_as_written, part, reported, server_context, sessions};
use crate::model::usage::Tally;

fn stats(by: &[By], width: usize) -> Stats {
    let server_context = server_context();
    let mut groups = Groups::of_at_most(20);
    let mut sessions = sessions();
    for (at, session) in sessions.iter_mut().enumerate().skip(9) {
        session.application_name = format!("service-{at:02}");
    }
    // Those of an application come one after the other.
    sessions.sort_by(|one, other| one.application_name.cmp(&other.application_name));
    for session in sessions {
        groups.add(&Tally {
            count: 1,
            may_be_client: true,
            matches: Some(true),
            backend_type: session.backend_type,
            state: session.state,
            application_name: session.application_name,
            database: session.database,
            role_limit: (session.role.as_deref() == Some("web")).then_some(24),
            role: session.role,
            client: session.client,
            oldest_xact_seconds: session.xact_seconds,
            oldest_state_seconds: session.state_seconds,
            ..Tally::default()
        });
    }
    let usage = groups.into_usage(server_context.limits);
    Stats { closed: Vec::new(), usage, server_context, by: by.to_vec(), filtered: false, part: part(width) }
}

#[test]
fn stats_of_a_shop() {
    assert_as_written("stats", |width| {
        let shown = reported(&stats(&[By::State, By::Application], width), width);
        // The line of the prompt stands below.
        assert!(width < 80 || shown.lines().count() < 24, "{width}\n{shown}");
        assert!(shown.starts_with("db1.example:5432"), "{shown}");
        shown
    });
}

#[test]
fn stats_by_role_and_client() {
    assert_as_written("stats_by", |width| reported(&stats(&[By::Role, By::Client], width), width));
}

#[test]
fn rows_are_shared_out_fairly() {
    assert_eq!(fair_share(&[5, 20], 15), 10);
    assert_eq!(fair_share(&[5, 20], 40), 20);
    assert_eq!(fair_share(&[20, 20], 15), 7);
    assert_eq!(fair_share(&[20], 0), 0);
}

#[test]
fn the_name_of_a_group_stays_longest() {
    let named = |width| {
        let mut stats = stats(&[By::Application], width);
        for (at, group) in stats.usage.by_application.iter_mut().enumerate() {
            group.application_name = format!("ledger-writer-orders-{at:02}");
        }
        reported(&stats, width)
    };
    for width in 40..=200 {
        let shown = named(width);
        assert!(shown.contains("ledger-writer-orders-03 "), "{width}\n{shown}");
    }
}
