//! Values that only a server knows.

use super::{bash, fish, interactive, shell, typed_becomes};
use crate::common::{Cluster, PgBouncer, Pgconn, wait_until, with, with_files};
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// An application's name that a shell would run, expand, or break at its blanks, and that is a pattern to pgconn.
const HOSTILE: &str = "it's $(touch x) `b` \"q\" *";

/// The answer to a shell, at the end of `line`, with what it is about.
fn answer(line: &str, surroundings: impl Fn(Pgconn) -> Pgconn) -> Vec<String> {
    answer_to(&line.split(' ').collect::<Vec<_>>(), surroundings)
}

/// The same for a line of these words.
fn answer_to(words: &[&str], surroundings: impl Fn(Pgconn) -> Pgconn) -> Vec<String> {
    let run = Pgconn::new(&["__complete", "zsh"]).env("PGCONN_WORDS", words.join("\u{1e}"));
    let outcome = surroundings(run).run().success();
    assert_eq!(outcome.stderr, "", "{words:?}");
    let mut lines = outcome.stdout.lines();
    assert_eq!(lines.next(), Some("values"), "{words:?}");
    lines.map(str::to_owned).collect()
}

fn lively() -> Cluster {
    let server = with(&[]);
    for statement in ["create database shop", "create role web login", "create role \"odd \u{1b}[1m\""] {
        server.query(statement);
    }
    server
}

#[test]
fn names_and_pids_are_those_of_the_server() {
    let server = lively();
    let session =
        server.connect(&[("database", "shop"), ("user", "web"), ("application_name", "billing")]).unwrap();
    let other = server.idle_in_transaction(&[("application_name", HOSTILE)], "select 1");
    let on = |line: &str| answer(line, |run| run.on(&server).settling(&server));
    assert_eq!(on("pgconn ls --db sh"), ["shop\t1 session"]);
    assert_eq!(on("pgconn kill --db !sh"), ["!shop\t1 session"]);
    assert_eq!(on("pgconn drain --role we"), ["web\t1 session"]);
    assert_eq!(on("pgconn stats --db=sh"), ["--db=shop\t1 session"]);
    assert_eq!(on("pgconn stats -d sh"), ["shop\t1 session"]);
    assert_eq!(on("pgconn stats -dsh"), ["-dshop\t1 session"]);
    assert_eq!(on("pgconn stats -U we"), ["web\t1 session"]);
    assert_eq!(on("pgconn ls --client lo"), ["local\t2 sessions"]);
    assert_eq!(on("pgconn top --app bi"), ["billing\t1 session"]);
    // A star is a character of this name, and what could do something to a terminal is not offered.
    assert_eq!(on("pgconn ls --app it"), ["it's $(touch x) `b` \"q\" \\*\t1 session"]);
    assert_eq!(on("pgconn ls --role od"), [""; 0]);
    for command in ["kill", "show", "ls", "long", "blockers"] {
        let pids = on(&format!("pgconn {command} "));
        assert_eq!(
            pids[0],
            format!("{}\t{HOSTILE}, postgres, postgres, idle in transaction", other.pid),
            "{command}"
        );
        assert!(pids.contains(&format!("{}\tbilling, web, shop, idle", session.pid)), "{pids:?}");
        // Ours is not among them.
        assert_eq!(pids.len(), 2, "{pids:?}");
    }
    // What is on the line is not offered again, and what runs nothing is not cancelled.
    let again = on(&format!("pgconn kill {} ", other.pid));
    assert_eq!(again, [format!("{}\tbilling, web, shop, idle", session.pid)]);
    assert_eq!(on("pgconn cancel "), [""; 0]);
    let busy = server.active(&[("application_name", "report")]);
    assert_eq!(on("pgconn cancel "), [format!("{}\treport, postgres, postgres, active", busy.pid)]);
    // Of what is hidden from a role everything is offered that it sees, and no number; it could not end it.
    let web = |line: &str| answer(line, |run| run.on(&server).env("PGUSER", "web"));
    assert_eq!(web("pgconn kill "), [format!("{}\tbilling, web, shop, idle", session.pid)]);
    assert!(web("pgconn show ").contains(&format!("{}\treport, postgres, postgres", busy.pid)));
    assert_eq!(web("pgconn ls --app re"), ["report\t"]);
    assert_eq!(
        (web("pgconn ls --db postg"), web("pgconn ls --db sh")),
        (vec!["postgres\t".into()], vec!["shop\t1 session".into()])
    );
    // A demo's server is not there yet.
    assert_eq!(on("pgconn demo -- ls --db "), [""; 0]);
}

#[test]
fn every_shell_puts_names_in_so_that_they_are_one_word() {
    let server = lively();
    let _billing = server.connect(&[("application_name", "billing")]).unwrap();
    let _hostile = server.connect(&[("application_name", HOSTILE)]).unwrap();
    let folder = super::kept_folder("hostile");
    for name in ["bash", "zsh"] {
        let mut terminal = interactive(name, |shell| shell.on(&server).dir(&folder));
        typed_becomes(
            &mut terminal,
            &[
                ("pgconn kill --app bil\t", "<pgconn kill --app billing >"),
                ("pgconn kill --app=bil\t", "<pgconn kill --app=billing >"),
                ("pgconn kill --app 'bil\t", "<pgconn kill --app 'billing' >"),
                ("pgconn -d sho\t", "<pgconn -d shop >"),
            ],
        );
        // The program is told the very name, and nothing was run on the way.
        for (at, quote) in ["", "'", "\""].into_iter().enumerate() {
            terminal.type_keys(format!(
                "pgconn ls --app {quote}it\t --json | grep -c state_seconds; echo done-$((40+2))-{at}\n"
            ));
            terminal.wait_for(&format!("done-42-{at}"));
        }
        let screen = terminal.screen();
        assert_eq!(screen.matches("\n1\r").count(), 3, "{screen}");
        assert!(fs::read_dir(&folder).unwrap().next().is_none(), "{screen}");
        terminal.type_keys("exit 0\n");
        let _ = terminal.finish().success();
    }
    let run = |line: &str| {
        let script = super::script("pgconn.fish");
        let commands = format!("source {}; complete -C \"$LINE\"", script.display());
        let run =
            shell("fish", &["--no-config", "-c", &commands]).on(&server).env("LINE", line).run().success();
        assert_eq!(run.stderr, "");
        run.stdout
    };
    assert_eq!(run("pgconn kill --app bil"), "billing\t1 session\n");
    assert_eq!(run("pgconn kill --app 'bil"), "billing\t1 session\n");
    assert!(run("pgconn kill --app it").contains("$(touch x)"), "{}", run("pgconn kill --app it"));
}

