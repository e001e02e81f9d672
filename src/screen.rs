//! The other screen of a terminal, where results replace each other before somebody's eyes: only what changed is written. It is
//! handed back whenever the shell wants its terminal (Ctrl-Z), and drawn again when it is ours once more (`fg`). Knows no server.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Signal, getpgrp, getpid, getsid, kill_process};
use rustix::termios::{Action, tcflow, tcgetpgrp};
use tokio::signal::unix::{SignalKind, signal};

use crate::after_panic::{self, UndoneAtPanic};
use crate::outlet::Outlet;
use crate::render::Look;
use crate::render::frame::{ENTER, Frame, LEAVE};
use crate::render::table::Block;
use crate::stop::Ignored;

/// How large a terminal is, as far as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScreenSize {
    /// Its columns.
    pub(crate) columns: Option<usize>,
    /// Its lines.
    pub(crate) lines: Option<usize>,
}

/// What is drawn there, also by those who hear the signals of the terminal.
#[derive(Clone, Debug)]
pub(crate) struct Screen(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    outlet: Arc<Outlet>,
    /// Where warnings and other news go: they stand on the terminal that is drawn on.
    news: &'static Outlet,
    look: Look,
    measure: fn() -> ScreenSize,
    /// The terminal shows its other screen.
    is_on: bool,
    /// What is to be seen; nothing before the first result and after the end.
    blocks: Option<Arc<Vec<Block<'static>>>>,
    shown: Option<Shown>,
    at_panic: Option<UndoneAtPanic>,
}

/// What the terminal shows, and what it knew by then.
#[derive(Debug)]
struct Shown {
    frame: Frame,
    size: ScreenSize,
    news: u64,
}

impl Screen {
    /// A screen on the terminal that `outlet` leads to. `news` may lead there, too, and `measure` tells how large it is.
    ///
    /// # Errors
    /// When the operating system does not let it hear what the terminal says.
    pub(crate) fn new(
        outlet: Arc<Outlet>,
        news: &'static Outlet,
        look: Look,
        measure: fn() -> ScreenSize,
    ) -> io::Result<Self> {
        let state =
            State { outlet, news, look, measure, is_on: false, blocks: None, shown: None, at_panic: None };
        let screen = Self(Arc::new(Mutex::new(state)));
        screen.state().at_panic = Some(after_panic::undo_terminal({
            let state = Arc::downgrade(&screen.0);
            move || {
                // Who panics while it draws has it locked; then what is told stands on the other screen, and is lost with it.
                if let Some(state) = state.upgrade()
                    && let Ok(mut state) = state.try_lock()
                {
                    state.hand_back();
                }
            }
        }));
        screen.attend()?;
        Ok(screen)
    }

