//! `drain`: a panic while something is held leaves nothing closed.

use super::{closable, drain, server};
use crate::common::{PgBouncer, Pgconn, with};
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
                if step == "reopen" {
                    assert!(outcome.to_string().contains("open as before"), "{outcome}");
                    let _ = outcome.success();
                } else {
                    let said = "error: pgconn itself failed while it was held: the panic is told above; it is open again";
                    let outcome = outcome.fails_with(1);
                    assert!(outcome.stderr.contains(said), "{outcome}");
                    // What runs is not let alone while it still counts on a closed closable.
                    assert_eq!(mark.exists(), step == "look" && rest[0] == "--", "{outcome}");
                }
                assert_eq!(fs::read_dir(cluster.dir.join("state/pgconn")).unwrap().count(), 0);
            }
        }
    }
}

#[test]
fn a_panic_while_a_pool_is_paused_resumes_it() {
    let cluster = with(&[]);
    let pooler = PgBouncer::start(&cluster, &[], &[("pool_mode", "transaction")]);
    pooler.connect(&[("database", "postgres")]).unwrap().query("select 1");
    let port = pooler.port.to_string();
    for step in ["close", "settle", "look", "reopen"] {
        let place = ["pooler", "-h", cluster.host(), "-p", &port, "-U", "postgres", "pause", "postgres"];
        let run = Pgconn::new(&[&place[..], &["--", "sleep", "1"]].concat()).env(PLANTED, step);
        let outcome = run.run().fails_with(i32::from(step != "reopen"));
        assert!(outcome.stderr.contains(&format!("planted at {step}")), "{outcome}");
        pooler.connect(&[("database", "postgres")]).unwrap().query("select 1");
    }
}
