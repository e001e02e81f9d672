//! `check` and `pooler` at a pooler one of whose limits is used up, or whose console does not tell its limits.

use super::common::{Answer, FakeConsole, Outcome, Pgconn, Session, wait_until};
use super::pooler::{Pooled, pooled};
use serde_json::{Value, json};

fn check(pooled: &Pooled, arguments: &[&str]) -> Outcome {
    as_user("postgres", pooled, arguments)
}

fn as_user(user: &str, pooled: &Pooled, arguments: &[&str]) -> Outcome {
    let port = pooled.pooler.port.to_string();
    let console = ["check", "-p", &port, "-U", user, "-d", "pgbouncer"];
    Pgconn::new(&[&console, arguments].concat()).on(&pooled.cluster).run()
}

/// The check of `connections` in a document.
#[track_caller]
fn connections(outcome: &Outcome) -> Value {
    let document = outcome.json();
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["rule"] == "connections").expect("connections is judged").clone()
}

/// What is said of `connections`, and that nothing else is worse.
#[track_caller]
fn said(outcome: &Outcome, status: &str) -> String {
    let check = connections(outcome);
    assert_eq!((&check["status"], &outcome.json()["status"]), (&json!(status), &json!(status)), "{outcome}");
    check["message"].as_str().unwrap().to_owned()
}

/// Waits until PgBouncer has let go of the clients that have left.
fn fine_again(pooled: &Pooled) {
    wait_until("all is well again", || check(pooled, &["connections"]).code == 0);
}

#[test]
fn max_client_conn_used_up_is_critical_whoever_looks() {
    let pooled = pooled("transaction", &[("max_client_conn", "5")]);
    let fine = check(&pooled, &["--json"]).success();
    let rules: Vec<Value> =
        fine.json()["checks"].as_array().unwrap().iter().map(|check| check["rule"].clone()).collect();
    assert_eq!(rules, ["reachable", "connections", "closed", "pooler-waiting"]);
    assert_eq!(said(&fine, "ok"), "max_client_conn of the pooler: 1 of 5 (20%)");
    assert!(
        check(&pooled, &[]).success().stdout.starts_with("PGCONN OK: max_client_conn of the pooler: 1 of 5")
    );
    let clients: Vec<Session> = ["one", "two", "three", "four"].map(|name| pooled.client(name)).into();
    let said_now = "max_client_conn of the pooler is used up: 5 of 5, pgconn's own included (over 4); new clients are refused";
    for user in ["postgres", "watcher"] {
        let full = as_user(user, &pooled, &["--json"]).fails_with(2);
        let message = said(&full, "critical");
        assert!(
            message.starts_with(said_now) && message.contains("one of admin_users may raise it"),
            "{message}"
        );
        let port = pooled.pooler.port;
        let hint = format!("pgconn -p {port} -U {user} -d pgbouncer pooler clients");
        assert_eq!(connections(&full)["hint"], hint);
        let shown = Pgconn::new(&hint.split(' ').skip(1).collect::<Vec<_>>()).on(&pooled.cluster).run();
        assert!(shown.success().stdout.contains("three"));
    }
    let _fifth = pooled.client("five");
    assert!(pooled.pooler.connect(&[("user", "app")]).is_err(), "it refuses every new client");
    let full = check(&pooled, &["connections", "--json"]).fails_with(2);
    assert_eq!(
        (&connections(&full)["value"], &connections(&full)["warning"], &connections(&full)["critical"]),
        (&json!(6.0), &json!("4"), &json!("4"))
    );
    let plugin = check(&pooled, &["-F", "nagios"]).fails_with(2);
    for part in [
        "PGCONN CRITICAL: connections: max_client_conn of the pooler is used up: 6 of 5",
        " max_client_conn=6;4;4;0;5",
    ] {
        assert!(plugin.stdout.contains(part), "{part}\n{plugin}");
    }
    let marked = "! max_client_conn of the pooler is used up (6 of 5): new clients are refused";
    let table = pooled.run(&[]).success();
    assert!(table.stdout.lines().any(|line| line == marked), "{table}");
    let port = pooled.pooler.port.to_string();
    let narrow = Pgconn::new(&["-p", &port, "pooler"]).on(&pooled.cluster).on_terminal().finish().success();
    assert!(narrow.stdout.contains(marked), "{narrow}");
    drop(clients);
    fine_again(&pooled);
    assert!(!pooled.run(&[]).success().stdout.contains('!'));
}

