//! What the application connects to: PostgreSQL itself, or a pooler, and when that gives a connection.

/// What stands between the application and PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing.
    Direct,
    /// A pooler that gives a server connection for one transaction.
    Transaction,
    /// A pooler that gives a server connection until the client disconnects.
    Session,
}

impl Mode {
    /// The word for it, as PgBouncer's `pool_mode` has it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Transaction => "transaction",
            Self::Session => "session",
        }
    }
}
