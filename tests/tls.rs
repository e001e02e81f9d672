//! TLS against real servers with certificates made by openssl. What libpq does with each is written down here, and the
//! installed psql is held against it, so that the expectation is libpq's and not ours.

use crate::common::{Cluster, Pgconn, with_files};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Made in a moment, and shaken hands with in another.
const CURVE: &str = "ec_paramgen_curve:prime256v1";

/// A folder with the certificates; made once per run.
struct Authority(PathBuf);

impl Authority {
    fn get() -> &'static Self {
        static MADE: OnceLock<Authority> = OnceLock::new();
        MADE.get_or_init(Self::make)
    }

    fn make() -> Self {
        let dir = std::env::temp_dir().join(format!("pgconn-tls-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let made = Self(dir);
        made.root("ca");
        made.root("other");
        made.issue("inter", "ca", "/CN=inter", Some("basicConstraints=critical,CA:TRUE"), &["-days", "9"]);
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
        made.issue("good", "ca", "/CN=x", Some(names), &["-days", "9"]);
        made.issue("chained", "inter", "/CN=x", Some(names), &["-days", "9"]);
        made.issue(
            "wrong_host",
            "ca",
            "/CN=localhost",
            Some("subjectAltName=DNS:db.example"),
            &["-days", "9"],
        );
        made.issue("expired", "ca", "/CN=localhost", Some(names), &["-days", "-1"]);
        made.issue("version_1", "ca", "/CN=localhost", None, &["-days", "9"]);
        made.issue("cn_only", "ca", "/CN=localhost", Some("keyUsage=digitalSignature"), &["-days", "9"]);
        made.issue("ip_only", "ca", "/CN=x", Some("subjectAltName=IP:127.0.0.1"), &["-days", "9"]);
        made.issue("ca_leaf", "ca", "/CN=localhost", Some("basicConstraints=CA:TRUE"), &["-days", "9"]);
        made.issue("stranger", "other", "/CN=localhost", Some(names), &["-days", "9"]);
        made.issue("client", "ca", "/CN=postgres", Some("keyUsage=digitalSignature"), &["-days", "9"]);
        made.issue("impostor", "other", "/CN=postgres", Some("keyUsage=digitalSignature"), &["-days", "9"]);
        made.openssl(
            &["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "self.key", "-out", "self.crt"],
            "/CN=localhost",
        );
        let chained = made.text("chained.crt") + &made.text("inter.crt");
        fs::write(made.0.join("chained.crt"), chained).unwrap();
        made
    }

    fn root(&self, name: &str) {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
        let made = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            CURVE,
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ];
        self.openssl(&made, &format!("/CN={name}"));
    }

    fn issue(&self, name: &str, issuer: &str, subject: &str, extension: Option<&str>, validity: &[&str]) {
        let file = |of: &str, kind: &str| format!("{of}.{kind}");
        let (key, request) = (file(name, "key"), file(name, "csr"));
        self.openssl(
            &["req", "-newkey", "ec", "-pkeyopt", CURVE, "-nodes", "-keyout", &key, "-out", &request],
            subject,
        );
        let (certificate, ca, ca_key) = (file(name, "crt"), file(issuer, "crt"), file(issuer, "key"));
        let mut arguments =
            vec!["x509", "-req", "-in", &request, "-out", &certificate, "-CA", &ca, "-CAkey", &ca_key];
        arguments.extend(["-CAcreateserial"].iter().chain(validity));
        let extensions = file(name, "ext");
        if let Some(extension) = extension {
            fs::write(self.0.join(&extensions), extension).unwrap();
            arguments.extend(["-extfile", &extensions]);
        }
        self.openssl(&arguments, "");
    }

    fn openssl(&self, arguments: &[&str], subject: &str) {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(&self.0);
        if !subject.is_empty() {
            command.args(["-subj", subject]);
        }
        let output = command.output().expect("the tests need the openssl program");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A server that shows this certificate and asks users named `scram` for a password.
    fn server(&self, name: &str, hba: &str) -> Cluster {
        with_files(
            &[("ssl", "on"), ("ssl_ca_file", "ca.crt"), ("password_encryption", "scram-sha-256")],
            &[
                ("server.crt", &self.text(&format!("{name}.crt"))),
                ("server.key", &self.text(&format!("{name}.key"))),
                ("ca.crt", &self.text("ca.crt")),
                ("pg_hba.conf", hba),
            ],
        )
    }
}

const HBA: &str =
    "local all all trust\nhost all scram 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";

/// The settings of each column of the table.
const COLUMNS: [(&str, bool); 8] = [
    ("sslmode=disable user=postgres", true),
    ("sslmode=allow user=postgres", true),
    ("sslmode=prefer user=postgres", true),
    ("sslmode=require user=postgres", true),
    ("sslmode=verify-ca user=postgres", true),
    ("sslmode=verify-full user=postgres", true),
    ("sslmode=require user=postgres", false),
    ("sslmode=require channel_binding=require user=scram password=s3cret", false),
];

/// What libpq makes of each certificate in each column: `T` an encrypted session, `P` one in plaintext, `-` none.
const EXPECTED: [(&str, &str, &str, &str); 13] = [
    // certificate, host, root certificate, outcome
    ("self", "localhost", "self", "PPTTTTTT"),
    ("good", "localhost", "ca", "PPTTTTTT"),
    ("good", "127.0.0.1", "ca", "PPTTTTTT"),
    ("chained", "localhost", "ca", "PPTTTTTT"),
    ("wrong_host", "localhost", "ca", "PPTTT-TT"),
    ("expired", "localhost", "ca", "PPP---TT"),
    ("version_1", "localhost", "ca", "PPTTTTTT"),
    ("cn_only", "localhost", "ca", "PPTTTTTT"),
    ("ip_only", "127.0.0.1", "ca", "PPTTTTTT"),
    ("ip_only", "localhost", "ca", "PPTTT-TT"),
    ("ca_leaf", "localhost", "ca", "PPTTTTTT"),
    ("stranger", "localhost", "ca", "PPP---TT"),
    ("self", "127.0.0.1", "self", "PPTTT-TT"),
];

/// The connection string of a cell.
fn cell(authority: &Authority, cluster: &Cluster, host: &str, root: &str, column: (&str, bool)) -> String {
    let root = if column.1 { authority.path(&format!("{root}.crt")) } else { authority.path("absent") };
    format!("host={host} port={} dbname=postgres sslrootcert={root} {}", cluster.port, column.0)
}

/// The psql program itself, and not Debian's wrapper round it.
fn psql() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin/psql"))
        .collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop()
}

fn psqls_outcome(program: &Path, dsn: &str) -> char {
    let output = Command::new(program)
        .args(["-XAtw", "-d", dsn, "-c", "select ssl from pg_stat_ssl where pid = pg_backend_pid()"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    match String::from_utf8_lossy(&output.stdout).trim() {
        "t" => 'T',
        "f" => 'P',
        _ => '-',
    }
}

fn our_outcome(dsn: &str) -> char {
    let outcome = Pgconn::new(&["ping", "-w", "--json", "-d", dsn]).run();
    match (outcome.code, outcome.json()["attempts"].as_array().unwrap().last().unwrap()) {
        (0, last) if last["tls_seconds"].is_null() => 'P',
        (0, _) => 'T',
        _ => '-',
    }
}

#[test]
fn every_certificate_in_every_mode_as_libpq_has_it() {
    let authority = Authority::get();
    let psql = psql();
    if psql.is_none() {
        eprintln!("no psql is installed, so that the table of expectations is not held against it");
    }
    let mut wrong = Vec::new();
    for (certificate, host, root, expected) in EXPECTED {
        let cluster = authority.server(certificate, HBA);
        cluster.query("create role scram login password 's3cret'");
        let outcomes = |of: &dyn Fn(&str) -> char| -> String {
            COLUMNS.iter().map(|column| of(&cell(authority, &cluster, host, root, *column))).collect()
        };
        let ours = outcomes(&our_outcome);
        let theirs =
            psql.as_deref().map_or(expected.to_owned(), |psql| outcomes(&|dsn| psqls_outcome(psql, dsn)));
        if ours != expected || theirs != expected {
            wrong.push(format!("{certificate} {host}: expected {expected}, psql {theirs}, pgconn {ours}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_refused_certificate_is_described() {
    let authority = Authority::get();
    let refusal = |certificate: &str, mode: &str| {
        let cluster = authority.server(certificate, HBA);
        let dsn = cell(authority, &cluster, "localhost", "ca", (mode, true));
        Pgconn::new(&["stats", "-d", &dsn]).run().fails_with(3).stderr
    };
    let stranger = refusal("stranger", "sslmode=verify-ca");
    assert!(
        stranger.contains("issued by an authority that is not among the root certificates"),
        "{stranger}"
    );
    assert!(stranger.contains("subject CN=localhost, issuer CN=other, valid from"), "{stranger}");
    let expired = refusal("expired", "sslmode=verify-full");
    assert!(expired.contains("has expired"), "{expired}");
    let wrong_host = refusal("wrong_host", "sslmode=verify-full");
    let libpqs = "server certificate for \"db.example\" does not match host name \"localhost\"";
    assert!(wrong_host.contains(libpqs), "{wrong_host}");
}

#[test]
fn plaintext_after_a_failed_handshake_is_said() {
    let authority = Authority::get();
    let cluster = authority.server("stranger", HBA);
    let dsn = cell(authority, &cluster, "localhost", "ca", ("sslmode=prefer user=postgres", true));
    let outcome = Pgconn::new(&["stats", "-d", &dsn]).run().success();
    assert!(outcome.stderr.contains("warning: the connection is not encrypted: "), "{outcome}");
    let warnings = Pgconn::new(&["stats", "--json", "-d", &dsn]).run().success().json()["warnings"].clone();
    assert_eq!(warnings[0]["code"], "not_encrypted");
}

#[test]
fn a_client_certificate_logs_in_and_its_files_follow_libpqs_rules() {
    let authority = Authority::get();
    let hba = "local all all trust\nhostssl all all 127.0.0.1/32 cert\n";
    let cluster = authority.server("good", hba);
    for (name, mode) in [("client", 0o600), ("impostor", 0o600)] {
        fs::set_permissions(authority.path(&format!("{name}.key")), fs::Permissions::from_mode(mode))
            .unwrap();
    }
    let run = |extra: &str| {
        let base =
            format!("host=localhost port={} user=postgres dbname=postgres sslmode=require", cluster.port);
        Pgconn::new(&["stats", "-d", &format!("{base} {extra}")]).run()
    };
    let with = |name: &str| {
        format!(
            "sslcert={} sslkey={}",
            authority.path(&format!("{name}.crt")),
            authority.path(&format!("{name}.key"))
        )
    };
    run(&with("client")).success();
    let impostor = run(&with("impostor")).fails_with(3).stderr;
    assert!(
        impostor.contains("UnknownCA") && impostor.contains("does not accept the client certificate"),
        "{impostor}"
    );
    let none = run("sslcertmode=disable").fails_with(3).stderr;
    assert!(none.contains("connection requires a valid client certificate"), "{none}");
    let open_key = authority.path("open.key");
    fs::write(&open_key, authority.text("client.key")).unwrap();
    fs::set_permissions(&open_key, fs::Permissions::from_mode(0o644)).unwrap();
    let open =
        run(&format!("sslcert={} sslkey={open_key}", authority.path("client.crt"))).fails_with(3).stderr;
    assert!(open.contains("has group or world access"), "{open}");
    let missing =
        run(&format!("sslcert={} sslkey=/absent", authority.path("client.crt"))).fails_with(3).stderr;
    assert!(missing.contains("certificate present, but not private key file"), "{missing}");
    let other = format!("sslcert={} sslkey={}", authority.path("client.crt"), authority.path("impostor.key"));
    let mismatch = run(&other).fails_with(3).stderr;
    assert!(mismatch.contains("cannot be used with its key"), "{mismatch}");
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
