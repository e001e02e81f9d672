//! Cancelling what a session runs, on a connection of its own.

use super::address::Address;
use super::attempt::AttemptProgress;
use super::encrypt::{Encryption, dial_wire};
use super::login_info::LoginInfo;
use crate::conninfo::{ConnInfo, Host};
use std::fmt;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Sends a CancelRequest for a session, on a connection of its own.
#[derive(Clone)]
pub(crate) struct Canceller {
    login_info: LoginInfo,
    address: Address,
    host: Host,
    info: Arc<ConnInfo>,
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
        login_info: LoginInfo,
        address: Address,
        host: Host,
        info: Arc<ConnInfo>,
        encrypted: bool,
    ) -> Self {
        Self { login_info, address, host, info, encrypted }
    }

    /// The settings that lead to this session's server and nowhere else.
    pub(in crate::db) fn way_back(&self) -> ConnInfo {
        self.info.pinned_to(&self.host, self.address.hostaddr())
    }

    /// Asks the server to cancel what the session runs, and waits, as libpq does, until it has closed the connection: PostgreSQL
    /// has sent the signal by then. It does not say whether anything was cancelled, and what cannot be asked is left.
    pub(crate) async fn cancel(&self) {
        let Some(request) = self.login_info.cancel_request() else { return };
        let encryption = if self.encrypted { Encryption::Tls } else { Encryption::Plain };
        let dialled = dial_wire(&self.address, &self.info, encryption, &AttemptProgress::default()).await;
        let Ok(mut wire) = dialled else { return };
        if wire.write_all(&request).await.is_ok() && wire.flush().await.is_ok() {
            // However it ends, it has been taken; a reset comes, too, where it was closed.
            let _ = wire.read(&mut [0]).await;
        }
    }
}
