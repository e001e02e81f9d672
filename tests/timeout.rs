//! `timeout`: what a new session gets, changing it, and taking that back.

mod caution;
mod change;

use std::fmt::Write as _;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::common::{Cluster, PgBouncer, Pgconn, shared, wait_until, with, with_files};

/// The timeouts that this server has.
fn settings(cluster: &Cluster) -> Vec<&'static str> {
    let major = cluster.major();
    let since = [
        ("statement_timeout", 0),
        ("lock_timeout", 0),
        ("idle_in_transaction_session_timeout", 0),
        ("idle_session_timeout", 14),
        ("transaction_timeout", 17),
        ("client_connection_check_interval", 14),
    ];
    since.iter().filter(|(_, since)| major >= *since).map(|(name, _)| *name).collect()
}

fn timeout(cluster: &Cluster, arguments: &[&str]) -> Value {
    let arguments = [&["timeout"], arguments, &["--json"]].concat();
    Pgconn::new(&arguments).on(cluster).run().success().json()
}

/// The rows of `settings`, found by name.
fn row<'a>(document: &'a Value, name: &str) -> &'a Value {
    let rows = document["settings"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {document}"))
}

fn texts(values: &Value) -> Vec<&str> {
    values
        .as_array()
        .unwrap_or_else(|| panic!("{values}"))
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

/// Everything that is stored for roles and databases, in a form that can be compared.
fn stored(cluster: &Cluster) -> String {
    cluster.value(
        "select coalesce(json_agg(json_build_array(r.rolname, d.datname, s.setconfig) order by 1, 2)::text, '')
         from (select setrole, setdatabase, array(select unnest(setconfig) order by 1) as setconfig
               from pg_db_role_setting) s
         left join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase",
    )
}

/// What the configuration files say, last line first.
fn configured(cluster: &Cluster) -> String {
    cluster.value(
        "select coalesce(json_agg(json_build_array(sourcefile, name, setting, applied) order by seqno)::text, '')
         from pg_file_settings",
    )
}

/// Executes printed SQL, each statement by itself.
fn execute(cluster: &Cluster, statements: &Value) {
    let mut session = cluster.session();
    for statement in texts(statements) {
        session.query(statement);
    }
}

/// Waits until a fresh session sees this value of the server.
fn wait_for_value(cluster: &Cluster, name: &str, value: &str) {
    wait_until(&format!("{name} = {value}"), || cluster.value(&format!("show {name}")) == value);
}

/// PostgreSQL's words for the source of a value, in ours.
fn level(source: &str) -> &'static str {
    match source {
        "database user" => "role_in_database",
        "user" => "role",
        "database" => "database",
        "global" => "all_roles",
        "configuration file" => "server",
        "default" => "default",
        other => panic!("{other}"),
    }
}

#[test]
fn every_combination_of_levels_is_shown_as_a_fresh_session_gets_it() {
    let cluster = with(&[]);
    let mut admin = cluster.session();
    admin.query("create role app login");
    admin.query("create database shop");
    let names = settings(&cluster);
    let levels = [
        ("role in database", "alter role app in database shop", 1),
        ("role", "alter role app", 2),
        ("database", "alter database shop", 3),
        ("all roles", "alter role all", 4),
        ("server", "alter system", 5),
    ];
    let mut table =
        String::from("role in db  role  database  all roles  server | statement_timeout  set by\n");
    for mask in 0..32_u32 {
        for (bit, (_, subject, minutes)) in levels.iter().enumerate() {
            for (at, name) in names.iter().enumerate() {
                let value = minutes * 60_000 + at;
                if mask & (1 << bit) == 0 {
                    admin.query(&format!("{subject} reset {name}"));
                } else {
                    admin.query(&format!("{subject} set {name} = {value}"));
                }
            }
        }
        admin.query("select pg_reload_conf()");
        let last = names.len() - 1;
        let expected = if mask & 16 == 0 { "0".to_owned() } else { format!("{}ms", 5 * 60_000 + last) };
        let mut fresh = cluster.connect(&[("user", "app"), ("database", "shop")]).unwrap();
        if mask & 15 == 0 {
            wait_until("the server has read its configuration", || {
                fresh.query(&format!("show {}", names[last]))[0][0].as_deref() == Some(&expected)
            });
            fresh = cluster.connect(&[("user", "app"), ("database", "shop")]).unwrap();
        } else {
            // The server's value is covered by a stored one; that it has been read shows in a role without any.
            admin.query("create role plain login");
            if mask & 8 == 0 {
                wait_until("the server has read its configuration", || {
                    let mut plain = cluster.connect(&[("user", "plain"), ("database", "postgres")]).unwrap();
                    plain.query(&format!("show {}", names[last]))[0][0].as_deref() == Some(&expected)
                });
            }
            admin.query("drop role plain");
        }
        let document = timeout(&cluster, &["--role", "app", "--db", "shop"]);
        assert_eq!(document["settings"].as_array().unwrap().len(), names.len());
        for name in &names {
            let shown = row(&document, name);
            let value = fresh.query(&format!("show {name}"))[0][0].clone().unwrap();
            let source =
                fresh.query(&format!("select source from pg_settings where name = '{name}'"))[0][0].clone();
            let source = level(&source.unwrap());
            assert_eq!(
                (&shown["value"], &shown["set_by"]),
                (&json!(value), &json!(source)),
                "{mask:05b} {shown}"
            );
            assert_eq!((&shown["role"], &shown["database"]), (&json!("app"), &json!("shop")));
            if *name == "statement_timeout" {
                let mark = |bit: u32| if mask & (1 << bit) == 0 { '-' } else { 'x' };
                writeln!(
                    table,
                    "{:^10}  {:^4}  {:^8}  {:^9}  {:^6} | {value:<17}  {source}",
                    mark(0),
                    mark(1),
                    mark(2),
                    mark(3),
                    mark(4)
                )
                .unwrap();
            }
        }
    }
    println!("PostgreSQL {}\n{table}", cluster.major());
}

