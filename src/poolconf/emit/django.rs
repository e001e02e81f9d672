//! Django: `DATABASES` with psycopg's pool.

use super::file::{File, one, optional, when};
use crate::analyze::sizing::Refused;
use crate::poolconf::{Mode, PoolConfig, seconds};

/// `pool: True` alone would mean exactly four connections, and a pool refuses a `CONN_MAX_AGE` other than 0.
/// Django prepares no statements by itself; server-side cursors do not survive a transaction pooler.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("#");
    let (max, min) = (settings.pool_size, settings.min_idle);
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let cursors = when(settings.mode == Mode::Transaction, "        \"DISABLE_SERVER_SIDE_CURSORS\": True,");
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("            \"options\": \"-c statement_timeout={ms}\",")
    });
    let app = optional(settings.app.as_ref(), |app| format!("            \"application_name\": \"{app}\","));
    Ok(one(
        "databases.py",
        format!(
            r#"{header}# In settings.py: from .databases import DATABASES

import os

DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],
        "USER": os.environ["PGUSER"],
        "PASSWORD": os.environ["PGPASSWORD"],
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ.get("PGPORT", "5432"),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
{cursors}        "OPTIONS": {{
            "connect_timeout": {acquire},
{app}{timeout}            "pool": {{
                "min_size": {min},
                "max_size": {max},
                "timeout": {acquire},
                "max_idle": {idle},
                "max_lifetime": {lifetime},
            }},
        }},
    }},
}}
"#
        ),
    ))
}
