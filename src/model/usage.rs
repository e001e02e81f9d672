//! How the connection slots are used: counts by state, application, database, role and client.

use serde::Serialize;

use super::server::ConnectionSlots;

/// A CONNECTION LIMIT and what is used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LimitUse {
    /// Whose it is.
    pub(crate) owner: Owner,
    /// The name of the role or database.
    pub(crate) name: String,
    /// Connections that count against it and can be seen.
    pub(crate) used: i64,
    /// Hidden sessions that may count against it.
    pub(crate) hidden: i64,
    /// The limit.
    pub(crate) limit: i64,
}

/// Whose limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A role's.
    Role,
    /// A database's.
    Database,
}

impl Owner {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Database => "database",
        }
    }
}

/// Sessions that are alike in everything they are counted by. What this role may not see is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// How many.
    pub(crate) count: i64,
    /// True when this role may not see what they do.
    pub(crate) hidden: bool,
    /// True for client sessions, and for hidden ones that may be clients: they have a database and a role.
    pub(crate) may_be_client: bool,
    /// True for pgconn's own session.
    pub(crate) own: bool,
    /// Whether the filters select them; none when that is hidden.
    pub(crate) matches: Option<bool>,
    /// `client backend`, `walsender`, …
    pub(crate) backend_type: Option<String>,
    /// Verbatim.
    pub(crate) state: Option<String>,
    /// As the clients set it; empty when they did not.
    pub(crate) application_name: String,
    /// Database they are connected to.
    pub(crate) database: Option<String>,
    /// Its CONNECTION LIMIT.
    pub(crate) database_limit: Option<i64>,
    /// Role that logged in.
    pub(crate) role: Option<String>,
    /// Its CONNECTION LIMIT.
    pub(crate) role_limit: Option<i64>,
    /// Address, or `local`.
    pub(crate) client: Option<String>,
    /// Age of the oldest open transaction among them.
    pub(crate) oldest_xact_seconds: Option<f64>,
    /// Longest time in their state.
    pub(crate) oldest_state_seconds: Option<f64>,
}

/// Slot use of the whole server.
#[derive(Default, Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Connections {
    /// Client backends that can be seen, pgconn's own included: it holds a slot.
    pub(crate) used: i64,
    /// `used`, and the hidden sessions that may be client backends.
    pub(crate) used_at_most: i64,
    /// Slots for ordinary roles: `max_connections − superuser_reserved_connections − reserved_connections`.
    pub(crate) usable: i64,
    /// Usable slots that are left; none when hidden sessions make it unknown.
    pub(crate) free: Option<i64>,
    /// `used / usable`, over 1 when reserved slots are in use; none when hidden sessions make it unknown.
    pub(crate) used_ratio: Option<f64>,
    /// Setting.
    pub(crate) max_connections: i64,
    /// Setting.
    pub(crate) superuser_reserved_connections: i64,
    /// Setting (16 and later; with the slots that managed services keep), 0 before.
    pub(crate) reserved_connections: i64,
    /// Sessions that may be clients and are hidden from this role.
    pub(crate) hidden: i64,
}

impl Connections {
    /// Sets what is used against what there is.
    pub(crate) fn new(limits: ConnectionSlots, used: i64, hidden: i64) -> Self {
        let usable = limits.usable();
        #[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
        let ratio = (hidden == 0 && usable > 0).then(|| used as f64 / usable as f64);
        Self {
            used,
            used_at_most: used + hidden,
            usable,
            free: (hidden == 0).then(|| (usable - used).max(0)),
            used_ratio: ratio,
            max_connections: limits.max_connections,
            superuser_reserved_connections: limits.superuser_reserved,
            reserved_connections: limits.reserved,
            hidden,
        }
    }
}

/// Sessions in one state.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ByState {
    /// Verbatim; none when hidden, or for a server process that has no state.
    pub(crate) state: Option<String>,
    /// Sessions.
    pub(crate) count: i64,
    /// Longest time in that state.
    pub(crate) oldest_state_seconds: Option<f64>,
    /// True for the sessions whose state is hidden.
    pub(crate) hidden: bool,
}

