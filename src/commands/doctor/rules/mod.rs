//! The rules of `doctor`: pure functions from what was watched to findings, words included. One file per subject.

mod identity;
mod pooler;
mod poolers;
mod pools;
mod slots;
mod transactions;

use std::sync::Arc;

use super::accepted::Accepted;
use crate::db::Scraped;
use crate::model::blocking::PreparedBlocker;
use crate::model::filter::Name;
use crate::model::health::{Culprit, Longest, PreparedXacts, Question};
use crate::model::metric::DatabaseCounters;
use crate::model::order;
use crate::model::pooler::{Link, PoolerFacts};
use crate::model::practice::{Finding, Grade, Origin, SessionLocks, SessionSource, Watched};
use crate::model::session::Session;
use crate::model::suggestion::{Command, Lead, Suggestion};
use crate::poolconf::provider;
use crate::render::text;

/// Everything that the rules judge.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// The last look.
    pub(super) scraped: Scraped,
    /// The counters before the first look.
    pub(super) before: Vec<DatabaseCounters>,
    /// The sessions that were there before the first look and may be counted only afterwards.
    pub(super) counted_late: i64,
    /// Where the sessions of the last look come from.
    pub(super) origins: Vec<Origin>,
    /// The sessions that are idle in a transaction at the last look, the oldest transaction first.
    pub(super) left_open: Vec<Session>,
    /// The prepared transactions that sessions waited for at the last look, oldest first.
    pub(super) prepared_blockers: Vec<PreparedBlocker>,
    /// All looks.
    pub(super) watched: Watched,
    /// How long it was watched.
    pub(super) seconds: f64,
    /// How long ago `before` was read: less than that where the server was away in between.
    pub(super) counted_seconds: f64,
}

impl Evidence {
    /// Without the roles that a hosted service keeps for itself: nobody can act on what is found of them.
    pub(super) fn of_customers(mut self) -> Self {
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
    fn without(&self, names: &[&Name]) -> Self {
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
pub(super) struct Pooled {
    /// What the console says.
    pub(super) facts: PoolerFacts,
    /// Its connections.
    pub(super) links: Vec<Link>,
    /// The server's idle sessions that hold advisory locks.
    pub(super) locks: Vec<SessionLocks>,
    /// What leads to the server, as a connection string.
    pub(super) server: String,
}

/// What one rule found, its next step not yet led to a server.
#[derive(Debug)]
pub(super) struct Found {
    rule: &'static str,
    pub(super) status: Grade,
    title: &'static str,
    evidence: String,
    advice: Option<String>,
    next: Option<Suggestion>,
    /// Whether the next step is about the pooler.
    at_pooler: bool,
}

impl Found {
    /// What is printed of it: its next command has the flags that lead to the server, or to the pooler.
    pub(super) fn with_next_command(self, server: &Lead, pooler: &Lead) -> Finding {
        let Self { rule, status, title, evidence, advice, next, at_pooler } = self;
        let next_command = next.map(|next| next.shown(if at_pooler { pooler } else { server }));
        Finding { rule, status, title, evidence, advice, next_command }
    }

    /// It is known, and accepted.
    fn accepted(self, accepted: &Accepted) -> Self {
        let until = accepted.until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
        let advice = Some(format!("accepted{until}: {}", accepted.reason));
        Self { status: Grade::Accepted, advice, next: None, ..self }
    }

    /// Marks its next step as one about the pooler.
    fn at_pooler(self) -> Self {
        Self { at_pooler: true, ..self }
    }
}

/// What judges by one rule.
type Judge = fn(&Evidence) -> Found;

/// The rules about the server, by their names.
const OF_SERVER: [(&str, Judge); 19] = [
    ("pooling", pools::pooling),
    ("pool-size", pools::pool_size),
    ("pool-growth", pools::pool_growth),
    ("idle-sessions", pools::idle_sessions),
    ("serverless", poolers::serverless),
    ("long-work", poolers::long_work),
    ("slots", slots::slots),
    ("connection-limits", slots::limits),
    ("closed", slots::closed),
    ("idle-in-transaction", transactions::left_open),
    ("vacuum-horizon", transactions::horizon),
    ("prepared-xact", transactions::prepared),
    ("statement-timeout", transactions::statement_timeout),
    ("idle-in-transaction-timeout", transactions::idle_timeout),
    ("application-name", identity::application_name),
    ("superuser", identity::superuser),
    ("tls", identity::tls),
    ("monitoring-role", identity::visibility),
    ("reserved-slots", slots::reserved),
];

/// Those about a pooler, which are judged where its console is named.
const OF_POOLER: [&str; 4] = ["pooler-mode", "pooler-caps", "pooler-auth", "pooler-prepared"];

/// Whether what a rule finds can be told by names: counters and the oldest of each kind stand for all.
pub(super) fn tells_names_apart(rule: &str) -> bool {
    !OF_POOLER.contains(&rule) && !["pooling", "vacuum-horizon"].contains(&rule)
}

/// The names of all rules.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OF_SERVER.iter().map(|(name, _)| *name).chain(OF_POOLER)
}

/// Judges by the rules that are `wanted`; the worst first. What is accepted in all that it finds is no trouble, and what is accepted of
/// it in part does not hide the rest.
pub(super) fn findings(
    evidence: &Evidence,
    pooler: Option<&Pooled>,
    wanted: impl Fn(&str) -> bool,
    accepted: &[&Accepted],
) -> Vec<Found> {
    let of_server = OF_SERVER.iter().filter(|(name, _)| wanted(name));
    let mut findings: Vec<Found> = of_server.map(|(_, judge)| judged(evidence, *judge, accepted)).collect();
    if let Some(pooled) = pooler {
        let of_pooler = pooler::findings(pooled, evidence).into_iter().filter(|found| wanted(found.rule));
        findings.extend(of_pooler.map(|found| match whole(accepted, found.rule) {
            Some(accepted) => found.accepted(accepted),
            None => found,
        }));
    }
    for finding in &mut findings {
        let why = evidence.scraped.facts.why_any_unread(asked_for(finding.rule));
        if let Some(why) = why {
            *finding = Rule::new(finding.rule, finding.title).unknown(why);
        }
    }
    if evidence.scraped.server_context.server.in_recovery {
        findings.iter_mut().for_each(elsewhere);
    }
    order::sort_by_key(&mut findings, |finding| match finding.status {
        Grade::Fail => 0,
        Grade::Warn => 1,
        Grade::Unknown => 2,
        Grade::Accepted => 3,
        Grade::Pass => 4,
    });
    findings
}

/// What a rule finds; accepted when nothing is left without what is.
fn judged(evidence: &Evidence, judge: Judge, accepted: &[&Accepted]) -> Found {
    let found = judge(evidence);
    if !matches!(found.status, Grade::Warn | Grade::Fail) {
        return found;
    }
    if let Some(whole) = whole(accepted, found.rule) {
        return found.accepted(whole);
    }
    let of_rule = accepted.iter().filter(|accepted| accepted.rule == found.rule);
    let names: Vec<(&Accepted, &Name)> =
        of_rule.filter_map(|accepted| Some((*accepted, accepted.name.as_ref()?))).collect();
    if names.is_empty() {
        return found;
    }
    let without = |names: &[(&Accepted, &Name)]| {
        judge(&evidence.without(&names.iter().map(|(_, name)| *name).collect::<Vec<_>>()))
    };
    let rest = without(&names);
    if rest.status != Grade::Pass {
        return rest;
    }
    // The one without which something would be left.
    let decides = (0..names.len()).find(|at| {
        let others = [&names[..*at], &names[*at + 1..]].concat();
        without(&others).status != Grade::Pass
    });
    let (reason, _) = names[decides.unwrap_or(0)];
    found.accepted(reason)
}

/// What accepts all that a rule finds.
fn whole<'a>(accepted: &[&'a Accepted], rule: &str) -> Option<&'a Accepted> {
    accepted.iter().copied().find(|accepted| accepted.rule == rule && accepted.name.is_none())
}

