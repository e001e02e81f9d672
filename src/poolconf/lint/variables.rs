//! Texts that something else fills in before they are read.

/// What stands for a text that is filled in later.
pub(super) const OPEN: char = '\u{1}';

/// A line in which [`OPEN`] stands for each text that a shell, a template or a reader fills in: `$VAR`, `${VAR:?x}`,
/// `$(command)`, `{{ value }}`, `<password>`, `[YOUR-PASSWORD]`.
pub(super) fn without_variables(line: &str) -> String {
    let mut whole = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        // Two dollar signs are one to compose and make, and no variable to anybody.
        if let Some(after) = rest.strip_prefix("$$") {
            whole.push_str("$$");
            rest = after;
            continue;
        }
        let end = match rest.as_bytes() {
            [b'$', b'{', ..] => rest.find('}').map(|at| at + 1),
            [b'$', b'(', ..] => rest.find(')').map(|at| at + 1),
            [b'{', b'{', ..] => rest.find("}}").map(|at| at + 2),
            [b'$', first, ..] if first.is_ascii_alphabetic() || *first == b'_' => {
                let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                Some(rest.char_indices().skip(1).find(|(_, c)| !name(*c)).map_or(rest.len(), |(at, _)| at))
            }
            [b'<', ..] => bracketed(rest, '>', |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ')),
            [b'[', ..] => bracketed(rest, ']', |c| c.is_ascii_uppercase() || matches!(c, '-' | '_' | ' ')),
            _ => None,
        };
        let (taken, shown) = end.map_or((c.len_utf8(), c), |end| (end, OPEN));
        whole.push(shown);
        rest = rest.get(taken..).unwrap_or_default();
    }
    whole
}

/// Where a bracket ends that holds such characters only.
fn bracketed(text: &str, close: char, holds: impl Fn(char) -> bool) -> Option<usize> {
    let end = text.find(close)?;
    let content = text.get(1..end)?;
    (content.len() > 1 && content.chars().all(holds)).then_some(end + 1)
}
