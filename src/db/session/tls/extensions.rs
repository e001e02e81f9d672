//! The extensions of an X.509 certificate (RFC 5280, 4.2) by which OpenSSL accepts or refuses one. Reads them; judges nothing.

use super::reader::{BOOLEAN, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE};

/// What a certificate's extensions say; `None` or empty without the extension.
#[derive(Debug, Default)]
pub(super) struct Extensions<'a> {
    /// `subjectAltName`, of the kinds that servers have.
    pub(super) alternatives: Vec<Alternative<'a>>,
    /// `basicConstraints`
    pub(super) basic_constraints: Option<BasicConstraints>,
    /// `keyUsage`, its first bit the highest.
    pub(super) key_usage: Option<u16>,
    /// `extKeyUsage`: the object identifiers of the purposes.
    pub(super) purposes: Option<Vec<&'a [u8]>>,
    /// Netscape's `nsCertType`, its first bit the highest.
    pub(super) netscape_type: Option<u16>,
    /// `nameConstraints`, its content.
    pub(super) name_constraints: Option<&'a [u8]>,
    /// `subjectKeyIdentifier`
    pub(super) key_id: Option<&'a [u8]>,
    /// `cRLDistributionPoints`, its content.
    pub(super) lists_at: Option<&'a [u8]>,
    /// `authorityKeyIdentifier`
    pub(super) authority: Authority<'a>,
    /// The object identifier of a critical one that OpenSSL does not know.
    pub(super) unknown: Option<&'a [u8]>,
}

/// One subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Alternative<'a> {
    /// `dNSName`, as it stands in the certificate.
    Dns(&'a [u8]),
    /// `iPAddress`: four or sixteen bytes.
    Ip(&'a [u8]),
}

/// Whether a certificate is an authority's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BasicConstraints {
    /// `cA`
    pub(super) is_authority: bool,
    /// `pathLenConstraint`: how many intermediate certificates may stand beneath it.
    pub(super) path_length: Option<u64>,
}

/// Which certificate has issued this one, beyond the issuer's name.
#[derive(Debug, Default)]
pub(super) struct Authority<'a> {
    /// Its key identifier.
    pub(super) key_id: Option<&'a [u8]>,
    /// The name of its issuer.
    pub(super) issuer: Option<&'a [u8]>,
    /// Its serial number.
    pub(super) serial: Option<&'a [u8]>,
}

const NETSCAPE_TYPE: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x01, 0x01];
const NO_OCSP_CHECK: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05];

/// The tags of a GeneralName.
pub(super) const DNS_NAME: u8 = 0x82;
const DIRECTORY_NAME: u8 = 0xa4;
const IP_ADDRESS: u8 = 0x87;

/// Reads the list of extensions; `None` when it or one that is known is malformed, or when one stands there twice.
pub(super) fn extensions(der: &[u8]) -> Option<Extensions<'_>> {
    let mut list = Reader(Reader(der).expect(SEQUENCE)?);
    let mut found = Extensions::default();
    let mut seen = Vec::new();
    while !list.0.is_empty() {
        let (kind, is_critical, value) = extension(&mut list)?;
        if seen.contains(&kind) {
            return None;
        }
        seen.push(kind);
        let is_known = read(&mut found, kind, value)?;
        if is_critical && !is_known {
            found.unknown = Some(kind);
        }
    }
    Some(found)
}

/// Reads one extension into `found`; whether OpenSSL knows what it means when it is critical (`X509_supported_extension`).
fn read<'a>(found: &mut Extensions<'a>, kind: &'a [u8], mut value: Reader<'a>) -> Option<bool> {
    match kind {
        [0x55, 0x1d, 14] => {
            found.key_id = Some(value.expect(OCTET_STRING)?);
            return Some(false);
        }
        [0x55, 0x1d, 15] => found.key_usage = Some(value.bits()?),
        [0x55, 0x1d, 17] => found.alternatives = alternatives(value)?,
        [0x55, 0x1d, 19] => found.basic_constraints = Some(basic_constraints(value)?),
        [0x55, 0x1d, 30] => found.name_constraints = Some(value.expect(SEQUENCE)?),
        [0x55, 0x1d, 35] => {
            found.authority = authority(value)?;
            return Some(false);
        }
        [0x55, 0x1d, 37] => found.purposes = Some(value.list(OID)?),
        NETSCAPE_TYPE => found.netscape_type = Some(value.bits()?),
        [0x55, 0x1d, 31] => found.lists_at = Some(value.expect(SEQUENCE)?),
        // What is said about policies: nothing that libpq asks for.
        [0x55, 0x1d, 32 | 33 | 36 | 54] | NO_OCSP_CHECK => {}
        _ => return Some(false),
    }
    Some(true)
}

/// Which certificates of its issuer's a revocation list is about (`issuingDistributionPoint`).
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    /// Those that point to one of these places; `None` for all.
    pub(super) points: Option<Vec<&'a [u8]>>,
    /// Those of this kind.
    pub(super) about: About,
}

/// A kind of certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum About {
    /// Any.
    #[default]
    All,
    /// Those of authorities.
    Authorities,
    /// Those of anybody else.
    Others,
    /// None that pgconn asks for: a list of changes, of other issuers' certificates, of some reasons, of attributes.
    Nothing,
}

