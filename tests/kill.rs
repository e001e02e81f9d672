//! `kill` and `cancel`: the right sessions, all of them, and nobody else.

use super::common::{Cluster, Outcome, Pgconn, Session, shared, wait_until, with};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::fs;

/// The pids that a JSON outcome lists with this result, in ascending order.
pub(crate) fn pids(outcome: &Outcome, result: &str) -> Vec<i32> {
    let document = outcome.json();
    let results = document["results"].as_array().unwrap();
    let mut pids: Vec<i32> = results
        .iter()
        .filter(|row| row["result"] == result)
        .map(|row| i32::try_from(row["pid"].as_i64().unwrap()).unwrap())
        .collect();
    pids.sort_unstable();
    pids
}

fn row(outcome: &Outcome, pid: i32) -> Value {
    let document = outcome.json();
    let results = document["results"].as_array().unwrap();
    results.iter().find(|row| row["pid"] == pid).unwrap_or_else(|| panic!("no {pid}\n{outcome}")).clone()
}

fn app(name: &str) -> [(&str, &str); 1] {
    [("application_name", name)]
}

fn is_there(cluster: &Cluster, pid: i32) -> bool {
    cluster.value(&format!("select count(*) from pg_stat_activity where pid = {pid}")) == "1"
}

fn session_id(cluster: &Cluster, pid: i32, later: i32) -> String {
    cluster.value(&format!(
        "select to_hex(floor(extract(epoch from backend_start))::int8 + {later}) || '.' || to_hex(pid) \
         from pg_stat_activity where pid = {pid}"
    ))
}

fn kill(cluster: &Cluster, arguments: &[&str]) -> Pgconn {
    Pgconn::new(&[&["kill", "--json"], arguments].concat()).on(cluster)
}

#[test]
fn a_named_session_is_ended_and_seen_gone() {
    let cluster = shared();
    let mut victim = cluster.connect(&app("kill-named")).unwrap();
    let mut neighbour = cluster.connect(&app("kill-named")).unwrap();
    let outcome = Pgconn::new(&["kill", &victim.pid.to_string()]).on(cluster).run().success();
    assert!(outcome.stdout.ends_with("terminated\n1 terminated\n"), "{outcome}");
    assert!(outcome.stderr.contains("would terminate"), "the plan comes first\n{outcome}");
    assert!(victim.is_ended());
    assert_eq!(neighbour.query("select 1")[0][0].as_deref(), Some("1"));
    let again = kill(cluster, &[&victim.pid.to_string()]).run().fails_with(1);
    assert_eq!(pids(&again, "gone"), [victim.pid]);
}

#[test]
fn a_session_id_spares_a_recycled_pid() {
    let cluster = shared();
    let mut session = cluster.connect(&app("kill-recycled")).unwrap();
    let other = session_id(cluster, session.pid, -7);
    let outcome = kill(cluster, &[&other]).run().fails_with(1);
    assert_eq!(pids(&outcome, "gone"), [session.pid]);
    assert_eq!(row(&outcome, session.pid)["session_id"], other.as_str());
    session.query("select 1");
    let outcome = kill(cluster, &[&session_id(cluster, session.pid, 0)]).run().success();
    assert_eq!(pids(&outcome, "terminated"), [session.pid]);
    assert!(session.is_ended());
}

#[test]
fn a_filter_is_the_consent_without_a_terminal() {
    let cluster = shared();
    let mut victims: Vec<Session> = (0..3).map(|_| cluster.connect(&app("kill-filter")).unwrap()).collect();
    let mut busy = cluster.idle_in_transaction(&app("kill-filter"), "select 1");
    let outcome = kill(cluster, &["--app", "kill-filter", "--state", "idle"]).run().success();
    let document = outcome.json();
    assert_eq!(document["kind"], "kill");
    assert_eq!(document["action"], "terminate");
    for (key, count) in [
        ("matched", 3),
        ("succeeded", 3),
        ("failed", 0),
        ("skipped", 0),
        ("undecidable", 0),
        ("remaining_matching", 0),
    ] {
        assert_eq!(document[key], count, "{key}\n{outcome}");
    }
    assert!(victims.iter_mut().all(Session::is_ended));
    busy.query("select 1");
    let nothing = Pgconn::new(&["kill", "--app", "kill-filtre"]).on(cluster).run().success();
    assert_eq!(nothing.stdout, "no session matches\n");
    assert!(nothing.stderr.contains("did you mean --app kill-filter?"), "{nothing}");
}

