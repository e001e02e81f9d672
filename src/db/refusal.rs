//! A server's refusal to let us in, as a value: which limit is exhausted and whose, and what helps at that
//! moment. Decided by SQLSTATE and by the server's routine, which no translation touches; by text only for
//! poolers, whose own errors all carry 08P01, and within 57P03.

use super::error::{Error, ErrorKind, LimitScope, beginning};
use crate::model::quote::shown;
use crate::model::suggestion::{Command, Hint};
use tokio_postgres::error::DbError;

/// Who asked for what: the words that hints need.
pub(super) struct LoginWords<'a> {
    pub(super) user: &'a str,
    pub(super) dbname: &'a str,
    /// Where the password came from, when one was sent.
    pub(super) password_source: Option<String>,
}

/// The refusal that `error` is.
pub(super) fn classify(error: &DbError, login: &LoginWords<'_>) -> Error {
    let kind = kind(error);
    let mut refusal = Error::new(kind, beginning(error.message()));
    refusal.sqlstate = Some(error.code().code().to_owned());
    refusal.detail = error.detail().map(beginning);
    refusal.hint = hint(kind, error, login).or_else(|| Some(beginning(error.hint()?).into()));
    name_speaker(&mut refusal);
    refusal
}

/// Says which pooler it was that spoke, where its words tell: their readers take them for the server's.
fn name_speaker(refusal: &mut Error) {
    if let Some(pooler) = speaker(&refusal.message) {
        refusal.detail.get_or_insert_with(|| format!("{pooler} says so, a pooler in front of PostgreSQL"));
    }
}

/// The pooler that has words of its own for this. Sources: Odyssey's `od_frontend_error`, PgCat's and PgDog's error responses
/// to clients, Supavisor's `Supavisor.Error` and, for its older words, Supabase's troubleshooting, PgBouncer's settings, whose
/// names its refusals carry.
fn speaker(message: &str) -> Option<&'static str> {
    const WORDS: [(&str, &[&str]); 4] = [
        (
            "PgCat",
            &[
                "could not get connection from the pool",
                "No pool configured for database",
                "Pool down for database",
            ],
        ),
        ("PgDog", &[" is wrong, or the database does not exist", "connection pool for user ", "PgDog is "]),
        (
            "Supavisor",
            &["MaxClientsInSessionMode", "Max client connections reached", "Tenant or user not found"],
        ),
        (
            "PgBouncer",
            &["(max_client_conn)", "client_connections)", "query_wait_timeout", "server_login_retry"],
        ),
    ];
    if message.starts_with("odyssey: ") {
        return Some("Odyssey");
    }
    if supavisor_code(message).is_some() {
        return Some("Supavisor");
    }
    let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    WORDS.iter().find(|(_, texts)| has(texts)).map(|(name, _)| *name)
}

