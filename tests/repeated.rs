//! What is asked again and again on one session is prepared there, and nowhere else.

use super::common::{Cluster, Disguise, PgBouncer, Pgconn, Running, disguised, wait_for, wait_until, with};
use nix::sys::signal::Signal;

const EXECUTED: &str =
    "select pid from pg_stat_activity where application_name = 'pgconn' and query like '%\nexecute pgconn_%'";
const PREPARED: &str = "select count(*) from pg_prepared_statements";

fn watch(place: &[&str], server: &Cluster) -> Running {
    Pgconn::new(&[&["ls", "--json", "--watch=100ms"], place].concat()).on(server).spawn()
}

fn documents(run: &Running) -> usize {
    run.stdout().lines().count()
}

/// Some more looks are answered, and nothing is said about any.
fn goes_on(run: &Running) {
    let already = documents(run);
    wait_until("more documents", || documents(run) >= already + 4);
    assert_eq!(run.stderr(), "");
}

fn end(run: Running) {
    run.signal(Signal::SIGINT);
    let outcome = run.finish().success();
    for document in outcome.ndjson() {
        assert!(document["sessions"].as_array().is_some_and(|sessions| !sessions.is_empty()), "{document}");
    }
}

#[test]
fn on_a_session_of_the_servers_own() {
    let server = with(&[("max_connections", "20")]);
    let _session = server.connect(&[]).unwrap();
    let run = watch(&[], &server);
    wait_until("it is asked by its name", || !server.query(EXECUTED).is_empty());
    goes_on(&run);
    end(run);
}

#[test]
fn with_another_list_of_pids_at_each_look() {
    let server = with(&[("max_connections", "20")]);
    let mut sessions: Vec<_> = (0..3).map(|_| server.connect(&[]).unwrap()).collect();
    let mut terminal = Pgconn::new(&["top", "--interval", "500ms"]).on(&server).on_terminal_of(120, 40);
    let listed = format!("{EXECUTED} and query like '%::int4[])%'");
    let executed = || server.query(&listed);
    wait_until("it is asked by its name, with the pids", || !executed().is_empty());
    for _ in 0..3 {
        sessions.remove(0);
        let session = server.connect(&[]).unwrap();
        terminal.wait_for(&session.pid.to_string());
        sessions.push(session);
        assert!(!executed().is_empty(), "it is asked by its name still");
    }
    terminal.type_keys("q");
    let _ = terminal.finish().success();
}

#[test]
fn not_through_a_pooler_whose_connections_others_get() {
    let server = with(&[("max_connections", "20")]);
    let _session = server.connect(&[]).unwrap();
    let pooler = PgBouncer::start(&server, &[], &[("pool_mode", "transaction"), ("default_pool_size", "1")]);
    let run = watch(&["-h", "127.0.0.1", "-p", &pooler.port.to_string()], &server);
    wait_until("some looks", || documents(&run) >= 5);
    assert_eq!(pooler.connect(&[]).unwrap().query(PREPARED)[0][0].as_deref(), Some("0"));
    end(run);
}

#[test]
fn what_the_server_does_not_know_any_more_is_asked_in_full() {
    let server = with(&[("max_connections", "20")]);
    let _session = server.connect(&[]).unwrap();
    let pooler = PgBouncer::start(&server, &[], &[("pool_mode", "transaction"), ("default_pool_size", "1")]);
    let backend = pooler.connect(&[]).unwrap().query("select pg_backend_pid()")[0][0].clone().unwrap();
    // A pooler that hides: it tells the backend that it has, and then has another.
    let hidden = Disguise { pid: backend.parse().unwrap(), application_name: None, turned: false };
    let port = disguised(pooler.port, hidden);
    let run = watch(&["-d", &format!("host=127.0.0.1 port={port} sslmode=disable")], &server);
    wait_until("it is asked by its name", || !server.query(EXECUTED).is_empty());
    server.query(&format!("select pg_terminate_backend({backend})"));
    server.wait_until(&format!("not exists (select from pg_stat_activity where pid = {backend})"));
    goes_on(&run);
    let another = wait_for("another backend", || {
        let pid = pooler.connect(&[]).unwrap().query("select pg_backend_pid()")[0][0].clone();
        pid.filter(|pid| *pid != backend)
    });
    assert_ne!(another, backend);
    assert!(server.query(EXECUTED).is_empty(), "it is asked by a name again");
    end(run);
}
