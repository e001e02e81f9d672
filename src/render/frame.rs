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

/// Marks the rows that were not there before, ages aside; none when there is nothing before.
pub(crate) fn mark_changes(blocks: &mut [Block], before: Option<&[Block]>) {
    let known: Option<HashSet<Vec<&str>>> = before.map(|before| {
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
    blocks: &[Block],
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
    let mut frame = format!("{HOLD}\u{1b}[H");
    for (at, line) in text.lines().take(shown).enumerate() {
        frame.push_str(if at > 0 { "\r\n" } else { "" });
        frame.push_str(line);
        frame.push_str("\u{1b}[K");
    }
    if total > shown {
        frame.push_str(&format!("\r\n… {} more lines\u{1b}[K", total - shown));
    }
    frame.push_str("\u{1b}[J");
    frame.push_str(SHOW);
    out.write_all(frame.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::table::{Align, Mark, Table};
    use super::*;

    fn blocks(rows: &[[&str; 3]]) -> Vec<Block> {
        let mut table = Table::new(&[("PID", Align::Right), ("STATE", Align::Left), ("FOR", Align::Age)]);
        for row in rows {
            table.push(Mark::Plain, row.map(str::to_owned));
        }
        vec![Block::line("head"), Block::Table(table)]
    }

    fn drawn(blocks: &[Block], lines: usize) -> String {
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
                "head\n  PID  STATE   FOR\n    7  idle     2s\n*   8  idle     0s\n*   9  active   0s"
            ),
            "{text}"
        );
        mark_changes(&mut now, None);
        assert!(!drawn(&now, 24).contains('*'));
    }

    #[test]
    fn a_small_terminal_shows_what_fits_and_counts_the_rest() {
        let mut now = blocks(&[["1", "a", "1s"], ["2", "b", "1s"], ["3", "c", "1s"]]);
        mark_changes(&mut now, None);
        let text = drawn(&now, 4);
        assert!(text.contains("    1  a       1s\n… 2 more lines\u{1b}[J"), "{text}");
        assert_eq!(text.matches('\n').count(), 3);
    }
}
