//! The rows of a screen: the cursor and the tags are sessions, not rows. While the cursor was moved or something is tagged the order
//! is held; who ends stays, grey, until the next look, and nobody takes the place under the cursor.

use std::collections::HashMap;

use super::event::SessionKey;
use crate::analyze::pooler::PoolUse;
use crate::model::blocking::Blocked;
use crate::model::screen::ScreenRow;
use crate::model::usage::LimitUse;
use crate::render::table::Mark;

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    /// A session.
    Session(SessionKey),
    /// A session of which this role may not see who it is.
    Hidden(i32),
    /// A prepared transaction.
    Prepared(String),
    /// Sessions that have this in common.
    Group(GroupBy, Option<String>),
    /// A CONNECTION LIMIT, of a role or a database.
    Limit(&'static str, String),
    /// A pool, by its database and its user.
    Pool(String, String),
    /// A line that cannot be chosen.
    Note(usize),
}

/// What sessions can have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum GroupBy {
    Application,
    Role,
    Database,
    Client,
    State,
}

impl GroupBy {
    /// Its title.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Application => "APPLICATION",
            Self::Role => "ROLE",
            Self::Database => "DATABASE",
            Self::Client => "CLIENT",
            Self::State => "STATE",
        }
    }
}

/// What has become of what a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is still there, though not among what was listed.
    There,
    /// It has ended.
    Ended,
    /// It does not belong to the list any more.
    Left,
}

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// What it is about.
    pub(crate) id: Id,
    /// It has ended.
    pub(crate) gone: bool,
    /// What it shows.
    pub(crate) body: Body,
}

/// What a row shows.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// A session.
    Session(Box<ScreenRow>),
    /// A session in a tree of waits: how deep, whether it is the last under its blocker, whether it waits in a circle.
    Blocked(Box<Blocked>, usize, bool, bool),
    /// A prepared transaction, how old it is, and how many wait for it.
    Prepared(String, f64, usize),
    /// A count, and what else is known of it.
    Group(i64, String),
    /// What is used of a limit.
    Limit(LimitUse),
    /// A pool.
    Pool(Box<PoolUse>),
    /// A line.
    Note(Mark, String),
}

/// The rows of a screen.
#[derive(Debug, Default)]
pub(crate) struct List {
    entries: Vec<Entry>,
    cursor: Option<Id>,
    /// Where the cursor is, or was when its session ended.
    at: usize,
    /// The first row that is shown.
    top: usize,
    /// The order stays.
    held: bool,
    tags: Vec<SessionKey>,
}

impl List {
    /// Every row.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What the cursor is on.
    pub(crate) const fn cursor(&self) -> Option<&Id> {
        self.cursor.as_ref()
    }

    /// The row that the cursor is on.
    pub(crate) fn chosen(&self) -> Option<&Entry> {
        let cursor = self.cursor.as_ref()?;
        self.entries.iter().find(|entry| entry.id == *cursor)
    }

    /// The tagged sessions.
    pub(crate) fn tags(&self) -> &[SessionKey] {
        &self.tags
    }

    /// Whether the order is held.
    pub(crate) const fn is_held(&self) -> bool {
        self.held
    }

    /// The first row that is shown.
    pub(crate) const fn top(&self) -> usize {
        self.top
    }

    /// The process ids of all rows.
    pub(crate) fn pids(&self) -> Vec<i32> {
        self.entries.iter().filter(|entry| !entry.gone).filter_map(|entry| pid_of(&entry.id)).collect()
    }

    /// The process ids that have to be asked for whatever the order: everybody whose place is held, or who is chosen.
    pub(crate) fn pins(&self) -> Vec<i32> {
        let mut pins: Vec<i32> = self.tags.iter().map(|key| key.pid).collect();
        pins.extend(self.cursor.as_ref().and_then(pid_of));
        if self.held {
            pins.extend(self.pids());
        }
        pins.sort_unstable();
        pins.dedup();
        pins
    }

    /// Takes what a look found. `presence` says of a row that is not among it what has become of what it is about.
    pub(crate) fn update(&mut self, new: Vec<Entry>, presence: impl Fn(&Id) -> Presence) {
        let mut old = std::mem::take(&mut self.entries);
        let found = places(&new);
        old.retain_mut(|entry| {
            if found.contains_key(&entry.id) {
                return true;
            }
            let presence = if matches!(entry.id, Id::Note(_)) { Presence::Left } else { presence(&entry.id) };
            if presence == Presence::Ended {
                self.tags.retain(|tag| key_of(&entry.id) != Some(tag));
            }
            let is_kept = self.held || self.cursor.as_ref() == Some(&entry.id);
            match presence {
                Presence::There => is_kept,
                _ if matches!(entry.id, Id::Note(_)) => false,
                Presence::Ended | Presence::Left => !std::mem::replace(&mut entry.gone, true),
            }
        });
        self.entries = if self.held { held(old, new) } else { sorted(old, new, &found) };
        match self.index() {
            Some(at) => self.at = at,
            None => self.cursor = None,
        }
        self.at = self.at.min(self.entries.len().saturating_sub(1));
        self.top = if self.held { self.top.min(self.entries.len().saturating_sub(1)) } else { 0 };
    }

