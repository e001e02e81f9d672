//! Settings of pools in files that are of something else: the environment of PgBouncer's images (compose, Helm, .env),
//! HikariCP under Spring (properties, YAML), Rails' database.yml, Npgsql's connection strings. Read line by line: which name
//! a line gives a value to is all that is needed, so that no parser of YAML is.

use super::against::Against;
use super::finding::{Findings, LintFinding, Place, Severity};
use super::ini;
use super::variables::{OPEN, without_variables};
use crate::poolconf::pgbouncer;

/// `Maximum Pool Size` of Npgsql where a connection string has none.
const NPGSQL_SIZE: u64 = 100;
/// The shortest `connection-timeout` that HikariCP takes, in milliseconds.
const HIKARI_TIMEOUT: u64 = 250;

/// A name and the value that a line gives to it.
struct Assignment {
    place: Place,
    name: String,
    value: String,
}

/// Everything wrong in what `text` says of pools, or `None` when it says nothing of any that is known.
pub(super) fn lint(text: &str, against: &Against) -> Option<Vec<LintFinding>> {
    let assignments = read(text);
    let known = [pgbouncer, hikari, rails].map(|judge| judge(&assignments, against));
    let all: Vec<_> = known.into_iter().chain([npgsql(text, against)]).flatten().collect();
    (!all.is_empty()).then(|| all.into_iter().flatten().collect())
}

fn read(text: &str) -> Vec<Assignment> {
    let mut named = None;
    let mut all = Vec::new();
    for (line, content) in (1_u64..).zip(text.lines()) {
        let content = without_variables(content);
        let Some((name, value)) = assignment(&content) else { continue };
        let place = Place::line(line);
        // A container's environment in Kubernetes: the name in one line, its value in the next.
        match (name, named.take()) {
            ("name", _) => named = Some(value.to_owned()),
            ("value", Some(name)) => all.push(Assignment { place, name, value: value.to_owned() }),
            _ => all.push(Assignment { place, name: name.to_owned(), value: value.to_owned() }),
        }
    }
    all
}

/// The name and the value of a line in a file of properties, an environment, YAML or JSON.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let quotes = ['"', '\''];
    let line = line.trim();
    if line.starts_with(['#', ';', '!', '/']) {
        return None;
    }
    let line = line.strip_prefix("- ").unwrap_or(line).trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start_matches(quotes);
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)))?;
    let (name, rest) = line.split_at(end);
    let value = rest.trim_start_matches(quotes).trim_start().strip_prefix(['=', ':'])?.trim();
    let (value, _) = value.split_once(" #").unwrap_or((value, ""));
    let value = value.trim().trim_end_matches(',').trim_matches(quotes);
    (!name.is_empty()).then_some((name, value))
}

/// A whole number above 0, or an error; `None` for what is filled in later.
fn size(place: Place, name: &str, value: &str, findings: &mut Findings) -> Option<u64> {
    if value.is_empty() || value.contains(OPEN) || value.starts_with('<') {
        return None;
    }
    let size = value.parse().ok().filter(|size| *size > 0);
    if size.is_none() {
        let message = format!("{name} must be a whole number above 0");
        findings.add(place, Severity::Error, "invalid_value", message, "");
    }
    size
}

/// Judges a pool of so many connections in each process.
fn pool(size: u64, whose: &str, place: Place, against: &Against, findings: &mut Findings) {
    let total = size.saturating_mul(against.pools);
    let pools = if against.pools == 1 { "1 pool".to_owned() } else { format!("{} pools", against.pools) };
    let sum = format!("{pools} of {size} ({whose}) can open {total} connections");
    let remedy = match against.budget / against.pools.max(1) {
        0 => "no size fits so many pools: use fewer, or put a pooler in front".to_owned(),
        most => format!("at most {most} for so many pools"),
    };
    against.judge(total, Some(place), &sum, &remedy, findings);
}

