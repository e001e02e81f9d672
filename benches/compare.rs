//! Whole processes against psql on the same server: measured, and judged by the project's own limits.
//!
//! Two programs run in turn (A B A B …), so that a machine that slows down slows both; what is compared is the median of the
//! ratios, pair by pair. Before anything is timed, exit codes and answers are checked: a fast failure is not fast.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a comparison that cannot be made ends with the reason"
)]

#[expect(dead_code, unused_imports, reason = "the harness of the tests, of which this uses a part")]
#[path = "../tests/common/mod.rs"]
mod common;
#[path = "compare/listing.rs"]
mod listing;

use common::{Cluster, PgBouncer, Session, with, with_files};
use nix::pty::{Winsize, openpty};
use nix::sys::resource::{UsageWho, getrusage};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Pairs per comparison.
const PAIRS: usize = 41;

/// Pairs in which every run needs thousands of sessions of its own.
const KILL_PAIRS: usize = 7;

/// What somebody without pgconn would type to end sessions, and to count until there are none.
const PLAIN_KILL: [&str; 2] = [
    "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'victim'",
    "do $$ begin while exists (select from pg_stat_activity where application_name = 'victim') loop \
     perform pg_stat_clear_snapshot(), pg_sleep(0.01); end loop; end $$",
];

/// What somebody without pgconn would type.
const PLAIN_COUNT: &str =
    "select state, count(*) from pg_stat_activity where backend_type = 'client backend' group by state";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, program, rest @ ..] = arguments.as_slice()
        && first == "measure"
    {
        measure(program, rest, Stdio::null());
        return ExitCode::SUCCESS;
    }
    if let [first, program, rest @ ..] = arguments.as_slice()
        && first == "measure-on-terminal"
    {
        measure(program, rest, terminal());
        return ExitCode::SUCCESS;
    }
    let mut verdicts = Verdicts::default();
    let folder = std::env::temp_dir().join(format!("pgconn-installed-{}", std::process::id()));
    let pgconn = installed(&folder);
    let psql = common::psql().expect("psql is missing: install postgresql-client");
    println!("{} against {}, {PAIRS} pairs each, medians\n", pgconn.display(), psql.display());
    program_alone(&pgconn, &mut verdicts);
    demo(&pgconn, &mut verdicts);
    let same_sql = sql_of_stats(&pgconn);
    let counts = [20, 2000];
    let servers = counts.map(|count| with(&[("max_connections", &(count + 10).to_string())]));
    let sessions = [0, 1].map(|at| sessions(&servers[at], counts[at], 12));
    for at in [0, 1] {
        on_a_server(counts[at], &servers[at], &pgconn, &psql, &same_sql, &mut verdicts);
    }
    listing::on_a_terminal(&pgconn, [1, 0].map(|at| (counts[at], &servers[at])), &mut verdicts);
    drop((sessions, servers));
    as_many_applications(2000, &pgconn, &mut verdicts);
    over_verified_tls(&pgconn, &psql, &mut verdicts);
    pooler(1000, &pgconn, &psql, &mut verdicts);
    kill(2000, &pgconn, &psql, &mut verdicts);
    fs::remove_dir_all(&folder).unwrap();
    verdicts.print()
}

/// One run: wall time in seconds, CPU time in seconds, peak memory in MiB.
#[derive(Clone, Copy, Debug)]
struct Run {
    wall: f64,
    cpu: f64,
    peak: f64,
}

/// A program with its arguments and the server it is to use.
struct Program<'a> {
    path: &'a Path,
    arguments: Vec<&'a str>,
    server: Option<&'a Cluster>,
    /// Variables beside those, or instead of them, that name the server.
    environment: Vec<(&'a str, &'a str)>,
}

