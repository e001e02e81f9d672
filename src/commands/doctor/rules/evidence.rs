//! What the rules judge: what was watched of a server, and of the pooler before it.

use std::sync::Arc;

use crate::db::Scraped;
use crate::model::blocking::PreparedBlocker;
use crate::model::filter::Name;
use crate::model::health::{Culprit, Longest, PreparedXacts};
use crate::model::metric::DatabaseCounters;
use crate::model::pooler::{Link, PoolerFacts};
use crate::model::practice::{Origin, SessionLocks, SessionSource, Watched};
use crate::model::session::Session;
use crate::poolconf::provider;

/// Everything that the rules judge.
#[derive(Clone, Debug)]
pub(in crate::commands::doctor) struct Evidence {
    /// The last look.
    pub(in crate::commands::doctor) scraped: Scraped,
    /// The counters before the first look.
    pub(in crate::commands::doctor) before: Vec<DatabaseCounters>,
    /// The sessions that were there before the first look and may be counted only afterwards.
    pub(in crate::commands::doctor) counted_late: i64,
    /// Where the sessions of the last look come from.
    pub(in crate::commands::doctor) origins: Vec<Origin>,
    /// The sessions that are idle in a transaction at the last look, the oldest transaction first.
    pub(in crate::commands::doctor) left_open: Vec<Session>,
    /// The prepared transactions that sessions waited for at the last look, oldest first.
    pub(in crate::commands::doctor) prepared_blockers: Vec<PreparedBlocker>,
    /// All looks.
    pub(in crate::commands::doctor) watched: Watched,
    /// How long it was watched.
    pub(in crate::commands::doctor) seconds: f64,
    /// How long ago `before` was read: less than that where the server was away in between.
    pub(in crate::commands::doctor) counted_seconds: f64,
}

impl Evidence {
    /// Without the roles that a hosted service keeps for itself: nobody can act on what is found of them.
    pub(in crate::commands::doctor) fn of_customers(mut self) -> Self {
        let is_kept = |role: &Option<String>| role.as_deref().is_some_and(provider::keeps);
        self.origins.retain(|origin| !is_kept(&origin.role));
        Arc::make_mut(&mut self.scraped.login_roles).retain(|role| !provider::keeps(&role.name));
        self.left_open.retain(|session| !is_kept(&session.role));
        self.watched.sources.retain(|source, _| !is_kept(&source.role));
        self.watched.present.retain(|session| !is_kept(&session.source.role));
        self
    }
}

impl Evidence {
    /// Without the roles, applications, databases and prepared transactions of these names.
    pub(super) fn without(&self, names: &[&Name]) -> Self {
        let fits = |text: &str| names.iter().any(|name| name.fits(text));
        let is_named = |text: &Option<String>| text.as_deref().is_some_and(fits);
        let mut rest = self.clone();
        rest.origins
            .retain(|one| !(is_named(&one.role) || is_named(&one.database) || fits(&one.application_name)));
        let is_source = |source: &SessionSource| is_named(&source.role) || fits(&source.application_name);
        rest.watched.sources.retain(|source, _| !is_source(source));
        rest.watched.present.retain(|session| !is_source(&session.source));
        rest.prepared_blockers.retain(|one| !fits(&one.gid) && !fits(&one.owner));
        rest.left_open
            .retain(|one| !(is_named(&one.role) || is_named(&one.database) || fits(&one.application_name)));
        let facts = &mut rest.scraped.facts;
        facts.limits.retain(|limit| !fits(&limit.name));
        facts.closed.retain(|closed| !fits(&closed.database));
        // The others are known by their number alone: they stay found.
        let is_the_only = facts.prepared.count == 1;
        if is_the_only && facts.prepared.oldest.as_ref().is_some_and(|one| fits(&one.gid) || fits(&one.owner))
        {
            facts.prepared = PreparedXacts::default();
        }
        facts.idle_xact = idle_of(&rest.left_open);
        Arc::make_mut(&mut rest.scraped.login_roles).retain(|role| !fits(&role.name));
        rest
    }
}

/// The transactions that are left open, with the one that has been idle longest.
fn idle_of(left_open: &[Session]) -> Longest {
    let seconds = |session: &&Session| session.state_seconds.unwrap_or(0.0);
    let longest = left_open.iter().max_by(|one, other| seconds(one).total_cmp(&seconds(other)));
    let culprit = longest.map(|session| Culprit {
        pid: session.pid,
        database: session.database.clone(),
        role: session.role.clone(),
        backend_type: None,
        application_name: session.application_name.clone(),
        client: session.client.clone(),
        state: session.state.clone(),
    });
    Longest {
        count: i64::try_from(left_open.len()).unwrap_or(i64::MAX),
        seconds: longest.and_then(|session| session.state_seconds),
        culprit,
        ..Longest::default()
    }
}

/// The pooler before the server, where its console was named.
#[derive(Debug, Default)]
pub(in crate::commands::doctor) struct Pooled {
    /// What the console says.
    pub(in crate::commands::doctor) facts: PoolerFacts,
    /// Its connections.
    pub(in crate::commands::doctor) links: Vec<Link>,
    /// The server's idle sessions that hold advisory locks.
    pub(in crate::commands::doctor) locks: Vec<SessionLocks>,
    /// What leads to the server, as a connection string.
    pub(in crate::commands::doctor) server: String,
}
