//! Which server certificates are accepted: those whose chain leads to a listed certificate (`chain`), in which every one counts
//! in its place (`judge`), and which rustls-webpki verifies; and the cases in which libpq (that is, OpenSSL) accepts what webpki
//! does not: a self-signed certificate that is itself listed, certificates of X.509 version 1 or marked as an authority's, and keys
//! that are for RSA-PSS alone.

use super::files::Roots;
use super::judge::{self, Place};
use super::keys::{self, Algorithms};
use super::member::{Member, Who};
use super::plain::plain;
use super::refused::{Named, Refused};
use super::{chain, der, names, revocation};
use crate::model::suggestion::Hint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use webpki::{EndEntityCert, KeyUsage, RawPublicKeyEntity, anchor_from_trusted_cert};

/// Why a certificate was refused, for people.
#[derive(Debug)]
pub(super) struct Rejected {
    /// The rule that failed.
    pub(super) why: String,
    /// What to check.
    pub(super) hint: Hint,
    /// It is signed in a way that pgconn cannot check.
    pub(super) is_unchecked: bool,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Rejected {}

/// The rules of one connection.
pub(super) struct Verifier {
    /// The provider of signature algorithms.
    pub(super) provider: Arc<CryptoProvider>,
    /// The certificates to trust; `None` when the certificate is not to be checked.
    pub(super) roots: Option<Roots>,
    /// Revocation lists, in DER; `None` for no check.
    pub(super) lists: Option<Vec<Vec<u8>>>,
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
        roots: &Roots,
        leaf: &Member<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Refused> {
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        // What is wrong with the server's own certificate is said before anything about others.
        if let Some(fault) = judge::fault(&leaf.fields, Place::Server, seconds) {
            return Err(Refused::Faulty(Named::new(leaf), fault));
        }
        let sent: Vec<_> = intermediates.iter().filter_map(|one| Member::read(one, Who::Sent)).collect();
        let listed = roots.certificates.iter().filter_map(|one| Member::read(one, Who::Listed));
        let listed: Vec<_> = listed.collect();
        let chain = chain::find(leaf, &sent, &listed, seconds)?;
        chain::check(&chain, self.lists.is_some(), seconds)?;
        for authority in chain.iter().skip(1) {
            let limits = authority.fields.extensions.name_constraints;
            if limits.is_some_and(|limits| !names::permits(limits, &leaf.fields)) {
                return Err(Refused::Limited(Named::new(authority)));
            }
        }
        self.check_signatures(leaf, &chain, now)?;
        let Some(lists) = &self.lists else { return Ok(()) };
        let lists: Vec<_> = lists.iter().filter_map(|list| revocation::revocation_list(list)).collect();
        revocation::check(&lists, &chain, self.algorithms(), seconds)
    }

    fn algorithms(&self) -> Algorithms {
        self.provider.signature_verification_algorithms.all
    }

    /// Signatures, and once more what webpki has rules for, in exactly this chain.
    fn check_signatures(
        &self,
        leaf: &Member<'_>,
        chain: &[&Member<'_>],
        now: UnixTime,
    ) -> Result<(), Refused> {
        let Some((top, below)) = chain.split_last() else { return Ok(()) };
        if below.is_empty() {
            return Ok(());
        }
        let anchor = anchor_from_trusted_cert(top.der);
        let anchors = [anchor.map_err(|error| broken(&error))?];
        let intermediates: Vec<_> =
            below.iter().skip(1).map(|one| CertificateDer::from(one.der.as_ref())).collect();
        let usage = KeyUsage::server_auth();
        let verified = EndEntityCert::try_from(leaf.der).and_then(|certificate| {
            certificate
                .verify_for_usage(self.algorithms(), &anchors, &intermediates, now, usage, None, None)
                .map(|_| ())
        });
        use webpki::Error as E;
        match verified {
            Ok(()) => Ok(()),
            Err(
                E::UnsupportedCertVersion
                | E::CaUsedAsEndEntity
                | E::UnsupportedSignatureAlgorithmContext(_)
                | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_),
            ) => self.check_by_key(chain),
            Err(error @ E::InvalidSignatureForPublicKey) => self.check_keys(chain).and(Err(broken(&error))),
            Err(error) => Err(broken(&error)),
        }
    }

