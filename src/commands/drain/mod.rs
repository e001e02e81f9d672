//! `pgconn drain`: close a database or keep a role out, end the sessions in it, hold it empty for a while or for a command, and
//! open it again exactly as it was, whatever happens in between; or open what a run that was killed left closed.

mod admit;
mod arguments;
mod elsewhere;
mod fenced;
#[cfg(test)]
mod golden;
mod in_the_way;
mod kept;
mod occupants;
mod reopen;
mod reopened;
mod report;
mod restore;
mod session;

use anyhow::Result;

use super::Context;
use super::act::{self, hold_status, report::preview};
use super::head::head;
use super::manual::{Group, Manual};
use crate::act::{self as acts, HoldOutcome, WhileHeld, run_held};
use crate::analyze::consent::{Consent, Reach};
use crate::analyze::fence::INVALID;
use crate::analyze::{closable, plan};
use crate::conninfo::ConnInfo;
use crate::db::{Db, Inside};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::act::{Action, Wanted};
use crate::model::closable::{Closable, ClosableKind};
use crate::model::filter::{Filter, Name, Term};
use crate::model::quote;
use crate::model::server::ServerContext;
use crate::render::table::Block;
use crate::render::{Head, Warning, text};
pub(crate) use arguments::Args;
use elsewhere::connect_elsewhere;
use fenced::{DrainRequest, Fenced, Purpose};
use occupants::Seen;
use reopen::{Restored, sql};
pub(super) use report::DrainReport;
use session::SameServer;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Act,
    &[
        (
            "Copy a database that applications keep connecting to",
            "pgconn drain --db shop -- createdb -T shop copy",
        ),
        ("Keep everybody out for ten minutes", "pgconn drain --db shop --for 10m"),
        ("What would be closed, and who would be ended?", "pgconn drain --db shop --for 10m --dry-run"),
        ("Keep one role out of every database", "pgconn drain --role report --for 10m"),
        ("Open what a drain that was killed left closed", "pgconn drain --restore"),
        ("Keep superusers out, too", "pgconn drain --db shop --fence hard -- pg_dump -d shop2 -f shop2.sql"),
    ],
)
.variables(&[
    ("PGCONN_CONFIRM", "`always` demands --yes everywhere"),
    (
        "XDG_STATE_HOME",
        "what was before is written to pgconn/ in it, for --restore [default: ~/.local/state]",
    ),
]);

