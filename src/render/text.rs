//! Words and numbers for people: durations, counts, and the one sanitiser that every foreign text passes through.

use std::borrow::Cow;
use std::fmt;

use unicode_width::UnicodeWidthChar;

use crate::model::quote::is_invisible;

/// A part of a text on its way to a terminal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    /// Shown as it is.
    Plain(&'a str),
    /// A character that could do something to a terminal, and is shown as an [`Escape`].
    Escaped(char),
}

/// How a control character is shown, `\x1B` as psql writes it, and a bidi or other invisible one, `\u{202E}`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escape(pub(super) char);

impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = u32::from(self.0);
        if self.0.is_control() { write!(f, "\\x{code:02X}") } else { write!(f, "\\u{{{code:04X}}}") }
    }
}

impl Escape {
    fn width(self) -> usize {
        let digits = (32 - u32::from(self.0).leading_zeros()).div_ceil(4);
        if self.0.is_control() { 4 } else { usize::try_from(digits.max(4)).unwrap_or(usize::MAX) + 4 }
    }
}

/// What ends words; what is white space and cannot be seen is shown as an [`Escape`] instead.
fn is_blank(character: char) -> bool {
    character.is_whitespace() && !is_invisible(character)
}

/// Reads a text from its beginning, in as large pieces as there are.
struct Pieces<'a> {
    rest: &'a str,
    /// Runs of blanks become one.
    folds: bool,
    /// The piece before ended with one.
    after_blank: bool,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let plain = self.plain();
            if plain > 0 {
                let (piece, rest) = self.rest.split_at(plain);
                self.rest = rest;
                return Some(Piece::Plain(piece));
            }
            let mut rest = self.rest.chars();
            let character = rest.next()?;
            self.rest = rest.as_str();
            if !self.folds || !is_blank(character) {
                self.after_blank = false;
                return Some(Piece::Escaped(character));
            }
            if !std::mem::replace(&mut self.after_blank, true) {
                return Some(Piece::Plain(" "));
            }
        }
    }
}

impl Pieces<'_> {
    /// How many bytes from here can be shown as they are.
    fn plain(&mut self) -> usize {
        let mut at = 0;
        while let Some(first) = self.rest.as_bytes().get(at) {
            at += match first {
                b'!'..=b'~' => 1,
                b' ' if !(self.folds && self.after_blank) => 1,
                ..=0x7f => break,
                _ => match self.rest.get(at..).and_then(|rest| rest.chars().next()) {
                    Some(character) if !self.is_special(character) => character.len_utf8(),
                    _ => break,
                },
            };
            self.after_blank = *first == b' ';
        }
        at
    }

    fn is_special(&self, character: char) -> bool {
        character.is_control() || is_invisible(character) || self.folds && character.is_whitespace()
    }
}

/// The pieces of a text as one line that cannot do anything to a terminal: runs of white space (line ends included) become one
/// blank.
fn line_pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    Pieces { rest: text, folds: true, after_blank: false }
}

/// The pieces of a text with its white space as it is, as far as that is blanks.
pub(super) fn visible_pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    Pieces { rest: text, folds: false, after_blank: false }
}

fn joined<'a>(text: &'a str, pieces: impl Iterator<Item = Piece<'a>>) -> Cow<'a, str> {
    let mut whole = String::new();
    for piece in pieces {
        match piece {
            Piece::Plain(plain) if std::ptr::eq(plain, text) => return Cow::Borrowed(text),
            Piece::Plain(plain) => whole.push_str(plain),
            Piece::Escaped(character) => whole.push_str(&Escape(character).to_string()),
        }
    }
    Cow::Owned(whole)
}

/// Returns `text` as one line that cannot do anything to a terminal: runs of white space (line ends included) become
/// one blank, and what is left is made [`visible`].
pub(crate) fn sanitize(text: &str) -> Cow<'_, str> {
    joined(text, line_pieces(text))
}

/// Returns `text` with control characters as psql writes them, `\x1B`, and bidi and other invisible characters as
/// `\u{202E}`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    joined(text, visible_pieces(text))
}

/// Returns the columns that `text` takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// Returns the columns that `text` takes when it is [`sanitize`]d, or a number over `most` when it takes more than that; how
/// much longer it is costs nothing.
pub(super) fn line_width(text: &str, most: usize) -> usize {
    shown_width(text, most).0
}

