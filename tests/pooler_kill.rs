//! `kill --pooler`: the client is ended where it is connected, and nobody else.

use super::common::{Answer, FakeConsole, HeldBack, Outcome, Pgconn, Session, Stopping, wait_until, with};
use super::kill::Stopped;
use super::kill::logging::{line, lines, told};
use super::pooler::{Pooled, pooled};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn kill(pooled: &Pooled, arguments: &[&str]) -> Pgconn {
    let console = format!("host={} port={} user=postgres", pooled.cluster.host(), pooled.pooler.port);
    Pgconn::new(&[&["kill", "--pooler", &console], arguments].concat()).on(&pooled.cluster)
}

fn results(outcome: &Outcome) -> Vec<Value> {
    outcome.json()["results"].as_array().unwrap().clone()
}

/// Whether the PgBouncer under test can end clients itself.
fn can_kill(pooled: &Pooled) -> bool {
    let document = pooled.run(&["--json"]).success().json();
    let minor = document["version"].as_str().unwrap().split('.').nth(1).unwrap().parse::<u32>();
    minor.unwrap() >= 24
}

#[test]
fn a_client_is_ended_and_no_other() {
    let pooled = pooled("transaction", &[]);
    let (mut one, mut two) = (pooled.working("one"), pooled.working("two"));
    let through = if can_kill(&pooled) { "pooler" } else { "server" };
    // Seen working before it is decided who is meant.
    pooled.cluster.wait_until(
        "(select count(*) from pg_stat_activity where state = 'idle in transaction' \
         and clock_timestamp() - xact_start > interval '300 milliseconds') = 2",
    );
    let dry = kill(&pooled, &["--client", "local", "--app", "one", "--dry-run", "--json"]).run().success();
    let planned = &results(&dry)[0];
    assert_eq!(
        (&planned["result"], &planned["application_name"], &planned["through"]),
        (&json!("would_terminate"), &json!("one"), &json!(through)),
        "{dry}"
    );
    one.query("select 1");
    let outcome = kill(&pooled, &["--client", "local", "--app", "one", "--json"]).run().success();
    let document = outcome.json();
    assert_eq!(
        (&document["kind"], &document["matched"], &document["remaining_matching"]),
        (&json!("kill"), &json!(1), &json!(0))
    );
    let done = &results(&outcome)[0];
    assert_eq!(
        (&done["result"], &done["through"], &done["client"]),
        (&json!("terminated"), &json!(through), &json!("local")),
        "{done:#}"
    );
    assert!(done["pid"].is_number(), "the session that served it: {done:#}");
    let says = if through == "pooler" { "ends clients itself (KILL_CLIENT)" } else { "has no KILL_CLIENT" };
    assert!(outcome.stderr.contains(says), "{outcome}");
    assert!(one.run("select 1").is_err());
    two.query("commit");
    let none = kill(&pooled, &["--client", "10.0.0.0/8"]).run().success();
    assert!(none.stdout.contains("no session matches"), "{none}");
}

/// The signal is late: its client has committed by then, and another one has the connection and a transaction of its own, or
/// none. `seen` is what the client was doing, `then` what the next one does.
fn late_signal(seen: &[&str], then: &[&str]) {
    let pooled = pooled("transaction", &[("default_pool_size", "1")]);
    if can_kill(&pooled) {
        return;
    }
    let mut one = pooled.client("one");
    for statement in seen {
        let _ = one.run(statement);
    }
    let age = "extract(epoch from clock_timestamp() - coalesce(xact_start, state_change))";
    let age = format!("select {age} from pg_stat_activity where usename = 'app'");
    // Long enough ago for the pooler and the server to have seen the same.
    pooled.cluster.wait_until(&format!("({age}) > 0.3"));
    let late = HeldBack::on_the_way_to(pooled.cluster.port, "pg_terminate_backend");
    let port = late.port.to_string();
    let arguments = ["--app", "one", "--json", "-h", "127.0.0.1", "-p", &port, "--verify", "100ms"];
    let run = kill(&pooled, &arguments).spawn();
    late.wait();
    let longer = format!("({age}) > {} + 0.5", pooled.cluster.value(&age));
    one.query("rollback");
    let mut other = pooled.client("innocent");
    for statement in then {
        let _ = other.run(statement);
    }
    pooled.cluster.wait_until(&longer);
    late.let_go();
    let outcome = run.finish().success();
    assert_eq!(results(&outcome)[0]["result"], "changed", "{seen:?} {then:?}\n{outcome}");
    let _ = other.run("rollback");
    other.query("select 1");
    one.query("select 1");
}

