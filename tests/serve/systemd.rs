//! What systemd gives to a service, and what it is told.

use super::super::common::{Pgconn, Running, wait_for, wait_until, with, with_files};
use nix::sys::signal::Signal;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

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
    os.execv(sys.argv[2], ['pgconn', *sys.argv[3:]])
for number in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, lambda number, _: os.kill(service, number))
while True:
    text = told.recv(4096).decode()
    print(text, flush=True)
    if 'STOPPING=1' in text:
        break
sys.exit(os.waitpid(service, 0)[1])
";

/// What a service answers and tells, from its start to its end: one that is started with `arguments` and this environment.
struct Service {
    running: Running,
    port: u16,
    told_at: PathBuf,
}

impl Service {
    fn start(name: &str, arguments: &[&str], with: impl FnOnce(Pgconn) -> Pgconn) -> Self {
        let told_at = std::env::temp_dir().join(format!("pgconn-notify-{name}-{}", std::process::id()));
        let program = [told_at.to_str().unwrap(), env!("CARGO_BIN_EXE_pgconn")];
        let running =
            with(Pgconn::of("python3", &[&["-c", AS_SYSTEMD], &program[..], arguments].concat())).spawn();
        let port =
            wait_for("the port", || running.stdout().lines().next()?.strip_prefix("port ")?.parse().ok());
        let service = Self { running, port, told_at };
        wait_until("it is ready", || service.told("READY=1") == 1);
        service
    }

    fn told(&self, what: &str) -> usize {
        self.running.stdout().lines().filter(|line| line.contains(what)).count()
    }

    /// Its answer to the question whether the first server answers.
    fn readiness(&self) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn end(self) {
        self.running.signal(Signal::SIGTERM);
        self.running.finish().success();
        let _ = fs::remove_file(&self.told_at);
    }
}

#[test]
fn a_service_takes_its_socket_and_tells_how_it_is() {
    let server = with(&[("max_connections", "20")]);
    let service = Service::start("own", &["serve"], |program| program.on(&server));
    let answer = service.readiness();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    wait_until("it is alive", || service.told("WATCHDOG=1") > 1);
    service.running.signal(Signal::SIGHUP);
    wait_until("it is ready again", || service.told("RELOADING=1") == 1 && service.told("READY=1") == 2);
    service.end();
}

/// The unit of contrib, with its list and its credential in a folder of its own.
#[test]
fn the_unit_serves_as_it_stands_with_the_password_of_its_credential() {
    let hba = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    let server = with_files(&[("max_connections", "20")], &[("pg_hba.conf", hba)]);
    server.query("create role watcher login password 'of the credential'");
    let folder = server.dir.join("unit");
    fs::create_dir_all(&folder).unwrap();
    let list = format!(
        "[[target]]\nname = \"a\"\nconninfo = \"host=127.0.0.1 port={} user=watcher dbname=postgres\"\n",
        server.port
    );
    fs::write(folder.join("targets.toml"), list).unwrap();
    fs::write(folder.join("password"), "of the credential\n").unwrap();
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/systemd/pgconn-serve.service");
    let unit = fs::read_to_string(unit).unwrap().replace("%d", folder.to_str().unwrap());
    let said = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    let line = said("ExecStart=pgconn ").replace("/etc/pgconn", folder.to_str().unwrap());
    let (name, value) = said("Environment=").trim_matches('"').split_once('=').unwrap();
    let arguments: Vec<&str> = line.split(' ').collect();
    let service = Service::start("unit", &arguments, |program| program.env(name, value));
    let answer = service.readiness();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    service.end();
}
