//! The TLS library's errors in words.

/// A text with names of Rust's in it as words: `peer misbehaved: BadCertChain` as `peer misbehaved: bad cert chain`.
pub(super) fn plain(text: &str) -> String {
    let text = text.split(['(', '{']).next().unwrap_or_default().trim_end();
    let mut words = String::new();
    let letters: Vec<char> = text.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        let (before, after) = (at.checked_sub(1).and_then(|at| letters.get(at)), letters.get(at + 1));
        let ends_small = before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let begins = letter.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase);
        let is_inside = before.is_some_and(char::is_ascii_alphanumeric);
        if letter.is_ascii_uppercase() && (ends_small || begins && is_inside) {
            words.push(' ');
        }
        words.push(if begins { letter.to_ascii_lowercase() } else { letter });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_rusts_reaches_a_user() {
        for (text, words) in [
            ("UnknownCA", "unknown CA"),
            ("BadDer", "bad der"),
            ("invalid peer certificate: BadEncoding", "invalid peer certificate: bad encoding"),
            (
                "peer misbehaved: SignedKxWithWrongAlgorithm",
                "peer misbehaved: signed kx with wrong algorithm",
            ),
            ("peer is incompatible: Tls12NotOffered", "peer is incompatible: tls12 not offered"),
            ("Other(OtherError(UnsupportedCertVersion))", "other"),
            ("received fatal alert: UnknownPSKIdentity", "received fatal alert: unknown PSK identity"),
            ("cannot decrypt peer's message", "cannot decrypt peer's message"),
        ] {
            assert_eq!(plain(text), words);
        }
    }
}
