//! Asks a server for TLS and shakes hands, with the certificates that the settings name.

use super::super::address::{Address, Route};
use super::super::lost::{lost, not_postgres};
use super::super::wire::CERTIFICATE_NOT_REQUESTED;
use super::failure::failure;
use super::verify::Verifier;
use super::{der, files};
use crate::conninfo::{ConnInfo, SslMode, SslNegotiation, TlsVersion};
use crate::db::error::{Error, ErrorKind};
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::{IpAddr, Ipv4Addr, ServerName};
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

/// Asks for TLS, unless it is to begin at once.
pub(in crate::db::session) async fn request(stream: &mut TcpStream, info: &ConnInfo) -> Result<Offer, Error> {
    if info.settings().ssl_negotiation == SslNegotiation::Direct {
        return Ok(Offer::Yes);
    }
    stream.write_all(&SSL_REQUEST).await.map_err(|error| lost(&error))?;
    // Exactly one byte: whatever came with it unencrypted must never be taken for part of the session.
    match stream.read_u8().await.map_err(|error| lost(&error))? {
        b'S' => Ok(Offer::Yes),
        b'N' => Ok(Offer::No),
        b'E' => Err(Error::new(ErrorKind::Server, "server sent an error response during SSL exchange")),
        other => {
            let mut seen = vec![other];
            let mut more = [0; 64];
            if let Ok(count) = stream.try_read(&mut more) {
                seen.extend_from_slice(more.get(..count).unwrap_or_default());
            }
            Err(not_postgres(&seen))
        }
    }
}

/// The encrypted stream, the hash that SCRAM binds to, and why the server knows no certificate of ours, if it does not.
pub(in crate::db::session) type Encrypted =
    (Box<TlsStream<TcpStream>>, Option<Vec<u8>>, Option<&'static str>);

/// Shakes hands.
pub(in crate::db::session) async fn handshake(
    stream: TcpStream,
    info: &ConnInfo,
    address: &Address,
) -> Result<Encrypted, Error> {
    let (config, identity) = config(info, address).map_err(|why| Error::new(ErrorKind::Tls, why))?;
    let connector = TlsConnector::from(Arc::new(config));
    let connected = connector.connect(server_name(address), stream).await;
    let stream = connected.map_err(|error| failure(&error).unwrap_or_else(|| lost(&error)))?;
    let (_, session) = stream.get_ref();
    if info.settings().ssl_negotiation == SslNegotiation::Direct && session.alpn_protocol() != Some(ALPN) {
        let message = "direct SSL connection was established without ALPN protocol negotiation extension";
        return Err(Error::new(ErrorKind::Tls, message));
    }
    let unknown = match (identity.was_asked.load(Ordering::Relaxed), &identity.certificate) {
        (false, _) => Some(CERTIFICATE_NOT_REQUESTED),
        (true, None) => Some("server accepted connection without a valid SSL certificate"),
        (true, Some(_)) => None,
    };
    let leaf = session.peer_certificates().and_then(<[_]>::first);
    let end_point = leaf.and_then(|leaf| end_point(leaf));
    Ok((Box::new(stream), end_point, unknown))
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

fn config(info: &ConnInfo, address: &Address) -> Result<(ClientConfig, Arc<Identity>), String> {
    let settings = info.settings();
    let mut provider = ring::default_provider();
    // Servers up to 17 use this curve by default: offering it first saves a round trip.
    provider.kx_groups = vec![ring::kx_group::SECP256R1, ring::kx_group::X25519, ring::kx_group::SECP384R1];
    let provider = Arc::new(provider);
    let roots = files::roots(info)?;
    let crls = if roots.is_some() { files::revocation_lists(info)? } else { Vec::new() };
    let certificate = match files::identity(info)? {
        Some((chain, key)) => {
            let found = CertifiedKey::from_der(chain, key, &provider);
            let found = found
                .map_err(|error| format!("the client certificate cannot be used with its key: {error}"))?;
            Some(Arc::new(found))
        }
        None => None,
    };
    let identity = Arc::new(Identity { certificate, was_asked: AtomicBool::new(false) });
    let host = (settings.ssl_mode == SslMode::VerifyFull).then(|| address.host.clone());
    let verifier = Verifier { provider: Arc::clone(&provider), roots, crls, host };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings.ssl_min, settings.ssl_max))
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(identity.clone());
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_sni = settings.ssl_sni && matches!(server_name(address), ServerName::DnsName(_));
    Ok((config, identity))
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
