//! Rules that are left out, and findings that are known and accepted.

use super::super::common::{Cluster, Outcome, with};
use super::{doctor, finding, troubles};
use serde_json::Value;
use std::fs;

/// An audit with a file of accepted findings.
fn with_accepted(server: &Cluster, text: &str) -> Outcome {
    let file = server.dir.join("accepted.toml");
    fs::write(&file, text).unwrap();
    let accepted = ["--for", "100ms", "--only", "superuser,connection-limits", "--exit-code", "--accepted"];
    doctor(server, &[&accepted[..], &[file.to_str().unwrap()]].concat()).run()
}

fn rules(document: &Value) -> Vec<&str> {
    document["findings"].as_array().unwrap().iter().map(|row| row["rule"].as_str().unwrap()).collect()
}

#[test]
fn only_some_rules_are_judged() {
    let server = with(&[("max_connections", "20")]);
    let document =
        doctor(&server, &["--for", "100ms", "--only", "tls,slots", "--exit-code"]).run().success().json();
    assert_eq!(rules(&document), ["slots", "tls"]);
    let document =
        doctor(&server, &["--for", "100ms", "--ignore", "tls", "--ignore", "slots"]).run().success().json();
    assert!(
        rules(&document).len() > 15 && !rules(&document).iter().any(|rule| ["tls", "slots"].contains(rule))
    );
    let wrong = doctor(&server, &["--only", "tsl"]).run().fails_with(2);
    assert!(wrong.stderr.contains("invalid value 'tsl'"), "{wrong}");
}

#[test]
fn what_is_accepted_is_no_trouble_until_its_day_is_over() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role app login");
    let named = |user, name| server.connect(&[("user", user), ("application_name", name)]).unwrap();
    let _sessions = (named("postgres", "migrate"), named("postgres", "cron"), named("app", "api"));
    let limits = "[[accepted]]\nrule = \"connection-limits\"\nname = \"app\"\nreason = \"one application\"\n";
    let entry = |name: &str, more: &str| {
        format!("[[accepted]]\nrule = \"superuser\"\nname = \"{name}\"\nreason = \"known\"\n{more}")
    };
    let none = with_accepted(&server, "").fails_with(1);
    assert_eq!(troubles(&none.json()).len(), 2, "{none}");
    let part = with_accepted(&server, &(limits.to_owned() + &entry("migrate", "until = \"2999-01-31\"\n")))
        .fails_with(1);
    let document = part.json();
    let left = finding(&document, "superuser");
    assert!(
        left["status"] == "warn" && left["evidence"].as_str().unwrap().starts_with("1 session of cron"),
        "{part}"
    );
    assert_eq!(finding(&document, "connection-limits")["status"], "accepted", "{part}");
    assert_eq!(finding(&document, "connection-limits")["advice"], "accepted: one application", "{part}");
    let whole = limits.to_owned() + &entry("migrate", "until = \"2999-01-31\"\n") + &entry("cr*", "");
    let seen = with_accepted(&server, &whole).success();
    assert_eq!(finding(&seen.json(), "superuser")["status"], "accepted", "{seen}");
    let over = limits.to_owned() + &entry("*", "until = \"2020-01-31\"\n");
    let seen = with_accepted(&server, &over).fails_with(1);
    assert_eq!(finding(&seen.json(), "superuser")["status"], "warn", "{seen}");
    assert_eq!(seen.json()["warnings"][0]["code"], "acceptance_ended", "{seen}");
    for (text, expected) in [
        ("[[accepted]]\nrule = \"superusr\"\nreason = \"x\"\n", "did you mean superuser?"),
        ("[[accepted]]\nrule = \"pooling\"\nname = \"a\"\nreason = \"x\"\n", "accept it without a name"),
        ("[[accepted]]\nrule = \"superuser\"\n", "reason"),
        ("[[accepted]]\nrule = \"superuser\"\nreason = \" \"\n", "has no reason"),
        ("[[accepted]]\nrule = \"superuser\"\nreason = \"x\"\nuntil = \"tomorrow\"\n", "is not a day"),
        ("[[accepted]]\nrule = \"superuser\"\nreason = \"x\"\nuntill = \"2027-01-31\"\n", "untill"),
        ("accepted", "accepted.toml: "),
    ] {
        let wrong = with_accepted(&server, text).fails_with(3);
        assert!(wrong.stderr.contains(expected), "{text}: {wrong}");
    }
    let missing = doctor(&server, &["--accepted", "/nonexistent"]).run().fails_with(2);
    assert!(missing.stderr.contains("/nonexistent: "), "{missing}");
}
