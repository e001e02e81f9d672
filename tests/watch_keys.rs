//! `--watch` on a terminal: its keys, its clock, and the terminal as it was after every end.

use super::common::{Cluster, Pgconn, Session, Terminal, shared, wait_for, wait_until, with};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// The settings that a terminal of these tests has before anybody sets some.
fn untouched() -> String {
    Pgconn::of("sleep", &["60"]).on_terminal().settings()
}

fn looks(terminal: &Terminal) -> String {
    terminal.frames().pop().map(|(looks, _)| looks).unwrap_or_default()
}

fn wait_for_look(terminal: &Terminal, what: &str, is_there: impl Fn(&str) -> bool) -> String {
    wait_for(what, || Some(looks(terminal)).filter(|looks| is_there(looks)))
}

/// Sessions of an application, each with a name of its own, in the order in which they are listed.
fn crowd(cluster: &Cluster, count: usize) -> Vec<Session> {
    let one = |at: usize| {
        let name = format!("crowd-{at:02}");
        let mut session = cluster.connect(&[("application_name", &name)]).unwrap();
        session.query("select 1");
        session
    };
    (0..count).map(one).collect()
}

#[test]
fn the_terminal_is_as_it_was_after_every_end_of_a_watch() {
    let before = untouched();
    type End = fn(&mut Terminal);
    let ends: [(&str, i32, End); 6] = [
        ("q", 0, |terminal| terminal.type_keys("q")),
        ("Ctrl-C", 0, |terminal| terminal.type_keys("\u{3}")),
        ("INT", 0, |terminal| kill(Pid::from_raw(terminal.pid()), Signal::SIGINT).unwrap()),
        ("TERM", 143, |terminal| kill(Pid::from_raw(terminal.pid()), Signal::SIGTERM).unwrap()),
        ("HUP", 143, |terminal| kill(Pid::from_raw(terminal.pid()), Signal::SIGHUP).unwrap()),
        ("Ctrl-\\", 143, |terminal| terminal.type_keys("\u{1c}")),
    ];
    for (name, code, end) in ends {
        let mut terminal = Pgconn::new(&["stats", "--watch=1h"]).on(shared()).on_terminal();
        terminal.wait_for("connections");
        assert!(!terminal.echoes(), "{name}");
        end(&mut terminal);
        wait_until(name, || terminal.settings() == before);
        let outcome = terminal.finish().fails_with(code);
        assert_eq!(outcome.stdout.matches(ENTER).count(), 1, "{name}: {outcome}");
        assert_eq!(outcome.stdout.matches(LEAVE).count(), 1, "{name}: {outcome}");
    }
}

#[test]
fn what_is_told_of_a_panic_in_a_watch_stands_on_the_screen_as_it_was() {
    let before = untouched();
    let line = ["stats", "--watch=100ms"];
    let run = Pgconn::new(&line).on(shared()).env("PGCONN_PLANTED_PANIC", "watch screen").on_terminal();
    wait_until("it panicked", || run.screen().contains("planted at watch screen"));
    wait_until("the settings", || run.settings() == before);
    let outcome = run.finish().fails_with(101);
    let (_, after) = outcome.stdout.split_once(LEAVE).expect("the screen is left first");
    assert!(after.contains("planted at watch screen") && !after.contains(LEAVE), "{outcome}");
}

#[test]
fn a_shell_gets_its_terminal_back_and_keys_are_heard_after_fg() {
    let mut shell = Pgconn::of("bash", &["--norc", "--noprofile", "--noediting", "-i"])
        .on(shared())
        .env("PS1", "ready> ")
        .on_terminal();
    shell.wait_for("ready> ");
    shell.type_keys(format!("{} stats --watch=1h\n", env!("CARGO_BIN_EXE_pgconn")));
    shell.wait_for("connections");
    for round in 1..=2 {
        wait_until("keys are taken", || !shell.echoes());
        shell.type_keys("\u{1a}");
        wait_until("the screen is left", || shell.screen().matches(LEAVE).count() == round);
        wait_until("keys are given back", || shell.echoes());
        shell.type_keys("fg\n");
        wait_until("it is drawn again", || shell.screen().matches(ENTER).count() == round + 1);
    }
    wait_until("keys are taken", || !shell.echoes());
    shell.type_keys(" ");
    shell.wait_for("held: space goes on");
    shell.type_keys("q");
    wait_until("it has ended", || shell.screen().matches(LEAVE).count() == 3);
    shell.type_keys("exit\n");
    let _ = shell.finish().success();
}

#[test]
fn space_holds_what_is_shown_and_lets_it_go() {
    let _one = shared().connect(&[("application_name", "held")]).unwrap();
    let mut terminal = Pgconn::new(&["ls", "--app", "held", "--watch=100ms"]).on(shared()).on_terminal();
    terminal.wait_for("1 session");
    terminal.type_keys(" ");
    wait_for_look(&terminal, "it is held", |looks| looks.contains("held: space goes on"));
    let _other = shared().connect(&[("application_name", "held")]).unwrap();
    // Nobody looks meanwhile: this one would be shown within a turn, and what is shown would be old after two.
    let already = terminal.frames().len();
    let held = std::time::Instant::now();
    wait_until("many turns", || held.elapsed().as_millis() > 1500);
    assert_eq!(terminal.frames().len(), already, "{}", looks(&terminal));
    terminal.type_keys(" ");
    let shown = wait_for_look(&terminal, "it goes on", |looks| looks.contains("2 sessions"));
    assert!(!shown.contains("held: space goes on"), "{shown}");
    terminal.type_keys("q");
    let _ = terminal.finish().success();
}

