//! Cancelling what a session runs, on a connection of its own.

use super::address::Address;
use super::attempt::AttemptProgress;
use super::driver::driver_words;
use super::encrypt::{Encryption, dial_wire};
use super::wire::Prepared;
use crate::conninfo::{ConnInfo, Host};
use crate::db::error::{Error, ErrorKind};
use std::fmt;
use tokio_postgres::CancelToken;

/// Sends a CancelRequest for a session, on a connection of its own.
#[derive(Clone)]
pub(crate) struct Canceller {
    token: CancelToken,
    address: Address,
    host: Host,
    info: ConnInfo,
    encrypted: bool,
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Canceller {
    /// `host` is the one of `info` that led to `address`.
    pub(super) fn new(
        token: CancelToken,
        address: Address,
        host: Host,
        info: ConnInfo,
        encrypted: bool,
    ) -> Self {
        Self { token, address, host, info, encrypted }
    }

    /// The settings that lead to this session's server and nowhere else.
    pub(in crate::db) fn way_back(&self) -> ConnInfo {
        self.info.pinned_to(&self.host, self.address.hostaddr())
    }

    /// Asks the server to cancel what the session runs. The server does not say whether anything was cancelled.
    pub(crate) async fn cancel(&self) -> Result<(), Error> {
        let words = self.address.words();
        let failed =
            |why: String| Error::new(ErrorKind::Refused, format!("could not cancel at {words}: {why}"));
        let encryption = if self.encrypted { Encryption::Tls } else { Encryption::Plain };
        let wire = dial_wire(&self.address, &self.info, encryption, &AttemptProgress::default())
            .await
            .map_err(|failure| failed(failure.error.message))?;
        let sent = self.token.cancel_query_raw(tokio::io::empty(), Prepared(wire)).await;
        sent.map_err(|error| failed(driver_words(&error)))
    }
}