/// PgBouncer takes a 0 here at its word, and elsewhere for no limit.
#[test]
fn a_max_client_conn_of_nobody_lets_nobody_in() {
    let pooled = pooled("transaction", &[("max_client_conn", "0"), ("max_db_connections", "0")]);
    assert!(pooled.pooler.connect(&[("user", "app")]).is_err());
    let shut = check(&pooled, &["--json"]).fails_with(2);
    assert!(
        said(&shut, "critical").starts_with("max_client_conn of the pooler is used up: 1 of 0"),
        "{shut}"
    );
}

#[test]
fn limits_on_connections_to_the_server_are_judged_each() {
    let limits = [
        ("pool_size of postgres/app", "default_pool_size", "--db postgres --role app"),
        ("max_db_connections of database postgres", "max_db_connections", "--db postgres"),
        ("max_user_connections of user app", "max_user_connections", "--role app"),
    ];
    for (limit, setting, flags) in limits {
        let pooled = pooled("transaction", &[("default_pool_size", "9"), (setting, "2")]);
        let one = pooled.working("one");
        let half = check(&pooled, &["--json"]).success();
        assert_eq!(said(&half, "ok"), "max_client_conn of the pooler: 2 of 100 (2%)");
        let two = pooled.working("two");
        let full = check(&pooled, &["--json"]).fails_with(2);
        let message = said(&full, "critical");
        assert!(message.starts_with(&format!("{limit} is used up: 2 of 2 (over 1); ")), "{message}");
        let port = pooled.pooler.port;
        assert_eq!(
            connections(&full)["hint"],
            format!("pgconn -p {port} -U postgres -d pgbouncer pooler {flags}")
        );
        let plugin = check(&pooled, &["-F", "nagios"]).fails_with(2);
        let label = limit.replace(" of database ", " ").replace(" of user ", " ").replace(" of ", " ");
        assert!(plugin.stdout.contains(&format!(" '{label}'=2;1;1;0;2")), "{plugin}");
        let table = pooled.run(&[]).success();
        assert!(
            table.stdout.lines().any(|line| line.starts_with(&format!("! {limit} is used up (2 of 2)"))),
            "{table}"
        );
        drop((one, two));
        fine_again(&pooled);
    }
}

#[test]
fn thresholds_of_ones_own_hold_for_each_limit() {
    let pooled = pooled("transaction", &[("default_pool_size", "10")]);
    let _working: Vec<Session> = ["one", "two", "three"].map(|name| pooled.working(name)).into();
    for (flag, range, code) in [
        ("--warning", "connections=30%", 0),
        ("--warning", "connections=29%", 1),
        ("--critical", "connections=2", 2),
        ("--critical", "connections=90", 0),
    ] {
        let _seen = check(&pooled, &["connections", flag, range]).fails_with(code);
    }
    let warned = check(&pooled, &["--warning", "connections=29%", "--json"]).fails_with(1);
    let message = said(&warned, "warning");
    assert!(message.starts_with("pool_size of postgres/app: 3 of 10 (30%) (over 2); "), "{message}");
}

