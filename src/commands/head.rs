//! What stands around the answer of a look: where it comes from, and the warnings that several commands give.

use crate::db::{Db, Notice};
use crate::model::health::Unread;
use crate::model::quote;
use crate::model::server::ServerContext;
use crate::render::{Head, Warning, text};

/// The code of the warning that sessions are hidden.
pub(super) const HIDDEN: &str = "hidden_sessions";
/// The code of the warning that it is hidden whether sessions are meant.
pub(super) const UNDECIDABLE: &str = "undecidable_sessions";

/// What stands around the answer of a look: where it comes from, and what is hidden in it.
pub(super) fn head(db: &Db, server_context: &ServerContext, hidden: i64) -> Head {
    let mut head = Head {
        target: Some(db.target().clone()),
        server: Some(server_context.server.clone()),
        warnings: db.notices().iter().map(about_connection).collect(),
        ..Head::default()
    };
    if hidden > 0 {
        let role = &server_context.rights.role;
        let (noun, are) = if hidden == 1 { ("session", "is") } else { ("sessions", "are") };
        head.warnings.push(Warning {
            code: HIDDEN,
            message: format!("{hidden} {noun} {are} hidden from role \"{role}\""),
            hint: Some(format!("GRANT pg_monitor TO {}", quote::shown(role))),
        });
    }
    head
}

/// The head of a look at who is connected, whose figures a pooler in between gives another meaning.
pub(super) fn head_of_look(db: &Db, server_context: &ServerContext, hidden: i64) -> Head {
    let mut head = head(db, server_context, hidden);
    head.warnings.extend(pooled(db, server_context));
    head
}

/// What this role is kept from, in the server's words.
pub(super) fn unread(unread: &Unread) -> Warning {
    Warning {
        code: "not_read",
        message: format!("{} are not known: {}", unread.question.word().replace('_', " "), unread.why),
        hint: None,
    }
}

/// The code of the warning that a pooler stands between.
pub(super) const THROUGH_POOLER: &str = "through_pooler";

/// Says what a pooler in between does to the figures. Nobody asked for it, and it costs no question.
fn pooled(db: &Db, server_context: &ServerContext) -> Option<Warning> {
    let (who, hint) = match db.pooler() {
        None => (
            "a connection pooler",
            "see its clients with pgconn pooler (PgBouncer), or connect to PostgreSQL itself",
        ),
        Some("PgBouncer") => {
            ("PgBouncer", "see its clients with pgconn pooler, or connect to PostgreSQL itself")
        }
        Some(other) => (other, "connect to PostgreSQL itself"),
    };
    db.is_pooled(server_context).then(|| Warning {
        code: THROUGH_POOLER,
        message: format!(
            "{who} stands between: sessions, their addresses and idle times are the pooler's, and its clients are not seen"
        ),
        hint: Some(hint.into()),
    })
}

pub(super) fn about_connection(notice: &Notice) -> Warning {
    Warning { code: notice.code, message: notice.message.clone(), hint: notice.hint.map(str::to_owned) }
}

/// Warns that it is hidden whether `number` sessions are meant.
pub(super) fn undecidable(number: i64) -> Option<Warning> {
    (number > 0).then(|| Warning {
        code: UNDECIDABLE,
        message: format!(
            "{} may match, but what decides is hidden from this role",
            text::count(number, "more session")
        ),
        hint: None,
    })
}
