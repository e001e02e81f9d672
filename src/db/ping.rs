//! Whether a server lets this role in, and how long each phase takes.

use super::connection::GRACE;
use super::error::{Error, ErrorKind};
use super::guard;
use super::session::{self, Attempt, Excess, Notice, Options, first_value, while_driving};
use super::statement_error::statement_error;
use crate::conninfo::{ConnInfo, Host, readable};
use crate::model::server::{Target, place};
use std::sync::Arc;
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
    /// Every host, where the settings name several.
    pub(crate) hosts: Vec<HostFound>,
}

/// A server that let us in.
#[derive(Debug)]
pub(crate) struct Reached {
    /// Where it is.
    pub(crate) target: Target,
    /// The settings of the session: with the password that was typed and the database that was fallen back to.
    pub(crate) info: Arc<ConnInfo>,
    /// What the user should know: a fall-back to plaintext or to another database.
    pub(crate) notices: Vec<Notice>,
    /// The host of the settings that led there, and its port.
    place: String,
    /// Whether it is a standby, where that is known.
    is_standby: Option<bool>,
}

/// One host of several.
#[derive(Debug)]
pub(crate) struct HostFound {
    /// The host as it is named in the settings, and its port.
    pub(crate) place: String,
    /// Whether it is a standby; `None` when it is not known.
    pub(crate) is_standby: Option<bool>,
    /// Why it did not let this role in.
    pub(crate) error: Option<Error>,
}

/// Connects, logs in, asks one query, and closes. Where there are several hosts, each of the others is asked, too, what it is, one
/// after the other.
pub(crate) async fn ping(info: &ConnInfo, options: Options) -> Ping {
    let mut ping = ping_one(info, options.clone(), info.hosts().len() > 1).await;
    // With the password that was typed for the first.
    let info = &ping.outcome.as_ref().map_or(info, |reached| &*reached.info).clone();
    let is_about_settings = matches!(&ping.outcome, Err(error) if error.kind == ErrorKind::BadSettings);
    if info.hosts().len() > 1 && !is_about_settings {
        for (left, host) in (1..=info.hosts().len()).rev().zip(info.hosts()) {
            let found = known(&ping, host);
            let found = match found {
                Some(found) => found,
                // A wrong password counts against lock-outs wherever it is tried.
                None if is_password_refused(&ping) => not_asked(host),
                None => asked(info, host, left, &options).await,
            };
            ping.hosts.push(found);
        }
    }
    ping
}

/// What a ping has found out about one of the hosts; `None` for one that was not asked, or was not of the kind that was wanted.
fn known(ping: &Ping, host: &Host) -> Option<HostFound> {
    let place = place(&readable(host.name()), host.port);
    if let Ok(reached) = &ping.outcome
        && reached.place == place
    {
        return Some(HostFound { place, is_standby: reached.is_standby, error: None });
    }
    let of_host = ping.attempts.iter().rfind(|attempt| attempt.place == place);
    let error = of_host?.error.clone().filter(|error| error.kind != ErrorKind::WrongServer)?;
    Some(HostFound { place, is_standby: None, error: Some(error) })
}

/// Whether one of the hosts has refused the password.
fn is_password_refused(ping: &Ping) -> bool {
    let hosts = ping.hosts.iter().filter_map(|found| found.error.as_ref());
    hosts.chain(ping.outcome.as_ref().err()).any(|error| error.sqlstate.as_deref() == Some("28P01"))
}

fn not_asked(host: &Host) -> HostFound {
    let why = "not asked: another host has refused the password, and a wrong one is not tried twice";
    HostFound {
        place: place(&readable(host.name()), host.port),
        is_standby: None,
        error: Some(Error::new(ErrorKind::AuthFailed, why)),
    }
}

/// Asks one host alone what it is, with `left` hosts to go, this one included.
async fn asked(info: &ConnInfo, host: &Host, left: usize, options: &Options) -> HostFound {
    let options = Options { timeout: Some(options.limit(info, left)), ask: None, ..options.clone() };
    let ping = ping_one(&info.pinned_to(host, host.hostaddr.clone()), options, true).await;
    let (is_standby, error) = match ping.outcome {
        Ok(reached) => (reached.is_standby, None),
        Err(error) => (None, Some(error)),
    };
    HostFound { place: place(&readable(host.name()), host.port), is_standby, error }
}

/// Connects, logs in, asks one query, and closes.
async fn ping_one(info: &ConnInfo, mut options: Options, asks_role: bool) -> Ping {
    let mut attempts = Vec::new();
    let session = match session::connect(info, &mut options, &mut attempts).await {
        Ok(session) => session,
        Err(error) => return Ping { attempts, query: None, outcome: Err(error), hosts: Vec::new() },
    };
    let (target, info, notices) = (session.described(), session.info, session.notices);
    let (client, mut driver, metering) = (session.client, session.driver, session.metering);
    // The console of PgBouncer knows no SELECT.
    let question = if session.server_version.contains("/bouncer") { "SHOW VERSION" } else { guard::PING };
    options.trace.tell(question);
    let started = Instant::now();
    let limit = options.limit(&info, 1);
    let answer =
        tokio::time::timeout(limit, while_driving(&mut driver, first_value(&client, question))).await;
    let query = started.elapsed();
    let is_standby = match driver.parameter("in_hot_standby") {
        Some(value) => Some(value == "on"),
        // Servers before 14 say so only when they are asked; a console is neither.
        None if asks_role && question == guard::PING && matches!(answer, Ok(Some(Ok(_)))) => {
            options.trace.tell(guard::IS_IN_RECOVERY);
            let asking = while_driving(&mut driver, first_value(&client, guard::IS_IN_RECOVERY));
            let said = tokio::time::timeout(limit.saturating_sub(query), asking).await;
            said.ok().flatten().and_then(Result::ok).flatten().map(|value| value == "t")
        }
        None => None,
    };
    drop(client);
    if answer.is_ok() {
        let _ = tokio::time::timeout(GRACE.min(limit.saturating_sub(query)), driver).await;
    }
    let failed = match (answer, metering.excess()) {
        (Ok(None | Some(Err(_))), Some(Excess(why))) => {
            Error::new(ErrorKind::Protocol, format!("the first query failed: {why}"))
        }
        (Ok(Some(Ok(None))), _) => {
            Error::new(ErrorKind::Protocol, "the first query failed: the server answered it without a row")
        }
        (Ok(Some(Ok(Some(_)))), _) => {
            let place = attempts.last().map(|last| last.place.clone()).unwrap_or_default();
            let reached = Reached { target, info, notices, place, is_standby };
            return Ping { attempts, query: Some(query), outcome: Ok(reached), hosts: Vec::new() };
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
    Ping { attempts, query: None, outcome: Err(failed), hosts: Vec::new() }
}
