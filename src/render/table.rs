//! Borderless tables, one line per record. Every cell is sanitised when it is made.

use std::collections::HashSet;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid};

use super::{Look, text};

/// What a report consists of for people.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// A line of text, shown in its mark's colour.
    Line(Mark, String),
    /// A table with its header.
    Table(Table),
    /// An empty line.
    Gap,
}

impl Block {
    /// A plain line; foreign text in it is made visible.
    pub(crate) fn line(line: impl AsRef<str>) -> Self {
        Self::marked(Mark::Plain, line)
    }

    /// A line with a mark; foreign text in it is made visible.
    pub(crate) fn marked(mark: Mark, line: impl AsRef<str>) -> Self {
        Self::Line(mark, text::visible(line.as_ref()).into_owned())
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
            Self::Warn => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
        }
    }
}

/// Which side a column's cells lean to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers, and durations that stand still.
    Right,
    /// Durations that grow by themselves: as numbers, and no change when results are compared.
    Age,
    /// Sentences, whose durations are no change when results are compared.
    Told,
}

/// What a text is cut to before a column is left out: the last one, and the others if their titles are not longer.
const LEAST_LAST: usize = 16;
pub(crate) const LEAST: usize = 10;
/// What texts are cut to when no column is left that could be spared.
const NARROWEST: usize = 8;

/// A header and rows of the same width. On a terminal its last column is cut to what is left of the line.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    /// Titles of columns that a narrow terminal can do without, the first one soonest.
    spare: &'static [&'static str],
    /// Titles of columns that are never cut: half of an address is another one.
    whole: &'static [&'static str],
    /// What texts are cut to before a column is left out, the last one aside.
    least: usize,
    rows: Vec<(Mark, Vec<String>)>,
    /// Which rows are news, when results are compared: then every row begins with a mark or its absence.
    news: Option<Vec<bool>>,
}

