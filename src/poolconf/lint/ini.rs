//! pgbouncer.ini: read as PgBouncer reads it, then held against the server.

mod entries;
mod judge;
mod sizes;

use super::{Against, Findings, LintFinding, Severity};
use crate::poolconf::pgbouncer::{self, Key, ValueType};

/// PgBouncer's default for `default_pool_size`.
const DEFAULT_POOL_SIZE: u64 = 20;

/// One setting as written.
struct Setting<'a> {
    line: u64,
    key: &'a str,
    value: &'a str,
}

/// The parsed file. Keys of one section come in order, repeated ones too.
#[derive(Default)]
struct Ini<'a> {
    pgbouncer: Vec<Setting<'a>>,
    databases: Vec<Setting<'a>>,
    users: Vec<Setting<'a>>,
    peers: Vec<Setting<'a>>,
    /// Whether other files belong to it.
    includes: bool,
}

/// Whether the text has a section that only PgBouncer's configuration has.
pub(super) fn looks_like(text: &str) -> bool {
    text.lines().any(|line| matches!(line.trim(), "[pgbouncer]" | "[databases]"))
}

/// Everything wrong or dangerous in `text`.
pub(super) fn lint(text: &str, against: &Against) -> Vec<LintFinding> {
    let mut findings = Findings::default();
    let ini = parse(text, against, &mut findings);
    for setting in &ini.pgbouncer {
        check_setting(&pgbouncer::KEYS, setting, against, &mut findings);
    }
    repeated(&ini.pgbouncer, &mut findings);
    repeated(&ini.databases, &mut findings);
    repeated(&ini.users, &mut findings);
    judge::peers(&ini, against, &mut findings);
    judge::settings(&ini, against, &mut findings);
    sizes::sizes(&ini, against, &mut findings);
    findings.0
}

/// Splits the text into settings as PgBouncer's own reader does: a comment is a line that starts with `;` or `#`,
/// never the end of one.
fn parse<'a>(text: &'a str, against: &Against, findings: &mut Findings) -> Ini<'a> {
    let mut ini = Ini::default();
    let mut section = "";
    for (line, content) in (1_u64..).zip(text.lines()) {
        let content = content.trim();
        if content.is_empty() || content.starts_with([';', '#']) {
            continue;
        }
        if content.starts_with("%include ") || content.starts_with("%include\t") {
            ini.includes = true;
            findings.add(line, Severity::Note, "include", "the included file is not read", "lint it too");
            continue;
        }
        if let Some(rest) = content.strip_prefix('[') {
            let Some((name, _)) = rest.split_once(']') else {
                findings.add(line, Severity::Error, "syntax", "a section without its closing bracket", "");
                continue;
            };
            section = name;
            check_section(name, line, against, findings);
            continue;
        }
        let key_end = content.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-*".contains(c)));
        let (key, rest) = content.split_at(key_end.unwrap_or(content.len()));
        let Some(value) = rest.trim_start().strip_prefix('=').filter(|_| !key.is_empty()) else {
            findings.add(
                line,
                Severity::Error,
                "syntax",
                "neither a section, a comment nor KEY = VALUE: PgBouncer stops loading here",
                "a key is made of letters, digits and _ . - *, without quotes",
            );
            continue;
        };
        let setting = Setting { line, key, value: value.trim() };
        match section {
            "pgbouncer" => ini.pgbouncer.push(setting),
            "databases" => ini.databases.push(setting),
            "users" => ini.users.push(setting),
            "peers" => ini.peers.push(setting),
            "" => findings.add(line, Severity::Error, "syntax", "a setting before any section", ""),
            _ => {}
        }
    }
    ini
}

fn check_section(name: &str, line: u64, against: &Against, findings: &mut Findings) {
    match pgbouncer::SECTIONS.iter().find(|(known, _)| *known == name) {
        None => findings.add(
            line,
            Severity::Error,
            "unknown_section",
            format!("PgBouncer has no section [{name}] and does not start"),
            "the sections are [databases], [users], [peers] and [pgbouncer]",
        ),
        Some((_, since)) => check_version(name, *since, line, against, findings),
    }
}

/// A key or section that the version does not have stops PgBouncer from starting.
fn check_version(name: &str, since: u32, line: u64, against: &Against, findings: &mut Findings) {
    if since == 0 {
        return;
    }
    match against.version {
        Some(version) if version.at_least(since) => {}
        Some(_) => findings.add(
            line,
            Severity::Error,
            "unknown_for_version",
            format!("{name} came with PgBouncer 1.{since}: the older one does not start with it"),
            "leave it out, or upgrade",
        ),
        None => findings.add(
            line,
            Severity::Note,
            "needs_version",
            format!("{name} needs PgBouncer 1.{since} or later; older ones do not start with it"),
            "say which it is with --pgbouncer-version",
        ),
    }
}