/// Plans, asks, closes, empties, holds, opens and reports.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    if args.restore {
        return restore::run(&args, context).await;
    }
    if args.command.is_empty() && args.hold.is_none() && !context.ui.is_terminal() {
        return Err(Failure::refused("drain: hold it closed for how long?")
            .hinted("give --for DUR, or a command behind --")
            .into());
    }
    let consent = act::consent(Reach::Filtered, &args.yes, args.dry_run, context)?;
    if let Some(program) = args.command.first() {
        run_held::exists(program)?;
    }
    let named = args.fence()?;
    let db = connect_elsewhere(context, args.db.as_deref()).await?;
    let wanted = wanted(&args);
    let (server_context, facts) = db.facts(&wanted).await?;
    let own = db.own_session().await?;
    let system_identifier = db.system_identifier().await?;
    let plan = plan::plan(Action::Terminate, &wanted, &facts);
    let of = system_identifier.as_deref();
    let closable = admit::admitted(&db, &server_context, of, args.closable(), named, context).await?;
    let inside = inside(&args, &closable, &db, &server_context).await?;
    let obstacles = match &closable {
        Closable::Database(database) => db.obstacles(database.oid).await?,
        Closable::Role(_) => Vec::new(),
    };
    let fence =
        named.unwrap_or_else(|| closable::mildest(&closable, &facts.candidates, &server_context.rights));
    let statements = admit::statements(fence, &closable, &server_context.rights)?;
    let pooled = own.is_none();
    let mut head = head(&db, &server_context, 0);
    head.warnings.extend(pooled.then(not_exclusive));
    head.warnings.extend(
        closable::concern(fence, &closable, &server_context.rights).map(|(code, message)| Warning {
            code,
            message,
            hint: None,
        }),
    );
    let sessions = text::count(i64::try_from(plan.steps.len()).unwrap_or(i64::MAX), "session");
    let who = closable::still_enter(fence, &closable);
    let mut blocks = if plan.steps.is_empty() {
        Vec::new()
    } else {
        preview(&plan, act::plan_channel(consent, context).screen(), &head)
    };
    blocks.push(Block::line(format!("to close it: {} (can still enter: {who})", sql(&statements.close))));
    blocks.extend(args.role.is_some().then(|| Block::line(everywhere(&args))));
    blocks
        .extend(in_the_way::lines(&obstacles, closable.name(), &context.lead()).into_iter().map(Block::line));
    if !args.command.is_empty() {
        blocks.push(Block::line(run_held::led_to(&db.way_back())));
    }
    let asked = if args.dry_run { Consent::Given } else { consent };
    act::present(&blocks, &mut head, asked, context);
    if args.dry_run {
        db.close().await;
        let mut report = DrainReport::new(&args, fence, sql(&statements.restore));
        report.set_in_the_way(&closable, &obstacles, &context.lead());
        context.emit(&report, &head)?;
        return Ok(Exit::Done);
    }
    let (mut db, mut own) = (db, own);
    if consent == Consent::Ask {
        let place = db.target().place();
        let question = format!("{} on {place} and end its {sessions}?", closing(&args));
        act::confirm(&question, context).await?;
        if !db.answers().await {
            // The server or somebody between ends sessions that say nothing for a while.
            db = connect_elsewhere(context, args.db.as_deref()).await?;
            let again = admit::admitted(&db, &server_context, of, args.closable(), named, context).await?;
            if again != closable || db.system_identifier().await? != system_identifier {
                let changed = "the session ended while it was asked, and what was to be closed is not as it was; nothing was done";
                return Err(Failure::failed(changed).hinted("run it again, and see the new plan").into());
            }
            own = db.own_session().await?;
        }
    }
    let way_back = context.endpoint()?.at(db.way_back());
    let source = SameServer::new(way_back, system_identifier, (closable.kind(), closable.oid()), own);
    let purpose =
        if args.command.is_empty() { Purpose::Time(args.hold) } else { Purpose::Command(own_name()) };
    let request = DrainRequest {
        fence,
        is_named: named.is_some(),
        rights: server_context.rights.clone(),
        wanted,
        inside,
        verify: args.verify,
        purpose,
    };
    let mut fenced = Fenced::new(context, source, db.until_done(), closable, request);
    let statements = fenced.take(&server_context, pooled).await?;
    let mut report = DrainReport::new(&args, fence, sql(&statements.restore));
    // Never held back: whoever reads it can open the database when nothing else can.
    context.ui.always(&format!("to open it again by hand: {}", report.restore_sql()));
    hold_status::not_interrupted(context)?;
    let while_held = while_held(&args, fenced.way_back());
    let outcome = acts::hold(&mut fenced, while_held, hold_status::signals(context)).await;
    let outcome = outcome.map_err(|failure| hold_status::by_signal(failure, context))?;
    let (ended, closable, seen) = fenced.end();
    report.set(ended, &outcome, &seen);
    report.set_in_the_way(&closable, &seen.obstacles, &context.lead());
    let advice = closable::advice(fence, &closable);
    finish(context, &report, head, End { outcome, closable, seen, advice }, args.command.is_empty())
}

/// By which application_name the command's own sessions are known: the one that it is given, or that somebody has given it. Nobody
/// else is inside when it begins.
fn own_name() -> String {
    let given = std::env::var("PGAPPNAME").ok().filter(|name| !name.is_empty());
    given.unwrap_or_else(|| format!("pgconn-drain-{}", std::process::id()))
}

/// What happens while it is closed; the command gets the environment that leads where `way_back` does.
fn while_held<'a>(args: &'a Args, way_back: &ConnInfo) -> WhileHeld<'a> {
    let Some((program, arguments)) = args.command.split_first() else { return WhileHeld::Time(args.hold) };
    let mut environment = way_back.variables();
    environment.push(("PGAPPNAME", Some(own_name().into())));
    WhileHeld::Command { program, arguments, environment }
}

/// How a drain went.
struct End {
    outcome: HoldOutcome<Restored>,
    closable: Closable,
    seen: Seen,
    /// What keeps out whom this fence lets in.
    advice: Option<&'static str>,
}

