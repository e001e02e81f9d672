//! Which of several servers is reached, and how: kinds of sessions, random order, sockets of every kind.

use crate::common::server::standby_of;
use crate::common::{Cluster, Pgconn, psql, wait_until, with, with_files};
use nix::sys::signal::Signal;
use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::thread;

/// The port that psql reaches, or none; an installed psql of version 14 or later knows all six kinds.
fn psqls_port(dsn: &str) -> Option<Option<u16>> {
    let mut command = Command::new(psql()?);
    command.args(["-XAtw", "-d", dsn, "-c", "show port"]).env_clear().env("HOME", "/nonexistent");
    let output = command.output().unwrap();
    Some(String::from_utf8_lossy(&output.stdout).trim().parse().ok())
}

/// The port that pgconn reaches, or none.
fn our_port(dsn: &str) -> Option<u16> {
    let outcome = Pgconn::new(&["stats", "--json", "-w", "-d", dsn]).run();
    if outcome.code != 0 {
        let _ = outcome.fails_with(3);
        return None;
    }
    Some(u16::try_from(outcome.json()["target"]["port"].as_u64().unwrap()).unwrap())
}

fn list<'a>(of: impl Iterator<Item = &'a Cluster>, what: impl Fn(&Cluster) -> String) -> String {
    of.map(what).collect::<Vec<_>>().join(",")
}

#[test]
fn each_kind_of_session_is_found_on_a_primary_and_its_standby() {
    let primary = with(&[]);
    primary.query("create role quiet login; alter role quiet set default_transaction_read_only = on");
    let standby = standby_of(&primary);
    let (p, s) = (Some(primary.port), Some(standby.port));
    wait_until("the role is on the standby", || {
        !standby.query("select 1 from pg_roles where rolname = 'quiet'").is_empty()
    });
    // order of hosts, role, and who is reached for each kind
    let both = [&primary, &standby];
    let turned = [&standby, &primary];
    let kinds = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"];
    type Case<'a> = (&'a [&'a Cluster], &'a str, [Option<u16>; 6]);
    let cases: [Case<'_>; 5] = [
        (&both, "postgres", [p, p, s, p, s, s]),
        (&turned, "postgres", [s, p, s, p, s, s]),
        (&both, "quiet", [p, None, p, p, s, s]),
        (&both[..1], "postgres", [p, p, None, p, None, p]),
        (&both[1..], "postgres", [s, None, s, None, s, s]),
    ];
    for (hosts, role, expected) in cases {
        for (kind, expected) in kinds.iter().zip(expected) {
            let dsn = format!(
                "host={} port={} user={role} dbname=postgres target_session_attrs={kind}",
                list(hosts.iter().copied(), |cluster| cluster.host().to_owned()),
                list(hosts.iter().copied(), |cluster| cluster.port.to_string()),
            );
            assert_eq!(our_port(&dsn), expected, "{dsn}");
            if let Some(theirs) = psqls_port(&dsn) {
                assert_eq!(theirs, expected, "psql: {dsn}");
            }
        }
    }
    // each refusal says what was found instead
    for (host, kind, words) in [
        (&primary, "standby", "server is not in hot standby mode"),
        (&primary, "read-only", "session is not read-only"),
        (&standby, "primary", "server is in hot standby mode"),
        (&standby, "read-write", "session is read-only"),
    ] {
        let dsn = format!(
            "host={} port={} user=postgres dbname=postgres target_session_attrs={kind}",
            host.host(),
            host.port
        );
        let outcome = Pgconn::new(&["stats", "-d", &dsn]).run().fails_with(3);
        assert!(outcome.stderr.contains(words), "{outcome}");
    }
}