fn check_setting(table: &'static [Key], setting: &Setting<'_>, against: &Against, findings: &mut Findings) {
    let Setting { line, key, value } = *setting;
    let Some(known) = pgbouncer::find(table, key) else {
        let elsewhere = pgbouncer::find(&pgbouncer::ENTRY_KEYS, key).is_some();
        let hint = if elsewhere { "it belongs to an entry in [databases]" } else { "" };
        findings.add(
            line,
            Severity::Error,
            "unknown_key",
            format!("PgBouncer knows no setting {key} here and does not start"),
            hint,
        );
        return;
    };
    check_version(key, known.since, line, against, findings);
    if let ValueType::Word(words) = known.kind
        && let Some((word, since)) = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value))
    {
        check_version(&format!("{key} {word}"), *since, line, against, findings);
    }
    check_value(known, setting, findings);
}

fn check_value(known: &Key, setting: &Setting<'_>, findings: &mut Findings) {
    let Setting { line, key, value } = *setting;
    let comment = [" ;", "\t;", " #", "\t#"].iter().any(|mark| value.contains(mark));
    let legal = is_legal(known.kind, value);
    if comment && known.kind != ValueType::Text {
        findings.add(
            line,
            Severity::Error,
            "inline_comment",
            format!("the comment is part of the value of {key}: PgBouncer does not start"),
            "put the comment on a line of its own",
        );
    } else if comment {
        findings.add(
            line,
            Severity::Warning,
            "inline_comment",
            format!("PgBouncer takes the comment for a part of {key}"),
            "put the comment on a line of its own",
        );
    } else if !legal && known.kind == ValueType::Digits {
        findings.add(
            line,
            Severity::Error,
            "invalid_value",
            format!("{key} does not accept \"{value}\": PgBouncer takes it for {}", digits(value)),
            "it takes a whole number",
        );
    } else if !legal {
        findings.add(
            line,
            Severity::Error,
            "invalid_value",
            format!("{key} does not accept \"{value}\": PgBouncer does not start"),
            legal_values(known.kind, value),
        );
    } else if is_size(key) && number(known.kind, value).is_some_and(|size| size < 1) {
        findings.add(
            line,
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
        ValueType::Text => true,
        ValueType::Int => integer(value).is_some(),
        ValueType::Digits => value.parse::<i64>().is_ok(),
        ValueType::Time => value.parse::<f64>().is_ok_and(|seconds| seconds >= 0.0 && seconds.is_finite()),
        ValueType::Word(words) => words.iter().any(|(word, _)| word.eq_ignore_ascii_case(value)),
    }
}

fn legal_values(kind: ValueType, value: &str) -> String {
    let united =
        value.starts_with(|c: char| c.is_ascii_digit()) && value.ends_with(|c: char| c.is_ascii_alphabetic());
    match kind {
        ValueType::Time if united => "times are seconds without a unit, as in 2.5".to_owned(),
        ValueType::Time => "times are seconds, as in 2.5".to_owned(),
        ValueType::Int | ValueType::Digits => "it takes a whole number".to_owned(),
        ValueType::Word(words) => {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            format!("it takes one of {}", words.join(", "))
        }
        ValueType::Text => String::new(),
    }
}

/// A whole number as C's `strtol` reads it with base 0.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (if text.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, text),
    };
    let number = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i64::from_str_radix(hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    // A second sign is no number to strtol.
    number.ok().filter(|_| !digits.starts_with(['-', '+'])).map(|number| sign * number)
}

/// The number that a legal value is.
fn number(kind: ValueType, value: &str) -> Option<i64> {
    if kind == ValueType::Digits { Some(digits(value)) } else { integer(value) }
}

/// A whole number as C's `atoi` reads it: the digits that the text begins with.
fn digits(text: &str) -> i64 {
    let signed = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = signed.find(|c: char| !c.is_ascii_digit()).unwrap_or(signed.len());
    let (number, _) = text.split_at(text.len() - signed.len() + end);
    number.parse().unwrap_or_default()
}

fn repeated(settings: &[Setting<'_>], findings: &mut Findings) {
    for (index, setting) in settings.iter().enumerate() {
        if let Some(later) = settings.iter().skip(index + 1).find(|later| later.key == setting.key) {
            findings.add(
                setting.line,
                Severity::Warning,
                "repeated",
                format!("{} is given again in line {}, which wins", setting.key, later.line),
                "",
            );
        }
    }
}

impl<'a> Ini<'a> {
    fn setting(&self, key: &str) -> Option<&Setting<'a>> {
        self.pgbouncer.iter().rev().find(|setting| setting.key == key)
    }

    fn value(&self, key: &str) -> Option<&'a str> {
        self.setting(key).map(|setting| setting.value)
    }

    /// The word that a setting has, in the case in which it is known.
    fn word(&self, key: &str) -> Option<String> {
        self.value(key).map(str::to_ascii_lowercase)
    }

    /// A size in force: as given when it is a number above 0, else the default.
    fn size(&self, key: &str, default: u64) -> u64 {
        self.value(key).and_then(positive).unwrap_or(default)
    }
}

fn positive(text: &str) -> Option<u64> {
    integer(text).and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0)
}
