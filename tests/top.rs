//! The live screen on a real terminal: what is seen there, what keys do to real sessions, and that the terminal is as it was after
//! every end.

mod acts;
mod churn;
mod endings;
mod looks;
mod outages;
mod pools;
mod servers;

use super::common::{Cluster, DEADLINE, Pgconn, Terminal, shared, wait_until, with};
use std::time::{Duration, Instant};

/// The program on a terminal, and what that shows.
pub(crate) struct Live {
    pub(crate) terminal: Terminal,
    size: (u16, u16),
}

impl Live {
    /// `pgconn top` with these arguments, once it has shown its first look.
    pub(crate) fn start(run: Pgconn, size: (u16, u16)) -> Self {
        let terminal = run.on_terminal_of(size.0, size.1);
        let live = Self { terminal, size };
        live.wait_until("a look", |shown| shown.contains("s old") || shown.contains("HELD"));
        live
    }

    pub(crate) fn on(cluster: &Cluster, arguments: &[&str]) -> Self {
        Self::start(top(cluster, arguments), (120, 40))
    }

    /// The terminal as another program understands what was written to it.
    pub(crate) fn parsed(&self) -> vt100::Parser {
        let [lines, columns] = [self.size.1, self.size.0].map(|number| number.try_into().unwrap());
        let mut parser = vt100::Parser::new(lines, columns, 0);
        parser.process(self.terminal.screen().as_bytes());
        parser
    }

