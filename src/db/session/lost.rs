//! What it means when a connection ends before the login is done, or when something else than PostgreSQL answers.

use super::os_words::os_words;
use super::tls;
use crate::db::error::{Error, ErrorKind};
use std::io;

/// The error for a first answer that is none of PostgreSQL's.
pub(super) fn not_postgres(seen: &[u8]) -> Error {
    const OTHERS: [(&[u8], &str); 5] = [
        (b"HTTP/", "an HTTP server"),
        (b"SSH-", "an SSH server"),
        (b"220", "a mail or FTP server"),
        (b"-ERR", "a Redis server"),
        (b"\x15\x03", "a TLS server"),
    ];
    let name = OTHERS.iter().find(|(start, _)| seen.starts_with(start)).map(|(_, name)| *name);
    let message = match name {
        Some(name) => format!("{name} answered, and not PostgreSQL"),
        None => "what answered does not speak PostgreSQL's protocol".to_owned(),
    };
    Error::new(ErrorKind::NotPostgres, message).hinted("check host and port")
}

/// The error for a connection that failed before the login was done.
pub(super) fn lost(error: &io::Error) -> Error {
    if let Some(failure) = tls::failure::failure(error) {
        return failure;
    }
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match error.kind() {
        UnexpectedEof | ConnectionReset | BrokenPipe => Error::new(ErrorKind::Refused, "server closed the connection unexpectedly")
            .hinted("the server or something on the way ended the connection before the login was done; its log may say why"),
        _ => Error::new(ErrorKind::Refused, os_words(error)),
    }
}
