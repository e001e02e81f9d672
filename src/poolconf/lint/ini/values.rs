//! One setting: whether PgBouncer has it, and takes its value.

use super::blanks;
use super::numbers::{digits, integer, seconds, wrapped};
use super::settings::Setting;
use crate::poolconf::lint::against::Against;
use crate::poolconf::lint::finding::{Findings, Place, Severity};
use crate::poolconf::pgbouncer::{self, Key, ValueType};

/// A key or section that the version does not have stops PgBouncer from starting.
pub(super) fn check_version(
    name: &str,
    since: u32,
    place: Place,
    against: &Against,
    findings: &mut Findings,
) {
    if since == 0 {
        return;
    }
    match against.version {
        Some(version) if version.at_least(since) => {}
        Some(_) => findings.prevent(
            place,
            "unknown_for_version",
            format!("{name} came with PgBouncer 1.{since}: the older one does not start with it"),
            "leave it out, or upgrade",
        ),
        None => findings.add(
            place,
            Severity::Note,
            "needs_version",
            format!("{name} needs PgBouncer 1.{since} or later; older ones do not start with it"),
            "say which it is with --pgbouncer-version",
        ),
    }
}

/// Whether PgBouncer has the setting, and takes its value.
pub(super) fn check_setting(
    table: &'static [Key],
    setting: &Setting,
    against: &Against,
    findings: &mut Findings,
) {
    let Setting { place, key, value, .. } = setting;
    let Some(known) = pgbouncer::find(table, key) else {
        let hint = pgbouncer::meant(table, key).unwrap_or_default();
        let message = format!("PgBouncer knows no setting {key} here and does not start");
        findings.prevent(*place, "unknown_key", message, hint);
        return;
    };
    check_version(key, known.since, *place, against, findings);
    if let ValueType::Word(words) = known.kind
        && let Some((word, since)) = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value))
    {
        check_version(&format!("{key} {word}"), *since, *place, against, findings);
    }
    check_value(known, setting, findings);
}

fn check_value(known: &Key, setting: &Setting, findings: &mut Findings) {
    let Setting { place, column, key, value } = setting;
    let legal = is_legal(known.kind, value);
    let mut add = |code, message: String, hint: String| {
        if legal {
            findings.add(*place, Severity::Warning, code, message, hint);
        } else {
            findings.prevent(*place, code, format!("{message}: PgBouncer does not start"), hint);
        }
    };
    let comment = [" ;", "\t;", " #", "\t#"].iter().any(|mark| value.contains(mark));
    let at_an_end = |c: char| value.starts_with(c) || value.ends_with(c);
    if let Some((at, c)) = blanks::foreign(value).filter(|(_, c)| !legal || at_an_end(*c)) {
        let message = format!("{} in column {} is part of the value of {key}", blanks::name(c), column + at);
        add("foreign_blank", message, "delete it; PgBouncer's blanks are space and tab".to_owned());
    } else if comment {
        let message = format!("the comment is part of the value of {key}");
        add("inline_comment", message, "put the comment on a line of its own".to_owned());
    } else if !legal {
        let message = format!("{key} does not accept \"{value}\"");
        add("invalid_value", message, legal_values(known.kind, value));
    } else if let Some(read) = misread(known.kind, value) {
        let message = format!("{key} \"{value}\" is {read} to PgBouncer");
        add("misread_value", message, legal_values(known.kind, value));
    } else if is_size(key) && number(known.kind, value).is_some_and(|size| size < 1) {
        findings.add(
            *place,
            Severity::Error,
            "no_size",
            format!("{key} {value} is no limit since PgBouncer 1.24, and one connection before"),
            "give it at least 1",
        );
    }
}

/// The sizes that must be above 0 to be limits.
fn is_size(key: &str) -> bool {
    matches!(key, "default_pool_size" | "pool_size")
}

fn is_legal(kind: ValueType, value: &str) -> bool {
    match kind {
        ValueType::Text | ValueType::Digits => true,
        ValueType::Int | ValueType::Unsigned => integer(value).is_some(),
        ValueType::Port => wrapped(digits(value)) != 0,
        ValueType::Time => seconds(value).is_some(),
        ValueType::Word(words) => words.iter().any(|(word, _)| word.eq_ignore_ascii_case(value)),
        ValueType::Database => value != "pgbouncer",
    }
}

/// What PgBouncer makes of a value that it takes and that says something else to a person.
fn misread(kind: ValueType, value: &str) -> Option<String> {
    match kind {
        ValueType::Digits | ValueType::Port => {
            let read = wrapped(digits(value)).to_string();
            (value.parse::<i32>().is_err()).then_some(read)
        }
        ValueType::Int => {
            let number = integer(value)?;
            let read = wrapped(number);
            (i64::from(read) != number).then(|| read.to_string())
        }
        ValueType::Unsigned => {
            let number = integer(value)?;
            let read = wrapped(number).cast_unsigned();
            (i64::from(read) != number).then(|| read.to_string())
        }
        ValueType::Time => {
            let seconds = seconds(value)?;
            (!seconds.is_finite()).then(|| "not a number of seconds".to_owned())
        }
        _ => None,
    }
}

fn legal_values(kind: ValueType, value: &str) -> String {
    let united =
        value.starts_with(|c: char| c.is_ascii_digit()) && value.ends_with(|c: char| c.is_ascii_alphabetic());
    match kind {
        ValueType::Time if united => "times are seconds without a unit, as in 2.5".to_owned(),
        ValueType::Time => "times are seconds, as in 2.5".to_owned(),
        ValueType::Int | ValueType::Unsigned | ValueType::Digits => "it takes a whole number".to_owned(),
        ValueType::Port => "it takes one port for all hosts".to_owned(),
        ValueType::Word(words) => {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            format!("it takes one of {}", words.join(", "))
        }
        ValueType::Database => "the console is no database".to_owned(),
        ValueType::Text => String::new(),
    }
}

/// The number that a legal value is.
fn number(kind: ValueType, value: &str) -> Option<i64> {
    if kind == ValueType::Digits { Some(digits(value)) } else { integer(value) }
}

/// A value as `SHOW CONFIG` has it.
#[cfg(test)]
pub(super) fn shown(kind: ValueType, value: &str) -> String {
    match kind {
        ValueType::Int => integer(value).map_or_else(|| value.to_owned(), |read| wrapped(read).to_string()),
        ValueType::Unsigned => {
            integer(value).map_or_else(|| value.to_owned(), |read| wrapped(read).cast_unsigned().to_string())
        }
        // What is no number of seconds becomes one that the processor makes of it.
        ValueType::Time => match seconds(value) {
            Some(seconds) if seconds.is_nan() => "9.22337e+12".to_owned(),
            Some(seconds) if seconds.is_finite() => seconds.abs().to_string(),
            Some(_) => "0".to_owned(),
            None => value.to_owned(),
        },
        ValueType::Word(_) => value.to_ascii_lowercase(),
        _ => value.to_owned(),
    }
}
