//! The fence of a database: who may enter, who is in, and changing the former.

use tokio_postgres::error::SqlState;

use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::guard::Access;
use super::rows::{Row, exactly};
use super::session::is_pooled;
use super::{questions, sql};
use crate::model::act::Identity;
use crate::model::database::{DatabaseAccess, DatabaseOccupancy, Grant, Holder, Occupant};

/// The first key of the advisory locks of drains; the second is the database's oid. `pgcn` in ASCII.
const DRAIN_KEY: &str = "1885823854";

/// Which database is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DatabaseKey<'a> {
    /// The one of this name.
    Name(&'a str),
    /// The one with this oid, whatever its name is now.
    Oid(u32),
}

/// The database that statements are for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExpectedDatabase<'a> {
    /// The cluster's number, where it is known.
    pub(crate) system_identifier: Option<&'a str>,
    /// The database's oid.
    pub(crate) oid: u32,
    /// Its name at this moment.
    pub(crate) name: &'a str,
    /// Who may enter it at this moment, where that must not have changed.
    pub(crate) state: Option<&'a DatabaseAccess>,
}

impl Db {
    /// Looks at a database; none when there is no such one.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn database(&self, key: DatabaseKey<'_>) -> Result<Option<DatabaseAccess>, Error> {
        let condition = match key {
            DatabaseKey::Name(name) => format!("d.datname::text = {}", sql::literal(name)),
            DatabaseKey::Oid(oid) => format!("d.oid = {oid}"),
        };
        let database = condition.as_str();
        let questions = [questions::Database { database }.sql(), questions::Grants { database }.sql()];
        let [rows, grants] = exactly(self.look(&questions).await?)?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(DatabaseAccess {
            oid: row.required("oid")?,
            name: row.text("name")?.unwrap_or_default(),
            allow_connections: row.claim("allow_connections")?,
            connection_limit: row.required("connection_limit")?,
            owner: row.text("owner")?.unwrap_or_default(),
            default_grants: row.claim("default_grants")?,
            owned: row.claim("owned")?,
            grants: grants.iter().map(grant_of).collect::<Result<_, _>>()?,
            acl: row.text("acl")?.unwrap_or_default(),
        }))
    }

    /// Holds the database with this oid for a drain until the session ends. False when another session in the same database as
    /// this one has it already.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn lock_for_drain(&self, oid: u32) -> Result<bool, Error> {
        let lock = questions::DrainLock { key: DRAIN_KEY, oid: &oid.to_string() }.sql();
        let rows = self.act(Access::Signal, &[lock]).await?;
        rows.first().map_or(Ok(false), |row| row.claim("held"))
    }

    /// The other sessions that hold the database with this oid for a drain.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn drain_holders(&self, oid: u32) -> Result<Vec<Holder>, Error> {
        let (activity, oid) = (self.activity(), oid.to_string());
        let question = questions::DrainHolders { activity: &activity, key: DRAIN_KEY, oid: &oid };
        let answers = self.look(&[question.sql()]).await?;
        let holder = |row: &Row| {
            Ok(Holder {
                pid: row.required("pid")?,
                role: row.text("role")?,
                application_name: row.text("application_name")?.unwrap_or_default(),
                client: row.word("client")?,
            })
        };
        answers.iter().flatten().map(holder).collect()
    }

    /// Who is inside the database with this oid.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn occupants(&self, oid: u32) -> Result<Vec<Occupant>, Error> {
        let question =
            questions::DatabaseOccupants { activity: &self.activity(), oid: &oid.to_string() }.sql();
        let answers = self.look(&[question]).await?;
        answers.iter().flatten().map(occupant_of).collect()
    }

    /// Counts who is in the database with this oid.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn occupancy(&self, oid: u32) -> Result<DatabaseOccupancy, Error> {
        let question =
            questions::DatabaseOccupancy { activity: &self.activity(), oid: &oid.to_string() }.sql();
        let answers = self.look(&[question]).await?;
        let row = answers.iter().flatten().next();
        let row = row.ok_or_else(|| Error::new(ErrorKind::Protocol, "the answer has no counts"))?;
        Ok(DatabaseOccupancy { sessions: row.required("sessions")?, starting: row.required("starting")? })
    }

    /// Who this session is; none behind a pooler, where it is another one for each transaction.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn own_session(&self) -> Result<Option<Identity>, Error> {
        let answers = self.look(&[questions::Own.sql()]).await?;
        let row = answers.iter().flatten().next();
        let row = row.ok_or_else(|| Error::new(ErrorKind::Protocol, "the answer has no session"))?;
        let pid = row.required("pid")?;
        let backend_start = row.word("backend_start")?.filter(|_| !is_pooled(self.login_info.pid(), pid));
        Ok(backend_start.map(|backend_start| Identity {
            pid,
            backend_start,
            query_start: None,
            still_in: None,
        }))
    }

    /// The number of this cluster, the same after every restart; none where this role may not read it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn system_identifier(&self) -> Result<Option<String>, Error> {
        match self.look(&[questions::SystemIdentifier.sql()]).await {
            Ok(answers) => {
                answers.iter().flatten().next().map_or(Ok(None), |row| row.word("system_identifier"))
            }
            Err(error) if error.kind == ErrorKind::PermissionDenied => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs the statements of a fence, all or none of them: none where `expected` is not what is reached, of which it returns false.
    ///
    /// # Errors
    /// When the server refuses, or does not answer: then it is not known whether they took effect.
    pub(crate) async fn change_fence(
        &self,
        expected: &ExpectedDatabase<'_>,
        statements: &[String],
    ) -> Result<bool, Error> {
        let server = expected.system_identifier.map_or_else(
            || "true".to_owned(),
            |known| {
                format!("(select system_identifier::text from pg_control_system()) = {}", sql::literal(known))
            },
        );
        let state = expected.state.map_or_else(
            || "true".to_owned(),
            |known| {
                format!(
                    "d.datconnlimit = {} and d.datallowconn = {} and coalesce(d.datacl::text, '') = {}",
                    known.connection_limit,
                    known.allow_connections,
                    sql::literal(&known.acl)
                )
            },
        );
        let (oid, name) = (expected.oid.to_string(), sql::literal(expected.name));
        let same = [questions::SameDatabase { oid: &oid, name: &name, server: &server, state: &state }.sql()];
        match self.act(Access::ReadWrite, &[&same, statements].concat()).await {
            Ok(_) => Ok(true),
            Err(error) if error.sqlstate.as_deref() == Some(SqlState::DIVISION_BY_ZERO.code()) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn grant_of(row: &Row) -> Result<Grant, Error> {
    Ok(Grant {
        grantee: row.text("grantee")?,
        to_owner: row.claim("to_owner")?,
        by_owner: row.claim("by_owner")?,
        privilege: row.word("privilege_type")?.unwrap_or_default(),
        grantable: row.claim("is_grantable")?,
    })
}

fn occupant_of(row: &Row) -> Result<Occupant, Error> {
    Ok(Occupant {
        pid: row.required("pid")?,
        session_id: row.word("session_id")?,
        backend_start: row.word("backend_start")?,
        backend_type: row.word("backend_type")?,
        role: row.text("role")?,
        application_name: row.text("application_name")?.unwrap_or_default(),
        client: row.word("client")?,
        state: row.word("state")?,
        may_be_client: row.claim("may_be_client")?,
    })
}
