//! Where output goes that nobody takes, and where it goes that somebody else has open: every signal is heard, what is held is let
//! go, and nothing is destroyed.

use super::common::{Cluster, Outcome, Owned, Pgconn, exit_code, hear_signals, shared, wait_until, with};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pgconn");

/// How long a run may go on after a signal, with room for a busy machine.
const SOON: Duration = Duration::from_secs(3);

fn command(cluster: &Cluster, arguments: &[&str]) -> Command {
    hear_signals();
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let port = cluster.port.to_string();
    for (name, value) in [
        ("PGHOST", cluster.host()),
        ("PGPORT", &port),
        ("PGUSER", "postgres"),
        ("PGDATABASE", "postgres"),
        ("PGPASSFILE", "/dev/null"),
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C.UTF-8"),
    ] {
        command.env(name, value);
    }
    command.stdin(Stdio::null());
    command
}

/// A file of this test's own, in a folder that goes with the server.
fn path(cluster: &Cluster, name: &str) -> PathBuf {
    cluster.dir.join(name)
}

fn fifo(cluster: &Cluster, name: &str) -> PathBuf {
    let path = path(cluster, name);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// Something to write to that can be full, because nobody reads it.
struct Full {
    reader: UnixStream,
    writer: UnixStream,
}

impl Full {
    fn new() -> Self {
        let full = Self::empty();
        full.fill();
        full
    }

    fn empty() -> Self {
        let (reader, writer) = UnixStream::pair().unwrap();
        Self { reader, writer }
    }

    fn fill(&self) {
        self.writer.set_nonblocking(true).unwrap();
        while (&self.writer).write(&[b'.'; 4096]).is_ok() {}
        while (&self.writer).write(b".").is_ok() {}
        self.writer.set_nonblocking(false).unwrap();
    }

    fn end(&self) -> Stdio {
        Stdio::from(OwnedFd::from(self.writer.try_clone().unwrap()))
    }
}

/// Waits until one of the program's threads is asleep in a write, or in opening what it is to write to.
pub(crate) fn wait_until_stuck(id: u32) {
    // write, writev, openat, and open, with which musl opens
    let calls = if cfg!(target_arch = "x86_64") { &["1", "20", "257", "2"][..] } else { &["64", "66", "56"] };
    let is_asleep_in_it = |task: PathBuf| {
        let of = |file: &str| fs::read_to_string(task.join(file)).unwrap_or_default();
        let (call, state) = (of("syscall"), of("stat"));
        let sleeps = state.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'));
        sleeps && call.split(' ').next().is_some_and(|number| calls.contains(&number))
    };
    let tasks = format!("/proc/{id}/task");
    wait_until("it is asleep in a write", || {
        fs::read_dir(&tasks).into_iter().flatten().flatten().any(|task| is_asleep_in_it(task.path()))
    });
}

/// Signals a stuck program, which ends soon with this code, and its session with it.
fn ends_soon(cluster: &Cluster, mut child: Owned, signal: Signal, code: i32) {
    wait_until_stuck(child.0.id());
    let began = Instant::now();
    kill(Pid::from_raw(i32::try_from(child.0.id()).unwrap()), signal).unwrap();
    let status = child.end();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(exit_code(status), code);
    cluster.wait_until("not exists (select from pg_stat_activity where application_name = 'pgconn')");
}

#[test]
fn a_signal_is_heard_while_a_reader_sleeps() {
    let cluster = with(&[]);
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 0), (Signal::SIGQUIT, 143)] {
        for arguments in [
            &["ls", "--watch=100ms", "--json"][..],
            &["stats", "--watch=100ms"],
            &["check", "--watch=100ms"],
            &["metrics", "--watch=100ms"],
        ] {
            let full = Full::new();
            let mut run = command(&cluster, arguments);
            let child = Owned(run.stdout(full.end()).stderr(full.end()).spawn().unwrap());
            ends_soon(&cluster, child, signal, code);
        }
    }
}

/// What nobody reads of the news holds up neither the results nor a signal.
#[test]
fn results_go_on_while_nobody_reads_the_news() {
    let cluster = with(&[]);
    let news = Full::new();
    let mut run = command(&cluster, &["ls", "--db", "no_such_db", "--watch=100ms"]);
    let mut child = Owned(run.stdout(Stdio::piped()).stderr(news.end()).spawn().unwrap());
    let mut results = BufReader::new(child.0.stdout.take().unwrap()).lines();
    for _ in 0..5 {
        assert!(results.by_ref().any(|line| line.unwrap().contains("0 sessions")));
    }
    let reader = thread::spawn(move || results.count());
    ends_soon(&cluster, child, Signal::SIGTERM, 143);
    reader.join().unwrap();
}

