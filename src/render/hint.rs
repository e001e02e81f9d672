//! A hint on a terminal: long ones are broken between words, but never inside of what is to be pasted.

use super::text;

/// What a statement or a command begins with.
const BEGINS: [&str; 10] =
    ["pgconn", "GRANT", "REVOKE", "ALTER", "CREATE", "DROP", "COMMIT", "ROLLBACK", "SELECT", "source"];
/// What the lines after the first are indented by.
const INDENT: &str = "      ";

/// The lines of `hint` for a screen of `columns`, of which its label takes `label` in the first.
pub(crate) fn lines(hint: &str, label: usize, columns: usize) -> Vec<String> {
    if label + text::width(hint) <= columns {
        return vec![hint.to_owned()];
    }
    let (mut lines, mut taken) = (vec![String::new()], label);
    for piece in pieces(hint) {
        let is_first = lines.last().is_none_or(|line| line.trim().is_empty());
        if !is_first && taken + 1 + text::width(piece) > columns {
            lines.push(INDENT.to_owned());
            taken = INDENT.len();
        } else if !is_first {
            taken += 1;
        }
        if let Some(line) = lines.last_mut() {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(piece);
            taken += text::width(piece);
        }
    }
    lines
}

/// Words, and what is to be pasted, from its first word to the end of its clause.
fn pieces(hint: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = hint;
    while !rest.is_empty() {
        let end = rest.find(' ').unwrap_or(rest.len());
        let word = &rest[..end];
        let length = if BEGINS.contains(&word) { clause(rest) } else { end };
        pieces.push(&rest[..length]);
        rest = rest[length..].trim_start_matches(' ');
    }
    pieces
}

/// How long the clause is that `text` begins with: to a semicolon or a comma that a blank follows, outside of quotes.
fn clause(text: &str) -> usize {
    let (mut quoted, mut bytes) = (false, text.bytes().enumerate().peekable());
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\'' => quoted = !quoted,
            b';' | b',' if !quoted && bytes.peek().is_none_or(|(_, next)| *next == b' ') => return at + 1,
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
    fn words_are_broken_and_commands_are_not() {
        let hint = "is the server running locally and accepting connections on that socket? -h HOST or -d URI names another, \
                    pgconn demo starts one to try; pgconn conninfo shows where host and port come from";
        assert_eq!(
            lines(hint, 6, 80),
            [
                "is the server running locally and accepting connections on that socket? -h",
                "      HOST or -d URI names another, pgconn demo starts one to try;",
                "      pgconn conninfo shows where host and port come from",
            ]
        );
        assert_eq!(lines("short: pgconn ls", 6, 80), ["short: pgconn ls"]);
        let pasted =
            "end it: pgconn kill --app 'a; b, c' --state idle-in-transaction -h db1 -p 5433 --dry-run";
        assert_eq!(lines(pasted, 6, 40), ["end it:", &format!("      {}", &pasted[8..])]);
        assert_eq!(lines("as its owner: GRANT pg_monitor TO \"a role\"", 6, 30).len(), 2);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(words in proptest::collection::vec("[a-z';,]{1,9}|pgconn|GRANT", 0..30), columns in 1..60_usize) {
            let hint = words.join(" ");
            let lines = lines(&hint, 6, columns);
            prop_assert_eq!(lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "), hint);
        }
    }
}
