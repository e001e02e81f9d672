//! What is said of databases that let nobody in.

use crate::model::database::{ClosedBy, ClosedDatabase};
use crate::model::quote;
use crate::model::suggestion::{Command, Hint};

/// `database "shop" lets nobody in: its connection limit is 0`.
pub(super) fn told(closed: &ClosedDatabase) -> String {
    let (name, why) = (quote::shown(&closed.database), why(closed));
    match closed.why {
        ClosedBy::ConnectionLimit => format!("database {name} lets nobody in but superusers: {why}"),
        ClosedBy::AllowConnections | ClosedBy::Invalid => format!("database {name} lets nobody in: {why}"),
    }
}

/// Why, and by whom.
fn why(closed: &ClosedDatabase) -> String {
    let why = match closed.why {
        ClosedBy::ConnectionLimit => "its connection limit is 0",
        ClosedBy::AllowConnections => "it allows no connections",
        ClosedBy::Invalid => "a DROP DATABASE of it was interrupted",
    };
    let by = closed.held_by.map(|pid| format!(", held so by a drain (pid {pid})"));
    format!("{why}{}", by.unwrap_or_default())
}

/// What to do about it.
pub(super) fn remedy(closed: &ClosedDatabase) -> Hint {
    let name = quote::shown(&closed.database);
    match (closed.why, closed.held_by) {
        (ClosedBy::Invalid, _) => format!("only DROP DATABASE {name} can remove it").into(),
        (_, Some(_)) => "it is opened again when that drain ends".into(),
        (_, None) => Hint::from("where it is not meant so: ")
            .call(Command::pgconn("drain --restore").with("--db", &closed.database)),
    }
}