impl Table {
    /// No rows yet, under `columns`.
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), spare: &[], whole: &[], least: LEAST, rows: Vec::new(), news: None }
    }

    /// The same, and a narrow terminal leaves out the columns of these titles, the first one soonest.
    pub(crate) const fn sparing(mut self, titles: &'static [&'static str]) -> Self {
        self.spare = titles;
        self
    }

    /// The same, and never cuts the columns of these titles, nor the other texts to less than `least` while a column is left
    /// that can be spared.
    pub(crate) const fn keeping(mut self, titles: &'static [&'static str], least: usize) -> Self {
        (self.whole, self.least) = (titles, least);
        self
    }

    /// Adds a row; cells are sanitised, empty ones shown as `-`.
    pub(crate) fn push<const N: usize>(&mut self, mark: Mark, row: [String; N]) {
        self.push_cells(mark, row.into());
    }

    /// Adds a row of a width known only at run time.
    pub(crate) fn push_cells(&mut self, mark: Mark, row: Vec<String>) {
        debug_assert_eq!(row.len(), self.columns.len(), "a row as wide as its header");
        let row = row
            .into_iter()
            .map(|cell| if cell.is_empty() { "-".into() } else { text::sanitize(&cell).into_owned() })
            .collect();
        self.rows.push((mark, row));
    }

    /// True when it has no rows.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What each row says, ages aside.
    pub(super) fn news(&self) -> impl Iterator<Item = Vec<&str>> {
        self.rows.iter().map(|(_, row)| {
            let lasting = row.iter().zip(&self.columns).filter(|(_, (_, align))| *align != Align::Age);
            let said = lasting.flat_map(|(cell, (_, align))| match align {
                Align::Told => text::ageless(cell),
                _ => vec![cell.as_str()],
            });
            said.collect()
        })
    }

    /// Marks the rows that are not in `known`; none when nothing is known yet.
    pub(super) fn mark_news(&mut self, known: Option<&HashSet<Vec<&str>>>) {
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

    fn write(&self, look: Look, out: &mut dyn Write) -> io::Result<()> {
        let room = match look.width.filter(|_| !look.full) {
            Some(width) => self.room(width),
            None => vec![Some(usize::MAX); self.columns.len()],
        };
        let shown = |cells: Vec<&str>| -> Vec<String> {
            let cells = cells.into_iter().zip(&room);
            cells.filter_map(|(cell, room)| Some(text::cut(cell, (*room)?).into_owned())).collect()
        };
        let mut grid = Grid::new();
        grid.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        grid.set_header(shown(self.columns.iter().map(|(title, _)| *title).collect()));
        for (_, row) in &self.rows {
            grid.add_row(shown(row.iter().map(String::as_str).collect()));
        }
        let kept = self.columns.iter().zip(&room).filter(|(_, room)| room.is_some());
        let last = kept.clone().count().saturating_sub(1);
        for (at, ((_, align), _)) in kept.enumerate() {
            if let Some(column) = grid.column_mut(at) {
                column.set_padding((0, if at == last { 0 } else { 2 }));
                column.set_cell_alignment(match align {
                    Align::Left | Align::Told => CellAlignment::Left,
                    Align::Right | Align::Age => CellAlignment::Right,
                });
            }
        }
        for (at, line) in grid.lines().enumerate() {
            let row = at.checked_sub(1);
            let style =
                row.and_then(|row| self.rows.get(row)).map_or(Style::new().bold(), |(mark, _)| mark.style());
            let gutter =
                row.map_or_else(|| " ".repeat(self.gutter(0).len()), |row| self.gutter(row).to_owned());
            let style = if gutter.starts_with('*') { style.bold() } else { style };
            styled(format!("{gutter}{line}").trim_end(), style, look, out)?;
        }
        Ok(())
    }

    /// What each column may take on a terminal of `width`, none if it is left out. The last text is cut first, as far as
    /// it stays of use, then the widest of the others. Where that is not enough, columns that can be spared go; then texts
    /// are cut further; at the very end columns go from the last one on. Numbers are never cut, nor a tree's, nor what is to
    /// stay whole.
    fn room(&self, width: usize) -> Vec<Option<usize>> {
        let natural = |(at, (title, _)): (usize, &(&str, Align))| {
            let cells = self.rows.iter().filter_map(|(_, row)| row.get(at)).map(|cell| text::width(cell));
            Some(cells.max().unwrap_or(0).max(title.len()))
        };
        let mut room: Vec<Option<usize>> = self.columns.iter().enumerate().map(natural).collect();
        let spare =
            self.spare.iter().filter_map(|spare| self.columns.iter().position(|(title, _)| title == spare));
        for at in spare {
            if self.taken(&room, false) > width
                && let Some(column) = room.get_mut(at)
            {
                *column = None;
            }
        }
        for at in (1..room.len()).rev() {
            if self.taken(&room, true) > width
                && let Some(column) = room.get_mut(at)
            {
                *column = None;
            }
        }
        let last = self.columns.len().saturating_sub(1);
        for (of_last, narrowest) in [(true, false), (false, false), (false, true), (true, true)] {
            while line(&room) + self.gutter(0).len() > width {
                let columns = room.iter_mut().enumerate().filter(|(at, _)| (*at == last) == of_last);
                let widest = columns
                    .filter_map(|(at, room)| room.as_mut().map(|room| (at, room)))
                    .filter(|(at, room)| **room > self.least(*at, narrowest))
                    .max_by_key(|(_, room)| **room);
                let Some((_, widest)) = widest else { break };
                *widest -= 1;
            }
        }
        room
    }

    /// What a line takes at least.
    fn taken(&self, room: &[Option<usize>], narrowest: bool) -> usize {
        let least = |(at, room): (usize, &Option<usize>)| Some((*room)?.min(self.least(at, narrowest)));
        line(&room.iter().enumerate().map(least).collect::<Vec<_>>()) + self.gutter(0).len()
    }

    /// What column `at` is cut to at most.
    fn least(&self, at: usize, narrowest: bool) -> usize {
        match self.columns.get(at) {
            Some(("PID", _) | (_, Align::Right | Align::Age)) | None => usize::MAX,
            Some((title, _)) if self.whole.contains(title) => usize::MAX,
            Some(_) if narrowest => NARROWEST,
            Some(_) if at + 1 == self.columns.len() => LEAST_LAST,
            Some((title, _)) => title.len().max(self.least),
        }
    }
}

/// What a line of such columns takes, with the gaps between them.
fn line(room: &[Option<usize>]) -> usize {
    room.iter().flatten().map(|room| room + 2).sum::<usize>().saturating_sub(2)
}

/// Writes the blocks, top to bottom.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(blocks: &[Block], look: Look, out: &mut dyn Write) -> io::Result<()> {
    for block in blocks {
        match block {
            Block::Line(mark, line) => styled(line, mark.style(), look, out)?,
            Block::Table(table) => table.write(look, out)?,
            Block::Gap => writeln!(out)?,
        }
    }
    Ok(())
}

