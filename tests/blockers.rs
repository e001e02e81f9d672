//! `blockers`: who waits for whom, on a real server.

mod standby;

use super::common::{Cluster, Pgconn, Session, wait_until, with};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

fn blockers(cluster: &Cluster, arguments: &[&str]) -> Value {
    Pgconn::new(&[&["blockers", "--json"], arguments].concat()).on(cluster).run().success().json()
}

fn app(name: &str) -> [(&str, &str); 1] {
    [("application_name", name)]
}

fn session(document: &Value, pid: i32) -> Value {
    let sessions = document["sessions"].as_array().unwrap();
    sessions
        .iter()
        .find(|session| session["pid"] == pid)
        .unwrap_or_else(|| panic!("{pid}: {document}"))
        .clone()
}

#[test]
fn a_queue_is_shown_under_its_root_with_lock_and_relation() {
    let cluster = with(&[]);
    cluster.query("create table orders (id int primary key, n int); insert into orders values (1, 0)");
    assert_eq!(blockers(&cluster, &[])["blocked_count"], 0);
    let root = cluster.idle_in_transaction(&app("root"), "lock table orders in row exclusive mode");
    let first = cluster.waiting(&app("first"), "begin; lock table orders");
    let second = cluster.waiting(&app("second"), "select from orders");
    let document = blockers(&cluster, &[]);
    assert_eq!((&document["blocked_count"], &document["roots"]), (&json!(2), &json!([root.pid])));
    let order: Vec<&Value> = document["sessions"].as_array().unwrap().iter().map(|row| &row["pid"]).collect();
    assert_eq!(order, [root.pid, first.pid, second.pid]);
    let seen = session(&document, root.pid);
    assert_eq!(
        (&seen["blocks_total"], &seen["blocked_by"], &seen["lock"]),
        (&json!(2), &json!([]), &Value::Null)
    );
    let seen = session(&document, first.pid);
    assert_eq!((&seen["blocks_total"], &seen["blocked_by"]), (&json!(1), &json!([root.pid])));
    let lock = json!({ "type": "relation", "mode": "AccessExclusiveLock", "relation": "public.orders", "key": null, "level": null });
    assert_eq!(seen["lock"], lock);
    assert_eq!(seen["query"], "begin; lock table orders");
    assert!(seen["wait_seconds"].as_f64().unwrap() < 30.0);
    assert_eq!(seen["wait_at_most"], cluster.major() < 14);
    let table = Pgconn::new(&["blockers"]).on(&cluster).run().success();
    for line in [format!("\n{}  ", root.pid), format!("\n└─ {}", first.pid), format!("\n└─── {}", second.pid)]
    {
        assert!(table.stdout.contains(&line), "{table}");
    }
    let id = session(&document, root.pid)["session_id"].as_str().unwrap().to_owned();
    let root_ends = format!("({} then holds up 1 other): pgconn kill {id}", first.pid);
    assert!(table.stdout.contains(&format!("to free 1 session, end {} {root_ends}\n", root.pid)), "{table}");
    let port = cluster.port.to_string();
    let there = ["blockers", "-h", cluster.host(), "-p", &port, "-U", "postgres"];
    let hinted = Pgconn::new(&there).run().success().stdout;
    let command = format!("pgconn -h {} -p {port} -U postgres kill {id}\n", cluster.host());
    assert!(hinted.contains(&command), "what is proposed leads to the same server: {hinted}");
    // Filters keep the whole tree of a session that matches, and no other.
    assert_eq!(blockers(&cluster, &["--app", "second"])["sessions"].as_array().unwrap().len(), 3);
    assert_eq!(blockers(&cluster, &["--app", "nobody"])["sessions"], json!([]));
    let none = Pgconn::new(&["blockers", "--app", "secnd"]).on(&cluster).run().success();
    assert_eq!(none.stdout, "no session that matches waits for a lock; 2 others do\n");
    assert!(none.stderr.contains("hint: did you mean --app second?"), "{none}");
    let freed = Pgconn::new(&["kill", &id]).on(&cluster).run().success();
    assert!(freed.stdout.contains("1 terminated"), "{freed}");
}

