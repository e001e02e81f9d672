//! Whether a database or a role may be drained now: it is there, this role may close it, nobody else is at it, and it is open.

use anyhow::Result;

use super::kept::Kept;
use super::reopen::sql;
use crate::analyze::closable;
use crate::analyze::fence::{Fence, Statements};
use crate::commands::{Context, act};
use crate::db::{ClosableKey, Db};
use crate::error::Failure;
use crate::model::closable::{Closable, ClosableKind};
use crate::model::database::Holder;
use crate::model::nearest::nearest;
use crate::model::quote;
use crate::model::rights::Rights;
use crate::model::server::ServerContext;
use crate::model::suggestion::{Command, Hint};

/// The database or role of this name as it is now, for this fence where one was named.
///
/// # Errors
/// When it may not be drained, with who or what stands against it; nothing has been done then.
pub(super) async fn admitted(
    db: &Db,
    server_context: &ServerContext,
    system_identifier: Option<&str>,
    (kind, name): (ClosableKind, &str),
    named: Option<Fence>,
    context: &Context,
) -> Result<Closable> {
    let closable = found(db, server_context, kind, name).await?;
    if let Closable::Role(role) = &closable {
        let shown = quote::shown(&role.name);
        if role.superuser {
            let refused = format!("role {shown} is a superuser, whom no limit keeps out; nothing was done");
            return Err(Failure::refused(refused)
                .hinted("take the database from it instead: --db NAME --fence hard")
                .into());
        }
        if role.name == db.target().user {
            let refused = format!("role {shown} is the one that this run logs in as; nothing was done");
            return Err(Failure::refused(refused)
                .hinted("it could not come back to open it: connect as another role (-U)")
                .into());
        }
    }
    may_alter(&closable, &server_context.rights)?;
    if let Some(holder) = db.drain_holders(closable.kind(), closable.oid()).await?.first() {
        return Err(drained_already(&closable, holder).into());
    }
    let place = db.target().place();
    let kept = Kept::find((system_identifier, &place), &closable);
    let left = kept.filter(|kept| !closable::is_undone(kept.fence, &kept.closable, &closable));
    if let Some(closed) = closable::closed(&closable, named) {
        let message = format!("{} is closed already: {}; nothing was done", closable.told(), closed.why);
        let mut failure = Failure::refused(message);
        failure.detail = left.as_ref().map(was_left);
        if closed.open.is_empty() {
            return Err(failure.hinted(only_drop(&closable)).into());
        }
        let mut hint = Hint::from("open it first: ").call(restoring(&closable));
        if left.is_none() {
            hint = hint.then(format!("; by hand: {}", sql(&closed.open)));
        }
        if named.is_none()
            && matches!(&closable, Closable::Database(it) if it.allow_connections && it.connection_limit != 0)
        {
            hint = hint.then("; or, where it is meant so, name the fence: --fence limit");
        }
        return Err(failure.hinted(hint.shown(&context.lead())).into());
    }
    if let Some(kept) = left {
        let message =
            format!("{} is not as it was before a drain that was killed; nothing was done", closable.told());
        return Err(Failure::refused(message)
            .detailed(was_left(&kept))
            .hinted(Hint::from("open it first: ").call(restoring(&closable)).shown(&context.lead()))
            .into());
    }
    Ok(closable)
}

/// The database or role of this name on a server where it can be altered.
///
/// # Errors
/// When there is none, or nothing can be altered here.
pub(super) async fn found(
    db: &Db,
    server_context: &ServerContext,
    kind: ClosableKind,
    name: &str,
) -> Result<Closable> {
    act::refuse_other_products(server_context)?;
    let word = kind.word();
    if server_context.server.in_recovery {
        let refused = Failure::refused("this is a standby, where nothing can be altered; nothing was done");
        return Err(refused.hinted(format!("drain the {word} on the primary")).into());
    }
    let found = db.closable(ClosableKey::Name(kind, name)).await?;
    if let Some(found) = found {
        return Ok(found);
    }
    let names = db.names().await?;
    let known = names.iter().filter(|(of, _)| of == word).map(|(_, name)| name.as_str());
    let failure = Failure::failed(format!("there is no {word} \"{name}\"; nothing was done"));
    Err(match nearest(name, known) {
        Some(near) => failure.hinted(format!("did you mean {near}?")),
        None => failure,
    }
    .into())
}

/// Makes sure that this role may close and open it.
///
/// # Errors
/// When it may not, with who may.
pub(super) fn may_alter(closable: &Closable, rights: &Rights) -> Result<(), Failure> {
    if closable.may_be_altered() {
        return Ok(());
    }
    let what = match closable.kind() {
        ClosableKind::Database => "database",
        ClosableKind::Role => "role",
    };
    let (role, name) = (&rights.role, quote::shown(closable.name()));
    let failure = Failure::failed(format!("role \"{role}\" may not close {what} {name}; nothing was done"));
    Err(failure.hinted(match closable {
        Closable::Database(database) => {
            format!("that takes its owner, {}, or a superuser", quote::shown(&database.owner))
        }
        Closable::Role(_) => {
            "that takes a superuser, or CREATEROLE and, from PostgreSQL 16 on, ADMIN OPTION for it".into()
        }
    }))
}

/// The statements that close it and open it again.
///
/// # Errors
/// When it could not be opened exactly as it is.
pub(super) fn statements(fence: Fence, closable: &Closable, rights: &Rights) -> Result<Statements, Failure> {
    closable::statements(fence, closable, closable, rights).map_err(|why| {
        let refused = Failure::refused(format!("{why}; nothing was done"));
        refused.hinted("another fence: --fence limit, --fence hard")
    })
}

/// The command that opens it.
pub(super) fn restoring(closable: &Closable) -> Command {
    let flag = match closable.kind() {
        ClosableKind::Database => "--db",
        ClosableKind::Role => "--role",
    };
    Command::pgconn("drain --restore").with(flag, closable.name())
}

/// What can be done with a database that is invalid.
pub(super) fn only_drop(closable: &Closable) -> String {
    format!("only DROP DATABASE {} can remove it", quote::shown(closable.name()))
}

fn was_left(kept: &Kept) -> String {
    format!("a drain that was killed left it so; what was before is in {}", kept.file().display())
}

/// The refusal of what somebody else has in hand.
pub(super) fn drained_already(closable: &Closable, holder: &Holder) -> Failure {
    let parts = [
        holder.role.as_deref().map(|role| format!("role {}", quote::shown(role))),
        Some(holder.application_name.clone()).filter(|name| !name.is_empty()),
        holder.client.clone(),
    ];
    let who: Vec<String> = parts.into_iter().flatten().collect();
    let who = if who.is_empty() { String::new() } else { format!(" ({})", who.join(", ")) };
    Failure::refused(format!(
        "{} is being drained already, by pid {}{who}; nothing was done",
        closable.told(),
        holder.pid
    ))
    .hinted(format!(
        "it is opened again as soon as that drain ends, by Ctrl-C where it was started; a session that only holds the advisory lock \
         of drains is ended with: pgconn kill {}",
        holder.pid
    ))
}
