//! A line that is filled with columns, step by step: what is taken is never given back. Knows widths, and no texts.

use super::rows::Form;

/// What stands between columns.
const GAP: usize = 2;

/// A column on its way to its place. Widths are in columns of the terminal.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) at: usize,
    /// What its title and its longest cell take, in all words, in few and in the fewest.
    pub(super) whole: usize,
    pub(super) short: usize,
    pub(super) terse: usize,
    /// To what it is never cut further.
    pub(super) floor: usize,
    /// What it is shown with when it can be spared.
    pub(super) least: usize,
    /// What it has before another column is shown.
    pub(super) enough: usize,
    /// What it takes; nothing while it is not shown.
    pub(super) room: usize,
}

impl Lane {
    /// In how many words there is room for all of its cells; the fewest are cut.
    pub(super) const fn form(&self) -> Form {
        match self.room {
            room if room >= self.whole => Form::Whole,
            room if room >= self.short => Form::Short,
            _ => Form::Terse,
        }
    }

    /// The next width at which it shows more.
    const fn next(&self) -> usize {
        match self.room {
            room if room < self.terse => room + 1,
            room if room < self.short => self.short,
            _ => self.whole,
        }
    }
}

/// The line, and what is on it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) lanes: Vec<Lane>,
    /// What it has room for.
    pub(super) room: usize,
    /// The text that takes what the others leave.
    pub(super) last: Option<usize>,
    /// How much of a line of some width that text has before the others take more.
    pub(super) share: fn(usize) -> usize,
}

/// Each step returns none when there is no room for it, after which there is none for any other.
impl Line {
    /// Shows the lane at this place with so much of its text; the first one also where there is no room for as much.
    pub(super) fn show(&mut self, at: usize, width: usize) -> Option<()> {
        if !self.is_empty() {
            self.afford(width + GAP)?;
        }
        let room = if self.is_empty() { self.room } else { width };
        let lane = self.lanes.get_mut(at)?;
        lane.room = width.min(room.max(lane.floor));
        Some(())
    }

    /// Shows more of the narrowest text until each has what it `wants`.
    pub(super) fn level(&mut self, wants: fn(&Lane) -> usize) -> Option<()> {
        loop {
            let others = (0..self.lanes.len()).filter(|at| self.last != Some(*at));
            let wanting = others
                .filter(|at| self.lanes[*at].room > 0 && self.lanes[*at].room < wants(&self.lanes[*at]));
            let Some(at) = wanting.min_by_key(|at| self.lanes[*at].room) else { return Some(()) };
            let next = self.lanes[at].next();
            self.afford(next - self.lanes[at].room)?;
            self.lanes[at].room = next;
        }
    }

    /// Shows a lane that is shown with `width`, or as it is.
    pub(super) fn widen(&mut self, at: usize, width: usize) -> Option<()> {
        self.afford(width.saturating_sub(self.lanes.get(at)?.room))?;
        let lane = self.lanes.get_mut(at)?;
        lane.room = lane.room.max(width);
        Some(())
    }

    /// Shows those that are `meant` in all words, or none of them.
    pub(super) fn say_all(&mut self, meant: impl Fn(&Lane) -> bool) -> Option<()> {
        let meant = |lane: &Lane| lane.room > 0 && meant(lane);
        let more = self.lanes.iter().filter(|lane| meant(lane)).map(|lane| lane.whole - lane.room).sum();
        self.afford(more)?;
        self.lanes.iter_mut().filter(|lane| meant(lane)).for_each(|lane| lane.room = lane.whole);
        Some(())
    }

    /// Gives the text that takes what the others leave its share of a line that is `more` wider.
    pub(super) fn give_last_its_share(&mut self, more: usize) -> Option<()> {
        loop {
            let line = taken(self.rooms()) + more;
            let share = (self.share)(line);
            match self.last.and_then(|at| self.lanes.get(at)) {
                Some(last) if last.room > 0 && last.room < last.whole.min(share) => {
                    self.widen_last(last.room + 1)?;
                }
                _ => return Some(()),
            }
        }
    }

    /// Widens that text to `width`, where it is as wide.
    pub(super) fn widen_last(&mut self, width: usize) -> Option<()> {
        let Some(last) = self.last else { return Some(()) };
        while self.lanes[last].room > 0 && self.lanes[last].room < width.min(self.lanes[last].whole) {
            let next = self.lanes[last].next();
            let more = next - self.lanes[last].room;
            if taken(self.rooms()) + more > self.room {
                return None;
            }
            self.lanes[last].room = next;
        }
        Some(())
    }

    /// Whether nothing is on it yet.
    fn is_empty(&self) -> bool {
        self.rooms().next().is_none()
    }

    /// Makes sure that there is room for so much more.
    fn afford(&mut self, more: usize) -> Option<()> {
        self.give_last_its_share(more)?;
        (taken(self.rooms()) + more <= self.room).then_some(())
    }

    /// What its lanes take.
    fn rooms(&self) -> impl Iterator<Item = usize> {
        self.lanes.iter().map(|lane| lane.room).filter(|room| *room > 0)
    }
}

/// What a line of such columns takes, with the gaps between them.
pub(super) fn taken(columns: impl Iterator<Item = usize>) -> usize {
    columns.fold(0usize, |line, column| line.saturating_add(column).saturating_add(GAP)).saturating_sub(GAP)
}
