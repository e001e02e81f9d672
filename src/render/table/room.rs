//! How wide the columns of a table are on a terminal, and which are left out.

use super::{Align, Table};
use crate::render::text;

/// What the last text is cut to before a column is left out.
const LEAST_LAST: usize = 16;
/// What texts are cut to when no column is left that could be spared.
const NARROWEST: usize = 8;

impl Table<'_> {
    /// What each column may take on a terminal of `width`, none if it is left out. The last text is cut first, as far as
    /// it stays of use, then the widest of the others. Where that is not enough, columns that can be spared go; then texts
    /// are cut further; at the very end columns go from the last one on. Numbers are never cut, nor a tree's, nor what is to
    /// stay whole.
    pub(super) fn room(&self, width: usize) -> Vec<Option<usize>> {
        let natural = |(at, (title, _)): (usize, &(&str, Align))| {
            if self.in_full.contains(title) {
                return None;
            }
            // How much wider than the terminal a text is makes no difference, when it can be cut.
            let most = match self.least(at, false) {
                usize::MAX => usize::MAX,
                least => width.max(least).max(NARROWEST),
            };
            let cells = (0..self.rows.count()).map(|row| self.width_of(row, at, most));
            Some(cells.max().unwrap_or(0).max(title.len()).min(most))
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

    /// What a cell takes, or a number over `most`.
    fn width_of(&self, row: usize, column: usize, most: usize) -> usize {
        match self.rows.cell(row, column) {
            cell if cell.is_empty() => 1,
            cell => text::line_width(&cell, most),
        }
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
