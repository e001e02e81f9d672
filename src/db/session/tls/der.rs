//! The few fields of an X.509 certificate that pgconn itself needs: names, dates, algorithms and extensions. Judges
//! nothing.

use super::extensions::{Extensions, extensions};
use super::reader::{BIT_STRING, INTEGER, OID, Reader, SEQUENCE};

/// A certificate's fields, borrowed from its bytes.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// What is signed, with its tag and length.
    pub(super) signed: &'a [u8],
    /// The signature's AlgorithmIdentifier, without tag and length.
    pub(super) algorithm: &'a [u8],
    /// The signature's bits.
    pub(super) signature: &'a [u8],
    /// The version, from 1 to 3.
    pub(super) version: u8,
    /// The serial number.
    pub(super) serial: &'a [u8],
    /// The issuer's name, without tag and length.
    pub(super) issuer: &'a [u8],
    /// The subject's name, without tag and length.
    pub(super) subject: &'a [u8],
    /// Start of validity, seconds since 1970.
    pub(super) not_before: i64,
    /// End of validity, seconds since 1970.
    pub(super) not_after: i64,
    /// The public key's SubjectPublicKeyInfo, with tag and length.
    pub(super) public_key: &'a [u8],
    /// What the extensions say.
    pub(super) extensions: Extensions<'a>,
}

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Reads a certificate of any version; `None` when it is not one.
pub(super) fn certificate(der: &[u8]) -> Option<Certificate<'_>> {
    let mut outer = Reader(Reader(der).expect(SEQUENCE)?);
    let (_, body, signed) = outer.element().filter(|(tag, ..)| *tag == SEQUENCE)?;
    let algorithm = outer.expect(SEQUENCE)?;
    // A bit string begins with the number of bits that its last byte does not use.
    let signature = outer.expect(BIT_STRING)?.split_first()?.1;
    let mut body = Reader(body);
    let version = match body.optional(VERSION)? {
        Some(number) => Reader(number).expect(INTEGER)?.last()?.checked_add(1)?,
        None => 1,
    };
    let serial = body.expect(INTEGER)?;
    body.expect(SEQUENCE)?;
    let issuer = body.expect(SEQUENCE)?;
    let mut validity = Reader(body.expect(SEQUENCE)?);
    let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
    let subject = body.expect(SEQUENCE)?;
    let (_, _, public_key) = body.element().filter(|(tag, ..)| *tag == SEQUENCE)?;
    let mut found = Extensions::default();
    while let Some((tag, content, _)) = body.element() {
        if tag == EXTENSIONS {
            found = extensions(content)?;
        }
    }
    Some(Certificate {
        signed,
        algorithm,
        signature,
        version,
        serial,
        issuer,
        subject,
        not_before,
        not_after,
        public_key,
        extensions: found,
    })
}

/// UTCTime or GeneralizedTime, both in the form that certificates use: seconds and `Z`.
pub(super) fn time(reader: &mut Reader<'_>) -> Option<i64> {
    let (tag, content, _) = reader.element()?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let field = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let (month, day, hour, minute, second) = (field(0)?, field(2)?, field(4)?, field(6)?, field(8)?);
    if !(1..=12).contains(&month) {
        return None;
    }
    // Days since 1970 of a date of the Gregorian calendar, counting years from March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// The first common name of a name.
pub(super) fn common_name(name: &[u8]) -> Option<&[u8]> {
    attributes(name).into_iter().find(|(kind, _)| *kind == COMMON_NAME).map(|(_, value)| value)
}

/// A name for people: `CN=db1, O=Example`.
pub(super) fn name_words(name: &[u8]) -> String {
    let words: Vec<String> = attributes(name)
        .into_iter()
        .map(|(kind, value)| {
            let kind = match kind {
                COMMON_NAME => "CN",
                [0x55, 0x04, 0x06] => "C",
                [0x55, 0x04, 0x07] => "L",
                [0x55, 0x04, 0x08] => "ST",
                [0x55, 0x04, 0x0a] => "O",
                [0x55, 0x04, 0x0b] => "OU",
                _ => "?",
            };
            format!("{kind}={}", String::from_utf8_lossy(value))
        })
        .collect();
    if words.is_empty() { "no name".to_owned() } else { words.join(", ") }
}

/// The attributes of a name: object identifier and value.
fn attributes(name: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut sets = Reader(name);
    let mut found = Vec::new();
    while let Some(set) = sets.expect(SET) {
        let mut set = Reader(set);
        while let Some(pair) = set.expect(SEQUENCE) {
            let mut pair = Reader(pair);
            if let (Some(kind), Some((_, value, _))) = (pair.expect(OID), pair.element()) {
                found.push((kind, value));
            }
        }
    }
    found
}

/// An object identifier for people: `1.2.840.113549`.
pub(super) fn oid_words(oid: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0_u64;
    for &byte in oid {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte < 0x80 {
            // The first number holds two: of the first arc, 0 to 2, and of the second.
            let first = (arc / 40).min(2);
            let more = if arcs.is_empty() { vec![first, arc - 40 * first] } else { vec![arc] };
            arcs.extend(more);
            arc = 0;
        }
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// Whether a signature's AlgorithmIdentifier is one that a key of this kind (SubjectPublicKeyInfo, with tag and length) makes.
pub(super) fn is_signature_of(algorithm: &[u8], public_key: &[u8]) -> bool {
    let key = Reader(public_key).expect(SEQUENCE).and_then(|key| Reader(key).expect(SEQUENCE));
    key.and_then(key_kind).is_some_and(|kind| key_kind(algorithm) == Some(kind))
}

/// What algorithms of keys and of signatures have in common: the family of RSA or of elliptic curves, or all of their identifier.
fn key_kind(algorithm: &[u8]) -> Option<&[u8]> {
    match Reader(algorithm).expect(OID)? {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, ..] => Some(b"RSA"),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, ..] => Some(b"EC"),
        other => Some(other),
    }
}

/// The hash function of a signature's AlgorithmIdentifier, by its number of bits; `None` when it has none of its
/// own, as Ed25519. RSA-PSS names it in its parameters.
pub(super) fn hash_bits(algorithm: &[u8]) -> Option<u16> {
    let mut reader = Reader(algorithm);
    match reader.expect(OID)? {
        // RFC 5929 replaces MD5 and SHA-1 by SHA-256.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 4 | 5 | 11] => Some(256),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 12] => Some(384),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 13] => Some(512),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 14] => Some(224),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 10] => pss_hash_bits(reader),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => Some(256),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 1] => Some(224),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 2] => Some(256),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 3] => Some(384),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 4] => Some(512),
        _ => None,
    }
}

/// The hash function of RSA-PSS parameters, with tag and length.
pub(super) fn pss_hash_bits(mut reader: Reader<'_>) -> Option<u16> {
    let mut parameters = Reader(reader.expect(SEQUENCE)?);
    let Some(hash) = parameters.expect(0xa0) else { return Some(256) };
    match Reader(Reader(hash).expect(SEQUENCE)?).expect(OID)? {
        [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Some(256),
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, which] => match which {
            1 => Some(256),
            2 => Some(384),
            3 => Some(512),
            4 => Some(224),
            _ => None,
        },
        _ => None,
    }
}

/// A day for people, from seconds since 1970: `2026-11-22`.
pub(super) fn day(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year_of_era, month + 3) } else { (year_of_era + 1, month - 9) };
    format!("{:04}-{month:02}-{day:02}", year + era * 400)
}

