//! `check` and `metrics` against a pooler's console, and what other commands say there.

use super::common::{Answer, Disguise, FakeConsole, Outcome, Pgconn, disguised, shared};
use super::metrics::{promtool, series};
use super::pooler::{Pooled, pooled};
use serde_json::{Value, json};

fn run(pooled: &Pooled, arguments: &[&str]) -> Outcome {
    let port = pooled.pooler.port.to_string();
    Pgconn::new(&[&["-p", &port, "-d", "pgbouncer"], arguments].concat()).on(&pooled.cluster).run()
}

fn rules(outcome: &Outcome) -> Vec<(String, String)> {
    let document = outcome.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(&row["rule"]), text(&row["status"])))
        .collect()
}

#[test]
fn clients_that_wait_are_an_alert_with_the_pool_and_its_limit() {
    let pooled = pooled("transaction", &[]);
    let fine = run(&pooled, &["check", "--json"]).success();
    let pair = |rule: &str, status: &str| (rule.to_owned(), status.to_owned());
    assert_eq!(
        rules(&fine),
        [
            pair("reachable", "ok"),
            pair("connections", "ok"),
            pair("closed", "ok"),
            pair("pooler-waiting", "ok")
        ]
    );
    let (_one, _two) = (pooled.working("one"), pooled.working("two"));
    let _waiting = [pooled.waiting("three"), pooled.waiting("four")];
    let warned = run(&pooled, &["check", "--json"]).fails_with(2);
    let row = warned.json()["checks"][3].clone();
    assert_eq!(
        (&row["status"], &row["value"], &row["unit"]),
        (&json!("warning"), &json!(2.0), &json!("count"))
    );
    let message = row["message"].as_str().unwrap();
    assert!(
        message.starts_with("2 clients wait, the longest for ")
            && message.ends_with("in pool postgres/app: pool_size is used up (2 of 2) (over 1)"),
        "{message}"
    );
    let port = pooled.pooler.port;
    assert_eq!(row["hint"], format!("pgconn -p {port} -d pgbouncer pooler clients --state waiting"));
    assert_eq!(warned.json()["waiting"], 2);
    let timed = run(
        &pooled,
        &[
            "check",
            "pooler-waiting",
            "--critical",
            "pooler-waiting=1ms",
            "--warning",
            "pooler-waiting=100",
            "-F",
            "nagios",
        ],
    );
    let timed = timed.fails_with(2);
    for part in [
        "PGCONN CRITICAL: pooler-waiting: 2 clients wait",
        "| pooler-waiting=2;100;;0 ",
        "pooler-waiting_longest",
    ] {
        assert!(timed.stdout.contains(part), "{part}\n{timed}");
    }
    let unknown = run(&pooled, &["check", "blocked", "--json"]).fails_with(3);
    assert_eq!(rules(&unknown), [pair("blocked", "unknown")]);
    let wrong = run(&pooled, &["check", "--warning", "pooler-waiting=80%"]).fails_with(3);
    assert!(wrong.stderr.contains("a number of clients, or a duration"), "{wrong}");
    let server = Pgconn::new(&["check", "pooler-waiting"]).on(&pooled.cluster).run().fails_with(3);
    assert!(server.stdout.contains("this is a server, and no pooler's console"), "{server}");
    let timed = Pgconn::new(&["check", "pooler-waiting", "--warning", "pooler-waiting=5s", "--json"]);
    let timed = timed.on(&pooled.cluster).run().fails_with(3).json()["checks"][0].clone();
    assert_eq!((&timed["warning"], &timed["unit"]), (&"5".into(), &"seconds".into()), "{timed}");
    let mixed = run(&pooled, &["check", "--warning", "pooler-waiting=1:9s"]).fails_with(3);
    assert!(
        mixed.stdout.contains("mixes numbers and durations") || mixed.stderr.contains("mixes"),
        "{mixed}"
    );
    let all = Pgconn::new(&["check", "--json"]).on(&pooled.cluster).run();
    assert!(rules(&all).iter().all(|(rule, _)| rule != "pooler-waiting"), "{all}");
}

