//! Connection URLs with pool parameters: who reads them, and what they add up to.

use super::{Against, Findings, LintFinding, Place, Severity};

/// Who reads a URL, as far as its scheme says so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Anybody,
    Ecto,
    Jdbc,
    Sqlalchemy,
}

/// A URL taken apart. The password is only looked at, never kept.
struct Url<'a> {
    host: &'a str,
    port: Option<&'a str>,
    parameters: Vec<(&'a str, &'a str)>,
}

/// Everything wrong or dangerous in the connection URLs of `text`, or `None` when it holds none.
pub(super) fn lint(text: &str, against: &Against) -> Option<Vec<LintFinding>> {
    let mut findings = Findings::default();
    let mut seen = false;
    for (line, content) in (1_u64..).zip(text.lines()) {
        if content.trim_start().starts_with(['#', ';']) || content.trim_start().starts_with("//") {
            continue;
        }
        if let Some((reader, url)) = find(content) {
            seen = true;
            judge(reader, url, Place::line(line), against, &mut findings);
        }
    }
    seen.then_some(findings.all)
}

/// What follows the scheme in the first connection URL of a line, up to a quote, space or tag.
fn find(line: &str) -> Option<(Reader, &str)> {
    line.match_indices("://").find_map(|(at, mark)| {
        let (before, url) = (line.get(..at)?, line.get(at + mark.len()..)?);
        let rest = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '_'));
        let reader = match before.get(rest.len()..)? {
            "ecto" => Reader::Ecto,
            "postgres" | "postgresql" if rest.ends_with("jdbc:") => Reader::Jdbc,
            "postgres" | "postgresql" => Reader::Anybody,
            scheme if scheme.starts_with("postgresql+") => Reader::Sqlalchemy,
            _ => return None,
        };
        let end = url.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<'));
        Some((reader, url.get(..end.unwrap_or(url.len()))?))
    })
}

fn judge(reader: Reader, text: &str, line: Place, against: &Against, findings: &mut Findings) {
    let Some(url) = parse(text, line, findings) else { return };
    for (name, value) in &url.parameters {
        if !of_another_library(reader, name, line, findings) {
            judge_parameter(name, value, line, against, findings);
        }
    }
    if reader == Reader::Anybody {
        judge_pooler(&url, line, findings);
    }
}

fn parse<'a>(text: &'a str, line: Place, findings: &mut Findings) -> Option<Url<'a>> {
    let (rest, query) = text.split_once('?').unwrap_or((text, ""));
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let ends = rest.matches('@').count();
    if ends > 1 || ends != authority.matches('@').count() || authority.contains('#') {
        findings.add(
            line,
            Severity::Error,
            "unescaped",
            "the user or password holds a character that ends it early",
            "percent-encode it: @ is %40, # is %23, / is %2F, ? is %3F",
        );
        return None;
    }
    let (userinfo, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    // In XML an ampersand is written out.
    let parameters = query.split('&').map(|part| part.strip_prefix("amp;").unwrap_or(part));
    let parameters = parameters.filter(|part| !part.is_empty());
    let parameters: Vec<_> = parameters.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
    // JDBC has the password among the parameters.
    let secrets = parameters.iter().filter(|(name, _)| matches!(*name, "password" | "sslpassword"));
    let mut secrets =
        secrets.map(|(_, secret)| *secret).chain(userinfo.split_once(':').map(|(_, secret)| secret));
    if secrets.any(|secret| !secret.is_empty() && !secret.starts_with("${")) {
        findings.add(
            line,
            Severity::Note,
            "password",
            "the URL holds a password",
            "keep it out of the repository and of command lines: the environment, or a password file",
        );
    }
    let first = host.split(',').next().unwrap_or_default();
    let (host, port) = match first.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (first, None),
    };
    Some(Url { host, port, parameters })
}

/// A parameter that some library takes for its pool's maximum, and who that is.
fn reader_of_maximum(name: &str) -> Option<&'static str> {
    match name {
        "connection_limit" => Some("Prisma up to 6"),
        "pool_max_conns" => Some("pgxpool"),
        "pool_size" => Some("Ecto"),
        "pool" => Some("Rails"),
        "max_connections" => Some("Rails 8.1"),
        _ => None,
    }
}

