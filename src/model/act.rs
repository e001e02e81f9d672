//! Acting on sessions: what was asked for, what became of each session, and in which words that is told.

use serde::Serialize;

use super::filter::Filter;
use super::session::{Named, Session};

/// The name under which pgconn's sessions are known; filters spare them.
pub(crate) const OWN_APPLICATION: &str = "pgconn";

/// What is done to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Its running query is cancelled; the session stays.
    Cancel,
    /// It is ended.
    Terminate,
}

/// Which sessions an act is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Sessions that were named; none for all that the filter selects.
    pub(crate) named: Vec<Named>,
    /// What they must be like, named or not.
    pub(crate) filter: Filter,
    /// Named server processes, walsenders and workers may be acted on.
    pub(crate) all_backends: bool,
    /// Other sessions of pgconn are not spared from the filter.
    pub(crate) pgconn_too: bool,
}

/// What a named pid is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// The pid.
    pub(crate) pid: i32,
    /// True for the session that asked.
    pub(crate) own: bool,
    /// Another process for which it works as a parallel worker.
    pub(crate) leader: Option<i32>,
}

/// A session that may be acted on.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// As the activity view shows it.
    pub(crate) session: Session,
    /// Whether it has what was asked for; none when that is hidden.
    pub(crate) matches: Option<bool>,
    /// True when its role is a superuser.
    pub(crate) superuser: bool,
    /// True for an autovacuum worker that keeps the server from running out of transaction ids.
    pub(crate) prevents_wraparound: bool,
}

/// The locks that a session holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeldLocks {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// How many, without those on its own transaction ids and those that keep nobody waiting (SIReadLock).
    pub(crate) held: i64,
    /// Of them advisory ones.
    pub(crate) advisory: i64,
}

/// What a session is at that does not just go away when it is ended or cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnfinishedWork {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// Which, by its statement: `CREATE INDEX CONCURRENTLY`, `BASE BACKUP`.
    pub(crate) statement: String,
    /// The table or the unfinished index, quoted as SQL wants it, where it is of the own database.
    pub(crate) object: Option<String>,
}

/// A session that waits for a lock, and for whom: those that hold it and those ahead in its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// Who waits.
    pub(crate) pid: i32,
    /// For whom; 0 is a prepared transaction.
    pub(crate) blocked_by: Vec<i32>,
}

impl Wait {
    /// Who waits, and for whom.
    pub(crate) fn edges(&self) -> (i32, &[i32]) {
        (self.pid, &self.blocked_by)
    }
}

/// Everything that a plan is made from, from one look.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActFacts {
    /// The sessions that are named, or that the filter selects or may select.
    pub(crate) candidates: Vec<Candidate>,
    /// What the named pids are.
    pub(crate) processes: Vec<Process>,
    /// Locks held; sessions that hold none are left out.
    pub(crate) locks: Vec<HeldLocks>,
    /// What leaves something behind when it is ended.
    pub(crate) unfinished: Vec<UnfinishedWork>,
    /// Who waits for whom.
    pub(crate) waits: Vec<Wait>,
    /// True when more sessions wait than were looked at.
    pub(crate) waits_cut: bool,
    /// Where the pooler connects from that stands between this run and the server, as `client` of a session; none without
    /// one.
    pub(crate) pooler: Option<String>,
}

/// Who a session is, exactly, and what it was doing when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// Its start, RFC 3339 UTC with microseconds.
    pub(crate) backend_start: String,
    /// Start of its statement; a cancel is meant for this one only.
    pub(crate) query_start: Option<String>,
    /// What it must still be in when it is signalled, where its client is what was meant; none where the session is.
    pub(crate) still_in: Option<StillIn>,
}

/// What a pooler's client had of a session, by its beginning, RFC 3339 UTC with microseconds. Once that is over, the session may be
/// another client's: whatever begins after it begins at another moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StillIn {
    /// This transaction.
    Transaction(String),
    /// This state, outside a transaction or in one that has failed.
    State(String),
}

/// What became of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    /// Signalled and seen gone.
    Terminated,
    /// Signalled and seen stopped.
    Cancelled,
    /// It had ended before the signal, or its pid belongs to another session now.
    Gone,
    /// Signalled, and still there when the time to watch ran out.
    Signalled,
    /// It is no longer, or never was, what was asked for.
    Changed,
    /// There was nothing to cancel.
    NoEffect,
    /// Spared: pgconn's own session, or another one of pgconn's that was not named.
    Protected,
    /// Spared: a server process, walsender or worker.
    NotAClient,
    /// This role may not signal it.
    NotPermitted,
    /// This role cannot see who it is, so it cannot be told from another session.
    NotVisible,
    /// The server said no, or nothing.
    Failed,
    /// Dry run: would be ended.
    WouldTerminate,
    /// Dry run: its query would be cancelled.
    WouldCancel,
    /// Dry run: nothing would end it.
    WouldFail,
}

/// How a fate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FateClass {
    /// What was asked for is so.
    Succeeded,
    /// It is not.
    Failed,
    /// Nothing was to be done.
    Skipped,
}

