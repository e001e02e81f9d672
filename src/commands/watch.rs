//! `--watch`: the same look again and again over one session. Every command that looks or judges runs through here, with or
//! without `--watch`.

pub(super) mod keys;
pub(super) mod local_time;

use std::time::Duration;

use anyhow::Result;
use tokio::time::{self, MissedTickBehavior};

use super::Context;
use super::screen_room::Part;
use super::shown::Shown;
use super::watch_output::{WatchOutput, Wish};
use crate::db::Db;
use crate::db::console::Console;
use crate::exit::Exit;
use crate::observe::{LanePolicy, Looks, Observer, OfServer, Patience, Source, UnderWay};
use crate::stop::Signal;
use keys::{Pressed, WatchKeys};

/// Runs a command that asks one server: once, or as often as `--watch` says.
///
/// # Errors
/// When no session can be had at first, or a look fails in a way that trying again cannot mend.
pub(super) async fn look(
    context: &Context,
    gather: impl AsyncFn(&Context, &Db) -> Result<Shown>,
) -> Result<Exit> {
    looked(context, logged_in(context).await?, gather).await
}

/// Runs a command that looks several times for one answer, as [`look`] does.
///
/// # Errors
/// When no session can be had at first, or `gather` fails.
pub(super) async fn look_through(
    context: &Context,
    gather: impl AsyncFn(&Context, &mut Observer<OfServer>) -> Result<Shown>,
) -> Result<Exit> {
    judge(context, logged_in(context).await?, gather).await
}

/// Whoever has a session with the server, for a run that looks.
async fn logged_in(context: &Context) -> Result<Observer<OfServer>> {
    let mut observer = match context.flags.watch {
        // Who stays takes no slot that is kept for emergencies.
        Some(_) => context.observer_of(context.endpoint()?.clone()),
        None => context.observer(LanePolicy::WhenFull)?,
    };
    let states = observer.state();
    let turn = context.turn().await;
    context.tell_where(context.telling(states, observer.log_in(context.patience())).await?);
    drop(turn);
    Ok(observer)
}

/// Runs a command that asks a pooler's console: once, or as often as `--watch` says.
///
/// # Errors
/// When no session can be had at first, or a look fails in a way that trying again cannot mend.
pub(super) async fn look_at_console(
    context: &Context,
    gather: impl AsyncFn(&Context, &Console) -> Result<Shown>,
) -> Result<Exit> {
    let mut observer = context.console_observer()?;
    let states = observer.state();
    context.telling(states, observer.log_in(context.patience())).await?;
    looked(context, observer, gather).await
}

/// How long a look waits for a server that was there.
pub(super) const fn patience(context: &Context) -> Patience {
    if context.flags.watch.is_some() { Patience::Unlimited } else { Patience::NONE }
}

async fn looked<S: Source>(
    context: &Context,
    observer: Observer<S>,
    gather: impl AsyncFn(&Context, &S::Session) -> Result<Shown>,
) -> Result<Exit> {
    let patience = patience(context);
    judge(context, observer, async |context: &Context, observer: &mut Observer<S>| {
        observer.look(patience, async |session: &mut S::Session| gather(context, session).await).await
    })
    .await
}

/// Runs a command for which it is a result, too, that the server cannot be asked.
///
/// # Errors
/// When a look fails without a result.
pub(super) async fn judge<S: Source>(
    context: &Context,
    observer: Observer<S>,
    gather: impl AsyncFn(&Context, &mut Observer<S>) -> Result<Shown>,
) -> Result<Exit> {
    let gather = &gather;
    let look = move |mut observer: Observer<S>| {
        let under_way: UnderWay<'_, S, Shown> = Box::pin(async move {
            let turn = context.turn().await;
            let shown = gather(context, &mut observer).await;
            let shown = shown.map(|mut shown| {
                shown.head.is_production = context.production().is_some();
                shown
            });
            drop(turn);
            (observer, shown)
        });
        under_way
    };
    match context.flags.watch {
        None => once(context, observer, &look).await,
        Some(every) => again_and_again(context, every, observer, &look).await,
    }
}

/// Shows what one look finds.
async fn once<'a, S: Source>(
    context: &'a Context,
    observer: Observer<S>,
    look: &'a dyn Fn(Observer<S>) -> UnderWay<'a, S, Shown>,
) -> Result<Exit> {
    let (mut observer, shown) = context.telling(observer.state(), look(observer)).await;
    let shown = shown?;
    observer.close().await;
    let lines = Part::of(context, &shown.head, &shown.hints).whole();
    context.show(shown, lines)
}

/// Shows what each look finds, until a signal ends it.
async fn again_and_again<'a, S: Source>(
    context: &'a Context,
    every: Duration,
    observer: Observer<S>,
    look: &'a dyn Fn(Observer<S>) -> UnderWay<'a, S, Shown>,
) -> Result<Exit> {
    let states = observer.state();
    let mut looks = Looks::new(observer, look);
    let mut output = WatchOutput::new(context, every, states);
    let ended = turns(context, every, &mut looks, &mut output).await;
    output.leave();
    looks.close().await;
    // Ctrl-C is how a watch is meant to end.
    match ended.or_else(|error| context.stop.signal().ok_or(error))? {
        Signal::Interrupt => Ok(Exit::Done),
        Signal::Terminate => Ok(Exit::Terminated),
    }
}

/// Asks at each turn, and shows what is found, or how old that is by now; returns the signal that ends it.
async fn turns<S: Source>(
    context: &Context,
    every: Duration,
    looks: &mut Looks<'_, S, Shown>,
    output: &mut WatchOutput<'_>,
) -> Result<Signal> {
    let mut beat = time::interval(every);
    // A slow server is not asked faster to make up for it.
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut keys = WatchKeys::new(context)?;
    // The look that is under way was begun before something that it should have known.
    let mut is_outdated = false;
    loop {
        // A look that a signal meets ends by itself, and leaves nothing on the server.
        let is_over = || context.stop.signal().filter(|_| !looks.is_under_way());
        if let Some(signal) = is_over() {
            return Ok(signal);
        }
        tokio::select! {
            biased;
            pressed = keys.next() => match pressed {
                Pressed::Key(key) => if output.pressed(&key)? == Wish::Look {
                    is_outdated = looks.is_under_way();
                    looks.ask();
                },
                // There may be room for other rows than were fetched.
                Pressed::Resized => if output.would_fill() {
                    is_outdated = looks.is_under_way();
                    looks.ask();
                },
                Pressed::Ended => return Ok(Signal::Terminate),
            },
            shown = looks.next() => {
                let shown = shown?;
                if std::mem::take(&mut is_outdated) {
                    looks.ask();
                } else if let Some(shown) = context.gather(shown) {
                    output.show(&shown)?;
                    crate::act::planted("watch screen");
                    keys.attend();
                }
            }
            () = output.grown_old() => {
                output.stale()?;
                keys.attend();
            }
            _ = context.stop.pulled(), if !looks.is_under_way() => {}
            _ = beat.tick() => if output.is_live() { looks.ask() },
        }
    }
}
