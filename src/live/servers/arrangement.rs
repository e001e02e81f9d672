//! Which servers of a list are listed, and in which order. What it holds are places in the list, each of which is one server as long
//! as the list is shown; a row is only where one stands for now.

use std::cmp::Ordering;

use super::row::{Found, Row};

/// What servers can be sorted by besides the worst first: the word for it, and what it goes by.
pub(crate) const SORTS: &[(&str, Sort)] = &[
    ("name", Sort::Name),
    ("slots", Sort::Slots),
    ("waiting", Sort::Waiting),
    ("xact", Sort::Xact),
    ("age", Sort::Age),
];

/// How a server can be, in a word.
const HEALTHS: [&str; 4] = ["down", "unhealthy", "degraded", "healthy"];

/// What servers can be sorted by; what is most comes first, and what is not known last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// By name.
    Name,
    /// By the share of the slots that is in use.
    Slots,
    /// By sessions that wait.
    Waiting,
    /// By the oldest transaction.
    Xact,
    /// By how long ago it was looked at.
    Age,
}

/// A word of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// How it is.
    Health(String),
    /// A part of its name, or what `--only` takes.
    Only(String),
}

/// Tells whether the server in this place of the list is one that `--only` means by this word.
pub(crate) type IsMeant = Box<dyn Fn(usize, &str) -> bool>;

/// Which are listed, and in which order.
pub(crate) struct Arrangement {
    is_meant: IsMeant,
    /// As it was typed.
    pub(in crate::live) typed: String,
    /// Each with whether it excludes; all of them have to hold.
    words: Vec<(bool, Word)>,
    pub(in crate::live) sort: Option<Sort>,
    pub(in crate::live) inverted: bool,
    /// The order stays.
    pub(in crate::live) held: bool,
    /// The places of those that are listed.
    pub(in crate::live) places: Vec<usize>,
}

impl std::fmt::Debug for Arrangement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrangement")
            .field("typed", &self.typed)
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

impl Arrangement {
    /// All of so many servers.
    pub(super) fn new(servers: usize, is_meant: IsMeant) -> Self {
        Self {
            is_meant,
            typed: String::new(),
            words: Vec::new(),
            sort: None,
            inverted: false,
            held: false,
            places: (0..servers).collect(),
        }
    }

    /// Takes a filter: parts of names, and words as `--only` takes them, `health:down`, each with `!` in front to exclude.
    ///
    /// # Errors
    /// When a word is none of these.
    pub(super) fn filter(&mut self, typed: &str) -> Result<(), String> {
        let word = |word: &str| {
            let (excludes, rest) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
            match rest.strip_prefix("health:") {
                Some(health) if HEALTHS.contains(&health) => Ok((excludes, Word::Health(health.to_owned()))),
                Some(_) => Err(format!("health: is one of {}", HEALTHS.join(", "))),
                None if rest.is_empty() => Err("! excludes what stands behind it".to_owned()),
                None => Ok((excludes, Word::Only(rest.to_owned()))),
            }
        };
        self.words = typed.split_whitespace().map(word).collect::<Result<_, _>>()?;
        typed.trim().clone_into(&mut self.typed);
        Ok(())
    }

    /// Whether the filter selects this one.
    pub(super) fn selects(&self, at: usize, row: &Row) -> bool {
        self.words.iter().all(|(excludes, word)| {
            let fits = match word {
                Word::Health(health) => row.found.as_ref().is_some_and(|(found, _)| found.health == health),
                Word::Only(word) => row.listed.name.contains(word) || (self.is_meant)(at, word),
            };
            fits != *excludes
        })
    }

    /// Sorts anew: those that the filter selects, and whoever is `chosen`. While the order is held everybody keeps his place, and who is
    /// new comes behind.
    pub(super) fn arrange(&mut self, rows: &[Row], chosen: Option<usize>) {
        let is_listed =
            |at: usize| chosen == Some(at) || rows.get(at).is_some_and(|row| self.selects(at, row));
        let mut places: Vec<usize> = (0..rows.len()).filter(|at| is_listed(*at)).collect();
        if self.held {
            let before = std::mem::take(&mut self.places);
            places.sort_by_key(|at| before.iter().position(|known| known == at).unwrap_or(before.len()));
        } else {
            let row = |at: &usize| rows.get(*at);
            places.sort_by(|one, other| match (row(one), row(other)) {
                (Some(one), Some(other)) => self.compare(one, other),
                _ => Ordering::Equal,
            });
        }
        self.places = places;
    }

    fn compare(&self, one: &Row, other: &Row) -> Ordering {
        let turned = |order: Ordering| if self.inverted { order.reverse() } else { order };
        let known = |value: fn(&Found) -> Option<f64>| {
            let of = |row: &Row| row.found.as_ref().and_then(|(found, _)| value(found));
            match (of(one), of(other)) {
                (Some(one), Some(other)) => turned(other.total_cmp(&one)),
                (one, other) => other.is_some().cmp(&one.is_some()),
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
        match self.sort {
            None => known(|found| Some(-f64::from(found.rank))),
            Some(Sort::Name) => turned(one.listed.name.cmp(&other.listed.name)),
            Some(Sort::Slots) => known(|found| Some(found.used? as f64 / found.usable?.max(1) as f64)),
            Some(Sort::Waiting) => known(|found| Some(found.waiting? as f64)),
            Some(Sort::Xact) => known(|found| found.oldest_xact_seconds),
            Some(Sort::Age) => {
                let seen = |row: &Row| row.found.as_ref().map(|(_, seen)| *seen);
                match (seen(one), seen(other)) {
                    (Some(one), Some(other)) => turned(one.cmp(&other)),
                    (one, other) => other.is_some().cmp(&one.is_some()),
                }
            }
        }
    }
}
