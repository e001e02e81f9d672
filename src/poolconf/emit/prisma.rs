//! Prisma up to version 6: parameters of the connection URL.

use super::file::{File, one};
use crate::analyze::sizing::Refused;
use crate::poolconf::{PoolConfig, seconds};

/// The engine of Prisma up to 6 reads its pool from the URL. `pgbouncer=true` turns named statements off.
/// The variables are expanded by Prisma's own reading of `.env`.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("#");
    let max = settings.pool_size;
    let acquire = seconds(settings.acquire_timeout);
    let pooled = if settings.prepared_statements() { "" } else { "&pgbouncer=true" };
    // In the URL a space is %20; the value reaches the server as the startup parameter `options`.
    let timeout = settings
        .startup_statement_timeout()
        .map_or_else(String::new, |ms| format!("&options=-c%20statement_timeout%3D{ms}"));
    let app = settings.app.as_deref().unwrap_or("${PGAPPNAME}");
    Ok(one(
        ".env",
        format!(
            "{header}# For Prisma up to 6; Prisma 7 ignores these parameters (emit prisma7).\n\
             # DB_PASSWORD must be percent-encoded.\n\
             DATABASE_URL=\"postgresql://${{DB_USER}}:${{DB_PASSWORD}}@${{DB_HOST}}:${{DB_PORT}}/${{DB_NAME}}\
             ?connection_limit={max}&pool_timeout={acquire}&connect_timeout={acquire}&application_name={app}{pooled}{timeout}\"\n"
        ),
    ))
}
