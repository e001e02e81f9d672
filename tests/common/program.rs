//! Running the program and keeping its whole outcome.

use super::terminal::Terminal;
use super::{Cluster, schema, wait_for, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, Once};
use std::thread::{self, JoinHandle};

/// A run of the program to be: arguments and surroundings. Nothing of the tests' own environment reaches it but `PATH`.
#[derive(Debug)]
pub(crate) struct Pgconn {
    command: Command,
    input: String,
    settles: Option<PathBuf>,
}

impl Pgconn {
    /// The program with these arguments and without a server: no `PG*` variable, no password file, no home.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        Self::of(env!("CARGO_BIN_EXE_pgconn"), arguments)
    }

    /// Another program in the same surroundings.
    pub(crate) fn of(program: &str, arguments: &[&str]) -> Self {
        hear_signals();
        let mut command = Command::new(program);
        command.args(arguments).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, value) in [
            ("HOME", "/nonexistent"),
            ("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state")),
            ("PGPASSFILE", "/dev/null"),
            ("PGSYSCONFDIR", "/nonexistent"),
            ("LC_ALL", "C.UTF-8"),
            ("COLUMNS", "80"),
            ("NO_COLOR", "1"),
        ] {
            command.env(name, value);
        }
        Self { command, input: String::new(), settles: None }
    }

    /// With the superuser of this server as the default, through the environment.
    pub(crate) fn on(self, cluster: &Cluster) -> Self {
        let port = cluster.port.to_string();
        self.env("XDG_STATE_HOME", cluster.dir.join("state"))
            .env("PGHOST", cluster.host())
            .env("PGPORT", &port)
            .env("PGUSER", "postgres")
            .env("PGDATABASE", "postgres")
    }

    /// With one more argument, which need not be text.
    pub(crate) fn argument(mut self, argument: &OsStr) -> Self {
        self.command.arg(argument);
        self
    }

    /// With this environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Without this environment variable.
    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// As another user of the machine, who is in none of our groups. Only root may.
    pub(crate) fn by_user(mut self, id: u32) -> Self {
        self.command.uid(id).gid(id);
        self
    }

    /// In this folder.
    pub(crate) fn dir(mut self, folder: &std::path::Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// With this text on standard input (a pipe, as is the default, empty).
    pub(crate) fn input(mut self, text: &str) -> Self {
        text.clone_into(&mut self.input);
        self
    }

    /// Where sessions and slots are counted: its run is over when this server, which nobody else uses, has let go of its
    /// session, too. That is a moment after the program has ended.
    pub(crate) fn settling(mut self, cluster: &Cluster) -> Self {
        self.settles = Some(cluster.dir.clone());
        self
    }

    /// Runs it to its end.
    #[must_use = "compare the outcome, or assert the exit code with success() or fails_with()"]
    pub(crate) fn run(mut self) -> Outcome {
        let Some(folder) = self.settles.take() else { return self.spawn().finish() };
        let before = backends_in(&folder);
        let outcome = self.spawn().finish();
        wait_until("no backend of the program is left", || backends_in(&folder) <= before);
        outcome
    }

    /// Starts it, to look at it or signal it while it runs.
    pub(crate) fn spawn(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // a program that does not read its input is no failure
        let _ = pipe.write_all(self.input.as_bytes());
        drop(pipe);
        let stdout = Stream::of(child.stdout.take().unwrap());
        let stderr = Stream::of(child.stderr.take().unwrap());
        Running { child: Owned(child), stdout, stderr }
    }

    /// Starts it on a terminal of 80 columns and 24 lines, of which it is the session leader.
    pub(crate) fn on_terminal(self) -> Terminal {
        self.on_terminal_of(80, 24)
    }

    /// The same with a terminal of this size.
    pub(crate) fn on_terminal_of(self, columns: u16, lines: u16) -> Terminal {
        Terminal::start(&self.command, columns, lines)
    }
}

