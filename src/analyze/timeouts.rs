//! What a change of settings means before it is made: its statements, their undo, and who keeps the old value.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use super::concerns::{Concern, Situation, concerns};
use super::settings::{effective, parse, seconds, shown};
use crate::model::settings::{
    AtServer, Effective, InFile, Level, Scope, ServerSettings, SessionGroup, Setting, SettingUnit, Stored,
    Wish,
};

/// A change, ready to be shown, agreed to and made.
#[derive(Clone, Debug, Default)]
pub(crate) struct SettingsChange {
    /// One per setting, those that already are as wished included.
    pub(crate) changes: Vec<SettingChange>,
    /// What is to be executed; empty when everything already is as wished.
    pub(crate) statements: Vec<String>,
    /// What takes it back, in the order in which to execute it.
    pub(crate) undo: Vec<String>,
    /// Sessions that got another value at login than they would get after the change.
    pub(crate) stale: Vec<SessionGroup>,
    /// Reasons to think twice.
    pub(crate) concerns: Vec<Concern>,
}

/// How one setting changes for the sessions that the scope is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Change"))]
pub(crate) struct SettingChange {
    /// PostgreSQL's name of the setting.
    pub(crate) name: &'static str,
    /// Role; none for all roles.
    pub(crate) role: Option<String>,
    /// Database; none for all databases.
    pub(crate) database: Option<String>,
    /// What a new session gets today, as SHOW says it; none when unknown.
    pub(crate) old_value: Option<String>,
    /// `old_value` in seconds, 0 for off.
    pub(crate) old_value_seconds: Option<f64>,
    /// Where that comes from.
    pub(crate) old_set_by: Option<Level>,
    /// What a new session will get; none when unknown.
    pub(crate) new_value: Option<String>,
    /// `new_value` in seconds, 0 for off.
    pub(crate) new_value_seconds: Option<f64>,
    /// Where that will come from.
    pub(crate) new_set_by: Option<Level>,
}

/// Makes the plan. Wishes for settings that the server does not have are left out; the caller has refused them.
pub(crate) fn plan(situation: Situation<'_>, wishes: &[Wish]) -> SettingsChange {
    let Situation { scope, settings, .. } = situation;
    let mut plan = SettingsChange::default();
    let mut after = settings.clone();
    let absent = InFile::Absent;
    for (at, wish) in wishes.iter().enumerate() {
        let Some(server) = settings.server.iter().find(|server| server.setting == wish.setting) else {
            continue;
        };
        let in_file = situation.in_file.get(at).unwrap_or(&absent);
        let as_wished = is_as_wished(settings, server, scope, *wish, in_file);
        if !as_wished {
            apply(&mut after, scope, *wish);
        }
        let [old, new] = [settings, &after].map(|settings| at_scope(settings, server.setting, scope));
        if let (Some(old), Some(new)) = (old, new) {
            plan.changes.push(change(old, new));
        }
        if as_wished {
            continue;
        }
        plan.statements.push(statement(
            situation,
            wish.setting,
            wish.value.map(|value| format!("'{}'", shown(value, wish.setting.unit()))),
        ));
        let before = match (scope, in_file) {
            (Scope::System, InFile::Literal(literal)) => Some(literal.clone()),
            (Scope::System, InFile::Absent) => None,
            (Scope::System, InFile::Unknown) => {
                plan.concerns.push(Concern {
                    code: "undo_unknown",
                    message: format!(
                        "what postgresql.auto.conf holds for {} is hidden from this role, so there is no undo",
                        wish.setting.name()
                    ),
                });
                continue;
            }
            _ => stored_at(settings, wish.setting, scope).map(|stored| stored.literal.clone()),
        };
        plan.undo.push(statement(situation, wish.setting, before));
    }
    if *scope == Scope::System && !plan.undo.is_empty() {
        plan.undo.push("SELECT pg_reload_conf()".into());
    }
    plan.stale = stale(settings, &after, scope, situation.sessions);
    if !plan.statements.is_empty() {
        plan.concerns.extend(concerns(situation, wishes));
    }
    plan
}

