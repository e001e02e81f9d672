//! One stream type for every way to a server: TCP or Unix socket, plain or TLS. The driver gets it ready for use,
//! with the first answer of the server put back in front, and with its own startup packet swallowed, because
//! pgconn has sent one already.

use super::limits::{Meter, Metering};
use super::login_info::{LoginInfo, LoginReader};
use super::transport::Transport;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Empty, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// Why a server knows no certificate of ours that has not asked for one.
pub(super) const CERTIFICATE_NOT_REQUESTED: &str = "server did not request an SSL certificate";

/// The stream that the driver works on.
pub(crate) struct Wire {
    transport: Transport,
    /// Bytes that were read ahead and are to be read again.
    replay: Vec<u8>,
    /// Bytes of the driver's startup packet that are still to be thrown away; `None` until its length is known.
    swallow: Swallow,
    /// The hash of the server's certificate, for SCRAM channel binding.
    end_point: Option<Vec<u8>>,
    /// Why the server knows no certificate of ours; nothing when it does.
    unknown: Option<&'static str>,
    /// What the user should know of how it was encrypted.
    warning: Option<String>,
    /// Who reads the login along.
    reader: Option<LoginReader>,
    /// What bounds that which the driver reads.
    meter: Option<Meter>,
}

/// The state of throwing the driver's startup packet away.
enum Swallow {
    /// Nothing is thrown away.
    Off,
    /// The packet's own length, which it begins with, is being collected.
    Length(Vec<u8>),
    /// So many bytes of it are left.
    Rest(usize),
}

impl Wire {
    /// A stream with nothing read ahead; `end_point` is the channel binding of an encrypted one.
    pub(super) fn new(transport: Transport, end_point: Option<Vec<u8>>) -> Self {
        let unknown = Some(CERTIFICATE_NOT_REQUESTED);
        Self {
            transport,
            replay: Vec::new(),
            swallow: Swallow::Off,
            end_point,
            unknown,
            warning: None,
            reader: None,
            meter: None,
        }
    }

    /// Notes why the server knows no certificate of ours.
    pub(super) fn unknown_because(self, unknown: Option<&'static str>) -> Self {
        Self { unknown, ..self }
    }

    /// Why the server knows no certificate of ours; nothing when it does.
    pub(super) fn unknown(&self) -> Option<&'static str> {
        self.unknown
    }

    /// Notes what the user should know of how it was encrypted.
    pub(super) fn warning_of(self, warning: Option<String>) -> Self {
        Self { warning, ..self }
    }

    /// What the user should know of how it was encrypted, once.
    pub(super) fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    /// Puts `bytes` back in front of what is read next.
    pub(super) fn put_back(&mut self, mut bytes: Vec<u8>) {
        bytes.append(&mut self.replay);
        self.replay = bytes;
    }

    /// From now on the first packet written is thrown away: the driver's startup packet. What is read is read along for what
    /// the server tells about itself, and metered.
    pub(super) fn swallow_startup_packet(&mut self) -> (LoginInfo, Metering) {
        self.swallow = Swallow::Length(Vec::with_capacity(4));
        let info = LoginInfo::default();
        self.reader = Some(info.reader());
        let meter = Meter::default();
        let metering = meter.metering();
        self.meter = Some(meter);
        (info, metering)
    }

    /// What SCRAM can be bound to: the hash of the server's certificate.
    pub(super) fn end_point(&self) -> Option<&[u8]> {
        self.end_point.as_deref()
    }

    /// Meters what was read, and reads a login along; returns how many bytes of it, which stand in front, are the driver's.
    fn read_along(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let metered = self.meter.as_mut().map_or(Ok(()), |meter| meter.take(bytes));
        metered.map_err(|excess| io::Error::new(io::ErrorKind::InvalidData, excess))?;
        let Some(reader) = &mut self.reader else { return Ok(bytes.len()) };
        let kept = reader.read(bytes);
        if reader.is_over() {
            self.reader = None;
        }
        Ok(kept)
    }

    /// Whether the bytes are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.transport, Transport::Tls(_))
    }

    /// The number of leading bytes of `buffer` that belong to the packet that is thrown away.
    fn swallowed(&mut self, buffer: &[u8]) -> usize {
        match &mut self.swallow {
            Swallow::Off => 0,
            Swallow::Length(collected) => {
                let wanted = 4 - collected.len();
                let taken = buffer.get(..wanted.min(buffer.len())).unwrap_or_default();
                collected.extend_from_slice(taken);
                if let Ok(length) = <[u8; 4]>::try_from(collected.as_slice()) {
                    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                    self.swallow = after(length.saturating_sub(4));
                }
                taken.len()
            }
            Swallow::Rest(left) => {
                let taken = buffer.len().min(*left);
                self.swallow = after(*left - taken);
                taken
            }
        }
    }
}

