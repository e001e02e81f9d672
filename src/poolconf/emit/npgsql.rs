//! .NET: Npgsql's data source.

use super::file::{File, one, optional, when};
use crate::analyze::sizing::Refused;
use crate::poolconf::{Mode, PoolConfig, seconds};

/// The largest `Timeout`, in seconds.
const MAX_TIMEOUT: u64 = 1024;
/// The default `ConnectionPruningInterval`, in seconds.
const PRUNING: u64 = 10;

/// The default maximum is 100 per connection string. With a transaction pooler nothing is reset when a connection
/// goes back to the pool, and statements must not be prepared on older ones. It throws on a `Timeout` above its limit,
/// and on an idle lifetime below the interval at which it looks for idle connections.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("//");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let acquire = seconds(settings.acquire_timeout);
    if acquire > MAX_TIMEOUT {
        return Err(Refused::new(
            "Npgsql does not accept so long a time for --acquire-timeout",
            format!("its maximum is {MAX_TIMEOUT}s"),
        ));
    }
    let idle = seconds(settings.idle_timeout);
    let pruning = when(idle < PRUNING, &format!("            ConnectionPruningInterval = {idle},"));
    let lifetime = seconds(settings.max_lifetime);
    let unreset = when(settings.mode == Mode::Transaction, "            NoResetOnClose = true,");
    let unprepared = when(!settings.prepared_statements(), "            MaxAutoPrepare = 0,");
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("            Options = \"-c statement_timeout={ms}\",")
    });
    let app = settings.app.as_ref().map_or_else(
        || "Environment.GetEnvironmentVariable(\"PGAPPNAME\") ?? \"app\"".to_owned(),
        |app| format!("\"{app}\""),
    );
    Ok(one(
        "Database.cs",
        format!(
            r#"{header}
using System;
using Npgsql;

public static class Database
{{
    public static NpgsqlDataSource Create()
    {{
        var given = Environment.GetEnvironmentVariable("DATABASE_CONNECTION")
            ?? throw new InvalidOperationException("DATABASE_CONNECTION is not set");
        var settings = new NpgsqlConnectionStringBuilder(given)
        {{
            MaxPoolSize = {max},
            MinPoolSize = {min},
            // Seconds to wait for a free connection or for the server.
            Timeout = {acquire},
            ConnectionIdleLifetime = {idle},
            ConnectionLifetime = {lifetime},
            KeepAlive = 60,
            ApplicationName = {app},
{pruning}{unreset}{unprepared}{timeout}        }};
        return NpgsqlDataSource.Create(settings);
    }}
}}
"#
        ),
    ))
}
