//! `pgconn demo`: what lives in it, and that nothing of it outlives the program, whatever ends that.

use super::common::{Outcome, Pgconn, Running, Session, wait_for, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

mod others;

/// The folder of the server that the program with this process id has started or is starting.
fn folder_of(pid: i32) -> Option<PathBuf> {
    let parents = [PathBuf::from("/dev/shm"), std::env::temp_dir(), PathBuf::from("/tmp")];
    parents.iter().map(|parent| parent.join(format!("pgconn-{pid}-0"))).find(|folder| folder.exists())
}

/// Processes that have to do with this folder.
fn processes_in(folder: &Path) -> Vec<String> {
    let list = Command::new("ps").args(["-A", "-ww", "-o", "pid=,args="]).output().unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    list.lines().filter(|line| line.contains(folder.to_str().unwrap())).map(str::to_owned).collect()
}

/// The port in the URI that the demo prints.
fn port_of(uri: &str) -> &str {
    uri.split_once("127.0.0.1:").unwrap().1.split('/').next().unwrap()
}

fn demo(arguments: &[&str]) -> Outcome {
    Pgconn::new(&[&["demo"], arguments].concat()).env("TMPDIR", std::env::temp_dir().to_str().unwrap()).run()
}

#[test]
fn the_first_look_is_stats_and_then_everything_is_gone() {
    let outcome = demo(&[]).success();
    let uri = outcome.stdout.lines().next().unwrap();
    assert!(
        uri.starts_with("postgresql://postgres@127.0.0.1:") && uri.contains("/shop?passfile="),
        "{outcome}"
    );
    assert!(outcome.stdout.contains("\nSTATE "), "{outcome}");
    std::net::TcpStream::connect(("127.0.0.1", port_of(uri).parse().unwrap())).unwrap_err();
}

/// A demo that is kept until a signal, with the way to its server.
struct Kept {
    running: Running,
    folder: PathBuf,
    uri: String,
    port: String,
}

impl Kept {
    fn start(arguments: &[&str]) -> Self {
        let running = Pgconn::new(&[&["demo", "--keep"], arguments].concat()).spawn();
        wait_until("the demo holds", || running.stderr().contains("Ctrl-C"));
        let folder = folder_of(running.pid()).unwrap();
        let uri = running.stdout().lines().next().unwrap().to_owned();
        let port = port_of(&uri).to_owned();
        Self { running, folder, uri, port }
    }

    /// What pgconn says about it to this role.
    fn document(&self, role: &str, command: &str) -> Value {
        let host = self.folder.to_str().unwrap();
        let arguments = ["-h", host, "-p", &self.port, "-U", role, "-d", "shop", "--json", command];
        Pgconn::new(&arguments).run().success().json()
    }

    /// Ctrl-C, and how it ended.
    fn end(self) -> Outcome {
        self.running.signal(Signal::SIGINT);
        let outcome = self.running.finish();
        assert_eq!(processes_in(&self.folder), Vec::<String>::new());
        assert!(!self.folder.exists());
        outcome
    }
}

#[test]
fn the_mix_holds_every_trouble() {
    let demo = Kept::start(&[]);
    let (listing, trees) = (demo.document("postgres", "ls"), demo.document("postgres", "blockers"));
    let guest = demo.document("guest", "stats");
    assert_eq!(demo.end().code, 0);

    let sessions = listing["sessions"].as_array().unwrap();
    let with = |key: &str, value: &str| sessions.iter().filter(|session| session[key] == value).count();
    for state in ["idle", "active", "idle in transaction", "idle in transaction (aborted)", "disabled"] {
        assert!(with("state", state) > 0, "no session is {state}");
    }
    assert_eq!(with("wait_event_type", "Lock"), 6);
    assert!(with("application_name", "orders-api") >= 8);
    assert!(with("client", "127.0.0.1") > 8 && with("client", "local") > 8);
    assert_eq!(with("role", "red\u{1b}[31malert"), 1);
    assert_eq!(with("database", "back\u{1b}[2Jup"), 1);

    let pid_of = |state: &str| {
        let billing =
            |session: &&Value| session["application_name"] == "billing" && session["state"] == state;
        sessions.iter().find(billing).unwrap()["pid"].clone()
    };
    assert_eq!(trees["blocked_count"], 6);
    assert_eq!(trees["roots"], json!([pid_of("idle in transaction")]));
    assert_eq!(trees["prepared"][0]["gid"], "invoice-4711");

    assert!(guest["connections"]["hidden"].as_i64().unwrap() > 20, "{guest}");
    let limit = |list: &str, key: &str, name: &str| {
        let groups = guest[list].as_array().unwrap();
        groups.iter().find(|group| group[key] == name).map(|group| group["connection_limit"].clone())
    };
    assert_eq!(limit("by_database", "database", "shop").unwrap(), 60);
    assert_eq!(limit("by_role", "role", "web").unwrap(), 40);
    assert!(limit("by_role", "role", "worker").unwrap().is_null());
}

#[test]
fn a_command_has_stdout_and_the_exit_code_for_itself() {
    let outcome = demo(&["--", "stats", "--no-such-flag"]).fails_with(2);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("--no-such-flag"), "{outcome}");
    let outcome = demo(&["--json", "-v"]).success();
    assert_eq!(outcome.json()["kind"], "stats");
    assert!(outcome.stderr.contains("postgresql://postgres@127.0.0.1:"), "{outcome}");
}

