//! Exit codes: the only file that holds their numbers.

/// How a run ended, for the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; also "nothing matched" and a look at which some sessions were hidden.
    Done,
    /// Tried and failed.
    Failed,
    /// Usage error or refused; nothing was changed.
    Usage,
    /// Could not connect or log in.
    NoConnection,
    /// Some sessions done, others failed.
    Partly,
    /// SIGINT ended a run that was not meant to be ended so.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// A number with a meaning of its own: the Nagios codes of `check`, pg_isready's of `ping`.
    Code(u8),
}

impl Exit {
    /// The number the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NoConnection => 3,
            Self::Partly => 4,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::Code(code) => code,
        }
    }

    /// How a run ends whose number monitoring reads as a verdict: no connection is critical, whatever else kept it from
    /// one is unknown.
    pub(crate) const fn as_verdict(self) -> Self {
        match self {
            Self::NoConnection => Self::Code(2),
            Self::Failed | Self::Usage | Self::Partly => Self::Code(3),
            Self::Done | Self::Interrupted | Self::Terminated | Self::Code(_) => self,
        }
    }
}
