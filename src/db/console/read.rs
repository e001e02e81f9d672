//! From the console's rows to the model. Columns come and go with versions: a missing one is none, an unknown one is not
//! looked at. Numbers may be padded, and no value may be an empty text.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::Arc;

use crate::db::rows::Row;
use crate::model::pooler::{
    Database, Link, Pool, PoolerFacts, PoolerSettings, Product, ServerConnection, Totals, User,
};
use crate::model::pooler_client::Client;

/// The database that is PgBouncer's console; its own row is in no answer.
pub(crate) const DATABASE: &str = "pgbouncer";

/// A row with columns that are only known when it is read.
#[derive(Clone, Debug)]
pub(super) struct Record {
    columns: Arc<[String]>,
    values: Vec<Option<String>>,
}

impl Record {
    /// The column's text; none when it is null, empty or not there.
    pub(super) fn text(&self, column: &str) -> Option<String> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.values.get(at)?.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Every column that has a text.
    pub(super) fn columns(&self) -> BTreeMap<String, String> {
        let texts = self.columns.iter().filter_map(|column| Some((column.clone(), self.text(column)?)));
        texts.collect()
    }

    fn name(&self, column: &str) -> String {
        self.text(column).unwrap_or_default()
    }

    fn number<T: FromStr>(&self, column: &str) -> Option<T> {
        self.text(column)?.parse().ok()
    }

    /// A number of which 0 means that there is no limit.
    fn limit(&self, column: &str) -> Option<i64> {
        self.number(column).filter(|limit| *limit > 0)
    }

    fn claim(&self, column: &str) -> Option<bool> {
        self.number::<i64>(column).map(|number| number != 0)
    }

    /// The first of several names of one column.
    fn either(&self, columns: [&str; 2], read: impl Fn(&Self, &str) -> Option<i64>) -> Option<i64> {
        columns.iter().find_map(|column| read(self, column))
    }

    /// Seconds and microseconds in two columns.
    fn seconds(&self, whole: &str, micros: &str) -> Option<f64> {
        let micros: f64 = self.number(micros).unwrap_or(0.0);
        Some(self.number::<f64>(whole)? + micros / 1e6)
    }

    /// `2026-11-22 04:50:08 UTC` in RFC 3339. Other zones are abbreviations that mean several things.
    fn instant(&self, column: &str) -> Option<String> {
        let text = self.text(column)?;
        let (date, rest) = text.split_once(' ')?;
        let (time, zone) = rest.split_once(' ')?;
        matches!(zone, "UTC" | "GMT").then(|| format!("{date}T{time}Z"))
    }

    /// An address; a Unix socket is `local`, as everywhere else.
    fn address(&self, column: &str) -> Option<String> {
        self.text(column).map(|text| if text.starts_with("unix") { "local".into() } else { text })
    }
}

/// The rows of an answer.
pub(super) fn records(rows: &[Row]) -> Vec<Record> {
    let columns: Arc<[String]> =
        rows.first().map(|row| row.columns().map(str::to_owned).collect()).unwrap_or_default();
    rows.iter().map(|row| Record { columns: Arc::clone(&columns), values: row.values().collect() }).collect()
}

/// Whether the rows have this column.
pub(super) fn has_column(records: &[Record], column: &str) -> bool {
    records.first().is_some_and(|record| record.columns.iter().any(|name| name == column))
}

/// `PgBouncer 1.18.0` apart, either of which may be missing; what follows the version, as Odyssey's compiler, is left out.
pub(super) fn product(words: &str) -> Product {
    let is_version =
        |word: &&str| word.trim_start_matches('v').starts_with(|first: char| first.is_ascii_digit());
    let version = words.split(' ').find(is_version).unwrap_or_default();
    let name =
        if version.is_empty() { words } else { words.split_once(version).map_or("", |(name, _)| name) };
    Product { name: name.trim().to_owned(), version: version.trim_start_matches('v').to_owned() }
}

/// What is not the console's own.
fn is_pooled(record: &Record, column: &str) -> bool {
    record.text(column).as_deref() != Some(DATABASE)
}

