//! Reasons to think twice about a change of settings: whom it hits that should not be hit, and where it does nothing.

use crate::model::settings::{
    ChangeContext, InFile, Scope, ServerSettings, SessionGroup, Setting, Stored, Wish,
};

/// Everything that a change is planned and judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    /// Where the value is stored.
    pub(crate) scope: &'a Scope,
    /// What this role may do there.
    pub(crate) change_context: &'a ChangeContext,
    /// What is set where today.
    pub(crate) settings: &'a ServerSettings,
    /// What `postgresql.auto.conf` says of each wish, in their order; only looked at for the server's scope.
    pub(crate) in_file: &'a [InFile],
    /// The client sessions there are.
    pub(crate) sessions: &'a [SessionGroup],
}

/// A reason to think twice about a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Concern {
    /// The stable word for scripts.
    pub(crate) code: &'static str,
    /// One line, lower case, no full stop.
    pub(crate) message: String,
}

/// Applications that copy whole databases, or change their structure, and need time for it.
const LONG_WORKERS: &[&str] = &[
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "pg_basebackup",
    "vacuumdb",
    "reindexdb",
    "flyway",
    "liquibase",
    "alembic",
    "migrat",
];

/// Whether an application, or a role, copies whole databases or changes their structure, by its name.
pub(crate) fn does_long_work(name: &str) -> bool {
    let name = name.to_lowercase();
    LONG_WORKERS.iter().any(|worker| name.contains(worker))
}

/// Every reason there is, for a change that would be made.
pub(super) fn concerns(situation: Situation<'_>, wishes: &[Wish]) -> Vec<Concern> {
    let Situation { scope, change_context, .. } = situation;
    let mut concerns = Vec::new();
    let mut concern = |code, message: String| concerns.push(Concern { code, message });
    let limits = |setting: Setting| {
        wishes.iter().any(|wish| wish.setting == setting && wish.value.is_some_and(|value| value > 0))
    };
    let any_limit =
        wishes.iter().any(|wish| wish.setting.zero_is_off() && wish.value.is_some_and(|value| value > 0));
    let cuts_work = limits(Setting::Statement) || limits(Setting::Transaction);
    if let Some((name, role)) = scope.role().zip(change_context.role.as_ref()) {
        if !role.can_login {
            concern(
                "no_login",
                format!(
                    "role \"{name}\" cannot log in, and its members do not inherit its settings: nobody gets this value"
                ),
            );
        }
        if any_limit && role.superuser {
            concern(
                "superuser_role",
                format!(
                    "role \"{name}\" is a superuser: maintenance, repairs and upgrades that run as it get the limit too"
                ),
            );
        }
        if any_limit && role.replication {
            concern(
                "replication_role",
                format!(
                    "role \"{name}\" has REPLICATION: base backups and the copying of logical replication can run as it"
                ),
            );
        }
        if cuts_work && role.owns_objects && !role.superuser {
            concern(
                "owner_role",
                format!(
                    "role \"{name}\" owns objects, so migrations run as it: a CREATE INDEX CONCURRENTLY that is cut \
                     leaves an invalid index"
                ),
            );
        }
    } else if any_limit {
        let (code, whom) = match scope {
            Scope::Database(_) => ("whole_database", "every role in this database"),
            Scope::System => ("whole_server", "every role of the server"),
            _ => ("all_roles", "every role of the server"),
        };
        concern(
            code,
            format!(
                "this reaches {whom}, superusers, migrations, maintenance and backups included, unless they have a value of their own"
            ),
        );
    }
    let reached = || situation.sessions.iter().filter(|group| reaches(scope, group));
    if cuts_work {
        let long = |group: &&SessionGroup| does_long_work(&group.application_name);
        let mut names: Vec<&str> =
            reached().filter(long).map(|group| group.application_name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let named = scope.role().filter(|role| {
            let role = role.to_lowercase();
            ["migrat", "dump", "backup", "deploy"].iter().any(|word| role.contains(word))
        });
        if let Some(role) = named {
            concern(
                "long_work_role",
                format!(
                    "role \"{role}\" is for migrations or backups by its name: long statements are its work"
                ),
            );
        }
        if !names.is_empty() {
            concern(
                "long_work_role",
                format!("{} works there now: long statements are its work", names.join(", ")),
            );
        }
    }
    for setting in [Setting::IdleSession, Setting::Transaction].into_iter().filter(|setting| limits(*setting))
    {
        let pooled: i64 = reached().filter(|group| group.count > 1).map(|group| group.count).sum();
        let now =
            if pooled > 0 { format!(", and {pooled} sessions there look pooled now") } else { String::new() };
        concern(
            "pooled_role",
            match setting {
                Setting::IdleSession => {
                    format!(
                        "idle_session_timeout ends the idle sessions that connection pools keep: their next user gets an error{now}"
                    )
                }
                _ => format!(
                    "transaction_timeout ends the session, not only its transaction: a connection pool loses it{now}"
                ),
            },
        );
    }
    concerns.extend(overridden(situation, wishes));
    concerns
}

fn reaches(scope: &Scope, group: &SessionGroup) -> bool {
    scope.role().is_none_or(|role| group.role.as_deref() == Some(role))
        && scope.database().is_none_or(|database| group.database.as_deref() == Some(database))
}

/// Names what is stored more specifically and so keeps winning.
fn overridden(situation: Situation<'_>, wishes: &[Wish]) -> Option<Concern> {
    let Situation { scope, settings, .. } = situation;
    let wins = |stored: &&Stored| {
        let wished = wishes.iter().any(|wish| wish.setting == stored.setting);
        let (role, database) = (stored.role.as_deref(), stored.database.as_deref());
        wished
            && match scope {
                Scope::RoleInDatabase { .. } => false,
                Scope::Role(name) => role == Some(name) && database.is_some(),
                Scope::Database(name) => role.is_some() && database.is_none_or(|database| database == name),
                Scope::AllRoles => role.is_some() || database.is_some(),
                Scope::System => true,
            }
    };
    let winners: Vec<String> = settings
        .stored
        .iter()
        .filter(wins)
        .map(|stored| match (&stored.role, &stored.database) {
            (Some(role), Some(database)) => format!("role \"{role}\" in database \"{database}\""),
            (Some(role), None) => format!("role \"{role}\""),
            (None, Some(database)) => format!("database \"{database}\""),
            (None, None) => "all roles".into(),
        })
        .collect();
    let (first, rest) = winners.split_first()?;
    let others = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    Some(Concern {
        code: "overridden",
        message: format!("the value stored for {first}{others} is more specific and keeps winning there"),
    })
}
