//! What is looked at when an act is over: whether those who were ended come back (where they come from is asked before they are
//! signalled, and who has come from there after), and whether those who waited for them still wait.

use std::collections::{HashMap, HashSet};

use super::blocking::OTHER_WAITS;
use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::{questions, sql};
use crate::model::act::Identity;

/// Where sessions come from that are about to be ended, and when that was asked.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    /// The time on the server's clock, RFC 3339; none when there are no sessions.
    since: Option<String>,
    by_pid: HashMap<i32, Origin>,
}

/// Where a session comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Origin {
    database: String,
    role: String,
    /// Hexadecimal bytes: a name can be in any encoding.
    application_name: String,
    client: Option<String>,
}

impl Origins {
    /// Those of these sessions; none where none of them can come back.
    pub(crate) fn of(mut self, pids: &HashSet<i32>) -> Option<Self> {
        self.by_pid.retain(|pid, _| pids.contains(pid));
        (!self.by_pid.is_empty()).then_some(self)
    }

    /// How many sessions they are of.
    pub(crate) fn sessions(&self) -> usize {
        self.by_pid.len()
    }
}

impl Db {
    /// Where these sessions come from, as far as they can come back.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn may_return(&self, identities: &[Identity]) -> Result<Origins, Error> {
        let list = |items: Vec<String>| format!("array[{}]", items.join(","));
        let question = questions::MayReturn {
            activity: &self.activity(),
            pids: &list(identities.iter().map(|identity| identity.pid.to_string()).collect()),
            backend_starts: &list(
                identities.iter().map(|identity| sql::literal(&identity.backend_start)).collect(),
            ),
        };
        let answers = self.look(&[question.sql()]).await?;
        let mut origins = Origins::default();
        for row in answers.iter().flatten() {
            let origin = Origin {
                database: row.required("datid")?,
                role: row.required("usesysid")?,
                application_name: row.required("application_name")?,
                client: row.word("client")?,
            };
            origins.since = row.word("now")?;
            origins.by_pid.insert(row.required("pid")?, origin);
        }
        Ok(origins)
    }

    /// How many sessions have come from there since.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn returned(&self, origins: &Origins) -> Result<i64, Error> {
        let different: HashSet<&Origin> = origins.by_pid.values().collect();
        let Some(since) = origins.since.as_deref().filter(|_| !different.is_empty()) else { return Ok(0) };
        let list = |value: fn(&Origin) -> Option<&String>| {
            let values =
                different.iter().map(|origin| value(origin).map_or("null".into(), |v| sql::literal(v)));
            format!("array[{}]", values.collect::<Vec<_>>().join(","))
        };
        let question = questions::Returned {
            activity: &self.activity(),
            databases: &list(|origin| Some(&origin.database)),
            roles: &list(|origin| Some(&origin.role)),
            applications: &list(|origin| Some(&origin.application_name)),
            clients: &list(|origin| origin.client.as_ref()),
            since: &sql::literal(since),
        };
        let answers = self.look(&[question.sql()]).await?;
        let row = answers.iter().flatten().next();
        row.ok_or_else(|| Error::new(ErrorKind::Protocol, "the answer has no count"))?.required("returned")
    }
    /// How many of these sessions wait.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn still_waiting(&self, pids: &[i32]) -> Result<i64, Error> {
        if pids.is_empty() {
            return Ok(0);
        }
        let pids: Vec<String> = pids.iter().map(i32::to_string).collect();
        let question = questions::StillWaiting {
            activity: &self.activity(),
            other_waits: OTHER_WAITS,
            pids: &format!("array[{}]", pids.join(",")),
        };
        let answers = self.look(&[question.sql()]).await?;
        let row = answers.iter().flatten().next();
        row.ok_or_else(|| Error::new(ErrorKind::Protocol, "the answer has no count"))?.required("waiting")
    }
}
