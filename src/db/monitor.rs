//! The questions of monitoring: everything that the rules of `check` judge, in one message and one look.

use std::collections::BTreeMap;

use super::blocking::WaitsLookedAt;
use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::fence::{closed_of, closed_question};
use super::look::{Selection, tally_of};
use super::rows::{Row, Rows, exactly};
use super::server_context::{server_context_of, server_context_question};
use super::settings::{login_role_of, settings_of, settings_questions};
use super::{filter, questions};
use crate::model::health::{
    Culprit, DatabaseUse, HealthFacts, HorizonHolder, HorizonKind, LockWaiters, Longest, PreparedXact,
    PreparedXacts, Question, Unread, Waiter,
};
use crate::model::metric::DatabaseCounters;
use crate::model::server::{ConnectionSlots, LoginRole, ServerContext};
use crate::model::settings::{ServerSettings, Setting};
use crate::model::usage::{Connections, LimitUse, Owner, Tally};

/// Waiting sessions that are looked at one by one. Each of them costs the lock manager a moment; with 50 that is some
/// 15 ms even when all of them stand in one queue.
const WAITERS: usize = 50;

/// What a look is to bring beyond what every one brings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Ages in seconds: how many are older.
    pub(crate) ages: Vec<f64>,
    /// Who is in which state.
    pub(crate) states: bool,
    /// What the server counts per database.
    pub(crate) counters: bool,
}

/// Everything that `metrics` measures.
#[derive(Clone, Debug)]
pub(crate) struct Scraped {
    /// The server and this role.
    pub(crate) server_context: ServerContext,
    /// What the rules of `check` judge.
    pub(crate) facts: HealthFacts,
    /// Client sessions by all that they are counted by.
    pub(crate) tallies: Vec<Tally>,
    /// Counters, databases with most sessions first.
    pub(crate) databases: Vec<DatabaseCounters>,
    /// The timeouts, and where they are set.
    pub(crate) settings: ServerSettings,
    /// Who can log in.
    pub(crate) login_roles: Vec<LoginRole>,
}

/// The answers to several questions, and which of them were refused.
#[derive(Debug, Default)]
struct Answered {
    rows: BTreeMap<Question, Rows>,
    unread: Vec<Unread>,
}

impl Answered {
    fn take(&mut self, question: Question) -> Rows {
        self.rows.remove(&question).unwrap_or_default()
    }
}

