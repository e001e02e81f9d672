//! The questions of monitoring: everything that the rules of `check` judge, in one message and one look.

use super::look::{Selection, surroundings_of};
use super::rows::{Row, Rows};
use super::{Db, Error, Kind, filter, sql};
use crate::model::health::{Culprit, Facts, LimitUse, Longest, Owner, Prepared, PreparedXact, Waiter, Waits};
use crate::model::server::{Limits, Surroundings};
use crate::model::usage::Connections;

/// Waiting sessions that are looked at one by one. Each of them costs the lock manager a moment; with 50 that is some
/// 15 ms even when all of them stand in one queue.
const WAITERS: &str = "50";

impl Db {
    /// Looks at everything that the rules judge. `selection` narrows the rules about sessions, never the slots.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn health(&self, selection: &Selection) -> Result<(Surroundings, Facts), Error> {
        let activity = self.activity();
        let condition = filter::fragment(&selection.filter);
        let [waitstart, wait_seconds] = self.wait_clock();
        let values = [
            ("activity", activity.as_str()),
            ("filter", &condition),
            ("scope", selection.scope()),
            waitstart,
            wait_seconds,
            ("lock", ""),
            ("details", ""),
            ("limit", WAITERS),
        ];
        let questions = [sql::SURROUNDINGS, sql::SLOTS, sql::LONGEST, sql::WAITS, sql::PREPARED]
            .map(|question| sql::fill(question, &values));
        let answers = self.look(&questions).await?;
        let [surroundings, slots, longest, waits, prepared] =
            <[Rows; 5]>::try_from(answers).map_err(|_| Error::new(Kind::Protocol, "an answer is missing"))?;
        let surroundings = surroundings_of(&surroundings)?;
        let mut facts = slots_of(surroundings.limits, &slots)?;
        for row in &longest {
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
        facts.waits = waits_of(&waits, self.version_num < 140_000)?;
        facts.prepared = prepared_of(&prepared)?;
        Ok((surroundings, facts))
    }
}

fn slots_of(limits: Limits, rows: &Rows) -> Result<Facts, Error> {
    let server = rows.first().ok_or_else(|| Error::new(Kind::Protocol, "the answer has no totals"))?;
    let mut uses = Vec::new();
    for row in rows.iter().skip(1) {
        uses.push(LimitUse {
            owner: if row.word("owner")?.as_deref() == Some("role") { Owner::Role } else { Owner::Database },
            name: row.text("name")?.unwrap_or_default(),
            used: row.required("used")?,
            hidden: row.required("hidden")?,
            limit: row.required("connection_limit")?,
        });
    }
    Ok(Facts {
        connections: Connections::new(limits, server.required("used")?, server.required("hidden")?),
        limits: uses,
        undecidable: server.required("undecidable")?,
        untracked: server.required("untracked")?,
        idle_xact: Longest::default(),
        long_query: Longest::default(),
        long_xact: Longest::default(),
        waits: Waits::default(),
        prepared: Prepared::default(),
    })
}

fn culprit_of(row: &Row) -> Result<Culprit, Error> {
    Ok(Culprit {
        pid: row.required("pid")?,
        database: row.text("database")?,
        role: row.text("role")?,
        application_name: row.text("application_name")?.unwrap_or_default(),
        client: row.word("client")?,
        state: row.word("state")?,
    })
}

fn waits_of(rows: &Rows, at_most: bool) -> Result<Waits, Error> {
    let mut waits = Waits::default();
    for row in rows {
        if let Some(all) = row.number::<i64>("n")? {
            waits.undecidable = row.required("undecided")?;
            waits.waiting = all - waits.undecidable;
        }
        let blocked_by = row.word("blocked_by")?.unwrap_or_default();
        waits.sessions.push(Waiter {
            who: culprit_of(row)?,
            selected: row.claim("selected")?,
            seconds: row.age("seconds")?,
            at_most,
            blocked_by: blocked_by.split(',').filter_map(|pid| pid.parse().ok()).collect(),
        });
    }
    Ok(waits)
}

fn prepared_of(rows: &Rows) -> Result<Prepared, Error> {
    let Some(row) = rows.first() else { return Ok(Prepared::default()) };
    Ok(Prepared {
        count: row.required("n")?,
        oldest: Some(PreparedXact {
            gid: row.text("gid")?.unwrap_or_default(),
            owner: row.text("owner")?.unwrap_or_default(),
            database: row.text("database")?.unwrap_or_default(),
            seconds: row.age("seconds")?.unwrap_or_default(),
        }),
    })
}
