//! A client as the pooler that serves it shows it.

use serde::Serialize;

/// A client's connection to the pooler.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Client {
    /// Its address, or `local` for a Unix socket.
    pub(crate) addr: Option<String>,
    /// Its TCP port; null for a Unix socket.
    pub(crate) port: Option<i64>,
    /// As the client set it (1.18 and later).
    pub(crate) application_name: Option<String>,
    /// As the pooler says it: `active`, `waiting`, …; a client without a connection to the server that wants none is
    /// `idle`, which older versions do not tell from `active`.
    pub(crate) state: String,
    /// How long it has waited for a connection to the server; null when it does not.
    pub(crate) wait_seconds: Option<f64>,
    /// When it connected, RFC 3339 UTC; null when the pooler says it in another time zone.
    pub(crate) connected_at: Option<String>,
    /// Its process id, when it is on the pooler's machine and uses the socket.
    pub(crate) pid: Option<i64>,
    /// The TLS version and cipher; null without TLS.
    pub(crate) tls: Option<String>,
    /// The pooler's number of it (1.24 and later), as text: it has 64 bits.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) id: Option<i64>,
    /// What tells it from others that are there at the same time; given again once it is gone.
    #[serde(skip)]
    pub(crate) pointer: Option<String>,
}

fn as_text<S: serde::Serializer>(number: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    number.map(|number| number.to_string()).serialize(serializer)
}
