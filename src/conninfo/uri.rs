//! The grammar of `postgresql://` URIs, as libpq reads them from version 18 on (`conninfo_uri_parse_options`): blanks round a part
//! are nothing, and one inside of it is an error.

use super::bytes::{bytes_of, text_of};
use super::error::Error;
use super::keyword::{MASK, Pairs, find, nearest, store};
use super::{foreign, redact};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The schemes, in lower case only.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Whether `text` is a URI and not a `keyword = value` string.
pub(super) fn is_uri(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// Reads a URI. Parts that are empty are not stored.
pub(super) fn parse(text: &str) -> Result<Pairs, Error> {
    let body = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let mut pairs = Pairs::new();
    let rest = credentials(body, &mut pairs)?;
    let rest = hosts(text, rest, &mut pairs)?;
    let rest = match rest.strip_prefix('/') {
        Some(path) => {
            let (dbname, query) = split_before(path, &['?']);
            put_part(&mut pairs, "dbname", dbname)?;
            query
        }
        None => rest,
    };
    if let Some(query) = rest.strip_prefix('?') {
        parameters(query, &mut pairs).map_err(|error| error.hint_of(text))?;
    }
    Ok(pairs)
}

/// A parameter that is not libpq's, or another error.
enum Wrong {
    Parameter(Error, String),
    Other(Error),
}

impl Wrong {
    /// The error; whose parameter it is, and what to write instead, are its hint. `whole` is the URI.
    fn hint_of(self, whole: &str) -> Error {
        let (error, name) = match self {
            Self::Other(error) => return error,
            Self::Parameter(error, name) => (error, name),
        };
        match (foreign::library_of_parameter(&name), nearest(&name)) {
            (Some(library), _) => error.hinted(format!(
                "\"{name}\" is a parameter of {library} and not of libpq; pgconn takes {}",
                foreign::taken(whole)
            )),
            (None, Some(near)) => error.hinted(format!("did you mean {near}?")),
            (None, None) => error,
        }
    }
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Stores `user[:password]@`; what ends it is the first `@` before the first `/`.
fn credentials<'a>(body: &'a str, pairs: &mut Pairs) -> Result<&'a str, Error> {
    let (credentials, rest) = split_before(body, &['@', '/']);
    let Some(rest) = rest.strip_prefix('@') else { return Ok(body) };
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    put_part(pairs, "user", user)?;
    put_part(pairs, "password", password)?;
    Ok(rest)
}

/// Stores the list of `host[:port]`; `whole` is the URI as messages quote it.
fn hosts<'a>(whole: &str, body: &'a str, pairs: &mut Pairs) -> Result<&'a str, Error> {
    let mut rest = body;
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    loop {
        let (host, tail) = match rest.strip_prefix('[') {
            Some(inside) => bracketed(whole, inside)?,
            None => split_before(rest, &[':', '/', '?', ',']),
        };
        let (port, tail) = match tail.strip_prefix(':') {
            Some(tail) => split_before(tail, &['/', '?', ',']),
            None => ("", tail),
        };
        hosts.push(host);
        ports.push(port);
        let Some(next) = tail.strip_prefix(',') else {
            rest = tail;
            break;
        };
        rest = next;
    }
    put_part(pairs, "host", &hosts.join(","))?;
    put_part(pairs, "port", &ports.join(","))?;
    Ok(rest)
}

/// An IPv6 address in brackets, of which the opening one is already read.
fn bracketed<'a>(whole: &str, inside: &'a str) -> Result<(&'a str, &'a str), Error> {
    let quoted = redact::uri(whole);
    let Some((host, rest)) = inside.split_once(']') else {
        return Err(Error::new(format!(
            "end of string reached when looking for matching \"]\" in IPv6 host address in URI: \"{quoted}\""
        )));
    };
    if host.is_empty() {
        return Err(Error::new(format!("IPv6 host address may not be empty in URI: \"{quoted}\"")));
    }
    match rest.chars().next() {
        None | Some(':' | '/' | '?' | ',') => Ok((host, rest)),
        Some(c) => {
            let position = whole.len() - rest.len() + 1;
            Err(Error::new(format!(
                "unexpected character \"{c}\" at position {position} in URI (expected \":\" or \"/\"): \"{quoted}\""
            )))
        }
    }
}

fn parameters(query: &str, pairs: &mut Pairs) -> Result<(), Wrong> {
    // libpq stops at the end of the text, so a closing "&" is not an empty parameter.
    if query.is_empty() {
        return Ok(());
    }
    let query = query.strip_suffix('&').filter(|rest| !rest.is_empty()).unwrap_or(query);
    let mut after_secret = false;
    for pair in query.split('&') {
        // An unescaped "&" in a password makes its second half look like a key.
        let mask = |key| if after_secret { MASK } else { key };
        let Some((key, value)) = pair.split_once('=') else {
            let key = mask(pair);
            return Err(Error::new(format!(
                "missing key/value separator \"=\" in URI query parameter: \"{key}\""
            ))
            .into());
        };
        if value.contains('=') {
            let key = mask(key);
            return Err(Error::new(format!(
                "extra key/value separator \"=\" in URI query parameter: \"{key}\""
            ))
            .into());
        }
        let name = decode(key, mask(key))?;
        let known = find(&name);
        let is_secret = known.is_some_and(|keyword| keyword.secret);
        // The value of a key that nobody knows may be a password under another name.
        let value = decode(value, if is_secret || known.is_none() { MASK } else { value })?;
        let stored = match (name.as_str(), value.as_str()) {
            ("ssl", "true") => store(pairs, "sslmode", "require".to_owned()),
            _ => store(pairs, &name, value),
        };
        if !stored {
            let error = Error::new(format!("invalid URI query parameter: \"{}\"", mask(&name)));
            return Err(if after_secret { error.into() } else { Wrong::Parameter(error, name) });
        }
        after_secret = is_secret;
    }
    Ok(())
}

