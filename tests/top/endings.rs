//! The terminal is as it was, however the run ends.

use super::super::common::{Pgconn, Terminal, shared, wait_for, wait_until, with};
use super::{Live, top};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[m\u{1b}[?2004l\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// The program on a terminal, and the settings that this had before.
fn started(run: Pgconn) -> (Live, String) {
    let before = Pgconn::of("sleep", &["60"]).on_terminal_of(120, 40).settings();
    (Live::start(run, (120, 40)), before)
}

#[test]
fn the_terminal_is_as_it_was_after_every_end() {
    let cluster = with(&[]);
    type End = fn(&mut Terminal);
    let ends: [(&str, i32, End); 7] = [
        ("q", 0, |terminal| terminal.type_keys("q")),
        ("Ctrl-C", 0, |terminal| terminal.type_keys("\u{3}")),
        ("in a dialog", 0, |terminal| terminal.type_keys("jK\u{3}")),
        ("INT", 0, |terminal| kill(Pid::from_raw(terminal.pid()), Signal::SIGINT).unwrap()),
        ("TERM", 143, |terminal| kill(Pid::from_raw(terminal.pid()), Signal::SIGTERM).unwrap()),
        ("HUP", 143, |terminal| kill(Pid::from_raw(terminal.pid()), Signal::SIGHUP).unwrap()),
        ("QUIT", 143, |terminal| kill(Pid::from_raw(terminal.pid()), Signal::SIGQUIT).unwrap()),
    ];
    for (name, code, end) in ends {
        let (mut live, before) = started(top(&cluster, &[]));
        assert_ne!(live.terminal.settings(), before, "{name}");
        assert!(live.parsed().screen().alternate_screen() && live.parsed().screen().hide_cursor());
        end(&mut live.terminal);
        wait_until(name, || live.terminal.settings() == before);
        wait_until(name, || live.terminal.screen().ends_with(LEAVE));
        assert!(!live.parsed().screen().alternate_screen() && !live.parsed().screen().hide_cursor());
        assert_eq!(live.shown(), "", "{name}");
        let outcome = live.terminal.finish().fails_with(code);
        assert_eq!(outcome.stdout.matches(ENTER).count(), 1);
        cluster.wait_until("not exists (select from pg_stat_activity where application_name = 'pgconn')");
    }
}

#[test]
fn what_is_told_of_a_panic_or_an_error_stands_on_the_screen_as_it_was() {
    let cluster = with(&[]);
    let before = Pgconn::of("sleep", &["60"]).on_terminal_of(120, 40).settings();
    let run = top(&cluster, &[]).env("PGCONN_PLANTED_PANIC", "live look").on_terminal_of(120, 40);
    wait_until("it panicked", || run.screen().contains("planted at live look"));
    wait_until("the settings", || run.settings() == before);
    let outcome = run.finish().fails_with(101);
    let (_, after) = outcome.stdout.split_once(LEAVE).expect("the screen is left first");
    assert!(after.contains("planted at live look"), "{outcome}");
    // The server has another opinion of the filter that it began with.
    let outcome = top(&cluster, &["--query", "["]).on_terminal_of(120, 40).finish().fails_with(2);
    let (_, after) = outcome.stdout.split_once(LEAVE).expect("the screen is left first");
    assert!(after.contains("invalid regular expression"), "{outcome}");
    let outcome = top(&cluster, &["-U", "nobody"]).on_terminal_of(120, 40).finish().fails_with(3);
    assert!(!outcome.stdout.contains(ENTER) && outcome.stdout.contains("nobody"), "{outcome}");
}

/// The program that the shell has started last.
fn job(shell: &Terminal) -> i32 {
    wait_for("a job of the shell", || {
        let path = format!("/proc/{0}/task/{0}/children", shell.pid());
        fs::read_to_string(path).ok()?.split_whitespace().last()?.parse().ok()
    })
}

fn is_stopped(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

#[test]
fn it_stops_and_goes_on_as_the_shell_says() {
    let mut shell = Pgconn::of("bash", &["--norc", "--noprofile", "--noediting", "-i"])
        .on(shared())
        .env("PS1", "ready> ")
        .on_terminal_of(120, 40);
    shell.wait_for("ready> ");
    shell.type_keys("stty -g\n");
    let settings = wait_for("the settings", || {
        let screen = shell.screen();
        let found = screen.lines().find(|line| line.matches(':').count() > 10)?;
        screen.trim_end().ends_with("ready>").then(|| found.trim().to_owned())
    });
    shell.type_keys(format!("{} top\n", env!("CARGO_BIN_EXE_pgconn")));
    shell.wait_for("s old");
    let pid = job(&shell);
    for round in 1..=3 {
        match round {
            1 => shell.type_keys("\u{1a}"),
            2 => kill(Pid::from_raw(pid), Signal::SIGTSTP).unwrap(),
            // This one it cannot hear.
            _ => kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap(),
        }
        wait_until("it is stopped", || is_stopped(pid));
        if round < 3 {
            wait_until("the screen is left", || shell.screen().matches(LEAVE).count() == round);
            shell.type_keys("stty -g\n");
            wait_until("the settings", || shell.screen().matches(&settings).count() == round + 1);
        }
        shell.type_keys("fg\n");
        wait_until("it is drawn again", || shell.screen().matches(ENTER).count() == round + 1);
        let drawn = shell.screen().len();
        shell.type_keys("?");
        wait_until("it hears keys", || shell.screen()[drawn..].contains("whole query"));
        let drawn = shell.screen().len();
        shell.type_keys("q");
        wait_until("the help is closed", || shell.screen()[drawn..].contains("filter"));
    }
    shell.type_keys("q");
    wait_until("the prompt", || shell.screen().trim_end().ends_with("ready>"));
    shell.type_keys("stty -g\n");
    wait_until("the settings", || shell.screen().matches(&settings).count() == 4);
    shell.type_keys("exit\n");
    let _ = shell.finish().success();
}