/// What a rule judges, as far as a role can be kept from it: what could not be read is no good news.
fn asked_for(rule: &str) -> &'static [Question] {
    match rule {
        "slots" => &[Question::Slots],
        "closed" => &[Question::Closed],
        "idle-in-transaction" => &[Question::Longest],
        "vacuum-horizon" => &[Question::Horizon, Question::Longest],
        "prepared-xact" => &[Question::Prepared],
        "statement-timeout" | "idle-in-transaction-timeout" => {
            &[Question::Settings, Question::Overrides, Question::LoginRoles]
        }
        "pooling" => &[Question::Counters],
        _ => &[],
    }
}

/// A standby takes no change of what the server stores.
fn elsewhere(finding: &mut Found) {
    if finding.next.as_ref().is_some_and(Suggestion::is_for_primary) {
        finding.advice = finding.advice.take().map(|advice| format!("on the primary: {advice}"));
    }
}

/// A rule's name, and the practice that it is about.
#[derive(Clone, Copy, Debug)]
struct Rule {
    name: &'static str,
    title: &'static str,
}

impl Rule {
    const fn new(name: &'static str, title: &'static str) -> Self {
        Self { name, title }
    }

    fn pass(self, evidence: impl Into<String>) -> Found {
        self.without_advice(Grade::Pass, evidence.into())
    }

    /// It cannot be judged; the evidence says why.
    fn unknown(self, reason: impl Into<String>) -> Found {
        self.without_advice(Grade::Unknown, reason.into())
    }

    fn without_advice(self, status: Grade, evidence: String) -> Found {
        let Self { name, title } = self;
        Found { rule: name, status, title, evidence, advice: None, next: None, at_pooler: false }
    }

    /// Something is found, with what to do about it.
    fn found(self, status: Grade, evidence: String, advice: &str, next: impl Into<Suggestion>) -> Found {
        let (advice, next) = (Some(advice.to_owned()), Some(next.into()));
        Found { advice, next, ..self.without_advice(status, evidence) }
    }
}

fn application(name: &str) -> &str {
    if name.is_empty() { "(no application_name)" } else { name }
}

fn named(source: &SessionSource) -> String {
    let role = source.role.as_ref().map(|role| format!(" (role {role})")).unwrap_or_default();
    format!("{}{role}", application(&source.application_name))
}

/// `7 sessions`.
fn counted(number: usize, noun: &str) -> String {
    text::count(i64::try_from(number).unwrap_or(i64::MAX), noun)
}

/// The first names of a list, and how many more there are.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 3;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn hidden(evidence: &Evidence) -> Option<String> {
    let hidden = evidence.scraped.facts.undecidable;
    let role = &evidence.scraped.server_context.rights.role;
    (hidden > 0).then(|| format!("{} hidden from role \"{role}\"", text::count(hidden, "session")))
}

/// The sessions of a source. An empty application name cannot be filtered for; its role can.
fn listing(source: &SessionSource) -> Command {
    let all = Command::pgconn("ls");
    match (source.application_name.as_str(), &source.role) {
        ("", Some(role)) => all.only("--role", role),
        ("", None) => all,
        (name, _) => all.only("--app", name),
    }
}

#[cfg(test)]
mod tests;
