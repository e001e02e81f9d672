//! Keeping secrets out of messages that quote what was typed.

use super::bytes::readable;
use super::keyword::{KEYWORDS, MASK, is_blank};

/// `text` with everything that can be a password in a URI masked: from the first `:` after `://` to the last `@`,
/// and the values of `password` and `sslpassword` among its query parameters.
pub(super) fn uri(text: &str) -> String {
    let Some(start) = text.find("://").map(|at| at + 3) else { return text.to_owned() };
    let (scheme, rest) = text.split_at(start);
    let masked = match (rest.find(':'), rest.rfind('@')) {
        (Some(colon), Some(at)) if colon < at => {
            let (user, _) = rest.split_at(colon);
            let (_, host) = rest.split_at(at);
            format!("{user}:{MASK}{host}")
        }
        _ => rest.to_owned(),
    };
    let Some((before, query)) = masked.split_once('?') else { return format!("{scheme}{masked}") };
    let query: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if key.contains("password") || key.contains('%') => format!("{key}={MASK}"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{scheme}{before}?{}", query.join("&"))
}

/// Any text as it may be shown: the credentials of a URI are masked in each line, and so is what follows a keyword
/// for secrets and `=`. Rather too much than too little.
pub(crate) fn secrets(text: &str) -> String {
    masked(&readable(text))
}

/// Masks the secrets of any text as [`secrets`] does, but keeps what is not readable as it is.
pub(super) fn masked(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| settings(&uri(line))).collect();
    lines.join("\n")
}

/// `text` with the values of secret keywords masked, however they are quoted.
fn settings(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = first_secret(rest) {
        let (before, value) = rest.split_at(at);
        shown.push_str(before);
        shown.push_str(MASK);
        rest = value.get(value_length(value)..).unwrap_or_default();
    }
    shown + rest
}

/// Where the value of the first secret keyword in `text` begins.
fn first_secret(text: &str) -> Option<usize> {
    let secret = KEYWORDS.iter().filter(|keyword| keyword.secret);
    let value_after = |name: &str| {
        text.match_indices(name).find_map(|(at, _)| {
            let after = text.get(at + name.len()..)?.trim_start_matches(is_blank);
            let value = after.strip_prefix('=')?.trim_start_matches(is_blank);
            (!value.is_empty()).then(|| text.len() - value.len())
        })
    };
    secret.filter_map(|keyword| value_after(keyword.name)).min()
}

/// How long the value is that `text` begins with, as libpq reads it.
fn value_length(text: &str) -> usize {
    let quoted = text.starts_with('\'');
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '\'' if quoted => return at + 1,
            other if !quoted && is_blank(other) => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_uri_without_credentials_is_shown_as_it_is() {
        assert_eq!(uri("postgres://[]/db"), "postgres://[]/db");
        assert_eq!(uri("postgres://me@[]:5/db?a=b"), "postgres://me@[]:5/db?a=b");
    }

    #[test]
    fn passwords_are_masked_wherever_they_stand() {
        assert_eq!(uri("postgres://me:se@cret@[/db"), format!("postgres://me:{MASK}@[/db"));
        assert_eq!(uri("postgres://me:se/cr?et@h/db"), format!("postgres://me:{MASK}@h/db"));
        assert_eq!(
            uri("postgres://[/db?sslpassword=x&a=b"),
            format!("postgres://[/db?sslpassword={MASK}&a=b")
        );
        assert_eq!(uri("postgres://[/db?pass%77ord=x"), format!("postgres://[/db?pass%77ord={MASK}"));
    }
    #[test]
    fn secrets_are_masked_in_any_text_and_nothing_else_is() {
        for (text, shown) in [
            ("the password came from: variable PGPASSWORD", "the password came from: variable PGPASSWORD"),
            ("host=h password=s3cret port=1", "host=h password=******** port=1"),
            ("password = 's3 c\\'ret' port=1", "password = ******** port=1"),
            ("sslpassword=s3\\ cret", "sslpassword=********"),
            ("'postgresql://u:s3cret@h/d' is odd\nnext", "'postgresql://u:********@h/d' is odd\nnext"),
            ("oauth_client_secret=s3cret password=s3cret", "oauth_client_secret=******** password=********"),
            ("password=", "password="),
        ] {
            assert_eq!(secrets(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_password_survives(password in "[a-z:/ '\\\\=]{0,4}S3CRET[a-z:/@?&=%]{0,4}", user in "[a-z]{0,3}") {
            let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
            for text in [
                format!("postgresql://{user}:{password}@h/d?a=b"),
                format!("unexpected argument 'postgresql://{user}:{password}@h/d' found"),
                format!("host=h password='{quoted}' port=1"),
            ] {
                prop_assert!(!secrets(&text).contains("S3CRET"), "{} in {}", secrets(&text), text);
            }
        }

        #[test]
        fn masking_never_panics_and_is_settled_at_once(text in "[a-d:/@?&=%' \\\\\npasword]{0,60}|\\PC*") {
            let once = secrets(&text);
            prop_assert_eq!(secrets(&once), once);
        }
    }
}
