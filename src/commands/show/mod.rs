//! `pgconn show`: everything known of one session.

mod found;
#[cfg(test)]
mod golden;
mod report;
mod words;

use anyhow::Result;

use super::absent::not_there;
use super::head::head_of_look;
use super::manual::{Group, Manual};
use super::pooler::snapshot::PoolerSnapshot;
use super::shown::Shown;
use super::{Context, watch};
use crate::analyze::pooler::End;
use crate::args;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::one_session::OneSession;
use crate::model::session::Named;
use crate::render::Warning;
pub(super) use found::Shows;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Look,
    &[
        ("Everything about one session, by its pid", "pgconn show 4711"),
        ("The session that the server's log calls so (%c)", "pgconn show 67a1b2c3.4f2a"),
        ("Whose is it? Ask the pooler in between", "pgconn show 4711 --pooler port=6432"),
        ("How long it has been in its transaction, for a script", "pgconn show 4711 --json"),
    ],
);

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The session, by its process id or its session id
    #[arg(value_name = "PID|SESSION_ID", value_parser = args::named)]
    named: Named,
    /// A pooler's console: tell whose the session is
    ///
    /// The client that the pooler serves with it stands beside the session.
    #[arg(long, value_name = "CONNINFO")]
    pooler: Option<String>,
}

/// Looks at the session and tells everything about it.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let query_bytes = context.keeps_queries_out().then_some(0);
    watch::look(context, async |context, db| {
        let mut unasked = Vec::new();
        let snapshot = PoolerSnapshot::if_asked(args.pooler.as_deref(), context, &mut unasked).await?;
        let (server_context, mut one) = db.one_session(args.named, query_bytes).await?;
        if one.facts.processes.iter().any(|process| process.own) {
            return Err(Failure::failed(format!("{} is the session that asks", args.named)).into());
        }
        let Some(found) = one.facts.candidates.first_mut() else {
            let failure = Failure { code: "no_such_session", ..Failure::failed(not_there(args.named)) };
            return Err(failure
                .hinted("it has ended, or never was; see those that are there with pgconn ls")
                .into());
        };
        let session = &mut found.session;
        let stable = session.xact_seconds.or(session.state_seconds);
        session.pooler_client = snapshot.and_then(|snapshot| snapshot.client(&End::from(&*session), stable));
        let mut head = head_of_look(db, &server_context, i64::from(session.hidden));
        head.warnings.extend(unasked);
        head.warnings.extend(about(args.named, &one));
        Ok(Shown::new(Shows::new(one, &context.lead()), head))
    })
    .await
}

/// What is to be known of who it is, and of what was not looked at.
fn about(named: Named, one: &OneSession) -> Vec<Warning> {
    let Some(candidate) = one.facts.candidates.first() else { return Vec::new() };
    let pid = candidate.session.pid;
    let mut warnings = Vec::new();
    if candidate.session.hidden && named.started.is_some() {
        warnings.push(Warning {
            code: "identity_hidden",
            message: format!("when it began is hidden: {pid} may be another session than {named}"),
            hint: None,
        });
    }
    let is_worker =
        one.facts.processes.iter().any(|process| process.pid == named.pid && process.leader == Some(pid));
    if is_worker {
        warnings.push(Warning {
            code: "parallel_worker",
            message: format!("{named} is a parallel worker of {pid}, which is shown"),
            hint: None,
        });
    }
    if one.facts.waits_cut {
        warnings.push(Warning {
            code: "waits_cut",
            message: "more sessions wait than were looked at: it may block others, or wait, unseen".into(),
            hint: Some("see all waits with pgconn blockers --all-waits".into()),
        });
    }
    warnings
}
