//! The laws of the observer, with a clock of our own and a server that does whatever it likes.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use super::deadline::{Deadline, Prompts};
use super::{KeptSession, Looks, Observer, Patience, Source, UnderWay};
use crate::db::{Error, ErrorKind};
use crate::stop::{Signal, Stop, Trigger, channel};

/// What a server does when it is asked something.
#[derive(Clone, Copy, Debug)]
enum Reaction {
    Answers(u64),
    Refuses(u64),
    Forbids(u64),
    Hangs,
}

fn reactions() -> impl Strategy<Value = Vec<Reaction>> {
    let reaction = prop_oneof![
        4 => (0..3_000_u64).prop_map(Reaction::Answers),
        2 => (0..3_000_u64).prop_map(Reaction::Refuses),
        1 => (0..3_000_u64).prop_map(Reaction::Forbids),
        1 => Just(Reaction::Hangs),
    ];
    prop::collection::vec(reaction, 1..12)
}

/// How many of something there are at a time, and how many there have been at most.
#[derive(Debug, Default)]
struct Gauge {
    now: Cell<u32>,
    most: Cell<u32>,
}

/// One of them, while it lasts.
struct One(Rc<Gauge>);

impl One {
    fn more(gauge: &Rc<Gauge>) -> Self {
        gauge.now.set(gauge.now.get() + 1);
        gauge.most.set(gauge.most.get().max(gauge.now.get()));
        Self(Rc::clone(gauge))
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.now.set(self.0.now.get() - 1);
    }
}

/// A server that reacts as it is told, in turn, and over and over.
#[derive(Clone)]
struct Scripted {
    reactions: Rc<RefCell<std::iter::Cycle<std::vec::IntoIter<Reaction>>>>,
    stop: Stop,
    sessions: Rc<Gauge>,
    logins: Rc<Gauge>,
    looks: Rc<Gauge>,
    /// The login that the server has not answered, which it keeps whoever has gone.
    pending: Rc<tokio::sync::Mutex<Option<Login>>>,
}

/// A login at the server's side.
type Login = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

struct ScriptedSession {
    server: Scripted,
    _one: One,
}

impl KeptSession for ScriptedSession {
    async fn close(self) {
        sleep(Duration::from_millis(1)).await;
    }
}

impl Scripted {
    fn new(reactions: Vec<Reaction>, stop: Stop) -> Self {
        let reactions = Rc::new(RefCell::new(reactions.into_iter().cycle()));
        let [sessions, logins, looks] = std::array::from_fn(|_| Rc::<Gauge>::default());
        Self { reactions, stop, sessions, logins, looks, pending: Rc::default() }
    }

    async fn react(&self) -> Result<(), Error> {
        tokio::select! {
            outcome = self.reaction() => outcome,
            signal = self.stop.pulled() => Err(Error::interrupted(signal)),
        }
    }

    /// What the server does next; who has asked for it may go meanwhile.
    fn reaction(&self) -> impl Future<Output = Result<(), Error>> + use<> {
        let reaction = self.reactions.borrow_mut().next().expect("it goes on for ever");
        let (time, outcome) = match reaction {
            Reaction::Answers(time) => (time, Ok(())),
            Reaction::Refuses(time) => (time, Err(Error::new(ErrorKind::Refused, "refused"))),
            Reaction::Forbids(time) => (time, Err(Error::new(ErrorKind::AuthFailed, "forbidden"))),
            Reaction::Hangs => (u64::MAX / 4, Ok(())),
        };
        async move {
            sleep(Duration::from_millis(time)).await;
            outcome
        }
    }
}

impl Source for Scripted {
    type Session = ScriptedSession;

    async fn log_in(&self, _: Option<&Deadline>) -> Result<ScriptedSession, Error> {
        let mut pending = self.pending.lock().await;
        let login = pending.get_or_insert_with(|| {
            let (one, reaction) = (One::more(&self.logins), self.reaction());
            Box::pin(async move {
                let _one = one;
                reaction.await
            })
        });
        let outcome = tokio::select! {
            outcome = login => outcome,
            signal = self.stop.pulled() => return Err(Error::interrupted(signal)),
        };
        *pending = None;
        outcome?;
        Ok(ScriptedSession { server: self.clone(), _one: One::more(&self.sessions) })
    }
}

/// What is seen is when it was begun to be looked.
async fn seen(session: &mut ScriptedSession) -> Result<Instant, Error> {
    let began = Instant::now();
    let _look = One::more(&session.server.looks);
    session.server.react().await?;
    Ok(began)
}

fn patience() -> impl Strategy<Value = Patience> {
    prop_oneof![
        Just(Patience::NONE),
        (1..20_u64).prop_map(|seconds| Patience::For(Duration::from_secs(seconds))),
        (1..20_u64).prop_map(|seconds| Patience::Whatever(Duration::from_secs(seconds))),
        Just(Patience::Unlimited),
    ]
}

fn by_our_clock(test: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(test)
}

/// Nothing was there twice, and nothing is left.
fn alone(server: &Scripted) -> Result<(), TestCaseError> {
    prop_assert_eq!(server.sessions.now.get(), 0);
    prop_assert!(server.sessions.most.get() <= 1, "{} sessions", server.sessions.most.get());
    prop_assert!(server.logins.most.get() <= 1, "{} logins", server.logins.most.get());
    prop_assert!(server.looks.most.get() <= 1, "{} looks", server.looks.most.get());
    Ok(())
}