/// The columns that the line of `text` takes until they are more than `columns`, and how many of its bytes that are.
fn shown_width(text: &str, columns: usize) -> (usize, usize) {
    let (mut taken, mut after_blank, mut at) = (0, false, 0);
    while let Some(first) = text.as_bytes().get(at).filter(|_| taken <= columns) {
        // Most are of this kind, and to find that out of each character is dearer than all the rest.
        let (blank, wide, long) = match first {
            b'!'..=b'~' => (false, 1, 1),
            _ => {
                let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
                let blank = is_blank(character);
                let wide = match character {
                    _ if blank => usize::from(!after_blank),
                    _ if character.is_control() || is_invisible(character) => Escape(character).width(),
                    _ => character.width().unwrap_or(0),
                };
                (blank, wide, character.len_utf8())
            }
        };
        taken += wide;
        at += long;
        after_blank = blank;
    }
    (taken, at)
}

/// Returns what [`cut`] leaves of what [`sanitize`] returns; what is cut off is not even looked at.
pub(super) fn line_cut(text: &str, columns: usize) -> Cow<'_, str> {
    if columns == usize::MAX {
        return sanitize(text);
    }
    let (_, enough) = shown_width(text, columns);
    match sanitize(text.get(..enough).unwrap_or(text)) {
        Cow::Borrowed(line) => cut(line, columns),
        Cow::Owned(line) => Cow::Owned(cut(&line, columns).into_owned()),
    }
}

/// Returns `text` cut to `columns`, ending in `…` when something was cut: never inside a number, nor between it and its
/// unit, since what is left would be another one.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut used = 1;
    let cut = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > columns
    });
    let (mut kept, rest) = text.split_at(cut.map_or(text.len(), |(at, _)| at));
    if rest.starts_with(|next: char| next.is_alphanumeric() || next == '.') {
        kept = kept.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    }
    Cow::Owned(format!("{kept}…"))
}

/// The lines of a text for a screen of `columns` that wraps nothing by itself: broken between words, each but the first indented. A word
/// that is wider than the screen stays whole.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Returns what `text` says without its durations, in pieces.
pub(crate) fn ageless(text: &str) -> Vec<&str> {
    let is_age = |word: &str| {
        let unit = word.trim_start_matches(|character: char| character.is_ascii_digit() || character == '.');
        unit.len() < word.len() && matches!(unit, "ms" | "s" | "m" | "h" | "d")
    };
    text.split([' ', ',', ':', ';', '(', ')']).filter(|word| !is_age(word)).collect()
}

/// Returns a duration in its two largest units: `850ms`, `12.3s`, `2m 13s`, `3h 05m`, `2d 04h`.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 0.9995 {
        return format!("{:.0}ms", seconds * 1000.0);
    }
    if seconds < 59.95 {
        return format!("{seconds:.1}s");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; saturates")]
    let whole = seconds.round() as u64;
    let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86_400);
    if minutes < 60 {
        format!("{minutes}m {:02}s", whole % 60)
    } else if hours < 24 {
        format!("{hours}h {:02}m", minutes % 60)
    } else {
        format!("{days}d {:02}h", hours % 24)
    }
}

/// Returns a duration in its largest unit, as far as that is full: `850ms`, `12s`, `2m`, `3h`, `2d`.
pub(crate) fn duration_in_one_unit(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; saturates")]
    let whole = seconds as u64;
    match whole {
        0 => format!("{:.0}ms", (seconds * 1000.0).floor()),
        1..60 => format!("{whole}s"),
        60..3600 => format!("{}m", whole / 60),
        3600..86_400 => format!("{}h", whole / 3600),
        _ => format!("{}d", whole / 86_400),
    }
}

/// Returns a time of which a fraction of a millisecond counts: `230ms`, `2.3ms`, `0.004ms`; from a second on as [`duration`].
pub(crate) fn brief(seconds: f64) -> String {
    let milliseconds = seconds.max(0.0) * 1000.0;
    match milliseconds {
        999.5.. => duration(seconds),
        99.95.. => format!("{milliseconds:.0}ms"),
        0.095.. => format!("{milliseconds:.1}ms"),
        _ => format!("{milliseconds:.3}ms"),
    }
}

/// Returns a ratio as whole percent: `43%`; just below the whole it is not rounded up to 100 %.
pub(crate) fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if (99.0..100.0).contains(&percent) { "99%".into() } else { format!("{percent:.0}%") }
}

