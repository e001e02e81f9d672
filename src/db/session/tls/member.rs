//! A certificate of a chain: its bytes, its fields, and what it is to the user.

use super::der::{self, Certificate};
use rustls::pki_types::CertificateDer;

/// Where a certificate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The server's own.
    Server,
    /// Sent by the server with its own.
    Sent,
    /// Listed in sslrootcert.
    Listed,
}

/// A certificate and where it came from.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// The whole of it.
    pub(super) der: &'a CertificateDer<'a>,
    /// Its fields.
    pub(super) fields: Certificate<'a>,
    /// What it is to the user.
    pub(super) who: Who,
}

impl<'a> Member<'a> {
    /// Reads a certificate; `None` when it is not one.
    pub(super) fn read(der: &'a CertificateDer<'a>, who: Who) -> Option<Self> {
        der::certificate(der).map(|fields| Self { der, fields, who })
    }

    /// Whether this one seems to have issued `other`: name, identifiers and kind of key fit. Whether it has, its key says.
    pub(super) fn seems_issuer_of(&self, other: &Self) -> bool {
        let (own, authority) = (&self.fields, &other.fields.extensions.authority);
        own.subject == other.fields.issuer
            && fits(authority.key_id, own.extensions.key_id)
            && fits(authority.serial, Some(own.serial))
            && fits(authority.issuer, Some(own.issuer))
            && der::is_signature_of(other.fields.algorithm, own.public_key)
    }

    /// Whether it ends a chain when it is listed. As with OpenSSL its signature does not matter then.
    pub(super) fn is_self_signed(&self) -> bool {
        self.seems_issuer_of(self)
    }
}

/// Whether what is asked for is there, or is not known to be another.
pub(super) fn fits(wanted: Option<&[u8]>, found: Option<&[u8]>) -> bool {
    wanted.is_none_or(|wanted| found.is_none_or(|found| wanted == found))
}
