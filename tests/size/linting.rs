//! `size --lint`: what is wrong in configuration that exists.

use super::{folder, size};
use crate::common::Pgconn;

#[test]
fn the_linter_names_the_line_and_fails_on_errors() {
    let copied = "[databases]\nmyapp = host=127.0.0.1 dbname=myapp\n[pgbouncer]\nauth_type = md5\nauth_file = /u\n\
        pool_mode = transaction          ; session, transaction, or statement\ndefault_pool_size = 20\n";
    let lint = |flags: &[&str], text: &str| {
        let words = [&["size", "--lint", "-"], flags].concat();
        Pgconn::new(&words).input(text).run()
    };
    let found = lint(&["--json"], copied).fails_with(1);
    let findings = found.json()["findings"].clone();
    assert_eq!(
        (&findings[0]["line"], &findings[0]["code"]),
        (&6.into(), &"inline_comment".into()),
        "{found}"
    );
    assert!(lint(&[], copied).fails_with(1).stdout.contains("   6  error "), "a line for people");
    let fixed = copied.replace("          ; session, transaction, or statement", "");
    let _ = lint(&[], &fixed).success();
    let five = lint(&["--pooler-pairs", "5", "--max-connections", "100"], &fixed).fails_with(1);
    assert!(five.stdout.contains("open up to 100 server connections; the server has 97"), "{five}");
    assert!(
        five.stdout.contains("the pools (entries: 1, users of each: 5, PgBouncer processes: 1) open"),
        "{five}"
    );
    let neither = lint(&[], "hello").fails_with(1);
    assert!(neither.stderr.contains("neither a pgbouncer.ini"), "{neither}");
}

/// Nobody said what the server has: the sum is a guess, no error.
#[test]
fn an_assumed_limit_is_said_and_is_no_error() {
    let text = "[databases]\na = host=h\n[pgbouncer]\nauth_file = /u\ndefault_pool_size = 200\n";
    let lint = |flags: &[&str]| Pgconn::new(&[&["size", "--lint", "-"], flags].concat()).input(text).run();
    let seen = lint(&[]).success();
    assert_eq!(
        seen.stdout, "-: nothing found (max_connections is assumed 100; 2 notes with -v)\n",
        "a sound file has nothing but notes"
    );
    let all = lint(&["-v"]).success();
    assert!(all.stdout.contains("with an assumed max_connections of 100 the server has 97"), "{all}");
    let json = lint(&["--json"]).success().json();
    assert_eq!((&json["max_connections"], &json["max_connections_source"]), (&100.into(), &"assumed".into()));
    assert_eq!(
        (&json["findings"][0]["severity"], &json["findings"][0]["code"]),
        (&"note".into(), &"over_server".into())
    );
    let given = lint(&["--max-connections", "100"]).fails_with(1);
    assert!(given.stdout.contains("200 server connections; the server has 97 for ordinary roles"), "{given}");
}

