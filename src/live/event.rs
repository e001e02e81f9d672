//! What happens to a live screen, and what it wants done: plain data between the state and whoever drives it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::act::OutcomeChange;
use crate::analyze::plan::Plan;
use crate::analyze::pooler::PoolUse;
use crate::db::ScreenListing;
use crate::model::act::{Action, Outcome, Wanted};
use crate::model::blocking::{FreeingAct, Waits};
use crate::model::screen::{Overview, ScreenContext, ScreenRow};
use crate::model::session::Named;
use crate::model::usage::Usage;
use crate::terminal::Key;

/// Who a session is, exactly: its process id and its start. Its `session_id` alone can be another one's, within a second.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// PostgreSQL's `%c`.
    pub(crate) session_id: String,
    /// Its start, RFC 3339 UTC with microseconds.
    pub(crate) backend_start: String,
}

impl SessionKey {
    /// How it is named in an act.
    pub(crate) fn named(&self) -> Named {
        let second =
            self.session_id.split_once('.').and_then(|(second, _)| i64::from_str_radix(second, 16).ok());
        Named { pid: self.pid, started: second }
    }
}

/// What a screen lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Every session.
    Sessions,
    /// Those with which something is wrong.
    Trouble,
    /// Who waits for whom.
    Blockers,
    /// How many there are of what.
    Groups,
    /// Limits on connections.
    Limits,
    /// The pools of the pooler in front.
    Pooler,
}

impl View {
    /// In the order of their numbers.
    pub(crate) const ALL: [Self; 6] =
        [Self::Sessions, Self::Trouble, Self::Blockers, Self::Groups, Self::Limits, Self::Pooler];

    /// What it is called.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Trouble => "trouble",
            Self::Blockers => "blockers",
            Self::Groups => "groups",
            Self::Limits => "limits",
            Self::Pooler => "pooler",
        }
    }

    /// Whether its rows are the sessions that the filter selects.
    pub(crate) const fn lists_sessions(self) -> bool {
        matches!(self, Self::Sessions | Self::Trouble)
    }
}

/// What is to be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Counts what was asked for differently: an answer to another number is about something else.
    pub(crate) about: u64,
    /// Which list.
    pub(crate) view: View,
    /// Which sessions.
    pub(crate) listing: ScreenListing,
    /// One session of which everything is wanted.
    pub(crate) detail: Option<SessionKey>,
}

/// What a look found.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The number of its request.
    pub(crate) about: u64,
    /// What is known of the server beside its sessions.
    pub(crate) context: Arc<ScreenContext>,
    /// The server in numbers.
    pub(crate) overview: Overview,
    /// The list.
    pub(crate) content: Content,
    /// The session of which everything was wanted; none when it is not there.
    pub(crate) detail: Option<Box<Detail>>,
    /// How long it took.
    pub(crate) took: Duration,
}

/// What is listed.
#[derive(Debug)]
pub(crate) enum Content {
    /// Sessions.
    Sessions(Vec<ScreenRow>),
    /// Waits, and what would end them.
    Waits(Waits, Vec<FreeingAct>),
    /// Counts by what sessions have in common.
    Groups(Box<Usage>),
    /// What is used of which limit.
    Usage(Box<Usage>),
    /// Nothing that the server knows.
    Elsewhere,
}

/// What a look at a pooler's console found.
#[derive(Debug)]
pub(crate) struct PoolerSeen {
    /// What the pooler calls itself, with its version.
    pub(crate) product: String,
    /// Its pools, the worst first.
    pub(crate) pools: Vec<PoolUse>,
}

/// Everything about one session.
#[derive(Debug)]
pub(crate) struct Detail {
    /// As the activity view shows it, with its whole query.
    pub(crate) row: ScreenRow,
    /// Locks that it holds.
    pub(crate) locks_held: i64,
    /// Of them advisory ones.
    pub(crate) advisory_locks: i64,
    /// For whom it waits; 0 is a prepared transaction.
    pub(crate) blocked_by: Vec<i32>,
    /// Who waits for it, directly or behind others; none where too many wait to be looked at.
    pub(crate) waiting: Option<Vec<i32>>,
    /// What ending it would leave behind.
    pub(crate) leaves_behind: Option<String>,
    /// Why it may not be ended.
    pub(crate) why_not: Option<String>,
}

/// A plan that a dialog wants.
#[derive(Clone, Debug)]
pub(crate) struct PlanRequest {
    /// The number of the dialog.
    pub(crate) dialog: u64,
    /// What is to be done.
    pub(crate) action: Action,
    /// To whom.
    pub(crate) wanted: Wanted,
}

/// The plan for a dialog.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// What would be done.
    pub(crate) plan: Plan,
    /// Who waits for those that are acted on.
    pub(crate) waiting: Option<Vec<i32>>,
    /// What is to be known beside it.
    pub(crate) warnings: Vec<String>,
}

/// An act that was agreed to.
#[derive(Clone, Debug)]
pub(crate) struct ActRequest {
    /// The number of the dialog.
    pub(crate) dialog: u64,
    /// The plan as it was shown.
    pub(crate) planned: Planned,
    /// As what they were asked for.
    pub(crate) wanted: Wanted,
    /// When it was agreed to.
    pub(crate) agreed: Instant,
}

/// What an act came to.
#[derive(Clone, Debug)]
pub(crate) struct Acted {
    /// One for each session of the plan.
    pub(crate) outcomes: Vec<Outcome>,
    /// How many waited for them before, and now, as far as that is known.
    pub(crate) waiting: Option<(usize, i64)>,
    /// What else is to be known.
    pub(crate) notes: Vec<String>,
}

/// That the server cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Down {
    /// Since when.
    pub(crate) since: Instant,
    /// When it is tried again.
    pub(crate) again: Instant,
    /// Why.
    pub(crate) because: String,
}

/// What happens.
#[derive(Debug)]
pub(crate) enum Event {
    /// A key was typed.
    Key(Key),
    /// Time has passed.
    Tick,
    /// The terminal has so many columns and lines.
    Resized(u16, u16),
    /// A look came to this.
    Seen(Box<Seen>),
    /// What a look at the pooler's console came to, or why there is nothing.
    Pooler(Result<Box<PoolerSeen>, String>),
    /// The server refused what was typed as a filter.
    Refused(String),
    /// The server cannot be asked, or can again.
    Link(Option<Down>),
    /// A dialog's plan, or why there is none.
    Planned(u64, Result<Box<Planned>, String>),
    /// What became of sessions that are acted on.
    Progress(u64, Vec<OutcomeChange>),
    /// The end of an act, or why nothing was done.
    Acted(u64, Result<Box<Acted>, String>),
    /// A view was written to this file, or could not be.
    Written(Result<String, String>),
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Look.
    Look(Box<Request>),
    /// Look at the pooler's console.
    LookAtPooler,
    /// Make a plan.
    Plan(Box<PlanRequest>),
    /// Carry a plan out.
    Act(Box<ActRequest>),
    /// Hand a text to the terminal's clipboard.
    Copy(String),
    /// Write what is seen to a file.
    Write,
    /// Hand the terminal back and stop until the shell continues this program.
    Suspend,
    /// Back to the list of servers.
    Back,
    /// Leave.
    Quit,
}