#[test]
fn a_signal_that_is_late_ends_no_other_client() {
    let aborted = ["begin", "select 1 / 0"];
    for seen in [&["begin"][..], &aborted] {
        for then in [&["begin", "select 1"][..], &aborted] {
            late_signal(seen, then);
        }
    }
}

/// Without KILL_CLIENT the pooler's server is needed; nobody knows that before it is said.
#[test]
fn the_server_that_serves_the_client_is_asked_for() {
    let pooled = pooled("transaction", &[]);
    if can_kill(&pooled) {
        return;
    }
    let _client = pooled.working("one");
    let other = with(&[]);
    let console = format!("host={} port={} user=postgres", pooled.cluster.host(), pooled.pooler.port);
    let arguments = ["kill", "--pooler", &console, "--app", "one", "--verify", "100ms", "--json"];
    let run = Pgconn::new(&arguments).on(&other).run().fails_with(1);
    let error = results(&run)[0]["error"].as_str().unwrap().to_owned();
    let said = format!("the pooler's server for it is the socket of port {}, not ", pooled.cluster.port);
    assert!(error.starts_with(&said) && error.ends_with(": name that with -d"), "{error}");
    let nowhere =
        Pgconn::new(&arguments[..arguments.len() - 1]).env("PGHOST", "/nonexistent").run().fails_with(3);
    let said =
        " has no KILL_CLIENT: the session on the server is ended instead; name that server with -h or -d\n";
    assert!(nowhere.stderr.contains(said), "{nowhere}");
}

#[test]
fn a_client_that_waits_is_ended_by_the_pooler_only() {
    let pooled = pooled("transaction", &[]);
    let (_one, _two) = (pooled.working("one"), pooled.working("two"));
    let _waiting = pooled.waiting("three");
    if !can_kill(&pooled) {
        let dry = kill(&pooled, &["--app", "three", "--dry-run", "--json"]).run().success();
        let (document, row) = (dry.json(), &results(&dry)[0]);
        assert_eq!((&row["result"], &row["permitted"]), (&json!("would_fail"), &Value::Null), "{dry}");
        assert_eq!((&document["matched"], &document["failed"]), (&json!(1), &json!(0)), "{dry}");
        let dry = kill(&pooled, &["--app", "three", "-n"]).run().success();
        assert!(dry.stdout.contains("\nwould fail: no session on the server serves it"), "{dry}");
        assert!(dry.stdout.ends_with("\n1 would fail\n"), "{dry}");
    }
    let run = kill(&pooled, &["--app", "three", "--json", "--verify", "1s"]).run();
    if can_kill(&pooled) {
        assert_eq!(results(&run.success())[0]["result"], "terminated");
        return;
    }
    let outcome = run.fails_with(1);
    let row = &results(&outcome)[0];
    assert_eq!(
        (&row["result"], &row["pid"], &row["state"]),
        (&json!("failed"), &json!(null), &json!("waiting"))
    );
    assert!(row["error"].as_str().unwrap().contains("this pooler cannot end clients"), "{row:#}");
    // Where there is no session to name, it is named by where it comes from.
    let outcome = kill(&pooled, &["--app", "three", "--verify", "1s"]).run().fails_with(1);
    assert!(outcome.stdout.contains("cannot end clients (client local)\n"), "{outcome}");
}

