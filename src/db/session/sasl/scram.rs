//! The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) as pure text in, text out. The errors are in libpq's words.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{digest, hmac};
use stringprep::tables;
use unicode_normalization::UnicodeNormalization as _;

use super::salting::{KEY, Salting};

/// What the proof says of the channel: RFC 5802's `gs2-cbind-flag`, and the data that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// This side does not bind: the stream is not encrypted, or the settings forbid it.
    Unsupported,
    /// This side would, but the server does not offer it. The proof covers this, so that nobody on the way can have taken the
    /// offer out.
    NotOffered,
    /// Bound to the server's certificate, by this hash of it (`tls-server-end-point`, RFC 5929).
    EndPoint(Vec<u8>),
}

impl Binding {
    const fn header(&self) -> &'static str {
        match self {
            Self::Unsupported => "n,,",
            Self::NotOffered => "y,,",
            Self::EndPoint(_) => "p=tls-server-end-point,,",
        }
    }

    /// The header and the data as the client's last message repeats them.
    fn input(&self) -> String {
        let mut input = self.header().as_bytes().to_vec();
        if let Self::EndPoint(hash) = self {
            input.extend_from_slice(hash);
        }
        STANDARD.encode(input)
    }
}

/// Fresh randomness for one exchange, as printable text: as long as libpq's.
///
/// # Errors
/// When the system has no randomness.
pub(super) fn nonce() -> Result<String, String> {
    let mut bytes = [0; 18];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "could not generate nonce".to_owned())?;
    Ok(STANDARD.encode(bytes))
}

/// An exchange whose first message has been sent.
pub(super) struct Exchange {
    binding: Binding,
    nonce: String,
}

/// An exchange that waits for the server's proof.
pub(super) struct Proven {
    server_key: hmac::Key,
    /// What both sides have signed.
    transcript: String,
}

impl Exchange {
    /// An exchange under `nonce`, which nobody has used before.
    pub(super) const fn new(binding: Binding, nonce: String) -> Self {
        Self { binding, nonce }
    }

    /// The client's first message. The name is empty: PostgreSQL takes the one of the startup packet.
    pub(super) fn first(&self) -> String {
        format!("{}{}", self.binding.header(), self.first_bare())
    }

    fn first_bare(&self) -> String {
        format!("n=,r={}", self.nonce)
    }

    /// What the server's first message asks to be worked out of `password`.
    ///
    /// # Errors
    /// When the message is not one of SCRAM's, or not of this exchange.
    pub(super) fn salting(&self, password: &[u8], server_first: &str) -> Result<Salting, String> {
        let (_, salt, iterations) = self.challenge(server_first)?;
        Ok(Salting::new(&prepared(password), &salt, iterations))
    }

    /// The answer to the server's first message, the proof that `password` is known. As slow as the server's iteration count
    /// makes it.
    ///
    /// # Errors
    /// When the message is not one of SCRAM's, or not of this exchange.
    pub(super) fn proof(&self, password: &[u8], server_first: &str) -> Result<(String, Proven), String> {
        let mut salting = self.salting(password, server_first)?;
        while !salting.is_done() {
            salting.go_on(u32::MAX);
        }
        self.proof_by(&salting, server_first)
    }

    /// The answer to the server's first message by what its salting came to.
    ///
    /// # Errors
    /// When the message is not one of SCRAM's, or not of this exchange.
    pub(super) fn proof_by(&self, salting: &Salting, server_first: &str) -> Result<(String, Proven), String> {
        let (nonce, ..) = self.challenge(server_first)?;
        let salted = hmac::Key::new(hmac::HMAC_SHA256, &salting.salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
        let stored_key = hmac::Key::new(hmac::HMAC_SHA256, stored_key.as_ref());
        let server_key = hmac::sign(&salted, b"Server Key");
        let unproven = format!("c={},r={nonce}", self.binding.input());
        let transcript = format!("{},{server_first},{unproven}", self.first_bare());
        let signature = hmac::sign(&stored_key, transcript.as_bytes());
        let proof: Vec<u8> =
            client_key.as_ref().iter().zip(signature.as_ref()).map(|(key, signed)| key ^ signed).collect();
        let message = format!("{unproven},p={}", STANDARD.encode(proof));
        let server_key = hmac::Key::new(hmac::HMAC_SHA256, server_key.as_ref());
        Ok((message, Proven { server_key, transcript }))
    }

    /// Nonce, salt and iteration count of the server's first message.
    fn challenge<'a>(&self, server_first: &'a str) -> Result<(&'a str, Vec<u8>, NonZeroU32), String> {
        let (nonce, rest) = attribute(server_first, 'r')?;
        if !nonce.starts_with(&self.nonce) {
            return Err("invalid SCRAM response (nonce mismatch)".to_owned());
        }
        let (salt, rest) = attribute(rest, 's')?;
        let salt = STANDARD.decode(salt).map_err(|_| malformed("invalid salt"))?;
        let (iterations, rest) = attribute(rest, 'i')?;
        let iterations = iterations.parse().map_err(|_| malformed("invalid iteration count"))?;
        if rest.is_empty() {
            Ok((nonce, salt, iterations))
        } else {
            Err(malformed("garbage at end of server-first-message"))
        }
    }
}

