//! Fences around a database: the statements that close it, those that restore exactly what was, and who can still enter.

use serde::Serialize;

use crate::model::database::{Database, Grant};

/// How a database is closed.
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
    /// They close the door.
    pub(crate) close: Vec<String>,
    /// They restore what was.
    pub(crate) restore: Vec<String>,
}

impl Fence {
    /// Who can enter all the same.
    pub(crate) fn still_enter(self, database: &Database) -> String {
        match self {
            Self::Limit => "superusers".into(),
            Self::Revoke => format!("superusers and the owner, {}", quoted(&database.owner)),
            Self::Hard => "nobody".into(),
        }
    }

    /// The statements for `database`, which has the name `name` when they run.
    ///
    /// # Errors
    /// With the reason when what is there could not be restored exactly.
    pub(crate) fn statements(self, database: &Database, name: &str) -> Result<Statements, String> {
        let alter = |what: String| vec![format!("ALTER DATABASE {} {what}", quoted(name))];
        match self {
            Self::Limit => Ok(Statements {
                close: alter("CONNECTION LIMIT 0".into()),
                restore: alter(format!("CONNECTION LIMIT {}", database.connection_limit)),
            }),
            Self::Hard => Ok(Statements {
                close: alter("ALLOW_CONNECTIONS false".into()),
                restore: alter(format!("ALLOW_CONNECTIONS {}", database.allow_connections)),
            }),
            Self::Revoke => revoke(database, name),
        }
    }
}

fn revoke(database: &Database, name: &str) -> Result<Statements, String> {
    let affected: Vec<&Grant> =
        database.grants.iter().filter(|grant| grant.privilege == "CONNECT" && !grant.to_owner).collect();
    if affected.is_empty() {
        return Err("nobody but its owner was granted CONNECT, so there is nothing to revoke".into());
    }
    if affected.iter().any(|grant| !grant.by_owner) {
        return Err("CONNECT was also granted by others than its owner, which could not be restored".into());
    }
    let on = format!("ON DATABASE {}", quoted(name));
    let from: Vec<String> = affected.iter().map(|grant| grantee(grant)).collect();
    let close = vec![format!("REVOKE CONNECT {on} FROM {}", from.join(", "))];
    // A grantee whose only privilege this was loses its place in the list, so the list is built anew in its order.
    let vanishes = |grant: &&&Grant| {
        !database.grants.iter().any(|other| other.grantee == grant.grantee && other.privilege != "CONNECT")
    };
    let anew =
        affected.iter().any(|grant| vanishes(&grant)) && database.grants.iter().all(|grant| grant.by_owner);
    let give = |grant: &Grant| {
        let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
        format!("GRANT {} {on} TO {}{option}", grant.privilege, grantee(grant))
    };
    let mut restore = Vec::new();
    if anew {
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
    grant.grantee.as_deref().map_or_else(|| "PUBLIC".into(), quoted)
}

/// A name as an SQL identifier; always quoted, which no keyword can break.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(grantee: Option<&str>, privilege: &str) -> Grant {
        let grantee = grantee.map(str::to_owned);
        let to_owner = grantee.as_deref() == Some("boss");
        Grant { grantee, to_owner, by_owner: true, privilege: privilege.into(), grantable: false }
    }

    fn database(grants: Vec<Grant>) -> Database {
        Database {
            oid: 1,
            name: "order".into(),
            allow_connections: true,
            connection_limit: -1,
            owner: "boss".into(),
            default_grants: false,
            grants_text: String::new(),
            owned: true,
            grants,
        }
    }

    #[test]
    fn limits_and_flags_are_restored_to_what_they_were() {
        let shop = database(Vec::new());
        let limit = Fence::Limit.statements(&shop, "order").unwrap();
        assert_eq!(limit.close, ["ALTER DATABASE \"order\" CONNECTION LIMIT 0"]);
        assert_eq!(limit.restore, ["ALTER DATABASE \"order\" CONNECTION LIMIT -1"]);
        let hard = Fence::Hard.statements(&shop, "new").unwrap();
        assert_eq!(hard.restore, ["ALTER DATABASE \"new\" ALLOW_CONNECTIONS true"]);
    }

    #[test]
    fn grants_are_restored_in_their_order() {
        let plain =
            database(vec![grant(None, "TEMPORARY"), grant(None, "CONNECT"), grant(Some("boss"), "CONNECT")]);
        let simple = Fence::Revoke.statements(&plain, "order").unwrap();
        assert_eq!(simple.close, ["REVOKE CONNECT ON DATABASE \"order\" FROM PUBLIC"]);
        assert_eq!(simple.restore, ["GRANT CONNECT ON DATABASE \"order\" TO PUBLIC"]);
        let sole = database(vec![grant(Some("a\"b"), "CONNECT"), grant(Some("boss"), "CREATE")]);
        assert_eq!(
            Fence::Revoke.statements(&sole, "order").unwrap().restore,
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
        assert!(Fence::Revoke.statements(&database(vec![foreign]), "order").is_err());
        assert!(Fence::Revoke.statements(&database(vec![grant(Some("boss"), "CONNECT")]), "order").is_err());
    }
}
