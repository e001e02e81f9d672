//! `pgconn timeout set` and `timeout reset`: plan, consent, change, verification.

use std::time::Duration;

use anyhow::Result;

use super::names::{kind, name, no_such_name, refuse_unknown};
use super::report::{Part, Timeouts};
use super::statement::{self, Lasting};
use crate::analyze::concerns::Situation;
use crate::analyze::consent::{Consent, Reach};
use crate::analyze::rights::{self, provider};
use crate::analyze::settings::{at_server, effective, for_sessions};
use crate::analyze::timeouts::{SettingsChange, plan, stale, unmet, value_for};
use crate::args;
use crate::commands::Context;
use crate::commands::act::{confirm, consent, present};
use crate::commands::head::head_of_look;
use crate::db::{Db, ErrorKind, Moment};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::quote;
use crate::model::server::ServerContext;
use crate::model::settings::{
    ChangeContext, Effective, InFile, Scope, ServerSettings, SessionGroup, Setting, Wish,
};
use crate::model::suggestion::{Command, Hint};
use crate::render::text::count;
use crate::render::{Head, Report, Warning};

/// Arguments of `timeout set`.
#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// The limit, like 30s or 500ms, or `off`
    #[arg(value_name = "DUR|off", value_parser = limit)]
    limit: Limit,
    #[command(flatten)]
    place: Place,
    /// Store nothing: print what sets it for one session
    #[arg(long, conflicts_with_all = ["role", "db", "all_roles", "system", "dry_run", "yes"])]
    session: bool,
    /// Store nothing: print what sets it for one transaction
    #[arg(long, conflicts_with_all = ["session", "role", "db", "all_roles", "system", "dry_run", "yes"])]
    transaction: bool,
}

/// Arguments of `timeout reset`.
#[derive(Debug, clap::Args)]
pub(super) struct ResetArgs {
    #[command(flatten)]
    place: Place,
}

/// Where a value is stored, and how the change is to be made.
#[derive(Debug, clap::Args)]
struct Place {
    /// For this role
    #[arg(long, value_name = "NAME", value_parser = name)]
    role: Option<String>,
    /// For this database, or with --role for that role in it
    #[arg(long, value_name = "NAME", value_parser = name)]
    db: Option<String>,
    /// For all roles
    #[arg(long, conflicts_with_all = ["role", "db"])]
    all_roles: bool,
    /// For the server: ALTER SYSTEM
    ///
    /// Its configuration is read anew.
    #[arg(long, conflicts_with_all = ["role", "db", "all_roles"])]
    system: bool,
    /// Which setting (repeat for more)
    #[arg(long, value_name = "KIND", value_delimiter = ',', default_value = "statement", value_parser = kind())]
    kind: Vec<Setting>,
    /// Show what would be done, and stop
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    yes: args::Yes,
}

/// A time, or none for `off`.
#[derive(Clone, Copy, Debug)]
struct Limit(Option<Duration>);

fn limit(text: &str) -> Result<Limit, String> {
    if text == "off" {
        return Ok(Limit(None));
    }
    if text.trim_start_matches('0').is_empty() && !text.is_empty() {
        return Err("write off to switch a limit off".into());
    }
    args::duration(text).map(|duration| Limit(Some(duration)))
}

impl Place {
    fn scope(&self) -> Result<Scope, Failure> {
        Ok(match (&self.role, &self.db, self.all_roles, self.system) {
            (Some(role), Some(database), ..) => {
                Scope::RoleInDatabase { role: role.clone(), database: database.clone() }
            }
            (Some(role), None, ..) => Scope::Role(role.clone()),
            (None, Some(database), ..) => Scope::Database(database.clone()),
            (None, None, true, _) => Scope::AllRoles,
            (None, None, false, true) => Scope::System,
            (None, None, false, false) => {
                return Err(Failure::usage(
                    "timeout: for whom? name a role, a database or both with --role and --db",
                )
                .hinted("--all-roles and --system reach everybody; set … --session prints a statement"));
            }
        })
    }

