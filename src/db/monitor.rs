//! The questions of monitoring: everything that the rules of `check` judge, in one message and one look.

use super::blocking::WaitsLookedAt;
use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::fence::{closed_of, closed_question};
use super::look::{Selection, tally_of};
use super::rows::{Row, Rows, exactly};
use super::server_context::{server_context_of, server_context_question};
use super::settings::{login_role_of, settings_of, settings_questions};
use super::{filter, questions, sql};
use crate::model::health::{Culprit, HealthFacts, LockWaiters, Longest, PreparedXact, PreparedXacts, Waiter};
use crate::model::metric::{DatabaseCounters, Exporter, ExporterActivity, ExporterDatabase, ExporterLocks};
use crate::model::server::{ConnectionSlots, LoginRole, ServerContext};
use crate::model::settings::{ServerSettings, Setting};
use crate::model::usage::{Connections, LimitUse, Owner, Tally};

/// Waiting sessions that are looked at one by one. Each of them costs the lock manager a moment; with 50 that is some
/// 15 ms even when all of them stand in one queue.
const WAITERS: usize = 50;

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

impl Db {
    /// Looks at everything that the rules judge. `selection` narrows the rules about sessions, never the slots.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn health(&self, selection: &Selection) -> Result<(ServerContext, HealthFacts), Error> {
        let [server_context, slots, longest, waits, prepared, closed] =
            exactly(self.look(&self.health_questions(selection)).await?)?;
        let server_context = server_context_of(&server_context)?;
        let facts = self.facts_of(server_context.limits, [&slots, &longest, &waits, &prepared, &closed])?;
        Ok((server_context, facts))
    }

    /// Looks at the same, and at what sessions can be counted by.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn scrape(&self, selection: &Selection) -> Result<Scraped, Error> {
        let mut questions = self.health_questions(selection).to_vec();
        questions.push(self.tally_question(selection));
        let [first, overrides, login_roles] = settings_questions(Setting::TIMEOUTS);
        questions.extend([questions::Databases.sql(), overrides, login_roles]);
        let answers = self.look_first(&[first], &questions).await?;
        let [
            at_server,
            server_context,
            slots,
            longest,
            waits,
            prepared,
            closed,
            tallies,
            databases,
            stored,
            login_roles,
        ] = exactly(answers)?;
        let server_context = server_context_of(&server_context)?;
        let facts = self.facts_of(server_context.limits, [&slots, &longest, &waits, &prepared, &closed])?;
        let tallies = tallies.iter().map(tally_of).collect::<Result<_, _>>()?;
        let databases = databases.iter().map(database_of).collect::<Result<_, _>>()?;
        let settings = settings_of(&at_server, &stored)?;
        let login_roles = login_roles.iter().map(login_role_of).collect::<Result<_, _>>()?;
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

    /// Reads what postgres_exporter reads about connections; of pg_stat_database these `columns`.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn exporter(
        &self,
        columns: impl Iterator<Item = &'static str>,
    ) -> Result<(ServerContext, Exporter), Error> {
        let columns: Vec<String> = columns.map(sql::literal).collect();
        let questions = [
            server_context_question(),
            questions::ExporterActivity.sql(),
            questions::ExporterDatabases { columns: &columns.join(", ") }.sql(),
            questions::ExporterLocks.sql(),
        ];
        let [server_context, activity, databases, locks] = exactly(self.look(&questions).await?)?;
        let exporter = Exporter {
            activity: activity
                .iter()
                .map(|row| {
                    Ok(ExporterActivity {
                        database: row.text("database")?.unwrap_or_default(),
                        state: row.word("state")?.unwrap_or_default(),
                        count: row.required("n")?,
                        max_tx_seconds: row.required("max_tx")?,
                    })
                })
                .collect::<Result<_, Error>>()?,
            databases: exporter_databases_of(&databases)?,
            locks: locks
                .iter()
                .map(|row| {
                    Ok(ExporterLocks {
                        database: row.text("database")?.unwrap_or_default(),
                        mode: row.word("mode")?.unwrap_or_default(),
                        count: row.required("n")?,
                    })
                })
                .collect::<Result<_, Error>>()?,
        };
        Ok((server_context_of(&server_context)?, exporter))
    }

    fn slots_question(&self, selection: &Selection) -> String {
        questions::Slots {
            activity: &self.activity(),
            filter: &filter::fragment(&selection.filter),
            scope: selection.scope(),
        }
        .sql()
    }

    fn health_questions(&self, selection: &Selection) -> [String; 6] {
        let activity = self.activity();
        let condition = filter::fragment(&selection.filter);
        let (activity, filter, scope) = (activity.as_str(), condition.as_str(), selection.scope());
        [
            server_context_question(),
            self.slots_question(selection),
            questions::Longest { activity, filter, scope }.sql(),
            self.waits_question(filter, "", WaitsLookedAt::Longest(WAITERS)),
            questions::Prepared.sql(),
            closed_question(),
        ]
    }

    fn facts_of(
        &self,
        limits: ConnectionSlots,
        [slots, longest, waits, prepared, closed]: [&Rows; 5],
    ) -> Result<HealthFacts, Error> {
        let mut facts = slots_of(limits, slots)?;
        for row in longest {
            let found = Longest {
                count: row.required("n")?,
                seconds: row.age("seconds")?,
                culprit: Some(culprit_of(row)?),
            };
            match row.word("kind")?.as_deref() {
                Some("idle-xact") => facts.idle_xact = found,
                Some("long-query") => facts.long_query = found,
                _ => facts.long_xact = found,
            }
        }
        facts.waits = waits_of(waits, self.version_num < 140_000)?;
        facts.prepared = prepared_of(prepared)?;
        facts.closed = closed_of(closed)?;
        Ok(facts)
    }
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

