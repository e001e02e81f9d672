//! The values of the settings while they are gathered, each with where it comes from.

use super::error::Error;
use super::keyword::{self, KEYWORDS, Keyword};
use super::parameter::{Parameter, ValueSource};

/// The values found so far. What is put first holds.
#[derive(Default)]
pub(super) struct Set(Vec<Parameter>);

impl Set {
    /// Puts a value, unless there is one.
    pub(super) fn put(&mut self, keyword: &'static Keyword, value: impl Into<String>, source: ValueSource) {
        if self.parameter(keyword.name).is_none() {
            let (keyword, secret, value) = (keyword.name, keyword.secret, value.into());
            self.0.push(Parameter { keyword, value, source, secret });
        }
    }

    /// Puts a value by its keyword's name, unless there is one.
    pub(super) fn put_named(&mut self, name: &str, value: impl Into<String>, source: ValueSource) {
        if let Some(keyword) = keyword::find(name) {
            self.put(keyword, value, source);
        }
    }

    /// The value of a keyword; an empty one counts as not given.
    pub(super) fn used(&self, name: &str) -> Option<&str> {
        self.parameter(name).map(|found| found.value.as_str()).filter(|value| !value.is_empty())
    }

    /// The value of a keyword, an empty one, too, with where it comes from.
    pub(super) fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|found| found.keyword == name)
    }

    /// The error with where the value comes from that is wrong.
    pub(super) fn located(&self, error: Error) -> Error {
        match error.keyword.and_then(|keyword| self.parameter(keyword)).map(|found| &found.source) {
            // What was typed, whoever typed it sees.
            None | Some(ValueSource::Default | ValueSource::Argument(_)) => error,
            Some(source) => error.also(format!("it comes from: {source}")),
        }
    }

    /// Takes a value away.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|found| found.keyword != name);
    }

    /// All of them in the table's order.
    pub(super) fn listed(mut self) -> Vec<Parameter> {
        let taken = |keyword: &Keyword| {
            let place = self.0.iter().position(|found| found.keyword == keyword.name)?;
            Some(self.0.swap_remove(place))
        };
        KEYWORDS.iter().filter_map(taken).collect()
    }
}
