//! From resolved settings to a session. libpq's rules, with one deliberate difference: a wrong password is not tried a
//! second time without encryption.

use super::address::Address;
use super::attempt::Attempt;
use super::established::{Established, Notice};
use super::hosts::through_hosts;
use super::options::Options;
use super::os_words::os_words;
use super::password_command;
use super::session_kind::Lane;
use crate::conninfo::{Ask, ConnInfo, Environment, Host, readable};
use crate::db::error::{Error, ErrorKind};
use crate::stop::Signal;
use std::io;
use std::sync::Arc;
use std::time::Instant;

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

/// Connects; asks for a password where one is needed, and tries another database where none was named.
async fn connect_or_ask(
    info: &ConnInfo,
    options: &mut Options,
    attempts: &mut Vec<Attempt>,
) -> Result<Established, Error> {
    let mut info = Arc::new(info.clone());
    let mut may_ask = options.ask.is_some() && info.ask() == Ask::WhenNeeded;
    if info.ask() == Ask::Always {
        info = Arc::new(ask_password(&info, options).await?);
    }
    let mut asked: Vec<(Host, usize)> = Vec::new();
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
        if let Some(place) = failure.wants_command.as_ref().filter(|_| info.password_command().is_some()) {
            info = match given_by_command(&info, (&place.0, &place.1), options, &mut asked).await? {
                Some(info) => Arc::new(info),
                None => return Err(with_warnings(failure.error, &info)),
            };
        } else if failure.wants_password && std::mem::take(&mut may_ask) {
            info = Arc::new(ask_password(&info, options).await?);
        } else if falls_back(&failure.error, &info) {
            notices.push(Notice {
                code: "default_database",
                message: format!("database \"{}\" does not exist, so this is \"postgres\"", info.dbname()),
                hint: None,
            });
            info = Arc::new(ConnInfo::clone(&info).in_database("postgres", &Environment::of_process()));
        } else {
            return Err(with_warnings(failure.error, &info));
        }
    }
}

/// A login that failed, with the password file that was ignored: it may hold the password that was missing.
fn with_warnings(error: Error, info: &ConnInfo) -> Error {
    if error.kind != ErrorKind::AuthFailed || info.warnings().is_empty() {
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
    // A pooler may pass the server's words on without their SQLSTATE; its own database is another matter.
    let is_missing = match error.sqlstate.as_deref() {
        Some("3D000") => true,
        Some("08P01") => {
            error.kind == ErrorKind::NoSuchDatabase && error.message.ends_with("\" does not exist")
        }
        _ => false,
    };
    is_missing && !info.database_was_named() && info.dbname() != "postgres"
}

/// The settings with what the command gives for this host: the first time that the server asks for a password, and once more when
/// it did not take that one, which may have been too old. `None` when there is nothing new to try. The time that it takes is no
/// time of the server's.
async fn given_by_command(
    info: &ConnInfo,
    (host, address): (&Host, &Address),
    options: &mut Options,
    asked: &mut Vec<(Host, usize)>,
) -> Result<Option<ConnInfo>, Error> {
    let Some(command) = info.password_command() else { return Ok(None) };
    let place = Host { password: None, ..host.clone() };
    let at = asked.iter().position(|(known, _)| *known == place).unwrap_or_else(|| {
        asked.push((place, 0));
        asked.len() - 1
    });
    let Some((_, times)) = asked.get_mut(at).filter(|(_, times)| *times < 2) else { return Ok(None) };
    *times += 1;
    let began = Instant::now();
    let given = password_command::run(command, info, address).await;
    options.deadline = options.deadline.map(|deadline| deadline + began.elapsed());
    let given = given.map_err(Error::without_secrets)?;
    let is_refused = host.password.as_ref().is_some_and(|refused| refused.bytes == given);
    Ok((!is_refused).then(|| info.with_password_of_command(host, &given)))
}

/// Asks on a thread of its own, so that signals are still seen.
async fn ask_password(info: &ConnInfo, options: &mut Options) -> Result<ConnInfo, Error> {
    if let Some(typed) = options.typed.password_for(info) {
        return Ok(info.with_password(&typed));
    }
    let Some(ask) = options.ask.clone() else {
        return Err(Error::new(ErrorKind::AuthFailed, "there is no terminal to ask for a password")
            .hinted("give it with PGPASSWORD or a password file"));
    };
    let prompt = format!("Password for user {}: ", readable(info.user()));
    let asked = Instant::now();
    let typed = tokio::task::spawn_blocking(move || ask(&prompt)).await;
    options.deadline = options.deadline.map(|deadline| deadline + asked.elapsed());
    let typed = typed.map_err(io::Error::other).and_then(|typed| typed);
    let typed = typed.map_err(|error| match error.kind() {
        // Ctrl-C, which the terminal hands over as a key.
        io::ErrorKind::Interrupted => Error::interrupted(Signal::Interrupt),
        _ => Error::new(ErrorKind::AuthFailed, format!("could not read a password: {}", os_words(&error))),
    })?;
    options.typed.keep(info, typed.clone());
    Ok(info.with_password(&typed))
}
