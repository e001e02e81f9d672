//! What a rule found at a server, in one line with the culprit's name.

use crate::analyze::health::{self, Rule, Verdict};
use crate::commands::closed as words_of;
use crate::model::blocking::waited_for;
use crate::model::health::{Culprit, HealthFacts, HorizonKind, Longest, Status};
use crate::model::quote::shown;
use crate::render::text;

const NO_CONSOLE: &str = "not judged: this is a server, and no pooler's console";

/// What it found.
pub(super) fn found(verdict: &Verdict, facts: &HealthFacts) -> String {
    let hidden = |number: i64| format!("{} hidden", is_are(number, "session"));
    match verdict.rule {
        Rule::Reachable => {
            format!("answered in {}", text::duration(verdict.measure.value.unwrap_or_default()))
        }
        Rule::Connections => connections(verdict, facts),
        Rule::Free => free(verdict, facts),
        Rule::States => {
            let is_of_waits = verdict.part.as_ref().is_some_and(|(part, _)| *part == "waiting");
            let (number, noun) = match is_of_waits {
                true => (health::hidden_waits(&facts.waits), "waiting session"),
                false => (facts.undecidable, "session"),
            };
            let unknown = (verdict.open && number > 0).then(|| format!("{} hidden; ", is_are(number, noun)));
            format!("{}{}", unknown.unwrap_or_default(), states(verdict, facts))
        }
        Rule::Blocked => {
            let number =
                Some(health::hidden_waits(&facts.waits)).filter(|number| verdict.open && *number > 0);
            let hidden = number.map(|number| format!("; {} hidden", is_are(number, "waiting session")));
            let seen = blocked(facts, verdict.status, hidden.is_some());
            format!("{}{seen}{}", aged(verdict), hidden.unwrap_or_default())
        }
        Rule::PreparedXact => format!("{}{}", aged(verdict), prepared(facts)),
        Rule::OldestXmin => horizon(facts),
        Rule::Closed => closed(facts),
        Rule::Rates => rates(verdict, facts),
        Rule::PoolerWaiting => NO_CONSOLE.into(),
        Rule::IdleXact | Rule::LongQuery | Rule::LongXact => {
            let (longest, noun, doing) = match verdict.rule {
                Rule::IdleXact => (&facts.idle_xact, "transaction", "idle"),
                Rule::LongQuery => (&facts.long_query, "query", "running"),
                _ => (&facts.long_xact, "transaction", "open"),
            };
            let doing = if verdict.open { format!("seen {doing}") } else { doing.to_owned() };
            let seen = format!("{}{}", aged(verdict), longest_of(longest, noun, &doing));
            if verdict.open { format!("{seen}; {}", hidden(facts.undecidable)) } else { seen }
        }
    }
}

/// `4 over 30s: `, where that decided.
fn aged(verdict: &Verdict) -> String {
    let older = verdict.older.filter(|_| verdict.status != Status::Ok);
    older.map(|(age, number)| format!("{number} over {}: ", text::duration(age))).unwrap_or_default()
}

fn free(verdict: &Verdict, facts: &HealthFacts) -> String {
    let usable = facts.connections.usable;
    match (verdict.measure.value, facts.connections.hidden) {
        (Some(left), _) => format!("{left} of {usable} usable connections are left"),
        (None, hidden) => {
            let used = facts.connections.used + facts.logging_in;
            let (least, most) = ((usable - used - hidden).max(0), (usable - used).max(0));
            format!(
                "{least} to {most} of {usable} usable connections are left; {} hidden",
                is_are(hidden, "session")
            )
        }
    }
}

fn states(verdict: &Verdict, facts: &HealthFacts) -> String {
    match &verdict.part {
        Some((part, found)) if verdict.status != Status::Ok => {
            let longest = match (found.seconds, &found.culprit) {
                (Some(seconds), Some(culprit)) => {
                    format!(", the longest for {}: {}", text::duration(seconds), name(culprit))
                }
                (Some(seconds), None) => format!(", the longest for {}", text::duration(seconds)),
                (None, _) => String::new(),
            };
            format!("{}{} {part}{longest}", aged(verdict), text::count(found.count, "session"))
        }
        _ => {
            let counts: Vec<String> =
                facts.states.iter().map(|(state, found)| format!("{} {state}", found.count)).collect();
            if counts.is_empty() { "no session".into() } else { counts.join(", ") }
        }
    }
}

fn horizon(facts: &HealthFacts) -> String {
    let Some(oldest) = health::oldest_holder(facts) else { return "nobody holds the horizon back".into() };
    let named = oldest.name.as_deref().unwrap_or_default();
    let who = match oldest.kind {
        HorizonKind::Session => name(&oldest.who),
        HorizonKind::Prepared => format!(
            "prepared transaction \"{named}\" in database {}",
            oldest.who.database.as_deref().unwrap_or_default()
        ),
        HorizonKind::Slot => format!("replication slot \"{named}\""),
        HorizonKind::Standby => format!("a standby's queries by hot_standby_feedback, {}", name(&oldest.who)),
    };
    let transactions = if oldest.age == 1 { "transaction" } else { "transactions" };
    format!("VACUUM is held back for {} {transactions} by {who}", oldest.age)
}

fn rates(verdict: &Verdict, facts: &HealthFacts) -> String {
    let Some(rates) = &facts.rates else { return "not judged: this server does not count sessions".into() };
    let all = format!(
        "{:.2} sessions opened per second, {:.2} abandoned, {:.2} killed, {:.2} ended by an error, over {}",
        rates.opened,
        rates.abandoned,
        rates.killed,
        rates.fatal,
        text::duration(rates.seconds)
    );
    match &verdict.part {
        Some((part, _)) if verdict.status != Status::Ok => {
            format!("{:.2} {part} per second; {all}", verdict.measure.value.unwrap_or_default())
        }
        _ => all,
    }
}

fn connections(verdict: &Verdict, facts: &HealthFacts) -> String {
    let (used, hidden, limit) = match &verdict.limit {
        Some(limit) => (limit.used, limit.hidden, limit.limit),
        None => {
            (facts.connections.used + facts.logging_in, facts.connections.hidden, facts.connections.usable)
        }
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
    let logging_in = match facts.logging_in {
        0 => String::new(),
        logins => format!(", {logins} of them logging in"),
    };
    match &verdict.limit {
        Some(limit) if verdict.is_without_limit => {
            format!("{number} connections to database \"{}\", which has no limit of its own", limit.name)
        }
        Some(limit) => {
            let owner = limit.owner.word();
            format!("{owner} \"{}\" uses {number} of its {} connections{share}", limit.name, limit.limit)
        }
        None => format!("{number} of {limit} usable connections in use{share}{logging_in}"),
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

fn blocked(facts: &HealthFacts, status: Status, in_part: bool) -> String {
    let waits = &facts.waits;
    let Some(longest) = health::told_wait(waits, status) else {
        let none = if in_part { "no session seen waiting for a lock" } else { "no session waits for a lock" };
        return none.into();
    };
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

fn is_are(number: i64, noun: &str) -> String {
    format!("{} {}", text::count(number, noun), if number == 1 { "is" } else { "are" })
}
