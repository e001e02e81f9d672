//! The answer of `show`, as scripts have it.

use serde::Serialize;

use super::words;
use crate::analyze::blocking;
use crate::analyze::plan::{self, Plan};
use crate::model::act::{Action, Fate, Wait, Wanted};
use crate::model::one_session::{Neighbour, OneSession, SessionLock};
use crate::model::session::{Named, Session};
use crate::model::suggestion::{Command, Lead};
use crate::render::columns::{Column, Value};
use crate::render::json::List;
use crate::render::table::Block;
use crate::render::{Head, Headline, Report, tsv};

/// The answer of `show`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct Shows {
    /// The session, as `ls` lists it, its query whole.
    #[serde(flatten)]
    pub(super) session: Session,
    /// Whom it waits for; a prepared transaction has no pid but a gid.
    pub(super) blocked_by: Vec<Neighbour>,
    /// Who waits for it, those who wait for others that wait for it included, longest first.
    pub(super) blocks: Vec<Neighbour>,
    /// How many those are; null when more sessions wait than were looked at.
    pub(super) blocks_total: Option<i64>,
    /// Locks that it waits for or holds (those on its own transaction ids only where somebody waits for them), the most important
    /// first, 200 at most.
    pub(super) locks: Vec<SessionLock>,
    /// How many more there are.
    pub(super) locks_left_out: i64,
    /// Locks it holds and ending it releases, counted as `kill` counts them.
    pub(super) locks_held: i64,
    /// Cancelling what it runs.
    pub(super) cancel: WhatIf,
    /// Ending it.
    pub(super) terminate: WhatIf,
    /// How to see another session, with the flags that lead to the server.
    #[serde(skip)]
    pub(super) lead: Lead,
}

/// What an act on it would come to.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct WhatIf {
    /// What would become of it: `would_terminate`, `not_permitted`, `no_effect`, …
    pub(super) result: Fate,
    /// Whether this role may do it.
    pub(super) permitted: bool,
    /// Why it would not be done, or would do nothing, or not at once; null when there is nothing to say.
    pub(super) why_not: Option<String>,
    /// What it would leave behind, or what would have to be started over; null when there is nothing of that.
    pub(super) leaves_behind: Option<String>,
    /// The command that does it; null when it would not be done.
    pub(super) command: Option<String>,
}

impl Shows {
    /// What is told of the session in `one`, with commands that lead where `lead` does.
    pub(super) fn new(one: OneSession, lead: &Lead) -> Self {
        let pid = one.facts.candidates.first().map_or(0, |candidate| candidate.session.pid);
        let wanted =
            Wanted { named: vec![Named { pid, started: None }], all_backends: true, ..Wanted::default() };
        let planned = |action| plan::plan(action, &wanted, &one.facts);
        let (cancel, terminate) = (planned(Action::Cancel), planned(Action::Terminate));
        let (blocked_by, blocks) = neighbours(pid, &one);
        let outcome = terminate.steps.first().map(|step| &step.outcome);
        let kind =
            one.facts.candidates.first().and_then(|candidate| candidate.session.backend_type.as_deref());
        let is_client = kind == Some("client backend");
        let told = i64::try_from(one.locks.len()).unwrap_or(i64::MAX);
        Self {
            blocks_total: outcome.and_then(|outcome| outcome.sessions_waiting),
            locks_held: outcome.and_then(|outcome| outcome.locks_held).unwrap_or(0),
            cancel: what_if(&cancel, is_client, lead),
            terminate: what_if(&terminate, is_client, lead),
            session: one
                .facts
                .candidates
                .into_iter()
                .next()
                .map(|candidate| candidate.session)
                .unwrap_or_default(),
            blocked_by,
            blocks,
            locks_left_out: one.locks_total - told,
            locks: one.locks,
            lead: lead.clone(),
        }
    }
}

/// Whom it waits for, and who waits for it, longest first.
fn neighbours(pid: i32, one: &OneSession) -> (Vec<Neighbour>, Vec<Neighbour>) {
    let waits = &one.facts.waits;
    let before = waits.iter().find(|wait| wait.pid == pid).map_or(&[][..], |wait| &wait.blocked_by);
    let behind = blocking::graph(waits.iter().map(Wait::edges)).waiting_for(&[pid]);
    let is_direct = |other: i32| waits.iter().any(|wait| wait.pid == other && wait.blocked_by.contains(&pid));
    let known = |wanted: &dyn Fn(i32) -> bool| -> Vec<Neighbour> {
        let of = one.neighbours.iter().filter(|one| one.pid.is_some_and(|pid| pid != 0 && wanted(pid)));
        of.cloned().collect()
    };
    let mut blocked_by = known(&|other| before.contains(&other));
    for one in &mut blocked_by {
        one.direct = true;
    }
    blocked_by.extend(one.prepared.iter().map(|prepared| Neighbour {
        pid: None,
        session_id: None,
        gid: Some(prepared.gid.clone()),
        database: Some(prepared.database.clone()),
        role: Some(prepared.owner.clone()),
        application_name: None,
        client: None,
        backend_type: None,
        state: None,
        wait_seconds: None,
        direct: true,
    }));
    let mut blocks = known(&|other| behind.contains(&other));
    for one in &mut blocks {
        one.direct = one.pid.is_some_and(is_direct);
    }
    (blocked_by, blocks)
}

