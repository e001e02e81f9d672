//! The questions of monitoring: everything that the rules of `check` judge, in one message and one look.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Db;
use super::error::Error;
use super::fence::closed_of;
use super::health::{Identity, Reach, RoleLimit, Sessions, Wanted, databases_of, role_limits_of};
use super::look::Selection;
use super::parts::{Answered, Asked, Asking, Part};
use super::questions;
use super::rows::{Row, Rows, exactly};
use super::server_context::{server_context_of, server_context_question};
use super::session::Entitlement;
use super::settings::{login_role_of, settings_of, settings_questions};
use crate::model::health::{
    Culprit, HealthFacts, HorizonHolder, HorizonKind, LockWaiters, PreparedXact, PreparedXacts, Question,
    Waiter,
};
use crate::model::metric::DatabaseCounters;
use crate::model::order;
use crate::model::server::{ConnectionSlots, LoginRole, ServerContext};
use crate::model::settings::{ServerSettings, Setting};
use crate::model::usage::{LimitUse, Tally};

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
    pub(crate) settings: Arc<ServerSettings>,
    /// Who can log in.
    pub(crate) login_roles: Arc<Vec<LoginRole>>,
    /// How long ago the last two, the limits of roles, and what this role may do, were read.
    pub(crate) settings_age_seconds: f64,
}

