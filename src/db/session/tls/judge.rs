//! Which certificates count, as OpenSSL judges them (`check_extensions` of its `x509_vfy.c` and its `v3_purp.c`), wherever they
//! come from: also those that sslrootcert lists, at which rustls-webpki does not look.

use super::der::{Certificate, day, oid_words};
use super::extensions::Extensions;

/// What is wrong with a certificate, for people.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The rule that failed; the certificate is the subject of the sentence.
    pub(super) why: String,
    /// What another certificate must be in its place: "one that …".
    pub(super) wanted: String,
}

/// Where a certificate stands in a chain.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// At its beginning: the server's own.
    Server,
    /// Above another one that it has issued.
    Authority {
        /// Whether the chain ends here, at a self-signed one.
        is_top: bool,
        /// How many intermediate certificates stand beneath it, without self-issued ones.
        beneath: u64,
    },
}

/// The bits of `keyUsage`.
const KEY_CERT_SIGN: u16 = 0x0400;
const CRL_SIGN: u16 = 0x0200;
/// Of them: digitalSignature, keyEncipherment, keyAgreement.
const FOR_TLS: u16 = 0x8000 | 0x2000 | 0x0800;

/// The bits of `nsCertType`.
const NETSCAPE_SERVER: u16 = 0x4000;
const NETSCAPE_AUTHORITY: u16 = 0x0400;

/// The purposes of a server: serverAuth, and two that servers had before there was that one.
const SERVER_PURPOSES: [&[u8]; 3] = [
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
    &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x03, 0x03],
    &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x04, 0x01],
];

/// The first rule that the certificate fails in this place; `now` is in seconds since 1970.
pub(super) fn fault(certificate: &Certificate<'_>, place: Place, now: i64) -> Option<Fault> {
    let extensions = &certificate.extensions;
    let broken = dates(certificate, now).or_else(|| usable(extensions));
    broken.or_else(|| match place {
        Place::Server => server(extensions),
        Place::Authority { is_top, beneath } => authority(certificate, is_top, beneath),
    })
}

/// Whether it may sign revocation lists, when there are any.
pub(super) fn lists_fault(certificate: &Certificate<'_>) -> Option<Fault> {
    let may_not = certificate.extensions.key_usage.is_some_and(|usage| usage & CRL_SIGN == 0);
    may_not.then(|| Fault {
        why: "may not sign revocation lists (keyUsage without cRLSign)".to_owned(),
        wanted: "may sign revocation lists (keyUsage cRLSign)".to_owned(),
    })
}

/// Whether the certificate is valid on that day.
pub(super) fn is_current(certificate: &Certificate<'_>, now: i64) -> bool {
    dates(certificate, now).is_none()
}

fn dates(certificate: &Certificate<'_>, now: i64) -> Option<Fault> {
    let (from, to) = (certificate.not_before, certificate.not_after);
    let why = if now > to {
        format!("has expired (valid to {})", day(to))
    } else if now < from {
        format!("is not valid yet (valid from {}, and this machine's clock says {})", day(from), day(now))
    } else {
        return None;
    };
    Some(Fault { why, wanted: "is valid today".to_owned() })
}

/// What holds in every place.
fn usable(extensions: &Extensions<'_>) -> Option<Fault> {
    if let Some(unknown) = extensions.unknown {
        return Some(Fault {
            why: format!("has a critical extension that is not known ({})", oid_words(unknown)),
            wanted: "does without that extension, or does not mark it critical".to_owned(),
        });
    }
    let is_for_servers = |purposes: &Vec<&[u8]>| purposes.iter().any(|id| SERVER_PURPOSES.contains(id));
    if extensions.purposes.as_ref().is_some_and(|purposes| !is_for_servers(purposes)) {
        return Some(Fault {
            why: "is not for servers (extendedKeyUsage without serverAuth)".to_owned(),
            wanted: "is for servers (extendedKeyUsage serverAuth, or no extendedKeyUsage)".to_owned(),
        });
    }
    None
}

fn server(extensions: &Extensions<'_>) -> Option<Fault> {
    if extensions.netscape_type.is_some_and(|kinds| kinds & NETSCAPE_SERVER == 0) {
        return Some(Fault {
            why: "is not for servers (nsCertType without server)".to_owned(),
            wanted: "is for servers (no nsCertType)".to_owned(),
        });
    }
    if extensions.key_usage.is_some_and(|usage| usage & FOR_TLS == 0) {
        return Some(Fault {
            why: "is not for TLS (keyUsage without digitalSignature, keyEncipherment and keyAgreement)"
                .to_owned(),
            wanted: "is for TLS (keyUsage digitalSignature)".to_owned(),
        });
    }
    None
}

fn authority(certificate: &Certificate<'_>, is_top: bool, beneath: u64) -> Option<Fault> {
    let extensions = &certificate.extensions;
    if extensions.key_usage.is_some_and(|usage| usage & KEY_CERT_SIGN == 0) {
        return Some(Fault {
            why: "may not sign certificates (keyUsage without keyCertSign)".to_owned(),
            wanted: "may sign certificates (keyUsage keyCertSign)".to_owned(),
        });
    }
    let wanted = "is an authority's (basicConstraints CA:TRUE)".to_owned();
    let Some(constraints) = extensions.basic_constraints else {
        // A root of the time before that extension, or one that says in another way what it is.
        let is_old_root = certificate.version == 1
            || extensions.key_usage.is_some()
            || extensions.netscape_type.is_some_and(|kinds| kinds & NETSCAPE_AUTHORITY != 0);
        let why = "does not say that it is an authority's (no basicConstraints)".to_owned();
        return (!(is_top && is_old_root)).then_some(Fault { why, wanted });
    };
    if !constraints.is_authority {
        return Some(Fault { why: "is not an authority's (basicConstraints CA:FALSE)".to_owned(), wanted });
    }
    let most = constraints.path_length.filter(|&most| beneath > most)?;
    let are = if beneath == 1 { "is" } else { "are" };
    Some(Fault {
        why: format!(
            "allows {most} intermediate certificates beneath it (pathlen), and there {are} {beneath}"
        ),
        wanted: "allows so many (a greater pathlen, or none)".to_owned(),
    })
}
