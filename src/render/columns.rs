//! The columns of a list, each told once: what people call it and scripts call it, and its value from a row. The table and
//! the tab-separated form of a list both come from its columns; its JSON is the rows themselves, under the same keys.

use std::borrow::{Borrow, Cow};

use super::align::Align;
use super::text;
use crate::model::query_text::QueryText;

/// What a row has in a column.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    /// Nothing, or nothing known.
    None,
    /// Words and names, as they are: foreign text is made harmless where it is written.
    Text(Cow<'a, str>),
    /// A count, or another whole number.
    Whole(i64),
    /// A measure.
    Number(f64),
    /// A duration: a number for scripts, two units for people.
    Seconds(f64),
    /// Yes or no.
    Claim(bool),
}

impl Value<'_> {
    /// A duration that may be unknown.
    pub(crate) fn seconds(seconds: Option<f64>) -> Self {
        seconds.map_or(Self::None, Self::Seconds)
    }
}

impl<'a> Value<'a> {
    /// As people read it; nothing is an empty text.
    pub(super) fn shown(self) -> Cow<'a, str> {
        match self {
            Self::None => Cow::Borrowed(""),
            Self::Text(text) => text,
            Self::Whole(number) => number.to_string().into(),
            Self::Number(number) => number.to_string().into(),
            Self::Seconds(seconds) => text::duration(seconds).into(),
            Self::Claim(claim) => claim.to_string().into(),
        }
    }

    /// The cell's text in as few columns as can be: a duration in one unit, everything else as it is shown.
    pub(super) fn shortened(self) -> Cow<'a, str> {
        match self {
            Self::Seconds(seconds) => text::duration_in_one_unit(seconds).into(),
            other => other.shown(),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

/// What cannot be read is told as why.
impl<'a> From<&'a QueryText> for Value<'a> {
    fn from(text: &'a QueryText) -> Self {
        Self::Text(text.read().unwrap_or_else(|error| Cow::Owned(format!("({error})"))))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Whole(number.into())
    }
}

/// What cannot be told as it is, which no count comes to, is told as the largest number.
impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Whole(number.try_into().unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(claim: bool) -> Self {
        Self::Claim(claim)
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

/// How a column shares the line of a narrow terminal with the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    /// What it is called where there is little room.
    pub(super) short_title: Option<&'static str>,
    /// It goes into a line above the table where all rows have the same.
    pub(super) folds: bool,
    /// It takes what the others leave.
    pub(super) is_wide: bool,
    /// What its texts have before there is another column.
    pub(super) least: Least,
}

/// What the texts of a column have before there is another column, in columns of the terminal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Least {
    /// As much as its title, and what the table says.
    Title,
    /// So much.
    Columns(usize),
    /// All, as far as that is of use; they are never cut to less than so much, below which different ones would become the same.
    Distinct(usize),
    /// All in its fewest words, as far as that is of use; they are never cut to less than so much.
    Terse(usize),
    /// As much as it takes to tell those that are there apart.
    ToldApart,
}

impl Share {
    /// That of a column of which nothing else is said.
    pub(super) const NONE: Self =
        Self { short_title: None, folds: false, is_wide: false, least: Least::Title };
}

/// What a table knows of a column besides its cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnHead {
    pub(super) title: &'static str,
    pub(super) align: Align,
    pub(super) share: Share,
}

/// A column of a list whose rows are `R`.
#[derive(Debug)]
pub(crate) struct Column<R> {
    /// What it is called above the table; none when only scripts get it.
    title: Option<&'static str>,
    align: Align,
    /// What it is called in the tab-separated form, as in JSON; none when only people get it.
    key: Option<&'static str>,
    value: fn(&R) -> Value<'_>,
    /// What people read instead of the value.
    cell: Option<fn(&R) -> Value<'_>>,
    /// What people read instead of that where there is little room.
    short: Option<fn(&R) -> Value<'_>>,
    /// What they read where there is no room for that either.
    terse: Option<fn(&R) -> Value<'_>>,
    /// How its cells and its title share a narrow terminal with the other columns.
    share: Share,
    /// Which rows make it worth its room in the table.
    if_any: Option<fn(&R) -> bool>,
}

