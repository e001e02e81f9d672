//! Where a line has connection URLs, and what they are made of.

use crate::poolconf::lint::finding::{Findings, Place, Severity};
use crate::poolconf::lint::variables::OPEN;

/// Who reads a URL, as far as its scheme says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Anybody,
    Ecto,
    Jdbc,
    Sqlalchemy,
    /// SQLAlchemy with a driver that knows no libpq parameter.
    SqlalchemyAsyncpg,
}

/// A URL taken apart. The password is only looked at, never kept.
pub(super) struct Url<'a> {
    pub(super) host: &'a str,
    pub(super) port: Option<&'a str>,
    pub(super) parameters: Vec<(&'a str, &'a str)>,
}

/// What follows the scheme in each connection URL of a line, up to a quote, space or tag.
pub(super) fn find(line: &str) -> Vec<(Reader, &str)> {
    let one = |(at, mark): (usize, &str)| {
        let (before, url) = (line.get(..at)?, line.get(at + mark.len()..)?);
        let rest = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '_'));
        let reader = match before.get(rest.len()..)? {
            "ecto" => Reader::Ecto,
            "postgres" | "postgresql" if rest.ends_with("jdbc:") => Reader::Jdbc,
            "postgres" | "postgresql" => Reader::Anybody,
            "postgresql+asyncpg" => Reader::SqlalchemyAsyncpg,
            scheme if scheme.starts_with("postgresql+") => Reader::Sqlalchemy,
            _ => return None,
        };
        let end = url.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<'));
        let url = url.get(..end.unwrap_or(url.len()))?;
        // In a list the next one begins after a comma or semicolon.
        let next = url.match_indices([',', ';']).map(|(at, _)| at);
        let mut next = next.filter(|at| url.get(at + 1..).is_some_and(|rest| rest.starts_with("postgres")));
        Some((reader, url.get(..next.next().unwrap_or(url.len()))?))
    };
    line.match_indices("://").filter_map(one).collect()
}

/// Takes a URL apart, or says which character ends a part too early.
pub(super) fn parse<'a>(text: &'a str, place: Place, findings: &mut Findings) -> Option<Url<'a>> {
    let (rest, query) = text.split_once('?').unwrap_or((text, ""));
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let (userinfo, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let ends = rest.matches('@').count();
    // Without an @ before it, a password's ? begins the parameters.
    let cut = ends == 0 && query.contains('@') && hosts.contains(':');
    if cut || ends > 1 || ends != authority.matches('@').count() || authority.contains('#') {
        findings.add(
            place,
            Severity::Error,
            "unescaped",
            "the user or password holds a character that ends it early",
            "percent-encode it: @ is %40, # is %23, / is %2F, ? is %3F",
        );
        return None;
    }
    let encoded = |part: &str| {
        let digits = part.get(..2).is_some_and(|two| two.chars().all(|c| c.is_ascii_hexdigit()));
        digits || part.starts_with(OPEN)
    };
    if userinfo.split('%').skip(1).any(|part| !encoded(part)) {
        findings.add(
            place,
            Severity::Error,
            "unescaped",
            "the user or password holds a % that begins no code: libpq refuses the URL",
            "percent-encode it: % is %25",
        );
        return None;
    }
    // In XML an ampersand is written out.
    let parameters = query.split('&').map(|part| part.strip_prefix("amp;").unwrap_or(part));
    let parameters = parameters.filter(|part| !part.is_empty());
    let parameters: Vec<_> = parameters.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
    // JDBC has the password among the parameters.
    let secrets = parameters.iter().filter(|(name, _)| matches!(*name, "password" | "sslpassword"));
    let mut secrets =
        secrets.map(|(_, secret)| *secret).chain(userinfo.split_once(':').map(|(_, secret)| secret));
    if secrets.any(|secret| !secret.is_empty() && !secret.contains(OPEN)) {
        findings.add(
            place,
            Severity::Note,
            "password",
            "the URL holds a password",
            "keep it out of the repository and of command lines: the environment, or a password file",
        );
    }
    ports(hosts, place, findings);
    let (host, port) = split(hosts.split(',').next().unwrap_or_default());
    Some(Url { host, port, parameters })
}

fn split(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (host, None),
    }
}

fn ports(hosts: &str, place: Place, findings: &mut Findings) {
    for port in hosts.split(',').filter_map(|host| split(host).1) {
        let known = port.parse::<u16>().is_ok_and(|port| port > 0);
        if known || port.is_empty() || port.contains(OPEN) {
            continue;
        }
        // What is no number may be a password that went astray.
        let message = if port.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("{port} is no port: they go from 1 to 65535")
        } else {
            "the port is no number".to_owned()
        };
        findings.add(place, Severity::Error, "invalid_port", message, "a : in a password is %3A");
    }
}
