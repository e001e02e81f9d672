//! Who is told each SQL text as it is sent. Passwords are in none: no statement of pgconn's sets one, and logins are no SQL.

use std::fmt;

/// Is told each message of SQL, just before it is sent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Trace(pub(crate) Option<&'static (dyn Fn(&str) + Sync)>);

impl Trace {
    /// Tells it this one.
    pub(super) fn tell(self, sql: &str) {
        if let Some(tell) = self.0 {
            tell(sql);
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trace").field(&self.0.is_some()).finish()
    }
}
