//! Whether a session is of the kind that was wanted (`target_session_attrs`).

use super::attempt::{AttemptFailure, Next};
use super::driver::{Driver, driver_words, first_value, while_driving};
use super::lost::lost;
use crate::conninfo::TargetSession;
use crate::db::error::{Error, ErrorKind};
use crate::db::guard;
use crate::db::trace::Trace;
use std::io;
use tokio_postgres::Client;

/// Which kind of slot is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// An ordinary connection.
    Ordinary,
    /// A walsender connected to a database: it needs no ordinary slot.
    Emergency,
}

/// The kind of session that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionKind {
    /// `target_session_attrs` of this pass.
    pub(super) target: TargetSession,
    /// The kind of slot.
    pub(super) lane: Lane,
}

/// Whether the session is of the wanted kind (`target_session_attrs`); `trace` is told what is asked.
pub(super) async fn check_session(
    client: &Client,
    driver: &mut Driver,
    wanted: SessionKind,
    trace: Trace,
) -> Result<(), AttemptFailure> {
    // A walsender of an older minor takes one statement a message.
    let in_recovery = match wanted.lane {
        Lane::Ordinary => guard::IS_IN_RECOVERY,
        Lane::Emergency => "select pg_catalog.pg_is_in_recovery()",
    };
    let (parameter, question, expected) = match wanted.target {
        TargetSession::Any | TargetSession::PreferStandby => return Ok(()),
        TargetSession::Primary => ("in_hot_standby", in_recovery, false),
        TargetSession::Standby => ("in_hot_standby", in_recovery, true),
        TargetSession::ReadWrite => ("default_transaction_read_only", READ_ONLY, false),
        TargetSession::ReadOnly => ("default_transaction_read_only", READ_ONLY, true),
    };
    let mut found = is_on(client, driver, trace, parameter, question).await?;
    if parameter == "default_transaction_read_only" {
        found = found || is_on(client, driver, trace, "in_hot_standby", in_recovery).await?;
    }
    if found == expected {
        return Ok(());
    }
    let message = match wanted.target {
        TargetSession::ReadWrite => "session is read-only",
        TargetSession::ReadOnly => "session is not read-only",
        TargetSession::Standby => "server is not in hot standby mode",
        _ => "server is in hot standby mode",
    };
    let error = Error::new(ErrorKind::WrongServer, message)
        .hinted("target_session_attrs asks for another kind of server");
    Err(AttemptFailure::new(error, Next::Host))
}

const READ_ONLY: &str = "SHOW transaction_read_only";

/// A setting that servers report from version 14 on when connecting, and older ones when asked.
async fn is_on(
    client: &Client,
    driver: &mut Driver,
    trace: Trace,
    parameter: &str,
    question: &str,
) -> Result<bool, AttemptFailure> {
    if let Some(value) = driver.parameter(parameter) {
        return Ok(value == "on");
    }
    trace.tell(question);
    let answer = while_driving(driver, first_value(client, question)).await;
    let answer =
        answer.ok_or_else(|| AttemptFailure::new(lost(&io::ErrorKind::UnexpectedEof.into()), Next::Host))?;
    let value = answer.map_err(|error| {
        AttemptFailure::new(Error::new(ErrorKind::Server, driver_words(&error)), Next::Host)
    })?;
    Ok(value.is_some_and(|value| matches!(value.as_str(), "on" | "t")))
}
