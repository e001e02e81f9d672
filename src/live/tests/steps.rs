//! What keys and looks do, step by step.

use super::*;
use crate::live::dialog::Stage;
use crate::live::event::{Acted, Down};
use crate::live::list::Id;
use crate::live::state::Page;
use crate::live::view::{self, Look};
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;

fn pids(bench: &Bench) -> Vec<i32> {
    let of = |id: &Id| match id {
        Id::Session(key) => key.pid,
        _ => 0,
    };
    bench.state.list.entries().iter().map(|entry| of(&entry.id)).collect()
}

fn cursor(bench: &Bench) -> Option<SessionKey> {
    bench.state.list.cursor().and_then(crate::live::list::key_of).cloned()
}

fn rows(sessions: &[Session]) -> Vec<ScreenRow> {
    sessions.iter().cloned().map(row).collect()
}

fn drawn(bench: &Bench) -> String {
    let (width, height) = bench.state.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    view::draw(&bench.state, Look { color: true }, &mut buffer);
    crate::live::canvas::lines(&buffer)
}

/// Three sessions, seen once.
fn three() -> (Bench, Vec<Session>) {
    let sessions: Vec<Session> = (1..4).map(|pid| session(100 + pid, pid as u64 * 10)).collect();
    let mut bench = Bench::new(setup((80, 24)));
    bench.looks(&rows(&sessions));
    (bench, sessions)
}

#[test]
fn nothing_is_chosen_until_a_key_moves() {
    let (mut bench, _) = three();
    assert_eq!(cursor(&bench), None);
    bench.keys("K");
    assert!(bench.state.dialog.is_none());
    assert!(drawn(&bench).contains("choose a session first"));
    bench.keys("j");
    assert!(!drawn(&bench).contains("choose a session first"));
    assert_eq!(cursor(&bench), Some(key(101, 10)));
    bench.keys("jG");
    assert_eq!(cursor(&bench), Some(key(103, 30)));
    bench.keys("g");
    assert_eq!(cursor(&bench), Some(key(101, 10)));
}

#[test]
fn the_order_is_held_from_the_first_move_until_esc_or_half_a_minute() {
    let (mut bench, sessions) = three();
    let turned: Vec<Session> = sessions.iter().rev().cloned().collect();
    bench.looks(&rows(&turned));
    assert_eq!(pids(&bench), [103, 102, 101]);
    bench.keys("j");
    bench.looks(&rows(&sessions));
    assert_eq!(pids(&bench), [103, 102, 101]);
    assert!(drawn(&bench).contains("held · 3 match"));
    bench.key(Key::Escape);
    bench.looks(&rows(&sessions));
    assert_eq!((pids(&bench), cursor(&bench)), (vec![101, 102, 103], Some(key(103, 30))));
    // Half a minute without a key lets go, too, but not while somebody is tagged.
    for (tags, order) in [(" ", [101, 102, 103]), ("U", [103, 102, 101])] {
        bench.keys("k");
        bench.keys(tags);
        bench.pass(Duration::from_secs(31));
        bench.looks(&rows(&turned));
        bench.looks(&rows(&turned));
        assert_eq!(pids(&bench), order, "{tags:?}");
    }
}

#[test]
fn who_ends_stays_grey_until_the_next_look_and_is_never_replaced_under_the_cursor() {
    let (mut bench, sessions) = three();
    bench.keys("jj");
    assert_eq!(cursor(&bench), Some(key(102, 20)));
    // Its process id belongs to another one by now.
    let mut later = vec![sessions[0].clone(), sessions[2].clone(), session(102, 21)];
    bench.looks(&rows(&later));
    assert_eq!(pids(&bench), [101, 102, 103, 102]);
    assert!(bench.state.list.entries()[1].gone && !bench.state.list.entries()[3].gone);
    assert_eq!(cursor(&bench), Some(key(102, 20)));
    assert!(drawn(&bench).lines().any(|line| line.contains("102 gone")), "{}", drawn(&bench));
    bench.keys("K");
    assert!(bench.state.dialog.is_none() && drawn(&bench).contains("that session has ended"));
    bench.looks(&rows(&later));
    assert_eq!((pids(&bench), cursor(&bench)), (vec![101, 103, 102], None));
    later.push(session(104, 40));
    bench.looks(&rows(&later));
    assert_eq!(pids(&bench), [101, 103, 102, 104]);
    bench.keys("K");
    assert!(bench.state.dialog.is_none());
    bench.keys("j");
    assert_eq!(cursor(&bench), Some(key(103, 30)));
}

