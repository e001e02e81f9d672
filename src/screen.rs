//! The other screen of a terminal, where results replace each other before somebody's eyes: only what changed is written. It is
//! handed back whenever the shell wants its terminal (Ctrl-Z), and drawn again when it is ours once more (`fg`). Knows no server.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fd::{AsFd as _, OwnedFd};
use rustix::process::{Signal, getpgrp, getpid, getsid, kill_process};
use rustix::termios::{Action, tcflow, tcgetpgrp};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::after_panic::{self, UndoneAtPanic};
use crate::outlet::Outlet;
use crate::render::Look;
use crate::render::frame::{ENTER, Frame, LEAVE};
use crate::render::table::Block;
use crate::stop::Ignored;
use crate::terminal::{self, Typing};

/// How large a terminal is, as far as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScreenSize {
    /// Its columns.
    pub(crate) columns: Option<usize>,
    /// Its lines.
    pub(crate) lines: Option<usize>,
}

/// How many blocks stay at the top, whatever is scrolled: the heading, and the empty line below it.
const PINNED: usize = 2;

/// A wish to see what is above or below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scroll {
    /// So many lines down, or up.
    Lines(isize),
    /// So many screens down, or up.
    Pages(isize),
    /// The first line.
    Top,
    /// The last one.
    End,
}

/// Where a screen is in what it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Lines that are scrolled out at the top.
    pub(crate) above: usize,
    /// Lines that were wanted beyond the last one.
    pub(crate) beyond: usize,
    /// Lines that scroll at a time.
    pub(crate) page: usize,
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
    /// The terminal whose keys are read meanwhile; none where nobody types.
    keyboard: Option<OwnedFd>,
    /// The terminal shows its other screen.
    is_on: watch::Sender<bool>,
    /// Lines that are to be scrolled out at the top, if there are so many.
    scrolled: usize,
    /// What is to be seen; nothing before the first result and after the end.
    blocks: Option<Arc<Vec<Block<'static>>>>,
    shown: Option<Shown>,
    _at_panic: UndoneAtPanic,
}

/// What the terminal shows, and what it knew by then.
#[derive(Debug)]
struct Shown {
    frame: Frame,
    size: ScreenSize,
    news: u64,
}

impl Screen {
    /// A screen on the terminal that `outlet` leads to. `news` may lead there, too, and `measure` tells how large it is. While it is
    /// drawn on, keys come from the terminal that `keyboard` is one by one.
    ///
    /// # Errors
    /// When the operating system does not let it hear what the terminal says.
    pub(crate) fn new(
        outlet: Arc<Outlet>,
        news: &'static Outlet,
        look: Look,
        measure: fn() -> ScreenSize,
        keyboard: Option<OwnedFd>,
    ) -> io::Result<Self> {
        let (is_on, _) = watch::channel(false);
        let at_panic = after_panic::undo_terminal(terminal::give_back);
        let state = State {
            outlet,
            news,
            look,
            measure,
            keyboard,
            is_on,
            scrolled: 0,
            blocks: None,
            shown: None,
            _at_panic: at_panic,
        };
        let screen = Self(Arc::new(Mutex::new(state)));
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
        state.draw()?;
        // What there is no more of is not waited for.
        if let Some(shown) = &state.shown {
            state.scrolled = shown.frame.above();
        }
        Ok(())
    }

    /// Tells whether the terminal is drawn on, from now on.
    pub(crate) fn is_on(&self) -> watch::Receiver<bool> {
        self.state().is_on.subscribe()
    }

    /// Scrolls what is shown; returns where that leads. Where it `can_grow`, what was wanted beyond the end is scrolled to if there is
    /// so much at the next result.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub(crate) fn scroll(&self, scroll: Scroll, can_grow: bool) -> io::Result<Position> {
        let mut state = self.state();
        let Some(shown) = &state.shown else { return Ok(Position::default()) };
        let (most, page) = (shown.frame.most_above(), shown.frame.page());
        let moved = |by: isize, lines: usize| {
            state
                .scrolled
                .saturating_add_signed(by.saturating_mul(isize::try_from(lines).unwrap_or(isize::MAX)))
        };
        let wanted = match scroll {
            Scroll::Lines(by) => moved(by, 1),
            Scroll::Pages(by) => moved(by, page),
            Scroll::Top => 0,
            Scroll::End => most + page,
        };
        state.scrolled = if can_grow { wanted } else { wanted.min(most) };
        state.draw()?;
        Ok(Position { above: wanted.min(most), beyond: wanted.saturating_sub(most), page })
    }

    /// Where it is.
    pub(crate) fn position(&self) -> Position {
        let state = self.state();
        let frame = state.shown.as_ref().map(|shown| &shown.frame);
        frame.map_or_else(Position::default, |frame| Position {
            above: frame.above(),
            beyond: 0,
            page: frame.page(),
        })
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
        let frame = Frame::scrolled(blocks, self.look, size.lines, PINNED, self.scrolled)?;
        let (news, was_on) = (self.news.said(), *self.is_on.borrow());
        let before = before.filter(|before| was_on && (before.size, before.news) == (size, news));
        let mut text = before.map_or_else(|| frame.whole(), |before| frame.over(&before.frame));
        if !was_on {
            self.take()?;
            text.insert_str(0, ENTER);
        }
        self.is_on.send_replace(true);
        self.write(&text)?;
        self.shown = Some(Shown { frame, size, news });
        Ok(())
    }

    /// Draws everything, whatever the terminal shows: not even its other screen, when somebody else had it meanwhile.
    fn draw_anew(&mut self, is_taken_back: bool) -> io::Result<()> {
        self.shown = None;
        if is_taken_back && self.is_ours() {
            self.is_on.send_replace(false);
        }
        self.draw()
    }

    fn hand_back(&mut self) {
        self.shown = None;
        // Who panicked has left it already, and told of it since.
        if self.is_on.send_replace(false) && terminal::is_taken() {
            self.let_flow();
            // A terminal that went away needs no order.
            let _ = self.write(LEAVE);
        }
        terminal::restore();
    }

    /// Takes the keys, and notes what is to be undone.
    fn take(&self) -> io::Result<()> {
        match &self.keyboard {
            Some(keyboard) => terminal::take(keyboard.as_fd(), Typing::Signals),
            None => {
                self.outlet.file().into_iter().for_each(|terminal| terminal::note(terminal.as_fd()));
                Ok(())
            }
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
        let screen = Screen::new(Arc::new(outlet), news, Look::default(), size, None).unwrap();
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
