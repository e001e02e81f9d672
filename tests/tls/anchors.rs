//! What sslrootcert lists is judged, too: a certificate there counts only as far as OpenSSL, and so libpq, lets it count. The
//! installed psql is held against every row.

use super::authority::Authority;
use super::{HBA, our_outcome, our_outcome_at, our_outcome_in, psqls_outcome, psqls_outcome_at};
use crate::common::{Cluster, psql, wait_until};
use std::fs;
use std::sync::OnceLock;

/// The modes of a row: in each of them the chain is verified, once there is a root certificate.
const MODES: [&str; 3] = ["require", "verify-ca", "verify-full"];

/// Further certificates: the subject and key of which request, its name, its issuer, and its extensions; none for version 1.
const CERTIFICATES: &[(&str, &str, &str, Option<&str>)] = &[
    ("ca", "no_ca", "ca", Some("basicConstraints=CA:FALSE")),
    ("ca", "unstated", "ca", Some("subjectAltName=DNS:ca")),
    ("ca", "usage_alone", "ca", Some("keyUsage=keyCertSign")),
    ("ca", "no_cert_sign", "ca", Some("basicConstraints=critical,CA:TRUE\nkeyUsage=cRLSign")),
    ("ca", "no_crl_sign", "ca", Some("basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign")),
    ("ca", "for_servers", "ca", Some("basicConstraints=CA:TRUE\nextendedKeyUsage=clientAuth,serverAuth")),
    ("ca", "for_clients", "ca", Some("basicConstraints=CA:TRUE\nextendedKeyUsage=clientAuth")),
    ("ca", "for_any", "ca", Some("basicConstraints=CA:TRUE\nextendedKeyUsage=anyExtendedKeyUsage")),
    ("ca", "critical", "ca", Some("basicConstraints=CA:TRUE\n1.2.3.4=critical,ASN1:NULL")),
    ("ca", "critical_id", "ca", Some("basicConstraints=CA:TRUE\nsubjectKeyIdentifier=critical,hash")),
    ("ca", "odd", "ca", Some("basicConstraints=CA:TRUE\n1.2.3.4=ASN1:NULL")),
    ("ca", "policies", "ca", Some("basicConstraints=CA:TRUE\ncertificatePolicies=critical,1.2.3")),
    ("ca", "netscape", "ca", Some("nsCertType=sslCA")),
    ("ca", "version_1_ca", "ca", None),
    ("ca", "no_path", "ca", Some("basicConstraints=CA:TRUE,pathlen:0")),
    ("ca", "one_path", "ca", Some("basicConstraints=CA:TRUE,pathlen:1")),
    ("ca", "limited", "ca", Some("basicConstraints=CA:TRUE\nnameConstraints=permitted;DNS:example.com")),
    ("ca", "barred", "ca", Some("basicConstraints=CA:TRUE\nnameConstraints=excluded;DNS:example.org")),
    ("other", "other_no_ca", "other", Some("basicConstraints=CA:FALSE")),
    ("inter", "inter_no_ca", "ca", Some("basicConstraints=CA:FALSE")),
    ("inter", "inter_unstated", "ca", Some("keyUsage=keyCertSign")),
    ("inter", "inter_no_cert_sign", "ca", Some("basicConstraints=CA:TRUE\nkeyUsage=digitalSignature")),
    ("inter", "inter_for_clients", "ca", Some("basicConstraints=CA:TRUE\nextendedKeyUsage=clientAuth")),
    ("inter", "inter_version_1", "ca", None),
    ("lower", "lower", "inter", Some("basicConstraints=CA:TRUE")),
    ("leaf", "beneath", "inter", Some(NAMES)),
    ("leaf", "far_beneath", "lower", Some(NAMES)),
    ("leaf", "beneath_version_1", "inter", None),
    ("leaf", "beneath_ca", "inter", Some("basicConstraints=CA:TRUE\nsubjectAltName=DNS:localhost")),
    ("leaf", "leaf_for_clients", "ca", Some("subjectAltName=DNS:localhost\nextendedKeyUsage=clientAuth")),
    ("leaf", "leaf_cert_sign", "ca", Some("subjectAltName=DNS:localhost\nkeyUsage=keyCertSign")),
    ("leaf", "leaf_netscape", "ca", Some("subjectAltName=DNS:localhost\nnsCertType=client")),
    ("leaf", "ca_for_clients", "ca", Some("basicConstraints=CA:TRUE\nextendedKeyUsage=clientAuth")),
    ("leaf", "ca_cert_sign", "ca", Some("basicConstraints=CA:TRUE\nkeyUsage=keyCertSign")),
    (
        "leaf",
        "by_serial",
        "ca",
        Some("subjectAltName=DNS:localhost\nauthorityKeyIdentifier=keyid,issuer:always"),
    ),
    ("leaf", "unidentified", "ca", Some("subjectAltName=DNS:localhost\nauthorityKeyIdentifier=none")),
    ("ca", "namesake", "ca", Some("subjectAltName=DNS:localhost\nauthorityKeyIdentifier=none")),
    ("example_com", "example_com", "ca", Some("keyUsage=digitalSignature")),
    ("example_org", "example_org", "ca", Some("keyUsage=digitalSignature")),
    ("self", "self_no_ca", "self", Some("basicConstraints=CA:FALSE")),
    ("self", "self_unstated", "self", Some("keyUsage=digitalSignature")),
    ("self", "self_version_1", "self", None),
    ("self", "self_cert_sign", "self", Some("basicConstraints=CA:TRUE\nkeyUsage=keyCertSign")),
    ("self", "self_for_clients", "self", Some("extendedKeyUsage=clientAuth")),
];