/// Says how it went, worst news first.
fn finish(
    context: &mut Context,
    report: &DrainReport,
    mut head: Head,
    end: End,
    stdout_is_ours: bool,
) -> Result<Exit> {
    let End { outcome: HoldOutcome { ended, reopened, .. }, closable, seen, advice } = end;
    match reopened {
        Some(Restored::Failed { why, by_hand }) => {
            let word = closable.kind().word();
            let failure = Failure::failed(format!("the {word} was left closed: {why}"));
            let by_hand = by_hand.as_deref().unwrap_or(report.restore_sql());
            let again = admit::restoring(&closable).shown(&context.lead());
            return Err(failure
                .hinted(format!("open it by hand: {by_hand}\nor, when that can be: {again}"))
                .into());
        }
        Some(Restored::Invalid) => {
            let message = format!("{} is invalid: {INVALID}; nobody can enter it", closable.told());
            let failure = Failure::failed(message).hinted(admit::only_drop(&closable));
            return Err(hold_status::by_signal(failure, context).into());
        }
        Some(Restored::Changed) => head.warnings.push(Warning {
            code: "changed_meanwhile",
            message: "somebody else has changed who may enter it meanwhile, which stays as they made it"
                .into(),
            hint: None,
        }),
        Some(Restored::Done | Restored::Gone) | None => {}
    }
    head.warnings.extend(seen.missed.as_ref().map(|why| Warning {
        code: "not_seen",
        message: format!("who was inside could not be seen all the time: {why}"),
        hint: None,
    }));
    let status = ended.map(|ended| ended.status).map_err(|failure| {
        let message = format!("{}; it is open again", failure.message);
        Failure { message, ..failure }
    });
    let was_alone = seen.clients() == 0;
    let ended_well = matches!(&status, Ok(Some(status)) if status.success());
    let concluded = hold_status::conclude(context, report, &head, status, stdout_is_ours);
    if was_alone {
        return concluded;
    }
    let who = seen.named().join("\n");
    let were = if seen.occupants.len() == 1 { "was" } else { "were" };
    match concluded {
        Ok(Exit::Done) if ended_well => {
            let message = format!("{} {were} inside while the command ran, which ended well", seen.count());
            let mut hint = "sessions of the command itself are known by PGAPPNAME".to_owned();
            if let Some(advice) = advice {
                hint = format!("{advice}; {hint}");
            }
            Err(Failure::failed(message).detailed(who).hinted(hint).into())
        }
        Ok(exit) => {
            advice.iter().for_each(|hint| context.ui.hint(hint));
            Ok(exit)
        }
        Err(error) => Err(match error.downcast::<Failure>() {
            Ok(failure) => {
                let hint = failure.hint.clone().or(advice.map(str::to_owned));
                let inside = format!("{} {were} inside\n{who}", seen.count());
                Failure { hint, ..failure.detailed(inside) }.into()
            }
            Err(error) => error,
        }),
    }
}

/// Every client session in the database, or of the role, pgconn's others included.
fn wanted(args: &Args) -> Wanted {
    let exactly = |name: &String| Term { exclude: false, value: Name::Exact(name.clone()) };
    let (databases, roles) = (args.db.iter().map(exactly).collect(), args.role.iter().map(exactly).collect());
    let filter = Filter { databases, roles, ..Filter::default() };
    Wanted { filter, pgconn_too: true, ..Wanted::default() }
}

/// Whose sessions these are.
async fn inside(args: &Args, closable: &Closable, db: &Db, server_context: &ServerContext) -> Result<Inside> {
    let database = match (closable, &args.db) {
        (Closable::Database(database), _) => Some(database.oid),
        (Closable::Role(_), None) => None,
        (Closable::Role(_), Some(name)) => {
            Some(admit::found(db, server_context, ClosableKind::Database, name).await?.oid())
        }
    };
    Ok(Inside { database, role: matches!(closable, Closable::Role(_)).then(|| closable.oid()) })
}

/// `Close database "shop"`, `Keep role "web" out`.
fn closing(args: &Args) -> String {
    match args.closable() {
        (ClosableKind::Database, name) => format!("Close database {}", quote::shown(name)),
        (ClosableKind::Role, name) => format!("Keep role {} out", quote::shown(name)),
    }
}

/// How far keeping a role out reaches.
fn everywhere(args: &Args) -> String {
    let shown = args.db.as_deref().map(quote::shown);
    let ended =
        shown.map(|name| format!("; only its sessions in database {name} are ended")).unwrap_or_default();
    format!("the role is kept out of every database{ended}")
}

/// What is to be known where the session is a pooler's.
fn not_exclusive() -> Warning {
    Warning {
        code: "not_exclusive",
        message: "through a connection pooler no other drain is kept away while this one begins".into(),
        hint: Some("connect to PostgreSQL itself".into()),
    }
}