/// Returns `1 session`, `2 sessions`.
pub(crate) fn count(number: i64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_wrapped_between_words() {
        assert_eq!(
            wrapped("to free 1 session: pgconn kill 1.2", 20),
            ["to free 1 session:", "  pgconn kill 1.2"]
        );
        assert_eq!(wrapped("two  blanks stay", 20), ["two  blanks stay"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn hostile_text_is_made_visible() {
        assert_eq!(sanitize("a\u{1b}[31mb"), "a\\x1B[31mb");
        assert_eq!(sanitize("one\r\n\ttwo  three"), "one two three");
        assert_eq!(sanitize("a\u{202e}b\u{9b}c"), "a\\u{202E}b\\x9Bc");
        assert_eq!(sanitize("日本 é"), "日本 é");
    }

    #[test]
    fn durations_have_two_units() {
        let shown: Vec<String> =
            [0.0, 0.85, 12.34, 59.97, 133.0, 3599.6, 11_100.0, 187_200.0, -1.0].map(duration).into();
        assert_eq!(shown, ["0ms", "850ms", "12.3s", "1m 00s", "2m 13s", "1h 00m", "3h 05m", "2d 04h", "0ms"]);
    }

    #[test]
    fn a_duration_in_one_unit_is_that_unit_as_far_as_it_is_full() {
        let seconds = [0.0, 0.85, 0.9999, 12.34, 59.97, 133.0, 3599.6, 11_100.0, 187_200.0, -1.0];
        let shown: Vec<String> = seconds.map(duration_in_one_unit).into();
        assert_eq!(shown, ["0ms", "850ms", "999ms", "12s", "59s", "2m", "59m", "3h", "2d", "0ms"]);
    }

    #[test]
    fn brief_times_keep_their_digits() {
        let shown: Vec<String> = [1.25, 0.9996, 0.2301, 0.0501, 0.0023, 0.000_004].map(brief).into();
        assert_eq!(shown, ["1.2s", "1.0s", "230ms", "50.1ms", "2.3ms", "0.004ms"]);
    }

    #[test]
    fn almost_full_is_not_full() {
        assert_eq!(percent(0.996), "99%");
        assert_eq!(percent(1.0), "100%");
        assert_eq!(percent(0.433), "43%");
    }

    #[test]
    fn wide_characters_are_cut_at_the_right_cell() {
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("abc", 0), "…");
    }

    #[test]
    fn a_number_is_shown_whole_or_not_at_all() {
        let text = "the longest for 36.5s: pid 13126 (worker)";
        assert_eq!(cut(text, 33), "the longest for 36.5s: pid 13126…");
        for columns in 28..33 {
            assert_eq!(cut(text, columns), "the longest for 36.5s: pid …");
        }
        for columns in 17..22 {
            assert_eq!(cut(text, columns), "the longest for …");
        }
        assert_eq!(cut(text, 22), "the longest for 36.5s…");
    }

    #[test]
    fn an_age_is_no_news() {
        assert_eq!(ageless("2 wait for 1m 30s: pid 7 (2.5s)"), ageless("2 wait for 1m 31s: pid 7 (850ms)"));
        assert_ne!(ageless("2 wait for 1m 30s: pid 7"), ageless("2 wait for 1m 30s: pid 8"));
        assert_ne!(ageless("51 of 77 in use"), ageless("52 of 77 in use"));
    }

    proptest! {
        #[test]
        fn sanitised_text_never_holds_a_control_character(text in any::<String>()) {
            let clean = sanitize(&text);
            prop_assert!(clean.chars().all(|c| !c.is_control() && !is_invisible(c)));
            prop_assert!(visible(&text).chars().all(|c| !c.is_control() && !is_invisible(c)));
            prop_assert_eq!(sanitize(&clean), clean.clone());
        }

        #[test]
        fn a_line_is_folded_and_escaped_character_by_character(text in "[ \\n\\t\u{a0}\u{2028}\u{1b}\u{202e}a1.é日\u{e0001}]{0,24}") {
            let mut expected = String::new();
            for character in text.chars() {
                match character {
                    '\u{2028}' | '\u{202e}' | '\u{e0001}' => expected.push_str(&format!("\\u{{{:04X}}}", u32::from(character))),
                    '\u{1b}' => expected.push_str("\\x1B"),
                    blank if blank.is_whitespace() && expected.ends_with(' ') => {}
                    blank if blank.is_whitespace() => expected.push(' '),
                    other => expected.push(other),
                }
            }
            prop_assert_eq!(sanitize(&text), expected.as_str());
        }

        #[test]
        fn a_line_is_measured_and_cut_as_if_it_were_sanitised_first(text in any::<String>(), columns in 0usize..40) {
            let line = sanitize(&text);
            prop_assert_eq!(line_cut(&text, columns), cut(&line, columns));
            prop_assert_eq!(line_width(&text, usize::MAX), width(&line));
            prop_assert_eq!(line_width(&text, columns) > columns, width(&line) > columns);
        }

        #[test]
        fn cut_text_fits(text in "\\PC*", columns in 1usize..50) {
            prop_assert!(width(&cut(&text, columns)) <= columns);
        }
    }
}