const NAMES: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1";

/// Certificates for other days than today.
const DATED: &[(&str, &str, &str, [&str; 2])] = &[
    ("ca", "past", "ca", ["20200101000000Z", "20210101000000Z"]),
    ("ca", "future", "ca", ["20900101000000Z", "20910101000000Z"]),
    ("inter", "inter_past", "ca", ["20200101000000Z", "20210101000000Z"]),
    ("self", "self_past", "self", ["20200101000000Z", "20210101000000Z"]),
];

/// What is listed, what the server shows (its own certificate first), and what libpq makes of it in each of the modes: `T` an
/// encrypted session, `-` none.
type Row = (&'static [&'static str], &'static [&'static str], &'static str);

const ROWS: &[Row] = &[
    (&["ca"], &["good"], "TTT"),
    (&["past"], &["good"], "---"),
    (&["future"], &["good"], "---"),
    (&["no_ca"], &["good"], "---"),
    (&["unstated"], &["good"], "---"),
    (&["usage_alone"], &["good"], "TTT"),
    (&["no_cert_sign"], &["good"], "---"),
    (&["no_crl_sign"], &["good"], "TTT"),
    (&["for_servers"], &["good"], "TTT"),
    (&["for_clients"], &["good"], "---"),
    (&["for_any"], &["good"], "---"),
    (&["critical"], &["good"], "---"),
    (&["critical_id"], &["good"], "---"),
    (&["odd"], &["good"], "TTT"),
    (&["policies"], &["good"], "TTT"),
    (&["netscape"], &["good"], "TTT"),
    (&["version_1_ca"], &["good"], "TTT"),
    (&["no_path"], &["good"], "TTT"),
    (&["limited"], &["good"], "---"),
    (&["barred"], &["good"], "TTT"),
    // one beside another
    (&["other"], &["good"], "---"),
    (&["other_no_ca", "ca"], &["good"], "TTT"),
    (&["ca", "other_no_ca"], &["good"], "TTT"),
    (&["past", "ca"], &["good"], "TTT"),
    (&["ca", "future"], &["good"], "TTT"),
    // the server's own certificate listed
    (&["good"], &["good"], "---"),
    (&["good", "ca"], &["good"], "TTT"),
    (&["self"], &["self"], "TTT"),
    (&["self_no_ca"], &["self_no_ca"], "TTT"),
    (&["self_unstated"], &["self_unstated"], "TTT"),
    (&["self_version_1"], &["self_version_1"], "TTT"),
    (&["self_past"], &["self_past"], "---"),
    (&["self_cert_sign"], &["self_cert_sign"], "---"),
    (&["self_for_clients"], &["self_for_clients"], "---"),
    (&["ca"], &["self"], "---"),
    (&["namesake_self"], &["self_unstated"], "---"),
    (&["ca"], &["namesake"], "---"),
    // intermediate ones
    (&["ca"], &["beneath", "inter"], "TTT"),
    (&["ca"], &["beneath"], "---"),
    (&["inter"], &["beneath"], "---"),
    (&["inter"], &["beneath", "inter"], "---"),
    (&["inter"], &["beneath", "inter", "ca"], "---"),
    (&["ca", "inter"], &["beneath"], "TTT"),
    (&["inter", "ca"], &["beneath"], "TTT"),
    (&["ca", "inter_past"], &["beneath"], "---"),
    (&["ca", "inter_past"], &["beneath", "inter"], "---"),
    (&["ca", "inter_no_ca"], &["beneath"], "---"),
    (&["ca", "inter_unstated"], &["beneath"], "---"),
    (&["ca", "inter_no_cert_sign"], &["beneath"], "---"),
    (&["ca", "inter_for_clients"], &["beneath"], "---"),
    (&["ca", "inter_version_1"], &["beneath"], "---"),
    (&["ca"], &["beneath", "inter_no_cert_sign"], "---"),
    (&["no_path"], &["beneath", "inter"], "---"),
    (&["no_path", "inter"], &["beneath"], "---"),
    (&["one_path"], &["beneath", "inter"], "TTT"),
    (&["one_path"], &["far_beneath", "lower", "inter"], "---"),
    (&["ca", "lower"], &["far_beneath", "inter"], "---"),
    (&["ca", "lower", "inter"], &["far_beneath"], "TTT"),
    // what the server's certificate is for
    (&["ca"], &["leaf_for_clients"], "---"),
    (&["ca"], &["leaf_cert_sign"], "---"),
    (&["ca"], &["leaf_netscape"], "---"),
    (&["ca"], &["ca_for_clients"], "---"),
    (&["ca"], &["ca_cert_sign"], "---"),
    // of version 1, or marked as an authority's
    (&["version_1_ca"], &["version_1"], "TTT"),
    (&["past"], &["version_1"], "---"),
    (&["no_ca"], &["version_1"], "---"),
    (&["no_cert_sign"], &["ca_leaf"], "---"),
    (&["inter"], &["beneath_version_1"], "---"),
    (&["ca"], &["beneath_version_1", "inter"], "TTT"),
    (&["inter"], &["beneath_ca", "inter"], "---"),
    (&["ca"], &["beneath_ca", "inter"], "TTT"),
    (&["limited"], &["ca_leaf"], "TTT"),
    (&["limited"], &["beneath_ca", "inter"], "---"),
    // a domain that is no alternative name is limited, too; the last column is about the host
    (&["limited"], &["cn_only"], "TTT"),
    (&["limited"], &["example_com"], "TT-"),
    (&["limited"], &["example_org"], "---"),
    (&["barred"], &["example_com"], "TT-"),
    (&["barred"], &["example_org"], "---"),
    // who has issued it is said by more than a name
    (&["ca"], &["by_serial"], "TTT"),
    (&["no_crl_sign"], &["by_serial"], "---"),
    (&["no_crl_sign", "ca"], &["by_serial"], "TTT"),
];

