//! Every command line that the README and the help show is run, on a server of its own.

use super::common::{Outcome, PgBouncer, Pgconn, with};
use super::help;
use nix::sys::signal::Signal;
use std::fs;
use std::path::Path;

/// The command lines in the fenced blocks of the README.
fn readme() -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let blocks = text.split("```").skip(1).step_by(2);
    blocks.flat_map(|block| block.lines().skip(1).filter_map(command_line).collect::<Vec<_>>()).collect()
}

/// The command lines under "Examples:" in the help of every command and of the program.
fn examples() -> Vec<String> {
    let mut lines = Vec::new();
    for command in std::iter::once(String::new()).chain(help::commands()) {
        let typed = [command.as_str(), "--help"];
        let text = Pgconn::new(&typed[usize::from(command.is_empty())..]).run().success().stdout;
        let examples = text.rsplit("\nExamples:\n").next().unwrap().split("\n\n").next().unwrap();
        let found: Vec<String> = examples.lines().filter_map(command_line).collect();
        assert!(!found.is_empty(), "no example in the help of {command}");
        lines.extend(found);
    }
    lines
}

/// A line from `pgconn` on, without prompt, comment, schedule, and what its output goes into.
fn command_line(line: &str) -> Option<String> {
    let mut shown = line.trim_start().trim_start_matches("$ ");
    if shown.starts_with("cargo") || shown.starts_with('#') || shown.starts_with("./dev") {
        return None;
    }
    if shown.contains("* * *") {
        shown = &shown[shown.find("pgconn ")?..];
    }
    let end = [" | ", " >> ", "  #"].iter().filter_map(|mark| shown.find(mark)).min().unwrap_or(shown.len());
    let command = shown[..end].trim();
    command.starts_with("pgconn ").then(|| command.to_owned())
}

/// Whether it is about a session by its pid or session id.
fn names_a_session(line: &str) -> bool {
    let verb = line.split("pgconn ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let id = |word: &str| {
        let parts: Vec<&str> = word.split('.').collect();
        let hexadecimal =
            |part: &&str| !part.is_empty() && part.chars().all(|digit| digit.is_ascii_hexdigit());
        word.parse::<i32>().is_ok() || parts.len() == 2 && parts.iter().all(hexadecimal)
    };
    let words: Vec<&str> = line.split(' ').collect();
    ["kill", "cancel", "show", "ls"].contains(&verb)
        && words.windows(2).any(|pair| !pair[0].starts_with('-') && id(pair[1]))
}

