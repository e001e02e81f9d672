//! A lock that a session waits for or holds, and what it is on.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::quote;

/// A lock that a session waits for, or holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Lock {
    /// As PostgreSQL says it: `relation`, `transactionid`, `tuple`, …
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The mode: `AccessExclusiveLock`, …
    pub(crate) mode: String,
    /// The relation's name, also where it is one of its rows that is waited for; `relation 16423 of database shop` where it is another
    /// database's. None for other locks.
    pub(crate) relation: Option<String>,
    /// Of an advisory lock, the key as applications write it: one number, or two (`1, 2`); of a row's queue, where the row is:
    /// `(0,1)`. None for other locks.
    pub(crate) key: Option<String>,
    /// Of an advisory lock that is held, whether it ends with the transaction or the session, as far as that can be told: the server
    /// does not show it. Who holds one without a transaction holds it for the session, a prepared transaction for the transaction.
    /// Null: it may be either. None for other locks.
    pub(crate) level: Option<Level>,
    /// True when another relation of the same answer has the same name in another schema ([`tell_apart`]).
    #[serde(skip)]
    pub(crate) has_namesake: bool,
}

/// The modes of ordinary locks, the weakest first.
#[cfg(test)]
pub(crate) const MODES: [&str; 8] = [
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];

/// What an advisory lock ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LockLevel"))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// The session, or its unlocking.
    Session,
    /// The transaction.
    Transaction,
}

impl Lock {
    /// The relation's name in the fewest letters that tell it from the others of its answer: without its schema, unless it has a
    /// namesake.
    pub(crate) fn short_relation(&self) -> Option<&str> {
        let name = self.relation.as_deref()?;
        Some(if self.has_namesake { name } else { without_schema(name) })
    }
}

/// Marks those of these locks, all of one answer, whose relations have the same name in different schemas.
pub(crate) fn tell_apart<'a>(locks: impl Iterator<Item = &'a mut Lock>) {
    let mut locks: Vec<&mut Lock> = locks.filter(|lock| lock.relation.is_some()).collect();
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut several: HashSet<String> = HashSet::new();
    for name in locks.iter().filter_map(|lock| lock.relation.as_deref()) {
        let bare = without_schema(name);
        if *names.entry(bare).or_insert(name) != name {
            several.insert(bare.to_owned());
        }
    }
    for lock in &mut locks {
        lock.has_namesake =
            lock.relation.as_deref().is_some_and(|name| several.contains(without_schema(name)));
    }
}

/// What is told of another database's relation is no name, and its dots are none between schema and name.
fn without_schema(name: &str) -> &str {
    if name.starts_with("relation ") { name } else { quote::without_schema(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(relations: &[&str]) -> Vec<String> {
        let lock = |name: &&str| Lock { relation: Some((*name).into()), ..Lock::default() };
        let mut locks: Vec<Lock> = relations.iter().map(lock).collect();
        tell_apart(locks.iter_mut());
        locks.iter().filter_map(Lock::short_relation).map(str::to_owned).collect()
    }

    #[test]
    fn a_schema_stays_where_two_relations_would_read_the_same() {
        assert_eq!(short(&["public.orders", "public.stock", "public.orders"]), ["orders", "stock", "orders"]);
        let archived = ["public.orders", "archive.orders", "public.stock", "archive.orders"];
        assert_eq!(short(&archived), ["public.orders", "archive.orders", "stock", "archive.orders"]);
        assert_eq!(short(&["pg_class", "public.pg_class"]), ["pg_class", "public.pg_class"]);
        assert_eq!(short(&["s.\"a.b\"", "public.\"a.b\""]), ["s.\"a.b\"", "public.\"a.b\""]);
    }

    #[test]
    fn a_relation_of_another_database_is_told_whole() {
        let other = "relation 16423 of database shop.eu";
        assert_eq!(short(&[other]), [other]);
    }
}
