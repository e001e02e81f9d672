//! Asks a server for TLS and shakes hands, with the certificates that the settings name.

use super::super::address::{Address, Route};
use super::super::attempt::{AttemptFailure, Next};
use super::super::lost::{lost, not_postgres};
use super::super::wire::CERTIFICATE_NOT_REQUESTED;
use super::failure::{failure, is_own_limit};
use super::no_tls::NoTls;
use super::verify::Verifier;
use super::{der, files};
use crate::conninfo::{ConnInfo, SslMode, SslNegotiation, TlsVersion};
use crate::db::error::{Error, ErrorKind};
use rustls::client::ResolvesClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme, SupportedProtocolVersion};
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The request for TLS in PostgreSQL's protocol: length 8, code 1234.5679.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// The name of PostgreSQL's protocol in TLS.
const ALPN: &[u8] = b"postgresql";

/// What a server said to the request for TLS.
pub(in crate::db::session) enum Offer {
    /// TLS follows.
    Yes,
    /// It has none; the connection goes on without.
    No,
}

/// Asks for TLS, unless it is to begin at once. Who does not even answer that question is given nothing more, least of all a login
/// in plain text: anybody on the way could have sent it. What is no PostgreSQL server may have others beside it, and so may one that
/// is gone.
pub(in crate::db::session) async fn request(
    stream: &mut TcpStream,
    info: &ConnInfo,
) -> Result<Offer, AttemptFailure> {
    if info.settings().ssl_negotiation == SslNegotiation::Direct {
        return Ok(Offer::Yes);
    }
    let gone = |error: &std::io::Error| AttemptFailure::new(lost(error), Next::Host);
    stream.write_all(&SSL_REQUEST).await.map_err(|error| gone(&error))?;
    // Exactly one byte: whatever came with it unencrypted must never be taken for part of the session.
    let answer = stream.read_u8().await.map_err(|error| gone(&error))?;
    let mut more = [0; 64];
    let mut seen = vec![answer];
    if answer != b'N'
        && let Ok(count) = stream.try_read(&mut more)
    {
        seen.extend_from_slice(more.get(..count).unwrap_or_default());
    }
    let unexpected =
        |words: &str, next| Err(AttemptFailure::new(Error::new(ErrorKind::Protocol, words), next));
    match answer {
        // With TLS the client speaks first.
        b'S' if seen.len() > 1 => unexpected("received unencrypted data after SSL response", Next::Host),
        b'S' => Ok(Offer::Yes),
        b'N' => Ok(Offer::No),
        b'E' => unexpected("server sent an error response during SSL exchange", Next::Stop),
        _ => Err(AttemptFailure::new(not_postgres(&seen), Next::Host)),
    }
}

/// What a handshake came to.
pub(in crate::db::session) struct Encrypted {
    /// The encrypted stream.
    pub(in crate::db::session) stream: Box<TlsStream<TcpStream>>,
    /// The hash that SCRAM binds to.
    pub(in crate::db::session) end_point: Option<Vec<u8>>,
    /// Why the server knows no certificate of ours, if it does not.
    pub(in crate::db::session) unknown: Option<&'static str>,
    /// What the user should know.
    pub(in crate::db::session) warning: Option<String>,
}

/// Shakes hands.
pub(in crate::db::session) async fn handshake(
    stream: TcpStream,
    info: &ConnInfo,
    address: &Address,
) -> Result<Encrypted, NoTls> {
    let (config, identity, warning) = config(info, address)?;
    let connector = TlsConnector::from(Arc::new(config));
    let connected = connector.connect(server_name(address), stream).await;
    let stream = connected.map_err(|error| NoTls {
        is_own_limit: is_own_limit(&error),
        error: failure(&error).unwrap_or_else(|| lost(&error)),
    })?;
    let (_, session) = stream.get_ref();
    if info.settings().ssl_negotiation == SslNegotiation::Direct && session.alpn_protocol() != Some(ALPN) {
        let message = "direct SSL connection was established without ALPN protocol negotiation extension";
        return Err(Error::new(ErrorKind::Tls, message).into());
    }
    let unknown = match (identity.was_asked.load(Ordering::Relaxed), &identity.certificate) {
        (false, _) => Some(CERTIFICATE_NOT_REQUESTED),
        (true, None) => Some("server accepted connection without a valid SSL certificate"),
        (true, Some(_)) => None,
    };
    let leaf = session.peer_certificates().and_then(<[_]>::first);
    let end_point = leaf.and_then(|leaf| end_point(leaf));
    Ok(Encrypted { stream: Box::new(stream), end_point, unknown, warning })
}

