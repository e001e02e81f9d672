//! asyncpg: `create_pool`.

use super::{File, PoolConfig, Refused, one, optional, when};
use crate::poolconf::seconds;

/// `max_size` below the default `min_size` of 10 would be refused, so both are given.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("#");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("        server_settings={{\"statement_timeout\": \"{ms}\"}},")
    });
    let uncached = when(!settings.prepared_statements(), "        statement_cache_size=0,");
    Ok(one(
        "pool.py",
        format!(
            r#"{header}
import os

import asyncpg

# asyncpg waits for a free connection for ever unless told otherwise: pool.acquire(timeout=ACQUIRE_TIMEOUT).
ACQUIRE_TIMEOUT = {acquire}


async def create_pool() -> asyncpg.Pool:
    return await asyncpg.create_pool(
        os.environ["DATABASE_URL"],
        min_size={min},
        max_size={max},
        max_inactive_connection_lifetime={idle},
        timeout={acquire},
{uncached}{timeout}    )
"#
        ),
    ))
}
