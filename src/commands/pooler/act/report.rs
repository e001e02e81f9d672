//! What an order to the pooler did, or would do.

use serde::Serialize;

use super::paused::Resumed;
use crate::act::{HoldOutcome, run_held};
use crate::db::console::ConsoleOrder;
use crate::model::pooler::{Database, Link, Pool, PoolerFacts};
use crate::render::columns::Column;
use crate::render::table::{Block, Mark};
use crate::render::{text, tsv};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Deed"))]
#[serde(rename_all = "snake_case")]
pub(in crate::commands::pooler) enum PoolerAction {
    /// Clients are kept waiting, and connections to the server closed.
    Pause,
    /// Clients go on.
    Resume,
    /// Connections to the server are replaced.
    Reconnect,
    /// It is waited until replaced connections are closed.
    WaitClose,
    /// New clients are refused.
    Disable,
    /// New clients are let in again.
    Enable,
    /// Clients are disconnected, and those that come kept waiting.
    Kill,
}

impl PoolerAction {
    const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Reconnect => "reconnect",
            Self::WaitClose => "wait_close",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Kill => "kill",
        }
    }
}

/// An order and what came of it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Act"))]
pub(in crate::commands::pooler) struct PoolerAct {
    /// What was done, or would be.
    pub(super) action: PoolerAction,
    /// The pooler's name of the database; null for all of them.
    pub(super) database: Option<String>,
    /// True when nothing was done on purpose.
    pub(super) dry_run: bool,
    /// Whether the pooler was changed; false too when it already was as it should be.
    pub(super) changed: bool,
    /// Clients of the database beforehand.
    clients: i64,
    /// Of them those that waited for a connection to the server.
    clients_waiting: i64,
    /// Connections to the server beforehand that served a client.
    pub(super) servers_busy: i64,
    /// The others.
    servers_idle: i64,
    /// Whether the database is paused now; null when the pooler does not tell, as of a pause of all.
    pub(super) paused: Option<bool>,
    /// Whether it is disabled now; null when the pooler does not tell.
    pub(super) disabled: Option<bool>,
    /// How long it took until the connections were closed; null when that was not waited for.
    pub(super) waited_seconds: Option<f64>,
    /// How long it was held paused: for the command, and until it was resumed.
    held_seconds: Option<f64>,
    /// The command's exit code, 128 and the number of the signal that ended it; null without a command.
    command_status: Option<i32>,
    /// Whether it was resumed, or enabled again, in the end; null when it was not to be.
    resumed: Option<bool>,
    /// What takes it back on the console; null when nothing does.
    undo: Option<String>,
}

impl PoolerAct {
    /// Nothing done yet; `links` are the database's own.
    pub(super) fn new(
        action: PoolerAction,
        name: Option<&str>,
        database: Option<&Database>,
        links: &[Link],
    ) -> Self {
        let count = |condition: fn(&Link) -> bool| {
            i64::try_from(links.iter().filter(|link| condition(link)).count()).unwrap_or(i64::MAX)
        };
        let waits = |link: &Link| link.client.as_ref().is_some_and(|client| client.wait_seconds.is_some());
        let undo = match action {
            PoolerAction::Pause | PoolerAction::Kill => Some(ConsoleOrder::Resume),
            PoolerAction::Resume => Some(ConsoleOrder::Pause),
            PoolerAction::Disable => Some(ConsoleOrder::Enable),
            PoolerAction::Enable => Some(ConsoleOrder::Disable),
            PoolerAction::Reconnect | PoolerAction::WaitClose => None,
        };
        Self {
            action,
            database: name.map(str::to_owned),
            dry_run: false,
            changed: false,
            clients: count(|link| link.client.is_some()),
            clients_waiting: count(waits),
            servers_busy: count(|link| link.client.is_some() && link.server.is_some()),
            servers_idle: count(|link| link.client.is_none() && link.server.is_some()),
            paused: database.and_then(|database| database.paused),
            disabled: database.and_then(|database| database.disabled),
            waited_seconds: None,
            held_seconds: None,
            command_status: None,
            resumed: None,
            undo: undo.map(|order| order.words(name)),
        }
    }

    /// Whom it is about, in words.
    pub(super) fn whom(&self) -> String {
        self.database.as_ref().map_or_else(|| "all databases".to_owned(), |name| format!("database {name}"))
    }

    /// Notes what came of a pause, or of disabling.
    pub(super) fn set(&mut self, outcome: &HoldOutcome<Resumed>) {
        self.changed = true;
        self.resumed = outcome.reopened.as_ref().map(|resumed| matches!(resumed, Resumed::Done));
        let is_held = Some(self.resumed != Some(true));
        match self.action {
            PoolerAction::Disable => self.disabled = is_held,
            _ => self.paused = is_held.filter(|_| self.database.is_some()),
        }
        if let Ok(ended) = &outcome.ended {
            self.waited_seconds = Some(ended.settled.as_secs_f64());
            self.held_seconds = ended.status.map(|_| (ended.held + outcome.reopening).as_secs_f64());
            self.command_status = ended.status.map(run_held::code);
        }
    }

