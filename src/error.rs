//! What the user reads when a run fails: one message, its detail, what to do next, and the exit code that goes with it.

use std::fmt;
use std::io;

use crate::conninfo;
use crate::db;
use crate::exit::Exit;

/// A failed run, ready to be shown as text or as one JSON line.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The stable word for scripts.
    pub(crate) code: &'static str,
    /// One line, lower case, no full stop.
    pub(crate) message: String,
    /// More about it.
    pub(crate) detail: Option<String>,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// The server's SQLSTATE.
    pub(crate) sqlstate: Option<String>,
    /// Whose limit is exhausted, when that is what went wrong.
    pub(crate) scope: Option<db::LimitScope>,
    /// How the run ends.
    pub(crate) exit: Exit,
}

impl Failure {
    /// A usage error, or a refusal before anything was changed.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", Exit::Usage, message)
    }

    /// A refusal for safety: understood, possible, and not done. Nothing was changed.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new("refused", Exit::Usage, message)
    }

    /// Something that was tried and failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new("failed", Exit::Failed, message)
    }

    fn new(code: &'static str, exit: Exit, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, hint: None, sqlstate: None, scope: None, exit }
    }

    /// The stable word for whose limit is exhausted.
    pub(crate) fn scope_word(&self) -> Option<&'static str> {
        self.scope.map(db::LimitScope::word)
    }

    /// A copy with the passwords masked that a quoted argument, name or setting holds.
    pub(crate) fn without_secrets(&self) -> Self {
        let masked = |text: &Option<String>| text.as_deref().map(conninfo::secrets);
        Self {
            message: conninfo::secrets(&self.message),
            detail: masked(&self.detail),
            hint: masked(&self.hint),
            ..self.clone()
        }
    }

    /// Adds what to do next.
    pub(crate) fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds more about it.
    pub(crate) fn detailed(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<db::Error> for Failure {
    fn from(error: db::Error) -> Self {
        use db::ErrorKind;
        let exit = match error.kind {
            ErrorKind::TooManyConnections(_)
            | ErrorKind::StartingUp
            | ErrorKind::ShuttingDown
            | ErrorKind::Recovering
            | ErrorKind::AuthFailed
            | ErrorKind::PasswordCommand
            | ErrorKind::PoolerLogin
            | ErrorKind::NoSuchDatabase
            | ErrorKind::NoSuchRole
            | ErrorKind::Tls
            | ErrorKind::Dns
            | ErrorKind::Refused
            | ErrorKind::Timeout
            | ErrorKind::NotPostgres
            | ErrorKind::WrongServer => Exit::NoConnection,
            ErrorKind::BadSettings | ErrorKind::BadValue => Exit::Usage,
            ErrorKind::Interrupted(signal) => signal.exit(),
            _ if error.connecting => Exit::NoConnection,
            ErrorKind::ConnectionLost
            | ErrorKind::PermissionDenied
            | ErrorKind::StatementTimeout
            | ErrorKind::UnsupportedServer
            | ErrorKind::PoolerConsole
            | ErrorKind::Server
            | ErrorKind::AnotherServer
            | ErrorKind::Protocol => Exit::Failed,
        };
        Self {
            code: error.kind.code(),
            message: error.message,
            detail: error.detail,
            hint: error.hint.map(|hint| hint.to_string()),
            sqlstate: error.sqlstate,
            scope: error.kind.scope(),
            exit,
        }
    }
}

/// Whether `error` is that a signal came before something could be written.
pub(crate) fn is_given_up(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
    })
}

/// Returns what to show for `error`, or nothing when its reader went away (a closed pipe is a quiet, good end).
pub(crate) fn explain(error: anyhow::Error) -> Option<Failure> {
    if error.chain().any(is_closed_pipe) {
        return None;
    }
    let error = match error.downcast::<Failure>() {
        Ok(failure) => return Some(failure),
        Err(error) => error,
    };
    Some(match error.downcast::<db::Error>() {
        Ok(error) => error.into(),
        Err(error) => Failure::failed(format!("{error:#}")),
    })
}

fn is_closed_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_quiet_and_everything_else_is_said() {
        let pipe = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("could not write");
        assert!(explain(pipe).is_none());
        let full = anyhow::Error::from(io::Error::other("disk full")).context("could not write x");
        assert_eq!(explain(full).unwrap().message, "could not write x: disk full");
        let forbidden =
            db::Error { connecting: true, ..db::Error::new(db::ErrorKind::PermissionDenied, "no") };
        assert_eq!(explain(forbidden.into()).unwrap().exit, Exit::NoConnection);
        let lost = db::Error::new(db::ErrorKind::Refused, "no").hinted("try");
        let shown = explain(lost.into()).unwrap();
        assert_eq!(
            (shown.code, shown.exit, shown.hint.as_deref()),
            ("refused", Exit::NoConnection, Some("try"))
        );
    }
}
