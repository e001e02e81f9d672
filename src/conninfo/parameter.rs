//! A value of the connection settings, and where it came from.

use std::fmt;

use super::keyword::MASK;
use super::redact::secrets;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ValueSource {
    /// A flag of the command line, by its long name.
    Argument(&'static str),
    /// The URI given with `-d`.
    Uri,
    /// The connection string given with `-d`.
    ConnectionString,
    /// A section of a service file.
    Service {
        /// The file's path.
        file: String,
        /// The section, which is the service's name.
        section: String,
    },
    /// An environment variable.
    Variable(&'static str),
    /// A line of the password file.
    PasswordFile {
        /// The file's path.
        file: String,
        /// Its line, from 1.
        line: usize,
    },
    /// What was typed when it was asked for.
    Prompt,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(flag) => write!(f, "argument --{flag}"),
            Self::Uri => f.write_str("URI"),
            Self::ConnectionString => f.write_str("connection string"),
            Self::Service { file, section } => write!(f, "service file {file} section [{section}]"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::PasswordFile { file, line } => write!(f, "password file {file} line {line}"),
            Self::Prompt => f.write_str("the prompt"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One resolved parameter. `Debug` never shows a secret's value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// libpq's keyword.
    pub(crate) keyword: &'static str,
    /// The value as given, a secret's too; [`bytes_of`](super::bytes_of) it is what libpq takes.
    pub(crate) value: String,
    /// Where the value came from.
    pub(crate) source: ValueSource,
    /// Whether the value must never be shown.
    pub(crate) secret: bool,
}

impl Parameter {
    /// The value as it may be shown: secrets are masked.
    pub(crate) fn shown(&self) -> String {
        if self.secret { MASK.to_owned() } else { secrets(&self.value) }
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?} ({})", self.keyword, self.shown(), self.source)
    }
}

/// A password and where it came from. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password {
    /// The password's bytes, as typed or as in the file.
    pub(crate) bytes: Vec<u8>,
    /// Where it came from.
    pub(crate) source: ValueSource,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MASK} ({})", self.source)
    }
}
