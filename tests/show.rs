//! `show`: everything known of one session, and sessions named in listings.

use super::common::{Cluster, Pgconn, Session, shared, with};
use serde_json::{Value, json};
use std::fs;

fn app(name: &str) -> [(&str, &str); 1] {
    [("application_name", name)]
}

fn show(cluster: &Cluster, pid: i32, more: &[&str]) -> Value {
    let pid = pid.to_string();
    Pgconn::new(&[&["show", &pid, "--json"], more].concat()).on(cluster).run().success().json()
}

fn pids(list: &Value) -> Vec<i64> {
    let mut pids: Vec<i64> =
        list.as_array().unwrap().iter().map(|one| one["pid"].as_i64().unwrap()).collect();
    pids.sort_unstable();
    pids
}

fn line<'a>(text: &'a str, label: &str) -> &'a str {
    let found = text.lines().find(|line| line.starts_with(&format!("{label} ")));
    found.unwrap_or_else(|| panic!("{label}: {text}"))
}

/// A table lock that one waits for, and another behind that.
fn queue(cluster: &Cluster) -> [Session; 3] {
    cluster.query("create table orders (id int primary key, n int); insert into orders values (1, 0)");
    let root = cluster.idle_in_transaction(&app("root"), "update orders\n  set n = 1\twhere id = 1");
    let first = cluster.waiting(&app("first"), "begin; lock table orders");
    let second = cluster.waiting(&app("second"), "select from orders");
    [root, first, second]
}

