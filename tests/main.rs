//! The integration tests: one binary, one file per theme, real servers.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking; the whole of this crate is tests"
)]

mod blocked;
mod blockers;
mod cancel;
mod cancel_keys;
mod check;
mod cluster;
mod common;
mod completions;
mod connecting;
mod contrib;
mod defaults;
mod demo;
mod doctor;
mod documents;
mod drain;
mod examples;
mod filters;
mod free_sets;
mod full;
mod help;
mod hostile;
mod hostile_scripts;
mod hostile_servers;
mod hosts;
mod kill;
mod large;
mod layers;
mod listing;
mod metrics;
mod password_command;
mod passwords;
mod pending_logins;
mod planted;
mod pooler;
mod pooler_kill;
mod pooler_limits;
mod pooler_monitor;
mod pooler_orders;
mod prepared;
mod readme;
mod reconnecting;
mod refusals;
mod repeated;
mod role_settings;
mod screen;
mod secrets;
mod serve;
mod show;
mod situations;
mod size;
mod sql;
mod strangers;
mod suggestions;
mod targets;
mod timeout;
mod tls;
mod top;
mod trace;
mod truth;
mod usage;
mod waited;
mod watch;
mod watch_keys;
mod wrong_lines;

/// A file that is not named in this list of modules would never run.
#[test]
fn no_test_file_is_forgotten() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let source = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap();
        let is_module = path.extension().is_some_and(|extension| extension == "rs") && module != "main";
        assert!(
            !is_module || source.contains(&format!("\nmod {module};\n")),
            "tests/main.rs lacks `mod {module};`"
        );
    }
}
