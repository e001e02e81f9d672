//! Sessions that wait for locks, and those that they wait for.

use serde::Serialize;

use super::act::Action;
use super::lock::Lock;
use super::pooler_client::Client;
use super::query_text::QueryText;

/// A session that waits or is waited for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Blocked {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// `client backend`, `autovacuum worker`, `startup`, …; none when that is hidden.
    pub(crate) backend_type: Option<String>,
    /// PostgreSQL's `%c`: hex start second, dot, hex pid.
    pub(crate) session_id: Option<String>,
    /// For whom it waits, those ahead of it in the queue included; 0 is a prepared transaction. Empty: it does not wait.
    pub(crate) blocked_by: Vec<i32>,
    /// Sessions that wait for it, directly or behind others.
    pub(crate) blocks_total: i64,
    /// Database it is connected to.
    pub(crate) database: Option<String>,
    /// Role that logged in.
    pub(crate) role: Option<String>,
    /// As the client set it.
    pub(crate) application_name: String,
    /// Client address, or `local` for a Unix socket.
    pub(crate) client: Option<String>,
    /// Verbatim as PostgreSQL says it.
    pub(crate) state: Option<String>,
    /// How long it has waited; none when it does not wait, or when that is hidden.
    pub(crate) wait_seconds: Option<f64>,
    /// The kind of event that it waits for, as in `ls`: `Lock`, or `IPC` for a safe snapshot, a synchronous standby or all backends,
    /// `BufferPin` for a page; none when it does not wait, or when that is hidden.
    pub(crate) wait_event_type: Option<String>,
    /// The event that it waits for, such as `relation`, `SafeSnapshot`, `SyncRep`.
    pub(crate) wait_event: Option<String>,
    /// True when `wait_seconds` is only the most it can be: servers before 14 do not say when a wait began, and none does of waits
    /// that are not for locks.
    pub(crate) wait_at_most: bool,
    /// Age of its transaction.
    pub(crate) xact_seconds: Option<f64>,
    /// What it waits for.
    pub(crate) lock: Option<Lock>,
    /// True when, once those that it waits for have gone, it may wait for others: the server names one at a time of those whose
    /// transactions CREATE INDEX CONCURRENTLY lets end, that share a row, or that a new slot for logical decoding has to see end.
    pub(crate) others_may_follow: bool,
    /// Whom it will have to wait for then, as far as that is certain: who changes the table of an index that is not yet built.
    pub(crate) waits_next: Vec<i32>,
    /// What it holds that keeps others waiting; empty for those that are only ahead in a queue.
    pub(crate) holds: Vec<Lock>,
    /// Running or last statement.
    pub(crate) query: Option<QueryText>,
    /// True when this role may not see what it does.
    pub(crate) hidden: bool,
    /// True when it ended while it was looked at.
    pub(crate) vanished: bool,
    /// Whom the pooler serves with it, where one was asked (`--pooler`); null when that is nobody, or not certain.
    pub(crate) pooler_client: Option<Client>,
    /// True when it waits, whatever is known of that.
    #[serde(skip)]
    pub(crate) waits: bool,
    /// Start of the session, RFC 3339 UTC with microseconds; none when that is hidden.
    #[serde(skip)]
    pub(crate) backend_start: Option<String>,
    /// Who holds what it waits for; not who is only ahead of it.
    #[serde(skip)]
    pub(crate) held_by: Vec<i32>,
    /// Whether the filters select it; none when that is hidden.
    #[serde(skip)]
    pub(crate) matches: Option<bool>,
}

