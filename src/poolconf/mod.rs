//! What is known about pool libraries, poolers and providers: configuration is written from it and judged with it.
//!
//! Pure text and tables; reads no file, asks no server, decides no sizes.

pub(crate) mod emit;
pub(crate) mod lint;
mod mode;
pub(crate) mod pgbouncer;
pub(crate) mod provider;

use std::time::Duration;

pub(crate) use crate::analyze::sizing::PoolerSizes;
pub(crate) use mode::Mode;
use pgbouncer::Version;
use provider::Provider;

/// Where PgBouncer finds PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    /// Host name or address.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
    /// Database name.
    pub(crate) database: String,
}

impl Default for ServerAddress {
    /// What stands there until somebody names a server.
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 5432, database: "app".to_owned() }
    }
}

/// Everything a configuration is written from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PoolConfig {
    /// The application's name, in which foreign characters are `-`; `None` to leave it to the library's own convention.
    pub(crate) app: Option<String>,
    /// The most connections one pool may open, overflow included; at least 1.
    pub(crate) pool_size: u64,
    /// Connections one pool keeps open; at least 1, at most `pool_size`.
    pub(crate) min_idle: u64,
    /// What the application connects to.
    pub(crate) mode: Mode,
    /// The provider, when it is a known one.
    pub(crate) provider: Option<&'static Provider>,
    /// PgBouncer's version; unknown means that only what every version does may be relied on.
    pub(crate) pgbouncer_version: Option<Version>,
    /// The server's max_connections, for targets that start one.
    pub(crate) max_connections: u64,
    /// PgBouncer's sizes; `None` when no pooled plan fits.
    pub(crate) pooler: Option<PoolerSizes>,
    /// Where PgBouncer finds PostgreSQL.
    pub(crate) endpoint: ServerAddress,
    /// Statements are cancelled after this long.
    pub(crate) statement_timeout: Option<Duration>,
    /// A connection that was idle so long is closed.
    pub(crate) idle_timeout: Duration,
    /// A connection so old is replaced.
    pub(crate) max_lifetime: Duration,
    /// A request waits so long for a connection, and a connection so long for the server.
    pub(crate) acquire_timeout: Duration,
    /// Whether the code around the pool is written, too: transactions, retry, shutdown, health, metrics.
    pub(crate) helpers: bool,
    /// Where the figures come from, for the comment at the top; one line each, in which foreign names are
    /// letters, digits and `_ . -` only: a comment can end, be run or set a file's encoding.
    pub(crate) provenance: Vec<String>,
}

impl PoolConfig {
    /// Whether named prepared statements survive between transactions.
    ///
    /// Directly and in session mode always. In transaction mode since PgBouncer 1.21, with
    /// `max_prepared_statements` above 0 (the default since 1.24).
    pub(crate) fn prepared_statements(&self) -> bool {
        self.mode != Mode::Transaction
            || (self.provider.is_none_or(|provider| provider.prepared_statements)
                && self.pgbouncer_version.is_some_and(pgbouncer::Version::has_prepared_statements))
    }

    /// The statement timeout in milliseconds, where it can be sent when connecting: only directly, because
    /// PgBouncer refuses the parameter or drops its value.
    pub(crate) fn startup_statement_timeout(&self) -> Option<u128> {
        self.statement_timeout.filter(|_| self.mode == Mode::Direct).map(|timeout| timeout.as_millis())
    }

    /// The lines of the opening comment, each after `marker`.
    pub(crate) fn header(&self, marker: &str) -> String {
        let notes = self.notes();
        self.provenance.iter().chain(&notes).map(|line| format!("{marker} {line}\n")).collect()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(text) = self.provider.and_then(|provider| provider.where_to_connect(self.mode)) {
            notes.push(format!("Connect to {text}."));
        }
        match self.mode {
            Mode::Direct => {}
            Mode::Session => {
                notes.push(
                    "For a pooler in session mode: a connection here holds one of the server's.".to_owned(),
                );
            }
            Mode::Transaction => {
                notes.push(
                    "For a pooler in transaction mode: SET, LISTEN and session locks do not outlive a transaction."
                        .to_owned(),
                );
                notes.push("Run migrations over a direct connection.".to_owned());
            }
        }
        if let Some(timeout) = self.statement_timeout.filter(|_| self.mode != Mode::Direct) {
            notes.push(format!(
                "Poolers drop a timeout sent when connecting; on the server: ALTER ROLE … SET statement_timeout = {};",
                timeout.as_millis()
            ));
        }
        notes
    }
}

/// Whole seconds, rounded up so that no duration becomes the 0 that means "never".
pub(crate) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn settings() -> PoolConfig {
        PoolConfig {
            app: Some("shop".to_owned()),
            pool_size: 9,
            min_idle: 2,
            mode: Mode::Direct,
            provider: None,
            pgbouncer_version: None,
            max_connections: 100,
            pooler: Some(PoolerSizes {
                default_pool_size: 9,
                reserve_pool_size: 0,
                max_client_conn: 100,
                max_db_connections: 9,
            }),
            endpoint: ServerAddress::default(),
            statement_timeout: None,
            idle_timeout: Duration::from_secs(300),
            max_lifetime: Duration::from_secs(1800),
            acquire_timeout: Duration::from_secs(10),
            helpers: false,
            provenance: vec!["9 connections".to_owned()],
        }
    }

    #[test]
    fn prepared_statements_depend_on_mode_and_version() {
        let mut settings = settings();
        assert!(settings.prepared_statements());
        settings.mode = Mode::Session;
        assert!(settings.prepared_statements());
        settings.mode = Mode::Transaction;
        assert!(!settings.prepared_statements(), "an unknown version may be an old one");
        settings.pgbouncer_version = Some(Version::parse("1.20").unwrap());
        assert!(!settings.prepared_statements());
        settings.pgbouncer_version = Some(Version::parse("1.21.0").unwrap());
        assert!(settings.prepared_statements());
        settings.provider = provider::find("supabase");
        assert!(!settings.prepared_statements());
    }

    #[test]
    fn no_duration_is_rounded_to_never() {
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_millis(1500)), 2);
        assert_eq!(seconds(Duration::from_secs(3)), 3);
    }
}
