//! A connection pooler as its console shows it: pools, clients, connections to servers, limits, totals. What a
//! version does not tell is none.

use std::collections::BTreeMap;

use serde::Serialize;

use super::pooler_client::Client;
use super::session::Session;

/// One look at the console.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolerFacts {
    /// What it calls itself.
    pub(crate) product: Product,
    /// One per database and user that had traffic; the console itself is left out.
    pub(crate) pools: Vec<Pool>,
    /// One per database that it knows; the console itself is left out.
    pub(crate) databases: Vec<Database>,
    /// One per user that it knows.
    pub(crate) users: Vec<User>,
    /// The settings that bound it as a whole.
    pub(crate) settings: PoolerSettings,
    /// Client connections of the whole pooler, pgconn's own included.
    pub(crate) clients: Option<i64>,
    /// Lists that it does not have, or keeps from this user: `USERS`, …
    pub(crate) missing_lists: Vec<&'static str>,
    /// Whether its list of users has a limit on their connections to servers; before 1.23 it may have one all the same.
    pub(crate) tells_user_limits: bool,
    /// Work done since it started, one per database.
    pub(crate) totals: Vec<Totals>,
}

/// The databases that are disabled: new clients are refused.
pub(crate) fn disabled(facts: &PoolerFacts) -> impl Iterator<Item = &str> {
    let databases = facts.databases.iter().filter(|database| database.disabled == Some(true));
    databases.map(|database| database.name.as_str())
}

/// A list of the console as it is: texts by column, nulls left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConsoleTable {
    /// What is shown.
    pub(crate) name: &'static str,
    /// Its rows.
    pub(crate) rows: Vec<BTreeMap<String, String>>,
}

/// A pooler's name and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Product {
    /// `PgBouncer`.
    pub(crate) name: String,
    /// `1.18.0`.
    pub(crate) version: String,
}

impl Product {
    /// Whether it is the one that is known by its versions.
    pub(crate) fn is_pgbouncer(&self) -> bool {
        self.name == "PgBouncer"
    }
}

/// The connections of one user to one database.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Pool {
    /// The pooler's name of the database.
    pub(crate) database: String,
    /// Who the connections to the server belong to.
    pub(crate) user: String,
    /// `session`, `transaction` or `statement`.
    pub(crate) pool_mode: Option<String>,
    /// Connections to the server that it may open, from the user's, the database's or the default setting; null without
    /// a limit.
    pub(crate) pool_size: Option<i64>,
    /// Further connections when clients have waited too long.
    pub(crate) reserve_pool_size: Option<i64>,
    /// Clients that have a connection to the server, or want none just now.
    pub(crate) clients_active: Option<i64>,
    /// Clients that wait for a connection to the server.
    pub(crate) clients_waiting: Option<i64>,
    /// Connections that serve a client.
    pub(crate) servers_active: Option<i64>,
    /// Connections ready for a client.
    pub(crate) servers_idle: Option<i64>,
    /// Idle connections that are checked before the next client gets them.
    pub(crate) servers_used: Option<i64>,
    /// Connections that are being reset or checked.
    pub(crate) servers_tested: Option<i64>,
    /// Connections that are logging in.
    pub(crate) servers_login: Option<i64>,
    /// Connections that carry cancel requests, or wait for them to end (1.18 and later).
    pub(crate) servers_canceling: Option<i64>,
    /// How long the client that has waited longest has waited; 0 when none waits.
    pub(crate) max_wait_seconds: Option<f64>,
}

/// A database as the pooler knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Database {
    /// The pooler's name of it.
    pub(crate) name: String,
    /// Where it is; null for a Unix socket in the default place.
    pub(crate) host: Option<String>,
    /// The server's port.
    pub(crate) port: Option<i64>,
    /// The server's name of it.
    pub(crate) database: Option<String>,
    /// The role that every client becomes.
    pub(crate) force_user: Option<String>,
    /// Connections per user to the server; null without a limit.
    pub(crate) pool_size: Option<i64>,
    /// Further connections per user when clients have waited too long.
    pub(crate) reserve_pool_size: Option<i64>,
    /// Connections to the server by all users together; null without a limit.
    pub(crate) max_db_connections: Option<i64>,
    /// Connections to the server that are open.
    pub(crate) servers: Option<i64>,
    /// Clients at most (1.24 and later); null without a limit.
    pub(crate) max_db_client_connections: Option<i64>,
    /// Clients (1.24 and later).
    pub(crate) clients: Option<i64>,
    /// Whether clients are kept waiting on purpose.
    pub(crate) paused: Option<bool>,
    /// Whether new clients are refused.
    pub(crate) disabled: Option<bool>,
}

