//! Bad input: a clear error with a hint, the documented exit code, JSON when JSON was asked for, never a panic.

use super::common::{Pgconn, shared};
use std::process::{Command, Stdio};

#[test]
fn bad_input_is_a_clear_error_in_both_forms() {
    let cluster = shared();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["stats", "--nope"], 2, "unexpected argument '--nope'"),
        (&["stat"], 2, "did you mean stats"),
        (&["ls", "--idle-for", "30"], 2, "30 what? write the unit, like 30s"),
        (&["ls", "--db", ""], 2, "the value is empty"),
        (&["ls", "--app", "!"], 2, "the value is empty"),
        (&["ls", "--state", "idel"], 2, "did you mean \"idle\""),
        (&["ls", "--client", "db1"], 2, "not an address"),
        (&["ls", "--user", "bob"], 2, "--role selects"),
        (&["ls", "--limit", "0"], 2, "0 is not in"),
        (&["ls", "--sort", "nope"], 2, "possible values"),
        (&["stats", "-o", "json"], 2, "-F json"),
        (&["stats", "-F", "xml"], 2, "possible values"),
        (&["stats", "-t", "0s"], 2, "between 1ms and 24 days"),
        (&["ls", "--query", "("], 2, "invalid regular expression"),
        (&["stats", "-p", "99999"], 2, "port"),
        (&["stats", "-h", "/nonexistent"], 3, "/nonexistent"),
        (&["stats", "-h", "127.0.0.1", "-p", "1"], 3, "127.0.0.1"),
        (&["stats", "-d", "nosuchdb"], 3, "nosuchdb"),
        (&["stats", "-U", "nosuchrole"], 3, "nosuchrole"),
        (&["timeout", "set", "statement_timeout", "5s"], 2, "pgconn timeout set 5s --kind statement"),
        (&["timeout", "reset", "lock_timeout", "--role", "app"], 2, "pgconn timeout reset --kind lock"),
        (&["kill", "--db", "check", "--nope"], 2, "unexpected argument '--nope'"),
    ];
    for (arguments, code, expected) in cases {
        let outcome = Pgconn::new(arguments).on(cluster).run().fails_with(*code);
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        assert!(
            outcome.stderr.starts_with("error: ") && outcome.stderr.contains(expected),
            "{arguments:?}: {}",
            outcome.stderr
        );
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);

        let json: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        if arguments.contains(&"-F") {
            continue;
        }
        let outcome = Pgconn::new(&json).on(cluster).run().fails_with(*code);
        assert_eq!(outcome.stdout, "", "{json:?}");
        let line: serde_json::Value =
            serde_json::from_str(outcome.stderr.trim_end()).unwrap_or_else(|_| panic!("{}", outcome.stderr));
        assert_eq!(
            (line["kind"].as_str(), line["error"]["exit_code"].as_i64()),
            (Some("error"), Some(i64::from(*code)))
        );
        assert!(
            line["error"]["message"].as_str().unwrap().to_lowercase().contains(&expected.to_lowercase())
                || line["error"]["hint"].as_str().is_some_and(|hint| hint.contains(expected)),
            "{line}"
        );
    }
}

#[test]
fn what_is_no_verdict_never_looks_like_one() {
    let cluster = shared();
    let itself = format!("port={} dbname=postgres", cluster.port);
    let cases: &[&[&str]] = &[
        &["check", "-F", "prometheus"],
        &["check", "idle-xact", "--warning", "connections=5"],
        &["check", "reachable", "-o", "/dev/null/x"],
        &["check", "-p", "99999"],
        &["ping", "-F", "nagios"],
        &["ping", "-o", "/dev/null/x"],
        &["ping", "-p", "99999"],
        &["doctor", "--exit-code", "-p", "abc"],
        &["doctor", "--exit-code", "-F", "nagios"],
        &["doctor", "--exit-code", "--for", "1ms", "--pooler", &itself],
    ];
    for arguments in cases {
        let outcome = Pgconn::new(arguments).on(cluster).run();
        assert_eq!(outcome.code, 3, "{arguments:?}\n{outcome}");
    }
    let outcome = Pgconn::new(&["check", "-F", "prometheus", "--json"]).on(cluster).run().fails_with(3);
    assert!(outcome.stderr.contains("\"exit_code\":3"), "{outcome}");
}

#[test]
fn h_is_the_host_and_at_the_end_help() {
    for arguments in [
        &["-h"][..],
        &["stats", "-h"],
        &["ls", "--db", "x", "-h"],
        &["-?"],
        &["ls", "--help"],
        &["help", "long"],
    ] {
        let outcome = Pgconn::new(arguments).run().success();
        assert!(outcome.stdout.contains("Usage:"), "{arguments:?}: {}", outcome.stdout);
    }
    Pgconn::new(&["-h", "/nonexistent", "stats"]).run().fails_with(3);
    Pgconn::new(&[]).run().fails_with(2);
    assert!(Pgconn::new(&["--version"]).run().success().stdout.starts_with("pgconn "));
}

#[test]
fn global_flags_work_before_and_after_the_command() {
    let cluster = shared();
    let port = cluster.port.to_string();
    for arguments in [
        ["-h", cluster.host(), "-p", &port, "stats", "--json"],
        ["--json", "stats", "-p", &port, "-h", cluster.host()],
    ] {
        let outcome =
            Pgconn::new(&arguments).env("PGUSER", "postgres").env("PGDATABASE", "postgres").run().success();
        assert_eq!(outcome.json()["target"]["port"], i64::from(cluster.port));
    }
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pgconn"))
        .args(["stats"])
        .envs([("PGHOST", shared().host()), ("PGPORT", &shared().port.to_string()), ("PGUSER", "postgres")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let outcome = child.wait_with_output().unwrap();
    assert_eq!((outcome.status.code(), String::from_utf8_lossy(&outcome.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn colour_follows_flag_then_environment() {
    let cluster = shared();
    let _shown = cluster.session();
    let colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut program = Pgconn::new(arguments).on(cluster).env_remove("NO_COLOR");
        for (name, value) in variables {
            program = program.env(name, value);
        }
        program.run().success().stdout.contains('\u{1b}')
    };
    assert!(!colored(&["stats"], &[]), "a pipe has no colours");
    assert!(colored(&["stats", "--color", "always"], &[("NO_COLOR", "1")]));
    assert!(colored(&["stats"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&["stats"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&["stats", "--color", "always", "--json"], &[]), "never in JSON");
}
