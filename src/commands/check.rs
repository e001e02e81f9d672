//! `pgconn check`: a verdict over the health of a server's connections, for monitoring systems.

mod arguments;
mod pooler_limits;
mod words;

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::manual::{Group, Manual};
use super::shown::Shown;
use super::{Context, bounded, watch};
use crate::analyze::health::{self, Rule, Thresholds};
use crate::args::{Emergency, Filters};
use crate::db::console::Console;
use crate::db::{self, Db, ErrorKind, Selection};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::filter::Filter;
use crate::model::health::{Check, HealthFacts, Status};
use crate::model::pooler;
use crate::model::server::ServerContext;
use crate::model::suggestion::Lead;
use crate::observe::{Deadline, Observer, OfServer};
use crate::render::columns::Column;
use crate::render::json::List;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Report, Warning, nagios, tsv};

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Monitor,
    &[
        ("Is everything in order?", "pgconn check"),
        ("From cron: mail only when something is wrong", "pgconn check -q"),
        ("Only whether it can be logged in to, for a probe", "pgconn check reachable -t 2s"),
        ("Thresholds of one's own", "pgconn check --warning connections=70% --critical idle-xact=10m"),
        ("As a plugin of Nagios or Icinga, with performance data", "pgconn check -F nagios"),
        ("Does the pooler refuse clients, or keep them waiting?", "pgconn check -p 6432 -d pgbouncer"),
        (
            "Has anybody waited long at the pooler?",
            "pgconn check -p 6432 -d pgbouncer --warning pooler-waiting=5s",
        ),
    ],
)
.exits(&[
    ("0", "OK"),
    ("1", "WARNING"),
    ("2", "CRITICAL; also when it cannot connect or gets no answer in time"),
    ("3", "UNKNOWN: usage error, what decides is hidden from this role, or the result could not be written"),
]);

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rules to judge; all of them when none is named
    #[arg(value_name = "RULE", value_parser = arguments::RuleParser)]
    rules: Vec<Rule>,
    /// Warn outside this range (10, 10:, ~:10, 10:20, @10:20; numbers may be 80% or durations)
    #[arg(long, value_name = "RULE=RANGE", value_parser = arguments::threshold)]
    warning: Vec<arguments::Threshold>,
    /// Be critical outside this range
    #[arg(long, value_name = "RULE=RANGE", value_parser = arguments::threshold)]
    critical: Vec<arguments::Threshold>,
    /// Refused with a hint: thresholds belong to a rule
    #[arg(short = 'c', hide = true, value_name = "RANGE", value_parser = arguments::no_short_threshold)]
    short_critical: Option<String>,
    #[command(flatten)]
    filters: Filters,
}

impl Args {
    /// The rules that were asked for one by one, if only by a threshold: what is not judged of them is said.
    fn named(&self) -> Vec<Rule> {
        let thresholds = self.warning.iter().chain(&self.critical).map(|threshold| threshold.rule);
        self.rules.iter().copied().chain(thresholds).collect()
    }

    /// The rules to judge, each with its thresholds.
    fn policy(&self) -> Result<Vec<(Rule, Thresholds)>, Failure> {
        let wanted = |rule: &Rule| self.rules.is_empty() || self.rules.contains(rule);
        let mut policy: Vec<(Rule, Thresholds)> =
            Rule::ALL.into_iter().filter(wanted).map(|rule| (rule, rule.defaults())).collect();
        let critical = self.critical.iter().map(|threshold| (threshold, true));
        for (given, critical) in self.warning.iter().map(|threshold| (threshold, false)).chain(critical) {
            let Some((_, thresholds)) = policy.iter_mut().find(|(rule, _)| *rule == given.rule) else {
                let name = given.rule.name();
                let failure = Failure::usage(format!("there is a threshold for {name}, which is not judged"));
                return Err(failure.hinted(format!("name the rule, too: pgconn check {name}")));
            };
            let threshold = if critical { &mut thresholds.critical } else { &mut thresholds.warning };
            *threshold = Some(given.range);
        }
        for given in &self.warning {
            let critical = policy.iter().find(|(rule, _)| *rule == given.rule);
            let critical = critical.and_then(|(_, thresholds)| thresholds.critical);
            if critical.is_some_and(|critical| given.range.is_swallowed_by(&critical)) {
                let name = given.rule.name();
                let failure = Failure::usage(format!(
                    "the warning of {name} would never be given: it is critical before"
                ));
                return Err(
                    failure.hinted(format!("give a later --critical {name}=RANGE, or an earlier warning"))
                );
            }
        }
        Ok(policy)
    }
}

