//! The grammar of password files (`.pgpass`), as libpq reads them (`passwordFromFile`). Bytes, not text: a
//! password may be in any encoding.

use super::bytes::bytes_of;

/// The four fields that choose a line.
pub(super) struct PasswordKey<'a> {
    /// `localhost` for the default socket directory.
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) dbname: &'a str,
    pub(super) user: &'a str,
}

/// The password of the first line that matches, and the line's number from 1.
pub(super) fn lookup(text: &[u8], wanted: &PasswordKey<'_>) -> Option<(usize, Vec<u8>)> {
    let fields = [wanted.host, wanted.port, wanted.dbname, wanted.user].map(bytes_of);
    text.split(|&byte| byte == b'\n').enumerate().find_map(|(at, line)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"#") {
            return None;
        }
        let rest = fields.iter().try_fold(line, |rest, field| match_field(rest, field))?;
        Some((at + 1, unescaped(rest)))
    })
}

/// What follows a field and its colon, when the field is `*` or equals `wanted` (`\:` and `\\` are escapes).
fn match_field<'a>(line: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let mut rest = line;
    for &byte in wanted {
        // As in libpq, a colon in `wanted` also matches an unescaped one, so that IPv6 addresses can stand as they are.
        if let [b'\\', tail @ ..] = rest {
            rest = tail;
        }
        rest = rest.strip_prefix(&[byte])?;
    }
    rest.strip_prefix(b":")
}

/// The password: up to the next unescaped colon, escapes removed.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut password = Vec::with_capacity(field.len());
    let mut bytes = field.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b':' => break,
            b'\\' => password.push(bytes.next().copied().unwrap_or(b'\\')),
            other => password.push(other),
        }
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn password(file: &str) -> Option<(usize, String)> {
        let wanted = PasswordKey { host: "h:1", port: "5432", dbname: "d", user: "u" };
        let (line, bytes) = lookup(file.as_bytes(), &wanted)?;
        Some((line, String::from_utf8(bytes).expect("text")))
    }

    #[test]
    fn the_first_matching_line_wins() {
        assert_eq!(
            password("#h\\:1:5432:d:u:no\nx:5432:d:u:no\n*:*:*:*:a\n*:*:*:*:b"),
            Some((3, "a".into()))
        );
    }

    #[test]
    fn escapes_work_in_fields_and_in_the_password() {
        assert_eq!(password("h\\:1:5432:d:u:a\\:b\\\\c:ignored"), Some((1, "a:b\\c".into())));
        assert_eq!(password("h\\:1\\:5432:d:u:no"), None);
    }

    #[test]
    fn an_unescaped_colon_matches_a_colon_as_in_libpq() {
        assert_eq!(password("h:1:5432:d:u:x"), Some((1, "x".into())));
    }

    #[test]
    fn a_leading_blank_matters_and_a_carriage_return_does_not() {
        assert_eq!(password(" *:*:*:*:no"), None);
        assert_eq!(password("*:*:*:*:x\r\n"), Some((1, "x".into())));
    }

    #[test]
    fn a_field_must_match_to_its_end() {
        assert_eq!(
            password("*:54321:d:u:no\n*:543:d:u:no\n*:*:dd:u:no\n*:5432:d:u:yes"),
            Some((4, "yes".into()))
        );
    }

    proptest! {
        #[test]
        fn fuzz_password_file(text in proptest::collection::vec(any::<u8>(), 0..200), host in "\\PC{0,5}") {
            let _ = lookup(&text, &PasswordKey { host: &host, port: "", dbname: ":", user: "\\" });
        }

        #[test]
        fn an_escaped_line_is_found_again(host in "[a:\\\\*]{1,6}", secret in "[a:\\\\]{1,9}") {
            let escape = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:");
            let line = format!("{}:1:d:u:{}", escape(&host), escape(&secret));
            let wanted = PasswordKey { host: &host, port: "1", dbname: "d", user: "u" };
            prop_assert_eq!(lookup(line.as_bytes(), &wanted), Some((1, secret.into_bytes())));
        }
    }
}
