//! `pooler`: the real PgBouncer in its three modes, with clients at work, waiting and idle.

use super::common::{Cluster, Outcome, PgBouncer, Pgconn, Session, shared, wait_until, with};
use serde_json::{Value, json};

/// A pooler in front of a server of its own, with a pool of two for each user.
pub(crate) struct Pooled {
    pub(crate) pooler: PgBouncer,
    pub(crate) cluster: Cluster,
}

pub(crate) fn pooled(mode: &str, settings: &[(&str, &str)]) -> Pooled {
    let cluster = with(&[("max_connections", "30")]);
    cluster.query("create role app login");
    let settings =
        [&[("pool_mode", mode), ("default_pool_size", "2"), ("stats_users", "watcher")], settings].concat();
    let pooler = PgBouncer::start(&cluster, &["app", "watcher", "stranger"], &settings);
    Pooled { pooler, cluster }
}

impl Pooled {
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.as_user("postgres", arguments)
    }

    pub(crate) fn as_user(&self, user: &str, arguments: &[&str]) -> Outcome {
        let port = self.pooler.port.to_string();
        // The environment is psql's, of a shell that looks at the server: only the port differs.
        Pgconn::new(&[&["-p", &port, "-U", user, "pooler"], arguments].concat()).on(&self.cluster).run()
    }

    pub(crate) fn client(&self, application: &str) -> Session {
        self.pooler.connect(&[("user", "app"), ("application_name", application)]).unwrap()
    }

    /// A client in a transaction, so that it holds a connection to the server in every mode.
    pub(crate) fn working(&self, application: &str) -> Session {
        let mut client = self.client(application);
        client.query("begin");
        client
    }

    /// A client that waits for a connection to the server.
    pub(crate) fn waiting(&self, application: &str) -> Session {
        let mut client = self.client(application);
        client.send("select 1");
        self.wait_for(application, "waiting");
        client
    }

    pub(crate) fn clients(&self) -> Vec<Value> {
        let answer = self.run(&["clients", "--json"]).success().json();
        answer["clients"].as_array().unwrap().clone()
    }

    pub(crate) fn wait_for(&self, application: &str, state: &str) {
        wait_until(&format!("{application} is {state}"), || {
            self.clients().iter().any(|row| {
                row["client"]["application_name"] == application && row["client"]["state"] == state
            })
        });
    }

    pub(crate) fn pool(&self) -> Value {
        let answer = self.run(&["--role", "app", "--json"]).success().json();
        answer["pools"][0].clone()
    }
}

/// The names of the clients in a list of connections.
fn applications(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().unwrap();
    rows.iter().map(|row| row["client"]["application_name"].as_str().unwrap_or("-")).collect()
}

