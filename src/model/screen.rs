//! What a live screen shows: the server in numbers, and its sessions with what is wrong with each.

use std::collections::HashMap;

use super::server::ServerContext;
use super::session::Session;
use super::usage::LimitUse;

/// What is wrong with a session, the worst first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Others wait for it, and it waits for nobody.
    Root,
    /// Its transaction has failed, and is still open.
    Aborted,
    /// It is idle in a transaction.
    IdleInTransaction,
    /// It waits for a lock.
    Waiting,
    /// Its statement or transaction has lasted.
    Long,
    /// Nothing that can be seen.
    #[default]
    None,
}

impl Trouble {
    /// The trouble of this rank in the order of `screen.sql`.
    pub(crate) const fn of_rank(rank: i32) -> Self {
        match rank {
            0 => Self::Root,
            1 => Self::Aborted,
            2 => Self::IdleInTransaction,
            3 => Self::Waiting,
            4 => Self::Long,
            _ => Self::None,
        }
    }
}

/// A session on a live screen.
#[derive(Clone, Debug)]
pub(crate) struct ScreenRow {
    /// As the activity view shows it.
    pub(crate) session: Session,
    /// What is wrong with it.
    pub(crate) trouble: Trouble,
    /// Sessions that wait for it directly, as far as was looked at.
    pub(crate) blocks: i64,
    /// Whether the filter selects it; none when that is hidden. Sessions that were asked for by pid are shown all the same.
    pub(crate) matches: Option<bool>,
}

/// What is known of a server beside its sessions. It changes slowly, and need not be asked with every look.
#[derive(Clone, Debug)]
pub(crate) struct ScreenContext {
    /// The server, and what this role may do there.
    pub(crate) server: ServerContext,
    /// What its sessions are of.
    pub(crate) names: Names,
    /// The CONNECTION LIMIT that is used most, by share.
    pub(crate) nearest_limit: Option<LimitUse>,
    /// Prepared transactions.
    pub(crate) prepared: i64,
    /// Age of the oldest of them.
    pub(crate) oldest_prepared_seconds: Option<f64>,
    /// How many transaction ids were given out since the oldest that a prepared transaction or a replication slot holds.
    pub(crate) horizon_age: Option<i64>,
}

/// The roles and databases that sessions are of, by oid; of those that were dropped there is no name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) roles: HashMap<u32, RoleName>,
    pub(crate) databases: HashMap<u32, Option<String>>,
}

/// A role that sessions are of.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoleName {
    /// Its name; none when it was dropped.
    pub(crate) name: Option<String>,
    /// It is a superuser.
    pub(crate) of_superuser: bool,
    /// The role that looks has its privileges.
    pub(crate) as_own: bool,
}

/// The whole server in numbers, whatever the filter.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Overview {
    /// Client backends that can be seen, pgconn's own included: it holds a slot.
    pub(crate) used: i64,
    /// Hidden sessions that may be client backends.
    pub(crate) hidden: i64,
    /// Of those seen: they run something.
    pub(crate) active: i64,
    /// Outside a transaction.
    pub(crate) idle: i64,
    /// In a transaction that can go on.
    pub(crate) idle_in_transaction: i64,
    /// In a failed one.
    pub(crate) aborted: i64,
    /// In any other state.
    pub(crate) other: i64,
    /// Of all of them, who waits for a lock.
    pub(crate) waiting: i64,
    /// Age of the oldest transaction of a client.
    pub(crate) oldest_xact_seconds: Option<f64>,
    /// The longest that anybody has waited for a lock; none where nobody waits, or that is hidden.
    pub(crate) longest_wait_seconds: Option<f64>,
    /// True when that is only the most it can be: since a statement began.
    pub(crate) wait_at_most: bool,
    /// How many transaction ids were given out since the oldest that a session may still have to see.
    pub(crate) horizon_age: Option<i64>,
    /// Sessions that the filter selects, and that are in what is listed.
    pub(crate) matched: i64,
    /// Sessions of which it is hidden whether the filter selects them.
    pub(crate) undecidable: i64,
    /// Of the sessions that were asked about, the `session_id`s of those that are still there.
    pub(crate) still_there: Vec<String>,
}
