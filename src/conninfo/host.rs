//! A host that is tried: a machine, or a directory of sockets.

use super::parameter::Password;

/// One host that is tried, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// Host name, address, socket directory, or `@name` of an abstract socket. Empty when only `hostaddr` is given.
    pub(crate) host: String,
    /// The numeric address to use instead of looking the name up.
    pub(crate) hostaddr: Option<String>,
    /// TCP port, or the number in the socket's file name.
    pub(crate) port: u16,
    /// The password for this host, from wherever it was found.
    pub(crate) password: Option<Password>,
}

impl Host {
    /// Whether it is reached through a Unix-domain socket.
    pub(crate) fn is_socket(&self) -> bool {
        self.hostaddr.is_none() && is_socket_path(&self.host)
    }

    /// The socket's path, when it is reached through one (`@…` is an abstract name).
    pub(crate) fn socket_path(&self) -> Option<String> {
        self.is_socket().then(|| format!("{}/.s.PGSQL.{}", self.host, self.port))
    }

    /// The host as a person names it: what was given, else the address.
    pub(crate) fn name(&self) -> &str {
        if self.host.is_empty() { self.hostaddr.as_deref().unwrap_or_default() } else { &self.host }
    }
}

/// Whether `host` names a socket directory (or an abstract socket) rather than a machine.
pub(super) fn is_socket_path(host: &str) -> bool {
    host.starts_with('/') || host.starts_with('@')
}
