//! psycopg_pool: `ConnectionPool`.

use super::file::{File, one, optional, when, with_helpers};
use crate::analyze::sizing::Refused;
use crate::poolconf::{PoolConfig, seconds};

/// `max_size` alone would be refused below the default `min_size` of 4, so both are given.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("#");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("        \"options\": \"-c statement_timeout={ms}\",")
    });
    let app = optional(settings.app.as_ref(), |app| format!("        \"application_name\": \"{app}\","));
    let name = optional(settings.app.as_ref(), |app| format!("    name=\"{app}\","));
    let unprepared = when(!settings.prepared_statements(), "        \"prepare_threshold\": None,");
    let imports = "import os\n\nfrom psycopg_pool import ConnectionPool\n";
    let (imports, helpers) = with_helpers(settings, imports, include_str!("helpers/psycopg-pool.py"));
    let class = if settings.helpers { "CountingPool" } else { "ConnectionPool" };
    Ok(one(
        "pool.py",
        format!(
            r#"{header}
{imports}
# Call pool.open() at start (it opens min_size connections) and pool.close() at the end.
pool = {class}(
    os.environ["DATABASE_URL"],
    min_size={min},
    max_size={max},
    timeout={acquire},
    max_idle={idle},
    max_lifetime={lifetime},
    check=ConnectionPool.check_connection,
    open=False,
{name}    kwargs={{
        "connect_timeout": {acquire},
        "keepalives_idle": 60,
{app}{unprepared}{timeout}    }},
)
{helpers}"#
        ),
    ))
}
