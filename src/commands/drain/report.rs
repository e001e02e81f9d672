//! The report of `drain`.

use std::time::Duration;

use serde::Serialize;

use super::door::Restored;
use super::hold::Held;
use crate::analyze::fence::Fence;
use crate::commands::act::meanwhile;
use crate::error::Failure;
use crate::model::database::Database;
use crate::render::table::{Block, Mark};
use crate::render::{self, Head, text, tsv};

/// The answer of `drain`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct Report {
    /// The database.
    database: String,
    /// How it was closed.
    fence: Fence,
    /// The statements that open it again.
    restore_sql: String,
    /// Sessions that were ended; none when nothing was done.
    ended: Option<i64>,
    /// How long it was held closed and empty.
    held_seconds: Option<f64>,
    /// The command's exit code, 128 and the number of the signal that ended it; none without a command.
    command_status: Option<i32>,
    /// True when all that was taken away is back; none when nothing was done, or when the command dropped the database.
    restored: Option<bool>,
    /// How the database is now.
    #[serde(skip)]
    now: &'static str,
}

impl Report {
    /// Nothing done yet.
    pub(super) fn new(database: &Database, fence: Fence, restore_sql: String) -> Self {
        Self {
            database: database.name.clone(),
            fence,
            restore_sql,
            ended: None,
            held_seconds: None,
            command_status: None,
            restored: None,
            now: "",
        }
    }

    /// The statements that open it again.
    pub(super) fn restore_sql(&self) -> &str {
        &self.restore_sql
    }

    /// Notes what was done.
    pub(super) fn set(&mut self, ended: i64, done: &Result<(Held, Duration), Failure>, restored: &Restored) {
        self.ended = Some(ended);
        (self.restored, self.now) = match restored {
            Restored::Done => (Some(true), "open as before"),
            Restored::Changed => (Some(true), "open again"),
            Restored::Gone => (None, "gone"),
            Restored::Failed { .. } => (Some(false), "closed"),
        };
        if let Ok((held, time)) = done {
            self.held_seconds = Some(time.as_secs_f64());
            self.command_status = match held {
                Held::Command(status) => Some(meanwhile::code(*status)),
                Held::Time => None,
            };
        }
    }
}

impl render::Report for Report {
    fn kind(&self) -> &'static str {
        "drain"
    }

    fn lists(&self) -> &'static [&'static str] {
        &[]
    }

    fn blocks(&self, _: &Head) -> Vec<Block> {
        let Some(ended) = self.ended else {
            return vec![Block::line(format!(
                "nothing was done; it would be opened again with: {}",
                self.restore_sql
            ))];
        };
        let held = self.held_seconds.map(text::duration).unwrap_or_default();
        let ended = text::count(ended, "session");
        vec![Block::marked(
            Mark::Good,
            format!("database {}: {ended} ended, held empty for {held}, {}", self.database, self.now),
        )]
    }

    fn tsv(&self) -> tsv::Rows {
        let mut rows = tsv::Rows::new(&[
            "database",
            "restore_sql",
            "ended",
            "held_seconds",
            "command_status",
            "restored",
        ]);
        rows.push([
            (&self.database).into(),
            (&self.restore_sql).into(),
            self.ended.into(),
            self.held_seconds.into(),
            self.command_status.into(),
            self.restored.into(),
        ]);
        rows
    }
}
