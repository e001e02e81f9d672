//! Help as a newcomer meets it: one screen, every way of asking, and what was probably meant.

use super::common::{Pgconn, shared};

/// The names of the commands, as the first screen lists them.
pub(crate) fn commands() -> Vec<String> {
    let screen = Pgconn::new(&["-?"]).run().success().stdout;
    let listed = screen.split("OPTIONS]\n\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let named = |line: &str| -> Vec<String> {
        // Several stand in one line with commas between them, or one with what it does.
        let (listed, first) = (line[9..].split(", "), line[9..].split_whitespace().next().unwrap());
        let several = listed.clone().all(|word| !word.contains(' '));
        if several { listed.map(str::to_owned).collect() } else { vec![first.to_owned()] }
    };
    listed.lines().flat_map(named).collect()
}

#[track_caller]
fn assert_fits(text: &str, lines: usize) {
    let widest = text.lines().max_by_key(|line| line.chars().count()).unwrap_or_default();
    assert!(widest.chars().count() <= 80, "too wide: {widest}");
    assert!(text.lines().count() <= lines, "{} lines, at most {lines}:\n{text}", text.lines().count());
}

#[test]
fn every_way_of_asking_shows_the_same_screen() {
    let screen = Pgconn::new(&["-?"]).run().success();
    assert_fits(&screen.stdout, 23);
    assert_eq!(screen.stderr, "");
    assert_eq!(Pgconn::new(&["-h"]).run().success().stdout, screen.stdout);
    let bare = Pgconn::new(&[]).run().fails_with(2);
    assert_eq!((bare.stdout.as_str(), &bare.stderr), ("", &screen.stdout));
    let long = Pgconn::new(&["--help"]).run().success().stdout;
    let whole = screen.stdout.trim_end();
    assert!(long.starts_with(whole), "{long}");
    assert_eq!(Pgconn::new(&["help"]).run().success().stdout, long);
    for section in ["Connection (as psql):", "Output:", "Examples:", "Exit status:", "Environment:"] {
        assert!(long.contains(section), "no {section} in\n{long}");
    }
    for group in ["Look", "pgconn stats", "pgconn COMMAND -h"] {
        assert!(whole.contains(group), "no {group} in\n{whole}");
    }
}

#[test]
fn a_lone_host_is_help_only_at_the_end() {
    let help = Pgconn::new(&["ls", "-?"]).run().success().stdout;
    for line in [&["ls", "-h"][..], &["ls", "--db", "x", "-h"], &["-h", "db1", "ls", "-h"]] {
        assert_eq!(Pgconn::new(line).run().success().stdout, help, "{line:?}");
    }
    let outcome = Pgconn::new(&["ls", "-h", "/nonexistent"]).run();
    assert!(outcome.code != 0 && outcome.stderr.starts_with("error: "), "{outcome}");
}

#[test]
fn the_help_of_each_command_is_short_or_whole() {
    let commands = commands();
    assert!(commands.contains(&"stats".to_owned()), "{commands:?}");
    for command in &commands {
        let short = Pgconn::new(&[command, "-h"]).run().success().stdout;
        assert_fits(&short, 45);
        assert!(short.contains(&format!("pgconn help {command}")), "{short}");
        let long = Pgconn::new(&["help", command]).run().success().stdout;
        assert_fits(&long, 400);
        assert_eq!(Pgconn::new(&[command, "--help"]).run().success().stdout, long);
        for section in ["Examples:\n", "Exit status:\n", "Environment:\n"] {
            assert!(long.contains(section), "no {section} in\n{long}");
        }
    }
}

#[test]
fn a_typing_error_is_answered_with_what_was_meant() {
    for (line, hint) in [
        (&["stat"][..], "did you mean stats?"),
        (&["help", "lst"], "did you mean ls?"),
        (&["--jsn", "stats"], "did you mean --json?"),
        (&["stats", "--dbb", "x"], "did you mean --db?"),
        (&["ls", "--state", "actve"], "did you mean \"active\"?"),
        (&["ls", "--sort", "applicaton"], "did you mean application?"),
        (&["ls", "--user", "x"], "-U (--username) says who connects, --role selects whose sessions"),
        (&["ls", "surplus"], "--db surplus selects"),
        (&["ls", "0"], "find pids and session ids with pgconn ls"),
        (&["xyzzy"], "try pgconn --help"),
        (&[""], "try pgconn --help"),
    ] {
        let outcome = Pgconn::new(line).run().fails_with(2);
        assert!(outcome.stderr.contains(hint), "{line:?}\n{outcome}");
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn help_and_version_write_no_escape_codes_into_a_pipe() {
    for line in [&["--help"][..], &["help", "ls"], &["--version"], &["-V"]] {
        let outcome = Pgconn::new(line).env_remove("NO_COLOR").run().success();
        assert!(!outcome.stdout.contains('\u{1b}'), "{outcome}");
    }
}

#[test]
fn a_misspelt_service_database_or_role_is_answered_with_what_exists() {
    let file = std::env::temp_dir().join(format!("pgconn-services-{}", std::process::id()));
    std::fs::write(&file, "[production]\nhost=db1\n# [commented]\n[staging]\nhost=db2\n").unwrap();
    for (typed, hint) in [
        ("producton", "hint: did you mean -S production?; looked into /"),
        ("elsewhere", "hint: there are: staging, production; looked into /"),
    ] {
        let run = Pgconn::new(&["stats", "-S", typed]).env("PGSERVICEFILE", file.to_str().unwrap()).run();
        let outcome = run.fails_with(2);
        assert!(outcome.stderr.contains(hint), "{outcome}");
    }
    std::fs::remove_file(&file).unwrap();
    for (flag, typed, hint) in [("--db", "postgrse", "postgres"), ("--role", "postgers", "postgres")] {
        let outcome = Pgconn::new(&["ls", flag, typed]).on(shared()).run().success();
        assert!(outcome.stderr.contains(&format!("did you mean {flag} {hint}?")), "{outcome}");
    }
}