/// The `tls-server-end-point` binding (RFC 5929): the certificate's hash by its own signature's hash function.
fn end_point(leaf: &[u8]) -> Option<Vec<u8>> {
    Some(match der::hash_bits(der::certificate(leaf)?.algorithm)? {
        224 => Sha224::digest(leaf).to_vec(),
        256 => Sha256::digest(leaf).to_vec(),
        384 => Sha384::digest(leaf).to_vec(),
        _ => Sha512::digest(leaf).to_vec(),
    })
}

/// The settings of the handshake, whom it shows, and what the user should know.
type Config = (ClientConfig, Arc<Identity>, Option<String>);

fn config(info: &ConnInfo, address: &Address) -> Result<Config, NoTls> {
    let settings = info.settings();
    let mut provider = ring::default_provider();
    // Servers up to 17 use this curve by default: offering it first saves a round trip.
    provider.kx_groups = vec![ring::kx_group::SECP256R1, ring::kx_group::X25519, ring::kx_group::SECP384R1];
    let provider = Arc::new(provider);
    let roots = files::roots(info)?;
    let lists = if roots.is_some() { files::revocation_lists(info)? } else { None };
    let certificate = match files::identity(info)? {
        Some((chain, key)) => Some(Arc::new(certified(chain, key, &provider)?)),
        None => None,
    };
    let identity = Arc::new(Identity { certificate, was_asked: AtomicBool::new(false) });
    let host = (settings.ssl_mode == SslMode::VerifyFull).then(|| address.host.clone());
    let verifier = Verifier { provider: Arc::clone(&provider), roots, lists, host };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings.ssl_min, settings.ssl_max))
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(identity.clone());
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_sni = settings.ssl_sni && matches!(server_name(address), ServerName::DnsName(_));
    let mut warning = None;
    match files::key_log(info) {
        Some(Ok(file)) => config.key_log = Arc::new(file),
        Some(Err(why)) => warning = Some(why),
        None => {}
    }
    Ok((config, identity, warning))
}

/// A certificate of any version with its key, which must fit.
fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, NoTls> {
    let failed = |why: &str| format!("the client certificate cannot be used with its key: {why}");
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_| {
        let why = "it is none that pgconn can sign with (RSA of 2048 to 8192 bits, P-256, P-384, Ed25519)";
        NoTls::own_limit(failed(why))
    })?;
    let own = chain.first().and_then(|own| der::certificate(own));
    let fits = key.public_key().is_none_or(|key| own.is_some_and(|own| own.public_key == key.as_ref()));
    if fits { Ok(CertifiedKey::new(chain, key)) } else { Err(failed("it is another one's key").into()) }
}

fn versions(min: Option<TlsVersion>, max: Option<TlsVersion>) -> Vec<&'static SupportedProtocolVersion> {
    let known = [(TlsVersion::V1_3, &rustls::version::TLS13), (TlsVersion::V1_2, &rustls::version::TLS12)];
    let fits =
        |version: TlsVersion| min.is_none_or(|min| version >= min) && max.is_none_or(|max| version <= max);
    known.into_iter().filter(|(version, _)| fits(*version)).map(|(_, known)| known).collect()
}

/// The name for the handshake. The verifier looks at the host itself, so that a name which rustls does not take (an
/// underscore in it) gets a stand-in instead of an error.
fn server_name(address: &Address) -> ServerName<'static> {
    if let Ok(name) = ServerName::try_from(address.host.clone()) {
        return name;
    }
    match address.route {
        Route::Tcp(address) => ServerName::IpAddress(address.ip().into()),
        Route::Socket(_) => ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([127, 0, 0, 1]))),
    }
}

/// The client's certificate, and whether the server wanted one.
#[derive(Debug)]
struct Identity {
    certificate: Option<Arc<CertifiedKey>>,
    was_asked: AtomicBool,
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        self.certificate.clone()
    }

    // The server's request is to be noted even when there is nothing to send.
    fn has_certs(&self) -> bool {
        true
    }
}
