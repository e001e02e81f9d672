//! Every host and every address of it in turn, as libpq goes through them: the next address after a failure of the
//! socket, the next host after one of the host, and nothing more after a server's last word.

use super::address::addresses;
use super::attempt::{Attempt, AttemptFailure, AttemptProgress, Next, Phases};
use super::encrypt::encryptions;
use super::established::{Established, Notice};
use super::login::{self, LoginRequest};
use super::options::Options;
use super::pending::Attempting;
use super::session_kind::SessionKind;
use crate::conninfo::{ConnInfo, Host, LoadBalance, TargetSession, readable};
use crate::db::error::{Error, ErrorKind};
use crate::model::server::place;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::time::Instant;

/// The word for a session in plaintext after TLS was tried.
pub(crate) const NOT_ENCRYPTED: &str = "not_encrypted";

/// Every host in turn; for `prefer-standby` all of them a second time, in any role.
pub(super) async fn through_hosts(
    info: &Arc<ConnInfo>,
    options: &Options,
    attempts: &mut Vec<Attempt>,
) -> Result<Established, AttemptFailure> {
    let wanted = info.settings().target_session;
    let passes: &[TargetSession] = match wanted {
        TargetSession::PreferStandby => &[TargetSession::Standby, TargetSession::Any],
        _ => &[wanted],
    };
    let mut failures = Vec::new();
    'passes: for &target in passes {
        let wanted = SessionKind { target, lane: options.lane };
        let mut hosts: Vec<&Host> = info.hosts().iter().collect();
        balance(info, &mut hosts);
        for (left, host) in (1..=hosts.len()).rev().zip(hosts) {
            match through_addresses(info, host, left, wanted, options, &mut failures, attempts).await {
                Some(session) => {
                    options.logins.give_up();
                    return Ok(session);
                }
                None if failures.last().is_some_and(|last: &AttemptFailure| last.next == Next::Stop) => {
                    break 'passes;
                }
                None => {}
            }
        }
    }
    Err(combined(failures))
}

/// Every address of one host in turn, with `hosts` hosts left to try, this one included; a failure of the host or the last
/// word of a server ends it.
async fn through_addresses(
    info: &Arc<ConnInfo>,
    host: &Host,
    hosts: usize,
    wanted: SessionKind,
    options: &Options,
    failures: &mut Vec<AttemptFailure>,
    attempts: &mut Vec<Attempt>,
) -> Option<Established> {
    let place = place(&readable(host.name()), host.port);
    let limit = options.limit(info, hosts);
    let started = Instant::now();
    let looked_up = tokio::time::timeout(limit, addresses(host)).await.unwrap_or_else(|_| {
        let message =
            format!("could not translate host name \"{}\" to address: timeout expired", host.name());
        Err(Error::new(ErrorKind::Dns, message))
    });
    let dns = (!host.is_socket()).then(|| started.elapsed());
    let mut found = match looked_up {
        Ok(found) => found,
        Err(error) => {
            let error = error.without_secrets();
            let phases = Phases { dns, ..Phases::default() };
            attempts.push(Attempt { address: place.clone(), place, phases, error: Some(error.clone()) });
            failures.push(AttemptFailure::new(error, Next::Host));
            return None;
        }
    };
    balance(info, &mut found);
    for (left, address) in (1..=found.len()).rev().zip(found) {
        let limit = options.limit(info, left + hosts - 1);
        let address_words = address.address();
        let request = Arc::new(LoginRequest::new(info, host, address, wanted, options.trace));
        let begin = |progress| -> Attempting { Box::pin(at_address(Arc::clone(&request), progress)) };
        let (outcome, progress) = options.logins.attempt(&request, limit, begin).await;
        let outcome = outcome.map_err(|failure| after(progress.earlier(), failure));
        let error = outcome.as_ref().err().map(|failure| failure.error.clone());
        let phases = Phases { dns, ..progress.phases() };
        attempts.push(Attempt { address: address_words, place: place.clone(), phases, error });
        match outcome {
            Ok(session) => return Some(session),
            Err(failure) => {
                let next = failure.next;
                failures.push(failure);
                if next != Next::Address {
                    return None;
                }
            }
        }
    }
    None
}

/// One address, with each kind of encryption that the mode allows.
async fn at_address(
    request: Arc<LoginRequest>,
    progress: AttemptProgress,
) -> Result<Established, AttemptFailure> {
    let kinds = encryptions(request.info.settings().ssl_mode, &request.address);
    let mut order = kinds.iter().peekable();
    while let Some(&encryption) = order.next() {
        match login::attempt(&request, encryption, &progress).await {
            Ok(mut session) => {
                if let Some(error) = progress.earlier().filter(|_| !session.encrypted) {
                    let message = format!("the connection is not encrypted: {}", error.message);
                    session.notices.push(Notice { code: NOT_ENCRYPTED, message, hint: None });
                }
                return Ok(session);
            }
            Err(failure) if failure.next == Next::OtherEncryption && order.peek().is_some() => {
                progress.begin_anew(failure.error);
            }
            Err(mut failure) => {
                if failure.next == Next::OtherEncryption {
                    failure.next = Next::Stop;
                }
                return Err(failure);
            }
        }
    }
    Err(AttemptFailure::new(Error::new(ErrorKind::Protocol, "no way to connect was left to try"), Next::Stop))
}

/// The failure of an address whose attempt with the other kind of encryption failed with `earlier`: both are listed, and what
/// a server said, or asked for, counts for more than its silence.
fn after(earlier: Option<Error>, failure: AttemptFailure) -> AttemptFailure {
    let Some(earlier) = earlier else { return failure };
    let mut both = vec![earlier.message.clone(), failure.error.message.clone()];
    both.dedup();
    let speaks = failure.error.sqlstate.is_some()
        || matches!(failure.error.kind, ErrorKind::AuthFailed | ErrorKind::WrongServer)
        || earlier.sqlstate.is_none();
    let (mut error, next) = if speaks { (failure.error, failure.next) } else { (earlier, Next::Stop) };
    if both.len() > 1 {
        let both = both.join("\n");
        error.detail = Some(error.detail.map_or(both.clone(), |more| format!("{both}\n{more}")));
    }
    AttemptFailure { error, next, ..failure }
}

/// Shuffles when the settings ask for it.
fn balance<T>(info: &ConnInfo, list: &mut [T]) {
    if info.settings().load_balance != LoadBalance::Random {
        return;
    }
    for index in (1..list.len()).rev() {
        let upto = u64::try_from(index + 1).unwrap_or(1);
        list.swap(index, usize::try_from(random() % upto).unwrap_or(0));
    }
}

/// One failure out of all: the last word of a server, else the one that says most, with all attempts listed.
fn combined(mut failures: Vec<AttemptFailure>) -> AttemptFailure {
    let all: Vec<String> = failures.iter().map(|failure| failure.error.message.clone()).collect();
    let last = failures.len().saturating_sub(1);
    let is_final = failures.last().is_some_and(|last| last.next == Next::Stop);
    let says_most = failures.iter().rposition(|failure| failure.error.sqlstate.is_some());
    let chosen = says_most.filter(|_| !is_final).unwrap_or(last);
    if failures.is_empty() {
        return AttemptFailure::new(Error::new(ErrorKind::Dns, "the host has no address"), Next::Stop);
    }
    let mut failure = failures.swap_remove(chosen);
    if all.len() > 1 {
        let list = all.join("\n");
        failure.error.detail =
            Some(failure.error.detail.map_or(list.clone(), |more| format!("{more}\n{list}")));
    }
    failure
}

/// A random number, from the randomness of the standard library's hash maps.
fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}