#[test]
fn everything_of_a_session_is_told_with_what_to_do_first() {
    let cluster = with(&[]);
    let [root, first, second] = queue(&cluster);
    let document = show(&cluster, root.pid, &[]);
    assert_eq!((&document["kind"], &document["application_name"]), (&json!("show"), &json!("root")));
    assert_eq!(document["state"], "idle in transaction");
    assert_eq!(document["query"], "update orders\n  set n = 1\twhere id = 1");
    assert!(document["xact_seconds"].as_f64().unwrap() >= document["state_seconds"].as_f64().unwrap());
    assert_eq!(pids(&document["blocks"]), {
        let mut both = [i64::from(first.pid), i64::from(second.pid)];
        both.sort_unstable();
        both
    });
    let direct: Vec<&Value> =
        document["blocks"].as_array().unwrap().iter().filter(|one| one["direct"] == true).collect();
    assert_eq!((direct.len(), &direct[0]["pid"]), (1, &json!(first.pid)));
    assert_eq!((&document["blocks_total"], &document["blocked_by"]), (&json!(2), &json!([])));
    let lock = &document["locks"][0];
    assert_eq!(
        (&lock["mode"], &lock["relation"], &lock["granted"], &lock["waiting"], &lock["wait_seconds"]),
        (&json!("RowExclusiveLock"), &json!("public.orders"), &json!(true), &json!(1), &Value::Null)
    );
    assert_eq!(document["locks"].as_array().unwrap().len(), 2, "{document:#}");
    assert_eq!((&document["locks_held"], &document["locks_left_out"]), (&json!(2), &json!(0)));
    assert!(document["xmin_age"].as_i64().unwrap() >= 1);
    let id = document["session_id"].as_str().unwrap();
    let terminate = &document["terminate"];
    assert_eq!((&terminate["result"], &terminate["permitted"]), (&json!("would_terminate"), &json!(true)));
    assert_eq!(terminate["command"], format!("pgconn kill {id}"));
    assert_eq!(
        (&document["cancel"]["result"], &document["cancel"]["command"]),
        (&json!("no_effect"), &Value::Null)
    );
    assert!(document["cancel"]["why_not"].as_str().unwrap().contains("it runs nothing"));

    let text = Pgconn::new(&["show", id]).on(&cluster).run().success().stdout;
    assert!(text.starts_with(&format!("do first     2 sessions wait for it: pgconn kill {id}\n")), "{text}");
    for (label, told) in [
        ("session", format!("{} ({id}), role postgres, database postgres, application root", root.pid)),
        ("state", "idle in transaction for ".into()),
        ("transaction", ", since 20".into()),
        ("blocks", "2 sessions, 1 of them directly".into()),
        ("holds", "RowExclusive on public.orders: 1 session waits for it".into()),
        ("horizon", "given out since".into()),
        ("cancel", "no effect: it runs nothing".into()),
        ("kill", format!("pgconn kill {id}")),
    ] {
        assert!(line(&text, label).contains(&told), "{label}, {told}: {text}");
    }
    assert!(
        text.contains(&format!("             {} (first), role postgres, active, waits ", first.pid)),
        "{text}"
    );
    assert!(text.contains("behind others"), "{text}");
    assert!(
        text.ends_with("\nlast query\n  update orders\n    set n = 1    where id = 1\n"),
        "the whole text, in its lines: {text}"
    );

    // who waits: what for, for whom, and where to go on
    let document = show(&cluster, first.pid, &[]);
    assert_eq!(pids(&document["blocked_by"]), [i64::from(root.pid)]);
    assert_eq!(document["blocked_by"][0]["direct"], true);
    assert_eq!(pids(&document["blocks"]), [i64::from(second.pid)]);
    let wanted = &document["locks"][0];
    assert_eq!((&wanted["granted"], &wanted["mode"]), (&json!(false), &json!("AccessExclusiveLock")));
    assert_eq!(wanted["wait_seconds"].is_null(), cluster.major() < 14);
    assert_eq!(document["cancel"]["result"], "would_cancel");
    let text = Pgconn::new(&["show", &first.pid.to_string()]).on(&cluster).run().success().stdout;
    assert!(
        text.starts_with(&format!("do first     it waits for {} (root): pgconn show {id}\n", root.pid)),
        "{text}"
    );
    assert!(line(&text, "waits for").contains("AccessExclusive on public.orders"), "{text}");
    assert!(
        line(&text, "blocked by")
            .contains(&format!("{} (root), role postgres, idle in transaction", root.pid))
    );
    assert!(
        line(&text, "running").contains(", since 20")
            && text.contains("\nquery\n  begin; lock table orders\n")
    );

    // the commands lead to the same server, and do what they say
    let port = cluster.port.to_string();
    let there = ["show", "-h", cluster.host(), "-p", &port, "-U", "postgres", &root.pid.to_string()];
    let led = Pgconn::new(&there).run().success().stdout;
    assert!(
        led.contains(&format!("pgconn -h {} -p {port} -U postgres kill {id}\n", cluster.host())),
        "{led}"
    );
    let _ = Pgconn::new(&["kill", id]).on(&cluster).run().success();
    let gone = Pgconn::new(&["show", id, "--json"]).on(&cluster).run().fails_with(1);
    assert!(gone.stdout.is_empty(), "{gone}");
    assert!(gone.stderr.contains("\"code\":\"no_such_session\""), "{gone}");
    let gone = Pgconn::new(&["show", "99999999"]).on(&cluster).run().fails_with(1);
    assert!(gone.stderr.starts_with("error: no session has pid 99999999\nhint: "), "{gone}");
}

#[test]
fn what_is_hidden_is_said_and_no_query_is_kept_out() {
    let cluster = with(&[]);
    cluster.query("create role plain login");
    let [root, first, _second] = queue(&cluster);
    let document = show(&cluster, first.pid, &["-U", "plain"]);
    assert_eq!((&document["hidden"], &document["state"]), (&json!(true), &Value::Null));
    for key in ["query", "xmin_age", "xact_seconds", "session_seconds", "client", "session_id"] {
        assert_eq!(document[key], Value::Null, "{key}");
    }
    // locks and waits are shown to everybody
    assert_eq!(pids(&document["blocked_by"]), [i64::from(root.pid)]);
    assert_eq!(document["locks"][0]["mode"], "AccessExclusiveLock");
    assert_eq!(document["warnings"][0]["code"], "hidden_sessions");
    let terminate = &document["terminate"];
    assert_eq!((&terminate["result"], &terminate["command"]), (&json!("not_visible"), &Value::Null));
    let outcome = Pgconn::new(&["show", &first.pid.to_string(), "-U", "plain"]).on(&cluster).run().success();
    for label in ["from", "state", "ages", "horizon", "query"] {
        assert!(line(&outcome.stdout, label).ends_with("(hidden)"), "{label}: {outcome}");
    }
    assert!(line(&outcome.stdout, "kill").contains("not visible: who it is is hidden"), "{outcome}");
    assert!(outcome.stderr.contains("hint: GRANT pg_monitor TO \"plain\""), "{outcome}");
    // of whom one may see everything, and signal nothing
    cluster.query("grant pg_monitor to plain");
    let document = show(&cluster, first.pid, &["-U", "plain"]);
    assert_eq!(
        (&document["terminate"]["result"], &document["terminate"]["permitted"]),
        (&json!("not_permitted"), &json!(false))
    );
    assert!(document["terminate"]["why_not"].as_str().unwrap().contains("superuser"), "{document}");

    let document = show(&cluster, first.pid, &["--no-query"]);
    assert_eq!((&document["query"], &document["hidden"]), (&Value::Null, &json!(false)));
    let text =
        Pgconn::new(&["show", &first.pid.to_string(), "--no-query"]).on(&cluster).run().success().stdout;
    assert!(!text.contains("lock table orders"), "{text}");
}