    /// What stands on it.
    pub(crate) fn shown(&self) -> String {
        self.parsed().screen().contents()
    }

    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_until(&format!("{text:?}"), |shown| shown.contains(text));
    }

    pub(crate) fn wait_for_no(&self, text: &str) {
        self.wait_until(&format!("no {text:?}"), |shown| !shown.contains(text));
    }

    /// Waits until what is shown is like this.
    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let began = Instant::now();
        loop {
            let shown = self.shown();
            if condition(&shown) {
                return;
            }
            assert!(began.elapsed() < DEADLINE, "waited for {what} on the screen:\n{shown}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The line in which this stands.
    pub(crate) fn line(&self, text: &str) -> Option<String> {
        self.shown().lines().find(|line| line.contains(text)).map(str::to_owned)
    }

    pub(crate) fn keys(&mut self, keys: &str) {
        self.terminal.type_keys(keys);
    }

    /// Moves until the cursor is on the session with this process id.
    pub(crate) fn choose(&mut self, pid: i32) {
        self.wait_for(&format!("{pid} "));
        wait_until(&format!("the cursor on {pid}"), || {
            let is_chosen = self.line(">").is_some_and(|line| line.contains(&format!(" {pid} ")));
            if !is_chosen {
                let written = self.terminal.screen().len();
                self.keys("j");
                wait_until("the key is answered", || self.terminal.screen().len() > written);
            }
            is_chosen
        });
    }

    /// Escape, and nothing that could be taken for one key with it.
    pub(crate) fn escape(&mut self) {
        self.keys("\u{1b}");
        std::thread::sleep(Duration::from_millis(100));
    }

    pub(crate) fn resize(&mut self, columns: u16, lines: u16) {
        self.size = (columns, lines);
        self.terminal.resize(columns, lines);
    }

    pub(crate) fn quit(mut self) -> super::common::Outcome {
        self.keys("\u{3}");
        self.terminal.finish().success()
    }
}

pub(crate) fn top(cluster: &Cluster, arguments: &[&str]) -> Pgconn {
    let line = [&["top"], arguments].concat();
    Pgconn::new(&line).on(cluster).env_remove("NO_COLOR")
}

#[test]
fn without_a_terminal_there_is_a_hint() {
    for (line, why) in [
        (&["top"][..], "needs a terminal on stdout"),
        (&["top", "--json"], "has no other output"),
        (&["top", "-o", "x"], "has no other output"),
        (&["top", "--interval", "100ms"], "not between 500ms and 60s"),
    ] {
        let outcome = Pgconn::new(line).on(shared()).run().fails_with(2);
        assert!(outcome.stderr.contains(why), "{outcome}");
        assert!(line.contains(&"--interval") || outcome.stderr.contains("--watch"), "{outcome}");
    }
    let dumb = Pgconn::of("bash", &["-c", &format!("TERM=dumb {} top", env!("CARGO_BIN_EXE_pgconn"))]);
    let outcome = dumb.on(shared()).on_terminal().finish().fails_with(2);
    assert!(outcome.stdout.contains("--watch"), "{outcome}");
    let outcome = Pgconn::new(&["top"]).on(shared()).env("PGCONN_READ_ONLY", "maybe").on_terminal();
    assert!(outcome.finish().fails_with(2).stdout.contains("PGCONN_READ_ONLY is \"maybe\""));
}

#[test]
fn the_first_screen_tells_what_is_wrong() {
    let cluster = with(&[("max_prepared_transactions", "5"), ("max_connections", "40")]);
    cluster.query("create table t (a int)");
    cluster.query("create role web login connection limit 4");
    let root = cluster.idle_in_transaction(&[("application_name", "root")], "lock table t");
    let waiter = cluster.waiting(&[("application_name", "waiter")], "select * from t");
    let aborted = cluster.aborted(&[("application_name", "aborted")]);
    let idle = cluster.connect(&[("application_name", "zzz"), ("user", "web")]).unwrap();
    let mut live = Live::on(&cluster, &[]);
    live.wait_for("1 aborted");
    let shown = live.shown();
    for text in [
        "primary",
        "as postgres",
        "of 37 usable",
        "1 in transaction",
        "1 waiting",
        "role web 1 of 4",
        "4 match",
    ] {
        assert!(shown.contains(text), "no {text}\n{shown}");
    }
    let at = |pid: i32| shown.lines().position(|line| line.contains(&format!(" {pid} "))).unwrap();
    assert!(at(root.pid) < at(aborted.pid), "{shown}");
    assert!(at(aborted.pid) < at(waiter.pid) && at(waiter.pid) < at(idle.pid), "{shown}");
    assert!(live.line("root").unwrap().contains("blocks 1"), "{shown}");
    live.keys("2");
    live.wait_for_no("zzz");
    live.wait_for("waiter");
    live.keys("3");
    live.wait_for("to free 1 session: terminate (K)");
    live.keys("4");
    live.wait_for("APPLICATION");
    live.keys("5");
    live.wait_for("superuser_reserved_connections");
    live.keys("1");
    live.choose(waiter.pid);
    live.keys("\r");
    live.wait_for(&format!("blocked by         {}", root.pid));
    live.escape();
    live.wait_for("zzz");
    live.keys("b");
    live.wait_for(&format!("chain of {}", waiter.pid));
    live.keys("1");
    live.wait_for("zzz");
    let _ = live.quit();
}

#[test]
fn a_filter_is_evaluated_by_the_server_and_a_wrong_one_can_be_mended() {
    let cluster = with(&[]);
    let _sessions = ["api-1", "api-2", "batch"].map(|name| {
        let mut session = cluster.connect(&[("application_name", name)]).unwrap();
        session.query("select 1");
        session
    });
    let mut live = Live::on(&cluster, &["--app", "!nobody"]);
    live.wait_for("/!app:nobody");
    live.keys("/\u{15}app:api*\r");
    live.wait_for("/app:api*");
    live.wait_for("2 match");
    live.wait_for_no("batch");
    live.keys("/\u{15}query:[\r");
    live.wait_for("invalid regular expression");
    live.keys("\u{15}app:batch\r");
    live.wait_for("1 match");
    live.wait_for_no("api-1");
    // Not evaluated at all.
    live.keys("/\u{15}state:idel\r");
    live.wait_for("did you mean \"idle\"?");
    live.escape();
    live.keys("o");
    live.wait_for("ls");
    live.wait_for("--app batch --json");
    let _ = live.quit();
}

#[test]
fn the_screen_follows_the_size_of_the_terminal() {
    let mut live = Live::on(shared(), &[]);
    for (columns, lines, text) in
        [(80, 24, "Tab"), (60, 12, "help"), (40, 10, "needs 60 columns"), (200, 50, "CLIENT")]
    {
        live.resize(columns, lines);
        let text = if text == "Tab" { "Enter detail" } else { text };
        live.wait_for(text);
        assert!(live.shown().lines().count() <= usize::from(lines));
    }
    let _ = live.quit();
}

/// Whatever others call their sessions, roles and databases: the terminal gets the escapes of this list and no others.
#[test]
fn hostile_names_reach_no_terminal() {
    let cluster = with(&[]);
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}evil\u{9b}31m";
    cluster.query(&format!("create role \"{hostile}\" login superuser"));
    cluster.query(&format!("create database \"{hostile}\""));
    let mut session = cluster
        .connect(&[("application_name", "x\u{1b}[31m"), ("user", hostile), ("database", hostile)])
        .unwrap();
    session.query("begin");
    session.query(&format!("select '{hostile}'"));
    let mut live = Live::start(top(&cluster, &[]), (200, 50));
    live.wait_for("\\x1B]0;own");
    live.choose(session.pid);
    live.keys("\r");
    live.wait_for("idle in transaction for");
    live.keys("v");
    live.wait_for("select '");
    live.escape();
    live.escape();
    live.keys("4");
    live.wait_for("COUNT  NAME");
    live.keys("1");
    live.wait_for("QUERY");
    live.choose(session.pid);
    live.keys("Yy");
    live.wait_for("clipboard");
    live.keys("K");
    live.wait_for("Terminate 1 session");
    live.keys("n");
    let outcome = live.quit();
    let allowed = [
        "[m", "[K", "[H", "[2J", "[?1049h", "[?1049l", "[?25l", "[?25h", "[?7l", "[?7h", "[?2004h",
        "[?2004l", "[?2026h", "[?2026l",
    ];
    for sequence in outcome.stdout.split('\u{1b}').skip(1) {
        let is_moving = sequence.starts_with('[')
            && sequence[1..]
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == ';')
                .starts_with(['H', 'C', 'm']);
        let is_clipboard = sequence.strip_prefix("]52;c;").is_some_and(|rest| {
            rest.split('\u{7}')
                .next()
                .unwrap()
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c))
        });
        assert!(
            is_moving || is_clipboard || allowed.iter().any(|known| sequence.starts_with(known)),
            "{sequence:?}"
        );
    }
    let controls: String = outcome.stdout.chars().filter(|c| c.is_control()).collect();
    assert!(controls.chars().all(|c| "\u{1b}\u{7}\r\n".contains(c)), "{controls:?}");
    assert!(!outcome.stdout.contains(['\u{202e}', '\u{9b}']));
}
