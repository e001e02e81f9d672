//! `pgconn check`: a verdict over the health of a server's connections, for monitoring systems.

mod arguments;
mod found;
#[cfg(test)]
mod golden;
mod policy;
mod pooler_limits;
mod report;
mod words;

pub(super) use report::{CheckReport, all_policies};
use report::{PoolerLook, ServerLook, of_server};

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Args as _, FromArgMatches as _};

use super::defaults::Defaults;
use super::did_you_mean::did_you_mean;
use super::head::{HIDDEN, THROUGH_POOLER, head_of_look, unread};
use super::manual::{Group, Manual};
use super::shown::Shown;
use super::{Context, bounded, watch};
use crate::analyze::health::{self, Policy, Rule};
use crate::args::{self, Emergency, Filters};
use crate::db::console::Console;
use crate::db::{self, Db, Selection, Wanted};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::filter::Filter;
use crate::model::health::Status;
use crate::observe::{Deadline, Observer, OfServer};
use crate::render::{Head, Warning, text};
use crate::stop::Stop;

/// How long sessions are counted for their rates.
const RATES_FOR: Duration = Duration::from_secs(5);

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Monitor,
    &[
        ("Is everything in order?", "pgconn check"),
        ("From cron: mail only when something is wrong", "pgconn check -q"),
        ("Only whether it can be logged in to, for a probe", "pgconn check reachable -t 2s"),
        ("Thresholds of one's own", "pgconn check --warning connections=70% --critical idle-xact=10m"),
        (
            "Are three transactions idle for over 30 s, or fewer than ten slots left?",
            "pgconn check --warning idle-xact=3@30s --critical free=10:",
        ),
        (
            "Too many sessions in a state, or sessions that are abandoned",
            "pgconn check --warning states:idle=50 --warning rates:abandoned=1",
        ),
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

/// The names of the rules.
pub(super) fn rules() -> impl Iterator<Item = &'static str> {
    Rule::ALL.into_iter().map(Rule::name)
}

/// Arguments of `check`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Rules to judge
    ///
    /// All of them when none is named, but those that say nothing without a threshold (free, states, rates).
    #[arg(value_name = "RULE", value_delimiter = ',', value_parser = arguments::RuleParser)]
    rules: Vec<Rule>,
    /// Warn outside this range: 10, 10:, 80%, 5m, 3@30s
    ///
    /// As the plugins have it: 10, 10:, ~:10, 10:20, @10:20; numbers may be 80% or durations; 3@30s: at least 3 over 30s.
    #[arg(long, value_name = "RULE=RANGE", value_parser = arguments::threshold)]
    warning: Vec<arguments::Threshold>,
    /// Be critical outside this range
    #[arg(long, value_name = "RULE=RANGE", value_parser = arguments::threshold)]
    critical: Vec<arguments::Threshold>,
    /// Refused with a hint: thresholds belong to a rule
    #[arg(short = 'c', hide = true, value_name = "RANGE", value_parser = arguments::no_short_threshold)]
    short_critical: Option<String>,
    /// How long to count for the rule rates [default: 5s]
    ///
    /// It counts how many sessions come in that time.
    #[arg(long = "for", value_name = "DUR", value_parser = args::duration)]
    sample: Option<Duration>,
    #[command(flatten)]
    filters: Filters,
}