impl Db {
    /// Looks at everything that the rules judge. `selection` narrows the rules about sessions, never the slots. Counters come along
    /// when they are wanted.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn health(
        &self,
        selection: &Selection,
        wanted: &Wanted,
    ) -> Result<(ServerContext, HealthFacts, Vec<DatabaseCounters>), Error> {
        let mut questions = self.health_questions(selection, wanted);
        questions.extend(wanted.counters.then(|| (Question::Counters, questions::Databases.sql())));
        let mut answered = self.answered(None, &questions).await?;
        let server_context = server_context_of(&answered.take(Question::Server))?;
        let facts = self.facts_of(server_context.limits, &mut answered, wanted)?;
        let databases =
            answered.take(Question::Counters).iter().map(database_of).collect::<Result<_, _>>()?;
        Ok((server_context, facts, databases))
    }

    /// What the server counts per database.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn database_counters(&self) -> Result<Vec<DatabaseCounters>, Error> {
        let [rows] = exactly(self.look(&[questions::Databases.sql()]).await?)?;
        rows.iter().map(database_of).collect()
    }

    /// Looks at the same, and at what sessions can be counted by.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn scrape(&self, selection: &Selection) -> Result<Scraped, Error> {
        let wanted = Wanted::default();
        let mut questions = self.health_questions(selection, &wanted);
        let [first, overrides, login_roles] = settings_questions(Setting::TIMEOUTS);
        questions.extend([
            (Question::Tallies, self.tally_question(selection)),
            (Question::Counters, questions::Databases.sql()),
            (Question::Overrides, overrides),
            (Question::LoginRoles, login_roles),
        ]);
        let mut answered = self.answered(Some((Question::Settings, first)), &questions).await?;
        let server_context = server_context_of(&answered.take(Question::Server))?;
        let facts = self.facts_of(server_context.limits, &mut answered, &wanted)?;
        let tallies = answered.take(Question::Tallies).iter().map(tally_of).collect::<Result<_, _>>()?;
        let databases =
            answered.take(Question::Counters).iter().map(database_of).collect::<Result<_, _>>()?;
        let settings = settings_of(&answered.take(Question::Settings), &answered.take(Question::Overrides))?;
        let login_roles =
            answered.take(Question::LoginRoles).iter().map(login_role_of).collect::<Result<_, _>>()?;
        Ok(Scraped { server_context, facts, tallies, databases, settings, login_roles })
    }

    /// Each CONNECTION LIMIT there is, whether it has sessions or not, with what is used of it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn limits_in_use(&self) -> Result<Vec<LimitUse>, Error> {
        let [slots] = exactly(self.look(&[self.slots_question(&Selection::default())]).await?)?;
        limits_of(&slots)
    }

    /// Asks everything in one message, `first` before any SET of a limit. Where this role is kept from something, asks one question
    /// after the other, so that only that is missing.
    async fn answered(
        &self,
        first: Option<(Question, String)>,
        questions: &[(Question, String)],
    ) -> Result<Answered, Error> {
        let text = |asked: &(Question, String)| asked.1.clone();
        let before: Vec<String> = first.iter().map(text).collect();
        let rest: Vec<String> = questions.iter().map(text).collect();
        let names = || first.iter().chain(questions).map(|(question, _)| *question);
        match self.look_first(&before, &rest).await {
            Err(error) if is_forbidden(&error) => {}
            answers => {
                return Ok(Answered { rows: names().zip(answers?).collect(), unread: Vec::new() });
            }
        }
        let mut answered = Answered::default();
        for (at, (question, text)) in first.iter().chain(questions).enumerate() {
            let text = std::slice::from_ref(text);
            let (before, rest) = if at < before.len() { (text, &[][..]) } else { (&[][..], text) };
            match self.look_first(before, rest).await {
                Ok(answers) => {
                    answered.rows.extend(answers.into_iter().next().map(|rows| (*question, rows)));
                }
                Err(error) if is_forbidden(&error) && *question != Question::Server => {
                    answered.unread.push(Unread { question: *question, why: error.message });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(answered)
    }

    fn slots_question(&self, selection: &Selection) -> String {
        questions::Slots {
            activity: &self.activity(),
            filter: &filter::fragment(&selection.filter),
            scope: selection.scope(),
            settled: match self.version_num {
                // a hidden row without a database and a role is a login, or a process of the server's own
                180_000.. => {
                    "(not c.hidden or c.datid is not null or c.usesysid is not null or pg_is_in_recovery())"
                }
                _ => "true",
            },
        }
        .sql()
    }

    fn health_questions(&self, selection: &Selection, wanted: &Wanted) -> Vec<(Question, String)> {
        let activity = self.activity();
        let condition = filter::fragment(&selection.filter);
        let (activity, filter, scope) = (activity.as_str(), condition.as_str(), selection.scope());
        let older = |count: &dyn Fn(f64) -> String| {
            let counts = wanted.ages.iter().map(|age| count(*age));
            let list: Vec<String> = std::iter::once("null".to_owned()).chain(counts).collect();
            format!("concat_ws(',', {})", list.join(", "))
        };
        let states = if wanted.states { STATES } else { "" };
        let since = |age| {
            format!("count(*) filter (where k.since < clock_timestamp() - make_interval(secs => {age}))")
        };
        let seconds = |age| format!("count(*) filter (where seconds > {age}) over ()");
        let longest = questions::Longest { activity, filter, scope, states, older: &older(&since) };
        let prepared =
            questions::Prepared { filter: &filter::of_prepared(&selection.filter), older: &older(&seconds) };
        vec![
            (Question::Server, server_context_question()),
            (Question::Slots, self.slots_question(selection)),
            (Question::Longest, longest.sql()),
            (Question::Waits, self.waits_question(filter, "", WaitsLookedAt::Longest(WAITERS))),
            (Question::Prepared, prepared.sql()),
            (Question::Horizon, questions::Horizon.sql()),
            (Question::Closed, closed_question()),
        ]
    }

    fn facts_of(
        &self,
        limits: ConnectionSlots,
        answered: &mut Answered,
        wanted: &Wanted,
    ) -> Result<HealthFacts, Error> {
        let mut facts = slots_of(limits, &answered.take(Question::Slots))?;
        for row in &answered.take(Question::Longest) {
            let kind = row.word("kind")?.unwrap_or_default();
            if let Some(holder) = kind.strip_prefix("horizon ") {
                let age = row.required::<f64>("seconds")?;
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "ages in transactions are far below 2^53"
                )]
                let age = age as i64;
                let kind = if holder == "standby" { HorizonKind::Standby } else { HorizonKind::Session };
                facts.horizon.push(HorizonHolder { kind, age, who: culprit_of(row)?, name: None });
                continue;
            }
            let found = Longest {
                count: row.required("n")?,
                seconds: row.age("seconds")?,
                culprit: Some(culprit_of(row)?),
                older: older_of(row, wanted)?,
                ..Longest::default()
            };
            match kind.as_str() {
                "idle-xact" => facts.idle_xact = found,
                "long-query" => facts.long_query = found,
                "long-xact" => facts.long_xact = found,
                state => {
                    let state = state.strip_prefix("state ").unwrap_or(state);
                    facts.states.push((state.to_owned(), found));
                }
            }
        }
        facts.waits = waits_of(&answered.take(Question::Waits), self.version_num < 140_000)?;
        facts.prepared = prepared_of(&answered.take(Question::Prepared), wanted)?;
        for row in &answered.take(Question::Horizon) {
            facts.horizon.push(holder_of(row)?);
        }
        facts.closed = closed_of(&answered.take(Question::Closed))?;
        facts.unread = std::mem::take(&mut answered.unread);
        Ok(facts)
    }
}

/// Rows of `longest.sql` for each state there is.
const STATES: &str = "union all \
    select 'state ' || a.state, a.pid, coalesce(a.state_change, a.backend_start), 0 \
    from a where a.is_selected and a.state is not null";

