//! The stop token: how a signal reaches work that must end in good order. Main triggers it; nobody else does.

use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Exit;

/// The signal that asked the run to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM, SIGQUIT, and SIGHUP when the terminal went away.
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

/// The signals that this program was started to ignore, as by `nohup`, or in the background of a script: they stay ignored, for
/// this program and for what it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ignored(u64);

impl Ignored {
    /// Finds out. Only Linux says so without a system call that is unsafe to make; elsewhere a shell does, which inherits them.
    pub(crate) fn at_start() -> Self {
        Self::listed().unwrap_or_else(|| Self::unheard(Command::new("/bin/sh")))
    }

    /// Whether signals of `kind` are among them.
    pub(crate) const fn contains(self, kind: SignalKind) -> bool {
        self.0 & bit(kind) != 0
    }

    fn listed() -> Option<Self> {
        let status = fs::read("/proc/self/status").ok()?;
        let mask = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"SigIgn:"))?;
        u64::from_str_radix(str::from_utf8(mask).ok()?.trim(), 16).ok().map(Self)
    }

    /// What a shell does not hear: it cannot trap what was ignored when it was started. None of them when it cannot be asked.
    fn unheard(mut shell: Command) -> Self {
        let signals = [
            ("HUP", SignalKind::hangup()),
            ("INT", SignalKind::interrupt()),
            ("QUIT", SignalKind::quit()),
            ("TERM", SignalKind::terminate()),
        ];
        let names = signals.map(|(name, _)| name).join(" ");
        let script =
            format!("for name in {names}; do trap \"echo $name\" $name; kill -s $name $$; done; echo end");
        let asked = shell.args(["-c", &script]).stdin(Stdio::null()).stderr(Stdio::null()).output();
        let heard =
            asked.map(|asked| String::from_utf8_lossy(&asked.stdout).into_owned()).unwrap_or_default();
        if !heard.ends_with("end\n") {
            return Self::default();
        }
        let unheard = signals.iter().filter(|(name, _)| !heard.lines().any(|line| line == *name));
        Self(unheard.fold(0, |mask, (_, kind)| mask | bit(*kind)))
    }
}

const fn bit(kind: SignalKind) -> u64 {
    1 << (kind.as_raw_value() - 1)
}

/// The signals that have arrived.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The one that counts.
    first: Option<Signal>,
    interrupts: u32,
    terminates: u32,
}

/// What the signals themselves have set, however busy the program is.
#[derive(Debug, Default)]
struct Heard {
    interrupt: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
}

impl Heard {
    const fn flag(&self, signal: Signal) -> &Arc<AtomicBool> {
        match signal {
            Signal::Interrupt => &self.interrupt,
            Signal::Terminate => &self.terminate,
        }
    }
}

/// Clones of this see the signals that arrive.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    seen: watch::Receiver<Seen>,
    heard: Arc<Heard>,
}

/// The side that main keeps.
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    seen: watch::Sender<Seen>,
    heard: Arc<Heard>,
}

/// A fresh token and its trigger.
pub(crate) fn channel() -> (Trigger, Stop) {
    let (sender, receiver) = watch::channel(Seen::default());
    let heard = Arc::<Heard>::default();
    (Trigger { seen: sender, heard: Arc::clone(&heard) }, Stop { seen: receiver, heard })
}

impl Trigger {
    /// From now on it is pulled whenever a signal of `kind` arrives, which means `meaning`.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn pull_at(&self, kind: SignalKind, meaning: Signal) -> io::Result<()> {
        flag::register(kind.as_raw_value(), Arc::clone(self.heard.flag(meaning)))?;
        let mut arrivals = signal(kind)?;
        let trigger = self.clone();
        tokio::spawn(async move {
            while arrivals.recv().await.is_some() {
                trigger.pull(meaning);
            }
        });
        Ok(())
    }

    /// Asks everything to stop; the first signal is the one that counts.
    pub(crate) fn pull(&self, signal: Signal) {
        self.seen.send_modify(|seen| {
            seen.first.get_or_insert(signal);
            match signal {
                Signal::Interrupt => seen.interrupts += 1,
                Signal::Terminate => seen.terminates += 1,
            }
        });
    }
}

impl Stop {
    /// A token that no signal reaches: for what must be done to its end once it has begun.
    pub(crate) fn never() -> Self {
        channel().1
    }

    /// The signal that arrived, if one has: also while nobody has had the time to pull.
    pub(crate) fn signal(&self) -> Option<Signal> {
        let is_heard = |signal: &Signal| self.heard.flag(*signal).load(Ordering::Relaxed);
        let first = self.seen.borrow().first;
        first.or_else(|| [Signal::Interrupt, Signal::Terminate].into_iter().find(is_heard))
    }

    /// Returns when a signal arrives; never, when none can arrive any more.
    pub(crate) async fn pulled(&self) -> Signal {
        self.signals().next().await
    }

    /// Every signal, for whom the first is not enough.
    pub(crate) fn signals(&self) -> Signals {
        Signals { receiver: self.seen.clone(), delivered: Seen::default() }
    }
}

/// The signals one after the other, those that have arrived already included.
#[derive(Debug)]
pub(crate) struct Signals {
    receiver: watch::Receiver<Seen>,
    delivered: Seen,
}

impl Signals {
    /// The next one; never, when none can arrive any more.
    pub(crate) async fn next(&mut self) -> Signal {
        let Seen { first: delivered, interrupts, terminates } = self.delivered;
        let is_new = |seen: &Seen| seen.interrupts > interrupts || seen.terminates > terminates;
        let Ok(seen) = self.receiver.wait_for(is_new).await.map(|seen| *seen) else {
            return std::future::pending().await;
        };
        let signal = match (delivered, seen.first) {
            (None, Some(first)) => first,
            _ if seen.interrupts > interrupts => Signal::Interrupt,
            _ => Signal::Terminate,
        };
        self.delivered.first = seen.first;
        match signal {
            Signal::Interrupt => self.delivered.interrupts += 1,
            Signal::Terminate => self.delivered.terminates += 1,
        }
        signal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_tells_what_is_ignored() {
        let kinds =
            [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::terminate()];
        let among = |ignored: Ignored| kinds.map(|kind| ignored.contains(kind));
        let already = among(Ignored::at_start());
        for (ignored, expected) in [
            ("INT QUIT", [false, true, true, false]),
            ("HUP TERM", [true, false, false, true]),
            ("USR1", [false; 4]),
        ] {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &format!("trap '' {ignored}; exec /bin/sh \"$@\""), "sh"]);
            let expected = [0, 1, 2, 3].map(|at| expected[at] || already[at]);
            assert_eq!(among(Ignored::unheard(shell)), expected, "{ignored}");
        }
        assert_eq!(Ignored::unheard(Command::new("/nonexistent")), Ignored::default());
    }

    #[tokio::test]
    async fn the_first_signal_counts_and_none_is_lost() {
        let (trigger, stop) = channel();
        let mut signals = stop.signals();
        assert_eq!(stop.signal(), None);
        for signal in [Signal::Terminate, Signal::Interrupt, Signal::Terminate] {
            trigger.pull(signal);
        }
        assert_eq!((stop.signal(), stop.pulled().await), (Some(Signal::Terminate), Signal::Terminate));
        let all = [signals.next().await, signals.next().await, signals.next().await];
        assert_eq!(all, [Signal::Terminate, Signal::Interrupt, Signal::Terminate]);
        trigger.pull(Signal::Terminate);
        assert_eq!((signals.next().await, stop.pulled().await), (Signal::Terminate, Signal::Terminate));
    }
}
