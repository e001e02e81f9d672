//! The question who waits for whom.

use std::collections::{HashMap, HashSet};

use super::connection::Db;
use super::error::Error;
use super::rows::{Row, exactly};
use super::server_context::{server_context_of, server_context_question};
use super::text_store::TextStore;
use super::{filter, questions, sql};
use crate::model::blocking::{Blocked, Lock, PreparedBlocker, Replay, Waits};
use crate::model::filter::Filter;
use crate::model::order;
use crate::model::server::ServerContext;

/// Waits of a session `s` that pg_locks does not show: for writers that a deferrable reader has to let end, for a standby to confirm a
/// commit, for every backend to answer (DROP DATABASE), for who reads a page that VACUUM wants to itself, and of replay on a standby
/// for who may still read what it removes.
pub(super) const OTHER_WAITS: &str = "s.wait_event in ('SafeSnapshot', 'SyncRep', 'ProcSignalBarrier', 'RecoveryConflictSnapshot', \
    'RecoveryConflictTablespace') or s.wait_event_type = 'BufferPin'";

/// The most that a session can have waited of whose wait nobody says when it began: since its statement began. Replay has no
/// statement: it has not waited longer than since the last transaction that it has replayed, nor than the standby lets it.
const AT_MOST_SECONDS: &str = "extract(epoch from case when s.backend_type = 'startup'
    then least(clock_timestamp() - pg_last_xact_replay_timestamp(),
               case when least(current_setting('max_standby_streaming_delay')::interval,
                               current_setting('max_standby_archive_delay')::interval) >= interval '0'
                    then greatest(current_setting('max_standby_streaming_delay')::interval,
                                  current_setting('max_standby_archive_delay')::interval) end)
    else clock_timestamp() - s.query_start end)::float8";

