//! PgBouncer's settings: which there are, since when, and what kind of value each takes.
//!
//! Read from PgBouncer's own tables (`src/main.c`, `src/loader.c`) at the tags 1.12 to 1.25.

use crate::model::nearest;

/// A PgBouncer release, major and minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    /// Reads `1.24` or `1.24.1`; `None` when it is neither.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        let patch: Option<u32> = parts.next().map(|part| part.parse().ok()).unwrap_or(Some(0));
        (patch.is_some() && parts.next().is_none()).then_some(Self { major, minor })
    }

    /// Whether it is 1.`minor` or later.
    pub(crate) fn at_least(self, minor: u32) -> bool {
        self >= Self { major: 1, minor }
    }

    /// Whether it can keep clients' named statements in transaction mode (`max_prepared_statements`, 1.21).
    pub(crate) fn has_prepared_statements(self) -> bool {
        self.at_least(21)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a setting's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueType {
    /// Anything.
    Text,
    /// A whole number (C notation).
    Int,
    /// A whole number (C notation) for which there is no sign.
    Unsigned,
    /// Seconds, fractions allowed, no unit.
    Time,
    /// A whole number of which PgBouncer reads the digits that it begins with, and 0 where there is none (`atoi`).
    Digits,
    /// What [`ValueType::Digits`] is, and not 0.
    Port,
    /// One of these words, in any case, each with the minor version that brought it.
    Word(&'static [(&'static str, u32)]),
    /// A database, which cannot be the console.
    Database,
}

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its value must be.
    pub(crate) kind: ValueType,
    /// The minor version of 1.x that brought it; 0 for what 1.12 already had.
    pub(crate) since: u32,
}

const fn key(name: &'static str, kind: ValueType, since: u32) -> Key {
    Key { name, kind, since }
}

use ValueType::{Database, Digits, Int, Port, Text, Time, Unsigned, Word};

const AUTH_TYPES: [(&str, u32); 9] = [
    ("any", 0),
    ("trust", 0),
    ("plain", 0),
    ("md5", 0),
    ("cert", 0),
    ("hba", 0),
    ("ldap", 25),
    ("pam", 0),
    ("scram-sha-256", 0),
];
const POOL_MODES: [(&str, u32); 3] = [("session", 0), ("transaction", 0), ("statement", 0)];
const SSL_MODES: [(&str, u32); 6] =
    [("disable", 0), ("allow", 0), ("prefer", 0), ("require", 0), ("verify-ca", 0), ("verify-full", 0)];

const LOAD_BALANCE: [(&str, u32); 2] = [("disable", 0), ("round-robin", 0)];

