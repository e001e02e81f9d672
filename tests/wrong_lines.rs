//! Wrong command lines: each is answered with what is wrong, where, and what to write instead. The answers are written down in
//! `wrong_lines/told.txt`; `PGCONN_BLESS=1` (`./dev bless`) writes them anew, to be read before they are kept.

use super::common::Pgconn;
use super::common::server::kept_folder;
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

/// The command lines that the hint for a wrong one gives, with examples for what stands for values.
fn hinted(line: &str, hint: &str) -> Vec<Vec<String>> {
    let hint = hint.trim_start_matches("hint: ");
    let example = |word: &str| match word {
        "NAME" | "DB" | "RULE" => "shop".to_owned(),
        "PID" => "4711".to_owned(),
        "N" => "4".to_owned(),
        "HOST" => "db1".to_owned(),
        "URI" => "postgresql:///shop".to_owned(),
        other => other.to_owned(),
    };
    // A part of a hint ends where its punctuation does.
    let parts: Vec<Vec<String>> = hint
        .split_inclusive([';', ',', '?', ':'])
        .map(|part| words(part.trim_end_matches([';', ',', '?', ':']).trim()))
        .collect();
    let mut all = Vec::new();
    for part in &parts {
        if let Some(at) = part.iter().position(|word| word == "pgconn") {
            let mut command: Vec<String> = Vec::new();
            for word in &part[at + 1..] {
                let follows = command.last().is_some_and(|last| {
                    last.starts_with('-') && last != "--watch"
                        || last == "help"
                        || last == "set"
                        || last == "man"
                });
                let is_word =
                    word.chars().all(|character| character.is_ascii_lowercase() || character == '-');
                // What explains the command comes behind it.
                if !command.is_empty() && is_word && !word.starts_with('-') && !follows {
                    break;
                }
                command.push(example(word));
            }
            all.push(command);
        } else if let Some(at) =
            part.iter().position(|word| ["write", "like", "written"].contains(&word.as_str()))
            && let Some(at) = part[at..].iter().position(|word| word.starts_with("--")).map(|more| at + more)
        {
            // The same line, with what is to be written instead of the flag that is wrong.
            let flag = part[at].split('=').next().unwrap_or_default();
            let typed = words(line);
            let is_it =
                |word: &String| word.split('=').next() == Some(flag) || word == "-t" && flag == "--timeout";
            let wrong = typed.iter().position(is_it).unwrap_or(typed.len());
            let unit = typed
                .get(wrong + 2)
                .is_some_and(|word| part.last().is_some_and(|last| last.ends_with(word.as_str())));
            let is_joined = typed.get(wrong).is_some_and(|word| word.contains('='));
            let takes = part.len() > at + 1 || part[at].contains('=');
            let behind = wrong + 1 + usize::from(takes && !is_joined) + usize::from(unit);
            let written = part[at..].iter().take(2).map(|word| example(word));
            let before = typed.iter().take(wrong).cloned();
            all.push(before.chain(written).chain(typed.iter().skip(behind).cloned()).collect());
        }
    }
    all
}

#[test]
fn what_a_hint_says_to_write_is_no_wrong_line() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_lines/told.txt");
    let written = fs::read_to_string(&path).unwrap();
    let mut answers = written.split("\n\n").filter(|answer| !answer.trim().is_empty());
    let (mut commands, mut faults) = (std::collections::BTreeSet::new(), Vec::new());
    let wrong = answers.by_ref().flat_map(|answer| {
        let mut lines = answer.lines();
        let line = lines.next().and_then(|line| line.strip_prefix("$ pgconn ")).unwrap_or_default();
        hinted(line, lines.find(|line| line.starts_with("hint: ")).unwrap_or_default())
    });
    for command in wrong {
        // Those start servers, write files, or need what is not there.
        let starts = ["demo", "serve"].contains(&command.first().map_or("", String::as_str))
            || command.iter().any(|word| word == "--dir");
        if !starts && !command.iter().any(|word| word.contains('<')) {
            commands.insert(command);
        }
    }
    assert!(commands.len() >= 60, "{commands:?}");
    for command in commands {
        let typed: Vec<&str> = command.iter().map(String::as_str).collect();
        let outcome = Pgconn::new(&typed).env("PGPORT", "xyz").env("MANPAGER", "cat").run();
        let faulty = [
            "unexpected",
            "invalid value",
            "unrecognized",
            "a value is required",
            "required arguments",
            "needs a command",
            "there is no rule",
            "there is no page",
        ];
        if faulty.iter().any(|words| outcome.stderr.starts_with(&format!("error: {words}"))) {
            faults.push(format!("pgconn {}\n{outcome}", command.join(" ")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
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

#[test]
fn a_file_that_never_ends_is_refused() {
    let folder = kept_folder("endless");
    fs::create_dir_all(&folder).unwrap();
    let pipe = folder.join("pipe");
    let _ = fs::remove_file(&pipe);
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let path = pipe.to_str().unwrap();
    for (line, variable) in [
        (&["stats"][..], "PGCONN_CONFIG"),
        (&["stats", "-S", "x"], "PGSERVICEFILE"),
        (&["stats", "--targets", path], "UNUSED"),
        (&["doctor", "--accepted", path], "UNUSED"),
        (&["serve", "--basic-auth-file", path], "UNUSED"),
        (&["serve", "--tls-cert", path, "--tls-key", "/dev/null"], "UNUSED"),
    ] {
        let run = Pgconn::new(line).env(variable, path);
        let outcome = run.run().fails_with(2);
        assert!(outcome.stderr.contains("it is no regular file"), "{line:?}\n{outcome}");
    }
}
