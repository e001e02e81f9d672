//! Connecting as psql does, and what is said when it does not work.

use crate::common::{PgBouncer, Pgconn, Session, shared, wait_until, with, with_files};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
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
fn a_password_is_asked_for_on_a_terminal_only() {
    let cluster = with_files(&[], &[("pg_hba.conf", HBA)]);
    cluster.query("set password_encryption = 'scram-sha-256'; create role app login password 's3cret'");
    let arguments = ["stats", "-h", "localhost", "-U", "app"];
    let mut terminal = Pgconn::new(&arguments).on(&cluster).on_terminal();
    terminal.wait_for("Password for user app: ");
    assert!(!terminal.echoes());
    terminal.type_keys("s3cret\n");
    let outcome = terminal.finish().success();
    assert!(!outcome.stdout.contains("s3cret"), "{outcome}");
    let never =
        Pgconn::new(&[&arguments[..], &["-w"]].concat()).on(&cluster).on_terminal().finish().fails_with(3);
    assert!(never.stdout.contains("no password supplied"), "{never}");
    let pipe = Pgconn::new(&arguments).on(&cluster).run().fails_with(3);
    assert!(pipe.stderr.contains("no password supplied"), "{pipe}");
    // however the question ends, the terminal is as it was
    for how in ["\u{3}", "SIGTERM"] {
        let mut terminal = Pgconn::new(&arguments).on(&cluster).on_terminal();
        terminal.wait_for("Password for user app: ");
        match how {
            "SIGTERM" => kill(Pid::from_raw(terminal.pid()), Signal::SIGTERM).unwrap(),
            keys => terminal.type_keys(keys),
        }
        wait_until("the terminal echoes again", || terminal.echoes());
        let _ = terminal.finish().fails_with(if how == "SIGTERM" { 143 } else { 130 });
    }
    // the time that somebody types is no time of the server's
    let mut slow =
        Pgconn::new(&["ping", "-t", "3s", "-h", "localhost", "-U", "app"]).on(&cluster).on_terminal();
    slow.wait_for("Password for user app: ");
    std::thread::sleep(Duration::from_secs(3));
    slow.type_keys("s3cret\n");
    let _ = slow.finish().success();
    // -W asks before it is known whether the server does, once
    let mut eager =
        Pgconn::new(&["stats", "-W", "-h", "localhost", "-U", "postgres"]).on(&cluster).on_terminal();
    eager.wait_for("Password for user postgres: ");
    eager.type_keys("not needed\n");
    assert_eq!(eager.finish().success().stdout.matches("Password for").count(), 1);
    // nothing typed is an answer, too
    let mut empty = Pgconn::new(&arguments).on(&cluster).on_terminal();
    empty.wait_for("Password for user app: ");
    empty.type_keys("\n");
    assert_eq!(empty.finish().fails_with(3).stdout.matches("Password for").count(), 1);
    // a terminal in another encoding sends other bytes
    cluster.query(&format!("update pg_authid set rolpassword = '{LATIN}' where rolname = 'app'"));
    let mut latin = Pgconn::new(&arguments).on(&cluster).on_terminal();
    latin.wait_for("Password for user app: ");
    latin.type_keys(b"p\xe9\xff\n");
    let _ = latin.finish().success();
    cluster.query("set password_encryption = 'scram-sha-256'; alter role app password 's3cret'");
    // what was typed serves the whole run
    let mut twice =
        Pgconn::new(&["ping", "-h", "localhost", "-U", "app", "--count", "2"]).on(&cluster).on_terminal();
    twice.wait_for("Password for user app: ");
    twice.type_keys("s3cret\n");
    assert_eq!(twice.finish().success().stdout.matches("Password for").count(), 1);
    // a password file that is ignored is what a missing password is about
    let passwords = std::env::temp_dir().join(format!("pgconn-open-passfile-{}", std::process::id()));
    fs::write(&passwords, "*:*:*:*:s3cret\n").unwrap();
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o644)).unwrap();
    let open = Pgconn::new(&arguments).on(&cluster).env("PGPASSFILE", &passwords).run().fails_with(3);
    assert!(open.stderr.contains("has group or world access"), "{open}");
    fs::remove_file(&passwords).unwrap();
    let nobody = Pgconn::new(&["stats", "-W"]).on(&cluster).run().fails_with(3);
    assert!(nobody.stderr.contains("there is no terminal to ask for a password"), "{nobody}");
}