/// The statement that stores `literal` (already SQL) at the scope, or takes what is stored away.
fn statement(situation: Situation<'_>, setting: Setting, literal: Option<String>) -> String {
    let change_context = situation.change_context;
    let role = change_context.role.as_ref().map_or("", |role| role.identifier.as_str());
    let database = change_context.database.as_ref().map_or("", |database| database.identifier.as_str());
    let subject = match situation.scope {
        Scope::RoleInDatabase { .. } => format!("ALTER ROLE {role} IN DATABASE {database}"),
        Scope::Role(_) => format!("ALTER ROLE {role}"),
        Scope::Database(_) => format!("ALTER DATABASE {database}"),
        Scope::AllRoles => "ALTER ROLE ALL".into(),
        Scope::System => "ALTER SYSTEM".into(),
    };
    match literal {
        Some(literal) => format!("{subject} SET {} = {literal}", setting.name()),
        None => format!("{subject} RESET {}", setting.name()),
    }
}

/// What is stored at exactly this scope.
fn stored_at<'a>(settings: &'a ServerSettings, setting: Setting, scope: &Scope) -> Option<&'a Stored> {
    settings.stored.iter().find(|stored| {
        stored.setting == setting
            && stored.role.as_deref() == scope.role()
            && stored.database.as_deref() == scope.database()
    })
}

/// What a session that the scope is about gets: for the server's scope, the server's own value.
fn at_scope(settings: &ServerSettings, setting: Setting, scope: &Scope) -> Option<Effective> {
    let server = settings.server.iter().find(|server| server.setting == setting)?;
    let alone = ServerSettings::default();
    let settings = if *scope == Scope::System { &alone } else { settings };
    Some(effective(settings, server, scope.role(), scope.database()))
}

fn change(old: Effective, new: Effective) -> SettingChange {
    SettingChange {
        name: old.name,
        role: old.role,
        database: old.database,
        old_value: old.value,
        old_value_seconds: old.value_seconds,
        old_set_by: old.set_by,
        new_value: new.value,
        new_value_seconds: new.value_seconds,
        new_set_by: new.set_by,
    }
}

fn is_as_wished(
    settings: &ServerSettings,
    server: &AtServer,
    scope: &Scope,
    wish: Wish,
    in_file: &InFile,
) -> bool {
    if *scope == Scope::System {
        return match wish.value {
            Some(value) => matches!(in_file, InFile::Literal(_)) && server.value == Some(value),
            None => *in_file == InFile::Absent,
        };
    }
    let stored = stored_at(settings, wish.setting, scope);
    match wish.value {
        Some(value) => stored.is_some_and(|stored| parse(&stored.raw, wish.setting.unit()) == Some(value)),
        None => stored.is_none(),
    }
}

/// Changes `settings` as the server will.
fn apply(settings: &mut ServerSettings, scope: &Scope, wish: Wish) {
    if *scope == Scope::System {
        for server in settings.server.iter_mut().filter(|server| server.setting == wish.setting) {
            // What stands in the other configuration files is known only after the reload.
            server.value = wish.value;
            server.level = Level::Server;
        }
        return;
    }
    let (role, database) = (scope.role(), scope.database());
    settings.stored.retain(|stored| {
        stored.setting != wish.setting
            || stored.role.as_deref() != role
            || stored.database.as_deref() != database
    });
    if let Some(value) = wish.value {
        let raw = shown(value, wish.setting.unit());
        settings.stored.push(Stored {
            setting: wish.setting,
            role: role.map(str::to_owned),
            database: database.map(str::to_owned),
            literal: format!("'{raw}'"),
            raw,
        });
    }
}

/// The sessions that got another value at login than they would get after the change. What the server's configuration
/// says reaches running sessions at once, so nobody keeps an old value of that.
pub(crate) fn stale(
    before: &ServerSettings,
    after: &ServerSettings,
    scope: &Scope,
    sessions: &[SessionGroup],
) -> Vec<SessionGroup> {
    if *scope == Scope::System {
        return Vec::new();
    }
    let differs = |group: &&SessionGroup| {
        before.server.iter().any(|server| {
            let got = |settings| {
                let row = effective(settings, server, group.role.as_deref(), group.database.as_deref());
                (row.value, row.set_by)
            };
            let (old, new) = (got(before), got(after));
            old.0 != new.0 || (old.0.is_none() && old.1 != new.1)
        })
    };
    sessions.iter().filter(differs).cloned().collect()
}

