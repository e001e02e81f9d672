//! What `check` says of a look: the verdict of each rule, and the worst of them.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::{policy, words};
use crate::analyze::health::{self, Policy, Rule};
use crate::db::{self, ErrorKind, Selection};
use crate::error::Failure;
use crate::model::filter::Filter;
use crate::model::health::{Check, HealthFacts, Status};
use crate::model::pooler;
use crate::model::server::ServerContext;
use crate::model::suggestion::Lead;
use crate::render::columns::Column;
use crate::render::json::List;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Headline, Report, Warning, nagios, tsv};

/// What one look at a pooler's console brought.
pub(super) struct PoolerLook {
    pub(super) facts: pooler::PoolerFacts,
    pub(super) head: Head,
    pub(super) latency: Duration,
}

/// What one look at a server brought.
pub(super) struct ServerLook {
    pub(super) server_context: ServerContext,
    pub(super) facts: HealthFacts,
    pub(super) head: Head,
    pub(super) latency: Duration,
    /// Names in the filters that do not exist.
    pub(super) unknown_names: Vec<Warning>,
}

/// The answer of `check`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct CheckReport {
    /// The worst of all rules.
    pub(super) status: Status,
    /// The exit code of this run.
    exit_code: u8,
    /// The worst of it in one line.
    summary: String,
    /// Connecting, logging in and looking; none when it did not come to that.
    latency_seconds: Option<f64>,
    /// Sessions that wait, as `blockers` shows them, or at a pooler clients that wait for a connection; none when that is hidden or unknown.
    waiting: Option<i64>,
    /// One per rule.
    checks: Vec<Check>,
    /// What is to be known about all of it.
    #[serde(skip)]
    pub(super) notes: Vec<String>,
}

impl CheckReport {
    pub(super) fn new(policies: &[Policy], filter: &Filter, looked: &ServerLook, lead: &Lead) -> Self {
        let latency = looked.latency.as_secs_f64();
        let checks = policies.iter().map(|policy| {
            let verdict = health::judge(policy, &looked.facts, filter, latency);
            let check = words::check(verdict, &looked.facts, &looked.server_context.rights.role, lead);
            words::about_nobody(check, policy.rule, &looked.unknown_names)
        });
        let waits = &looked.facts.waits;
        Self {
            latency_seconds: Some(latency),
            waiting: (waits.undecidable == 0).then_some(waits.waiting),
            ..Self::of(checks.collect())
        }
    }

    /// The report over a pooler: what its console does not show stays unknown, if it is asked for.
    pub(super) fn of_pooler(
        policies: &[Policy],
        named: &[Rule],
        selection: &Selection,
        looked: &PoolerLook,
        lead: &Lead,
    ) -> Result<Self, Failure> {
        let judged = policies
            .iter()
            .filter(|policy| OF_POOLERS.contains(&policy.rule) || named.contains(&policy.rule));
        let filter = &selection.filter;
        policy::admit(filter, selection.all_backends, judged.clone().map(|policy| policy.rule))?;
        let facts = looked.facts.narrowed(&filter.databases, &filter.roles);
        Ok(Self::over_pooler(judged, &facts, looked.latency, lead))
    }

    /// The report when there was no answer to judge.
    pub(super) fn unreached(policies: &[Policy], error: db::Error, lead: &Lead) -> Result<Self, Failure> {
        if let ErrorKind::BadSettings | ErrorKind::BadValue | ErrorKind::Interrupted(_) = error.kind {
            return Err(error.into());
        }
        Ok(Self::all_unreached(policies, unreached_status(&error), &error, lead))
    }

    fn all_unreached(policies: &[Policy], status: Status, error: &db::Error, lead: &Lead) -> Self {
        let mut checks = Vec::new();
        if policies.iter().all(|policy| policy.rule != Rule::Reachable) {
            checks.push(words::unreached(&Policy::of(Rule::Reachable), status, error, lead));
        }
        for policy in policies {
            checks.push(words::unreached(policy, status, error, lead));
        }
        Self::of(checks)
    }

