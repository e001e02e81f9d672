//! What turns the files of questions (`questions.rs`) into statements: the one quoter through which values enter them, and the
//! check, made by the compiler, that no placeholder is left out or made up.

use std::fmt::Write as _;

/// Returns `value` as an SQL string literal that reads the same under either setting of standard_conforming_strings, and is
/// one line without control characters, as it is shown and pasted; NUL, which no server text can hold, is left out.
pub(crate) fn literal(value: &str) -> String {
    let value = value.replace('\0', "");
    if !value.bytes().any(|byte| byte.is_ascii_control() || byte == b'\\') {
        // By far the most and the longest: what is within a statement is looked through as bytes, not character by character.
        return format!("'{}'", value.replace('\'', "''"));
    }
    let mut literal = String::from(" E'");
    for character in value.chars() {
        match character {
            '\'' => literal.push_str("''"),
            '\\' => literal.push_str("\\\\"),
            control if control.is_ascii_control() => {
                let _ = write!(literal, "\\x{:02X}", u32::from(control));
            }
            other => literal.push(other),
        }
    }
    literal + "'"
}

/// Returns `template` with each `{name}` replaced by its value and `{utc:expression}` by the text of that timestamp in RFC 3339,
/// UTC, to the microsecond. Values are not looked into again. Who calls it has made sure that each placeholder has its value
/// ([`agree`]); one without would stay as it is, which no server takes.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let values_length: usize = values.iter().map(|(_, value)| value.len()).sum();
    let mut text = String::with_capacity(template.len() + values_length);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (name, remainder) = after.split_once('}').unwrap_or((after, ""));
        if let Some(expression) = name.strip_prefix("utc:") {
            let _ =
                write!(text, "to_char({expression} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        } else if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            text.push_str(value);
        } else {
            let _ = write!(text, "{{{name}}}");
        }
        rest = remainder;
    }
    text.push_str(rest);
    text
}

/// How long `file` is without its comments.
pub(super) const fn length_without_comments(file: &str) -> usize {
    without_comments::<0>(file).1
}

/// The lines of `file` that are no comments, as far as there is room for them, and how long they are: the emergency lane of older
/// servers takes no comment in front of a statement, and no server needs them.
pub(super) const fn without_comments<const LENGTH: usize>(file: &str) -> ([u8; LENGTH], usize) {
    let (mut kept, mut length) = ([0; LENGTH], 0);
    let mut rest = file.as_bytes();
    while !rest.is_empty() {
        let (line, after) = before(rest, b'\n');
        if !matches!(line.trim_ascii_start(), [b'-', b'-', ..]) {
            let mut left = line;
            if length > 0 {
                if length < LENGTH {
                    kept[length] = b'\n';
                }
                length += 1;
            }
            while let [byte, others @ ..] = left {
                if length < LENGTH {
                    kept[length] = *byte;
                }
                length += 1;
                left = others;
            }
        }
        rest = match after {
            [_, next @ ..] => next,
            [] => after,
        };
    }
    (kept, length)
}

/// Whether the placeholders of `template` are `names`: each of them, and no other.
pub(super) const fn agree(template: &str, names: &[&str]) -> bool {
    let mut unused = names;
    while let [name, others @ ..] = unused {
        let mut text = template.as_bytes();
        let mut fresh = true;
        loop {
            let Some((placeholder, after)) = placeholder(text, fresh) else { return false };
            if same(placeholder, name.as_bytes()) {
                break;
            }
            (text, fresh) = (after, false);
        }
        unused = others;
    }
    let mut text = template.as_bytes();
    let mut fresh = true;
    while let Some((placeholder, after)) = placeholder(text, fresh) {
        let mut known = matches!(placeholder, [b'u', b't', b'c', b':', ..]);
        let mut listed = names;
        while let [name, others @ ..] = listed {
            known = known || same(placeholder, name.as_bytes());
            listed = others;
        }
        if !known {
            return false;
        }
        (text, fresh) = (after, false);
    }
    true
}

