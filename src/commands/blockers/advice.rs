//! What lets sessions go on, in words.

use super::report::Blockers;
use crate::model::act::Action;
use crate::model::blocking::{Blocked, FreeingAct, Replay};
use crate::model::quote::finish_prepared;
use crate::model::suggestion::{Command, Lead};
use crate::render::text;

/// How many of the acts are proposed to people.
const ADVISED: usize = 3;

/// What lets sessions go on, in commands that lead where `lead` does, or why that cannot be done here. With the pids of those that
/// are to end, by which the table names them; a command names them by what outlives a pid.
pub(super) fn advice(report: &Blockers, lead: &Lead) -> Vec<String> {
    let acts = report.free_sets.iter().take(ADVISED).map(|act| advice_for(report, act, lead));
    report.replay.iter().map(ends_by_itself).chain(acts).collect()
}

/// When those that keep replay waiting are ended without anybody's doing, and what would keep them from being in the way.
fn ends_by_itself(replay: &Replay) -> String {
    let Replay { setting, .. } = replay;
    let at_most = if replay.wait_at_most { "at most " } else { "" };
    let waited = replay.wait_seconds.map(|seconds| format!(" {at_most}{}", text::duration(seconds)));
    let whom = match replay.waits_for.as_slice() {
        [] => String::new(),
        pids => format!(" for {}", listed(pids)),
    };
    let ends = match (replay.limit_seconds, replay.ends_within_seconds) {
        (Some(seconds), Some(left)) => {
            format!("{setting} = {} ends them within {}", text::duration(seconds), text::duration(left))
        }
        _ => format!("{setting} = -1 never ends them"),
    };
    let snapshots = match replay.oldest_snapshots.as_slice() {
        [] => String::new(),
        pids => {
            let feedback =
                if replay.hot_standby_feedback { "on" } else { "off: on makes such conflicts rare" };
            format!("; the oldest snapshot is that of {}; hot_standby_feedback is {feedback}", listed(pids))
        }
    };
    format!("replay has waited{}{whom}: {ends}{snapshots}", waited.unwrap_or_default())
}

fn listed(pids: &[i32]) -> String {
    pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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
    let pids = listed(&act.pids);
    if let Some(why_not) = &act.why_not {
        let wait = if act.frees.len() == 1 { "waits" } else { "wait" };
        return format!("{freed} {wait} for {pids}: {why_not}");
    }
    let action = if act.action == Some(Action::Cancel) { "cancel" } else { "kill" };
    let command = act.sessions.iter().fold(Command::pgconn(action), |command, id| command.word(id));
    ends.insert(0, command.shown(lead));
    let behind = act.then.zip(act.then_blocks);
    let behind = behind.map(|(pid, behind)| format!("{pid} then holds up {}", text::count(behind, "other")));
    let follow = act.others_may_follow.then(|| "then others may follow".to_owned());
    let then: Vec<String> =
        behind.into_iter().chain(wait_next(report, act)).chain(go_on(report, act)).chain(follow).collect();
    let then = if then.is_empty() { String::new() } else { format!(" ({})", then.join("; ")) };
    let verb = if action == "cancel" { "cancel" } else { "end" };
    format!("to free {freed}, {verb} {pids}{then}: {}", ends.join("; and "))
}

/// For whom those that are freed would have had to wait next: why these have to end, too.
fn wait_next<'a>(report: &'a Blockers, act: &'a FreeingAct) -> impl Iterator<Item = String> + 'a {
    let waits = |session: &&Blocked| act.frees.contains(&session.pid) && !session.waits_next.is_empty();
    let waits = report.sessions.iter().filter(waits);
    waits.map(|session| format!("{} waits for {} next", session.pid, listed(&session.waits_next)))
}

/// Who would go on, but only to wait for others: it is not free then.
fn go_on<'a>(report: &'a Blockers, act: &'a FreeingAct) -> impl Iterator<Item = String> + 'a {
    let ends = |pid: &i32| act.pids.contains(pid);
    let goes_on = move |session: &&Blocked| {
        let waits_no_more = session.blocked_by.iter().all(ends);
        waits_no_more && !session.waits_next.iter().all(ends) && !act.frees.contains(&session.pid)
    };
    let waits = report.sessions.iter().filter(|session| session.waits).filter(goes_on);
    waits.map(move |session| {
        let next: Vec<i32> = session.waits_next.iter().copied().filter(|pid| !ends(pid)).collect();
        format!("{} goes on to wait for {}", session.pid, listed(&next))
    })
}