#[test]
fn pools_show_who_waits_for_what() {
    let pooled = pooled("transaction", &[]);
    let (_one, _two) = (pooled.working("one"), pooled.working("two"));
    let _waiting = pooled.waiting("three");
    let document = pooled.run(&["--json"]).success().json();
    assert_eq!(
        (document["kind"].as_str(), document["product"].as_str()),
        (Some("pooler"), Some("PgBouncer"))
    );
    assert!(document["version"].as_str().unwrap().starts_with("1."), "{document:#}");
    assert_eq!(document["target"]["database"], "pgbouncer", "whatever PGDATABASE says");
    let pools = document["pools"].as_array().unwrap();
    assert!(pools.iter().all(|pool| pool["database"] != "pgbouncer"), "the console is no pool");
    let pool = &pools[0];
    for (key, value) in [
        ("database", json!("postgres")),
        ("user", json!("app")),
        ("pool_mode", json!("transaction")),
        ("pool_size", json!(2)),
        ("clients_active", json!(2)),
        ("clients_waiting", json!(1)),
        ("servers_active", json!(2)),
        ("servers_idle", json!(0)),
        ("servers_used", json!(0)),
        ("used_ratio", json!(1.0)),
        ("paused", json!(false)),
    ] {
        assert_eq!(pool[key], value, "{key} {pool:#}");
    }
    assert!(pool["max_wait_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (&pool["first_limit"]["name"], &pool["first_limit"]["used"]),
        (&json!("pool_size"), &json!(2))
    );
    assert_eq!(document["first_limit"], pool["first_limit"]);
    let clients =
        document["limits"].as_array().unwrap().iter().find(|limit| limit["name"] == "max_client_conn");
    assert_eq!(clients.unwrap()["used"], 4, "three clients and pgconn itself");
    let table = pooled.run(&[]).success();
    for line in [
        "fullest limit  pool_size of postgres/app, 2 of 2  100%",
        "! 1 client of postgres/app waits: pool_size is used up (2 of 2)",
    ] {
        assert!(table.stdout.contains(line), "{table}");
    }
    let port = pooled.pooler.port;
    let hint =
        format!("hint: clients wait; see which: pgconn -p {port} -U postgres pooler clients --state waiting");
    assert!(table.stderr.contains(&hint), "{table}");
    let rows = pooled.run(&["-F", "tsv", "--role", "app"]).success();
    assert_eq!(rows.stdout.lines().count(), 2, "{rows}");
    assert!(
        rows.stdout.lines().nth(1).unwrap().starts_with("postgres\tapp\ttransaction\t2\t0\t2\t1\t2\t0\t"),
        "{rows}"
    );
}

/// PgBouncer keeps its clients waiting when the server does not let it in, and says why in its log alone.
#[test]
fn a_pool_with_room_whose_clients_wait_is_refused_by_the_server() {
    let pooled = pooled("transaction", &[("default_pool_size", "3")]);
    pooled.cluster.query("alter role app connection limit 1");
    let _working = pooled.working("one");
    let _waiting = pooled.waiting("two");
    let place = format!("{}:{}", pooled.cluster.host(), pooled.cluster.port);
    let said = format!(
        "! 1 client of postgres/app waits although the pool has room (1 of 3): the server seems to refuse the pooler more \
         connections; see pgconn stats on {place}\n"
    );
    wait_until("the reason is given", || pooled.run(&[]).success().stdout.contains(&said));
    let port = pooled.pooler.port.to_string();
    let check = ["check", "-p", &port, "-d", "pgbouncer", "pooler-waiting", "--warning", "pooler-waiting=0"];
    let checked = Pgconn::new(&check).on(&pooled.cluster).run().fails_with(1);
    let brief = ", which has room (1 of 3): the server seems to refuse the pooler";
    assert!(checked.stdout.contains(brief), "{checked}");
}

#[test]
fn states_and_names_that_do_not_exist_are_said() {
    let pooled = pooled("transaction", &[]);
    let mut client = pooled.client("web");
    client.query("select 1");
    let refused = pooled.run(&["clients", "--state", "waitng"]).fails_with(2);
    assert!(refused.stderr.contains("did you mean \"waiting\"?"), "{refused}");
    for (arguments, said) in [
        (&["--db", "postgrse"][..], "did you mean --db postgres?"),
        (&["clients", "--role", "ap"], "did you mean --role app?"),
        (&["clients", "--app", "webb"], "did you mean --app web?"),
    ] {
        let none = pooled.run(arguments).success();
        assert!(none.stderr.contains(said), "{none}");
    }
    let known = pooled.run(&["clients", "--db", "postgres", "--role", "app", "--app", "web"]).success();
    assert_eq!(known.stderr, "");
}

#[test]
fn a_database_limit_before_the_pools_own_is_named() {
    let pooled = pooled("session", &[("max_db_connections", "1"), ("default_pool_size", "5")]);
    let _working = pooled.working("one");
    let _waiting = pooled.waiting("two");
    let pool = pooled.pool();
    assert_eq!((&pool["pool_mode"], &pool["pool_size"]), (&json!("session"), &json!(5)));
    assert_eq!(
        (&pool["first_limit"]["name"], &pool["first_limit"]["limit"]),
        (&json!("max_db_connections"), &json!(1))
    );
    let table = pooled.run(&[]).success();
    assert!(table.stdout.contains("waits: max_db_connections is used up (1 of 1)"), "{table}");
}

#[test]
fn clients_and_servers_are_listed_with_each_other() {
    let pooled = pooled("transaction", &[]);
    let (_one, _two) = (pooled.working("one"), pooled.working("two"));
    let _three = pooled.waiting("three");
    let _idle = pooled.client("four");
    let listed = pooled.run(&["clients", "--json"]).success().json();
    let names = applications(&listed["clients"]);
    assert_eq!(
        (names[0], names[3], names.len()),
        ("three", "four", 4),
        "who waits comes first, who rests last"
    );
    let rows = listed["clients"].as_array().unwrap();
    assert!(rows[0]["client"]["wait_seconds"].as_f64().unwrap() > 0.0 && rows[0]["server"].is_null());
    assert_eq!((&rows[3]["client"]["state"], &rows[3]["client"]["addr"]), (&json!("idle"), &json!("local")));
    assert_eq!(rows[1]["server"]["state"], "active");
    for (filters, expected) in [
        (&["--state", "waiting"][..], &["three"][..]),
        (&["--state", "!waiting", "--app", "t*"], &["two"]),
        (&["--app", "o*", "--app", "f*"], &["one", "four"]),
        (&["--client", "10.0.0.0/8"], &[]),
        (&["--client", "local", "--state", "idle"], &["four"]),
        (&["--role", "postgres"], &[]),
        (&["--db", "postgres", "--db", "!postgres"], &[]),
    ] {
        let arguments = [&["clients", "--json"], filters].concat();
        assert_eq!(
            applications(&pooled.run(&arguments).success().json()["clients"]),
            expected,
            "{filters:?}"
        );
    }
    let servers = pooled.run(&["servers", "--json"]).success().json();
    let mut names = applications(&servers["servers"]);
    names.sort_unstable();
    assert_eq!(names, ["one", "two"]);
    let table = pooled.run(&["clients"]).success();
    assert!(
        table.stdout.starts_with("CLIENT  APPLICATION  ") && table.stdout.ends_with("4 clients\n"),
        "{table}"
    );
    let table = pooled.run(&["servers"]).success();
    assert!(table.stdout.ends_with("2 connections\n"), "{table}");
    let refused = pooled.run(&["--app", "one"]).fails_with(2);
    assert!(refused.stderr.contains("pgconn pooler clients"), "{refused}");
    let refused = pooled.run(&["--db", "one", "clients"]).fails_with(2);
    assert!(refused.stderr.contains("come after its name"), "{refused}");
}

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
    assert!(line.contains("Lock:relation") && line.contains("select * from stock"), "{table}");
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
    pooled.cluster.wait_until("exists (select from pg_stat_activity where wait_event_type = 'Lock')");
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
    assert!(tree.contains("holder (local)") && tree.contains("blocked (local)"), "{tree}");
    let table = run(&["long", "--over=0s", "--pooler", &console]).stdout;
    assert!(table.contains("local (pooled)"), "{table}");
    let other = shared();
    let wrong = format!("host={} port={} user=postgres dbname=postgres", other.host(), other.port);
    let wrong = run(&["long", "--over=0s", "--pooler", &wrong, "--json"]).json();
    assert_eq!(wrong["warnings"][0]["code"], "pooler_not_asked", "a server is no console: {wrong:#}");
}

