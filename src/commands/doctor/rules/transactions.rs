//! Rules about time: what is left open, and what would end it.

use super::{Evidence, finding, hidden, named};
use crate::analyze::settings::effective;
use crate::commands::quoted;
use crate::model::practice::{Finding, Grade, Source};
use crate::model::settings::Setting;
use crate::render::text;

/// Seconds for which a transaction may be left idle, and from which on it is called wrong: `check`'s own thresholds.
const LEFT_OPEN: (f64, f64) = (5.0, 300.0);
/// Seconds from which on a prepared transaction counts as forgotten.
const PREPARED: f64 = 300.0;

pub(super) fn left_open(evidence: &Evidence) -> Finding {
    let title = "transactions are ended, not left open";
    let idle = &evidence.scraped.facts.idle_xact;
    let seconds = idle.seconds.unwrap_or(0.0);
    match (&idle.culprit, hidden(evidence)) {
        (Some(culprit), _) if seconds >= LEFT_OPEN.0 => finding(
            "idle-in-transaction",
            title,
            if seconds >= LEFT_OPEN.1 { Grade::Fail } else { Grade::Warn },
            format!(
                "{} idle, the longest for {}: pid {} of {}",
                text::count(idle.count, "open transaction"),
                text::duration(seconds),
                culprit.pid,
                named(&Source {
                    application_name: culprit.application_name.clone(),
                    role: culprit.role.clone()
                })
            ),
            "commit before waiting for anything else, and set idle_in_transaction_session_timeout",
            "pgconn ls --state idle-in-transaction",
        ),
        (_, Some(hidden)) => finding("idle-in-transaction", title, Grade::Unknown, hidden, "", ""),
        _ => finding(
            "idle-in-transaction",
            title,
            Grade::Pass,
            format!("no transaction was idle for {}", text::duration(LEFT_OPEN.0)),
            "",
            "",
        ),
    }
}

pub(super) fn prepared(evidence: &Evidence) -> Finding {
    let title = "prepared transactions are finished";
    match &evidence.scraped.facts.prepared.oldest {
        Some(oldest) if oldest.seconds >= PREPARED => finding(
            "prepared-xact",
            title,
            Grade::Fail,
            format!(
                "\"{}\" of role {} waits for {}",
                oldest.gid,
                oldest.owner,
                text::duration(oldest.seconds)
            ),
            "commit or roll it back: it holds its locks, and back VACUUM, until then",
            format!(
                "in database {}: ROLLBACK PREPARED '{}'",
                oldest.database,
                oldest.gid.replace('\'', "''")
            ),
        ),
        _ => finding("prepared-xact", title, Grade::Pass, "none is older than 5 minutes".into(), "", ""),
    }
}

pub(super) fn timeout(
    evidence: &Evidence,
    setting: Setting,
    rule: &'static str,
    title: &'static str,
) -> Finding {
    let Some(server) = evidence.scraped.settings.server.iter().find(|server| server.setting == setting)
    else {
        return finding(rule, title, Grade::Unknown, "the server does not tell the setting".into(), "", "");
    };
    let mut without = Vec::new();
    let mut unknown = false;
    for origin in evidence.origins.iter().filter(|origin| !origin.superuser) {
        let Some(role) = &origin.role else { continue };
        match effective(&evidence.scraped.settings, server, Some(role), origin.database.as_deref())
            .value_seconds
        {
            None => unknown = true,
            Some(seconds) if seconds <= 0.0 && !without.contains(role) => without.push(role.clone()),
            Some(_) => {}
        }
    }
    let name = setting.name();
    match without.first() {
        Some(first) => finding(
            rule,
            title,
            Grade::Warn,
            format!("no {name} for {}", without.join(", ")),
            "set it for the application's roles, longer than their longest honest statement",
            format!("ALTER ROLE {} SET {name} = '30s'", quoted(first)),
        ),
        None if unknown => finding(
            rule,
            title,
            Grade::Unknown,
            format!("this session cannot tell the server's {name}"),
            "",
            "",
        ),
        None => finding(
            rule,
            title,
            Grade::Pass,
            format!("every ordinary role that is connected has {name}"),
            "",
            "",
        ),
    }
}
