//! One attempt at one address: dial, encrypt, log in, and look whether it is the kind of server that was wanted.

use super::connect::{Canceller, Driver, Established, Phases};
use super::dial::{self, Target};
use super::error::{Error, Kind};
use super::guard;
use super::refusal::{self, Login};
use super::sasl;
use super::startup::{self, Answer, Lane};
use super::tls;
use super::wire::{Prepared, Transport, Wire};
use crate::conninfo::{ChannelBinding, ConnInfo, Host, SslCertMode, SslMode, TargetSession};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio_postgres::{Client, Config, SimpleQueryMessage};

/// A failure, and what it means for what is tried next.
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) next: Next,
    /// The server asked for a password and none was known.
    pub(super) wants_password: bool,
}

/// What to try after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
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
    pub(super) fn new(error: Error, next: Next) -> Self {
        Self { error, next, wants_password: false }
    }
}

/// What kind of session is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// `target_session_attrs` of this pass.
    pub(super) session: TargetSession,
    /// The kind of slot.
    pub(super) lane: Lane,
}

/// How one attempt is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Not at all.
    Plain,
    /// TLS or nothing.
    Tls,
    /// TLS, but plaintext on the same socket when the server has none.
    TlsIfOffered,
}

/// The kinds of encryption to try at `target`, in order.
pub(super) fn encryptions(mode: SslMode, target: &Target) -> &'static [Encryption] {
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

/// One attempt: dial, encrypt, log in, and look whether it is the kind of server that was wanted.
pub(super) async fn attempt(
    info: &ConnInfo,
    host: &Host,
    target: &Target,
    wanted: &Wanted,
    encryption: Encryption,
    phases: &mut Phases,
) -> Result<Established, Failure> {
    let named = |mut failure: Failure| {
        failure.error.message = format!("connection to {} failed: {}", target.words(), failure.error.message);
        failure.error = failure.error.without_secrets();
        failure
    };
    let mut wire = dial_wire(target, info, encryption, phases).await.map_err(named)?;
    let started = Instant::now();
    let encrypted = wire.is_encrypted();
    // A server without TLS has given its answer to the only kind of connection there is.
    let is_last = encryption == Encryption::TlsIfOffered && !encrypted;
    let named = |mut failure: Failure| {
        if is_last && failure.next == Next::OtherEncryption {
            failure.next = Next::Stop;
        }
        named(failure)
    };
    check_known(info, &wire).map_err(named)?;
    let answer = startup::open(&mut wire, &startup::packet(info, wanted.lane)).await;
    let answer = answer.map_err(|error| named(Failure::new(error, Next::Host)))?;
    if let Answer::Authentication(method) = &answer {
        check_method(info, host, method, encrypted).map_err(named)?;
    }
    let password = host.password.as_ref().map(|password| password.bytes.as_slice());
    let mut drivers_password = password;
    if let Answer::Authentication(startup::Method::Sasl(mechanisms)) = &answer {
        let wanted = info.settings().channel_binding;
        let done = sasl::log_in(&mut wire, mechanisms, password.unwrap_or_default(), wanted).await;
        done.map_err(|error| {
            let next = if error.kind == Kind::AuthFailed { Next::Stop } else { Next::Host };
            named(Failure::new(error, next))
        })?;
        // Whatever the server asks for after that, it gets no password.
        drivers_password = None;
    }
    let told = wire.swallow_startup_packet();
    let (client, mut driver) = driver_config(info, drivers_password)
        .connect_raw(tokio::io::empty(), Prepared(wire))
        .await
        .map_err(|error| {
            let password_source = host.password.as_ref().map(|password| password.source.to_string());
            let login = Login { user: info.user(), dbname: info.dbname(), password_source };
            named(refused(&error, &login, encrypted))
        })?;
    phases.auth = Some(started.elapsed());
    check_session(&client, &mut driver, wanted).await.map_err(named)?;
    let server_version = driver.parameter("server_version").unwrap_or_default().to_owned();
    let canceller = Canceller::new(client.cancel_token(), target.clone(), info.clone(), encrypted);
    Ok(Established {
        client,
        driver,
        target: target.clone(),
        info: info.clone(),
        server_version,
        lane: wanted.lane,
        encrypted,
        notices: Vec::new(),
        told,
        canceller,
    })
}

/// Whether the server knows our certificate, when it must.
fn check_known(info: &ConnInfo, wire: &Wire) -> Result<(), Failure> {
    match wire.unknown() {
        Some(why) if info.settings().ssl_cert_mode == SslCertMode::Require => {
            let next = if wire.is_encrypted() { Next::Stop } else { Next::OtherEncryption };
            Err(Failure::new(Error::new(Kind::Tls, why), next))
        }
        _ => Ok(()),
    }
}

/// Dials and encrypts.
pub(super) async fn dial_wire(
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
            match &wire {
                Ok(wire) if !wire.is_encrypted() => {
                    phases.tcp = phases.tcp.map(|tcp| tcp + started.elapsed());
                }
                _ => phases.tls = Some(started.elapsed()),
            }
            wire
        }
        other => Ok(Wire::new(other, None)),
    }
}