#[test]
fn rates_are_the_work_of_the_time() {
    let pooled = pooled("statement", &[]);
    let mut client = pooled.client("busy");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let busy = std::thread::spawn(move || {
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            client.query("select 1");
        }
    });
    let document = pooled.run(&["--for", "100ms", "--json"]).success().json();
    let table = pooled.run(&["--for", "100ms"]).success();
    drop(stop);
    busy.join().unwrap();
    let rate = &document["rates"][0];
    assert_eq!((&rate["database"], document["rates"].as_array().unwrap().len()), (&json!("postgres"), 1));
    assert!(rate["queries_per_second"].as_f64().unwrap() > 1.0, "{rate}");
    assert_eq!(rate["queries_per_second"], rate["xacts_per_second"], "every statement is a transaction");
    assert!(rate["sampled_seconds"].as_f64().unwrap() >= 0.1, "{rate}");
    assert!(table.stdout.contains("QUERY/S"), "{table}");
    assert!(pooled.run(&["--json"]).success().json()["rates"].is_null());
    assert!(document["totals"][0]["query_total"].as_f64().unwrap() > 0.0);
    let port = pooled.pooler.port.to_string();
    let running = Pgconn::new(&["-p", &port, "pooler", "--for", "1h"]).on(&pooled.cluster).spawn();
    let mut console = pooled.pooler.connect(&[("database", "pgbouncer")]).unwrap();
    wait_until("pgconn is on the console", || {
        let clients = console.query("show clients");
        clients.iter().any(|row| row.iter().flatten().any(|value| value == "pgconn"))
    });
    running.signal(nix::sys::signal::Signal::SIGINT);
    let _interrupted = running.finish().fails_with(130);
}

