//! A time limit for a run as a whole, which does not count the time in which somebody types a password.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often is looked whether a prompt has ended.
const PROMPT: Duration = Duration::from_millis(50);

/// How long prompts have been open.
#[derive(Clone, Debug, Default)]
pub(super) struct Prompts(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    ended: Duration,
    since: Option<Instant>,
}

impl Prompts {
    /// Does what opens a prompt and closes it again.
    pub(super) fn during<T>(&self, prompt: impl FnOnce() -> T) -> T {
        self.open().since = Some(Instant::now());
        let answer = prompt();
        let mut open = self.open();
        let open_for = open.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        open.ended += open_for;
        answer
    }

    fn total(&self) -> Duration {
        let open = self.open();
        open.ended + open.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When something must be over.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    began: Instant,
    limit: Duration,
    prompts: Prompts,
    /// What prompts had taken before.
    before: Duration,
}

impl Deadline {
    /// After `limit`, from now on.
    pub(super) fn new(limit: Duration, prompts: &Prompts) -> Self {
        Self { began: Instant::now(), limit, prompts: prompts.clone(), before: prompts.total() }
    }

    /// How long it is in all.
    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// How much of it has been used.
    pub(crate) fn used(&self) -> Duration {
        self.began.elapsed().saturating_sub(self.prompts.total() - self.before)
    }

    /// How much is left.
    pub(crate) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.used())
    }

    /// What `work` comes to; nothing when the time is up before.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let left = self.left();
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = sleep(left.max(Duration::from_millis(1))) => {}
            }
            if self.left().is_zero() {
                return None;
            }
            // A prompt was or is open: its time is given back.
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = sleep(PROMPT.min(self.left())) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_prompt_does_not_count() {
        let prompts = Prompts::default();
        let deadline = Deadline::new(Duration::from_secs(2), &prompts);
        prompts.open().since = Some(Instant::now());
        let typing = async {
            sleep(Duration::from_secs(30)).await;
            prompts.open().ended = prompts.total();
            prompts.open().since = None;
            sleep(Duration::from_millis(1_900)).await;
        };
        assert_eq!(deadline.within(typing).await, Some(()));
        assert_eq!(deadline.within(sleep(Duration::from_secs(1))).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_takes_too_long_is_given_up_in_time() {
        let began = Instant::now();
        let deadline = Deadline::new(Duration::from_secs(2), &Prompts::default());
        assert_eq!(deadline.within(std::future::pending::<()>()).await, None);
        assert!(began.elapsed() <= Duration::from_millis(2_100), "{:?}", began.elapsed());
    }
}
