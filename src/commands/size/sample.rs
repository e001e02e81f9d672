//! `size --sample`: looks at a server for a while. Small questions, at most a tenth of the time spent asking.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::analyze::sizing::sample::Observations;
use crate::commands::Context;
use crate::db::{self, Db, ErrorKind};
use crate::observe::{Observer, OfServer, Patience};
use crate::render::{Warning, text};
use crate::stop::Signal;

/// The shortest time between two looks.
const INTERVAL: Duration = Duration::from_millis(50);
/// A look may take this part of the time.
const SHARE: u32 = 10;
/// The counters lag by about a second, so more often tells nothing.
const COUNTERS: Duration = Duration::from_secs(1);

/// What a sample came to.
pub(super) struct Sample {
    /// What was seen.
    pub(super) seen: Observations,
    /// What was not, in words.
    pub(super) warnings: Vec<Warning>,
    /// The server was lost, and was not back in time.
    pub(super) lost: bool,
}

/// Looks for `duration`, or until Ctrl-C, which is a good end here. A server that is lost is waited for as long as
/// `--connect-wait` says, and not beyond the time.
pub(super) async fn take(
    observer: &mut Observer<OfServer>,
    duration: Duration,
    context: &Context,
) -> Result<Sample> {
    let started = Instant::now();
    let mut seen = Observations::default();
    let mut counted: Option<Instant> = None;
    let (mut since, mut answered, mut lost) = (None, started, None);
    let wait = context.connection.connect_wait.unwrap_or_default();
    loop {
        let (asked, sessions) = (Instant::now(), observer.sessions());
        let left = duration.saturating_sub(started.elapsed());
        let last = left.is_zero();
        let counters = last || seen.wants_counters() || counted.is_none_or(|at| at.elapsed() >= COUNTERS);
        let look = async |db: &mut Db| db.load(counters, since).await;
        match observer.look(Patience::For(wait.min(left)), look).await {
            Ok((busy, counters)) => {
                let now = Instant::now();
                let gap = (observer.sessions() > sessions).then(|| (now - answered).as_secs_f64());
                since = busy.first().map(|busy| busy.at_seconds).or(since);
                if counters.is_some() {
                    counted = Some(asked);
                }
                seen.add(busy, counters, gap);
                (answered, seen.seconds) = (now, started.elapsed().as_secs_f64());
                if counted == Some(asked) {
                    context.ui.progress(&format!(
                        "sampling, {:.0} of {} s",
                        seen.seconds,
                        duration.as_secs()
                    ));
                }
            }
            Err(error) if error.kind == ErrorKind::Interrupted(Signal::Interrupt) => seen.ended_early = true,
            Err(error) if seen.looks.is_empty() || matches!(error.kind, ErrorKind::Interrupted(_)) => {
                return Err(error.into());
            }
            Err(error) => {
                seen.ended_early = true;
                lost = Some(error.message);
            }
        }
        if last || seen.ended_early {
            break;
        }
        let pause = INTERVAL.max(asked.elapsed() * SHARE).min(duration.saturating_sub(started.elapsed()));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            signal = context.stop.pulled() => match signal {
                Signal::Interrupt => {
                    seen.ended_early = true;
                    break;
                }
                Signal::Terminate => return Err(stopped(signal).into()),
            }
        }
    }
    context.ui.progress_end();
    if seen.looks.is_empty() {
        return Err(stopped(Signal::Interrupt).into());
    }
    let warnings = warnings(&seen, lost.as_deref(), duration);
    Ok(Sample { seen, warnings, lost: lost.is_some() })
}

/// What was not seen of the time that was wanted.
fn warnings(seen: &Observations, lost: Option<&str>, wanted: Duration) -> Vec<Warning> {
    let [after, wanted] = [seen.seconds, wanted.as_secs_f64()].map(text::duration);
    let gap = (seen.gap_seconds > 0.0).then(|| Warning {
        code: "interrupted",
        message: format!(
            "the session was lost, and another one had: {} of the sample were not seen",
            text::brief(seen.gap_seconds)
        ),
        hint: None,
    });
    let cut = lost.map(|why| Warning {
        code: "cut_short",
        message: format!("the sample ended after {after} of {wanted}: {why}"),
        hint: Some("--connect-wait DUR waits for the server to come back".into()),
    });
    gap.into_iter().chain(cut).collect()
}

fn stopped(signal: Signal) -> db::Error {
    db::Error::new(ErrorKind::Interrupted(signal), "interrupted")
}