/// What one look brought.
enum Looked {
    /// Of a server.
    Server(Box<ServerLook>),
    /// Of a pooler's console.
    Pooler(Box<PoolerLook>),
}

/// What one look at a pooler's console brought.
struct PoolerLook {
    facts: pooler::PoolerFacts,
    head: Head,
    latency: Duration,
}

/// What one look at a server brought.
struct ServerLook {
    server_context: ServerContext,
    facts: HealthFacts,
    head: Head,
    latency: Duration,
    /// Names in the filters that do not exist.
    unknown_names: Vec<Warning>,
}

/// Judges and prints; the exit code is the verdict.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    if context.connection.emergency == Some(Emergency::Always) {
        return Err(Failure::usage("check takes no emergency lane")
            .hinted("a full server is what it is to find, not to get round")
            .into());
    }
    let policy = args.policy()?;
    let named = args.named();
    let selection = Selection { filter: args.filters.filter(), all_backends: args.filters.all_backends };
    let lead = context.lead();
    let observer = context.observer_of(context.endpoint()?.clone());
    watch::judge(context, observer, async |context, observer| {
        let (mut report, mut head) = match look(&selection, observer, context).await {
            Ok(Looked::Pooler(looked)) => {
                (CheckReport::of_pooler(&policy, &named, &looked, &lead), looked.head)
            }
            Ok(Looked::Server(looked)) => {
                (CheckReport::new(&of_server(&policy, &named), &looked, &lead), looked.head)
            }
            Err(error) => {
                let head = Head { target: context.aim(), ..Head::default() };
                (CheckReport::unreached(&of_server(&policy, &named), error, &lead)?, head)
            }
        };
        let fine = report.status == Status::Ok && !context.format().is_json();
        if !context.format().is_json() {
            // An alert's stderr is mailed by cron; that a pooler is there is no news, nor is more when all is well.
            let is_note = |warning: &mut Warning| {
                warning.code == super::THROUGH_POOLER || fine && warning.code == db::NOT_ENCRYPTED
            };
            report.notes = head.warnings.extract_if(.., is_note).map(|warning| warning.message).collect();
        }
        if fine {
            head.warnings.clear();
        }
        let silent = fine && context.flags.quiet && context.flags.output.is_none();
        let exit = Exit::Code(report.status.code());
        Ok(Shown { exit, silent, ..Shown::new(report, head) })
    })
    .await
}

/// Looks at what is there: a server, or a pooler's console.
async fn look(
    selection: &Selection,
    observer: &mut Observer<OfServer>,
    context: &Context,
) -> Result<Looked, db::Error> {
    let ask = async |deadline: &Deadline, db: &Db| ask(selection, deadline, db).await;
    let of_console = async |deadline: &Deadline, console: &Console| {
        let (facts, head) = (console.facts().await?, super::pooler::head(console));
        Ok(Looked::Pooler(Box::new(PoolerLook { facts, head, latency: deadline.used() })))
    };
    bounded::look(observer, context, ask, of_console).await
}

async fn ask(selection: &Selection, deadline: &Deadline, db: &Db) -> Result<Looked, db::Error> {
    let (server_context, facts) = db.health(selection).await?;
    let latency = deadline.used();
    // An application that is not there just now is no mistake; a database or role that does not exist is.
    let lasting = Filter { applications: Vec::new(), ..selection.filter.clone() };
    let unknown_names = super::did_you_mean(db, &lasting).await?;
    let mut head = super::head_of_look(db, &server_context, facts.connections.hidden);
    head.warnings.extend(unknown_names.iter().cloned());
    head.warnings.extend(words::untracked(facts.untracked));
    Ok(Looked::Server(Box::new(ServerLook { server_context, facts, head, latency, unknown_names })))
}

