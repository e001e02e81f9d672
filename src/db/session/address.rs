//! Where a host of the settings can be reached: its addresses, and how they are worded. Opens no connection.

use crate::conninfo::{Host, bytes_of, readable};
use crate::db::error::{Error, ErrorKind};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// One place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The host as given, for messages and certificates; empty when only an address was given.
    pub(crate) host: String,
    /// Its address.
    pub(crate) route: Route,
    /// The port, or the number in the socket's name.
    pub(crate) port: u16,
}

/// Where the bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix-domain socket: its path, or `@name` of an abstract one.
    Socket(String),
}

/// A server, as far as addresses tell one from another: what bounds how many logins are under way there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerPlace {
    /// On this machine, by its port, which names the socket, too. Two servers with one port, in folders of their own, are taken for
    /// one: a second login at a server is worse than one that waits for another's.
    Here(u16),
    /// Elsewhere.
    At(SocketAddr),
}

impl Address {
    /// The server that is reached there: one that is named twice, or by its socket and its address, is one.
    pub(super) fn server(&self) -> ServerPlace {
        match &self.route {
            Route::Tcp(address) => {
                let ip = address.ip().to_canonical();
                if ip.is_loopback() || ip.is_unspecified() {
                    return ServerPlace::Here(address.port());
                }
                let mut address = *address;
                if ip.is_ipv4() {
                    address = SocketAddr::new(ip, address.port());
                }
                ServerPlace::At(address)
            }
            Route::Socket(_) => ServerPlace::Here(self.port),
        }
    }

    /// Whether it is a Unix-domain socket, over which TLS is never spoken.
    pub(crate) fn is_socket(&self) -> bool {
        matches!(self.route, Route::Socket(_))
    }

    /// The host as given, the address when only that was given.
    pub(crate) fn name(&self) -> String {
        match &self.route {
            Route::Tcp(address) if self.host.is_empty() => address.ip().to_string(),
            _ => readable(&self.host),
        }
    }

    /// The address in figures, with the zone of a link-local one; nothing for a socket.
    pub(crate) fn hostaddr(&self) -> Option<String> {
        match &self.route {
            Route::Socket(_) => None,
            Route::Tcp(SocketAddr::V6(six)) if six.scope_id() > 0 => {
                Some(format!("{}%{}", six.ip(), six.scope_id()))
            }
            Route::Tcp(address) => Some(address.ip().to_string()),
        }
    }

    /// The address alone: `127.0.0.1:5432`, `[::1]:5432` or the socket's path.
    pub(crate) fn address(&self) -> String {
        match &self.route {
            Route::Tcp(address) => address.to_string(),
            Route::Socket(path) => readable(path),
        }
    }

    /// `server at "db1" (10.0.0.1), port 5432` or `server on socket "…"`, as libpq words it.
    pub(crate) fn words(&self) -> String {
        match (&self.route, self.hostaddr()) {
            (Route::Socket(path), _) => format!("server on socket \"{path}\""),
            (Route::Tcp(_), ip) => {
                let ip = ip.unwrap_or_default();
                if self.host.is_empty() || self.host == ip {
                    format!("server at \"{ip}\", port {}", self.port)
                } else {
                    format!("server at \"{}\" ({ip}), port {}", self.host, self.port)
                }
            }
        }
    }
}

/// Every address of one host, in the resolver's order.
pub(super) async fn addresses(host: &Host) -> Result<Vec<Address>, Error> {
    let address = |route| Address { host: host.host.clone(), route, port: host.port };
    if let Some(path) = host.socket_path() {
        // The length of sun_path, with its closing NUL.
        if bytes_of(&path).len() > 107 {
            let message = format!("Unix-domain socket path \"{path}\" is too long (maximum 107 bytes)");
            return Err(Error::new(ErrorKind::BadSettings, message));
        }
        return Ok(vec![address(Route::Socket(path))]);
    }
    let name = host.hostaddr.as_deref().unwrap_or(&host.host);
    // `127.1` is one, too; no name has only digits.
    let is_numeric =
        |ip: &str| ip.parse::<IpAddr>().is_ok() || !ip.contains(|c| c != '.' && !char::is_ascii_digit(&c));
    if host.hostaddr.is_some() && !name.split('%').next().is_some_and(is_numeric) {
        return Err(Error::new(
            ErrorKind::BadSettings,
            format!("could not parse network address \"{name}\""),
        ));
    }
    let addresses = tokio::net::lookup_host((name, host.port)).await.map_err(|error| {
        let why = resolver_words(&error);
        Error::new(ErrorKind::Dns, format!("could not translate host name \"{name}\" to address: {why}"))
            .hinted("check the spelling of the host and the machine's DNS settings")
    })?;
    Ok(addresses.map(|found| address(Route::Tcp(found))).collect())
}

/// The resolver's reason without the standard library's preamble.
fn resolver_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddrV6;

    #[test]
    fn a_server_is_one_by_whatever_name_it_is_reached() {
        let tcp = |address: &str| {
            let route = Route::Tcp(address.parse().expect("address"));
            Address { host: String::new(), route, port: 5432 }.server()
        };
        let socket = |path: &str, port| {
            Address { host: String::new(), route: Route::Socket(path.into()), port }.server()
        };
        let here = socket("/run/postgresql/.s.PGSQL.5432", 5432);
        for address in ["127.0.0.1:5432", "127.0.0.2:5432", "[::1]:5432", "[::ffff:127.0.0.1]:5432"] {
            assert_eq!(tcp(address), here, "{address}");
        }
        assert_eq!(socket("/tmp/.s.PGSQL.5432", 5432), here);
        assert_eq!(tcp("10.0.0.1:5432"), tcp("[::ffff:10.0.0.1]:5432"));
        for other in [tcp("127.0.0.1:5433"), tcp("10.0.0.1:5432"), socket("/tmp/.s.PGSQL.5433", 5433)] {
            assert_ne!(other, here);
        }
        assert_ne!(tcp("10.0.0.1:5432"), tcp("10.0.0.2:5432"));
    }

    #[test]
    fn a_link_local_address_has_its_zone_as_in_libpq() {
        let zoned = SocketAddrV6::new("fe80::1".parse().expect("address"), 5432, 0, 2);
        let address = Address { host: String::new(), route: Route::Tcp(zoned.into()), port: 5432 };
        assert_eq!(address.words(), "server at \"fe80::1%2\", port 5432");
    }
}
