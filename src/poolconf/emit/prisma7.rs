//! Prisma 7: the driver adapter owns the pool.

use super::file::{File, one, optional};
use crate::analyze::sizing::Refused;
use crate::poolconf::PoolConfig;

/// The adapter takes `pg.Pool`'s options directly; wrapped in `{ pool: … }` they would be ignored silently.
/// It names no statements unless told to, so it works in every pool mode.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("//");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let idle = settings.idle_timeout.as_millis();
    let acquire = settings.acquire_timeout.as_millis();
    let lifetime = crate::poolconf::seconds(settings.max_lifetime);
    let timeout = optional(settings.startup_statement_timeout(), |ms| format!("  statement_timeout: {ms},"));
    let app = optional(settings.app.as_ref(), |app| format!("  application_name: '{app}',"));
    Ok(one(
        "prisma.ts",
        format!(
            r"{header}
import {{ PrismaPg }} from '@prisma/adapter-pg';

import {{ PrismaClient }} from './generated/prisma/client.js';

export const adapter = new PrismaPg({{
  connectionString: process.env.DATABASE_URL,
  max: {max},
  min: {min},
  idleTimeoutMillis: {idle},
  connectionTimeoutMillis: {acquire},
  maxLifetimeSeconds: {lifetime},
  keepAlive: true,
{app}{timeout}}});

export const prisma = new PrismaClient({{ adapter }});
"
        ),
    ))
}
