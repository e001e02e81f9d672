//! Reads configuration that exists and says, line by line, what is wrong or dangerous in it.

mod assignments;
mod block;
mod ini;
mod url;
mod variables;

use serde::Serialize;

use super::pgbouncer::Version;
use crate::model::order;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// It does not work, or the server cannot hold it.
    Error,
    /// It works until the day it hurts.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word shown for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Finding"))]
pub(crate) struct LintFinding {
    /// The included file that it stands in, as named there; null for the file itself.
    pub(crate) file: Option<String>,
    /// The line, from 1; null when it is about the file as a whole.
    pub(crate) line: Option<u64>,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// Whether PgBouncer does not start because of it.
    pub(crate) prevents_start: bool,
    /// A stable word for scripts.
    pub(crate) code: &'static str,
    /// What is wrong, lower case, no full stop; never holds a password.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

/// What the configuration is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Against {
    /// Slots that ordinary roles can take.
    pub(crate) usable: u64,
    /// What is left of them for pools after the reserve.
    pub(crate) budget: u64,
    /// The max_connections that nobody gave, so that no sum is more than a guess; `None` when somebody did.
    pub(crate) assumed: Option<u64>,
    /// Pools of the application: instances times processes.
    pub(crate) pools: u64,
    /// PgBouncer processes that run with this file.
    pub(crate) pooler_processes: u64,
    /// Users that connect through each database entry; unknown means those that the file names, at least one.
    pub(crate) users: Option<u64>,
    /// PgBouncer's version, when it is known.
    pub(crate) version: Option<Version>,
}

#[cfg(test)]
impl Against {
    /// A server with max_connections 100, and an application of eight pools.
    pub(crate) const DEFAULT_SERVER: Self = Self {
        usable: 97,
        budget: 85,
        assumed: None,
        pools: 8,
        pooler_processes: 1,
        users: None,
        version: None,
    };
}

/// What helps when max_connections is only assumed.
const SAY_WHAT_IT_HAS: &str = "say what the server has with --max-connections N or --from-server";

impl Against {
    /// Holds the connections that `sum` speaks of against the slots that there are; `remedy` says how to have fewer.
    fn judge(
        &self,
        connections: u64,
        place: Option<Place>,
        sum: &str,
        remedy: &str,
        findings: &mut Findings,
    ) {
        let (code, what) = if connections > self.usable {
            ("over_server", format!("{} for ordinary roles", self.usable))
        } else if connections > self.budget {
            ("over_budget", format!("{} left after the reserve", self.budget))
        } else {
            return;
        };
        let (severity, whose, remedy) = match self.assumed {
            Some(assumed) => (
                Severity::Note,
                format!("with an assumed max_connections of {assumed} the server has"),
                SAY_WHAT_IT_HAS,
            ),
            None if code == "over_server" => (Severity::Error, "the server has".to_owned(), remedy),
            None => (Severity::Warning, "the server has".to_owned(), remedy),
        };
        findings.add(place, severity, code, format!("{sum}; {whose} {what}"), remedy);
    }
}

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

/// Gives the text of another file that a configuration names, by its path as written there, or why it cannot.
pub(crate) type OtherFiles<'a> = &'a dyn Fn(&str) -> Result<String, String>;

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

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// 0 for the file itself, else one more than its index among the included ones.
    file: usize,
    /// From 1.
    line: u64,
}

impl Place {
    /// A line of the file itself.
    const fn line(line: u64) -> Self {
        Self { file: 0, line }
    }
}

/// Collects findings.
#[derive(Default)]
struct Findings {
    all: Vec<LintFinding>,
    /// The included files, as named.
    included: Vec<String>,
}

impl Findings {
    fn add(
        &mut self,
        place: impl Into<Option<Place>>,
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let (place, hint) = (place.into(), Some(hint.into()).filter(|hint| !hint.is_empty()));
        let file = place.and_then(|place| self.included.get(place.file.checked_sub(1)?).cloned());
        let line = place.map(|place| place.line);
        let message = message.into();
        self.all.push(LintFinding { file, line, severity, prevents_start: false, code, message, hint });
    }

    /// An error with which PgBouncer does not start.
    fn prevent(
        &mut self,
        place: impl Into<Option<Place>>,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(place, Severity::Error, code, message, hint);
        if let Some(last) = self.all.last_mut() {
            last.prevents_start = true;
        }
    }

    /// Whether PgBouncer does not start with what was found.
    fn prevents_start(&self) -> bool {
        self.all.iter().any(|finding| finding.prevents_start)
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