// Derived, they would want rows that can be copied.
impl<R> Clone for Column<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Column<R> {}

impl<R> Column<R> {
    /// A column for people and scripts.
    pub(crate) const fn new(
        title: &'static str,
        align: Align,
        key: &'static str,
        value: fn(&R) -> Value<'_>,
    ) -> Self {
        Self {
            title: Some(title),
            align,
            key: Some(key),
            value,
            cell: None,
            short: None,
            terse: None,
            share: Share::NONE,
            if_any: None,
        }
    }

    /// A column that people read in other words than scripts.
    pub(crate) const fn worded(
        title: &'static str,
        align: Align,
        cell: fn(&R) -> Value<'_>,
        key: &'static str,
        value: fn(&R) -> Value<'_>,
    ) -> Self {
        Self::new(title, align, key, value).cell(cell)
    }

    /// A column of the table alone.
    pub(crate) const fn table(title: &'static str, align: Align, value: fn(&R) -> Value<'_>) -> Self {
        Self { key: None, ..Self::new(title, align, "", value) }
    }

    /// A column for scripts alone.
    pub(crate) const fn script(key: &'static str, value: fn(&R) -> Value<'_>) -> Self {
        Self { title: None, ..Self::new("", Align::Left, key, value) }
    }

    /// The column with `cell` for people.
    pub(crate) const fn cell(mut self, cell: fn(&R) -> Value<'_>) -> Self {
        self.cell = Some(cell);
        self
    }

    /// The column under another title.
    pub(crate) const fn titled(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self
    }

    /// The column with `short` for people whose terminal has little room: no two of its texts may become the same.
    pub(crate) const fn short(mut self, short: fn(&R) -> Value<'_>) -> Self {
        self.short = Some(short);
        self
    }

    /// The column with `terse` where there is no room for its `short` either: what is left when that is cut says the most.
    pub(crate) const fn terse(mut self, terse: fn(&R) -> Value<'_>) -> Self {
        self.terse = Some(terse);
        self
    }

    /// The column with another title where there is little room.
    pub(crate) const fn short_title(mut self, title: &'static str) -> Self {
        self.share.short_title = Some(title);
        self
    }

    /// The column, which becomes a part of a line above the table where room is scarce and every row has the same in it.
    pub(crate) const fn folding(mut self) -> Self {
        self.share.folds = true;
        self
    }

    /// The column, which takes what the others leave of a line, and is worth more of it than most of them: a query.
    pub(crate) const fn wide(mut self) -> Self {
        self.share.is_wide = true;
        self
    }

    /// The column, whose texts are not cut to less than so many columns while others can be left out.
    pub(crate) const fn least(mut self, columns: usize) -> Self {
        self.share.least = Least::Columns(columns);
        self
    }

    /// The column, whose texts are whole before there is another, and told apart by the first so many columns: they are never cut to
    /// less.
    pub(crate) const fn distinct(mut self, columns: usize) -> Self {
        self.share.least = Least::Distinct(columns);
        self
    }

    /// The column, whose texts are whole in their fewest words before there is another, and never cut to less than so many columns; more
    /// words come after all other columns.
    pub(crate) const fn terse_first(mut self, columns: usize) -> Self {
        self.share.least = Least::Terse(columns);
        self
    }

    /// The column, which says what a row is about: no two of its texts are cut to the same while another column could be left out.
    pub(crate) const fn naming(mut self) -> Self {
        self.share.least = Least::ToldApart;
        self
    }

    /// The column, left out of a table in which no row is as `claim` says.
    pub(crate) const fn if_any(claim: fn(&R) -> bool, column: Self) -> Self {
        Self { if_any: Some(claim), ..column }
    }

    /// What a table of `rows` knows of it; none when it is not in it.
    pub(super) fn head<B: Borrow<R>>(&self, rows: &[B]) -> Option<ColumnHead> {
        let worthy = self.if_any.is_none_or(|claim| rows.iter().any(|row| claim(row.borrow())));
        let title = self.title.filter(|_| worthy)?;
        Some(ColumnHead { title, align: self.align, share: self.share })
    }

    /// Whether this is what it is called above the table.
    pub(crate) fn is_titled(&self, title: &str) -> bool {
        self.title == Some(title)
    }

