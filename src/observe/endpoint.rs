//! Where one server is, and how it may be asked: resolved once, before anything is asked.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::deadline::{Deadline, Prompts};
use crate::conninfo::{ConnInfo, Environment, passwords_of_now, secrets};
use crate::db::console::Console;
use crate::db::{
    AskPassword, Db, Error, ErrorKind, Lane, LimitScope, Options, PendingLogins, Trace, TypedPasswords,
};
use crate::model::server::Target;
use crate::stop::Stop;

/// How long connecting to one address and each statement may take, unless something else is said.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Asks whoever is at the terminal, with the given words; what was typed, in bytes.
pub(crate) type Prompt = fn(&str) -> io::Result<Vec<u8>>;

/// When a walsender's slot may be used instead of an ordinary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LanePolicy {
    /// Never: a full server is what monitoring is to find, not to get round.
    Ordinary,
    /// When the server as a whole has no ordinary slot left for this role.
    WhenFull,
    /// Always.
    Emergency,
}

/// A server, or a pooler, and how to ask it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    info: ConnInfo,
    /// What was typed as the limit.
    limit: Option<Duration>,
    lanes: LanePolicy,
    ask: Option<AskPassword>,
    prompts: Prompts,
    typed: TypedPasswords,
    trace: Trace,
    /// The logins that may still be under way there.
    logins: PendingLogins,
    /// Whether the settings have been used to log in.
    used: Arc<AtomicBool>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("info", &self.info)
            .field("lanes", &self.lanes)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Where `info` leads. `limit` bounds connecting to each address and each statement; `ask` is how a password is asked for,
    /// none where nobody can be; `trace` is told each SQL text.
    pub(crate) fn new(info: ConnInfo, limit: Option<Duration>, ask: Option<Prompt>, trace: Trace) -> Self {
        let prompts = Prompts::default();
        let ask = ask.map(|ask| {
            let prompts = prompts.clone();
            let timed: AskPassword = Arc::new(move |prompt: &str| prompts.during(|| ask(prompt)));
            timed
        });
        let logins = PendingLogins::default();
        Self {
            info,
            limit,
            lanes: LanePolicy::Ordinary,
            ask,
            prompts,
            typed: TypedPasswords::default(),
            trace,
            logins,
            used: Arc::default(),
        }
    }

    /// A copy that leads to this place through these slots.
    pub(crate) fn through(&self, lanes: LanePolicy) -> Self {
        Self { lanes, ..self.clone() }
    }

    /// Another place, asked in the same way.
    pub(crate) fn at(&self, info: ConnInfo) -> Self {
        Self { info, ..self.clone() }
    }

    /// The settings that lead there.
    pub(crate) const fn info(&self) -> &ConnInfo {
        &self.info
    }

    /// How long each statement may take.
    pub(crate) fn limit(&self) -> Duration {
        self.limit.unwrap_or(LIMIT)
    }

    /// What must be over after [`Endpoint::limit`], from now on.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::new(self.limit(), &self.prompts)
    }

    /// What must be over after `limit`, from now on.
    pub(crate) fn deadline_of(&self, limit: Duration) -> Deadline {
        Deadline::new(limit, &self.prompts)
    }

    /// What it is called before anybody has answered: where a connection would go first. What was typed in the wrong place is no
    /// name, and is masked.
    pub(crate) fn target(&self) -> Option<Target> {
        let host = self.info.hosts().first()?;
        Some(Target {
            host: secrets(host.name()),
            port: host.port,
            database: secrets(self.info.dbname()),
            user: secrets(self.info.user()),
            service: self.info.service().map(secrets),
            name: self.info.called().map(|called| called.name.clone()),
            labels: self.info.called().map(|called| called.labels.clone()).unwrap_or_default(),
        })
    }

    /// The settings for the next login. What was resolved is what the first one uses; passwords in a file may change after that.
    pub(crate) fn info_for_login(&self) -> Cow<'_, ConnInfo> {
        if self.used.swap(true, Ordering::Relaxed) {
            Cow::Owned(passwords_of_now(&self.info, &Environment::of_process()))
        } else {
            Cow::Borrowed(&self.info)
        }
    }

    /// How to connect, beside what the settings say.
    pub(crate) fn options(&self, lane: Lane, deadline: Option<&Deadline>) -> Options {
        let deadline = deadline.map(|deadline| std::time::Instant::now() + deadline.left());
        let (ask, typed, logins) = (self.ask.clone(), self.typed.clone(), self.logins.clone());
        Options { timeout: self.limit, deadline, ask, typed, lane, logins, trace: self.trace }
    }

    /// One try to log in: to an ordinary slot, and to a walsender's where the policy allows it and the server as a whole has no
    /// other left. When that fails, too, the first refusal is what counts.
    ///
    /// # Errors
    /// When no session can be had.
    pub(crate) async fn log_in(&self, deadline: Option<&Deadline>, stop: &Stop) -> Result<Db, Error> {
        let info = self.info_for_login();
        let open =
            async |lane| Db::connect(&info, &self.options(lane, deadline), self.limit(), stop.clone()).await;
        let refusal = match self.lanes {
            LanePolicy::Emergency => return open(Lane::Emergency).await,
            LanePolicy::Ordinary => return open(Lane::Ordinary).await,
            LanePolicy::WhenFull => match open(Lane::Ordinary).await {
                Err(refusal) => refusal,
                session => return session,
            },
        };
        if !matches!(refusal.kind, ErrorKind::TooManyConnections(LimitScope::Server | LimitScope::Reserved)) {
            return Err(refusal);
        }
        open(Lane::Emergency).await.map_err(|error| match error.kind {
            ErrorKind::Interrupted(_) => error,
            _ => refusal,
        })
    }

    /// One try to log in to a pooler's console.
    ///
    /// # Errors
    /// When no session can be had, or what answers is no console.
    pub(crate) async fn log_in_to_console(
        &self,
        deadline: Option<&Deadline>,
        stop: &Stop,
    ) -> Result<Console, Error> {
        let options = self.options(Lane::Ordinary, deadline);
        Console::open(&self.info_for_login(), &options, self.limit(), stop.clone()).await
    }
}
