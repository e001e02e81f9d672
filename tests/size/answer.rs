//! `size`: what stands first, what everybody understands, and what a plan file and a range can say.

use super::{folder, size};
use crate::common::Pgconn;

#[test]
fn the_answer_stands_before_the_table_and_the_steps_behind_v() {
    let table = size("--cores 4 --instances 8").success().stdout;
    let answer = "each of the 8 instances: at most 9 connections, 1 kept open\n\
                  PgBouncer is recommended, because only 1 connection is left for each when all 8 pools are busy\n\
                  write it with --emit TARGET (--emit list names them)\n\n\
                  PLAN";
    assert!(table.starts_with(answer), "{table}");
    assert!(!table.contains("optimal_connections"), "{table}");
    assert!(table.contains("assumed: spindles 1 (an SSD counts as 1), "), "{table}");
    let steps = size("--cores 4 --instances 8 -v").success().stdout;
    assert!(steps.contains("optimal_connections           9  4 × 2 + 1\n"), "{steps}");
    let several = size("--cores 8 --instances 2 --processes 3").success().stdout;
    assert!(
        several.starts_with("each of the 3 processes of the 2 instances: at most 14 connections, "),
        "{several}"
    );
    let services = size("--cores 4 --app api=8@3 --app worker=2").success().stdout;
    assert!(services.starts_with("api, each of the 8 instances: at most "), "{services}");
    let infeasible = size("--cores 4 --instances 91").fails_with(1).stdout;
    assert!(
        infeasible.starts_with("directly it is impossible: 91 pools cannot share 85 connections"),
        "{infeasible}"
    );
    let help = Pgconn::new(&["size", "--help"]).run().success().stdout;
    assert!(help.contains("Disks that seek at the same time") && help.contains("1 for SSD"), "{help}");
}

#[test]
fn a_range_of_instances_is_planned_for_its_end_and_shown_at_both() {
    let plan = size("--cores 16 --instances 3..40 --json").success().json();
    assert_eq!(
        (&plan["pool_count"], &plan["pool_size"], &plan["total"]),
        (&40.into(), &2.into(), &80.into())
    );
    let range = serde_json::json!({"from": 3, "to": 40, "total_at_from": 6, "total_at_to": 80, "pool_size_for_from": 28});
    assert_eq!(plan["instance_range"], range);
    let table = size("--cores 16 --instances 3..40").success().stdout;
    let words = "with 3 instances 6 connections, with 40 instances 80; for 3 alone a pool could have 28\n";
    assert!(table.contains(words), "{table}");
    for wrong in ["40..3", "0..4", "3..", "..4", "3..x"] {
        let refused = size(&format!("--cores 4 --instances {wrong}")).fails_with(2);
        assert!(refused.stderr.contains("3..40"), "{wrong}: {refused}");
    }
}