#[test]
fn a_pooler_is_measured_under_pgconns_names_and_under_its_exporters() {
    let pooled = pooled("transaction", &[("max_db_connections", "9")]);
    let (_one, _two) = (pooled.working("one"), pooled.working("two"));
    let _waiting = pooled.waiting("three");
    let own = run(&pooled, &["metrics"]).success();
    promtool(&own.stdout);
    let seen = series(&own.stdout);
    for (name, expected) in [
        ("pgconn_up", 1.0),
        ("pgconn_pooler_clients{database=\"postgres\",user=\"app\",state=\"active\"}", 2.0),
        ("pgconn_pooler_clients{database=\"postgres\",user=\"app\",state=\"waiting\"}", 1.0),
        ("pgconn_pooler_servers{database=\"postgres\",user=\"app\",state=\"active\"}", 2.0),
        ("pgconn_pooler_pool_size{database=\"postgres\",user=\"app\"}", 2.0),
        ("pgconn_pooler_limit{database=\"postgres\",user=\"\",limit=\"max_db_connections\"}", 9.0),
        ("pgconn_pooler_limit_used{database=\"postgres\",user=\"\",limit=\"max_db_connections\"}", 2.0),
        ("pgconn_pooler_database_paused{database=\"postgres\"}", 0.0),
    ] {
        let sorted = |name: &str| {
            let (family, labels) = name.trim_end_matches('}').split_once('{').unwrap_or((name, ""));
            let mut labels: Vec<&str> = labels.split(',').collect();
            labels.sort_unstable();
            format!("{family} {labels:?}")
        };
        let found = seen.iter().find(|(known, _)| sorted(known) == sorted(name));
        assert_eq!(found.map(|(_, value)| *value), Some(expected), "{name}: {own}");
    }
    assert!(own.stdout.contains("pgconn_pooler_queries_total"), "{own}");
    let cut = run(&pooled, &["metrics", "--max-series", "1"]).success();
    assert!(cut.stdout.contains("pgconn_omitted_series{family=\"pgconn_pooler_servers\""), "{cut}");
    let compat = run(&pooled, &["metrics", "--compat", "pgbouncer_exporter"]).success();
    let at = format!("server=\"{}:{}\"", pooled.cluster.host(), pooled.pooler.port);
    for line in [
        format!("pgbouncer_up{{{at}}} 1\n"),
        format!("pgbouncer_pools_client_waiting_connections{{database=\"postgres\",{at},user=\"app\"}} 1\n"),
        "pgbouncer_databases_max_connections{database=\"postgres\",".to_owned(),
        format!("pgbouncer_stats_totals_queries_pooled_total{{database=\"postgres\",{at}}} "),
        format!("pgbouncer_config_max_client_connections{{{at}}} 100\n"),
        format!("pgbouncer_version_info{{{at},version=\"PgBouncer 1."),
        format!("pgbouncer_used_clients{{{at}}} 4\n"),
    ] {
        assert!(compat.stdout.contains(&line), "{line}\n{compat}");
    }
    let down =
        Pgconn::new(&["metrics", "--compat", "pgbouncer_exporter", "-h", "/nonexistent", "-U", "x"]).run();
    assert!(down.fails_with(3).stdout.contains("pgbouncer_up{server=\"/nonexistent:5432\"} 0"));
}

#[test]
fn a_console_is_no_server_and_says_what_it_is() {
    let pooled = pooled("transaction", &[]);
    for command in [&["stats"][..], &["ls"], &["kill", "--db", "postgres"]] {
        let outcome = run(&pooled, &[command, &["--json"]].concat()).fails_with(1);
        let error: Value = serde_json::from_str(&outcome.stderr).unwrap();
        assert_eq!(error["error"]["code"], "pooler_console", "{outcome}");
        assert!(error["error"]["hint"].as_str().unwrap().contains("pgconn pooler"), "{outcome}");
    }
}