#[test]
fn a_filter_leaves_others_out_and_counts_what_they_lose() {
    let cluster = with(&[]);
    cluster.query("create table orders (n int)");
    let root = cluster.idle_in_transaction(&app("root"), "lock table orders");
    let asked = cluster.waiting(&app("asked"), "begin; lock table orders in share mode");
    let others =
        ["one", "two"].map(|name| cluster.waiting(&app(name), "begin; lock table orders in share mode"));
    for filter in [&[asked.pid.to_string().as_str()][..], &["--app", "asked"]] {
        let document = blockers(&cluster, filter);
        let pids: Vec<_> =
            document["sessions"].as_array().unwrap().iter().map(|row| row["pid"].clone()).collect();
        assert_eq!(pids, [json!(root.pid), json!(asked.pid)], "{document:#}");
        assert_eq!(session(&document, root.pid)["blocks_total"], 3, "{document:#}");
        let mut frees = [asked.pid, others[0].pid, others[1].pid];
        frees.sort_unstable();
        assert_eq!(document["free_sets"][0]["frees"], json!(frees), "{document:#}");
    }
    let of_root = blockers(&cluster, &["--app", "root"]);
    assert_eq!(of_root["sessions"].as_array().unwrap().len(), 4, "who is behind it is told: {of_root:#}");
}

#[test]
fn row_locks_are_seen_by_a_role_that_sees_nothing_else() {
    let cluster = with(&[]);
    cluster.query("create role plain login; create table t (id int primary key); insert into t values (1)");
    let root = cluster.idle_in_transaction(&app("root"), "update t set id = 1");
    let waiter = cluster.waiting(&app("waiter"), "update t set id = 1");
    for user in ["postgres", "plain"] {
        let document = blockers(&cluster, &["-U", user]);
        assert_eq!(document["roots"], json!([root.pid]), "{user}");
        assert_eq!(session(&document, waiter.pid)["blocked_by"], json!([root.pid]), "{user}");
        assert_eq!(session(&document, waiter.pid)["lock"]["type"], "transactionid");
        assert_eq!(session(&document, root.pid)["hidden"], user == "plain");
    }
    // Who they are is hidden, which is said; and so nothing is proposed.
    let hidden = Pgconn::new(&["blockers", "-U", "plain"]).on(&cluster).run().success();
    assert!(hidden.stdout.contains("1 session blocked") && hidden.stdout.contains("(hidden)"), "{hidden}");
    let why = format!("1 session waits for {}: who it is is hidden from this role\n", root.pid);
    assert!(hidden.stdout.contains(&why), "{hidden}");
    assert_eq!(blockers(&cluster, &["-U", "plain"])["warnings"][0]["code"], "hidden_sessions");
}

#[test]
fn a_prepared_transaction_can_be_the_root() {
    let cluster = with(&[("max_prepared_transactions", "3")]);
    cluster.query("create table t ()");
    let mut preparing = cluster.session();
    for sql in ["begin", "lock table t", "prepare transaction 'it''s me'"] {
        preparing.query(sql);
    }
    let waiter = cluster.waiting(&app("waiter"), "select from t");
    let behind = cluster.waiting(&app("behind"), "begin; lock table t");
    let document = blockers(&cluster, &[]);
    assert_eq!((&document["roots"], &document["blocked_count"]), (&json!([]), &json!(2)));
    let prepared = &document["prepared"][0];
    assert_eq!((&prepared["gid"], &prepared["owner"]), (&json!("it's me"), &json!("postgres")));
    let mut both = [waiter.pid, behind.pid];
    both.sort_unstable();
    let mut waiting: Vec<i64> =
        prepared["waiting_pids"].as_array().unwrap().iter().map(|pid| pid.as_i64().unwrap()).collect();
    waiting.sort_unstable();
    assert_eq!(waiting, both.map(i64::from));
    let table = Pgconn::new(&["blockers"]).on(&cluster).run().success();
    let ends = "in database \"postgres\": COMMIT PREPARED 'it''s me' or ROLLBACK PREPARED 'it''s me'";
    assert!(table.stdout.contains(ends), "{table}");
    assert!(table.stdout.contains("\nprepared "), "{table}");
    cluster.query("rollback prepared 'it''s me'");
}

