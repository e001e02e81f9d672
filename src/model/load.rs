//! How busy a server is: one look at its sessions, and the counters it keeps.

/// The client sessions of one application at one moment, pgconn's own left out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Busy {
    /// As the clients set it.
    pub(crate) application_name: String,
    /// Sessions there are.
    pub(crate) sessions: i64,
    /// Of them running a statement.
    pub(crate) active: i64,
    /// Of them holding their connection: running a statement, or in an open transaction.
    pub(crate) occupied: i64,
    /// Of them with a statement that began since the look before: each counts once, however many it began.
    pub(crate) began: i64,
    /// Of them hidden, so neither is known.
    pub(crate) hidden: i64,
    /// The server's clock, in seconds.
    pub(crate) at_seconds: f64,
}

/// Counters of all databases together, ever rising.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counters {
    /// The server's clock, in seconds.
    pub(crate) at_seconds: f64,
    /// Transactions ended.
    pub(crate) transactions: f64,
    /// Seconds that sessions existed; none before 14.
    pub(crate) session_seconds: Option<f64>,
    /// Of them running a statement.
    pub(crate) active_seconds: Option<f64>,
    /// Of them idle in a transaction.
    pub(crate) idle_in_transaction_seconds: Option<f64>,
}

impl Counters {
    /// How much they have risen since `before`.
    pub(crate) fn less(self, before: Self) -> Self {
        let less = |now: Option<f64>, before: Option<f64>| now.zip(before).map(|(now, before)| now - before);
        Self {
            at_seconds: self.at_seconds - before.at_seconds,
            transactions: self.transactions - before.transactions,
            session_seconds: less(self.session_seconds, before.session_seconds),
            active_seconds: less(self.active_seconds, before.active_seconds),
            idle_in_transaction_seconds: less(
                self.idle_in_transaction_seconds,
                before.idle_in_transaction_seconds,
            ),
        }
    }
}
