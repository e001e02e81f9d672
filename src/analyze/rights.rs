//! Who may change a setting where: the rules of each version, and the right that is missing in their words.

use crate::model::settings::{Ground, Scope, Wish};

/// A right that a change needs and this role lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Which: `CREATEROLE`, `ADMIN OPTION on role "app"`.
    pub(crate) right: String,
    /// How to get it.
    pub(crate) remedy: String,
}

/// Says which right the change needs and this role lacks, by the rules of the server's version.
pub(crate) fn missing(scope: &Scope, wishes: &[Wish], ground: &Ground, version_num: i32) -> Option<Missing> {
    if ground.superuser {
        return None;
    }
    let me = &ground.me;
    let of_scope = match scope {
        Scope::Role(name) | Scope::RoleInDatabase { role: name, .. } => {
            missing_for_role(name, ground, version_num)
        }
        Scope::Database(name) => {
            ground.database.as_ref().filter(|database| !database.owned).map(|database| Missing {
                right: format!("ownership of database \"{name}\""),
                remedy: format!("its owner \"{}\" can do it, and members of that role", database.owner),
            })
        }
        Scope::AllRoles => Some(Missing {
            right: "SUPERUSER".into(),
            remedy: "only superusers set values for all roles; --role and --db reach one role or database"
                .into(),
        }),
        Scope::System => missing_for_system(wishes, ground, version_num),
    };
    of_scope.or_else(|| {
        (*scope != Scope::System && !ground.may_set).then(|| {
            let names = names_of(wishes);
            Missing {
                right: format!("SET on parameter {names}"),
                remedy: if version_num >= 150_000 {
                    format!("a superuser can grant it: GRANT SET ON PARAMETER {names} TO {}", quoted(me))
                } else {
                    format!("before PostgreSQL 15 only superusers set {names}")
                },
            }
        })
    })
}

fn missing_for_role(name: &str, ground: &Ground, version_num: i32) -> Option<Missing> {
    let role = ground.role.as_ref()?;
    let me = quoted(&ground.me);
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
    match (ground.createrole, needs_admin) {
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

fn missing_for_system(wishes: &[Wish], ground: &Ground, version_num: i32) -> Option<Missing> {
    let me = quoted(&ground.me);
    let mut rights = Vec::new();
    let mut grants = Vec::new();
    if !ground.may_alter_system {
        let names = names_of(wishes);
        rights.push(format!("ALTER SYSTEM on parameter {names}"));
        grants.push(format!("GRANT ALTER SYSTEM ON PARAMETER {names} TO {me}"));
    }
    if !ground.may_reload {
        rights.push("EXECUTE on function pg_reload_conf()".into());
        grants.push(format!("GRANT EXECUTE ON FUNCTION pg_reload_conf() TO {me}"));
    }
    if rights.is_empty() {
        return None;
    }
    if version_num < 150_000 && !ground.may_alter_system {
        rights = vec!["SUPERUSER".into()];
        grants = vec!["before PostgreSQL 15 only superusers use ALTER SYSTEM".into()];
    }
    let provider = provider(ground.service.as_deref());
    Some(Missing {
        right: rights.join(" and "),
        remedy: match &ground.service {
            Some(_) => provider,
            None => format!("{}; {provider}", grants.join("; ")),
        },
    })
}

/// Where a managed service has its own door to the server's configuration.
pub(crate) fn provider(service: Option<&str>) -> String {
    let door = match service {
        Some("rds_superuser") => "on Amazon RDS and Aurora change it in the DB parameter group",
        Some("cloudsqlsuperuser") => "on Cloud SQL change it as a database flag",
        Some("azure_pg_admin") => "on Azure change it in the server parameters",
        Some("neon_superuser") => "on Neon it cannot be changed for the server",
        Some("supabase_admin") => "on Supabase change it with its command-line program's postgres-config",
        _ => "on a managed service change it in the provider's parameters",
    };
    format!("{door}, or for single roles and databases with --role and --db")
}

fn names_of(wishes: &[Wish]) -> String {
    wishes.iter().map(|wish| wish.setting.name()).collect::<Vec<_>>().join(", ")
}

/// A name as an SQL identifier for a hint; always quoted, which no keyword can break.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
