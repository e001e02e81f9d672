//! The answer who waits for whom, read row by row as it comes in: the texts of a hundred statements can be too much to be held.

use std::collections::HashSet;

use super::error::Error;
use super::rows::{Answers, Row, Rows};
use super::server_context::server_context_of;
use super::session::Entitlement;
use super::text_store::TextStore;
use crate::model::blocking::{Blocked, Waits};
use crate::model::server::ServerContext;

/// The answers to `server_context.sql` and, after it, `waits.sql`.
pub(super) struct ReadWaits {
    entitlement: Entitlement,
    version_num: i32,
    answer: usize,
    server_context: Rows,
    waits: Waits,
    /// By pid, those of which nobody was asked for whom they wait.
    unasked: HashSet<i32>,
    texts: TextStore,
    failed: Option<Error>,
}

impl Answers for ReadWaits {
    fn entitlement(&self) -> Entitlement {
        self.entitlement
    }

    fn anew(&mut self) {
        *self = Self::new(self.entitlement, self.version_num);
    }

    fn next(&mut self) {
        self.answer += 1;
    }

    fn row(&mut self, row: Row) {
        if self.answer == 1 {
            // It has one row.
            if self.server_context.is_empty() {
                self.server_context.push(row);
            }
        } else if self.failed.is_none() {
            self.failed = self.read(&row).err();
        }
    }
}

impl ReadWaits {
    /// Nothing yet of a server of this version.
    pub(super) fn new(entitlement: Entitlement, version_num: i32) -> Self {
        Self {
            entitlement,
            version_num,
            answer: 0,
            server_context: Vec::new(),
            waits: Waits::default(),
            unasked: HashSet::new(),
            texts: TextStore::default(),
            failed: None,
        }
    }

    /// What was read, with the pids of those of which nobody was asked for whom they wait.
    ///
    /// # Errors
    /// When something could not be read.
    pub(super) fn seen(self) -> Result<(ServerContext, Waits, HashSet<i32>), Error> {
        let server_context = server_context_of(&self.server_context)?;
        self.failed.map_or(Ok((server_context, self.waits, self.unasked)), Err)
    }

    fn read(&mut self, row: &Row) -> Result<(), Error> {
        self.waits.waiting = row.number("n")?.unwrap_or(0).max(self.waits.waiting);
        self.waits.unseen = row.required("unseen")?;
        let session = blocked_of(row, self.version_num, &mut self.texts)?;
        // The row of all prepared transactions together; each has its own among the prepared.
        if session.pid != 0 {
            self.unasked.extend((row.word("asked")?.as_deref() == Some("f")).then_some(session.pid));
            self.waits.sessions.push(session);
        }
        Ok(())
    }
}

/// A row of `waits.sql`.
fn blocked_of(row: &Row, version_num: i32, texts: &mut TextStore) -> Result<Blocked, Error> {
    let hidden = row.claim("hidden")?;
    let wait_seconds = row.age("seconds")?;
    let waits_for = row.word("waits_for")?;
    let (wait_event_type, wait_event) = waited_event(row, waits_for.as_deref(), hidden)?;
    Ok(Blocked {
        pid: row.required("pid")?,
        backend_type: row.word("backend_type")?,
        session_id: row.word("session_id")?,
        backend_start: row.word("backend_start")?,
        blocked_by: row.pids("blocked_by")?,
        blocks_total: 0,
        database: row.text("database")?,
        role: row.text("role")?,
        application_name: row.text("application_name")?.unwrap_or_default(),
        client: row.word("client")?,
        state: row.word("state")?,
        wait_at_most: wait_seconds.is_some()
            && (version_num < 140_000 || waits_for.as_deref() != Some("Lock")),
        wait_event: wait_event.filter(|_| wait_seconds.is_some()),
        wait_event_type: wait_event_type.filter(|_| wait_seconds.is_some()),
        wait_seconds,
        xact_seconds: row.age("xact_seconds")?,
        lock: None,
        others_may_follow: false,
        waits_next: Vec::new(),
        holds: Vec::new(),
        query: row.text("query")?.filter(|text| !hidden && !text.is_empty()).map(|text| texts.keep(text)),
        hidden,
        vanished: row.claim("vanished")?,
        pooler_client: None,
        waits: waits_for.is_some(),
        held_by: Vec::new(),
        matches: row.word("matches")?.map(|claim| claim == "t"),
    })
}

/// The kind of event that a session waits for, and the event: of a leader whose worker waits, the worker's, of which a lock's name is
/// left out here.
fn waited_event(
    row: &Row,
    waits_for: Option<&str>,
    hidden: bool,
) -> Result<(Option<String>, Option<String>), Error> {
    let own = (row.word("wait_event_type")?, row.word("wait_event")?);
    let is_own = match waits_for {
        None => true,
        Some(kind @ ("Lock" | "BufferPin")) => own.0.as_deref() == Some(kind),
        Some(event) => own.1.as_deref() == Some(event),
    };
    Ok(match waits_for {
        _ if is_own || hidden => own,
        Some("Lock") => (Some("Lock".into()), None),
        Some("BufferPin") => (Some("BufferPin".into()), Some("BufferPin".into())),
        waits_for => (Some("IPC".into()), waits_for.map(str::to_owned)),
    })
}
