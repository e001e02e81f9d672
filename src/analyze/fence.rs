//! Fences around a database: the statements that close it, those that restore exactly what was, and who can still enter.

use serde::Serialize;

use crate::model::database::{DatabaseAccess, Grant};
use crate::model::quote;
use crate::model::rights::Rights;

/// How a database is closed; a role is always closed by its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fence {
    /// `CONNECTION LIMIT 0`.
    Limit,
    /// CONNECT is revoked.
    Revoke,
    /// `ALLOW_CONNECTIONS false`.
    Hard,
}

/// The statements of a fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statements {
    /// They close the database.
    pub(crate) close: Vec<String>,
    /// They restore what was.
    pub(crate) restore: Vec<String>,
}

impl Fence {
    /// Its name on the command line, in JSON and in a state file.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Revoke => "revoke",
            Self::Hard => "hard",
        }
    }

    /// The fence of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Limit, Self::Revoke, Self::Hard].into_iter().find(|fence| fence.word() == name)
    }

    /// Who can enter all the same.
    pub(crate) fn still_enter(self, database: &DatabaseAccess) -> String {
        match self {
            Self::Limit => "superusers".into(),
            Self::Revoke => format!("superusers and the owner, {}", quote::shown(&database.owner)),
            Self::Hard => "nobody".into(),
        }
    }

    /// What keeps out those whom this fence lets in; none when it lets nobody in.
    pub(crate) const fn advice(self) -> Option<&'static str> {
        match self {
            Self::Limit => Some("--fence hard keeps superusers out, too"),
            Self::Revoke => {
                Some("--fence limit keeps its owner out, too, and --fence hard superusers as well")
            }
            Self::Hard => None,
        }
    }

    /// What is to be known before `database` is closed, with its stable word: that almost nobody may enter it as it is, or that
    /// it cannot become what it was to the letter.
    pub(crate) fn concern(
        self,
        database: &DatabaseAccess,
        rights: &Rights,
    ) -> Option<(&'static str, String)> {
        match self {
            Self::Limit | Self::Hard if !database.grants.iter().any(is_revoked) => Some((
                "connect_revoked",
                format!(
                    "nobody but superusers and its owner, {}, may connect to it as it is; a drain that was killed can have left it so",
                    quote::shown(&database.owner)
                ),
            )),
            Self::Revoke if database.default_grants && !rights.superuser => Some((
                "default_grants",
                "its privileges are PostgreSQL's default, which only a superuser can leave unwritten; they will be the same, written out"
                    .into(),
            )),
            Self::Limit | Self::Hard | Self::Revoke => None,
        }
    }

    /// Whether all that this fence takes from `database` is there in `now`.
    pub(crate) fn is_undone(self, database: &DatabaseAccess, now: &DatabaseAccess) -> bool {
        match self {
            Self::Limit => now.connection_limit == database.connection_limit,
            Self::Hard => now.allow_connections == database.allow_connections,
            Self::Revoke => database.grants.iter().filter(|grant| is_revoked(grant)).all(|taken| {
                now.grants.iter().any(|grant| {
                    grant.privilege == taken.privilege
                        && grant.grantee == taken.grantee
                        && grant.grantable >= taken.grantable
                })
            }),
        }
    }

    /// The statements for `database`, which is `now` when they run: perhaps under another name. Only a superuser writes to the
    /// catalogue itself, which is what it takes to store no grants again.
    ///
    /// # Errors
    /// With the reason when what is there could not be restored exactly.
    pub(crate) fn statements(
        self,
        database: &DatabaseAccess,
        now: &DatabaseAccess,
        rights: &Rights,
    ) -> Result<Statements, String> {
        let alter = |what: String| vec![format!("ALTER DATABASE {} {what}", quote::identifier(&now.name))];
        match self {
            Self::Limit => Ok(Statements {
                close: alter("CONNECTION LIMIT 0".into()),
                restore: alter(format!("CONNECTION LIMIT {}", database.connection_limit)),
            }),
            Self::Hard => Ok(Statements {
                close: alter("ALLOW_CONNECTIONS false".into()),
                restore: alter(format!("ALLOW_CONNECTIONS {}", database.allow_connections)),
            }),
            Self::Revoke => revoke(database, now, rights),
        }
    }
}

/// Something that lets nobody in, or superusers only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    /// Why.
    pub(crate) why: String,
    /// The statements that open it, with what PostgreSQL has where nothing was ever set; none for what only DROP DATABASE is for.
    pub(crate) open: Vec<String>,
}

