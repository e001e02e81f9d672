//! Reads configuration that exists and says, line by line, what is wrong or dangerous in it.

mod against;
mod assignments;
mod block;
mod finding;
mod ini;
mod url;
mod variables;

use serde::Serialize;

use crate::model::order;
pub(crate) use against::{Against, OtherFiles};
pub(crate) use finding::{LintFinding, Severity};

/// What kind of configuration a text was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Format"))]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConfigFormat {
    /// A pgbouncer.ini.
    PgbouncerIni,
    /// Text with connection URLs: an environment file, or the URL alone.
    Url,
    /// Settings of a pool among others: environment variables, properties, YAML, an Npgsql connection string.
    Settings,
}

/// Everything found in `text`, in order of lines, or `None` when it is neither a pgbouncer.ini nor has a connection URL or
/// settings of a pool that is known.
pub(crate) fn lint(
    text: &str,
    against: &Against,
    files: OtherFiles<'_>,
) -> Option<(ConfigFormat, Vec<LintFinding>)> {
    let (format, mut findings) = if ini::looks_like(text) {
        let block = block::pgbouncer_ini(text);
        (ConfigFormat::PgbouncerIni, ini::lint(block.as_deref().unwrap_or(text), against, files))
    } else {
        match (assignments::lint(text, against), url::lint(text, against)) {
            (None, None) => return None,
            (None, Some(findings)) => (ConfigFormat::Url, findings),
            (Some(findings), urls) => {
                let both = findings.into_iter().chain(urls.into_iter().flatten()).collect();
                (ConfigFormat::Settings, both)
            }
        }
    };
    // Findings about the whole file come last, those about an included one after the file's own.
    order::sort_by_key(&mut findings, |finding| {
        (finding.line.is_none(), finding.file.clone(), finding.line.unwrap_or_default())
    });
    Some((format, passwords_as_one(findings)))
}

/// Each file says once that it holds passwords: where they stand in the open is known then, and the rest is the same again.
fn passwords_as_one(findings: Vec<LintFinding>) -> Vec<LintFinding> {
    let mut kept: Vec<LintFinding> = Vec::new();
    let mut further: Vec<(usize, u64)> = Vec::new();
    for finding in findings {
        let same = |one: &LintFinding| one.code == "password" && one.file == finding.file;
        match kept.iter().position(same).filter(|_| finding.code == "password") {
            Some(first) => match further.iter_mut().find(|(at, _)| *at == first) {
                Some((_, count)) => *count += 1,
                None => further.push((first, 1)),
            },
            None => kept.push(finding),
        }
    }
    for (first, count) in further {
        if let Some(finding) = kept.get_mut(first) {
            let others = if count == 1 { "another does".to_owned() } else { format!("{count} others do") };
            finding.message = format!("{}, and {others}", finding.message);
        }
    }
    kept
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
