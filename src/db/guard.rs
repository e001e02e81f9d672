//! What travels with every statement of pgconn's own: how its transaction is isolated, whether it writes, how long it may take,
//! and that names mean PostgreSQL's own objects. Roles and databases can have other defaults for each of these
//! (`ALTER ROLE … SET`), with which a statement fails, waits for somebody else's transaction, or means something else.

use std::time::Duration;

/// Whether a transaction writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It only looks.
    ReadOnly,
    /// It changes what the server stores. A standby takes none of these.
    ReadWrite,
    /// It signals, which is no writing and is possible everywhere: as the session has it.
    Signal,
}

impl Access {
    /// The words of BEGIN and of SET TRANSACTION. Read committed: what is serializable fails on a standby, and waits for others
    /// when it is to be deferred.
    const fn mode(self) -> &'static str {
        match self {
            Self::ReadOnly => "isolation level read committed, read only",
            Self::ReadWrite => "isolation level read committed, read write",
            Self::Signal => "isolation level read committed",
        }
    }
}

/// A path that does not name pg_temp has it in front for relations and types: the temp objects of whoever had the session before,
/// which through a transaction pooler is anybody.
const NAMES: &str = "set local search_path = pg_catalog, pg_temp";

/// Numbers as they are: below 1 the server rounds them, down to a single digit.
const NUMBERS: &str = "set local extra_float_digits = 1";

/// Whether this is a standby, from a server that does not tell when it is connected to.
pub(super) const IS_IN_RECOVERY: &str =
    "begin isolation level read committed, read only; select pg_catalog.pg_is_in_recovery(); commit";

/// The shortest question, in a message of its own.
pub(super) const PING: &str = "begin isolation level read committed, read only; select 1; commit";

/// The guards of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guards {
    /// How long each statement may take.
    pub(super) limit: Duration,
    /// The server knows a limit on transactions (17 and later), and a role's own may leave no time for anything.
    pub(super) transaction_timeout: bool,
    /// Bytes as they are instead of the session's own client encoding: for text that does not fit that.
    pub(super) bytes: bool,
}

impl Guards {
    /// `statements` as one transaction; `first` are asked before any limit is SET.
    pub(super) fn transaction(self, access: Access, first: &[String], statements: &[String]) -> Vec<String> {
        let begin = format!("begin {}", access.mode());
        let end = ["commit".to_owned()];
        // Where nothing has to be asked before, first of all: a limit on the transaction has begun to run.
        if first.is_empty() {
            return [&[begin], &self.limits()[..], &[NAMES.to_owned(), NUMBERS.to_owned()], statements, &end]
                .concat();
        }
        [&[begin, NAMES.to_owned(), NUMBERS.to_owned()], first, &self.limits(), statements, &end].concat()
    }

    /// `statements` for a message by itself, which is a transaction without being a block of one.
    pub(super) fn message(self, access: Access, statements: &[String]) -> Vec<String> {
        let mode = format!("set transaction {}", access.mode());
        [&[mode], &self.limits()[..], &[NAMES.to_owned(), NUMBERS.to_owned()], statements].concat()
    }

    /// What a session's statements take as they come where nothing can travel with them (ALTER SYSTEM): until it ends.
    pub(super) fn for_the_session(self) -> Vec<String> {
        let mode = "set session characteristics as transaction isolation level read committed".to_owned();
        let unlimited = self.transaction_timeout.then(|| "set transaction_timeout = 0".to_owned());
        [mode].into_iter().chain(unlimited).collect()
    }

    /// A question that goes before those that ask for the limits of the session: it takes a limit on the transaction away that
    /// leaves no time for them. That setting then has the source `session`.
    pub(super) fn time_to_ask(self) -> Option<String> {
        let shortest = "select set_config('transaction_timeout', '0', true) \
                        where current_setting('transaction_timeout')::interval between interval '1 us' and interval '1 s'";
        self.transaction_timeout.then(|| shortest.to_owned())
    }

    fn limits(self) -> Vec<String> {
        let limit = self.limit.as_millis();
        let unlimited = self.transaction_timeout.then(|| "set local transaction_timeout = 0".to_owned());
        let encoding = self.bytes.then(|| "set local client_encoding = 'SQL_ASCII'".to_owned());
        let limits =
            [format!("set local statement_timeout = {limit}"), format!("set local lock_timeout = {limit}")];
        unlimited.into_iter().chain(limits).chain(encoding).collect()
    }
}
