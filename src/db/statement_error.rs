//! What a failed statement means: here the errors of the driver become ours. Those of a login become ours in `session`.

use super::error::{Error, ErrorKind, beginning};
use super::refusal;
use tokio_postgres::error::SqlState;

/// What a failed statement means.
pub(super) fn statement_error(error: &tokio_postgres::Error) -> Error {
    let Some(server) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        let lost = error.is_closed() || cause.is_some();
        let kind = if lost { ErrorKind::ConnectionLost } else { ErrorKind::Protocol };
        return Error { detail: cause, ..Error::new(kind, "the connection to the server was lost") };
    };
    if let Some(refusal) = refusal::of_pooler(server) {
        return refusal;
    }
    let code = server.code();
    let kind = if *code == SqlState::QUERY_CANCELED {
        ErrorKind::StatementTimeout
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        ErrorKind::PermissionDenied
    } else if *code == SqlState::INVALID_REGULAR_EXPRESSION {
        ErrorKind::BadValue
    } else if *code == SqlState::ADMIN_SHUTDOWN || *code == SqlState::CRASH_SHUTDOWN {
        ErrorKind::ConnectionLost
    } else {
        ErrorKind::Server
    };
    let hint = match kind {
        ErrorKind::StatementTimeout => Some("a longer limit can be set with --timeout".into()),
        ErrorKind::BadValue => Some("--query takes a POSIX regular expression as PostgreSQL has it".into()),
        _ => server.hint().map(|hint| beginning(hint).into()),
    };
    Error {
        kind,
        message: beginning(server.message()),
        detail: server.detail().map(beginning),
        hint,
        sqlstate: Some(code.code().to_owned()),
        connecting: false,
    }
}

/// Whether a text did not fit the session's encoding.
pub(super) fn is_encoding_trouble(error: &Error) -> bool {
    let codes = [SqlState::CHARACTER_NOT_IN_REPERTOIRE, SqlState::UNTRANSLATABLE_CHARACTER];
    codes.iter().any(|code| error.sqlstate.as_deref() == Some(code.code()))
}