#[test]
fn a_dry_run_only_shows() {
    let cluster = shared();
    let mut session = cluster.connect(&app("kill-dry")).unwrap();
    let outcome = kill(cluster, &["--app", "kill-dry", "-n"]).run().success();
    assert_eq!(pids(&outcome, "would_terminate"), [session.pid]);
    assert_eq!(outcome.json()["dry_run"], true);
    let outcome = kill(cluster, &["--all", "-n"]).run().success();
    assert!(pids(&outcome, "would_terminate").contains(&session.pid));
    let outcome = Pgconn::new(&["cancel", "--app", "kill-dry", "--dry-run"]).on(cluster).run().success();
    assert!(outcome.stdout.contains("no effect: it runs nothing; kill ends the session"), "{outcome}");
    session.query("select 1");
}

#[test]
fn what_is_not_clearly_asked_for_is_refused() {
    let cluster = shared();
    let mut session = cluster.connect(&app("kill-refused")).unwrap();
    let pid = session.pid.to_string();
    let refused = |arguments: &[&str], hint: &str| {
        let outcome = Pgconn::new(&[&["kill"], arguments].concat()).on(cluster).run();
        assert!(outcome.stderr.contains(hint), "{arguments:?} {outcome}");
        let outcome = outcome.fails_with(2);
        assert_eq!(outcome.stdout, "");
    };
    refused(&[], "--all for every session");
    refused(&["-d", "postgres"], "-d says where to connect; --db NAME selects");
    refused(&["--all"], "add --yes");
    refused(&["--app", "*"], "add --yes");
    refused(&["--app", "!x", "--db", "!y"], "add --yes");
    refused(&["--all", "--app", "kill-refused"], "--all means every session");
    refused(&["--all", &pid], "--all means every session");
    refused(&["--app", "kill-refused", "--all-backends"], "only acted on by pid");
    refused(&["--app", "kill-refused", "--max", "0"], "1 session match, more than --max 0");
    refused(&["--query", "("], "invalid regular expression");
    refused(&["0"], "neither a process id nor a session id");
    refused(&["--app", "kill-refused", "--log", "/dev/null/log"], "could not open the log");
    for arguments in [&["kill", &pid], &["kill", "--app=kill-refused"]] {
        let careful = Pgconn::new(arguments).on(cluster).env("PGCONN_CONFIRM", "always").run().fails_with(2);
        assert!(careful.stderr.contains("PGCONN_CONFIRM=always demands --yes"), "{careful}");
    }
    let wrong = Pgconn::new(&["kill", &pid, "-y"]).on(cluster).env("PGCONN_CONFIRM", "sometimes");
    assert!(wrong.run().fails_with(2).stderr.contains("its one value is always"));
    session.query("select 1");
    let outcome = kill(cluster, &[&pid, "--yes"]).env("PGCONN_CONFIRM", "always").run().success();
    assert_eq!(pids(&outcome, "terminated"), [session.pid]);
}

