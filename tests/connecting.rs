//! Connecting as psql does, and what is said when it does not work.

use crate::common::{PgBouncer, Pgconn, Session, shared, wait_until, with, with_files};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

/// A role that can log in, on a server with a line for it that asks for a password.
const HBA: &str =
    "local all all trust\nhost all app 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";

#[test]
fn connect_wait_gets_the_slot_that_becomes_free() {
    let cluster =
        with(&[("max_connections", "4"), ("superuser_reserved_connections", "0"), ("max_wal_senders", "0")]);
    cluster.query("create role app login");
    let mut held: Vec<Session> = std::iter::from_fn(|| cluster.connect(&[("user", "app")]).ok()).collect();
    let waiting = Pgconn::new(&["stats", "-U", "app", "--connect-wait", "1m"]).on(&cluster).spawn();
    wait_until("it says that it waits", || waiting.stderr().contains("waiting to connect: "));
    drop(held.pop());
    waiting.finish().success();
}

#[test]
fn whoever_waits_is_told_why() {
    for (command, code) in [("ls", 3), ("ping", 2), ("check", 2)] {
        let line = [command, "-h", "127.0.0.1", "-p", "1", "-U", "x", "--connect-wait", "100ms"];
        let outcome = Pgconn::new(&line).run().fails_with(code);
        assert!(outcome.stderr.contains("waiting to connect: "), "{outcome}");
    }
}

#[test]
fn a_wait_that_fails_leaves_one_line_of_json() {
    let line =
        &["stats", "-h", "127.0.0.1", "-p", "1", "-U", "x", "--connect-wait", "1500ms", "-F", "ndjson"];
    let outcome = Pgconn::new(line).run().fails_with(3);
    let said: serde_json::Value =
        serde_json::from_str(&outcome.stderr).unwrap_or_else(|_| panic!("{outcome}"));
    assert_eq!(said["error"]["code"], "refused");
}

#[test]
fn connect_wait_never_tries_a_wrong_password_again() {
    let cluster = with_files(&[], &[("pg_hba.conf", HBA)]);
    cluster.query("create role app login password 'right'");
    let began = Instant::now();
    let outcome = Pgconn::new(&["stats", "-h", "localhost", "-U", "app", "--connect-wait", "1m"])
        .on(&cluster)
        .env("PGPASSWORD", "wrong")
        .run()
        .fails_with(3);
    assert!(began.elapsed() < Duration::from_secs(20), "{outcome}");
    assert!(outcome.stderr.contains("password authentication failed for user \"app\""), "{outcome}");
    assert!(outcome.stderr.contains("the password came from: variable PGPASSWORD"), "{outcome}");
    assert!(!outcome.stderr.contains("wrong"), "{outcome}");
}

#[test]
fn a_password_does_not_leave_for_a_method_that_is_not_wanted() {
    let cluster =
        with_files(&[], &[("pg_hba.conf", "local all all trust\nhost all all 127.0.0.1/32 password\n")]);
    let dsn = |extra: &str| {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres password=x {extra}", cluster.port)
    };
    let outcome = Pgconn::new(&["stats", "-d", &dsn("require_auth=scram-sha-256")]).run().fails_with(3);
    let words =
        "authentication method requirement \"scram-sha-256\" failed: server requested a cleartext password";
    assert!(outcome.stderr.contains(words), "{outcome}");
    let bound = Pgconn::new(&["stats", "-d", &dsn("channel_binding=require")]).run().fails_with(3);
    assert!(bound.stderr.contains("channel binding required"), "{bound}");
}