#[test]
fn who_may_not_use_the_console_is_told_and_what_is_none_too() {
    let pooled = pooled("transaction", &[]);
    let _watched = pooled.as_user("watcher", &[]).success();
    let refused = pooled.as_user("stranger", &[]).fails_with(3);
    assert!(refused.stderr.contains("hint: the pooler's console is open to the users in its settings admin_users and stats_users; \"stranger\" is in neither"), "{refused}");
    let not_pooled = Pgconn::new(&["pooler"]).on(&pooled.cluster).run().fails_with(3);
    assert!(not_pooled.stderr.contains("this is PostgreSQL itself"), "{not_pooled}");
    let not_console = pooled.run(&["-d", "postgres"]).fails_with(1);
    assert!(not_console.stderr.contains("database \"postgres\" is not a pooler's console"), "{not_console}");
    let _stats =
        Pgconn::new(&["-p", &pooled.pooler.port.to_string(), "stats"]).on(&pooled.cluster).run().success();
}

#[test]
fn a_full_a_paused_and_an_orphaned_pooler_are_told_apart() {
    let mut pooled = pooled("transaction", &[("max_client_conn", "3")]);
    let clients: Vec<Session> = ["one", "two", "three"].map(|name| pooled.client(name)).into();
    let full = pooled.run(&[]).success();
    assert!(full.stdout.contains("clients  4 of 3 (max_client_conn)  133%"), "{full}");
    drop(clients);
    let mut console = pooled.pooler.connect(&[("database", "pgbouncer")]).unwrap();
    let mut client = pooled.client("kept");
    client.query("select 1");
    console.query("pause postgres");
    client.send("select 1");
    pooled.wait_for("kept", "waiting");
    let paused = pooled.run(&[]).success();
    assert!(paused.stdout.contains("waits: the database is paused"), "{paused}");
    console.query("resume postgres");
    client.finish().unwrap();
    pooled.cluster.stop();
    client.send("select 1");
    pooled.wait_for("kept", "waiting");
    let orphaned = pooled.run(&[]).success();
    assert!(orphaned.stdout.contains("PostgreSQL may be down, or refuse the pooler"), "{orphaned}");
}

#[test]
fn in_statement_mode_a_client_waits_for_one_statement() {
    let pooled = pooled("statement", &[]);
    let mut busy = [pooled.client("one"), pooled.client("two")];
    for client in &mut busy {
        client.send("select pg_sleep(3600)");
    }
    pooled
        .cluster
        .wait_until("(select count(*) from pg_stat_activity where state = 'active' and usename = 'app') = 2");
    let _waiting = pooled.waiting("three");
    let pool = pooled.pool();
    assert_eq!((&pool["pool_mode"], &pool["clients_waiting"]), (&json!("statement"), &json!(1)), "{pool:#}");
}

