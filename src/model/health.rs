//! What `check` looks at, and what it says about it: the facts of one look, the verdict of each rule.

use serde::Serialize;

use super::database::ClosedDatabase;
use super::usage::{Connections, LimitUse};

/// How bad it is. Worst wins: critical, warning, unknown, ok.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// Within the thresholds.
    Ok,
    /// Cannot be told: hidden from this role, or not answered.
    Unknown,
    /// Beyond the first threshold.
    Warning,
    /// Beyond the second threshold, or no connection at all.
    Critical,
}

impl Status {
    /// The exit code that monitoring systems read.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The word that monitoring systems read.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The place in the order in which the worst wins.
    pub(crate) const fn severity(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Unknown => 1,
            Self::Warning => 2,
            Self::Critical => 3,
        }
    }
}

/// What a measured number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Unit"))]
#[serde(rename_all = "snake_case")]
pub(crate) enum MeasureUnit {
    /// Connections, sessions.
    Count,
    /// Time.
    Seconds,
    /// Hundredths of a limit whose number is not known.
    Percent,
    /// Transaction ids given out since.
    Transactions,
    /// Sessions per second.
    PerSecond,
}

/// A number with the ranges it was held against: one item of performance data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Measure {
    /// What was measured: the rule, or the limit it belongs to.
    pub(crate) label: String,
    /// In `unit`; none when it is hidden.
    pub(crate) value: Option<f64>,
    /// Of all numbers here.
    pub(crate) unit: MeasureUnit,
    /// Range outside which it warns, in monitoring plugins' grammar.
    pub(crate) warning: Option<String>,
    /// Range outside which it is critical.
    pub(crate) critical: Option<String>,
    /// The most there can be.
    pub(crate) max: Option<f64>,
}

/// The verdict of one rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Check {
    /// Its name.
    pub(crate) rule: &'static str,
    /// How bad it is.
    pub(crate) status: Status,
    /// What was measured, in `unit`; none when it is hidden or was not reached.
    pub(crate) value: Option<f64>,
    /// What `value` counts.
    pub(crate) unit: MeasureUnit,
    /// Range outside which it warns, in `unit`.
    pub(crate) warning: Option<String>,
    /// Range outside which it is critical, in `unit`.
    pub(crate) critical: Option<String>,
    /// One line with the culprit's name.
    pub(crate) message: String,
    /// What to do next, when it is not ok.
    pub(crate) hint: Option<String>,
    /// Everything that was measured for it.
    pub(crate) measures: Vec<Measure>,
}

/// A question of one look, which a role may be kept from by a privilege that was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    /// The server, and what this role may do.
    Server,
    /// What is used of each limit.
    Slots,
    /// What lasts.
    Longest,
    /// Who waits for locks.
    Waits,
    /// Prepared transactions.
    Prepared,
    /// Who holds the horizon back.
    Horizon,
    /// Databases that let nobody in.
    Closed,
    /// What the server counts per database.
    Counters,
    /// Sessions by all that they are counted by.
    Tallies,
    /// Settings.
    Settings,
    /// What roles and databases have of their own.
    Overrides,
    /// Who can log in.
    LoginRoles,
}

impl Question {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Slots => "connections",
            Self::Longest => "sessions",
            Self::Waits => "locks",
            Self::Prepared => "prepared_transactions",
            Self::Horizon => "horizon",
            Self::Closed => "databases",
            Self::Counters => "database_counters",
            Self::Tallies => "sessions_by_name",
            Self::Settings => "settings",
            Self::Overrides => "role_settings",
            Self::LoginRoles => "roles",
        }
    }
}

/// A question that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Which.
    pub(crate) question: Question,
    /// In the server's words.
    pub(crate) why: String,
}

