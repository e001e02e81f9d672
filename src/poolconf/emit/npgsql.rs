//! .NET: Npgsql's data source.

use super::{File, Refused, Settings, one, optional, when};
use crate::poolconf::{Mode, seconds};

/// The default maximum is 100 per connection string. With a transaction pooler nothing is reset when a connection
/// goes back to the pool, and statements must not be prepared on older ones.
pub(super) fn write(settings: &Settings) -> Result<Vec<File>, Refused> {
    let header = settings.header("//");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let unreset = when(settings.mode == Mode::Transaction, "            NoResetOnClose = true,");
    let unprepared = when(!settings.prepared_statements(), "            MaxAutoPrepare = 0,");
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("            Options = \"-c statement_timeout={ms}\",")
    });
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
{unreset}{unprepared}{timeout}        }};
        return NpgsqlDataSource.Create(settings);
    }}
}}
"#
        ),
    ))
}
