//! The question who waits for whom.

use std::collections::{HashMap, HashSet};

use super::connection::Db;
use super::error::Error;
use super::look::entitlement;
use super::read_waits::ReadWaits;
use super::rows::{Row, exactly};
use super::server_context::server_context_question;
use super::session::Entitlement;
use super::wait_queue::{WantedLock, add_blockers};
use super::{filter, questions, sql};
use crate::model::blocking::{Blocked, PreparedBlocker, Replay, Waits};
use crate::model::filter::Filter;
use crate::model::lock::{Level, Lock};
use crate::model::order;
use crate::model::server::ServerContext;

/// Waits of a session `s` that pg_locks does not show: for writers that a deferrable reader has to let end, for a standby to confirm a
/// commit, for every backend to answer (DROP DATABASE), for who reads a page that VACUUM wants to itself, and of replay on a standby
/// for who may still read what it removes. By type first: most sessions wait for their client.
pub(super) const OTHER_WAITS: &str = "case s.wait_event_type when 'IPC' then s.wait_event in ('SafeSnapshot', 'SyncRep', \
    'ProcSignalBarrier', 'RecoveryConflictSnapshot', 'RecoveryConflictTablespace') when 'BufferPin' then true else false end";

/// What is needed of each row of the activity array where no details are asked for.
const NEEDED: &str = "s.pid, s.leader_pid, s.datid, s.usesysid, s.application_name, s.client, s.backend_type, s.state, \
    s.wait_event_type, s.wait_event, s.query_start, s.hidden";

/// The most that a session can have waited of whose wait nobody says when it began: since its statement began. Replay has no
/// statement: it has not waited longer than since the last transaction that it has replayed, nor than the standby lets it.
const AT_MOST_SECONDS: &str = "extract(epoch from case when s.backend_type = 'startup'
    then least(clock_timestamp() - pg_last_xact_replay_timestamp(),
               case when least(current_setting('max_standby_streaming_delay')::interval,
                               current_setting('max_standby_archive_delay')::interval) >= interval '0'
                    then greatest(current_setting('max_standby_streaming_delay')::interval,
                                  current_setting('max_standby_archive_delay')::interval) end)
    else clock_timestamp() - s.query_start end)::float8";

/// How many are hidden, and wait for no lock: whether they wait for something else is hidden, too. Only what has a database can, and on
/// a standby the process that replays, which is one of those without.
const UNSEEN: &str = "(select count(*) filter (where a.datid is not null) \
    + least(count(*) filter (where a.datid is null and pg_is_in_recovery()), 1) \
    from a where a.hidden and a.pid not in (select l.pid from l))";

/// For how many waits pg_blocking_pids is asked at most: of the others, what is waited for tells it.
const MOST_ASKED: usize = 200;
/// For how many of the longest of more waits than that. The rest is for those of the others that few are ahead of: who frees somebody
/// is found by them.
const FIRST_ASKED: usize = 100;
/// How many are ahead of those at most.
const FEW: usize = 20;

/// Which waits are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitsLookedAt {
    /// So many that have waited longest.
    Longest(usize),
    /// All.
    All,
}

/// How many waits are told of where the server need not be asked for each: the pairs of so many in one queue are two million.
const MOST_TOLD: usize = 2000;

impl Db {
    /// As many waits as cost the lock manager no more than those that it is asked for. Before 14 nobody else knows the order of a queue.
    pub(crate) const fn cheap_waits(&self) -> WaitsLookedAt {
        WaitsLookedAt::Longest(self.cheap_number_of_waits())
    }

    /// How many waits those are.
    pub(super) const fn cheap_number_of_waits(&self) -> usize {
        if self.version_num >= 140_000 { MOST_TOLD } else { MOST_ASKED }
    }

