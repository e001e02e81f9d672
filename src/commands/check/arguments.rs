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
    } else if let Some(near) = args::nearest(text, names()) {
        format!("did you mean {near}?")
    } else {
        format!("the rules are {}", names().collect::<Vec<_>>().join(", "))
    };
    Err(format!("there is no rule \"{text}\"\n  tip: {tip}\n"))
}

/// Reads `RULE=RANGE`.
pub(super) fn threshold(text: &str) -> Result<Threshold, String> {
    let (name, range) = text.split_once('=').ok_or("write RULE=RANGE, like connections=80%")?;
    let rule = rule(name).map_err(|reason| reason.replace("\n  tip: ", "; ").trim_end().to_owned())?;
    let range = range::parse(range, rule.scale(), args::duration)?;
    Ok(Threshold { rule, range })
}

/// Other plugins' `-c 90`.
pub(super) fn no_short_threshold(_: &str) -> Result<String, String> {
    Err(THRESHOLDS.into())
}
