//! Rows of sessions, as `ls` and `long` show them.

#[cfg(test)]
mod golden;

use serde::Serialize;

use super::blockers::words::Words;
use super::screen_room::Part;
use crate::model::filter::Filter;
use crate::model::pooler_client::Client;
use crate::model::server::place;
use crate::model::session::{Listed, Session};
use crate::model::short_words;
use crate::render::columns::{Column, Value};
use crate::render::json::List;
use crate::render::table::{Align, Block, LEAST, Mark, Table};
use crate::render::{Head, Headline, Report, text, tsv};

/// A list of sessions under the name of the command that made it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Sessions {
    #[serde(skip)]
    kind: &'static str,
    /// The line under the table, for people.
    #[serde(skip)]
    summary: String,
    /// Sessions that match, listed or cut off by --limit.
    matched: i64,
    /// One per session, in the order asked for.
    sessions: Vec<Session>,
    /// How much of them a screen shows.
    #[serde(skip)]
    part: Part,
    /// The column by which they are ordered, where people would not see it otherwise.
    #[serde(skip)]
    ordered_by: Option<Column<Session>>,
    /// How many there are to show.
    #[serde(skip)]
    total: usize,
    /// The columns in which all of them have the same, those that were not fetched, too.
    #[serde(skip)]
    alike: Vec<&'static str>,
}

impl Sessions {
    /// What was listed under the name of a command, `scope` ending the line that counts it.
    pub(super) fn new(kind: &'static str, scope: &str, listed: Listed) -> Self {
        let Listed { sessions, matched, .. } = listed;
        let shown = sessions.iter().filter(|session| !session.undecidable).count();
        let all = text::count(matched, "session");
        let counted = if i64::try_from(shown) == Ok(matched) { all } else { format!("{shown} of {all}") };
        let (part, total) = (Part::default(), sessions.len());
        let summary = format!("{counted}{scope}");
        Self { kind, summary, matched, sessions, part, ordered_by: None, total, alike: Vec::new() }
    }

    /// The list, in which the age of sessions is shown: they are ordered by it.
    pub(super) fn by_age(mut self) -> Self {
        self.ordered_by = Some(AGE);
        self
    }

    /// The list of those that `filter` selects; whose applications are those of a pooler's clients where `is_pooled`.
    pub(super) fn selected_by(mut self, filter: &Filter, is_pooled: bool) -> Self {
        let [database, role, application] = filter.has_one_name_of_each();
        let of =
            [("DATABASE", database), ("ROLE", role), ("APPLICATION", application && !is_pooled)].into_iter();
        self.alike = of.filter(|(_, is_one)| *is_one).map(|(title, _)| title).collect();
        self
    }

    /// What was listed of `total` sessions as far as a screen shows it, which is all that was asked for.
    pub(super) fn on_screen(
        kind: &'static str,
        scope: &str,
        listed: Listed,
        total: usize,
        part: Part,
    ) -> Self {
        let Listed { matched, undecidable, .. } = listed;
        let fetched = listed.sessions.len();
        let report = Self { part, total, ..Self::new(kind, scope, listed) };
        if fetched >= total {
            return report;
        }
        let all = text::count(matched, "session");
        // What --limit leaves out is not to be shown; which of those that are not fetched match is not known where some are
        // hidden.
        let counted = match i64::try_from(total) {
            Ok(total) if total < matched + undecidable => match undecidable {
                0 => format!("{total} of {all}"),
                hidden => format!("{total} of {all} and {hidden} that may match"),
            },
            _ => all,
        };
        Self { summary: format!("{counted}{scope}"), ..report }
    }
}

