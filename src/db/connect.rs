//! From resolved settings to a session: every host and address in turn, encryption as asked for, the login, and
//! whether it is the kind of server that was wanted. libpq's rules, with one deliberate difference: a wrong
//! password is not tried a second time without encryption.

use super::dial::{self, Target};
use super::error::{Error, Kind};
use super::refusal::{self, Login};
use super::startup::{self, Answer};
use super::tls;
use super::wire::{Prepared, Transport, Wire};
use crate::conninfo::{Ask, ChannelBinding, ConnInfo, Host, LoadBalance, SslMode, TargetSession};
use crate::model::server;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::Empty;
use tokio::net::TcpStream;
use tokio_postgres::{CancelToken, Client, Config, Connection, SimpleQueryMessage};

/// The driver's half that moves the bytes; it must be polled for the client to work.
pub(crate) type Driver = Connection<Empty, Wire>;

/// The bound on one address when nobody gave one.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How to connect, beside what the settings say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The bound on each address; `None` for the settings' `connect_timeout`, else ten seconds.
    pub(crate) timeout: Option<Duration>,
    /// Asks for a password with the given prompt; `None` where nobody can be asked.
    pub(crate) ask: Option<fn(&str) -> io::Result<String>>,
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
    /// How long each phase took.
    pub(crate) phases: Phases,
    /// What the user should know: a fall-back to plaintext or to another database.
    pub(crate) notices: Vec<String>,
    /// The means to cancel what the session runs.
    pub(crate) canceller: Canceller,
}

impl Established {
    /// Where the session is, in the words of results.
    pub(super) fn described(&self) -> server::Target {
        server::Target {
            host: self.target.name(),
            port: self.target.port,
            database: self.info.dbname().to_owned(),
            user: self.info.user().to_owned(),
            service: self.info.service().map(str::to_owned),
        }
    }
}

/// How long each phase of connecting took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Phases {
    /// Looking the host name up; `None` for a socket.
    pub(crate) dns: Option<Duration>,
    /// Until the socket was connected.
    pub(crate) tcp: Option<Duration>,
    /// Asking for TLS and the handshake; `None` without.
    pub(crate) tls: Option<Duration>,
    /// From the startup packet until the session was ready.
    pub(crate) auth: Option<Duration>,
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

/// Connects. On failure the error says what each address answered.
pub(crate) async fn connect(info: &ConnInfo, options: &Options) -> Result<Established, Error> {
    let mut info = info.clone();
    if info.ask() == Ask::Always {
        info = ask_password(&info, options).await?;
    }
    let mut notices = Vec::new();
    loop {
        let failure = match through_hosts(&info, options).await {
            Ok(mut session) => {
                notices.append(&mut session.notices);
                session.notices = notices;
                return Ok(session);
            }
            Err(failure) => failure,
        };
        if failure.wants_password && options.ask.is_some() && info.ask() == Ask::WhenNeeded {
            info = ask_password(&info, options).await?;
        } else if falls_back(&failure.error, &info) {
            notices.push(format!("database \"{}\" does not exist, so this is \"postgres\"", info.dbname()));
            info = info.with_dbname("postgres");
        } else {
            return Err(failure.error);
        }
    }
}

/// Whether to try the database `postgres`: nobody named one, and the role's own does not exist.
fn falls_back(error: &Error, info: &ConnInfo) -> bool {
    let is_missing = error.sqlstate.as_deref() == Some("3D000");
    is_missing && !info.database_was_named() && info.dbname() != "postgres"
}

/// Asks on a thread of its own, so that signals are still seen.
async fn ask_password(info: &ConnInfo, options: &Options) -> Result<ConnInfo, Error> {
    let Some(ask) = options.ask else {
        return Err(Error::new(Kind::AuthFailed, "there is no terminal to ask for a password")
            .hinted("give it with PGPASSWORD or a password file"));
    };
    let prompt = format!("Password for user {}: ", info.user());
    let typed = tokio::task::spawn_blocking(move || ask(&prompt)).await;
    let typed = typed.map_err(io::Error::other).and_then(|typed| typed);
    let typed = typed.map_err(|error| {
        Error::new(Kind::AuthFailed, format!("could not read a password: {}", startup::os_words(&error)))
    })?;
    Ok(info.with_password(&typed))
}

