//! The files that TLS needs, with libpq's rules about who may read them (`fe-secure-openssl.c`, `initialize_SSL`).

use super::super::os_words::os_words;
use super::der;
use super::key_log::KeyLogFile;
use super::no_tls::NoTls;
use super::revocation::revocation_list;
use crate::conninfo::{ConnInfo, SslCertMode, SslMode, path_of};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The certificate that pgconn shows, and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificates that sslrootcert lists.
#[derive(Debug)]
pub(super) struct Roots {
    /// In their order, and not judged yet.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// Where they are listed, for people.
    pub(super) place: String,
}

/// The file that a keyword names.
fn path(info: &ConnInfo, keyword: &str) -> Option<PathBuf> {
    info.get(keyword).map(path_of)
}

/// The root certificates: `None` when there are none and the mode does not need any.
pub(super) fn roots(info: &ConnInfo) -> Result<Option<Roots>, String> {
    if info.get("sslrootcert") == Some("system") {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            return Err("the system has no root certificates".to_owned());
        }
        let place = "the system's root certificates (sslrootcert=system)".to_owned();
        return Ok(Some(Roots { certificates: found.certs, place }));
    }
    let verifies = info.settings().ssl_mode >= SslMode::VerifyCa;
    let path = path(info, "sslrootcert");
    let shown = path.as_deref().unwrap_or(Path::new("~/.postgresql/root.crt")).display().to_string();
    match path.as_deref().map_or(Ok(None), read) {
        Err(error) => Err(format!("could not read root certificate file \"{shown}\": {error}")),
        Ok(None) if verifies => Err(format!(
            "root certificate file \"{shown}\" does not exist: provide the file, or use the system's trusted roots with sslrootcert=system"
        )),
        Ok(None) => Ok(None),
        Ok(Some(text)) => {
            let certificates = certificates(&text).and_then(readable);
            let certificates = certificates
                .map_err(|why| format!("could not read root certificate file \"{shown}\": {why}"))?;
            Ok(Some(Roots { certificates, place: format!("the file \"{shown}\" (sslrootcert)") }))
        }
    }
}

/// The revocation lists, in DER; `None` where nobody asks for any.
pub(super) fn revocation_lists(info: &ConnInfo) -> Result<Option<Vec<Vec<u8>>>, String> {
    let mut lists = None;
    if let Some(path) = path(info, "sslcrl") {
        let found = lists_in(&path)?;
        if !found.is_empty() {
            lists = Some(found);
        }
    }
    // A folder is asked whatever is in it: without the issuer's list nothing is known to be valid.
    if let Some(folder) = path(info, "sslcrldir") {
        let lists = lists.get_or_insert_default();
        for path in listed_in(&folder) {
            lists.append(&mut lists_in(&path)?);
        }
    }
    Ok(lists)
}

/// The files of a folder that `openssl rehash` has named as lists: `HASH.rN`, in the order of their names.
fn listed_in(folder: &Path) -> Vec<PathBuf> {
    let is_list = |path: &PathBuf| {
        let kind = path.extension().and_then(|extension| extension.to_str());
        let number = kind.and_then(|kind| kind.strip_prefix('r'));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_list).collect();
    found.sort();
    found
}

/// The lists of one file; none when there is no such file.
fn lists_in(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let shown = path.display();
    let failed = |why: String| format!("could not read certificate revocation list \"{shown}\": {why}");
    let Some(text) = read(path).map_err(failed)? else { return Ok(Vec::new()) };
    let mut lists = Vec::new();
    for list in CertificateRevocationListDer::pem_slice_iter(&text) {
        let list = list.map_err(|error| failed(error.to_string()))?;
        revocation_list(&list).ok_or_else(|| failed("it is malformed".to_owned()))?;
        lists.push(list.to_vec());
    }
    // OpenSSL takes it for a file of lists then, in which each issuer's is missing.
    if lists.is_empty() && certificates(&text).is_ok() {
        return Err(failed("there are certificates in it, and no list".to_owned()));
    }
    Ok(lists)
}

/// The file that the session's secrets are written to, when one is named and can be written to.
pub(super) fn key_log(info: &ConnInfo) -> Option<Result<KeyLogFile, String>> {
    path(info, "sslkeylogfile").map(|path| KeyLogFile::open(&path))
}

