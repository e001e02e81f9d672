//! The fence of a database or a role: who may enter, who is in, and changing the former.

use tokio_postgres::error::SqlState;

use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::guard::Access;
use super::rows::{Row, exactly};
use super::session::is_pooled;
use super::{questions, sql};
use crate::model::act::Identity;
use crate::model::closable::{Closable, ClosableKind, RoleAccess};
use crate::model::database::{
    ClosedBy, ClosedDatabase, DatabaseAccess, DatabaseOccupancy, Grant, Holder, Obstacle, ObstacleKind,
    Occupant,
};

/// The first key of the advisory locks of drains; the second is the oid of the database or the role. `pgcn` and `pgcr` in ASCII.
const fn drain_key(kind: ClosableKind) -> &'static str {
    match kind {
        ClosableKind::Database => "1885823854",
        ClosableKind::Role => "1885823858",
    }
}

/// Which database or role is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ClosableKey<'a> {
    /// The one of this name.
    Name(ClosableKind, &'a str),
    /// The one with this oid, whatever its name is now.
    Oid(ClosableKind, u32),
}

/// The database or role that statements are for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExpectedClosable<'a> {
    /// The cluster's number, where it is known.
    pub(crate) system_identifier: Option<&'a str>,
    /// As it is at this moment.
    pub(crate) closable: &'a Closable,
    /// Whether who may enter it must not have changed; else only its oid and its name are compared.
    pub(crate) is_unchanged: bool,
}

/// Whose sessions are meant: all of a database, all of a role, or those of a role in a database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inside {
    /// The database's oid.
    pub(crate) database: Option<u32>,
    /// The role's oid.
    pub(crate) role: Option<u32>,
}

impl Inside {
    /// The condition on a session `s`.
    fn condition(self) -> String {
        let database = self.database.map(|oid| format!("s.datid = {oid}"));
        let role = self.role.map(|oid| format!("s.usesysid = {oid}"));
        database.into_iter().chain(role).collect::<Vec<_>>().join(" and ")
    }

    /// The condition on a lock `l` of a backend on its way in: it holds one on its database. Whose it will be is not told before it
    /// is listed; until then it may be the role's.
    fn starting(self) -> String {
        let database = self.database.map_or_else(|| "true".to_owned(), |oid| format!("l.objid = {oid}"));
        match self.role {
            None => database,
            Some(_) => format!(
                "{database} and not exists (select from pg_stat_get_activity(l.pid) s where s.usesysid is not null)"
            ),
        }
    }
}