/// PgBouncer's settings under the names that its images have for them.
fn pgbouncer(all: &[Assignment], against: &Against) -> Option<Vec<LintFinding>> {
    let settings = all.iter().filter_map(|assignment| {
        let lower = assignment.name.to_ascii_lowercase();
        let key = lower.strip_prefix("pgbouncer_").unwrap_or(&lower);
        let known = pgbouncer::find(&pgbouncer::KEYS, key)?;
        let is_open = assignment.value.is_empty() || assignment.value.contains(OPEN);
        (!is_open).then_some((assignment.place, known.name, assignment.value.as_str()))
    });
    let settings: Vec<_> = settings.collect();
    let is_its_own = settings.iter().any(|(_, key, _)| pgbouncer::IS_ITS_OWN.contains(key));
    is_its_own.then(|| ini::lint_settings(&settings, against))
}

fn hikari(all: &[Assignment], against: &Against) -> Option<Vec<LintFinding>> {
    let plain = |assignment: &Assignment| {
        let plain: String = assignment.name.chars().filter(char::is_ascii_alphanumeric).collect();
        plain.to_ascii_lowercase()
    };
    let is_named = all.iter().any(|assignment| plain(assignment).contains("hikari"));
    let mut findings = Findings::default();
    let mut seen = false;
    for assignment in all.iter().filter(|_| is_named) {
        let Assignment { place, name, value } = assignment;
        let plain = plain(assignment);
        if plain.ends_with("maximumpoolsize") {
            seen = true;
            if let Some(size) = size(*place, name, value, &mut findings) {
                pool(size, "HikariCP", *place, against, &mut findings);
            }
        }
        let short = value.parse().is_ok_and(|time: u64| time > 0 && time < HIKARI_TIMEOUT);
        if plain.ends_with("connectiontimeout") && short {
            let message = format!("HikariCP takes no {name} below {HIKARI_TIMEOUT}: it is in milliseconds");
            findings.add(*place, Severity::Error, "invalid_value", message, "");
        }
    }
    seen.then_some(findings.all)
}

fn rails(all: &[Assignment], against: &Against) -> Option<Vec<LintFinding>> {
    let is_adapter = |assignment: &Assignment| {
        assignment.name == "adapter" && matches!(assignment.value.as_str(), "postgresql" | "postgis")
    };
    if !all.iter().any(is_adapter) {
        return None;
    }
    let mut findings = Findings::default();
    for Assignment { place, name, value } in all {
        if matches!(name.as_str(), "pool" | "max_connections")
            && let Some(size) = size(*place, name, value, &mut findings)
        {
            pool(size, "Rails", *place, against, &mut findings);
        }
    }
    Some(findings.all)
}

/// Npgsql's `Host=…;Maximum Pool Size=…`; its words are known in any case.
fn npgsql(text: &str, against: &Against) -> Option<Vec<LintFinding>> {
    let mut findings = Findings::default();
    let mut seen = false;
    for (line, content) in (1_u64..).zip(text.lines()) {
        let content = without_variables(content);
        let at = content.to_ascii_lowercase().find("host=");
        let string = at.and_then(|at| content.get(at..)).filter(|string| string.contains(';'));
        if let Some(string) = string {
            seen = true;
            connection_string(string, Place::line(line), against, &mut findings);
        }
    }
    seen.then_some(findings.all)
}

