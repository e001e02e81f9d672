//! Answers a server that asks for SCRAM, before the driver sees the session. The driver could, too, but takes four rounds of
//! SHA-256 for libpq's two, and all of the login's time is spent on them; and it refuses iteration counts that libpq takes.

mod salting;
mod scram;

use self::scram::{Binding, Exchange, Proven};
use super::attempt::{AttemptProgress, Stage};
use super::startup::{self, Message, Method};
use super::wire::Wire;
use crate::conninfo::ChannelBinding;
use crate::db::error::{Error, ErrorKind};

/// How many rounds of SCRAM are taken at a time: some hundredths of a second.
const STEP: u32 = 1 << 16;

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
    progress: &AttemptProgress,
) -> Result<(), Error> {
    let (mechanism, binding) =
        choose(mechanisms, wire.is_encrypted(), wire.end_point(), wanted).map_err(failed)?;
    let exchange = Exchange::new(binding, scram::nonce().map_err(failed)?);
    startup::send(wire, b'p', &first_message(mechanism, &exchange)).await?;
    let Some(challenge) = answer(wire, CONTINUE).await? else { return Ok(()) };
    let mut salting = exchange.salting(password, &challenge).map_err(failed)?;
    progress.enter(Stage::Proving(salting.left().saturating_add(1)));
    while !salting.is_done() {
        // On a thread of its own, since the server says how long this takes: signals and the time limit are still seen. Step by
        // step, since a thread cannot be stopped: the work ends with whoever waits for it.
        let step = tokio::task::spawn_blocking(move || {
            salting.go_on(STEP);
            salting
        });
        salting = step.await.map_err(|error| failed(error.to_string()))?;
    }
    let (message, proven) = exchange.proof_by(&salting, &challenge).map_err(failed)?;
    progress.enter(Stage::LoggingIn);
    startup::send(wire, b'p', message.as_bytes()).await?;
    let Some(last) = answer(wire, FINAL).await? else { return Ok(()) };
    proven.check(&last).map_err(failed)
}

/// The codes of the authentication requests that carry the server's two messages.
const CONTINUE: [u8; 4] = [0, 0, 0, 11];
const FINAL: [u8; 4] = [0, 0, 0, 12];

const UNEXPECTED: &str = "unexpected message of the server during SASL authentication";

/// What the server says in the authentication request of this `code`; nothing when it refuses instead.
async fn answer(wire: &mut Wire, code: [u8; 4]) -> Result<Option<String>, Error> {
    match startup::receive(wire).await? {
        Message::Refusal => Ok(None),
        Message::Negotiation(late) => Err(late.late()),
        Message::Authentication(body) => {
            match body.strip_prefix(&code).map(<[u8]>::to_vec).map(String::from_utf8) {
                Some(Ok(text)) => Ok(Some(text)),
                _ => Err(failed(UNEXPECTED.to_owned())),
            }
        }
    }
}

/// The body of the message that chooses the mechanism and opens the exchange.
fn first_message(mechanism: &str, exchange: &Exchange) -> Vec<u8> {
    let first = exchange.first();
    let length = u32::try_from(first.len()).unwrap_or(u32::MAX).to_be_bytes();
    [mechanism.as_bytes(), b"\0", &length, first.as_bytes()].concat()
}

/// A password that nobody can guess: 144 bits of the system's randomness, as letters, digits, `-` and `_`, which need no escape
/// in a URI or a password file.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn new_password() -> Result<String, String> {
    scram::nonce().map(|nonce| nonce.replace('+', "-").replace('/', "_"))
}

/// A login with SCRAM for whoever reads and writes an unencrypted session himself: what to answer to each of the server's requests.
pub(crate) struct ScramLogin<'a> {
    password: &'a str,
    step: Step,
}

/// How far a [`ScramLogin`] is.
enum Step {
    Begun,
    Opened(Exchange),
    Proving(Proven),
    Over,
}

