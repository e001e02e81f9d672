//! pgbouncer.ini: read as PgBouncer reads it, then held against the server.

use super::{Against, Finding, Findings, Severity};
use crate::poolconf::pgbouncer::{self, Key, Kind};

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
    /// Whether other files belong to it.
    includes: bool,
}

/// Whether the text has a section that only PgBouncer's configuration has.
pub(super) fn looks_like(text: &str) -> bool {
    text.lines().any(|line| matches!(line.trim(), "[pgbouncer]" | "[databases]"))
}

/// Everything wrong or dangerous in `text`.
pub(super) fn lint(text: &str, against: &Against) -> Vec<Finding> {
    let mut findings = Findings::default();
    let ini = parse(text, against, &mut findings);
    for setting in &ini.pgbouncer {
        check_setting(&pgbouncer::KEYS, setting, against, &mut findings);
    }
    repeated(&ini.pgbouncer, &mut findings);
    repeated(&ini.databases, &mut findings);
    judge_settings(&ini, against, &mut findings);
    let pools: Vec<Pool> =
        ini.databases.iter().map(|entry| read_entry(entry, against, &mut findings)).collect();
    judge_sizes(&ini, &pools, against, &mut findings);
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
    let comment = [" ;", "\t;", " #", "\t#"].iter().any(|mark| value.contains(mark));
    let legal = is_legal(known.kind, value);
    if comment && known.kind != Kind::Text {
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
    } else if !legal {
        findings.add(
            line,
            Severity::Error,
            "invalid_value",
            format!("{key} does not accept \"{value}\": PgBouncer does not start"),
            legal_values(known.kind, value),
        );
    } else if is_size(key) && integer(value).is_some_and(|size| size < 1) {
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

fn is_legal(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Text => true,
        Kind::Int => integer(value).is_some(),
        Kind::Time => value.parse::<f64>().is_ok_and(|seconds| seconds >= 0.0 && seconds.is_finite()),
        Kind::Word(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
    }
}

fn legal_values(kind: Kind, value: &str) -> String {
    let united =
        value.starts_with(|c: char| c.is_ascii_digit()) && value.ends_with(|c: char| c.is_ascii_alphabetic());
    match kind {
        Kind::Time if united => "times are seconds without a unit, as in 2.5".to_owned(),
        Kind::Time => "times are seconds, as in 2.5".to_owned(),
        Kind::Int => "it takes a whole number".to_owned(),
        Kind::Word(words) => format!("it takes one of {}", words.join(", ")),
        Kind::Text => String::new(),
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

    /// A size in force: as given when it is a number above 0, else the default.
    fn size(&self, key: &str, default: u64) -> u64 {
        self.value(key).and_then(positive).unwrap_or(default)
    }
}

fn positive(text: &str) -> Option<u64> {
    integer(text).and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0)
}

/// PgBouncer's default for `default_pool_size`.
const DEFAULT_POOL_SIZE: u64 = 20;

/// What is legal and still a bad idea.
fn judge_settings(ini: &Ini<'_>, against: &Against, findings: &mut Findings) {
    let line = |key: &str| ini.setting(key).map(|setting| setting.line);
    let auth = ini.value("auth_type").map_or_else(|| "md5".to_owned(), str::to_ascii_lowercase);
    if auth == "md5" {
        findings.add(
            line("auth_type"),
            Severity::Warning,
            "auth_md5",
            "with auth_type md5, md5 hashes in the auth_file cannot log in to a server that stores SCRAM secrets (PostgreSQL's default since 14)",
            "use auth_type = scram-sha-256, and SCRAM secrets or plain passwords in the auth_file",
        );
    }
    let listen = ini.value("listen_addr").unwrap_or_default();
    let open = listen.split(',').any(|address| matches!(address.trim(), "*" | "0.0.0.0" | "::"));
    if open && matches!(auth.as_str(), "any" | "trust") {
        findings.add(
            line("auth_type"),
            Severity::Error,
            "open_door",
            format!("auth_type {auth} lets everybody in who reaches {listen}"),
            "use scram-sha-256, or listen on 127.0.0.1",
        );
    }
    if open && ini.value("client_tls_sslmode").is_none_or(|mode| mode == "disable") {
        findings.add(
            line("listen_addr"),
            Severity::Note,
            "no_tls",
            "clients connect over the network without TLS",
            "set client_tls_sslmode and its files, or listen on 127.0.0.1",
        );
    }
    if !matches!(auth.as_str(), "any" | "trust" | "cert" | "hba" | "pam" | "ldap")
        && !ini.includes
        && ["auth_file", "auth_query", "auth_user"].iter().all(|key| ini.value(key).is_none())
    {
        findings.add(
            None,
            Severity::Warning,
            "no_auth_file",
            "without auth_file or auth_query nobody can log in",
            "",
        );
    }
    judge_mode(ini, against, findings);
    let ignored = ini.value("ignore_startup_parameters").unwrap_or_default();
    if !ignored.split(',').any(|name| name.trim() == "extra_float_digits") {
        findings.add(
            line("ignore_startup_parameters"),
            Severity::Note,
            "extra_float_digits",
            "the JDBC driver and sqlx are refused: they send extra_float_digits",
            "ignore_startup_parameters = extra_float_digits",
        );
    }
    let (least, most) = (ini.size("min_pool_size", 0), ini.size("default_pool_size", DEFAULT_POOL_SIZE));
    if least > most {
        findings.add(
            line("min_pool_size"),
            Severity::Warning,
            "min_above_size",
            format!("min_pool_size {least} is above default_pool_size {most}"),
            "",
        );
    }
}

fn judge_mode(ini: &Ini<'_>, against: &Against, findings: &mut Findings) {
    let line = |key: &str| ini.setting(key).map(|setting| setting.line);
    match ini.value("pool_mode").unwrap_or("session") {
        "statement" => findings.add(
            line("pool_mode"),
            Severity::Warning,
            "statement_mode",
            "in statement mode a transaction of several statements is refused",
            "use transaction mode",
        ),
        "transaction" => {
            let off = ini.value("max_prepared_statements").map_or_else(
                || against.version.is_none_or(|version| !version.at_least(24)),
                |value| integer(value) == Some(0),
            );
            if off {
                findings.add(
                    line("max_prepared_statements").or_else(|| line("pool_mode")),
                    Severity::Note,
                    "prepared_statements",
                    "named prepared statements of clients fail in transaction mode",
                    "max_prepared_statements = 200 (PgBouncer 1.21 or later), or switch them off in the clients",
                );
            }
        }
        _ => {}
    }
}

/// What one database entry may open.
struct Pool {
    line: u64,
    wildcard: bool,
    forced_user: bool,
    pool_size: Option<u64>,
    reserve: Option<u64>,
    cap: Option<u64>,
}

fn read_entry(entry: &Setting<'_>, against: &Against, findings: &mut Findings) -> Pool {
    let mut pool = Pool {
        line: entry.line,
        wildcard: entry.key == "*",
        forced_user: false,
        pool_size: None,
        reserve: None,
        cap: None,
    };
    if entry.key == "pgbouncer" {
        findings.add(
            entry.line,
            Severity::Error,
            "reserved_name",
            "pgbouncer is the name of the console and cannot be a database entry",
            "",
        );
    }
    let Some(pairs) = pairs(entry.value) else {
        findings.add(
            entry.line,
            Severity::Error,
            "syntax",
            format!("the entry {} is not a list of key=value: PgBouncer does not start", entry.key),
            "values with spaces go into single quotes; a comment needs a line of its own",
        );
        return pool;
    };
    for (key, value) in &pairs {
        let setting = Setting { line: entry.line, key, value };
        check_setting(&pgbouncer::ENTRY_KEYS, &setting, against, findings);
        match key.as_str() {
            "user" => pool.forced_user = true,
            "pool_size" => pool.pool_size = positive(value),
            "reserve_pool" | "reserve_pool_size" => pool.reserve = positive(value),
            "max_db_connections" => pool.cap = positive(value),
            "password" => findings.add(
                entry.line,
                Severity::Note,
                "password",
                format!("the entry {} holds a password", entry.key),
                "keep the file readable by PgBouncer alone, or use auth_file",
            ),
            _ => {}
        }
    }
    pool
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

/// Holds the server connections that the file allows against the slots that there are.
fn judge_sizes(ini: &Ini<'_>, pools: &[Pool], against: &Against, findings: &mut Findings) {
    let default = ini.size("default_pool_size", DEFAULT_POOL_SIZE);
    let reserve = ini.size("reserve_pool_size", 0);
    let global_cap = ini.value("max_db_connections").and_then(positive);
    for pool in pools.iter().filter(|pool| pool.wildcard) {
        findings.add(
            pool.line,
            Severity::Note,
            "wildcard",
            "every database that a client names becomes a pool of its own here; one is counted",
            "name the databases",
        );
    }
    let worst = pools.iter().fold(0_u64, |sum, pool| {
        let users = if pool.forced_user { 1 } else { against.users };
        let size = pool.pool_size.unwrap_or(default).saturating_add(pool.reserve.unwrap_or(reserve));
        let open = size.saturating_mul(users);
        sum.saturating_add(pool.cap.or(global_cap).map_or(open, |cap| open.min(cap)))
    });
    let worst = worst.saturating_mul(against.pooler_processes);
    let line = ini.setting("default_pool_size").map(|setting| setting.line);
    let sum = format!(
        "{} entries with {} users each and {} PgBouncer processes open up to {worst} server connections",
        pools.len(),
        against.users,
        against.pooler_processes
    );
    if worst > against.usable {
        findings.add(
            line,
            Severity::Error,
            "over_server",
            format!("{sum}; the server has {} for ordinary roles", against.usable),
            "lower default_pool_size and reserve_pool_size, or bound them with max_db_connections",
        );
    } else if worst > against.budget {
        findings.add(
            line,
            Severity::Warning,
            "over_budget",
            format!("{sum}; {} are left after the reserve", against.budget),
            "lower default_pool_size, or plan with a smaller --reserve",
        );
    }
    let caps = global_cap
        .and_then(|cap| ini.setting("max_db_connections").map(|setting| (setting.line, cap)))
        .into_iter()
        .chain(pools.iter().filter_map(|pool| pool.cap.map(|cap| (pool.line, cap))));
    for (line, cap) in caps.filter(|(_, cap)| *cap > against.usable) {
        findings.add(
            line,
            Severity::Warning,
            "cap_above_usable",
            format!("max_db_connections {cap} never takes effect: ordinary roles have {}", against.usable),
            format!("at most {}", against.budget),
        );
    }
}
