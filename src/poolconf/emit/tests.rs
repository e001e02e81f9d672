//! Laws that hold for every target.

use proptest::prelude::*;

use super::file::yaml_string;
use super::*;
use crate::poolconf::tests::settings;
use crate::poolconf::{Mode, PoolerSizes, pgbouncer::Version, provider};

fn any_settings() -> impl Strategy<Value = PoolConfig> {
    let sizes = (1_u64..=262_143, 1_u64..=262_143, 1_u64..=262_143, any::<bool>());
    let mode = prop_oneof![Just(Mode::Direct), Just(Mode::Transaction), Just(Mode::Session)];
    let version = prop_oneof![Just(None), Just(Version::parse("1.18")), Just(Version::parse("1.24.1"))];
    let provider = prop::option::of((0..provider::ALL.len()).prop_map(|index| &provider::ALL[index]));
    let times = (
        0_u64..5_000_000_000,
        0_u64..5_000_000_000,
        0_u64..5_000_000_000,
        prop::option::of(0_u64..100_000_000),
    );
    (sizes, mode, version, provider, times).prop_map(|(sizes, mode, pgbouncer_version, provider, times)| {
        let (pool_size, idle, pooler, pooled) = sizes;
        PoolConfig {
            pool_size,
            min_idle: idle.min(pool_size),
            mode,
            provider,
            pgbouncer_version,
            pooler: pooled.then_some(PoolerSizes {
                default_pool_size: pooler,
                reserve_pool_size: 0,
                max_client_conn: pool_size,
                max_db_connections: pooler,
            }),
            idle_timeout: Duration::from_micros(times.0),
            max_lifetime: Duration::from_micros(times.1),
            acquire_timeout: Duration::from_micros(times.2),
            statement_timeout: times.3.map(Duration::from_micros),
            ..settings()
        }
    })
}

/// Lines that may hold a 0: an overflow of none, Django's required age, and statement caches switched off.
const MAY_BE_ZERO: [&str; 5] =
    ["max_overflow", "CONN_MAX_AGE", "statement_cache_size", "prepareThreshold", "MaxAutoPrepare"];

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

