//! Borderless tables, one line per record. Every cell is sanitised when it is made.

use std::collections::HashSet;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid};

use super::{Look, text};

/// What a report consists of for people.
#[derive(Debug)]
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
}

/// A header and rows of the same width. On a terminal its last column is cut to what is left of the line.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<(Mark, Vec<String>)>,
    /// Which rows are news, when results are compared: then every row begins with a mark or its absence.
    news: Option<Vec<bool>>,
}

impl Table {
    /// No rows yet, under `columns`.
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), news: None }
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
            lasting.map(|(cell, _)| cell.as_str()).collect()
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
        let last = self.columns.len().saturating_sub(1);
        let room = look.width.filter(|_| !look.full).map(|width| self.room(width));
        let mut grid = Grid::new();
        grid.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        grid.set_header(self.columns.iter().map(|(title, _)| *title));
        for (_, row) in &self.rows {
            grid.add_row(row.iter().enumerate().map(|(at, cell)| {
                room.as_ref().and_then(|room| room.get(at)).map_or(cell.into(), |room| text::cut(cell, *room))
            }));
        }
        for (at, (_, align)) in self.columns.iter().enumerate() {
            if let Some(column) = grid.column_mut(at) {
                column.set_padding((0, if at == last { 0 } else { 2 }));
                column.set_cell_alignment(match align {
                    Align::Left => CellAlignment::Left,
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

    /// What each column may take on a terminal of `width`: the last one is cut first, as far as it stays of use, then the
    /// widest texts before it. Numbers are never cut, nor a tree's.
    fn room(&self, width: usize) -> Vec<usize> {
        let natural = |(at, (title, _)): (usize, &(&str, Align))| {
            let cells = self.rows.iter().filter_map(|(_, row)| row.get(at)).map(|cell| text::width(cell));
            cells.max().unwrap_or(0).max(title.len())
        };
        let mut room: Vec<usize> = self.columns.iter().enumerate().map(natural).collect();
        let gaps = self.gutter(0).len() + 2 * room.len().saturating_sub(1);
        let mut excess = (room.iter().sum::<usize>() + gaps).saturating_sub(width);
        if let Some(last) = room.last_mut() {
            let cut = excess.min(last.saturating_sub(16));
            *last -= cut;
            excess -= cut;
        }
        for _ in 0..excess {
            let texts = room
                .iter_mut()
                .zip(&self.columns)
                .filter(|(_, (title, align))| *align == Align::Left && *title != "PID");
            let widest =
                texts.map(|(room, (title, _))| (room, title.len().max(10))).max_by_key(|(room, _)| **room);
            let Some((widest, _)) = widest.filter(|(room, least)| **room > *least) else { break };
            *widest -= 1;
        }
        room
    }
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
        assert_eq!(shown(10), "└──────── 4711  idle in t…  would ter…");
    }

    #[test]
    fn a_terminal_cuts_the_last_column_and_colours_whole_lines() {
        let text = shown(Look { width: Some(30), color: true, full: false });
        assert!(text.contains("select 1 from a…\n"), "{text}");
        assert!(text.contains("\u{1b}[31m4711  active  -\u{1b}[0m\n"), "{text}");
        assert!(shown(Look { width: Some(30), color: false, full: true }).contains("long_table_name\n"));
    }
}
