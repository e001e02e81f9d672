//! The servers of a list: each with its worst fact, the worst first, and one of them to go into. Pure, as the rest of the state: an
//! event and a moment in, what is wanted out.

use std::time::{Duration, Instant};

use super::line::{Line, Typed};
use super::state::{AROUND_SERVERS, HOLD, LEAST_SIZE, OLD};
use crate::render::table::Mark;
use crate::terminal::Key;

mod arrangement;
mod row;

use arrangement::Arrangement;
pub(crate) use arrangement::{IsMeant, SORTS};
pub(super) use row::Row;
pub(crate) use row::{Found, Listed};

/// What happens to a list of servers, by their place in it.
#[derive(Debug)]
pub(crate) enum News {
    /// A look came to this.
    Found(usize, Box<Found>),
    /// A session was made with this one, or why not.
    Entered(usize, Result<(), String>),
}

/// What a list of servers wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A session with this one; nothing else is looked at until there is one.
    Enter(usize),
    /// No session any more.
    Stay,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wish(Wish),
    Suspend,
    Go(usize),
    Quit,
}

/// The servers of a list.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(super) rows: Vec<Row>,
    /// Those that are listed, and in which order.
    pub(super) listed: Arrangement,
    /// The place in the list of the one under the cursor.
    pub(super) cursor: Option<usize>,
    /// The first row that is shown.
    pub(super) top: usize,
    pub(super) size: (u16, u16),
    pub(super) now: Instant,
    interval: Duration,
    /// The one that a session is made with, and since when.
    pub(super) entering: Option<(usize, Instant)>,
    /// What is said until the next key.
    pub(super) message: Option<(Mark, String)>,
    pub(super) helps: bool,
    /// A filter that is being typed.
    pub(super) line: Option<Line>,
    /// The place in the list of what can be sorted by, while that is chosen.
    pub(super) picker: Option<usize>,
    /// The screen is held; what was found since then.
    pub(super) paused: Option<Vec<(usize, Box<Found>, Instant)>>,
    /// When the last key was typed.
    typed: Instant,
}

impl Servers {
    /// None of them has been looked at; each is to be, so often. `is_meant` knows the words of `--only`.
    pub(crate) fn new(
        listed: Vec<Listed>,
        is_meant: IsMeant,
        interval: Duration,
        said: &[String],
        now: Instant,
    ) -> Self {
        let arrangement = Arrangement::new(listed.len(), is_meant);
        let message = (!said.is_empty()).then(|| (Mark::Warn, said.join("; ")));
        let rows = listed.into_iter().map(|listed| Row { listed, found: None }).collect();
        Self {
            rows,
            listed: arrangement,
            cursor: None,
            top: 0,
            size: LEAST_SIZE,
            now,
            interval,
            entering: None,
            message,
            helps: false,
            line: None,
            picker: None,
            paused: None,
            typed: now,
        }
    }

    /// Says what has become of one when it was entered.
    pub(crate) fn say(&mut self, at: usize, why: &str) {
        let name = self.rows.get(at).map_or("", |row| &row.listed.name);
        self.message = Some((Mark::Bad, format!("{name}: {why}")));
    }

    /// Time has passed.
    pub(super) fn passes(&mut self, now: Instant) {
        self.now = now;
        if self.listed.held && now.saturating_duration_since(self.typed) >= HOLD {
            self.let_go();
        }
    }

