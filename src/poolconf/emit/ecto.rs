//! Elixir: Ecto with Postgrex.

use super::file::{File, one, when};
use crate::analyze::sizing::Refused;
use crate::poolconf::PoolConfig;

/// Ecto's pool has a fixed size and opens all of it at start. Migrations take two connections.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("#");
    let max = settings.pool_size;
    let acquire = settings.acquire_timeout.as_millis();
    let unprepared = when(!settings.prepared_statements(), "  prepare: :unnamed,");
    let app = settings
        .app
        .as_ref()
        .map_or_else(|| "System.get_env(\"PGAPPNAME\", \"app\")".to_owned(), |app| format!("\"{app}\""));
    let timeout = settings.startup_statement_timeout();
    let timeout = timeout.map_or_else(String::new, |ms| format!(", statement_timeout: \"{ms}\""));
    let migrations =
        when(max < 2, "# Migrations need two connections: run them with a pool_size of 2 of their own.");
    Ok(one(
        "runtime.exs",
        format!(
            r#"{header}{migrations}# The pool opens all its connections at start. Replace :app and App.Repo by yours.

import Config

config :app, App.Repo,
  url: System.fetch_env!("DATABASE_URL"),
  pool_size: {max},
  pool_count: 1,
  # A request is dropped from the queue when waits stay above the target for an interval.
  queue_target: {acquire},
  queue_interval: {acquire},
{unprepared}  parameters: [application_name: {app}{timeout}],
  socket_options: [keepalive: true]
"#
        ),
    ))
}