#[test]
fn only_y_acts_and_only_once_the_plan_was_there_for_a_moment() {
    let no: [Key; 6] =
        [Key::Enter, Key::Escape, Key::Char('Y'), Key::Char('K'), Key::Backspace, Key::Paste("y".into())];
    for key in no.into_iter().chain([Key::Char('n'), Key::Char(' ')]) {
        let (mut bench, sessions) = three();
        bench.keys("jK");
        bench.plans(&sessions);
        bench.pass(Duration::from_millis(301));
        bench.key(key.clone());
        assert!(bench.acts().is_none() && bench.state.dialog.is_none(), "{key:?}");
    }
    let (mut bench, sessions) = three();
    bench.keys("jKy");
    bench.plans(&sessions);
    bench.pass(Duration::from_millis(299));
    bench.keys("y");
    assert!(bench.acts().is_none(), "typed too soon");
    bench.pass(Duration::from_millis(2));
    bench.keys("y");
    let act = bench.acts().expect("it is agreed to");
    let targets: Vec<i32> = act.planned.plan.targets().map(|identity| identity.pid).collect();
    assert_eq!((targets, act.planned.plan.action), (vec![101], Action::Terminate));
    // It goes on, whatever is typed.
    bench.keys("yyq");
    bench.key(Key::Escape);
    assert!(bench.acts().is_none() && bench.state.dialog.is_some());
    let outcomes = act.planned.plan.steps.into_iter().map(|step| step.outcome).collect();
    let acted = Acted { outcomes, waiting: Some((3, 0)), notes: Vec::new() };
    bench.event(Event::Acted(act.dialog, Ok(Box::new(acted))));
    assert!(drawn(&bench).contains("waiting for a lock: 3 before, 0 now"));
    bench.keys("q");
    assert!(bench.state.dialog.is_some());
    bench.key(Key::Escape);
    assert!(bench.state.dialog.is_none());
}

#[test]
fn for_several_the_number_is_typed_and_for_a_protected_target_its_name() {
    for (protected, typed) in [(None, "2y"), (Some("yard"), "yard 2y")] {
        let mut bench = Bench::new(Setup { protected: protected.map(str::to_owned), ..setup((80, 24)) });
        let sessions: Vec<Session> = (1..4).map(|pid| session(100 + pid, 10)).collect();
        bench.looks(&rows(&sessions));
        bench.keys("j j C");
        let Some(Effect::Plan(request)) =
            bench.effects.iter().find(|effect| matches!(effect, Effect::Plan(_)))
        else {
            panic!("no plan is wanted")
        };
        assert_eq!(request.wanted.named.len(), 2);
        bench.plans(&sessions);
        bench.pass(Duration::from_secs(1));
        let (all, last) = typed.split_at(typed.len() - 1);
        bench.keys(all);
        assert!(bench.acts().is_none() && bench.state.dialog.is_some());
        bench.keys(last);
        assert_eq!(bench.acts().unwrap().planned.plan.targets().count(), 2);
    }
    // Anything else is no.
    let (mut bench, sessions) = three();
    bench.keys("j j K");
    bench.plans(&sessions);
    bench.pass(Duration::from_secs(1));
    bench.keys("y");
    assert!(bench.acts().is_none() && bench.state.dialog.is_none());
}