/// What is known of the connection to the server is said as if it were the only one.
#[test]
fn the_emergency_lane_to_the_server_is_told() {
    let pooled = pooled("transaction", &[]);
    if can_kill(&pooled) {
        return;
    }
    let mut one = pooled.working("one");
    let arguments = ["--app", "one", "--emergency", "always"];
    let outcome = kill(&pooled, &[&arguments[..], &["--json", "--dry-run"]].concat()).run().success();
    let document = outcome.json();
    assert_eq!(
        (&document["emergency"], &document["warnings"][0]["code"]),
        (&json!(true), &json!("emergency_connection")),
        "{outcome}"
    );
    let outcome = kill(&pooled, &arguments).run().success();
    assert!(outcome.stderr.contains("this is a replication connection"), "{outcome}");
    assert!(one.run("select 1").is_err());
}

/// The time to watch is the run's, however many clients there are.
#[test]
fn clients_are_watched_together() {
    let pooled = pooled("transaction", &[]);
    if can_kill(&pooled) {
        return;
    }
    let _clients = (pooled.working("stuck"), pooled.working("stuck"));
    let pids = pooled.cluster.query("select pid from pg_stat_activity where usename = 'app'");
    let stopped: Vec<Stopped> =
        pids.iter().map(|row| Stopped::new(row[0].as_ref().unwrap().parse().unwrap())).collect();
    assert_eq!(stopped.len(), 2);
    let began = Instant::now();
    let outcome = kill(&pooled, &["--app", "stuck", "--json", "--verify", "5s"]).run().fails_with(1);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(results(&outcome).iter().all(|row| row["result"] == "signalled"), "{outcome}");
}

#[test]
fn what_a_pooler_cannot_decide_is_refused() {
    let pooled = pooled("transaction", &[]);
    let mut one = pooled.working("one");
    for (arguments, hint) in [
        (&[][..], "pgconn pooler clients"),
        (&["--all"], "leave --pooler out"),
        (&["4711"], "leave --pooler out"),
        (&["--app", "one", "--state", "active"], "leave --pooler out"),
        (&["--app", "*"], "--yes"),
        (&["--app", "one", "--max", "0"], "--dry-run"),
    ] {
        let outcome = kill(&pooled, arguments).run().fails_with(2);
        assert!(outcome.stderr.contains(hint), "{arguments:?}\n{outcome}");
    }
    let mut terminal = kill(&pooled, &["--app", "one"]).on_terminal();
    terminal.wait_for("End this client of the pooler on ");
    terminal.type_keys("n\n");
    let outcome = terminal.finish().fails_with(1);
    assert!(outcome.stdout.contains("nothing was done"), "{outcome}");
    one.query("select 1");
}

/// Whoever ends the client, it is on disk before, and what became of it after.
#[test]
fn the_end_of_a_client_is_logged() {
    let pooled = pooled("transaction", &[]);
    let mut one = pooled.working("one");
    let log = pooled.cluster.dir.join("clients.ndjson");
    let path = log.to_str().unwrap();
    kill(&pooled, &["--app", "one", "--log", path, "--json"]).run().success();
    assert!(one.run("select 1").is_err());
    let (sent, done) =
        (line("signal", "terminate", Value::Null), line("outcome", "terminate", json!("terminated")));
    assert_eq!(told(&log), [sent.clone(), done.clone()]);
    for line in lines(&log) {
        assert_eq!(
            (&line["filter"], &line["application_name"]),
            (&json!("--app one"), &json!("one")),
            "{line}"
        );
        assert!(line["pid"].is_number(), "{line}");
    }
    let console = newer(Some("client not found"));
    let conninfo = format!("host=127.0.0.1 port={} user=postgres", console.port);
    let log = pooled.cluster.dir.join("numbered.ndjson");
    let path = log.to_str().unwrap();
    let arguments =
        ["kill", "--pooler", &conninfo, "--client", "10.0.0.7", "--log", path, "--json", "--verify", "1s"];
    Pgconn::new(&arguments).run().success();
    let told = told(&log);
    assert_eq!((told.len(), &told[0], &told[1]), (4, &sent, &sent), "{told:?}");
    assert!(told.contains(&done) && told.contains(&line("outcome", "terminate", json!("gone"))), "{told:?}");
    assert_eq!((&lines(&log)[0]["pid"], &lines(&log)[0]["client_port"]), (&Value::Null, &json!(5101)));
}