#[test]
fn a_watch_scrolls_over_rows_that_it_had_not_fetched() {
    let cluster = with(&[("max_connections", "60")]);
    let _sessions = crowd(&cluster, 40);
    let line = ["ls", "--app", "crowd-*", "--sort", "application", "--watch=1h"];
    let mut terminal = Pgconn::new(&line).on(&cluster).on_terminal_of(120, 24);
    let first = wait_for_look(&terminal, "the first rows", |looks| looks.contains("40 sessions"));
    assert!(first.contains("crowd-00") && !first.contains("crowd-30"), "{first}");
    let heading = first.lines().next().unwrap().to_owned();
    assert!(heading.contains("q ends, space holds, j k scroll"), "{first}");
    terminal.type_keys("jj");
    let shown = wait_for_look(&terminal, "two lines further", |looks| looks.contains("2 above"));
    let rows: Vec<&str> = shown.lines().filter(|line| line.contains("crowd-")).collect();
    assert!(rows[0].contains("crowd-02"), "{shown}");
    assert!(shown.contains("PID ") && shown.lines().count() <= 24, "the header stays: {shown}");
    assert!(!rows.iter().any(|row| row.starts_with('*')), "what was not fetched is no news: {shown}");
    for keys in ["\u{1b}[6~", "\u{1b}[6~", "G"] {
        terminal.type_keys(keys);
    }
    let last = wait_for_look(&terminal, "the end", |looks| looks.contains("crowd-39"));
    assert!(last.contains("40 sessions") && !last.contains("crowd-00"), "{last}");
    terminal.type_keys("\u{1b}[5~");
    wait_for_look(&terminal, "a page up", |looks| !looks.contains("crowd-39") && looks.contains("above"));
    terminal.type_keys("g");
    wait_for_look(&terminal, "the top", |looks| looks.contains("crowd-00"));
    terminal.type_keys("q");
    let _ = terminal.finish().success();
}

#[test]
fn another_size_is_drawn_at_once_with_the_rows_that_it_has_room_for() {
    let cluster = with(&[("max_connections", "60")]);
    let _sessions = crowd(&cluster, 40);
    let line = ["ls", "--app", "crowd-*", "--sort", "application", "--watch=1h"];
    let mut terminal = Pgconn::new(&line).on(&cluster).on_terminal_of(80, 14);
    wait_for_look(&terminal, "few rows", |looks| {
        looks.contains("40 sessions") && !looks.contains("crowd-20")
    });
    terminal.resize(100, 60);
    wait_for_look(&terminal, "all rows", |looks| looks.contains("crowd-39") && looks.contains("crowd-00"));
    terminal.type_keys("q");
    let _ = terminal.finish().success();
}

#[test]
fn the_clock_is_the_one_on_the_wall_and_the_server_stands_once() {
    let server = shared();
    for (zone, name) in [("Asia/Kolkata", "IST"), ("FOO-3", "FOO"), ("", "UTC")] {
        let terminal = Pgconn::new(&["stats", "--watch=1h"]).on(server).env("TZ", zone).on_terminal();
        let shown = wait_for_look(&terminal, "a result", |looks| looks.contains("connections"));
        let heading = shown.lines().next().unwrap();
        let clock: Vec<&str> = heading.split("  ").nth(1).unwrap().split(' ').collect();
        let date = Pgconn::of("date", &["+%H:%M"]).env("TZ", zone).run().success().stdout;
        assert!(heading.starts_with("every ") && clock[1] == name, "{shown}");
        assert_eq!(clock[0][..2], date[..2], "{shown}");
        let place = format!("{}:{}", server.host(), server.port);
        assert_eq!(shown.matches(&place).count(), 1, "{shown}");
        kill(Pid::from_raw(terminal.pid()), Signal::SIGINT).unwrap();
        let _ = terminal.finish().success();
    }
}

#[test]
fn keys_are_read_only_where_somebody_types() {
    let line = format!("{} stats --watch=1h < /dev/null", env!("CARGO_BIN_EXE_pgconn"));
    let mut terminal = Pgconn::of("bash", &["-c", &line]).on(shared()).on_terminal();
    let shown = wait_for_look(&terminal, "a result", |looks| looks.contains("connections"));
    assert!(terminal.echoes() && !shown.contains("q ends"), "{shown}");
    terminal.type_keys("\u{3}");
    let outcome = terminal.finish();
    assert!(outcome.stdout.contains(LEAVE), "{outcome}");
}

#[test]
fn several_servers_are_held_and_left_by_the_same_keys() {
    let file = std::env::temp_dir().join(format!("pgconn-watch-keys-{}.toml", std::process::id()));
    let server = shared();
    let place = format!("host={} port={} user=postgres", server.host(), server.port);
    let one = |name: &str| format!("[[target]]\nname = \"{name}\"\nconninfo = \"{place}\"\n");
    std::fs::write(&file, one("first") + &one("second")).unwrap();
    let line = ["stats", "--targets", file.to_str().unwrap(), "--watch=100ms"];
    let mut terminal = Pgconn::new(&line).on(server).on_terminal();
    wait_for_look(&terminal, "both", |looks| looks.contains("first") && looks.contains("usable"));
    terminal.type_keys(" ");
    wait_for_look(&terminal, "it is held", |looks| looks.contains("held: space goes on"));
    terminal.type_keys(" ");
    wait_for_look(&terminal, "it goes on", |looks| looks.contains("usable") && !looks.contains("held"));
    terminal.type_keys("q");
    let _ = terminal.finish().success();
    std::fs::remove_file(&file).unwrap();
}
