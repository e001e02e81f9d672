//! The questions around an act, and the act itself: who would be hit and what that would release, the guarded signal, and
//! what is left afterwards.

use super::blocking::WaitsLookedAt;
use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::guard::Access;
use super::look::{READ, Selection, session_of};
use super::rows::{Row, Rows, exactly};
use super::server_context::{server_context_of, server_context_question};
use super::session::{Entitlement, is_pooled};
use super::text_store::TextStore;
use super::{filter, questions, sql};
use crate::model::act::{
    ActFacts, Action, Candidate, HeldLocks, Identity, KnownSession, OWN_APPLICATION, Process, Remaining,
    StillIn, UnfinishedWork, Wait, Wanted,
};
use crate::model::order;
use crate::model::server::ServerContext;
use crate::model::session::Named;

/// How many waiting sessions are looked at: each costs the lock manager a moment of standstill, and with exclusive waiters
/// on one lock the edges grow with the square (200: 20,000).
const MOST_WAITERS: usize = 200;

/// The column of query texts where none is wanted.
const NO_QUERY: &str = "null as query";

/// How many signals the statement that sends them sends after each look: each can take the server a millisecond, and a look at
/// thousands of sessions takes half of one.
const SIGNALS_PER_LOOK: usize = 8;

/// Signals to be sent.
#[derive(Debug)]
pub(crate) struct SignalOrder<'a> {
    /// Which signal.
    pub(crate) action: Action,
    /// To whom.
    pub(crate) identities: &'a [Identity],
    /// As what they were asked for.
    pub(crate) wanted: &'a Wanted,
    /// False when identity alone decides, because our own cancel has changed what the filters look at.
    pub(crate) filtered: bool,
}

/// What the statement that signals says of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignalAnswer {
    /// The word of `signal.sql`; `signal` when it was to be sent.
    pub(crate) word: String,
    /// Whether the operating system took the signal.
    pub(crate) sent: bool,
    /// When the session started that has its pid now, as `backend_start` says it; none when none has.
    pub(crate) successor_start: Option<String>,
}

/// A session that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Still {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// Who it is and what it does is hidden, so that it may be another session by now.
    pub(crate) hidden: bool,
    /// What it waits for.
    pub(crate) wait_event: Option<String>,
    /// Whether it still runs the statement that it ran when the plan was made.
    pub(crate) running: bool,
}