/// The client certificate and its key; `None` when there is no certificate or none is to be sent.
pub(super) fn identity(info: &ConnInfo) -> Result<Option<Identity>, NoTls> {
    if info.settings().ssl_cert_mode == SslCertMode::Disable {
        return Ok(None);
    }
    let Some(path) = path(info, "sslcert") else { return Ok(None) };
    let shown = path.display();
    let text = match read(&path) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(None),
        Err(error) => return Err(format!("could not open certificate file \"{shown}\": {error}").into()),
    };
    let chain = certificates(&text).and_then(readable);
    let chain = chain.map_err(|why| format!("could not read certificate file \"{shown}\": {why}"))?;
    Ok(Some((chain, key(info)?)))
}

fn key(info: &ConnInfo) -> Result<PrivateKeyDer<'static>, NoTls> {
    if info.get("sslkey").is_some_and(|name| name.contains(':') && !path_of(name).exists()) {
        return Err(NoTls::own_limit("sslkey names a key in an engine, which pgconn cannot use".to_owned()));
    }
    let path = path(info, "sslkey").unwrap_or_default();
    let shown = path.display();
    let found = match std::fs::metadata(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!("certificate present, but not private key file \"{shown}\"").into());
        }
        Err(error) => {
            return Err(format!("could not stat private key file \"{shown}\": {}", os_words(&error)).into());
        }
    };
    if !found.is_file() {
        return Err(format!("private key file \"{shown}\" is not a regular file").into());
    }
    // The group may read a key that root owns, and nothing more.
    let forbidden = if found.uid() == 0 { 0o037 } else { 0o077 };
    if found.permissions().mode() & forbidden != 0 {
        return Err(format!(
            "private key file \"{shown}\" has group or world access; file must have permissions u=rw (0600) or less if owned by the current user, or permissions u=rw,g=r (0640) or less if owned by root"
        )
        .into());
    }
    let failed = |why: String| format!("could not load private key file \"{shown}\": {why}");
    let bytes = std::fs::read(&path).map_err(|error| failed(os_words(&error)))?;
    let text = String::from_utf8_lossy(&bytes);
    if text.contains("ENCRYPTED") {
        let why = failed("pgconn cannot use encrypted keys (decrypt it with openssl pkey)".to_owned());
        return Err(NoTls::own_limit(why));
    }
    if text.contains("-----BEGIN") {
        return PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| failed(error.to_string()).into());
    }
    let key = PrivateKeyDer::try_from(bytes.as_slice()).map(|key| key.clone_key());
    key.map_err(|why| failed(why.to_owned()).into())
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if found.is_empty() => Err("no certificate found in it".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(error.to_string()),
    }
}

/// What was `found`, when each is a certificate; like libpq, pgconn takes no file of which it can read only a part.
fn readable(found: Vec<CertificateDer<'static>>) -> Result<Vec<CertificateDer<'static>>, String> {
    match found.iter().position(|one| der::certificate(one).is_none()) {
        Some(at) => Err(format!("certificate {} of {} in it is malformed", at + 1, found.len())),
        None => Ok(found),
    }
}

/// A file's bytes; `None` when it, or a directory of its path, does not exist.
fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(os_words(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conninfo::{Environment, Given, resolve};
    use proptest::prelude::*;

    /// Bytes that look like what is expected, as far as their frame goes, and others.
    fn contents() -> impl Strategy<Value = Vec<u8>> {
        let label = prop::sample::select(vec![
            "CERTIFICATE",
            "X509 CRL",
            "PRIVATE KEY",
            "EC PRIVATE KEY",
            "RSA PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
        ]);
        let framed = (label, "[A-Za-z0-9+/=\n]{0,80}").prop_map(|(label, body)| {
            format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into_bytes()
        });
        prop_oneof![framed, prop::collection::vec(any::<u8>(), 0..200)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_contents_of_a_file_make_reading_panic(bytes in contents(), certificate in any::<bool>()) {
            let path = std::env::temp_dir().join(format!("pgconn-tls-files-{}", std::process::id()));
            std::fs::write(&path, &bytes).expect("file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
            let file = path.display();
            let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/src/db/session/tls/sample.der");
            let shown = if certificate { file.to_string() } else { sample.to_owned() };
            let text = format!("sslrootcert={file} sslcrl={file} sslcrldir={file} sslcert={shown} sslkey={file}");
            let given = Given { dbname: Some(text), username: Some("u".to_owned()), ..Given::default() };
            let info = resolve(&given, &Environment::default()).expect("settings");
            let _ = (roots(&info), revocation_lists(&info), identity(&info), key(&info));
            std::fs::remove_file(&path).expect("removed");
        }
    }
}