fn styled(line: &str, style: Style, look: Look, out: &mut dyn Write) -> io::Result<()> {
    if look.color && style != Style::new() {
        writeln!(out, "{style}{line}{style:#}")
    } else {
        writeln!(out, "{line}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(look: Look) -> String {
        let mut table = Table::new(&[("PID", Align::Right), ("STATE", Align::Left), ("QUERY", Align::Left)]);
        table.push(Mark::Plain, ["7".into(), "idle".into(), "select\n1 from a_very_long_table_name".into()]);
        table.push(Mark::Bad, ["4711".into(), "active".into(), String::new()]);
        let mut out = Vec::new();
        write(&[Block::line("two\u{1b} sessions"), Block::Table(table)], look, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn piped_output_is_whole_and_has_no_colour() {
        let expected = "two\\x1B sessions\n PID  STATE   QUERY\n   7  idle    select 1 from a_very_long_table_name\n4711  active  -\n";
        assert_eq!(shown(Look::default()), expected);
    }

    #[test]
    fn a_terminal_cuts_the_widest_texts_when_the_last_column_is_not_enough() {
        let mut table = Table::new(&[("PID", Align::Left), ("STATE", Align::Left), ("RESULT", Align::Left)]);
        let state = "idle in transaction (aborted)";
        table.push(Mark::Plain, ["└──────── 4711".into(), state.into(), "would terminate".into()]);
        let shown = |width| {
            let mut out = Vec::new();
            let look = Look { width: Some(width), ..Look::default() };
            table.write(look, &mut out).unwrap();
            String::from_utf8(out).unwrap().lines().last().unwrap().to_owned()
        };
        assert_eq!(shown(62), "└──────── 4711  idle in transaction (aborted)  would terminate");
        assert_eq!(shown(50), "└──────── 4711  idle in transact…  would terminate");
        assert_eq!(shown(40), "└──────── 4711  idle in…  would termina…");
        assert_eq!(shown(34), "└──────── 4711  idle in…  would t…");
        assert_eq!(shown(24), "└──────── 4711  idle in…");
        assert_eq!(shown(10), "└──────── 4711");
    }

    #[test]
    fn a_narrow_terminal_does_without_what_can_be_spared() {
        let columns =
            [("PID", Align::Right), ("CLIENT", Align::Left), ("ROLE", Align::Left), ("QUERY", Align::Left)];
        let mut table = Table::new(&columns).sparing(&["ROLE", "CLIENT"]);
        table.push(
            Mark::Plain,
            ["4711".into(), "10.0.0.11".into(), "web".into(), "select 1 from stock".into()],
        );
        let shown = |width, full| {
            let mut out = Vec::new();
            table.write(Look { width: Some(width), full, ..Look::default() }, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(
            shown(40, false).ends_with("4711  10.0.0.11  web   select 1 from st…\n"),
            "{}",
            shown(40, false)
        );
        let narrow = " PID  CLIENT     QUERY\n4711  10.0.0.11  select 1 from st…\n";
        assert_eq!(shown(34, false), narrow);
        assert_eq!(shown(30, false), " PID  QUERY\n4711  select 1 from stock\n");
        assert!(shown(30, true).ends_with("4711  10.0.0.11  web   select 1 from stock\n"));
    }

    #[test]
    fn what_names_somebody_stays_whole_while_there_is_anything_else_to_leave_out() {
        let columns = [
            ("CLIENT", Align::Left),
            ("APPLICATION", Align::Left),
            ("PID", Align::Right),
            ("FOR", Align::Right),
            ("QUERY", Align::Left),
        ];
        let mut table = Table::new(&columns).sparing(&["QUERY", "FOR"]).keeping(&["CLIENT"], 16);
        let row = ["203.0.113.107:51514", "nightly-import-of-stock", "4711", "1.2s", "select 1 from stock"];
        table.push(Mark::Plain, row.map(str::to_owned));
        let shown = |width| {
            let mut out = Vec::new();
            table.write(Look { width: Some(width), ..Look::default() }, &mut out).unwrap();
            String::from_utf8(out).unwrap().lines().last().unwrap().to_owned()
        };
        assert_eq!(shown(72), "203.0.113.107:51514  nightly-import-of-st…  4711  1.2s  select 1 from s…");
        assert_eq!(shown(67), "203.0.113.107:51514  nightly-import-…  4711  1.2s  select 1 from s…");
        assert_eq!(shown(60), "203.0.113.107:51514  nightly-import-of-stock  4711  1.2s");
        assert_eq!(shown(48), "203.0.113.107:51514  nightly-import-of-st…  4711");
        assert_eq!(shown(40), "203.0.113.107:51514  nightly-impo…  4711");
        assert_eq!(shown(30), "203.0.113.107:51514  nightly-…");
    }

    #[test]
    fn a_terminal_cuts_the_last_column_and_colours_whole_lines() {
        let text = shown(Look { width: Some(30), color: true, full: false });
        assert!(text.contains("select 1 from a…\n"), "{text}");
        assert!(text.contains("\u{1b}[31m4711  active  -\u{1b}[0m\n"), "{text}");
        assert!(shown(Look { width: Some(30), color: false, full: true }).contains("long_table_name\n"));
    }
}
