//! Node.js: Knex.

use super::file::{File, one, optional};
use crate::analyze::sizing::Refused;
use crate::poolconf::PoolConfig;

/// `max: 0` would switch pooling off, and a lone `max` below the default `min` of 2 is an error.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("//");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let idle = settings.idle_timeout.as_millis();
    let acquire = settings.acquire_timeout.as_millis();
    let timeout =
        optional(settings.startup_statement_timeout(), |ms| format!("    statement_timeout: {ms},"));
    let app = optional(settings.app.as_ref(), |app| format!("    application_name: '{app}',"));
    Ok(one(
        "knexfile.mjs",
        format!(
            r"{header}
export default {{
  client: 'pg',
  connection: {{
    connectionString: process.env.DATABASE_URL,
    keepAlive: true,
{app}{timeout}  }},
  pool: {{
    min: {min},
    max: {max},
    idleTimeoutMillis: {idle},
    createTimeoutMillis: {acquire},
  }},
  acquireConnectionTimeout: {acquire},
}};
"
        ),
    ))
}
