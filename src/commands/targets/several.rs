//! Which commands can be about several servers, and how they end then.

use crate::commands::Command;

impl Command {
    /// A copy of the command, for one of several servers; none for what takes one server at a time.
    pub(super) fn again(&self) -> Option<Self> {
        Some(match self {
            Self::Stats(args) => Self::Stats(args.clone()),
            Self::Ls(args) => Self::Ls(args.clone()),
            Self::Long(args) => Self::Long(args.clone()),
            Self::Blockers(args) => Self::Blockers(args.clone()),
            Self::Check(args) => Self::Check(args.clone()),
            Self::Ping(args) => Self::Ping(args.clone()),
            Self::Metrics(args) => Self::Metrics(args.clone()),
            Self::Doctor(args) => Self::Doctor(args.clone()),
            _ => return None,
        })
    }

    /// The `kind` of the documents of those that can be about several servers.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Stats(_) => "stats",
            Self::Ls(_) => "ls",
            Self::Long(_) => "long",
            Self::Blockers(_) => "blockers",
            Self::Check(_) => "check",
            Self::Ping(_) => "ping",
            Self::Metrics(_) => "metrics",
            Self::Doctor(_) => "doctor",
            _ => "",
        }
    }

    /// Whether the exit code over several servers is the worst of their verdicts.
    pub(super) const fn judges_all(&self) -> bool {
        match self {
            Self::Check(_) => true,
            Self::Doctor(args) => args.judges(),
            _ => false,
        }
    }
}
