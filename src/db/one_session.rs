//! The questions about one session: what it is, what it holds and waits for, who stands before and behind it.

use super::act::named_is;
use super::blocking::{WaitsLookedAt, lock_of};
use super::connection::Db;
use super::error::Error;
use super::look::query_column;
use super::questions;
use super::rows::{Row, Rows, exactly};
use super::session::Entitlement;
use crate::model::act::Wanted;
use crate::model::lock::{Level, Lock};
use crate::model::one_session::{Neighbour, OneSession, SessionLock};
use crate::model::server::ServerContext;
use crate::model::session::Named;

/// How many of its locks are told at most: a dump of a large schema has tens of thousands.
const MOST_LOCKS: u32 = 200;

/// What is told of those who wait, beyond what every look at waits tells.
const DETAILS: &str =
    ", to_hex(floor(extract(epoch from s.backend_start))::int8) || '.' || to_hex(s.pid) as session_id";

impl Db {
    /// Looks at the session of this name, in one message; where it waits for a prepared transaction, for which in another one.
    /// `query_bytes` as in [`super::look::Listing`].
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn one_session(
        &self,
        named: Named,
        query_bytes: Option<u32>,
    ) -> Result<(ServerContext, OneSession), Error> {
        let wanted = Wanted { named: vec![named], ..Wanted::default() };
        let most = self.cheap_number_of_waits();
        let waits = self.waits_question("true", DETAILS, WaitsLookedAt::Longest(most));
        let locks = questions::ProcessLocks {
            activity: &self.activity(),
            named: &named_is("n", &wanted.named),
            waitstart: if self.version_num >= 140_000 { "l.waitstart" } else { "null::timestamptz" },
            lock_modes: &questions::LockModes.sql(),
            lock_object: &questions::LockObject.sql(),
            most: &MOST_LOCKS.to_string(),
        };
        let asked = self.act_questions(&wanted, &query_column(query_bytes), waits);
        let questions = [&asked[..], &[locks.sql()]].concat();
        let [server, sessions, processes, counts, leftovers, waits, own, locks] =
            exactly(self.look_for(Entitlement::Sessions, &questions).await?)?;
        let facts = [server, sessions, processes, counts, leftovers, waits, own];
        let (server_context, facts_of_acts) = self.act_facts_of(&facts, most)?;
        let [.., waits, _] = &facts;
        let mut one = OneSession { facts: facts_of_acts, ..OneSession::default() };
        one.neighbours = waits.iter().map(neighbour_of).collect::<Result<_, _>>()?;
        let state = one.facts.candidates.first().and_then(|candidate| candidate.session.state.clone());
        (one.locks, one.locks_total) = locks_of(&locks, state.as_deref() == Some("idle"))?;
        let waits_for_prepared =
            one.facts.candidates.first().map(|candidate| candidate.session.pid).filter(|pid| {
                one.facts.waits.iter().any(|wait| wait.pid == *pid && wait.blocked_by.contains(&0))
            });
        if let Some(pid) = waits_for_prepared {
            one.prepared = self.prepared_blockers(&[pid]).await?;
        }
        Ok((server_context, one))
    }
}

fn neighbour_of(row: &Row) -> Result<Neighbour, Error> {
    Ok(Neighbour {
        pid: row.number("pid")?,
        session_id: row.word("session_id")?,
        gid: None,
        database: row.text("database")?,
        role: row.text("role")?,
        application_name: row.text("application_name")?,
        client: row.word("client")?,
        backend_type: row.word("backend_type")?,
        state: row.word("state")?,
        wait_seconds: row.age("seconds")?,
        direct: false,
    })
}

/// The locks, and how many there are with those that are not told. What an idle session holds it holds for the session.
fn locks_of(rows: &Rows, idle: bool) -> Result<(Vec<SessionLock>, i64), Error> {
    let mut total = 0;
    let locks = rows.iter().map(|row| {
        total = row.required("n")?;
        let (lock, granted) = (lock_of(row)?, row.claim("granted")?);
        let level = Some(Level::Session).filter(|_| idle && granted && lock.kind == "advisory");
        Ok(SessionLock {
            lock: Lock { level, ..lock },
            granted,
            wait_seconds: row.age("wait_seconds")?.filter(|_| !granted),
            waiting: row.required("waiting")?,
        })
    });
    let locks = locks.collect::<Result<_, Error>>()?;
    Ok((locks, total))
}
