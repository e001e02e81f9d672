//! The question who waits for whom.

use super::connection::Db;
use super::error::Error;
use super::rows::{Row, exactly};
use super::server_context::{server_context_of, server_context_question};
use super::text_store::TextStore;
use super::{filter, questions};
use crate::model::blocking::{Blocked, Lock, PreparedBlocker, Waits};
use crate::model::filter::Filter;
use crate::model::server::ServerContext;

/// Waits of a session `s` that pg_locks does not show: for writers that a deferrable reader has to let end, for a standby to confirm a
/// commit, for every backend to answer (DROP DATABASE), for who reads a page that VACUUM wants to itself, and of replay on a standby
/// for who may still read what it removes.
pub(super) const OTHER_WAITS: &str = "s.wait_event in ('SafeSnapshot', 'SyncRep', 'ProcSignalBarrier', 'RecoveryConflictSnapshot', \
    'RecoveryConflictTablespace') or s.wait_event_type = 'BufferPin'";

/// Which waits are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitsLookedAt {
    /// So many that have waited longest.
    Longest(usize),
    /// All.
    All,
}

impl Db {
    /// The question who waits for whom, of everybody that `filter` does not leave out, whatever kind of process it is; `details` are
    /// further columns.
    pub(super) fn waits_question(&self, filter: &str, details: &str, reach: WaitsLookedAt) -> String {
        let limit = match reach {
            WaitsLookedAt::Longest(limit) => limit.to_string(),
            WaitsLookedAt::All => "all".into(),
        };
        let [waitstart, wait_seconds] = self.wait_clock();
        questions::Waits {
            activity: &self.activity(),
            filter,
            waitstart,
            wait_seconds,
            other_waits: OTHER_WAITS,
            details,
            limit: &limit,
        }
        .sql()
    }

    /// Looks at who waits for whom, as far as `reach` says. `query_bytes` as in [`super::look::Listing`].
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn waits(
        &self,
        filter: &Filter,
        reach: WaitsLookedAt,
        query_bytes: Option<u32>,
    ) -> Result<(ServerContext, Waits), Error> {
        let query = match query_bytes {
            None => "encode(textsend(s.query), 'hex')".to_owned(),
            Some(0) => "null".to_owned(),
            Some(bytes) => format!("encode(substring(textsend(s.query) from 1 for {bytes}), 'hex')"),
        };
        let filter = filter::fragment(filter);
        let details = format!(
            ", to_hex(floor(extract(epoch from s.backend_start))::int8) || '.' || to_hex(s.pid) as session_id, \
             extract(epoch from clock_timestamp() - s.xact_start)::float8 as xact_seconds, {query} as query, s.hidden, \
             s.pid is null as vanished, s.wait_event_type, s.wait_event, ({filter}) as matches"
        );
        let waits = self.waits_question("true", &details, reach);
        let [server_context, rows] = exactly(self.look(&[server_context_question(), waits]).await?)?;
        let mut waits = Waits::default();
        let mut texts = TextStore::default();
        for row in rows {
            waits.waiting = row.number("n")?.unwrap_or(0).max(waits.waiting);
            let session = self.blocked_of(&row, &mut texts)?;
            // The row of all prepared transactions together; each has its own among the prepared.
            if session.pid != 0 {
                waits.sessions.push(session);
            }
        }
        let waiters = waits.sessions.iter().filter(|session| session.blocked_by.contains(&0));
        let waiters: Vec<i32> = waiters.map(|session| session.pid).collect();
        waits.prepared = self.prepared_blockers(&waiters).await?;
        self.add_locks(&mut waits.sessions).await?;
        Ok((server_context_of(&server_context)?, waits))
    }