#[test]
fn a_deadlock_is_shown_as_a_circle() {
    let cluster = with(&[("deadlock_timeout", "1h")]);
    cluster.query("create table a (); create table b ()");
    let mut first = cluster.idle_in_transaction(&app("first"), "lock table a");
    let mut second = cluster.idle_in_transaction(&app("second"), "lock table b");
    first.send("lock table b");
    cluster.wait_for_lock_wait(first.pid);
    second.send("lock table a");
    cluster.wait_for_lock_wait(second.pid);
    let document = blockers(&cluster, &[]);
    assert_eq!(document["blocked_count"], 2);
    assert_eq!(document["roots"].as_array().unwrap().len(), 1);
    let table = Pgconn::new(&["blockers"]).on(&cluster).run().success();
    assert!(table.stdout.contains("\n↻ ") && table.stdout.contains("in a circle"), "{table}");
}

#[test]
fn hundreds_of_waiters_are_told_as_the_server_has_them() {
    let cluster = with(&[("max_connections", "330")]);
    cluster.query("create table t ()");
    let root = cluster.idle_in_transaction(&app("root"), "lock table t");
    // Each waits for all that are ahead of it: the edges grow with the square.
    let mut watcher = cluster.session();
    let waiters: Vec<Session> = (1..=300)
        .map(|number| {
            let mut waiter = cluster.connect(&app("waiter")).unwrap();
            // readers among those who want it alone
            let mode = if number % 3 == 0 { "share" } else { "exclusive" };
            waiter.send(&format!("begin; lock table t in {mode} mode"));
            let queue = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
            wait_until("it stands in the queue", || {
                watcher.query(queue)[0][0].as_deref() == Some(number.to_string().as_str())
            });
            waiter
        })
        .collect();
    let some = blockers(&cluster, &[]);
    // Before 14 the server would have to be asked for each.
    let looked_at = if cluster.major() < 14 { 200 } else { 300 };
    assert_eq!(session(&some, root.pid)["blocks_total"], looked_at);
    assert_eq!(some["warnings"].as_array().unwrap().len(), usize::from(cluster.major() < 14));
    assert_eq!(some["sessions"].as_array().unwrap().len(), looked_at + 1);
    let edges = |document: &Value| -> usize {
        let sessions = document["sessions"].as_array().unwrap();
        sessions.iter().map(|session| session["blocked_by"].as_array().unwrap().len()).sum()
    };
    let of_server = |limit: usize| -> usize {
        let longest = if cluster.major() < 14 { "query_start" } else { "waitstart" };
        let sum = format!(
            "select sum(cardinality(pg_blocking_pids(pid))) from (select pid from pg_stat_activity a join pg_locks l using (pid) \
             where not l.granted order by {longest} limit {limit}) w"
        );
        cluster.value(&sum).parse().unwrap()
    };
    assert_eq!(edges(&some), of_server(looked_at));
    let table = Pgconn::new(&["blockers"]).on(&cluster).run().success();
    let cut = table.stderr.contains("300 wait; only the 200 longest waits were looked at");
    assert_eq!(cut, cluster.major() < 14, "{}", table.stderr);
    // They stand in one queue, not each under the one before.
    assert!(table.stdout.contains(&format!("\n├─ {}", waiters[8].pid)), "{}", table.stdout);
    let all = blockers(&cluster, &["--all-waits"]);
    assert_eq!(edges(&all), of_server(300));
    for session in all["sessions"].as_array().unwrap() {
        let of_server = format!(
            "select coalesce(array_to_string(array(select distinct x from unnest(pg_blocking_pids({})) x order by x), ','), '')",
            session["pid"]
        );
        let told: Vec<String> =
            session["blocked_by"].as_array().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(watcher.query(&of_server)[0][0].as_deref().unwrap(), told.join(","), "{session}");
    }
    assert_eq!(session(&all, root.pid)["blocks_total"], waiters.len());
    assert_eq!(all["warnings"], json!([]));
    let plan = Pgconn::new(&["kill", "--json", "-n", "--app", "root"]).on(&cluster).run().success().json();
    assert_eq!(plan["results"][0]["sessions_waiting"], Value::Null);
    assert_eq!(plan["warnings"][0]["code"], "waits_cut");
}