async fn pulled_after(trigger: Trigger, time: Option<u64>) {
    match time {
        Some(time) => sleep(Duration::from_millis(time)).await,
        None => std::future::pending().await,
    }
    trigger.pull(Signal::Terminate);
    std::future::pending::<()>().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever a server does, a look ends within its limit, or at once when a signal comes; what it finds was looked for after it
    /// was asked; and nothing is left.
    #[test]
    fn a_look_is_fresh_and_ends_in_time(
        reactions in reactions(),
        limit in 1..8_000_u64,
        patience in patience(),
        signal in prop::option::of(0..20_000_u64),
        turns in 1..4_usize,
    ) {
        by_our_clock(async {
            let (trigger, stop) = channel();
            let server = Scripted::new(reactions, stop.clone());
            let mut observer = Observer::new(server.clone(), stop.clone());
            let looks = async {
                for _ in 0..turns {
                    let asked = Instant::now();
                    let deadline = Deadline::new(Duration::from_millis(limit), &Prompts::default());
                    let found = observer.look_within(&deadline, patience, seen).await;
                    prop_assert!(asked.elapsed() <= Duration::from_millis(limit + 60), "{:?}", asked.elapsed());
                    if let Ok(began) = found {
                        prop_assert!(began >= asked);
                    }
                }
                Ok(())
            };
            tokio::select! {
                checked = looks => checked?,
                () = pulled_after(trigger, signal) => {}
            }
            observer.close().await;
            alone(&server)
        })?;
    }

    /// What waits for a server that may take for ever ends at a signal.
    #[test]
    fn a_signal_ends_every_wait(
        reactions in reactions(),
        patience in patience(),
        signal in 0..40_000_u64,
    ) {
        by_our_clock(async {
            let (trigger, stop) = channel();
            let server = Scripted::new(reactions, stop.clone());
            let mut observer = Observer::new(server.clone(), stop.clone());
            let looks = async {
                while stop.signal().is_none() {
                    let _ = observer.look(patience, seen).await;
                    sleep(Duration::from_millis(1)).await;
                }
                Instant::now()
            };
            let began = Instant::now();
            let pulled = pulled_after(trigger, Some(signal));
            let ended = tokio::select! { ended = looks => ended, () = pulled => unreachable!() };
            prop_assert!(ended - began <= Duration::from_millis(signal + 5), "{:?}", ended - began);
            observer.close().await;
            alone(&server)
        })?;
    }

    /// However many ask, and whenever they give up waiting, there is one look at a time, and it answers everybody who asked.
    #[test]
    fn askers_share_the_look_under_way(
        reactions in reactions(),
        asks in prop::collection::vec(0..4_000_u64, 1..12),
        interruptions in prop::collection::vec(1..2_000_u64, 1..12),
    ) {
        by_our_clock(async {
            let (_trigger, stop) = channel();
            let server = Scripted::new(reactions, stop.clone());
            let begun = Cell::new(0);
            let begin = |mut observer: Observer<Scripted>| {
                begun.set(begun.get() + 1);
                let under_way: UnderWay<'_, Scripted, Instant> = Box::pin(async move {
                    let deadline = Deadline::new(Duration::from_secs(5), &Prompts::default());
                    let found = observer.look_within(&deadline, Patience::NONE, seen).await;
                    (observer, found.map_err(Into::into))
                });
                under_way
            };
            let mut looks = Looks::new(Observer::new(server.clone(), stop), &begin);
            let mut interruptions = interruptions.iter().cycle();
            for (round, pause) in asks.into_iter().enumerate() {
                let asked = Instant::now();
                looks.ask();
                looks.ask();
                // Whoever waits may have something else to do meanwhile: the look goes on.
                let found = loop {
                    let time = interruptions.next().copied().unwrap_or(1);
                    tokio::select! {
                        found = looks.next() => break found,
                        // Another asks while it is under way, and has the same answer.
                        () = sleep(Duration::from_millis(time)) => looks.ask(),
                    }
                    prop_assert!(asked.elapsed() <= Duration::from_millis(5_100), "{:?}", asked.elapsed());
                };
                prop_assert_eq!(begun.get(), round + 1);
                if let Ok(began) = found {
                    prop_assert!(began >= asked, "it is older than the first question");
                }
                prop_assert!(!looks.is_under_way());
                sleep(Duration::from_millis(pause)).await;
            }
            looks.close().await;
            alone(&server)
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_lost_long_ago_is_replaced_at_once() {
    let (_trigger, stop) = channel();
    let (answers, refuses) = (Reaction::Answers(0), Reaction::Refuses(0));
    // in, seen; lost, in, seen; lost, in, lost again
    let script = vec![answers, answers, refuses, answers, answers, refuses, answers, refuses];
    let mut observer = Observer::new(Scripted::new(script, stop.clone()), stop);
    let began = Instant::now();
    assert!(observer.look(Patience::NONE, seen).await.is_ok());
    assert!(observer.look(Patience::NONE, seen).await.is_ok());
    assert!(observer.look(Patience::NONE, seen).await.is_err());
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_refused_until_the_time_was_up_is_said() {
    let (_trigger, stop) = channel();
    let mut observer = Observer::new(Scripted::new(vec![Reaction::Refuses(1)], stop.clone()), stop);
    let states = observer.state();
    let deadline = Deadline::new(Duration::from_secs(2), &Prompts::default());
    let error = observer.look_within(&deadline, Patience::Unlimited, seen).await.expect_err("refused");
    assert_eq!(error.message, "still refused after 2s: refused");
    assert_eq!(states.borrow().down.as_ref().map(|down| down.because.kind), Some(ErrorKind::Refused));
}
