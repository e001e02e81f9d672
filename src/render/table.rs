//! Borderless tables, one line per record. Cells are taken from their rows when they are written, cut first and made harmless
//! then, so that a table holds nothing but the rows it is about.

mod cells;
mod fill;
mod layout;
mod mark;
mod rows;
#[cfg(test)]
pub(crate) mod tests;

use std::io::{self, Write};

use anstyle::Style;
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid};

pub(crate) use super::align::Align;
use super::look::Look;
use super::{prose, text};
pub(crate) use cells::{LEAST, Table};
use layout::{Layout, Shown};
pub(crate) use mark::{Mark, WARNING};

/// What a report consists of for people.
#[derive(Clone, Debug)]
pub(crate) enum Block<'a> {
    /// A line of text, shown in its mark's colour.
    Line(Mark, String),
    /// A line of somebody else's text, in which blanks count.
    Text(String),
    /// A table with its header.
    Table(Table<'a>),
    /// A line that counts what is not there, and would be on a larger screen: how much that is.
    Rest(String, usize),
    /// An empty line.
    Gap,
}

impl Block<'_> {
    /// A plain line; foreign text in it is made visible.
    pub(crate) fn line(line: impl AsRef<str>) -> Self {
        Self::marked(Mark::Plain, line)
    }

    /// A line with a mark; foreign text in it is made visible.
    pub(crate) fn marked(mark: Mark, line: impl AsRef<str>) -> Self {
        Self::Line(mark, text::visible(line.as_ref()).into_owned())
    }

    /// A line in which blanks count; foreign text in it is made visible.
    pub(crate) fn text(line: impl AsRef<str>) -> Self {
        Self::Text(text::visible(line.as_ref()).into_owned())
    }

    /// How many lines it takes on a terminal of `columns`; a table takes none.
    pub(crate) fn height(&self, columns: usize) -> usize {
        let wrapped = |line: &str| text::width(line).div_ceil(columns.max(1)).max(1);
        match self {
            Self::Line(_, line) => prose::of_line(line, columns).iter().map(|line| wrapped(line)).sum(),
            Self::Text(line) | Self::Rest(line, _) => wrapped(line),
            Self::Gap => 1,
            Self::Table(_) => 0,
        }
    }

    /// The block with all that it shows, for when what it is about is gone.
    pub(crate) fn into_owned(self) -> Block<'static> {
        match self {
            Self::Line(mark, line) => Block::Line(mark, line),
            Self::Text(line) => Block::Text(line),
            Self::Table(table) => Block::Table(table.into_owned()),
            Self::Rest(line, more) => Block::Rest(line, more),
            Self::Gap => Block::Gap,
        }
    }
}