impl Report for Sessions {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("sessions", &self.sessions)]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        let mut columns = COLUMNS.to_vec();
        if let Some(column) = self.ordered_by {
            let place = columns.iter().position(|column| column.is_titled("FOR")).unwrap_or(columns.len());
            columns.insert(place, column);
        }
        // Who the pooler's client is was asked for.
        let is_pooled = self.sessions.iter().any(|session| session.pooler_client.is_some());
        let (table, rest) = self.part.beside([self.summary.as_str()]).table(self.total, "session", |rows| {
            let table = Table::of(&columns, self.sessions.iter().take(rows), mark)
                .only_in_full(IN_FULL)
                .alike(&self.alike);
            if is_pooled {
                table.sparing(&["ROLE", "DATABASE", "STATE", "WAIT", "QUERY"]).keeping(&["CLIENT"], LEAST)
            } else {
                table.sparing(&["CLIENT", "ROLE", "WAIT", "DATABASE", "APPLICATION", "STATE", "WAIT"])
            }
        });
        let mut blocks = Vec::new();
        if !table.is_empty() {
            blocks.push(Block::Table(table));
        }
        blocks.extend(rest);
        blocks.push(Block::marked(Mark::Dim, &self.summary));
        blocks
    }

    fn headline(&self) -> Headline {
        let longest = self.sessions.iter().filter(|session| !session.undecidable).max_by(|left, right| {
            let age = |session: &Session| session.xact_seconds.unwrap_or_default();
            age(left).total_cmp(&age(right))
        });
        let aged = longest.and_then(|session| {
            let age = text::duration(session.xact_seconds?);
            Some(format!("; oldest transaction {age} (pid {}, {})", session.pid, session.application_name))
        });
        let mark = longest.map_or(Mark::Plain, mark);
        Headline { mark, text: format!("{}{}", self.summary, aged.unwrap_or_default()) }
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(COLUMNS, &self.sessions)
    }
}

/// What is shown only where everything is wanted.
const IN_FULL: &[&str] = &["SESSION-ID", "XMIN-AGE"];
/// The longest state in few words: half of it may be another one.
pub(super) const STATE_LEAST: usize = 17;
/// What is left of a name.
pub(super) const NAME_LEAST: usize = 11;
/// What is left of what is waited for.
const WAIT_LEAST: usize = 8;

/// How old each is.
const AGE: Column<Session> =
    Column::table("AGE", Align::Age, |session| Value::seconds(session.session_seconds));

/// What is told of each session.
const COLUMNS: &[Column<Session>] = &[
    Column::new("PID", Align::Right, "pid", |session| session.pid.into()),
    Column::new("SESSION-ID", Align::Left, "session_id", |session| session.session_id.as_ref().into()),
    Column::script("backend_start", |session| session.backend_start.as_ref().into()),
    Column::script("backend_type", |session| session.backend_type.as_ref().into()),
    Column::new("DATABASE", Align::Left, "database", |session: &Session| session.database.as_ref().into())
        .folding(),
    Column::new("ROLE", Align::Left, "role", |session: &Session| session.role.as_ref().into()).folding(),
    Column::worded("APPLICATION", Align::Left, application, "application_name", |session| {
        (&session.application_name).into()
    })
    .folding()
    .short_title("APP")
    .least(NAME_LEAST),
    Column::worded("CLIENT", Align::Left, client, "client", |session| session.client.as_ref().into())
        .folding(),
    Column::script("client_port", |session| session.client_port.into()),
    Column::worded("STATE", Align::Left, state, "state", |session| session.state.as_ref().into())
        .short(short_state)
        .folding()
        .distinct(STATE_LEAST),
    Column::script("wait_event_type", |session| session.wait_event_type.as_ref().into()),
    Column::script("wait_event", |session| session.wait_event.as_ref().into()),
    Column::script("lock_type", |session| session.lock.as_ref().map(|lock| &lock.kind).into()),
    Column::script("lock_mode", |session| session.lock.as_ref().map(|lock| &lock.mode).into()),
    Column::script("lock_relation", |session| {
        session.lock.as_ref().and_then(|lock| lock.relation.as_ref()).into()
    }),
    Column::script("lock_key", |session| session.lock.as_ref().and_then(|lock| lock.key.as_ref()).into()),
    Column::script("xact_start", |session| session.xact_start.as_ref().into()),
    Column::script("query_start", |session| session.query_start.as_ref().into()),
    Column::script("state_change", |session| session.state_change.as_ref().into()),
    Column::script("session_seconds", |session| Value::seconds(session.session_seconds)),
    Column::table("FOR", Align::Age, |session| Value::seconds(session.state_seconds)),
    Column::new("XACT", Align::Age, "xact_seconds", |session| Value::seconds(session.xact_seconds)),
    Column::script("backend_xid", |session| session.backend_xid.map(i64::from).into()),
    Column::script("backend_xmin", |session| session.backend_xmin.map(i64::from).into()),
    Column::new("XMIN-AGE", Align::Right, "xmin_age", |session| session.xmin_age.into()),
    Column::script("query_seconds", |session| Value::seconds(session.query_seconds)),
    Column::script("state_seconds", |session| Value::seconds(session.state_seconds)),
    Column::table("WAIT", Align::Left, |session: &Session| wait(session, Words::All).into())
        .short(|session| wait(session, Words::Few).into())
        .terse(|session| wait(session, Words::Fewest).into())
        .folding()
        .terse_first(WAIT_LEAST),
    Column::script("parallel_workers", |session| session.parallel_workers.into()),
    Column::script("hidden", |session| session.hidden.into()),
    Column::script("undecidable", |session| session.undecidable.into()),
    Column::script("can_signal", |session| session.can_signal.into()),
    Column::script("pooler_client_addr", |session| {
        pooler_client(session).and_then(|client| client.addr.as_ref()).into()
    }),
    Column::script("pooler_client_port", |session| {
        pooler_client(session).and_then(|client| client.port).into()
    }),
    Column::script("pooler_client_application_name", |session| {
        pooler_client(session).and_then(|client| client.application_name.as_ref()).into()
    }),
    Column::script("query_id", |session| session.query_id.as_ref().into()),
    Column::script("query_truncated", |session| session.query_truncated.into()),
    Column::worded("QUERY", Align::Left, query, "query", |session| session.query.as_ref().into()).wide(),
];

