//! `top` and `ls --watch` on a terminal of 120 columns and 40 lines: how soon it shows something, and what each look costs it, its server
//! and the terminal, whatever the number of sessions.

use super::common::{Cluster, Pgconn, Terminal, wait_until};
use super::measuring::{SCAN, Verdicts, median, spent};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How often it is started.
const STARTS: usize = 11;
/// For how long it is watched, in seconds; it looks twice a second.
const SECONDS: u64 = 10;

fn start(pgconn: &Path, server: &Cluster) -> Terminal {
    let run = Pgconn::of(pgconn.to_str().unwrap(), &["top", "--interval", "500ms"]).on(server);
    run.env_remove("NO_COLOR").on_terminal_of(120, 40)
}

fn end(mut terminal: Terminal) {
    terminal.type_keys("q");
    let _ = terminal.finish().success();
}

/// Milliseconds until the first look is shown.
fn first_screen(pgconn: &Path, server: &Cluster) -> f64 {
    let began = Instant::now();
    let terminal = start(pgconn, server);
    while !terminal.screen().contains(" usable") {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", terminal.screen());
        thread::sleep(Duration::from_micros(200));
    }
    let took = began.elapsed();
    end(terminal);
    took.as_secs_f64() * 1e3
}

fn peak(pid: i32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// With so many sessions on this server; the first screen may take so many milliseconds.
pub(super) fn on_a_terminal(
    pgconn: &Path,
    (count, server): (usize, &Cluster),
    first_limit: f64,
    verdicts: &mut Verdicts,
) {
    let claim = |what: &str| format!("top, {count} sessions: {what}");
    let firsts = (0..STARTS).map(|_| first_screen(pgconn, server)).collect();
    verdicts.judge(claim("first useful screen, ms"), first_limit, median(firsts), String::new());
    let terminal = start(pgconn, server);
    looks(&terminal, server).judge(&claim, 1.5, verdicts);
    verdicts.judge(claim("peak memory, MiB"), 9.0, peak(terminal.pid()), String::new());
    end(terminal);
}

/// The same of `ls --watch`.
pub(super) fn listing(pgconn: &Path, (count, server): (usize, &Cluster), verdicts: &mut Verdicts) {
    let claim = |what: &str| format!("ls --watch, {count} sessions: {what}");
    let run = Pgconn::of(pgconn.to_str().unwrap(), &["ls", "--watch=500ms"]).on(server);
    let terminal = run.env_remove("NO_COLOR").on_terminal_of(120, 40);
    looks(&terminal, server).judge(&claim, 2.0, verdicts);
    end(terminal);
}

/// What a look costs, in milliseconds of processor time; what a scan costs at the same time; and what is written.
struct Looks {
    client: f64,
    server: f64,
    scan: f64,
    written: f64,
}

impl Looks {
    /// Each may take so many milliseconds of the client's time.
    fn judge(&self, claim: &dyn Fn(&str) -> String, client: f64, verdicts: &mut Verdicts) {
        verdicts.judge(claim("CPU per look, ms"), client, self.client, String::new());
        let about = format!("{:.1} ms against {:.1} ms", self.server, self.scan);
        let scans = self.server / self.scan;
        verdicts.judge(claim("the server's CPU per look, in scans"), 1.3, scans, about);
        verdicts.judge(claim("bytes written per look"), 1000.0, self.written, String::new());
    }
}

/// Watches it for a while, once it has settled.
fn looks(terminal: &Terminal, server: &Cluster) -> Looks {
    wait_until("some looks", || terminal.screen().matches("[?2026l").count() > 6);
    let backend = server.value("select pid from pg_stat_activity where application_name = 'pgconn'");
    let (pid, backend) = (terminal.pid(), backend.parse().unwrap());
    let mut plain = server.session();
    let (before, bytes) = ([spent(pid), spent(backend)], terminal.screen().len());
    let began = Instant::now();
    let mut scans = Vec::new();
    while began.elapsed() < Duration::from_secs(SECONDS) {
        let before = spent(plain.pid);
        assert!(!plain.query(SCAN).is_empty());
        scans.push(spent(plain.pid) - before);
        thread::sleep(Duration::from_millis(200));
    }
    let looks = 2.0 * began.elapsed().as_secs_f64();
    Looks {
        client: (spent(pid) - before[0]) / looks,
        server: (spent(backend) - before[1]) / looks,
        scan: median(scans),
        written: (terminal.screen().len() - bytes) as f64 / looks,
    }
}
