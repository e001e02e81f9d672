//! What went wrong between pgconn and a server, as a value.

use std::fmt;

use crate::conninfo::secrets;
use crate::model::suggestion::Hint;
use crate::stop::Signal;

/// What kind of failure it was; the JSON `error.code` is [`ErrorKind::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// Every connection slot that this role may use is taken, at the named level.
    TooManyConnections(LimitScope),
    /// The server is starting up.
    StartingUp,
    /// The server is shutting down.
    ShuttingDown,
    /// The server is in crash recovery, or a standby that does not accept connections.
    Recovering,
    /// Wrong or missing password, no matching pg_hba line, login not permitted.
    AuthFailed,
    /// The command that gives the password failed, or its password may not be sent.
    PasswordCommand,
    /// A pooler's own login to the server fails.
    PoolerLogin,
    /// The database does not exist or does not accept connections.
    NoSuchDatabase,
    /// The role does not exist.
    NoSuchRole,
    /// TLS could not be established, or a certificate was not accepted.
    Tls,
    /// The host name could not be resolved.
    Dns,
    /// Nothing listens there, or the way to it is closed.
    Refused,
    /// No answer in time.
    Timeout,
    /// Something that does not speak PostgreSQL's protocol.
    NotPostgres,
    /// The connection was lost after login.
    ConnectionLost,
    /// Connection settings that are wrong or cannot be honoured (nothing was tried).
    BadSettings,
    /// The server refused a regular expression or another value that the user typed.
    BadValue,
    /// The role lacks a right.
    PermissionDenied,
    /// A statement ran into its time limit.
    StatementTimeout,
    /// The server is not a PostgreSQL that pgconn can work with.
    UnsupportedServer,
    /// It is a pooler's console, which speaks the protocol and no SQL.
    PoolerConsole,
    /// Any other error that the server reported.
    Server,
    /// It is not the kind of server that target_session_attrs asks for.
    WrongServer,
    /// It is not the server that this run has to come back to.
    AnotherServer,
    /// The server answered something that pgconn did not expect.
    Protocol,
    /// A signal ended the wait for an answer.
    Interrupted(Signal),
}

/// Whose limit is exhausted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitScope {
    /// max_connections: no slot for anybody.
    Server,
    /// Only reserved slots are left.
    Reserved,
    /// The role's CONNECTION LIMIT.
    Role,
    /// The database's CONNECTION LIMIT.
    Database,
    /// A connection pooler's own limit.
    Pooler,
}

impl LimitScope {
    /// The stable word of this scope for scripts.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Reserved => "reserved",
            Self::Role => "role",
            Self::Database => "database",
            Self::Pooler => "pooler",
        }
    }
}

impl ErrorKind {
    /// Whose limit is exhausted; nothing when no limit is.
    pub(crate) const fn scope(self) -> Option<LimitScope> {
        match self {
            Self::TooManyConnections(scope) => Some(scope),
            _ => None,
        }
    }

    /// The stable word of this kind for scripts.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::TooManyConnections(_) => "too_many_connections",
            Self::StartingUp => "starting_up",
            Self::ShuttingDown => "shutting_down",
            Self::Recovering => "recovering",
            Self::AuthFailed => "auth_failed",
            Self::PasswordCommand => "password_command",
            Self::PoolerLogin => "pooler_login",
            Self::NoSuchDatabase => "no_such_database",
            Self::NoSuchRole => "no_such_role",
            Self::Tls => "tls",
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::NotPostgres => "not_postgres",
            Self::ConnectionLost => "connection_lost",
            Self::BadSettings => "bad_settings",
            Self::BadValue => "bad_value",
            Self::PermissionDenied => "permission_denied",
            Self::StatementTimeout => "statement_timeout",
            Self::UnsupportedServer => "unsupported_server",
            Self::PoolerConsole => "pooler_console",
            Self::Server => "server_error",
            Self::WrongServer => "target_session_attrs",
            Self::AnotherServer => "another_server",
            Self::Protocol => "protocol",
            Self::Interrupted(_) => "interrupted",
        }
    }
}

/// A failure with everything a person or script needs to go on.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    /// What kind it is.
    pub(crate) kind: ErrorKind,
    /// One line, lower case, no full stop; never holds a secret. Server text in it is not yet sanitised.
    pub(crate) message: String,
    /// More about it: the server's DETAIL, the list of attempts.
    pub(crate) detail: Option<String>,
    /// What to do next.
    pub(crate) hint: Option<Hint>,
    /// The server's SQLSTATE, when it sent one.
    pub(crate) sqlstate: Option<String>,
    /// Whether there was no session yet.
    pub(crate) connecting: bool,
}

impl Error {
    /// An error of `kind` with its one line.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: None, hint: None, sqlstate: None, connecting: false }
    }

    /// The end of a run by a signal.
    pub(crate) fn interrupted(signal: crate::stop::Signal) -> Self {
        Self::new(ErrorKind::Interrupted(signal), "interrupted")
    }

    /// This error with the passwords masked that a host, role or database has in its name: typed in the wrong place, and repeated
    /// by the server.
    pub(super) fn without_secrets(self) -> Self {
        let masked = |text: Option<String>| text.as_deref().map(secrets);
        let hint = self.hint.map(|hint| hint.map(secrets));
        Self { message: secrets(&self.message), detail: masked(self.detail), hint, ..self }
    }

    /// This error with what to do next.
    pub(crate) fn hinted(mut self, hint: impl Into<Hint>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// True when the server has answered that it did nothing; else it may have done what was asked for. The end of a
    /// session (57P01 and its kin) is told with an SQLSTATE, too, and can cross with the answer to a commit.
    pub(crate) fn is_refusal(&self) -> bool {
        self.sqlstate.as_deref().is_some_and(|code| !code.starts_with("57P") && !code.starts_with("08"))
    }
}

/// As much of a server's text as anybody reads, which is what is worked on.
pub(super) fn beginning(text: &str) -> String {
    const MOST: usize = 10_000;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<crate::conninfo::Error> for Error {
    fn from(error: crate::conninfo::Error) -> Self {
        Self { hint: error.hint.map(Hint::from), ..Self::new(ErrorKind::BadSettings, error.message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_server_has_answered_is_a_refusal() {
        let answered =
            |code: &str| Error { sqlstate: Some(code.into()), ..Error::new(ErrorKind::Server, "") };
        assert!(answered("55P03").is_refusal());
        assert!(!answered("57P01").is_refusal() && !answered("08006").is_refusal());
        assert!(
            !Error::new(ErrorKind::StatementTimeout, "").is_refusal(),
            "given up by us, not by the server"
        );
    }
}
