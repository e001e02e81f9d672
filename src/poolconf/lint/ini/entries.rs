//! The lines whose value is a list of pairs: a database entry, a user, a peer.

use super::blanks;
use super::settings::Setting;
use super::values::check_setting;
use crate::poolconf::lint::against::Against;
use crate::poolconf::lint::finding::{Findings, Severity};
use crate::poolconf::pgbouncer::Key;

/// The pairs of a line whose value is a list of them, held against the keys that there are; none when it is no list.
pub(super) fn read_pairs(
    entry: &Setting,
    table: &'static [Key],
    against: &Against,
    findings: &mut Findings,
) -> Vec<(String, String)> {
    let Setting { place, column, key: name, value } = entry;
    let pairs = pairs(value);
    let before = findings.all.len();
    for (key, value) in pairs.iter().flatten() {
        let pair = Setting { place: *place, column: *column, key: key.clone(), value: value.clone() };
        check_setting(table, &pair, against, findings);
    }
    let stops = pairs.is_none() || findings.all.iter().skip(before).any(|finding| finding.prevents_start);
    // A blank of another kind says why the rest is not what it looks like.
    let foreign = blanks::foreign(value).map(|(at, c)| (column + at, blanks::name(c)));
    let tab = value.chars().position(|c| c == '\t').map(|at| (column + at, "a tab".to_owned()));
    if let Some((column, blank)) = foreign.or(tab).filter(|_| !value.contains('\'')) {
        findings.all.truncate(before);
        let message = format!("in the entry {name}, {blank} in column {column} separates nothing");
        let hint = "PgBouncer separates by spaces only";
        if stops {
            findings.prevent(*place, "foreign_blank", format!("{message}: PgBouncer does not start"), hint);
        } else {
            findings.add(*place, Severity::Error, "foreign_blank", message, hint);
        }
    } else if pairs.is_none() {
        findings.prevent(
            *place,
            "syntax",
            format!("the entry {name} is not a list of key=value: PgBouncer does not start"),
            "values with spaces go into single quotes; a comment needs a line of its own",
        );
    }
    pairs.unwrap_or_default()
}

/// The pairs of a connection string as PgBouncer reads it, or `None` when it cannot. Only a space separates.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_matches(' ');
    while !rest.is_empty() {
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let after = after.trim_start_matches(' ').strip_prefix('=').filter(|_| !key.is_empty())?;
        let after = after.trim_start_matches(' ');
        let (value, left) = if let Some(quoted) = after.strip_prefix('\'') {
            unquote(quoted)?
        } else {
            let (value, left) = after.split_at(after.find(' ').unwrap_or(after.len()));
            (value.to_owned(), left)
        };
        if value.is_empty() {
            return None;
        }
        pairs.push((key.to_owned(), value));
        // What stands right after a closing quote is cut off.
        let cut = left.chars().next().map_or(0, char::len_utf8);
        rest = left.get(cut..)?.trim_start_matches(' ');
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
