//! Closing a database or a role and opening it as it was: what a fence takes, what gives it back, who enters all the same,
//! and what a closed one is opened with where nobody knows what was before.

use super::fence::{Closed, Fence, Statements, closed_database, is_revoked, revoked};
use crate::model::act::Candidate;
use crate::model::closable::{Closable, RoleAccess};
use crate::model::quote;
use crate::model::rights::Rights;

/// The statements for `before`, which is `now` when they run: perhaps under another name.
///
/// # Errors
/// With the reason when what is there could not be restored exactly.
pub(crate) fn statements(
    fence: Fence,
    before: &Closable,
    now: &Closable,
    rights: &Rights,
) -> Result<Statements, String> {
    match (before, now) {
        (Closable::Database(before), Closable::Database(now)) => fence.statements(before, now, rights),
        _ => Ok(Statements { close: vec![limit(now, 0)], restore: vec![limit(now, limit_of(before))] }),
    }
}

/// Whether all that `fence` takes from `before` is there in `now`.
pub(crate) fn is_undone(fence: Fence, before: &Closable, now: &Closable) -> bool {
    match (before, now) {
        (Closable::Database(before), Closable::Database(now)) => fence.is_undone(before, now),
        _ => limit_of(before) == limit_of(now),
    }
}

/// Whether `now` lets in whom `before` did, by the same grants.
pub(crate) fn is_as_before(before: &Closable, now: &Closable) -> bool {
    limit_of(before) == limit_of(now)
        && match (before, now) {
            (Closable::Database(before), Closable::Database(now)) => {
                before.allow_connections == now.allow_connections && before.grants == now.grants
            }
            _ => true,
        }
}

/// Whether `now` is `before` to the letter: nothing is left to be written.
pub(crate) fn is_the_same(before: &Closable, now: &Closable) -> bool {
    is_as_before(before, now)
        && match (before, now) {
            (Closable::Database(before), Closable::Database(now)) => before.acl == now.acl,
            _ => true,
        }
}

/// Whether an interrupted DROP DATABASE has left it so that nothing but DROP DATABASE can be done to it.
pub(crate) fn is_invalid(closable: &Closable) -> bool {
    matches!(closable, Closable::Database(database) if database.is_invalid())
}

/// The mildest fence that keeps out everybody who is `inside` now: who has just been ended comes back.
pub(crate) fn mildest(closable: &Closable, inside: &[Candidate], rights: &Rights) -> Fence {
    let Closable::Database(database) = closable else { return Fence::Limit };
    let is_owner = |candidate: &Candidate| candidate.session.role.as_ref() == Some(&database.owner);
    match () {
        () if inside.iter().any(|candidate| candidate.superuser) => Fence::Hard,
        () if rights.superuser || inside.iter().any(is_owner) => Fence::Limit,
        () => Fence::Revoke,
    }
}

/// Who can enter behind `fence` all the same.
pub(crate) fn still_enter(fence: Fence, closable: &Closable) -> String {
    match closable {
        Closable::Database(database) => fence.still_enter(database),
        Closable::Role(_) => "every other role".into(),
    }
}

/// What keeps out those whom `fence` lets in; none when it lets in nobody who was to be kept out.
pub(crate) const fn advice(fence: Fence, closable: &Closable) -> Option<&'static str> {
    match closable {
        Closable::Database(_) => fence.advice(),
        Closable::Role(_) => None,
    }
}

/// What is to be known before it is closed, with its stable word.
pub(crate) fn concern(fence: Fence, closable: &Closable, rights: &Rights) -> Option<(&'static str, String)> {
    match closable {
        Closable::Database(database) => fence.concern(database, rights),
        Closable::Role(_) => None,
    }
}

/// Whether it is closed as it is: by a drain that was killed, or on purpose. That nobody but its owner may connect to a database is
/// closed only for who does not name another `fence`.
pub(crate) fn closed(closable: &Closable, named: Option<Fence>) -> Option<Closed> {
    match closable {
        Closable::Database(database) => closed_database(database).or_else(|| match named {
            None | Some(Fence::Revoke) => revoked(database),
            Some(Fence::Limit | Fence::Hard) => None,
        }),
        Closable::Role(role) => (role.connection_limit == 0)
            .then(|| Closed { why: "its connection limit is 0".into(), open: vec![limit(closable, -1)] }),
    }
}

/// What opens it where nobody knows what was before, and whether that lets in people who may never have been let in.
pub(crate) fn opening(closable: &Closable) -> Option<(Vec<String>, bool)> {
    let closed = closed(closable, None)?;
    let grants = matches!(closable, Closable::Database(database)
        if closed_database(database).is_none() && !database.grants.iter().any(is_revoked));
    Some((closed.open, grants))
}

fn limit(closable: &Closable, limit: i64) -> String {
    let (kind, name) = (closable.kind().word().to_uppercase(), quote::identifier(closable.name()));
    format!("ALTER {kind} {name} CONNECTION LIMIT {limit}")
}

const fn limit_of(closable: &Closable) -> i64 {
    match closable {
        Closable::Database(database) => database.connection_limit,
        Closable::Role(RoleAccess { connection_limit, .. }) => *connection_limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, connection_limit: i64) -> Closable {
        Closable::Role(RoleAccess {
            oid: 7,
            name: name.into(),
            connection_limit,
            superuser: false,
            alterable: true,
        })
    }

    #[test]
    fn a_role_gets_the_limit_back_that_it_had() {
        let (before, renamed) = (role("web", 5), role("w\"eb", 0));
        let of = statements(Fence::Limit, &before, &renamed, &Rights::default()).unwrap();
        assert_eq!(of.close, ["ALTER ROLE \"w\"\"eb\" CONNECTION LIMIT 0"]);
        assert_eq!(of.restore, ["ALTER ROLE \"w\"\"eb\" CONNECTION LIMIT 5"]);
        assert!(!is_undone(Fence::Limit, &before, &renamed) && is_undone(Fence::Limit, &before, &before));
        assert!(closed(&before, None).is_none());
        let (open, grants) = opening(&renamed).unwrap();
        assert_eq!((open.join("; ").as_str(), grants), ("ALTER ROLE \"w\"\"eb\" CONNECTION LIMIT -1", false));
    }
}
