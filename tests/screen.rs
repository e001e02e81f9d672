//! A terminal that results are drawn on: what is written to it, and whose it is while a shell takes it and gives it back.

use super::blocked::wait_until_stuck;
use super::common::{Cluster, Pgconn, Terminal, shared, wait_for, wait_until, with};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::time::{Duration, Instant};

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";
const HOLD: &str = "\u{1b}[?2026h";
/// What only a frame that is drawn as a whole begins with.
const HOME: &str = "\u{1b}[?2026h\u{1b}[H";
const CTRL_Z: &str = "\u{1a}";
const CTRL_C: &str = "\u{3}";
const CTRL_S: &str = "\u{13}";

/// A shell with job control on a terminal of its own.
fn shell(cluster: &Cluster) -> Terminal {
    let mut terminal = Pgconn::of("bash", &["--norc", "--noprofile", "--noediting", "-i"])
        .on(cluster)
        .env("PS1", "ready> ")
        .on_terminal();
    terminal.wait_for("ready> ");
    // Who writes in the background is stopped.
    terminal.type_keys("stty tostop\n");
    terminal
}

/// The program that the shell has started last.
fn job(shell: &Terminal) -> i32 {
    wait_for("a job of the shell", || {
        let path = format!("/proc/{0}/task/{0}/children", shell.pid());
        fs::read_to_string(path).ok()?.split_whitespace().last()?.parse().ok()
    })
}

fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn is_stopped(pid: i32) -> bool {
    state(pid) == Some('T')
}

/// Types a line of which the shell shows more than what was typed, and waits for that.
fn say(shell: &mut Terminal, word: &str) {
    shell.type_keys(format!("echo {word}-$((1+1))\n"));
    shell.wait_for(&format!("{word}-2"));
}

#[test]
fn ctrl_z_hands_the_terminal_back_and_fg_draws_it_again_at_once() {
    let mut shell = shell(shared());
    shell.type_keys(format!("{} stats --watch=1h\n", env!("CARGO_BIN_EXE_pgconn")));
    shell.wait_for("connections");
    wait_until("a frame", || !shell.frames().is_empty());
    let pid = job(&shell);
    for round in 1..=2 {
        shell.type_keys(CTRL_Z);
        wait_until("the terminal is handed back", || shell.screen().matches(LEAVE).count() == round);
        wait_until("it is stopped", || is_stopped(pid));
        say(&mut shell, &format!("stopped{round}"));
        shell.type_keys("fg\n");
        wait_until("it is drawn again", || shell.frames().len() > round);
        let frames = shell.frames();
        let (looks, written) = frames.last().unwrap();
        assert!(written.contains(ENTER) && written.contains(HOME), "{written:?}");
        assert_eq!(looks, &frames[0].0);
    }
    shell.type_keys(CTRL_C);
    say(&mut shell, "ended");
    assert_eq!(shell.screen().matches(LEAVE).count(), 3);
    shell.type_keys("exit\n");
    let _ = shell.finish().success();
}

/// As in psql: what is typed to the shell meanwhile is no password, and is seen.
#[test]
fn ctrl_z_at_a_password_prompt_stops_and_fg_asks_again() {
    let mut shell = shell(shared());
    shell.type_keys(format!("{} stats -W -U postgres\n", env!("CARGO_BIN_EXE_pgconn")));
    let prompts = |shell: &Terminal| shell.screen().matches("Password for user postgres: ").count();
    wait_until("it asks", || prompts(&shell) == 1);
    let pid = job(&shell);
    for round in 1..=2 {
        shell.type_keys("half");
        shell.type_keys(CTRL_Z);
        wait_until("it is stopped", || is_stopped(pid));
        wait_until("the terminal is as it was", || shell.echoes());
        say(&mut shell, &format!("stopped{round}"));
        shell.type_keys("fg\n");
        wait_until("it asks again", || prompts(&shell) == round + 1);
        wait_until("the terminal is quiet", || !shell.echoes());
    }
    shell.type_keys("not needed\n");
    shell.wait_for(" connections");
    assert!(!shell.screen().contains("not needed"), "{}", shell.screen());
    shell.type_keys("exit\n");
    let _ = shell.finish();
}

#[test]
fn nothing_is_drawn_in_the_background() {
    let cluster = with(&[]);
    let mut shell = shell(&cluster);
    let looks = || {
        cluster.value("select max(query_start)::text from pg_stat_activity where application_name = 'pgconn'")
    };
    let three_looks = || {
        for _ in 0..3 {
            let before = looks();
            wait_until("another look", || looks() != before);
        }
    };
    let program = env!("CARGO_BIN_EXE_pgconn");
    // Started there, and sent there.
    for line in [format!("{program} stats --watch=100ms &\n"), format!("{program} stats --watch=100ms\n")] {
        let is_started_there = line.ends_with("&\n");
        let already = shell.frames().len();
        shell.type_keys(line);
        if !is_started_there {
            wait_until("a frame", || shell.frames().len() > already);
            let pid = job(&shell);
            shell.type_keys(CTRL_Z);
            wait_until("it is stopped", || is_stopped(pid));
            shell.type_keys("bg\n");
        }
        let pid = job(&shell);
        cluster.wait_until("exists (select from pg_stat_activity where application_name = 'pgconn' and query_start is not null)");
        three_looks();
        let written = shell.screen();
        let (_, after) = written.rsplit_once(LEAVE).unwrap_or(("", &written));
        assert!(!after.contains(HOLD) && !is_stopped(pid), "{after:?}");
        let already = shell.frames().len();
        shell.type_keys("fg\n");
        wait_until("two frames", || shell.frames().len() > already + 1);
        assert!(shell.frames()[already].1.contains(ENTER));
        shell.type_keys(CTRL_C);
        say(&mut shell, if is_started_there { "first" } else { "second" });
    }
    shell.type_keys("exit\n");
    let _ = shell.finish().success();
}

