//! The terminal that is drawn on: its keys one by one, its other screen, and everything as it was before, however the run ends.

mod keys;
mod reader;
mod taken;

use std::io::{self, Write};

use rustix::fd::{AsFd as _, OwnedFd};
use rustix::process::{Signal, getpgrp, getpid, getsid, kill_process};
use rustix::termios::tcgetwinsize;
use tokio::io::unix::AsyncFd;

use crate::after_panic::{self, UndoneAtPanic};
use crate::render::frame::{ENTER, LEAVE};
pub(crate) use keys::{ESCAPE, Key, Keyboard};
pub(crate) use reader::KeyReader;
use taken::{PASTE_OFF, PASTE_ON, PLAIN, is_ours};
pub(crate) use taken::{Typing, give_back, is_taken, note, restore, take};

/// Does what Ctrl-C does at a terminal whose keys are signals.
pub(crate) fn interrupt() {
    let _ = kill_process(getpid(), Signal::INT);
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