    /// Tells of each session what it waits for, and what it holds that keeps others waiting. What has changed since the look at the
    /// waits is left out.
    async fn add_locks(&self, sessions: &mut [Blocked]) -> Result<(), Error> {
        let waiters: Vec<i32> = sessions.iter().filter(|one| one.waits).map(|one| one.pid).collect();
        if waiters.is_empty() {
            return Ok(());
        }
        let everybody: Vec<i32> = sessions.iter().map(|session| session.pid).collect();
        let question = questions::HeldLocks {
            lock_modes: &questions::LockModes.sql(),
            waiters: &array(&waiters),
            blockers: &array(&everybody),
        };
        let [rows] = exactly(self.look(&[question.sql()]).await?)?;
        for row in rows {
            let pid: i32 = row.required("pid")?;
            let Some(session) = sessions.iter_mut().find(|session| session.pid == pid) else { continue };
            let lock = Lock {
                kind: row.word("locktype")?.unwrap_or_default(),
                mode: row.word("mode")?.unwrap_or_default(),
                relation: row.text("relation")?,
                key: row.word("key")?,
            };
            if row.claim("granted")? {
                session.holds.push(lock);
                let waiters = row.pids("waiters")?;
                for waiter in sessions.iter_mut().filter(|one| waiters.contains(&one.pid)) {
                    waiter.held_by.push(pid);
                }
            } else {
                session.lock = Some(lock);
            }
        }
        Ok(())
    }

    /// Which prepared transactions are in the way of `waiters`, that is those among whose blockers PostgreSQL
    /// names pid 0; oldest first. Nothing is asked when there is no such session.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn prepared_blockers(&self, waiters: &[i32]) -> Result<Vec<PreparedBlocker>, Error> {
        if waiters.is_empty() {
            return Ok(Vec::new());
        }
        let [rows] = exactly(
            self.look(&[questions::PreparedBlockers {
                lock_modes: &questions::LockModes.sql(),
                pids: &array(waiters),
            }
            .sql()])
                .await?,
        )?;
        rows.iter().map(prepared_of).collect()
    }

    fn blocked_of(&self, row: &Row, texts: &mut TextStore) -> Result<Blocked, Error> {
        let hidden = row.claim("hidden")?;
        let wait_seconds = row.age("seconds")?;
        let wait_event_type = row.word("wait_event_type")?;
        Ok(Blocked {
            pid: row.required("pid")?,
            backend_type: row.word("backend_type")?,
            session_id: row.word("session_id")?,
            blocked_by: row.pids("blocked_by")?,
            blocks_total: 0,
            database: row.text("database")?,
            role: row.text("role")?,
            application_name: row.text("application_name")?.unwrap_or_default(),
            client: row.word("client")?,
            state: row.word("state")?,
            wait_at_most: wait_seconds.is_some()
                && (self.version_num < 140_000 || wait_event_type.as_deref() != Some("Lock")),
            wait_event: row.word("wait_event")?.filter(|_| wait_seconds.is_some()),
            wait_event_type: wait_event_type.filter(|_| wait_seconds.is_some()),
            wait_seconds,
            xact_seconds: row.age("xact_seconds")?,
            lock: None,
            holds: Vec::new(),
            query: row.text("query")?.filter(|text| !hidden && !text.is_empty()).map(|text| texts.keep(text)),
            hidden,
            vanished: row.claim("vanished")?,
            pooler_client: None,
            waits: row.word("waits_for")?.is_some(),
            held_by: Vec::new(),
            matches: row.word("matches")?.map(|claim| claim == "t"),
        })
    }
}

fn array(pids: &[i32]) -> String {
    format!("array[{}]", pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

fn prepared_of(row: &Row) -> Result<PreparedBlocker, Error> {
    Ok(PreparedBlocker {
        gid: row.text("gid")?.unwrap_or_default(),
        owner: row.text("owner")?.unwrap_or_default(),
        database: row.text("database")?.unwrap_or_default(),
        prepared_seconds: row.age("seconds")?.unwrap_or_default(),
        waiting_pids: row.pids("waiting_pids")?,
        blocks_total: 0,
    })
}
