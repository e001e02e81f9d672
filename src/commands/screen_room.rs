//! The room that a screen has for a listing: how many rows beside what else has to be said. Knows no sessions.

use super::Context;
use crate::output;
use crate::render::table::{Block, Mark};
use crate::render::{Format, Head, hint, text};

/// The header of the table, and the line that counts its rows.
const OWN_LINES: usize = 2;

/// What a hint begins with.
const HINT: &str = "hint: ";

/// A terminal on which a listing keeps to the screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScreenRoom {
    width: usize,
    /// Results replace each other: nothing scrolls, so that no flag would show more.
    replaced: bool,
    /// A heading stands over each result.
    watched: bool,
}

/// How much of a listing a screen shows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// Rows at most; none for all.
    pub(super) rows: Option<usize>,
    /// A flag shows all of them.
    by_flag: bool,
}

impl ScreenRoom {
    /// A screen of so many columns.
    #[cfg(test)]
    pub(super) const fn of_width(width: usize, watched: bool) -> Self {
        Self { width, replaced: watched, watched }
    }

    /// The screen that this run's result goes to; none where all of it is written: to files and pipes, for programs, and with
    /// `--full`, but where results replace each other.
    pub(super) fn of(context: &Context) -> Option<Self> {
        let output = context.output.borrow();
        let look = output.look();
        let width = look.width.filter(|_| context.format() == Format::Table)?;
        let watched = context.flags.watch.is_some();
        let replaced = watched && output.is_screen();
        (replaced || !look.full).then_some(Self { width, replaced, watched })
    }

    /// The lines it has at this moment, where it tells: more rows need not be asked for.
    pub(super) fn lines() -> Option<usize> {
        output::lines()
    }

    /// How much it shows, with so many `lines`, of a listing of `total` rows, with the warnings of `head` and these `hints` beside it.
    pub(super) fn part(self, lines: Option<usize>, total: usize, head: &Head, hints: &[String]) -> Part {
        let Some(lines) = lines else { return Part::default() };
        let warnings = head.warnings.iter().flat_map(|warning| {
            std::iter::once(("warning: ", &warning.message))
                .chain(warning.hint.iter().map(|hint| (HINT, hint)))
        });
        let notes = warnings.chain(hints.iter().map(|hint| (HINT, hint)));
        let notes: usize = notes.map(|(label, text)| self.taken(label, text)).sum();
        // The heading of a watch, its gap, and the gap before what is noted; or the line of the prompt, and those two.
        let around = match (self.replaced, self.watched) {
            (true, _) => 2 + usize::from(notes > 0),
            (false, true) => 3,
            (false, false) => 1,
        };
        let room = lines.saturating_sub(OWN_LINES + around + notes);
        let rows = if total <= room { total } else { room.saturating_sub(1).max(1) };
        Part { rows: Some(rows), by_flag: !self.replaced }
    }

    /// The columns it has.
    pub(super) const fn width(self) -> usize {
        self.width
    }

    /// The lines that a note takes: on a screen that is drawn on, words stay whole.
    fn taken(self, label: &str, note: &str) -> usize {
        if self.replaced {
            return text::wrapped(&format!("{label}{note}"), self.width).len();
        }
        let width = self.width.max(1);
        if label == HINT {
            let lines = hint::lines(note, label.len(), width);
            let first = lines.first().map_or(0, |line| label.len() + text::width(line));
            let others = lines.iter().skip(1).map(|line| text::width(line));
            return std::iter::once(first).chain(others).map(|taken| taken.div_ceil(width)).sum();
        }
        (label.len() + text::width(note)).div_ceil(width)
    }
}

impl Part {
    /// The line that counts the rows of `total` that are not shown, each a `noun`; none when all are.
    pub(super) fn rest(self, total: usize, noun: &str) -> Option<Block<'static>> {
        let more = total.checked_sub(self.rows?).filter(|more| *more > 0)?;
        let more = text::count(i64::try_from(more).unwrap_or(i64::MAX), &format!("more {noun}"));
        let how = if self.by_flag { "; --full shows them" } else { "" };
        Some(Block::marked(Mark::Dim, format!("{more}{how}")))
    }
}
