//! `pgconn doctor`: an audit of how a server's connections are used, with evidence from this server, advice and the next
//! command. It watches for a while, because a single look shows neither churn nor leaks.

mod accepted;
#[cfg(test)]
mod golden;
mod rules;
mod watching;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::head::about_connection;
use super::manual::{Group, Manual};
use super::pooler::console;
use super::shown::Shown;
use super::{Context, watch};
use crate::args;
use crate::db::{self, Db};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::nearest::nearest;
use crate::model::practice::{Finding, Grade};
use crate::model::suggestion::Lead;
use crate::observe::Patience;
use crate::render::columns::Column;
use crate::render::json::List;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Headline, Report, Warning, text, tsv};
use rules::Pooled;
use watching::{Ended, Gathered, Watcher};

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Monitor,
    &[
        ("What is wrong with how connections are used?", "pgconn doctor"),
        ("Watch for a minute: slow leaks and rare bursts", "pgconn doctor --for 1m"),
        ("In a pipeline, with the exit codes of check", "pgconn doctor --exit-code --json"),
        ("The pooler's settings, too", "pgconn doctor --pooler port=6432"),
        ("Everything but what is somebody else's to mend", "pgconn doctor --ignore tls,superuser"),
    ],
);

/// The names of the rules.
pub(super) fn rule_names() -> impl Iterator<Item = &'static str> {
    rules::names()
}

/// Arguments of `doctor`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// How long to watch for churn and leaks
    #[arg(long = "for", value_name = "DUR", default_value = "10s", value_parser = args::duration)]
    sample: Duration,
    /// End as `check` does
    ///
    /// 0 pass, 1 warn, 2 fail or no connection, 3 unknown.
    #[arg(long)]
    exit_code: bool,
    /// Rules to judge by; of the flag that selects servers, too.
    #[arg(skip)]
    only: Vec<String>,
    /// Do not judge by this rule (repeat for more)
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = rule_name())]
    ignore: Vec<String>,
    /// A file of findings that are known and accepted
    ///
    /// In TOML: [[accepted]] entries with rule, reason, name, until.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    accepted: Option<PathBuf>,
    /// A pooler's console: judge its settings, too
    ///
    /// That of the pooler before the server.
    #[arg(long, value_name = "CONNINFO")]
    pooler: Option<String>,
}

/// Reads the name of a rule.
fn rule_name() -> clap::builder::PossibleValuesParser {
    rules::names().collect::<Vec<_>>().into()
}

impl Args {
    /// Whether it is to be judged by this rule.
    fn wants(&self, rule: &str) -> bool {
        let has = |list: &[String]| list.iter().any(|name| name == rule);
        (self.only.is_empty() || has(&self.only)) && !has(&self.ignore)
    }

    /// Takes what `--only` names rules by; what is left names servers of a list.
    pub(super) fn take_rules(&mut self, only: &mut Vec<String>) {
        let is_rule = |name: &str| rules::names().any(|rule| rule == name);
        let named = only.extract_if(.., |words| words.split(',').all(is_rule));
        self.only.extend(named.flat_map(|words| words.split(',').map(str::to_owned).collect::<Vec<_>>()));
    }

    /// Why `--only WORD` is neither a rule nor, without a list, a server.
    pub(super) fn no_rule(word: &str) -> Failure {
        let unknown = |part: &&str| !rules::names().any(|rule| rule == *part);
        let part = word.split(',').find(unknown).unwrap_or(word);
        let failure = Failure::usage(format!("invalid value '{part}' for '--only <RULE>'"));
        failure.hinted(match nearest(part, rules::names()) {
            Some(near) => format!("did you mean --only {near}?"),
            None => format!("there are: {}", rules::names().collect::<Vec<_>>().join(", ")),
        })
    }

    /// Whether the exit code is the verdict.
    pub(super) const fn judges(&self) -> bool {
        self.exit_code
    }
}

/// Watches, judges and prints.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let known: Vec<&str> = rules::names().collect();
    let accepted = args
        .accepted
        .as_deref()
        .map_or(Ok(Vec::new()), |path| accepted::read(path, &known, rules::tells_names_apart))?;
    let watcher = Watcher {
        sample: args.sample,
        wait: context.connection.connect_wait.unwrap_or_default(),
        stop: context.stop.clone(),
        ui: context.ui,
        shown: context.flags.watch.is_none(),
    };
    watch::look_through(context, async |context, observer| {
        let gathered = watcher.gather(observer, watch::patience(context)).await;
        watcher.progress("");
        let Gathered { evidence, mut head, ended } = gathered?;
        let (pooler, console) = match &args.pooler {
            Some(conninfo) if !matches!(ended, Ended::Lost(_)) => {
                let ask = async |db: &mut Db| ask_pooler(conninfo, db, context).await;
                let (pooled, console, notices) = observer.look(Patience::NONE, ask).await?;
                head.warnings.extend(notices);
                (Some(pooled), console)
            }
            _ => (None, Lead::default()),
        };
        let (holding, gone) = accepted::today(&accepted);
        head.warnings.extend(gone);
        let found = rules::findings(&evidence, pooler.as_ref(), |rule| args.wants(rule), &holding);
        let lead = context.lead();
        let findings = found.into_iter().map(|found| found.with_next_command(&lead, &console)).collect();
        let report = Doctor { findings, sampled_seconds: evidence.seconds };
        let exit = match ended {
            Ended::Interrupted(signal) => signal.exit(),
            _ if args.exit_code => report.verdict(),
            Ended::Lost(_) => Exit::Partly,
            Ended::Over => Exit::Done,
        };
        Ok(Shown { exit, ..Shown::new(report, head) })
    })
    .await
}

