//! Something that is closed, and opened again in every case: a database behind a fence, a pool that is paused. One way through for
//! all of them, and for whatever happens meanwhile.

use std::convert::Infallible;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::reopening::{Reopening, planted};
use super::run_held::{self, SignalSource};
use crate::conninfo::Variables;
use crate::error::Failure;

/// How often is looked while it is held.
const EVERY: Duration = Duration::from_millis(500);
/// How long the last look may take, after which it is opened all the same.
const LAST: Duration = Duration::from_secs(2);

/// What can be closed, looked at while it is closed, and opened again.
pub(crate) trait Hold {
    /// How opening it again went.
    type Reopened;

    /// Closes it to whoever comes from now on.
    ///
    /// # Errors
    /// When it could not be closed: then it is as it was, or that is said.
    async fn close(&mut self) -> Result<(), Failure>;

    /// Waits until nobody is left inside.
    ///
    /// # Errors
    /// When that does not happen in time.
    async fn settle(&mut self) -> Result<(), Failure>;

    /// Looks, and keeps what it sees; within `limit`, where there is one.
    async fn look(&mut self, limit: Option<Duration>);

    /// How a new run opens it, when this one panics.
    fn reopening(&self) -> Reopening;

    /// Opens it, whatever happened, as long as there is hope.
    async fn reopen(&mut self) -> Self::Reopened;
}

/// What happens while it is closed.
#[derive(Debug)]
pub(crate) enum WhileHeld<'a> {
    /// A command runs.
    Command {
        /// The program.
        program: &'a str,
        /// What it is given.
        arguments: &'a [String],
        /// The environment that leads it to where it is held.
        environment: Variables,
    },
    /// Time passes, or all of it until a signal arrives.
    Time(Option<Duration>),
    /// Nothing: it stays closed, for somebody else to open.
    Nothing,
}

/// How the time in which it was closed ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How long it took until nobody was left inside.
    pub(crate) settled: Duration,
    /// How long it was held after that.
    pub(crate) held: Duration,
    /// How the command ended, where there was one.
    pub(crate) status: Option<ExitStatus>,
}

/// What became of something that was closed.
#[derive(Debug)]
pub(crate) struct HoldOutcome<R> {
    /// How the time in which it was closed ended.
    pub(crate) ended: Result<Ended, Failure>,
    /// How opening it went; none when it is to stay closed.
    pub(crate) reopened: Option<R>,
    /// How long that took.
    pub(crate) reopening: Duration,
}

/// Closes it, waits until nobody is inside, lets `while_held` happen, looking again and again, and opens it, unless it is to stay closed.
///
/// # Errors
/// When it could not be closed.
pub(crate) async fn hold<H: Hold>(
    hold: &mut H,
    while_held: WhileHeld<'_>,
    signals: SignalSource<'_>,
) -> Result<HoldOutcome<H::Reopened>, Failure> {
    let _reopened_at_panic = hold.reopening().at_panic();
    hold.close().await?;
    planted("close");
    let stays_closed = matches!(while_held, WhileHeld::Nothing);
    let ended = while_closed(hold, while_held, signals).await;
    if stays_closed && ended.is_ok() && signals.stop.signal().is_none() {
        return Ok(HoldOutcome { ended, reopened: None, reopening: Duration::ZERO });
    }
    let began = Instant::now();
    planted("reopen");
    let reopened = Some(hold.reopen().await);
    Ok(HoldOutcome { ended, reopened, reopening: began.elapsed() })
}

async fn while_closed<H: Hold>(
    hold: &mut H,
    while_held: WhileHeld<'_>,
    signals: SignalSource<'_>,
) -> Result<Ended, Failure> {
    let began = Instant::now();
    hold.settle().await?;
    planted("settle");
    let settled = began.elapsed();
    let began = Instant::now();
    let status = match while_held {
        WhileHeld::Nothing => return Ok(Ended { settled, held: Duration::ZERO, status: None }),
        WhileHeld::Time(time) => {
            tokio::select! {
                () = sleep(time.unwrap_or(Duration::MAX)) => {}
                _ = signals.stop.pulled() => {}
                never = keep_looking(hold) => match never {},
            }
            Ok(None)
        }
        WhileHeld::Command { program, arguments, environment } => {
            let mut run = std::pin::pin!(run_held::run(program, arguments, environment, signals));
            tokio::select! {
                status = &mut run => status.map(Some),
                never = keep_looking(hold) => match never {},
            }
        }
    };
    hold.look(Some(LAST)).await;
    Ok(Ended { settled, held: began.elapsed(), status: status? })
}

/// Looks again and again, for ever.
async fn keep_looking<H: Hold>(hold: &mut H) -> Infallible {
    let mut turns = interval_at(Instant::now() + EVERY, EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        planted("look");
        hold.look(None).await;
    }
}
