//! `top` over several servers: a list of them, each looked at by what `serve` looks with, and the screen of the one that is entered.

use std::cell::RefCell;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep_until;

use super::{Args, Opened, To, admit, log_in, refuse_elsewhere, screen};
use crate::analyze::health::Rule;
use crate::commands::Context;
use crate::commands::serve::ServerTarget;
use crate::conninfo::TargetSpec;
use crate::error::Failure;
use crate::exit::Exit;
use crate::live::{self, Chosen, Found, Listed, Look, News, Servers, Wish};
use crate::observe::LIMIT;
use crate::render::Warning;
use crate::serve::{Answer, Health, Look as _};
use crate::stop::Signal;

/// Servers that are asked at once unless something else is said.
const AT_ONCE: u16 = 8;
/// Between two looks at a server of the list at least: each is a whole `check`.
const LEAST: Duration = Duration::from_secs(5);

/// Shows the list, and the screens of those that are entered, until it is left.
///
/// # Errors
/// When the command line or a server's settings are wrong, or the terminal cannot be used.
pub(in crate::commands) async fn run(
    args: &Args,
    specs: Vec<TargetSpec>,
    warnings: &[Warning],
    context: &Context,
) -> Result<Exit> {
    refuse_elsewhere(context)?;
    admit(args, context)?;
    if context.connection.password {
        return Err(Failure::usage("-W asks for one password, and there are several servers")
            .hinted("use a password file, or password_command in the list")
            .into());
    }
    let listed = specs.iter().map(|spec| Listed { name: spec.name.clone(), production: spec.production });
    let said: Vec<String> = warnings.iter().map(|warning| warning.message.clone()).collect();
    let interval = args.interval.max(LEAST);
    let listed = listed.collect();
    let meant = specs.clone();
    let is_meant = move |at: usize, only: &str| meant.get(at).is_some_and(|spec| spec.is_meant(only));
    let mut servers = Servers::new(listed, Box::new(is_meant), interval, &said, Instant::now());
    let mut targets = Vec::new();
    for spec in specs {
        // Nothing but the screen is written to the terminal.
        let run = |spec| {
            let mut run = context.unattended(Some(spec));
            run.ui = run.ui.silenced();
            run
        };
        targets.push(Watched { look: ServerTarget::new(run(spec.clone()), 1, None)?, context: run(spec) });
    }
    let parallel = usize::from(context.connection.many.parallel.unwrap_or(AT_ONCE));
    let stdout = context.output.borrow().terminal();
    let look = (Look { color: context.output.borrow().look().color }, !crate::commands::blockers::is_utf8());
    let mut record = Vec::new();
    let exit = loop {
        let (tell, mut news) = unbounded_channel();
        let (wish, wishes) = unbounded_channel();
        let opened = RefCell::new(None);
        let out: Box<dyn Write + '_> = Box::new(To(stdout.as_deref()));
        let chosen = tokio::select! {
            biased;
            chosen = live::choose(&mut servers, look, out, (&mut news, &wish), &context.stop) => chosen?,
            () = look_after(args, &mut targets, (interval, parallel), wishes, &tell, &opened) => Chosen::Nothing(None),
        };
        let (at, opened) = match (chosen, opened.into_inner()) {
            (Chosen::Server(at), Some(opened)) => (at, opened),
            (Chosen::Nothing(Some(Signal::Terminate)), _) => break Exit::Terminated,
            _ => break Exit::Done,
        };
        let Some(target) = targets.get(at) else { break Exit::Done };
        let ended = screen(args, opened, &target.context, context, true).await;
        match ended {
            Ok(ended) => {
                record.extend(ended.record);
                match (ended.back, ended.signal) {
                    (true, _) => {}
                    (false, Some(Signal::Terminate)) => break Exit::Terminated,
                    (false, _) => break Exit::Done,
                }
            }
            Err(live::Failed::Terminal(error)) => return Err(error.into()),
            Err(live::Failed::Server(error)) => servers.say(at, &error.message),
        }
    };
    for target in &mut targets {
        // One that hangs is left to itself.
        let _ = tokio::time::timeout(Duration::from_millis(40), target.look.close()).await;
    }
    record.iter().for_each(|line| context.ui.status(line));
    Ok(exit)
}

