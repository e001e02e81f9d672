//! Certificates of every kind, made by openssl at test time, and servers that show them.

use crate::common::server::kept_folder;
use crate::common::{Cluster, with_files};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Made in a moment, and shaken hands with in another.
const CURVE: &str = "ec_paramgen_curve:prime256v1";

/// A folder with the certificates; made once per run, and gone with it.
pub(super) struct Authority(PathBuf);

impl Authority {
    pub(super) fn get() -> &'static Self {
        static MADE: OnceLock<Authority> = OnceLock::new();
        MADE.get_or_init(Self::make)
    }

    fn make() -> Self {
        let dir = kept_folder("tls");
        let made = Self(dir);
        made.root("ca", "/CN=ca");
        made.root("other", "/CN=other");
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
        made.issue("six", "ca", "/CN=x", Some("subjectAltName=IP:::1"), &["-days", "9"]);
        made.issue("ca_leaf", "ca", "/CN=localhost", Some("basicConstraints=CA:TRUE"), &["-days", "9"]);
        made.issue("revoked", "ca", "/CN=localhost", Some(names), &["-days", "9"]);
        made.issue("stranger", "other", "/CN=localhost", Some(names), &["-days", "9"]);
        made.issue("client", "ca", "/CN=postgres", Some("keyUsage=digitalSignature"), &["-days", "9"]);
        made.issue("impostor", "other", "/CN=postgres", Some("keyUsage=digitalSignature"), &["-days", "9"]);
        made.openssl(
            &["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "self.key", "-out", "self.crt"],
            "/CN=localhost",
        );
        made.openssl(
            &["req", "-newkey", "rsa:2048", "-nodes", "-keyout", "rsa_1.key", "-out", "rsa_1.csr"],
            "/CN=localhost",
        );
        made.sign("rsa_1", "ca", None, &["-days", "9"]);
        made.revoke();
        let chained = made.text("chained.crt") + &made.text("inter.crt");
        fs::write(made.0.join("chained.crt"), chained).unwrap();
        made
    }

    /// An authority with a self-signed certificate, as `openssl req -x509` makes it.
    pub(super) fn root(&self, name: &str, subject: &str) {
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
        self.openssl(&made, subject);
    }

    /// A certificate of this issuer with a key of its own; without an extension it is of version 1.
    fn issue(&self, name: &str, issuer: &str, subject: &str, extension: Option<&str>, validity: &[&str]) {
        self.request(name, subject);
        self.sign(name, issuer, extension, validity);
    }

    /// A key, and the request for a certificate of it.
    pub(super) fn request(&self, name: &str, subject: &str) {
        let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
        self.openssl(
            &["req", "-newkey", "ec", "-pkeyopt", CURVE, "-nodes", "-keyout", &key, "-out", &request],
            subject,
        );
    }

    fn sign(&self, name: &str, issuer: &str, extension: Option<&str>, validity: &[&str]) {
        self.sign_again(name, name, issuer, extension, validity);
    }

    /// One more certificate for the subject and key of `request`; one for an authority itself has that as its issuer.
    pub(super) fn sign_again(
        &self,
        request: &str,
        name: &str,
        issuer: &str,
        extension: Option<&str>,
        validity: &[&str],
    ) {
        let file = |of: &str, kind: &str| format!("{of}.{kind}");
        let request = file(request, "csr");
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

    /// Revocation lists of `ca` that have one certificate on them: of version 2, and of version 1.
    fn revoke(&self) {
        let settings =
            "[ca]\ndefault_ca = own\n[own]\ndatabase = index\ndefault_md = sha256\ndefault_crl_days = 9\n";
        fs::write(self.0.join("ca_1.cnf"), settings).unwrap();
        let numbered =
            "crlnumber = crlnumber\ncrl_extensions = more\n[more]\nauthorityKeyIdentifier = keyid\n";
        fs::write(self.0.join("ca.cnf"), format!("{settings}{numbered}")).unwrap();
        fs::write(self.0.join("index"), "").unwrap();
        fs::write(self.0.join("crlnumber"), "01\n").unwrap();
        let list = |name: &str, order: &[&str]| {
            let settings = format!("{name}.cnf");
            let own = ["ca", "-config", &settings, "-keyfile", "ca.key", "-cert", "ca.crt"];
            self.openssl(&[&own[..], order].concat(), "");
        };
        list("ca", &["-revoke", "revoked.crt"]);
        list("ca", &["-gencrl", "-out", "ca.crl"]);
        list("ca_1", &["-gencrl", "-out", "ca_1.crl"]);
    }

    /// Runs openssl in the folder; what it wrote.
    pub(super) fn openssl(&self, arguments: &[&str], subject: &str) -> String {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(&self.0);
        if !subject.is_empty() {
            command.args(["-subj", subject]);
        }
        let output = command.output().expect("the tests need the openssl program");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(super) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A server that shows this certificate (without a name: one that has no TLS) and decides by these lines.
    pub(super) fn server(&self, name: &str, hba: &str) -> Cluster {
        self.server_with(name, hba, &[])
    }

    /// The same with further settings.
    pub(super) fn server_with(&self, name: &str, hba: &str, more: &[(&str, &str)]) -> Cluster {
        let own = [&[("password_encryption", "scram-sha-256")], more].concat();
        let cluster = if name.is_empty() {
            with_files(&own, &[("pg_hba.conf", hba)])
        } else {
            with_files(
                &[&[("ssl", "on"), ("ssl_ca_file", "ca.crt")], &own[..]].concat(),
                &[
                    ("server.crt", &self.text(&format!("{name}.crt"))),
                    ("server.key", &self.text(&format!("{name}.key"))),
                    ("ca.crt", &self.text("ca.crt")),
                    ("pg_hba.conf", hba),
                ],
            )
        };
        cluster.query("create role scram login password 's3cret'");
        cluster
    }

    /// The settings that show this certificate to the server.
    pub(super) fn shown(&self, name: &str) -> String {
        let key = self.path(&format!("{name}.key"));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        format!("sslcert={} sslkey={key}", self.path(&format!("{name}.crt")))
    }
}
