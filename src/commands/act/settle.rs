//! After the last one is gone: whether those who were ended come back, as pools do within milliseconds.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::analyze::plan::Plan;
use crate::commands::Context;
use crate::db::{Db, Error, Origins};
use crate::model::act::{Action, Fate, Identity};

/// The first pause between two looks; later ones are longer.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Where the sessions of `plan` come from, where it is of interest whether they come back.
///
/// # Errors
/// When the server does not answer.
pub(super) async fn origins(db: &Db, plan: &Plan, settle: Duration) -> Result<Option<Origins>, Error> {
    if plan.action != Action::Terminate || settle.is_zero() {
        return Ok(None);
    }
    let targets: Vec<Identity> = plan.targets().cloned().collect();
    if targets.is_empty() { Ok(None) } else { db.may_return(&targets).await.map(Some) }
}

/// The pids of those that were seen to end.
pub(super) fn ended(plan: &Plan) -> HashSet<i32> {
    let ended = plan.steps.iter().filter(|step| step.outcome.result == Fate::Terminated);
    ended.map(|step| step.outcome.pid).collect()
}

/// How many sessions came back within `settle`; none when that was not watched. It ends early when as many are there as were ended,
/// and at a signal. Who is still there has been waited for already: then one look is enough.
///
/// # Errors
/// When the server does not answer, or did not when it was asked for the origins.
pub(super) async fn returned(
    db: &Db,
    plan: &Plan,
    origins: Result<Option<Origins>, Error>,
    settle: Duration,
    context: &Context,
) -> Result<Option<i64>, Error> {
    let Some(origins) = origins?.and_then(|origins| origins.of(&ended(plan))) else { return Ok(None) };
    let all = i64::try_from(origins.sessions()).unwrap_or(i64::MAX);
    let waits = !plan.steps.iter().any(|step| step.outcome.result == Fate::Signalled);
    let until = Instant::now() + if waits { settle } else { Duration::ZERO };
    let (mut most, mut pause) = (0, FIRST_PAUSE);
    loop {
        let last = Instant::now() >= until || context.stop.signal().is_some();
        most = db.returned(&origins).await?.max(most);
        if last || most >= all {
            return Ok(Some(most));
        }
        tokio::select! {
            () = sleep_until((Instant::now() + pause).min(until)) => {}
            _ = context.stop.pulled() => {}
        }
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}
