//! Go: pgx's own pool.

use super::file::{File, one, optional, when, with_helpers};
use crate::analyze::sizing::Refused;
use crate::poolconf::{PoolConfig, seconds};

/// The pool's maximum must be at least 1; waiting for a connection is bounded by the caller's context.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("//");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let jitter = lifetime.div_ceil(10);
    let prepared = settings.prepared_statements();
    let pgx = when(!prepared, "\t\"github.com/jackc/pgx/v5\"");
    let imports = format!(
        "import (\n\t\"context\"\n\t\"fmt\"\n\t\"os\"\n\t\"time\"\n\n{pgx}\t\"github.com/jackc/pgx/v5/pgxpool\"\n)\n"
    );
    let (imports, helpers) = with_helpers(settings, &imports, include_str!("helpers/pgxpool.go"));
    let mode = when(!prepared, "\tconfig.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec");
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("\tconfig.ConnConfig.RuntimeParams[\"statement_timeout\"] = \"{ms}\"")
    });
    let app = optional(settings.app.as_ref(), |app| {
        format!("\tconfig.ConnConfig.RuntimeParams[\"application_name\"] = \"{app}\"")
    });
    Ok(one(
        "db.go",
        format!(
            r#"{header}
package db

{imports}
// AcquireTimeout bounds the wait for a connection: pass a context with this deadline.
const AcquireTimeout = {acquire} * time.Second

// Open opens the pool for DATABASE_URL.
func Open(ctx context.Context) (*pgxpool.Pool, error) {{
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {{
		return nil, fmt.Errorf("parse DATABASE_URL: %w", err)
	}}
	config.MaxConns = {max}
	config.MinConns = {min}
	config.MaxConnLifetime = {lifetime} * time.Second
	config.MaxConnLifetimeJitter = {jitter} * time.Second
	config.MaxConnIdleTime = {idle} * time.Second
	config.HealthCheckPeriod = time.Minute
	config.ConnConfig.ConnectTimeout = {acquire} * time.Second
{app}{mode}{timeout}	return pgxpool.NewWithConfig(ctx, config)
}}
{helpers}"#
        ),
    ))
}
