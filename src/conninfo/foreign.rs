//! Connection URLs that are written for somebody else's library: whose they are, and the URI that says as much to libpq.

use super::keyword::find;
use super::redact;

/// Schemes that libraries have for PostgreSQL beside libpq's two; a `+` and a driver may follow.
const SCHEMES: [(&str, &str); 12] = [
    ("postgresql+", "SQLAlchemy"),
    ("postgres+", "SQLAlchemy"),
    ("cockroachdb", "SQLAlchemy"),
    ("jdbc:postgresql", "JDBC"),
    ("ecto", "Ecto"),
    ("postgis", "GeoDjango and Rails"),
    ("psql", "django-environ"),
    ("pgsql", "PHP and django-environ"),
    ("pg", "pg-promise and others"),
    ("timescalegis", "dj-database-url"),
    ("r2dbc:postgresql", "R2DBC"),
    ("vertx-reactive:postgresql", "Quarkus"),
];

/// Parameters that libraries read out of a URI themselves.
const PARAMETERS: [(&str, &[&str]); 8] = [
    (
        "Prisma",
        &[
            "schema",
            "pgbouncer",
            "connection_limit",
            "pool_timeout",
            "socket_timeout",
            "sslaccept",
            "statement_cache_size",
        ],
    ),
    ("SQLAlchemy with asyncpg", &["ssl", "prepared_statement_cache_size", "server_settings"]),
    (
        "JDBC",
        &[
            "currentSchema",
            "ApplicationName",
            "reWriteBatchedInserts",
            "prepareThreshold",
            "targetServerType",
            "loadBalanceHosts",
            "loginTimeout",
            "socketTimeout",
            "connectTimeout",
            "sslfactory",
            "tcpKeepAlive",
            "stringtype",
            "autosave",
            "binaryTransfer",
            "defaultRowFetchSize",
            "escapeSyntaxCallMode",
        ],
    ),
    ("dj-database-url", &["conn_max_age", "conn_health_checks"]),
    (
        "Ecto and Rails",
        &["pool_size", "pool", "timeout", "queue_target", "prepared_statements", "prepare_threshold"],
    ),
    ("Rails", &["encoding", "schema_search_path", "variables", "reaping_frequency", "checkout_timeout"]),
    (
        "pgx",
        &[
            "pool_max_conns",
            "pool_min_conns",
            "pool_max_conn_lifetime",
            "pool_max_conn_idle_time",
            "default_query_exec_mode",
        ],
    ),
    ("node-postgres", &["uselibpqcompat", "max", "idleTimeoutMillis", "connectionTimeoutMillis"]),
];

/// Whose scheme it is; `scheme` is what stands before `://`.
pub(super) fn library_of_scheme(scheme: &str) -> Option<&'static str> {
    let scheme = scheme.to_ascii_lowercase();
    let is_its = |known: &str| {
        scheme == known
            || scheme.strip_prefix(known).is_some_and(|rest| known.ends_with('+') || rest.starts_with('+'))
    };
    SCHEMES.iter().find(|(known, _)| is_its(known)).map(|(_, library)| *library)
}

/// Whose parameter of a URI it is.
pub(super) fn library_of_parameter(name: &str) -> Option<&'static str> {
    PARAMETERS.iter().find(|(_, names)| names.contains(&name)).map(|(library, _)| *library)
}

/// The URI that pgconn takes for `text`, which is one with another scheme or with parameters that libpq does not know: passwords
/// are masked.
pub(super) fn taken(text: &str) -> String {
    let shown = redact::uri(text);
    let rest = shown.split_once("://").map_or(shown.as_str(), |(_, rest)| rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_jdbc = text.to_ascii_lowercase().starts_with("jdbc:");
    let kept: Vec<String> = query.split('&').filter_map(|pair| kept(pair, is_jdbc)).collect();
    let mark = if kept.is_empty() { "" } else { "?" };
    format!("postgresql://{place}{mark}{}", kept.join("&"))
}

/// What of a parameter is taken: with the name that libpq has for it, and verifying no less than its library does with it.
fn kept(pair: &str, is_jdbc: bool) -> Option<String> {
    let (name, value) = pair.split_once('=')?;
    match (name, value) {
        ("ssl", "true") if is_jdbc => Some("sslmode=verify-full".to_owned()),
        ("ssl", "true") => Some(pair.to_owned()),
        ("ssl", "require" | "verify-ca" | "verify-full" | "prefer" | "allow" | "disable") => {
            Some(format!("sslmode={value}"))
        }
        _ => find(name).map(|_| pair.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_tells_whose_library_it_is() {
        for (scheme, library) in [
            ("postgresql+asyncpg", Some("SQLAlchemy")),
            ("postgres+psycopg2", Some("SQLAlchemy")),
            ("ecto", Some("Ecto")),
            ("POSTGIS", Some("GeoDjango and Rails")),
            ("jdbc:postgresql", Some("JDBC")),
            ("mysql", None),
            ("pgx", None),
        ] {
            assert_eq!(library_of_scheme(scheme), library, "{scheme}");
        }
    }

    #[test]
    fn what_is_taken_has_no_password_and_no_parameter_that_nobody_knows() {
        for (text, expected) in [
            (
                "postgresql+asyncpg://u:p@h:1/d?ssl=verify-full&application_name=a",
                "postgresql://u:********@h:1/d?sslmode=verify-full&application_name=a",
            ),
            (
                "jdbc:postgresql://h/d?user=u&password=p&ssl=true",
                "postgresql://h/d?user=u&password=********&sslmode=verify-full",
            ),
            ("postgresql://h/d?ssl=true&schema=x", "postgresql://h/d?ssl=true"),
            ("postgresql://h/d?schema=public&pgbouncer=true", "postgresql://h/d"),
            ("ecto://u@h/d", "postgresql://u@h/d"),
        ] {
            assert_eq!(taken(text), expected);
        }
    }
}