    /// The report over a server with all rules, of one look that took this long.
    pub(in crate::commands) fn of_server(
        policies: &[Policy],
        server_context: ServerContext,
        facts: HealthFacts,
        head: Head,
        latency: Duration,
        lead: &Lead,
    ) -> Self {
        let looked = ServerLook { server_context, facts, head, latency, unknown_names: Vec::new() };
        Self::new(&of_server(policies, &[]), &Filter::default(), &looked, lead)
    }

    /// The report over a pooler with all rules.
    pub(in crate::commands) fn of_console(
        policies: &[Policy],
        facts: &pooler::PoolerFacts,
        latency: Duration,
        lead: &Lead,
    ) -> Self {
        let judged = policies.iter().filter(|policy| OF_POOLERS.contains(&policy.rule));
        Self::over_pooler(judged, facts, latency, lead)
    }

    fn over_pooler<'a>(
        policies: impl Iterator<Item = &'a Policy>,
        facts: &pooler::PoolerFacts,
        latency: Duration,
        lead: &Lead,
    ) -> Self {
        let latency = latency.as_secs_f64();
        let checks = policies.map(|policy| words::of_pooler(policy, facts, latency, lead));
        let waiting = facts.pools.iter().map(|pool| pool.clients_waiting).sum();
        Self { latency_seconds: Some(latency), waiting, ..Self::of(checks.collect()) }
    }

    /// Adds the clients that wait at the pooler in front, which `waiting` counts, too.
    pub(in crate::commands) fn add_waiting_clients(
        &mut self,
        policies: &[Policy],
        facts: &pooler::PoolerFacts,
        latency: Duration,
        lead: &Lead,
    ) {
        let waiting = policies.iter().filter(|policy| policy.rule == Rule::PoolerWaiting);
        let clients = Self::over_pooler(waiting, facts, latency, lead);
        let mut checks = std::mem::take(&mut self.checks);
        checks.extend(clients.checks);
        let waiting = self.waiting.zip(clients.waiting).map(|(sessions, clients)| sessions + clients);
        *self = Self { latency_seconds: Some(latency.as_secs_f64()), waiting, ..Self::of(checks) };
    }

    /// The report over what did not answer, whatever the reason.
    pub(in crate::commands) fn of_unreached(policies: &[Policy], error: &db::Error, lead: &Lead) -> Self {
        let status = unreached_status(error);
        Self::all_unreached(&of_server(policies, &[]), status, error, lead)
    }

    /// The worst of all rules.
    pub(in crate::commands) const fn status(&self) -> Status {
        self.status
    }

    /// The worst of it in one line.
    pub(in crate::commands) fn summary(&self) -> &str {
        &self.summary
    }

    /// Whoever waits; none when that is hidden or unknown.
    pub(in crate::commands) const fn waiting(&self) -> Option<i64> {
        self.waiting
    }

    /// One per rule.
    pub(in crate::commands) fn checks(&self) -> &[Check] {
        &self.checks
    }

    fn of(checks: Vec<Check>) -> Self {
        let status = health::worst(checks.iter().map(|check| check.status));
        let summary = words::summary(&checks, status);
        Self {
            status,
            exit_code: status.code(),
            summary,
            latency_seconds: None,
            waiting: None,
            checks,
            notes: Vec::new(),
        }
    }

    fn alert_line(&self) -> String {
        format!("PGCONN {}: {}", self.status.word(), self.summary)
    }
}

/// How bad it is that nothing could be asked.
fn unreached_status(error: &db::Error) -> Status {
    match error.kind {
        ErrorKind::UnsupportedServer => Status::Unknown,
        ErrorKind::PermissionDenied | ErrorKind::Server if !error.connecting => Status::Unknown,
        _ => Status::Critical,
    }
}

