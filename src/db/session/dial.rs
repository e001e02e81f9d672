//! From a host of the settings to connected sockets: looking names up, connecting, socket options, and who is at
//! the other end of a Unix socket. Speaks no protocol.

use super::wire::Transport;
use crate::conninfo::{Host, Settings, bytes_of, os_string_of, path_of, readable};
use crate::db::error::{Error, Kind};
use socket2::{SockRef, TcpKeepalive};
use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::{TcpSocket, UnixStream};

/// One place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The host as given, for messages and certificates; empty when only an address was given.
    pub(crate) host: String,
    /// Its address.
    pub(crate) address: Address,
    /// The port, or the number in the socket's name.
    pub(crate) port: u16,
}

/// Where the bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix-domain socket: its path, or `@name` of an abstract one.
    Socket(String),
}

impl Target {
    /// Whether it is a Unix-domain socket, over which TLS is never spoken.
    pub(crate) fn is_socket(&self) -> bool {
        matches!(self.address, Address::Socket(_))
    }

    /// The host as given, the address when only that was given.
    pub(crate) fn name(&self) -> String {
        match &self.address {
            Address::Tcp(address) if self.host.is_empty() => address.ip().to_string(),
            _ => readable(&self.host),
        }
    }

    /// The address in figures, with the zone of a link-local one; nothing for a socket.
    pub(crate) fn hostaddr(&self) -> Option<String> {
        match &self.address {
            Address::Socket(_) => None,
            Address::Tcp(SocketAddr::V6(six)) if six.scope_id() > 0 => {
                Some(format!("{}%{}", six.ip(), six.scope_id()))
            }
            Address::Tcp(address) => Some(address.ip().to_string()),
        }
    }

    /// The address alone: `127.0.0.1:5432`, `[::1]:5432` or the socket's path.
    pub(crate) fn address(&self) -> String {
        match &self.address {
            Address::Tcp(address) => address.to_string(),
            Address::Socket(path) => readable(path),
        }
    }

