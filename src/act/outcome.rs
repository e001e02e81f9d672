//! What a look says of a session that was signalled.

use crate::analyze::plan::out_of_reach;
use crate::db::Still;
use crate::model::act::{Action, Fate, Outcome};

/// Notes in the outcome of a signalled session what was seen of it: nothing when it is gone.
pub(super) fn note(action: Action, still: Option<&Still>, outcome: &mut Outcome) {
    let hidden = still.is_some_and(|still| still.hidden);
    if std::mem::replace(&mut outcome.unseen, hidden) && !hidden {
        outcome.error = None;
    }
    match (action, still) {
        (_, Some(still)) if still.hidden => {
            outcome.error = Some(
                "who has its process id is hidden from this role since it was signalled, so it may still be there"
                    .into(),
            );
        }
        (Action::Terminate, None) => outcome.result = Fate::Terminated,
        (Action::Terminate, Some(_)) => {}
        (Action::Cancel, Some(still)) if still.running => {
            outcome.error = out_of_reach(still.wait_event.as_deref()).map(str::to_owned);
        }
        (Action::Cancel, _) => {
            outcome.result = Fate::Cancelled;
            outcome.error = None;
        }
    }
}