#[test]
fn a_pooler_in_between_is_noticed_and_a_server_is_none() {
    let pooled = pooled("transaction", &[]);
    let port = pooled.pooler.port.to_string();
    let size = ["size", "--cores", "4", "--from-server"];
    for command in
        [&["stats"][..], &["ls"], &["long"], &["blockers"], &["check"], &["metrics"], &["timeout"], &size]
    {
        let arguments = [command, &["--json"]].concat();
        let through =
            Pgconn::new(&[&["-p", &port], &arguments[..]].concat()).on(&pooled.cluster).run().success();
        let warnings = through.json()["warnings"].clone();
        assert_eq!(
            (&warnings[0]["code"], warnings.as_array().unwrap().len()),
            (&json!("through_pooler"), 1),
            "{through}"
        );
        let direct = Pgconn::new(&arguments).on(&pooled.cluster).run().success();
        assert_eq!(direct.json()["warnings"], json!([]), "{direct}");
        let cluster = &pooled.cluster;
        let tcp = Pgconn::new(&[&["-h", "127.0.0.1"], &arguments[..]].concat()).on(cluster).run().success();
        assert_eq!(tcp.json()["warnings"], json!([]), "{tcp}");
    }
    let checked = Pgconn::new(&["check", "-p", &port]).on(&pooled.cluster).run().success();
    assert!(checked.stdout.contains("note: PgBouncer stands between: "), "{checked}");
    assert_eq!(checked.stderr, "");
}

/// Some tell who they are: in the name that their own sessions have, which clients then see as theirs, or by an order.
#[test]
fn poolers_that_cannot_be_had_here_are_named_by_what_they_tell() {
    let cluster = shared();
    let itself = "connect to PostgreSQL itself";
    let unknown = "see its clients with pgconn pooler (PgBouncer), or connect to PostgreSQL itself";
    for (application_name, turned, who, hint) in [
        (Some("Supavisor"), false, "Supavisor", itself),
        (Some("Supavisor - pgconn"), false, "Supavisor", itself),
        (Some("PgDog"), false, "PgDog", itself),
        (None, true, "Odyssey", itself),
        (None, false, "a connection pooler", unknown),
    ] {
        // PgDog's first client is number 0.
        let disguise = Disguise { pid: 0, application_name, turned };
        let port = disguised(cluster.port, disguise).to_string();
        let through = Pgconn::new(&["stats", "--json", "-h", "127.0.0.1", "-p", &port]);
        let document = through.env("PGSSLMODE", "disable").on(cluster).run().success().json();
        let warning = document["warnings"][0].clone();
        assert_eq!(warning["code"], "through_pooler", "{warning:#}");
        let said = warning["message"].as_str().unwrap();
        assert!(said.starts_with(&format!("{who} stands between: ")), "{said}");
        assert_eq!(warning["hint"].as_str().unwrap_or(hint), hint, "{warning:#}");
    }
}