#[test]
fn it_is_one_row_for_scripts_from_one_message() {
    let cluster = with(&[("log_statement", "all")]);
    let [root, first, _second] = queue(&cluster);
    let id = show(&cluster, root.pid, &[])["session_id"].as_str().unwrap().to_owned();
    let asked = || {
        fs::read_to_string(cluster.dir.join("log"))
            .unwrap()
            .matches("statement: begin isolation level")
            .count()
    };
    let before = asked();
    let row = Pgconn::new(&["show", &id, "-F", "tsv"]).on(&cluster).run().success().stdout;
    assert_eq!(asked() - before, 1, "one message is one transaction");
    let lines: Vec<Vec<&str>> = row.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!((lines.len(), lines[0].len()), (2, lines[1].len()), "{row}");
    let cell = |name: &str| lines[1][lines[0].iter().position(|column| *column == name).unwrap()];
    assert_eq!((cell("pid"), cell("blocks_total")), (root.pid.to_string().as_str(), "2"));
    assert_eq!((cell("terminate_result"), cell("cancel_result")), ("would_terminate", "no_effect"));
    assert_eq!(cell("query"), "update orders\\n  set n = 1\\twhere id = 1");
    let rows =
        Pgconn::new(&["show", &first.pid.to_string(), "-F", "ndjson"]).on(&cluster).run().success().ndjson();
    assert_eq!((rows.len(), &rows[0]["pid"]), (1, &json!(first.pid)));
}

#[test]
fn a_dump_has_many_locks_and_other_processes_are_told_of_too() {
    let cluster = with(&[]);
    let tables: String = (0..230).map(|at| format!("create table t{at} ();")).collect();
    cluster.query(&tables);
    let all: Vec<String> = (0..230).map(|at| format!("t{at}")).collect();
    let dump = cluster
        .idle_in_transaction(&app("dump"), &format!("lock table {} in access share mode", all.join(", ")));
    let document = show(&cluster, dump.pid, &[]);
    assert_eq!(document["locks"].as_array().unwrap().len(), 200);
    assert_eq!((&document["locks_left_out"], &document["locks_held"]), (&json!(30), &json!(230)));
    let text = Pgconn::new(&["show", &dump.pid.to_string()]).on(&cluster).run().success().stdout;
    assert!(text.contains("             and 222 others; --json tells them\n"), "{text}");
    assert!(!text.contains("do first"), "nothing is wrong yet: {text}");

    let checkpointer = cluster.value("select pid from pg_stat_activity where backend_type = 'checkpointer'");
    let document = show(&cluster, checkpointer.parse().unwrap(), &[]);
    assert_eq!(
        (&document["backend_type"], &document["terminate"]["result"]),
        (&json!("checkpointer"), &json!("not_a_client"))
    );
    let walsender = cluster.walsender();
    let document = show(&cluster, walsender.pid, &[]);
    let command = document["terminate"]["command"].as_str().unwrap();
    assert!(command.starts_with("pgconn kill --all-backends "), "{command}");
    drop(walsender);
}

