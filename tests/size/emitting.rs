//! `size --emit`: configuration that keeps what it promises.

use super::load::load;
use super::{folder, size};
use crate::common::{PgBouncer, Pgconn, with};
use std::process::Command;

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
            let each =
                if mode == "transaction" { &plan["pooler"]["client_pool_size"] } else { &plan["pool_size"] };
            assert_eq!(bound(target, &text), each.as_u64().unwrap(), "{line}");
            let all = bound(target, &text) * pools;
            assert!(mode == "transaction" || plan["total"] == all, "{line}");
            let noun = if pools == 1 { "pool" } else { "pools" };
            let words = format!(", {pools} {noun}, {all} in all.");
            assert!(text.contains(&words), "{line}:\n{text}");
        }
    }
}

/// What the code around a pool does is tried by `./dev emitters`.
#[test]
fn helpers_are_there_for_six_and_refused_by_name_for_the_others() {
    let six = ["node-pg", "sqlalchemy", "psycopg-pool", "asyncpg", "pgxpool", "sqlx"];
    for (target, _) in BOUNDS {
        let line = format!("--cores 4 --pgbouncer-version 1.24 --emit {target}");
        if six.contains(&target) {
            let (plain, helped) =
                (size(&line).success().stdout, size(&format!("{line} --helpers")).success().stdout);
            assert!(
                helped.contains("db_pool_connections") && !plain.contains("db_pool_connections"),
                "{helped}"
            );
            assert_eq!(bound(target, &plain), bound(target, &helped), "{target}");
        } else {
            let refused = size(&format!("{line} --helpers")).fails_with(2);
            assert!(
                refused.stderr.starts_with(&format!("error: there are no helpers for {target}\n")),
                "{refused}"
            );
            assert!(refused.stderr.ends_with(&format!(" for {}\n", six.join(", "))), "{refused}");
            assert!(refused.stdout.is_empty(), "{refused}");
        }
    }
    for line in ["--cores 4 --helpers", "--helpers --lint /dev/null"] {
        let refused = size(line).fails_with(2);
        assert!(refused.stderr.contains("there is no --emit\nhint: "), "{refused}");
        assert!(refused.stderr.contains(&six.join(", ")), "{refused}");
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
        (several, "at most 9 connections per pool, 34 pools, 306 in all.\n"),
        (
            "--cores 4 --app api=8x4@3 --app worker=2@2 --mode session --emit pgbouncer",
            "34 pools of 2 services, at most 50 connections in all.\n",
        ),
        (several, ": at most 9 server connections (1 process, 1 pair).\n"),
        (one, "at most 9 connections per pool, 1 pool, 9 in all.\n"),
        (
            "--cores 4 --provider supabase --mode transaction --emit node-pg",
            "Supabase's Supavisor: set Pool Size to 9; then at most 9 server connections.\n",
        ),
        (
            "--cores 4 --provider neon --mode session --emit pgbouncer",
            "; PgBouncer connects to Neon's direct host, the one without -pooler.\n",
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