#[test]
fn whatever_the_password_is_made_of_the_server_gets_it_as_it_was_given() {
    let cluster = with_files(&[("password_encryption", "scram-sha-256")], &[("pg_hba.conf", HBA)]);
    cluster.query("create role app login");
    // mapped to nothing, unassigned in Unicode 3.2, of the other direction after normalisation only
    for password in
        ["p\u{e4}ss", "\u{ad}", "\u{2060}", "\u{340}", "\u{3f9}", "a\u{2135}", "a\u{a0}b", "\u{2168}"]
    {
        cluster.query(&format!("alter role app password '{password}'"));
        let run = Pgconn::new(&["ls", "-h", "localhost", "-U", "app"])
            .on(&cluster)
            .env("PGPASSWORD", password)
            .run();
        assert_eq!(run.code, 0, "{password:?}: {run}");
    }
    // bytes that are no text
    let raw: &[u8] = b"p\xe9\xff";
    cluster.query(&format!("update pg_authid set rolpassword = '{LATIN}' where rolname = 'app'"));
    let _ = Pgconn::new(&["ls", "-h", "localhost", "-U", "app"])
        .on(&cluster)
        .env("PGPASSWORD", OsStr::from_bytes(raw))
        .run()
        .success();
}

#[test]
fn a_password_that_is_no_text_logs_in_from_every_source_and_by_every_method() {
    let hba = "local all postgres trust\nlocal all hashed md5\nlocal all clear password\nlocal all scram scram-sha-256\n";
    let cluster = with_files(&[], &[("pg_hba.conf", hba)]);
    for (role, stored) in [
        ("hashed", "'md5' || md5('\\x70e9ff'::bytea || convert_to(rolname, 'UTF8'))".to_owned()),
        ("clear", format!("'{LATIN}'")),
        ("scram", format!("'{LATIN}'")),
    ] {
        cluster.query(&format!("create role {role} login"));
        cluster.query(&format!("update pg_authid set rolpassword = {stored} where rolname = '{role}'"));
    }
    let folder = std::env::temp_dir().join(format!("pgconn-bytes-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let services = file("services", b"[s]\ndbname=postgres\npassword=p\xe9\xff\n");
    let passwords = file("pgpass", b"*:*:*:*:p\xe9\xff\n");
    for role in ["hashed", "clear", "scram"] {
        let run = || Pgconn::new(&["ping", "-U", role]).on(&cluster);
        let dsn = |text: &[u8]| run().argument(OsStr::new("-d")).argument(OsStr::from_bytes(text));
        for (source, run) in [
            ("variable", run().env("PGPASSWORD", OsStr::from_bytes(b"p\xe9\xff"))),
            ("service", run().env("PGSERVICE", "s").env("PGSERVICEFILE", &services)),
            ("password file", run().env("PGPASSFILE", &passwords)),
            ("URI", dsn(b"postgres://:p%E9%FF@/postgres")),
            ("URI's parameter", dsn(b"postgres:///postgres?password=p%e9\xff")),
            ("connection string", dsn(b"dbname=postgres password='p\xe9\xff'")),
        ] {
            let outcome = run.run();
            assert_eq!(outcome.code, 0, "{role}, {source}: {outcome}");
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// What the server stores of the password `p\xe9\xff`, which is no UTF-8 (computed like [`SLOW`]).
const LATIN: &str = "SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$YuRsBRdEH4t3CB+OYaAKydvx3QYS7zIyLCZpiQg5qWg=:/2GfyNSheYCm2TgzTxmn0nnVgcrcS+Tf6eKPuYTKzoc=";

/// What the server stores of the password `s3cret` after 200,000 rounds, where its own default is 4,096 (computed with Python's
/// hashlib).
const SLOW: &str = "SCRAM-SHA-256$200000:MDEyMzQ1Njc4OWFiY2RlZg==$+TlQ7nlTC6XcxK/axH1e1yLLtUOOlbJgh+ydLmZLXls=:E/ZqXvijYIi7aPzs0ZDuAtApcGxOG0tTrAj6T148pXw=";

#[test]
fn as_many_rounds_as_the_server_wants_are_computed_within_the_limit() {
    let cluster = with_files(&[], &[("pg_hba.conf", HBA)]);
    cluster.query("create role app login");
    let run = |rounds: &str, password: &str, limit: &str| {
        // not by ALTER ROLE, with which the server would compute it as well: an empty password is not allowed
        let stored = SLOW.replace("200000", rounds);
        cluster.query(&format!("update pg_authid set rolpassword = '{stored}' where rolname = 'app'"));
        let arguments = ["stats", "-h", "localhost", "-U", "app", "-t", limit];
        Pgconn::new(&arguments).on(&cluster).env("PGPASSWORD", password).run()
    };
    let _ = run("200000", "s3cret", "30s").success();
    let wrong = run("200000", "other", "30s").fails_with(3);
    assert!(wrong.stderr.contains("password authentication failed for user \"app\""), "{wrong}");
    // more than can be done in time: neither the limit nor the end waits for it
    let endless = run("2000000000", "s3cret", "2s").fails_with(3);
    assert!(endless.stderr.contains("timeout expired"), "{endless}");
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
        // the next client of the same server connection has its own settings
        expect_its_own(&mut pooler.connect(&login).unwrap(), "after");
        let prepared = pooler.connect(&login).unwrap().query("select count(*) from pg_prepared_statements");
        assert_eq!(prepared[0][0].as_deref(), Some("0"), "{mode}");
    }
}