#[test]
fn at_a_terminal_a_filter_asks() {
    let cluster = shared();
    let mut sessions: Vec<Session> = (0..2).map(|_| cluster.connect(&app("kill-ask")).unwrap()).collect();
    let question = format!("Terminate these 2 sessions on {}:{}? [y/N] ", cluster.host(), cluster.port);
    for answer in ["n\n", "\n", "\u{4}"] {
        let mut terminal = Pgconn::new(&["kill", "--app", "kill-ask"]).on(cluster).on_terminal();
        terminal.wait_for(&question);
        terminal.type_keys(answer);
        let outcome = terminal.finish().fails_with(1);
        assert!(outcome.stdout.contains("error: not confirmed; nothing was done"), "{outcome}");
    }
    let mut terminal = Pgconn::new(&["kill", "--app", "kill-ask"]).on(cluster).on_terminal();
    terminal.wait_for(&question);
    terminal.type_keys("\u{3}");
    let outcome = terminal.finish().fails_with(130);
    assert!(outcome.stdout.contains("interrupted; nothing was done"), "{outcome}");
    sessions.iter_mut().for_each(|session| drop(session.query("select 1")));
    let mut terminal = Pgconn::new(&["kill", "--app", "kill-ask"]).on(cluster).on_terminal();
    terminal.wait_for(&question);
    terminal.type_keys("y\n");
    assert!(terminal.finish().success().stdout.contains("2 terminated"));
    assert!(sessions.iter_mut().all(Session::is_ended));
}

#[test]
fn sessions_that_change_or_go_at_the_prompt_are_not_hit() {
    let cluster = shared();
    let name = app("kill-changing");
    let mut stays = cluster.connect(&name).unwrap();
    let mut changes = cluster.connect(&name).unwrap();
    let goes = cluster.connect(&name).unwrap();
    let arguments = ["kill", "--json", "--app", "kill-changing", "--state", "idle"];
    let mut terminal = Pgconn::new(&arguments).on(cluster).on_terminal();
    terminal.wait_for("Terminate these 3 sessions");
    changes.query("begin");
    let gone = goes.pid;
    drop(goes);
    terminal.type_keys("y\n");
    let outcome = terminal.finish().success();
    let json = &outcome.stdout[outcome.stdout.find('{').unwrap()..];
    let outcome = Outcome { stdout: json.to_owned(), ..outcome.clone() };
    assert_eq!(pids(&outcome, "terminated"), [stays.pid]);
    assert_eq!(pids(&outcome, "changed"), [changes.pid]);
    assert_eq!(pids(&outcome, "gone"), [gone]);
    assert!(stays.is_ended());
    changes.query("select 1");
}

#[test]
fn a_cancel_is_for_the_statement_that_was_seen() {
    let cluster = shared();
    let mut session = cluster.active(&app("cancel-next"));
    let mut terminal = Pgconn::new(&["cancel", "--app", "cancel-next"]).on(cluster).on_terminal();
    terminal.wait_for("Cancel what this session runs on");
    cluster.query(&format!("select pg_cancel_backend({})", session.pid));
    assert_eq!(session.finish().unwrap_err().sqlstate, "57014");
    session.send("select pg_sleep(3600)");
    cluster.wait_for_state(session.pid, "active");
    terminal.type_keys("y\n");
    assert!(terminal.finish().success().stdout.contains("changed: it changed before it could be signalled"));
    assert!(is_there(cluster, session.pid));
    cluster.wait_for_state(session.pid, "active");
    let outcome = Pgconn::new(&["cancel", "--json", &session.pid.to_string()]).on(cluster).run().success();
    assert_eq!(pids(&outcome, "cancelled"), [session.pid]);
    assert_eq!(session.finish().unwrap_err().sqlstate, "57014");
    session.query("select 1");
}

