//! What is taken of a terminal and given back: its settings, and whose it is just now.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};

use crate::render::frame::LEAVE;

/// A text that is pasted comes between two marks from now on, and no more.
pub(super) const PASTE_ON: &str = "\u{1b}[?2004h";
pub(super) const PASTE_OFF: &str = "\u{1b}[?2004l";
/// Ends whatever style is set.
pub(super) const PLAIN: &str = "\u{1b}[m";

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

/// Whether a terminal is this program's just now. One that is not the controlling one belongs to nobody.
pub(super) fn is_ours(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).ok().is_none_or(|owner| owner == getpgrp())
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