/// The certificates of all tests with those of this file; made once per run.
pub(super) fn authority() -> &'static Authority {
    static MADE: OnceLock<()> = OnceLock::new();
    let authority = Authority::get();
    MADE.get_or_init(|| {
        for (name, subject) in [
            ("lower", "/CN=lower"),
            ("leaf", "/CN=localhost"),
            ("example_com", "/CN=db.example.com"),
            ("example_org", "/CN=db.example.org"),
        ] {
            authority.request(name, subject);
        }
        for (name, subject) in [("ca", "/CN=ca"), ("other", "/CN=other"), ("self", "/CN=localhost")] {
            let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
            authority.openssl(&["req", "-new", "-key", &key, "-out", &request], subject);
        }
        authority.root("namesake_self", "/CN=localhost");
        authority.root("rebuilt", "/CN=ca");
        authority.write("dated.cnf", DATED_SETTINGS);
        authority.write("dated_index", "");
        authority.write("dated.ext", "basicConstraints=CA:TRUE\n");
        for (request, name, issuer, [from, to]) in DATED {
            let file = |of: &str, kind: &str| format!("{of}.{kind}");
            let (request, certificate) = (file(request, "csr"), file(name, "crt"));
            let (issuer, key) = (file(issuer, "crt"), file(issuer, "key"));
            let made = ["ca", "-config", "dated.cnf", "-batch", "-notext", "-extfile", "dated.ext"];
            let of = ["-in", &request, "-out", &certificate, "-cert", &issuer, "-keyfile", &key];
            authority.openssl(&[&made[..], &of, &["-startdate", from, "-enddate", to]].concat(), "");
        }
        for (request, name, issuer, extensions) in CERTIFICATES {
            authority.sign_again(request, name, issuer, *extensions, &["-days", "9"]);
        }
    });
    authority
}

const DATED_SETTINGS: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = dated_index\nnew_certs_dir = .\nrand_serial = yes\n\
default_md = sha256\nunique_subject = no\npolicy = any\n[any]\ncommonName = supplied\n";

/// The texts of these certificates, one after the other.
pub(super) fn joined(names: &[&str]) -> String {
    names.iter().map(|name| authority().text(&format!("{name}.crt"))).collect()
}