impl Db {
    /// Everything a plan is made from.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn facts(&self, wanted: &Wanted) -> Result<(ServerContext, ActFacts), Error> {
        let waits = self.waits_question("true", "", WaitsLookedAt::Longest(MOST_WAITERS));
        let questions = self.act_questions(wanted, NO_QUERY, waits);
        let answers = exactly(self.look_for(Entitlement::Sessions, &questions).await?)?;
        self.act_facts_of(&answers, MOST_WAITERS)
    }

    /// The questions of [`Db::facts`], with `query` as the column of query texts and `waits` as the question who waits.
    pub(super) fn act_questions(&self, wanted: &Wanted, query: &str, waits: String) -> [String; 7] {
        let [sessions, processes] = self.candidate_questions(wanted, query);
        [
            server_context_question(),
            sessions,
            processes,
            questions::Locks.sql(),
            questions::Leftovers { activity: &self.activity() }.sql(),
            waits,
            questions::Own.sql(),
        ]
    }

    /// What the answers to [`Db::act_questions`] come to, of which `most` waits were asked for.
    pub(super) fn act_facts_of(
        &self,
        answers: &[Rows; 7],
        most: usize,
    ) -> Result<(ServerContext, ActFacts), Error> {
        let [server_context, sessions, processes, locks, leftovers, waits, own] = answers;
        let server_context = server_context_of(server_context)?;
        let facts = ActFacts {
            candidates: candidates_of(sessions, &server_context)?,
            processes: processes_of(processes)?,
            locks: locks_of(locks)?,
            unfinished: unfinished_of(leftovers)?,
            waits_cut: waits
                .iter()
                .try_fold(0, |most, row| Ok::<_, Error>(row.number::<usize>("n")?.unwrap_or(0).max(most)))?
                > most,
            waits: waits_of(waits)?,
            pooler: own.first().map(|own| self.pooler_of(own)).transpose()?.flatten(),
        };
        Ok((server_context, facts))
    }

    /// Which of these sessions are there, whatever kind of process they are.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn processes(&self, named: &[Named]) -> Result<Vec<Process>, Error> {
        let question =
            questions::Processes { activity: &self.activity(), named: &named_is("s", named) }.sql();
        let [rows] = exactly(self.look(&[question]).await?)?;
        processes_of(&rows)
    }

    /// What of the facts tells whether sessions may be acted on: who they are, and what this role may do. Neither locks nor waits.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn who_they_are(&self, wanted: &Wanted) -> Result<ActFacts, Error> {
        let questions =
            [vec![server_context_question()], self.candidate_questions(wanted, NO_QUERY).into()].concat();
        let [server_context, sessions, processes] =
            exactly(self.look_for(Entitlement::Sessions, &questions).await?)?;
        Ok(ActFacts {
            candidates: candidates_of(&sessions, &server_context_of(&server_context)?)?,
            processes: processes_of(&processes)?,
            ..ActFacts::default()
        })
    }

    /// Locks held; sessions that hold none are left out.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn locks(&self) -> Result<Vec<HeldLocks>, Error> {
        let answers = self.look_for(Entitlement::Sessions, &[questions::Locks.sql()]).await?;
        Ok(answers.iter().map(locks_of).collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// The questions who is meant, and what the named pids are; `query` is the column of query texts.
    fn candidate_questions(&self, wanted: &Wanted, query: &str) -> [String; 2] {
        let (activity, read) = (self.activity(), self.activity_in(READ));
        let named = !wanted.named.is_empty();
        let scope = if named {
            format!(
                "s.pid in (select coalesce(n.leader_pid, n.pid) from ({read}) n where {})",
                named_is("n", &wanted.named)
            )
        } else {
            format!("{} and s.pid <> pg_backend_pid()", Selection::default().scope())
        };
        let sessions = questions::Sessions {
            activity: &read,
            counts: "",
            filter: &filter::fragment(&wanted.filter),
            scope: &scope,
            keep: if named { "true" } else { "f.matches is not false" },
            cut: "",
            query,
            totals: "",
            order: "f.pid",
        }
        .sql();
        let processes =
            questions::Processes { activity: &activity, named: &named_is("s", &wanted.named) }.sql();
        [sessions, processes]
    }

    /// Where the pooler connects from that this session goes through.
    fn pooler_of(&self, own: &Row) -> Result<Option<String>, Error> {
        let pooled = is_pooled(self.login_info.pid(), own.required("pid")?);
        Ok(own.word("client")?.filter(|_| pooled))
    }

    /// Signals those sessions that are still what they were, in one statement that looks anew every few signals; returns the answer for each, in order.
    ///
    /// # Errors
    /// When the server does not answer or refuses; some may have been signalled then.
    pub(crate) async fn signal(&self, order: &SignalOrder<'_>) -> Result<Vec<SignalAnswer>, Error> {
        let flag = |claim: bool| if claim { "true" } else { "false" };
        let named = !order.wanted.named.is_empty();
        let filter = if order.filtered { filter::fragment(&order.wanted.filter) } else { "true".to_owned() };
        // To match a text can take longer than anything else.
        let by_text = order.filtered && !order.wanted.filter.queries.is_empty();
        let signals_per_look = if by_text { 1 } else { SIGNALS_PER_LOOK };
        let cancel = order.action == Action::Cancel;
        let statement = questions::Signal {
            signals_per_look: &signals_per_look.to_string(),
            activity: &self.activity_in("pg_stat_get_activity(p.pid)"),
            signal_rights: &questions::SignalRights.sql(),
            all_backends: flag(named && order.wanted.all_backends),
            spares_own: flag(!named && !order.wanted.pgconn_too),
            own: &sql::literal(OWN_APPLICATION),
            same_query: flag(cancel),
            filter: &filter,
            pids: &pids(order.identities),
            backend_starts: &backend_starts(order.identities),
            query_starts: &query_starts(order.identities),
            xact_starts: &still_in(order.identities, |still| match still {
                StillIn::Transaction(began) => Some(began),
                StillIn::State(_) => None,
            }),
            state_changes: &still_in(order.identities, |still| match still {
                StillIn::State(began) => Some(began),
                StillIn::Transaction(_) => None,
            }),
            signal: if cancel { "pg_cancel_backend" } else { "pg_terminate_backend" },
        }
        .sql();
        let rows = self.act(Access::Signal, &[statement]).await?;
        if rows.len() != order.identities.len() {
            let message = format!("{} signals got {} answers", order.identities.len(), rows.len());
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        let mut answers = rows
            .iter()
            .map(|row| {
                let place: usize = row.required("place")?;
                let answer = SignalAnswer {
                    word: row.word("verdict")?.unwrap_or_default(),
                    sent: row.claim("sent")?,
                    successor_start: row.word("successor_start")?,
                };
                Ok((place, answer))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        order::sort_by_key(&mut answers, |(place, _)| *place);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// Which of these sessions are still there.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn still_there(&self, identities: &[Identity]) -> Result<Vec<Still>, Error> {
        let question = questions::StillThere {
            pids: &pids(identities),
            backend_starts: &backend_starts(identities),
            query_starts: &query_starts(identities),
        }
        .sql();
        let answers = self.look(&[question]).await?;
        answers
            .into_iter()
            .flatten()
            .map(|row| {
                Ok(Still {
                    pid: row.required("pid")?,
                    hidden: row.claim("hidden")?,
                    wait_event: row.word("wait_event")?,
                    running: row.claim("running")?,
                })
            })
            .collect()
    }

    /// How many sessions are selected now; `known` are those of the plan.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn remaining(
        &self,
        wanted: &Wanted,
        known: &[KnownSession],
    ) -> Result<Remaining, Error> {
        let starts = known.iter().map(|session| quoted(session.backend_start.as_deref()));
        let question = questions::Remaining {
            activity: &self.activity(),
            filter: &filter::fragment(&wanted.filter),
            known: if wanted.named.is_empty() { "true" } else { "w.pid is not null" },
            pids: &array(known.iter().map(|session| session.pid.to_string())),
            backend_starts: &array(starts),
            acted_on: &array(known.iter().map(|session| session.acted_on.to_string())),
        }
        .sql();
        let answers = self.look(&[question]).await?;
        let row = answers.iter().flatten().next();
        let row = row.ok_or_else(|| Error::new(ErrorKind::Protocol, "the answer has no counts"))?;
        Ok(Remaining {
            matching: row.required("matching")?,
            new: row.required("new")?,
            other_backends: row.required("other_backends")?,
        })
    }
}

fn candidates_of(rows: &Rows, server_context: &ServerContext) -> Result<Vec<Candidate>, Error> {
    let mut texts = TextStore::default();
    rows.iter()
        .map(|row| {
            Ok(Candidate {
                session: session_of(row, server_context, &mut texts)?,
                matches: row.word("matches")?.map(|claim| claim == "t"),
                superuser: row.claim("of_superuser")?,
                prevents_wraparound: row.claim("prevents_wraparound")?,
            })
        })
        .collect()
}

fn processes_of(rows: &Rows) -> Result<Vec<Process>, Error> {
    rows.iter()
        .map(|row| {
            Ok(Process { pid: row.required("pid")?, own: row.claim("own")?, leader: row.number("leader")? })
        })
        .collect()
}

fn locks_of(rows: &Rows) -> Result<Vec<HeldLocks>, Error> {
    rows.iter()
        .map(|row| {
            Ok(HeldLocks {
                pid: row.required("pid")?,
                held: row.required("held")?,
                advisory: row.required("advisory")?,
            })
        })
        .collect()
}

fn unfinished_of(rows: &Rows) -> Result<Vec<UnfinishedWork>, Error> {
    rows.iter()
        .map(|row| {
            let (pid, object) = (row.required("pid")?, row.text("object")?);
            Ok(UnfinishedWork { pid, statement: row.required("work")?, object })
        })
        .collect()
}

fn waits_of(rows: &Rows) -> Result<Vec<Wait>, Error> {
    rows.iter()
        .map(|row| Ok(Wait { pid: row.required("pid")?, blocked_by: row.pids("blocked_by")? }))
        .collect()
}

/// The condition that the process of row `alias` is one of those named; `false` when none is.
pub(super) fn named_is(alias: &str, named: &[Named]) -> String {
    let one = |named: &Named| match named.started {
        None => format!("{alias}.pid = {}", named.pid),
        Some(started) => format!(
            "{alias}.pid = {} and ({alias}.hidden or floor(extract(epoch from {alias}.backend_start))::int8 = {started})",
            named.pid
        ),
    };
    let any: Vec<String> = named.iter().map(|named| format!("({})", one(named))).collect();
    if any.is_empty() { "false".into() } else { format!("({})", any.join(" or ")) }
}

fn array(values: impl Iterator<Item = String>) -> String {
    format!("array[{}]", values.collect::<Vec<_>>().join(","))
}

fn quoted(value: Option<&str>) -> String {
    value.map_or_else(|| "null".into(), sql::literal)
}

fn pids(identities: &[Identity]) -> String {
    array(identities.iter().map(|identity| identity.pid.to_string()))
}

fn backend_starts(identities: &[Identity]) -> String {
    array(identities.iter().map(|identity| quoted(Some(&identity.backend_start))))
}

fn query_starts(identities: &[Identity]) -> String {
    array(identities.iter().map(|identity| quoted(identity.query_start.as_deref())))
}

/// The moments that `which` takes, one for each identity; null as a whole where there is none at all.
fn still_in(identities: &[Identity], which: fn(&StillIn) -> Option<&String>) -> String {
    let moments = || identities.iter().map(|identity| identity.still_in.as_ref().and_then(which));
    if moments().all(|moment| moment.is_none()) {
        return "null".into();
    }
    array(moments().map(|moment| quoted(moment.map(String::as_str))))
}
