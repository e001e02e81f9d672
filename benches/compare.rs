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
#[path = "compare/live.rs"]
mod live;
#[path = "compare/measuring.rs"]
mod measuring;
#[path = "compare/monitoring.rs"]
mod monitoring;

use common::{Cluster, PgBouncer, Session, with, with_files};
use measuring::{PAIRS, Program, Run, Verdicts, measure, median, pairs, terminal};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

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
    for at in [0, 1] {
        live::listing(&pgconn, (counts[at], &servers[at]), &mut verdicts);
        monitoring::check(&pgconn, (counts[at], &servers[at]), &mut verdicts);
    }
    drop((sessions, servers));
    faces(&pgconn, &mut verdicts);
    as_many_applications(2000, &pgconn, &mut verdicts);
    over_verified_tls(&pgconn, &psql, &mut verdicts);
    pooler(1000, &pgconn, &psql, &mut verdicts);
    kill(2000, &pgconn, &psql, &mut verdicts);
    fs::remove_dir_all(&folder).unwrap();
    verdicts.print()
}

/// What a scrape and the live screen cost at the numbers of sessions that their limits are for, and how soon the screen is there.
fn faces(pgconn: &Path, verdicts: &mut Verdicts) {
    for (count, first_limit) in [(40, 25.0), (500, 35.0), (2000, 60.0)] {
        let server = with(&[("max_connections", &(count + 10).to_string())]);
        let sessions = sessions(&server, count, 12);
        live::on_a_terminal(pgconn, (count, &server), first_limit, verdicts);
        monitoring::serve(pgconn, (count, &server), verdicts);
        drop(sessions);
    }
}

fn program_alone(pgconn: &Path, verdicts: &mut Verdicts) {
    let size = fs::metadata(pgconn).unwrap().len() as f64 / 1e6;
    verdicts.judge("size of the release binary, MB".to_owned(), 6.0, size, String::new());
    let program = |path, arguments| Program { path, arguments, server: None, environment: vec![] };
    let nothing = program(Path::new("/bin/true"), vec![]);
    let version = program(pgconn, vec!["--version"]);
    assert!(version.answer().starts_with("pgconn "));
    // An error may ask for a backtrace, which a program without tables for unwinding must live through.
    let error =
        Command::new(pgconn).args(["stats", "-h", "/nowhere"]).env("RUST_BACKTRACE", "1").output().unwrap();
    assert_eq!(error.status.code(), Some(3), "{error:?}");
    let plan = program(pgconn, vec!["size", "--cores", "4", "--instances", "8"]);
    assert!(plan.answer().starts_with("each of the 8 instances: at most 9 connections"));
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
        // psql does not look whether anybody comes back.
        arguments: vec!["kill", "--app", "victim", "--json", "--settle", "0"],
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