    /// Lists something else; the cursor stays on its session where that is listed, too.
    pub(crate) fn clear(&mut self, keeps_cursor: bool) {
        if !keeps_cursor {
            self.cursor = None;
        }
        (self.entries, self.at, self.top) = (Vec::new(), 0, 0);
        self.held = !self.tags.is_empty();
    }

    /// Moves the cursor by so many rows; the first key puts it where the list begins, or where its session ended.
    pub(crate) fn step(&mut self, by: isize, height: usize) {
        let selectable =
            |at: usize| self.entries.get(at).is_some_and(|entry| !matches!(entry.id, Id::Note(_)));
        let from = match self.index() {
            Some(at) => at.saturating_add_signed(by),
            None => self.at,
        };
        let last = self.entries.len().saturating_sub(1);
        let from = from.min(last);
        // A line that cannot be chosen is passed in the direction of the step, and else in the other one.
        let forward = (from..self.entries.len()).find(|at| selectable(*at));
        let backward = (0..=from).rev().find(|at| selectable(*at));
        let found = if by < 0 { backward.or(forward) } else { forward.or(backward) };
        self.put(found, height);
    }

    /// Moves the cursor to the first row, or to the last.
    pub(crate) fn jump(&mut self, to_end: bool, height: usize) {
        let mut places = (0..self.entries.len())
            .filter(|at| self.entries.get(*at).is_some_and(|entry| !matches!(entry.id, Id::Note(_))));
        let found = if to_end { places.next_back() } else { places.next() };
        if !to_end {
            self.top = 0;
        }
        self.put(found, height);
    }

    fn put(&mut self, at: Option<usize>, height: usize) {
        let Some(at) = at else { return };
        self.cursor = self.entries.get(at).map(|entry| entry.id.clone());
        self.at = at;
        self.held = true;
        self.top = self.top.min(at);
        if at >= self.top + height.max(1) {
            self.top = at + 1 - height.max(1);
        }
    }

    /// Tags the session under the cursor, or takes the tag off it.
    pub(crate) fn tag(&mut self) {
        let Some(entry) = self.chosen().filter(|entry| !entry.gone) else { return };
        let Some(key) = key_of(&entry.id).cloned() else { return };
        match self.tags.iter().position(|tag| *tag == key) {
            Some(at) => drop(self.tags.remove(at)),
            None => self.tags.push(key),
        }
        self.held = true;
    }

    /// Takes all tags off.
    pub(crate) fn untag(&mut self) {
        self.tags.clear();
    }

    /// Lets the order go; the cursor stays on its session.
    pub(crate) fn let_go(&mut self) {
        self.held = false;
        self.top = 0;
    }

    /// The rows that a screen of so many shows, each with its place: where the order is not held, the one under the cursor is the last
    /// of them when it stands below.
    pub(crate) fn shown(&self, height: usize) -> Vec<&Entry> {
        let mut shown: Vec<&Entry> = self.entries.iter().skip(self.top).take(height).collect();
        if let Some(at) = self.index().filter(|at| *at >= self.top + height)
            && let (Some(last), Some(entry)) = (shown.last_mut(), self.entries.get(at))
        {
            *last = entry;
        }
        shown
    }

    fn index(&self) -> Option<usize> {
        let cursor = self.cursor.as_ref()?;
        self.entries.iter().position(|entry| entry.id == *cursor)
    }
}

/// The session that a row is about.
pub(crate) const fn key_of(id: &Id) -> Option<&SessionKey> {
    match id {
        Id::Session(key) => Some(key),
        _ => None,
    }
}

const fn pid_of(id: &Id) -> Option<i32> {
    match id {
        Id::Session(key) => Some(key.pid),
        Id::Hidden(pid) => Some(*pid),
        _ => None,
    }
}

/// Where each row stands.
fn places(rows: &[Entry]) -> HashMap<Id, usize> {
    rows.iter().enumerate().map(|(at, entry)| (entry.id.clone(), at)).collect()
}

/// The rows in the order in which they stood, what is new behind them.
fn held(old: Vec<Entry>, new: Vec<Entry>) -> Vec<Entry> {
    let places = places(&old);
    let mut rows = old;
    for entry in new {
        match places.get(&entry.id).and_then(|at| rows.get_mut(*at)) {
            Some(row) => *row = entry,
            None => rows.push(entry),
        }
    }
    rows
}

/// The rows as the server has sorted them; who has ended stays where it was.
fn sorted(old: Vec<Entry>, mut new: Vec<Entry>, found: &HashMap<Id, usize>) -> Vec<Entry> {
    for (at, entry) in old.into_iter().enumerate().filter(|(_, entry)| !found.contains_key(&entry.id)) {
        let at = if entry.gone { at.min(new.len()) } else { new.len() };
        new.insert(at, entry);
    }
    new
}
