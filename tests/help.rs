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
    assert_eq!(Pgconn::new(&["help"]).run().success().stdout, screen.stdout);
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

/// Commands of commands.
const INNER: &[&[&str]] = &[
    &["timeout", "set"],
    &["timeout", "reset"],
    &["pooler", "clients"],
    &["pooler", "servers"],
    &["pooler", "pause"],
    &["pooler", "resume"],
    &["pooler", "disable"],
    &["pooler", "enable"],
    &["pooler", "kill"],
    &["pooler", "reconnect"],
    &["pooler", "wait-close"],
];

#[test]
fn the_help_of_each_command_is_one_screen_or_whole() {
    let commands = commands();
    assert!(commands.contains(&"stats".to_owned()), "{commands:?}");
    let outer: Vec<[&str; 1]> = commands.iter().map(|command| [command.as_str()]).collect();
    for command in outer.iter().map(|command| &command[..]).chain(INNER.iter().copied()) {
        let name = command.join(" ");
        let run = |before: &[&str], after: &[&str]| {
            Pgconn::new(&[before, command, after].concat()).run().success().stdout
        };
        let short = run(&[], &["-h"]);
        assert_fits(&short, 23);
        assert_eq!((run(&[], &["-?"]), run(&["help"], &[])), (short.clone(), short.clone()), "{name}");
        assert!(short.contains(&format!("\nUsage: pgconn {name} ")), "{short}");
        assert!(short.ends_with("And the flags of every command: pgconn help flags. More of each: --help\n"));
        let examples = short.lines().filter(|line| line.trim_start().starts_with("pgconn "));
        let examples: Vec<&str> = examples.collect();
        assert!((1..=2).contains(&examples.len()), "{short}");
        let shows = |line: &&str| command.iter().all(|word| line.split(' ').any(|part| part == *word));
        assert!(examples.iter().all(shows), "{short}");
        assert!(!short.contains("--password-command"), "{short}");
        let long = run(&[], &["--help"]);
        assert_fits(&long, 400);
        for section in ["Connection (as psql):\n", "Examples:\n", "Exit status:\n", "Environment:\n"] {
            assert!(long.contains(section), "no {section} in\n{long}");
        }
        // Every flag that the short one has, and more.
        for flag in short.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2) {
            assert!(long.contains(flag.trim_end_matches(['[', ',', ';'])), "{flag} is not in\n{long}");
        }
    }
}

#[test]
fn filters_have_a_line_each_where_the_screen_has_room_and_a_text_of_their_own() {
    let ls = Pgconn::new(&["help", "ls"]).run().success().stdout;
    assert!(
        ls.contains("  --idle-for <DUR>   Sessions idle, in a transaction or not, for this long\n"),
        "{ls}"
    );
    let kill = Pgconn::new(&["help", "kill"]).run().success().stdout;
    assert!(kill.contains("  --idle-for --xact-for --query-for <DUR>  --all-backends\n"), "{kill}");
    assert!(kill.contains("pgconn help filters"), "{kill}");
    let filters = Pgconn::new(&["help", "filters"]).run().success().stdout;
    assert_fits(&filters, 23);
    assert!(
        filters.contains("Sessions with this application_name") && filters.contains("'batch*'"),
        "{filters}"
    );
    let flags = Pgconn::new(&["help", "flags"]).run().success().stdout;
    assert_fits(&flags, 45);
    for flag in ["-h, --host <HOST>", "--targets <FILE>", "--watch[=<DUR>]", "-?, --help"] {
        assert!(flags.contains(flag), "{flag} is not in\n{flags}");
    }
    let wrong = Pgconn::new(&["help", "flgs"]).run().fails_with(2);
    assert!(wrong.stderr.contains("did you mean flags?"), "{wrong}");
}

#[test]
fn help_keeps_to_narrow_screens() {
    let short = Pgconn::new(&["help", "kill"]).env("COLUMNS", "50").run().success().stdout;
    let examples = |line: &&str| !line.trim_start().starts_with("pgconn ") && !line.starts_with("And ");
    let widest = short.lines().filter(examples).map(|line| line.chars().count()).max();
    assert!(widest <= Some(50), "{short}");
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
fn a_long_hint_is_broken_between_words_on_a_terminal_and_commands_are_not() {
    let line = ["stats", "-h", "/nonexistent"];
    let shown = Pgconn::new(&line).on_terminal().finish().fails_with(3).stdout;
    let hint = shown.split("hint: ").nth(1).unwrap();
    assert!(hint.lines().count() > 1 && hint.lines().all(|line| line.trim_end().len() <= 80), "{shown}");
    assert!(hint.lines().any(|line| line.contains("pgconn conninfo shows where host and port")), "{shown}");
    let piped = Pgconn::new(&line).run().fails_with(3).stderr;
    assert_eq!(piped.lines().filter(|line| line.starts_with("hint: ")).count(), 1);
    assert_eq!(piped.lines().count(), 2, "{piped}");
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
