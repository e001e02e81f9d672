//! Which sessions are meant: the filters of the command line as plain data. PostgreSQL evaluates them (see
//! `db::filter`); nothing in Rust does, so that what is listed is what is matched. A pooler's console answers no
//! conditions; for its connections alone, `analyze::pooler` decides.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::quote;
use super::session::Named;

/// Selects sessions. Different fields are AND; inside a field, one of the positive values and none of the negative.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// By pid or session id.
    pub(crate) named: Vec<Named>,
    /// By database name.
    pub(crate) databases: Vec<Term<Name>>,
    /// By login role.
    pub(crate) roles: Vec<Term<Name>>,
    /// By `application_name`.
    pub(crate) applications: Vec<Term<Name>>,
    /// By client address.
    pub(crate) clients: Vec<Term<ClientFilter>>,
    /// By state.
    pub(crate) states: Vec<Term<StateFilter>>,
    /// By a POSIX regular expression over the query text.
    pub(crate) queries: Vec<Term<String>>,
    /// Idle, or idle in a transaction, at least that long.
    pub(crate) idle_for: Option<Duration>,
    /// In a transaction at least that old.
    pub(crate) xact_for: Option<Duration>,
    /// Running a statement at least that old.
    pub(crate) query_for: Option<Duration>,
}

/// A value that sessions must or must not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term<T> {
    /// True for `!value`.
    pub(crate) exclude: bool,
    /// What is compared with.
    pub(crate) value: T,
}

impl<T> Term<T> {
    /// Whether one of the positive values fits, if there are any, and none of the others. Only for what no server can be asked about.
    pub(crate) fn any_of(terms: &[Self], fits: impl Fn(&T) -> bool) -> bool {
        let mut wanted = terms.iter().filter(|term| !term.exclude).peekable();
        let included = wanted.peek().is_none() || wanted.any(|term| fits(&term.value));
        included && !terms.iter().any(|term| term.exclude && fits(&term.value))
    }
}

impl Term<Name> {
    /// Whether all that match have the same name: the one that is given, as it is.
    fn is_one(terms: &[Self]) -> bool {
        let mut wanted = terms.iter().filter(|term| !term.exclude).map(|term| &term.value);
        let first = wanted.next();
        matches!(first, Some(Name::Exact(_))) && wanted.all(|other| Some(other) == first)
    }
}

impl Filter {
    /// Whether all sessions that match, and all that may because something else of them is hidden, have the same database, the same
    /// role, and the same application: these three are never hidden.
    pub(crate) fn has_one_name_of_each(&self) -> [bool; 3] {
        [&self.databases, &self.roles, &self.applications].map(|terms| Term::is_one(terms))
    }

    /// Whether a database of this name is meant: of its limit, where sessions are not the question.
    pub(crate) fn has_database(&self, name: &str) -> bool {
        Term::any_of(&self.databases, |term| term.fits(name))
    }

    /// Whether a role of this name is meant: of its limit, where sessions are not the question.
    pub(crate) fn has_role(&self, name: &str) -> bool {
        Term::any_of(&self.roles, |term| term.fits(name))
    }
}

/// A name, or a pattern of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// The very name.
    Exact(String),
    /// The pieces between `*`s.
    Glob(Vec<String>),
}

impl Name {
    /// Returns `name` as it is typed in a shell for a filter that means exactly it.
    pub(crate) fn argument(name: &str) -> String {
        quote::shell(&Self::pattern(name))
    }

    /// Returns the pattern that fits `name` alone.
    pub(crate) fn pattern(name: &str) -> String {
        escaped(name)
    }

    /// True when `name` is meant. Only for what no server can be asked about: sessions are matched by PostgreSQL.
    pub(crate) fn fits(&self, name: &str) -> bool {
        let pieces = match self {
            Self::Exact(exact) => return exact == name,
            Self::Glob(pieces) => pieces.as_slice(),
        };
        let (Some((first, _)), Some((last, middle))) = (pieces.split_first(), pieces.split_last()) else {
            return false;
        };
        let Some(mut rest) = name.strip_prefix(first.as_str()) else { return false };
        // The earliest place for each piece leaves the most room for the others.
        for piece in middle.iter().skip(1) {
            match rest.split_once(piece.as_str()) {
                Some((_, after)) if !piece.is_empty() => rest = after,
                Some(_) => {}
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }

    /// True for a pattern that fits every name.
    pub(crate) fn fits_everything(&self) -> bool {
        matches!(self, Self::Glob(pieces) if pieces.iter().all(String::is_empty))
    }
}

/// Where a session comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClientFilter {
    /// Over a Unix socket.
    Local,
    /// From an address in this network; a single address has all bits.
    Network(IpAddr, u8),
    /// One connection: its address and port.
    Peer(SocketAddr),
}

impl ClientFilter {
    /// The filter that means exactly the client of this name, as `client` of a session tells it; none when that is no address.
    pub(crate) fn exactly(name: &str) -> Option<Self> {
        if name == "local" {
            return Some(Self::Local);
        }
        let address: IpAddr = name.parse().ok()?;
        Some(Self::Network(address, if address.is_ipv4() { 32 } else { 128 }))
    }
}

/// A state to select by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateFilter {
    /// PostgreSQL's own word.
    Verbatim(&'static str),
    /// In a transaction and doing nothing, failed transactions included.
    IdleInTransaction,
    /// Waiting for a lock.
    Waiting,
}

/// The words that `--state` takes, with what they mean.
pub(crate) const STATES: &[(&str, StateFilter)] = &[
    ("active", StateFilter::Verbatim("active")),
    ("idle", StateFilter::Verbatim("idle")),
    ("idle-in-transaction", StateFilter::IdleInTransaction),
    ("aborted", StateFilter::Verbatim("idle in transaction (aborted)")),
    ("waiting", StateFilter::Waiting),
    ("idle in transaction", StateFilter::Verbatim("idle in transaction")),
    ("idle in transaction (aborted)", StateFilter::Verbatim("idle in transaction (aborted)")),
    ("fastpath function call", StateFilter::Verbatim("fastpath function call")),
    ("disabled", StateFilter::Verbatim("disabled")),
    ("starting", StateFilter::Verbatim("starting")),
    ("idle_in_transaction", StateFilter::IdleInTransaction),
    ("idle_in_transaction_aborted", StateFilter::Verbatim("idle in transaction (aborted)")),
];

/// The flags that select the same, for messages and logs: `--db app --idle-for 5m`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut flags: Vec<String> = self.named.iter().map(ToString::to_string).collect();
        flags.extend(self.databases.iter().map(|term| format!("--db {term}")));
        flags.extend(self.roles.iter().map(|term| format!("--role {term}")));
        flags.extend(self.applications.iter().map(|term| format!("--app {term}")));
        flags.extend(self.clients.iter().map(|term| format!("--client {term}")));
        flags.extend(self.states.iter().map(|term| format!("--state {term}")));
        flags.extend(self.queries.iter().map(|term| format!("--query {term}")));
        let ages =
            [("--idle-for", self.idle_for), ("--xact-for", self.xact_for), ("--query-for", self.query_for)];
        for (flag, limit) in ages {
            flags.extend(limit.map(|limit| format!("{flag} {limit:?}")));
        }
        f.write_str(&flags.join(" "))
    }
}

