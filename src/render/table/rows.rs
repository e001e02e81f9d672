//! What a table has below its header: rows of a report, or texts.

use std::borrow::{Borrow, Cow};

use super::mark::Mark;
use crate::render::columns::Column;

/// What a table has below its header.
pub(super) trait Rows: Send + Sync {
    fn count(&self) -> usize;
    fn mark(&self, row: usize) -> Mark;
    /// The text of a cell as it is, foreign or not; nothing when there is nothing to say.
    fn cell(&self, row: usize, column: usize, form: Form) -> Cow<'_, str>;
}

/// In how many words a cell is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In all.
    Whole,
    /// In those that there is room for on a narrow terminal.
    Short,
    /// In those that there is room for beside others.
    Terse,
}

/// Rows of a report, under columns that take their cells from them.
pub(super) struct Listed<R, B> {
    pub(super) columns: Vec<Column<R>>,
    pub(super) rows: Vec<B>,
    pub(super) mark: fn(&R) -> Mark,
}

impl<R, B: Borrow<R> + Send + Sync> Rows for Listed<R, B> {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn mark(&self, row: usize) -> Mark {
        self.rows.get(row).map_or(Mark::Plain, |row| (self.mark)(row.borrow()))
    }

    fn cell(&self, row: usize, column: usize, form: Form) -> Cow<'_, str> {
        let found = self.rows.get(row).zip(self.columns.get(column));
        found.map_or(Cow::Borrowed(""), |(row, column)| match form {
            Form::Whole => column.shown(row.borrow()),
            Form::Short => column.shortened(row.borrow()),
            Form::Terse => column.terse_of(row.borrow()),
        })
    }
}

/// Rows whose cells are all there.
pub(super) type Texts = Vec<(Mark, Vec<CellText>)>;

/// A cell that is there.
pub(super) struct CellText {
    pub(super) whole: String,
    /// What it is in fewer words, where that is something else.
    pub(super) short: Option<String>,
    /// What it is in still fewer, where that is something else than those.
    pub(super) terse: Option<String>,
}

impl Rows for Texts {
    fn count(&self) -> usize {
        self.len()
    }

    fn mark(&self, row: usize) -> Mark {
        self.get(row).map_or(Mark::Plain, |(mark, _)| *mark)
    }

    fn cell(&self, row: usize, column: usize, form: Form) -> Cow<'_, str> {
        let Some(cell) = self.get(row).and_then(|(_, cells)| cells.get(column)) else { return "".into() };
        match form {
            Form::Whole => cell.whole.as_str().into(),
            Form::Short => cell.short.as_ref().unwrap_or(&cell.whole).into(),
            Form::Terse => cell.terse.as_ref().or(cell.short.as_ref()).unwrap_or(&cell.whole).into(),
        }
    }
}