/// The line of progress, on a terminal that its user has stopped with Ctrl-S.
#[test]
fn progress_that_a_terminal_does_not_take_holds_no_signal_up() {
    let cluster = with(&[]);
    let mut terminal = Pgconn::new(&["doctor", "--for", "1h"]).on(&cluster).on_terminal();
    terminal.wait_for("watching, ");
    terminal.type_keys("\u{13}");
    wait_until_stuck(terminal.pid().cast_unsigned());
    let began = Instant::now();
    kill(Pid::from_raw(terminal.pid()), Signal::SIGTERM).unwrap();
    let _ = terminal.finish().fails_with(143);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

/// One result is enough when it is larger than a pipe.
#[test]
fn a_single_result_is_given_up_by_a_signal() {
    let cluster = with(&[("track_activity_query_size", "200000")]);
    let mut large = cluster.session();
    large.query(&format!("select length('{}')", "x".repeat(190_000)));
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
        let mut run = command(&cluster, &["ls", "--json"]);
        let child = Owned(run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        ends_soon(&cluster, child, signal, code);
    }
}

#[test]
fn a_fifo_that_nobody_reads_holds_nobody_up() {
    let cluster = with(&[]);
    let file = fifo(&cluster, "output.fifo");
    let log = fifo(&cluster, "log.fifo");
    let (file, log) = (file.to_str().unwrap(), log.to_str().unwrap());
    for arguments in [
        &["stats", "-o", file][..],
        &["ls", "--watch=100ms", "-o", file],
        &["metrics", "-o", file],
        &["kill", "--app", "nobody", "-o", file],
        &["kill", "--app", "nobody", "--log", log],
    ] {
        let mut run = command(&cluster, arguments);
        let child = Owned(run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
        ends_soon(&cluster, child, Signal::SIGTERM, 143);
    }
}

/// Who reads late gets all of it.
#[test]
fn a_reader_that_comes_late_gets_everything() {
    let cluster = with(&[("track_activity_query_size", "200000")]);
    let mut large = cluster.session();
    large.query(&format!("select length('{}')", "x".repeat(190_000)));
    let file = fifo(&cluster, "late.fifo");
    for to_fifo in [true, false] {
        let arguments = ["ls", "--json", "-o", file.to_str().unwrap()];
        let mut run = command(&cluster, if to_fifo { &arguments[..] } else { &arguments[..2] });
        let mut child = Owned(run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        wait_until_stuck(child.0.id());
        let mut text = String::new();
        if to_fifo {
            text = fs::read_to_string(&file).unwrap();
        } else {
            child.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        }
        assert!(child.end().success());
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let sessions = document["sessions"].as_array().unwrap();
        let longest = sessions.iter().filter_map(|row| row["query"].as_str()).map(str::len).max();
        assert!(longest > Some(190_000), "{longest:?}");
    }
}

/// What is held closed is opened again, though nobody reads what is said about it.
#[test]
fn a_database_is_opened_again_while_nobody_reads_the_news() {
    let cluster = with(&[]);
    cluster.query("create role boss login");
    cluster.query("create database shop owner boss");
    let closed = || {
        cluster.value("select (datacl is not null)::text from pg_database where datname = 'shop'") == "true"
    };
    let news = Full::empty();
    let mut run = command(&cluster, &["drain", "--db", "shop", "--fence", "revoke", "--for", "1h"]);
    let mut child = Owned(run.stdout(news.end()).stderr(news.end()).spawn().unwrap());
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("closed and empty") {
        let mut part = [0; 1024];
        let length = (&news.reader).read(&mut part).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&part[..length]);
    }
    assert!(closed());
    news.fill();
    // Somebody comes in, which is news that nobody reads.
    let _inside = cluster.connect(&[("database", "shop"), ("user", "boss")]).unwrap();
    wait_until_stuck(child.0.id());
    let began = Instant::now();
    kill(Pid::from_raw(i32::try_from(child.0.id()).unwrap()), Signal::SIGTERM).unwrap();
    let status = child.end();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert!(!closed());
    assert_eq!(exit_code(status), 143);
}

/// Nothing is closed before it is said how it is opened by hand.
#[test]
fn nothing_is_closed_while_nobody_reads_how_it_is_opened_again() {
    let cluster = with(&[]);
    cluster.query("create database shop");
    let news = Full::new();
    let mut run = command(&cluster, &["drain", "--db", "shop", "--for", "1h"]);
    let child = Owned(run.stdout(news.end()).stderr(news.end()).spawn().unwrap());
    ends_soon(&cluster, child, Signal::SIGTERM, 143);
    assert_eq!(cluster.value("select datconnlimit from pg_database where datname = 'shop'"), "-1");
}

/// Runs a line of a shell with pgconn as `$0` and this folder as its own.
fn shell(cluster: &Cluster, line: &str) -> Outcome {
    Pgconn::of("bash", &["-c", line, PROGRAM]).on(cluster).dir(&cluster.dir).run()
}

#[test]
fn a_descriptor_is_written_to_and_never_replaced() {
    let cluster = with(&[]);
    let log = path(&cluster, "seen.log");
    let numbers = "\"$0\" size --cores 4 --instances 8 --json";
    for name in [
        "/dev/stdout",
        "/dev/fd/1",
        "/proc/self/fd/1",
        "/dev/./stdout",
        "seen.log",
        "./seen.log",
        "linked",
        "hard",
    ] {
        fs::write(&log, "before\n").unwrap();
        let line = format!(
            "ln -sf seen.log linked; ln -f seen.log hard; exec >>seen.log; echo earlier; {numbers} -o {name}; echo later; \
             \"$0\" stats --json -o {name}; echo last"
        );
        let outcome = shell(&cluster, &line).success();
        let text = fs::read_to_string(&log).unwrap();
        let words: Vec<&str> =
            text.lines().map(|line| if line.starts_with('{') { "{" } else { line }).collect();
        assert_eq!(words, ["before", "earlier", "{", "later", "{", "last"], "{name}\n{outcome}");
    }
    // One that is not appended to goes on where it is, and so do other descriptors than stdout.
    for (redirection, name) in [
        (">seen.log", "/dev/stdout"),
        ("2>>seen.log", "/dev/stderr"),
        ("3>>seen.log", "/dev/fd/3"),
        ("9>seen.log", "/proc/self/fd/9"),
        ("5<>seen.log", "/dev/fd/5"),
    ] {
        fs::write(&log, "").unwrap();
        let descriptor = redirection.chars().next().filter(char::is_ascii_digit).unwrap_or('1');
        let line = format!(
            "exec {redirection}; echo earlier >&{descriptor}; {numbers} -o {name}; echo later >&{descriptor}"
        );
        let outcome = shell(&cluster, &line).success();
        let text = fs::read_to_string(&log).unwrap();
        let words: Vec<&str> =
            text.lines().map(|line| if line.starts_with('{') { "{" } else { line }).collect();
        assert_eq!(words, ["earlier", "{", "later"], "{redirection} {name}\n{outcome}");
    }
}

/// A file that is only read from is no place to write to: it is replaced as a whole, as every file is.
#[test]
fn a_file_that_is_open_for_reading_is_replaced_as_ever() {
    let cluster = shared();
    let file = path(cluster, "read");
    fs::write(&file, "old\n").unwrap();
    let line = "exec <read; \"$0\" stats --json -o read; read -r line; echo \"$line\"";
    let outcome = shell(cluster, line).success();
    assert_eq!(outcome.stdout, "old\n");
    assert!(fs::read_to_string(&file).unwrap().starts_with('{'));
}

/// The lines of the log that others write to stay, too.
#[test]
fn a_log_of_signals_goes_to_the_descriptor_that_is_named() {
    let cluster = with(&[]);
    let log = path(&cluster, "seen.log");
    let victim = cluster.connect(&[("application_name", "victim")]).unwrap();
    let line = "exec >seen.log; echo earlier; \"$0\" kill --app victim --log /dev/stdout -q; echo later";
    let outcome = shell(&cluster, line).success();
    let text = fs::read_to_string(&log).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("earlier"), "{text}\n{outcome}");
    assert!(text.contains(&format!("\"pid\":{},", victim.pid)), "{text}");
    assert_eq!(text.lines().last(), Some("later"), "{text}");
}
