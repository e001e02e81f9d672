//! `--password-command`: the password from a command, when the server asks for one, within bounds.

use crate::common::{Cluster, Pgconn, wait_until, with_files};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

const HBA: &str = "local all clear password\nlocal all all trust\nhost all clear 127.0.0.1/32 password\n\
                   host all app 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";

fn server() -> Cluster {
    let cluster = with_files(&[("password_encryption", "scram-sha-256")], &[("pg_hba.conf", HBA)]);
    cluster.query("create role app login password 's3cret'");
    cluster.query("create role clear login password 's3cret'");
    cluster
}

/// A script that does this, and the file in which it notes each of its runs.
fn script(cluster: &Cluster, name: &str, body: &str) -> (String, PathBuf) {
    let (path, runs) = (cluster.dir.join(name), cluster.dir.join(format!("{name}.runs")));
    let note = "echo \"$PGHOST $PGPORT $PGUSER $PGDATABASE $# $1\" >> ";
    fs::write(&path, format!("#!/bin/sh\n{note}{}\n{body}\n", runs.display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&cluster.dir, fs::Permissions::from_mode(0o711)).unwrap();
    (path.to_str().unwrap().to_owned(), runs)
}

fn lines(path: &PathBuf) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn over_tcp(cluster: &Cluster, role: &str, more: &[&str]) -> Pgconn {
    Pgconn::new(&[&["ping", "--json", "-h", "localhost", "-U", role], more].concat()).on(cluster)
}

#[test]
fn it_is_run_once_for_a_login_and_only_when_the_server_asks() {
    let cluster = server();
    let (command, runs) = script(&cluster, "token", "[ -t 0 ] || cat; echo s3cret");
    let given = format!("{command} 'one word'");
    let _ = over_tcp(&cluster, "app", &["--password-command", &given]).run().success();
    let expected = format!("localhost {} app postgres 1 one word", cluster.port);
    assert_eq!(lines(&runs).join("|"), expected);
    let _ = over_tcp(&cluster, "app", &[]).env("PGCONN_PASSWORD_COMMAND", &given).run().success();
    assert_eq!(lines(&runs).len(), 2);
    // nobody asks
    let _ = over_tcp(&cluster, "postgres", &["--password-command", &given]).run().success();
    assert_eq!(lines(&runs).len(), 2);
    // each login has its own: what it printed before may be too old
    let _ = over_tcp(&cluster, "app", &["--password-command", &given, "--count", "3", "--interval", "1ms"])
        .run()
        .success();
    assert_eq!(lines(&runs).len(), 5);
    // each host that asks is asked for
    let hosts = format!("host=127.0.0.1,localhost port=1,{}", cluster.port);
    let _ = over_tcp(&cluster, "app", &["--password-command", &given, "-d", &hosts]).run().success();
    assert_eq!(lines(&runs)[5], expected);
}

#[test]
fn a_wrong_password_is_asked_for_once_more_and_the_same_is_not_tried_again() {
    let cluster = server();
    let body = "if [ -e \"$0.again\" ]; then echo s3cret; else touch \"$0.again\"; echo old; fi";
    let (stale, runs) = script(&cluster, "stale", body);
    let _ = over_tcp(&cluster, "app", &["--password-command", &stale]).run().success();
    assert_eq!(lines(&runs).len(), 2);
    let (wrong, runs) = script(&cluster, "wrong", "echo wrong");
    let run =
        Pgconn::new(&["stats", "-h", "localhost", "-U", "app", "--password-command", &wrong]).on(&cluster);
    let refused = run.run().fails_with(3).stderr;
    assert!(refused.contains("password authentication failed for user \"app\""), "{refused}");
    assert!(refused.contains("the password came from: argument --password-command"), "{refused}");
    assert_eq!(lines(&runs).len(), 2);
    let log = fs::read_to_string(cluster.dir.join("log")).unwrap();
    assert_eq!(log.matches("FATAL:  password authentication failed for user \"app\"").count(), 2, "{log}");
}

#[test]
fn a_watch_that_logs_in_again_runs_it_again() {
    let cluster = server();
    let (command, runs) = script(&cluster, "token", "cat \"$0.now\"");
    fs::write(format!("{command}.now"), "s3cret\n").unwrap();
    let arguments = ["stats", "--json", "--watch=100ms", "-h", "localhost", "-U", "app"];
    let run = Pgconn::new(&arguments).on(&cluster).env("PGCONN_PASSWORD_COMMAND", &command).spawn();
    wait_until("a document", || run.stdout().contains('\n'));
    cluster.query("alter role app password 'second'");
    fs::write(format!("{command}.now"), "second\n").unwrap();
    cluster.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'");
    wait_until("it is run again", || lines(&runs).len() == 2);
    let already = run.stdout().lines().count();
    wait_until("another document", || run.stdout().lines().count() > already + 1);
    run.signal(Signal::SIGINT);
    let outcome = run.finish().success();
    assert!(!outcome.stderr.contains("password authentication failed"), "{outcome}");
}

#[test]
fn who_comes_first_is_shown_and_no_value() {
    let cluster = server();
    let passfile = cluster.dir.join("passwords");
    fs::write(&passfile, "*:*:*:*:s3cret\n").unwrap();
    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o600)).unwrap();
    let passfile = passfile.to_str().unwrap();
    let flag = &["--password-command", "echo s3cret"][..];
    let typed = &["-d", "password=s3cret"][..];
    let password = ("PGPASSWORD", "s3cret");
    let command = ("PGCONN_PASSWORD_COMMAND", "echo s3cret");
    type Case<'a> = (&'a [&'a [&'a str]], &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 6] = [
        (&[flag, typed], &[password, command], "connection string"),
        (&[flag], &[password, command], "argument --password-command"),
        (&[], &[password, command], "variable PGPASSWORD"),
        (&[], &[command], "variable PGCONN_PASSWORD_COMMAND"),
        (&[], &[], "password file"),
        (&[], &[("PGCONN_PASSWORD_COMMAND", "")], "password file"),
    ];
    for (arguments, variables, expected) in cases {
        let line = [&["conninfo", "--json"][..], &arguments.concat()].concat();
        let run = Pgconn::new(&line).on(&cluster).env("PGPASSFILE", passfile);
        let outcome = variables.iter().fold(run, |run, (name, value)| run.env(name, value)).run().success();
        assert!(!outcome.stdout.contains("s3cret"), "{outcome}");
        let document = outcome.json();
        let listed = document["parameters"].as_array().unwrap();
        let found = listed.iter().find(|one| one["keyword"] == "password").unwrap();
        assert_eq!(found["value"], "********");
        for source in [&found["source"], &document["hosts"][0]["password_source"]] {
            assert!(source.as_str().unwrap().starts_with(expected), "{expected}: {document:#}");
        }
    }
    // no keyword, with which a service file would be of no use to psql
    for dsn in ["password_command=x", "postgresql://h/d?password_command=x"] {
        let _ = Pgconn::new(&["conninfo", "-d", dsn]).run().fails_with(2);
    }
    let both = Pgconn::new(&["conninfo", "-W", "--password-command", "x"]).run().fails_with(2);
    assert!(both.stderr.contains("cannot be used with"), "{both}");
}