    /// Its key, when scripts get it.
    pub(super) const fn key(&self) -> Option<&'static str> {
        self.key
    }

    /// What scripts read.
    pub(super) fn value<'r>(&self, row: &'r R) -> Value<'r> {
        (self.value)(row)
    }

    /// What people read.
    pub(super) fn shown<'r>(&self, row: &'r R) -> Cow<'r, str> {
        self.cell.unwrap_or(self.value)(row).shown()
    }

    /// What they read where there is little room.
    pub(super) fn shortened<'r>(&self, row: &'r R) -> Cow<'r, str> {
        self.short.or(self.cell).unwrap_or(self.value)(row).shortened()
    }

    /// What they read where there is still less.
    pub(super) fn terse_of<'r>(&self, row: &'r R) -> Cow<'r, str> {
        match self.terse {
            Some(terse) => terse(row).shortened(),
            None => self.shortened(row),
        }
    }
}

/// The names under which JSON has what a row of this type tells; what is inside something is named after it, too.
#[cfg(test)]
pub(crate) fn keys_in_json<R: schemars::JsonSchema>() -> Vec<String> {
    fn collect(schema: &serde_json::Value, root: &serde_json::Value, before: &str, keys: &mut Vec<String>) {
        if let Some(inner) = schema["$ref"].as_str().and_then(|at| root.pointer(at.trim_start_matches('#'))) {
            collect(inner, root, before, keys);
        }
        for one in ["anyOf", "oneOf", "allOf"].iter().filter_map(|of| schema[of].as_array()).flatten() {
            collect(one, root, before, keys);
        }
        for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
            keys.push(format!("{before}{key}"));
            collect(inner, root, &format!("{before}{key}_"), keys);
        }
    }
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let root = settings.into_generator().into_root_schema_for::<R>().to_value();
    let mut keys = Vec::new();
    collect(&root, &root, "", &mut keys);
    keys
}

/// The keys of columns that JSON has not under the same name.
#[cfg(test)]
pub(crate) fn only_in_tsv<R: schemars::JsonSchema>(columns: &[Column<R>]) -> Vec<&'static str> {
    let keys = keys_in_json::<R>();
    columns.iter().filter_map(Column::key).filter(|key| !keys.iter().any(|known| known == key)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::table::{self, Block, Mark, Table};
    use super::super::{Look, tsv};
    use super::*;

    struct Row<'a> {
        name: &'a str,
        seconds: Option<f64>,
        held: i64,
    }

    impl<'a> Row<'a> {
        const COLUMNS: &'a [Column<Self>] = &[
            Column::worded(
                "NAME",
                Align::Left,
                |row| format!("<{}>", row.name).into(),
                "name",
                |row| row.name.into(),
            ),
            Column::script("long", |row| row.seconds.is_some_and(|seconds| seconds > 60.0).into()),
            Column::new("FOR", Align::Age, "state_seconds", |row| Value::seconds(row.seconds)),
            Column::if_any(|row| row.held > 0, Column::table("HELD", Align::Right, |row| row.held.into())),
        ];
    }

    fn both(rows: &[Row<'_>]) -> [String; 2] {
        let (mut shown, mut told) = (Vec::new(), Vec::new());
        let table = Table::of(Row::COLUMNS, rows, |_| Mark::Plain);
        table::write(&[Block::Table(table)], Look::default(), &mut shown).unwrap();
        tsv::Rows::of(Row::COLUMNS, rows).write(&mut told).unwrap();
        [shown, told].map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn people_and_scripts_get_their_own_columns_of_one_list() {
        let (name, seconds) = ("a", Some(133.25));
        let shown = both(&[Row { name, seconds, held: 0 }, Row { name: "b", seconds: None, held: 0 }]);
        let told = "name\tlong\tstate_seconds\na\ttrue\t133.25\nb\tfalse\t\n";
        assert_eq!(shown, ["NAME     FOR\n<a>   2m 13s\n<b>        -\n", told]);
        let [shown, _] = both(&[Row { name, seconds, held: 2 }]);
        assert_eq!(shown, "NAME     FOR  HELD\n<a>   2m 13s     2\n");
    }
}
