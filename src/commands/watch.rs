//! `--watch`: the same look again and again over one connection, and how each result replaces the one before. Every
//! command that looks or judges runs through here, with or without `--watch`.

use std::io;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{self, Instant, MissedTickBehavior};

use super::Context;
use crate::args::Emergency;
use crate::db::{Backoff, Db, Error};
use crate::exit::Exit;
use crate::output::Output;
use crate::render::table::{Block, Mark};
use crate::render::{Format, Head, Report, frame, text};
use crate::stop::Signal;

/// A result, ready to be shown, and how the run ends when it is the only one.
#[derive(Debug)]
pub(crate) struct Shown<R> {
    /// The result.
    pub(crate) report: R,
    /// What stands around it.
    pub(crate) head: Head,
    /// What to do next.
    pub(crate) hints: Vec<String>,
    /// How a run without `--watch` ends.
    pub(crate) exit: Exit,
    /// Good news that nobody wants to hear: nothing is written.
    pub(crate) silent: bool,
}

impl<R> Shown<R> {
    /// A result with nothing more to say, whose run ends well.
    pub(crate) const fn new(report: R, head: Head) -> Self {
        Self { report, head, hints: Vec::new(), exit: Exit::Done, silent: false }
    }
}

/// Runs a command that asks one server over a connection of this function's making: once, or as often as `--watch` says.
///
/// # Errors
/// When no connection can be had at first, or a look fails in a way that trying again cannot mend.
pub(crate) async fn look<R: Report>(
    context: &mut Context,
    gather: impl AsyncFn(&Context, &Db) -> Result<Shown<R>>,
) -> Result<Exit> {
    let Some(every) = context.flags.watch else {
        let db = context.connect().await?;
        let shown = gather(context, &db).await?;
        db.close().await;
        return context.show(&shown);
    };
    let frames = Frames::new(context, every);
    let ended = looks(context, frames, &gather).await;
    end(context, ended)
}

/// Runs a command that does its own connecting, because that it cannot connect is a result, too. `gather` is given the
/// connection of the turn before and hands on its own.
///
/// # Errors
/// When a look fails without a result.
pub(crate) async fn judge<R: Report>(
    context: &mut Context,
    gather: impl AsyncFn(&Context, Option<Db>) -> Result<(Shown<R>, Option<Db>)>,
) -> Result<Exit> {
    let Some(every) = context.flags.watch else {
        let (shown, db) = gather(context, None).await?;
        if let Some(db) = db {
            db.close().await;
        }
        return context.show(&shown);
    };
    let mut frames = Frames::new(context, every);
    let mut db = None;
    let ended = loop {
        if let Some(signal) = frames.turn(context).await {
            break Ok(signal);
        }
        let shown = match gather(context, db.take()).await {
            Ok((shown, kept)) => {
                db = kept;
                shown
            }
            Err(error) => break context.stop.signal().ok_or(error),
        };
        if let Err(error) = frames.show(context, &shown) {
            break Err(error.into());
        }
    };
    frames.leave(context);
    if let Some(db) = db {
        db.close().await;
    }
    end(context, ended)
}

/// Ctrl-C is how a watch is meant to end.
fn end(context: &Context, ended: Result<Signal>) -> Result<Exit> {
    match ended.or_else(|error| context.stop.signal().ok_or(error))? {
        Signal::Interrupt => Ok(Exit::Done),
        Signal::Terminate => Ok(Exit::Terminated),
    }
}

async fn looks<R: Report>(
    context: &mut Context,
    mut frames: Frames,
    gather: &impl AsyncFn(&Context, &Db) -> Result<Shown<R>>,
) -> Result<Signal> {
    let ended = turns(context, &mut frames, gather).await;
    frames.leave(context);
    ended
}

async fn turns<R: Report>(
    context: &Context,
    frames: &mut Frames,
    gather: &impl AsyncFn(&Context, &Db) -> Result<Shown<R>>,
) -> Result<Signal> {
    let mut db = context.connect_with(Emergency::Never).await?;
    loop {
        if let Some(signal) = frames.turn(context).await {
            db.close().await;
            return Ok(signal);
        }
        match gather(context, &db).await {
            Ok(shown) => frames.show(context, &shown)?,
            Err(error) => {
                let trouble = error.downcast::<Error>()?;
                if !trouble.is_transient() && !trouble.is_late() {
                    return Err(trouble.into());
                }
                drop(db);
                db = match reconnect(context, frames, trouble).await? {
                    Ok(db) => db,
                    Err(signal) => return Ok(signal),
                };
            }
        }
    }
}

