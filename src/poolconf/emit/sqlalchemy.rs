//! SQLAlchemy: an engine with its queue pool.

use super::file::{File, one, optional, when, with_helpers};
use crate::analyze::sizing::Refused;
use crate::poolconf::{PoolConfig, seconds};

/// The pool's maximum is `pool_size + max_overflow`; two thirds stay open, one third is overflow. `pool_size` 0
/// would mean no limit, so it is at least 1.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("#");
    let kept = (settings.pool_size * 2).div_ceil(3);
    let overflow = settings.pool_size - kept;
    let acquire = seconds(settings.acquire_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("        \"options\": \"-c statement_timeout={ms}\",")
    });
    let app = optional(settings.app.as_ref(), |app| format!("        \"application_name\": \"{app}\","));
    let unprepared = when(!settings.prepared_statements(), "        \"prepare_threshold\": None,");
    let imports = "import os\n\nfrom sqlalchemy import create_engine, make_url\n";
    let (imports, helpers) = with_helpers(settings, imports, include_str!("helpers/sqlalchemy.py"));
    let class = when(settings.helpers, "    poolclass=CountingPool,");
    Ok(one(
        "engine.py",
        format!(
            r#"{header}
{imports}
engine = create_engine(
    make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg"),
{class}    # At most pool_size + max_overflow connections.
    pool_size={kept},
    max_overflow={overflow},
    pool_timeout={acquire},
    pool_recycle={lifetime},
    pool_pre_ping=True,
    pool_use_lifo=True,
    connect_args={{
        "connect_timeout": {acquire},
        "keepalives_idle": 60,
{app}{unprepared}{timeout}    }},
)
{helpers}"#
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poolconf::tests::settings;

    #[test]
    fn pool_and_overflow_add_up() {
        for (id, size, kept, overflow) in
            [("O1", 15, 10, 5), ("O2", 9, 6, 3), ("O2", 3, 2, 1), ("O2", 2, 2, 0), ("O2", 1, 1, 0)]
        {
            let text = write(&PoolConfig { pool_size: size, ..settings() }).unwrap().remove(0).text;
            assert!(
                text.contains(&format!("pool_size={kept},\n    max_overflow={overflow},")),
                "{id}: {text}"
            );
        }
    }
}