#[test]
fn every_command_line_shown_works() {
    let server = with(&[("max_connections", "60")]);
    for statement in [
        "create database shop",
        "create database shop2",
        "create database mydb",
        "create role app login",
        "create role report login",
    ] {
        server.query(statement);
    }
    let home = std::env::temp_dir().join(format!("pgconn-readme-{}", std::process::id()));
    for folder in [".zfunc", ".config/fish/completions", "var"] {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
    let services: String = ["prod", "reporting"]
        .map(|name| {
            format!(
                "[{name}]\nhost={}\nport={}\nuser=postgres\ndbname=postgres\n",
                server.host(),
                server.port
            )
        })
        .concat();
    fs::write(home.join(".pg_service.conf"), services).unwrap();
    fs::write(home.join("fleet.toml"), "[[target]]\nname = \"prod\"\nservice = \"prod\"\n").unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_pgconn")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let pooler = PgBouncer::start(&server, &[], &[]);
    // The pooler knows a database from its first client on.
    drop(pooler.connect(&[("database", "shop")]).unwrap());
    let (behind, before) = (server.host(), pooler.dir.display());
    let run = |line: &str| -> Outcome {
        let line = line.replace(" -h db1", "").replace(" 1m", " 1s").replace(" 10m", " 1s");
        let console = format!("'host={before} port={}'", pooler.port);
        let line = line.replace("--pooler port=6432", &format!("--pooler {console}"));
        let line =
            line.replace("-p 6432 -d pgbouncer", &format!("-h {before} -p {} -d pgbouncer", pooler.port));
        let line = line.replace("-p 6432", &format!("-h {before} -p {}", pooler.port));
        let line = line.replace("createdb -p 5432", &format!("createdb -p {}", server.port));
        let url = format!("postgres://postgres@:{}/postgres?host={behind}", server.port);
        let line = line.replace("postgres://db1/postgres", &format!("'{url}'"));
        let line = line.replace("/var/lib/prometheus/node-exporter", home.join("var").to_str().unwrap());
        let shell = Pgconn::of("bash", &["-c", &format!("exec {line}")]).on(&server).dir(&home);
        let shell = shell.env("HOME", home.to_str().unwrap());
        let shell = shell.env("PATH", format!("{}:{path}", programs.display()));
        let serves = line.starts_with("pgconn serve");
        if serves || ["--watch", "--keep"].iter().any(|flag| line.contains(flag)) {
            let running = shell.spawn();
            let kept = line.contains("--keep");
            super::common::wait_until(&line, || match kept || serves {
                true => running.stderr().contains(if serves { "listening on " } else { "Ctrl-C" }),
                false => !running.stdout().is_empty(),
            });
            running.signal(Signal::SIGINT);
            return running.finish().success();
        }
        if line.starts_with("pgconn top") {
            let mut terminal = shell.on_terminal();
            terminal.wait_for("data 0s old");
            terminal.type_keys("q");
            return terminal.finish().success();
        }
        shell.run()
    };
    let mut wrong = Vec::new();
    let lines = [readme(), examples()].concat();
    assert!(lines.len() > 30, "{lines:?}");
    for line in lines {
        println!("{line}");
        let outcome = run(&line);
        let judges = line.contains("--exit-code") && outcome.code < 3;
        // A program of PostgreSQL's own may be older than the server that it is tried on.
        let is_too_old = outcome.stderr.contains("server version mismatch") && outcome.code == 1;
        // A pid of an example is nobody's: tried, and failed.
        let tried = is_too_old || names_a_session(&line) && outcome.code == 1;
        // A rule of a newer server is not judged on an older one, and says so.
        let not_judged = outcome.stdout.contains("this server does not count sessions") && outcome.code == 3;
        if outcome.code != 0 && !judges && !tried && !not_judged {
            wrong.push(format!("{line}\n{outcome}"));
        }
    }
    fs::remove_dir_all(&home).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What the README shows as output is what the demo prints, numbers and ages aside.
#[test]
fn the_sample_output_is_printed_by_the_demo() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, sample) = text.split_once("```console\n$ pgconn ").unwrap();
    let (line, sample) = sample.split_once('\n').unwrap();
    let (sample, _) = sample.split_once("```").unwrap();
    let arguments: Vec<&str> = ["demo", "--"].into_iter().chain(line.split(' ')).collect();
    let run = Pgconn::new(&arguments).env("TMPDIR", std::env::temp_dir().to_str().unwrap()).run().success();
    let told = |text: &str| -> Vec<String> {
        let number = |word: &str| {
            let is_number = |character: char| character.is_ascii_digit() || ".:%ms-".contains(character);
            // Who opens a connection for each request is there, or is not.
            let (open, word) = word.strip_prefix('(').map_or(("", word), |word| ("(", word));
            if word.chars().all(is_number) { format!("{open}#") } else { format!("{open}{word}") }
        };
        let line = |line: &str| {
            let bar = |character| if character == '-' { '#' } else { character };
            let words = line.split_whitespace().map(|word| match word.starts_with('[') {
                true => word.chars().map(bar).collect(),
                false => number(word),
            });
            let mut words: Vec<String> = words.collect();
            words.dedup();
            words.join(" ")
        };
        let mut lines: Vec<String> = text.lines().map(line).collect();
        // Where the server is; and which state has most sessions is not the same each time.
        lines.remove(0);
        lines.sort_unstable();
        lines
    };
    assert_eq!(told(sample), told(&run.stdout), "{run}");
}

#[test]
fn the_readme_names_every_command() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for command in help::commands() {
        assert!(
            text.contains(&format!("| `pgconn {command}` |")),
            "a row for {command} is missing in README.md"
        );
    }
    for row in text.lines().filter_map(|line| line.split("| `pgconn ").nth(1)) {
        let command = row.split('`').next().unwrap();
        assert!(
            help::commands().contains(&command.to_owned()),
            "README.md shows pgconn {command}, which is not there"
        );
    }
}
