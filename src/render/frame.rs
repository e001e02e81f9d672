//! Results that replace each other on a terminal: what changed is marked, and nothing flickers.

use std::collections::HashSet;
use std::io::{self, Write};

use super::Look;
use super::table::{self, Block};

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

/// Marks the rows that were not there before, ages aside; none when there is nothing before.
pub(crate) fn mark_changes(blocks: &mut [Block<'_>], before: Option<&[Block<'_>]>) {
    let known: Option<HashSet<Vec<String>>> = before.map(|before| {
        let tables = before.iter().filter_map(|block| match block {
            Block::Table(table) => Some(table),
            Block::Line(..) | Block::Gap => None,
        });
        tables.flat_map(table::Table::news).collect()
    });
    for block in blocks {
        if let Block::Table(table) = block {
            table.mark_news(known.as_ref());
        }
    }
}

/// Draws the blocks over what is on the screen, from its first line; what does not fit in `lines` is counted.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(
    blocks: &[Block<'_>],
    look: Look,
    lines: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut text = Vec::new();
    table::write(blocks, look, &mut text)?;
    let text = String::from_utf8_lossy(&text);
    let total = text.lines().count();
    let room = lines.unwrap_or(total);
    let shown = if total > room { room.saturating_sub(1) } else { total };
    let more = (total > shown).then(|| format!("… {} more lines", total - shown));
    let mut drawn = text.lines().take(shown).chain(more.as_deref()).peekable();
    let mut frame = format!("{HOLD}\u{1b}[H");
    if drawn.peek().is_none() {
        frame.push_str(ERASE_BELOW);
    }
    while let Some(line) = drawn.next() {
        let is_last = drawn.peek().is_none();
        // Before the line: at the edge of the terminal the cursor stays on the last character.
        frame.push_str(if is_last { ERASE_BELOW } else { ERASE_LINE });
        frame.push_str(line);
        frame.push_str(if is_last { "" } else { "\r\n" });
    }
    frame.push_str(SHOW);
    out.write_all(frame.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::table::{Align, Mark, Table};
    use super::*;

    fn blocks(rows: &[[&str; 3]]) -> Vec<Block<'static>> {
        let mut table = Table::new(&[("PID", Align::Right), ("STATE", Align::Left), ("FOR", Align::Age)]);
        for row in rows {
            table.push(Mark::Plain, row.map(str::to_owned));
        }
        vec![Block::line("head"), Block::Table(table)]
    }

    fn drawn(blocks: &[Block<'_>], lines: usize) -> String {
        let mut out = Vec::new();
        write(blocks, Look { width: Some(40), ..Look::default() }, Some(lines), &mut out).unwrap();
        String::from_utf8(out).unwrap().replace("\u{1b}[K", "").replace("\r\n", "\n")
    }

    #[test]
    fn only_what_is_new_is_marked_and_growing_ages_are_not() {
        let before = blocks(&[["7", "idle", "1s"], ["8", "active", "1s"]]);
        let mut now = blocks(&[["7", "idle", "2s"], ["8", "idle", "0s"], ["9", "active", "0s"]]);
        mark_changes(&mut now, Some(&before));
        let text = drawn(&now, 24);
        assert!(
            text.contains(
                "head\n  PID  STATE   FOR\n    7  idle     2s\n*   8  idle     0s\n\u{1b}[J*   9  active   0s"
            ),
            "{text}"
        );
        mark_changes(&mut now, None);
        assert!(!drawn(&now, 24).contains('*'));
    }

    /// What stands on the screen when all of it is drawn, on a terminal that keeps its cursor at the right edge.
    fn screen(frame: &str, width: usize) -> Vec<String> {
        let (mut rows, mut row, mut column) = (vec![vec![' '; width]; 9], 0, 0);
        let mut rest = frame.chars();
        while let Some(character) = rest.next() {
            match character {
                '\u{1b}' => match rest.find(char::is_ascii_alphabetic) {
                    Some('K') => rows[row][column..].fill(' '),
                    Some('J') => {
                        rows[row][column..].fill(' ');
                        rows[row + 1..].iter_mut().for_each(|row| row.fill(' '));
                    }
                    Some('H') => (row, column) = (0, 0),
                    _ => {}
                },
                '\r' => column = 0,
                '\n' => row += 1,
                other => {
                    rows[row][column] = other;
                    column = (column + 1).min(width - 1);
                }
            }
        }
        let text = |row: &Vec<char>| row.iter().collect::<String>().trim_end().to_owned();
        rows.iter().map(text).filter(|row| !row.is_empty()).collect()
    }

    #[test]
    fn a_line_as_wide_as_the_terminal_keeps_its_last_character() {
        let rows: &[&str] = &["0123456789", "9876543210"];
        let blocks: Vec<Block<'_>> = rows.iter().map(Block::line).collect();
        let mut out = Vec::new();
        write(&blocks, Look { width: Some(10), ..Look::default() }, Some(9), &mut out).unwrap();
        assert_eq!(screen(&String::from_utf8(out).unwrap(), 10), rows);
    }

    #[test]
    fn a_small_terminal_shows_what_fits_and_counts_the_rest() {
        let mut now = blocks(&[["1", "a", "1s"], ["2", "b", "1s"], ["3", "c", "1s"]]);
        mark_changes(&mut now, None);
        let text = drawn(&now, 4);
        assert!(text.contains("    1  a       1s\n\u{1b}[J… 2 more lines"), "{text}");
        assert_eq!(text.matches('\n').count(), 3);
    }
}
