//! Reads the keys of the terminal that stdin is.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use rustix::fd::{AsFd as _, OwnedFd};
use rustix::io::ioctl_fionread;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use super::keys::{ESCAPE, Key, Keyboard};
use super::taken::is_ours;

/// The keys of a terminal that is read only while it is this program's.
#[derive(Debug)]
pub(crate) struct KeyReader {
    input: AsyncFd<OwnedFd>,
    keyboard: Keyboard,
}

impl KeyReader {
    /// Of the terminal that stdin is; none when it is none.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub(crate) fn of_stdin() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() {
            return Ok(None);
        }
        Ok(Some(Self { input: stdin()?, keyboard: Keyboard::default() }))
    }

    /// The next keys, but for those that were typed after a signal that ends the run: they are for who has the terminal then. Given up
    /// and called again, it goes on where it was.
    ///
    /// # Errors
    /// When it cannot be read any more, or has come to its end.
    pub(crate) async fn next(&mut self, is_over: impl Fn() -> bool) -> io::Result<Vec<Key>> {
        loop {
            // What an Escape begins is complete at once, or an Escape.
            let patience = if self.keyboard.is_waiting() { ESCAPE } else { Duration::MAX };
            let keys = match timeout(patience, read(&self.input, &is_over)).await {
                Err(_) => self.keyboard.expire().into_iter().collect(),
                Ok(bytes) => match bytes?.as_slice() {
                    [] => return Err(io::ErrorKind::UnexpectedEof.into()),
                    bytes => self.keyboard.take(bytes),
                },
            };
            if !keys.is_empty() {
                return Ok(keys);
            }
        }
    }
}

/// The terminal that stdin is, to be waited for.
///
/// # Errors
/// When that cannot be.
pub(super) fn stdin() -> io::Result<AsyncFd<OwnedFd>> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    #[expect(
        deprecated,
        reason = "what comes in its place is unsafe to call; this descriptor is owned, and stays the same"
    )]
    AsyncFd::with_interest(input, Interest::READABLE)
}

/// The bytes that come from the keyboard; none at its end, and none are read once `is_over` says so.
///
/// # Errors
/// When it cannot be read any more.
pub(super) async fn read(input: &AsyncFd<OwnedFd>, is_over: impl Fn() -> bool) -> io::Result<Vec<u8>> {
    loop {
        let mut guard = input.readable().await?;
        // A signal is there before what was typed after it.
        if is_over() {
            return std::future::pending().await;
        }
        let is_empty = ioctl_fionread(input.get_ref()).is_ok_and(|bytes| bytes == 0);
        // Who reads in the background is stopped, and what made it readable may have been for the shell that had it meanwhile.
        if !is_ours(input.get_ref()) || is_empty && !guard.ready().is_read_closed() {
            guard.clear_ready();
            continue;
        }
        let mut bytes = vec![0; 256];
        let length = rustix::io::read(input.get_ref(), &mut bytes)?;
        // A shorter answer than there was room for was all there is.
        if length < bytes.len() {
            guard.clear_ready();
        }
        bytes.truncate(length);
        return Ok(bytes);
    }
}