/// Every rule that says something without a threshold, with its own.
///
/// # Errors
/// Never, of rules that nobody has changed.
pub(in crate::commands) fn all_policies() -> Result<Vec<Policy>, Failure> {
    policy::policies(&[], &[], &[])
}

/// The rules that a pooler's console can be judged by.
const OF_POOLERS: [Rule; 5] =
    [Rule::Reachable, Rule::Connections, Rule::Free, Rule::Closed, Rule::PoolerWaiting];

/// The rules for a server: without the pooler's, unless it is asked for.
pub(super) fn of_server(policies: &[Policy], named: &[Rule]) -> Vec<Policy> {
    let is_judged = |policy: &&Policy| policy.rule != Rule::PoolerWaiting || named.contains(&policy.rule);
    policies.iter().filter(is_judged).cloned().collect()
}

const fn mark(status: Status) -> Mark {
    match status {
        Status::Ok => Mark::Good,
        Status::Warning | Status::Unknown => Mark::Warn,
        Status::Critical => Mark::Bad,
    }
}

impl CheckReport {
    /// Whether the next command of a rule is what a warning proposes.
    pub(super) fn says(&self, warning: &Warning) -> bool {
        warning.hint.is_some() && self.checks.iter().any(|check| check.hint == warning.hint)
    }
}

impl Report for CheckReport {
    fn kind(&self) -> &'static str {
        "check"
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("checks", &self.checks)]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        let table = Table::of(COLUMNS, &self.checks, |check| match check.status {
            Status::Ok => Mark::Plain,
            status => mark(status),
        });
        let mut blocks =
            vec![Block::marked(mark(self.status), self.alert_line()), Block::Gap, Block::Table(table)];
        blocks.extend(self.notes.iter().map(|note| Block::marked(Mark::Dim, format!("note: {note}"))));
        let hints: Vec<&String> = self.checks.iter().filter_map(|check| check.hint.as_ref()).collect();
        if !hints.is_empty() {
            blocks.push(Block::Gap);
        }
        for (at, hint) in hints.iter().enumerate() {
            if !hints.iter().take(at).any(|earlier| earlier == hint) {
                blocks.push(Block::line(format!("next: {hint}")));
            }
        }
        blocks
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(COLUMNS, &self.checks)
    }

    fn headline(&self) -> Headline {
        Headline { mark: mark(self.status), text: format!("{}: {}", self.status.word(), self.summary) }
    }

    fn write_own(&self, out: &mut dyn Write) -> io::Result<()> {
        let measures = self.checks.iter().flat_map(|check| &check.measures);
        writeln!(out, "{}", nagios::line(&self.alert_line(), measures))?;
        // What follows the first line is long output: the other alerts with their culprits.
        for check in words::others(&self.checks, self.status) {
            let line = format!("{} {}: {}", check.rule, check.status.word(), check.message);
            writeln!(out, "{}", nagios::line(&line, std::iter::empty()))?;
        }
        // Why nothing could be asked, and what may be left on the server.
        let unreached = self.checks.iter().filter(|check| check.rule == "reachable");
        for hint in unreached.filter_map(|check| check.hint.as_ref()) {
            writeln!(out, "{}", nagios::line(&format!("next: {hint}"), std::iter::empty()))?;
        }
        Ok(())
    }
}

/// What is told of each check.
const COLUMNS: &[Column<Check>] = &[
    Column::table("STATUS", Align::Left, |check| check.status.word().into()),
    Column::new("RULE", Align::Left, "rule", |check| check.rule.into()),
    Column::script("status", |check| check.status.word().to_lowercase().into()),
    Column::script("value", |check| check.value.into()),
    Column::script("unit", |check| words::unit(check.unit).into()),
    Column::script("warning", |check| check.warning.as_ref().into()),
    Column::script("critical", |check| check.critical.as_ref().into()),
    Column::new("FOUND", Align::Told, "message", |check| (&check.message).into()),
    Column::script("hint", |check| check.hint.as_ref().into()),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(COLUMNS), [""; 0]);
    }
}
