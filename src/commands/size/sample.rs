//! `size --sample`: looks at a server for a while. Small questions, at most a tenth of the time spent asking.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::analyze::sizing::sample::Observations;
use crate::commands::Context;
use crate::db::{self, Db, ErrorKind};
use crate::stop::Signal;

/// The shortest time between two looks.
const INTERVAL: Duration = Duration::from_millis(50);
/// A look may take this part of the time.
const SHARE: u32 = 10;
/// The counters lag by about a second, so more often tells nothing.
const COUNTERS: Duration = Duration::from_secs(1);

/// Looks for `duration`, or until Ctrl-C, which is a good end here.
pub(super) async fn take(db: &Db, duration: Duration, context: &Context) -> Result<Observations> {
    let started = Instant::now();
    let mut seen = Observations::default();
    let mut counted: Option<Instant> = None;
    let mut since = None;
    loop {
        let asked = Instant::now();
        let last = started.elapsed() >= duration;
        let counters = last || counted.is_none_or(|at| at.elapsed() >= COUNTERS);
        match db.load(counters, since).await {
            Ok((busy, counters)) => {
                since = busy.first().map(|busy| busy.at_seconds).or(since);
                seen.looks.push(busy);
                seen.seconds = started.elapsed().as_secs_f64();
                if let Some(counters) = counters {
                    let first = seen.counters.map_or(counters, |(first, _)| first);
                    seen.counters = Some((first, counters));
                    counted = Some(asked);
                    context.ui.progress(&format!(
                        "sampling, {:.0} of {} s",
                        seen.seconds,
                        duration.as_secs()
                    ));
                }
            }
            Err(error) if error.kind == ErrorKind::Interrupted(Signal::Interrupt) => seen.ended_early = true,
            Err(error) => return Err(error.into()),
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
    Ok(seen)
}

fn stopped(signal: Signal) -> db::Error {
    db::Error::new(ErrorKind::Interrupted(signal), "interrupted")
}
