//! Laws that hold whatever is typed, whatever comes and goes, and whenever the server answers.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::live::dialog::Stage;
use crate::live::list::{Id, key_of};

/// How often an act was agreed to.
static AGREED: AtomicUsize = AtomicUsize::new(0);

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Key(Key),
    /// The session with this process id ends.
    Ends(i32),
    /// A session with this process id begins.
    Begins(i32),
    /// The look, the plan or the act that was asked for comes to something.
    Looks(usize),
    Plans,
    /// A dialog is opened about the session under the cursor, or the tags, and gets its plan.
    Asks(&'static str),
    /// It is agreed to the dialog as it stands, after a moment.
    Agrees,
    /// The session with this process id ends, and another one has it at once.
    Recycled(i32),
    Fails,
    Acts,
    Down,
    Up,
    Time(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let keys = "jkgGjk  UKCKCyyy123bvpwsI<>/q?r1234+-A".chars().map(Key::Char);
    let others =
        [Key::Enter, Key::Escape, Key::Down, Key::Up, Key::PageDown, Key::End, Key::Backspace, Key::Tab];
    let keys: Vec<Key> = keys.chain(others).collect();
    let pid = 101..107_i32;
    let step = prop_oneof![
        10 => prop::sample::select(keys).prop_map(Step::Key),
        3 => pid.clone().prop_map(Step::Ends),
        3 => pid.clone().prop_map(Step::Recycled),
        6 => prop::sample::select(vec!["K", "C", "jK", " jjK", "j jC"]).prop_map(Step::Asks),
        6 => Just(Step::Agrees),
        4 => pid.prop_map(Step::Begins),
        6 => (0..6usize).prop_map(Step::Looks),
        4 => Just(Step::Plans),
        1 => Just(Step::Fails),
        2 => Just(Step::Acts),
        1 => Just(Step::Down),
        1 => Just(Step::Up),
        5 => (0..1_500u64).prop_map(Step::Time),
    ];
    prop::collection::vec(step, 1..120)
}

/// A server on which sessions come and go, and where a process id is soon another one's.
struct World {
    sessions: Vec<Session>,
    begun: u64,
}

impl World {
    fn begins(&mut self, pid: i32) {
        if !self.sessions.iter().any(|session| session.pid == pid) {
            self.begun += 1;
            self.sessions.push(session(pid, self.begun));
        }
    }

    /// What a request finds, in an order that changes from look to look.
    fn rows(&self, request: &Request, turn: usize) -> Vec<ScreenRow> {
        let mut sessions = self.sessions.clone();
        let turn = turn % sessions.len().max(1);
        sessions.rotate_left(turn);
        let pins = &request.listing.pins;
        sessions.sort_by_key(|session| !pins.contains(&session.pid));
        sessions.truncate(request.listing.limit);
        let turn = turn % sessions.len().max(1);
        sessions.rotate_left(turn);
        sessions.into_iter().map(row).collect()
    }
}

/// Who is meant when a dialog opens.
fn meant(bench: &Bench) -> Vec<SessionKey> {
    match bench.state.list.tags() {
        [] => bench.state.subject().cloned().into_iter().collect(),
        tags => tags.to_vec(),
    }
}

const MOVES: &[Key] = &[
    Key::Char('j'),
    Key::Char('k'),
    Key::Char('g'),
    Key::Char('G'),
    Key::Down,
    Key::Up,
    Key::PageDown,
    Key::End,
];

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut world = World { sessions: Vec::new(), begun: 0 };
    (101..105).for_each(|pid| world.begins(pid));
    let mut bench = Bench::new(setup((80, 12)));
    // Three lines: the list is longer than the screen.
    let mut fixed: Vec<SessionKey> = Vec::new();
    let mut shown: Vec<SessionKey> = Vec::new();
    for step in steps {
        let (cursor, dialogs) = (bench.state.list.cursor().cloned(), bench.state.dialogs);
        let mut before = meant(&bench);
        let is_move =
            matches!(&step, Step::Key(key) if MOVES.contains(key)) || matches!(&step, Step::Asks(_));
        let is_act = matches!(&step, Step::Key(Key::Char('y')) | Step::Agrees);
        match step {
            Step::Key(key) => bench.key(key),
            Step::Asks(keys) => {
                let (last, first) = keys.chars().next_back().zip(keys.get(..keys.len() - 1)).unwrap();
                bench.keys(first);
                before = meant(&bench);
                bench.key(Key::Char(last));
                if bench.effects.iter().any(|effect| matches!(effect, Effect::Plan(_))) {
                    bench.plans(&world.sessions.clone());
                }
            }
            Step::Agrees => {
                bench.pass(Duration::from_millis(400));
                if let Some(dialog) = &bench.state.dialog {
                    let rest = dialog.required();
                    let rest = rest.strip_prefix(dialog.typed()).unwrap_or_default().to_owned();
                    bench.keys(&format!("{rest}y"));
                }
            }
            Step::Recycled(pid) => {
                world.sessions.retain(|session| session.pid != pid);
                world.begins(pid);
            }
            Step::Ends(pid) => world.sessions.retain(|session| session.pid != pid),
            Step::Begins(pid) => world.begins(pid),
            Step::Looks(turn) => {
                if let Some(request) = bench.request() {
                    let mut found = seen(&request, world.rows(&request, turn));
                    found.overview.matched = i64::try_from(world.sessions.len()).unwrap();
                    found.overview.still_there =
                        world.sessions.iter().filter_map(|session| session.session_id.clone()).collect();
                    bench.event(Event::Seen(Box::new(found)));
                }
            }
            Step::Plans if bench.effects.iter().any(|effect| matches!(effect, Effect::Plan(_))) => {
                bench.plans(&world.sessions.clone());
            }
            Step::Fails => bench.event(Event::Planned(bench.state.dialogs, Err("refused".into()))),
            Step::Acts => {
                let dialog = bench.state.dialogs;
                bench.event(Event::Acted(dialog, Err("nothing was done".into())));
            }
            Step::Down => {
                let down = crate::live::event::Down {
                    since: bench.now,
                    again: bench.now + Duration::from_secs(1),
                    because: "refused".into(),
                };
                bench.event(Event::Link(Some(down)));
            }
            Step::Up => bench.event(Event::Link(None)),
            Step::Time(millis) => bench.pass(Duration::from_millis(millis)),
            Step::Plans => {}
        }
        // The cursor goes to nobody else but by a key that moves it.
        let now = bench.state.list.cursor().cloned();
        prop_assert!(is_move || now == cursor || now.is_none(), "{cursor:?} became {now:?}");
        // Whom a dialog is about is fixed when it opens.
        if bench.state.dialogs > dialogs {
            (fixed, shown) = (before, Vec::new());
        }
        // A signal is for who stood in the dialog when it was agreed to.
        if let Some(act) = bench.acts() {
            AGREED.fetch_add(1, Ordering::Relaxed);
            prop_assert!(is_act);
            for identity in act.planned.plan.targets() {
                let is =
                    |key: &SessionKey| key.pid == identity.pid && key.backend_start == identity.backend_start;
                prop_assert!(shown.iter().any(is), "{identity:?} was not shown");
                prop_assert!(fixed.iter().any(is), "{identity:?} was not meant: {fixed:?}");
            }
            prop_assert!(act.wanted.named.len() == fixed.len());
        }
        if let Some(Stage::Asking(planned, _)) = bench.state.dialog.as_ref().map(|dialog| &dialog.stage) {
            let of = |session: &crate::model::act::Identity| SessionKey {
                pid: session.pid,
                session_id: String::new(),
                backend_start: session.backend_start.clone(),
            };
            shown = planned.plan.targets().map(of).collect();
        }
        // A tag is on nobody but who was tagged, and no row stands twice.
        let ids: Vec<&Id> = bench.state.list.entries().iter().map(|entry| &entry.id).collect();
        let mut unique = ids.clone();
        unique.dedup();
        prop_assert_eq!(ids.len(), unique.len());
        prop_assert!(
            bench
                .state
                .list
                .entries()
                .iter()
                .all(|entry| key_of(&entry.id).is_some() || bench.state.view != View::Sessions)
        );
        bench.effects.retain(|effect| matches!(effect, Effect::Look(_) | Effect::Plan(_)));
        prop_assert!(bench.effects.iter().filter(|effect| matches!(effect, Effect::Look(_))).count() <= 1);
    }
    Ok(())
}

#[test]
fn nobody_is_signalled_but_who_was_shown_and_the_cursor_stays_on_its_session() {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let held = runner.run(&steps(), run);
    let agreed = AGREED.load(Ordering::Relaxed);
    println!("{agreed} acts were agreed to");
    assert!(held.is_ok(), "{}", held.unwrap_err());
    assert!(agreed > 100, "{agreed}");
}
