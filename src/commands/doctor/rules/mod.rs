//! The rules of `doctor`: pure functions from what was watched to findings, words included. One file per subject.

mod identity;
mod pools;
mod slots;
mod transactions;

use crate::db::Scraped;
use crate::model::filter::Name;
use crate::model::metric::DatabaseCounters;
use crate::model::practice::{Finding, Grade, Origin, Source, Watched};
use crate::model::settings::Setting;
use crate::render::text;

/// Everything that the rules judge.
#[derive(Debug)]
pub(super) struct Evidence {
    /// The last look.
    pub(super) scraped: Scraped,
    /// The counters before the first look.
    pub(super) before: Vec<DatabaseCounters>,
    /// Where the sessions of the last look come from.
    pub(super) origins: Vec<Origin>,
    /// All looks.
    pub(super) watched: Watched,
    /// How long it was watched.
    pub(super) seconds: f64,
}

/// Judges by every rule; the worst first.
pub(super) fn findings(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = vec![
        pools::pooling(evidence),
        pools::pool_size(evidence),
        pools::pool_growth(evidence),
        slots::slots(evidence),
        slots::limits(evidence),
        transactions::left_open(evidence),
        transactions::prepared(evidence),
        transactions::timeout(
            evidence,
            Setting::Statement,
            "statement-timeout",
            "statements of login roles are limited in time",
        ),
        transactions::timeout(
            evidence,
            Setting::IdleInTransaction,
            "idle-in-transaction-timeout",
            "open transactions of login roles are limited in time",
        ),
        identity::application_name(evidence),
        identity::superuser(evidence),
        identity::tls(evidence),
        identity::visibility(evidence),
        slots::reserved(evidence),
    ];
    findings.sort_by_key(|finding| match finding.status {
        Grade::Fail => 0,
        Grade::Warn => 1,
        Grade::Unknown => 2,
        Grade::Pass => 3,
    });
    findings
}

fn finding(
    rule: &'static str,
    title: &'static str,
    status: Grade,
    evidence: String,
    advice: &str,
    next: impl Into<String>,
) -> Finding {
    let wanted = matches!(status, Grade::Warn | Grade::Fail);
    Finding {
        rule,
        status,
        title,
        evidence,
        advice: wanted.then(|| advice.to_owned()),
        next_command: wanted.then(|| next.into()),
    }
}

fn application(name: &str) -> &str {
    if name.is_empty() { "(no application_name)" } else { name }
}

fn named(source: &Source) -> String {
    let role = source.role.as_ref().map(|role| format!(" (role {role})")).unwrap_or_default();
    format!("{}{role}", application(&source.application_name))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn hidden(evidence: &Evidence) -> Option<String> {
    let hidden = evidence.scraped.facts.undecidable;
    let role = &evidence.scraped.surroundings.me.role;
    (hidden > 0).then(|| format!("{} hidden from role \"{role}\"", text::count(hidden, "session")))
}

/// An empty application name cannot be filtered for; everything is shown instead.
fn argument(name: &str) -> String {
    if name.is_empty() { "'*'".into() } else { Name::argument(name) }
}
