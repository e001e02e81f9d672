//! What a rule is called, and what it found.

use crate::commands::doctor::accepted::Accepted;
use crate::model::practice::{Finding, Grade};
use crate::model::suggestion::{Lead, Suggestion};

/// A rule's name, and the practice that it is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    name: &'static str,
    title: &'static str,
}

impl Rule {
    pub(super) const fn new(name: &'static str, title: &'static str) -> Self {
        Self { name, title }
    }

    pub(super) fn pass(self, evidence: impl Into<String>) -> Found {
        self.without_advice(Grade::Pass, evidence.into())
    }

    /// It cannot be judged; the evidence says why.
    pub(super) fn unknown(self, reason: impl Into<String>) -> Found {
        self.without_advice(Grade::Unknown, reason.into())
    }

    fn without_advice(self, status: Grade, evidence: String) -> Found {
        let Self { name, title } = self;
        Found { rule: name, status, title, evidence, advice: None, next: None, at_pooler: false }
    }

    /// Something is found, with what to do about it.
    pub(super) fn found(
        self,
        status: Grade,
        evidence: String,
        advice: &str,
        next: impl Into<Suggestion>,
    ) -> Found {
        let (advice, next) = (Some(advice.to_owned()), Some(next.into()));
        Found { advice, next, ..self.without_advice(status, evidence) }
    }
}

/// What one rule found, its next step not yet led to a server.
#[derive(Debug)]
pub(in crate::commands::doctor) struct Found {
    pub(super) rule: &'static str,
    pub(in crate::commands::doctor) status: Grade,
    pub(super) title: &'static str,
    pub(super) evidence: String,
    pub(super) advice: Option<String>,
    pub(super) next: Option<Suggestion>,
    /// Whether the next step is about the pooler.
    at_pooler: bool,
}

impl Found {
    /// What is printed of it: its next command has the flags that lead to the server, or to the pooler.
    pub(in crate::commands::doctor) fn with_next_command(self, server: &Lead, pooler: &Lead) -> Finding {
        let Self { rule, status, title, evidence, advice, next, at_pooler } = self;
        let next_command = next.map(|next| next.shown(if at_pooler { pooler } else { server }));
        Finding { rule, status, title, evidence, advice, next_command }
    }

    /// It is known, and accepted.
    pub(super) fn accepted(self, accepted: &Accepted) -> Self {
        let until = accepted.until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
        let advice = Some(format!("accepted{until}: {}", accepted.reason));
        Self { status: Grade::Accepted, advice, next: None, ..self }
    }

    /// Marks its next step as one about the pooler.
    pub(super) fn at_pooler(self) -> Self {
        Self { at_pooler: true, ..self }
    }
}
