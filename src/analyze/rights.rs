//! Who may change a setting where: the rules of each version, and the right that is missing in their words.

use crate::model::quote::shown;
use crate::model::rights::Rights;
use crate::model::settings::{ChangeContext, Scope, Wish};

/// A right that a change needs and this role lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Which: `CREATEROLE`, `ADMIN OPTION on role "app"`.
    pub(crate) right: String,
    /// How to get it.
    pub(crate) remedy: String,
}

/// Says which right the change needs and this role lacks, by the rules of the server's version.
pub(crate) fn missing(
    scope: &Scope,
    wishes: &[Wish],
    change_context: &ChangeContext,
    rights: &Rights,
    version_num: i32,
) -> Option<Missing> {
    if rights.superuser {
        return None;
    }
    let me = &rights.role;
    let of_scope = match scope {
        Scope::Role(name) | Scope::RoleInDatabase { role: name, .. } => {
            missing_for_role(name, change_context, rights, version_num)
        }
        Scope::Database(name) => {
            change_context.database.as_ref().filter(|database| !database.owned).map(|database| Missing {
                right: format!("ownership of database \"{name}\""),
                remedy: format!("its owner \"{}\" can do it, and members of that role", database.owner),
            })
        }
        Scope::AllRoles => Some(Missing {
            right: "SUPERUSER".into(),
            remedy: "only superusers set values for all roles; --role and --db reach one role or database"
                .into(),
        }),
        Scope::System => missing_for_system(wishes, change_context, rights, version_num),
    };
    of_scope.or_else(|| {
        (*scope != Scope::System && !change_context.may_set).then(|| {
            let names = names_of(wishes);
            Missing {
                right: format!("SET on parameter {names}"),
                remedy: if version_num >= 150_000 {
                    format!("a superuser can grant it: GRANT SET ON PARAMETER {names} TO {}", shown(me))
                } else {
                    format!("before PostgreSQL 15 only superusers set {names}")
                },
            }
        })
    })
}

fn missing_for_role(
    name: &str,
    change_context: &ChangeContext,
    rights: &Rights,
    version_num: i32,
) -> Option<Missing> {
    let role = change_context.role.as_ref()?;
    let me = shown(&rights.role);
    if role.superuser {
        return Some(Missing {
            right: "SUPERUSER".into(),
            remedy: format!("role \"{name}\" is a superuser, and only superusers alter those"),
        });
    }
    if role.own {
        return None;
    }
    let needs_admin = version_num >= 160_000 && !role.admin;
    let admin = format!("GRANT {} TO {me} WITH ADMIN OPTION", role.identifier);
    match (rights.creates_roles, needs_admin) {
        (true, false) => None,
        (true, true) => Some(Missing { right: format!("ADMIN OPTION on role \"{name}\""), remedy: admin }),
        (false, false) => {
            Some(Missing { right: "CREATEROLE".into(), remedy: format!("ALTER ROLE {me} CREATEROLE") })
        }
        (false, true) => Some(Missing {
            right: format!("CREATEROLE and ADMIN OPTION on role \"{name}\""),
            remedy: format!("ALTER ROLE {me} CREATEROLE; {admin}"),
        }),
    }
}

fn missing_for_system(
    wishes: &[Wish],
    change_context: &ChangeContext,
    rights: &Rights,
    version_num: i32,
) -> Option<Missing> {
    let me = shown(&rights.role);
    let mut rights = Vec::new();
    let mut grants = Vec::new();
    if !change_context.may_alter_system {
        let names = names_of(wishes);
        rights.push(format!("ALTER SYSTEM on parameter {names}"));
        grants.push(format!("GRANT ALTER SYSTEM ON PARAMETER {names} TO {me}"));
    }
    if !change_context.may_reload {
        rights.push("EXECUTE on function pg_reload_conf()".into());
        grants.push(format!("GRANT EXECUTE ON FUNCTION pg_reload_conf() TO {me}"));
    }
    if rights.is_empty() {
        return None;
    }
    if version_num < 150_000 && !change_context.may_alter_system {
        rights = vec!["SUPERUSER".into()];
        grants = vec!["before PostgreSQL 15 only superusers use ALTER SYSTEM".into()];
    }
    let provider = provider(change_context.service.as_deref());
    Some(Missing {
        right: rights.join(" and "),
        remedy: match &change_context.service {
            Some(_) => provider,
            None => format!("{}; {provider}", grants.join("; ")),
        },
    })
}

