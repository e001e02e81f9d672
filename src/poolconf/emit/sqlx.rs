//! Rust: sqlx.

use super::file::{File, one, optional, when, with_helpers};
use crate::analyze::sizing::Refused;
use crate::poolconf::{Mode, PoolConfig, seconds};

/// sqlx always prepares, in a way that no setting makes fit a transaction pooler without prepared statements;
/// and a PgBouncer that does not ignore `extra_float_digits` refuses it, so behind a pooler it is not sent.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    if !settings.prepared_statements() {
        return Err(Refused::new(
            "sqlx does not work behind a transaction pooler without prepared statements",
            "use PgBouncer 1.21 or later and say so with --pgbouncer-version 1.21, or --mode session",
        ));
    }
    let header = settings.header("//");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let pooled = when(settings.mode != Mode::Direct, "    let options = options.extra_float_digits(None);");
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("    let options = options.options([(\"statement_timeout\", \"{ms}\")]);")
    });
    let app = optional(settings.app.as_ref(), |app| {
        format!("    let options = options.application_name(\"{app}\");")
    });
    let imports = "use std::env;\nuse std::error::Error;\nuse std::time::Duration;\n\nuse sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};\n";
    let (imports, helpers) = with_helpers(settings, imports, include_str!("helpers/sqlx.rs.in"));
    Ok(one(
        "db.rs",
        format!(
            r#"{header}
{imports}
/// Opens the pool for DATABASE_URL, with its first connections.
pub async fn connect() -> Result<PgPool, Box<dyn Error + Send + Sync>> {{
    let options: PgConnectOptions = env::var("DATABASE_URL")?.parse()?;
{app}{pooled}{timeout}    let pool = PgPoolOptions::new()
        .max_connections({max})
        .min_connections({min})
        .acquire_timeout(Duration::from_secs({acquire}))
        .idle_timeout(Duration::from_secs({idle}))
        .max_lifetime(Duration::from_secs({lifetime}))
        .connect_with(options)
        .await?;
    Ok(pool)
}}
{helpers}"#
        ),
    ))
}
