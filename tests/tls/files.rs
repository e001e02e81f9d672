//! The files that TLS needs: client certificates and their keys, roots, revocation lists, and where they are found unnamed.

use super::authority::Authority;
use super::{CERT, HBA, our_outcome_at, psqls_outcome_at};
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
        impostor.contains("the server sent the alert: unknown CA")
            && impostor.contains("does not accept the client certificate"),
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
    assert!(mismatch.contains("cannot be used with its key: it is another one's key"), "{mismatch}");
    let long =
        format!("sslcert={} sslkey={}", authority.path("client.crt"), authority.path("long_curve.key"));
    let unusable = run(&long).fails_with(3).stderr;
    assert!(unusable.contains("it is none that pgconn can sign with"), "{unusable}");
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

/// Of version 1, as the manual's recipe makes them: in the home directory and with `prefer` one was the reason for plain text.
#[test]
fn a_client_certificate_of_version_1_is_shown_from_the_home_directory_too() {
    let authority = Authority::get();
    let cluster = authority.server(
        "good",
        "local all all trust\nhostssl all all 127.0.0.1/32 cert\nhostnossl all all 127.0.0.1/32 trust\n",
    );
    let home = authority.path("home_1");
    let folder = Path::new(&home).join(".postgresql");
    fs::create_dir_all(&folder).unwrap();
    for (from, to) in [("client_1.crt", "postgresql.crt"), ("client_1.key", "postgresql.key")] {
        fs::write(folder.join(to), authority.text(from)).unwrap();
        fs::set_permissions(folder.join(to), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let dsn = format!("host=localhost port={} user=postgres dbname=postgres", cluster.port);
    assert_eq!(our_outcome_at(&dsn, &home), 'T');
    if let Some(psql) = psql() {
        assert_eq!(psqls_outcome_at(&psql, &dsn, &home), 'T');
    }
}

#[test]
fn the_secrets_of_a_session_go_to_the_file_that_is_named_and_to_nobody_else() {
    let authority = Authority::get();
    let cluster = authority.server("good", HBA);
    let file = authority.path("key.log");
    let dsn =
        |more: &str| format!("host=localhost port={} user=postgres dbname=postgres {more}", cluster.port);
    let logged = dsn(&format!("sslmode=require sslkeylogfile={file}"));
    for lines in [5, 10] {
        let _ = Pgconn::new(&["ping", "-d", &logged]).run().success();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), lines, "{text}");
        assert!(text.starts_with("CLIENT_HANDSHAKE_TRAFFIC_SECRET ") && text.ends_with('\n'), "{text}");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let closed =
        Pgconn::new(&["stats", "-d", &dsn("sslmode=require sslkeylogfile=/dev/null/x")]).run().success();
    let words = "warning: could not open SSL key logging file \"/dev/null/x\": Not a directory";
    assert!(closed.stderr.contains(words), "{closed}");
    // where no TLS is spoken, there is nothing to write
    let _ = Pgconn::new(&["ping"])
        .on(&cluster)
        .argument("-d".as_ref())
        .argument("sslkeylogfile=/dev/null/x".as_ref())
        .run()
        .success();
}