    /// Shows these blocks, as soon as the terminal is ours.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn draw(&self, blocks: Arc<Vec<Block<'static>>>) -> io::Result<()> {
        let mut state = self.state();
        state.blocks = Some(blocks);
        state.draw()
    }

    /// Shows the terminal as it was before; nothing is drawn any more.
    pub(crate) fn leave(&self) {
        let mut state = self.state();
        state.blocks = None;
        state.hand_back();
    }

    /// Hears the terminal and its shell from now on, whatever else the run waits for.
    fn attend(&self) -> io::Result<()> {
        let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        let mut resized = signal(SignalKind::window_change())?;
        let stop = SignalKind::from_raw(Signal::TSTP.as_raw());
        if !Ignored::at_start().contains(stop) {
            let (mut stopped, screen) = (signal(stop)?, self.clone());
            tokio::spawn(async move {
                while stopped.recv().await.is_some() {
                    screen.stop();
                }
            });
        }
        let screen = self.clone();
        tokio::spawn(async move {
            loop {
                let is_taken_back = tokio::select! {
                    Some(()) = continued.recv() => true,
                    Some(()) = resized.recv() => false,
                    else => return,
                };
                // What cannot be written now is met again by the next result.
                let _ = screen.state().draw_anew(is_taken_back);
            }
        });
        Ok(())
    }

    /// Does what a program does that does not hear Ctrl-Z: hands the terminal back and stops until it is continued.
    fn stop(&self) {
        if is_alone() {
            return;
        }
        self.state().hand_back();
        let _ = kill_process(getpid(), Signal::STOP);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn draw(&mut self) -> io::Result<()> {
        let before = self.shown.take();
        let Some(blocks) = self.blocks.as_deref().filter(|_| self.is_ours()) else { return Ok(()) };
        let size = (self.measure)();
        self.look.width = size.columns.or(self.look.width);
        let (frame, news) = (Frame::of(blocks, self.look, size.lines)?, self.news.said());
        let before = before.filter(|before| self.is_on && (before.size, before.news) == (size, news));
        let mut text = before.map_or_else(|| frame.whole(), |before| frame.over(&before.frame));
        if !std::mem::replace(&mut self.is_on, true) {
            text.insert_str(0, ENTER);
        }
        self.write(&text)?;
        self.shown = Some(Shown { frame, size, news });
        Ok(())
    }

    /// Draws everything, whatever the terminal shows: not even its other screen, when somebody else had it meanwhile.
    fn draw_anew(&mut self, is_taken_back: bool) -> io::Result<()> {
        self.shown = None;
        if is_taken_back && self.is_ours() {
            self.is_on = false;
        }
        self.draw()
    }

    fn hand_back(&mut self) {
        self.shown = None;
        if std::mem::take(&mut self.is_on) {
            self.let_flow();
            // A terminal that went away needs no order.
            let _ = self.write(LEAVE);
        }
    }

    /// Ends what Ctrl-S began: a terminal that takes nothing could not be restored.
    fn let_flow(&self) {
        if let Some(terminal) = self.outlet.file().filter(|_| self.is_ours()) {
            // It starts only what was stopped in the same way. One that went away needs nothing.
            let _ = tcflow(terminal, Action::OOff).and_then(|()| tcflow(terminal, Action::OOn));
        }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut outlet = &*self.outlet;
        outlet.write_all(text.as_bytes())
    }

    /// Whether the terminal is this program's just now, and not its shell's or that of another one in its foreground. A terminal
    /// that is not the controlling one belongs to nobody.
    fn is_ours(&self) -> bool {
        self.outlet
            .file()
            .and_then(|terminal| tcgetpgrp(terminal).ok())
            .is_none_or(|owner| owner == getpgrp())
    }
}

/// Whether no shell is there that could continue this program, so that nobody stops it either: those of the session's leader.
fn is_alone() -> bool {
    getsid(None).is_ok_and(|session| session == getpgrp())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{PipeReader, Read as _, pipe};
    use std::os::fd::OwnedFd;

    use super::*;

    fn outlet() -> (PipeReader, Outlet) {
        let (reader, writer) = pipe().unwrap();
        (reader, Outlet::at_once(File::from(OwnedFd::from(writer))))
    }

    fn read(mut pipe: &PipeReader) -> String {
        let mut part = [0; 4096];
        let length = pipe.read(&mut part).unwrap();
        String::from_utf8_lossy(&part[..length]).into_owned()
    }

    fn blocks(line: &str) -> Arc<Vec<Block<'static>>> {
        Arc::new(vec![Block::line(line), Block::line("more")])
    }

    #[tokio::test]
    async fn what_is_said_beside_is_drawn_over() {
        let ((terminal, outlet), (_reader, news)) = (outlet(), outlet());
        let news: &'static Outlet = Box::leak(Box::new(news));
        let size = || ScreenSize { columns: Some(20), lines: Some(5) };
        let screen = Screen::new(Arc::new(outlet), news, Look::default(), size).unwrap();
        let draw = |line: &str| {
            screen.draw(blocks(line)).unwrap();
            read(&terminal)
        };
        assert!(draw("age 1s").contains(ENTER));
        assert!(!draw("age 2s").contains("more"));
        assert!(!draw("age 3s").contains("more"));
        news.say(b"warning: it stands on the same terminal\n");
        assert!(draw("age 4s").contains("more"));
        assert!(!draw("age 5s").contains("more"));
        screen.leave();
        assert_eq!(read(&terminal), LEAVE);
    }
}