#[cfg(test)]
mod tests {
    use super::super::extensions::Alternative;
    use super::*;
    use proptest::prelude::*;

    fn seconds(tag: u8, text: &str) -> Option<i64> {
        let mut der = vec![tag, u8::try_from(text.len()).expect("short")];
        der.extend_from_slice(text.as_bytes());
        time(&mut Reader(&der))
    }

    #[test]
    fn times_are_seconds_since_1970() {
        assert_eq!(seconds(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(seconds(UTC_TIME, "261122140000Z"), Some(1_795_356_000));
        assert_eq!(seconds(GENERALIZED_TIME, "20500301000001Z"), Some(2_529_705_601));
        assert_eq!(seconds(GENERALIZED_TIME, "20000229235959Z"), Some(951_868_799));
        assert_eq!(seconds(UTC_TIME, "269922140000Z"), None);
        assert_eq!(
            (day(0), day(951_868_799), day(-1)),
            ("1970-01-01".into(), "2000-02-29".into(), "1969-12-31".into())
        );
    }

    proptest! {
        #[test]
        fn days_come_back(days in -700_000_i64..3_000_000) {
            let text = day(days * 86_400).replace('-', "");
            if text.len() == 8 {
                prop_assert_eq!(seconds(GENERALIZED_TIME, &format!("{text}000000Z")), Some(days * 86_400));
            }
        }

        #[test]
        fn fuzz_der(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = certificate(&bytes);
            let _ = hash_bits(&bytes);
            let _ = name_words(&bytes);
            let _ = oid_words(&bytes);
            let _ = extensions(&bytes);
        }

        #[test]
        fn fuzz_der_of_nearly_a_certificate_or_a_list(
            changes in proptest::collection::vec((0_usize..500, any::<u8>()), 1..5),
            cut in 0_usize..1000,
            is_list in any::<bool>(),
        ) {
            let mut der = if is_list { LIST.to_vec() } else { SAMPLE.to_vec() };
            for (at, byte) in changes {
                if let Some(place) = der.get_mut(at) {
                    *place = byte;
                }
            }
            der.truncate(cut);
            let _ = super::super::revocation::revocation_list(&der);
            if let Some(found) = certificate(&der) {
                let _ = super::super::keys::words(found.algorithm, found.public_key);
                let _ = found.extensions.lists_at.map(super::super::extensions::points);
            }
        }
    }

    #[test]
    fn a_certificates_fields_are_found() {
        let found = certificate(SAMPLE).expect("a certificate");
        assert_eq!(name_words(found.subject), "C=DE, O=Example, CN=db1");
        assert_eq!(found.issuer, found.subject);
        assert_eq!(common_name(found.subject), Some(&b"db1"[..]));
        assert_eq!(
            found.extensions.alternatives,
            [Alternative::Dns(b"db1"), Alternative::Ip(&[10, 0, 0, 1])]
        );
        assert_eq!((found.signature.len(), hash_bits(found.algorithm)), (64, None));
        assert_eq!(found.not_after - found.not_before, 36_500 * 86_400);
    }

    #[test]
    fn object_identifiers_are_dotted() {
        assert_eq!(oid_words(&[0x2a, 0x03, 0x04]), "1.2.3.4");
        assert_eq!(oid_words(&[0x55, 0x1d, 0x0e]), "2.5.29.14");
        assert_eq!(oid_words(&[0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42]), "2.16.840.1.113730");
    }

    /// `openssl req -x509 -newkey ed25519 -subj /C=DE/O=Example/CN=db1 -addext subjectAltName=DNS:db1,IP:10.0.0.1`
    const SAMPLE: &[u8] = include_bytes!("sample.der");

    /// `openssl ca -gencrl` with an entry, crlnumber and issuingDistributionPoint.
    const LIST: &[u8] = include_bytes!("sample_list.der");
}
