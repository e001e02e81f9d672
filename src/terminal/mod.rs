//! The terminal that is drawn on: its keys one by one, its other screen, and everything as it was before, however the run ends.

mod keys;
mod reader;

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::process::{Signal, getpgrp, getpid, getsid, kill_process};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr,
};
use tokio::io::unix::AsyncFd;

use crate::after_panic::{self, UndoneAtPanic};
use crate::render::frame::{ENTER, LEAVE};
pub(crate) use keys::{ESCAPE, Key, Keyboard};
pub(crate) use reader::KeyReader;

/// A text that is pasted comes between two marks from now on, and no more.
const PASTE_ON: &str = "\u{1b}[?2004h";
const PASTE_OFF: &str = "\u{1b}[?2004l";
/// Ends whatever style is set.
const PLAIN: &str = "\u{1b}[m";

/// What its keys do besides being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typing {
    /// Nothing: Ctrl-C is a key like the others.
    Raw,
    /// Ctrl-C and Ctrl-Z are signals, and Ctrl-S stops it, as ever.
    Signals,
}

/// How the terminal was found, while it is ours.
struct Found {
    terminal: OwnedFd,
    /// None where nobody reads its keys.
    settings: Option<Termios>,
}

/// What is to be undone, also by who panics.
fn found() -> MutexGuard<'static, Option<Found>> {
    static FOUND: Mutex<Option<Found>> = Mutex::new(None);
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the keys of a terminal one by one and unseen from now on. What was taken already is taken once more: somebody else may have
/// had it meanwhile.
///
/// # Errors
/// When it does not let itself be set.
pub(crate) fn take(terminal: BorrowedFd<'_>, typing: Typing) -> io::Result<()> {
    let mut found = found();
    let settings = match found.as_ref().and_then(|found| found.settings.clone()) {
        Some(settings) => settings,
        None => tcgetattr(terminal)?,
    };
    let mut ours = settings.clone();
    match typing {
        Typing::Raw => ours.make_raw(),
        Typing::Signals => ours.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO),
    }
    ours.special_codes[SpecialCodeIndex::VMIN] = 1;
    ours.special_codes[SpecialCodeIndex::VTIME] = 0;
    if found.is_none() {
        *found = Some(Found { terminal: terminal.try_clone_to_owned()?, settings: Some(settings) });
    }
    tcsetattr(terminal, OptionalActions::Now, &ours)?;
    Ok(())
}

/// Notes that this terminal shows its other screen, though nobody reads its keys.
pub(crate) fn note(terminal: BorrowedFd<'_>) {
    if let Ok(terminal) = terminal.try_clone_to_owned() {
        found().get_or_insert(Found { terminal, settings: None });
    }
}

/// Whether there is something to be undone: who panics undoes it before he tells of that.
pub(crate) fn is_taken() -> bool {
    found().is_some()
}

/// Does what Ctrl-C does at a terminal whose keys are signals.
pub(crate) fn interrupt() {
    let _ = kill_process(getpid(), Signal::INT);
}

/// Whether a terminal is this program's just now. One that is not the controlling one belongs to nobody.
fn is_ours(terminal: impl rustix::fd::AsFd) -> bool {
    tcgetpgrp(terminal).ok().is_none_or(|owner| owner == getpgrp())
}

/// A terminal.
#[derive(Debug)]
pub(crate) struct Terminal {
    input: AsyncFd<OwnedFd>,
    /// The settings and the screen are ours.
    is_on: bool,
    _at_panic: UndoneAtPanic,
}

impl Terminal {
    /// The terminal that stdin is, as it is.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub(crate) fn new() -> io::Result<Self> {
        let input = reader::stdin()?;
        Ok(Self { input, is_on: false, _at_panic: after_panic::undo_terminal(give_back) })
    }

    /// Whether it is drawn on.
    pub(crate) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Its columns and lines, as far as it says.
    pub(crate) fn size(&self) -> Option<(u16, u16)> {
        let size =
            tcgetwinsize(self.input.get_ref()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0)?;
        Some((size.ws_col, size.ws_row))
    }

    /// Takes it, unless it is its shell's or that of another program just now. What was taken already is taken once more: somebody
    /// else may have had it meanwhile.
    ///
    /// # Errors
    /// When it does not let itself be set, or written to.
    pub(crate) fn enter(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        take(self.input.get_ref().as_fd(), Typing::Raw)?;
        self.is_on = true;
        out.write_all(format!("{ENTER}{PASTE_ON}").as_bytes())
    }

    /// Gives it back as it was found.
    pub(crate) fn leave(&mut self, out: &mut dyn Write) {
        if std::mem::take(&mut self.is_on) && self.is_ours() {
            // A terminal that went away needs no order.
            let _ = out.write_all(format!("{PLAIN}{PASTE_OFF}{LEAVE}").as_bytes());
        }
        restore();
    }

    /// Stops this program as Ctrl-Z does, until its shell continues it. Where there is no shell that could, nothing happens.
    pub(crate) fn suspend(&mut self, out: &mut dyn Write) {
        if getsid(None).is_ok_and(|session| session == getpgrp()) {
            return;
        }
        self.leave(out);
        let _ = kill_process(getpid(), Signal::STOP);
    }

    /// The bytes that come from the keyboard; none at its end.
    ///
    /// # Errors
    /// When it cannot be read any more.
    pub(crate) async fn read(&self) -> io::Result<Vec<u8>> {
        reader::read(&self.input, || false).await
    }

    fn is_ours(&self) -> bool {
        is_ours(self.input.get_ref())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the settings back, unless the terminal is its shell's by now, which has set it as it likes.
pub(crate) fn restore() {
    if let Some(Found { terminal, settings: Some(settings) }) = found().take()
        && is_ours(&terminal)
    {
        let _ = tcsetattr(&terminal, OptionalActions::Now, &settings);
    }
}

/// Gives everything back at once, by who panics: what is told of that is told on the screen as it was before.
pub(crate) fn give_back() {
    if let Some(Found { terminal, .. }) = &*found() {
        let _ = rustix::io::write(terminal, format!("{PLAIN}{PASTE_OFF}{LEAVE}").as_bytes());
    }
    restore();
}