    /// A chain that webpki does not verify because of what the server's certificate is, or how one is signed; its members are
    /// judged.
    fn check_by_key(&self, chain: &[&Member<'_>]) -> Result<(), Refused> {
        for authority in chain.iter().skip(1) {
            let limits = authority.fields.extensions.name_constraints;
            if limits.is_some_and(|limits| !names::are_domains(limits)) {
                return Err(Refused::Chain(
                    "it is of version 1, an authority's or signed in a rare way, for which pgconn can hold nameConstraints only against domains"
                        .to_owned(),
                ));
            }
        }
        self.check_keys(chain)
    }

    /// Whether every certificate of a chain is signed with the key of the next.
    fn check_keys(&self, chain: &[&Member<'_>]) -> Result<(), Refused> {
        for (one, issuer) in chain.iter().zip(chain.iter().skip(1)) {
            let (fields, key) = (&one.fields, issuer.fields.public_key);
            match keys::is_signed(key, fields.algorithm, fields.signed, fields.signature, self.algorithms()) {
                Some(true) => {}
                Some(false) => return Err(Refused::Unsigned(Named::new(one))),
                None => return Err(Refused::Unchecked(Named::new(one), keys::words(fields.algorithm, key))),
            }
        }
        Ok(())
    }

    /// The signature that proves possession of the key; `usual` is the check of certificates that webpki can read.
    fn check_signature(
        &self,
        usual: UsualCheck,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let key = der::certificate(certificate).map(|fields| fields.public_key).unwrap_or_default();
        if let Some(is_signed) = keys::has_signed_handshake(key, signed.scheme, message, signed.signature()) {
            let bad = rustls::Error::InvalidCertificate(CertificateError::BadSignature);
            return if is_signed { Ok(HandshakeSignatureValid::assertion()) } else { Err(bad) };
        }
        if matches!(EndEntityCert::try_from(certificate), Err(webpki::Error::UnsupportedCertVersion)) {
            return self.check_signature_with_raw_key(message, certificate, signed);
        }
        usual(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    /// Checks the signature of a handshake by certificates that webpki cannot read (version 1).
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

/// The rule of webpki's that failed.
fn broken(error: &webpki::Error) -> Refused {
    use webpki::Error as E;
    let chain = |why: &str| Refused::Chain(why.to_owned());
    match error {
        E::NameConstraintViolation => {
            chain("an authority above it may not vouch for its names (nameConstraints)")
        }
        E::MaximumPathDepthExceeded => chain("too many intermediate certificates stand above it"),
        other => {
            let rule = plain(&format!("{other:?}"));
            Refused::Chain(format!("it, or a certificate above it, breaks a rule: {rule}"))
        }
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
        let rejected = |why: String, hint: Hint, is_unchecked: bool| {
            let rejected = OtherError(Arc::new(Rejected { why, hint, is_unchecked }));
            rustls::Error::InvalidCertificate(CertificateError::Other(rejected))
        };
        let Some(leaf) = Member::read(leaf, Who::Server) else {
            let why = "server certificate could not be read";
            return Err(rejected(why.to_owned(), "check the server's ssl_cert_file".into(), false));
        };
        self.check_chain(roots, &leaf, intermediates, now).map_err(|refused| {
            let why = format!("certificate verify failed: {}", refused.words(&leaf));
            rejected(why, refused.hint(&roots.place), matches!(refused, Refused::Unchecked(..)))
        })?;
        if let Some(host) = &self.host {
            names::check(&leaf.fields, host).map_err(|why| rejected(why, names::hint(host).into(), false))?;
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
        let mut schemes = self.provider.signature_verification_algorithms.supported_schemes();
        schemes.extend(keys::further_schemes());
        schemes
    }
}
