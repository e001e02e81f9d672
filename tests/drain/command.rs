//! `drain … -- COMMAND`: what the command gets to know of the server.

use super::{closable, closed, drain, make, server};
use crate::common::{Cluster, Outcome, PgBouncer, Pgconn, psql, wait_until, with, with_files};
use nix::sys::signal::Signal;
use std::fs;

/// What a command sees of its environment's `PG…`, one variable a line.
const SHOW: [&str; 4] = ["--", "sh", "-c", "env | grep '^PG' | sort"];

fn shown(outcome: &Outcome) -> Vec<&str> {
    outcome.stdout.lines().collect()
}

/// The environment leads to one server, the flags to another.
#[test]
fn a_command_works_on_the_server_that_was_named_and_not_on_the_default_one() {
    let (named, default) = (server(), server());
    let port = named.port.to_string();
    let place = ["drain", "--db", "shop", "-h", named.host(), "-p", &port];
    let dropdb = psql().unwrap().with_file_name("dropdb");
    let outcome = Pgconn::new(&[&place[..], &["--", dropdb.to_str().unwrap(), "shop"]].concat()).on(&default);
    let outcome = outcome.run().success();
    let there = |cluster: &Cluster| cluster.value("select count(*) from pg_database where datname = 'shop'");
    assert_eq!((there(&named).as_str(), there(&default).as_str()), ("0", "1"), "{outcome}");
    let said =
        format!("the command gets PGHOST={} PGPORT={port} PGUSER=postgres PGDATABASE=postgres", named.host());
    assert!(outcome.stderr.contains(&said), "{outcome}");
}

