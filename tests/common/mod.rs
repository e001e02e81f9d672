//! What every test file uses: real servers, real sessions in real states, the program in a cleared environment.
//!
//! Nothing here waits for a time: [`wait_until`] polls a condition and fails at a deadline that only a broken program reaches.

#[path = "../../src/cluster/mod.rs"]
mod throwaway;

mod console;
mod namespace;
mod pgbouncer;
mod program;
mod schema;
pub(crate) mod server;
mod terminal;

use std::thread;
use std::time::{Duration, Instant};

pub(crate) use console::{Answer, FakeConsole};
pub(crate) use namespace::Namespace;
pub(crate) use pgbouncer::PgBouncer;
pub(crate) use program::{Outcome, Pgconn, Running, psql};
pub(crate) use server::{binaries, prepared, shared, start, unready, with, with_files};
pub(crate) use throwaway::{Cluster, Session, SessionError};

/// When something that should have happened long ago counts as never happening.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Polls until `condition` holds; panics with `what` at the deadline.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Polls until there is a value.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(began.elapsed() < DEADLINE, "waited {DEADLINE:?} for: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
