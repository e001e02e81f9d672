//! The architecture as a test: who may use whom, where the outside world is touched, no circles between files, files that can be
//! read at once.

mod graph;
mod source;
mod walked_round;

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::LazyLock;

use graph::{Graph, circles};
use source::{Files, Found, Sources};

/// For each part of `src`, the other parts that it may name. A part that is not there yet may stand here, so that it is built in
/// its place.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("exit", &[]),
    ("stop", &["exit"]),
    ("after_panic", &[]),
    ("cluster", &[]),
    ("conninfo", &["model"]),
    ("analyze", &["model"]),
    ("poolconf", &["model", "analyze"]),
    ("db", &["model", "conninfo", "stop", "after_panic"]),
    ("observe", &["model", "conninfo", "db", "stop"]),
    ("act", &["model", "conninfo", "analyze", "db", "observe", "error", "stop", "after_panic"]),
    ("render", &["model"]),
    ("error", &["exit", "conninfo", "db"]),
    ("descriptor", &[]),
    ("outlet", &["stop"]),
    ("terminal", &["render", "after_panic"]),
    ("screen", &["outlet", "render", "stop", "after_panic", "terminal"]),
    ("output", &["descriptor", "outlet", "render", "screen", "stop", "after_panic"]),
    ("ui", &["conninfo", "descriptor", "error", "outlet", "render"]),
    ("args", &["model", "conninfo", "render"]),
    ("live", &["model", "analyze", "db", "observe", "act", "render", "stop", "terminal"]),
    ("serve", &["model", "render", "stop"]),
    (
        "commands",
        &[
            "model", "conninfo", "analyze", "poolconf", "db", "observe", "act", "render", "live", "serve",
            "cluster", "args", "ui", "outlet", "output", "error", "exit", "screen", "stop", "terminal",
        ],
    ),
    ("cli", &["model", "args", "commands", "error", "exit"]),
    (
        "main",
        &[
            "cli",
            "commands",
            "conninfo",
            "error",
            "exit",
            "outlet",
            "output",
            "render",
            "stop",
            "ui",
            "after_panic",
        ],
    ),
];

/// For each outside thing, the only parts, or single files, that may name it. Every dependency stands here.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("anstream", &["main"]),
    ("anstyle", &["render", "ui"]),
    ("anyhow", &["commands", "error", "observe"]),
    // the terminal's clipboard; names and passwords of HTTP
    ("base64", &["db", "live", "serve"]),
    ("bcrypt", &["serve"]),
    ("clap", &["cli", "args", "commands", "render", "main"]),
    ("clap_complete", &["commands"]),
    ("clap_mangen", &["commands"]),
    ("comfy_table", &["render"]),
    ("futures_util", &["db", "observe", "serve", "commands"]),
    ("http_body_util", &["serve"]),
    ("humantime", &["args", "commands", "render"]),
    ("hyper", &["serve"]),
    ("hyper_util", &["serve"]),
    ("listenfd", &["commands"]),
    // whose process a server is
    ("nix", &["db"]),
    ("ratatui_core", &["live"]),
    ("ring", &["db"]),
    // the terminal; signals to a command that runs meanwhile, or that gives a password; descriptors, and writing without waiting
    ("rustix", &["ui", "act", "db", "live", "serve", "descriptor", "outlet", "screen", "terminal"]),
    ("rustls", &["db", "serve"]),
    ("rustls_native_certs", &["db"]),
    ("sd_notify", &["commands"]),
    ("serde", &["model", "conninfo", "analyze", "poolconf", "act", "render", "serve", "commands"]),
    ("serde_json", &["conninfo", "render", "serve", "commands"]),
    ("sha2", &["db"]),
    ("signal_hook", &["stop"]),
    ("socket2", &["db"]),
    ("stringprep", &["db"]),
    ("strsim", &["model", "cli", "conninfo"]),
    ("tempfile", &["db"]),
    (
        "tokio",
        &["db", "observe", "act", "live", "serve", "commands", "main", "screen", "stop", "terminal", "ui"],
    ),
    ("tokio::net", &["db", "serve"]),
    ("tokio::process", &["db", "act", "commands"]),
    ("tokio_postgres", &["db"]),
    ("tokio_rustls", &["db", "serve"]),
    ("toml", &["conninfo", "commands"]),
    ("unicode_normalization", &["db"]),
    ("unicode_width", &["render"]),
    ("webpki", &["db"]),
    ("whoami", &["commands", "conninfo"]),
    ("std::env", &["act", "cluster", "commands", "conninfo", "main", "output"]),
    (
        "std::fs",
        &[
            "cluster",
            "conninfo",
            "db",
            "act",
            "commands",
            "descriptor",
            "outlet",
            "output",
            "serve",
            "main",
            "stop",
            "ui",
        ],
    ),
    ("std::io::stderr", &["descriptor", "main", "ui", "commands"]),
    ("std::io::stdin", &["descriptor", "ui", "terminal", "commands"]),
    ("std::io::stdout", &["descriptor", "main"]),
    // addresses are data; sockets are not
    ("std::net", &["model", "analyze", "conninfo", "cluster", "db", "serve", "args", "commands"]),
    ("std::net::TcpListener", &["cluster", "serve", "commands"]),
    ("std::net::TcpStream", &["cluster"]),
    ("std::net::ToSocketAddrs", &[]),
    ("std::net::UdpSocket", &[]),
    (
        "std::os",
        &["act", "args", "cluster", "conninfo", "db", "commands", "descriptor", "outlet", "output", "main"],
    ),
    ("std::os::unix::net", &["cluster"]),
    ("std::process", &["cluster", "db", "act", "commands", "main", "output", "stop", "after_panic"]),
    ("std::thread", &["cluster", "commands", "outlet", "ui"]),
    // whoever judges is given the time
    ("std::time::Instant", &["cluster", "db", "observe", "act", "live", "serve", "commands", "outlet"]),
    ("std::time::SystemTime", &["act", "serve", "render", "commands"]),
];

