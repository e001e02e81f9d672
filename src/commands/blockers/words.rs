//! What sessions do and what they wait for, in as many words as there is room for: what is waited for comes before how.

use std::borrow::Cow;

use crate::model::blocking::{Blocked, Level, Lock};
use crate::model::quote;
use crate::model::short_words;

/// As much of what is locked in the fewest words as tells how: that of the longest mode, held.
pub(super) const LOCK_LEAST: usize = "holds ShareRowExcl ".len();

/// How many words there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Words {
    /// The fewest: how something is locked, which is never cut off, and what, without its schema.
    Fewest,
    /// Few: how something is locked, and what.
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

    /// `AccessExclusive on public.orders`, in fewer words `AccessExcl public.orders` and `AccessExcl orders`; `a row of public.orders`,
    /// `advisory Exclusive on key 7`.
    pub(in crate::commands) fn lock(self, lock: &Lock) -> String {
        let mode = short_words::lock_mode(&lock.mode);
        let (kind, object) = (lock.kind.as_str(), self.object(lock));
        match (kind, &lock.relation, &lock.key) {
            ("transactionid" | "virtualxid", ..) | ("tuple", Some(_), _) => object,
            _ if self != Self::All => format!("{} {object}", short_words::shorter_lock_mode(mode)),
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
        let relation = lock.relation.as_deref();
        let relation =
            relation.map(|name| if self == Self::Fewest { quote::without_schema(name) } else { name });
        match (lock.kind.as_str(), relation, &lock.key) {
            ("transactionid" | "tuple", Some(relation), _) if self != Self::All => {
                format!("row of {relation}")
            }
            ("transactionid" | "tuple", Some(relation), _) => format!("a row of {relation}"),
            ("transactionid" | "virtualxid", None, _) => "its transaction".into(),
            ("relation", Some(relation), _) => relation.into(),
            ("advisory", _, Some(key)) => format!("advisory key {key}"),
            (kind, Some(relation), _) => format!("{relation} {kind}"),
            (kind, ..) => kind.into(),
        }
    }
}
