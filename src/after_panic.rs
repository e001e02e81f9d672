//! What happens when pgconn itself fails: the terminal is given back, the panic is told, what must not stay is undone, and the
//! program ends, whichever thread it was. So it is the same whether panics unwind, as in the tests, or abort, as in what is shipped.
//! Who leaves something behind for a while says here how it goes away.

use std::fmt;
use std::panic::{set_hook, take_hook};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The exit code of a program that panicked, as Rust has it.
const EXIT: i32 = 101;

type Undo = Box<dyn FnOnce() + Send>;

/// What is to be undone, each under its number.
struct Registered {
    next: u64,
    /// Before the panic is told: of the terminal on which that happens.
    terminal: Vec<(u64, Undo)>,
    other: Vec<(u64, Undo)>,
}

fn registered() -> MutexGuard<'static, Registered> {
    static REGISTERED: Mutex<Registered> =
        Mutex::new(Registered { next: 0, terminal: Vec::new(), other: Vec::new() });
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As long as this lives, something would be undone.
#[must_use = "nothing is undone any more when it is dropped"]
pub(crate) struct UndoneAtPanic(u64);

impl Drop for UndoneAtPanic {
    fn drop(&mut self) {
        let mut registered = registered();
        registered.terminal.retain(|(number, _)| *number != self.0);
        registered.other.retain(|(number, _)| *number != self.0);
    }
}

impl fmt::Debug for UndoneAtPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UndoneAtPanic({})", self.0)
    }
}

/// Undoes something after a panic was told; what came last comes first.
pub(crate) fn undo(undo: impl FnOnce() + Send + 'static) -> UndoneAtPanic {
    register(|registered| &mut registered.other, Box::new(undo))
}

/// Gives the terminal back before a panic is told on it.
pub(crate) fn undo_terminal(undo: impl FnOnce() + Send + 'static) -> UndoneAtPanic {
    register(|registered| &mut registered.terminal, Box::new(undo))
}

fn register(list: fn(&mut Registered) -> &mut Vec<(u64, Undo)>, undo: Undo) -> UndoneAtPanic {
    let mut registered = registered();
    registered.next += 1;
    let number = registered.next;
    list(&mut registered).push((number, undo));
    UndoneAtPanic(number)
}

/// From now on a panic ends the program as this file says; `leave_terminal` ends a question that nobody has answered yet.
pub(crate) fn install(leave_terminal: fn()) {
    let tell = take_hook();
    set_hook(Box::new(move |info| {
        leave_terminal();
        run(|registered| registered.terminal.pop());
        tell(info);
        run(|registered| registered.other.pop());
        #[expect(clippy::exit, reason = "a panic ends the program, and nobody else may be asked how")]
        std::process::exit(EXIT);
    }));
}

/// Each of them alone: what it does may register and withdraw.
fn run(next: fn(&mut Registered) -> Option<(u64, Undo)>) {
    loop {
        let undo = next(&mut registered());
        let Some((_, undo)) = undo else { return };
        undo();
    }
}
