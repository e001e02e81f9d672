//! A written file, and the pieces of its text that targets have in common.

use crate::poolconf::PoolConfig;

/// One written file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Its usual name.
    pub(crate) name: &'static str,
    /// What is in it.
    pub(crate) text: String,
}

/// A target that is one file.
pub(super) fn one(name: &'static str, text: String) -> Vec<File> {
    vec![File { name, text }]
}

/// The imports and the helpers of a target: the plain imports and nothing, or the two pieces of a template, which a line of
/// `===` divides. A template's imports take the place of the plain ones.
pub(super) fn with_helpers<'a>(
    settings: &PoolConfig,
    plain: &'a str,
    template: &'a str,
) -> (&'a str, &'a str) {
    let pieces = if settings.helpers { template.split_once("===\n") } else { None };
    pieces.unwrap_or((plain, ""))
}

/// `line` with a line break when there is a `value`, nothing otherwise.
pub(super) fn optional<T>(value: Option<T>, line: impl FnOnce(T) -> String) -> String {
    value.map_or_else(String::new, |value| line(value) + "\n")
}

/// The lines when the condition holds, nothing otherwise.
pub(super) fn when(condition: bool, lines: &str) -> String {
    if condition { format!("{lines}\n") } else { String::new() }
}

/// A name as a YAML string: in quotes where it would be read as something else.
pub(super) fn yaml_string(name: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !WORDS.contains(&name.to_ascii_lowercase().as_str());
    if plain { name.to_owned() } else { format!("\"{name}\"") }
}