/// Lines that a file of `src` may have.
const MOST_LINES: usize = 450;
/// Lines of code that the middle one of all files may have: without tests, comments and blank lines.
const MEDIAN_LINES: RangeInclusive<usize> = 60..=140;

/// The part that a module belongs to.
fn part(path: &[String]) -> &str {
    path.first().map_or("main", String::as_str)
}

/// Who names what he may not, each with its place.
fn trespasses(sources: &Sources) -> BTreeSet<(String, String, String)> {
    let mut found = BTreeSet::new();
    for (at, module) in sources.modules.iter().enumerate() {
        let own = part(&module.path);
        for mention in &module.mentions {
            let place = format!("src/{}:{}", module.file, mention.line);
            let way = sources.follow(at, &mention.names);
            for through in way.through {
                let used = part(&sources.modules[through].path);
                let may = used == own || allowed(own).contains(&used);
                // The crate's root is on the way to everything, and is used only by who uses what it defines.
                if !may && (through != 0 || way.found == Found::Item(0)) {
                    found.insert((place.clone(), own.to_owned(), used.to_owned()));
                }
            }
            if let Found::Outside(path) = way.found {
                for (thing, parts) in ONLY_IN {
                    let may = parts.contains(&own) || parts.contains(&module.file.as_str());
                    if !may && is_within(&path, thing, mention.is_glob) {
                        found.insert((place.clone(), own.to_owned(), (*thing).to_owned()));
                    }
                }
            }
        }
    }
    found
}

fn allowed(part: &str) -> &'static [&'static str] {
    let known = MAY_USE.iter().find(|(name, _)| *name == part);
    known.unwrap_or_else(|| panic!("tests/layers.rs does not know the part {part}")).1
}

/// Whether a path leads into `thing`, or brings it in with everything else.
fn is_within(path: &[String], thing: &str, is_glob: bool) -> bool {
    let names = thing.split("::");
    let is_long_enough = is_glob || path.len() >= names.clone().count();
    is_long_enough && path.iter().zip(names).all(|(one, other)| one == other)
}

/// Whom each file uses, by where things are defined: a `pub(crate) use` only shows the way, so that whoever follows it uses what
/// stands at its end, and so does `mod child;`.
///
/// A folder's `mod.rs` and its children are files like any others: the first uses those that it puts together, and what these have
/// in common stands beside them, in a file of its own.
fn uses(sources: &Sources) -> Graph {
    let mut graph = Graph::new();
    for (at, module) in sources.modules.iter().enumerate() {
        for mention in module.mentions.iter().filter(|mention| !mention.is_signpost) {
            let used = match sources.follow(at, &mention.names).found {
                Found::Item(used) => used,
                Found::Module(used) if mention.is_glob => used,
                _ => continue,
            };
            let used = &sources.modules[used].file;
            if *used != module.file {
                graph.entry(module.file.clone()).or_default().entry(used.clone()).or_insert(mention.line);
            }
        }
    }
    graph
}

static FILES: LazyLock<Files> = LazyLock::new(of_src);
static SOURCES: LazyLock<Sources> = LazyLock::new(|| Sources::read(&FILES));

fn of_src() -> Files {
    fn add(root: &Path, folder: &Path, files: &mut Files) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(root, &path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Files::new();
    add(&root, &root, &mut files);
    files
}

#[test]
fn everybody_uses_only_whom_they_may() {
    assert!(SOURCES.hidden.is_empty(), "{}", SOURCES.hidden.join("\n"));
    let found = trespasses(&SOURCES);
    let wrong: Vec<String> =
        found.iter().map(|(place, own, used)| format!("{place}: {own} may not use {used}")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_has_its_place() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let dependencies = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let names =
        dependencies.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    // the name of the library is not the package's
    let known = |name: &str| {
        name == "rustls-webpki" || ONLY_IN.iter().any(|(thing, _)| *thing == name.replace('-', "_"))
    };
    let missing: Vec<&str> = names.map(|(name, _)| name).filter(|name| !known(name)).collect();
    assert!(missing.is_empty(), "ONLY_IN does not say who may use {}", missing.join(", "));
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let graph = uses(&SOURCES);
    let found = circles(&graph);
    let told: Vec<String> = found.iter().map(|circle| told(circle, &graph)).collect();
    assert!(told.is_empty(), "files that use each other in a circle:\n{}", told.join("\n"));
}

/// The files of a circle, and which uses make it one.
fn told(circle: &[String], graph: &Graph) -> String {
    let mut lines = circle.join(" ");
    for file in circle {
        for (used, line) in graph.get(file).into_iter().flatten().filter(|(used, _)| circle.contains(used)) {
            lines.push_str(&format!("\n    src/{file}:{line} uses {used}"));
        }
    }
    lines
}

#[test]
fn files_can_be_read_at_once() {
    let long = FILES
        .iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES);
    let long: Vec<String> = long.map(|(name, lines)| format!("src/{name}: {lines}")).collect();
    assert!(long.is_empty(), "over {MOST_LINES} lines:\n{}", long.join("\n"));
    let own: BTreeSet<&String> = SOURCES.modules.iter().map(|module| &module.file).collect();
    let mut lengths: Vec<usize> = own.iter().map(|file| lines_of_code(&FILES[*file])).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(MEDIAN_LINES.contains(&median), "the median file has {median} lines of code");
}

fn lines_of_code(text: &str) -> usize {
    let own = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    own.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//")).count()
}