/// The code that Supavisor's refusals begin with, as in `(EMAXCONN) max client connections reached, limit: 200`; older versions
/// have none. Source: its `lib/supavisor/error.ex` and `errors/`.
fn supavisor_code(message: &str) -> Option<&str> {
    let (code, _) = message.strip_prefix("(E")?.split_once(") ")?;
    (code.len() > 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(code)
}

fn kind(error: &DbError) -> ErrorKind {
    let message = error.message();
    match error.code().code() {
        "08006" | "58000" | "XX000" if speaker(message).is_some() => pooler_kind(message),
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
        "08P01" => pooler_kind(message),
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
    refusal.hint = Some(pooler_hint(error.message()));
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
        _ if message.contains("remaining connection slots are reserved") => LimitScope::Reserved,
        _ if message.contains("for role") => LimitScope::Role,
        _ if message.contains("for database") => LimitScope::Database,
        // Odyssey passes on what the server says, too, with its own name in front.
        _ if message.contains("sorry, too many clients") || speaker(message).is_none() => LimitScope::Server,
        _ => LimitScope::Pooler,
    }
}

fn is_missing_role(error: &DbError) -> bool {
    error.routine() == Some("InitializeSessionUserId") && error.message().contains("does not exist")
}

/// What a pooler says in its own words.
fn pooler_kind(message: &str) -> ErrorKind {
    const FULL: [&str; 15] = [
        "no more connections allowed",
        "client connections exceeded",
        "query_wait_timeout",
        "server login has been failing",
        "server_login_retry",
        "Max client connections reached",
        "max client connections reached",
        "MaxClientsInSessionMode",
        "max clients reached",
        "max pools count reached",
        "unable to check out connection from the pool",
        "could not get connection from the pool",
        "Pool down for database",
        "connection pool for user ",
        "failed to get remote server connection",
    ];
    const ABSENT: [&str; 5] = [
        "no such database",
        "No such database",
        "database not found",
        "No pool configured for database",
        "database does not allow connections",
    ];
    const AUTH: [&str; 4] =
        ["auth failed", "authentication failed", "no such user", "Tenant or user not found"];
    const AUTH_CODES: [&str; 6] =
        ["NOTFOUND", "TENANTNOTFOUND", "NOIDENTIFIER", "AUTHQUERY", "CIRCUITBREAKER", "ADDRNOTALLOWED"];
    let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    // The console's whole answer to a user who may not use it.
    if message == "not allowed" {
        return ErrorKind::AuthFailed;
    }
    let code = supavisor_code(message).unwrap_or_default();
    if has(&FULL) || code.starts_with("MAX") || code == "CHECKOUTTIMEOUT" {
        ErrorKind::TooManyConnections(LimitScope::Pooler)
    } else if message.contains("server shutting down") || message.contains("database is shutting down") {
        ErrorKind::ShuttingDown
    } else if has(&ABSENT) || is_disabled(message) {
        ErrorKind::NoSuchDatabase
    } else if has(&["SSL required", "TLS required"]) || code == "SSLREQUIRED" {
        ErrorKind::Tls
    } else if has(&AUTH) || AUTH_CODES.contains(&code) {
        ErrorKind::AuthFailed
    } else {
        ErrorKind::Server
    }
}

/// PgBouncer's word for a database that was disabled on its console: `database "shop" is disabled`.
fn is_disabled(message: &str) -> bool {
    message.starts_with("database \"") && message.ends_with("\" is disabled")
        || message.contains("database does not allow connections")
}

/// What helps at that moment.
fn hint(kind: ErrorKind, error: &DbError, login: &LoginWords<'_>) -> Option<Hint> {
    let (user, dbname) = (shown(login.user), shown(login.dbname));
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
            format!("only {left} are left; wait with --connect-wait 30s, or log in as a superuser; for next time {first}GRANT pg_use_reserved_connections TO {user} WITH INHERIT TRUE")
        }
        ErrorKind::TooManyConnections(LimitScope::Role) => {
            let see = Command::pgconn("ls").only("--role", login.user);
            let hint = Hint::from("the role's own CONNECTION LIMIT is reached; a superuser can see who holds the connections with ");
            return Some(hint.call(see).then(format!(" and raise it with ALTER ROLE {user} CONNECTION LIMIT n")));
        }
        ErrorKind::TooManyConnections(LimitScope::Database) => {
            let see = Command::pgconn("ls").only("--db", login.dbname);
            let hint = Hint::from("the database's own CONNECTION LIMIT is reached; connect to another database (-d postgres), see who holds the connections with ");
            return Some(hint.call(see).then(format!(", or raise it with ALTER DATABASE {dbname} CONNECTION LIMIT n")));
        }
        ErrorKind::TooManyConnections(LimitScope::Pooler) => return Some(pooler_hint(error.message())),
        ErrorKind::StartingUp | ErrorKind::Recovering if error.message().contains("not accepting connections") => {
            "it is a standby with hot_standby off, which never accepts connections; connect to the primary".to_owned()
        }
        ErrorKind::StartingUp | ErrorKind::Recovering => "wait until it is up with --connect-wait 1m".to_owned(),
        ErrorKind::ShuttingDown => "wait until it is up again with --connect-wait 1m".to_owned(),
        // The server has a hint for this one only, in whatever language it speaks.
        ErrorKind::NoSuchDatabase if error.code().code() == "55000" && error.hint().is_some() => {
            format!("a DROP DATABASE of it was interrupted: only DROP DATABASE {dbname} can remove it; connect to another database (-d postgres) to do so")
        }
        ErrorKind::NoSuchDatabase if error.code().code() == "55000" => {
            format!("ALTER DATABASE {dbname} ALLOW_CONNECTIONS true opens it again; connect to another database (-d postgres) to do so")
        }
        ErrorKind::NoSuchDatabase if is_disabled(error.message()) => {
            let enable = Command::pgconn("pooler enable").word(login.dbname);
            return Some(Hint::from("it was disabled at the pooler; on its console: ").call(enable));
        }
        ErrorKind::NoSuchDatabase if error.code().code() == "08P01" => {
            "name one of the pooler's databases with -d; its console is -d pgbouncer".to_owned()
        }
        ErrorKind::NoSuchDatabase => "name another database with -d, such as -d postgres".to_owned(),
        ErrorKind::NoSuchRole => "name a role with -U".to_owned(),
        ErrorKind::PermissionDenied => format!("an owner or superuser can GRANT CONNECT ON DATABASE {dbname} TO {user}"),
        ErrorKind::AuthFailed => auth_hint(error, login, &user)?,
        ErrorKind::Server if error.message().starts_with("unsupported startup parameter") => {
            "the pooler refuses that setting when connecting: leave it out, or name it in the pooler's ignore_startup_parameters".to_owned()
        }
        _ => return None,
    };
    Some(text.into())
}

