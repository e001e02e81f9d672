//! The database in which a drain has its own session: one that stays open.

use crate::commands::Context;
use crate::conninfo::Environment;
use crate::db::{Db, Error, ErrorKind, LimitScope};

/// A connection to another database than `closed`, the one that is to be empty; where none is named, to one that lets us in.
///
/// # Errors
/// When there is none.
pub(super) async fn connect_elsewhere(context: &Context, closed: Option<&str>) -> Result<Db, Error> {
    let mut last = Error::new(ErrorKind::NoSuchDatabase, "there is no other database");
    if closed != Some(context.conninfo()?.dbname()) {
        match context.connect_to_change().await {
            Ok(db) if closed != Some(db.target().database.as_str()) => return Ok(db),
            Ok(db) => db.close().await,
            Err(error) if closed.is_none() && is_of_the_database(&error) => last = error,
            Err(error) => return Err(error),
        }
    }
    let mut tried: Option<String> = None;
    for home in ["postgres", "template1"].into_iter().filter(|home| closed != Some(home)) {
        let endpoint = context.endpoint()?;
        let endpoint = endpoint.at(endpoint.info().clone().in_database(home, &Environment::of_process()));
        match context.session(context.observer_of(endpoint)).await {
            Ok(db) => return Ok(db),
            Err(error) if is_of_the_database(&error) || error.kind == ErrorKind::AuthFailed => {
                let detail = format!("database \"{home}\": {}", error.message);
                let detail = tried.map_or(detail.clone(), |before| format!("{before}\n{detail}"));
                last = Error { detail: Some(detail.clone()), ..error };
                tried = Some(detail);
            }
            Err(error) => return Err(error),
        }
    }
    Err(last.hinted("connect to another database than the one to drain: -d NAME"))
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
