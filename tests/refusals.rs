//! Every way in which a server, or what stands in its place, does not let us in: each is a value with a hint of its own, and the text
//! names the server as libpq does.

mod relayed;

use crate::common::{Cluster, Pgconn, psql, wait_until, with, with_files};
use crate::strangers::impostor;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::net::TcpListener;
use std::process::Command;

/// A refusal as scripts see it, and as psql words it.
struct Refusal {
    code: String,
    sqlstate: Option<String>,
    message: String,
    hint: Option<String>,
    psql: Option<String>,
}

fn refusal(dsn: &str) -> Refusal {
    let outcome = Pgconn::new(&["stats", "--json", "-w", "-t", "2s", "-d", dsn]).run().fails_with(3);
    let error = serde_json::from_str::<serde_json::Value>(&outcome.stderr).unwrap()["error"].clone();
    let text = |key: &str| error[key].as_str().map(str::to_owned);
    let theirs = psql().map(|program| {
        let mut command = Command::new(program);
        command.args(["-XAtw", "-d", dsn, "-c", "select 1"]).env_clear().env("HOME", "/nonexistent");
        let output = command.env("PGCONNECT_TIMEOUT", "2").output().unwrap();
        assert!(!output.status.success(), "psql got in: {dsn}");
        String::from_utf8(output.stderr).unwrap()
    });
    Refusal {
        code: text("code").unwrap(),
        sqlstate: text("sqlstate"),
        message: text("message").unwrap(),
        hint: text("hint"),
        psql: theirs,
    }
}

/// Fails unless the refusal has this code, SQLSTATE and hint, and begins as psql's does: with the server's name.
#[track_caller]
fn expect(dsn: &str, code: &str, sqlstate: Option<&str>, hint: &str) {
    let found = refusal(dsn);
    assert_eq!(
        (found.code.as_str(), found.sqlstate.as_deref()),
        (code, sqlstate),
        "{dsn}: {}",
        found.message
    );
    let said = found.hint.unwrap_or_default();
    assert!(said.contains(hint), "{dsn}: {said}");
    if let Some(theirs) = found.psql {
        // musl's resolver has words of its own.
        let theirs = if cfg!(target_env = "musl") {
            theirs.replace("Name or service not known", "Name does not resolve")
        } else {
            theirs
        };
        let server = found.message.split(" failed: ").next().unwrap();
        assert!(theirs.contains(server), "{dsn}\npsql {theirs}\nours {}", found.message);
    }
}

fn dsn(cluster: &Cluster, more: &str) -> String {
    format!("host={} port={} {more}", cluster.host(), cluster.port)
}

#[test]
fn what_the_server_refuses_is_told_apart_by_its_sqlstate() {
    let hba =
        "local all all trust\nhost all app 127.0.0.1/32 scram-sha-256\nhost all walled 127.0.0.1/32 reject\n";
    let cluster = with_files(&[], &[("pg_hba.conf", hba)]);
    for statement in [
        "set password_encryption = 'scram-sha-256'; create role app login password 'right'",
        "create role walled login; create role sleeper nologin",
        "create database closed allow_connections false",
        "create database private",
        "revoke connect on database private from public",
    ] {
        cluster.query(statement);
    }
    let local = |more: &str| dsn(&cluster, more);
    let tcp = |more: &str| format!("host=127.0.0.1 port={} dbname=postgres {more}", cluster.port);
    expect(
        &tcp("user=app password=wrong"),
        "auth_failed",
        Some("28P01"),
        "the password came from: connection string",
    );
    expect(&tcp("user=app"), "auth_failed", None, "PGPASSWORD");
    expect(&tcp("user=walled"), "auth_failed", Some("28000"), "pg_hba.conf decides");
    expect(&tcp("user=stranger"), "auth_failed", Some("28000"), "pg_hba.conf decides");
    expect(
        &local("user=sleeper dbname=postgres"),
        "auth_failed",
        Some("28000"),
        "ALTER ROLE \"sleeper\" LOGIN",
    );
    expect(&local("user=nobody_here dbname=postgres"), "no_such_role", Some("28000"), "name a role with -U");
    expect(
        &local("user=postgres dbname=nowhere"),
        "no_such_database",
        Some("3D000"),
        "name another database",
    );
    expect(
        &local("user=postgres dbname=closed"),
        "no_such_database",
        Some("55000"),
        "ALLOW_CONNECTIONS true",
    );
    expect(&local("user=postgres dbname=postgres options='-c nosuch=1'"), "server_error", Some("42704"), "");
    expect(&tcp("user=app password=right sslmode=require"), "tls", None, "ssl = on");
}

