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

/// Where the README installs the program for everybody.
const INSTALLED: &str = "/usr/local/bin";

/// A folder in which the program lies alone, as it does where it is installed.
fn installed(server: &Cluster) -> String {
    let folder = server.dir.join("bin");
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("pgconn");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_pgconn"), &program).unwrap();
    }
    folder.display().to_string()
}

/// Runs a recipe's command line in a shell with nothing but this environment, the program where the README puts it, an entry
/// `prod` of the service file and a folder of its own. Returns everything that it said.
fn run_in(environment: &str, server: &Cluster, line: &str, code: i32) -> String {
    let folder = server.dir.join("recipes");
    fs::create_dir_all(&folder).unwrap();
    let services = folder.join("pg_service.conf");
    let entry =
        format!("[prod]\nhost={}\nport={}\nuser=postgres\ndbname=postgres\n", server.host(), server.port);
    fs::write(&services, entry).unwrap();
    let own = |text: &str| {
        text.replace("%i", "prod")
            .replace("/var/lib/prometheus/node-exporter", &folder.display().to_string())
            .replace("%S/pgconn", &folder.display().to_string())
            .replace("/var/log/", &format!("{}/", folder.display()))
            .replace("/tmp/pgconn", &format!("{}/pgconn", folder.display()))
            .replace(INSTALLED, &installed(server))
    };
    let places = format!(
        "HOME={0} PGSERVICEFILE={1} PGHOST={2} PGPORT={3} PGUSER=postgres PGDATABASE=postgres",
        folder.display(),
        services.display(),
        server.host(),
        server.port
    );
    let script = format!("exec env -i {places} {} /bin/sh -c \"$0\"", own(environment));
    let outcome = Pgconn::of("sh", &["-c", &script, &own(line)]).run();
    assert_eq!(outcome.code, code, "{line}\n{outcome}");
    outcome.stdout + &outcome.stderr
}

/// A line of a crontab as cron runs it: with the variables that stand in the file, and mailing what is said.
fn run_by_cron(server: &Cluster, crontab: &str, line: &str) {
    let path = crontab.lines().find(|line| line.starts_with("PATH=")).unwrap_or("PATH=/usr/bin:/bin");
    let said = run_in(&format!("SHELL=/bin/sh LOGNAME=postgres {path}"), server, line, 0);
    assert_eq!(said, "", "cron would mail: {line}");
}

#[test]
fn the_units_and_crontab_lines_run_as_they_stand() {
    let server = with(&[("max_connections", "20")]);
    let drop_in = "pgconn-metrics@.service.d/node-exporter.conf";
    for unit in ["pgconn-check@.service", "pgconn-metrics@.service", drop_in] {
        let text = read(&format!("systemd/{unit}"));
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart=").filter(|line| !line.is_empty()))
            .unwrap();
        // systemd looks for a bare name there
        let said = run_in("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", &server, line, 0);
        assert_eq!(said, "", "{unit}");
    }
    for file in ["prod.prom", "pgconn-prod.prom"] {
        let written = fs::read_to_string(server.dir.join("recipes").join(file)).unwrap();
        assert!(written.contains("\npgconn_up{"), "{written}");
    }
    let crontab = read("systemd/crontab");
    let lines: Vec<&str> = crontab
        .lines()
        .filter_map(|line| line.split_once(" postgres ").filter(|(when, _)| when.contains('*')))
        .map(|(_, command)| command)
        .collect();
    assert_eq!(lines.len(), 3);
    for line in lines {
        run_by_cron(&server, &crontab, line);
    }
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    assert!(readme.contains(&format!("pgconn {INSTALLED}/")), "the README installs it there");
    let crontab = readme.split("```crontab\n").nth(1).unwrap().split("```").next().unwrap();
    let lines: Vec<&str> =
        crontab.lines().filter_map(|line| line.split_once("* *  ")).map(|(_, line)| line.trim()).collect();
    assert_eq!(lines.len(), 3, "{crontab}");
    server.query("create database shop");
    for line in lines {
        run_by_cron(&server, crontab, line);
    }
}

