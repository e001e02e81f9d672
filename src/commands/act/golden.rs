//! The plans of `kill` and `cancel` before they are carried out, and as `--dry-run` tells them, at every width.

use super::report::{ActReport, Aftermath, preview};
use crate::analyze::plan::{Plan, plan};
use crate::commands::golden::{LINES, assert_as_written, drawn, facts, head, part, reported, sessions};
use crate::model::act::{Action, Wanted};

fn planned(action: Action, of_web: bool) -> Plan {
    let of = |role: Option<&str>| !of_web || role == Some("web");
    let sessions = sessions().into_iter().filter(|session| of(session.role.as_deref())).collect();
    plan(action, &Wanted::default(), &facts(sessions))
}

#[test]
fn the_plan_of_a_kill() {
    assert_as_written("kill", |width| {
        let shown = drawn(&preview(&planned(Action::Terminate, false), Some((width, LINES)), &head()), width);
        // The question and the line of the command stand beside it.
        assert!(shown.lines().count() <= LINES - 2, "{width}\n{shown}");
        let last = shown.lines().rfind(|line| line.contains("218") || line.contains("22")).unwrap();
        assert!(last.contains("21877") || last.contains("22051"), "the worst stands last\n{shown}");
        shown
    });
}

#[test]
fn the_plan_of_a_kill_of_sessions_that_are_alike() {
    assert_as_written("kill_alike", |width| {
        drawn(&preview(&planned(Action::Terminate, true), Some((width, LINES)), &head()), width)
    });
}

#[test]
fn the_plan_of_a_cancel() {
    assert_as_written("cancel", |width| {
        drawn(&preview(&planned(Action::Cancel, false), Some((width, LINES)), &head()), width)
    });
}

#[test]
fn a_dry_run() {
    assert_as_written("kill_dry_run", |width| {
        let plan = planned(Action::Terminate, false);
        let report = ActReport::new(&plan, true, Aftermath::default(), false).on_screen(part(width));
        let shown = reported(&report, width);
        assert!(shown.lines().count() < LINES, "{width}\n{shown}");
        shown
    });
}

#[test]
fn what_ending_a_session_lets_go_on_stays_longest() {
    for width in 40..=200 {
        let plan = planned(Action::Terminate, false);
        let shown = drawn(&preview(&plan, Some((width, LINES)), &head()), width);
        let header = shown.lines().find(|line| line.contains("PID ")).unwrap();
        let has = |title| header.split_whitespace().any(|word| word == title);
        assert!(has("FOR") && has("WAITING") && has("STATE"), "{width}\n{shown}");
    }
}
