//! The settings of a pgbouncer.ini, as written and as they are in force.

use super::numbers::positive;
use crate::poolconf::lint::finding::Place;

/// PgBouncer's default for `default_pool_size`.
pub(super) const DEFAULT_POOL_SIZE: u64 = 20;

/// One setting as written.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) place: Place,
    /// Where in its line the value begins, in characters from 1.
    pub(super) column: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// What is in force after the whole file was read. Keys of one section come in order, repeated ones too.
#[derive(Debug, Default)]
pub(super) struct Ini {
    pub(super) pgbouncer: Vec<Setting>,
    pub(super) databases: Vec<Setting>,
    pub(super) users: Vec<Setting>,
    pub(super) peers: Vec<Setting>,
    /// Whether there may be more than was read: an included file that cannot be read, or a line at which it ended.
    pub(super) unread: bool,
}

impl Ini {
    pub(super) fn setting(&self, key: &str) -> Option<&Setting> {
        self.pgbouncer.iter().rev().find(|setting| setting.key == key)
    }

    /// Where a setting that is in force was given.
    pub(super) fn place(&self, key: &str) -> Option<Place> {
        self.setting(key).map(|setting| setting.place)
    }

    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.setting(key).map(|setting| setting.value.as_str())
    }

    /// Whether a setting has a value that is not empty.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some_and(|value| !value.is_empty())
    }

    /// The word that a setting has, in the case in which it is known.
    pub(super) fn word(&self, key: &str) -> Option<String> {
        self.value(key).map(str::to_ascii_lowercase)
    }

    /// A size in force: as given when it is a number above 0, else the default.
    pub(super) fn size(&self, key: &str, default: u64) -> u64 {
        self.value(key).and_then(positive).unwrap_or(default)
    }
}
