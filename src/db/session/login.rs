//! One attempt at one address: dial, encrypt, log in, and look whether it is the kind of server that was wanted.

use super::address::Address;
use super::attempt::{AttemptFailure, AttemptProgress, Next, Stage};
use super::cancel::Canceller;
use super::driver::driver_words;
use super::encrypt::{Encryption, dial_wire};
use super::established::{Established, Notice};
use super::limits::Excess;
use super::lost::lost;
use super::sasl;
use super::session_kind::{SessionKind, check_session};
use super::startup::{self, Answer};
use super::tls::failure::failure;
use super::wire::{Prepared, Wire};
use crate::conninfo::{ChannelBinding, ConnInfo, Host, SslCertMode};
use crate::db::error::{Error, ErrorKind};
use crate::db::refusal::{self, LoginWords};
use crate::db::trace::Trace;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio_postgres::Config;

/// One login that is wanted at one address.
pub(super) struct LoginRequest {
    pub(super) info: Arc<ConnInfo>,
    /// The host, for its password.
    pub(super) host: Host,
    pub(super) address: Address,
    pub(super) kind: SessionKind,
    /// Who is told what is asked to find out its kind.
    trace: Trace,
    startup: Vec<u8>,
}

impl LoginRequest {
    pub(super) fn new(
        info: &Arc<ConnInfo>,
        host: &Host,
        address: Address,
        kind: SessionKind,
        trace: Trace,
    ) -> Self {
        let startup = startup::packet(info, kind.lane);
        Self { info: Arc::clone(info), host: host.clone(), address, kind, trace, startup }
    }

    /// Whether whoever wants `other` is served by this one: the server is told the same, and the session is of the same kind.
    pub(super) fn serves(&self, other: &Self) -> bool {
        self.startup == other.startup && self.host.password == other.host.password && self.kind == other.kind
    }
}

/// One attempt: dial, encrypt, log in, and look whether it is the kind of server that was wanted.
pub(super) async fn attempt(
    request: &LoginRequest,
    encryption: Encryption,
    progress: &AttemptProgress,
) -> Result<Established, AttemptFailure> {
    let LoginRequest { info, host, address, kind, trace, startup } = request;
    let named = |mut failure: AttemptFailure| {
        if info.password_command().is_some() && (failure.wants_password || is_wrong_password(&failure.error))
        {
            failure.wants_command = Some(Box::new((host.clone(), address.clone())));
        }
        failure.error.message =
            format!("connection to {} failed: {}", address.words(), failure.error.message);
        failure.error = failure.error.without_secrets();
        failure
    };
    let mut wire = dial_wire(address, info, encryption, progress).await.map_err(named)?;
    let started = Instant::now();
    let encrypted = wire.is_encrypted();
    let warning = wire.take_warning();
    // A server without TLS has given its answer to the only kind of connection there is.
    let is_last = encryption == Encryption::TlsIfOffered && !encrypted;
    let named = |mut failure: AttemptFailure| {
        if is_last && failure.next == Next::OtherEncryption {
            failure.next = Next::Stop;
        }
        named(failure)
    };
    check_known(info, &wire).map_err(named)?;
    progress.enter(Stage::LoggingIn);
    let answer = startup::open(&mut wire, startup).await;
    let answer = answer.map_err(|error| {
        let next = if error.kind == ErrorKind::Server { Next::Stop } else { Next::Host };
        named(AttemptFailure::new(error, next))
    })?;
    if let Answer::Authentication(method) = &answer {
        check_method(info, host, method, encrypted || address.is_socket(), encrypted).map_err(named)?;
    }
    let password = host.password.as_ref().map(|password| password.bytes.as_slice());
    let mut drivers_password = password;
    let password_was_asked = matches!(&answer, Answer::Authentication(method) if method.needs_password());
    if let Answer::Authentication(startup::Method::Sasl(mechanisms)) = &answer {
        let wanted = info.settings().channel_binding;
        let done = sasl::log_in(&mut wire, mechanisms, password.unwrap_or_default(), wanted, progress).await;
        done.map_err(|error| {
            let next = if error.kind == ErrorKind::AuthFailed { Next::Stop } else { Next::Host };
            named(AttemptFailure::new(error, next))
        })?;
        // Whatever the server asks for after that, it gets no password.
        drivers_password = None;
    }
    let (login_info, metering) = wire.swallow_startup_packet();
    let (client, mut driver) = driver_config(info, drivers_password)
        .connect_raw(tokio::io::empty(), Prepared(wire))
        .await
        .map_err(|error| {
            let password_source = host.password.as_ref().map(|password| password.source.to_string());
            let login =
                LoginWords { user: info.user(), dbname: info.dbname(), password_source, password_was_asked };
            named(refused(&error, &login, encrypted))
        })?;
    progress.measured(|phases| phases.auth = Some(started.elapsed()));
    check_session(&client, &mut driver, *kind, *trace).await.map_err(named)?;
    let server_version = driver.parameter("server_version").unwrap_or_default().to_owned();
    let canceller =
        Canceller::new(login_info.clone(), address.clone(), host.clone(), Arc::clone(info), encrypted);
    Ok(Established {
        client,
        driver,
        address: address.clone(),
        info: Arc::clone(info),
        server_version,
        lane: kind.lane,
        encrypted,
        notices: warning
            .map(|message| Notice { code: "ssl_key_log", message, hint: None })
            .into_iter()
            .collect(),
        login_info,
        metering,
        canceller,
    })
}