/// Whether a role is kept from what it asked, and the session is as it was.
fn is_forbidden(error: &Error) -> bool {
    error.kind == ErrorKind::PermissionDenied && error.sqlstate.is_some() && !error.connecting
}

/// How many are older than each of the ages.
fn older_of(row: &Row, wanted: &Wanted) -> Result<Vec<(f64, i64)>, Error> {
    let numbers = row.word("older")?.unwrap_or_default();
    let numbers = numbers.split(',').filter_map(|number| number.parse().ok());
    Ok(wanted.ages.iter().copied().zip(numbers).collect())
}

fn holder_of(row: &Row) -> Result<HorizonHolder, Error> {
    let kind = match row.word("holder")?.as_deref() {
        Some("prepared") => HorizonKind::Prepared,
        _ => HorizonKind::Slot,
    };
    let who = Culprit { database: row.text("database")?, role: row.text("role")?, ..Culprit::default() };
    Ok(HorizonHolder { kind, age: row.required("age")?, who, name: row.text("name")? })
}

fn database_of(row: &Row) -> Result<DatabaseCounters, Error> {
    let seconds =
        |column: &str| Ok::<_, Error>(row.number::<f64>(column)?.map(|milliseconds| milliseconds / 1000.0));
    Ok(DatabaseCounters {
        database: row.text("database")?.unwrap_or_default(),
        sessions: row.number("sessions")?,
        abandoned: row.number("abandoned")?,
        fatal: row.number("fatal")?,
        killed: row.number("killed")?,
        session_seconds: seconds("session_ms")?,
        active_seconds: seconds("active_ms")?,
        idle_in_transaction_seconds: seconds("idle_in_transaction_ms")?,
    })
}

/// What `slots.sql` says behind its first row.
fn limits_of(rows: &Rows) -> Result<Vec<LimitUse>, Error> {
    let limits = rows.iter().skip(1).filter(|row| !row.is_null("connection_limit")).map(|row| {
        Ok(LimitUse {
            owner: if row.word("owner")?.as_deref() == Some("role") { Owner::Role } else { Owner::Database },
            name: row.text("name")?.unwrap_or_default(),
            used: row.required("used")?,
            hidden: row.required("hidden")?,
            limit: row.required("connection_limit")?,
        })
    });
    limits.collect()
}

fn slots_of(limits: ConnectionSlots, rows: &Rows) -> Result<HealthFacts, Error> {
    // none when this role is kept from it
    let Some(server) = rows.first() else {
        return Ok(HealthFacts { connections: Connections::new(limits, 0, 0), ..HealthFacts::default() });
    };
    let databases = rows.iter().skip(1).filter(|row| row.is_null("connection_limit")).map(|row| {
        Ok(DatabaseUse {
            name: row.text("name")?.unwrap_or_default(),
            used: row.required("used")?,
            hidden: row.required("hidden")?,
        })
    });
    Ok(HealthFacts {
        connections: Connections::new(limits, server.required("used")?, server.required("hidden")?),
        limits: limits_of(rows)?,
        databases: databases.collect::<Result<_, Error>>()?,
        logging_in: server.required("logging_in")?,
        undecidable: server.required("undecidable")?,
        untracked: server.required("untracked")?,
        ..HealthFacts::default()
    })
}

fn culprit_of(row: &Row) -> Result<Culprit, Error> {
    Ok(Culprit {
        pid: row.required("pid")?,
        database: row.text("database")?,
        role: row.text("role")?,
        backend_type: None,
        application_name: row.text("application_name")?.unwrap_or_default(),
        client: row.word("client")?,
        state: row.word("state")?,
    })
}

fn waits_of(rows: &Rows, at_most: bool) -> Result<LockWaiters, Error> {
    let mut waits = LockWaiters::default();
    for row in rows {
        if let Some(all) = row.number::<i64>("n")? {
            waits.undecidable = row.required("undecided")?;
            waits.waiting = all - waits.undecidable;
        }
        let waits_for = row.word("waits_for")?;
        let backend_type = row.word("backend_type")?.filter(|kind| kind != "client backend");
        waits.sessions.push(Waiter {
            who: Culprit { backend_type, ..culprit_of(row)? },
            selected: row.claim("selected")?,
            seconds: row.age("seconds")?,
            at_most: at_most || waits_for.as_deref() != Some("Lock"),
            waits_for,
            blocked_by: row.pids("blocked_by")?,
        });
    }
    Ok(waits)
}

fn prepared_of(rows: &Rows, wanted: &Wanted) -> Result<PreparedXacts, Error> {
    let Some(row) = rows.first() else { return Ok(PreparedXacts::default()) };
    Ok(PreparedXacts {
        count: row.required("n")?,
        oldest: Some(PreparedXact {
            gid: row.text("gid")?.unwrap_or_default(),
            owner: row.text("owner")?.unwrap_or_default(),
            database: row.text("database")?.unwrap_or_default(),
            seconds: row.age("seconds")?.unwrap_or_default(),
        }),
        older: older_of(row, wanted)?,
    })
}