#[test]
fn a_cancel_that_cannot_work_is_said() {
    let cluster = shared();
    let idle = cluster.connect(&app("cancel-idle")).unwrap();
    let open = cluster.idle_in_transaction(&app("cancel-idle"), "select 1");
    let mut deaf = cluster.connect(&app("cancel-deaf")).unwrap();
    deaf.send("select repeat('x', 1000000) from generate_series(1, 100)");
    cluster.wait_until(&format!(
        "exists (select from pg_stat_activity where pid = {} and wait_event = 'ClientWrite')",
        deaf.pid
    ));
    let cancel =
        |name: &str| Pgconn::new(&["cancel", "--json", "--app", name, "--verify", "200ms"]).on(cluster).run();
    let outcome = cancel("cancel-idle").success();
    let mut both = [idle.pid, open.pid];
    both.sort_unstable();
    assert_eq!(pids(&outcome, "no_effect"), both);
    assert_eq!(outcome.json()["skipped"], 2);
    let outcome = cancel("cancel-deaf").fails_with(1);
    assert_eq!(pids(&outcome, "signalled"), [deaf.pid]);
    assert!(row(&outcome, deaf.pid)["error"].as_str().unwrap().contains("does not read"), "{outcome}");
    let outcome = kill(cluster, &["--app", "cancel-deaf"]).run().success();
    assert_eq!(pids(&outcome, "terminated"), [deaf.pid]);
    deaf.vanish();
}