impl<'a> ScramLogin<'a> {
    /// A login that has not begun.
    pub(crate) const fn new(password: &'a str) -> Self {
        Self { password, step: Step::Begun }
    }

    /// The body of the password message that answers the authentication request with this body; nothing where none is due.
    ///
    /// # Errors
    /// When the server asks for something else than SCRAM, or does not prove that it knows the password.
    pub(crate) fn answer(&mut self, request: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let said = |code: [u8; 4]| {
            let text = request.strip_prefix(&code).and_then(|text| str::from_utf8(text).ok());
            text.ok_or_else(|| UNEXPECTED.to_owned())
        };
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Begun => {
                let Method::Sasl(mechanisms) = startup::method(request) else {
                    return Err(startup::method(request).request().to_owned());
                };
                let (mechanism, binding) = choose(&mechanisms, false, None, ChannelBinding::Disable)?;
                let exchange = Exchange::new(binding, scram::nonce()?);
                let message = first_message(mechanism, &exchange);
                self.step = Step::Opened(exchange);
                Ok(Some(message))
            }
            Step::Opened(exchange) => {
                let (message, proven) = exchange.proof(self.password.as_bytes(), said(CONTINUE)?)?;
                self.step = Step::Proving(proven);
                Ok(Some(message.into_bytes()))
            }
            Step::Proving(proven) => proven.check(said(FINAL)?).map(|()| None),
            Step::Over => Err(UNEXPECTED.to_owned()),
        }
    }
}

/// The mechanism to use, and what its proof says of the channel, as in libpq. `end_point` is what an encrypted channel can be bound
/// to. Who encrypts never says that it cannot bind: whoever relays the login to another channel would have that for an excuse.
fn choose(
    mechanisms: &[String],
    is_encrypted: bool,
    end_point: Option<&[u8]>,
    wanted: ChannelBinding,
) -> Result<(&'static str, Binding), String> {
    let can_bind = is_encrypted && wanted != ChannelBinding::Disable;
    match end_point {
        Some(hash) if can_bind && offers_binding(mechanisms) => {
            Ok((SCRAM_PLUS, Binding::EndPoint(hash.to_vec())))
        }
        None if can_bind && (offers_binding(mechanisms) || wanted == ChannelBinding::Require) => {
            Err("the server's certificate has no hash that the login could be bound to (one with RSA or ECDSA has)"
                .to_owned())
        }
        _ if wanted == ChannelBinding::Require => {
            Err("channel binding is required, but the server does not offer it".to_owned())
        }
        _ if !mechanisms.iter().any(|name| name == SCRAM) => {
            Err("none of the server's SASL authentication mechanisms are supported".to_owned())
        }
        _ if can_bind => Ok((SCRAM, Binding::NotOffered)),
        _ => Ok((SCRAM, Binding::Unsupported)),
    }
}

