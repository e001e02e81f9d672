//! The architecture as a test: who may use whom, and where the outside world is touched.

use std::fs;
use std::path::{Path, PathBuf};

/// For each part of `src`, the parts it may name with `crate::`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("exit", &[]),
    ("stop", &["exit"]),
    ("conninfo", &["conninfo"]),
    ("cluster", &[]),
    ("analyze", &["analyze", "model"]),
    ("poolconf", &["poolconf", "analyze", "model"]),
    ("db", &["db", "conninfo", "model", "stop"]),
    ("error", &["db", "exit", "conninfo"]),
    ("render", &["render", "model"]),
    ("descriptor", &[]),
    ("outlet", &["stop"]),
    ("screen", &["outlet", "render", "stop"]),
    ("output", &["descriptor", "outlet", "render", "screen", "stop"]),
    ("ui", &["render", "error", "conninfo", "outlet"]),
    ("args", &["model", "render", "conninfo"]),
    (
        "commands",
        &[
            "commands", "args", "ui", "outlet", "output", "error", "exit", "stop", "db", "model", "analyze",
            "poolconf", "render", "conninfo", "cluster",
        ],
    ),
    ("cli", &["args", "commands", "error", "exit"]),
    ("main", &["cli", "commands", "conninfo", "error", "exit", "outlet", "output", "render", "stop", "ui"]),
];

/// For each outside thing, the only parts, or single files, that may name it.
const ONLY_IN: &[(&str, &[&str])] = &[
    // that file writes a Rust program that uses it
    ("tokio_postgres", &["db", "poolconf/emit/deadpool.rs"]),
    ("postgres_protocol", &["db"]),
    ("rustls", &["db"]),
    ("use ring", &["db"]),
    ("comfy_table", &["render"]),
    // the terminal; signals to a command that runs meanwhile; descriptors, and writing without waiting
    ("rustix", &["ui", "commands/act/meanwhile.rs", "descriptor", "outlet", "screen"]),
    ("signal_hook::", &["stop"]),
    ("serde_json::", &["render", "commands"]),
    ("clap::", &["cli", "args", "commands", "render", "main"]),
    (
        "std::fs",
        &["descriptor", "outlet", "output", "main", "stop", "ui", "conninfo", "cluster", "db", "commands"],
    ),
    ("std::net::", &["db", "conninfo", "cluster", "model", "args", "analyze", "commands"]),
    ("stdout()", &["main", "descriptor"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What a line says before its comment, and nothing at all in the tests of a file.
fn code(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

#[test]
fn everybody_uses_only_whom_they_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let part = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        let allowed = MAY_USE.iter().find(|(name, _)| *name == part).map(|(_, allowed)| *allowed);
        let allowed = allowed.unwrap_or_else(|| panic!("tests/layers.rs does not know the part {part}"));
        let text = fs::read_to_string(&file).unwrap();
        let is_test = |line: &str| line.starts_with("#[cfg(test)]") || line.starts_with("#![cfg(test)]");
        let lines = text.lines().take_while(|line| !is_test(line));
        for (number, line) in lines.enumerate() {
            let place = format!("src/{}:{}", inside.display(), number + 1);
            for used in code(line).split("crate::").skip(1) {
                let used: String =
                    used.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if !used.is_empty() && used != part && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{place}: {part} may not use {used}"));
                }
            }
            for (thing, parts) in ONLY_IN {
                let may = parts.contains(&part) || parts.iter().any(|file| inside == Path::new(file));
                if code(line).contains(thing) && !may {
                    wrong.push(format!("{place}: only {} may use {thing}", parts.join(", ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