/// Clients whose pool opens the next connection are counted where they are connected.
#[test]
fn clients_that_come_back_to_the_pooler_are_counted() {
    let pooled = pooled("transaction", &[]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stopping = Stopping(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // Through a socket of its own port, by which the next one is told from it.
                let parameters = [("application_name", "pool"), ("user", "app")];
                let mut client = Session::open_tcp(pooled.pooler.port, &parameters).unwrap();
                let _ = client.run("begin");
                while !stop.load(Ordering::Relaxed) && client.run("select 1").is_ok() {
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        });
        pooled.cluster.wait_until("exists (select from pg_stat_activity where application_name = 'pool')");
        let outcome = kill(&pooled, &["--app", "pool"]).run().success();
        let said = "\n1 terminated; 1 client of the same application and role came back\n";
        assert!(outcome.stdout.contains(said), "{outcome}");
        drop(stopping);
    });
}

/// A console of 1.24, whose clients are gone once they are told to.
fn newer(refusal: Option<&'static str>) -> FakeConsole {
    let killed = std::sync::Mutex::new(Vec::<String>::new());
    FakeConsole::start(move |command| match command {
        "SHOW VERSION" => Answer::Rows(vec!["version"], vec![vec!["PgBouncer 1.24.1".into()]]),
        "SHOW CLIENTS" => {
            let client = |id: &str, name: &str| {
                ["C", "app", "shop", "active", "10.0.0.7", &format!("5{id}"), name, id]
                    .map(str::to_owned)
                    .into()
            };
            let mut rows: Vec<Vec<String>> =
                vec![client("101", "web"), client("102", "web"), client("103", "pgconn")];
            rows.retain(|row| !killed.lock().unwrap().contains(&row[7]));
            let columns = ["type", "user", "database", "state", "addr", "port", "application_name", "id"];
            Answer::Rows(columns.into(), rows)
        }
        "SHOW SERVERS" => Answer::Rows(vec!["type"], vec![]),
        command => match (command.strip_prefix("KILL_CLIENT "), refusal) {
            (Some("102"), Some(why)) => Answer::Refused(why),
            (Some(id), _) => {
                killed.lock().unwrap().push(id.to_owned());
                Answer::Done("KILL_CLIENT")
            }
            (None, _) => Answer::Refused("invalid command"),
        },
    })
}

#[test]
fn a_newer_pooler_ends_clients_by_their_number() {
    let run = |console: &FakeConsole, arguments: &[&str]| {
        let conninfo = format!("host=127.0.0.1 port={} user=postgres", console.port);
        Pgconn::new(&[&["kill", "--pooler", &conninfo], arguments].concat()).run()
    };
    let console = newer(None);
    let outcome = run(&console, &["--client", "10.0.0.7", "--json"]).success();
    let fates: Vec<_> = results(&outcome)
        .iter()
        .map(|row| (row["client_port"].clone(), row["result"].clone(), row["pid"].clone()))
        .collect();
    assert_eq!(
        fates,
        [
            (json!(5101), json!("terminated"), json!(null)),
            (json!(5102), json!("terminated"), json!(null)),
            (json!(5103), json!("protected"), json!(null)),
        ]
    );
    assert!(console.asked().contains(&"KILL_CLIENT 101".to_owned()));
    assert!(!console.asked().contains(&"KILL_CLIENT 103".to_owned()));
    let console = newer(Some("admin access needed"));
    let outcome = run(&console, &["--client", "10.0.0.7"]).fails_with(4);
    assert!(outcome.stdout.contains("10.0.0.7:5102") && outcome.stdout.contains("admin_users"), "{outcome}");
    let console = newer(Some("client not found"));
    let outcome = run(&console, &["--client", "10.0.0.7", "--json", "--verify", "1s"]).success();
    assert_eq!((&outcome.json()["succeeded"], &outcome.json()["remaining_matching"]), (&json!(2), &json!(2)));
    wait_until("it is said once", || {
        console.asked().iter().filter(|command| *command == "KILL_CLIENT 102").count() == 1
    });
}
