//! What became of what was to be opened by `--restore`.

use serde::Serialize;

use crate::render::table::{Block, Mark};

/// What became of one database or role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum ReopenResult {
    /// It was opened.
    Opened,
    /// It is open already.
    Open,
    /// It is no more.
    Gone,
    /// It is what an interrupted DROP DATABASE leaves, and only DROP DATABASE can remove it.
    Invalid,
    /// It could not be opened.
    Failed,
    /// It would be opened, without --dry-run.
    WouldOpen,
}

/// One database or role that was to be opened.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Reopened {
    /// The database; null for a role.
    pub(super) database: Option<String>,
    /// The role; null for a database.
    pub(super) role: Option<String>,
    /// Where it was written down what was before; null where that is not known.
    pub(super) state_file: Option<String>,
    /// The statements that open it; null where there is nothing to open.
    pub(super) restore_sql: Option<String>,
    /// What became of it.
    pub(super) result: ReopenResult,
    /// Why it could not be opened.
    pub(super) error: Option<String>,
    /// What to do about that.
    #[serde(skip)]
    pub(super) hint: Option<String>,
}

impl Reopened {
    /// Whether it is still closed.
    pub(super) const fn is_failure(&self) -> bool {
        matches!(self.result, ReopenResult::Failed | ReopenResult::Invalid)
    }

    /// `database shop`.
    pub(super) fn subject(&self) -> String {
        let role = self.role.as_ref().map(|role| format!("role {role}"));
        role.unwrap_or_else(|| format!("database {}", self.database.as_deref().unwrap_or_default()))
    }
}

/// What is said of each.
pub(super) fn blocks(reopened: &[Reopened]) -> Vec<Block<'_>> {
    if reopened.is_empty() {
        return vec![Block::line(
            "no drain that was killed has left anything closed here, as far as is written down",
        )];
    }
    let block = |one: &Reopened| {
        let how =
            if one.state_file.is_some() { "open as before" } else { "open; what it was before is not known" };
        let (mark, said) = match one.result {
            ReopenResult::Opened => (Mark::Good, how.to_owned()),
            ReopenResult::Open => (Mark::Plain, "is open, nothing was done".into()),
            ReopenResult::Gone => (Mark::Plain, "is no more, nothing was done".into()),
            ReopenResult::Invalid => (Mark::Bad, "is invalid, a DROP DATABASE of it was interrupted".into()),
            ReopenResult::WouldOpen => (Mark::Plain, "would be opened".into()),
            ReopenResult::Failed => {
                (Mark::Bad, format!("was not opened: {}", one.error.as_deref().unwrap_or_default()))
            }
        };
        Block::marked(mark, format!("{}: {said}", one.subject()))
    };
    reopened.iter().map(block).collect()
}
