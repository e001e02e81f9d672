//! The answer of `timeout`, `timeout set` and `timeout reset`.

use serde::Serialize;

use crate::analyze::timeouts::Change;
use crate::model::settings::{Effective, Level, SessionGroup, Setting};
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Report, text, tsv};

/// Which answer it is; for people they look different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What is stored, and what the server has.
    Overview,
    /// What new sessions get.
    NewSessions,
    /// What a change would do.
    Planned,
    /// What a change did.
    Done,
    /// How to do it for one session or transaction.
    Statement,
}

/// How one driver or pool library spells it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Form {
    /// The library, or `connection string` and the like.
    pub(super) target: &'static str,
    /// What to write.
    pub(super) text: String,
}

/// What is set where, and what a change did.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Timeouts {
    #[serde(skip)]
    part: Part,
    /// Without `--role`, `--db` and `--every-role`: the server's values, then what is stored. With them, and after a
    /// change: what new sessions get.
    settings: Vec<Effective>,
    /// Where roles that can log in have no statement_timeout (0), or it is unknown whether they have one (null).
    #[serde(rename = "login_roles_without_statement_timeout")]
    pub(super) login_roles: Option<Vec<Effective>>,
    /// True when nothing was done.
    pub(super) dry_run: Option<bool>,
    /// What changes for new sessions.
    pub(super) changes: Option<Vec<Change>>,
    /// The SQL that does it; empty when everything already was as wished.
    pub(super) statements: Option<Vec<String>>,
    /// The SQL that takes it back.
    pub(super) undo: Option<Vec<String>>,
    /// Sessions that logged in before the change and keep their value until they reconnect.
    pub(super) sessions_still_on_old_value: Option<i64>,
    /// The same by database, role and application.
    pub(super) old_value_sessions: Option<Vec<SessionGroup>>,
    /// How drivers and pool libraries spell it, for their sessions.
    pub(super) forms: Option<Vec<Form>>,
}

impl Timeouts {
    /// Rows, and nothing else yet.
    pub(super) const fn of(part: Part, settings: Vec<Effective>) -> Self {
        Self {
            part,
            settings,
            login_roles: None,
            dry_run: None,
            changes: None,
            statements: None,
            undo: None,
            sessions_still_on_old_value: None,
            old_value_sessions: None,
            forms: None,
        }
    }
}

impl Report for Timeouts {
    fn kind(&self) -> &'static str {
        "timeout"
    }

    fn lists(&self) -> &'static [&'static str] {
        &["settings"]
    }

    fn blocks(&self, _: &Head) -> Vec<Block> {
        match self.part {
            Part::Overview => self.overview(),
            Part::NewSessions => vec![Block::Table(sessions_table(&self.settings))],
            Part::Planned | Part::Done => self.change(),
            Part::Statement => self.statement(),
        }
    }

    fn tsv(&self) -> tsv::Rows {
        let mut rows = tsv::Rows::new(&[
            "list",
            "name",
            "role",
            "database",
            "value_seconds",
            "value",
            "set_by",
            "server_value_known",
            "sql",
        ]);
        let mut values = |list: &str, effective: &[Effective]| {
            for row in effective {
                rows.push([
                    list.into(),
                    row.name.into(),
                    row.role.as_ref().into(),
                    row.database.as_ref().into(),
                    row.value_seconds.into(),
                    row.value.as_ref().into(),
                    row.set_by.map(Level::word).into(),
                    row.server_value_known.into(),
                    None::<&str>.into(),
                ]);
            }
        };
        values("settings", &self.settings);
        values("login_roles_without_statement_timeout", self.login_roles.as_deref().unwrap_or_default());
        for (list, statements) in [("statements", &self.statements), ("undo", &self.undo)] {
            for sql in statements.iter().flatten() {
                let none = || None::<&str>.into();
                rows.push([list.into(), none(), none(), none(), none(), none(), none(), none(), sql.into()]);
            }
        }
        rows
    }
}

impl Timeouts {
    fn overview(&self) -> Vec<Block> {
        let mut server =
            Table::new(&[("SETTING", Align::Left), ("VALUE", Align::Right), ("SET BY", Align::Left)]);
        let mut stored = Table::new(&[
            ("SETTING", Align::Left),
            ("ROLE", Align::Left),
            ("DATABASE", Align::Left),
            ("VALUE", Align::Right),
        ]);
        for row in &self.settings {
            match row.set_by {
                Some(Level::Server | Level::Default) | None => {
                    server.push(Mark::Plain, [row.name.into(), value(row), source(row.set_by)]);
                }
                Some(_) => {
                    let names = [row.role.as_ref(), row.database.as_ref()].map(any);
                    let [role, database] = names;
                    stored.push(Mark::Plain, [row.name.into(), role, database, value(row)]);
                }
            }
        }
        let mut blocks = vec![Block::line("of the server"), Block::Table(server), Block::Gap];
        if stored.is_empty() {
            blocks.push(Block::line("nothing is stored for roles and databases"));
        } else {
            blocks.extend([Block::line("stored for roles and databases"), Block::Table(stored)]);
        }
        if let Some(roles) = &self.login_roles {
            blocks.push(Block::Gap);
            blocks.extend(unlimited(roles));
        }
        blocks
    }

