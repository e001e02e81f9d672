//! Whether a server lets this role in, and how long each phase takes.

use super::connection::GRACE;
use super::error::{Error, ErrorKind};
use super::guard;
use super::session::{self, Attempt, Excess, Notice, Options, first_value, while_driving};
use super::statement_error::statement_error;
use crate::conninfo::ConnInfo;
use crate::model::server::Target;
use std::time::{Duration, Instant};

/// What one ping found.
#[derive(Debug)]
pub(crate) struct Ping {
    /// Every address that was tried, in order.
    pub(crate) attempts: Vec<Attempt>,
    /// How long the first query took, when there was a session.
    pub(crate) query: Option<Duration>,
    /// The server that let us in, or why none did.
    pub(crate) outcome: Result<Reached, Error>,
}

/// A server that let us in.
#[derive(Debug)]
pub(crate) struct Reached {
    /// Where it is.
    pub(crate) target: Target,
    /// The settings of the session: with the password that was typed and the database that was fallen back to.
    pub(crate) info: ConnInfo,
    /// What the user should know: a fall-back to plaintext or to another database.
    pub(crate) notices: Vec<Notice>,
}

/// Connects, logs in, asks one query, and closes.
pub(crate) async fn ping(info: &ConnInfo, mut options: Options) -> Ping {
    let mut attempts = Vec::new();
    let session = match session::connect(info, &mut options, &mut attempts).await {
        Ok(session) => session,
        Err(error) => return Ping { attempts, query: None, outcome: Err(error) },
    };
    let (target, info, notices) = (session.described(), session.info, session.notices);
    let (client, mut driver, excessive) = (session.client, session.driver, session.excessive);
    // The console of PgBouncer knows no SELECT.
    let question = if session.server_version.contains("/bouncer") { "SHOW VERSION" } else { guard::PING };
    options.trace.tell(question);
    let started = Instant::now();
    let limit = options.limit(&info, 1);
    let answer =
        tokio::time::timeout(limit, while_driving(&mut driver, first_value(&client, question))).await;
    let query = started.elapsed();
    drop(client);
    if answer.is_ok() {
        let _ = tokio::time::timeout(GRACE.min(limit.saturating_sub(query)), driver).await;
    }
    let failed = match (answer, excessive.get()) {
        (Ok(None | Some(Err(_))), Some(Excess(why))) => {
            Error::new(ErrorKind::Protocol, format!("the first query failed: {why}"))
        }
        (Ok(Some(Ok(_))), _) => {
            return Ping { attempts, query: Some(query), outcome: Ok(Reached { target, info, notices }) };
        }
        (Ok(None), None) => Error::new(
            ErrorKind::ConnectionLost,
            "the first query failed: the connection to the server was lost",
        ),
        (Ok(Some(Err(error))), None) => {
            let error = statement_error(&error);
            Error { message: format!("the first query failed: {}", error.message), ..error }
        }
        (Err(_), _) => Error::new(
            ErrorKind::Timeout,
            format!("the first query was not answered within {:.1}s", limit.as_secs_f64()),
        ),
    };
    if let Some(last) = attempts.last_mut() {
        last.error = Some(failed.clone());
    }
    Ping { attempts, query: None, outcome: Err(failed) }
}
