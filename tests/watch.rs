//! `--watch` as people and scripts meet it: one session, results that replace or follow each other, a good end.

use super::common::{Cluster, Pgconn, shared, wait_for, wait_until, with};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::sync::OnceLock;

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

/// A server on which pgconn's own sessions can be counted and ended.
fn server() -> &'static Cluster {
    static SERVER: OnceLock<Cluster> = OnceLock::new();
    SERVER.get_or_init(|| with(&[("max_connections", "40")]))
}

/// The session that a watch in this database holds.
fn watcher(database: &str) -> String {
    let own = format!("from pg_stat_activity where application_name = 'pgconn' and datname = '{database}'");
    wait_for("the watch has a session", || {
        server().query(&format!("select pid {own}")).first().and_then(|row| row[0].clone())
    })
}

fn database(name: &str) -> String {
    server().query(&format!("create database {name}"));
    name.to_owned()
}

#[test]
fn json_is_a_document_a_line_over_one_session() {
    let database = database("watch_json");
    let run = Pgconn::new(&["stats", "--json", "--watch=100ms", "-d", &database]).on(server()).spawn();
    wait_until("three documents", || run.stdout().lines().count() >= 3);
    let first = watcher(&database);
    let already = run.stdout().lines().count();
    wait_until("more documents", || run.stdout().lines().count() >= already + 5);
    assert_eq!(watcher(&database), first);
    run.signal(Signal::SIGINT);
    let outcome = run.finish().success();
    assert_eq!(outcome.stderr, "");
    let documents = outcome.ndjson();
    assert!(documents.iter().all(|document| document["kind"] == "stats"), "{outcome}");
    let at = |number: usize| documents[number]["generated_at"].as_str().unwrap().to_owned();
    assert!(at(0) < at(7), "{outcome}");
}

#[test]
fn every_look_sees_what_is_new() {
    let run = Pgconn::new(&["ls", "-F", "ndjson", "--app", "newcomer", "--watch=100ms"]).on(server()).spawn();
    wait_until("an empty list", || run.stdout().contains("\"sessions\":[]"));
    let newcomer = server().connect(&[("application_name", "newcomer")]).unwrap();
    wait_until("the newcomer", || run.stdout().contains(&format!("\"pid\":{}", newcomer.pid)));
    run.signal(Signal::SIGINT);
    let _ = run.finish().success();
}

#[test]
fn a_queue_is_seen_while_it_forms() {
    let run = Pgconn::new(&["blockers", "--json", "--watch=100ms"]).on(server()).spawn();
    wait_until("an empty tree", || run.stdout().contains("\"blocked_count\":0"));
    let _holder = server().idle_in_transaction(&[], "select pg_advisory_xact_lock(4711)");
    let _waiter = server().waiting(&[], "select pg_advisory_xact_lock(4711)");
    wait_until("the queue", || run.stdout().contains("\"blocked_count\":1"));
    run.signal(Signal::SIGINT);
    let _ = run.finish().success();
}

#[test]
fn a_terminal_is_redrawn_marked_and_restored() {
    let _old = server().connect(&[("application_name", "drawn")]).unwrap();
    let mut terminal = Pgconn::new(&["ls", "--app", "drawn", "--watch=100ms"]).on(server()).on_terminal();
    terminal.wait_for("1 session");
    let screen = terminal.screen();
    assert!(
        screen.starts_with(ENTER) && screen.contains("every 100ms") && !screen.contains("* "),
        "{screen:?}"
    );
    assert!(!screen.contains("\u{1b}[2J"), "clearing the screen flickers: {screen:?}");
    let new = server().connect(&[("application_name", "drawn")]).unwrap();
    terminal.wait_for("2 sessions");
    terminal.wait_for(&format!("* {}", new.pid));
    terminal.type_keys("\u{3}");
    let outcome = terminal.finish().success();
    let after = outcome.stdout.rsplit(LEAVE).next().unwrap();
    assert!(outcome.stdout.contains(LEAVE) && matches!(after, "" | "^C"), "{outcome}");
    assert!(outcome.stdout.contains("\u{1b}[?25h") && outcome.stdout.contains("\u{1b}[?7h"), "{outcome}");
}