fn what_if(plan: &Plan, is_client: bool, lead: &Lead) -> WhatIf {
    let Some(step) = plan.steps.first() else {
        return WhatIf {
            result: Fate::Gone,
            permitted: false,
            why_not: None,
            leaves_behind: None,
            command: None,
        };
    };
    let outcome = &step.outcome;
    let command = step.identity.as_ref().map(|_| {
        let command = Command::pgconn(match (plan.action, is_client) {
            (Action::Cancel, true) => "cancel",
            (Action::Cancel, false) => "cancel --all-backends",
            (Action::Terminate, true) => "kill",
            (Action::Terminate, false) => "kill --all-backends",
        });
        let pid = outcome.pid.to_string();
        command.word(outcome.session_id.as_ref().unwrap_or(&pid)).shown(lead)
    });
    WhatIf {
        result: outcome.result,
        permitted: outcome.permitted.unwrap_or(false),
        why_not: outcome.error.clone(),
        leaves_behind: outcome.leaves_behind.clone(),
        command,
    }
}

impl Report for Shows {
    fn kind(&self) -> &'static str {
        "show"
    }

    fn lists(&self) -> Vec<List<'_>> {
        Vec::new()
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        words::blocks(self)
    }

    fn headline(&self) -> Headline {
        Headline { mark: words::mark(self), text: words::state(&self.session) }
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(COLUMNS, [self])
    }
}

fn pids(neighbours: &[Neighbour]) -> String {
    neighbours.iter().filter_map(|one| one.pid).map(|pid| pid.to_string()).collect::<Vec<_>>().join(",")
}

/// What scripts read in a row.
const COLUMNS: &[Column<Shows>] = &[
    Column::script("pid", |row| row.session.pid.into()),
    Column::script("session_id", |row| row.session.session_id.as_ref().into()),
    Column::script("backend_start", |row| row.session.backend_start.as_ref().into()),
    Column::script("backend_type", |row| row.session.backend_type.as_ref().into()),
    Column::script("database", |row| row.session.database.as_ref().into()),
    Column::script("role", |row| row.session.role.as_ref().into()),
    Column::script("application_name", |row| (&row.session.application_name).into()),
    Column::script("client", |row| row.session.client.as_ref().into()),
    Column::script("client_port", |row| row.session.client_port.into()),
    Column::script("state", |row| row.session.state.as_ref().into()),
    Column::script("wait_event_type", |row| row.session.wait_event_type.as_ref().into()),
    Column::script("wait_event", |row| row.session.wait_event.as_ref().into()),
    Column::script("xact_start", |row| row.session.xact_start.as_ref().into()),
    Column::script("query_start", |row| row.session.query_start.as_ref().into()),
    Column::script("state_change", |row| row.session.state_change.as_ref().into()),
    Column::script("session_seconds", |row| Value::seconds(row.session.session_seconds)),
    Column::script("xact_seconds", |row| Value::seconds(row.session.xact_seconds)),
    Column::script("query_seconds", |row| Value::seconds(row.session.query_seconds)),
    Column::script("state_seconds", |row| Value::seconds(row.session.state_seconds)),
    Column::script("backend_xid", |row| row.session.backend_xid.map(i64::from).into()),
    Column::script("backend_xmin", |row| row.session.backend_xmin.map(i64::from).into()),
    Column::script("xmin_age", |row| row.session.xmin_age.into()),
    Column::script("parallel_workers", |row| row.session.parallel_workers.into()),
    Column::script("hidden", |row| row.session.hidden.into()),
    Column::script("can_signal", |row| row.session.can_signal.into()),
    Column::script("blocked_by", |row| pids(&row.blocked_by).into()),
    Column::script("blocks", |row| pids(&row.blocks).into()),
    Column::script("blocks_total", |row| row.blocks_total.into()),
    Column::script("locks_held", |row| row.locks_held.into()),
    Column::script("cancel_result", |row| row.cancel.result.word().into()),
    Column::script("terminate_result", |row| row.terminate.result.word().into()),
    Column::script("pooler_client_addr", |row| {
        row.session.pooler_client.as_ref().and_then(|client| client.addr.as_ref()).into()
    }),
    Column::script("pooler_client_port", |row| {
        row.session.pooler_client.as_ref().and_then(|client| client.port).into()
    }),
    Column::script("pooler_client_application_name", |row| {
        row.session.pooler_client.as_ref().and_then(|client| client.application_name.as_ref()).into()
    }),
    Column::script("query_id", |row| row.session.query_id.as_ref().into()),
    Column::script("query_truncated", |row| row.session.query_truncated.into()),
    Column::script("query", |row| row.session.query.as_ref().into()),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(COLUMNS), [""; 0]);
    }
}