/// Stores a part that is not empty, decoded.
fn put_part(pairs: &mut Pairs, name: &'static str, part: &str) -> Result<(), Error> {
    if !part.is_empty() {
        // What stands before an @ may be a part of a password.
        let shown = if name == "password" || part.contains('@') { MASK } else { part };
        let value = decode(part, shown)?;
        store(pairs, name, value);
    }
    Ok(())
}

/// Percent-decoding of a part without the blanks round it; messages quote `shown`.
fn decode(text: &str, shown: &str) -> Result<String, Error> {
    let text = text.trim_matches(' ');
    if text.contains(' ') {
        return Err(Error::new(format!(
            "unexpected spaces found in \"{shown}\", use percent-encoded spaces (%20) instead"
        )));
    }
    let invalid = || Error::new(format!("invalid percent-encoded token: \"{shown}\""));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = bytes_of(text).into_iter();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = rest.next().and_then(hex_digit).ok_or_else(invalid)?;
        let low = rest.next().and_then(hex_digit).ok_or_else(invalid)?;
        match high * 16 + low {
            0 => {
                return Err(Error::new(format!("forbidden value %00 in percent-encoded value: \"{shown}\"")));
            }
            decoded => bytes.push(decoded),
        }
    }
    Ok(text_of(&bytes))
}

/// Percent-encodes a path as the value of a URI's parameter.
pub(crate) fn encoded(path: &Path) -> String {
    let mut text = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// `text` up to the first of `stops`, and the rest beginning with it.
fn split_before<'a>(text: &'a str, stops: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(stops).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::super::path_of;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn errors_never_quote_a_password() {
        for text in [
            "postgresql://me:hun%zzter@h/db",
            "postgresql://me:hunter@[/db",
            "postgresql://me:hunter@[]/db",
            "postgresql://me:hunter@[::1]x/db",
            "postgresql://h/db?password=hun%zzter",
            "postgresql://h/db?password=a&hunter",
            "postgresql://h/db?password=a&Hunter=2",
            "postgresql://me:hunter%00@h/db",
            "postgresql://h/db?sslpassword=hunter%FF%",
            "postgresql://me:hun ter@h/db",
            "postgresql://h/db?password=hun ter",
            "postgresql://me:hunter@h/db?schema=x",
        ] {
            let error = parse(text).expect_err(text);
            assert!(!format!("{error:?}").to_lowercase().contains("hun"), "{text}: {error:?}");
        }
    }

    /// What libpq 18.6 answers.
    #[test]
    fn blanks_round_a_part_are_nothing_and_one_inside_is_an_error() {
        let read = |text: &str| {
            let pairs = parse(text).map_err(|error| error.message)?;
            Ok::<_, String>(
                pairs.iter().map(|(key, value)| format!("{}={value};", key.name)).collect::<String>(),
            )
        };
        for (text, pairs) in [
            (
                "postgresql:// u : p @ h : 5 / d ?  user = x & port  = 1",
                "user=x;password=p;host=h;port=1;dbname=d;",
            ),
            ("postgresql://h/d%20?options=%20a", "host=h;dbname=d ;options= a;"),
            ("postgresql://h/d? ssl= true", "host=h;dbname=d;sslmode=require;"),
        ] {
            assert_eq!(read(text), Ok(pairs.to_owned()), "{text}");
        }
        for (text, part) in [
            ("postgresql://h/a b", "a b"),
            ("postgresql://a,b c/d", "a,b c"),
            ("postgresql://h/d?us er=x", "us er"),
            ("postgresql://h/d?user= x y ", " x y "),
        ] {
            let words =
                format!("unexpected spaces found in \"{part}\", use percent-encoded spaces (%20) instead");
            assert_eq!(read(text), Err(words), "{text}");
        }
        assert_eq!(
            read("postgresql://h/d?user\t=x"),
            Err("invalid URI query parameter: \"user\t\"".to_owned())
        );
    }

    #[test]
    fn a_parameter_of_another_library_is_known_for_one() {
        let hint = |text: &str| parse(text).expect_err(text).hint.unwrap_or_default();
        assert_eq!(
            hint("postgresql://u:p@h/d?schema=public&sslmode=require&pgbouncer=true"),
            "\"schema\" is a parameter of Prisma and not of libpq; pgconn takes postgresql://u:********@h/d?sslmode=require"
        );
        assert_eq!(hint("postgresql://h/d?prot=1"), "did you mean port?");
    }

    proptest! {
        #[test]
        fn an_encoded_path_comes_back_and_is_one_plain_word(bytes in proptest::collection::vec(1_u8.., 1..40)) {
            let path = path_of(&text_of(&bytes));
            let value = encoded(&path);
            prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic() && !b"?&=#'\"".contains(&byte)));
            let pairs = parse(&format!("postgresql:///shop?passfile={value}")).expect("a URI");
            let found = pairs.last().map(|(_, value)| path_of(value));
            prop_assert_eq!(found, Some(path));
        }

        #[test]
        fn fuzz_uri(text in "\\PC*") {
            let _ = parse(&format!("postgresql://{text}"));
        }

        #[test]
        fn fuzz_uri_of_likely_text(text in "([a-b:@/?&=,%0-9\\[\\]#é ]|host|port|user|password|sslmode|schema|ssl=true|%2f){0,30}") {
            let _ = parse(&format!("postgres://{text}"));
        }
    }
}
