//! One session of a server, as its activity view shows it to this role.

use std::fmt;

use serde::Serialize;

use super::lock::Lock;
use super::pooler_client::Client;
use super::query_text::QueryText;

/// A row of `ls` and `long`. What this role may not see is none.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Session {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// PostgreSQL's `%c`: hex start second, dot, hex pid; survives pid reuse.
    pub(crate) session_id: Option<String>,
    /// Start of the session, RFC 3339 UTC with microseconds; with the pid, its identity.
    pub(crate) backend_start: Option<String>,
    /// `client backend`, `walsender`, …
    pub(crate) backend_type: Option<String>,
    /// Database it is connected to.
    pub(crate) database: Option<String>,
    /// Role that logged in; none when the role was dropped since.
    pub(crate) role: Option<String>,
    /// As the client set it; empty when it did not.
    pub(crate) application_name: String,
    /// Client address, or `local` for a Unix socket.
    pub(crate) client: Option<String>,
    /// Client's TCP port.
    pub(crate) client_port: Option<i32>,
    /// Verbatim as PostgreSQL says it.
    pub(crate) state: Option<String>,
    /// Kind of event it waits for.
    pub(crate) wait_event_type: Option<String>,
    /// Event it waits for.
    pub(crate) wait_event: Option<String>,
    /// The lock it waits for; none when it waits for something else or for nothing, when that is hidden, and when it had gone on before
    /// its lock was looked at.
    // Few wait for one, and of the others there can be many.
    pub(crate) lock: Option<Box<Lock>>,
    /// Start of the open transaction, RFC 3339 UTC.
    pub(crate) xact_start: Option<String>,
    /// Start of the running or last statement, RFC 3339 UTC.
    pub(crate) query_start: Option<String>,
    /// When the state last changed, RFC 3339 UTC.
    pub(crate) state_change: Option<String>,
    /// Age of the session.
    pub(crate) session_seconds: Option<f64>,
    /// Age of the open transaction.
    pub(crate) xact_seconds: Option<f64>,
    /// Age of the running statement; none when none runs.
    pub(crate) query_seconds: Option<f64>,
    /// Time in its state.
    pub(crate) state_seconds: Option<f64>,
    /// Running or last statement; none when hidden, switched off or never sent.
    pub(crate) query: Option<QueryText>,
    /// True when the server cut the text at `track_activity_query_size`.
    pub(crate) query_truncated: bool,
    /// Query id, when the server computes them; 64 bits, so text.
    pub(crate) query_id: Option<String>,
    /// The id of its transaction, once it has written; none when it has none, or is hidden.
    pub(crate) backend_xid: Option<u32>,
    /// The oldest transaction id that its snapshot may have to see; none when it has none, or is hidden.
    pub(crate) backend_xmin: Option<u32>,
    /// How many transaction ids were given out since the older of both: so far back it keeps VACUUM from removing anything. None when
    /// it holds nothing, or is hidden.
    pub(crate) xmin_age: Option<i64>,
    /// Parallel workers that work for it.
    pub(crate) parallel_workers: i64,
    /// True when this role may not see what it does.
    pub(crate) hidden: bool,
    /// True when it is hidden whether the filters select it.
    pub(crate) undecidable: bool,
    /// True when this role may cancel or terminate it.
    pub(crate) can_signal: bool,
    /// Whom the pooler serves with it, where one was asked (`--pooler`); null when that is nobody, or not certain.
    pub(crate) pooler_client: Option<Client>,
}

impl Session {
    /// Whether it was seen to wait for a lock.
    pub(crate) fn waits_for_lock(&self) -> bool {
        self.wait_event_type.as_deref() == Some("Lock")
    }

    /// With the starts that its ages are counted from, of a made-up moment.
    #[cfg(test)]
    pub(crate) fn begun(self) -> Self {
        use std::time::{Duration, SystemTime};
        let start = |age: Option<f64>| {
            let age = Duration::from_secs_f64(age?);
            let looked = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_226_230);
            Some(humantime::format_rfc3339_micros(looked - age).to_string())
        };
        let (xact_start, state_change) = (start(self.xact_seconds), start(self.state_seconds));
        Self { xact_start, state_change, ..self }
    }
}

/// A session that was named: by pid alone, or by its `session_id`, which outlives the reuse of a pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// The second in which it started, seconds since 1970; none when only the pid was given.
    pub(crate) started: Option<i64>,
}

/// As it is typed.
impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.started {
            Some(started) => write!(f, "{started:x}.{:x}", self.pid),
            None => write!(f, "{}", self.pid),
        }
    }
}

/// What a listing found.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// The sessions, as many as were wanted, in the order asked for.
    pub(crate) sessions: Vec<Session>,
    /// All that match, listed or not.
    pub(crate) matched: i64,
    /// All that are hidden and match or may match.
    pub(crate) hidden: i64,
    /// All of which it is hidden whether they match.
    pub(crate) undecidable: i64,
}

impl Listed {
    /// A listing that leaves nothing out.
    pub(crate) fn whole(sessions: Vec<Session>) -> Self {
        let count = |claim: fn(&Session) -> bool| {
            i64::try_from(sessions.iter().filter(|session| claim(session)).count()).unwrap_or(i64::MAX)
        };
        Self {
            matched: count(|session| !session.undecidable),
            hidden: count(|session| session.hidden),
            undecidable: count(|session| session.undecidable),
            sessions,
        }
    }
}
