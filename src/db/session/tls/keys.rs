//! Signatures by the keys of certificates: those that rustls-webpki can check, and those of keys that are for RSA-PSS alone
//! (id-RSASSA-PSS), which it does not take.

use super::der::{hash_bits, oid_words, pss_hash_bits};
use super::reader::{BIT_STRING, INTEGER, OID, Reader, SEQUENCE};
use ring::signature::{
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey,
};
use rustls::SignatureScheme;
use rustls::pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use webpki::RawPublicKeyEntity;

/// The algorithms that signatures can be checked with.
pub(super) type Algorithms = &'static [&'static dyn SignatureVerificationAlgorithm];

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 1];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 10];

/// The schemes of TLS 1.3 for keys that are for RSA-PSS alone (RFC 8446, 4.2.3: `rsa_pss_pss_sha256` and so on), which rustls
/// does not name, with their hash functions.
const PSS_SCHEMES: [(SignatureScheme, u16); 3] = [
    (SignatureScheme::Unknown(0x0809), 256),
    (SignatureScheme::Unknown(0x080a), 384),
    (SignatureScheme::Unknown(0x080b), 512),
];

/// Whether the key (a SubjectPublicKeyInfo, with tag and length) has signed `message`; `algorithm` is the signature's
/// AlgorithmIdentifier, without tag and length. `None` when that cannot be checked.
pub(super) fn is_signed(
    public_key: &[u8],
    algorithm: &[u8],
    message: &[u8],
    signature: &[u8],
    algorithms: Algorithms,
) -> Option<bool> {
    if let Some(key) = PssKey::read(public_key) {
        let mut parameters = Reader(algorithm);
        let is_pss = parameters.expect(OID) == Some(RSA_PSS);
        let bits = hash_bits(algorithm).filter(|_| is_pss)?;
        let can_be_checked = salt(parameters)? == u64::from(bits / 8);
        return key.has_signed(bits, message, signature).filter(|_| can_be_checked);
    }
    let key = SubjectPublicKeyInfoDer::from(public_key);
    let key = RawPublicKeyEntity::try_from(&key).ok()?;
    let mut can_be_checked = false;
    for known in algorithms.iter().filter(|known| known.signature_alg_id().as_ref() == algorithm) {
        match key.verify_signature(*known, message, signature) {
            Ok(()) => return Some(true),
            Err(error) => can_be_checked |= error == webpki::Error::InvalidSignatureForPublicKey,
        }
    }
    can_be_checked.then_some(false)
}

/// The schemes that a server may sign the handshake with beside those that rustls knows.
pub(super) fn further_schemes() -> impl Iterator<Item = SignatureScheme> {
    PSS_SCHEMES.into_iter().map(|(scheme, _)| scheme)
}

/// Whether a key that is for RSA-PSS alone has signed the handshake by this scheme; `None` when it is another kind of key.
pub(super) fn has_signed_handshake(
    public_key: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let key = PssKey::read(public_key)?;
    let known = PSS_SCHEMES.iter().find(|(known, _)| *known == scheme);
    Some(known.is_some_and(|(_, bits)| key.has_signed(*bits, message, signature) == Some(true)))
}

/// A key for RSA-PSS alone (RFC 4055, 1.2).
struct PssKey<'a> {
    /// RSAPublicKey.
    key: &'a [u8],
    /// The only hash function that it signs with, and the shortest salt; `None` for no such limit.
    limits: Option<(u16, u64)>,
}

impl<'a> PssKey<'a> {
    /// `None` when it is another kind of key.
    fn read(public_key: &'a [u8]) -> Option<Self> {
        let mut fields = Reader(Reader(public_key).expect(SEQUENCE)?);
        let mut algorithm = Reader(fields.expect(SEQUENCE)?);
        if algorithm.expect(OID)? != RSA_PSS {
            return None;
        }
        let (_, key) = fields.expect(BIT_STRING)?.split_first()?;
        let limits =
            if algorithm.0.is_empty() { None } else { Some((pss_hash_bits(algorithm)?, salt(algorithm)?)) };
        Some(Self { key, limits })
    }

    /// With a salt as long as the hash, which is what TLS and OpenSSL sign with. `None` for hash functions that cannot be checked.
    fn has_signed(&self, bits: u16, message: &[u8], signature: &[u8]) -> Option<bool> {
        let algorithm = match bits {
            256 => &RSA_PSS_2048_8192_SHA256,
            384 => &RSA_PSS_2048_8192_SHA384,
            512 => &RSA_PSS_2048_8192_SHA512,
            _ => return None,
        };
        if self.limits.is_some_and(|(only, salt)| only != bits || salt > u64::from(bits / 8)) {
            return Some(false);
        }
        Some(UnparsedPublicKey::new(algorithm, self.key).verify(message, signature).is_ok())
    }
}

/// The length of the salt in RSA-PSS parameters, with tag and length.
fn salt(mut parameters: Reader<'_>) -> Option<u64> {
    let mut fields = Reader(parameters.expect(SEQUENCE)?);
    while let Some((tag, content, _)) = fields.element() {
        if tag == 0xa2 {
            let digits = Reader(content).expect(INTEGER)?;
            let add = |length: u64, &digit: &u8| length.saturating_mul(0x100).saturating_add(digit.into());
            return Some(digits.iter().fold(0, add));
        }
    }
    Some(20)
}

/// How something is signed, for people: `ecdsa-with-SHA512 with a P-256 key`.
pub(super) fn words(algorithm: &[u8], public_key: &[u8]) -> String {
    let mut reader = Reader(algorithm);
    let how = match reader.expect(OID).unwrap_or_default() {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 4] => "RSA-MD5".to_owned(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 5] => "RSA-SHA1".to_owned(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 11..=14] => {
            format!("RSA-SHA{}", hash_bits(algorithm).unwrap_or_default())
        }
        RSA_PSS => format!(
            "RSA-PSS-SHA{} and a salt of {} bytes",
            hash_bits(algorithm).unwrap_or_default(),
            salt(reader).unwrap_or_default()
        ),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => "ecdsa-with-SHA1".to_owned(),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, _] => {
            format!("ecdsa-with-SHA{}", hash_bits(algorithm).unwrap_or_default())
        }
        other => named_curve(other).map_or_else(|| oid_words(other), str::to_owned),
    };
    format!("{how} with {} key", key_words(public_key))
}

/// The kind of a key, for people, with its article: `a P-521`, `an RSA`.
pub(super) fn key_words(public_key: &[u8]) -> String {
    let mut algorithm = Reader(
        Reader(public_key).expect(SEQUENCE).and_then(|key| Reader(key).expect(SEQUENCE)).unwrap_or_default(),
    );
    match algorithm.expect(OID).unwrap_or_default() {
        RSA => "an RSA".to_owned(),
        RSA_PSS => "an RSA-PSS".to_owned(),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => match algorithm.expect(OID).unwrap_or_default() {
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 7] => "a P-256".to_owned(),
            [0x2b, 0x81, 0x04, 0, 34] => "a P-384".to_owned(),
            [0x2b, 0x81, 0x04, 0, 35] => "a P-521".to_owned(),
            other => format!("an EC ({})", oid_words(other)),
        },
        other => named_curve(other)
            .map_or_else(|| format!("a ({})", oid_words(other)), |name| format!("an {name}")),
    }
}

fn named_curve(oid: &[u8]) -> Option<&'static str> {
    match oid {
        [0x2b, 0x65, 112] => Some("Ed25519"),
        [0x2b, 0x65, 113] => Some("Ed448"),
        _ => None,
    }
}