/// The settings of `[pgbouncer]` on Unix.
pub(crate) const KEYS: [Key; 98] = [
    key("admin_users", Text, 0),
    key("application_name_add_host", Int, 0),
    key("auth_dbname", Database, 19),
    key("auth_file", Text, 0),
    key("auth_hba_file", Text, 0),
    key("auth_ident_file", Text, 23),
    key("auth_ldap_options", Text, 25),
    key("auth_query", Text, 0),
    key("auth_type", Word(&AUTH_TYPES), 0),
    key("auth_user", Text, 0),
    key("autodb_idle_timeout", Time, 0),
    key("cancel_wait_timeout", Time, 19),
    key("client_idle_timeout", Time, 0),
    key("client_login_timeout", Time, 0),
    key("client_tls13_ciphers", Text, 25),
    key("client_tls_ca_file", Text, 0),
    key("client_tls_cert_file", Text, 0),
    key("client_tls_ciphers", Text, 0),
    key("client_tls_dheparams", Text, 0),
    key("client_tls_ecdhcurve", Text, 0),
    key("client_tls_key_file", Text, 0),
    key("client_tls_protocols", Text, 0),
    key("client_tls_sslmode", Word(&SSL_MODES), 0),
    key("conffile", Text, 0),
    key("default_pool_size", Int, 0),
    key("disable_pqexec", Int, 0),
    key("dns_max_ttl", Time, 0),
    key("dns_nxdomain_ttl", Time, 0),
    key("dns_zone_check_period", Time, 0),
    key("idle_transaction_timeout", Time, 0),
    key("ignore_startup_parameters", Text, 0),
    key("job_name", Text, 0),
    key("listen_addr", Text, 0),
    key("listen_backlog", Int, 0),
    key("listen_port", Int, 0),
    key("log_connections", Int, 0),
    key("log_disconnections", Int, 0),
    key("log_pooler_errors", Int, 0),
    key("log_stats", Int, 0),
    key("logfile", Text, 0),
    key("max_client_conn", Int, 0),
    key("max_db_client_connections", Int, 24),
    key("max_db_connections", Int, 0),
    key("max_packet_size", Unsigned, 0),
    key("max_prepared_statements", Int, 21),
    key("max_user_client_connections", Int, 24),
    key("max_user_connections", Int, 0),
    key("min_pool_size", Int, 0),
    key("peer_id", Int, 19),
    key("pidfile", Text, 0),
    key("pkt_buf", Int, 0),
    key("pool_mode", Word(&POOL_MODES), 0),
    key("query_timeout", Time, 0),
    key("query_wait_notify", Int, 25),
    key("query_wait_timeout", Time, 0),
    key("reserve_pool_size", Int, 0),
    key("reserve_pool_timeout", Time, 0),
    key("resolv_conf", Text, 0),
    key("sbuf_loopcnt", Int, 0),
    key("scram_iterations", Int, 25),
    key("server_check_delay", Time, 0),
    key("server_check_query", Text, 0),
    key("server_connect_timeout", Time, 0),
    key("server_fast_close", Int, 0),
    key("server_idle_timeout", Time, 0),
    key("server_lifetime", Time, 0),
    key("server_login_retry", Time, 0),
    key("server_reset_query", Text, 0),
    key("server_reset_query_always", Int, 0),
    key("server_round_robin", Int, 0),
    key("server_tls13_ciphers", Text, 25),
    key("server_tls_ca_file", Text, 0),
    key("server_tls_cert_file", Text, 0),
    key("server_tls_ciphers", Text, 0),
    key("server_tls_key_file", Text, 0),
    key("server_tls_protocols", Text, 0),
    key("server_tls_sslmode", Word(&SSL_MODES), 0),
    key("so_reuseport", Int, 0),
    key("stats_period", Int, 0),
    key("stats_users", Text, 0),
    key("suspend_timeout", Time, 0),
    key("syslog", Int, 0),
    key("syslog_facility", Text, 0),
    key("syslog_ident", Text, 0),
    key("tcp_defer_accept", Int, 0),
    key("tcp_keepalive", Int, 0),
    key("tcp_keepcnt", Int, 0),
    key("tcp_keepidle", Int, 0),
    key("tcp_keepintvl", Int, 0),
    key("tcp_socket_buffer", Int, 0),
    key("tcp_user_timeout", Int, 13),
    key("track_extra_parameters", Text, 20),
    key("transaction_timeout", Time, 25),
    key("unix_socket_dir", Text, 0),
    key("unix_socket_group", Text, 0),
    key("unix_socket_mode", Int, 0),
    key("user", Text, 0),
    key("verbose", Int, 0),
];

/// The settings of `[pgbouncer]` without a default: entering the section again leaves them as they are.
pub(crate) const HAS_NO_DEFAULT: [&str; 10] = [
    "auth_dbname",
    "auth_file",
    "auth_ident_file",
    "auth_ldap_options",
    "auth_user",
    "client_tls13_ciphers",
    "conffile",
    "server_tls13_ciphers",
    "user",
    "verbose",
];

/// Settings that no other program has: a file with one of them is PgBouncer's.
pub(crate) const IS_ITS_OWN: [&str; 9] = [
    "auth_file",
    "auth_query",
    "default_pool_size",
    "ignore_startup_parameters",
    "max_client_conn",
    "max_db_connections",
    "pool_mode",
    "server_reset_query",
    "unix_socket_dir",
];

/// What other programs, or other places of the file, call a setting, and what is meant.
const ALIASES: [(&str, &str); 9] = [
    ("sslmode", "server_tls_sslmode in [pgbouncer]"),
    ("sslrootcert", "server_tls_ca_file in [pgbouncer]"),
    ("sslcert", "server_tls_cert_file in [pgbouncer]"),
    ("sslkey", "server_tls_key_file in [pgbouncer]"),
    ("connect_timeout", "server_connect_timeout in [pgbouncer]"),
    ("options", "connect_query in the entry, or ALTER ROLE … SET"),
    ("max_connections", "max_client_conn for clients, max_db_connections for the server"),
    ("statement_timeout", "query_timeout, or ALTER ROLE … SET statement_timeout"),
    ("idle_timeout", "client_idle_timeout or server_idle_timeout"),
];