#[test]
fn every_attempt_is_listed_and_the_next_host_is_reached() {
    let cluster = shared();
    let dsn = format!("host=127.0.0.1,localhost port=1,{} user=postgres dbname=postgres", cluster.port);
    Pgconn::new(&["stats", "-d", &dsn]).run().success();
    let short = dsn.replace("host=127.0.0.1,localhost", "hostaddr=127.2,127.1");
    Pgconn::new(&["stats", "-d", &short]).run().success();
    let outcome = Pgconn::new(&["stats", "-d", "host=127.0.0.1,/nonexistent port=1,2"]).run().fails_with(3);
    assert!(
        outcome.stderr.contains("connection to server at \"127.0.0.1\", port 1 failed: Connection refused"),
        "{outcome}"
    );
    let socket =
        "connection to server on socket \"/nonexistent/.s.PGSQL.2\" failed: No such file or directory";
    assert!(outcome.stderr.contains(socket), "{outcome}");
    // the kind of server decides, too
    let standby = format!("{dsn} target_session_attrs=standby");
    let outcome = Pgconn::new(&["stats", "-d", &standby]).run().fails_with(3);
    assert!(outcome.stderr.contains("server is not in hot standby mode"), "{outcome}");
    for fine in ["read-write", "primary", "prefer-standby", "any"] {
        Pgconn::new(&["stats", "-d", &format!("{dsn} target_session_attrs={fine}")]).run().success();
    }
}

#[test]
fn without_a_database_the_roles_own_is_tried_and_then_postgres_and_that_is_said() {
    let cluster = with(&[]);
    cluster.query("create role lonely login");
    let run = |arguments: &[&str]| {
        Pgconn::new(&[&["stats", "-U", "lonely"], arguments].concat())
            .on(&cluster)
            .env_remove("PGDATABASE")
            .run()
    };
    let outcome = run(&[]).success();
    assert!(
        outcome.stderr.contains("database \"lonely\" does not exist, so this is \"postgres\""),
        "{outcome}"
    );
    let named = run(&["-d", "nosuch"]).fails_with(3);
    assert!(named.stderr.contains("database \"nosuch\" does not exist"), "{named}");
}