#[test]
fn a_plan_that_changes_under_the_fingers_is_not_agreed_to() {
    let (mut bench, mut sessions) = three();
    bench.keys("j j K");
    bench.plans(&sessions);
    bench.pass(Duration::from_secs(1));
    bench.keys("2");
    // At the next look one of them has ended, and another session has its process id.
    sessions[1] = session(102, 21);
    bench.looks(&rows(&sessions));
    bench.plans(&sessions);
    bench.keys("y");
    assert!(bench.acts().is_none(), "what was typed was for another plan");
    bench.pass(Duration::from_millis(400));
    bench.keys("y");
    let act = bench.acts().unwrap();
    let targets: Vec<String> =
        act.planned.plan.targets().map(|identity| identity.backend_start.clone()).collect();
    assert_eq!(targets, [started(10).1]);
    assert!(act.planned.plan.steps.iter().any(|step| step.outcome.words() == "gone"));
}

#[test]
fn a_cancel_is_meant_for_the_statement_that_was_shown() {
    let (mut bench, mut sessions) = three();
    bench.keys("jC");
    bench.plans(&sessions);
    bench.pass(Duration::from_secs(1));
    sessions[0].query_start = Some("2026-01-01T02:00:00.000000Z".into());
    bench.looks(&rows(&sessions));
    bench.plans(&sessions);
    bench.keys("y");
    assert!(bench.acts().is_none());
}

#[test]
fn all_that_match_are_fixed_when_the_dialog_opens() {
    let (mut bench, mut sessions) = three();
    bench.keys("A");
    assert!(!bench.state.choosing_all && drawn(&bench).contains("type one with /"));
    bench.keys("/app:checkout");
    bench.key(Key::Enter);
    bench.looks(&rows(&sessions));
    bench.keys("AK");
    bench.plans(&sessions);
    sessions.push(session(104, 40));
    bench.looks(&rows(&sessions));
    bench.plans(&sessions);
    bench.pass(Duration::from_secs(1));
    bench.keys("3y");
    let act = bench.acts().unwrap();
    assert_eq!(act.planned.plan.targets().count(), 3);
    assert!(!act.wanted.filter.is_empty() && act.wanted.named.len() == 3);
}

#[test]
fn nobody_is_acted_on_while_the_server_does_not_answer() {
    let (mut bench, sessions) = three();
    bench.keys("j");
    let down =
        Down { since: bench.now, again: bench.now + Duration::from_secs(1), because: "refused".into() };
    bench.event(Event::Link(Some(down)));
    bench.keys("K");
    assert!(bench.state.dialog.is_none());
    assert!(drawn(&bench).contains("down 0s: refused; again in 1s"), "{}", drawn(&bench));
    bench.event(Event::Link(None));
    bench.keys("K");
    bench.plans(&sessions);
    // No look answers any more.
    bench.pass(Duration::from_secs(11));
    bench.keys("y");
    assert!(bench.acts().is_none() && drawn(&bench).contains("the server does not answer now"));
}

#[test]
fn who_only_looks_has_no_keys_to_act() {
    let sessions = [Session { can_signal: false, ..session(101, 10) }];
    for read_only in [true, false] {
        let mut bench = Bench::new(Setup { read_only, ..setup((80, 24)) });
        let request = bench.request().unwrap();
        let mut found = seen(&request, rows(&sessions));
        found.context = if read_only { superuser() } else { server(Rights::default()) };
        bench.event(Event::Seen(Box::new(found)));
        bench.keys("jK");
        assert!(bench.state.dialog.is_none());
        assert!(!drawn(&bench).contains("terminate"));
        bench.keys("?");
        assert!(!drawn(&bench).contains("C, K"));
    }
}

#[test]
fn a_filter_is_kept_taken_back_or_refused() {
    let (mut bench, sessions) = three();
    bench.keys("/app:x");
    bench.key(Key::Escape);
    assert!(bench.state.filter.is_empty());
    bench.keys("/");
    bench.key(Key::Backspace);
    assert!(bench.state.line.is_none() && bench.state.dialog.is_none() && bench.state.pages.is_empty());
    bench.keys("/nonsense");
    bench.key(Key::Enter);
    assert!(drawn(&bench).contains("no such word"));
    bench.key(Key::Ctrl('u'));
    bench.keys("app:x");
    bench.key(Key::Enter);
    assert_eq!(write_filter(&bench.state.filter), "app:x");
    // The server has its own opinion of it.
    assert!(bench.request_is_due());
    bench.event(Event::Refused("invalid regular expression".into()));
    assert!(bench.state.filter.is_empty() && drawn(&bench).contains("invalid regular expression"));
    bench.key(Key::Escape);
    bench.looks(&rows(&sessions));
    assert_eq!(pids(&bench).len(), 3);
}