#[test]
fn stored_spellings_are_read_as_the_server_reads_them() {
    let cluster = with(&[]);
    let mut admin = cluster.session();
    admin.query("create role app login");
    for raw in [
        "5000", "5s", " 5 s ", "1.5min", "0x10", "010", "1e3", "500us", "0.5ms", "1.5ms", "2.5ms", "24d",
        "1.7h", "+7", "0", "0.3333h", "99999us",
    ] {
        admin.query(&format!("alter role app set statement_timeout = '{raw}'"));
        let expected =
            cluster.connect(&[("user", "app")]).unwrap().query("show statement_timeout")[0][0].clone();
        let document = timeout(&cluster, &["--role", "app", "--db", "postgres", "--kind", "statement"]);
        assert_eq!(document["settings"][0]["value"], json!(expected), "{raw:?}");
    }
    admin.query("alter role app set tcp_keepalives_idle = '1.5min'");
    admin.query("alter role app set tcp_keepalives_count = 7");
    let expected = cluster.connect(&[("user", "app")]).unwrap().query(
        "select reset_val from pg_settings where name in ('tcp_keepalives_idle', 'tcp_keepalives_count') order by name",
    );
    let document = timeout(&cluster, &["--role", "app", "--db", "postgres", "--every-kind"]);
    let (count, idle) = (row(&document, "tcp_keepalives_count"), row(&document, "tcp_keepalives_idle"));
    assert_eq!(expected.iter().map(|row| row[0].as_deref().unwrap()).collect::<Vec<_>>(), ["7", "90"]);
    assert_eq!((&count["value"], &count["value_seconds"]), (&json!("7"), &Value::Null));
    assert_eq!((&idle["value"], &idle["value_seconds"]), (&json!("90s"), &json!(90.0)));
}

#[test]
fn the_overview_lists_values_overrides_and_roles_without_a_limit() {
    let cluster = with(&[("lock_timeout", "7s")]);
    let mut admin = cluster.session();
    admin.query("create role app login");
    admin.query("create role batch login");
    admin.query("create role people");
    admin.query("create database shop");
    admin.query("alter role app set statement_timeout = '30s'");
    admin.query("alter role app in database shop set statement_timeout = 0");
    let outcome = Pgconn::new(&["timeout", "--kind", "statement,lock"]).on(&cluster).run().success();
    assert_eq!(outcome.stderr, "");
    assert_eq!(
        outcome.stdout,
        "of the server\n\
         SETTING            VALUE  SET BY\n\
         statement_timeout    off  default\n\
         lock_timeout          7s  server\n\
         \n\
         stored for roles and databases\n\
         SETTING            ROLE  DATABASE  VALUE\n\
         statement_timeout  app   shop        off\n\
         statement_timeout  app   (any)       30s\n\
         \n\
         roles that can log in without a statement_timeout\n\
         ROLE      DATABASE  STATEMENT_TIMEOUT\n\
         app       shop                    off\n\
         batch     (any)                   off\n\
         postgres  (any)                   off\n"
    );
    let all = timeout(&cluster, &["--every-role", "--kind", "statement"]);
    let rows = all["settings"].as_array().unwrap();
    let app: Vec<_> = rows.iter().filter(|row| row["role"] == "app").collect();
    assert_eq!((&app[0]["database"], &app[0]["value_seconds"]), (&json!("shop"), &json!(0.0)));
    assert_eq!((&app[1]["database"], &app[1]["value_seconds"]), (&Value::Null, &json!(30.0)));
    assert!(rows.iter().all(|row| row["role"] != "people"));
    let outcome = Pgconn::new(&["timeout", "--role", "people"]).on(&cluster).run().success();
    assert!(outcome.stderr.starts_with("warning: role \"people\" cannot log in"), "{outcome}");
    let tsv =
        Pgconn::new(&["timeout", "-F", "tsv", "--role=app", "--kind=lock"]).on(&cluster).run().success();
    assert_eq!(
        tsv.stdout,
        "list\tname\trole\tdatabase\tvalue_seconds\tvalue\tset_by\tserver_value_known\tsql\n\
         settings\tlock_timeout\tapp\t\t7\t7s\tserver\ttrue\t\n"
    );
}

