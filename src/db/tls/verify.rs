//! Which server certificates are accepted: rustls-webpki's chain verification, and the cases in which libpq (that is,
//! OpenSSL) accepts what webpki does not: a self-signed certificate that is itself a listed root, and certificates
//! of X.509 version 1 or marked as a CA that a listed root has issued directly.

use super::der::{self, Certificate};
use super::names;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RawPublicKeyEntity, RevocationCheckDepth,
    RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert, spki_for_anchor,
};

/// Why a certificate was refused, for people.
#[derive(Debug)]
pub(super) struct Rejected(pub(super) String);

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Rejected {}

/// The rules of one connection.
pub(super) struct Verifier {
    /// The provider of signature algorithms.
    pub(super) provider: Arc<CryptoProvider>,
    /// The certificates to trust; `None` when the certificate is not to be checked.
    pub(super) roots: Option<Vec<CertificateDer<'static>>>,
    /// Revocation lists; empty for no check.
    pub(super) crls: Vec<CertRevocationList<'static>>,
    /// The host name to check; `None` for no check.
    pub(super) host: Option<String>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("host", &self.host).finish_non_exhaustive()
    }
}

/// rustls's own check of a handshake's signature, in TLS 1.2 or 1.3.
type UsualCheck = fn(
    &[u8],
    &CertificateDer<'_>,
    &DigitallySignedStruct,
    &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, rustls::Error>;

impl Verifier {
    fn check_chain(
        &self,
        roots: &[CertificateDer<'static>],
        leaf: &CertificateDer<'_>,
        fields: &Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), String> {
        let is_self_signed_root = fields.issuer == fields.subject && roots.iter().any(|root| root == leaf);
        if is_self_signed_root {
            return check_dates(fields, now);
        }
        let anchors: Vec<_> = roots.iter().filter_map(|root| anchor_from_trusted_cert(root).ok()).collect();
        let algorithms = self.provider.signature_verification_algorithms.all;
        let crls: Vec<&CertRevocationList<'_>> = self.crls.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&crls).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        let verified = EndEntityCert::try_from(leaf).and_then(|certificate| {
            certificate
                .verify_for_usage(
                    algorithms,
                    &anchors,
                    intermediates,
                    now,
                    KeyUsage::server_auth(),
                    revocation,
                    None,
                )
                .map(|_| ())
        });
        match verified {
            Ok(()) => Ok(()),
            Err(webpki::Error::UnsupportedCertVersion | webpki::Error::CaUsedAsEndEntity)
                if crls.is_empty() =>
            {
                check_dates(fields, now)?;
                let issuers = anchors.iter().filter(|anchor| anchor.subject.as_ref() == fields.issuer);
                let is_issued = issuers.map(spki_for_anchor).any(|key| {
                    let algorithms = algorithms.iter().copied();
                    let mut fitting =
                        algorithms.filter(|known| known.signature_alg_id().as_ref() == fields.algorithm);
                    fitting.any(|algorithm| {
                        RawPublicKeyEntity::try_from(&key)
                            .and_then(|key| key.verify_signature(algorithm, fields.signed, fields.signature))
                            .is_ok()
                    })
                });
                if is_issued { Ok(()) } else { Err("no listed root certificate has issued it".to_owned()) }
            }
            Err(error) => Err(check_dates(fields, now).err().unwrap_or_else(|| chain_words(&error))),
        }
    }

    /// The signature that proves possession of the key; `usual` is the check of certificates that webpki can read.
    fn check_signature(
        &self,
        usual: UsualCheck,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if matches!(EndEntityCert::try_from(certificate), Err(webpki::Error::UnsupportedCertVersion)) {
            return self.check_signature_with_raw_key(message, certificate, signed);
        }
        usual(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    /// The same for certificates that webpki cannot read (version 1).
    fn check_signature_with_raw_key(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let bad = || rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
        let fields = der::certificate(certificate).ok_or_else(bad)?;
        let key = SubjectPublicKeyInfoDer::from(fields.public_key);
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| bad())?;
        let mapping = self.provider.signature_verification_algorithms.mapping;
        let algorithms = mapping.iter().find(|(scheme, _)| *scheme == signed.scheme).map(|(_, known)| *known);
        let mut algorithms = algorithms.unwrap_or_default().iter();
        if algorithms.any(|known| key.verify_signature(*known, message, signed.signature()).is_ok()) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::BadSignature))
    }
}

fn check_dates(fields: &Certificate<'_>, now: UnixTime) -> Result<(), String> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now > fields.not_after {
        Err("it has expired".to_owned())
    } else if now < fields.not_before {
        Err("it is not valid yet".to_owned())
    } else {
        Ok(())
    }
}

/// The rule that failed, for people.
fn chain_words(error: &webpki::Error) -> String {
    use webpki::Error as E;
    match error {
        E::UnknownIssuer => {
            "it was issued by an authority that is not among the root certificates".to_owned()
        }
        E::CertExpired { .. } => "it, or a certificate above it, has expired".to_owned(),
        E::CertNotValidYet { .. } => "it, or a certificate above it, is not valid yet".to_owned(),
        E::CertRevoked => "it was revoked".to_owned(),
        E::UnknownRevocationStatus => "the revocation list does not cover it".to_owned(),
        E::CrlExpired { .. } => "the revocation list has expired".to_owned(),
        E::InvalidSignatureForPublicKey => "its signature is wrong".to_owned(),
        other => format!("{other}"),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(roots) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        let rejected = |why: String| {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Rejected(why)))))
        };
        let Some(fields) = der::certificate(leaf) else {
            return Err(rejected("server certificate could not be read".to_owned()));
        };
        self.check_chain(roots, leaf, &fields, intermediates, now).map_err(|why| {
            rejected(format!(
                "certificate verify failed: {why} (subject {}, issuer {}, valid from {} to {})",
                der::name_words(fields.subject),
                der::name_words(fields.issuer),
                der::day(fields.not_before),
                der::day(fields.not_after),
            ))
        })?;
        if let Some(host) = &self.host {
            names::check(&fields, host).map_err(rejected)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(verify_tls12_signature, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(verify_tls13_signature, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
