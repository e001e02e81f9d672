//! Wrong command lines: each is answered with what is wrong, where, and what to write instead. The answers are written down in
//! `wrong_lines/told.txt`; `PGCONN_BLESS=1` (`./dev bless`) writes them anew, to be read before they are kept.

use super::common::Pgconn;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The words of a line; what stands in single quotes is one.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted): (Vec<String>, Option<String>, bool) = (Vec::new(), None, false);
    for character in line.chars() {
        match character {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

#[test]
fn each_is_answered_with_what_where_and_what_next() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_lines/told.txt");
    let written = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = written.lines().filter_map(|line| line.strip_prefix("$ pgconn ")).collect();
    assert!(lines.len() >= 120, "{}", lines.len());
    let (mut told, mut faults) = (String::new(), Vec::new());
    for line in lines {
        let typed = words(line);
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        let judges = ["check", "ping"].contains(&typed[0]);
        let outcome = Pgconn::new(&typed).run().fails_with(if judges { 3 } else { 2 });
        let _ = writeln!(told, "$ pgconn {line}\n{}", outcome.stderr);
        let parts: Vec<&str> = outcome.stderr.lines().collect();
        let [what, next] = parts.as_slice() else {
            faults.push(format!("not a message and a hint: {line}\n{outcome}"));
            continue;
        };
        let well = what.starts_with("error: ") && next.starts_with("hint: ") && outcome.stdout.is_empty();
        // What parsers and clap say among themselves.
        let workshop =
            ["invalid digit", "found in string", "..=", "invalid socket", "-- -", "subcommand", "''"];
        let jargon = workshop.iter().any(|words| outcome.stderr.contains(words) && !line.contains(words));
        // Where it is: the flag, the word, the command or the file that was typed is in the answer.
        let names = typed.iter().any(|word| {
            let word = word.trim_start_matches('-').split('=').next().unwrap_or_default();
            !word.is_empty() && outcome.stderr.contains(word)
        });
        if !well || jargon || !names {
            faults.push(format!("{line}\n{outcome}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    if std::env::var_os("PGCONN_BLESS").is_some() {
        fs::write(&path, told).unwrap();
    } else {
        assert_eq!(told, written, "what is said has changed: read it, and bless it");
    }
}

#[test]
fn where_a_setting_comes_from_is_said_and_where_a_server_could_be() {
    let port = Pgconn::new(&["stats"]).env("PGPORT", "xyz").run().fails_with(2);
    assert!(port.stderr.contains("\"xyz\"") && port.stderr.contains("variable PGPORT"), "{port}");
    let service = Pgconn::new(&["stats", "-S", "nosuch"]).run().fails_with(2);
    assert!(
        service.stderr.contains("\"nosuch\"") && service.stderr.contains(".pg_service.conf"),
        "{service}"
    );
    let nowhere = Pgconn::new(&["stats", "-h", "/nonexistent"]).run().fails_with(3);
    for way in ["-h HOST", "-d URI", "pgconn conninfo", "pgconn demo"] {
        assert!(nowhere.stderr.contains(way), "{way}: {nowhere}");
    }
}
