//! How each result of a watch replaces the one before, and what is seen of it while no other comes.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Context;
use super::shown::Shown;
use super::watch::keys;
use super::watch::local_time::Zone;
use crate::model::server::Target;
use crate::observe::State;
use crate::output;
use crate::render::table::{Block, Mark};
use crate::render::{Format, Head, frame, text};
use crate::terminal::{self, Key};

/// How old a result is at least when its age is shown.
const OLD: Duration = Duration::from_secs(1);

/// Where the results of a watch go, one after the other.
pub(super) struct WatchOutput<'a> {
    context: &'a Context,
    every: Duration,
    states: watch::Receiver<State>,
    /// When the last result was shown.
    seen: Option<Instant>,
    /// When its age is to be shown next.
    next_age: Option<Instant>,
    /// Its blocks with everything around them, to find out what changed and to show them again when they grow old.
    last: Arc<Vec<Block<'static>>>,
    /// Warnings and hints that were said already.
    said: Vec<String>,
    /// It was said that the server cannot be asked.
    said_down: bool,
    /// The line above the last result.
    heading: String,
    /// How that is shown.
    mark: Mark,
    /// It stays as it is until it is let go.
    is_held: bool,
    /// While it is held, more of it was asked for.
    wants_more: bool,
    zone: Zone,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing that is not done already.
    Nothing,
    /// A look at once.
    Look,
}

/// What the keys do, where there is room to say it.
const KEYS: &str = "  q ends, space holds, j k scroll";

impl<'a> WatchOutput<'a> {
    /// Nothing shown yet of what is looked at every so often; `states` tell of the server meanwhile.
    pub(super) fn new(context: &'a Context, every: Duration, states: watch::Receiver<State>) -> Self {
        Self {
            context,
            every,
            states,
            seen: None,
            next_age: None,
            last: Arc::default(),
            said: Vec::new(),
            said_down: false,
            heading: String::new(),
            mark: Mark::Dim,
            is_held: false,
            wants_more: false,
            zone: Zone::local(),
        }
    }

    /// Whether there are rows that were not fetched, for want of lines.
    fn is_partial(&self) -> bool {
        self.last.iter().any(|block| matches!(block, Block::Rest(..)))
    }

    /// Whether another size of the terminal makes another result of use.
    pub(super) fn would_fill(&self) -> bool {
        self.is_live() && self.is_partial()
    }

    /// Whether results are to replace the one that is shown.
    pub(super) const fn is_live(&self) -> bool {
        !self.is_held
    }

