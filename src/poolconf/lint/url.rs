//! Connection URLs with pool parameters: who reads them, and what they add up to.

mod read;

use super::against::Against;
use super::finding::{Findings, LintFinding, Place, Severity};
use super::variables::{OPEN, without_variables};
use read::{Reader, Url};

/// Everything wrong or dangerous in the connection URLs of `text`, or `None` when it holds none.
pub(super) fn lint(text: &str, against: &Against) -> Option<Vec<LintFinding>> {
    let mut findings = Findings::default();
    let mut seen = false;
    for (line, content) in (1_u64..).zip(text.lines()) {
        if content.trim_start().starts_with(['#', ';']) || content.trim_start().starts_with("//") {
            continue;
        }
        let content = without_variables(content);
        for (reader, url) in read::find(&content) {
            seen = true;
            judge(reader, url, Place::line(line), against, &mut findings);
        }
    }
    seen.then_some(findings.all)
}

fn judge(reader: Reader, text: &str, line: Place, against: &Against, findings: &mut Findings) {
    let Some(url) = read::parse(text, line, findings) else { return };
    for (name, value) in &url.parameters {
        if !of_another_library(reader, name, line, findings) && !value.contains(OPEN) {
            judge_parameter(name, value, line, against, findings);
        }
    }
    if reader == Reader::Anybody {
        judge_pooler(&url, line, findings);
    }
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
    if reader == Reader::SqlalchemyAsyncpg && matches!(name, "sslmode" | "channel_binding" | "sslrootcert") {
        findings.add(
            line,
            Severity::Error,
            "refused_parameter",
            format!("asyncpg has no argument {name}: SQLAlchemy hands it on, and connecting fails"),
            "with asyncpg it is ssl=require, or connect_args",
        );
        return true;
    }
    let useless = matches!(name, "max" | "min" | "max_overflow" | "maximumPoolSize" | "poolSize");
    if !useless && maximum.is_none() && name != "pool_timeout" {
        return false;
    }
    let others = "node-pg and the JDBC driver ignore it, libpq (psycopg, SQLAlchemy) refuses it";
    let (severity, code, message) = match (reader, name) {
        (Reader::Sqlalchemy | Reader::SqlalchemyAsyncpg, _) => (
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
    matches!(reader, Reader::Sqlalchemy | Reader::SqlalchemyAsyncpg | Reader::Jdbc)
}

fn judge_parameter(name: &str, value: &str, line: Place, against: &Against, findings: &mut Findings) {
    if let Some(reader) = reader_of_maximum(name) {
        judge_maximum(name, value, reader, line, against, findings);
        return;
    }
    match name {
        "pool_timeout" | "connect_timeout" => judge_seconds(name, value, line, findings),
        "sslmode" => judge_sslmode(value, line, findings),
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

/// libpq's words, which pgx, sqlx, the JDBC driver and node-pg have too; node-pg has one more.
fn judge_sslmode(value: &str, line: Place, findings: &mut Findings) {
    let words = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
    if value == "no-verify" {
        let message = "only node-pg knows sslmode=no-verify; libpq refuses it";
        findings.add(line, Severity::Note, "sslmode", message, "");
    } else if !words.contains(&value) {
        findings.add(
            line,
            Severity::Error,
            "sslmode",
            format!("no library knows sslmode={value}"),
            format!("it is one of {}", words.join(", ")),
        );
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

#[cfg(test)]
mod tests;