impl Table<'_> {
    /// How many lines stand above it on a terminal of `width`, with what all of its rows have in common.
    pub(crate) fn lines_above(&self, width: usize) -> usize {
        self.layout(width).above.len()
    }

    fn write(&self, look: Look, out: &mut dyn Write) -> io::Result<()> {
        let Layout { above, columns: mut shown } = match look.width.filter(|_| !look.full) {
            Some(width) => self.layout(width),
            None => self.whole_layout(look.full),
        };
        for line in above {
            styled(Mark::Dim.style(), look, out, |out| out.write_all(line.as_bytes()))?;
        }
        // The last text needs no blanks behind it, and no copy of it is made.
        let last = shown.pop_if(|last| last.align.is_left());
        let mut lines = (!shown.is_empty()).then(|| self.grid(&shown, last.is_none()));
        let mut left = || lines.as_mut().and_then(Iterator::next).unwrap_or_default();
        let gutter = " ".repeat(self.gutter(0).len());
        styled(Style::new().bold(), look, out, |out| {
            let title = last.map(|last| text::cut(last.title, last.room)).unwrap_or_default();
            write!(out, "{}", format!("{gutter}{}{title}", left()).trim_end())
        })?;
        for row in 0..self.rows.count() {
            let gutter = self.gutter(row);
            let style = self.rows.mark(row).style();
            let style = if gutter.starts_with('*') { style.bold() } else { style };
            styled(style, look, out, |out| {
                let left = format!("{gutter}{}", left());
                let text =
                    last.map(|last| self.fitted(row, last.at, last.form, last.room)).unwrap_or_default();
                match text.trim_end() {
                    "" => out.write_all(left.trim_end().as_bytes()),
                    text => {
                        out.write_all(left.as_bytes())?;
                        out.write_all(text.as_bytes())
                    }
                }
            })?;
        }
        Ok(())
    }

    /// The lines of these columns, the header first, each as wide as the others; without the blanks behind the last column
    /// when they are `all`.
    fn grid(&self, shown: &[Shown], all: bool) -> impl Iterator<Item = String> {
        let mut grid = Grid::new();
        grid.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        grid.set_header(shown.iter().map(|column| text::cut(column.title, column.room)));
        for row in 0..self.rows.count() {
            grid.add_row(shown.iter().map(|column| self.fitted(row, column.at, column.form, column.room)));
        }
        for (place, column) in shown.iter().enumerate() {
            if let Some(cells) = grid.column_mut(place) {
                let is_last = all && place + 1 == shown.len();
                cells.set_padding((0, if is_last { 0 } else { 2 }));
                let left = column.align.is_left();
                cells.set_cell_alignment(if left { CellAlignment::Left } else { CellAlignment::Right });
            }
        }
        grid.lines().collect::<Vec<_>>().into_iter()
    }
}

/// Writes the blocks, top to bottom.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(blocks: &[Block<'_>], look: Look, out: &mut dyn Write) -> io::Result<()> {
    for block in blocks {
        match block {
            Block::Line(mark, line) => match look.width {
                Some(width) => {
                    prose::of_line(line, width).iter().try_for_each(|line| whole(*mark, line, look, out))?;
                }
                None => whole(*mark, line, look, out)?,
            },
            Block::Text(line) => whole(Mark::Plain, line, look, out)?,
            Block::Table(table) => table.write(look, out)?,
            Block::Rest(line, _) => whole(Mark::Dim, line, look, out)?,
            Block::Gap => writeln!(out)?,
        }
    }
    Ok(())
}

/// Writes the blocks as far as they fit on `lines` of a terminal, and how many lines there are more.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write_top(
    blocks: &[Block<'_>],
    look: Look,
    lines: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (mut styled, mut plain) = (Vec::new(), Vec::new());
    write(blocks, look, &mut styled)?;
    write(blocks, Look { color: false, ..look }, &mut plain)?;
    let width = look.width.unwrap_or(usize::MAX).max(1);
    let plain = String::from_utf8_lossy(&plain);
    let heights: Vec<usize> = plain.lines().map(|line| text::width(line).div_ceil(width).max(1)).collect();
    if heights.iter().sum::<usize>() <= lines {
        return out.write_all(&styled);
    }
    let ends = heights.iter().scan(0, |end, height| {
        *end += height;
        Some(*end)
    });
    let shown = ends.take_while(|end| *end < lines).count().max(1);
    for line in styled.split_inclusive(|byte| *byte == b'\n').take(shown) {
        out.write_all(line)?;
    }
    let more = text::count(i64::try_from(heights.len() - shown).unwrap_or(i64::MAX), "more line");
    whole(Mark::Dim, &format!("{more}; --full or -o, or pipe to a pager"), look, out)
}

/// Writes a line as it is.
fn whole(mark: Mark, line: &str, look: Look, out: &mut dyn Write) -> io::Result<()> {
    styled(mark.style(), look, out, |out| out.write_all(line.as_bytes()))
}

/// Writes a line in its style.
fn styled(
    style: Style,
    look: Look,
    out: &mut dyn Write,
    line: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let style = Some(style).filter(|style| look.color && *style != Style::new());
    if let Some(style) = style {
        write!(out, "{style}")?;
    }
    line(out)?;
    match style {
        Some(style) => writeln!(out, "{style:#}"),
        None => writeln!(out),
    }
}
