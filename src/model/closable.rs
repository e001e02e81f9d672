//! What can be closed, so that nobody new comes in: a database, or a role wherever it logs in.

use super::database::DatabaseAccess;
use super::quote;

/// What kind of thing is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClosableKind {
    /// A database, to everybody.
    Database,
    /// A role, in every database.
    Role,
}

impl ClosableKind {
    /// PostgreSQL's word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Role => "role",
        }
    }
}

/// Who may log in as a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleAccess {
    /// Its oid, which a renamed role keeps.
    pub(crate) oid: u32,
    /// Its name.
    pub(crate) name: String,
    /// `rolconnlimit`; -1 is none.
    pub(crate) connection_limit: i64,
    /// Has SUPERUSER: no limit holds for it.
    pub(crate) superuser: bool,
    /// True when the role that looks may alter it.
    pub(crate) alterable: bool,
}

/// A database or a role as it is found and must be left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Closable {
    /// A database.
    Database(DatabaseAccess),
    /// A role.
    Role(RoleAccess),
}

impl Closable {
    /// Which of them it is.
    pub(crate) const fn kind(&self) -> ClosableKind {
        match self {
            Self::Database(_) => ClosableKind::Database,
            Self::Role(_) => ClosableKind::Role,
        }
    }

    /// Its oid, which it keeps under another name.
    pub(crate) const fn oid(&self) -> u32 {
        match self {
            Self::Database(database) => database.oid,
            Self::Role(role) => role.oid,
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Database(database) => &database.name,
            Self::Role(role) => &role.name,
        }
    }

    /// Whether this role may close and open it.
    pub(crate) const fn may_be_altered(&self) -> bool {
        match self {
            Self::Database(database) => database.owned,
            Self::Role(role) => role.alterable,
        }
    }

    /// `database "shop"`.
    pub(crate) fn told(&self) -> String {
        format!("{} {}", self.kind().word(), quote::shown(self.name()))
    }
}
