//! Defaults of one's own: `config.toml`.

use super::common::{Pgconn, shared, with};
use super::kill::app;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder for `XDG_CONFIG_HOME` with this file in it, and a service file with the service shop.
fn folder(name: &str, content: &str, cluster: &super::common::Cluster) -> PathBuf {
    let folder = cluster.dir.join(name);
    fs::create_dir_all(folder.join("pgconn")).unwrap();
    fs::write(folder.join("pgconn/config.toml"), content).unwrap();
    let place =
        format!("[shop]\nhost={}\nport={}\nuser=postgres\ndbname=postgres\n", cluster.host(), cluster.port);
    fs::write(folder.join("services"), place).unwrap();
    folder
}

fn run(arguments: &[&str], folder: &Path) -> Pgconn {
    let run = Pgconn::new(arguments).env("XDG_CONFIG_HOME", folder.to_str().unwrap());
    run.env("PGSERVICEFILE", folder.join("services").to_str().unwrap())
}

fn thresholds(document: &Value, rule: &str) -> (Value, Value) {
    let checks = document["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["rule"] == rule).unwrap_or_else(|| panic!("{document:#}"));
    (found["warning"].clone(), found["critical"].clone())
}

#[test]
fn thresholds_and_filters_of_check_hold_where_the_command_line_says_nothing() {
    let cluster = with(&[]);
    let folder = folder(
        "thresholds",
        "[check]\nwarning = [\"connections=70%\", \"free=5:\"]\napp = \"!monitor\"\n\
         [service.shop.check]\nwarning = \"connections=60%\"\ncritical = \"idle-xact=20m\"\n",
        &cluster,
    );
    let monitor = cluster.idle_in_transaction(&app("monitor"), "select 1");
    let check = |arguments: &[&str], on: bool| {
        let run = run(&[&["check", "--json"], arguments].concat(), &folder);
        if on { run.on(&cluster).run().json() } else { run.run().json() }
    };
    let document = check(&[], true);
    assert_eq!(thresholds(&document, "connections").0, "67", "{document:#}");
    assert_eq!(thresholds(&document, "free").0, "5:", "a rule that has a default is judged");
    let idle = |document: &Value| {
        let checks = document["checks"].as_array().unwrap();
        checks.iter().find(|check| check["rule"] == "idle-xact").unwrap()["message"].clone()
    };
    assert_eq!(idle(&document), "no transaction idle");
    let file = folder.join("pgconn/config.toml").display().to_string();
    let told = format!("only sessions with app !monitor are judged ({file})");
    assert_eq!(document["warnings"], json!([{"code": "filtered", "message": told, "hint": null}]));
    let shown = run(&["check"], &folder).on(&cluster).run().success();
    assert!(shown.stdout.contains(&format!("note: {told}")), "{shown}");
    // of a service, before what is for all
    let document = check(&["-S", "shop"], false);
    assert_eq!(thresholds(&document, "connections").0, "58", "{document:#}");
    assert_eq!(thresholds(&document, "idle-xact").1, "1200", "{document:#}");
    // the command line has the last word, rule by rule and filter by filter
    let document = check(&["--warning", "connections=50%", "--app", "monitor"], true);
    assert_eq!(thresholds(&document, "connections").0, "48", "{document:#}");
    assert!(idle(&document).as_str().unwrap().contains(&format!("pid {}", monitor.pid)), "{document:#}");
    assert_eq!(document["warnings"], json!([]), "what was typed is no news");
    // a rule that was named takes of the defaults what means something to it
    let document = check(&["reachable"], true);
    assert_eq!(document["checks"].as_array().unwrap().len(), 1, "{document:#}");
    let document = check(&["--no-config"], true);
    assert_eq!(thresholds(&document, "connections").0, "77", "{document:#}");
}

#[test]
fn every_act_is_confirmed_where_that_is_wanted() {
    let cluster = shared();
    let folder = folder("confirm", "confirm = \"always\"\n", cluster);
    let mut session = cluster.connect(&app("defaults-confirm")).unwrap();
    let kill = ["kill", "--app", "defaults-confirm"];
    let refused = run(&kill, &folder).on(cluster).run().fails_with(2);
    assert!(refused.stderr.contains("confirm in config.toml"), "{refused}");
    session.query("select 1");
    run(&[&kill[..], &["--no-config"]].concat(), &folder).on(cluster).run().success();
    assert!(session.is_ended());
}

#[test]
fn query_texts_and_colours_are_as_somebody_likes_them() {
    let cluster = shared();
    let folder = folder("likes", "no_query = true\ncolor = \"always\"\n", cluster);
    let session = cluster.idle_in_transaction(&app("defaults-query"), "select 'secret'");
    let ls = ["ls", "--app", "defaults-query"];
    let document = run(&[&ls[..], &["--json"]].concat(), &folder).on(cluster).run().json();
    assert_eq!(
        (&document["sessions"][0]["pid"], &document["sessions"][0]["query"]),
        (&json!(session.pid), &Value::Null)
    );
    let shown = run(&["show", &session.pid.to_string()], &folder).on(cluster).run().success();
    assert!(!shown.stdout.contains("secret"), "{shown}");
    let stats = ["stats", "--app", "defaults-query"];
    let coloured = run(&stats, &folder).env("NO_COLOR", "").on(cluster).run().success();
    assert!(coloured.stdout.contains("\u{1b}["), "{coloured}");
    for plain in [
        run(&stats, &folder),
        run(&[&stats[..], &["--color", "never"]].concat(), &folder).env("NO_COLOR", ""),
        run(&stats, &folder).env("PGCONN_CONFIG", "/dev/null").env("NO_COLOR", ""),
    ] {
        let plain = plain.on(cluster).run().success();
        assert!(!plain.stdout.contains('\u{1b}'), "{plain}");
    }
}

#[test]
fn what_is_production_is_said_before_anything_is_done_there() {
    let cluster = shared();
    let folder = folder("production", "[service.shop]\nproduction = true\n", cluster);
    let mut session = cluster.connect(&app("defaults-production")).unwrap();
    let mut terminal = run(&["kill", "-S", "shop", "--app", "defaults-production"], &folder)
        .env("NO_COLOR", "")
        .on_terminal();
    terminal.wait_for("[y/N]");
    assert!(terminal.screen().contains("shop is production."), "{}", terminal.screen());
    terminal.type_keys("n\n");
    let outcome = terminal.finish().fails_with(1);
    assert!(outcome.stdout.contains("\u{1b}[1m\u{1b}[31mshop is production."), "{outcome}");
    session.query("select 1");
    let heading = run(&["stats", "-S", "shop", "--color", "always"], &folder).run().success();
    let first = heading.stdout.lines().next().unwrap();
    assert!(first.contains("  production  PostgreSQL") && first.starts_with("\u{1b}[31m"), "{heading}");
    let mut watched = run(&["ls", "-S", "shop", "--watch=1h"], &folder).env("NO_COLOR", "").on_terminal();
    watched.wait_for("  production  every ");
    watched.type_keys("q");
    let _ = watched.finish().success();
    let elsewhere = run(&["stats"], &folder).on(cluster).run().success();
    assert!(!elsewhere.stdout.lines().next().unwrap().contains("production"), "{elsewhere}");
}

#[test]
fn what_holds_is_listed_with_its_place() {
    let cluster = shared();
    let folder = folder("listed", "confirm = \"always\"\n[service.shop]\nproduction = true\n", cluster);
    let document = run(&["conninfo", "-S", "shop", "--json"], &folder).run().json();
    let file = folder.join("pgconn/config.toml").display().to_string();
    let wanted = json!([
        { "key": "confirm", "value": "always", "source": file },
        { "key": "production", "value": "true", "source": format!("{file} [service.shop]") },
    ]);
    assert_eq!(document["defaults"], wanted);
    let table = run(&["conninfo", "-S", "shop"], &folder).run().success();
    assert!(table.stdout.contains("DEFAULT") && table.stdout.contains("[service.shop]"), "{table}");
    assert_eq!(run(&["conninfo", "--no-config", "--json"], &folder).run().json()["defaults"], json!([]));
}

#[test]
fn a_file_that_cannot_be_taken_is_no_reason_to_guess() {
    let cluster = shared();
    let folder = folder("wrong", "host = \"elsewhere\"\n", cluster);
    let refused = run(&["stats"], &folder).on(cluster).run().fails_with(2);
    assert!(refused.stderr.contains("config.toml: unknown key \"host\""), "{refused}");
    assert!(refused.stderr.contains("there are: color, confirm"), "{refused}");
    // UNKNOWN, as every usage error of it
    run(&["check"], &folder).on(cluster).run().fails_with(3);
    run(&["stats", "--no-config"], &folder).on(cluster).run().success();
    // what asks no server does not read it
    run(&["--version"], &folder).run().success();
    run(&["size", "--cores", "4"], &folder).run().success();
    let missing =
        run(&["stats"], &folder).env("PGCONN_CONFIG", folder.join("missing")).on(cluster).run().fails_with(2);
    assert!(missing.stderr.contains("missing: No such file"), "{missing}");
    // a home that is none has no defaults
    Pgconn::new(&["stats"]).env("HOME", "/dev/null").on(cluster).run().success();
    fs::write(folder.join("pgconn/config.toml"), "[check]\nwarning = \"nope=1\"\n").unwrap();
    let wrong = run(&["check"], &folder).on(cluster).run().fails_with(3);
    assert!(
        wrong.stderr.contains("[check] in ") && wrong.stderr.contains("there is no rule \"nope\""),
        "{wrong}"
    );
}
