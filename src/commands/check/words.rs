//! What `check` says: a line per rule with the culprit's name, the next command, and the one line that sums it up.

use super::{found, pooler_limits};
use crate::analyze::health::pooler::WaitingClients;
use crate::analyze::health::range::Crossed;
use crate::analyze::health::{self, Honours, Policy, Rule, Verdict};
use crate::analyze::pooler::{PoolRefused, PoolUse, usage};
use crate::commands::closed as words_of;
use crate::commands::pooler::limits::refused_by;
use crate::db;
use crate::model::health::{Check, HealthFacts, HorizonKind, Longest, Measure, MeasureUnit, Status};
use crate::model::pooler;
use crate::model::quote::{finish_prepared, shown};
use crate::model::suggestion::{Command, Hint, Lead};
use crate::model::usage::Owner;
use crate::render::{Warning, text};

const CONSOLE: &str = "name the pooler's console, usually -p 6432 -d pgbouncer";

/// Judges a rule over a pooler, in words.
pub(super) fn of_pooler(policy: &Policy, facts: &pooler::PoolerFacts, latency: f64, lead: &Lead) -> Check {
    let Policy { rule, thresholds, .. } = policy;
    let (verdict, message, hint) = match rule {
        Rule::Reachable => {
            let verdict = health::reachable(thresholds, latency);
            (verdict, format!("answered in {}", amount(latency, MeasureUnit::Seconds)), ping())
        }
        Rule::Connections => {
            let found = health::pooler_limits::judge(thresholds, facts);
            let beyond = beyond(&found.verdict);
            let (message, hint) = pooler_limits::message_and_command(&found, &beyond, &facts.product);
            let Verdict { status, measure, measures, .. } = found.verdict;
            return check_of(*rule, status, measure, measures, message, hint.map(|hint| hint.shown(lead)));
        }
        Rule::Free => {
            let verdict = health::pooler_limits::free(thresholds, facts);
            let message = match verdict.measure.value {
                Some(left) => format!("{left} more clients are let in"),
                None => "the console does not tell how many clients it lets in".to_owned(),
            };
            (verdict, message, Command::pgconn("pooler clients").into())
        }
        Rule::Closed => {
            let disabled: Vec<String> = pooler::disabled(facts).map(shown).collect();
            let verdict = health::counted(*rule, thresholds, disabled.len());
            let message = match disabled.as_slice() {
                [] => "no database is disabled".to_owned(),
                [one] => format!("database {one} is disabled at the pooler: its clients are refused"),
                many => format!(
                    "databases {} are disabled at the pooler: their clients are refused",
                    many.join(", ")
                ),
            };
            (verdict, message, Command::pgconn("pooler").into())
        }
        Rule::PoolerWaiting => {
            let mut verdict = health::pooler::judge(thresholds, WaitingClients::of(facts));
            verdict.measures.extend(health::pooler::by_pool(facts));
            (verdict, waiting(facts), Command::pgconn("pooler clients --state waiting").into())
        }
        _ => {
            let verdict = health::unreached(policy, Status::Unknown);
            let why = "not judged: this is a pooler's console, which shows no session of the server";
            (verdict, why.to_owned(), "name a database of the server instead of the console (-d)".into())
        }
    };
    let message = format!("{message}{}", beyond(&verdict));
    let hint = (verdict.status != Status::Ok).then(|| hint.shown(lead));
    check_of(*rule, verdict.status, verdict.measure, verdict.measures, message, hint)
}

/// ` (over 95)`, of the threshold that was crossed.
fn beyond(verdict: &Verdict) -> String {
    let unit = verdict.measure.unit;
    match verdict.crossed {
        Some(Crossed::Over(limit)) => format!(" (over {})", amount(limit, unit)),
        Some(Crossed::Under(limit)) => format!(" (under {})", amount(limit, unit)),
        None => String::new(),
    }
}

/// `3 clients wait, the longest for 12s in pool shop/app (pool_size is used up)`.
fn waiting(facts: &pooler::PoolerFacts) -> String {
    let waiting = WaitingClients::of(facts);
    let Some(clients) = waiting.clients else { return "the console does not say who waits".into() };
    let usage = usage(facts, |_| true);
    let worst = usage.pools.iter().find(|pool| pool.pool.clients_waiting.is_some_and(|waiting| waiting > 0));
    let Some(worst) = worst else { return "no client waits for a connection to the server".into() };
    let seconds = text::duration(worst.pool.max_wait_seconds.unwrap_or_default());
    let place = format!("in pool {}/{}", worst.pool.database, worst.pool.user);
    let who = if clients > 1.0 {
        format!("{clients} clients wait, the longest for {seconds}")
    } else {
        format!("1 client waits for {seconds}")
    };
    let why = match worst.used_up() {
        _ if worst.paused == Some(true) => ", which is paused".to_owned(),
        Some(limit) => format!(": {} is used up ({} of {})", limit.name, limit.used, limit.limit),
        None => match worst.refused() {
            Some(PoolRefused { used, size }) => {
                let why = refused_by(&worst.pool, facts.tells_user_limits, &facts.product);
                format!(", which has room ({used} of {size}): {why}")
            }
            None => String::new(),
        },
    };
    let waits = |pool: &&PoolUse| pool.pool.clients_waiting > Some(0);
    let others: Vec<String> = usage
        .pools
        .iter()
        .filter(waits)
        .skip(1)
        .map(|entry| {
            let pool = &entry.pool;
            format!("{} in {}/{}", pool.clients_waiting.unwrap_or_default(), pool.database, pool.user)
        })
        .collect();
    let others = if others.is_empty() { others.concat() } else { format!("; {}", others.join(", ")) };
    format!("{who} {place}{why}{others}")
}

