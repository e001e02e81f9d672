//! What is known of a server of a list: how the list calls it, and what the last look at it found.

use std::time::Instant;

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

/// A server, and what is known of it.
#[derive(Debug)]
pub(in crate::live) struct Row {
    pub(in crate::live) listed: Listed,
    pub(in crate::live) found: Option<(Box<Found>, Instant)>,
}
