//! `serve`: an endpoint that shares its looks, answers in time whatever the servers do, and lets nobody do anything.

mod clients;
mod page;
mod prometheus;
mod scraped;
mod systemd;

use super::common::{Cluster, Outcome, Pgconn, Running, wait_for, with};
use nix::sys::signal::Signal;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

/// An endpoint, and the folder of its files.
pub(super) struct Endpoint {
    running: Option<Running>,
    pub(super) port: u16,
    pub(super) folder: PathBuf,
}

impl Endpoint {
    /// Serves as `arguments` say, with a list of `targets` if there is one.
    pub(super) fn start(name: &str, targets: &str, arguments: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("pgconn-serve-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let list = folder.join("list.toml");
        fs::write(&list, targets).unwrap();
        let list = ["--targets", list.to_str().unwrap()];
        let list = if targets.is_empty() { &[][..] } else { &list };
        let running = Pgconn::new(&[&["serve", "--listen", "127.0.0.1:0"], list, arguments].concat()).spawn();
        let port = wait_for("it listens", || {
            let said = running.stderr();
            let place = said.lines().find_map(|line| line.strip_prefix("listening on 127.0.0.1:"))?;
            place.parse().ok()
        });
        Self { running: Some(running), port, folder }
    }

    /// The status and the body that a path is answered with.
    pub(super) fn get(&self, path: &str) -> (u16, String) {
        self.get_with(path, "")
    }

    /// The same with more lines in the head of the request.
    pub(super) fn get_with(&self, path: &str, head: &str) -> (u16, String) {
        let answer = self.send(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path}: {answer}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// Everything that comes back for these bytes.
    pub(super) fn send(&self, bytes: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A connection that is cut off has said what it said.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Writes its list anew and has it read.
    pub(super) fn reload(&self, targets: &str) {
        fs::write(self.folder.join("list.toml"), targets).unwrap();
        self.signal(Signal::SIGHUP);
    }

    pub(super) fn signal(&self, signal: Signal) {
        self.running.as_ref().unwrap().signal(signal);
    }

    pub(super) fn stderr(&self) -> String {
        self.running.as_ref().unwrap().stderr()
    }

    pub(super) fn finish(mut self) -> Outcome {
        self.running.take().unwrap().finish()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An entry of a list.
pub(super) fn entry(name: &str, server: &Cluster, more: &str) -> String {
    let place = format!("host={} port={} user=postgres dbname=postgres", server.host(), server.port);
    format!("[[target]]\nname = \"{name}\"\nconninfo = \"{place}\"\n{more}\n")
}

pub(super) const DEAD: &str =
    "[[target]]\nname = \"dead\"\nconninfo = \"host=127.0.0.1 port=1 user=postgres dbname=postgres\"\n";

/// The value of the series that begins so.
pub(super) fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find(|line| line.starts_with(series))?.rsplit(' ').next()?.parse().ok()
}

/// How many sessions of pgconn the server has.
pub(super) fn sessions(server: &Cluster) -> i64 {
    let count = "select count(*) from pg_stat_activity where application_name = 'pgconn'";
    server.value(count).parse().unwrap()
}

#[test]
fn one_server_needs_no_list_and_a_signal_ends_it_well() {
    let server = with(&[("max_connections", "20")]);
    let running = Pgconn::new(&["serve", "--listen", "127.0.0.1:0"]).on(&server).spawn();
    let port: u16 = wait_for("it listens", || {
        running.stderr().lines().find_map(|line| line.strip_prefix("listening on 127.0.0.1:"))?.parse().ok()
    });
    let endpoint = Endpoint { running: Some(running), port, folder: PathBuf::from("/nonexistent/pgconn") };
    let (status, health) = endpoint.get("/health");
    let document: serde_json::Value = serde_json::from_str(&health).unwrap();
    assert_eq!((status, &document["health"], &document["status"]), (200, &"healthy".into(), &"ok".into()));
    assert_eq!(endpoint.get("/readyz").0, 200);
    assert_eq!(sessions(&server), 1);
    endpoint.signal(Signal::SIGTERM);
    let outcome = endpoint.finish().success();
    assert_eq!(outcome.stdout, "");
    server.wait_until("not exists (select from pg_stat_activity where application_name = 'pgconn')");
}

#[test]
fn what_has_no_meaning_is_refused() {
    for (arguments, said) in [
        (&["serve", "--json"][..], "--json means nothing to an endpoint"),
        (&["serve", "-o", "x"], "-o means nothing to an endpoint"),
        (&["serve", "-W"], "nobody is there to be asked for a password"),
        (&["serve", "--watch"], "this command runs once"),
        (&["serve", "--listen", "nowhere"], "invalid value 'nowhere'"),
        (&["serve", "--tls-cert", "x"], "--tls-key"),
        (&["serve", "--basic-auth-file", "/nonexistent/x"], "could not read /nonexistent/x"),
        (&["serve", "--targets", "/nonexistent/x"], "could not read /nonexistent/x"),
    ] {
        let outcome = Pgconn::new(arguments).run().fails_with(2);
        assert!(outcome.stderr.contains(said), "{arguments:?}: {outcome}");
    }
}