#[test]
fn what_goes_wrong_with_it_is_said_with_its_last_line_and_nothing_of_it_is_left() {
    let cluster = server();
    let run = |command: &str| {
        let arguments = ["stats", "--json", "-h", "localhost", "-U", "app", "--password-command", command];
        let outcome = Pgconn::new(&arguments).on(&cluster).run().fails_with(3);
        let error: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
        assert_eq!(error["error"]["code"], "password_command", "{outcome}");
        let text = |key: &str| error["error"][key].as_str().unwrap_or_default().to_owned();
        assert_eq!(text("hint"), "it comes from: argument --password-command");
        (text("message"), text("detail"))
    };
    let failed = |why: &str| format!("the password command failed: {why}");
    let (message, detail) = run(r#"sh -c 'echo first >&2; printf "expired\033[31m token\n\n" >&2; exit 7'"#);
    assert_eq!(message, failed("exit status 7"));
    assert!(detail.starts_with("it said: expired") && !detail.contains('\u{1b}'), "{detail:?}");
    assert_eq!(run("true").0, failed("it printed nothing"));
    assert_eq!(run("printf '\\n'").0, failed("it printed nothing"));
    assert_eq!(run("head -c 70000 /dev/zero").0, failed("it printed more than 64 KiB"));
    assert_eq!(run("/nonexistent/program s3cret").0, failed("could not run it: No such file or directory"));
    assert_eq!(run("sh -c 'kill -9 $$'").0, failed("ended by signal 9"));
    // one that complains a lot is no failure
    let chatty = r#"sh -c 'head -c 200000 /dev/zero >&2; echo s3cret'"#;
    let _ = over_tcp(&cluster, "app", &["--password-command", chatty]).run().success();
    for wrong in ["", "a 'b"] {
        let _ = Pgconn::new(&["stats", "--password-command", wrong]).on(&cluster).run().fails_with(2);
    }
    // a signal ends it with all that it has started
    let (command, runs) = script(&cluster, "slow", "echo $$ > \"$0.pid\"; sleep 1234 & wait");
    let line = ["stats", "-h", "localhost", "-U", "app", "--password-command", &command];
    let waiting = Pgconn::new(&line).on(&cluster).spawn();
    wait_until("it runs", || {
        !lines(&runs).is_empty()
            && fs::read_to_string(format!("{command}.pid")).is_ok_and(|pid| pid.ends_with('\n'))
    });
    let group = fs::read_to_string(format!("{command}.pid")).unwrap().trim().to_owned();
    waiting.signal(Signal::SIGINT);
    let _ = waiting.finish().fails_with(130);
    wait_until("its group is gone", || {
        let list = std::process::Command::new("ps").args(["-A", "-o", "pgid="]).output().unwrap();
        !String::from_utf8_lossy(&list.stdout).lines().any(|line| line.trim() == group)
    });
}

#[test]
fn it_is_not_sent_in_clear_over_plain_tcp() {
    let cluster = server();
    let (command, runs) = script(&cluster, "token", "echo s3cret");
    let refused = over_tcp(&cluster, "clear", &["--password-command", &command]).run().fails_with(1).json();
    let attempt = &refused["attempts"][0];
    assert_eq!(attempt["code"], "password_command");
    let words = "server requested a cleartext password over a connection that is not encrypted";
    assert!(attempt["error"].as_str().unwrap().contains(words), "{refused:#}");
    assert!(lines(&runs).is_empty());
    let socket = ["ping", "-U", "clear", "--password-command", &command];
    let _ = Pgconn::new(&socket).on(&cluster).run().success();
    assert_eq!(lines(&runs).len(), 1);
    let _ = over_tcp(&cluster, "clear", &["-d", "password=s3cret"]).run().success();
}
