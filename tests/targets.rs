//! Runs over a list of servers: everybody is in the answer, nobody waits for the dead, and acts take one.

use super::common::{Cluster, PgBouncer, Pgconn, Running, shared, wait_until, with};
use super::metrics::promtool;
use nix::sys::signal::Signal;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A file of a folder of its own, which goes with it.
struct List(PathBuf);

impl List {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pgconn-list-{name}-{}.toml", std::process::id()));
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Self(path)
    }

    fn run(&self, arguments: &[&str]) -> Pgconn {
        Pgconn::new(&[arguments, &["--targets", self.0.to_str().unwrap()]].concat())
    }
}

impl Drop for List {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn entry(name: &str, server: &Cluster, more: &str) -> String {
    let place = format!("host={} port={} user=postgres dbname=postgres", server.host(), server.port);
    format!("[[target]]\nname = \"{name}\"\nconninfo = \"{place}\"\n{more}\n")
}

const DEAD: &str = "[[target]]\nname = \"dead\"\nconninfo = \"host=127.0.0.1 port=1 user=postgres\"\n";

#[test]
fn everybody_is_in_the_answer_whatever_became_of_them() {
    let server = shared();
    let full = with(&[("max_connections", "5"), ("superuser_reserved_connections", "1")]);
    full.query("create role app login");
    let _taken: Vec<_> =
        (0..4).map(|_| full.connect(&[("user", "app"), ("database", "postgres")]).unwrap()).collect();
    let refused = format!("host={} port={} user=app dbname=postgres", full.host(), full.port);
    let hidden = format!("host={} port={} user=nobody_knows dbname=postgres", server.host(), server.port);
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs =
        format!("host=127.0.0.1 port={} user=postgres sslmode=disable", hangs.local_addr().unwrap().port());
    let list = List::new(
        "everybody",
        &[
            entry("good", server, "labels = { team = \"a\" }"),
            format!("[[target]]\nname = \"full\"\nconninfo = \"{refused}\"\n"),
            format!("[[target]]\nname = \"unknown\"\nconninfo = \"{hidden}\"\n"),
            DEAD.to_owned(),
            format!("[[target]]\nname = \"silent\"\nconninfo = \"{hangs}\"\n"),
        ]
        .concat(),
    );
    for command in ["stats", "ls", "long", "blockers", "ping", "metrics"] {
        let began = Instant::now();
        let outcome = list.run(&[command, "--json", "-t", "2s", "--emergency", "never"]).run().fails_with(4);
        // The silent one's time passes once, beside everybody's else.
        assert!(began.elapsed() < Duration::from_secs(8), "{:?} {outcome}", began.elapsed());
        let document = outcome.json();
        assert_eq!(document["kind"], command);
        let targets = document["targets"].as_array().unwrap();
        let ok: Vec<_> =
            targets.iter().map(|one| (one["name"].as_str().unwrap(), one["ok"].as_bool().unwrap())).collect();
        let expected =
            [("good", true), ("full", false), ("unknown", false), ("dead", false), ("silent", false)];
        assert_eq!(ok, expected, "{outcome}");
        for target in targets {
            let is_ok = target["ok"] == true;
            assert_eq!(target["error"].is_null(), is_ok, "{target}");
            assert!(!is_ok || target["document"]["target"]["name"] == target["name"], "{target}");
        }
        assert_eq!(targets[0]["labels"]["team"], "a");
        assert_eq!(targets[0]["document"]["target"]["labels"]["team"], "a");
        assert_eq!(targets[1]["error"]["code"], "too_many_connections", "{outcome}");
        let summary = &document["summary"];
        assert_eq!(
            (&summary["targets"], &summary["answered"], &summary["not_answered"]),
            (&5.into(), &1.into(), &4.into())
        );
        assert_eq!(summary["exit_code"], 4);
    }
    let check = list.run(&["check", "reachable", "--json", "-t", "2s"]).run().fails_with(2).json();
    let statuses: Vec<_> = check["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["document"]["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["ok", "critical", "critical", "critical", "critical"]);
    let message = check["summary"]["message"].as_str().unwrap();
    assert!(["full", "unknown", "dead", "silent"].iter().all(|name| message.contains(name)), "{message}");
    // One line for each in ndjson and in the table, too.
    let lines =
        list.run(&["stats", "-F", "ndjson", "-t", "2s", "--emergency", "never"]).run().fails_with(4).ndjson();
    let dead = lines.iter().find(|line| line["target"]["name"] == "dead").unwrap();
    assert_eq!((&dead["target"]["port"], &dead["error"]["code"]), (&1.into(), &"refused".into()));
    let mut names: Vec<_> = lines.iter().map(|line| line["target"]["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["dead", "full", "good", "silent", "unknown"]);
    let table = list.run(&["stats", "-t", "2s", "--emergency", "never"]).run().fails_with(4);
    let first: Vec<&str> =
        table.stdout.lines().skip(1).take(5).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(first, ["full", "unknown", "dead", "silent", "good"], "{table}");
    assert!(table.stdout.ends_with("5 servers: 4 not answered (full, unknown, dead, silent)\n"), "{table}");
}

#[test]
fn good_answers_come_before_the_silent_ones_time_is_up() {
    let server = shared();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!(
        "host=127.0.0.1 port={} user=postgres sslmode=disable",
        listener.local_addr().unwrap().port()
    );
    let list = List::new(
        "silent",
        &format!(
            "[[target]]\nname = \"silent\"\nconninfo = \"{silent}\"\n{DEAD}{}",
            entry("good", server, "")
        ),
    );
    let running = list.run(&["stats", "-F", "ndjson", "-t", "30s"]).spawn();
    wait_until("both others are written", || running.stdout().lines().count() == 2);
    running.signal(Signal::SIGINT);
    assert_eq!(running.finish().code, 130);
}

#[test]
fn all_some_and_none_are_told_by_the_exit_code() {
    let server = shared();
    let both = List::new("both", &(entry("good", server, "") + DEAD));
    both.run(&["stats", "--only", "good"]).run().success();
    both.run(&["stats"]).run().fails_with(4);
    both.run(&["stats", "--only", "dead"]).run().fails_with(3);
    both.run(&["stats", "--only", "d*", "--only", "good"]).run().fails_with(4);
    both.run(&["check", "reachable", "--only", "good"]).run().success();
    let quiet = both.run(&["check", "reachable", "-q", "--only", "good"]).run().success();
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let wrong = both.run(&["stats", "--only", "goof"]).run().fails_with(2);
    assert!(wrong.stderr.contains("did you mean --only good?"), "{wrong}");
    let nagios = both.run(&["check", "-F", "nagios"]).run().fails_with(3);
    assert!(nagios.stdout.starts_with("PGCONN UNKNOWN: "), "{nagios}");
}

#[test]
fn an_act_takes_one_server_and_a_protected_one_its_name() {
    let server = with(&[("max_connections", "20")]);
    let victim = |name: &str| server.connect(&[("application_name", name)]).unwrap();
    let mut spared = victim("spared");
    let list = List::new(
        "act",
        &(entry("a", &server, "") + &entry("b", &server, "protected = true\nproduction = true")),
    );
    for act in [
        &["kill", "--app", "spared"][..],
        &["cancel", "--app", "spared"],
        &["drain", "--db", "x", "--for", "1s"],
    ] {
        let refused = list.run(act).run().fails_with(2);
        assert!(
            refused.stderr.contains("takes one server, and 2 are meant: a, b; nothing was done"),
            "{refused}"
        );
    }
    let protected = ["kill", "--app", "spared", "--only", "b"];
    for more in [&[][..], &["--yes"]] {
        let refused = list.run(&[&protected[..], more].concat()).run().fails_with(2);
        assert!(refused.stderr.contains("\"b\" is protected; nothing was done"), "{refused}");
    }
    list.run(&[&protected[..], &["--yes=a"]].concat()).run().fails_with(2);
    list.run(&[&protected[..], &["--dry-run"]].concat()).run().success();
    assert!(!spared.is_ended());
    list.run(&[&protected[..], &["--yes=b"]].concat()).run().success();
    assert!(spared.is_ended());
    let mut other = victim("other");
    list.run(&["kill", "--app", "other", "--only", "name=a"]).run().success();
    assert!(other.is_ended());
}

#[test]
fn a_question_says_that_it_is_production() {
    let server = with(&[("max_connections", "20")]);
    let mut spared = server.connect(&[("application_name", "spared")]).unwrap();
    let list = List::new("production", &entry("shop", &server, "production = true"));
    let mut terminal = list.run(&["kill", "--app", "spared"]).on_terminal();
    terminal.wait_for("shop is production. Terminate this session");
    terminal.type_keys("n\n");
    assert_eq!(terminal.finish().code, 1);
    assert!(!spared.is_ended());
}

#[test]
fn the_pooler_of_a_server_is_the_one_that_the_list_names() {
    let server = shared();
    let pooler = PgBouncer::start(server, &[], &[]);
    let console = format!("pooler = \"host={} port={} user=postgres\"", pooler.dir.display(), pooler.port);
    let list = List::new("pooler", &(entry("a", server, &console) + &entry("b", server, "")));
    let document = list.run(&["pooler", "--json", "--only", "a"]).run().success().json();
    assert_eq!(document["target"]["port"], pooler.port);
    assert_eq!(
        list.run(&["stats", "--json", "--only", "a"]).run().success().json()["summary"]["answered"],
        1
    );
    list.run(&["pooler", "--json", "--only", "b"]).run().fails_with(1);
}

#[test]
fn patterns_mean_the_services_of_the_file() {
    let server = shared();
    let home = std::env::temp_dir().join(format!("pgconn-list-home-{}", std::process::id()));
    fs::create_dir_all(&home).unwrap();
    let section = |name: &str| {
        format!("[{name}]\nhost={}\nport={}\nuser=postgres\ndbname=postgres\n", server.host(), server.port)
    };
    fs::write(home.join(".pg_service.conf"), ["prod-a", "test", "prod-b"].map(section).concat()).unwrap();
    let run = |arguments: &[&str]| Pgconn::new(arguments).env("HOME", home.to_str().unwrap()).run();
    let names = |arguments: &[&str]| -> Vec<String> {
        let document = run(arguments).success().json();
        let targets = document["targets"].as_array().unwrap();
        targets.iter().map(|target| target["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["stats", "--json", "-S", "prod-*"]), ["prod-a", "prod-b"]);
    assert_eq!(names(&["stats", "--json", "-S", "test", "-S", "prod-b"]), ["test", "prod-b"]);
    // One that is no pattern is the one server that it always was.
    let one = run(&["stats", "--json", "-S", "test"]).success().json();
    assert_eq!(
        (&one["target"]["service"], &one["target"]["name"]),
        (&"test".into(), &serde_json::Value::Null)
    );
    let wrong = run(&["stats", "-S", "pord-*"]).fails_with(2);
    assert!(wrong.stderr.contains("there are: prod-a, test, prod-b"), "{wrong}");
    fs::remove_dir_all(&home).unwrap();
}

#[test]
fn a_command_can_give_the_list() {
    let server = shared();
    let conninfo = format!("host={} port={} user=postgres dbname=postgres", server.host(), server.port);
    let run = |command: &str, arguments: &[&str]| {
        Pgconn::new(&[arguments, &["--targets-command", command]].concat()).run()
    };
    let lines = run(&format!("printf '# all\\n{conninfo}\\n127.0.0.1:1\\n'"), &["stats", "--json"])
        .fails_with(4)
        .json();
    assert_eq!(lines["targets"][1]["name"], "127.0.0.1:1");
    assert_eq!((&lines["targets"][0]["ok"], &lines["targets"][1]["ok"]), (&true.into(), &false.into()));
    let json =
        format!(r#"[{{"targets":["{conninfo}"],"labels":{{"name":"one","team":"x","__meta_y":"z"}}}}]"#);
    let found = run(&format!("echo '{json}'"), &["stats", "--json", "--only", "team=x"]).success().json();
    assert_eq!(
        (&found["targets"][0]["name"], &found["targets"][0]["labels"]),
        (&"one".into(), &serde_json::json!({"name": "one", "team": "x"}))
    );
    let failed = run("sh -c 'echo gone >&2; exit 7'", &["stats"]).fails_with(2);
    assert!(failed.stderr.contains("exit status 7") && failed.stderr.contains("it said: gone"), "{failed}");
    run("/nonexistent/x", &["stats"]).fails_with(2);
    run("true", &["check"]).fails_with(3);
}

#[test]
fn a_password_in_the_list_is_said_or_refused_and_never_shown() {
    let server = shared();
    let text = entry("a", server, "").replace("user=postgres", "user=postgres password=s3cret");
    let list = List::new("password", &text);
    let warned = list.run(&["stats", "--json"]).run().success();
    assert_eq!(warned.json()["warnings"][0]["code"], "password_in_list");
    assert!(!format!("{warned}").contains("s3cret"), "{warned}");
    fs::set_permissions(&list.0, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = list.run(&["stats"]).run().fails_with(2);
    assert!(
        refused.stderr.contains("which others can read") && !refused.stderr.contains("s3cret"),
        "{refused}"
    );
    // It is one whatever else the string leaves to the environment, or is wrong with it.
    for conninfo in [
        "host=x password=s3cret",
        "password = 's3cret'",
        "host=x nosuch=1 password=s3cret",
        "postgresql://:s3cret@x/",
        "postgresql:///x?sslpassword=s3cret",
        "ecto://u:s3cret@x/y",
    ] {
        fs::write(&list.0, format!("[[target]]\nname = \"a\"\nconninfo = \"{conninfo}\"\n")).unwrap();
        let refused = list.run(&["stats"]).run().fails_with(2);
        assert!(refused.stderr.contains("which others can read"), "{conninfo}: {refused}");
        assert!(!refused.stderr.contains("s3cret"), "{refused}");
    }
}

#[test]
fn metrics_of_all_servers_are_one_exposition() {
    let server = shared();
    let list = List::new(
        "metrics",
        &(entry("a", server, "")
            + &entry("b\\n\"", server, "").replace("name = \"b\\n\"\"", "name = 'b\"'")
            + DEAD),
    );
    let outcome = list.run(&["metrics"]).run().fails_with(4);
    promtool(&outcome.stdout);
    assert!(
        outcome.stdout.contains("target=\"a\"} 1\n") && outcome.stdout.contains("target=\"b\\\"\""),
        "{outcome}"
    );
    assert!(outcome.stdout.contains("pgconn_up{server=\"127.0.0.1:1\",target=\"dead\"} 0\n"), "{outcome}");
    let rows = list.run(&["stats", "-F", "tsv"]).run().fails_with(4);
    assert!(rows.stdout.starts_with("server\tlist\t") && rows.stderr.contains("error: dead: "), "{rows}");
    assert_eq!(rows.stdout.lines().filter(|line| line.starts_with("server\t")).count(), 1);
}

#[test]
fn a_watch_goes_on_whoever_dies_and_shows_who_comes_back() {
    let mut server = with(&[("max_connections", "20")]);
    let list = List::new("watch", &(entry("steady", shared(), "") + &entry("restarts", &server, "")));
    let running = list.run(&["stats", "--json", "--watch=200ms", "-t", "2s"]).spawn();
    let seen = |running: &Running, name: &str, is_error: bool| {
        let lines: Vec<serde_json::Value> =
            running.stdout().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let of_it = lines.iter().filter(|line| line["target"]["name"] == name);
        of_it.filter(|line| line.get("error").is_some() == is_error).count()
    };
    wait_until("both answer", || {
        seen(&running, "restarts", false) > 0 && seen(&running, "steady", false) > 0
    });
    server.stop();
    wait_until("it is said to be away", || seen(&running, "restarts", true) > 0);
    let (steady, before) = (seen(&running, "steady", false), seen(&running, "restarts", false));
    wait_until("the other goes on", || seen(&running, "steady", false) > steady + 3);
    server.launch(&|| true).unwrap();
    wait_until("it answers again", || seen(&running, "restarts", false) > before);
    running.signal(Signal::SIGINT);
    running.finish().success();
}

#[test]
fn a_watched_list_is_a_screen_worst_first() {
    let list = List::new("screen", &(entry("good", shared(), "") + DEAD));
    let mut terminal = list.run(&["stats", "--watch=200ms", "-t", "2s"]).on_terminal_of(80, 24);
    wait_until("both, the worst first", || {
        let [lines, columns] = [24, 80].map(|number: u16| number.try_into().unwrap());
        // What stands there now: the one that answers may have stood there alone.
        let mut parser = vt100::Parser::new(lines, columns, 0);
        parser.process(terminal.screen().as_bytes());
        let screen = parser.screen().contents();
        screen.find("dead  ").zip(screen.find("good  ")).is_some_and(|(dead, good)| dead < good)
    });
    terminal.type_keys("\u{3}");
    assert_eq!(terminal.finish().code, 0);
}
