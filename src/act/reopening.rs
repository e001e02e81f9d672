//! What is held is opened again after a panic, too: the program starts itself again, in the same process, as the command that opens
//! it. What the run had in memory may be in any state by then; the new one knows what was written down before it was closed.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, waitpid};

use super::run_held::{SignalSource, forward, running};
use crate::after_panic::{self, UndoneAtPanic};
use crate::conninfo::{CARRIER, ConnInfo, PasswordCommand, ValueSource, mask_argv, os_string_of};
use crate::error::Failure;
use crate::model::quote;

/// The variable by which the new run knows what it is for: its own process, the command that still runs or 0, and what is said when
/// it has opened what was held. Another process does not take it for its own.
const VARIABLE: &str = "PGCONN_AFTER_PANIC";
/// How often is looked whether the command has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// How a new run opens what this one holds.
#[derive(Debug)]
pub(crate) struct Reopening {
    /// Leads to where it is held.
    pub(crate) way_back: ConnInfo,
    /// The command and its arguments.
    pub(crate) words: Vec<String>,
    /// What is said when that is done: `it is open again`.
    pub(crate) done: &'static str,
}

impl Reopening {
    /// As long as what comes back lives, a panic opens what is held.
    pub(super) fn at_panic(self) -> UndoneAtPanic {
        after_panic::undo(move || self.start())
    }

    /// Returns only when it could not be started: then what was said before it was closed tells how it is opened by hand.
    fn start(self) {
        let Ok(program) = std::env::current_exe() else { return };
        let pid = std::process::id();
        let settings = ["-w", "--connect-wait", "2m", "--quiet", "-o", "/dev/null", "-d"].map(OsString::from);
        let mut words = vec![OsString::from("pgconn")];
        words.extend(settings);
        words.push(os_string_of(&self.way_back.connection_string()));
        if let Some(PasswordCommand { words: command, source: ValueSource::Argument(_) }) =
            self.way_back.password_command()
        {
            let quoted: Vec<String> = command.iter().map(|word| quote::shell(word)).collect();
            words.extend(["--password-command".into(), os_string_of(&quoted.join(" "))]);
        }
        words.extend(self.words.iter().map(|word| os_string_of(word)));
        let (words, carried) = match mask_argv(&words, pid) {
            Some((shown, carried)) => (shown, Some(carried)),
            None => (words, None),
        };
        let mut command = Command::new(program);
        let state = format!("{pid} {} {}", running(), self.done);
        command.arg0("pgconn").args(words.into_iter().skip(1)).env(VARIABLE, state);
        for (name, value) in self.way_back.variables() {
            if value.is_none() {
                command.env_remove(name);
            }
        }
        match carried {
            Some(carried) => command.env(CARRIER, carried),
            None => command.env_remove(CARRIER),
        };
        let _returned_only_when_it_failed = command.exec();
    }
}

/// A run that was started because the one before it, in the same process, had panicked.
#[derive(Debug)]
pub(crate) struct AfterPanic {
    command: Option<Pid>,
    done: String,
}

impl AfterPanic {
    /// Whether this is one.
    pub(crate) fn of_process() -> Option<Self> {
        Self::read(&std::env::var(VARIABLE).ok()?, std::process::id())
    }

    fn read(state: &str, own: u32) -> Option<Self> {
        let mut words = state.splitn(3, ' ');
        let is_own = words.next()?.parse() == Ok(own);
        let command = Pid::from_raw(words.next()?.parse().ok()?);
        let done = words.next()?.to_owned();
        is_own.then_some(Self { command, done })
    }

    /// Waits until the command has ended that runs while something is held: it is not let go under it. Signals are handed on to it.
    pub(crate) async fn wait_for_command(&self, signals: SignalSource<'_>) {
        let Some(pid) = self.command else { return };
        let mut arriving = signals.stop.signals();
        // What cannot be waited for is no child any more.
        while let Ok(None) = waitpid(Some(pid), WaitOptions::NOHANG) {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                signal = arriving.next() => forward(signal, Some(pid), signals.at_terminal),
            }
        }
    }

    /// What the run comes to when all is open again.
    pub(crate) fn failure(&self) -> Failure {
        let done = &self.done;
        let message = format!("pgconn itself failed while it was held: the panic is told above; {done}");
        Failure { code: "panic", ..Failure::failed(message) }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_process_that_it_names_takes_it_for_its_own() {
        let read = |state: &str| AfterPanic::read(state, 7).map(|run| (run.command, run.done));
        assert_eq!(read("7 0 it is open again"), Some((None, "it is open again".into())));
        assert_eq!(read("7 12 it is resumed"), Some((Pid::from_raw(12), "it is resumed".into())));
        for other in ["8 0 it is open again", "7", "7 x y", "", "7 0"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
