//! Rows of sessions, as `ls` and `long` show them.

use serde::Serialize;

use crate::model::pooler_client::Client;
use crate::model::server::place;
use crate::model::session::{Listed, Session};
use crate::render::table::{Align, Block, LEAST, Mark, Table};
use crate::render::{Head, Report, text, tsv};

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
}

impl Sessions {
    /// What was listed under the name of a command, `scope` ending the line that counts it.
    pub(super) fn new(kind: &'static str, scope: &str, listed: Listed) -> Self {
        let Listed { sessions, matched, .. } = listed;
        let shown = sessions.iter().filter(|session| !session.undecidable).count();
        let all = text::count(matched, "session");
        let counted = if i64::try_from(shown) == Ok(matched) { all } else { format!("{shown} of {all}") };
        Self { kind, summary: format!("{counted}{scope}"), matched, sessions }
    }
}

impl Report for Sessions {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn lists(&self) -> &'static [&'static str] {
        &["sessions"]
    }

    fn blocks(&self, _: &Head) -> Vec<Block> {
        let mut table = Table::new(&[
            ("PID", Align::Right),
            ("DATABASE", Align::Left),
            ("ROLE", Align::Left),
            ("APPLICATION", Align::Left),
            ("CLIENT", Align::Left),
            ("STATE", Align::Left),
            ("FOR", Align::Age),
            ("XACT", Align::Age),
            ("WAIT", Align::Left),
            ("QUERY", Align::Left),
        ])
        .sparing(&["CLIENT", "ROLE", "WAIT"]);
        // Who the pooler's client is was asked for.
        if self.sessions.iter().any(|session| session.pooler_client.is_some()) {
            table = table.sparing(&["ROLE", "WAIT", "DATABASE", "QUERY"]).keeping(&["CLIENT"], LEAST);
        }
        for session in &self.sessions {
            table.push(mark(session), row(session));
        }
        let mut blocks = Vec::new();
        if !table.is_empty() {
            blocks.push(Block::Table(table));
        }
        blocks.push(Block::marked(Mark::Dim, &self.summary));
        blocks
    }

    fn tsv(&self) -> tsv::Rows {
        let mut rows = tsv::Rows::new(&[
            "pid",
            "session_id",
            "backend_start",
            "backend_type",
            "database",
            "role",
            "application_name",
            "client",
            "client_port",
            "state",
            "wait_event_type",
            "wait_event",
            "xact_start",
            "query_start",
            "state_change",
            "session_seconds",
            "xact_seconds",
            "query_seconds",
            "state_seconds",
            "parallel_workers",
            "hidden",
            "undecidable",
            "can_signal",
            "pooler_client_addr",
            "pooler_client_port",
            "pooler_client_application_name",
            "query_id",
            "query_truncated",
            "query",
        ]);
        for session in &self.sessions {
            let behind = session.pooler_client.as_ref();
            rows.push([
                session.pid.into(),
                session.session_id.as_ref().into(),
                session.backend_start.as_ref().into(),
                session.backend_type.as_ref().into(),
                session.database.as_ref().into(),
                session.role.as_ref().into(),
                (&session.application_name).into(),
                session.client.as_ref().into(),
                session.client_port.into(),
                session.state.as_ref().into(),
                session.wait_event_type.as_ref().into(),
                session.wait_event.as_ref().into(),
                session.xact_start.as_ref().into(),
                session.query_start.as_ref().into(),
                session.state_change.as_ref().into(),
                session.session_seconds.into(),
                session.xact_seconds.into(),
                session.query_seconds.into(),
                session.state_seconds.into(),
                session.parallel_workers.into(),
                session.hidden.into(),
                session.undecidable.into(),
                session.can_signal.into(),
                behind.and_then(|client| client.addr.as_ref()).into(),
                behind.and_then(|client| client.port).into(),
                behind.and_then(|client| client.application_name.as_ref()).into(),
                session.query_id.as_ref().into(),
                session.query_truncated.into(),
                session.query.as_ref().into(),
            ]);
        }
        rows
    }
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
        _ if session.wait_event_type.as_deref() == Some("Lock") => Mark::Bad,
        _ => Mark::Plain,
    }
}

fn row(session: &Session) -> [String; 10] {
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    let state = match (&session.state, &session.backend_type) {
        (Some(state), _) => state.clone(),
        (None, _) if session.hidden => "(hidden)".into(),
        (None, kind) => known(kind),
    };
    // What a client waits for is only news when it is not the client itself.
    let wait = match (session.wait_event_type.as_deref(), &session.wait_event) {
        (Some("Client" | "Activity"), _) | (_, None) => String::new(),
        (Some(kind), Some(event)) => format!("{kind}:{event}"),
        (None, Some(event)) => event.clone(),
    };
    let workers = match session.parallel_workers {
        0 => String::new(),
        workers => format!("[+{}] ", text::count(workers, "worker")),
    };
    let (application, client) = match &session.pooler_client {
        None => (session.application_name.clone(), known(&session.client)),
        Some(client) => {
            (client.application_name.clone().unwrap_or_default(), format!("{} (pooled)", origin(client)))
        }
    };
    let cut = if session.query_truncated { "…" } else { "" };
    let query = session.query.as_ref().map(|query| format!("{workers}{query}{cut}")).unwrap_or_default();
    [
        session.pid.to_string(),
        known(&session.database),
        known(&session.role),
        application,
        client,
        state,
        session.state_seconds.map(text::duration).unwrap_or_default(),
        session.xact_seconds.map(text::duration).unwrap_or_default(),
        wait,
        query,
    ]
}