#[test]
fn a_database_that_may_not_be_connected_to_is_a_matter_of_a_grant() {
    let cluster = with(&[]);
    cluster.query("create role app login");
    cluster.query("create database private");
    cluster.query("revoke connect on database private from public");
    let outcome = Pgconn::new(&["stats", "-U", "app", "-d", "private"]).on(&cluster).run().fails_with(3);
    assert!(outcome.stderr.contains("GRANT CONNECT ON DATABASE \"private\" TO \"app\""), "{outcome}");
    assert!(outcome.stderr.contains("permission denied for database \"private\""), "{outcome}");
}

#[test]
fn where_there_is_no_server_it_is_said_what_there_is() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let silent = listener.local_addr().unwrap().port();
    expect("host=127.0.0.1 port=1 user=x", "refused", None, "is the server running on that host");
    expect("host=/nonexistent port=1 user=x", "refused", None, "is the server running locally");
    expect(&format!("host=127.0.0.1 port={silent} user=x"), "timeout", None, "something else listens there");
    // A label has 63 letters at most, so the resolver refuses it without asking anybody.
    let impossible = format!("host={}.invalid port=1 user=x", "x".repeat(70));
    expect(&impossible, "dns", None, "check the spelling");
}

#[test]
fn a_server_that_is_coming_or_going_is_worth_waiting_for() {
    // it waits for a file that never comes
    let mut starting = with(&[("restore_command", "sleep 1; false"), ("hot_standby", "off")]);
    let major = starting.major();
    starting.stop();
    let signal = starting.dir.join("data/standby.signal");
    fs::write(&signal, "").unwrap();
    starting.order("start").unwrap();
    let local = dsn(&starting, "user=postgres dbname=postgres");
    let code = || {
        let outcome = Pgconn::new(&["ping", "--json", "-d", &local]).run();
        outcome.json()["attempts"][0]["code"].as_str().unwrap_or_default().to_owned()
    };
    wait_until("it answers", || code() != "refused");
    if major >= 14 {
        wait_until("it has got as far as it can", || code() == "recovering");
        expect(&local, "recovering", Some("57P03"), "it is a standby with hot_standby off");
    } else {
        expect(&local, "starting_up", Some("57P03"), "--connect-wait");
    }
    drop(starting);

    // a smart shutdown waits for the last session
    let going = with(&[]);
    let last = going.session();
    let pid = fs::read_to_string(going.dir.join("data/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    let local = dsn(&going, "user=postgres dbname=postgres");
    wait_until("it is shutting down", || Pgconn::new(&["ping", "-d", &local]).run().code == 1);
    expect(&local, "shutting_down", Some("57P03"), "--connect-wait");
    drop(last);
}

/// In their own words, with the SQLSTATEs that each gives them.
#[test]
fn poolers_that_cannot_be_had_here_are_named_by_their_refusals() {
    for (sqlstate, said, pooler, code, hint) in [
        (
            "XX000",
            "(EMAXCONNSESSION) max clients reached in session mode - max clients are limited to pool_size: 15",
            "Supavisor",
            "too_many_connections",
            "in session mode each client holds a connection",
        ),
        (
            "53300",
            "Sorry, too many clients already",
            "pgpool-II",
            "too_many_connections",
            "pgpool-II's own limit",
        ),
        (
            "53300",
            "Failed to acquire permit to connect to the database. Too many database connection attempts are currently ongoing.",
            "Neon's proxy",
            "too_many_connections",
            "wait with --connect-wait",
        ),
        (
            "58000",
            "checkout timeout",
            "PgDog",
            "too_many_connections",
            "the pooler had no server connection to give",
        ),
        (
            "08P01",
            "Timed-out waiting to acquire database connection",
            "RDS Proxy",
            "too_many_connections",
            "ConnectionBorrowTimeout",
        ),
        (
            "28000",
            "This RDS proxy has no credentials for the role app. Check the credentials for this role and try again.",
            "RDS Proxy",
            "auth_failed",
            "Secrets Manager",
        ),
        ("08P01", "client_login_timeout", "PgBouncer", "timeout", "the pooler gave the login up"),
        (
            "08P01",
            "client connections exceeded (max_db_client_connections)",
            "PgBouncer",
            "too_many_connections",
            "raise max_db_client_connections",
        ),
        (
            "08P01",
            "client connections exceeded (max_user_client_connections)",
            "PgBouncer",
            "too_many_connections",
            "raise max_user_client_connections",
        ),
        (
            "08P01",
            "server login has been failing, cached error: password authentication failed for user \"pool\" (server_login_retry)",
            "PgBouncer",
            "pooler_login",
            "the pooler's own login to PostgreSQL fails",
        ),
        ("08P01", "no such database: postgres", "", "no_such_database", "its console is -d pgbouncer"),
        (
            "08P01",
            "cannot connect to invalid database \"torn\"",
            "",
            "no_such_database",
            "only DROP DATABASE \"torn\" can remove it",
        ),
        (
            "XX000",
            "(ENOTFOUND) tenant/user postgres.abc not found",
            "Supavisor",
            "auth_failed",
            "-U postgres.REFERENCE",
        ),
        (
            "58000",
            "connection pool for user \"app\" and database \"shop\" is down",
            "PgDog",
            "too_many_connections",
            "the pooler cannot reach PostgreSQL",
        ),
        (
            "58000",
            "Pool down for database: \"shop\", user: \"app\"",
            "PgCat",
            "too_many_connections",
            "the pooler cannot reach PostgreSQL",
        ),
        (
            "58000",
            "No pool configured for database: \"shop\", user: \"app\"",
            "PgCat",
            "no_such_database",
            "name another database",
        ),
        (
            "53300",
            "odyssey: c1a2b3c4d5e6: too many client tcp connections (global client_max)",
            "Odyssey",
            "too_many_connections",
            "the pooler's own client limit is reached",
        ),
        (
            "53300",
            "odyssey: c1a2b3c4d5e6: sorry, too many clients already",
            "Odyssey",
            "too_many_connections",
            "every slot is taken",
        ),
        (
            "08006",
            "odyssey: c1a2b3c4d5e6: failed to get remote server connection",
            "Odyssey",
            "too_many_connections",
            "the pooler cannot reach PostgreSQL",
        ),
    ] {
        let error = refused_with(&format!("C{sqlstate}\0M{said}\0"));
        assert_eq!(error["code"], code, "{said}: {error:#}");
        let detail = format!("{pooler} says so, a pooler in front of PostgreSQL");
        let is_named = error["detail"].as_str().is_some_and(|said| said.contains(&detail));
        assert_eq!(is_named, !pooler.is_empty(), "{said}: {error:#}");
        assert!(error["hint"].as_str().unwrap_or_default().contains(hint), "{said}: {error:#}");
    }
}

/// What is made of a refusal with these fields beside the severity.
fn refused_with(fields: &str) -> serde_json::Value {
    let body = format!("SFATAL\0VFATAL\0{fields}\0");
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    let message: &'static [u8] = [b"E", &length[..], body.as_bytes()].concat().leak();
    let answers: &'static [&'static [u8]] = vec![message].leak();
    let port = impostor(answers, false);
    let dsn = format!("host=127.0.0.1 port={port} user=app dbname=shop sslmode=disable");
    let outcome = Pgconn::new(&["stats", "--json", "-w", "-t", "2s", "-d", &dsn]).run().fails_with(3);
    serde_json::from_str::<serde_json::Value>(&outcome.stderr).unwrap()["error"].clone()
}

/// As a server with lc_messages de_DE says it: SQLSTATE and routine are the same in every language.
#[test]
fn in_another_language_the_same_is_known() {
    for (sqlstate, routine, said, code, scope, hint) in [
        (
            "28P01",
            "auth_failed",
            "Passwort-Authentifizierung f\u{fc}r Benutzer »app« fehlgeschlagen",
            "auth_failed",
            "",
            "PGPASSWORD",
        ),
        (
            "28000",
            "ClientAuthentication",
            "kein pg_hba.conf-Eintrag f\u{fc}r Host »h«",
            "auth_failed",
            "",
            "the server's pg_hba.conf decides",
        ),
        (
            "28000",
            "auth_failed",
            "Peer-Authentifizierung fehlgeschlagen",
            "auth_failed",
            "",
            "its log says why",
        ),
        (
            "28000",
            "InitializeSessionUserId",
            "Rolle »app« existiert nicht",
            "auth_failed",
            "",
            "does not exist or may not log in",
        ),
        (
            "53300",
            "InitProcess",
            "tut mir leid, schon zu viele Verbindungen",
            "too_many_connections",
            "server",
            "--connect-wait",
        ),
        (
            "53300",
            "InitPostgres",
            "verbleibende Verbindungen sind reserviert",
            "too_many_connections",
            "reserved",
            "reserved slots",
        ),
        (
            "53300",
            "InitializeSessionUserId",
            "zu viele Verbindungen",
            "too_many_connections",
            "role",
            "CONNECTION LIMIT",
        ),
        (
            "53300",
            "CheckMyDatabase",
            "zu viele Verbindungen",
            "too_many_connections",
            "database",
            "CONNECTION LIMIT",
        ),
        ("57P03", "ProcessStartupPacket", "das Datenbanksystem startet", "starting_up", "", "--connect-wait"),
        (
            "3D000",
            "InitPostgres",
            "Datenbank »shop« existiert nicht",
            "no_such_database",
            "",
            "name another database",
        ),
        ("42501", "CheckMyDatabase", "keine Berechtigung", "permission_denied", "", "GRANT CONNECT"),
    ] {
        let error = refused_with(&format!("C{sqlstate}\0M{said}\0R{routine}\0"));
        assert_eq!(error["code"], code, "{said}: {error:#}");
        assert_eq!(error["scope"].as_str().unwrap_or_default(), scope, "{said}: {error:#}");
        assert!(error["hint"].as_str().unwrap_or_default().contains(hint), "{said}: {error:#}");
    }
}