impl Args {
    /// With one's own defaults: thresholds for whatever the command line has none for, and filters that it does not give.
    fn with(mut self, defaults: &Defaults) -> Result<Self, Failure> {
        if defaults.check.is_empty() {
            return Ok(self);
        }
        let mut own = self.clone();
        let words = defaults.check.iter().map(|word| format!("--{}={}", word.flag, word.said.value));
        let flags = Filters::augment_args(clap::Command::new("check").no_binary_name(true));
        let threshold = |name| {
            clap::Arg::new(name).long(name).action(clap::ArgAction::Append).value_parser(arguments::threshold)
        };
        let read = flags.args(["warning", "critical"].map(threshold)).try_get_matches_from(words);
        let wrong = |error: clap::Error| {
            let source = defaults.check.first().map_or("config.toml", |word| word.said.source.as_str());
            let why = error.to_string();
            let why = why.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Failure::usage(format!("[check] in {source}: {why}")).hinted("--no-config does without")
        };
        let mut read = read.map_err(wrong)?;
        let filters = Filters::from_arg_matches_mut(&mut read).map_err(wrong)?;
        let judged = |threshold: &arguments::Threshold| {
            let is_typed =
                |typed: &&arguments::Threshold| (typed.rule, typed.part) == (threshold.rule, threshold.part);
            (self.rules.is_empty() || self.rules.contains(&threshold.rule))
                && !self.thresholds().iter().any(is_typed)
        };
        let mut of = |name: &str| -> Vec<arguments::Threshold> {
            read.remove_many(name).into_iter().flatten().filter(judged).collect()
        };
        let (warning, critical) = (of("warning"), of("critical"));
        own.warning.splice(0..0, warning);
        own.critical.splice(0..0, critical);
        let typed = std::mem::take(&mut self.filters);
        own.filters = typed.clone().or(filters);
        // What a rule that was named cannot honour is no default for it.
        let rules = policy::policies(&own.rules, &own.warning, &own.critical)?;
        let rules = rules.iter().map(|policy| policy.rule);
        if policy::admit(&own.filters.filter(), own.filters.all_backends, rules).is_err() {
            own.filters = typed;
        }
        Ok(own)
    }

    /// Every threshold.
    fn thresholds(&self) -> Vec<&arguments::Threshold> {
        self.warning.iter().chain(&self.critical).collect()
    }

    /// What a look has to bring for these rules.
    fn wanted(&self, policies: &[Policy]) -> Wanted {
        let has = |rule: Rule| policies.iter().any(|policy| policy.rule == rule);
        let mut ages: Vec<f64> =
            policies.iter().flat_map(Policy::ranges).filter_map(|range| range.older()).collect();
        ages.sort_unstable_by(f64::total_cmp);
        ages.dedup();
        Wanted { ages, states: has(Rule::States), counters: has(Rule::Rates), tallies: false }
    }

    /// How long sessions are counted; none when that is not asked for.
    fn counted_for(&self, wanted: &Wanted, timeout: Duration) -> Result<Option<Duration>, Failure> {
        match (wanted.counters, self.sample) {
            (false, None) => Ok(None),
            (false, Some(_)) => {
                Err(Failure::usage("--for is how long rates are counted, and they are not judged")
                    .hinted("name the rule, too: pgconn check rates"))
            }
            (true, sample) => {
                let sample = sample.unwrap_or(RATES_FOR);
                if sample >= timeout {
                    return Err(Failure::usage(format!(
                        "the run may take {}, and counting takes {} of it",
                        text::duration(timeout.as_secs_f64()),
                        text::duration(sample.as_secs_f64())
                    ))
                    .hinted(format!("give it more time: -t {}s", sample.as_secs() + 10)));
                }
                Ok(Some(sample))
            }
        }
    }
}

/// What one look brought.
enum Looked {
    /// Of a server.
    Server(Box<ServerLook>),
    /// Of a pooler's console.
    Pooler(Box<PoolerLook>),
}

