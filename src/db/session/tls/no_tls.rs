//! A handshake that came to nothing, and whether that is for the server to mend.

use crate::db::error::{Error, ErrorKind};

/// Why there is no TLS.
pub(in crate::db::session) struct NoTls {
    pub(in crate::db::session) error: Error,
    /// libpq would have agreed on TLS with this server: only what pgconn cannot do stands in the way. That is no reason to go on
    /// without encryption.
    pub(in crate::db::session) is_own_limit: bool,
}

impl NoTls {
    /// What pgconn cannot do, in words.
    pub(super) fn own_limit(why: String) -> Self {
        Self { error: Error::new(ErrorKind::Tls, why), is_own_limit: true }
    }
}

impl From<String> for NoTls {
    fn from(why: String) -> Self {
        Error::new(ErrorKind::Tls, why).into()
    }
}

impl From<Error> for NoTls {
    fn from(error: Error) -> Self {
        Self { error, is_own_limit: false }
    }
}