/// A user as the pooler knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// Its name.
    pub(crate) name: String,
    /// A pool size of its own (1.23 and later).
    pub(crate) pool_size: Option<i64>,
    /// A reserve of its own (1.24 and later).
    pub(crate) reserve_pool_size: Option<i64>,
    /// Connections to servers, over all databases (1.23 and later).
    pub(crate) max_user_connections: Option<i64>,
    /// Clients at most (1.24 and later).
    pub(crate) max_user_client_connections: Option<i64>,
    /// Clients (1.24 and later).
    pub(crate) clients: Option<i64>,
}

/// The settings of a pooler as a whole; limits are none without a limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PoolerSettings {
    /// Clients; 0 lets in nobody but those of the console.
    pub(crate) max_client_conn: Option<i64>,
    /// Connections to the server per pool.
    pub(crate) default_pool_size: Option<i64>,
    /// Further ones per pool.
    pub(crate) reserve_pool_size: Option<i64>,
    /// How long a client waits before its pool takes those, in seconds; with 0 it never takes them.
    pub(crate) reserve_pool_timeout: Option<f64>,
    /// Connections to servers per user.
    pub(crate) max_user_connections: Option<i64>,
    /// How long a client waits for a connection to the server before it is ended, in seconds; none without an end.
    pub(crate) query_wait_timeout: Option<f64>,
    /// How clients prove who they are: `scram-sha-256`, `trust`, …
    pub(crate) auth_type: Option<String>,
    /// Named statements that it keeps per connection in transaction mode (1.21 and later); 0 is none.
    pub(crate) max_prepared_statements: Option<i64>,
    /// Whether several processes share its port, of which each has its own clients.
    pub(crate) so_reuseport: Option<bool>,
    /// Its number among processes that pass cancel requests on to each other; none when it is alone.
    pub(crate) peer_id: Option<i64>,
    /// When a connection to the server changes hands, unless a database or user has its own: `session`, `transaction`, …
    pub(crate) pool_mode: Option<String>,
}

/// Work done for a database since the pooler started.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Totals {
    /// The pooler's name of the database.
    pub(crate) database: String,
    /// Transactions.
    pub(crate) xact_total: Option<f64>,
    /// Queries.
    pub(crate) query_total: Option<f64>,
    /// Bytes from clients.
    pub(crate) received_bytes: Option<f64>,
    /// Bytes to clients.
    pub(crate) sent_bytes: Option<f64>,
    /// Time in transactions.
    pub(crate) xact_seconds: Option<f64>,
    /// Time in queries.
    pub(crate) query_seconds: Option<f64>,
    /// Time that clients waited for a connection to the server.
    pub(crate) wait_seconds: Option<f64>,
}

/// A pooler's connection to a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Server"))]
pub(crate) struct ServerConnection {
    /// Process id of the backend at the other end.
    pub(crate) pid: Option<i32>,
    /// As the pooler says it: `active`, `idle`, `used`, `tested`, `new`, …
    pub(crate) state: String,
    /// The server's address, or `local` for a Unix socket.
    pub(crate) addr: Option<String>,
    /// The server's port.
    pub(crate) port: Option<i64>,
    /// The pooler's end of the connection: what the server shows as the client's address.
    pub(crate) local_addr: Option<String>,
    /// The pooler's TCP port: what the server shows as the client's.
    pub(crate) local_port: Option<i64>,
    /// As the last client set it (1.18 and later).
    pub(crate) application_name: Option<String>,
    /// When it was opened, RFC 3339 UTC; null when the pooler says it in another time zone.
    pub(crate) connected_at: Option<String>,
    /// Whether it is closed as soon as it is free (after RECONNECT, or when its settings changed).
    pub(crate) close_needed: Option<bool>,
    /// The TLS version and cipher; null without TLS.
    pub(crate) tls: Option<String>,
}

/// A client, the connection to the server that serves it, and the backend at its other end: what of it there is.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Link {
    /// The pooler's name of the database.
    pub(crate) database: String,
    /// Who logged in.
    pub(crate) user: String,
    /// The client; null for a connection to the server that serves none.
    pub(crate) client: Option<Client>,
    /// The connection to the server; null for a client that has none.
    pub(crate) server: Option<ServerConnection>,
    /// The session in PostgreSQL; null when it was not asked, or does not have it.
    pub(crate) backend: Option<Session>,
    /// Locks that it holds (those on its own transaction ids not counted); null without it.
    pub(crate) locks_held: Option<i64>,
}