    /// The question who waits for whom, of everybody that `filter` does not leave out, whatever kind of process it is; `details` are
    /// further columns.
    pub(super) fn waits_question(&self, filter: &str, details: &str, reach: WaitsLookedAt) -> String {
        let limit = match reach {
            WaitsLookedAt::Longest(limit) => limit.to_string(),
            WaitsLookedAt::All => "all".into(),
        };
        let asked = match reach {
            WaitsLookedAt::Longest(..=MOST_ASKED) => MOST_ASKED.to_string(),
            _ => {
                format!("case when count(*) over () > {MOST_ASKED} then {FIRST_ASKED} else {MOST_ASKED} end")
            }
        };
        // Before 14 nobody says when a wait began, so that only pg_blocking_pids knows the order of a queue.
        let [waitstart, began, wait_seconds, asked] = if self.version_num >= 140_000 {
            // Null for the instant between queueing and noting the time.
            let seconds = "coalesce(extract(epoch from clock_timestamp() - l.waitstart), 0)::float8";
            ["l.waitstart", "coalesce(l.waitstart, clock_timestamp())", seconds, &asked]
        } else {
            ["null::timestamptz", "s.query_start", AT_MOST_SECONDS, &i64::MAX.to_string()]
        };
        questions::Waits {
            activity: &self.activity(),
            kept: if details.is_empty() { NEEDED } else { "s.*" },
            filter,
            waitstart,
            began,
            wait_seconds,
            other_waits: OTHER_WAITS,
            at_most_seconds: AT_MOST_SECONDS,
            lock_modes: &questions::LockModes.sql(),
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
             s.pid is null as vanished, s.wait_event_type, s.wait_event, ({filter}) as matches, {UNSEEN} as unseen"
        );
        let waits = self.waits_question("true", &details, reach);
        let mut read = ReadWaits::new(entitlement(query_bytes), self.version_num);
        self.look_into(&[], &[server_context_question(), waits], &mut read).await?;
        let (server_context, mut waits, unasked) = read.seen()?;
        let mut locks = self.add_locks(&mut waits.sessions, &unasked).await?;
        self.ask_of_few(&mut waits.sessions, &unasked).await?;
        let waiters = waits.sessions.iter().filter(|session| session.blocked_by.contains(&0));
        let waiters: Vec<i32> = waiters.map(|session| session.pid).collect();
        waits.prepared = self.prepared_blockers(&waiters).await?;
        for prepared in &mut waits.prepared {
            prepared.holds = locks.of_prepared.remove(&prepared.gid).unwrap_or_default();
        }
        waits.replay = locks.replay;
        Ok((server_context, waits))
    }

    /// Tells of each session what it waits for, and what it holds that keeps others waiting; of the `unasked`, for whom they wait. What
    /// has changed since the look at the waits is left out.
    async fn add_locks(&self, sessions: &mut [Blocked], unasked: &HashSet<i32>) -> Result<Locks, Error> {
        let mut locks = Locks::default();
        let waiters: Vec<i32> = sessions.iter().filter(|one| one.waits).map(|one| one.pid).collect();
        if waiters.is_empty() {
            return Ok(locks);
        }
        let everybody: Vec<i32> = sessions.iter().map(|session| session.pid).collect();
        let place: HashMap<i32, usize> = everybody.iter().copied().zip(0..).collect();
        let held = questions::HeldLocks {
            activity: &self.activity(),
            lock_modes: &questions::LockModes.sql(),
            lock_object: &questions::LockObject.sql(),
            waiters: &array(&waiters),
            blockers: &array(&everybody),
        };
        let is_replay = |one: &&Blocked| one.waits && one.backend_type.as_deref() == Some("startup");
        let replay = sessions.iter().find(is_replay);
        let questions = std::iter::once(held.sql()).chain(replay.map(|_| questions::Replay.sql()));
        let questions: Vec<_> = questions.collect();
        let mut answers = self.look_for(Entitlement::Sessions, &questions).await?.into_iter();
        let rows = answers.next().unwrap_or_default();
        if let (Some(waiting), Some(row)) = (replay, answers.next().unwrap_or_default().first()) {
            locks.replay = Some(replay_of(row, waiting)?);
        }
        for row in rows {
            let pid: i32 = row.required("pid")?;
            let own = place.get(&pid).copied();
            if row.claim("granted")? {
                for waiter in row.pids("waiters")? {
                    if let Some(waiter) = place.get(&waiter).and_then(|at| sessions.get_mut(*at)) {
                        waiter.held_by.push(pid);
                    }
                }
                locks.add_held(&row, own.and_then(|own| sessions.get_mut(own)))?;
            } else if let Some((own, session)) = own.and_then(|own| Some((own, sessions.get_mut(own)?))) {
                locks.add_wanted(&row, own, session)?;
            }
        }
        for wanted in std::mem::take(&mut locks.wanted).into_values() {
            add_blockers(sessions, wanted, unasked);
        }
        Ok(locks)
    }

