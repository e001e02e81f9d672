//! Everything that monitoring asks in one message; where a role is kept from something, one question after the other.

use std::collections::BTreeMap;

use super::blocking::WaitsLookedAt;
use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::fence::{IS_CLOSED, closed_question};
use super::health::{Reach, Wanted, told};
use super::look::Selection;
use super::rows::{self, Rows};
use super::session::Entitlement;
use super::{filter, questions};
use crate::model::health::{Question, Unread};
use tokio_postgres::error::SqlState;

/// Waiting sessions that are looked at one by one. Each of them costs the lock manager a moment; with 50 that is some
/// 15 ms even when all of them stand in one queue.
const WAITERS: usize = 50;

/// A statement of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Server,
    Sessions,
    Databases,
    RoleLimits,
    Seldom,
    Waits,
    Prepared,
    Horizon,
    Closed,
    Settings,
    Overrides,
    LoginRoles,
}

/// The statements of a look, which depend on nothing but the server's version and what is wanted.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) version_num: i32,
    /// Those of one message; none where it is known to be refused.
    pub(super) at_once: Vec<Asked>,
    /// The same, for one question after the other.
    alone: Vec<Asked>,
}

/// A statement, what it brings, and what is not known where it is refused.
#[derive(Debug)]
pub(super) struct Asked {
    part: Part,
    about: &'static [Question],
    text: String,
    /// Before any SET of a limit.
    is_first: bool,
}

impl Asked {
    pub(super) fn new(part: Part, about: &'static [Question], text: String) -> Self {
        Self { part, about, text, is_first: part == Part::Settings }
    }
}

/// The answers, and what was refused.
#[derive(Debug, Default)]
pub(super) struct Answered {
    rows: BTreeMap<Part, Rows>,
    pub(super) unread: Vec<Unread>,
    /// What was asked in one message was refused.
    pub(super) one_by_one: bool,
}

impl Answered {
    pub(super) fn take(&mut self, part: Part) -> Rows {
        self.rows.remove(&part).unwrap_or_default()
    }

    /// Has what `seldom.sql` and `health.sql` have told of others as the answers of those.
    fn unfold(mut self) -> Result<Self, Error> {
        for row in self.take(Part::Seldom) {
            for (column, part) in
                [("prepared", Part::Prepared), ("horizon", Part::Horizon), ("closed", Part::Closed)]
            {
                self.rows.insert(part, rows::told(&row.word(column)?.unwrap_or_default()));
            }
        }
        for row in self.rows.get(&Part::Sessions).into_iter().flatten() {
            if let Some(waits) = row.word("waits")? {
                self.rows.insert(Part::Waits, rows::told(&waits));
                break;
            }
        }
        Ok(self)
    }
}

impl Db {
    /// The statements of a look.
    pub(super) fn asking(&self, selection: &Selection, wanted: &Wanted) -> Asking {
        let filter = filter::fragment(&selection.filter);
        let waits = self.waits_question(&filter, "", WaitsLookedAt::Longest(WAITERS));
        let seconds = |age| format!("count(*) filter (where seconds > {age}) over ()");
        let prepared = questions::Prepared {
            filter: &filter::of_prepared(&selection.filter),
            older: &wanted.older(seconds),
        };
        let (prepared, horizon, closed) = (prepared.sql(), questions::Horizon.sql(), closed_question());
        let sessions = |reach| self.health_question(selection, wanted, reach);
        let seldom = questions::Seldom {
            prepared: &told(&prepared),
            horizon: &told(&horizon),
            is_closed: IS_CLOSED,
            closed: &told(&closed),
        };
        let of_databases: &[Question] =
            if wanted.counters { &[Question::Slots, Question::Counters] } else { &[Question::Slots] };
        let of_sessions: &[Question] =
            if wanted.tallies { &[Question::Longest, Question::Tallies] } else { &[Question::Longest] };
        let databases =
            || Asked::new(Part::Databases, of_databases, self.databases_question(wanted.counters));
        Asking {
            version_num: self.version_num,
            at_once: vec![
                databases(),
                Asked::new(Part::Sessions, &[], sessions(Reach::Waits(&waits))),
                Asked::new(Part::Seldom, &[], seldom.sql()),
            ],
            alone: vec![
                databases(),
                Asked::new(Part::Sessions, &[Question::Slots], sessions(Reach::Logins)),
                Asked::new(Part::Sessions, of_sessions, sessions(Reach::Sessions)),
                Asked::new(Part::Waits, &[Question::Waits], waits),
                Asked::new(Part::Prepared, &[Question::Prepared], prepared),
                Asked::new(Part::Horizon, &[Question::Horizon], horizon),
                Asked::new(Part::Closed, &[Question::Closed], closed),
            ],
        }
    }