/// As PgBouncer does, but from the folder of the file.
#[test]
fn included_files_are_read_from_the_folder_of_the_file() {
    let folder = folder("include");
    std::fs::write(folder.join("pgbouncer.ini"), "%include main.ini\n%include databases.ini\n").unwrap();
    std::fs::write(folder.join("main.ini"), "[pgbouncer]\nauth_file = users.txt\n").unwrap();
    std::fs::write(folder.join("users.txt"), format!("\"a\" \"md5{}\"\n", "0".repeat(32))).unwrap();
    std::fs::write(folder.join("databases.ini"), "[databases]\na = host=h port=0\n").unwrap();
    let path = folder.join("pgbouncer.ini");
    let json = Pgconn::new(&["size", "--lint", path.to_str().unwrap(), "--json"]).run().fails_with(1).json();
    let seen: Vec<_> =
        json["findings"].as_array().unwrap().iter().filter(|one| one["severity"] != "note").collect();
    assert_eq!((&seen[0]["file"], &seen[0]["line"]), (&"databases.ini".into(), &2.into()), "{json}");
    assert_eq!(seen[0]["prevents_start"], true, "{json}");
    assert_eq!((&seen[1]["file"], &seen[1]["code"]), (&"main.ini".into(), &"auth_md5".into()), "{json}");
    let users = folder.join("nobody.txt");
    std::fs::write(&users, "").unwrap();
    let text = format!("[databases]\na = host=h\n[pgbouncer]\nauth_file = {}\n", users.display());
    let below = folder.join("below");
    std::fs::create_dir(&below).unwrap();
    for (path, rc) in [(folder.join("pgbouncer.ini"), 1), (below.join("pgbouncer.ini"), 0)] {
        std::fs::write(&path, &text).unwrap();
        let seen = Pgconn::new(&["size", "--lint", path.to_str().unwrap()]).run();
        assert_eq!(seen.code, rc, "a list elsewhere may be another machine's: {seen}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Whoever lints what others wrote is shown nothing that lies elsewhere, whatever leads there.
#[test]
fn no_file_outside_of_the_folder_is_read() {
    let outside = folder("outside");
    let folder = outside.join("repository");
    std::fs::create_dir_all(folder.join("below")).unwrap();
    std::fs::write(outside.join("secret.ini"), "[databases]\ns3cret = host=h port=0\n").unwrap();
    let inside = folder.join("below/inside.ini");
    std::fs::write(&inside, "[databases]\nown = host=h port=0\n").unwrap();
    std::os::unix::fs::symlink("../secret.ini", folder.join("linked.ini")).unwrap();
    std::os::unix::fs::symlink("below/inside.ini", folder.join("near.ini")).unwrap();
    std::os::unix::fs::symlink("repository", outside.join("other-name")).unwrap();
    let lint = |name: &str, by: &str| {
        let path = outside.join(by).join("pgbouncer.ini");
        std::fs::write(&path, format!("%include {name}\n[pgbouncer]\nauth_file = /u\n")).unwrap();
        Pgconn::new(&["size", "--lint", path.to_str().unwrap()]).run()
    };
    let absolute = outside.join("secret.ini");
    for name in
        ["../secret.ini", "below/../../secret.ini", "linked.ini", "../gone.ini", absolute.to_str().unwrap()]
    {
        let seen = lint(name, "repository");
        assert!(
            seen.stdout.contains(" is not judged: it lies outside of the file's folder; "),
            "{name}: {seen}"
        );
        assert!(!seen.stdout.contains("s3cret"), "{name}: {seen}");
    }
    for name in ["below/inside.ini", "below/../near.ini", inside.to_str().unwrap()] {
        for by in ["repository", "other-name"] {
            let seen = lint(name, by).fails_with(1);
            assert!(seen.stdout.contains("port does not accept"), "{name}: {seen}");
        }
    }
    for name in ["repository/below/inside.ini", "repository/near.ini"] {
        let seen = lint(name, "repository").fails_with(1);
        assert!(seen.stdout.contains("port does not accept"), "PgBouncer is started above: {name}: {seen}");
    }
    let gone = lint("gone.ini", "repository");
    assert!(gone.stdout.contains("No such file"), "{gone}");
    std::fs::remove_dir_all(outside).unwrap();
}

#[test]
fn settings_of_other_files_are_judged_and_others_named() {
    let lint = |text: &str| {
        Pgconn::new(&["size", "--lint", "-", "--instances", "8", "--max-connections", "100"])
            .input(text)
            .run()
    };
    let spring = lint("spring:\n  datasource:\n    hikari:\n      maximum-pool-size: 20\n").fails_with(1);
    assert!(
        spring.stdout.contains("   4  error     8 pools of 20 (HikariCP) can open 160 connections"),
        "{spring}"
    );
    let compose = lint("services:\n  pooler:\n    environment:\n      DEFAULT_POOL_SIZE: 20\n").success();
    assert_eq!(compose.stdout, "-: nothing found\n");
    let other = lint("colour: red\n").fails_with(1);
    assert!(other.stderr.contains("judged are pgbouncer.ini, connection URLs"), "{other}");
}

/// What is wrong and what to do about it is the answer: on a narrow terminal it goes on below, and nothing is cut.
#[test]
fn a_finding_is_whole_on_a_terminal() {
    let folder = folder("lint");
    let path = folder.join("pgbouncer.ini");
    std::fs::write(&path, "[pgbouncer]\nauth_file = /u\npool_mode = transaction ; or session\n").unwrap();
    let seen = Pgconn::new(&["size", "--lint", path.to_str().unwrap()]).on_terminal().finish().fails_with(1);
    let words = "error the comment is part of the value of pool_mode: PgBouncer does not start → put the comment on a line of its own";
    assert!(seen.words().contains(words), "{seen}");
    assert!(seen.stdout.contains("the value of pool_mode:"), "no word is broken: {seen}");
    assert!(!seen.stdout.contains('…'), "{seen}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// A password is told of by its line, wherever the URL has it, and not told.
#[test]
fn a_password_is_found_and_not_repeated() {
    for url in ["jdbc:postgresql://h/db?user=u&password=s3cret", "postgres://u:s3cret@h/db?max=5&pool_size=0"]
    {
        let text = format!("# settings\nspring.datasource.url={url}\n");
        for format in ["table", "json", "tsv", "ndjson"] {
            let found = Pgconn::new(&["size", "--lint", "-", "-F", format, "-v"]).input(&text).run();
            assert!(found.stdout.contains("holds a password"), "{format}: {found}");
            assert!(
                !found.stdout.contains("s3cret") && !found.stderr.contains("s3cret"),
                "{format}: {found}"
            );
        }
        let found = Pgconn::new(&["size", "--lint", "-", "--json"]).input(&text).run().json();
        assert_eq!(found["findings"][0]["line"], 2, "{found}");
    }
}

#[test]
fn what_is_emitted_passes_the_linter() {
    for version in ["1.18", "1.24"] {
        for mode in ["transaction", "session"] {
            let ini = size(&format!(
                "--cores 4 --instances 8 --emit pgbouncer --mode {mode} --pgbouncer-version {version}"
            ));
            let linted = Pgconn::new(&["size", "--lint", "-", "--pgbouncer-version", version, "--json"])
                .input(&ini.success().stdout)
                .run()
                .success();
            let findings = linted.json()["findings"].as_array().unwrap().clone();
            let expected = if version == "1.18" && mode == "transaction" { 1 } else { 0 };
            assert_eq!(findings.len(), expected, "{linted}");
            assert!(findings.iter().all(|finding| finding["code"] == "prepared_statements"), "{linted}");
        }
    }
}
