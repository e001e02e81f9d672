//! TLS against real servers with certificates made by openssl. What libpq does with each is written down here, and the
//! installed psql is held against it, so that the expectation is libpq's and not ours.

mod anchors;
mod authority;
mod files;
mod revocation;
mod words;

use crate::common::{Cluster, Pgconn, psql};
use authority::Authority;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

const HBA: &str =
    "local all all trust\nhost all scram 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";

/// Only with a client certificate, and never in plaintext.
const CERT: &str = "local all all trust\nhostssl all all 127.0.0.1/32 cert\n";

/// SCRAM that must be bound to the channel.
const BOUND: &str = "user=scram password=s3cret channel_binding=require";

/// The columns of the table: the six modes with a root certificate, then without one.
const MODES: [(&str, bool); 8] = [
    ("disable", true),
    ("allow", true),
    ("prefer", true),
    ("require", true),
    ("verify-ca", true),
    ("verify-full", true),
    ("require", false),
    ("verify-ca", false),
];

/// A row of the table.
struct Row {
    /// The server's certificate; empty for a server without TLS.
    certificate: &'static str,
    /// The server's lines of pg_hba.conf.
    hba: &'static str,
    host: &'static str,
    /// The root certificate.
    root: &'static str,
    /// The client's certificate; empty for none.
    client: &'static str,
    /// Further settings.
    more: &'static str,
    /// What libpq makes of it in each column: `T` an encrypted session, `P` one in plaintext, `-` none.
    expected: &'static str,
}

const fn row(certificate: &'static str, host: &'static str, expected: &'static str) -> Row {
    Row { certificate, hba: HBA, host, root: "ca", client: "", more: "user=postgres", expected }
}

const ROWS: [Row; 24] = [
    row("", "localhost", "PPP-----"),
    Row { root: "self", ..row("self", "localhost", "PPTTTTT-") },
    row("good", "localhost", "PPTTTTT-"),
    row("chained", "localhost", "PPTTTTT-"),
    row("wrong_host", "localhost", "PPTTT-T-"),
    row("expired", "localhost", "PPP---T-"),
    row("version_1", "localhost", "PPTTTTT-"),
    row("cn_only", "localhost", "PPTTTTT-"),
    row("ip_only", "127.0.0.1", "PPTTTTT-"),
    Row { hba: CERT, client: "client", ..row("good", "localhost", "-TTTTTT-") },
    Row { hba: CERT, client: "client_1", ..row("good", "localhost", "-TTTTTT-") },
    Row { hba: CERT, client: "impostor", ..row("good", "localhost", "--------") },
    Row { more: BOUND, ..row("good", "localhost", "--TTTTT-") },
    // combinations of what is above, and what is rarer
    Row { more: BOUND, ..row("version_1", "localhost", "--TTTTT-") },
    Row { more: BOUND, root: "self", ..row("self", "localhost", "--TTTTT-") },
    Row {
        more: "user=postgres ssl_max_protocol_version=TLSv1.2",
        ..row("version_1", "localhost", "PPTTTTT-")
    },
    Row { more: "user=postgres ssl_max_protocol_version=TLSv1.2", ..row("rsa_1", "localhost", "PPTTTTT-") },
    row("pss", "localhost", "PPTTTTT-"),
    Row { more: BOUND, ..row("pss", "localhost", "--TTTTT-") },
    Row { root: "pss_ca", more: BOUND, ..row("of_pss", "localhost", "--TTTTT-") },
    row("ip_only", "localhost", "PPTTT-T-"),
    row("ca_leaf", "localhost", "PPTTTTT-"),
    row("stranger", "localhost", "PPP---T-"),
    Row { root: "self", ..row("self", "127.0.0.1", "PPTTT-T-") },
];

/// The connection string of a cell.
fn cell(authority: &Authority, cluster: &Cluster, row: &Row, mode: (&str, bool)) -> String {
    let root = if mode.1 { authority.path(&format!("{}.crt", row.root)) } else { authority.path("absent") };
    let client = if row.client.is_empty() { String::new() } else { authority.shown(row.client) };
    format!(
        "host={} port={} dbname=postgres sslmode={} sslrootcert={root} {client} {}",
        row.host, cluster.port, mode.0, row.more
    )
}

fn psqls_outcome(program: &Path, dsn: &str) -> char {
    psqls_outcome_at(program, dsn, "/nonexistent")
}

