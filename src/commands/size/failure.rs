//! What makes a run fail that has its answer: a plan that gives somebody nothing, or pools of today that do not fit.

use crate::analyze::sizing::current::{Current, Verdict};
use crate::analyze::sizing::{PoolerSizes, Refused, SizePlan};
use crate::error::Failure;
use crate::poolconf::Mode;

/// What the plan is in this mode, PgBouncer's sizes behind it, or why it is infeasible. A transaction pooler lets pools
/// exist that have no room on the server itself.
pub(super) fn judged(plan: &SizePlan, mode: Mode) -> Result<Option<PoolerSizes>, Failure> {
    let direct = || plan.infeasible.clone().map_or(Ok(()), |refused| Err(infeasible(refused)));
    let sizes = match mode {
        Mode::Direct => return direct().map(|()| None),
        Mode::Session => direct().map(|()| &plan.pooler.session)?,
        Mode::Transaction => &plan.pooler.transaction,
    };
    sizes.clone().map(Some).map_err(infeasible)
}

/// Pools of today that the server refuses connections to.
pub(super) fn refused_today(current: &Current) -> Option<Failure> {
    (current.verdict == Verdict::TooMany).then(|| {
        let failure = Failure::failed(format!("what runs today does not fit: {}", current.words()));
        match &current.change_first {
            Some(change) => failure.hinted(format!("change first: {change}")),
            None => failure,
        }
    })
}

/// A plan that gives somebody no connection.
pub(super) fn infeasible(refused: Refused) -> Failure {
    Failure::failed(format!("infeasible: {}", refused.message)).hinted(refused.hint.unwrap_or_default())
}
