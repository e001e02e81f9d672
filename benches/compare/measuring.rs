//! Programs that run in turn, what each run took, and whether the project's own limits hold.

use super::common::Cluster;
use nix::pty::{Winsize, openpty};
use nix::sys::resource::{UsageWho, getrusage};
use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Pairs per comparison.
pub(super) const PAIRS: usize = 41;

/// One run: wall time in seconds, CPU time in seconds, peak memory in MiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) wall: f64,
    pub(super) cpu: f64,
    pub(super) peak: f64,
}

/// A program with its arguments and the server it is to use.
pub(super) struct Program<'a> {
    pub(super) path: &'a Path,
    pub(super) arguments: Vec<&'a str>,
    pub(super) server: Option<&'a Cluster>,
    /// Variables beside those, or instead of them, that name the server.
    pub(super) environment: Vec<(&'a str, &'a str)>,
}

impl Program<'_> {
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PGPASSFILE", "/dev/null");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
        // Every shell, cron and systemd's units of users set it; without it the C library loads what it takes to ask the directory
        // of users.
        command.env("HOME", "/nonexistent");
        if let Some(server) = self.server {
            command.env("PGHOST", server.host()).env("PGPORT", server.port.to_string());
            command.env("PGUSER", "postgres").env("PGDATABASE", "postgres");
        }
        command.envs(self.environment.iter().copied());
        command
    }

    /// Standard output of a run that succeeds.
    pub(super) fn answer(&self) -> String {
        let output = self.command(self.path).args(&self.arguments).output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", self.path.display());
        String::from_utf8(output.stdout).unwrap()
    }

    /// A small process of its own runs and waits for the program, so that the resources of children are those of this one run.
    pub(super) fn run(&self) -> Run {
        self.measured_by("measure")
    }

    /// Measures it with a terminal of 120 columns and 40 lines as its output.
    pub(super) fn run_on_terminal(&self) -> Run {
        self.measured_by("measure-on-terminal")
    }

    fn measured_by(&self, way: &str) -> Run {
        let mut command = self.command(&std::env::current_exe().unwrap());
        let output = command.arg(way).arg(self.path).args(&self.arguments).output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", self.path.display());
        let text = String::from_utf8(output.stdout).unwrap();
        let [wall, cpu, peak] =
            text.split_whitespace().map(|number| number.parse().unwrap()).collect::<Vec<f64>>()[..]
        else {
            panic!("{text}")
        };
        Run { wall, cpu, peak }
    }
}

/// Runs a program and prints what it took. The clock stands around spawn and wait alone.
pub(super) fn measure(program: &str, arguments: &[String], stdout: Stdio) {
    let began = Instant::now();
    let status = Command::new(program).args(arguments).stdout(stdout).status().unwrap();
    let wall = began.elapsed().as_secs_f64();
    assert!(status.success(), "{program}: {status}");
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    // Linux counts in KiB, macOS in bytes
    let unit = if cfg!(target_os = "macos") { 1024.0 * 1024.0 } else { 1024.0 };
    println!(
        "{wall} {} {}",
        seconds(used.user_time()) + seconds(used.system_time()),
        used.max_rss() as f64 / unit
    );
}

/// A terminal whose text nobody keeps.
pub(super) fn terminal() -> Stdio {
    let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).unwrap();
    let mut screen = File::from(pty.master);
    // To its end, which is an error.
    std::thread::spawn(move || drop(io::copy(&mut screen, &mut io::sink())));
    Stdio::from(pty.slave)
}

/// Runs `a` and `b` in turn.
pub(super) fn pairs(a: &Program<'_>, b: &Program<'_>) -> Vec<(Run, Run)> {
    let _warm_up = (a.run(), b.run());
    (0..PAIRS).map(|_| (a.run(), b.run())).collect()
}

/// One scan of the sessions, as somebody without pgconn would look at them.
pub(super) const SCAN: &str = "select * from pg_stat_activity";

/// Milliseconds of processor time that a process has had.
pub(super) fn spent(pid: i32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The project's own limits, what was measured, whether they hold.
#[derive(Default)]
pub(super) struct Verdicts(Vec<(String, f64, f64, String)>);

impl Verdicts {
    pub(super) fn judge(&mut self, claim: String, limit: f64, measured: f64, about: String) {
        println!("measured: {claim}");
        self.0.push((claim, limit, measured, about));
    }

    /// Judges the ratio of one figure in pairs of runs.
    pub(super) fn ratio(
        &mut self,
        claim: String,
        limit: f64,
        runs: &[(Run, Run)],
        figure: impl Fn(&Run) -> f64,
    ) {
        let ratio = median(runs.iter().map(|(a, b)| figure(a) / figure(b)).collect());
        let middle = |values: Vec<f64>| format!("{:.1} ms", median(values) * 1e3);
        let a = middle(runs.iter().map(|(a, _)| figure(a)).collect());
        let b = middle(runs.iter().map(|(_, b)| figure(b)).collect());
        self.judge(claim, limit, ratio, format!("{a} against {b}"));
    }

    pub(super) fn print(&self) -> ExitCode {
        println!("\n{:<66} {:>6} {:>9}", "claim", "limit", "measured");
        for (claim, limit, measured, about) in &self.0 {
            let verdict = if measured <= limit { "ok" } else { "MISSED" };
            println!("{claim:<66} {limit:>6.2} {measured:>9.2}  {verdict:<6}  {about}");
        }
        let missed = self.0.iter().filter(|(_, limit, measured, _)| measured > limit).count();
        if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
