//! Results that replace each other on a terminal: what changed is marked, only that is written, and nothing flickers.

#[cfg(test)]
mod interpreter;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io;

use super::look::Look;
use super::table::{self, Block};
use super::{prose, text};

/// The other screen of the terminal, without a cursor and without wrapping.
pub(crate) const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";
/// The screen as it was.
pub(crate) const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";
/// Terminals that know it show everything up to [`SHOW`] at once; others ignore it.
const HOLD: &str = "\u{1b}[?2026h";
const SHOW: &str = "\u{1b}[?2026l";

/// From the cursor to the end of its line, and of the screen.
const ERASE_LINE: &str = "\u{1b}[K";
const ERASE_BELOW: &str = "\u{1b}[J";
/// The end of every style.
const PLAIN: &str = "\u{1b}[0m";

/// What lies unchanged between two changes is written with them up to this length: to jump over it takes as many bytes.
const NEAR: usize = 4;

/// Marks the rows that were not there before, ages aside; none when there is nothing before, or more of the same is seen now.
pub(crate) fn mark_changes(blocks: &mut [Block<'_>], before: Option<&[Block<'_>]>) {
    let rows = |blocks: &[Block<'_>]| tables(blocks).map(table::Table::len).sum::<usize>();
    let now = rows(blocks);
    let is_more = |before: &&[Block<'_>]| {
        before.iter().any(|block| matches!(block, Block::Rest(..))) && rows(before) < now
    };
    let known: Option<HashSet<Vec<String>>> = before
        .filter(|before| !is_more(before))
        .map(|before| tables(before).flat_map(table::Table::news).collect());
    for block in blocks {
        if let Block::Table(table) = block {
            table.mark_news(known.as_ref());
        }
    }
}

fn tables<'b, 'a>(blocks: &'b [Block<'a>]) -> impl Iterator<Item = &'b table::Table<'a>> {
    blocks.iter().filter_map(|block| match block {
        Block::Table(table) => Some(table),
        Block::Line(..) | Block::Text(_) | Block::Rest(..) | Block::Gap => None,
    })
}

/// What a terminal shows: the lines that fit on it.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    lines: Vec<Line>,
    /// The columns of the terminal.
    width: usize,
    /// Lines that are scrolled out, how many can be, and how many there are between.
    above: usize,
    most_above: usize,
    page: usize,
}

/// A line of a result.
struct LaidOut {
    line: Line,
    /// Which is the header of the table that it is in.
    header: Option<usize>,
    /// How much is to be seen for it on a larger screen: itself, or what it counts.
    stands_for: usize,
}

/// A line of one style, as a table writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    style: String,
    text: String,
}

impl Line {
    fn read(line: &str) -> Self {
        let mut text = line;
        // No text on its way to a terminal has an escape character, and every style ends in m.
        while let Some((_, rest)) = text.strip_prefix('\u{1b}').and_then(|style| style.split_once('m')) {
            text = rest;
        }
        let style = line.strip_suffix(text).unwrap_or_default();
        Self { style: style.to_owned(), text: text.strip_suffix(PLAIN).unwrap_or(text).to_owned() }
    }

    /// How many columns from the left are certain on every terminal: terminals differ in how wide they show what is not ASCII,
    /// and what follows a character may be shown as one with it.
    fn certain(&self) -> usize {
        let ascii = self.text.bytes().take_while(|byte| (b' '..=b'~').contains(byte)).count();
        if ascii == self.text.len() { ascii } else { ascii.saturating_sub(1) }
    }
}