/// What one look tells about the health of a server's connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct HealthFacts {
    /// What could not be asked; what would be known of it is empty.
    pub(crate) unread: Vec<Unread>,
    /// Slots of the whole server.
    pub(crate) connections: Connections,
    /// Use of each CONNECTION LIMIT there is.
    pub(crate) limits: Vec<LimitUse>,
    /// The databases that clients may enter and that have none.
    pub(crate) databases: Vec<DatabaseUse>,
    /// Slots that logins under way have, which no list of sessions shows.
    pub(crate) logging_in: i64,
    /// Sessions of which it is hidden whether the filters select them, or what they do.
    pub(crate) undecidable: i64,
    /// Sessions with `track_activities` off: what they do is shown to nobody.
    pub(crate) untracked: i64,
    /// Sessions in a transaction in which nothing happens, by time since the last statement ended.
    pub(crate) idle_xact: Longest,
    /// Running statements.
    pub(crate) long_query: Longest,
    /// Open transactions.
    pub(crate) long_xact: Longest,
    /// Sessions that wait for others.
    pub(crate) waits: LockWaiters,
    /// Prepared transactions.
    pub(crate) prepared: PreparedXacts,
    /// Of each kind of holder the one that holds the horizon back most.
    pub(crate) horizon: Vec<HorizonHolder>,
    /// Sessions by state, if that was wanted: PostgreSQL's word, and who has been longest in it.
    pub(crate) states: Vec<(String, Longest)>,
    /// Sessions per second, if that was wanted, and the server counts them.
    pub(crate) rates: Option<SessionRates>,
    /// Databases that let nobody in.
    pub(crate) closed: Vec<ClosedDatabase>,
}

impl HealthFacts {
    /// Why one of these is not known; none when all are.
    pub(crate) fn why_any_unread(&self, questions: &[Question]) -> Option<&str> {
        questions.iter().find_map(|question| self.why_unread(*question))
    }

    /// Why this is not known; none when it is.
    pub(crate) fn why_unread(&self, question: Question) -> Option<&str> {
        self.unread.iter().find(|unread| unread.question == question).map(|unread| unread.why.as_str())
    }
}

/// What is used of the server in a database without a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseUse {
    /// Its name.
    pub(crate) name: String,
    /// Client sessions that can be seen.
    pub(crate) used: i64,
    /// Hidden ones that may be clients.
    pub(crate) hidden: i64,
}

/// Sessions per second.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SessionRates {
    /// How long they were counted.
    pub(crate) seconds: f64,
    /// Opened.
    pub(crate) opened: f64,
    /// Whose client vanished.
    pub(crate) abandoned: f64,
    /// Ended by an administrator.
    pub(crate) killed: f64,
    /// Ended by a fatal error or a timeout.
    pub(crate) fatal: f64,
}

/// What keeps VACUUM from removing what is newer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HorizonHolder {
    /// What it is.
    pub(crate) kind: HorizonKind,
    /// How many transactions ago the oldest one began that it may have to see.
    pub(crate) age: i64,
    /// The session; its pid is 0 for what is none.
    pub(crate) who: Culprit,
    /// The prepared transaction's identifier, or the slot's name.
    pub(crate) name: Option<String>,
}

/// What can hold the horizon back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HorizonKind {
    /// A transaction or snapshot of a session.
    Session,
    /// A prepared transaction.
    Prepared,
    /// A replication slot.
    Slot,
    /// A standby's queries, by hot_standby_feedback.
    Standby,
}

impl HorizonKind {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Session, Self::Prepared, Self::Slot, Self::Standby];

    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Prepared => "prepared",
            Self::Slot => "slot",
            Self::Standby => "standby",
        }
    }
}

/// The sessions in some state, and the one that has been longest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Longest {
    /// How many there are.
    pub(crate) count: i64,
    /// How long the longest has been; none when there is none.
    pub(crate) seconds: Option<f64>,
    /// The longest.
    pub(crate) culprit: Option<Culprit>,
    /// For each age that was asked about, in seconds, how many are older.
    pub(crate) older: Vec<(f64, i64)>,
    /// How many more there are of which it was not asked how long.
    pub(crate) unlisted: i64,
    /// Of those of which nobody says how long they have been, the most that it can be, in seconds. Not among `seconds` and `older`.
    pub(crate) at_most: Vec<f64>,
}

