//! How the columns of a table share the line of a terminal. What is the same in every row goes into a line above. Then the line is
//! filled in steps, whose order knows nothing of its width: a wider terminal goes further, and shows less of nothing. First what
//! cannot be spared, as narrow as it is of use; then the other columns, in the command's order, each in few words; then all words.
//! A query has its share of the line before anything else gets more of it.

use super::cells::Table;
use super::fill::{Lane, Line, taken};
use super::rows::Form;
use crate::render::align::Align;
use crate::render::columns::Least;
use crate::render::text;

/// What the last text has before the others get more.
const LEAST_LAST: usize = 17;
/// The same of a query.
const LEAST_QUERY: usize = 12;
/// What texts are cut to when no column is left that could be spared.
const NARROWEST: usize = 8;
/// What the last text has before the others are told in all words.
const MUCH: usize = 40;
/// How much of a text is shown before there is another column.
const ENOUGH: usize = 16;
/// The same of a name that a row is about, of a word of a list, and of what is told in still fewer words where there is no room.
const ENOUGH_WORDS: usize = 36;

/// What is shown of a table.
pub(super) struct Layout {
    /// The lines above it: what all rows have in common.
    pub(super) above: Vec<String>,
    /// The columns that there is room for.
    pub(super) columns: Vec<Shown>,
}

/// A column that there is room for.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) at: usize,
    pub(super) room: usize,
    pub(super) title: &'static str,
    pub(super) align: Align,
    pub(super) form: Form,
}

/// How many columns of a line of `width` a query is to have: 24 of 80, 40 of 120.
fn share_of_query(width: usize) -> usize {
    (2 * width / 5).saturating_sub(8).max(LEAST_QUERY)
}

/// How many the last text is to have where it is no query.
const fn share_of_last(_: usize) -> usize {
    LEAST_LAST
}

