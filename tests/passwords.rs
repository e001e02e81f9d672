//! Passwords: asked for, taken from wherever they are, and proven to the server as the bytes that they are.

use crate::common::{Pgconn, wait_until, with_files};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

/// A role that can log in, on a server with a line for it that asks for a password.
const HBA: &str =
    "local all all trust\nhost all app 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";

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
    assert!(never.words().contains("no password supplied"), "{never}");
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

/// What monitors has a limit for the run as a whole; the time that somebody types is no time of the server's.
#[test]
fn a_slow_typist_is_no_server_that_is_down() {
    const LIMIT: Duration = Duration::from_secs(4);
    let cluster = with_files(&[], &[("pg_hba.conf", HBA)]);
    cluster.query("set password_encryption = 'scram-sha-256'; create role app login password 's3cret'");
    let asked = [&["check", "reachable"][..], &["metrics"]].map(|command| {
        let line = [command, &["-W", "-t", "4s", "-h", "localhost", "-U", "app"]].concat();
        let terminal = Pgconn::new(&line).on(&cluster).on_terminal();
        terminal.wait_for("Password for user app: ");
        terminal
    });
    std::thread::sleep(LIMIT + Duration::from_millis(500));
    let [check, metrics] = asked.map(|mut terminal| {
        terminal.type_keys("s3cret\n");
        terminal.finish().success()
    });
    assert!(check.stdout.contains("PGCONN OK: "), "{check}");
    let is_up = |line: &str| line.starts_with("pgconn_up") && line.trim_end().ends_with(" 1");
    assert!(metrics.stdout.lines().any(is_up), "{metrics}");
}

#[test]
fn whatever_the_password_is_made_of_the_server_gets_it_as_it_was_given() {
    let cluster = with_files(&[("password_encryption", "scram-sha-256")], &[("pg_hba.conf", HBA)]);
    cluster.query("create role app login");
    // mapped to nothing, unassigned in Unicode 3.2, of the other direction after normalisation only
    for password in [
        "p\u{e4}ss",
        "\u{ad}",
        "\u{2060}",
        "\u{340}",
        "\u{3f9}",
        "a\u{2135}",
        "a\u{a0}b",
        "\u{2168}",
        "a\u{200b}b",
    ] {
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

/// A session that is made again is made with what the password file has by then: tokens change.
#[test]
fn a_watch_logs_in_again_with_the_password_that_the_file_has_now() {
    let cluster = with_files(&[], &[("pg_hba.conf", HBA)]);
    cluster.query("create role app login password 'first'");
    let file = cluster.dir.join("passwords");
    let write = |password: &str| {
        std::fs::write(&file, format!("*:*:*:app:{password}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("first");
    let own = "from pg_stat_activity where usename = 'app'";
    for arguments in
        [&["stats", "--json", "--watch=100ms"][..], &["check", "reachable", "--json", "--watch=100ms"]]
    {
        cluster.query("alter role app password 'first'");
        write("first");
        let run = Pgconn::new(&[arguments, &["-h", "localhost", "-U", "app"]].concat())
            .on(&cluster)
            .env("PGPASSFILE", file.to_str().unwrap())
            .spawn();
        wait_until("a document", || run.stdout().contains('\n'));
        let first = cluster.value(&format!("select pid {own}"));
        cluster.query("alter role app password 'second'");
        write("second");
        cluster.query(&format!("select pg_terminate_backend({first})"));
        cluster.wait_until(&format!("exists (select {own} and pid <> {first})"));
        let already = run.stdout().lines().count();
        wait_until("another document", || run.stdout().lines().count() > already + 1);
        run.signal(Signal::SIGINT);
        let outcome = run.finish().success();
        assert!(!outcome.stderr.contains("password authentication failed"), "{outcome}");
    }
}

/// A database that the password file has another password for, or none.
#[test]
fn the_password_of_another_database_is_looked_up_for_that_database() {
    let hba = "local all all trust\nhost all app 127.0.0.1/32 scram-sha-256\n";
    let cluster = with_files(&[("password_encryption", "scram-sha-256")], &[("pg_hba.conf", hba)]);
    cluster.query("create role app superuser login password 's3cret'");
    cluster.query("create database shop");
    let file = cluster.dir.join("passwords");
    for (lines, code, said) in [
        // the one is wrong where the session is that has to be elsewhere
        ("*:*:shop:app:wrong\n*:*:postgres:app:s3cret\n", 0, &[][..]),
        ("*:*:postgres:app:s3cret\n", 0, &[]),
        ("*:*:shop:app:s3cret\n", 3, &["no password supplied"]),
        (
            "*:*:postgres:app:wrong\n",
            3,
            &[
                "database \"postgres\": connection to",
                "password authentication failed",
                "database \"template1\": ",
            ],
        ),
    ] {
        fs::write(&file, lines).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let arguments =
            ["drain", "-h", "localhost", "-U", "app", "-d", "shop", "--db", "shop", "-w", "-y", "--", "true"];
        let outcome = Pgconn::new(&arguments).on(&cluster).env("PGPASSFILE", file.to_str().unwrap()).run();
        assert_eq!(outcome.code, code, "{lines}: {outcome}");
        assert!(said.iter().all(|words| outcome.stderr.contains(words)), "{lines}: {outcome}");
    }
}