    /// Asks everything in one message, `more` with it. Where this role is kept from something, asks one question after the other, so
    /// that only that is missing.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(super) async fn answered(&self, asking: &Asking, more: &[Asked]) -> Result<Answered, Error> {
        if !asking.at_once.is_empty() {
            match self.at_once(more.iter().chain(&asking.at_once)).await {
                Err(error) if is_forbidden(&error) => {}
                answered => return answered?.unfold(),
            }
        }
        self.one_by_one(more.iter().chain(&asking.alone)).await
    }

    async fn at_once<'a>(&self, asked: impl Iterator<Item = &'a Asked>) -> Result<Answered, Error> {
        let (first, rest): (Vec<&Asked>, Vec<&Asked>) = asked.partition(|asked| asked.is_first);
        let texts = |asked: &[&Asked]| asked.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
        // Where no two are alike, each session is a group.
        let answers = self.look_first(Entitlement::Sessions, &texts(&first), &texts(&rest)).await?;
        let rows = first.iter().chain(&rest).map(|asked| asked.part).zip(answers).collect();
        Ok(Answered { rows, unread: Vec::new(), one_by_one: false })
    }

    /// A part that two questions bring is asked for by the second where the first is refused.
    async fn one_by_one<'a>(&self, asked: impl Iterator<Item = &'a Asked>) -> Result<Answered, Error> {
        let mut answered = Answered { one_by_one: true, ..Answered::default() };
        for one in asked {
            if answered.rows.contains_key(&one.part) {
                continue;
            }
            match self.at_once(std::iter::once(one)).await {
                Ok(answer) => answered.rows.extend(answer.rows),
                Err(error) if is_forbidden(&error) && one.part != Part::Server => {
                    for question in one.about {
                        if answered.unread.iter().all(|unread| unread.question != *question) {
                            answered.unread.push(Unread { question: *question, why: error.message.clone() });
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(answered)
    }

    /// The question about databases, with their `counters` where the server has them (14 and later).
    pub(super) fn databases_question(&self, counters: bool) -> String {
        let functions = [
            ("sessions", "sessions"),
            ("sessions_abandoned", "abandoned"),
            ("sessions_fatal", "fatal"),
            ("sessions_killed", "killed"),
            ("session_time", "session_ms"),
            ("active_time", "active_ms"),
            ("idle_in_transaction_time", "idle_in_transaction_ms"),
        ];
        let known = counters && self.version_num >= 140_000;
        let counter = |(function, column): (&str, &str)| match known {
            true => format!("pg_stat_get_db_{function}(d.oid) as {column}"),
            false => format!("null as {column}"),
        };
        questions::Databases { counters: &functions.map(counter).join(", ") }.sql()
    }
}

/// Whether a role is kept from what it asked, or the server has no such thing (query_to_xml, where it was built without XML), and the
/// session is as it was.
fn is_forbidden(error: &Error) -> bool {
    let unknown = [SqlState::UNDEFINED_FUNCTION, SqlState::FEATURE_NOT_SUPPORTED];
    let is_unknown = unknown.iter().any(|state| error.sqlstate.as_deref() == Some(state.code()));
    (error.kind == ErrorKind::PermissionDenied || is_unknown) && error.sqlstate.is_some() && !error.connecting
}
