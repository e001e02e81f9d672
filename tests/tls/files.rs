//! The files that TLS needs: client certificates and their keys, roots, revocation lists, and where they are found unnamed.

use super::authority::Authority;
use super::{CERT, HBA, cell, our_outcome, our_outcome_at, psqls_outcome, psqls_outcome_at, row};
use crate::common::{Cluster, Pgconn, psql, with_files};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

#[test]
fn a_client_certificate_logs_in_and_its_files_follow_libpqs_rules() {
    let authority = Authority::get();
    let cluster = authority.server("good", CERT);
    let run = |extra: &str| {
        let base =
            format!("host=localhost port={} user=postgres dbname=postgres sslmode=require", cluster.port);
        Pgconn::new(&["stats", "-d", &format!("{base} {extra}")]).run()
    };
    let with = |name: &str| authority.shown(name);
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
    let folder = run("sslcert=/").fails_with(3).stderr;
    assert!(folder.contains("could not open certificate file \"/\": Is a directory\n"), "{folder}");
    let mismatch = run(&other).fails_with(3).stderr;
    assert!(mismatch.contains("cannot be used with its key"), "{mismatch}");
}

#[test]
fn a_revoked_certificate_is_refused_where_there_is_a_list() {
    let authority = Authority::get();
    for (certificate, expected) in [("good", 'T'), ("revoked", '-')] {
        let cluster = authority.server(certificate, HBA);
        let (list, plain) = (authority.path("ca.crl"), row(certificate, "localhost", ""));
        let dsn = cell(authority, &cluster, &plain, ("verify-full", true));
        let listed = format!("{dsn} sslcrl={list}");
        assert_eq!((our_outcome(&dsn), our_outcome(&listed)), ('T', expected), "{certificate}");
        if let Some(psql) = psql() {
            assert_eq!((psqls_outcome(&psql, &dsn), psqls_outcome(&psql, &listed)), ('T', expected));
        }
        // a file of certificates is no list, and nothing is known to be valid then
        let mistaken = format!("{dsn} sslcrl={}", authority.path("ca.crt"));
        assert_eq!(our_outcome(&mistaken), '-');
        if let Some(psql) = psql() {
            assert_eq!(psqls_outcome(&psql, &mistaken), '-');
        }
        // what rustls-webpki cannot read (RFC 5280 has only version 2) is refused and named
        let old = format!("{dsn} sslcrl={}", authority.path("ca_1.crl"));
        let unread = Pgconn::new(&["stats", "-d", &old]).run().fails_with(3).stderr;
        assert!(
            unread.contains("it must be of version 2, which openssl ca writes when crlnumber is set"),
            "{unread}"
        );
        if expected == '-' {
            let refused = Pgconn::new(&["stats", "-d", &listed]).run().fails_with(3).stderr;
            assert!(refused.contains("it was revoked (subject CN=localhost"), "{refused}");
        }
    }
}

#[test]
fn the_systems_roots_are_used_when_asked_for_and_then_everything_is_verified() {
    let authority = Authority::get();
    let run = |certificate: &str, host: &str, extra: &str| {
        let cluster = authority.server(certificate, HBA);
        let port = cluster.port;
        let dsn = format!("host={host} port={port} user=postgres dbname=postgres sslrootcert=system {extra}");
        // where OpenSSL and rustls-native-certs alike look first
        Pgconn::new(&["ping", "-d", &dsn]).env("SSL_CERT_FILE", authority.path("ca.crt")).run()
    };
    let _ = run("good", "localhost", "").success();
    assert!(run("wrong_host", "localhost", "").fails_with(1).stdout.contains("does not match host name"));
    assert!(
        run("stranger", "localhost", "").fails_with(1).stdout.contains("not among the root certificates")
    );
    let weak = run("good", "localhost", "sslmode=require").fails_with(3);
    assert!(
        weak.stderr.contains("weak sslmode \"require\" may not be used with sslrootcert=system"),
        "{weak}"
    );
}

#[test]
fn whether_a_client_certificate_is_sent_is_as_sslcertmode_says() {
    let authority = Authority::get();
    let asking = authority.server("good", HBA);
    // without a file of authorities a server does not ask
    let indifferent = with_files(
        &[("ssl", "on")],
        &[("server.crt", &authority.text("good.crt")), ("server.key", &authority.text("good.key"))],
    );
    let run = |cluster: &Cluster, extra: &str| {
        let port = cluster.port;
        let dsn = format!("host=localhost port={port} user=postgres dbname=postgres sslmode=require {extra}");
        Pgconn::new(&["ping", "-d", &dsn]).run()
    };
    let shown = authority.shown("client");
    let _ = run(&asking, &format!("{shown} sslcertmode=require")).success();
    let _ = run(&asking, &format!("{shown} sslcertmode=allow")).success();
    let _ = run(&asking, &format!("{shown} sslcertmode=disable")).success();
    let none = run(&asking, "sslcertmode=require").fails_with(1).stdout;
    assert!(none.contains("server accepted connection without a valid SSL certificate"), "{none}");
    let unasked = run(&indifferent, &format!("{shown} sslcertmode=require")).fails_with(1).stdout;
    assert!(unasked.contains("server did not request an SSL certificate"), "{unasked}");
    // in plaintext nobody asks for one
    for mode in ["disable", "allow", "prefer"] {
        let none = run(&asking, &format!("sslcertmode=require sslmode={mode}")).fails_with(1).stdout;
        assert!(none.contains("SSL certificate"), "{none}");
    }
    let local = Pgconn::new(&["ping"]).on(&asking).env("PGSSLCERTMODE", "require").run().fails_with(1);
    assert!(local.stdout.contains("server did not request an SSL certificate"), "{local}");
    // what is not sent is not looked at either
    let unread = "sslcert=/nonexistent/x sslkey=/nonexistent/y sslcertmode=disable";
    let _ = run(&asking, unread).success();
}

#[test]
fn the_files_in_the_home_directory_are_used_without_being_named() {
    let authority = Authority::get();
    let cluster = authority.server("good", CERT);
    let dsn =
        |more: &str| format!("host=localhost port={} user=postgres dbname=postgres {more}", cluster.port);
    let home = authority.path("home");
    let folder = Path::new(&home).join(".postgresql");
    fs::create_dir_all(&folder).unwrap();
    let both = |more: &str, expected: char| {
        assert_eq!(our_outcome_at(&dsn(more), &home), expected, "{more}");
        if let Some(psql) = psql() {
            assert_eq!(psqls_outcome_at(&psql, &dsn(more), &home), expected, "psql: {more}");
        }
    };
    let put = |from: &str, to: &str| {
        fs::write(folder.join(to), authority.text(from)).unwrap();
        fs::set_permissions(folder.join(to), fs::Permissions::from_mode(0o600)).unwrap();
    };
    // the server wants a certificate of the client's
    both("", '-');
    put("client.crt", "postgresql.crt");
    // a certificate without its key is an error, in every mode that encrypts
    both("", '-');
    put("client.key", "postgresql.key");
    both("", 'T');
    both("sslmode=verify-full", '-');
    put("ca.crt", "root.crt");
    both("sslmode=verify-full", 'T');
    // once there is a root certificate it is checked against in every mode
    put("other.crt", "root.crt");
    both("sslmode=require", '-');
}
