//! What a failed handshake, or an alert that comes later, means in words.

use super::plain::plain;
use super::verify::Rejected;
use crate::db::error::{Error, ErrorKind};
use std::io;

/// Whether a handshake failed at what pgconn cannot do, and OpenSSL may.
pub(super) fn is_own_limit(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(
            rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(rustls::AlertDescription::HandshakeFailure),
        ) => true,
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) => {
            other.0.downcast_ref::<Rejected>().is_some_and(|rejected| rejected.is_unchecked)
        }
        _ => false,
    }
}

/// The TLS failure behind an I/O error, if one is; also one that arrives after the handshake, as a server's
/// refusal of the client certificate does in TLS 1.3.
pub(in crate::db::session) fn failure(error: &io::Error) -> Option<Error> {
    let tls = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let error = |message: String| Error::new(ErrorKind::Tls, message);
    Some(match tls {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            match other.0.downcast_ref::<Rejected>() {
                Some(Rejected { why, hint, .. }) => error(why.clone()).hinted(hint.clone()),
                None => error(format!("SSL error: {other}")),
            }
        }
        rustls::Error::AlertReceived(rustls::AlertDescription::HandshakeFailure) => error(
            "SSL error: the server finds no TLS method in common".to_owned(),
        )
        .hinted(
            "pgconn speaks TLS 1.2 and 1.3 with ECDHE on X25519, P-256 and P-384, and AES-GCM or ChaCha20, with servers whose \
             keys are RSA (RSA-PSS ones with TLS 1.3), P-256, P-384 or Ed25519; a P-521 key is none of them",
        ),
        rustls::Error::AlertReceived(alert) => {
            let words = plain(&format!("{alert:?}"));
            error(format!("SSL error: the server sent the alert: {words}")).hinted(alert_hint(*alert))
        }
        other => error(format!("SSL error: {}", plain(&other.to_string()))),
    })
}

fn alert_hint(alert: rustls::AlertDescription) -> &'static str {
    use rustls::AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired => {
            "the server demands a client certificate: name one with sslcert and sslkey"
        }
        Alert::UnknownCA
        | Alert::BadCertificate
        | Alert::CertificateExpired
        | Alert::CertificateRevoked
        | Alert::CertificateUnknown
        | Alert::DecryptError => "the server does not accept the client certificate (sslcert)",
        Alert::ProtocolVersion => {
            "the server wants another version of TLS: check ssl_min_protocol_version and ssl_max_protocol_version"
        }
        _ => "the server's log says more",
    }
}
