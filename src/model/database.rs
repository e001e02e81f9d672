//! A database as a drain finds it and must leave it, who is in it, and what stands in the way of those who want it for themselves.

use serde::Serialize;

/// Who may enter a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseAccess {
    /// Its oid, which a renamed database keeps.
    pub(crate) oid: u32,
    /// Its name.
    pub(crate) name: String,
    /// `datallowconn`.
    pub(crate) allow_connections: bool,
    /// `datconnlimit`; -1 is none.
    pub(crate) connection_limit: i64,
    /// The role that owns it.
    pub(crate) owner: String,
    /// True when nobody has ever granted or revoked anything: nothing is stored then.
    pub(crate) default_grants: bool,
    /// True when this role has the owner's privileges.
    pub(crate) owned: bool,
    /// What is granted, in stored order.
    pub(crate) grants: Vec<Grant>,
    /// All grants as the server writes them (`datacl`); empty when nothing is stored.
    pub(crate) acl: String,
}

impl DatabaseAccess {
    /// Whether it is what an interrupted DROP DATABASE leaves (`DATCONNLIMIT_INVALID_DB` in pg_database.h): nobody can enter it, and
    /// ALTER DATABASE ends the session that tries.
    pub(crate) const fn is_invalid(&self) -> bool {
        self.connection_limit == -2
    }
}

/// A session that has a database or a role in hand, to keep it closed for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// Its role; none when that is gone.
    pub(crate) role: Option<String>,
    /// Its application_name; empty for none.
    pub(crate) application_name: String,
    /// Where it comes from: an address, or `local`; none when hidden.
    pub(crate) client: Option<String>,
}

/// One privilege of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// To whom; none for PUBLIC.
    pub(crate) grantee: Option<String>,
    /// True when that is the owner.
    pub(crate) to_owner: bool,
    /// True when the owner granted it.
    pub(crate) by_owner: bool,
    /// `CONNECT`, `CREATE`, `TEMPORARY`.
    pub(crate) privilege: String,
    /// True when it was granted with grant option.
    pub(crate) grantable: bool,
}

/// Who is in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseOccupancy {
    /// Client sessions.
    pub(crate) sessions: i64,
    /// Backends on the way in.
    pub(crate) starting: i64,
}

/// A session inside a database, or another process that works there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Insider"))]
pub(crate) struct Occupant {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// PostgreSQL's `%c`: hex start second, dot, hex pid; null when hidden.
    pub(crate) session_id: Option<String>,
    /// Start of the session, RFC 3339 UTC with microseconds; null when hidden.
    pub(crate) backend_start: Option<String>,
    /// `client backend`, `walsender`, …; null when hidden.
    pub(crate) backend_type: Option<String>,
    /// Its role; null for a process that has none.
    pub(crate) role: Option<String>,
    /// As the client set it; empty when it did not.
    pub(crate) application_name: String,
    /// Client address, or `local` for a Unix socket; null when hidden.
    pub(crate) client: Option<String>,
    /// Verbatim as PostgreSQL says it, when it was first seen inside.
    pub(crate) state: Option<String>,
    /// Whether it is the session of a client, or hidden and may be one.
    #[serde(skip)]
    pub(crate) may_be_client: bool,
}

impl Occupant {
    /// Whether `other` is the same process, seen another time.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.pid, &self.backend_start) == (other.pid, &other.backend_start)
    }
}

/// Why a database lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClosedBy {
    /// `CONNECTION LIMIT 0`: nobody but superusers.
    ConnectionLimit,
    /// `ALLOW_CONNECTIONS false`.
    AllowConnections,
    /// An interrupted DROP DATABASE: only DROP DATABASE can still be done to it.
    Invalid,
}

/// A database that lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ClosedDatabase {
    /// Its name.
    pub(crate) database: String,
    /// By what it is closed.
    pub(crate) why: ClosedBy,
    /// Process id of the session of the drain that holds it closed; null when none does.
    pub(crate) held_by: Option<i32>,
}

/// What stands in the way of somebody who wants a database for himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum ObstacleKind {
    /// A connection that replicates from the database, or backs up through it.
    Walsender,
    /// A background worker.
    Worker,
    /// A prepared transaction.
    PreparedTransaction,
    /// A subscription.
    Subscription,
    /// A logical replication slot.
    ReplicationSlot,
}

/// One thing that stands in the way of who wants a database for himself, or is lost with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// What it is.
    pub(crate) kind: ObstacleKind,
    /// Its name: a walsender's application_name, a worker's type, a transaction's gid.
    pub(crate) name: String,
    /// The process, where there is one.
    pub(crate) pid: Option<i32>,
    /// Whether a slot is in use, a subscription enabled.
    pub(crate) active: bool,
}
