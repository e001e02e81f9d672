//! What people do at a terminal that results of a watch replace each other on: they press keys, and make it larger or smaller.

use std::collections::VecDeque;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::commands::Context;
use crate::screen::Scroll;
use crate::terminal::{Key, KeyReader};

/// What stands behind the heading of a result that is held.
pub(in crate::commands) const HELD: &str = "  held: space goes on";

/// What happens at a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Pressed {
    /// A key was pressed.
    Key(Key),
    /// It has another size.
    Resized,
    /// Nobody types any more: the terminal is gone.
    Ended,
}

/// Where a key scrolls to; none for one that does not.
pub(in crate::commands) const fn scroll(key: &Key) -> Option<Scroll> {
    Some(match key {
        Key::Char('j') | Key::Down => Scroll::Lines(1),
        Key::Char('k') | Key::Up => Scroll::Lines(-1),
        Key::PageDown => Scroll::Pages(1),
        Key::PageUp => Scroll::Pages(-1),
        Key::Char('g') | Key::Home => Scroll::Top,
        Key::Char('G') | Key::End => Scroll::End,
        _ => return None,
    })
}

/// The keys of a watch.
pub(in crate::commands) struct WatchKeys<'a> {
    context: &'a Context,
    /// None where nobody can type.
    reader: Option<KeyReader>,
    resized: Signal,
    /// Whether the screen is drawn on; none before it is for the first time.
    is_on: Option<watch::Receiver<bool>>,
    /// Those that came with another one.
    pending: VecDeque<Key>,
}

impl<'a> WatchKeys<'a> {
    /// None is heard before something is drawn.
    ///
    /// # Errors
    /// When the operating system does not let it hear what the terminal says.
    pub(in crate::commands) fn new(context: &'a Context) -> io::Result<Self> {
        let reader = if context.output.borrow().is_screen() { KeyReader::of_stdin()? } else { None };
        let resized = signal(SignalKind::window_change())?;
        Ok(Self { context, reader, resized, is_on: None, pending: VecDeque::new() })
    }

    /// Hears what happens from now on, if something has been drawn.
    pub(in crate::commands) fn attend(&mut self) {
        if self.is_on.is_none() {
            self.is_on = self.context.output.borrow().screen().map(|screen| screen.is_on());
        }
    }

    /// What happens next, while the screen is drawn on.
    pub(in crate::commands) async fn next(&mut self) -> Pressed {
        loop {
            if let Some(key) = self.pending.pop_front() {
                return Pressed::Key(key);
            }
            let Some(is_on) = &mut self.is_on else { return std::future::pending().await };
            let now = *is_on.borrow_and_update();
            let keys = async {
                match &mut self.reader {
                    Some(reader) if now => reader.next(|| self.context.stop.signal().is_some()).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                keys = keys => match keys {
                    Ok(keys) => self.pending.extend(keys),
                    Err(_) => return Pressed::Ended,
                },
                Some(()) = self.resized.recv() => return Pressed::Resized,
                Ok(()) = is_on.changed() => {}
            }
        }
    }
}