/// How long what seldom changes is not asked for again.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// What a look brings that seldom changes, and that the next looks at the same server need not ask for: what cannot change while it
/// runs, and for a minute settings, roles, their limits, and what this role may do.
#[derive(Debug)]
pub(crate) struct Kept {
    at: Instant,
    /// How it is asked for what changes.
    asking: Asking,
    /// When the server started, in seconds since 1970.
    started: f64,
    server_context: ServerContext,
    role_limits: Vec<RoleLimit>,
    settings: Arc<ServerSettings>,
    login_roles: Arc<Vec<LoginRole>>,
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
        let asking = self.asking(selection, wanted);
        let mut answered = self.answered(&asking, &[server_asked(), role_limits_asked()]).await?;
        let server_context = server_context_of(&answered.take(Part::Server))?;
        let role_limits = role_limits_of(&answered.take(Part::RoleLimits))?;
        let told = self.told_by(&mut answered, server_context.limits, &role_limits, selection, wanted)?;
        Ok((server_context, told.facts, told.databases))
    }

    /// What the server counts per database.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn database_counters(&self) -> Result<Vec<DatabaseCounters>, Error> {
        let [rows] = exactly(self.look(&[self.databases_question(true)]).await?)?;
        let mut counters = rows.iter().map(counters_of).collect::<Result<Vec<_>, Error>>()?;
        order::sort_by(&mut counters, |one, other| one.database.cmp(&other.database));
        Ok(counters)
    }

    /// Looks at the same for all sessions, and at what they can be counted by. What is kept of looks before is not asked for again,
    /// unless it is a minute old, or of another server.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn scrape(&self, kept: &mut Option<Kept>) -> Result<Scraped, Error> {
        let wanted = Wanted { counters: true, tallies: true, ..Wanted::default() };
        let selection = Selection::default();
        let is_usable =
            |known: &Kept| known.at.elapsed() < KEPT_FOR && known.asking.version_num == self.version_num;
        if let Some(known) = kept.take().filter(is_usable) {
            let mut answered = self.answered(&known.asking, &[]).await?;
            let limits = known.server_context.limits;
            let told = self.told_by(&mut answered, limits, &known.role_limits, &selection, &wanted)?;
            if told.facts.unread.is_empty() && told.identity.started == known.started {
                let scraped = known.with(told);
                *kept = Some(known);
                return Ok(scraped);
            }
        }
        let [settings, overrides, login_roles] = settings_questions(Setting::TIMEOUTS);
        let more = [
            server_asked(),
            role_limits_asked(),
            Asked::new(Part::Settings, &[Question::Settings], settings),
            Asked::new(Part::Overrides, &[Question::Overrides], overrides),
            Asked::new(Part::LoginRoles, &[Question::LoginRoles], login_roles),
        ];
        let at = Instant::now();
        let mut asking = self.asking(&selection, &wanted);
        let mut answered = self.answered(&asking, &more).await?;
        if answered.one_by_one {
            // Each refusal is a line in the server's log: one a minute.
            asking.at_once.clear();
        }
        let server_context = server_context_of(&answered.take(Part::Server))?;
        let settings = settings_of(&answered.take(Part::Settings), &answered.take(Part::Overrides))?.into();
        let login_roles = answered.take(Part::LoginRoles);
        let login_roles = login_roles.iter().map(login_role_of).collect::<Result<Vec<_>, _>>()?.into();
        let role_limits = role_limits_of(&answered.take(Part::RoleLimits))?;
        let told = self.told_by(&mut answered, server_context.limits, &role_limits, &selection, &wanted)?;
        let started = told.identity.started;
        let known = Kept { at, asking, started, server_context, role_limits, settings, login_roles };
        let is_whole = told.facts.unread.is_empty();
        let scraped = known.with(told);
        *kept = is_whole.then_some(known);
        Ok(scraped)
    }

    /// Each CONNECTION LIMIT there is, whether it has sessions or not, with what is used of it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn limits_in_use(&self) -> Result<Vec<LimitUse>, Error> {
        let (selection, wanted) = (Selection::default(), Wanted::default());
        let sessions = self.health_question(&selection, &wanted, Reach::Sessions);
        let questions = [sessions, self.databases_question(false), questions::RoleLimits.sql()];
        let [sessions, databases, roles] = exactly(self.look_for(Entitlement::Sessions, &questions).await?)?;
        let databases = databases_of(&databases)?;
        let none = ConnectionSlots { max_connections: 0, superuser_reserved: 0, reserved: 0 };
        let sessions = Sessions::of(&sessions, &databases, none, &selection, &wanted)?;
        Ok(sessions.limits(&role_limits_of(&roles)?, &databases))
    }

    /// What the answers tell.
    fn told_by(
        &self,
        answered: &mut Answered,
        limits: ConnectionSlots,
        role_limits: &[RoleLimit],
        selection: &Selection,
        wanted: &Wanted,
    ) -> Result<Told, Error> {
        let of_databases = answered.take(Part::Databases);
        let databases = databases_of(&of_databases)?;
        let rows = answered.take(Part::Sessions);
        let mut sessions = Sessions::of(&rows, &databases, limits, selection, wanted)?;
        let mut counters: Vec<(i64, DatabaseCounters)> = Vec::new();
        for row in of_databases.iter().filter(|_| wanted.counters) {
            counters.push((sessions.in_database(row.required("oid")?), counters_of(row)?));
        }
        order::sort_by(&mut counters, |one, other| {
            other.0.cmp(&one.0).then_with(|| one.1.database.cmp(&other.1.database))
        });
        let mut facts = std::mem::take(&mut sessions.facts);
        facts.limits = sessions.limits(role_limits, &databases);
        facts.databases = sessions.without_limit(&databases);
        facts.waits = waits_of(&answered.take(Part::Waits), self.version_num < 140_000)?;
        facts.prepared = prepared_of(&answered.take(Part::Prepared), wanted)?;
        for row in &answered.take(Part::Horizon) {
            facts.horizon.push(holder_of(row)?);
        }
        facts.closed = closed_of(&answered.take(Part::Closed))?;
        facts.unread = std::mem::take(&mut answered.unread);
        Ok(Told {
            facts,
            tallies: sessions.tallies,
            databases: counters.into_iter().map(|(_, counters)| counters).collect(),
            identity: sessions.identity,
        })
    }
}

/// What is asked with every look.
struct Told {
    facts: HealthFacts,
    tallies: Vec<Tally>,
    /// Databases with most sessions first.
    databases: Vec<DatabaseCounters>,
    identity: Identity,
}

impl Kept {
    /// With what was asked now.
    fn with(&self, told: Told) -> Scraped {
        let mut server_context = self.server_context.clone();
        server_context.server.in_recovery = told.identity.in_recovery;
        server_context.uptime_seconds = told.identity.uptime_seconds;
        Scraped {
            server_context,
            facts: told.facts,
            tallies: told.tallies,
            databases: told.databases,
            settings: Arc::clone(&self.settings),
            login_roles: Arc::clone(&self.login_roles),
            settings_age_seconds: self.at.elapsed().as_secs_f64(),
        }
    }
}

fn server_asked() -> Asked {
    Asked::new(Part::Server, &[Question::Server], server_context_question())
}

fn role_limits_asked() -> Asked {
    Asked::new(Part::RoleLimits, &[Question::Slots], questions::RoleLimits.sql())
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

fn counters_of(row: &Row) -> Result<DatabaseCounters, Error> {
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