#[test]
fn the_plan_shows_what_ending_a_session_releases_worst_first() {
    let cluster = with(&[]);
    cluster.query("create table t ()");
    let idle = cluster.connect(&app("plan")).unwrap();
    let reader = cluster.idle_in_transaction(&app("plan"), "select 1");
    let holder = cluster.idle_in_transaction(&app("plan"), "lock table t");
    let _first = cluster.waiting(&[], "begin; lock table t");
    let _second = cluster.waiting(&[], "select from t");
    let outcome = kill(&cluster, &["--app", "plan", "-n"]).run().success();
    let document = outcome.json();
    let results = document["results"].as_array().unwrap();
    let order: Vec<_> = results.iter().map(|row| row["pid"].as_i64().unwrap() as i32).collect();
    assert_eq!(order, [holder.pid, reader.pid, idle.pid]);
    assert_eq!(results[0]["sessions_waiting"], 2);
    assert_eq!(results[0]["locks_held"], 1);
    assert!(results[0]["xact_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(results[1]["sessions_waiting"], 0);
    assert_eq!((&results[2]["locks_held"], &results[2]["xact_seconds"]), (&json!(0), &Value::Null));
    assert_eq!(results[0]["permitted"], true);
}

#[test]
fn other_backends_and_other_pgconns_are_spared() {
    let cluster = with(&[]);
    let mut sender = cluster.walsender();
    let mut other = cluster.connect(&app("pgconn")).unwrap();
    let plain = cluster.connect(&[]).unwrap();
    let outcome = kill(&cluster, &["--role", "postgres"]).run().success();
    assert_eq!(pids(&outcome, "terminated"), [plain.pid]);
    assert_eq!(pids(&outcome, "protected"), [other.pid]);
    assert_eq!(outcome.json()["other_backends"], 1);
    let checkpointer: i32 = cluster
        .value("select pid from pg_stat_activity where backend_type = 'checkpointer'")
        .parse()
        .unwrap();
    let named = kill(&cluster, &[&sender.pid.to_string(), &checkpointer.to_string()]).run().success();
    let mut spared = [sender.pid, checkpointer];
    spared.sort_unstable();
    assert_eq!(pids(&named, "not_a_client"), spared);
    assert!(row(&named, sender.pid)["error"].as_str().unwrap().contains("--all-backends"), "{named}");
    let named =
        kill(&cluster, &[&sender.pid.to_string(), &other.pid.to_string(), "--all-backends"]).run().success();
    assert_eq!(pids(&named, "terminated").len(), 2, "{named}");
    assert!(sender.is_ended() && other.is_ended());
}

#[test]
fn a_parallel_worker_stands_for_its_leader() {
    let cluster = with(&[("max_parallel_workers_per_gather", "2"), ("min_parallel_table_scan_size", "0")]);
    cluster.query("create table t as select generate_series(1, 100) as n");
    cluster.query(
        "create function slow(n int) returns bool language sql parallel safe as 'select pg_sleep(n) is null'",
    );
    let mut leader = cluster.connect(&app("parallel")).unwrap();
    leader.query(
        "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set parallel_leader_participation = off",
    );
    leader.send("select count(*) from t where slow(3600)");
    let worker =
        "select pid from pg_stat_activity where backend_type = 'parallel worker' and state = 'active'";
    cluster.wait_until(&format!("exists ({worker})"));
    let worker = cluster.value(worker);
    let outcome = Pgconn::new(&["cancel", "--json", &worker]).on(&cluster).run().success();
    assert_eq!(pids(&outcome, "cancelled"), [leader.pid]);
    assert_eq!(leader.finish().unwrap_err().sqlstate, "57014");
}

/// Who may end whom, by role attributes and memberships; one forbidden session never hides the others.
#[test]
fn rights_are_known_beforehand_and_one_refusal_hides_nothing() {
    let cluster = with(&[]);
    cluster.query(
        "create role plain login; create role other login; create role heir login; create role loner login noinherit; \
         create role signaller login; create role monitor login; create role twofold login; \
         grant other to heir; grant other to loner; grant pg_signal_backend to signaller, twofold; \
         grant pg_read_all_stats to monitor, twofold",
    );
    // Rights of each actor over sessions of: itself, other, the superuser.
    for (actor, own, others, superusers) in [
        ("plain", "terminated", "not_visible", "not_visible"),
        ("heir", "terminated", "terminated", "not_visible"),
        ("loner", "terminated", "not_visible", "not_visible"),
        ("signaller", "terminated", "not_visible", "not_visible"),
        ("monitor", "terminated", "not_permitted", "not_permitted"),
        ("twofold", "terminated", "terminated", "not_permitted"),
    ] {
        let open = |user| cluster.connect(&[("user", user), ("application_name", "matrix")]).unwrap();
        let mut sessions =
            [(open("postgres"), superusers), (open("other"), others), (open(actor), own), (open(actor), own)];
        let outcome = kill(&cluster, &["--app", "matrix", "-U", actor]).run();
        let all_done = sessions.iter().all(|(_, result)| *result == "terminated");
        let outcome = outcome.fails_with(if all_done { 0 } else { 4 });
        for (session, result) in &mut sessions {
            let row = row(&outcome, session.pid);
            assert_eq!(row["result"], *result, "{actor}: {outcome}");
            assert_eq!(row["error"].is_null(), *result == "terminated", "{actor}: {outcome}");
            match *result {
                "terminated" => assert!(session.is_ended()),
                _ => drop(session.query("select 1")),
            }
        }
    }
    let hints = |actor| {
        let _target = cluster.connect(&[("user", "other"), ("application_name", "matrix")]).unwrap();
        Pgconn::new(&["kill", "--app", "matrix", "-U", actor]).on(&cluster).run().fails_with(1).stderr
    };
    assert!(hints("monitor").contains("hint: GRANT pg_signal_backend TO monitor"));
    assert!(hints("signaller").contains("hint: GRANT pg_read_all_stats TO signaller"));
}

#[test]
fn a_refusal_that_only_the_server_knows_hides_nothing() {
    let cluster = with(&[]);
    let signature = if cluster.major() >= 14 { "int, int8" } else { "int" };
    cluster.query(&format!(
        "create role plain login; revoke execute on function pg_terminate_backend({signature}) from public"
    ));
    let mut session = cluster.connect(&[("user", "plain"), ("application_name", "revoked")]).unwrap();
    let mut second = cluster.connect(&[("user", "plain"), ("application_name", "revoked")]).unwrap();
    let outcome = kill(&cluster, &["--app", "revoked", "-U", "plain"]).run().fails_with(1);
    assert_eq!(pids(&outcome, "not_permitted").len(), 2);
    let error = row(&outcome, session.pid)["error"].as_str().unwrap().to_owned();
    assert_eq!(error, "permission denied for function pg_terminate_backend");
    session.query("select 1");
    second.query("select 1");
}

#[test]
fn undecidable_is_not_no_match() {
    let cluster = with(&[]);
    cluster.query("create role plain login");
    let mut hidden = cluster.connect(&app("undecided")).unwrap();
    let outcome = kill(&cluster, &["--state", "idle", "-U", "plain"]).run().fails_with(1);
    let document = outcome.json();
    assert_eq!((&document["matched"], &document["undecidable"]), (&json!(0), &json!(1)));
    assert_eq!(pids(&outcome, "not_visible"), [hidden.pid]);
    assert_eq!(document["warnings"][0]["code"], "undecidable_sessions");
    let narrowed = kill(&cluster, &["--state", "idle", "--role", "plain", "-U", "plain"]).run().success();
    assert_eq!(narrowed.json()["undecidable"], 0);
    hidden.query("select 1");
}

#[test]
fn grace_cancels_first_and_then_ends_what_is_left() {
    let cluster = shared();
    let mut busy = cluster.active(&app("grace"));
    let mut idle = cluster.connect(&app("grace")).unwrap();
    let outcome = kill(cluster, &["--app", "grace", "--grace", "300ms"]).run().success();
    assert_eq!(pids(&outcome, "terminated").len(), 2);
    assert_eq!(busy.finish().unwrap_err().sqlstate, "57014", "cancelled before it was ended");
    assert!(busy.is_ended() && idle.is_ended());
    // A client that leaves on its cancelled query is not waited for any longer.
    let mut leaving = cluster.active(&app("grace"));
    let run = kill(cluster, &["--app", "grace", "--grace", "1h"]).spawn();
    leaving.finish().unwrap_err();
    let pid = leaving.pid;
    drop(leaving);
    assert_eq!(pids(&run.finish().success(), "terminated"), [pid]);
}

#[test]
fn an_interrupted_grace_ends_nothing() {
    let cluster = shared();
    let mut busy = cluster.active(&app("grace-interrupted"));
    let mut idle = cluster.connect(&app("grace-interrupted")).unwrap();
    let run = kill(cluster, &["--app", "grace-interrupted", "--grace", "1h"]).spawn();
    assert_eq!(busy.finish().unwrap_err().sqlstate, "57014");
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    assert_eq!(pids(&outcome, "failed").len(), 2);
    assert!(row(&outcome, busy.pid)["error"].as_str().unwrap().starts_with("its query was cancelled"));
    busy.query("select 1");
    idle.query("select 1");
}

/// Stops a backend, so that a signal reaches it only when it may go on.
struct Stopped(i32);

impl Stopped {
    fn new(pid: i32) -> Self {
        nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = nix::sys::signal::kill(Pid::from_raw(self.0), Signal::SIGCONT);
    }
}

#[test]
fn signalled_is_not_gone() {
    let cluster = shared();
    let stuck = cluster.connect(&app("stuck")).unwrap();
    let mut fine = cluster.connect(&app("stuck")).unwrap();
    let stopped = Stopped::new(stuck.pid);
    let outcome = kill(cluster, &["--app", "stuck", "--verify", "200ms"]).run().fails_with(4);
    assert_eq!(pids(&outcome, "signalled"), [stuck.pid]);
    assert_eq!(pids(&outcome, "terminated"), [fine.pid]);
    assert_eq!(outcome.json()["remaining_matching"], 1);
    assert!(fine.is_ended());
    drop(stopped);
}

#[test]
fn ctrl_c_in_the_middle_reports_what_was_done() {
    let cluster = shared();
    let stuck = cluster.connect(&app("ctrl-c")).unwrap();
    let mut fine = cluster.connect(&app("ctrl-c")).unwrap();
    let stopped = Stopped::new(stuck.pid);
    let run = kill(cluster, &["--app", "ctrl-c", "--verify", "1h"]).spawn();
    assert!(fine.is_ended());
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    assert_eq!(pids(&outcome, "signalled"), [stuck.pid]);
    assert_eq!(pids(&outcome, "terminated"), [fine.pid]);
    drop(stopped);
}

#[test]
fn a_closed_stdout_does_not_stop_it() {
    let cluster = shared();
    let mut victims: Vec<Session> = (0..3).map(|_| cluster.connect(&app("closed")).unwrap()).collect();
    let program = env!("CARGO_BIN_EXE_pgconn");
    let pipe = format!("\"{program}\" kill --app closed | true; exit ${{PIPESTATUS[0]}}");
    let outcome = Pgconn::of("bash", &["-c", &pipe]).on(cluster).run().success();
    assert!(!outcome.stderr.contains("error"), "{outcome}");
    assert!(victims.iter_mut().all(Session::is_ended));
}

#[test]
fn every_signal_is_logged() {
    let cluster = shared();
    let victims: Vec<Session> = (0..2).map(|_| cluster.connect(&app("logged")).unwrap()).collect();
    let log = cluster.dir.join("audit.ndjson");
    let path = log.to_str().unwrap();
    let dry = kill(cluster, &["--app", "logged", "--log", path, "-n"]).run().success();
    assert_eq!(pids(&dry, "would_terminate").len(), 2);
    let outcome = kill(cluster, &["--app", "logged", "--state", "idle", "--log", path]).run().success();
    assert_eq!(pids(&outcome, "terminated").len(), 2);
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    for line in lines {
        assert!(victims.iter().any(|victim| line["pid"] == victim.pid), "{text}");
        assert_eq!(line["result"], "terminated");
        assert_eq!(line["filter"], "--app logged --state idle");
        assert_eq!(line["target"]["user"], "postgres");
        assert!(line["session_id"].is_string() && line["at"].is_string());
    }
}

#[test]
fn clients_that_come_back_are_counted() {
    let cluster = with(&[]);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                if let Ok(mut session) = cluster.connect(&app("pool")) {
                    let _ = session.run("select pg_sleep(3600)");
                }
            }
        });
        cluster.wait_until(
            "exists (select from pg_stat_activity where application_name = 'pool' and state = 'active')",
        );
        let mut hinted = false;
        // The client needs some milliseconds to come back, so not every run sees it.
        wait_until("a new session is seen", || {
            let outcome =
                Pgconn::new(&["kill", "--db", "postgres", "--app", "pool"]).on(&cluster).run().success();
            hinted = outcome.stderr.contains("pgconn drain --db postgres");
            assert_eq!(outcome.stdout.contains("1 of them new"), hinted, "{outcome}");
            hinted
        });
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        while kill(&cluster, &["--app", "pool"]).run().success().json()["matched"] != 0 {}
    });
}

