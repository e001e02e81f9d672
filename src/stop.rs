//! The stop token: how a signal reaches work that must end in good order. Main triggers it; nobody else does.

use tokio::sync::watch;

use crate::exit::Exit;

/// The signal that asked the run to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM, and SIGHUP when the terminal went away.
    Terminate,
}

impl Signal {
    /// How a run that this signal ended reports itself.
    pub(crate) const fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
        }
    }
}

/// Clones of this see the first signal that arrives.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<Option<Signal>>);

/// The side that main keeps.
#[derive(Debug)]
pub(crate) struct Trigger(watch::Sender<Option<Signal>>);

/// A fresh token and its trigger.
pub(crate) fn channel() -> (Trigger, Stop) {
    let (sender, receiver) = watch::channel(None);
    (Trigger(sender), Stop(receiver))
}

impl Trigger {
    /// Asks everything to stop; the first signal is the one that counts.
    pub(crate) fn pull(&self, signal: Signal) {
        self.0.send_if_modified(|seen| {
            let first = seen.is_none();
            seen.get_or_insert(signal);
            first
        });
    }
}

impl Stop {
    /// A token that no signal reaches: for what must be done to its end once it has begun.
    pub(crate) fn never() -> Self {
        Self(watch::channel(None).1)
    }

    /// The signal that arrived, if one has.
    pub(crate) fn signal(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Returns when a signal arrives; never, when none can arrive any more.
    pub(crate) async fn pulled(&self) -> Signal {
        let mut receiver = self.0.clone();
        if let Ok(seen) = receiver.wait_for(Option::is_some).await
            && let Some(signal) = *seen
        {
            return signal;
        }
        std::future::pending().await
    }
}
