//! The client behind a session of the server: the join, and other looks that name it.

use super::{applications, pooled};
use crate::common::{Answer, FakeConsole, Pgconn, shared, with};
use serde_json::json;

#[test]
fn the_join_names_the_client_behind_each_session() {
    let pooled = pooled("transaction", &[]);
    pooled.cluster.query("create table stock (n int)");
    pooled.cluster.query("grant all on stock to app");
    let mut holder = pooled.client("holder");
    holder.query("begin; lock table stock");
    let mut blocked = pooled.client("blocked");
    blocked.send("select * from stock");
    pooled.cluster.wait_until("exists (select from pg_stat_activity where wait_event_type = 'Lock')");
    let _queued = pooled.waiting("queued");
    let port = pooled.cluster.port.to_string();
    let server = format!("host={} port={port} user=postgres dbname=postgres", pooled.cluster.host());
    let document = pooled.run(&["--server", &server, "--json"]).success().json();
    assert!(document["server"]["version"].is_string(), "{document:#}");
    assert_eq!(document["warnings"], json!([]));
    let rows = document["join"].as_array().unwrap();
    assert_eq!(applications(&document["join"])[0], "queued");
    assert!(rows[0]["server"].is_null() && rows[0]["backend"].is_null());
    let of = |name: &str| rows.iter().find(|row| row["client"]["application_name"] == name).unwrap();
    let row = of("blocked");
    assert_eq!(row["backend"]["pid"], row["server"]["pid"]);
    assert_eq!(
        (&row["backend"]["wait_event_type"], &row["backend"]["query"]),
        (&json!("Lock"), &json!("select * from stock"))
    );
    let held =
        pooled.cluster.value("select pid from pg_locks where relation = 'stock'::regclass and granted");
    assert_eq!(of("holder")["backend"]["pid"].to_string(), held);
    assert_eq!(of("holder")["backend"]["state"], "idle in transaction");
    assert!(of("holder")["locks_held"].as_i64().unwrap() >= 1, "{document:#}");
    assert!(rows[0]["locks_held"].is_null());
    let table = pooled.run(&["--server", &server]).success();
    let line = table.stdout.lines().find(|line| line.contains("blocked")).unwrap();
    assert!(line.contains("active (Lock public.stock AccessShare)"), "{table}");
    assert!(line.contains("select * from stock"), "{table}");
    assert_eq!(row["backend"]["lock"]["relation"], "public.stock");
    let only = pooled.run(&["--server", &server, "--app", "holder", "--json"]).success().json();
    assert_eq!(applications(&only["join"]), ["holder"]);
    let other = shared();
    let wrong = format!("host={} port={} user=postgres dbname=postgres", other.host(), other.port);
    let wrong = pooled.run(&["--server", &wrong, "--json"]).success().json();
    assert_eq!(wrong["warnings"][0]["code"], "not_joined");
    assert!(wrong["join"].as_array().unwrap().iter().all(|row| row["backend"].is_null()));
}

