//! Orders that are given once: resume, reconnect, enable, kill; and waiting until old connections are closed.

use anyhow::Result;
use tokio::time::Instant;

use super::paused::PAUSE;
use super::report::PoolerAction;
use super::{AllArgs, Args, Survey, WaitArgs, by_hand, confirm, dry_run, paused, survey, unknown};
use crate::analyze::consent::Reach;
use crate::commands::Context;
use crate::commands::act;
use crate::commands::pooler::{PoolerReport, View};
use crate::db;
use crate::db::console::ConsoleOrder;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::pooler::Link;
use crate::render::text;

/// `pooler resume`: the way back asks nobody.
pub(in crate::commands::pooler) async fn resume(args: AllArgs, context: &mut Context) -> Result<Exit> {
    let _ = act::consent(Reach::Named, &args.yes, args.dry_run, context)?;
    let survey = survey(PoolerAction::Resume, args.database.as_deref(), context).await?;
    if args.dry_run {
        context.ui.status(&survey.act.plan(&survey.facts));
        return dry_run(survey, context).await;
    }
    let Survey { console, facts, head, mut act, .. } = survey;
    let console = console.until_done();
    let name = act.database.as_deref();
    let changed = console.resume(name).await.map_err(|error| match (error.kind, name) {
        (db::ErrorKind::NoSuchDatabase, Some(name)) => unknown(name, &facts),
        _ => error.into(),
    })?;
    let databases = console.databases().await?;
    console.close().await;
    let now = databases.iter().find(|known| Some(known.name.as_str()) == name).and_then(|known| known.paused);
    if now == Some(true) {
        return Err(
            Failure::failed("the pooler was told to resume it, and still says that it is paused").into()
        );
    }
    (act.changed, act.paused) = (changed, now);
    let answer = PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, facts.product) };
    context.emit(&answer, &head)?;
    Ok(Exit::Done)
}

/// `pooler reconnect`: nobody waits, nothing can be undone.
pub(in crate::commands::pooler) async fn reconnect(args: Args, context: &mut Context) -> Result<Exit> {
    let consent = act::consent(Reach::Filtered, &args.yes, args.dry_run, context)?;
    let survey = survey(PoolerAction::Reconnect, Some(&args.database), context).await?;
    act::plan_channel(consent, context).status(&survey.act.plan(&survey.facts));
    if args.dry_run {
        return dry_run(survey, context).await;
    }
    confirm(consent, "Replace the connections of", &survey, context).await?;
    let Survey { console, facts, head, mut act, .. } = survey;
    let console = console.until_done();
    console.order(ConsoleOrder::Reconnect, act.database.as_deref()).await?;
    console.close().await;
    act.changed = true;
    let wait = by_hand("wait-close", act.database.as_deref(), &head, context);
    let busy = act.servers_busy > 0;
    let answer = PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, facts.product) };
    context.emit(&answer, &head)?;
    if busy {
        context.ui.hint(&format!("wait until they are closed: {wait}"));
    }
    Ok(Exit::Done)
}

/// `pooler wait-close`: changes nothing.
pub(in crate::commands::pooler) async fn wait_close(args: WaitArgs, context: &mut Context) -> Result<Exit> {
    let began = Instant::now();
    let Survey { console, facts, head, mut act, mut links } =
        survey(PoolerAction::WaitClose, Some(&args.database), context).await?;
    let mut said = false;
    loop {
        links.retain(|link| link.database == args.database && closes(link));
        if links.is_empty() {
            break;
        }
        if began.elapsed() >= args.verify {
            console.close().await;
            let open = text::count(i64::try_from(links.len())?, "connection");
            let failure = Failure::failed(format!("{open} not closed after {:?}", args.verify));
            return Err(failure.detailed(paused::who(&links)).into());
        }
        if !said {
            context.ui.status(&format!("waiting for {}", paused::who(&links)));
            said = true;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            signal = context.stop.pulled() => {
                console.close().await;
                return Err(db::Error::interrupted(signal).into());
            }
        }
        links = console.links().await?;
    }
    console.close().await;
    act.waited_seconds = Some(began.elapsed().as_secs_f64());
    let answer = PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, facts.product) };
    context.emit(&answer, &head)?;
    Ok(Exit::Done)
}

/// Whether it is a connection to the server that is to be closed.
fn closes(link: &Link) -> bool {
    link.server.as_ref().is_some_and(|server| server.close_needed == Some(true))
}

/// `pooler enable`: the way back asks nobody.
pub(in crate::commands::pooler) async fn enable(args: Args, context: &mut Context) -> Result<Exit> {
    let _ = act::consent(Reach::Named, &args.yes, args.dry_run, context)?;
    let survey = survey(PoolerAction::Enable, Some(&args.database), context).await?;
    if args.dry_run {
        context.ui.status(&survey.act.plan(&survey.facts));
        return dry_run(survey, context).await;
    }
    let Survey { console, facts, head, mut act, .. } = survey;
    let console = console.until_done();
    act.changed = paused::enable(&console, act.database.as_deref()).await?;
    console.close().await;
    act.disabled = Some(false);
    let answer = PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, facts.product) };
    context.emit(&answer, &head)?;
    Ok(Exit::Done)
}

/// `pooler kill`: who is connected is not any more, and who comes waits until it is resumed.
pub(in crate::commands::pooler) async fn kill(args: Args, context: &mut Context) -> Result<Exit> {
    let consent = act::consent(Reach::Filtered, &args.yes, args.dry_run, context)?;
    let survey = survey(PoolerAction::Kill, Some(&args.database), context).await?;
    act::plan_channel(consent, context).status(&survey.act.plan(&survey.facts));
    if args.dry_run {
        return dry_run(survey, context).await;
    }
    confirm(consent, "Disconnect every client of", &survey, context).await?;
    let Survey { console, facts, head, mut act, .. } = survey;
    let console = console.until_done();
    console.order(ConsoleOrder::Kill, act.database.as_deref()).await?;
    let databases = console.databases().await?;
    console.close().await;
    let now = databases.iter().find(|known| known.name == args.database);
    (act.changed, act.paused) = (true, now.and_then(|database| database.paused));
    let resume = by_hand("resume", act.database.as_deref(), &head, context);
    let answer = PoolerReport { act: Some(act), ..PoolerReport::new(View::Act, facts.product) };
    context.emit(&answer, &head)?;
    context.ui.hint(&format!("its clients wait until: {resume}"));
    Ok(Exit::Done)
}
