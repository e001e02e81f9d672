//! Reads configuration that exists and says, line by line, what is wrong or dangerous in it.

mod ini;
mod url;

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
    /// The line, from 1; null when it is about the file as a whole.
    pub(crate) line: Option<u64>,
    /// How bad it is.
    pub(crate) severity: Severity,
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
    /// Pools of the application: instances times processes.
    pub(crate) pools: u64,
    /// PgBouncer processes that run with this file.
    pub(crate) pooler_processes: u64,
    /// Users that connect through each database entry; unknown means those that the file names, at least one.
    pub(crate) users: Option<u64>,
    /// PgBouncer's version, when it is known.
    pub(crate) version: Option<Version>,
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
}

/// Everything found in `text`, in order of lines, or `None` when it is neither a pgbouncer.ini nor holds a
/// connection URL.
pub(crate) fn lint(text: &str, against: &Against) -> Option<(ConfigFormat, Vec<LintFinding>)> {
    let (format, mut findings) = if ini::looks_like(text) {
        (ConfigFormat::PgbouncerIni, ini::lint(text, against))
    } else {
        (ConfigFormat::Url, url::lint(text, against)?)
    };
    // Findings about the whole file come last.
    order::sort_by_key(&mut findings, |finding| finding.line.unwrap_or(u64::MAX));
    Some((format, findings))
}

/// Collects findings.
#[derive(Default)]
struct Findings(Vec<LintFinding>);

impl Findings {
    fn add(
        &mut self,
        line: impl Into<Option<u64>>,
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self.0.push(LintFinding { line: line.into(), severity, code, message: message.into(), hint });
    }
}

#[cfg(test)]
mod tests;
