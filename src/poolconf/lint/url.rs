//! Connection URLs with pool parameters: who reads them, and what they add up to.

use super::{Against, Finding, Findings, Severity};

/// A URL taken apart. The password is only looked at, never kept.
struct Url<'a> {
    host: &'a str,
    port: Option<&'a str>,
    parameters: Vec<(&'a str, &'a str)>,
}

/// Everything wrong or dangerous in the connection URLs of `text`, or `None` when it holds none.
pub(super) fn lint(text: &str, against: &Against) -> Option<Vec<Finding>> {
    let mut findings = Findings::default();
    let mut seen = false;
    for (line, content) in (1_u64..).zip(text.lines()) {
        if content.trim_start().starts_with(['#', ';']) || content.trim_start().starts_with("//") {
            continue;
        }
        if let Some(url) = find(content) {
            seen = true;
            judge(url, line, against, &mut findings);
        }
    }
    seen.then_some(findings.0)
}

/// The first connection URL of a line, up to a quote or space.
fn find(line: &str) -> Option<&str> {
    let schemes = ["postgresql://", "postgres://", "ecto://"];
    let start = schemes.iter().filter_map(|scheme| line.find(scheme)).min()?;
    let url = line.get(start..)?;
    let end = url.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`')).unwrap_or(url.len());
    url.get(..end)
}

fn judge(text: &str, line: u64, against: &Against, findings: &mut Findings) {
    let Some(url) = parse(text, line, findings) else { return };
    let ecto = text.starts_with("ecto:");
    for (name, value) in &url.parameters {
        if !(ecto && *name == "pool_size") {
            judge_reader(name, line, findings);
        }
        judge_parameter(name, value, line, against, findings);
    }
    judge_pooler(&url, line, findings);
}

fn parse<'a>(text: &'a str, line: u64, findings: &mut Findings) -> Option<Url<'a>> {
    let (_, rest) = text.split_once("://")?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    if rest.matches('@').count() > 1 || authority.contains('#') {
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

/// Says who takes a parameter that most libraries ignore or refuse.
fn judge_reader(name: &str, line: u64, findings: &mut Findings) {
    let (severity, who) = match (name, reader_of_maximum(name)) {
        ("pool_size" | "pool" | "max_connections", Some(reader)) => {
            (Severity::Note, format!("only {reader} takes {name} from the URL"))
        }
        // It makes an array of that text, which has one element.
        ("max", _) => (Severity::Warning, "postgres.js takes max for text and opens 1 connection".to_owned()),
        ("min" | "max_overflow" | "maximumPoolSize" | "poolSize", _) => {
            (Severity::Warning, format!("no library takes {name} from the URL"))
        }
        _ => return,
    };
    findings.add(
        line,
        severity,
        "ignored_parameter",
        format!("{who}; node-pg and the JDBC driver ignore it, libpq (psycopg, SQLAlchemy) refuses it"),
        "set it in the code that makes the pool; --emit writes it",
    );
}

fn judge_parameter(name: &str, value: &str, line: u64, against: &Against, findings: &mut Findings) {
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
    line: u64,
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
    let sum = format!("{} pools of {limit} ({reader}) open up to {total} connections", against.pools);
    if total > against.usable {
        findings.add(
            line,
            Severity::Error,
            "over_server",
            format!("{sum}; the server has {} for ordinary roles", against.usable),
            most(name, against),
        );
    } else if total > against.budget {
        findings.add(
            line,
            Severity::Warning,
            "over_budget",
            format!("{sum}; {} are left after the reserve", against.budget),
            most(name, against),
        );
    }
}

/// The most that the budget has for each pool.
fn most(name: &str, against: &Against) -> String {
    match against.budget / against.pools.max(1) {
        0 => "no size fits so many pools: use fewer, or put a pooler in front".to_owned(),
        size => format!("at most {name}={size} for so many pools"),
    }
}

fn judge_seconds(name: &str, value: &str, line: u64, findings: &mut Findings) {
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
fn judge_pooler(url: &Url<'_>, line: u64, findings: &mut Findings) {
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