/// The same with this home directory.
fn psqls_outcome_at(program: &Path, dsn: &str, home: &str) -> char {
    let output = Command::new(program)
        .args(["-XAtw", "-d", dsn, "-c", "select ssl from pg_stat_ssl where pid = pg_backend_pid()"])
        .env_clear()
        .env("HOME", home)
        .output()
        .unwrap();
    match String::from_utf8_lossy(&output.stdout).trim() {
        "t" => 'T',
        "f" => 'P',
        _ => '-',
    }
}

fn our_outcome(dsn: &str) -> char {
    our_outcome_in(dsn, &[])
}

/// The same with this home directory.
fn our_outcome_at(dsn: &str, home: &str) -> char {
    our_outcome_in(dsn, &[("HOME", home)])
}

/// The same with these variables.
fn our_outcome_in(dsn: &str, variables: &[(&str, &str)]) -> char {
    let ping = Pgconn::new(&["ping", "-w", "--json", "-d", dsn]);
    let outcome = variables.iter().fold(ping, |ping, (name, value)| ping.env(name, value)).run();
    assert!(!proposes_less(&outcome.stdout) && !proposes_less(&outcome.stderr), "{dsn}: {outcome}");
    match (outcome.code, outcome.json()["attempts"].as_array().unwrap().last().unwrap()) {
        (0, last) if last["tls_seconds"].is_null() => 'P',
        (0, _) => 'T',
        _ => '-',
    }
}

/// Whether a text that the program says tells people to ask for less than a verified server.
fn proposes_less(text: &str) -> bool {
    let modes = ["disable", "allow", "prefer", "require", "verify-ca"];
    let settings = ["sslmode", "channel_binding"];
    let sets = |setting: &str| modes.iter().any(|mode| text.contains(&format!("{setting}={mode}")));
    settings.into_iter().any(sets)
        || ["change sslmode", "check sslrootcert, sslmode"].iter().any(|word| text.contains(word))
}