#[test]
fn every_end_restores_the_terminal() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 143), (Signal::SIGINT, 0)] {
        let terminal = Pgconn::new(&["stats", "--watch"]).on(server()).on_terminal();
        terminal.wait_for("connections");
        kill(Pid::from_raw(terminal.pid()), signal).unwrap();
        let outcome = terminal.finish().fails_with(code);
        assert!(outcome.stdout.ends_with(LEAVE), "{signal}: {outcome}");
    }
    // a look that fails for good: the database is gone
    let database = database("watch_gone");
    let terminal = Pgconn::new(&["stats", "--watch=100ms", "-d", &database]).on(server()).on_terminal();
    terminal.wait_for("connections");
    server().query(&format!("drop database {database} with (force)"));
    let outcome = terminal.finish();
    let (_, after) = outcome.stdout.rsplit_once(LEAVE).unwrap();
    assert!(outcome.code != 0 && after.starts_with("error: "), "{outcome}");
}

/// Whatever a run was started to ignore, as by `nohup`, or by a script that starts it in its background.
#[test]
fn what_is_ignored_at_the_start_stays_ignored() {
    let line = [env!("CARGO_BIN_EXE_pgconn"), "stats", "--json", "--watch=100ms"];
    for (starter, signal, last, code) in [
        ("nohup", Signal::SIGHUP, Signal::SIGINT, 0),
        ("--ignore-signal=INT", Signal::SIGINT, Signal::SIGTERM, 143),
        ("--ignore-signal=QUIT", Signal::SIGQUIT, Signal::SIGINT, 0),
        ("--ignore-signal=TERM", Signal::SIGTERM, Signal::SIGINT, 0),
    ] {
        let run = match starter {
            "nohup" => Pgconn::of("nohup", &line),
            flag => Pgconn::of("env", &[&[flag], &line[..]].concat()),
        };
        let run = run.on(server()).spawn();
        let documents = || run.stdout().matches('\n').count();
        wait_until("a document", || documents() > 0);
        run.signal(signal);
        let before = documents();
        wait_until("two more", || documents() > before + 1);
        run.signal(last);
        let _ = run.finish().fails_with(code);
    }
}

#[test]
fn a_lost_session_is_made_again_and_the_age_of_the_data_is_seen() {
    let database = database("watch_lost");
    let line = &["ls", "--watch=100ms", "-d", &database][..];
    let terminal = Pgconn::new(line).on(server()).on_terminal();
    terminal.wait_for("session");
    let first = watcher(&database);
    server().query(&format!("select pg_terminate_backend({first})"));
    terminal.wait_for("data is 0s old: ");
    wait_until("another session", || watcher(&database) != first);
    let frames = terminal.frames();
    let (stale, _) = frames.iter().find(|(looks, _)| looks.contains("data is 0s old: ")).unwrap();
    assert!(stale.contains("trying again") && stale.contains("session"), "{stale}");
    kill(Pid::from_raw(terminal.pid()), Signal::SIGINT).unwrap();
    let outcome = terminal.finish().success();
    assert!(outcome.stdout.ends_with(LEAVE) && !outcome.stdout.contains("error"), "{outcome}");

    let run = Pgconn::new(&[line, &["--json"]].concat()).on(server()).spawn();
    wait_until("a document", || run.stdout().contains('\n'));
    let first = watcher(&database);
    server().query(&format!("select pg_terminate_backend({first})"));
    wait_until("connected again", || run.stderr().contains("connected again"));
    let already = run.stdout().lines().count();
    wait_until("another document", || run.stdout().lines().count() > already);
    run.signal(Signal::SIGTERM);
    let outcome = run.finish().fails_with(143);
    assert!(outcome.stderr.contains("; trying again\n"), "{outcome}");
    assert!(outcome.ndjson().len() > already);
}

#[test]
fn a_first_connection_that_fails_is_an_error_at_once() {
    let outcome = Pgconn::new(&["stats", "--watch", "-h", "/nonexistent", "-U", "x"]).run();
    assert!(
        outcome.code != 0 && outcome.stderr.starts_with("error: ") && outcome.stdout.is_empty(),
        "{outcome}"
    );
}

