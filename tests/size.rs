//! `size`: the plan and its formats, configuration that keeps what it promises, and the linter.

use super::common::{Cluster, Outcome, Owned, PgBouncer, Pgconn, binaries, with};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::SystemTime;

fn size(line: &str) -> Outcome {
    let mut words = vec!["size"];
    words.extend(line.split_whitespace());
    Pgconn::new(&words).run()
}

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("size-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn the_plan_for_four_cores_and_eight_instances() {
    let plan = size("--cores 4 --instances 8 --json").success().json();
    for (key, value) in [
        ("optimal_connections", 9),
        ("reserved", 15),
        ("budget", 85),
        ("pool_count", 8),
        ("ceiling_per_pool", 10),
        ("fair_share_per_pool", 1),
        ("pool_size", 9),
        ("min_idle", 1),
        ("total", 72),
        ("required_max_connections", 85),
    ] {
        assert_eq!(plan[key], value, "{key}");
    }
    assert_eq!(plan["kind"], "size");
    assert_eq!(plan["oversubscription_factor"], 8.0);
    assert_eq!(plan["limited_by"], "hardware");
    assert_eq!(plan["feasible"], true);
    assert_eq!(plan["pooler"]["recommended"], true);
    assert_eq!(plan["pooler"]["default_pool_size"], 9);
    assert_eq!(plan["tier"], serde_json::json!({"name": "medium", "low": 5, "high": 10}));
    for null in ["target", "server", "deadlock_floor", "memory", "live", "sample"] {
        assert!(plan.as_object().unwrap().get(null).is_some_and(serde_json::Value::is_null), "{null}");
    }
    let inputs = plan["inputs"].as_array().unwrap();
    for (name, value) in [("pooler_processes", 1), ("pooler_pairs", 1), ("pooler_reserve", 0)] {
        let expected = serde_json::json!({"name": name, "value": value, "source": "assumed"});
        assert!(inputs.contains(&expected), "{name}");
    }
    let assumed = inputs.iter().find(|input| input["name"] == "max_connections").unwrap();
    assert_eq!((&assumed["value"], &assumed["source"]), (&100.into(), &"assumed".into()));
}

#[test]
fn the_table_shows_both_plans_the_steps_and_what_was_assumed() {
    let table = size("--cores 4 --instances 8").success();
    assert_eq!(table.stderr, "");
    for line in [
        "direct                       8          9         1           72  max_connections 85 or more\n",
        "PgBouncer (transaction)      8          9         1            9  default_pool_size 9, max_client_conn 100 (recommended)\n",
        "optimal_connections           9  4 × 2 + 1\n",
        "! max_connections 100 is assumed; ",
        "! a rollout that runs 25 % more instances for a while would open 90 connections, over the budget of 85",
    ] {
        assert!(table.stdout.contains(line), "{line:?} is missing in\n{table}");
    }
    let rows = size("--cores 4 --instances 8 -F tsv").success().stdout;
    assert!(rows.starts_with("list\tname\tvalue\tdetail\n"), "{rows}");
    assert!(rows.contains("steps\ttotal\t72\t9 × 8\n"), "{rows}");
}

#[test]
fn the_words_of_a_plan_are_those_of_its_figures() {
    for (line, words) in [
        (
            "--cores 4 --instances 60",
            "! max_connections leaves 1 connection for each pool; all 60 together are still more than the 9 that the hardware",
        ),
        ("--cores 64 --instances 1", "! max_connections is what limits the pools, not the hardware: "),
        (
            "--cores 4 --memory 8GB",
            "512 connections of 10 MiB without their work_mem, which is not counted: give --work-mem\n",
        ),
        ("--cores 4 --memory 8GB --work-mem 4MB", "150 connections of 34 MiB in the worst case\n"),
    ] {
        let table = size(line).success().stdout;
        assert!(table.contains(words), "{line}:\n{table}");
    }
    let given = size("--cores 4 --memory 8GB").success().stdout;
    assert!(given.contains("\ngiven: cores 4, memory_bytes 8589934592\n"), "{given}");
    let infeasible = size("--cores 4 --app a=1@1 --app b=1@200").fails_with(1);
    assert!(infeasible.stderr.contains("(1 pool shares 0)"), "{infeasible}");
}

