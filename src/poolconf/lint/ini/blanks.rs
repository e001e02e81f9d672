//! Characters that look like a blank and are none to PgBouncer, which knows ASCII only.

/// What C's `isspace` knows.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

/// A text without the blanks around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// A text without the blanks before it.
pub(super) fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// The first character that a person takes for a blank, or does not see, and how many characters are before it.
pub(super) fn foreign(text: &str) -> Option<(usize, char)> {
    let invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    text.chars().enumerate().find(|(_, c)| !c.is_ascii() && (c.is_whitespace() || invisible(*c)))
}

/// What such a character is called.
pub(super) fn name(c: char) -> String {
    let word = match c {
        '\u{a0}' | '\u{202f}' => "a no-break space",
        '\u{feff}' => "a byte-order mark",
        c if c.is_whitespace() => "a blank of Unicode",
        _ => "an invisible character",
    };
    format!("{word} (U+{:04X})", u32::from(c))
}
