//! From an address to a stream that PostgreSQL's protocol can be spoken on: dialled, and encrypted where that is wanted.

use super::address::{Address, Route};
use super::attempt::{AttemptFailure, AttemptProgress, Next};
use super::dial;
use super::os_words::os_words;
use super::tls::handshake;
use super::transport::Transport;
use super::wire::Wire;
use crate::conninfo::{ConnInfo, SslMode};
use crate::db::error::{Error, ErrorKind};
use crate::model::suggestion::{Command, Hint};
use std::io;
use std::time::Instant;
use tokio::net::TcpStream;

/// How one attempt is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Not at all.
    Plain,
    /// TLS or nothing.
    Tls,
    /// TLS, but plaintext on the same socket when the server has none.
    TlsIfOffered,
}

/// The kinds of encryption to try at `address`, in order.
pub(super) fn encryptions(mode: SslMode, address: &Address) -> &'static [Encryption] {
    if address.is_socket() {
        return &[Encryption::Plain];
    }
    match mode {
        SslMode::Disable => &[Encryption::Plain],
        SslMode::Allow => &[Encryption::Plain, Encryption::Tls],
        SslMode::Prefer => &[Encryption::TlsIfOffered, Encryption::Plain],
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Encryption::Tls],
    }
}

/// Dials and encrypts.
pub(super) async fn dial_wire(
    address: &Address,
    info: &ConnInfo,
    encryption: Encryption,
    progress: &AttemptProgress,
) -> Result<Wire, AttemptFailure> {
    let settings = info.settings();
    let started = Instant::now();
    let dialled = dial::dial(address, settings).await;
    progress.measured(|phases| phases.tcp = Some(started.elapsed()));
    let transport =
        dialled.map_err(|error| AttemptFailure::new(not_reached(address, &error), Next::Address))?;
    progress.connected(&transport);
    if let (Transport::Unix(stream), Some(wanted)) = (&transport, &settings.require_peer) {
        dial::check_peer(stream, wanted).map_err(|error| AttemptFailure::new(error, Next::Stop))?;
    }
    match transport {
        Transport::Tcp(stream) if encryption != Encryption::Plain => {
            let started = Instant::now();
            let wire = encrypt(stream, address, info, encryption).await;
            let is_plain = wire.as_ref().is_ok_and(|wire| !wire.is_encrypted());
            progress.measured(|phases| match phases.tcp {
                Some(tcp) if is_plain => phases.tcp = Some(tcp + started.elapsed()),
                _ => phases.tls = Some(started.elapsed()),
            });
            wire
        }
        other => Ok(Wire::new(other, None)),
    }
}

/// How a server gets TLS.
const NO_TLS: &str = "a server has TLS with ssl = on, ssl_cert_file and ssl_key_file; a pooler has settings of its own \
                      (PgBouncer: client_tls_sslmode)";

/// Asks for TLS and shakes hands; a server without TLS may do where the mode allows it.
async fn encrypt(
    mut stream: TcpStream,
    address: &Address,
    info: &ConnInfo,
    encryption: Encryption,
) -> Result<Wire, AttemptFailure> {
    match handshake::request(&mut stream, info).await? {
        handshake::Offer::Yes => {
            let encrypted = handshake::handshake(stream, info, address).await;
            let handshake::Encrypted { stream, end_point, unknown, warning } =
                encrypted.map_err(|failed| {
                    let next = if failed.is_own_limit { Next::Stop } else { Next::OtherEncryption };
                    AttemptFailure::new(failed.error, next)
                })?;
            Ok(Wire::new(Transport::Tls(stream), end_point).unknown_because(unknown).warning_of(warning))
        }
        handshake::Offer::No if encryption == Encryption::TlsIfOffered => {
            Ok(Wire::new(Transport::Tcp(stream), None))
        }
        handshake::Offer::No => {
            let error = Error::new(ErrorKind::Tls, "server does not support SSL, but SSL was required")
                .hinted(NO_TLS);
            Err(AttemptFailure::new(error, Next::Stop))
        }
    }
}

/// Why a socket could not be connected, with libpq's question.
fn not_reached(address: &Address, error: &io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::TimedOut { ErrorKind::Timeout } else { ErrorKind::Refused };
    let error_words = Error::new(kind, os_words(error));
    let whence = |hint: Hint| {
        hint.then(" ").call(Command::pgconn("conninfo")).then(" shows where host and port come from")
    };
    match (error.kind(), &address.route) {
        (io::ErrorKind::PermissionDenied, _) => error_words.hinted("this user may not use the socket"),
        (_, Route::Socket(path)) => {
            let question = "is the server running locally and accepting connections on that socket?";
            let others = dial::others_beside(path);
            if others.is_empty() {
                let elsewhere = format!("{question} -h HOST or -d URI names another, ");
                let demo = Hint::from(elsewhere).call(Command::pgconn("demo")).then(" starts one to try");
                return error_words.hinted(whence(demo.then(";")));
            }
            let others: Vec<String> = others.iter().map(|port| format!("-p {port}")).collect();
            let others = format!(" beside it there is {};", others.join(", "));
            error_words.hinted(whence(Hint::from(format!("{question}{others}"))))
        }
        (_, Route::Tcp(_)) => error_words.hinted(whence(Hint::from(
            "is the server running on that host and accepting TCP/IP connections?",
        ))),
    }
}
