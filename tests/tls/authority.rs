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
        made.issue("revoked_1", "ca", "/CN=localhost", None, &["-days", "9"]);
        made.issue("stranger", "other", "/CN=localhost", Some(names), &["-days", "9"]);
        made.issue("client", "ca", "/CN=postgres", Some("keyUsage=digitalSignature"), &["-days", "9"]);
        made.issue("client_1", "ca", "/CN=postgres", None, &["-days", "9"]);
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
        made.unusual(names);
        made.revoke();
        let chained = made.text("chained.crt") + &made.text("inter.crt");
        fs::write(made.0.join("chained.crt"), chained).unwrap();
        made
    }

    /// Keys for RSA-PSS alone, a curve and a hash that few have.
    fn unusual(&self, names: &str) {
        let key = |name: &str, kind: &[&str]| {
            let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
            let of = ["-nodes", "-keyout", &key, "-out", &request];
            self.openssl(&[&["req", "-newkey"], kind, &of].concat(), "/CN=localhost");
        };
        let pss = ["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"];
        key("pss", &pss);
        key("of_pss", &pss);
        key("long_curve", &["ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"]);
        let root = ["-nodes", "-keyout", "pss_ca.key", "-out", "pss_ca.crt"];
        self.openssl(&[&["req", "-x509", "-newkey"], &pss[..], &root].concat(), "/CN=pss");
        self.sign("pss", "ca", Some(names), &["-days", "9"]);
        // by itself openssl 3.0 takes the longest salt that there is room for
        self.sign("of_pss", "pss_ca", Some(names), &["-days", "9", "-sigopt", "rsa_pss_saltlen:32"]);
        key("long_salt", &pss);
        self.sign("long_salt", "pss_ca", Some(names), &["-days", "9"]);
        self.sign("long_curve", "ca", Some(names), &["-days", "9"]);
        self.request("long_hash", "/CN=localhost");
        self.sign("long_hash", "ca", Some(names), &["-days", "9", "-sha512"]);
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

    /// Revocation lists of `ca` that have two certificates on them: of version 2, and of version 1.
    fn revoke(&self) {
        let settings =
            "[ca]\ndefault_ca = own\n[own]\ndatabase = index\ndefault_md = sha256\ndefault_crl_days = 9\n";
        fs::write(self.0.join("ca_1.cnf"), settings).unwrap();
        let numbered =
            "crlnumber = crlnumber\ncrl_extensions = more\n[more]\nauthorityKeyIdentifier = keyid\n";
        fs::write(self.0.join("ca.cnf"), format!("{settings}{numbered}")).unwrap();
        fs::write(self.0.join("index"), "").unwrap();
        fs::write(self.0.join("crlnumber"), "01\n").unwrap();
        for revoked in ["revoked.crt", "revoked_1.crt"] {
            self.order("ca", &["-revoke", revoked]);
        }
        self.list("ca", "ca", &[]);
        self.list("ca_1", "ca_1", &[]);
    }

    /// A list of `ca` by the settings of this name, called so, with further arguments.
    pub(super) fn list(&self, settings: &str, name: &str, more: &[&str]) {
        self.order(settings, &[&["-gencrl", "-out", &format!("{name}.crl")], more].concat());
    }

    fn order(&self, settings: &str, order: &[&str]) {
        let settings = format!("{settings}.cnf");
        let own = ["ca", "-config", &settings, "-keyfile", "ca.key", "-cert", "ca.crt"];
        self.openssl(&[&own[..], order].concat(), "");
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