/// The answer of `check`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct CheckReport {
    /// The worst of all rules.
    status: Status,
    /// The exit code of this run.
    exit_code: u8,
    /// The worst of it in one line.
    summary: String,
    /// Connecting, logging in and looking; none when it did not come to that.
    latency_seconds: Option<f64>,
    /// Sessions that wait for a lock, or at a pooler clients that wait for a connection; none when that is hidden or unknown.
    waiting: Option<i64>,
    /// One per rule.
    checks: Vec<Check>,
    /// What is to be known about all of it.
    #[serde(skip)]
    notes: Vec<String>,
}

impl CheckReport {
    fn new(policy: &[(Rule, Thresholds)], looked: &ServerLook, lead: &Lead) -> Self {
        let latency = looked.latency.as_secs_f64();
        let checks = policy.iter().map(|(rule, thresholds)| {
            let verdict = health::judge(*rule, thresholds, &looked.facts, latency);
            let check = words::check(verdict, &looked.facts, &looked.server_context.rights.role, lead);
            words::about_nobody(check, *rule, &looked.unknown_names)
        });
        let waits = &looked.facts.waits;
        Self {
            latency_seconds: Some(latency),
            waiting: (waits.undecidable == 0).then_some(waits.waiting),
            ..Self::of(checks.collect())
        }
    }

    /// The report over a pooler: what its console does not show stays unknown, if it is asked for.
    fn of_pooler(policy: &[(Rule, Thresholds)], named: &[Rule], looked: &PoolerLook, lead: &Lead) -> Self {
        let latency = looked.latency.as_secs_f64();
        let judged = policy.iter().filter(|(rule, _)| {
            let shown = matches!(rule, Rule::Reachable | Rule::Connections | Rule::PoolerWaiting);
            shown || named.contains(rule)
        });
        let checks = judged
            .map(|(rule, thresholds)| words::of_pooler(*rule, thresholds, &looked.facts, latency, lead));
        let waiting = looked.facts.pools.iter().map(|pool| pool.clients_waiting).sum();
        Self { latency_seconds: Some(latency), waiting, ..Self::of(checks.collect()) }
    }

    /// The report when there was no answer to judge.
    fn unreached(policy: &[(Rule, Thresholds)], error: db::Error, lead: &Lead) -> Result<Self, Failure> {
        let status = match error.kind {
            ErrorKind::BadSettings | ErrorKind::BadValue | ErrorKind::Interrupted(_) => {
                return Err(error.into());
            }
            ErrorKind::UnsupportedServer => Status::Unknown,
            ErrorKind::PermissionDenied | ErrorKind::Server if !error.connecting => Status::Unknown,
            _ => Status::Critical,
        };
        let mut checks = Vec::new();
        if policy.iter().all(|(rule, _)| *rule != Rule::Reachable) {
            checks.push(words::unreached(Rule::Reachable, &Rule::Reachable.defaults(), status, &error, lead));
        }
        for (rule, thresholds) in policy {
            checks.push(words::unreached(*rule, thresholds, status, &error, lead));
        }
        Ok(Self::of(checks))
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

/// The rules for a server: without the pooler's, unless it is asked for.
fn of_server(policy: &[(Rule, Thresholds)], named: &[Rule]) -> Vec<(Rule, Thresholds)> {
    let judged = policy.iter().filter(|(rule, _)| *rule != Rule::PoolerWaiting || named.contains(rule));
    judged.copied().collect()
}

const fn mark(status: Status) -> Mark {
    match status {
        Status::Ok => Mark::Good,
        Status::Warning | Status::Unknown => Mark::Warn,
        Status::Critical => Mark::Bad,
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

    fn write_own(&self, out: &mut dyn Write) -> io::Result<()> {
        let measures = self.checks.iter().flat_map(|check| &check.measures);
        writeln!(out, "{}", nagios::line(&self.alert_line(), measures))?;
        // What follows the first line is long output: the other alerts with their culprits.
        for check in words::others(&self.checks, self.status) {
            let line = format!("{} {}: {}", check.rule, check.status.word(), check.message);
            writeln!(out, "{}", nagios::line(&line, std::iter::empty()))?;
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
