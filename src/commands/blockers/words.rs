//! What sessions do and what they wait for, in as many words as there is room for: what is waited for comes before how.

use std::borrow::Cow;

use crate::model::blocking::{Blocked, Level, Lock};
use crate::model::short_words;
use crate::render::table::LEAST;
use crate::render::text;

/// To how little what is waited for is cut, however long it is, before a column is spared.
const OBJECT: usize = 36;

/// What stands before what is held, and what shows that something is cut off behind it.
const AROUND: usize = "holds …".len() - "…".len() + 1;

/// How many words there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Words {
    /// Few: what is locked comes before how, which may be cut off.
    Few,
    /// All.
    All,
}

/// To how little what these sessions wait for is cut before a column is left out: the object is to be read.
pub(super) fn object_width(sessions: &[Blocked]) -> usize {
    let wanted = sessions.iter().filter_map(|session| session.lock.as_ref());
    let widest = wanted.map(|lock| text::width(&Words::Few.object(lock))).max().unwrap_or(0);
    (widest + AROUND).clamp(LEAST, OBJECT)
}

impl Words {
    /// What a session does; what kind of process it is where it is no client's.
    pub(super) fn state(self, session: &Blocked) -> Option<Cow<'_, str>> {
        let few = self == Self::Few;
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
        if self == Self::Few { "prepared" } else { "prepared transaction" }
    }

    /// `AccessExclusive on public.orders`, or `public.orders AccessExclusive`; `a row of public.orders`, `advisory Exclusive on key 7`.
    pub(in crate::commands) fn lock(self, lock: &Lock) -> String {
        let mode = short_words::lock_mode(&lock.mode);
        let (kind, object) = (lock.kind.as_str(), self.object(lock));
        match (kind, &lock.relation, &lock.key) {
            ("transactionid" | "virtualxid", ..) | ("tuple", Some(_), _) => object,
            _ if self == Self::Few => format!("{object} {mode}"),
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

    /// What is locked, and not how.
    fn object(self, lock: &Lock) -> String {
        match (lock.kind.as_str(), &lock.relation, &lock.key) {
            ("transactionid" | "tuple", Some(relation), _) if self == Self::Few => {
                format!("row of {relation}")
            }
            ("transactionid" | "tuple", Some(relation), _) => format!("a row of {relation}"),
            ("transactionid" | "virtualxid", None, _) => "its transaction".into(),
            ("relation", Some(relation), _) => relation.clone(),
            ("advisory", _, Some(key)) => format!("advisory key {key}"),
            (kind, Some(relation), _) => format!("{relation} {kind}"),
            (kind, ..) => kind.into(),
        }
    }
}