impl Proven {
    /// Whether the server's last message proves that it knows the password, too.
    ///
    /// # Errors
    /// When it does not, or says why it stops.
    pub(super) fn check(&self, server_final: &str) -> Result<(), String> {
        if let Ok((error, _)) = attribute(server_final, 'e') {
            return Err(format!("error received from server in SCRAM exchange: {error}"));
        }
        let (signature, rest) = attribute(server_final, 'v')?;
        if !rest.is_empty() {
            return Err(malformed("garbage at end of server-final-message"));
        }
        let signature = STANDARD.decode(signature).ok().filter(|signature| signature.len() == KEY);
        let signature = signature.ok_or_else(|| malformed("invalid server signature"))?;
        hmac::verify(&self.server_key, self.transcript.as_bytes(), &signature)
            .map_err(|_| "incorrect server signature".to_owned())
    }
}

/// The value of the attribute `name` that `text` begins with, and what follows it.
fn attribute(text: &str, name: char) -> Result<(&str, &str), String> {
    let value = text.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
    let value = value.ok_or_else(|| malformed(&format!("attribute \"{name}\" expected")))?;
    Ok(value.split_once(',').unwrap_or((value, "")))
}

fn malformed(what: &str) -> String {
    format!("malformed SCRAM message ({what})")
}

/// The password after SASLprep (RFC 4013), or as it is where that is not possible. PostgreSQL judges the characters before
/// they are normalised, and an empty rest as not possible, which the standard does not; so the server's password can only be
/// met by its own order.
fn prepared(password: &[u8]) -> Vec<u8> {
    let prepared = str::from_utf8(password).ok().filter(|text| !text.is_ascii()).and_then(|text| {
        // A space first: U+200B is in both tables.
        let mapped: Vec<char> = text
            .chars()
            .filter_map(|c| match c {
                c if tables::non_ascii_space_character(c) => Some(' '),
                c if tables::commonly_mapped_to_nothing(c) => None,
                c => Some(c),
            })
            .collect();
        let is_judged_well =
            !mapped.is_empty() && !mapped.iter().copied().any(is_prohibited) && !mixes_directions(&mapped);
        is_judged_well.then(|| mapped.into_iter().nfkc().collect::<String>())
    });
    prepared.map_or_else(|| password.to_vec(), String::into_bytes)
}

