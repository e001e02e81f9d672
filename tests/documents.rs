//! Manual pages and schemas as a packager and a script meet them.

use super::common::{Pgconn, shared};
use super::help;
use std::fs;
use std::path::{Path, PathBuf};

fn committed(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn every_page_is_sound_and_whole() {
    let pages = committed("man");
    for page in &pages {
        let page = page.to_str().unwrap();
        let lint = Pgconn::of("mandoc", &["-T", "lint", "-W", "error", page]).run();
        assert_eq!((lint.stdout.as_str(), lint.code), ("", 0), "{lint}");
        let shown = Pgconn::of("mandoc", &["-T", "ascii", page]).run().success().stdout;
        // mandoc underlines and emboldens by overstriking
        let shown = shown.chars().fold(String::new(), |mut text, character| {
            if character == '\u{8}' {
                text.pop();
            } else {
                text.push(character);
            }
            text
        });
        let sections: &[&str] = if page.ends_with("examples.7") {
            &["NAME", "DESCRIPTION", "AN INCIDENT", "EVERY MINUTE", "PLANNING", "SEE ALSO"]
        } else if page.ends_with("json.7") {
            &["NAME", "DESCRIPTION", "KINDS", "EXAMPLES", "SEE ALSO"]
        } else {
            &["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "EXIT STATUS", "ENVIRONMENT", "SEE ALSO"]
        };
        for section in sections {
            assert!(shown.contains(&format!("\n{section}\n")), "{page} has no {section}\n{shown}");
        }
    }
    let pages: Vec<&str> = pages.iter().map(|page| name(page)).collect();
    for command in help::commands() {
        assert!(pages.contains(&format!("pgconn-{command}.1").as_str()), "no page for {command}");
    }
    let stats = fs::read_to_string(
        &committed("man")[pages.iter().position(|page| *page == "pgconn-stats.1").unwrap()],
    );
    assert!(stats.unwrap().contains(".SH FILES"), "a command that connects names the files it reads");
}

#[test]
fn man_writes_all_pages_below_a_folder_that_is_named_as_one() {
    let folder = std::env::temp_dir().join(format!("pgconn-man-test-{}", std::process::id()));
    let outcome = Pgconn::new(&["man", "--dir", folder.to_str().unwrap()]).run().success();
    assert_eq!(outcome.stdout, "");
    for page in committed("man") {
        let section = page.extension().unwrap().to_str().unwrap();
        let written = fs::read_to_string(folder.join(format!("man{section}")).join(name(&page)));
        assert!(written.unwrap() == fs::read_to_string(&page).unwrap(), "{}", page.display());
    }
    let outcome = Pgconn::new(&["man", folder.to_str().unwrap()]).run().fails_with(2);
    assert!(outcome.stderr.contains("pgconn man --dir /"), "{outcome}");
    fs::remove_dir_all(&folder).unwrap();
    let outcome = Pgconn::new(&["man", "--dir", "/proc/nonexistent"]).run().fails_with(1);
    assert!(outcome.stderr.starts_with("error: could not write /proc/nonexistent/"), "{outcome}");
}

#[test]
fn man_prints_a_page_by_the_name_of_its_command() {
    let pages: &[(&[&str], &str)] = &[
        (&[], "PGCONN 1"),
        (&["kill"], "PGCONN-KILL 1"),
        (&["terminate"], "PGCONN-KILL 1"),
        (&["pgconn-kill"], "PGCONN-KILL 1"),
        (&["timeout", "set"], "PGCONN-TIMEOUT-SET 1"),
        (&["pooler-wait-close"], "PGCONN-POOLER-WAIT-CLOSE 1"),
        (&["json"], "PGCONN-JSON 7"),
        (&["examples"], "PGCONN-EXAMPLES 7"),
    ];
    for (words, title) in pages {
        // A command's name is no folder.
        let page = Pgconn::new(&[&["man"], *words].concat()).dir(Path::new("/proc")).run().success().stdout;
        assert!(page.starts_with(".ie") && page.contains(&format!("\n.TH {title} ")), "{words:?}: {page}");
    }
    for (typed, hint) in [
        (&["klil"][..], "did you mean pgconn man kill?"),
        (&["timeout", "sett"], "did you mean pgconn man timeout-set?"),
        (&["frobnicate"], "there is one for each command, json and examples"),
    ] {
        let outcome = Pgconn::new(&[&["man"], typed].concat()).run().fails_with(2);
        assert!(outcome.stderr.contains(hint), "{outcome}");
    }
}

#[test]
fn at_a_terminal_man_shows_the_page_and_without_man_it_goes_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = std::env::temp_dir().join(format!("pgconn-man-shown-{}", std::process::id()));
    let (with_man, without_man, temporary) = (home.join("with"), home.join("without"), home.join("tmp"));
    for folder in [&with_man, &without_man, &temporary] {
        fs::create_dir_all(folder).unwrap();
        std::os::unix::fs::symlink("/bin/sh", folder.join("sh")).unwrap();
    }
    let script = "#!/bin/sh\necho \"man was given $1\"\nwhile read line; do case $line in .TH*) echo \"$line\";; esac; \
                  done <\"${2:-$1}\"\nexit ${STATUS:-0}\n";
    fs::write(with_man.join("man"), script).unwrap();
    fs::set_permissions(with_man.join("man"), fs::Permissions::from_mode(0o755)).unwrap();
    let at_terminal = |path: &Path, variable: (&str, &str)| {
        let line = format!("PATH={} exec {} man kill", path.display(), env!("CARGO_BIN_EXE_pgconn"));
        let run = Pgconn::of("sh", &["-c", &line]).env("TMPDIR", &temporary);
        run.env(variable.0, variable.1).on_terminal().finish()
    };
    let shown = at_terminal(&with_man, ("STATUS", "0")).success().stdout;
    assert!(shown.contains("man was given ") && shown.contains(".TH PGCONN-KILL 1"), "{shown}");
    assert!(!shown.contains(".SH NAME"), "{shown}");
    let failed = at_terminal(&with_man, ("STATUS", "3")).fails_with(1);
    assert!(failed.to_string().contains("man ended with status 3"), "{failed}");
    let plain = at_terminal(&without_man, ("MANPAGER", "")).success();
    let text = plain.to_string();
    assert!(text.contains(".SH NAME") && text.contains("pgconn kill --help says the same"), "{text}");
    let pager = "while read line; do case $line in .TH*) echo \"paged $line\";; esac; done";
    let paged = at_terminal(&without_man, ("MANPAGER", pager)).success().to_string();
    assert!(paged.contains("paged .TH PGCONN-KILL 1") && !paged.contains(".SH NAME"), "{paged}");
    let left: Vec<_> = fs::read_dir(&temporary)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .collect();
    assert_eq!(left, ["sh"], "nothing is left behind");
    fs::remove_dir_all(&home).unwrap();
}

#[test]
fn a_synopsis_has_values_and_an_order() {
    let page = Pgconn::new(&["man", "drain"]).run().success().stdout;
    let synopsis = page.split(".SH SYNOPSIS\n").nth(1).unwrap().split("\n.SH").next().unwrap();
    let plain = synopsis.replace("\\fB", "").replace("\\fI", "").replace("\\fR", "").replace("\\-", "-");
    assert_eq!(
        plain,
        "pgconn drain [--db NAME] [--role NAME] [--fence FENCE] [--for DUR] [--verify DUR] [--dry-run] [--restore] \
         [--yes[=NAME]] [CONNECTION] [OUTPUT] [-- COMMAND...]"
    );
    let ls = Pgconn::new(&["man", "ls"]).run().success().stdout;
    assert!(!ls.contains("user\\fR"), "--user is refused, and no flag to be offered: {ls}");
}

#[test]
fn the_program_prints_the_committed_schemas() {
    let kinds = Pgconn::new(&["schema"]).run().success().stdout;
    let files = committed("schemas");
    assert_eq!(
        kinds.lines().collect::<Vec<_>>(),
        files.iter().map(|file| name(file).trim_end_matches(".json")).collect::<Vec<_>>()
    );
    for (kind, file) in kinds.lines().zip(&files) {
        let printed = Pgconn::new(&["schema", kind]).run().success().stdout;
        assert!(printed == fs::read_to_string(file).unwrap(), "{}", file.display());
        let schema: serde_json::Value = serde_json::from_str(&printed).unwrap();
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
    let outcome = Pgconn::new(&["schema", "stat"]).run().fails_with(2);
    assert!(outcome.stderr.contains("did you mean stats?"), "{outcome}");
}

/// The harness checks every document against its schema; here the fixed keys are looked at from outside.
#[test]
fn unknown_is_null_and_never_left_out() {
    let document = Pgconn::new(&["stats", "--json"]).on(shared()).run().success().json();
    let schema =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/stats.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let required = schema["required"].as_array().unwrap();
    assert_eq!(required.len(), schema["properties"].as_object().unwrap().len());
    for key in required {
        assert!(document.get(key.as_str().unwrap()).is_some(), "no {key} in {document:#}");
    }
    assert_eq!(document["target"]["service"], serde_json::Value::Null);
}
