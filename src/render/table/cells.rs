//! A header and rows, and what stands in each cell of them.

use std::borrow::{Borrow, Cow};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::mark::Mark;
use super::rows::{CellText, Form, Listed, Rows, Texts};
use crate::render::align::Align;
use crate::render::columns::{Column, ColumnHead};
use crate::render::text;

/// What a text is cut to before a column is left out, when its title is not longer.
pub(crate) const LEAST: usize = 10;

/// A header and rows. On a terminal its last column is cut to what is left of the line.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    pub(super) columns: Vec<ColumnHead>,
    /// Titles of columns that a narrow terminal can do without, the first one soonest.
    pub(super) spare: &'static [&'static str],
    /// Titles of columns that are never cut: half of an address is another one.
    pub(super) whole: &'static [&'static str],
    /// Titles of columns that are left out unless everything is wanted.
    pub(super) in_full: &'static [&'static str],
    /// What texts are cut to before a column is left out, the last one aside.
    pub(super) least: usize,
    /// The columns in which rows that are not here have the same as these, whatever rows those are.
    alike: Vec<&'static str>,
    /// The columns that rows which are not here have in common with these, where there are such rows.
    pub(super) shared: Option<Vec<&'static str>>,
    pub(super) rows: Arc<dyn Rows + 'a>,
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

    /// What all rows have in a column.
    pub(super) fn common(&self, at: usize) -> Option<String> {
        let first = self.line_of(0, at);
        let is_same = (1..self.rows.count()).all(|row| self.line_of(row, at) == first);
        (self.rows.count() > 0 && is_same).then(|| first.into_owned())
    }

    /// The table with the texts of all its cells, for when the rows it is about are gone.
    pub(super) fn into_owned(self) -> Table<'static> {
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
    pub(super) fn fitted(&self, row: usize, column: usize, form: Form, room: usize) -> Cow<'_, str> {
        match self.rows.cell(row, column, form) {
            cell if cell.is_empty() => Cow::Borrowed("-"),
            Cow::Borrowed(cell) => text::line_cut(cell, room),
            Cow::Owned(cell) => Cow::Owned(text::line_cut(&cell, room).into_owned()),
        }
    }

    /// What each row says, ages aside.
    pub(in crate::render) fn news(&self) -> impl Iterator<Item = Vec<String>> {
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
    pub(in crate::render) fn mark_news(&mut self, known: Option<&HashSet<Vec<String>>>) {
        let news = self.news().map(|row| known.is_some_and(|known| !known.contains(&row))).collect();
        self.news = Some(news);
    }

    /// What stands before row `at`.
    pub(super) fn gutter(&self, at: usize) -> &'static str {
        match self.news.as_ref().map(|news| news.get(at).copied().unwrap_or(false)) {
            None => "",
            Some(false) => "  ",
            Some(true) => "* ",
        }
    }
}

#[cfg(test)]
impl Table<'static> {
    /// A table whose rows are still to come, as texts.
    pub(in crate::render) fn new(columns: &[(&'static str, Align)]) -> Self {
        let head = |(title, align): &(&'static str, Align)| ColumnHead {
            title,
            align: *align,
            share: crate::render::columns::Share::NONE,
        };
        Self::with(columns.iter().map(head).collect(), Arc::new(Texts::new()))
    }

    /// Adds a row.
    pub(in crate::render) fn push<const N: usize>(&mut self, mark: Mark, row: [String; N]) {
        assert_eq!(N, self.columns.len(), "a row as wide as its header");
        let text = |whole| CellText { whole, short: None, terse: None };
        let cell = |row, column| text(self.rows.cell(row, column, Form::Whole).into_owned());
        let cells = |row| (0..N).map(|column| cell(row, column)).collect();
        let mut texts: Texts = (0..self.rows.count()).map(|row| (self.rows.mark(row), cells(row))).collect();
        texts.push((mark, row.map(text).into()));
        self.rows = Arc::new(texts);
    }
}
