//! A list of servers on the screen: a good one, one in trouble, a dead one, one that hangs.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn entry(name: &str, server: &Cluster, more: &str) -> String {
    let place = format!("host={} port={} user=postgres dbname=postgres", server.host(), server.port);
    format!("[[target]]\nname = \"{name}\"\nconninfo = \"{place}\"\n{more}\n")
}

/// Sessions of pgconn on this server.
fn own(cluster: &Cluster) -> String {
    cluster.value("select count(*) from pg_stat_activity where application_name = 'pgconn'")
}

#[test]
fn one_of_a_list_is_entered_and_left_again() {
    let (calm, wrong) = (with(&[]), with(&[]));
    wrong.query("create table t (a int)");
    let _root = wrong.idle_in_transaction(&[("application_name", "root")], "lock table t");
    let _waiter = wrong.waiting(&[("application_name", "waiter")], "select * from t");
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = hangs.local_addr().map(|at| at.port()).map(|port| (hangs, port)).unwrap();
    let text = [
        entry("calm", &calm, ""),
        entry("wrong", &wrong, "production = true"),
        "[[target]]\nname = \"dead\"\nconninfo = \"host=127.0.0.1 port=1 user=postgres\"\n".to_owned(),
        format!(
            "[[target]]\nname = \"silent\"\nconninfo = \"host=127.0.0.1 port={} user=postgres sslmode=disable\"\n",
            hangs.1
        ),
    ];
    let path = std::env::temp_dir().join(format!("pgconn-top-list-{}.toml", std::process::id()));
    fs::write(&path, text.concat()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let run = Pgconn::new(&["top", "-t", "2s", "--targets", path.to_str().unwrap()]).env_remove("NO_COLOR");
    let mut live = Live { terminal: run.on_terminal_of(120, 40), size: (120, 40) };
    // Those that answer do not wait for the one that hangs.
    live.wait_for("calm");
    live.wait_until("the good ones", |shown| {
        shown.lines().any(|line| line.contains("calm") && line.contains("healthy"))
            && shown.lines().any(|line| line.contains("Pwrong") && line.contains("3/97       1 "))
            && shown.lines().any(|line| line.contains("dead") && line.contains("down"))
    });
    live.wait_until("the one that hangs", |shown| {
        shown.lines().any(|line| line.contains("silent") && line.contains("timeout"))
    });
    let shown = live.shown();
    let at = |name: &str| shown.lines().position(|line| line.contains(&format!("{name} "))).unwrap();
    assert!(at("dead") < at("calm") && at("silent") < at("calm"), "{shown}");
    let dead = shown.lines().find(|line| line.contains("dead")).unwrap();
    assert!(dead.contains("refused: connection to server"), "{shown}");
    assert_eq!((own(&calm).as_str(), own(&wrong).as_str()), ("1", "1"));
    // By health, by a part of a name, by what is typed for --only; sorted; held.
    live.keys("/health:down\r");
    live.wait_for("2 match");
    live.wait_for_no("calm");
    live.keys("/\u{15}health:dwon\r");
    live.wait_for("health: is one of down, unhealthy, degraded, healthy");
    live.keys("\u{15}name=c*\r");
    live.wait_for("1 match");
    live.wait_for_no("silent");
    live.keys("/\u{15}\rs");
    live.wait_for("trouble (the worst first)");
    live.keys("j\r");
    live.wait_for("by name");
    live.wait_until("names in their order", |shown| {
        let at = |name: &str| shown.lines().position(|line| line.contains(&format!("{name} ")));
        at("calm").is_some()
            && at("calm") < at("dead")
            && at("dead") < at("silent")
            && at("silent") < at("wrong")
    });
    live.keys("p");
    live.wait_for("HELD (p)");
    live.keys("p<");
    live.wait_for_no("by name");
    // Into the one in trouble.
    live.keys("j");
    wait_until("the cursor on it", || {
        let is_chosen = live.line(">").is_some_and(|line| line.contains("wrong"));
        if !is_chosen {
            live.keys("j");
            std::thread::sleep(Duration::from_millis(50));
        }
        is_chosen
    });
    live.keys("\r");
    live.wait_for("PRODUCTION");
    live.wait_for("(wrong)");
    live.wait_for("waiter");
    assert_eq!(own(&wrong), "1", "the session of the list is not kept beside that of the screen");
    live.escape();
    live.wait_for("SERVER");
    live.wait_for("HEALTH");
    wait_until("the screen's session is closed", || ["0", "1"].contains(&own(&wrong).as_str()));
    // One that cannot be entered is said, and the list stays.
    live.keys("g");
    live.wait_until("the dead one", |shown| {
        shown.lines().any(|line| line.starts_with('>') && (line.contains("dead") || line.contains("silent")))
    });
    live.keys("\r");
    live.wait_until("why", |shown| shown.contains("dead: ") || shown.contains("silent: "));
    live.keys("q");
    live.terminal.finish().success();
    wait_until("no session is left", || own(&calm) == "0" && own(&wrong) == "0");
    let _ = fs::remove_file(&path);
}
