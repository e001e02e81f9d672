//! What one look at a target brought, as all routes need it.

use std::fmt::Debug;

use crate::model::metric::Family;

/// What one look brought; a look that failed brings one, too.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The metrics.
    pub(crate) families: Vec<Family>,
    /// What the rules say of it; none where nothing was judged.
    pub(crate) verdict: Option<Box<dyn Verdict>>,
    /// What people see of it.
    pub(crate) facts: Facts,
    /// The stable word for why it could not be asked; none when it answered.
    pub(crate) refused: Option<&'static str>,
}

impl Answer {
    /// What the verdict comes to; where there is none, nobody can say that it is well.
    pub(crate) fn health(&self) -> Health {
        self.verdict.as_ref().map_or(Health::Unhealthy, |verdict| verdict.health())
    }

    /// The verdict in one line.
    pub(crate) fn summary(&self) -> &str {
        self.verdict.as_ref().map(|verdict| verdict.summary()).unwrap_or_default()
    }

    /// What a rule found, in words; none where it was not judged.
    pub(crate) fn message(&self, rule: &str) -> Option<String> {
        let lines = self.verdict.as_ref()?.lines();
        lines.into_iter().find(|line| line.rule == rule).map(|line| line.message)
    }

    /// Sessions that wait for others; at a pooler, clients that wait for a connection.
    pub(crate) fn waiting(&self) -> Option<i64> {
        self.verdict.as_ref().and_then(|verdict| verdict.waiting())
    }
}

/// What the rules say of a target, and of which sessions; found out for those who ask for it, and a scrape does not.
pub(crate) trait Verdict: Debug {
    /// What it comes to.
    fn health(&self) -> Health;
    /// All of it in one line.
    fn summary(&self) -> &str;
    /// Sessions that wait for others; at a pooler, clients that wait for a connection.
    fn waiting(&self) -> Option<i64>;
    /// The JSON document of `/health`.
    fn document(&self) -> Vec<u8>;
    /// The verdict of each rule.
    fn lines(&self) -> Vec<Line>;
    /// Sessions by what they have in common.
    fn groups(&self) -> &[Group];
}

/// How a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Health {
    /// Nothing is wrong.
    Healthy,
    /// It warns: of waiting clients, say.
    Degraded,
    /// It is critical, or could not be judged.
    Unhealthy,
}

impl Health {
    /// The word in JSON and on the page.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// What people see of a target. Names may be anybody's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Where it is: `db1:5432`.
    pub(crate) place: String,
    /// What the server says of its version; none when it did not answer.
    pub(crate) version: Option<String>,
    /// Slots in use, by the sessions that may be seen.
    pub(crate) used: Option<i64>,
    /// Slots that ordinary roles can use.
    pub(crate) usable: Option<i64>,
    /// Sessions that are hidden.
    pub(crate) hidden: Option<i64>,
    /// The longest wait, in seconds.
    pub(crate) longest_wait_seconds: Option<f64>,
    /// The oldest open transaction, in seconds.
    pub(crate) oldest_xact_seconds: Option<f64>,
}

/// The verdict of a rule.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The rule.
    pub(crate) rule: String,
    /// `OK`, `WARNING`, `CRITICAL`, `UNKNOWN`.
    pub(crate) status: &'static str,
    /// What was found.
    pub(crate) message: String,
}

/// Sessions by one property, the largest groups first.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The property.
    pub(crate) by: &'static str,
    /// Each value with its sessions.
    pub(crate) rows: Vec<(String, i64)>,
}
