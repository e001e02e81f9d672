//! Other people's text: escape sequences, broken encodings and floods neither reach a terminal nor break a format.

use super::common::{Cluster, Pgconn, wait_until, with};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::process::Command;
use std::thread;

/// True for what may be in the output: line ends and visible characters.
fn is_clean(text: &str) -> bool {
    let invisible = |character: char| matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().all(|character| character == '\n' || (!character.is_control() && !invisible(character)))
}

fn hostile() -> (Cluster, Vec<super::common::Session>) {
    let cluster = with(&[("track_activity_query_size", "110000")]);
    let mut admin = cluster.session();
    admin.query("create role \"esc\u{1b}[31m\u{202e}\" login");
    admin.query("create database \"d\u{1b}]0;owned\u{7}\r\"");
    admin.query("create database latin encoding 'LATIN1' locale 'C' template template0");
    let mut named = cluster
        .connect(&[
            ("user", "esc\u{1b}[31m\u{202e}"),
            ("database", "d\u{1b}]0;owned\u{7}\r"),
            ("application_name", "a\u{1b}b\tc"),
        ])
        .unwrap();
    named.query("select 'x\u{1b}[2J\r\n\u{202e}\u{9b}31m'");
    let mut latin = cluster.connect(&[("database", "latin"), ("client_encoding", "LATIN1")]).unwrap();
    latin.send_bytes(b"select 'caf\xe9'");
    latin.finish().unwrap();
    let mut large = cluster.session();
    large.query(&format!("select length('{}')", "é".repeat(50_000)));
    (cluster, vec![named, latin, large])
}

#[test]
fn no_format_lets_foreign_text_through() {
    let (cluster, _sessions) = hostile();
    for command in ["ls", "long", "stats"] {
        for format in ["table", "json", "ndjson", "tsv"] {
            let arguments = [command, "-F", format];
            let outcome = Pgconn::new(&arguments).on(&cluster).run().success();
            let text = outcome.stdout.replace('\t', "");
            assert!(is_clean(&text), "{arguments:?}: {text:?}");
        }
    }
    let ls = Pgconn::new(&["ls", "--json"]).on(&cluster).run().success().json();
    let queries: Vec<&str> =
        ls["sessions"].as_array().unwrap().iter().filter_map(|row| row["query"].as_str()).collect();
    assert!(
        queries.contains(&"select 'x\u{1b}[2J\r\n\u{202e}\u{9b}31m'"),
        "JSON keeps what was said: {queries:?}"
    );
    assert!(queries.contains(&"select 'caf\u{fffd}'"), "another encoding is decoded lossily");
    assert!(queries.iter().any(|query| query.len() > 100_000), "a large text arrives whole");
    let roles: Vec<&str> =
        ls["sessions"].as_array().unwrap().iter().filter_map(|row| row["role"].as_str()).collect();
    assert!(roles.contains(&"esc\u{1b}[31m\u{202e}"));
    let table = Pgconn::new(&["ls", "--db", "d*"]).on(&cluster).run().success().stdout;
    assert!(table.contains("esc\\x1B[31m\\u{202E}") && table.lines().count() == 3, "{table}");
    let tsv = Pgconn::new(&["ls", "-F", "tsv"]).on(&cluster).run().success().stdout;
    let columns = |line: &str| line.split('\t').count();
    let named = tsv.lines().next().map(columns).unwrap();
    assert!(named > 20 && tsv.lines().all(|line| columns(line) == named), "{tsv}");
}

#[test]
fn every_encoding_of_the_own_database_can_look() {
    let (cluster, _sessions) = hostile();
    let mut admin = cluster.session();
    for encoding in ["SQL_ASCII", "EUC_JP", "LATIN1", "UTF8"] {
        let database = format!("in_{}", encoding.to_lowercase());
        admin.query(&format!(
            "create database {database} encoding '{encoding}' locale 'C' template template0"
        ));
        for command in ["ls", "long", "stats"] {
            let outcome =
                Pgconn::new(&[command, "--json"]).on(&cluster).env("PGDATABASE", &database).run().success();
            assert!(is_clean(&outcome.stdout), "{encoding}");
        }
    }
}

#[test]
fn what_fits_no_encoding_is_watched_as_long_as_anybody_likes() {
    let (cluster, _sessions) = hostile();
    cluster.session().query("create database raw encoding 'SQL_ASCII' locale 'C' template template0");
    let run = Pgconn::new(&["ls", "--json", "--watch=100ms"]).on(&cluster).env("PGDATABASE", "raw").spawn();
    wait_until("many looks", || run.stdout().lines().count() >= 12);
    run.signal(Signal::SIGINT);
    assert!(is_clean(&run.finish().success().stdout));
}

