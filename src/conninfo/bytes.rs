//! libpq takes every value as bytes. Here values are text, in which each byte that is no part of UTF-8 is one of the last
//! characters of Unicode, which nobody's text has. Should a text have one, its own bytes are taken so, one by one: nothing is
//! lost, and the bytes come back as they were.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// What stands for the byte 0 would; the bytes in question have their highest bit set.
const FIRST: u32 = 0x10_FF00;

/// The text that stands for `bytes`.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match byte_of(character) {
                None => text.push(character),
                Some(_) => text.extend(character.encode_utf8(&mut [0; 4]).bytes().map(stand_in)),
            }
        }
        text.extend(chunk.invalid().iter().copied().map(stand_in));
    }
    text
}

/// The bytes that `text` stands for.
pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// The bytes of a text as the operating system takes names.
pub(crate) fn os_string_of(text: &str) -> OsString {
    OsString::from_vec(bytes_of(text))
}

/// The bytes of a text as a path.
pub(crate) fn path_of(text: &str) -> PathBuf {
    os_string_of(text).into()
}

/// `text` for people.
pub(crate) fn readable(text: &str) -> String {
    String::from_utf8_lossy(&bytes_of(text)).into_owned()
}

fn stand_in(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn byte_of(character: char) -> Option<u8> {
    u32::from(character).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_stays_as_it_is() {
        assert_eq!(text_of("größe \u{10fe00}".as_bytes()), "größe \u{10fe00}");
        assert_eq!(readable(&text_of(b"p\xe9\xff")), "p\u{fffd}\u{fffd}");
    }

    proptest! {
        #[test]
        fn the_bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..20), last in "[\u{10fff0}-\u{10ffff}a]{0,3}") {
            for bytes in [bytes, last.into_bytes()] {
                prop_assert_eq!(bytes_of(&text_of(&bytes)), bytes);
            }
        }
    }
}