fn is_prohibited(c: char) -> bool {
    tables::ascii_control_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::surrogate_code(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::inappropriate_for_canonical_representation(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c)
        || tables::unassigned_code_point(c)
}

/// Whether text that runs from right to left does so from its first character to its last, and alone (RFC 3454, 6).
fn mixes_directions(text: &[char]) -> bool {
    let runs_left = |c: &char| tables::bidi_r_or_al(*c);
    let is_framed = text.first().is_some_and(runs_left) && text.last().is_some_and(runs_left);
    text.iter().any(runs_left) && (!is_framed || text.iter().any(|c| tables::bidi_l(*c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVER_FIRST: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn exchange() -> Exchange {
        Exchange::new(Binding::Unsupported, "rOprNGfwEbeRWgbNEkqO".to_owned())
    }

    /// The example of RFC 7677, whose user name PostgreSQL leaves empty: the proofs were computed anew for that by another
    /// implementation (Python's hashlib and hmac).
    #[test]
    fn the_exchange_of_the_standard() {
        let exchange = exchange();
        assert_eq!(exchange.first(), "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
        let (message, proven) = exchange.proof(b"pencil", SERVER_FIRST).expect("an answer");
        assert_eq!(
            message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=qvT2SWdEH5Q06albL+hjSYuUhCG7VndFyzIb7CK4n9k="
        );
        assert_eq!(proven.check("v=3HO6Qt1M4MKJrmlKaoOqLAI0/0TV0HZe7J9H3MBtSOg="), Ok(()));
    }

    #[test]
    fn a_salted_password_is_the_one_of_the_standard() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("salt");
        let mut salting = Salting::new(b"pencil", &salt, NonZeroU32::new(4096).expect("count"));
        while !salting.is_done() {
            salting.go_on(1000);
        }
        // SaltedPassword of RFC 7677's example, from which its ServerSignature follows
        let key = hmac::Key::new(hmac::HMAC_SHA256, &salting.salted);
        let server_key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, b"Server Key").as_ref());
        let transcript = format!(
            "n=user,r=rOprNGfwEbeRWgbNEkqO,{SERVER_FIRST},c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
        );
        let proven = Proven { server_key, transcript };
        assert_eq!(proven.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_not_believed() {
        let (_, proven) = exchange().proof(b"pencil", SERVER_FIRST).expect("an answer");
        for (message, words) in [
            ("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "incorrect server signature"),
            ("v=6rri", "malformed SCRAM message (invalid server signature)"),
            ("v=", "malformed SCRAM message (invalid server signature)"),
            ("e=invalid-proof", "error received from server in SCRAM exchange: invalid-proof"),
            ("", "malformed SCRAM message (attribute \"v\" expected)"),
        ] {
            assert_eq!(proven.check(message), Err(words.to_owned()), "{message:?}");
        }
    }

    #[test]
    fn a_challenge_that_is_none_is_refused() {
        for (message, words) in [
            ("", "malformed SCRAM message (attribute \"r\" expected)"),
            ("r=other,s=W22Z,i=4096", "invalid SCRAM response (nonce mismatch)"),
            ("r=rOprNGfwEbeRWgbNEkqOx,i=4096", "malformed SCRAM message (attribute \"s\" expected)"),
            ("r=rOprNGfwEbeRWgbNEkqOx,s=?,i=4096", "malformed SCRAM message (invalid salt)"),
            ("r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=0", "malformed SCRAM message (invalid iteration count)"),
            (
                "r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=1,x=1",
                "malformed SCRAM message (garbage at end of server-first-message)",
            ),
        ] {
            let refusal = exchange().proof(b"pencil", message).err();
            assert_eq!(refusal.as_deref(), Some(words), "{message:?}");
        }
    }

    #[test]
    fn the_channel_is_part_of_what_is_proven() {
        let bound = |binding| {
            let exchange = Exchange::new(binding, "rOprNGfwEbeRWgbNEkqO".to_owned());
            let (message, _) = exchange.proof(b"pencil", SERVER_FIRST).expect("an answer");
            (exchange.first(), message.split(',').next().unwrap_or_default().to_owned())
        };
        let texts = |first: &str, input: &str| (first.to_owned(), input.to_owned());
        assert_eq!(bound(Binding::NotOffered), texts("y,,n=,r=rOprNGfwEbeRWgbNEkqO", "c=eSws"));
        assert_eq!(
            bound(Binding::EndPoint(vec![0, 255])),
            texts(
                "p=tls-server-end-point,,n=,r=rOprNGfwEbeRWgbNEkqO",
                "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAP8="
            )
        );
    }

    /// RFC 3454's tables C.1.2 and B.1, in the order of PostgreSQL's `pg_saslprep`: U+200B is in both.
    #[test]
    fn every_space_is_one_and_what_is_mapped_to_nothing_is_gone() {
        let (mut spaces, mut nothing) = (0, 0);
        for c in ('\u{80}'..=char::MAX).filter(|c| !c.is_ascii()) {
            let text = format!("a{c}b");
            if tables::non_ascii_space_character(c) {
                assert_eq!(prepared(text.as_bytes()), b"a b", "{c:?}");
                spaces += 1;
            } else if tables::commonly_mapped_to_nothing(c) {
                assert_eq!(prepared(text.as_bytes()), b"ab", "{c:?}");
                nothing += 1;
            }
        }
        assert_eq!((spaces, nothing), (17, 26));
    }

    #[test]
    fn a_password_is_prepared_as_the_server_prepared_it() {
        for (typed, expected) in [
            (&b"plain"[..], &b"plain"[..]),
            ("\u{2168}".as_bytes(), b"IX"),
            ("a\u{a0}b".as_bytes(), b"a b"),
            // forbidden characters, and what is no UTF-8: taken as it is
            (b"a\x07b", b"a\x07b"),
            ("\u{2168}\u{7}".as_bytes(), "\u{2168}\u{7}".as_bytes()),
            ("\u{3f9}".as_bytes(), "\u{3f9}".as_bytes()),
            ("\u{ad}".as_bytes(), "\u{ad}".as_bytes()),
            // judged before it is normalised
            ("a\u{2135}".as_bytes(), "a\u{5d0}".as_bytes()),
            ("a\u{5d0}".as_bytes(), "a\u{5d0}".as_bytes()),
            (b"\xff\xfe", b"\xff\xfe"),
        ] {
            assert_eq!(prepared(typed), expected, "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn fuzz_scram_messages(
            salt in "[A-Za-z0-9+/=?]{0,30}",
            count in "[0-9]{1,4}|-1|x|99999999999",
            more in "(,[a-z]=[a-z]{0,3}){0,2}|\\PC{0,6}",
            own in any::<bool>(),
            last in "[ve]=[A-Za-z0-9+/=]{0,50}|\\PC{0,9}",
            password in prop::collection::vec(any::<u8>(), 0..12),
        ) {
            let nonce = if own { "rOprNGfwEbeRWgbNEkqOmore" } else { "other" };
            if let Ok((message, proven)) = exchange().proof(&password, &format!("r={nonce},s={salt},i={count}{more}")) {
                prop_assert!(own && message.contains(",p="));
                prop_assert!(proven.check(&last).is_err());
            }
        }

        #[test]
        fn no_server_makes_it_panic(text in ".{0,60}", end in "(r=rOprNGfwEbeRWgbNEkqO)?.{0,30}(,s=[a-z=]{0,8})?(,i=[0-9]{0,3})?") {
            let _ = exchange().proof(b"pencil", &text);
            let _ = exchange().proof(b"pencil", &end);
            let (_, proven) = exchange().proof(b"pencil", SERVER_FIRST).expect("an answer");
            prop_assert!(proven.check(&text).is_err());
        }
    }
}