    /// What it would do, for whom.
    pub(super) fn plan(&self, facts: &PoolerFacts) -> String {
        let clients = match self.clients_waiting {
            0 => text::count(self.clients, "client"),
            waiting => format!("{}, {waiting} waiting", text::count(self.clients, "client")),
        };
        let busy = text::count(self.servers_busy, "connection");
        let is_its = |pool: &&Pool| self.database.as_ref().is_none_or(|name| *name == pool.database);
        let modes = facts.pools.iter().filter(is_its);
        let session = modes.filter_map(|pool| pool.pool_mode.as_deref()).any(|mode| mode == "session");
        let until = if session { "until its client disconnects" } else { "until its transaction ends" };
        let what = match self.action {
            PoolerAction::Pause => {
                let timeout = facts.settings.query_wait_timeout.map(text::duration);
                let end = timeout.map(|time| format!(", and are ended after {time} (query_wait_timeout)"));
                let end = end.unwrap_or_default();
                format!("{busy} at work, each {until}; then clients wait{end}")
            }
            PoolerAction::Resume => "they go on".into(),
            PoolerAction::Reconnect => {
                let idle = self.servers_idle;
                format!("{busy} at work closed when free, {idle} others at once; clients notice nothing")
            }
            PoolerAction::WaitClose => "waits until connections that are to be closed are closed".into(),
            PoolerAction::Disable => "they stay; new clients are refused".into(),
            PoolerAction::Enable => "new clients are let in".into(),
            PoolerAction::Kill => {
                let idle = self.servers_idle;
                format!(
                    "all of them are disconnected, with {busy} at work and {idle} others; who comes then waits until it is resumed"
                )
            }
        };
        format!("{}: {clients}; {what}", self.whom())
    }

    /// The human form: one line.
    pub(in crate::commands::pooler) fn blocks(&self) -> Vec<Block<'_>> {
        let time = |seconds: Option<f64>| seconds.map(text::duration).unwrap_or_default();
        let name = self.whom();
        if self.dry_run {
            return vec![Block::marked(Mark::Dim, format!("{name}: nothing was done"))];
        }
        let line = match (self.action, self.changed) {
            (PoolerAction::Pause, false) => "was paused already".to_owned(),
            (PoolerAction::Pause, true) if self.resumed == Some(true) => {
                format!("paused for {} after {}, resumed", time(self.held_seconds), time(self.waited_seconds))
            }
            (PoolerAction::Pause, true) => format!("paused after {}", time(self.waited_seconds)),
            (PoolerAction::Resume, false) => "was not paused".to_owned(),
            (PoolerAction::Resume, true) => "resumed".to_owned(),
            (PoolerAction::Reconnect, _) => {
                let all = self.servers_busy + self.servers_idle;
                let all = text::count(all, "connection");
                format!("{all} to be replaced as soon as they are free")
            }
            (PoolerAction::WaitClose, _) => {
                format!("no connection is left to be closed, after {}", time(self.waited_seconds))
            }
            (PoolerAction::Disable, false) => "was disabled already".to_owned(),
            (PoolerAction::Disable, true) if self.resumed == Some(true) => {
                format!("disabled for {}, enabled again", time(self.held_seconds))
            }
            (PoolerAction::Disable, true) => "disabled: new clients are refused".to_owned(),
            (PoolerAction::Enable, false) => "was not disabled".to_owned(),
            (PoolerAction::Enable, true) => "enabled".to_owned(),
            (PoolerAction::Kill, _) => {
                format!("{} disconnected, paused", text::count(self.clients, "client"))
            }
        };
        vec![Block::marked(Mark::Good, format!("{name}: {line}"))]
    }

    /// One row.
    pub(in crate::commands::pooler) fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(COLUMNS, [self])
    }
}

/// What is told of an order.
const COLUMNS: &[Column<PoolerAct>] = &[
    Column::script("action", |act| act.action.word().into()),
    Column::script("database", |act| act.database.as_ref().into()),
    Column::script("dry_run", |act| act.dry_run.into()),
    Column::script("changed", |act| act.changed.into()),
    Column::script("paused", |act| act.paused.into()),
    Column::script("disabled", |act| act.disabled.into()),
    Column::script("waited_seconds", |act| act.waited_seconds.into()),
    Column::script("held_seconds", |act| act.held_seconds.into()),
    Column::script("command_status", |act| act.command_status.into()),
    Column::script("resumed", |act| act.resumed.into()),
    Column::script("undo", |act| act.undo.as_ref().into()),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(COLUMNS), [""; 0]);
    }
}
