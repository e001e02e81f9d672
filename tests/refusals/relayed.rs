//! What a pooler passes on of the server's refusals.

use crate::common::{Cluster, PgBouncer, Pgconn, Session, with_files};

/// What becomes of a look as this user at this database of a PgBouncer with these entries, the last of its settings. One for each:
/// it remembers a login that failed.
fn error_behind(
    cluster: &Cluster,
    users: &[&str],
    entries: &[(&str, &str)],
    user: &str,
    database: &str,
) -> serde_json::Value {
    let settings = [&[("server_login_retry", "1")], entries].concat();
    let pooler = PgBouncer::start(cluster, users, &settings);
    let dsn = format!("host=127.0.0.1 port={} user={user} dbname={database}", pooler.port);
    let outcome = Pgconn::new(&["stats", "--json", "-w", "-t", "5s", "-d", &dsn]).run().fails_with(3);
    serde_json::from_str::<serde_json::Value>(&outcome.stderr).unwrap()["error"].clone()
}

/// Up to 1.19 the real PgBouncer passes the server's refusals on without their SQLSTATE.
#[test]
fn what_a_pooler_passes_on_is_known_as_the_servers() {
    let hba = "local all pool scram-sha-256\nlocal all walled reject\nlocal all all trust\n";
    let cluster = with_files(
        &[("max_connections", "5"), ("superuser_reserved_connections", "1"), ("max_wal_senders", "0")],
        &[("pg_hba.conf", hba)],
    );
    cluster.query("set password_encryption = 'scram-sha-256'; create role pool login password 'right'");
    for statement in [
        "create role app login",
        "create role nologin",
        "create role walled login",
        "create role outsider login",
        "create role small login connection limit 0",
        "create database closed allow_connections false",
        "create database narrow connection limit 0",
        "create database guarded",
        "revoke connect on database guarded from public",
    ] {
        cluster.query(statement);
    }
    let users = ["app", "nologin", "walled", "small", "ghost", "pool"];
    let error = |user: &str, database: &str| error_behind(&cluster, &users, &[], user, database);
    let expect = |user: &str, database: &str, code: &str, scope: &str, hint: &str| {
        let error = error(user, database);
        assert_eq!(error["code"], code, "{error:#}");
        assert_eq!(error["scope"].as_str().unwrap_or_default(), scope, "{error:#}");
        assert!(error["hint"].as_str().unwrap_or_default().contains(hint), "{error:#}");
    };
    expect("app", "nosuch", "no_such_database", "", "name another database with -d");
    expect("app", "closed", "no_such_database", "", "ALTER DATABASE \"closed\" ALLOW_CONNECTIONS true");
    expect("app", "narrow", "too_many_connections", "database", "CONNECTION LIMIT");
    expect("small", "postgres", "too_many_connections", "role", "CONNECTION LIMIT");
    expect("ghost", "postgres", "no_such_role", "", "name a role with -U");
    expect("nologin", "postgres", "auth_failed", "", "ALTER ROLE \"nologin\" LOGIN");
    expect(
        "walled",
        "postgres",
        "auth_failed",
        "",
        "the server's pg_hba.conf decides about the pooler's own connection",
    );
    // An entry that has a role and a database of its own: what is proposed is for those.
    let place = |more: &str| format!("host={} port={} {more}", cluster.host(), cluster.port);
    let entries = [
        ("[databases]\nsmall", "user=small"),
        ("still", "user=nologin"),
        ("slim", "dbname=narrow"),
        ("shut", "dbname=closed"),
        ("kept", "user=outsider dbname=guarded"),
        ("lost", "user=ghost"),
        ("astray", "dbname=nosuch"),
    ];
    let entries = entries.map(|(entry, settings)| (entry, place(settings)));
    let entries: Vec<(&str, &str)> =
        entries.iter().map(|(entry, settings)| (*entry, settings.as_str())).collect();
    for (database, hints) in [
        ("small", &["ls --role small", "ALTER ROLE \"small\" CONNECTION LIMIT"][..]),
        ("still", &["ALTER ROLE \"nologin\" LOGIN"]),
        ("slim", &["ls --db narrow", "ALTER DATABASE \"narrow\" CONNECTION LIMIT"]),
        ("shut", &["ALTER DATABASE \"closed\" ALLOW_CONNECTIONS true"]),
        ("lost", &["the pooler's entry \"lost\" logs in with it: mend its user="]),
        ("astray", &["the pooler's entry \"astray\" leads to it: mend its dbname="]),
        // These words name no role, and whose it is the pooler alone knows.
        ("kept", &["GRANT CONNECT ON DATABASE \"guarded\" to the role that the pooler logs in with"]),
    ] {
        let error = error_behind(&cluster, &users, &entries, "app", database);
        let said = error["hint"].as_str().unwrap_or_default();
        assert!(hints.iter().all(|hint| said.contains(hint)), "{error:#}");
    }
    // the pooler let the client in, and has no password for the server
    let own = error("pool", "postgres");
    assert_eq!(own["code"], "pooler_login", "{own:#}");
    let said = own["hint"].as_str().unwrap();
    assert!(
        said.contains("the pooler's own login to PostgreSQL fails") && !said.contains("PGPASSWORD"),
        "{own:#}"
    );
    let held: Vec<Session> = std::iter::from_fn(|| cluster.connect(&[("user", "app")]).ok()).collect();
    expect("app", "postgres", "too_many_connections", "reserved", "are left; wait with --connect-wait");
    let grant =
        "GRANT pg_use_reserved_connections (WITH INHERIT TRUE) to the role that the pooler logs in with";
    expect("app", "postgres", "too_many_connections", "reserved", grant);
    let last = cluster.session();
    expect("app", "postgres", "too_many_connections", "server", "every slot is taken");
    drop((held, last));
}