/// Its size is not the end of a pool that has a reserve, unless the reserve never opens.
#[test]
fn a_pool_with_a_reserve_is_used_up_with_the_reserve() {
    let reserve = [("reserve_pool_size", "2"), ("reserve_pool_timeout", "0.01")];
    let pooled = self::pooled("transaction", &reserve);
    let _busy = (pooled.working("one"), pooled.working("two"));
    let left = check(&pooled, &["--json"]).fails_with(1);
    let message = said(&left, "warning");
    assert!(
        message.starts_with("pool_size of postgres/app: 2 of 2 (100%), with room in its reserve (over 1); "),
        "{message}"
    );
    assert!(!pooled.run(&[]).success().stdout.contains("is used up"), "the reserve has room");
    let _third = pooled.working("three");
    let _half = check(&pooled, &["connections"]).fails_with(1);
    let _fourth = pooled.working("four");
    let full = check(&pooled, &["--json"]).fails_with(2);
    let message = said(&full, "critical");
    assert!(
        message.starts_with("reserve_pool_size of postgres/app is used up: 2 of 2 (over 1); "),
        "{message}"
    );
    assert!(
        pooled.run(&[]).success().stdout.contains("! reserve_pool_size of postgres/app is used up (2 of 2)")
    );
    let shut = self::pooled("transaction", &[("reserve_pool_size", "2"), ("reserve_pool_timeout", "0")]);
    let _busy = (shut.working("one"), shut.working("two"));
    let full = check(&shut, &["--json"]).fails_with(2);
    assert!(said(&full, "critical").starts_with("pool_size of postgres/app is used up: 2 of 2"), "{full}");
}

/// Rows as a console prints them: columns, then a line each.
fn rows(columns: &'static str, lines: &[&str]) -> Answer {
    let values = |line: &&str| line.split('|').map(str::to_owned).collect();
    Answer::Rows(columns.split('|').collect(), lines.iter().map(values).collect())
}

const DATABASES: &str = "name|force_user|pool_size|reserve_pool_size|max_connections|current_connections|max_client_connections|current_client_connections|paused|disabled";
const USERS: &str = "name|pool_size|reserve_pool_size|max_user_connections|current_connections|max_user_client_connections|current_client_connections";

/// What PgBouncer 1.24 answers where nothing is used up.
fn calm(command: &str) -> Answer {
    match command {
        "SHOW VERSION" => rows("version", &["PgBouncer 1.24.1"]),
        "SHOW POOLS" => rows(
            "database|user|cl_active|cl_waiting|sv_active|sv_idle|sv_used|sv_tested|sv_login|maxwait|maxwait_us|pool_mode",
            &["shop|app|1|0|1|0|0|0|0|0|0|transaction"],
        ),
        "SHOW DATABASES" => rows(DATABASES, &["shop|app|20|0|0|1|0|1|0|0"]),
        "SHOW USERS" => rows(USERS, &["app|||0|1|0|0", "web|||0|0|0|1"]),
        "SHOW CONFIG" => rows("key|value", &["max_client_conn|100", "default_pool_size|20"]),
        "SHOW LISTS" => rows("list|items", &["used_clients|2"]),
        _ => Answer::Refused("invalid command"),
    }
}

/// `check` on a console that answers `command` in its own way, and everything else calmly.
fn at(command: &'static str, answer: Answer, arguments: &[&str]) -> Outcome {
    let console =
        FakeConsole::start(move |asked| if asked == command { answer.clone() } else { calm(asked) });
    let conninfo = format!("host=127.0.0.1 port={} user=postgres dbname=pgbouncer", console.port);
    Pgconn::new(&[arguments, &["-d", &conninfo]].concat()).run()
}

#[test]
fn limits_on_clients_are_judged_for_each_database_and_user() {
    let fine = at("SHOW VERSION", rows("version", &["PgBouncer 1.24.1"]), &["check", "--json"]).success();
    assert_eq!(said(&fine, "ok"), "max_client_conn of the pooler: 2 of 100 (2%)", "a limit of 0 is none");
    let cases = [
        (
            "SHOW DATABASES",
            rows(DATABASES, &["shop|app|20|0|0|1|2|2|0|0"]),
            "max_db_client_connections of database shop",
            "--db shop",
        ),
        // It logs in as web and has the pool of app.
        (
            "SHOW USERS",
            rows(USERS, &["app|||0|1|0|0", "web|||0|0|2|2"]),
            "max_user_client_connections of user web",
            "--role web",
        ),
    ];
    for (command, answer, limit, flags) in cases {
        let full = at(command, answer.clone(), &["check", "--json"]).fails_with(2);
        let message = said(&full, "critical");
        assert!(
            message.starts_with(&format!("{limit} is used up: 2 of 2 (over 1); new clients are refused")),
            "{message}"
        );
        let hint = connections(&full)["hint"].as_str().unwrap().to_owned();
        assert!(hint.ends_with(&format!(" pooler clients {flags}")), "{hint}");
        let table = at(command, answer, &["pooler"]).success();
        assert!(
            table.stdout.contains(&format!("! {limit} is used up (2 of 2): new clients are refused")),
            "{table}"
        );
    }
}