/// Sessions of one application.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ByApplication {
    /// As the clients set it; empty when they did not.
    pub(crate) application_name: String,
    /// Sessions.
    pub(crate) count: i64,
    /// Of them running a statement.
    pub(crate) active: i64,
    /// Of them idle outside a transaction.
    pub(crate) idle: i64,
    /// Of them idle in a transaction that can go on.
    pub(crate) idle_in_transaction: i64,
    /// Of them idle in a failed transaction.
    pub(crate) idle_in_transaction_aborted: i64,
    /// Of them hidden.
    pub(crate) hidden: i64,
    /// Of them in any other state.
    pub(crate) other: i64,
    /// Age of the oldest open transaction.
    pub(crate) oldest_xact_seconds: Option<f64>,
}

/// Sessions in one database.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ByDatabase {
    /// Its name; none for sessions without one.
    pub(crate) database: Option<String>,
    /// Sessions.
    pub(crate) count: i64,
    /// Its CONNECTION LIMIT.
    pub(crate) connection_limit: Option<i64>,
}

/// Sessions of one role.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ByRole {
    /// Its name; none for sessions of a dropped role.
    pub(crate) role: Option<String>,
    /// Sessions.
    pub(crate) count: i64,
    /// Its CONNECTION LIMIT.
    pub(crate) connection_limit: Option<i64>,
}

/// Sessions from one client machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ByClient {
    /// Address, `local` for Unix sockets, none when hidden or without a client.
    pub(crate) client: Option<String>,
    /// Sessions.
    pub(crate) count: i64,
}

/// Sessions of one backend type.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ByBackendType {
    /// `client backend`, `walsender`, …; none when hidden.
    pub(crate) backend_type: Option<String>,
    /// Sessions.
    pub(crate) count: i64,
}

/// What a cut-off list leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Remainder {
    /// Groups that are not listed.
    pub(crate) groups: i64,
    /// Sessions in them.
    pub(crate) count: i64,
}

/// The cut-off remainder of each list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Rest {
    /// Of `by_application`.
    pub(crate) by_application: Remainder,
    /// Of `by_database`.
    pub(crate) by_database: Remainder,
    /// Of `by_role`.
    pub(crate) by_role: Remainder,
    /// Of `by_client`.
    pub(crate) by_client: Remainder,
}

/// Everything that `stats` knows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Usage {
    /// The whole server, whatever the filter.
    pub(crate) connections: Connections,
    /// Sessions that the filters select, pgconn's own left out.
    pub(crate) matched: i64,
    /// Sessions of which it is hidden whether the filters select them.
    pub(crate) undecidable: i64,
    /// Most sessions first, here and below.
    pub(crate) by_state: Vec<ByState>,
    /// By application.
    pub(crate) by_application: Vec<ByApplication>,
    /// By database.
    pub(crate) by_database: Vec<ByDatabase>,
    /// By role.
    pub(crate) by_role: Vec<ByRole>,
    /// By client machine.
    pub(crate) by_client: Vec<ByClient>,
    /// By backend type.
    pub(crate) by_backend_type: Vec<ByBackendType>,
    /// What the lists leave out.
    pub(crate) rest: Rest,
    /// Use of each CONNECTION LIMIT that somebody counts against, databases first: of the whole server, whatever the filter.
    #[serde(skip)]
    pub(crate) limits: Vec<LimitUse>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ConnectionSlots =
        ConnectionSlots { max_connections: 100, superuser_reserved: 3, reserved: 2 };

    #[test]
    fn usable_is_for_ordinary_roles() {
        let seen = Connections::new(LIMITS, 38, 0);
        assert_eq!((seen.usable, seen.free, seen.used_ratio), (95, Some(57), Some(0.4)));
        let over = Connections::new(LIMITS, 97, 0);
        assert_eq!(over.free, Some(0));
        assert!(over.used_ratio.unwrap() > 1.0);
    }

    #[test]
    fn hidden_sessions_make_the_rest_unknown() {
        let seen = Connections::new(LIMITS, 3, 39);
        assert_eq!((seen.used, seen.used_at_most, seen.free, seen.used_ratio), (3, 42, None, None));
    }
}