/// The extensions of a revocation list: who has issued it, what it is about, and whether a critical one is not known; `None` when
/// they are malformed.
pub(super) fn list_extensions(der: &[u8]) -> Option<(Authority<'_>, Scope<'_>, bool)> {
    let mut list = Reader(Reader(der).expect(SEQUENCE)?);
    let (mut issuer, mut scope, mut is_unknown) = (Authority::default(), Scope::default(), false);
    let mut is_of_changes = false;
    while !list.0.is_empty() {
        let (kind, is_critical, value) = extension(&mut list)?;
        match kind {
            [0x55, 0x1d, 27] => is_of_changes = true,
            [0x55, 0x1d, 28] => scope = self::scope(value)?,
            [0x55, 0x1d, 35] => issuer = authority(value)?,
            _ => is_unknown |= is_critical,
        }
    }
    if is_of_changes {
        scope.about = About::Nothing;
    }
    Some((issuer, scope, is_unknown))
}

/// Whether one of the extensions, without the tag and length of their list, is critical; `None` when they are malformed.
pub(super) fn has_critical(extensions: &[u8]) -> Option<bool> {
    let mut list = Reader(extensions);
    let mut found = false;
    while !list.0.is_empty() {
        found |= extension(&mut list)?.1;
    }
    Some(found)
}

/// The next extension: its object identifier, whether it is critical, and its value.
fn extension<'a>(list: &mut Reader<'a>) -> Option<(&'a [u8], bool, Reader<'a>)> {
    let mut extension = Reader(list.expect(SEQUENCE)?);
    let kind = extension.expect(OID)?;
    let is_critical = extension.optional(BOOLEAN)?.is_some_and(is_true);
    Some((kind, is_critical, Reader(extension.expect(OCTET_STRING)?)))
}

fn scope(mut value: Reader<'_>) -> Option<Scope<'_>> {
    let mut fields = Reader(value.expect(SEQUENCE)?);
    let mut found = Scope::default();
    while !fields.0.is_empty() {
        let (tag, content, _) = fields.element()?;
        let about = match tag {
            0xa0 => {
                found.points = Some(point(content));
                continue;
            }
            0x81 if is_true(content) => About::Others,
            0x82 if is_true(content) => About::Authorities,
            0x81 | 0x82 | 0x84 | 0x85 if !is_true(content) => continue,
            _ => About::Nothing,
        };
        found.about = if found.about == About::All { about } else { About::Nothing };
    }
    Some(found)
}

/// The names of a DistributionPointName, each with tag and length; none for one that is relative to its issuer's.
fn point(name: &[u8]) -> Vec<&[u8]> {
    let mut names = Reader(Reader(name).expect(0xa0).unwrap_or_default());
    let mut found = Vec::new();
    while let Some((_, _, whole)) = names.element() {
        found.push(whole);
    }
    found
}

/// The names of all places in `cRLDistributionPoints`.
pub(super) fn points(content: &[u8]) -> Vec<&[u8]> {
    let mut places = Reader(content);
    let mut found = Vec::new();
    while let Some(place) = places.expect(SEQUENCE) {
        if let Some(name) = Reader(place).expect(0xa0) {
            found.append(&mut point(name));
        }
    }
    found
}

fn is_true(content: &[u8]) -> bool {
    content.iter().any(|&byte| byte != 0)
}

fn alternatives(mut value: Reader<'_>) -> Option<Vec<Alternative<'_>>> {
    let mut names = Reader(value.expect(SEQUENCE)?);
    let mut found = Vec::new();
    while let Some((tag, content, _)) = names.element() {
        match tag {
            DNS_NAME => found.push(Alternative::Dns(content)),
            IP_ADDRESS => found.push(Alternative::Ip(content)),
            _ => {}
        }
    }
    Some(found)
}

fn basic_constraints(mut value: Reader<'_>) -> Option<BasicConstraints> {
    let mut fields = Reader(value.expect(SEQUENCE)?);
    let is_authority = fields.optional(BOOLEAN)?.is_some_and(is_true);
    let path_length = match fields.optional(INTEGER)? {
        Some([first, ..]) if *first > 0x7f => return None,
        Some(digits) => Some(
            digits
                .iter()
                .fold(0, |length: u64, &digit| length.saturating_mul(0x100).saturating_add(digit.into())),
        ),
        None => None,
    };
    Some(BasicConstraints { is_authority, path_length })
}

fn authority(mut value: Reader<'_>) -> Option<Authority<'_>> {
    let mut fields = Reader(value.expect(SEQUENCE)?);
    let mut found = Authority::default();
    while !fields.0.is_empty() {
        match fields.element()? {
            (0x80, content, _) => found.key_id = Some(content),
            (0xa1, content, _) => {
                let mut names = Reader(content);
                while let Some((tag, name, _)) = names.element() {
                    if tag == DIRECTORY_NAME {
                        found.issuer = found.issuer.or(Reader(name).expect(SEQUENCE));
                    }
                }
            }
            (0x82, content, _) => found.serial = Some(content),
            _ => {}
        }
    }
    Some(found)
}
