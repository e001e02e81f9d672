//! Asks several servers at once, each as a run of its own, and takes what they find as it comes.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Semaphore, mpsc};
use tokio::time;

use super::answers::{Answer, Answers};
use crate::commands::shown::{Gathered, Shown};
use crate::commands::watch::keys::{self as watch_keys, Pressed, WatchKeys};
use crate::commands::{Command, Context, run_here};
use crate::conninfo::TargetSpec;
use crate::db;
use crate::error::{self, Failure};
use crate::exit::Exit;
use crate::render::Warning;
use crate::stop::Signal;
use crate::terminal::{self, Key};

/// Servers that are asked at once unless something else is said.
const AT_ONCE: u16 = 8;

/// What comes from the server at this place of the list.
type Found = (usize, Result<Shown, Failure>);

/// Asks all of them, once or as often as `--watch` says.
///
/// # Errors
/// When the result cannot be written, or a signal ends the run.
pub(super) async fn run(
    command: &Command,
    specs: Vec<TargetSpec>,
    warnings: Vec<Warning>,
    context: &Context,
) -> Result<Exit> {
    let (to, found) = mpsc::unbounded_channel::<Found>();
    let at_once = context.connection.many.parallel.unwrap_or(AT_ONCE);
    let turns = Rc::new(Semaphore::new(usize::from(at_once)));
    let runs: Vec<_> = specs
        .iter()
        .enumerate()
        .filter_map(|(place, spec)| {
            let gathered = Gathered { place, to: to.clone(), turns: Rc::clone(&turns) };
            Some((command.again()?, context.of_target(spec.clone(), gathered)))
        })
        .collect();
    // Whoever still has one can still find something.
    drop(to);
    let aims = runs.iter().map(|(_, context)| context.aim()).collect();
    let answers = Answers::new(command, specs, aims, warnings, context);
    match context.flags.watch {
        None => once(runs, found, answers, context).await,
        Some(every) => again_and_again(every, runs, found, answers, context).await,
    }
}

/// A run on one server.
type Run = (Command, Context);

async fn once(
    runs: Vec<Run>,
    mut found: mpsc::UnboundedReceiver<Found>,
    mut answers: Answers<'_>,
    context: &Context,
) -> Result<Exit> {
    let mut runs: FuturesUnordered<_> = runs.into_iter().map(asked).collect();
    loop {
        tokio::select! {
            biased;
            Some((place, found)) = found.recv() => answers.take(place, Answer::of(found))?,
            ended = runs.next() => if ended.is_none() { break },
        }
    }
    while let Ok((place, found)) = found.try_recv() {
        answers.take(place, Answer::of(found))?;
    }
    if let Some(signal) = context.stop.signal() {
        return Err(db::Error::interrupted(signal).into());
    }
    answers.show()
}

/// The run, which tells what it finds or why it finds nothing.
async fn asked((command, mut context): Run) {
    let ended = run_here(command, &mut context).await;
    if let (Err(why), Some(gathered)) = (ended, &context.gathered)
        && let Some(failure) = error::explain(why)
    {
        gathered.found(Err(failure));
    }
}

async fn again_and_again(
    every: Duration,
    runs: Vec<Run>,
    mut found: mpsc::UnboundedReceiver<Found>,
    mut answers: Answers<'_>,
    context: &Context,
) -> Result<Exit> {
    let mut runs: FuturesUnordered<_> = runs.into_iter().map(|run| kept_asked(run, every)).collect();
    let mut beat = time::interval(every);
    let mut fresh = BTreeSet::new();
    let mut keys = WatchKeys::new(context)?;
    let mut is_held = false;
    let signal = loop {
        keys.attend();
        tokio::select! {
            biased;
            pressed = keys.next() => match pressed {
                Pressed::Key(Key::Char('q')) => terminal::interrupt(),
                Pressed::Key(Key::Char(' ')) => {
                    is_held = !is_held;
                    answers.draw(every, is_held)?;
                }
                Pressed::Key(key) => {
                    let screen = context.output.borrow().screen();
                    if let Some((screen, scroll)) = screen.zip(watch_keys::scroll(&key)) {
                        let _ = screen.scroll(scroll, false)?;
                    }
                }
                Pressed::Resized => {}
                Pressed::Ended => break Signal::Terminate,
            },
            Some((place, found)) = found.recv() => {
                answers.take(place, Answer::of(found))?;
                fresh.insert(place);
                // As soon as everybody has been heard, and then at each beat.
                if !is_held && fresh.len() == answers.count() {
                    answers.draw(every, false)?;
                    fresh.clear();
                }
            }
            ended = runs.next() => if ended.is_none() {
                break context.stop.signal().unwrap_or(Signal::Interrupt);
            },
            _ = beat.tick() => if !is_held && (!fresh.is_empty() || answers.grow_old(every)) {
                answers.draw(every, false)?;
                fresh.clear();
            },
        }
    };
    answers.leave();
    match signal {
        Signal::Interrupt => Ok(Exit::Done),
        Signal::Terminate => Ok(Exit::Terminated),
    }
}

/// The run, begun again whenever it ends for another reason than a signal: that a server is away is one more result.
async fn kept_asked((command, mut context): Run, every: Duration) {
    while let Some(again) = command.again() {
        let ended = run_here(again, &mut context).await;
        let Some(gathered) = &context.gathered else { return };
        if context.stop.signal().is_some() {
            return;
        }
        if let Some(failure) = ended.err().and_then(error::explain) {
            gathered.found(Err(failure));
        }
        tokio::select! {
            () = time::sleep(every) => {}
            _ = context.stop.pulled() => return,
        }
    }
}