/// As it is typed in a shell.
impl<T: fmt::Display> fmt::Display for Term<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote::shell(&format!("{}{}", if self.exclude { "!" } else { "" }, self.value)))
    }
}

/// As a filter takes it.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(&escaped(name)),
            Self::Glob(pieces) => {
                let (first, others) =
                    pieces.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
                f.write_str(&escaped(first))?;
                others.iter().try_for_each(|piece| write!(f, "*{}", piece.replace('*', "\\*")))
            }
        }
    }
}

/// The part of a pattern that stands for the very `name`. A backslash is one, but before what is escaped, and there in front of the
/// one that escapes.
fn escaped(name: &str) -> String {
    let excludes = name.trim_start_matches('\\').starts_with('!');
    format!("{}{}", if excludes { "\\" } else { "" }, name.replace('*', "\\*"))
}

impl fmt::Display for ClientFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Network(address, bits) => write!(f, "{address}/{bits}"),
            Self::Peer(peer) => write!(f, "{peer}"),
        }
    }
}

impl fmt::Display for StateFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = STATES.iter().find(|(_, state)| state == self).map(|(word, _)| *word);
        f.write_str(word.unwrap_or_default())
    }
}

impl Filter {
    /// True when nothing was asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty()
            && self.databases.is_empty()
            && self.roles.is_empty()
            && self.applications.is_empty()
            && self.clients.is_empty()
            && self.states.is_empty()
            && self.queries.is_empty()
            && self.idle_for.is_none()
            && self.xact_for.is_none()
            && self.query_for.is_none()
    }

    /// True when every session of a server can pass: each field has `*` among its values, or only exclusions.
    pub(crate) fn can_match_everything(&self) -> bool {
        [&self.databases, &self.roles, &self.applications]
            .into_iter()
            .all(|names| can_all_pass(names, Name::fits_everything))
            && self.named.is_empty()
            && can_all_pass(&self.clients, |_| false)
            && can_all_pass(&self.states, |_| false)
            && can_all_pass(&self.queries, |_| false)
            && self.idle_for.is_none()
            && self.xact_for.is_none()
            && self.query_for.is_none()
    }
}

/// Whether one field lets everybody through: one of the positive values is enough, and none of them asks for nothing.
fn can_all_pass<T>(terms: &[Term<T>], fits_everything: impl Fn(&T) -> bool) -> bool {
    let mut wanted = terms.iter().filter(|term| !term.exclude).map(|term| &term.value).peekable();
    wanted.peek().is_none() || wanted.any(fits_everything)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<Term<Name>> {
        let term = |word: &&str| match word.strip_prefix('!') {
            Some(word) => Term { exclude: true, value: Name::Exact(word.to_owned()) },
            None if *word == "*" => Term { exclude: false, value: Name::Glob(vec![String::new(); 2]) },
            None => Term { exclude: false, value: Name::Exact((*word).to_owned()) },
        };
        words.iter().map(term).collect()
    }

    #[test]
    fn one_value_that_fits_everything_is_everything_in_its_field_only() {
        let reach = |databases: &[&str], applications: &[&str]| {
            let filter = Filter {
                databases: names(databases),
                applications: names(applications),
                ..Filter::default()
            };
            filter.can_match_everything()
        };
        for (databases, applications, everything) in [
            (&["*", "x"][..], &[][..], true),
            (&["x", "*"], &["!y"], true),
            (&["*", "!x"], &[], true),
            (&["!x", "!y"], &["*"], true),
            (&["x"], &[], false),
            (&["x", "!y"], &[], false),
            (&["*", "x"], &["y"], false),
            (&["x"], &["*"], false),
        ] {
            assert_eq!(reach(databases, applications), everything, "{databases:?} {applications:?}");
        }
        let local = Term { exclude: false, value: ClientFilter::Local };
        let filter = Filter { databases: names(&["*"]), clients: vec![local], ..Filter::default() };
        assert!(!filter.can_match_everything());
    }
}
