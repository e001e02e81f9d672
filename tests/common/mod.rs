//! What every test file uses: real servers, real sessions in real states, the program in a cleared environment.
//!
//! Nothing here waits for a time: [`wait_until`] polls a condition and fails at a deadline that only a broken program reaches.

#[path = "../../src/cluster/mod.rs"]
mod throwaway;

#[path = "../../src/render/frame/interpreter.rs"]
mod interpreter;

mod console;
mod disguise;
mod held_back;
mod namespace;
mod pgbouncer;
mod program;
mod schema;
pub(crate) mod server;
mod terminal;

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use console::{Answer, FakeConsole};
pub(crate) use disguise::{Disguise, disguised};
pub(crate) use held_back::HeldBack;
pub(crate) use namespace::Namespace;
pub(crate) use pgbouncer::PgBouncer;
pub(crate) use program::{Outcome, Owned, Pgconn, Running, backends_in, exit_code, hear_signals, psql};
pub(crate) use server::{binaries, prepared, shared, start, unready, with, with_files};
pub(crate) use terminal::Terminal;
pub(crate) use throwaway::{Cluster, Session, SessionError};

/// When something that should have happened long ago counts as never happening.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Tells threads to stop when it is dropped: also when an assertion fails beside them, and their scope waits for them.
#[derive(Debug)]
pub(crate) struct Stopping<'a>(pub(crate) &'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What `start` makes with a free port. It is free only until another program takes it: None means that, and another port.
pub(crate) fn with_free_port<T>(mut start: impl FnMut(u16) -> Option<T>) -> T {
    let free = || TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    (0..5).find_map(|_| start(free())).expect("five free ports were taken at once")
}

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
