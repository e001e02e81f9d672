//! The report of `drain`.

use serde::Serialize;

use super::arguments::Args;
use super::in_the_way::{self, InTheWay};
use super::occupants::Seen;
use super::reopen::Restored;
use super::reopened::{self, Reopened};
use crate::act::{Ended, HoldOutcome, run_held};
use crate::analyze::fence::Fence;
use crate::model::closable::Closable;
use crate::model::database::{Obstacle, Occupant};
use crate::model::suggestion::Lead;
use crate::render::columns::Column;
use crate::render::json::List;
use crate::render::table::{Block, Mark};
use crate::render::{self, Head, text, tsv};

/// The answer of `drain`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct DrainReport {
    /// The database whose sessions are ended; null for those of a role everywhere.
    database: Option<String>,
    /// The role that is kept out, of every database; null when it is the database that is closed.
    role: Option<String>,
    /// How it was closed; null with --restore.
    fence: Option<Fence>,
    /// The statements that open it again; null with --restore.
    restore_sql: Option<String>,
    /// What stands in the way of DROP, RENAME and use as a template, as it was last seen; null where no database was closed.
    in_the_way: Option<Vec<InTheWay>>,
    /// With --restore: what was opened, and what could not be; null without it.
    reopened: Option<Vec<Reopened>>,
    /// Sessions that were ended; none when nothing was done.
    ended: Option<i64>,
    /// True when nobody but the command was inside at any look while it was held, false when somebody was, null when that is not
    /// known or nothing was held.
    empty_throughout: Option<bool>,
    /// Who was seen inside while it was held, the command's own sessions left out; null when nothing was held.
    inside: Option<Vec<Occupant>>,
    /// How long it was held closed.
    held_seconds: Option<f64>,
    /// The command's exit code, 128 and the number of the signal that ended it; none without a command.
    command_status: Option<i32>,
    /// True when all that was taken away is back; none when nothing was done, or when the command dropped the database.
    restored: Option<bool>,
    /// How the database is now.
    #[serde(skip)]
    now: &'static str,
    /// What was seen while it was held, in words.
    #[serde(skip)]
    seen: String,
    /// Who was inside, one by one.
    #[serde(skip)]
    named: Vec<String>,
    /// What stands in the way, one by one.
    #[serde(skip)]
    obstacles: Vec<String>,
}

impl DrainReport {
    /// Nothing done yet.
    pub(super) fn new(args: &Args, fence: Fence, restore_sql: String) -> Self {
        Self { fence: Some(fence), restore_sql: Some(restore_sql), ..Self::empty(args) }
    }

    /// What a run with --restore has opened.
    pub(super) fn reopened(args: &Args, reopened: Vec<Reopened>) -> Self {
        Self { reopened: Some(reopened), ..Self::empty(args) }
    }

    fn empty(args: &Args) -> Self {
        Self {
            database: args.db.clone(),
            role: args.role.clone(),
            fence: None,
            restore_sql: None,
            in_the_way: None,
            reopened: None,
            ended: None,
            empty_throughout: None,
            inside: None,
            held_seconds: None,
            command_status: None,
            restored: None,
            now: "",
            seen: String::new(),
            named: Vec::new(),
            obstacles: Vec::new(),
        }
    }

    /// Notes what stood in the way at the last look.
    pub(super) fn set_in_the_way(&mut self, closable: &Closable, obstacles: &[Obstacle], lead: &Lead) {
        if let Closable::Database(database) = closable {
            let of = |obstacle| InTheWay::of(obstacle, &database.name, lead);
            self.in_the_way = Some(obstacles.iter().map(of).collect());
            self.obstacles = in_the_way::lines(obstacles, &database.name, lead);
        }
    }

    /// What it is about: `database shop`.
    fn subject(&self) -> String {
        match (&self.role, &self.database) {
            (Some(role), Some(database)) => format!("role {role} in database {database}"),
            (Some(role), None) => format!("role {role}"),
            (None, database) => format!("database {}", database.as_deref().unwrap_or_default()),
        }
    }

    /// The statements that open it again.
    pub(super) fn restore_sql(&self) -> &str {
        self.restore_sql.as_deref().unwrap_or_default()
    }

    /// Notes what was done.
    pub(super) fn set(&mut self, ended: i64, outcome: &HoldOutcome<Restored>, seen: &Seen) {
        self.ended = Some(ended);
        (self.restored, self.now) = match &outcome.reopened {
            Some(Restored::Done) => (Some(true), "open as before"),
            None => (Some(false), "closed"),
            Some(Restored::Changed) => (Some(true), "open again"),
            Some(Restored::Gone) => (None, "gone"),
            Some(Restored::Invalid) => (Some(false), "invalid"),
            Some(Restored::Failed { .. }) => (Some(false), "closed"),
        };
        if let Ok(Ended { held, status, .. }) = &outcome.ended {
            let seconds = held.as_secs_f64();
            self.held_seconds = Some(seconds);
            self.empty_throughout = seen.empty_throughout();
            self.inside = Some(seen.occupants.clone());
            self.named = seen.named();
            let time = text::duration(seconds);
            let looks = text::count(i64::from(seen.looks), "look");
            self.seen = match self.empty_throughout {
                Some(true) => format!("seen empty at {looks} in {time}"),
                Some(false) => format!("held closed for {time} with {} inside", seen.count()),
                None => format!("held closed for {time}, and who was inside is not known"),
            };
            self.command_status = status.map(run_held::code);
        }
    }
}

impl render::Report for DrainReport {
    fn kind(&self) -> &'static str {
        "drain"
    }

    fn lists(&self) -> Vec<List<'_>> {
        Vec::new()
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        if let Some(reopened) = &self.reopened {
            return reopened::blocks(reopened);
        }
        let Some(ended) = self.ended else {
            return vec![Block::line(format!(
                "nothing was done; it would be opened again with: {}",
                self.restore_sql()
            ))];
        };
        let ended = text::count(ended, "session");
        let mark = if self.empty_throughout == Some(true) { Mark::Good } else { Mark::Warn };
        let line = format!("{}: {ended} ended, {}, {}", self.subject(), self.seen, self.now);
        let named = self.named.iter().map(|who| Block::line(format!("inside: {who}")));
        let obstacles = self.obstacles.iter().map(Block::line);
        std::iter::once(Block::marked(mark, line)).chain(named).chain(obstacles).collect()
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(COLUMNS, [self])
    }
}

/// What is told of a drain.
const COLUMNS: &[Column<DrainReport>] = &[
    Column::script("database", |report| report.database.as_ref().into()),
    Column::script("restore_sql", |report| report.restore_sql.as_ref().into()),
    Column::script("ended", |report| report.ended.into()),
    Column::script("held_seconds", |report| report.held_seconds.into()),
    Column::script("command_status", |report| report.command_status.into()),
    Column::script("restored", |report| report.restored.into()),
    Column::script("empty_throughout", |report| report.empty_throughout.into()),
    Column::script("inside", |report| {
        report.inside.as_ref().and_then(|inside| i64::try_from(inside.len()).ok()).into()
    }),
    Column::script("role", |report| report.role.as_ref().into()),
    Column::script("in_the_way", |report| {
        report.in_the_way.as_ref().and_then(|found| i64::try_from(found.len()).ok()).into()
    }),
    Column::script("reopened", |report| {
        report.reopened.as_ref().and_then(|found| i64::try_from(found.len()).ok()).into()
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(COLUMNS), [""; 0]);
    }
}