#[test]
fn what_is_known_of_the_way_to_the_console_is_said_by_the_doctor_too() {
    let pooled = pooled("transaction", &[]);
    let passwords = pooled.cluster.dir.join("loose");
    std::fs::write(&passwords, "").unwrap();
    std::fs::set_permissions(&passwords, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let console = format!(
        "host={} port={} user=postgres passfile={}",
        pooled.cluster.host(),
        pooled.pooler.port,
        passwords.display()
    );
    let run = Pgconn::new(&["doctor", "--for", "10ms", "--json", "--pooler", &console]);
    let document = run.on(&pooled.cluster).run().success().json();
    let codes: Vec<_> =
        document["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]).collect();
    assert_eq!(codes, ["password_file_ignored"], "{document:#}");
    let gone = Pgconn::new(&["doctor", "--for", "10ms", "--pooler", "host=/nonexistent"]);
    let gone = gone.on(&pooled.cluster).run().fails_with(3);
    assert!(gone.stderr.contains("/nonexistent"), "{gone}");
}

#[test]
fn the_doctor_judges_the_pooler_whose_console_it_is_given() {
    let pooled = pooled("transaction", &[("max_db_connections", "40")]);
    let mut client = pooled.client("one");
    client.query("select 1");
    let console = format!("host={} port={} user=postgres", pooled.cluster.host(), pooled.pooler.port);
    let run = |arguments: &[&str]| {
        let timed = Pgconn::new(&["check", "pooler-waiting", "--warning", "pooler-waiting=5s", "--json"]);
        let timed = timed.on(&pooled.cluster).run().fails_with(3).json()["checks"][0].clone();
        assert_eq!((&timed["warning"], &timed["unit"]), (&"5".into(), &"seconds".into()), "{timed}");
        let mixed = run(&pooled, &["check", "--warning", "pooler-waiting=1:9s"]).fails_with(3);
        assert!(
            mixed.stdout.contains("mixes numbers and durations") || mixed.stderr.contains("mixes"),
            "{mixed}"
        );
        let all = [&["doctor", "--for", "10ms", "--json"], arguments].concat();
        Pgconn::new(&all).on(&pooled.cluster).run().success().json()
    };
    let judged = run(&["--pooler", &console]);
    let (host, port) = (pooled.cluster.host(), pooled.pooler.port);
    let next = format!("pgconn -h {host} -p {port} -U postgres pooler");
    let findings = judged["findings"].as_array().unwrap();
    let advised = findings.iter().find(|finding| finding["rule"] == "pooler-auth").unwrap();
    assert_eq!(advised["next_command"], json!(next), "it leads to the pooler: {advised:#}");
    let of = |rule: &str| {
        let findings = judged["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["rule"] == rule).unwrap().clone()
    };
    assert_eq!(
        (&of("pooler-auth")["status"], &of("pooler-auth")["evidence"]),
        (&json!("fail"), &json!("auth_type is trust"))
    );
    assert_eq!(
        (&of("pooler-mode")["status"], &of("pooler-caps")["status"]),
        (&json!("pass"), &json!("pass"))
    );
    assert!(
        of("pooler-caps")["evidence"].as_str().unwrap().contains("1 pool may open 2 connections"),
        "{judged:#}"
    );
    assert!(
        of("pooler-prepared")["status"] == "warn"
            || of("pooler-prepared")["evidence"] == "max_prepared_statements is 200"
    );
    client.query("select pg_advisory_lock(42)");
    let judged = run(&["--pooler", &console]);
    let findings = judged["findings"].as_array().unwrap();
    let mode = findings.iter().find(|finding| finding["rule"] == "pooler-mode").unwrap();
    let said = "of postgres/app (transaction mode) is idle and holds an advisory lock: session locks outlive";
    assert!(mode["status"] == "warn" && mode["evidence"].as_str().unwrap().contains(said), "{mode:#}");
    let without = run(&[]);
    let rules = without["findings"].as_array().unwrap().clone();
    assert!(rules.iter().all(|finding| !finding["rule"].as_str().unwrap().starts_with("pooler-")));
}

#[test]
fn a_console_that_does_not_say_who_waits_is_unknown_not_ok() {
    let console = FakeConsole::start(|command| match command {
        "SHOW VERSION" => Answer::Rows(vec!["version"], vec![vec!["PgBouncer 1.24.1".into()]]),
        "SHOW POOLS" => Answer::Rows(vec!["database", "user"], vec![vec!["shop".into(), "app".into()]]),
        _ => Answer::Refused("invalid command"),
    });
    let conninfo = format!("host=127.0.0.1 port={} user=postgres dbname=pgbouncer", console.port);
    let outcome = Pgconn::new(&["check", "-d", &conninfo]).run().fails_with(3);
    assert!(outcome.stdout.contains("the console does not say who waits"), "{outcome}");
}

#[test]
fn a_threshold_for_what_a_console_does_not_show_is_no_silence() {
    let pooled = pooled("transaction", &[]);
    let outcome = run(&pooled, &["check", "--json", "--warning", "idle-xact=5m"]).fails_with(3);
    let unknown = ("idle-xact".to_owned(), "unknown".to_owned());
    assert!(rules(&outcome).contains(&unknown), "{outcome}");
}
