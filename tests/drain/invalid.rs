//! What an interrupted DROP DATABASE leaves is seen at once, and nothing is proposed that the server refuses.

use super::{closable, drain, inside, server};
use crate::common::{Cluster, Pgconn, psql, wait_until};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// What interrupts a DROP DATABASE leaves this in the catalogue.
const INVALID: &str = "update pg_database set datconnlimit = -2 where datname = 'shop'";

/// Whichever way it ends, it is found out with the first look, far below the two minutes for which opening is tried.
#[test]
fn a_command_that_leaves_it_invalid_is_told_so_at_once() {
    let cluster = server();
    let psql = psql().unwrap();
    for fence in ["limit", "revoke", "hard"] {
        for (script, signal, code) in
            [("exit 0", None, 1), ("exit 3", None, 1), ("sleep 3600", Some(Signal::SIGTERM), 143)]
        {
            let script = format!("'{}' -qXc \"{INVALID}\" && echo dropped && exec {script}", psql.display());
            let script = script.replace("exec exit", "exit");
            let run = drain(&cluster, &["--fence", fence, "--", "sh", "-c", &script]).spawn();
            wait_until("it is invalid", || run.stdout().contains("dropped"));
            let began = Instant::now();
            if let Some(signal) = signal {
                run.signal(signal);
            }
            let outcome = run.finish().fails_with(code);
            assert!(began.elapsed() < Duration::from_secs(20), "{outcome}");
            let said = "error: database \"shop\" is invalid: a DROP DATABASE of it was interrupted; nobody can enter it\n\
                        hint: only DROP DATABASE \"shop\" can remove it\n";
            assert!(outcome.stderr.contains(said), "{fence} {script}\n{outcome}");
            assert!(
                !outcome.stderr.contains("ALTER DATABASE \"shop\" CONNECTION LIMIT 7;\nerror"),
                "{outcome}"
            );
            assert!(closable(&cluster).starts_with("-2 "));
            // Nothing of it is left to be opened, and it is not the one who asks for that who is told to.
            let outcome = Pgconn::new(&["drain", "--restore"]).on(&cluster).run().success();
            assert!(outcome.stderr.contains("only DROP DATABASE \"shop\" can remove it"), "{outcome}");
            let outcome =
                Pgconn::new(&["drain", "--restore", "--db", "shop"]).on(&cluster).run().fails_with(1);
            assert!(outcome.stderr.contains("hint: only DROP DATABASE \"shop\" can remove it"), "{outcome}");
            again(&cluster);
        }
    }
}

fn again(cluster: &Cluster) {
    cluster.query("drop database shop");
    cluster.query("create database shop owner boss connection limit 7");
}

#[test]
fn who_connects_to_an_invalid_database_is_told_what_it_is() {
    let cluster = server();
    cluster.query(INVALID);
    let refused = cluster.connect(&inside(&[])).unwrap_err();
    if refused.sqlstate != "55000" {
        // An older minor version, which knows no such databases.
        return;
    }
    for arguments in [&["stats", "-d", "shop"][..], &["stats", "-d", "shop", "--connect-wait", "1h"]] {
        let outcome = Pgconn::new(arguments).on(&cluster).run();
        let outcome = outcome.fails_with(3);
        assert!(outcome.stderr.contains("only DROP DATABASE \"shop\" can remove it"), "{outcome}");
    }
}
