//! `drain`: closed, empty, and open again exactly as before, whatever happens in between.

mod command;
mod histories;
mod holder;
mod inside;
mod invalid;
mod obstacles;
mod panics;
mod places;
mod restore;
mod role;
mod standby;
mod steps;
mod words;

use super::common::{Cluster, Pgconn, Running, Session, Stopping, wait_until, with};
use nix::sys::signal::Signal;
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// A server with the database shop, which has a limit and grants that are easy to get wrong.
fn server() -> Cluster {
    let cluster = with(&[]);
    make(&cluster);
    cluster
}

fn make(cluster: &Cluster) {
    cluster.query(
        "create role boss login; create role web login; create role guest login; create role other login",
    );
    cluster.query("create database shop owner boss connection limit 7");
    cluster.query("revoke all on database shop from public; grant connect on database shop to guest");
    cluster.query("grant connect, temp on database shop to public; grant connect on database shop to web with grant option");
}

/// Lets a command run as whoever owns this folder: the server's user.
fn as_owner_of(folder: &std::path::Path, command: &mut Command) {
    let owner = fs::metadata(folder).unwrap();
    if owner.uid() != fs::metadata("/proc/self").unwrap().uid() {
        command.uid(owner.uid()).gid(owner.gid());
    }
}

/// Everything that says who may enter.
fn closable(cluster: &Cluster) -> String {
    cluster.value(
        "select concat_ws(' ', datconnlimit, datallowconn, coalesce(datacl::text, '(null)')) from pg_database \
         where datname = 'shop'",
    )
}

/// Whether it is not as [`server`] made it.
fn closed(cluster: &Cluster) -> bool {
    const OPEN: &str = "7 t {boss=CTc/boss,guest=c/boss,=Tc/boss,web=c*/boss}";
    closable(cluster) != OPEN
}

fn inside(parameters: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&[("database", "shop"), ("user", "web")], parameters].concat()
}

