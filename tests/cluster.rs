//! The harness itself: servers start fast, in any number, and leave nothing behind however a test ends; sessions reach every
//! state that the other tests ask for.

use super::common::{PgBouncer, Pgconn, Session, shared, start, wait_until, with, with_files};
use nix::sys::signal::Signal;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether a path is in this text, and not only the beginning of another one's name.
fn names(text: &str, path: &str) -> bool {
    text.match_indices(path)
        .any(|(at, _)| !text[at + path.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

/// Processes whose arguments name this folder: the server and its keeper.
fn processes_in(folder: &Path) -> String {
    let list = Command::new("ps").args(["-A", "-ww", "-o", "pid=,args="]).output().unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    list.lines()
        .filter(|line| names(line, folder.to_str().unwrap()))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn assert_nothing_is_left_of(folder: &Path) {
    assert_eq!(processes_in(folder), "");
    assert!(!folder.exists());
}

#[test]
fn dropping_a_server_leaves_no_process_and_no_file() {
    let cluster = with(&[("max_connections", "7")]);
    assert_eq!(cluster.value("show max_connections"), "7");
    assert!(processes_in(&cluster.dir).contains("postgres"));
    let folder = cluster.dir.clone();
    drop(cluster);
    assert_nothing_is_left_of(&folder);
}

#[test]
fn a_panic_leaves_no_process_and_no_file() {
    let (tell, told) = std::sync::mpsc::channel::<PathBuf>();
    let test = std::thread::spawn(move || {
        let cluster = with(&[]);
        tell.send(cluster.dir.clone()).unwrap();
        std::panic::resume_unwind(Box::new("a test fails"));
    });
    test.join().unwrap_err();
    assert_nothing_is_left_of(&told.recv().unwrap());
}

/// Run by the next test in a process of its own.
#[test]
#[ignore = "waits to be killed"]
fn a_server_that_is_waiting_for_the_end() {
    let cluster = with(&[]);
    println!("folder {}", cluster.dir.display());
    std::thread::sleep(super::common::DEADLINE);
}

#[test]
fn sigkill_leaves_no_process_and_no_file() {
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(["--ignored", "--nocapture", "--exact", "cluster::a_server_that_is_waiting_for_the_end"]);
    let mut child = tests.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let folder = lines.find_map(|line| Some(PathBuf::from(line.split_once("folder ")?.1))).unwrap();
    assert!(processes_in(&folder).contains("postgres"));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("server and folder are gone", || processes_in(&folder).is_empty() && !folder.exists());
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let error = start(&[("max_connections", "many")], &[]).unwrap_err().to_string();
    assert!(error.starts_with("starting postgres failed: "), "{error}");
    assert!(error.contains("invalid value for parameter \"max_connections\": \"many\""), "{error}");
}

#[test]
fn a_server_stops_and_starts_again_with_its_data() {
    let mut cluster = with(&[]);
    cluster.query("create table kept as select 42 as answer");
    let mut session = cluster.session();
    cluster.stop();
    assert_eq!(session.run("select 1").unwrap_err().sqlstate, "57P01");
    cluster.launch(&|| true).unwrap();
    assert_eq!(cluster.value("select answer from kept"), "42");
}

#[test]
fn files_reach_the_data_directory() {
    let hba = "local all alice reject\nlocal all all trust\n";
    let cluster = with_files(&[], &[("pg_hba.conf", hba), ("standby.signal", "")]);
    assert_eq!(cluster.value("select pg_is_in_recovery()"), "t");
    let refusal = cluster.connect(&[("user", "alice")]).unwrap_err();
    assert_eq!(refusal.sqlstate, "28000");
    assert!(refusal.message.starts_with("pg_hba.conf rejects connection"), "{refusal:?}");
}

#[test]
fn sessions_reach_every_state() {
    let cluster = with(&[]);
    cluster.query("create table t (i int)");
    let idle = cluster.session();
    let active = cluster.active(&[("application_name", "worker")]);
    let holder = cluster.idle_in_transaction(&[], "lock table t");
    let aborted = cluster.aborted(&[]);
    let fastpath = cluster.fastpath(&[]);
    let untracked = cluster.untracked(&[]);
    let walsender = cluster.walsender();
    let waiting = cluster.waiting(&[], "select * from t");
    cluster.wait_until("count(*) = 2 from pg_stat_activity where wait_event = 'PgSleep'");
    let state_of = |pid: i32| {
        cluster.value(&format!(
            "select concat_ws(', ', backend_type, state, nullif(wait_event_type, 'Client'))
             from pg_stat_activity where pid = {pid}"
        ))
    };
    assert_eq!(state_of(idle.pid), "client backend, idle");
    assert_eq!(state_of(active.pid), "client backend, active, Timeout");
    assert_eq!(state_of(holder.pid), "client backend, idle in transaction");
    assert_eq!(state_of(aborted.pid), "client backend, idle in transaction (aborted)");
    assert_eq!(state_of(fastpath.pid), "client backend, fastpath function call, Timeout");
    assert!(state_of(untracked.pid).starts_with("client backend, disabled"));
    assert!(state_of(walsender.pid).starts_with("walsender, active"));
    assert_eq!(state_of(waiting.pid), "client backend, active, Lock");
}

#[test]
fn sessions_come_through_the_socket_and_through_tcp() {
    let address = "select coalesce(host(inet_client_addr()), 'local')";
    assert_eq!(shared().value(address), "local");
    let mut session = Session::open_tcp(shared().port, &[]).unwrap();
    assert_eq!(session.query(address)[0][0].as_deref(), Some("127.0.0.1"));
}

#[test]
fn a_closed_session_is_in_no_later_listing_and_a_vanished_one_keeps_running() {
    let cluster = with(&[]);
    let others = "select count(*) from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()";
    for _ in 0..20 {
        drop(cluster.session());
        assert_eq!(cluster.value(others), "0");
    }
    let orphan = cluster.active(&[]);
    let pid = orphan.pid;
    orphan.vanish();
    assert_eq!(cluster.value(others), "1");
    cluster.query("create database latin encoding 'LATIN1' template template0");
    let mut ended = cluster.connect(&[("database", "latin"), ("client_encoding", "LATIN1")]).unwrap();
    ended.send_bytes(b"select pg_sleep(3600) /* caf\xe9 */");
    cluster.wait_for_state(ended.pid, "active");
    cluster.query(&format!("select pg_terminate_backend({pid}), pg_terminate_backend({})", ended.pid));
    assert!(ended.is_ended());
}

#[test]
fn pgbouncer_stands_before_a_server_and_ends_with_its_test() {
    let cluster = with(&[]);
    cluster.query("create role web login");
    let pooler =
        PgBouncer::start(&cluster, &["web"], &[("pool_mode", "transaction"), ("default_pool_size", "1")]);
    let mut web = pooler.connect(&[("user", "web"), ("application_name", "shop")]).unwrap();
    assert_eq!(web.query("select current_user")[0][0].as_deref(), Some("web"));
    let mut console = pooler.connect(&[("database", "pgbouncer")]).unwrap();
    let pools = console.query("show pools");
    assert!(pools.iter().any(|pool| pool[1].as_deref() == Some("web")), "{pools:?}");
    drop(pooler);
    assert!(!processes_in(&cluster.dir).contains("pgbouncer"));
}

#[test]
fn the_program_runs_in_a_cleared_environment() {
    let outcome = Pgconn::of("sh", &["-c", "env; pwd; cat; echo '{}' >&2; exit 7"])
        .on(shared())
        .env("PGAPPNAME", "given")
        .env_remove("NO_COLOR")
        .dir(&shared().dir)
        .input("typed\n")
        .run()
        .fails_with(7);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    for expected in
        ["PGAPPNAME=given", "PGUSER=postgres", "COLUMNS=80", "HOME=/nonexistent", shared().host(), "typed"]
    {
        assert!(lines.contains(&expected), "{expected}\n{outcome}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("CARGO") || line.starts_with("NO_COLOR")), "{outcome}");
    assert_eq!(outcome.stderr, "{}\n");
}

#[test]
fn the_program_under_test_is_there() {
    let outcome = Pgconn::new(&["--version"]).run().success();
    assert_eq!(outcome.stderr, "");
}

#[test]
fn a_run_can_be_signalled_and_its_json_read() {
    let running = Pgconn::of("sh", &["-c", "echo '{\"ready\": true}'; exec sleep 1000"]).spawn();
    wait_until("it has spoken", || running.stdout().contains("ready"));
    wait_until("the shell has become sleep", || arguments_of(running.pid()).starts_with("sleep"));
    running.signal(Signal::SIGTERM);
    let outcome = running.finish().fails_with(143);
    assert_eq!(outcome.json()["ready"], true);
    assert_eq!(outcome.ndjson().len(), 1);
}

/// The arguments of one process.
fn arguments_of(pid: i32) -> String {
    let output = Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_terminal_has_a_keyboard_and_ctrl_c() {
    let mut terminal =
        Pgconn::of("sh", &["-c", "read -r line; echo \"got $line\"; exec sleep 1000"]).on_terminal();
    terminal.type_keys("hello\n");
    terminal.wait_for("got hello");
    assert!(Path::new("/proc").join(terminal.pid().to_string()).exists());
    terminal.type_keys("\u{3}");
    let outcome = terminal.finish().fails_with(130);
    assert!(outcome.stdout.starts_with("hello\r\ngot hello\r\n"), "{outcome}");
}

#[test]
fn one_server_is_shared_by_those_that_only_look() {
    assert!(std::ptr::eq(shared(), shared()));
    assert!(shared().value("select version()").starts_with(&format!("PostgreSQL {}.", shared().major())));
}
