//! `size --threads`: what a process can use, and what it needs so that its tasks never wait for each other for ever.

use super::size;
use serde_json::Value;

fn plan(line: &str) -> Value {
    size(&format!("{line} --json")).success().json()
}

fn codes(plan: &Value) -> Vec<&str> {
    plan["advice"].as_array().unwrap().iter().map(|advice| advice["code"].as_str().unwrap()).collect()
}

#[test]
fn a_pool_is_no_larger_than_its_tasks_can_use() {
    let plan = plan("--cores 16 --instances 1 --threads 8 --processes 4 --max-connections 200");
    assert_eq!(
        (&plan["pool_size"], &plan["total"], &plan["limited_by"]),
        (&8.into(), &32.into(), &"tasks".into())
    );
    let emitted = size("--cores 16 --threads 8 --processes 4 --emit node-pg").success().stdout;
    assert!(emitted.contains(" max: 8,"), "{emitted}");
    let surge = super::tasks::plan("--cores 4 --instances 8 --threads 2");
    assert!(!codes(&surge).contains(&"rollout_surge"), "10 × 2 fit 85");
}

#[test]
fn a_pool_has_what_its_tasks_need_against_deadlock_or_is_not_written() {
    let roomy = plan("--cores 8 --threads 50 --connections-per-task 2");
    assert_eq!((&roomy["pool_size"], &roomy["deadlock_floor"]), (&51.into(), &51.into()));
    assert!(!codes(&roomy).contains(&"deadlock"));
    let why = &size("--cores 8 --threads 50 --connections-per-task 2").success().stdout;
    let words = "the pool has 51 connections only because each of 50 threads holds 2 at once; if each holds one, 17 are enough";
    assert!(why.contains(words), "{why}");
    assert!(!codes(&plan("--cores 8 --threads 50")).contains(&"held_connections"));
    let emitted = size("--cores 8 --threads 50 --connections-per-task 2 --emit hikaricp").success().stdout;
    assert!(emitted.contains("maximum-pool-size: 51\n"), "{emitted}");

    let narrow = plan("--cores 8 --instances 2 --threads 50 --connections-per-task 2");
    assert_eq!(narrow["pool_size"], 42, "as much as the budget has");
    assert!(codes(&narrow).contains(&"deadlock"));
    let refused =
        size("--cores 8 --instances 2 --threads 50 --connections-per-task 2 --emit hikaricp").fails_with(1);
    assert_eq!(refused.stdout, "");
    for words in ["a pool needs at least 51, this one has 42", "max_connections 120", "at most 41 threads"] {
        assert!(refused.stderr.contains(words), "{words}: {refused}");
    }
    let pooled =
        "--cores 8 --instances 2 --threads 50 --connections-per-task 2 --mode transaction --emit hikaricp";
    let pooled = size(pooled).success().stdout;
    assert!(pooled.contains("maximum-pool-size: 51\n"), "{pooled}");
    assert!(
        pooled.contains("# ! 100 threads that hold 2 connections each "),
        "PgBouncer's pool can be used up, too: {pooled}"
    );
}

#[test]
fn every_warning_of_the_plan_stands_in_the_file() {
    let line = "--cores 4 --instances 8 --threads 25";
    let plan = plan(line);
    let emitted = size(&format!("{line} --emit node-pg")).success().stdout;
    for advice in plan["advice"].as_array().unwrap() {
        let comment = format!("// ! {}\n", advice["message"].as_str().unwrap());
        assert!(emitted.contains(&comment), "{comment} is missing in\n{emitted}");
    }
    let session =
        "--cores 8 --instances 2 --threads 50 --connections-per-task 2 --mode session --emit pgbouncer";
    let session = size(session).success().stdout;
    assert!(
        !session.contains("threads that hold"),
        "the applications' pools are not in this file:\n{session}"
    );
    let pooled = size(&format!("{line} --mode transaction --emit node-pg")).success().stdout;
    assert!(!pooled.contains("if all 8 pools are busy"), "that is said of the direct plan:\n{pooled}");
}

#[test]
fn threads_that_share_a_smaller_pool_are_said() {
    let words = "! 25 threads share a pool of 9 in each process: the others wait for one that is free";
    let table = size("--cores 4 --threads 25").success().stdout;
    assert!(table.contains(words), "{table}");
    assert!(!size("--cores 4 --threads 9").success().stdout.contains("threads share a pool"));
    let line = "--cores 8 --instances 12 --threads 200";
    assert!(size(line).success().stdout.contains("(behind PgBouncer a pool of 10)"), "{line}");
    let emitted = size(&format!("{line} --mode transaction --emit hikaricp")).success().stdout;
    assert!(emitted.contains("maximum-pool-size: 10\n"), "{emitted}");
    assert!(emitted.contains("# ! 200 threads share a pool of "), "{emitted}");
    let wide = size(
        "--cores 8 --instances 12 --threads 12 --max-connections 300 --mode transaction --emit hikaricp",
    );
    assert!(
        wide.success().stdout.contains("# ! behind PgBouncer 12 threads share a pool of 10 in each process")
    );
}
