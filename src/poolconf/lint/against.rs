//! What a configuration is held against: a server and its pools, and the other files that it names.

use super::finding::{Findings, Place, Severity};
use crate::poolconf::pgbouncer::Version;

/// What the configuration is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Against {
    /// Slots that ordinary roles can take.
    pub(crate) usable: u64,
    /// What is left of them for pools after the reserve.
    pub(crate) budget: u64,
    /// The max_connections that nobody gave, so that no sum is more than a guess; `None` when somebody did.
    pub(crate) assumed: Option<u64>,
    /// Pools of the application: instances times processes.
    pub(crate) pools: u64,
    /// PgBouncer processes that run with this file.
    pub(crate) pooler_processes: u64,
    /// Users that connect through each database entry; unknown means those that the file names, at least one.
    pub(crate) users: Option<u64>,
    /// PgBouncer's version, when it is known.
    pub(crate) version: Option<Version>,
}

#[cfg(test)]
impl Against {
    /// A server with max_connections 100, and an application of eight pools.
    pub(crate) const DEFAULT_SERVER: Self = Self {
        usable: 97,
        budget: 85,
        assumed: None,
        pools: 8,
        pooler_processes: 1,
        users: None,
        version: None,
    };
}

/// What helps when max_connections is only assumed.
pub(super) const SAY_WHAT_IT_HAS: &str = "say what the server has with --max-connections N or --from-server";

impl Against {
    /// Holds the connections that `sum` speaks of against the slots that there are; `remedy` says how to have fewer.
    pub(super) fn judge(
        &self,
        connections: u64,
        place: Option<Place>,
        sum: &str,
        remedy: &str,
        findings: &mut Findings,
    ) {
        let (code, what) = if connections > self.usable {
            ("over_server", format!("{} for ordinary roles", self.usable))
        } else if connections > self.budget {
            ("over_budget", format!("{} left after the reserve", self.budget))
        } else {
            return;
        };
        let (severity, whose, remedy) = match self.assumed {
            Some(assumed) => (
                Severity::Note,
                format!("with an assumed max_connections of {assumed} the server has"),
                SAY_WHAT_IT_HAS,
            ),
            None if code == "over_server" => (Severity::Error, "the server has".to_owned(), remedy),
            None => (Severity::Warning, "the server has".to_owned(), remedy),
        };
        findings.add(place, severity, code, format!("{sum}; {whose} {what}"), remedy);
    }
}

/// Gives the text of another file that a configuration names, by its path as written there, or why it cannot.
pub(crate) type OtherFiles<'a> = &'a dyn Fn(&str) -> Result<String, String>;
