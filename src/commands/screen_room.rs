//! The room that a screen has for a listing: how many rows beside what else has to be said. Knows no sessions.

use super::Context;
use crate::output;
use crate::render::table::{Block, Table};
use crate::render::{Format, Head, prose, text};

/// The header of the table, and the line that counts its rows.
const OWN_LINES: usize = 2;

/// What stands before each row that may be marked as new.
const MARKS: usize = 2;
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
    /// The lines for its rows, for what stands above them, and for how many more there are; none for as many as there are rows.
    lines: Option<usize>,
    /// The columns of the table.
    width: usize,
    /// Results replace each other: nothing scrolls out, and no flag would show more.
    replaced: bool,
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

    /// The lines it has at this moment, where it tells, with those that are scrolled over: more rows need not be asked for.
    pub(super) fn lines(context: &Context) -> Option<usize> {
        output::lines().map(|lines| lines + context.scrolled.get())
    }

    /// How much it shows of a listing, with so many `lines`, and the warnings of `head` and these `hints` beside it.
    pub(super) fn part(self, lines: Option<usize>, head: &Head, hints: &[String]) -> Part {
        let Some(lines) = lines else { return Part::default() };
        let notes: usize = notes(head, hints).map(|(label, text)| self.taken(label, text)).sum();
        // The heading of a watch, its gap, and the gap before what is noted; or the line of the prompt, and those two.
        let around = match (self.replaced, self.watched) {
            (true, _) => 2 + usize::from(notes > 0),
            (false, true) => 3,
            (false, false) => 1,
        };
        Part {
            lines: Some(lines.saturating_sub(OWN_LINES + around + notes)),
            width: self.width.saturating_sub(if self.replaced { MARKS } else { 0 }),
            replaced: self.replaced,
        }
    }

    /// The lines that a note takes: on a screen that is drawn on, words stay whole.
    fn taken(self, label: &str, note: &str) -> usize {
        if self.replaced {
            return prose::on_screen(&format!("{label}{note}"), self.width).len();
        }
        prose::height(note, label.len(), self.width)
    }
}

/// What is said beside a result, each with its label.
fn notes<'a>(head: &'a Head, hints: &'a [String]) -> impl Iterator<Item = (&'static str, &'a str)> {
    let warnings = head.warnings.iter().flat_map(|warning| {
        let hint = warning.hint.as_deref().map(|hint| (HINT, hint));
        std::iter::once(("warning: ", warning.message.as_str())).chain(hint)
    });
    warnings.chain(hints.iter().map(|hint| (HINT, hint.as_str())))
}

/// How many lines the warnings of `head` take on a terminal of `columns`.
pub(super) fn height_of_warnings(head: &Head, columns: usize) -> usize {
    notes(head, &[]).map(|(label, text)| prose::height(text, label.len(), columns)).sum()
}

impl Part {
    /// How much the screen that this run's result goes to shows at this moment, with the warnings of `head` and these `hints` beside it.
    pub(super) fn of(context: &Context, head: &Head, hints: &[String]) -> Self {
        let room = ScreenRoom::of(context);
        room.map(|room| room.part(ScreenRoom::lines(context), head, hints)).unwrap_or_default()
    }

    /// The table of as many of `total` rows, each a `noun`, as there is room for, and the line that counts the others; `of` makes a
    /// table of so many rows.
    pub(super) fn table<'a>(
        self,
        total: usize,
        noun: &str,
        of: impl Fn(usize) -> Table<'a>,
    ) -> (Table<'a>, Option<Block<'static>>) {
        let mut above = 0;
        loop {
            let rows = self.rows(total, above);
            let table = of(rows);
            let table = if table.len() < total {
                let all = of(total);
                table.first_of((all.len() == total).then_some(&all))
            } else {
                table
            };
            // Fewer rows may have more in common.
            let needed = if self.lines.is_some() { table.lines_above(self.width) } else { 0 };
            if needed <= above {
                return (table, self.rest(rows, total, noun));
            }
            above = needed;
        }
    }

    /// The part beside these lines, each as long as it is; one of them is counted already.
    pub(super) fn beside<'l>(self, lines: impl IntoIterator<Item = &'l str>) -> Self {
        let width = self.width.max(1);
        let taken = |line: &str| -> usize {
            let lines =
                if self.replaced { prose::on_screen(line, width) } else { prose::of_line(line, width) };
            lines.iter().map(|line| text::width(line).div_ceil(width).max(1)).sum()
        };
        let taken: usize = lines.into_iter().map(taken).sum();
        Self { lines: self.lines.map(|room| (room + 1).saturating_sub(taken)), ..self }
    }

    /// The lines for all of a report that has no row but its own; none for as many as it has.
    pub(super) fn whole(self) -> Option<usize> {
        self.lines.filter(|_| !self.replaced).map(|lines| lines + OWN_LINES)
    }

    /// How many of `total` rows there is room for below so many lines.
    fn rows(self, total: usize, above: usize) -> usize {
        match self.lines.map(|lines| lines.saturating_sub(above)) {
            Some(room) if total > room => room.saturating_sub(1).max(1),
            _ => total,
        }
    }

    /// The line that counts the rows that are not shown; none when all are.
    fn rest(self, shown: usize, total: usize, noun: &str) -> Option<Block<'static>> {
        let left = total.checked_sub(shown).filter(|left| *left > 0)?;
        let more = text::count(i64::try_from(left).unwrap_or(i64::MAX), &format!("more {noun}"));
        let all = format!("{more}; --full or -o, or pipe to a pager");
        let line = match self.replaced {
            true => more,
            false if text::width(&all) <= self.width => all,
            false => format!("{more}; --full"),
        };
        Some(Block::Rest(line, left))
    }
}