/// Says what is not as it was to become, once the change was made.
pub(crate) fn unmet(after: &ServerSettings, scope: &Scope, wishes: &[Wish]) -> Option<String> {
    wishes.iter().find_map(|wish| {
        let name = wish.setting.name();
        let unit = wish.setting.unit();
        let found = if *scope == Scope::System {
            // Without a wish there is nothing to compare with; a value that this session cannot tell proves nothing.
            let server = after.server.iter().find(|server| server.setting == wish.setting)?;
            wish.value?;
            Some(server.value?)
        } else {
            stored_at(after, wish.setting, scope).map(|stored| parse(&stored.raw, unit).unwrap_or(-1))
        };
        (found != wish.value).then(|| match found {
            Some(found) => format!("{name} was changed, but reads back as {}", shown(found, unit)),
            None => format!("{name} was changed, but nothing is stored now"),
        })
    })
}

/// Reads `off` or a number of the setting's own unit out of a duration.
///
/// # Errors
/// With why it cannot be this setting's value: a fraction of the unit, out of the server's range, `off` where 0 means
/// something else.
pub(crate) fn value_for(
    setting: Setting,
    wanted: Option<Duration>,
    range: RangeInclusive<i64>,
) -> Result<i64, String> {
    let name = setting.name();
    let Some(wanted) = wanted else {
        return if setting.zero_is_off() && range.contains(&0) {
            Ok(0)
        } else {
            Err(format!("{name} cannot be switched off; timeout reset takes the stored value away"))
        };
    };
    let (base, unit) = match setting.unit() {
        SettingUnit::Milliseconds => (1_000_000, "milliseconds"),
        SettingUnit::Seconds => (1_000_000_000, "seconds"),
        SettingUnit::Count => return Err(format!("{name} is a number of probes, not a time")),
    };
    if wanted.as_nanos() % base != 0 {
        return Err(format!("{name} is counted in whole {unit}"));
    }
    let value = i64::try_from(wanted.as_nanos() / base).unwrap_or(i64::MAX);
    if value == 0 {
        return Err(format!("0 is not a time; to switch {name} off write off"));
    }
    if !range.contains(&value) {
        let [least, most] = [range.start(), range.end()].map(|bound| {
            let bound = seconds(*bound, setting.unit()).unwrap_or_default();
            if bound >= 86_400.0 {
                format!("{:.0}d", (bound / 86_400.0).floor())
            } else {
                format!("{bound}s")
            }
        });
        return Err(format!("{name} takes {least} to {most}"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::{ChangeContext, ChangedDatabase, ChangedRole};

    fn change_context() -> ChangeContext {
        ChangeContext {
            role: Some(ChangedRole {
                identifier: "app".into(),
                superuser: false,
                replication: false,
                can_login: true,
                own: false,
                admin: true,
                owns_objects: false,
            }),
            database: Some(ChangedDatabase { identifier: "shop".into(), owner: "boss".into(), owned: true }),
            ..ChangeContext::default()
        }
    }

    fn settings(stored: &[(Option<&str>, Option<&str>, &str)]) -> ServerSettings {
        let stored = stored.iter().map(|(role, database, raw)| Stored {
            setting: Setting::Statement,
            role: role.map(str::to_owned),
            database: database.map(str::to_owned),
            raw: (*raw).to_owned(),
            literal: format!("'{raw}'"),
        });
        let server = AtServer {
            setting: Setting::Statement,
            value: Some(0),
            level: Level::Default,
            command_line: false,
            least: 0,
            most: i64::from(i32::MAX),
        };
        ServerSettings { server: vec![server], stored: stored.collect() }
    }

    fn planned(
        scope: &Scope,
        settings: &ServerSettings,
        in_file: &InFile,
        value: Option<i64>,
    ) -> SettingsChange {
        let group = |role: &str, database: &str, count| SessionGroup {
            database: Some(database.into()),
            role: Some(role.into()),
            application_name: "web".into(),
            count,
        };
        let sessions = [group("app", "shop", 1), group("app", "crm", 2), group("batch", "shop", 4)];
        let in_file = [in_file.clone()];
        let situation = Situation {
            scope,
            change_context: &change_context(),
            settings,
            in_file: &in_file,
            sessions: &sessions,
        };
        plan(situation, &[Wish { setting: Setting::Statement, value }])
    }

    #[test]
    fn each_scope_has_its_statement_its_undo_and_its_sessions() {
        let (app, shop) = (Some("app"), Some("shop"));
        let everything =
            settings(&[(app, shop, "1s"), (app, None, "2000"), (None, shop, "3s"), (None, None, "4s")]);
        let in_shop = Scope::RoleInDatabase { role: "app".into(), database: "shop".into() };
        for (scope, subject, old, stale) in [
            (in_shop, "ALTER ROLE app IN DATABASE shop", "'1s'", 1),
            (Scope::Role("app".into()), "ALTER ROLE app", "'2000'", 2),
            (Scope::Database("shop".into()), "ALTER DATABASE shop", "'3s'", 4),
            (Scope::AllRoles, "ALTER ROLE ALL", "'4s'", 0),
        ] {
            let plan = planned(&scope, &everything, &InFile::Absent, Some(90_000));
            assert_eq!(plan.statements, [format!("{subject} SET statement_timeout = '90s'")]);
            assert_eq!(plan.undo, [format!("{subject} SET statement_timeout = {old}")]);
            assert_eq!(plan.stale.iter().map(|group| group.count).sum::<i64>(), stale, "{subject}");
            let first = planned(&scope, &settings(&[]), &InFile::Absent, Some(90_000));
            assert_eq!(first.undo, [format!("{subject} RESET statement_timeout")]);
            let reset = planned(&scope, &everything, &InFile::Absent, None);
            assert_eq!(reset.statements, [format!("{subject} RESET statement_timeout")]);
            assert_eq!(reset.undo, plan.undo);
            assert!(planned(&scope, &settings(&[]), &InFile::Absent, None).statements.is_empty());
        }
    }

    #[test]
    fn the_servers_undo_is_what_its_file_said() {
        let undo = |in_file: InFile| planned(&Scope::System, &settings(&[]), &in_file, Some(90_000)).undo;
        let reload = "SELECT pg_reload_conf()";
        assert_eq!(undo(InFile::Absent), ["ALTER SYSTEM RESET statement_timeout", reload]);
        assert_eq!(
            undo(InFile::Literal("'7 s'".into())),
            ["ALTER SYSTEM SET statement_timeout = '7 s'", reload]
        );
        let nothing = planned(&Scope::System, &settings(&[]), &InFile::Absent, None);
        assert!(nothing.statements.is_empty() && nothing.undo.is_empty());
        assert_eq!(nothing.changes.first().and_then(|change| change.new_value.as_deref()), Some("0"));
        let unknown = planned(&Scope::System, &settings(&[]), &InFile::Unknown, Some(90_000));
        assert!(unknown.undo.is_empty());
        assert_eq!(unknown.concerns.first().map(|concern| concern.code), Some("undo_unknown"));
    }

    #[test]
    fn what_reads_back_differently_is_said() {
        let scope = Scope::Role("app".into());
        let wishes = |value| [Wish { setting: Setting::Statement, value }];
        let after = settings(&[(Some("app"), None, "5s")]);
        assert_eq!(unmet(&after, &scope, &wishes(Some(5000))), None);
        assert_eq!(
            unmet(&after, &scope, &wishes(Some(6000))).as_deref(),
            Some("statement_timeout was changed, but reads back as 5s")
        );
        assert!(unmet(&after, &scope, &wishes(None)).is_some());
        assert!(unmet(&settings(&[]), &scope, &wishes(Some(1))).is_some());
        assert_eq!(unmet(&after, &Scope::System, &wishes(Some(0))), None);
        assert!(unmet(&after, &Scope::System, &wishes(Some(1))).is_some());
    }
}