#[test]
fn an_infeasible_plan_is_shown_and_fails_with_what_would_help() {
    let plan = size("--cores 4 --instances 91 --reserve 10 --json").fails_with(1);
    assert_eq!(plan.json()["feasible"], false);
    assert_eq!(plan.json()["pool_size"], 0);
    let error: serde_json::Value = serde_json::from_str(&plan.stderr).unwrap();
    assert!(error["error"]["hint"].as_str().unwrap().contains("max_connections 102"), "{plan}");
    let emitted = size("--cores 4 --instances 91 --reserve 10 --emit node-pg").fails_with(1);
    assert_eq!(emitted.stdout, "", "never a pool of 0, and never one of 1 instead");
    let _ = size("--cores 4 --instances 91 --mode transaction").success();
    let pooled = size("--cores 4 --instances 91 --mode transaction --emit node-pg").success();
    assert!(pooled.stdout.contains("max: 5,"), "{pooled}");
}

#[test]
fn nonsense_is_a_usage_error() {
    for (line, words) in [
        ("--instances 8", "cores"),
        ("--cores 0", "at least 1 core"),
        ("--cores -4", "whole number of 0 or more"),
        ("--cores 4 --spindles -1", "whole number of 0 or more"),
        ("--cores 4294967295", "65536"),
        ("--cores 4 --instances 0", "at least 1 instance"),
        ("--cores 4 --max-connections 0", "at least 1"),
        ("--cores 4 --max-connections 262144", "262143"),
        ("--cores 4 --max-connections 3", "leave nothing"),
        ("--cores 4 --reserve 100", "leaves nothing"),
        ("--cores 4 --app a=1@0", "add up to 0"),
        ("--cores 4 --app a=1 --instances 2", "cannot be used with"),
        ("--cores 4 --replica-max-connections 50", "does not start"),
        ("--cores 4 --emit nothing", "invalid value"),
        ("--cores 4 --emit node-pg --json", "no other format"),
        ("--emit list --json", "no other format"),
        ("--cores 4 --emit node-pg --for nope", "the plan has no services"),
        ("--plan /nonexistent", "could not read"),
        ("--lint - --pooler-processes 0", "at least 1 process"),
        ("--lint - --pooler-pairs 0", "at least 1 pair"),
        ("--lint - --instances 0", "at least 1 instance"),
        ("--cores 4 --pooler-pairs 0", "at least 1 pair"),
        ("--cores 4 --emit node-pg --idle-timeout 2h", "idle so long"),
        ("--cores 4 --emit npgsql --acquire-timeout 20m", "Npgsql does not accept"),
        ("--cores 4 --emit sqlx --mode transaction", "sqlx does not work"),
    ] {
        let refused = size(line).fails_with(2);
        assert_eq!(refused.stdout, "", "{line}");
        assert!(refused.stderr.contains(words), "{line}: {refused}");
    }
}