impl Longest {
    /// How many are older than an age that was asked about.
    pub(crate) fn older_than(&self, age: f64) -> i64 {
        self.older.iter().find(|(asked, _)| asked.total_cmp(&age).is_eq()).map_or(0, |(_, number)| *number)
    }
}

/// A session as an alert names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Culprit {
    /// Process id.
    pub(crate) pid: i32,
    /// Database.
    pub(crate) database: Option<String>,
    /// Login role.
    pub(crate) role: Option<String>,
    /// What it is where it is no client's session: `autovacuum worker`, `walsender`, …; none for clients, and when hidden.
    pub(crate) backend_type: Option<String>,
    /// As the client set it.
    pub(crate) application_name: String,
    /// Address or `local`; none when hidden.
    pub(crate) client: Option<String>,
    /// Its state; none when hidden.
    pub(crate) state: Option<String>,
}

/// Who waits for locks and for whatever else `blockers` shows, of every kind of process.
#[derive(Clone, Debug, Default)]
pub(crate) struct LockWaiters {
    /// Waiting sessions that the filters select.
    pub(crate) waiting: i64,
    /// Waiting sessions of which it is hidden whether the filters select them.
    pub(crate) undecidable: i64,
    /// The selected ones that have waited longest, longest first, and whoever they wait for.
    pub(crate) sessions: Vec<Waiter>,
}

/// A session in a queue for a lock, or at its head.
#[derive(Clone, Debug)]
pub(crate) struct Waiter {
    /// Who; its pid is 0 for a prepared transaction.
    pub(crate) who: Culprit,
    /// True when it waits and the filters select it.
    pub(crate) selected: bool,
    /// How long it has waited; none when it does not wait or this is hidden.
    pub(crate) seconds: Option<f64>,
    /// True when `seconds` is only the most it can be: servers before 14 do not say when a wait began, and none does of waits
    /// that are not for locks.
    pub(crate) at_most: bool,
    /// What it waits for: `Lock`, or the event that PostgreSQL names; none when it does not wait.
    pub(crate) waits_for: Option<String>,
    /// The pids it waits for.
    pub(crate) blocked_by: Vec<i32>,
}

impl Waiter {
    /// Who waits, and for whom.
    pub(crate) fn edges(&self) -> (i32, &[i32]) {
        (self.who.pid, &self.blocked_by)
    }

    /// True for waits that are for no lock: nobody says when they began. How long the statement has run bounds them, and is no measure
    /// of them.
    pub(crate) fn is_only_bounded(&self) -> bool {
        self.waits_for.as_deref().is_some_and(|waits_for| waits_for != "Lock")
    }
}

/// Prepared transactions.
#[derive(Clone, Debug, Default)]
pub(crate) struct PreparedXacts {
    /// How many there are.
    pub(crate) count: i64,
    /// The oldest.
    pub(crate) oldest: Option<PreparedXact>,
    /// For each age that was asked about, in seconds, how many are older.
    pub(crate) older: Vec<(f64, i64)>,
}

impl PreparedXacts {
    /// As what lasts.
    pub(crate) fn longest(&self) -> Longest {
        let seconds = self.oldest.as_ref().map(|oldest| oldest.seconds);
        Longest { count: self.count, seconds, older: self.older.clone(), ..Longest::default() }
    }
}

/// A prepared transaction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PreparedXact {
    /// Its global identifier.
    pub(crate) gid: String,
    /// Who prepared it.
    pub(crate) owner: String,
    /// The database in which it can be ended.
    pub(crate) database: String,
    /// Its age.
    pub(crate) seconds: f64,
}
