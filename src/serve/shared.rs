//! One target's looks, shared by everybody who asks for them: one session, one look at a time, closed when nobody asks.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task;
use tokio::time::{Instant, sleep_until, timeout};

use super::answer::Answer;

/// After so long without a question the session is closed.
const IDLE: Duration = Duration::from_secs(120);
/// After so long it is made anew, so that a login that is broken shows.
const LOGIN_KEPT: Duration = Duration::from_secs(600);
/// Looks at once, over all targets.
pub(super) const LOOKS_AT_ONCE: usize = 4;

/// Whoever looks at one target.
pub(crate) trait Look: 'static {
    /// Looks, within this time; what keeps it from an answer is an answer.
    async fn look(&mut self, limit: Duration) -> Answer;
    /// Ends its session, if it has one.
    async fn close(&mut self);
}

/// How often looks are taken, and how long they may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Who asks again earlier gets what is there.
    pub(crate) min_interval: Duration,
    /// How long a look may take unless its asker has less time.
    pub(crate) limit: Duration,
}

/// What a look found, and when.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) at: Instant,
    pub(super) answer: Answer,
}

struct Ask {
    limit: Duration,
    reply: oneshot::Sender<Rc<Taken>>,
}

/// A target of the endpoint. Dropped, its session is closed.
pub(crate) struct Watched {
    /// What it is called.
    pub(crate) name: String,
    /// What a list says of it.
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether people are to be reminded of what it is.
    pub(crate) production: bool,
    asks: mpsc::UnboundedSender<Ask>,
    seen: Rc<Seen>,
}

/// What is known of it so far.
#[derive(Default)]
struct Seen {
    last: RefCell<Option<Rc<Taken>>>,
    /// Looks by what they came to.
    looks: RefCell<BTreeMap<&'static str, u64>>,
    /// Questions whose time was up before there was an answer.
    late: Cell<u64>,
}

impl Watched {
    /// Begins to serve `look`; must be called within a set of local tasks.
    pub(crate) fn new(
        look: impl Look,
        name: String,
        labels: BTreeMap<String, String>,
        production: bool,
        pace: Pace,
        turns: &Rc<Semaphore>,
    ) -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        let seen = Rc::<Seen>::default();
        task::spawn_local(looks(look, asked, Rc::clone(&seen), pace, Rc::clone(turns)));
        Self { name, labels, production, asks, seen }
    }

    /// What is to be known of it now: of a look that is not older than the shortest interval, taken within `limit`. None when that
    /// is over before.
    pub(super) async fn ask(&self, limit: Duration) -> Option<Rc<Taken>> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask { limit, reply }).ok()?;
        let answer = timeout(limit, answer).await.ok().and_then(Result::ok);
        if answer.is_none() {
            self.seen.late.set(self.seen.late.get() + 1);
        }
        answer
    }

    /// What the last look found, however old that is.
    pub(super) fn last(&self) -> Option<Rc<Taken>> {
        self.seen.last.borrow().clone()
    }

    /// How many looks came to what.
    pub(super) fn looks(&self) -> BTreeMap<&'static str, u64> {
        let mut looks = self.seen.looks.borrow().clone();
        looks.entry("answered").or_default();
        *looks.entry("late").or_default() += self.seen.late.get();
        looks
    }
}

