//! Opening what was closed exactly as it was, whatever it is called, and whoever has it now.

use crate::analyze::door;
use crate::analyze::fence::Fence;
use crate::db::{Db, DoorKey, Error, ErrorKind, ExpectedDoor};
use crate::model::door::Door;
use crate::model::quote::shown;
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
    pub(super) door: &'a Door,
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
    let Before { door, fence, rights, system_identifier, is_settled } = before;
    let key = DoorKey::Oid(door.kind(), door.oid());
    // Somebody can have renamed or dropped it.
    let Some(now) = db.door(key).await? else { return Ok(Restored::Gone) };
    if door::is_invalid(&now) {
        return Ok(Restored::Invalid);
    }
    // The statement that was not answered has opened it: over again, it would wait over again, as for a standby that is away.
    if is_settled && door::is_the_same(door, &now) {
        return Ok(Restored::Done);
    }
    let failed = |why: String, seen: &Door| {
        let statements = door::statements(fence, door, seen, rights).ok();
        Restored::Failed { why, by_hand: statements.map(|statements| super::sql(&statements.restore)) }
    };
    if !now.may_be_altered() {
        if door::is_undone(fence, door, &now) {
            return Ok(Restored::Changed);
        }
        return Ok(failed(cannot(&db.target().user, &now), &now));
    }
    let statements = match door::statements(fence, door, &now, rights) {
        Ok(statements) => statements,
        Err(why) => return Ok(failed(why, &now)),
    };
    let expected = ExpectedDoor { system_identifier, door: &now, is_unchanged: false };
    if !db.change_fence(&expected, &statements.restore).await? {
        let message = format!("what is reached is not the {} that was closed", door.kind().word());
        return Err(Error::new(ErrorKind::Protocol, message));
    }
    Ok(match db.door(key).await? {
        None => Restored::Gone,
        Some(after) if door::is_as_before(door, &after) => Restored::Done,
        Some(after) if door::is_undone(fence, door, &after) => Restored::Changed,
        Some(after) => failed("somebody else has closed it meanwhile".into(), &after),
    })
}

/// Why the role `user` cannot open it.
fn cannot(user: &str, now: &Door) -> String {
    match now {
        Door::Database(database) => {
            format!("role \"{user}\" is not its owner any more, {} is", shown(&database.owner))
        }
        Door::Role(_) => format!("role \"{user}\" may not alter it any more"),
    }
}