#[test]
fn a_full_pooler_refuses_with_its_own_limit_and_the_console_still_answers() {
    let pooled = pooled("session", &[("max_client_conn", "1")]);
    let _only = pooled.client("only");
    let port = pooled.pooler.port.to_string();
    let run = |arguments: &[&str]| {
        Pgconn::new(&[&["-p", &port, "-U", "app"], arguments].concat()).on(&pooled.cluster).run()
    };
    let refused = run(&["stats"]).fails_with(3);
    assert!(
        refused.stderr.contains("max_client_conn")
            && refused.stderr.contains("the pooler's own client limit is reached"),
        "{refused}"
    );
    let json = run(&["stats", "--json"]).fails_with(3);
    assert!(json.stderr.contains("\"code\":\"too_many_connections\""), "{json}");
    assert!(pooled.run(&[]).success().stdout.contains("(max_client_conn)"));
}

#[test]
fn a_console_that_is_not_up_yet_is_waited_for() {
    let cluster = with(&[]);
    let held = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    drop(held);
    let late = Pgconn::new(&["-h", "127.0.0.1", "-p", &port, "--connect-wait", "1ms", "pooler"]).on(&cluster);
    assert!(late.run().fails_with(3).stderr.contains("Connection refused"));
    let run =
        Pgconn::new(&["-h", "127.0.0.1", "-p", &port, "--connect-wait", "1h", "pooler"]).on(&cluster).spawn();
    wait_until("it waits", || run.stderr().contains("waiting to connect: "));
    run.signal(nix::sys::signal::Signal::SIGTERM);
    let _ended = run.finish().fails_with(143);
}

#[test]
fn hostile_names_stay_text() {
    let pooled = pooled("transaction", &[]);
    let _client = pooled.client("\u{1b}[31mred\u{202e}");
    let table = pooled.run(&["clients"]).success();
    assert!(table.stdout.contains("\\x1B[31mred\\u{202E}"), "{table}");
    let json = pooled.run(&["clients", "--json"]).success();
    assert!(!json.stdout.contains('\u{1b}') && !json.stdout.contains('\u{202e}'), "{json}");
}

#[test]
fn the_console_is_reached_over_tls_with_a_password() {
    let cluster = with(&[]);
    let file = |name: &str| cluster.dir.join(format!("console.{name}")).to_str().unwrap().to_owned();
    let (certificate, key, users) = (file("crt"), file("key"), file("users"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "9"])
        .args(["-out", &certificate, "-keyout", &key])
        .output()
        .expect("the tests need the openssl program");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(&users, "\"postgres\" \"secret\"\n").unwrap();
    for path in [&certificate, &key, &users] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    }
    let settings = [
        ("auth_type", "scram-sha-256"),
        ("auth_file", users.as_str()),
        ("client_tls_sslmode", "require"),
        ("client_tls_cert_file", certificate.as_str()),
        ("client_tls_key_file", key.as_str()),
    ];
    let pooler = PgBouncer::start(&cluster, &[], &settings);
    let console = |more: &str| format!("host=127.0.0.1 port={} user=postgres {more}", pooler.port);
    let run = |conninfo: &str, password: &str| {
        Pgconn::new(&["-d", conninfo, "pooler", "clients", "--json"]).env("PGPASSWORD", password).run()
    };
    let strict = console(&format!("sslmode=verify-full sslrootcert={certificate}"));
    let document = run(&strict, "secret").success().json();
    assert_eq!(document["target"]["database"], "pgbouncer", "a connection string without a database");
    let wrong = run(&strict, "wrong").fails_with(3);
    assert!(wrong.stderr.contains("auth_failed") && !wrong.stderr.contains("wrong\""), "{wrong}");
    let plain = run(&console("sslmode=disable"), "secret").fails_with(3);
    assert!(plain.stderr.contains("\"code\":\"tls\""), "{plain}");
}
