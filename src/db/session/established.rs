//! What a login came to: a session in the driver's hands, and what there is to say about how it came about.

use super::address::Address;
use super::cancel::Canceller;
use super::driver::Driver;
use super::limits::Metering;
use super::login_info::LoginInfo;
use super::session_kind::Lane;
use crate::conninfo::{ConnInfo, readable};
use crate::model::server;
use std::sync::Arc;
use tokio_postgres::Client;

/// A session.
pub(crate) struct Established {
    /// The driver's half that asks.
    pub(crate) client: Client,
    /// The driver's half that moves the bytes, not yet spawned.
    pub(crate) driver: Driver,
    /// The server that was reached.
    pub(crate) address: Address,
    /// The settings of this session: with the password that was typed and the database that was fallen back to.
    pub(crate) info: Arc<ConnInfo>,
    /// `server_version` as the server reports it, such as `15.18 (Debian …)` or `1.18.0/bouncer`.
    pub(crate) server_version: String,
    /// The kind of slot it has.
    pub(crate) lane: Lane,
    /// Whether the bytes are encrypted.
    pub(crate) encrypted: bool,
    /// What the user should know: a fall-back to plaintext or to another database.
    pub(crate) notices: Vec<Notice>,
    /// What the login said about who answers.
    pub(in crate::db) login_info: LoginInfo,
    /// What the server may send, and whether it sent more.
    pub(in crate::db) metering: Metering,
    /// The means to cancel what the session runs.
    pub(crate) canceller: Canceller,
}

impl Established {
    /// Where the session is, in the words of results.
    pub(in crate::db) fn described(&self) -> server::Target {
        server::Target {
            host: self.address.name(),
            port: self.address.port,
            database: readable(self.info.dbname()),
            user: readable(self.info.user()),
            service: self.info.service().map(readable),
            name: self.info.called().map(|called| called.name.clone()),
            labels: self.info.called().map(|called| called.labels.clone()).unwrap_or_default(),
        }
    }
}

/// Something about a connection that its user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// The stable word for scripts.
    pub(crate) code: &'static str,
    /// One line, lower case, no full stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<&'static str>,
}