    /// Without those named twice.
    fn kinds(&self) -> Vec<Setting> {
        Setting::ALL.iter().copied().filter(|setting| self.kind.contains(setting)).collect()
    }
}

/// Stores a value, or prints what sets it.
pub(super) async fn set(args: SetArgs, context: &mut Context) -> Result<Exit> {
    let Limit(wanted) = args.limit;
    let kinds = args.place.kinds();
    let lasting = match (args.session, args.transaction) {
        (true, _) => Some(Lasting::Session),
        (_, true) => Some(Lasting::Transaction),
        _ => None,
    };
    let Some(lasting) = lasting else {
        return change(&args.place, &kinds, Some(wanted), context).await;
    };
    let mut wishes = Vec::new();
    for setting in kinds {
        let least = i64::from(setting == Setting::Deadlock);
        let value = value_for(setting, wanted, least..=i64::from(i32::MAX)).map_err(Failure::usage)?;
        wishes.push((setting, value));
    }
    let (report, head) = statement::statement(lasting, &wishes)?;
    context.emit(&report, &head)?;
    Ok(Exit::Done)
}

/// Takes a stored value away.
pub(super) async fn reset(args: ResetArgs, context: &mut Context) -> Result<Exit> {
    change(&args.place, &args.place.kinds(), None, context).await
}

/// Everything that is known before the change.
struct Before {
    scope: Scope,
    wishes: Vec<Wish>,
    server_context: ServerContext,
    settings: ServerSettings,
    change_context: ChangeContext,
    plan: SettingsChange,
}

/// Plans, asks, changes and verifies; `wanted` is the value (none for off), none takes the stored one away.
async fn change(
    place: &Place,
    kinds: &[Setting],
    wanted: Option<Option<Duration>>,
    context: &mut Context,
) -> Result<Exit> {
    let scope = place.scope()?;
    if scope == Scope::System && kinds.len() > 1 {
        return Err(Failure::usage("ALTER SYSTEM changes one setting at a time: name one --kind").into());
    }
    let reach = match scope {
        Scope::AllRoles | Scope::System => Reach::Everything,
        _ => Reach::Filtered,
    };
    let consent = consent(reach, &place.yes, place.dry_run, context)?;
    let db = context.connect_to_change().await?;
    let before = look(&db, scope, kinds, wanted).await?;
    let mut head = head_of_look(&db, &before.server_context, 0);
    head.warnings.extend(before.plan.concerns.iter().map(|concern| Warning {
        code: concern.code,
        message: concern.message.clone(),
        hint: None,
    }));
    let missing = lacking(&before);
    if place.dry_run || before.plan.statements.is_empty() {
        head.warnings.extend(missing.map(|failure| Warning {
            code: "not_permitted",
            message: failure.message,
            hint: failure.hint,
        }));
        let rows = concerned(&before.settings, &before.scope);
        context.emit(&planned(Part::Planned, &before, rows, place.dry_run), &head)?;
        return Ok(Exit::Done);
    }
    if let Some(failure) = missing {
        return Err(failure.into());
    }
    let (db, before) = match consent {
        Consent::Ask => agreed(db, before, &mut head, (kinds, wanted), context).await?,
        _ => (db, before),
    };
    let db = db.until_done();
    let moment = execute(&db, &before).await?;
    let undo = before.plan.undo.join("; ");
    let made = |failure: Failure| failure.detailed(format!("the change is made; undo: {undo}"));
    let (after, old) = verified(&db, &before, kinds, moment).await.map_err(made)?;
    db.close().await;
    let reconnect = before.scope.role().filter(|_| !old.is_empty()).map(str::to_owned);
    let rows = concerned(&after, &before.scope);
    let mut report = planned(Part::Done, &before, rows, false);
    report.sessions_still_on_old_value = Some(old.iter().map(|group| group.count).sum());
    report.old_value_sessions = Some(old);
    context.emit(&report, &head)?;
    if let Some(role) = reconnect {
        let kill = Command::pgconn("kill").only("--role", &role).with("--state", "idle");
        context.ui.hint(&Hint::from("to make them reconnect: ").call(kill).shown(&context.lead()));
    }
    Ok(Exit::Done)
}