#[test]
fn a_plan_file_says_everything_that_a_flag_can() {
    let folder = folder("everything");
    let path = folder.join("plan.toml");
    let plan = |text: &str| {
        std::fs::write(&path, text).unwrap();
        size(&format!("--plan {} --json", path.display())).success().json()
    };
    let said = "cores = 4\nmemory = \"8GB\"\nwork_mem = \"4MB\"\nprovider = \"neon\"\nreplicas = 2\nreplica_max_connections = 900\n\
                mode = \"transaction\"\npgbouncer_version = \"1.24\"\ninstances = \"3..40\"\n";
    let by_file = plan(said);
    let flags = "--cores 4 --memory 8GB --work-mem 4MB --provider neon --replicas 2 --replica-max-connections 900 \
                 --mode transaction --pgbouncer-version 1.24 --instances 3..40 --json";
    let by_flag = size(flags).success().json();
    for key in ["inputs", "memory", "total", "advice", "pooler"] {
        assert_eq!(by_file[key], by_flag[key], "{key}");
    }
    let functions = plan("cores = 4\nserverless = 30\n");
    assert_eq!((&functions["pool_count"], &functions["pool_size"]), (&30.into(), &1.into()));
    let services = "cores = 16\nmax_connections = 500\n[[service]]\nname = \"web\"\ninstances = 2\nthreads = 5\n\
                    [[service]]\nname = \"sidekiq\"\ninstances = 2\nthreads = 25\nconnections_per_task = 2\n";
    let services = plan(services);
    let pools: Vec<_> =
        services["services"].as_array().unwrap().iter().map(|s| s["pool_size"].as_u64()).collect();
    assert_eq!(pools, [Some(5), Some(33)]);
    std::fs::write(&path, "cores = 4\nmemory = 8\n").unwrap();
    let wrong = size(&format!("--plan {}", path.display())).fails_with(2);
    assert!(wrong.stderr.contains("line 2: ") && wrong.stderr.contains("like 8GB"), "{wrong}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// Every flag of a plan and of what is emitted has its key: only those that say where to read, what to do and how to measure have none.
#[test]
fn a_plan_file_names_and_bounds_what_is_emitted() {
    let folder = folder("emitted");
    let path = folder.join("plan.toml");
    let said = "cores = 4\napp = \"shop\"\nstatement_timeout = \"7s\"\nidle_timeout = \"2m\"\nmax_lifetime = \"20m\"\nacquire_timeout = \"3s\"\n";
    std::fs::write(&path, said).unwrap();
    let by_file = size(&format!("--plan {} --emit node-pg", path.display())).success().stdout;
    let flags = "--cores 4 --app shop --statement-timeout 7s --idle-timeout 2m --max-lifetime 20m --acquire-timeout 3s --emit node-pg";
    assert_eq!(by_file, size(flags).success().stdout);
    std::fs::write(&path, "cores = 4\nacquire_timeout = \"3\"\n").unwrap();
    let wrong = size(&format!("--plan {}", path.display())).fails_with(2);
    assert!(wrong.stderr.contains("line 2: "), "{wrong}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// What a rolling deploy costs is shown beside what runs otherwise.
#[test]
fn a_rollout_is_shown_with_its_cost() {
    let plan = size("--cores 4 --instances 8 --surge 25 --json").success().json();
    assert_eq!((&plan["total"], &plan["total_without_surge"]), (&80.into(), &64.into()));
    let table = size("--cores 4 --instances 8 --surge 25").success().stdout;
    assert!(table.contains("during a rollout 80 connections, otherwise 64\n"), "{table}");
    assert!(!size("--cores 4 --instances 8").success().stdout.contains("during a rollout"));
}

/// A session without a name cannot be told from any other: every library gets one.
#[test]
fn an_application_has_its_name_in_every_file() {
    for (target, words) in [
        ("node-pg", "application_name: 'shop',"),
        ("prisma", "&application_name=shop"),
        ("prisma7", "application_name: 'shop',"),
        ("sqlalchemy", "\"application_name\": \"shop\","),
        ("django", "\"application_name\": \"shop\","),
        ("psycopg-pool", "\"application_name\": \"shop\","),
        ("asyncpg", "\"application_name\": \"shop\""),
        ("hikaricp", "ApplicationName: shop"),
        ("pgxpool", "RuntimeParams[\"application_name\"] = \"shop\""),
        ("database-sql", "RuntimeParams[\"application_name\"] = \"shop\""),
        ("sqlx", ".application_name(\"shop\")"),
        ("deadpool", ".application_name(\"shop\")"),
        ("npgsql", "ApplicationName = \"shop\","),
        ("rails", "application_name: shop"),
        ("ecto", "application_name: \"shop\""),
        ("knex", "application_name: 'shop',"),
        ("postgres-js", "application_name: 'shop'"),
    ] {
        for mode in ["direct", "session"] {
            let line = format!("--cores 4 --instances 2 --app shop --mode {mode} --emit {target}");
            let text = size(&line).success().stdout;
            assert!(text.contains(words), "{line}:\n{text}");
        }
        let service =
            size(&format!("--cores 4 --app shop=2 --app other=2 --emit {target} --for shop")).success();
        assert!(service.stdout.contains(words), "{target}: {service}");
    }
    let named = size("--cores 4 --app shop --emit hikaricp").success().stdout;
    assert!(named.contains("pool-name: shop\n"), "{named}");
    let unnamed = size("--cores 4 --emit hikaricp").success().stdout;
    assert!(unnamed.contains("pool-name: ${spring.application.name:app}\n"), "{unnamed}");
    let unnamed = size("--cores 4 --emit asyncpg").success().stdout;
    assert!(unnamed.contains("\"application_name\": os.environ.get(\"PGAPPNAME\", \"app\")"), "{unnamed}");
    for (wrong, words) in [
        ("--app a --app b", "instances"),
        ("--app a --app b=2", "instances"),
        ("--app a=1 --serverless 3", "cannot be used with"),
    ] {
        let refused = size(&format!("--cores 4 {wrong}")).fails_with(2);
        assert!(refused.stderr.contains(words), "{wrong}: {refused}");
    }
}
