//! Borderless tables, one line per record. Cells are taken from their rows when they are written, cut first and made harmless
//! then, so that a table holds nothing but the rows it is about.

mod fill;
mod layout;
mod rows;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::{Borrow, Cow};
use std::collections::HashSet;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use anstyle::{Ansi256Color, AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid};

pub(crate) use super::align::Align;
use super::columns::{Column, ColumnHead};
use super::{Look, prose, text};
use layout::{Layout, Shown};
use rows::{CellText, Form, Listed, Rows, Texts};

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

/// How much a line asks to be looked at. Colour only repeats what a word or mark in the line says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing special.
    #[default]
    Plain,
    /// Not interesting: idle sessions.
    Dim,
    /// Good.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

impl Mark {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Dim => Style::new().dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warn => WARNING,
            Self::Bad => AnsiColor::Red.on_default(),
        }
    }
}

/// What warns is read on light and on dark: the yellow of the first sixteen colours is neither's, this dark orange has a contrast of
/// more than 4 to both.
pub(crate) const WARNING: Style = Ansi256Color(130).on_default();

/// What a text is cut to before a column is left out, when its title is not longer.
pub(crate) const LEAST: usize = 10;

/// A header and rows. On a terminal its last column is cut to what is left of the line.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    columns: Vec<ColumnHead>,
    /// Titles of columns that a narrow terminal can do without, the first one soonest.
    spare: &'static [&'static str],
    /// Titles of columns that are never cut: half of an address is another one.
    whole: &'static [&'static str],
    /// Titles of columns that are left out unless everything is wanted.
    in_full: &'static [&'static str],
    /// What texts are cut to before a column is left out, the last one aside.
    least: usize,
    /// The columns in which rows that are not here have the same as these, whatever rows those are.
    alike: Vec<&'static str>,
    /// The columns that rows which are not here have in common with these, where there are such rows.
    shared: Option<Vec<&'static str>>,
    rows: Arc<dyn Rows + 'a>,
    /// Which rows are news, when results are compared: then every row begins with a mark or its absence.
    news: Option<Vec<bool>>,
}

impl fmt::Debug for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl<'a> Table<'a> {
    /// A table of `rows`: of every column that people get, its title and its cells.
    pub(crate) fn of<R: 'a, B: Borrow<R> + Send + Sync + 'a>(
        columns: &[Column<R>],
        rows: impl IntoIterator<Item = B>,
        mark: fn(&R) -> Mark,
    ) -> Self {
        let rows: Vec<B> = rows.into_iter().collect();
        let heads = columns.iter().filter_map(|column| Some((column.head(&rows)?, *column)));
        let (heads, columns) = heads.unzip();
        Self::with(heads, Arc::new(Listed { columns, rows, mark }))
    }

    fn with(columns: Vec<ColumnHead>, rows: Arc<dyn Rows + 'a>) -> Self {
        Self {
            columns,
            spare: &[],
            whole: &[],
            in_full: &[],
            least: LEAST,
            alike: Vec::new(),
            shared: None,
            rows,
            news: None,
        }
    }

