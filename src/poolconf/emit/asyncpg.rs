//! asyncpg: `create_pool`.

use super::file::{File, one, when, with_helpers};
use crate::analyze::sizing::Refused;
use crate::poolconf::{Mode, PoolConfig, seconds};

/// `max_size` below the default `min_size` of 10 would be refused, so both are given.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("#");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let app = settings
        .app
        .as_ref()
        .map_or_else(|| "os.environ.get(\"PGAPPNAME\", \"app\")".to_owned(), |app| format!("\"{app}\""));
    let timeout = settings.startup_statement_timeout();
    let timeout = timeout.map_or_else(String::new, |ms| format!(", \"statement_timeout\": \"{ms}\""));
    let pinned = settings.mode == Mode::Transaction && settings.provider.is_some_and(|of| of.pins_sessions);
    let unreset = when(pinned, "        reset=keep_session,");
    let keep_session = when(
        pinned,
        "\n\nasync def keep_session(connection: asyncpg.Connection) -> None:\n    \"\"\"Sends nothing when a connection goes back \
         to the pool: asyncpg's RESET ALL would pin the proxy's.\"\"\"",
    );
    let uncached = when(!settings.prepared_statements(), "        statement_cache_size=0,");
    let imports = "import os\n\nimport asyncpg\n";
    let (imports, helpers) = with_helpers(settings, imports, include_str!("helpers/asyncpg.py"));
    Ok(one(
        "pool.py",
        format!(
            r#"{header}
{imports}
# asyncpg waits for a free connection for ever unless told otherwise: pool.acquire(timeout=ACQUIRE_TIMEOUT).
ACQUIRE_TIMEOUT = {acquire}
{keep_session}

async def create_pool() -> asyncpg.Pool:
    return await asyncpg.create_pool(
        os.environ["DATABASE_URL"],
        min_size={min},
        max_size={max},
        max_inactive_connection_lifetime={idle},
        timeout={acquire},
        server_settings={{"application_name": {app}{timeout}}},
{uncached}{unreset}    )
{helpers}"#
        ),
    ))
}