/// A failure, and what it means for what is tried next.
struct Failure {
    error: Error,
    next: Next,
    /// The server asked for a password and none was known.
    wants_password: bool,
}

/// What to try after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The next address of the same host.
    Address,
    /// The next host.
    Host,
    /// The same address, with the other kind of encryption if the mode has one; then nothing.
    OtherEncryption,
    /// Nothing: the server has given its answer.
    Stop,
}

impl Failure {
    fn new(error: Error, next: Next) -> Self {
        Self { error, next, wants_password: false }
    }
}

/// How one attempt is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    Plain,
    Tls,
    /// TLS, but plaintext on the same socket when the server has none.
    TlsIfOffered,
}

/// The kinds of encryption to try at `target`, in order.
fn encryptions(mode: SslMode, target: &Target) -> &'static [Encryption] {
    if target.is_socket() {
        return &[Encryption::Plain];
    }
    match mode {
        SslMode::Disable => &[Encryption::Plain],
        SslMode::Allow => &[Encryption::Plain, Encryption::Tls],
        SslMode::Prefer => &[Encryption::TlsIfOffered, Encryption::Plain],
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Encryption::Tls],
    }
}

/// Every host in turn; for `prefer-standby` all of them a second time, in any role.
async fn through_hosts(info: &ConnInfo, options: &Options) -> Result<Established, Failure> {
    let wanted = info.settings().target_session;
    let passes: &[TargetSession] = match wanted {
        TargetSession::PreferStandby => &[TargetSession::Standby, TargetSession::Any],
        _ => &[wanted],
    };
    let mut failures = Vec::new();
    for &wanted in passes {
        let mut hosts: Vec<&Host> = info.hosts().iter().collect();
        balance(info, &mut hosts);
        for host in hosts {
            match through_addresses(info, host, wanted, options, &mut failures).await {
                Some(session) => return Ok(session),
                None if failures.last().is_some_and(|last: &Failure| last.next == Next::Stop) => break,
                None => {}
            }
        }
    }
    Err(combined(failures))
}

