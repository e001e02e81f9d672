//! A server's refusal to let us in, as a value: which limit is exhausted and whose, and what helps at that
//! moment. Decided by SQLSTATE and by the server's routine, which no translation touches; by text only for
//! poolers, whose own errors all carry 08P01, and within 57P03.

use super::error::{Error, ErrorKind, LimitScope, beginning};
use super::pooler_words::{self, speaker, supavisor_code};
use crate::model::quote::shown;
use crate::model::suggestion::{Command, Hint};
use tokio_postgres::error::DbError;

/// Who asked for what: the words that hints need.
pub(super) struct LoginWords<'a> {
    pub(super) user: &'a str,
    pub(super) dbname: &'a str,
    /// Where the password came from, when one was sent.
    pub(super) password_source: Option<String>,
    /// Whether a password was asked for.
    pub(super) password_was_asked: bool,
}

/// The refusal that `error` is.
pub(super) fn classify(error: &DbError, login: &LoginWords<'_>) -> Error {
    // No password of ours was refused where none was asked for: it is the pooler's own.
    let is_the_poolers = error.code().code() == "28P01" && is_passed_on(error) && !login.password_was_asked;
    let kind = if is_the_poolers { ErrorKind::PoolerLogin } else { kind(error) };
    let mut refusal = Error::new(kind, beginning(error.message()));
    refusal.sqlstate = Some(error.code().code().to_owned());
    refusal.detail = error.detail().map(beginning);
    refusal.hint =
        hint(kind, error, &refusal.message, login).or_else(|| Some(beginning(error.hint()?).into()));
    name_speaker(&mut refusal);
    refusal
}

/// Says which pooler it was that spoke, where its words tell: their readers take them for the server's.
fn name_speaker(refusal: &mut Error) {
    if let Some(pooler) = speaker(&refusal.message) {
        refusal.detail.get_or_insert_with(|| format!("{pooler} says so, a pooler in front of PostgreSQL"));
    }
}

fn kind(error: &DbError) -> ErrorKind {
    let message = error.message();
    match error.code().code() {
        "08006" | "08000" | "58000" | "XX000" if speaker(message).is_some() => pooler_words::kind(message),
        "08004" if message == "only TLS connections are allowed" => ErrorKind::Tls,
        "53300" => ErrorKind::TooManyConnections(scope(error)),
        "57P03" if message.contains("shutting down") => ErrorKind::ShuttingDown,
        "57P03" if message.contains("recovery mode") || message.contains("not accepting connections") => {
            ErrorKind::Recovering
        }
        "57P03" => ErrorKind::StartingUp,
        "57P01" | "57P02" => ErrorKind::ShuttingDown,
        "28000" if is_missing_role(error) => ErrorKind::NoSuchRole,
        "28000" | "28P01" => ErrorKind::AuthFailed,
        "3D000" | "55000" => ErrorKind::NoSuchDatabase,
        "42501" => ErrorKind::PermissionDenied,
        "08P01" => pooler_words::kind(message),
        _ => ErrorKind::Server,
    }
}

/// What a pooler's own word in place of an answer means, when it is one; the login was done then.
pub(super) fn of_pooler(error: &DbError) -> Option<Error> {
    let kind = kind(error);
    let is_its_own = error.code().code() == "08P01" || speaker(error.message()).is_some();
    if !is_its_own || kind == ErrorKind::Server {
        return None;
    }
    let mut refusal = Error::new(kind, beginning(error.message()));
    refusal.sqlstate = Some(error.code().code().to_owned());
    refusal.hint = Some(pooler_words::hint(error.message()));
    name_speaker(&mut refusal);
    Some(refusal)
}

/// Whose limit a 53300 is about. The routines are the server's function names since version 9.6 or longer.
fn scope(error: &DbError) -> LimitScope {
    let message = error.message();
    match error.routine() {
        Some("InitProcess" | "InitAuxiliaryProcess" | "InitWalSenderSlot" | "InitWalSender") => {
            LimitScope::Server
        }
        Some("InitializeSessionUserId" | "InitializeSessionUserIdStandalone") => LimitScope::Role,
        Some("CheckMyDatabase") => LimitScope::Database,
        Some("InitPostgres") => LimitScope::Reserved,
        None if message.starts_with("Sorry, ") => LimitScope::Pooler,
        _ if message.contains("remaining connection slots are reserved") => LimitScope::Reserved,
        _ if message.contains("for role") => LimitScope::Role,
        _ if message.contains("for database") => LimitScope::Database,
        // Odyssey passes on what the server says, too, with its own name in front.
        _ if message.contains("sorry, too many clients") || speaker(message).is_none() => LimitScope::Server,
        _ => LimitScope::Pooler,
    }
}