#[test]
fn what_this_session_cannot_know_is_unknown() {
    let cluster = with(&[]);
    cluster.query("create role app login");
    cluster.query("create role other login");
    cluster.query("alter role other set statement_timeout = '1min'");
    let arguments = ["timeout", "--role", "app", "--kind", "statement", "-U", "other", "--json"];
    let document = Pgconn::new(&arguments).on(&cluster).run().success().json();
    let shown = &document["settings"][0];
    assert_eq!(
        (&shown["value"], &shown["value_seconds"], &shown["set_by"], &shown["server_value_known"]),
        (&Value::Null, &Value::Null, &Value::Null, &json!(false))
    );
    assert_eq!(document["warnings"][0]["code"], "server_value_unknown");
    let overview = Pgconn::new(&["timeout", "-U", "other", "--json"]).on(&cluster).run().success().json();
    let without = overview["login_roles_without_statement_timeout"].as_array().unwrap();
    assert!(without.iter().any(|row| row["role"] == "app" && row["value_seconds"].is_null()), "{overview}");
    assert!(without.iter().all(|row| row["role"] != "other"));
}

#[test]
fn for_one_session_or_transaction_the_statement_is_printed_and_no_server_is_asked() {
    let outcome = Pgconn::new(&["timeout", "set", "30s", "--session"]).run().success();
    assert!(outcome.stdout.starts_with("SET statement_timeout = '30s';\n"), "{outcome}");
    for form in [
        "PGOPTIONS='-c statement_timeout=30000'",
        "?options=-c%20statement_timeout%3D30000",
        "new Pool({ statement_timeout: 30000 })",
    ] {
        assert!(outcome.stdout.contains(form), "{outcome}");
    }
    assert!(
        outcome.stderr.starts_with("warning: through a pooler in transaction mode SET reaches other clients")
    );
    let outcome =
        Pgconn::new(&["timeout", "set", "off", "--transaction", "--kind", "lock", "--json"]).run().success();
    let document = outcome.json();
    assert_eq!(document["statements"], json!(["SET LOCAL lock_timeout = '0'"]));
    assert_eq!((&document["target"], &document["server"]), (&Value::Null, &Value::Null));
    let _ =
        Pgconn::new(&["timeout", "set", "5s", "--transaction", "--kind", "idle-session"]).run().fails_with(2);
    let _ = Pgconn::new(&["timeout", "set", "5s", "--transaction", "--role", "app"]).run().fails_with(2);
}

#[test]
fn the_printed_statement_and_options_do_what_they_say() {
    let cluster = with(&[]);
    let printed = |kind: &str| {
        Pgconn::new(&["timeout", "set", "30s", kind, "--kind", "statement,lock", "--json"])
            .run()
            .success()
            .json()
    };
    let mut session = cluster.session();
    for statement in texts(&printed("--session")["statements"]) {
        session.query(statement);
    }
    assert_eq!(session.query("show statement_timeout")[0][0].as_deref(), Some("30s"));
    let session_forms = printed("--session");
    let form =
        session_forms["forms"].as_array().unwrap().iter().find(|form| form["target"] == "connection string");
    let options = form.unwrap()["text"].as_str().unwrap();
    let options = options.strip_prefix("options='").unwrap().strip_suffix('\'').unwrap();
    let mut session = cluster.connect(&[("options", options)]).unwrap();
    assert_eq!(session.query("show lock_timeout")[0][0].as_deref(), Some("30s"));
    let mut session = cluster.session();
    session.query("begin");
    for statement in texts(&printed("--transaction")["statements"]) {
        session.query(statement);
    }
    assert_eq!(session.query("show lock_timeout")[0][0].as_deref(), Some("30s"));
    session.query("commit");
    assert_eq!(session.query("show lock_timeout")[0][0].as_deref(), Some("0"));
}