fn failed(message: String) -> Error {
    Error::new(ErrorKind::AuthFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::session::transport::Transport;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;

    #[test]
    fn the_channel_is_bound_where_it_can_be() {
        let both = [SCRAM_PLUS.to_owned(), SCRAM.to_owned()];
        let plain = [SCRAM.to_owned()];
        let bound = || Ok((SCRAM_PLUS, Binding::EndPoint(vec![7])));
        use ChannelBinding::{Disable, Prefer, Require};
        for (mechanisms, is_encrypted, end_point, wanted, expected) in [
            (&both[..], true, Some(&[7][..]), Prefer, bound()),
            (&both, true, Some(&[7]), Require, bound()),
            (&both, true, Some(&[7]), Disable, Ok((SCRAM, Binding::Unsupported))),
            (&both, true, None, Disable, Ok((SCRAM, Binding::Unsupported))),
            (&plain, true, Some(&[7]), Prefer, Ok((SCRAM, Binding::NotOffered))),
            // A certificate without a hash is no excuse for whoever relays the login.
            (&plain, true, None, Prefer, Ok((SCRAM, Binding::NotOffered))),
            (&plain, false, None, Prefer, Ok((SCRAM, Binding::Unsupported))),
        ] {
            let chosen = choose(mechanisms, is_encrypted, end_point, wanted);
            assert_eq!(chosen, expected, "{mechanisms:?} {wanted:?}");
        }
        assert!(choose(&both, true, None, Prefer).is_err());
        assert!(choose(&both, true, None, Require).is_err());
        assert!(choose(&plain, true, Some(&[7]), Require).is_err());
        assert!(choose(&both, false, None, Require).is_err());
        assert!(choose(&["OAUTHBEARER".to_owned()], false, None, Prefer).is_err());
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
        let ended = log_in(
            &mut wire,
            &[SCRAM.to_owned()],
            b"pencil",
            ChannelBinding::Prefer,
            &AttemptProgress::default(),
        )
        .await;
        server.await.expect("the server was asked");
        ended
    }

    fn request(code: [u8; 4], text: &str) -> Vec<u8> {
        let length = u32::try_from(8 + text.len()).expect("short").to_be_bytes();
        [b"R", &length[..], &code, text.as_bytes()].concat()
    }

    /// What a login that has come as far as these requests answers to the last of them.
    fn answer_to(requests: &[&[u8]]) -> Result<Option<Vec<u8>>, String> {
        let mut login = ScramLogin::new("pencil");
        let (last, before) = requests.split_last().expect("a request");
        before.iter().for_each(|request| drop(login.answer(request).expect("an answer")));
        login.answer(last)
    }

    #[test]
    fn a_login_by_hand_says_nothing_but_scram_and_believes_nobody() {
        const OFFER: &[u8] = b"\0\0\0\x0aSCRAM-SHA-256\0\0";
        let first = answer_to(&[OFFER]).expect("an answer").expect("a message");
        assert!(first.starts_with(b"SCRAM-SHA-256\0\0\0\0\x20n,,n=,r="), "{first:?}");
        let refused: [(&[&[u8]], &str); 6] = [
            (&[&[0, 0, 0, 3]], "server requested a cleartext password"),
            (&[&[0, 0, 0, 5, 1, 2, 3, 4]], "server requested a hashed password"),
            (
                &[b"\0\0\0\x0aOAUTHBEARER\0\0"],
                "none of the server's SASL authentication mechanisms are supported",
            ),
            (&[OFFER, OFFER], UNEXPECTED),
            (&[OFFER, b"\0\0\0\x0cv=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="], UNEXPECTED),
            (&[OFFER, b"\0\0\0\x0br=other,s=W22Z,i=2"], "invalid SCRAM response (nonce mismatch)"),
        ];
        for (requests, why) in refused {
            assert_eq!(answer_to(requests).expect_err(why), why);
        }
        let mut login = ScramLogin::new("pencil");
        let first = login.answer(OFFER).expect("an answer").expect("a message");
        let nonce = String::from_utf8_lossy(&first).split_once("r=").expect("a nonce").1.to_owned();
        let challenge = format!("\0\0\0\x0br={nonce}more,s=W22Z,i=2");
        let proof = login.answer(challenge.as_bytes()).expect("an answer").expect("a message");
        assert!(String::from_utf8_lossy(&proof).contains(",p="));
        let forged = login.answer(b"\0\0\0\x0cv=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert_eq!(forged.expect_err("forged"), "incorrect server signature");
    }

    #[test]
    fn a_new_password_is_long_plain_and_new() {
        let (one, other) = (new_password().expect("a password"), new_password().expect("a password"));
        assert_ne!(one, other);
        assert_eq!(one.len(), 24);
        assert!(one.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter)), "{one}");
    }

    #[tokio::test]
    async fn a_server_that_cannot_prove_itself_is_not_logged_in_to() {
        let forged = against("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").await.expect_err("forged");
        assert_eq!(
            (forged.kind, forged.message.as_str()),
            (ErrorKind::AuthFailed, "incorrect server signature")
        );
        let silent = against("").await.expect_err("no proof");
        assert_eq!(silent.message, "malformed SCRAM message (attribute \"v\" expected)");
    }
}
