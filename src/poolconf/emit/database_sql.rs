//! Go: `database/sql` with pgx as its driver.

use super::file::{File, one, optional, when};
use crate::analyze::sizing::Refused;
use crate::poolconf::{PoolConfig, seconds};

/// Unset, the maximum is unlimited and only two idle connections are kept, so both are set to the same number.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("//");
    let max = settings.pool_size;
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let mode = when(!settings.prepared_statements(), "\tconfig.DefaultQueryExecMode = pgx.QueryExecModeExec");
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("\tconfig.RuntimeParams[\"statement_timeout\"] = \"{ms}\"")
    });
    let app = optional(settings.app.as_ref(), |app| {
        format!("\tconfig.RuntimeParams[\"application_name\"] = \"{app}\"")
    });
    Ok(one(
        "db.go",
        format!(
            r#"{header}
package db

import (
	"database/sql"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// AcquireTimeout bounds the wait for a connection: pass a context with this deadline to QueryContext and ExecContext.
const AcquireTimeout = {acquire} * time.Second

// Open opens the pool for DATABASE_URL; connections are made when they are needed.
func Open() (*sql.DB, error) {{
	config, err := pgx.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {{
		return nil, fmt.Errorf("parse DATABASE_URL: %w", err)
	}}
	config.ConnectTimeout = {acquire} * time.Second
{app}{mode}{timeout}	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns({max})
	// As many as may be open: with the default of 2 the others are closed after every use.
	db.SetMaxIdleConns({max})
	db.SetConnMaxLifetime({lifetime} * time.Second)
	db.SetConnMaxIdleTime({idle} * time.Second)
	return db, nil
}}
"#
        ),
    ))
}