/// Says who takes a parameter that most libraries ignore or refuse; whether it has no meaning to who reads this URL.
fn of_another_library(reader: Reader, name: &str, line: Place, findings: &mut Findings) -> bool {
    let maximum = reader_of_maximum(name);
    let useless = matches!(name, "max" | "min" | "max_overflow" | "maximumPoolSize" | "poolSize");
    if !useless && maximum.is_none() && name != "pool_timeout" {
        return false;
    }
    let others = "node-pg and the JDBC driver ignore it, libpq (psycopg, SQLAlchemy) refuses it";
    let (severity, code, message) = match (reader, name) {
        (Reader::Sqlalchemy, _) => (
            Severity::Error,
            "refused_parameter",
            format!("SQLAlchemy hands {name} on to the driver, which refuses it"),
        ),
        (Reader::Jdbc, _) => {
            (Severity::Warning, "ignored_parameter", format!("the JDBC driver ignores {name} without a word"))
        }
        // It makes an array of that text, which has one element.
        (_, "max") => (
            Severity::Warning,
            "ignored_parameter",
            format!("postgres.js takes max for text and opens 1 connection; {others}"),
        ),
        (Reader::Anybody, "pool_size" | "pool" | "max_connections") => (
            Severity::Note,
            "ignored_parameter",
            format!("only {} takes {name} from the URL; {others}", maximum.unwrap_or_default()),
        ),
        _ if useless => (
            Severity::Warning,
            "ignored_parameter",
            format!("no library takes {name} from the URL; {others}"),
        ),
        _ => return false,
    };
    findings.add(line, severity, code, message, "set it in the code that makes the pool; --emit writes it");
    matches!(reader, Reader::Sqlalchemy | Reader::Jdbc)
}

fn judge_parameter(name: &str, value: &str, line: Place, against: &Against, findings: &mut Findings) {
    if let Some(reader) = reader_of_maximum(name) {
        judge_maximum(name, value, reader, line, against, findings);
        return;
    }
    match name {
        "pool_timeout" | "connect_timeout" => judge_seconds(name, value, line, findings),
        "pgbouncer" if value != "true" => findings.add(
            line,
            Severity::Warning,
            "pgbouncer_flag",
            "pgbouncer is a switch of Prisma's and only knows true",
            "",
        ),
        _ => {}
    }
}

fn judge_maximum(
    name: &str,
    value: &str,
    reader: &str,
    line: Place,
    against: &Against,
    findings: &mut Findings,
) {
    let Some(limit) = value.parse::<u64>().ok().filter(|limit| *limit > 0) else {
        findings.add(
            line,
            Severity::Error,
            "invalid_value",
            format!("{name} must be a whole number above 0"),
            "",
        );
        return;
    };
    if name == "connection_limit" {
        findings.add(
            line,
            Severity::Note,
            "prisma7",
            "Prisma 7 ignores connection_limit and pool_timeout without a word: its pool stays at 10",
            "give max to the driver adapter; --emit prisma7 writes it",
        );
    }
    let total = limit.saturating_mul(against.pools);
    let sum = match against.pools {
        1 => format!("1 pool of {limit} ({reader}) opens up to {total} connections"),
        pools => format!("{pools} pools of {limit} ({reader}) open up to {total} connections"),
    };
    against.judge(total, Some(line), &sum, &most(name, against), findings);
}

/// The most that the budget has for each pool.
fn most(name: &str, against: &Against) -> String {
    match against.budget / against.pools.max(1) {
        0 => "no size fits so many pools: use fewer, or put a pooler in front".to_owned(),
        size => format!("at most {name}={size} for so many pools"),
    }
}

fn judge_seconds(name: &str, value: &str, line: Place, findings: &mut Findings) {
    match value.parse::<u64>() {
        Err(_) => findings.add(
            line,
            Severity::Error,
            "invalid_value",
            format!("{name} must be a whole number of seconds"),
            "",
        ),
        Ok(0) => {
            findings.add(line, Severity::Warning, "waits_for_ever", format!("{name}=0 waits for ever"), "");
        }
        Ok(seconds) if seconds >= 1000 => findings.add(
            line,
            Severity::Warning,
            "milliseconds",
            format!("{name} is in seconds: {seconds} looks like milliseconds"),
            "",
        ),
        Ok(_) => {}
    }
}

/// Supabase's pooler listens on one port per mode, and Prisma's switch fits one of them only.
fn judge_pooler(url: &Url<'_>, line: Place, findings: &mut Findings) {
    let flagged = url.parameters.iter().any(|(name, value)| *name == "pgbouncer" && *value == "true");
    let supabase = url.host.ends_with(".pooler.supabase.com") || url.host == "pooler.supabase.com";
    if supabase && flagged && url.port == Some("5432") {
        findings.add(
            line,
            Severity::Warning,
            "session_port",
            "port 5432 of this pooler is session mode: pgbouncer=true is for transaction mode",
            "use port 6543, or leave pgbouncer=true out",
        );
    }
    let prisma = url.parameters.iter().any(|(name, _)| *name == "connection_limit");
    if prisma && !flagged && matches!(url.port, Some("6543" | "6432")) {
        findings.add(
            line,
            Severity::Warning,
            "prepared_statements",
            "this port is a transaction pooler's: Prisma up to 6 needs pgbouncer=true unless the pooler keeps prepared statements",
            "append &pgbouncer=true",
        );
    }
}