/// Where a managed service has its own way to the server's configuration.
pub(crate) fn provider(service: Option<&str>) -> String {
    let way = match service {
        Some("rds_superuser") => "on Amazon RDS and Aurora change it in the DB parameter group",
        Some("cloudsqlsuperuser") => "on Cloud SQL change it as a database flag",
        Some("azure_pg_admin") => "on Azure change it in the server parameters",
        Some("neon_superuser") => "on Neon it cannot be changed for the server",
        Some("supabase_admin") => "on Supabase change it with its command-line program's postgres-config",
        _ => "on a managed service change it in the provider's parameters",
    };
    format!("{way}, or for single roles and databases with --role and --db")
}

fn names_of(wishes: &[Wish]) -> String {
    wishes.iter().map(|wish| wish.setting.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::{ChangedDatabase, ChangedRole, Setting};

    fn role(superuser: bool, own: bool, admin: bool) -> Option<ChangedRole> {
        let (identifier, can_login) = ("app".to_owned(), true);
        Some(ChangedRole {
            identifier,
            superuser,
            replication: false,
            can_login,
            own,
            admin,
            owns_objects: false,
        })
    }

    fn lacks_with(
        rights: &Rights,
        scope: &Scope,
        change_context: &ChangeContext,
        version_num: i32,
    ) -> Option<String> {
        let wishes = [Wish { setting: Setting::Statement, value: Some(1) }];
        missing(scope, &wishes, change_context, rights, version_num).map(|missing| missing.right)
    }

    fn lacks(scope: &Scope, change_context: &ChangeContext, version_num: i32) -> Option<String> {
        lacks_with(&Rights::default(), scope, change_context, version_num)
    }

    #[test]
    fn another_role_needs_createrole_and_from_16_on_admin_option() {
        let scope = Scope::Role("app".into());
        let of = |createrole, admin, version_num| {
            let change_context =
                ChangeContext { role: role(false, false, admin), may_set: true, ..ChangeContext::default() };
            let rights = Rights { creates_roles: createrole, ..Rights::default() };
            lacks_with(&rights, &scope, &change_context, version_num)
        };
        let createrole = Some("CREATEROLE".to_owned());
        let admin = Some("ADMIN OPTION on role \"app\"".to_owned());
        let both = Some("CREATEROLE and ADMIN OPTION on role \"app\"".to_owned());
        assert_eq!([of(true, false, 150_000), of(true, true, 160_000)], [None, None]);
        assert_eq!([of(false, false, 150_000), of(false, true, 160_000)], [createrole.clone(), createrole]);
        assert_eq!([of(true, false, 160_000), of(false, false, 160_000)], [admin, both]);
    }

    #[test]
    fn ones_own_role_needs_nothing_and_a_superuser_needs_a_superuser() {
        let scope = Scope::RoleInDatabase { role: "app".into(), database: "shop".into() };
        let own = ChangeContext { role: role(false, true, false), may_set: true, ..ChangeContext::default() };
        assert_eq!(lacks(&scope, &own, 180_000), None);
        let guarded = ChangeContext { may_set: false, ..own };
        assert_eq!(lacks(&scope, &guarded, 180_000), Some("SET on parameter statement_timeout".into()));
        let boss = ChangeContext { role: role(true, false, true), ..ChangeContext::default() };
        let rights = Rights { creates_roles: true, ..Rights::default() };
        assert_eq!(lacks_with(&rights, &scope, &boss, 180_000), Some("SUPERUSER".into()));
        assert_eq!(lacks_with(&Rights { superuser: true, ..rights }, &scope, &boss, 180_000), None);
    }

    #[test]
    fn a_database_needs_its_owner_and_the_server_two_privileges() {
        let database = |owned| ChangedDatabase { identifier: "shop".into(), owner: "boss".into(), owned };
        let of = |owned| {
            let change_context =
                ChangeContext { database: Some(database(owned)), may_set: true, ..ChangeContext::default() };
            lacks(&Scope::Database("shop".into()), &change_context, 130_000)
        };
        assert_eq!([of(true), of(false)], [None, Some("ownership of database \"shop\"".into())]);
        let system = |may_alter_system, may_reload, version_num| {
            let change_context = ChangeContext { may_alter_system, may_reload, ..ChangeContext::default() };
            lacks(&Scope::System, &change_context, version_num)
        };
        assert_eq!(system(true, true, 150_000), None);
        assert_eq!(system(true, false, 150_000), Some("EXECUTE on function pg_reload_conf()".into()));
        assert_eq!(system(false, true, 150_000), Some("ALTER SYSTEM on parameter statement_timeout".into()));
        assert_eq!(system(false, true, 140_000), Some("SUPERUSER".into()));
        assert_eq!(lacks(&Scope::AllRoles, &ChangeContext::default(), 180_000), Some("SUPERUSER".into()));
    }
}