/// Has the programs that the tests start hear every signal, however the tests themselves were started (`./dev test &` in a script
/// ignores Ctrl-C, `nohup` the end of the terminal): what is ignored is inherited, and what is caught is not. The tests go on
/// ignoring it.
pub(crate) fn hear_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
        let signals = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGTSTP];
        for number in signals.map(|signal| signal as i32) {
            if mask & (1 << (number - 1)) != 0 {
                signal_hook::flag::register(number, Arc::default()).unwrap();
            }
        }
    });
}

/// A stream of a running program: what it has written so far, and the thread that reads on.
#[derive(Debug)]
struct Stream {
    written: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Stream {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let written = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&written);
        let reader = thread::spawn(move || {
            let mut part = [0; 8192];
            while let length @ 1.. = pipe.read(&mut part).unwrap() {
                shared.lock().unwrap().extend_from_slice(&part[..length]);
            }
        });
        Self { written, reader }
    }

    /// What has arrived; half a character at its end is possible.
    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }

    fn whole(self) -> String {
        self.reader.join().unwrap();
        String::from_utf8(std::mem::take(&mut *self.written.lock().unwrap())).expect("output is not UTF-8")
    }
}

/// How many processes of clients the server in this folder has. One that was refused is among them, and in no view.
pub(crate) fn backends_in(folder: &Path) -> usize {
    let status = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let server = status.lines().next().unwrap();
    let list = Command::new("ps").args(["-A", "-ww", "-o", "ppid=,args="]).output().unwrap();
    let of_a_client = |line: &&str| {
        let (parent, title) = line.trim_start().split_once(' ').unwrap_or_default();
        parent == server && (title.contains("[local]") || title.contains("127.0.0.1("))
    };
    String::from_utf8_lossy(&list.stdout).lines().filter(of_a_client).count()
}

/// A child that does not outlive its owner, however the test ends.
#[derive(Debug)]
pub(crate) struct Owned(pub(crate) Child);

impl Owned {
    /// Its status, when it has ended by itself.
    pub(crate) fn end(&mut self) -> ExitStatus {
        wait_for("the program ends", || self.0.try_wait().unwrap())
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run that has started; it is killed when nobody finishes it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Owned,
    stdout: Stream,
    stderr: Stream,
}

impl Running {
    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.0.id()).unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// What it has written to standard output so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// What it has written to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// Its outcome; fails the test when it does not end before the deadline, or prints JSON that is not as the schema of
    /// its kind says.
    #[must_use = "compare the outcome, or assert the exit code with success() or fails_with()"]
    pub(crate) fn finish(mut self) -> Outcome {
        let status = self.child.end();
        let (stdout, stderr) = (self.stdout.whole(), self.stderr.whole());
        schema::check_stream(&stdout);
        stderr.lines().for_each(schema::check_stream);
        Outcome { stdout, stderr, code: exit_code(status) }
    }
}

/// The code as a shell would show it.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

/// What a run left: everything a script could see.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The exit code; 128 + n when signal n ended it.
    pub(crate) code: i32,
}

impl Outcome {
    /// What was printed without the breaks between words that a terminal gets.
    pub(crate) fn words(&self) -> String {
        self.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Fails the test unless the exit code is 0.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.fails_with(0)
    }

    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub(crate) fn fails_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{self}");
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// Standard output as one JSON document per line.
    #[track_caller]
    pub(crate) fn ndjson(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}\n{self}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}------- stderr -------\n{}[exit code: {}]", self.stdout, self.stderr, self.code)
    }
}

/// psql itself, the newest where several lie side by side; Debian's `/usr/bin/psql` is a script that takes longer than psql.
pub(crate) fn psql() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    let asked = Command::new("pg_config").arg("--bindir").output().map(|output| output.stdout);
    folders.push(PathBuf::from(String::from_utf8_lossy(&asked.unwrap_or_default()).trim()));
    folders.push(super::binaries());
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let is_program = |path: &PathBuf| std::fs::read(path).is_ok_and(|content| !content.starts_with(b"#!"));
    folders.iter().map(|folder| folder.join("psql")).find(is_program)
}