/// For how many waits pg_blocking_pids is asked at most: of the others, what is waited for tells it.
const MOST_ASKED: usize = 200;

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
        // Before 14 nobody says when a wait began, so that only pg_blocking_pids knows the order of a queue.
        let [waitstart, began, wait_seconds, asked] = if self.version_num >= 140_000 {
            // Null for the instant between queueing and noting the time.
            let seconds = "coalesce(extract(epoch from clock_timestamp() - l.waitstart), 0)::float8";
            ["l.waitstart", "coalesce(l.waitstart, clock_timestamp())", seconds, &MOST_ASKED.to_string()]
        } else {
            ["null::timestamptz", "s.query_start", AT_MOST_SECONDS, &i64::MAX.to_string()]
        };
        questions::Waits {
            activity: &self.activity(),
            filter,
            waitstart,
            began,
            wait_seconds,
            other_waits: OTHER_WAITS,
            at_most_seconds: AT_MOST_SECONDS,
            asked,
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
        let backend_start = sql::fill("{utc:s.backend_start} as backend_start", &[]);
        let details = format!(
            ", {backend_start}, to_hex(floor(extract(epoch from s.backend_start))::int8) || '.' || to_hex(s.pid) as session_id, \
             extract(epoch from clock_timestamp() - s.xact_start)::float8 as xact_seconds, {query} as query, s.hidden, \
             s.pid is null as vanished, s.wait_event_type, s.wait_event, ({filter}) as matches"
        );
        let waits = self.waits_question("true", &details, reach);
        let [server_context, rows] = exactly(self.look(&[server_context_question(), waits]).await?)?;
        let mut waits = Waits::default();
        let mut texts = TextStore::default();
        let mut unasked = HashSet::new();
        for row in rows {
            waits.waiting = row.number("n")?.unwrap_or(0).max(waits.waiting);
            let session = self.blocked_of(&row, &mut texts)?;
            // The row of all prepared transactions together; each has its own among the prepared.
            if session.pid != 0 {
                unasked.extend((row.word("asked")?.as_deref() == Some("f")).then_some(session.pid));
                waits.sessions.push(session);
            }
        }
        self.add_locks(&mut waits.sessions, &unasked).await?;
        let waiters = waits.sessions.iter().filter(|session| session.blocked_by.contains(&0));
        let waiters: Vec<i32> = waiters.map(|session| session.pid).collect();
        waits.prepared = self.prepared_blockers(&waiters).await?;
        waits.replay = self.replay(&waits.sessions).await?;
        Ok((server_context_of(&server_context)?, waits))
    }

    /// Tells of each session what it waits for, and what it holds that keeps others waiting; of the `unasked`, for whom they wait. What
    /// has changed since the look at the waits is left out.
    async fn add_locks(&self, sessions: &mut [Blocked], unasked: &HashSet<i32>) -> Result<(), Error> {
        let waiters: Vec<i32> = sessions.iter().filter(|one| one.waits).map(|one| one.pid).collect();
        if waiters.is_empty() {
            return Ok(());
        }
        let everybody: Vec<i32> = sessions.iter().map(|session| session.pid).collect();
        let place: HashMap<i32, usize> = everybody.iter().copied().zip(0..).collect();
        let question = questions::HeldLocks {
            activity: &self.activity(),
            lock_modes: &questions::LockModes.sql(),
            waiters: &array(&waiters),
            blockers: &array(&everybody),
        };
        let [rows] = exactly(self.look(&[question.sql()]).await?)?;
        let mut wanted: HashMap<String, Vec<WantedLock>> = HashMap::new();
        for row in rows {
            let pid: i32 = row.required("pid")?;
            let lock = Lock {
                kind: row.word("locktype")?.unwrap_or_default(),
                mode: row.word("mode")?.unwrap_or_default(),
                relation: row.text("relation")?,
                key: row.word("key")?,
            };
            let own = place.get(&pid).copied();
            if row.claim("granted")? {
                if let Some(session) = own.and_then(|own| sessions.get_mut(own)) {
                    session.holds.push(lock);
                }
                for waiter in row.pids("waiters")? {
                    if let Some(waiter) = place.get(&waiter).and_then(|at| sessions.get_mut(*at)) {
                        waiter.held_by.push(pid);
                    }
                }
            } else if let Some((own, session)) = own.and_then(|own| Some((own, sessions.get_mut(own)?))) {
                session.lock = Some(lock);
                session.others_may_follow = row.claim("others")?;
                session.waits_next = row.pids("next")?;
                wanted.entry(row.word("object")?.unwrap_or_default()).or_default().push(WantedLock {
                    waiter: own,
                    mode: row.required("place")?,
                    conflicts: row.word("conflicts")?.unwrap_or_default(),
                });
            }
        }
        for queue in wanted.values_mut() {
            order::sort_by_key(queue, |wanted| wanted.waiter);
            add_blockers(sessions, queue, unasked);
        }
        Ok(())
    }

    /// What ends who keeps replay waiting, and when; none where replay does not wait.
    async fn replay(&self, sessions: &[Blocked]) -> Result<Option<Replay>, Error> {
        let is_replay = |one: &&Blocked| one.waits && one.backend_type.as_deref() == Some("startup");
        let Some(waiting) = sessions.iter().find(is_replay) else { return Ok(None) };
        let [rows] = exactly(self.look(&[questions::Replay.sql()]).await?)?;
        let Some(row) = rows.first() else { return Ok(None) };
        let limit: Option<f64> = row.number("limit_seconds")?;
        let waited = waiting.wait_seconds.filter(|_| !waiting.wait_at_most).unwrap_or_default();
        let by_snapshot = waiting.wait_event.as_deref() == Some("RecoveryConflictSnapshot");
        Ok(Some(Replay {
            pid: waiting.pid,
            waits_for: waiting.blocked_by.clone(),
            wait_seconds: waiting.wait_seconds,
            wait_at_most: waiting.wait_at_most,
            setting: row.word("setting")?.unwrap_or_default(),
            limit_seconds: limit,
            ends_within_seconds: limit.map(|limit| (limit - waited).max(0.0)),
            hot_standby_feedback: row.claim("feedback")?,
            oldest_snapshots: if by_snapshot { row.pids("oldest_snapshots")? } else { Vec::new() },
        }))
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
            backend_start: row.word("backend_start")?,
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
            others_may_follow: false,
            waits_next: Vec::new(),
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

/// A lock that a session waits for.
struct WantedLock {
    /// Its place among the sessions, which is the order of queues.
    waiter: usize,
    /// The place of its mode among the modes.
    mode: usize,
    /// With which modes that conflicts, by place, as `lock_modes.sql` writes it.
    conflicts: String,
}

/// Has the `unasked` of a queue wait for who has what they wait for, and for who is ahead of them and wants it in a mode that conflicts.
fn add_blockers(sessions: &mut [Blocked], queue: &[WantedLock], unasked: &HashSet<i32>) {
    for (at, wanted) in queue.iter().enumerate() {
        let Some(session) = sessions.get(wanted.waiter).filter(|one| unasked.contains(&one.pid)) else {
            continue;
        };
        let conflicts = |mode: usize| wanted.conflicts.as_bytes().get(mode.wrapping_sub(1)) == Some(&b'X');
        let ahead = queue.iter().take(at).filter(|ahead| conflicts(ahead.mode));
        let ahead = ahead.filter_map(|ahead| sessions.get(ahead.waiter)).map(|ahead| ahead.pid);
        let mut blocked_by: Vec<i32> = session.held_by.iter().copied().chain(ahead).collect();
        blocked_by.sort_unstable();
        blocked_by.dedup();
        if let Some(session) = sessions.get_mut(wanted.waiter) {
            session.blocked_by = blocked_by;
        }
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
        blocks: Vec::new(),
    })
}
