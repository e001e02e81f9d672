//! The server that answered, the way to it, and what this role may do there.

use serde::Serialize;

/// Where a result comes from. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Target {
    /// Host name, address, or the directory of the Unix socket.
    pub(crate) host: String,
    /// Port, also of a socket.
    pub(crate) port: u16,
    /// Database that was connected to.
    pub(crate) database: String,
    /// Role that logged in.
    pub(crate) user: String,
    /// Entry of the service file, when one was named.
    pub(crate) service: Option<String>,
}

impl Target {
    /// The short name for prompts and headings: `db1:5432`.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// The server behind a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Server {
    /// As the server says it: `17.2`.
    pub(crate) version: String,
    /// The same for comparisons: 170002.
    pub(crate) version_num: i32,
    /// True on a standby, and during crash recovery.
    pub(crate) in_recovery: bool,
    /// Start of the postmaster, RFC 3339 UTC.
    pub(crate) started_at: String,
}

/// What the server allows, and what this role may see and do. Facts that travel with every look.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// The server itself.
    pub(crate) server: Server,
    /// What it calls itself: `PostgreSQL 17.2 on …`, or a compatible product's own words.
    pub(crate) product: String,
    /// Seconds since the postmaster started.
    pub(crate) uptime_seconds: f64,
    /// The slots there are.
    pub(crate) limits: Limits,
    /// The role that looks.
    pub(crate) me: Me,
    /// `track_activity_query_size` in bytes: longer query texts arrive cut.
    pub(crate) query_size: i64,
}

/// The connection slots of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// `max_connections`.
    pub(crate) max_connections: i64,
    /// `superuser_reserved_connections`.
    pub(crate) superuser_reserved: i64,
    /// `reserved_connections` (16 and later), and what managed services keep for themselves; otherwise 0.
    pub(crate) reserved: i64,
}

impl Limits {
    /// The slots that ordinary roles can use.
    pub(crate) const fn usable(self) -> i64 {
        self.max_connections - self.superuser_reserved - self.reserved
    }
}

/// The role that looks.
#[derive(Clone, Debug)]
pub(crate) struct Me {
    /// Its name (the login role; SET ROLE changes nothing for what can be seen or signalled).
    pub(crate) role: String,
    /// Has SUPERUSER.
    pub(crate) superuser: bool,
    /// Sees every session whole: superuser or the privileges of `pg_read_all_stats`.
    pub(crate) sees_all: bool,
    /// May signal sessions of other ordinary roles: superuser or the privileges of `pg_signal_backend`.
    pub(crate) signals_others: bool,
}
