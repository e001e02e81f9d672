//! One supervised session: it is made when somebody asks, kept, and made again when it is lost.

use std::pin::Pin;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::deadline::Deadline;
use super::retry::{Backoff, Patience};
use super::sources::{KeptSession as _, Source};
use crate::db::{Error, ErrorKind};
use crate::model::suggestion::{Command, Hint};
use crate::stop::Stop;

/// That a server cannot be asked, since when, and why.
#[derive(Clone, Debug)]
pub(crate) struct Down {
    /// When the first try failed.
    pub(crate) since: Instant,
    /// Why the last one did.
    pub(crate) because: Error,
    /// When the next one is due.
    pub(crate) again: Instant,
}

/// What is known of a server while somebody waits for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// While it cannot be asked and is tried again.
    pub(crate) down: Option<Down>,
    /// When it answered last.
    pub(crate) answered: Option<Instant>,
}

/// Why a look failed.
pub(crate) trait LookError: From<Error> {
    /// What the server, or the way to it, has to do with it.
    fn cause(&self) -> Option<&Error>;
}

impl LookError for Error {
    fn cause(&self) -> Option<&Error> {
        Some(self)
    }
}

impl LookError for anyhow::Error {
    fn cause(&self) -> Option<&Error> {
        self.downcast_ref()
    }
}

/// Work under way, by what it comes to alone: whoever waits for it needs to know no more of it, nor does the compiler.
type Asked<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What `work` comes to, which an observer whose `states` these are waits for; `tell` gets to know each time that a try has failed
/// and another will follow.
pub(crate) async fn waiting<T>(
    mut states: watch::Receiver<State>,
    work: impl Future<Output = T>,
    mut tell: impl FnMut(&Down),
) -> T {
    let mut work: Asked<'_, T> = Box::pin(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            Ok(()) = states.changed() => {
                let down = states.borrow_and_update().down.clone();
                if let Some(down) = down {
                    tell(&down);
                }
            }
        }
    }
}

/// The session with one server.
pub(crate) struct Observer<S: Source> {
    source: S,
    stop: Stop,
    session: Option<S::Session>,
    /// Whether that session has answered.
    has_answered: bool,
    /// How many there have been.
    sessions: usize,
    state: watch::Sender<State>,
}

impl<S: Source> Observer<S> {
    /// No session yet; a signal at `stop` ends every wait.
    pub(crate) fn new(source: S, stop: Stop) -> Self {
        let state = watch::Sender::new(State::default());
        Self { source, stop, session: None, has_answered: false, sessions: 0, state }
    }

    /// A session that there is already, and has answered.
    pub(crate) fn with(source: S, stop: Stop, session: S::Session) -> Self {
        let mut observer = Self::new(source, stop);
        observer.keep(session);
        observer
    }

    /// Where its sessions come from.
    pub(crate) const fn source(&self) -> &S {
        &self.source
    }

    /// How many sessions it has had: one more than before a look, when what it found was seen after an interruption.
    pub(crate) const fn sessions(&self) -> usize {
        self.sessions
    }

    /// What is known while a look is under way.
    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Makes sure that there is a session.
    ///
    /// # Errors
    /// When none can be had while `patience` lasts, with why the last try failed.
    pub(crate) async fn log_in(&mut self, patience: Patience) -> Result<&mut S::Session, Error> {
        let session = self.take_session(patience, Instant::now(), None).await?;
        Ok(self.session.insert(session))
    }

    /// The session, for whoever goes on with it alone.
    ///
    /// # Errors
    /// When none can be had while `patience` lasts.
    pub(crate) async fn into_session(mut self, patience: Patience) -> Result<S::Session, Error> {
        self.take_session(patience, Instant::now(), None).await
    }

    /// What `ask` finds over the session, and over another one when that is lost. Nothing that was seen before it was asked for is
    /// given out as an answer. Where this is given up, the session goes with it.
    ///
    /// # Errors
    /// When `ask` fails in a way that no other try can mend, or `patience` ends.
    pub(crate) async fn look<T, E: LookError>(
        &mut self,
        patience: Patience,
        ask: impl AsyncFn(&mut S::Session) -> Result<T, E>,
    ) -> Result<T, E> {
        self.look_before(None, patience, &ask).await
    }

