//! Connecting as psql does, and what is said when it does not work.

use crate::common::{PgBouncer, Pgconn, Session, shared, wait_until, with, with_files};
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

/// A role that can log in, on a server with a line for it that asks for a password.
const HBA: &str =
    "local all all trust\nhost all app 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";

#[test]
fn a_full_server_lets_in_or_says_which_limit_it_is() {
    let cluster =
        with(&[("max_connections", "6"), ("superuser_reserved_connections", "1"), ("max_wal_senders", "2")]);
    cluster.query(
        "create role app login; create role limited login connection limit 0; create role repl login replication; \
         grant pg_monitor to repl",
    );
    cluster.query("create database small connection limit 0");
    let stats =
        |arguments: &[&str]| Pgconn::new(&[&["stats", "--json"], arguments].concat()).on(&cluster).run();
    let code = |arguments: &[&str]| {
        let outcome = stats(arguments).fails_with(3);
        let error: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
        (
            error["error"]["code"].as_str().unwrap().to_owned(),
            error["error"]["hint"].as_str().unwrap().to_owned(),
        )
    };
    let (kind, hint) = code(&["-U", "limited"]);
    assert!(kind == "too_many_connections" && hint.contains("ALTER ROLE limited CONNECTION LIMIT"), "{hint}");
    let (kind, hint) = code(&["-U", "app", "-d", "small"]);
    assert!(
        kind == "too_many_connections" && hint.contains("ALTER DATABASE small CONNECTION LIMIT"),
        "{hint}"
    );

    let fill = |session: &str| cluster.connect(&[("user", session)]);
    let mut held: Vec<Session> = std::iter::from_fn(|| fill("app").ok()).collect();
    let (kind, hint) = code(&["-U", "app"]);
    assert!(kind == "too_many_connections" && hint.contains("reserved"), "{hint}");
    // the superuser has a slot of its own
    assert_eq!(stats(&[]).success().json()["warnings"].as_array().unwrap().len(), 0);
    // a role with REPLICATION gets in through a walsender's slot
    let emergency = stats(&["-U", "repl"]).success().json();
    assert_eq!(emergency["warnings"][0]["code"], "emergency_connection");
    assert_eq!(emergency["connections"]["max_connections"], 6);

    held.extend(std::iter::from_fn(|| fill("postgres").ok()));
    let (kind, hint) = code(&["-U", "app"]);
    assert!(kind == "too_many_connections" && hint.contains("every slot is taken"), "{hint}");
    assert_eq!(stats(&[]).success().json()["warnings"][0]["code"], "emergency_connection");
    stats(&["--emergency", "never"]).fails_with(3);
    // acting works there, too, and says so
    let pid = held[0].pid.to_string();
    let killed = Pgconn::new(&["kill", "--json", &pid]).on(&cluster).run().success().json();
    assert_eq!((killed["emergency"].as_bool(), killed["succeeded"].as_i64()), (Some(true), Some(1)));
}

#[test]
fn a_role_or_database_limit_is_never_passed_by_the_emergency_lane() {
    let cluster = with(&[]);
    cluster.query("create role r login replication connection limit 0");
    let outcome = Pgconn::new(&["stats", "-U", "r"]).on(&cluster).run().fails_with(3);
    assert!(outcome.stderr.contains("too many connections for role \"r\""), "{outcome}");
    assert!(!outcome.stderr.contains("replication connection"), "{outcome}");
}

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