#[test]
fn what_keeps_others_waiting_is_named_as_applications_know_it() {
    let cluster = with(&[]);
    cluster.query("create table orders (id int primary key, n int); insert into orders values (1, 0)");
    cluster.query("create database shop");
    let shop = [("database", "shop"), ("application_name", "elsewhere")];
    cluster.connect(&shop).unwrap().query("create table stock ()");
    let stock = cluster.connect(&shop).unwrap().query("select 'stock'::regclass::oid")[0][0].clone().unwrap();
    let mut waiters = Vec::new();
    let mut roots = Vec::new();
    // who holds, who waits, the lock that is waited for and the one that is held, each as type, mode, relation and key
    let lock = |kind: &str, mode: &str, relation: Option<&str>, key: Option<&str>| json!({ "type": kind, "mode": mode, "relation": relation, "key": key, "level": null });
    let elsewhere = format!("relation {stock} of database shop");
    let cases = [
        (
            "update orders set n = 1",
            "update orders set n = 2",
            lock("transactionid", "ShareLock", Some("public.orders"), None),
            lock("transactionid", "ExclusiveLock", Some("public.orders"), None),
            "a row of public.orders",
        ),
        (
            "select pg_advisory_lock(-5)",
            "select pg_advisory_lock_shared(-5)",
            lock("advisory", "ShareLock", None, Some("-5")),
            lock("advisory", "ExclusiveLock", None, Some("-5")),
            "advisory Exclusive on key -5",
        ),
        (
            "select pg_advisory_xact_lock(-1, 7)",
            "select pg_advisory_lock(-1, 7)",
            lock("advisory", "ExclusiveLock", None, Some("-1, 7")),
            lock("advisory", "ExclusiveLock", None, Some("-1, 7")),
            "on key -1, 7",
        ),
    ];
    for (at, (held, wanted, ..)) in cases.iter().enumerate() {
        let name = format!("case {at}");
        roots.push(cluster.idle_in_transaction(&app(&name), held));
        waiters.push(cluster.waiting(&app(&name), wanted));
    }
    let root = cluster.idle_in_transaction(&shop, "lock table stock in share mode");
    let waiter = cluster.waiting(&shop, "begin; lock table stock in row exclusive mode");
    let document = blockers(&cluster, &[]);
    let table = Pgconn::new(&["blockers"]).on(&cluster).run().success();
    for (at, (_, _, waits_for, holds, told)) in cases.iter().enumerate() {
        assert_eq!(&session(&document, waiters[at].pid)["lock"], waits_for, "case {at}");
        assert_eq!(session(&document, roots[at].pid)["holds"], json!([holds]), "case {at}");
        let line = table.stdout.lines().find(|line| line.starts_with(&roots[at].pid.to_string())).unwrap();
        assert!(
            line.contains(&format!("holds {told}")) || line.contains("holds advisory") && line.contains(told),
            "{table}"
        );
    }
    let waits_for = lock("relation", "RowExclusiveLock", Some(&elsewhere), None);
    assert_eq!(session(&document, waiter.pid)["lock"], waits_for);
    let holds = lock("relation", "ShareLock", Some(&elsewhere), None);
    assert_eq!(session(&document, root.pid)["holds"], json!([holds]));
    // Nothing that ends with a transaction is held without one; of the others the server does not show what they end with.
    let mut alone = cluster.connect(&app("alone")).unwrap();
    alone.query("select pg_advisory_lock(3, 4)");
    let _waits_for_it = cluster.waiting(&app("alone"), "select pg_advisory_lock(3, 4)");
    let seen = session(&blockers(&cluster, &[]), alone.pid);
    assert_eq!((&seen["holds"][0]["key"], &seen["holds"][0]["level"]), (&json!("3, 4"), &json!("session")));
    let table = Pgconn::new(&["blockers"]).on(&cluster).run().success().stdout;
    assert!(table.contains("holds advisory Exclusive on key 3, 4 (session level)"), "{table}");
    assert!(
        table.contains("holds advisory Exclusive on key -1, 7 (level not shown by the server)"),
        "{table}"
    );
    // Who is only ahead in the queue holds nothing of it.
    assert_eq!(session(&document, waiter.pid)["holds"], json!([]));
    assert_eq!(session(&document, root.pid)["backend_type"], "client backend");
}

