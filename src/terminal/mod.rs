//! The terminal of a live screen: its keys one by one, its other screen, and everything as it was before, however the run ends.

mod keys;

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rustix::fd::{AsFd as _, OwnedFd};
use rustix::process::{Signal, getpgrp, getpid, getsid, kill_process};
use rustix::termios::{
    OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::render::frame::{ENTER, LEAVE};
pub(crate) use keys::{ESCAPE, Key, Keyboard};

/// A text that is pasted comes between two marks from now on, and no more.
const PASTE_ON: &str = "\u{1b}[?2004h";
const PASTE_OFF: &str = "\u{1b}[?2004l";
/// Ends whatever style is set.
const PLAIN: &str = "\u{1b}[m";

/// How the terminal was found, while it is ours.
struct Found {
    terminal: OwnedFd,
    settings: Termios,
}

/// What is to be undone, also by who panics.
fn found() -> MutexGuard<'static, Option<Found>> {
    static FOUND: Mutex<Option<Found>> = Mutex::new(None);
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A terminal.
#[derive(Debug)]
pub(crate) struct Terminal {
    input: AsyncFd<OwnedFd>,
    /// The settings and the screen are ours.
    is_on: bool,
}

impl Terminal {
    /// The terminal that stdin is, as it is.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub(crate) fn new() -> io::Result<Self> {
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        restore_at_panic();
        #[expect(
            deprecated,
            reason = "what comes in its place is unsafe to call; this descriptor is owned, and stays the same"
        )]
        let input = AsyncFd::with_interest(input, Interest::READABLE)?;
        Ok(Self { input, is_on: false })
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
        let terminal = self.input.get_ref();
        let mut found = found();
        let settings = match &*found {
            Some(found) => found.settings.clone(),
            None => tcgetattr(terminal)?,
        };
        let mut raw = settings.clone();
        raw.make_raw();
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        if found.is_none() {
            *found = Some(Found { terminal: terminal.try_clone()?, settings });
        }
        tcsetattr(terminal, OptionalActions::Now, &raw)?;
        drop(found);
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
        let mut guard = self.input.readable().await?;
        let mut bytes = vec![0; 256];
        let length = rustix::io::read(self.input.get_ref(), &mut bytes)?;
        // A shorter answer than there was room for was all there is.
        if length < bytes.len() {
            guard.clear_ready();
        }
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Whether it is this program's just now. A terminal that is not the controlling one belongs to nobody.
    fn is_ours(&self) -> bool {
        tcgetpgrp(self.input.get_ref()).ok().is_none_or(|owner| owner == getpgrp())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the settings back.
fn restore() {
    if let Some(Found { terminal, settings }) = found().take() {
        let _ = tcsetattr(&terminal, OptionalActions::Now, &settings);
    }
}

/// What is told of a panic is told on the screen as it was before.
fn restore_at_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if let Some(Found { terminal, .. }) = &*found() {
                let _ = rustix::io::write(terminal, format!("{PLAIN}{PASTE_OFF}{LEAVE}").as_bytes());
            }
            restore();
            tell(info);
        }));
    });
}