#[test]
fn esc_goes_one_level_back_and_never_quits() {
    let (mut bench, _) = three();
    bench.keys("j");
    bench.key(Key::Enter);
    bench.keys("?");
    assert_eq!(bench.state.pages.len(), 2);
    for left in [1, 0, 0, 0] {
        bench.key(Key::Escape);
        assert_eq!(bench.state.pages.len(), left);
    }
    assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::Quit)));
    bench.keys("?q");
    assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::Quit)));
    bench.keys("q");
    assert!(bench.effects.iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn a_held_screen_shows_what_was_seen_meanwhile_once_it_is_let_go() {
    let (mut bench, sessions) = three();
    bench.keys("p");
    bench.looks(&rows(&sessions[..1]));
    assert_eq!(pids(&bench), [101, 102, 103]);
    assert!(drawn(&bench).contains("HELD (p)"));
    bench.keys("p");
    assert!(bench.state.list.entries()[1].gone);
}

#[test]
fn slow_looks_come_less_often_until_they_are_quick_again() {
    let (mut bench, sessions) = three();
    assert!(bench.request_is_due());
    let request = bench.request().unwrap();
    let slow = Seen { took: Duration::from_millis(600), ..seen(&request, rows(&sessions)) };
    bench.event(Event::Seen(Box::new(slow)));
    assert!(drawn(&bench).contains("every 4s (looks are slow)"), "{}", drawn(&bench));
    for _ in 0..5 {
        bench.pass(Duration::from_secs(4));
        bench.looks(&rows(&sessions));
    }
    assert!(drawn(&bench).contains("every 2s") && !drawn(&bench).contains("slow"));
    bench.keys("++-");
    assert!(drawn(&bench).contains("every 5s"));
}

#[test]
fn one_look_at_a_time_also_when_something_else_is_wanted() {
    let (mut bench, sessions) = three();
    assert!(bench.request_is_due());
    let first = bench.request().unwrap();
    bench.keys("2r");
    bench.pass(Duration::from_secs(9));
    assert!(bench.request().is_none(), "a second look");
    bench.event(Event::Seen(Box::new(seen(&first, rows(&sessions)))));
    assert!(pids(&bench).is_empty(), "that was about another list");
    let second = bench.request().expect("the look that is wanted");
    assert!(second.listing.only_trouble);
}

#[test]
fn what_a_session_shows_and_what_it_is_part_of_can_be_opened() {
    let (mut bench, sessions) = three();
    bench.keys("j");
    bench.key(Key::Enter);
    assert_eq!(bench.state.pages, [(Page::Detail(key(101, 10)), 0)]);
    let request = bench.request_is_due().then(|| bench.request().unwrap()).unwrap();
    assert_eq!(request.detail, Some(key(101, 10)));
    bench.event(Event::Seen(Box::new(seen(&request, rows(&sessions)))));
    bench.keys("b");
    assert_eq!((bench.state.view, bench.state.chain.clone()), (View::Blockers, Some(key(101, 10))));
    bench.key(Key::Escape);
    assert_eq!((bench.state.view, bench.state.chain.clone()), (View::Blockers, None));
    bench.keys("1");
    bench.looks(&rows(&sessions));
    bench.keys("jy");
    let copied = bench.effects.iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied, sessions[0].session_id);
    bench.keys("o");
    assert!(drawn(&bench).contains("pgconn -h db1 ls"), "{}", drawn(&bench));
}

#[test]
fn a_dialog_hears_of_the_end_of_its_act_and_of_no_other() {
    let (mut bench, sessions) = three();
    bench.keys("jK");
    bench.plans(&sessions);
    let other = bench.state.dialogs + 7;
    bench.event(Event::Acted(other, Err("elsewhere".into())));
    bench.event(Event::Planned(other, Err("elsewhere".into())));
    assert!(matches!(bench.state.dialog.as_ref().unwrap().stage, Stage::Asking(..)));
}