/// A server of the list.
struct Watched {
    /// The looks at it for the list, with their session.
    look: ServerTarget,
    /// The run of its screen.
    context: Context,
}

/// Looks at each again and again; makes a session with the one that is wanted, and looks at nobody meanwhile.
async fn look_after(
    args: &Args,
    targets: &mut [Watched],
    (interval, parallel): (Duration, usize),
    mut wishes: UnboundedReceiver<Wish>,
    tell: &UnboundedSender<News>,
    opened: &RefCell<Option<Opened>>,
) {
    let mut due: Vec<tokio::time::Instant> = targets.iter().map(|_| tokio::time::Instant::now()).collect();
    let mut next = None;
    loop {
        let wish = match next.take() {
            Some(wish) => Some(wish),
            None => {
                let turns = Semaphore::new(parallel);
                let looks = targets.iter_mut().zip(&mut due).enumerate();
                let mut looks: FuturesUnordered<_> = looks
                    .map(|(at, (target, due))| look_again(at, target, due, interval, &turns, tell))
                    .collect();
                tokio::select! {
                    biased;
                    wish = wishes.recv() => wish,
                    _ = looks.next() => None,
                }
            }
        };
        let Some(wish) = wish else { return };
        // Who has changed his mind leaves no session behind.
        let unused = opened.take();
        if let Some(mut unused) = unused {
            unused.observer.close().await;
        }
        let Wish::Enter(at) = wish else { continue };
        let Some(target) = targets.get_mut(at) else { continue };
        // One session for each server.
        target.look.close().await;
        let entered = tokio::select! {
            biased;
            wish = wishes.recv() => {
                next = wish;
                continue;
            }
            entered = log_in(args, &target.context) => entered,
        };
        let entered = entered.map(|session| drop(opened.replace(Some(session))));
        let is_in = entered.is_ok();
        let _ = tell.send(News::Entered(at, entered.map_err(|error| error.message)));
        // The list ends with that: no look begins beside the session, unless it is not wanted any more.
        if is_in {
            next = wishes.recv().await;
        }
    }
}

/// Looks at one whenever it is time.
async fn look_again(
    at: usize,
    target: &mut Watched,
    due: &mut tokio::time::Instant,
    interval: Duration,
    turns: &Semaphore,
    tell: &UnboundedSender<News>,
) {
    let limit = target.context.connection.timeout.unwrap_or(LIMIT);
    loop {
        sleep_until(*due).await;
        let Ok(turn) = turns.acquire().await else { return };
        let answer = target.look.look(limit).await;
        drop(turn);
        *due = tokio::time::Instant::now() + interval;
        if tell.send(News::Found(at, Box::new(found(&answer)))).is_err() {
            return;
        }
    }
}

fn found(answer: &Answer) -> Found {
    let (health, facts, refused) = (answer.health(), &answer.facts, answer.refused);
    let rank = match (refused, health) {
        (Some(_), _) => 0,
        (None, Health::Unhealthy) => 1,
        (None, Health::Degraded) => 2,
        (None, Health::Healthy) => 3,
    };
    Found {
        health: refused.map_or(health.word(), |_| "down"),
        rank,
        summary: match refused {
            Some(code) => format!("{code}: {}", answer.message(Rule::Reachable.name()).unwrap_or_default()),
            None => answer.summary().to_owned(),
        },
        used: facts.used,
        usable: facts.usable,
        hidden: facts.hidden,
        waiting: answer.waiting(),
        oldest_xact_seconds: facts.oldest_xact_seconds,
    }
}