impl Fate {
    /// How it counts; a named session that is not there is a failure, one that a filter found and that went by itself is not.
    pub(crate) const fn class(self, named: bool) -> FateClass {
        match self {
            Self::Terminated | Self::Cancelled => FateClass::Succeeded,
            Self::Gone if named => FateClass::Failed,
            Self::Gone => FateClass::Succeeded,
            Self::Signalled | Self::NotPermitted | Self::NotVisible | Self::Failed => FateClass::Failed,
            Self::Changed
            | Self::NoEffect
            | Self::Protected
            | Self::NotAClient
            | Self::WouldTerminate
            | Self::WouldCancel
            | Self::WouldFail => FateClass::Skipped,
        }
    }

    /// Whether what becomes of it is still to be seen.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Signalled | Self::WouldTerminate | Self::WouldCancel)
    }

    /// The stable word for scripts, as in JSON: `not_permitted`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Terminated => "terminated",
            Self::Cancelled => "cancelled",
            Self::Gone => "gone",
            Self::Signalled => "signalled",
            Self::Changed => "changed",
            Self::NoEffect => "no_effect",
            Self::Protected => "protected",
            Self::NotAClient => "not_a_client",
            Self::NotPermitted => "not_permitted",
            Self::NotVisible => "not_visible",
            Self::Failed => "failed",
            Self::WouldTerminate => "would_terminate",
            Self::WouldCancel => "would_cancel",
            Self::WouldFail => "would_fail",
        }
    }

    /// What became of it in words for people: `not permitted`.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Signalled => "signalled, still there".into(),
            other => other.word().replace('_', " "),
        }
    }
}

/// Where an act takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Through {
    /// The server signals its session.
    Server,
    /// The pooler ends its client.
    Pooler,
}

/// No pid at all is told from one by being null.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn no_pid<S: serde::Serializer>(pid: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    Some(*pid).filter(|pid| *pid != 0).serialize(serializer)
}

/// A row of `cancel` and `kill`: the session as it was planned with, and its fate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Outcome {
    /// Process id of its backend; null for a pooler's client that has none just now.
    #[serde(serialize_with = "no_pid")]
    #[cfg_attr(test, schemars(with = "Option<i32>"))]
    pub(crate) pid: i32,
    /// PostgreSQL's `%c`: hex start second, dot, hex pid.
    pub(crate) session_id: Option<String>,
    /// Start of the session, RFC 3339 UTC with microseconds.
    pub(crate) backend_start: Option<String>,
    /// Database it is connected to.
    pub(crate) database: Option<String>,
    /// Role that logged in.
    pub(crate) role: Option<String>,
    /// As the client set it; none when there is no such session.
    pub(crate) application_name: Option<String>,
    /// Client address, or `local` for a Unix socket.
    pub(crate) client: Option<String>,
    /// Client's TCP port.
    pub(crate) client_port: Option<i64>,
    /// True for a pooler's client, which its address alone does not tell from others.
    #[serde(skip)]
    pub(crate) pooled: bool,
    /// Whether the server ends the session, or the pooler its client (`--pooler`).
    pub(crate) through: Through,
    /// Verbatim as PostgreSQL says it; as the pooler says it for its client.
    pub(crate) state: Option<String>,
    /// Time in its state.
    pub(crate) state_seconds: Option<f64>,
    /// Age of the open transaction.
    pub(crate) xact_seconds: Option<f64>,
    /// Locks it holds and ending it releases (those on its own transaction ids, and those of serializable transactions that keep nobody
    /// waiting, not counted).
    pub(crate) locks_held: Option<i64>,
    /// Sessions that wait for it, directly or behind others; none when too many wait to be looked at.
    pub(crate) sessions_waiting: Option<i64>,
    /// What the act leaves behind (an invalid index), or what has to be started over; none when there is nothing of that.
    pub(crate) leaves_behind: Option<String>,
    /// Whether this role may signal it; none when there is no such session.
    pub(crate) permitted: Option<bool>,
    /// What became of it.
    pub(crate) result: Fate,
    /// True when it could not be seen what the signal came to.
    #[serde(skip)]
    pub(crate) unseen: bool,
    /// Why, where that does not go without saying.
    pub(crate) error: Option<String>,
}

impl Outcome {
    /// What became of it in words for people: `not permitted`.
    pub(crate) fn words(&self) -> String {
        match self.result {
            Fate::Signalled if self.unseen => "signalled, unknown".into(),
            result => result.words(),
        }
    }
}

/// A session of a plan, as it is recognised after the act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownSession {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// Its start, RFC 3339 UTC with microseconds; none where that is hidden.
    pub(crate) backend_start: Option<String>,
    /// False for one that was spared.
    pub(crate) acted_on: bool,
}

/// What is selected now, after the act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remaining {
    /// Client sessions that the targets and filters select, or may select.
    pub(crate) matching: i64,
    /// Of them such as were not there when the plan was made.
    pub(crate) new: i64,
    /// Other backends that they select and that were spared: server processes, walsenders, workers.
    pub(crate) other_backends: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fate_has_the_same_word_in_every_format() {
        for fate in [
            Fate::Terminated,
            Fate::Cancelled,
            Fate::Gone,
            Fate::Signalled,
            Fate::Changed,
            Fate::NoEffect,
            Fate::Protected,
            Fate::NotAClient,
            Fate::NotPermitted,
            Fate::NotVisible,
            Fate::Failed,
            Fate::WouldTerminate,
            Fate::WouldCancel,
            Fate::WouldFail,
        ] {
            assert_eq!(serde_json::to_value(fate).unwrap(), fate.word());
        }
    }
}
