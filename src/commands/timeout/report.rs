//! The answer of `timeout`, `timeout set` and `timeout reset`.

use serde::Serialize;

use crate::analyze::timeouts::SettingChange;
use crate::model::settings::{Effective, Level, SessionGroup, Setting};
use crate::render::columns::{Column, Value};
use crate::render::json::List;
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
    pub(super) changes: Option<Vec<SettingChange>>,
    /// The SQL that does it; empty when everything already was as wished.
    pub(super) statements: Option<Vec<String>>,
    /// The SQL that takes it back.
    pub(super) undo: Option<Vec<String>>,
    /// Sessions that logged in before the change and keep their value until they reconnect.
    pub(super) sessions_still_on_old_value: Option<i64>,
    /// Sessions that keep their old value, by database, role and application.
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

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("settings", &self.settings)]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        match self.part {
            Part::Overview => self.overview(),
            Part::NewSessions => vec![Block::Table(Table::of(NEW_SESSIONS, &self.settings, mark))],
            Part::Planned | Part::Done => self.change(),
            Part::Statement => self.statement(),
        }
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        let value = |list| move |value| Row { list, value: Some(value), sql: None };
        let settings = self.settings.iter().map(value("settings"));
        let roles = self.login_roles.iter().flatten().map(value("login_roles_without_statement_timeout"));
        let sql = |list| move |sql| Row { list, value: None, sql: Some(sql) };
        let statements = self.statements.iter().flatten().map(sql("statements"));
        let undo = self.undo.iter().flatten().map(sql("undo"));
        tsv::Rows::of(Row::COLUMNS, settings.chain(roles).chain(statements).chain(undo))
    }
}

/// What scripts get: values and statements in one list.
struct Row<'a> {
    list: &'static str,
    value: Option<&'a Effective>,
    sql: Option<&'a String>,
}

impl<'a> Row<'a> {
    const COLUMNS: &'a [Column<Self>] = &[
        Column::script("list", |row| row.list.into()),
        Column::script("name", |row| row.of(|value| Some(value.name))),
        Column::script("role", |row| row.of(|value| value.role.as_ref())),
        Column::script("database", |row| row.of(|value| value.database.as_ref())),
        Column::script("value_seconds", |row| row.of(|value| value.value_seconds)),
        Column::script("value", |row| row.of(|value| value.value.as_ref())),
        Column::script("set_by", |row| row.of(|value| value.set_by.map(Level::word))),
        Column::script("server_value_known", |row| row.of(|value| Some(value.server_value_known))),
        Column::script("sql", |row| row.sql.into()),
    ];

    fn of<T: Into<Value<'a>>>(&self, part: fn(&'a Effective) -> Option<T>) -> Value<'a> {
        self.value.and_then(part).into()
    }
}

const SETTING: Column<Effective> = Column::table("SETTING", Align::Left, |row| row.name.into());
const ROLE: Column<Effective> = Column::table("ROLE", Align::Left, |row| any(row.role.as_ref()));
const DATABASE: Column<Effective> = Column::table("DATABASE", Align::Left, |row| any(row.database.as_ref()));
const VALUE: Column<Effective> =
    Column::table("VALUE", Align::Right, |row| shown(row.name, row.value.as_ref()));
const SET_BY: Column<Effective> = Column::table("SET BY", Align::Left, |row| source(row.set_by));

/// What people read of the server's values, of stored ones, of what new sessions get, and of roles without a limit.
const SERVER: &[Column<Effective>] = &[SETTING, VALUE, SET_BY];
const STORED: &[Column<Effective>] = &[SETTING, ROLE, DATABASE, VALUE];
const NEW_SESSIONS: &[Column<Effective>] = &[ROLE, DATABASE, SETTING, VALUE, SET_BY];
const UNLIMITED: &[Column<Effective>] = &[ROLE, DATABASE, VALUE.titled("STATEMENT_TIMEOUT")];

/// What people read of a change.
const CHANGES: &[Column<SettingChange>] = &[
    Column::table("SETTING", Align::Left, |change| change.name.into()),
    Column::table("ROLE", Align::Left, |change| any(change.role.as_ref())),
    Column::table("DATABASE", Align::Left, |change| any(change.database.as_ref())),
    Column::table("OLD", Align::Right, |change| shown(change.name, change.old_value.as_ref())),
    Column::table("FROM", Align::Left, |change| source(change.old_set_by)),
    Column::table("NEW", Align::Right, |change| shown(change.name, change.new_value.as_ref())),
    Column::table("FROM", Align::Left, |change| source(change.new_set_by)),
];

/// What people read of sessions that keep their value.
const GROUPS: &[Column<SessionGroup>] = &[
    Column::table("DATABASE", Align::Left, |group| group.database.as_ref().into()),
    Column::table("ROLE", Align::Left, |group| group.role.as_ref().into()),
    Column::table("APPLICATION", Align::Left, |group| (&group.application_name).into()),
    Column::table("SESSIONS", Align::Right, |group| group.count.into()),
];

/// What people read of a driver's spelling.
const FORMS: &[Column<Form>] = &[
    Column::table("FOR", Align::Left, |form| form.target.into()),
    Column::table("WRITE", Align::Left, |form| (&form.text).into()),
];

const fn plain<R>(_: &R) -> Mark {
    Mark::Plain
}

impl Timeouts {
    fn overview(&self) -> Vec<Block<'_>> {
        let of_server = |row: &&Effective| matches!(row.set_by, Some(Level::Server | Level::Default) | None);
        let (server, stored): (Vec<_>, Vec<_>) = self.settings.iter().partition(of_server);
        let server = Table::of(SERVER, server, plain);
        let stored = Table::of(STORED, stored, plain);
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

    fn change(&self) -> Vec<Block<'_>> {
        let table = Table::of(CHANGES, self.changes.iter().flatten(), plain);
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
            let groups = self.old_value_sessions.iter().flatten();
            blocks.push(Block::Table(Table::of(GROUPS, groups, plain)));
        }
        blocks
    }

    fn statement(&self) -> Vec<Block<'_>> {
        let sql = self.statements.iter().flatten();
        let mut blocks: Vec<Block<'_>> = sql.map(|sql| Block::line(format!("{sql};"))).collect();
        if let Some(forms) = self.forms.as_ref().filter(|forms| !forms.is_empty()) {
            blocks.extend([Block::Gap, Block::Table(Table::of(FORMS, forms, plain))]);
        }
        blocks
    }
}

fn unlimited(roles: &[Effective]) -> Vec<Block<'_>> {
    if roles.is_empty() {
        return vec![Block::marked(Mark::Good, "every role that can log in has a statement_timeout")];
    }
    let table = Table::of(UNLIMITED, roles, |_| Mark::Warn);
    vec![Block::line("roles that can log in without a statement_timeout"), Block::Table(table)]
}

const fn mark(row: &Effective) -> Mark {
    if row.value.is_none() { Mark::Warn } else { Mark::Plain }
}

/// A name, or the word for all that are not named.
fn any(name: Option<&String>) -> Value<'_> {
    name.map_or("(any)", String::as_str).into()
}

/// A value for people: `off` says more than 0, and 0 is not always off.
fn shown<'a>(name: &str, value: Option<&'a String>) -> Value<'a> {
    match value.map(String::as_str) {
        None => "unknown".into(),
        Some("0") if Setting::named(name).is_some_and(Setting::zero_is_off) => "off".into(),
        Some("0") => "system's".into(),
        Some(value) => value.into(),
    }
}

fn source(level: Option<Level>) -> Value<'static> {
    level.map_or_else(|| "unknown".into(), |level| level.word().replace('_', " ").into())
}