/// Puts a verdict into words.
pub(super) fn check(verdict: Verdict, facts: &HealthFacts, me: &str, lead: &Lead) -> Check {
    if let Some(why) = facts.why_any_unread(verdict.rule.questions()) {
        let message = format!("not judged: {why}");
        return check_of(verdict.rule, verdict.status, verdict.measure, verdict.measures, message, None);
    }
    let message = found::found(&verdict, facts) + &beyond(&verdict);
    let hint = match (verdict.status, verdict.rule) {
        (Status::Ok, _) => None,
        (Status::Unknown, Rule::PoolerWaiting) => Some(CONSOLE.into()),
        (Status::Unknown, Rule::Rates) => Some("PostgreSQL counts sessions from 14 on".into()),
        // Nothing is hidden: nobody knows since when that is waited for which is no lock.
        (Status::Unknown, Rule::Blocked) if health::hidden_waits(&facts.waits) == 0 => hint(&verdict, facts),
        (Status::Unknown, _) => Some(format!("GRANT pg_monitor TO {}", shown(me)).into()),
        _ => hint(&verdict, facts),
    };
    let hint = hint.map(|hint| hint.shown(lead));
    check_of(verdict.rule, verdict.status, verdict.measure, verdict.measures, message, hint)
}

/// A check when nothing was reached: `reachable` and what the refusal is about are as bad as the refusal itself.
pub(super) fn unreached(policy: &Policy, status: Status, error: &db::Error, lead: &Lead) -> Check {
    let rule = policy.rule;
    let full = matches!(error.kind, db::ErrorKind::TooManyConnections(_));
    if rule == Rule::Reachable || (rule == Rule::Connections && full) {
        let verdict = match rule {
            Rule::Connections => health::full(&policy.thresholds, status),
            _ => health::unreached(policy, status),
        };
        let taken = "every slot of the server is taken: max_connections, reserved ones included";
        let whole = error.kind == db::ErrorKind::TooManyConnections(db::LimitScope::Server);
        let detail = error.detail.as_deref().or(whole.then_some(taken));
        let detail = detail.map(|detail| format!(" ({})", text::sanitize(detail)));
        let message = format!("{}{}", error.message, detail.unwrap_or_default());
        let hint = error.hint.as_ref().map(|hint| hint.shown(lead));
        return check_of(rule, status, verdict.measure, verdict.measures, message, hint);
    }
    let verdict = health::unreached(policy, Status::Unknown);
    let message = "not judged: there was no answer to judge".to_owned();
    check_of(rule, Status::Unknown, verdict.measure, verdict.measures, message, None)
}

/// The check, or the reason why it judged nobody: its filters name something that does not exist.
pub(super) fn about_nobody(check: Check, rule: Rule, unknown_names: &[Warning]) -> Check {
    match unknown_names.first() {
        Some(unknown) if rule.honours() != Honours::Nothing && check.status == Status::Ok => Check {
            status: Status::Unknown,
            message: unknown.message.clone(),
            hint: unknown.hint.clone(),
            ..check
        },
        _ => check,
    }
}

fn check_of(
    rule: Rule,
    status: Status,
    measure: Measure,
    measures: Vec<Measure>,
    message: String,
    hint: Option<String>,
) -> Check {
    Check {
        rule: rule.name(),
        status,
        value: measure.value,
        unit: measure.unit,
        warning: measure.warning,
        critical: measure.critical,
        message,
        hint,
        measures,
    }
}

fn ping() -> Hint {
    Command::pgconn("ping").into()
}

