//! A lock storm in few lines: of the sessions that queue for the same thing under the same one, all but the first are one line.

use std::collections::{HashMap, HashSet};

use crate::analyze::blocking::Line;
use crate::model::blocking::Blocked;
use crate::model::lock::Lock;

/// How many of a queue have a line of their own.
const SHOWN: usize = 2;

/// A line on the screen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'a> {
    /// A session, or a prepared transaction.
    One(Line),
    /// More of those before it.
    More(Queue<'a>),
}

/// Sessions that queue for the same thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue<'a> {
    /// Where the last of them stands in the tree.
    pub(super) line: Line,
    /// How many they are.
    pub(super) count: usize,
    /// The longest that one of them has waited, in seconds.
    pub(super) longest: Option<f64>,
    /// How many applications they belong to.
    pub(super) applications: usize,
    /// Their database and their role, where they have the same.
    pub(super) database: Option<&'a String>,
    pub(super) role: Option<&'a String>,
    /// One of them, like the others.
    pub(super) session: &'a Blocked,
}

/// The tree with long queues in one line each.
pub(super) fn folded<'a>(lines: &[Line], sessions: &HashMap<i32, &'a Blocked>) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let alike = alike(lines.get(at..).unwrap_or_default(), sessions);
        let (shown, more) = alike.split_at(if alike.len() > SHOWN + 1 { SHOWN } else { alike.len() });
        entries.extend(shown.iter().map(|line| Entry::One(*line)));
        if let Some(queue) = queue(more, sessions) {
            entries.push(Entry::More(queue));
        }
        if alike.is_empty() {
            entries.push(Entry::One(*line));
        }
        at += alike.len().max(1);
    }
    entries
}

/// The first of these lines and those after it that are like it: nobody is behind them, under the same session, for the same thing.
fn alike<'a>(lines: &'a [Line], sessions: &HashMap<i32, &Blocked>) -> &'a [Line] {
    let lock = |line: &Line| sessions.get(&line.pid).and_then(|session| session.lock.as_ref());
    let Some((first, wanted)) = lines.first().and_then(|first| Some((first, lock(first)?))) else {
        return &[];
    };
    let is_alone = |at: usize| lines.get(at + 1).is_none_or(|next| next.depth <= first.depth);
    let is_alike = |(at, line): (usize, &Line)| {
        line.depth == first.depth && is_alone(at) && lock(line).is_some_and(|lock| is_same(lock, wanted))
    };
    let mut count = lines.iter().enumerate().take_while(|(at, line)| is_alike((*at, line))).count();
    // Who stands last under one ends its queue, whoever follows at the same depth.
    if let Some(last) = lines.iter().take(count).position(|line| line.last) {
        count = last + 1;
    }
    lines.get(..count).unwrap_or_default()
}

/// A row that two wait for has a place of its own in each of their queues.
fn is_same(one: &Lock, other: &Lock) -> bool {
    one.kind == other.kind && one.relation == other.relation && one.mode == other.mode && one.key == other.key
}

fn queue<'a>(lines: &[Line], sessions: &HashMap<i32, &'a Blocked>) -> Option<Queue<'a>> {
    let of: Vec<&Blocked> = lines.iter().filter_map(|line| sessions.get(&line.pid).copied()).collect();
    let applications: HashSet<&str> = of.iter().map(|session| session.application_name.as_str()).collect();
    Some(Queue {
        line: *lines.last()?,
        count: lines.len(),
        longest: of.iter().filter_map(|session| session.wait_seconds).max_by(f64::total_cmp),
        applications: applications.len(),
        database: common(&of, |session| session.database.as_ref()),
        role: common(&of, |session| session.role.as_ref()),
        session: of.first().copied()?,
    })
}

/// What all of these sessions have.
fn common<'a>(of: &[&'a Blocked], part: fn(&'a Blocked) -> Option<&'a String>) -> Option<&'a String> {
    let first = of.first().and_then(|session| part(session));
    first.filter(|first| of.iter().all(|session| part(session) == Some(first)))
}