/// A stop that the program cannot hear: what the shell wrote over its screen is gone when it goes on.
#[test]
fn a_screen_is_drawn_as_a_whole_after_a_stop_and_when_its_size_changes() {
    let terminal = Pgconn::new(&["stats", "--watch=1h"]).on(shared()).on_terminal();
    terminal.wait_for("connections");
    let pid = Pid::from_raw(terminal.pid());
    let frames = |count| {
        wait_until("another frame", || terminal.frames().len() >= count);
        terminal.frames()
    };
    let first = frames(1)[0].0.clone();
    kill(pid, Signal::SIGSTOP).unwrap();
    wait_until("it is stopped", || is_stopped(terminal.pid()));
    kill(pid, Signal::SIGCONT).unwrap();
    let (looks, written) = frames(2)[1].clone();
    assert!(looks == first && written.contains(ENTER) && written.contains(HOME), "{written:?}");
    terminal.resize(60, 3);
    let (looks, written) = frames(3)[2].clone();
    assert!(looks.ends_with("more lines") && written.starts_with(HOME), "{written:?}");
    assert_eq!(looks.lines().count(), 3, "{looks}");
    terminal.resize(80, 24);
    assert_eq!(frames(4)[3].0, first);
    // Nobody could continue the leader of a session: it goes on, as those who do not hear Ctrl-Z.
    kill(pid, Signal::SIGTSTP).unwrap();
    kill(pid, Signal::SIGWINCH).unwrap();
    let _ = frames(5);
    assert!(!terminal.screen().contains(LEAVE));
    kill(pid, Signal::SIGINT).unwrap();
    let _ = terminal.finish().success();
}

/// Only what is drawn on needs to be handed back.
#[test]
fn elsewhere_ctrl_z_is_not_heard() {
    let run = Pgconn::new(&["stats", "--json", "--watch=100ms"]).on(shared()).spawn();
    wait_until("two documents", || run.stdout().lines().count() >= 2);
    let status = fs::read_to_string(format!("/proc/{}/status", run.pid())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    assert_eq!(mask & (1 << (Signal::SIGTSTP as i32 - 1)), 0, "{status}");
    run.signal(Signal::SIGINT);
    let _ = run.finish().success();
}

/// Forty lines whose ages grow and whose clock ticks: what is written is what changed, and looks like what is drawn as a whole.
#[test]
fn a_steady_screen_costs_little() {
    let cluster = with(&[("max_connections", "60")]);
    let mut idle: Vec<_> =
        (0..36).map(|_| cluster.connect(&[("application_name", "steady")]).unwrap()).collect();
    idle.iter_mut().for_each(|session| drop(session.query("select 1")));
    for line in [&["ls", "--watch=1s", "--color", "always"][..], &["stats", "--watch=1s"]] {
        let terminal = Pgconn::new(line).on(&cluster).on_terminal_of(120, 40);
        wait_until("some refreshes", || terminal.frames().len() >= 6);
        kill(Pid::from_raw(terminal.pid()), Signal::SIGWINCH).unwrap();
        wait_until("a whole frame", || terminal.frames().iter().skip(1).any(|frame| frame.1.contains(HOME)));
        let frames = terminal.frames();
        let whole = 1 + frames[1..].iter().position(|frame| frame.1.contains(HOME)).unwrap();
        assert_eq!(frames[whole].0, frames[whole - 1].0);
        let written: Vec<usize> = frames[3..whole].iter().map(|frame| frame.1.len()).collect();
        println!("{line:?}: {written:?} bytes, {} as a whole", frames[whole].1.len());
        assert!(written.iter().all(|bytes| (1..=1000).contains(bytes)), "{written:?}");
        kill(Pid::from_raw(terminal.pid()), Signal::SIGINT).unwrap();
        let _ = terminal.finish().success();
    }
}

/// A terminal whose user has stopped it with Ctrl-S takes nothing.
#[test]
fn a_stopped_terminal_holds_no_signal_up() {
    let cluster = with(&[]);
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 0), (Signal::SIGHUP, 143)] {
        let mut terminal = Pgconn::new(&["stats", "--watch=100ms"]).on(&cluster).on_terminal();
        wait_until("two frames", || terminal.frames().len() >= 2);
        terminal.type_keys(CTRL_S);
        wait_until_stuck(terminal.pid().cast_unsigned());
        let began = Instant::now();
        kill(Pid::from_raw(terminal.pid()), signal).unwrap();
        let outcome = terminal.finish().fails_with(code);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert!(outcome.stdout.contains(LEAVE), "{outcome}");
        cluster.wait_until("not exists (select from pg_stat_activity where application_name = 'pgconn')");
    }
}