/// Has the server show these certificates from now on, the first of them as its own.
pub(super) fn show(cluster: &Cluster, names: &[&str]) {
    let made = CERTIFICATES.iter().map(|(request, name, ..)| (request, name));
    let dated = DATED.iter().map(|(request, name, ..)| (request, name));
    let key = made.chain(dated).find(|(_, name)| **name == names[0]).map_or(names[0], |(request, _)| request);
    let data = cluster.dir.join("data");
    fs::write(data.join("server.crt"), joined(names)).unwrap();
    fs::write(data.join("server.key"), authority().text(&format!("{key}.key"))).unwrap();
    let before = cluster.value("select pg_conf_load_time()");
    cluster.query("select pg_reload_conf()");
    // a session that has the new settings was begun by a server that has the new certificate
    let reloaded = format!("select pg_conf_load_time() > '{before}'");
    wait_until("the certificate is shown", || cluster.value(&reloaded) == "t");
}

/// The connection string for this mode and this file of certificates.
pub(super) fn dsn(cluster: &Cluster, mode: &str, listed: &str) -> String {
    let port = cluster.port;
    format!("host=localhost port={port} user=postgres dbname=postgres sslmode={mode} sslrootcert={listed}")
}

#[test]
fn what_is_listed_counts_as_far_as_libpq_lets_it_count() {
    let authority = authority();
    let cluster = authority.server("good", HBA);
    let psql = psql();
    let listed = authority.path("listed.crt");
    let mut rows: Vec<&Row> = ROWS.iter().collect();
    // from 3.2 on openssl makes none of version 1
    if !authority.openssl(&["x509", "-in", "version_1_ca.crt", "-noout", "-text"], "").contains("Version: 1 ")
    {
        rows.retain(|row| !row.0.iter().chain(row.1).any(|name| name.contains("version_1")));
    }
    rows.sort_by_key(|row| row.1);
    let mut shown: &[&str] = &[];
    let mut wrong = Vec::new();
    for row in rows {
        let (roots, chain, expected) = *row;
        if shown != chain {
            show(&cluster, chain);
            shown = chain;
        }
        authority.write("listed.crt", &joined(roots));
        let outcomes = |of: &dyn Fn(&str) -> char| -> String {
            MODES.iter().map(|mode| of(&dsn(&cluster, mode, &listed))).collect()
        };
        let ours = outcomes(&our_outcome);
        let theirs =
            psql.as_deref().map_or(expected.to_owned(), |psql| outcomes(&|dsn| psqls_outcome(psql, dsn)));
        // the same certificates as the system's
        let system = dsn(&cluster, "verify-full", "system");
        let systems = our_outcome_in(&system, &[("SSL_CERT_FILE", &listed)]);
        println!("{roots:?} {chain:?}: psql {theirs}, pgconn {ours}{systems}");
        if ours != expected || theirs != expected || !expected.ends_with(systems) {
            wrong.push(format!(
                "listed {roots:?}, shown {chain:?}: expected {expected}, psql {theirs}, pgconn {ours}, as the system's {systems}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_found_unnamed_is_judged_like_one_that_is_named() {
    let cluster = authority().server("good", HBA);
    let home = authority().path("rooted");
    fs::create_dir_all(format!("{home}/.postgresql")).unwrap();
    for (listed, expected) in [("ca", "TTT"), ("no_ca", "---"), ("past", "---")] {
        authority().write("rooted/.postgresql/root.crt", &joined(&[listed]));
        for (mode, expected) in MODES.iter().zip(expected.chars()) {
            let dsn = dsn(&cluster, mode, "''");
            assert_eq!(our_outcome_at(&dsn, &home), expected, "{listed} {mode}");
            if let Some(psql) = psql() {
                assert_eq!(psqls_outcome_at(&psql, &dsn, &home), expected, "psql: {listed} {mode}");
            }
        }
    }
}

#[test]
fn a_listed_certificate_signs_revocation_lists_as_far_as_it_may() {
    let authority = authority();
    let list = authority.path("ca.crl");
    let cluster = authority.server("good", HBA);
    for (root, shown, expected) in [
        ("ca", "good", 'T'),
        ("no_crl_sign", "good", '-'),
        // its own list is missing
        ("self_no_ca", "self_no_ca", '-'),
    ] {
        show(&cluster, &[shown]);
        let dsn = dsn(&cluster, "verify-full", &authority.path(&format!("{root}.crt")));
        let listed = format!("{dsn} sslcrl={list}");
        assert_eq!((our_outcome(&dsn), our_outcome(&listed)), ('T', expected), "{root}");
        if let Some(psql) = psql() {
            assert_eq!(
                (psqls_outcome(&psql, &dsn), psqls_outcome(&psql, &listed)),
                ('T', expected),
                "{root}"
            );
        }
    }
}
