//! Rules about time: what is left open, and what would end it.

use std::collections::HashSet;

use super::evidence::Evidence;
use super::found::{Found, Rule};
use super::words::{counted, hidden, listed, named};
use crate::analyze::health::{self, HORIZON_TRANSACTIONS, IDLE_XACT_SECONDS, PREPARED_XACT_SECONDS};
use crate::analyze::settings::{effective, of_roles};
use crate::model::blocking::PreparedBlocker;
use crate::model::health::{HorizonHolder, HorizonKind};
use crate::model::practice::{Grade, SessionSource};
use crate::model::quote::finish_prepared;
use crate::model::session::Session;
use crate::model::settings::Setting;
use crate::model::suggestion::Command;
use crate::render::text;

/// Seconds for which a transaction may be left idle, and from which on it is called wrong: there `check` warns.
const LEFT_OPEN: (f64, f64) = (5.0, IDLE_XACT_SECONDS.0);
/// Seconds from which on a prepared transaction counts as forgotten: there `check` warns.
const PREPARED: f64 = PREPARED_XACT_SECONDS.0;

pub(super) fn left_open(evidence: &Evidence) -> Found {
    let rule = Rule::new("idle-in-transaction", "transactions are ended, not left open");
    let idle = &evidence.scraped.facts.idle_xact;
    let seconds = idle.seconds.unwrap_or(0.0);
    match (&idle.culprit, hidden(evidence)) {
        (Some(culprit), _) if seconds >= LEFT_OPEN.0 => rule.found(
            if seconds >= LEFT_OPEN.1 { Grade::Fail } else { Grade::Warn },
            format!(
                "{} idle, the longest for {}: pid {} of {}",
                text::count(idle.count, "open transaction"),
                text::duration(seconds),
                culprit.pid,
                named(&SessionSource {
                    application_name: culprit.application_name.clone(),
                    role: culprit.role.clone()
                })
            ),
            "commit before waiting for anything else, and set idle_in_transaction_session_timeout",
            match idle.count {
                1 => Command::pgconn("show").word(&culprit.pid.to_string()),
                _ => Command::pgconn("ls --state idle-in-transaction"),
            },
        ),
        (_, Some(hidden)) => rule.unknown(hidden),
        _ => rule.pass(format!("no transaction was idle for {}", text::duration(LEFT_OPEN.0))),
    }
}

/// What keeps VACUUM from removing anything, and which of the transactions that are left open do and do not: one that only read at
/// READ COMMITTED holds nothing back however old it is.
pub(super) fn horizon(evidence: &Evidence) -> Found {
    let rule = Rule::new("vacuum-horizon", "nothing old keeps VACUUM from cleaning up");
    let age = |session: &Session| session.xmin_age;
    let (holding, harmless): (Vec<&Session>, Vec<&Session>) = evidence
        .left_open
        .iter()
        .filter(|session| !session.hidden)
        .partition(|session| age(session).is_some());
    let listed = |sessions: &[&Session]| {
        let named: Vec<String> = sessions.iter().map(|session| format!("pid {}", session.pid)).collect();
        listed(named.iter().map(String::as_str))
    };
    let mut parts = Vec::new();
    if let Some(oldest) = holding.iter().filter_map(|session| age(session)).max() {
        parts.push(format!(
            "of the transactions left open {} hold VACUUM back, the oldest for {oldest} transactions",
            listed(&holding)
        ));
    }
    if !harmless.is_empty() {
        parts.push(format!("{} hold nothing back: they only read", listed(&harmless)));
    }
    let facts = &evidence.scraped.facts;
    let Some(holder) = health::oldest_holder(facts) else {
        parts.insert(0, "nobody holds it back".to_owned());
        return rule.pass(parts.join("; "));
    };
    parts.insert(0, holds_back(holder));
    #[expect(clippy::cast_precision_loss, reason = "ages in transactions are far below 2^52")]
    let age = holder.age as f64;
    let grade = match age {
        age if age > HORIZON_TRANSACTIONS.1 => Grade::Fail,
        age if age > HORIZON_TRANSACTIONS.0 => Grade::Warn,
        _ => return rule.pass(parts.join("; ")),
    };
    let (advice, next) = match holder.kind {
        HorizonKind::Session => {
            let pid = holder.who.pid.to_string();
            ("end that transaction, and commit sooner", Command::pgconn("show").word(&pid))
        }
        HorizonKind::Prepared => {
            let database = holder.who.database.as_deref().unwrap_or_default();
            ("finish it", Command::psql_prepared(database))
        }
        HorizonKind::Slot => (
            "have its consumer catch up, or drop the slot that has none any more",
            Command::psql("postgres", "select * from pg_replication_slots"),
        ),
        HorizonKind::Standby => (
            "end the long query on the standby, or set hot_standby_feedback = off there",
            Command::pgconn("check oldest-xmin"),
        ),
    };
    rule.found(grade, parts.join("; "), advice, next)
}

