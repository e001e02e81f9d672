//! Ruby on Rails: database.yml.

use super::file::{File, one, optional, when, yaml_string};
use crate::analyze::sizing::Refused;
use crate::poolconf::{PoolConfig, seconds};

/// `pool` is understood by every version (8.1 calls it `max_connections` and keeps the old name). Each Puma
/// process has its own pool, which should hold a connection for each of its threads.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let header = settings.header("#");
    let max = settings.pool_size;
    let acquire = seconds(settings.acquire_timeout);
    let idle = seconds(settings.idle_timeout);
    let unprepared = when(!settings.prepared_statements(), "  prepared_statements: false");
    // SET after connecting, so only where the session is the server's own.
    let timeout = optional(settings.startup_statement_timeout(), |ms| {
        format!("  variables:\n    statement_timeout: {ms}")
    });
    let app = optional(settings.app.as_ref(), |app| format!("  application_name: {}", yaml_string(app)));
    Ok(one(
        "database.yml",
        format!(
            r#"{header}# Run at most {max} Puma threads per process: RAILS_MAX_THREADS={max}

production:
  adapter: postgresql
  encoding: unicode
  url: <%= ENV.fetch("DATABASE_URL") %>
  pool: {max}
  checkout_timeout: {acquire}
  idle_timeout: {idle}
  reaping_frequency: 60
  connect_timeout: {acquire}
{app}{unprepared}{timeout}"#
        ),
    ))
}
