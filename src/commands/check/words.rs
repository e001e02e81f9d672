//! What `check` says: a line per rule with the culprit's name, the next command, and the one line that sums it up.

use super::pooler_limits;
use crate::analyze::health::pooler::WaitingClients;
use crate::analyze::health::range::Crossed;
use crate::analyze::health::{self, Rule, Thresholds, Verdict};
use crate::analyze::pooler::{PoolRefused, usage};
use crate::commands::closed as words_of;
use crate::db;
use crate::model::blocking::waited_for;
use crate::model::health::{Check, Culprit, HealthFacts, Longest, Measure, MeasureUnit, Status};
use crate::model::pooler;
use crate::model::quote::{finish_prepared, shown};
use crate::model::suggestion::{Command, Hint, Lead};
use crate::model::usage::Owner;
use crate::render::{Warning, text};

const NO_CONSOLE: &str = "not judged: this is a server, and no pooler's console";
const CONSOLE: &str = "name the pooler's console, usually -p 6432 -d pgbouncer";

/// Judges a rule over a pooler, in words.
pub(super) fn of_pooler(
    rule: Rule,
    thresholds: &Thresholds,
    facts: &pooler::PoolerFacts,
    latency: f64,
    lead: &Lead,
) -> Check {
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
            return check_of(rule, status, measure, measures, message, hint.map(|hint| hint.shown(lead)));
        }
        Rule::PoolerWaiting => {
            let verdict = health::pooler::judge(thresholds, WaitingClients::of(facts));
            (verdict, waiting(facts), Command::pgconn("pooler clients --state waiting").into())
        }
        _ => {
            let verdict = health::unreached(rule, thresholds, Status::Unknown);
            let why = "not judged: this is a pooler's console, which shows no session of the server";
            (verdict, why.to_owned(), "name a database of the server instead of the console (-d)".into())
        }
    };
    let message = format!("{message}{}", beyond(&verdict));
    let hint = (verdict.status != Status::Ok).then(|| hint.shown(lead));
    check_of(rule, verdict.status, verdict.measure, verdict.measures, message, hint)
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
                format!(", which has room ({used} of {size}): the server seems to refuse the pooler")
            }
            None => String::new(),
        },
    };
    format!("{who} {place}{why}")
}

/// Puts a verdict into words.
pub(super) fn check(verdict: Verdict, facts: &HealthFacts, me: &str, lead: &Lead) -> Check {
    let message = found(&verdict, facts) + &beyond(&verdict);
    let hint = match verdict.status {
        Status::Ok => None,
        Status::Unknown if verdict.rule == Rule::PoolerWaiting => Some(CONSOLE.into()),
        Status::Unknown => Some(format!("GRANT pg_monitor TO {}", shown(me)).into()),
        _ => hint(&verdict, facts),
    };
    let hint = hint.map(|hint| hint.shown(lead));
    check_of(verdict.rule, verdict.status, verdict.measure, verdict.measures, message, hint)
}

/// A check when nothing was reached: `reachable` and what the refusal is about are as bad as the refusal itself.
pub(super) fn unreached(
    rule: Rule,
    thresholds: &Thresholds,
    status: Status,
    error: &db::Error,
    lead: &Lead,
) -> Check {
    let full = matches!(error.kind, db::ErrorKind::TooManyConnections(_));
    if rule == Rule::Reachable || (rule == Rule::Connections && full) {
        let verdict = health::unreached(rule, thresholds, status);
        let taken = "every slot of the server is taken: max_connections, reserved ones included";
        let whole = error.kind == db::ErrorKind::TooManyConnections(db::LimitScope::Server);
        let detail = error.detail.as_deref().or(whole.then_some(taken));
        let detail = detail.map(|detail| format!(" ({})", text::sanitize(detail)));
        let message = format!("{}{}", error.message, detail.unwrap_or_default());
        let hint = error.hint.as_ref().map(|hint| hint.shown(lead));
        return check_of(rule, status, verdict.measure, verdict.measures, message, hint);
    }
    let verdict = health::unreached(rule, thresholds, Status::Unknown);
    let message = "not judged: there was no answer to judge".to_owned();
    check_of(rule, Status::Unknown, verdict.measure, verdict.measures, message, None)
}

