//! node-pg: `pg.Pool`.

use super::file::{File, one, optional, when, with_helpers};
use crate::analyze::sizing::Refused;
use crate::poolconf::PoolConfig;

/// `max` must be a number above 0 (0 means ten), `min` opens nothing, and an unhandled `error` of an idle client
/// ends the process; named statements are the application's own choice.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("//");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let idle = settings.idle_timeout.as_millis();
    let acquire = settings.acquire_timeout.as_millis();
    let lifetime = crate::poolconf::seconds(settings.max_lifetime);
    let timeout = optional(settings.startup_statement_timeout(), |ms| format!("  statement_timeout: {ms},"));
    let app = optional(settings.app.as_ref(), |app| format!("  application_name: '{app}',"));
    let unnamed = when(
        !settings.prepared_statements(),
        "// Give queries no name: a named statement is unknown to the next server connection.",
    );
    let (imports, helpers) =
        with_helpers(settings, "import pg from 'pg';\n", include_str!("helpers/node-pg.mjs"));
    Ok(one(
        "pool.mjs",
        format!(
            r"{header}{unnamed}
{imports}
export const pool = new pg.Pool({{
  connectionString: process.env.DATABASE_URL,
  max: {max},
  min: {min},
  idleTimeoutMillis: {idle},
  connectionTimeoutMillis: {acquire},
  maxLifetimeSeconds: {lifetime},
  keepAlive: true,
{app}{timeout}}});

// An idle connection that breaks is reported here; without a listener it would end the process.
pool.on('error', (error) => {{
  console.error('idle database connection lost:', error.message);
}});

// min keeps connections but never opens them: call this once at start.
export async function warmUp() {{
  const clients = await Promise.all(Array.from({{ length: {min} }}, () => pool.connect()));
  clients.forEach((client) => client.release());
}}

// Call this on SIGTERM, after the last request.
export async function close() {{
  await pool.end();
}}
{helpers}"
        ),
    ))
}
