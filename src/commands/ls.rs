//! `pgconn ls`: one row per session.

use anyhow::Result;
use clap::ValueEnum;

use super::Context;
use super::absent::NO_SUCH_SESSION;
use super::did_you_mean::did_you_mean;
use super::head::{head_of_look, undecidable};
use super::listing::Sessions;
use super::manual::{Group, Manual};
use super::pooler::snapshot::PoolerSnapshot;
use super::screen_room::ScreenRoom;
use super::shown::Shown;
use super::watch;
use crate::analyze::pooler::End;
use crate::args::{self, Filters};
use crate::db::{self, Db, ErrorKind, Listing, Selection, SortOrder};
use crate::exit::Exit;
use crate::model::session::{Named, Session};
use crate::render::Warning;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Look,
    &[
        ("Every client session, trouble first", "pgconn ls"),
        ("Transactions left open for five minutes", "pgconn ls --state idle-in-transaction --xact-for 5m"),
        ("Sessions of an application in one database", "pgconn ls --db shop --app 'api*'"),
        ("Everything but local sessions, oldest first", "pgconn ls --client '!local' --sort age"),
        ("Some sessions, by pid or session id", "pgconn ls 4711 67a1b2c3.4f2a"),
        ("Who waits for a lock, and for which", "pgconn ls --state waiting"),
        ("One line per session for awk", "pgconn ls -F tsv"),
    ],
);

/// Arguments of `ls`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these sessions; with filters, those that match
    ///
    /// A session is named by its process id or its session id.
    #[arg(value_name = "PID|SESSION_ID", value_parser = args::named)]
    named: Vec<Named>,
    /// Order of the rows
    ///
    /// Without it the oldest transaction is first, then who is longest in its state.
    #[arg(long, value_enum, value_name = "COLUMN")]
    sort: Option<Sort>,
    /// Rows at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    #[command(flatten)]
    filters: Filters,
}

/// What a listing can be sorted by.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    /// Oldest session first
    Age,
    /// Oldest transaction first
    Xact,
    /// Longest running statement first
    Query,
    /// Longest in its state first
    For,
    /// Process id
    Pid,
    /// Database name
    Database,
    /// Role name
    Role,
    /// Application name
    Application,
    /// Client address
    Client,
    /// State
    State,
}

impl Sort {
    const fn order(self) -> SortOrder {
        match self {
            Self::Age => SortOrder::Age,
            Self::Xact => SortOrder::Xact,
            Self::Query => SortOrder::Query,
            Self::For => SortOrder::StateAge,
            Self::Pid => SortOrder::Pid,
            Self::Database => SortOrder::Database,
            Self::Role => SortOrder::Role,
            Self::Application => SortOrder::Application,
            Self::Client => SortOrder::Client,
            Self::State => SortOrder::State,
        }
    }
}

/// Lists sessions.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let listing = Listing {
        selection: Selection {
            filter: args.filters.among(&args.named),
            all_backends: args.filters.all_backends,
        },
        over: None,
        order: args.sort.map_or(SortOrder::XactThenState, Sort::order),
        limit: args.limit,
        query_bytes: context.query_bytes(),
    };
    list("ls", "", &listing, None, context).await
}

/// Lists sessions under the name of a command, `scope` ending the line that counts them.
pub(super) async fn list(
    kind: &'static str,
    scope: &str,
    listing: &Listing,
    pooler: Option<&str>,
    context: &mut Context,
) -> Result<Exit> {
    let room = ScreenRoom::of(context);
    watch::look(context, async |context, db| {
        // Measured once, so that what is fetched is what is counted.
        let lines = room.and_then(|_| ScreenRoom::lines(context));
        let mut unasked = Vec::new();
        let pooler_snapshot = PoolerSnapshot::if_asked(pooler, context, &mut unasked).await?;
        let (server_context, mut listed) = db.sessions(&bounded(listing, lines)).await?;
        let unread = waited_locks(db, &mut listed.sessions).await?;
        if let Some(pooler_snapshot) = &pooler_snapshot {
            for session in &mut listed.sessions {
                let stable = session.xact_seconds.or(session.state_seconds);
                session.pooler_client = pooler_snapshot.client(&End::from(&*session), stable);
            }
        }
        let mut head = head_of_look(db, &server_context, listed.hidden);
        head.warnings.extend(undecidable(listed.undecidable));
        head.warnings.extend(unasked);
        head.warnings.extend(unread);
        let shown: Vec<i32> = listed.sessions.iter().map(|session| session.pid).collect();
        let (absent, exit) = super::absent::absent(db, &listing.selection.filter.named, &shown).await?;
        // Of those that a limit leaves out it is known only whether they are there.
        let whole = i64::try_from(shown.len()).unwrap_or(i64::MAX) >= listed.matched + listed.undecidable;
        head.warnings.extend(absent.into_iter().filter(|warning| whole || warning.code == NO_SUCH_SESSION));
        if listed.matched == 0 {
            head.warnings.extend(did_you_mean(db, &listing.selection.filter).await?);
        }
        let aged = |report: Sessions| if listing.order == SortOrder::Age { report.by_age() } else { report };
        let Some(room) = room else {
            return Ok(Shown { exit, ..Shown::new(aged(Sessions::new(kind, scope, listed)), head) });
        };
        let all = usize::try_from(listed.matched + listed.undecidable).unwrap_or(usize::MAX);
        let total =
            listing.limit.and_then(|limit| usize::try_from(limit).ok()).map_or(all, |limit| all.min(limit));
        let part = room.part(lines, &head, &[]);
        let report = Sessions::on_screen(kind, scope, listed, total, part)
            .selected_by(&listing.selection.filter, pooler.is_some());
        Ok(Shown { exit, ..Shown::new(aged(report), head) })
    })
    .await
}

/// Tells of the sessions that wait for a lock for which one. What is listed already is not lost over that: where the server has
/// answered that it does not tell, or not in time, this is the warning of it.
///
/// # Errors
/// When the server did not answer, or the session is lost.
async fn waited_locks(db: &Db, sessions: &mut [Session]) -> Result<Option<Warning>, db::Error> {
    match db.add_waited_locks(sessions).await {
        Ok(()) => Ok(None),
        Err(error)
            if error.is_refusal()
                && matches!(error.kind, ErrorKind::PermissionDenied | ErrorKind::StatementTimeout) =>
        {
            Ok(Some(Warning {
                code: "not_read",
                message: format!("the locks that are waited for are not known: {error}"),
                hint: error.hint.map(|hint| hint.to_string()),
            }))
        }
        Err(error) => Err(error),
    }
}

/// The listing without the rows that the screen has no line for: they are counted, and not fetched.
fn bounded(listing: &Listing, lines: Option<usize>) -> Listing {
    let lines = lines.and_then(|lines| u32::try_from(lines.max(1)).ok());
    Listing { limit: lines.into_iter().chain(listing.limit).min(), ..listing.clone() }
}