#[test]
fn a_command_gets_the_whole_way_and_no_password_that_was_not_there() {
    let hba = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    let cluster = with_files(&[("password_encryption", "scram-sha-256")], &[("pg_hba.conf", hba)]);
    make(&cluster);
    cluster.query("create role ops login superuser password 's3cret'");
    let port = cluster.port;
    let other = with(&[]);
    let uri = format!(
        "postgresql://ops:s3cret@localhost:{port}/postgres?sslmode=prefer&channel_binding=disable&application_name=x"
    );
    let outcome = drain(&other, &[&["-d", &uri][..], &SHOW].concat()).run().success();
    let expected = |more: &[&str]| {
        let mut lines: Vec<String> = [
            "PGCHANNELBINDING=disable".into(),
            "PGDATABASE=postgres".into(),
            "PGHOST=localhost".into(),
            "PGHOSTADDR=127.0.0.1".into(),
            format!("PGPORT={port}"),
            "PGSSLMODE=prefer".into(),
            "PGSYSCONFDIR=/nonexistent".into(),
            "PGUSER=ops".into(),
        ]
        .into();
        lines.extend(more.iter().map(|line| (*line).to_owned()));
        lines.sort();
        lines
    };
    let without_name = |outcome: &Outcome| -> Vec<String> {
        let lines = shown(outcome).into_iter().filter(|line| !line.starts_with("PGAPPNAME="));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(without_name(&outcome), expected(&["PGPASSFILE=/dev/null"]));
    assert!(outcome.stderr.contains("PGDATABASE=postgres, and no password\n"), "{outcome}");
    assert!(!outcome.to_string().contains("s3cret"), "{outcome}");
    // One that was there stays, a service does not, and a password file is named.
    let passfile = cluster.dir.join("pgpass").display().to_string();
    let services = cluster.dir.join("services").display().to_string();
    fs::write(&passfile, format!("localhost:{port}:*:ops:s3cret\n")).unwrap();
    fs::set_permissions(&passfile, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let service = format!(
        "[prod]\nhost=localhost\nport={port}\nuser=ops\ndbname=postgres\nsslmode=prefer\nchannel_binding=disable\npassfile={passfile}\n"
    );
    fs::write(&services, service).unwrap();
    let run = Pgconn::new(&[&["drain", "--db", "shop"], &SHOW[..]].concat())
        .env("PGSERVICEFILE", &services)
        .env("PGSERVICE", "prod")
        .env("PGHOSTADDR", "")
        .env("PGTARGETSESSIONATTRS", "primary");
    let outcome = run.run().success();
    let (file, services) = (format!("PGPASSFILE={passfile}"), format!("PGSERVICEFILE={services}"));
    assert_eq!(without_name(&outcome), expected(&[&file, &services]));
    assert!(!outcome.stderr.contains("no password"), "{outcome}");
    let run = drain(&other, &[&["-d", &uri.replace(":s3cret", "")][..], &SHOW].concat());
    let outcome = run.env("PGPASSWORD", "s3cret").run().success();
    assert_eq!(without_name(&outcome), expected(&["PGPASSFILE=/dev/null", "PGPASSWORD=s3cret"]));
    // What the command gets leads there.
    let psql = psql().unwrap();
    let ask = ["--", psql.to_str().unwrap(), "-AtXc", "select current_user || inet_server_port()"];
    let run = drain(&other, &[&["-d", &uri.replace(":s3cret", "")][..], &ask].concat());
    let outcome = run.env("PGPASSWORD", "s3cret").run().success();
    assert_eq!(outcome.stdout, format!("ops{port}\n"));
}

/// Of several hosts it is the one that was reached; over a socket there is no address.
#[test]
fn a_command_is_led_to_the_host_that_was_reached() {
    let cluster = server();
    let port = cluster.port.to_string();
    let hosts = format!("/nonexistent,{}", cluster.host());
    let ports = format!("1,{port}");
    let arguments = ["drain", "--db", "shop", "-h", &hosts, "-p", &ports, "-U", "postgres", "-d", "postgres"];
    let run = Pgconn::new(&[&arguments[..], &SHOW].concat()).env("PGHOSTADDR", "");
    let outcome = run.run().success();
    let (host, port) = (format!("PGHOST={}", cluster.host()), format!("PGPORT={port}"));
    for line in ["PGDATABASE=postgres", &host, &port, "PGUSER=postgres"] {
        assert!(shown(&outcome).contains(&line), "{line}\n{outcome}");
    }
    assert!(!outcome.stdout.contains("PGHOSTADDR"), "{outcome}");
    // Its own database is the one that is closed: the command gets the one that stays open.
    let outcome = drain(&cluster, &[&["-d", "shop"][..], &SHOW].concat()).run().success();
    assert!(shown(&outcome).contains(&"PGDATABASE=postgres"), "{outcome}");
    assert!(closable(&cluster).starts_with("7 t "));
}

/// The same while a pooler's database is paused: the console, which stays open.
#[test]
fn a_command_during_a_pause_is_led_to_the_console() {
    let (cluster, default) = (with(&[]), with(&[]));
    let pooler = PgBouncer::start(&cluster, &[], &[("pool_mode", "transaction")]);
    pooler.connect(&[("database", "postgres")]).unwrap().query("select 1");
    let port = pooler.port.to_string();
    let place = ["pooler", "-h", cluster.host(), "-p", &port, "-U", "postgres", "pause", "postgres"];
    let outcome = Pgconn::new(&[&place[..], &SHOW].concat()).on(&default).run().success();
    let (host, port) = (format!("PGHOST={}", cluster.host()), format!("PGPORT={port}"));
    for line in ["PGDATABASE=pgbouncer", &host, &port, "PGUSER=postgres"] {
        assert!(shown(&outcome).contains(&line), "{line}\n{outcome}");
    }
    assert!(outcome.stderr.contains("the command gets PGHOST="), "{outcome}");
}

/// What is ignored stays so for the command, too.
#[test]
fn a_command_ignores_what_the_run_was_started_to_ignore() {
    let cluster = server();
    let script = "grep SigIgn /proc/self/status; exec 3<> <(:); while :; do read -rt 0.05 -u 3; done";
    let program = env!("CARGO_BIN_EXE_pgconn");
    let line = ["--ignore-signal=INT", program, "drain", "--db", "shop", "--", "bash", "-c", script];
    let run = Pgconn::of("env", &line).on(&cluster).spawn();
    wait_until("the command runs", || run.stdout().contains('\n'));
    let mask = run.stdout().split_whitespace().nth(1).map(|mask| u64::from_str_radix(mask, 16).unwrap());
    assert_eq!(mask.unwrap() & 0b10, 0b10, "SIGINT is the second");
    run.signal(Signal::SIGINT);
    assert!(closed(&cluster));
    run.signal(Signal::SIGTERM);
    let outcome = run.finish().fails_with(143);
    assert!(outcome.stderr.contains("open as before"), "{outcome}");
}