    /// Does what a key is for.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub(super) fn pressed(&mut self, key: &Key) -> io::Result<Wish> {
        match key {
            // As Ctrl-C does: what is under way is ended in good order.
            Key::Char('q') => terminal::interrupt(),
            Key::Char(' ') => return self.hold(),
            _ => {}
        }
        let Some(scroll) = keys::scroll(key) else { return Ok(Wish::Nothing) };
        let Some(screen) = self.context.output.borrow().screen() else { return Ok(Wish::Nothing) };
        let position = screen.scroll(scroll, self.is_partial())?;
        if position.beyond == 0 || !self.is_partial() {
            return Ok(Wish::Nothing);
        }
        // Rows that the screen had no line for were not fetched: now they are, and a screen of them beforehand.
        self.context.scrolled.set(position.above + position.beyond + position.page);
        self.wants_more = true;
        Ok(Wish::Look)
    }

    /// Lets the result stay as it is, or go.
    fn hold(&mut self) -> io::Result<Wish> {
        self.is_held = !self.is_held;
        self.wants_more = false;
        let heading = Block::marked(self.mark, self.heading());
        if let Some(first) = Arc::make_mut(&mut self.last).first_mut() {
            *first = heading;
        }
        self.next_age = Some(Instant::now() + self.patience()).filter(|_| !self.is_held);
        self.draw()?;
        Ok(if self.is_held { Wish::Nothing } else { Wish::Look })
    }

    /// How old a result becomes before its age is shown.
    fn patience(&self) -> Duration {
        (2 * self.every).max(OLD)
    }

    /// The line above the last result, with what the keys do as far as there is room.
    fn heading(&self) -> String {
        let what = match self.is_held {
            true => keys::HELD,
            false if self.context.ui.is_keyboard() => KEYS,
            false => return self.heading.clone(),
        };
        let whole = format!("{}{what}", self.heading);
        let fits = output::columns().is_none_or(|columns| text::width(&whole) <= columns);
        if fits || self.is_held { whole } else { self.heading.clone() }
    }

    fn on_screen(&self) -> bool {
        self.context.format() == Format::Table && self.context.output.borrow().is_screen()
    }

    /// Ends the watch: the terminal is as it was.
    pub(super) fn leave(&self) {
        self.context.output.borrow_mut().leave_screen();
    }

    /// Shows a new result.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn show(&mut self, shown: &Shown) -> io::Result<()> {
        let (context, format, on_screen) = (self.context, self.context.format(), self.on_screen());
        let is_more = std::mem::take(&mut self.wants_more);
        // What was asked before it was held is seen when it is let go.
        if self.is_held && !is_more {
            return Ok(());
        }
        self.found();
        if shown.silent && !on_screen {
            return Ok(());
        }
        let first = self.seen.is_none();
        self.seen = Some(Instant::now());
        if on_screen {
            // Rows that were not fetched before are no news.
            return self.draw_result(shown, first || is_more);
        }
        for warning in &shown.head.warnings {
            if !self.said.contains(&warning.message) {
                context.ui.warning(warning);
            }
        }
        for hint in shown.hints.iter().filter(|hint| !self.said.contains(hint)) {
            context.ui.hint(hint);
        }
        let warnings = shown.head.warnings.iter().map(|warning| &warning.message);
        self.said = warnings.chain(&shown.hints).cloned().collect();
        let Shown { report, head, .. } = shown;
        let mut output = context.output.borrow_mut();
        let (every, appends, look) = (self.every, output.appends(), output.look());
        output.with(&mut |out| match format {
            Format::Json | Format::Ndjson => report.write_document(report.kind(), head, false, out),
            _ => {
                if appends && !first {
                    writeln!(out)?;
                }
                if appends && format == Format::Table {
                    writeln!(out, "{}", heading(head, every))?;
                }
                crate::render::write(&**report, head, format, look, out)
            }
        })
    }

    /// Draws a new result with what changed in it marked.
    fn draw_result(&mut self, shown: &Shown, is_all_old: bool) -> io::Result<()> {
        let report = shown.report.blocks(&shown.head).into_iter().map(Block::into_owned);
        let report: Vec<Block<'static>> = report.collect();
        let place = shown.head.target.as_ref().map(Target::place).unwrap_or_default();
        // Where a report begins with the server, that stands there once.
        let says_place = matches!(report.first(), Some(Block::Line(_, line)) if line.starts_with(&place));
        let (mark, place) = match says_place {
            true => (Mark::Dim, String::new()),
            false => shown.head.reminding(Mark::Dim, place),
        };
        let place = if place.is_empty() { place } else { format!("{place}  ") };
        self.mark = mark;
        let clock = self.zone.time_of_day(SystemTime::now());
        self.heading = format!("{place}every {}  {clock}", text::duration(self.every.as_secs_f64()));
        let mut blocks = vec![Block::marked(self.mark, self.heading()), Block::Gap];
        blocks.extend(report);
        let warnings = shown.head.warnings.iter().flat_map(|warning| {
            let hint = warning.hint.as_ref().map(|hint| format!("hint: {hint}"));
            std::iter::once(format!("warning: {}", warning.message)).chain(hint)
        });
        let hints = shown.hints.iter().map(|hint| format!("hint: {hint}"));
        let notes: Vec<String> = warnings.chain(hints).collect();
        if !notes.is_empty() {
            blocks.push(Block::Gap);
            blocks.extend(notes.iter().map(|note| Block::marked(Mark::Warn, text::sanitize(note))));
        }
        frame::mark_changes(&mut blocks, if is_all_old { None } else { Some(self.last.as_slice()) });
        self.last = Arc::new(blocks);
        self.draw()?;
        // Rows that are scrolled over are fetched as long as they are.
        let position = self.context.output.borrow().screen().map(|screen| screen.position());
        let above = position.filter(|position| position.above > 0);
        self.context.scrolled.set(above.map_or(0, |position| position.above + position.page));
        Ok(())
    }

    fn draw(&self) -> io::Result<()> {
        self.context.output.borrow_mut().draw(Arc::clone(&self.last))
    }

    /// Returns when there is something to be said though no result has come: the server cannot be asked, or two turns have
    /// passed, and then once a second.
    pub(super) async fn grown_old(&mut self) {
        let next_age = self.next_age;
        let age = async {
            match next_age {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Ok(()) = self.states.changed() => {}
            () = age => {}
        }
    }

    /// Says how old the data is, and why.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub(super) fn stale(&mut self) -> io::Result<()> {
        let State { down, answered } = self.states.borrow_and_update().clone();
        // Whoever holds it knows that it grows old.
        if self.is_held {
            self.next_age = None;
            return Ok(());
        }
        let now = Instant::now();
        if down.is_none() && self.next_age.is_none_or(|at| at > now) {
            return Ok(());
        }
        if !self.on_screen() {
            self.next_age = None;
            if let Some(down) = down.filter(|_| !self.said_down) {
                if let Some(gathered) = &self.context.gathered {
                    gathered.found(Err(down.because.clone().into()));
                }
                self.context.ui.status(&format!("{}; trying again", down.because.message));
                self.said_down = true;
            }
            return Ok(());
        }
        let why = match &down {
            Some(down) => format!("{}; trying again", text::sanitize(&down.because.message)),
            None => "no answer yet".into(),
        };
        let since = answered.or(self.seen);
        let age = since.map(|since| now.saturating_duration_since(since));
        let line = match age {
            None => format!("! no data yet: {why}"),
            Some(age) if age < Duration::from_secs(60) => format!("! data is {}s old: {why}", age.as_secs()),
            Some(age) => format!("! data is {} old: {why}", text::duration(age.as_secs_f64())),
        };
        let line = Block::marked(Mark::Bad, line);
        let last = Arc::make_mut(&mut self.last);
        match last.first_mut() {
            Some(heading) => *heading = line,
            None => last.push(line),
        }
        // By the whole second, of the age that is shown, so that it counts evenly.
        let whole = Duration::from_secs(age.unwrap_or_default().as_secs());
        self.next_age = Some(since.unwrap_or(now) + whole + Duration::from_secs(1));
        self.draw()
    }

    /// Says that the server answers again, where no screen shows it.
    fn found(&mut self) {
        if std::mem::take(&mut self.said_down)
            && let Some(seen) = self.seen
        {
            let away = text::duration(seen.elapsed().as_secs_f64());
            self.context.ui.status(&format!("connected again, {away} after the last result"));
        }
        self.next_age = Some(Instant::now() + self.patience()).filter(|_| !self.is_held);
    }
}

/// `db1:5432  every 2.0s  2026-11-22T15:04:05Z`.
fn heading(head: &Head, every: Duration) -> String {
    let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now());
    let place = head.target.as_ref().map(|target| format!("{}  ", target.place())).unwrap_or_default();
    format!("{place}every {}  {now}", text::duration(every.as_secs_f64()))
}
