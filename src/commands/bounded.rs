//! A look that `--timeout` bounds as a whole: what monitoring runs ends in time, whatever hangs.

use std::time::{Duration, Instant};

use super::Context;
use crate::db::{self, Db, Kind};

/// Why there is nothing to judge or to measure.
pub(super) struct Trouble {
    pub(super) error: db::Error,
    /// True when it came after the login.
    pub(super) inside: bool,
}

impl Trouble {
    /// Before the login.
    pub(super) const fn outside(error: db::Error) -> Self {
        Self { error, inside: false }
    }
}

impl From<db::Error> for Trouble {
    fn from(error: db::Error) -> Self {
        Self { error, inside: true }
    }
}

/// Asks a server, over the connection that was kept from the look before when there is one: that may have been ended
/// meanwhile, and then a new one is made. Where a pooler's console answers instead, `of_console` gets that refusal. Both are
/// told when the look began. With what was found comes the connection to keep for the next look.
pub(super) async fn look<T>(
    context: &Context,
    kept: Option<Db>,
    ask: impl AsyncFn(&Db, Instant) -> Result<T, db::Error>,
    of_console: impl AsyncFn(db::Error, Instant) -> Result<T, Trouble>,
) -> Result<(T, Option<Db>), Trouble> {
    let (began, limit) = (Instant::now(), context.connection.timeout());
    let left = || limit.saturating_sub(began.elapsed());
    let over = async |mut db: Db| {
        // What the server still works on when time is up ends by itself a moment later.
        db.limit(left().max(Duration::from_millis(1)));
        let found = ask(&db, began).await?;
        Ok::<_, Trouble>((found, Some(db)))
    };
    let looked = async {
        if let Some(db) = kept
            && let Ok(found) = over(db).await
        {
            return Ok(found);
        }
        match context.connect_before(began + limit).await {
            Ok(db) => over(db).await,
            Err(error) if error.kind == Kind::PoolerConsole => Ok((of_console(error, began).await?, None)),
            Err(error) => Err(Trouble::outside(error)),
        }
    };
    let (found, db) = in_time(context, looked).await?;
    let kept = match db {
        Some(db) if context.flags.watch.is_none() => {
            let _ = tokio::time::timeout(left(), db.close()).await;
            None
        }
        other => other,
    };
    Ok((found, kept))
}

/// What `looked` comes to, unless the time is up before.
pub(super) async fn in_time<T>(
    context: &Context,
    looked: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let limit = context.connection.timeout();
    let looked = tokio::time::timeout(limit, looked).await;
    looked.unwrap_or_else(|_| Err(Trouble::outside(context.late(limit))))
}