/// `SHOW POOLS`.
pub(super) fn pools(records: &[Record]) -> Vec<Pool> {
    let sum = |record: &Record| {
        let carriers: Option<i64> = record.number("sv_active_cancel");
        Some(carriers? + record.number::<i64>("sv_being_canceled")?)
    };
    records
        .iter()
        .filter(|record| is_pooled(record, "database"))
        .map(|record| Pool {
            database: record.name("database"),
            user: record.name("user"),
            pool_mode: record.text("pool_mode"),
            pool_size: None,
            reserve_pool_size: None,
            clients_active: record.number("cl_active"),
            clients_waiting: record.number("cl_waiting"),
            servers_active: record.number("sv_active"),
            servers_idle: record.number("sv_idle"),
            servers_used: record.number("sv_used"),
            servers_tested: record.number("sv_tested"),
            servers_login: record.number("sv_login"),
            servers_canceling: sum(record),
            max_wait_seconds: record.seconds("maxwait", "maxwait_us"),
        })
        .collect()
}

/// `SHOW DATABASES`.
pub(super) fn databases(records: &[Record]) -> Vec<Database> {
    records
        .iter()
        .filter(|record| is_pooled(record, "name"))
        .map(|record| Database {
            name: record.name("name"),
            host: record.text("host"),
            port: record.number("port"),
            database: record.text("database"),
            force_user: record.text("force_user"),
            pool_size: record.limit("pool_size"),
            reserve_pool_size: record.either(["reserve_pool_size", "reserve_pool"], Record::number),
            max_db_connections: record.limit("max_connections"),
            servers: record.number("current_connections"),
            max_db_client_connections: record.limit("max_client_connections"),
            clients: record.number("current_client_connections"),
            paused: record.claim("paused"),
            disabled: record.claim("disabled"),
        })
        .collect()
}

/// `SHOW USERS`.
pub(super) fn users(records: &[Record]) -> Vec<User> {
    records
        .iter()
        .map(|record| User {
            name: record.name("name"),
            pool_size: record.number("pool_size"),
            reserve_pool_size: record.number("reserve_pool_size"),
            max_user_connections: record.limit("max_user_connections"),
            max_user_client_connections: record.limit("max_user_client_connections"),
            clients: record.number("current_client_connections"),
        })
        .collect()
}

/// `SHOW CONFIG`.
pub(super) fn settings(records: &[Record]) -> PoolerSettings {
    let record = |key: &str| records.iter().find(|record| record.text("key").as_deref() == Some(key));
    let value = |key: &str| -> Option<i64> { record(key)?.number("value") };
    let words = |key: &str| record(key)?.text("value");
    let limit = |key: &str| value(key).filter(|limit| *limit > 0);
    PoolerSettings {
        max_client_conn: value("max_client_conn"),
        default_pool_size: limit("default_pool_size"),
        reserve_pool_size: value("reserve_pool_size"),
        reserve_pool_timeout: record("reserve_pool_timeout").and_then(|record| record.number("value")),
        max_user_connections: limit("max_user_connections"),
        query_wait_timeout: record("query_wait_timeout")
            .and_then(|record| record.number("value"))
            .filter(|seconds| *seconds > 0.0),
        auth_type: words("auth_type"),
        max_prepared_statements: value("max_prepared_statements"),
        so_reuseport: value("so_reuseport").map(|number| number != 0),
        peer_id: limit("peer_id"),
        pool_mode: words("pool_mode"),
    }
}

/// `SHOW LISTS`.
pub(super) fn used_clients(records: &[Record]) -> Option<i64> {
    records.iter().find(|record| record.text("list").as_deref() == Some("used_clients"))?.number("items")
}

/// `SHOW STATS`: times are in microseconds there.
pub(super) fn totals(records: &[Record]) -> Vec<Totals> {
    records
        .iter()
        .filter(|record| is_pooled(record, "database"))
        .map(|record| {
            let seconds = |column: &str| record.number::<f64>(column).map(|micros| micros / 1e6);
            Totals {
                database: record.name("database"),
                xact_total: record.number("total_xact_count"),
                query_total: record.number("total_query_count"),
                received_bytes: record.number("total_received"),
                sent_bytes: record.number("total_sent"),
                xact_seconds: seconds("total_xact_time"),
                query_seconds: seconds("total_query_time"),
                wait_seconds: seconds("total_wait_time"),
            }
        })
        .collect()
}