#[test]
fn another_server_is_refused_and_missing_programs_are_named() {
    let outcome = demo(&["-h", "db1"]).fails_with(2);
    assert!(outcome.stderr.contains("demo starts a server of its own"), "{outcome}");
    let outcome = Pgconn::new(&["demo"]).env("PGCONN_PG_BINDIR", "/nonexistent").run().fails_with(1);
    assert!(outcome.stderr.contains("(postgres, initdb) in /nonexistent\nhint: install"), "{outcome}");
}

#[test]
fn full_leaves_no_slot_to_anybody_and_the_first_look_gets_in_all_the_same() {
    let demo = Kept::start(&["--full"]);
    let refusal = Session::open(&demo.folder, demo.port.parse().unwrap(), &[]).unwrap_err();
    let by_the_uri = Pgconn::new(&["stats", "--json", "-d", &demo.uri]).run().success();
    assert_eq!(by_the_uri.json()["warnings"][0]["code"], "emergency_connection");
    assert_eq!(demo.end().code, 0);
    assert_eq!(
        (refusal.sqlstate.as_str(), refusal.message.as_str()),
        ("53300", "sorry, too many clients already")
    );
}

#[test]
fn the_end_of_a_kept_server_is_noticed() {
    let demo = Kept::start(&[]);
    let pid = std::fs::read_to_string(demo.folder.join("pid")).unwrap();
    kill(Pid::from_raw(pid.trim().parse().unwrap()), Signal::SIGQUIT).unwrap();
    let outcome = demo.running.finish().fails_with(1);
    assert!(outcome.stderr.ends_with("error: the demo's server has ended\n"), "{outcome}");
    assert!(!demo.folder.exists());
}

/// How far the demo has come when the signal hits it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Initdb,
    Starting,
    Holding,
}

/// Sends `signal` at `step` and returns the exit code, when nothing is left.
fn ended_by(signal: Signal, step: Step) -> i32 {
    let running = Pgconn::new(&["demo", "--keep"]).spawn();
    let folder = wait_for("the folder of the server", || folder_of(running.pid()));
    match step {
        Step::Initdb => wait_until("initdb runs", || folder.join("data").exists()),
        Step::Starting => wait_until("the server starts", || folder.join("data/postmaster.pid").exists()),
        Step::Holding => wait_until("the demo holds", || running.stderr().contains("Ctrl-C")),
    }
    running.signal(signal);
    let outcome = running.finish();
    if signal == Signal::SIGKILL {
        // then it is the keeper of the server that notices
        wait_until("everything is gone", || !folder.exists() && processes_in(&folder).is_empty());
    }
    assert_eq!(processes_in(&folder), Vec::<String>::new(), "{signal} at {step:?}: {outcome}");
    assert!(!folder.exists(), "{signal} at {step:?}: {outcome}");
    outcome.code
}

#[test]
fn ctrl_c_leaves_nothing_at_any_step() {
    assert_eq!(ended_by(Signal::SIGINT, Step::Initdb), 130);
    assert_eq!(ended_by(Signal::SIGINT, Step::Starting), 130);
    assert_eq!(ended_by(Signal::SIGINT, Step::Holding), 0);
}

#[test]
fn sigterm_leaves_nothing_at_any_step() {
    assert_eq!(ended_by(Signal::SIGTERM, Step::Initdb), 143);
    assert_eq!(ended_by(Signal::SIGTERM, Step::Starting), 143);
    assert_eq!(ended_by(Signal::SIGTERM, Step::Holding), 143);
}

#[test]
fn sigkill_leaves_nothing_at_any_step() {
    assert_eq!(ended_by(Signal::SIGKILL, Step::Initdb), 137);
    assert_eq!(ended_by(Signal::SIGKILL, Step::Starting), 137);
    assert_eq!(ended_by(Signal::SIGKILL, Step::Holding), 137);
}

#[test]
fn a_signal_reaches_the_command_that_runs_on_it() {
    let running = Pgconn::new(&["demo", "--", "stats", "--json", "--watch=100ms"]).spawn();
    wait_until("the command has looked twice", || running.stdout().lines().count() > 1);
    let folder = folder_of(running.pid()).unwrap();
    running.signal(Signal::SIGINT);
    let outcome = running.finish().success();
    assert_eq!(outcome.ndjson()[0]["kind"], "stats");
    assert!(!folder.exists());
    assert_eq!(processes_in(&folder), Vec::<String>::new());
}

#[test]
fn ctrl_c_on_a_terminal_ends_a_kept_demo_well() {
    let mut terminal = Pgconn::new(&["demo", "--keep"]).on_terminal();
    terminal.wait_for("Ctrl-C here ends the server");
    let folder = folder_of(terminal.pid()).unwrap();
    terminal.type_keys("\u{3}");
    let outcome = terminal.finish().success();
    assert!(!folder.exists(), "{outcome}");
}
