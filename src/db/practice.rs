//! The questions of an audit: who is connected from where, again and again.

use std::time::Duration;

use super::connection::Db;
use super::error::Error;
use super::look::Selection;
use super::questions;
use super::rows::exactly;
use crate::model::practice::{Origin, SampledSession, SessionLocks, SessionSource};

impl Db {
    /// Whether the server counts a session only at its first statement, and lets half a second pass until that can be read, as
    /// PostgreSQL 14 does (`pgstat_report_stat`).
    pub(crate) fn counts_sessions_late(&self) -> bool {
        (140_000..150_000).contains(&self.version_num)
    }

    /// The client sessions there are; with `within` only those that are no older, and those whose age is hidden.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn sample_sessions(
        &self,
        within: Option<Duration>,
    ) -> Result<Vec<SampledSession>, Error> {
        let seconds = within.map_or_else(|| "null".to_owned(), |age| format!("{:.3}", age.as_secs_f64()));
        // One that is still being logged in has no name yet: it is met at a later look. Where the server does not count those
        // that came and went, every one that is met counts.
        let settled = match self.version_num {
            140_000.. => "(s.hidden or s.state is not null and s.state <> 'starting')",
            _ => "true",
        };
        let question = questions::SessionSample {
            activity: &self.activity(),
            scope: Selection::default().scope(),
            settled,
            seconds: &seconds,
        };
        let [rows] = exactly(self.look(&[question.sql()]).await?)?;
        rows.iter()
            .map(|row| {
                Ok(SampledSession {
                    identity: (row.required("pid")?, row.number("started")?),
                    source: SessionSource {
                        application_name: row.text("application_name")?.unwrap_or_default(),
                        role: row.text("role")?,
                    },
                    database: row.text("database")?,
                    client: row.word("client")?,
                    busy: row.word("busy")?.map(|word| word == "t"),
                    xact_seconds: row.age("xact_seconds")?,
                    idle_seconds: row.age("idle_seconds")?,
                })
            })
            .collect()
    }

    /// The idle sessions that hold advisory locks.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn session_locks(&self) -> Result<Vec<SessionLocks>, Error> {
        let question = questions::SessionLocks { activity: &self.activity() }.sql();
        let [rows] = exactly(self.look(&[question]).await?)?;
        rows.iter()
            .map(|row| {
                Ok(SessionLocks {
                    pid: row.required("pid")?,
                    database: row.text("database")?,
                    role: row.text("role")?,
                    client: row.word("client")?,
                    client_port: row.number("client_port")?,
                    held: row.required("held")?,
                })
            })
            .collect()
    }

    /// Client sessions by where they come from, most sessions first.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn origins(&self) -> Result<Vec<Origin>, Error> {
        let [rows] = exactly(self.look(&[questions::Origins { activity: &self.activity() }.sql()]).await?)?;
        rows.iter()
            .map(|row| {
                Ok(Origin {
                    application_name: row.text("application_name")?.unwrap_or_default(),
                    role: row.text("role")?,
                    superuser: row.claim("superuser")?,
                    role_limited: row.claim("role_limited")?,
                    database: row.text("database")?,
                    database_limited: row.claim("database_limited")?,
                    plaintext: row.word("plaintext")?.map(|word| word == "t"),
                    sessions: row.required("n")?,
                })
            })
            .collect()
    }
}
