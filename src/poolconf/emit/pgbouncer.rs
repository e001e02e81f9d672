//! PgBouncer: pgbouncer.ini, and a script that writes its userlist.txt from the environment.

use super::file::{File, optional, when};
use crate::analyze::sizing::Refused;
use crate::poolconf::{Mode, PoolConfig, PoolerSizes, seconds};

/// PgBouncer knows no comments behind values and refuses to start on an unknown key, so comments stand alone and
/// `max_prepared_statements` is written only for a version that has it. `extra_float_digits` is ignored because
/// the JDBC driver and sqlx send it and would be refused.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let PoolerSizes { default_pool_size, reserve_pool_size, max_client_conn, max_db_connections } =
        sizes(settings)?;
    let header = settings.header(";");
    let reserve = when(reserve_pool_size > 0, &format!("reserve_pool_size = {reserve_pool_size}"));
    let prepared = when(prepared_key(settings), "max_prepared_statements = 200");
    let entry = entry(settings)?;
    let mode = pool_mode(settings);
    let idle = seconds(settings.idle_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let wait = seconds(settings.acquire_timeout);
    let ini = format!(
        "{header}; PgBouncer has no comments behind values: keep them on lines of their own.

[databases]
{entry}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = 6432
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/userlist.txt

pool_mode = {mode}
default_pool_size = {default_pool_size}
min_pool_size = 1
{reserve}max_client_conn = {max_client_conn}
; The last line of defence: counted per database entry, all users together.
max_db_connections = {max_db_connections}

server_idle_timeout = {idle}
server_lifetime = {lifetime}
; A client that waits longer for a server connection gets an error.
query_wait_timeout = {wait}
tcp_keepalive = 1

; The JDBC driver and sqlx send this and would be refused.
ignore_startup_parameters = extra_float_digits
{prepared}"
    );
    let userlist = r#"#!/bin/sh
# Writes the userlist.txt of PgBouncer from DB_USER and DB_PASSWORD.
# The plain password, because a SCRAM secret cannot log in to the server for a forced user.
# Usage: userlist.sh [FILE]
set -eu
: "${DB_USER:?is not set}" "${DB_PASSWORD:?is not set}"
umask 077
doubled() {
	printf '%s' "$1" | sed 's/"/""/g'
}
printf '"%s" "%s"\n' "$(doubled "$DB_USER")" "$(doubled "$DB_PASSWORD")" >"${1:-userlist.txt}"
"#;
    Ok(vec![
        File { name: "pgbouncer.ini", text: ini },
        File { name: "userlist.sh", text: userlist.to_owned() },
    ])
}

/// PgBouncer's sizes, or why there are none.
pub(super) fn sizes(settings: &PoolConfig) -> Result<PoolerSizes, Refused> {
    settings.pooler.ok_or_else(|| {
        Refused::new(
            "no PgBouncer configuration stays within what the server can work on",
            "use fewer PgBouncer processes (--pooler-processes) or pools (--pooler-pairs), or no reserve pool",
        )
    })
}

/// Transaction mode unless session mode was asked for: "direct" has no meaning for the pooler itself.
pub(super) fn pool_mode(settings: &PoolConfig) -> &'static str {
    if settings.mode == Mode::Session { "session" } else { "transaction" }
}

/// Whether this PgBouncer knows `max_prepared_statements`.
pub(super) fn prepared_key(settings: &PoolConfig) -> bool {
    settings.pgbouncer_version.is_some_and(crate::poolconf::pgbouncer::Version::has_prepared_statements)
}

/// The line of `[databases]`.
fn entry(settings: &PoolConfig) -> Result<String, Refused> {
    let endpoint = &settings.endpoint;
    if [&endpoint.host, &endpoint.database]
        .iter()
        .any(|text| text.is_empty() || text.chars().any(char::is_control))
    {
        return Err(Refused::new(
            "the host or database name is empty or holds a control character",
            "name them with -h and -d",
        ));
    }
    // Other names cannot be written as an entry, in quotes neither (1.18 refuses both kinds), and "pgbouncer" is the
    // console: then clients use an alias.
    let name =
        if super::super::pgbouncer::is_entry_name(&endpoint.database) { &endpoint.database } else { "app" };
    let timeout = optional(settings.statement_timeout, |timeout| {
        format!(" connect_query='SET statement_timeout = {}'", timeout.as_millis())
    });
    Ok(format!(
        "{name} = host={} port={} dbname={}{}",
        value(&endpoint.host),
        endpoint.port,
        value(&endpoint.database),
        timeout.trim_end()
    ))
}

/// A value of a connection string, in quotes when it needs them.
fn value(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/'));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poolconf::tests::settings;

    #[test]
    fn the_entry_quotes_what_needs_quotes() {
        let mut settings = settings();
        assert_eq!(entry(&settings).unwrap(), "app = host=127.0.0.1 port=5432 dbname=app");
        settings.endpoint.database = "my db'\"".to_owned();
        assert_eq!(entry(&settings).unwrap(), "app = host=127.0.0.1 port=5432 dbname='my db''\"'");
        settings.endpoint.database = "pgbouncer".to_owned();
        assert_eq!(entry(&settings).unwrap(), "app = host=127.0.0.1 port=5432 dbname=pgbouncer");
        settings.endpoint.database = "a\nb".to_owned();
        assert!(entry(&settings).is_err());
    }

    #[test]
    fn without_a_pooled_plan_nothing_is_written() {
        assert!(write(&PoolConfig { pooler: None, ..settings() }).is_err(), "G6");
    }
}
