//! pgconn's own secrets: a password that was typed, in the right place or the wrong one, is nowhere to be read.

use crate::common::{Pgconn, wait_until, with};
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::thread;

#[test]
fn a_password_typed_in_the_wrong_place_is_not_repeated() {
    const URI: &str = "postgresql://u:s3cret@127.0.0.1:1/d";
    for arguments in [
        &["stats", URI][..],
        &[URI],
        &["stats", "password=s3cret"],
        &["stats", "--timeout", URI],
        &["stats", "-h", URI],
        &["stats", "-p", URI],
        &["stats", "-S", URI],
        &["stats", "-U", URI, "-h", "127.0.0.1", "-p", "1"],
        &["stats", "-o", URI],
        &["stats", "-v", "-d", URI],
        &["stats", "--password=s3cret"],
        &["stats", "-W", "s3cret"],
        &["stats", "-Ws3cret"],
        &["check", "-U", "x", "-W", "s3cret"],
        &["check", "-U", "x", "--password", "s3cret"],
        &["kill", "-W", "s3cret"],
        &["-W", "s3cret", "stats"],
        // as with mysql
        &["stats", "-u", "x", "-ps3cret"],
        &["stats", "-ps3cret"],
        &["stats", "--postgresql://u:s3cret@h/d"],
        &["kill", URI],
        &["conninfo", "-h", URI],
        &["conninfo", "-U", URI],
        &["conninfo", "-d", URI],
        &["size", "--from-server", URI],
        &["completions", URI],
        &["help", URI],
        &["ping", "-h", URI],
        &["ping", "--json", "-d", URI],
        &["check", "-h", URI, "--json"],
        &["pooler", "--server", URI, "-h", "127.0.0.1", "-p", "1"],
        &["stats", "-d", "host=127.0.0.1 port=1 password='s3cret' sslpassword=s3cret"],
        &["stats", "-d", "host=h password=x s3cret"],
    ] {
        for json in [&[][..], &["--json"]] {
            let outcome = Pgconn::new(&[arguments, json].concat()).run();
            assert!(!outcome.stdout.contains("s3cret") && !outcome.stderr.contains("s3cret"), "{outcome}");
        }
    }
    let outcome = Pgconn::new(&["stats", URI]).run().fails_with(2);
    assert_eq!(
        outcome.stderr,
        "error: unexpected argument 'postgresql://u:********@127.0.0.1:1/d': pgconn stats takes no such word there\n\
         hint: name the URI with -d\n"
    );
    // nor from a variable
    for variable in ["PGHOST", "PGDATABASE", "PGSERVICE", "PGPORT", "PGSSLMODE"] {
        for arguments in [&["conninfo"][..], &["stats", "-v"], &["stats", "--json"], &["ping", "--json"]] {
            let outcome = Pgconn::new(arguments).env("PGPORT", "1").env(variable, URI).run();
            assert!(
                !outcome.stdout.contains("s3cret") && !outcome.stderr.contains("s3cret"),
                "{variable}: {outcome}"
            );
        }
    }
}

#[test]
fn a_name_with_a_password_in_it_is_masked_where_the_server_repeats_it() {
    let cluster = with(&[]);
    let outcome =
        Pgconn::new(&["stats", "-v"]).on(&cluster).env("PGDATABASE", "postgresql://u:s3cret@h/d").run();
    let outcome = outcome.fails_with(3);
    assert!(outcome.stderr.contains("database \"postgresql://u:********@h/d\" does not exist"), "{outcome}");
    // a URI behind the flag that selects sessions is no name either
    for arguments in [&["kill", "--json", "--db"][..], &["ls", "--json", "--app"], &["check", "--role"]] {
        let outcome = Pgconn::new(&[arguments, &["postgresql://u:s3cret@h/d"]].concat()).on(&cluster).run();
        assert!(outcome.stdout.contains("postgresql://u:********@h/d"), "{outcome}");
        assert!(!outcome.stdout.contains("s3cret"), "{outcome}");
    }
    // nor is it in results that exist without a server
    for arguments in [
        &["check"][..],
        &["check", "--json"],
        &["check", "-F", "nagios"],
        &["metrics"],
        &["metrics", "--json"],
        &["ping"],
        &["ping", "--json"],
    ] {
        for variable in ["PGDATABASE", "PGUSER"] {
            let outcome =
                Pgconn::new(arguments).on(&cluster).env(variable, "postgresql://u:s3cret@h/d").run();
            let all = outcome.stdout.clone() + &outcome.stderr;
            assert!(all.contains("does not exist") && !all.contains("s3cret"), "{variable}: {outcome}");
        }
    }
}

/// A server that accepts and never answers.
fn silent() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || stream.unwrap().read_to_end(&mut Vec::new()));
        }
    });
    port
}

#[test]
#[cfg(target_os = "linux")]
fn a_password_on_the_command_line_is_out_of_sight_of_other_users() {
    let port = silent();
    for argument in [
        format!("--dbname=postgresql://u:s3cret@127.0.0.1:{port}/d?connect_timeout=3"),
        format!("-dhost=127.0.0.1 port={port} user=u password='s3cret' connect_timeout=3"),
    ] {
        let run = Pgconn::new(&["stats", &argument]).spawn();
        let shown = || {
            let bytes = fs::read(format!("/proc/{}/cmdline", run.pid())).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        wait_until("the password is masked", || shown().contains("********"));
        assert!(!shown().contains("s3cret"), "{}", shown());
        let name = fs::read_to_string(format!("/proc/{}/comm", run.pid())).unwrap();
        assert_eq!(name, "pgconn\n");
        let outcome = run.finish().fails_with(3);
        assert!(outcome.stderr.contains("timeout expired"), "{outcome}");
    }
}

#[test]
fn what_was_typed_arrives_whole_and_children_do_not_inherit_it() {
    let cluster = with(&[]);
    cluster.query("create database d");
    let dsn = format!(
        "host={} port={} user=postgres dbname=postgres password='s3 cr\\'et'",
        cluster.host(),
        cluster.port
    );
    let drain = Pgconn::new(&["drain", "--db", "d", "-y", "-d", &dsn, "--", "env"]);
    let outcome = drain.settling(&cluster).run().success();
    assert!(outcome.stdout.contains("LC_ALL=C.UTF-8"), "{outcome}");
    assert!(!outcome.stdout.contains("s3 cr") && !outcome.stdout.contains("PGCONN_ARGUMENTS"), "{outcome}");
    // a variable that is another process's, or nobody's, means nothing
    for carried in ["", "x", "1 1 5 stats", "99999999999999999999 1 1 x"] {
        let run = Pgconn::new(&["ls", "-d", &dsn]).env("PGCONN_ARGUMENTS", carried);
        let outcome = run.settling(&cluster).run().success();
        assert!(outcome.stdout.contains("0 sessions"), "{outcome}");
    }
}
