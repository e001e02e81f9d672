//! The recipes of `contrib`, as they stand: their command lines are run, their metric names are held against the program.

use super::common::{Cluster, Pgconn, with};
use std::fs;
use std::path::{Path, PathBuf};

fn contrib(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(contrib(path)).unwrap()
}

/// Runs a recipe's command line in a shell, with this program, an entry `prod` of the service file and a folder of its own.
fn run(server: &Cluster, line: &str, code: i32) {
    let folder = server.dir.join("recipes");
    fs::create_dir_all(&folder).unwrap();
    let services = folder.join("pg_service.conf");
    let entry =
        format!("[prod]\nhost={}\nport={}\nuser=postgres\ndbname=postgres\n", server.host(), server.port);
    fs::write(&services, entry).unwrap();
    let line = line
        .replace("/usr/bin/pgconn", "pgconn")
        .replace("%i", "prod")
        .replace("/var/lib/prometheus/node-exporter/", &format!("{}/", folder.display()))
        .replace("/tmp/", &format!("{}/", folder.display()))
        // last: the program itself may lie in /tmp
        .replace("pgconn ", &format!("{} ", env!("CARGO_BIN_EXE_pgconn")));
    let outcome =
        Pgconn::of("sh", &["-c", &line]).on(server).env("PGSERVICEFILE", services.to_str().unwrap()).run();
    assert_eq!(outcome.code, code, "{line}\n{outcome}");
}

#[test]
fn the_units_and_crontab_lines_run_as_they_stand() {
    let server = with(&[("max_connections", "20")]);
    for unit in ["pgconn-check@.service", "pgconn-metrics@.service"] {
        let text = read(&format!("systemd/{unit}"));
        let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        run(&server, line, 0);
    }
    let written = fs::read_to_string(server.dir.join("recipes/pgconn-prod.prom")).unwrap();
    assert!(written.contains("\npgconn_up{"), "{written}");
    let crontab = read("systemd/crontab");
    let lines: Vec<&str> = crontab
        .lines()
        .filter_map(|line| line.split_once(" postgres ").map(|(_, command)| command))
        .collect();
    assert_eq!(lines.len(), 3);
    for line in lines {
        run(&server, line, 0);
    }
}

#[test]
fn the_nagios_commands_run_as_they_stand() {
    let server = with(&[("max_connections", "20")]);
    let config = read("nagios/pgconn.cfg");
    let lines: Vec<&str> =
        config.lines().filter_map(|line| line.trim().strip_prefix("command_line")).map(str::trim).collect();
    assert_eq!(lines.len(), 2);
    let arguments = "connections --warning connections=70%";
    run(&server, &lines[0].replace("$ARG1$", "prod").replace("$ARG2$", arguments), 0);
    let host = lines[1].replace("$HOSTADDRESS$", server.host()).replace("$ARG1$", "postgres");
    run(&server, &host.replace("$ARG2$", "reachable"), 0);
    // Icinga's flags are the program's.
    let help = Pgconn::new(&["check", "--help"]).run().success().stdout;
    for flag in read("nagios/pgconn.conf").lines().filter_map(|line| line.trim().strip_prefix('"')) {
        let flag = flag.split('"').next().unwrap();
        assert!(help.contains(&format!("{flag} ")) || help.contains(&format!("{flag},")), "{flag}");
    }
}

/// Names of pgconn's metrics in a text.
fn names(text: &str) -> Vec<&str> {
    let word = |character: char| !(character.is_ascii_alphanumeric() || character == '_');
    let mut names: Vec<&str> = text.split(word).filter(|name| name.starts_with("pgconn_")).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn rules_and_dashboard_are_over_metrics_that_exist() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role limited connection limit 5");
    server.query("alter database template1 connection limit 5");
    let metrics = Pgconn::new(&["metrics"]).on(&server).run().success().stdout;
    let known = names(&metrics);
    for file in ["prometheus/pgconn.rules.yml", "prometheus/pgconn.dashboard.json"] {
        let text = read(file);
        assert!(names(&text).len() > 8, "{file}");
        for name in names(&text) {
            let counter = name.starts_with("pgconn_sessions_established") && server.major() < 14;
            assert!(known.contains(&name) || counter, "{file}: {name} is no metric of pgconn's");
        }
    }
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("prometheus/pgconn.dashboard.json")).unwrap();
    assert_eq!(dashboard["panels"].as_array().unwrap().len(), 10);
    // Each query of the dashboard is one that Prometheus can read, with Grafana's variables filled in.
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let queries: Vec<&str> = panels
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    let rules: String = queries
        .iter()
        .enumerate()
        .map(|(at, query)| {
            format!("      - record: panel:{at}\n        expr: '{}'\n", query.replace("$server", "db.*"))
        })
        .collect();
    let file = server.dir.join("dashboard.yml");
    fs::write(&file, format!("groups:\n  - name: dashboard\n    rules:\n{rules}")).unwrap();
    let checked = Pgconn::of("promtool", &["check", "rules", file.to_str().unwrap()]).run().success();
    assert!(checked.stdout.contains(&format!("SUCCESS: {} rules", queries.len())), "{checked}");
}

/// By systemd's own reader, where there is one, with this program in the place of an installed one.
#[test]
fn systemd_accepts_the_units() {
    if Pgconn::of("sh", &["-c", "command -v systemd-analyze"]).run().code != 0 {
        return;
    }
    let folder = std::env::temp_dir().join(format!("pgconn-units-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for unit in ["check", "metrics"] {
        let file = |kind: &str| format!("pgconn-{unit}@.{kind}");
        let service = read(&format!("systemd/{}", file("service")));
        let service = service.replace("/usr/bin/pgconn", env!("CARGO_BIN_EXE_pgconn"));
        assert!(service.contains(env!("CARGO_BIN_EXE_pgconn")), "{service}");
        // Whether the manual pages are installed on this machine is not what is asked.
        let service: String =
            service.lines().filter(|line| !line.starts_with("Documentation=")).collect::<Vec<_>>().join("\n");
        fs::write(folder.join(file("service")), service).unwrap();
        fs::write(folder.join(file("timer")), read(&format!("systemd/{}", file("timer")))).unwrap();
        for kind in ["service", "timer"] {
            let path = folder.join(format!("pgconn-{unit}@prod.{kind}"));
            fs::copy(folder.join(file(kind)), &path).unwrap();
            let seen = Pgconn::of("systemd-analyze", &["verify", path.to_str().unwrap()]).run().success();
            let complaints: Vec<&str> = seen.stderr.lines().filter(|line| line.contains("pgconn-")).collect();
            assert_eq!(complaints, Vec::<&str>::new(), "{seen}");
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn prometheus_accepts_the_rules_and_they_fire() {
    let folder = contrib("prometheus");
    let promtool = |arguments: &[&str]| Pgconn::of("promtool", arguments).dir(&folder).run().success();
    let checked = promtool(&["check", "rules", "pgconn.rules.yml"]);
    assert!(checked.stdout.contains("SUCCESS: 13 rules"), "{checked}");
    let tested = promtool(&["test", "rules", "pgconn.rules.test.yml"]);
    assert!(tested.stdout.contains("SUCCESS"), "{tested}");
}
