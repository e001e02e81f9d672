//! pgconn's own part of the protocol: the startup packet, and a look at the server's first answer before the
//! driver sees it, so that no password leaves for a method that the settings forbid, a missing password is known
//! as such, a server may say what it thinks of the version, and something that is not PostgreSQL is called so.

use super::lost::{lost, not_postgres};
use super::negotiation::{self, Negotiation};
use super::session_kind::Lane;
use super::wire::Wire;
use crate::conninfo::{ConnInfo, bytes_of};
use crate::db::error::{Error, ErrorKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Protocol 3.0, which every supported server and pooler speaks.
const PROTOCOL: u32 = 3 << 16;

/// The longest text that a server of protocol 2, or a process that could not start, sends as an error.
const LONGEST_PLAIN_ERROR: usize = 30_000;

/// What the server first said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It asks for this authentication.
    Authentication(Method),
    /// It refused; the driver reads the error.
    Refusal,
}

/// An authentication request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// None: the session is open.
    None,
    /// The password in clear.
    Password,
    /// The password's MD5 hash.
    Md5,
    /// SASL, with the mechanisms offered.
    Sasl(Vec<String>),
    /// One that pgconn does not speak, by its name.
    Other(&'static str),
}

impl Method {
    /// The name in `require_auth`.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password => "password",
            Self::Md5 => "md5",
            Self::Sasl(mechanisms) if mechanisms.iter().any(|name| name.starts_with("SCRAM-SHA-256")) => {
                "scram-sha-256"
            }
            Self::Sasl(mechanisms) if mechanisms.iter().any(|name| name == "OAUTHBEARER") => "oauth",
            Self::Sasl(_) => "sasl",
            Self::Other(name) => name,
        }
    }

    /// What the server did, in libpq's words for a forbidden method.
    pub(super) fn request(&self) -> &'static str {
        match self {
            Self::None => "server did not complete authentication",
            Self::Password => "server requested a cleartext password",
            Self::Md5 => "server requested a hashed password",
            Self::Sasl(_) => "server requested SASL authentication",
            Self::Other("gss") => "server requested GSSAPI authentication",
            Self::Other(_) => "server requested an unsupported authentication method",
        }
    }

    /// Whether a password is needed to answer it.
    pub(super) fn needs_password(&self) -> bool {
        matches!(self, Self::Password | Self::Md5 | Self::Sasl(_))
    }
}

/// The startup packet: user, database, and what libpq sends with them.
pub(super) fn packet(info: &ConnInfo, lane: Lane) -> Vec<u8> {
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    let mut put = |name: &str, value: &str| {
        for text in [name, value] {
            body.extend_from_slice(&bytes_of(&text.replace('\0', "")));
            body.push(0);
        }
    };
    put("user", info.user());
    put("database", info.dbname());
    put("client_encoding", "UTF8");
    if lane == Lane::Emergency {
        put("replication", "database");
    }
    for keyword in ["options", "application_name"] {
        if let Some(value) = info.get(keyword) {
            put(keyword, value);
        }
    }
    for (name, value) in &info.settings().startup {
        put(name, value);
    }
    body.push(0);
    framed(&body)
}

/// A body with its length, which counts itself, in front.
fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    let mut packet = length.to_be_bytes().to_vec();
    packet.extend_from_slice(body);
    packet
}

/// Sends the startup packet and reads as much of the answer as tells what it is; what was read is put back.
pub(super) async fn open(wire: &mut Wire, packet: &[u8]) -> Result<Answer, Error> {
    write(wire, packet).await?;
    let mut answer = receive(wire).await?;
    if let Message::Negotiation(negotiation) = &answer {
        negotiation.settle()?;
        answer = receive(wire).await?;
    }
    match answer {
        Message::Refusal => Ok(Answer::Refusal),
        Message::Negotiation(again) => Err(again.late()),
        Message::Authentication(body) => {
            let method = method(&body);
            // A SASL exchange is answered here, every other request by the driver.
            if !matches!(method, Method::Sasl(_)) {
                let mut message = vec![b'R'];
                message.extend_from_slice(&framed(&body));
                wire.put_back(message);
            }
            Ok(Answer::Authentication(method))
        }
    }
}