/// Whether the server knows our certificate, when it must.
fn check_known(info: &ConnInfo, wire: &Wire) -> Result<(), AttemptFailure> {
    match wire.unknown() {
        Some(why) if info.settings().ssl_cert_mode == SslCertMode::Require => {
            let next = if wire.is_encrypted() { Next::Stop } else { Next::OtherEncryption };
            Err(AttemptFailure::new(Error::new(ErrorKind::Tls, why), next))
        }
        _ => Ok(()),
    }
}

/// Whether the server refused the password.
fn is_wrong_password(error: &Error) -> bool {
    error.sqlstate.as_deref() == Some("28P01")
}

/// Whether the method may be answered, and can be; what is said is private over TLS and on a socket.
fn check_method(
    info: &ConnInfo,
    host: &Host,
    method: &startup::Method,
    is_private: bool,
    encrypted: bool,
) -> Result<(), AttemptFailure> {
    let settings = info.settings();
    let stop = |message: String| AttemptFailure::new(Error::new(ErrorKind::AuthFailed, message), Next::Stop);
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
    if *method == startup::Method::Password && !is_private && info.password_command().is_some() {
        let message = "server requested a cleartext password over a connection that is not encrypted, and the password of a \
                       command is not sent so";
        let error = Error::new(ErrorKind::PasswordCommand, message)
            .hinted("have the server ask for scram-sha-256, or encrypt: sslmode=verify-full");
        return Err(AttemptFailure::new(error, Next::OtherEncryption));
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
fn refused(error: &tokio_postgres::Error, login: &LoginWords<'_>, encrypted: bool) -> AttemptFailure {
    if let Some(server) = error.as_db_error() {
        let refusal = refusal::classify(server, login);
        let next = match server.code().code() {
            "57P03" => Next::Host,
            // The same server may let the other kind of encryption in: a line of pg_hba.conf, a pooler's rule.
            "28000" if refusal.kind != ErrorKind::NoSuchRole => Next::OtherEncryption,
            "08P01" if !encrypted => Next::OtherEncryption,
            _ => Next::Stop,
        };
        return AttemptFailure::new(refusal, next);
    }
    let source = std::error::Error::source(error);
    if let Some(io) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
        if let Some(Excess(why)) = io.get_ref().and_then(|inner| inner.downcast_ref()) {
            return AttemptFailure::new(Error::new(ErrorKind::Protocol, why), Next::Stop);
        }
        // The driver's word for a stream that ends inside a message.
        if io.to_string() == "bytes remaining on stream" {
            return AttemptFailure::new(lost(&io::ErrorKind::UnexpectedEof.into()), Next::Host);
        }
        let is_nonsense = matches!(io.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Other);
        if is_nonsense && failure(io).is_none() {
            let message = format!("the server's answer is not one of the authentication asked for: {io}");
            return AttemptFailure::new(Error::new(ErrorKind::Protocol, message), Next::Host);
        }
        return AttemptFailure::new(lost(io), Next::Host);
    }
    if error.is_closed() {
        return AttemptFailure::new(lost(&io::ErrorKind::UnexpectedEof.into()), Next::Host);
    }
    let words = driver_words(error);
    if words.starts_with("authentication") {
        AttemptFailure::new(Error::new(ErrorKind::AuthFailed, words), Next::Stop)
    } else {
        AttemptFailure::new(Error::new(ErrorKind::Protocol, words), Next::Host)
    }
}
