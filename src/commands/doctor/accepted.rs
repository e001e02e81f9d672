//! Findings that are known and accepted: a file of them, each with its reason and, mostly, an end.

use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

use crate::args;
use crate::conninfo::refuse_endless;
use crate::error::Failure;
use crate::model::filter::Name;
use crate::render::Warning;

/// A finding that is accepted.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    /// The rule.
    pub(super) rule: String,
    /// The role, application, database or prepared transaction that it is accepted of; none for whatever the rule finds.
    pub(super) name: Option<Name>,
    /// Why.
    pub(super) reason: String,
    /// The last day on which it is, `2027-01-31`; none for always.
    pub(super) until: Option<String>,
}

/// The file: `[[accepted]]` with `rule`, `reason` and, if need be, `name` and `until`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    accepted: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: String,
    name: Option<String>,
    reason: String,
    until: Option<String>,
}

/// Reads the file. `tells_names_apart` says whether what a rule finds can be accepted by name.
///
/// # Errors
/// When it cannot be read, or says something else.
pub(super) fn read(
    path: &Path,
    rules: &[&str],
    tells_names_apart: fn(&str) -> bool,
) -> Result<Vec<Accepted>, Failure> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("{}: {why}", path.display())).hinted(
            "it has [[accepted]] entries with rule, reason, and perhaps name and until = \"2027-01-31\"",
        )
    };
    refuse_endless(path).map_err(|error| wrong(&error))?;
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let file: File = toml::from_str(&text).map_err(|error| wrong(&error.message()))?;
    let entries = file.accepted.into_iter().map(|entry| {
        let Entry { rule, name, reason, until } = entry;
        if !rules.contains(&rule.as_str()) {
            let meant = crate::model::nearest::nearest(&rule, rules.iter().copied());
            let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            return Err(wrong(&format!("there is no rule \"{rule}\"{meant}")));
        }
        if name.is_some() && !tells_names_apart(&rule) {
            return Err(wrong(&format!("{rule} judges all together: accept it without a name")));
        }
        if reason.trim().is_empty() {
            return Err(wrong(&format!("the entry about {rule} has no reason")));
        }
        if let Some(day) = until.as_deref().filter(|day| !is_day(day)) {
            return Err(wrong(&format!("\"{day}\" is not a day like 2027-01-31")));
        }
        let name = name.map(|name| args::name_term(&name)).transpose().map_err(|error| wrong(&error))?;
        Ok(Accepted { rule, name: name.map(|term| term.value), reason, until })
    });
    entries.collect()
}

/// Whether it is a day as it is compared.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits =
        |part: &str, length: usize| part.len() == length && part.chars().all(|digit| digit.is_ascii_digit());
    matches!(parts.as_slice(), [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2)
        && ("01"..="12").contains(month) && ("01"..="31").contains(day))
}

/// Those that hold today (UTC), and a word on those that do not any more.
pub(super) fn today(accepted: &[Accepted]) -> (Vec<&Accepted>, Vec<Warning>) {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let today = now.get(..10).unwrap_or_default();
    let ended = |accepted: &&Accepted| accepted.until.as_deref().is_some_and(|until| until < today);
    let (over, holding): (Vec<&Accepted>, Vec<&Accepted>) = accepted.iter().partition(ended);
    let warnings = over.into_iter().map(|accepted| Warning {
        code: "acceptance_ended",
        message: format!(
            "what was accepted of {} is not any more since {}: {}",
            accepted.rule,
            accepted.until.as_deref().unwrap_or_default(),
            accepted.reason
        ),
        hint: None,
    });
    (holding, warnings.collect())
}