fn exporter_databases_of(rows: &Rows) -> Result<Vec<ExporterDatabase>, Error> {
    let mut databases: Vec<ExporterDatabase> = Vec::new();
    for row in rows {
        let datid = row.word("datid")?.unwrap_or_default();
        let column = (row.word("name")?.unwrap_or_default(), row.number("value")?);
        match databases.last_mut().filter(|database| database.datid == datid) {
            Some(database) => database.columns.push(column),
            None => databases.push(ExporterDatabase {
                datid,
                database: row.text("database")?.unwrap_or_default(),
                columns: vec![column],
            }),
        }
    }
    Ok(databases)
}

/// What `slots.sql` says behind its first row.
fn limits_of(rows: &Rows) -> Result<Vec<LimitUse>, Error> {
    let limits = rows.iter().skip(1).map(|row| {
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
    let server = rows.first().ok_or_else(|| Error::new(ErrorKind::Protocol, "the answer has no totals"))?;
    Ok(HealthFacts {
        connections: Connections::new(limits, server.required("used")?, server.required("hidden")?),
        limits: limits_of(rows)?,
        undecidable: server.required("undecidable")?,
        untracked: server.required("untracked")?,
        idle_xact: Longest::default(),
        long_query: Longest::default(),
        long_xact: Longest::default(),
        waits: LockWaiters::default(),
        prepared: PreparedXacts::default(),
        closed: Vec::new(),
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

fn prepared_of(rows: &Rows) -> Result<PreparedXacts, Error> {
    let Some(row) = rows.first() else { return Ok(PreparedXacts::default()) };
    Ok(PreparedXacts {
        count: row.required("n")?,
        oldest: Some(PreparedXact {
            gid: row.text("gid")?.unwrap_or_default(),
            owner: row.text("owner")?.unwrap_or_default(),
            database: row.text("database")?.unwrap_or_default(),
            seconds: row.age("seconds")?.unwrap_or_default(),
        }),
    })
}