fn pooler_hint(message: &str) -> Hint {
    let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    if has(&["query_wait_timeout", "unable to check out"]) {
        return Hint::from("the pooler had no free server connection in time: see its queue with ")
            .call(Command::pgconn("pooler"))
            .then(", or connect to PostgreSQL itself");
    }
    let text = if has(&[
        "server_login_retry",
        "login has been failing",
        "Pool down",
        "is down",
        "remote server",
    ]) {
        "the pooler cannot reach PostgreSQL: connect to PostgreSQL itself to see why"
    } else if message.contains("could not get connection from the pool")
        || message.contains("checkout timeout")
    {
        "the pooler had no server connection to give: connect to PostgreSQL itself to see why"
    } else if message.contains("ession mode") || message.contains("InSessionMode") {
        "in session mode each client holds a connection of the pool: use the pooler's transaction mode (at Supabase port 6543), raise its pool_size, or connect to PostgreSQL itself"
    } else {
        "the pooler's own client limit is reached, and PostgreSQL may be fine: connect to PostgreSQL itself, or raise max_client_conn"
    };
    text.into()
}

fn auth_hint(error: &DbError, login: &LoginWords<'_>, user: &str) -> Option<String> {
    let message = error.message();
    if error.code().code() == "28P01" || message.contains("password authentication failed") {
        return Some(match &login.password_source {
            Some(source) => format!("the password came from: {source}"),
            None => "give a password with PGPASSWORD, a password file, or -W".to_owned(),
        });
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
    if message.contains("pg_hba.conf") {
        return Some("the server's pg_hba.conf decides by connection type, database, role, address and encryption; add a line there for this kind of connection".to_owned());
    }
    if message.starts_with("Peer authentication failed") || message.starts_with("Ident authentication failed")
    {
        return Some("run as the operating-system user of that name, or connect over TCP with -h localhost and a password".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poolers_are_read_by_their_words() {
        for (message, kind) in [
            (
                "no more connections allowed (max_client_conn)",
                ErrorKind::TooManyConnections(LimitScope::Pooler),
            ),
            (
                "client connections exceeded (max_db_client_connections)",
                ErrorKind::TooManyConnections(LimitScope::Pooler),
            ),
            ("query_wait_timeout", ErrorKind::TooManyConnections(LimitScope::Pooler)),
            (
                "MaxClientsInSessionMode: max clients reached",
                ErrorKind::TooManyConnections(LimitScope::Pooler),
            ),
            ("Max client connections reached", ErrorKind::TooManyConnections(LimitScope::Pooler)),
            ("no such database: x", ErrorKind::NoSuchDatabase),
            ("database \"shop\" is disabled", ErrorKind::NoSuchDatabase),
            ("database does not allow connections: shop", ErrorKind::NoSuchDatabase),
            ("server shutting down", ErrorKind::ShuttingDown),
            ("not allowed", ErrorKind::AuthFailed),
            ("\"trust\" authentication failed", ErrorKind::AuthFailed),
            ("SSL required", ErrorKind::Tls),
            ("unsupported startup parameter: options", ErrorKind::Server),
            (
                "(EMAXCONNSESSION) max clients reached in session mode - max clients are limited to pool_size: 15",
                ErrorKind::TooManyConnections(LimitScope::Pooler),
            ),
            (
                "(ECHECKOUTTIMEOUT) unable to check out connection from the pool after 60000ms in Session mode",
                ErrorKind::TooManyConnections(LimitScope::Pooler),
            ),
            ("(ENOTFOUND) tenant/user postgres.abc not found", ErrorKind::AuthFailed),
            ("(ESSLREQUIRED) SSL connection is required for user: postgres", ErrorKind::Tls),
            (
                "Pool down for database: \"shop\", user: \"app\"",
                ErrorKind::TooManyConnections(LimitScope::Pooler),
            ),
            ("No pool configured for database: \"shop\", user: \"app\"", ErrorKind::NoSuchDatabase),
        ] {
            assert_eq!(pooler_kind(message), kind, "{message}");
        }
    }

    #[test]
    fn poolers_are_named_by_their_words() {
        for (message, name) in [
            ("odyssey: c1a2b3c4d5e6: too many active clients for user", Some("Odyssey")),
            ("could not get connection from the pool - AllServersDown", Some("PgCat")),
            ("No pool configured for database: x, user: y", Some("PgCat")),
            (
                "password for user \"u\" and database \"d\" is wrong, or the database does not exist",
                Some("PgDog"),
            ),
            ("Tenant or user not found", Some("Supavisor")),
            ("(ENOTFOUND) tenant/user postgres.abc not found", Some("Supavisor")),
            ("(EMAXCONN) max client connections reached, limit: 200", Some("Supavisor")),
            ("(E) x", None),
            ("(Eabc) x", None),
            ("connection pool for user \"app\" and database \"shop\" is down", Some("PgDog")),
            ("Pool down for database: \"shop\", user: \"app\"", Some("PgCat")),
            ("no more connections allowed (max_client_conn)", Some("PgBouncer")),
            ("sorry, too many clients already", None),
            ("database \"x\" does not exist", None),
        ] {
            assert_eq!(speaker(message), name, "{message}");
        }
    }
}
