//! Answers a server that asks for SCRAM, before the driver sees the session. The driver could, too, but takes four rounds of
//! SHA-256 for libpq's two, and all of the login's time is spent on them; and it refuses iteration counts that libpq takes.

mod scram;

use self::scram::{Binding, Exchange};
use super::error::{Error, Kind};
use super::startup::{self, Message};
use super::wire::Wire;
use crate::conninfo::ChannelBinding;

const SCRAM: &str = "SCRAM-SHA-256";
const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// Whether one of the `mechanisms` is SCRAM bound to the channel.
pub(super) fn offers_binding(mechanisms: &[String]) -> bool {
    mechanisms.iter().any(|name| name == SCRAM_PLUS)
}

/// Logs in with one of the `mechanisms` that the server has just offered. What the server says next, be it that the login is
/// done or its refusal, is left to be read.
///
/// # Errors
/// When no mechanism can be used, when the server does not prove that it knows the password, or is lost.
pub(super) async fn log_in(
    wire: &mut Wire,
    mechanisms: &[String],
    password: &[u8],
    wanted: ChannelBinding,
) -> Result<(), Error> {
    let (mechanism, binding) = choose(mechanisms, wire.end_point(), wanted).map_err(failed)?;
    let exchange = Exchange::new(binding, scram::nonce().map_err(failed)?);
    let first = exchange.first();
    let mut body = mechanism.as_bytes().to_vec();
    body.push(0);
    body.extend_from_slice(&u32::try_from(first.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend_from_slice(first.as_bytes());
    startup::send(wire, b'p', &body).await?;
    let Some(challenge) = answer(wire, CONTINUE).await? else { return Ok(()) };
    let password = password.to_vec();
    // On a thread of its own, since the server says how long this takes: signals and the time limit are still seen.
    let proof = tokio::task::spawn_blocking(move || exchange.proof(&password, &challenge)).await;
    let (message, proven) = proof.map_err(|error| failed(error.to_string()))?.map_err(failed)?;
    startup::send(wire, b'p', message.as_bytes()).await?;
    let Some(last) = answer(wire, FINAL).await? else { return Ok(()) };
    proven.check(&last).map_err(failed)
}

/// The codes of the authentication requests that carry the server's two messages.
const CONTINUE: [u8; 4] = [0, 0, 0, 11];
const FINAL: [u8; 4] = [0, 0, 0, 12];

/// What the server says in the authentication request of this `code`; nothing when it refuses instead.
async fn answer(wire: &mut Wire, code: [u8; 4]) -> Result<Option<String>, Error> {
    match startup::receive(wire).await? {
        Message::Refusal => Ok(None),
        Message::Authentication(body) => {
            match body.strip_prefix(&code).map(<[u8]>::to_vec).map(String::from_utf8) {
                Some(Ok(text)) => Ok(Some(text)),
                _ => Err(failed("unexpected message of the server during SASL authentication".to_owned())),
            }
        }
    }
}

/// The mechanism to use, and what its proof says of the channel, as in libpq. `end_point` is what can be bound to.
fn choose(
    mechanisms: &[String],
    end_point: Option<&[u8]>,
    wanted: ChannelBinding,
) -> Result<(&'static str, Binding), String> {
    let end_point = end_point.filter(|_| wanted != ChannelBinding::Disable);
    match end_point {
        Some(hash) if offers_binding(mechanisms) => Ok((SCRAM_PLUS, Binding::EndPoint(hash.to_vec()))),
        _ if wanted == ChannelBinding::Require => {
            Err("channel binding is required, but the server's certificate has no hash to bind to".to_owned())
        }
        _ if !mechanisms.iter().any(|name| name == SCRAM) => {
            Err("none of the server's SASL authentication mechanisms are supported".to_owned())
        }
        Some(_) => Ok((SCRAM, Binding::NotOffered)),
        None => Ok((SCRAM, Binding::Unsupported)),
    }
}

fn failed(message: String) -> Error {
    Error::new(Kind::AuthFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::wire::Transport;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;

    #[test]
    fn the_channel_is_bound_where_it_can_be() {
        let both = [SCRAM_PLUS.to_owned(), SCRAM.to_owned()];
        let plain = [SCRAM.to_owned()];
        let bound = || Ok((SCRAM_PLUS, Binding::EndPoint(vec![7])));
        use ChannelBinding::{Disable, Prefer, Require};
        for (mechanisms, end_point, wanted, expected) in [
            (&both[..], Some(&[7][..]), Prefer, bound()),
            (&both, Some(&[7]), Require, bound()),
            (&both, Some(&[7]), Disable, Ok((SCRAM, Binding::Unsupported))),
            (&both, None, Prefer, Ok((SCRAM, Binding::Unsupported))),
            (&plain, Some(&[7]), Prefer, Ok((SCRAM, Binding::NotOffered))),
            (&plain, None, Prefer, Ok((SCRAM, Binding::Unsupported))),
        ] {
            assert_eq!(choose(mechanisms, end_point, wanted), expected, "{mechanisms:?} {wanted:?}");
        }
        assert!(choose(&both, None, Require).is_err());
        assert!(choose(&["OAUTHBEARER".to_owned()], None, Prefer).is_err());
    }

    /// A server that challenges for the nonce it was sent and then proves whatever `last` says.
    async fn against(last: &'static str) -> Result<(), Error> {
        let (near, mut far) = UnixStream::pair().expect("pair");
        let server = tokio::spawn(async move {
            let mut first = [0; 256];
            let count = far.read(&mut first).await.expect("first message");
            let first = String::from_utf8_lossy(&first[..count]).into_owned();
            let nonce = first.split_once("r=").expect("a nonce").1;
            far.write_all(&request(CONTINUE, &format!("r={nonce}more,s=W22Z,i=2"))).await.expect("challenge");
            let _ = far.read(&mut [0; 256]).await.expect("proof");
            far.write_all(&request(FINAL, last)).await.expect("last message");
        });
        let mut wire = Wire::new(Transport::Unix(near), None);
        let ended = log_in(&mut wire, &[SCRAM.to_owned()], b"pencil", ChannelBinding::Prefer).await;
        server.await.expect("the server was asked");
        ended
    }

    fn request(code: [u8; 4], text: &str) -> Vec<u8> {
        let length = u32::try_from(8 + text.len()).expect("short").to_be_bytes();
        [b"R", &length[..], &code, text.as_bytes()].concat()
    }

    #[tokio::test]
    async fn a_server_that_cannot_prove_itself_is_not_logged_in_to() {
        let forged = against("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").await.expect_err("forged");
        assert_eq!((forged.kind, forged.message.as_str()), (Kind::AuthFailed, "incorrect server signature"));
        let silent = against("").await.expect_err("no proof");
        assert_eq!(silent.message, "malformed SCRAM message (attribute \"v\" expected)");
    }
}
