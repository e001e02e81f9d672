//! Revocation lists: in a file and in a folder, of version 1, too, and for certificates of version 1. The installed psql is held
//! against every row.

use super::anchors::{authority, show};
use super::authority::Authority;
use super::{HBA, our_outcome, psqls_outcome};
use crate::common::{Cluster, Pgconn, psql};
use std::fs;

/// What the server shows (its own certificate first), and what libpq makes of it with the list of version 2, of version 1, and
/// with the folder of either.
const ROWS: [(&[&str], char); 7] = [
    (&["good"], 'T'),
    (&["revoked"], '-'),
    (&["version_1"], 'T'),
    (&["revoked_1"], '-'),
    (&["ca_leaf"], 'T'),
    (&["pss"], 'T'),
    // the intermediate authority has no list
    (&["beneath", "inter"], '-'),
];

fn dsn(authority: &Authority, cluster: &Cluster, more: &str) -> String {
    let (port, root) = (cluster.port, authority.path("ca.crt"));
    format!(
        "host=localhost port={port} user=postgres dbname=postgres sslmode=verify-ca sslrootcert={root} {more}"
    )
}

/// A folder with this list under the name that openssl looks for, and with nothing when there is none.
fn folder(authority: &Authority, name: &str, list: &str) -> String {
    let folder = authority.path(name);
    fs::create_dir_all(&folder).unwrap();
    if !list.is_empty() {
        fs::copy(authority.path(list), format!("{folder}/list.pem")).unwrap();
        authority.openssl(&["rehash", &folder], "");
    }
    folder
}

/// Holds our outcome and psql's against what is expected.
#[track_caller]
fn both(dsn: &str, expected: char) {
    assert_eq!(our_outcome(dsn), expected, "{dsn}");
    if let Some(psql) = psql() {
        assert_eq!(psqls_outcome(&psql, dsn), expected, "psql: {dsn}");
    }
}

#[test]
fn what_is_revoked_is_refused_and_so_is_what_no_list_is_about() {
    let authority = authority();
    let cluster = authority.server("good", HBA);
    let folders = [folder(authority, "lists_2", "ca.crl"), folder(authority, "lists_1", "ca_1.crl")];
    let empty = folder(authority, "no_lists", "");
    for (chain, expected) in ROWS {
        show(&cluster, chain);
        both(&dsn(authority, &cluster, ""), 'T');
        for list in ["ca.crl", "ca_1.crl"] {
            both(&dsn(authority, &cluster, &format!("sslcrl={}", authority.path(list))), expected);
        }
        for folder in &folders {
            both(&dsn(authority, &cluster, &format!("sslcrldir={folder}")), expected);
        }
        for folder in [&empty, "/dev/null/x"] {
            both(&dsn(authority, &cluster, &format!("sslcrldir={folder}")), '-');
        }
        // no file, no question
        both(&dsn(authority, &cluster, "sslcrl=/dev/null/x"), 'T');
    }
    // a file of certificates is no list, and nothing is known to be valid then
    both(&dsn(authority, &cluster, &format!("sslcrl={}", authority.path("ca.crt"))), '-');
    // on a socket nobody speaks TLS
    let socket = format!("host={} port={} user=postgres dbname=postgres", cluster.host(), cluster.port);
    let _ =
        Pgconn::new(&["ping", "-d", &format!("{socket} sslcrldir=/dev/null/x sslcrl=/x")]).run().success();
}

const SETTINGS: &str =
    "[ca]\ndefault_ca = own\n[own]\ndatabase = index\ndefault_md = sha256\ndefault_crl_days = 9\n";

/// Lists that are of no use, with the settings that make them and what is said.
const USELESS: [(&str, &str, &str); 5] = [
    ("past", "", "the revocation list of CN=ca has expired (valid to "),
    (
        "partial",
        "[more]\nissuingDistributionPoint = critical, @p\n[p]\nonlyCA = TRUE",
        "the revocation list of CN=ca is about others",
    ),
    (
        "elsewhere",
        "[more]\nissuingDistributionPoint = critical, @p\n[p]\nfullname = URI:http://x/y",
        "the revocation list of CN=ca is about others",
    ),
    (
        "odd",
        "[more]\n1.2.3.4 = critical, ASN1:NULL",
        "the revocation list of CN=ca has a critical extension that is not known",
    ),
    (
        "users",
        "[more]\nissuingDistributionPoint = critical, @p\n[p]\nonlyuser = TRUE",
        "the revocation list of CN=ca is about others",
    ),
];

#[test]
fn a_list_that_is_of_no_use_is_none_and_that_is_said() {
    let authority = authority();
    let cluster = authority.server("good", HBA);
    for (name, settings, words) in USELESS {
        let more = if settings.is_empty() { "" } else { "crl_extensions = more\n" };
        authority
            .write(&format!("{name}.cnf"), &format!("{SETTINGS}crlnumber = crlnumber\n{more}{settings}\n"));
        let days: &[&str] = if name == "past" { &["-crl_nextupdate", "20200101000000Z"] } else { &[] };
        authority.list(name, name, days);
        let listed = dsn(authority, &cluster, &format!("sslcrl={}", authority.path(&format!("{name}.crl"))));
        both(&listed, '-');
        let said = Pgconn::new(&["stats", "-d", &listed]).run().fails_with(3).stderr;
        assert!(said.contains(&format!("is not known to be unrevoked: {words}")), "{said}");
    }
    // the one for authorities and the one for everybody else
    authority.write("halves.crl", &(authority.text("partial.crl") + &authority.text("users.crl")));
    both(&dsn(authority, &cluster, &format!("sslcrl={}", authority.path("halves.crl"))), 'T');
    // somebody else's list, in the authority's name
    authority.write("forger.cnf", SETTINGS);
    let forged = [
        "-config",
        "forger.cnf",
        "-keyfile",
        "rebuilt.key",
        "-cert",
        "rebuilt.crt",
        "-gencrl",
        "-out",
        "forged.crl",
    ];
    authority.openssl(&[&["ca"], &forged[..]].concat(), "");
    let listed = dsn(authority, &cluster, &format!("sslcrl={}", authority.path("forged.crl")));
    both(&listed, '-');
    let said = Pgconn::new(&["stats", "-d", &listed]).run().fails_with(3).stderr;
    assert!(said.contains("the signature of the revocation list does not fit the key of CN=ca"), "{said}");
    let revoked = authority.server("revoked", HBA);
    let listed = dsn(authority, &revoked, &format!("sslcrl={}", authority.path("ca.crl")));
    let said = Pgconn::new(&["stats", "-d", &listed]).run().fails_with(3).stderr;
    assert!(said.contains("certificate verify failed: it was revoked (subject CN=localhost"), "{said}");
}
