//! From resolved settings to a session. libpq's rules, with one deliberate difference: a wrong password is not tried a
//! second time without encryption.

use super::dial::Target;
use super::hosts::through_hosts;
use super::login::{Encryption, dial_wire, driver_words};
use super::startup::{self, Lane};
use super::told::Told;
use super::wire::{Prepared, Wire};
use crate::conninfo::{Ask, ConnInfo, readable};
use crate::db::error::{Error, Kind};
use crate::model::server;
use crate::stop::Signal;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::Empty;
use tokio_postgres::{CancelToken, Client, Connection};

/// The driver's half that moves the bytes; it must be polled for the client to work.
pub(crate) type Driver = Connection<Empty, Wire>;

/// Asks for a password with the given prompt; what was typed, in bytes.
pub(crate) type AskPassword = fn(&str) -> io::Result<Vec<u8>>;

/// How to connect, beside what the settings say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The bound on each address; `None` for the settings' `connect_timeout`, else ten seconds.
    pub(crate) timeout: Option<Duration>,
    /// When all of it must be over, whichever address it is at; `None` where only each address is bounded.
    pub(crate) deadline: Option<Instant>,
    /// Asks for a password; `None` where nobody can be asked.
    pub(crate) ask: Option<AskPassword>,
    /// Which kind of slot to ask for.
    pub(crate) lane: Lane,
}

impl Options {
    /// The bound on an address: the flag's, else the settings', else ten seconds. Where the run as a whole has a deadline, all
    /// that are left to try share the time until then, so that one that is silent does not use up the others'.
    pub(in crate::db) fn limit(&self, info: &ConnInfo, left: usize) -> Duration {
        let set = info.settings().connect_timeout;
        let limit = self.timeout.or(set).unwrap_or(Duration::from_secs(10));
        let Some(deadline) = self.deadline else { return limit };
        let share = deadline.saturating_duration_since(Instant::now())
            / u32::try_from(left.max(1)).unwrap_or(u32::MAX);
        limit.min(share).min(set.unwrap_or(Duration::MAX))
    }
}

/// A session.
pub(crate) struct Established {
    /// The driver's half that asks.
    pub(crate) client: Client,
    /// The driver's half that moves the bytes, not yet spawned.
    pub(crate) driver: Driver,
    /// The server that was reached.
    pub(crate) target: Target,
    /// The settings of this session: with the password that was typed and the database that was fallen back to.
    pub(crate) info: ConnInfo,
    /// `server_version` as the server reports it, such as `15.18 (Debian …)` or `1.18.0/bouncer`.
    pub(crate) server_version: String,
    /// The kind of slot it has.
    pub(crate) lane: Lane,
    /// Whether the bytes are encrypted.
    pub(crate) encrypted: bool,
    /// What the user should know: a fall-back to plaintext or to another database.
    pub(crate) notices: Vec<Notice>,
    /// What the login told of who stands between.
    pub(in crate::db) told: Told,
    /// The means to cancel what the session runs.
    pub(crate) canceller: Canceller,
}

impl Established {
    /// Where the session is, in the words of results.
    pub(in crate::db) fn described(&self) -> server::Target {
        server::Target {
            host: self.target.name(),
            port: self.target.port,
            database: readable(self.info.dbname()),
            user: readable(self.info.user()),
            service: self.info.service().map(readable),
        }
    }
}

/// How long each phase of connecting took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Phases {
    /// Looking the host name up; `None` for a socket.
    pub(crate) dns: Option<Duration>,
    /// Until the socket was connected, and until the server had declined TLS when it was asked.
    pub(crate) tcp: Option<Duration>,
    /// Asking for TLS and the handshake; `None` without.
    pub(crate) tls: Option<Duration>,
    /// From the startup packet until the session was ready.
    pub(crate) auth: Option<Duration>,
}

/// Something about a connection that its user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// The stable word for scripts.
    pub(crate) code: &'static str,
    /// One line, lower case, no full stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<&'static str>,
}

/// What became of one address.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The address: `10.0.0.1:5432`, a socket's path, or the host and port that have none.
    pub(crate) address: String,
    /// How long each phase took, as far as it came.
    pub(crate) phases: Phases,
    /// Why it failed.
    pub(crate) error: Option<Error>,
}