/// The first number behind `marker`.
fn number(text: &str, marker: &str) -> u64 {
    let (_, rest) = text.split_once(marker).unwrap_or_else(|| panic!("{marker} is missing in\n{text}"));
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// The settings that bound a pool in each target's configuration; their sum is the bound.
const BOUNDS: [(&str, &[&str]); 19] = [
    ("node-pg", &["max: "]),
    ("prisma", &["connection_limit="]),
    ("prisma7", &["max: "]),
    ("sqlalchemy", &[" pool_size=", " max_overflow="]),
    ("django", &["\"max_size\": "]),
    ("psycopg-pool", &["max_size="]),
    ("asyncpg", &["max_size="]),
    ("hikaricp", &["maximum-pool-size: "]),
    ("pgxpool", &["MaxConns = "]),
    ("database-sql", &["SetMaxOpenConns("]),
    ("sqlx", &[".max_connections("]),
    ("deadpool", &[".max_size("]),
    ("npgsql", &["MaxPoolSize = "]),
    ("rails", &[" pool: "]),
    ("ecto", &["pool_size: "]),
    ("knex", &["max: "]),
    ("postgres-js", &["max: "]),
    ("pgbouncer", &["default_pool_size = "]),
    ("pgbouncer-compose", &["DEFAULT_POOL_SIZE: \""]),
];

fn bound(target: &str, text: &str) -> u64 {
    // Comments name numbers too.
    let text: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with(['#', ';']) && !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let (_, markers) = BOUNDS.iter().find(|(name, _)| *name == target).unwrap();
    markers.iter().map(|marker| number(&text, marker)).sum()
}

#[test]
fn what_the_files_allow_adds_up_to_the_figure_printed() {
    for (inputs, mode) in [
        ("--cores 4 --instances 8", "direct"),
        ("--cores 64 --instances 3 --processes 5 --surge 25", "direct"),
        ("--cores 1 --instances 1 --spindles 0", "direct"),
        ("--cores 16 --instances 70 --max-connections 500", "transaction"),
        ("--cores 16 --instances 7 --pooler-processes 2 --pooler-pairs 3 --pooler-reserve 1", "session"),
    ] {
        let plan = size(&format!("{inputs} --json")).success().json();
        for (target, _) in BOUNDS {
            let mode = if mode == "direct" && target.starts_with("pgbouncer") { "transaction" } else { mode };
            let line = format!("{inputs} --mode {mode} --pgbouncer-version 1.24 --emit {target}");
            let text = size(&line).success().stdout;
            if target.starts_with("pgbouncer") {
                let [processes, pairs, reserve] = ["processes", "pairs", "reserve_pool_size"]
                    .map(|key| plan["pooler"][key].as_u64().unwrap());
                let (_, printed) = text.split_once("Behind PgBouncer").unwrap();
                let server = number(printed, "at most ");
                assert_eq!((bound(target, &text) + reserve) * pairs * processes, server, "{line}");
                assert!(server <= plan["budget"].as_u64().unwrap(), "{line}");
                assert!(mode == "session" || plan["pooler"]["server_connections"] == server, "{line}");
                continue;
            }
            let pools = plan["pool_count"].as_u64().unwrap();
            assert_eq!(bound(target, &text) * pools, plan["total"].as_u64().unwrap(), "{line}");
            let noun = if pools == 1 { "pool" } else { "pools" };
            let words = format!(", {pools} {noun}, {} in all.", plan["total"]);
            assert!(text.contains(&words), "{line}:\n{text}");
        }
    }
}

/// A plan that no pool or pooler can keep is no configuration.
#[test]
fn what_does_not_fit_is_not_emitted() {
    for line in [
        "--app a=100 --app b=1 --mode session --emit pgbouncer",
        "--app a=100 --app b=1 --emit node-pg --for b",
        "--instances 4294967295 --processes 4 --emit pgbouncer",
        "--instances 8 --pooler-pairs 50 --emit pgbouncer",
        "--instances 8 --pooler-pairs 50 --mode transaction --emit node-pg",
        "--instances 8 --pooler-processes 100 --mode session --emit pgbouncer-compose",
        "--instances 8 --pooler-pairs 50 --mode transaction --json",
    ] {
        let refused = size(&format!("--cores 4 {line}")).fails_with(1);
        assert!(refused.stderr.contains("infeasible: "), "{line}: {refused}");
        assert!(line.ends_with("--json") || refused.stdout.is_empty(), "{line}: {refused}");
    }
    let functions = size("--cores 4 --serverless 200 --mode transaction --emit node-pg").success();
    assert!(functions.stdout.contains("max: 1,"), "each holds one: {functions}");
}

#[test]
fn a_configuration_says_in_words_what_it_adds_up_to() {
    let several = "--cores 4 --reserve 10 --app api=8x4@3 --app worker=2@2 --emit pgbouncer";
    let one = "--cores 4 --emit pgbouncer --mode session";
    for (line, words) in [
        (several, "34 pools of 2 services, at most 50 connections in all.\n"),
        (several, ": at most 9 server connections (1 process, 1 pair).\n"),
        (one, "at most 9 connections per pool, 1 pool, 9 in all.\n"),
        (
            "--cores 4 --provider supabase --mode transaction --emit node-pg",
            "Set the pool size of Supabase's pooler to 9; then at most 9 server connections.\n",
        ),
        (
            "--cores 1 --spindles 0 --app geocoding=18 --app b=1 --emit sqlalchemy --for geocoding",
            "at most 2 connections per pool, 18 pools of geocoding, 36 in all.\n# Budget of geocoding 42: ",
        ),
        (
            "--cores 4 --app <%=6*7%>=1 --app b=1 --emit rails --for <%=6*7%>",
            "1 pool of ---6-7--, 9 in all.\n",
        ),
    ] {
        let text = size(line).success().stdout;
        assert!(text.contains(words), "{line}:\n{text}");
    }
}

/// Where PgBouncer connects to is what pgconn itself would connect to, however it is said.
#[test]
fn a_pooler_is_written_for_the_server_that_is_named() {
    let entry = |words: &[&str]| {
        let words = [&["size", "--cores", "4", "--emit", "pgbouncer"], words].concat();
        let text = Pgconn::new(&words).run().success().stdout;
        assert!(!text.contains("s3cret"), "{text}");
        text.lines().find(|line| line.contains(" = host=")).unwrap().to_owned()
    };
    assert_eq!(entry(&[]), "app = host=127.0.0.1 port=5432 dbname=app");
    assert_eq!(entry(&["-d", "shop"]), "shop = host=127.0.0.1 port=5432 dbname=shop");
    assert_eq!(entry(&["-h", "db1", "-p", "5433"]), "app = host=db1 port=5433 dbname=app");
    let uri = "postgresql://bob:s3cret@db1:5433/shop?sslmode=require";
    assert_eq!(entry(&["-d", uri]), "shop = host=db1 port=5433 dbname=shop");
    assert_eq!(entry(&["-d", "host=db2 dbname=x"]), "x = host=db2 port=5432 dbname=x");
    let several = size("--cores 4 --emit pgbouncer -h a,b").fails_with(2);
    assert!(several.stderr.contains("one host"), "{several}");
    let library = size(&format!("--cores 4 --emit node-pg -d {uri}")).success().stdout;
    assert_eq!(library, size("--cores 4 --emit node-pg").success().stdout);
}

#[test]
fn several_files_and_several_services_go_into_folders() {
    let folder = folder("emit");
    let out = folder.to_str().unwrap();
    let _ = size(&format!("--cores 4 --instances 8 --emit pgbouncer -o {out}/pool -q")).success();
    let ini = std::fs::read_to_string(folder.join("pool/pgbouncer.ini")).unwrap();
    assert!(ini.contains("\ndefault_pool_size = 9\n"), "{ini}");
    let userlist = Command::new(folder.join("pool/userlist.sh"))
        .arg(folder.join("userlist.txt"))
        .env("DB_USER", "app")
        .env("DB_PASSWORD", "a\"b $c")
        .status()
        .unwrap();
    assert!(userlist.success());
    assert_eq!(std::fs::read_to_string(folder.join("userlist.txt")).unwrap(), "\"app\" \"a\"\"b $c\"\n");

    let _ = size(&format!("--cores 4 --app api=2@3 --app ../w=2 --emit node-pg -o {out}/apps -q")).success();
    assert!(std::fs::read_to_string(folder.join("apps/api/pool.mjs")).unwrap().contains("pools of api"));
    assert!(folder.join("apps/_..-w/pool.mjs").exists());

    let _ = size(&format!("--cores 4 --emit rails -o {out}/database.yml")).success();
    assert!(std::fs::read_to_string(folder.join("database.yml")).unwrap().contains("\n  pool: 9\n"));
    let refused = size("--cores 4 --app api=2 --app w=2 --emit node-pg").fails_with(2);
    assert!(refused.stderr.contains("--for (api, w)"), "{refused}");
    let one = size("--cores 4 --app api=2@3 --app w=2 --emit node-pg --for api").success();
    assert!(one.stdout.contains("pools of api"), "{one}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_plan_file_gives_the_inputs_and_flags_win() {
    let example = size("--plan-example").success().stdout;
    let folder = folder("plan");
    let path = folder.join("plan.toml");
    std::fs::write(&path, &example).unwrap();
    let plan = size(&format!("--plan {} --json", path.display())).success().json();
    assert_eq!(plan["services"].as_array().unwrap().len(), 2);
    assert_eq!(plan["optimal_connections"], 17);
    let changed = size(&format!("--plan {} --cores 2 --json", path.display())).success().json();
    assert_eq!(changed["optimal_connections"], 5);
    std::fs::write(&path, "cores = 4\n\ncolour = 1\n").unwrap();
    let wrong = size(&format!("--plan {}", path.display())).fails_with(2);
    assert!(wrong.stderr.contains("plan.toml line 3: unknown field"), "{wrong}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_linter_names_the_line_and_fails_on_errors() {
    let copied = "[databases]\nmyapp = host=127.0.0.1 dbname=myapp\n[pgbouncer]\nauth_type = md5\nauth_file = /u\n\
        pool_mode = transaction          ; session, transaction, or statement\ndefault_pool_size = 20\n";
    let lint = |flags: &[&str], text: &str| {
        let words = [&["size", "--lint", "-"], flags].concat();
        Pgconn::new(&words).input(text).run()
    };
    let found = lint(&["--json"], copied).fails_with(1);
    let findings = found.json()["findings"].clone();
    assert_eq!(
        (&findings[1]["line"], &findings[1]["code"]),
        (&6.into(), &"inline_comment".into()),
        "{found}"
    );
    assert!(lint(&[], copied).fails_with(1).stdout.contains("   6  error "), "a line for people");
    let fixed = copied.replace("          ; session, transaction, or statement", "");
    let _ = lint(&[], &fixed).success();
    let five = lint(&["--pooler-pairs", "5"], &fixed).fails_with(1);
    assert!(five.stdout.contains("open up to 100 server connections; the server has 97"), "{five}");
    let neither = lint(&[], "hello").fails_with(1);
    assert!(neither.stderr.contains("neither a pgbouncer.ini"), "{neither}");
}

#[test]
fn what_is_emitted_passes_the_linter() {
    for version in ["1.18", "1.24"] {
        for mode in ["transaction", "session"] {
            let ini = size(&format!(
                "--cores 4 --instances 8 --emit pgbouncer --mode {mode} --pgbouncer-version {version}"
            ));
            let linted = Pgconn::new(&["size", "--lint", "-", "--pgbouncer-version", version, "--json"])
                .input(&ini.success().stdout)
                .run()
                .success();
            let findings = linted.json()["findings"].as_array().unwrap().clone();
            let expected = if version == "1.18" && mode == "transaction" { 1 } else { 0 };
            assert_eq!(findings.len(), expected, "{linted}");
            assert!(findings.iter().all(|finding| finding["code"] == "prepared_statements"), "{linted}");
        }
    }
}

#[test]
fn the_live_server_gives_limits_use_and_the_first_limit_that_will_be_hit() {
    let cluster = with(&[("max_connections", "40"), ("superuser_reserved_connections", "4")]);
    cluster.query("create role narrow login connection limit 3; create role idle login connection limit 30");
    cluster.query("create database empty connection limit 20");
    let _api: Vec<_> = (0..2)
        .map(|_| cluster.connect(&[("user", "narrow"), ("application_name", "api")]).unwrap())
        .collect();
    let run = |line: &str| {
        let words: Vec<&str> = std::iter::once("size").chain(line.split_whitespace()).collect();
        Pgconn::new(&words).on(&cluster).run()
    };
    let plan = run("--cores 2 --app api=1 --app worker=1 --from-server --json").success().json();
    let input = |name: &str| {
        let inputs = plan["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["name"] == name).unwrap().clone()
    };
    assert_eq!(
        (&input("max_connections")["value"], &input("max_connections")["source"]),
        (&40.into(), &"server".into())
    );
    assert_eq!(
        (&input("reserved_slots")["value"], &input("reserved_slots")["source"]),
        (&4.into(), &"server".into())
    );
    assert_eq!(plan["services"][0]["sessions_now"], 2);
    assert_eq!(plan["services"][1]["sessions_now"], 0);
    assert_eq!(plan["live"]["usable"], 36);
    let limit = &plan["live"]["limits"][0];
    assert_eq!(
        (&limit["scope"], &limit["name"], &limit["headroom"]),
        (&"role".into(), &"narrow".into(), &1.into())
    );
    assert_eq!(limit["below_plan"], true);
    let names = |plan: &serde_json::Value| -> Vec<serde_json::Value> {
        plan["live"]["limits"].as_array().unwrap().iter().map(|limit| limit["name"].clone()).collect()
    };
    let without_sessions = ["empty".into(), "idle".into(), serde_json::Value::Null];
    assert_eq!(names(&plan)[1..], without_sessions, "limits without sessions are limits");
    let advice = plan["advice"].as_array().unwrap();
    assert!(advice.iter().any(|advice| advice["code"] == "first_limit"), "{advice:?}");
    assert!(!advice.iter().any(|advice| advice["code"] == "max_connections_assumed"), "{advice:?}");
    let table = run("--cores 2 --from-server").success();
    assert!(table.stdout.contains("role      narrow"), "{table}");
    let refused = run("--from-server").fails_with(2);
    assert!(refused.stderr.contains("PostgreSQL does not know its cores"), "{refused}");
}

/// What this role may not see is neither idle nor free.
#[test]
fn hidden_sessions_are_unknown_and_not_idle() {
    let cluster = with(&[("max_connections", "40")]);
    cluster.query("create role guest login; create role web login connection limit 5");
    let _busy: Vec<_> = (0..3)
        .map(|_| {
            let mut session = cluster.connect(&[("user", "web"), ("application_name", "checkout")]).unwrap();
            session.send("select pg_sleep(600)");
            session
        })
        .collect();
    cluster.wait_until("count(*) = 3 from pg_stat_activity where state = 'active' and usename = 'web'");
    let run = |role: &str, flags: &str| {
        let words = ["size --cores 8 --app checkout=2 -U", role, flags];
        let words: Vec<&str> = words.iter().flat_map(|part| part.split(' ')).collect();
        Pgconn::new(&words).on(&cluster).run()
    };
    let sampled = run("guest", "--sample 1s --json").success().json();
    let sample = &sampled["sample"];
    let checkout = sample["applications"].as_array().unwrap().iter();
    let checkout = checkout.clone().find(|app| app["application_name"] == "checkout").unwrap();
    assert_eq!(checkout["mean_sessions"], 3.0);
    for (place, key) in
        [(sample, "needed"), (sample, "held_seconds"), (sample, "mean_active"), (checkout, "p95_active")]
    {
        assert!(place[key].is_null(), "{key} in {sampled}");
    }
    let live = &sampled["live"]["applications"][0];
    assert_eq!(
        (&live["active_now"], &live["headroom"], &live["headroom_limit"]),
        (&().into(), &2.into(), &"role web".into())
    );
    let table = run("guest", "--sample 1s").success().stdout;
    assert!(
        table.contains(": 3 of 3 sessions are hidden from guest; GRANT pg_monitor TO \"guest\""),
        "{table}"
    );
    assert!(!table.contains("connections this load needs"), "{table}");
    let seen = run("postgres", "--from-server").success().stdout;
    let row = seen.lines().find(|line| line.starts_with("checkout  ") && line.ends_with("role web"));
    assert!(
        row.is_some_and(|row| row.split_whitespace().collect::<Vec<_>>()[..3] == ["checkout", "3", "3"]),
        "{seen}"
    );
    assert!(seen.contains("CLIENT  NOW\nlocal"), "{seen}");
}

/// Many clients at work: pgbench, and where it reports every second how many transactions it really made.
struct Load {
    program: Owned,
    progress: PathBuf,
}

impl Load {
    /// Transactions per second between these two moments, by its own report.
    fn per_second(&self, from: SystemTime, to: SystemTime) -> f64 {
        let [from, to] =
            [from, to].map(|at| at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64());
        let report = std::fs::read_to_string(&self.progress).unwrap();
        // progress: 1700000000.123 s, 99.8 tps, lat …
        let seconds = report.lines().filter_map(|line| {
            let (at, rest) = line.strip_prefix("progress: ")?.split_once(" s, ")?;
            Some((at.parse::<f64>().unwrap(), rest.split_once(" tps")?.0.parse::<f64>().unwrap()))
        });
        let rates: Vec<f64> =
            seconds.filter(|(at, _)| *at > from + 1.0 && *at < to).map(|(_, rate)| rate).collect();
        assert!(!rates.is_empty(), "{report}");
        rates.iter().sum::<f64>() / f64::from(u32::try_from(rates.len()).unwrap())
    }
}

/// A load on `port` of the cluster's host: one statement, again and again.
fn load(cluster: &Cluster, port: u16, statement: &str, options: &[&str]) -> Load {
    let (script, progress) = (cluster.dir.join("load.sql"), cluster.dir.join("load.progress"));
    std::fs::write(&script, format!("{statement};\n")).unwrap();
    let installed = |path: &PathBuf| Command::new(path).arg("--version").output().is_ok();
    let mut places = [PathBuf::from("pgbench"), binaries().join("pgbench")].into_iter();
    let pgbench =
        places.find(installed).expect("pgbench is not installed: it comes with PostgreSQL's server");
    let mut load = Command::new(pgbench);
    load.args(["-n", "-P", "1", "--progress-timestamp"]).args(options).arg("-f").arg(&script);
    load.args(["-h", cluster.host(), "-p", &port.to_string(), "-U", "postgres", "postgres"]);
    load.stdout(Stdio::null()).stderr(std::fs::File::create(&progress).unwrap());
    Load { program: Owned(load.spawn().unwrap()), progress }
}

/// What is emitted bounds the server, however many clients there are.
#[test]
fn pgbouncer_under_load_opens_as_many_server_connections_as_were_stated_and_no_more() {
    let cluster = with(&[]);
    let emitted = size("--cores 1 --instances 4 --emit pgbouncer").success().stdout;
    assert!(emitted.contains("at most 3 server connections"), "{emitted}");
    let own = ["listen_addr", "listen_port", "auth_type", "auth_file"];
    let section = emitted.split("[pgbouncer]\n").nth(1).unwrap();
    let settings: Vec<(&str, &str)> = section
        .lines()
        .filter_map(|line| line.split_once(" = ").filter(|(key, _)| !own.contains(key)))
        .collect();
    assert!(settings.contains(&("default_pool_size", "3")), "{settings:?}");
    let pooler = PgBouncer::start(&cluster, &[], &settings);
    let mut clients =
        load(&cluster, pooler.port, "select pg_sleep(0.002)", &["-c", "40", "-j", "2", "-t", "50"]);
    let mut observer = cluster.session();
    let others = "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()";
    let mut most = 0;
    let ended = loop {
        let now: u32 = observer.query(others)[0][0].as_deref().unwrap().parse().unwrap();
        most = most.max(now);
        if let Some(status) = clients.program.0.try_wait().unwrap() {
            break status;
        }
    };
    assert!(ended.success(), "{ended}");
    assert_eq!(most, 3);
}

/// Looks at a load of a statement that takes 50 ms, meant to run 100 times a second: what the sample says, and how often it
/// really ran meanwhile.
fn sampled(cluster: &Cluster, statement: &str, lasting: &str) -> (Value, f64) {
    let options = ["-c", "20", "-j", "2", "-R", "100", "-T", "600"];
    let load = load(cluster, cluster.port, statement, &options);
    cluster.wait_until("count(*) > 18 from pg_stat_activity where application_name = 'pgbench'");
    let began = SystemTime::now();
    let sampled = Pgconn::new(&["size", "--cores", "2", "--sample", lasting, "--json"]).on(cluster).run();
    let really = load.per_second(began, SystemTime::now());
    drop(load);
    cluster.wait_until("not exists (select from pg_stat_activity where application_name = 'pgbench')");
    (sampled.success().json()["sample"].clone(), really)
}

/// What holds on a machine of any speed: the figures against pgbench's own, and against each other.
#[test]
fn a_sample_measures_the_concurrency_of_a_known_load() {
    let cluster = with(&[("max_connections", "40")]);
    cluster.query("create table t (); insert into t default values");
    let (sample, really) = sampled(&cluster, "select pg_sleep(0.05) from t", "9s");
    let number = |key: &str| sample[key].as_f64().unwrap_or_else(|| panic!("no {key} in {sample}"));
    let (rate, held) = (number("transactions_per_second"), number("held_seconds"));
    // A session reports its transactions once a second.
    assert!((rate / really - 1.0).abs() < 0.2, "{really} a second in truth: {sample}");
    // It is looked at a hundred moments, so an average is right to a few in a hundred.
    assert!((0.05 * 0.85..0.05 * 3.0).contains(&held), "{sample}");
    for busy in ["mean_active", "mean_occupied"] {
        assert!((number(busy) / (rate * held) - 1.0).abs() < 0.05, "{busy} is rate × time held: {sample}");
    }
    assert!(number("p95_active") >= number("mean_active"), "{sample}");
    let stable = number("mean_occupied").floor() + 1.0;
    assert_eq!(sample["needed"]["stable_connections"].as_f64(), Some(stable), "{sample}");
    assert_eq!(sample["applications"][0]["application_name"], "pgbench");
    // Statements that touch no table are counted late: at least those are known that were seen to begin.
    let (sample, really) = sampled(&cluster, "select pg_sleep(0.05)", "9s");
    let rate = sample["transactions_per_second"].as_f64().unwrap();
    assert!(rate > 0.0 && rate < really * 1.2, "{really} a second in truth: {sample}");
    let early = Pgconn::new(&["size", "--cores", "2", "--sample", "1h", "--json"]).on(&cluster).spawn();
    cluster.wait_until(
        "count(*) > 0 from pg_stat_activity where application_name = 'pgconn' and state = 'idle' and query like '%occupied%'",
    );
    early.signal(Signal::SIGINT);
    let early = early.finish().success().json();
    assert_eq!(early["sample"]["ended_early"], true);
}
