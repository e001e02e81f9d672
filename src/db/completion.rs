//! The question that completes a command line.

use super::connection::Db;
use super::error::Error;
use super::questions;
use crate::model::completion::{LiveKind, LiveValue};

impl Db {
    /// The names and pids that a command line can be completed with, the busiest and the oldest first.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn completions(&self) -> Result<Vec<LiveValue>, Error> {
        let answers = self.look(&[questions::Completions.sql()]).await?;
        let mut values = Vec::new();
        for row in answers.into_iter().flatten() {
            let kind = match row.word("kind")?.as_deref() {
                Some("database") => LiveKind::Database,
                Some("role") => LiveKind::Role,
                Some("application") => LiveKind::Application,
                Some("client") => LiveKind::Client,
                _ => LiveKind::Session,
            };
            let note = match row.number::<i64>("sessions")? {
                Some(1) => "1 session".to_owned(),
                Some(sessions) => format!("{sessions} sessions"),
                None => row.text("note")?.unwrap_or_default(),
            };
            let (busy, hidden) = (row.claim("busy")?, row.claim("hidden")?);
            let value = row.text("value")?.unwrap_or_default();
            values.push(LiveValue { kind, value, note, busy, hidden });
        }
        Ok(values)
    }
}
