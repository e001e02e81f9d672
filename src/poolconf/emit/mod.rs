//! Writes configuration for pool libraries and poolers, one file per target.
//!
//! Rules for every target: credentials come from the environment; both ends of the pool are set where a lone
//! maximum is illegal or surprising; no size is ever 0 (which means ten, one, or no limit, by library); waiting for
//! a connection is bounded; prepared statements fit what is connected to.

mod asyncpg;
mod compose;
mod database_sql;
mod deadpool;
mod django;
mod ecto;
mod file;
mod hikaricp;
mod knex;
mod node_pg;
mod npgsql;
mod pgbouncer;
mod pgxpool;
mod postgres_js;
mod prisma;
mod prisma7;
mod psycopg_pool;
mod rails;
mod sqlalchemy;
mod sqlx;

use std::time::Duration;

use super::PoolConfig;
use crate::analyze::sizing::Refused;
pub(crate) use file::File;

/// A library or pooler that configuration can be written for.
#[derive(Debug)]
pub(crate) struct EmitTarget {
    /// The word for `--emit`.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    /// Whether there are helpers for it.
    pub(crate) helpers: bool,
    write: fn(&PoolConfig) -> Result<Vec<File>, Refused>,
}

const fn target(
    name: &'static str,
    what: &'static str,
    write: fn(&PoolConfig) -> Result<Vec<File>, Refused>,
) -> EmitTarget {
    EmitTarget { name, what, helpers: false, write }
}

const fn helped(
    name: &'static str,
    what: &'static str,
    write: fn(&PoolConfig) -> Result<Vec<File>, Refused>,
) -> EmitTarget {
    EmitTarget { name, what, helpers: true, write }
}

/// Every target.
pub(crate) const ALL: [EmitTarget; 19] = [
    helped("node-pg", "Node.js, pg (JavaScript module)", node_pg::write),
    target("prisma", "Prisma up to 6 (.env)", prisma::write),
    target("prisma7", "Prisma 7 with @prisma/adapter-pg (TypeScript module)", prisma7::write),
    helped("sqlalchemy", "Python, SQLAlchemy 2 with psycopg 3", sqlalchemy::write),
    target("django", "Django 5.1 or later with psycopg 3 and its pool", django::write),
    helped("psycopg-pool", "Python, psycopg_pool", psycopg_pool::write),
    helped("asyncpg", "Python, asyncpg", asyncpg::write),
    target("hikaricp", "Java, HikariCP in Spring Boot (application.yml)", hikaricp::write),
    helped("pgxpool", "Go, pgx 5 pgxpool", pgxpool::write),
    target("database-sql", "Go, database/sql with pgx 5", database_sql::write),
    helped("sqlx", "Rust, sqlx", sqlx::write),
    target("deadpool", "Rust, deadpool-postgres", deadpool::write),
    target("npgsql", ".NET, Npgsql", npgsql::write),
    target("rails", "Ruby on Rails (database.yml)", rails::write),
    target("ecto", "Elixir, Ecto (runtime.exs)", ecto::write),
    target("knex", "Node.js, Knex (knexfile)", knex::write),
    target("postgres-js", "Node.js, postgres.js (Drizzle)", postgres_js::write),
    target("pgbouncer", "PgBouncer (pgbouncer.ini, and a script that writes userlist.txt)", pgbouncer::write),
    target("pgbouncer-compose", "PostgreSQL and PgBouncer with Docker Compose", compose::write),
];

/// The target of this name.
pub(crate) fn find(name: &str) -> Option<&'static EmitTarget> {
    ALL.iter().find(|target| target.name == name)
}

/// The shortest and longest time a pool library can be told: 24 days fit in milliseconds of 31 bits.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 86_400);

/// Writes the files for `target`, the main one first. Errors when the target cannot do what the settings ask for.
pub(crate) fn emit(target: &EmitTarget, settings: &PoolConfig) -> Result<Vec<File>, Refused> {
    for (flag, duration) in [
        ("--statement-timeout", settings.statement_timeout.unwrap_or(SHORTEST)),
        ("--idle-timeout", settings.idle_timeout),
        ("--max-lifetime", settings.max_lifetime),
        ("--acquire-timeout", settings.acquire_timeout),
    ] {
        if duration < SHORTEST || duration > LONGEST {
            return Err(Refused::new(
                format!("{flag} is outside what pool libraries can be told"),
                "durations go from 1ms to 24d; leave the flag out for the default",
            ));
        }
    }
    if settings.idle_timeout >= settings.max_lifetime {
        return Err(Refused::new(
            "a connection would be replaced before it could be idle so long",
            "make --idle-timeout shorter than --max-lifetime",
        ));
    }
    let provider = settings.provider.filter(|provider| provider.where_to_connect(settings.mode).is_none());
    if let Some(provider) = provider {
        return Err(Refused::new(
            format!("{} has no pooler in {} mode", provider.name, settings.mode.word()),
            "use --mode transaction or --mode direct",
        ));
    }
    (target.write)(settings)
}

#[cfg(test)]
mod tests;