impl Program<'_> {
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PGPASSFILE", "/dev/null");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
        if let Some(server) = self.server {
            command.env("PGHOST", server.host()).env("PGPORT", server.port.to_string());
            command.env("PGUSER", "postgres").env("PGDATABASE", "postgres");
        }
        command.envs(self.environment.iter().copied());
        command
    }

    /// Standard output of a run that succeeds.
    fn answer(&self) -> String {
        let output = self.command(self.path).args(&self.arguments).output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", self.path.display());
        String::from_utf8(output.stdout).unwrap()
    }

    /// A small process of its own runs and waits for the program, so that the resources of children are those of this one run.
    fn run(&self) -> Run {
        self.measured_by("measure")
    }

    /// Measures it with a terminal of 120 columns and 40 lines as its output.
    fn run_on_terminal(&self) -> Run {
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
fn measure(program: &str, arguments: &[String], stdout: Stdio) {
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
fn terminal() -> Stdio {
    let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).unwrap();
    let mut screen = File::from(pty.master);
    // To its end, which is an error.
    std::thread::spawn(move || drop(io::copy(&mut screen, &mut io::sink())));
    Stdio::from(pty.slave)
}

/// Runs `a` and `b` in turn.
fn pairs(a: &Program<'_>, b: &Program<'_>) -> Vec<(Run, Run)> {
    let _warm_up = (a.run(), b.run());
    (0..PAIRS).map(|_| (a.run(), b.run())).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The project's own limits, what was measured, whether they hold.
#[derive(Default)]
struct Verdicts(Vec<(String, f64, f64, String)>);

impl Verdicts {
    fn judge(&mut self, claim: String, limit: f64, measured: f64, about: String) {
        println!("measured: {claim}");
        self.0.push((claim, limit, measured, about));
    }

    /// Judges the ratio of one figure in pairs of runs.
    fn ratio(&mut self, claim: String, limit: f64, runs: &[(Run, Run)], figure: impl Fn(&Run) -> f64) {
        let ratio = median(runs.iter().map(|(a, b)| figure(a) / figure(b)).collect());
        let middle = |values: Vec<f64>| format!("{:.1} ms", median(values) * 1e3);
        let a = middle(runs.iter().map(|(a, _)| figure(a)).collect());
        let b = middle(runs.iter().map(|(_, b)| figure(b)).collect());
        self.judge(claim, limit, ratio, format!("{a} against {b}"));
    }

    fn print(&self) -> ExitCode {
        println!("\n{:<66} {:>6} {:>9}", "claim", "limit", "measured");
        for (claim, limit, measured, about) in &self.0 {
            let verdict = if measured <= limit { "ok" } else { "MISSED" };
            println!("{claim:<66} {limit:>6.2} {measured:>9.2}  {verdict:<6}  {about}");
        }
        let missed = self.0.iter().filter(|(_, limit, measured, _)| measured > limit).count();
        if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn program_alone(pgconn: &Path, verdicts: &mut Verdicts) {
    let size = fs::metadata(pgconn).unwrap().len() as f64 / 1e6;
    verdicts.judge("size of the release binary, MB".to_owned(), 6.0, size, String::new());
    let program = |path, arguments| Program { path, arguments, server: None, environment: vec![] };
    let nothing = program(Path::new("/bin/true"), vec![]);
    let version = program(pgconn, vec!["--version"]);
    assert!(version.answer().starts_with("pgconn "));
    let plan = program(pgconn, vec!["size", "--cores", "4", "--instances", "8"]);
    assert!(plan.answer().contains("optimal_connections           9  4 × 2 + 1"));
    for (name, ours, limit) in [("--version", &version, 2.0), ("size without a server", &plan, 2.5)] {
        let claim = format!("pgconn {name}, wall, against /bin/true");
        verdicts.ratio(claim, limit, &pairs(ours, &nothing), |run| run.wall);
    }
}

/// Sessions ended and verified gone. Each run has the same number of sessions before it, idle and nothing but idle.
fn kill(count: usize, pgconn: &Path, psql: &Path, verdicts: &mut Verdicts) {
    let server = with(&[("max_connections", &(count + 10).to_string())]);
    let ours = Program {
        path: pgconn,
        arguments: vec!["kill", "--app", "victim", "--json"],
        server: Some(&server),
        environment: Vec::new(),
    };
    let [signal, until_none] = PLAIN_KILL;
    let mut plain = psql_with(psql, signal, &server);
    plain.arguments.extend(["-c", until_none]);
    let populate = || -> Vec<Session> {
        let connect = |_| server.connect(&[("application_name", "victim")]).unwrap();
        (0..count).map(connect).collect()
    };
    let left = "select count(*) from pg_stat_activity where application_name = 'victim'";
    let population = populate();
    let answer: serde_json::Value = serde_json::from_str(&ours.answer()).unwrap();
    assert_eq!((&answer["succeeded"], &answer["remaining_matching"]), (&count.into(), &0.into()), "{answer}");
    drop(population);
    let population = populate();
    assert_eq!(plain.answer(), format!("{count}\n"));
    drop(population);
    let run = |program: &Program<'_>| {
        let population = populate();
        let run = program.run();
        assert_eq!(server.value(left), "0");
        drop(population);
        run
    };
    let runs: Vec<(Run, Run)> = (0..KILL_PAIRS).map(|_| (run(&ours), run(&plain))).collect();
    let claim = format!("kill, {count} idle sessions, wall, against psql's bare statement and counting to 0");
    verdicts.ratio(claim, 1.3, &runs, |run| run.wall);
}

/// From nothing to the first look, and everything removed again.
fn demo(pgconn: &Path, verdicts: &mut Verdicts) {
    let demo = Program { path: pgconn, arguments: vec!["demo"], server: None, environment: vec![] };
    assert!(demo.answer().contains("\nSTATE "));
    let walls = (0..3).map(|_| demo.run().wall).collect();
    verdicts.judge(
        "demo, from nothing to the first look and gone, s".to_owned(),
        3.0,
        median(walls),
        String::new(),
    );
}

fn on_a_server(
    count: usize,
    server: &Cluster,
    pgconn: &Path,
    psql: &Path,
    same_sql: &str,
    verdicts: &mut Verdicts,
) {
    let stats = Program {
        path: pgconn,
        arguments: vec!["stats", "--json"],
        server: Some(server),
        environment: vec![],
    };
    let plain = psql_with(psql, PLAIN_COUNT, server);
    let same = psql_with(psql, same_sql, server);
    check_answers(count, &stats, &plain, &same);

    let runs = pairs(&stats, &plain);
    let claim = |what: &str| format!("stats --json, {count} sessions: {what}");
    let wall_limit = if count <= 20 { 0.85 } else { 1.1 };
    verdicts.ratio(claim("wall, against psql's plain count"), wall_limit, &runs, |run| run.wall);
    if count <= 20 {
        verdicts.ratio(claim("CPU, against psql's plain count"), 0.35, &runs, |run| run.cpu);
        verdicts.ratio(claim("wall, against psql with the same SQL"), 0.70, &pairs(&stats, &same), |run| {
            run.wall
        });
    }
    let peak = runs.iter().map(|(a, _)| a.peak).fold(0.0, f64::max);
    verdicts.judge(claim("peak memory, MiB"), 6.0, peak, String::new());
}

/// An application that puts its pid in its name: a group per session, of which only the largest are listed.
fn as_many_applications(count: usize, pgconn: &Path, verdicts: &mut Verdicts) {
    let server = with(&[("max_connections", &(count + 10).to_string())]);
    let sessions = sessions(&server, count, count);
    let stats = Program {
        path: pgconn,
        arguments: vec!["stats", "--json"],
        server: Some(&server),
        environment: vec![],
    };
    let answer: serde_json::Value = serde_json::from_str(&stats.answer()).unwrap();
    assert_eq!(answer["rest"]["by_application"]["groups"], count - 20, "{answer}");
    let peak = (0..5).map(|_| stats.run().peak).fold(0.0, f64::max);
    let claim = format!("stats --json, {count} sessions of as many applications: peak memory, MiB");
    verdicts.judge(claim, 6.0, peak, String::new());
    drop(sessions);
}

/// The dearest way in that is common: a certificate chain and host name to verify, and SCRAM bound to the channel.
fn over_verified_tls(pgconn: &Path, psql: &Path, verdicts: &mut Verdicts) {
    let folder = std::env::temp_dir().join(format!("pgconn-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(&folder).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "openssl {arguments}");
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 2");
    openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost").unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile names",
    );
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let server = with_files(
        &[("ssl", "on"), ("password_encryption", "scram-sha-256")],
        &[
            ("server.crt", &text("server.crt")),
            ("server.key", &text("server.key")),
            ("pg_hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"),
        ],
    );
    server.query("create role app login password 's3cret'");
    let root = folder.join("ca.crt");
    let environment = vec![
        ("PGHOST", "localhost"),
        ("PGUSER", "app"),
        ("PGPASSWORD", "s3cret"),
        ("PGSSLMODE", "verify-full"),
        ("PGSSLROOTCERT", root.to_str().unwrap()),
        ("PGCHANNELBINDING", "require"),
    ];
    let program = |path, arguments| Program {
        path,
        arguments,
        server: Some(&server),
        environment: environment.clone(),
    };
    let stats = program(pgconn, vec!["stats", "--json"]);
    let plain = program(psql, vec!["-XAtq", "-c", PLAIN_COUNT]);
    let answer: serde_json::Value = serde_json::from_str(&stats.answer()).unwrap();
    assert_eq!(answer["warnings"], serde_json::json!([]), "{answer}");
    assert!(plain.answer().contains("active|1"));
    let runs = pairs(&stats, &plain);
    let claim = |what: &str| format!("stats --json, verified TLS and SCRAM: {what}");
    verdicts.ratio(claim("wall, against psql"), 0.6, &runs, |run| run.wall);
    verdicts.ratio(claim("CPU, against psql"), 0.4, &runs, |run| run.cpu);
    fs::remove_dir_all(&folder).unwrap();
}

/// The pools of a pooler with many clients, against the one list that psql would ask for.
fn pooler(count: usize, pgconn: &Path, psql: &Path, verdicts: &mut Verdicts) {
    let server = with(&[]);
    let most = (count + 10).to_string();
    let settings =
        [("pool_mode", "transaction"), ("default_pool_size", "20"), ("max_client_conn", most.as_str())];
    let pooler = PgBouncer::start(&server, &[], &settings);
    let clients: Vec<Session> = (0..count).map(|_| pooler.connect(&[]).unwrap()).collect();
    let port = pooler.port.to_string();
    let environment = || vec![("PGPORT", port.as_str()), ("PGDATABASE", "pgbouncer")];
    let program =
        |path, arguments| Program { path, arguments, server: Some(&server), environment: environment() };
    let pools = program(pgconn, vec!["pooler", "--json"]);
    let plain = program(psql, vec!["-XAtq", "-c", "SHOW POOLS"]);
    assert!(pools.answer().contains(&format!("\"clients_active\":{count}")), "{}", pools.answer());
    let runs = pairs(&pools, &plain);
    let claim = |what: &str| format!("pooler --json, {count} clients: {what}");
    verdicts.ratio(claim("wall, against psql's SHOW POOLS"), 1.2, &runs, |run| run.wall);
    let peak = |runs: &[(Run, Run)]| runs.iter().map(|(a, _)| a.peak).fold(0.0, f64::max);
    verdicts.judge(claim("peak memory, MiB"), 10.0, peak(&runs), String::new());
    let listed = pairs(&program(pgconn, vec!["pooler", "clients", "--json"]), &plain);
    verdicts.judge(
        format!("pooler clients --json, {count} clients: peak memory, MiB"),
        10.0,
        peak(&listed),
        String::new(),
    );
    drop(clients);
}

fn psql_with<'a>(psql: &'a Path, sql: &'a str, server: &'a Cluster) -> Program<'a> {
    Program { path: psql, arguments: vec!["-XAtq", "-c", sql], server: Some(server), environment: vec![] }
}

/// The sessions a busy server has: most idle, some in a transaction, a few at work.
fn sessions(server: &Cluster, count: usize, applications: usize) -> Vec<Session> {
    let open = |number: usize| {
        let name = format!("app-{}", number % applications);
        let parameters = [("application_name", name.as_str())];
        match number % 10 {
            0 => server.active(&parameters),
            1 | 2 => server.idle_in_transaction(&parameters, "select 1"),
            3 => server.aborted(&parameters),
            _ => {
                let mut session = server.connect(&parameters).unwrap();
                session.query("select 1");
                session
            }
        }
    };
    (0..count).map(open).collect()
}

fn check_answers(count: usize, stats: &Program<'_>, plain: &Program<'_>, same: &Program<'_>) {
    let answer: serde_json::Value = serde_json::from_str(&stats.answer()).unwrap();
    assert_eq!(answer["matched"], count, "{answer}");
    let counted: usize =
        plain.answer().lines().map(|line| line.rsplit('|').next().unwrap().parse::<usize>().unwrap()).sum();
    assert_eq!(counted, count + 1);
    assert!(same.answer().lines().count() > 10);
}

/// The text that `stats` sends, as the server logs it.
fn sql_of_stats(pgconn: &Path) -> String {
    let server = with(&[("log_statement", "all"), ("log_line_prefix", "")]);
    Program { path: pgconn, arguments: vec!["stats", "--json"], server: Some(&server), environment: vec![] }
        .answer();
    let log = fs::read_to_string(server.dir.join("log")).unwrap();
    let after = |line: &str| line.split_once("statement: ").map(|(_, text)| text.to_owned());
    let mut statement = String::new();
    for line in log.lines() {
        if let Some(text) = after(line) {
            assert!(statement.is_empty(), "more than one message:\n{log}");
            statement = text;
        } else if let Some(continued) = line.strip_prefix('\t') {
            statement.push('\n');
            statement.push_str(continued);
        }
    }
    assert!(statement.contains("pg_stat"), "{log}");
    statement
}

/// The release build, as `cargo install` leaves it: a copy. What the linker has written lies in memory page by page, which makes
/// each start dearer until the machine has been started anew.
fn installed(folder: &Path) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let target = Path::new(env!("CARGO_BIN_EXE_pgconn")).ancestors().nth(2).unwrap();
    let built = target.join("release/pgconn");
    assert!(built.is_file(), "{} is missing: run ./dev bench", built.display());
    let program = folder.join("pgconn");
    fs::copy(built, &program).unwrap();
    program
}