impl Table<'_> {
    /// All columns in all words, but for those that only `full` output has.
    pub(super) fn whole_layout(&self, full: bool) -> Layout {
        let heads = self.columns.iter().enumerate();
        let wanted = heads.filter(|(_, head)| full || !self.in_full.contains(&head.title));
        let columns = wanted.map(|(at, head)| {
            let (title, align) = (head.title, head.align);
            Shown { at, room: usize::MAX, title, align, form: Form::Whole }
        });
        Layout { above: Vec::new(), columns: columns.collect() }
    }

    /// What is shown on a terminal of `width`. Numbers are never cut, nor a tree, nor what is to stay whole.
    pub(super) fn layout(&self, width: usize) -> Layout {
        let mut lanes: Vec<Lane> = (0..self.columns.len()).filter_map(|at| self.lane(at, width)).collect();
        let room = width.saturating_sub(self.gutter(0).len());
        let mut above = Vec::new();
        if taken(lanes.iter().map(|lane| lane.whole)) > room {
            above = self.fold(&mut lanes, room);
        }
        let last = lanes.iter().position(|lane| self.is_last(lane.at) && !self.is_exact(lane.at));
        let is_query = last.is_some_and(|at| self.is_wide(lanes[at].at));
        let mut line =
            Line { lanes, room, last, share: if is_query { share_of_query } else { share_of_last } };
        let _full = self.fill(&mut line);
        let columns = line.lanes.iter().filter(|lane| lane.room > 0).filter_map(|lane| {
            let head = self.columns.get(lane.at)?;
            let form = lane.form();
            let title = head.share.short_title.filter(|_| form != Form::Whole).unwrap_or(head.title);
            Some(Shown { at: lane.at, room: lane.room, title, align: head.align, form })
        });
        Layout { columns: columns.collect(), above }
    }

    /// Fills the line; none when it is full before everything is shown.
    fn fill(&self, line: &mut Line) -> Option<()> {
        let title = |lane: &Lane| self.columns.get(lane.at).map_or("", |head| head.title);
        let is_spare = |lane: &Lane| self.spare.contains(&title(lane));
        for at in 0..line.lanes.len() {
            let lane = &line.lanes[at];
            if !is_spare(lane) {
                line.show(at, if self.is_naming(lane.at) { lane.least } else { lane.floor })?;
            }
        }
        line.give_last_its_share(0)?;
        line.level(|lane| lane.least)?;
        for spare in self.spare.iter().rev() {
            let Some(at) = line.lanes.iter().position(|lane| title(lane) == *spare) else { continue };
            if line.lanes[at].room > 0 {
                line.widen(at, line.lanes[at].short)?;
                continue;
            }
            if line.last != Some(at) {
                line.level(|lane| lane.enough)?;
            }
            line.show(at, line.lanes[at].least)?;
        }
        line.level(|lane| lane.enough)?;
        line.level(|lane| lane.short)?;
        line.widen_last(MUCH)?;
        let is_age = |lane: &Lane| self.columns.get(lane.at).is_some_and(|head| !head.align.is_left());
        line.say_all(is_age)?;
        for at in 0..line.lanes.len() {
            if line.last != Some(at) {
                let column = line.lanes[at].at;
                line.say_all(|lane| lane.at == column)?;
            }
        }
        line.widen_last(usize::MAX)
    }

    /// A column with what it would like to take; none where it is not shown on a terminal.
    fn lane(&self, at: usize, width: usize) -> Option<Lane> {
        let head = self.columns.get(at).filter(|head| !self.in_full.contains(&head.title))?;
        let is_exact = self.is_exact(at);
        // How much wider than the terminal a text is makes no difference, when it can be cut.
        let most = if is_exact { usize::MAX } else { width.max(NARROWEST) };
        let natural = |form, title: &str| {
            let cells = (0..self.rows.count()).map(|row| self.width_of(row, at, form, most));
            cells.max().unwrap_or(0).max(title.len()).min(most)
        };
        let short_title = head.share.short_title.unwrap_or(head.title);
        let whole = natural(Form::Whole, head.title);
        let short = natural(Form::Short, short_title).min(whole);
        let terse = natural(Form::Terse, short_title).min(short);
        let (floor, least) = match head.share.least {
            _ if is_exact => (terse, terse),
            _ if self.is_last(at) => (NARROWEST, if self.is_wide(at) { LEAST_QUERY } else { LEAST_LAST }),
            Least::Title => (NARROWEST, head.title.len().max(self.least)),
            Least::Columns(columns) => (NARROWEST, columns),
            Least::Distinct(columns) | Least::Terse(columns) => (columns, columns),
            Least::ToldApart => (NARROWEST, self.told_apart(at, most).clamp(ENOUGH, ENOUGH_WORDS)),
        };
        let (floor, least) = (floor.min(terse), least.min(terse));
        let enough = match short {
            _ if matches!(head.share.least, Least::Terse(_)) => terse.min(ENOUGH_WORDS).max(least),
            _ if terse < short && short > ENOUGH_WORDS => terse,
            _ if terse < short => short,
            _ if matches!(head.share.least, Least::Distinct(_) | Least::ToldApart) => {
                short.min(ENOUGH_WORDS).max(least)
            }
            _ if matches!(head.share.least, Least::Columns(_)) => least,
            _ => short.min(ENOUGH).max(least),
        };
        Some(Lane { at, whole, short, terse, floor, least, enough, room: 0 })
    }

    /// To how little the texts of a column can be cut so that no two become the same.
    fn told_apart(&self, at: usize, most: usize) -> usize {
        let cells = (0..self.rows.count()).map(|row| self.fitted(row, at, Form::Short, most));
        let mut cells: Vec<_> = cells.collect();
        cells.sort_unstable();
        cells.dedup();
        let alike = cells.windows(2).map(|pair| {
            let alike = pair[0].chars().zip(pair[1].chars()).take_while(|(one, other)| one == other);
            alike.map(|(character, _)| text::width(character.encode_utf8(&mut [0; 4]))).sum::<usize>()
        });
        // One more that differs, and the sign that something is cut off.
        alike.max().map_or(0, |alike| alike + 2)
    }

    /// Takes the columns out that say the same, or nothing, in every row; returns what they say.
    fn fold(&self, lanes: &mut Vec<Lane>, room: usize) -> Vec<String> {
        let mut common = Vec::new();
        lanes.retain(|lane| {
            let Some(head) = self.columns.get(lane.at).filter(|head| head.share.folds) else { return true };
            match self.common(lane.at) {
                Some(cell) if cell == "-" => false,
                Some(cell) if self.rows.count() > 1 && self.is_shared(head.title) => {
                    common.push(format!("{} {cell}", head.title.to_lowercase()));
                    false
                }
                _ => true,
            }
        });
        if common.is_empty() { Vec::new() } else { text::wrapped(&common.join(", "), room) }
    }

    /// Whether rows that are not here have the same in a column as these.
    fn is_shared(&self, title: &str) -> bool {
        self.shared.as_ref().is_none_or(|shared| shared.contains(&title))
    }

    /// Whether column `at` takes what the others leave.
    fn is_last(&self, at: usize) -> bool {
        let wide = self.columns.iter().position(|head| head.share.is_wide);
        at == wide.unwrap_or(self.columns.len().saturating_sub(1))
    }

    /// What a cell takes, or a number over `most`.
    fn width_of(&self, row: usize, column: usize, form: Form, most: usize) -> usize {
        match self.rows.cell(row, column, form) {
            cell if cell.is_empty() => 1,
            cell => text::line_width(&cell, most),
        }
    }

    /// Whether column `at` is a query.
    fn is_wide(&self, at: usize) -> bool {
        self.columns.get(at).is_some_and(|head| head.share.is_wide)
    }

    /// Whether column `at` has the names of what the rows are about.
    fn is_naming(&self, at: usize) -> bool {
        self.columns.get(at).is_some_and(|head| matches!(head.share.least, Least::ToldApart))
    }

    /// Whether the texts of column `at` are never cut.
    fn is_exact(&self, at: usize) -> bool {
        self.columns.get(at).is_none_or(|head| {
            head.title == "PID"
                || matches!(head.align, Align::Right | Align::Age)
                || self.whole.contains(&head.title)
        })
    }
}
