//! Why no plan is made of a request, or no file written from a plan.

/// A request that makes no sense, or that a pool library cannot be told, with what would do: a usage error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// One line, lower case, no full stop.
    pub(crate) message: String,
    /// What to do instead.
    pub(crate) hint: Option<String>,
}

impl Refused {
    pub(super) fn plain(message: String) -> Self {
        Self { message, hint: None }
    }

    /// Both in one line.
    pub(super) fn in_one_line(&self) -> String {
        let hint = self.hint.iter().map(|hint| format!("; {hint}"));
        std::iter::once(self.message.clone()).chain(hint).collect()
    }

    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}
