//! How each result of a watch replaces the one before, and what is seen of it while no other comes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Context;
use super::shown::Shown;
use crate::observe::State;
use crate::render::table::{Block, Mark};
use crate::render::{Format, Head, frame, text};

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
}

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
        }
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
        self.found();
        if shown.silent && !on_screen {
            return Ok(());
        }
        let first = self.seen.is_none();
        self.seen = Some(Instant::now());
        if on_screen {
            return self.draw_result(shown, first);
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
    fn draw_result(&mut self, shown: &Shown, first: bool) -> io::Result<()> {
        let mut blocks = vec![Block::marked(Mark::Dim, heading(&shown.head, self.every)), Block::Gap];
        blocks.extend(shown.report.blocks(&shown.head).into_iter().map(Block::into_owned));
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
        frame::mark_changes(&mut blocks, if first { None } else { Some(self.last.as_slice()) });
        self.last = Arc::new(blocks);
        self.draw()
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
        let line = match since.map(|since| since.elapsed()) {
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
        // By the whole second, so that it counts evenly.
        let since = since.unwrap_or(now);
        self.next_age = Some(since + Duration::from_secs(since.elapsed().as_secs() + 1));
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
        self.next_age = Some(Instant::now() + (2 * self.every).max(OLD));
    }
}

/// `db1:5432  every 2.0s  2026-11-22T15:04:05Z`.
fn heading(head: &Head, every: Duration) -> String {
    let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now());
    let place = head.target.as_ref().map(|target| format!("{}  ", target.place())).unwrap_or_default();
    format!("{place}every {}  {now}", text::duration(every.as_secs_f64()))
}
