//! From an address to a connected socket with its options, and who is at the other end of a Unix socket. Speaks no protocol.

use super::address::{Address, Route};
use super::transport::Transport;
use crate::conninfo::{Settings, path_of};
use crate::db::error::{Error, ErrorKind};
use nix::unistd::{Uid, User};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt as _;
use std::time::Duration;
use tokio::net::{TcpSocket, UnixStream};

/// Connects a socket with the options that the settings ask for.
pub(super) async fn dial(address: &Address, settings: &Settings) -> io::Result<Transport> {
    match &address.route {
        Route::Tcp(address) => {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            set_options(&SockRef::from(&socket), settings)?;
            socket.connect(*address).await.map(Transport::Tcp)
        }
        // An abstract socket, which exists on Linux only, has a path that begins with a zero byte.
        Route::Socket(path) => {
            let abstract_name = path.strip_prefix('@').map(|name| format!("\0{name}"));
            let path = path_of(abstract_name.as_ref().unwrap_or(path));
            UnixStream::connect(path).await.map(Transport::Unix)
        }
    }
}

/// Whether the process at the other end of a Unix socket runs as the operating-system user `wanted`.
pub(super) fn check_peer(stream: &UnixStream, wanted: &str) -> Result<(), Error> {
    let failed = |why: String| Error::new(ErrorKind::AuthFailed, why);
    let peer = stream.peer_cred();
    let peer = peer.map_err(|error| failed(format!("could not get peer credentials: {error}")))?;
    let peer = Uid::from_raw(peer.uid());
    let could_not = |error| failed(format!("could not look up local user ID {peer}: {error}"));
    let Some(actual) = User::from_uid(peer).map_err(could_not)? else {
        return Err(failed(format!("local user with ID {peer} does not exist")));
    };
    if actual.name == wanted {
        return Ok(());
    }
    let refusal = failed(format!(
        "requirepeer specifies \"{wanted}\", but actual peer user name is \"{}\"",
        actual.name
    ));
    if User::from_name(wanted).is_ok_and(|found| found.is_none()) {
        return Err(refusal.hinted(format!("there is no operating-system user \"{wanted}\"")));
    }
    Err(refusal.hinted("another user's process listens on that socket: check host and port"))
}

/// The ports of servers that have their sockets in the same folder; the first few.
pub(super) fn others_beside(path: &str) -> Vec<u16> {
    let path = path_of(path);
    let entries = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let port = |entry: std::fs::DirEntry| -> Option<u16> {
        let is_this = Some(entry.file_name().as_os_str()) == path.file_name();
        let is_socket = entry.file_type().is_ok_and(|kind| kind.is_socket());
        entry.file_name().to_str()?.strip_prefix(".s.PGSQL.")?.parse().ok().filter(|_| is_socket && !is_this)
    };
    let mut ports: Vec<u16> = entries.into_iter().flatten().flatten().filter_map(port).collect();
    ports.sort_unstable();
    ports.truncate(5);
    ports
}

/// From now on the system asks the other side often whether it is there, whatever the settings say; without a word of it for
/// about 25 seconds the connection has failed. The answer is the kernel's: a server that hangs is there.
pub(super) fn expect_signs_of_life(socket: &OwnedFd) {
    const PAUSE: Duration = Duration::from_secs(5);
    let socket = SockRef::from(socket);
    // Where the system does not do that, the connection is as patient as before.
    let _ =
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PAUSE).with_interval(PAUSE).with_retries(4));
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(5 * PAUSE));
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

    fn settings(text: &str) -> Settings {
        let given = Given { dbname: Some(format!("user=u {text}")), ..Given::default() };
        resolve(&given, &Environment::default()).expect("settings").settings().clone()
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn the_system_has_the_socket_options_that_were_asked_for() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listener");
        let address = listener.local_addr().expect("address");
        let address = Address { host: String::new(), route: Route::Tcp(address), port: address.port() };
        let text = "keepalives_idle=11 keepalives_interval=7 keepalives_count=3 tcp_user_timeout=4321";
        let Ok(Transport::Tcp(stream)) = dial(&address, &settings(text)).await else { panic!("no TCP") };
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().expect("option") && socket.tcp_nodelay().expect("option"));
        assert_eq!(socket.tcp_keepalive_time().expect("option"), Duration::from_secs(11));
        assert_eq!(socket.tcp_keepalive_interval().expect("option"), Duration::from_secs(7));
        assert_eq!(socket.tcp_keepalive_retries().expect("option"), 3);
        assert_eq!(socket.tcp_user_timeout().expect("option"), Some(Duration::from_millis(4321)));
        let Ok(Transport::Tcp(stream)) = dial(&address, &settings("keepalives=0")).await else {
            panic!("no TCP")
        };
        let socket = SockRef::from(&stream);
        assert!(!socket.keepalive().expect("option"));
        assert_eq!(socket.tcp_user_timeout().expect("option"), None);
    }
}