/// What the pooler's console tells, and what the server says of the pooler's connections; with the flags that lead
/// to that console, and what is to be known of the way there.
async fn ask_pooler(
    conninfo: &str,
    db: &Db,
    context: &Context,
) -> Result<(Pooled, Lead, Vec<Warning>), db::Error> {
    let console = context.pooler(conninfo).await?;
    let notices = console.notices().iter().map(about_connection).collect();
    let (facts, links) = (console.facts().await?, console.links().await?);
    let place = console::at(console.target());
    console.close().await;
    let server = db.target().conninfo();
    Ok((Pooled { facts, links, locks: db.session_locks().await?, server }, place, notices))
}

/// The answer of `doctor`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Doctor {
    /// One per rule, the worst first.
    findings: Vec<Finding>,
    /// How long the server was watched.
    sampled_seconds: f64,
}

impl Doctor {
    fn count(&self, grade: Grade) -> usize {
        self.findings.iter().filter(|finding| finding.status == grade).count()
    }

    fn verdict(&self) -> Exit {
        match [Grade::Fail, Grade::Warn, Grade::Unknown].into_iter().find(|grade| self.count(*grade) > 0) {
            Some(Grade::Fail) => Exit::Code(2),
            Some(Grade::Warn) => Exit::Code(1),
            Some(Grade::Unknown) => Exit::Code(3),
            Some(Grade::Pass | Grade::Accepted) | None => Exit::Done,
        }
    }
}

const fn word(grade: Grade) -> &'static str {
    match grade {
        Grade::Pass => "pass",
        Grade::Accepted => "accepted",
        Grade::Unknown => "unknown",
        Grade::Warn => "warn",
        Grade::Fail => "fail",
    }
}

const fn mark(grade: Grade) -> Mark {
    match grade {
        Grade::Pass | Grade::Accepted => Mark::Plain,
        Grade::Unknown | Grade::Warn => Mark::Warn,
        Grade::Fail => Mark::Bad,
    }
}

impl Report for Doctor {
    fn kind(&self) -> &'static str {
        "doctor"
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("findings", &self.findings)]
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        let summary = format!(
            "{} fail, {} warn, {} unknown, {} pass; watched for {}",
            self.count(Grade::Fail),
            self.count(Grade::Warn),
            self.count(Grade::Unknown),
            self.count(Grade::Pass),
            text::duration(self.sampled_seconds)
        );
        let accepted = match self.count(Grade::Accepted) {
            0 => String::new(),
            number => format!(", {number} accepted"),
        };
        let mut blocks = vec![Block::line(summary.replace("; watched", &format!("{accepted}; watched")))];
        for finding in self.findings.iter().filter(|finding| finding.status != Grade::Pass) {
            blocks.push(Block::Gap);
            let line = format!("{} {}: {}", word(finding.status), finding.rule, finding.title);
            blocks.push(Block::marked(mark(finding.status), line));
            blocks.push(Block::line(format!("  {}", finding.evidence)));
            if let Some(advice) = &finding.advice {
                blocks.push(Block::line(format!("  {advice}")));
            }
            if let Some(next) = &finding.next_command {
                blocks.push(Block::line(format!("  next: {next}")));
            }
        }
        let passed = self.findings.iter().filter(|finding| finding.status == Grade::Pass);
        let table = Table::of(COLUMNS, passed, |_| Mark::Dim);
        if !table.is_empty() {
            blocks.extend([Block::Gap, Block::Table(table)]);
        }
        blocks
    }

    fn headline(&self) -> Headline {
        let names = |grade: Grade| -> Vec<&str> {
            let of_it = self.findings.iter().filter(|finding| finding.status == grade);
            of_it.map(|finding| finding.rule).collect()
        };
        let (fail, warn) = (names(Grade::Fail), names(Grade::Warn));
        let mark = match (fail.is_empty(), warn.is_empty()) {
            (false, _) => Mark::Bad,
            (true, false) => Mark::Warn,
            (true, true) => Mark::Plain,
        };
        let parts = [("fail", fail), ("warn", warn), ("unknown", names(Grade::Unknown))];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> =
            parts.map(|(word, names)| format!("{} {word}: {}", names.len(), names.join(", "))).collect();
        let text = if parts.is_empty() { "all rules pass".to_owned() } else { parts.join("; ") };
        Headline { mark, text }
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(COLUMNS, &self.findings)
    }
}

/// What is told of each rule; people read this of those that pass.
const COLUMNS: &[Column<Finding>] = &[
    Column::new("PASS", Align::Left, "rule", |finding| finding.rule.into()),
    Column::script("status", |finding| word(finding.status).into()),
    Column::script("title", |finding| finding.title.into()),
    Column::new("SEEN", Align::Told, "evidence", |finding| (&finding.evidence).into()),
    Column::script("advice", |finding| finding.advice.as_ref().into()),
    Column::script("next_command", |finding| finding.next_command.as_ref().into()),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(COLUMNS), [""; 0]);
    }
}