#[test]
fn a_wrong_password_is_one_attempt_whatever_the_hosts_and_modes() {
    let hba = "local all all trust\nhost all app 127.0.0.1/32 scram-sha-256\n";
    let cluster = with_files(&[], &[("pg_hba.conf", hba)]);
    cluster.query("set password_encryption = 'scram-sha-256'; create role app login password 'right'");
    for (at, extra) in
        ["sslmode=prefer", "sslmode=allow", "target_session_attrs=prefer-standby"].iter().enumerate()
    {
        let dsn = format!(
            "host=127.0.0.1,127.0.0.1 port={} user=app dbname=postgres password=wrong {extra}",
            cluster.port
        );
        let outcome = Pgconn::new(&["stats", "-d", &dsn]).run().fails_with(3);
        let said = outcome.stderr.matches("password authentication failed").count();
        assert_eq!(said, 1, "{extra}: {outcome}");
        let failures = || {
            let log = fs::read_to_string(cluster.dir.join("log")).unwrap();
            log.matches("FATAL:  password authentication failed").count()
        };
        wait_until("the server has written it down", || failures() > at);
        assert_eq!(failures(), at + 1, "{extra}");
    }
}

#[test]
fn load_is_spread_over_hosts_only_when_asked_for() {
    let servers = [with(&[]), with(&[])];
    let dsn = |extra: &str| {
        let hosts = list(servers.iter(), |cluster| cluster.host().to_owned());
        let ports = list(servers.iter(), |cluster| cluster.port.to_string());
        format!("host={hosts} port={ports} user=postgres dbname=postgres {extra}")
    };
    for _ in 0..4 {
        assert_eq!(our_port(&dsn("")), Some(servers[0].port));
    }
    let mut reached = HashSet::new();
    wait_until("both servers were reached", || {
        reached.insert(our_port(&dsn("load_balance_hosts=random")).expect("one of two servers"));
        reached.len() == 2
    });
}

#[test]
fn the_server_behind_a_socket_must_run_as_the_user_that_is_required() {
    let cluster = with(&[]);
    let owner = fs::metadata(&cluster.dir).unwrap().uid();
    let name = Command::new("id").args(["-un", &owner.to_string()]).output().unwrap();
    let name = String::from_utf8(name.stdout).unwrap().trim().to_owned();
    let run = |required: &str| Pgconn::new(&["stats"]).on(&cluster).env("PGREQUIREPEER", required).run();
    let _ = run(&name).success();
    let other = if name == "daemon" { "bin" } else { "daemon" };
    let refused = run(other).fails_with(3);
    // in libpq's words
    let words = |required: &str| {
        format!("requirepeer specifies \"{required}\", but actual peer user name is \"{name}\"")
    };
    assert!(refused.stderr.contains(&words(other)), "{refused}");
    let unknown = run("no-such-user").fails_with(3);
    assert!(unknown.stderr.contains(&words("no-such-user")), "{unknown}");
    assert!(unknown.stderr.contains("there is no operating-system user \"no-such-user\""), "{unknown}");
    // over TCP there is nobody to look at
    let dsn =
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres requirepeer={other}", cluster.port);
    let _ = Pgconn::new(&["stats", "-d", &dsn]).run().success();
}

#[test]
#[cfg(target_os = "linux")]
fn abstract_sockets_are_reached() {
    if with(&[]).major() < 14 {
        return eprintln!("servers before 14 have no abstract sockets");
    }
    let name = format!("@pgconn-test-{}", std::process::id());
    let cluster = with(&[("unix_socket_directories", &name)]);
    let dsn = format!("host={name} port={} user=postgres dbname=postgres", cluster.port);
    let document = Pgconn::new(&["ping", "--json", "-d", &dsn]).run().success().json();
    assert_eq!(document["attempts"][0]["address"], format!("{name}/.s.PGSQL.{}", cluster.port));
    if let Some(theirs) = psqls_port(&dsn) {
        assert_eq!(theirs, Some(cluster.port));
    }
    let absent = format!("host=@pgconn-absent port={} user=postgres", cluster.port);
    let refused = Pgconn::new(&["ping", "--json", "-d", &absent]).run().fails_with(2).json();
    assert_eq!(refused["attempts"][0]["code"], "refused");
}

