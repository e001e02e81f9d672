//! Rust: deadpool-postgres.

use super::file::{File, one, optional, when};
use crate::analyze::sizing::Refused;
use crate::poolconf::{PoolConfig, seconds};

/// All of deadpool's timeouts are off by default, and it closes neither idle nor old connections by itself.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("//");
    let max = settings.pool_size;
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let typed = when(
        !settings.prepared_statements(),
        "// Use query_typed: prepared statements (query, prepare_cached) fail behind this pooler.",
    );
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("    config.options(\"-c statement_timeout={ms}\");")
    });
    let app = settings.app.as_ref().map_or_else(
        || "env::var(\"PGAPPNAME\").unwrap_or_else(|_| \"app\".into())".to_owned(),
        |app| format!("\"{app}\""),
    );
    Ok(one(
        "db.rs",
        format!(
            r#"{header}{typed}
use std::env;
use std::error::Error;
use std::time::Duration;

use deadpool_postgres::{{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime}};
use tokio_postgres::{{Config, NoTls}};

const WAIT: Duration = Duration::from_secs({acquire});
const IDLE: Duration = Duration::from_secs({idle});
const LIFETIME: Duration = Duration::from_secs({lifetime});

/// The pool for DATABASE_URL; connections are opened when they are needed. Use a TLS connector instead of NoTls
/// when the server is not on this machine.
pub fn pool() -> Result<Pool, Box<dyn Error + Send + Sync>> {{
    let mut config: Config = env::var("DATABASE_URL")?.parse()?;
    config.connect_timeout(WAIT);
    config.application_name({app});
{timeout}    let recycling = ManagerConfig {{
        recycling_method: RecyclingMethod::Verified,
    }};
    let pool = Pool::builder(Manager::from_config(config, NoTls, recycling))
        .max_size({max})
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .recycle_timeout(Some(WAIT))
        .build()?;
    Ok(pool)
}}

/// Closes connections that were idle too long or are too old: run it in a task of its own.
pub async fn close_old(pool: Pool) {{
    loop {{
        tokio::time::sleep(IDLE / 2).await;
        pool.retain(|_, metrics| metrics.last_used() < IDLE && metrics.age() < LIFETIME);
    }}
}}
"#
        ),
    ))
}
