//! What sessions do and what they wait for, in as many words as there is room for: what is waited for comes before how.

use std::borrow::Cow;

use crate::model::blocking::Blocked;
use crate::model::lock::{Level, Lock};
use crate::model::short_words;

/// As much of what is locked in the fewest words as tells how: that of the longest mode, held.
pub(super) const LOCK_LEAST: usize = "holds ShareRowExcl ".len();

/// How many words there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Words {
    /// The fewest: how something is locked, in a word that is never cut off, and what.
    Fewest,
    /// Few: how something is locked, and what, without its schema where nothing else has its name.
    Few,
    /// All.
    All,
}

impl Words {
    /// What a session does; what kind of process it is where it is no client's.
    pub(super) fn state(self, session: &Blocked) -> Option<Cow<'_, str>> {
        let few = self != Self::All;
        let kind = session.backend_type.as_deref().filter(|kind| *kind != "client backend");
        Some(match (session.state.as_deref(), kind) {
            _ if session.vanished => "(ended since)".into(),
            _ if session.hidden => "(hidden)".into(),
            (None, _) => Cow::Borrowed(session.backend_type.as_deref()?),
            (Some(_), Some(kind)) if few => kind.into(),
            (Some(state), Some(kind)) => format!("{kind}, {state}").into(),
            (Some(state), None) if few => short_words::state(state).into(),
            (Some(state), None) => state.into(),
        })
    }

    /// The state of a prepared transaction.
    pub(super) fn prepared(self) -> &'static str {
        if self == Self::All { "prepared transaction" } else { "prepared" }
    }

    /// `AccessExclusive on public.orders`, in fewer words `AccessExclusive orders` and `AccessExcl orders`; `a row of public.orders`,
    /// `advisory Exclusive on key 7`.
    pub(in crate::commands) fn lock(self, lock: &Lock) -> String {
        let mode = short_words::lock_mode(&lock.mode);
        let (kind, object) = (lock.kind.as_str(), self.object(lock));
        match (kind, &lock.relation, &lock.key) {
            ("transactionid" | "virtualxid", ..) | ("tuple", Some(_), _) => object,
            _ if self == Self::Few => format!("{mode} {object}"),
            _ if self == Self::Fewest => format!("{} {object}", short_words::shorter_lock_mode(mode)),
            ("relation", Some(_), _) => format!("{mode} on {object}"),
            ("advisory", _, Some(key)) => format!("advisory {mode} on key {key}"),
            (_, Some(relation), _) => format!("{kind} {mode} on {relation}"),
            _ => format!("{kind} {mode}"),
        }
    }

    /// Names a lock that is held; an advisory one with what ends it, the session or its transaction, as far as that can be told.
    pub(in crate::commands) fn held(self, lock: &Lock) -> String {
        let told = self.lock(lock);
        match (lock.level, self) {
            _ if lock.kind != "advisory" => told,
            (Some(Level::Session), Self::All) => format!("{told} (session level)"),
            (Some(Level::Transaction), Self::All) => format!("{told} (transaction level)"),
            (None, Self::All) => format!("{told} (level not shown by the server)"),
            (Some(Level::Session), _) => format!("{told} (session)"),
            (Some(Level::Transaction), _) => format!("{told} (xact)"),
            (None, _) => told,
        }
    }

    /// The lock that a row of a listing waits for: `Lock public.orders AccessExclusive`, in fewer words `orders AccessExclusive` and
    /// `orders`, because what is waited for is there longest; `Lock public.stock row`. None where nothing is known but its kind.
    pub(in crate::commands) fn waited(self, lock: &Lock) -> Option<String> {
        let relation = self.relation(lock);
        let (object, is_row) = match (lock.kind.as_str(), relation, &lock.key) {
            ("transactionid" | "tuple", Some(relation), _) => (format!("{relation} row"), true),
            ("relation", Some(relation), _) => (relation.into(), false),
            ("advisory", _, Some(key)) if self == Self::Fewest => (format!("key {key}"), false),
            ("advisory", _, Some(key)) => (format!("advisory key {key}"), false),
            (kind, Some(relation), _) => (format!("{relation} {kind}"), false),
            _ => return None,
        };
        let mode = short_words::lock_mode(&lock.mode);
        Some(match self {
            Self::All if is_row => format!("Lock {object}"),
            Self::All => format!("Lock {object} {mode}"),
            Self::Few if !is_row => format!("{object} {mode}"),
            Self::Few | Self::Fewest => object,
        })
    }

    /// The relation, with its schema where there is room for it, and where there is another of its name.
    fn relation(self, lock: &Lock) -> Option<&str> {
        if self == Self::All { lock.relation.as_deref() } else { lock.short_relation() }
    }

    /// What is locked, and not how.
    fn object(self, lock: &Lock) -> String {
        let is_row = matches!(lock.kind.as_str(), "transactionid" | "tuple");
        // Of a row no mode is told that would want the room of its table's schema.
        let relation =
            if is_row && self == Self::Few { lock.relation.as_deref() } else { self.relation(lock) };
        match (lock.kind.as_str(), relation, &lock.key) {
            (_, Some(relation), _) if is_row && self != Self::All => format!("row of {relation}"),
            (_, Some(relation), _) if is_row => format!("a row of {relation}"),
            ("transactionid" | "virtualxid", None, _) => "its transaction".into(),
            ("relation", Some(relation), _) => relation.into(),
            ("advisory", _, Some(key)) => format!("advisory key {key}"),
            (kind, Some(relation), _) => format!("{relation} {kind}"),
            (kind, ..) => kind.into(),
        }
    }
}