/// The timer of this machine's established connection to `port`: its kind (`00` for none, `02` for keepalives) and seconds.
#[cfg(target_os = "linux")]
fn timer(port: u16) -> Option<(String, u64)> {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if !fields[2].ends_with(&format!(":{port:04X}")) || fields[3] != "01" {
            return None;
        }
        let (kind, hundredths) = fields[5].split_once(':').unwrap();
        Some((kind.to_owned(), u64::from_str_radix(hundredths, 16).unwrap() / 100))
    })
}

#[test]
#[cfg(target_os = "linux")]
fn keepalives_are_as_asked_for() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || stream.unwrap().read_to_end(&mut Vec::new()));
        }
    });
    for (extra, expected) in
        [("keepalives_idle=300", Some(240..=300)), ("keepalives=0", None), ("", Some(0..=100_000))]
    {
        let dsn = format!("host=127.0.0.1 port={port} user=x sslmode=require {extra}");
        let run = Pgconn::new(&["ping", "-w", "-t", "1h", "-d", &dsn]).spawn();
        // Right after something was sent the timer is another one for a moment.
        wait_until(extra, || match (timer(port), &expected) {
            (Some((kind, left)), Some(range)) => kind == "02" && range.contains(&left),
            (Some((kind, _)), None) => kind == "00",
            (None, _) => false,
        });
        run.signal(Signal::SIGKILL);
        let _ = run.finish().fails_with(137);
    }
}

#[test]
fn what_the_client_encoding_says_changes_nothing_about_the_output() {
    let cluster = with(&[]);
    let mut session = cluster.session();
    session.query("select 'größe'");
    for encoding in ["LATIN1", "SQL_ASCII", "auto", "UTF8"] {
        let outcome =
            Pgconn::new(&["ls", "--json"]).on(&cluster).env("PGCLIENTENCODING", encoding).run().success();
        assert!(outcome.stdout.contains("select 'größe'"), "{encoding}: {outcome}");
    }
}

#[test]
fn a_ping_of_several_hosts_says_of_each_what_it_is() {
    let primary = with(&[]);
    let standby = standby_of(&primary);
    let ping = |kind: &str, more: &str| {
        let hosts = list([&standby, &primary].into_iter(), |cluster| cluster.host().to_owned());
        let ports = list([&standby, &primary].into_iter(), |cluster| cluster.port.to_string());
        let dsn = format!(
            "host={hosts},127.0.0.1{more} port={ports},1 user=postgres dbname=postgres target_session_attrs={kind}"
        );
        Pgconn::new(&["ping", "-d", &dsn, "--json"]).run().success().json()
    };
    for (kind, reached) in [("any", &standby), ("primary", &primary), ("prefer-standby", &standby)] {
        let document = ping(kind, "");
        assert_eq!(document["target"]["port"], reached.port, "{kind}");
        let listed: Vec<(&str, &str)> = document["hosts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|host| (host["role"].as_str().unwrap_or("-"), host["status"].as_str().unwrap()))
            .collect();
        assert_eq!(
            listed,
            [("standby", "accepting"), ("primary", "accepting"), ("-", "no_answer")],
            "{kind}"
        );
    }
    let hosts = list([&standby, &primary].into_iter(), |cluster| cluster.host().to_owned());
    let ports = list([&standby, &primary].into_iter(), |cluster| cluster.port.to_string());
    let dsn = format!("host={hosts} port={ports} user=postgres dbname=postgres");
    let shown = Pgconn::new(&["ping", "-d", &dsn]).env("COLUMNS", "200").run().success().stdout;
    for (cluster, role) in [(&standby, "standby"), (&primary, "primary")] {
        let port = format!(":{}", cluster.port);
        assert!(shown.lines().any(|line| line.contains(&port) && line.contains(role)), "{shown}");
    }
    // one host is one row, as before
    let alone = Pgconn::new(&["ping", "--json"]).on(&primary).run().success().json();
    assert_eq!(alone["hosts"].as_array().map(Vec::len), Some(0));
}
