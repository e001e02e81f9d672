//! What is wrong with connection settings.

use std::fmt;

/// Settings that are wrong, missing, or that pgconn cannot honour. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    /// One line, in libpq's words where libpq has them.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// The keyword whose value is wrong.
    pub(super) keyword: Option<&'static str>,
}

impl Error {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, keyword: None }
    }

    /// About the value of this keyword.
    pub(super) fn about(self, keyword: &'static str) -> Self {
        Self { keyword: Some(keyword), ..self }
    }

    /// With one more thing to do about it.
    pub(super) fn also(self, more: impl Into<String>) -> Self {
        let more = more.into();
        let hint = self.hint.map_or_else(|| more.clone(), |hint| format!("{hint}; {more}"));
        Self { hint: Some(hint), ..self }
    }

    pub(super) fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