/// Looks whenever somebody asks who cannot have what is there.
async fn looks(
    mut look: impl Look,
    mut asks: mpsc::UnboundedReceiver<Ask>,
    seen: Rc<Seen>,
    pace: Pace,
    turns: Rc<Semaphore>,
) {
    // Since when there has been a session, and when it was asked last.
    let mut session: Option<(Instant, Instant)> = None;
    loop {
        let idle_at = session.map(|(_, asked)| asked + IDLE);
        let idle = async {
            match idle_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let ask = tokio::select! {
            biased;
            ask = asks.recv() => ask,
            () = idle => {
                look.close().await;
                session = None;
                continue;
            }
        };
        let Some(ask) = ask else { break };
        let last = seen.last.borrow().clone();
        if let Some(last) = last.filter(|last| last.at.elapsed() < pace.min_interval) {
            let _ = ask.reply.send(last);
            continue;
        }
        let Ok(turn) = turns.acquire().await else { break };
        // Nobody waits for it any more.
        if ask.reply.is_closed() {
            continue;
        }
        let began = Instant::now();
        if session.is_some_and(|(since, _)| since.elapsed() > LOGIN_KEPT) {
            look.close().await;
            session = None;
        }
        let answer = look.look(ask.limit.min(pace.limit)).await;
        drop(turn);
        session = Some((session.map_or(began, |(since, _)| since), Instant::now()));
        *seen.looks.borrow_mut().entry(answer.refused.unwrap_or("answered")).or_default() += 1;
        let taken = Rc::new(Taken { at: Instant::now(), answer });
        seen.last.replace(Some(Rc::clone(&taken)));
        let _ = ask.reply.send(Rc::clone(&taken));
        // It answered later than these were asked.
        while let Ok(ask) = asks.try_recv() {
            let _ = ask.reply.send(Rc::clone(&taken));
        }
    }
    look.close().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::LocalSet;
    use tokio::time::{advance, sleep};

    /// A target that takes a second for each look, and counts them.
    struct Slow {
        looks: Rc<Cell<u32>>,
        closed: Rc<Cell<u32>>,
    }

    impl Look for Slow {
        async fn look(&mut self, limit: Duration) -> Answer {
            self.looks.set(self.looks.get() + 1);
            let refused = timeout(limit, sleep(Duration::from_secs(1))).await.err().map(|_| "timeout");
            Answer { refused, ..Answer::default() }
        }

        async fn close(&mut self) {
            self.closed.set(self.closed.get() + 1);
        }
    }

    fn slow() -> (Watched, Rc<Cell<u32>>, Rc<Cell<u32>>) {
        let (looks, closed) = (Rc::default(), Rc::default());
        let slow = Slow { looks: Rc::clone(&looks), closed: Rc::clone(&closed) };
        let pace = Pace { min_interval: Duration::from_secs(5), limit: Duration::from_secs(10) };
        let turns = Rc::new(Semaphore::new(LOOKS_AT_ONCE));
        (Watched::new(slow, "a".to_owned(), BTreeMap::new(), false, pace, &turns), looks, closed)
    }

    const LONG: Duration = Duration::from_secs(8);

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_meanwhile_or_soon_after_shares_the_look() {
        let local = LocalSet::new();
        let (watched, looks, _) = local.run_until(async { slow() }).await;
        let all = async {
            tokio::join!(watched.ask(LONG), watched.ask(LONG), watched.ask(LONG));
            watched.ask(LONG).await
        };
        assert!(local.run_until(all).await.is_some());
        assert_eq!(looks.get(), 1);
        advance(Duration::from_secs(6)).await;
        local.run_until(watched.ask(LONG)).await;
        assert_eq!(looks.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_less_time_gets_no_answer_in_that_time() {
        let local = LocalSet::new();
        let (watched, looks, _) = local.run_until(async { slow() }).await;
        let began = Instant::now();
        let late = local.run_until(watched.ask(Duration::from_millis(300))).await;
        assert!(began.elapsed() <= Duration::from_millis(310), "{:?}", began.elapsed());
        assert!(late.is_none_or(|taken| taken.answer.refused == Some("timeout")));
        assert_eq!(looks.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_nobody_asks_is_closed_and_one_is_made_anew_in_time() {
        let local = LocalSet::new();
        let (watched, _, closed) = local.run_until(async { slow() }).await;
        local.run_until(watched.ask(LONG)).await;
        local.run_until(sleep(IDLE + Duration::from_secs(1))).await;
        assert_eq!(closed.get(), 1);
        local.run_until(sleep(10 * IDLE)).await;
        assert_eq!(closed.get(), 1);
        for _ in 0..11 {
            local.run_until(watched.ask(LONG)).await;
            local.run_until(sleep(Duration::from_secs(60))).await;
        }
        assert_eq!(closed.get(), 2, "ten minutes of one session");
        drop(watched);
        local.run_until(sleep(Duration::from_secs(1))).await;
        assert_eq!(closed.get(), 3);
    }
}
