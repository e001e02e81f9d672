//! Logins that are under way at a server after their try has given up waiting. A server keeps the slot of a client that has
//! gone until the login is over, so a login that hangs is waited on by the next try, and not doubled: by the next try at the same
//! server, by whichever of its names ([`ServerPlace`]). Hosts that are different servers are tried while it hangs, as libpq tries them.

use super::address::{Address, ServerPlace};
use super::attempt::{AttemptFailure, AttemptProgress, Next, Stage};
use super::established::Established;
use super::login::LoginRequest;
use crate::db::error::{Error, ErrorKind};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What an attempt comes to.
pub(super) type Outcome = Result<Established, AttemptFailure>;

/// An attempt that owns all that it needs, so that it can outlive its try.
pub(super) type Attempting = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The logins of a run, at most one for each server. Whoever may try again keeps one of these for all its tries; a clone is the
/// same registry.
#[derive(Clone, Default)]
pub(crate) struct PendingLogins(Arc<Mutex<Vec<(ServerPlace, Slot)>>>);

/// The one login at a server. Whoever waits on it holds the lock, and the attempt stays here while it is polled: what drops
/// the waiting, a signal or the limit of the whole run, leaves it where the next try finds it.
type Slot = Arc<tokio::sync::Mutex<Option<Pending>>>;

struct Pending {
    request: Arc<LoginRequest>,
    progress: AttemptProgress,
    attempt: Attempting,
}

impl fmt::Debug for PendingLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogins").finish_non_exhaustive()
    }
}

impl PendingLogins {
    /// Waits until `limit` on the login that is under way at the server, and on a new one where there is none, or where it came
    /// to nothing or to something else than is wanted. With what it came to comes how far it got.
    pub(super) async fn attempt(
        &self,
        request: &Arc<LoginRequest>,
        limit: Duration,
        begin: impl FnOnce(AttemptProgress) -> Attempting,
    ) -> (Outcome, AttemptProgress) {
        let deadline = Instant::now() + limit;
        let Ok(mut slot) = timeout_at(deadline, self.slot(request.address.server()).lock_owned()).await
        else {
            return (Err(timed_out(&request.address, Stage::LoggingIn)), AttemptProgress::default());
        };
        // Where the server has nothing to keep yet, an attempt that was dropped is over.
        drop(slot.take_if(|pending| pending.progress.stage() != Stage::LoggingIn));
        if let Some(pending) = slot.as_mut() {
            pending.progress.expect_signs_of_life();
            let outcome = timeout_at(deadline, pending.attempt.as_mut()).await;
            let progress = pending.progress.clone();
            let Ok(outcome) = outcome else {
                return (Err(given_up(&mut slot, request, &progress)), progress);
            };
            let serves = slot.take().is_some_and(|pending| pending.request.serves(request));
            // What the server said to an earlier try may no longer be so, and is asked for again.
            if outcome.is_ok() && serves {
                return (outcome, progress);
            }
        }
        let progress = AttemptProgress::default();
        let (request, attempt) = (Arc::clone(request), begin(progress.clone()));
        let pending =
            slot.insert(Pending { request: Arc::clone(&request), progress: progress.clone(), attempt });
        let outcome = match timeout_at(deadline, pending.attempt.as_mut()).await {
            Ok(outcome) => {
                *slot = None;
                outcome
            }
            Err(_) => Err(given_up(&mut slot, &request, &progress)),
        };
        (outcome, progress)
    }

    /// There is a session elsewhere: no other login is wanted. One that is under way is waited for and then closed, so that
    /// the next try at its server still finds it there.
    pub(super) fn give_up(&self) {
        let slots: Vec<Slot> = self.slots().iter().map(|(_, slot)| Arc::clone(slot)).collect();
        for mut slot in slots.into_iter().filter_map(|slot| slot.try_lock_owned().ok()) {
            if slot.is_some() {
                tokio::spawn(async move {
                    if let Some(pending) = slot.as_mut() {
                        // A session that nobody waits for any more ends when it is dropped.
                        let _ = pending.attempt.as_mut().await;
                    }
                    *slot = None;
                });
            }
        }
    }

    fn slot(&self, server: ServerPlace) -> Slot {
        let mut slots = self.slots();
        if let Some((_, slot)) = slots.iter().find(|(known, _)| *known == server) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        slots.push((server, Arc::clone(&slot)));
        slot
    }