/// Gives each pool its size: the user's own, else the database's, else the default, as PgBouncer takes them.
pub(super) fn bound(facts: &mut PoolerFacts) {
    let PoolerFacts { pools, databases, users, settings, .. } = facts;
    let reserve_opens = settings.reserve_pool_timeout.is_none_or(|seconds| seconds > 0.0);
    // There may be thousands of each. The first of a name counts.
    let databases: HashMap<_, _> = databases.iter().rev().map(|one| (one.name.as_str(), one)).collect();
    let users: HashMap<_, _> = users.iter().rev().map(|one| (one.name.as_str(), one)).collect();
    for pool in pools {
        let (database, user) = (databases.get(pool.database.as_str()), users.get(pool.user.as_str()));
        let size = user.and_then(|user| user.pool_size);
        pool.pool_size = match (size, database) {
            (Some(size), _) => Some(size),
            (None, Some(database)) => database.pool_size,
            (None, None) => settings.default_pool_size,
        }
        .filter(|size| *size > 0);
        pool.reserve_pool_size = user
            .and_then(|user| user.reserve_pool_size)
            .or_else(|| database.and_then(|database| database.reserve_pool_size))
            .or(settings.reserve_pool_size)
            .map(|reserve| if reserve_opens { reserve } else { 0 });
    }
}

/// `SHOW CLIENTS` and `SHOW SERVERS`, put together by the pointers that both show.
pub(super) fn links(clients: &[Record], servers: &[Record]) -> Vec<Link> {
    let mut free: HashMap<String, &Record> =
        servers.iter().filter_map(|server| Some((server.text("ptr")?, server))).collect();
    let mut links: Vec<Link> = clients
        .iter()
        .filter(|client| is_pooled(client, "database"))
        .map(|client| {
            let linked = client.text("link");
            let server = linked.as_ref().and_then(|link| free.remove(link));
            Link {
                database: client.name("database"),
                user: client.name("user"),
                client: Some(client_of(client, linked.is_some())),
                server: server.map(server_of),
                backend: None,
                locks_held: None,
            }
        })
        .collect();
    // In the console's order.
    let rest = servers.iter().filter(|server| match server.text("ptr") {
        Some(pointer) => free.contains_key(&pointer),
        None => true,
    });
    links.extend(rest.filter(|server| is_pooled(server, "database")).map(|server| Link {
        database: server.name("database"),
        user: server.name("user"),
        client: None,
        server: Some(server_of(server)),
        backend: None,
        locks_held: None,
    }));
    links
}

fn client_of(record: &Record, linked: bool) -> Client {
    let addr = record.address("addr");
    let local = addr.as_deref() == Some("local");
    let mut state = record.name("state");
    if state == "active" && !linked {
        "idle".clone_into(&mut state);
    }
    let wait = record.seconds("wait", "wait_us").filter(|_| state.starts_with("waiting"));
    Client {
        port: record.number("port").filter(|_| !local),
        pid: record.number("remote_pid").filter(|pid| local && *pid != 0),
        addr,
        application_name: record.text("application_name"),
        state,
        wait_seconds: wait,
        connected_at: record.instant("connect_time"),
        tls: record.text("tls"),
        id: record.number("id"),
        pointer: record.text("ptr"),
    }
}

fn server_of(record: &Record) -> ServerConnection {
    let local_addr = record.address("local_addr");
    let local = local_addr.as_deref() == Some("local");
    ServerConnection {
        pid: record.number("remote_pid").filter(|pid| *pid != 0),
        state: record.name("state"),
        addr: record.address("addr"),
        port: record.number("port"),
        local_port: record.number("local_port").filter(|_| !local),
        local_addr,
        application_name: record.text("application_name"),
        connected_at: record.instant("connect_time"),
        close_needed: record.claim("close_needed"),
        tls: record.text("tls"),
    }
}

#[cfg(test)]
mod tests;
