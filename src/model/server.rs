//! The server that answered, the way to it, and what this role may do there.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rights::Rights;

/// Where a result comes from. Never holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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
    /// What a list of servers calls it; null where it is of none.
    pub(crate) name: Option<String>,
    /// What such a list says of it.
    pub(crate) labels: BTreeMap<String, String>,
}

impl Target {
    /// The connection string that leads there, without a password.
    pub(crate) fn conninfo(&self) -> String {
        let port = self.port.to_string();
        let parts = [("host", &self.host), ("port", &port), ("user", &self.user), ("dbname", &self.database)];
        let written = parts.map(|(keyword, value)| {
            let is_plain =
                !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:".contains(c));
            let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
            if is_plain { format!("{keyword}={value}") } else { format!("{keyword}='{escaped}'") }
        });
        written.join(" ")
    }

    /// The short name for prompts and headings: `db1:5432`.
    pub(crate) fn place(&self) -> String {
        place(&self.host, self.port)
    }
}

/// `db1:5432`, and `[::1]:5432` for an address with colons.
pub(crate) fn place(host: &str, port: impl Into<i64>) -> String {
    let port: i64 = port.into();
    if host.contains(':') && !host.starts_with('/') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// The server behind a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Server {
    /// As the server says it: `17.2`.
    pub(crate) version: String,
    /// The version as a number that can be compared: 170002.
    pub(crate) version_num: i32,
    /// True on a standby, and during crash recovery.
    pub(crate) in_recovery: bool,
    /// Start of the postmaster, RFC 3339 UTC.
    pub(crate) started_at: String,
}

/// What the server allows, and what this role may see and do. Facts that travel with every look.
#[derive(Clone, Debug)]
pub(crate) struct ServerContext {
    /// The server itself.
    pub(crate) server: Server,
    /// What it calls itself: `PostgreSQL 17.2 on …`, or a compatible product's own words.
    pub(crate) product: String,
    /// Process id of the backend that answered.
    pub(crate) backend_pid: i32,
    /// Seconds since the postmaster started.
    pub(crate) uptime_seconds: f64,
    /// The slots there are.
    pub(crate) limits: ConnectionSlots,
    /// The role that looks and acts, and what it may.
    pub(crate) rights: Rights,
    /// `track_activity_query_size` in bytes: longer query texts arrive cut.
    pub(crate) query_size: i64,
}

/// Products that answer like PostgreSQL, by what their version text holds, and where signals mean something else or nothing.
const OTHER_PRODUCTS: &[(&str, &str)] = &[
    ("CockroachDB", "CockroachDB"),
    ("-YB-", "YugabyteDB"),
    ("Redshift", "Amazon Redshift"),
    ("Greenplum", "Greenplum"),
    ("Cloudberry", "Cloudberry"),
    ("RisingWave", "RisingWave"),
    ("Materialize", "Materialize"),
    ("openGauss", "openGauss"),
    ("GaussDB", "GaussDB"),
    ("QuestDB", "QuestDB"),
    ("CrateDB", "CrateDB"),
];

impl ServerContext {
    /// What the server is when it is not a PostgreSQL whose sessions can be signalled by the rules that pgconn knows.
    pub(crate) fn other_product(&self) -> Option<String> {
        if let Some((_, name)) = OTHER_PRODUCTS.iter().find(|(mark, _)| self.product.contains(mark)) {
            return Some((*name).to_owned());
        }
        if !self.product.starts_with("PostgreSQL ") {
            return Some(format!("not known: \"{}\"", self.product));
        }
        (self.server.version_num < 120_000).then(|| format!("PostgreSQL {}", self.server.version))
    }
}

/// The connection slots of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionSlots {
    /// `max_connections`.
    pub(crate) max_connections: i64,
    /// `superuser_reserved_connections`.
    pub(crate) superuser_reserved: i64,
    /// `reserved_connections` (16 and later), and what managed services keep for themselves; otherwise 0.
    pub(crate) reserved: i64,
}

impl ConnectionSlots {
    /// The slots that ordinary roles can use.
    pub(crate) const fn usable(self) -> i64 {
        self.max_connections - self.superuser_reserved - self.reserved
    }
}

/// A role that can log in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoginRole {
    /// Its name.
    pub(crate) name: String,
    /// Has SUPERUSER.
    pub(crate) superuser: bool,
    /// Has the privileges of `pg_read_all_stats`; true for superusers.
    pub(crate) sees_all: bool,
    /// May use the slots of `reserved_connections`; true for superusers from 16 on, false for everybody before.
    pub(crate) reserved: bool,
}

#[cfg(test)]
mod tests;