/// Whether a pooler says it in the server's words: without its SQLSTATE, or, as PgBouncer from 1.20 on, without the routine.
fn is_passed_on(error: &DbError) -> bool {
    error.code().code() == "08P01" || error.routine().is_none()
}

fn is_missing_role(error: &DbError) -> bool {
    // A pooler that passes the refusal on leaves the routine out.
    let is_of_roles = error.routine().is_none_or(|routine| routine == "InitializeSessionUserId");
    is_of_roles && error.message().starts_with("role ") && error.message().contains("does not exist")
}

/// Whom a refusal is about that a pooler passes on and that names nobody.
const POOLERS: &str = "the role that the pooler logs in with";

/// What helps at that moment; `message` is as much of the refusal's as is worked on.
fn hint(kind: ErrorKind, error: &DbError, message: &str, login: &LoginWords<'_>) -> Option<Hint> {
    // An entry of a pooler's may have a role and a database of its own, which the server's words name.
    let passed_on = Some(message).filter(|_| is_passed_on(error));
    let named = |what: &str| passed_on.and_then(|message| pooler_words::named(message, what));
    let (role, database) = (named("role").unwrap_or(login.user), named("database").unwrap_or(login.dbname));
    let (user, dbname) = (shown(role), shown(database));
    // Of some refusals the words name no role, and whose it is the pooler alone knows.
    let is_the_poolers = passed_on.is_some() && named("role").is_none();
    let text = match kind {
        ErrorKind::TooManyConnections(LimitScope::Server) => {
            "every slot is taken; wait for one with --connect-wait 30s, or log in as a superuser or a role with REPLICATION".to_owned()
        }
        ErrorKind::TooManyConnections(LimitScope::Reserved) => {
            let (left, first) = match error.message() {
                text if text.contains("SUPERUSER") => ("the slots of superusers", "raise reserved_connections and "),
                text if text.contains("pg_use_reserved_connections") => ("reserved slots", ""),
                _ => ("reserved slots", "(PostgreSQL 16 and later) set reserved_connections and "),
            };
            // Of a role that does not inherit, membership alone is of no use.
            let grant = if is_the_poolers {
                format!("GRANT pg_use_reserved_connections (WITH INHERIT TRUE) to {POOLERS}")
            } else {
                format!("GRANT pg_use_reserved_connections TO {user} WITH INHERIT TRUE")
            };
            format!("only {left} are left; wait with --connect-wait 30s, or log in as a superuser; for next time {first}{grant}")
        }
        ErrorKind::TooManyConnections(LimitScope::Role) => {
            let see = Command::pgconn("ls").only("--role", role);
            let hint = Hint::from("the role's own CONNECTION LIMIT is reached; a superuser can see who holds the connections with ");
            return Some(hint.call(see).then(format!(" and raise it with ALTER ROLE {user} CONNECTION LIMIT n")));
        }
        ErrorKind::TooManyConnections(LimitScope::Database) => {
            let see = Command::pgconn("ls").only("--db", database);
            let hint = Hint::from("the database's own CONNECTION LIMIT is reached; connect to another database (-d postgres), see who holds the connections with ");
            return Some(hint.call(see).then(format!(", or raise it with ALTER DATABASE {dbname} CONNECTION LIMIT n")));
        }
        ErrorKind::TooManyConnections(LimitScope::Pooler) => return Some(pooler_words::hint(error.message())),
        ErrorKind::StartingUp | ErrorKind::Recovering if error.message().contains("not accepting connections") => {
            "it is a standby with hot_standby off, which never accepts connections; connect to the primary".to_owned()
        }
        ErrorKind::StartingUp | ErrorKind::Recovering => "wait until it is up with --connect-wait 1m".to_owned(),
        ErrorKind::ShuttingDown => "wait until it is up again with --connect-wait 1m".to_owned(),
        // The server has a hint for this one only, in whatever language it speaks; a pooler leaves it out.
        ErrorKind::NoSuchDatabase
            if error.code().code() == "55000" && error.hint().is_some()
                || passed_on.is_some_and(|message| message.starts_with("cannot connect to invalid database")) =>
        {
            format!("a DROP DATABASE of it was interrupted: only DROP DATABASE {dbname} can remove it; connect to another database (-d postgres) to do so")
        }
        ErrorKind::NoSuchDatabase
            if error.code().code() == "55000"
                || passed_on.is_some_and(|message| message.ends_with("is not currently accepting connections")) =>
        {
            format!("ALTER DATABASE {dbname} ALLOW_CONNECTIONS true opens it again; connect to another database (-d postgres) to do so")
        }
        ErrorKind::NoSuchDatabase if pooler_words::is_disabled(error.message()) => {
            let enable = Command::pgconn("pooler enable").word(login.dbname);
            return Some(Hint::from("it was disabled at the pooler; on its console: ").call(enable));
        }
        ErrorKind::NoSuchDatabase if error.code().code() == "08P01" && pooler_words::relayed(error.message()).is_none() => {
            "name one of the pooler's databases with -d; its console is -d pgbouncer".to_owned()
        }
        ErrorKind::NoSuchDatabase if database != login.dbname => {
            format!("the pooler's entry {} leads to it: mend its dbname=, or name another entry with -d", shown(login.dbname))
        }
        ErrorKind::NoSuchRole if role != login.user => {
            format!("the pooler's entry {} logs in with it: mend its user=, or name another entry with -d", shown(login.dbname))
        }
        ErrorKind::NoSuchDatabase => "name another database with -d, such as -d postgres".to_owned(),
        ErrorKind::NoSuchRole => "name a role with -U".to_owned(),
        ErrorKind::PoolerLogin => return Some(pooler_words::hint(error.message())),
        ErrorKind::Timeout => return Some(pooler_words::hint(error.message())),
        ErrorKind::PermissionDenied if is_the_poolers => {
            format!("an owner or superuser can GRANT CONNECT ON DATABASE {dbname} to {POOLERS}")
        }
        ErrorKind::PermissionDenied => format!("an owner or superuser can GRANT CONNECT ON DATABASE {dbname} TO {user}"),
        ErrorKind::AuthFailed => auth_hint(error, login, &user)?,
        ErrorKind::Server if error.message().starts_with("unsupported startup parameter") => {
            "the pooler refuses that setting when connecting: leave it out, or name it in the pooler's ignore_startup_parameters".to_owned()
        }
        _ => return None,
    };
    Some(text.into())
}

