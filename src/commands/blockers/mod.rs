//! `pgconn blockers`: who waits for whom, as a tree, root first, and what would free them.

mod advice;
#[cfg(test)]
mod golden;
mod queues;
mod report;
mod rows;
pub(super) mod words;

use anyhow::Result;

use super::absent::NO_SUCH_SESSION;
use super::did_you_mean::did_you_mean;
use super::head::{HIDDEN, head_of_look, undecidable};
use super::manual::{Group, Manual};
use super::pooler::snapshot::PoolerSnapshot;
use super::screen_room::ScreenRoom;
use super::shown::Shown;
use super::{Context, watch};
use crate::analyze::freeing;
use crate::analyze::pooler::End;
use crate::args::{self, Filters};
use crate::db::WaitsLookedAt;
use crate::exit::Exit;
use crate::model::blocking::{Blocked, Waits};
use crate::model::session::Named;
use crate::render::Warning;
pub(super) use report::Blockers;
pub(super) use rows::is_utf8;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Look,
    &[
        ("Who holds everybody up, and what would free them?", "pgconn blockers"),
        ("Only the queues in which sessions of one application stand", "pgconn blockers --app checkout"),
        ("The sessions that wait longest, for scripts", "pgconn blockers -F tsv"),
        ("Whose are they? Ask the pooler in between", "pgconn blockers --pooler port=6432"),
    ],
);

/// Arguments of `blockers`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these sessions; with filters, those that match
    ///
    /// A session is named by its process id or its session id.
    #[arg(value_name = "PID|SESSION_ID", value_parser = args::named)]
    named: Vec<Named>,
    /// Look at all waits, not only at the 2,000 longest
    ///
    /// Before PostgreSQL 14 it is the 200 longest.
    #[arg(long)]
    all_waits: bool,
    /// A pooler's console: tell whose each session is
    ///
    /// The client that the pooler serves with it stands beside the session.
    #[arg(long, value_name = "CONNINFO")]
    pooler: Option<String>,
    #[command(flatten)]
    filters: Filters,
}

/// Looks, builds the tree and prints it.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let filter = args.filters.among(&args.named);
    let query_bytes = context.query_bytes();
    let room = ScreenRoom::of(context);
    watch::look(context, async |context, db| {
        let reach = if args.all_waits { WaitsLookedAt::All } else { db.cheap_waits() };
        let mut unasked = Vec::new();
        let pooler_snapshot = PoolerSnapshot::if_asked(args.pooler.as_deref(), context, &mut unasked).await?;
        let (server_context, mut waits) = db.waits(&filter, reach, query_bytes).await?;
        if let Some(pooler_snapshot) = &pooler_snapshot {
            for session in &mut waits.sessions {
                session.pooler_client = pooler_snapshot.client(&end(session), session.xact_seconds);
            }
        }
        let count = |claim: fn(&Blocked) -> bool| {
            i64::try_from(waits.sessions.iter().filter(|session| claim(session)).count()).unwrap_or(i64::MAX)
        };
        let hidden = count(|session| session.hidden && session.waits) + waits.unseen;
        let mut head = head_of_look(db, &server_context, hidden);
        head.warnings.extend(unasked);
        if !filter.is_empty() {
            head.warnings.extend(undecidable(count(|session| session.matches.is_none())));
        }
        head.warnings.extend(not_seen(&waits, reach));
        let found: Vec<i32> = waits.sessions.iter().map(|session| session.pid).collect();
        // Who neither waits nor is waited for is there all the same, and not in the answer.
        let (absent, exit) = super::absent::absent(db, &filter.named, &found).await?;
        head.warnings.extend(absent.into_iter().filter(|warning| warning.code == NO_SUCH_SESSION));
        let mut report = Blockers::new(waits, !filter.is_empty());
        let sets = report.free_sets();
        if !sets.is_empty() {
            let facts = db.who_they_are(&freeing::wanted(&sets)).await?;
            report.plan(&sets, &facts);
        }
        let mut report = report.narrowed();
        if report.sessions.is_empty() {
            head.warnings.extend(did_you_mean(db, &filter).await?);
        }
        if report.sessions.is_empty() {
            // How many they are is said in the answer itself.
            let role = &server_context.rights.role;
            for warning in head.warnings.iter_mut().filter(|warning| warning.code == HIDDEN) {
                warning.message = format!("whether others wait is hidden from role \"{role}\"");
            }
        }
        report.advice = advice::advice(&report, &context.lead());
        report.is_ascii = !rows::is_utf8();
        if let Some(room) = room {
            report.part = Some(room.part(ScreenRoom::lines(context), &head, &report.advice));
        }
        Ok(Shown { exit, ..Shown::new(report, head) })
    })
    .await
}

fn end(session: &Blocked) -> End<'_> {
    End {
        pid: session.pid,
        database: session.database.as_deref(),
        role: session.role.as_deref(),
        client: session.client.as_deref(),
        client_port: None,
    }
}

/// What was left out so that the look costs little, and how to see it.
fn not_seen(waits: &Waits, reach: WaitsLookedAt) -> Option<Warning> {
    let WaitsLookedAt::Longest(most) = reach else { return None };
    (waits.waiting > i64::try_from(most).unwrap_or(i64::MAX)).then(|| Warning {
        code: "waits_cut",
        message: format!("{} wait; only the {most} longest waits were looked at", waits.waiting),
        hint: Some("see all of them with --all-waits".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said_with_how_to_see_it() {
        let waits = |waiting| Waits { waiting, ..Waits::default() };
        let of = |waiting, reach| not_seen(&waits(waiting), reach).map(|warning| warning.message);
        let told = "2001 wait; only the 2000 longest waits were looked at";
        assert_eq!(of(2001, WaitsLookedAt::Longest(2000)).as_deref(), Some(told));
        assert_eq!(of(2000, WaitsLookedAt::Longest(2000)), None);
        assert_eq!(of(9000, WaitsLookedAt::All), None);
    }
}
