//! What lets sessions go on, in words.

use super::report::Blockers;
use crate::model::act::Action;
use crate::model::blocking::FreeingAct;
use crate::model::quote::finish_prepared;
use crate::model::suggestion::{Command, Lead};
use crate::render::text;

/// How many of the acts are proposed to people.
const ADVISED: usize = 3;

/// What lets sessions go on, in commands that lead where `lead` does, or why that cannot be done here.
pub(super) fn advice(report: &Blockers, lead: &Lead) -> Vec<String> {
    report.free_sets.iter().take(ADVISED).map(|act| advice_for(report, act, lead)).collect()
}

fn advice_for(report: &Blockers, act: &FreeingAct, lead: &Lead) -> String {
    let freed = text::count(i64::try_from(act.frees.len()).unwrap_or(i64::MAX), "session");
    let of = |gid: &String| report.prepared.iter().find(|prepared| prepared.gid == *gid);
    let prepared = act.prepared.iter().filter_map(of);
    let mut ends: Vec<String> =
        prepared.map(|prepared| finish_prepared(&prepared.database, &prepared.gid)).collect();
    if act.pids.is_empty() {
        return format!("to free those behind it, {}", ends.join("; and "));
    }
    let pids = act.pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if let Some(why_not) = &act.why_not {
        let wait = if act.frees.len() == 1 { "waits" } else { "wait" };
        return format!("{freed} {wait} for {pids}: {why_not}");
    }
    let action = if act.action == Some(Action::Cancel) { "cancel" } else { "kill" };
    let command = act.sessions.iter().fold(Command::pgconn(action), |command, id| command.word(id));
    ends.insert(0, command.shown(lead));
    let then = act
        .then
        .zip(act.then_blocks)
        .map(|(pid, behind)| format!(" ({pid} then holds up {})", text::count(behind, "other")));
    format!("to free {freed}{}: {}", then.unwrap_or_default(), ends.join("; and "))
}
