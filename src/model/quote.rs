//! Names and values as SQL and the shell take them. What is printed to be pasted is made here, whoever prints it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns `name` as an SQL identifier; always quoted, which no keyword can break.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns `name` as a quoted SQL identifier that is [`pasteable`].
pub(crate) fn shown(name: &str) -> String {
    pasteable(&identifier(name)).into_owned()
}

/// Returns the last part of a qualified name, as it is written there: `orders` of `public.orders`, `"a.b"` of `"s"."a.b"`.
pub(crate) fn without_schema(name: &str) -> &str {
    let mut is_quoted = false;
    let dot = name.char_indices().filter(|(_, character)| {
        is_quoted ^= *character == '"';
        *character == '.' && !is_quoted
    });
    dot.last().and_then(|(at, _)| name.get(at + 1..)).filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// Says how to end the prepared transaction `gid`, which only a session in its database can. Its other parts are elsewhere,
/// and so is the decision: to end it the other way breaks the whole apart.
pub(crate) fn finish_prepared(database: &str, gid: &str) -> String {
    let literal = format!("'{}'", gid.replace('\'', "''"));
    let (database, gid) = (shown(database), pasteable(&literal));
    format!(
        "ask the transaction manager which was decided, then in database {database}: COMMIT PREPARED {gid} or ROLLBACK PREPARED \
         {gid}"
    )
}

/// Returns `word` as one word of a shell, which expands nothing in it.
pub(crate) fn shell(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "_-.:/@".contains(character);
    if word.chars().all(plain) && !word.starts_with('-') && !word.is_empty() {
        word.into()
    } else if word.contains('\'') && !word.contains(['"', '$', '`', '\\', '!']) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Returns SQL with its quoted identifiers and literals spelt so that they survive a terminal and a copy from it: those that
/// hold control, invisible or unusual blank characters get Unicode escapes (`U&"a\+00001Bb"`).
pub(crate) fn pasteable(sql: &str) -> Cow<'_, str> {
    if !sql.chars().any(is_strange) {
        return Cow::Borrowed(sql);
    }
    let mut spelt = String::new();
    let mut rest = sql;
    while let Some(start) = rest.find(['"', '\'']) {
        let (before, piece) = rest.split_at(start);
        let (piece, after) = piece.split_at(piece_end(piece));
        spelt.push_str(before);
        // In E'…' a backslash has a meaning of its own.
        if piece.chars().any(is_strange) && !before.ends_with('E') {
            escape(piece, &mut spelt);
        } else {
            spelt.push_str(piece);
        }
        rest = after;
    }
    spelt.push_str(rest);
    Cow::Owned(spelt)
}

/// Where the quoted piece ends that `text` begins with; a quote in it is doubled.
fn piece_end(text: &str) -> usize {
    let mut characters = text.char_indices();
    let Some((_, quote)) = characters.next() else { return 0 };
    let mut inside = true;
    for (at, character) in characters {
        match (inside, character == quote) {
            (_, true) => inside = !inside,
            (false, false) => return at,
            (true, false) => {}
        }
    }
    text.len()
}

fn escape(piece: &str, spelt: &mut String) {
    spelt.push_str("U&");
    for character in piece.chars() {
        if character == '\\' {
            spelt.push_str("\\\\");
        } else if is_strange(character) {
            let _ = write!(spelt, "\\+{:06X}", u32::from(character));
        } else {
            spelt.push(character);
        }
    }
}

/// True for what a terminal swallows or a copy from it changes.
fn is_strange(character: char) -> bool {
    character.is_control() || is_invisible(character) || (character.is_whitespace() && character != ' ')
}

/// True for characters that change how text looks without being seen: bidi controls, zero-width characters, line
/// and paragraph separators, variation selectors, tags.
pub(crate) const fn is_invisible(character: char) -> bool {
    !character.is_ascii()
        && matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
