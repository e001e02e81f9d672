//! `size --current`: whether what runs today fits, and what to change first.

use super::{folder, size};

#[test]
fn what_runs_today_is_judged_with_its_worst_case_and_what_to_change_first() {
    let line = "--cores 8 --max-connections 200 --current web=12:10 --current sidekiq=5:25";
    let refused = size(&format!("{line} --json")).fails_with(1);
    let current = &refused.json()["current"];
    assert_eq!(current["verdict"], "too_many");
    assert_eq!(
        (&current["worst_case"], &current["usable"], &current["budget"]),
        (&245.into(), &197.into(), &170.into())
    );
    assert_eq!(current["services"][1]["name"], "sidekiq");
    assert_eq!(current["services"][1]["connections"], 125);
    let table = size(line).fails_with(1);
    for words in [
        "today: at most 245 connections (web 12 × 10 = 120, sidekiq 5 × 25 = 125), but max_connections 200 leaves 197: 48 are refused at the peak\n",
        "change first: sidekiq's pool from 25 to 10, or max_connections to 289\n",
    ] {
        assert!(table.stdout.contains(words), "{words}\n{table}");
    }
    assert!(table.stderr.contains("error: what runs today does not fit: "), "{table}");
}

#[test]
fn what_fits_is_said_to_fit_and_what_takes_the_reserve_too() {
    let verdict = |line: &str| size(&format!("--cores 8 {line} --json")).success().json()["current"].clone();
    assert_eq!(verdict("--current web=4x2:5")["verdict"], "fits");
    assert_eq!(verdict("--current web=4x2:5")["worst_case"], 40);
    assert_eq!(verdict("--current web=9:10")["verdict"], "takes_reserve");
    assert_eq!(verdict("--current web=4x2:5 --surge 25")["worst_case"], 50);
    assert!(verdict("")["verdict"].is_null() && verdict("").is_null());
    for (wrong, words) in [
        ("--current web=4", "no pool"),
        ("--current web:10", "no instances"),
        ("--current web=4:0", "at least 1"),
        ("--current web=4:5 --current web=4:5", "named twice"),
    ] {
        let refused = size(&format!("--cores 8 {wrong}")).fails_with(2);
        assert!(refused.stderr.contains(words), "{wrong}: {refused}");
    }
}

#[test]
fn a_pool_in_the_plan_file_is_what_runs_today() {
    let folder = folder("current");
    let path = folder.join("plan.toml");
    std::fs::write(&path, "cores = 8\n[[service]]\nname = \"web\"\ninstances = 12\npool = 10\n").unwrap();
    let table = size(&format!("--plan {}", path.display())).fails_with(1).stdout;
    assert!(table.contains("change first: web's pool from 10 to 7, or max_connections to 142\n"), "{table}");
    std::fs::remove_dir_all(folder).unwrap();
}