impl Frame {
    /// Lays the blocks out for a terminal of that look and so many lines; what does not fit is counted.
    ///
    /// # Errors
    /// When a table cannot be laid out.
    #[cfg(test)]
    pub(crate) fn of(blocks: &[Block<'_>], look: Look, lines: Option<usize>) -> io::Result<Self> {
        Self::scrolled(blocks, look, lines, 0, 0)
    }

    /// Lays the blocks out for a terminal of that look and so many lines, `scrolled` of them scrolled out at the top, as far as there
    /// is something below: not the first `pinned` blocks, nor the header of a table of which there is a row.
    ///
    /// # Errors
    /// When a table cannot be laid out.
    pub(crate) fn scrolled(
        blocks: &[Block<'_>],
        look: Look,
        lines: Option<usize>,
        pinned: usize,
        above: usize,
    ) -> io::Result<Self> {
        let (all, fixed) = laid_out(blocks, look, pinned)?;
        let width = look.width.unwrap_or(usize::MAX);
        let Some(lines) = lines.filter(|lines| all.len() > *lines) else {
            let lines: Vec<Line> = all.into_iter().map(|laid_out| laid_out.line).collect();
            return Ok(Self { page: lines.len().max(1), lines, width, ..Self::default() });
        };
        let fixed = fixed.min(lines.saturating_sub(1));
        let (top, body) = all.split_at_checked(fixed).unwrap_or_default();
        // The last line counts what is not shown.
        let room = lines.saturating_sub(fixed + 1);
        let header = |at: usize| {
            let header = body.get(at)?.header.filter(|header| *header < fixed + at && room > 1)?;
            all.get(header)
        };
        let most_above = body.len().saturating_sub(room);
        let above = above.min(most_above);
        let below: usize = body.iter().skip(above + room).map(|laid_out| laid_out.stands_for).sum();
        let rest = match (above, below) {
            (0, below) => format!("\u{2026} {below} more lines"),
            (above, 0) => format!("\u{2026} {above} above"),
            (above, below) => format!("\u{2026} {above} above, {below} below"),
        };
        // A header that stays takes the place of the first line.
        let header = header(above);
        let window = body.iter().skip(above).take(room).skip(usize::from(header.is_some()));
        let lines = top.iter().chain(header).chain(window).map(|laid_out| laid_out.line.clone());
        let lines: Vec<Line> = lines.chain([Line::read(&rest)]).collect();
        Ok(Self { lines, width, above, most_above, page: room.saturating_sub(1).max(1) })
    }

    /// Lines that are scrolled out at the top.
    pub(crate) const fn above(&self) -> usize {
        self.above
    }

    /// How many can be.
    pub(crate) const fn most_above(&self) -> usize {
        self.most_above
    }

    /// How many lines scroll at a time.
    pub(crate) const fn page(&self) -> usize {
        self.page
    }

    /// What draws all of it from the first line on, whatever the terminal shows.
    pub(crate) fn whole(&self) -> String {
        let mut pen = Pen::new();
        pen.text.push_str("\u{1b}[H");
        let last = self.lines.len().saturating_sub(1);
        for (row, line) in self.lines.iter().enumerate() {
            // Before the line: at the edge of the terminal the cursor stays on the last character.
            pen.put(if row == last { ERASE_BELOW } else { ERASE_LINE });
            pen.write(&line.style, &line.text);
            pen.put(if row == last { "" } else { "\r\n" });
        }
        if self.lines.is_empty() {
            pen.put(ERASE_BELOW);
        }
        pen.finish()
    }

    /// What turns `before`, which the terminal shows, into this; nothing when they are the same.
    pub(crate) fn over(&self, before: &Self) -> String {
        if self.width != before.width {
            return self.whole();
        }
        let mut pen = Pen::new();
        let none = Line::default();
        for (row, line) in self.lines.iter().enumerate() {
            self.mend(row, before.lines.get(row).unwrap_or(&none), line, &mut pen);
        }
        if before.lines.len() > self.lines.len() {
            pen.go(self.lines.len(), 0);
            pen.put(ERASE_BELOW);
        }
        if pen.place.is_none() { String::new() } else { pen.finish() }
    }

    /// Turns one line into another one.
    fn mend(&self, row: usize, before: &Line, line: &Line, pen: &mut Pen) {
        if line == before {
            return;
        }
        // What is too long for the terminal piles up at its edge, where a character may take two columns.
        let edge = self.width.saturating_sub(2);
        let certain =
            if line.style == before.style { line.certain().min(before.certain()).min(edge) } else { 0 };
        let (old, rest_before) = before.text.split_at_checked(certain).unwrap_or_default();
        let (new, rest) = line.text.split_at_checked(certain).unwrap_or_default();
        for (from, to) in changes(old.as_bytes(), new.as_bytes()) {
            pen.go(row, from);
            pen.write(&line.style, new.get(from..to).unwrap_or_default());
            pen.place = Some((row, to));
        }
        if rest != rest_before || line.style != before.style {
            pen.go(row, certain);
            pen.put(ERASE_LINE);
            pen.write(&line.style, rest);
            // Nobody knows for certain where the cursor is now.
            pen.place = Some((row, usize::MAX));
        }
    }
}

/// All lines, and how many of them are of the first `pinned` blocks.
fn laid_out(blocks: &[Block<'_>], look: Look, pinned: usize) -> io::Result<(Vec<LaidOut>, usize)> {
    let (mut all, mut fixed): (Vec<LaidOut>, usize) = (Vec::new(), 0);
    for (at, block) in blocks.iter().enumerate() {
        let mut text = Vec::new();
        table::write(&lines_of(block, look.width), look, &mut text)?;
        let text = String::from_utf8_lossy(&text);
        let header = match block {
            // What is not a row stands above the header.
            Block::Table(table) => Some(all.len() + text.lines().count().saturating_sub(table.len() + 1)),
            _ => None,
        };
        for line in text.lines() {
            let own = header.filter(|header| all.len() > *header);
            let stands_for = if let Block::Rest(_, more) = block { *more } else { 1 };
            all.push(LaidOut { line: Line::read(line), header: own, stands_for });
        }
        if at < pinned {
            fixed = all.len();
        }
    }
    Ok((all, fixed))
}

/// A block whose lines are no wider than a screen that wraps nothing by itself: what is to be done would end at its edge.
fn lines_of<'a>(block: &Block<'a>, width: Option<usize>) -> Vec<Block<'a>> {
    match (block, width) {
        (Block::Line(mark, line), Some(width)) => {
            prose::on_screen(line, width).into_iter().map(|line| Block::Line(*mark, line)).collect()
        }
        (Block::Text(line), Some(width)) => text::wrapped(line, width).into_iter().map(Block::Text).collect(),
        _ => vec![block.clone()],
    }
}

/// Where texts of the same length differ, from and to; what lies near each other is one.
fn changes(before: &[u8], now: &[u8]) -> Vec<(usize, usize)> {
    let mut changes: Vec<(usize, usize)> = Vec::new();
    for (at, _) in before.iter().zip(now).enumerate().filter(|(_, (before, now))| before != now) {
        match changes.last_mut() {
            Some((_, to)) if at - *to <= NEAR => *to = at + 1,
            _ => changes.push((at, at + 1)),
        }
    }
    changes
}

/// What is written to a terminal, and how it stands by then.
struct Pen {
    text: String,
    style: String,
    /// Row and column of the cursor; none before anything is drawn.
    place: Option<(usize, usize)>,
}

impl Pen {
    fn new() -> Self {
        Self { text: HOLD.to_owned(), style: String::new(), place: None }
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn go(&mut self, row: usize, column: usize) {
        // Writing to a string does not fail.
        let _ = match self.place {
            Some((at, from)) if at == row && from == column => Ok(()),
            Some((at, from)) if at == row && from < column => write!(self.text, "\u{1b}[{}C", column - from),
            _ if column == 0 => write!(self.text, "\u{1b}[{}H", row + 1),
            _ => write!(self.text, "\u{1b}[{};{}H", row + 1, column + 1),
        };
        self.place = Some((row, column));
    }

    fn write(&mut self, style: &str, text: &str) {
        if self.style != style && !text.is_empty() {
            if !self.style.is_empty() {
                self.text.push_str(PLAIN);
            }
            self.text.push_str(style);
            style.clone_into(&mut self.style);
        }
        self.text.push_str(text);
    }

    fn finish(mut self) -> String {
        if !self.style.is_empty() {
            self.text.push_str(PLAIN);
        }
        self.text.push_str(SHOW);
        self.text
    }
}