    fn slots(&self) -> MutexGuard<'_, Vec<(ServerPlace, Slot)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The failure of a try whose time is over; the attempt stays only where the server keeps something for it.
fn given_up(
    slot: &mut Option<Pending>,
    request: &LoginRequest,
    progress: &AttemptProgress,
) -> AttemptFailure {
    let stage = progress.stage();
    if stage != Stage::LoggingIn {
        *slot = None;
    }
    timed_out(&request.address, stage)
}

/// The failure of a try whose time is over, by how far it came.
fn timed_out(address: &Address, stage: Stage) -> AttemptFailure {
    let (why, hint) = match stage {
        Stage::Dialling => (
            String::new(),
            "nothing answered in time: a firewall may drop the packets, or the server is overloaded; -t sets the limit",
        ),
        Stage::Connected => (
            ": the server took the connection and said nothing".to_owned(),
            "the server is overloaded or stopped, or something else listens there; -t sets the limit",
        ),
        Stage::LoggingIn => (
            ": the server took the connection and does not finish the login".to_owned(),
            "a lock on pg_authid or pg_database, a login event trigger, or a pooler that cannot reach its server can hold a \
             login: a session that is open already shows the lock (pg_locks); this login may be left on the server until \
             that is over; -t sets the limit",
        ),
        Stage::Proving(rounds) => (
            format!(": the server asks for {rounds} rounds of SCRAM to prove the password"),
            "PostgreSQL's default is 4096 (scram_iterations): is this the server that was meant? -t sets the limit",
        ),
    };
    let message = format!("connection to {} failed: timeout expired{why}", address.words());
    let error = Error::new(ErrorKind::Timeout, message).hinted(hint);
    AttemptFailure::new(error.without_secrets(), Next::Address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conninfo::{ConnInfo, Environment, Given, resolve};
    use crate::db::session::address::addresses;
    use crate::db::session::encrypt::Encryption;
    use crate::db::session::login;
    use crate::db::session::session_kind::{Lane, SessionKind};
    use crate::db::trace::Trace;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::Semaphore;

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(20);
    const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x01\0\0\0\x01Z\0\0\0\x05I";
    const REFUSAL: &[u8] = b"E\0\0\0\x19SFATAL\0C53300\0Mfull\0\0";

    /// A server that lets a login be over when there is a permit for it; how many began is counted.
    async fn server(answer: &'static [u8]) -> (u16, Arc<AtomicUsize>, Arc<Semaphore>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
        let port = listener.local_addr().expect("address").port();
        let (begun, permits) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let (counted, gate) = (Arc::clone(&begun), Arc::clone(&permits));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (counted, gate) = (Arc::clone(&counted), Arc::clone(&gate));
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 1024]).await;
                    counted.fetch_add(1, Ordering::Relaxed);
                    gate.acquire().await.expect("a permit").forget();
                    let _ = stream.write_all(answer).await;
                    let _ = stream.read(&mut [0; 1024]).await;
                });
            }
        });
        (port, begun, permits)
    }

    fn settings(port: u16, dbname: &str) -> Arc<ConnInfo> {
        let text = format!("host=127.0.0.1 port={port} user=u dbname={dbname} sslmode=disable");
        let given = Given { dbname: Some(text), ..Given::default() };
        Arc::new(resolve(&given, &Environment::default()).expect("settings"))
    }

    async fn try_once(logins: &PendingLogins, info: &Arc<ConnInfo>, limit: Duration) -> Outcome {
        let host = &info.hosts()[0];
        let address = addresses(host).await.expect("an address").remove(0);
        let kind = SessionKind { target: info.settings().target_session, lane: Lane::Ordinary };
        let request = Arc::new(LoginRequest::new(info, host, address, kind, Trace::default()));
        let begin = |progress: AttemptProgress| -> Attempting {
            let request = Arc::clone(&request);
            Box::pin(async move { login::attempt(&request, Encryption::Plain, &progress).await })
        };
        logins.attempt(&request, limit, begin).await.0
    }

    #[tokio::test]
    async fn a_login_outlives_its_try_and_whatever_drops_it() {
        let (port, begun, permits) = server(WELCOME).await;
        let (logins, info) = (PendingLogins::default(), settings(port, "d"));
        for _ in 0..2 {
            let failure = try_once(&logins, &info, SHORT).await.err().expect("no login");
            assert!(
                failure.error.message.ends_with("does not finish the login"),
                "{}",
                failure.error.message
            );
            assert!(tokio::time::timeout(SHORT, try_once(&logins, &info, LONG)).await.is_err());
        }
        let (one, other) = tokio::join!(try_once(&logins, &info, SHORT), try_once(&logins, &info, SHORT));
        assert!(one.is_err() && other.is_err());
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        permits.add_permits(1);
        assert!(try_once(&logins, &info, LONG).await.is_ok());
        assert_eq!(begun.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_is_asked_for_something_else_or_refused_is_asked_for_anew_and_never_beside() {
        for (answer, dbname) in [(WELCOME, "other"), (REFUSAL, "d")] {
            let (port, begun, permits) = server(answer).await;
            let logins = PendingLogins::default();
            assert!(try_once(&logins, &settings(port, "d"), SHORT).await.is_err());
            assert!(try_once(&logins, &settings(port, dbname), SHORT).await.is_err());
            assert_eq!(begun.load(Ordering::Relaxed), 1, "{dbname}");
            permits.add_permits(2);
            let outcome = try_once(&logins, &settings(port, dbname), LONG).await;
            assert_eq!((outcome.is_ok(), begun.load(Ordering::Relaxed)), (answer == WELCOME, 2), "{dbname}");
        }
    }
}
