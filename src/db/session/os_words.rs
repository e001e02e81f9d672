//! What the operating system says of an error.

use std::io;

/// The operating system's words without the error number that the standard library adds.
pub(super) fn os_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or_else(|| text.clone(), |(words, _)| words.to_owned())
}