fn hint(verdict: &Verdict, facts: &HealthFacts) -> Option<Hint> {
    let command = match verdict.rule {
        Rule::Reachable => return Some(ping()),
        Rule::Connections => match &verdict.limit {
            None => Command::pgconn("stats"),
            Some(limit) => {
                let flag = match limit.owner {
                    Owner::Role => "--role",
                    Owner::Database => "--db",
                };
                Command::pgconn("stats").only(flag, &limit.name)
            }
        },
        Rule::Free => Command::pgconn("stats"),
        Rule::States => match verdict.part.as_ref() {
            Some(("waiting", _)) => Command::pgconn("blockers"),
            Some(("fastpath", _)) => Command::pgconn("ls --state").word("fastpath function call"),
            Some((state, _)) => Command::pgconn("ls").with("--state", state),
            None => Command::pgconn("stats"),
        },
        Rule::IdleXact => {
            alone(&facts.idle_xact).unwrap_or_else(|| Command::pgconn("ls --state idle-in-transaction"))
        }
        Rule::LongQuery => alone(&facts.long_query).unwrap_or_else(|| Command::pgconn("long")),
        Rule::LongXact => alone(&facts.long_xact).unwrap_or_else(|| Command::pgconn("long")),
        Rule::Blocked => Command::pgconn("blockers"),
        Rule::Closed => return facts.closed.first().map(words_of::remedy),
        Rule::PoolerWaiting => return Some(CONSOLE.into()),
        Rule::Rates => Command::pgconn("stats"),
        Rule::PreparedXact => {
            let oldest = facts.prepared.oldest.as_ref()?;
            return Some(finish_prepared(&oldest.database, &oldest.gid).into());
        }
        Rule::OldestXmin => {
            let oldest = health::oldest_holder(facts)?;
            return Some(match oldest.kind {
                HorizonKind::Prepared => {
                    let database = oldest.who.database.as_deref().unwrap_or_default();
                    finish_prepared(database, oldest.name.as_deref().unwrap_or_default()).into()
                }
                HorizonKind::Session => show(oldest.who.pid).into(),
                HorizonKind::Slot => {
                    let slots = "select * from pg_replication_slots order by age(xmin), age(catalog_xmin)";
                    Command::psql("postgres", slots).into()
                }
                HorizonKind::Standby => Command::pgconn("long --all-backends").into(),
            });
        }
    };
    Some(command.into())
}

/// What shows a session whole.
fn show(pid: i32) -> Command {
    Command::pgconn("show").word(&pid.to_string())
}

/// What shows the one session that does this, where it is one.
fn alone(longest: &Longest) -> Option<Command> {
    longest.culprit.as_ref().filter(|_| longest.count == 1).map(|culprit| show(culprit.pid))
}

/// The line that a pager shows: the worst finding, and which other rules are not ok.
pub(super) fn summary(checks: &[Check], status: Status) -> String {
    let Some(shown) = summarized(checks, status) else { return "nothing was judged".into() };
    let others: Vec<String> =
        others(checks, status).map(|check| format!("{} {}", check.rule, check.status.word())).collect();
    let also = if others.is_empty() { String::new() } else { format!("; also {}", others.join(", ")) };
    match status {
        Status::Ok => shown.message.clone(),
        _ => format!("{}: {}{also}", shown.rule, shown.message),
    }
}

/// The check that the summary is about.
fn summarized(checks: &[Check], status: Status) -> Option<&Check> {
    match status {
        Status::Ok => checks.iter().find(|check| check.rule == Rule::Connections.name()).or(checks.first()),
        _ => checks.iter().find(|check| check.status == status),
    }
}

/// The other checks that are not ok. What a refusal leaves unjudged says nothing that the refusal does not.
pub(super) fn others(checks: &[Check], status: Status) -> impl Iterator<Item = &Check> {
    let shown = summarized(checks, status);
    checks.iter().filter(move |check| {
        let repeats = shown.is_some_and(|shown| check.rule == shown.rule || check.message == shown.message);
        check.status != Status::Ok && !repeats && !check.message.starts_with("not judged")
    })
}

/// Warns of sessions that no rule can judge, whoever looks.
pub(super) fn untracked(number: i64) -> Option<Warning> {
    (number > 0).then(|| Warning {
        code: "untracked_sessions",
        message: format!("{} track_activities off: what they do is shown to nobody", has_have(number)),
        hint: None,
    })
}

/// The word of a unit.
pub(super) const fn unit(unit: MeasureUnit) -> &'static str {
    match unit {
        MeasureUnit::Count => "count",
        MeasureUnit::Seconds => "seconds",
        MeasureUnit::Percent => "percent",
        MeasureUnit::Transactions => "transactions",
        MeasureUnit::PerSecond => "per_second",
    }
}

fn amount(number: f64, unit: MeasureUnit) -> String {
    match unit {
        MeasureUnit::Count | MeasureUnit::Transactions => number.to_string(),
        MeasureUnit::Seconds => text::duration(number),
        MeasureUnit::Percent => format!("{number}%"),
        MeasureUnit::PerSecond => format!("{number:.2}"),
    }
}

fn has_have(number: i64) -> String {
    format!("{} {}", text::count(number, "session"), if number == 1 { "has" } else { "have" })
}
