//! A look that `--timeout` bounds as a whole: what monitoring runs ends in time, whatever hangs.

use std::time::Duration;

use super::Context;
use crate::db::console::Console;
use crate::db::{Db, Error, ErrorKind};
use crate::observe::{Deadline, Observer, OfConsole, OfServer};

/// Asks what is there: a server, or a pooler's console where one answers instead.
///
/// # Errors
/// When it cannot be asked, or does not answer in time.
pub(super) async fn look<T>(
    observer: &mut Observer<OfServer>,
    context: &Context,
    of_server: impl AsyncFn(&Deadline, &Db) -> Result<T, Error>,
    of_console: impl AsyncFn(&Deadline, &Console) -> Result<T, Error>,
) -> Result<T, Error> {
    let deadline = observer.source().endpoint.deadline();
    let looked = look_at_server(observer, &deadline, context, of_server).await;
    match looked {
        Err(error) if error.kind == ErrorKind::PoolerConsole => {
            look_at_console(&mut context.observer_of_own_console()?, &deadline, context, of_console).await
        }
        looked => looked,
    }
}

/// Asks a server.
///
/// # Errors
/// When it cannot be asked, or does not answer by `deadline`.
pub(super) async fn look_at_server<T>(
    observer: &mut Observer<OfServer>,
    deadline: &Deadline,
    context: &Context,
    ask: impl AsyncFn(&Deadline, &Db) -> Result<T, Error>,
) -> Result<T, Error> {
    let looked = observer.look_within(deadline, context.patience(), async |db: &mut Db| {
        // What the server still works on when time is up ends by itself a moment later.
        db.limit(deadline.left().max(Duration::from_millis(1)));
        ask(deadline, db).await
    });
    looked.await
}

/// Asks a console, over a session for this look alone.
///
/// # Errors
/// When it cannot be asked, or does not answer by `deadline`.
pub(super) async fn look_at_console<T>(
    observer: &mut Observer<OfConsole>,
    deadline: &Deadline,
    context: &Context,
    ask: impl AsyncFn(&Deadline, &Console) -> Result<T, Error>,
) -> Result<T, Error> {
    let ask = async |console: &mut Console| ask(deadline, console).await;
    let looked = observer.look_within(deadline, context.patience(), ask).await;
    let _ = deadline.within(observer.close()).await;
    looked
}
