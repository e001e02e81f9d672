//! `pgconn doctor`: an audit of how a server's connections are used, with evidence from this server, advice and the next
//! command. It watches for a while, because a single look shows neither churn nor leaks.

mod accepted;
#[cfg(test)]
mod golden;
mod rules;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use super::manual::{Group, Manual};
use super::pooler::console;
use super::shown::Shown;
use super::{Context, watch};
use crate::args;
use crate::db::{self, Db, Listing, Selection, SortOrder};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::filter::{Filter, StateFilter, Term};
use crate::model::nearest::nearest;
use crate::model::practice::{Finding, Grade, Watched};
use crate::model::suggestion::Lead;
use crate::render::columns::Column;
use crate::render::json::List;
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{Head, Headline, Report, Warning, text, tsv};
use crate::stop::{Signal, Stop};
use crate::ui::Ui;
use rules::{Evidence, Pooled};

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

/// Transactions left open that are looked at one by one, the oldest.
const LISTED: u32 = 200;
/// Between two looks at all sessions.
const WHOLE: Duration = Duration::from_millis(250);
/// Between two looks at those that have just come: a session that runs one statement lives a few milliseconds, and those
/// that are caught tell whose the others are.
const ARRIVALS: Duration = Duration::from_millis(15);
/// A look is followed by a pause of at least so many times what it took: watching costs the server a tenth of one core.
const RESTRAINT: u32 = 9;
/// How far back a look at arrivals reaches beyond the last look at all: a login takes so long at most, mostly.
const LOGIN: Duration = Duration::from_millis(500);

/// How long the counters of a server can lag that counts late: the half second after which it writes them anew, and a little.
const COUNTED_WITHIN: Duration = Duration::from_millis(600);

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
        stop: context.stop.clone(),
        ui: context.ui,
        shown: context.flags.watch.is_none(),
    };
    watch::look(context, async |context, db| {
        let evidence = watcher.gather(db).await;
        watcher.progress("");
        let (evidence, interrupted) = evidence?;
        let mut head = super::head_of_look(db, &evidence.scraped.server_context, 0);
        head.warnings.extend(interrupted.map(|_| cut_short(evidence.seconds, args.sample)));
        let (pooler, console) = match &args.pooler {
            Some(conninfo) => {
                let (pooled, console) = ask_pooler(conninfo, db, context, &mut head).await?;
                (Some(pooled), console)
            }
            None => (None, Lead::default()),
        };
        let (holding, ended) = accepted::today(&accepted);
        head.warnings.extend(ended);
        let found = rules::findings(&evidence, pooler.as_ref(), |rule| args.wants(rule), &holding);
        let lead = context.lead();
        let findings = found.into_iter().map(|found| found.with_next_command(&lead, &console)).collect();
        let report = Doctor { findings, sampled_seconds: evidence.seconds };
        let exit = match interrupted {
            Some(signal) => signal.exit(),
            None if args.exit_code => report.verdict(),
            None => Exit::Done,
        };
        Ok(Shown { exit, ..Shown::new(report, head) })
    })
    .await
}

/// That less was seen than was to be.
fn cut_short(seconds: f64, sample: Duration) -> Warning {
    let (seen, wanted) = (text::duration(seconds), text::duration(sample.as_secs_f64()));
    Warning {
        code: "cut_short",
        message: format!("interrupted after {seen} of {wanted}: what takes longer to show was not seen"),
        hint: None,
    }
}

/// What the pooler's console tells, and what the server says of the pooler's connections; with the flags that lead
/// to that console.
async fn ask_pooler(
    conninfo: &str,
    db: &Db,
    context: &Context,
    head: &mut Head,
) -> Result<(Pooled, Lead), db::Error> {
    let console = context.pooler(conninfo).await?;
    head.warnings.extend(console.notices().iter().map(super::about_connection));
    let (facts, links) = (console.facts().await?, console.links().await?);
    let place = console::at(console.target());
    console.close().await;
    let server = db.target().conninfo();
    Ok((Pooled { facts, links, locks: db.session_locks().await?, server }, place))
}