    pub(super) const fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
    }

    /// Takes what has become of one.
    pub(super) fn on_news(&mut self, news: News, now: Instant) -> Option<Step> {
        self.now = now;
        match news {
            News::Found(at, found) => {
                match &mut self.paused {
                    Some(later) => later.push((at, found, now)),
                    None => self.find(at, found, now),
                }
                None
            }
            News::Entered(at, entered) => {
                // Who has changed his mind meanwhile is not taken there.
                self.entering.take().filter(|(wanted, _)| *wanted == at)?;
                match entered {
                    Ok(()) => Some(Step::Go(at)),
                    Err(why) => {
                        self.say(at, &why);
                        None
                    }
                }
            }
        }
    }

    fn find(&mut self, at: usize, found: Box<Found>, seen: Instant) {
        if let Some(row) = self.rows.get_mut(at) {
            row.found = Some((found, seen));
        }
        self.arrange();
    }

    /// Takes a key.
    pub(super) fn on_key(&mut self, key: &Key, now: Instant) -> Option<Step> {
        (self.now, self.typed) = (now, now);
        self.message = None;
        match key {
            Key::Ctrl('c') => return Some(Step::Quit),
            Key::Ctrl('z') => return Some(Step::Suspend),
            _ => {}
        }
        if self.entering.is_some() {
            return self.leaves(key).then(|| {
                self.entering = None;
                Step::Wish(Wish::Stay)
            });
        }
        if std::mem::take(&mut self.helps) {
            return None;
        }
        if self.line.is_some() {
            self.on_line_key(key);
            return None;
        }
        if self.picker.is_some() {
            self.on_picker_key(key);
            return None;
        }
        self.on_list_key(key)
    }

    fn on_list_key(&mut self, key: &Key) -> Option<Step> {
        let page = self.height();
        match key {
            Key::Down | Key::Char('j') => self.step(|at| at + 1),
            Key::Up | Key::Char('k') => self.step(|at| at.saturating_sub(1)),
            Key::PageDown => self.step(|at| at + page),
            Key::PageUp => self.step(|at| at.saturating_sub(page)),
            Key::Home | Key::Char('g') => self.put(0),
            Key::End | Key::Char('G') => self.put(usize::MAX),
            Key::Char('?' | 'h') | Key::F1 => self.helps = true,
            Key::Char('/') => self.line = Some(Line::new(&self.listed.typed)),
            Key::Char('s') => self.picker = Some(self.sorted_by()),
            Key::Char('>') => self.sort_by(self.sorted_by() + 1),
            Key::Char('<') => self.sort_by(self.sorted_by() + SORTS.len()),
            Key::Char('I') => {
                self.listed.inverted = !self.listed.inverted;
                self.let_go();
            }
            Key::Char('p') => self.pause(),
            Key::Escape => self.let_go(),
            Key::Char('q') => return Some(Step::Quit),
            Key::Enter => match self.cursor {
                Some(at) => {
                    self.entering = Some((at, self.now));
                    return Some(Step::Wish(Wish::Enter(at)));
                }
                None => self.message = Some((Mark::Warn, "choose a server first: j and k move".into())),
            },
            _ => {}
        }
        None
    }

    fn on_line_key(&mut self, key: &Key) {
        let Some(line) = &mut self.line else { return };
        match line.key(key) {
            Typed::Goes => {}
            Typed::Dropped => self.line = None,
            Typed::Kept => match self.listed.filter(line.text()) {
                Ok(()) => {
                    self.line = None;
                    let stays =
                        |at: &usize| self.rows.get(*at).is_some_and(|row| self.listed.selects(*at, row));
                    self.cursor = self.cursor.filter(stays);
                    self.let_go();
                }
                Err(why) => line.wrong = Some(why),
            },
        }
    }

    fn on_picker_key(&mut self, key: &Key) {
        let Some(at) = &mut self.picker else { return };
        match key {
            Key::Down | Key::Right | Key::Char('j' | '>') => *at = (*at + 1).min(SORTS.len()),
            Key::Up | Key::Left | Key::Char('k' | '<') => *at = at.saturating_sub(1),
            Key::Enter => {
                let at = *at;
                self.picker = None;
                self.sort_by(at);
            }
            Key::Escape | Key::Char('q' | 's') => self.picker = None,
            _ => {}
        }
    }

    /// The place of what it is sorted by among all that it can be, of which the first is the worst first.
    fn sorted_by(&self) -> usize {
        let place = |sort| SORTS.iter().position(|(_, known)| *known == sort);
        self.listed.sort.and_then(place).map_or(0, |place| place + 1)
    }

    fn sort_by(&mut self, place: usize) {
        let place = place % (SORTS.len() + 1);
        self.listed.sort = place.checked_sub(1).and_then(|at| SORTS.get(at)).map(|(_, sort)| *sort);
        self.let_go();
    }

    /// Holds the screen, or shows what was found meanwhile.
    fn pause(&mut self) {
        match self.paused.take() {
            None => self.paused = Some(Vec::new()),
            Some(later) => later.into_iter().for_each(|(at, found, seen)| self.find(at, found, seen)),
        }
    }

    /// Lets the order go; the cursor stays on its server.
    fn let_go(&mut self) {
        self.listed.held = false;
        self.top = 0;
        self.arrange();
    }

    fn arrange(&mut self) {
        self.listed.arrange(&self.rows, self.cursor);
        self.follow();
    }

    /// Whether a key means that a session is not wanted any more.
    const fn leaves(&self, key: &Key) -> bool {
        matches!(key, Key::Escape | Key::Char('q'))
    }

    /// From which age on what is known of a server is old, and very old.
    pub(super) fn old(&self) -> (Duration, Duration) {
        (self.interval * 2, OLD.max(self.interval * 4))
    }

    /// How many rows there is room for.
    pub(super) fn height(&self) -> usize {
        usize::from(self.size.1.saturating_sub(AROUND_SERVERS)).max(1)
    }

    /// The one under the cursor.
    pub(super) fn chosen(&self) -> Option<&Row> {
        self.rows.get(self.cursor?)
    }

    fn place(&self) -> Option<usize> {
        let cursor = self.cursor?;
        self.listed.places.iter().position(|at| *at == cursor)
    }

    fn step(&mut self, to: impl FnOnce(usize) -> usize) {
        self.put(self.place().map_or(0, to));
    }

    fn put(&mut self, place: usize) {
        let last = self.listed.places.len().saturating_sub(1);
        self.cursor = self.listed.places.get(place.min(last)).copied();
        self.listed.held = true;
        self.arrange();
    }

    /// Shows the rows among which the cursor is.
    fn follow(&mut self) {
        let height = self.height();
        let Some(place) = self.place() else { return };
        self.top = self.top.min(place).max((place + 1).saturating_sub(height));
    }
}