/// Sends a CancelRequest for a session, on a connection of its own.
#[derive(Clone)]
pub(crate) struct Canceller {
    token: CancelToken,
    target: Target,
    info: ConnInfo,
    encrypted: bool,
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Canceller {
    pub(super) fn new(token: CancelToken, target: Target, info: ConnInfo, encrypted: bool) -> Self {
        Self { token, target, info, encrypted }
    }

    /// The settings that lead to this session's server and nowhere else.
    pub(in crate::db) fn way_back(&self) -> ConnInfo {
        self.info.pinned_to(&self.target.host, self.target.hostaddr(), self.target.port)
    }

    /// Asks the server to cancel what the session runs. The server does not say whether anything was cancelled.
    pub(crate) async fn cancel(&self) -> Result<(), Error> {
        let words = self.target.words();
        let failed = |why: String| Error::new(Kind::Refused, format!("could not cancel at {words}: {why}"));
        let mut phases = Phases::default();
        let encryption = if self.encrypted { Encryption::Tls } else { Encryption::Plain };
        let wire = dial_wire(&self.target, &self.info, encryption, &mut phases)
            .await
            .map_err(|failure| failed(failure.error.message))?;
        let sent = self.token.cancel_query_raw(tokio::io::empty(), Prepared(wire)).await;
        sent.map_err(|error| failed(driver_words(&error)))
    }
}

/// Connects. On failure the error says what each address answered; `attempts` gets all that was tried. The deadline in
/// `options` moves by the time that a password was being typed.
pub(crate) async fn connect(
    info: &ConnInfo,
    options: &mut Options,
    attempts: &mut Vec<Attempt>,
) -> Result<Established, Error> {
    let connected = connect_or_ask(info, options, attempts).await;
    connected.map_err(|error| Error { connecting: true, ..error })
}

/// The same; asks for a password where one is needed, and tries another database where none was named.
async fn connect_or_ask(
    info: &ConnInfo,
    options: &mut Options,
    attempts: &mut Vec<Attempt>,
) -> Result<Established, Error> {
    let mut info = info.clone();
    let mut may_ask = options.ask.is_some() && info.ask() == Ask::WhenNeeded;
    if info.ask() == Ask::Always {
        info = ask_password(&info, options).await?;
    }
    let mut notices: Vec<Notice> = info.warnings().iter().map(|why| ignored_password_file(why)).collect();
    if options.lane == Lane::Emergency {
        notices.push(emergency());
    }
    loop {
        let failure = match through_hosts(&info, options, attempts).await {
            Ok(mut session) => {
                notices.append(&mut session.notices);
                session.notices = notices;
                return Ok(session);
            }
            Err(failure) => failure,
        };
        if failure.wants_password && std::mem::take(&mut may_ask) {
            info = ask_password(&info, options).await?;
        } else if falls_back(&failure.error, &info) {
            notices.push(Notice {
                code: "default_database",
                message: format!("database \"{}\" does not exist, so this is \"postgres\"", info.dbname()),
                hint: None,
            });
            info = info.with_dbname("postgres");
        } else {
            return Err(with_warnings(failure.error, &info));
        }
    }
}

/// A login that failed, with the password file that was ignored: it may hold the password that was missing.
fn with_warnings(error: Error, info: &ConnInfo) -> Error {
    if error.kind != Kind::AuthFailed || info.warnings().is_empty() {
        return error;
    }
    let detail: Vec<&str> =
        error.detail.as_deref().into_iter().chain(info.warnings().iter().map(String::as_str)).collect();
    Error { detail: Some(detail.join("\n")), ..error }
}

fn ignored_password_file(why: &str) -> Notice {
    Notice { code: "password_file_ignored", message: why.to_owned(), hint: None }
}

fn emergency() -> Notice {
    Notice {
        code: "emergency_connection",
        message: "this is a replication connection, which needs no ordinary slot; it is closed at once"
            .to_owned(),
        hint: Some(
            "from PostgreSQL 16 on, set reserved_connections and GRANT pg_use_reserved_connections WITH INHERIT TRUE",
        ),
    }
}

/// Whether to try the database `postgres`: nobody named one, and the role's own does not exist.
fn falls_back(error: &Error, info: &ConnInfo) -> bool {
    let is_missing = error.sqlstate.as_deref() == Some("3D000");
    is_missing && !info.database_was_named() && info.dbname() != "postgres"
}

/// Asks on a thread of its own, so that signals are still seen.
async fn ask_password(info: &ConnInfo, options: &mut Options) -> Result<ConnInfo, Error> {
    let Some(ask) = options.ask else {
        return Err(Error::new(Kind::AuthFailed, "there is no terminal to ask for a password")
            .hinted("give it with PGPASSWORD or a password file"));
    };
    let prompt = format!("Password for user {}: ", readable(info.user()));
    let place =
        (info.user().to_owned(), info.hosts().iter().map(|host| (host.host.clone(), host.port)).collect());
    if let Some((_, typed)) = typed_before().iter().find(|(before, _)| *before == place) {
        return Ok(info.with_password(typed));
    }
    let asked = Instant::now();
    let typed = tokio::task::spawn_blocking(move || ask(&prompt)).await;
    options.deadline = options.deadline.map(|deadline| deadline + asked.elapsed());
    let typed = typed.map_err(io::Error::other).and_then(|typed| typed);
    let typed = typed.map_err(|error| match error.kind() {
        // Ctrl-C, which the terminal hands over as a key.
        io::ErrorKind::Interrupted => Error::interrupted(Signal::Interrupt),
        _ => {
            Error::new(Kind::AuthFailed, format!("could not read a password: {}", startup::os_words(&error)))
        }
    })?;
    let info = info.with_password(&typed);
    typed_before().push((place, typed));
    Ok(info)
}

/// Whom a password is for: the role, and the hosts with their ports.
type Place = (String, Vec<(String, u16)>);

/// The passwords that were typed in this run: a connection that is made again asks nobody again.
fn typed_before() -> MutexGuard<'static, Vec<(Place, Vec<u8>)>> {
    static TYPED: Mutex<Vec<(Place, Vec<u8>)>> = Mutex::new(Vec::new());
    TYPED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A random number, from the randomness of the standard library's hash maps.
pub(super) fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}
