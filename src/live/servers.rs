//! The servers of a list: each with its worst fact, the worst first, and one of them to go into. Pure, as the rest of the state: an
//! event and a moment in, what is wanted out.

use std::time::{Duration, Instant};

use super::state::{AROUND_SERVERS, LEAST_SIZE, OLD};
use crate::render::table::Mark;
use crate::terminal::Key;

/// A server of a list, as that calls it.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Its name.
    pub(crate) name: String,
    /// It is called production.
    pub(crate) production: bool,
}

/// What a look at a server of a list found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// How it is, in a word: `healthy`, or why it could not be asked: `timeout`.
    pub(crate) health: &'static str,
    /// 0 for one that could not be asked, then the worst first.
    pub(crate) rank: u8,
    /// Its worst fact, in a line.
    pub(crate) summary: String,
    /// Slots in use, and those that ordinary roles can use.
    pub(crate) used: Option<i64>,
    pub(crate) usable: Option<i64>,
    /// Sessions that are hidden.
    pub(crate) hidden: Option<i64>,
    /// Sessions that wait for others.
    pub(crate) waiting: Option<i64>,
    /// The oldest open transaction, in seconds.
    pub(crate) oldest_xact_seconds: Option<f64>,
}

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

/// A server, and what is known of it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) listed: Listed,
    pub(super) found: Option<(Box<Found>, Instant)>,
}

/// The servers of a list.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(super) rows: Vec<Row>,
    /// The places in the list, the worst first.
    pub(super) order: Vec<usize>,
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
}

impl Servers {
    /// None of them has been looked at; each is to be, so often.
    pub(crate) fn new(listed: Vec<Listed>, interval: Duration, said: &[String], now: Instant) -> Self {
        let order = (0..listed.len()).collect();
        let message = (!said.is_empty()).then(|| (Mark::Warn, said.join("; ")));
        let rows = listed.into_iter().map(|listed| Row { listed, found: None }).collect();
        Self {
            rows,
            order,
            cursor: None,
            top: 0,
            size: LEAST_SIZE,
            now,
            interval,
            entering: None,
            message,
            helps: false,
        }
    }

    /// Says what has become of one when it was entered.
    pub(crate) fn say(&mut self, at: usize, why: &str) {
        let name = self.rows.get(at).map_or("", |row| &row.listed.name);
        self.message = Some((Mark::Bad, format!("{name}: {why}")));
    }

    /// Time has passed.
    pub(super) const fn passes(&mut self, now: Instant) {
        self.now = now;
    }

    pub(super) const fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
    }

    /// Takes what has become of one.
    pub(super) fn on_news(&mut self, news: News, now: Instant) -> Option<Step> {
        self.now = now;
        match news {
            News::Found(at, found) => {
                if let Some(row) = self.rows.get_mut(at) {
                    row.found = Some((found, now));
                }
                let rank = |at: &usize| {
                    let found = self.rows.get(*at).and_then(|row| row.found.as_ref());
                    (found.map_or(u8::MAX, |(found, _)| found.rank), *at)
                };
                self.order.sort_by_key(rank);
                self.follow();
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

    /// Takes a key.
    pub(super) fn on_key(&mut self, key: &Key, now: Instant) -> Option<Step> {
        self.now = now;
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
        let page = self.height();
        match key {
            Key::Down | Key::Char('j') => self.step(|at| at + 1),
            Key::Up | Key::Char('k') => self.step(|at| at.saturating_sub(1)),
            Key::PageDown => self.step(|at| at + page),
            Key::PageUp => self.step(|at| at.saturating_sub(page)),
            Key::Home | Key::Char('g') => self.put(0),
            Key::End | Key::Char('G') => self.put(usize::MAX),
            Key::Char('?' | 'h') | Key::F1 => self.helps = true,
            Key::Char('q') => return Some(Step::Quit),
            Key::Enter => match self.cursor {
                Some(at) => {
                    self.entering = Some((at, now));
                    return Some(Step::Wish(Wish::Enter(at)));
                }
                None => self.message = Some((Mark::Warn, "choose a server first: j and k move".into())),
            },
            _ => {}
        }
        None
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
        self.order.iter().position(|at| *at == cursor)
    }

    fn step(&mut self, to: impl FnOnce(usize) -> usize) {
        self.put(self.place().map_or(0, to));
    }

    fn put(&mut self, place: usize) {
        let last = self.order.len().saturating_sub(1);
        self.cursor = self.order.get(place.min(last)).copied();
        self.follow();
    }

    /// Shows the rows among which the cursor is.
    fn follow(&mut self) {
        let height = self.height();
        let Some(place) = self.place() else { return };
        self.top = self.top.min(place).max((place + 1).saturating_sub(height));
    }
}