/// What was probably meant by a name that `table` does not have.
pub(crate) fn meant(table: &'static [Key], name: &str) -> Option<String> {
    if let Some((_, meant)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
        return Some((*meant).to_owned());
    }
    let homes: [(&'static [Key], &str); 3] =
        [(&KEYS, "[pgbouncer]"), (&ENTRY_KEYS, "an entry of [databases]"), (&USER_KEYS, "a user of [users]")];
    if let Some((_, home)) = homes.into_iter().find(|(home, _)| find(home, name).is_some()) {
        let own = format!("default_{name}");
        let own = find(table, &own).map(|_| format!("; here it is {own}")).unwrap_or_default();
        return Some(format!("{name} belongs to {home}{own}"));
    }
    nearest::nearest(name, table.iter().map(|key| key.name)).map(|near| format!("did you mean {near}?"))
}

/// The settings of an entry in `[databases]`.
pub(crate) const ENTRY_KEYS: [Key; 22] = [
    key("dbname", Text, 0),
    key("host", Text, 0),
    key("port", Port, 0),
    key("user", Text, 0),
    key("password", Text, 0),
    key("auth_user", Text, 0),
    key("auth_dbname", Text, 19),
    key("auth_query", Text, 23),
    key("client_encoding", Text, 0),
    key("datestyle", Text, 0),
    key("timezone", Text, 0),
    key("application_name", Text, 0),
    key("pool_size", Digits, 0),
    key("min_pool_size", Digits, 16),
    key("reserve_pool", Digits, 0),
    key("reserve_pool_size", Digits, 24),
    key("max_db_connections", Digits, 0),
    key("max_db_client_connections", Digits, 24),
    key("server_lifetime", Digits, 23),
    key("load_balance_hosts", Word(&LOAD_BALANCE), 24),
    key("pool_mode", Word(&POOL_MODES), 0),
    key("connect_query", Text, 0),
];

/// The settings of a user in `[users]`.
pub(crate) const USER_KEYS: [Key; 9] = [
    key("pool_mode", Word(&POOL_MODES), 0),
    key("max_user_connections", Digits, 0),
    key("pool_size", Digits, 23),
    key("reserve_pool_size", Digits, 24),
    key("query_timeout", Digits, 24),
    key("idle_transaction_timeout", Digits, 24),
    key("client_idle_timeout", Digits, 24),
    key("max_user_client_connections", Digits, 24),
    key("transaction_timeout", Digits, 25),
];

/// The settings of a peer in `[peers]`.
pub(crate) const PEER_KEYS: [Key; 3] =
    [key("host", Text, 0), key("port", Port, 0), key("pool_size", Digits, 0)];

/// The section names, each with the minor version that brought it.
pub(crate) const SECTIONS: [(&str, u32); 4] =
    [("pgbouncer", 0), ("databases", 0), ("users", 0), ("peers", 19)];

/// The setting of this name in `table`.
pub(crate) fn find(table: &'static [Key], name: &str) -> Option<&'static Key> {
    table.iter().find(|key| key.name == name)
}

/// Whether a database of this name can be an entry of `[databases]` in every version: no quoting works in 1.18, and
/// `pgbouncer` is the console.
pub(crate) fn is_entry_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    !name.is_empty() && name != "pgbouncer" && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("1.9") < version("1.21.2"));
        assert!(version("1.21").has_prepared_statements() && !version("1.20.1").has_prepared_statements());
        for wrong in ["", "1", "1.x", "1.21.2.3", "v1.21", "1.21-rc1"] {
            assert_eq!(Version::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn keys_are_listed_once_and_new_ones_carry_their_version() {
        for table in [&KEYS[..], &ENTRY_KEYS[..], &USER_KEYS[..], &PEER_KEYS[..]] {
            let mut names: Vec<_> = table.iter().map(|key| key.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.len());
        }
        assert_eq!(find(&KEYS, "max_prepared_statements").unwrap().since, 21);
        assert_eq!(find(&KEYS, "peer_id").unwrap().since, 19);
        assert!(find(&KEYS, "pool_size").is_none(), "an entry's key, not a global one");
    }
}
