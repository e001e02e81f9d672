//! `drain --role`: a role is kept out everywhere, its sessions end, and its limit comes back to the letter.

use super::server;
use crate::common::{Cluster, Pgconn, Session, wait_until};
use nix::sys::signal::Signal;
use serde_json::json;

fn drain(cluster: &Cluster, arguments: &[&str]) -> Pgconn {
    Pgconn::new(&[&["drain", "--role", "web"], arguments].concat()).on(cluster)
}

fn limit(cluster: &Cluster) -> String {
    cluster.value("select rolconnlimit from pg_roles where rolname = 'web'")
}

fn as_role(cluster: &Cluster, role: &'static str, database: &'static str) -> Session {
    cluster.connect(&[("user", role), ("database", database), ("application_name", "pool")]).unwrap()
}

fn is_there(cluster: &Cluster, session: &Session) -> bool {
    cluster.value(&format!("select count(*) from pg_stat_activity where pid = {}", session.pid)) == "1"
}

#[test]
fn a_role_is_kept_out_everywhere_while_others_work_on() {
    let cluster = server();
    cluster.query("alter role web connection limit 9");
    let [here, there] = ["shop", "postgres"].map(|database| as_role(&cluster, "web", database));
    let mut other = as_role(&cluster, "other", "shop");
    let run = drain(&cluster, &["--for", "1h", "--json"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    assert!(run.stderr().contains("to open it again by hand: ALTER ROLE \"web\" CONNECTION LIMIT 9;"));
    for database in ["shop", "postgres"] {
        let refused = cluster.connect(&[("user", "web"), ("database", database)]).unwrap_err();
        assert_eq!(refused.sqlstate, "53300");
    }
    assert!(!is_there(&cluster, &here) && !is_there(&cluster, &there));
    other.query("select 1");
    let _ = as_role(&cluster, "other", "shop");
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(130);
    let document = outcome.json();
    assert_eq!(
        (&document["database"], &document["role"], &document["fence"], &document["ended"]),
        (&json!(null), &json!("web"), &json!("limit"), &json!(2))
    );
    assert_eq!((&document["restored"], &document["empty_throughout"]), (&json!(true), &json!(true)));
    assert_eq!((&document["in_the_way"], limit(&cluster).as_str()), (&json!(null), "9"));
}

/// With a database only its sessions there are ended; who is kept out is kept out everywhere, which is said.
#[test]
fn with_a_database_only_its_sessions_there_are_ended() {
    let cluster = server();
    let [here, mut there] = ["shop", "postgres"].map(|database| as_role(&cluster, "web", database));
    let outcome = drain(&cluster, &["--db", "shop", "--for", "1ms"]).run().success();
    let said = "the role is kept out of every database; only its sessions in database \"shop\" are ended";
    assert!(outcome.stderr.contains(said), "{outcome}");
    assert!(
        outcome.stdout.starts_with("role web in database shop: 1 session ended, seen empty at"),
        "{outcome}"
    );
    assert!(!is_there(&cluster, &here));
    there.query("select 1");
    assert_eq!(limit(&cluster), "-1");
    assert!(
        drain(&cluster, &["--db", "nowhere", "--for", "1ms"]).run().fails_with(1).stderr.contains("nowhere")
    );
}

#[test]
fn whom_no_limit_keeps_out_is_refused_with_why() {
    let cluster = server();
    cluster.query("create role dba login superuser; create role closed login connection limit 0");
    cluster.query("create role maker login createrole");
    for (arguments, code, said) in [
        (&["--role", "dba"][..], 2, "role \"dba\" is a superuser, whom no limit keeps out"),
        (&["--role", "nobody"], 1, "there is no role \"nobody\""),
        (&["--role", "closed"], 2, "role \"closed\" is closed already: its connection limit is 0"),
        (&["--role", "boss", "-U", "boss"], 2, "role \"boss\" is the one that this run logs in as"),
        (&["--role", "web", "-U", "boss"], 1, "role \"boss\" may not close role \"web\"; nothing was done"),
        (&["--role", "web", "--fence", "hard"], 2, "a role is kept out by its connection limit alone"),
    ] {
        let arguments = [&["drain", "--for", "1ms"], arguments].concat();
        let refused = Pgconn::new(&arguments).on(&cluster).run().fails_with(code);
        assert!(refused.stderr.contains(said), "{arguments:?}\n{refused}");
        assert_eq!(limit(&cluster), "-1");
    }
    let hint = "hint: open it first: pgconn drain --restore --role closed; by hand: ALTER ROLE \"closed\" CONNECTION LIMIT -1;";
    let arguments = ["drain", "--for", "1ms", "--role", "closed"];
    assert!(Pgconn::new(&arguments).on(&cluster).run().fails_with(2).stderr.contains(hint));
}

/// One at a time, and what one that was killed has left is opened as it was.
#[test]
fn a_role_is_held_by_one_and_opened_again_as_a_database_is() {
    let cluster = server();
    cluster.query("alter role web connection limit 3");
    let run = drain(&cluster, &["--for", "1h"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    for arguments in
        [&["drain", "--role", "web", "--for", "1ms"][..], &["drain", "--restore", "--role", "web"]]
    {
        let refused = Pgconn::new(arguments).on(&cluster).run().fails_with(2);
        assert!(refused.stderr.contains("role \"web\" is being drained already, by pid "), "{refused}");
    }
    // A database of the same oid would be another thing.
    let outcome = super::drain(&cluster, &["--for", "1ms"]).run().success();
    assert!(outcome.stdout.contains("open as before"), "{outcome}");
    run.signal(Signal::SIGKILL);
    let _ = run.finish().fails_with(137);
    assert_eq!(limit(&cluster), "0");
    let refused = drain(&cluster, &["--for", "1ms"]).run().fails_with(2);
    assert!(refused.stderr.contains("pgconn drain --restore --role web"), "{refused}");
    cluster.query("alter role web rename to www");
    let outcome = Pgconn::new(&["drain", "--restore"]).on(&cluster).run().success();
    assert_eq!(outcome.stdout, "role www: open as before\n", "{outcome}");
    cluster.query("alter role www rename to web");
    assert_eq!(limit(&cluster), "3");
    // Without a state file.
    cluster.query("alter role web connection limit 0");
    let outcome = Pgconn::new(&["drain", "--restore", "--role", "web"]).on(&cluster).run().success();
    assert_eq!(outcome.stdout, "role web: open; what it was before is not known\n", "{outcome}");
    assert_eq!(limit(&cluster), "-1");
}

/// Who may alter roles may do it, and one that was dropped meanwhile is no failure.
#[test]
fn whoever_may_alter_a_role_may_keep_it_out() {
    let cluster = server();
    cluster.query("create role maker login createrole in role pg_signal_backend, pg_monitor");
    let may = cluster.value("select current_setting('server_version_num')::int < 160000") == "t";
    if !may {
        cluster.query("grant web to maker with admin option");
    }
    let client = as_role(&cluster, "web", "postgres");
    let outcome = drain(&cluster, &["-U", "maker", "--for", "1ms", "--json"]).run().success();
    assert_eq!((outcome.json()["ended"].as_i64(), limit(&cluster).as_str()), (Some(1), "-1"), "{outcome}");
    drop(client);
    let run = drain(&cluster, &["--for", "1h", "--json"]).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    cluster.query("revoke connect on database shop from web; drop role web");
    run.signal(Signal::SIGTERM);
    let outcome = run.finish().fails_with(143);
    assert_eq!(outcome.json()["restored"], json!(null), "{outcome}");
}
