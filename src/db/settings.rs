//! Settings that limit time: what is set where, what a change of them meets, and the change itself.

use std::time::Duration;

use super::connection::{Db, GRACE};
use super::error::{Error, ErrorKind};
use super::guard::Access;
use super::rows::{Row, Rows, exactly};
use super::server_context::{server_context_of, server_context_question};
use super::session::Entitlement;
use super::{questions, sql};
use crate::model::order;
use crate::model::server::{LoginRole, ServerContext};
use crate::model::settings::{
    AtServer, ChangeContext, ChangedDatabase, ChangedRole, InFile, Level, Scope, ServerSettings,
    SessionGroup, Setting, Stored,
};

/// How often to look whether the server has read its configuration.
const PAUSE: Duration = Duration::from_millis(20);

/// A moment on the server's clock, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Moment(f64);

impl Db {
    /// What is set where of `which`, and the roles that can log in.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn settings(
        &self,
        which: &[Setting],
    ) -> Result<(ServerContext, ServerSettings, Vec<LoginRole>), Error> {
        let [first, overrides, login_roles] = settings_questions(which);
        let questions = [server_context_question(), overrides, login_roles];
        let [at_server, server_context, stored, roles] =
            exactly(self.look_first(Entitlement::Facts, &[first], &questions).await?)?;
        Ok((
            server_context_of(&server_context)?,
            settings_of(&at_server, &stored)?,
            roles.iter().map(login_role_of).collect::<Result<_, _>>()?,
        ))
    }

    /// What a change of `which` at `scope` meets: the role, the database, this role's rights, and the client sessions.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn change_context(
        &self,
        scope: &Scope,
        which: &[Setting],
    ) -> Result<(ChangeContext, Vec<SessionGroup>), Error> {
        let name = |name: Option<&str>| name.map_or_else(|| "null".to_owned(), sql::literal);
        let on_each = |privilege: &str, which: &[Setting]| {
            let each = which
                .iter()
                .map(|setting| format!("has_parameter_privilege('{}', '{privilege}')", setting.name()));
            each.collect::<Vec<_>>().join(" and ")
        };
        let guarded: Vec<Setting> =
            which.iter().copied().filter(|setting| *setting == Setting::Deadlock).collect();
        let knows_parameters = self.version_num >= 150_000;
        let may_set = match (guarded.is_empty(), knows_parameters) {
            (true, _) => "true".to_owned(),
            (false, true) => on_each("SET", &guarded),
            (false, false) => "false".to_owned(),
        };
        let may_alter_system =
            if knows_parameters { on_each("ALTER SYSTEM", which) } else { "false".to_owned() };
        let question = questions::ChangeContext {
            role: &name(scope.role()),
            database: &name(scope.database()),
            admin: self.has_admin_option(),
            may_set: &format!("({may_set})"),
            may_alter_system: &format!("({may_alter_system})"),
        }
        .sql();
        let sessions =
            questions::SessionGroups { activity: &self.activity(), before: "clock_timestamp()" }.sql();
        let [change_context, sessions] = exactly(self.look(&[question, sessions]).await?)?;
        Ok((change_context_of(&change_context)?, session_groups_of(&sessions)?))
    }

    /// Whether who asks may alter the role `r`, where CREATEROLE alone is not enough for that (16 and later).
    pub(super) const fn has_admin_option(&self) -> &'static str {
        if self.version_num >= 160_000 { "pg_has_role(r.oid, 'USAGE WITH ADMIN OPTION')" } else { "true" }
    }

    /// What ALTER SYSTEM has stored for each of `which`, in their order. Needs [`ChangeContext::sees_files`].
    ///
    /// # Errors
    /// When the server does not answer or this role may not ask.
    pub(crate) async fn written_by_alter_system(&self, which: &[Setting]) -> Result<Vec<InFile>, Error> {
        let question = questions::FileSettings { names: &names(which) }.sql();
        let [rows] = exactly(self.look(&[question]).await?)?;
        let mut found = vec![InFile::Absent; which.len()];
        for row in rows {
            let name = row.word("name")?;
            for (setting, slot) in which.iter().zip(&mut found) {
                if name.as_deref() == Some(setting.name()) {
                    *slot = InFile::Literal(row.text("literal")?.unwrap_or_default());
                }
            }
        }
        Ok(found)
    }

    /// The client sessions that began before `moment`, or may have.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn sessions_older_than(&self, moment: Moment) -> Result<Vec<SessionGroup>, Error> {
        let before = format!("to_timestamp({})", moment.0);
        let question = questions::SessionGroups { activity: &self.activity(), before: &before }.sql();
        let [rows] = exactly(self.look(&[question]).await?)?;
        session_groups_of(&rows)
    }

    /// Executes statements that alter roles and databases, all or none; returns the moment at which they count.
    ///
    /// # Errors
    /// When the server refuses one: then nothing has changed. When the connection is lost: then it may have.
    pub(crate) async fn alter(&self, statements: &[String]) -> Result<Moment, Error> {
        let guards = self.guards(false);
        let mut message = guards.transaction(Access::ReadWrite, &[], statements);
        let clock = "select extract(epoch from clock_timestamp()) as clock".to_owned();
        message.extend(guards.transaction(Access::ReadOnly, &[], &[clock]));
        let mut answers = Vec::new();
        self.ask_all(&message, &mut answers).await?;
        let [rows] = exactly(answers)?;
        Ok(Moment(one(&rows)?.required("clock")?))
    }

    /// Executes one ALTER SYSTEM, has the server read its configuration, and waits until this session has seen that. `pooled`
    /// says that the session is somebody else's, too.
    ///
    /// # Errors
    /// When the server refuses or does not get there in time.
    pub(crate) async fn alter_system(&self, statement: &str, pooled: bool) -> Result<Moment, Error> {
        // ALTER SYSTEM can stand in no transaction block, so no guards can travel with it. It resolves no name and writes no table.
        if !pooled {
            for statement in self.guards(false).for_the_session() {
                self.ask(&statement).await?;
            }
        }
        self.ask(statement).await?;
        let before = self.config_loaded().await?.1;
        self.act(Access::Signal, &["select pg_reload_conf()".to_owned()]).await?;
        let seen = async {
            loop {
                let (loaded, clock) = self.config_loaded().await?;
                if loaded >= before {
                    return Ok(clock);
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(self.timeout + GRACE, seen).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::StatementTimeout, "the server has not read its configuration in time").hinted(
                "ALTER SYSTEM is done and counts from the next reload; an error in the server's files stops that: SELECT * FROM pg_file_settings WHERE error IS NOT NULL",
            ))
        })
    }

    /// When this session read the configuration, and what time it is.
    async fn config_loaded(&self) -> Result<(Moment, Moment), Error> {
        let [rows] = exactly(self.look(&[questions::ConfigLoaded.sql()]).await?)?;
        let row = one(&rows)?;
        Ok((Moment(row.required("loaded")?), Moment(row.required("clock")?)))
    }
}