/// What would let sessions go on at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FreeingAct {
    /// Sessions that have to end for it, all of them.
    pub(crate) pids: Vec<i32>,
    /// Their session ids, as `kill` and `cancel` take them.
    pub(crate) sessions: Vec<String>,
    /// Prepared transactions that have to end for it, too, by their global identifiers: by the transaction manager, not by pgconn.
    pub(crate) prepared: Vec<String>,
    /// What ends the sessions: `cancel` where they wait or run no more than one statement, else `terminate`; null without any.
    pub(crate) action: Option<Action>,
    /// Who is free then: sessions that wait for nobody else, and surely for nobody next (`waits_next`).
    pub(crate) frees: Vec<i32>,
    /// Who of those then holds up most others; null when nobody does.
    pub(crate) then: Option<i32>,
    /// How many those are.
    pub(crate) then_blocks: Option<i64>,
    /// True when one of those may then wait for others: the server names one of those that it waits for at a time.
    pub(crate) others_may_follow: bool,
    /// True when this role may do it, by the rules by which `kill` and `cancel` would.
    pub(crate) permitted: bool,
    /// Why it may not, or who else could.
    pub(crate) why_not: Option<String>,
}

/// A prepared transaction that is in the way: it holds a lock in a mode that conflicts with what somebody waits for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Prepared"))]
pub(crate) struct PreparedBlocker {
    /// Its global identifier.
    pub(crate) gid: String,
    /// Who prepared it; besides superusers, who can end it.
    pub(crate) owner: String,
    /// The only database in which it can be ended.
    pub(crate) database: String,
    /// Its age.
    pub(crate) prepared_seconds: f64,
    /// Who waits for it directly: not those who only stand behind others that do.
    pub(crate) waiting_pids: Vec<i32>,
    /// Who waits for it, directly or behind others.
    pub(crate) blocks: Vec<i32>,
    /// What it holds that keeps others waiting.
    pub(crate) holds: Vec<Lock>,
}

/// Replay on a standby that waits for sessions, and what ends them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Replay {
    /// The process that replays.
    pub(crate) pid: i32,
    /// For whom it waits; empty where the server does not tell: it does for locks.
    pub(crate) waits_for: Vec<i32>,
    /// How long it has waited; null when that is unknown.
    pub(crate) wait_seconds: Option<f64>,
    /// True when `wait_seconds` is only the most it can be.
    pub(crate) wait_at_most: bool,
    /// The setting that ends them: `max_standby_streaming_delay`, or `max_standby_archive_delay` where nothing is streamed.
    pub(crate) setting: String,
    /// How long it lets replay wait; null: for ever.
    pub(crate) limit_seconds: Option<f64>,
    /// They are ended within this time, earlier when the record had been received before replay began to wait; null: never.
    pub(crate) ends_within_seconds: Option<f64>,
    /// Whether the primary hears what is still read here, so that it removes no row versions that are.
    pub(crate) hot_standby_feedback: bool,
    /// Where it waits for row versions to be read no more: whose snapshots are the oldest. They are in the way when anybody is.
    pub(crate) oldest_snapshots: Vec<i32>,
}

/// Everything that was seen of the waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waits {
    /// Those who wait or are waited for.
    pub(crate) sessions: Vec<Blocked>,
    /// Prepared transactions that some of them wait for.
    pub(crate) prepared: Vec<PreparedBlocker>,
    /// All that wait, looked at or not.
    pub(crate) waiting: i64,
    /// Sessions that are hidden and wait for no lock: it is not known whether they wait for something else.
    pub(crate) unseen: i64,
    /// What ends who keeps replay waiting; none where it does not wait, or that is hidden.
    pub(crate) replay: Option<Replay>,
}

/// What one waits for that is no lock, in words, by the event that PostgreSQL names; none for locks.
pub(crate) fn waited_for(wait_event: &str) -> Option<&'static str> {
    Some(match wait_event {
        "SafeSnapshot" => "a safe snapshot: serializable writers have to end",
        "SyncRep" => "a synchronous standby",
        "ProcSignalBarrier" => "every backend to answer",
        "BufferPin" | "BufferCleanup" => "a page that somebody reads",
        "RecoveryConflictSnapshot" => "row versions that somebody may still read",
        "RecoveryConflictTablespace" => "a tablespace that somebody uses",
        _ => return None,
    })
}