/// The next placeholder that is in no comment, and what follows it; `fresh` says that nothing stands before `text` in its line.
const fn placeholder(text: &[u8], mut fresh: bool) -> Option<(&[u8], &[u8])> {
    let mut rest = text;
    loop {
        match rest {
            [] => return None,
            [b'-', b'-', ..] if fresh => (_, rest) = before(rest, b'\n'),
            [b'{', after @ ..] => return Some(before(after, b'}')),
            [byte, after @ ..] => {
                fresh = *byte == b'\n' || (fresh && *byte == b' ');
                rest = after;
            }
        }
    }
}

/// What stands before the first `end`, and the rest from there.
const fn before(text: &[u8], end: u8) -> (&[u8], &[u8]) {
    let (mut rest, mut length) = (text, 0);
    while let [byte, after @ ..] = rest {
        if *byte == end {
            break;
        }
        length += 1;
        rest = after;
    }
    text.split_at(length)
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    let (mut left, mut right) = (left, right);
    while let ([one, left_rest @ ..], [other, right_rest @ ..]) = (left, right) {
        if *one != *other {
            return false;
        }
        (left, right) = (left_rest, right_rest);
    }
    left.is_empty() && right.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_not_looked_into_again() {
        let text = fill("select {what}, {utc:now()} limit {limit}", &[("what", "'{limit}'"), ("limit", "3")]);
        assert!(text.starts_with("select '{limit}', to_char(now() at time zone 'UTC'"), "{text}");
        assert!(text.ends_with(" limit 3"), "{text}");
    }

    #[test]
    fn comments_are_left_out_by_the_compiler() {
        const FILE: &str = "-- a row\n  -- of {them}\nselect 1 -- {x}\n\n  from y\n-- end\n";
        const LENGTH: usize = length_without_comments(FILE);
        let (kept, length) = without_comments::<LENGTH>(FILE);
        assert_eq!(str::from_utf8(&kept).unwrap(), "select 1 -- {x}\n\n  from y");
        assert_eq!(length, LENGTH);
        assert_eq!(length_without_comments(""), 0);
    }

    #[test]
    fn a_file_and_its_list_of_placeholders_agree_or_not() {
        let file = "-- the {first} of them\nselect {first}, '{second}', {utc:x}\n  -- {third}\nfrom y";
        assert!(agree(file, &["second", "first"]));
        for wrong in [&[][..], &["first"], &["first", "second", "third"], &["first", "secon"]] {
            assert!(!agree(file, wrong), "{wrong:?}");
        }
        assert!(agree("select 1", &[]) && !agree("select 1", &["one"]));
        assert_eq!(fill("select {one}", &[("two", "2")]), "select {one}", "no server takes it");
    }

    /// Reads a literal back as the server would, with standard_conforming_strings on.
    fn read_back(literal: &str) -> Option<String> {
        let (escaped, body) = match literal.trim_start() {
            text if text.starts_with("E'") => (true, text.strip_prefix("E'")?.strip_suffix('\'')?),
            text => (false, text.strip_prefix('\'')?.strip_suffix('\'')?),
        };
        let mut value = String::new();
        let mut characters = body.chars();
        while let Some(character) = characters.next() {
            match character {
                '\'' if characters.next() == Some('\'') => value.push('\''),
                '\\' if escaped => match characters.next()? {
                    '\\' => value.push('\\'),
                    'x' => {
                        let code = [characters.next()?, characters.next()?].iter().collect::<String>();
                        value.push(char::from(u8::from_str_radix(&code, 16).ok()?));
                    }
                    _ => return None,
                },
                '\'' => return None,
                other => value.push(other),
            }
        }
        Some(value)
    }

    #[test]
    fn a_literal_is_one_line_that_a_terminal_takes_as_it_is() {
        let value = "a\nb\t\u{1b}[31m'\\x\u{7f}";
        assert_eq!(literal(value), " E'a\\x0Ab\\x09\\x1B[31m''\\\\x\\x7F'");
        assert_eq!(read_back(&literal(value)).as_deref(), Some(value));
    }

    proptest! {
        #[test]
        fn a_literal_is_one_literal_and_means_its_value(value in any::<String>()) {
            prop_assert_eq!(read_back(&literal(&value)), Some(value.replace('\0', "")));
        }
    }
}
