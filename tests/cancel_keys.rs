//! What a login says of the protocol, and the key that it gives: servers of newer versions are spoken to, and what is left running is
//! cancelled with the whole key.

use crate::common::{Cluster, PgBouncer, Pgconn, wait_until, with};
use nix::sys::signal::Signal;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind][..], &length, body].concat()
}

/// What PostgreSQL, or its manual, sends to negotiate the version.
fn negotiation(version: u32) -> Vec<u8> {
    message(b'v', &[version.to_be_bytes(), [0; 4]].concat())
}

fn key(length: usize) -> Vec<u8> {
    (0..=255).cycle().take(length).collect()
}

/// A server that lets everybody in, and the packets of those that came for something else than a login.
struct Server {
    port: u16,
    cancelled: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Server {
    /// `first` comes before it lets in, with this `key`; the questions get the `answer`. It writes a few bytes at a time.
    fn start(first: Vec<u8>, key: &[u8], answer: Option<Vec<u8>>) -> Self {
        let parameter = |text: &[u8]| message(b'S', text);
        let welcome = [
            first,
            message(b'R', &[0; 4]),
            parameter(b"server_version\x0018.4\0"),
            parameter(b"in_hot_standby\0off\0"),
            message(b'K', &[&[0, 0, 0, 7], key].concat()),
            message(b'Z', b"I"),
        ];
        let welcome = welcome.concat();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let cancelled = Arc::new(Mutex::new(Vec::new()));
        let packets = Arc::clone(&cancelled);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, welcome, answer) = (stream.unwrap(), welcome.clone(), answer.clone());
                let packets = Arc::clone(&packets);
                stream.set_nodelay(true).unwrap();
                thread::spawn(move || {
                    let mut part = [0; 65_536];
                    let Ok(count @ 8..) = stream.read(&mut part) else { return };
                    if part[4..8] != [0, 3, 0, 0] {
                        packets.lock().unwrap().push(part[..count].to_vec());
                        return;
                    }
                    for piece in welcome.chunks(11) {
                        stream.write_all(piece).unwrap();
                        thread::sleep(Duration::from_millis(1));
                    }
                    while matches!(stream.read(&mut part), Ok(1..)) {
                        let _ = answer.as_ref().map(|answer| stream.write_all(answer));
                    }
                });
            }
        });
        Self { port, cancelled }
    }

    fn run(&self, line: &[&str]) -> Pgconn {
        let dsn = format!("host=127.0.0.1 port={} user=u dbname=d sslmode=disable", self.port);
        Pgconn::new(&[line, &["-w", "-d", &dsn]].concat())
    }

    /// What was sent to cancel the session, once it has come.
    fn cancelled(&self) -> Vec<u8> {
        wait_until("a request to cancel", || !self.cancelled.lock().unwrap().is_empty());
        let packets = self.cancelled.lock().unwrap();
        assert_eq!(packets.len(), 1, "{packets:?}");
        packets[0].clone()
    }
}

#[test]
fn a_server_of_another_version_3_lets_in_with_a_key_of_any_length() {
    let columns = message(b'T', &[&[0, 1][..], b"a\0", &[0; 18]].concat());
    let row = message(b'D', b"\0\x01\0\0\0\x011");
    let answer = [columns, row, message(b'C', b"SELECT 1\0"), message(b'Z', b"I")].concat();
    let versions =
        [Vec::new(), negotiation(0), negotiation(2), negotiation(3 << 16), negotiation((3 << 16) + 2)];
    for (first, length) in versions.into_iter().zip([4, 32, 255, 5, 256]) {
        let server = Server::start(first.clone(), &key(length), Some(answer.clone()));
        let ping = server.run(&["ping", "--json"]).run().success().json();
        assert_eq!(ping["status"], "accepting", "{first:?}, a key of {length} bytes: {ping:#}");
    }
}

#[test]
fn what_is_not_answered_is_cancelled_with_the_whole_key() {
    for length in [4, 32, 256] {
        let key = key(length);
        let packet_length = u32::try_from(12 + key.len()).unwrap().to_be_bytes();
        let packet = [&packet_length[..], b"\x04\xd2\x16\x2e\0\0\0\x07", &key].concat();
        let silent = || Server::start(negotiation(2), &key, None);
        // Its time is over.
        let server = silent();
        let began = Instant::now();
        let outcome = server.run(&["stats", "-t", "1s"]).run().fails_with(1);
        assert!(outcome.stderr.contains("did not answer within 1s"), "{outcome}");
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        assert_eq!(server.cancelled(), packet);
        // Somebody has had enough of it.
        let server = silent();
        let run = server.run(&["stats", "-t", "1m", "-vv"]).spawn();
        wait_until("a question", || run.stderr().contains("select"));
        run.signal(Signal::SIGINT);
        let _ = run.finish().fails_with(130);
        assert_eq!(server.cancelled(), packet);
    }
}

/// A run that is interrupted while its question waits leaves nothing behind on the server: a backend that waits for a lock
/// does not see that its client is gone.
pub(crate) fn leaves_nothing_waiting(cluster: &Cluster, dsn: &str) {
    let mut holder = cluster.idle_in_transaction(&[], "lock table pg_catalog.pg_locks");
    let own = "select pid from pg_stat_activity where application_name = 'pgconn'";
    let run = Pgconn::new(&["blockers", "-t", "1m", "-d", dsn]).spawn();
    let waiting = format!("exists ({own} and wait_event_type = 'Lock')");
    cluster.wait_until(&waiting);
    run.signal(Signal::SIGINT);
    let _ = run.finish().fails_with(130);
    cluster.wait_until(&format!("not {waiting}"));
    holder.query("rollback");
}

#[test]
fn an_interrupted_question_is_cancelled_on_a_socket_over_tcp_and_through_a_pooler() {
    let cluster = with(&[]);
    let pooler = PgBouncer::start(&cluster, &[], &[("pool_mode", "transaction")]);
    for (host, port) in
        [(cluster.host(), cluster.port), ("127.0.0.1", cluster.port), ("127.0.0.1", pooler.port)]
    {
        let dsn = format!("host={host} port={port} user=postgres dbname=postgres application_name=pgconn");
        leaves_nothing_waiting(&cluster, &dsn);
    }
}
