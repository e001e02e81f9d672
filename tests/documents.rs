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
        let sections: &[&str] = if page.ends_with("json.7") {
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
fn man_writes_all_pages_below_a_folder() {
    let folder = std::env::temp_dir().join(format!("pgconn-man-{}", std::process::id()));
    let outcome = Pgconn::new(&["man", folder.to_str().unwrap()]).run().success();
    assert_eq!(outcome.stdout, "");
    for page in committed("man") {
        let section = page.extension().unwrap().to_str().unwrap();
        let written = fs::read_to_string(folder.join(format!("man{section}")).join(name(&page)));
        assert!(written.unwrap() == fs::read_to_string(&page).unwrap(), "{}", page.display());
    }
    fs::remove_dir_all(&folder).unwrap();
    let first = Pgconn::new(&["man"]).run().success().stdout;
    assert!(first.starts_with(".ie") && first.contains(".TH PGCONN 1"), "{first}");
    // a command's name is no folder
    for name in ["kill", "terminate"] {
        let page = Pgconn::new(&["man", name]).dir(Path::new("/proc")).run().success().stdout;
        assert!(page.contains(".TH PGCONN-KILL 1"), "{name}: {page}");
    }
    let outcome = Pgconn::new(&["man", "/proc/nonexistent"]).run().fails_with(1);
    assert!(outcome.stderr.starts_with("error: could not write /proc/nonexistent/"), "{outcome}");
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
