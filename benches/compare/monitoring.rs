//! Monitoring: what `check` costs beside `stats`, the program and its backend together, and what a scrape of `serve` costs beside one
//! scan of pg_stat_activity.

use super::common::{Cluster, Pgconn, wait_for};
use super::measuring::{Program, SCAN, Verdicts, median, spent};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Runs in a row before the other program has its turn: a process that has ended is counted in ticks.
const IN_A_ROW: usize = 20;
/// Turns of each.
const TURNS: usize = 7;
/// Scrapes, and as many scans.
const SCRAPES: usize = 100;
/// A tick of /proc, in milliseconds.
const TICK: f64 = 10.0;

/// What a run of one and of the other took of the client and of its backend, in milliseconds.
type Turn = ([f64; 2], [f64; 2]);

/// Checks with all rules against counting sessions.
pub(super) fn check(pgconn: &Path, (count, server): (usize, &Cluster), verdicts: &mut Verdicts) {
    let program = |arguments| Program { path: pgconn, arguments, server: Some(server), environment: vec![] };
    // Nearly full, and transactions have been left open: it is to say that all is well.
    let mut arguments = vec!["check", "--json"];
    for threshold in ["connections=100%", "idle-xact=24h", "long-query=24h", "long-xact=24h"] {
        arguments.extend(["--warning", threshold, "--critical", threshold]);
    }
    let check = program(arguments);
    let stats = program(vec!["stats", "--json"]);
    assert!(check.answer().contains("\"rule\":\"oldest-xmin\""));
    let per_run = |program: &Program<'_>| {
        let before = of_ended_backends(server);
        let client: f64 = (0..IN_A_ROW).map(|_| program.run().cpu * 1e3).sum();
        // Until the last backend has been waited for.
        thread::sleep(Duration::from_millis(100));
        let backends = of_ended_backends(server) - before;
        [client / IN_A_ROW as f64, backends / IN_A_ROW as f64]
    };
    let turns: Vec<Turn> = (0..TURNS).map(|_| (per_run(&check), per_run(&stats))).collect();
    let ratios = turns.iter().map(|(a, b)| (a[0] + a[1]) / (b[0] + b[1])).collect();
    let middle = |of: fn(&Turn) -> f64| median(turns.iter().map(of).collect());
    let about = format!(
        "{:.1} + {:.1} ms against {:.1} + {:.1} ms",
        middle(|turn| turn.0[0]),
        middle(|turn| turn.0[1]),
        middle(|turn| turn.1[0]),
        middle(|turn| turn.1[1]),
    );
    let claim = format!("check, {count} sessions: CPU of client and server, against stats");
    verdicts.judge(claim, 1.2, median(ratios), about);
}

/// Scrapes in turn with scans on a session of their own.
pub(super) fn serve(pgconn: &Path, (count, server): (usize, &Cluster), verdicts: &mut Verdicts) {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--min-interval", "1ms"];
    let running = Pgconn::of(pgconn.to_str().unwrap(), &arguments).on(server).spawn();
    let port: u16 = wait_for("it listens", || {
        let said = running.stderr();
        said.lines().find_map(|line| line.strip_prefix("listening on 127.0.0.1:"))?.parse().ok()
    });
    let mut scraper = Scraper(TcpStream::connect(("127.0.0.1", port)).unwrap());
    assert!(scraper.scrape().contains("\npgconn_up{") && scraper.scrape().contains("\npgconn_sessions{"));
    let mut plain = server.session();
    let backend = server.value("select pid from pg_stat_activity where application_name = 'pgconn'");
    let (client, backend, plain_pid) = (running.pid(), backend.parse().unwrap(), plain.pid);
    let mut scrape = |then: &mut dyn FnMut()| {
        thread::sleep(Duration::from_millis(5));
        let before = [client, backend, plain_pid].map(spent);
        scraper.scrape();
        then();
        let after = [client, backend, plain_pid].map(spent);
        [0, 1, 2].map(|at| after[at] - before[at])
    };
    // The client's own without the scans, which would leave nothing of it in the caches.
    let alone: Vec<_> = (0..SCRAPES).map(|_| scrape(&mut || ())).collect();
    let beside: Vec<_> = (0..SCRAPES).map(|_| scrape(&mut || drop(plain.query(SCAN)))).collect();
    let middle = |costs: &[[f64; 3]], at: usize| median(costs.iter().map(|cost| cost[at]).collect());
    let claim = |what: &str| format!("serve, {count} sessions: {what}");
    verdicts.judge(claim("CPU per scrape, ms"), 0.5, middle(&alone, 0), String::new());
    let ratio = median(beside.iter().map(|cost| cost[1] / cost[2]).collect());
    let about = format!("{:.1} ms against {:.1} ms", middle(&beside, 1), middle(&beside, 2));
    verdicts.judge(claim("the server's CPU per scrape, in scans"), 1.5, ratio, about);
}

/// Milliseconds of processor time of all backends that have ended.
fn of_ended_backends(server: &Cluster) -> f64 {
    let postmaster = fs::read_to_string(server.dir.join("data/postmaster.pid")).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", postmaster.lines().next().unwrap())).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = |at: usize| fields.split_whitespace().nth(at).unwrap().parse::<f64>().unwrap();
    (ticks(13) + ticks(14)) * TICK
}

/// A connection that is kept, as Prometheus keeps its own.
struct Scraper(TcpStream);

impl Scraper {
    fn scrape(&mut self) -> String {
        self.0.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let mut part = [0; 65_536];
        loop {
            let length = self.0.read(&mut part).unwrap();
            assert!(length > 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&part[..length]);
            let text = String::from_utf8_lossy(&answer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let (_, size) = head.split_once("content-length: ").unwrap();
            let size: usize = size.split("\r\n").next().unwrap().parse().unwrap();
            if body.len() >= size {
                return text.into_owned();
            }
        }
    }
}