/// What refuses many stands before what refuses some, and that before what makes some wait.
#[test]
fn of_limits_that_are_used_up_the_one_that_most_clients_feel_is_told() {
    let pools =
        "database|user|cl_active|cl_waiting|sv_active|sv_idle|sv_used|sv_tested|sv_login|maxwait|maxwait_us";
    let console = FakeConsole::start(move |asked| match asked {
        "SHOW POOLS" => rows(pools, &["shop|app|2|0|25|0|0|0|0|0|0"]),
        "SHOW DATABASES" => rows(DATABASES, &["shop||20|0|0|1|2|2|0|0"]),
        asked => calm(asked),
    });
    let conninfo = format!("host=127.0.0.1 port={} user=postgres dbname=pgbouncer", console.port);
    let full = Pgconn::new(&["check", "--json", "-d", &conninfo]).run().fails_with(2);
    assert!(said(&full, "critical").starts_with("max_db_client_connections of database shop"), "{full}");
    let plugin = Pgconn::new(&["check", "-F", "nagios", "-d", &conninfo]).run().fails_with(2);
    for part in [
        "max_client_conn=2;80;95;0;100",
        "'pool_size shop/app'=25;16;19;0;20",
        "'max_db_client_connections shop'=2;1;1;0;2",
    ] {
        assert!(plugin.stdout.contains(part), "{part}\n{plugin}");
    }
}

#[test]
fn what_a_console_does_not_tell_is_unknown_unless_something_is_worse() {
    let refused = Answer::Refused("admin access needed");
    for (command, answer, untold) in [
        ("SHOW CONFIG", refused.clone(), "max_client_conn (SHOW CONFIG)"),
        ("SHOW CONFIG", rows("key|value", &["pool_mode|session"]), "max_client_conn (SHOW CONFIG)"),
        ("SHOW LISTS", refused.clone(), "how many clients there are (SHOW LISTS)"),
        ("SHOW DATABASES", refused.clone(), "limits of databases (SHOW DATABASES)"),
        ("SHOW USERS", refused.clone(), "limits of users (SHOW USERS)"),
        (
            "SHOW POOLS",
            rows("database|user|cl_active|cl_waiting|maxwait", &["shop|app|1|0|0"]),
            "connections at work of shop/app (SHOW POOLS)",
        ),
        (
            "SHOW DATABASES",
            rows("name|pool_size|max_client_connections", &["shop|20|2"]),
            "clients of database shop (SHOW DATABASES)",
        ),
        (
            "SHOW USERS",
            rows("name|max_user_client_connections", &["web|2"]),
            "clients of user web (SHOW USERS)",
        ),
    ] {
        let unknown = at(command, answer.clone(), &["check", "--json"]).fails_with(3);
        let message = said(&unknown, "unknown");
        assert!(message.contains(&format!("the console does not tell {untold}")), "{untold}: {message}");
        let hint = connections(&unknown)["hint"].as_str().unwrap().to_owned();
        assert!(hint.ends_with("check reachable pooler-waiting"), "{hint}");
        let _rest = at(command, answer, &["check", "reachable", "pooler-waiting"]).success();
    }
    let console = FakeConsole::start(move |asked| match asked {
        "SHOW CONFIG" => Answer::Refused("admin access needed"),
        "SHOW DATABASES" => rows(DATABASES, &["shop|app|20|0|1|1|0|1|0|0"]),
        asked => calm(asked),
    });
    let conninfo = format!("host=127.0.0.1 port={} user=postgres dbname=pgbouncer", console.port);
    let worse = Pgconn::new(&["check", "--json", "-d", &conninfo]).run().fails_with(2);
    let message = said(&worse, "critical");
    assert!(
        message.starts_with("max_db_connections of database shop is used up: 1 of 1 (over 0); "),
        "{message}"
    );
}