/// Who looks again and again until `sample` is over.
struct Watcher {
    sample: Duration,
    stop: Stop,
    ui: Ui,
    /// Whether there is a line of its own for the progress.
    shown: bool,
}

impl Watcher {
    async fn gather(&self, db: &Db) -> Result<(Evidence, Option<Signal>), db::Error> {
        let mut first = db.scrape(&mut None).await?;
        let mut counted_late = 0;
        if db.counts_sessions_late() {
            tokio::time::sleep(COUNTED_WITHIN).await;
            first = db.scrape(&mut None).await?;
            counted_late = first.facts.connections.used;
        }
        let before = first.databases;
        let began = Instant::now();
        let mut watched = Watched::default();
        let interrupted = self.watch(db, began, &mut watched).await?;
        if interrupted.is_some() {
            db.finish();
            // What was cancelled has left its transaction, and the cancelling may come late: this is to meet it.
            db.abandon().await;
            let _is_there = db.answers().await;
        }
        let seconds = began.elapsed().as_secs_f64();
        let scraped = db.scrape(&mut None).await?;
        let waiters = scraped.facts.waits.sessions.iter().filter(|session| session.blocked_by.contains(&0));
        let waiters: Vec<i32> = waiters.map(|session| session.who.pid).collect();
        let prepared_blockers = db.prepared_blockers(&waiters).await?;
        let origins = db.origins().await?;
        let idle = Term { exclude: false, value: StateFilter::IdleInTransaction };
        let listing = Listing {
            selection: Selection {
                filter: Filter { states: vec![idle], ..Filter::default() },
                all_backends: false,
            },
            over: None,
            order: SortOrder::Xact,
            limit: Some(LISTED),
            query_bytes: Some(0),
        };
        let (_, left_open) = db.sessions(&listing).await?;
        let left_open = left_open.sessions.into_iter().filter(|session| !session.undecidable).collect();
        let evidence = Evidence {
            scraped,
            before,
            counted_late,
            origins,
            left_open,
            prepared_blockers,
            watched,
            seconds,
        };
        Ok((evidence.of_customers(), interrupted))
    }

    /// Watches until the time is over, or a signal comes.
    async fn watch(
        &self,
        db: &Db,
        began: Instant,
        watched: &mut Watched,
    ) -> Result<Option<Signal>, db::Error> {
        let mut whole: Option<Instant> = None;
        loop {
            let look = Instant::now();
            let is_whole =
                whole.is_none_or(|whole| whole.elapsed() >= WHOLE) || began.elapsed() >= self.sample;
            let within = whole.filter(|_| !is_whole).map(|whole| whole.elapsed() + LOGIN);
            let sessions = match (db.sample_sessions(within).await, self.stop.signal()) {
                // What it was interrupted in is not missed by what was seen before.
                (Err(_), Some(signal)) => return Ok(Some(signal)),
                (sessions, _) => sessions?,
            };
            if is_whole {
                whole = Some(look);
                watched.add(sessions);
                if began.elapsed() <= self.sample / 2 {
                    watched.still_first_half();
                }
                let left = self.sample.saturating_sub(began.elapsed());
                if left.is_zero() {
                    return Ok(None);
                }
                self.progress(&format!("watching, {} left", text::duration(left.as_secs_f64().ceil())));
            } else {
                watched.add_arrivals(&sessions);
            }
            let pause = ARRIVALS.max(look.elapsed() * RESTRAINT);
            tokio::select! {
                () = tokio::time::sleep(pause.min(self.sample.saturating_sub(began.elapsed()))) => {}
                signal = self.stop.pulled() => return Ok(Some(signal)),
            }
        }
    }

    fn progress(&self, line: &str) {
        if self.shown && self.sample > Duration::from_secs(1) {
            self.ui.progress(line);
        }
    }
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
