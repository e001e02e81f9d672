//! What is said of something that is held closed: before it, while it cannot be opened again yet, and after it.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::act::run_held::SignalSource;
use crate::commands::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::observe::{self, Patience, State};
use crate::render::{Head, Report, text};

/// How long opening it again is tried: long enough for a server to restart.
pub(in crate::commands) const PATIENCE: Patience = Patience::Whatever(Duration::from_secs(120));

/// How often is said that it does not succeed yet.
const REPEAT: Duration = Duration::from_secs(10);

/// The signals of this run, for the command that runs meanwhile.
pub(in crate::commands) fn signals(context: &Context) -> SignalSource<'_> {
    SignalSource { stop: &context.stop, at_terminal: context.ui.is_terminal() }
}

/// What `work` comes to, which tries until something is open again, `what` in words (`open it again`): says now and then why it is
/// not yet, and answers every signal meanwhile, none of which leaves it closed.
pub(in crate::commands) async fn reopening<T>(
    what: &str,
    context: &Context,
    states: watch::Receiver<State>,
    work: impl Future<Output = T>,
) -> T {
    let (began, mut said) = (Instant::now(), None::<Instant>);
    let waited = observe::waiting(states, work, |down| {
        if said.is_none_or(|at| at.elapsed() >= REPEAT) {
            let passed =
                said.map(|_| format!(" for {}", text::duration(began.elapsed().as_secs_f64().round())));
            let (error, passed) = (&down.because, passed.unwrap_or_default());
            context.ui.status(&format!("could not {what} yet: {error}; trying again{passed}"));
            said = Some(Instant::now());
        }
    });
    let mut signals = context.stop.signals();
    let mut waited = std::pin::pin!(waited);
    let mut is_first = context.stop.signal().is_some();
    loop {
        tokio::select! {
            biased;
            done = &mut waited => return done,
            _ = signals.next() => {
                // What has ended the hold was heard already.
                if !std::mem::take(&mut is_first) {
                    context.ui.status(&format!("heard; still trying to {what}"));
                }
            }
        }
    }
}

/// The flag by which another run answers in the same format.
pub(in crate::commands) fn format(context: &Context) -> Option<String> {
    context.format().is_json().then(|| "--json".to_owned())
}

/// A failure of a run in which a signal arrived ends as that signal says.
pub(in crate::commands) fn by_signal(failure: Failure, context: &Context) -> Failure {
    match context.stop.signal() {
        Some(signal) => Failure { code: "interrupted", exit: signal.exit(), ..failure },
        None => failure,
    }
}

/// Ends a run in which a signal arrived before anything was done.
///
/// # Errors
/// When one has.
pub(in crate::commands) fn not_interrupted(context: &Context) -> Result<(), Failure> {
    let Some(signal) = context.stop.signal() else { return Ok(()) };
    let interrupted = Failure::failed("interrupted; nothing was done");
    Err(Failure { code: "interrupted", exit: signal.exit(), ..interrupted })
}

/// Says how it went when all is let go, worst news first. `done` is how the command ended, where there was one; then stdout
/// was its alone.
///
/// # Errors
/// With why nothing was held, or when the command failed.
pub(in crate::commands) fn conclude(
    context: &Context,
    report: &dyn Report,
    head: &Head,
    done: Result<Option<ExitStatus>, Failure>,
    stdout_is_ours: bool,
) -> Result<Exit> {
    let signal = context.stop.signal();
    let status = done.map_err(|failure| by_signal(failure, context))?;
    if stdout_is_ours || context.flags.output.is_some() {
        context.emit(report, head)?;
    } else {
        // No document carries them.
        head.warnings.iter().for_each(|warning| context.ui.asking().warning(warning));
        context.ui.show(&report.blocks(head));
    }
    match (signal, status) {
        (Some(signal), _) => Ok(signal.exit()),
        (None, Some(status)) if !status.success() => {
            Err(Failure::failed(format!("the command failed: {status}")).into())
        }
        (None, _) => Ok(Exit::Done),
    }
}
