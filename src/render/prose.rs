//! Sentences on a terminal: long ones are broken between words, but never inside of what is to be pasted.

use super::text;

/// What a statement or a command begins with.
const BEGINS: [&str; 9] =
    ["pgconn", "GRANT", "REVOKE", "ALTER", "CREATE", "DROP", "COMMIT", "ROLLBACK", "SELECT"];
/// What the lines of a note after the first are indented by.
const INDENT: usize = 6;

/// The lines of a note for a screen of `columns`, of which its label takes `label` in the first.
pub(crate) fn lines(note: &str, label: usize, columns: usize) -> Vec<String> {
    broken(note, label, INDENT, columns)
}

/// The lines of a line for a screen of `columns`: what follows the first stands below the text, behind its label.
pub(crate) fn of_line(line: &str, columns: usize) -> Vec<String> {
    if text::width(line) <= columns {
        return vec![line.to_owned()];
    }
    let (label, told) = line.split_at(label(line, columns / 3));
    let taken = text::width(label);
    let indent = if label.trim().is_empty() { taken + 2 } else { taken };
    let mut lines = broken(told, taken, indent, columns);
    if let Some(first) = lines.first_mut() {
        first.insert_str(0, label);
    }
    lines
}

/// The lines of a text of one line for a screen that wraps nothing by itself: a command, too, is broken between its words where it
/// would end at the edge.
pub(crate) fn on_screen(line: &str, columns: usize) -> Vec<String> {
    of_line(line, columns).iter().flat_map(|line| text::wrapped(line, columns)).collect()
}

/// How many lines of a screen of `columns` a note behind its label, such as `hint: `, takes.
pub(crate) fn height(note: &str, label: usize, columns: usize) -> usize {
    let columns = columns.max(1);
    let lines = lines(note, label, columns);
    let taken =
        lines.iter().enumerate().map(|(at, line)| text::width(line) + if at == 0 { label } else { 0 });
    taken.map(|taken| taken.div_ceil(columns).max(1)).sum()
}

/// Where the text of a line begins: behind its indent, and behind labels that blanks set apart within the first `most` columns.
fn label(line: &str, most: usize) -> usize {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let ends = line
        .match_indices("  ")
        .map(|(at, _)| at + line[at..].len() - line[at..].trim_start_matches(' ').len());
    ends.filter(|end| *end > indent && *end < line.len() && text::width(&line[..*end]) <= most)
        .last()
        .unwrap_or(indent)
}

/// The lines of `told`, of which `taken` columns of the first are taken, and the others indented.
fn broken(told: &str, taken: usize, indent: usize, columns: usize) -> Vec<String> {
    if taken + text::width(told) <= columns {
        return vec![told.to_owned()];
    }
    let (mut lines, mut taken) = (vec![String::new()], taken);
    for (blanks, piece) in pieces(told) {
        let is_first = lines.last().is_none_or(|line| line.trim().is_empty());
        if !is_first && taken + blanks + text::width(piece) > columns {
            lines.push(" ".repeat(indent));
            taken = indent;
        } else if let (false, Some(line)) = (is_first, lines.last_mut()) {
            line.push_str(&" ".repeat(blanks));
            taken += blanks;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(piece);
            taken += text::width(piece);
        }
    }
    lines
}

/// Words, and what is to be pasted, from its first word to the end of its clause; each with the number of blanks before it.
fn pieces(told: &str) -> Vec<(usize, &str)> {
    let (mut pieces, mut blanks) = (Vec::new(), 0);
    let mut rest = told;
    while !rest.is_empty() {
        let end = rest.find(' ').unwrap_or(rest.len());
        let word = &rest[..end];
        let names_file = || [" ~", " /", " '"].iter().any(|path| rest[end..].starts_with(path));
        let is_pasted = BEGINS.contains(&word) || (word == "source" && names_file());
        let (piece, after) = rest.split_at(if is_pasted { clause(rest) } else { end });
        pieces.push((blanks, piece));
        rest = after.trim_start_matches(' ');
        blanks = after.len() - rest.len();
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
        assert_eq!(lines("no source holds 10 sessions that it does not use", 6, 40).len(), 2);
    }

    #[test]
    fn what_follows_stands_below_the_text() {
        let check = |line: &str, columns, lines: &[&str]| assert_eq!(of_line(line, columns), lines, "{line}");
        check("! nobody but superusers sees it", 20, &["! nobody but", "  superusers sees it"]);
        check(
            "  set it for the application's roles",
            20,
            &["  set it for the", "    application's", "    roles"],
        );
        check(
            "horizon    holds back VACUUM for long",
            36,
            &["horizon    holds back VACUUM for", "           long"],
        );
        check("  next: pgconn ls --app 'a b'", 20, &["  next:", "    pgconn ls --app 'a b'"]);
        check("kill  pgconn kill 4711.1 -h db1", 20, &["kill  pgconn kill 4711.1 -h db1"]);
        check("two  blanks  stay as they are", 30, &["two  blanks  stay as they are"]);
        check("two blanks  stay as they are  said", 30, &["two blanks  stay as they are", "  said"]);
        assert_eq!(on_screen("kill  pgconn kill 4711.1", 20), ["kill  pgconn kill", "  4711.1"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(words in proptest::collection::vec("[a-z';,]{1,9}|pgconn|GRANT", 0..30), columns in 1..60_usize) {
            let hint = words.join(" ");
            let lines = lines(&hint, 6, columns);
            prop_assert_eq!(lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "), hint);
        }

        #[test]
        fn a_line_keeps_its_words(line in "( {0,3}[a-z';]{1,9}){0,20}", columns in 1..60_usize) {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&of_line(&line, columns).join("\n")), words(&line));
            prop_assert_eq!(words(&on_screen(&line, columns).join("\n")), words(&line));
        }
    }
}