/// Whether `database` is closed as it is: by a drain that was killed, or on purpose.
pub(crate) fn closed_database(database: &DatabaseAccess) -> Option<Closed> {
    if database.is_invalid() {
        return Some(Closed { why: INVALID.into(), open: Vec::new() });
    }
    let limit =
        (database.connection_limit == 0).then_some(("its connection limit is 0", "CONNECTION LIMIT -1"));
    let hard =
        (!database.allow_connections).then_some(("it allows no connections", "ALLOW_CONNECTIONS true"));
    let (why, open): (Vec<_>, Vec<_>) = limit.into_iter().chain(hard).unzip();
    (!why.is_empty()).then(|| Closed {
        why: why.join(" and "),
        open: vec![format!("ALTER DATABASE {} {}", quote::identifier(&database.name), open.join(" "))],
    })
}

/// What an invalid database is.
pub(crate) const INVALID: &str = "a DROP DATABASE of it was interrupted";

/// Whether CONNECT on `database` is granted to nobody but its owner, as a drain that was killed leaves it; none where somebody has
/// it.
pub(crate) fn revoked(database: &DatabaseAccess) -> Option<Closed> {
    (!database.grants.iter().any(is_revoked)).then(|| Closed {
        why: format!(
            "nobody but superusers and its owner, {}, may connect to it",
            quote::shown(&database.owner)
        ),
        open: vec![format!("GRANT CONNECT ON DATABASE {} TO PUBLIC", quote::identifier(&database.name))],
    })
}

/// Whether this grant is what lets somebody in.
pub(crate) fn is_revoked(grant: &Grant) -> bool {
    grant.privilege == "CONNECT" && !grant.to_owner
}

fn revoke(database: &DatabaseAccess, now: &DatabaseAccess, rights: &Rights) -> Result<Statements, String> {
    let (affected, left): (Vec<&Grant>, Vec<&Grant>) =
        database.grants.iter().partition(|grant| is_revoked(grant));
    if affected.is_empty() {
        return Err("nobody but its owner was granted CONNECT, so there is nothing to revoke".into());
    }
    if affected.iter().any(|grant| !grant.by_owner) {
        return Err("CONNECT was also granted by others than its owner, which could not be restored".into());
    }
    let on = format!("ON DATABASE {}", quote::identifier(&now.name));
    let from: Vec<String> = affected.iter().map(|grant| grantee(grant)).collect();
    let close = vec![format!("REVOKE CONNECT {on} FROM {}", from.join(", "))];
    // A grantee whose only privilege this was loses its place in the list, so the list is built anew in its order.
    let vanishes = |grant: &&&Grant| {
        !database.grants.iter().any(|other| other.grantee == grant.grantee && other.privilege != "CONNECT")
    };
    // What somebody else has granted meanwhile is not wiped out.
    let is_closed = now.grants.iter().eq(left);
    let anew = affected.iter().any(|grant| vanishes(&grant))
        && database.grants.iter().all(|grant| grant.by_owner)
        && (is_closed || now.grants == database.grants);
    let give = |grant: &Grant| {
        let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
        format!("GRANT {} {on} TO {}{option}", grant.privilege, grantee(grant))
    };
    let mut restore = Vec::new();
    // No GRANT leads back to where nothing is stored.
    if database.default_grants && rights.superuser && (now.default_grants || is_closed) {
        let oid = database.oid;
        restore.push(format!("UPDATE pg_catalog.pg_database SET datacl = NULL WHERE oid = {oid}"));
    } else if anew {
        let mut all: Vec<String> = database.grants.iter().map(grantee).collect();
        all.dedup();
        restore.push(format!("REVOKE ALL {on} FROM {}", all.join(", ")));
        restore.extend(database.grants.iter().map(give));
    } else {
        restore.extend(affected.into_iter().map(give));
    }
    Ok(Statements { close, restore })
}