/// Tries until there is a connection again, showing how old the data on the screen is meanwhile.
async fn reconnect(context: &Context, frames: &mut Frames, trouble: Error) -> Result<Result<Db, Signal>> {
    let mut backoff = Backoff::new();
    let mut trouble = trouble;
    frames.lost(context, &trouble);
    loop {
        let again = async {
            time::sleep(backoff.wait()).await;
            context.connect_again().await
        };
        tokio::pin!(again);
        let mut second = time::interval(Duration::from_secs(1));
        let connected = loop {
            tokio::select! {
                connected = &mut again => break connected,
                _ = second.tick() => frames.stale(&trouble)?,
                signal = context.stop.pulled() => return Ok(Err(signal)),
            }
        };
        match connected {
            Ok(db) => {
                frames.found(context);
                return Ok(Ok(db));
            }
            Err(error) if error.is_transient() => trouble = error,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Where the results of a watch go, one after the other.
#[derive(Debug)]
struct Frames {
    /// Taken from the context while it lasts, and given back by [`Frames::leave`].
    output: Output,
    every: Duration,
    beat: time::Interval,
    /// When the last result was shown.
    seen: Option<Instant>,
    /// Its blocks with everything around them, to find out what changed and to show them again when they grow old.
    last: Vec<Block<'static>>,
    /// Warnings and hints that were said already.
    said: Vec<String>,
}

impl Frames {
    fn new(context: &mut Context, every: Duration) -> Self {
        let mut beat = time::interval(every);
        // A slow server is not asked faster to make up for it.
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let output = std::mem::take(&mut context.output);
        Self { output, every, beat, seen: None, last: Vec::new(), said: Vec::new() }
    }

    /// Waits for the next turn; returns the signal that ends the watch when one arrives first.
    async fn turn(&mut self, context: &Context) -> Option<Signal> {
        tokio::select! {
            biased;
            signal = context.stop.pulled() => Some(signal),
            _ = self.beat.tick() => None,
        }
    }

    /// Ends the watch: the terminal is as it was.
    fn leave(self, context: &mut Context) {
        context.output = self.output;
        context.output.leave_screen();
    }

    fn show<R: Report>(&mut self, context: &Context, shown: &Shown<R>) -> io::Result<()> {
        let format = context.format();
        let on_screen = format == Format::Table && self.output.is_screen();
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
        let (every, appends) = (self.every, self.output.appends());
        let look = self.output.look();
        self.output.with(|out| match format {
            Format::Json | Format::Ndjson => crate::render::json::write_document(report, head, false, out),
            _ => {
                if appends && !first {
                    writeln!(out)?;
                }
                if appends && format == Format::Table {
                    writeln!(out, "{}", heading(head, every))?;
                }
                crate::render::write(report, head, format, look, out)
            }
        })
    }

    /// Draws a new result with what changed in it marked.
    fn draw_result<R: Report>(&mut self, shown: &Shown<R>, first: bool) -> io::Result<()> {
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
        frame::mark_changes(&mut blocks, if first { None } else { Some(&self.last) });
        self.last = blocks;
        self.draw()
    }

    fn draw(&mut self) -> io::Result<()> {
        self.output.enter_screen()?;
        let look = self.output.look();
        let lines = self.output.lines();
        let blocks = &self.last;
        self.output.with(|out| frame::write(blocks, look, lines, out))
    }

    /// Says once that there is no connection, where no screen shows it.
    fn lost(&mut self, context: &Context, trouble: &Error) {
        if !self.output.is_screen() || context.format() != Format::Table {
            context.ui.status(&format!("{}; trying again", trouble.message));
        }
    }

    /// Shows how old the data is, and why.
    fn stale(&mut self, trouble: &Error) -> io::Result<()> {
        let Some(seen) = self.seen.filter(|_| !self.last.is_empty()) else { return Ok(()) };
        if let Some(heading) = self.last.first_mut() {
            let age = match seen.elapsed().as_secs() {
                seconds @ ..60 => format!("{seconds}s"),
                _ => text::duration(seen.elapsed().as_secs_f64()),
            };
            let line = format!("! data is {age} old: {}; trying again", text::sanitize(&trouble.message));
            *heading = Block::marked(Mark::Bad, line);
        }
        self.draw()
    }

    /// Says that there is a connection again, where no screen shows it.
    fn found(&mut self, context: &Context) {
        self.beat.reset_immediately();
        if let Some(seen) = self.seen
            && (!self.output.is_screen() || context.format() != Format::Table)
        {
            let away = text::duration(seen.elapsed().as_secs_f64());
            context.ui.status(&format!("connected again, {away} after the last result"));
        }
    }
}

/// `db1:5432  every 2.0s  2026-11-22T15:04:05Z`.
fn heading(head: &Head, every: Duration) -> String {
    let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now());
    let place = head.target.as_ref().map(|target| format!("{}  ", target.place())).unwrap_or_default();
    format!("{place}every {}  {now}", text::duration(every.as_secs_f64()))
}
