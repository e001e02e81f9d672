//! The words that rules have in common.

use super::evidence::Evidence;
use crate::model::practice::SessionSource;
use crate::model::suggestion::Command;
use crate::render::text;

pub(super) fn application(name: &str) -> &str {
    if name.is_empty() { "(no application_name)" } else { name }
}

pub(super) fn named(source: &SessionSource) -> String {
    let role = source.role.as_ref().map(|role| format!(" (role {role})")).unwrap_or_default();
    format!("{}{role}", application(&source.application_name))
}

/// `7 sessions`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    text::count(i64::try_from(number).unwrap_or(i64::MAX), noun)
}

/// The first names of a list, and how many more there are.
pub(super) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 3;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

pub(super) fn hidden(evidence: &Evidence) -> Option<String> {
    let hidden = evidence.scraped.facts.undecidable;
    let role = &evidence.scraped.server_context.rights.role;
    (hidden > 0).then(|| format!("{} hidden from role \"{role}\"", text::count(hidden, "session")))
}

/// The sessions of a source. An empty application name cannot be filtered for; its role can.
pub(super) fn listing(source: &SessionSource) -> Command {
    let all = Command::pgconn("ls");
    match (source.application_name.as_str(), &source.role) {
        ("", Some(role)) => all.only("--role", role),
        ("", None) => all,
        (name, _) => all.only("--app", name),
    }
}
