//! The files that are generated and committed: completions, man pages, schemas. Each is held equal to what the program
//! makes of itself; `PGCONN_BLESS=1` (`./dev bless`) writes them anew.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clap::ValueEnum;

use crate::commands::{COMMANDS, completions, man, schema};

/// Compares the files in `folder` with `expected`, or makes them so.
fn hold(folder: &str, expected: &BTreeMap<String, String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let bless = std::env::var_os("PGCONN_BLESS").is_some();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !expected.contains_key(name) {
            assert!(bless, "nothing generates {}: run ./dev bless", path.display());
            fs::remove_file(&path).unwrap();
        }
    }
    for (name, text) in expected {
        let path = folder.join(name);
        let committed = fs::read_to_string(&path).unwrap_or_default();
        if bless && committed != *text {
            fs::write(&path, text).unwrap();
        } else {
            let line = committed.lines().zip(text.lines()).position(|(left, right)| left != right);
            assert!(
                committed == *text,
                "{} differs from the program from line {line:?} (counted from 0): run ./dev bless",
                path.display()
            );
        }
    }
}

#[test]
fn completions_are_what_the_program_prints() {
    let scripts = completions::Shell::value_variants().iter().map(|shell| {
        let script = completions::script(*shell, super::command());
        let name = match shell {
            completions::Shell::Bash => "pgconn.bash",
            completions::Shell::Elvish => "pgconn.elv",
            completions::Shell::Fish => "pgconn.fish",
            completions::Shell::Powershell => "_pgconn.ps1",
            completions::Shell::Zsh => "_pgconn",
        };
        (name.to_owned(), String::from_utf8(script).unwrap())
    });
    hold("completions", &scripts.collect());
}

#[test]
fn man_pages_are_what_the_program_prints() {
    let schemas: Vec<(&str, String)> =
        schema::generated().iter().map(|(kind, schema)| (*kind, schema.as_value().to_string())).collect();
    let schemas: Vec<(&str, &[u8])> =
        schemas.iter().map(|(kind, schema)| (*kind, schema.as_bytes())).collect();
    let manuals: Vec<_> = COMMANDS.iter().map(|entry| (entry.name, &entry.manual)).collect();
    hold("man", &man::pages(super::command(), &manuals, &schemas).unwrap().into_iter().collect());
}

#[test]
fn schemas_are_what_the_types_say() {
    let generated = schema::generated();
    let schemas = generated.iter().map(|(kind, schema)| {
        (format!("{kind}.json"), format!("{}\n", serde_json::to_string_pretty(schema).unwrap()))
    });
    hold("schemas", &schemas.collect());
    let printed: Vec<&str> = schema::SCHEMAS.iter().map(|(kind, _)| *kind).collect();
    let known: Vec<&str> = generated.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(printed, known, "commands/schema.rs: SCHEMAS and generated() list the same kinds");
}
