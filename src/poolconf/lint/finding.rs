//! What is found in a configuration: each thing with where it stands and how bad it is.

use serde::Serialize;

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

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// 0 for the file itself, else one more than its index among the included ones.
    pub(super) file: usize,
    /// From 1.
    pub(super) line: u64,
}

impl Place {
    /// A line of the file itself.
    pub(super) const fn line(line: u64) -> Self {
        Self { file: 0, line }
    }
}

/// Collects findings.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) all: Vec<LintFinding>,
    /// The included files, as named.
    pub(super) included: Vec<String>,
}

impl Findings {
    pub(super) fn add(
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
    pub(super) fn prevent(
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
    pub(super) fn prevents_start(&self) -> bool {
        self.all.iter().any(|finding| finding.prevents_start)
    }
}