#[test]
fn pids_are_listed_with_what_they_are() {
    let server = lively();
    let one = server.connect(&[("application_name", "billing")]).unwrap();
    let _other = server.connect(&[("application_name", "checkout")]).unwrap();
    for name in ["bash", "zsh"] {
        let mut terminal = interactive(name, |shell| shell.on(&server));
        // The first may put in what all begin with, the second only ring.
        terminal.type_keys("pgconn kill \t\t\t");
        terminal.wait_for(&format!("{}", one.pid));
        terminal.wait_for("billing, postgres, postgres, idle");
        terminal.type_keys("\u{15}exit 0\n");
        let _ = terminal.finish();
    }
}

#[test]
fn services_are_those_of_the_service_file() {
    let file = std::env::temp_dir().join(format!("pgconn-completed-services-{}", std::process::id()));
    fs::write(&file, "[production]\nhost=db1\n[staging]\nhost=db2\n").unwrap();
    let services = |line: &str| answer(line, |run| run.env("PGSERVICEFILE", &file));
    assert_eq!(services("pgconn ls -S "), ["production\t", "staging\t"]);
    assert_eq!(services("pgconn --service=st"), ["--service=staging\t"]);
    fs::remove_file(&file).unwrap();
    let list = std::env::temp_dir().join(format!("pgconn-completed-targets-{}", std::process::id()));
    fs::write(&list, "[[target]]\nname = \"alpha\"\nconninfo = \"host=db1\"\n").unwrap();
    let line = format!("pgconn stats --targets {} --only ", list.display());
    assert_eq!(answer(&line, |run| run), ["alpha\t"]);
    fs::remove_file(&list).unwrap();
}

#[test]
fn a_poolers_names_are_those_of_its_console() {
    let server = lively();
    let pooler = PgBouncer::start(&server, &[], &[]);
    drop(pooler.connect(&[("database", "shop")]).unwrap());
    let at = format!("pgconn -h {} -p {} -U postgres pooler", pooler.dir.display(), pooler.port);
    for line in ["pause sh", "clients --db sh"] {
        assert_eq!(answer(&format!("{at} {line}"), |run| run), ["shop\t"], "{line}");
    }
}

#[test]
fn without_an_answer_nothing_is_offered_and_nobody_is_asked() {
    // A server that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let begun = Instant::now();
    let line = format!("pgconn -h 127.0.0.1 -p {port} kill --db ");
    assert_eq!(answer(&line, |run| run), [""; 0]);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "half a second, and what the machine adds: {:?}",
        begun.elapsed()
    );
    let (mut stream, _) = silent.accept().unwrap();
    let mut said = Vec::new();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.read_to_end(&mut said).unwrap();
    // A password that somebody would have to be asked for, by us or by a command.
    let hba = "local all postgres trust\nlocal all all scram-sha-256\n";
    let server = with_files(&[("password_encryption", "scram-sha-256")], &[("pg_hba.conf", hba)]);
    server.query("create role app login password 's3cret'");
    let folder = super::kept_folder("asked");
    let asks = format!("touch {}/asked", folder.display());
    let mut terminal = Pgconn::new(&["__complete", "zsh"])
        .env("PGCONN_WORDS", "pgconn\u{1e}kill\u{1e}--db\u{1e}")
        .on(&server)
        .env("PGUSER", "app")
        .env("PGCONN_PASSWORD_COMMAND", &asks)
        .on_terminal();
    terminal.type_keys("\n");
    let outcome = terminal.finish().success();
    assert_eq!(outcome.stdout.replace(['\r', '\n'], ""), "values", "{outcome}");
    assert!(!folder.join("asked").exists());
    for flag in ["--password-command", "--targets-command"] {
        let words = ["pgconn", flag, &asks, "-U", "app", "kill", "--db", ""];
        assert_eq!(answer_to(&words, |run| run.on(&server)), [""; 0]);
        assert!(!folder.join("asked").exists(), "{flag}");
    }
    // What is wrong with defaults of one's own is said elsewhere.
    fs::create_dir_all(folder.join("pgconn")).unwrap();
    fs::write(folder.join("pgconn/config.toml"), "this is no TOML").unwrap();
    let databases = answer("pgconn ls --db postg", |run| run.on(&server).env("XDG_CONFIG_HOME", &folder));
    assert_eq!(databases, ["postgres\t0 sessions"]);
    wait_until("no session is left", || {
        server.value("select count(*) from pg_stat_activity where usename = 'app'") == "0"
    });
    for line in ["pgconn kill --db ", "pgconn nosuch --db ", "pgconn ls -- ", "pgconn"] {
        let _ = (bash(line), fish(line));
    }
}
