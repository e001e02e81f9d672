//! `drain --restore`: opens what a drain that was killed left closed, as it was by its state file, else by what the server shows.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::admit;
use super::arguments::Args;
use super::elsewhere::connect_elsewhere;
use super::kept::{self, Kept};
use super::reopen::{Before, Restored, restore, sql};
use super::reopened::{ReopenResult, Reopened};
use super::report::DrainReport;
use crate::analyze::closable;
use crate::analyze::consent::{Consent, Reach};
use crate::commands::act::{self, hold_status};
use crate::commands::head::head;
use crate::commands::{Context, closed};
use crate::db::{ClosableKey, Db, Error, ExpectedClosable};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::closable::{Closable, ClosableKind};
use crate::model::server::ServerContext;
use crate::render::table::Block;
use crate::render::{Head, Warning};

/// How long the session of a drain that was killed may take to be gone.
const GONE: Duration = Duration::from_secs(2);
/// The pause before looking again whether it is.
const PAUSE: Duration = Duration::from_millis(50);

/// What is to be opened.
struct Task {
    /// What was before, where that was written down.
    kept: Option<Kept>,
    /// As it is now; none when it is no more.
    now: Option<Closable>,
    /// What opens it.
    statements: Vec<String>,
    /// Whether they let in who may never have been let in.
    grants: bool,
    told: Reopened,
}

/// Looks what was left closed, asks where that is not certain, and opens it.
pub(super) async fn run(args: &Args, context: &mut Context) -> Result<Exit> {
    let db = connect_elsewhere(context, args.db.as_deref()).await?;
    let server_context = db.server_context().await?;
    act::refuse_other_products(&server_context)?;
    let system_identifier = db.system_identifier().await?;
    let mut head = head(&db, &server_context, 0);
    let mut tasks = tasks(args, &db, &server_context, system_identifier.as_deref(), &mut head).await?;
    if tasks.is_empty() {
        return nothing(args, &db, head, context).await;
    }
    let unknown = tasks.iter().any(|task| task.kept.is_none() && !task.statements.is_empty());
    head.warnings.extend(
        unknown.then(|| Warning {
            code: "former_value_unknown",
            message:
                "what was before is not known here: it gets what PostgreSQL has where nothing was ever set"
                    .into(),
            hint: Some("where the drain ran, its state file may still be: run this there".into()),
        }),
    );
    if tasks.iter().any(|task| task.grants)
        && !(args.yes.is_given() || args.dry_run || context.ui.is_terminal())
    {
        let why = "whom it let in is not known, and there is no terminal to ask whether everybody is to be";
        return Err(Failure::refused(format!("{why}; nothing was done"))
            .hinted("look first with --dry-run, then add --yes, or grant CONNECT by hand")
            .into());
    }
    // What was written down by a drain that was killed is only undone.
    let reach = if unknown { Reach::Filtered } else { Reach::Named };
    let consent = act::consent(reach, &args.yes, args.dry_run, context)?;
    let line =
        |task: &Task| Block::line(format!("to open {}: {}", task.told.subject(), sql(&task.statements)));
    let blocks: Vec<Block> = tasks.iter().filter(|task| !task.statements.is_empty()).map(line).collect();
    act::present(&blocks, &mut head, if args.dry_run { Consent::Given } else { consent }, context);
    if !args.dry_run {
        if consent == Consent::Ask {
            let question = format!("Open what was left closed on {}?", db.target().place());
            act::confirm(&question, context).await?;
        }
        hold_status::not_interrupted(context)?;
        let db = db.until_done();
        let is_single = tasks.len() == 1;
        for task in &mut tasks {
            match open(task, &db, &server_context, system_identifier.as_deref(), context).await {
                Err(failure) if is_single => return Err(failure.into()),
                Err(failure) => {
                    task.told.result = ReopenResult::Failed;
                    task.told.error = Some(failure.message);
                    task.told.hint = failure.hint;
                }
                Ok(()) => {}
            }
        }
        db.close().await;
    }
    let reopened: Vec<Reopened> = tasks.into_iter().map(|task| task.told).collect();
    let hints: Vec<String> = reopened.iter().filter_map(|one| one.hint.clone()).collect();
    let failed = reopened.iter().filter(|one| one.is_failure()).count();
    let exit = match (failed, reopened.len() - failed) {
        (0, _) => Exit::Done,
        (_, 0) => Exit::Failed,
        _ => Exit::Partly,
    };
    context.emit(&DrainReport::reopened(args, reopened), &head)?;
    hints.iter().for_each(|hint| context.ui.hint(hint));
    Ok(exit)
}

