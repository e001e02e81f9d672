//! The file of `sslkeylogfile`, with libpq's rules (`SSL_CTX_keylog_cb` of its fe-secure-openssl.c): lines are appended, and a
//! file that is made is its owner's alone. Who has the file can read the sessions, which is what it is for.

use super::super::os_words::os_words;
use rustls::KeyLog;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes the secrets of a session to the file.
#[derive(Debug)]
pub(super) struct KeyLogFile(File);

impl KeyLogFile {
    /// Opens the file.
    ///
    /// # Errors
    /// With what to warn of when it cannot be written to, which is no reason not to connect.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        opened.map(Self).map_err(|error| {
            format!("could not open SSL key logging file \"{}\": {}", path.display(), os_words(&error))
        })
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = format!("{label} ");
        for byte in client_random {
            let _ = write!(line, "{byte:02x}");
        }
        line.push(' ');
        for byte in secret {
            let _ = write!(line, "{byte:02x}");
        }
        line.push('\n');
        // At once, so that lines of several sessions do not mix; a disk that is full is no reason to end one.
        let _ = (&self.0).write_all(line.as_bytes());
    }
}
