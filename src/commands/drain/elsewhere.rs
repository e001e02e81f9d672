//! The database in which a drain has its own session: one that stays open.

use crate::commands::Context;
use crate::conninfo::Environment;
use crate::db::{Db, Error, ErrorKind, LimitScope};

/// A connection to another database than `closed`, the one that is to be empty; where none is named, to one that lets us in.
///
/// # Errors
/// When there is none; where each of several did not let us in, with what each said.
pub(super) async fn connect_elsewhere(context: &Context, closed: Option<&str>) -> Result<Db, Error> {
    let mut last = Error::new(ErrorKind::NoSuchDatabase, "there is no other database");
    let mut tried = Vec::new();
    let own = context.conninfo()?.dbname().to_owned();
    if closed != Some(own.as_str()) {
        match context.connect_to_change().await {
            Ok(db) if closed != Some(db.target().database.as_str()) => return Ok(db),
            Ok(db) => db.close().await,
            Err(error) if closed.is_none() && is_of_the_database(&error) => {
                tried.push(said(&own, &error));
                last = error;
            }
            Err(error) => return Err(error),
        }
    }
    let failed = if tried.is_empty() { None } else { Some(own.as_str()) };
    for home in ["postgres", "template1"].into_iter().filter(|home| ![closed, failed].contains(&Some(*home)))
    {
        let endpoint = context.endpoint()?;
        let endpoint = endpoint.at(endpoint.info().clone().in_database(home, &Environment::of_process()));
        match context.session(context.observer_of(endpoint)).await {
            Ok(db) => return Ok(db),
            Err(error) if is_of_the_database(&error) || error.kind == ErrorKind::AuthFailed => {
                tried.push(said(home, &error));
                last = error;
            }
            Err(error) => return Err(error),
        }
    }
    if !tried.is_empty() {
        last.detail = Some(tried.join("\n"));
    }
    Err(last.hinted("connect to another database than the one to drain: -d NAME"))
}

/// What was said in a database, with the details of it.
fn said(database: &str, error: &Error) -> String {
    let detail = error.detail.as_ref().map(|detail| format!("\n{detail}")).unwrap_or_default();
    format!("database \"{database}\": {}{detail}", error.message)
}

/// Whether another database may let us in.
fn is_of_the_database(error: &Error) -> bool {
    // 55000: it allows no connections, or is invalid.
    let is_closed = error.sqlstate.as_deref() == Some("55000");
    is_closed
        || matches!(
            error.kind,
            ErrorKind::NoSuchDatabase
                | ErrorKind::PermissionDenied
                | ErrorKind::TooManyConnections(LimitScope::Database)
        )
}