/// What the server has of `which`, to be asked before any SET; what is stored for roles and databases; who can log in.
pub(super) fn settings_questions(which: &[Setting]) -> [String; 3] {
    let names = names(which);
    [
        questions::Settings { names: &names }.sql(),
        questions::Overrides { names: &names }.sql(),
        questions::LoginRoles.sql(),
    ]
}

/// The answers to the first two of [`settings_questions`].
pub(super) fn settings_of(at_server: &Rows, stored: &Rows) -> Result<ServerSettings, Error> {
    let mut server =
        at_server.iter().filter_map(|row| at_server_of(row).transpose()).collect::<Result<Vec<_>, _>>()?;
    order::sort_by_key(&mut server, |server| {
        Setting::ALL.iter().position(|setting| *setting == server.setting)
    });
    let stored = stored.iter().filter_map(|row| stored_of(row).transpose()).collect::<Result<_, _>>()?;
    Ok(ServerSettings { server, stored })
}

/// A row of `login_roles.sql`.
pub(super) fn login_role_of(row: &Row) -> Result<LoginRole, Error> {
    Ok(LoginRole {
        name: row.text("name")?.unwrap_or_default(),
        superuser: row.claim("superuser")?,
        sees_all: row.claim("sees_all")?,
        reserved: row.claim("reserved")?,
    })
}

/// The names as a list of SQL literals.
fn names(which: &[Setting]) -> String {
    which.iter().map(|setting| sql::literal(setting.name())).collect::<Vec<_>>().join(", ")
}

fn one(rows: &Rows) -> Result<&Row, Error> {
    rows.first().ok_or_else(|| Error::new(ErrorKind::Protocol, "the answer has no row"))
}

fn at_server_of(row: &Row) -> Result<Option<AtServer>, Error> {
    let Some(setting) = row.word("name")?.as_deref().and_then(Setting::named) else {
        return Ok(None);
    };
    let source = row.word("source")?.unwrap_or_default();
    // Any other source is this session's own and hides what the server has.
    let at_server = matches!(
        source.as_str(),
        "default" | "configuration file" | "command line" | "environment variable" | "override"
    );
    Ok(Some(AtServer {
        setting,
        value: if at_server { row.number("reset_val")? } else { None },
        level: if source == "default" { Level::Default } else { Level::Server },
        command_line: source == "command line",
        least: row.required("min_val")?,
        most: row.required("max_val")?,
    }))
}

fn stored_of(row: &Row) -> Result<Option<Stored>, Error> {
    let Some(setting) = row.word("name")?.as_deref().and_then(Setting::named) else {
        return Ok(None);
    };
    Ok(Some(Stored {
        setting,
        role: row.text("role")?,
        database: row.text("database")?,
        raw: row.text("raw")?.unwrap_or_default(),
        literal: row.text("literal")?.unwrap_or_default(),
    }))
}

fn change_context_of(rows: &Rows) -> Result<ChangeContext, Error> {
    let row = one(rows)?;
    let role = match row.text("role_identifier")? {
        None => None,
        Some(identifier) => Some(ChangedRole {
            identifier,
            superuser: row.claim("role_superuser")?,
            replication: row.claim("role_replication")?,
            can_login: row.claim("role_can_login")?,
            own: row.claim("role_own")?,
            admin: row.claim("role_admin")?,
            owns_objects: row.claim("role_owns_objects")?,
        }),
    };
    let database = match row.text("database_identifier")? {
        None => None,
        Some(identifier) => Some(ChangedDatabase {
            identifier,
            owner: row.text("database_owner")?.unwrap_or_default(),
            owned: row.claim("database_owned")?,
        }),
    };
    Ok(ChangeContext {
        role,
        database,
        may_set: row.claim("may_set")?,
        may_alter_system: row.claim("may_alter_system")?,
        may_reload: row.claim("may_reload")?,
        sees_files: row.claim("sees_files")?,
        service: row.word("service")?,
    })
}

fn session_groups_of(rows: &Rows) -> Result<Vec<SessionGroup>, Error> {
    let group = |row: &Row| {
        Ok(SessionGroup {
            database: row.text("database")?,
            role: row.text("role")?,
            application_name: row.text("application_name")?.unwrap_or_default(),
            count: row.required("n")?,
        })
    };
    rows.iter().map(group).collect()
}