#[test]
fn query_text_can_be_kept_out() {
    let cluster = with(&[]);
    let mut session = cluster.session();
    session.query("select 'secret'");
    for format in ["table", "json", "ndjson", "tsv"] {
        let outcome = Pgconn::new(&["ls", "--no-query", "-F", format]).on(&cluster).run().success();
        assert!(!outcome.stdout.contains("secret"), "{format}");
    }
    assert!(Pgconn::new(&["ls"]).on(&cluster).run().success().stdout.contains("secret"));
}

#[test]
fn a_flood_of_applications_does_not_flood_the_output() {
    let cluster = with(&[("max_connections", "320")]);
    let sessions: Vec<_> = (0..300)
        .map(|number| cluster.connect(&[("application_name", &format!("job-{number}"))]).unwrap())
        .collect();
    let outcome = Pgconn::new(&["stats", "--json"]).on(&cluster).settling(&cluster).run().success();
    let stats = outcome.json();
    assert_eq!(stats["by_application"].as_array().unwrap().len(), 20);
    assert_eq!(stats["rest"]["by_application"]["groups"], 280);
    assert_eq!(stats["rest"]["by_application"]["count"], 280);
    let table =
        Pgconn::new(&["stats", "--limit", "5"]).on(&cluster).settling(&cluster).run().success().stdout;
    assert!(table.contains("(295 more, 295 sessions)"), "{table}");
    assert!(table.lines().count() < 20, "{table}");
    drop(sessions);
}

#[test]
fn a_terminal_gets_one_line_per_session() {
    let cluster = with(&[]);
    let mut session = cluster.session();
    session.query(&format!("select '{}'", "wide 日本 ".repeat(40)));
    let mut terminal = Pgconn::new(&["ls", "--color", "never"]).on(&cluster).on_terminal();
    terminal.wait_for("1 session\r\n");
    terminal.type_keys("");
    let screen = terminal.finish().stdout;
    let row = screen.lines().find(|line| line.contains("select")).unwrap();
    assert!(row.trim_end().ends_with('…'), "{row}");
    let whole = Pgconn::new(&["ls"]).on(&cluster).run().success().stdout;
    assert!(
        !whole.contains('…') && whole.lines().any(|line| line.chars().count() > 300),
        "a pipe is never cut"
    );
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let cluster = with(&[]);
    let folder = std::env::temp_dir().join(format!("pgconn-test-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("stats.json");
    let path = file.to_str().unwrap();
    let outcome = Pgconn::new(&["stats", "--json", "-o", path]).on(&cluster).run().success();
    assert_eq!(outcome.stdout, "");
    let first = fs::read_to_string(&file).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&first).is_ok());
    Pgconn::new(&["stats", "--json", "-o", path])
        .on(&cluster)
        .env("PGHOST", "/nonexistent")
        .run()
        .fails_with(3);
    assert_eq!(fs::read_to_string(&file).unwrap(), first, "a failure leaves the old file");
    // what is there keeps its permissions, a link leads on, and a pipe or a device is written to, never replaced
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.join("link");
    symlink("stats.json", &link).unwrap();
    let _ = Pgconn::new(&["ls", "--json", "-o", link.to_str().unwrap()]).on(&cluster).run().success();
    assert_ne!(fs::read_to_string(&file).unwrap(), first);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    fs::remove_file(&link).unwrap();
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    let _ = Pgconn::new(&["ls", "--json", "-o", pipe.to_str().unwrap()]).on(&cluster).run().success();
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(serde_json::from_str::<serde_json::Value>(&reader.join().unwrap()).is_ok());
    fs::remove_file(&pipe).unwrap();
    let dash = Pgconn::new(&["ls", "--json", "-o", "-"]).on(&cluster).run().success();
    assert_eq!(dash.json()["kind"], "ls");
    let dash = Pgconn::new(&["size", "--cores", "4", "--emit", "hikaricp", "-o", "-"]).run().success();
    assert!(dash.stdout.contains("maximum-pool-size"), "{dash}");
    let nowhere = folder.join("no/such/folder/x");
    let outcome = Pgconn::new(&["stats", "-o", nowhere.to_str().unwrap()]).on(&cluster).run().fails_with(1);
    assert!(outcome.stderr.starts_with("error: could not write"), "{}", outcome.stderr);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no temporary file is left");
    fs::remove_dir_all(&folder).unwrap();
}