/// Says that there is nothing to open, and which databases are closed all the same.
async fn nothing(args: &Args, db: &Db, mut head: Head, context: &mut Context) -> Result<Exit> {
    let closed = db.closed_databases().await?;
    head.warnings.extend(closed.iter().map(|closed| {
        let closable = closed::told(closed);
        let hint = closed::remedy(closed);
        Warning { code: "closed", message: closable, hint: Some(hint.shown(&context.lead())) }
    }));
    context.emit(&DrainReport::reopened(args, Vec::new()), &head)?;
    Ok(Exit::Done)
}

/// What is to be opened: what was named, else everything that was written down of this server.
async fn tasks(
    args: &Args,
    db: &Db,
    server_context: &ServerContext,
    system_identifier: Option<&str>,
    head: &mut Head,
) -> Result<Vec<Task>> {
    let place = db.target().place();
    let all = kept::all().unwrap_or_else(|error| {
        head.warnings.push(unreadable("the folder of the state files", &error.to_string()));
        kept::AllKept::default()
    });
    head.warnings
        .extend(all.unreadable.iter().map(|(file, why)| unreadable(&file.display().to_string(), why)));
    let mut kept: Vec<Kept> =
        all.kept.into_iter().filter(|kept| kept.is_of((system_identifier, &place))).collect();
    let named = [(ClosableKind::Database, &args.db), (ClosableKind::Role, &args.role)];
    let named = named.into_iter().filter_map(|(kind, name)| Some((kind, name.as_deref()?)));
    let mut tasks = Vec::new();
    let mut is_any = false;
    for (kind, name) in named {
        is_any = true;
        let now = db.closable(ClosableKey::Name(kind, name)).await?;
        let is_it = |kept: &Kept| {
            let oid = now.as_ref().map(Closable::oid);
            kept.closable.kind() == kind
                && oid.map_or_else(|| kept.closable.name() == name, |oid| kept.closable.oid() == oid)
        };
        let at = kept.iter().position(is_it);
        let kept = at.map(|at| kept.swap_remove(at));
        if now.is_none() && kept.is_none() {
            admit::found(db, server_context, kind, name).await?;
        }
        tasks.push(task(kept, now, db, server_context).await?);
    }
    if !is_any {
        for kept in kept {
            tasks.push(task(Some(kept), None, db, server_context).await?);
        }
    }
    if server_context.server.in_recovery && !tasks.is_empty() {
        let refused = Failure::refused("this is a standby, where nothing can be altered; nothing was done");
        return Err(refused.hinted("open it on the primary").into());
    }
    Ok(tasks)
}

async fn task(
    kept: Option<Kept>,
    now: Option<Closable>,
    db: &Db,
    server_context: &ServerContext,
) -> Result<Task, Error> {
    let now = match (&kept, now) {
        (Some(kept), None) => {
            db.closable(ClosableKey::Oid(kept.closable.kind(), kept.closable.oid())).await?
        }
        (_, now) => now,
    };
    let rights = &server_context.rights;
    let opening = now.as_ref().and_then(closable::opening).filter(|_| kept.is_none());
    let grants = opening.as_ref().is_some_and(|(_, grants)| *grants);
    let of_kept = |kept: &Kept, now: &Closable| {
        let is_open = closable::is_undone(kept.fence, &kept.closable, now) || closable::is_invalid(now);
        let statements = closable::statements(kept.fence, &kept.closable, now, rights);
        statements.ok().filter(|_| !is_open).map(|statements| statements.restore)
    };
    let statements = match (&kept, &now) {
        (Some(kept), Some(now)) => of_kept(kept, now).unwrap_or_default(),
        _ => opening.map(|(statements, _)| statements).unwrap_or_default(),
    };
    let result = match &now {
        None => ReopenResult::Gone,
        Some(now) if closable::is_invalid(now) => ReopenResult::Invalid,
        Some(_) if statements.is_empty() => ReopenResult::Open,
        Some(_) => ReopenResult::WouldOpen,
    };
    let of = now.as_ref().or_else(|| kept.as_ref().map(|kept| &kept.closable));
    let name = |kind: ClosableKind| {
        of.filter(|closable| closable.kind() == kind).map(|closable| closable.name().to_owned())
    };
    let told = Reopened {
        database: name(ClosableKind::Database),
        role: name(ClosableKind::Role),
        state_file: kept.as_ref().map(|kept| kept.file().display().to_string()),
        restore_sql: (!statements.is_empty()).then(|| sql(&statements)),
        result,
        error: None,
        hint: now.as_ref().filter(|now| closable::is_invalid(now)).map(admit::only_drop),
    };
    Ok(Task { kept, now, statements, grants, told })
}

