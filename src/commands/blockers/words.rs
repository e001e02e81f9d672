//! What sessions do and what they wait for, in as many words as there is room for: what is waited for comes before how.

use std::borrow::Cow;

use crate::model::blocking::{Blocked, Level, Lock, PreparedBlocker};
use crate::render::table::LEAST;
use crate::render::text;

/// Columns from which on a screen has room for sentences.
const WIDE: usize = 140;
/// Columns from which on it has room for articles.
const NARROW: usize = 100;
/// To how little what is waited for is cut, however long it is, before a column is spared.
const OBJECT: usize = 36;

/// How many words there is room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::commands) enum Words {
    /// Few.
    Fewest,
    /// Some.
    Few,
    /// All.
    #[default]
    All,
}

impl Words {
    /// Those of a screen of so many columns.
    pub(super) const fn of_width(columns: usize) -> Self {
        match columns {
            ..NARROW => Self::Fewest,
            NARROW..WIDE => Self::Few,
            WIDE.. => Self::All,
        }
    }

    /// The columns that a screen spares, the first one soonest.
    pub(super) const fn spare(self) -> &'static [&'static str] {
        match self {
            Self::Fewest => &["ROLE", "DATABASE", "APPLICATION", "STATE", "XACT"],
            Self::Few | Self::All => &["ROLE", "DATABASE"],
        }
    }

    /// To how little a text is cut before a column is spared: what these sessions wait for is to be read, and how where there is room.
    pub(super) fn least(self, sessions: &[Blocked], prepared: &[PreparedBlocker]) -> usize {
        let what = |lock| if self == Self::Fewest { self.object(lock) } else { self.lock(lock) };
        let wanted = sessions.iter().filter_map(|session| session.lock.as_ref()).map(what);
        let held = sessions.iter().map(|session| &session.holds);
        let held = held.chain(prepared.iter().map(|prepared| &prepared.holds)).flatten();
        let held = held.map(|lock| format!("holds {}", what(lock)));
        let widest = wanted.chain(held).map(|object| text::width(&object)).max().unwrap_or(0);
        widest.clamp(LEAST, OBJECT)
    }

    /// What a session does; what kind of process it is where it is no client's.
    pub(super) fn state(self, session: &Blocked) -> Option<Cow<'_, str>> {
        let few = self < Self::All;
        let kind = session.backend_type.as_deref().filter(|kind| *kind != "client backend");
        Some(match (session.state.as_deref(), kind) {
            _ if session.vanished => "(ended since)".into(),
            _ if session.hidden => "(hidden)".into(),
            (None, _) => Cow::Borrowed(session.backend_type.as_deref()?),
            (Some(_), Some(kind)) if few => kind.into(),
            (Some(state), Some(kind)) => format!("{kind}, {state}").into(),
            (Some("idle in transaction"), None) if few => "in xact".into(),
            (Some("idle in transaction (aborted)"), None) if few => "aborted".into(),
            (Some("fastpath function call"), None) if few => "fastpath".into(),
            (Some(state), None) => state.into(),
        })
    }

    /// The state of a prepared transaction.
    pub(super) fn prepared(self) -> &'static str {
        if self < Self::All { "prepared" } else { "prepared transaction" }
    }

    /// `AccessExclusive on public.orders`, or `public.orders AccessExclusive`; `a row of public.orders`, `advisory Exclusive on key 7`.
    pub(in crate::commands) fn lock(self, lock: &Lock) -> String {
        let mode = lock.mode.strip_suffix("Lock").unwrap_or(&lock.mode);
        let (kind, object) = (lock.kind.as_str(), self.object(lock));
        match (kind, &lock.relation, &lock.key) {
            ("transactionid" | "virtualxid", ..) | ("tuple", Some(_), _) => object,
            _ if self < Self::All => format!("{object} {mode}"),
            ("relation", Some(_), _) => format!("{mode} on {object}"),
            ("advisory", _, Some(key)) => format!("advisory {mode} on key {key}"),
            (_, Some(relation), _) => format!("{kind} {mode} on {relation}"),
            _ => format!("{kind} {mode}"),
        }
    }

    /// The same of a lock that is held, and of an advisory one with what it ends, as far as that can be told.
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
            ("transactionid" | "tuple", Some(relation), _) if self == Self::Fewest => {
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