    /// `server at "db1" (10.0.0.1), port 5432` or `server on socket "…"`, as libpq words it.
    pub(crate) fn words(&self) -> String {
        match (&self.address, self.hostaddr()) {
            (Address::Socket(path), _) => format!("server on socket \"{path}\""),
            (Address::Tcp(_), ip) => {
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
pub(super) async fn targets(host: &Host) -> Result<Vec<Target>, Error> {
    let target = |address| Target { host: host.host.clone(), address, port: host.port };
    if let Some(path) = host.socket_path() {
        // The length of sun_path, with its closing NUL.
        if bytes_of(&path).len() > 107 {
            let message = format!("Unix-domain socket path \"{path}\" is too long (maximum 107 bytes)");
            return Err(Error::new(Kind::BadSettings, message));
        }
        return Ok(vec![target(Address::Socket(path))]);
    }
    let name = host.hostaddr.as_deref().unwrap_or(&host.host);
    // `127.1` is one, too; no name has only digits.
    let is_numeric =
        |ip: &str| ip.parse::<IpAddr>().is_ok() || !ip.contains(|c| c != '.' && !char::is_ascii_digit(&c));
    if host.hostaddr.is_some() && !name.split('%').next().is_some_and(is_numeric) {
        return Err(Error::new(Kind::BadSettings, format!("could not parse network address \"{name}\"")));
    }
    let addresses = tokio::net::lookup_host((name, host.port)).await.map_err(|error| {
        let why = resolver_words(&error);
        Error::new(Kind::Dns, format!("could not translate host name \"{name}\" to address: {why}"))
            .hinted("check the spelling of the host and the machine's DNS settings")
    })?;
    Ok(addresses.map(|address| target(Address::Tcp(address))).collect())
}

/// The resolver's reason without the standard library's preamble.
fn resolver_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned()
}

/// Connects a socket with the options that the settings ask for.
pub(super) async fn dial(target: &Target, settings: &Settings) -> io::Result<Transport> {
    match &target.address {
        Address::Tcp(address) => {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            set_options(&SockRef::from(&socket), settings)?;
            socket.connect(*address).await.map(Transport::Tcp)
        }
        // An abstract socket, which exists on Linux only, has a path that begins with a zero byte.
        Address::Socket(path) => {
            let abstract_name = path.strip_prefix('@').map(|name| format!("\0{name}"));
            let path = path_of(abstract_name.as_ref().unwrap_or(path));
            UnixStream::connect(path).await.map(Transport::Unix)
        }
    }
}

/// Whether the process at the other end of a Unix socket runs as the operating-system user `wanted`.
pub(super) async fn check_peer(stream: &UnixStream, wanted: &str) -> Result<(), Error> {
    let failed = |why: String| Error::new(Kind::AuthFailed, why);
    let peer = stream.peer_cred();
    let peer = peer.map_err(|error| failed(format!("could not get peer credentials: {error}")))?;
    let peer = peer.uid().to_string();
    let could_not = |error| failed(format!("could not look up local user ID {peer}: id: {error}"));
    let uid = id("-u", &os_string_of(wanted)).await.map_err(could_not)?;
    if uid == peer {
        return Ok(());
    }
    let actual = id("-un", peer.as_ref()).await.map_err(could_not)?;
    if actual.is_empty() {
        return Err(failed(format!("local user with ID {peer} does not exist")));
    }
    let refusal =
        failed(format!("requirepeer specifies \"{wanted}\", but actual peer user name is \"{actual}\""));
    if uid.is_empty() {
        return Err(refusal.hinted(format!("there is no operating-system user \"{wanted}\"")));
    }
    Err(refusal.hinted("another user's process listens on that socket: check host and port"))
}

/// What `id` answers about a user; nothing when there is none. It knows the users of every name service, which a look into
/// /etc/passwd would not.
async fn id(question: &str, user: &OsStr) -> io::Result<String> {
    let mut command = tokio::process::Command::new("id");
    command.args([OsStr::new(question), OsStr::new("--"), user]).stdin(std::process::Stdio::null());
    let answer = command.kill_on_drop(true).output().await?;
    Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}

fn set_options(socket: &SockRef<'_>, settings: &Settings) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    let wanted = settings.keepalives;
    if wanted.enabled {
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = wanted.idle {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = wanted.interval {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(count) = wanted.count {
            keepalive = keepalive.with_retries(count);
        }
        socket.set_keepalive(true)?;
        socket.set_tcp_keepalive(&keepalive)?;
    }
    #[cfg(target_os = "linux")]
    if let Some(timeout) = settings.tcp_user_timeout {
        socket.set_tcp_user_timeout(Some(timeout))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conninfo::{Environment, Given, resolve};
    use std::net::SocketAddrV6;
    use std::time::Duration;

    #[test]
    fn a_link_local_address_has_its_zone_as_in_libpq() {
        let address = SocketAddrV6::new("fe80::1".parse().expect("address"), 5432, 0, 2);
        let target = Target { host: String::new(), address: Address::Tcp(address.into()), port: 5432 };
        assert_eq!(target.words(), "server at \"fe80::1%2\", port 5432");
    }

    fn settings(text: &str) -> Settings {
        let given = Given { dbname: Some(format!("user=u {text}")), ..Given::default() };
        resolve(&given, &Environment::default()).expect("settings").settings().clone()
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn the_system_has_the_socket_options_that_were_asked_for() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listener");
        let address = listener.local_addr().expect("address");
        let target = Target { host: String::new(), address: Address::Tcp(address), port: address.port() };
        let text = "keepalives_idle=11 keepalives_interval=7 keepalives_count=3 tcp_user_timeout=4321";
        let Ok(Transport::Tcp(stream)) = dial(&target, &settings(text)).await else { panic!("no TCP") };
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().expect("option") && socket.tcp_nodelay().expect("option"));
        assert_eq!(socket.tcp_keepalive_time().expect("option"), Duration::from_secs(11));
        assert_eq!(socket.tcp_keepalive_interval().expect("option"), Duration::from_secs(7));
        assert_eq!(socket.tcp_keepalive_retries().expect("option"), 3);
        assert_eq!(socket.tcp_user_timeout().expect("option"), Some(Duration::from_millis(4321)));
        let Ok(Transport::Tcp(stream)) = dial(&target, &settings("keepalives=0")).await else {
            panic!("no TCP")
        };
        let socket = SockRef::from(&stream);
        assert!(!socket.keepalive().expect("option"));
        assert_eq!(socket.tcp_user_timeout().expect("option"), None);
    }
}