/// What stands behind `marker` outside of comments.
fn number_behind(marker: &str, text: &str) -> u64 {
    let settings = text.lines().map(str::trim_start).filter(|line| !line.starts_with(['#', ';', '/']));
    let mut settings = settings.map(|line| format!(" {line}"));
    let found = settings.find_map(|line| Some(line.split_once(marker)?.1.to_owned())).unwrap();
    found.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

proptest! {
    /// Pool and overflow add up to the plan's figure, and nothing else bounds it.
    #[test]
    fn what_a_file_allows_is_what_the_plan_says(settings in any_settings(), helpers: bool, index in 0..ALL.len()) {
        let settings = PoolConfig { helpers, ..settings };
        let Ok(files) = emit(&ALL[index], &settings) else { return Ok(()) };
        let (name, markers) = BOUNDS[index];
        prop_assert_eq!(name, ALL[index].name);
        let allowed: u64 = markers.iter().map(|marker| number_behind(marker, &files[0].text)).sum();
        let stated = if name.starts_with("pgbouncer") { settings.pooler.unwrap().default_pool_size } else { settings.pool_size };
        prop_assert_eq!(allowed, stated, "{}:\n{}", name, files[0].text);
    }

    #[test]
    fn no_target_writes_a_size_or_time_of_zero(settings in any_settings(), index in 0..ALL.len()) {
        let Ok(files) = emit(&ALL[index], &settings) else { return Ok(()) };
        for line in files.iter().flat_map(|file| file.text.lines()) {
            let setting = line.trim_end_matches([',', '"', ';', ')']);
            let zero = setting.ends_with("= 0") || setting.ends_with(": 0") || setting.ends_with("=0")
                || setting.ends_with(": \"0") || setting.contains("(0)") || setting.contains("from_secs(0");
            prop_assert!(!zero || MAY_BE_ZERO.iter().any(|name| line.contains(name)), "{}: {line}", ALL[index].name);
        }
    }
}

#[test]
fn every_target_writes_its_provenance_and_is_tidy() {
    for mode in [Mode::Direct, Mode::Transaction, Mode::Session] {
        for target in &ALL {
            let settings = PoolConfig { mode, pgbouncer_version: Version::parse("1.24"), ..settings() };
            let files = emit(target, &settings).unwrap();
            assert!(files[0].text.contains(" 9 connections\n"), "{}", target.name);
            assert!(files[0].text.ends_with('\n'), "{}", target.name);
            let ends = files.iter().flat_map(|file| file.text.lines());
            assert!(ends.clone().all(|line| line == line.trim_end()), "{}: trailing space", target.name);
            assert!(!files[0].text.contains("\n\n\n\n"), "{}", target.name);
        }
    }
}

/// Helpers take the place of the imports, and come behind everything else: the pool is the same.
#[test]
fn helpers_are_added_and_nothing_else_changes() {
    let is_import = |line: &&str| ["import ", "from ", "use "].iter().any(|word| line.starts_with(word));
    for target in &ALL {
        for mode in [Mode::Direct, Mode::Transaction, Mode::Session] {
            let plain = PoolConfig { mode, pgbouncer_version: Version::parse("1.24"), ..settings() };
            let helped = PoolConfig { helpers: true, ..plain.clone() };
            let [plain, helped] =
                [plain, helped].map(|settings| emit(target, &settings).unwrap().remove(0).text);
            if !target.helpers {
                assert_eq!(plain, helped, "{}", target.name);
                continue;
            }
            let mut lines = helped.lines();
            for line in plain.lines().filter(|line| !is_import(line) && *line != "pool = ConnectionPool(") {
                assert!(lines.any(|found| found == line), "{}: {line}\n{helped}", target.name);
            }
            for part in ["db_pool_connections", "degraded", "waiting", "rollback", "57p01", "sigterm"] {
                assert!(helped.to_lowercase().contains(part), "{}: {part}", target.name);
            }
            assert!(!helped.contains("===\n") && helped.ends_with('\n'), "{}", target.name);
            assert!(helped.lines().all(|line| line == line.trim_end()), "{}: trailing space", target.name);
        }
    }
}

#[test]
fn a_name_stays_a_string() {
    for (name, written) in
        [("shop", "shop"), ("8", "\"8\""), ("No", "\"No\""), ("a-b.c", "a-b.c"), ("-x", "\"-x\"")]
    {
        assert_eq!(yaml_string(name), written);
    }
}

#[test]
fn the_mode_decides_about_prepared_statements() {
    let off = [
        ("sqlalchemy", "\"prepare_threshold\": None"),
        ("psycopg-pool", "\"prepare_threshold\": None"),
        ("asyncpg", "statement_cache_size=0"),
        ("hikaricp", "prepareThreshold: 0"),
        ("pgxpool", "QueryExecModeExec"),
        ("database-sql", "QueryExecModeExec"),
        ("postgres-js", "prepare: false"),
        ("prisma", "pgbouncer=true"),
        ("rails", "prepared_statements: false"),
        ("ecto", "prepare: :unnamed"),
        ("deadpool", "query_typed"),
        ("npgsql", "MaxAutoPrepare = 0"),
    ];
    let text = |name: &str, mode, version: &str| {
        let settings = PoolConfig { mode, pgbouncer_version: Version::parse(version), ..settings() };
        emit(find(name).unwrap(), &settings).unwrap().remove(0).text
    };
    for (name, words) in off {
        assert!(!text(name, Mode::Direct, "").contains(words), "{name} direct");
        assert!(text(name, Mode::Transaction, "").contains(words), "{name} behind any PgBouncer");
        assert!(text(name, Mode::Transaction, "1.20").contains(words), "{name} behind 1.20");
        assert!(!text(name, Mode::Transaction, "1.21").contains(words), "{name} behind 1.21");
        assert!(!text(name, Mode::Session, "1.18").contains(words), "{name} in session mode");
    }
    let settings = PoolConfig { mode: Mode::Transaction, ..settings() };
    assert!(
        emit(find("sqlx").unwrap(), &settings)
            .unwrap_err()
            .hint
            .unwrap()
            .contains("--pgbouncer-version 1.21")
    );
}

#[test]
fn a_statement_timeout_is_sent_only_where_it_arrives() {
    for target in &ALL {
        let mut settings = PoolConfig { statement_timeout: Some(Duration::from_secs(7)), ..settings() };
        settings.pgbouncer_version = Version::parse("1.24");
        let direct = emit(target, &settings).unwrap().remove(0).text;
        if target.name != "pgbouncer-compose" {
            assert!(direct.contains("7000"), "{}: {direct}", target.name);
        }
        settings.mode = Mode::Transaction;
        let pooled = emit(target, &settings).unwrap().remove(0).text;
        assert!(pooled.contains("ALTER ROLE … SET statement_timeout = 7000"), "{}", target.name);
        let lines = pooled.lines().filter(|line| line.contains("7000")).count();
        assert_eq!(lines, if target.name == "pgbouncer" { 2 } else { 1 }, "{}", target.name);
    }
}

#[test]
fn what_a_library_cannot_do_is_refused() {
    let hikari = find("hikaricp").unwrap();
    let short = PoolConfig {
        max_lifetime: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(15),
        ..settings()
    };
    assert!(emit(hikari, &short).unwrap_err().message.contains("--max-lifetime"));
    let never = PoolConfig { idle_timeout: Duration::ZERO, ..settings() };
    assert!(emit(hikari, &never).is_err());
    let npgsql = find("npgsql").unwrap();
    let long = PoolConfig { acquire_timeout: Duration::from_secs(1024), ..settings() };
    assert!(emit(npgsql, &long).unwrap()[0].text.contains(" Timeout = 1024,"));
    let longer = PoolConfig { acquire_timeout: Duration::from_secs(1025), ..settings() };
    assert_eq!(emit(npgsql, &longer).unwrap_err().hint.as_deref(), Some("its maximum is 1024s"));
    for (idle, pruning) in [(5, true), (10, false)] {
        let settings = PoolConfig { idle_timeout: Duration::from_secs(idle), ..settings() };
        let text = emit(npgsql, &settings).unwrap().remove(0).text;
        assert_eq!(text.contains(" ConnectionPruningInterval = 5,"), pruning, "{text}");
    }
    let crossed = PoolConfig { idle_timeout: Duration::from_secs(3600), ..settings() };
    assert!(emit(find("node-pg").unwrap(), &crossed).is_err());
    let session = PoolConfig { mode: Mode::Session, provider: provider::find("neon"), ..settings() };
    assert!(
        emit(find("node-pg").unwrap(), &session)
            .unwrap_err()
            .message
            .contains("neon has no pooler in session mode")
    );
}

#[test]
fn pgbouncer_gets_only_keys_that_its_version_knows() {
    let ini = |version: &str| {
        let settings = PoolConfig { pgbouncer_version: Version::parse(version), ..settings() };
        emit(find("pgbouncer").unwrap(), &settings).unwrap().remove(0).text
    };
    assert!(!ini("").contains("max_prepared_statements"));
    assert!(!ini("1.18").contains("max_prepared_statements"));
    assert!(ini("1.21").contains("max_prepared_statements = 200\n"));
    for line in ini("1.21").lines() {
        assert!(line.starts_with(';') || !line.contains(';'), "a comment behind a value: {line}");
    }
}