/// Every address of one host in turn; a failure of the host or the last word of a server ends it.
async fn through_addresses(
    info: &ConnInfo,
    host: &Host,
    wanted: TargetSession,
    options: &Options,
    failures: &mut Vec<Failure>,
) -> Option<Established> {
    let limit = options.timeout.or(info.settings().connect_timeout).unwrap_or(TIMEOUT);
    let started = Instant::now();
    let looked_up = tokio::time::timeout(limit, dial::targets(host)).await.unwrap_or_else(|_| {
        let message =
            format!("could not translate host name \"{}\" to address: timeout expired", host.name());
        Err(Error::new(Kind::Dns, message))
    });
    let dns = (!host.is_socket()).then(|| started.elapsed());
    let mut targets = match looked_up {
        Ok(targets) => targets,
        Err(error) => {
            failures.push(Failure::new(error, Next::Host));
            return None;
        }
    };
    balance(info, &mut targets);
    for target in targets {
        let attempt = at_address(info, host, &target, wanted);
        let outcome = tokio::time::timeout(limit, attempt).await.unwrap_or_else(|_| Err(timed_out(&target)));
        match outcome {
            Ok(mut session) => {
                session.phases.dns = dns;
                return Some(session);
            }
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

fn timed_out(target: &Target) -> Failure {
    let message = format!("connection to {} failed: timeout expired", target.words());
    let error = Error::new(Kind::Timeout, message)
        .hinted("nothing answered in time: a firewall may drop the packets, or the server is overloaded; -t sets the limit");
    Failure::new(error, Next::Address)
}

/// One address, with each kind of encryption that the mode allows.
async fn at_address(
    info: &ConnInfo,
    host: &Host,
    target: &Target,
    wanted: TargetSession,
) -> Result<Established, Failure> {
    let mut earlier: Option<Error> = None;
    let mut order = encryptions(info.settings().ssl_mode, target).iter().peekable();
    while let Some(&encryption) = order.next() {
        match attempt(info, host, target, wanted, encryption).await {
            Ok(mut session) => {
                if let Some(error) = earlier.filter(|_| !session.canceller.encrypted) {
                    session.notices.push(format!("the connection is not encrypted: {}", error.message));
                }
                return Ok(session);
            }
            Err(failure) if failure.next == Next::OtherEncryption && order.peek().is_some() => {
                earlier = Some(failure.error);
            }
            Err(mut failure) => {
                if failure.next == Next::OtherEncryption {
                    failure.next = Next::Stop;
                }
                if let Some(first) = earlier {
                    let both = format!("{}\n{}", first.message, failure.error.message);
                    failure.error.detail =
                        Some(failure.error.detail.map_or(both.clone(), |more| format!("{both}\n{more}")));
                }
                return Err(failure);
            }
        }
    }
    Err(Failure::new(Error::new(Kind::Protocol, "no way to connect was left to try"), Next::Stop))
}

/// One attempt: dial, encrypt, log in, and look whether it is the kind of server that was wanted.
async fn attempt(
    info: &ConnInfo,
    host: &Host,
    target: &Target,
    wanted: TargetSession,
    encryption: Encryption,
) -> Result<Established, Failure> {
    let mut phases = Phases::default();
    let named = |mut failure: Failure| {
        failure.error.message = format!("connection to {} failed: {}", target.words(), failure.error.message);
        failure
    };
    let mut wire = dial_wire(target, info, encryption, &mut phases).await.map_err(named)?;
    let started = Instant::now();
    let encrypted = wire.is_encrypted();
    check_binding(info, encrypted).map_err(named)?;
    let answer = startup::open(&mut wire, &startup::packet(info)).await;
    let answer = answer.map_err(|error| named(Failure::new(error, Next::Host)))?;
    if let Answer::Authentication(method) = &answer {
        check_method(info, host, method, encrypted).map_err(named)?;
    }
    wire.swallow_startup_packet();
    let (client, mut driver) =
        driver_config(info, host).connect_raw(tokio::io::empty(), Prepared(wire)).await.map_err(|error| {
            let password_source = host.password.as_ref().map(|password| password.source.to_string());
            let login = Login { user: info.user(), dbname: info.dbname(), password_source };
            named(refused(&error, &login, encrypted))
        })?;
    phases.auth = Some(started.elapsed());
    check_session(&client, &mut driver, wanted).await.map_err(named)?;
    let server_version = driver.parameter("server_version").unwrap_or_default().to_owned();
    let canceller =
        Canceller { token: client.cancel_token(), target: target.clone(), info: info.clone(), encrypted };
    Ok(Established {
        client,
        driver,
        target: target.clone(),
        info: info.clone(),
        server_version,
        phases,
        notices: Vec::new(),
        canceller,
    })
}

/// Dials and encrypts.
async fn dial_wire(
    target: &Target,
    info: &ConnInfo,
    encryption: Encryption,
    phases: &mut Phases,
) -> Result<Wire, Failure> {
    let settings = info.settings();
    let started = Instant::now();
    let dialled = dial::dial(target, settings).await;
    phases.tcp = Some(started.elapsed());
    let transport = dialled.map_err(|error| Failure::new(not_reached(target, &error), Next::Address))?;
    if let (Transport::Unix(stream), Some(wanted)) = (&transport, &settings.require_peer) {
        dial::check_peer(stream, wanted).await.map_err(|error| Failure::new(error, Next::Stop))?;
    }
    match transport {
        Transport::Tcp(stream) if encryption != Encryption::Plain => {
            let started = Instant::now();
            let wire = encrypt(stream, target, info, encryption).await;
            phases.tls = Some(started.elapsed());
            wire
        }
        other => Ok(Wire::new(other, None)),
    }
}

/// Asks for TLS and shakes hands; a server without TLS may do where the mode allows it.
async fn encrypt(
    mut stream: TcpStream,
    target: &Target,
    info: &ConnInfo,
    encryption: Encryption,
) -> Result<Wire, Failure> {
    let offer = tls::request(&mut stream, info).await;
    match offer.map_err(|error| Failure::new(error, Next::OtherEncryption))? {
        tls::Offer::Yes => {
            let encrypted = tls::handshake(stream, info, target).await;
            let (stream, end_point) =
                encrypted.map_err(|error| Failure::new(error, Next::OtherEncryption))?;
            Ok(Wire::new(Transport::Tls(stream), end_point))
        }
        tls::Offer::No if encryption == Encryption::TlsIfOffered => {
            Ok(Wire::new(Transport::Tcp(stream), None))
        }
        tls::Offer::No => {
            let error = Error::new(Kind::Tls, "server does not support SSL, but SSL was required")
                .hinted("sslmode=prefer does without where the server has none");
            Err(Failure::new(error, Next::Stop))
        }
    }
}

/// Why a socket could not be connected, with libpq's question.
fn not_reached(target: &Target, error: &io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::TimedOut { Kind::Timeout } else { Kind::Refused };
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "this user may not use the socket",
        _ if target.is_socket() => "is the server running locally and accepting connections on that socket?",
        _ => "is the server running on that host and accepting TCP/IP connections?",
    };
    Error::new(kind, startup::os_words(error)).hinted(hint)
}

fn check_binding(info: &ConnInfo, encrypted: bool) -> Result<(), Failure> {
    if info.settings().channel_binding == ChannelBinding::Require && !encrypted {
        let error = Error::new(Kind::AuthFailed, "channel binding required, but SSL not in use");
        return Err(Failure::new(error, Next::OtherEncryption));
    }
    Ok(())
}

/// Whether the method may be answered, and can be.
fn check_method(
    info: &ConnInfo,
    host: &Host,
    method: &startup::Method,
    encrypted: bool,
) -> Result<(), Failure> {
    let settings = info.settings();
    let stop = |message: String| Failure::new(Error::new(Kind::AuthFailed, message), Next::Stop);
    if let Some(required) = &settings.require_auth
        && !required.permits(method.name())
    {
        let message =
            format!("authentication method requirement \"{}\" failed: {}", required.text, method.request());
        return Err(stop(message));
    }
    if settings.channel_binding == ChannelBinding::Require {
        match method {
            startup::Method::Sasl(offered) if offered.iter().any(|name| name == "SCRAM-SHA-256-PLUS") => {}
            startup::Method::Sasl(_) if encrypted => {
                return Err(stop("channel binding is required, but server did not offer an authentication method that supports channel binding".to_owned()));
            }
            _ => {
                return Err(stop(
                    "channel binding required but not supported by server's authentication request"
                        .to_owned(),
                ));
            }
        }
    }
    if let startup::Method::Other(name) = method {
        let mut failure =
            stop(format!("the server asks for an authentication method that pgconn does not speak ({name})"));
        failure.error.hint =
            Some("use a role with a password, a client certificate, or a Unix socket".to_owned());
        return Err(failure);
    }
    if method.needs_password() && host.password.as_ref().is_none_or(|password| password.bytes.is_empty()) {
        let mut failure = stop("no password supplied".to_owned());
        failure.error.hint = Some("give a password with PGPASSWORD, a password file, or -W".to_owned());
        failure.wants_password = true;
        return Err(failure);
    }
    Ok(())
}

/// The driver's settings: it only has to answer the authentication.
fn driver_config(info: &ConnInfo, host: &Host) -> Config {
    let mut config = Config::new();
    config.user(info.user());
    if let Some(password) = &host.password {
        config.password(&password.bytes);
    }
    // The stream is ready for use, which is what these two say to the driver.
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    config.ssl_negotiation(tokio_postgres::config::SslNegotiation::Direct);
    config.channel_binding(match info.settings().channel_binding {
        ChannelBinding::Disable => tokio_postgres::config::ChannelBinding::Disable,
        ChannelBinding::Prefer => tokio_postgres::config::ChannelBinding::Prefer,
        ChannelBinding::Require => tokio_postgres::config::ChannelBinding::Require,
    });
    config
}

/// A login that the driver could not finish.
fn refused(error: &tokio_postgres::Error, login: &Login<'_>, encrypted: bool) -> Failure {
    if let Some(server) = error.as_db_error() {
        let refusal = refusal::classify(server, login);
        let next = match server.code().code() {
            "57P03" => Next::Host,
            // The same server may let the other kind of encryption in: a line of pg_hba.conf, a pooler's rule.
            "28000" if refusal.kind != Kind::NoSuchRole => Next::OtherEncryption,
            "08P01" if !encrypted => Next::OtherEncryption,
            _ => Next::Stop,
        };
        return Failure::new(refusal, next);
    }
    let source = std::error::Error::source(error);
    if let Some(io) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
        return Failure::new(startup::lost(io), Next::Host);
    }
    if error.is_closed() {
        return Failure::new(startup::lost(&io::ErrorKind::UnexpectedEof.into()), Next::Host);
    }
    Failure::new(Error::new(Kind::AuthFailed, driver_words(error)), Next::Stop)
}

/// What the driver says, with its cause.
pub(super) fn driver_words(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Whether the session is of the wanted kind (`target_session_attrs`).
async fn check_session(client: &Client, driver: &mut Driver, wanted: TargetSession) -> Result<(), Failure> {
    let (parameter, question, expected) = match wanted {
        TargetSession::Any | TargetSession::PreferStandby => return Ok(()),
        TargetSession::Primary => ("in_hot_standby", IN_RECOVERY, false),
        TargetSession::Standby => ("in_hot_standby", IN_RECOVERY, true),
        TargetSession::ReadWrite => ("default_transaction_read_only", READ_ONLY, false),
        TargetSession::ReadOnly => ("default_transaction_read_only", READ_ONLY, true),
    };
    let mut found = is_on(client, driver, parameter, question).await?;
    if parameter == "default_transaction_read_only" {
        found = found || is_on(client, driver, "in_hot_standby", IN_RECOVERY).await?;
    }
    if found == expected {
        return Ok(());
    }
    let message = match wanted {
        TargetSession::ReadWrite => "session is read-only",
        TargetSession::ReadOnly => "session is not read-only",
        TargetSession::Standby => "server is not in hot standby mode",
        _ => "server is in hot standby mode",
    };
    let error =
        Error::new(Kind::Refused, message).hinted("target_session_attrs asks for another kind of server");
    Err(Failure::new(error, Next::Host))
}

const IN_RECOVERY: &str = "SELECT pg_catalog.pg_is_in_recovery()";
const READ_ONLY: &str = "SHOW transaction_read_only";

/// A setting that servers report from version 14 on when connecting, and older ones when asked.
async fn is_on(
    client: &Client,
    driver: &mut Driver,
    parameter: &str,
    question: &str,
) -> Result<bool, Failure> {
    if let Some(value) = driver.parameter(parameter) {
        return Ok(value == "on");
    }
    let answer = while_driving(driver, client.simple_query(question)).await;
    let rows =
        answer.map_err(|error| Failure::new(Error::new(Kind::Server, driver_words(&error)), Next::Host))?;
    Ok(rows.iter().any(|row| match row {
        SimpleQueryMessage::Row(row) => matches!(row.get(0), Some("on" | "t")),
        _ => false,
    }))
}

/// The outcome of `work`, with the driver polled alongside.
async fn while_driving<T>(driver: &mut Driver, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut driving = true;
    poll_fn(|context| {
        while driving {
            match driver.poll_message(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => driving = false,
                Poll::Pending => break,
            }
        }
        work.as_mut().poll(context)
    })
    .await
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

/// A random number, from the randomness of the standard library's hash maps.
pub(super) fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

/// One failure out of all: the last word of a server, else the one that says most, with all attempts listed.
fn combined(mut failures: Vec<Failure>) -> Failure {
    let all: Vec<String> = failures.iter().map(|failure| failure.error.message.clone()).collect();
    let says_most = failures.iter().rposition(|failure| failure.error.sqlstate.is_some());
    let chosen = says_most.unwrap_or(failures.len().saturating_sub(1));
    if failures.is_empty() {
        return Failure::new(Error::new(Kind::Dns, "the host has no address"), Next::Stop);
    }
    let mut failure = failures.swap_remove(chosen);
    if all.len() > 1 {
        let list = all.join("\n");
        failure.error.detail =
            Some(failure.error.detail.map_or(list.clone(), |more| format!("{more}\n{list}")));
    }
    failure
}
