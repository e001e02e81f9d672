//! `kill`: what may go ahead, who is asked, and what is refused.

use super::{app, kill, pids};
use crate::common::{Pgconn, Session, shared, with};

#[test]
fn what_is_not_clearly_asked_for_is_refused() {
    let cluster = shared();
    let mut session = cluster.connect(&app("kill-refused")).unwrap();
    let pid = session.pid.to_string();
    let refused = |arguments: &[&str], hint: &str| {
        let outcome = Pgconn::new(&[&["kill"], arguments].concat()).on(cluster).run();
        assert!(outcome.stderr.contains(hint), "{arguments:?} {outcome}");
        let outcome = outcome.fails_with(2);
        assert_eq!(outcome.stdout, "");
    };
    refused(&[], "--all for every session");
    refused(&["-d", "postgres"], "-d says where to connect; --db NAME selects");
    refused(&["--all"], "add --yes");
    refused(&["--app", "*"], "add --yes");
    refused(&["--app", "*", "--app", "kill-refused"], "add --yes");
    refused(&["--app", "!x", "--db", "!y"], "add --yes");
    refused(&["--all", "--app", "kill-refused"], "--all means every session");
    refused(&["--all", &pid], "--all means every session");
    refused(&["--app", "kill-refused", "--all-backends"], "only acted on by pid");
    refused(&["--app", "kill-refused", "--max", "0"], "1 session match, more than --max 0");
    refused(&["--query", "("], "invalid regular expression");
    refused(&["0"], "neither a process id nor a session id");
    refused(&["--app", "kill-refused", "--log", "/dev/null/log"], "could not open the log");
    for arguments in [&["kill", &pid], &["kill", "--app=kill-refused"]] {
        let careful = Pgconn::new(arguments).on(cluster).env("PGCONN_CONFIRM", "always").run().fails_with(2);
        assert!(careful.stderr.contains("PGCONN_CONFIRM=always demands --yes"), "{careful}");
    }
    let wrong = Pgconn::new(&["kill", &pid, "-y"]).on(cluster).env("PGCONN_CONFIRM", "sometimes");
    assert!(wrong.run().fails_with(2).stderr.contains("its one value is always"));
    session.query("select 1");
    let outcome = kill(cluster, &[&pid, "--yes"]).env("PGCONN_CONFIRM", "always").run().success();
    assert_eq!(pids(&outcome, "terminated"), [session.pid]);
}

/// What the result travels in, and how quiet the run is, change nothing for whoever is asked.
#[test]
fn who_is_asked_sees_the_plan_whatever_the_format() {
    let cluster = with(&[]);
    cluster.query("create database shop");
    let session = cluster.connect(&app("kill-plan")).unwrap();
    let inside = cluster.connect(&[("database", "shop"), ("application_name", "kill-plan-too")]).unwrap();
    for flag in ["--json", "-q", "--format=tsv"] {
        for (command, question, plan) in [
            (&["kill", "--app", "kill-plan"][..], "Terminate this session", session.pid.to_string()),
            (&["drain", "--db", "shop", "--for", "1ms"], "Close database \"shop\"", inside.pid.to_string()),
            (&["timeout", "set", "1h", "--db", "shop"], "Set statement_timeout", "ALTER DATABASE".to_owned()),
        ] {
            let mut terminal = Pgconn::new(&[command, &[flag]].concat()).on(&cluster).on_terminal();
            terminal.wait_for(question);
            assert!(terminal.screen().contains(&plan), "{flag} {}", terminal.screen());
            terminal.type_keys("n\n");
            let outcome = terminal.finish().fails_with(1);
            assert!(outcome.stdout.contains("nothing was done"), "{outcome}");
        }
    }
    // Where nobody is asked, the result is all there is.
    let outcome = kill(&cluster, &["--app", "kill-plan"]).run().success();
    assert_eq!(outcome.stderr, "");
}

#[test]
fn at_a_terminal_a_filter_asks() {
    let cluster = shared();
    let mut sessions: Vec<Session> = (0..2).map(|_| cluster.connect(&app("kill-ask")).unwrap()).collect();
    let question = format!("Terminate these 2 sessions on {}:{}? [y/N] ", cluster.host(), cluster.port);
    for answer in ["n\n", "\n", "\u{4}"] {
        let mut terminal = Pgconn::new(&["kill", "--app", "kill-ask"]).on(cluster).on_terminal();
        terminal.wait_for(&question);
        terminal.type_keys(answer);
        let outcome = terminal.finish().fails_with(1);
        assert!(outcome.stdout.contains("error: not confirmed; nothing was done"), "{outcome}");
    }
    let mut terminal = Pgconn::new(&["kill", "--app", "kill-ask"]).on(cluster).on_terminal();
    terminal.wait_for(&question);
    terminal.type_keys("\u{3}");
    let outcome = terminal.finish().fails_with(130);
    assert!(outcome.stdout.contains("interrupted; nothing was done"), "{outcome}");
    sessions.iter_mut().for_each(|session| drop(session.query("select 1")));
    let mut terminal = Pgconn::new(&["kill", "--app", "kill-ask"]).on(cluster).on_terminal();
    terminal.wait_for(&question);
    terminal.type_keys("y\n");
    let outcome = terminal.finish().success();
    assert!(outcome.stdout.contains("2 terminated"), "{outcome}");
    assert!(sessions.iter_mut().all(Session::is_ended));
}