fn drain(cluster: &Cluster, arguments: &[&str]) -> Pgconn {
    Pgconn::new(&[&["drain", "--db", "shop"], arguments].concat()).on(cluster)
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_pgconn");

#[test]
fn a_command_runs_with_nobody_else_inside_while_clients_reconnect_as_fast_as_they_can() {
    let cluster = server();
    cluster.query("alter database shop connection limit -1");
    let before = closable(&cluster);
    for fence in ["limit", "revoke", "hard"] {
        let stop = AtomicBool::new(false);
        let client = || {
            while !stop.load(Ordering::Relaxed) {
                if let Ok(mut session) = cluster.connect(&inside(&[("application_name", "pool")])) {
                    let _ = session.run("select pg_sleep(3600)");
                }
            }
        };
        let outcome = std::thread::scope(|scope| {
            let stopping = Stopping(&stop);
            for _ in 0..4 {
                scope.spawn(client);
            }
            let others: Vec<Running> = (0..3).map(|_| comes_and_goes(&cluster)).collect();
            cluster.wait_until("(select count(*) from pg_stat_activity where datname = 'shop') >= 3");
            let look = "for turn in 1 2 3 4 5 6 7 8; do \"$0\" ls --db shop --all-backends -F ndjson; done";
            let outcome = drain(&cluster, &["--fence", fence, "--", "sh", "-c", look, PROGRAM]).run();
            drop(stopping);
            for other in others {
                other.signal(Signal::SIGKILL);
                let _ = other.finish();
            }
            wait_until("the clients have stopped", || {
                cluster
                    .query("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'shop'")
                    .is_empty()
            });
            outcome
        });
        let outcome = outcome.success();
        assert_eq!(outcome.stdout, "", "nobody is inside, and stdout is the command's alone: {outcome}");
        assert!(outcome.stderr.contains("to open it again by hand: "), "{outcome}");
        assert!(outcome.stderr.contains("open as before"), "{outcome}");
        assert_eq!(closable(&cluster), before, "{fence}");
    }
}

/// A process whose children connect one after the other, as fast as they can.
fn comes_and_goes(cluster: &Cluster) -> Running {
    let connect = "while :; do \"$0\" stats -d shop -U web -q >/dev/null 2>&1; done";
    Pgconn::of("sh", &["-c", connect, PROGRAM]).on(cluster).spawn()
}

/// The name has blanks that a terminal's line would fold and a character that it would swallow.
#[test]
fn the_way_back_by_hand_names_the_very_database() {
    let cluster = with(&[]);
    let name = "a  b\u{1b}\"";
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    cluster.query(&format!("create database {quoted}"));
    for fence in ["limit", "revoke", "hard"] {
        cluster.query(&format!("alter database {quoted} allow_connections true connection limit -1"));
        let drain = Pgconn::new(&["drain", "--db", name, "--for", "1ms", "--fence", fence]).on(&cluster);
        let outcome = drain.run().success();
        assert!(!outcome.stderr.contains('\u{1b}'), "{outcome}");
        let (_, sql) = outcome.stderr.split_once("to open it again by hand: ").unwrap();
        cluster.query(&format!("alter database {quoted} allow_connections false connection limit 0"));
        cluster.query(sql.lines().next().unwrap());
        let closable = cluster.value(&format!(
            "select format('%s %s', datallowconn, datconnlimit) from pg_database where datname = '{name}'"
        ));
        assert_eq!(
            closable,
            match fence {
                "limit" => "f -1",
                "hard" => "t 0",
                _ => "f 0",
            }
        );
    }
}

/// What has never been granted or revoked is not stored, and is not stored afterwards either.
#[test]
fn default_privileges_stay_unwritten_where_that_is_possible() {
    let cluster = with(&[]);
    cluster.query("create role boss login; create role web login");
    cluster.query("create database shop owner boss");
    let before = closable(&cluster);
    assert_eq!(before, "-1 t (null)");
    let outcome = drain(&cluster, &["--fence", "revoke", "--for", "1ms", "--json"]).run().success();
    assert_eq!((&outcome.json()["restored"], &outcome.json()["warnings"]), (&json!(true), &json!([])));
    assert_eq!(closable(&cluster), before);
    // The way back by hand is the same.
    let run = drain(&cluster, &["--fence", "revoke", "--for", "1h"]).spawn();
    wait_until("it is closed", || closable(&cluster) != before);
    assert_eq!(cluster.connect(&inside(&[])).unwrap_err().sqlstate, "42501");
    run.signal(Signal::SIGKILL);
    let outcome = run.finish().fails_with(137);
    let (_, sql) = outcome.stderr.split_once("to open it again by hand: ").unwrap();
    cluster.query(sql.lines().next().unwrap());
    assert_eq!(closable(&cluster), before);
    // What somebody else grants meanwhile is kept.
    let run = drain(&cluster, &["--fence", "revoke", "--for", "1h"]).spawn();
    wait_until("it is closed", || closable(&cluster) != before);
    cluster.query("grant create on database shop to web");
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    assert!(outcome.stderr.contains("warning: somebody else has changed who may enter it"), "{outcome}");
    assert_eq!(closable(&cluster), "-1 t {=Tc/boss,boss=CTc/boss,web=C/boss}");
    assert_eq!(cluster.value("select has_database_privilege('web', 'shop', 'create')::text"), "true");
    cluster.query("revoke create on database shop from web; update pg_database set datacl = null where datname = 'shop'");
    // Its owner cannot leave them unwritten, and is told so.
    let outcome = drain(&cluster, &["--for", "1ms", "-U", "boss"]).run().success();
    assert!(outcome.stderr.contains("warning: its privileges are PostgreSQL's default"), "{outcome}");
    assert_eq!(closable(&cluster), "-1 t {=Tc/boss,boss=CTc/boss}");
}

#[test]
fn every_end_opens_it_again_exactly_as_it_was() {
    let cluster = server();
    let before = closable(&cluster);
    let closed = || closable(&cluster) != before;
    // looks like a program until it is started
    let broken = cluster.dir.join("broken").display().to_string();
    fs::write(&broken, "#!/nonexistent/interpreter\n").unwrap();
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    for fence in ["limit", "revoke", "hard"] {
        let start = |rest: &[&str]| drain(&cluster, &[&["--fence", fence], rest].concat()).spawn();
        // Time is up.
        let outcome = drain(&cluster, &["--fence", fence, "--for", "10ms", "--json"]).run().success();
        let document = outcome.json();
        assert_eq!((&document["fence"], &document["restored"]), (&json!(fence), &json!(true)));
        assert_eq!(
            (closable(&cluster), &document["command_status"]),
            (before.clone(), &json!(null)),
            "{fence}"
        );
        // The command fails, or cannot even be run.
        let outcome =
            drain(&cluster, &["--fence", fence, "--", "sh", "-c", "echo out; exit 7"]).run().fails_with(1);
        assert_eq!((outcome.stdout.as_str(), closable(&cluster)), ("out\n", before.clone()), "{fence}");
        assert!(outcome.stderr.contains("exit status: 7"), "{outcome}");
        let outcome = drain(&cluster, &["--fence", fence, "--", "/nonexistent/program"]).run().fails_with(1);
        assert_eq!(closable(&cluster), before, "{fence} {outcome}");
        assert!(outcome.stderr.contains("there is no such program; nothing was done"), "{outcome}");
        let outcome = drain(&cluster, &["--fence", fence, "--", &broken]).run().fails_with(1);
        assert!(outcome.stderr.contains("could not run") && closable(&cluster) == before, "{outcome}");
        // A command gets the signals, too.
        let run = start(&[
            "--",
            "sh",
            "-c",
            "trap 'echo told; exit 0' TERM; echo ready; while :; do sleep 0.05; done",
        ]);
        wait_until("the command runs", || run.stdout().contains("ready"));
        assert!(closed());
        run.signal(Signal::SIGTERM);
        let outcome = run.finish().fails_with(143);
        assert_eq!(
            (outcome.stdout.as_str(), closable(&cluster)),
            ("ready\ntold\n", before.clone()),
            "{fence}"
        );
    }
}

/// Only what the fence took has to be back; what others grant meanwhile is theirs.
#[test]
fn what_others_grant_meanwhile_is_kept() {
    let cluster = server();
    let open = |role: &str| {
        cluster.value(&format!("select has_database_privilege('{role}', 'shop', 'connect')::text"))
    };
    let grant = |more: &str| format!("grant create on database shop to {more}");
    for (fence, user, more) in
        [("revoke", "postgres", "other"), ("revoke", "boss", "guest"), ("limit", "postgres", "web")]
    {
        let run = drain(&cluster, &["--fence", fence, "-U", user, "--for", "1h", "--json"]).spawn();
        wait_until("it is held", || run.stderr().contains("closed and empty"));
        cluster.query(&grant(more));
        run.signal(Signal::SIGINT);
        let outcome = run.finish().fails_with(130);
        let document = outcome.json();
        assert_eq!(
            (&document["restored"], &document["warnings"][0]["code"]),
            (&json!(true), &json!("changed_meanwhile")),
            "{outcome}"
        );
        assert_eq!(
            cluster.value(&format!("select has_database_privilege('{more}', 'shop', 'create')::text")),
            "true",
            "{fence} {more}"
        );
        assert_eq!((open("other").as_str(), open("web").as_str()), ("true", "true"));
    }
    assert!(closable(&cluster).starts_with("7 t "), "{}", closable(&cluster));
}

/// Who has given the database away cannot open it, and is told why, with statements that wipe nothing out.
#[test]
fn who_is_not_its_owner_any_more_is_told_so() {
    let cluster = server();
    cluster.query("grant web to boss");
    for fence in ["limit", "revoke"] {
        let run = drain(&cluster, &["--fence", fence, "-U", "boss", "--for", "1h"]).spawn();
        wait_until("it is held", || run.stderr().contains("closed and empty"));
        cluster.query("alter database shop owner to other; grant create on database shop to guest");
        run.signal(Signal::SIGTERM);
        let outcome = run.finish().fails_with(1);
        assert!(
            outcome.stderr.contains("left closed: role \"boss\" is not its owner any more, \"other\" is"),
            "{outcome}"
        );
        let (_, sql) = outcome.stderr.split_once("hint: open it by hand: ").unwrap();
        cluster.query(sql.lines().next().unwrap());
        for (role, privilege) in [("web", "connect"), ("guest", "create"), ("guest", "connect")] {
            let has = format!("select has_database_privilege('{role}', 'shop', '{privilege}')::text");
            assert_eq!(cluster.value(&has), "true", "{fence} {role} {privilege}");
        }
        assert!(closable(&cluster).starts_with("7 t "), "{}", closable(&cluster));
        cluster.query("alter database shop owner to boss; revoke create on database shop from guest");
    }
}

/// Each signal reaches the command, not just the first; no other program is needed for that.
#[test]
fn every_signal_reaches_the_command() {
    let cluster = server();
    let script = "trap 'echo int' INT; trap 'echo term; exit 0' TERM; exec 3<> <(:); echo ready; \
         while :; do read -rt 0.05 -u 3; done";
    let run = drain(&cluster, &["--", "/bin/bash", "-c", script]).env("PATH", "/nonexistent").spawn();
    for (said, signal) in [("ready", Signal::SIGINT), ("int", Signal::SIGINT), ("int\nint", Signal::SIGTERM)]
    {
        wait_until(said, || run.stdout().contains(said));
        run.signal(signal);
    }
    let outcome = run.finish().fails_with(130);
    assert_eq!(outcome.stdout, "ready\nint\nint\nterm\n", "{outcome}");
    assert!(outcome.stderr.contains("open as before"), "{outcome}");
}

/// Where its own database is the one to drain, it waits for a server as it does elsewhere.
#[test]
fn it_waits_for_a_server_whatever_its_own_database_is() {
    for database in ["shop", "other"] {
        let arguments =
            ["--for", "1ms", "--connect-wait", "1s", "-h", "127.0.0.1", "-p", "1", "-d", database];
        let outcome = Pgconn::new(&[&["drain", "--db", "shop"], &arguments[..]].concat()).run().fails_with(3);
        assert!(outcome.stderr.contains("waiting to connect: "), "{database} {outcome}");
    }
}

#[test]
fn a_row_per_line_is_its_document_where_it_has_no_rows() {
    let cluster = server();
    let outcome = drain(&cluster, &["--for", "1ms", "--dry-run", "-F", "ndjson"]).run().success();
    assert_eq!((&outcome.json()["kind"], outcome.stdout.lines().count()), (&json!("drain"), 1));
}

#[test]
fn killed_it_leaves_the_way_back_on_stderr() {
    let cluster = server();
    let before = closable(&cluster);
    for fence in ["limit", "revoke", "hard"] {
        let run = drain(&cluster, &["--fence", fence, "--for", "1h", "-q", "--json"]).spawn();
        wait_until("it is closed", || closable(&cluster) != before);
        run.signal(Signal::SIGKILL);
        let outcome = run.finish().fails_with(137);
        assert_ne!(closable(&cluster), before);
        let (_, sql) = outcome.stderr.split_once("to open it again by hand: ").unwrap();
        cluster.query(sql.lines().next().unwrap());
        assert_eq!(closable(&cluster), before, "{fence}");
    }
}

#[test]
fn its_own_database_is_drained_from_another_one() {
    let cluster = server();
    let before = closable(&cluster);
    let mut client = cluster.connect(&inside(&[])).unwrap();
    let mut pgconn = cluster.connect(&inside(&[("application_name", "pgconn")])).unwrap();
    let outcome = drain(&cluster, &["-d", "shop", "--for", "1ms", "--json"]).run().success();
    assert_eq!(
        (&outcome.json()["ended"], &outcome.json()["target"]["database"]),
        (&json!(2), &json!("postgres"))
    );
    assert!(client.is_ended() && pgconn.is_ended());
    assert_eq!(closable(&cluster), before);
}

#[test]
fn a_dry_run_and_a_refusal_change_nothing() {
    let cluster = server();
    let before = closable(&cluster);
    let mut client = cluster.connect(&inside(&[])).unwrap();
    let outcome = drain(&cluster, &["--for", "1h", "--dry-run"]).run().success();
    assert!(outcome.stdout.contains("CONNECTION LIMIT 7"), "{outcome}");
    assert!(outcome.stderr.contains("can still enter: superusers"), "{outcome}");
    let refused = |arguments: &[&str], code: i32, says: &str| {
        let outcome = drain(&cluster, arguments).run().fails_with(code);
        assert!(outcome.stderr.contains(says), "{outcome}");
    };
    refused(&[], 2, "--for DUR, or a command");
    refused(&["--for", "1s", "-U", "web"], 1, "its owner, \"boss\", or a superuser");
    let careful = drain(&cluster, &["--for", "1ms"]).env("PGCONN_CONFIRM", "always").run().fails_with(2);
    assert!(careful.stderr.contains("PGCONN_CONFIRM=always demands --yes"), "{careful}");
    let missing = Pgconn::new(&["drain", "--db", "shopp", "--for", "1s"]).on(&cluster).run().fails_with(1);
    assert!(missing.stderr.contains("there is no database \"shopp\""), "{missing}");
    assert!(missing.stderr.contains("did you mean shop?"), "{missing}");
    client.query("select 1");
    assert_eq!(closable(&cluster), before);
}

#[test]
fn an_owner_uses_revoke_and_opens_again_when_a_session_cannot_be_ended() {
    let cluster = server();
    let before = closable(&cluster);
    let outcome = drain(&cluster, &["--for", "1ms", "--json", "-U", "boss"]).run().success();
    assert_eq!((&outcome.json()["fence"], closable(&cluster)), (&json!("revoke"), before.clone()));
    let mut others = cluster.connect(&inside(&[])).unwrap();
    let outcome = drain(&cluster, &["--for", "1h", "-U", "boss"]).run().fails_with(1);
    assert!(
        outcome.stderr.contains("cannot be ended") && outcome.stderr.contains("GRANT pg_read_all_stats"),
        "{outcome}"
    );
    others.query("select 1");
    assert_eq!(closable(&cluster), before);
}

#[test]
fn a_database_that_was_renamed_or_dropped_meanwhile_is_no_failure() {
    let cluster = server();
    let before = closable(&cluster);
    let run = drain(&cluster, &["--for", "1h", "--json"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    cluster.query("alter database shop rename to \"order\"");
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    assert_eq!(outcome.json()["restored"], true, "{outcome}");
    cluster.query("alter database \"order\" rename to shop");
    assert_eq!(closable(&cluster), before);
    let run = drain(&cluster, &["--for", "1h", "--json"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    cluster.query("drop database shop");
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    assert_eq!(outcome.json()["restored"], json!(null), "{outcome}");
}

#[test]
fn at_a_terminal_it_asks() {
    let cluster = server();
    let before = closable(&cluster);
    let mut client: Session = cluster.connect(&inside(&[])).unwrap();
    let mut terminal = drain(&cluster, &["--for", "1ms"]).on_terminal();
    terminal.wait_for("and end its 1 session? [y/N] ");
    terminal.type_keys("n\n");
    let outcome = terminal.finish().fails_with(1);
    assert!(outcome.stdout.contains("nothing was done"), "{outcome}");
    client.query("select 1");
    let mut terminal = drain(&cluster, &["--for", "1h"]).on_terminal();
    terminal.wait_for("[y/N] ");
    terminal.type_keys("y\n");
    terminal.wait_for("closed and empty");
    assert_ne!(closable(&cluster), before);
    terminal.type_keys("\u{3}");
    let outcome = terminal.finish().fails_with(130);
    assert!(outcome.stdout.contains("open as before"), "{outcome}");
    assert_eq!(closable(&cluster), before);
}