/// A message of the server during a login.
pub(super) enum Message {
    /// An authentication request: its code and what follows that.
    Authentication(Vec<u8>),
    /// An error, which has been put back: the driver reads it.
    Refusal,
    /// What it says of the version of the protocol, as its first answer; the driver does not know of it.
    Negotiation(Negotiation),
}

/// Sends a message of this kind.
pub(super) async fn send(wire: &mut Wire, kind: u8, body: &[u8]) -> Result<(), Error> {
    let mut message = vec![kind];
    message.extend_from_slice(&framed(body));
    write(wire, &message).await
}

async fn write(wire: &mut Wire, bytes: &[u8]) -> Result<(), Error> {
    wire.write_all(bytes).await.map_err(|error| lost(&error))?;
    wire.flush().await.map_err(|error| lost(&error))
}

/// The next message of the server.
///
/// # Errors
/// When the connection is lost, or what comes is none of a login's messages.
pub(super) async fn receive(wire: &mut Wire) -> Result<Message, Error> {
    let mut head = [0; 5];
    wire.read_exact(&mut head[..1]).await.map_err(|error| lost(&error))?;
    let [tag, ..] = head;
    if !matches!(tag, b'R' | b'E' | b'v') {
        return Err(answered_by_another(wire, head[..1].to_vec()).await);
    }
    wire.read_exact(&mut head[1..]).await.map_err(|error| lost(&error))?;
    let [_, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    match tag {
        b'E' if (8..=LONGEST_PLAIN_ERROR).contains(&length) => {
            wire.put_back(head.to_vec());
            Ok(Message::Refusal)
        }
        b'E' if length < usize::from(b' ') << 24 => {
            Err(Error::new(ErrorKind::Protocol, format!("the server began an error of {length} bytes")))
        }
        // Text where the length should be.
        b'E' => Err(plain_error(wire, &head[1..]).await),
        b'v' if negotiation::LENGTHS.contains(&length) => {
            let read = Negotiation::read(&body(wire, length).await?);
            read.map(Message::Negotiation).ok_or_else(|| negotiation::malformed(length))
        }
        b'v' => Err(negotiation::malformed(length)),
        _ if (8..=2000).contains(&length) => body(wire, length).await.map(Message::Authentication),
        _ => Err(answered_by_another(wire, head.to_vec()).await),
    }
}

/// What follows the head of a message of this length.
async fn body(wire: &mut Wire, length: usize) -> Result<Vec<u8>, Error> {
    let mut body = vec![0; length.saturating_sub(4)];
    wire.read_exact(&mut body).await.map_err(|error| lost(&error))?;
    Ok(body)
}

/// The method that the body of an authentication request names.
pub(super) fn method(body: &[u8]) -> Method {
    let (code, rest) = body.split_at_checked(4).unwrap_or((&[0; 4], &[]));
    match code {
        [0, 0, 0, 0] => Method::None,
        [0, 0, 0, 3] => Method::Password,
        // with its salt
        [0, 0, 0, 5] if rest.len() == 4 => Method::Md5,
        [0, 0, 0, 10] => Method::Sasl(
            rest.split(|&byte| byte == 0)
                .filter(|name| !name.is_empty())
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect(),
        ),
        [0, 0, 0, 7] => Method::Other("gss"),
        [0, 0, 0, 9] => Method::Other("sspi"),
        [0, 0, 0, 2] => Method::Other("kerberos"),
        [0, 0, 0, 6] => Method::Other("scm"),
        _ => Method::Other("unknown"),
    }
}

/// An error without fields: protocol 2's form, which a server uses when it cannot even start a process.
async fn plain_error(wire: &mut Wire, start: &[u8]) -> Error {
    let mut text = start.to_vec();
    let mut part = [0; 4096];
    // What can be had of it is enough; the connection is given up either way.
    while !text.contains(&0) && text.len() < LONGEST_PLAIN_ERROR {
        match wire.read(&mut part).await {
            Ok(count @ 1..) => text.extend_from_slice(part.get(..count).unwrap_or_default()),
            _ => break,
        }
    }
    let line = text.split(|&byte| byte == 0).next().unwrap_or_default();
    Error::new(ErrorKind::Server, String::from_utf8_lossy(line).trim().to_owned())
}

/// Names what answered, as far as its first bytes tell.
async fn answered_by_another(wire: &mut Wire, mut seen: Vec<u8>) -> Error {
    let mut more = [0; 64];
    if let Ok(Ok(count)) =
        tokio::time::timeout(std::time::Duration::from_millis(200), wire.read(&mut more)).await
    {
        seen.extend_from_slice(more.get(..count).unwrap_or_default());
    }
    not_postgres(&seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::session::transport::Transport;
    use proptest::prelude::*;
    use std::io;
    use tokio::net::UnixStream;

    async fn answer_to(bytes: &[u8]) -> Result<Answer, Error> {
        let (near, mut far) = UnixStream::pair().expect("pair");
        far.write_all(bytes).await.expect("write");
        let mut wire = Wire::new(Transport::Unix(near), None);
        let reading = tokio::spawn(async move {
            let mut packet = [0; 9];
            far.read_exact(&mut packet).await.expect("packet");
        });
        let answer = open(&mut wire, &framed(b"hello")).await;
        reading.await.expect("the packet was read");
        answer
    }

    #[tokio::test]
    async fn authentication_requests_are_told_apart() {
        let request = |code: u8, rest: &[u8]| {
            let mut message =
                vec![b'R', 0, 0, 0, 8 + u8::try_from(rest.len()).expect("short"), 0, 0, 0, code];
            message.extend_from_slice(rest);
            message
        };
        for (code, rest, name) in [
            (0, &b""[..], "none"),
            (3, b"", "password"),
            (5, b"salt", "md5"),
            (7, b"", "gss"),
            (10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0", "scram-sha-256"),
            (10, b"OAUTHBEARER\0\0", "oauth"),
            (99, b"", "unknown"),
        ] {
            match answer_to(&request(code, rest)).await {
                Ok(Answer::Authentication(method)) => assert_eq!(method.name(), name),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn other_servers_are_named_and_nothing_is_taken_for_a_login() {
        for (bytes, words) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], "an HTTP server answered, and not PostgreSQL"),
            (b"SSH-2.0-x\r\n", "an SSH server answered, and not PostgreSQL"),
            (b"\0\0\0\0", "what answered does not speak PostgreSQL's protocol"),
            (b"R\xff\xff\xff\xff", "what answered does not speak PostgreSQL's protocol"),
            (b"R\0\0\0\x01", "what answered does not speak PostgreSQL's protocol"),
        ] {
            let error = answer_to(bytes).await.expect_err("not PostgreSQL");
            assert_eq!((error.kind, error.message.as_str()), (ErrorKind::NotPostgres, words));
        }
    }

    #[tokio::test]
    async fn a_server_may_negotiate_the_version_once_and_first() {
        let negotiation = |version: &[u8; 4]| [b"v\0\0\0\x0c", &version[..], &[0; 4]].concat();
        let (newer, other, let_in) =
            (negotiation(b"\0\x03\0\x02"), negotiation(b"\0\x02\0\0"), b"R\0\0\0\x08\0\0\0\0");
        let answer = answer_to(&[&newer[..], let_in].concat()).await;
        assert_eq!(answer.expect("a login"), Answer::Authentication(Method::None));
        let answer = answer_to(&[&newer[..], b"E\0\0\0\x19SFATAL\0C53300\0Mfull\0\0"].concat()).await;
        assert_eq!(answer.expect("a refusal"), Answer::Refusal);
        for (bytes, words) in [
            ([&newer[..], &newer, let_in].concat(), "(3.2), for which it is too late"),
            (other, "the server speaks version 2.0 of the protocol, and 3.0 was asked for"),
            (b"v\0\0\0\x0b\0\0\0\0\0\0\0".to_vec(), "in 11 bytes that cannot be read"),
            (b"v\0\0\0\x0c\0\0\0\0\0\0\0\x01".to_vec(), "in 12 bytes that cannot be read"),
            (b"v\x7f\xff\xff\xff".to_vec(), "in 2147483647 bytes that cannot be read"),
        ] {
            let error = answer_to(&bytes).await.expect_err(words);
            assert!(error.kind == ErrorKind::Protocol && error.message.ends_with(words), "{error:?}");
        }
    }

    #[tokio::test]
    async fn an_error_of_the_old_form_is_read_to_its_end() {
        let error = answer_to(b"Ecould not fork new process for connection: no memory\n\0")
            .await
            .expect_err("an error");
        assert_eq!(error.message, "could not fork new process for connection: no memory");
    }

    /// What a server sends until a session is ready: another version; nothing asked; parameters; a long key; a notice, an error.
    fn conversation() -> Vec<u8> {
        let message = |kind: u8, body: &[u8]| [&[kind][..], &framed(body)].concat();
        [
            message(b'v', b"\0\x03\0\x02\0\0\0\0"),
            message(b'R', b"\0\0\0\0"),
            message(b'S', b"server_version\x0018.4\0"),
            message(b'S', b"in_hot_standby\0off\0"),
            message(b'K', &[7; 36]),
            message(b'N', b"SNOTICE\0VNOTICE\0C00000\0Mhuh\0\0"),
            message(b'Z', b"I"),
            message(b'E', b"SFATAL\0VFATAL\0C57P01\0Mgone\0\0"),
        ]
        .concat()
    }

    proptest! {
        #[test]
        fn fuzz_server_messages(
            changes in prop::collection::vec((0_usize..240, any::<u8>()), 0..6),
            cut in 0_usize..260,
            begin in prop::sample::select(vec![0, 13, 22, 54]),
        ) {
            let mut bytes = conversation().split_off(begin);
            for (at, byte) in changes {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            bytes.truncate(cut);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
            runtime.block_on(async {
                let (near, mut far) = UnixStream::pair().expect("pair");
                far.write_all(&bytes).await.expect("written");
                far.shutdown().await.expect("shut down");
                let mut wire = Wire::new(Transport::Unix(near), None);
                let reading = async {
                    if open(&mut wire, &framed(b"hello")).await.is_ok() {
                        let _ = wire.swallow_startup_packet();
                        let mut config = tokio_postgres::Config::new();
                        config.user("u").password("p");
                        config.ssl_mode(tokio_postgres::config::SslMode::Require);
                        config.ssl_negotiation(tokio_postgres::config::SslNegotiation::Direct);
                        let _ = config.connect_raw(tokio::io::empty(), crate::db::session::wire::Prepared(wire)).await;
                    }
                };
                tokio::time::timeout(std::time::Duration::from_secs(5), reading).await.expect("an end");
            });
        }
    }

    #[tokio::test]
    async fn a_closed_connection_is_said_as_libpq_says_it() {
        for bytes in [&b""[..], b"R", b"R\0\0\0\x0c\0\0\0\x05"] {
            let error = answer_to(bytes).await.expect_err("closed");
            assert_eq!(error.message, "server closed the connection unexpectedly");
        }
        for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe] {
            let error = lost(&kind.into());
            assert_eq!(error.message, "server closed the connection unexpectedly");
            assert!(error.hint.is_some());
        }
    }
}