fn auth_hint(error: &DbError, login: &LoginWords<'_>, user: &str) -> Option<String> {
    let message = error.message();
    if error.code().code() == "28P01" {
        return Some(match &login.password_source {
            Some(source) => format!("the password came from: {source}"),
            None => "give a password with PGPASSWORD, a password file, or -W".to_owned(),
        });
    }
    if message.contains("RDS proxy has no credentials") {
        return Some(
            "the proxy takes the passwords of roles from Secrets Manager: add a secret for this role to it"
                .to_owned(),
        );
    }
    if is_passed_on(error) && message.contains("pg_hba.conf") {
        return Some("the server's pg_hba.conf decides about the pooler's own connection, from the pooler's host; add a line there for it".to_owned());
    }
    if error.code().code() == "08P01" && message.contains("authentication failed") {
        let source = login.password_source.as_ref();
        let came = source.map(|source| format!("; the password came from: {source}")).unwrap_or_default();
        return Some(format!(
            "a pooler answers, which knows passwords from its auth_file or auth_query{came}"
        ));
    }
    if message == "not allowed" {
        return Some(format!(
            "the pooler's console is open to the users in its settings admin_users and stats_users; {user} is in neither"
        ));
    }
    let code = supavisor_code(message).unwrap_or_default();
    if message.contains("Tenant or user not found") || matches!(code, "NOTFOUND" | "NOIDENTIFIER") {
        return Some(
            "Supavisor takes the project's reference from the role's name, -U postgres.REFERENCE, and knows the projects of its own host only".to_owned(),
        );
    }
    if message.contains("not permitted to log in") {
        return Some(format!("ALTER ROLE {user} LOGIN permits it"));
    }
    // The routine is the same in every language.
    if error.routine() == Some("ClientAuthentication") || message.contains("pg_hba.conf") {
        return Some("the server's pg_hba.conf decides by connection type, database, role, address and encryption; add a line there for this kind of connection".to_owned());
    }
    if message.starts_with("Peer authentication failed") || message.starts_with("Ident authentication failed")
    {
        return Some("run as the operating-system user of that name, or connect over TCP with -h localhost and a password".to_owned());
    }
    match error.routine() {
        // In another language it is not known which of the two it says.
        Some("InitializeSessionUserId") => Some(format!(
            "the role does not exist or may not log in: name another with -U, or permit it with ALTER ROLE {user} LOGIN"
        )),
        _ => error.code().code().starts_with("28").then(|| {
            "the server does not let this role log in in this way; its log says why, and pg_hba.conf decides which way it has to be"
                .to_owned()
        }),
    }
}
