//! `drain`: a panic while something is held leaves nothing closed.

use super::{closable, drain, make, server};
use crate::common::{PgBouncer, Pgconn, with, with_files};
use std::fs;

/// What is planted in the program that the tests run.
const PLANTED: &str = "PGCONN_PLANTED_PANIC";

#[test]
fn a_panic_at_any_step_opens_it_again() {
    let cluster = server();
    let before = closable(&cluster);
    let mark = cluster.dir.join("ran");
    let script = format!("sleep 1; touch '{}'", mark.display());
    for fence in ["limit", "revoke", "hard"] {
        for step in ["close", "settle", "look", "reopen"] {
            for rest in [&["--for", "2s"][..], &["--", "sh", "-c", &script]] {
                if step == "look" && fence != "limit" {
                    continue;
                }
                let _ = fs::remove_file(&mark);
                let run = drain(&cluster, &[&["--fence", fence], rest].concat());
                let outcome = run.env(PLANTED, step).run();
                assert!(outcome.stderr.contains(&format!("planted at {step}")), "{outcome}");
                assert_eq!(closable(&cluster), before, "{fence} {step}\n{outcome}");
                let said = "error: pgconn itself failed while it was held: the panic is told above; it is open again";
                let outcome = outcome.fails_with(1);
                assert!(outcome.stderr.contains(said), "{outcome}");
                // What runs is not let alone while it still counts on a closed closable.
                let ran = matches!(step, "look" | "reopen") && rest[0] == "--";
                assert_eq!(mark.exists(), ran, "{outcome}");
                assert_eq!(fs::read_dir(cluster.dir.join("state/pgconn")).unwrap().count(), 0);
            }
        }
    }
}

/// The run that opens it needs the password that this one was given, and shows it to nobody.
#[test]
fn a_panic_opens_it_again_with_the_password_that_was_given() {
    let hba = "local all chief scram-sha-256\nlocal all all trust\n";
    let cluster = with_files(&[], &[("pg_hba.conf", hba)]);
    make(&cluster);
    let before = closable(&cluster);
    cluster.query("set password_encryption = 'scram-sha-256'; create role chief superuser login password 'it''s secret'");
    let (host, port) = (cluster.host(), cluster.port);
    let place = format!("host={host} port={port} user=chief dbname=postgres password='it\\'s secret'");
    let script = "sleep 1; tr '\\0' ' ' < /proc/$PPID/cmdline >&2; echo >&2";
    let words = ["drain", "-d", &place, "--db", "shop", "--json", "--", "sh", "-c", script];
    let outcome = Pgconn::new(&words).env("XDG_STATE_HOME", "state").env(PLANTED, "look").run().fails_with(1);
    assert_eq!(closable(&cluster), before, "{outcome}");
    assert!(outcome.stderr.contains("--restore") && !outcome.stderr.contains("secret"), "{outcome}");
    let last = outcome.stderr.lines().last().unwrap();
    let error: serde_json::Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("{outcome}"));
    assert_eq!(error["error"]["code"], "panic", "{outcome}");
}

#[test]
fn a_panic_lets_a_role_in_again() {
    let cluster = server();
    cluster.query("alter role guest connection limit 3");
    for step in ["close", "settle", "look", "reopen"] {
        let run = Pgconn::new(&["drain", "--role", "guest", "--for", "1s"]).on(&cluster).env(PLANTED, step);
        let outcome = run.run().fails_with(1);
        assert!(outcome.stderr.contains(&format!("planted at {step}")), "{outcome}");
        assert!(outcome.stderr.contains("the panic is told above; it is open again"), "{outcome}");
        let limit = cluster.value("select rolconnlimit from pg_roles where rolname = 'guest'");
        assert_eq!(limit, "3", "{outcome}");
    }
}

#[test]
fn a_panic_while_a_pool_is_paused_or_disabled_lets_its_clients_go_on() {
    let cluster = with(&[]);
    let pooler = PgBouncer::start(&cluster, &[], &[("pool_mode", "transaction")]);
    pooler.connect(&[("database", "postgres")]).unwrap().query("select 1");
    let port = pooler.port.to_string();
    for (order, done) in [
        (&["pause", "postgres"][..], "it is resumed"),
        (&["pause", "--all", "--yes"], "it is resumed"),
        (&["disable", "postgres"], "it is enabled"),
    ] {
        for step in ["close", "settle", "look", "reopen"] {
            let place = ["pooler", "-h", cluster.host(), "-p", &port, "-U", "postgres"];
            let run = Pgconn::new(&[&place[..], order, &["--", "sleep", "1"]].concat()).env(PLANTED, step);
            let outcome = run.run().fails_with(1);
            assert!(outcome.stderr.contains(&format!("the panic is told above; {done}")), "{outcome}");
            assert!(outcome.stderr.contains(&format!("planted at {step}")), "{outcome}");
            pooler.connect(&[("database", "postgres")]).unwrap().query("select 1");
        }
    }
}
