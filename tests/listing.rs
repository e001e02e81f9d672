//! Listings on a terminal: the worst rows, as many as the screen shows, and how many more there are. Elsewhere every row.

use super::common::{Cluster, Pgconn, Session, wait_until, with};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;

/// Sessions of an application, the first of which has a transaction open.
fn crowd(cluster: &Cluster, count: usize) -> Vec<Session> {
    let name = [("application_name", "crowd")];
    let mut sessions = vec![cluster.idle_in_transaction(&name, "select 1")];
    sessions.extend((1..count).map(|_| cluster.connect(&name).unwrap()));
    sessions
}

/// The rows of sessions, each with its pid first; what all have in common may stand above them.
fn listed(text: &str) -> usize {
    text.lines().filter(|line| pid(line).is_some() && line.contains("idle")).count()
}

fn pid(line: &str) -> Option<i32> {
    line.trim_start_matches(['*', ' ']).split_once(' ')?.0.parse().ok()
}

#[test]
fn a_listing_keeps_to_the_screen_and_says_how_many_more_there_are() {
    let cluster = with(&[("max_connections", "60")]);
    let sessions = crowd(&cluster, 40);
    let worst = sessions[0].pid.to_string();
    let run =
        |arguments: &[&str]| Pgconn::new(arguments).on(&cluster).on_terminal().finish().success().stdout;
    for line in [&["ls", "--app", "crowd"][..], &["long", "--app", "crowd", "--over", "1us"]] {
        let screen = run(line);
        let shown = listed(&screen);
        let all = if line[0] == "ls" { 40 } else { 1 };
        assert!(screen.lines().count() < 24, "{screen}");
        assert!(screen.lines().find_map(pid) == worst.parse().ok(), "{screen}");
        assert!(
            !screen.starts_with("database "),
            "nothing is said of sessions that were not fetched: {screen}"
        );
        let more = format!("{} more sessions; --full or -o, or pipe to a pager", 40 - shown);
        assert_eq!(screen.contains(&more), all == 40, "{screen}");
        let counted = if all == 40 { "\n40 sessions\r\n" } else { "1 session with a query or transaction" };
        assert!(screen.contains(counted), "{screen}");
    }
    // the warning and its hint take two lines of the screen, each row more leaves one less for the rest
    cluster.query("create role plain login");
    let screen = run(&["ls", "--app", "crowd", "-U", "plain"]);
    assert!(
        screen.contains("40 sessions are hidden from role \"plain\"") && screen.lines().count() == 23,
        "{screen}"
    );

    // --limit is what is wanted, and the screen what is shown of it
    assert!(run(&["ls", "--app", "crowd", "--limit", "3"]).contains("3 of 40 sessions"));
    let screen = run(&["ls", "--app", "crowd", "--limit", "30"]);
    let more = format!("{} more sessions; --full or -o, or pipe to a pager", 30 - listed(&screen));
    assert!(screen.contains(&more) && screen.contains("30 of 40 sessions"), "{screen}");

    let full = run(&["ls", "--app", "crowd", "--full"]);
    assert!(listed(&full) == 40 && !full.contains("more session"), "{full}");
    for format in ["table", "tsv", "json"] {
        let outcome = Pgconn::new(&["ls", "--app", "crowd", "-F", format]).on(&cluster).run().success();
        assert_eq!(outcome.stdout.matches("crowd").count(), 40, "{outcome}");
    }
}

#[test]
fn a_watch_asks_for_no_more_rows_than_its_screen_has_lines() {
    let cluster = with(&[("max_connections", "60"), ("log_statement", "all")]);
    let sessions = crowd(&cluster, 40);
    let terminal = Pgconn::new(&["ls", "--app", "crowd", "--watch=100ms"]).on(&cluster).on_terminal();
    wait_until("some looks", || terminal.frames().len() >= 3);
    let screen = terminal.frames().pop().unwrap().0;
    assert!(screen.contains(&sessions[0].pid.to_string()) && screen.contains("40 sessions"), "{screen}");
    assert!(!screen.contains("more lines") && !screen.contains("--full"), "{screen}");
    let rows = listed(&screen);
    assert!(rows > 10 && screen.contains(&format!("{} more sessions", 40 - rows)), "{screen}");
    kill(Pid::from_raw(terminal.pid()), Signal::SIGINT).unwrap();
    let _ = terminal.finish().success();

    // The question as it was sent: the array is read once, and so many rows come back as the screen has lines.
    let log = fs::read_to_string(cluster.dir.join("log")).unwrap();
    // It is prepared once it comes again.
    let (_, sent) = log.rsplit_once("\n\tprepare pgconn_").unwrap();
    let prepared: String = sent
        .lines()
        .skip(1)
        .map_while(|line| line.strip_prefix('\t'))
        .fold(String::new(), |text, line| text + line + "\n");
    let (question, _) = prepared.split_once(";\n").unwrap();
    assert!(question.contains("parallel_workers"), "{question}");
    let plan: Vec<String> = cluster
        .query(&format!("set search_path = pg_catalog; explain {question}"))
        .into_iter()
        .filter_map(|row| row.into_iter().next().flatten())
        .collect();
    let scans = plan.iter().filter(|line| line.contains("Function Scan on pg_stat_get_activity")).count();
    assert_eq!(scans, 1, "{plan:#?}");
    assert_eq!(cluster.query(question).len(), 24);
}

#[test]
fn a_tree_keeps_to_the_screen() {
    let cluster = with(&[("max_connections", "60")]);
    let name = [("application_name", "crowd")];
    let holder = cluster.idle_in_transaction(&name, "select pg_advisory_xact_lock(4711)");
    let _waiters: Vec<Session> =
        (0..30).map(|_| cluster.waiting(&name, "select pg_advisory_xact_lock_shared(4711)")).collect();
    let screen = Pgconn::new(&["blockers"]).on(&cluster).on_terminal().finish().success().stdout;
    assert!(screen.lines().skip(1).find_map(pid) == Some(holder.pid), "{screen}");
    assert!(screen.contains("└─ 28 more") && screen.starts_with("30 sessions blocked"), "{screen}");
    let end = format!("to free 30 sessions, end {}: pgconn kill", holder.pid);
    assert!(screen.contains(&end) && screen.lines().count() < 24, "{screen}");
    // Queues that are not one: each has its line, as far as the screen goes.
    let others: Vec<(Session, Session)> = (0..12)
        .map(|key| {
            let holder = cluster.idle_in_transaction(&name, &format!("select pg_advisory_xact_lock({key})"));
            (holder, cluster.waiting(&name, &format!("select pg_advisory_xact_lock_shared({key})")))
        })
        .collect();
    let screen = Pgconn::new(&["blockers"]).on(&cluster).on_terminal().finish().success().stdout;
    assert!(
        screen.contains(" more rows; --full or -o, or pipe to a pager") && screen.lines().count() < 24,
        "{screen}"
    );
    drop(others);
    let full = Pgconn::new(&["blockers", "--full"]).on(&cluster).on_terminal().finish().success().stdout;
    assert_eq!(full.lines().filter(|line| line.contains(" crowd ")).count(), 31, "{full}");
}