#[test]
fn conninfo_shows_where_each_setting_comes_from_and_no_secret() {
    let dir = std::env::temp_dir().join(format!("pgconn-conninfo-test-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let passwords = file("pgpass", "# mine\ndb9:*:*:*:s3cret\n");
    let services = file("services", "[reporting]\nhost=db9\nsslmode=require\n");
    let run = |arguments: &[&str]| {
        Pgconn::new(arguments)
            .env("PGPASSFILE", &passwords)
            .env("PGSERVICEFILE", &services)
            .env("PGUSER", "someone")
            .run()
    };
    let document = run(&["conninfo", "-S", "reporting", "-p", "7", "--json"]).success().json();
    let source = |keyword: &str| {
        let list = document["parameters"].as_array().unwrap();
        let found = list.iter().find(|parameter| parameter["keyword"] == keyword).unwrap();
        (found["value"].as_str().unwrap().to_owned(), found["source"].as_str().unwrap().to_owned())
    };
    let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(source("host"), pair("db9", &format!("service file {services} section [reporting]")));
    assert_eq!(source("port"), pair("7", "argument --port"));
    assert_eq!(source("user"), pair("someone", "variable PGUSER"));
    assert_eq!(source("dbname"), pair("someone", "default"));
    assert_eq!(source("password"), pair("********", &format!("password file {passwords} line 2")));
    assert_eq!(document["hosts"][0]["host"], "db9");
    for arguments in [
        &["conninfo", "-d", "postgresql://u:s3cret@h/d?sslpassword=s3cret"][..],
        &["conninfo", "--json", "-d", "password=s3cret sslpassword=s3cret"],
        &["conninfo", "-F", "tsv", "-S", "reporting"],
        &["conninfo", "-v", "-d", "postgresql://u:s3%zzcret@h/d"],
        &["stats", "-v", "-d", "postgresql://u:s3cret@127.0.0.1:1/d"],
        &["stats", "-v", "-d", "POSTGRESQL://u:s3cret@127.0.0.1:1/d"],
        &["ping", "--json", "-d", "host=127.0.0.1 port=1 password=s3cret"],
    ] {
        let outcome = run(arguments);
        assert!(!outcome.stdout.contains("s3") && !outcome.stderr.contains("s3"), "{arguments:?}: {outcome}");
    }
    run(&["conninfo", "-d", "nosuch=1"]).fails_with(2);
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn ping_has_the_exit_codes_of_pg_isready_with_a_stricter_question() {
    let cluster = with_files(&[], &[("pg_hba.conf", HBA)]);
    cluster.query("create role app login password 'x'");
    let ping =
        |arguments: &[&str]| Pgconn::new(&[&["ping", "--json"], arguments].concat()).on(&cluster).run();
    let document = ping(&["-h", "localhost", "--count", "3", "--interval", "1ms"]).success().json();
    assert_eq!(document["status"], "accepting");
    assert_eq!(
        (document["summary"]["count"].as_i64(), document["summary"]["accepted"].as_i64()),
        (Some(3), Some(3))
    );
    let first = &document["attempts"][0];
    assert!(
        first["dns_seconds"].is_number()
            && first["tcp_seconds"].is_number()
            && first["query_seconds"].is_number()
    );
    assert!(first["tls_seconds"].is_null(), "the server has no TLS");
    let refused = ping(&["-h", "localhost", "-U", "app", "-w"]).fails_with(1).json();
    assert_eq!(refused["status"], "refused");
    let silent = ping(&["-h", "localhost", "-p", "1"]).fails_with(2).json();
    assert_eq!(silent["status"], "no_answer");
    assert!(silent["attempts"][0]["error"].as_str().unwrap().contains("Connection refused"));
    ping(&["-p", "x"]).fails_with(3);
}

#[test]
fn it_works_through_pgbouncer_and_leaves_nothing_behind() {
    const SETTINGS: [(&str, &str); 7] = [
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("search_path", "\"$user\", public"),
        ("transaction_read_only", "off"),
        ("transaction_isolation", "read committed"),
        ("client_encoding", "UTF8"),
        ("application_name", "shop"),
    ];
    let cluster = with(&[]);
    cluster.query("create role app login");
    cluster.query("create database mydb");
    for mode in ["transaction", "session"] {
        let pooler = PgBouncer::start(&cluster, &["app"], &[("pool_mode", mode), ("default_pool_size", "1")]);
        let port = pooler.port.to_string();
        let login = [("user", "postgres"), ("database", "postgres"), ("application_name", "shop")];
        let expect_its_own = |session: &mut Session, when: &str| {
            for (setting, value) in SETTINGS {
                let found = session.query(&format!("show {setting}"))[0][0].clone();
                assert_eq!(found.as_deref(), Some(value), "{mode}, {when}: {setting}");
            }
        };
        // in transaction mode another client is there before and after; in session mode it would keep the only server
        let mut before = (mode == "transaction").then(|| pooler.connect(&login).unwrap());
        if let Some(before) = &mut before {
            expect_its_own(before, "before");
        }
        for arguments in [
            &["stats"][..],
            &["ls"],
            &["long"],
            &["blockers"],
            &["check", "-q"],
            &["metrics"],
            &["ping"],
            &["timeout"],
            &["doctor", "--for", "1s"],
            &["kill", "--app", "nosuch"],
            &["cancel", "--app", "nosuch"],
            &["timeout", "set", "30s", "--role", "app", "-y"],
            &["timeout", "reset", "--role", "app", "-y"],
            &["drain", "--db", "mydb", "-y", "--", "true"],
        ] {
            let run = Pgconn::new(arguments).env("PGHOST", "127.0.0.1").env("PGPORT", &port);
            let outcome = run.env("PGUSER", "postgres").env("PGDATABASE", "postgres").run();
            assert_eq!(outcome.code, 0, "{mode} {arguments:?}: {outcome}");
            if let Some(before) = &mut before {
                expect_its_own(before, arguments[0]);
            }
        }
        let odd =
            Pgconn::new(&["stats"]).env("PGHOST", "127.0.0.1").env("PGPORT", &port).env("PGGEQO", "off");
        let refused = odd.env("PGUSER", "postgres").env("PGDATABASE", "postgres").run().fails_with(3).stderr;
        assert!(refused.contains("unsupported startup parameter: geqo"), "{refused}");
        assert!(refused.contains("ignore_startup_parameters"), "{refused}");
        // the next client of the same server connection has its own settings
        expect_its_own(&mut pooler.connect(&login).unwrap(), "after");
        let prepared = pooler.connect(&login).unwrap().query("select count(*) from pg_prepared_statements");
        assert_eq!(prepared[0][0].as_deref(), Some("0"), "{mode}");
    }
}

#[test]
fn what_is_wrong_with_a_setting_is_said_with_where_it_comes_from() {
    let folder = std::env::temp_dir().join(format!("pgconn-settings-test-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("services");
    fs::write(&file, "[good]\nhost=db9\nsslmode=requires\n[bad]\nprot=1\n").unwrap();
    let services = file.to_str().unwrap();
    for (arguments, variable, message, hint) in [
        (
            &[][..],
            ("PGPORT", "xyz"),
            "invalid integer value \"xyz\" for connection option \"port\"",
            "it comes from: variable PGPORT",
        ),
        (&[], ("PGPORT", "70000"), "invalid port number: \"70000\"", "it comes from: variable PGPORT"),
        (
            &[],
            ("PGSSLMODE", "full"),
            "invalid sslmode value: \"full\"",
            "it is one of disable, allow, prefer, require, verify-ca, verify-full; it comes from: variable PGSSLMODE",
        ),
        (
            &[],
            ("PGCONNECT_TIMEOUT", "5s"),
            "invalid integer value \"5s\" for connection option \"connect_timeout\"",
            "variable PGCONNECT_TIMEOUT",
        ),
        (
            &["-S", "good"],
            ("PGSERVICEFILE", services),
            "invalid sslmode value: \"requires\"",
            "it comes from: service file SERVICES section [good]",
        ),
        (
            &["-S", "bad"],
            ("PGSERVICEFILE", services),
            "syntax error in service file \"SERVICES\", line 5",
            "did you mean port?",
        ),
        (
            &["-S", "god"],
            ("PGSERVICEFILE", services),
            "definition of service \"god\" not found",
            "did you mean -S good?; looked into SERVICES",
        ),
        (
            &[],
            ("PGSERVICE", "x"),
            "definition of service \"x\" not found",
            "it comes from: variable PGSERVICE; looked into /nonexistent/.pg_service.conf (not there), /nonexistent/pg_service.conf (not there)",
        ),
        (
            &["-S", "x"],
            ("PGSERVICEFILE", "/nonexistent/s"),
            "service file \"/nonexistent/s\" not found",
            "PGSERVICEFILE names it",
        ),
        (&["-d", "prot=1"], ("PGUSER", "u"), "invalid connection option \"prot\"", "did you mean port?"),
        (
            &["-d", "postgresql+asyncpg://u:p@h/d"],
            ("PGUSER", "u"),
            "the URI's scheme is not postgresql:// or postgres://",
            "postgresql+asyncpg is a scheme of SQLAlchemy; pgconn takes postgresql://u:********@h/d",
        ),
        (
            &["-d", "jdbc:postgresql://h/d?user=u&password=p&ssl=true"],
            ("PGUSER", "u"),
            "the URI's scheme is not postgresql:// or postgres://",
            "pgconn takes postgresql://h/d?user=u&password=********",
        ),
        (
            &["-d", "postgresql://h/d?pgbouncer=true"],
            ("PGUSER", "u"),
            "invalid URI query parameter: \"pgbouncer\"",
            "\"pgbouncer\" is a parameter of Prisma and not of libpq; pgconn takes postgresql://h/d",
        ),
        (&["-p", "s3cret"], ("PGUSER", "u"), "invalid port: it is not a number", "-p is the port"),
    ] {
        let run =
            Pgconn::new(&[&["conninfo"], arguments].concat()).env("PGUSER", "u").env(variable.0, variable.1);
        let said = run.run().fails_with(2).stderr.replace(services, "SERVICES");
        let (error, next) = said.split_once("\nhint: ").unwrap_or((&said, ""));
        assert_eq!(error.trim_end(), format!("error: {message}"), "{arguments:?} {variable:?}: {said}");
        assert!(next.contains(hint), "{arguments:?} {variable:?}: {said}");
    }
    fs::remove_dir_all(&folder).unwrap();
    // no server where one was looked for, and another beside it
    let cluster = shared();
    let said = Pgconn::new(&["stats"]).on(cluster).env("PGPORT", "1").run().fails_with(3).stderr;
    let words = format!("accepting connections on that socket? beside it there is -p {}", cluster.port);
    assert!(said.contains(&words) && said.contains("conninfo shows where host and port come from"), "{said}");
}
