//! The rules: what they are called, what their thresholds are made of and are by default, and which filters they honour.

use super::bounds::Thresholds;
use super::range::{Bound, Range, Scale};
use crate::model::health::{MeasureUnit, Question};

/// From which shares of the slots on `connections` warns and is critical. 80 % leaves time to act and is what published alert
/// rules use.
pub(crate) const CONNECTIONS_PERCENT: (i32, i32) = (80, 95);
/// From which ages of an idle transaction on it warns and is critical: it starts to hold back VACUUM, and a person starts to wonder.
pub(crate) const IDLE_XACT_SECONDS: (f64, f64) = (300.0, 1800.0);
/// From which ages of a prepared transaction on it warns and is critical.
pub(crate) const PREPARED_XACT_SECONDS: (f64, f64) = (300.0, 3600.0);
/// From which ages of the horizon on, in transactions, it warns and is critical: VACUUM can freeze nothing of what it should
/// (vacuum_freeze_min_age), and half of the way to the freezing that cannot be put off (autovacuum_freeze_max_age) is gone.
pub(crate) const HORIZON_TRANSACTIONS: (f64, f64) = (5e7, 1e8);

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Login and one query.
    Reachable,
    /// Use of the server's slots and of every role's and database's CONNECTION LIMIT; at a pooler's console, of each of its
    /// limits.
    Connections,
    /// Slots that are left for ordinary roles; at a pooler's console, clients that are still let in.
    Free,
    /// How many sessions are in each state.
    States,
    /// The longest time since anything happened in an open transaction.
    IdleXact,
    /// The longest running statement.
    LongQuery,
    /// The oldest open transaction.
    LongXact,
    /// The longest wait for a lock.
    Blocked,
    /// The oldest prepared transaction.
    PreparedXact,
    /// How many transactions ago the oldest one began that somebody may still have to see.
    OldestXmin,
    /// Databases that let nobody in; at a pooler's console, those that are disabled.
    Closed,
    /// Sessions per second: opened, abandoned, killed, ended by an error.
    Rates,
    /// Clients that wait at a pooler; only where the target is its console.
    PoolerWaiting,
}

/// Which filters a rule honours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Honours {
    /// None: it is about the server as a whole.
    Nothing,
    /// The one by database.
    Databases,
    /// Those by database and role.
    Owners,
    /// All of them: it is about sessions.
    Everything,
}

impl Rule {
    /// All rules, in the order in which they are reported.
    pub(crate) const ALL: [Self; 13] = [
        Self::Reachable,
        Self::Connections,
        Self::Free,
        Self::States,
        Self::IdleXact,
        Self::LongQuery,
        Self::LongXact,
        Self::Blocked,
        Self::PreparedXact,
        Self::OldestXmin,
        Self::Closed,
        Self::Rates,
        Self::PoolerWaiting,
    ];

    /// Its name on the command line and in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Connections => "connections",
            Self::Free => "free",
            Self::States => "states",
            Self::IdleXact => "idle-xact",
            Self::LongQuery => "long-query",
            Self::LongXact => "long-xact",
            Self::Blocked => "blocked",
            Self::PreparedXact => "prepared-xact",
            Self::OldestXmin => "oldest-xmin",
            Self::Closed => "closed",
            Self::Rates => "rates",
            Self::PoolerWaiting => "pooler-waiting",
        }
    }

    /// Whether it is judged only when it is named, if only by a threshold: it says nothing without one.
    pub(crate) const fn is_only_on_demand(self) -> bool {
        matches!(self, Self::Free | Self::States | Self::Rates)
    }

    /// What its thresholds are made of.
    pub(crate) const fn scale(self) -> Scale {
        match self {
            Self::Connections | Self::Free => Scale::Connections,
            Self::PoolerWaiting => Scale::ClientsOrTime,
            Self::Closed | Self::OldestXmin | Self::Rates => Scale::Count,
            Self::States => Scale::CountOrAged,
            _ => Scale::Time,
        }
    }

    /// What its value counts.
    pub(crate) const fn unit(self) -> MeasureUnit {
        match self {
            Self::Connections | Self::Free | Self::States | Self::Closed | Self::PoolerWaiting => {
                MeasureUnit::Count
            }
            Self::OldestXmin => MeasureUnit::Transactions,
            Self::Rates => MeasureUnit::PerSecond,
            _ => MeasureUnit::Seconds,
        }
    }

    /// What has thresholds of its own in it: `states:idle`, `rates:killed`.
    pub(crate) const fn parts(self) -> &'static [&'static str] {
        match self {
            Self::States => &STATES,
            Self::Rates => &RATES,
            _ => &[],
        }
    }

    /// Which filters it honours.
    pub(crate) const fn honours(self) -> Honours {
        match self {
            Self::Reachable | Self::Free | Self::OldestXmin => Honours::Nothing,
            Self::Closed | Self::Rates => Honours::Databases,
            Self::Connections | Self::PreparedXact | Self::PoolerWaiting => Honours::Owners,
            Self::States | Self::IdleXact | Self::LongQuery | Self::LongXact | Self::Blocked => {
                Honours::Everything
            }
        }
    }

    /// What the server is asked for it; nothing beyond the login for some.
    pub(crate) const fn questions(self) -> &'static [Question] {
        match self {
            Self::Reachable | Self::PoolerWaiting => &[],
            Self::Connections | Self::Free => &[Question::Slots],
            Self::IdleXact | Self::LongQuery | Self::LongXact => &[Question::Longest],
            Self::States => &[Question::Longest, Question::Waits],
            Self::Blocked => &[Question::Waits],
            Self::PreparedXact => &[Question::Prepared],
            Self::OldestXmin => &[Question::Horizon, Question::Longest],
            Self::Closed => &[Question::Closed],
            Self::Rates => &[Question::Counters],
        }
    }

    /// The thresholds without any flag; those that other commands go by are constants.
    pub(crate) fn defaults(self) -> Thresholds {
        let over = |(warning, critical): (f64, f64), bound: fn(f64) -> Bound| Thresholds {
            warning: Some(Range::over(bound(warning))),
            critical: Some(Range::over(bound(critical))),
        };
        let (warning, critical) = CONNECTIONS_PERCENT;
        match self {
            Self::Reachable | Self::Free | Self::States | Self::Rates => Thresholds::default(),
            Self::Connections => over((f64::from(warning), f64::from(critical)), Bound::Percent),
            Self::IdleXact => over(IDLE_XACT_SECONDS, Bound::Time),
            Self::LongQuery => over((900.0, 3600.0), Bound::Time),
            Self::LongXact => over((1800.0, 7200.0), Bound::Time),
            Self::Blocked => over((30.0, 300.0), Bound::Time),
            Self::PreparedXact => over(PREPARED_XACT_SECONDS, Bound::Time),
            Self::OldestXmin => over(HORIZON_TRANSACTIONS, Bound::Number),
            // Whether it is meant so, only people know: it is said, and wakes nobody up.
            Self::Closed => Thresholds { warning: Some(Range::over(Bound::Number(0.0))), critical: None },
            Self::PoolerWaiting => over((1.0, 10.0), Bound::Number),
        }
    }
}

/// The states that `states` counts, in the words of `--state`.
const STATES: [&str; 8] =
    ["active", "idle", "idle-in-transaction", "aborted", "waiting", "fastpath", "disabled", "starting"];

/// What `rates` counts.
const RATES: [&str; 4] = ["opened", "abandoned", "killed", "fatal"];