#[test]
fn a_pipe_gets_one_result_after_the_other_and_warnings_once() {
    let run = Pgconn::new(&["ls", "--db", "no_such_db", "--watch=100ms"]).on(shared()).spawn();
    wait_until("three results", || run.stdout().matches("0 sessions").count() >= 3);
    run.signal(Signal::SIGINT);
    let outcome = run.finish().success();
    assert!(!outcome.stdout.contains('\u{1b}'), "{outcome}");
    let headings = outcome.stdout.lines().filter(|line| line.contains("  every 100ms  20")).count();
    assert_eq!(headings, outcome.stdout.matches("0 sessions").count());
    assert_eq!(outcome.stderr.matches("there is no database \"no_such_db\"").count(), 1, "{outcome}");
    let command = format!("{} ls --watch=100ms | head -n 3", env!("CARGO_BIN_EXE_pgconn"));
    let outcome = Pgconn::of("bash", &["-o", "pipefail", "-c", &command]).on(shared()).run().success();
    assert_eq!(outcome.stderr, "");
}

#[test]
fn a_file_is_replaced_whole_by_each_result() {
    let file = std::env::temp_dir().join(format!("pgconn-watch-{}.json", std::process::id()));
    let run =
        Pgconn::new(&["stats", "--json", "--watch=100ms", "-o", file.to_str().unwrap()]).on(server()).spawn();
    let read = || {
        let text = fs::read_to_string(&file).ok()?;
        let document: serde_json::Value = serde_json::from_str(&text).expect("half a file");
        Some(document["generated_at"].as_str().unwrap().to_owned())
    };
    let first = wait_for("a file", read);
    wait_until("another result", || read().is_some_and(|next| next > first));
    run.signal(Signal::SIGINT);
    assert_eq!(run.finish().success().stdout, "");
    fs::remove_file(&file).unwrap();
}

#[test]
fn check_goes_on_when_the_server_does_not() {
    let database = database("watch_check");
    let run =
        Pgconn::new(&["check", "reachable", "--json", "--watch=100ms", "-d", &database]).on(server()).spawn();
    wait_until("a verdict", || run.stdout().contains("\"status\":\"ok\""));
    let first = watcher(&database);
    server().query(&format!("alter database {database} allow_connections false"));
    server().query(&format!("select pg_terminate_backend({first})"));
    wait_until("a bad verdict", || {
        run.stdout().lines().last().is_some_and(|line| !line.contains("\"status\":\"ok\""))
    });
    server().query(&format!("alter database {database} allow_connections true"));
    wait_until("a good verdict", || {
        run.stdout().lines().last().is_some_and(|line| line.contains("\"status\":\"ok\""))
    });
    run.signal(Signal::SIGINT);
    let _ = run.finish().success();
}

#[test]
fn memory_does_not_grow_with_the_looks() {
    let run = Pgconn::new(&["ls", "--json", "--watch=100ms"]).on(server()).spawn();
    let resident = || -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", run.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    wait_until("ten looks", || run.stdout().lines().count() >= 10);
    let early = resident();
    wait_until("fifty looks", || run.stdout().lines().count() >= 50);
    let late = resident();
    assert!(late <= early + 256, "{early} kB after ten looks, {late} kB after fifty");
    run.signal(Signal::SIGINT);
    let _ = run.finish().success();
}

#[test]
fn an_interval_needs_a_unit_and_an_equals_sign_and_a_look() {
    for (line, expected) in [
        (&["stats", "--watch=5"][..], "5 what?"),
        (&["stats", "--watch=10ms"], "between 100ms and 1d"),
        (
            &["stats", "--watch", "5s"],
            "unexpected argument '5s': pgconn stats takes no such word there\nhint: write --watch=5s",
        ),
        (&["ls", "--watch", "5"], "write --watch=5s; a pid stands before --watch"),
        (&["schema", "--watch"], "this command runs once"),
    ] {
        let outcome = Pgconn::new(line).run().fails_with(2);
        assert!(outcome.stderr.contains(expected), "{line:?}: {outcome}");
    }
}

