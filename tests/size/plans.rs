//! `size`: the plan, its words and formats, and what is no plan.

use super::{folder, size};
use crate::common::Pgconn;

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
        "! max_connections 100 is assumed; ",
        "! put PgBouncer in front, in transaction mode with default_pool_size 9 and max_client_conn 100: never more than 9 ",
        "! a rollout that runs 25 % more instances for a while would open 90 connections, over the budget of 85",
    ] {
        assert!(table.stdout.contains(line), "{line:?} is missing in\n{table}");
    }
    let steps = size("--cores 4 --instances 8 -v").success().stdout;
    assert!(steps.contains("optimal_connections           9  4 × 2 + 1\n"), "{steps}");
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
        ("--cores 4 --memory 2GB --work-mem 64MB", "room for 2 connections of 394 MiB in the worst case\n"),
        (
            "--cores 4 --memory 2GB --work-mem 64MB",
            "! the 9 planned connections are more than the 2 that the server's memory has room for\n",
        ),
        (
            "--cores 4 --pooler-pairs 20",
            "! PgBouncer's 1 × 20 pools (processes × pairs) with a reserve of 0 each do not fit 9 server connections; ",
        ),
    ] {
        let table = size(line).success().stdout;
        assert!(table.contains(words), "{line}:\n{table}");
    }
    let given = size("--cores 4 --memory 8GB").success().stdout;
    assert!(given.contains("\ngiven: cores 4, memory_bytes 8589934592\n"), "{given}");
    let functions = size("--cores 4 --serverless 20").success().stdout;
    assert!(functions.contains("with a pool of 1 in the function\n"), "{functions}");
    assert!(
        !functions.contains("connections per instance"),
        "a function has no 5 to 10 of them: {functions}"
    );
    let infeasible = size("--cores 4 --app a=1@1 --app b=1@200").fails_with(1);
    assert!(infeasible.stderr.contains("(1 pool shares 0)"), "{infeasible}");
    let named = ["size", "--cores", "4", "--app", "a; pgconn b=1@1", "--app", "c=1@200"];
    let infeasible = Pgconn::new(&named).run().fails_with(1);
    let (message, hint) = infeasible.stderr.split_once('\n').unwrap();
    assert_eq!(message, "error: infeasible: no connection is left for a; pgconn b (1 pool shares 0)");
    assert!(hint.starts_with("hint: max_connections "), "{infeasible}");
}

#[test]
fn every_input_is_listed_with_who_said_it() {
    let input = |plan: &serde_json::Value, name: &str| {
        let inputs = plan["inputs"].as_array().unwrap();
        let found: Vec<_> = inputs.iter().filter(|input| input["name"] == name).collect();
        assert_eq!(found.len(), 1, "{name} in {inputs:?}");
        (found[0]["value"].clone(), found[0]["source"].clone())
    };
    let plan = size("--cores 4 --provider neon --mode transaction --pgbouncer-version 1.24.1 --json")
        .success()
        .json();
    for (name, value) in [("provider", "neon"), ("mode", "transaction"), ("pgbouncer_version", "1.24")] {
        assert_eq!(input(&plan, name), (value.into(), "given".into()), "{name}");
    }
    let plan = size("--cores 4 --json").success().json();
    assert_eq!(input(&plan, "mode"), ("direct".into(), "assumed".into()));
    for unsaid in ["provider", "pgbouncer_version", "sample_seconds", "target_wait_seconds", "serverless"] {
        assert_eq!(input(&plan, unsaid), (serde_json::Value::Null, "assumed".into()), "{unsaid}");
    }
    let functions = size("--cores 4 --serverless 30 --json").success().json();
    assert_eq!(input(&functions, "serverless"), (30.into(), "given".into()));
    assert_eq!(input(&functions, "instances"), (serde_json::Value::Null, "assumed".into()));
    let words = size("--cores 4 --provider neon").success().stdout;
    assert!(words.contains("\ngiven: cores 4, provider neon\n"), "{words}");
    let rows = size("--cores 4 --provider neon -F tsv").success().stdout;
    assert!(rows.contains("inputs\tprovider\tneon\tgiven\n"), "{rows}");
}

#[test]
fn a_pool_behind_pgbouncer_has_a_size_where_the_direct_plan_has_none() {
    let table = size("--cores 4 --app api=100").fails_with(1).stdout;
    let row = table.lines().find(|line| line.starts_with("PgBouncer (")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words[..5], ["PgBouncer", "(transaction)", "100", "5", "1"], "{table}");
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
        ("--cores 4 --connections-per-task 0", "at least 1 connection"),
        ("--cores 4 --replica-max-connections 262144", "262143"),
        ("--plan /nonexistent", "could not read"),
        ("--plan /dev/zero", "larger than 4 MiB"),
        ("--plan /proc/self/exe", "could not read"),
        ("--lint /nonexistent", "could not read"),
        ("--lint /dev/zero", "larger than 4 MiB"),
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
    let typed = |text: &str| {
        std::fs::write(&path, text).unwrap();
        size(&format!("--plan {}", path.display())).fails_with(2).stderr
    };
    let slip = typed("cores = 4\nmax_conections = 50\n");
    assert!(
        slip.ends_with("line 2: unknown field `max_conections`\nhint: did you mean max_connections?\n"),
        "{slip}"
    );
    let slip = typed("cores = 4\n[[service]]\nname = \"a\"\ninstances = 1\nwieght = 2\n");
    assert!(slip.contains("line 5: ") && slip.contains("did you mean weight?"), "{slip}");
    let fraction = typed("cores = 4.5\n");
    assert!(fraction.contains("line 1: ") && fraction.contains("expected a whole number"), "{fraction}");
    let piped = Pgconn::new(&["size", "--plan", "-", "--json"]).input("cores = 3\n").run().success();
    assert_eq!(piped.json()["optimal_connections"], 7);
    std::fs::remove_dir_all(folder).unwrap();
}
