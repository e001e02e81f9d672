//! Who gets into a demo: whoever started it, and no other user of the machine.

use super::super::common::{Outcome, Pgconn, psql};
use super::{Kept, demo};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Who one is, and whether one may do everything.
const WHO: &str = "select session_user, current_setting('is_superuser')";

/// The password file that the printed URI names.
fn password_file(demo: &Kept) -> PathBuf {
    PathBuf::from(demo.uri.split_once("?passfile=").expect("the URI names a password file").1)
}

/// What stands in it.
fn password(demo: &Kept) -> String {
    let lines = fs::read_to_string(password_file(demo)).unwrap();
    lines.lines().next().unwrap().rsplit(':').next().unwrap().to_owned()
}

/// psql, which asks nobody and prints bare values.
fn psql_to(dsn: &str, statement: &str) -> Pgconn {
    let program = psql().expect("the tests need psql: run ./dev test, which finds or installs it");
    Pgconn::of(program.to_str().unwrap(), &["-X", "-w", "-At", "-d", dsn, "-c", statement])
}

/// The way in that asks for no password.
fn by_socket(demo: &Kept) -> String {
    format!("host={} port={} user=postgres dbname=shop", demo.folder.display(), demo.port)
}

/// A user who has nothing to do with the demo, nor its server with him.
#[expect(clippy::print_stderr, reason = "a test that is not run says so")]
fn stranger(demo: &Kept) -> Option<u32> {
    if fs::metadata("/proc/self").map_or(true, |ours| ours.uid() != 0) {
        eprintln!("only root can be another user: that the demo's folder is closed is not tried here");
        return None;
    }
    let server = fs::metadata(&demo.folder).unwrap().uid();
    Some(if server == 65534 { 65533 } else { 65534 })
}

/// The roles that can log in.
fn roles(demo: &Kept) -> Vec<String> {
    let names = "select rolname from pg_roles where rolcanlogin";
    let names = psql_to(&by_socket(demo), names).run().success().stdout;
    names.lines().map(str::to_owned).collect()
}

#[test]
fn nobody_but_the_one_who_started_it_gets_in() {
    let demo = Kept::start(&[]);
    let stranger = stranger(&demo);
    let theirs = |program: Pgconn| match stranger {
        Some(id) => program.by_user(id),
        None => program,
    };
    let refused = |outcome: Outcome, why: &str| {
        assert_eq!(outcome.stdout, "", "{outcome}");
        assert!(outcome.code != 0 && outcome.stderr.contains(why), "{why}\n{outcome}");
    };
    for role in roles(&demo) {
        for more in ["", "replication=true", "replication=database"] {
            let dsn = format!("host=127.0.0.1 port={} user='{role}' dbname=shop {more}", demo.port);
            let attempt = || theirs(psql_to(&dsn, WHO));
            refused(attempt().run(), "no password supplied");
            refused(attempt().env("PGPASSWORD", "wrong").run(), "password authentication failed");
        }
    }
    let file = password_file(&demo);
    if let Some(id) = stranger {
        refused(psql_to(&demo.uri, WHO).by_user(id).run(), "no password supplied");
        refused(psql_to(&by_socket(&demo), WHO).by_user(id).run(), "Permission denied");
        for path in [&file, &demo.folder, &demo.folder.join("log"), &demo.folder.join("data/pg_hba.conf")] {
            assert!(path.exists(), "{}", path.display());
            let read = Pgconn::of("grep", &["-r", ".", path.to_str().unwrap()]);
            refused(read.by_user(id).run(), "Permission denied");
        }
    }
    assert_eq!(demo.end().code, 0);
    assert!(!file.exists());
}

#[test]
fn the_one_who_started_it_gets_in_as_every_role_by_the_printed_uri() {
    let demo = Kept::start(&[]);
    assert_eq!(psql_to(&demo.uri, WHO).run().success().stdout, "postgres|on\n");
    let document = Pgconn::new(&["stats", "--json", "-d", &demo.uri]).run().success().json();
    assert_eq!(
        (&document["target"]["host"], &document["target"]["user"]),
        (&"127.0.0.1".into(), &"postgres".into())
    );
    let hint = demo.running.stderr();
    let shown = hint.split_once("in another terminal: ").unwrap().1.split_once("; Ctrl-C").unwrap().0;
    let pasted = shown.replace("pgconn blockers --watch", "\"$0\" blockers --json");
    assert_ne!(shown, pasted);
    let pasted = Pgconn::of("sh", &["-c", &pasted, env!("CARGO_BIN_EXE_pgconn")]).run().success();
    assert_eq!(pasted.json()["kind"], "blockers");
    let file = password_file(&demo);
    for role in roles(&demo) {
        for host in ["127.0.0.1", "localhost"] {
            let dsn = format!(
                "host={host} port={} user='{role}' dbname=shop passfile={}",
                demo.port,
                file.display()
            );
            assert!(psql_to(&dsn, WHO).run().success().stdout.starts_with(&role), "{role:?}");
            let _ = Pgconn::new(&["stats", "--json", "-d", &dsn]).run().success();
        }
    }
    assert_eq!(demo.end().code, 0);
}

#[test]
fn a_command_on_it_needs_no_password_over_tcp_either() {
    let outcome = demo(&["--", "stats", "--json", "-w", "-h", "127.0.0.1", "-U", "guest"]).success();
    assert_eq!(outcome.json()["target"]["host"], "127.0.0.1");
}

/// Files in the folder, and processes of the machine, that hold this text.
fn holders(text: &str, folder: &Path) -> Vec<String> {
    let search = ["-rlaF", "-D", "skip", "-f", "-", folder.to_str().unwrap()];
    let files = Pgconn::of("grep", &search).input(text).run().stdout;
    let arguments = Pgconn::of("ps", &["-A", "-ww", "-o", "pid=,args="]).run().success().stdout;
    let said = arguments.lines().filter(|line| line.contains(text));
    let mut found: Vec<String> = files.lines().chain(said).map(str::to_owned).collect();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environment).contains(text) {
            found.push(process.path().display().to_string());
        }
    }
    found
}

#[test]
fn its_password_is_new_each_time_and_stands_in_one_file_of_its_owners_alone() {
    let (demo, other) = (Kept::start(&[]), Kept::start(&[]));
    let (file, secret) = (password_file(&demo), password(&demo));
    assert!(secret.len() >= 22, "fewer letters than 128 bits take");
    assert_ne!(secret, password(&other));
    assert_eq!(holders(&secret, &demo.folder), [file.to_str().unwrap()]);
    let socket = demo.folder.join(format!(".s.PGSQL.{}", demo.port));
    for (path, expected) in [(&file, 0o600), (&demo.folder, 0o700), (&socket, 0o700)] {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{} {mode:o}", path.display());
    }
    let ask = |statement: &str| psql_to(&demo.uri, statement).run().success().stdout;
    let rules = "select distinct type, auth_method from pg_hba_file_rules order by 1";
    assert_eq!(ask(rules), "host|scram-sha-256\nlocal|trust\n");
    assert_eq!(ask("show listen_addresses"), "127.0.0.1\n");
    let without = "select rolname from pg_authid where rolcanlogin and (rolpassword like 'SCRAM-SHA-256$%') is not true";
    assert_eq!(ask(without), "");
    assert_eq!((demo.end().code, other.end().code), (0, 0));
}
