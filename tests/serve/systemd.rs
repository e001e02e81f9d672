//! What systemd gives to a service, and what it is told.

use super::super::common::{Pgconn, wait_for, wait_until, with};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// As systemd starts a service with a socket: the socket is descriptor 3, and what the service tells is printed. A hang-up is passed on.
const AS_SYSTEMD: &str = "
import os, signal, socket, sys
listener = socket.create_server(('127.0.0.1', 0))
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind(sys.argv[1])
print('port', listener.getsockname()[1], flush=True)
service = os.fork()
if service == 0:
    os.dup2(listener.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=sys.argv[1],
                      WATCHDOG_USEC='400000', WATCHDOG_PID=str(os.getpid()))
    os.execv(sys.argv[2], ['pgconn', 'serve'])
for number in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, lambda number, _: os.kill(service, number))
while True:
    text = told.recv(4096).decode()
    print(text, flush=True)
    if 'STOPPING=1' in text:
        break
sys.exit(os.waitpid(service, 0)[1])
";

#[test]
fn a_service_takes_its_socket_and_tells_how_it_is() {
    let server = with(&[("max_connections", "20")]);
    let path = std::env::temp_dir().join(format!("pgconn-notify-{}", std::process::id()));
    let program = env!("CARGO_BIN_EXE_pgconn");
    let running =
        Pgconn::of("python3", &["-c", AS_SYSTEMD, path.to_str().unwrap(), program]).on(&server).spawn();
    let port: u16 =
        wait_for("the port", || running.stdout().lines().next()?.strip_prefix("port ")?.parse().ok());
    let told = |what: &str| running.stdout().lines().filter(|line| line.contains(what)).count();
    wait_until("it is ready", || told("READY=1") == 1);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    wait_until("it is alive", || told("WATCHDOG=1") > 1);
    running.signal(nix::sys::signal::Signal::SIGHUP);
    wait_until("it is ready again", || told("RELOADING=1") == 1 && told("READY=1") == 2);
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.finish().success();
    let _ = std::fs::remove_file(&path);
}
