//! What is said about a refused certificate: the rule, the certificate, and what to check. Nothing that the program says about a
//! connection proposes to verify less.

use super::anchors::{authority, dsn, joined, show};
use super::{HBA, proposes_less};
use crate::common::{Pgconn, shared, with_files};
use std::fs;
use std::path::{Path, PathBuf};

/// What is listed, what the server shows, the rule that failed, and a part of the hint.
type Said = (&'static [&'static str], &'static [&'static str], &'static str, &'static str);

const SAID: &[Said] = &[
    (
        &["past"],
        &["good"],
        "the listed certificate of CN=ca has expired (valid to 2021-01-01); the server's own: subject CN=x, issuer CN=ca",
        "said.crt\" (sslrootcert) must list one of CN=ca that is valid today; whoever runs that authority has it; pgconn conninfo \
         shows where sslrootcert comes from",
    ),
    (
        &["future"],
        &["good"],
        "the listed certificate of CN=ca is not valid yet (valid from 2090-01-01, and this machine's clock says 2",
        "must list one of CN=ca that is valid today",
    ),
    (
        &["no_ca"],
        &["good"],
        "the listed certificate of CN=ca is not an authority's (basicConstraints CA:FALSE)",
        "must list one of CN=ca that is an authority's (basicConstraints CA:TRUE)",
    ),
    (
        &["unstated"],
        &["good"],
        "the listed certificate of CN=ca does not say that it is an authority's (no basicConstraints)",
        "(basicConstraints CA:TRUE)",
    ),
    (
        &["no_cert_sign"],
        &["good"],
        "the listed certificate of CN=ca may not sign certificates (keyUsage without keyCertSign)",
        "(keyUsage keyCertSign)",
    ),
    (
        &["for_clients"],
        &["good"],
        "the listed certificate of CN=ca is not for servers (extendedKeyUsage without serverAuth)",
        "(extendedKeyUsage serverAuth, or no extendedKeyUsage)",
    ),
    (
        &["critical"],
        &["good"],
        "the listed certificate of CN=ca has a critical extension that is not known (1.2.3.4)",
        "that does without that extension",
    ),
    (
        &["good"],
        &["good"],
        "it was issued by an authority that is not among the root certificates; that the server's own is listed counts only \
         for a self-signed one (subject CN=x",
        "must list the certificate of CN=ca, and so on up to a self-signed one",
    ),
    (
        &["inter"],
        &["beneath", "inter"],
        "the listed certificate of CN=inter is an intermediate one, issued by an authority that is not among the root \
         certificates (CN=ca)",
        "must list the certificate of CN=ca, too",
    ),
    (
        &["ca"],
        &["beneath"],
        "it was issued by an authority that is not among the root certificates (subject CN=localhost, issuer CN=inter",
        "an intermediate one may also follow the server's own in the server's ssl_cert_file",
    ),
    (
        &["ca"],
        &["far_beneath", "lower"],
        "the certificate of CN=lower that the server sent was issued by an authority that is not among the root certificates \
         (CN=inter)",
        "must list the certificate of CN=inter",
    ),
    (
        &["other"],
        &["beneath", "inter", "ca"],
        "the certificate of CN=ca that the server sent is self-signed (its subject is its issuer) and not among the root",
        "must list that very certificate; whoever runs CN=ca has it",
    ),
    (
        &["ca"],
        &["self"],
        "it is self-signed (its subject is its issuer) and not among the root certificates (subject CN=localhost",
        "must list that very certificate, taken from the server's own files",
    ),
    (
        &["no_crl_sign"],
        &["by_serial"],
        "it was issued by another CN=ca than the one that is listed",
        "must list the certificate of CN=ca with which it was issued: an older or a newer one?",
    ),
    (
        &["rebuilt"],
        &["by_serial", "ca"],
        "the certificate of CN=ca that the server sent is self-signed (its subject is its issuer) and not among the root \
         certificates, though another of that name is",
        "must list that very certificate; whoever runs CN=ca has it",
    ),
    (
        &["rebuilt"],
        &["unidentified"],
        "its signature does not fit the key of CN=ca (subject CN=localhost",
        "holds another certificate of CN=ca than the one with which it was issued",
    ),
    (
        &["one_path"],
        &["far_beneath", "lower", "inter"],
        "the listed certificate of CN=ca allows 1 intermediate certificates beneath it (pathlen), and there are 2",
        "(a greater pathlen, or none)",
    ),
    (
        &["ca"],
        &["beneath", "inter_no_cert_sign"],
        "the certificate of CN=inter that the server sent may not sign certificates (keyUsage without keyCertSign)",
        "the server's ssl_cert_file needs one of CN=inter that may sign certificates",
    ),
    (
        &["ca"],
        &["ca_for_clients"],
        "it is not for servers (extendedKeyUsage without serverAuth) (subject CN=localhost",
        "the server's ssl_cert_file needs a certificate that is for servers",
    ),
    (
        &["ca"],
        &["leaf_cert_sign"],
        "it is not for TLS (keyUsage without digitalSignature, keyEncipherment and keyAgreement)",
        "the server's ssl_cert_file needs a certificate that is for TLS",
    ),
    (
        &["limited"],
        &["example_org"],
        "the listed certificate of CN=ca may not vouch for its names (nameConstraints)",
        "for names that its authority may vouch for",
    ),
];

