//! What keys do to real sessions.

use super::super::common::{Pgconn, with};
use super::super::kill::logging::{line, lines, told};
use super::{Live, top};
use serde_json::json;

#[test]
fn the_tagged_sessions_are_ended_and_nobody_else() {
    let cluster = with(&[]);
    cluster.query("create table t (a int)");
    let mut root = cluster.idle_in_transaction(&[("application_name", "root")], "lock table t");
    let mut other = cluster.connect(&[("application_name", "other")]).unwrap();
    let mut spared = cluster.connect(&[("application_name", "spared")]).unwrap();
    let waiter = cluster.waiting(&[("application_name", "waiter")], "select * from t");
    let log = cluster.dir.join("top.ndjson");
    let mut live = Live::on(&cluster, &["--log", log.to_str().unwrap(), "--interval", "500ms"]);
    for pid in [root.pid, other.pid] {
        live.choose(pid);
        live.keys(" ");
    }
    live.wait_for("2 tagged");
    live.keys("K");
    live.wait_for("Terminate 2 sessions");
    live.wait_for("type 2, then y");
    std::thread::sleep(std::time::Duration::from_millis(350));
    live.keys("2y");
    live.wait_for("2 terminated");
    live.wait_for("waiting for a lock: 1 before, 0 now");
    assert!(root.is_ended() && other.is_ended());
    // What it came to stays until Esc.
    live.keys("jq");
    live.wait_for("2 terminated");
    live.escape();
    live.wait_for("spared");
    live.wait_for_no("tagged");
    let outcome = live.quit();
    assert!(outcome.stdout.contains("2 terminated (pid "), "{outcome}");
    assert_eq!(spared.query("select 1").len(), 1);
    let wanted = |event: &str| {
        line(event, "terminate", if event == "signal" { json!(null) } else { json!("terminated") })
    };
    let mut found = told(&log);
    found.sort_by_key(|(event, _, _)| event != "signal");
    assert_eq!(found, [wanted("signal"), wanted("signal"), wanted("outcome"), wanted("outcome")]);
    assert!(
        lines(&log)
            .iter()
            .all(|line| [root.pid, other.pid].contains(&(line["pid"].as_i64().unwrap() as i32)))
    );
    drop(waiter);
}

#[test]
fn a_query_is_cancelled_and_its_session_stays() {
    let cluster = with(&[]);
    let mut active = cluster.active(&[("application_name", "sleeper")]);
    let mut live = Live::on(&cluster, &[]);
    live.choose(active.pid);
    live.keys("C");
    live.wait_for("Cancel 1 session");
    std::thread::sleep(std::time::Duration::from_millis(350));
    live.keys("y");
    live.wait_for("1 cancelled");
    live.escape();
    let _ = live.quit();
    assert!(active.finish().is_err());
    assert_eq!(active.query("select 1").len(), 1);
}

#[test]
fn all_that_the_filter_selects_and_who_is_there_no_more() {
    let cluster = with(&[]);
    let mut batch: Vec<_> =
        (0..3).map(|_| cluster.connect(&[("application_name", "batch")]).unwrap()).collect();
    let mut web = cluster.connect(&[("application_name", "web")]).unwrap();
    let mut live = Live::on(&cluster, &["--app", "batch", "--interval", "500ms"]);
    live.wait_for("3 match");
    live.keys("AK");
    live.wait_for("Terminate 3 sessions");
    // One more comes, and one goes: the dialog is about those that were there.
    let mut late = cluster.connect(&[("application_name", "batch")]).unwrap();
    let gone = batch.remove(0);
    drop(gone);
    live.wait_for("Terminate 2 sessions");
    live.wait_for("gone");
    std::thread::sleep(std::time::Duration::from_millis(350));
    live.keys("2y");
    live.wait_for("2 terminated");
    live.escape();
    let _ = live.quit();
    assert!(batch.iter_mut().all(crate::common::Session::is_ended));
    assert_eq!((late.query("select 1").len(), web.query("select 1").len()), (1, 1));
}

#[test]
fn who_may_only_look_has_no_keys_to_act() {
    let cluster = with(&[]);
    cluster.query("create role viewer login in role pg_monitor");
    let session = cluster.connect(&[("application_name", "spared")]).unwrap();
    for arguments in [&["--read-only"][..], &["-U", "viewer"]] {
        let mut live = Live::on(&cluster, arguments);
        live.choose(session.pid);
        live.keys("K");
        live.keys("C");
        assert!(
            !live.shown().contains("terminate") && !live.shown().contains("Terminate"),
            "{}",
            live.shown()
        );
        live.keys("?");
        live.wait_for("whole query");
        assert!(!live.shown().contains("C, K"), "{}", live.shown());
        live.terminal.type_keys("\u{3}");
        let _ = live.terminal.finish().success();
    }
    let live = Live::start(top(&cluster, &[]).env("PGCONN_READ_ONLY", "1"), (120, 40));
    live.wait_for("read-only");
    let _ = live.quit();
}

#[test]
fn a_view_is_written_to_a_file_of_ones_own() {
    use std::os::unix::fs::PermissionsExt;
    let cluster = with(&[]);
    let folder = cluster.dir.join("views");
    std::fs::create_dir(&folder).unwrap();
    let mut live = Live::start(top(&cluster, &[]).dir(&folder), (120, 40));
    live.keys("e");
    live.wait_for("written to pgconn-top-");
    let _ = live.quit();
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(file.path()).unwrap().contains("usable"));
}

#[test]
fn a_server_of_a_list_is_what_the_list_says_of_it() {
    let cluster = with(&[]);
    let mut other = cluster.connect(&[("application_name", "other")]).unwrap();
    let list = cluster.dir.join("list.toml");
    let place = format!("host={} port={} user=postgres dbname=postgres", cluster.host(), cluster.port);
    let text =
        format!("[[target]]\nname = \"shop\"\nconninfo = \"{place}\"\nproduction = true\nprotected = true\n");
    std::fs::write(&list, text).unwrap();
    let line = ["top", "--targets", list.to_str().unwrap()];
    let mut live = Live::start(Pgconn::new(&line).env_remove("NO_COLOR"), (120, 40));
    live.wait_for("PRODUCTION");
    live.choose(other.pid);
    live.keys("K");
    live.wait_for("shop");
    std::thread::sleep(std::time::Duration::from_millis(350));
    // Its name is to be typed first.
    live.keys("y");
    live.wait_for_no("Terminate");
    assert!(!other.is_ended());
    live.choose(other.pid);
    live.keys("K");
    live.wait_for("type shop, then y");
    std::thread::sleep(std::time::Duration::from_millis(350));
    live.keys("shopy");
    live.wait_for("1 terminated");
    assert!(other.is_ended());
    live.quit();
}