#[test]
fn the_nagios_commands_run_as_they_stand() {
    let server = with(&[("max_connections", "20")]);
    let config = read("nagios/pgconn.cfg");
    let lines: Vec<&str> =
        config.lines().filter_map(|line| line.trim().strip_prefix("command_line")).map(str::trim).collect();
    assert_eq!(lines.len(), 2);
    // A daemon's own environment does not have the folder.
    let run = |line: &str| run_in("PATH=/usr/sbin:/usr/bin:/sbin:/bin", &server, line, 0);
    let arguments = "connections --warning connections=70%";
    let said = run(&lines[0].replace("$ARG1$", "prod").replace("$ARG2$", arguments));
    assert!(said.starts_with("PGCONN OK: "), "{said}");
    let host = lines[1].replace("$HOSTADDRESS$", server.host()).replace("$ARG1$", "postgres");
    run(&host.replace("$ARG2$", "reachable"));
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

/// By systemd's own reader, where there is one, with the program installed: in a mount namespace, which takes root.
#[test]
fn systemd_accepts_the_units() {
    let script = "mount --bind \"$0\" /usr/local/bin && exec \"$@\"";
    let server = with(&[]);
    let bin = installed(&server);
    let with_it = |arguments: &[&str]| {
        Pgconn::of("unshare", &[&["--mount", "sh", "-c", script, &bin], arguments].concat()).run()
    };
    if with_it(&["sh", "-c", "command -v systemd-analyze pgconn"]).code != 0 {
        return;
    }
    let folder = server.dir.join("units");
    fs::create_dir_all(&folder).unwrap();
    let verify = |path: &Path| {
        let seen = with_it(&["systemd-analyze", "verify", path.to_str().unwrap()]).success();
        let complaints: Vec<&str> = seen.stderr.lines().filter(|line| line.contains("pgconn")).collect();
        assert_eq!(complaints, Vec::<&str>::new(), "{seen}");
    };
    let serve = read("systemd/pgconn-serve.service").replace("Documentation=man:pgconn-serve(1)\n", "");
    fs::write(folder.join("pgconn-serve.service"), serve).unwrap();
    verify(&folder.join("pgconn-serve.service"));
    for unit in ["check", "metrics"] {
        let file = |kind: &str| format!("pgconn-{unit}@.{kind}");
        // Whether the manual pages are installed on this machine is not what is asked.
        let service = read(&format!("systemd/{}", file("service")));
        let service: String =
            service.lines().filter(|line| !line.starts_with("Documentation=")).collect::<Vec<_>>().join("\n");
        fs::write(folder.join(file("service")), service).unwrap();
        fs::write(folder.join(file("timer")), read(&format!("systemd/{}", file("timer")))).unwrap();
        if unit == "metrics" {
            for instance in ["", "prod"] {
                let drop_ins = folder.join(format!("pgconn-metrics@{instance}.service.d"));
                fs::create_dir_all(&drop_ins).unwrap();
                fs::copy(
                    contrib("systemd/pgconn-metrics@.service.d/node-exporter.conf"),
                    drop_ins.join("place.conf"),
                )
                .unwrap();
            }
        }
        for kind in ["service", "timer"] {
            let path = folder.join(format!("pgconn-{unit}@prod.{kind}"));
            fs::copy(folder.join(file(kind)), &path).unwrap();
            verify(&path);
        }
    }
}

/// By Nagios' own validator, with a service that uses the command.
#[test]
fn nagios_accepts_the_commands() {
    let server = with(&[]);
    let file = |name: &str| server.dir.join(name).display().to_string();
    let objects = "define timeperiod {\n timeperiod_name always\n alias always\n}\n\
        define command {\n command_name none\n command_line /bin/true\n}\n\
        define contact {\n contact_name dba\n host_notification_period always\n service_notification_period always\n \
        host_notification_commands none\n service_notification_commands none\n}\n\
        define host {\n host_name db\n address 127.0.0.1\n max_check_attempts 1\n check_period always\n notification_period always\n \
        contacts dba\n}\n\
        define service {\n host_name db\n service_description connections\n \
        check_command pgconn!prod!connections --warning connections=70%\n max_check_attempts 1\n check_interval 1\n \
        retry_interval 1\n check_period always\n notification_interval 1\n notification_period always\n contacts dba\n}\n";
    fs::write(file("objects.cfg"), objects).unwrap();
    let me = Pgconn::of("id", &["-un"]).run().success().stdout;
    let group = Pgconn::of("id", &["-gn"]).run().success().stdout;
    let main = format!(
        "log_file={}\ncfg_file={}\ncfg_file={}\nobject_cache_file={}\ncheck_result_path={}\nnagios_user={me}nagios_group={group}",
        file("log"),
        contrib("nagios/pgconn.cfg").display(),
        file("objects.cfg"),
        file("cache"),
        server.dir.display()
    );
    fs::write(file("nagios.cfg"), main).unwrap();
    let seen = Pgconn::of("nagios4", &["-v", &file("nagios.cfg")]).run();
    assert!(seen.code == 0 && seen.stdout.contains("Things look okay"), "{seen}");
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
