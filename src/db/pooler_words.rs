//! What poolers say when they do not let somebody in: their own words, which carry no SQLSTATE of use, and the server's that they
//! pass on.

use super::error::{ErrorKind, LimitScope};
use crate::model::suggestion::{Command, Hint};

/// The pooler that has words of its own for this. Sources: Odyssey's `od_frontend_error`, PgCat's and PgDog's error responses
/// to clients, Supavisor's `Supavisor.Error` and, for its older words, Supabase's troubleshooting, PgBouncer's settings, whose
/// names its refusals carry.
pub(super) fn speaker(message: &str) -> Option<&'static str> {
    const WORDS: [(&str, &[&str]); 7] = [
        (
            "PgCat",
            &[
                "could not get connection from the pool",
                "No pool configured for database",
                "Pool down for database",
            ],
        ),
        (
            "PgDog",
            &[
                " is wrong, or the database does not exist",
                "connection pool for user ",
                "PgDog is ",
                "checkout timeout",
            ],
        ),
        (
            "Supavisor",
            &["MaxClientsInSessionMode", "Max client connections reached", "Tenant or user not found"],
        ),
        (
            "PgBouncer",
            &[
                "(max_client_conn)",
                "client_connections)",
                "query_wait_timeout",
                "server_login_retry",
                "client_login_timeout",
            ],
        ),
        ("pgpool-II", &["Sorry, too many clients already"]),
        ("Neon's proxy", &["Failed to acquire permit to connect"]),
        ("RDS Proxy", &["Timed-out waiting to acquire database connection", "RDS proxy has no credentials"]),
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
pub(super) fn supavisor_code(message: &str) -> Option<&str> {
    let (code, _) = message.strip_prefix("(E")?.split_once(") ")?;
    (code.len() > 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(code)
}

/// What a pooler says in its own words.
pub(super) fn kind(message: &str) -> ErrorKind {
    const FULL: [&str; 17] = [
        "no more connections allowed",
        "client connections exceeded",
        "query_wait_timeout",
        "Sorry, too many clients already",
        "checkout timeout",
        "Failed to acquire permit to connect",
        "Timed-out waiting to acquire database connection",
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
    const AUTH: [&str; 5] = [
        "auth failed",
        "authentication failed",
        "no such user",
        "Tenant or user not found",
        "RDS proxy has no credentials",
    ];
    const AUTH_CODES: [&str; 6] =
        ["NOTFOUND", "TENANTNOTFOUND", "NOIDENTIFIER", "AUTHQUERY", "CIRCUITBREAKER", "ADDRNOTALLOWED"];
    let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    // The console's whole answer to a user who may not use it.
    if message == "not allowed" {
        return ErrorKind::AuthFailed;
    }
    let code = supavisor_code(message).unwrap_or_default();
    if has(&["server login has been failing", "server_login_retry"]) {
        // Why it fails may follow: what the server said, or that there was no way to it.
        match message.split_once("cached error: ").and_then(|(_, cause)| relayed(cause)) {
            Some(kind) => kind,
            None => ErrorKind::PoolerLogin,
        }
    } else if let Some(kind) = relayed(message) {
        kind
    } else if message.contains("client_login_timeout") {
        ErrorKind::Timeout
    } else if has(&FULL) || code.starts_with("MAX") || code == "CHECKOUTTIMEOUT" {
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
pub(super) fn is_disabled(message: &str) -> bool {
    message.starts_with("database \"") && message.ends_with("\" is disabled")
        || message.contains("database does not allow connections")
}

/// What the server's own words mean that a pooler passes on, as PgBouncer before 1.20 does without their SQLSTATE.
pub(super) fn relayed(message: &str) -> Option<ErrorKind> {
    use ErrorKind as K;
    use LimitScope as Of;
    let is_about =
        |what: &str, ends: &str| message.starts_with(&format!("{what} \"")) && message.contains(ends);
    let begins = |start: &str| message.starts_with(start);
    Some(if begins("sorry, too many clients already") {
        K::TooManyConnections(Of::Server)
    } else if begins("remaining connection slots are reserved") {
        K::TooManyConnections(Of::Reserved)
    } else if begins("too many connections for role ") {
        K::TooManyConnections(Of::Role)
    } else if begins("too many connections for database ") {
        K::TooManyConnections(Of::Database)
    } else if begins("the database system is shutting down")
        || begins("terminating connection due to administrator")
    {
        K::ShuttingDown
    } else if begins("the database system is in recovery mode") || begins("the database system is not ") {
        K::Recovering
    } else if begins("the database system is starting up") {
        K::StartingUp
    } else if is_about("database", "does not exist")
        || is_about("database", "not currently accepting connections")
        || begins("cannot connect to invalid database ")
    {
        K::NoSuchDatabase
    } else if is_about("role", "does not exist") {
        K::NoSuchRole
    } else if begins("password authentication failed for user ") {
        // The client's own is PgBouncer's to judge, and its word for that has no user in it.
        K::PoolerLogin
    } else if is_about("role", "is not permitted to log in") || message.contains("pg_hba.conf") {
        K::AuthFailed
    } else if begins("permission denied for database ") {
        K::PermissionDenied
    } else {
        return None;
    })
}

/// The role, or the database, that the server's words name which a pooler passes on: `too many connections for role "app"`. None
/// where that is longer than a name can be.
pub(super) fn named<'a>(message: &'a str, what: &str) -> Option<&'a str> {
    /// The server's `NAMEDATALEN`, without the byte that ends a name.
    const MOST: usize = 63;
    let (_, rest) = message.split_once(&format!("{what} \""))?;
    rest.rsplit_once('"').map(|(name, _)| name).filter(|name| name.len() <= MOST)
}

/// Whether a pooler that cannot log in to its server may be able to in a moment: nothing says that a person has to do something.
pub(crate) fn may_recover(message: &str) -> bool {
    !["authentication failed", "pg_hba.conf", "does not exist", "not permitted"]
        .iter()
        .any(|word| message.contains(word))
}

pub(super) fn hint(message: &str) -> Hint {
    let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    if has(&["query_wait_timeout", "unable to check out"]) {
        return Hint::from("the pooler had no free server connection in time: see its queue with ")
            .call(Command::pgconn("pooler"))
            .then(", or connect to PostgreSQL itself");
    }
    if message.contains("authentication failed for user ") {
        return "the pooler's own login to PostgreSQL fails, with the user and password of its entry for this database (PgBouncer: \
                [databases], auth_file, auth_query); the password that was given here is not the one"
            .into();
    }
    if let Some(setting) = setting(message) {
        return format!(
            "the pooler's own client limit is reached, and PostgreSQL may be fine: connect to PostgreSQL itself, or raise {setting}"
        )
        .into();
    }
    let text = if message.contains("client_login_timeout") {
        "the pooler gave the login up: it got no server connection for it in time, or the client was slow; connect to PostgreSQL itself to see which"
    } else if message.contains("Failed to acquire permit") {
        "the proxy lets only so many connections be made at a time: wait with --connect-wait 30s, or use the pooled host (-pooler)"
    } else if message.contains("Timed-out waiting to acquire") {
        "the proxy had no server connection in time: raise its MaxConnectionsPercent or ConnectionBorrowTimeout, or connect to PostgreSQL itself"
    } else if has(&["server_login_retry", "login has been failing", "Pool down", "is down", "remote server"])
    {
        "the pooler cannot reach PostgreSQL: connect to PostgreSQL itself to see why"
    } else if message.contains("could not get connection from the pool")
        || message.contains("checkout timeout")
    {
        "the pooler had no server connection to give: connect to PostgreSQL itself to see why"
    } else if message.contains("ession mode") || message.contains("InSessionMode") {
        "in session mode each client holds a connection of the pool: use the pooler's transaction mode (at Supabase port 6543), raise its pool_size, or connect to PostgreSQL itself"
    } else if message.starts_with("Sorry, ") {
        "pgpool-II's own limit is reached, and PostgreSQL may be fine: connect to PostgreSQL itself, or raise num_init_children"
    } else {
        "the pooler's own client limit is reached, and PostgreSQL may be fine: connect to PostgreSQL itself, or raise max_client_conn"
    };
    text.into()
}

/// The setting that a refusal ends with, as PgBouncer's do: `client connections exceeded (max_db_client_connections)`.
fn setting(message: &str) -> Option<&str> {
    let (_, name) = message.strip_suffix(')')?.rsplit_once('(')?;
    let is_name =
        name.starts_with("max_") && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_name.then_some(name)
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
            ("sorry, too many clients already", ErrorKind::TooManyConnections(LimitScope::Server)),
            ("too many connections for role \"x\"", ErrorKind::TooManyConnections(LimitScope::Role)),
            ("too many connections for database \"x\"", ErrorKind::TooManyConnections(LimitScope::Database)),
            (
                "remaining connection slots are reserved for roles with the SUPERUSER attribute",
                ErrorKind::TooManyConnections(LimitScope::Reserved),
            ),
            ("the database system is starting up", ErrorKind::StartingUp),
            ("the database system is shutting down", ErrorKind::ShuttingDown),
            ("the database system is not yet accepting connections", ErrorKind::Recovering),
            ("database \"x\" does not exist", ErrorKind::NoSuchDatabase),
            ("database \"x\" is not currently accepting connections", ErrorKind::NoSuchDatabase),
            ("cannot connect to invalid database \"x\"", ErrorKind::NoSuchDatabase),
            ("role \"x\" does not exist", ErrorKind::NoSuchRole),
            ("no pg_hba.conf entry for host \"h\", user \"u\"", ErrorKind::AuthFailed),
            ("password authentication failed for user \"x\"", ErrorKind::PoolerLogin),
            ("password authentication failed", ErrorKind::AuthFailed),
            ("server login has been failing, try again later (server_login_retry)", ErrorKind::PoolerLogin),
            (
                "server login has been failing, cached error: sorry, too many clients already (server_login_retry)",
                ErrorKind::TooManyConnections(LimitScope::Server),
            ),
            ("Sorry, too many clients already", ErrorKind::TooManyConnections(LimitScope::Pooler)),
            ("checkout timeout", ErrorKind::TooManyConnections(LimitScope::Pooler)),
            ("client_login_timeout", ErrorKind::Timeout),
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
            assert_eq!(self::kind(message), kind, "{message}");
        }
    }

    #[test]
    fn a_name_is_no_longer_than_a_server_can_have_it() {
        for (length, is_name) in [(1, true), (63, true), (64, false), (1 << 20, false)] {
            let name = "x".repeat(length);
            let message = format!("too many connections for role \"{name}\"");
            assert_eq!(named(&message, "role"), is_name.then_some(name.as_str()), "{length}");
        }
        assert_eq!(named("too many connections for role \"x", "role"), None);
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
            ("Sorry, too many clients already", Some("pgpool-II")),
            ("client_login_timeout", Some("PgBouncer")),
            ("sorry, too many clients already", None),
            ("database \"x\" does not exist", None),
        ] {
            assert_eq!(speaker(message), name, "{message}");
        }
    }
}