/// The check, or the reason why it judged nobody: its filters name something that does not exist.
pub(super) fn about_nobody(check: Check, rule: Rule, unknown_names: &[Warning]) -> Check {
    let filtered = matches!(rule, Rule::IdleXact | Rule::LongQuery | Rule::LongXact | Rule::Blocked);
    match unknown_names.first() {
        Some(unknown) if filtered && check.status == Status::Ok => Check {
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

fn found(verdict: &Verdict, facts: &HealthFacts) -> String {
    let hidden = |number: i64| format!("{} hidden", is_are(number, "session"));
    match verdict.rule {
        Rule::Reachable => {
            format!("answered in {}", amount(verdict.measure.value.unwrap_or_default(), MeasureUnit::Seconds))
        }
        Rule::Connections => connections(verdict, facts),
        Rule::Blocked if verdict.open => {
            format!("{} hidden; {}", is_are(facts.waits.undecidable, "waiting session"), blocked(facts))
        }
        Rule::Blocked => blocked(facts),
        Rule::PreparedXact => prepared(facts),
        Rule::Closed => closed(facts),
        Rule::PoolerWaiting => NO_CONSOLE.into(),
        Rule::IdleXact | Rule::LongQuery | Rule::LongXact => {
            let (longest, noun, doing) = match verdict.rule {
                Rule::IdleXact => (&facts.idle_xact, "transaction", "idle"),
                Rule::LongQuery => (&facts.long_query, "query", "running"),
                _ => (&facts.long_xact, "transaction", "open"),
            };
            let seen = longest_of(longest, noun, doing);
            if verdict.open { format!("{}; {seen}", hidden(facts.undecidable)) } else { seen }
        }
    }
}

fn connections(verdict: &Verdict, facts: &HealthFacts) -> String {
    let (used, hidden, limit) = match &verdict.limit {
        Some(limit) => (limit.used, limit.hidden, limit.limit),
        None => (facts.connections.used, facts.connections.hidden, facts.connections.usable),
    };
    let number = match hidden {
        0 => used.to_string(),
        hidden => format!("{used} to {}", used + hidden),
    };
    #[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
    let share = match hidden {
        0 if limit > 0 => format!(" ({})", text::percent(used as f64 / limit as f64)),
        0 => String::new(),
        hidden => format!("; {} hidden", is_are(hidden, "session")),
    };
    match &verdict.limit {
        Some(limit) => {
            let owner = limit.owner.word();
            format!("{owner} \"{}\" uses {number} of its {} connections{share}", limit.name, limit.limit)
        }
        None => format!("{number} of {limit} usable connections in use{share}"),
    }
}

fn longest_of(longest: &Longest, noun: &str, doing: &str) -> String {
    let plural = match noun {
        "query" => "queries",
        _ => "transactions",
    };
    match (longest.seconds, &longest.culprit) {
        (Some(seconds), Some(culprit)) => {
            let number = match longest.count {
                1 => format!("1 {noun} {doing}"),
                number => format!("{number} {plural} {doing}, the longest"),
            };
            format!("{number} for {}: {}", text::duration(seconds), name(culprit))
        }
        _ => format!("no {noun} {doing}"),
    }
}

fn blocked(facts: &HealthFacts) -> String {
    let waits = &facts.waits;
    let Some(longest) = health::longest_wait(waits) else { return "no session waits for a lock".into() };
    let other = longest.waits_for.as_deref().and_then(waited_for);
    let who = match (waits.waiting, other) {
        (1, None) => "1 session waits for a lock".to_owned(),
        (1, Some(other)) => format!("1 session waits for {other}"),
        (number, None) => format!("{number} sessions wait for locks, the longest"),
        (number, Some(other)) => format!("{number} sessions wait, the longest for {other},"),
    };
    let how_long = match longest.seconds {
        Some(seconds) if longest.at_most => format!(" for at most {}", text::duration(seconds)),
        Some(seconds) => format!(" for {}", text::duration(seconds)),
        None => String::new(),
    };
    let behind = match health::head_of_queue(waits, longest) {
        Some(head) if head.who.pid == 0 => format!("behind a prepared transaction: {}", name(&longest.who)),
        Some(head) => format!("behind {}", name(&head.who)),
        None => name(&longest.who),
    };
    format!("{who}{how_long}, {behind}")
}

fn prepared(facts: &HealthFacts) -> String {
    let Some(oldest) = &facts.prepared.oldest else { return "no prepared transaction".into() };
    let number = match facts.prepared.count {
        1 => "1 prepared transaction".to_owned(),
        number => format!("{number} prepared transactions, the oldest"),
    };
    format!(
        "{number} for {}: \"{}\" of role {} in database {}",
        text::duration(oldest.seconds),
        oldest.gid,
        oldest.owner,
        oldest.database
    )
}

fn closed(facts: &HealthFacts) -> String {
    match facts.closed.as_slice() {
        [] => "every database lets somebody in".into(),
        [closed] => words_of::told(closed),
        [closed, others @ ..] => {
            let names: Vec<String> = others.iter().map(|other| shown(&other.database)).collect();
            format!("{}; so do {}", words_of::told(closed), names.join(", "))
        }
    }
}

/// The culprit in an alert: `pid 4711 (worker, role app, from 10.0.4.30)`.
fn name(culprit: &Culprit) -> String {
    let application = match (culprit.application_name.as_str(), &culprit.backend_type) {
        ("", Some(kind)) => kind.clone(),
        ("", None) => "no application_name".into(),
        (name, Some(kind)) if name != kind => format!("{name}, {kind}"),
        (name, _) => name.into(),
    };
    let role = culprit.role.as_ref().map(|role| format!(", role {role}")).unwrap_or_default();
    let from = match culprit.client.as_deref() {
        None => String::new(),
        Some("local") => ", local".into(),
        Some(address) => format!(", from {address}"),
    };
    format!("pid {} ({application}{role}{from})", culprit.pid)
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
        Rule::IdleXact => Command::pgconn("ls --state idle-in-transaction"),
        Rule::LongQuery | Rule::LongXact => Command::pgconn("long"),
        Rule::Blocked => Command::pgconn("blockers"),
        Rule::Closed => return facts.closed.first().map(words_of::remedy),
        Rule::PoolerWaiting => return Some(CONSOLE.into()),
        Rule::PreparedXact => {
            let oldest = facts.prepared.oldest.as_ref()?;
            return Some(finish_prepared(&oldest.database, &oldest.gid).into());
        }
    };
    Some(command.into())
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
    }
}

fn amount(number: f64, unit: MeasureUnit) -> String {
    match unit {
        MeasureUnit::Count => number.to_string(),
        MeasureUnit::Seconds => text::duration(number),
    }
}

fn is_are(number: i64, noun: &str) -> String {
    format!("{} {}", text::count(number, noun), if number == 1 { "is" } else { "are" })
}

fn has_have(number: i64) -> String {
    format!("{} {}", text::count(number, "session"), if number == 1 { "has" } else { "have" })
}