/// How a server gets TLS.
const NO_TLS: &str = "a server has TLS with ssl = on, ssl_cert_file and ssl_key_file; a pooler has settings of its own \
                      (PgBouncer: client_tls_sslmode)";

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
            let (stream, end_point, unknown) =
                encrypted.map_err(|error| Failure::new(error, Next::OtherEncryption))?;
            Ok(Wire::new(Transport::Tls(stream), end_point).unknown_because(unknown))
        }
        tls::Offer::No if encryption == Encryption::TlsIfOffered => {
            Ok(Wire::new(Transport::Tcp(stream), None))
        }
        tls::Offer::No => {
            let error =
                Error::new(Kind::Tls, "server does not support SSL, but SSL was required").hinted(NO_TLS);
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
    if settings.channel_binding == ChannelBinding::Require
        && let Some(why) = unbound(method, encrypted)
    {
        return Err(stop(why.to_owned()));
    }
    if let startup::Method::Other(name) = method {
        let mut failure =
            stop(format!("the server asks for an authentication method that pgconn does not speak ({name})"));
        failure.error.hint =
            Some("use a role with a password, a client certificate, or a Unix socket".into());
        return Err(failure);
    }
    if method.needs_password() && host.password.as_ref().is_none_or(|password| password.bytes.is_empty()) {
        let mut failure = stop("no password supplied".to_owned());
        failure.error.hint = Some("give a password with PGPASSWORD, a password file, or -W".into());
        failure.wants_password = true;
        return Err(failure);
    }
    Ok(())
}

/// Why an authentication by `method` cannot be bound to the channel, in libpq's words; nothing when it can.
fn unbound(method: &startup::Method, encrypted: bool) -> Option<&'static str> {
    match method {
        startup::Method::Sasl(_) if !encrypted => Some("channel binding required, but SSL not in use"),
        startup::Method::Sasl(offered) if sasl::offers_binding(offered) => None,
        startup::Method::Sasl(_) => Some(
            "channel binding is required, but server did not offer an authentication method that supports channel binding",
        ),
        startup::Method::None => {
            Some("channel binding required, but server authenticated client without channel binding")
        }
        _ => Some("channel binding required but not supported by server's authentication request"),
    }
}

/// The driver's settings: it only has to answer a request for the password itself or its MD5 hash.
fn driver_config(info: &ConnInfo, password: Option<&[u8]>) -> Config {
    let mut config = Config::new();
    config.user(info.user());
    if let Some(password) = password {
        config.password(password);
    }
    // The stream is ready for use, which is what these two say to the driver.
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    config.ssl_negotiation(tokio_postgres::config::SslNegotiation::Direct);
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
        let is_nonsense = matches!(io.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Other);
        if is_nonsense && tls::failure(io).is_none() {
            let message = format!("the server's answer is not one of the authentication asked for: {io}");
            return Failure::new(Error::new(Kind::AuthFailed, message), Next::Stop);
        }
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
async fn check_session(client: &Client, driver: &mut Driver, wanted: &Wanted) -> Result<(), Failure> {
    // A walsender of an older minor takes one statement a message.
    let in_recovery = match wanted.lane {
        Lane::Ordinary => guard::IS_IN_RECOVERY,
        Lane::Emergency => "select pg_catalog.pg_is_in_recovery()",
    };
    let (parameter, question, expected) = match wanted.session {
        TargetSession::Any | TargetSession::PreferStandby => return Ok(()),
        TargetSession::Primary => ("in_hot_standby", in_recovery, false),
        TargetSession::Standby => ("in_hot_standby", in_recovery, true),
        TargetSession::ReadWrite => ("default_transaction_read_only", READ_ONLY, false),
        TargetSession::ReadOnly => ("default_transaction_read_only", READ_ONLY, true),
    };
    let mut found = is_on(client, driver, parameter, question).await?;
    if parameter == "default_transaction_read_only" {
        found = found || is_on(client, driver, "in_hot_standby", in_recovery).await?;
    }
    if found == expected {
        return Ok(());
    }
    let message = match wanted.session {
        TargetSession::ReadWrite => "session is read-only",
        TargetSession::ReadOnly => "session is not read-only",
        TargetSession::Standby => "server is not in hot standby mode",
        _ => "server is in hot standby mode",
    };
    let error =
        Error::new(Kind::WrongServer, message).hinted("target_session_attrs asks for another kind of server");
    Err(Failure::new(error, Next::Host))
}

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
    let answer = answer
        .ok_or_else(|| Failure::new(startup::lost(&io::ErrorKind::UnexpectedEof.into()), Next::Host))?;
    let rows =
        answer.map_err(|error| Failure::new(Error::new(Kind::Server, driver_words(&error)), Next::Host))?;
    Ok(rows.iter().any(|row| match row {
        SimpleQueryMessage::Row(row) => matches!(row.get(0), Some("on" | "t")),
        _ => false,
    }))
}

/// The outcome of `work`, with the driver polled alongside; nothing when the connection ends before.
pub(super) async fn while_driving<T>(driver: &mut Driver, work: impl Future<Output = T>) -> Option<T> {
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
        match work.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if driving => Poll::Pending,
            Poll::Pending => Poll::Ready(None),
        }
    })
    .await
}