#[test]
fn ping_makes_a_new_connection_each_time_and_goes_on_when_there_is_none() {
    let mut server =
        with(&[("max_connections", "20"), ("log_connections", "on"), ("log_min_messages", "log")]);
    let run = Pgconn::new(&["ping", "--json", "--watch=100ms"]).on(&server).spawn();
    wait_until("three documents", || run.stdout().lines().count() >= 3);
    let log = fs::read_to_string(server.dir.join("log")).unwrap();
    assert!(log.matches("connection authorized: user=postgres").count() >= 3, "{log}");
    server.stop();
    wait_until("no answer", || run.stdout().contains("\"status\":\"no_answer\""));
    server.launch(&|| true).unwrap();
    let so_far = run.stdout().lines().count();
    wait_until("an answer again", || {
        run.stdout().lines().skip(so_far).any(|line| line.contains("\"status\":\"accepting\""))
    });
    run.signal(Signal::SIGINT);
    let outcome = run.finish().success();
    let documents = outcome.ndjson();
    let last = documents.last().unwrap();
    // each document has the attempts of its turn and the figures of all
    assert_eq!(last["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(last["summary"]["count"], documents.len());
    let accepted = documents.iter().filter(|document| document["status"] == "accepting").count();
    assert_eq!(last["summary"]["accepted"], accepted);
    assert!(documents.iter().any(|document| document["attempts"][0]["code"] == "refused"), "{outcome}");
}

#[test]
fn a_quiet_ping_in_a_watch_says_only_when_it_fails() {
    let mut server = with(&[("max_connections", "20")]);
    let run = Pgconn::new(&["ping", "-q", "--watch=100ms"]).on(&server).spawn();
    server.wait_until("exists (select from pg_stat_activity where application_name = 'pgconn')");
    server.stop();
    wait_until("no answer", || run.stdout().contains("no answer"));
    assert!(run.stdout().lines().next().unwrap().contains("  every 100ms  "), "{}", run.stdout());
    assert!(!run.stdout().contains(" - accepting connections"), "{}", run.stdout());
    run.signal(Signal::SIGTERM);
    let _ = run.finish().fails_with(143);
}

#[test]
fn only_ages_that_advance_mark_nothing() {
    let server = with(&[("max_connections", "20")]);
    let _holder = server.idle_in_transaction(&[], "select pg_advisory_xact_lock(4711)");
    let _waiter = server.waiting(&[], "select pg_advisory_xact_lock(4711)");
    for (line, shown) in [
        (&["blockers", "--watch=300ms"][..], "1 session blocked"),
        (&["check", "blocked", "idle-xact", "--watch=300ms"], "for 2."),
    ] {
        let terminal = Pgconn::new(line).on(&server).on_terminal();
        terminal.wait_for(shown);
        let already = terminal.frames().len();
        wait_until("more looks", || terminal.frames().len() >= already + 4);
        let is_marked = |(looks, _): &(String, String)| looks.lines().any(|line| line.starts_with("* "));
        assert!(!terminal.frames().iter().any(is_marked), "{:?}", terminal.screen());
        kill(Pid::from_raw(terminal.pid()), Signal::SIGINT).unwrap();
        let _ = terminal.finish().success();
    }
}

#[test]
fn no_row_is_wider_than_the_terminal_and_what_matters_is_there() {
    let server = with(&[("max_connections", "20")]);
    server.query("create table stock (id int); create role an_application_role login");
    let crowded = [
        ("application_name", "an-application-with-a-long-name"),
        ("user", "an_application_role"),
        ("database", "postgres"),
    ];
    server.query("grant all on stock to an_application_role");
    let _holder = server.idle_in_transaction(&crowded, "lock table stock in access exclusive mode");
    let _waiter = server.waiting(&crowded, "select id, id, id, id, id, id from stock where id = 4711");
    server.wait_until("true");
    for (line, titles) in [
        (&["ls"][..], &["PID", "STATE", "FOR", "XACT", "QUERY"][..]),
        (&["long", "--over", "1ms"], &["PID", "STATE", "FOR", "XACT", "QUERY"]),
        (&["blockers"], &["PID", "WAIT", "XACT", "LOCK", "QUERY"]),
        (&["kill", "--db", "postgres", "-n"], &["PID", "STATE", "FOR", "XACT", "LOCKS", "WAITING"]),
    ] {
        let screen = Pgconn::new(line).on(&server).on_terminal().finish().success().stdout;
        let wide: Vec<&str> = screen.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{screen}");
        let header = screen.lines().find(|line| line.contains("PID ")).unwrap();
        let missing: Vec<&&str> = titles.iter().filter(|title| !header.contains(**title)).collect();
        assert!(missing.is_empty(), "{missing:?} in {screen}");
    }
}
