//! pgbouncer.ini: read as PgBouncer reads it, then held against the server.

mod access;
mod blanks;
mod entries;
mod judge;
mod numbers;
mod reader;
mod settings;
mod sizes;
mod userlist;
mod values;

use super::against::{Against, OtherFiles};
use super::finding::{Findings, LintFinding, Place};
use crate::poolconf::pgbouncer;
use settings::{Ini, Setting};

pub(super) use reader::looks_like;

/// Everything wrong or dangerous in `text`.
pub(super) fn lint(text: &str, against: &Against, files: OtherFiles<'_>) -> Vec<LintFinding> {
    let mut findings = Findings::default();
    let ini = reader::read(text, against, files, &mut findings);
    judge::peers(&ini, against, &mut findings);
    let pools = sizes::pools(&ini, against, &mut findings);
    judge::settings(&ini, against, &mut findings);
    access::access(&ini, &pools, against, files, &mut findings);
    sizes::sizes(&ini, &pools, against, &mut findings);
    match reader::template(text, findings.prevents_start()) {
        Some(template) => vec![template],
        None => findings.all,
    }
}

/// Everything wrong in settings of `[pgbouncer]`, each with its place, of which something else makes the file, with a
/// database that it knows.
pub(super) fn lint_settings(settings: &[(Place, &'static str, &str)], against: &Against) -> Vec<LintFinding> {
    let mut findings = Findings::default();
    let setting = |(place, key, value): &(Place, &str, &str)| Setting {
        place: *place,
        column: 1,
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    let ini = Ini { pgbouncer: settings.iter().map(setting).collect(), unread: true, ..Ini::default() };
    for setting in &ini.pgbouncer {
        values::check_setting(&pgbouncer::KEYS, setting, against, &mut findings);
    }
    judge::settings(&ini, against, &mut findings);
    let place = settings.first().map_or(Place::line(1), |(place, ..)| *place);
    sizes::sizes(&ini, &[sizes::Pool::unnamed(place)], against, &mut findings);
    findings.all
}

/// What a text has in force by PgBouncer's rules, as `SHOW CONFIG` names it: settings of `[pgbouncer]`, each once.
#[cfg(test)]
pub(super) fn in_force(text: &str, against: &Against, files: OtherFiles<'_>) -> Vec<(String, String)> {
    let ini = reader::read(text, against, files, &mut Findings::default());
    let mut seen = std::collections::BTreeMap::new();
    for setting in &ini.pgbouncer {
        let known = pgbouncer::find(&pgbouncer::KEYS, &setting.key);
        let shown =
            known.map_or_else(|| setting.value.clone(), |key| values::shown(key.kind, &setting.value));
        seen.insert(setting.key.clone(), shown);
    }
    seen.into_iter().collect()
}

#[cfg(test)]
mod tests;
