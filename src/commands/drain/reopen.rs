//! Opening what was closed exactly as it was, whatever it is called, and whoever has it now.

use crate::analyze::closable;
use crate::analyze::fence::Fence;
use crate::db::{ClosableKey, Db, Error, ErrorKind, ExpectedClosable};
use crate::model::closable::Closable;
use crate::model::quote::{pasteable, shown};
use crate::model::rights::Rights;

/// How opening it again went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Restored {
    /// It is as it was.
    Done,
    /// What the fence took is back; somebody else has changed something else about who may enter.
    Changed,
    /// It is no more: the command dropped it.
    Gone,
    /// An interrupted DROP DATABASE has left it so that nothing but DROP DATABASE can be done to it.
    Invalid,
    /// It is not.
    Failed {
        /// For this reason.
        why: String,
        /// What opens it as it was last seen.
        by_hand: Option<String>,
    },
}

impl Restored {
    /// Whether nothing is left to be opened.
    pub(super) const fn is_over(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}

/// What was, and what closed it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'a> {
    /// As it was.
    pub(super) closable: &'a Closable,
    /// What it was closed with.
    pub(super) fence: Fence,
    /// What the role may that opens it.
    pub(super) rights: &'a Rights,
    /// The cluster that it is in, where that may be known.
    pub(super) system_identifier: Option<&'a str>,
    /// Whether what is seen stays so: nobody's statement about it is still on its way.
    pub(super) is_settled: bool,
}

/// Opens it as it was.
///
/// # Errors
/// When the server does not answer or refuses.
pub(super) async fn restore(db: &Db, before: Before<'_>) -> Result<Restored, Error> {
    let Before { closable, fence, rights, system_identifier, is_settled } = before;
    let key = ClosableKey::Oid(closable.kind(), closable.oid());
    // Somebody can have renamed or dropped it.
    let Some(now) = db.closable(key).await? else { return Ok(Restored::Gone) };
    if closable::is_invalid(&now) {
        return Ok(Restored::Invalid);
    }
    // The statement that was not answered has opened it: over again, it would wait over again, as for a standby that is away.
    if is_settled && closable::is_the_same(closable, &now) {
        return Ok(Restored::Done);
    }
    let failed = |why: String, seen: &Closable| {
        let statements = closable::statements(fence, closable, seen, rights).ok();
        Restored::Failed { why, by_hand: statements.map(|statements| sql(&statements.restore)) }
    };
    if !now.may_be_altered() {
        if closable::is_undone(fence, closable, &now) {
            return Ok(Restored::Changed);
        }
        return Ok(failed(cannot(&db.target().user, &now), &now));
    }
    let statements = match closable::statements(fence, closable, &now, rights) {
        Ok(statements) => statements,
        Err(why) => return Ok(failed(why, &now)),
    };
    let expected = ExpectedClosable { system_identifier, closable: &now, is_unchanged: false };
    if !db.change_fence(&expected, &statements.restore).await? {
        let message = format!("what is reached is not the {} that was closed", closable.kind().word());
        return Err(Error::new(ErrorKind::Protocol, message));
    }
    Ok(match db.closable(key).await? {
        None => Restored::Gone,
        Some(after) if closable::is_as_before(closable, &after) => Restored::Done,
        Some(after) if closable::is_undone(fence, closable, &after) => Restored::Changed,
        Some(after) => failed("somebody else has closed it meanwhile".into(), &after),
    })
}

/// Why the role `user` cannot open it.
fn cannot(user: &str, now: &Closable) -> String {
    match now {
        Closable::Database(database) => {
            format!("role \"{user}\" is not its owner any more, {} is", shown(&database.owner))
        }
        Closable::Role(_) => format!("role \"{user}\" may not alter it any more"),
    }
}

/// Statements as one line that can be pasted.
pub(super) fn sql(statements: &[String]) -> String {
    format!("{};", pasteable(&statements.join("; ")))
}
