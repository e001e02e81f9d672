//! Logins that are under way at a server after their try has given up waiting. A server keeps the slot of a client that has
//! gone until the login is over, so a login that hangs is waited on by the next try, and not doubled.

use super::address::{Address, Route};
use super::attempt::{AttemptFailure, Next, Progress, Stage};
use super::established::Established;
use super::login::Request;
use crate::db::error::{Error, Kind};
use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What an attempt comes to.
pub(super) type Outcome = Result<Established, AttemptFailure>;

/// An attempt that owns all that it needs, so that it can outlive its try.
pub(super) type Attempting = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The logins of a run, at most one for each address. Whoever may try again keeps one of these for all its tries; a clone is the
/// same registry.
#[derive(Clone, Default)]
pub(crate) struct PendingLogins(Arc<Mutex<HashMap<Route, Slot>>>);

/// The one login of an address. Whoever waits on it holds the lock, and the attempt stays here while it is polled: what drops
/// the waiting, a signal or the limit of the whole run, leaves it where the next try finds it.
type Slot = Arc<tokio::sync::Mutex<Option<Pending>>>;

struct Pending {
    request: Arc<Request>,
    progress: Progress,
    attempt: Attempting,
}

impl fmt::Debug for PendingLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogins").finish_non_exhaustive()
    }
}

impl PendingLogins {
    /// Waits until `limit` on the login that is under way at the address, and on a new one where there is none, or where it came
    /// to nothing or to something else than is wanted. With what it came to comes how far it got.
    pub(super) async fn attempt(
        &self,
        request: &Arc<Request>,
        limit: Duration,
        begin: impl FnOnce(Progress) -> Attempting,
    ) -> (Outcome, Progress) {
        let deadline = Instant::now() + limit;
        let Ok(mut slot) = timeout_at(deadline, self.slot(&request.address.route).lock_owned()).await else {
            return (Err(timed_out(&request.address, Stage::LoggingIn)), Progress::default());
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
        let progress = Progress::default();
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
    /// the next try at its address still finds it there.
    pub(super) fn give_up(&self) {
        let slots: Vec<Slot> = self.slots().values().cloned().collect();
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

    fn slot(&self, route: &Route) -> Slot {
        Arc::clone(self.slots().entry(route.clone()).or_default())
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<Route, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The failure of a try whose time is over; the attempt stays only where the server keeps something for it.
fn given_up(slot: &mut Option<Pending>, request: &Request, progress: &Progress) -> AttemptFailure {
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
            "a lock on pg_authid or pg_database, or a login event trigger, can hold a login: a session that is open already \
             shows it (pg_locks); this login may be left on the server until that is over; -t sets the limit",
        ),
        Stage::Proving(rounds) => (
            format!(": the server asks for {rounds} rounds of SCRAM to prove the password"),
            "PostgreSQL's default is 4096 (scram_iterations): is this the server that was meant? -t sets the limit",
        ),
    };
    let message = format!("connection to {} failed: timeout expired{why}", address.words());
    let error = Error::new(Kind::Timeout, message).hinted(hint);
    AttemptFailure::new(error.without_secrets(), Next::Address)
}