#[test]
fn blockers_and_long_name_the_client_behind_the_pooler() {
    let pooled = pooled("transaction", &[("application_name_add_host", "0")]);
    pooled.cluster.query("create table stock (n int)");
    pooled.cluster.query("grant all on stock to app");
    let mut holder = pooled.client("holder");
    holder.query("begin; lock table stock");
    let mut blocked = pooled.client("blocked");
    blocked.send("select * from stock");
    // Older than any run takes: what began after the pooler was asked may be somebody else's.
    pooled.cluster.wait_until(
        "exists (select from pg_stat_activity where wait_event_type = 'Lock' and clock_timestamp() - xact_start > '2 s')",
    );
    let console = format!("host={} port={} user=postgres", pooled.cluster.host(), pooled.pooler.port);
    let run = |arguments: &[&str]| Pgconn::new(arguments).on(&pooled.cluster).run().success();
    for (command, limit) in [("blockers", "--all-waits"), ("long", "--over=0s")] {
        let document = run(&[command, limit, "--pooler", &console, "--json"]).json();
        let sessions = document["sessions"].as_array().unwrap();
        let mut names: Vec<_> =
            sessions.iter().map(|row| row["pooler_client"]["application_name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!((names, &document["warnings"]), (vec!["blocked", "holder"], &json!([])), "{document:#}");
        assert_eq!(sessions[0]["pooler_client"]["addr"], "local");
        let without = run(&[command, limit, "--json"]).json();
        assert_eq!(without["sessions"][0]["pooler_client"], json!(null));
        let unasked = run(&[command, limit, "--pooler", "host=/nonexistent", "--json"]).json();
        assert_eq!(unasked["warnings"][0]["code"], "pooler_not_asked", "{unasked:#}");
        assert_eq!(unasked["sessions"].as_array().unwrap().len(), 2);
    }
    let tree = run(&["blockers", "--pooler", &console]).stdout;
    assert!(tree.contains("  holder       local   idle in transaction  "), "{tree}");
    assert!(tree.contains("  blocked      local   active  "), "{tree}");
    let table = run(&["long", "--over=0s", "--pooler", &console]).stdout;
    assert!(table.contains("local (pooled)"), "{table}");
    let other = shared();
    let wrong = format!("host={} port={} user=postgres dbname=postgres", other.host(), other.port);
    let wrong = run(&["long", "--over=0s", "--pooler", &wrong, "--json"]).json();
    assert_eq!(wrong["warnings"][0]["code"], "pooler_not_asked", "a server is no console: {wrong:#}");
}

/// What stands in the row of a client beside its place, when it has one.
type Cells<'a> = dyn Fn(usize, &str, Option<i32>) -> Option<Vec<String>> + 'a;

/// Clients of the pooler, each with the pid of the session that serves it.
fn console(clients: Vec<(&'static str, Option<i32>)>) -> FakeConsole {
    FakeConsole::start(move |command| {
        let place = |at: usize| {
            let login = ["checkout_service", "webshop_production"].map(str::to_owned);
            [login, [format!("203.0.113.{}", 107 + at), format!("{}", 51_514 + at)]].concat()
        };
        let rows = |row: &Cells| {
            let rows = clients.iter().enumerate();
            rows.filter_map(|(at, (name, pid))| Some([place(at), row(at, name, *pid)?].concat())).collect()
        };
        match command {
            "SHOW VERSION" => Answer::Rows(vec!["version"], vec![vec!["PgBouncer 1.18.0".into()]]),
            "SHOW CLIENTS" => Answer::Rows(
                vec![
                    "user",
                    "database",
                    "addr",
                    "port",
                    "state",
                    "application_name",
                    "ptr",
                    "link",
                    "wait",
                    "wait_us",
                ],
                rows(&|at, name, pid| {
                    let state = if pid.is_some() { "active" } else { "waiting" };
                    let link = pid.map(|pid| format!("s{pid}")).unwrap_or_default();
                    Some([state, name, &format!("c{at}"), &link, "3", "0"].map(str::to_owned).into())
                }),
            ),
            "SHOW SERVERS" => Answer::Rows(
                vec!["user", "database", "addr", "port", "state", "ptr", "remote_pid"],
                rows(&|_, _, pid| {
                    let pid = pid?.to_string();
                    Some(vec!["active".to_owned(), format!("s{pid}"), pid])
                }),
            ),
            "SHOW DATABASES" => Answer::Rows(vec!["name"], vec![vec!["webshop_production".into()]]),
            _ => Answer::Refused("invalid command"),
        }
    })
}

/// Who the client is is what these are looked at for: on a terminal of 80 columns other things are left out.
#[test]
fn a_narrow_terminal_shows_who_the_client_is() {
    let cluster = with(&[]);
    cluster.query("create role checkout_service login");
    cluster.query("create database webshop_production");
    let open = || {
        let login = [("user", "checkout_service"), ("database", "webshop_production")];
        cluster.connect(&login).unwrap()
    };
    let (mut holder, mut blocked) = (open(), open());
    holder.query("begin; select pg_advisory_xact_lock(42)");
    blocked.send("select pg_advisory_xact_lock(42)");
    cluster.wait_until("exists (select from pg_stat_activity where wait_event_type = 'Lock')");
    let console = console(vec![
        ("nightly-import-of-stock", Some(holder.pid)),
        ("checkout-worker-eu-west", Some(blocked.pid)),
        ("storefront", None),
    ]);
    let pooler = format!("host=127.0.0.1 port={} user=postgres dbname=pgbouncer", console.port);
    let screen = |arguments: &[&str]| {
        let run = Pgconn::new(arguments).on(&cluster).on_terminal().finish().success();
        let mut lines = run.stdout.lines().filter(|line| !line.contains(" has no KILL_CLIENT "));
        assert!(lines.all(|line| line.trim_end().chars().count() <= 80), "{run}");
        run.stdout
    };
    let line = |screen: &str, client: &str, parts: &[&str]| {
        let line = screen.lines().find(|line| line.contains(client)).unwrap_or_default().to_owned();
        assert!(parts.iter().all(|part| line.contains(part)), "{parts:?} of {client}\n{screen}");
    };
    let (first, second) = (holder.pid.to_string(), blocked.pid.to_string());
    let server = format!("host={} port={} user=postgres dbname=postgres", cluster.host(), cluster.port);
    let joined = screen(&["-d", &pooler, "pooler", "--server", &server]);
    // What all have in common stands above them, and gives its room to the names.
    assert!(joined.starts_with("pool webshop_production/checkout_service\r\n"), "{joined}");
    line(&joined, "203.0.113.107:51514  ", &["nightly-import-of-stock", &first, "  idle"]);
    line(&joined, "203.0.113.108:51515  ", &["checkout-worker-eu-west", &second, "  active (key 42)"]);
    line(&joined, "203.0.113.109:51516  ", &["storefront  ", "  waiting (pooler)"]);
    let long = screen(&["long", "--over=0s", "--pooler", &pooler]);
    line(&long, "203.0.113.107:51514 (pooled)  ", &[&first, "nightly-im"]);
    let tree = screen(&["blockers", "--pooler", &pooler]);
    line(&tree, "203.0.113.107:51514  ", &[&first, "nightly"]);
    line(&tree, "203.0.113.108:51515  ", &[&second, "checkout", "advisory"]);
    let plan = screen(&["kill", "--pooler", &pooler, "--client", "203.0.113.108", "--dry-run"]);
    line(&plan, "203.0.113.108:51515  ", &[&second, "checkout-w", "would termina"]);
    let clients = screen(&["-d", &pooler, "pooler", "clients"]);
    assert!(clients.starts_with("database webshop_production, user checkout_service\r\n"), "{clients}");
    line(&clients, "203.0.113.109:51516  ", &["storefront", "waiting"]);
    let servers = screen(&["-d", &pooler, "pooler", "servers"]);
    assert!(servers.starts_with("database webshop_production, user checkout_service"), "{servers}");
    line(&servers, "  203.0.113.107:51514  ", &[&first, "nightly-im"]);
}
