//! `-vv`: each SQL text as it is sent, for whoever wants to know what is asked of the server, and to ask it by hand.

use super::common::{Cluster, Outcome, PgBouncer, Pgconn, psql, shared, with, with_files};

/// What was sent, as it stands on stderr: everything there is but the lines of `-v` and of warnings.
fn statements(outcome: &Outcome) -> String {
    let other = ["connected to ", "warning: ", "hint: "];
    let lines = outcome.stderr.lines().filter(|line| !other.iter().any(|start| line.starts_with(start)));
    lines.map(|line| format!("{line}\n")).collect()
}

/// What psql makes of a text that is pasted into it; it ends at the first error.
fn pasted(text: &str, cluster: &Cluster) -> Outcome {
    let psql = psql().unwrap();
    let run = Pgconn::of(psql.to_str().unwrap(), &["-XAtq", "-v", "ON_ERROR_STOP=1"]).on(cluster);
    run.input(text).run().success()
}

#[test]
fn what_is_printed_can_be_pasted_into_psql_and_asks_the_same() {
    let cluster = shared();
    let name = "a'b\\.c\t\u{1b}:x \u{e9}";
    let session = cluster.connect(&[("application_name", "traced")]).unwrap();
    for line in [
        &["ls", "--app", "traced"][..],
        &["ls", "--query", name],
        &["stats"],
        &["long", "--over", "1h"],
        &["blockers"],
        &["check"],
        &["metrics", "--compat", "postgres_exporter"],
        &["timeout"],
        &["kill", "--app", "traced", "-n"],
    ] {
        let quiet = Pgconn::new(line).on(cluster).run();
        assert!(!quiet.stderr.contains("select"), "{quiet}");
        let once = Pgconn::new(&[line, &["-v"]].concat()).on(cluster).run();
        assert!(!once.stderr.contains("select"), "{once}");
        let outcome = Pgconn::new(&[line, &["-vv"]].concat()).on(cluster).run();
        assert_eq!(outcome.code, quiet.code, "{outcome}");
        let sent = statements(&outcome);
        assert!(sent.starts_with("begin isolation level read committed, read only;\n"), "{outcome}");
        assert!(sent.ends_with("commit;\n") && !sent.contains('\u{1b}') && !sent.contains('\t'), "{outcome}");
        let answer = pasted(&sent, cluster);
        // psql tells that no password file is there
        let told = answer.stderr.lines().filter(|line| !line.contains("password file")).count();
        assert_eq!(told, 0, "{line:?}: {answer}");
        if line.contains(&"traced") {
            assert!(answer.stdout.contains(&format!("{}|", session.pid)), "{line:?}: {answer}");
        }
    }
}

#[test]
fn a_change_is_printed_before_it_is_made_and_in_json_beside_the_document() {
    let cluster = with(&[]);
    let mut session = cluster.connect(&[("application_name", "traced")]).unwrap();
    let outcome =
        Pgconn::new(&["kill", "--app", "traced", "-y", "-vv", "--json"]).on(&cluster).run().success();
    assert!(session.is_ended());
    assert_eq!(outcome.json()["succeeded"], 1);
    assert!(statements(&outcome).contains("pg_terminate_backend(w.pid)"), "{outcome}");
    cluster.query("create role app");
    let line = ["timeout", "set", "30s", "--role", "app", "-vv"];
    let outcome = Pgconn::new(&line).on(&cluster).run().success();
    let sent = statements(&outcome);
    assert!(sent.contains("ALTER ROLE app SET statement_timeout = '30s';\n"), "{outcome}");
    cluster.query("alter role app reset statement_timeout");
    pasted(&sent, &cluster);
    let stored = "select setconfig[1] from pg_db_role_setting where setrole = 'app'::regrole";
    assert_eq!(cluster.value(stored), "statement_timeout=30s");
}

#[test]
fn the_orders_to_a_console_are_printed_too() {
    let pooler = PgBouncer::start(shared(), &[], &[]);
    let port = pooler.port.to_string();
    let run = |line: &[&str]| {
        Pgconn::new(&[line, &["-vv"]].concat())
            .on(shared())
            .env("PGPORT", &port)
            .env("PGDATABASE", "pgbouncer")
    };
    let outcome = run(&["pooler"]).run().success();
    let sent = statements(&outcome);
    for order in ["SHOW VERSION;\n", "SHOW POOLS;\n", "SHOW DATABASES;\n"] {
        assert!(sent.contains(order), "{outcome}");
    }
    let psql = psql().unwrap();
    let pasted = Pgconn::of(psql.to_str().unwrap(), &["-XAtq", "-v", "ON_ERROR_STOP=1"]).on(shared());
    let answer = pasted.env("PGPORT", &port).env("PGDATABASE", "pgbouncer").input(&sent).run().success();
    assert!(answer.stdout.contains("PgBouncer "), "{answer}");
    let outcome = run(&["ping"]).run().success();
    assert!(outcome.stderr.contains("SHOW VERSION;\n"), "{outcome}");
}

#[test]
fn no_password_is_printed() {
    let cluster = with_files(
        &[("password_encryption", "scram-sha-256")],
        &[("pg_hba.conf", "local all postgres trust\nlocal all all scram-sha-256\n")],
    );
    cluster.query("create role app login password 's3cret'");
    let run =
        |line: &[&str]| Pgconn::new(line).on(&cluster).env("PGUSER", "app").env("PGPASSWORD", "s3cret").run();
    let outcome = run(&["stats", "-vv"]).success();
    assert!(outcome.stderr.contains("begin") && !outcome.stderr.contains("s3cret"), "{outcome}");
    // where it was typed for something else
    let outcome = run(&["ls", "-vv", "--db", "postgres://app:s3cret@db1/shop"]).success();
    assert!(outcome.stderr.contains("begin") && !outcome.stderr.contains("s3cret"), "{outcome}");
}

#[test]
fn nothing_is_printed_onto_a_screen_that_is_drawn_on() {
    let mut terminal = Pgconn::new(&["stats", "--watch=100ms", "-vv"]).on(shared()).on_terminal();
    terminal.wait_for("every 100ms");
    terminal.type_keys("\u{3}");
    let outcome = terminal.finish().success();
    assert!(!outcome.stdout.contains("begin isolation"), "{outcome}");
}