#[test]
fn a_prepared_transaction_that_it_waits_for_is_named() {
    let cluster = with(&[("max_prepared_transactions", "3")]);
    cluster.query("create table t ()");
    let mut preparing = cluster.session();
    for sql in ["begin", "lock table t", "prepare transaction 'it''s me'"] {
        preparing.query(sql);
    }
    let waiter = cluster.waiting(&app("waiter"), "select from t");
    let document = show(&cluster, waiter.pid, &[]);
    let before = document["blocked_by"].as_array().unwrap();
    assert_eq!((before.len(), &before[0]["gid"], &before[0]["pid"]), (1, &json!("it's me"), &Value::Null));
    let text = Pgconn::new(&["show", &waiter.pid.to_string()]).on(&cluster).run().success().stdout;
    assert!(
        text.starts_with("do first     it waits for prepared transaction \"it's me\": pgconn blockers\n"),
        "{text}"
    );
    cluster.query("rollback prepared 'it''s me'");
}

#[test]
fn listings_take_sessions_by_pid_and_by_session_id() {
    let cluster = with(&[]);
    let [root, first, second] = queue(&cluster);
    let other = cluster.connect(&app("other")).unwrap();
    let [one, two, three] = [&root, &first, &other].map(|session| session.pid.to_string());
    let listed = |arguments: &[&str]| {
        let document = Pgconn::new(&[arguments, &["--json"]].concat()).on(&cluster).run().success().json();
        pids(&document["sessions"])
    };
    let sorted = |pids: &[i32]| {
        let mut pids: Vec<i64> = pids.iter().map(|pid| i64::from(*pid)).collect();
        pids.sort_unstable();
        pids
    };
    assert_eq!(listed(&["ls", &one, &three]), sorted(&[root.pid, other.pid]));
    let id = show(&cluster, other.pid, &[])["session_id"].as_str().unwrap().to_owned();
    assert_eq!(listed(&["ls", &id]), sorted(&[other.pid]));
    // together with filters they are AND
    assert_eq!(listed(&["ls", &one, &three, "--state", "idle"]), sorted(&[other.pid]));
    assert_eq!(listed(&["long", &one, &three, "--over", "1us"]), sorted(&[root.pid]));
    // the whole tree of those who are named
    assert_eq!(listed(&["blockers", &two]), sorted(&[root.pid, first.pid, second.pid]));
    assert_eq!(listed(&["blockers", &three]), sorted(&[]));

    // one that is not there is a failure, whatever else is shown
    let began = i64::from_str_radix(id.split('.').next().unwrap(), 16).unwrap();
    let other_id = format!("{:x}.{:x}", began - 1, other.pid);
    for arguments in [["ls", &one, &other_id], ["blockers", &one, &other_id]] {
        let outcome = Pgconn::new(&arguments).on(&cluster).run().fails_with(1);
        assert!(outcome.stdout.contains(&one), "{outcome}");
        assert!(outcome.stderr.contains(&format!("warning: there is no session {other_id}\n")), "{outcome}");
    }
    let checkpointer = cluster.value("select pid from pg_stat_activity where backend_type = 'checkpointer'");
    let outcome = Pgconn::new(&["ls", &checkpointer]).on(&cluster).run().success();
    let told = format!("warning: {checkpointer} is there, and not among the sessions that are asked for\n");
    assert!(
        outcome.stderr.contains(&told) && outcome.stderr.contains("hint: see it with pgconn show"),
        "{outcome}"
    );
    assert_eq!(listed(&["ls", &checkpointer, "--all-backends"]), [checkpointer.parse::<i64>().unwrap()]);
    // to a role that does not see when it began, it may be the one
    cluster.query("create role plain login");
    let hidden = Pgconn::new(&["ls", &id, "-U", "plain", "--json"]).on(&cluster).run().success().json();
    assert_eq!(hidden["sessions"][0]["undecidable"], true, "{hidden}");
}

#[test]
fn it_takes_one_session_of_one_server() {
    let outcome = Pgconn::new(&["show"]).on(shared()).run().fails_with(2);
    assert!(outcome.stderr.contains("PID|SESSION_ID"), "{outcome}");
    let outcome = Pgconn::new(&["show", "1", "--targets-command", "true"]).on(shared()).run().fails_with(2);
    assert!(outcome.stderr.starts_with("error: "), "{outcome}");
}