const fn pooler_client(session: &Session) -> Option<&Client> {
    session.pooler_client.as_ref()
}

/// `10.0.0.7:51514`, or `local`.
pub(super) fn origin(client: &Client) -> String {
    match (&client.addr, client.port) {
        (Some(addr), Some(port)) => place(addr, port),
        (addr, _) => addr.clone().unwrap_or_default(),
    }
}

fn mark(session: &Session) -> Mark {
    match session.state.as_deref() {
        Some("idle") => Mark::Dim,
        Some("idle in transaction" | "idle in transaction (aborted)") => Mark::Warn,
        _ if session.waits_for_lock() => Mark::Bad,
        _ => Mark::Plain,
    }
}

/// The application; behind a pooler it is the client's.
fn application(session: &Session) -> Value<'_> {
    match &session.pooler_client {
        None => (&session.application_name).into(),
        Some(client) => client.application_name.as_ref().into(),
    }
}

fn client(session: &Session) -> Value<'_> {
    match &session.pooler_client {
        None => session.client.as_ref().into(),
        Some(client) => format!("{} (pooled)", origin(client)).into(),
    }
}

fn state(session: &Session) -> Value<'_> {
    state_as(session, |state| state)
}

fn short_state(session: &Session) -> Value<'_> {
    state_as(session, short_words::state)
}

fn state_as(session: &Session, told: fn(&str) -> &str) -> Value<'_> {
    match (&session.state, &session.backend_type) {
        (Some(state), Some(kind)) if kind != "client backend" => format!("{} ({kind})", told(state)).into(),
        (Some(state), _) => told(state).into(),
        (None, _) if session.hidden => "(hidden)".into(),
        (None, kind) => kind.as_ref().into(),
    }
}

/// What a session waits for, which is only news when it is not its client.
pub(super) fn wait(session: &Session, words: Words) -> Option<String> {
    match (session.wait_event_type.as_deref(), session.wait_event.as_deref()?) {
        (Some("Client" | "Activity"), _) => None,
        (None, event) => Some(event.to_owned()),
        (Some(kind), event) => {
            let lock = session.lock.as_ref().and_then(|lock| words.waited(lock));
            Some(lock.unwrap_or_else(|| match words {
                Words::All => format!("{kind}:{event}"),
                Words::Few | Words::Fewest => short_words::wait(kind, event),
            }))
        }
    }
}

fn query(session: &Session) -> Value<'_> {
    let Some(query) = &session.query else { return Value::None };
    let workers = match session.parallel_workers {
        0 if !session.query_truncated => return query.into(),
        0 => String::new(),
        workers => format!("[+{}] ", text::count(workers, "worker")),
    };
    let cut = if session.query_truncated { "…" } else { "" };
    match Value::from(query) {
        Value::Text(query) => format!("{workers}{query}{cut}").into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(COLUMNS), [""; 0]);
    }
}