    /// Has the server say for whom those of the `unasked` wait that few are ahead of.
    async fn ask_of_few(&self, sessions: &mut [Blocked], unasked: &HashSet<i32>) -> Result<(), Error> {
        // Of replay, and of who waits for no lock, it says nothing.
        let is_told = |one: &Blocked| one.lock.is_some() && one.backend_type.as_deref() != Some("startup");
        let is_of_few = |one: &&Blocked| {
            unasked.contains(&one.pid) && is_told(one) && (1..=FEW).contains(&one.blocked_by.len())
        };
        let mut few: Vec<&Blocked> = sessions.iter().filter(is_of_few).collect();
        order::sort_by_key(&mut few, |one| (one.blocked_by.len(), one.pid));
        let few: Vec<i32> = few.iter().take(MOST_ASKED - FIRST_ASKED).map(|one| one.pid).collect();
        if few.is_empty() {
            return Ok(());
        }
        let [rows] = exactly(self.look(&[questions::BlockingPids { pids: &array(&few) }.sql()]).await?)?;
        for row in rows {
            let pid: i32 = row.required("pid")?;
            let blocked_by = row.pids("blocked_by")?;
            if let Some(session) = sessions.iter_mut().find(|session| session.pid == pid) {
                session.blocked_by = blocked_by;
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
                activity: &self.activity(),
                lock_modes: &questions::LockModes.sql(),
                pids: &array(waiters),
            }
            .sql()])
                .await?,
        )?;
        rows.iter().map(prepared_of).collect()
    }
}

/// What is found beside what the sessions themselves are told of.
#[derive(Default)]
struct Locks {
    /// What is waited for, by object.
    wanted: HashMap<String, Vec<WantedLock>>,
    /// What prepared transactions hold that keeps others waiting, by gid.
    of_prepared: HashMap<String, Vec<Lock>>,
    /// What ends who keeps replay waiting; none where it does not wait.
    replay: Option<Replay>,
}

impl Locks {
    /// Takes in a lock that keeps others waiting; `holder` has it, or else a prepared transaction.
    fn add_held(&mut self, row: &Row, holder: Option<&mut Blocked>) -> Result<(), Error> {
        let lock = lock_of(row)?;
        let level = |known| Some(known).filter(|_| lock.kind == "advisory");
        if let Some(gid) = row.text("gid")? {
            let level = level(Level::Transaction);
            self.of_prepared.entry(gid).or_default().push(Lock { level, ..lock });
        } else if let Some(session) = holder {
            // Others waited for it already when it was seen without a transaction.
            let level = level(Level::Session).filter(|_| session.state.as_deref() == Some("idle"));
            session.holds.push(Lock { level, ..lock });
        }
        Ok(())
    }

    /// Takes in a lock that `session` waits for, which is at this place among the sessions.
    fn add_wanted(&mut self, row: &Row, place: usize, session: &mut Blocked) -> Result<(), Error> {
        let lock = lock_of(row)?;
        // A leader can wait for something else than its worker does: one of them is told.
        let event = session.wait_event_type.as_ref().map(|_| lock.kind.clone());
        session.wait_event = session.wait_event.take().or(event);
        session.lock.get_or_insert(lock);
        session.others_may_follow |= row.claim("others")?;
        session.waits_next.extend(row.pids("next")?);
        self.wanted.entry(row.word("object")?.unwrap_or_default()).or_default().push(WantedLock {
            waiter: place,
            mode: row.required("place")?,
            conflicts: row.word("conflicts")?.unwrap_or_default(),
            has: row.pids("has")?.into_iter().filter_map(|mode| usize::try_from(mode).ok()).collect(),
        });
        Ok(())
    }
}

pub(super) fn lock_of(row: &Row) -> Result<Lock, Error> {
    Ok(Lock {
        kind: row.word("locktype")?.unwrap_or_default(),
        mode: row.word("mode")?.unwrap_or_default(),
        relation: row.text("relation")?,
        key: row.word("key")?,
        level: None,
        has_namesake: false,
    })
}

/// What ends who keeps replay waiting, and when.
fn replay_of(row: &Row, waiting: &Blocked) -> Result<Replay, Error> {
    let limit: Option<f64> = row.number("limit_seconds")?;
    let waited = waiting.wait_seconds.filter(|_| !waiting.wait_at_most).unwrap_or_default();
    let by_snapshot = waiting.wait_event.as_deref() == Some("RecoveryConflictSnapshot");
    Ok(Replay {
        pid: waiting.pid,
        waits_for: waiting.blocked_by.clone(),
        wait_seconds: waiting.wait_seconds,
        wait_at_most: waiting.wait_at_most,
        setting: row.word("setting")?.unwrap_or_default(),
        limit_seconds: limit,
        ends_within_seconds: limit.map(|limit| (limit - waited).max(0.0)),
        hot_standby_feedback: row.claim("feedback")?,
        oldest_snapshots: if by_snapshot { row.pids("oldest_snapshots")? } else { Vec::new() },
    })
}

pub(super) fn array(pids: &[i32]) -> String {
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
        holds: Vec::new(),
    })
}