#[test]
fn a_refusal_says_which_rule_failed_of_which_certificate_and_what_to_check() {
    let authority = authority();
    // one that has no file of authorities, from which a server takes more certificates to send
    let cluster = with_files(
        &[("ssl", "on")],
        &[("server.crt", &authority.text("good.crt")), ("server.key", &authority.text("good.key"))],
    );
    let listed = authority.path("said.crt");
    let mut wrong = Vec::new();
    for (roots, chain, rule, hint) in SAID {
        show(&cluster, chain);
        authority.write("said.crt", &joined(roots));
        let dsn = dsn(&cluster, "verify-full", &listed);
        let said = Pgconn::new(&["stats", "-d", &dsn]).run().fails_with(3).stderr;
        let rule = format!("certificate verify failed: {rule}");
        let (error, next) = said.split_once("\nhint: ").unwrap();
        if !error.contains(&rule) || !next.contains(hint) || proposes_less(&said) {
            wrong.push(format!("listed {roots:?}, shown {chain:?}: expected {rule} … {hint}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_else_goes_wrong_with_tls_is_no_reason_to_verify_less_either() {
    let authority = authority();
    let cluster = authority.server("wrong_host", HBA);
    let listed = authority.path("partly.crt");
    let said = |dsn: &str| {
        let said = Pgconn::new(&["stats", "-w", "-d", dsn]).run().fails_with(3).stderr;
        assert!(!proposes_less(&said), "{said}");
        said
    };
    let ca = authority.path("ca.crt");
    let host = said(&dsn(&cluster, "verify-full", &ca));
    assert!(
        host.contains("hint: connect by a name that the certificate has, or have the server's issued for"),
        "{host}"
    );
    let absent = said(&dsn(&cluster, "verify-full", "/absent"));
    assert!(
        absent.contains("root certificate file \"/absent\" does not exist: provide the file, or use"),
        "{absent}"
    );
    let plain = said(&dsn(shared(), "require", &ca));
    assert!(
        plain.contains("hint: a server has TLS with ssl = on, ssl_cert_file and ssl_key_file"),
        "{plain}"
    );
    // of a file that can be read only in part libpq takes nothing
    authority.write("partly.crt", &format!("{}{MALFORMED}", joined(&["ca"])));
    let partly = said(&dsn(&cluster, "verify-ca", &listed));
    assert!(partly.contains("partly.crt\": certificate 2 of 2 in it is malformed"), "{partly}");
}

const MALFORMED: &str = "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n";

/// The texts about `sslmode` that the program may have beside those that ask for all of it: PgBouncer's own setting, the list of
/// variables, and what the lint finds written.
const KNOWN: [&str; 8] = [
    "server_tls_sslmode in [pgbouncer]",
    "only node-pg knows sslmode=no-verify; libpq refuses it",
    "no library knows sslmode=",
    "client_tls_sslmode is disable",
    "set client_tls_sslmode = require",
    "set client_tls_sslmode and its files, or listen on 127.0.0.1",
    "PGSSLMODE and the other PG* variables",
    "PgBouncer: client_tls_sslmode",
];

#[test]
fn no_text_in_the_program_proposes_to_verify_less() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    let mut seen = 0;
    let mut wrong = Vec::new();
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        for text in texts(code) {
            let says_mode = text.to_lowercase().contains("sslmode") && text.contains(' ');
            seen += usize::from(says_mode);
            let is_known = text.contains("verify-full") || KNOWN.iter().any(|known| text.contains(known));
            let loosens =
                ["does without where", "server certificate verification", "without verif", "insecure"];
            if proposes_less(&text)
                || says_mode && !is_known
                || loosens.iter().any(|word| text.contains(word))
            {
                wrong.push(format!("{}: {text}", file.display()));
            }
        }
    }
    assert!(seen >= KNOWN.len(), "the texts were not found: {seen}");
    for manual in fs::read_dir(root.join("man")).unwrap() {
        let path = manual.unwrap().path();
        if proposes_less(&fs::read_to_string(&path).unwrap()) {
            wrong.push(path.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push(path);
        }
    }
}

/// The string literals of a Rust source, as they stand there, lines that go on joined.
fn texts(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (here, after) = (&rest[at..], &rest[at + 1..]);
        rest = if here.starts_with("//") {
            here.find('\n').map_or("", |end| &here[end..])
        } else if let Some(after) = here.strip_prefix("'\"'").or_else(|| here.strip_prefix("'\\\"'")) {
            after
        } else if here.starts_with('"') {
            let mut escaped = false;
            let end = after.find(|c: char| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let (text, after) = after.split_at(end.unwrap_or(after.len()));
            found.push(text.split("\\\n").map(str::trim_start).collect());
            after.get(1..).unwrap_or_default()
        } else {
            after
        };
    }
    found
}