/// A server of one answer: reads what is sent and writes each of `answers` after one read; then holds or closes.
fn impostor(answers: &'static [&'static [u8]], hold: bool) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            thread::spawn(move || {
                let mut part = [0; 4096];
                for answer in answers {
                    if stream.read(&mut part).is_err() || stream.write_all(answer).is_err() {
                        return;
                    }
                }
                if !hold {
                    // The end of what is sent, without a reset that could overtake it.
                    let _ = stream.shutdown(Shutdown::Write);
                }
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    port
}

#[test]
fn whatever_answers_it_ends_within_the_limit_and_is_named() {
    // AuthenticationOk, MD5 and SCRAM requests, and a first message of SCRAM's that is nonsense
    const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
    const MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";
    const SCRAM: &[u8] = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";
    let cases: [(&[&[u8]], bool, &str); 10] = [
        (&[], true, "timeout expired"),
        (&[], false, "server closed the connection unexpectedly"),
        (&[b"N"], true, "timeout expired"),
        (&[b"N"], false, "server closed the connection unexpectedly"),
        (&[b"S"], true, "timeout expired"),
        (&[b"HTTP/1.1 400 Bad Request\r\n\r\n"], false, "an HTTP server answered, and not PostgreSQL"),
        (&[b"N", OK], true, "timeout expired"),
        (&[b"N", OK], false, "server closed the connection unexpectedly"),
        (&[b"N", MD5], false, "server closed the connection unexpectedly"),
        (
            &[b"N", SCRAM, b"R\0\0\0\x0c\0\0\0\x0bhuh?"],
            true,
            "answer is not one of the authentication asked for",
        ),
    ];
    for (answers, hold, expected) in cases {
        let answers: &'static [&'static [u8]] = Box::leak(answers.to_vec().into_boxed_slice());
        let port = impostor(answers, hold).to_string();
        let began = Instant::now();
        let outcome = Pgconn::new(&["stats", "-h", "127.0.0.1", "-p", &port, "-U", "x", "-t", "1s"])
            .env("PGPASSWORD", "s3cret")
            .run()
            .fails_with(3);
        assert!(outcome.stderr.contains(expected), "{answers:?}: {outcome}");
        assert!(!outcome.stderr.contains("s3cret"), "{outcome}");
        assert!(began.elapsed() < Duration::from_secs(10), "{answers:?} took {:?}", began.elapsed());
    }
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
    terminal.type_keys("s3cret\n");
    let outcome = terminal.finish().success();
    assert!(!outcome.stdout.contains("s3cret"), "{outcome}");
    let never =
        Pgconn::new(&[&arguments[..], &["-w"]].concat()).on(&cluster).on_terminal().finish().fails_with(3);
    assert!(never.stdout.contains("no password supplied"), "{never}");
    let pipe = Pgconn::new(&arguments).on(&cluster).run().fails_with(3);
    assert!(pipe.stderr.contains("no password supplied"), "{pipe}");
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
    assert!(first["tls_seconds"].is_null() || first["tls_seconds"].as_f64().unwrap() < 1.0);
    let refused = ping(&["-h", "localhost", "-U", "app", "-w"]).fails_with(1).json();
    assert_eq!(refused["status"], "refused");
    let silent = ping(&["-h", "localhost", "-p", "1"]).fails_with(2).json();
    assert_eq!(silent["status"], "no_answer");
    assert!(silent["attempts"][0]["error"].as_str().unwrap().contains("Connection refused"));
    ping(&["-p", "x"]).fails_with(3);
}

#[test]
fn it_works_through_pgbouncer_and_leaves_nothing_behind() {
    let cluster = with(&[]);
    for mode in ["transaction", "session"] {
        let pooler = PgBouncer::start(&cluster, &[], &[("pool_mode", mode), ("default_pool_size", "1")]);
        let port = pooler.port.to_string();
        let arguments = ["stats", "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", "postgres"];
        Pgconn::new(&arguments).run().success();
        // the next client of the same server connection has its own settings
        let mut next = pooler.connect(&[("user", "postgres"), ("database", "postgres")]).unwrap();
        for (setting, value) in
            [("statement_timeout", "0"), ("lock_timeout", "0"), ("search_path", "\"$user\", public")]
        {
            let found = next.query(&format!("show {setting}"))[0][0].clone();
            assert_eq!(found.as_deref(), Some(value), "{mode}: {setting}");
        }
    }
}
