//! Whether a database may be drained now: it is there, this role may close it, nobody else is at it, and it is open.

use anyhow::Result;

use crate::analyze::fence::{self, Fence, Statements};
use crate::commands::act;
use crate::db::{DatabaseKey, Db};
use crate::error::Failure;
use crate::model::database::{DatabaseAccess, Holder};
use crate::model::quote;
use crate::model::rights::Rights;
use crate::model::server::ServerContext;

/// The database as it is now, for this fence where one was named.
///
/// # Errors
/// When it may not be drained, with who or what stands against it; nothing has been done then.
pub(super) async fn admitted(
    db: &Db,
    server_context: &ServerContext,
    name: &str,
    named: Option<Fence>,
) -> Result<DatabaseAccess> {
    act::refuse_other_products(server_context)?;
    if server_context.server.in_recovery {
        let refused = Failure::refused("this is a standby, where nothing can be altered; nothing was done");
        return Err(refused.hinted("drain the database on the primary").into());
    }
    let Some(database) = db.database(DatabaseKey::Name(name)).await? else {
        return Err(Failure::failed(format!("there is no database \"{name}\"; nothing was done")).into());
    };
    if !database.owned {
        let failure = Failure::failed(format!("role \"{}\" may not close it", server_context.rights.role));
        return Err(failure
            .hinted(format!("that takes its owner, {}, or a superuser", quote::shown(&database.owner)))
            .into());
    }
    if let Some(holder) = db.drain_holders(database.oid).await?.first() {
        return Err(drained_already(&database, holder).into());
    }
    let revoked = || match named {
        None | Some(Fence::Revoke) => fence::revoked(&database),
        Some(Fence::Limit | Fence::Hard) => None,
    };
    match fence::closed(&database).or_else(revoked) {
        None => Ok(database),
        Some(closed) => {
            let message = format!(
                "database {} is closed already: {}; nothing was done",
                quote::shown(&database.name),
                closed.why
            );
            let refused = Failure::refused(message).hinted(closed.remedy);
            Err(refused
                .detailed("a drain that was killed can have left it so, and has said what opens it exactly")
                .into())
        }
    }
}

/// The statements that close it and open it again.
///
/// # Errors
/// When what is there could not be restored.
pub(super) fn statements(fence: Fence, database: &DatabaseAccess, rights: &Rights) -> Result<Statements> {
    fence.statements(database, database, rights).map_err(|why| {
        let refused = Failure::refused(format!("{why}; nothing was done"));
        refused.hinted("another fence: --fence limit, --fence hard").into()
    })
}

/// The refusal of a database that somebody else has in hand.
fn drained_already(database: &DatabaseAccess, holder: &Holder) -> Failure {
    let parts = [
        holder.role.as_deref().map(|role| format!("role {}", quote::shown(role))),
        Some(holder.application_name.clone()).filter(|name| !name.is_empty()),
        holder.client.clone(),
    ];
    let who: Vec<String> = parts.into_iter().flatten().collect();
    let who = if who.is_empty() { String::new() } else { format!(" ({})", who.join(", ")) };
    let name = quote::shown(&database.name);
    Failure::refused(format!(
        "database {name} is being drained already, by pid {}{who}; nothing was done",
        holder.pid
    ))
    .hinted(format!(
        "it is opened again as soon as that drain ends, by Ctrl-C where it was started; a session that only holds the advisory lock \
         of drains is ended with: pgconn kill {}",
        holder.pid
    ))
}