/// Opens it, and takes its state file away.
///
/// # Errors
/// When a drain has it in hand, when this role may not, and when the server does not answer.
async fn open(
    task: &mut Task,
    db: &Db,
    server_context: &ServerContext,
    system_identifier: Option<&str>,
    context: &Context,
) -> Result<(), Failure> {
    let (opened, was_closed) = try_to_open(task, db, server_context, system_identifier).await?;
    task.told.result = match opened {
        Restored::Gone => ReopenResult::Gone,
        Restored::Invalid => ReopenResult::Invalid,
        Restored::Done | Restored::Changed if was_closed => ReopenResult::Opened,
        Restored::Done | Restored::Changed => ReopenResult::Open,
        Restored::Failed { why, by_hand } => {
            task.told.error = Some(why);
            task.told.hint = by_hand.map(|sql| format!("by hand: {sql}"));
            ReopenResult::Failed
        }
    };
    if task.told.result != ReopenResult::Failed
        && let Some(Err(error)) = task.kept.as_ref().map(Kept::remove)
    {
        let file = task.told.state_file.clone().unwrap_or_default();
        context.ui.warning(&Warning {
            code: "state_file_left",
            message: format!("{file} could not be removed: {error}"),
            hint: None,
        });
    }
    Ok(())
}

async fn try_to_open(
    task: &Task,
    db: &Db,
    server_context: &ServerContext,
    system_identifier: Option<&str>,
) -> Result<(Restored, bool), Failure> {
    let Some(now) = &task.now else { return Ok((Restored::Gone, false)) };
    let (kind, oid) = (now.kind(), now.oid());
    let deadline = Instant::now() + GONE;
    loop {
        // The lock keeps a drain away that would take what is still closed for what was before.
        let is_locked = db.own_session().await?.is_none() || db.lock_for_drain(kind, oid).await?;
        match db.drain_holders(kind, oid).await?.first() {
            None if is_locked => break,
            Some(holder) if Instant::now() >= deadline => return Err(admit::drained_already(now, holder)),
            None if Instant::now() >= deadline => {
                return Err(Failure::failed("another drain of it has only just ended; nothing was done"));
            }
            _ => sleep(PAUSE).await,
        }
    }
    let Some(kept) = &task.kept else {
        if closable::is_invalid(now) {
            return Ok((Restored::Invalid, true));
        }
        if task.statements.is_empty() {
            return Ok((Restored::Done, false));
        }
        admit::may_alter(now, &server_context.rights)?;
        let expected = ExpectedClosable { system_identifier, closable: now, is_unchanged: true };
        if !db.change_fence(&expected, &task.statements).await? {
            return Err(Failure::failed("it has changed since it was looked at; nothing was done"));
        }
        let after = db.closable(ClosableKey::Oid(kind, oid)).await?;
        let restored = match after {
            None => Restored::Gone,
            Some(after) if closable::opening(&after).is_none() => Restored::Done,
            Some(_) => {
                Restored::Failed { why: "somebody else has closed it meanwhile".into(), by_hand: None }
            }
        };
        return Ok((restored, true));
    };
    // The session of a drain that was killed may have closed it a moment ago.
    let seen = db.closable(ClosableKey::Oid(kind, oid)).await?;
    let was_closed = seen.is_some_and(|seen| !closable::is_undone(kept.fence, &kept.closable, &seen));
    let before = Before {
        closable: &kept.closable,
        fence: kept.fence,
        rights: &server_context.rights,
        system_identifier,
        is_settled: true,
    };
    Ok((restore(db, before).await?, was_closed))
}

fn unreadable(what: &str, why: &str) -> Warning {
    Warning { code: "state_file_unreadable", message: format!("{what} cannot be read: {why}"), hint: None }
}