    /// The table, of which a narrow terminal leaves out the columns of these titles, the first one soonest. One that is named twice is
    /// told in its fewest words from its first place on, and left out when its last one comes.
    pub(crate) const fn sparing(mut self, titles: &'static [&'static str]) -> Self {
        self.spare = titles;
        self
    }

    /// The table, of which the columns of these titles are never cut, nor the other texts to less than `least` while a column
    /// is left that can be spared.
    pub(crate) const fn keeping(mut self, titles: &'static [&'static str], least: usize) -> Self {
        (self.whole, self.least) = (titles, least);
        self
    }

    /// The table, of which the columns of these titles are shown only where everything is wanted (`--full`).
    pub(crate) fn only_in_full(mut self, titles: &'static [&'static str]) -> Self {
        self.in_full = titles;
        self
    }

    /// The table, whose rows, here or not, have the same in the columns of these titles: those were selected by it.
    pub(crate) fn alike(mut self, titles: &[&'static str]) -> Self {
        self.alike = titles.to_vec();
        self
    }

    /// The table as the first rows of `all`; none where the others are not known. What is said of all rows is true of those, too.
    pub(crate) fn first_of(mut self, all: Option<&Self>) -> Self {
        let shared = all.into_iter().flat_map(|all| {
            let columns = all.columns.iter().enumerate();
            columns.filter(|(at, _)| all.common(*at).is_some()).map(|(_, head)| head.title)
        });
        self.shared = Some(shared.chain(self.alike.iter().copied()).collect());
        self
    }

    /// How many rows it has.
    pub(crate) fn len(&self) -> usize {
        self.rows.count()
    }

    /// True when it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.count() == 0
    }

    /// The table with the texts of all its cells, for when the rows it is about are gone.
    fn into_owned(self) -> Table<'static> {
        let cell = |row, column| {
            let whole = self.line_of(row, column).into_owned();
            let short = self.fitted(row, column, Form::Short, usize::MAX);
            let terse = self.fitted(row, column, Form::Terse, usize::MAX);
            let terse = (terse != short).then(|| terse.into_owned());
            CellText { short: (*short != *whole).then(|| short.into_owned()), terse, whole }
        };
        let cells = |row| (0..self.columns.len()).map(|column| cell(row, column)).collect();
        let texts: Texts = (0..self.rows.count()).map(|row| (self.rows.mark(row), cells(row))).collect();
        let Self { columns, spare, whole, in_full, least, alike, shared, news, .. } = self;
        Table { columns, spare, whole, in_full, least, alike, shared, rows: Arc::new(texts), news }
    }

    /// A cell as it is shown where there is room for all of it.
    fn line_of(&self, row: usize, column: usize) -> Cow<'_, str> {
        self.fitted(row, column, Form::Whole, usize::MAX)
    }

    /// A cell as it is shown in `room` columns: what has nothing to say is a `-`.
    fn fitted(&self, row: usize, column: usize, form: Form, room: usize) -> Cow<'_, str> {
        match self.rows.cell(row, column, form) {
            cell if cell.is_empty() => Cow::Borrowed("-"),
            Cow::Borrowed(cell) => text::line_cut(cell, room),
            Cow::Owned(cell) => Cow::Owned(text::line_cut(&cell, room).into_owned()),
        }
    }

    /// What each row says, ages aside.
    pub(super) fn news(&self) -> impl Iterator<Item = Vec<String>> {
        (0..self.rows.count()).map(|row| {
            let lasting = self.columns.iter().enumerate().filter(|(_, head)| head.align != Align::Age);
            let said = lasting.flat_map(|(at, head)| {
                let cell = self.line_of(row, at);
                match head.align {
                    Align::Told => text::ageless(&cell).into_iter().map(str::to_owned).collect(),
                    _ => vec![cell.into_owned()],
                }
            });
            said.collect()
        })
    }

    /// Marks the rows that are not in `known`; none when nothing is known yet.
    pub(super) fn mark_news(&mut self, known: Option<&HashSet<Vec<String>>>) {
        let news = self.news().map(|row| known.is_some_and(|known| !known.contains(&row))).collect();
        self.news = Some(news);
    }

    /// What stands before row `at`.
    fn gutter(&self, at: usize) -> &'static str {
        match self.news.as_ref().map(|news| news.get(at).copied().unwrap_or(false)) {
            None => "",
            Some(false) => "  ",
            Some(true) => "* ",
        }
    }

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

#[cfg(test)]
impl Table<'static> {
    /// A table whose rows are still to come, as texts.
    pub(super) fn new(columns: &[(&'static str, Align)]) -> Self {
        let head = |(title, align): &(&'static str, Align)| ColumnHead {
            title,
            align: *align,
            share: super::columns::Share::NONE,
        };
        Self::with(columns.iter().map(head).collect(), Arc::new(Texts::new()))
    }

    /// Adds a row.
    pub(super) fn push<const N: usize>(&mut self, mark: Mark, row: [String; N]) {
        assert_eq!(N, self.columns.len(), "a row as wide as its header");
        let text = |whole| CellText { whole, short: None, terse: None };
        let cell = |row, column| text(self.rows.cell(row, column, Form::Whole).into_owned());
        let cells = |row| (0..N).map(|column| cell(row, column)).collect();
        let mut texts: Texts = (0..self.rows.count()).map(|row| (self.rows.mark(row), cells(row))).collect();
        texts.push((mark, row.map(text).into()));
        self.rows = Arc::new(texts);
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