/// Looks at everything that the change depends on, and refuses what cannot be meant.
async fn look(db: &Db, scope: Scope, kinds: &[Setting], wanted: Option<Option<Duration>>) -> Result<Before> {
    let (server_context, mut settings, _) = db.settings(kinds).await?;
    refuse_unknown(kinds, &settings, &server_context.server)?;
    let mut wishes = Vec::new();
    for server in &settings.server {
        let value = wanted.map(|wanted| value_for(server.setting, wanted, server.least..=server.most));
        wishes.push(Wish { setting: server.setting, value: value.transpose().map_err(Failure::usage)? });
    }
    if server_context.server.in_recovery && scope != Scope::System {
        return Err(Failure::refused(
            "this is a standby: what roles and databases have is stored on the primary",
        )
        .hinted("connect to the primary, from where it arrives here too; --system is for this server alone")
        .into());
    }
    let (mut change_context, sessions) = db.change_context(&scope, kinds).await?;
    if let Some(name) = scope.role().filter(|_| change_context.role.is_none()) {
        return Err(no_such_name(db, "role", name).await?.into());
    }
    if let Some(name) = scope.database().filter(|_| change_context.database.is_none()) {
        return Err(no_such_name(db, "database", name).await?.into());
    }
    let spell = |sql: &mut String| *sql = quote::pasteable(sql).into_owned();
    change_context.role.iter_mut().for_each(|role| spell(&mut role.identifier));
    change_context.database.iter_mut().for_each(|database| spell(&mut database.identifier));
    settings.stored.iter_mut().for_each(|stored| spell(&mut stored.literal));
    let in_file = match scope {
        Scope::System if change_context.sees_files => db.written_by_alter_system(kinds).await?,
        _ => vec![InFile::Unknown; kinds.len()],
    };
    let situation = Situation {
        scope: &scope,
        change_context: &change_context,
        settings: &settings,
        in_file: &in_file,
        sessions: &sessions,
    };
    let plan = plan(situation, &wishes);
    Ok(Before { scope, wishes, server_context, settings, change_context, plan })
}

/// Says why the change cannot be made by this role, or at all.
fn lacking(before: &Before) -> Option<Failure> {
    let Before { scope, wishes, change_context, server_context, .. } = before;
    let version_num = server_context.server.version_num;
    if let Some(missing) = rights::missing(scope, wishes, change_context, &server_context.rights, version_num)
    {
        let me = &server_context.rights.role;
        return Some(Failure {
            code: "permission_denied",
            ..Failure::failed(format!("role \"{me}\" may not change this: it lacks {}", missing.right))
                .hinted(missing.remedy)
        });
    }
    let sets = wishes.iter().any(|wish| wish.value.is_some());
    let fixed = before.settings.server.iter().find(|server| server.command_line)?;
    (*scope == Scope::System && sets).then(|| {
        let name = fixed.setting.name();
        Failure::failed(format!("{name} stands on the server's command line, which wins over ALTER SYSTEM"))
            .hinted("change how the server is started, or store a value with --all-roles, --role or --db")
    })
}

/// Asks until the change that was agreed to is the one that can be made: over the session that is still there, or a new one.
async fn agreed(
    mut db: Db,
    mut before: Before,
    head: &mut Head,
    (kinds, wanted): (&[Setting], Option<Option<Duration>>),
    context: &Context,
) -> Result<(Db, Before)> {
    loop {
        agree(&before, head, &db, context).await?;
        if db.answers().await {
            return Ok((db, before));
        }
        // The server or somebody between ends sessions that say nothing for a while.
        db = context.connect_to_change().await?;
        let again = look(&db, before.scope.clone(), kinds, wanted).await?;
        if let Some(failure) = lacking(&again) {
            return Err(failure.into());
        }
        if again.plan.statements == before.plan.statements {
            return Ok((db, again));
        }
        before = again;
        context
            .ui
            .asking()
            .status("the session ended while the question was open, and the change is another now:");
    }
}