    fn change(&self) -> Vec<Block> {
        let mut table = Table::new(&[
            ("SETTING", Align::Left),
            ("ROLE", Align::Left),
            ("DATABASE", Align::Left),
            ("OLD", Align::Right),
            ("FROM", Align::Left),
            ("NEW", Align::Right),
            ("FROM", Align::Left),
        ]);
        for change in self.changes.iter().flatten() {
            let [role, database] = [change.role.as_ref(), change.database.as_ref()].map(any);
            table.push(
                Mark::Plain,
                [
                    change.name.into(),
                    role,
                    database,
                    shown(change.name, change.old_value.as_ref()),
                    source(change.old_set_by),
                    shown(change.name, change.new_value.as_ref()),
                    source(change.new_set_by),
                ],
            );
        }
        let mut blocks = vec![Block::Table(table), Block::Gap];
        if self.statements.as_ref().is_none_or(Vec::is_empty) {
            blocks.push(Block::line("nothing to do: this is how it is stored already"));
            return blocks;
        }
        let planned = self.part == Part::Planned;
        blocks.push(Block::line(if planned { "to be executed" } else { "executed" }));
        blocks.extend(self.statements.iter().flatten().map(|sql| Block::line(format!("  {sql};"))));
        blocks.push(Block::line("undo"));
        blocks.extend(self.undo.iter().flatten().map(|sql| Block::line(format!("  {sql};"))));
        if let Some(old @ 1..) = self.sessions_still_on_old_value {
            let verb = match (planned, old) {
                (true, _) => "would keep the old value until reconnecting",
                (false, 1) => "keeps the old value until reconnecting",
                (false, _) => "keep the old value until reconnecting",
            };
            blocks.push(Block::Gap);
            blocks.push(Block::marked(Mark::Warn, format!("{} {verb}", text::count(old, "session"))));
            blocks.push(Block::Table(groups_table(self.old_value_sessions.iter().flatten())));
        }
        blocks
    }

    fn statement(&self) -> Vec<Block> {
        let sql = self.statements.iter().flatten();
        let mut blocks: Vec<Block> = sql.map(|sql| Block::line(format!("{sql};"))).collect();
        if let Some(forms) = self.forms.as_ref().filter(|forms| !forms.is_empty()) {
            let mut table = Table::new(&[("FOR", Align::Left), ("WRITE", Align::Left)]);
            for form in forms {
                table.push(Mark::Plain, [form.target.into(), form.text.clone()]);
            }
            blocks.extend([Block::Gap, Block::Table(table)]);
        }
        blocks
    }
}

fn unlimited(roles: &[Effective]) -> Vec<Block> {
    if roles.is_empty() {
        return vec![Block::marked(Mark::Good, "every role that can log in has a statement_timeout")];
    }
    let columns = [("ROLE", Align::Left), ("DATABASE", Align::Left), ("STATEMENT_TIMEOUT", Align::Right)];
    let mut table = Table::new(&columns);
    for row in roles {
        let [role, database] = [row.role.as_ref(), row.database.as_ref()].map(any);
        table.push(Mark::Warn, [role, database, value(row)]);
    }
    vec![Block::line("roles that can log in without a statement_timeout"), Block::Table(table)]
}

fn sessions_table(rows: &[Effective]) -> Table {
    let mut table = Table::new(&[
        ("ROLE", Align::Left),
        ("DATABASE", Align::Left),
        ("SETTING", Align::Left),
        ("VALUE", Align::Right),
        ("SET BY", Align::Left),
    ]);
    for row in rows {
        let mark = if row.value.is_none() { Mark::Warn } else { Mark::Plain };
        let [role, database] = [row.role.as_ref(), row.database.as_ref()].map(any);
        table.push(mark, [role, database, row.name.into(), value(row), source(row.set_by)]);
    }
    table
}

fn groups_table<'a>(groups: impl Iterator<Item = &'a SessionGroup>) -> Table {
    let mut table = Table::new(&[
        ("DATABASE", Align::Left),
        ("ROLE", Align::Left),
        ("APPLICATION", Align::Left),
        ("SESSIONS", Align::Right),
    ]);
    for group in groups {
        let [database, role] = [&group.database, &group.role].map(|name| name.clone().unwrap_or_default());
        table.push(Mark::Plain, [database, role, group.application_name.clone(), group.count.to_string()]);
    }
    table
}

/// A name, or the word for all that are not named.
fn any(name: Option<&String>) -> String {
    name.cloned().unwrap_or_else(|| "(any)".into())
}

fn value(row: &Effective) -> String {
    shown(row.name, row.value.as_ref())
}

/// A value for people: `off` says more than 0, and 0 is not always off.
fn shown(name: &str, value: Option<&String>) -> String {
    match value.map(String::as_str) {
        None => "unknown".into(),
        Some("0") if Setting::named(name).is_some_and(Setting::zero_is_off) => "off".into(),
        Some("0") => "system's".into(),
        Some(value) => value.into(),
    }
}

fn source(level: Option<Level>) -> String {
    level.map_or_else(|| "unknown".into(), |level| level.word().replace('_', " "))
}
