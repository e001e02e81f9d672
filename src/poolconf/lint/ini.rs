//! pgbouncer.ini: read as PgBouncer reads it, then held against the server.

mod access;
mod blanks;
mod entries;
mod judge;
mod numbers;
mod reader;
mod sizes;
mod userlist;
mod values;

use super::{Against, Findings, LintFinding, OtherFiles, Place};
use crate::poolconf::pgbouncer;
use numbers::positive;

pub(super) use reader::looks_like;

/// PgBouncer's default for `default_pool_size`.
const DEFAULT_POOL_SIZE: u64 = 20;

/// One setting as written.
#[derive(Debug)]
struct Setting {
    place: Place,
    /// Where in its line the value begins, in characters from 1.
    column: usize,
    key: String,
    value: String,
}

/// What is in force after the whole file was read. Keys of one section come in order, repeated ones too.
#[derive(Debug, Default)]
struct Ini {
    pgbouncer: Vec<Setting>,
    databases: Vec<Setting>,
    users: Vec<Setting>,
    peers: Vec<Setting>,
    /// Whether there may be more than was read: an included file that cannot be read, or a line at which it ended.
    unread: bool,
}

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

impl Ini {
    fn setting(&self, key: &str) -> Option<&Setting> {
        self.pgbouncer.iter().rev().find(|setting| setting.key == key)
    }

    /// Where a setting that is in force was given.
    fn place(&self, key: &str) -> Option<Place> {
        self.setting(key).map(|setting| setting.place)
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.setting(key).map(|setting| setting.value.as_str())
    }

    /// Whether a setting has a value that is not empty.
    fn has(&self, key: &str) -> bool {
        self.value(key).is_some_and(|value| !value.is_empty())
    }

    /// The word that a setting has, in the case in which it is known.
    fn word(&self, key: &str) -> Option<String> {
        self.value(key).map(str::to_ascii_lowercase)
    }

    /// A size in force: as given when it is a number above 0, else the default.
    fn size(&self, key: &str, default: u64) -> u64 {
        self.value(key).and_then(positive).unwrap_or(default)
    }
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
