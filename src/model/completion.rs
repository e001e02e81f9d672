//! What a command line can be completed with, as a server knows it.

/// What a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LiveKind {
    /// A database.
    Database,
    /// A role.
    Role,
    /// An application name.
    Application,
    /// A client's address, or `local`.
    Client,
    /// A session's process id.
    Session,
}

/// A value that there is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveValue {
    /// What it is of.
    pub(crate) kind: LiveKind,
    /// As it is named.
    pub(crate) value: String,
    /// What it is, in a few words; empty when there is nothing to say.
    pub(crate) note: String,
    /// True of a session that runs something.
    pub(crate) busy: bool,
    /// True of a session of which this role is told who it is, and not what it does.
    pub(crate) hidden: bool,
}