/// A session as the model of the property test knows it.
struct Known {
    session: Session,
    database: &'static str,
    role: &'static str,
    application: &'static str,
    state: &'static str,
}

/// The same small generator on every run: what fails once fails again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

const DATABASES: [&str; 3] = ["postgres", "shop", "shop_2"];
const ROLES: [&str; 3] = ["postgres", "web", "we%b"];
const APPLICATIONS: [&str; 5] = ["", "api", "api-2", "a%i", "it's \\ \"x\""];
const STATES: [&str; 4] = ["idle", "active", "idle in transaction", "idle in transaction (aborted)"];

fn populate(cluster: &Cluster, dice: &mut Dice) -> Known {
    let (database, role) = (dice.pick(&DATABASES), dice.pick(&ROLES));
    let (application, state) = (dice.pick(&APPLICATIONS), dice.pick(&STATES));
    let parameters = [("database", database), ("user", role), ("application_name", application)];
    let session = match state {
        "active" => {
            let mut session = cluster.connect(&parameters).unwrap();
            session.send("select pg_sleep(3600)");
            session
        }
        "idle in transaction" => cluster.idle_in_transaction(&parameters, "select 1"),
        "idle in transaction (aborted)" => cluster.aborted(&parameters),
        _ => cluster.connect(&parameters).unwrap(),
    };
    Known { session, database, role, application, state }
}