fn connection_string(string: &str, place: Place, against: &Against, findings: &mut Findings) {
    let string = string.split(['"', '`']).next().unwrap_or_default();
    let pairs: Vec<(String, &str)> = string
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.replace(' ', "").to_ascii_lowercase(), value.trim()))
        .collect();
    let value = |names: &[&str]| {
        let pair = pairs.iter().rfind(|(name, _)| names.contains(&name.as_str()));
        pair.map(|(_, value)| *value)
    };
    if value(&["password", "pwd"]).is_some_and(|secret| !secret.is_empty() && !secret.contains(OPEN)) {
        let hint = "keep it out of the repository: the environment, or a password file";
        findings.add(place, Severity::Note, "password", "the connection string holds a password", hint);
    }
    if value(&["pooling"]).is_some_and(|on| on.eq_ignore_ascii_case("false")) {
        return;
    }
    let (whose, most) = match value(&["maximumpoolsize", "maxpoolsize"]) {
        Some(most) => ("Npgsql", size(place, "Maximum Pool Size", most, findings)),
        None => ("Npgsql's default", Some(NPGSQL_SIZE)),
    };
    let Some(most) = most else { return };
    pool(most, whose, place, against, findings);
    let least = value(&["minimumpoolsize", "minpoolsize"]).and_then(|value| value.parse::<u64>().ok());
    if let Some(least) = least.filter(|least| *least > most) {
        let message = format!("Npgsql refuses a Minimum Pool Size of {least} above the maximum of {most}");
        findings.add(place, Severity::Error, "min_above_size", message, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Against = Against::DEFAULT_SERVER;

    fn codes(text: &str) -> Option<Vec<(u64, &'static str)>> {
        let findings = lint(text, &SERVER)?;
        Some(findings.iter().map(|finding| (finding.line.unwrap_or_default(), finding.code)).collect())
    }

    #[test]
    fn the_environment_of_a_pgbouncer_image_is_read_in_every_notation() {
        for (before, after) in [
            ("DEFAULT_POOL_SIZE=", ""),
            ("services:\n  pgbouncer:\n    environment:\n      DEFAULT_POOL_SIZE: ", ""),
            ("      - DEFAULT_POOL_SIZE=", ""),
            ("export PGBOUNCER_DEFAULT_POOL_SIZE=\"", "\""),
            ("- name: DEFAULT_POOL_SIZE\n  value: \"", "\""),
            ("  \"DEFAULT_POOL_SIZE\": \"", "\","),
        ] {
            let line = before.matches('\n').count() as u64 + 1;
            let text = |size: &str| format!("{before}{size}{after}\n");
            assert_eq!(codes(&text("120")), Some(vec![(line, "over_server")]), "{before}");
            assert_eq!(codes(&text("20")), Some(vec![]), "{before}");
            assert_eq!(codes(&text("twenty")), Some(vec![(line, "invalid_value")]), "{before}");
            assert_eq!(codes(&text("${SIZE:-20}")), None, "{before}");
        }
        assert_eq!(codes("POOL_MODE=sessions\n"), Some(vec![(1, "invalid_value")]));
        assert_eq!(codes("VERBOSE=yes\nUSER=me\nLISTEN_PORT=x\n"), None, "anybody has these");
    }

    #[test]
    fn pools_of_libraries_are_added_up() {
        let spring =
            "spring.datasource.hikari.maximum-pool-size=20\nspring.datasource.hikari.connection-timeout=30\n";
        assert_eq!(codes(spring), Some(vec![(1, "over_server"), (2, "invalid_value")]));
        let yaml = "spring:\n  datasource:\n    hikari:\n      maximum-pool-size: 10 # each\n";
        assert_eq!(codes(yaml), Some(vec![]));
        assert_eq!(codes(&yaml.replace("10", "0")), Some(vec![(4, "invalid_value")]));
        assert_eq!(codes(&yaml.replace("10", "${POOL}")), Some(vec![]));
        assert_eq!(codes("SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE=13\n"), Some(vec![(1, "over_server")]));
        assert_eq!(codes("maximum-pool-size: 99\n"), None, "of whom?");
        let rails =
            "production:\n  adapter: postgresql\n  pool: <%= ENV.fetch(\"X\") { 5 } %>\nother:\n  pool: 11\n";
        assert_eq!(codes(rails), Some(vec![(5, "over_budget")]));
        assert_eq!(codes(&rails.replace("postgresql", "mysql2")), None);
    }

    #[test]
    fn npgsql_s_strings_have_a_size_of_100_unless_they_say_another() {
        let string = |more: &str| format!("  \"Main\": \"Host=h;Database=d;Username=u;{more}\"\n");
        assert_eq!(codes(&string("")), Some(vec![(1, "over_server")]));
        assert_eq!(codes(&string("Max Pool Size=10")), Some(vec![]));
        assert_eq!(codes(&string("Pooling=false")), Some(vec![]));
        assert_eq!(codes(&string("MaxPoolSize=5;Minimum Pool Size=6")), Some(vec![(1, "min_above_size")]));
        assert_eq!(codes(&string("Password=s3cret;Maximum Pool Size=10")), Some(vec![(1, "password")]));
        assert_eq!(codes("Server=h;Database=d;User Id=u\n"), None, "SQL Server's");
    }
}
