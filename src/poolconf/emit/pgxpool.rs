//! Go: pgx's own pool.

use super::{File, PoolConfig, Refused, one, optional, when};
use crate::poolconf::seconds;

/// The pool's maximum must be at least 1; waiting for a connection is bounded by the caller's context.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("//");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let jitter = lifetime.div_ceil(10);
    let prepared = settings.prepared_statements();
    let import = when(!prepared, "\t\"github.com/jackc/pgx/v5\"");
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

import (
	"context"
	"fmt"
	"os"
	"time"

{import}	"github.com/jackc/pgx/v5/pgxpool"
)

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
"#
        ),
    ))
}
