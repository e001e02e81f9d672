//! `drain`: one at a time, and what is closed already is not taken for what was before.

use super::{closable, closed, drain, server};
use crate::common::{Cluster, Outcome, PgBouncer, Pgconn, Running, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const FENCES: [&str; 3] = ["limit", "revoke", "hard"];

fn held(cluster: &Cluster, fence: &str) -> Running {
    let run = drain(cluster, &["--fence", fence, "--for", "1h"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    run
}

/// The SQL that a refusal proposes.
fn proposed(refused: &Outcome) -> &str {
    let (command, sql) = refused.stderr.split_once("; by hand: ").unwrap();
    assert!(command.ends_with("hint: open it first: pgconn drain --restore --db shop"), "{refused}");
    sql.lines().next().unwrap()
}

/// It is said what does end it.
#[test]
fn a_drain_that_does_not_hear_ctrl_c_does_not_promise_it() {
    let cluster = server();
    let program = env!("CARGO_BIN_EXE_pgconn");
    for (trap, key) in [("trap '' INT; ", "SIGTERM"), ("", "Ctrl-C")] {
        let line = format!("{trap}exec '{program}' drain --db shop --for 100ms");
        let outcome = Pgconn::of("sh", &["-c", &line]).on(&cluster).run().success();
        assert!(outcome.stderr.contains(&format!("; {key} opens it earlier")), "{outcome}");
    }
}

/// Whatever the fences and wherever both are connected to.
#[test]
fn a_second_drain_is_refused_and_says_who_is_at_it() {
    let cluster = server();
    let before = closable(&cluster);
    for first in FENCES {
        let run = held(&cluster, first);
        let closed = closable(&cluster);
        let pid = cluster.value("select pid from pg_stat_activity where application_name = 'pgconn'");
        for second in FENCES {
            for home in ["postgres", "template1"] {
                for more in [&[][..], &["--dry-run"]] {
                    let arguments = [&["--fence", second, "--for", "1ms", "-d", home], more].concat();
                    let refused = drain(&cluster, &arguments).run().fails_with(2);
                    let said = format!(
                        "error: database \"shop\" is being drained already, by pid {pid} (role \"postgres\", pgconn, local)"
                    );
                    assert!(refused.stderr.starts_with(&said), "{first} {second} {home}\n{refused}");
                    assert!(refused.stderr.contains("nothing was done"), "{refused}");
                }
            }
        }
        assert_eq!(closable(&cluster), closed);
        run.signal(Signal::SIGINT);
        let outcome = run.finish().fails_with(130);
        assert!(outcome.stdout.contains("open as before"), "{outcome}");
        assert_eq!(closable(&cluster), before, "{first}");
    }
}

/// Started at the same moment, each of them either does all or nothing.
#[test]
fn drains_that_meet_do_not_overlap() {
    let cluster = server();
    let before = closable(&cluster);
    for round in 0..6 {
        let homes = ["postgres", "template1", "postgres", "template1"];
        let run = |(turn, home): (usize, &str)| {
            let fence = FENCES[(turn + round) % FENCES.len()];
            drain(&cluster, &["--fence", fence, "--for", "50ms", "--json", "-d", home]).spawn()
        };
        let runs: Vec<Running> = homes.into_iter().enumerate().map(run).collect();
        for run in runs {
            let outcome = run.finish();
            match outcome.code {
                0 => assert_eq!(outcome.json()["restored"], true, "{outcome}"),
                2 => assert!(
                    ["is being drained already", "has only just ended"]
                        .iter()
                        .any(|why| outcome.stderr.contains(why)),
                    "{outcome}"
                ),
                _ => panic!("{outcome}"),
            }
        }
        assert_eq!(closable(&cluster), before, "round {round}");
    }
}

#[test]
fn what_a_killed_drain_left_closed_is_not_what_was_before() {
    let cluster = server();
    let before = closable(&cluster);
    // As from another machine: nothing is written down there of what was before.
    let drain = |cluster: &Cluster, arguments: &[&str]| {
        drain(cluster, arguments).env("XDG_STATE_HOME", cluster.dir.join("elsewhere"))
    };
    for fence in ["limit", "hard"] {
        let run = held(&cluster, fence);
        run.signal(Signal::SIGKILL);
        let _ = run.finish().fails_with(137);
        cluster.wait_until("not exists (select from pg_locks where locktype = 'advisory')");
        for second in FENCES {
            let refused = drain(&cluster, &["--fence", second, "--for", "1ms"]).run().fails_with(2);
            let said = "error: database \"shop\" is closed already: ";
            assert!(refused.stderr.starts_with(said), "{fence} {second}\n{refused}");
            assert!(closed(&cluster));
            if second == "hard" {
                cluster.query(proposed(&refused));
            }
        }
        cluster.query("alter database shop connection limit 7");
        let outcome = drain(&cluster, &["--for", "1ms"]).run().success();
        assert!(outcome.stdout.contains("open as before"), "{outcome}");
        assert_eq!(closable(&cluster), before, "{fence}");
    }
    // What is revoked can be meant so: it is refused unless a fence is named.
    let run = held(&cluster, "revoke");
    run.signal(Signal::SIGKILL);
    let outcome = run.finish().fails_with(137);
    let (_, restore) = outcome.stderr.split_once("to open it again by hand: ").unwrap();
    for who in ["postgres", "boss"] {
        for fence in [&[][..], &["--fence", "revoke"]] {
            let refused =
                drain(&cluster, &[fence, &["--for", "1ms", "-U", who]].concat()).run().fails_with(2);
            let said = "error: database \"shop\" is closed already: nobody but superusers and its owner";
            assert!(refused.stderr.starts_with(said), "{who} {fence:?}\n{refused}");
            assert!(refused.stderr.contains("GRANT CONNECT ON DATABASE \"shop\" TO PUBLIC;"), "{refused}");
        }
    }
    let again = drain(&cluster, &["--for", "1ms", "--json", "--fence", "limit"]).run().success().json();
    assert_eq!(again["warnings"][0]["code"], "connect_revoked", "{again:#}");
    cluster.query(restore.lines().next().unwrap());
    assert_eq!(closable(&cluster), before);
}

/// Between the question and its answer somebody else has closed it.
#[test]
fn what_was_closed_while_it_was_asked_about_is_refused() {
    let cluster = server();
    for (close, said) in [
        ("alter database shop connection limit 0", "is closed already: its connection limit is 0"),
        ("alter database shop allow_connections false", "is closed already: it allows no connections"),
    ] {
        let mut terminal = drain(&cluster, &["--for", "1ms"]).on_terminal();
        terminal.wait_for("[y/N] ");
        cluster.query(close);
        let then = closable(&cluster);
        terminal.type_keys("y\n");
        let outcome = terminal.finish().fails_with(2);
        assert!(outcome.stdout.contains(said), "{outcome}");
        assert_eq!(closable(&cluster), then);
        cluster.query("alter database shop allow_connections true connection limit 7");
    }
    // Another limit than the one that was planned with is the one that comes back.
    let mut terminal = drain(&cluster, &["--for", "1ms"]).on_terminal();
    terminal.wait_for("[y/N] ");
    cluster.query("alter database shop connection limit 9");
    terminal.type_keys("y\n");
    let outcome = terminal.finish().success();
    assert!(outcome.stdout.contains("open as before"), "{outcome}");
    assert!(closable(&cluster).starts_with("9 t "), "{}", closable(&cluster));
}

/// Through a pooler there is no session of one's own that could keep others out: what is closed is refused all the same.
#[test]
fn through_a_pooler_it_leaves_no_lock_and_says_what_it_cannot_do() {
    let cluster = server();
    let before = closable(&cluster);
    let pooler = PgBouncer::start(&cluster, &[], &[("pool_mode", "transaction")]);
    let port = pooler.port.to_string();
    let through =
        |more: &[&str]| Pgconn::new(&[&["drain", "--db", "shop", "-p", &port], more].concat()).on(&cluster);
    let run = through(&["--for", "1h"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    assert!(
        run.stderr().contains("warning: through a connection pooler no other drain is kept away"),
        "{}",
        run.stderr()
    );
    for refused in [through(&["--for", "1ms"]).run(), drain(&cluster, &["--for", "1ms"]).run()] {
        assert!(refused.fails_with(2).stderr.contains("is closed already"));
    }
    run.signal(Signal::SIGINT);
    let _ = run.finish().fails_with(130);
    assert_eq!(closable(&cluster), before);
    assert_eq!(cluster.value("select count(*) from pg_locks where locktype = 'advisory'"), "0");
}

/// An interrupted DROP leaves a database that nobody can enter and nothing but DROP can remove.
#[test]
fn an_invalid_database_is_named_before_anything_is_done() {
    let cluster = server();
    cluster.query("update pg_database set datconnlimit = -2 where datname = 'shop'");
    for fence in FENCES {
        let refused = drain(&cluster, &["--fence", fence, "--for", "1ms", "--json"]).run().fails_with(2);
        let error: Value = serde_json::from_str(&refused.stderr).unwrap();
        let error = &error["error"];
        assert!(
            error["message"].as_str().unwrap().contains("a DROP DATABASE of it was interrupted"),
            "{refused}"
        );
        assert!(
            error["hint"].as_str().unwrap().contains("only DROP DATABASE \"shop\" can remove it"),
            "{refused}"
        );
    }
}

/// A session that the server has not noticed to be lost still holds it, and is in the way of the one that takes its place.
#[test]
fn a_drain_that_has_lost_its_session_has_the_database_in_hand_again() {
    let cluster = server();
    let before = closable(&cluster);
    let run = drain(&cluster, &["--for", "1h", "-t", "1s"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    let holder = "select pid from pg_locks where locktype = 'advisory'";
    let first: i32 = cluster.value(holder).parse().unwrap();
    kill(Pid::from_raw(first), Signal::SIGSTOP).unwrap();
    cluster.wait_until(&format!(
        "exists (select from pg_stat_activity where application_name = 'pgconn' and pid <> {first})"
    ));
    kill(Pid::from_raw(first), Signal::SIGCONT).unwrap();
    cluster.wait_until(&format!("exists ({holder} and pid <> {first})"));
    let refused = drain(&cluster, &["--for", "1ms"]).run().fails_with(2);
    assert!(refused.stderr.contains("is being drained already, by pid "), "{refused}");
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    assert!(outcome.stdout.contains("open as before") && closable(&cluster) == before, "{outcome}");
}
