//! How clients use their connections: what `doctor` judges, and what it says about it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::session::Session;

/// How a rule of `doctor` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grade {
    /// As it should be.
    Pass,
    /// Cannot be told; the evidence says why.
    Unknown,
    /// Should be better.
    Warn,
    /// Is wrong.
    Fail,
}

/// What one rule of `doctor` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Finding {
    /// Its name.
    pub(crate) rule: &'static str,
    /// How it ended.
    pub(crate) status: Grade,
    /// The practice it is about.
    pub(crate) title: &'static str,
    /// What was seen on this server.
    pub(crate) evidence: String,
    /// What to do about it, when it did not pass.
    pub(crate) advice: Option<String>,
    /// The command or SQL to start with.
    pub(crate) next_command: Option<String>,
}

/// Client sessions that are alike in where they come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// As the clients set it; empty when they did not.
    pub(crate) application_name: String,
    /// Role that logged in.
    pub(crate) role: Option<String>,
    /// Whether that role has SUPERUSER.
    pub(crate) superuser: bool,
    /// Whether the role has a CONNECTION LIMIT.
    pub(crate) role_limited: bool,
    /// Database they are connected to.
    pub(crate) database: Option<String>,
    /// Whether the database has a CONNECTION LIMIT.
    pub(crate) database_limited: bool,
    /// Over the network, without TLS; none when hidden.
    pub(crate) plaintext: Option<bool>,
    /// How many.
    pub(crate) sessions: i64,
}

/// Who opens connections: the key by which sessions are told apart while they are watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    /// As the clients set it.
    pub(crate) application_name: String,
    /// Role that logged in.
    pub(crate) role: Option<String>,
}

/// What a source's sessions did while they were watched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conduct {
    /// Sessions at the first look.
    pub(crate) first: usize,
    /// Sessions at the last look.
    pub(crate) last: usize,
    /// Fewest sessions at any look.
    pub(crate) fewest: usize,
    /// Most sessions that were at work or in a transaction at one look.
    pub(crate) busiest: usize,
    /// Sessions that came while it was watched.
    pub(crate) born: BTreeSet<Identity>,
    /// Of all, those that went.
    pub(crate) gone: usize,
    present: BTreeSet<Identity>,
}

/// What tells a session from a later one with the same pid.
pub(crate) type Identity = (i32, Option<String>);

/// Several looks at the same server, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    /// How many looks there were.
    pub(crate) looks: usize,
    /// What each source did.
    pub(crate) sources: BTreeMap<Source, Conduct>,
}

impl Watched {
    /// Adds the next look.
    pub(crate) fn add(&mut self, sessions: &[Session]) {
        let mut now: BTreeMap<Source, Vec<&Session>> = BTreeMap::new();
        for session in sessions {
            let source =
                Source { application_name: session.application_name.clone(), role: session.role.clone() };
            now.entry(source).or_default().push(session);
        }
        for source in now.keys() {
            if !self.sources.contains_key(source) {
                self.sources.insert(source.clone(), Conduct::default());
            }
        }
        for (source, conduct) in &mut self.sources {
            let sessions = now.get(source).map(Vec::as_slice).unwrap_or_default();
            let present: BTreeSet<Identity> =
                sessions.iter().map(|session| (session.pid, session.backend_start.clone())).collect();
            let busy = sessions.iter().filter(|session| session.state.as_deref() != Some("idle")).count();
            if self.looks == 0 {
                conduct.first = present.len();
                conduct.fewest = present.len();
            } else {
                conduct.born.extend(present.difference(&conduct.present).cloned());
                conduct.gone += conduct.present.difference(&present).count();
                conduct.fewest = conduct.fewest.min(present.len());
            }
            conduct.last = present.len();
            conduct.busiest = conduct.busiest.max(busy);
            conduct.present = present;
        }
        self.looks += 1;
    }
}
