//! What the command line of `check` takes: rule names and thresholds.

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;

use crate::analyze::health::Rule;
use crate::analyze::health::range::{self, Range};
use crate::args;

/// What to write instead of the `-w` and `-c` of other plugins.
const THRESHOLDS: &str =
    "thresholds are --warning RULE=RANGE and --critical RULE=RANGE, like --warning connections=80%";

/// A range for a rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threshold {
    /// The rule.
    pub(super) rule: Rule,
    /// What of it, where that has thresholds of its own.
    pub(super) part: Option<&'static str>,
    /// Outside of it, it alerts.
    pub(super) range: Range,
}

/// Reads a rule's name.
#[derive(Clone, Copy, Debug)]
pub(super) struct RuleParser;

impl TypedValueParser for RuleParser {
    type Value = Rule;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Self::Value, clap::Error> {
        rule(&value.to_string_lossy())
            .map_err(|reason| clap::Error::raw(ErrorKind::ValueValidation, reason).with_cmd(command))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Rule::ALL.into_iter().map(|rule| PossibleValue::new(rule.name()))))
    }
}

fn rule(text: &str) -> Result<Rule, String> {
    if let Some(rule) = Rule::ALL.into_iter().find(|rule| rule.name() == text) {
        return Ok(rule);
    }
    let names = || Rule::ALL.into_iter().map(Rule::name);
    // `-w 80` is no password and the rule 80.
    let tip = if text.starts_with(|first: char| first.is_ascii_digit() || "@~-:".contains(first)) {
        THRESHOLDS.to_owned()
    } else if let Some(near) = crate::model::nearest::nearest(text, names()) {
        format!("did you mean {near}?")
    } else {
        format!("the rules are {}", names().collect::<Vec<_>>().join(", "))
    };
    Err(format!("there is no rule \"{text}\"\n  tip: {tip}\n"))
}

/// Reads `RULE=RANGE`, or `RULE:PART=RANGE`.
pub(super) fn threshold(text: &str) -> Result<Threshold, String> {
    let (name, range) = text.split_once('=').ok_or("write RULE=RANGE, like connections=80%")?;
    let (name, part) = name.split_once(':').map_or((name, None), |(name, part)| (name, Some(part)));
    let rule = rule(name).map_err(|reason| reason.replace("\n  tip: ", "; ").trim_end().to_owned())?;
    let part = part_of(rule, part)?;
    let range = range::parse(range, rule.scale(), args::duration)?;
    Ok(Threshold { rule, part, range })
}

/// The part of a rule that a threshold is for.
fn part_of(rule: Rule, part: Option<&str>) -> Result<Option<&'static str>, String> {
    let (name, parts) = (rule.name(), rule.parts());
    match part {
        None if parts.is_empty() => Ok(None),
        Some(part) if parts.is_empty() => {
            Err(format!("{name} has one threshold: write {name}=RANGE, without :{part}"))
        }
        Some(part) => match parts.iter().find(|known| **known == part) {
            Some(known) => Ok(Some(known)),
            None => {
                let near = crate::model::nearest::nearest(part, parts.iter().copied());
                let meant = near.map(|near| format!("; did you mean {name}:{near}?")).unwrap_or_default();
                Err(format!("there is no {name}:{part}{meant} (there are {})", parts.join(", ")))
            }
        },
        None => {
            let first = parts.first().copied().unwrap_or_default();
            Err(format!("say what of {name}, like {name}:{first}=50 (there are {})", parts.join(", ")))
        }
    }
}

/// Other plugins' `-c 90`.
pub(super) fn no_short_threshold(_: &str) -> Result<String, String> {
    Err(THRESHOLDS.into())
}