/// Among the certificates that people have there is none that rustls and OpenSSL read differently; those that they do read
/// differently (Ed25519, P-521, RSA-PSS with odd salts, SHA-512 on a small curve) are not tried here.
#[test]
fn every_certificate_in_every_mode_as_libpq_has_it() {
    let authority = Authority::get();
    let psql = psql();
    if psql.is_none() {
        eprintln!("no psql is installed, so that the table of expectations is not held against it");
    }
    let mut servers: Vec<((&str, &str), Cluster)> = Vec::new();
    let mut wrong = Vec::new();
    for row in &ROWS {
        let wanted = (row.certificate, row.hba);
        if !servers.iter().any(|(kind, _)| *kind == wanted) {
            servers.push((wanted, authority.server(row.certificate, row.hba)));
        }
        let cluster = &servers.iter().find(|(kind, _)| *kind == wanted).unwrap().1;
        let outcomes = |of: &dyn Fn(&str) -> char| -> String {
            MODES.iter().map(|mode| of(&cell(authority, cluster, row, *mode))).collect()
        };
        let ours = outcomes(&our_outcome);
        let theirs =
            psql.as_deref().map_or(row.expected.to_owned(), |psql| outcomes(&|dsn| psqls_outcome(psql, dsn)));
        println!(
            "{:<10} {:<10} {:<9} {:<8} psql {theirs} pgconn {ours}",
            row.certificate, row.host, row.client, row.more
        );
        if ours != row.expected || theirs != row.expected {
            let Row { certificate, host, client, more, expected, .. } = row;
            wrong.push(format!(
                "{certificate} {host} {client} {more}: expected {expected}, psql {theirs}, pgconn {ours}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_refused_certificate_is_described() {
    let authority = Authority::get();
    let refusal = |certificate: &str, mode: &str| {
        let cluster = authority.server(certificate, HBA);
        let dsn = cell(authority, &cluster, &row("", "localhost", ""), (mode, true));
        Pgconn::new(&["stats", "-d", &dsn]).run().fails_with(3).stderr
    };
    let stranger = refusal("stranger", "verify-ca");
    assert!(
        stranger.contains("issued by an authority that is not among the root certificates"),
        "{stranger}"
    );
    assert!(stranger.contains("subject CN=localhost, issuer CN=other, valid from"), "{stranger}");
    let expired = refusal("expired", "verify-full");
    assert!(expired.contains("has expired"), "{expired}");
    let wrong_host = refusal("wrong_host", "verify-full");
    let libpqs = "server certificate for \"db.example\" does not match host name \"localhost\"";
    assert!(wrong_host.contains(libpqs), "{wrong_host}");
}

#[test]
fn what_pgconn_cannot_check_is_named() {
    let authority = Authority::get();
    let cluster = authority.server("long_curve", HBA);
    let dsn = cell(authority, &cluster, &row("", "localhost", ""), ("require", false));
    let said = Pgconn::new(&["stats", "-d", &dsn]).run().fails_with(3).stderr;
    assert!(said.contains("the server finds no TLS method in common"), "{said}");
    assert!(said.contains("a P-521 key is none of them"), "{said}");
    let cluster = authority.server("long_hash", HBA);
    let dsn = cell(authority, &cluster, &row("", "localhost", ""), ("verify-ca", true));
    let said = Pgconn::new(&["stats", "-d", &dsn]).run().fails_with(3).stderr;
    let words = "it is signed by ecdsa-with-SHA512 with a P-256 key, which pgconn cannot check";
    let salted = authority.server("long_salt", HBA);
    let dsn =
        cell(authority, &salted, &Row { root: "pss_ca", ..row("", "localhost", "") }, ("verify-ca", true));
    let salt = Pgconn::new(&["stats", "-d", &dsn]).run().fails_with(3).stderr;
    assert!(
        salt.contains("it is signed by RSA-PSS-SHA256 and a salt of 222 bytes with an RSA-PSS key"),
        "{salt}"
    );
    assert!(said.contains(words) && said.contains("hint: pgconn checks signatures of RSA keys"), "{said}");
}

#[test]
fn plaintext_after_a_failed_handshake_is_said() {
    let authority = Authority::get();
    let cluster = authority.server("stranger", HBA);
    let dsn = cell(authority, &cluster, &row("stranger", "localhost", ""), ("prefer", true));
    let outcome = Pgconn::new(&["stats", "-d", &dsn]).run().success();
    assert!(outcome.stderr.contains("warning: the connection is not encrypted: "), "{outcome}");
    let warnings = Pgconn::new(&["stats", "--json", "-d", &dsn]).run().success().json()["warnings"].clone();
    assert_eq!(warnings[0]["code"], "not_encrypted");
    let ping = Pgconn::new(&["ping", "--json", "-d", &dsn]).run().success().json();
    assert_eq!(ping["warnings"][0]["code"], "not_encrypted");
    // where all is well nobody is woken for it
    let check = Pgconn::new(&["check", "-d", &dsn]).run().success();
    assert!(check.stdout.contains("note: the connection is not encrypted: "), "{check}");
    assert_eq!(check.stderr, "");
}

#[test]
fn what_counts_is_the_answer_to_the_encryption_that_the_server_lets_in() {
    let authority = Authority::get();
    let hba = "local all all trust\nhostnossl all postgres all trust\nhostssl all scram all scram-sha-256\nhost all all all reject\n";
    let cluster = authority.server("good", hba);
    let port = cluster.port;
    let base = format!("host=localhost,127.0.0.1 port={port},{port} dbname=postgres");
    // refused with TLS, let in without, and not the server that was wanted: so the next is asked
    let dsn = format!("{base} user=postgres sslmode=prefer target_session_attrs=standby");
    let ping = Pgconn::new(&["ping", "--json", "-d", &dsn]).run().fails_with(1).json();
    let attempts = ping["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    assert_eq!(attempts[0]["code"], "target_session_attrs");
    // the other way round
    let dsn = format!("{base} user=scram sslmode=allow");
    let refused = Pgconn::new(&["stats", "-w", "-d", &dsn]).run().fails_with(3).stderr;
    assert!(refused.lines().next().unwrap().ends_with("no password supplied"), "{refused}");
}

#[test]
fn a_server_without_tls_is_named_and_prefer_does_without() {
    let cluster = crate::common::shared();
    let run = |mode: &str| {
        let dsn =
            format!("host=localhost port={} user=postgres dbname=postgres sslmode={mode}", cluster.port);
        Pgconn::new(&["stats", "-d", &dsn]).run()
    };
    let refused = run("require").fails_with(3).stderr;
    assert!(refused.contains("server does not support SSL, but SSL was required"), "{refused}");
    let fine = run("prefer").success();
    assert_eq!(fine.stderr, "");
}

#[test]
fn tls_from_the_first_byte_works_from_17_on_and_fails_at_once_before() {
    let authority = Authority::get();
    let cluster = authority.server("good", HBA);
    let dsn = format!(
        "{} sslnegotiation=direct",
        cell(authority, &cluster, &row("good", "localhost", ""), ("verify-full", true))
    );
    let outcome = Pgconn::new(&["ping", "--json", "-d", &dsn]).run();
    if cluster.major() >= 17 {
        assert!(outcome.success().json()["attempts"][0]["tls_seconds"].is_number());
    } else {
        assert_ne!(outcome.code, 0, "{outcome}");
        let error = outcome.json()["attempts"][0]["error"].as_str().unwrap().to_owned();
        assert!(error.contains("server closed the connection unexpectedly"), "{error}");
    }
    let weak = dsn.replace("sslmode=verify-full", "sslmode=prefer");
    let refused = Pgconn::new(&["stats", "-d", &weak]).run().fails_with(2).stderr;
    assert!(
        refused.contains("weak sslmode \"prefer\" may not be used with sslnegotiation=direct"),
        "{refused}"
    );
}

#[test]
fn the_name_that_is_checked_is_the_hosts_and_not_its_address() {
    let authority = Authority::get();
    let cluster = authority.server("good", HBA);
    let root = authority.path("ca.crt");
    for (place, expected) in [
        ("host=localhost hostaddr=127.0.0.1", 'T'),
        ("host=elsewhere.example hostaddr=127.0.0.1", '-'),
        ("host=LocalHost hostaddr=127.0.0.1", 'T'),
        // a name that no certificate can have is no reason not to encrypt, and none to accept one
        ("host=local_host. hostaddr=127.0.0.1", '-'),
        ("hostaddr=127.0.0.1", '-'),
        // an address in any of the resolver's forms
        ("host=127.000.000.001", 'T'),
        ("host=0x7f.1", 'T'),
        ("host=127.000.000.010 hostaddr=127.0.0.1", '-'),
    ] {
        let base = format!("{place} port={} user=postgres dbname=postgres sslrootcert={root}", cluster.port);
        let (full, chain) = (format!("{base} sslmode=verify-full"), format!("{base} sslmode=verify-ca"));
        assert_eq!((our_outcome(&full), our_outcome(&chain)), (expected, 'T'), "{place}");
        if let Some(psql) = psql() {
            let theirs = (psqls_outcome(&psql, &full), psqls_outcome(&psql, &chain));
            assert_eq!(theirs, (expected, 'T'), "psql: {place}");
        }
    }
}

#[test]
fn a_server_is_reached_and_verified_over_ipv6() {
    if std::net::TcpListener::bind(("::1", 0)).is_err() {
        return eprintln!("this machine has no ::1");
    }
    let authority = Authority::get();
    let hba = "local all all trust\nhost all scram ::1/128 scram-sha-256\n";
    let root = authority.path("ca.crt");
    let passwords = authority.path("pgpass6");
    for (certificate, verified) in [("six", true), ("ip_only", false)] {
        let cluster = authority.server_with(certificate, hba, &[("listen_addresses", "127.0.0.1,::1")]);
        let port = cluster.port;
        fs::write(&passwords, format!("\\:\\:1:{port}:postgres:scram:s3cret\n")).unwrap();
        fs::set_permissions(&passwords, fs::Permissions::from_mode(0o600)).unwrap();
        let bound = format!("channel_binding=require sslrootcert={root} passfile={passwords}");
        for (place, expected) in [
            (format!("host=::1 port={port} sslmode=verify-full"), verified),
            (format!("host=0:0:0:0:0:0:0:1 port={port} sslmode=verify-full password=s3cret"), verified),
            (format!("hostaddr=::1 port={port} sslmode=verify-ca"), true),
            (format!("hostaddr=::1 port={port} sslmode=verify-full"), false),
            (format!("host=localhost hostaddr=::1 port={port} sslmode=verify-ca password=s3cret"), true),
        ] {
            let dsn = format!("{place} user=scram dbname=postgres {bound}");
            let expected = if expected { 'T' } else { '-' };
            assert_eq!(our_outcome(&dsn), expected, "{certificate}: {place}");
            if let Some(psql) = psql() {
                assert_eq!(psqls_outcome(&psql, &dsn), expected, "psql, {certificate}: {place}");
            }
        }
        let uri = format!(
            "postgresql://scram@[::1]:1,[::1]:{port}/postgres?sslmode=verify-ca&sslrootcert={root}&passfile={passwords}"
        );
        let reached = Pgconn::new(&["ping", "--json", "-d", &uri]).run().success().json();
        assert_eq!(reached["target"]["host"], "::1");
        assert_eq!(reached["attempts"][1]["address"], format!("[::1]:{port}"));
        let closed = Pgconn::new(&["stats", "-w", "-d", "postgresql://u@[::1]:1/d"]).run().fails_with(3);
        assert!(closed.stderr.contains("connection to server at \"::1\", port 1 failed: "), "{closed}");
    }
}

#[test]
fn an_interrupted_question_is_cancelled_over_tls() {
    let authority = Authority::get();
    let cluster = authority.server("good", HBA);
    let dsn = cell(authority, &cluster, &row("good", "localhost", ""), ("verify-full", true));
    super::cancel_keys::leaves_nothing_waiting(&cluster, &dsn);
}
