//! The lines whose value is a list of pairs: a database entry, a user, a peer.

use super::{Setting, check_setting};
use crate::poolconf::lint::{Against, Findings, Severity};
use crate::poolconf::pgbouncer::Key;

/// The pairs of a line whose value is a list of them, held against the keys that there are; none when it is no list.
pub(super) fn read_pairs(
    entry: &Setting<'_>,
    table: &'static [Key],
    against: &Against,
    findings: &mut Findings,
) -> Vec<(String, String)> {
    let Some(pairs) = pairs(entry.value) else {
        findings.add(
            entry.line,
            Severity::Error,
            "syntax",
            format!("the entry {} is not a list of key=value: PgBouncer does not start", entry.key),
            "values with spaces go into single quotes; a comment needs a line of its own",
        );
        return Vec::new();
    };
    for (key, value) in &pairs {
        check_setting(table, &Setting { line: entry.line, key, value }, against, findings);
    }
    pairs
}

/// The pairs of a connection string as PgBouncer reads it, or `None` when it cannot.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return None;
        }
        let after = after.trim_start();
        let (value, left) = if let Some(quoted) = after.strip_prefix('\'') {
            unquote(quoted)?
        } else {
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            let (value, left) = after.split_at(end);
            (value.to_owned(), left)
        };
        if value.is_empty() {
            return None;
        }
        pairs.push((key.to_owned(), value));
        rest = left.trim_start();
    }
    Some(pairs)
}

/// The text up to the closing quote, with doubled quotes made single, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            value.push(c);
        } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            return Some((value, text.get(at + 1..)?));
        }
    }
    None
}