    /// What `ask` finds, or why there is nothing when `deadline` has passed.
    ///
    /// # Errors
    /// As [`Observer::look`], and when the time is up: with what refused us until then, or that nothing answered.
    pub(crate) async fn look_within<T, E: LookError>(
        &mut self,
        deadline: &Deadline,
        patience: Patience,
        ask: impl AsyncFn(&mut S::Session) -> Result<T, E>,
    ) -> Result<T, E> {
        let looked: Asked<'_, Result<T, E>> = Box::pin(self.look_before(Some(deadline), patience, &ask));
        let looked = deadline.within(looked).await;
        match looked {
            Some(looked) => looked,
            None => Err(self.late(deadline).into()),
        }
    }

    /// Ends the session in good order, if there is one.
    pub(crate) async fn close(&mut self) {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
    }

    /// Takes a session that there is already.
    pub(crate) fn keep(&mut self, session: S::Session) {
        (self.session, self.has_answered) = (Some(session), true);
        self.sessions = self.sessions.max(1);
    }

    /// The session that there is, for whoever goes on with it alone and then has it [kept](Observer::keep) again.
    pub(crate) fn take(&mut self) -> Option<S::Session> {
        self.session.take()
    }

    /// Gives the session up, whatever is wrong with it.
    pub(crate) fn forget(&mut self) {
        self.session = None;
    }

    async fn look_before<T, E: LookError>(
        &mut self,
        deadline: Option<&Deadline>,
        patience: Patience,
        ask: &impl AsyncFn(&mut S::Session) -> Result<T, E>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let mut backoff = Backoff::new(true);
        loop {
            let mut session = self.take_session(patience, began, deadline).await?;
            let asked: Asked<'_, Result<T, E>> = Box::pin(ask(&mut session));
            let error = match asked.await {
                Ok(found) => {
                    self.session = Some(session);
                    self.has_answered = true;
                    self.state
                        .send_modify(|state| *state = State { down: None, answered: Some(Instant::now()) });
                    return Ok(found);
                }
                Err(error) => error,
            };
            let Some(cause) = error.cause().filter(|cause| patience.allows(cause, true)).cloned() else {
                // The server has answered: what it refuses now is no reason to log in again.
                self.session = Some(session);
                return Err(error);
            };
            drop(session);
            let left = patience.left(began.elapsed());
            match (std::mem::take(&mut self.has_answered), patience) {
                // It may have been lost long ago, and is replaced at once.
                (true, Patience::For(_)) => {}
                (false, Patience::For(_)) => return Err(error),
                (_, Patience::Unlimited | Patience::Whatever(_)) if left.is_zero() => return Err(error),
                (_, Patience::Unlimited | Patience::Whatever(_)) => {
                    self.wait_after(&cause, backoff.wait().min(left)).await?;
                }
            }
        }
    }

    /// The session that there is, or a new one.
    async fn take_session(
        &mut self,
        patience: Patience,
        began: Instant,
        deadline: Option<&Deadline>,
    ) -> Result<S::Session, Error> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let mut backoff = Backoff::new(self.sessions > 0);
        loop {
            let login: Asked<'_, Result<S::Session, Error>> = Box::pin(self.source.log_in(deadline));
            let error = match login.await {
                Ok(session) => {
                    self.has_answered = false;
                    self.sessions += 1;
                    return Ok(session);
                }
                Err(error) => error,
            };
            let left = patience.left(began.elapsed());
            if left.is_zero() || !patience.allows(&error, self.sessions > 0) {
                return Err(error);
            }
            self.wait_after(&error, backoff.wait().min(left)).await?;
        }
    }

    /// Says that the server is down, and waits before the next try.
    async fn wait_after(&self, because: &Error, time: std::time::Duration) -> Result<(), Error> {
        self.state.send_modify(|state| {
            let since = state.down.as_ref().map_or_else(Instant::now, |down| down.since);
            state.down = Some(Down { since, because: because.clone(), again: Instant::now() + time });
        });
        tokio::select! {
            () = sleep(time) => Ok(()),
            signal = self.stop.pulled() => Err(Error::interrupted(signal)),
        }
    }

    /// Why nothing was seen by `deadline`.
    fn late(&self, deadline: &Deadline) -> Error {
        let limit = deadline.limit();
        match &self.state.borrow().down {
            Some(Down { because, .. }) => {
                let message = format!("still refused after {limit:?}: {}", because.message);
                Error { message, ..because.clone() }
            }
            None => Error::new(ErrorKind::Timeout, format!("no answer within {limit:?}"))
                .hinted(Hint::from(Command::pgconn("ping")).then(" shows which phase is slow")),
        }
    }
}
