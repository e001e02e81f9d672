//! What has to be undone is undone after a panic, too: the work before it runs under a guard.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::error::Failure;

/// What `work` comes to; none where it panicked, which has been told on stderr then. What it worked on may be in any state.
pub(super) async fn unless_it_panics<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Some(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// What is said of a panic while something was held.
pub(super) fn panicked() -> Failure {
    let failure = Failure::failed("pgconn itself failed while it was held: the panic is told above");
    Failure { code: "panic", ..failure }
}

/// Panics once where the tests want it: at the step that `PGCONN_PLANTED_PANIC` names. Only programs built for them hear it.
#[cfg(debug_assertions)]
pub(crate) fn planted(step: &str) {
    use std::sync::atomic::{AtomicBool, Ordering};
    static HAS: AtomicBool = AtomicBool::new(false);
    let is_wanted = std::env::var("PGCONN_PLANTED_PANIC").is_ok_and(|wanted| wanted == step);
    if is_wanted && !HAS.swap(true, Ordering::Relaxed) {
        #[expect(clippy::panic, reason = "what is tested is what becomes of one")]
        {
            panic!("planted at {step}");
        }
    }
}

/// Nothing is planted in what is shipped.
#[cfg(not(debug_assertions))]
pub(crate) const fn planted(_: &str) {}