/// What one flag means, written down a second time: one of the positive values, none of the others.
fn passes(values: &[String], actual: &str, fits: impl Fn(&str, &str) -> bool) -> bool {
    let (negative, positive): (Vec<&String>, Vec<&String>) =
        values.iter().partition(|value| value.starts_with('!'));
    (positive.is_empty() || positive.iter().any(|value| fits(value, actual)))
        && !negative.iter().any(|value| fits(&value[1..], actual))
}

fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            (0..=tail.len()).filter(|at| tail.is_char_boundary(*at)).any(|at| glob(rest, &tail[at..]))
        }),
    }
}

fn in_state(word: &str, state: &str) -> bool {
    match word {
        "idle-in-transaction" => state.starts_with("idle in transaction"),
        "aborted" => state == "idle in transaction (aborted)",
        word => word == state,
    }
}

/// Values for a flag: mostly none or one, sometimes several, sometimes an exclusion.
fn values(dice: &mut Dice, choices: &[&str]) -> Vec<String> {
    let count = dice.pick(&[0, 0, 1, 1, 2]);
    (0..count).map(|_| format!("{}{}", dice.pick(&["", "", "!"]), dice.pick(choices))).collect()
}

/// Random populations and random filters: what dies is exactly what the filter says.
#[test]
fn what_dies_is_exactly_what_the_filter_says() {
    let cluster = with(&[("max_connections", "130")]);
    cluster.query("create database shop");
    cluster.query("create database shop_2");
    cluster.query("create role web login; create role \"we%b\" login");
    let mut dice = Dice(20_260_101);
    let mut population: Vec<Known> = Vec::new();
    let (mut seen, mut rounds, mut ended) = (0, 0, 0);
    while seen < 1000 {
        let fresh = 100 - population.len();
        population.extend((0..fresh).map(|_| populate(&cluster, &mut dice)));
        cluster.wait_until("not exists (select from pg_stat_activity where query like 'select pg_sleep%' and state <> 'active')");
        let databases = values(&mut dice, &["postgres", "shop", "shop*", "*"]);
        let roles = values(&mut dice, &["web", "we%b", "w*b", "postgres"]);
        let applications = values(&mut dice, &["api", "a*", "a%i", "*-2", "it's \\\\ \"x\""]);
        let states = values(&mut dice, &["idle", "active", "idle-in-transaction", "aborted"]);
        let mut arguments = vec!["--yes".to_owned()];
        for (flag, values) in
            [("--db", &databases), ("--role", &roles), ("--app", &applications), ("--state", &states)]
        {
            arguments.extend(values.iter().map(|value| format!("{flag}={value}")));
        }
        if arguments.len() == 1 {
            continue;
        }
        let doomed = |known: &Known| {
            let plain: Vec<String> = applications.iter().map(|value| value.replace("\\\\", "\\")).collect();
            passes(&databases, known.database, glob)
                && passes(&roles, known.role, glob)
                && passes(&plain, known.application, glob)
                && passes(&states, known.state, in_state)
        };
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let outcome = kill(&cluster, &words).run().success();
        let (mut dead, alive): (Vec<Known>, Vec<Known>) = population.into_iter().partition(doomed);
        let mut expected: Vec<i32> = dead.iter().map(|known| known.session.pid).collect();
        expected.sort_unstable();
        assert_eq!(pids(&outcome, "terminated"), expected, "{arguments:?}");
        let left = cluster.query(
            "select pid from pg_stat_activity where backend_type = 'client backend' and application_name not in ('pgconn', 'test') order by pid",
        );
        let left: Vec<i32> = left.iter().map(|row| row[0].as_deref().unwrap().parse().unwrap()).collect();
        let mut spared: Vec<i32> = alive.iter().map(|known| known.session.pid).collect();
        spared.sort_unstable();
        assert_eq!(left, spared, "{arguments:?}");
        dead.iter_mut().for_each(|known| assert!(known.session.is_ended()));
        seen += dead.len() + alive.len();
        rounds += 1;
        ended += dead.len();
        population = alive;
    }
    assert!(rounds >= 10 && ended >= 100, "{rounds} rounds, {ended} ended");
}
