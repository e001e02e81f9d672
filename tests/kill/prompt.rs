//! `kill`: what is seen and heard while somebody is asked.

use super::{app, kill};
use crate::common::{Cluster, Pgconn, Session, shared, with};

fn program(line: &str) -> Pgconn {
    let program = env!("CARGO_BIN_EXE_pgconn");
    Pgconn::of("sh", &["-c", &format!("exec {program} {line}")])
}

#[test]
fn somebody_at_a_terminal_is_asked_wherever_stderr_goes() {
    let cluster = shared();
    let mut session = cluster.connect(&app("kill-dev-tty")).unwrap();
    let pid = session.pid.to_string();
    for (redirected, answer) in [("2>/dev/null", "n\n"), (">/dev/null", "n\n"), ("2>/dev/null", "y\n")] {
        let line = format!("kill --app kill-dev-tty {redirected}");
        let mut terminal = program(&line).on(cluster).on_terminal();
        terminal.wait_for("Terminate this session");
        assert!(terminal.screen().contains(&pid), "the plan is seen {}", terminal.screen());
        terminal.type_keys(answer);
        let outcome = terminal.finish();
        if answer == "n\n" {
            outcome.fails_with(1);
            session.query("select 1");
        } else {
            assert!(outcome.success().stdout.contains("1 terminated"));
        }
    }
    assert!(session.is_ended());
    // Nobody can be asked where neither of them is a terminal: the filter is the consent, as from cron.
    let mut session = cluster.connect(&app("kill-dev-tty")).unwrap();
    program("kill --app kill-dev-tty >/dev/null 2>&1").on(cluster).on_terminal().finish().success();
    assert!(session.is_ended());
}

/// pgconn's own session, which the server ends while the question is open.
fn wait_until_lost(cluster: &Cluster) {
    cluster.wait_until("not exists (select from pg_stat_activity where application_name = 'pgconn')");
}

/// From 14 on there is a limit on sessions that say nothing.
#[test]
fn a_session_that_ends_while_the_question_is_open_is_made_again() {
    let cluster = with(&[]);
    if cluster.major() < 14 {
        return;
    }
    cluster.query("create role ops login superuser; alter role ops set idle_session_timeout = '300ms'");
    let mut first = cluster.connect(&app("asked-about")).unwrap();
    let arguments = ["kill", "-U", "ops", "--app", "asked-about"];
    let mut terminal = Pgconn::new(&arguments).on(&cluster).on_terminal();
    terminal.wait_for("Terminate this session");
    wait_until_lost(&cluster);
    terminal.type_keys("y\n");
    let outcome = terminal.finish().success();
    assert!(outcome.stdout.contains("1 terminated") && first.is_ended(), "{outcome}");
    assert_eq!(outcome.stdout.matches("[y/N]").count(), 1, "{outcome}");
    // Whoever has come meanwhile was not agreed to.
    let mut first = cluster.connect(&app("asked-about")).unwrap();
    let mut terminal = Pgconn::new(&arguments).on(&cluster).on_terminal();
    terminal.wait_for("Terminate this session");
    let mut second = cluster.connect(&app("asked-about")).unwrap();
    wait_until_lost(&cluster);
    terminal.type_keys("y\n");
    terminal.wait_for("it is about others now:");
    terminal.wait_for("Terminate these 2 sessions");
    terminal.type_keys("n\n");
    terminal.finish().fails_with(1);
    first.query("select 1");
    second.query("select 1");
    let mut terminal =
        Pgconn::new(&["timeout", "set", "1h", "--role", "ops", "-U", "ops"]).on(&cluster).on_terminal();
    terminal.wait_for("Set statement_timeout");
    wait_until_lost(&cluster);
    terminal.type_keys("y\n");
    terminal.finish().success();
    assert!(
        cluster
            .value("select useconfig::text from pg_user where usename = 'ops'")
            .contains("statement_timeout")
    );
    cluster.query("create database shop");
    let mut terminal =
        Pgconn::new(&["drain", "--db", "shop", "--for", "10ms", "-U", "ops"]).on(&cluster).on_terminal();
    terminal.wait_for("Close database \"shop\"");
    wait_until_lost(&cluster);
    terminal.type_keys("y\n");
    let outcome = terminal.finish().success();
    assert!(outcome.stdout.contains("open as before"), "{outcome}");
}

#[test]
fn a_plan_keeps_to_the_screen_and_is_not_told_again() {
    let cluster = with(&[]);
    let open = |_| cluster.connect(&app("crowd")).unwrap();
    let mut sessions: Vec<Session> = (0..40).map(open).collect();
    let worst = cluster.idle_in_transaction(&app("crowd"), "create table locked ()");
    let mut terminal = Pgconn::new(&["kill", "--app", "crowd"]).on(&cluster).on_terminal_of(100, 24);
    terminal.wait_for("Terminate these 41 sessions");
    let screen = terminal.screen();
    let lines: Vec<&str> = screen.lines().collect();
    assert!(lines.len() <= 23, "{screen}");
    assert!(lines[0].contains("more; all of them: --dry-run --full"), "{screen}");
    assert!(lines[1].starts_with("database postgres, role postgres, application crowd"), "{screen}");
    assert!(lines[2].trim_start().starts_with("PID"), "{screen}");
    let question = lines.iter().position(|line| line.starts_with("Terminate")).unwrap();
    assert!(lines[question - 1].contains(&worst.pid.to_string()), "the worst stands last\n{screen}");
    // One of them goes by itself: the only one whose end is news.
    let gone = sessions.pop().unwrap();
    let pid = gone.pid.to_string();
    drop(gone);
    cluster.wait_until(&format!("not exists (select from pg_stat_activity where pid = {pid})"));
    terminal.type_keys("y\n");
    let outcome = terminal.finish().success();
    let after = outcome.stdout.split("[y/N]").nth(1).unwrap();
    assert!(after.contains("40 terminated, 1 gone") || after.contains("1 gone, 40 terminated"), "{outcome}");
    assert!(after.contains(&pid) && !after.contains(&worst.pid.to_string()), "{outcome}");
}

#[test]
fn that_nobody_is_meant_is_no_news_for_who_wants_none() {
    let cluster = shared();
    for command in ["kill", "cancel"] {
        let outcome =
            Pgconn::new(&[command, "--app", "no-such-application", "-q"]).on(cluster).run().success();
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{command}");
        let outcome = Pgconn::new(&[command, "--app", "no-such-application"]).on(cluster).run().success();
        assert_eq!(outcome.stdout, "no session matches\n");
    }
    let outcome = kill(cluster, &["--app", "no-such-application", "-q"]).run().success();
    assert_eq!(outcome.json()["matched"], 0);
}