/// Shows the plan and asks.
async fn agree(before: &Before, head: &mut Head, db: &Db, context: &Context) -> Result<()> {
    let rows = concerned(&before.settings, &before.scope);
    let plan = planned(Part::Planned, before, rows, true);
    let blocks = plan.blocks(head);
    present(&blocks, head, Consent::Ask, context);
    confirm(&question(before, &db.target().place()), context).await
}

fn question(before: &Before, place: &str) -> String {
    let whom = match &before.scope {
        Scope::RoleInDatabase { role, database } => format!("role \"{role}\" in database \"{database}\""),
        Scope::Role(role) => format!("role \"{role}\""),
        Scope::Database(database) => format!("database \"{database}\""),
        Scope::AllRoles => "all roles".into(),
        Scope::System => "the whole server".into(),
    };
    let number = i64::try_from(before.wishes.len()).unwrap_or(i64::MAX);
    let verb = if before.wishes.iter().any(|wish| wish.value.is_some()) { "Set" } else { "Reset" };
    let what = match before.wishes.as_slice() {
        [wish] => wish.setting.name().to_owned(),
        _ => count(number, "setting"),
    };
    format!("{verb} {what} for {whom} on {place}?")
}

async fn execute(db: &Db, before: &Before) -> Result<Moment, Failure> {
    let Before { scope, plan, change_context, server_context, .. } = before;
    let made = match plan.statements.as_slice() {
        [statement] if *scope == Scope::System => {
            db.alter_system(statement, db.is_pooled(server_context)).await
        }
        statements => db.alter(statements).await,
    };
    made.map_err(|error| {
        let (answered, hinted) = (error.sqlstate.is_some(), error.hint.is_some());
        let unknown = !answered || error.kind == ErrorKind::ConnectionLost;
        let failure = Failure::from(error);
        if unknown {
            let undo = plan.undo.join("; ");
            failure.detailed(format!("the change may have been made all the same; undo: {undo}"))
        } else if *scope == Scope::System && !hinted {
            failure.hinted(provider(change_context.service.as_deref()))
        } else {
            failure
        }
    })
}

/// Reads back what was changed, and counts the sessions that have the old value.
async fn verified(
    db: &Db,
    before: &Before,
    kinds: &[Setting],
    moment: Moment,
) -> Result<(ServerSettings, Vec<SessionGroup>), Failure> {
    let (_, after, _) = db.settings(kinds).await?;
    if let Some(problem) = unmet(&after, &before.scope, &before.wishes) {
        return Err(Failure::failed(problem)
            .hinted("something else changed it at the same moment; see with pgconn timeout"));
    }
    let sessions = db.sessions_older_than(moment).await?;
    let old = stale(&before.settings, &after, &before.scope, &sessions);
    Ok((after, old))
}

/// What sessions within the scope get.
fn concerned(settings: &ServerSettings, scope: &Scope) -> Vec<Effective> {
    let one = |name: Option<&str>| name.map(str::to_owned).into_iter().collect::<Vec<_>>();
    match scope {
        Scope::System => at_server(settings),
        Scope::AllRoles => {
            settings.server.iter().map(|server| effective(settings, server, None, None)).collect()
        }
        _ => for_sessions(settings, &one(scope.role()), &one(scope.database())),
    }
}

/// The report of a plan, made or not.
fn planned(part: Part, before: &Before, rows: Vec<Effective>, dry_run: bool) -> Timeouts {
    let mut report = Timeouts::of(part, rows);
    let plan = &before.plan;
    report.dry_run = Some(dry_run);
    report.changes = Some(plan.changes.clone());
    report.statements = Some(plan.statements.clone());
    report.undo = Some(plan.undo.clone());
    report.sessions_still_on_old_value = Some(plan.stale.iter().map(|group| group.count).sum());
    report.old_value_sessions = Some(plan.stale.clone());
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_is_spelt_off() {
        assert!(limit("off").unwrap().0.is_none());
        assert_eq!(limit("30s").unwrap().0, Some(Duration::from_secs(30)));
        for wrong in ["0", "00", "OFF", "30", "", "-1s", "1e3"] {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
    }
}