impl Db {
    /// Looks at a database or a role; none when there is no such one.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn closable(&self, key: ClosableKey<'_>) -> Result<Option<Closable>, Error> {
        match key {
            ClosableKey::Name(ClosableKind::Database, name) => {
                self.database(&format!("d.datname::text = {}", sql::literal(name))).await
            }
            ClosableKey::Oid(ClosableKind::Database, oid) => self.database(&format!("d.oid = {oid}")).await,
            ClosableKey::Name(ClosableKind::Role, name) => {
                self.role(&format!("r.rolname::text = {}", sql::literal(name))).await
            }
            ClosableKey::Oid(ClosableKind::Role, oid) => self.role(&format!("r.oid = {oid}")).await,
        }
    }

    async fn role(&self, role: &str) -> Result<Option<Closable>, Error> {
        let admin = self.has_admin_option();
        let [rows] = exactly(self.look(&[questions::Role { role, admin }.sql()]).await?)?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Closable::Role(RoleAccess {
            oid: row.required("oid")?,
            name: row.text("name")?.unwrap_or_default(),
            connection_limit: row.required("connection_limit")?,
            superuser: row.claim("superuser")?,
            alterable: row.claim("alterable")?,
        })))
    }

    async fn database(&self, database: &str) -> Result<Option<Closable>, Error> {
        let questions = [questions::Database { database }.sql(), questions::Grants { database }.sql()];
        let [rows, grants] = exactly(self.look(&questions).await?)?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Closable::Database(DatabaseAccess {
            oid: row.required("oid")?,
            name: row.text("name")?.unwrap_or_default(),
            allow_connections: row.claim("allow_connections")?,
            connection_limit: row.required("connection_limit")?,
            owner: row.text("owner")?.unwrap_or_default(),
            default_grants: row.claim("default_grants")?,
            owned: row.claim("owned")?,
            grants: grants.iter().map(grant_of).collect::<Result<_, _>>()?,
            acl: row.text("acl")?.unwrap_or_default(),
        })))
    }

    /// Holds the database or role with this oid for a drain until the session ends. False when another session in the same database
    /// as this one has it already.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn lock_for_drain(&self, kind: ClosableKind, oid: u32) -> Result<bool, Error> {
        let lock = questions::DrainLock { key: drain_key(kind), oid: &oid.to_string() }.sql();
        let rows = self.act(Access::Signal, &[lock]).await?;
        rows.first().map_or(Ok(false), |row| row.claim("held"))
    }

    /// The other sessions that hold the database or role with this oid for a drain.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn drain_holders(&self, kind: ClosableKind, oid: u32) -> Result<Vec<Holder>, Error> {
        let (activity, oid) = (self.activity(), oid.to_string());
        let question = questions::DrainHolders { activity: &activity, key: drain_key(kind), oid: &oid };
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

    /// Who is inside.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn occupants(&self, inside: Inside) -> Result<Vec<Occupant>, Error> {
        let question =
            questions::DatabaseOccupants { activity: &self.activity(), inside: &inside.condition() }.sql();
        let answers = self.look(&[question]).await?;
        answers.iter().flatten().map(occupant_of).collect()
    }

    /// Counts who is inside.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn occupancy(&self, inside: Inside) -> Result<DatabaseOccupancy, Error> {
        let question = questions::DatabaseOccupancy {
            activity: &self.activity(),
            inside: &inside.condition(),
            starting: &inside.starting(),
        }
        .sql();
        let answers = self.look(&[question]).await?;
        let row = answers.iter().flatten().next();
        let row = row.ok_or_else(|| Error::new(ErrorKind::Protocol, "the answer has no counts"))?;
        Ok(DatabaseOccupancy { sessions: row.required("sessions")?, starting: row.required("starting")? })
    }

    /// What stands in the way of who wants the database with this oid for himself.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn obstacles(&self, oid: u32) -> Result<Vec<Obstacle>, Error> {
        let question = questions::Obstacles { activity: &self.activity(), oid: &oid.to_string() }.sql();
        let answers = self.look(&[question]).await?;
        answers.iter().flatten().map(obstacle_of).collect()
    }

    /// The databases that let nobody in.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn closed_databases(&self) -> Result<Vec<ClosedDatabase>, Error> {
        let [rows] = exactly(self.look(&[closed_question()]).await?)?;
        closed_of(&rows)
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
        expected: &ExpectedClosable<'_>,
        statements: &[String],
    ) -> Result<bool, Error> {
        let server = expected.system_identifier.map_or_else(
            || "true".to_owned(),
            |known| {
                format!("(select system_identifier::text from pg_control_system()) = {}", sql::literal(known))
            },
        );
        let (oid, name) = (expected.closable.oid().to_string(), sql::literal(expected.closable.name()));
        let state = |state: String| if expected.is_unchanged { state } else { "true".to_owned() };
        let same = match expected.closable {
            Closable::Database(known) => {
                let state = state(format!(
                    "d.datconnlimit = {} and d.datallowconn = {} and coalesce(d.datacl::text, '') = {}",
                    known.connection_limit,
                    known.allow_connections,
                    sql::literal(&known.acl)
                ));
                questions::SameDatabase { oid: &oid, name: &name, server: &server, state: &state }.sql()
            }
            Closable::Role(known) => {
                let state = state(format!("r.rolconnlimit = {}", known.connection_limit));
                questions::SameRole { oid: &oid, name: &name, server: &server, state: &state }.sql()
            }
        };
        let same = [same];
        match self.act(Access::ReadWrite, &[&same, statements].concat()).await {
            Ok(_) => Ok(true),
            Err(error) if error.sqlstate.as_deref() == Some(SqlState::DIVISION_BY_ZERO.code()) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// That a database `d` lets nobody in. Templates that allow no connections are as they should be.
pub(super) const IS_CLOSED: &str = "d.datconnlimit = -2 or (d.datallowconn and d.datconnlimit = 0) \
    or not (d.datallowconn or d.datistemplate)";

/// Which databases let nobody in.
pub(super) fn closed_question() -> String {
    questions::ClosedDatabases { key: drain_key(ClosableKind::Database), is_closed: IS_CLOSED }.sql()
}

/// The answer to [`closed_question`].
pub(super) fn closed_of(rows: &[Row]) -> Result<Vec<ClosedDatabase>, Error> {
    let closed = |row: &Row| {
        Ok(ClosedDatabase {
            database: row.text("database")?.unwrap_or_default(),
            why: match row.word("why")?.as_deref() {
                Some("invalid") => ClosedBy::Invalid,
                Some("connection_limit") => ClosedBy::ConnectionLimit,
                _ => ClosedBy::AllowConnections,
            },
            held_by: row.number("held_by")?,
        })
    };
    rows.iter().map(closed).collect()
}

fn obstacle_of(row: &Row) -> Result<Obstacle, Error> {
    Ok(Obstacle {
        kind: match row.word("kind")?.as_deref() {
            Some("walsender") => ObstacleKind::Walsender,
            Some("worker") => ObstacleKind::Worker,
            Some("prepared_transaction") => ObstacleKind::PreparedTransaction,
            Some("subscription") => ObstacleKind::Subscription,
            _ => ObstacleKind::ReplicationSlot,
        },
        name: row.text("name")?.unwrap_or_default(),
        pid: row.number("pid")?,
        active: row.claim("active")?,
    })
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