/// Judges and prints; the exit code is the verdict.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    if context.connection.emergency == Some(Emergency::Always) {
        return Err(Failure::usage("check takes no emergency lane")
            .hinted("a full server is what it is to find, not to get round")
            .into());
    }
    let typed = args.filters.filter();
    let args = args.with(&context.defaults())?;
    let policies = policy::policies(&args.rules, &args.warning, &args.critical)?;
    let named = policy::named(&args.rules, &args.thresholds());
    let selection = Selection { filter: args.filters.filter(), all_backends: args.filters.all_backends };
    policy::admit(&selection.filter, selection.all_backends, policies.iter().map(|policy| policy.rule))?;
    let wanted = args.wanted(&policies);
    let counted_for = args.counted_for(&wanted, context.endpoint()?.deadline().left())?;
    let narrowed = (typed != selection.filter).then(|| narrowed(&context.defaults()));
    let asked = Asked { selection, wanted, narrowed, counted_for, stop: context.stop.clone() };
    let lead = context.lead();
    let observer = context.observer_of(context.endpoint()?.clone());
    watch::judge(context, observer, async |context, observer| {
        let mut unanswered = None;
        let (mut report, mut head) = match look(&asked, observer, context).await {
            Ok(Looked::Pooler(looked)) => {
                (CheckReport::of_pooler(&policies, &named, &asked.selection, &looked, &lead)?, looked.head)
            }
            Ok(Looked::Server(looked)) => {
                let filter = &asked.selection.filter;
                (CheckReport::new(&of_server(&policies, &named), filter, &looked, &lead), looked.head)
            }
            Err(error) => {
                unanswered = Some(Failure::from(error.clone()));
                let head = Head { target: context.aim(), ..Head::default() };
                (CheckReport::unreached(&of_server(&policies, &named), error, &lead)?, head)
            }
        };
        let fine = report.status == Status::Ok && !context.format().is_json();
        if !context.format().is_json() {
            // An alert's stderr is mailed by cron; that a pooler is there is no news, nor is more when all is well.
            let is_note = |warning: &mut Warning| {
                warning.code == THROUGH_POOLER || fine && warning.code == db::NOT_ENCRYPTED
            };
            report.notes = head.warnings.extract_if(.., is_note).map(|warning| warning.message).collect();
            report.notes.extend(asked.narrowed.clone());
            // A rule that could not be judged for it says so, and what to do.
            head.warnings.retain(|warning| warning.code != HIDDEN || !report.says(warning));
        } else if let Some(narrowed) = &asked.narrowed {
            head.warnings.push(Warning { code: "filtered", message: narrowed.clone(), hint: None });
        }
        if fine {
            head.warnings.clear();
        }
        let silent = fine && context.flags.quiet && context.flags.output.is_none();
        let exit = Exit::Code(report.status.code());
        Ok(Shown { exit, silent, unanswered, ..Shown::new(report, head) })
    })
    .await
}

/// What a server is asked.
struct Asked {
    selection: Selection,
    wanted: Wanted,
    /// What filters hold that nobody typed.
    narrowed: Option<String>,
    /// How long its counters are watched.
    counted_for: Option<Duration>,
    stop: Stop,
}

/// Looks at what is there: a server, or a pooler's console.
async fn look(
    asked: &Asked,
    observer: &mut Observer<OfServer>,
    context: &Context,
) -> Result<Looked, db::Error> {
    let ask = async |deadline: &Deadline, db: &Db| ask(asked, deadline, db).await;
    let of_console = async |deadline: &Deadline, console: &Console| {
        let (facts, mut head) = (console.facts().await?, super::pooler::head(console));
        head.warnings.extend(super::pooler::one_of_several(&facts));
        Ok(Looked::Pooler(Box::new(PoolerLook { facts, head, latency: deadline.used() })))
    };
    bounded::look(observer, context, ask, of_console).await
}

/// Which of the sessions are judged, where config.toml says so.
fn narrowed(defaults: &Defaults) -> String {
    let filters = defaults.check.iter().filter(|word| !matches!(word.flag, "warning" | "critical"));
    let said: Vec<String> = filters.map(|word| format!("{} {}", word.flag, word.said.value)).collect();
    let source = defaults.check.first().map_or("config.toml", |word| word.said.source.as_str());
    format!("only sessions with {} are judged ({source})", said.join(", "))
}

async fn ask(asked: &Asked, deadline: &Deadline, db: &Db) -> Result<Looked, db::Error> {
    let Asked { selection, wanted, counted_for, stop, .. } = asked;
    let mut counted = None;
    if let Some(sample) = counted_for {
        counted = Some((db.database_counters().await?, Instant::now()));
        tokio::select! {
            () = tokio::time::sleep(*sample) => {}
            signal = stop.pulled() => return Err(db::Error::interrupted(signal)),
        }
    }
    let (server_context, mut facts, databases) = db.health(selection, wanted).await?;
    if let Some((before, since)) = counted {
        let seconds = since.elapsed().as_secs_f64();
        facts.rates = health::rates::between(&before, &databases, &selection.filter, seconds);
    }
    let latency = deadline.used().saturating_sub(counted_for.unwrap_or_default());
    // An application that is not there just now is no mistake; a database or role that does not exist is.
    let lasting = Filter { applications: Vec::new(), ..selection.filter.clone() };
    let unknown_names = did_you_mean(db, &lasting).await?;
    let mut head = head_of_look(db, &server_context, facts.connections.hidden);
    head.warnings.extend(unknown_names.iter().cloned());
    head.warnings.extend(words::untracked(facts.untracked));
    head.warnings.extend(facts.unread.iter().map(unread));
    Ok(Looked::Server(Box::new(ServerLook { server_context, facts, head, latency, unknown_names })))
}
