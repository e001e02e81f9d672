//! Node.js: postgres.js, which Drizzle uses too.

use super::file::{File, one, optional};
use crate::analyze::sizing::Refused;
use crate::poolconf::{PoolConfig, seconds};

/// Times are in seconds. Prepared statements hang behind a transaction pooler that does not keep them. There is
/// no bound on waiting for a free connection.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("//");
    let max = settings.pool_size;
    let idle = seconds(settings.idle_timeout);
    let acquire = seconds(settings.acquire_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let prepare = settings.prepared_statements();
    let app = settings.app.as_ref().map(|app| format!("application_name: '{app}'"));
    let timeout = settings.startup_statement_timeout().map(|ms| format!("statement_timeout: {ms}"));
    let parameters: Vec<String> = app.into_iter().chain(timeout).collect();
    let parameters = optional(Some(parameters.join(", ")).filter(|set| !set.is_empty()), |set| {
        format!("  connection: {{ {set} }},")
    });
    Ok(one(
        "db.mjs",
        format!(
            r"{header}// postgres.js queues without a bound when all connections are busy: bound the request itself.

import postgres from 'postgres';

export const sql = postgres(process.env.DATABASE_URL, {{
  max: {max},
  idle_timeout: {idle},
  connect_timeout: {acquire},
  max_lifetime: {lifetime},
  keep_alive: 60,
  prepare: {prepare},
{parameters}}});

// Call this on SIGTERM, after the last request.
export async function close() {{
  await sql.end({{ timeout: {acquire} }});
}}
"
        ),
    ))
}