/// Sixty sessions that queue for one row, of three applications.
fn storm(cluster: &Cluster) -> (Session, Vec<Session>) {
    cluster.query("create table stock (id int primary key, n int); insert into stock values (1, 0)");
    let root = cluster.idle_in_transaction(&app("root"), "update stock set n = 1");
    let names = ["checkout", "import", "report"];
    let waiters = (0..60).map(|at| cluster.waiting(&app(names[at % 3]), "update stock set n = 2")).collect();
    (root, waiters)
}

#[test]
fn a_storm_is_a_few_lines_with_what_to_do_first() {
    let cluster = with(&[]);
    let (root, waiters) = storm(&cluster);
    let id = session(&blockers(&cluster, &[]), root.pid)["session_id"].as_str().unwrap().to_owned();
    for columns in [80, 120, 200] {
        let screen = Pgconn::new(&["blockers"]).env("COLUMNS", columns.to_string()).on(&cluster);
        let screen = screen.on_terminal_of(columns, 24).finish().success().stdout.replace('\r', "");
        let lines: Vec<&str> = screen.lines().collect();
        assert_eq!(lines[0], "60 sessions blocked", "{screen}");
        let to_do = format!("to free 1 session, end {} (", root.pid);
        assert!(
            lines[1].starts_with(&to_do) && lines[1].contains("then holds up 59 others"),
            "the hint names the pid that the table shows: {screen}"
        );
        assert!(screen.contains(&format!("pgconn kill {id}")), "{screen}");
        assert!(lines.len() <= 12, "{screen}");
        let first = lines.iter().find(|line| line.starts_with(&root.pid.to_string())).unwrap();
        assert!(first.contains("holds ") && first.contains("row of public.stock"), "{screen}");
        // the first waiter has its turn, the others queue behind it
        assert!(
            screen.contains("57 more") && (columns < 120 || screen.contains("3 applications")),
            "{screen}"
        );
        let more = lines.iter().find(|line| line.contains("57 more")).unwrap();
        assert!(more.starts_with("└───"), "{screen}");
        assert!(more.contains("row of public.stock"), "{screen}");
    }
    // on a screen that wraps nothing by itself, what to do is whole, too
    let port = cluster.port.to_string();
    let there = ["blockers", "--watch=1h", "-h", cluster.host(), "-p", &port, "-U", "postgres"];
    let terminal = Pgconn::new(&there).on_terminal_of(80, 24);
    terminal.wait_for("57 more");
    let frame = terminal.frames().pop().unwrap().0;
    let words = frame.split_whitespace().collect::<Vec<_>>().join(" ");
    let does = format!("pgconn -h {} -p {port} -U postgres kill {id} ", cluster.host());
    assert!(words.contains("60 sessions blocked ") && words.contains(&does), "{frame}");
    assert!(frame.lines().all(|line| line.chars().count() <= 80), "{frame}");
    kill(Pid::from_raw(terminal.pid()), Signal::SIGINT).unwrap();
    let _ = terminal.finish().success();
    let full =
        Pgconn::new(&["blockers", "--full"]).on(&cluster).on_terminal_of(120, 24).finish().success().stdout;
    assert!(
        !full.contains(" more") && waiters.iter().all(|waiter| full.contains(&waiter.pid.to_string())),
        "{full}"
    );
    // Programs get each of them, and no name of a character that their locale has not.
    let piped = Pgconn::new(&["blockers"]).env("LC_ALL", "C").on(&cluster).run().success().stdout;
    assert!(waiters.iter().all(|waiter| piped.contains(&waiter.pid.to_string())), "{piped}");
    assert!(piped.contains("\n`--- ") && piped.contains("\n|--- ") && !piped.contains('└'), "{piped}");
}