fn after(left: usize) -> Swallow {
    if left == 0 { Swallow::Off } else { Swallow::Rest(left) }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let known = buffer.filled().len();
            if self.replay.is_empty() {
                ready!(Pin::new(&mut self.transport).poll_read(context, buffer))?;
            } else {
                let count = self.replay.len().min(buffer.remaining());
                buffer.put_slice(&self.replay.drain(..count).collect::<Vec<u8>>());
            }
            let came = buffer.filled_mut().get_mut(known..).unwrap_or_default();
            let is_end = came.is_empty();
            let kept = self.read_along(came)?;
            buffer.set_filled(known + kept);
            // Nothing is the end to the driver, and a piece of a key may be nothing to it.
            if kept > 0 || is_end {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let swallowed = self.swallowed(buffer);
        if swallowed > 0 {
            return Poll::Ready(Ok(swallowed));
        }
        Pin::new(&mut self.transport).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(context)
    }
}

impl TlsStream for Wire {
    /// None: a login that can be bound is done before the driver sees the stream.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// Hands a finished stream to the driver in the place where the driver would encrypt one.
pub(super) struct Prepared(pub(super) Wire);

impl TlsConnect<Empty> for Prepared {
    type Stream = Wire;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Wire, Infallible>>;

    fn connect(self, _: Empty) -> Self::Future {
        std::future::ready(Ok(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;

    #[tokio::test]
    async fn the_startup_packet_is_swallowed_however_it_is_cut_and_what_follows_is_sent() {
        for cut in 1..12 {
            let (near, mut far) = UnixStream::pair().expect("pair");
            let mut wire = Wire::new(Transport::Unix(near), None);
            wire.swallow_startup_packet();
            let packet = [0, 0, 0, 9, 1, 2, 3, 4, 5, b'p', b'q', b'r'];
            wire.write_all(&packet[..cut]).await.expect("first part");
            wire.write_all(&packet[cut..]).await.expect("second part");
            drop(wire);
            let mut received = Vec::new();
            far.read_to_end(&mut received).await.expect("read");
            assert_eq!(received, b"pqr", "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn what_is_put_back_is_read_first() {
        let (near, mut far) = UnixStream::pair().expect("pair");
        let mut wire = Wire::new(Transport::Unix(near), None);
        far.write_all(b"world").await.expect("write");
        drop(far);
        wire.put_back(b"lo ".to_vec());
        wire.put_back(b"hel".to_vec());
        let mut text = String::new();
        wire.read_to_string(&mut text).await.expect("read");
        assert_eq!(text, "hello world");
    }

    #[tokio::test]
    async fn a_piece_of_a_long_key_is_no_end_of_the_stream() {
        for size in [1, 3, 40, 4096] {
            let (near, far) = UnixStream::pair().expect("pair");
            drop(far);
            let mut wire = Wire::new(Transport::Unix(near), None);
            let (info, _) = wire.swallow_startup_packet();
            wire.put_back([&b"K\0\0\0\x48\0\0\0\x07"[..], &[9; 64], b"Z\0\0\0\x05I"].concat());
            let (mut part, mut read) = (vec![0; size], Vec::new());
            while let Ok(count @ 1..) = wire.read(&mut part).await {
                read.extend_from_slice(&part[..count]);
            }
            assert_eq!(read, b"K\0\0\0\x0c\0\0\0\x07\x09\x09\x09\x09Z\0\0\0\x05I", "in pieces of {size}");
            assert!(info.cancel_request().expect("a key").ends_with(&[9; 64]));
        }
    }
}