fn grantee(grant: &Grant) -> String {
    grant.grantee.as_deref().map_or_else(|| "PUBLIC".into(), quote::identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(grantee: Option<&str>, privilege: &str) -> Grant {
        let grantee = grantee.map(str::to_owned);
        let to_owner = grantee.as_deref() == Some("boss");
        Grant { grantee, to_owner, by_owner: true, privilege: privilege.into(), grantable: false }
    }

    fn database(grants: Vec<Grant>) -> DatabaseAccess {
        DatabaseAccess {
            oid: 1,
            name: "order".into(),
            allow_connections: true,
            connection_limit: -1,
            owner: "boss".into(),
            default_grants: false,
            owned: true,
            grants,
            acl: String::new(),
        }
    }

    #[test]
    fn limits_and_flags_are_restored_to_what_they_were() {
        let shop = database(Vec::new());
        let limit = Fence::Limit.statements(&shop, &shop, &Rights::default()).unwrap();
        assert_eq!(limit.close, ["ALTER DATABASE \"order\" CONNECTION LIMIT 0"]);
        assert_eq!(limit.restore, ["ALTER DATABASE \"order\" CONNECTION LIMIT -1"]);
        let renamed = DatabaseAccess { name: "new".into(), ..shop.clone() };
        let hard = Fence::Hard.statements(&shop, &renamed, &Rights::default()).unwrap();
        assert_eq!(hard.restore, ["ALTER DATABASE \"new\" ALLOW_CONNECTIONS true"]);
    }

    #[test]
    fn grants_are_restored_in_their_order() {
        let plain =
            database(vec![grant(None, "TEMPORARY"), grant(None, "CONNECT"), grant(Some("boss"), "CONNECT")]);
        let simple = Fence::Revoke.statements(&plain, &plain, &Rights::default()).unwrap();
        assert_eq!(simple.close, ["REVOKE CONNECT ON DATABASE \"order\" FROM PUBLIC"]);
        assert_eq!(simple.restore, ["GRANT CONNECT ON DATABASE \"order\" TO PUBLIC"]);
        let sole = database(vec![grant(Some("a\"b"), "CONNECT"), grant(Some("boss"), "CREATE")]);
        assert_eq!(
            Fence::Revoke.statements(&sole, &sole, &Rights::default()).unwrap().restore,
            [
                "REVOKE ALL ON DATABASE \"order\" FROM \"a\"\"b\", \"boss\"",
                "GRANT CONNECT ON DATABASE \"order\" TO \"a\"\"b\"",
                "GRANT CREATE ON DATABASE \"order\" TO \"boss\"",
            ]
        );
    }

    #[test]
    fn what_could_not_be_restored_is_not_revoked() {
        let foreign = Grant { by_owner: false, ..grant(Some("a"), "CONNECT") };
        let sole = grant(Some("boss"), "CONNECT");
        for grants in [vec![foreign], vec![sole]] {
            let database = database(grants);
            assert!(Fence::Revoke.statements(&database, &database, &Rights::default()).is_err());
        }
    }

    #[test]
    fn what_others_have_granted_meanwhile_is_not_wiped_out() {
        let before = database(vec![grant(Some("web"), "CONNECT"), grant(Some("boss"), "CREATE")]);
        let with = |more: &[Grant]| DatabaseAccess {
            grants: [&[grant(Some("boss"), "CREATE")], more].concat(),
            ..before.clone()
        };
        let restore = |now: &DatabaseAccess| {
            Fence::Revoke.statements(&before, now, &Rights::default()).unwrap().restore
        };
        assert_eq!(restore(&with(&[])).len(), 3);
        let granted = with(&[grant(Some("web"), "CREATE")]);
        assert_eq!(restore(&granted), ["GRANT CONNECT ON DATABASE \"order\" TO \"web\""]);
        assert!(!Fence::Revoke.is_undone(&before, &granted));
        let given = Grant { grantable: true, ..grant(Some("web"), "CONNECT") };
        assert!(Fence::Revoke.is_undone(&before, &with(&[given])));
        let limited = DatabaseAccess { connection_limit: 0, ..before.clone() };
        assert!(!Fence::Limit.is_undone(&before, &limited) && Fence::Hard.is_undone(&before, &limited));
    }

    #[test]
    fn where_nothing_was_stored_nothing_is_stored_again_by_those_who_can() {
        let owners = || grant(Some("boss"), "CREATE");
        let plain = database(vec![grant(None, "TEMPORARY"), grant(None, "CONNECT"), owners()]);
        let before = DatabaseAccess { oid: 7, default_grants: true, ..plain };
        let restore_as = |rights: &Rights, before: &DatabaseAccess, now: &DatabaseAccess| {
            Fence::Revoke.statements(before, now, rights).unwrap().restore.join("; ")
        };
        let superuser = Rights { superuser: true, ..Rights::default() };
        let granted = "GRANT CONNECT ON DATABASE \"order\" TO PUBLIC";
        let emptied = "UPDATE pg_catalog.pg_database SET datacl = NULL WHERE oid = 7";
        assert_eq!(restore_as(&Rights::default(), &before, &before), granted, "its owner cannot");
        assert_eq!(restore_as(&superuser, &before, &before), emptied);
        let closed = DatabaseAccess {
            default_grants: false,
            grants: vec![grant(None, "TEMPORARY"), owners()],
            ..before.clone()
        };
        assert_eq!(restore_as(&superuser, &before, &closed), emptied);
        let changed = DatabaseAccess {
            grants: vec![grant(None, "TEMPORARY"), owners(), grant(Some("web"), "CREATE")],
            ..closed
        };
        assert_eq!(restore_as(&superuser, &before, &changed), granted, "what is new is not wiped out");
    }
}
