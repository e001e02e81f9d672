//! `drain --restore`: what a run that was killed left closed is opened as it was, and nothing else.

use super::{closable, drain, inside, server};
use crate::common::{Cluster, Outcome, Pgconn, Running, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// A drain that holds the database.
fn held(cluster: &Cluster, fence: &str) -> Running {
    let run = drain(cluster, &["--fence", fence, "--for", "1h"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    run
}

fn killed(cluster: &Cluster, fence: &str) {
    let run = held(cluster, fence);
    run.signal(Signal::SIGKILL);
    let _ = run.finish().fails_with(137);
}

fn restore(cluster: &Cluster, arguments: &[&str]) -> Pgconn {
    Pgconn::new(&[&["drain", "--restore"], arguments].concat()).on(cluster)
}

/// What is written down of this server.
fn state_files(cluster: &Cluster) -> Vec<PathBuf> {
    let folder = cluster.dir.join("state/pgconn");
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn results(outcome: &Outcome) -> Vec<Value> {
    let document = outcome.json();
    let rows = document["reopened"].as_array().unwrap().iter();
    rows.map(|row| row["result"].clone()).collect()
}

#[test]
fn what_a_killed_drain_left_closed_is_opened_as_it_was() {
    let cluster = server();
    let before = closable(&cluster);
    for fence in ["limit", "revoke", "hard"] {
        for arguments in [&[][..], &["--db", "shop"]] {
            killed(&cluster, fence);
            assert_ne!(closable(&cluster), before);
            let outcome = restore(&cluster, arguments).run().success();
            assert_eq!(closable(&cluster), before, "{fence} {arguments:?}\n{outcome}");
            assert_eq!(outcome.stdout, "database shop: open as before\n", "{outcome}");
            assert!(state_files(&cluster).is_empty());
        }
    }
    // Its name is another one now.
    killed(&cluster, "limit");
    cluster.query("alter database shop rename to store");
    let outcome = restore(&cluster, &["--db", "store", "--json"]).run().success();
    assert_eq!(results(&outcome), ["opened"], "{outcome}");
    cluster.query("alter database store rename to shop");
    assert_eq!(closable(&cluster), before);
    // What is no more, and what was opened by hand, is nothing to open.
    killed(&cluster, "hard");
    cluster.query("alter database shop allow_connections true");
    let outcome = restore(&cluster, &["--json"]).run().success();
    assert_eq!((results(&outcome), closable(&cluster)), (vec![json!("open")], before.clone()), "{outcome}");
    killed(&cluster, "hard");
    cluster.query("drop database shop");
    let outcome = restore(&cluster, &["--json"]).run().success();
    assert_eq!((results(&outcome), state_files(&cluster).len()), (vec![json!("gone")], 0), "{outcome}");
    let outcome = restore(&cluster, &[]).run().success();
    assert!(outcome.stdout.contains("no drain that was killed has left anything closed"), "{outcome}");
}

/// The file is there before the closable is closed, for nobody else to read, and gone with the run that wrote it.
#[test]
fn what_was_is_written_down_while_it_is_held_and_no_longer() {
    let cluster = server();
    let run = held(&cluster, "revoke");
    let [file] = &state_files(&cluster)[..] else { panic!("{:?}", state_files(&cluster)) };
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let folder = file.parent().unwrap();
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    let kept: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let system = cluster.value("select system_identifier from pg_control_system()");
    assert_eq!((&kept["server"]["system_identifier"], &kept["fence"]), (&json!(system), &json!("revoke")));
    assert_eq!(
        (&kept["database"]["name"], &kept["database"]["connection_limit"]),
        (&json!("shop"), &json!(7))
    );
    run.signal(Signal::SIGTERM);
    let _ = run.finish().fails_with(143);
    assert!(state_files(&cluster).is_empty());
    // Nothing is closed before it is written down: a statement that is on its way is found there.
    let holder = cluster.idle_in_transaction(&[], "alter database shop connection limit 5");
    let run = drain(&cluster, &["--fence", "limit", "--for", "1h"]).spawn();
    cluster.wait_until(
        "exists (select from pg_stat_activity where application_name = 'pgconn' and wait_event_type = 'Lock')",
    );
    assert_eq!(state_files(&cluster).len(), 1);
    run.signal(Signal::SIGKILL);
    let _ = run.finish().fails_with(137);
    drop(holder);
    let _ = restore(&cluster, &[]).run().success();
    assert!(closable(&cluster).starts_with("7 t "), "{}", closable(&cluster));
    // Where nothing can be written it is said, and done all the same.
    let file = cluster.dir.join("file");
    fs::write(&file, "").unwrap();
    let outcome = drain(&cluster, &["--for", "1ms"]).env("XDG_STATE_HOME", &file).run().success();
    assert!(outcome.stderr.contains("warning: what was before could not be written down: "), "{outcome}");
}

#[test]
fn while_a_drain_has_it_in_hand_it_is_not_opened() {
    let cluster = server();
    for fence in ["limit", "revoke", "hard"] {
        let run = held(&cluster, fence);
        let closed = closable(&cluster);
        for arguments in [&[][..], &["--db", "shop", "--yes"]] {
            let refused = restore(&cluster, arguments).run().fails_with(2);
            let said = "error: database \"shop\" is being drained already, by pid ";
            assert!(refused.stderr.contains(said), "{refused}");
            assert_eq!((closable(&cluster), state_files(&cluster).len()), (closed.clone(), 1));
        }
        run.signal(Signal::SIGINT);
        let _ = run.finish().fails_with(130);
    }
}

/// A drain that comes after one that was killed does not take what that one left for what was before, whatever its fence.
#[test]
fn a_drain_after_one_that_was_killed_is_led_to_the_way_back() {
    let cluster = server();
    let before = closable(&cluster);
    for first in ["limit", "revoke", "hard"] {
        killed(&cluster, first);
        for second in ["limit", "revoke", "hard"] {
            let refused = drain(&cluster, &["--fence", second, "--for", "1ms"]).run().fails_with(2);
            assert!(
                refused.stderr.contains("hint: open it first: pgconn drain --restore --db shop"),
                "{refused}"
            );
            let file = state_files(&cluster).remove(0).display().to_string();
            let said = format!("detail: a drain that was killed left it so; what was before is in {file}");
            assert!(refused.stderr.contains(&said), "{first} {second}\n{refused}");
        }
        let _ = restore(&cluster, &[]).run().success();
        assert_eq!(closable(&cluster), before);
        // What is written down of one that was opened by hand is in nobody's way.
        killed(&cluster, first);
        let file = state_files(&cluster).remove(0);
        let text = fs::read(&file).unwrap();
        let _ = restore(&cluster, &[]).run().success();
        fs::write(&file, text).unwrap();
        let outcome = drain(&cluster, &["--fence", first, "--for", "1ms"]).run().success();
        assert!(outcome.stdout.contains("open as before"), "{outcome}");
        assert_eq!((closable(&cluster), state_files(&cluster).len()), (before.clone(), 0));
    }
}

/// From another machine nothing is known of what was before.
#[test]
fn without_a_state_file_it_gets_what_can_be_known() {
    let cluster = server();
    let elsewhere = cluster.dir.join("elsewhere");
    let restore = |arguments: &[&str]| restore(&cluster, arguments).env("XDG_STATE_HOME", &elsewhere).run();
    for (fence, open) in [("limit", "-1 t "), ("hard", "7 t ")] {
        killed(&cluster, fence);
        cluster.wait_until("not exists (select from pg_locks where locktype = 'advisory')");
        let outcome = restore(&[]).success();
        assert!(
            outcome.stderr.contains("hint: where it is not meant so: pgconn drain --restore --db shop"),
            "{outcome}"
        );
        let planned = restore(&["--db", "shop", "--dry-run"]).success();
        assert!(planned.stdout.contains("would be opened") && closable(&cluster) != open, "{planned}");
        let outcome = restore(&["--db", "shop"]).success();
        assert!(outcome.stderr.contains("warning: what was before is not known here: "), "{outcome}");
        assert_eq!(outcome.stdout, "database shop: open; what it was before is not known\n");
        assert!(closable(&cluster).starts_with(open), "{fence} {}", closable(&cluster));
        cluster.query("alter database shop connection limit 7");
        // Opened by hand, so that what is written down of it is in nobody's way.
        let _ = super::drain(&cluster, &["--for", "1ms"]).run().success();
    }
    // Whom a revoked database let in is not known, and may be nobody: it takes a word more.
    killed(&cluster, "revoke");
    cluster.wait_until("not exists (select from pg_locks where locktype = 'advisory')");
    let closed = closable(&cluster);
    let refused = restore(&["--db", "shop"]).fails_with(2);
    let said = "error: whom it let in is not known, and there is no terminal to ask";
    assert!(refused.stderr.contains(said) && closable(&cluster) == closed, "{refused}");
    let outcome = restore(&["--db", "shop", "--yes"]).success();
    assert!(outcome.stderr.contains("GRANT CONNECT ON DATABASE \"shop\" TO PUBLIC;"), "{outcome}");
    assert_eq!(cluster.value("select has_database_privilege('other', 'shop', 'connect')::text"), "true");
    let open = restore(&["--db", "shop"]).success();
    assert_eq!(open.stdout, "database shop: is open, nothing was done\n");
    assert!(restore(&["--db", "nowhere"]).fails_with(1).stderr.contains("there is no database \"nowhere\""));
}

#[test]
fn at_a_terminal_it_asks_where_what_was_is_not_known() {
    let cluster = server();
    cluster.query("alter database shop connection limit 0");
    let mut terminal = restore(&cluster, &["--db", "shop"]).on_terminal();
    terminal.wait_for("[y/N] ");
    terminal.type_keys("n\n");
    let _ = terminal.finish().fails_with(1);
    assert!(closable(&cluster).starts_with("0 t "));
    let mut terminal = restore(&cluster, &["--db", "shop"]).on_terminal();
    terminal.wait_for("[y/N] ");
    terminal.type_keys("y\n");
    let _ = terminal.finish().success();
    assert!(closable(&cluster).starts_with("-1 t "));
}

/// With a state file it only undoes what was done, and asks nobody who has not said that he wants to be asked.
#[test]
fn what_is_written_down_is_undone_without_a_question() {
    let cluster = server();
    let before = closable(&cluster);
    killed(&cluster, "revoke");
    let closed = closable(&cluster);
    let refused = restore(&cluster, &[]).env("PGCONN_CONFIRM", "always").run().fails_with(2);
    assert!(refused.stderr.contains("nothing was done") && closable(&cluster) == closed, "{refused}");
    let outcome = restore(&cluster, &[]).on_terminal().finish().success();
    assert!(!outcome.stdout.contains("[y/N]") && closable(&cluster) == before, "{outcome}");
}

/// Its own database is the closed one, which is no reason to be kept out.
#[test]
fn it_gets_in_where_its_own_database_is_closed() {
    let cluster = server();
    let before = closable(&cluster);
    killed(&cluster, "hard");
    let _ = restore(&cluster, &["-d", "shop"]).run().success();
    assert_eq!(closable(&cluster), before);
}

/// What is written down of another server is none of this one's business.
#[test]
fn what_is_written_down_of_another_server_is_left_alone() {
    let cluster = server();
    killed(&cluster, "limit");
    let closed = closable(&cluster);
    let file = state_files(&cluster).remove(0);
    let text = fs::read_to_string(&file).unwrap();
    let mine = cluster.value("select system_identifier from pg_control_system()");
    fs::write(&file, text.replace(&mine, "1")).unwrap();
    let outcome = restore(&cluster, &["--json"]).run().success();
    assert_eq!((results(&outcome), closable(&cluster)), (Vec::new(), closed), "{outcome}");
    assert_eq!(state_files(&cluster).len(), 1);
    // A file that says nothing is said, and in nobody's way.
    fs::write(&file, text).unwrap();
    fs::write(file.with_file_name("drain-x.json"), "{").unwrap();
    let outcome = restore(&cluster, &["--json"]).run().success();
    assert_eq!(outcome.json()["warnings"][0]["code"], "state_file_unreadable", "{outcome}");
    assert!(closable(&cluster).starts_with("7 t "));
}

/// Who may not open it is told so, and what was before stays written down.
#[test]
fn who_may_not_open_it_leaves_it_as_it_is() {
    let cluster = server();
    killed(&cluster, "limit");
    let closed = closable(&cluster);
    for arguments in [&[][..], &["--db", "shop"]] {
        let refused = restore(&cluster, &[arguments, &["-U", "web"]].concat()).run().fails_with(1);
        assert!(refused.to_string().contains("is not its owner any more"), "{refused}");
        assert_eq!((closable(&cluster), state_files(&cluster).len()), (closed.clone(), 1));
    }
    let _ = restore(&cluster, &["-U", "boss"]).run().success();
    assert!(closable(&cluster).starts_with("7 t "));
}

/// What lets nobody in is named by all that look.
#[test]
fn closed_databases_are_named_by_stats_check_and_doctor() {
    let cluster = server();
    let look = |arguments: &[&str]| Pgconn::new(arguments).on(&cluster).run();
    assert_eq!(look(&["stats", "--json"]).success().json()["closed"], json!([]));
    assert!(look(&["check", "closed"]).success().stdout.contains("every database lets somebody in"));
    cluster.query("create database gone connection limit -1; ");
    cluster.query("create database tmpl is_template true allow_connections false");
    cluster.query("update pg_database set datconnlimit = -2 where datname = 'gone'");
    killed(&cluster, "limit");
    cluster.wait_until("not exists (select from pg_locks where locktype = 'advisory')");
    let expected = json!([
        { "database": "gone", "why": "invalid", "held_by": null },
        { "database": "shop", "why": "connection_limit", "held_by": null },
    ]);
    let stats = look(&["stats", "--json"]).success();
    assert_eq!(stats.json()["closed"], expected, "{stats}");
    let stats = look(&["stats"]).success();
    for line in [
        "! database \"gone\" lets nobody in: a DROP DATABASE of it was interrupted\n",
        "! database \"shop\" lets nobody in but superusers: its connection limit is 0\n",
    ] {
        assert!(stats.stdout.contains(line), "{stats}");
    }
    let check = look(&["check", "closed", "--json"]).fails_with(1);
    let rule = &check.json()["checks"][0];
    assert_eq!(
        (&rule["status"], &rule["value"], &rule["unit"]),
        (&json!("warning"), &json!(2.0), &json!("count"))
    );
    assert!(rule["hint"].as_str().unwrap().contains("only DROP DATABASE \"gone\" can remove it"), "{check}");
    let _ = look(&["check", "closed", "--warning", "closed=2"]).success();
    assert!(look(&["check"]).fails_with(1).stdout.contains("closed: database \"gone\""));
    let doctor = look(&["doctor", "--for", "1ms", "--json"]).success().json();
    let found =
        doctor["findings"].as_array().unwrap().iter().find(|found| found["rule"] == "closed").unwrap();
    assert_eq!(
        (&found["status"], &found["next_command"]),
        (&json!("warn"), &json!("DROP DATABASE \"gone\""))
    );
    // What a drain holds is said so.
    cluster.query("drop database gone");
    let _ = restore(&cluster, &[]).run().success();
    let run = held(&cluster, "hard");
    let pid = cluster.value("select pid from pg_stat_activity where application_name = 'pgconn'");
    let stats = look(&["stats", "-U", "web"]).success();
    let said = format!("lets nobody in: it allows no connections, held so by a drain (pid {pid})\n");
    assert!(stats.stdout.contains(&said), "{stats}");
    run.signal(Signal::SIGINT);
    let _ = run.finish().fails_with(130);
    let _ = cluster.connect(&inside(&[])).unwrap();
}

/// Where no database lets it in, it says what each of them said, its own first.
#[test]
fn every_database_that_was_tried_is_told_with_what_it_said() {
    let cluster = server();
    cluster.query("revoke connect on database shop, postgres, template1 from public");
    let refused = restore(&cluster, &["-U", "other", "-d", "shop", "--json"]).run().fails_with(3);
    let error = serde_json::from_str::<Value>(&refused.stderr).unwrap()["error"].clone();
    let socket = format!("{}/.s.PGSQL.{}", cluster.host(), cluster.port);
    let said = ["shop", "postgres", "template1"].map(|name| {
        let failed = format!("connection to server on socket \"{socket}\" failed");
        format!(
            "database \"{name}\": {failed}: permission denied for database \"{name}\"\n\
             User does not have CONNECT privilege."
        )
    });
    assert_eq!(error["detail"], said.join("\n"), "{error:#}");
    // Of which it is one, it is tried once.
    let refused = restore(&cluster, &["-U", "other", "--json"]).run().fails_with(3);
    let error = serde_json::from_str::<Value>(&refused.stderr).unwrap()["error"].clone();
    assert_eq!(error["detail"], said[1..].join("\n"), "{error:#}");
}
