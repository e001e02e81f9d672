//! Docker Compose: PostgreSQL behind PgBouncer, with the `edoburu/pgbouncer` image.

use super::file::{File, one, when};
use super::pgbouncer::{pool_mode, prepared_key, sizes};
use crate::analyze::sizing::Refused;
use crate::poolconf::{PoolConfig, PoolerSizes, seconds};

/// The image's own default `AUTH_TYPE` is md5, with which it cannot log in to a server that stores SCRAM; it
/// listens on 5432 inside. Each variable is the PgBouncer setting of that name in capitals.
pub(super) fn write(settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    let PoolerSizes { default_pool_size, reserve_pool_size, max_client_conn, max_db_connections } =
        sizes(settings)?;
    let header = settings.header("#");
    let max_connections = settings.max_connections;
    let mode = pool_mode(settings);
    let reserve = when(reserve_pool_size > 0, &format!("      RESERVE_POOL_SIZE: \"{reserve_pool_size}\""));
    let prepared = when(prepared_key(settings), "      MAX_PREPARED_STATEMENTS: \"200\"");
    let idle = seconds(settings.idle_timeout);
    let lifetime = seconds(settings.max_lifetime);
    let wait = seconds(settings.acquire_timeout);
    Ok(one(
        "compose.yaml",
        format!(
            r#"{header}
services:
  db:
    image: postgres:${{POSTGRES_TAG:-17}}
    command: ["postgres", "-c", "max_connections={max_connections}"]
    environment:
      POSTGRES_DB: ${{DB_NAME:?is not set}}
      POSTGRES_USER: ${{DB_USER:?is not set}}
      POSTGRES_PASSWORD: ${{DB_PASSWORD:?is not set}}
    volumes:
      - db:/var/lib/postgresql/data
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U \"$$POSTGRES_USER\" -d \"$$POSTGRES_DB\""]
      interval: 5s
      timeout: 3s
      retries: 12

  pgbouncer:
    image: edoburu/pgbouncer:${{PGBOUNCER_TAG:-latest}}
    environment:
      DB_HOST: db
      DB_NAME: ${{DB_NAME:?is not set}}
      DB_USER: ${{DB_USER:?is not set}}
      DB_PASSWORD: ${{DB_PASSWORD:?is not set}}
      # The image's default, md5, cannot log in to a server that stores SCRAM secrets.
      AUTH_TYPE: scram-sha-256
      POOL_MODE: {mode}
      DEFAULT_POOL_SIZE: "{default_pool_size}"
      MIN_POOL_SIZE: "1"
{reserve}      MAX_CLIENT_CONN: "{max_client_conn}"
      MAX_DB_CONNECTIONS: "{max_db_connections}"
      SERVER_IDLE_TIMEOUT: "{idle}"
      SERVER_LIFETIME: "{lifetime}"
      QUERY_WAIT_TIMEOUT: "{wait}"
      IGNORE_STARTUP_PARAMETERS: extra_float_digits
{prepared}    ports:
      # The image listens on 5432 inside.
      - "127.0.0.1:6432:5432"
    depends_on:
      db:
        condition: service_healthy

volumes:
  db:
"#
        ),
    ))
}
