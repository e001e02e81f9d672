//! How the columns of a table share the line of a terminal. What is the same in every row goes into a line above; then what can be
//! said in fewer words is; then columns are left out, in the command's order. Each step is taken only where the one before does not
//! give the widest text, a query, its share of the line, and what then turns out to have room is said in all its words again.

use super::{Align, Form, Table};
use crate::render::text;

/// What the last text is cut to before a column is left out.
const LEAST_LAST: usize = 16;
/// What texts are cut to when no column is left that could be spared.
const NARROWEST: usize = 8;
/// What stands between columns.
const GAP: usize = 2;

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

/// A column on its way to its place.
struct Lane {
    at: usize,
    form: Form,
    /// What its title and its longest cell take, in all words and in few.
    whole: usize,
    short: usize,
    /// What it may take.
    room: usize,
}

impl Lane {
    const fn natural(&self) -> usize {
        match self.form {
            Form::Whole => self.whole,
            Form::Short => self.short,
        }
    }
}

/// How many columns of a line of `width` a query is to have: 24 of 80, 40 of 120.
fn share_of_query(width: usize) -> usize {
    (2 * width / 5).saturating_sub(8).max(LEAST_LAST)
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
        if !self.fits(&lanes, width, room) {
            above = self.fold(&mut lanes, room);
        }
        if !self.fits(&lanes, width, room) {
            lanes.iter_mut().for_each(|lane| lane.form = Form::Short);
            self.leave_out(&mut lanes, width, room);
            self.say_more(&mut lanes, width, room);
        }
        lanes.iter_mut().for_each(|lane| lane.room = lane.natural());
        self.cut(&mut lanes, width, room);
        let columns = lanes.iter().filter_map(|lane| {
            let head = self.columns.get(lane.at)?;
            let title = head.share.short_title.filter(|_| lane.form == Form::Short).unwrap_or(head.title);
            Some(Shown { at: lane.at, room: lane.room, title, align: head.align, form: lane.form })
        });
        Layout { columns: columns.collect(), above }
    }

    /// A column with what it would like to take; none where it is not shown on a terminal.
    fn lane(&self, at: usize, width: usize) -> Option<Lane> {
        let head = self.columns.get(at).filter(|head| !self.in_full.contains(&head.title))?;
        // How much wider than the terminal a text is makes no difference, when it can be cut.
        let most = match self.least(at, width, false) {
            usize::MAX => usize::MAX,
            least => width.max(least).max(NARROWEST),
        };
        let natural = |form, title: &str| {
            let cells = (0..self.rows.count()).map(|row| self.width_of(row, at, form, most));
            cells.max().unwrap_or(0).max(title.len()).min(most)
        };
        let whole = natural(Form::Whole, head.title);
        let short = natural(Form::Short, head.share.short_title.unwrap_or(head.title)).min(whole);
        Some(Lane { at, form: Form::Whole, whole, short, room: whole })
    }

    /// Whether everything is whole, but for a query that has more than its share.
    fn fits(&self, lanes: &[Lane], width: usize, room: usize) -> bool {
        let wanted = |lane: &Lane| match self.is_last(lane.at) {
            true => lane.natural().min(self.least(lane.at, width, false)),
            false => lane.natural(),
        };
        line(lanes.iter().map(wanted)) <= room
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

    /// What all rows have in a column.
    pub(super) fn common(&self, at: usize) -> Option<String> {
        let first = self.line_of(0, at);
        let is_same = (1..self.rows.count()).all(|row| self.line_of(row, at) == first);
        (self.rows.count() > 0 && is_same).then(|| first.into_owned())
    }

    /// Leaves columns out until the others have what is of use: those that can be spared, and at the very end from the last one on.
    fn leave_out(&self, lanes: &mut Vec<Lane>, width: usize, room: usize) {
        let taken = |lanes: &[Lane], narrowest| {
            line(lanes.iter().map(|lane| lane.natural().min(self.least(lane.at, width, narrowest)))) > room
        };
        for spare in self.spare {
            if taken(lanes, false) {
                lanes.retain(|lane| self.columns.get(lane.at).is_none_or(|head| head.title != *spare));
            }
        }
        while lanes.len() > 1 && taken(lanes, true) {
            lanes.pop();
        }
    }

    /// Says in all words what there is room for: the ages all of them, or none.
    fn say_more(&self, lanes: &mut [Lane], width: usize, room: usize) {
        let is_age = |lane: &Lane| self.columns.get(lane.at).is_some_and(|head| !head.align.is_left());
        let ages: Vec<usize> =
            lanes.iter().enumerate().filter(|(_, lane)| is_age(lane)).map(|(at, _)| at).collect();
        let others = (0..lanes.len()).filter(|at| !ages.contains(at)).map(|at| vec![at]);
        for together in std::iter::once(ages.clone()).chain(others) {
            let set = |lanes: &mut [Lane], form| {
                lanes
                    .iter_mut()
                    .enumerate()
                    .filter(|(at, _)| together.contains(at))
                    .for_each(|(_, lane)| lane.form = form);
            };
            set(lanes, Form::Whole);
            if !self.fits(lanes, width, room) {
                set(lanes, Form::Short);
            }
        }
    }

    /// Cuts what is too long: the last text first, as far as it stays of use, then the widest of the others; and where that is not
    /// enough, further.
    fn cut(&self, lanes: &mut [Lane], width: usize, room: usize) {
        for (of_last, narrowest) in [(true, false), (false, false), (false, true), (true, true)] {
            while line(lanes.iter().map(|lane| lane.room)) > room {
                let widest = lanes
                    .iter_mut()
                    .filter(|lane| self.is_last(lane.at) == of_last)
                    .filter(|lane| lane.room > self.least(lane.at, width, narrowest))
                    .max_by_key(|lane| lane.room);
                let Some(widest) = widest else { break };
                widest.room -= 1;
            }
        }
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

    /// What column `at` is cut to at most.
    fn least(&self, at: usize, width: usize, narrowest: bool) -> usize {
        let Some(head) = self.columns.get(at) else { return usize::MAX };
        match (head.title, head.align) {
            ("PID", _) | (_, Align::Right | Align::Age) => usize::MAX,
            (title, _) if self.whole.contains(&title) => usize::MAX,
            _ if narrowest => NARROWEST,
            _ if head.share.is_wide => share_of_query(width),
            _ if at + 1 == self.columns.len() => LEAST_LAST,
            (title, _) => match self.least_of.filter(|(of, _)| *of == title) {
                Some((_, least)) => least,
                None => head.share.least.unwrap_or(title.len().max(self.least)),
            },
        }
    }
}

/// What a line of such columns takes, with the gaps between them.
fn line(columns: impl Iterator<Item = usize>) -> usize {
    columns.fold(0usize, |line, column| line.saturating_add(column).saturating_add(GAP)).saturating_sub(GAP)
}