/// `pid 4711 of api (role app) holds it back for 12 transactions`.
fn holds_back(holder: &HorizonHolder) -> String {
    let name = holder.name.as_deref().unwrap_or_default();
    let who = match holder.kind {
        HorizonKind::Session | HorizonKind::Standby => {
            let source = SessionSource {
                application_name: holder.who.application_name.clone(),
                role: holder.who.role.clone(),
            };
            format!("pid {} of {}", holder.who.pid, named(&source))
        }
        HorizonKind::Prepared => format!("prepared transaction \"{name}\""),
        HorizonKind::Slot => format!("replication slot \"{name}\""),
    };
    format!("{who} holds it back for {} transactions", holder.age)
}

/// Names one that sessions wait for before one that is only old: they need not be the same.
pub(super) fn prepared(evidence: &Evidence) -> Found {
    let rule = Rule::new("prepared-xact", "prepared transactions are finished");
    let blockers = &evidence.prepared_blockers;
    let in_the_way = blockers.first().map(|one| (&one.gid, &one.owner, &one.database, one.prepared_seconds));
    let oldest = evidence.scraped.facts.prepared.oldest.as_ref().filter(|oldest| oldest.seconds >= PREPARED);
    let forgotten = oldest.map(|one| (&one.gid, &one.owner, &one.database, one.seconds));
    let Some((gid, owner, database, seconds)) = in_the_way.or(forgotten) else {
        return rule
            .pass(format!("none is older than {}, and nobody waits for one", text::duration(PREPARED)));
    };
    let described = |gid: &str, owner: &str, seconds: f64| {
        format!("\"{gid}\" of role {owner} has been prepared for {}", text::duration(seconds))
    };
    let mut found = format!("{}{}", described(gid, owner, seconds), waiting_behind(blockers));
    let said = |other: &str| other == gid || blockers.iter().any(|one| one.gid == other);
    if let Some((gid, owner, _, seconds)) = forgotten.filter(|(gid, ..)| !said(gid)) {
        found.push_str(&format!("; {}", described(gid, owner, seconds)));
    }
    rule.found(
        if forgotten.is_some() { Grade::Fail } else { Grade::Warn },
        found,
        &format!("{}; until then it holds its locks, and back VACUUM", finish_prepared(database, gid)),
        Command::psql_prepared(database),
    )
}

/// `; 3 sessions waiting behind it and 1 other prepared transaction`.
fn waiting_behind(blockers: &[PreparedBlocker]) -> String {
    let waiting: HashSet<i32> = blockers.iter().flat_map(|one| one.waiting_pids.iter().copied()).collect();
    match blockers.len() {
        0 => String::new(),
        1 => format!("; {} waiting behind it", counted(waiting.len(), "session")),
        all => format!(
            "; {} waiting behind it and {}",
            counted(waiting.len(), "session"),
            counted(all - 1, "other prepared transaction")
        ),
    }
}

pub(super) fn statement_timeout(evidence: &Evidence) -> Found {
    let rule = Rule::new("statement-timeout", "statements of login roles are limited in time");
    let advice = "set it for the application's roles, longer than their longest honest statement";
    timeout(rule, evidence, Setting::Statement, advice)
}

pub(super) fn idle_timeout(evidence: &Evidence) -> Found {
    let rule =
        Rule::new("idle-in-transaction-timeout", "open transactions of login roles are limited in time");
    let advice = "set it for the application's roles, longer than they honestly pause between two statements";
    timeout(rule, evidence, Setting::IdleInTransaction, advice)
}

/// Judges every role that can log in and is no superuser; those that are connected by the databases that they are in.
fn timeout(rule: Rule, evidence: &Evidence, setting: Setting, advice: &'static str) -> Found {
    let name = setting.name();
    let settings = &evidence.scraped.settings;
    let Some(server) = settings.server.iter().find(|server| server.setting == setting) else {
        return rule.unknown(format!("the server does not tell {name}"));
    };
    let connected = evidence.origins.iter().filter(|origin| !origin.superuser).filter_map(|origin| {
        let role = origin.role.as_deref()?;
        Some((role, effective(settings, server, Some(role), origin.database.as_deref()).value_seconds))
    });
    let here = |role: &str| evidence.origins.iter().any(|origin| origin.role.as_deref() == Some(role));
    let ordinary = || evidence.scraped.login_roles.iter().filter(|role| !role.superuser);
    let away = ordinary().map(|role| role.name.as_str()).filter(|role| !here(role));
    #[expect(clippy::cast_precision_loss, reason = "settings are 32-bit integers")]
    let away = of_roles(settings, server, away).map(|(role, value)| (role, value.map(|value| value as f64)));
    let (mut without, mut unknown): (Vec<&str>, bool) = (Vec::new(), false);
    for (role, value) in connected.chain(away) {
        unknown |= value.is_none();
        if value == Some(0.0) && !without.contains(&role) {
            without.push(role);
        }
    }
    let Some(first) = without.first() else {
        return if unknown {
            rule.unknown(format!("this session has a {name} of its own and cannot tell the server's"))
        } else {
            rule.pass(format!("every role that can log in has {name}"))
        };
    };
    rule.found(
        Grade::Warn,
        format!(
            "no {name} for {} of {}: {}",
            without.len(),
            counted(ordinary().count(), "login role"),
            listed(without.iter().copied())
        ),
        advice,
        Command::pgconn("timeout set 30s").with("--kind", name).with("--role", first),
    )
}
